/* Quantisation as arithmetic. Rounding is to nearest even, saturating; float32 throughout, as ONNX Runtime
 * has it. */
#include "quant.h"
#include "window.h"
#include <math.h>

bool quant_range(DType dt, double *lo, double *hi)
{
	int bits = dtype_info[dt].bits;

	if (!dt_int(dt) && dt != DT_U4 && dt != DT_I4 && dt != DT_U2 && dt != DT_I2)
		return false;
	if (dt_signed(dt) || dt == DT_I4 || dt == DT_I2) {
		*lo = -ldexp(1, bits - 1);
		*hi = ldexp(1, bits - 1) - 1;
	} else {
		*lo = 0;
		*hi = ldexp(1, bits) - 1;
	}
	return true;
}

static bool one_element(const Value *v)
{
	for (int i = 0; i < v->rank; i++)
		if (!ix_is(v->dim[i], 1))
			return false;
	return true;
}

/* the element of a constant all of whose elements are the same (zero points of weights), or NULL */
static Expr *uniform(const Value *v)
{
	enum { MOST = 4096 };
	int64_t n;
	uint64_t bits[MOST];

	if (!v->data || dtype_info[v->dt].class == DC_S || dtype_info[v->dt].class == DC_C ||
	    !ix_isint(value_numel(v), &n) || n < 1 || n > MOST)
		return NULL;
	dt_get(v->dt, true, v->data->p, 0, n, bits);
	for (int64_t i = 1; i < n; i++)
		if (bits[i] != bits[0])
			return NULL;
	return ex_bits(v->dt, bits[0]);
}

Expr *quant_param(Value *v, Ix c)
{
	Expr *e = uniform(v);

	return e ? e : !c || one_element(v) ? te_scalar(v) : te_read(v, &c, 1);
}

/* any number as float32; narrow integers and zero points too */
static Expr *f32(Expr *e)
{
	return ex_cast(DT_F32, e);
}

Expr *quant_round(Expr *v, Expr *zero, DType to)
{
	double lo, hi;
	Expr *e = ex_un(E_ROUND, v);

	if (!quant_range(to, &lo, &hi))
		ill("quant_round to %s", dt_name(to));
	if (zero)
		e = ex_bin(E_ADD, e, ex_cast(v->dt, zero));
	e = ex_bin(E_MIN, ex_bin(E_MAX, e, ex_float(v->dt, lo)), ex_float(v->dt, hi));
	return dt_int(to) ? ex_cast(to, e) : ex_cast(to, ex_cast(DT_I32, e));
}

/* the scale or zero point that belongs to element `axis` of x: per tensor, per axis or per block of an
 * axis */
static Expr *param_at(Node *n, Value *v, const Ix *axis)
{
	Ix at[WMAX];
	int64_t ax = attr_int(n, "axis", 1), block = attr_int(n, "block_size", 0);
	int rank = n->in[0]->rank;
	Expr *e = uniform(v);

	if (e)
		return e;
	if (one_element(v) && (block == 0 || v->rank != rank))
		return te_scalar(v);
	if (ax < 0)
		ax += rank;
	if (block == 0)
		return te_read(v, &axis[ax], 1);
	memcpy(at, axis, sizeof(Ix) * (size_t)rank);
	at[ax] = ix_div(at[ax], ix_int(block));
	return te_read(v, at, rank);
}

/* shapes of scale and zero point against x */
static bool check_params(Node *n)
{
	Value *x = n->in[0];
	int64_t ax = attr_int(n, "axis", 1), block = attr_int(n, "block_size", 0);

	if (x->rank > WMAX || block < 0) {
		node_error(n, "rank %d, block_size %lld", x->rank, (long long)block);
		return false;
	}
	for (int i = 1; i < 3; i++) {
		Value *v = in_opt(n, i);
		if (!v || (one_element(v) && (block == 0 || v->rank != x->rank)))
			continue;
		if (!axis_ok(n, &ax, x->rank))
			return false;
		if (block == 0 ? v->rank != 1 : v->rank != x->rank) {
			node_error(n, "input %d has rank %d", i, v->rank);
			return false;
		}
		if (block == 0 && !ix_assume_equal(v->dim[0], x->dim[ax],
			"a scale or zero point per index")) {
			node_error(n, "input %d has %s elements, axis %lld has %s", i, ix_str(v->dim[0]),
			           (long long)ax, ix_str(x->dim[ax]));
			return false;
		}
		Ix dim[WMAX];
		for (int k = 0; k < x->rank; k++)
			dim[k] = k == ax && block ? ix_cdiv(x->dim[k], ix_int(block)) : x->dim[k];
		if (block && !in_dims(n, i, x->rank, dim))
			return false;
	}
	return true;
}

