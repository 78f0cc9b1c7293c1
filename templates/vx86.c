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
ZN_INLINE8 zn_f32x8 zn_loadn_f32x8(const float *p, int n)
{
	return (zn_f32x8)_mm256_maskload_ps(p, zn_firstx8(n));
}

/*@ zn_storen_f32x16 */
ZN_INLINE16 void zn_storen_f32x16(float *p, zn_f32x16 v, int n)
{
	_mm512_mask_storeu_ps(p, zn_firstx16(n), (__m512)v);
}

/*@ zn_storen_f32x8 */
ZN_INLINE8 void zn_storen_f32x8(float *p, zn_f32x8 v, int n)
{
	_mm256_maskstore_ps(p, zn_firstx8(n), (__m256)v);
}

/*@ zn_loadn_i32x16 */
ZN_INLINE16 zn_i32x16 zn_loadn_i32x16(const int32_t *p, int n)
{
	return (zn_i32x16)_mm512_maskz_loadu_epi32(zn_firstx16(n), p);
}

/*@ zn_loadn_i32x8 */
ZN_INLINE8 zn_i32x8 zn_loadn_i32x8(const int32_t *p, int n)
{
	return (zn_i32x8)_mm256_maskload_epi32(p, zn_firstx8(n));
}

/*@ zn_wordn_i32x16 */
ZN_INLINE16 zn_i32x16 zn_wordn_i32x16(const void *p, int n)
{
	return (zn_i32x16)_mm512_maskz_loadu_epi32(zn_firstx16(n), p);
}

/*@ zn_wordn_i32x8 */
ZN_INLINE8 zn_i32x8 zn_wordn_i32x8(const void *p, int n)
{
	return (zn_i32x8)_mm256_maskload_epi32((const int *)p, zn_firstx8(n));
}

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
ZN_INLINE@ zn_i32x@ zn_max_i32x@(zn_i32x@ a, zn_i32x@ b)
{
	return (zn_i32x@)_mm$_max_epi32((__m$i)a, (__m$i)b);
}

/*@ zn_min_i32x@ */
ZN_INLINE@ zn_i32x@ zn_min_i32x@(zn_i32x@ a, zn_i32x@ b)
{
	return (zn_i32x@)_mm$_min_epi32((__m$i)a, (__m$i)b);
}

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

/*@ zn_round_f32x16 */
ZN_INLINE16 zn_f32x16 zn_round_f32x16(zn_f32x16 a) { return (zn_f32x16)_mm512_roundscale_ps((__m512)a, 8); }

/*@ zn_round_f32x8 */
ZN_INLINE8 zn_f32x8 zn_round_f32x8(zn_f32x8 a) { return (zn_f32x8)_mm256_round_ps((__m256)a, 8); }

/*@ zn_floor_f32x16 */
ZN_INLINE16 zn_f32x16 zn_floor_f32x16(zn_f32x16 a) { return (zn_f32x16)_mm512_roundscale_ps((__m512)a, 9); }

/*@ zn_floor_f32x8 */
ZN_INLINE8 zn_f32x8 zn_floor_f32x8(zn_f32x8 a) { return (zn_f32x8)_mm256_round_ps((__m256)a, 9); }

/*@ zn_ceil_f32x16 */
ZN_INLINE16 zn_f32x16 zn_ceil_f32x16(zn_f32x16 a) { return (zn_f32x16)_mm512_roundscale_ps((__m512)a, 10); }

/*@ zn_ceil_f32x8 */
ZN_INLINE8 zn_f32x8 zn_ceil_f32x8(zn_f32x8 a) { return (zn_f32x8)_mm256_round_ps((__m256)a, 10); }

/*@ zn_trunc_f32x16 */
ZN_INLINE16 zn_f32x16 zn_trunc_f32x16(zn_f32x16 a) { return (zn_f32x16)_mm512_roundscale_ps((__m512)a, 11); }

/*@ zn_trunc_f32x8 */
ZN_INLINE8 zn_f32x8 zn_trunc_f32x8(zn_f32x8 a) { return (zn_f32x8)_mm256_round_ps((__m256)a, 11); }

