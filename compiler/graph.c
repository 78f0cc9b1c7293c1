/* Graph IR: building and changing, attributes, messages. See graph.h. Constants are in consts.c, verifying
 * and dumping in invariants.c.
 */
#include "graph.h"
#include "ops.h"
#include "../codegen/ir.h"

#include <inttypes.h>

const char *const domain_name[NDOMAIN] = {
	[D_ONNX] = "",
	[D_ML] = "ai.onnx.ml",
	[D_MS] = "com.microsoft",
	[D_TRAIN] = "ai.onnx.preview.training",
	[D_PREVIEW] = "ai.onnx.preview",
	[D_ZENITH] = "zenith",
};

const OpDef op_def[NOP] = {
#define shape_none NULL
#define lower_none NULL
#define OP(id, name, dom, ver, in0, in1, out0, out1, shape, lower, eop, flags) \
	[OP_##id] = {name, dom, ver, in0, in1, out0, out1, shape_##shape, lower_##lower, eop, flags},
#include "ops.def"
#undef OP
#undef shape_none
#undef lower_none
};

const char *
op_name(Op op)
{
	return op > OP_NONE && op < NOP ? op_def[op].name : "?";
}

/* control flow has no lowering of its own in the table: lower/program.c makes it. What dissolves or expands has no rules */
bool
op_supported(const OpDef *d)
{
	return d->flags & (OF_DISSOLVES | OF_EXPANDS) || (d->shape && (d->lower || d->flags & OF_SUBGRAPH || d->eop));
}

const char *
node_op_name(const Node *n)
{
	return n->op == OP_NONE && n->unknown ? n->unknown : op_name(n->op);
}

Op
op_find(enum domain d, const char *name)
{
	static _Thread_local short at[1024];    /* open table of ops by hash of domain and name */
	static _Thread_local bool made;
	uint64_t h;

	if (!made) {
		for (int op = 1; op < NOP; op++) {
			h = hash_bytes(op_def[op].name, strlen(op_def[op].name), op_def[op].domain);
			while (at[h % LEN(at)])
				h++;
			at[h % LEN(at)] = (short)op;
		}
		made = true;
	}
	h = hash_bytes(name, strlen(name), d);
	for (int op; (op = at[h % LEN(at)]); h++)
		if (op_def[op].domain == d && !strcmp(op_def[op].name, name))
			return (Op)op;
	return OP_NONE;
}

/* graphs, values and nodes */
/* constants of a graph that goes away belong to the graph that its nodes go to */
static void
adopt(Node *n, const Graph *from, Graph *to)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] && n->in[i]->data && n->in[i]->graph == from)
			n->in[i]->graph = to;
	for (int i = 0; i < n->nattr; i++)
		if (n->attr[i].type == A_GRAPH)
			for (Node *k = n->attr[i].g->first; k; k = k->next)
				adopt(k, from, to);
}

void
graph_spill(Graph *from, Node *before)
{
	adopt(from->ret, from, before->graph);
	for (Node *k; (k = from->first) != from->ret;) {
		adopt(k, from, before->graph);
		node_move(k, before->graph, before);
	}
}

Graph *
graph_new(Model *m, Graph *parent, const char *name)
{
	Graph *g = NEW(Graph);

	g->model = m;
	g->parent = parent;
	g->name = name ? name : "";
	g->ret = NEW(Node);
	*g->ret = (Node){.op = OP_RETURN, .id = -1, .name = "", .graph = g};
	g->first = g->last = g->ret;
	return g;
}

void
graph_set_outputs(Graph *g, Value *const *v, int n)
{
	node_resize_in(g->ret, n);
	for (int i = 0; i < n; i++)
		node_set_in(g->ret, i, v[i]);
}

int
graph_scope(Graph *g)
{
	int up;

	if (!g)
		return 0;
	up = graph_scope(g->parent);
	if (!g->scope)
		return up;
	ix_scope_under(g->scope, up);
	return g->scope;
}

bool
graph_encloses(const Graph *outer, const Graph *g)
{
	for (; g && g != outer; g = g->parent)
		;
	return g;
}

