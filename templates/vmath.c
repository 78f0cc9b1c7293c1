/* What is built of vector helpers, the same for every number of lanes: narrow memory, and functions, whose
 * coefficients are from test/vector/fit.py. Bounds are of the exact value, over all floats, found by
 * trying them all. */
/*@ zn_splat_u32x@ */
ZN_INLINE@ zn_u32x@ zn_splat_u32x@(uint32_t a) { return (zn_u32x@)zn_splat_i32x@((int32_t)a); }

/*@ zn_loadn_u32x@ */
ZN_INLINE@ zn_u32x@ zn_loadn_u32x@(const uint32_t *p, int n)
{
	return (zn_u32x@)zn_loadn_i32x@((const int32_t *)p, n);
}

/*@ zn_storen_u32x@ */
ZN_INLINE@ void zn_storen_u32x@(uint32_t *p, zn_u32x@ v, int n)
{
	zn_storen_i32x@((int32_t *)p, (zn_i32x@)v, n);
}

/*@ zn_load_u8x@ */
/* narrow elements are widened; stores take them modulo their range */
ZN_INLINE@ zn_i32x@ zn_load_u8x@(const uint8_t *p) { return zn_widen_u8x@(zn_raw8x@(p)); }

/*@ zn_loadn_u8x@ */
ZN_INLINE@ zn_i32x@ zn_loadn_u8x@(const uint8_t *p, int n) { return zn_widen_u8x@(zn_rawn8x@(p, n)); }

/*@ zn_store_u8x@ */
ZN_INLINE@ void zn_store_u8x@(uint8_t *p, zn_i32x@ v) { zn_put8x@(p, zn_narrow8x@(v)); }

/*@ zn_storen_u8x@ */
ZN_INLINE@ void zn_storen_u8x@(uint8_t *p, zn_i32x@ v, int n) { zn_putn8x@(p, zn_narrow8x@(v), n); }

/*@ zn_load_i8x@ */
ZN_INLINE@ zn_i32x@ zn_load_i8x@(const int8_t *p) { return zn_widen_i8x@(zn_raw8x@(p)); }

/*@ zn_loadn_i8x@ */
ZN_INLINE@ zn_i32x@ zn_loadn_i8x@(const int8_t *p, int n) { return zn_widen_i8x@(zn_rawn8x@(p, n)); }

/*@ zn_store_i8x@ */
ZN_INLINE@ void zn_store_i8x@(int8_t *p, zn_i32x@ v) { zn_put8x@(p, zn_narrow8x@(v)); }

/*@ zn_storen_i8x@ */
ZN_INLINE@ void zn_storen_i8x@(int8_t *p, zn_i32x@ v, int n) { zn_putn8x@(p, zn_narrow8x@(v), n); }

/*@ zn_load_u16x@ */
ZN_INLINE@ zn_i32x@ zn_load_u16x@(const uint16_t *p) { return zn_widen_u16x@(zn_raw16x@(p)); }

/*@ zn_loadn_u16x@ */
ZN_INLINE@ zn_i32x@ zn_loadn_u16x@(const uint16_t *p, int n) { return zn_widen_u16x@(zn_rawn16x@(p, n)); }

/*@ zn_store_u16x@ */
ZN_INLINE@ void zn_store_u16x@(uint16_t *p, zn_i32x@ v) { zn_put16x@(p, zn_narrow16x@(v)); }

/*@ zn_storen_u16x@ */
ZN_INLINE@ void zn_storen_u16x@(uint16_t *p, zn_i32x@ v, int n) { zn_putn16x@(p, zn_narrow16x@(v), n); }

/*@ zn_load_i16x@ */
ZN_INLINE@ zn_i32x@ zn_load_i16x@(const int16_t *p) { return zn_widen_i16x@(zn_raw16x@(p)); }

/*@ zn_loadn_i16x@ */
ZN_INLINE@ zn_i32x@ zn_loadn_i16x@(const int16_t *p, int n) { return zn_widen_i16x@(zn_rawn16x@(p, n)); }

