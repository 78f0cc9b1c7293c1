/* A wrong rewrite, planted by --break-pass=NAME in test builds after the pass of that name, to see --verify
 * catch it: the value in the middle of the graph is negated, and keeps its name, as a mistaken rewrite would
 * have it. */
#include "passes.h"

#ifdef ZN_CHECKS
static bool fits(const Node *n)
{
	return n->op != OP_RETURN && n->nout > 0 && n->out[0] && n->out[0]->kind == V_TENSOR
		&& dt_float(n->out[0]->dt) && n->out[0]->name;
}

void plant_fault(Model *m)
{
	Graph *g = m->main;
	int count = 0, k = 0;
	Value *v, *w;

	for (Node *n = g->first; n; n = n->next)
		count += fits(n);
	for (Node *n = g->first; n; n = n->next)
		if (fits(n) && k++ == (count - 1) / 2) {
			v = n->out[0];
			w = node_simple(g, n->next, OP_NEG, &v, 1)->out[0];
			for (Use *u = v->uses, *next; u; u = next) {
				next = u->next;
				if (u->node != w->def)
					node_set_in(u->node, u->index, w);
			}
			w->name = v->name;
			v->name = NULL;
			return;
		}
}
#endif