static bool quantized(DType dt)
{
	double lo, hi;

	return quant_range(dt, &lo, &hi) || (dtype_info[dt].class == DC_N && dt != DT_F8E8M0);
}

void shape_quantize_linear(Node *n)
{
	Value *x = n->in[0], *zero = in_opt(n, 2);
	int64_t to = attr_int(n, "output_dtype", 0), prec = attr_int(n, "precision", 0);

	if (zero)
		to = zero->dt;
	else if (to == 0)
		to = DT_U8;
	if (!dt_valid(to) || !quantized((DType)to) || (prec && (!dt_valid(prec) || !dt_float((DType)prec)))) {
		node_unsupported(n, "quantising to type %lld with precision %lld", (long long)to,
			(long long)prec);
		return;
	}
	if (check_params(n))
		set_out(n, 0, (DType)to, x->rank, x->dim);
}

void lower_quantize_linear(Node *n)
{
	Value *x = n->in[0], *scale = n->in[1], *zero = in_opt(n, 2), *y = n->out[0];
	Te *t = te_begin(y);
	DType prec = (DType)attr_int(n, "precision", scale->dt);
	Expr *e = te_read(x, t->axis, x->rank), *s = param_at(n, scale, t->axis), *z = NULL;
	double lo, hi;

	if (!dt_float(prec))
		prec = dt_int(prec) ? DT_F64 : DT_F32;
	e = ex_bin(E_DIV, ex_cast(prec, e), ex_cast(prec, s));
	if (zero)
		z = param_at(n, zero, t->axis);
	if (prec != DT_F64)
		e = f32(e);
	if (quant_range(y->dt, &lo, &hi)) {
		te_end(y, quant_round(e, z, y->dt));
		return;
	}
	if (zero && y->dt == DT_F4E2M1)
		e = ex_bin(E_ADD, e, ex_cast(e->dt, z));
	te_end(y, attr_int(n, "saturate", 1) ? ex_castsat(y->dt, e) : ex_cast(y->dt, e));
}

void shape_dequantize_linear(Node *n)
{
	Value *x = n->in[0];
	int64_t to = attr_int(n, "output_dtype", 0);

	if (to == 0)
		to = n->in[1]->dt;
	if (!dt_valid(to) || !dt_float((DType)to) || !quantized(x->dt)) {
		node_unsupported(n, "dequantising %s to type %lld", dt_name(x->dt), (long long)to);
		return;
	}
	if (check_params(n))
		set_out(n, 0, (DType)to, x->rank, x->dim);
}

void lower_dequantize_linear(Node *n)
{
	Value *x = n->in[0], *scale = n->in[1], *zero = in_opt(n, 2), *y = n->out[0];
	Te *t = te_begin(y);
	Expr *e = te_read(x, t->axis, x->rank), *s = param_at(n, scale, t->axis);
	double lo, hi;

	if (zero && quant_range(x->dt, &lo, &hi))
		e = ex_bin(E_SUB, ex_cast(DT_I32, e), ex_cast(DT_I32, param_at(n, zero, t->axis)));
	e = ex_bin(E_MUL, f32(e), f32(s));
	te_end(y, ex_cast(y->dt, e));
}

void shape_dynamic_quantize_linear(Node *n)
{
	Value *x = n->in[0];

	set_out(n, 0, DT_U8, x->rank, x->dim);
	set_out(n, 1, DT_F32, 0, NULL);
	set_out(n, 2, DT_U8, 0, NULL);
}

/* the least or greatest element of x and 0, as a value of rank 0 */
static Value *extreme(Node *n, Value *x, ROp op, EOp with, const char *name)
{
	Value *v = te_temp(n, name, DT_F32, 0, NULL);
	Ix at[WMAX], red[WMAX];
	int nred = 0;
	Expr *e;

	te_begin(v);
	win_vars(n, x->rank, x->dim, at, red, &nred);
	e = te_read(x, at, x->rank);
	if (nred)
		e = ex_reduce(op, red, nred, e);
	te_end(v, ex_bin(with, e, ex_float(DT_F32, 0)));
	return v;
}

void lower_dynamic_quantize_linear(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Value *scale = out_wanted(n, 1) ? n->out[1] : te_temp(n, "scale", DT_F32, 0, NULL);
	Value *zero = out_wanted(n, 2) ? n->out[2] : te_temp(n, "zero", DT_U8, 0, NULL);
	Value *lo = extreme(n, x, R_MIN, E_MIN, "least"), *hi = extreme(n, x, R_MAX, E_MAX, "greatest");
	Expr *l = te_scalar(lo), *h = te_scalar(hi), *s;
	Te *t;

	te_begin(scale);
	s = ex_bin(E_DIV, ex_bin(E_SUB, h, l), ex_float(DT_F32, 255));
	te_end(scale, ex_select(ex_bin(E_EQ, h, l), ex_float(DT_F32, 1), s));
	te_begin(zero);
	te_end(zero, quant_round(ex_bin(E_DIV, ex_un(E_NEG, l), te_scalar(scale)), NULL, DT_U8));
	if (!out_wanted(n, 0))
		return;
	t = te_begin(y);
	te_end(y, quant_round(ex_bin(E_DIV, te_read(x, t->axis, x->rank), te_scalar(scale)), te_scalar(zero),
		DT_U8));
}

