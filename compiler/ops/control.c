/* Control flow: the shapes of If, Loop and Scan. Their code is made by lower/control.c. */
#include "../ops.h"
#include "../passes/passes.h"

static void copy_type(Value *to, const Value *from)
{
	to->kind = from->kind;
	to->elem = from->elem;
	value_set_dims(to, from->dt, from->rank, from->dim);
}

static bool control_graph(Node *n, const char *name, Graph **g)
{
	*g = attr_graph(n, name);
	if (!*g)
		node_error(n, "attribute '%s' is missing: a graph is expected", name);
	return *g != NULL;
}

static bool count_is(Node *n, const char *what, int got, int want)
{
	if (got != want)
		node_error(n, "%s: %d expected, found %d", what, want, got);
	return got == want;
}

/* what decides how control flows is a tensor of that type with one element */
static bool decides(Node *n, const char *what, const Value *v, DType dt)
{
	bool one = true;

	if (!v || (v->kind == V_TENSOR && (v->dt == DT_NONE || v->rank < 0)))    /* absent, or reported */
		return true;
	if (v->kind != V_TENSOR || v->dt != dt) {
		node_error(n, "%s is %s, expected %s", what, value_str(v), dt_name(dt));
		return false;
	}
	for (int i = 0; one && i < v->rank; i++)
		one = ix_assume_equal(v->dim[i], ix_int(1), "what decides has one element");
	if (!one)
		node_error(n, "%s is %s, expected one element", what, value_str(v));
	return one;
}

static void infer_branch(void *g)
{
	infer_graph(g);
}

/* a body may be inferred again with other dims, in which its branches are valid: pass_shapes drops those that are not */
static bool in_body(const Graph *g)
{
	while (g->owner && g->owner->op == OP_IF)
		g = g->parent;
	return g->owner;
}

/* A branch may be one that no run can take, at the sizes that are given or since it was given what follows its If: its
 * errors are run-time errors */
static void infer_held(Graph *g)
{
	int scope;

	if (g->fails)
		return;
	scope = ix_scope(0);
	if (session_hold(infer_branch, g, &g->fails) && !in_body(g))
		drop_branch(g);
	ix_scope(scope);
}

static bool entry_symbol(const IxAtom *a, void *arg)
{
	const Graph *g = arg;

	for (int i = 0; i < g->in.n; i++)
		for (int j = 0; j < g->in.p[i]->rank; j++)
			if (a->kind == IX_SYM && ix_has(g->in.p[i]->dim[j], a))
				return false;
	return a->kind == IX_SYM;
}

/* the type of an output that only one branch gives: dims not of the model's inputs may be bound in there
 * only */
static void only_type(Value *o, const Value *a)
{
	copy_type(o, a);
	for (int j = 0; a->kind == V_TENSOR && j < a->rank; j++)
		if (ix_any(a->dim[j], entry_symbol, a->graph->model->main))
			o->dim[j] = ix_sym(NULL, ix_int(0), NULL);
}

static bool typed(const Value *v)
{
	return !v || (v->kind == V_TENSOR ? v->dt != DT_NONE && v->rank >= 0 : v->elem != NULL);
}

/* inferred before and not forgotten since: what read its outputs has their symbols */
static bool settled(const Node *n, const Graph *g)
{
	bool all = n->nout > 0;

	for (int i = 0; all && i < n->nout; i++)
		all = typed(n->out[i]);
	for (int i = 0; all && i < g->ret->nin; i++)
		all = typed(g->ret->in[i]);
	return all;
}

void shape_if(Node *n)
{
	Graph *g[2];
	Value *a, *b, *o;
	bool again;

	if (!control_graph(n, "then_branch", &g[0]) || !control_graph(n, "else_branch", &g[1]))
		return;
	if (!decides(n, "its condition", n->in[0], DT_BOOL))
		return;
	again = settled(n, g[0]) && settled(n, g[1]);
	for (int k = 0; k < 2; k++) {
		if (!g[k]->scope)
			g[k]->scope = ix_scope_new();
		infer_held(g[k]);
		if (!count_is(n, "outputs of a branch", g[k]->ret->nin, n->nout))
			return;
	}
	if (g[0]->fails && g[1]->fails) {
		node_error(n, "neither branch can run: %s", g[0]->fails);
		return;
	}
	if (again)
		return;
	for (int i = 0; i < n->nout; i++) {
		if (!(o = n->out[i]))
			continue;
		a = g[0]->ret->in[i];
		b = g[1]->ret->in[i];
		if (g[0]->fails || g[1]->fails) {
			only_type(o, g[0]->fails ? b : a);
			continue;
		}
		if (!a || !b || a->dt == DT_NONE || b->dt == DT_NONE)
			continue;
		if (a->dt != b->dt || a->kind != b->kind) {
			node_error(n, "output %d is %s in one branch and %s in the other", i, dt_name(a->dt),
				dt_name(b->dt));
			continue;
		}
		if (a->kind != V_TENSOR) {
			copy_type(o, a);
			continue;
		}
		if (a->rank != b->rank || a->rank < 0)      /* passes/split.c */
			continue;
		Ix dim[a->rank + 1];
		for (int j = 0; j < a->rank; j++)
			dim[j] = a->dim[j] == b->dim[j] ? a->dim[j] : ix_sym(NULL, ix_int(0), NULL);
		value_set_dims(o, a->dt, a->rank, dim);
	}
}

