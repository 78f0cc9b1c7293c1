/* A group of stages as a kernel: loops, accumulators, loads through places.
 *
 * requires: places of everything that is read or written. The loops of a stage run over its axes in order; a
 * reduction is computed as soon as the axes that it depends on are open, so one that does not use the inner
 * axes is outside them.
 */
#include "lower.h"
#include "nest.h"
#include "family.h"
#include <ctype.h>

Ix nest_var(Nest *n, Ix extent)
{
	return ix_var(FIRST_TILE + n->nloop++, extent);
}

Stmt *nest_scope(Stmt *b)
{
	Stmt *in = st_block();

	st_add(b, in);
	return in;
}

Stmt *nest_loop(Nest *n, Stmt *b, Ix count, Ix *v)
{
	*v = ix_is(count, 1) ? ix_int(0) : nest_var(n, count);
	return ix_is(count, 1) ? nest_scope(b) : st_for(b, *v, F_SERIAL);
}

Stmt *nest_unrolled(Nest *n, Stmt *b, int count, Ix *v)
{
	*v = count == 1 ? ix_int(0) : nest_var(n, ix_int(count));
	return count == 1 ? b : st_for(b, *v, F_UNROLLED);
}

/* ---- operands */

Mem *nest_param(Nest *n, Mem *region, Ix off, const char *name)
{
	Mem *m;

	for (int i = 0; i < n->call->arg.n; i++)
		if (n->call->arg.p[i].mem == region && n->call->arg.p[i].off == off)
			return n->k->param.p[i];
	m = kern_param(n->k, name, region->dt, ix_sub(region->size, off), region->packed);
	m->value = region->value;
	push(&n->call->arg, ((Arg){ region, off }));
	return m;
}

static const Stage *stage_of(const Nest *n, const Value *v)
{
	for (int i = 0; n->g && i < n->g->stage.n; i++)
		if (n->g->stage.p[i].v == v)
			return &n->g->stage.p[i];
	return NULL;
}

static Ix stage_flat(const Stage *s, const Ix *ix)
{
	Ix at = ix_int(0);

	for (int i = 0; i < s->v->rank; i++)
		at = ix_add(at, ix_mul(ix_sub(ix[i], s->lo[i]), s->stride[i]));
	return at;
}

typedef struct At { Mem *mem; Ix ix; } At;

static At at_packed(Nest *n, Packed *p, const Ix *ix)
{
	Ix row = p->span ? ix_mod(ix[p->lane], ix_int(p->span)) : ix[p->lane], at = ix_mod(row, ix_int(p->block));

	if (p->deep)
		at = ix_add(ix_mulc(at, 4), ix_mod(ix[p->deep - 1], ix_int(4)));
	if (p->span)
		at = ix_add(at, ix_mul(ix_div(ix[p->lane], ix_int(p->span)), p->span_stride));
	for (int i = 0; i < p->value->rank; i++) {
		int64_t unit = i == p->lane ? p->block : i + 1 == p->deep ? 4 : 1;
		at = ix_add(at, ix_mul(ix_div(i == p->lane ? row : ix[i], ix_int(unit)), p->stride[i]));
	}
	if (!p->mem)
		p->mem = weight_packed(n->lo, p->value, p->nlevel, p->level);
	return (At){ nest_param(n, p->mem, ix_int(0), "w"), at };
}

/* where an element lies that is in memory */
static At at_value(Nest *n, Value *v, const Ix *ix)
{
	const Stage *s = stage_of(n, v);
	Place *p;

	for (int i = 0; n->packs && i < n->packs->n; i++)
		if (n->packs->p[i]->value == v)
			return at_packed(n, n->packs->p[i], ix);
	if (s && s->mem)
		return (At){ s->mem, stage_flat(s, ix) };
	p = place_of(n->lo, v);
	return (At){ nest_param(n, p->mem, place_base(p), v->data ? "w" : "x"), place_index(p, ix, v->rank) };
}

