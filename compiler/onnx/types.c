/* Declared types: of inputs, with their dims and the options --dim and --shape; of optionals and sequences.
 *
 * A dim is a number, a name (one name, one symbol in the whole model) or unknown (a symbol of its own,
 * named INPUT.AXIS so that --dim can speak of it). Symbols are 1 to 2^31-1: a model is not asked for an
 * empty batch unless --dim says 0..N, and slices to INT_MAX, which exporters write for "to the end",
 * vanish. Exporters write 0, -1, "" and "?" for what they do not know; a declared 0 may also mean none, so
 * its symbol may be 0.
 */
#include "import.h"

#include <inttypes.h>

static Ix
new_dim(Import *im, const char *name, int64_t least)
{
	const ImportOptions *o = im->opt;
	Ix s = NULL;

	for (int i = 0; o && i < o->dim.n; i++) {
		if (strcmp(o->dim.p[i].name, name))
			continue;
		if (o->dim.p[i].lo == o->dim.p[i].hi)
			s = ix_int(o->dim.p[i].lo);
		else
			s = ix_sym(name, ix_int(o->dim.p[i].lo), ix_int(o->dim.p[i].hi));
	}
	if (!s)
		s = ix_sym(name, ix_int(least), ix_int(INT32_MAX));
	push(&im->model->dim, ((__typeof__(*im->model->dim.p)){name, s}));
	return s;
}

static Ix
named_dim(Import *im, const char *name)
{
	void **slot = map_at_str(im->dim, name);

	if (!*slot)
		*slot = (void *)(uintptr_t)new_dim(im, copy_str(name), 1);
	return *slot;
}

/* the name of a dim that has one */
static const char *
dim_name(const Onnx__TensorShapeProto__Dimension *d)
{
	if (d->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM || !*d->dim_param
	|| !strcmp(d->dim_param, "?"))
		return NULL;
	return d->dim_param;
}

static const int64_t *
given_shape(Import *im, const char *input, int *rank)
{
	const ImportOptions *o = im->opt;

	for (int i = 0; o && i < o->shape.n; i++)
		if (!strcmp(o->shape.p[i].input, input)) {
			*rank = o->shape.p[i].rank;
			return o->shape.p[i].dim;
		}
	*rank = -1;
	return NULL;
}

static void
fix_dim(Import *im, const char *name, int64_t n, const char *where)
{
	void **slot = map_at_str(im->dim, name);
	const ImportOptions *o = im->opt;

	for (int i = 0; i < o->dim.n; i++)
		if (!strcmp(o->dim.p[i].name, name) && (n < o->dim.p[i].lo || n > o->dim.p[i].hi))
			fatal(EX_USE, where, "--shape says %" PRId64 " for the dimension '%s', --dim something else", n,
				quoted(name));
	if (*slot && *slot != ix_int(n))
		warning(where,
			"--shape gives dimension '%s' a second size, %" PRId64
			": the model's name for it means nothing",
			quoted(name), n);
	if (!*slot)
		push(&im->model->dim, ((__typeof__(*im->model->dim.p)){copy_str(name), ix_int(n)}));
	*slot = (void *)(uintptr_t)ix_int(n);
}

/* --shape on a dim that has a name fixes that name everywhere: hence before any input is converted */
void
fix_shapes(Import *im, Onnx__ValueInfoProto *const *in, size_t n)
{
	const Onnx__TensorShapeProto *s;
	const int64_t *given;
	int rank;

	for (size_t i = 0; i < n; i++) {
		given = given_shape(im, STR_OF(in[i]->name), &rank);
		if (!given || !in[i]->type || in[i]->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
			continue;
		s = in[i]->type->tensor_type->shape;
		for (int k = 0; s && k < rank && k < (int)s->n_dim; k++)
			if (given[k] >= 0 && dim_name(s->dim[k]))
				fix_dim(im, dim_name(s->dim[k]), given[k],
					fmt("input '%s'", quoted(in[i]->name)));
	}
}

static Ix
fixed_dim(const Onnx__TensorShapeProto__Dimension *d, int64_t n, const char *where)
{
	if (d && d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && d->dim_value > 0
	&& d->dim_value != n)
		warning(where, "--shape says %" PRId64 " where the model says %" PRId64, n, d->dim_value);
	return ix_int(n);
}

static Ix
input_dim(Import *im, const Onnx__TensorShapeProto__Dimension *d, const char *input, int axis)
{
	if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && d->dim_value >= 0)
		return ix_int(d->dim_value);
	if (dim_name(d))
		return named_dim(im, dim_name(d));
	if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && d->dim_value < -1)
		error(fmt("input '%s'", quoted(input)), "dimension %d is %" PRId64, axis, d->dim_value);
	return new_dim(im, fmt("%s.%d", input, axis), 1);
}

