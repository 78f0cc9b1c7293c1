/* Elementwise operators. Those that are one expression kind share the rule `elem`, driven by the eop
 * column of ops.def; the others are a formula each. Formulas of more than one step over f16 and bf16 are
 * computed in f32. */
#include "../ops.h"

/* whether an expression kind takes operands of that dtype */
static bool fits(EOp op, DType dt)
{
	switch (eop_info[op].rule) {
	case 'S': return dt_float(dt) || dt_int(dt);
	case 'B': return dt_int(dt) || dt == DT_BOOL;
	case 'F': return dt_float(dt);
	case 'C': return dt_float(dt) || dt_int(dt) || dt == DT_BOOL || dt == DT_STR;
	case 'P': return dt_float(dt) || dtype_info[dt].class == DC_N;
	default:  return false;
	}
}

static bool tells(EOp op)
{
	return eop_info[op].rule == 'C' || eop_info[op].rule == 'P';
}

/* dims of a numpy broadcast of all inputs, dtype dt */
static void set_broadcast(Node *n, DType dt)
{
	int r = 0, rank;

	for (int i = 0; i < n->nin; i++)
		r = n->in[i] && n->in[i]->rank > r ? n->in[i]->rank : r;
	Ix dim[r + 1];
	if (broadcast_dims(n, n->in, n->nin, dim, &rank))
		set_out(n, 0, dt, rank, dim);
}

static bool same_dtype(Node *n, int from)
{
	for (int i = from + 1; i < n->nin; i++)
		if (n->in[i] && n->in[from]->dt != n->in[i]->dt) {
			node_error(n, "inputs %d and %d have different types, %s and %s", from, i,
				   dt_name(n->in[from]->dt), dt_name(n->in[i]->dt));
			return false;
		}
	return true;
}

void shape_elem(Node *n)
{
	EOp op = op_def[n->op].eop;
	DType dt = n->in[0]->dt;

	if (!same_dtype(n, 0))
		return;
	if (!fits(op, dt))
		node_unsupported(n, "%s of %s", op_name(n->op), dt_name(dt));
	else
		set_broadcast(n, tells(op) ? DT_BOOL : dt);
}

enum { IN_ORDER = 64 };

/* op over operands lo..hi-1 in their order; over many by halves, so that the expression is not as deep as they are many */
static Expr *over(const Node *n, EOp op, const Te *t, int lo, int hi, bool acc)
{
	int mid = (lo + hi) / 2;
	Expr *e = NULL, *x;

	if (hi - lo > IN_ORDER)
		return ex_bin(op, over(n, op, t, lo, mid, acc), over(n, op, t, mid, hi, acc));
	for (int i = lo; i < hi; i++) {
		x = te_read_bcast(n->in[i], t->axis, t->rank);
		x = acc ? ex_acc(x) : x;
		e = e ? ex_bin(op, e, x) : x;
	}
	return e;
}

void lower_elem(Node *n)
{
	EOp op = op_def[n->op].eop;
	Te *t = te_begin(n->out[0]);
	Expr *e;

	if (eop_info[op].n == 1)
		e = ex_un(op, over(n, op, t, 0, 1, eop_info[op].rule == 'P'));
	else
		e = over(n, op == E_EQ && n->in[0]->dt == DT_STR ? E_STREQ : op, t, 0, n->nin, false);
	te_end(n->out[0], e);
}

void lower_mean(Node *n)
{
	Te *t = te_begin(n->out[0]);
	Expr *e = over(n, E_ADD, t, 0, n->nin, true);

	te_end(n->out[0], ex_cast(n->out[0]->dt, xdiv(e, xlike(e, n->nin))));
}

/* ---- one input, one formula */

/* output 0 as input 0 */
void shape_like_float(Node *n)
{
	if (!dt_float(n->in[0]->dt))
		node_unsupported(n, "%s of %s", op_name(n->op), dt_name(n->in[0]->dt));
	else
		out_like(n, 0, n->in[0]);
}

