/* Upgrades: a node as an old operator set has it becomes one or more nodes of the newest form. One table of
 * rules; a rule applies where the operator set is below its number. Where an upgrade must know a rank or a
 * dtype it asks need_type(), which infers what the value depends on.
 */
#include "import.h"

#include <inttypes.h>

/* helpers */
void
need_type(Value *v)
{
	VEC(Node *) stack = {0};
	Node *n;

	if (v->rank >= 0 || v->kind != V_TENSOR || !v->def || zn->nerror)   /* errors: what is there may be anything */
		return;
	push(&stack, v->def);
	while (stack.n) {
		n = stack.p[stack.n - 1];
		n->mark = 1;
		for (int i = 0; i < n->nin; i++)
			if (n->in[i] && n->in[i]->def && !n->in[i]->def->mark && n->in[i]->rank < 0) {
				push(&stack, n->in[i]->def);
				break;
			}
		if (stack.p[stack.n - 1] != n)
			continue;
		if (op_def[n->op].shape)
			node_infer(n);
		stack.n--;
	}
}

Node *
insert(Node *before, Op op, Value *const *in, int nin)
{
	Node *n = node_new(before->graph, before, op, nin, 1);

	n->id = before->id;
	n->name = before->name;
	for (int i = 0; i < nin; i++)
		node_set_in(n, i, in[i]);
	node_set_out(n, 0, value_new(before->graph, NULL));
	return n;
}

Node *
insert_after(Node *n, int k, Op op, int nin)
{
	Node *r = node_new(n->graph, n->next, op, nin, 1);
	Value *v = n->out[k];

	r->id = n->id;
	r->name = n->name;
	node_set_out(r, 0, v);
	node_set_out(n, k, value_new(n->graph, NULL));
	node_set_in(r, 0, n->out[k]);
	return r;
}

void
set_attr_int(Node *n, const char *name, int64_t x)
{
	node_drop_attr(n, name);
	node_add_attr(n, (Attr){.name = name, .type = A_INT, .i = x});
}

void
set_attr_str(Node *n, const char *name, const char *s)
{
	node_drop_attr(n, name);
	node_add_attr(n, (Attr){.name = name, .type = A_STRING, .s = {s, strlen(s)}});
}

static void
set_input(Node *n, int i, Value *v)
{
	if (n->nin <= i)
		node_resize_in(n, i + 1);
	node_set_in(n, i, v);
}

/* an attribute of ints becomes input i */
static void
ints_to_input(Node *n, const char *name, int i)
{
	const int64_t *p;
	int len;

	if (!attr_find(n, name))
		return;
	p = attr_ints(n, name, &len);
	if (p || !len)
		set_input(n, i, value_ints(n->graph, p, len));
	node_drop_attr(n, name);
}

static void
int_to_input(Node *n, const char *name, int i, bool vector)
{
	int64_t x;

	if (!attr_find(n, name))
		return;
	x = attr_int(n, name, 0);
	set_input(n, i, value_const(n->graph, DT_I64, vector, (int64_t[]){1}, &x));
	node_drop_attr(n, name);
}

Value *
scalar_like(Node *n, Value *like, double x)
{
	Value *c;

	need_type(like);
	if (dtype_info[like->dt].class == DC_C)
		fatal(EX_UNSUPPORTED, node_where(n), "input %s is complex", value_str(like));
	if (like->dt != DT_NONE && like->dt != DT_STR)
		return value_float(n->graph, like->dt, x);
	c = value_float(n->graph, DT_F32, x);
	return insert(n, OP_CAST_LIKE, (Value *[]){c, like}, 2)->out[0];
}

static void
float_to_input(Node *n, const char *name, int i)
{
	double x;

	if (!attr_find(n, name))
		return;
	x = attr_float(n, name, 0);
	set_input(n, i, scalar_like(n, n->in[0], x));
	node_drop_attr(n, name);
}

int
rank_of(Node *n, Value *v)
{
	need_type(v);
	if (v->rank < 0 && !zn->nerror)
		node_unsupported(n, "its form of an old operator set needs the number of dimensions of %s",
			value_str(v));
	return v->rank;
}

static bool
no_input(const Node *n, int i)
{
	return n->nin < 1 + i || !n->in[i];
}

