/* ONNX values as files: TensorProto, SequenceProto, OptionalProto, the layout of test_data_set folders. */
#include "host.h"
#include "onnx.pb-c.h"


typedef Onnx__TensorProto Tensor;
typedef Onnx__SequenceProto Sequence;
typedef Onnx__OptionalProto Optional;
typedef Onnx__MapProto MapPb;

#define BAD(path, ...) fatal(EX_INVALID, NULL, "'%s': %s", quoted(path), fmt(__VA_ARGS__))

enum { SEQ_TENSOR = 1, SEQ_SPARSE, SEQ_SEQUENCE, SEQ_MAP, SEQ_OPTIONAL };  /* DataType of sequences and
									      optionals */

/* protobuf-c follows nesting with the stack, so what nests deeper than this is refused first. A field of wire
 * type 2 may be text as well as a message; only those in which the schema nests values are followed:
 * `inner` */
enum { DEPTH = 16 };
enum { M_SEQ, M_OPT, M_MAP, M_FLAT };

static bool
varint(const unsigned char **p, const unsigned char *e, uint64_t *v)
{
	*v = 0;
	for (int s = 0; s < 64 && *p < e; s += 7) {
		*v |= (uint64_t)(**p & 127) << s;
		if (!(*(*p)++ & 128))
			return true;
	}
	return false;
}

static void
check_depth(const unsigned char *p, const unsigned char *e, int kind, int depth, const char *path)
{
	static const unsigned char inner[][8] = {
		[M_SEQ] = {[5] = 1 + M_SEQ, [6] = 1 + M_MAP, [7] = 1 + M_OPT},
		[M_OPT] = {[5] = 1 + M_SEQ, [6] = 1 + M_MAP, [7] = 1 + M_OPT},
		[M_MAP] = {[5] = 1 + M_SEQ},
	};
	uint64_t tag, n;

	if (depth > DEPTH)
		BAD(path, "its values nest deeper than %d", DEPTH);
	while (p < e) {
		if (!varint(&p, e, &tag))
			BAD(path, "this is no ONNX value");
		switch (tag & 7) {
		case 0:
			if (!varint(&p, e, &n))
				BAD(path, "it ends inside a number");
			continue;
		case 1: n = 8; break;
		case 5: n = 4; break;
		case 2:
			if (varint(&p, e, &n))
				break;
			/* fallthrough */
		default:
			BAD(path, "this is no ONNX value");
		}
		if (n > (uint64_t)(e - p))
			BAD(path, "it ends inside a value");
		if ((tag & 7) == 2 && kind < M_FLAT && tag >> 3 < 8 && inner[kind][tag >> 3])
			check_depth(p, p + n, inner[kind][tag >> 3] - 1, depth + 1, path);
		p += n;
	}
}

static void
read_raw(Host *h, const Tensor *t, const char *path)
{
	unsigned char *p = h->p;

	if (t->raw_data.len != h->bytes)
		BAD(path, "raw_data has %zu bytes, %s needs %zu", t->raw_data.len, host_str(h), h->bytes);
	if (h->bytes)
		memcpy(p, t->raw_data.data, h->bytes);
	for (size_t i = 0; h->dt == DT_BOOL && i < h->bytes; i++)
		p[i] = !!p[i];
}