Expr *nest_load(Nest *n, Value *v, const Ix *ix)
{
	const Stage *s = stage_of(n, v);
	At at;

	if (s && s->var)
		return ex_var(s->var);
	at = at_value(n, v, ix);
	return ex_load(at.mem, at.ix);
}

Expr *nest_word(Nest *n, Value *v, const Ix *ix)
{
	Ix own[v->rank + 1];
	At at;

	for (int i = 0; i < v->rank; i++)
		own[i] = nest_index(n, ix[i]);
	at = at_value(n, v, own);
	return ex_load4(at.mem, at.ix);
}

Ix nest_flat(Nest *n, Value *v, const Ix *ix)
{
	const Stage *s = stage_of(n, v);

	if (s && s->var)
		return ix_int(0);
	return s && s->mem ? stage_flat(s, ix) : place_flat(place_of(n->lo, v), ix, v->rank);
}

static Expr *load_cb(const Expr *e, void *arg)
{
	Ix ix[e->nix + 1];

	if (e->op != E_TLOAD)
		return NULL;
	for (int i = 0; i < e->nix; i++)
		ix[i] = nest_index(arg, e->ix[i]);
	return nest_load(arg, e->u.value, ix);
}

Expr *nest_loads(Nest *n, const Expr *e)
{
	return ex_subst(e, load_cb, NULL, n);
}

static bool is_expr_atom(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_EXPR;
}

Ix nest_index(Nest *n, Ix ix)
{
	if (!ix_any(ix, is_expr_atom, NULL))
		return ix;
	return ex_as_ix(nest_loads(n, ex_ix(ix)), NULL, NULL);
}

/* ---- reductions */

Expr *reduce_identity(ROp r, DType dt)
{
	static const double low = -HUGE_VAL;

	switch (r) {
	case R_SUM: return ex_int(dt, 0);
	case R_PROD: return ex_int(dt, 1);
	case R_AND: return ex_bits(dt, dt == DT_BOOL ? 1 : ~0ull >> (64 - dtype_info[dt].bits));
	case R_OR: return ex_bits(dt, 0);
	case R_MIN: case R_MAX: break;
	case NROP: bug("reduction");
	}
	if (dt_float(dt))
		return ex_float(dt, r == R_MAX ? low : -low);
	if (dt == DT_BOOL)
		return ex_bits(dt, r == R_MIN);
	if (dt_signed(dt))
		return ex_int(dt, r == R_MAX ? (int64_t)(~0ull << (dtype_info[dt].bits - 1))
			: (int64_t)(~0ull >> (65 - dtype_info[dt].bits)));
	return ex_bits(dt, r == R_MAX ? 0 : ~0ull >> (64 - dtype_info[dt].bits));
}

Expr *reduce_combine(ROp r, Expr *a, Expr *b)
{
	static const EOp op[NROP] = { [R_SUM] = E_ADD, [R_PROD] = E_MUL, [R_MIN] = E_MIN, [R_MAX] = E_MAX,
		[R_AND] = E_AND, [R_OR] = E_OR };

	if (a->dt == DT_BOOL)
		return ex_bin(r == R_SUM || r == R_MAX || r == R_OR ? E_OR : E_AND, a, b);
	return ex_bin(op[r], a, b);
}

Expr *reduce_term(const Nest *n, ROp r, Expr *acc, Expr *x)
{
	if (n->lane && r == R_SUM && x->dt == DT_F32 && x->op == E_MUL)
		return ex_fma(x->a[0], x->a[1], acc);
	return reduce_combine(r, acc, x);
}

/* e computed in f64: products too, since rounding them first would lose what the accumulator keeps */
static Expr *widen(const Expr *e)
{
	if (e->op == E_MUL)
		return ex_bin(E_MUL, widen(e->a[0]), widen(e->a[1]));
	return ex_cast(DT_F64, (Expr *)e);
}