/*@ zn_store_i16x@ */
ZN_INLINE@ void zn_store_i16x@(int16_t *p, zn_i32x@ v) { zn_put16x@(p, zn_narrow16x@(v)); }

/*@ zn_storen_i16x@ */
ZN_INLINE@ void zn_storen_i16x@(int16_t *p, zn_i32x@ v, int n) { zn_putn16x@(p, zn_narrow16x@(v), n); }

/*@ zn_load_f16x@ */
/* 16 bits as floats; stores round to nearest even */
ZN_INLINE@ zn_f32x@ zn_load_f16x@(const uint16_t *p) { return zn_widen_f16x@(zn_raw16x@(p)); }

/*@ zn_loadn_f16x@ */
ZN_INLINE@ zn_f32x@ zn_loadn_f16x@(const uint16_t *p, int n) { return zn_widen_f16x@(zn_rawn16x@(p, n)); }

/*@ zn_store_f16x@ */
ZN_INLINE@ void zn_store_f16x@(uint16_t *p, zn_f32x@ v) { zn_put16x@(p, zn_narrow_f16x@(v)); }

/*@ zn_storen_f16x@ */
ZN_INLINE@ void zn_storen_f16x@(uint16_t *p, zn_f32x@ v, int n) { zn_putn16x@(p, zn_narrow_f16x@(v), n); }

/*@ zn_load_bf16x@ */
ZN_INLINE@ zn_f32x@ zn_load_bf16x@(const uint16_t *p) { return (zn_f32x@)((zn_u32x@)zn_load_u16x@(p) << 16); }

/*@ zn_loadn_bf16x@ */
ZN_INLINE@ zn_f32x@ zn_loadn_bf16x@(const uint16_t *p, int n)
{
	return (zn_f32x@)((zn_u32x@)zn_loadn_u16x@(p, n) << 16);
}

/*@ zn_narrow_bf16x@ */
ZN_INLINE@ zn_i32x@ zn_narrow_bf16x@(zn_f32x@ v)
{
	const zn_u32x@ u = (zn_u32x@)v;
	const zn_i32x@ r = (zn_i32x@)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);

	return zn_select_i32x@(v == v, r, (zn_i32x@)(u >> 16 | 0x40u));
}

/*@ zn_store_bf16x@ */
ZN_INLINE@ void zn_store_bf16x@(uint16_t *p, zn_f32x@ v) { zn_store_u16x@(p, zn_narrow_bf16x@(v)); }

/*@ zn_storen_bf16x@ */
ZN_INLINE@ void zn_storen_bf16x@(uint16_t *p, zn_f32x@ v, int n)
{
	zn_storen_u16x@(p, zn_narrow_bf16x@(v), n);
}

/*@ zn_load_boolx@ */
/* bytes of 0 and 1 as masks */
ZN_INLINE@ zn_i32x@ zn_load_boolx@(const uint8_t *p) { return -zn_load_u8x@(p); }

/*@ zn_loadn_boolx@ */
ZN_INLINE@ zn_i32x@ zn_loadn_boolx@(const uint8_t *p, int n) { return -zn_loadn_u8x@(p, n); }

/*@ zn_store_boolx@ */
ZN_INLINE@ void zn_store_boolx@(uint8_t *p, zn_i32x@ v) { zn_store_u8x@(p, v & 1); }

/*@ zn_storen_boolx@ */
ZN_INLINE@ void zn_storen_boolx@(uint8_t *p, zn_i32x@ v, int n) { zn_storen_u8x@(p, v & 1, n); }

/*@ zn_ldexp_f32x@ */
/* p 2^n, rounded once, where t is 12582912 + n, |n| < 200, and p near 1: by 2^half, then by the rest */
ZN_INLINE@ zn_f32x@ zn_ldexp_f32x@(zn_f32x@ p, zn_f32x@ t)
{
	const zn_u32x@ u = (zn_u32x@)t, half = u << 22 & 0xff800000u;

	return p * (zn_f32x@)(half + 0x3f800000u) * (zn_f32x@)((u << 23) - half + 0x3f800000u);
}

