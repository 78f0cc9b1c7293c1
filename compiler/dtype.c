/* Element types: the table, host conversions, packed memory. */
#include "dtype.h"

#include <math.h>

const DTypeInfo dtype_info[NDTYPE] = {
	[DT_NONE] = {"none", 0, DC_N, "void", ""},
#define DT(id, onnx, name, bits, class, ctype, npy) [DT_##id] = {name, bits, DC_##class, ctype, npy},
#include "dtype.def"
#undef DT
};

bool
dt_bytes(DType d, int64_t n, bool packed, size_t *bytes)
{
	int64_t bits = dtype_info[d].bits, r;

	if (n < 0)
		return false;
	if (!packed || bits >= 8) {
		if (!mul_ok(n, (bits + 7) / 8, &r))
			return false;
	} else if (!mul_ok(n / (8 / bits), 1, &r) || !add_ok(r, n % (8 / bits) != 0, &r)) {
		return false;
	}
	*bytes = (size_t)r;
	return (uint64_t)r <= SIZE_MAX;
}

DType
dt_parse(const char *name)
{
	for (int d = 1; d < NDTYPE; d++)
		if (!strcmp(dtype_info[d].name, name))
			return (DType)d;
	return DT_NONE;
}

/* floats of at most 16 bits: sign, exponent, m bits of mantissa. IEEE: the greatest exponent is infinity and
 * NaN. FN: no infinity, NaN is all ones. FNUZ: no infinity, no -0, NaN is the pattern of -0. FINITE:
 * neither; what cannot be said saturates, NaN becomes -0 (as ml_dtypes has it). */
enum kind { IEEE, FN, FNUZ, FINITE };

typedef struct Format { int m, bias; enum kind kind; unsigned max; } Format;

static const Format format[NDTYPE] = {
	[DT_F16]        = {10, 15,  IEEE,   0x7bff},
	[DT_BF16]       = {7,  127, IEEE,   0x7f7f},
	[DT_F8E4M3FN]   = {3,  7,   FN,     0x7e},
	[DT_F8E4M3FNUZ] = {3,  8,   FNUZ,   0x7f},
	[DT_F8E5M2]     = {2,  15,  IEEE,   0x7b},
	[DT_F8E5M2FNUZ] = {2,  16,  FNUZ,   0x7f},
	[DT_F4E2M1]     = {1,  1,   FINITE, 0x7},
};

static double
decode(const Format *f, int bits, uint64_t v)
{
	uint64_t sign = v >> (bits - 1) & 1, mag = v & (((uint64_t)1 << (bits - 1)) - 1), man;
	int exp = (int)(mag >> f->m);
	double r;

	man = mag & (((uint64_t)1 << f->m) - 1);
	if (exp)
		man |= (uint64_t)1 << f->m;
	if (f->kind == FNUZ ? sign && !mag : f->kind != FINITE && mag > f->max)
		r = f->kind == IEEE && mag == f->max + 1 ? INFINITY : NAN;
	else
		r = ldexp((double)man, (exp ? exp : 1) - f->bias - f->m);
	return sign ? -r : r;
}

/* the double's significand, shifted right to the format's last place with ties to even; a carry runs into
 * the exponent */
static uint64_t
encode(const Format *f, int bits, double x, bool saturate)
{
	uint64_t d, man, mag, sign, half;
	int exp, drop;

	memcpy(&d, &x, sizeof d);
	sign = d >> 63 << (bits - 1);
	exp = (int)(d >> 52 & 0x7ff) - 1023 + f->bias;
	man = (d & 0xfffffffffffffu) | 0x10000000000000u;
	if (isnan(x))
		return f->kind == IEEE ? sign | (f->max + 1) | (uint64_t)1 << (f->m - 1)
			: f->kind == FN ? sign | (f->max + 1) : (uint64_t)1 << (bits - 1);
	if (isinf(x))
		return f->kind == FINITE || saturate ? sign | f->max
			: f->kind == FNUZ ? (uint64_t)1 << (bits - 1) : sign | (f->max + 1);
	drop = 52 - f->m + (exp < 1 ? 1 - exp : 0);
	if (drop > 54 || x == 0)
		mag = 0;
	else {
		half = (uint64_t)1 << (drop - 1);
		mag = man >> drop;
		mag += (man & half) && ((man & (half - 1)) || (mag & 1));
		mag += exp < 1 ? 0 : (uint64_t)(exp - 1) << f->m;
	}
	if (mag > f->max)
		return encode(f, bits, sign ? -INFINITY : INFINITY, saturate);
	return f->kind == FNUZ && !mag ? 0 : sign | mag;
}