static void
unsqueeze_in(Node *n, int i, const int64_t *axes, int naxes)
{
	Value *in[2] = {n->in[i], value_ints(n->graph, axes, naxes)};

	node_set_in(n, i, insert(n, OP_UNSQUEEZE, in, 2)->out[0]);
}

/* elementwise operators with broadcast=1 and axis (below 7): the second operand is aligned at axis, not at
 * the end */
static void
up_broadcast(Node *n, int64_t version)
{
	int64_t axis = attr_int(n, "axis", INT64_MAX), *ax;
	int ra, rb, after;
	bool on = attr_int(n, "broadcast", 0);

	(void)version;
	node_drop_attr(n, "axis");
	node_drop_attr(n, "broadcast");
	if (!on || axis == INT64_MAX || n->nin < 2 || !n->in[0] || !n->in[1])
		return;
	ra = rank_of(n, n->in[0]);
	rb = rank_of(n, n->in[1]);
	if (ra < 0 || rb < 0)
		return;
	axis += axis < 0 ? ra : 0;
	after = axis < 0 || axis > ra ? -1 : ra - (int)axis - rb;
	if (after < 0) {
		node_error(n, "axis %" PRId64 " does not align %d dimensions with %d", axis, rb, ra);
		return;
	}
	if (!after)
		return;
	ax = NEWN(int64_t, after);
	for (int i = 0; i < after; i++)
		ax[i] = rb + i;
	unsqueeze_in(n, 1, ax, after);
}

/* a slope per channel, in one dimension */
static void
up_prelu(Node *n, int64_t version)
{
	int64_t ax[16], d;
	int r;

	(void)version;
	if (no_input(n, 1) || rank_of(n, n->in[1]) != 1 || ix_is(n->in[1]->dim[0], 1))
		return;
	r = rank_of(n, n->in[0]);
	for (d = 0; d < r - 2 && d < LEN(ax); d++)
		ax[d] = d + 1;
	unsqueeze_in(n, 1, ax, (int)d);
}

static void
up_clip(Node *n, int64_t version)
{
	(void)version;
	float_to_input(n, "min", 1);
	float_to_input(n, "max", 2);
}

static void
up_slice(Node *n, int64_t version)
{
	(void)version;
	ints_to_input(n, "starts", 1);
	ints_to_input(n, "ends", 2);
	ints_to_input(n, "axes", 3);
}

static void
up_axes(Node *n, int64_t version)
{
	(void)version;
	ints_to_input(n, "axes", 1);
}

static void
up_shape(Node *n, int64_t version)
{
	(void)version;
	ints_to_input(n, "shape", 1);
}

static void
up_pad(Node *n, int64_t version)
{
	if (version < 2 && attr_find(n, "paddings"))
		ints_to_input(n, "paddings", 1);
	ints_to_input(n, "pads", 1);
	if (attr_float(n, "value", 0) != 0)
		float_to_input(n, "value", 2);
	node_drop_attr(n, "value");
}

static void
up_split(Node *n, int64_t version)
{
	if (version < 13)
		ints_to_input(n, "split", 1);
	if (no_input(n, 1) && !attr_find(n, "num_outputs"))
		set_attr_int(n, "num_outputs", n->nout);
}

static void
up_topk(Node *n, int64_t version)
{
	(void)version;
	int_to_input(n, "k", 1, true);
}

/* before there was nearest_mode, ONNX Runtime rounded up where it makes smaller (-1) and down where it makes
 * larger */
static int
nearest_of(const Node *n, const Value *scales)
{
	const double *p;
	int64_t len;
	bool less = false, more = false;

	if (strcmp(attr_str(n, "mode", "nearest"), "nearest") || !const_floats(scales, &p, &len))
		return 1;
	for (int64_t i = 0; i < len; i++) {
		less |= p[i] < 1;
		more |= p[i] > 1;
	}
	if (less && more)
		node_unsupported(n, "nearest with scales below and above 1, in an operator set below 11");
	return less ? -1 : 1;
}

