/* Common subexpressions: nodes of one graph with the same operator, attributes and inputs are one. Constants with the
 * same bytes were made one value first, so that weights are stored once.
 *
 * Twice: before shapes, when no symbol stands for a size that data decides and so the nodes that decide one, and whole
 * branches, can be merged too (twins); and after the rules.
 *
 * maintains: everything. */
#include "passes.h"

/* values of a subgraph by their number there, from 1 */
typedef struct Local { Map *number; int n; } Local;

static void key_graph(Buf *, const Graph *, Local *);

/* a tensor by its bytes, if they are few */
static void key_tensor(Buf *k, const Value *t)
{
	if (!t || !t->data || t->dt == DT_STR || t->data->n > 64) {
		buf_fmt(k, "%p", (void *)t);
		return;
	}
	buf_fmt(k, "=%d", t->dt);
	for (int i = 0; i < t->rank; i++)
		buf_fmt(k, ",%s", ix_str(t->dim[i]));
	buf_fmt(k, ":%zu:", t->data->n);
	buf_add(k, (const char *)t->data->p, t->data->n);
}

static void key_attr(Buf *k, const Attr *a, Local *l)
{
	buf_fmt(k, "|%s:%d:%a:%lld:", a->name, a->type, (double)a->f, (long long)a->i);
	key_tensor(k, a->t);
	buf_add(k, a->s.p ? a->s.p : "", a->s.n);
	for (int i = 0; i < a->n; i++) {
		if (a->fs)
			buf_fmt(k, ",%a", (double)a->fs[i]);
		if (a->is)
			buf_fmt(k, ",%lld", (long long)a->is[i]);
		if (a->ts)
			buf_fmt(k, ",%p", (void *)a->ts[i]);
		if (a->ss) {
			buf_fmt(k, ",%zu:", a->ss[i].n);
			buf_add(k, a->ss[i].p, a->ss[i].n);
		}
	}
	if (a->g)
		key_graph(k, a->g, l);
}

static void key_node(Buf *k, const Node *n, Local *l)
{
	buf_fmt(k, "%d/%d", n->op, n->nout);
	for (int i = 0; i < n->nin; i++) {
		int *at = n->in[i] ? map_ptr(l->number, n->in[i]) : NULL;
		buf_fmt(k, at ? ";l%d" : ";%d", at ? *at : n->in[i] ? n->in[i]->id : -1);
	}
	for (int i = 0; i < n->nattr; i++)
		key_attr(k, &n->attr[i], l);
}

static void number(Local *l, const Value *v)
{
	int *at = NEW(int);

	*at = ++l->n;
	*map_at_ptr(l->number, v) = at;
}

static void key_graph(Buf *k, const Graph *g, Local *l)
{
	buf_fmt(k, "{%d", g->in.n);
	for (int i = 0; i < g->in.n; i++)
		number(l, g->in.p[i]);
	for (const Node *n = g->first; n; n = n->next) {
		buf_fmt(k, "&");
		key_node(k, n, l);
		for (int i = 0; i < n->nout; i++) {
			buf_fmt(k, n->out[i] ? "+" : "-");
			if (n->out[i])
				number(l, n->out[i]);
		}
	}
	buf_fmt(k, "}");
}

/* sequences stay apart: which type an empty one has depends on its readers */
static bool mergeable(const Node *n, bool shaped)
{
	unsigned never = OF_RANDOM | OF_DISSOLVES | (shaped ? OF_SUBGRAPH | OF_DATADIM : 0);

	if (op_def[n->op].flags & never || (op_def[n->op].flags & OF_SUBGRAPH && n->op != OP_IF))
		return false;
	for (int i = 0; i < n->nattr; i++) {
		if (n->attr[i].tp)
			return false;
		for (Node *k = n->attr[i].g ? n->attr[i].g->first : NULL; k; k = k->next)
			if (!mergeable(k, shaped))
				return false;
	}
	return true;
}

static bool same_outputs(const Node *a, const Node *b, bool shaped)
{
	if (a->nout != b->nout)
		return false;
	for (int i = 0; i < a->nout; i++) {
		if (!a->out[i] != !b->out[i])
			return false;
		if (shaped && a->out[i] && (a->out[i]->kind != b->out[i]->kind || a->out[i]->dt != b->out[i]->dt ||
		    !value_same_shape(a->out[i], b->out[i])))
			return false;
	}
	return true;
}

static void cse_graph(Graph *g, bool shaped)
{
	Map *seen = map_new();
	Node *next, *same;

	for (Node *n = g->first; n; n = next) {
		Buf k = { 0 };
		void **slot;
		next = n->next;
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				cse_graph(n->attr[i].g, shaped);
		if (n->op == OP_RETURN || !mergeable(n, shaped))
			continue;
		key_node(&k, n, &(Local){ .number = map_new() });
		slot = map_at(seen, k.p, k.n);
		same = *slot;
		if (!same) {
			*slot = n;
			continue;
		}
		if (!same_outputs(same, n, shaped))
			continue;
		for (int i = 0; i < n->nout; i++)
			if (n->out[i])
				value_replace(n->out[i], same->out[i]);
		node_remove(n);
	}
}

/* constants with equal bytes; one that several graphs read belongs to the main graph */
static void merge_constants(Graph *g, Map *seen)
{
	for (Node *n = g->first; n; n = n->next) {
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				merge_constants(n->attr[i].g, seen);
		for (int i = 0; i < n->nin; i++) {
			Value *v = n->in[i], *w;
			Buf k = { 0 };
			void **slot;
			if (!v || !v->data || v->kind != V_TENSOR || v->dt == DT_STR)
				continue;
			buf_fmt(&k, "%d:%zu:%d", v->dt, v->data->n, v->rank);
			for (int j = 0; j < v->rank; j++)
				buf_fmt(&k, ",%s", ix_str(v->dim[j]));
			buf_fmt(&k, ":%llx", (unsigned long long)hash_bytes(v->data->p, v->data->n, 1));
			slot = map_at(seen, k.p, k.n);
			w = *slot;
			if (!w)
				*slot = v;
			else if (w != v &&
				(w->data == v->data || !memcmp(w->data->p, v->data->p, v->data->n))) {
				if (w->graph != v->graph)
					w->graph = g->model->main;
				node_set_in(n, i, w);
			}
		}
	}
}

void pass_cse(Model *m, const Options *o)
{
	(void)o;
	merge_constants(m->main, map_new());
	cse_graph(m->main, true);
}

/* exporters say that two constants are equal by an Identity */
static void same_constants(Graph *g)
{
	Node *next;

	for (Node *n = g->first; n; n = next) {
		next = n->next;
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				same_constants(n->attr[i].g);
		if (n->op != OP_IDENTITY || !n->in[0]->data || n->in[0]->kind != V_TENSOR ||
			value_is_output(n->out[0]))
			continue;
		value_replace(n->out[0], n->in[0]);
		node_remove(n);
	}
}

void pass_twins(Model *m, const Options *o)
{
	(void)o;
	same_constants(m->main);
	merge_constants(m->main, map_new());
	cse_graph(m->main, false);
}
