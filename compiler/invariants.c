/* graph_verify: the invariants of graph.h. graph_dump: the graph as text. */
#include "graph.h"

#include <inttypes.h>

static const char *after;

#define broken(...) bug("after %s: %s", after, fmt(__VA_ARGS__))

static bool
encloses(const Graph *outer, const Graph *g)
{
	for (; g; g = g->parent)
		if (g == outer)
			return true;
	return false;
}

static void
check_uses(const Value *v)
{
	const Use *prev = NULL;

	for (const Use *u = v->uses; u; prev = u, u = u->next)
		if (u->prev != prev || u->index >= u->node->nin || u->node->in[u->index] != v)
			broken("uses of %s are inexact", value_str(v));
}

static void
check_input(const Node *n, int i)
{
	const Value *v = n->in[i];

	if (n->use[i].node != n || n->use[i].index != i)
		broken("%s: use %d", node_where(n), i);
	if (!encloses(v->graph, n->graph))
		broken("%s: input %d, %s, is of a graph that is not around it", node_where(n), i,
			value_str(v));
	if (v->def && !v->def->mark)
		broken("%s: input %d, %s, comes later", node_where(n), i, value_str(v));
	if (v->def && (v->index >= v->def->nout || v->def->out[v->index] != v))
		broken("%s: input %d, %s, is not an output of its node", node_where(n), i, value_str(v));
	if (!v->def && !v->data && (v->index >= v->graph->in.n || v->graph->in.p[v->index] != v))
		broken("%s: input %d, %s, comes from nowhere", node_where(n), i, value_str(v));
	if (!v->uses || v->uses == &n->use[i])         /* once for each value */
		check_uses(v);
}

static void
check_arity(const Node *n)
{
	const OpDef *d = &op_def[n->op];

	if (n->op <= OP_NONE || n->op >= NOP)
		broken("node #%d has operator %d", n->id, (int)n->op);
	if (n->nin < d->in0 || (d->in1 >= 0 && n->nin > d->in1))
		broken("%s has %d inputs", node_where(n), n->nin);
	if (n->op != OP_RETURN && d->out1 >= 0 && n->nout > d->out1)
		broken("%s has %d outputs", node_where(n), n->nout);
}

static void
check_value(const Value *v)
{
	if (v->kind == V_TENSOR && v->rank > 0)
		for (int i = 0; i < v->rank; i++)
			if (!v->dim || !v->dim[i])
				broken("%s has no dim %d", value_str(v), i);
	if (v->def && v->data)
		broken("%s is a constant with a node", value_str(v));
}

static void unmark(const Graph *);

static void
each_graph(const Node *n, void (*f)(const Graph *))
{
	for (int i = 0; i < n->nattr; i++)
		if (n->attr[i].type == A_GRAPH)
			f(n->attr[i].g);
}

static void
unmark(const Graph *g)
{
	for (Node *n = g->first; n; n = n->next) {
		n->mark = 0;
		each_graph(n, unmark);
	}
}

static void
check_graph(const Graph *g)
{
	const Node *prev = NULL;

	for (int i = 0; i < g->in.n; i++)
		if (g->in.p[i]->def || g->in.p[i]->index != i || g->in.p[i]->graph != g)
			broken("input %d of graph '%s'", i, g->name);
	for (Node *n = g->first; n; prev = n, n = n->next) {
		if (n->prev != prev || n->graph != g)
			broken("%s: list", node_where(n));
		check_arity(n);
		for (int i = 0; i < n->nin; i++)
			if (n->in[i])
				check_input(n, i);
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].type == A_GRAPH &&
				(n->attr[i].g->owner != n || n->attr[i].g->parent != g))
				broken("%s: graph '%s' is not its own", node_where(n), n->attr[i].name);
		each_graph(n, check_graph);
		for (int i = 0; i < n->nout; i++)
			if (n->out[i]) {
				if (n->out[i]->def != n || n->out[i]->index != i || n->out[i]->graph != g)
					broken("%s: output %d", node_where(n), i);
				check_value(n->out[i]);
			}
		n->mark = 1;
	}
	if (g->last != g->ret || prev != g->ret || g->ret->op != OP_RETURN)
		broken("graph '%s' does not end in its outputs", g->name);
}

void
graph_verify(const Model *m, const char *name)
{
	after = name;
	unmark(m->main);
	check_graph(m->main);
}

