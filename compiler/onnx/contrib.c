/* Operators of com.microsoft, as optimisers and quantisers of ONNX Runtime write them, become nodes of ONNX's own:
 * rows of ops.def with OF_EXPANDS, one rule here for each, or in preview.c, nbits.c, optimized.c, grouped.c. A rule ends by making the node itself the last of them.
 */
#include "import.h"
#include "../ops.h"

enum { T_FLOAT = 1, T_INT32 = 6, T_INT64 = 7, T_BOOL = 9 };     /* ONNX's numbers of types */

#define IN(...) ((Value *[]){__VA_ARGS__})

/* helpers */
Value *
two(Node *n, Op op, Value *a, Value *b)
{
	return insert(n, op, IN(a, b), 2)->out[0];
}

Value *
plus(Node *n, Value *a, Value *b)
{
	return !b ? a : !a ? b : two(n, OP_ADD, a, b);
}

Value *
cast_to(Node *n, Value *v, int type)
{
	Node *c = insert(n, OP_CAST, IN(v), 1);

	set_attr_int(c, "to", type);
	return c->out[0];
}

Value *
ints(Node *n, int count, const int64_t *v)
{
	return value_ints(n->graph, v, count);
}

Value *
unsqueeze(Node *n, Value *v, int count, const int64_t *axes)
{
	return two(n, OP_UNSQUEEZE, v, ints(n, count, axes));
}

Value *
slice(Node *n, Value *v, int64_t from, int64_t to, int64_t axis)
{
	return insert(n, OP_SLICE, IN(v, ints(n, 1, &from), ints(n, 1, &to), ints(n, 1, &axis)), 4)->out[0];
}

static Value *
dequantized(Node *n, Value *v, Value *scale, Value *zero)
{
	return insert(n, OP_DEQUANTIZE_LINEAR, IN(v, scale, zero), zero ? 3 : 2)->out[0];
}

/* dims [from, to) of v */
Value *
dims(Node *n, Value *v, int from, int to)
{
	Node *r = insert(n, OP_SHAPE, IN(v), 1);

	set_attr_int(r, "start", from);
	set_attr_int(r, "end", to);
	return r->out[0];
}

Value *
positions(Node *n, Value *v, int axis)
{
	int64_t zero = 0, step = 1;
	Value *len = two(n, OP_SQUEEZE, dims(n, v, axis, axis + 1), ints(n, 1, &zero));

	return insert(n, OP_RANGE, IN(value_const(n->graph, DT_I64, 0, NULL, &zero), len,
		value_const(n->graph, DT_I64, 0, NULL, &step)), 3)->out[0];
}

void
become(Node *n, Op op, Value *const *in, int nin)
{
	n->op = op;
	n->nattr = 0;
	n->nout = n->nout < op_def[op].out1 || op_def[op].out1 < 0 ? n->nout : op_def[op].out1;
	node_resize_in(n, nin);
	for (int i = 0; i < nin; i++)
		node_set_in(n, i, in[i]);
}

/* output k is v, which another node computes */
static void
output_is(Node *n, int k, Value *v)
{
	Node *r;

	if (!out_wanted(n, k))
		return;
	r = node_new(n->graph, n, OP_IDENTITY, 1, 1);
	r->id = n->id;
	r->name = n->name;
	node_set_in(r, 0, v);
	node_set_out(r, 0, n->out[k]);
	n->out[k] = NULL;
}

bool
refuse_outputs(Node *n, int from, int to)
{
	for (int i = from; i < to; i++)
		if (out_wanted(n, i)) {
			node_unsupported(n, "its output %d", i);
			return true;
		}
	return false;
}

bool
refuse_inputs(Node *n, int from, int to)
{
	for (int i = from; i < to; i++)
		if (in_opt(n, i)) {
			node_unsupported(n, "its input %d", i);
			return true;
		}
	return false;
}

/* elementwise */
static void
ex_gelu(Node *n)
{
	become(n, OP_GELU, IN(plus(n, n->in[0], in_opt(n, 1))), 1);
}

static void
ex_fast_gelu(Node *n)
{
	ex_gelu(n);
	set_attr_str(n, "approximate", "tanh");
}

