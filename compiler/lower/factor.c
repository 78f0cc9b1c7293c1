/* Sums over dequantised integers become integer sums.
 *
 * requires: the expression of every unit, before fusion counts reads. maintains: one expression per unit.
 * breaks: bits of float results. A sum of products of floats (x - zx)*sx has no defined order and rounds
 * every term; here the scales leave the sum, which is then exact:
 *
 *   reduce.sum((cast(x) - zx)*sx * (cast(w) - zw)*sw[n])
 *   = cast.f32(reduce.sum((x - zx) * (w - zw))) * (sx*sw[n])
 *
 * with an i32 sum on the right, where ranges and the number of terms prove that i32 holds it; padding by 0
 * stays padding by 0. A bias of the scale sx*sw joins the integers. The step of the quantisation that
 * follows joins the scale once the two are one expression: factor_requantise. Values that were
 * dequantised, and then moved (Reshape, Transpose), are read through; whoever reads them otherwise still
 * gets floats. Not at -O0. */
#include "factor.h"
#include <math.h>

typedef struct Factoring {
	Lower *lo;
	Graph *graph;
	Unit *unit;
	Map *open;               /* Value -> Te of a dequantised value, down to integers */
} Factoring;

/* cast(i)*s; s NULL: 1 */
typedef struct Scaled { Expr *i, *s; } Scaled;

static bool is_zero(const Expr *e)
{
	return e->op == E_CONST && dt_to_double(e->dt, e->u.bits) == 0;
}

/* ---- an expression as an integer times a float */

enum { STEPS = 256 };

static bool depends(const Expr *e, const Ix *var, int n)
{
	for (int i = 0; i < n; i++)
		if (ex_has_var(e, ix_atom(var[i])))
			return true;
	return false;
}

static Expr *times(Expr *a, Expr *b)
{
	return !a ? b : !b ? a : ex_bin(E_MUL, a, b);
}

static bool split(Expr *e, const Ix *var, int n, Scaled *r, int *left);

static bool split_cast(Expr *e, const Ix *var, int n, Scaled *r, int *left)
{
	Range g;

	if (dt_float(e->a[0]->dt))
		return ex_lossless(e->a[0]->dt, e->dt) && split(e->a[0], var, n, r, left);
	g = ex_range(e->a[0]);
	if (!range_known(g) || g.lo < INT32_MIN || g.hi > INT32_MAX)
		return false;
	*r = (Scaled){ ex_cast(DT_I32, e->a[0]), NULL };
	return true;
}

static bool split_product(Expr *e, const Ix *var, int n, Scaled *r, int *left)
{
	Scaled p[2];
	bool ok[2];

	for (int k = 0; k < 2; k++)
		ok[k] = split(e->a[k], var, n, &p[k], left);
	for (int k = 0; k < 2; k++)
		if (ok[!k] && !depends(e->a[k], var, n)) {
			*r = (Scaled){ p[!k].i, times(p[!k].s, e->a[k]) };
			return true;
		}
	if (ok[0] && ok[1])
		*r = (Scaled){ ex_bin(E_MUL, p[0].i, p[1].i), times(p[0].s, p[1].s) };
	return ok[0] && ok[1];
}

/* s is free of var[0..n); *left bounds the steps, for shared operands are met once for each path. Float arithmetic in f32: of f16 it rounds more often than ONNX Runtime's too */
static bool split(Expr *e, const Ix *var, int n, Scaled *r, int *left)
{
	if (--*left < 0 || e->dt != DT_F32 || e->reduces)
		return false;
	if (e->op == E_CAST)
		return split_cast(e, var, n, r, left);
	if (e->op == E_MUL)
		return split_product(e, var, n, r, left);
	if (e->op != E_GUARD || !is_zero(e->a[1]) || !split(e->a[0], var, n, r, left))
		return false;
	r->i = ex_guard(e->ix, e->nix, r->i, ex_int(DT_I32, 0));
	return true;
}

/* ---- sums */

static Expr *factor_sum(const Expr *e)
{
	int left = STEPS;
	Scaled p;
	Expr *sum;

	if (e->dt != DT_F32 || e->u.rop != R_SUM || !split(e->a[0], e->ix, e->nix, &p, &left))
		return NULL;
	sum = ex_reduce(R_SUM, e->ix, e->nix, p.i);
	if (sum->op != E_REDUCE || sum_bound(sum) > INT32_MAX)
		return NULL;
	sum = ex_cast(DT_F32, sum);
	return p.s ? ex_bin(E_MUL, sum, p.s) : sum;
}

