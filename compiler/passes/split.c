/* If whose branches give outputs of different rank: a rank is static, so what depends on the outputs is
 * compiled into each branch. The nodes that follow and depend on them move into one branch and are cloned
 * into the other; the If then gives the outputs of its graph. Where these still differ in rank, the If around
 * it is split in turn, and its branches again.
 *
 * Part of shape inference: none of the nodes that move has been inferred yet. */
#include "passes.h"

/* reads, itself or in its subgraphs, what a marked node of g defines */
static bool reads_marked(const Node *n, const Graph *g)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] && n->in[i]->graph == g && n->in[i]->def && n->in[i]->def->mark)
			return true;
	for (int i = 0; i < n->nattr; i++)
		if (n->attr[i].type == A_GRAPH)
			for (const Node *k = n->attr[i].g->first; k; k = k->next)
				if (reads_marked(k, g))
					return true;
	return false;
}

static int size_of(const Node *n)
{
	int size = 1;

	for (int i = 0; i < n->nattr; i++)
		if (n->attr[i].type == A_GRAPH)
			for (const Node *k = n->attr[i].g->first; k; k = k->next)
				size += size_of(k);
	return size;
}

/* the nodes that depend on n are marked, as n is; how many they are, those of subgraphs included */
static int mark_dependents(Node *n)
{
	Graph *g = n->graph;
	int size = 0;

	for (Node *k = g->first; k; k = k->next)
		k->mark = 0;
	n->mark = 1;
	for (Node *k = n->next; k != g->ret; k = k->next)
		if (reads_marked(k, g)) {
			k->mark = 1;
			size += size_of(k);
		}
	return size;
}

/* ---- clones */

static Value *clone_of(Map *m, Value *v)
{
	Value *w = v ? map_ptr(m, v) : NULL;

	return w ? w : v;
}

static Value *clone_value(Map *m, Graph *to, const Value *v)
{
	Value *w = value_new(to, v->name);

	w->kind = v->kind;
	w->dt = v->dt;
	w->elem = v->elem;
	w->hint = v->hint;
	*map_at_ptr(m, v) = w;
	return w;
}

static Node *clone_node(Map *m, Graph *to, const Node *n, Graph *home);

static Graph *clone_graph(Map *m, Graph *around, const Graph *g, Graph *home)
{
	Graph *c = graph_new(g->model, around, g->name);
	Value *v;

	for (int i = 0; i < g->in.n; i++) {
		v = clone_value(m, c, g->in.p[i]);
		v->index = i;
		push(&c->in, v);
	}
	for (const Node *n = g->first; n != g->ret; n = n->next)
		clone_node(m, c, n, home);
	node_resize_in(c->ret, g->ret->nin);
	for (int i = 0; i < g->ret->nin; i++) {
		v = g->ret->in[i];
		if (v && v->data && !graph_encloses(v->graph, c))
			v->graph = home;
		node_set_in(c->ret, i, clone_of(m, v));
	}
	for (int i = 0; i < g->out_name.n; i++)
		push(&c->out_name, g->out_name.p[i]);
	c->split = g->split;
	c->fails = g->fails;
	return c;
}

/* constants are shared; one of a graph that is not around both goes to `home`, which is */
static Node *clone_node(Map *m, Graph *to, const Node *n, Graph *home)
{
	Node *c = node_new(to, NULL, n->op, n->nin, n->nout);

	c->id = n->id;
	c->name = n->name;
	for (int i = 0; i < n->nin; i++) {
		Value *v = n->in[i];
		if (v && v->data && !graph_encloses(v->graph, to))
			v->graph = home;
		node_set_in(c, i, clone_of(m, v));
	}
	for (int i = 0; i < n->nout; i++)
		if (n->out[i])
			node_set_out(c, i, clone_value(m, to, n->out[i]));
	for (int i = 0; i < n->nattr; i++) {
		Attr a = n->attr[i];
		if (a.type == A_GRAPH)
			a.g = clone_graph(m, to, a.g, home);
		node_add_attr(c, a);
	}
	return c;
}

Node *node_clone(const Node *n, Graph *to)
{
	return clone_node(map_new(), to, n, to);
}

/* ---- the split */

typedef struct Split {
	Node *node;
	Graph *branch[2];
	Map *clone;              /* value of the first branch, or of the graph around -> that of the second */
	VEC(Value *) out;        /* what the graph gives of n's outputs and of what moves */
} Split;

static void find_outputs(Split *s)
{
	const Node *ret = s->node->graph->ret;
	Map *seen = map_new();

	for (int i = 0; i < ret->nin; i++) {
		Value *v = ret->in[i];
		if (!v || v->graph != ret->graph || !v->def || !v->def->mark || map_ptr(seen, v))
			continue;
		*map_at_ptr(seen, v) = v;
		push(&s->out, v);
	}
}

static void move_dependents(Split *s)
{
	Node *n = s->node, *next;
	Value *const *r[2] = { s->branch[0]->ret->in, s->branch[1]->ret->in };

	for (int i = 0; i < n->nout; i++)
		if (n->out[i])
			*map_at_ptr(s->clone, n->out[i]) = r[1][i];
	for (const Node *k = n->next; k != n->graph->ret; k = k->next)
		if (k->mark)
			clone_node(s->clone, s->branch[1], k, n->graph);
	for (Node *k = n->next; k != n->graph->ret; k = next) {
		next = k->next;
		if (k->mark)
			node_move(k, s->branch[0], NULL);
	}
	for (int i = 0; i < n->nout; i++)
		for (Use *u = n->out[i] ? n->out[i]->uses : NULL, *after; u; u = after) {
			after = u->next;
			if (u->node->graph != n->graph)
				node_set_in(u->node, u->index, r[0][i]);
		}
}

static void new_outputs(Split *s)
{
	Node *n = s->node, *ret = n->graph->ret;
	int count = s->out.n;
	Value **in[2] = { NEWN(Value *, count), NEWN(Value *, count) }, **out = NEWN(Value *, count);

	for (int i = 0; i < count; i++) {
		Value *v = s->out.p[i];
		bool own = v->def == n;
		in[0][i] = own ? s->branch[0]->ret->in[v->index] : v;
		in[1][i] = clone_of(s->clone, v);
		out[i] = own ? v : value_new(n->graph, v->name);
		for (int j = 0; j < ret->nin; j++)
			if (ret->in[j] == v)
				node_set_in(ret, j, out[i]);
	}
	n->out = NEWN(Value *, count);
	n->nout = count;
	for (int i = 0; i < count; i++)
		node_set_out(n, i, out[i]);
	for (int k = 0; k < 2; k++) {
		graph_set_outputs(s->branch[k], in[k], count);
		s->branch[k]->out_name.n = 0;
		for (int i = 0; i < count; i++)
			push(&s->branch[k]->out_name, out[i]->name ? out[i]->name : "");
		s->branch[k]->split = true;
	}
}

bool split_if(Node *n)
{
	Split s = { .node = n, .branch = { attr_graph(n, "then_branch"), attr_graph(n, "else_branch") } };
	int size = mark_dependents(n);

	for (int i = 0; i < n->nout; i++)
		if (n->out[i] && (!s.branch[0]->ret->in[i] || !s.branch[1]->ret->in[i]))
			return false;
	if (!size)
		return false;
	n->graph->model->nsplit += size;
	limit_check(LIM_SPLIT, n->graph->model->nsplit, node_where(n));
	s.clone = map_new();
	find_outputs(&s);
	move_dependents(&s);
	new_outputs(&s);
	node_move(n, n->graph, NULL);
	return true;
}