static void
ex_quick_gelu(Node *n)
{
	float alpha = (float)attr_float(n, "alpha", 1.702f);

	become(n, OP_SWISH, IN(n->in[0]), 1);
	node_add_attr(n, (Attr){.name = "alpha", .type = A_FLOAT, .f = alpha});
}

static void
ex_bias_add(Node *n)
{
	become(n, OP_ADD, IN(two(n, OP_ADD, n->in[0], n->in[1]), n->in[2]), 2);
}

/* the activation of FusedConv and FusedGemm, after output 0 */
static void
activate(Node *n, const char *name, const float *p, int np)
{
	static const struct { const char *name; Op op; int n; const char *attr[2]; } acts[] = {
		{"Relu", OP_RELU, 0, {0}}, {"Sigmoid", OP_SIGMOID, 0, {0}}, {"Tanh", OP_TANH, 0, {0}},
		{"LeakyRelu", OP_LEAKY_RELU, 1, {"alpha"}}, {"HardSigmoid", OP_HARD_SIGMOID, 2, {"alpha", "beta"}},
		{"Clip", OP_CLIP, 2, {0}},
	};
	Node *a;
	int i = 0;

	while (i < LEN(acts) && strcmp(name, acts[i].name))
		i++;
	if (i == LEN(acts) || (acts[i].op == OP_CLIP && np < 2)) {
		node_unsupported(n, "activation '%s'", quoted(name));
		return;
	}
	a = insert_after(n, 0, acts[i].op, acts[i].op == OP_CLIP ? 3 : 1);
	for (int k = 0; k < acts[i].n && k < np; k++) {
		if (acts[i].op == OP_CLIP)
			node_set_in(a, k + 1, value_float(n->graph, DT_F32, p[k]));
		else
			node_add_attr(a, (Attr){.name = acts[i].attr[k], .type = A_FLOAT, .f = p[k]});
	}
}

static void
ex_fused_conv(Node *n)
{
	const char *act = attr_str(n, "activation", "");
	int np = 0;
	const float *p = attr_floats(n, "activation_params", &np);
	Value *z = in_opt(n, 3);

	node_drop_attr(n, "activation");
	node_drop_attr(n, "activation_params");
	n->op = OP_CONV;
	node_resize_in(n, n->nin < 3 ? n->nin : 3);
	if (*act)
		activate(n, act, p, np);
	if (z)
		node_set_in(insert_after(n, 0, OP_ADD, 2), 1, z);
}

static void
ex_fused_gemm(Node *n)
{
	static const char *const name[] = {"activation_alpha", "activation_beta"};
	const char *act = attr_str(n, "activation", "");
	float p[2];
	int np = 0;

	for (int i = 0; i < 2; i++) {
		if (attr_find(n, name[i]))
			p[np++] = (float)attr_float(n, name[i], 0);
		node_drop_attr(n, name[i]);
	}
	node_drop_attr(n, "activation");
	node_drop_attr(n, "activation_gamma");
	n->op = OP_GEMM;
	if (*act)
		activate(n, act, p, np);
}

/* products */

/* v as an operand: its last two axes are exchanged; of_batch: its rows are axis 0, ahead of the batch's */
static Value *
operand(Node *n, Value *v, bool turn, bool of_batch)
{
	int r = rank_of(n, v), k = 0;
	int64_t *perm = NEWN(int64_t, r < 2 ? 2 : r);
	Node *t;

	if (r < 2 || (!turn && !of_batch))
		return v;
	for (int i = of_batch; i < r - 2 + of_batch; i++)
		perm[k++] = i;
	perm[k + turn] = of_batch ? 0 : r - 2;
	perm[k + !turn] = r - 1;
	t = insert(n, OP_TRANSPOSE, IN(v), 1);
	node_add_attr(t, (Attr){.name = "perm", .type = A_INTS, .n = r, .is = perm});
	return t->out[0];
}

