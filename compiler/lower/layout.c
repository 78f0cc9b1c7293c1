/* Layout: in which order the axes of stored values and constants lie in memory, chosen over the whole graph.
 *
 * requires: group.c's decisions; no place of this graph's own values is made yet. Sets Info.layout and Info.lane.
 * A label of a value is the axis that lies innermost, the others keeping their order. A kernel goes innermost along
 * one axis of its result, its lane; what that costs is counted access by access, from the coefficients of the flat
 * index: an operand that the lane walks with stride 1, or not at all, is a vector or a scalar, any other a gather.
 * Constants lie as their reader likes. The cost of a graph is the sum over its kernels, each with its best lane;
 * labels are improved one by one, starting from every value with the same axis inside, and the best result stands.
 *
 * Fixed row-major: what statements, control flow or the outside read or write. A part lies as its whole, a view as
 * what it views. */
#include "lower.h"
#include "nest.h"

enum { MAX_RANK = 8, SWEEPS = 12 };

/* per evaluation of an access, in eighths of a scalar operation; LANES elements go at once */
enum { LANES = 8, AT_ONCE = 1, ONE_BY_ONE = 8, DIVIDED = 12 };
static const double
	strided_sum = 0.5,       /* a scalar operand of a sum whose terms are apart */
	divided_sum = 2,         /* ... found by division */
	shared_lane = 2,         /* the lane of a contraction belongs to what is not constant: no packed weights */
	guarded_lane = 1.25,     /* conditions along the lane */
	worth = 0.999;           /* of the cost of row-major, for anything else to be done */

typedef struct Access {
	Value *v;
	const Ix *ix;            /* of v; once per evaluation */
	double evals;
	int var;                 /* index in vars of the label that it depends on; -1: it is row-major, -2: a constant */
	const Expr *sum;         /* innermost REDUCE around it, or NULL */
	const Expr *guard;       /* innermost GUARD, or NULL */
	bool sums;               /* a factor of a contraction */
	double cost[MAX_RANK][MAX_RANK + 1]; /* by label and lane, 0 unknown */
} Access;

typedef struct Work {            /* one stage of a kernel */
	Value *out;
	int nloop;
	Ix loop[MAX_RANK];
	int64_t by[MAX_RANK];    /* what the loop is divided by: its lane are remainders (divide_loops); 0: not */
	const IxAtom *red;       /* the last variable of a reduction that is no contraction: lane number nloop */
	bool root;               /* of a kernel of one stage: its lane may be chosen */
	VEC(Access) access;
} Work;

typedef struct LayVar {
	Value *v;                /* one of those that share the label */
	int label, rank;
	VEC(Work *) work;        /* that depend on it */
} LayVar;

typedef struct Lay {
	Lower *lo;
	VEC(LayVar) var;
	VEC(Work *) work;
	Map *at;                 /* Value -> 1 + index in var */
} Lay;

/* ---- which values have a label */

static bool stored(Lower *lo, const Unit *u)
{
	Info *in;

	if (u->kind != U_TE)
		return false;
	in = lower_info(lo, u->out);
	return (!in->inlined || in->pinned) && !in->grouped && (in->nread || in->pinned);
}

static bool has_label(Lower *lo, const Value *v)
{
	Info *in = lower_info(lo, v);

	return in->unit && stored(lo, in->unit) && !in->pinned && v->rank >= 3 && v->rank <= MAX_RANK &&
		v->dt != DT_STR && dtype_info[v->dt].bits >= 8;
}

/* its place is found from what it views (place_view) */
static bool is_view(Lower *lo, const Value *v)
{
	Info *in = lower_info(lo, v);

	return in->unit && in->unit->kind == U_TE && !in->group && !in->pinned && !in->copied &&
		v->te->body->op == E_TLOAD && v->te->body->u.value->dt == v->dt;
}

static int var_of(Lay *l, Value *v)
{
	Ix off[MAX_RANK + 1];
	Value *w;
	void **slot;

	if (!has_label(l->lo, v) || is_view(l->lo, v))
		return -1;
	if ((uintptr_t)map_ptr(l->at, v))
		return (int)(uintptr_t)map_ptr(l->at, v) - 1;
	w = part_of(l->lo, v, off);
	if (w) {
		int k = var_of(l, w);
		*map_at_ptr(l->at, v) = (void *)(uintptr_t)(k + 1);
		return k;
	}
	slot = map_at_ptr(l->at, v);
	push(&l->var, ((LayVar){ .v = v, .label = v->rank - 1, .rank = v->rank }));
	*slot = (void *)(uintptr_t)l->var.n;
	return l->var.n - 1;
}