/* dump */
static void
dump_elems(FILE *f, const Value *v)
{
	const int64_t *p;
	const double *d;
	int64_t n;
	int max = 8;

	if (v->dt == DT_STR) {
		const Str *s = v->data->p;

		n = (int64_t)(v->data->n / sizeof *s);
		for (int64_t i = 0; i < n && i < max; i++)
			fprintf(f, "%s\"%s\"", i ? ", " : "", quoted(s[i].p));
	} else if (v->data->n > 1024) {
		fprintf(f, "%zu bytes", v->data->n);
		return;
	} else if (const_ints(v, &p, &n)) {
		for (int64_t i = 0; i < n && i < max; i++)
			fprintf(f, "%s%" PRId64, i ? ", " : "", p[i]);
	} else if (const_floats(v, &d, &n)) {
		for (int64_t i = 0; i < n && i < max; i++)
			fprintf(f, "%s%.9g", i ? ", " : "", d[i]);
	} else
		n = 0;
	if (n > max)
		fprintf(f, ", ...");
}

static void
dump_ref(FILE *f, const Value *v)
{
	if (!v)
		fprintf(f, "-");
	else if (v->data) {
		fprintf(f, "%s {", value_str(v));
		dump_elems(f, v);
		fprintf(f, "}");
	} else if (v->name)
		fprintf(f, "%%%d'%s'", v->id, quoted(v->name));
	else
		fprintf(f, "%%%d", v->id);
}

#define LIST(n, form, x) do { \
	fprintf(f, "["); \
	for (int i = 0; i < (n); i++) \
		fprintf(f, "%s" form, i ? ", " : "", x); \
	fprintf(f, "]"); \
} while (0)

static void
dump_attr(FILE *f, const Attr *a)
{
	fprintf(f, " %s=", a->name);
	switch (a->type) {
	case A_FLOAT:   fprintf(f, "%.9g", (double)a->f); break;
	case A_INT:     fprintf(f, "%" PRId64, a->i); break;
	case A_STRING:  fprintf(f, "\"%s\"", quoted(a->s.p)); break;
	case A_TENSOR:  dump_ref(f, a->t); break;
	case A_GRAPH:   fprintf(f, "graph"); break;
	case A_FLOATS:  LIST(a->n < 16 ? a->n : 16, "%.9g", (double)a->fs[i]); break;
	case A_INTS:    LIST(a->n < 16 ? a->n : 16, "%" PRId64, a->is[i]); break;
	case A_STRINGS: LIST(a->n < 16 ? a->n : 16, "\"%s\"", quoted(a->ss[i].p)); break;
	case A_TYPE:    fprintf(f, "type"); break;
	default:        fprintf(f, "(%d)", a->type); break;
	}
}

static void
indent(FILE *f, int depth)
{
	fprintf(f, "%*s", 2 * depth, "");
}

static void dump_graph(FILE *, const Graph *, int depth);

static void
dump_node(FILE *f, const Node *n, int depth)
{
	indent(f, depth);
	for (int i = 0; i < n->nout; i++)
		fprintf(f, "%s%s", i ? ", " : "", n->out[i] ? value_str(n->out[i]) : "-");
	fprintf(f, "%s%s(", n->nout ? " = " : "", op_name(n->op));
	for (int i = 0; i < n->nin; i++) {
		fprintf(f, "%s", i ? ", " : "");
		dump_ref(f, n->in[i]);
	}
	fprintf(f, ")");
	for (int i = 0; i < n->nattr; i++)
		dump_attr(f, &n->attr[i]);
	if (n->name && *n->name)
		fprintf(f, "  # %s", quoted(n->name));
	fprintf(f, "\n");
	for (int i = 0; i < n->nattr; i++)
		if (n->attr[i].type == A_GRAPH) {
			indent(f, depth + 1);
			fprintf(f, "%s: ", n->attr[i].name);
			dump_graph(f, n->attr[i].g, depth + 1);
		}
}

static void
dump_graph(FILE *f, const Graph *g, int depth)
{
	fprintf(f, "graph '%s' (", quoted(g->name));
	for (int i = 0; i < g->in.n; i++)
		fprintf(f, "%s%s", i ? ", " : "", value_str(g->in.p[i]));
	fprintf(f, ")\n");
	for (const Node *n = g->first; n; n = n->next)
		dump_node(f, n, depth + 1);
}

void
graph_dump(FILE *f, const Model *m)
{
	dump_graph(f, m->main, 0);
}