static void
ex_fused_mat_mul(Node *n)
{
	float alpha = (float)attr_float(n, "alpha", 1);
	Value *a = n->in[0], *b = n->in[1], *s;

	a = operand(n, a, attr_int(n, "transA", 0), attr_int(n, "transBatchA", 0));
	b = operand(n, b, attr_int(n, "transB", 0), attr_int(n, "transBatchB", 0));
	s = alpha != 1 ? scalar_like(n, a, alpha) : NULL;
	become(n, OP_MAT_MUL, IN(a, b), 2);
	if (s)
		node_set_in(insert_after(n, 0, OP_MUL, 2), 1, s);
}

/* the product of integers x and w as floats, of scale times w's; bias may be NULL */
static void
scaled_product(Node *n, Value *x, Value *w, Value *scale, Value *xz, Value *wz, Value *bias)
{
	Value *v = insert(n, OP_MAT_MUL_INTEGER, IN(x, w, xz, wz), wz ? 4 : xz ? 3 : 2)->out[0];

	v = cast_to(n, v, T_FLOAT);
	if (!bias)
		become(n, OP_MUL, IN(v, scale), 2);
	else
		become(n, OP_ADD, IN(two(n, OP_MUL, v, scale), bias), 2);
}

static void
ex_mat_mul_integer_to_float(Node *n)
{
	scaled_product(n, n->in[0], n->in[1], two(n, OP_MUL, n->in[2], n->in[3]), in_opt(n, 4), in_opt(n, 5),
		in_opt(n, 6));
}

/* x quantised as its own range says: uint8, scale, zero point */
static Node *
quantized_by_itself(Node *n, Value *x)
{
	Node *q = node_new(n->graph, n, OP_DYNAMIC_QUANTIZE_LINEAR, 1, 3);

	q->id = n->id;
	q->name = n->name;
	node_set_in(q, 0, x);
	for (int i = 0; i < 3; i++)
		node_set_out(q, i, value_new(n->graph, NULL));
	return q;
}

static void
ex_dynamic_quantize_mat_mul(Node *n)
{
	Node *q = quantized_by_itself(n, n->in[0]);

	scaled_product(n, q->out[0], n->in[1], two(n, OP_MUL, q->out[1], n->in[2]), q->out[2], in_opt(n, 3),
		in_opt(n, 4));
}

/* weights [directions, inputs, 4*hidden] with a scale per direction, or per column too, as LSTM has them */
static Value *
lstm_weights(Node *n, Value *w, Value *scale, Value *zero)
{
	int64_t axes[] = {1, 2};
	int r = rank_of(n, scale);

	if (zero)
		w = two(n, OP_SUB, cast_to(n, w, T_FLOAT), unsqueeze(n, cast_to(n, zero, T_FLOAT), 3 - r, axes));
	else
		w = cast_to(n, w, T_FLOAT);
	return operand(n, two(n, OP_MUL, w, unsqueeze(n, scale, 3 - r, axes)), true, false);
}

/* X as it is once quantised, and weights dequantised; the state is quantised in every step */
static void
ex_dynamic_quantize_lstm(Node *n)
{
	Node *q = quantized_by_itself(n, n->in[0]);
	int r[2] = {rank_of(n, n->in[8]), rank_of(n, n->in[10])};

	if (r[0] < 1 || r[0] > 2 || r[1] < 1 || r[1] > 2) {
		node_error(n, "scales %s and %s", value_str(n->in[8]), value_str(n->in[10]));
		return;
	}
	node_set_in(n, 0, dequantized(n, q->out[0], q->out[1], q->out[2]));
	node_set_in(n, 1, lstm_weights(n, n->in[1], n->in[8], in_opt(n, 9)));
	node_set_in(n, 2, lstm_weights(n, n->in[2], n->in[10], in_opt(n, 11)));
	node_resize_in(n, 8);
	n->op = OP_Z_LSTM_REQUANTIZED;
}

/* normalisation */
static void
normalize(Node *n, Op op, Value *x, Value *scale, Value *bias, double epsilon, int64_t axis)
{
	become(n, op, IN(x, scale, bias), bias ? 3 : 2);
	n->nout = 1;
	set_attr_int(n, "axis", axis);
	node_add_attr(n, (Attr){.name = "epsilon", .type = A_FLOAT, .f = (float)epsilon});
}