/* QLinearMatMul: a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero */
void shape_qlinear_mat_mul(Node *n)
{
	Value *a = n->in[0], *b = n->in[3];
	Ix ad[WMAX], bd[WMAX], dim[WMAX];
	Value batch[2], *two[2] = { &batch[0], &batch[1] };
	int rank;

	if (!dt_int(a->dt) || !dt_int(b->dt) || !dt_int(n->in[7]->dt)) {
		node_unsupported(n, "types %s and %s", dt_name(a->dt), dt_name(b->dt));
		return;
	}
	if (a->rank < 2 || b->rank < 2 || a->rank > WMAX || b->rank > WMAX) {
		node_unsupported(n, "ranks %d and %d", a->rank, b->rank);
		return;
	}
	if (!ix_assume_equal(a->dim[a->rank - 1], b->dim[b->rank - 2], "inner dims of a product")) {
		node_error(n, "cannot multiply %s by %s", value_str(a), value_str(b));
		return;
	}
	memcpy(ad, a->dim, sizeof(Ix) * (size_t)a->rank);
	memcpy(bd, b->dim, sizeof(Ix) * (size_t)b->rank);
	batch[0] = *a;
	batch[1] = *b;
	batch[0].dim = ad;
	batch[1].dim = bd;
	batch[0].rank -= 2;
	batch[1].rank -= 2;
	if (!broadcast_dims(n, two, 2, dim, &rank))
		return;
	dim[rank] = a->dim[a->rank - 2];
	dim[rank + 1] = b->dim[b->rank - 1];
	for (int i = 1; i < 6; i++)
		if (i != 3 && !in_spread(n, i, rank + (i > 3), rank + 2, dim))
			return;
	set_out(n, 0, n->in[7]->dt, rank + 2, dim);
}

/* a parameter of an operand of a product: one, one per row or column c, or broadcast against the output */
static Expr *mat_param(Value *v, Ix c, const Ix *axis, int rank)
{
	return v->rank > 1 && !one_element(v) ? te_read_bcast(v, axis, rank) : quant_param(v, c);
}

/* operand v at its matrix indices row and col and the output's batch axes, less its zero point */
static Expr *mat_elem(Value *v, Value *zp, const Ix *axis, int rank, Ix row, Ix col, bool left)
{
	Ix at[WMAX];

	memcpy(at, axis, sizeof(Ix) * (size_t)(rank - 2));
	at[rank - 2] = row;
	at[rank - 1] = col;
	return ex_bin(E_SUB, ex_cast(DT_I32, te_read_bcast(v, at, rank)),
	              ex_cast(DT_I32, mat_param(zp, left ? row : col, axis, rank)));
}

void lower_qlinear_mat_mul(Node *n)
{
	Value *a = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);
	int r = y->rank, nred = 0;
	Ix red[1], k = red_var(n, a->dim[a->rank - 1], red, &nred), row = t->axis[r - 2],
		col = t->axis[r - 1];
	Expr *e, *s;

	e = ex_bin(E_MUL, mat_elem(a, n->in[2], t->axis, r, row, k, true),
	           mat_elem(n->in[3], n->in[5], t->axis, r, k, col, false));
	e = red_sum(red, nred, e);
	s = ex_bin(E_MUL, f32(mat_param(n->in[1], row, t->axis, r)),
		f32(mat_param(n->in[4], col, t->axis, r)));
	s = ex_bin(E_DIV, s, f32(te_scalar(n->in[6])));
	te_end(y, quant_round(ex_bin(E_MUL, f32(e), s), te_scalar(n->in[7]), y->dt));
}

/* com.microsoft operators; zero points may be absent */
static Expr *zero_or(Value *zp)
{
	return zp ? f32(te_scalar(zp)) : ex_float(DT_F32, 0);
}

bool bytes_in(Node *n, const char *kinds)
{
	DType dt = DT_NONE, want;
	Value *v;

	for (int i = 0; kinds[i]; i++) {
		v = in_opt(n, i);
		if (!v && kinds[i] == 'z')
			continue;
		if (!v) {
			node_error(n, "input %d is required", i);
			return false;
		}
		want = kinds[i] == 's' ? DT_F32 : dt;
		if (want == DT_NONE ? v->dt != DT_I8 && v->dt != DT_U8 : v->dt != want) {
			node_error(n, "input %d is %s, expected %s", i, value_str(v),
				want == DT_NONE ? "int8 or uint8" : dt_name(want));
			return false;
		}
		if (kinds[i] == 'b')
			dt = v->dt;
		else if (!in_vector(n, i, ix_int(1), true))
			return false;
	}
	return true;
}

