/* What recent decoders are made of besides attention: rotary embedding, gated units, causal convolution and
 * linear attention with state. */
#include "window.h"
#include "stmts.h"
#include "../../runtime/zenith.h"

/* RotaryEmbedding: x [B, H, S, D] or [B, S, H*D]; caches [positions, R/2] with position_ids, or [B, S,
 * R/2] */
typedef struct Rotary { Ix heads, size, rot; bool flat; } Rotary;

static bool rotary_get(Node *n, Rotary *r)
{
	Value *x = n->in[0];
	int64_t heads = attr_int(n, "num_heads", 0), rot = attr_int(n, "rotary_embedding_dim", 0);

	r->flat = x->rank == 3;
	if ((x->rank != 3 && x->rank != 4) || (r->flat && heads < 1) || rot < 0) {
		node_error(n, "%s with %lld heads", value_str(x), (long long)heads);
		return false;
	}
	r->heads = r->flat ? ix_int(heads) : x->dim[1];
	r->size = r->flat ? ix_div(x->dim[2], r->heads) : x->dim[3];
	r->rot = rot ? ix_int(rot) : r->size;
	if (!in_parts(n, r->rot, ix_int(2), "pairs that are rotated") ||
		(r->flat && !in_parts(n, x->dim[2], r->heads, "heads that are rotated")))
		return false;
	if (rot && !ix_assume_equal(ix_max(r->size, r->rot), r->size, "elements that are rotated")) {
		node_error(n, "%s of a head of %s are rotated", ix_str(r->rot), ix_str(r->size));
		return false;
	}
	Ix where[3] = { x->dim[0], x->dim[r->flat ? 1 : 2], ix_div(r->rot, ix_int(2)) };
	Ix table[2] = { n->in[1]->rank ? n->in[1]->dim[0] : where[0], where[2] };
	if (in_opt(n, 3))
		return in_dims(n, 3, 2, where) && in_dims(n, 1, 2, table) && in_dims(n, 2, 2, table);
	return in_dims(n, 1, 3, where) && in_dims(n, 2, 3, where);
}

void shape_rotary_embedding(Node *n)
{
	Rotary r;

	if (rotary_get(n, &r))
		set_out(n, 0, n->in[0]->dt, n->in[0]->rank, n->in[0]->dim);
}

static Expr *cache_read(Node *n, Value *cache, Ix b, Ix s, Ix k)
{
	Value *pos = in_opt(n, 3);
	Ix at[3] = { b, s, k }, two[2] = { NULL, k };

	if (!pos)
		return acc_cast(te_read(cache, at, 3));
	two[0] = te_index(pos, at, 2, cache->dim[0]);
	return acc_cast(te_read(cache, two, 2));
}

static Expr *rotary_read(Value *x, const Rotary *r, const Ix *at, Ix d)
{
	Ix to[4];

	memcpy(to, at, sizeof(Ix) * (size_t)x->rank);
	to[x->rank - 1] = r->flat ? ix_add(ix_mul(ix_div(at[2], r->size), r->size), d) : d;
	return acc_cast(te_read(x, to, x->rank));
}

void lower_rotary_embedding(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Rotary r;
	Te *t = te_begin(y);
	Ix half, d, k, k2, c, b = t->axis[0], s, rest, pair;
	Expr *first, *second, *e, *own;

	if (!rotary_get(n, &r))
		return;
	half = ix_div(r.rot, ix_int(2));
	d = r.flat ? ix_mod(t->axis[2], r.size) : t->axis[3];
	s = t->axis[r.flat ? 1 : 2];
	own = rotary_read(x, &r, t->axis, d);
	if (attr_int(n, "interleaved", 0)) {
		c = ix_div(d, ix_int(2));
		pair = ix_mod(d, ix_int(2));
		k = ix_mulc(c, 2);           /* the pair is (k, k + 1) */
		k2 = ix_addc(k, 1);
		pair = ix_mulc(pair, -1);    /* >= 0 for the first */
	} else {
		pair = ix_addc(ix_sub(half, d), -1);
		c = k = d;
		k2 = ix_add(d, half);
	}
	/* first = cos*x1 - sin*x2, second = sin*x1 + cos*x2 */
	first = ex_bin(E_SUB, ex_bin(E_MUL, cache_read(n, n->in[1], b, s, c), own),
	               ex_bin(E_MUL, cache_read(n, n->in[2], b, s, c), rotary_read(x, &r, t->axis, k2)));
	if (!attr_int(n, "interleaved", 0)) {
		c = ix_sub(d, half);
		k = c;
	}
	second = ex_bin(E_ADD, ex_bin(E_MUL, cache_read(n, n->in[2], b, s, c),
		rotary_read(x, &r, t->axis, k)),
	                ex_bin(E_MUL, cache_read(n, n->in[1], b, s, c), own));
	e = ex_guard(&pair, 1, first, second);
	rest = ix_addc(ix_sub(r.rot, d), -1);
	te_end(y, ex_cast(y->dt, ex_guard(&rest, 1, e, own)));
}