Value *
value_new(Graph *g, const char *name)
{
	Value *v = NEW(Value);

	v->id = g->model->nvalue++;
	v->name = name;
	v->rank = -1;
	v->graph = g;
	return v;
}

void
value_set_dims(Value *v, DType dt, int rank, const Ix *dim)
{
	v->kind = V_TENSOR;
	v->dt = dt;
	v->rank = rank;
	v->dim = rank >= 0 ? copy_mem(dim, sizeof *dim * (size_t)rank) : NULL;    /* memcpy's may take it at rank 0 */
}

Value *
value_tensor(Graph *g, const char *name, DType dt, int rank, const Ix *dim)
{
	Value *v = value_new(g, name);

	value_set_dims(v, dt, rank, dim);
	return v;
}

Value *
value_like(const Value *v, Graph *g)
{
	Value *w = value_new(g, NULL);

	value_set_dims(w, v->dt, v->rank, v->dim);
	w->kind = v->kind;
	w->elem = v->elem;
	return w;
}

static void
use_link(Use *u, Value *v)
{
	u->prev = NULL;
	u->next = v->uses;
	if (v->uses)
		v->uses->prev = u;
	v->uses = u;
}

static void
use_unlink(Use *u, Value *v)
{
	if (u->prev)
		u->prev->next = u->next;
	else
		v->uses = u->next;
	if (u->next)
		u->next->prev = u->prev;
	u->next = u->prev = NULL;
}

/* symbols that elements of old decide are those of by */
static void
rebind(Value *old, Value *by)
{
	Model *m = by->graph->model;

	for (int i = 0; i < m->bind.n; i++)
		if (m->bind.p[i].from == old)
			m->bind.p[i].from = by;
	by->decides = true;
	old->decides = false;
}

void
value_replace(Value *old, Value *by)
{
	if (old == by)
		return;
	for (Use *u; (u = old->uses);)
		node_set_in(u->node, u->index, by);
	if (!by->name)
		by->name = old->name;
	old->name = NULL;
	if (old->decides)
		rebind(old, by);
}

int
value_nuses(const Value *v)
{
	int n = 0;

	for (const Use *u = v->uses; u; u = u->next)
		n++;
	return n;
}

bool
value_is_output(const Value *v)
{
	for (const Use *u = v->uses; u; u = u->next)
		if (u->node == v->graph->ret)
			return true;
	return false;
}

Ix
value_numel(const Value *v)
{
	return ix_prod(v->dim, v->rank);
}

bool
value_static(const Value *v, int64_t *dims)
{
	int64_t d;

	if (v->kind != V_TENSOR || v->rank < 0)
		return false;
	for (int i = 0; i < v->rank; i++) {
		if (!ix_isint(v->dim[i], &d))
			return false;
		if (dims)
			dims[i] = d;
	}
	return true;
}

bool
value_same_shape(const Value *a, const Value *b)
{
	if (a->rank < 0 || a->rank != b->rank)
		return false;
	for (int i = 0; i < a->rank; i++)
		if (!ix_equal(a->dim[i], b->dim[i]))
			return false;
	return true;
}

static void
node_link(Node *n, Graph *g, Node *before)
{
	n->graph = g;
	n->next = before;
	n->prev = before->prev;
	if (before->prev)
		before->prev->next = n;
	else
		g->first = n;
	before->prev = n;
}

static void
node_unlink(Node *n)
{
	if (n->prev)
		n->prev->next = n->next;
	else
		n->graph->first = n->next;
	if (n->next)
		n->next->prev = n->prev;
	n->next = n->prev = NULL;
}

Node *
node_new(Graph *g, Node *before, Op op, int nin, int nout)
{
	Node *n = NEW(Node);

	if (!before)
		before = g->ret;
	*n = (Node){.op = op, .id = before->id, .name = "", .nout = nout};
	n->out = NEWN(Value *, nout);
	node_resize_in(n, nin);
	node_link(n, g, before);
	return n;
}