static void
ex_simplified_layer_normalization(Node *n)
{
	if (!refuse_outputs(n, 1, n->nout))
		normalize(n, OP_RMS_NORMALIZATION, n->in[0], n->in[1], NULL, attr_float(n, "epsilon", 1e-5f),
			attr_int(n, "axis", -1));
}

/* output 3 is the sum that is normalised */
static void
skip(Node *n, Op op, Value *beta, Value *bias)
{
	Value *sum = plus(n, two(n, OP_ADD, n->in[0], n->in[1]), bias);

	if (refuse_outputs(n, 1, 3))
		return;
	output_is(n, 3, sum);
	normalize(n, op, sum, n->in[2], beta, attr_float(n, "epsilon", 1e-12f), -1);
}

static void
ex_skip_layer_normalization(Node *n)
{
	skip(n, OP_LAYER_NORMALIZATION, in_opt(n, 3), in_opt(n, 4));
}

static void
ex_skip_simplified_layer_normalization(Node *n)
{
	skip(n, OP_RMS_NORMALIZATION, NULL, in_opt(n, 3));
}

/* input_ids, segment_ids, word, position and segment embeddings, gamma, beta, mask, position_ids */
static void
ex_embed_layer_normalization(Node *n)
{
	Value *sum = two(n, OP_GATHER, n->in[2], n->in[0]), *at = in_opt(n, 8), *mask = in_opt(n, 7);
	int64_t one_axis = 1;
	Node *s;

	if (attr_int(n, "mask_index_type", 0) > 1) {
		node_unsupported(n, "its mask_index");
		return;
	}
	if (!mask && out_wanted(n, 1))      /* zeros */
		mask = two(n, OP_SUB, n->in[0], n->in[0]);
	sum = plus(n, sum, two(n, OP_GATHER, n->in[3], at ? at : positions(n, n->in[0], 1)));
	if (in_opt(n, 4) && in_opt(n, 1))
		sum = plus(n, sum, two(n, OP_GATHER, n->in[4], n->in[1]));
	if (out_wanted(n, 1)) {
		s = insert(n, OP_REDUCE_SUM, IN(cast_to(n, mask, T_INT32), ints(n, 1, &one_axis)), 2);
		set_attr_int(s, "keepdims", 0);
		output_is(n, 1, s->out[0]);
	}
	output_is(n, 2, sum);
	normalize(n, OP_LAYER_NORMALIZATION, sum, n->in[5], n->in[6], attr_float(n, "epsilon", 1e-12f), -1);
}

/* attention */

/* what is added to the scores where a mask says so: [batch] lengths, [batch, keys] or [batch, queries, keys]; keys
 * has their number as its axis 1 */
static Value *
mask_bias(Node *n, Value *mask, Value *keys, Value *like)
{
	int64_t axes[] = {1, 2, 3};
	int r = rank_of(n, mask);
	Value *zero, *fill;

	if (r == 1)
		mask = two(n, OP_LESS, positions(n, keys, 1), cast_to(n, unsqueeze(n, mask, 3, axes), T_INT64));
	else if (r == 2 || r == 3)
		mask = cast_to(n, unsqueeze(n, mask, 4 - r, axes), T_BOOL);
	else {
		node_unsupported(n, "a mask of %d dimensions", r);
		return NULL;
	}
	zero = scalar_like(n, like, 0);
	fill = scalar_like(n, like, attr_float(n, "mask_filter_value", -10000));
	return insert(n, OP_WHERE, IN(mask, zero, fill), 3)->out[0];
}

/* the node becomes ONNX's Attention; past and present: of keys and values */
static void
attend(Node *n, Value *q, Value *k, Value *v, Value *bias, Value *pk, Value *pv, int64_t heads)
{
	int64_t causal = attr_int(n, "unidirectional", 0);
	float scale = (float)attr_float(n, "scale", 0);

	become(n, OP_ATTENTION, IN(q, k, v, bias, pk, pv), pk ? 6 : bias ? 4 : 3);
	set_attr_int(n, "q_num_heads", heads);
	set_attr_int(n, "kv_num_heads", heads);
	set_attr_int(n, "is_causal", causal);
	if (scale != 0)
		node_add_attr(n, (Attr){.name = "scale", .type = A_FLOAT, .f = scale});
}

