/* Conversion of the parsed model to graph IR. Names become values through scopes; a node is converted as
 * the file has it and then upgraded to the newest form of its operator; functions are inlined where they
 * are called.
 */
#include "import.h"

#include <inttypes.h>

Value absent;

static const int newest[NDOMAIN] = {[D_ONNX] = 28, [D_ML] = 5, [D_MS] = 1, [D_TRAIN] = 1, [D_PREVIEW] = 1,
	[D_ZENITH] = 1};

int
domain_of(const char *name)
{
	if (!strcmp(name, "ai.onnx"))
		return D_ONNX;
	for (int d = 0; d < D_ZENITH; d++)
		if (!strcmp(domain_name[d], name))
			return d;
	return -1;
}

/* of several versions of a domain a node means the highest, says onnx.proto */
void
read_opsets(Opset *o, Onnx__OperatorSetIdProto *const *p, size_t n)
{
	int64_t given[NDOMAIN] = {0};

	for (size_t i = 0; i < n; i++) {
		int d = domain_of(STR_OF(p[i]->domain));

		if (d < 0)
			continue;
		if (p[i]->version < 1)
			fatal(EX_INVALID, NULL, "operator set %" PRId64 " of domain '%s'", p[i]->version,
				domain_name[d]);
		if (given[d] && given[d] != p[i]->version)
			warning(NULL, "operator sets %" PRId64 " and %" PRId64 " of domain '%s': the newer one counts",
				given[d], p[i]->version, domain_name[d]);
		if (given[d] < p[i]->version)
			given[d] = o->version[d] = p[i]->version;
	}
}

/* names */
Value *
scope_find(const Scope *s, const char *name)
{
	Value *v = NULL;

	for (; s && !v; s = s->up)
		v = map_str(s->value, name);
	return v;
}

void
scope_define(Scope *s, const char *name, Value *v, const char *where)
{
	void **slot = map_at_str(s->value, name);

	if (*slot)
		error(where, "value '%s' is defined a second time in graph '%s'", quoted(name),
			quoted(s->graph->name));
	*slot = v;
}

/* attributes */
static void convert_graph(Import *, Scope *up, Graph *, const Onnx__GraphProto *, const Opset *);

static int
attr_type(const Onnx__AttributeProto *a)
{
	if (a->has_type && a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED)
		return (int)a->type;
	/* written before the field 'type' existed */
	return a->has_f ? A_FLOAT : a->has_i ? A_INT : a->has_s ? A_STRING : a->t ? A_TENSOR : a->g ? A_GRAPH
		: a->n_floats ? A_FLOATS : a->n_strings ? A_STRINGS : a->n_tensors ? A_TENSORS : A_INTS;
}

static Str
str_copy(ProtobufCBinaryData b)
{
	char *p = alloc(b.len + 1);

	if (b.len)
		memcpy(p, b.data, b.len);
	return (Str){p, b.len};
}

static Graph *
attr_subgraph(Import *im, Scope *s, Node *n, const Onnx__GraphProto *p)
{
	Graph *g = graph_new(im->model, n->graph, copy_str(STR_OF(p->name)));

	g->owner = n;
	convert_graph(im, s, g, p, s->opset);
	return g;
}

/* ref_attr_name: the caller's attribute, converted where the caller stands; or the function's default */
static bool
attr_ref(Import *im, Scope *s, Node *n, const Onnx__AttributeProto *a, Attr *out)
{
	const Call *c = s->call;
	const char *name = out->name;

	if (!c) {
		error(node_where(n), "attribute '%s' refers to '%s' outside of a function", quoted(name),
			quoted(a->ref_attr_name));
		return false;
	}
	for (size_t i = 0; i < c->node->n_attribute; i++)
		if (!strcmp(STR_OF(c->node->attribute[i]->name), a->ref_attr_name)) {
			if (!convert_attr(im, c->scope, n, c->node->attribute[i], out))
				return false;
			out->name = name;
			return true;
		}
	for (size_t i = 0; i < c->f->n_attribute_proto; i++)
		if (!strcmp(STR_OF(c->f->attribute_proto[i]->name), a->ref_attr_name)) {
			if (!convert_attr(im, s, n, c->f->attribute_proto[i], out))
				return false;
			out->name = name;
			return true;
		}
	return false;
}

