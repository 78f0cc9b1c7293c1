/* Shape inference.
 *
 * requires: nodes in topological order. maintains: everything. Afterwards every wanted output has a kind, a dtype and a
 * rank, or an error was reported. */
#include "../ops.h"
#include "passes.h"

static bool inferred(const Node *n)
{
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] && (n->out[i]->kind == V_TENSOR ? n->out[i]->dt == DT_NONE || n->out[i]->rank < 0
		    : n->out[i]->elem == NULL))
			return false;
	return true;
}

static bool ready(const Node *n)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] && n->in[i]->kind == V_TENSOR && (n->in[i]->dt == DT_NONE || n->in[i]->rank < 0))
			return false;
	return true;
}

void node_infer(Node *n)
{
	const OpDef *d = &op_def[n->op];

	if (n->op == OP_RETURN)
		return;
	if (!d->shape) {
		node_unsupported(n, "operator %s is not supported", op_name(n->op));
		return;
	}
	if (!ready(n))           /* the reason was reported where it arose */
		return;
	d->shape(n);
	if (inferred(n))
		infer_known(n);
}

void infer_graph(Graph *g)
{
	for (Node *n = g->first; n; n = n->next)
		if (!inferred(n) || op_def[n->op].flags & OF_SUBGRAPH)
			node_infer(n);
}

void reinfer_graph(Graph *g)
{
	for (Node *n = g->first; n; n = n->next) {
		for (int i = 0; i < n->nout; i++)
			if (n->out[i])
				n->out[i]->known = NULL;
		node_infer(n);
	}
}

void pass_shapes(Model *m, const Options *o)
{
	(void)o;
	infer_graph(m->main);
}