/* Upsample is Resize with asymmetric coordinates, nearest rounding down */
static void
up_resize(Node *n, int64_t version)
{
	float scale[4] = {1, 1, 1, 1};
	const char *mode;
	const float *p;
	int len = 0;
	Value *v = n->nin > 1 ? n->in[1] : NULL;

	(void)version;
	if (attr_find(n, "height_scale") || attr_find(n, "width_scale")) {
		scale[2] = (float)attr_float(n, "height_scale", 1);
		scale[3] = (float)attr_float(n, "width_scale", 1);
		v = value_const(n->graph, DT_F32, 1, (int64_t[]){4}, scale);
	} else if (attr_find(n, "scales") && (p = attr_floats(n, "scales", &len)))
		v = value_const(n->graph, DT_F32, 1, (int64_t[]){len}, p);
	node_drop_attr(n, "height_scale");
	node_drop_attr(n, "width_scale");
	node_drop_attr(n, "scales");
	node_resize_in(n, 1);
	set_input(n, 2, v);
	mode = attr_str(n, "mode", "nearest");
	if (!strcmp(mode, "bilinear") || !strcmp(mode, "trilinear"))
		set_attr_str(n, "mode", "linear");
	set_attr_str(n, "coordinate_transformation_mode", "asymmetric");
	set_attr_str(n, "nearest_mode", nearest_of(n, v) < 0 ? "ceil" : "floor");
}

/* empty tensors stood for inputs not given */
static void
up_resize11(Node *n, int64_t version)
{
	int64_t count;

	(void)version;
	for (int i = 1; i < n->nin && i < 4; i++)
		if (n->in[i] && n->in[i]->data && n->in[i]->rank == 1 && ix_isint(n->in[i]->dim[0], &count) &&
			!count)
			node_set_in(n, i, NULL);
}

/* below 13, Softmax and its like flatten to two dimensions at axis (1 by default) */
static void
up_softmax(Node *n, int64_t version)
{
	int64_t axis = attr_int(n, "axis", 1);
	Value *x = no_input(n, 0) ? NULL : n->in[0], *shape;
	Node *flat, *back;

	(void)version;
	if (!x)
		return;
	need_type(x);
	set_attr_int(n, "axis", -1);
	if (axis == -1 || (x->rank >= 0 && axis == x->rank - 1))
		return;
	shape = insert(n, OP_SHAPE, &x, 1)->out[0];
	flat = insert(n, OP_FLATTEN, &x, 1);
	set_attr_int(flat, "axis", axis);
	node_set_in(n, 0, flat->out[0]);
	back = insert_after(n, 0, OP_RESHAPE, 2);
	node_set_in(back, 1, shape);
	set_attr_int(back, "allowzero", 1);
}

/* outputs beyond the first were for training; ours are not computed */
static void
drop_outputs(Node *n, int keep)
{
	for (int i = keep; i < n->nout; i++)
		if (n->out[i]) {
			n->out[i]->def = NULL;
			n->out[i]->mark = NOT_COMPUTED;
		}
	if (n->nout > keep)
		n->nout = keep;
}

static void
up_batchnorm(Node *n, int64_t version)
{
	Value *eps, *var, *x, *in[5];
	Node *sub, *den, *div, *mul;

	for (int i = 0; i < 5; i++)
		in[i] = no_input(n, i) ? NULL : n->in[i];
	drop_outputs(n, 1);
	node_drop_attr(n, "is_test");
	if (version >= 9 || attr_int(n, "spatial", 1) || !in[0] || !in[1] || !in[2] || !in[3] || !in[4]) {
		node_drop_attr(n, "spatial");
		return;
	}
	/* statistics per element: they align with the input at its end */
	eps = scalar_like(n, in[4], attr_float(n, "epsilon", 1e-5));
	var = insert(n, OP_ADD, (Value *[]){in[4], eps}, 2)->out[0];
	den = insert(n, OP_SQRT, &var, 1);
	sub = insert(n, OP_SUB, (Value *[]){in[0], in[3]}, 2);
	div = insert(n, OP_DIV, (Value *[]){sub->out[0], den->out[0]}, 2);
	mul = insert(n, OP_MUL, (Value *[]){div->out[0], in[1]}, 2);
	x = n->out[0];
	n->op = OP_ADD;
	n->nattr = 0;
	node_resize_in(n, 2);
	node_set_in(n, 0, mul->out[0]);
	node_set_in(n, 1, in[2]);
	node_set_out(n, 0, x);
}

