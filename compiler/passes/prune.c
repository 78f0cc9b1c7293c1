/* If whose condition is known while compiling: the nodes of the branch that is taken stand in its place.
 *
 * Shape inference does it when it comes to such a node, so that what follows sees the branch's own dims; this
 * pass finds those whose condition folding made known. requires: shapes. maintains: shapes. */
#include "passes.h"

/* 0, 1, or -1: not known */
static int known_condition(const Node *n)
{
	const Ix *e;
	int64_t x;
	int count, scope, is = -1;

	if (!n->in[0] || n->in[0]->dt != DT_BOOL)
		return -1;
	if (const_int(n->in[0], &x))
		return x != 0;
	if (!known_ints(n->in[0], &e, &count) || count != 1)
		return -1;
	scope = ix_scope(graph_scope(n->graph));
	if (ix_gt0(e[0]) || ix_equal(e[0], ix_int(1)))
		is = 1;
	else if (ix_equal(e[0], ix_int(0)))
		is = 0;
	ix_scope(scope);
	return is;
}

static bool same_type(const Value *a, const Value *b)
{
	if (a->kind != b->kind || a->dt != b->dt || a->rank != b->rank || a->kind != V_TENSOR)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (a->dim[i] != b->dim[i])
			return false;
	return true;
}

Node *prune_if(Node *n, bool inferred)
{
	Graph *g = n->graph, *t;
	Node *first;
	int is = known_condition(n);

	if (is < 0)
		return NULL;
	t = attr_graph(n, is ? "then_branch" : "else_branch");
	if (!t || t->fails || t->ret->nin != n->nout)
		return NULL;
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] && (!t->ret->in[i] || (inferred && !same_type(n->out[i], t->ret->in[i]))))
			return NULL;
	if (t->scope)
		ix_scope_join(t->scope, graph_scope(g));
	first = t->first == t->ret ? NULL : t->first;
	graph_spill(t, n);
	for (int i = 0; i < n->nout; i++)
		if (n->out[i])
			value_replace(n->out[i], t->ret->in[i]);
	if (!first)
		first = n->next;
	node_remove(n);
	return first;
}

static void prune_graph(Graph *g)
{
	Node *next, *k;

	for (Node *n = g->first; n; n = next) {
		next = n->next;
		if (n->op == OP_IF && (k = prune_if(n, true))) {
			next = k;
			continue;
		}
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				prune_graph(n->attr[i].g);
	}
}

void pass_prune(Model *m, const Options *o)
{
	(void)o;
	prune_graph(m->main);
}
