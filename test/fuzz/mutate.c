/* The mutator of models: decodes the bytes as protobuf-c does, changes the graph, and encodes it again, so that what
 * comes out is a model that means something else instead of a damaged file. Now and then it leaves the bytes to
 * libFuzzer. Everything lives in the arena of a session of its own. */
#include "fuzz.h"
#include "onnx/import.h"
#include "words.h"

#include <stdlib.h>

typedef Onnx__ModelProto MP;
typedef Onnx__GraphProto GP;
typedef Onnx__NodeProto NP;
typedef Onnx__TensorProto TP;
typedef Onnx__AttributeProto AP;
typedef Onnx__ValueInfoProto VP;
typedef Onnx__TypeProto YP;
typedef char *Str0;

size_t LLVMFuzzerMutate(uint8_t *, size_t, size_t);

/* the nodes of a graph or of a function */
typedef struct List { size_t *n; NP ***p; GP *g; } List;

/* everything in a model that can be changed or taken as a piece */
typedef struct Pool {
	MP *m;
	VEC(List) list;
	VEC(NP *) node;
	VEC(GP *) graph;
	VEC(TP *) tensor;
	VEC(AP *) attr;
	VEC(YP *) type;
	VEC(Str0) name;
} Pool;

static uint64_t seed;

static uint64_t
any(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return n ? (seed * 0x2545f4914f6cdd1du >> 20) % n : 0;
}

#define ONE(v) ((v).n ? (v).p[any((uint64_t)(v).n)] : NULL)
#define PICK(a) (a)[any((uint64_t)LEN(a))]

/* arrays of a message: what was there stays in the arena */
static void *
with(const void *p, size_t n, size_t size, size_t at)
{
	char *q = alloc((n + 1) * size);

	if (at)
		memcpy(q, p, at * size);
	if (n > at)
		memcpy(q + (at + 1) * size, (const char *)p + at * size, (n - at) * size);
	return q;
}

#define INSERT(n, p, at, x) do { \
	size_t at_ = (at); \
	__typeof__(*(p)) x_ = (x);      /* first: it may copy what the list is part of */ \
	(p) = with(p, n, sizeof *(p), at_); (n)++; (p)[at_] = x_; \
} while (0)
/* one element, chosen before x is: operands of = are not in order */
#define SET(n, p, x) do { \
	size_t at_ = any(n); \
	(p)[at_] = (x); \
} while (0)
#define ADD(n, p, x) INSERT(n, p, n, x)
#define REMOVE(n, p, at) do { \
	size_t at_ = (at); \
	memmove((p) + at_, (p) + at_ + 1, ((n) - at_ - 1) * sizeof *(p)); (n)--; \
} while (0)

static int64_t
integer(void)
{
	static const int64_t odd[] = {0, 1, -1, 2, -2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 64, 65, 100, 127, 128, 255, 256, 1000, 4096,
		65535, 65536, 1 << 20, INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1, UINT32_MAX, INT64_MAX, INT64_MIN, INT64_MAX - 1,
		INT64_MIN + 1, 1ll << 32, 1ll << 40, 1ll << 62, -1000};

	return any(4) ? (int64_t)any(9) - 2 : PICK(odd);
}

static float
real(void)
{
	static const float odd[] = {0, -0.0f, 1, -1, 0.5f, 2, 1e-5f, 1e-38f, 1e-45f, 3e38f, -3e38f, 1e9f, 65504, 0.1f};

	return any(8) ? PICK(odd) : any(2) ? (float)(1e300 * 1e10) : (float)(0 * (1e300 * 1e10));
}

static char *
text(const Pool *a)
{
	static const char *const odd[] = {"", "x", "int", "while", "*/", "a\nb", "a\"b", "\\", "??/", "\xe2\x80\xae", "\xff\xfe", "zenith",
		"ctx", "a.b", "a_b", "a/b", "..", "0", "-", "main", "%s%n", "NULL", "\xf0\x9f\x98\x80"};
	Buf b = {0};

	if (any(3) && a->name.n)
		return ONE(a->name);
	if (any(40))
		return copy_str(PICK(odd));
	for (int i = 0; i < 3000; i++)
		buf_add(&b, "n", 1);
	return buf_str(&b);
}

static char *
fresh(void)
{
	return fmt("f%d", (int)any(100000));
}

/* what there is */
static void see_graph(Pool *, GP *);

static void
see_tensor(Pool *a, TP *t)
{
	if (t)
		push(&a->tensor, t);
}

