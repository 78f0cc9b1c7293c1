/* Fusion by substitution: which expressions are stored and which disappear into their readers.
 *
 * requires: every unit's expression built. maintains: units in order of computation. breaks: nothing.
 * An expression is inlined when computing it again where it is read costs no more than storing and loading
 * it:
 *   movement      always, unless its index arithmetic would land in a reader that reads it many times over
 *   elementwise   into its only reader, or into several when it is nearly free
 *   reduction     into one reader that takes each element once, at plain axes and outside any reduction (an
 *                 epilogue)
 * A value that is read by statements, control flow or as an output is pinned: stored, whatever else.
 */
#include "factor.h"

#include <math.h>

enum { MAX_NODES = 160 };   /* of an expression that still grows: keeps substitution linear in the model */

enum { PAGE = 32 };

Info *lower_info(Lower *lo, const Value *v)
{
	int k = v->id / PAGE, n = (lo->model->nvalue + PAGE) / PAGE + 1;

	if (k >= lo->npage) {
		lo->info = table_grow(lo->info, sizeof *lo->info * (size_t)lo->npage, sizeof *lo->info * (size_t)n);
		lo->npage = n;
	}
	if (!lo->info[k])
		lo->info[k] = NEWN(Info, PAGE);
	return &lo->info[k][v->id % PAGE];
}

/* in doubles, and total: symbols of that size may contradict each other, and leave a divisor of 0, taken as 1 */
static double typical(Ix, double most);

static double typical_atom(const IxAtom *a, double most)
{
	int64_t lo, hi;
	double x, y;

	if (a->kind == IX_SYM && a->hi && ix_bounds(a->hi, &lo, &hi) && (double)hi < most)
		return hi > 0 ? (double)hi : 1;
	if (a->kind == IX_SYM)
		return most;
	if (a->kind == IX_VAR || a->kind == IX_EXPR)
		return 0;
	x = typical(a->a, most);
	y = typical(a->b, most);
	switch (a->kind) {
	case IX_DIV: return y > 1 ? floor(x / y) : x;
	case IX_MIN: return x < y ? x : y;
	case IX_MAX: return x > y ? x : y;
	default: return x == 1 ? y : x;
	}
}

static double typical(Ix p, double most)
{
	double r = (double)p->c, x;

	for (int i = 0; i < p->n; i++) {
		x = (double)p->t[i].c;
		for (int k = 0; k < p->t[i].n; k++)
			x *= typical_atom(p->t[i].a[k], most);
		r += x;
	}
	return r;
}

double ix_estimate(Ix p)
{
	double v, most = 64;
	int64_t c;

	if (ix_isint(p, &c))
		return (double)c;
	while ((v = typical(p, most)) < 1 && most < 1 << 14)
		most *= 4;
	return v < 1 ? 1 : v;
}

/* ---- how an expression reads its operands */

typedef struct Scan {
	Lower *lo;
	Unit *unit;
	double evals;            /* of the place being visited */
	bool in_reduce, counting;
	int nodes, div;
	bool has_reduce, has_load, has_call, many_loads;
} Scan;

static bool plain_axes(const Ix *ix, int n)
{
	for (int i = 0; i < n; i++) {
		const IxAtom *a = ix_atom(ix[i]);
		if (!ix_is(ix[i], 0) && !(a && a->kind == IX_VAR))
			return false;
		for (int j = 0; j < i; j++)
			if (ix[i] == ix[j] && !ix_is(ix[i], 0))
				return false;
	}
	return true;
}

/* has this scan not been there? */
static bool arrive(Lower *lo, const Expr *e)
{
	int n = e->id + e->id / 2 + 256;

	if (e->id >= lo->nseen) {
		lo->seen = table_grow(lo->seen, sizeof *lo->seen * (size_t)lo->nseen, sizeof *lo->seen * (size_t)n);
		lo->nseen = n;
	}
	if (lo->seen[e->id] == lo->scan)
		return false;
	lo->seen[e->id] = lo->scan;
	return true;
}

static void scan_expr(Scan *s, const Expr *e);

static bool scan_atom(const IxAtom *a, void *arg)
{
	Scan *s = arg;

	s->div += a->kind == IX_DIV || a->kind == IX_BCAST;
	if (a->kind == IX_EXPR)
		scan_expr(s, a->e);
	return false;
}