static bool
attr_value(Import *im, Scope *s, Node *n, const Onnx__AttributeProto *a, Attr *out)
{
	const char *where = fmt("%s, attribute '%s'", node_where(n), quoted(out->name));

	switch (out->type) {
	case A_FLOAT:  out->f = a->f; return true;
	case A_INT:    out->i = a->i; return true;
	case A_STRING: out->s = str_copy(a->s); return true;
	case A_TENSOR:
		if (!a->t)
			error(where, "has no tensor");
		return a->t && (out->t = tensor_const(im, n->graph, a->t, where));
	case A_GRAPH:
		if (!a->g)
			error(where, "has no graph");
		return a->g && (out->g = attr_subgraph(im, s, n, a->g));
	case A_FLOATS:
		out->n = (int)a->n_floats;
		out->fs = copy_mem(a->floats, sizeof *a->floats * a->n_floats);
		return true;
	case A_INTS:
		out->n = (int)a->n_ints;
		out->is = copy_mem(a->ints, sizeof *a->ints * a->n_ints);
		return true;
	case A_STRINGS:
		out->n = (int)a->n_strings;
		out->ss = NEWN(Str, a->n_strings);
		for (int i = 0; i < out->n; i++)
			out->ss[i] = str_copy(a->strings[i]);
		return true;
	case A_TENSORS:
		out->n = (int)a->n_tensors;
		out->ts = NEWN(Value *, a->n_tensors);
		for (int i = 0; i < out->n; i++)
			if (!(out->ts[i] = tensor_const(im, n->graph, a->tensors[i], where)))
				return false;
		return true;
	case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__SPARSE_TENSOR:
		out->type = A_TENSOR;
		if (!a->sparse_tensor)
			error(where, "has no tensor");
		return a->sparse_tensor && (out->t = sparse_const(im, n->graph, a->sparse_tensor, where));
	case A_TYPE:
		out->tp = type_convert(a->tp, where);
		return true;
	default:
		unsupported(where, "attributes of type %d", out->type);
		return false;
	}
}

bool
convert_attr(Import *im, Scope *s, Node *n, const Onnx__AttributeProto *a, Attr *out)
{
	*out = (Attr){.name = copy_str(STR_OF(a->name)), .type = attr_type(a)};
	if (a->ref_attr_name && *a->ref_attr_name)
		return attr_ref(im, s, n, a, out);
	return attr_value(im, s, n, a, out);
}

/* nodes */
static const char *
proto_where(const Onnx__NodeProto *p, int id)
{
	if (p->name && *p->name)
		return fmt("node '%s' (%s, #%d)", quoted(p->name), quoted(STR_OF(p->op_type)), id);
	return fmt("node #%d (%s)", id, quoted(STR_OF(p->op_type)));
}

static void
define_outputs(Scope *s, Node *n, const Onnx__NodeProto *p, const char *where)
{
	Value *v;

	for (size_t i = 0; i < p->n_output; i++) {
		if (!*p->output[i])
			continue;
		v = value_new(s->graph, s->call ? NULL : copy_str(p->output[i]));
		if (n && (int)i < n->nout)
			node_set_out(n, (int)i, v);
		scope_define(s, p->output[i], v, where);
	}
}