static void
tensor_into(Import *im, Value *v, const Onnx__TypeProto__Tensor *t)
{
	const char *where = fmt("input '%s'", quoted(STR_OF(v->name)));
	const int64_t *given;
	int rank = t->shape ? (int)t->shape->n_dim : -1, ngiven;
	int64_t d, count;
	Ix *dim;

	if (!dt_valid(t->elem_type) || !dt_name((DType)t->elem_type)) {
		unsupported(where, "element type %d", t->elem_type);
		return;
	}
	given = given_shape(im, STR_OF(v->name), &ngiven);
	if (given && rank >= 0 && rank != ngiven)
		fatal(EX_USE, where, "--shape has %d dimensions, the model %d", ngiven, rank);
	rank = given ? ngiven : rank;
	limit_check(LIM_RANK, rank, where);
	if (rank < 0) {
		unsupported(where, "the model does not say how many dimensions it has; --shape %s=... does",
			quoted(v->name));
		return;
	}
	dim = NEWN(Ix, rank > 0 ? rank : 1);
	count = 1;
	for (int i = 0; i < rank; i++) {
		const Onnx__TensorShapeProto__Dimension *d = t->shape ? t->shape->dim[i] : NULL;

		if (given && given[i] >= 0)
			dim[i] = fixed_dim(d, given[i], where);
		else if (d)
			dim[i] = input_dim(im, d, STR_OF(v->name), i);
		else
			dim[i] = new_dim(im, fmt("%s.%d", STR_OF(v->name), i), 1);
	}
	for (int i = 0; i < rank; i++)
		if (ix_isint(dim[i], &d) && !mul_ok(count, d, &count))
			count = INT64_MAX;
	limit_check(LIM_ELEMENTS, count, where);
	value_set_dims(v, (DType)t->elem_type, rank, dim);
}

static Type *
tensor_type(const Onnx__TypeProto__Tensor *t, const char *where)
{
	Type *y = NEW(Type);
	int n = t->shape ? (int)t->shape->n_dim : -1;

	*y = (Type){.kind = V_TENSOR, .dt = (DType)t->elem_type, .rank = n};
	if (!dt_valid(t->elem_type) || !dt_name(y->dt))
		unsupported(where, "element type %d", t->elem_type);
	limit_check(LIM_RANK, n, where);
	if (n > 0)
		y->dim = NEWN(Ix, n);
	for (int i = 0; i < n; i++) {
		const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];

		if (d->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
			|| d->dim_value <= 0) {
			y->dim = NULL;
			break;
		}
		y->dim[i] = ix_int(d->dim_value);
	}
	return y;
}

/* of elements: rank is kept where declared; dims only if all are numbers, since each element may have its
 * own */
