/* Helpers of generated C, written into NAME.c where they are used. Each piece begins with a mark that names it and may
 * call others that stand before it. Meanings: codegen/ir.h. C99 and C++17; no undefined behaviour for any argument. */
/*@ zn_keep */
#if defined __aarch64__
#define ZN_KEEP(v) "+w"(v)
#else
#define ZN_KEEP(v) "+v"(v)
#endif

/*@ zn_prefetch */
#if defined __GNUC__ || defined __clang__
#define ZN_PREFETCH(p) __builtin_prefetch(p, 0, 2)
#else
#define ZN_PREFETCH(p) ((void)(p))
#endif

/*@ zn_has_avx512 */
#define zn_has_avx512() (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && \
	__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))

/*@ zn_has_avx512vnni */
#define zn_has_avx512vnni() (zn_has_avx512() && __builtin_cpu_supports("avx512vnni"))

/*@ zn_has_avx2 */
#define zn_has_avx2() (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))

/*@ zn_has_neondot */
/* Linux tells of the instructions SDOT and UDOT in the bit ASIMDDP */
#if defined __ARM_FEATURE_DOTPROD
#define zn_has_neondot() 1
#elif defined __aarch64__ && defined __linux__
#include <sys/auxv.h>
#define zn_has_neondot() (getauxval(AT_HWCAP) >> 20 & 1)
#else
#define zn_has_neondot() 0
#endif

/*@ zn_f32_bits */
static inline uint32_t zn_f32_bits(float x)
{
	uint32_t u;
	memcpy(&u, &x, sizeof u);
	return u;
}

/*@ zn_bits_f32 */
static inline float zn_bits_f32(uint32_t u)
{
	float x;
	memcpy(&x, &u, sizeof x);
	return x;
}

/*@ zn_f64_bits */
static inline uint64_t zn_f64_bits(double x)
{
	uint64_t u;
	memcpy(&u, &x, sizeof u);
	return u;
}

/*@ zn_bits_f64 */
static inline double zn_bits_f64(uint64_t u)
{
	double x;
	memcpy(&x, &u, sizeof x);
	return x;
}

/*@ zn_f16_f32 */
/* float16 is a uint16_t in memory and a float in expressions, rounded after every operation */
static inline float zn_f16_f32(uint16_t h)
{
	const uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h & 0x7c00u;
	uint32_t u = (uint32_t)(h & 0x7fff) << 13;

	if (e == 0x7c00u)
		u += 0x70000000u;
	else if (e != 0)
		u += 0x38000000u;
	else
		u = zn_f32_bits((float)(h & 0x3ff) * 5.9604644775390625e-08f);
	return zn_bits_f32(sign | u);
}

/*@ zn_f32_f16 */
static inline uint16_t zn_f32_f16(float x)
{
	const uint32_t u = zn_f32_bits(x), a = u & 0x7fffffffu;
	uint32_t r;

	if (a >= 0x47800000u)
		r = a > 0x7f800000u ? 0x7e00u : 0x7c00u;
	else if (a >= 0x38800000u)
		r = (a - 0x38000000u + 0xfffu + (a >> 13 & 1u)) >> 13;
	else
		r = zn_f32_bits(zn_bits_f32(a) + 0.5f) - 0x3f000000u;
	return (uint16_t)((u >> 16 & 0x8000u) | r);
}

/*@ zn_f16r */
static inline float zn_f16r(float x) { return zn_f16_f32(zn_f32_f16(x)); }

/*@ zn_bf16_f32 */
static inline float zn_bf16_f32(uint16_t h) { return zn_bits_f32((uint32_t)h << 16); }

