/* Kernels divided among threads.
 *
 * requires: finished kernels, regions without offsets. maintains: what a kernel computes, whatever the order
 * of its parts. breaks: nothing.
 *
 * A kernel of `parts` > 1 is called once for each part, at any time and on any thread. Every call runs all of
 * the body, but of each loop marked parallel, with n iterations, only those from n*part/parts on and before
 * n*(part + 1)/parts; a block marked parallel is done by the last part alone. So on the way to each store to
 * memory that the parts share there is one parallel loop or block, and what is outside of them every part does
 * for itself. It is right if
 *
 *   - variables and arrays that a parallel loop or block sets are declared in it;
 *   - no two parts touch the same element of memory that the kernel writes, unless both read it.
 *
 * The second is proved for each pair of accesses from their indices, as mixed radix numbers: see apart().
 * Scratch of stages is computed anew in each step of the kernel's outer loops (group.c): if one of these is
 * divided, each part gets a copy. */
#include "lower.h"

#include <math.h>

/* what it costs, in nanoseconds, and what a part must be worth: a fork and join takes half a microsecond.
 * Test builds divide what they can */
#ifdef ZN_CHECKS
enum { WORTH = 1 };
#else
enum { WORTH = 1000 };
#endif
static const struct { double op, load, store, call, part; } price = {0.1, 0.2, 0.2, 6, WORTH};

enum { DEPTH = 4, MAX_ACCESS = 64 };  /* loops that are tried; accesses of one memory */

/* ---- costs */

typedef struct Time { double all, part; } Time;        /* of the whole kernel; of its longest part */

/* private arrays are registers, more or less */
static bool
add_load(const Expr *e, void *arg)
{
	*(double *)arg += e->op == E_LOAD && e->u.mem->space == SP_PARAM ? price.load : 0;
	return false;
}

static double
expr_time(const Expr *e)
{
	Cost c = ex_cost(e);
	double t = c.flops * price.op + c.calls * price.call;

	ex_any(e, add_load, &t);
	return t;
}

static Time
stmt_time(const Stmt *s, int parts)
{
	Time t = {0}, u;
	double n;

	if (!s)
		return t;
	if (s->e)
		t.all += expr_time(s->e);
	if (s->op == S_STORE && s->mem->space == SP_PARAM)
		t.all += price.store;
	t.part = t.all;
	for (int i = -2; i < s->list.n; i++) {
		u = stmt_time(i == -2 ? s->body : i == -1 ? s->other : s->list.p[i], parts);
		t.all += u.all;
		t.part += u.part;
	}
	if (s->op == S_BLOCK && s->kind == F_PARALLEL)
		t.part = t.all;
	if (s->op != S_FOR)
		return t;
	n = ix_estimate(ix_atom(s->var)->a);
	if (s->kind == F_LANES)
		n = 1;
	t.part *= s->kind == F_PARALLEL ? ceil(n / parts) : n;
	t.all *= n;
	return t;
}

/* ---- what a kernel touches */

static bool
is_var(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_VAR || a->kind == IX_EXPR;
}

typedef struct Access {
	const Stmt *loop;        /* the parallel one around it */
	const Mem *mem;
	Ix ix;
	bool store;
} Access;

typedef struct Par {
	Kern *k;
	int parts;
	const Stmt *loop;        /* the parallel one that is open */
	bool steps;              /* it is one of the outer loops: scratch of stages belongs to the part */
	Map *home;               /* Var, private Mem -> the parallel loop in which it is declared, or k */
	VEC(Access) access;
	VEC(struct { const IxAtom *var; Ix as; }) narrow;  /* variables that conditions bound */
	bool fails;
} Par;

static bool
is_shared(const Par *p, const Mem *m)
{
	return m->space == SP_PARAM && m->written && !(p->steps && m->step);
}

static Ix
narrowed(const IxAtom *a, void *arg)
{
	const Par *p = arg;

	for (int i = 0; i < p->narrow.n; i++)
		if (p->narrow.p[i].var == a)
			return p->narrow.p[i].as;
	return NULL;
}

