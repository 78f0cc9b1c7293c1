/* Shape inference.
 *
 * requires: nodes in topological order. maintains: everything. Afterwards every wanted output has a kind, a
 * dtype and a rank, or an error was reported. An If with a known condition is replaced by its branch
 * (prune.c), one whose branches differ in rank takes in what follows it (split.c). */
#include "../ops.h"
#include "passes.h"

#include <inttypes.h>

static bool inferred(const Node *n)
{
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] &&
			(n->out[i]->kind == V_TENSOR ? n->out[i]->dt == DT_NONE || n->out[i]->rank < 0
						     : n->out[i]->elem == NULL))
			return false;
	return true;
}

static bool ready(const Node *n)
{
	if (n->nin < op_def[n->op].in0)
		return false;
	for (int i = 0; i < n->nin; i++) {
		const Value *v = n->in[i];
		if (!v ? node_needs(n, i) : v->kind == V_TENSOR && (v->dt == DT_NONE || v->rank < 0))
			return false;
	}
	return true;
}

/* what the numbers among the dims say: none is negative, and the elements are within the limit. Not in a branch or a
 * loop, which may never be taken */
static void check_sizes(const Node *n)
{
	int64_t d, count;

	for (int i = 0; i < n->nout && !n->graph->parent; i++) {
		const Value *v = n->out[i];
		bool none = false;

		count = 1;
		for (int k = 0; v && v->kind == V_TENSOR && k < v->rank; k++) {
			if (!ix_isint(v->dim[k], &d))
				continue;
			if (d < 0) {
				node_error(n, "dimension %d of output %d is %" PRId64, k, i, d);
				return;
			}
			none |= !d;
			if (!mul_ok(count, d, &count))
				count = INT64_MAX;
		}
		limit_check(LIM_RANK, v ? v->rank : 0, node_where(n));
		limit_check(LIM_ELEMENTS, none ? 0 : count, node_where(n));
	}
}

/* once for each operator */
static void refuse(Node *n)
{
	Model *m = n->graph->model;
	void **slot;

	if (!m->refused)
		m->refused = map_new();
	slot = map_at_str(m->refused, fmt("%d %s", n->op, n->unknown ? n->unknown : ""));
	if (!*slot)
		node_unsupported(n, "operator '%s' is not supported", quoted(node_op_name(n)));
	*slot = m;
}

static void check_graph(Graph *g)
{
	for (Node *n = g->first; n; n = n->next) {
		if (n != g->ret && !op_def[n->op].shape && !(op_def[n->op].flags & (OF_DISSOLVES | OF_EXPANDS)))
			refuse(n);
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				check_graph(n->attr[i].g);
	}
}

void check_operators(Model *m)
{
	check_graph(m->main);
}

void node_infer(Node *n)
{
	const OpDef *d = &op_def[n->op];
	const Node *rule;
	int scope;

	if (n->op == OP_RETURN)
		return;
	if (!d->shape) {
		refuse(n);
		return;
	}
	if (!ready(n))           /* the reason was reported where it arose */
		return;
	scope = ix_scope(graph_scope(n->graph));
	rule = zn->rule;
	zn->rule = n;
	d->shape(n);
	if (inferred(n)) {
		infer_known(n);
		check_sizes(n);
	}
	zn->rule = rule;
	ix_scope(scope);
}

bool in_loop(const Graph *g)
{
	for (; g->owner; g = g->parent)
		if (g->owner->op != OP_IF)
			return true;
	return false;
}

static bool may_prune(const Node *n)
{
	return n->op == OP_IF && ready(n) && ((n->in[0] && n->in[0]->data) || !in_loop(n->graph));
}

/* outputs without a rank, although all before it has been inferred */
static bool differs(const Node *n)
{
	return n->op == OP_IF && !zn->nerror && ready(n) && !inferred(n);
}

void infer_graph(Graph *g)
{
	Node *next, *prev, *k;

	for (Node *n = g->first; n; n = next) {
		next = n->next;
		if (may_prune(n) && (k = prune_if(n, false))) {
			next = k;
			continue;
		}
		if ((k = dissolve(n))) {
			next = k;
			continue;
		}
		if (!inferred(n) || op_def[n->op].flags & OF_SUBGRAPH)
			node_infer(n);
		if (n->op == OP_IF && dissolve_if(n)) {
			next = n;
			continue;
		}
		prev = n->prev;
		if (differs(n) && split_if(n))
			next = prev ? prev->next : g->first;
	}
}

static void forget_graph(Graph *g)
{
	for (Node *n = g->first; n; n = n->next) {
		for (int i = 0; i < n->nout; i++)
			if (n->out[i]) {
				n->out[i]->rank = -1;
				n->out[i]->known = NULL;
			}
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g) {
				if (n->attr[i].g->first != n->attr[i].g->ret)
					n->attr[i].g->fails = NULL;
				forget_graph(n->attr[i].g);
			}
	}
}

void reinfer_graph(Graph *g)
{
	forget_graph(g);
	infer_graph(g);
}

void drop_branch(Graph *g)
{
	Node *k, *prev;

	warning(node_where(g->owner), "a branch cannot run: %.200s%s", g->fails, strlen(g->fails) > 200 ? "..." : "");
	for (int i = 0; i < g->ret->nin; i++)
		node_set_in(g->ret, i, NULL);
	for (k = g->ret->prev; k; k = prev) {
		prev = k->prev;
		node_remove(k);
	}
}

static void drop_branches(Graph *g)
{
	if (g->fails && g->first != g->ret)
		drop_branch(g);
	for (Node *n = g->first; n; n = n->next)
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				drop_branches(n->attr[i].g);
}

/* an If that could not be split: its outputs are outputs of the model, or of a loop's body */
static bool check_ranks(const Graph *g)
{
	for (const Node *n = g->first; n; n = n->next) {
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g && !check_ranks(n->attr[i].g))
				return false;
		if (inferred(n))
			continue;
		node_unsupported(n, "an output %s",
			n->op == OP_IF
				? "has as many dimensions as the branch that is taken gives it, and a graph's outputs need it"
				: "has no known number of dimensions");
		return false;
	}
	return true;
}

void pass_shapes(Model *m, const Options *o)
{
	sequence_inputs(m);
	if (!zn->nerror)
		infer_graph(m->main);
	if (!zn->nerror)
		check_declared(m, o);
	if (!zn->nerror)
		sequence_outputs(m);
	if (!zn->nerror)
		drop_branches(m->main);
	if (!zn->nerror)
		check_ranks(m->main);
}