static void
see_type(Pool *a, YP *y)
{
	if (!y)
		return;
	push(&a->type, y);
	if (y->value_case == ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE && y->sequence_type)
		see_type(a, y->sequence_type->elem_type);
	if (y->value_case == ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE && y->optional_type)
		see_type(a, y->optional_type->elem_type);
}

static void
see_attr(Pool *a, AP *t)
{
	push(&a->attr, t);
	see_tensor(a, t->t);
	see_type(a, t->tp);
	if (t->g)
		see_graph(a, t->g);
	for (size_t i = 0; i < t->n_graphs; i++)
		see_graph(a, t->graphs[i]);
}

static void
see_nodes(Pool *a, size_t *n, NP ***p, GP *g)
{
	push(&a->list, ((List){n, p, g}));
	for (size_t i = 0; i < *n; i++) {
		NP *k = (*p)[i];
		push(&a->node, k);
		for (size_t j = 0; j < k->n_output; j++)
			push(&a->name, k->output[j]);
		for (size_t j = 0; j < k->n_attribute; j++)
			see_attr(a, k->attribute[j]);
	}
}

static void
see_values(Pool *a, size_t n, VP **p)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i]->name)
			push(&a->name, p[i]->name);
		see_type(a, p[i]->type);
	}
}

static void
see_graph(Pool *a, GP *g)
{
	push(&a->graph, g);
	see_values(a, g->n_input, g->input);
	see_values(a, g->n_output, g->output);
	see_values(a, g->n_value_info, g->value_info);
	for (size_t i = 0; i < g->n_initializer; i++) {
		see_tensor(a, g->initializer[i]);
		if (g->initializer[i]->name)
			push(&a->name, g->initializer[i]->name);
	}
	see_nodes(a, &g->n_node, &g->node, g);
}

static void
see(Pool *a, MP *m)
{
	a->m = m;
	if (m->graph)
		see_graph(a, m->graph);
	for (size_t i = 0; i < m->n_functions; i++) {
		Onnx__FunctionProto *f = m->functions[i];
		for (size_t j = 0; j < f->n_input; j++)
			push(&a->name, f->input[j]);
		see_nodes(a, &f->n_node, &f->node, NULL);
	}
}

/* a copy of a message, by way of its bytes */
static void *arena_take(void *a, size_t n) { (void)a; return alloc(n); }
static void arena_leave(void *a, void *p) { (void)a, (void)p; }
static ProtobufCAllocator memory = {arena_take, arena_leave, NULL};

static void *
copy(const void *m)
{
	const ProtobufCMessage *from = m;
	size_t n = protobuf_c_message_get_packed_size(from);
	uint8_t *p = alloc(n + 1);

	protobuf_c_message_pack(from, p);
	return protobuf_c_message_unpack(from->descriptor, &memory, n, p);
}

/* tensors: most stay as long as their shape asks for */
static void
refill(TP *t)
{
	size_t n = 1, old = t->raw_data.len, bytes;
	uint8_t *p;

	for (size_t i = 0; i < t->n_dims; i++)
		if (t->dims[i] < 0 || t->dims[i] > 4096 || (n *= (size_t)t->dims[i]) > 4096)
			return;
	if (!dt_valid(t->data_type) || t->data_type == DT_STR || !dt_bytes((DType)t->data_type, (int64_t)n, true, &bytes))
		return;
	p = alloc(bytes + 1);
	for (size_t i = 0; i < bytes; i++)
		p[i] = old ? t->raw_data.data[i % old] : 0;
	if (!old && t->data_type == DT_I64)
		for (size_t i = 0; i < n && i < t->n_int64_data; i++)
			memcpy(p + 8 * i, &t->int64_data[i], 8);
	if (!old && t->data_type == DT_F32)
		for (size_t i = 0; i < n && i < t->n_float_data; i++)
			memcpy(p + 4 * i, &t->float_data[i], 4);
	t->raw_data = (ProtobufCBinaryData){bytes, p};
	t->has_raw_data = 1;
	t->n_float_data = t->n_int32_data = t->n_int64_data = t->n_uint64_data = t->n_double_data = t->n_string_data = 0;
}

static void
change_dims(size_t *n, int64_t **p)
{
	switch (any(4)) {
	case 0: ADD(*n, *p, any(2) ? 1 : integer()); break;
	case 1: if (*n) REMOVE(*n, *p, any(*n)); break;
	default: if (*n) SET(*n, *p, integer());
	}
}