/* value_float, value_ints, ...: a scalar or a vector */
static Value *
list_const(Graph *g, const Attr *a)
{
	const int64_t n = a->n;

	switch (a->type) {
	case A_FLOAT:   return value_const(g, DT_F32, 0, &n, &a->f);
	case A_FLOATS:  return value_const(g, DT_F32, 1, &n, a->fs);
	case A_INT:     return value_const(g, DT_I64, 0, &n, &a->i);
	case A_INTS:    return value_const(g, DT_I64, 1, &n, a->is);
	case A_STRING:  return value_const(g, DT_STR, 0, &n, &a->s);
	case A_STRINGS: return value_const(g, DT_STR, 1, &n, a->ss);
	default:        return NULL;
	}
}

/* the one attribute of a Constant */
static const Attr *
constant_attr(const Node *n)
{
	static const struct { const char *name; int type; } form[] = {{"value", A_TENSOR}, {"sparse_value", A_TENSOR},
		{"value_float", A_FLOAT}, {"value_floats", A_FLOATS}, {"value_int", A_INT}, {"value_ints", A_INTS},
		{"value_string", A_STRING}, {"value_strings", A_STRINGS}};
	const Attr *a = NULL, *b;

	for (int i = 0; i < LEN(form); i++) {
		if (!attr_find(n, form[i].name))
			continue;
		b = attr_of(n, form[i].name, form[i].type);
		if (a && b)
			node_error(n, "has a %s and a %s", a->name, b->name);
		a = b ? b : a;
	}
	return a;
}

/* a Constant node is its value */
static void
convert_constant(Scope *s, const Onnx__NodeProto *p, Node *n)
{
	const Attr *a = constant_attr(n);
	Value *v = NULL;

	if (a && a->type == A_TENSOR)
		v = a->t;
	else if (a)
		v = list_const(s->graph, a);
	if (p->n_output != 1 || (!v && !zn->nerror))
		error(node_where(n), "a Constant needs one value and one output");
	if (v && p->n_output == 1) {
		v->name = s->call ? NULL : copy_str(p->output[0]);
		scope_define(s, p->output[0], v, node_where(n));
	} else
		define_outputs(s, NULL, p, node_where(n));
	node_remove(n);
}

static void
check_arity(const Node *n)
{
	const OpDef *d = &op_def[n->op];

	if (n->nin < d->in0 || (d->in1 >= 0 && n->nin > d->in1))
		node_error(n, "has %d inputs, expected %d%s", n->nin,
			d->in1 >= 0 && n->nin > d->in1 ? d->in1 : d->in0,
			d->in0 == d->in1          ? ""
				: n->nin < d->in0 ? " or more"
						  : " at most");
	if (d->out1 >= 0 && n->nout > d->out1)
		node_error(n, "has %d outputs, expected %d at most", n->nout, d->out1);
	for (int i = 0; i < n->nin; i++)
		if (!n->in[i] && node_needs(n, i))
			node_error(n, "input %d is required", i);
}

static void
set_inputs(Scope *s, Node *n, const Onnx__NodeProto *p)
{
	Value *v;

	for (int i = 0; i < n->nin && i < (int)p->n_input; i++) {
		if (!*p->input[i])
			continue;
		v = scope_find(s, p->input[i]);
		if (!v)
			node_error(n, "input '%s' is defined nowhere", quoted(p->input[i]));
		else if (v->mark == NOT_COMPUTED)
			node_unsupported(
				n, "input '%s' is an output that only training has", quoted(p->input[i]));
		else if (v != &absent)
			node_set_in(n, i, v);
	}
}

/* the operator; OP_NONE: one that this build does not know, for check_operators to speak of */
static Op
node_op(Import *im, const Scope *s, const Onnx__NodeProto *p, const char *where, int *domain)
{
	const char *dom = STR_OF(p->domain), *name = STR_OF(p->op_type);
	Op op = OP_NONE;
	void **slot;

	*domain = domain_of(dom);
	if (*domain >= 0) {
		op = op_find((enum domain)*domain, name);
		if (!op)
			op = upgrade_name((enum domain)*domain, name);
		if (s->opset->version[*domain] > newest[*domain]) {
			slot = map_at_str(im->unknown, dom);
			if (!*slot)
				unsupported(where,
					"operator set %" PRId64 " of domain '%s': this build knows %d and "
					"earlier",
					s->opset->version[*domain], *dom ? dom : "ai.onnx", newest[*domain]);
			*slot = slot;
		}
	}
	return op;
}