/* float8e8m0: the exponent of an f32, rounded up (ONNX's default); the sign is dropped */
static uint64_t
encode_e8m0(float x, bool saturate)
{
	uint32_t b, exp;

	memcpy(&b, &x, sizeof b);
	exp = b >> 23 & 0xff;
	if (exp == 0xff || !(b & 0x7fffff) || (saturate && exp == 0xfe))
		return exp;
	return exp + 1;
}

static int64_t
sign_extend(uint64_t bits, int n)
{
	return (int64_t)(bits << (64 - n)) >> (64 - n);
}

double
dt_to_double(DType d, uint64_t v)
{
	int bits = dtype_info[d].bits;
	float f;
	double r;
	uint32_t w = (uint32_t)v;

	switch (d) {
	case DT_F64:
		memcpy(&r, &v, sizeof r);
		return r;
	case DT_F32:
		memcpy(&f, &w, sizeof f);
		return f;
	case DT_F8E8M0:
		return (v & 0xff) == 0xff ? NAN : ldexp(1, (int)(v & 0xff) - 127);
	case DT_BOOL: case DT_U8: case DT_U16: case DT_U32: case DT_U4: case DT_U2:
		return (double)(v & (((uint64_t)1 << bits) - 1));
	case DT_U64:
		return (double)v;
	case DT_I8: case DT_I16: case DT_I32: case DT_I64: case DT_I4: case DT_I2:
		return (double)sign_extend(v, bits);
	default:
		if (!format[d].m)
			ill("dt_to_double of %s", dt_name(d));
		return decode(&format[d], bits, v);
	}
}