void shape_like_num(Node *n)
{
	if (!dt_float(n->in[0]->dt) && !dt_int(n->in[0]->dt))
		node_unsupported(n, "%s of %s", op_name(n->op), dt_name(n->in[0]->dt));
	else
		out_like(n, 0, n->in[0]);
}

static void map(Node *n, Expr *(*f)(const Node *, Expr *))
{
	Value *x = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);

	te_end(y, ex_cast(y->dt, f(n, ex_acc(te_read(x, t->axis, t->rank)))));
}

#define MAP(name) \
	static Expr *map_##name(const Node *, Expr *); \
	void lower_##name(Node *n) { map(n, map_##name); } \
	static Expr *map_##name(const Node *n, Expr *x)

static Expr *attr(const Node *n, const char *name, double dflt, const Expr *like)
{
	return xlike(like, attr_float(n, name, dflt));
}

static Expr *sigmoid(Expr *x)
{
	return xdiv(xlike(x, 1), xadd(xlike(x, 1), ex_un(E_EXP, ex_un(E_NEG, x))));
}

/* log(1 + e^x) without overflow */
static Expr *softplus(Expr *x)
{
	Expr *small = ex_un(E_EXP, ex_un(E_NEG, ex_un(E_ABS, x)));

	return xadd(xmax(x, xlike(x, 0)), ex_un(E_LOG1P, small));
}

static Expr *if_neg(Expr *x, Expr *neg, Expr *pos)
{
	return ex_select(ex_bin(E_LT, x, xlike(x, 0)), neg, pos);
}

MAP(relu)
{
	(void)n;
	return xmax(x, xlike(x, 0));
}

MAP(leaky_relu)
{
	return if_neg(x, xmul(attr(n, "alpha", 0.01, x), x), x);
}

MAP(sigmoid)
{
	(void)n;
	return sigmoid(x);
}

static Expr *hard_sigmoid(Expr *x, Expr *alpha, Expr *beta)
{
	return xmax(xlike(x, 0), xmin(xlike(x, 1), xadd(xmul(alpha, x), beta)));
}

MAP(hard_sigmoid)
{
	return hard_sigmoid(x, attr(n, "alpha", 0.2, x), attr(n, "beta", 0.5, x));
}

MAP(hard_swish)
{
	(void)n;
	return xmul(x, hard_sigmoid(x, xlike(x, 1.0 / 6), xlike(x, 0.5)));
}

/* x/2 (1 + erf(x / sqrt 2)), or with tanh(sqrt(2/pi) (x + 0.044715 x^3)) in erf's place */
MAP(gelu)
{
	const char *how = attr_str(n, "approximate", "none");
	Expr *half = xmul(xlike(x, 0.5), x), *in;

	if (!strcmp(how, "none"))
		return xmul(half, xadd(xlike(x, 1), ex_un(E_ERF, xmul(x, xlike(x, 0.70710678118654752)))));
	in = xadd(x, xmul(xlike(x, 0.044715), xmul(x, xmul(x, x))));
	return xmul(half, xadd(xlike(x, 1), ex_un(E_TANH, xmul(xlike(x, 0.79788456080286536), in))));
}

MAP(elu)
{
	return if_neg(x, xmul(attr(n, "alpha", 1, x), ex_un(E_EXPM1, x)), x);
}

MAP(selu)
{
	Expr *alpha = attr(n, "alpha", 1.67326319217681884765625, x);
	Expr *gamma = attr(n, "gamma", 1.05070102214813232421875, x);

	return xmul(gamma, ex_select(ex_bin(E_GT, x, xlike(x, 0)), x, xmul(alpha, ex_un(E_EXPM1, x))));
}

MAP(celu)
{
	Expr *alpha = attr(n, "alpha", 1, x), *zero = xlike(x, 0);

	return xadd(xmax(zero, x), xmin(zero, xmul(alpha, ex_un(E_EXPM1, xdiv(x, alpha)))));
}

MAP(softplus)
{
	(void)n;
	return softplus(x);
}