static int
trimmed(char *const *name, size_t n)
{
	while (n && !*name[n - 1])
		n--;
	return (int)n;
}

static const char *
node_name(const Scope *s, const Onnx__NodeProto *p)
{
	return s->call ? fmt("%s/%s", s->call->name, STR_OF(p->name)) : copy_str(STR_OF(p->name));
}

static void
convert_unknown(Scope *s, const Onnx__NodeProto *p, int id, const char *where)
{
	Node *n = node_new(s->graph, NULL, OP_NONE, trimmed(p->input, p->n_input), trimmed(p->output, p->n_output));

	n->id = id;
	n->name = node_name(s, p);
	n->unknown = *STR_OF(p->domain) ? fmt("%s.%s", p->domain, STR_OF(p->op_type)) : copy_str(STR_OF(p->op_type));
	set_inputs(s, n, p);
	define_outputs(s, n, p, where);
}

enum { MOST_ATTRIBUTES = 256 };

static void
set_attrs(Import *im, Scope *s, Node *n, const Onnx__NodeProto *p, const char *row)
{
	const char *name;
	Attr a;

	if (p->n_attribute > MOST_ATTRIBUTES)
		fatal(EX_INVALID, node_where(n), "has %zu attributes", p->n_attribute);
	for (size_t i = 0; i < p->n_attribute; i++) {
		name = STR_OF(p->attribute[i]->name);
		if (!attr_known(im, n, row, STR_OF(p->op_type), name))
			continue;
		if (!convert_attr(im, s, n, p->attribute[i], &a) || !attr_fits(n, row, &a))
			continue;
		if (attr_find(n, a.name))
			node_error(n, "attribute '%s' is given twice", quoted(a.name));
		node_add_attr(n, a);
	}
}

static void
convert_node(Import *im, Scope *s, const Onnx__NodeProto *p, int id)
{
	const Onnx__FunctionProto *f = find_function(im, p);
	const char *where = proto_where(p, id);
	int domain, nin, nerror = zn->nerror;
	Node *n, *last = s->graph->ret->prev;
	Op op;

	limit_check(LIM_NODES, ++im->model->nnode, where);
	limit_check(LIM_PORTS, (int64_t)(p->n_input > p->n_output ? p->n_input : p->n_output), where);
	if (f) {
		inline_call(im, s, p, f, id);
		return;
	}
	if (!(op = node_op(im, s, p, where, &domain))) {
		convert_unknown(s, p, id, where);
		return;
	}
	nin = trimmed(p->input, p->n_input);
	if (nin < op_def[op].in0 && (int)p->n_input >= op_def[op].in0)
		nin = op_def[op].in0;
	/* how many parts there are is the number of outputs, whether they have names or not */
	n = node_new(s->graph, NULL, op, nin, op == OP_SPLIT ? (int)p->n_output : trimmed(p->output, p->n_output));
	n->id = id;
	n->name = node_name(s, p);
	set_inputs(s, n, p);
	set_attrs(im, s, n, p, attr_row((enum domain)domain, STR_OF(p->op_type)));
	if (op_def[op].flags & OF_RANDOM || op == OP_DROPOUT)
		node_add_attr(n, (Attr){.name = "stream", .type = A_INT, .i = im->nrandom++});
	if (op == OP_CONSTANT) {
		convert_constant(s, p, n);
		return;
	}
	define_outputs(s, n, p, where);
	if (op_def[op].flags & OF_EXPANDS) {
		check_arity(n);
		if (zn->nerror == nerror)
			expand(n);
	} else if (zn->nerror == nerror)
		upgrade(n, STR_OF(p->op_type),
			s->opset->version[domain] ? s->opset->version[domain] : newest[domain]);
	for (n = last ? last->next : s->graph->first; n != s->graph->ret && zn->nerror == nerror; n = n->next)
		check_arity(n);
}