DType reduce_dtype(const Nest *n, const Expr *e)
{
	bool sums = e->u.rop == R_SUM || e->u.rop == R_PROD;

	if (e->dt != DT_F32 || !sums || n->lane)
		return e->dt;
	return n->lo->opt->opt == 0 || e->a[0]->op != E_MUL ? DT_F64 : DT_F32;
}

Expr *reduce_body(const Nest *n, const Expr *e)
{
	return reduce_dtype(n, e) == e->dt ? e->a[0] : widen(e->a[0]);
}

/* ---- settling: expressions without REDUCE, by statements put into `block` */

typedef struct Settle {
	Nest *n;
	Stmt *block;
	const Ix *closed;        /* axes that are not open yet: reductions that use them must wait */
	int nclosed;
} Settle;

bool has_reduce(const Expr *e)
{
	return e->reduces;
}

bool uses_axis(const Expr *e, const Ix *axis, int n)
{
	for (int i = 0; i < n; i++) {
		const IxAtom *a = ix_atom(axis[i]);
		if (a && a->kind == IX_VAR && ex_has_var(e, a))
			return true;
	}
	return false;
}

static Expr *conditions(const Expr *e)
{
	Expr *c = NULL;

	for (int i = 0; i < e->nix; i++) {
		Expr *t = ex_bin(E_GE, ex_ix(e->ix[i]), ex_int(DT_I64, 0));
		c = c ? ex_bin(E_AND, c, t) : t;
	}
	return c;
}

/* guard or select with a reduction in an arm: the arm that is not chosen must not run */
static Expr *settle_choice(Settle *s, const Expr *e)
{
	bool guard = e->op == E_GUARD;
	Expr *cond = nest_loads(s->n, guard ? conditions(e) : nest_settle(s->n, s->block, e->a[0]));
	Var *v = st_let(s->block, s->n->k, "t", reduce_identity(R_SUM, e->dt));
	Stmt *yes = st_if(s->block, cond), *no = st_else(s->block);

	st_set(yes, v, nest_loads(s->n, nest_settle(s->n, yes, e->a[guard ? 0 : 1])));
	st_set(no, v, nest_loads(s->n, nest_settle(s->n, no, e->a[guard ? 1 : 2])));
	return ex_var(v);
}

typedef struct Block { const IxAtom *var; Ix by; } Block;

static Ix in_block(const IxAtom *a, void *arg)
{
	const Block *k = arg;

	return a == k->var ? k->by : NULL;
}

enum { BLOCK = 64 };

/* a long float sum in vectors goes through partial sums, of BLOCK terms or of its inner loops: rounding errors grow with
 * the number of terms of one sum */
static Expr *settle_long_sum(Nest *n, Stmt *b, const Expr *e)
{
	Var *acc = st_let(b, n->k, "acc", ex_float(DT_F32, 0)), *part;
	const IxAtom *r = ix_atom(e->ix[0]);
	Block k = { r, e->ix[0] };
	Stmt *out, *in;
	Ix o, i;

	if (e->nix > 1) {
		in = out = st_for(b, e->ix[0], F_SERIAL);
		part = st_let(in, n->k, "part", ex_float(DT_F32, 0));
	} else {
		o = nest_var(n, ix_cdiv(r->a, ix_int(BLOCK)));
		out = st_for(b, o, F_SERIAL);
		part = st_let(out, n->k, "part", ex_float(DT_F32, 0));
		i = nest_var(n, ix_min(ix_int(BLOCK), ix_sub(r->a, ix_mulc(o, BLOCK))));
		k.by = ix_add(ix_mulc(o, BLOCK), i);
		in = st_for(out, i, F_SERIAL);
	}
	for (int j = 1; j < e->nix; j++)
		in = st_for(in, e->ix[j], F_SERIAL);
	st_set(in, part, reduce_combine(R_SUM, ex_var(part),
		nest_loads(n, nest_settle(n, in, ex_subst_ix(e->a[0], in_block, &k)))));
	st_set(out, acc, reduce_combine(R_SUM, ex_var(acc), ex_var(part)));
	return ex_var(acc);
}