Type *
type_convert(const Onnx__TypeProto *t, const char *where)
{
	Type *y = NEW(Type);

	y->rank = -1;
	switch (t ? t->value_case : ONNX__TYPE_PROTO__VALUE__NOT_SET) {
	case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
		return tensor_type(t->tensor_type, where);
	case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
		y->kind = V_SEQ;
		y->elem = type_convert(t->sequence_type->elem_type, where);
		return y;
	case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
		y->kind = V_OPT;
		y->elem = type_convert(t->optional_type->elem_type, where);
		return y;
	case ONNX__TYPE_PROTO__VALUE_MAP_TYPE:
		y->kind = V_MAP;
		y->dt = (DType)t->map_type->key_type;
		if (y->dt != DT_STR && (!dt_valid(t->map_type->key_type) || !dt_int(y->dt)))
			unsupported(where, "a map with keys of type %d", t->map_type->key_type);
		y->elem = type_convert(t->map_type->value_type, where);
		return y;
	case ONNX__TYPE_PROTO__VALUE_SPARSE_TENSOR_TYPE:
		unsupported(where, "sparse tensors as values");
		return y;
	case ONNX__TYPE_PROTO__VALUE_OPAQUE_TYPE:
		unsupported(where, "opaque types");
		return y;
	default:
		error(where, "has no type");
		return y;
	}
}

VKind
declared_kind(const Onnx__TypeProto *t)
{
	if (t && t->value_case == ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE)
		return V_SEQ;
	return t && t->value_case == ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE ? V_OPT : V_TENSOR;
}

/* a shape without dims says nothing either: some exporters write it for every output */
void
declare(Import *im, const Onnx__ValueInfoProto *p, int index)
{
	struct Declared d = {.name = copy_str(STR_OF(p->name)), .index = index, .rank = -1};
	const Onnx__TypeProto__Tensor *t;

	if (!p->type || p->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
		return;
	t = p->type->tensor_type;
	if (dt_valid(t->elem_type) && dt_name((DType)t->elem_type))
		d.dt = (DType)t->elem_type;
	if (t->shape && t->shape->n_dim) {
		d.rank = (int)t->shape->n_dim;
		d.dim = NEWN(int64_t, d.rank);
	}
	for (int i = 0; i < d.rank; i++) {
		const Onnx__TensorShapeProto__Dimension *k = t->shape->dim[i];
		bool number = k->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;

		d.dim[i] = number && k->dim_value > 0 ? k->dim_value : -1;
	}
	push(&im->model->declared, d);
}

/* the type of an input of the main graph (input), or what a subgraph declares of its own */
void
type_into(Import *im, Value *v, const Onnx__TypeProto *t, bool input)
{
	const char *where = fmt("input '%s'", quoted(STR_OF(v->name)));
	Type *y;

	if (t && t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE) {
		if (input)
			tensor_into(im, v, t->tensor_type);
		else if (dt_valid(t->tensor_type->elem_type) && dt_name((DType)t->tensor_type->elem_type))
			v->dt = (DType)t->tensor_type->elem_type;
		return;
	}
	if (!input && (!t || t->value_case == ONNX__TYPE_PROTO__VALUE__NOT_SET))
		return;
	y = type_convert(t, where);
	if (y->kind == V_MAP)
		unsupported(where, "maps as values");
	v->kind = y->kind;
	v->dt = y->dt;
	v->elem = y->elem;
}

/* options that name nothing in the model */
void
check_dim_options(Import *im)
{
	const ImportOptions *o = im->opt;
	Model *m = im->model;
	Buf b = {0};
	bool found;

	if (!o)
		return;
	for (int k = 0; k < m->dim.n; k++)
		buf_fmt(&b, "%s%s", k ? ", " : "", quoted(m->dim.p[k].name));
	for (int i = 0; i < o->dim.n; i++) {
		found = false;
		for (int k = 0; k < m->dim.n; k++)
			found |= !strcmp(m->dim.p[k].name, o->dim.p[i].name);
		if (!found)
			fatal(EX_USE, NULL, "--dim %s: the model's open dimensions are: %s",
				quoted(o->dim.p[i].name), b.n ? buf_str(&b) : "none");
	}
	for (int i = 0; i < o->shape.n; i++) {
		found = false;
		for (int k = 0; k < m->main->in.n; k++)
			found |= !strcmp(STR_OF(m->main->in.p[k]->name), o->shape.p[i].input);
		if (!found)
			fatal(EX_USE, NULL, "--shape %s: the model has no such input",
				quoted(o->shape.p[i].input));
	}
}