void
convert_nodes(Import *im, Scope *s, Onnx__NodeProto *const *p, size_t n)
{
	const char *where = fmt("graph '%s'", quoted(s->graph->name));
	int *order;

	limit_check(LIM_NODES, (int64_t)n + im->model->nnode, where);
	order = node_order(p, (int)n, where);

	for (int i = 0; i < (int)n; i++) {
		int k = order ? order[i] : i;

		convert_node(im, s, p[k], s->call ? s->call->id : k);
	}
}

/* graphs */
static void
convert_inputs(Import *im, Scope *s, const Onnx__GraphProto *p, Map *init)
{
	Graph *g = s->graph;
	const char *name;
	Value *v;

	for (size_t i = 0; i < p->n_input; i++) {
		name = copy_str(STR_OF(p->input[i]->name));
		if (!g->parent && map_str(init, name))
			continue;       /* an initializer that is listed as an input too: a constant */
		if (!*name)
			error(NULL, "input %zu of graph '%s' has no name", i, quoted(g->name));
		v = value_new(g, name);
		v->index = g->in.n;
		push(&g->in, v);
		type_into(im, v, p->input[i]->type, !g->parent);
		scope_define(s, name, v, NULL);
	}
}

static void
add_weight(Import *im, Scope *s, const char *name, Value *v)
{
	if (s->graph->parent && map_str(s->value, name))
		return;
	if (!v) {                       /* an error was reported: its readers are not to blame */
		scope_define(s, name, value_new(s->graph, name), NULL);
		return;
	}
	push(&im->model->weight, v);
	scope_define(s, name, v, NULL);
}

static void
convert_initializers(Import *im, Scope *s, const Onnx__GraphProto *p)
{
	const Onnx__SparseTensorProto *t;

	for (size_t i = 0; i < p->n_initializer; i++)
		add_weight(im, s, STR_OF(p->initializer[i]->name),
			tensor_const(im, s->graph, p->initializer[i], NULL));
	for (size_t i = 0; i < p->n_sparse_initializer; i++) {
		t = p->sparse_initializer[i];
		add_weight(im, s, STR_OF(t->values ? t->values->name : NULL),
			sparse_const(im, s->graph, t, "initializer"));
	}
}

static Map *
initializer_names(const Onnx__GraphProto *p)
{
	Map *m = map_new();

	for (size_t i = 0; i < p->n_initializer; i++)
		*map_at_str(m, STR_OF(p->initializer[i]->name)) = m;
	for (size_t i = 0; i < p->n_sparse_initializer; i++)
		if (p->sparse_initializer[i]->values)
			*map_at_str(m, STR_OF(p->sparse_initializer[i]->values->name)) = m;
	return m;
}

