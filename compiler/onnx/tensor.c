/* TensorProto to constants. Elements lie in raw_data, in a typed field (packed, hence lifted, or one by
 * one), or in external data; they are borrowed wherever the file has them as a constant has: little-endian,
 * packed.
 */
#include "import.h"

#include <inttypes.h>

enum { COPY_MAX = 4096 };    /* small constants are copied, so that they are aligned */

typedef struct Typed {           /* the typed fields of a tensor, lifted or not */
	int field;
	size_t n;                /* elements that protobuf-c read */
} Typed;

bool
dims_ok(const int64_t *dim, size_t rank, int64_t *numel, const char *where)
{
	limit_check(LIM_RANK, (int64_t)(rank < INT32_MAX ? rank : INT32_MAX), where);
	*numel = 1;
	for (size_t i = 0; i < rank; i++)
		if (dim[i] < 0) {
			error(where, "dimension %zu is %" PRId64, i, dim[i]);
			return false;
		}
	for (size_t i = 0; i < rank; i++)
		if (!dim[i])
			return *numel = 0, true;
	for (size_t i = 0; i < rank; i++)
		if (!mul_ok(*numel, dim[i], numel))
			*numel = INT64_MAX;
	limit_check(LIM_ELEMENTS, *numel, where);
	return true;
}

/* the field that holds elements of dt, and how many field elements there are to n tensor elements */
static int
field_of(DType dt, int64_t n, size_t *count)
{
	*count = (size_t)n;
	switch (dt) {
	case DT_C64:
		*count = (size_t)n * 2;
		return 4;
	case DT_F32:
		return 4;
	case DT_C128:
		*count = (size_t)n * 2;
		return 10;
	case DT_F64:
		return 10;
	case DT_I64:
		return 7;
	case DT_U32: case DT_U64:
		return 11;
	case DT_STR:
		return 6;
	default:
		if (dtype_info[dt].bits < 8)
			*count = (size_t)((n * dtype_info[dt].bits + 7) / 8);
		return 5;
	}
}

static int
bytes_each(DType dt)
{
	return dt == DT_C64 ? 4 : dt == DT_C128 ? 8 : dt_size(dt);
}

static void
store(uint8_t *p, int size, uint64_t x)
{
	for (int i = 0; i < size; i++)
		p[i] = (uint8_t)(x >> (8 * i));
}

/* what protobuf-c read element by element */
static size_t
unpacked(const Onnx__TensorProto *t, int field, const void **p)
{
	switch (field) {
	case 4:  *p = t->float_data; return t->n_float_data;
	case 5:  *p = t->int32_data; return t->n_int32_data;
	case 7:  *p = t->int64_data; return t->n_int64_data;
	case 10: *p = t->double_data; return t->n_double_data;
	case 11: *p = t->uint64_data; return t->n_uint64_data;
	default: *p = NULL; return 0;
	}
}

static uint64_t
unpacked_at(const void *p, int field, size_t i)
{
	uint64_t x = 0;

	if (field == 4)
		memcpy(&x, (const float *)p + i, 4);
	else if (field == 5)
		x = (uint64_t)(int64_t)((const int32_t *)p)[i];
	else
		memcpy(&x, (const char *)p + 8 * i, 8);
	return x;
}

