/* What each operation computes, on vectors of patterns: the one definition that folding and the
 * interpreter use.
 *
 * A pattern is zero-extended to 64 bits. f16 and bf16 compute in f32 and round. Functions of f32 are
 * computed in double and rounded. Casts:
 *
 *   int to int          modulo 2^bits
 *   int to float        nearest even; to f16, bf16 and narrow floats through f32
 *   float to float      nearest even, directly. float8: out of range gives infinity, or NaN where there is
 *                       none; castsat gives the greatest finite number. float4e2m1 always saturates.
 *                       float8e8m0: the exponent of the number as f32, rounded up
 *   float to int        truncates. i64: INT64_MIN for NaN and what does not fit. i32: INT32_MIN. i8, i16, u8,
 *                       u16 and narrower: through i32, modulo. u32: through i64, modulo. u64: below 2^63
 *                       through i64; from 2^63 on x - 2^63 through i64, plus 2^63 (2^64 and more: 0)
 *   castsat to int      clamps to the range, truncates; NaN gives 0
 *   castsat to f16, bf16, f32, f64    is cast
 *   to bool             x != 0, true for NaN
 */
#include "pool.h"

#include <math.h>

static float f32_of(uint64_t v) { uint32_t w = (uint32_t)v; float f; memcpy(&f, &w, sizeof f); return f; }
static uint64_t of_f32(float f) { uint32_t w; memcpy(&w, &f, sizeof w); return w; }
static double f64_of(uint64_t v) { double d; memcpy(&d, &v, sizeof d); return d; }
static uint64_t of_f64(double d) { uint64_t v; memcpy(&v, &d, sizeof v); return v; }

#define EACH(e) do { for (int i = 0; i < n; i++) r[i] = (e); } while (0)

/* floats */

static double fsign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x; }
static double fmin_nan(double x, double y) { return x != x ? x : y != y ? y : y < x ? y : x; }
static double fmax_nan(double x, double y) { return x != x ? x : y != y ? y : y > x ? y : x; }

static double
fmodp(double x, double y)
{
	double r = fmod(x, y);

	if (r == 0)
		return copysign(0, y);
	return (r < 0) != (y < 0) ? r + y : r;
}

/* one body for both float types: arithmetic in T, functions in double */
#define FLOAT_OPS(T, name, of, to, fma_) \
static bool \
name(EOp op, const uint64_t *const *a, uint64_t *r, int n) \
{ \
	const uint64_t *x = a[0], *y = a[1], *z = a[2]; \
\
	switch (op) { \
	case E_ADD: EACH(to(of(x[i]) + of(y[i]))); break; \
	case E_SUB: EACH(to(of(x[i]) - of(y[i]))); break; \
	case E_MUL: EACH(to(of(x[i]) * of(y[i]))); break; \
	case E_DIV: EACH(to(of(x[i]) / of(y[i]))); break; \
	case E_REM: EACH(to((T)fmod(of(x[i]), of(y[i])))); break; \
	case E_FMOD: EACH(to((T)fmodp(of(x[i]), of(y[i])))); break; \
	case E_POW: EACH(to((T)pow(of(x[i]), of(y[i])))); break; \
	case E_MIN: EACH(to((T)fmin_nan(of(x[i]), of(y[i])))); break; \
	case E_MAX: EACH(to((T)fmax_nan(of(x[i]), of(y[i])))); break; \
	case E_FMA: EACH(to(fma_(of(x[i]), of(y[i]), of(z[i])))); break; \
	case E_NEG: EACH(to(-of(x[i]))); break; \
	case E_ABS: EACH(to((T)fabs(of(x[i])))); break; \
	case E_SIGN: EACH(to((T)fsign(of(x[i])))); break; \
	case E_EQ: EACH(of(x[i]) == of(y[i])); break; \
	case E_NE: EACH(of(x[i]) != of(y[i])); break; \
	case E_LT: EACH(of(x[i]) < of(y[i])); break; \
	case E_LE: EACH(of(x[i]) <= of(y[i])); break; \
	case E_GT: EACH(of(x[i]) > of(y[i])); break; \
	case E_GE: EACH(of(x[i]) >= of(y[i])); break; \
	case E_ISNAN: EACH(isnan(of(x[i])) != 0); break; \
	case E_ISINF: EACH(isinf(of(x[i])) != 0); break; \
	case E_FLOOR: EACH(to((T)floor(of(x[i])))); break; \
	case E_CEIL: EACH(to((T)ceil(of(x[i])))); break; \
	case E_ROUND: EACH(to((T)rint(of(x[i])))); break; \
	case E_TRUNC: EACH(to((T)trunc(of(x[i])))); break; \
	case E_SQRT: EACH(to((T)sqrt(of(x[i])))); break; \
	case E_EXP: EACH(to((T)exp(of(x[i])))); break; \
	case E_LOG: EACH(to((T)log(of(x[i])))); break; \
	case E_LOG1P: EACH(to((T)log1p(of(x[i])))); break; \
	case E_EXPM1: EACH(to((T)expm1(of(x[i])))); break; \
	case E_ERF: EACH(to((T)erf(of(x[i])))); break; \
	case E_SIN: EACH(to((T)sin(of(x[i])))); break; \
	case E_COS: EACH(to((T)cos(of(x[i])))); break; \
	case E_TAN: EACH(to((T)tan(of(x[i])))); break; \
	case E_ASIN: EACH(to((T)asin(of(x[i])))); break; \
	case E_ACOS: EACH(to((T)acos(of(x[i])))); break; \
	case E_ATAN: EACH(to((T)atan(of(x[i])))); break; \
	case E_SINH: EACH(to((T)sinh(of(x[i])))); break; \
	case E_COSH: EACH(to((T)cosh(of(x[i])))); break; \
	case E_TANH: EACH(to((T)tanh(of(x[i])))); break; \
	case E_ASINH: EACH(to((T)asinh(of(x[i])))); break; \
	case E_ACOSH: EACH(to((T)acosh(of(x[i])))); break; \
	case E_ATANH: EACH(to((T)atanh(of(x[i])))); break; \
	default: return false; \
	} \
	return true; \
}