static void
up_dropout(Node *n, int64_t version)
{
	Node *cast;

	if (version < 12) {
		node_drop_attr(n, "ratio");
		node_drop_attr(n, "is_test");
		node_resize_in(n, 1);
	}
	if (version < 10 && n->nout > 1 && n->out[1] && n->in[0]) {    /* the mask had the type of the data */
		cast = insert_after(n, 1, OP_CAST_LIKE, 2);
		node_set_in(cast, 1, n->in[0]);
	}
}

static void
up_concat(Node *n, int64_t version)
{
	(void)version;
	if (!attr_find(n, "axis"))
		set_attr_int(n, "axis", 1);
}

static void
up_cast(Node *n, int64_t version)
{
	static const char *const name[] = {"UNDEFINED", "FLOAT", "UINT8", "INT8", "UINT16", "INT16", "INT32",
		"INT64", "STRING", "BOOL", "FLOAT16", "DOUBLE", "UINT32", "UINT64", "COMPLEX64",
		"COMPLEX128"};
	const Attr *a = attr_find(n, "to");
	const char *s;

	(void)version;
	if (!a || a->type != A_STRING)
		return;
	s = a->s.p;
	for (int i = 1; i < LEN(name); i++)
		if (!strcmp(s, name[i])) {
			set_attr_int(n, "to", i);
			return;
		}
	node_error(n, "attribute 'to' is '%s'", quoted(s));
}

/* Tile(input, tiles, axis) */
static void
up_tile(Node *n, int64_t version)
{
	int64_t tiles, axis, *rep;
	int r;

	(void)version;
	if (no_input(n, 2) || (r = rank_of(n, n->in[0])) < 0)
		return;
	if (!const_int(n->in[1], &tiles) || !const_int(n->in[2], &axis)) {
		node_unsupported(n, "tiles and axis that are not constant");
		return;
	}
	if (!axis_ok(n, &axis, r))
		return;
	rep = NEWN(int64_t, r);
	for (int i = 0; i < r; i++)
		rep[i] = i == axis ? tiles : 1;
	node_resize_in(n, 1);
	set_input(n, 1, value_ints(n->graph, rep, r));
}

static void
up_gemm(Node *n, int64_t version)
{
	(void)version;
	node_drop_attr(n, "broadcast");
}

/* the constants had fewer digits */
static void
up_selu(Node *n, int64_t version)
{
	(void)version;
	if (!attr_find(n, "alpha"))
		node_add_attr(n, (Attr){.name = "alpha", .type = A_FLOAT, .f = 1.6732f});
	if (!attr_find(n, "gamma"))
		node_add_attr(n, (Attr){.name = "gamma", .type = A_FLOAT, .f = 1.0507f});
}

/* the norm's order was a float */
static void
up_p(Node *n, int64_t version)
{
	const Attr *a = attr_find(n, "p");

	(void)version;
	if (a && a->type == A_FLOAT)
		set_attr_int(n, "p", (int64_t)a->f);
}

static void
up_rnn(Node *n, int64_t version)
{
	(void)version;
	node_drop_attr(n, "output_sequence");
}

static void
up_dft(Node *n, int64_t version)
{
	int64_t axis = attr_int(n, "axis", 1);

	(void)version;
	node_drop_attr(n, "axis");
	set_input(n, 2, value_const(n->graph, DT_I64, 0, NULL, &axis));
}

static void
up_gridsample(Node *n, int64_t version)
{
	const char *mode = attr_str(n, "mode", "bilinear");

	(void)version;
	set_attr_str(n, "mode",
		!strcmp(mode, "bilinear")          ? "linear"
			: !strcmp(mode, "bicubic") ? "cubic"
						   : mode);
}

static void
up_roialign(Node *n, int64_t version)
{
	(void)version;
	set_attr_str(n, "coordinate_transformation_mode", "output_half_pixel");
}