/*@ zn_quot_f32x@ */
/* a/b within 1 ulp; b from 1 to 1e30 */
ZN_INLINE@ zn_f32x@ zn_quot_f32x@(zn_f32x@ a, zn_f32x@ b) { return a / b; }

/*@ zn_expr_f32x@ */
/* e^x for x from -104 to 89: x = n ln 2 + r, e^r a polynomial on |r| <= ln(2)/2, error 2^-28 */
ZN_INLINE@ zn_f32x@ zn_expr_f32x@(zn_f32x@ x)
{
	const zn_f32x@ magic = zn_splat_f32x@(12582912.0f), one = zn_splat_f32x@(1.0f);
	const zn_f32x@ t = zn_fma_f32x@(x, zn_splat_f32x@(1.44269504f), magic), n = t - magic;
	zn_f32x@ r, p;

	r = zn_fma_f32x@(n, zn_splat_f32x@(-0.693145752f), x);
	r = zn_fma_f32x@(n, zn_splat_f32x@(-1.42860677e-06f), r);
	p = zn_fma_f32x@(zn_splat_f32x@(0.00138210552f), r, zn_splat_f32x@(0.00836867467f));
	p = zn_fma_f32x@(p, r, zn_splat_f32x@(0.0416682623f));
	p = zn_fma_f32x@(p, r, zn_splat_f32x@(0.166665211f));
	p = zn_fma_f32x@(p, r, zn_splat_f32x@(0.49999994f));
	p = zn_fma_f32x@(p, r, one);
	return zn_ldexp_f32x@(zn_fma_f32x@(p, r, one), t);
}

/*@ zn_exp_f32x@ */
/* within 0.9 ulp */
ZN_INLINE@ zn_f32x@ zn_exp_f32x@(zn_f32x@ x)
{
	return zn_expr_f32x@(zn_minc_f32x@(zn_maxc_f32x@(x, zn_splat_f32x@(-104.0f)), zn_splat_f32x@(89.0f)));
}

/*@ zn_sigmoid_f32x@ */
/* 1/(1 + e^-x); for x < 0 e^x/(1 + e^x); within 2.5 ulp */
ZN_INLINE@ zn_f32x@ zn_sigmoid_f32x@(zn_f32x@ x)
{
	const zn_f32x@ one = zn_splat_f32x@(1.0f), minus = (zn_f32x@)((zn_u32x@)x | 0x80000000u);
	const zn_f32x@ e = zn_expr_f32x@(zn_maxc_f32x@(minus, zn_splat_f32x@(-104.0f)));

	return zn_quot_f32x@(zn_select_f32x@(x < 0.0f, e, one), one + e);
}

/*@ zn_pow2_f32x@ */
/* 2^n, where t is 12582912 + n, |n| < 100 */
ZN_INLINE@ zn_f32x@ zn_pow2_f32x@(zn_f32x@ t) { return (zn_f32x@)(((zn_u32x@)t << 23) + 0x3f800000u); }

/*@ zn_copysign_f32x@ */
/* a with the sign of b */
ZN_INLINE@ zn_f32x@ zn_copysign_f32x@(zn_f32x@ a, zn_f32x@ b)
{
	return (zn_f32x@)(((zn_u32x@)a & 0x7fffffffu) | ((zn_u32x@)b & 0x80000000u));
}

/*@ zn_expm1p_f32x@ */
/* (e^x - 1) 2^-k for x from -60 to 89: 2^n (e^r - 1) + (2^n - 1), polynomial on |r| <= ln(2)/2, error
 * 2^-26 */