/* A carried dim that grows or shrinks in the body is not constant: a fresh symbol, and the body is inferred
 * again. One that may or may not be the same (the length of a slice that the iteration decides) is assumed to
 * be, and checked. */
static bool widen_carried(Value *in, const Value *out)
{
	Ix dim[in->rank < 0 ? 1 : in->rank + 1];
	bool changed = false;

	if (in->rank < 0 || in->rank != out->rank)
		return false;
	for (int j = 0; j < in->rank; j++) {
		dim[j] = in->dim[j];
		if (ix_equal(in->dim[j], out->dim[j]) || in->mark >> j & 1)
			continue;
		if (!ix_ge(out->dim[j], in->dim[j]) && !ix_ge(in->dim[j], out->dim[j]) &&
		    ix_assume_equal(in->dim[j], out->dim[j], "a carried value keeps its shape"))
			continue;
		dim[j] = ix_sym(NULL, ix_int(0), NULL);
		in->mark |= 1 << j;          /* once: it is this value's own */
		changed = true;
	}
	if (changed)
		value_set_dims(in, in->dt, in->rank, dim);
	return changed;
}

/* from iteration to iteration: the next value of what a body carries */
static bool keeps_type(Node *n, const Value *in, const Value *next)
{
	if (!next || (next->kind == V_TENSOR && (next->dt == DT_NONE || next->rank < 0)))        /* reported */
		return true;
	if (in->kind == next->kind && (in->kind != V_TENSOR || (in->dt == next->dt && in->rank == next->rank)))
		return true;
	node_error(n, "what its body carries begins as %s and becomes %s", value_str(in), value_str(next));
	return false;
}

/* the first n dims of a carried value, which are known to change */
static void own_dims(Value *in, int n)
{
	in->mark = 0;
	for (int j = 0; j < n; j++) {
		in->dim[j] = ix_sym(NULL, ix_int(0), NULL);
		in->mark |= 1 << j;
	}
}

/* a dim of the body that was assumed equal to one of a carried value: that one is known outside too */
static Ix outer_form(const Graph *body, int nc, Ix d)
{
	for (int i = 2; i < nc + 2; i++) {
		const Value *in = body->in.p[i];
		for (int j = 0; j < in->rank && in->kind == V_TENSOR; j++)
			if (ix_equal(in->dim[j], d))
				return in->dim[j];
	}
	return d;
}