/*@ zn_f32_i32x@ */
/* as floats */
ZN_INLINE@ zn_f32x@ zn_f32_i32x@(zn_i32x@ a) { return (zn_f32x@)_mm$_cvtepi32_ps((__m$i)a); }

/*@ zn_i32_f32x@ */
/* truncates; what does not fit and NaN give INT32_MIN */
ZN_INLINE@ zn_i32x@ zn_i32_f32x@(zn_f32x@ a) { return (zn_i32x@)_mm$_cvttps_epi32((__m$)a); }

/*@ zn_gather_f32x16 */
ZN_INLINE16 zn_f32x16 zn_gather_f32x16(const float *p, zn_i32x16 i)
{
	return (zn_f32x16)_mm512_i32gather_ps((__m512i)i, p, 4);
}

/*@ zn_gather_f32x8 */
ZN_INLINE8 zn_f32x8 zn_gather_f32x8(const float *p, zn_i32x8 i)
{
	return (zn_f32x8)_mm256_i32gather_ps(p, (__m256i)i, 4);
}

/*@ zn_gather_i32x16 */
ZN_INLINE16 zn_i32x16 zn_gather_i32x16(const int32_t *p, zn_i32x16 i)
{
	return (zn_i32x16)_mm512_i32gather_epi32((__m512i)i, p, 4);
}

/*@ zn_gather_i32x8 */
ZN_INLINE8 zn_i32x8 zn_gather_i32x8(const int32_t *p, zn_i32x8 i)
{
	return (zn_i32x8)_mm256_i32gather_epi32(p, (__m256i)i, 4);
}

/*@ zn_raw8x16 */
/* elements of 8 and 16 bits as they lie in memory */
ZN_INLINE16 __m128i zn_raw8x16(const void *p) { return _mm_loadu_si128((const __m128i *)p); }

/*@ zn_rawn8x16 */
ZN_INLINE16 __m128i zn_rawn8x16(const void *p, int n) { return _mm_maskz_loadu_epi8(zn_firstx16(n), p); }

/*@ zn_put8x16 */
ZN_INLINE16 void zn_put8x16(void *p, __m128i v) { _mm_storeu_si128((__m128i *)p, v); }

/*@ zn_putn8x16 */
ZN_INLINE16 void zn_putn8x16(void *p, __m128i v, int n) { _mm_mask_storeu_epi8(p, zn_firstx16(n), v); }

/*@ zn_raw16x16 */
ZN_INLINE16 __m256i zn_raw16x16(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }

/*@ zn_rawn16x16 */
ZN_INLINE16 __m256i zn_rawn16x16(const void *p, int n) { return _mm256_maskz_loadu_epi16(zn_firstx16(n), p); }

/*@ zn_put16x16 */
ZN_INLINE16 void zn_put16x16(void *p, __m256i v) { _mm256_storeu_si256((__m256i *)p, v); }

/*@ zn_putn16x16 */
ZN_INLINE16 void zn_putn16x16(void *p, __m256i v, int n) { _mm256_mask_storeu_epi16(p, zn_firstx16(n), v); }

/*@ zn_raw8x8 */
ZN_INLINE8 __m128i zn_raw8x8(const void *p) { return _mm_loadl_epi64((const __m128i *)p); }

/*@ zn_rawn8x8 */
ZN_INLINE8 __m128i zn_rawn8x8(const void *p, int n) { return _mm_cvtsi64_si128((long long)zn_bytesx8(p, n)); }

/*@ zn_put8x8 */
ZN_INLINE8 void zn_put8x8(void *p, __m128i v) { _mm_storel_epi64((__m128i *)p, v); }

/*@ zn_putn8x8 */
ZN_INLINE8 void zn_putn8x8(void *p, __m128i v, int n) { zn_putbytesx8(p, (uint64_t)_mm_cvtsi128_si64(v), n); }

/*@ zn_raw16x8 */
ZN_INLINE8 __m128i zn_raw16x8(const void *p) { return _mm_loadu_si128((const __m128i *)p); }

/*@ zn_rawn16x8 */
ZN_INLINE8 __m128i zn_rawn16x8(const void *p, int n)
{
	const uint64_t lo = zn_bytesx8(p, 2 * n), hi = n > 4 ? zn_bytesx8((const char *)p + 8, 2 * n - 8) : 0;

	return _mm_set_epi64x((long long)hi, (long long)lo);
}

