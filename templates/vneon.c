/* Vectors of 4 lanes: NEON of AArch64. */
/*@ zn_splat_f32x4 */
ZN_INLINE4 zn_f32x4 zn_splat_f32x4(float a) { return (zn_f32x4)vdupq_n_f32(a); }

/*@ zn_splat_i32x4 */
ZN_INLINE4 zn_i32x4 zn_splat_i32x4(int32_t a) { return (zn_i32x4)vdupq_n_s32(a); }

/*@ zn_loadn_f32x4 */
ZN_INLINE4 zn_f32x4 zn_loadn_f32x4(const float *p, int n)
{
	const zn_f32x4 v = { n > 0 ? p[0] : 0.0f, n > 1 ? p[1] : 0.0f, n > 2 ? p[2] : 0.0f, n > 3 ? p[3] : 0.0f };
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
ZN_INLINE4 zn_i32x4 zn_max_i32x4(zn_i32x4 a, zn_i32x4 b) { return (zn_i32x4)vmaxq_s32((int32x4_t)a, (int32x4_t)b); }

/*@ zn_min_i32x4 */
ZN_INLINE4 zn_i32x4 zn_min_i32x4(zn_i32x4 a, zn_i32x4 b) { return (zn_i32x4)vminq_s32((int32x4_t)a, (int32x4_t)b); }

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