ZN_INLINE@ zn_f32x@ zn_expm1p_f32x@(zn_f32x@ x, int k)
{
	const zn_f32x@ magic = zn_splat_f32x@(12582912.0f);
	const zn_f32x@ t = zn_fma_f32x@(x, zn_splat_f32x@(1.44269504f), magic), n = t - magic;
	const zn_f32x@ s = zn_pow2_f32x@(t - (float)k);
	zn_f32x@ r, p;

	r = zn_fma_f32x@(n, zn_splat_f32x@(-0.693145752f), x);
	r = zn_fma_f32x@(n, zn_splat_f32x@(-1.42860677e-06f), r);
	p = zn_fma_f32x@(zn_splat_f32x@(0.00138706504f), r, zn_splat_f32x@(0.00836625881f));
	p = zn_fma_f32x@(p, r, zn_splat_f32x@(0.0416674353f));
	p = zn_fma_f32x@(p, r, zn_splat_f32x@(0.166665465f));
	p = zn_fma_f32x@(p, r, zn_splat_f32x@(0.49999997f));
	return zn_fma_f32x@(s, zn_fma_f32x@(p, r * r, r), s - (k ? 0.5f : 1.0f));
}

/*@ zn_tanh_f32x@ */
/* -u/(2 + u) with u = e^(-2 |x|) - 1; within 2.6 ulp */
ZN_INLINE@ zn_f32x@ zn_tanh_f32x@(zn_f32x@ x)
{
	const zn_f32x@ v = zn_maxc_f32x@((zn_f32x@)((zn_u32x@)x | 0x80000000u), zn_splat_f32x@(-10.0f));
	const zn_f32x@ u = zn_expm1p_f32x@(v + v, 0);

	return zn_copysign_f32x@(zn_quot_f32x@(u, u + 2.0f), x);
}

/*@ zn_erf_f32x@ */
/* 1 - e^(v P(v)) with v = -|x|, 2/sqrt(pi) in two parts; 1 from 3.95 on; within 2.4 ulp */
ZN_INLINE@ zn_f32x@ zn_erf_f32x@(zn_f32x@ x)
{
	const zn_f32x@ v = zn_maxc_f32x@((zn_f32x@)((zn_u32x@)x | 0x80000000u), zn_splat_f32x@(-3.95f));
	zn_f32x@ p;

	p = zn_fma_f32x@(zn_splat_f32x@(-4.15985414e-05f), v, zn_splat_f32x@(-0.000387673819f));
	p = zn_fma_f32x@(p, v, zn_splat_f32x@(-0.00127106172f));
	p = zn_fma_f32x@(p, v, zn_splat_f32x@(0.000178310511f));
	p = zn_fma_f32x@(p, v, zn_splat_f32x@(0.0193017609f));
	p = zn_fma_f32x@(p, v, zn_splat_f32x@(0.102807313f));
	p = zn_fma_f32x@(p, v, zn_splat_f32x@(-0.636617541f));
	p = zn_fma_f32x@(p, v, zn_splat_f32x@(-5.86353834e-08f)) * v;
	return zn_copysign_f32x@(zn_expm1p_f32x@(zn_fma_f32x@(v, zn_splat_f32x@(1.12837923f), p), 0), x);
}

/*@ zn_lognear_f32x@ */
/* e ln 2 + ln(1 + f), f from -0.25 to 0.5: f - f^2/2 + f^3 P(f), error 2^-27 */
ZN_INLINE@ zn_f32x@ zn_lognear_f32x@(zn_f32x@ e, zn_f32x@ f)
{
	const zn_f32x@ z = f * f;
	zn_f32x@ p;

	p = zn_fma_f32x@(zn_splat_f32x@(-0.0451509245f), f, zn_splat_f32x@(0.104730383f));
	p = zn_fma_f32x@(p, f, zn_splat_f32x@(-0.131647229f));
	p = zn_fma_f32x@(p, f, zn_splat_f32x@(0.144779533f));
	p = zn_fma_f32x@(p, f, zn_splat_f32x@(-0.166468829f));
	p = zn_fma_f32x@(p, f, zn_splat_f32x@(0.199908271f));
	p = zn_fma_f32x@(p, f, zn_splat_f32x@(-0.250001073f));
	p = zn_fma_f32x@(p, f, zn_splat_f32x@(0.333334506f));
	p = zn_fma_f32x@(p, f, zn_splat_f32x@(-0.5f));
	p = zn_fma_f32x@(e, zn_splat_f32x@(1.42860677e-06f), p * z);
	return zn_fma_f32x@(e, zn_splat_f32x@(0.693145752f), f + p);
}

