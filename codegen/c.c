/* The C target: C99 that is C++17 too. */
#include "emit.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum {
	F32 = DTBIT(F32), F64 = DTBIT(F64), B = DTBIT(BOOL),
	I8 = DTBIT(I8), I16 = DTBIT(I16), I32 = DTBIT(I32), I64 = DTBIT(I64),
	U8 = DTBIT(U8), U16 = DTBIT(U16), U32 = DTBIT(U32), U64 = DTBIT(U64),
	STR = DTBIT(STR),
	S = I8 | I16 | I32 | I64, U = U8 | U16 | U32 | U64,
	NUM = F32 | F64 | S | U,
};

#define FUNC(op, name) {E_##op, F32, P_POST, false, name "f(%0)"}, {E_##op, F64, P_POST, false, name "(%0)"}
#define EXACT(op, name) {E_##op, F32, P_POST, true, name "f(%0)"}, {E_##op, F64, P_POST, true, name "(%0)"}
/* integers wrap: in the unsigned type of the same width, or in int where nothing can overflow */
#define WRAP(op, sym, prec) \
	{E_##op, U32 | U64, prec, true, "%0 " sym " %1"}, \
	{E_##op, I8, P_UNARY, true, "(int8_t)(%0 " sym " %1)"}, {E_##op, U8, P_UNARY, true, "(uint8_t)(%0 " sym " %1)"}, \
	{E_##op, I16, P_UNARY, true, "(int16_t)(%0 " sym " %1)"}, \
	{E_##op, U16, P_UNARY, true, "(uint16_t)((uint32_t)%0 " sym " %1)"}, \
	{E_##op, I32, P_UNARY, true, "(int32_t)((uint32_t)%0 " sym " (uint32_t)%1)"}, \
	{E_##op, I64, P_UNARY, true, "(int64_t)((uint64_t)%0 " sym " (uint64_t)%1)"}
/* through a helper on 64 bits, back to the type */
#define VIA64(op, s, u) \
	{E_##op, I8, P_UNARY, true, "(int8_t)" s "_i64(%0, %1)"}, \
		{E_##op, I16, P_UNARY, true, "(int16_t)" s "_i64(%0, %1)"}, \
		{E_##op, I32, P_UNARY, true, "(int32_t)" s "_i64(%0, %1)"}, \
		{E_##op, I64, P_POST, true, s "_i64(%0, %1)"}, \
		{E_##op, U8, P_UNARY, true, "(uint8_t)" u "_u64(%0, %1)"}, \
		{E_##op, U16, P_UNARY, true, "(uint16_t)" u "_u64(%0, %1)"}, \
		{E_##op, U32, P_UNARY, true, "(uint32_t)" u "_u64(%0, %1)"}, \
		{E_##op, U64, P_POST, true, u "_u64(%0, %1)"}
#define MINMAX(op, f) \
	{E_##op, F32, P_POST, true, f "_f32(%0, %1)"}, {E_##op, F64, P_POST, true, f "_f64(%0, %1)"}, \
	{E_##op, I8, P_UNARY, true, "(int8_t)" f "_i32(%0, %1)"}, {E_##op, I16, P_UNARY, true, "(int16_t)" f "_i32(%0, %1)"}, \
	{E_##op, I32, P_POST, true, f "_i32(%0, %1)"}, {E_##op, I64, P_POST, true, f "_i64(%0, %1)"}, \
	{E_##op, U8, P_UNARY, true, "(uint8_t)" f "_u32(%0, %1)"}, {E_##op, U16, P_UNARY, true, "(uint16_t)" f "_u32(%0, %1)"}, \
	{E_##op, U32, P_POST, true, f "_u32(%0, %1)"}, {E_##op, U64, P_POST, true, f "_u64(%0, %1)"}
#define BITS(op, sym, logic, prec) \
	{E_##op, B, prec, true, logic}, {E_##op, I32 | I64 | U32 | U64, P_BIT, true, "%0 " sym " %1"}, \
		{E_##op, I8, P_UNARY, true, "(int8_t)(%0 " sym " %1)"}, \
		{E_##op, U8, P_UNARY, true, "(uint8_t)(%0 " sym " %1)"}, \
		{E_##op, I16, P_UNARY, true, "(int16_t)(%0 " sym " %1)"}, \
		{E_##op, U16, P_UNARY, true, "(uint16_t)(%0 " sym " %1)"}
#define COMPARE(op, sym) {E_##op, NUM | B, P_REL, true, "%0 " sym " %1"}

static const Row c_rows[] = {
	{E_ADD, F32 | F64, P_ADD, false, "%0 + %1"}, WRAP(ADD, "+", P_ADD),
	{E_SUB, F32 | F64, P_ADD, false, "%0 - %1"}, WRAP(SUB, "-", P_ADD),
	{E_MUL, F32 | F64, P_MUL, false, "%0 * %1"}, WRAP(MUL, "*", P_MUL),
	{E_DIV, F32 | F64, P_MUL, false, "%0 / %1"}, VIA64(DIV, "zn_div", "zn_div"),
	{E_REM, F32, P_POST, false, "fmodf(%0, %1)"}, {E_REM, F64, P_POST, false, "fmod(%0, %1)"}, VIA64(REM, "zn_rem", "zn_rem"),
	{E_FMOD, F32, P_POST, false, "zn_mod_f32(%0, %1)"}, {E_FMOD, F64, P_POST, false, "zn_mod_f64(%0, %1)"},
	VIA64(FMOD, "zn_mod", "zn_rem"),
	{E_POW, F32, P_POST, false, "powf(%0, %1)"}, {E_POW, F64, P_POST, false, "pow(%0, %1)"}, VIA64(POW, "zn_pow", "zn_pow"),
	MINMAX(MIN, "zn_min"), MINMAX(MAX, "zn_max"),
	{E_MIN, B, P_AND, true, "%0 && %1"}, {E_MAX, B, P_OR, true, "%0 || %1"},
	{E_FMA, F32, P_POST, false, "fmaf(%0, %1, %2)"}, {E_FMA, F64, P_POST, false, "fma(%0, %1, %2)"},
	{E_DOT4, I32, P_POST, true, "zn_dot4(%0, %1, %2)"}, {E_SDOT4, I32, P_POST, true, "zn_sdot4(%0, %1, %2)"},
	{E_NEG, F32 | F64, P_UNARY, true, "-%0"},
	{E_NEG, I8, P_UNARY, true, "(int8_t)-%0"}, {E_NEG, I16, P_UNARY, true, "(int16_t)-%0"},
	{E_NEG, I32, P_UNARY, true, "(int32_t)(0u - (uint32_t)%0)"}, {E_NEG, I64, P_UNARY, true, "(int64_t)(0u - (uint64_t)%0)"},
	{E_NEG, U8, P_UNARY, true, "(uint8_t)-%0"}, {E_NEG, U16, P_UNARY, true, "(uint16_t)-%0"},
	{E_NEG, U32 | U64, P_ADD, true, "0u - %0"},
	EXACT(ABS, "fabs"), {E_ABS, U, P_ANY, true, "%0"}, {E_ABS, I64, P_POST, true, "zn_abs_i64(%0)"},
	{E_ABS, I8, P_UNARY, true, "(int8_t)zn_abs_i64(%0)"}, {E_ABS, I16, P_UNARY, true, "(int16_t)zn_abs_i64(%0)"},
	{E_ABS, I32, P_UNARY, true, "(int32_t)zn_abs_i64(%0)"},
	{E_SIGN, F32, P_POST, true, "zn_sign_f32(%0)"}, {E_SIGN, F64, P_POST, true, "zn_sign_f64(%0)"},
	{E_SIGN, I8, P_UNARY, true, "(int8_t)zn_sign_i64(%0)"}, {E_SIGN, I16, P_UNARY, true, "(int16_t)zn_sign_i64(%0)"},
	{E_SIGN, I32 | I64, P_POST, true, "zn_sign_i64(%0)"},
	{E_SIGN, U8, P_UNARY, true, "(uint8_t)(%0 != 0)"}, {E_SIGN, U16, P_UNARY, true, "(uint16_t)(%0 != 0)"},
	{E_SIGN, U32, P_UNARY, true, "(uint32_t)(%0 != 0)"}, {E_SIGN, U64, P_UNARY, true, "(uint64_t)(%0 != 0)"},
	{E_NOT, B, P_UNARY, true, "!%0"}, {E_NOT, I32 | I64 | U32 | U64, P_UNARY, true, "~%0"},
	{E_NOT, I8, P_UNARY, true, "(int8_t)~%0"}, {E_NOT, I16, P_UNARY, true, "(int16_t)~%0"},
	{E_NOT, U8, P_UNARY, true, "(uint8_t)~%0"}, {E_NOT, U16, P_UNARY, true, "(uint16_t)~%0"},
	BITS(AND, "&", "%0 && %1", P_AND), BITS(OR, "|", "%0 || %1", P_OR), BITS(XOR, "^", "%0 != %1", P_REL),
	{E_SHL, I8, P_UNARY, true, "(int8_t)zn_shl((uint64_t)%0, (uint64_t)%1, 8)"},
	{E_SHL, I16, P_UNARY, true, "(int16_t)zn_shl((uint64_t)%0, (uint64_t)%1, 16)"},
	{E_SHL, I32, P_UNARY, true, "(int32_t)zn_shl((uint64_t)%0, (uint64_t)%1, 32)"},
	{E_SHL, I64, P_UNARY, true, "(int64_t)zn_shl((uint64_t)%0, (uint64_t)%1, 64)"},
	{E_SHL, U8, P_UNARY, true, "(uint8_t)zn_shl(%0, %1, 8)"}, {E_SHL, U16, P_UNARY, true, "(uint16_t)zn_shl(%0, %1, 16)"},
	{E_SHL, U32, P_UNARY, true, "(uint32_t)zn_shl(%0, %1, 32)"}, {E_SHL, U64, P_POST, true, "zn_shl(%0, %1, 64)"},
	{E_SHR, I8, P_UNARY, true, "(int8_t)zn_sar(%0, (uint64_t)%1)"}, {E_SHR, I16, P_UNARY, true, "(int16_t)zn_sar(%0, (uint64_t)%1)"},
	{E_SHR, I32, P_UNARY, true, "(int32_t)zn_sar(%0, (uint64_t)%1)"}, {E_SHR, I64, P_POST, true, "zn_sar(%0, (uint64_t)%1)"},
	{E_SHR, U8, P_UNARY, true, "(uint8_t)zn_shr(%0, %1)"}, {E_SHR, U16, P_UNARY, true, "(uint16_t)zn_shr(%0, %1)"},
	{E_SHR, U32, P_UNARY, true, "(uint32_t)zn_shr(%0, %1)"}, {E_SHR, U64, P_POST, true, "zn_shr(%0, %1)"},
	COMPARE(EQ, "=="), COMPARE(NE, "!="), COMPARE(LT, "<"), COMPARE(LE, "<="), COMPARE(GT, ">"), COMPARE(GE, ">="),
	{E_ISNAN, F32, P_POST, true, "zn_isnan_f32(%0)"}, {E_ISNAN, F64, P_POST, true, "zn_isnan_f64(%0)"},
	{E_ISINF, F32, P_POST, true, "zn_isinf_f32(%0)"}, {E_ISINF, F64, P_POST, true, "zn_isinf_f64(%0)"},
	EXACT(FLOOR, "floor"), EXACT(CEIL, "ceil"),
	{E_ROUND, F32, P_POST, true, "zn_rint_f32(%0)"}, {E_ROUND, F64, P_POST, true, "rint(%0)"},
	EXACT(TRUNC, "trunc"),
	FUNC(SQRT, "sqrt"), FUNC(EXP, "exp"), FUNC(LOG, "log"), FUNC(LOG1P, "log1p"), FUNC(EXPM1, "expm1"), FUNC(ERF, "erf"),
	FUNC(SIN, "sin"), FUNC(COS, "cos"), FUNC(TAN, "tan"), FUNC(ASIN, "asin"), FUNC(ACOS, "acos"), FUNC(ATAN, "atan"),
	FUNC(SINH, "sinh"), FUNC(COSH, "cosh"), FUNC(TANH, "tanh"), FUNC(ASINH, "asinh"), FUNC(ACOSH, "acosh"),
	FUNC(ATANH, "atanh"),
	{E_STREQ, STR, P_POST, true, "zn_streq(%0, %1)"},
	{E_NUMSTR, S, P_POST, true, "zn_str_i64(heap, %0)"}, {E_NUMSTR, U | B, P_POST, true, "zn_str_u64(heap, %0)"},
	{E_NUMSTR, F32, P_POST, true, "zn_str_f32(heap, %0)"}, {E_NUMSTR, F64, P_POST, true, "zn_str_f64(heap, %0)"},
	{E_STRCAT, STR, P_POST, true, "zn_strcat(heap, %0, %1)"},
	{E_STRLOW, STR, P_POST, true, "zn_strcase(heap, %0, 'A', 'Z')"},
	{E_STRUP, STR, P_POST, true, "zn_strcase(heap, %0, 'a', 'z')"},
	{E_STRPARTS, STR, P_POST, true, "zn_strparts(%0, %1)"}, {E_STRPART, I64, P_POST, true, "zn_strpart(%0, %1, %2)"},
};

static bool half(DType d) { return d == DT_F16 || d == DT_BF16; }
static bool smallint(DType d) { return d == DT_I4 || d == DT_U4 || d == DT_I2 || d == DT_U2; }
static bool whole(DType d) { return dt_int(d) || d == DT_BOOL || smallint(d); }
static bool narrow_float(DType d) { return dtype_info[d].class == DC_N && !smallint(d); }

static const char *
mem_type(DType d, bool packed)
{
	return packed && dtype_info[d].bits < 8 ? "uint8_t" : dtype_info[d].ctype;
}

static const char *
value_type(DType d)
{
	return half(d) ? "float" : dtype_info[d].ctype;
}

/* decimal where that is exact and short, else hexadecimal */
static const char *
float_text(double v, bool f32)
{
	char *s = fmt("%.6g", v);

	if (strtod(s, NULL) != v || strlen(s) > 9)
		return fmt("%a%s", v, f32 ? "f" : "");
	return fmt("%s%s%s", s, strpbrk(s, ".e") ? "" : ".0", f32 ? "f" : "");
}

static const char *
float_const(DType d, double v, enum prec *prec)
{
	const char *minus = signbit(v) ? "-" : "";

	*prec = signbit(v) ? P_UNARY : P_POST;
	if (isnan(v) || isinf(v)) {
		*prec = d == DT_F64 ? P_UNARY : *prec;
		return fmt("%s%s%s", d == DT_F64 ? "(double)" : "", minus, isnan(v) ? "NAN" : "INFINITY");
	}
	return fmt("%s%s", minus, float_text(fabs(v), d != DT_F64));
}

static const char *
int_const(DType d, uint64_t bits, enum prec *prec)
{
	int s = 64 - dtype_info[d].bits;
	bool neg = dt_signed(d) || d == DT_I4 || d == DT_I2;
	int64_t v = neg ? (int64_t)(bits << s) >> s : (int64_t)bits;

	*prec = neg && v < 0 ? P_UNARY : P_POST;
	if (d == DT_U64)
		return bits >> 32 ? fmt("UINT64_C(%" PRIu64 ")", bits) : fmt("%" PRIu64 "u", bits);
	if (d == DT_U32)
		return fmt("%" PRIu64 "u", bits);
	if (v == INT64_MIN || (d == DT_I32 && v == INT32_MIN)) {
		*prec = P_POST;
		return d == DT_I32 ? "INT32_MIN" : "INT64_MIN";
	}
	if (v > INT32_MAX || v < -INT32_MAX)
		return fmt("%sINT64_C(%" PRId64 ")", v < 0 ? "-" : "", v < 0 ? -v : v);
	return fmt("%" PRId64, v);
}

static const char *
constant(DType d, uint64_t bits, enum prec *prec)
{
	if (dt_float(d))
		return float_const(d, dt_to_double(d, bits), prec);
	if (whole(d))
		return int_const(d, bits, prec);
	if (narrow_float(d))
		return int_const(DT_U8, bits, prec);
	return NULL;
}

static const char *
to_mem(DType d)
{
	return d == DT_F16 ? "zn_f32_f16(%0)" : d == DT_BF16 ? "zn_f32_bf16(%0)" : NULL;
}

static const char *
from_mem(DType d)
{
	return d == DT_F16 ? "zn_f16_f32(%0)" : d == DT_BF16 ? "zn_bf16_f32(%0)" : NULL;
}

static const char *
round_to(DType d)
{
	return d == DT_F16 ? "zn_f16r" : "zn_bf16r";
}

static const char *
narrow_name(DType d)
{
	static const char *const name[NDTYPE] = {[DT_F8E4M3FN] = "f8e4m3fn",
		[DT_F8E4M3FNUZ] = "f8e4m3fnuz",
		[DT_F8E5M2] = "f8e5m2",
		[DT_F8E5M2FNUZ] = "f8e5m2fnuz",
		[DT_F4E2M1] = "f4e2m1",
		[DT_F8E8M0] = "f8e8m0"};

	return name[d];
}

/* a number of at most 8 bits, from an expression of type int */
static const char *
wrap_small(DType to, const char *x)
{
	int bits = dtype_info[to].bits;

	if (to == DT_I4 || to == DT_I2)
		return fmt("zn_sext(%s, %d)", x, bits);
	return fmt("(uint8_t)(%s & %d)", x, (1 << bits) - 1);
}

static const char *
float_to_int(DType to, bool f32)
{
	const char *ct = dtype_info[to].ctype;

	switch (to) {
	case DT_BOOL: return f32 ? "(%0 != 0.0f)" : "(%0 != 0.0)";
	case DT_I64: return "zn_f64_i64(%0)";
	case DT_U64: return "zn_f64_u64(%0)";
	case DT_U32: return "(uint32_t)zn_f64_i64(%0)";
	case DT_I32: return f32 ? "zn_f32_i32(%0)" : "zn_f64_i32(%0)";
	case DT_I4: case DT_U4: case DT_I2: case DT_U2:
		return wrap_small(to, f32 ? "zn_f32_i32(%0)" : "zn_f64_i32(%0)");
	default: return fmt("(%s)%s(%%0)", ct, f32 ? "zn_f32_i32" : "zn_f64_i32");
	}
}

static const char *
float_to_int_sat(DType to, bool f32)
{
	int bits = dtype_info[to].bits;
	bool neg = dt_signed(to) || to == DT_I4 || to == DT_I2;
	long long lo = neg ? -(1LL << (bits - 1)) : 0, hi = bits < 64 ? (1LL << (bits - neg)) - 1 : 0;

	if (to == DT_BOOL)
		return float_to_int(to, f32);
	if (bits == 64)
		return neg ? "zn_sat_i64(%0)" : "zn_sat_u64(%0)";
	if (bits == 32 || !f32)
		return fmt("(%s)zn_clamp_f64(%%0, %lld.0, %lld.0)", dtype_info[to].ctype, lo, hi);
	return fmt("(%s)(int32_t)zn_clamp_f32(%%0, %lld.0f, %lld.0f)", dtype_info[to].ctype, lo, hi);
}

static const char *
int_to_int(DType to, DType from, bool sat)
{
	int bits = dtype_info[to].bits;
	bool neg = dt_signed(to) || to == DT_I4 || to == DT_I2,
	     sneg = dt_signed(from) || from == DT_I4 || from == DT_I2;
	const char *ct = dtype_info[to].ctype;

	if (to == DT_BOOL)
		return from == DT_BOOL ? "%0" : "(%0 != 0)";
	if (sat && sneg && to == DT_U64)
		return "(uint64_t)zn_max_i64(%0, 0)";
	if (sat && sneg && bits < 64)
		return fmt("(%s)zn_clamp_i64(%%0, %s%lld, %lld)", ct, neg ? "-" : "", neg ? 1LL << (bits - 1) : 0LL,
			(1LL << (bits - neg)) - 1);
	if (sat && !sneg && bits - neg < 64)
		return fmt("(%s)zn_clamp_u64(%%0, UINT64_C(%" PRIu64 "))", ct,
			((uint64_t)1 << (bits - neg)) - 1);
	if (smallint(to))
		return wrap_small(to, from == DT_BOOL ? "%0" : "(int)%0");
	return fmt("(%s)%%0", ct);
}

/* from the float that holds a value of `from`, or the double, to `to` */
static const char *
float_to_float(DType to, DType from, bool sat)
{
	bool d64 = from == DT_F64;

	if (to == from)
		return "%0";
	if (narrow_float(to))
		return fmt("zn_f64_%s(%%0, %d)", narrow_name(to), sat);
	if (to == DT_F64)
		return "(double)%0";
	if (to == DT_F32)
		return d64 ? "(float)%0" : "%0";
	return d64 ? fmt("%s(zn_f64_odd(%%0))", round_to(to)) : fmt("%s(%%0)", round_to(to));
}

static const char *
int_to_float(DType to, bool sat)
{
	if (to == DT_F64)
		return "(double)%0";
	if (to == DT_F32)
		return "(float)%0";
	if (narrow_float(to))
		return fmt("zn_f64_%s((float)%%0, %d)", narrow_name(to), sat);
	return fmt("%s((float)%%0)", round_to(to));
}

static enum prec
prec_of(const char *text)
{
	if (!strcmp(text, "%0"))
		return P_ANY;            /* as tight as its operand: the printer sees to it */
	return *text == '(' && strcmp(text, "(%0 != 0)") && strncmp(text, "(%0 != 0.0", 10) ? P_UNARY
											    : P_POST;
}

static const char *
replace(const char *text, const char *by)
{
	const char *at = strstr(text, "%0");

	return fmt("%.*s%s%s", (int)(at - text), text, by, at + 2);
}

static const char *
cast(DType to, DType from, bool sat, enum prec *prec)
{
	const char *s;

	if (dtype_info[to].class == DC_S || dtype_info[from].class == DC_S || dtype_info[to].class == DC_C)
		return NULL;
	if (to == from)
		s = "%0";
	else if (whole(from))
		s = whole(to) ? int_to_int(to, from, sat) : int_to_float(to, sat);
	else if (whole(to))
		s = sat ? float_to_int_sat(to, from != DT_F64) : float_to_int(to, from != DT_F64);
	else
		s = float_to_float(to, from, sat);
	if (narrow_float(from) && to != from)
		s = replace(s, fmt("zn_%s_f32(%%0)", narrow_name(from)));
	*prec = prec_of(s);
	return s;
}

static const char *
bitcast(DType to, DType from, enum prec *prec)
{
	const char *s;

	if (dtype_info[to].bits != dtype_info[from].bits)
		return NULL;
	if (from == DT_F32 || from == DT_F64) {
		s = from == DT_F32 ? "zn_f32_bits(%0)" : "zn_f64_bits(%0)";
		s = to == from ? "%0" : dt_signed(to) ? fmt("(%s)%s", dtype_info[to].ctype, s) : s;
	} else if (to == DT_F32 || to == DT_F64) {
		s = to == DT_F32 ? "zn_bits_f32((uint32_t)%0)" : "zn_bits_f64((uint64_t)%0)";
	} else {
		s = smallint(to) || smallint(from) ? wrap_small(to, "%0")
						   : fmt("(%s)%%0", dtype_info[to].ctype);
	}
	*prec = prec_of(s);
	return s;
}

static const char *
get_packed(DType d)
{
	return d == DT_I4 ? "zn_sext(zn_get4(%0, %1), 4)" : d == DT_I2 ? "zn_sext(zn_get2(%0, %1), 2)"
		: dtype_info[d].bits == 4 ? "zn_get4(%0, %1)" : "zn_get2(%0, %1)";
}

static const char *
put_packed(DType d)
{
	return dtype_info[d].bits == 4 ? "zn_put4" : "zn_put2";
}

const Target target_c = {
	.name = "c",
	.what = "C99 and C++17, any processor",
	.row = c_rows,
	.nrow = LEN(c_rows),
	.index = {"int32_t", "int64_t"},
	.index_suffix = {"_i32", "_i64"},
	.restrict_ = "ZN_RESTRICT",
	.kernel = "static ZN_KERNEL",
	.value_type = value_type,
	.mem_type = mem_type,
	.constant = constant,
	.cast = cast,
	.bitcast = bitcast,
	.to_mem = to_mem,
	.from_mem = from_mem,
	.round = round_to,
	.get = get_packed,
	.put = put_packed,
};