/*@ zn_f32_bf16 */
static inline uint16_t zn_f32_bf16(float x)
{
	const uint32_t u = zn_f32_bits(x);

	if ((u & 0x7fffffffu) > 0x7f800000u)
		return (uint16_t)((u >> 16 & 0x8000u) | 0x7fc0u);
	return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

/*@ zn_bf16r */
static inline float zn_bf16r(float x) { return zn_bf16_f32(zn_f32_bf16(x)); }

/*@ zn_f64_odd */
/* rounds to odd, so that a second rounding to fewer bits is as if there had been no first */
static inline float zn_f64_odd(double x)
{
	const float f = (float)x;
	uint32_t u = zn_f32_bits(f);

	if ((double)f == x || x != x)
		return f;
	if (fabs((double)f) > fabs(x))
		u--;
	return zn_bits_f32(u | 1u);
}

/*@ zn_small_f32 */
/* floats of at most 8 bits: m bits of mantissa; max: the greatest finite pattern; kind 0: IEEE, 1: no infinity, NaN is
 * all ones, 2: no infinity, no -0, NaN is the pattern of -0, 3: neither */
static inline float zn_small_f32(unsigned v, int bits, int m, int bias, int kind, unsigned max)
{
	const unsigned sign = v >> (bits - 1) & 1u, mag = v & ((1u << (bits - 1)) - 1u), man = mag & ((1u << m) - 1u);
	const int e = (int)(mag >> m);
	float r;

	if (kind == 0 && mag == max + 1u)
		r = INFINITY;
	else if (kind == 2 ? sign && !mag : kind != 3 && mag > max)
		r = NAN;
	else
		r = e ? ldexpf((float)(man | 1u << m), e - bias - m) : ldexpf((float)man, 1 - bias - m);
	return sign ? -r : r;
}

/*@ zn_f64_small */
static inline uint8_t zn_f64_small(double x, int sat, int bits, int m, int bias, int kind, unsigned max)
{
	const uint64_t d = zn_f64_bits(x), man = (d & 0xfffffffffffffu) | 0x10000000000000u;
	const unsigned sign = (unsigned)(d >> 63) << (bits - 1), nz = 1u << (bits - 1);
	const int e = (int)(d >> 52 & 0x7ff) - 1023 + bias, drop = 52 - m + (e < 1 ? 1 - e : 0);
	uint64_t mag = 0, half;

	if (x != x)
		return (uint8_t)(kind == 0 ? sign | (max + 1u) | 1u << (m - 1) : kind == 1 ? sign | (max + 1u) : nz);
	if (drop <= 54 && x != 0) {
		half = (uint64_t)1 << (drop - 1);
		mag = man >> drop;
		mag += (man & half) && ((man & (half - 1)) || (mag & 1)) ? 1u : 0u;
		mag += e < 1 ? 0 : (uint64_t)(e - 1) << m;
	}
	if (mag > max || fabs(x) > 3.4e38)
		return (uint8_t)(kind == 3 || sat ? sign | max : kind == 2 ? nz : sign | (max + 1u));
	return (uint8_t)(kind == 2 && !mag ? 0 : sign | (unsigned)mag);
}

/*@ zn_f8e4m3fn_f32 */
static inline float zn_f8e4m3fn_f32(uint8_t v) { return zn_small_f32(v, 8, 3, 7, 1, 0x7e); }

/*@ zn_f8e4m3fnuz_f32 */
static inline float zn_f8e4m3fnuz_f32(uint8_t v) { return zn_small_f32(v, 8, 3, 8, 2, 0x7f); }

/*@ zn_f8e5m2_f32 */
static inline float zn_f8e5m2_f32(uint8_t v) { return zn_small_f32(v, 8, 2, 15, 0, 0x7b); }

/*@ zn_f8e5m2fnuz_f32 */
static inline float zn_f8e5m2fnuz_f32(uint8_t v) { return zn_small_f32(v, 8, 2, 16, 2, 0x7f); }

/*@ zn_f4e2m1_f32 */
static inline float zn_f4e2m1_f32(uint8_t v) { return zn_small_f32(v, 4, 1, 1, 3, 0x7); }

/*@ zn_f8e8m0_f32 */
static inline float zn_f8e8m0_f32(uint8_t v) { return v == 0xff ? NAN : ldexpf(1.0f, v - 127); }

/*@ zn_f64_f8e4m3fn */
static inline uint8_t zn_f64_f8e4m3fn(double x, int sat) { return zn_f64_small(x, sat, 8, 3, 7, 1, 0x7e); }

/*@ zn_f64_f8e4m3fnuz */
static inline uint8_t zn_f64_f8e4m3fnuz(double x, int sat) { return zn_f64_small(x, sat, 8, 3, 8, 2, 0x7f); }

/*@ zn_f64_f8e5m2 */
static inline uint8_t zn_f64_f8e5m2(double x, int sat) { return zn_f64_small(x, sat, 8, 2, 15, 0, 0x7b); }

/*@ zn_f64_f8e5m2fnuz */
static inline uint8_t zn_f64_f8e5m2fnuz(double x, int sat) { return zn_f64_small(x, sat, 8, 2, 16, 2, 0x7f); }

/*@ zn_f64_f4e2m1 */
static inline uint8_t zn_f64_f4e2m1(double x, int sat) { return zn_f64_small(x, sat, 4, 1, 1, 3, 0x7); }

/*@ zn_f64_f8e8m0 */
static inline uint8_t zn_f64_f8e8m0(double x, int sat)
{
	const uint32_t u = zn_f32_bits((float)x), e = u >> 23 & 0xffu;

	return (uint8_t)(e == 0xffu || !(u & 0x7fffffu) || (sat && e == 0xfeu) ? e : e + 1u);
}

/*@ zn_f32_i32 */
/* truncation; the most negative number for NaN and what does not fit */
static inline int32_t zn_f32_i32(float x)
{
	return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN;
}

/*@ zn_f64_i32 */
static inline int32_t zn_f64_i32(double x)
{
	return x > -2147483649.0 && x < 2147483648.0 ? (int32_t)x : INT32_MIN;
}

/*@ zn_f64_i64 */
static inline int64_t zn_f64_i64(double x)
{
	return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (int64_t)x : INT64_MIN;
}

/*@ zn_f64_u64 */
static inline uint64_t zn_f64_u64(double x)
{
	if (x >= 9223372036854775808.0)
		return (uint64_t)zn_f64_i64(x - 9223372036854775808.0) ^ (uint64_t)1 << 63;
	return (uint64_t)zn_f64_i64(x);
}

/*@ zn_clamp_f32 */
/* into [lo, hi]; NaN gives 0 */
static inline float zn_clamp_f32(float x, float lo, float hi)
{
	return x < lo ? lo : x > hi ? hi : x == x ? x : 0.0f;
}

/*@ zn_clamp_f64 */
static inline double zn_clamp_f64(double x, double lo, double hi)
{
	return x < lo ? lo : x > hi ? hi : x == x ? x : 0.0;
}

/*@ zn_sat_i64 */
static inline int64_t zn_sat_i64(double x)
{
	return x >= 9223372036854775808.0 ? INT64_MAX : x == x ? zn_f64_i64(x) : 0;
}

/*@ zn_sat_u64 */
static inline uint64_t zn_sat_u64(double x)
{
	return x >= 18446744073709551616.0 ? UINT64_MAX : x > 0 ? zn_f64_u64(x) : 0;
}

/*@ zn_clamp_i64 */
static inline int64_t zn_clamp_i64(int64_t x, int64_t lo, int64_t hi) { return x < lo ? lo : x > hi ? hi : x; }

/*@ zn_clamp_u64 */
static inline uint64_t zn_clamp_u64(uint64_t x, uint64_t hi) { return x > hi ? hi : x; }

/*@ zn_sext */
/* the low bits of x as a signed number */
static inline int8_t zn_sext(int x, int bits)
{
	const int half = 1 << (bits - 1);

	return (int8_t)(((x & (2 * half - 1)) ^ half) - half);
}

/*@ zn_min_f32 */
/* NaN if either is */
static inline float zn_min_f32(float x, float y) { return y < x ? y : y == y ? x : y; }

/*@ zn_max_f32 */
static inline float zn_max_f32(float x, float y) { return y > x ? y : y == y ? x : y; }

/*@ zn_min_f64 */
static inline double zn_min_f64(double x, double y) { return y < x ? y : y == y ? x : y; }

/*@ zn_max_f64 */
static inline double zn_max_f64(double x, double y) { return y > x ? y : y == y ? x : y; }

/*@ zn_min_i64 */
static inline int64_t zn_min_i64(int64_t x, int64_t y) { return x < y ? x : y; }

/*@ zn_max_i64 */
static inline int64_t zn_max_i64(int64_t x, int64_t y) { return x > y ? x : y; }

/*@ zn_min_i32 */
static inline int32_t zn_min_i32(int32_t x, int32_t y) { return x < y ? x : y; }

/*@ zn_max_i32 */
static inline int32_t zn_max_i32(int32_t x, int32_t y) { return x > y ? x : y; }

/*@ zn_min_u64 */
static inline uint64_t zn_min_u64(uint64_t x, uint64_t y) { return x < y ? x : y; }

/*@ zn_max_u64 */
static inline uint64_t zn_max_u64(uint64_t x, uint64_t y) { return x > y ? x : y; }

/*@ zn_min_u32 */
static inline uint32_t zn_min_u32(uint32_t x, uint32_t y) { return x < y ? x : y; }

/*@ zn_max_u32 */
static inline uint32_t zn_max_u32(uint32_t x, uint32_t y) { return x > y ? x : y; }

/*@ zn_sign_f32 */
static inline float zn_sign_f32(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x == 0.0f ? 0.0f : x; }

/*@ zn_sign_f64 */
static inline double zn_sign_f64(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : x == 0.0 ? 0.0 : x; }

/*@ zn_sign_i64 */
static inline int zn_sign_i64(int64_t x) { return (x > 0) - (x < 0); }

/*@ zn_abs_i64 */
static inline int64_t zn_abs_i64(int64_t x) { return x < 0 ? (int64_t)(0 - (uint64_t)x) : x; }

/*@ zn_rint_f32 */
/* where no instruction rounds, adding 2^23 does, which leaves no room for a fraction */
static inline float zn_rint_f32(float x)
{
#if defined __SSE4_1__ || (defined __ARM_ARCH && __ARM_ARCH >= 8) || defined __wasm__ || \
	!defined __FLT_EVAL_METHOD__ || __FLT_EVAL_METHOD__
	return rintf(x);
#else
	float a = fabsf(x);

	return a < 8388608.0f ? copysignf(a + 8388608.0f - 8388608.0f, x) : x;
#endif
}

/*@ zn_isnan_f32 */
static inline int zn_isnan_f32(float x) { return x != x; }

/*@ zn_isnan_f64 */
static inline int zn_isnan_f64(double x) { return x != x; }

/*@ zn_isinf_f32 */
static inline int zn_isinf_f32(float x) { return fabsf(x) == INFINITY; }

/*@ zn_isinf_f64 */
static inline int zn_isinf_f64(double x) { return fabs(x) == (double)INFINITY; }

/*@ zn_mod_f32 */
/* the remainder with the divisor's sign */
static inline float zn_mod_f32(float x, float y)
{
	const float r = fmodf(x, y);

	return r == 0.0f ? copysignf(0.0f, y) : (r < 0.0f) != (y < 0.0f) ? r + y : r;
}

/*@ zn_mod_f64 */
static inline double zn_mod_f64(double x, double y)
{
	const double r = fmod(x, y);

	return r == 0.0 ? copysign(0.0, y) : (r < 0.0) != (y < 0.0) ? r + y : r;
}

/*@ zn_div_i64 */
/* never traps: x/0 = 0, INT64_MIN/-1 = INT64_MIN */
static inline int64_t zn_div_i64(int64_t x, int64_t y)
{
	return y == 0 ? 0 : y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}

/*@ zn_rem_i64 */
static inline int64_t zn_rem_i64(int64_t x, int64_t y) { return y == 0 || y == -1 ? 0 : x % y; }

/*@ zn_mod_i64 */
static inline int64_t zn_mod_i64(int64_t x, int64_t y)
{
	const int64_t r = zn_rem_i64(x, y);

	return r && (r < 0) != (y < 0) ? r + y : r;
}

/*@ zn_div_u64 */
static inline uint64_t zn_div_u64(uint64_t x, uint64_t y) { return y ? x / y : 0; }

/*@ zn_rem_u64 */
static inline uint64_t zn_rem_u64(uint64_t x, uint64_t y) { return y ? x % y : 0; }

/*@ zn_pow_u64 */
static inline uint64_t zn_pow_u64(uint64_t x, uint64_t y)
{
	uint64_t r = 1;

	for (; y; y >>= 1, x *= x)
		if (y & 1)
			r *= x;
	return r;
}

/*@ zn_pow_i64 */
static inline int64_t zn_pow_i64(int64_t x, int64_t y)
{
	if (y < 0)
		return x == 1 ? 1 : x == -1 ? (y % 2 ? -1 : 1) : 0;
	return (int64_t)zn_pow_u64((uint64_t)x, (uint64_t)y);
}

/*@ zn_shl */
static inline uint64_t zn_shl(uint64_t x, uint64_t n, unsigned bits) { return n >= bits ? 0 : x << n; }

/*@ zn_shr */
static inline uint64_t zn_shr(uint64_t x, uint64_t n) { return n >= 64 ? 0 : x >> n; }

/*@ zn_sar */
static inline int64_t zn_sar(int64_t x, uint64_t n) { return x >> (n >= 63 ? 63 : n); }

/*@ zn_floordiv_i32 */
/* rounds down; y > 0 */
static inline int32_t zn_floordiv_i32(int32_t x, int32_t y) { return y ? x / y - (x % y < 0) : 0; }

/*@ zn_floordiv_i64 */
static inline int64_t zn_floordiv_i64(int64_t x, int64_t y) { return y ? x / y - (x % y < 0) : 0; }

/*@ zn_bcast_i32 */
/* the dim of a broadcast */
static inline int32_t zn_bcast_i32(int32_t x, int32_t y) { return x == 1 ? y : x; }

/*@ zn_bcast_i64 */
static inline int64_t zn_bcast_i64(int64_t x, int64_t y) { return x == 1 ? y : x; }

/*@ zn_get4 */
/* packed elements, the first in the low bits */
static inline uint8_t zn_get4(const uint8_t *p, int64_t i) { return (uint8_t)(p[i / 2] >> (i % 2 * 4) & 15); }

/*@ zn_get2 */
static inline uint8_t zn_get2(const uint8_t *p, int64_t i) { return (uint8_t)(p[i / 4] >> (i % 4 * 2) & 3); }

/*@ zn_put4 */
static inline void zn_put4(uint8_t *p, int64_t i, int v)
{
	const int s = (int)(i % 2) * 4;

	p[i / 2] = (uint8_t)((p[i / 2] & ~(15 << s)) | (v & 15) << s);
}

/*@ zn_put2 */
static inline void zn_put2(uint8_t *p, int64_t i, int v)
{
	const int s = (int)(i % 4) * 2;

	p[i / 4] = (uint8_t)((p[i / 4] & ~(3 << s)) | (v & 3) << s);
}

/*@ zn_streq */
static inline int zn_streq(zenith_string a, zenith_string b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/*@ zn_blank */
static inline int zn_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*@ zn_strnext */
/* the part of s at *at, which goes behind it and its separator (none: blanks); with `rest` all that is left. 0 where
 * there is none */
static inline int zn_strnext(zenith_string s, zenith_string sep, size_t *at, int rest, zenith_string *part)
{
	size_t from = *at, to;

	while (sep.n == 0 && from < s.n && zn_blank(s.p[from]))
		from++;
	if (from > s.n || (sep.n == 0 && from == s.n))
		return 0;
	for (to = from; to < s.n && !rest; to++)
		if (sep.n ? s.n - to >= sep.n && memcmp(s.p + to, sep.p, sep.n) == 0 : zn_blank(s.p[to]))
			break;
	if (rest)
		to = s.n;
	part->p = from ? s.p + from : s.p;
	part->n = to - from;
	*at = to == s.n ? s.n + 1 : to + sep.n;
	return 1;
}

/*@ zn_strparts */
static inline int64_t zn_strparts(zenith_string s, zenith_string sep)
{
	zenith_string part;
	size_t at = 0;
	int64_t n = 0;

	while (zn_strnext(s, sep, &at, 0, &part))
		n++;
	return n;
}

/*@ zn_strpart */
/* part k, or all from part -1 - k on; nothing where there are fewer */
static inline zenith_string zn_strpart(zenith_string s, zenith_string sep, int64_t k)
{
	zenith_string part, none = { NULL, 0 };
	int64_t before = k < 0 ? -1 - k : k;
	size_t at = 0;

	while (before-- > 0)
		if (!zn_strnext(s, sep, &at, 0, &part))
			return none;
	return zn_strnext(s, sep, &at, k < 0, &part) ? part : none;
}

/*@ zn_strnum */
/* text as a number, 0 if it is none: blanks, sign, decimal digits with point and exponent, nan, inf, infinity */
static inline double zn_strnum(zenith_string s)
{
	const char *p = s.p, *const end = s.n ? s.p + s.n : s.p;
	const char *word;
	double r = 0.0, scale = 1.0;
	int neg, any = 0, e = 0, eneg = 0, exp10 = 0, k;

	while (p != end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
		p++;
	neg = p != end && *p == '-';
	if (p != end && (*p == '-' || *p == '+'))
		p++;
	if (p != end && (*p == 'n' || *p == 'N' || *p == 'i' || *p == 'I')) {
		word = *p == 'n' || *p == 'N' ? "nan" : "infinity";
		for (k = 0; p != end && word[k] && (*p | 32) == word[k]; k++)
			p++;
		r = word[0] == 'n' ? (k == 3 ? (double)NAN : 0.0) : k == 3 || k == 8 ? (double)INFINITY : 0.0;
		return neg ? -r : r;
	}
	for (; p != end && *p >= '0' && *p <= '9'; p++, any = 1)
		r = r * 10.0 + (*p - '0');
	if (p != end && *p == '.')
		for (p++; p != end && *p >= '0' && *p <= '9'; p++, any = 1) {
			r = r * 10.0 + (*p - '0');
			exp10--;
		}
	if (any && p != end && (*p == 'e' || *p == 'E')) {
		p++;
		eneg = p != end && *p == '-';
		if (p != end && (*p == '-' || *p == '+'))
			p++;
		for (; p != end && *p >= '0' && *p <= '9'; p++)
			e = e < 10000 ? e * 10 + (*p - '0') : e;
	}
	exp10 += eneg ? -e : e;
	for (k = exp10 < 0 ? -exp10 : exp10; k > 0 && scale < 1e300; k--)
		scale *= 10.0;
	r = exp10 < 0 ? r / scale : r * scale;
	for (; k > 0 && r != 0.0 && r < 1e308; k--)
		r = exp10 < 0 ? r / 10.0 : r * 10.0;
	return neg ? -r : r;
}

/*@ zn_strint */
static inline int64_t zn_strint(zenith_string s)
{
	size_t i = 0;
	uint64_t r = 0;
	int neg = 0;

	while (i < s.n && s.p[i] == ' ')
		i++;
	if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
		neg = s.p[i++] == '-';
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		r = r * 10u + (uint64_t)(s.p[i] - '0');
	return (int64_t)(neg ? 0 - r : r);
}

/*@ zn_cut_i32 */
/* where part number `part` of `parts` begins in n iterations */
static inline int32_t zn_cut_i32(int32_t n, int part, int parts)
{
	return (int32_t)((int64_t)n * part / parts);
}

/*@ zn_cut_i64 */
static inline int64_t zn_cut_i64(int64_t n, int part, int parts)
{
	return n * part / parts;
}

/*@ zn_fork */
/* every part of a kernel, through the pool if there is one */
static inline void zn_fork(zenith_pool *pool, zenith_task task, void *args, int parts)
{
	int i;

	if (pool) {
		pool->run(pool, task, args, parts);
		return;
	}
	for (i = 0; i < parts; i++)
		task(args, i);
}

/*@ zn_joined */
static inline int zn_joined(const int *status, int parts)
{
	int i = 0;

	while (i < parts - 1 && status[i] == ZENITH_OK)
		i++;
	return status[i];
}

/*@ zn_ftz_get */
/* the mode of floats: what becomes of denormals, among others */
static inline uint64_t zn_ftz_get(void)
{
#if defined __GNUC__ && defined __SSE__
	uint32_t mode;

	__asm__ __volatile__("stmxcsr %0" : "=m"(mode) : : "memory");
	return mode;
#elif defined __GNUC__ && defined __aarch64__
	uint64_t mode;

	__asm__ __volatile__("mrs %0, fpcr" : "=r"(mode) : : "memory");
	return mode;
#else
	return 0;
#endif
}

/*@ zn_ftz_set */
static inline void zn_ftz_set(uint64_t to)
{
#if defined __GNUC__ && defined __SSE__
	const uint32_t mode = (uint32_t)to;

	__asm__ __volatile__("ldmxcsr %0" : : "m"(mode) : "memory");
#elif defined __GNUC__ && defined __aarch64__
	__asm__ __volatile__("msr fpcr, %0" : : "r"(to) : "memory");
#else
	(void)to;
#endif
}

/*@ zn_ftz_of */
/* that mode with denormals as zero, operands and results */
static inline uint64_t zn_ftz_of(uint64_t mode)
{
#if defined __GNUC__ && defined __SSE__
	return mode | 0x8040u;
#elif defined __GNUC__ && defined __aarch64__
	return mode | 0x1000000u;
#else
	return mode;
#endif
}

/*@ zn_heap */
/* the heap region: the tail of the workspace, given out from p up to end */
typedef struct zn_heap {
	unsigned char *p, *end;
	int full;
} zn_heap;

/*@ zn_alloc */
static inline void *zn_alloc(zn_heap *h, int64_t n, size_t size)
{
	const size_t room = (size_t)(h->end - h->p);
	unsigned char *p = h->p;
	size_t bytes;

	if (n < 0 || (uint64_t)n > room / size) {
		h->full = 1;
		return NULL;
	}
	bytes = ((size_t)n * size + 15u) & ~(size_t)15u;
	if (bytes > room) {
		h->full = 1;
		return NULL;
	}
	h->p += bytes;
	return p;
}

/*@ zn_text */
static inline zenith_string zn_text(zn_heap *h, const char *s, size_t n)
{
	zenith_string r = { NULL, 0 };
	char *p = (char *)zn_alloc(h, (int64_t)n, 1);

	if (p) {
		memcpy(p, s, n);
		r.p = p;
		r.n = n;
	}
	return r;
}

/*@ zn_strcat */
static inline zenith_string zn_strcat(zn_heap *h, zenith_string a, zenith_string b)
{
	zenith_string r = { NULL, 0 };
	char *p;

	if (a.n == 0 || b.n == 0)
		return a.n == 0 ? b : a;
	p = (char *)zn_alloc(h, (int64_t)(a.n + b.n), 1);
	if (p) {
		memcpy(p, a.p, a.n);
		memcpy(p + a.n, b.p, b.n);
		r.p = p;
		r.n = a.n + b.n;
	}
	return r;
}

/*@ zn_strcase */
/* the letters from..to of ASCII in the other case */
static inline zenith_string zn_strcase(zn_heap *h, zenith_string s, char from, char to)
{
	zenith_string r = { NULL, 0 };
	char *p = (char *)zn_alloc(h, (int64_t)s.n, 1);
	size_t i;

	if (p) {
		for (i = 0; i < s.n; i++)
			p[i] = (char)(s.p[i] >= from && s.p[i] <= to ? s.p[i] ^ 32 : s.p[i]);
		r.p = p;
		r.n = s.n;
	}
	return r;
}

/*@ zn_u64_digits */
/* writes decimal digits before end; where they begin */
static inline char *zn_u64_digits(char *end, uint64_t x)
{
	do
		*--end = (char)('0' + (int)(x % 10u));
	while ((x /= 10u) != 0);
	return end;
}

/*@ zn_str_i64 */
static inline zenith_string zn_str_i64(zn_heap *h, int64_t x)
{
	char b[24], *p = zn_u64_digits(b + sizeof b, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);

	if (x < 0)
		*--p = '-';
	return zn_text(h, p, (size_t)(b + sizeof b - p));
}

/*@ zn_str_u64 */
static inline zenith_string zn_str_u64(zn_heap *h, uint64_t x)
{
	char b[24], *p = zn_u64_digits(b + sizeof b, x);

	return zn_text(h, p, (size_t)(b + sizeof b - p));
}

/*@ zn_scale10 */
static inline double zn_scale10(double x, int k)
{
	if (k > 300)
		return x * 1e300 * pow(10.0, k - 300);
	return k < 0 ? x / pow(10.0, -k) : x * pow(10.0, k);
}

/*@ zn_str_f64 */
/* eight significant digits, without trailing zeros; an exponent below 1e-4 and from 1e8 on */
static inline zenith_string zn_str_f64(zn_heap *h, double x)
{
	char b[40], d[8], *p = b;
	const double a = fabs(x);
	int e, i, n = 8, point;
	int64_t m;

	if (x != x)
		return zn_text(h, "NaN", 3);
	if (a > 1.7976931348623157e308)
		return x < 0 ? zn_text(h, "-INF", 4) : zn_text(h, "INF", 3);
	if (copysign(1.0, x) < 0)
		*p++ = '-';
	e = a == 0.0 ? 0 : (int)floor(log10(a));
	m = (int64_t)rint(zn_scale10(a, 7 - e));
	if (m >= 100000000 || (a != 0.0 && m < 10000000)) {
		e += m >= 100000000 ? 1 : -1;
		m = (int64_t)rint(zn_scale10(a, 7 - e));
	}
	for (i = 7; i >= 0; i--, m /= 10)
		d[i] = (char)('0' + (int)(m % 10));
	while (n > 1 && d[n - 1] == '0')
		n--;
	point = e < -4 || e >= 8 ? 0 : e;
	if (point < 0) {
		*p++ = '0';
		*p++ = '.';
		for (i = -1; i > point; i--)
			*p++ = '0';
	}
	for (i = 0; i < n || i <= point; i++) {
		if (i == point + 1 && point >= 0)
			*p++ = '.';
		*p++ = i < n ? d[i] : '0';
	}
	if (e < -4 || e >= 8) {
		*p++ = 'e';
		*p++ = e < 0 ? '-' : '+';
		e = e < 0 ? -e : e;
		if (e >= 100)
			*p++ = (char)('0' + e / 100);
		*p++ = (char)('0' + e / 10 % 10);
		*p++ = (char)('0' + e % 10);
	}
	return zn_text(h, b, (size_t)(p - b));
}

/*@ zn_str_f32 */
static inline zenith_string zn_str_f32(zn_heap *h, float x) { return zn_str_f64(h, (double)x); }

/*@ zn_copy */
static inline void zn_copy(void *to, const void *from, int64_t n, size_t size)
{
	if (n > 0)
		memmove(to, from, (size_t)n * size);
}

/*@ zn_room */
/* whether the elements of these dims fit */
static inline int zn_room(const int64_t *dims, int rank, size_t capacity)
{
	uint64_t n = 1;
	int i;

	for (i = 0; i < rank; i++)
		if (dims[i] <= 0)
			return dims[i] == 0;
	for (i = 0; i < rank; i++) {
		if (n > (uint64_t)capacity / (uint64_t)dims[i])
			return 0;
		n *= (uint64_t)dims[i];
	}
	return n <= capacity;
}

/*@ zn_misplaced */
/* no place for elements of that size */
static inline int zn_misplaced(const void *p, size_t size)
{
	return !p || (uintptr_t)p % (size < sizeof(void *) ? size : sizeof(void *));
}

/*@ zn_nothing */
/* stands for the element that an optional has not */
static const uint64_t zn_nothing[2] = { 0, 0 };

/*@ zn_optional */
static inline int zn_optional(const zenith_tensor *t)
{
	return t->kind == ZENITH_KIND_OPTIONAL && t->count <= 1 && (!t->count || t->items);
}

/*@ zn_item_size */
/* a tensor of a sequence or optional (0: none) against what is expected; its dims, if the rank is known */
static inline int zn_item_size(const zenith_tensor *t, int32_t dtype, int32_t rank, int64_t *dims)
{
	int32_t i;

	if (!t)
		return ZENITH_OK;
	if (t->kind != ZENITH_KIND_TENSOR || t->dtype != dtype || t->strides)
		return ZENITH_BAD_ARGUMENT;
	if (t->rank < 0 || t->rank > ZENITH_MAX_RANK || (rank >= 0 && t->rank != rank))
		return ZENITH_BAD_SHAPE;
	for (i = 0; i < t->rank; i++)
		if (t->dims[i] < 0)
			return ZENITH_BAD_SHAPE;
	if (!zn_room(t->dims, t->rank, INT32_MAX))
		return ZENITH_BAD_SHAPE;
	if (!t->data && !zn_room(t->dims, t->rank, 0))
		return ZENITH_BAD_ARGUMENT;
	for (i = 0; dims && i < t->rank; i++)
		dims[i] = t->dims[i];
	return ZENITH_OK;
}

/*@ zn_list_size */
/* a sequence (0: none) against what is expected: elements of all items, items */
static inline int zn_list_size(const zenith_tensor *t, int32_t dtype, int32_t rank, int64_t *items, int64_t *shapes)
{
	size_t i;
	int32_t k;
	int status;
	int64_t n;

	shapes[1] = rank < 0 ? 1 + ZENITH_MAX_RANK : rank;
	if (!t)
		return ZENITH_OK;
	if (t->kind != ZENITH_KIND_SEQUENCE || (t->count && !t->items))
		return ZENITH_BAD_ARGUMENT;
	if (t->count > INT32_MAX)
		return ZENITH_BAD_SHAPE;
	shapes[0] = (int64_t)t->count;
	for (i = 0; i < t->count; i++) {
		status = zn_item_size(&t->items[i], dtype, rank, NULL);
		if (status != ZENITH_OK)
			return status;
		for (k = 0, n = 1; k < t->items[i].rank; k++)
			n *= t->items[i].dims[k];
		items[0] += n;
		if (items[0] > INT32_MAX)
			return ZENITH_BAD_SHAPE;
	}
	return ZENITH_OK;
}

/*@ zn_list_pack */
/* the items one behind the other, and their shapes: dims, or where ranks differ rank, dims, ones */
static inline void zn_list_pack(const zenith_tensor *t, int32_t rank, size_t size, void *items, int64_t *shapes)
{
	unsigned char *to = (unsigned char *)items;
	size_t i, n;
	int32_t k;

	for (i = 0; t && i < t->count; i++) {
		const zenith_tensor *x = &t->items[i];
		for (k = 0, n = size; k < x->rank; k++)
			n *= (size_t)x->dims[k];
		if (n)
			memcpy(to, x->data, n);
		to += n;
		if (rank < 0)
			*shapes++ = x->rank;
		for (k = 0; k < x->rank || (rank < 0 && k < ZENITH_MAX_RANK); k++)
			*shapes++ = k < x->rank ? x->dims[k] : 1;
	}
}

/*@ zn_list_unpack */
/* the reverse, into a sequence or optional with room for `capacity` tensors, each with its own capacity */
static inline int zn_list_unpack(zenith_tensor *t, int32_t kind, int64_t count, int32_t dtype, int32_t rank, size_t size,
	const void *items, const int64_t *shapes)
{
	const unsigned char *from = (const unsigned char *)items;
	int status = ZENITH_OK;
	size_t i, n;
	int32_t k, r;

	t->kind = kind;
	t->dtype = dtype;
	t->count = (size_t)count;
	if (t->count > t->capacity)
		status = ZENITH_CAPACITY;
	if (t->count && t->capacity && !t->items)
		return ZENITH_BAD_ARGUMENT;
	for (i = 0; i < t->count && i < t->capacity; i++) {
		zenith_tensor *x = &t->items[i];
		r = rank < 0 ? (int32_t)*shapes++ : rank;
		x->kind = ZENITH_KIND_TENSOR;
		x->dtype = dtype;
		x->rank = r;
		for (k = 0, n = 1; k < r; k++) {
			x->dims[k] = *shapes++;
			n *= (size_t)x->dims[k];
		}
		if (rank < 0)
			shapes += ZENITH_MAX_RANK - r;
		if (n > x->capacity)
			status = ZENITH_CAPACITY;
		else if (n && !x->data)
			return ZENITH_BAD_ARGUMENT;
		else if (n)
			memcpy(x->data, from, n * size);
		from += n * size;
	}
	return status;
}

/*@ zn_hold */
/* an optional of a sequence */
static inline int zn_hold(zenith_tensor *t, int has, int32_t dtype)
{
	t->kind = ZENITH_KIND_OPTIONAL;
	t->dtype = dtype;
	t->count = has ? 1 : 0;
	if (!has)
		return ZENITH_OK;
	if (!t->capacity)
		return ZENITH_CAPACITY;
	return t->items ? ZENITH_OK : ZENITH_BAD_ARGUMENT;
}

/*@ zn_check */
/* a tensor against what the model says of it */
static inline int zn_check(const zenith_tensor *t, const zenith_value *v)
{
	int i;

	if (t->kind != v->kind || t->dtype != v->dtype || t->strides)
		return ZENITH_BAD_ARGUMENT;
	if (t->rank != v->rank)
		return ZENITH_BAD_SHAPE;
	for (i = 0; i < v->rank; i++)
		if (t->dims[i] < 0 || (v->dims[i] >= 0 && t->dims[i] != v->dims[i]))
			return ZENITH_BAD_SHAPE;
	return ZENITH_OK;
}

/*@ zn_give */
/* an output's description, if there is one; dims as the model says, or as the run found */
static inline void zn_give(zenith_tensor *t, const zenith_value *v, const int64_t *dims, int status)
{
	int i;

	if (status != ZENITH_OK && status != ZENITH_CAPACITY)
		return;
	t->kind = v->kind;
	t->dtype = v->dtype;
	t->rank = v->rank;
	for (i = 0; i < v->rank; i++)
		t->dims[i] = dims ? dims[i] : v->dims[i];
}


/*@ zn_word */
/* four bytes as one number, the first lowest */
static inline int32_t zn_word(const void *from)
{
	const uint8_t *p = (const uint8_t *)from;

	return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

/*@ zn_dot4 */
/* s + the products of the bytes of a, unsigned, and b, signed */
static inline int32_t zn_dot4(int32_t s, int32_t a, int32_t b)
{
	uint32_t r = (uint32_t)s;
	int k;

	for (k = 0; k < 32; k += 8)
		r += ((uint32_t)a >> k & 255u) * ((((uint32_t)b >> k & 255u) ^ 128u) - 128u);
	return (int32_t)r;
}

/*@ zn_sdot4 */
/* the same, both signed */
static inline int32_t zn_sdot4(int32_t s, int32_t a, int32_t b)
{
	uint32_t r = (uint32_t)s;
	int k;

	for (k = 0; k < 32; k += 8)
		r += ((((uint32_t)a >> k & 255u) ^ 128u) - 128u) * ((((uint32_t)b >> k & 255u) ^ 128u) - 128u);
	return (int32_t)r;
}