/*@ zn_log_f32x@ */
/* within 1 ulp */
ZN_INLINE@ zn_f32x@ zn_log_f32x@(zn_f32x@ x)
{
	const zn_i32x@ tiny = x < 1.17549435e-38f;
	const zn_f32x@ y = zn_select_f32x@(tiny, x * 8388608.0f, x);
	const zn_u32x@ u = (zn_u32x@)y - 0x3f400000u;   /* y = m 2^e, m from 0.75 to 1.5 */
	const zn_f32x@ m = (zn_f32x@)((u & 0x007fffffu) + 0x3f400000u);
	const zn_f32x@ e = zn_f32_i32x@(((zn_i32x@)u >> 23) + (tiny & -23));
	const zn_f32x@ r = zn_lognear_f32x@(e, m - 1.0f);
	const zn_f32x@ none = zn_select_f32x@(x == 0.0f, zn_splat_f32x@(-INFINITY), zn_splat_f32x@(NAN));

	return zn_select_f32x@(x > 0.0f, zn_select_f32x@(x < INFINITY, r, x), none);
}

/*@ zn_log_f32x16 */
/* the instructions have the values for 0, infinity, NaN; a mantissa of less than 0 is NaN */
ZN_INLINE16 zn_f32x16 zn_log_f32x16(zn_f32x16 x)
{
	const __m512 m = _mm512_getmant_ps((__m512)x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
	const __m512 e = _mm512_sub_ps(_mm512_getexp_ps((__m512)x), _mm512_getexp_ps(m));

	return zn_lognear_f32x16((zn_f32x16)e, (zn_f32x16)m - 1.0f);
}

/*@ zn_expm1_f32x@ */
/* e^x - 1, all of it halved, since 2^128 is no float; within 1.6 ulp */
ZN_INLINE@ zn_f32x@ zn_expm1_f32x@(zn_f32x@ x)
{
	const zn_f32x@ y = zn_minc_f32x@(zn_maxc_f32x@(x, zn_splat_f32x@(-18.0f)), zn_splat_f32x@(89.0f));
	const zn_f32x@ half = zn_expm1p_f32x@(y, 1);

	return half + half;
}

/*@ zn_log1p_f32x@ */
/* ln(1 + x): u + c = 1 + x with u rounded, u = m 2^e, and 1 + f = m + c 2^-e; within 1 ulp */
ZN_INLINE@ zn_f32x@ zn_log1p_f32x@(zn_f32x@ x)
{
	const zn_f32x@ u = x + 1.0f, c = x - (u - 1.0f);
	const zn_u32x@ b = (zn_u32x@)u - 0x3f400000u;
	const zn_i32x@ e = (zn_i32x@)b >> 23;
	const zn_f32x@ m = (zn_f32x@)((b & 0x007fffffu) + 0x3f400000u);
	const zn_i32x@ down = (zn_i32x@)(0x3f800000u - ((zn_u32x@)e << 23));
	const zn_f32x@ scale = (zn_f32x@)zn_max_i32x@(down, zn_splat_i32x@(0));
	const zn_f32x@ r = zn_lognear_f32x@(zn_f32_i32x@(e), zn_fma_f32x@(c, scale, m - 1.0f));
	const zn_f32x@ none = zn_select_f32x@(x == -1.0f, zn_splat_f32x@(-INFINITY), zn_splat_f32x@(NAN));

	return zn_select_f32x@(x > -1.0f, zn_select_f32x@(x < INFINITY, r, x), none);
}

/*@ zn_trig_f32x@ */
/* sin(x + k pi/2) for |x| < 1e5: x = n pi/2 + r by pi/2 in three parts, then a polynomial on |r| <= pi/4 */
ZN_INLINE@ zn_f32x@ zn_trig_f32x@(zn_f32x@ x, uint32_t k)
{
	const zn_f32x@ magic = zn_splat_f32x@(12582912.0f);
	const zn_f32x@ t = zn_fma_f32x@(x, zn_splat_f32x@(0.636619747f), magic), n = t - magic;
	const zn_u32x@ q = (zn_u32x@)t + k;
	zn_f32x@ r, z, c, s;

	r = zn_fma_f32x@(n, zn_splat_f32x@(-1.57079637f), x);
	r = zn_fma_f32x@(n, zn_splat_f32x@(4.37113883e-08f), r);
	r = zn_fma_f32x@(n, zn_splat_f32x@(1.71512451e-15f), r);
	z = r * r;
	s = zn_fma_f32x@(zn_splat_f32x@(-0.000195180852f), z, zn_splat_f32x@(0.00833218824f));
	c = zn_fma_f32x@(zn_splat_f32x@(2.44325438e-05f), z, zn_splat_f32x@(-0.00138873106f));
	s = zn_fma_f32x@(s, z, zn_splat_f32x@(-0.166666552f));
	c = zn_fma_f32x@(c, z, zn_splat_f32x@(0.0416666456f));
	c = zn_fma_f32x@(c, z, zn_splat_f32x@(-0.5f));
	s = zn_fma_f32x@(s * z, r, r);
	c = zn_fma_f32x@(c, z, zn_splat_f32x@(1.0f));
	s = zn_select_f32x@((zn_i32x@)-(q & 1u), c, s);
	return (zn_f32x@)((zn_u32x@)s ^ (q & 2u) << 30);
}

/*@ zn_far_f32x@ */
/* whether there are finite numbers too large for the three parts */
ZN_INLINE@ int zn_far_f32x@(zn_f32x@ x)
{
	const zn_f32x@ a = zn_abs_f32x@(x);

	return zn_any_i32x@((a >= 1e5f) & (a < INFINITY));
}

/*@ zn_sin_f32x@ */
/* within 1.6 ulp below 1e5, by libm above */
ZN_INLINE@ zn_f32x@ zn_sin_f32x@(zn_f32x@ x)
{
	zn_f32x@ r = zn_trig_f32x@(x, 0);
	float a[@], b[@];
	int i;

	if (!zn_far_f32x@(x))
		return r;
	zn_store_f32x@(a, x);
	zn_store_f32x@(b, r);
	for (i = 0; i < @; i++)
		b[i] = fabsf(a[i]) >= 1e5f ? sinf(a[i]) : b[i];
	return zn_load_f32x@(b);
}

/*@ zn_cos_f32x@ */
ZN_INLINE@ zn_f32x@ zn_cos_f32x@(zn_f32x@ x)
{
	zn_f32x@ r = zn_trig_f32x@(x, 1);
	float a[@], b[@];
	int i;

	if (!zn_far_f32x@(x))
		return r;
	zn_store_f32x@(a, x);
	zn_store_f32x@(b, r);
	for (i = 0; i < @; i++)
		b[i] = fabsf(a[i]) >= 1e5f ? cosf(a[i]) : b[i];
	return zn_load_f32x@(b);
}

/*@ zn_isinf_f32x@ */
ZN_INLINE@ zn_i32x@ zn_isinf_f32x@(zn_f32x@ x) { return zn_abs_f32x@(x) == INFINITY; }

/*@ zn_sign_f32x@ */
ZN_INLINE@ zn_f32x@ zn_sign_f32x@(zn_f32x@ x)
{
	const zn_f32x@ one = zn_copysign_f32x@(zn_splat_f32x@(1.0f), x);

	return zn_select_f32x@(zn_abs_f32x@(x) > 0.0f, one, x + 0.0f);
}