void
node_move(Node *n, Graph *to, Node *before)
{
	node_unlink(n);
	node_link(n, to, before ? before : to->ret);
	for (int i = 0; i < n->nout; i++)
		if (n->out[i])
			n->out[i]->graph = to;
	for (int i = 0; i < n->nattr; i++)
		if (n->attr[i].type == A_GRAPH)
			n->attr[i].g->parent = to;
}

Node *
node_simple(Graph *g, Node *before, Op op, Value *const *in, int nin)
{
	Node *n = node_new(g, before, op, nin, 1);

	for (int i = 0; i < nin; i++)
		node_set_in(n, i, in[i]);
	node_set_out(n, 0, value_new(g, NULL));
	node_infer(n);
	return n;
}

const char *
rule_where(void)
{
	return zn->rule ? node_where(zn->rule) : NULL;
}

bool
node_needs(const Node *n, int i)
{
	const OpDef *d = &op_def[n->op];

	return (i < d->in0 || d->in1 < 0) && n->op != OP_RETURN && (n->op != OP_LOOP || i > 1) && d->domain != D_MS;
}

void
node_resize_in(Node *n, int nin)
{
	Value **in = NEWN(Value *, nin), **old = n->in;
	int nold = n->nin;

	for (int i = 0; i < nold; i++)
		if (old[i])
			use_unlink(&n->use[i], old[i]);
	n->in = in;
	n->use = NEWN(Use, nin);
	n->nin = nin;
	for (int i = 0; i < nin; i++) {
		n->use[i] = (Use){.node = n, .index = i};
		if (i < nold && old[i])
			node_set_in(n, i, old[i]);
	}
}

void
node_set_in(Node *n, int i, Value *v)
{
	if (i < 0 || i >= n->nin)
		bug("input %d of %s", i, node_where(n));
	if (n->in[i])
		use_unlink(&n->use[i], n->in[i]);
	n->in[i] = v;
	if (v)
		use_link(&n->use[i], v);
}

void
node_set_out(Node *n, int i, Value *v)
{
	if (i < 0 || i >= n->nout)
		bug("output %d of %s", i, node_where(n));
	n->out[i] = v;
	if (v) {
		v->def = n;
		v->index = i;
		v->graph = n->graph;
	}
}

void
node_add_attr(Node *n, Attr a)
{
	Attr *p = NEWN(Attr, n->nattr + 1);

	if (n->nattr)
		memcpy(p, n->attr, sizeof *p * (size_t)n->nattr);
	p[n->nattr++] = a;
	n->attr = p;
	if (a.type == A_GRAPH && a.g)
		a.g->owner = n;
}

void
node_drop_attr(Node *n, const char *name)
{
	int k = 0;

	for (int i = 0; i < n->nattr; i++)
		if (strcmp(n->attr[i].name, name))
			n->attr[k++] = n->attr[i];
	n->nattr = k;
}

static void
drop_graph(Graph *g)
{
	for (Node *n = g->first; n; n = n->next) {
		for (int i = 0; i < n->nin; i++)
			node_set_in(n, i, NULL);
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].type == A_GRAPH)
				drop_graph(n->attr[i].g);
	}
}

void
node_remove(Node *n)
{
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] && n->out[i]->uses)
			bug("%s is removed while its output %d is used", node_where(n), i);
	for (int i = 0; i < n->nin; i++)
		node_set_in(n, i, NULL);
	for (int i = 0; i < n->nattr; i++)
		if (n->attr[i].type == A_GRAPH && n->attr[i].g->owner == n)
			drop_graph(n->attr[i].g);
	node_unlink(n);
}

/* attributes */
const char *
attr_type_name(int type)
{
	static const char *const name[] = {"nothing", "a float", "an int", "a string", "a tensor", "a graph",
		"floats", "ints", "strings", "tensors", "graphs", "a sparse tensor", "sparse tensors",
		"a type", "types"};

	return type >= 0 && type < LEN(name) ? name[type] : "of an unknown type";
}

const Attr *
attr_find(const Node *n, const char *name)
{
	for (int i = 0; i < n->nattr; i++)
		if (!strcmp(n->attr[i].name, name))
			return &n->attr[i];
	return NULL;
}