/*@ zn_put16x8 */
ZN_INLINE8 void zn_put16x8(void *p, __m128i v) { _mm_storeu_si128((__m128i *)p, v); }

/*@ zn_putn16x8 */
ZN_INLINE8 void zn_putn16x8(void *p, __m128i v, int n)
{
	zn_putbytesx8(p, (uint64_t)_mm_cvtsi128_si64(v), 2 * n);
	if (n > 4)
		zn_putbytesx8((char *)p + 8, (uint64_t)_mm_extract_epi64(v, 1), 2 * n - 8);
}

/*@ zn_narrow8x16 */
/* integers modulo 256, modulo 65536 */
ZN_INLINE16 __m128i zn_narrow8x16(zn_i32x16 v) { return _mm512_cvtepi32_epi8((__m512i)v); }

/*@ zn_narrow16x16 */
ZN_INLINE16 __m256i zn_narrow16x16(zn_i32x16 v) { return _mm512_cvtepi32_epi16((__m512i)v); }

/*@ zn_narrow8x8 */
ZN_INLINE8 __m128i zn_narrow8x8(zn_i32x8 v)
{
	const __m256i low = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
		0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
	const __m256i b = _mm256_shuffle_epi8((__m256i)v, low);

	return _mm_unpacklo_epi32(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1));
}

/*@ zn_narrow16x8 */
ZN_INLINE8 __m128i zn_narrow16x8(zn_i32x8 v)
{
	const __m256i low = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1,
		0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
	const __m256i b = _mm256_shuffle_epi8((__m256i)v, low);

	return _mm_unpacklo_epi64(_mm256_castsi256_si128(b), _mm256_extracti128_si256(b, 1));
}

/*@ zn_widen_u8x@ */
ZN_INLINE@ zn_i32x@ zn_widen_u8x@(__m128i v) { return (zn_i32x@)_mm$_cvtepu8_epi32(v); }

/*@ zn_widen_i8x@ */
ZN_INLINE@ zn_i32x@ zn_widen_i8x@(__m128i v) { return (zn_i32x@)_mm$_cvtepi8_epi32(v); }

/*@ zn_widen_u16x16 */
ZN_INLINE16 zn_i32x16 zn_widen_u16x16(__m256i v) { return (zn_i32x16)_mm512_cvtepu16_epi32(v); }

/*@ zn_widen_i16x16 */
ZN_INLINE16 zn_i32x16 zn_widen_i16x16(__m256i v) { return (zn_i32x16)_mm512_cvtepi16_epi32(v); }

/*@ zn_widen_f16x16 */
ZN_INLINE16 zn_f32x16 zn_widen_f16x16(__m256i v) { return (zn_f32x16)_mm512_cvtph_ps(v); }

/*@ zn_narrow_f16x16 */
ZN_INLINE16 __m256i zn_narrow_f16x16(zn_f32x16 v) { return _mm512_cvtps_ph((__m512)v, 0); }

/*@ zn_widen_u16x8 */
ZN_INLINE8 zn_i32x8 zn_widen_u16x8(__m128i v) { return (zn_i32x8)_mm256_cvtepu16_epi32(v); }

/*@ zn_widen_i16x8 */
ZN_INLINE8 zn_i32x8 zn_widen_i16x8(__m128i v) { return (zn_i32x8)_mm256_cvtepi16_epi32(v); }

/*@ zn_widen_f16x8 */
ZN_INLINE8 zn_f32x8 zn_widen_f16x8(__m128i v) { return (zn_f32x8)_mm256_cvtph_ps(v); }

/*@ zn_narrow_f16x8 */
ZN_INLINE8 __m128i zn_narrow_f16x8(zn_f32x8 v) { return _mm256_cvtps_ph((__m256)v, 0); }