/* ---- what a stage reads and writes */

typedef struct Collect {
	Lay *l;
	Work *w;
	Map *seen;
	double evals;
	const Expr *sum, *guard;
	bool product;
} Collect;

/* of the value that a view shows */
static void through_views(Lay *l, Access *a)
{
	for (const Expr *e; is_view(l->lo, a->v); a->v = e->u.value, a->ix = e->ix)
		e = te_at(a->v->te, a->ix);
}

static void add_access(Collect *c, Value *v, const Ix *ix)
{
	Access a = { .v = v, .ix = ix, .evals = c->evals, .sum = c->sum, .guard = c->guard, .sums = c->product };
	double whole = 1;

	for (int i = 0; i < v->rank; i++)
		whole *= ix_estimate(v->dim[i]);
	if (c->guard && !c->sum && c->guard->a[1]->op != E_CONST && a.evals > whole)
		a.evals = whole;         /* one of several parts */
	through_views(c->l, &a);
	a.var = a.v->data ? -2 : var_of(c->l, a.v);
	push(&c->w->access, a);
}

static void collect(Collect *c, const Expr *e)
{
	void **slot = map_at_ptr(c->seen, e);
	Collect save = *c;
	Ix off[MAX_RANK + 1];

	if (*slot)
		return;
	*slot = c;
	if (e->op == E_TLOAD) {
		if (!(e->u.value->rank <= MAX_RANK && c->guard && part_of(c->l->lo, e->u.value, off) == c->w->out))
			add_access(c, e->u.value, e->ix);
		return;
	}
	if (e->op == E_REDUCE) {
		c->sum = e;
		c->product = e->u.rop == R_SUM && e->a[0]->op == E_MUL;
		if (!c->product || e->a[0]->a[0] == e->a[0]->a[1])
			c->w->red = ix_atom(e->ix[e->nix - 1]);
		for (int i = 0; i < e->nix; i++)
			c->evals *= ix_estimate(ix_atom(e->ix[i])->a);
	}
	if (e->op == E_GUARD)
		c->guard = e;
	for (int i = 0; i < e->n; i++)
		collect(c, e->a[i]);
	c->evals = save.evals;
	c->sum = save.sum;
	c->guard = save.guard;
	c->product = save.product;
}

typedef struct Quotient { const IxAtom *var; int64_t by; } Quotient;

static bool find_quotient(const IxAtom *x, void *arg)
{
	Quotient *q = arg;

	return x->kind == IX_DIV && x->a == ix_of(q->var) && ix_isint(x->b, &q->by) && q->by >= LANES;
}

/* the loop's variable within a group: of a convolution's channels */
static int64_t divided_by(const Expr *body, const IxAtom *var)
{
	Quotient q = { var, 0 };
	int64_t e;

	return body->reduces && ix_isint(var->a, &e) && ex_any_atom(body, find_quotient, &q) && e % q.by == 0 ? q.by : 0;
}

static bool ordered_sum(const Expr *e, void *arg)
{
	(void)arg;
	return e->op == E_REDUCE && (e->u.rop == R_SUM || e->u.rop == R_PROD) && dt_float(e->dt);
}

/* its reductions go as memory lies: collapse.c */
static bool orderless(const Expr *body)
{
	return !ex_any(body, ordered_sum, NULL);
}

static void add_work(Lay *l, Value *out, const Expr *body, const Ix *at, const Ix *loop, int nloop, bool root)
{
	Work *w = NEW(Work);
	Collect c = { .l = l, .w = w, .seen = map_new(), .evals = 1 };

	if (out->rank > MAX_RANK)
		return;
	w->out = out;
	w->root = root;
	for (int i = 0; i < nloop; i++) {
		w->by[w->nloop] = divided_by(body, ix_atom(loop[i]));
		w->loop[w->nloop++] = loop[i];
	}
	for (int i = 0; i < out->rank; i++)
		c.evals *= ix_estimate(out->dim[i]);
	add_access(&c, out, at);
	collect(&c, body);
	if (w->red && (ix_estimate(w->red->a) < 2 * LANES || (!nloop && orderless(body))))
		w->red = NULL;
	if (!nloop && !w->red)
		return;
	for (int i = 0; i < w->access.n; i++) {
		Access *a = &w->access.p[i];
		LayVar *v = a->var >= 0 ? &l->var.p[a->var] : NULL;
		if (v && !(v->work.n && v->work.p[v->work.n - 1] == w))
			push(&v->work, w);
	}
	push(&l->work, w);
}