/* Cache(new [B, S, H*D], queries [B, S, ...], start i64[B], end i64[B], total i64[1], past [B, H, P, D] or absent):
 * [B, H, T, D], of each batch entry the first rows of past, the new ones from row start on, and zeros; end is a
 * row, 1 to T. T = P if it `stays`, else T = total where that is P + S, and P where it is no more than P */
typedef struct Cache { Value *new, *past; Ix heads, len, size, old; } Cache;

static bool cache_get(Node *n, Cache *c)
{
	int64_t heads = attr_int(n, "num_heads", 0);

	*c = (Cache){ .new = n->in[0], .past = in_opt(n, 5), .heads = ix_int(heads) };
	if (c->new->rank != 3 || n->in[1]->rank != 3 || heads < 1 ||
		(c->past && (c->past->rank != 4 || c->past->dt != c->new->dt))) {
		node_error(n, "%s into the cache %s", value_str(c->new), c->past ? value_str(c->past) : "");
		return false;
	}
	c->len = c->new->dim[1];
	c->size = ix_div(c->new->dim[2], c->heads);
	c->old = c->past ? c->past->dim[2] : ix_int(0);
	Ix past[4] = { c->new->dim[0], c->heads, c->old, c->size }, q[3] = { past[0], c->len, n->in[1]->dim[2] };
	return in_parts(n, c->new->dim[2], c->heads, "heads of a cache") && in_dims(n, 1, 3, q) &&
		in_dims(n, 5, 4, past) && in_vector(n, 2, past[0], false) && in_vector(n, 3, past[0], false) &&
		in_vector(n, 4, ix_int(1), false);
}

void shape_z_cache(Node *n)
{
	Cache c;
	Ix total;
	int64_t k;

	if (!cache_get(n, &c))
		return;
	total = dim_elem(n->in[4], 0, ix_int(1), NULL);
	Ix dim[4] = { c.new->dim[0], c.heads, ix_max(total, c.old), c.size };
	if (attr_int(n, "stays", 0) && !ix_isint(total, &k))
		dim[2] = c.old;
	set_out(n, 0, c.new->dt, 4, dim);
}

/* the total is no less than what is new; and no more than what was there, unless that grows by what is new */
static void check_total(Node *n, const Cache *c)
{
	Ix zero = ix_int(0);
	Expr *t = te_read(n->in[4], &zero, 1), *e = ex_bin(E_GT, t, ex_ix(c->old));

	if (!ix_equal(n->out[0]->dim[2], c->old))
		e = ex_bin(E_AND, e, ex_bin(E_NE, t, ex_ix(ix_add(c->old, c->len))));
	te_fail(n, "check_total", ex_bin(E_OR, e, ex_bin(E_LT, t, ex_ix(c->len))), ZENITH_BAD_SHAPE);
}

void lower_z_cache(Node *n)
{
	Value *y = n->out[0];
	Cache c;
	Te *t;
	Ix at, *i, new[3], cond[2], room;
	Expr *e;

	if (!cache_get(n, &c))
		return;
	check_total(n, &c);
	room = ix_sub(y->dim[2], c.len);
	te_require(n, n->in[2], ix_int(0), room, ZENITH_BAD_INDEX);
	te_require(n, n->in[3], ix_int(1), y->dim[2], ZENITH_BAD_INDEX);
	t = te_begin(y);
	i = t->axis;
	at = te_index(n->in[2], i, 1, ix_addc(room, 1));
	memcpy(new, (Ix[3]){ i[0], ix_sub(i[2], at), ix_add(ix_mul(i[1], c.size), i[3]) }, sizeof new);
	e = ex_int(y->dt, 0);
	cond[0] = ix_addc(ix_sub(at, i[2]), -1);
	if (c.past)
		e = ex_guard(cond, 1, te_read(c.past, i, 4), e);
	cond[0] = new[1];
	cond[1] = ix_addc(ix_sub(c.len, new[1]), -1);
	te_end(y, ex_guard(cond, 2, te_read(c.new, new, 3), e));
}