/* a typed field's elements, `count` of them, as bytes of dt */
static const void *
typed_bytes(const Onnx__TensorProto *t, const Lift *lift, int nlift, DType dt, int field, size_t count,
	const char *where)
{
	int size = bytes_each(dt), wide = field == 4 ? 4 : field == 10 ? 8 : 0;
	const void *loose;
	size_t nloose = unpacked(t, field, &loose), k = 0;
	const uint8_t *p, *end;
	uint8_t *out;
	uint64_t x;

	if (wide && nlift == 1 && !nloose && lift->field == field && lift->n / (size_t)wide == count)
		return lift->p;
	for (int i = 0; i < nlift; i++)
		k += lift[i].field == field ? lift[i].n : 0;
	if (k / (wide ? (size_t)wide : 1) + nloose < count) {
		error(where, "has too few elements: its shape needs %zu", count);
		return NULL;
	}
	out = big_alloc(count * (size_t)size + 1);
	for (k = 0; k < nloose && k < count; k++)
		store(out + k * (size_t)size, size, unpacked_at(loose, field, k));
	k = nloose;
	for (int i = 0; i < nlift; i++) {
		if (lift[i].field != field)
			continue;
		for (p = lift[i].p, end = p + lift[i].n; p < end; k++) {
			if (wide && end - p >= wide) {
				x = 0;
				memcpy(&x, p, (size_t)wide);
				p += wide;
			} else if (wide || !scan_varint(&p, end, &x)) {
				error(where, "has damaged elements");
				return NULL;
			}
			if (k < count)
				store(out + k * (size_t)size, size, x);
		}
	}
	if (k == count)
		return out;
	error(where, "has %zu elements, its shape needs %zu", k, count);
	return NULL;
}

static const void *
strings(const Onnx__TensorProto *t, size_t n, const char *where)
{
	Str *s;
	char *p;

	if (t->n_string_data != n) {
		error(where, "has %zu strings, its shape needs %zu", t->n_string_data, n);
		return NULL;
	}
	s = NEWN(Str, n ? n : 1);
	for (size_t i = 0; i < n; i++) {
		p = alloc(t->string_data[i].len + 1);
		if (t->string_data[i].len)
			memcpy(p, t->string_data[i].data, t->string_data[i].len);
		s[i] = (Str){p, t->string_data[i].len};
	}
	return s;
}

/* the lifts of a tensor; raw is the raw_data among them */
static int
lifts_of(Import *im, const Onnx__TensorProto *t, const Lift **lift, const Lift **raw)
{
	uint32_t i = 0;
	LiftRange r;

	*lift = *raw = NULL;
	if (!t->has_raw_data)
		return 0;
	for (int k = 0; k < 4 && k < (int)t->raw_data.len; k++)
		i |= (uint32_t)t->raw_data.data[k] << (8 * k);
	if (t->raw_data.len != 4 || i >= (uint32_t)im->scan.tensor.n)
		bug("tensor token %u", i);
	r = im->scan.tensor.p[i];
	*lift = im->scan.lift.p + r.first;
	for (int k = 0; k < r.n; k++)
		if ((*lift)[k].field == TENSOR_RAW)
			*raw = &(*lift)[k];
	return r.n;
}

/* a bool is 0 or 1 whatever byte the file has */
static const void *
clean_bools(const uint8_t *p, size_t n)
{
	uint8_t *q;
	size_t i = 0;

	while (i < n && p[i] < 2)
		i++;
	if (i == n)
		return p;
	q = big_alloc(n);
	for (i = 0; i < n; i++)
		q[i] = p[i] != 0;
	return q;
}

