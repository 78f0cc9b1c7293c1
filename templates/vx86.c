/* Vectors of 16 lanes (AVX-512) and 8 (AVX2, FMA, F16C). */
/*@ zn_splat_f32x@ */
ZN_INLINE@ zn_f32x@ zn_splat_f32x@(float a) { return (zn_f32x@)_mm$_set1_ps(a); }

/*@ zn_splat_i32x@ */
ZN_INLINE@ zn_i32x@ zn_splat_i32x@(int32_t a) { return (zn_i32x@)_mm$_set1_epi32(a); }

/*@ zn_firstx16 */
/* the mask of the first n lanes */
ZN_INLINE16 __mmask16 zn_firstx16(int n) { return (__mmask16)((1u << n) - 1u); }

/*@ zn_firstx8 */
ZN_INLINE8 __m256i zn_firstx8(int n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/*@ zn_loadn_f32x16 */
ZN_INLINE16 zn_f32x16 zn_loadn_f32x16(const float *p, int n)
{
	return (zn_f32x16)_mm512_maskz_loadu_ps(zn_firstx16(n), p);
}

/*@ zn_loadn_f32x8 */
ZN_INLINE8 zn_f32x8 zn_loadn_f32x8(const float *p, int n) { return (zn_f32x8)_mm256_maskload_ps(p, zn_firstx8(n)); }

/*@ zn_storen_f32x16 */
ZN_INLINE16 void zn_storen_f32x16(float *p, zn_f32x16 v, int n)
{
	_mm512_mask_storeu_ps(p, zn_firstx16(n), (__m512)v);
}

/*@ zn_storen_f32x8 */
ZN_INLINE8 void zn_storen_f32x8(float *p, zn_f32x8 v, int n) { _mm256_maskstore_ps(p, zn_firstx8(n), (__m256)v); }

/*@ zn_loadn_i32x16 */
ZN_INLINE16 zn_i32x16 zn_loadn_i32x16(const int32_t *p, int n)
{
	return (zn_i32x16)_mm512_maskz_loadu_epi32(zn_firstx16(n), p);
}

/*@ zn_loadn_i32x8 */
ZN_INLINE8 zn_i32x8 zn_loadn_i32x8(const int32_t *p, int n) { return (zn_i32x8)_mm256_maskload_epi32(p, zn_firstx8(n)); }

/*@ zn_storen_i32x16 */
ZN_INLINE16 void zn_storen_i32x16(int32_t *p, zn_i32x16 v, int n)
{
	_mm512_mask_storeu_epi32(p, zn_firstx16(n), (__m512i)v);
}

/*@ zn_storen_i32x8 */
ZN_INLINE8 void zn_storen_i32x8(int32_t *p, zn_i32x8 v, int n)
{
	_mm256_maskstore_epi32(p, zn_firstx8(n), (__m256i)v);
}

/*@ zn_fma_f32x@ */
/* a*b + c, rounded once */
ZN_INLINE@ zn_f32x@ zn_fma_f32x@(zn_f32x@ a, zn_f32x@ b, zn_f32x@ c)
{
	return (zn_f32x@)_mm$_fmadd_ps((__m$)a, (__m$)b, (__m$)c);
}

/*@ zn_maxc_f32x@ */
/* b is no NaN; NaN if a is: the instruction gives its second operand then */
ZN_INLINE@ zn_f32x@ zn_maxc_f32x@(zn_f32x@ a, zn_f32x@ b) { return (zn_f32x@)_mm$_max_ps((__m$)b, (__m$)a); }

/*@ zn_minc_f32x@ */
ZN_INLINE@ zn_f32x@ zn_minc_f32x@(zn_f32x@ a, zn_f32x@ b) { return (zn_f32x@)_mm$_min_ps((__m$)b, (__m$)a); }

/*@ zn_max_f32x16 */
/* NaN if either is */
ZN_INLINE16 zn_f32x16 zn_max_f32x16(zn_f32x16 a, zn_f32x16 b)
{
	return (zn_f32x16)_mm512_mask_mov_ps(_mm512_max_ps((__m512)b, (__m512)a),
		_mm512_cmp_ps_mask((__m512)b, (__m512)b, _CMP_UNORD_Q), (__m512)b);
}

/*@ zn_min_f32x16 */
ZN_INLINE16 zn_f32x16 zn_min_f32x16(zn_f32x16 a, zn_f32x16 b)
{
	return (zn_f32x16)_mm512_mask_mov_ps(_mm512_min_ps((__m512)b, (__m512)a),
		_mm512_cmp_ps_mask((__m512)b, (__m512)b, _CMP_UNORD_Q), (__m512)b);
}

/*@ zn_max_f32x8 */
ZN_INLINE8 zn_f32x8 zn_max_f32x8(zn_f32x8 a, zn_f32x8 b)
{
	return (zn_f32x8)_mm256_blendv_ps(_mm256_max_ps((__m256)b, (__m256)a), (__m256)b,
		_mm256_cmp_ps((__m256)b, (__m256)b, _CMP_UNORD_Q));
}

/*@ zn_min_f32x8 */
ZN_INLINE8 zn_f32x8 zn_min_f32x8(zn_f32x8 a, zn_f32x8 b)
{
	return (zn_f32x8)_mm256_blendv_ps(_mm256_min_ps((__m256)b, (__m256)a), (__m256)b,
		_mm256_cmp_ps((__m256)b, (__m256)b, _CMP_UNORD_Q));
}

/*@ zn_max_i32x@ */
ZN_INLINE@ zn_i32x@ zn_max_i32x@(zn_i32x@ a, zn_i32x@ b) { return (zn_i32x@)_mm$_max_epi32((__m$i)a, (__m$i)b); }

/*@ zn_min_i32x@ */
ZN_INLINE@ zn_i32x@ zn_min_i32x@(zn_i32x@ a, zn_i32x@ b) { return (zn_i32x@)_mm$_min_epi32((__m$i)a, (__m$i)b); }

/*@ zn_sqrt_f32x@ */
ZN_INLINE@ zn_f32x@ zn_sqrt_f32x@(zn_f32x@ a) { return (zn_f32x@)_mm$_sqrt_ps((__m$)a); }

/*@ zn_select_i32x16 */
/* where the mask is set a, else b; compilers make a masked move of it */
ZN_INLINE16 zn_i32x16 zn_select_i32x16(zn_i32x16 m, zn_i32x16 a, zn_i32x16 b) { return (m & a) | (~m & b); }

/*@ zn_select_i32x8 */
ZN_INLINE8 zn_i32x8 zn_select_i32x8(zn_i32x8 m, zn_i32x8 a, zn_i32x8 b)
{
	return (zn_i32x8)_mm256_blendv_epi8((__m256i)b, (__m256i)a, (__m256i)m);
}

/*@ zn_select_f32x16 */
ZN_INLINE16 zn_f32x16 zn_select_f32x16(zn_i32x16 m, zn_f32x16 a, zn_f32x16 b)
{
	return (zn_f32x16)zn_select_i32x16(m, (zn_i32x16)a, (zn_i32x16)b);
}

/*@ zn_select_f32x8 */
ZN_INLINE8 zn_f32x8 zn_select_f32x8(zn_i32x8 m, zn_f32x8 a, zn_f32x8 b)
{
	return (zn_f32x8)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)m);
}