FLOAT_OPS(float, f32_ops, f32_of, of_f32, fmaf)
FLOAT_OPS(double, f64_ops, f64_of, of_f64, fma)

enum { CHUNK = 256 };

/* f16, bf16: widen, compute, round */
static bool
half_ops(EOp op, DType dt, const uint64_t *const *a, uint64_t *r, int n)
{
	uint64_t wide[3][CHUNK];
	const uint64_t *w[3] = {wide[0], wide[1], wide[2]};
	char rule = eop_info[op].rule;
	int m;

	for (int at = 0; at < n; at += m) {
		m = n - at < CHUNK ? n - at : CHUNK;
		for (int k = 0; k < eop_info[op].n; k++)
			for (int i = 0; i < m; i++)
				wide[k][i] = of_f32((float)dt_to_double(dt, a[k][at + i]));
		if (!f32_ops(op, w, r + at, m))
			return false;
		for (int i = 0; rule != 'C' && rule != 'P' && i < m; i++)
			r[at + i] = dt_from_double(dt, f32_of(r[at + i]), false);
	}
	return true;
}

/* integers */

static uint64_t
ipow(uint64_t x, uint64_t y, bool negative)
{
	uint64_t r = 1;

	if (negative)
		return x == 1 ? 1 : x == ~(uint64_t)0 ? (y & 1 ? x : 1) : 0;
	for (; y; y >>= 1, x *= x)
		if (y & 1)
			r *= x;
	return r;
}

static int64_t irem(int64_t x, int64_t y) { return y == 0 || y == -1 ? 0 : x % y; }

static int64_t
idiv(int64_t x, int64_t y)
{
	return y == 0 ? 0 : y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}

static int64_t
imodp(int64_t x, int64_t y)
{
	int64_t r = irem(x, y);

	return r && (r < 0) != (y < 0) ? r + y : r;
}

/* what does not care about the sign; the caller masks */
static bool
any_ops(EOp op, const uint64_t *const *a, uint64_t *r, int n)
{
	const uint64_t *x = a[0], *y = a[1];

	switch (op) {
	case E_ADD: EACH(x[i] + y[i]); break;
	case E_SUB: EACH(x[i] - y[i]); break;
	case E_MUL: EACH(x[i] * y[i]); break;
	case E_NEG: EACH(0 - x[i]); break;
	case E_NOT: EACH(~x[i]); break;
	case E_AND: EACH(x[i] & y[i]); break;
	case E_OR:  EACH(x[i] | y[i]); break;
	case E_XOR: EACH(x[i] ^ y[i]); break;
	case E_EQ:  EACH(x[i] == y[i]); break;
	case E_NE:  EACH(x[i] != y[i]); break;
	default:    return false;
	}
	return true;
}