/*@ zn_sum_f32x16 */
/* halves are added until one number is left */
ZN_INLINE16 float zn_sum_f32x16(zn_f32x16 v)
{
	const __m256 o = _mm256_add_ps(_mm512_castps512_ps256((__m512)v),
		_mm512_extractf32x8_ps((__m512)v, 1));
	const __m128 h = _mm_add_ps(_mm256_castps256_ps128(o), _mm256_extractf128_ps(o, 1));
	const __m128 q = _mm_add_ps(h, _mm_movehl_ps(h, h));

	return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

/*@ zn_sum_f32x8 */
ZN_INLINE8 float zn_sum_f32x8(zn_f32x8 v)
{
	const __m128 h = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
	const __m128 q = _mm_add_ps(h, _mm_movehl_ps(h, h));

	return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

/*@ zn_hmax_f32x16 */
/* NaN if any is */
ZN_INLINE16 float zn_hmax_f32x16(zn_f32x16 v)
{
	const __m256 o = _mm256_max_ps(_mm512_castps512_ps256((__m512)v),
		_mm512_extractf32x8_ps((__m512)v, 1));
	const __m128 h = _mm_max_ps(_mm256_castps256_ps128(o), _mm256_extractf128_ps(o, 1));
	const __m128 q = _mm_max_ps(h, _mm_movehl_ps(h, h));

	return _mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q) ? NAN
		: _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}

/*@ zn_hmax_f32x8 */
ZN_INLINE8 float zn_hmax_f32x8(zn_f32x8 v)
{
	const __m128 h = _mm_max_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
	const __m128 q = _mm_max_ps(h, _mm_movehl_ps(h, h));

	return _mm256_movemask_ps(_mm256_cmp_ps((__m256)v, (__m256)v, _CMP_UNORD_Q)) ? NAN
		: _mm_cvtss_f32(_mm_max_ss(q, _mm_movehdup_ps(q)));
}

/*@ zn_hmin_f32x16 */
ZN_INLINE16 float zn_hmin_f32x16(zn_f32x16 v)
{
	const __m256 o = _mm256_min_ps(_mm512_castps512_ps256((__m512)v),
		_mm512_extractf32x8_ps((__m512)v, 1));
	const __m128 h = _mm_min_ps(_mm256_castps256_ps128(o), _mm256_extractf128_ps(o, 1));
	const __m128 q = _mm_min_ps(h, _mm_movehl_ps(h, h));

	return _mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q) ? NAN
		: _mm_cvtss_f32(_mm_min_ss(q, _mm_movehdup_ps(q)));
}

/*@ zn_hmin_f32x8 */
ZN_INLINE8 float zn_hmin_f32x8(zn_f32x8 v)
{
	const __m128 h = _mm_min_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
	const __m128 q = _mm_min_ps(h, _mm_movehl_ps(h, h));

	return _mm256_movemask_ps(_mm256_cmp_ps((__m256)v, (__m256)v, _CMP_UNORD_Q)) ? NAN
		: _mm_cvtss_f32(_mm_min_ss(q, _mm_movehdup_ps(q)));
}

/*@ zn_sum_i32x16 */
ZN_INLINE16 int32_t zn_sum_i32x16(zn_i32x16 v)
{
	const __m256i o = _mm256_add_epi32(_mm512_castsi512_si256((__m512i)v),
		_mm512_extracti32x8_epi32((__m512i)v, 1));
	const __m128i h = _mm_add_epi32(_mm256_castsi256_si128(o), _mm256_extracti128_si256(o, 1));
	const __m128i q = _mm_add_epi32(h, _mm_unpackhi_epi64(h, h));

	return _mm_cvtsi128_si32(_mm_add_epi32(q, _mm_shuffle_epi32(q, 1)));
}

/*@ zn_sum_i32x8 */
ZN_INLINE8 int32_t zn_sum_i32x8(zn_i32x8 v)
{
	const __m256i o = (__m256i)v;
	const __m128i h = _mm_add_epi32(_mm256_castsi256_si128(o), _mm256_extracti128_si256(o, 1));
	const __m128i q = _mm_add_epi32(h, _mm_unpackhi_epi64(h, h));

	return _mm_cvtsi128_si32(_mm_add_epi32(q, _mm_shuffle_epi32(q, 1)));
}