/* the typed fields: of sub-byte types each int32 holds a byte of packed elements */
static void
read_typed(Host *h, const Tensor *t, const char *path)
{
	bool complex = dtype_info[h->dt].class == DC_C;
	size_t n = (size_t)h->n * (complex ? 2 : 1), have = 0;
	unsigned char *p = h->p;

	if (dtype_info[h->dt].bits < 8)
		n = h->bytes;
	switch (h->dt) {
	case DT_F32: case DT_C64:
		if ((have = t->n_float_data) == n && n)
			memcpy(p, t->float_data, n * sizeof(float));
		break;
	case DT_F64: case DT_C128:
		if ((have = t->n_double_data) == n && n)
			memcpy(p, t->double_data, n * sizeof(double));
		break;
	case DT_I64:
		if ((have = t->n_int64_data) == n && n)
			memcpy(p, t->int64_data, n * sizeof(int64_t));
		break;
	case DT_U64: case DT_U32:
		have = t->n_uint64_data;
		for (size_t i = 0; i < n && have == n; i++)
			dt_put(h->dt, true, p, (int64_t)i, 1, &t->uint64_data[i]);
		break;
	case DT_STR:
		have = t->n_string_data;
		for (size_t i = 0; i < n && have == n; i++)
			((Str *)h->p)[i] = (Str){copy_mem(t->string_data[i].data, t->string_data[i].len),
				t->string_data[i].len};
		break;
	default:
		have = t->n_int32_data;
		for (size_t i = 0; i < n && have == n; i++)
			if (dtype_info[h->dt].bits <= 8)
				p[i] = h->dt == DT_BOOL ? !!t->int32_data[i]
							: (unsigned char)t->int32_data[i];
			else
				dt_put(h->dt, true, p, (int64_t)i, 1,
					&(uint64_t){(uint64_t)t->int32_data[i]});
	}
	if (have != n)
		BAD(path, "it has %zu elements, %s needs %zu", have, host_str(h), n);
}

static Host *
from_tensor(const Tensor *t, const char *path)
{
	Host *h;

	if (!dt_valid(t->data_type))
		BAD(path, "a tensor of element type %d", t->data_type);
	if (t->n_external_data)
		fatal(EX_UNSUPPORTED, NULL, "'%s': external data in a data file is not supported",
			quoted(path));
	limit_check(LIM_RANK, (int64_t)t->n_dims, NULL);
	h = host_tensor((DType)t->data_type, (int)t->n_dims, t->dims);
	h->name = t->name && *t->name ? copy_str(t->name) : NULL;
	if (t->has_raw_data && h->dt != DT_STR)
		read_raw(h, t, path);
	else
		read_typed(h, t, path);
	return h;
}

static Host *from_seq(const Sequence *, const char *);

/* the values of a map: a tensor for each of n keys, of one element, become one tensor */
static Host *
joined(Host *s, int64_t n)
{
	Host *t;
	uint64_t b;

	if (!n || s->n != n)
		return s;
	for (int64_t i = 0; i < n; i++)
		if (s->elem[i]->kind != V_TENSOR || s->elem[i]->n != 1 || s->elem[i]->dt != s->elem[0]->dt)
			return s;
	t = host_tensor(s->elem[0]->dt, 1, &n);
	for (int64_t i = 0; i < n; i++)
		if (t->dt == DT_STR)
			((Str *)t->p)[i] = *(Str *)s->elem[i]->p;
		else {
			b = host_bits(s->elem[i], 0);
			dt_put(t->dt, true, t->p, i, 1, &b);
		}
	return t;
}

static Host *
from_map(const MapPb *m, const char *path)
{
	Host *h = host_list(V_MAP, 2), *k;
	int64_t n = (int64_t)(m->n_string_keys ? m->n_string_keys : m->n_keys);

	h->elem[0] = k = host_tensor(h->dt = m->n_string_keys ? DT_STR : DT_I64, 1, &n);
	for (int64_t i = 0; i < n; i++)
		if (m->n_string_keys)
			((Str *)k->p)[i] = (Str){copy_mem(m->string_keys[i].data, m->string_keys[i].len),
				m->string_keys[i].len};
		else
			((int64_t *)k->p)[i] = m->keys[i];
	if (!m->values)
		BAD(path, "a map without values");
	h->elem[1] = joined(from_seq(m->values, path), n);
	return h;
}

static Host *
from_opt(const Optional *o, const char *path)
{
	Host *h = host_list(V_OPT, 1), *e = NULL;

	h->name = o->name && *o->name ? copy_str(o->name) : NULL;
	if (o->elem_type == SEQ_TENSOR && o->tensor_value)
		e = from_tensor(o->tensor_value, path);
	else if (o->elem_type == SEQ_SEQUENCE && o->sequence_value)
		e = from_seq(o->sequence_value, path);
	else if (o->elem_type == SEQ_MAP && o->map_value)
		e = from_map(o->map_value, path);
	else if (o->elem_type == SEQ_OPTIONAL && o->optional_value)
		e = from_opt(o->optional_value, path);
	else if (o->elem_type == SEQ_SPARSE)
		fatal(EX_UNSUPPORTED, NULL, "'%s': sparse tensors are not supported", quoted(path));
	h->n = e != NULL;
	h->elem[0] = e;
	return h;
}