const Attr *
attr_of(const Node *n, const char *name, int type)
{
	const Attr *a = attr_find(n, name);

	if (!a || a->type == type)
		return a;
	node_error(
		n, "attribute '%s' is %s, expected %s", name, attr_type_name(a->type), attr_type_name(type));
	return NULL;
}

int64_t
attr_int(const Node *n, const char *name, int64_t dflt)
{
	const Attr *a = attr_of(n, name, A_INT);

	return a ? a->i : dflt;
}

double
attr_float(const Node *n, const char *name, double dflt)
{
	const Attr *a = attr_of(n, name, A_FLOAT);

	return a ? (double)a->f : dflt;
}

const char *
attr_str(const Node *n, const char *name, const char *dflt)
{
	const Attr *a = attr_of(n, name, A_STRING);

	return a ? a->s.p : dflt;
}

#define ATTR_LIST(fn, T, TYPE, field) \
T fn(const Node *n, const char *name, int *len) \
{ \
	const Attr *a = attr_of(n, name, TYPE); \
	*len = a ? a->n : 0; \
	return a ? a->field : NULL; \
}
ATTR_LIST(attr_ints, const int64_t *, A_INTS, is)
ATTR_LIST(attr_floats, const float *, A_FLOATS, fs)
ATTR_LIST(attr_strs, const Str *, A_STRINGS, ss)

Value *
attr_tensor(const Node *n, const char *name)
{
	const Attr *a = attr_of(n, name, A_TENSOR);

	return a ? a->t : NULL;
}

Graph *
attr_graph(const Node *n, const char *name)
{
	const Attr *a = attr_of(n, name, A_GRAPH);

	return a ? a->g : NULL;
}

bool
axis_ok(const Node *n, int64_t *axis, int rank)
{
	if (*axis < -rank || *axis >= rank) {
		node_error(n, "axis %" PRId64 " is outside [%d, %d)", *axis, -rank, rank);
		return false;
	}
	if (*axis < 0)
		*axis += rank;
	return true;
}

/* messages */
const char *
node_where(const Node *n)
{
	if (n->op == OP_RETURN)
		return fmt("outputs of graph '%s'", quoted(n->graph->name));
	if (n->name && *n->name)
		return fmt("node '%s' (%s, #%d)", quoted(n->name), quoted(node_op_name(n)), n->id);
	for (int i = 0; i < n->nout; i++)
		if (n->out[i] && n->out[i]->name)
			return fmt("node of '%s' (%s, #%d)", quoted(n->out[i]->name), quoted(node_op_name(n)), n->id);
	return fmt("node #%d (%s)", n->id, quoted(node_op_name(n)));
}

void
type_dims(Buf *b, int rank, const Ix *dim)
{
	if (rank < 0) {
		buf_fmt(b, "[...]");
		return;
	}
	buf_fmt(b, "[");
	for (int i = 0; i < rank; i++)
		buf_fmt(b, "%s%s", i ? ", " : "", dim && dim[i] ? ix_str(dim[i]) : "?");
	buf_fmt(b, "]");
}

static void
type_str(Buf *b, VKind kind, DType dt, int rank, const Ix *dim, const Type *elem)
{
	static const char *const open[] = {"", "seq(", "optional(", "map("};

	if (kind == V_TENSOR) {
		buf_fmt(b, "%s", dt == DT_NONE ? "?" : dt_name(dt));
		type_dims(b, rank, dim);
		return;
	}
	buf_fmt(b, "%s", open[kind]);
	if (kind == V_MAP)
		buf_fmt(b, "%s, ", dt == DT_NONE ? "?" : dt_name(dt));
	if (elem)
		type_str(b, elem->kind, elem->dt, elem->rank, elem->dim, elem->elem);
	buf_fmt(b, ")");
}

const char *
value_str(const Value *v)
{
	Buf b = {0};

	if (v->name)
		buf_fmt(&b, "'%s' ", quoted(v->name));
	else
		buf_fmt(&b, "%%%d ", v->id);
	type_str(&b, v->kind, v->dt, v->rank, v->dim, v->elem);
	return buf_str(&b);
}
