/* GroupQueryAttention of com.microsoft: RotaryEmbedding of queries and keys, a cache that new keys and values are
 * put into (ops/decoder.c), and ONNX's Attention over it.
 *
 * A prompt is a run whose new tokens are all there are: their number is total_sequence_length. Its tokens are
 * written from row 0 of the cache on, and keys beyond seqlens_k are padding. Otherwise seqlens_k + 1 tokens of a
 * batch entry are there in the end, of which the new ones are the last.
 */
#include "import.h"
#include "../ops.h"

#include <inttypes.h>
#include <math.h>

#define IN(...) ((Value *[]){__VA_ARGS__})

enum { QUERY, KEY, VALUE, PAST_KEY, PAST_VALUE, SEQLENS_K, TOTAL, COS, SIN, POSITION_IDS, BIAS };

typedef struct Grouped {
	Node *n;
	int64_t heads, kv;
	Value *v[3];             /* queries, keys, values: [batch, length, heads*size] */
	Value *len, *total;      /* i64[1]: new tokens, total_sequence_length */
	Value *prompt;           /* bool[1] */
	Value *start, *end;      /* i64[batch]: rows of the cache that are new; end: those that are no padding */
	bool one;                /* a single new token */
} Grouped;

static bool
refused(Node *n)
{
	static const char *const input[] = {"head_sink", "k_scale", "v_scale", "q_norm_weight", "k_norm_weight"};
	static const char *const flag[] = {"sliding_window_cache", "kv_cache_bit_width"};
	static const char *const type[] = {"k_quant_type", "v_quant_type"};
	const char *what = NULL;

	for (int i = 0; i < LEN(input); i++)
		what = in_opt(n, BIAS + 1 + i) ? input[i] : what;
	for (int i = 0; i < LEN(flag); i++)
		what = attr_int(n, flag[i], 0) ? flag[i] : what;
	for (int i = 0; i < LEN(type); i++)
		what = strcmp(attr_str(n, type[i], "NONE"), "NONE") ? type[i] : what;
	if (attr_int(n, "smooth_softmax", 0) == 1)
		what = "smooth_softmax";
	if (out_wanted(n, 3))
		what = "output_qk";
	if (what)
		node_unsupported(n, "%s", what);
	else if (!attr_int(n, "local_window_size", -1))
		node_unsupported(n, "local_window_size 0");
	return what || !attr_int(n, "local_window_size", -1);
}

/* queries, keys and values out of one tensor */
static bool
unpack(Grouped *g)
{
	Node *n = g->n, *s;
	int64_t width, size;

	if (in_opt(n, VALUE)) {
		node_error(n, "values without keys");
		return false;
	}
	if (!ix_isint(n->in[QUERY]->dim[2], &width)) {
		node_unsupported(n, "packed queries, keys and values of no constant size");
		return false;
	}
	size = width / (g->heads + 2 * g->kv);
	s = node_new(n->graph, n, OP_SPLIT, 2, 3);
	s->id = n->id;
	s->name = n->name;
	node_set_in(s, 0, n->in[QUERY]);
	node_set_in(s, 1, ints(n, 3, (int64_t[]){g->heads * size, g->kv * size, g->kv * size}));
	set_attr_int(s, "axis", 2);
	for (int i = 0; i < 3; i++) {
		node_set_out(s, i, value_new(n->graph, NULL));
		g->v[i] = s->out[i];
	}
	return true;
}

static bool
grouped_get(Node *n, Grouped *g)
{
	*g = (Grouped){.n = n, .heads = attr_int(n, "num_heads", 0), .kv = attr_int(n, "kv_num_heads", 0),
		.v = {n->in[QUERY], in_opt(n, KEY), in_opt(n, VALUE)}};
	if (g->heads < 1 || g->kv < 1 || g->heads > INT32_MAX || g->kv > INT32_MAX) {
		node_error(n, "%" PRId64 " heads of queries, %" PRId64 " of keys", g->heads, g->kv);
		return false;
	}
	for (int i = 0; i < 3; i++)
		if (g->v[i] && rank_of(n, g->v[i]) != 3) {
			node_error(n, "input %s: [batch, length, heads*size] is expected", value_str(g->v[i]));
			return false;
		}
	g->one = ix_is(g->v[0]->dim[1], 1);
	if (!g->v[1])
		return unpack(g);
	if (!g->v[2])
		node_error(n, "keys without values");
	return g->v[2];
}

static void
lengths(Grouped *g)
{
	Node *n = g->n;
	Value *zero = ints(n, 1, (int64_t[]){0}), *one = ints(n, 1, (int64_t[]){1}), *q = n->in[QUERY];

	g->len = dims(n, q, 1, 2);
	g->total = two(n, OP_RESHAPE, cast_to(n, n->in[TOTAL], DT_I64), one);
	g->prompt = two(n, OP_EQUAL, g->len, g->total);
	g->end = cast_to(n, two(n, OP_RESHAPE, n->in[SEQLENS_K], dims(n, q, 0, 1)), DT_I64);
	g->end = two(n, OP_ADD, g->end, one);
	g->start = insert(n, OP_WHERE, IN(g->prompt, zero, two(n, OP_SUB, g->end, g->len)), 3)->out[0];
}