bool long_sum(const Expr *e)
{
	double terms = 1;

	for (int i = 0; i < e->nix; i++)
		terms *= ix_estimate(ix_atom(e->ix[i])->a);
	return e->u.rop == R_SUM && e->dt == DT_F32 && e->a[0]->op != E_MUL && terms >= 2 * BLOCK;
}

static Expr *settle_reduce(Nest *n, Stmt *b, const Expr *e)
{
	DType dt = reduce_dtype(n, e);
	Var *acc = n->isa && !n->lane ? lanes_reduce(n, b, e) : NULL;
	Stmt *in = b;
	Expr *x;

	if (acc)
		return ex_var(acc);
	if (n->lane && long_sum(e))
		return settle_long_sum(n, b, e);
	acc = st_let(b, n->k, "acc", reduce_identity(e->u.rop, dt));
	for (int i = 0; i < e->nix; i++)
		in = st_for(in, e->ix[i], F_SERIAL);
	x = nest_loads(n, nest_settle(n, in, reduce_body(n, e)));
	st_set(in, acc, reduce_term(n, e->u.rop, ex_var(acc), x));
	return ex_cast(e->dt, ex_var(acc));
}

static Expr *settle_cb(const Expr *e, void *arg)
{
	Settle *s = arg;

	if (!has_reduce(e))
		return (Expr *)e;
	if (e->op == E_REDUCE)
		return uses_axis(e, s->closed, s->nclosed) ? (Expr *)e : settle_reduce(s->n, s->block, e);
	if ((e->op == E_GUARD || e->op == E_SELECT) && (has_reduce(e->a[0]) || has_reduce(e->a[1]) ||
	    (e->n > 2 && has_reduce(e->a[2]))))
		return s->nclosed ? (Expr *)e : settle_choice(s, e);
	return NULL;
}

static Expr *settle_open(Nest *n, Stmt *b, const Expr *e, const Ix *closed, int nclosed)
{
	Settle s = { n, b, closed, nclosed };

	return has_reduce(e) ? ex_subst(e, settle_cb, NULL, &s) : (Expr *)e;
}

Expr *nest_settle(Nest *n, Stmt *b, const Expr *e)
{
	return settle_open(n, b, e, NULL, 0);
}

/* ---- stages */

void nest_store_at(Nest *n, Stmt *b, const Stage *s, const Ix *at, Expr *e)
{
	Place *p;

	e = nest_loads(n, nest_settle(n, b, e));
	if (s->var) {
		st_set(b, s->var, e);
	} else if (s->mem) {
		st_store(b, s->mem, stage_flat(s, at), e);
	} else {
		p = s->v->place;
		st_store(b, nest_param(n, p->mem, place_base(p), "y"), place_index(p, at, s->v->rank), e);
	}
}

static void nest_store(Nest *n, Stmt *b, const Stage *s, Expr *e)
{
	nest_store_at(n, b, s, s->at, e);
}

void nest_axes(Nest *n, Stmt *b, const Stage *s, int k, Expr *body)
{
	body = settle_open(n, b, body, s->loop + k, s->nloop - k);
	if (family_build(n, b, s, k, body))
		return;
	if (k == s->nloop) {
		nest_store(n, b, s, body);
		return;
	}
	nest_axes(n, st_for(b, s->loop[k], F_SERIAL), s, k + 1, body);
}

/* ---- names */