static int64_t
heads_of(Node *n)
{
	int64_t h = attr_int(n, "num_heads", 0);

	if (h < 1)
		node_error(n, "attribute num_heads is %lld", (long long)h);
	return h;
}

/* projected [batch, length, q + k + v] into its three; the cache is [2, batch, heads, length, size] */
static void
attend_packed(Node *n, Value *all, Value *mask, Value *past, Value *bias)
{
	int64_t heads = heads_of(n), which[] = {0, 1}, zero = 0;
	int len = 0;
	const int64_t *size = attr_ints(n, "qkv_hidden_sizes", &len);
	Node *s = node_new(n->graph, n, OP_SPLIT, len == 3 ? 2 : 1, 3), *join;
	Value *p[2] = {NULL, NULL}, *present = out_wanted(n, 1) ? n->out[1] : NULL;

	s->id = n->id;
	s->name = n->name;
	node_set_in(s, 0, all);
	if (len == 3)
		node_set_in(s, 1, ints(n, 3, size));
	else
		set_attr_int(s, "num_outputs", 3);
	set_attr_int(s, "axis", -1);
	for (int i = 0; i < 3; i++)
		node_set_out(s, i, value_new(n->graph, NULL));
	if (attr_int(n, "do_rotary", 0) || (mask && past && rank_of(n, mask) == 1)) {
		node_unsupported(n, "do_rotary, or lengths with a cache");
		return;
	}
	if (mask)
		bias = plus(n, mask_bias(n, mask, all, all), bias);
	for (int i = 0; past && i < 2; i++)
		p[i] = two(n, OP_GATHER, past, value_const(n->graph, DT_I64, 0, NULL, &which[i]));
	n->nout = 1;
	attend(n, s->out[0], s->out[1], s->out[2], bias, p[0], p[1], heads);
	if (!present)
		return;
	n->nout = 1;
	join = node_new(n->graph, n->next, OP_CONCAT, 2, 1);
	join->id = n->id;
	join->name = n->name;
	set_attr_int(join, "axis", 0);
	node_set_out(join, 0, present);
	n->out = copy_mem((Value *[]){n->out[0], NULL, NULL}, 3 * sizeof *n->out);
	n->nout = 3;
	for (int i = 0; i < 2; i++) {
		node_set_out(n, 1 + i, value_new(n->graph, NULL));
		node_set_in(join, i, unsqueeze(join, n->out[1 + i], 1, &zero));
	}
}

/* input, weights, bias, mask_index, past, attention_bias */
static void
ex_attention(Node *n)
{
	Value *all = plus(n, two(n, OP_MAT_MUL, n->in[0], n->in[1]), in_opt(n, 2));

	if (!refuse_inputs(n, 6, n->nin))
		attend_packed(n, all, in_opt(n, 3), in_opt(n, 4), in_opt(n, 5));
}

/* input, weight, bias, scales of both, mask_index, zero points of both, past */
static void
ex_q_attention(Node *n)
{
	Value *x = dequantized(n, n->in[0], n->in[3], in_opt(n, 6)), *w = n->in[1], *all;
	Node *q;

	q = insert(n, OP_DEQUANTIZE_LINEAR, IN(w, n->in[4], in_opt(n, 7)), in_opt(n, 7) ? 3 : 2);
	set_attr_int(q, "axis", -1);
	all = two(n, OP_ADD, two(n, OP_MAT_MUL, x, q->out[0]), n->in[2]);
	attend_packed(n, all, in_opt(n, 5), in_opt(n, 8), NULL);
}

