/* What the builders of expressions simplify, seen from one operation and its operands. */
#include "pool.h"

static bool is_value(const Expr *e, double v) { return is_bits(e, dt_from_double(e->dt, v, false)); }

Ix
as_poly(const Expr *e)
{
	if (e->op == E_IX)
		return e->ix[0];
	if (e->op == E_CONST && e->dt == DT_I64)
		return ix_int((int64_t)e->u.bits);
	return NULL;
}

/* 1, 0 or -1 (not known): does the comparison hold between two polynomials? */
static int
poly_compare(EOp op, Ix a, Ix b)
{
	Ix d = ix_sub(a, b);

	switch (op) {
	case E_EQ: case E_NE:
		if (ix_is(d, 0))
			return op == E_EQ;
		return ix_ge0(ix_addc(d, -1)) || ix_ge0(minus1(d)) ? op == E_NE : -1;
	case E_LT: return ix_ge0(minus1(d)) ? 1 : ix_ge0(d) ? 0 : -1;
	case E_GE: return ix_ge0(d) ? 1 : ix_ge0(minus1(d)) ? 0 : -1;
	case E_GT: return poly_compare(E_LT, b, a);
	case E_LE: return poly_compare(E_GE, b, a);
	default:   return -1;
	}
}

Ix
poly_arith(EOp op, Ix a, Ix b)
{
	switch (op) {
	case E_ADD: return ix_add(a, b);
	case E_SUB: return ix_sub(a, b);
	case E_MUL: return ix_mul(a, b);
	case E_MIN: return ix_min(a, b);
	case E_MAX: return ix_max(a, b);
	case E_FMOD: return ix_gt0(b) ? ix_mod(a, b) : NULL;
	case E_REM: return ix_gt0(b) && ix_ge0(a) ? ix_mod(a, b) : NULL;
	case E_DIV: return ix_gt0(b) && ix_ge0(a) ? ix_div(a, b) : NULL;
	default:    return NULL;
	}
}

/* one operand */

static Expr *
of_operand(EOp op, Expr *x)
{
	static const EOp inverse[][2] = {{E_EQ, E_NE}, {E_LT, E_GE}, {E_LE, E_GT}};
	Ix p = as_poly(x);

	if ((op == E_NEG || op == E_NOT) && x->op == op)
		return x->a[0];
	if (op == E_ABS && x->op == E_ABS)
		return x;
	if (op == E_NEG && p)
		return ex_ix(ix_mulc(p, -1));
	if (op == E_ABS && p && ix_ge0(p))
		return x;
	if (op == E_NOT && x->dt == DT_BOOL && x->n == 2)
		for (int i = 0; i < LEN(inverse) * 2; i++)
			if (x->op == inverse[i / 2][i % 2] && (i < 2 || !dt_float(x->a[0]->dt)))
				return ex_bin(inverse[i / 2][!(i % 2)], x->a[0], x->a[1]);
	return NULL;
}

/* integers are their own floor */
static bool
is_rounding(EOp op)
{
	return op == E_FLOOR || op == E_CEIL || op == E_ROUND || op == E_TRUNC;
}

static Expr *
exact_round(EOp op, Expr *x)
{
	if (!is_rounding(op))
		return NULL;
	if (is_rounding(x->op))
		return x;
	return x->op == E_CAST && (dt_int(x->a[0]->dt) || x->a[0]->dt == DT_BOOL) ? x : NULL;
}

Expr *
simplify_un(EOp op, Expr *x)
{
	Expr *e = of_operand(op, x);

	return e ? e : exact_round(op, x);
}

/* two; a constant is the second of those that commute */

static Expr *
simplify_int(EOp op, Expr *x, Expr *y)
{
	uint64_t ones = x->dt == DT_BOOL ? 1 : dt_mask(x->dt);

	switch (op) {
	case E_ADD: case E_XOR: case E_SHL: case E_SHR: return is_bits(y, 0) ? x : NULL;
	case E_SUB: return is_bits(y, 0) ? x : x == y ? ex_bits(x->dt, 0) : NULL;
	case E_MUL: return is_bits(y, 1) ? x : is_bits(y, 0) ? y : NULL;
	case E_AND: return is_bits(y, ones) || x == y ? x : is_bits(y, 0) ? y : NULL;
	case E_OR:  return is_bits(y, 0) || x == y ? x : is_bits(y, ones) ? y : NULL;
	case E_DIV: return is_bits(y, 1) ? x : NULL;
	case E_MIN: case E_MAX: return x == y ? x : NULL;
	case E_EQ: case E_LE: case E_GE: return x == y ? ex_bits(DT_BOOL, 1) : NULL;
	case E_NE: case E_LT: case E_GT: return x == y ? ex_bits(DT_BOOL, 0) : NULL;
	case E_POW: return is_bits(y, 1) ? x : is_bits(y, 2) ? ex_bin(E_MUL, x, x) : NULL;
	default:    return NULL;
	}
}

