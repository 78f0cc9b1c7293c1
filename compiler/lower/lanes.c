/* Lanes: the innermost axis of a stage, or the last variable of a reduction, as the lanes of vectors.
 *
 *   for o { lanes l { y[o*L + l] = body(o*L + l) } }
 *   lanes l { part = 0; for o { part += x[o*L + l] } sum += part }
 *
 * What does not fill a vector comes last, with lanes switched off. A loop that the target cannot say with vectors is
 * taken back. */
#include "nest.h"

typedef struct Axis { const IxAtom *a; Ix by; } Axis;

static Ix swap_axis(const IxAtom *a, void *arg)
{
	const Axis *x = arg;

	return a == x->a ? x->by : NULL;
}

static bool last_can(const Stmt *b)
{
	return lanes_can(b->list.p[b->list.n - 1]);
}

/* elements [base, base + count) of the axis, count at most the lanes */
static bool lane_block(Nest *n, Stmt *b, const Stage *s, Expr *body, Ix base, Ix count)
{
	Ix l = nest_var(n, count), at[s->v->rank + 1];
	Axis x = { ix_atom(s->loop[s->nloop - 1]), ix_add(base, l) };
	Stmt *in = st_lanes(b, l, n->isa->lanes);

	for (int i = 0; i < s->v->rank; i++)
		at[i] = ix_subst(s->at[i], swap_axis, &x);
	n->lane = true;
	nest_store_at(n, in, s, at, ex_subst_ix(body, swap_axis, &x));
	n->lane = false;
	return last_can(b);
}

static bool lane_range(Nest *n, Stmt *b, const Stage *s, Expr *body, Ix extent)
{
	int w = n->isa->lanes;
	Ix whole = ix_div(extent = ix_max(extent, ix_int(0)), ix_int(w)), rest = ix_sub(extent, ix_mulc(whole, w)), o;
	Stmt *in;

	if (!ix_is(whole, 0)) {
		in = nest_loop(n, b, whole, &o);
		if (!lane_block(n, in, s, body, ix_mulc(o, w), ix_int(w)))
			return false;
	}
	if (ix_is(rest, 0))
		return true;
	in = ix_gt0(rest) ? nest_scope(b) : st_if(b, ex_bin(E_GT, ex_ix(rest), ex_int(DT_I64, 0)));
	return lane_block(n, in, s, body, ix_mulc(whole, w), rest);
}

/* ---- which way round */

typedef struct Walk { Nest *n; const IxAtom *lane, *inner; bool along_lane, along_inner; } Walk;

static bool unit(Nest *n, const Expr *load, const IxAtom *a)
{
	Ix rest, c = ix_coef(nest_flat(n, load->u.value, load->ix), a, &rest);

	return c && ix_is(c, 1);
}

static bool see_walk(const Expr *e, void *arg)
{
	Walk *w = arg;

	if (e->op != E_TLOAD)
		return false;
	if (ex_has_var(e, w->lane) && ex_has_var(e, w->inner) && !unit(w->n, e, w->lane))
		w->along_inner = w->along_inner || unit(w->n, e, w->inner);
	return false;
}

static bool see_reduce(const Expr *e, void *arg)
{
	Walk *w = arg;

	if (e->op != E_REDUCE)
		return false;
	w->inner = ix_atom(e->ix[e->nix - 1]);
	ex_any(e->a[0], see_walk, w);
	return false;
}

bool lanes_along_sum(Nest *n, const Stage *s, const Expr *body)
{
	Walk w = { .n = n, .lane = ix_atom(s->loop[s->nloop - 1]) };

	ex_any(body, see_reduce, &w);
	return w.along_inner;
}

bool lanes_axis(Nest *n, Stmt *b, const Stage *s, Expr *body)
{
	Ix extent = ix_atom(s->loop[s->nloop - 1])->a;
	int before = b->list.n;
	int64_t e;

	if (n->lane || s->var || (ix_isint(extent, &e) && e < n->isa->lanes / 2) || lanes_along_sum(n, s, body))
		return false;
	if (lane_range(n, b, s, body, extent))
		return true;
	b->list.n = before;
	return false;
}

/* ---- reductions */

typedef struct Strides { const IxAtom *a; bool one, other; } Strides;

static bool see_stride(const Expr *e, void *arg)
{
	Strides *s = arg;
	Ix c, rest;

	if (e->op != E_LOAD || !ix_has(e->ix[0], s->a))
		return false;
	c = ix_coef(e->ix[0], s->a, &rest);
	*(c && ix_is(c, 1) ? &s->one : &s->other) = true;
	return false;
}

Var *lanes_reduce(Nest *n, Stmt *b, const Expr *e)
{
	const IxAtom *r = ix_atom(e->ix[e->nix - 1]);
	int w = n->isa->lanes, before = b->list.n;
	Ix terms = ix_max(r->a, ix_int(0)), whole = ix_div(terms, ix_int(w)), rest = ix_sub(terms, ix_mulc(whole, w)), l, o;
	Axis x = { r, NULL };
	Strides st = { .a = r };
	Stmt *in = b, *lanes, *loop, *tail;
	Var *acc, *part;
	Expr *body;
	int64_t k;

	if (e->dt != DT_F32 || (e->u.rop != R_SUM && e->u.rop != R_MAX && e->u.rop != R_MIN) ||
		(ix_isint(r->a, &k) && k < w) || has_reduce(e->a[0]))
		return NULL;
	body = nest_loads(n, e->a[0]);
	ex_any(body, see_stride, &st);
	if (!st.one || st.other)
		return NULL;
	acc = st_let(b, n->k, "acc", reduce_identity(e->u.rop, e->dt));
	for (int i = 0; i < e->nix - 1; i++)
		in = st_for(in, e->ix[i], F_SERIAL);
	n->lane = true;
	l = nest_var(n, ix_int(w));
	lanes = st_lanes(in, l, w);
	part = st_let(lanes, n->k, "part", reduce_identity(e->u.rop, e->dt));
	o = nest_var(n, whole);
	loop = st_for(lanes, o, F_SERIAL);
	x.by = ix_add(ix_mulc(o, w), l);
	st_set(loop, part, reduce_term(n, e->u.rop, ex_var(part), ex_subst_ix(body, swap_axis, &x)));
	if (!ix_is(rest, 0)) {
		tail = st_if(lanes, ex_bin(E_GT, ex_ix(ix_sub(rest, l)), ex_int(DT_I64, 0)));
		x.by = ix_add(ix_mulc(whole, w), l);
		st_set(tail, part, reduce_term(n, e->u.rop, ex_var(part), ex_subst_ix(body, swap_axis, &x)));
	}
	st_set(lanes, acc, reduce_combine(e->u.rop, ex_var(acc), ex_var(part)));
	n->lane = false;
	if (last_can(in))
		return acc;
	b->list.n = before;
	return NULL;
}
