/* Numbers of every type: bits, small floats, casts, arithmetic without undefined cases, packed elements. The form of a
 * piece: prelude.c. */
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
