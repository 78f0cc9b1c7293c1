/* Attention over heads, with caches, masks, windows, softcap and grouped heads. Queries, keys and values are
 * [batch, heads, length, size], or [batch, length, heads*size] with the numbers of heads as attributes. */
#include "window.h"
#include "stmts.h"
#include <float.h>
#include <math.h>

typedef struct Heads {
	Value *v;
	Value *turned;   /* of which v is the Transpose of the last two axes, or NULL: read instead of v */
	Ix heads, len, size;
} Heads;

typedef struct Attn {
	Node *n;
	Heads q, k, v;
	Value *mask, *past_k, *past_v, *nonpad;
	Ix batch, past, total;
	Value *keys, *values;     /* with the cache: [batch, kv heads, total, size]; NULL: read k and v */
	DType dt;
} Attn;

/* keys that were exchanged only to fit the operator: as a product's right operand they lay well before */
static Value *before_turn(const Node *n, const Value *v)
{
	const Node *t = v->def;
	const int64_t *perm;
	int k = 0;

	if (!t || t->op != OP_TRANSPOSE || v->rank != 4 || t->in[0]->graph != n->graph || v->graph != n->graph)
		return NULL;
	perm = attr_ints(t, "perm", &k);
	return k == 4 && perm[0] == 0 && perm[1] == 1 && perm[2] == 3 ? t->in[0] : NULL;
}

static bool heads_get(Node *n, Value *v, int64_t given, Heads *h)
{
	*h = (Heads){ .v = v, .turned = before_turn(n, v) };
	if (v->rank == 4) {
		h->heads = v->dim[1];
		h->len = v->dim[2];
		h->size = v->dim[3];
		return true;
	}
	if (v->rank != 3 || given < 1) {
		node_error(n, "%s with %lld heads", value_str(v), (long long)given);
		return false;
	}
	h->heads = ix_int(given);
	h->len = v->dim[1];
	h->size = ix_div(v->dim[2], ix_int(given));
	return in_parts(n, v->dim[2], ix_int(given), "sizes of heads");
}

static Expr *head_read(const Heads *h, Ix b, Ix head, Ix i, Ix d)
{
	Ix four[4] = { b, head, i, d }, turned[4] = { b, head, d, i };
	Ix three[3] = { b, i, ix_add(ix_mul(head, h->size), d) };

	if (h->turned)
		return te_read(h->turned, turned, 4);
	return te_read(h->v, h->v->rank == 4 ? four : three, h->v->rank);
}

/* all dimensions of the mask but the last are 1 or those of the product */
static bool mask_fits(const Attn *a)
{
	const Value *m = a->mask;
	Ix to[4] = { a->batch, a->q.heads, a->q.len, a->total }, want;

	for (int i = 0; m && i < m->rank - 1; i++) {
		want = to[4 - m->rank + i];
		if (ix_is(m->dim[i], 1) || ix_assume_equal(m->dim[i], want, "dims of a mask"))
			continue;
		node_error(a->n, "attn_mask %s: %s at dimension %d is expected", value_str(m), ix_str(want), i);
		return false;
	}
	return true;
}

static bool attn_get(Node *n, Attn *a)
{
	int64_t nq = attr_int(n, "q_num_heads", 0), nk = attr_int(n, "kv_num_heads", 0);

	*a = (Attn){ .n = n, .mask = in_opt(n, 3), .past_k = in_opt(n, 4), .past_v = in_opt(n, 5),
		.nonpad = in_opt(n, 6) };
	if (!heads_get(n, n->in[0], nq, &a->q) || !heads_get(n, n->in[1], nk, &a->k) ||
		!heads_get(n, n->in[2], nk, &a->v))
		return false;
	if (!a->past_k != !a->past_v || (a->past_k && (a->past_k->rank != 4 || a->past_v->rank != 4))) {
		node_error(n, "past_key and past_value must be given together, of rank 4");
		return false;
	}
	if (a->mask && (a->mask->rank < 1 || a->mask->rank > 4)) {
		node_error(n, "attn_mask %s: 1 to 4 dimensions are expected", value_str(a->mask));
		return false;
	}
	a->batch = n->in[0]->dim[0];
	a->past = a->past_k ? a->past_k->dim[2] : ix_int(0);
	a->total = ix_add(a->past, a->k.len);
	a->dt = acc_dtype(n->in[0]->dt);
	if (!ix_assume_equal(a->q.size, a->k.size, "sizes of heads") ||
		!ix_assume_equal(a->k.len, a->v.len, "keys and values") ||
		!ix_assume_equal(n->in[1]->dim[0], a->batch, "batches of queries and keys") ||
		!ix_assume_equal(n->in[2]->dim[0], a->batch, "batches of queries and values")) {
		node_error(n, "queries, keys and values do not fit each other");
		return false;
	}
	if (!in_parts(n, a->q.heads, a->k.heads, "heads of keys") || !in_parts(n, a->q.heads, a->v.heads, "heads of values"))
		return false;
	Ix past_k[4] = { a->batch, a->k.heads, a->past, a->k.size },
		past_v[4] = { a->batch, a->v.heads, a->past, a->v.size };
	return in_dims(n, 4, 4, past_k) && in_dims(n, 5, 4, past_v) && in_dims(n, 6, 1, &a->batch) &&
		mask_fits(a);
}