/*@ zn_dot4_u8s8x@ */
/* every lane: acc + the sum of 4 products of unsigned bytes of a and signed bytes of b; exact */
ZN_INLINE@ zn_i32x@ zn_dot4_u8s8x@(zn_i32x@ acc, zn_i32x@ a, zn_i32x@ b)
{
	const __m$i even = _mm$_set1_epi16(255), x = (__m$i)a, y = (__m$i)b;
	const __m$i lo = _mm$_madd_epi16(x & even, _mm$_srai_epi16(_mm$_slli_epi16(y, 8), 8));
	const __m$i hi = _mm$_madd_epi16(_mm$_srli_epi16(x, 8), _mm$_srai_epi16(y, 8));

	return (zn_i32x@)_mm$_add_epi32(_mm$_add_epi32((__m$i)acc, lo), hi);
}

/*@ zn_dot4_s8s8x@ */
/* of signed bytes on both sides */
ZN_INLINE@ zn_i32x@ zn_dot4_s8s8x@(zn_i32x@ acc, zn_i32x@ a, zn_i32x@ b)
{
	const __m$i x = (__m$i)a, y = (__m$i)b;
	const __m$i xe = _mm$_srai_epi16(_mm$_slli_epi16(x, 8), 8), ye = _mm$_srai_epi16(_mm$_slli_epi16(y, 8), 8);
	const __m$i lo = _mm$_madd_epi16(xe, ye);
	const __m$i hi = _mm$_madd_epi16(_mm$_srai_epi16(x, 8), _mm$_srai_epi16(y, 8));

	return (zn_i32x@)_mm$_add_epi32(_mm$_add_epi32((__m$i)acc, lo), hi);
}

/*@ zn_dot4_s8s8x16v */
ZN_INLINE16V zn_i32x16 zn_dot4_s8s8x16v(zn_i32x16 acc, zn_i32x16 a, zn_i32x16 b)
{
	return zn_dot4_s8s8x16(acc, a, b);
}

/*@ zn_dot4_u8s8x16v */
/* the same, one instruction: gcc 12 copies registers around its intrinsic */
ZN_INLINE16V zn_i32x16 zn_dot4_u8s8x16v(zn_i32x16 acc, zn_i32x16 a, zn_i32x16 b)
{
	__asm__("vpdpbusd {%2, %1, %0|%0, %1, %2}" : "+v"(acc) : "v"(a), "v"(b));
	return acc;
}

/*@ zn_ldexp_f32x16 */
/* p 2^n, rounded once, where t is 12582912 + n */
ZN_INLINE16 zn_f32x16 zn_ldexp_f32x16(zn_f32x16 p, zn_f32x16 t)
{
	return (zn_f32x16)_mm512_scalef_ps((__m512)p, (__m512)(t - 12582912.0f));
}

/*@ zn_quot_f32x16 */
/* a/b within 1 ulp; b from 1 to 1e30: a quotient within 2^-14, and its error divided */
ZN_INLINE16 zn_f32x16 zn_quot_f32x16(zn_f32x16 a, zn_f32x16 b)
{
	const __m512 r = _mm512_rcp14_ps((__m512)b), q = _mm512_mul_ps((__m512)a, r);

	return (zn_f32x16)_mm512_fmadd_ps(_mm512_fnmadd_ps(q, (__m512)b, (__m512)a), r, q);
}

/*@ zn_pow2_f32x16 */
ZN_INLINE16 zn_f32x16 zn_pow2_f32x16(zn_f32x16 t)
{
	return (zn_f32x16)_mm512_scalef_ps(_mm512_set1_ps(1.0f), (__m512)(t - 12582912.0f));
}

/*@ zn_copysign_f32x16 */
/* a with the sign of b: where the first operand is set a, else b */
ZN_INLINE16 zn_f32x16 zn_copysign_f32x16(zn_f32x16 a, zn_f32x16 b)
{
	const __m512i mag = _mm512_set1_epi32(0x7fffffff);

	return (zn_f32x16)_mm512_ternarylogic_epi32(mag, (__m512i)a, (__m512i)b, 0xca);
}

/*@ zn_any_i32x16 */
/* whether a lane of the mask is set */
ZN_INLINE16 int zn_any_i32x16(zn_i32x16 m) { return _mm512_movepi32_mask((__m512i)m) != 0; }

/*@ zn_any_i32x8 */
ZN_INLINE8 int zn_any_i32x8(zn_i32x8 m) { return _mm256_movemask_ps((__m256)m) != 0; }

