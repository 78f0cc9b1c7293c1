/* An order of execution for nodes that a file lists in another: depth first from the first node, so that
 * what is in order stays as it is. A node reads its inputs and what its subgraphs capture.
 */
#include "import.h"

typedef struct Names { Map *map; const struct Names *up; } Names;    /* what is defined inside a subgraph */

typedef struct Deps {
	Map *producer;           /* output name -> 1 + position */
	VEC(int) dep;            /* of all nodes, one after the other */
	int *first;              /* first[i]..first[i+1]: of node i */
} Deps;

static void
dep_on(Deps *d, const Names *names, const char *name)
{
	uintptr_t at;

	if (!*name)
		return;
	for (; names; names = names->up)
		if (map_str(names->map, name))
			return;
	if ((at = (uintptr_t)map_str(d->producer, name)))
		push(&d->dep, (int)at - 1);
}

static void
captures(Deps *d, const Onnx__GraphProto *g, const Names *up, int depth)
{
	Names names = {map_new(), up};
	const Onnx__NodeProto *n;

	limit_check(LIM_DEPTH, depth, NULL);
	for (size_t i = 0; i < g->n_input; i++)
		*map_at_str(names.map, STR_OF(g->input[i]->name)) = names.map;
	for (size_t i = 0; i < g->n_initializer; i++)
		*map_at_str(names.map, STR_OF(g->initializer[i]->name)) = names.map;
	for (size_t i = 0; i < g->n_node; i++)
		for (size_t k = 0; k < g->node[i]->n_output; k++)
			*map_at_str(names.map, g->node[i]->output[k]) = names.map;
	for (size_t i = 0; i < g->n_node; i++) {
		n = g->node[i];
		for (size_t k = 0; k < n->n_input; k++)
			dep_on(d, &names, n->input[k]);
		for (size_t k = 0; k < n->n_attribute; k++)
			if (n->attribute[k]->g)
				captures(d, n->attribute[k]->g, &names, depth + 1);
	}
	for (size_t i = 0; i < g->n_output; i++)
		dep_on(d, &names, STR_OF(g->output[i]->name));
}

static bool
collect(Deps *d, Onnx__NodeProto *const *node, int n)
{
	bool sorted = true;

	d->producer = map_new();
	d->first = NEWN(int, n + 1);
	for (int i = 0; i < n; i++)
		for (size_t k = 0; k < node[i]->n_output; k++)
			if (*node[i]->output[k])
				*map_at_str(d->producer, node[i]->output[k]) = (void *)(uintptr_t)(i + 1);
	for (int i = 0; i < n; i++) {
		d->first[i] = d->dep.n;
		for (size_t k = 0; k < node[i]->n_input; k++)
			dep_on(d, NULL, node[i]->input[k]);
		for (size_t k = 0; k < node[i]->n_attribute; k++)
			if (node[i]->attribute[k]->g)
				captures(d, node[i]->attribute[k]->g, NULL, 1);
		for (int k = d->first[i]; k < d->dep.n; k++)
			sorted &= d->dep.p[k] < i;
	}
	d->first[n] = d->dep.n;
	return sorted;
}

static _Noreturn void
cycle(Onnx__NodeProto *const *node, const int *stack, int n, int from, const char *where)
{
	int k = n - 1;
	Buf b = {0};

	while (k > 0 && stack[k] != from)
		k--;
	for (int i = n - 1; i >= k && i > n - 9; i--) {
		const Onnx__NodeProto *p = node[stack[i]];
		bool named = *STR_OF(p->name);
		buf_fmt(&b, "%s%s'%s' (%s, #%d)", i < n - 1 ? " -> " : "", named ? "" : "node of ",
			quoted(named ? p->name : p->n_output ? p->output[0] : ""), quoted(STR_OF(p->op_type)), stack[i]);
	}
	fatal(EX_INVALID, where, "nodes read each other's outputs in a cycle: %s%s", buf_str(&b),
		n - k > 8 ? " -> ..." : "");
}

int *
node_order(Onnx__NodeProto *const *node, int n, const char *where)
{
	enum { UNSEEN, OPEN, DONE };
	int *order, *stack, *pos, top, k = 0, i, j;
	Deps d = {0};
	char *state;

	if (collect(&d, node, n))
		return NULL;
	order = NEWN(int, n);
	stack = NEWN(int, n + 1);
	pos = NEWN(int, n);
	state = NEWN(char, n);
	for (int root = 0; root < n; root++) {
		if (state[root] != UNSEEN)
			continue;
		for (stack[0] = root, top = 1; top;) {
			i = stack[top - 1];
			state[i] = OPEN;
			if (d.first[i] + pos[i] == d.first[i + 1]) {
				state[i] = DONE;
				order[k++] = i;
				top--;
				continue;
			}
			j = d.dep.p[d.first[i] + pos[i]++];
			if (state[j] == OPEN)
				cycle(node, stack, top, j, where);
			if (state[j] == UNSEEN)
				stack[top++] = j;
		}
	}
	return order;
}