void shape_ms_qlinear_add(Node *n)
{
	if (!bytes_in(n, "bszbszsz"))
		return;
	Value *two[2] = { n->in[0], n->in[3] };
	Ix dim[WMAX];
	int rank;

	if (broadcast_dims(n, two, 2, dim, &rank))
		set_out(n, 0, n->in[0]->dt, rank, dim);
}

/* c = fixed + ra*a + rb*b with ra = sa/sc, rb = sb/sc, fixed = zc - (ra*za + rb*zb): ONNX Runtime's order */
void lower_ms_qlinear_add(Node *n)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);
	Expr *sc = te_scalar(n->in[6]), *ra = ex_bin(E_DIV, te_scalar(n->in[1]), sc);
	Expr *rb = ex_bin(E_DIV, te_scalar(n->in[4]), sc), *e;

	e = ex_bin(E_ADD, ex_bin(E_MUL, ra, zero_or(in_opt(n, 2))), ex_bin(E_MUL, rb, zero_or(in_opt(n, 5))));
	e = ex_bin(E_SUB, zero_or(in_opt(n, 7)), e);
	e = ex_bin(E_ADD, e, ex_bin(E_MUL, ra, f32(te_read_bcast(n->in[0], t->axis, y->rank))));
	e = ex_bin(E_ADD, e, ex_bin(E_MUL, rb, f32(te_read_bcast(n->in[3], t->axis, y->rank))));
	te_end(y, quant_round(e, NULL, y->dt));
}

void shape_ms_qlinear_softmax(Node *n)
{
	int64_t axis = attr_int(n, "axis", -1);
	Value *x = n->in[0];

	if (bytes_in(n, "bszsz") && axis_ok(n, &axis, x->rank))
		set_out(n, 0, x->dt, x->rank, x->dim);
}

/* indices of x at the output's axes, over fresh variables on those that the softmax sums; returns their
 * number */
static int softmax_at(Node *n, const Te *t, int64_t axis, bool flat, Ix *at, Ix *red)
{
	Value *x = n->in[0];
	int nred = 0;

	for (int i = 0; i < x->rank; i++)
		at[i] = i == axis || (flat && i > axis) ? red_var(n, x->dim[i], red, &nred) : t->axis[i];
	return nred;
}

/* floor(1/y_scale) * exp((x - max)*x_scale) / sum: the scale of the output is a whole factor in ONNX Runtime
 * too */
void lower_ms_qlinear_softmax(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *max, *sum;
	int64_t axis = attr_int(n, "axis", -1);
	bool flat = attr_int(n, "opset", 13) < 13;
	Ix at[WMAX], dim[WMAX], red[WMAX];
	int nred;
	Expr *e, *xs = te_scalar(n->in[1]);
	Te *t;

	axis_ok(n, &axis, x->rank);
	for (int i = 0; i < x->rank; i++)
		dim[i] = i == axis || (flat && i > axis) ? ix_int(1) : x->dim[i];
	max = te_temp(n, "max", DT_I32, x->rank, dim);
	t = te_begin(max);
	nred = softmax_at(n, t, axis, flat, at, red);
	e = ex_cast(DT_I32, te_read(x, at, x->rank));
	te_end(max, nred ? ex_reduce(R_MAX, red, nred, e) : e);
	sum = te_temp(n, "sum", DT_F32, x->rank, dim);
	t = te_begin(sum);
	nred = softmax_at(n, t, axis, flat, at, red);
	e = ex_bin(E_SUB, ex_cast(DT_I32, te_read(x, at, x->rank)), te_read_bcast(max, at, x->rank));
	te_end(sum, red_sum(red, nred, ex_un(E_EXP, ex_bin(E_MUL, f32(e), xs))));
	t = te_begin(y);
	e = ex_bin(E_SUB, ex_cast(DT_I32, te_read(x, t->axis, x->rank)),
		te_read_bcast(max, t->axis, x->rank));
	e = ex_un(E_EXP, ex_bin(E_MUL, f32(e), xs));
	e = ex_bin(E_MUL, e, ex_un(E_FLOOR, ex_bin(E_DIV, ex_float(DT_F32, 1), te_scalar(n->in[3]))));
	e = ex_bin(E_DIV, e, te_read_bcast(sum, t->axis, x->rank));
	te_end(y, quant_round(e, zero_or(in_opt(n, 4)), y->dt));
}