void shape_attention(Node *n)
{
	Attn a;
	DType dt = n->in[0]->dt;

	if (!attn_get(n, &a))
		return;
	Ix y4[4] = { a.batch, a.q.heads, a.q.len, a.v.size },
		y3[3] = { a.batch, a.q.len, ix_mul(a.q.heads, a.v.size) };
	Ix pk[4] = { a.batch, a.k.heads, a.total, a.k.size },
		pv[4] = { a.batch, a.v.heads, a.total, a.v.size };
	Ix qk[4] = { a.batch, a.q.heads, a.q.len, a.total };
	set_out(n, 0, dt, n->in[0]->rank, n->in[0]->rank == 4 ? y4 : y3);
	set_out(n, 1, n->in[1]->dt, 4, pk);
	set_out(n, 2, n->in[2]->dt, 4, pv);
	set_out(n, 3, dt, 4, qk);
}

/* past and new in one tensor, where either is needed as such */
static Value *with_past(Attn *a, int out, const Heads *h, Value *past)
{
	Ix dim[4] = { a->batch, h->heads, a->total, h->size }, new;
	Value *v;
	Te *t;
	Expr *e;

	if (!past && !out_wanted(a->n, out))
		return NULL;
	v = out_or_temp(a->n, out, "cache", h->v->dt, 4, dim);
	t = te_begin(v);
	new = ix_sub(t->axis[2], a->past);
	e = head_read(h, t->axis[0], t->axis[1], new, t->axis[3]);
	te_end(v, past ? ex_guard(&new, 1, e, te_read(past, t->axis, 4)) : e);
	return v;
}

static Expr *kv_read(const Attn *a, Value *all, const Heads *h, Ix b, Ix head, Ix j, Ix d)
{
	Ix group = ix_max(ix_div(a->q.heads, ix_max(h->heads, ix_int(1))), ix_int(1)), at[4] = { b, ix_div(head, group), j, d };

	return ex_cast(a->dt, all ? te_read(all, at, 4) : head_read(h, b, at[1], j, d));
}

static Expr *num(const Attn *a, double v)
{
	return ex_float(a->dt, v);
}

/* the mask at (b, h, i, j); a mask that is shorter than the keys is continued by "not allowed" */
static Expr *mask_read(const Attn *a, const Ix *axis, Expr *logit)
{
	Value *m = a->mask;
	Ix at[4], room = ix_addc(ix_sub(m->dim[m->rank - 1], axis[3]), -1);
	Expr *e, *ninf = num(a, -INFINITY);

	for (int i = 0; i < m->rank; i++) {
		Ix x = axis[4 - m->rank + i];
		at[i] = i < m->rank - 1 ? ix_min(x, ix_addc(m->dim[i], -1)) : x;
	}
	e = te_read(m, at, m->rank);
	if (m->dt == DT_BOOL)
		e = ex_select(e, logit, ninf);
	else
		e = ex_bin(E_ADD, logit, ex_cast(a->dt, e));
	return ix_equal(m->dim[m->rank - 1], a->total) ? e : ex_guard(&room, 1, e, ninf);
}

/* whether query i may look at key j; NULL: always */
static Expr *allowed(const Attn *a, const Ix *axis)
{
	int64_t left = attr_int(a->n, "left_window_size", -1),
		right = attr_int(a->n, "right_window_size", -1);
	Expr *offset = ex_ix(a->past), *ahead, *ok = NULL, *c[4], *len = NULL;
	int nc = 0;

	if (a->nonpad) {
		len = ex_cast(DT_I64, te_read(a->nonpad, &axis[0], 1));
		c[nc++] = ex_bin(E_LT, ex_ix(axis[3]), len);
		if (!a->past_k)
			offset = ex_bin(E_SUB, len, ex_ix(a->q.len));
	}
	ahead = ex_bin(E_SUB, ex_ix(axis[3]), ex_bin(E_ADD, ex_ix(axis[2]), offset));
	if (attr_int(a->n, "is_causal", 0))
		c[nc++] = ex_bin(E_LE, ahead, i64(0));
	if (left >= 0)
		c[nc++] = ex_bin(E_GE, ahead, i64(-left));
	if (right >= 0)
		c[nc++] = ex_bin(E_LE, ahead, i64(right));
	for (int i = 0; i < nc; i++)
		ok = ok ? ex_bin(E_AND, ok, c[i]) : c[i];
	return ok;
}