/* what x86's cvttsd2si gives: INT_MIN for NaN and what does not fit */
static int64_t
to_i64(double x)
{
	return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

static int64_t
to_i32(double x)
{
	return x > -0x1p31 - 1 && x < 0x1p31 ? (int64_t)x : INT32_MIN;
}

static uint64_t
to_u64(double x)
{
	return x >= 0x1p63 ? (uint64_t)to_i64(x - 0x1p63) ^ (uint64_t)1 << 63 : (uint64_t)to_i64(x);
}

/* saturating: clamped to the range; NaN gives 0 */
static uint64_t
clamp_int(int bits, bool neg, double x)
{
	double lo = neg ? -ldexp(1, bits - 1) : 0, hi = ldexp(1, bits - neg);
	uint64_t max = bits == 64 ? ~(uint64_t)0 >> neg : ((uint64_t)1 << (bits - neg)) - 1;

	if (isnan(x))
		return 0;
	if (x >= hi)
		return max;
	return x <= lo ? (uint64_t)to_i64(lo) : to_u64(x);
}

static uint64_t
to_int(DType d, double x, bool saturate)
{
	int bits = dtype_info[d].bits;
	bool neg = dt_signed(d) || d == DT_I4 || d == DT_I2;
	uint64_t v;

	if (saturate)
		v = clamp_int(bits, neg, x);
	else if (bits == 64)
		v = neg ? (uint64_t)to_i64(x) : to_u64(x);
	else
		v = (uint64_t)(d == DT_U32 ? to_i64(x) : to_i32(x));
	return bits == 64 ? v : v & (((uint64_t)1 << bits) - 1);
}

uint64_t
dt_from_double(DType d, double x, bool saturate)
{
	uint64_t v;
	uint32_t w;
	float f = (float)x;

	switch (d) {
	case DT_F64:
		memcpy(&v, &x, sizeof v);
		return v;
	case DT_F32:
		memcpy(&w, &f, sizeof w);
		return w;
	case DT_F8E8M0:
		return encode_e8m0(f, saturate);
	case DT_BOOL:
		return x != 0;
	default:
		if (format[d].m)
			return encode(&format[d], dtype_info[d].bits, x, saturate);
		if (dtype_info[d].class == DC_C || dtype_info[d].class == DC_S)
			ill("dt_from_double to %s", dt_name(d));
		return to_int(d, x, saturate);
	}
}

/* memory */

static bool
extends(DType d)
{
	return dt_signed(d) || d == DT_I4 || d == DT_I2;
}

static void
get_packed(int width, bool sign, const unsigned char *p, int64_t i, int64_t n, uint64_t *bits)
{
	int per = 8 / width;
	unsigned mask = (1u << width) - 1;

	for (int64_t k = 0; k < n; k++, i++) {
		bits[k] = p[i / per] >> (int)(i % per) * width & mask;
		if (sign)
			bits[k] = (uint64_t)sign_extend(bits[k], width);
	}
}

static void
put_packed(int width, unsigned char *p, int64_t i, int64_t n, const uint64_t *bits)
{
	int per = 8 / width, shift;
	unsigned mask = (1u << width) - 1;

	for (int64_t k = 0; k < n; k++, i++) {
		shift = (int)(i % per) * width;
		p[i / per] = (unsigned char)((p[i / per] & ~(mask << shift)) | (bits[k] & mask) << shift);
	}
}

#define GET(T) do { \
	T v_; \
	for (int64_t k = 0; k < n; k++) { \
		memcpy(&v_, (const char *)mem + (size_t)(i + k) * sizeof v_, sizeof v_); \
		bits[k] = (uint64_t)v_; \
	} } while (0)

void
dt_get(DType d, bool packed, const void *mem, int64_t i, int64_t n, uint64_t *bits)
{
	int width = dtype_info[d].bits;
	bool sign = extends(d);

	if (packed && width < 8) {
		get_packed(width, sign, mem, i, n, bits);
		return;
	}
	switch (dt_size(d) * 2 + sign) {
	case 2:  GET(uint8_t); break;
	case 3:  GET(int8_t); break;
	case 4:  GET(uint16_t); break;
	case 5:  GET(int16_t); break;
	case 8:  GET(uint32_t); break;
	case 9:  GET(int32_t); break;
	case 16: GET(uint64_t); break;
	case 17: GET(int64_t); break;
	default: ill("dt_get of %s", dt_name(d));
	}
}

#define PUT(T) do { \
	T v_; \
	for (int64_t k = 0; k < n; k++) { \
		v_ = (T)bits[k]; \
		memcpy((char *)mem + (size_t)(i + k) * sizeof v_, &v_, sizeof v_); \
	} } while (0)

/* unpacked memory takes the value of a narrow integer, extended to a byte */
void
dt_put(DType d, bool packed, void *mem, int64_t i, int64_t n, const uint64_t *bits)
{
	int width = dtype_info[d].bits;
	uint64_t v;

	if (packed && width < 8) {
		put_packed(width, mem, i, n, bits);
		return;
	}
	if (width < 8) {
		for (int64_t k = 0; k < n; k++) {
			v = bits[k] & (((uint64_t)1 << width) - 1);
			v = extends(d) ? (uint64_t)sign_extend(v, width) : v;
			((unsigned char *)mem)[i + k] = (unsigned char)v;
		}
		return;
	}
	switch (dt_size(d)) {
	case 1: PUT(uint8_t); break;
	case 2: PUT(uint16_t); break;
	case 4: PUT(uint32_t); break;
	case 8: PUT(uint64_t); break;
	default: ill("dt_put of %s", dt_name(d));
	}
}