/* (cast(i)*s) + (cast(j)*t) with s == t and i an integer sum */
static Expr *add_bias(Expr *x, Expr *bias)
{
	int left = STEPS;
	Scaled p, q;
	Range a, b;

	if (x->op != E_MUL || x->a[0]->op != E_CAST || x->a[0]->a[0]->op != E_REDUCE)
		return NULL;
	p = (Scaled){ x->a[0]->a[0], x->a[1] };
	if (p.i->dt != DT_I32 || !split(bias, NULL, 0, &q, &left) || !q.s || !const_close(p.s, q.s))
		return NULL;
	b = ex_range(q.i);
	a = (Range){ (int64_t)-sum_bound(p.i), (int64_t)sum_bound(p.i) };
	if (!range_known(b) || a.lo + b.lo < INT32_MIN || a.hi + b.hi > INT32_MAX)
		return NULL;
	return ex_bin(E_MUL, ex_cast(DT_F32, ex_bin(E_ADD, p.i, q.i)), p.s);
}

/* ---- values */

static Expr *read_open(const Expr *e, void *arg)
{
	Factoring *f = arg;
	Te *te = e->op == E_TLOAD ? map_ptr(f->open, e->u.value) : NULL;
	Info *into, *from;

	if (!te)
		return NULL;
	into = lower_info(f->lo, f->unit->out);
	from = lower_info(f->lo, e->u.value);
	for (int i = 0; i < from->nodes.n && into->nodes.n < 24; i++)
		push(&into->nodes, from->nodes.p[i]);
	return te_at(te, e->ix);
}

static Expr *factor_expr(const Expr *e, void *arg);

static Expr *opened(Factoring *f, const Expr *e)
{
	return ex_subst(e, read_open, NULL, f);
}

static Expr *factor_expr(const Expr *e, void *arg)
{
	Factoring *f = arg;
	Info *in = lower_info(f->lo, f->unit->out);
	int n = in->nodes.n;
	Expr *x, *r;

	if (!e->reduces)
		return (Expr *)e;
	if (e->op == E_REDUCE) {
		r = e->a[0]->reduces ? NULL : factor_sum(opened(f, e));
		in->nodes.n = r ? in->nodes.n : n;       /* the layers whose work it does */
		return r;
	}
	if (e->op != E_ADD || e->dt != DT_F32)
		return NULL;
	for (int k = 0; k < 2; k++) {
		if (!e->a[k]->reduces || e->a[!k]->reduces)
			continue;
		x = ex_subst(e->a[k], factor_expr, NULL, arg);
		r = x == e->a[k] ? NULL : add_bias(x, opened(arg, e->a[!k]));
		return r ? r : ex_bin(E_ADD, x, e->a[!k]);
	}
	return NULL;
}

typedef struct Leaves { const Graph *graph; bool constant, narrow, ok; } Leaves;

static bool leaf(const Expr *e, void *arg)
{
	Leaves *l = arg;

	if (e->op != E_TLOAD)
		return false;
	l->narrow |= !dt_float(e->dt);
	l->ok &= e->u.value->data || (!l->constant && e->u.value->graph == l->graph);
	return !l->ok;
}

/* the value at te, if it is an integer that is loaded, times a scale; loads of opened values replaced */
static void open_value(Factoring *f, Value *v, const Te *te)
{
	Leaves l = { f->graph, v->data != NULL, false, true };
	int left = STEPS;
	Expr *body;
	Scaled p;
	Te *t;

	if (v->dt != DT_F32 || te->body->reduces || te->body->op == E_CONST)
		return;
	body = opened(f, te->body);
	if (!split(body, NULL, 0, &p, &left))
		return;
	ex_any(p.i, leaf, &l);
	if (!l.ok || !l.narrow)
		return;
	t = copy_mem(te, sizeof *te);
	t->body = body;
	*map_at_ptr(f->open, v) = t;
}