/* where e holds n - i > 0 (or n - 1 - i >= 0): i is a variable below n */
static void
narrow(Par *p, const Expr *e)
{
	Ix n, c, rest;
	const IxAtom *a;

	if (e->op == E_AND) {
		narrow(p, e->a[0]);
		narrow(p, e->a[1]);
	}
	if ((e->op != E_GT && e->op != E_GE) || e->a[0]->op != E_IX)
		return;
	if (e->a[1]->op != E_CONST || e->a[1]->u.bits)
		return;
	n = e->a[0]->ix[0];
	for (int i = 0; i < n->n; i++) {
		a = n->t[i].a[0];
		if (n->t[i].n != 1 || n->t[i].c != -1 || a->kind != IX_VAR || narrowed(a, p) ||
		    (p->loop && ix_of(a) == p->loop->var) || !(c = ix_coef(n, a, &rest)) || !ix_is(c, -1))
			continue;
		rest = ix_addc(rest, e->op == E_GE);
		if (!ix_any(rest, is_var, NULL)) {
			push(&p->narrow, ((__typeof__(*p->narrow.p)){a, ix_var(a->id + (1 << 25), rest)}));
			return;
		}
	}
}

static void
note_access(Par *p, const Mem *m, Ix ix, bool store)
{
	Access a = {p->loop, m, ix, store};

	if (!is_shared(p, m))
		return;
	if (p->narrow.n)
		a.ix = ix = ix_subst(ix, narrowed, p);
	p->fails |= !p->loop || (m->packed && dtype_info[m->dt].bits < 8);
	for (int i = 0; i < p->access.n; i++)
		if (p->access.p[i].loop == a.loop && p->access.p[i].mem == m && p->access.p[i].ix == ix &&
		    p->access.p[i].store == store)
			return;
	p->fails |= p->access.n >= MAX_ACCESS;
	if (!p->fails)
		push(&p->access, a);
}

static bool
note_load(const Expr *e, void *arg)
{
	if (e->op == E_LOAD)
		note_access(arg, e->u.mem, e->ix[0], false);
	return false;
}

static void
note_expr(Par *p, const Expr *e)
{
	if (e)
		ex_any(e, note_load, p);
}

static void
note_ix(Par *p, Ix ix)
{
	if (ix)
		ex_any(ex_ix(ix), note_load, p);
}

static void
declare(Par *p, const void *what)
{
	*map_at_ptr(p->home, what) = (void *)(uintptr_t)(p->loop ? (const void *)p->loop : p->k);
}

/* may it be set here? */
static void
set(Par *p, const void *what)
{
	p->fails |= p->loop && map_ptr(p->home, what) != p->loop;
}

static void
note_stmt(Par *p, const Stmt *s)
{
	const Stmt *outer = p->loop;
	int n = p->narrow.n;

	if (!s || p->fails)
		return;
	note_expr(p, s->e);
	note_ix(p, s->ix);
	if (s->op == S_FOR)
		note_ix(p, ix_atom(s->var)->a);
	if (s->op == S_LET)
		declare(p, s->v);
	if (s->op == S_SET)
		set(p, s->v);
	if (s->op == S_ARRAY)
		declare(p, s->mem);
	if (s->op == S_STORE && s->mem->space != SP_PARAM)
		set(p, s->mem);
	if (s->op == S_STORE)
		note_access(p, s->mem, s->ix, true);
	if (s->kind == F_PARALLEL)
		p->loop = s;
	for (int i = 0; i < s->list.n; i++)
		note_stmt(p, s->list.p[i]);
	if (s->op == S_IF)
		narrow(p, s->e);
	note_stmt(p, s->body);
	p->narrow.n = n;
	note_stmt(p, s->other);
	p->loop = outer;
}

/* ---- proofs */

static Ix
renamed(const IxAtom *a, void *arg)
{
	return a->kind == IX_VAR ? ix_var(a->id + (1 << 24), ix_subst(a->a, renamed, arg)) : NULL;
}

static bool
is_expr(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_EXPR;
}

/* the first atom of p that is no symbol, nor made of symbols */
static const IxAtom *
loose(Ix p)
{
	for (int i = 0; i < p->n; i++)
		for (int j = 0; j < p->t[i].n; j++)
			if (ix_any(ix_of(p->t[i].a[j]), is_var, NULL))
				return p->t[i].a[j];
	return NULL;
}

/* ix = m*(something whole) + *digit * v + *rest, without v in *rest; m, v NULL: nothing is taken away */
static bool
digits(Ix ix, const IxAtom *v, Ix m, Ix *digit, Ix *rest)
{
	const IxAtom *a;
	Ix c, in = ix_int(0);

	if (!(*digit = v ? ix_coef(ix, v, &ix) : in))
		return false;
	while ((a = loose(ix))) {
		if (!(c = ix_coef(ix, a, &ix)))
			return false;
		if (m && ix_is(ix_mod(c, m), 0))
			continue;
		if ((v && ix_has(ix_of(a), v)) || ix_any(ix_of(a), is_expr, NULL))
			return false;
		in = ix_add(in, ix_mul(c, ix_of(a)));
	}
	if (m && !loose(c = ix_mod(ix, m)))
		ix = c;
	*rest = ix_add(in, ix);
	return true;
}

