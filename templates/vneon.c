/* Vectors of 4 lanes: NEON of AArch64. */
/*@ zn_splat_f32x4 */
ZN_INLINE4 zn_f32x4 zn_splat_f32x4(float a) { return (zn_f32x4)vdupq_n_f32(a); }

/*@ zn_splat_i32x4 */
ZN_INLINE4 zn_i32x4 zn_splat_i32x4(int32_t a) { return (zn_i32x4)vdupq_n_s32(a); }

/*@ zn_loadn_f32x4 */
ZN_INLINE4 zn_f32x4 zn_loadn_f32x4(const float *p, int n)
{
	const zn_f32x4 v = { n > 0 ? p[0] : 0.0f, n > 1 ? p[1] : 0.0f,
		n > 2 ? p[2] : 0.0f, n > 3 ? p[3] : 0.0f };
	return v;
}

/*@ zn_loadn_i32x4 */
ZN_INLINE4 zn_i32x4 zn_loadn_i32x4(const int32_t *p, int n)
{
	const zn_i32x4 v = { n > 0 ? p[0] : 0, n > 1 ? p[1] : 0, n > 2 ? p[2] : 0, n > 3 ? p[3] : 0 };
	return v;
}

/*@ zn_storen_f32x4 */
ZN_INLINE4 void zn_storen_f32x4(float *p, zn_f32x4 v, int n)
{
	if (n > 0)
		p[0] = v[0];
	if (n > 1)
		p[1] = v[1];
	if (n > 2)
		p[2] = v[2];
	if (n > 3)
		p[3] = v[3];
}

/*@ zn_storen_i32x4 */
ZN_INLINE4 void zn_storen_i32x4(int32_t *p, zn_i32x4 v, int n)
{
	if (n > 0)
		p[0] = v[0];
	if (n > 1)
		p[1] = v[1];
	if (n > 2)
		p[2] = v[2];
	if (n > 3)
		p[3] = v[3];
}