static void
convert_graph(Import *im, Scope *up, Graph *g, const Onnx__GraphProto *p, const Opset *opset)
{
	Scope s = {.up = up, .graph = g, .value = map_new(), .opset = opset, .call = up ? up->call : NULL};
	Value **out = NEWN(Value *, p->n_output);

	limit_check(LIM_DEPTH, ++im->depth, fmt("graph '%s'", quoted(g->name)));
	limit_check(LIM_PORTS, (int64_t)(p->n_input > p->n_output ? p->n_input : p->n_output),
		fmt("graph '%s'", quoted(g->name)));
	convert_inputs(im, &s, p, initializer_names(p));
	convert_initializers(im, &s, p);
	for (size_t i = 0; i < p->n_output && !g->parent; i++)
		declare(im, p->output[i], (int)i);
	for (size_t i = 0; i < p->n_value_info && !g->parent; i++)
		declare(im, p->value_info[i], -1);
	convert_nodes(im, &s, p->node, p->n_node);
	for (size_t i = 0; i < p->n_output; i++) {
		const char *name = copy_str(STR_OF(p->output[i]->name));

		out[i] = scope_find(&s, name);
		if (out[i] == &absent)
			out[i] = NULL;
		if (!*name)
			error(NULL, "output %zu of graph '%s' has no name", i, quoted(g->name));
		else if (!out[i])
			error(NULL, "output '%s' of graph '%s' is computed nowhere", quoted(name),
				quoted(g->name));
		if (out[i] && out[i]->mark == NOT_COMPUTED)
			unsupported(NULL, "output '%s' is one that only training has", quoted(name));
		push(&g->out_name, name);
		push(&g->out_kind, declared_kind(p->output[i]->type));
	}
	graph_set_outputs(g, out, (int)p->n_output);
	im->depth--;
}

/* the model */
static void *
arena_get(void *arena, size_t n)
{
	return arena_alloc(arena, n ? n : 1);
}

static void
arena_keep(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

static void
arena_end(void *p)
{
	Arena **a = p;

	if (*a)
		arena_free(*a);
	*a = NULL;
}

static void
convert_model(Import *im, const Onnx__ModelProto *p)
{
	Opset opset = {0};
	Model *m = im->model;

	if (!p->graph)
		fatal(EX_INVALID, NULL, "not an ONNX model: there is no graph in it");
	m->ir_version = p->ir_version;
	m->producer = copy_str(STR_OF(p->producer_name));
	m->graph_name = copy_str(STR_OF(p->graph->name));
	if (p->ir_version > ONNX__VERSION__IR_VERSION)
		warning(NULL, "IR version %" PRId64 ": this build knows %d and earlier", p->ir_version,
			ONNX__VERSION__IR_VERSION);
	read_opsets(&opset, p->opset_import, p->n_opset_import);
	if (!p->n_opset_import)
		opset.version[D_ONNX] = 1;    /* IR versions 1 and 2 */
	collect_functions(im, p);
	im->opset = &opset;
	m->main = graph_new(m, NULL, m->graph_name);
	fix_shapes(im, p->graph->input, p->graph->n_input);
	convert_graph(im, NULL, m->main, p->graph, &opset);
	check_dim_options(im);
	attrs_end(im);
	if (zn->nerror)
		check_operators(m);
	stop_if_errors();
}

static const char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? "/" : slash ? fmt("%.*s", (int)(slash - path), path) : ".";
}

Model *
onnx_import(const char *path, const ImportOptions *opt)
{
	return onnx_read(file_open(path), opt && opt->external_root ? opt->external_root : folder_of(path), opt);
}

Model *
onnx_read(File f, const char *folder, const ImportOptions *opt)
{
	Import im = {.opt = opt,
		.model = NEW(Model),
		.file = map_new(),
		.function = map_new(),
		.dim = map_new(),
		.unknown = map_new()};
	Arena **arena = NEW(Arena *);
	ProtobufCAllocator mem = {arena_get, arena_keep, NULL};
	Onnx__ModelProto *p;

	im.folder = folder;
	im.model->file_bytes = (int64_t)f.n;
	sha256(f, im.model->hash);
	file_forget(f);
	scan_message(f.p, f.n, &onnx__model_proto__descriptor, &im.scan);
	session_at_end(arena_end, arena);
	mem.allocator_data = *arena = arena_new();
	p = onnx__model_proto__unpack(&mem, im.scan.n, im.scan.p);
	big_free((void *)(uintptr_t)im.scan.p);
	if (!p)
		fatal(EX_INVALID, NULL, "not an ONNX model: its messages do not parse");
	convert_model(&im, p);
	arena_end(arena);
	return im.model;
}