static void add_unit(Lay *l, Unit *u)
{
	Group *g = lower_info(l->lo, u->out)->group;

	if (is_view(l->lo, u->out))
		return;
	if (!g)
		g = group_unit(l->lo, u);
	for (int i = 0; i < g->stage.n; i++) {
		Stage *s = &g->stage.p[i];
		add_work(l, s->v, s->body, s->at, s->loop, s->nloop, g->stage.n == 1);
	}
}

/* ---- costs */

static Ix flat_at(const Access *a, int label)
{
	Ix at = ix_int(0), step = ix_int(1);
	const Value *v = a->v;

	if (v->place)
		return place_flat(v->place, a->ix, v->rank);
	for (int k = v->rank - 1; k >= 0; k--) {
		int i = k == v->rank - 1 ? label : k >= label ? k + 1 : k;
		at = ix_add(at, ix_mul(a->ix[i], step));
		step = ix_mul(step, v->dim[i]);
	}
	return at;
}

/* the only axis of a constant along which the lane goes, as it is; -1: none, -2: not so */
static int lane_axis(const Access *a, const IxAtom *lane)
{
	int axis = -1;

	for (int i = 0; i < a->v->rank; i++) {
		if (!ix_has(a->ix[i], lane))
			continue;
		if (axis != -1 || a->ix[i] != ix_of(lane))
			return -2;
		axis = i;
	}
	return axis;
}

static bool may_permute(Lower *lo, const Value *v)
{
	return v->rank <= PACK_MAX && v->rank >= 2 && v->dt != DT_STR && dtype_info[v->dt].bits >= 8 && !v->place &&
		!lower_info(lo, v)->pinned;
}

static double sum_cost(const Access *a, Ix flat)
{
	double extra = strided_sum;
	Ix rest, c;

	for (int i = 0; i < a->sum->nix; i++) {
		const IxAtom *r = ix_atom(a->sum->ix[i]);
		if (!r || r->kind != IX_VAR || !ix_has(flat, r))
			continue;
		c = ix_coef(flat, r, &rest);
		if (!c)
			return divided_sum;
		if (ix_is(c, 1) && ix_estimate(r->a) >= LANES)
			extra = 0;
	}
	return extra;
}

static bool guards(const Expr *g, const IxAtom *lane)
{
	for (int i = 0; g && i < g->nix; i++)
		if (ix_has(g->ix[i], lane))
			return true;
	return false;
}

/* a contraction has constant factors, none of which has the lane */
static bool beside_constant(const Work *w, const IxAtom *lane)
{
	bool any = false;

	for (int i = 0; i < w->access.n; i++) {
		if (w->access.p[i].var != -2 || !w->access.p[i].sums)
			continue;
		any = true;
		if (lane_axis(&w->access.p[i], lane) != -1)
			return false;
	}
	return any;
}

static double numel(const Value *v)
{
	double n = 1;

	for (int i = 0; i < v->rank; i++)
		n *= ix_estimate(v->dim[i]);
	return n;
}

/* neighbours in memory lie apart by a multiple of what a cache maps to one place */
static double aliasing(Ix c, const IxAtom *lane)
{
	int64_t n;

	return ix_isint(c, &n) && n && n % ALIAS == 0 && ix_estimate(lane->a) >= LANES ? ALIASED : 1;
}

static const IxAtom *lane_atom(const Work *w, int lane)
{
	return lane == w->nloop ? w->red : ix_atom(w->loop[lane]);
}

static Ix first_group(const IxAtom *x, void *arg)
{
	return x->kind == IX_DIV && x->a == ix_of(arg) ? ix_int(0) : NULL;
}