static Expr *sigmoid(Expr *x)
{
	Expr *one = ex_float(x->dt, 1);

	return ex_bin(E_DIV, one, ex_bin(E_ADD, one, ex_un(E_EXP, ex_un(E_NEG, x))));
}

void shape_swi_glu(Node *n)
{
	Value *a = n->in[0];

	set_out(n, 0, a->dt, a->rank, a->dim);
	for (int i = 0; i < a->rank; i++)
		if (n->in[1]->rank != a->rank ||
			!ix_assume_equal(a->dim[i], n->in[1]->dim[i], "operands of SwiGLU")) {
			node_error(n, "%s and %s differ in shape", value_str(a), value_str(n->in[1]));
			return;
		}
}

void lower_swi_glu(Node *n)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);
	Expr *a = acc_cast(te_read(n->in[0], t->axis, y->rank)),
		*b = acc_cast(te_read(n->in[1], t->axis, y->rank));

	a = ex_bin(E_MUL, a, sigmoid(ex_bin(E_MUL, ex_float(a->dt, attr_float(n, "alpha", 1)), a)));
	te_end(y, ex_cast(y->dt, ex_bin(E_MUL, a, b)));
}

/* CausalConvWithState: x [B, C, L], w [C, 1, K], state [B, C, K-1] before it */
void shape_causal_conv(Node *n)
{
	Value *x = n->in[0], *w = n->in[1];
	const char *act = attr_str(n, "activation", "none");
	Ix dim[3];

	if (x->rank != 3 || w->rank != 3 || !ix_assume_equal(x->dim[1], w->dim[0],
		"channels of a causal convolution")) {
		node_error(n, "input %s, weight %s", value_str(x), value_str(w));
		return;
	}
	if (strcmp(act, "none") && strcmp(act, "silu") && strcmp(act, "swish")) {
		node_error(n, "attribute activation is '%s'", quoted(act));
		return;
	}
	memcpy(dim, x->dim, sizeof dim);
	dim[2] = ix_addc(w->dim[2], -1);
	if (!in_vector(n, 2, x->dim[1], false) || !in_dims(n, 3, 3, dim))
		return;
	if (!ix_is(w->dim[1], 1)) {
		node_error(n, "weight %s", value_str(w));
		return;
	}
	set_out(n, 0, x->dt, 3, x->dim);
	set_out(n, 1, x->dt, 3, dim);
}

/* position p of the state followed by x */
static Expr *padded(Node *n, Ix b, Ix c, Ix p)
{
	Value *x = n->in[0], *past = in_opt(n, 3);
	Ix k1 = ix_addc(n->in[1]->dim[2], -1), at[3] = { b, c, ix_sub(p, k1) }, old[3] = { b, c, p };

	return ex_guard(&at[2], 1, te_read(x, at, 3), past ? te_read(past, old, 3) : ex_int(x->dt, 0));
}

void lower_causal_conv(Node *n)
{
	Value *x = n->in[0], *w = n->in[1], *bias = in_opt(n, 2);
	Ix k, red[1], wi[3];
	int nred = 0;
	Te *t;
	Expr *e;

	if (out_wanted(n, 1)) {
		t = te_begin(n->out[1]);
		te_end(n->out[1], padded(n, t->axis[0], t->axis[1], ix_add(x->dim[2], t->axis[2])));
	}
	if (!out_wanted(n, 0))
		return;
	t = te_begin(n->out[0]);
	k = red_var(n, w->dim[2], red, &nred);
	memcpy(wi, (Ix[3]){ t->axis[1], ix_int(0), k }, sizeof wi);
	e = acc_cast(padded(n, t->axis[0], t->axis[1], ix_add(t->axis[2], k)));
	e = red_sum(red, nred, ex_bin(E_MUL, e, acc_cast(te_read(w, wi, 3))));
	if (bias)
		e = ex_bin(E_ADD, e, acc_cast(te_read(bias, &t->axis[1], 1)));
	if (strcmp(attr_str(n, "activation", "none"), "none"))
		e = ex_bin(E_MUL, e, sigmoid(e));
	te_end(n->out[0], ex_cast(x->dt, e));
}