MAP(softsign)
{
	(void)n;
	return xdiv(x, xadd(xlike(x, 1), ex_un(E_ABS, x)));
}

MAP(mish)
{
	(void)n;
	return xmul(x, ex_un(E_TANH, softplus(x)));
}

MAP(swish)
{
	return xmul(x, sigmoid(xmul(attr(n, "alpha", 1, x), x)));
}

MAP(thresholded_relu)
{
	return ex_select(ex_bin(E_GT, x, attr(n, "alpha", 1, x)), x, xlike(x, 0));
}

MAP(reciprocal)
{
	(void)n;
	return xdiv(xlike(x, 1), x);
}

/* attributes are floats, x may be an integer: then computed in f64 */
MAP(shrink)
{
	Expr *w = dt_int(x->dt) ? ex_cast(DT_F64, x) : x;
	Expr *lambd = attr(n, "lambd", 0.5, w), *bias = attr(n, "bias", 0, w);
	Expr *low = ex_bin(E_LT, w, ex_un(E_NEG, lambd)), *high = ex_bin(E_GT, w, lambd);

	return ex_select(low, xadd(w, bias), ex_select(high, xsub(w, bias), xlike(w, 0)));
}

MAP(is_inf)
{
	bool neg = attr_int(n, "detect_negative", 1), pos = attr_int(n, "detect_positive", 1);
	Expr *inf = ex_un(E_ISINF, x), *zero = xlike(x, 0);

	if (neg && pos)
		return inf;
	if (!neg && !pos)
		return ex_int(DT_BOOL, 0);
	return ex_bin(E_AND, inf, ex_bin(neg ? E_LT : E_GT, x, zero));
}

void shape_is_inf(Node *n)
{
	set_out(n, 0, DT_BOOL, n->in[0]->rank, n->in[0]->dim);
}

/* ---- several inputs */

void shape_p_relu(Node *n)
{
	if (same_dtype(n, 0))
		set_broadcast(n, n->in[0]->dt);
}

void lower_p_relu(Node *n)
{
	Te *t = te_begin(n->out[0]);
	Expr *x = te_read_bcast(n->in[0], t->axis, t->rank);

	te_end(n->out[0], if_neg(x, xmul(te_read_bcast(n->in[1], t->axis, t->rank), x), x));
}

void shape_clip(Node *n)
{
	if (same_dtype(n, 0))
		shape_like_num(n);
}

/* a bound that is not given clips nothing, infinities neither: so do ONNX's reference and its function body; only its
 * text speaks of the largest floats */
void lower_clip(Node *n)
{
	Te *t = te_begin(n->out[0]);
	Expr *e = te_read(n->in[0], t->axis, t->rank);

	if (in_opt(n, 1))
		e = xmax(e, te_scalar(n->in[1]));
	if (in_opt(n, 2))
		e = xmin(e, te_scalar(n->in[2]));
	te_end(n->out[0], e);
}

void shape_where(Node *n)
{
	if (n->in[0]->dt != DT_BOOL)
		node_error(n, "the condition has type %s", dt_name(n->in[0]->dt));
	else if (same_dtype(n, 1))
		set_broadcast(n, n->in[1]->dt);
}

void lower_where(Node *n)
{
	Te *t = te_begin(n->out[0]);
	Expr *c = te_read_bcast(n->in[0], t->axis, t->rank);

	te_end(n->out[0], ex_select(c, te_read_bcast(n->in[1], t->axis, t->rank),
				    te_read_bcast(n->in[2], t->axis, t->rank)));
}

/* the exponent may have another type than the base, which is the result's */
void shape_pow(Node *n)
{
	if (!fits(E_POW, n->in[0]->dt) || !fits(E_POW, n->in[1]->dt))
		node_unsupported(n, "Pow of %s and %s", dt_name(n->in[0]->dt), dt_name(n->in[1]->dt));
	else
		set_broadcast(n, n->in[0]->dt);
}