static double walk_cost(Lower *lo, const Work *w, const Access *a, int label, int nlane)
{
	const IxAtom *lane = lane_atom(w, nlane);
	double once = guards(a->guard, lane) ? guarded_lane : 1;
	Ix flat, c, rest;
	int axis;

	if (a->var == -2 && may_permute(lo, a->v)) {
		axis = lane_axis(a, lane);
		return axis == -2 ? DIVIDED : AT_ONCE;
	}
	flat = flat_at(a, label);
	if (nlane < w->nloop && w->by[nlane])
		flat = ix_subst(flat, first_group, (void *)lane);
	if (!ix_has(flat, lane))
		return AT_ONCE + (a->sum && a->var != -2 ? sum_cost(a, flat) : 0);
	if (a->var != -2 && a->sums && beside_constant(w, lane))
		once *= shared_lane;
	c = ix_coef(flat, lane, &rest);
	if (!c || ix_has(c, lane))
		return once * DIVIDED;
	if (ix_is(c, 1))
		return once * AT_ONCE;
	if (a->sums && a->var != -2 && sum_cost(a, flat) == 0)  /* copied, a tile at a time */
		return once * AT_ONCE + ONE_BY_ONE * numel(a->v) / a->evals;
	return once * ONE_BY_ONE * aliasing(c, lane);
}

static double access_cost(Lay *l, const Work *w, Access *a, int lane)
{
	int label = a->var >= 0 ? l->var.p[a->var].label : a->v->rank - 1;
	double *slot = &a->cost[a->var >= 0 ? label : 0][lane];

	if (lane == w->nloop && !a->sum)
		return AT_ONCE * a->evals;
	if (*slot == 0)
		*slot = walk_cost(l->lo, w, a, label, lane);
	return *slot * a->evals;
}

/* sums fill whole vectors; other loops are merged */
static double waste(const Work *w, int lane)
{
	double e = lane < w->nloop && w->by[lane] ? (double)w->by[lane] : ix_estimate(lane_atom(w, lane)->a);

	return has_reduce(w->out->te->body) && e >= 1 ? ceil(e / LANES) * LANES / e : 1;
}

static double lane_cost(Lay *l, Work *w, int lane)
{
	double c = 0;

	for (int i = 0; i < w->access.n; i++)
		c += access_cost(l, w, &w->access.p[i], lane);
	return c * waste(w, lane);
}

/* where costs are equal, the lane is the innermost axis of the result */
static double work_cost(Lay *l, Work *w, int *lane)
{
	const Access *out = &w->access.p[0];
	double best, c;
	int64_t d;

	*lane = w->nloop ? w->nloop - 1 : 0;
	for (int i = 0; w->root && out->var >= 0 && i < w->nloop; i++)
		if (w->loop[i] == out->ix[l->var.p[out->var].label])
			*lane = i;
	best = lane_cost(l, w, *lane);
	for (int i = w->nloop - 1; w->root && i >= 0; i--) {
		if (i < w->nloop - 1 && !ix_isint(ix_atom(w->loop[i])->a, &d))
			continue;
		c = lane_cost(l, w, i);
		if (c < best * 0.999) {
			best = c;
			*lane = i;
		}
	}
	if (w->red && w->nloop && (c = lane_cost(l, w, w->nloop)) < best * 0.999) {
		best = c;
		*lane = w->nloop;
	}
	return best;
}

/* ---- the choice */

static double total(Lay *l)
{
	double c = 0;
	int lane;

	for (int i = 0; i < l->work.n; i++)
		c += work_cost(l, l->work.p[i], &lane);
	return c;
}

static double around(Lay *l, const LayVar *v)
{
	double c = 0;
	int lane;

	for (int i = 0; i < v->work.n; i++)
		c += work_cost(l, v->work.p[i], &lane);
	return c;
}

/* a dim that is not known is likely the batch, and 1 */
static bool may_lie_inside(const Value *v, int axis)
{
	int64_t d;

	return axis == v->rank - 1 || (ix_isint(v->dim[axis], &d) && d > 1);
}

static bool improve(Lay *l, LayVar *v)
{
	int from = v->label, best = from;
	double least = around(l, v), c;

	for (int k = 0; k < v->rank; k++) {
		if (k == from || !may_lie_inside(v->v, k))
			continue;
		v->label = k;
		c = around(l, v);
		if (c < least * 0.999) {
			least = c;
			best = k;
		}
	}
	v->label = best;
	return best != from;
}