/* scale and bias per group become per channel */
static void
up_groupnorm(Node *n, int64_t version)
{
	int64_t groups = attr_int(n, "num_groups", 1), one = 1, minus = -1;
	Value *g = value_ints(n->graph, &groups, 1), *c, *size, *v;
	Node *shape;

	(void)version;
	if (no_input(n, 2))
		return;
	shape = insert(n, OP_SHAPE, n->in, 1);
	set_attr_int(shape, "start", 1);
	set_attr_int(shape, "end", 2);
	c = insert(n, OP_DIV, (Value *[]){shape->out[0], g}, 2)->out[0];
	shape = insert(n, OP_CONCAT, (Value *[]){g, c}, 2);
	set_attr_int(shape, "axis", 0);
	size = shape->out[0];
	for (int i = 1; i < 3; i++) {
		v = insert(n, OP_UNSQUEEZE, (Value *[]){n->in[i], value_ints(n->graph, &one, 1)}, 2)->out[0];
		v = insert(n, OP_EXPAND, (Value *[]){v, size}, 2)->out[0];
		v = insert(n, OP_RESHAPE, (Value *[]){v, value_ints(n->graph, &minus, 1)}, 2)->out[0];
		node_set_in(n, i, v);
	}
}

/* LabelEncoder of ai.onnx.ml 1: a list of strings, and their positions; the direction is the input's type */
static void
up_labelencoder(Node *n, int64_t version)
{
	int len;
	const Str *s = attr_strs(n, "classes_strings", &len);
	int64_t *id = NEWN(int64_t, len);
	bool from_str;

	(void)version;
	if (no_input(n, 0))
		return;
	need_type(n->in[0]);
	if (n->in[0]->dt == DT_NONE) {
		if (zn->nerror)
			return;
		node_unsupported(n, "the type of its input is not known");
		return;
	}
	for (int i = 0; i < len; i++)
		id[i] = i;
	from_str = n->in[0]->dt == DT_STR;
	node_drop_attr(n, "classes_strings");
	node_add_attr(n,
		(Attr){.name = from_str ? "keys_strings" : "values_strings",
			.type = A_STRINGS,
			.n = len,
			.ss = (Str *)s});
	node_add_attr(n, (Attr){.name = from_str ? "values_int64s" : "keys_int64s", .type = A_INTS, .n = len,
		.is = id});
	node_drop_attr(n, from_str ? "default_string" : "default_int64");
}

/* MeanVarianceNormalization 1 said what it averages over by a flag */
static void
up_mvn(Node *n, int64_t version)
{
	static const int64_t axes[] = {0, 1, 2, 3}, apart[] = {0, 2, 3};
	bool across = attr_int(n, "across_channels", 0);

	(void)version;
	node_drop_attr(n, "across_channels");
	if (!attr_int(n, "normalize_variance", 1))
		node_unsupported(n, "normalize_variance=0");
	node_drop_attr(n, "normalize_variance");
	node_add_attr(n, (Attr){.name = "axes", .type = A_INTS, .n = across ? 4 : 3,
		.is = copy_mem(across ? axes : apart, across ? sizeof axes : sizeof apart)});
}

/* Scan 8 loops over a batch too: a Scan over the batch around a Scan over the sequence */
static void
up_scan(Node *n, int64_t version)
{
	int64_t nscan = attr_int(n, "num_scan_inputs", 0);
	int nin = n->nin - 1, len;
	const int64_t *dir;
	Graph *outer, *body = attr_graph(n, "body");
	Node *in;
	Value *v;

	(void)version;
	if (n->nin < 2 || !body || nscan < 1 || nscan > nin)
		return;
	if (n->in[0]) {
		node_unsupported(n, "Scan of operator set 8 with sequence lengths");
		return;
	}
	outer = graph_new(n->graph->model, n->graph, "batch");
	in = node_new(outer, NULL, OP_SCAN, nin, n->nout);
	in->id = n->id;
	in->name = n->name;
	for (int i = 0; i < nin; i++) {
		v = value_new(outer, NULL);
		v->index = i;
		push(&outer->in, v);
		node_set_in(in, i, v);
	}
	for (int i = 0; i < n->nout; i++) {
		node_set_out(in, i, value_new(outer, NULL));
		push(&outer->out_name, "");
	}
	graph_set_outputs(outer, in->out, in->nout);
	dir = attr_ints(n, "directions", &len);
	body->parent = outer;
	node_add_attr(in, (Attr){.name = "body", .type = A_GRAPH, .g = body});
	set_attr_int(in, "num_scan_inputs", nscan);
	if (dir)
		node_add_attr(in, (Attr){.name = "scan_input_directions", .type = A_INTS, .n = len,
			.is = (int64_t *)dir});
	for (int i = 0; i < nin; i++)
		node_set_in(n, i, n->in[i + 1]);
	node_resize_in(n, nin);
	n->nattr = 0;
	node_add_attr(n, (Attr){.name = "body", .type = A_GRAPH, .g = outer});
	set_attr_int(n, "num_scan_inputs", nin);
}