void lower_pow(Node *n)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);
	Expr *x = te_read_bcast(n->in[0], t->axis, t->rank);
	Expr *p = te_read_bcast(n->in[1], t->axis, t->rank);
	double k = 0;

	if (const_float(n->in[1], &k) && (k == 2 || (k == 3 && dt_float(y->dt)))) {
		x = ex_acc(x);
		p = k == 2 ? xmul(x, x) : xmul(x, xmul(x, x));
	} else if (dt_int(x->dt) && dt_float(p->dt)) {
		p = ex_bin(E_POW, ex_cast(DT_F64, x), ex_cast(DT_F64, p));
	} else if (dt_int(x->dt) && p->dt != x->dt) {
		p = ex_bin(E_POW, ex_cast(DT_I64, x), ex_cast(DT_I64, p));
	} else {
		p = ex_bin(E_POW, x, ex_cast(x->dt, p));
	}
	te_end(y, ex_cast(y->dt, p));
}

void shape_arith(Node *n)
{
	if (!same_dtype(n, 0))
		return;
	if (!fits(E_ADD, n->in[0]->dt))
		node_unsupported(n, "%s of %s", op_name(n->op), dt_name(n->in[0]->dt));
	else
		set_broadcast(n, n->in[0]->dt);
}

static void lower_bin(Node *n, EOp op)
{
	Te *t = te_begin(n->out[0]);

	te_end(n->out[0], ex_bin(op, te_read_bcast(n->in[0], t->axis, t->rank),
				 te_read_bcast(n->in[1], t->axis, t->rank)));
}

void lower_mod(Node *n)
{
	lower_bin(n, attr_int(n, "fmod", 0) ? E_REM : E_FMOD);
}

void lower_bit_shift(Node *n)
{
	const char *dir = attr_str(n, "direction", "");

	if (strcmp(dir, "LEFT") && strcmp(dir, "RIGHT"))
		node_error(n, "direction is neither LEFT nor RIGHT");
	lower_bin(n, strcmp(dir, "LEFT") ? E_SHR : E_SHL);
}

/* the identity and a mask of ones; in training, elements are dropped at random (random.c) */
void shape_dropout(Node *n)
{
	out_like(n, 0, n->in[0]);
	if (out_wanted(n, 1))
		set_out(n, 1, DT_BOOL, n->in[0]->rank, n->in[0]->dim);
}

static Expr *kept(Node *n, const Te *t)
{
	Value *train = in_opt(n, 2), *ratio = in_opt(n, 1);
	Expr *u = uniform_at(n, DT_F32, ex_ix(flat_at(t->axis, n->in[0]->dim, t->rank)));
	Expr *r = ratio ? ex_cast(u->dt, te_scalar(ratio)) : xlike(u, 0.5);

	return ex_bin(E_OR, ex_un(E_NOT, ex_cast(DT_BOOL, te_scalar(train))), ex_bin(E_GE, u, r));
}

static Expr *scaled(Node *n, Expr *x)
{
	Value *train = in_opt(n, 2), *ratio = in_opt(n, 1);
	Expr *a = ex_acc(x), *r = ratio ? ex_cast(a->dt, te_scalar(ratio)) : xlike(a, 0.5);

	a = ex_cast(x->dt, xdiv(a, xsub(xlike(a, 1), r)));
	return ex_select(ex_cast(DT_BOOL, te_scalar(train)), a, x);
}

void lower_dropout(Node *n)
{
	Value *train = in_opt(n, 2);
	int64_t on = 1;
	Expr *x;
	Te *t;

	if (!train || const_int(train, &on))
		on = train && on;
	if (out_wanted(n, 0)) {
		t = te_begin(n->out[0]);
		x = te_read(n->in[0], t->axis, t->rank);
		te_end(n->out[0], on ? ex_select(kept(n, t), scaled(n, x), ex_float(x->dt, 0)) : x);
	}
	if (out_wanted(n, 1)) {
		t = te_begin(n->out[1]);
		te_end(n->out[1], on ? kept(n, t) : ex_int(DT_BOOL, 1));
	}
}

/* ---- conversion */

