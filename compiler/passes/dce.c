/* Dead code: nodes whose outputs nothing reads, from the last to the first, so that one walk finds all.
 *
 * maintains: everything. A Loop or Scan with a reader of one output keeps them all. */
#include "passes.h"

static bool live(const Node *n, const Map *kept)
{
	if (n->op == OP_RETURN)
		return true;
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] && (n->out[i]->uses || map_get((Map *)kept, &n->out[i], sizeof n->out[i])))
			return true;
	return false;
}

static void dce_graph(Graph *g, const Map *kept)
{
	Node *prev;

	for (Node *n = g->last; n; n = prev) {
		prev = n->prev;
		if (!live(n, kept)) {
			for (int i = 0; i < n->nattr; i++)   /* what its body captured is no longer read */
				if (n->attr[i].g)
					for (Node *k = n->attr[i].g->last, *p; k; k = p) {
						p = k->prev;
						node_remove(k);
					}
			node_remove(n);
			continue;
		}
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				dce_graph(n->attr[i].g, kept);
	}
}

void pass_dce(Model *m, const Options *o)
{
	Map *kept = map_new();

	(void)o;
	for (int i = 0; i < m->bind.n; i++)      /* tensors whose elements decide symbols */
		if (m->bind.p[i].from)
			*map_at(kept, &m->bind.p[i].from, sizeof(Value *)) = m;
	dce_graph(m->main, kept);
}

void pass_sweep(Model *m, const Options *o)
{
	pass_dce(m, o);
}