static Host *
from_seq(const Sequence *s, const char *path)
{
	size_t n = s->elem_type == SEQ_TENSOR  ? s->n_tensor_values
		: s->elem_type == SEQ_SEQUENCE ? s->n_sequence_values
		: s->elem_type == SEQ_MAP      ? s->n_map_values
		: s->elem_type == SEQ_OPTIONAL ? s->n_optional_values
					       : 0;
	Host *h = host_list(V_SEQ, (int)n);

	if (s->elem_type == SEQ_SPARSE)
		fatal(EX_UNSUPPORTED, NULL, "'%s': sparse tensors are not supported", quoted(path));
	h->name = s->name && *s->name ? copy_str(s->name) : NULL;
	for (size_t i = 0; i < n; i++)
		h->elem[i] = s->elem_type == SEQ_TENSOR ? from_tensor(s->tensor_values[i], path)
			: s->elem_type == SEQ_SEQUENCE  ? from_seq(s->sequence_values[i], path)
			: s->elem_type == SEQ_MAP       ? from_map(s->map_values[i], path)
							: from_opt(s->optional_values[i], path);
	return h;
}

/* what protobuf-c takes goes with the session if an error cuts reading short */
static void *
take(void *none, size_t n)
{
	(void)none;
	return big_alloc(n);
}

static void
give(void *none, void *p)
{
	(void)none;
	big_free(p);
}

static ProtobufCAllocator memory = {take, give, NULL};

static Host *
tensor_file(Bytes f, const char *path)
{
	Tensor *t = onnx__tensor_proto__unpack(&memory, f.n, f.p);
	Host *h;

	if (!t)
		BAD(path, "this is no ONNX tensor");
	h = from_tensor(t, path);
	onnx__tensor_proto__free_unpacked(t, &memory);
	return h;
}

/* of a sequence or optional, or of a tensor that lies where one was expected: its fields 8 and above say
 * so */
static Host *
other_file(Bytes f, VKind kind, const char *path)
{
	ProtobufCMessage *m;
	Host *h;

	check_depth(f.p, f.p + f.n, kind == V_SEQ ? M_SEQ : M_OPT, 0, path);
	m = kind == V_SEQ ? (void *)onnx__sequence_proto__unpack(&memory, f.n, f.p)
		: (void *)onnx__optional_proto__unpack(&memory, f.n, f.p);
	if (!m || m->n_unknown_fields) {
		if (m)
			protobuf_c_message_free_unpacked(m, &memory);
		return tensor_file(f, path);
	}
	h = kind == V_SEQ ? from_seq((Sequence *)m, path) : from_opt((Optional *)m, path);
	protobuf_c_message_free_unpacked(m, &memory);
	return h;
}

Host *
pb_parse(Bytes f, VKind kind, const char *path)
{
	check_depth(f.p, f.p + f.n, M_FLAT, 0, path);
	return kind == V_TENSOR ? tensor_file(f, path) : other_file(f, kind, path);
}

Host *
pb_read(const char *path, VKind kind)
{
	Bytes f = file_read(path);
	Host *h = pb_parse(f, kind, path);

	big_free(f.p);
	return h;
}

/* writing */
static Tensor *
to_tensor(const Host *h, const char *name)
{
	Tensor *t = NEW(Tensor);

	onnx__tensor_proto__init(t);
	t->n_dims = (size_t)h->rank;
	t->dims = h->dim;
	t->has_data_type = 1;
	t->data_type = (int32_t)h->dt;
	t->name = name ? copy_str(name) : t->name;
	if (h->dt == DT_STR) {
		t->n_string_data = (size_t)h->n;
		t->string_data = NEWN(ProtobufCBinaryData, h->n);
		for (int64_t i = 0; i < h->n; i++) {
			Str s = ((Str *)h->p)[i];
			t->string_data[i] = (ProtobufCBinaryData){s.n, (uint8_t *)(uintptr_t)s.p};
		}
		return t;
	}
	t->has_raw_data = 1;
	t->raw_data = (ProtobufCBinaryData){h->bytes, h->p};
	return t;
}

static Sequence *to_seq(const Host *, const char *name);