static Expr *from_string(DType to, Expr *x)
{
	DType via = dt_float(to) || dt_int(to) ? to : DT_F64;
	Expr *e = ex_op(E_STRNUM, via, &x, 1);

	return ex_cast(to, e);
}

/* A power of two from a positive f32: 2^ceil(log2 x) for "up". The exponent field plus one if that
 * rounding says so, as the value to cast; float8e8m0 has no mantissa, so the cast is then exact. */
static Expr *round_e8m0(const char *how, Expr *x)
{
	Expr *bits = ex_bitcast(DT_U32, ex_cast(DT_F32, x)), *one = ex_int(DT_U32, 1);
	Expr *man = ex_bin(E_AND, bits, ex_int(DT_U32, 0x7fffff));
	Expr *exp = ex_bin(E_SHR, bits, ex_int(DT_U32, 23));
	Expr *up = ex_int(DT_BOOL, 0), *sign = ex_bin(E_AND, bits, ex_int(DT_U32, 0x80000000u));

	if (!strcmp(how, "up"))
		up = ex_bin(E_GT, man, ex_int(DT_U32, 0));
	else if (!strcmp(how, "nearest"))
		up = ex_bin(E_GE, man, ex_int(DT_U32, 0x400000));
	exp = ex_bin(E_AND, exp, ex_int(DT_U32, 0xff));
	up = ex_bin(E_AND, up, ex_bin(E_LT, exp, ex_int(DT_U32, 254)));
	exp = ex_select(up, xadd(exp, one), exp);
	exp = ex_bin(E_OR, sign, ex_bin(E_SHL, exp, ex_int(DT_U32, 23)));
	bits = ex_bin(E_AND, bits, ex_int(DT_U32, 0x7fffffff));
	bits = ex_bin(E_LT, bits, ex_int(DT_U32, 0x7f800000));
	return ex_select(bits, ex_bitcast(DT_F32, exp), ex_cast(DT_F32, x));
}

static Expr *convert(const Node *n, DType to, Expr *x)
{
	bool saturate = attr_int(n, "saturate", 1);

	if (x->dt == to)
		return x;
	if (x->dt == DT_STR)
		return from_string(to, x);
	if (to == DT_STR)
		return ex_op(E_NUMSTR, DT_STR, &x, 1);
	if (to == DT_F8E8M0)
		return ex_castsat(to, round_e8m0(attr_str(n, "round_mode", "up"), x));
	return (is_float8(to) && saturate) || to == DT_F4E2M1 ? ex_castsat(to, x) : ex_cast(to, x);
}

static void set_cast(Node *n, DType to)
{
	if (dtype_info[to].class == DC_C || dtype_info[n->in[0]->dt].class == DC_C)
		node_unsupported(n, "%s from %s to %s", op_name(n->op), dt_name(n->in[0]->dt), dt_name(to));
	else
		set_out(n, 0, to, n->in[0]->rank, n->in[0]->dim);
}

void shape_cast(Node *n)
{
	int64_t to = attr_int(n, "to", 0);

	if (!dt_valid(to))
		node_error(n, "attribute 'to' is %lld, which is no type", (long long)to);
	else
		set_cast(n, (DType)to);
}

void shape_cast_like(Node *n)
{
	set_cast(n, n->in[1]->dt);
}

void lower_cast(Node *n)
{
	Te *t = te_begin(n->out[0]);

	te_end(n->out[0], convert(n, n->out[0]->dt, te_read(n->in[0], t->axis, t->rank)));
}

void shape_bit_cast(Node *n)
{
	int64_t to = attr_int(n, "to", 0);
	DType from = n->in[0]->dt;

	if (!dt_valid(to) || dtype_info[to].bits != dtype_info[from].bits)
		node_error(n, "attribute 'to' is no type of %d bits", dtype_info[from].bits);
	else
		set_cast(n, (DType)to);
}

void lower_bit_cast(Node *n)
{
	Te *t = te_begin(n->out[0]);

	te_end(n->out[0], ex_bitcast(n->out[0]->dt, te_read(n->in[0], t->axis, t->rank)));
}