/* LinearAttention: a state [dk, dv] per batch and head, decayed, corrected, written and read once per step */
typedef struct Lin {
	Node *n;
	Prog *p;
	int64_t nq, nkv;
	bool gate, delta;
	Value *q, *k, *v, *past, *decay, *beta;
	Ix dk, dv, batch, time;
	Mem *state, *row;
	Ix b, t, head;           /* present loop variables */
} Lin;

static bool lin_get(Node *n, Lin *l)
{
	const char *rule = attr_str(n, "update_rule", "gated_delta");

	*l = (Lin){ .n = n, .nq = attr_int(n, "q_num_heads", 0), .nkv = attr_int(n, "kv_num_heads", 0),
		.q = n->in[0],
		.k = n->in[1], .v = n->in[2], .past = in_opt(n, 3), .decay = in_opt(n, 4),
			.beta = in_opt(n, 5) };
	l->gate = !strcmp(rule, "gated") || !strcmp(rule, "gated_delta");
	l->delta = !strcmp(rule, "delta") || !strcmp(rule, "gated_delta");
	if (!l->gate && !l->delta && strcmp(rule, "linear")) {
		node_error(n, "attribute update_rule is '%s'", quoted(rule));
		return false;
	}
	if (l->nq < 1 || l->nkv < 1 || l->nq % l->nkv || l->q->rank != 3 || l->k->rank != 3 ||
		l->v->rank != 3 ||
	    l->gate != !!l->decay || l->delta != !!l->beta) {
		node_error(n, "%lld and %lld heads with rule %s do not fit the inputs", (long long)l->nq,
		           (long long)l->nkv, rule);
		return false;
	}
	l->dk = ix_div(l->q->dim[2], ix_int(l->nq));
	l->dv = ix_div(l->v->dim[2], ix_int(l->nkv));
	l->batch = l->q->dim[0];
	l->time = l->q->dim[1];
	Ix heads = ix_int(l->nkv), key[3] = { l->batch, l->time, ix_mul(l->dk, heads) },
		val[3] = { l->batch, l->time, ix_mul(l->dv, heads) },
		per_head[3] = { l->batch, l->time, heads }, past[4] = { l->batch, heads, l->dk, l->dv };
	bool each = l->decay && l->decay->rank == 3 && !ix_is(l->decay->dim[2], l->nkv);
	if (!in_dims(n, 1, 3, key) || !in_dims(n, 2, 3, val) || !in_dims(n, 3, 4, past) ||
		!in_dims(n, 4, 3, each ? key : per_head))
		return false;
	if (l->beta && l->beta->rank == 3 && ix_is(l->beta->dim[2], 1))
		per_head[2] = ix_int(1);
	return in_dims(n, 5, 3, per_head);
}

void shape_linear_attention(Node *n)
{
	Lin l;

	if (!lin_get(n, &l))
		return;
	Ix y[3] = { l.batch, l.time, ix_mulc(l.dv, l.nq) }, s[4] = { l.batch, ix_int(l.nkv), l.dk, l.dv };
	set_out(n, 0, l.q->dt, 3, y);
	set_out(n, 1, l.past ? l.past->dt : l.q->dt, 4, s);
}

static Expr *lin_read(const Lin *l, Value *v, Ix at)
{
	Ix ix[3] = { l->b, l->t, at };

	return ex_cast(DT_F32, te_read(v, ix, 3));
}

static Ix cell(const Lin *l, Ix d, Ix m)
{
	return ix_add(ix_mul(d, l->dv), m);
}

/* state *= exp(decay), one per head or one per head and d */
static void decay_state(Lin *l, Stmt *b)
{
	Ix d = prog_for(l->p, b, l->dk, &b), m, at;
	Var *g;

	at = ix_is(l->decay->dim[2], l->nkv) ? l->head : ix_add(ix_mul(l->head, l->dk), d);
	g = st_let(b, l->p->kern, "g", ex_un(E_EXP, lin_read(l, l->decay, at)));
	m = prog_for(l->p, b, l->dv, &b);
	st_store(b, l->state, cell(l, d, m), ex_bin(E_MUL, ex_load(l->state, cell(l, d, m)), ex_var(g)));
}