static uint64_t
dot4(uint64_t s, uint64_t a, uint64_t b, bool is_signed)
{
	for (int k = 0; k < 32; k += 8) {
		uint8_t u = (uint8_t)(a >> k);
		s += (uint64_t)((is_signed ? (int64_t)(int8_t)u : u) * (int8_t)(uint8_t)(b >> k));
	}
	return s;
}

static bool
signed_ops(EOp op, int bits, const uint64_t *const *a, uint64_t *r, int n)
{
	int s = 64 - bits;

#define X ((int64_t)(a[0][i] << s) >> s)
#define Y ((int64_t)(a[1][i] << s) >> s)
	switch (op) {
	case E_DIV: EACH((uint64_t)idiv(X, Y)); break;
	case E_REM: EACH((uint64_t)irem(X, Y)); break;
	case E_FMOD: EACH((uint64_t)imodp(X, Y)); break;
	case E_POW: EACH(ipow((uint64_t)X, (uint64_t)Y, Y < 0)); break;
	case E_MIN: EACH((uint64_t)(X < Y ? X : Y)); break;
	case E_MAX: EACH((uint64_t)(X > Y ? X : Y)); break;
	case E_ABS: EACH(X < 0 ? 0 - (uint64_t)X : (uint64_t)X); break;
	case E_SIGN: EACH((uint64_t)((X > 0) - (X < 0))); break;
	case E_SHL: EACH(a[1][i] >= (uint64_t)bits ? 0 : a[0][i] << a[1][i]); break;
	case E_DOT4: case E_SDOT4: EACH(dot4(a[0][i], a[1][i], a[2][i], op == E_SDOT4)); break;
	case E_SHR: EACH((uint64_t)(X >> (a[1][i] >= (uint64_t)bits ? 63 : a[1][i]))); break;
	case E_LT: EACH(X < Y); break;
	case E_LE: EACH(X <= Y); break;
	case E_GT: EACH(X > Y); break;
	case E_GE: EACH(X >= Y); break;
	default: return false;
	}
	return true;
#undef X
#undef Y
}

static bool
unsigned_ops(EOp op, int bits, const uint64_t *const *a, uint64_t *r, int n)
{
	const uint64_t *x = a[0], *y = a[1];

	switch (op) {
	case E_DIV: EACH(y[i] ? x[i] / y[i] : 0); break;
	case E_REM: case E_FMOD: EACH(y[i] ? x[i] % y[i] : 0); break;
	case E_POW: EACH(ipow(x[i], y[i], false)); break;
	case E_MIN: EACH(x[i] < y[i] ? x[i] : y[i]); break;
	case E_MAX: EACH(x[i] > y[i] ? x[i] : y[i]); break;
	case E_ABS: EACH(x[i]); break;
	case E_SIGN: EACH(x[i] != 0); break;
	case E_SHL: EACH(y[i] >= (uint64_t)bits ? 0 : x[i] << y[i]); break;
	case E_SHR: EACH(y[i] >= (uint64_t)bits ? 0 : x[i] >> y[i]); break;
	case E_LT: EACH(x[i] < y[i]); break;
	case E_LE: EACH(x[i] <= y[i]); break;
	case E_GT: EACH(x[i] > y[i]); break;
	case E_GE: EACH(x[i] >= y[i]); break;
	default: return false;
	}
	return true;
}

static uint64_t
mask_of(DType d)
{
	int bits = d == DT_BOOL ? 1 : dtype_info[d].bits;

	return bits >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << bits) - 1;
}

static bool
int_ops(EOp op, DType dt, const uint64_t *const *a, uint64_t *r, int n)
{
	uint64_t mask = mask_of(dt);
	int bits = dtype_info[dt].bits;

	if (!any_ops(op, a, r, n)
			&& !(dt_signed(dt) ? signed_ops(op, bits, a, r, n) : unsigned_ops(op, bits, a, r, n)))
		return false;
	if (eop_info[op].rule != 'C' && mask != ~(uint64_t)0)
		EACH(r[i] & mask);
	return true;
}