/* |d| <= room, whatever the variables are */
static bool
within(Ix d, Ix room)
{
	return ix_ge0(ix_sub(room, d)) && ix_ge0(ix_add(room, d));
}

static const IxAtom *
var_of(const Stmt *loop)
{
	return loop->op == S_FOR ? ix_atom(loop->var) : NULL;
}

/* c*v, if it is no multiple of m */
static Ix
inside(Ix c, const IxAtom *v, Ix m)
{
	return v && !(m && ix_is(ix_mod(c, m), 0)) ? ix_mul(c, ix_of(v)) : ix_int(0);
}

/* Two accesses by different parts never meet. Modulo m (or not at all) either
 *
 *   a = c*v + r, b = c*w + s, v and w the variables of loops that are divided alike, hence v != w, with
 *   |r - s| < c and |c*(v - w) + r - s| < m; or
 *   a and b lie in intervals apart from each other, both in one of length m */
static bool
apart_mod(const Access *a, const Access *b, Ix m)
{
	const IxAtom *v = var_of(a->loop), *w = var_of(b->loop);
	Ix c, e, r, s, d, t;

	if (!digits(a->ix, v, m, &c, &r) || !digits(b->ix, w, m, &e, &s))
		return false;
	d = ix_sub(r, ix_subst(s, renamed, NULL));
	for (int k = -1; k <= 1; k++) {
		t = k && m ? ix_add(d, ix_mulc(m, k)) : d;
		if (v && w && v->a == w->a && c == e && within(t, ix_addc(c, -1)) &&
		    (!m || within(t, ix_addc(ix_sub(m, ix_mul(c, ix_addc(v->a, -1))), -1))))
			return true;
		if (a->loop == b->loop)
			continue;
		t = ix_add(t, ix_sub(inside(c, v, m), ix_subst(inside(e, w, m), renamed, NULL)));
		if ((!m || within(t, ix_addc(m, -1))) &&
		    (ix_gt0(t) || ix_lt0(t)))
			return true;
	}
	return false;
}

static bool
apart(const Access *a, const Access *b)
{
	const IxAtom *x;
	Ix ix = a->ix, m;

	if (a->loop->op != S_FOR && b->loop->op != S_FOR)
		return true;         /* both the last part's */
	if (apart_mod(a, b, NULL))
		return true;
	while ((x = loose(ix))) {
		m = ix_coef(ix, x, &ix);
		if (!m)
			return false;
		if (ix_gt0(ix_addc(m, -1)) && apart_mod(a, b, m))
			return true;
	}
	return false;
}

/* no order of the parts makes a difference, with the loops that are marked */
static bool
independent(Par *p)
{
	const Access *a, *b;

	p->home = map_new();
	p->access.n = 0;
	p->loop = NULL;
	p->fails = false;
	note_stmt(p, p->k->body);
	for (int i = 0; i < p->access.n && !p->fails; i++)
		for (int j = i; j < p->access.n && !p->fails; j++) {
			a = &p->access.p[i];
			b = &p->access.p[j];
			p->fails = a->mem == b->mem && (a->store || b->store) && !apart(a, b);
		}
	return !p->fails;
}

/* ---- choice */

static bool
is_loop(const Stmt *s)
{
	return s->op == S_FOR && (s->kind == F_SERIAL || s->kind == F_PARALLEL) &&
		!ix_is(ix_atom(s->var)->a, 1);
}

static bool
stores(const Stmt *s)
{
	if (!s)
		return false;
	if ((s->op == S_STORE && s->mem->space == SP_PARAM) || stores(s->body) || stores(s->other))
		return true;
	for (int i = 0; i < s->list.n; i++)
		if (stores(s->list.p[i]))
			return true;
	return false;
}

static const char added[] = "";  /* Stmt.text of blocks that were not there */

/* what no loop divides becomes the last part's */
static void
mark_block(Stmt **s)
{
	Stmt *b = *s;

	if (b->op != S_BLOCK) {
		b = st_block();
		b->text = added;
		st_add(b, *s);
		*s = b;
	}
	b->kind = F_PARALLEL;
}

/* marks the loop that has `depth` others around it on the way to each store, or the last one there is; where
 * there is none a block, if that is allowed, and else returns false */