static void start(Lay *l, int axis)
{
	for (int i = 0; i < l->var.n; i++) {
		LayVar *v = &l->var.p[i];
		v->label = axis >= 0 && axis < v->rank && may_lie_inside(v->v, axis) ? axis : v->rank - 1;
	}
}

static double settle_labels(Lay *l, int axis)
{
	bool more = true;

	start(l, axis);
	for (int s = 0; s < SWEEPS && more; s++) {
		more = false;
		for (int i = 0; i < l->var.n; i++)
			more |= improve(l, &l->var.p[s % 2 ? l->var.n - 1 - i : i]);
	}
	return total(l);
}

static void choose(Lay *l)
{
	int axis = -1;
	double best, c;

	start(l, -1);
	best = total(l) * worth;
	for (int k = 0; k < 4; k++) {
		c = settle_labels(l, k);
		if (c < best) {
			best = c;
			axis = k;
		}
	}
	if (axis >= 0)
		settle_labels(l, axis);
	else
		start(l, -1);
}

static const unsigned char *innermost(int rank, int label)
{
	unsigned char *order = NEWN(unsigned char, rank);

	if (label == rank - 1)
		return NULL;
	for (int k = 0; k < rank - 1; k++)
		order[k] = (unsigned char)(k >= label ? k + 1 : k);
	order[rank - 1] = (unsigned char)label;
	return order;
}

/* constants lie as most of what reads them goes */
typedef struct Votes { Value *v; double axis[PACK_MAX + 1]; } Votes;

static void vote(Lay *l, Map *at, Votes **list, int *n, const Work *w, int lane)
{
	for (int i = 0; i < w->access.n; i++) {
		const Access *a = &w->access.p[i];
		void **slot;
		int axis;
		if (a->var != -2 || !may_permute(l->lo, a->v))
			continue;
		axis = lane_axis(a, lane_atom(w, lane));
		if (axis == -1)
			continue;
		slot = map_at_ptr(at, a->v);
		if (!*slot) {
			*slot = &(*list)[*n];
			(*list)[(*n)++].v = a->v;
		}
		((Votes *)*slot)->axis[axis < 0 ? a->v->rank - 1 : axis] += a->evals;
	}
}

static void settle_constants(Lay *l)
{
	Votes *list;
	int n = 0, lane, most = 1;

	for (int i = 0; i < l->work.n; i++)
		most += l->work.p[i]->access.n;
	list = NEWN(Votes, most);
	Map *at = map_new();
	for (int i = 0; i < l->work.n; i++) {
		work_cost(l, l->work.p[i], &lane);
		vote(l, at, &list, &n, l->work.p[i], lane);
	}
	for (int i = 0; i < n; i++) {
		int rank = list[i].v->rank, best = rank - 1;
		for (int k = 0; k < rank; k++)
			if (list[i].axis[k] > list[i].axis[best])
				best = k;
		lower_info(l->lo, list[i].v)->layout = innermost(rank, best);
	}
}

static void settle_values(Lay *l, Unit **u, int n)
{
	for (int i = 0; i < n; i++) {
		Value *v = u[i]->out;
		int k = u[i]->kind == U_TE && stored(l->lo, u[i]) ? var_of(l, v) : -1;
		if (k >= 0)
			lower_info(l->lo, v)->layout = innermost(v->rank, l->var.p[k].label);
	}
	for (int i = 0; i < l->work.n; i++) {
		Work *w = l->work.p[i];
		int lane;
		work_cost(l, w, &lane);
		for (int k = 0; w->root && lane < w->nloop && k < w->out->rank; k++)
			if (w->access.p[0].ix[k] == w->loop[lane])
				lower_info(l->lo, w->out)->lane = k + 1;
	}
}

void layout_graph(Lower *lo, Unit **u, int n)
{
	Lay l = { .lo = lo, .at = map_new() };

	if (lo->opt->opt == 0)
		return;
	for (int i = 0; i < n; i++)
		if (stored(lo, u[i]) && u[i]->out->dt != DT_STR)
			add_unit(&l, u[i]);
	choose(&l);
	settle_values(&l, u, n);
	settle_constants(&l);
}