static void scan_expr(Scan *s, const Expr *e)
{
	Scan save = *s;

	if (!arrive(s->lo, e))
		return;
	s->nodes++;
	for (int i = 0; i < e->nix && e->op != E_REDUCE; i++)
		ix_any(e->ix[i], scan_atom, s);
	if (e->op == E_TLOAD) {
		s->many_loads |= s->has_load;
		s->has_load = true;
		if (s->counting) {
			Info *in = lower_info(s->lo, e->u.value);
			if (!in->nread++)
				in->permuted = true;
			in->evals += s->evals;
			in->in_reduce |= s->in_reduce;
			in->permuted &= plain_axes(e->ix, e->nix);
			if (!in->reader.n || in->reader.p[in->reader.n - 1] != s->unit)
				push(&in->reader, s->unit);
		}
		return;
	}
	if (e->op == E_REDUCE) {
		s->has_reduce = true;
		s->in_reduce = true;
		for (int i = 0; i < e->nix; i++)
			s->evals *= ix_estimate(ix_atom(e->ix[i])->a);
	}
	s->in_reduce |= e->op == E_GUARD || e->dt == DT_STR;     /* no variable is a string: nest.c's settle_choice */
	s->has_call |= e->op >= E_POW && e->op != E_NEG && eop_info[e->op].rule == 'F';
	for (int i = 0; i < e->n; i++) {
		scan_expr(s, e->a[i]);
		s->in_reduce |= e->op == E_SELECT;       /* all but the condition is conditional */
	}
	s->evals = save.evals;
	s->in_reduce = save.in_reduce;
}

static Scan scan_unit(Lower *lo, Unit *u, bool counting)
{
	Scan s = { .lo = lo, .unit = u, .evals = 1, .counting = counting };

	lo->scan++;
	for (int i = 0; i < u->out->rank; i++)
		s.evals *= ix_estimate(u->out->dim[i]);
	scan_expr(&s, u->out->te->body);
	return s;
}

/* ---- substitution */

typedef struct At { const Te *te; const Ix *ix; } At;

static Ix bind_axis(const IxAtom *a, void *arg)
{
	const At *b = arg;

	if (a->kind != IX_VAR || a->id >= b->te->rank || ix_atom(b->te->axis[a->id]) != a)
		return NULL;
	return b->ix[a->id];
}

Expr *te_at(const Te *te, const Ix *ix)
{
	At b = { te, ix };

	return ex_subst_ix(te->body, bind_axis, &b);
}

typedef struct Inline { Lower *lo; Info *into; } Inline;

static Expr *inline_load(const Expr *e, void *arg);

static Expr *inline_load(const Expr *e, void *arg)
{
	Inline *in = arg;
	Info *from;
	Ix ix[e->nix + 1];

	if (e->op != E_TLOAD)
		return NULL;
	from = lower_info(in->lo, e->u.value);
	if (!from->inlined)
		return NULL;
	for (int i = 0; i < from->nodes.n && in->into->nodes.n < 24; i++)
		push(&in->into->nodes, from->nodes.p[i]);
	for (int i = 0; i < e->nix; i++)       /* an index may itself load what is inlined */
		ix[i] = ex_as_ix(ex_subst(ex_ix(e->ix[i]), inline_load, NULL, in), NULL, NULL);
	return te_at(e->u.value->te, ix);
}

/* ---- decisions */

/* the flat offset of every operand is free of division: as cheap to read through as the operand itself */
static bool smooth(const Scan *s)
{
	return s->div == 0;
}

static bool is_product_sum(const Expr *e, void *arg)
{
	(void)arg;
	return e->op == E_REDUCE && e->u.rop == R_SUM && e->a[0]->op == E_MUL;
}

/* its only reader has a contraction already: two of them share no tile, so one is stored. False: it has this one now */
static bool second_contraction(Lower *lo, const Unit *u)
{
	Info *in = lower_info(lo, lower_info(lo, u->out)->reader.p[0]->out);

	if (!ex_any(u->out->te->body, is_product_sum, NULL))
		return false;
	if (in->contracts)
		return true;
	in->contracts = true;
	return false;
}

static bool decide(Lower *lo, Unit *u)
{
	Value *v = u->out;
	Info *in = lower_info(lo, v);
	Scan s = scan_unit(lo, u, false);
	Cost c = ex_cost(v->te->body);
	double numel = 1, ratio;

	for (int i = 0; i < v->rank; i++)
		numel *= ix_estimate(v->dim[i]);
	ratio = numel > 0 ? in->evals / numel : 1;
	if (!in->nread || s.nodes > MAX_NODES || u->node->op == OP_INTERLEAVE)    /* what reads by division has no vectors */
		return false;
	if (s.has_reduce)
		return in->nread == 1 && ratio < 1.01 && in->permuted && !in->in_reduce && !in->pinned &&
			!second_contraction(lo, u);
	if (in->pinned && s.many_loads)
		return false;
	if (c.flops == 0 && c.calls == 0)
		return smooth(&s) ? !s.many_loads || ratio < 1.01 : ratio < 1.01;
	if (in->pinned)
		return false;
	if (in->nread == 1 && ratio < 1.01)
		return true;
	return c.calls == 0 && c.flops * ratio <= 4 && smooth(&s);
}