static MapPb *
to_map(const Host *h)
{
	MapPb *m = NEW(MapPb);
	const Host *k = h->elem[0];

	onnx__map_proto__init(m);
	m->has_key_type = 1;
	m->key_type = (int32_t)k->dt;
	if (k->dt == DT_STR) {
		const Tensor *t = to_tensor(k, NULL);
		m->n_string_keys = t->n_string_data;
		m->string_keys = t->string_data;
	} else {
		m->n_keys = (size_t)k->n;
		m->keys = NEWN(int64_t, k->n);
		for (int64_t i = 0; i < k->n; i++)
			m->keys[i] = (int64_t)host_bits(k, i);
	}
	m->values = to_seq(h->elem[1], NULL);
	return m;
}

static Optional *
to_opt(const Host *h, const char *name)
{
	Optional *o = NEW(Optional);
	const Host *e = h->n ? h->elem[0] : NULL;

	onnx__optional_proto__init(o);
	o->name = name ? copy_str(name) : o->name;
	o->has_elem_type = 1;
	if (!e)
		return o;
	switch (e->kind) {
	case V_TENSOR: o->elem_type = SEQ_TENSOR; o->tensor_value = to_tensor(e, NULL); break;
	case V_SEQ: o->elem_type = SEQ_SEQUENCE; o->sequence_value = to_seq(e, NULL); break;
	case V_MAP: o->elem_type = SEQ_MAP; o->map_value = to_map(e); break;
	case V_OPT: o->elem_type = SEQ_OPTIONAL; o->optional_value = to_opt(e, NULL); break;
	}
	return o;
}

/* element by element */
static Host **
parted(const Host *t)
{
	Host **e = NEWN(Host *, t->n);
	uint64_t b;

	for (int64_t i = 0; i < t->n; i++) {
		e[i] = host_tensor(t->dt, 0, NULL);
		if (t->dt == DT_STR)
			*(Str *)e[i]->p = ((Str *)t->p)[i];
		else {
			b = host_bits(t, i);
			dt_put(t->dt, true, e[i]->p, 0, 1, &b);
		}
	}
	return e;
}

static Sequence *
to_seq(const Host *h, const char *name)
{
	static const int type[] = {
		[V_TENSOR] = SEQ_TENSOR, [V_SEQ] = SEQ_SEQUENCE, [V_MAP] = SEQ_MAP, [V_OPT] = SEQ_OPTIONAL};
	Sequence *s = NEW(Sequence);
	const Host *const *e = (const Host *const *)h->elem;
	int64_t n = h->n;

	onnx__sequence_proto__init(s);
	s->name = name ? copy_str(name) : s->name;
	s->has_elem_type = 1;
	if (h->kind == V_TENSOR)        /* the values of a map */
		e = (const Host *const *)parted(h);
	s->elem_type = n ? type[e[0]->kind] : SEQ_TENSOR;
	s->tensor_values = NEWN(Tensor *, n);
	s->sequence_values = NEWN(Sequence *, n);
	s->map_values = NEWN(MapPb *, n);
	s->optional_values = NEWN(Optional *, n);
	for (int64_t i = 0; i < n; i++)
		switch (e[i]->kind) {
		case V_TENSOR: s->tensor_values[s->n_tensor_values++] = to_tensor(e[i], NULL); break;
		case V_SEQ: s->sequence_values[s->n_sequence_values++] = to_seq(e[i], NULL); break;
		case V_MAP: s->map_values[s->n_map_values++] = to_map(e[i]); break;
		case V_OPT: s->optional_values[s->n_optional_values++] = to_opt(e[i], NULL); break;
		}
	return s;
}

void
pb_write(const char *path, const Host *h, const char *name)
{
	ProtobufCMessage *m = h->kind == V_SEQ ? &to_seq(h, name)->base
		: h->kind == V_OPT             ? &to_opt(h, name)->base
		: h->kind == V_MAP             ? &to_map(h)->base
					       : &to_tensor(h, name)->base;
	size_t n = protobuf_c_message_get_packed_size(m);
	uint8_t *p = big_alloc(n + 1);

	protobuf_c_message_pack(m, p);
	file_write(path, p, n, NULL, 0);
	big_free(p);
}