/* [batch, length]; those that are given count from the first one in a prompt */
static Value *
positions_of(Grouped *g)
{
	Node *n = g->n;
	Value *row = positions(n, n->in[QUERY], 1), *at = in_opt(n, POSITION_IDS), *first;
	int64_t axis = 1;

	if (!at)
		return two(n, OP_ADD, unsqueeze(n, g->start, 1, &axis), row);
	first = two(n, OP_ADD, slice(n, slice(n, at, 0, 1, 0), 0, 1, 1), row);
	return insert(n, OP_WHERE, IN(g->prompt, first, at), 3)->out[0];
}

static bool
rotate(Grouped *g)
{
	Node *n = g->n, *r;
	Value *cos = in_opt(n, COS), *sin = in_opt(n, SIN), *at;
	int64_t half;

	if (!cos || !sin || rank_of(n, cos) != 2 ||
		(in_opt(n, POSITION_IDS) && rank_of(n, n->in[POSITION_IDS]) != 2)) {
		node_error(n, "do_rotary: cos_cache, sin_cache and position_ids of 2 dimensions are expected");
		return false;
	}
	at = positions_of(g);
	for (int i = 0; i < 2; i++) {
		r = insert(n, OP_ROTARY_EMBEDDING, IN(g->v[i], cos, sin, at), 4);
		set_attr_int(r, "num_heads", i ? g->kv : g->heads);
		set_attr_int(r, "interleaved", attr_int(n, "rotary_interleaved", 0));
		if (ix_isint(cos->dim[1], &half) && half > 0 && half < INT32_MAX)
			set_attr_int(r, "rotary_embedding_dim", 2 * half);
		g->v[i] = r->out[0];
	}
	return true;
}

/* the model says that the cache stays as long as it is */
static bool
stays(const Node *n, int past, int k)
{
	const Value *v = in_opt(n, past);
	const struct Declared *d;
	int64_t rows;

	if (!v || v->rank != 4 || !out_wanted(n, k) || !ix_isint(v->dim[2], &rows))
		return false;
	for (int i = 0; i < n->graph->model->declared.n; i++) {
		d = &n->graph->model->declared.p[i];
		if (d->rank == 4 && d->dim[2] == rows && n->out[k]->name && !strcmp(d->name, n->out[k]->name))
			return true;
	}
	return false;
}

/* output 1 or 2: keys or values with those that were there */
static Value *
cached(Grouped *g, int k)
{
	Value *past = in_opt(g->n, VALUE + k);
	Node *n = g->n, *c = insert(n, OP_Z_CACHE, IN(g->v[k], g->v[0], g->start, g->end, g->total, past), past ? 6 : 5);

	set_attr_int(c, "num_heads", g->kv);
	set_attr_int(c, "stays", stays(n, VALUE + k, k));
	if (out_wanted(n, k)) {
		node_set_out(c, 0, n->out[k]);
		n->out[k] = NULL;
	}
	return c->out[0];
}

/* what is padding in a prompt, and attention_bias, whose columns are positions; NULL: nothing */
static Value *
mask_of(Grouped *g, Value *keys)
{
	Node *n = g->n;
	Value *bias = in_opt(n, BIAS), *ok;
	int64_t axes[] = {1, 2, 3};

	if (g->one)
		return bias;
	ok = two(n, OP_LESS, bias ? positions(n, bias, 3) : positions(n, keys, 2), unsqueeze(n, g->end, 3, axes));
	return bias ? insert(n, OP_WHERE, IN(ok, bias, scalar_like(n, bias, -INFINITY)), 3)->out[0] : ok;
}

void
ex_group_query_attention(Node *n)
{
	int64_t causal = attr_int(n, "causal", 1), window = attr_int(n, "local_window_size", -1);
	float scale = (float)attr_float(n, "scale", 0), cap = (float)attr_float(n, "softcap", 0);
	Value *keys, *values, *mask;
	Grouped g;

	if (refused(n) || !grouped_get(n, &g))
		return;
	for (int i = PAST_KEY; i <= PAST_VALUE; i++)
		if (in_opt(n, i) && rank_of(n, n->in[i]) != 4) {
			node_error(n, "input %s: [batch, heads, length, size] is expected", value_str(n->in[i]));
			return;
		}
	if (!in_opt(n, PAST_KEY) != !in_opt(n, PAST_VALUE) || (in_opt(n, BIAS) && rank_of(n, n->in[BIAS]) != 4)
		|| (window > 0 && !causal)) {
		node_error(n, "a past without the other, an attention_bias that has not 4 dimensions, or a window that is "
			"not causal");
		return;
	}
	lengths(&g);
	if (attr_int(n, "do_rotary", 0) && !rotate(&g))
		return;
	keys = cached(&g, 1);
	values = cached(&g, 2);
	mask = mask_of(&g, keys);
	n->nout = 1;
	become(n, OP_ATTENTION, IN(g.v[0], keys, values, mask, NULL, NULL, two(n, OP_ADD, g.start, g.len)), 7);
	set_attr_int(n, "q_num_heads", g.heads);
	set_attr_int(n, "kv_num_heads", g.kv);
	set_attr_int(n, "is_causal", causal);
	if (window > 0)
		set_attr_int(n, "left_window_size", window - 1);
	node_add_attr(n, (Attr){.name = "scale", .type = A_FLOAT, .f = scale});
	node_add_attr(n, (Attr){.name = "softcap", .type = A_FLOAT, .f = cap});
}