/* query, key, value, bias, key_padding_mask, attention_bias, past_key, past_value */
static void
ex_multi_head_attention(Node *n)
{
	Value *v[3] = {n->in[0], in_opt(n, 1), in_opt(n, 2)}, *b = in_opt(n, 3), *bias = in_opt(n, 5);
	int64_t heads = heads_of(n), from = 0, to;

	for (int i = 0; i < 3; i++)
		if (!v[i] || rank_of(n, v[i]) < 0 || (!i && rank_of(n, v[i]) != 3)
			|| (rank_of(n, v[i]) != 3 && (rank_of(n, v[i]) != 4 || b))) {
			node_unsupported(n, "queries, keys and values that are not three tensors of 3 dimensions");
			return;
		}
	if (refuse_inputs(n, 8, n->nin))
		return;
	for (int i = 0; b && i < 3; i++) {
		if (!ix_isint(v[i]->dim[2], &to)) {
			node_unsupported(n, "a bias of no constant size");
			return;
		}
		v[i] = two(n, OP_ADD, v[i], slice(n, b, from, from + to, 0));
		from += to;
	}
	if (in_opt(n, 4) && in_opt(n, 6)) {
		node_unsupported(n, "key_padding_mask with a cache");
		return;
	}
	if (in_opt(n, 4) && rank_of(n, v[1]) != 3) {
		node_unsupported(n, "key_padding_mask with keys of 4 dimensions");
		return;
	}
	if (in_opt(n, 4))
		bias = plus(n, mask_bias(n, in_opt(n, 4), v[1], v[0]), bias);
	attend(n, v[0], v[1], v[2], bias, in_opt(n, 6), in_opt(n, 7), heads);
}

/* input, position_ids: of each token, or of the first; cos, sin */
static void
ex_rotary_embedding(Node *n)
{
	int64_t heads = attr_int(n, "num_heads", 0), rot = attr_int(n, "rotary_embedding_dim", 0);
	int64_t inter = attr_int(n, "interleaved", 0);
	Value *x = n->in[0], *at = n->in[1];
	int r = rank_of(n, x), ra = rank_of(n, at);

	if (r < 0 || ra < 1)
		return;
	if (ra != 2 || attr_float(n, "scale", 1) != 1 || attr_int(n, "is_packed_batching", 0)) {
		node_unsupported(n, "position_ids of %d dimensions, or a scale, or packed batches", ra);
		return;
	}
	become(n, OP_ROTARY_EMBEDDING, IN(x, n->in[2], n->in[3], at), 4);
	set_attr_int(n, "interleaved", inter);
	if (heads)
		set_attr_int(n, "num_heads", heads);
	if (rot)
		set_attr_int(n, "rotary_embedding_dim", rot);
}

/* quantised */
static void
quantize(Node *n, Value *y, Value *scale, Value *zero)
{
	if (zero) {
		become(n, OP_QUANTIZE_LINEAR, IN(y, scale, zero), 3);
		return;
	}
	become(n, OP_QUANTIZE_LINEAR, IN(y, scale), 2);
}

/* DequantizeLinear, the operator with the attributes of the node, QuantizeLinear: x, x_scale, x_zero, y_scale, y_zero */
static void
around(Node *n, Op op)
{
	Value *s = n->in[3], *z = in_opt(n, 4), *x = dequantized(n, n->in[0], n->in[1], in_opt(n, 2));
	Node *o = insert(n, op, IN(x), 1);

	for (int i = 0; i < n->nattr; i++)
		node_add_attr(o, n->attr[i]);
	quantize(n, o->out[0], s, z);
}

static void
ex_qlinear_sigmoid(Node *n)
{
	around(n, OP_SIGMOID);
}

static void
ex_qlinear_leaky_relu(Node *n)
{
	around(n, OP_LEAKY_RELU);
}

static void
ex_qlinear_global_average_pool(Node *n)
{
	if (attr_int(n, "channels_last", 0) && !channels_first(n))
		return;
	node_drop_attr(n, "channels_last");
	around(n, OP_GLOBAL_AVERAGE_POOL);
}

static void
ex_qlinear_mul(Node *n)
{
	Value *a = dequantized(n, n->in[0], n->in[1], in_opt(n, 2)), *b = dequantized(n, n->in[3], n->in[4],
		in_opt(n, 5));

	quantize(n, two(n, OP_MUL, a, b), n->in[6], in_opt(n, 7));
}