static const void *
tensor_bytes(Import *im, const Onnx__TensorProto *t, DType dt, int64_t n, size_t size, const char *where)
{
	const Lift *lift, *raw;
	int nlift = lifts_of(im, t, &lift, &raw), field;
	size_t count;

	field = field_of(dt, n, &count);
	if (dt == DT_STR)
		return strings(t, count, where);
	if (t->has_data_location && t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
		return external_bytes(im, t, size, where);
	if (t->has_data_location && t->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT) {
		error(where, "data location %d", (int)t->data_location);
		return NULL;
	}
	if (!raw)
		return typed_bytes(t, lift, nlift, dt, field, count, where);
	for (int i = 0; i < nlift; i++)
		if (lift[i].n && &lift[i] != raw) {
			error(where, "its elements are given more than once");
			return NULL;
		}
	if (raw->n != size) {
		error(where, "has %zu bytes, its shape and type need %zu", raw->n, size);
		return NULL;
	}
	return raw->p;
}

Value *
tensor_const(Import *im, Graph *g, const Onnx__TensorProto *t, const char *where)
{
	const char *name = copy_str(STR_OF(t->name));
	DType dt = (DType)t->data_type;
	const void *p;
	Data *d = NEW(Data);
	int64_t n;
	size_t size;
	Ix *dim;
	Value *v;

	if (*name)
		where = fmt("%s%stensor '%s'", where ? where : "", where ? ", " : "", quoted(name));
	if (!dt_valid(t->data_type) || !dt_name(dt)) {
		unsupported(where, "element type %d", t->data_type);
		return NULL;
	}
	if (t->segment) {
		unsupported(where, "tensors in segments");
		return NULL;
	}
	if (!dims_ok(t->dims, t->n_dims, &n, where))
		return NULL;
	if (!dt_bytes(dt, n, true, &size))
		fatal(EX_LIMIT, where, "is too large");
	if (!(p = tensor_bytes(im, t, dt, n, size, where)))
		return NULL;
	if (dt == DT_STR)
		size = sizeof(Str) * (size_t)n;
	else if (dt == DT_BOOL)
		p = clean_bools(p, size);
	*d = (Data){.p = p, .n = size, .borrowed = true};
	if (dt == DT_STR || size <= COPY_MAX)
		*d = (Data){.p = copy_mem(p, size), .n = size};
	dim = NEWN(Ix, t->n_dims);
	for (size_t i = 0; i < t->n_dims; i++)
		dim[i] = ix_int(t->dims[i]);
	v = value_tensor(g, *name ? name : NULL, dt, (int)t->n_dims, dim);
	v->data = d;
	return v;
}

/* the position of nonzero i: a linear index, or a row of coordinates */
static bool
sparse_at(const int64_t *ix, bool rows, const int64_t *dim, size_t rank, int64_t i, int64_t *at)
{
	if (!rows)
		return *at = ix[i], true;
	*at = 0;
	for (size_t k = 0; k < rank; k++) {
		int64_t x = ix[i * (int64_t)rank + (int64_t)k];

		if (x < 0 || x >= dim[k])
			return false;
		*at = *at * dim[k] + x;
	}
	return true;
}

Value *
sparse_const(Import *im, Graph *g, const Onnx__SparseTensorProto *s, const char *where)
{
	Value *val, *idx, *v;
	const int64_t *ix;
	int64_t n, nix, nnz, at;
	uint64_t bits;
	size_t size;
	bool rows;
	char *p;

	if (!s->values || !s->indices) {
		error(where, "a sparse tensor without values or indices");
		return NULL;
	}
	if (!dims_ok(s->dims, s->n_dims, &n, where))
		return NULL;
	val = tensor_const(im, g, s->values, where);
	idx = tensor_const(im, g, s->indices, where);
	if (!val || !idx)
		return NULL;
	if (val->dt == DT_STR || val->rank != 1 || idx->dt != DT_I64 || idx->rank < 1 || idx->rank > 2
	|| !const_ints(idx, &ix, &nix) || !ix_isint(val->dim[0], &nnz)) {
		error(where, "a malformed sparse tensor");
		return NULL;
	}
	rows = idx->rank == 2;
	if (nix != (rows ? nnz * (int64_t)s->n_dims : nnz)
		|| (rows && !ix_is(idx->dim[1], (int64_t)s->n_dims))) {
		error(where, "a sparse tensor has %" PRId64 " values and %" PRId64 " indices", nnz, nix);
		return NULL;
	}
	if (!dt_bytes(val->dt, n, true, &size))
		fatal(EX_LIMIT, where, "is too large");
	limit_check(LIM_FOLD, size < INT64_MAX ? (int64_t)size : INT64_MAX, where);
	p = big_alloc(size + 1);
	for (int64_t i = 0; i < nnz; i++) {
		if (!sparse_at(ix, rows, s->dims, s->n_dims, i, &at) || at < 0 || at >= n) {
			error(where, "index %" PRId64 " of a sparse tensor is outside its shape", i);
			return NULL;
		}
		if (dtype_info[val->dt].bits == 128)
			memcpy(p + 16 * at, (const char *)val->data->p + 16 * i, 16);
		else {
			dt_get(val->dt, true, val->data->p, i, 1, &bits);
			dt_put(val->dt, true, p, at, 1, &bits);
		}
	}
	v = value_const(g, val->dt, (int)s->n_dims, s->dims, p);
	big_free(p);
	v->name = val->name;
	return v;
}