/*@ zn_fma_f32x4 */
ZN_INLINE4 zn_f32x4 zn_fma_f32x4(zn_f32x4 a, zn_f32x4 b, zn_f32x4 c)
{
	return (zn_f32x4)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

/*@ zn_max_f32x4 */
ZN_INLINE4 zn_f32x4 zn_max_f32x4(zn_f32x4 a, zn_f32x4 b)
{
	return (zn_f32x4)vmaxq_f32((float32x4_t)a, (float32x4_t)b);
}

/*@ zn_min_f32x4 */
ZN_INLINE4 zn_f32x4 zn_min_f32x4(zn_f32x4 a, zn_f32x4 b)
{
	return (zn_f32x4)vminq_f32((float32x4_t)a, (float32x4_t)b);
}

/*@ zn_maxc_f32x4 */
ZN_INLINE4 zn_f32x4 zn_maxc_f32x4(zn_f32x4 a, zn_f32x4 b) { return zn_max_f32x4(a, b); }

/*@ zn_minc_f32x4 */
ZN_INLINE4 zn_f32x4 zn_minc_f32x4(zn_f32x4 a, zn_f32x4 b) { return zn_min_f32x4(a, b); }

/*@ zn_max_i32x4 */
ZN_INLINE4 zn_i32x4 zn_max_i32x4(zn_i32x4 a, zn_i32x4 b)
{
	return (zn_i32x4)vmaxq_s32((int32x4_t)a, (int32x4_t)b);
}

/*@ zn_min_i32x4 */
ZN_INLINE4 zn_i32x4 zn_min_i32x4(zn_i32x4 a, zn_i32x4 b)
{
	return (zn_i32x4)vminq_s32((int32x4_t)a, (int32x4_t)b);
}

/*@ zn_sqrt_f32x4 */
ZN_INLINE4 zn_f32x4 zn_sqrt_f32x4(zn_f32x4 a) { return (zn_f32x4)vsqrtq_f32((float32x4_t)a); }

/*@ zn_select_f32x4 */
ZN_INLINE4 zn_f32x4 zn_select_f32x4(zn_i32x4 m, zn_f32x4 a, zn_f32x4 b)
{
	return (zn_f32x4)vbslq_f32((uint32x4_t)m, (float32x4_t)a, (float32x4_t)b);
}

/*@ zn_select_i32x4 */
ZN_INLINE4 zn_i32x4 zn_select_i32x4(zn_i32x4 m, zn_i32x4 a, zn_i32x4 b)
{
	return (zn_i32x4)vbslq_s32((uint32x4_t)m, (int32x4_t)a, (int32x4_t)b);
}

/*@ zn_round_f32x4 */
ZN_INLINE4 zn_f32x4 zn_round_f32x4(zn_f32x4 a) { return (zn_f32x4)vrndnq_f32((float32x4_t)a); }

/*@ zn_floor_f32x4 */
ZN_INLINE4 zn_f32x4 zn_floor_f32x4(zn_f32x4 a) { return (zn_f32x4)vrndmq_f32((float32x4_t)a); }

/*@ zn_ceil_f32x4 */
ZN_INLINE4 zn_f32x4 zn_ceil_f32x4(zn_f32x4 a) { return (zn_f32x4)vrndpq_f32((float32x4_t)a); }

/*@ zn_trunc_f32x4 */
ZN_INLINE4 zn_f32x4 zn_trunc_f32x4(zn_f32x4 a) { return (zn_f32x4)vrndq_f32((float32x4_t)a); }

/*@ zn_f32_i32x4 */
ZN_INLINE4 zn_f32x4 zn_f32_i32x4(zn_i32x4 a) { return (zn_f32x4)vcvtq_f32_s32((int32x4_t)a); }

/*@ zn_i32_f32x4 */
/* as on x86: INT32_MIN for what does not fit and NaN */
ZN_INLINE4 zn_i32x4 zn_i32_f32x4(zn_f32x4 a)
{
	return zn_select_i32x4(a < 2147483648.0f, (zn_i32x4)vcvtq_s32_f32((float32x4_t)a),
		zn_splat_i32x4(INT32_MIN));
}

/*@ zn_gather_f32x4 */
ZN_INLINE4 zn_f32x4 zn_gather_f32x4(const float *p, zn_i32x4 i)
{
	const zn_f32x4 v = { p[i[0]], p[i[1]], p[i[2]], p[i[3]] };
	return v;
}

/*@ zn_gather_i32x4 */
ZN_INLINE4 zn_i32x4 zn_gather_i32x4(const int32_t *p, zn_i32x4 i)
{
	const zn_i32x4 v = { p[i[0]], p[i[1]], p[i[2]], p[i[3]] };
	return v;
}

/*@ zn_rawn8x4 */
/* elements of 8 and 16 bits as they lie in memory */
ZN_INLINE4 uint8x8_t zn_rawn8x4(const void *p, int n) { return vcreate_u8(zn_bytesx4(p, n)); }

/*@ zn_raw8x4 */
ZN_INLINE4 uint8x8_t zn_raw8x4(const void *p) { return zn_rawn8x4(p, 4); }

/*@ zn_putn8x4 */
ZN_INLINE4 void zn_putn8x4(void *p, uint8x8_t v, int n)
{
	zn_putbytesx4(p, vget_lane_u64(vreinterpret_u64_u8(v), 0), n);
}

/*@ zn_put8x4 */
ZN_INLINE4 void zn_put8x4(void *p, uint8x8_t v) { zn_putn8x4(p, v, 4); }

/*@ zn_rawn16x4 */
ZN_INLINE4 uint16x4_t zn_rawn16x4(const void *p, int n) { return vcreate_u16(zn_bytesx4(p, 2 * n)); }

/*@ zn_raw16x4 */
ZN_INLINE4 uint16x4_t zn_raw16x4(const void *p) { return vreinterpret_u16_u8(vld1_u8((const uint8_t *)p)); }

/*@ zn_putn16x4 */
ZN_INLINE4 void zn_putn16x4(void *p, uint16x4_t v, int n)
{
	zn_putbytesx4(p, vget_lane_u64(vreinterpret_u64_u16(v), 0), 2 * n);
}

/*@ zn_put16x4 */
ZN_INLINE4 void zn_put16x4(void *p, uint16x4_t v) { vst1_u8((uint8_t *)p, vreinterpret_u8_u16(v)); }

/*@ zn_narrow16x4 */
/* integers modulo 65536, modulo 256 */
ZN_INLINE4 uint16x4_t zn_narrow16x4(zn_i32x4 v) { return vmovn_u32((uint32x4_t)v); }

/*@ zn_narrow8x4 */
ZN_INLINE4 uint8x8_t zn_narrow8x4(zn_i32x4 v)
{
	const uint16x4_t h = zn_narrow16x4(v);
	return vmovn_u16(vcombine_u16(h, h));
}

/*@ zn_widen_u8x4 */
ZN_INLINE4 zn_i32x4 zn_widen_u8x4(uint8x8_t v) { return (zn_i32x4)vmovl_u16(vget_low_u16(vmovl_u8(v))); }

/*@ zn_widen_i8x4 */
ZN_INLINE4 zn_i32x4 zn_widen_i8x4(uint8x8_t v)
{
	return (zn_i32x4)vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(v))));
}

/*@ zn_widen_u16x4 */
ZN_INLINE4 zn_i32x4 zn_widen_u16x4(uint16x4_t v) { return (zn_i32x4)vmovl_u16(v); }

