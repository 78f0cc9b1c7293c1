/* Shape arithmetic: an integer tensor whose elements inference found to be numbers becomes a constant.
 *
 * requires: shapes. maintains: shapes. Nodes left without readers go with dce. */
#include "passes.h"

static void make_constant(Value *v)
{
	int64_t dim[v->rank + 1], e;
	uint64_t bits[64];
	uint8_t mem[512];
	int n = 1;

	if (!v->known || v->data || !v->uses || !value_static(v, dim))
		return;
	for (int i = 0; i < v->rank; i++)
		n *= (int)dim[i];
	for (int i = 0; i < n; i++) {
		if (!ix_isint(v->known[i], &e))
			return;
		bits[i] = (uint64_t)e;
	}
	memset(mem, 0, sizeof mem);
	dt_put(v->dt, true, mem, 0, n, bits);
	value_replace(v, value_const(v->graph, v->dt, v->rank, dim, mem));
}

static void arith_graph(Graph *g)
{
	for (Node *n = g->first; n; n = n->next) {
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				arith_graph(n->attr[i].g);
		if (op_def[n->op].flags & (OF_SUBGRAPH | OF_RANDOM))
			continue;
		for (int i = 0; i < n->nout; i++)
			if (n->out[i] && n->out[i]->kind == V_TENSOR)
				make_constant(n->out[i]);
	}
}

void pass_arith(Model *m, const Options *o)
{
	(void)o;
	arith_graph(m->main);
}