static bool
mark(Stmt *s, int depth, bool blocks)
{
	bool ok;

	if (!stores(s))
		return true;
	if (is_loop(s) && depth == 0) {
		s->kind = F_PARALLEL;
		return true;
	}
	ok = s->op != S_STORE && mark(s->body, depth - is_loop(s), blocks) && mark(s->other, depth, blocks);
	for (int i = 0; i < s->list.n; i++)
		if (!mark(s->list.p[i], depth, blocks)) {
			if (blocks)
				mark_block(&s->list.p[i]);
			ok = ok && blocks;
		}
	if (!ok && is_loop(s))
		s->kind = F_PARALLEL;
	return ok || is_loop(s);
}

static void
clear(Stmt *s, void *arg)
{
	(void)arg;
	if (s->kind == F_PARALLEL)
		s->kind = F_SERIAL;
	for (int i = 0; i < s->list.n; i++)
		while (s->list.p[i]->text == added)
			s->list.p[i] = s->list.p[i]->list.p[0];
}

/* marks inside a marked loop mean nothing */
static void
outermost(Stmt *s, bool inside)
{
	if (!s)
		return;
	if (inside)
		clear(s, NULL);
	inside |= s->kind == F_PARALLEL;
	for (int i = 0; i < s->list.n; i++)
		outermost(s->list.p[i], inside);
	outermost(s->body, inside);
	outermost(s->other, inside);
}

/* is one of the kernel's outer loops marked? */
static bool
marks_step(const Kern *k)
{
	const Stmt *s = k->body;

	for (int i = 0; i < k->nouter; i++) {
		s = s->list.n == 1 ? s->list.p[0] : NULL;
		if (!s || s->op != S_FOR)
			return false;
		if (s->kind == F_PARALLEL)
			return true;
		s = s->body;
	}
	return false;
}

/* marks the loops at that depth, if that is right */
static bool
try_depth(Par *p, int depth)
{
	st_each(p->k->body, clear, NULL);
	if (!mark(p->k->body, depth % DEPTH, depth >= DEPTH))
		return false;
	outermost(p->k->body, false);
	p->steps = marks_step(p->k);
	return independent(p);
}

/* marks loops of the body, those whose division makes it shortest; outer ones if that is about the same. how:
 * 1 one of the outer loops, 0 none of them, -1 any */
static bool
divide(Par *p, int how)
{
	double best = stmt_time(p->k->body, 1).all - price.part;
	int depth = -1;
	Time t;

	for (int d = 0; d < 2 * DEPTH; d++) {
		if (!try_depth(p, d) || (how >= 0 && p->steps != how))
			continue;
		t = stmt_time(p->k->body, p->parts);
		if (t.part < 0.95 * best) {
			best = t.part;
			depth = d;
		}
	}
	st_each(p->k->body, clear, NULL);
	return depth >= 0 && try_depth(p, depth);
}

/* ---- the program */

static bool
has_scratch(const Kern *k)
{
	for (int i = 0; i < k->param.n; i++)
		if (k->param.p[i]->step)
			return true;
	return false;
}

/* a copy of the scratch of stages for each part, at whole cache lines */
static void
copies(const Stmt *call, int parts)
{
	for (int i = 0; i < call->arg.n; i++) {
		Mem *m = call->kern->param.p[i];
		int64_t line = 64 / (int64_t)dt_size(m->dt);
		if (!m->step)
			continue;
		m->each = true;
		m->size = ix_mulc(ix_cdiv(m->size, ix_int(line)), line);
		call->arg.p[i].mem->size = ix_mulc(m->size, parts);
	}
}

/* The widest variant decides into how many parts, and what scratch is a part's own. A variant that cannot do
 * so is the work of part 0: its body stays without parallel loops. */
static void
divide_call(const Stmt *call, int threads)
{
	Kern *k = call->kern, *first = k->variant.n ? k->variant.p[0] : k, *v;
	Par p = {.k = first};
	double worth = stmt_time(first->body, 1).all / price.part;
	int how;

	p.parts = worth < threads ? (int)worth : threads;
	if (k->heap || k->parts > 1 || p.parts < 2 || !divide(&p, -1))
		return;
	how = has_scratch(k) ? p.steps : -1;
	if (p.steps)
		copies(call, p.parts);
	for (int i = 0; i <= k->variant.n; i++) {
		v = i < k->variant.n ? k->variant.p[i] : k;
		v->parts = p.parts;
		if (v != first)
			divide(&(Par){.k = v, .parts = p.parts}, how);
	}
	kern_finish(k);
}

static void
visit(Stmt *s, void *arg)
{
	const Options *o = arg;

	if (s->op == S_CALL)
		divide_call(s, o->threads);
}

void
parallel_program(Program *g, const Options *o)
{
	if (o->threads > 1)
		st_each(g->body, visit, (void *)(uintptr_t)o);
}