static Expr *
simplify_float(EOp op, Expr *x, Expr *y)
{
	switch (op) {
	case E_ADD: return is_value(y, -0.0) ? x : NULL;
	case E_SUB: return is_value(y, 0) ? x : NULL;
	case E_MUL: case E_DIV: return is_value(y, 1) ? x : NULL;
	case E_POW: return is_value(y, 1) ? x : is_value(y, 2) ? ex_bin(E_MUL, x, x) : NULL;
	case E_MIN: case E_MAX: return x == y ? x : NULL;
	default:    return NULL;
	}
}

static Expr *
simplify_poly(EOp op, Expr *x, Expr *y)
{
	Ix p = as_poly(x), q = as_poly(y), r;
	int known;

	if (!p || !q)
		return NULL;
	if (eop_info[op].rule == 'C')
		return (known = poly_compare(op, p, q)) >= 0 ? ex_bits(DT_BOOL, (uint64_t)known) : NULL;
	return (r = poly_arith(op, p, q)) ? ex_ix(r) : NULL;
}

/* eq(x, true) = x */
static Expr *
simplify_bool(EOp op, Expr *x, Expr *y)
{
	if (x->dt != DT_BOOL || y->op != E_CONST || (op != E_EQ && op != E_NE))
		return NULL;
	return (op == E_EQ) == (y->u.bits != 0) ? x : ex_un(E_NOT, x);
}

Expr *
simplify_bin(EOp op, Expr *x, Expr *y)
{
	Expr *e;

	if ((e = simplify_poly(op, x, y)) || (e = simplify_bool(op, x, y)))
		return e;
	return dt_float(x->dt) ? simplify_float(op, x, y) : simplify_int(op, x, y);
}

/* casts */

/* the significant bits that hold every value of an integer dtype or bool */
static int
int_width(DType d)
{
	return d == DT_BOOL ? 1 : dtype_info[d].bits - (dt_signed(d) || d == DT_I4 || d == DT_I2);
}

static bool is_neg(DType d) { return dt_signed(d) || d == DT_I4 || d == DT_I2; }

static bool
is_intlike(DType d)
{
	return dt_int(d) || d == DT_BOOL || d == DT_I4 || d == DT_U4 || d == DT_I2 || d == DT_U2;
}

/* significand bits; 0 for what is no float */
static int
float_width(DType d)
{
	switch (d) {
	case DT_F64: return 53;
	case DT_F32: return 24;
	case DT_F16: return 11;
	case DT_BF16: return 8;
	default: return 0;
	}
}

bool
ex_lossless(DType a, DType b)
{
	if (a == b)
		return true;
	if (is_intlike(a))
		return is_intlike(b)
			? b != DT_BOOL && int_width(b) >= int_width(a) && (!is_neg(a) || is_neg(b))
			: float_width(b) >= int_width(a) && (b != DT_F16 || int_width(a) < 16);
	if (b == DT_F64 || (b == DT_F32 && a != DT_F64))
		return float_width(b) != 0 && !is_intlike(a);
	return false;
}

bool
cast_through(DType src, DType mid, DType dt)
{
	if (is_intlike(src) && is_intlike(mid) && is_intlike(dt) && dt != DT_BOOL && mid != DT_BOOL
			&& dtype_info[mid].bits >= dtype_info[dt].bits)
		return true;
	if (!ex_lossless(src, mid))
		return false;
	if (is_intlike(src) && !is_intlike(mid)) {
		if (is_intlike(dt))
			return dt == DT_BOOL || ex_lossless(src, DT_I32) || ex_lossless(src, dt);
		return float_width(dt) >= 24 || int_width(src) <= 24;
	}
	return true;
}