/* row[m] = v, or beta * (v - sum over d of state[d, m] * k[d]); then state[d, m] += k[d] * row[m] */
static void write_state(Lin *l, Stmt *b)
{
	Stmt *s, *in;
	Ix m = prog_for(l->p, b, l->dv, &s), d, kat;
	Expr *e = lin_read(l, l->v, ix_add(ix_mul(l->head, l->dv), m));
	Var *sum;

	if (l->delta) {
		sum = st_let(s, l->p->kern, "sum", ex_float(DT_F32, 0));
		d = prog_for(l->p, s, l->dk, &in);
		kat = ix_add(ix_mul(l->head, l->dk), d);
		st_set(in, sum, ex_bin(E_ADD, ex_var(sum),
		                       ex_bin(E_MUL, ex_load(l->state, cell(l, d, m)),
			lin_read(l, l->k, kat))));
		e = ex_bin(E_MUL, lin_read(l, l->beta, ix_is(l->beta->dim[2], 1) ? ix_int(0) : l->head),
		           ex_bin(E_SUB, e, ex_var(sum)));
	}
	st_store(s, l->row, m, e);
	d = prog_for(l->p, b, l->dk, &s);
	e = lin_read(l, l->k, ix_add(ix_mul(l->head, l->dk), d));
	m = prog_for(l->p, s, l->dv, &s);
	e = ex_bin(E_ADD, ex_load(l->state, cell(l, d, m)), ex_bin(E_MUL, e, ex_load(l->row, m)));
	st_store(s, l->state, cell(l, d, m), e);
}

/* y[b, t, q head, m] = scale * sum over d of q[d] * state[d, m], for the query heads of this head */
static void read_state(Lin *l, Stmt *b)
{
	Value *y = l->n->out[0];
	double scale = attr_float(l->n, "scale", 0);
	Stmt *in;
	Ix g = prog_for(l->p, b, ix_int(l->nq / l->nkv), &b), m, d, qh, at[3];
	Var *sum;
	Expr *s = ex_float(DT_F32, scale), *e;

	if (scale == 0)
		s = ex_bin(E_DIV, ex_float(DT_F32, 1), ex_un(E_SQRT, ex_cast(DT_F32, ex_ix(l->dk))));
	m = prog_for(l->p, b, l->dv, &b);
	qh = ix_add(ix_mulc(l->head, l->nq / l->nkv), g);
	sum = st_let(b, l->p->kern, "sum", ex_float(DT_F32, 0));
	d = prog_for(l->p, b, l->dk, &in);
	e = ex_bin(E_MUL, lin_read(l, l->q, ix_add(ix_mul(qh, l->dk), d)), ex_load(l->state, cell(l, d, m)));
	st_set(in, sum, ex_bin(E_ADD, ex_var(sum), e));
	memcpy(at, (Ix[3]){ l->b, l->t, ix_add(ix_mul(qh, l->dv), m) }, sizeof at);
	prog_store(l->p, b, y, at, ex_cast(y->dt, ex_bin(E_MUL, s, ex_var(sum))));
}

void lower_linear_attention(Node *n)
{
	Lin l;
	Stmt *b, *s;
	Ix at[4];

	if (!lin_get(n, &l))
		return;
	l.p = prog_begin(n, "linear_attention");
	for (int o = 0; o < 2; o++)
		if (out_wanted(n, o))
			prog_out(l.p, n->out[o]);
	l.state = prog_scratch(l.p, "state", DT_F32, ix_mul(l.dk, l.dv));
	l.row = prog_scratch(l.p, "row", DT_F32, l.dv);
	at[0] = l.b = prog_for(l.p, l.p->body, l.batch, &b);
	at[1] = l.head = prog_for(l.p, b, ix_int(l.nkv), &b);
	at[2] = prog_for(l.p, b, l.dk, &s);
	at[3] = prog_for(l.p, s, l.dv, &s);
	st_store(s, l.state, cell(&l, at[2], at[3]),
	         l.past ? ex_cast(DT_F32, te_read(l.past, at, 4)) : ex_float(DT_F32, 0));
	l.t = prog_for(l.p, b, l.time, &s);
	if (l.gate)
		decay_state(&l, s);
	write_state(&l, s);
	if (out_wanted(n, 0))
		read_state(&l, s);
	if (out_wanted(n, 1)) {
		at[2] = prog_for(l.p, b, l.dk, &s);
		at[3] = prog_for(l.p, s, l.dv, &s);
		prog_store(l.p, s, n->out[1], at,
			ex_cast(n->out[1]->dt, ex_load(l.state, cell(&l, at[2], at[3]))));
	}
	prog_end(l.p);
}