/* y_scale, y_zero, then x, x_scale, x_zero of each part */
static void
ex_qlinear_concat(Node *n)
{
	int count = (n->nin - 2) / 3;
	int64_t axis = attr_int(n, "axis", 0);
	Node *c;

	if (n->nin != 2 + 3*count) {
		node_error(n, "has %d inputs", n->nin);
		return;
	}
	c = node_new(n->graph, n, OP_CONCAT, count, 1);
	c->id = n->id;
	c->name = n->name;
	set_attr_int(c, "axis", axis);
	node_set_out(c, 0, value_new(n->graph, NULL));
	for (int i = 0; i < count; i++)
		node_set_in(c, i, dequantized(c, n->in[2 + 3*i], n->in[3 + 3*i], n->in[4 + 3*i]));
	quantize(n, c->out[0], n->in[0], n->in[1]);
}

/* condition; x, x_scale, x_zero; y; z_scale, z_zero */
static void
ex_qlinear_where(Node *n)
{
	Value *x = dequantized(n, n->in[1], n->in[2], n->in[3]), *y = dequantized(n, n->in[4], n->in[5], n->in[6]);

	quantize(n, insert(n, OP_WHERE, IN(n->in[0], x, y), 3)->out[0], n->in[7], n->in[8]);
}

/* a, b with scale and zero point; c, of the product's scale; y's, or floats without */
static void
ex_q_gemm(Node *n)
{
	int64_t ta = attr_int(n, "transA", 0), tb = attr_int(n, "transB", 0);
	float alpha = (float)attr_float(n, "alpha", 1);
	Value *a = dequantized(n, n->in[0], n->in[1], n->in[2]), *c = in_opt(n, 6), *ys = in_opt(n, 7);
	Value *yz = in_opt(n, 8), *s = two(n, OP_MUL, n->in[1], n->in[4]);
	Node *b = insert(n, OP_DEQUANTIZE_LINEAR, IN(n->in[3], n->in[4], n->in[5]), 3), *g;

	set_attr_int(b, "axis", tb ? 0 : 1);
	c = c ? two(n, OP_MUL, cast_to(n, c, T_FLOAT), s) : NULL;
	g = ys ? insert(n, OP_GEMM, IN(a, b->out[0], c), c ? 3 : 2) : n;
	if (ys)
		quantize(n, g->out[0], ys, yz);
	else
		become(n, OP_GEMM, IN(a, b->out[0], c), c ? 3 : 2);
	set_attr_int(g, "transA", ta);
	set_attr_int(g, "transB", tb);
	node_add_attr(g, (Attr){.name = "alpha", .type = A_FLOAT, .f = alpha});
	if (alpha != 1 && c)
		node_unsupported(n, "alpha %g with C", (double)alpha);
}

static void
ex_quantize_linear(Node *n)
{
	n->op = OP_QUANTIZE_LINEAR;
}

static void
ex_dequantize_linear(Node *n)
{
	n->op = OP_DEQUANTIZE_LINEAR;
}

/* distances of the rows of a to those of b */
static void
ex_c_dist(Node *n)
{
	const char *metric = attr_str(n, "metric", "sqeuclidean");
	bool root = !strcmp(metric, "euclidean");
	int64_t zero = 0, first = 1, last = -1;
	Value *d;

	if (!root && strcmp(metric, "sqeuclidean")) {
		node_unsupported(n, "metric '%s'", quoted(metric));
		return;
	}
	d = two(n, OP_SUB, unsqueeze(n, n->in[0], 1, &first), unsqueeze(n, n->in[1], 1, &zero));
	become(n, root ? OP_REDUCE_L2 : OP_REDUCE_SUM_SQUARE, IN(d, ints(n, 1, &last)), 2);
	set_attr_int(n, "keepdims", 0);
}