static void
change_tensor(Pool *a)
{
	TP *t = ONE(a->tensor);
	int64_t x = integer();
	size_t i;

	if (!t)
		return;
	switch (any(6)) {
	case 0: change_dims(&t->n_dims, &t->dims); break;
	case 1: t->data_type = any(8) ? 1 + (int)any(NDTYPE - 1) : (int)integer(); break;
	case 2: t->has_data_location = 1, t->data_location = (int)any(3); break;
	default:                /* an element: shapes, axes, indices */
		refill(t);
		if (dt_valid(t->data_type) && (i = (size_t)dtype_info[t->data_type].bits / 8) && t->raw_data.len >= i) {
			float f = real();
			memcpy(t->raw_data.data + any(t->raw_data.len / i) * i, t->data_type == DT_F32 ? (void *)&f : (void *)&x,
				i < 8 ? i : 8);
		}
		return;
	}
	if (any(6))
		refill(t);
}

static void
change_type(Pool *a)
{
	YP *y = ONE(a->type);
	Onnx__TypeProto__Tensor *t;
	Onnx__TensorShapeProto__Dimension *d;

	if (!y || y->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE || !(t = y->tensor_type))
		return;
	if (!t->shape || !any(4)) {
		t->elem_type = any(8) ? 1 + (int)any(NDTYPE - 1) : (int)integer();
		t->has_elem_type = 1;
		return;
	}
	switch (any(6)) {
	case 0: t->shape = NULL; return;
	case 1: if (t->shape->n_dim) REMOVE(t->shape->n_dim, t->shape->dim, any(t->shape->n_dim)); return;
	case 2:
		d = NEW(Onnx__TensorShapeProto__Dimension);
		onnx__tensor_shape_proto__dimension__init(d);
		INSERT(t->shape->n_dim, t->shape->dim, any(t->shape->n_dim + 1), d);
		break;
	default:
		if (!t->shape->n_dim)
			return;
		d = t->shape->dim[any(t->shape->n_dim)];
	}
	switch (any(3)) {
	case 0:
		d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
		d->dim_param = any(4) ? copy_str(any(2) ? "N" : "M") : text(a);
		break;
	case 1: d->value_case = 0; break;
	default:
		d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
		d->dim_value = integer();
	}
}

static AP *
new_attr(Pool *a)
{
	static const int type[] = {1, 2, 3, 6, 7, 8, 4};
	AP *t = NEW(AP);

	onnx__attribute_proto__init(t);
	t->name = copy_str(PICK(words));
	t->has_type = t->has_i = t->has_f = t->has_s = 1;
	t->type = PICK(type);
	t->i = integer();
	t->f = real();
	t->s = (ProtobufCBinaryData){3, (uint8_t *)copy_str("SUM")};
	for (int i = (int)any(4); i > 0; i--) {
		ADD(t->n_ints, t->ints, integer());
		ADD(t->n_floats, t->floats, real());
	}
	if (t->type != 1) t->has_f = 0;
	if (t->type != 2) t->has_i = 0;
	if (t->type != 3) t->has_s = 0;
	if (t->type != 6) t->n_floats = 0;
	if (t->type != 7) t->n_ints = 0;
	if (t->type == 4) {
		TP *from = ONE(a->tensor);
		t->t = from ? copy(from) : NULL;
	}
	return t;
}

static void
change_attr(Pool *a)
{
	AP *t = ONE(a->attr), *other = ONE(a->attr);
	Str0 s;

	if (!t)
		return;
	switch (any(12)) {
	case 0: t->type = (int)any(15); break;
	case 1: t->name = copy_str(any(4) ? PICK(words) : text(a)); break;
	case 2: other = copy(other); other->name = t->name; *t = *other; break;
	case 3: t->f = real(); break;
	case 4: if (t->n_floats) SET(t->n_floats, t->floats, real()); else t->f = real(); break;
	case 5: s = any(2) ? text(a) : copy_str(PICK(values)); t->s = (ProtobufCBinaryData){strlen(s), (uint8_t *)s}; break;
	case 6: s = text(a); ADD(t->n_strings, t->strings, ((ProtobufCBinaryData){strlen(s), (uint8_t *)s})); break;
	default:
		if (t->n_ints && any(3))
			SET(t->n_ints, t->ints, integer());
		else if (t->n_ints)
			change_dims(&t->n_ints, &t->ints);
		else if (t->has_s && any(2))
			s = copy_str(PICK(values)), t->s = (ProtobufCBinaryData){strlen(s), (uint8_t *)s};
		else if (t->has_f)
			t->f = real();
		else
			t->i = integer();
	}
}

static const char *
domain_name_of(int d)
{
	return d == D_ONNX ? "" : d == D_ZENITH ? "x" : domain_name[d];
}