/*@ zn_widen_i16x4 */
ZN_INLINE4 zn_i32x4 zn_widen_i16x4(uint16x4_t v) { return (zn_i32x4)vmovl_s16(vreinterpret_s16_u16(v)); }

/*@ zn_widen_f16x4 */
ZN_INLINE4 zn_f32x4 zn_widen_f16x4(uint16x4_t v) { return (zn_f32x4)vcvt_f32_f16(vreinterpret_f16_u16(v)); }

/*@ zn_narrow_f16x4 */
ZN_INLINE4 uint16x4_t zn_narrow_f16x4(zn_f32x4 v)
{
	return vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)v));
}

/*@ zn_sum_f32x4 */
/* halves are added until one number is left */
ZN_INLINE4 float zn_sum_f32x4(zn_f32x4 v)
{
	const float32x2_t h = vadd_f32(vget_low_f32((float32x4_t)v), vget_high_f32((float32x4_t)v));
	return vget_lane_f32(vpadd_f32(h, h), 0);
}

/*@ zn_hmax_f32x4 */
/* NaN if any is */
ZN_INLINE4 float zn_hmax_f32x4(zn_f32x4 v) { return vmaxvq_f32((float32x4_t)v); }

/*@ zn_hmin_f32x4 */
ZN_INLINE4 float zn_hmin_f32x4(zn_f32x4 v) { return vminvq_f32((float32x4_t)v); }

/*@ zn_sum_i32x4 */
ZN_INLINE4 int32_t zn_sum_i32x4(zn_i32x4 v) { return vaddvq_s32((int32x4_t)v); }

/*@ zn_dot4_u8s8x4 */
/* every lane: acc + the sum of 4 products of unsigned bytes of a and signed bytes of b; exact, since a
 * product fits 16 bits */
ZN_INLINE4 zn_i32x4 zn_dot4_u8s8x4(zn_i32x4 acc, zn_i32x4 a, zn_i32x4 b)
{
	const uint8x16_t x = (uint8x16_t)a;
	const int8x16_t y = (int8x16_t)b;
	const int16x8_t xl = (int16x8_t)vmovl_u8(vget_low_u8(x)), xh = (int16x8_t)vmovl_u8(vget_high_u8(x));
	const int16x8_t lo = vmulq_s16(xl, vmovl_s8(vget_low_s8(y)));
	const int16x8_t hi = vmulq_s16(xh, vmovl_s8(vget_high_s8(y)));

	return (zn_i32x4)vaddq_s32((int32x4_t)acc, vpaddq_s32(vpaddlq_s16(lo), vpaddlq_s16(hi)));
}

/*@ zn_dot4_s8s8x4 */
ZN_INLINE4 zn_i32x4 zn_dot4_s8s8x4(zn_i32x4 acc, zn_i32x4 a, zn_i32x4 b)
{
	const int8x16_t x = (int8x16_t)a, y = (int8x16_t)b;
	const int16x8_t lo = vmull_s8(vget_low_s8(x), vget_low_s8(y));
	const int16x8_t hi = vmull_s8(vget_high_s8(x), vget_high_s8(y));

	return (zn_i32x4)vaddq_s32((int32x4_t)acc, vpaddq_s32(vpaddlq_s16(lo), vpaddlq_s16(hi)));
}

/*@ zn_dot4_s8s8x4d */
/* the same where the processor has SDOT */
ZN_INLINE4D zn_i32x4 zn_dot4_s8s8x4d(zn_i32x4 acc, zn_i32x4 a, zn_i32x4 b)
{
	__asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(a), "w"(b));
	return acc;
}

/*@ zn_dot4_u8s8x4d */
/* a is (a - 128) + 128, and 128 twice 64 */
ZN_INLINE4D zn_i32x4 zn_dot4_u8s8x4d(zn_i32x4 acc, zn_i32x4 a, zn_i32x4 b)
{
	const zn_i32x4 half = zn_splat_i32x4(0x40404040);

	acc = zn_dot4_s8s8x4d(acc, (zn_i32x4)((zn_u32x4)a ^ 0x80808080u), b);
	return zn_dot4_s8s8x4d(zn_dot4_s8s8x4d(acc, half, b), half, b);
}

/*@ zn_copysign_f32x4 */
ZN_INLINE4 zn_f32x4 zn_copysign_f32x4(zn_f32x4 a, zn_f32x4 b)
{
	return zn_select_f32x4(zn_splat_i32x4(0x7fffffff), a, b);
}

/*@ zn_any_i32x4 */
/* whether a lane of the mask is set */
ZN_INLINE4 int zn_any_i32x4(zn_i32x4 m) { return vmaxvq_u32((uint32x4_t)m) != 0; }