/* after its operators in the order of the work; nodes[0] is the root's */
static void kernel_name(Nest *n, const Info *in)
{
	const char *hint = n->g->root->out->hint, *last = "", *word[4], *w;
	Buf name = { 0 }, note = { 0 };
	int words = 0;

	for (int i = 0; i < in->nodes.n && words < LEN(word); i++) {
		w = op_name(in->nodes.p[i]->op);
		if (strcmp(w, last))
			last = word[words++] = w;
	}
	for (int i = words - 1; i >= 0; i--)
		buf_fmt(&name, "%s%s", word[i], i ? "_" : "");
	for (int i = in->nodes.n - 1; i >= 0; i--)
		buf_fmt(&note, "%s%s", node_where(in->nodes.p[i]), i ? "\n" : "");
	if (!words)
		buf_fmt(&name, "%s", hint ? hint : "copy");
	n->k->name = buf_str(&name);
	for (char *c = name.p; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	n->k->note = buf_str(&note);
}

static bool is_product(const Expr *e)
{
	while (e->op == E_GUARD || e->op == E_CAST)
		e = e->a[0];
	return e->op == E_MUL;
}

/* those of sums of products, each once; other reductions have none */
static double count_macs(const Expr *e, Map *seen)
{
	double m = 0;

	if (!e->reduces || map_ptr(seen, e))
		return 0;
	*map_at_ptr(seen, e) = seen;
	for (int i = 0; i < e->n; i++)
		m += count_macs(e->a[i], seen);
	if (e->op != E_REDUCE)
		return m;
	if (!m)
		m = e->u.rop == R_SUM && is_product(e->a[0]);
	for (int i = 0; i < e->nix; i++)
		m *= ix_estimate(ix_atom(e->ix[i])->a);
	return m;
}

/* the loops of a kernel's only stage as the result lies in memory, the lane last */
static void order_loops(Nest *n, Stage *s)
{
	const Place *p = s->v->place;
	int lane = lower_info(n->lo, s->v)->lane - 1, count = 0, rank = s->v->rank;
	Ix loop[s->nloop + 1];

	if (s->mem || s->var || s->nloop < 2)
		return;
	for (int k = 0; k <= rank; k++) {
		int a = k == rank ? lane : p->order ? p->order[k] : k;
		for (int i = 0; i < s->nloop && a >= 0 && (a != lane || k == rank); i++)
			if (s->loop[i] == s->at[a])
				loop[count++] = s->loop[i];
	}
	if (count != s->nloop)
		bug("loops of %s", value_str(s->v));
	s->loop = copy_mem(loop, sizeof loop);
}

/* stages are changed while loops are made of them: every variant has its own */
static void copy_stages(Group *to, const Group *g)
{
	*to = *g;
	memset(&to->stage, 0, sizeof to->stage);
	for (int i = 0; i < g->stage.n; i++) {
		Stage s = g->stage.p[i];
		s.loop = copy_mem(s.loop, sizeof *s.loop * (size_t)(s.nloop + 1));
		push(&to->stage, s);
	}
}

static void nest_body(Nest *n)
{
	Lower *lo = n->lo;
	Group *g = n->g;
	Stmt *b = n->k->body;
	Stage *s;

	for (int i = 0; i < g->nouter; i++)
		if (!ix_is(g->outer[i], 0)) {
			b = st_for(b, g->outer[i], F_SERIAL);
			n->k->nouter++;
		}
	for (int i = 0; i < g->stage.n; i++) {
		s = &g->stage.p[i];
		if (s->rank0)
			s->var = st_let(
				b, n->k, s->v->hint ? s->v->hint : "t", reduce_identity(R_SUM, s->v->dt));
		else if (s->in_root)
			s->v->place = g->root->out->place;
		else if (s->region) {
			s->mem = nest_param(n, s->region, ix_int(0), "s");
			s->mem->step = true;
		}
	}
	if (lo->opt->opt > 0 && g->stage.n == 1)
		order_loops(n, &g->stage.p[0]);
	for (int i = 0; i < g->stage.n && lo->opt->opt > 1; i++)
		g->stage.p[i].body = margin_drop(g->stage.p[i].body);
	for (int i = 0; i < g->stage.n; i++) {
		double m = count_macs(g->stage.p[i].body, map_new());
		for (int j = 0; j < g->stage.p[i].v->rank; j++)
			m *= ix_estimate(g->stage.p[i].v->dim[j]);
		n->k->macs += m;
		if (lo->opt->opt > 0 && g->stage.n > 1)
			collapse_reductions(n, &g->stage.p[i]);
		if (lo->opt->opt > 0 && g->stage.n == 1)
			nest_pieces(n, b, &g->stage.p[0]);
		else
			nest_axes(n, b, &g->stage.p[i], 0, g->stage.p[i].body);
	}
}

typedef struct Uses { bool lanes, dot; } Uses;

static bool is_dot(const Expr *e, void *arg)
{
	(void)arg;
	return e->op == E_DOT4 || e->op == E_SDOT4;
}

static void find_uses(Stmt *s, void *arg)
{
	Uses *u = arg;

	u->lanes |= s->kind == F_LANES;
	u->dot |= s->e && ex_any(s->e, is_dot, NULL);
}

static bool i32_sum(const Expr *e, void *arg)
{
	(void)arg;
	return e->op == E_REDUCE && e->dt == DT_I32;
}

static bool may_dot(const Group *g)
{
	for (int i = 0; i < g->stage.n; i++)
		if (g->stage.p[i].body->reduces && ex_any(g->stage.p[i].body, i32_sum, NULL))
			return true;
	return false;
}

/* The kernel with the vectors of an isa, or without. The variants have one list of parameters, to which each adds what
 * it needs. */
static Kern *nest_variant(Nest *like, const Group *g, const Isa *isa)
{
	Group own;
	Nest n = *like;

	n.g = &own;
	n.isa = isa;
	n.nloop = 0;
	n.k = kern_new(like->k->name);
	n.k->note = like->k->note;
	n.k->isa = isa;
	n.k->param = like->k->param;
	n.k->nvar = like->k->nvar;
	copy_stages(&own, g);
	nest_body(&n);
	like->k->param = n.k->param;
	like->k->nvar = n.k->nvar;
	return n.k;
}

static bool is_guard(const Expr *e, void *arg)
{
	(void)arg;
	return e->op == E_GUARD;
}

/* parts put together: copies, which C compilers know how to make, in as many loops as there are parts */
static bool only_joins(const Group *g)
{
	const Expr *e = g->stage.p[0].body;
	Cost c = ex_cost(e);

	return g->stage.n == 1 && c.flops == 0 && c.calls == 0 && ex_any(e, is_guard, NULL);
}

Call *nest_group(Lower *lo, Group *g)
{
	Packs packs = { 0 };
	Nest n = { .lo = lo, .g = g, .call = NEW(Call), .k = kern_new("kernel"), .packs = &packs };
	VEC(Kern *) variant = { 0 };
	Uses u;
	bool extra;              /* only for what its dot products gain */
	bool vectors = lo->opt->opt > 0 && !only_joins(g);

	kernel_name(&n, lower_info(lo, g->root->out));
	for (const Isa *s = isa_table; s->name && vectors; s++) {
		if (!isa_wanted(s, lo->opt->target))
			continue;
		extra = s->dot[0] && !isa_is(s, lo->opt->target);
		Kern *k = extra && !may_dot(g) ? NULL : nest_variant(&n, g, s);
		u = (Uses){ 0 };
		if (k)
			st_each(k->body, find_uses, &u);
		if (extra ? u.dot : u.lanes)
			push(&variant, k);
	}
	n.call->kern = nest_variant(&n, g, NULL);
	for (int i = 0; i < variant.n; i++) {
		variant.p[i]->param = n.k->param;
		push(&n.call->kern->variant, variant.p[i]);
	}
	kern_finish(n.call->kern);
	flush_denormals(lo, n.call->kern);
	return n.call;
}