static void
set_op(NP *k)
{
	Op op = (Op)(1 + any(NOP - 1));

	k->op_type = copy_str(op_def[op].name);
	k->domain = copy_str(domain_name_of(op_def[op].domain));
}

static void
change_node(Pool *a)
{
	NP *k = ONE(a->node);
	Str0 s;

	if (!k)
		return;
	s = any(12) ? ONE(a->name) : copy_str("");
	if (!s)
		return;
	switch (any(10)) {
	case 0: set_op(k); break;
	case 1: ADD(k->n_input, k->input, s); break;
	case 2: if (k->n_input) REMOVE(k->n_input, k->input, any(k->n_input)); break;
	case 3: ADD(k->n_output, k->output, any(6) ? fresh() : s); break;
	case 4: if (k->n_output) SET(k->n_output, k->output, any(4) ? fresh() : text(a)); break;
	case 5: ADD(k->n_attribute, k->attribute, new_attr(a)); break;
	case 6: if (k->n_attribute) REMOVE(k->n_attribute, k->attribute, any(k->n_attribute)); break;
	default: if (k->n_input) k->input[any(k->n_input)] = s;
	}
}

/* a node between a value and one of its readers, of the same list */
static NP *
new_node(Pool *a, NP *reader)
{
	NP *from = ONE(a->node), *k;
	Str0 out = fresh(), in = ONE(a->name);
	size_t at;

	if (from && any(2)) {
		k = copy(from);
		for (size_t i = 0; i < k->n_output; i++)
			k->output[i] = i ? fresh() : out;
	} else {
		k = NEW(NP);
		onnx__node_proto__init(k);
		set_op(k);
		for (int i = 1 + (int)any(3); i > 0 && in; i--, in = ONE(a->name))
			ADD(k->n_input, k->input, in);
		ADD(k->n_output, k->output, out);
	}
	if (reader && reader->n_input) {
		at = any(reader->n_input);
		if (k->n_input)
			k->input[0] = reader->input[at];
		reader->input[at] = out;
	}
	return k;
}

static void
change_list(Pool *a)
{
	List l = a->list.n ? a->list.p[any((uint64_t)a->list.n)] : (List){0};
	size_t n = l.n ? *l.n : 0, at = any(n), to;
	NP *k;
	Str0 in, out;

	if (!l.n)
		return;
	switch (n ? any(5) : 0) {
	case 0:
		INSERT(*l.n, *l.p, at, new_node(a, n ? (*l.p)[at] : NULL));
		break;
	case 1:                 /* without the node: its readers read what it read */
		k = (*l.p)[at];
		in = k->n_input ? k->input[0] : NULL;
		out = k->n_output ? k->output[0] : NULL;
		REMOVE(*l.n, *l.p, at);
		for (size_t i = 0; in && out && i < *l.n; i++)
			for (size_t j = 0; j < (*l.p)[i]->n_input; j++)
				if (!strcmp((*l.p)[i]->input[j], out))
					(*l.p)[i]->input[j] = in;
		break;
	case 2:
		to = any(n);
		k = (*l.p)[at], (*l.p)[at] = (*l.p)[to], (*l.p)[to] = k;
		break;
	default:
		change_node(a);
	}
}

static void
change_graph(Pool *a)
{
	GP *g = ONE(a->graph), *from = ONE(a->graph);
	TP *t = ONE(a->tensor);
	AP *r;
	VP *v;

	if (!g)
		return;
	switch (any(7)) {
	case 0: if (g->n_output && g->n_node) {
		NP *k = g->node[any(g->n_node)];
		VP *o = g->output[any(g->n_output)];
		if (k->n_output)
			o->name = k->output[any(k->n_output)];
		break;
	} /* fallthrough */
	case 1: if (from->n_input) {
		v = copy(from->input[any(from->n_input)]);
		if (any(2)) {
			v->name = any(2) ? fresh() : text(a);
			ADD(g->n_input, g->input, v);
		} else
			ADD(g->n_output, g->output, v);
	} break;
	case 2: if (g->n_input) REMOVE(g->n_input, g->input, any(g->n_input)); break;
	case 3: if (g->n_output) REMOVE(g->n_output, g->output, any(g->n_output)); break;
	case 4:                 /* an input becomes a constant, or a constant an input */
		if (t && g->n_input) {
			t = copy(t);
			t->name = g->input[any(g->n_input)]->name;
			ADD(g->n_initializer, g->initializer, t);
		}
		break;
	case 5: if (g->n_initializer) REMOVE(g->n_initializer, g->initializer, any(g->n_initializer)); break;
	default:                /* a graph elsewhere */
		r = ONE(a->attr);
		if (r && r->g) {
			r->g = copy(from);
			if (any(2))
				r->g->n_input = 0;
		}
	}
}