/* ---- what must be stored */

static bool pin_load(const Expr *e, void *arg)
{
	if (e->op == E_TLOAD)
		lower_info(arg, e->u.value)->pinned = true;
	return false;
}

static bool pin_atom(const IxAtom *a, void *arg)
{
	if (a->kind == IX_EXPR)
		ex_any(a->e, pin_load, arg);
	return false;
}

static void pin_stmt(Lower *lo, const Stmt *s)
{
	if (!s)
		return;
	if (s->e)
		ex_any(s->e, pin_load, lo);
	if (s->ix)
		ix_any(s->ix, pin_atom, lo);
	if (s->var)
		ix_any(ix_atom(s->var)->a ? ix_atom(s->var)->a : s->var, pin_atom, lo);
	for (int i = 0; i < s->list.n; i++)
		pin_stmt(lo, s->list.p[i]);
	pin_stmt(lo, s->body);
	pin_stmt(lo, s->other);
}

/* what nodes of inner graphs and control flow read of `g` */
static void pin_inner(Lower *lo, const Graph *g, const Graph *outer)
{
	for (Node *n = g->first; n; n = n->next) {
		bool control = g == outer && (op_def[n->op].flags & OF_SUBGRAPH || n->op == OP_RETURN);
		for (int i = 0; i < n->nin; i++)
			if (n->in[i] && (control || n->in[i]->graph != g))
				lower_info(lo, n->in[i])->pinned = true;
		for (int i = 0; i < n->nattr; i++) {
			if (n->attr[i].g)
				pin_inner(lo, n->attr[i].g, outer);
			for (int j = 0; n->attr[i].type == A_GRAPHS && j < n->attr[i].n; j++)
				bug("graph lists are not lowered");
		}
	}
}

static void pin_all(Lower *lo, Graph *g, Unit **u, int n)
{
	pin_inner(lo, g, g);
	for (int i = 0; i < n; i++) {
		if (u[i]->kind == U_PROG)
			pin_stmt(lo, u[i]->prog->body);
		if (u[i]->kind == U_TE && lo->opt->tap && u[i]->out->name)
			lower_info(lo, u[i]->out)->pinned = true;
	}
	for (int i = 0; i < lo->state.n; i++)
		lower_info(lo, lo->state.p[i].out)->pinned = true;
	for (int i = 0; i < lo->model->bind.n; i++)
		if (lo->model->bind.p[i].from)
			lower_info(lo, lo->model->bind.p[i].from)->pinned = true;
}

/* the readers that are left */
static void recount(Lower *lo, Unit **u, int n)
{
	Info *in;

	for (int i = 0; i < n; i++) {
		if (u[i]->kind != U_TE)
			continue;
		in = lower_info(lo, u[i]->out);
		in->nread = in->reader.n = 0;
		in->evals = 0;
		in->in_reduce = false;
	}
	for (int i = n - 1; i >= 0; i--) {
		if (u[i]->kind != U_TE)
			continue;
		in = lower_info(lo, u[i]->out);
		in->order = i;
		if (in->pinned || (!in->inlined && in->nread))
			scan_unit(lo, u[i], true);
	}
}

Unit **fuse_graph(Lower *lo, Graph *g, Unit **u, int *count)
{
	int n = *count;

	for (int i = 0; i < n; i++) {
		if (u[i]->kind != U_TE)
			continue;
		lower_info(lo, u[i]->out)->unit = u[i];
		push(&lower_info(lo, u[i]->out)->nodes, u[i]->node);
	}
	if (lo->opt->opt > 0) {
		factor_graph(lo, g, u, n);
		u = zeros_graph(lo, u, count);
		n = *count;
	}
	for (int i = 0; i < n; i++)
		if (u[i]->kind == U_TE)
			scan_unit(lo, u[i], true);
	pin_all(lo, g, u, n);
	if (lo->opt->opt == 0)
		return u;
	for (int i = 0; i < n; i++) {
		Inline in = { lo, NULL };
		Te *te;
		if (u[i]->kind != U_TE)
			continue;
		te = u[i]->out->te;
		in.into = lower_info(lo, u[i]->out);
		te->body = ex_subst(te->body, inline_load, NULL, &in);
		in.into->inlined = decide(lo, u[i]);
	}
	factor_requantise(lo, u, n);
	recount(lo, u, n);
	return u;
}