/* constants that folding computed from narrower ones */
static bool open_constant(const Expr *e, void *arg)
{
	Factoring *f = arg;
	Value *v = e->u.value;

	if (e->op == E_TLOAD && v->data && v->folded && !map_ptr(f->open, v)) {
		ex_any(v->folded->body, open_constant, f);
		open_value(f, v, v->folded);
	}
	return false;
}

void factor_graph(Lower *lo, Graph *g, Unit **u, int n)
{
	Factoring f = { .lo = lo, .graph = g, .open = map_new() };

	for (int i = 0; i < n; i++) {
		Te *te;
		if (u[i]->kind != U_TE)
			continue;
		te = u[i]->out->te;
		f.unit = u[i];
		ex_any(te->body, open_constant, &f);
		if (te->body->reduces)
			te->body = ex_subst(te->body, factor_expr, NULL, &f);
		else
			open_value(&f, u[i]->out, te);
	}
}

/* ---- requantisation */

static bool is_integer_sum(const Expr *e)
{
	e = e->op == E_CAST ? e->a[0] : e;
	while ((e->op == E_ADD || e->op == E_SUB) && e->a[0]->reduces != e->a[1]->reduces)
		e = e->a[!e->a[0]->reduces];
	return e->op == E_REDUCE && e->dt == DT_I32;
}

static bool positive(double v, void *arg)
{
	(void)arg;
	return v > 0 && v < HUGE_VAL;
}

static bool any(double v, void *arg)
{
	(void)v, (void)arg;
	return true;
}

/* e / d with d inside: a scaled sum, a bias, clamps; NULL: it is not that */
static Expr *divide(Expr *e, Expr *d)
{
	Expr *x;

	if (e->op == E_MUL && is_integer_sum(e->a[0]))
		return ex_bin(E_MUL, e->a[0], ex_bin(E_DIV, e->a[1], d));
	if (e->op == E_DIV && !e->a[1]->reduces && const_each(e->a[1], positive, NULL))
		return (x = divide(e->a[0], e->a[1])) ? divide(x, d) : NULL;
	if (e->op == E_ADD && !e->a[1]->reduces && const_each(e->a[1], any, NULL))
		return (x = divide(e->a[0], d)) ? ex_bin(E_ADD, x, ex_bin(E_DIV, e->a[1], d)) : NULL;
	if ((e->op != E_MAX && e->op != E_MIN) || e->a[1]->op != E_CONST || !(x = divide(e->a[0], d)))
		return NULL;
	return ex_bin(e->op, x, ex_bin(E_DIV, e->a[1], d));
}

static Expr *requantise(const Expr *e, void *arg);

/* sums of what is no reduction onto one: a loop, since there may be many */
static Expr *requantise_sums(const Expr *e, void *arg)
{
	VEC(Expr *) bias = {0};
	Expr *r;

	for (; e->op == E_ADD && e->dt == DT_F32 && !e->a[1]->reduces; e = e->a[0])
		push(&bias, e->a[1]);
	r = ex_subst(e, requantise, NULL, arg);
	while (bias.n)
		r = ex_bin(E_ADD, r, const_vector(arg, bias.p[--bias.n]));
	return r;
}

static Expr *requantise(const Expr *e, void *arg)
{
	Expr *a;

	if (!e->reduces)
		return (Expr *)e;
	if (e->dt != DT_F32 || (e->op != E_DIV && e->op != E_MUL && e->op != E_ADD))
		return NULL;
	if (e->op == E_DIV && !e->a[1]->reduces && const_each(e->a[1], positive, NULL) &&
	    (a = divide(e->a[0], e->a[1])))
		return ex_subst(a, requantise, NULL, arg);
	if (e->op == E_MUL && is_integer_sum(e->a[0]))
		return ex_bin(E_MUL, e->a[0], const_vector(arg, e->a[1]));
	if (e->op == E_ADD && !e->a[1]->reduces)
		return requantise_sums(e, arg);
	return NULL;
}

void factor_requantise(Lower *lo, Unit **u, int n)
{
	Te *te;

	for (int i = 0; i < n; i++) {
		if (u[i]->kind != U_TE || (lower_info(lo, u[i]->out)->inlined && !lower_info(lo, u[i]->out)->pinned))
			continue;
		te = u[i]->out->te;
		if (te->body->reduces)
			te->body = ex_subst(te->body, requantise, NULL, u[i]->out->graph);
	}
}