/* scaled products with softcap; then masked, which is what the softmax sees */
static void logits(Attn *a, Value **raw, Value **masked)
{
	Ix dim[4] = { a->batch, a->q.heads, a->q.len, a->total }, d, red[1];
	double cap = attr_float(a->n, "softcap", 0), scale = attr_float(a->n, "scale", 0);
	int nred = 0;
	Te *t;
	Expr *e, *s, *ok;

	*raw = te_temp(a->n, "score", a->dt, 4, dim);
	t = te_begin(*raw);
	d = red_var(a->n, a->q.size, red, &nred);
	e = ex_cast(a->dt, head_read(&a->q, t->axis[0], t->axis[1], t->axis[2], d));
	e = ex_bin(E_MUL, e, kv_read(a, a->keys, &a->k, t->axis[0], t->axis[1], t->axis[3], d));
	s = ex_bin(E_DIV, num(a, 1), ex_un(E_SQRT, ex_cast(a->dt, ex_ix(a->q.size))));
	if (attr_find(a->n, "scale") && scale != 0)
		s = num(a, scale);
	e = ex_bin(E_MUL, red_sum(red, nred, e), s);
	if (cap > 0)
		e = ex_bin(E_MUL, ex_un(E_TANH, ex_bin(E_DIV, e, num(a, cap))), num(a, cap));
	te_end(*raw, e);
	*masked = *raw;
	if (!a->mask && !a->nonpad && !attr_int(a->n, "is_causal", 0) &&
		attr_int(a->n, "left_window_size", -1) < 0 &&
	    attr_int(a->n, "right_window_size", -1) < 0)
		return;
	*masked = te_temp(a->n, "masked", a->dt, 4, dim);
	t = te_begin(*masked);
	e = te_read(*raw, t->axis, 4);
	if (a->mask)
		e = mask_read(a, t->axis, e);
	ok = allowed(a, t->axis);
	te_end(*masked, ok ? ex_select(ok, e, num(a, -INFINITY)) : e);
}

/* x at the axes of t, the last one replaced by a fresh variable that the caller sums over: red[0..*nred) */
static void row_at(Attn *a, const Te *t, Ix *at, Ix *red, int *nred)
{
	*nred = 0;
	memcpy(at, t->axis, sizeof(Ix) * 4);
	at[3] = red_var(a->n, a->total, red, nred);
}

/* over the last axis, as Softmax makes it, but a row in which nothing is allowed gives zeros: its maximum
 * is -inf, of which the least number is made, and its sum 0, which is otherwise at least 1 */
static Value *softmax(Attn *a, Value *x)
{
	Ix dim[4] = { a->batch, a->q.heads, a->q.len, ix_int(1) }, at[4], red[1];
	Value *max = te_temp(a->n, "max", a->dt, 4, dim), *sum = te_temp(a->n, "sum", a->dt, 4, dim);
	Value *ex = te_temp(a->n, "exp", a->dt, 4, x->dim), *y = te_temp(a->n, "probability", a->dt, 4, x->dim);
	Expr *e, *least = num(a, a->dt == DT_F64 ? -DBL_MAX : -FLT_MAX);
	int nred;
	Te *t = te_begin(max);

	row_at(a, t, at, red, &nred);
	e = te_read(x, at, 4);
	te_end(max, nred ? ex_reduce(R_MAX, red, nred, e) : e);
	t = te_begin(ex);
	e = ex_bin(E_MAX, te_read_bcast(max, t->axis, 4), least);
	te_end(ex, ex_un(E_EXP, ex_bin(E_SUB, te_read(x, t->axis, 4), e)));
	t = te_begin(sum);
	row_at(a, t, at, red, &nred);
	te_end(sum, red_sum(red, nred, te_read(ex, at, 4)));
	t = te_begin(y);
	e = ex_bin(E_MAX, te_read_bcast(sum, t->axis, 4), num(a, 1));
	te_end(y, ex_bin(E_DIV, te_read(ex, t->axis, 4), e));
	return y;
}

void lower_attention(Node *n)
{
	Attn a;
	Value *raw, *masked, *prob, *y = n->out[0];
	int64_t mode = attr_int(n, "qk_matmul_output_mode", 0);
	Ix b, h, i, j, d, red[1], at[4];
	int nred = 0;
	Te *t;
	Expr *e;

	if (!attn_get(n, &a))
		return;
	a.keys = with_past(&a, 1, &a.k, a.past_k);
	a.values = with_past(&a, 2, &a.v, a.past_v);
	logits(&a, &raw, &masked);
	prob = softmax(&a, masked);
	if (out_wanted(n, 3)) {
		t = te_begin(n->out[3]);
		e = te_read(mode == 3 ? prob : mode == 2 ? masked : raw, t->axis, 4);
		te_end(n->out[3], ex_cast(n->out[3]->dt, e));
	}
	t = te_begin(y);
	b = t->axis[0];
	h = y->rank == 4 ? t->axis[1] : ix_div(t->axis[2], a.v.size);
	i = t->axis[y->rank == 4 ? 2 : 1];
	d = y->rank == 4 ? t->axis[3] : ix_mod(t->axis[2], a.v.size);
	j = red_var(n, a.total, red, &nred);
	memcpy(at, (Ix[4]){ b, h, i, j }, sizeof at);
	e = ex_bin(E_MUL, te_read(prob, at, 4), kv_read(&a, a.values, &a.v, b, h, j, d));
	te_end(y, ex_cast(y->dt, red_sum(red, nred, e)));
}