static const struct { const char *name; int below; void (*fn)(Node *, int64_t); } rules[] = {
	{"Add", 7, up_broadcast}, {"Sub", 7, up_broadcast}, {"Mul", 7, up_broadcast}, {"Div", 7, up_broadcast},
	{"Pow", 7, up_broadcast}, {"And", 7, up_broadcast}, {"Or", 7, up_broadcast}, {"Xor", 7, up_broadcast},
	{"Equal", 7, up_broadcast}, {"Greater", 7, up_broadcast}, {"Less", 7, up_broadcast},
	{"PRelu", 7, up_prelu},
	{"BatchNormalization", 14, up_batchnorm},
	{"Cast", 6, up_cast},
	{"Clip", 11, up_clip},
	{"Concat", 4, up_concat},
	{"DFT", 20, up_dft},
	{"Dropout", 12, up_dropout},
	{"GlobalLpPool", 2, up_p}, {"LpPool", 2, up_p},
	{"GRU", 7, up_rnn}, {"LSTM", 7, up_rnn}, {"RNN", 7, up_rnn},
	{"Gemm", 7, up_gemm},
	{"GridSample", 20, up_gridsample},
	{"GroupNormalization", 21, up_groupnorm},
	{"LabelEncoder", 2, up_labelencoder},
	{"MeanVarianceNormalization", 9, up_mvn},
	{"Pad", 11, up_pad},
	{"ReduceL1", 18, up_axes}, {"ReduceL2", 18, up_axes}, {"ReduceLogSum", 18, up_axes},
	{"ReduceLogSumExp", 18, up_axes}, {"ReduceMax", 18, up_axes}, {"ReduceMean", 18, up_axes},
	{"ReduceMin", 18, up_axes}, {"ReduceProd", 18, up_axes}, {"ReduceSum", 13, up_axes},
	{"ReduceSumSquare", 18, up_axes},
	{"Reshape", 5, up_shape},
	{"Resize", 11, up_resize}, {"Resize", 13, up_resize11},
	{"RoiAlign", 16, up_roialign},
	{"Scan", 9, up_scan},
	{"Selu", 6, up_selu},
	{"Slice", 10, up_slice},
	{"Softmax", 13, up_softmax}, {"LogSoftmax", 13, up_softmax}, {"Hardmax", 13, up_softmax},
	{"Split", 18, up_split},
	{"Squeeze", 13, up_axes}, {"Unsqueeze", 13, up_axes},
	{"Tile", 6, up_tile},
	{"TopK", 10, up_topk},
	{"Upsample", 100, up_resize},
};

static const struct { const char *old; Op op; } renamed[] = {
	{"Upsample", OP_RESIZE},
	{"Scatter", OP_SCATTER_ELEMENTS},
};

Op
upgrade_name(enum domain d, const char *name)
{
	for (int i = 0; d == D_ONNX && i < LEN(renamed); i++)
		if (!strcmp(renamed[i].old, name))
			return renamed[i].op;
	return OP_NONE;
}

/* what every rule relies on: an input and an output, if the operator has any */
static bool
whole(Node *n)
{
	const OpDef *d = &op_def[n->op];

	if (d->in0 && n->op != OP_SCAN && node_needs(n, 0) && (!n->nin || !n->in[0])) {
		if (!zn->nerror)
			node_error(n, "input 0 is required");
		return false;
	}
	if (d->out0 && !n->nout) {
		node_error(n, "has no outputs");
		return false;
	}
	if (d->out0 && !n->out[0])
		node_set_out(n, 0, value_new(n->graph, NULL));
	return true;
}

void
upgrade(Node *n, const char *name, int64_t version)
{
	if (!whole(n))
		return;
	if (version < 6)
		node_drop_attr(n, "consumed_inputs");
	for (int i = 0; i < LEN(rules); i++)
		if (version < rules[i].below && rules[i].name[0] == *name && !strcmp(rules[i].name, name))
			rules[i].fn(n, version);
}