static void
change_model(Pool *a)
{
	MP *m = a->m;
	Onnx__OperatorSetIdProto *o = m->n_opset_import ? m->opset_import[any(m->n_opset_import)] : NULL;
	NP *k = ONE(a->node);

	switch (any(4)) {
	case 0: case 1:
		if (o) {
			o->version = any(6) ? 1 + (int64_t)any(28) : integer();
			o->has_version = 1;
		}
		break;
	case 2:
		o = NEW(Onnx__OperatorSetIdProto);
		onnx__operator_set_id_proto__init(o);
		o->domain = copy_str(domain_name_of((int)any(NDOMAIN)));
		o->has_version = 1;
		o->version = 1 + (int64_t)any(6);
		ADD(m->n_opset_import, m->opset_import, o);
		break;
	default:
		if (k && m->n_functions) {
			Onnx__FunctionProto *f = m->functions[any(m->n_functions)];
			k->op_type = f->name;
			k->domain = f->domain;
		}
	}
}

static void (*const change[])(Pool *) = {change_tensor, change_type, change_attr, change_attr, change_node, change_node, change_list,
	change_list, change_graph, change_model};

/* as the compiler itself reads a model, so that what protobuf-c sees is bounded */
static MP *
decode(const uint8_t *p, size_t n)
{
	Scan s = {0};

	scan_message(p, n, &onnx__model_proto__descriptor, &s);
	return onnx__model_proto__unpack(&memory, n, p);
}

typedef struct Job { uint8_t *p; size_t n, max; const uint8_t *q; size_t nq; uint8_t *to; } Job;

static void
put(Job *j, const MP *m)
{
	size_t n = onnx__model_proto__get_packed_size(m);

	if (n <= j->max)
		j->n = onnx__model_proto__pack(m, j->to ? j->to : j->p);
}

static void
mutate(void *arg)
{
	Job *j = arg;
	MP *m = decode(j->p, j->n);

	for (int i = 1 + (int)(any(2) ? 0 : any(5)); m && i > 0; i--) {
		Pool a = {0};
		see(&a, m);
		PICK(change)(&a);
	}
	if (m)
		put(j, m);
}

/* nodes, constants and attributes of q among those of p, reading what is there */
static void
cross(void *arg)
{
	Job *j = arg;
	MP *m = decode(j->p, j->n), *o = decode(j->q, j->nq);
	Pool a = {0}, b = {0};
	GP *g;

	j->n = 0;
	if (!m || !o || !m->graph)
		return;
	see(&a, m);
	see(&b, o);
	g = ONE(a.graph);
	for (int i = 1 + (int)any(3); i > 0; i--) {
		NP *k = ONE(b.node);
		TP *t = ONE(b.tensor);
		Str0 s;
		if (k) {
			for (size_t q = 0; q < k->n_input; q++)
				if (any(2) && (s = ONE(a.name)))
					k->input[q] = s;
			for (size_t q = 0; q < k->n_output; q++)
				k->output[q] = fresh();
			if (k->n_output && g->n_node && any(2)) {
				NP *r = g->node[any(g->n_node)];
				if (r->n_input)
					r->input[any(r->n_input)] = k->output[0];
			} else if (k->n_output && g->n_output)
				g->output[any(g->n_output)]->name = k->output[0];
			INSERT(g->n_node, g->node, any(g->n_node + 1), k);
		}
		if (t && any(2)) {
			if ((s = ONE(a.name)) && any(2))
				t->name = s;
			ADD(g->n_initializer, g->initializer, t);
		}
	}
	if (any(3) == 0)
		for (size_t i = 0; i < o->n_functions; i++)
			ADD(m->n_functions, m->functions, o->functions[i]);
	put(j, m);
}

static size_t
run(void (*fn)(void *), Job *j, unsigned s)
{
	Session *z;

	seed = s * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < 4; i++)
		any(0);
	z = session_begin(NULL);
	z->log = NULL;
	session_try(fn, j);
	session_end(z);
	return j->n;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned s)
{
	Job j = {.p = p, .n = n, .max = max};

	return s % 16 ? run(mutate, &j, s) : LLVMFuzzerMutate(p, n, max);
}

size_t
LLVMFuzzerCustomCrossOver(const uint8_t *p, size_t n, const uint8_t *q, size_t m, uint8_t *out, size_t max, unsigned s)
{
	Job j = {.p = (uint8_t *)(uintptr_t)p, .n = n, .max = max, .q = q, .nq = m, .to = out};

	return run(cross, &j, s);
}