void shape_loop(Node *n)
{
	int nc = n->nin - 2, ns, ngrow;
	const int64_t *grow = attr_ints(n, "grows", &ngrow);
	Graph *g;
	Ix trip = NULL, i64dim[1] = { NULL };
	const Ix *top;
	int64_t least;
	int ntop;
	bool again;

	if (!control_graph(n, "body", &g) || !count_is(n, "inputs of the body", g->in.n, nc + 2))
		return;
	if (!decides(n, "its trip count", n->in[0], DT_I64) || !decides(n, "its condition", n->in[1], DT_BOOL))
		return;
	if (settled(n, g)) {
		infer_graph(g);
		return;
	}
	value_set_dims(g->in.p[0], DT_I64, 0, i64dim);
	value_set_dims(g->in.p[1], DT_BOOL, 0, i64dim);
	for (int i = 0; i < nc; i++)
		if (n->in[i + 2]) {
			copy_type(g->in.p[i + 2], n->in[i + 2]);
			own_dims(g->in.p[i + 2], i < ngrow ? (int)grow[i] : 0);
		}
	if (n->in[0] && known_ints(n->in[0], &top, &ntop))    /* the iteration's number has bounds */
		value_elem(g->in.p[0], 0, ix_int(0), ix_isint(top[0], &least) && least < 1 ? ix_int(0) : ix_addc(top[0], -1));
	infer_graph(g);
	for (int i = 0; i < nc && i + 1 < g->ret->nin; i++) {
		Value *in = g->in.p[i + 2], *out = g->ret->in[i + 1];
		again = out && in->kind == V_TENSOR && widen_carried(in, out);
		if (again) {
			reinfer_graph(g);
			i = -1;
		}
	}
	ns = g->ret->nin - 1 - nc;
	if (ns < 0 && !count_is(n, "outputs of the body", g->ret->nin, nc + 1))
		return;
	if (!count_is(n, "outputs", n->nout, nc + ns)
			|| !decides(n, "the condition that its body gives", g->ret->in[0], DT_BOOL))
		return;
	for (int i = 0; i < nc; i++)
		if (!keeps_type(n, g->in.p[i + 2], g->ret->in[i + 1]))
			return;
	for (int i = 0; i < nc; i++)
		if (n->out[i] && g->in.p[i + 2])
			copy_type(n->out[i], g->in.p[i + 2]);
	for (int i = 0; i < nc; i++) {       /* a dim that changes inside has its own symbol outside */
		Value *o = n->out[i], *in = g->in.p[i + 2];
		if (!o || o->kind != V_TENSOR || o->rank < 0 || in->rank != n->in[i + 2]->rank)
			continue;
		for (int j = 0; j < o->rank; j++)
			if (in->dim[j] != n->in[i + 2]->dim[j])
				o->dim[j] = ix_sym(NULL, ix_int(0), NULL);
	}
	for (int i = 0; i < ns; i++) {
		Value *e = g->ret->in[1 + nc + i], *o = n->out[nc + i];
		if (!o || !e || e->rank < 0)
			continue;
		if (!trip) {
			Ix top = n->in[0] ? value_elem(n->in[0], 0, ix_int(0), ix_int(FAR)) : NULL;
			trip = ix_sym(NULL, ix_int(0), top);
		}
		Ix dim[e->rank + 1];
		dim[0] = trip;
		for (int j = 0; j < e->rank; j++)
			dim[j + 1] = outer_form(g, nc, e->dim[j]);
		value_set_dims(o, e->dt, e->rank + 1, dim);
	}
}

static int64_t list_at(const int64_t *l, int n, int i)
{
	return i < n ? l[i] : 0;
}

/* a state of Scan has one shape in all iterations */
static void keep_shape(Node *n, const Value *in, const Value *next)
{
	bool same = keeps_type(n, in, next);

	if (!same)
		return;
	for (int i = 0; same && i < in->rank; i++)
		same = ix_assume_equal(in->dim[i], next->dim[i], "a state of Scan keeps its shape");
	if (!same)
		node_error(n, "a state begins as %s and becomes %s", value_str(in), value_str(next));
}

void shape_scan(Node *n)
{
	int64_t nscan = attr_int(n, "num_scan_inputs", 0);
	int ns = nscan < 1 || nscan > n->nin ? 0 : (int)nscan, nst = n->nin - ns, nax, nox;
	const int64_t *iax = attr_ints(n, "scan_input_axes", &nax),
		      *oax = attr_ints(n, "scan_output_axes", &nox);
	Graph *g;
	Ix trip = NULL;

	if (!control_graph(n, "body", &g) || !count_is(n, "inputs of the body", g->in.n, n->nin))
		return;
	if (!ns) {
		node_error(n, "num_scan_inputs is %lld with %d inputs", (long long)nscan, n->nin);
		return;
	}
	for (int i = 0; i < nst; i++)
		copy_type(g->in.p[i], n->in[i]);
	for (int i = 0; i < ns; i++) {
		Value *x = n->in[nst + i];
		int64_t ax = list_at(iax, nax, i);
		if (x->rank < 1 || !axis_ok(n, &ax, x->rank))
			return;
		Ix dim[x->rank + 1];
		for (int j = 0, k = 0; j < x->rank; j++)
			if (j != ax)
				dim[k++] = x->dim[j];
		value_set_dims(g->in.p[nst + i], x->dt, x->rank - 1, dim);
		if (!trip)
			trip = x->dim[ax];
		else if (!ix_assume_equal(trip, x->dim[ax], "scan inputs have equal lengths"))
			node_error(n, "scan inputs of lengths %s and %s", ix_str(trip), ix_str(x->dim[ax]));
	}
	infer_graph(g);
	if (!count_is(n, "outputs", n->nout, g->ret->nin))
		return;
	for (int i = 0; i < n->nout; i++) {
		Value *e = g->ret->in[i], *o = n->out[i];
		int64_t ax = i < nst ? 0 : list_at(oax, nox, i - nst);
		if (!o || !e || e->rank < 0)
			continue;
		if (i < nst) {
			keep_shape(n, g->in.p[i], e);
			copy_type(o, g->in.p[i]);
			continue;
		}
		if (!axis_ok(n, &ax, e->rank + 1))
			return;
		Ix dim[e->rank + 1];
		for (int j = 0, k = 0; j <= e->rank; j++)
			dim[j] = j == ax ? trip : e->dim[k++];
		value_set_dims(o, e->dt, e->rank + 1, dim);
	}
}