/* casts */

static bool
intlike(DType d)
{
	return dt_int(d) || d == DT_BOOL || d == DT_I4 || d == DT_U4 || d == DT_I2 || d == DT_U2;
}

static uint64_t
int_to_float(DType from, DType to, bool sat, uint64_t v)
{
	int s = 64 - dtype_info[from].bits;
	bool neg = dt_signed(from) || from == DT_I4 || from == DT_I2;
	int64_t x = neg ? (int64_t)(v << s) >> s : (int64_t)v;
	float f = from == DT_U64 ? (float)v : (float)x;

	if (to == DT_F64)
		return of_f64(from == DT_U64 ? (double)v : (double)x);
	return to == DT_F32 ? of_f32(f) : dt_from_double(to, f, sat);
}

/* clamped to the destination's range; its ends are compared as numbers of the source's signedness */
static uint64_t
int_saturate(DType from, DType to, uint64_t v)
{
	bool neg = dt_signed(to) || to == DT_I4 || to == DT_I2;
	int bits = to == DT_BOOL ? 1 : dtype_info[to].bits, s = 64 - dtype_info[from].bits;
	uint64_t max = bits == 64 ? ~(uint64_t)0 >> neg : ((uint64_t)1 << (bits - neg)) - 1;
	int64_t x = (int64_t)(v << s) >> s, lo = neg ? -(int64_t)max - 1 : 0;

	if (!dt_signed(from) && from != DT_I4 && from != DT_I2)
		return v > max ? max : v;
	return (uint64_t)(x < lo ? lo : x > 0 && (uint64_t)x > max ? (int64_t)max : x) & mask_of(to);
}

static uint64_t
sign_or_zero(DType from, uint64_t v)
{
	int s = 64 - dtype_info[from].bits;

	return dt_signed(from) || from == DT_I4 || from == DT_I2 ? (uint64_t)((int64_t)(v << s) >> s) : v;
}

static void
cast_ops(bool sat, DType dt, DType from, const uint64_t *x, uint64_t *r, int n)
{
	uint64_t mask = mask_of(dt);

	if (dt == DT_BOOL && intlike(from))
		EACH(x[i] != 0);
	else if (intlike(from) && intlike(dt) && sat)
		EACH(int_saturate(from, dt, x[i]));
	else if (intlike(from) && intlike(dt))
		EACH(sign_or_zero(from, x[i]) & mask);
	else if (intlike(from))
		EACH(int_to_float(from, dt, sat, x[i]));
	else if (from == DT_F32 && dt == DT_F64)
		EACH(of_f64(f32_of(x[i])));
	else if (from == DT_F64 && dt == DT_F32)
		EACH(of_f32((float)f64_of(x[i])));
	else
		EACH(dt_from_double(dt, dt_to_double(from, x[i]), sat));
}

void
ex_eval_n(EOp op, DType dt, const uint64_t *const *a, const DType *adt, uint64_t *r, int n)
{
	DType d = adt[0];
	bool ok;

	switch (op) {
	case E_CAST: case E_CASTSAT:
		cast_ops(op == E_CASTSAT && !dt_float(dt), dt, d, a[0], r, n);
		return;
	case E_BITCAST:
		EACH(a[0][i]);
		return;
	case E_SELECT:
		EACH(a[0][i] ? a[1][i] : a[2][i]);
		return;
	default:
		break;
	}
	switch (dtype_info[d].class) {
	case DC_F:
		ok = d == DT_F32 ? f32_ops(op, a, r, n) : d == DT_F64 ? f64_ops(op, a, r, n)
			: half_ops(op, d, a, r, n);
		break;
	case DC_I: case DC_U: case DC_B:
		ok = int_ops(op, d, a, r, n);
		break;
	default:
		ok = false;
	}
	if (!ok)
		bug("no value for %s of %s", eop_info[op].text, dt_name(d));
}

uint64_t
ex_eval(EOp op, DType dt, const uint64_t *a, const DType *adt, int n)
{
	const uint64_t *p[3] = {a, a + (n > 1), a + (n > 2 ? 2 : 0)};
	uint64_t r;

	ex_eval_n(op, dt, p, adt, &r, 1);
	return r;
}