/* need: inputs that must be given, a bit each */
static const struct { Op op; unsigned need; void (*fn)(Node *); } rules[] = {
	{OP_FLEX_ATTENTION, 7, ex_flex_attention},
	{OP_MS_ATTENTION, 3, ex_attention},
	{OP_MS_BIAS_ADD, 7, ex_bias_add},
	{OP_MS_BIAS_GELU, 3, ex_gelu},
	{OP_MS_C_DIST, 3, ex_c_dist},
	{OP_MS_DEQUANTIZE_LINEAR, 3, ex_dequantize_linear},
	{OP_MS_DYNAMIC_QUANTIZE_LSTM, 0x507, ex_dynamic_quantize_lstm},
	{OP_MS_DYNAMIC_QUANTIZE_MAT_MUL, 7, ex_dynamic_quantize_mat_mul},
	{OP_MS_EMBED_LAYER_NORMALIZATION, 0x6d, ex_embed_layer_normalization},
	{OP_MS_EXPAND_DIMS, 3, ex_expand_dims},
	{OP_MS_FAST_GELU, 1, ex_fast_gelu},
	{OP_MS_FUSED_CONV, 3, ex_fused_conv},
	{OP_MS_FUSED_GEMM, 3, ex_fused_gemm},
	{OP_MS_FUSED_MAT_MUL, 3, ex_fused_mat_mul},
	{OP_MS_GATHER_BLOCK_QUANTIZED, 7, ex_gather_block_quantized},
	{OP_MS_GATHER_ND, 3, ex_as_onnx},
	{OP_MS_GELU, 1, ex_gelu},
	{OP_MS_GRID_SAMPLE, 3, ex_grid_sample},
	{OP_MS_GROUP_QUERY_ATTENTION, 0x61, ex_group_query_attention},
	{OP_MS_MAT_MUL_INTEGER_TO_FLOAT, 15, ex_mat_mul_integer_to_float},
	{OP_MS_MAT_MUL_N_BITS, 7, ex_mat_mul_n_bits},
	{OP_MS_MULTI_HEAD_ATTENTION, 1, ex_multi_head_attention},
	{OP_MS_NHWC_MAX_POOL, 1, ex_channels_last},
	{OP_MS_PAD, 3, ex_as_onnx},
	{OP_MS_Q_ATTENTION, 0x1f, ex_q_attention},
	{OP_MS_Q_GEMM, 0x3f, ex_q_gemm},
	{OP_MS_Q_LINEAR_CONV, 0xff, ex_channels_last},
	{OP_MS_QLINEAR_AVERAGE_POOL, 0xb, ex_channels_last},
	{OP_MS_QLINEAR_CONCAT, 0x1f, ex_qlinear_concat},
	{OP_MS_QLINEAR_GLOBAL_AVERAGE_POOL, 0xb, ex_qlinear_global_average_pool},
	{OP_MS_QLINEAR_LEAKY_RELU, 0xb, ex_qlinear_leaky_relu},
	{OP_MS_QLINEAR_MUL, 0x5b, ex_qlinear_mul},
	{OP_MS_QLINEAR_SIGMOID, 0xb, ex_qlinear_sigmoid},
	{OP_MS_QLINEAR_WHERE, 0x1ff, ex_qlinear_where},
	{OP_MS_QUANTIZE_LINEAR, 3, ex_quantize_linear},
	{OP_MS_QUICK_GELU, 1, ex_quick_gelu},
	{OP_MS_RANGE, 3, ex_ms_range},
	{OP_MS_ROTARY_EMBEDDING, 15, ex_rotary_embedding},
	{OP_MS_SIMPLIFIED_LAYER_NORMALIZATION, 3, ex_simplified_layer_normalization},
	{OP_MS_SKIP_LAYER_NORMALIZATION, 7, ex_skip_layer_normalization},
	{OP_MS_SKIP_SIMPLIFIED_LAYER_NORMALIZATION, 7, ex_skip_simplified_layer_normalization},
	{OP_MS_TRANSPOSE_MAT_MUL, 3, ex_fused_mat_mul},
	{OP_MS_TRILU, 1, ex_as_onnx},
	{OP_MS_UNIQUE, 1, ex_unique},
};

void
expand(Node *n)
{
	for (int i = 0; i < LEN(rules); i++) {
		if (rules[i].op != n->op)
			continue;
		for (int k = 0; k < 32; k++)
			if (rules[i].need >> k & 1 && !in_opt(n, k)) {
				node_error(n, "input %d is required", k);
				return;
			}
		if (!out_wanted(n, 0) && n->nout < 1) {
			node_error(n, "has no outputs");
			return;
		}
		if (!n->out[0])
			node_set_out(n, 0, value_new(n->graph, NULL));
		rules[i].fn(n);
		return;
	}
}
