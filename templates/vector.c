/* Vectors of lanes: types and what is the same for every ISA. Masks are zn_i32 vectors of 0 and -1.
 * Operators of C (+ * & < ==) are used as they are. Memory may be unaligned; n is 0 to the number of
 * lanes, and memory beyond the first n elements is not touched. See codegen/prelude.c for @ and $. No
 * compiler option is needed. */
/*@ zn_begin */
/* g++ 12 sees uninitialized values in its own intrinsics, and at -O0 they are macros that convert signs */
#ifndef __clang__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif

/*@ zn_end */
#ifndef __clang__
#pragma GCC diagnostic pop
#endif
/*@ zn_x86 */
#if (defined __GNUC__ || defined __clang__) && defined __x86_64__
#include <immintrin.h>
#define ZN_AVX2 __attribute__((target("avx2,fma,f16c")))
#define ZN_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#define ZN_AVX512VNNI __attribute__((target("avx512vnni,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#define ZN_INLINE8 static inline __attribute__((always_inline, unused)) ZN_AVX2
#define ZN_INLINE16 static inline __attribute__((always_inline, unused)) ZN_AVX512
#define ZN_INLINE16V static inline __attribute__((always_inline, unused)) ZN_AVX512VNNI
#endif

/*@ zn_arm */
#if (defined __GNUC__ || defined __clang__) && defined __aarch64__ && defined __ARM_NEON && \
	!defined __AARCH64EB__
#include <arm_neon.h>
#define ZN_NEON
#ifdef __clang__
#define ZN_NEONDOT __attribute__((target("dotprod")))
#else
#define ZN_NEONDOT __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#define ZN_INLINE4 static inline __attribute__((always_inline, unused))
#define ZN_INLINE4D static inline __attribute__((always_inline, unused)) ZN_NEONDOT
#endif

/*@ zn_f32x@ */
typedef float zn_f32x@ __attribute__((vector_size($ / 8)));

/*@ zn_f32ux@ */
typedef float zn_f32ux@ __attribute__((vector_size($ / 8), aligned(4), may_alias));

/*@ zn_i32x@ */
typedef int32_t zn_i32x@ __attribute__((vector_size($ / 8)));

/*@ zn_i32ux@ */
typedef int32_t zn_i32ux@ __attribute__((vector_size($ / 8), aligned(4), may_alias));

/*@ zn_u32x@ */
typedef uint32_t zn_u32x@ __attribute__((vector_size($ / 8)));

/*@ zn_u32ux@ */
typedef uint32_t zn_u32ux@ __attribute__((vector_size($ / 8), aligned(4), may_alias));

/*@ zn_beforex@ */
/* how many of the first `most` lanes are before lane n */
ZN_INLINE@ int zn_beforex@(int64_t n, int most) { return n < 0 ? 0 : n < most ? (int)n : most; }

/*@ zn_iota_i32x4 */
ZN_INLINE4 zn_i32x4 zn_iota_i32x4(void)
{
	const zn_i32x4 v = { 0, 1, 2, 3 };
	return v;
}

/*@ zn_iota_i32x8 */
ZN_INLINE8 zn_i32x8 zn_iota_i32x8(void)
{
	const zn_i32x8 v = { 0, 1, 2, 3, 4, 5, 6, 7 };
	return v;
}

/*@ zn_iota_i32x16 */
ZN_INLINE16 zn_i32x16 zn_iota_i32x16(void)
{
	const zn_i32x16 v = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	return v;
}

/*@ zn_load_f32x@ */
ZN_INLINE@ zn_f32x@ zn_load_f32x@(const float *p) { return *(const zn_f32ux@ *)p; }

/*@ zn_store_f32x@ */
ZN_INLINE@ void zn_store_f32x@(float *p, zn_f32x@ v) { *(zn_f32ux@ *)p = v; }

/*@ zn_load_i32x@ */
ZN_INLINE@ zn_i32x@ zn_load_i32x@(const int32_t *p) { return *(const zn_i32ux@ *)p; }

/*@ zn_words_i32x@ */
/* four bytes a lane, wherever they lie */
ZN_INLINE@ zn_i32x@ zn_words_i32x@(const void *p)
{
	zn_i32x@ v;

	memcpy(&v, p, sizeof v);
	return v;
}

/*@ zn_wordn_i32x@ */
ZN_INLINE@ zn_i32x@ zn_wordn_i32x@(const void *p, int n)
{
	int32_t t[@] = { 0 };

	memcpy(t, p, 4 * (size_t)n);
	return zn_load_i32x@(t);
}

/*@ zn_store_i32x@ */
ZN_INLINE@ void zn_store_i32x@(int32_t *p, zn_i32x@ v) { *(zn_i32ux@ *)p = v; }

/*@ zn_load_u32x@ */
ZN_INLINE@ zn_u32x@ zn_load_u32x@(const uint32_t *p) { return *(const zn_u32ux@ *)p; }

/*@ zn_store_u32x@ */
ZN_INLINE@ void zn_store_u32x@(uint32_t *p, zn_u32x@ v) { *(zn_u32ux@ *)p = v; }

/*@ zn_loads_f32x4 */
ZN_INLINE4 zn_f32x4 zn_loads_f32x4(const float *p, ptrdiff_t s)
{
	const zn_f32x4 v = { p[0], p[s], p[2 * s], p[3 * s] };
	return v;
}

/*@ zn_loads_f32x8 */
ZN_INLINE8 zn_f32x8 zn_loads_f32x8(const float *p, ptrdiff_t s)
{
	const float *b = p + 4 * s;
	const zn_f32x8 v = { p[0], p[s], p[2 * s], p[3 * s], b[0], b[s], b[2 * s], b[3 * s] };
	return v;
}

/*@ zn_loads_f32x16 */
ZN_INLINE16 zn_f32x16 zn_loads_f32x16(const float *p, ptrdiff_t s)
{
	const float *b = p + 4 * s, *c = p + 8 * s, *d = p + 12 * s;
	const zn_f32x16 v = { p[0], p[s], p[2 * s], p[3 * s], b[0], b[s], b[2 * s], b[3 * s],
		c[0], c[s], c[2 * s], c[3 * s], d[0], d[s], d[2 * s], d[3 * s] };
	return v;
}

/*@ zn_loadsn_f32x@ */
ZN_INLINE@ zn_f32x@ zn_loadsn_f32x@(const float *p, ptrdiff_t s, int n)
{
	float t[@] = { 0 };
	int i;

	for (i = 0; i < n; i++)
		t[i] = p[i * s];
	return zn_load_f32x@(t);
}

/*@ zn_storesn_f32x@ */
ZN_INLINE@ void zn_storesn_f32x@(float *p, ptrdiff_t s, zn_f32x@ v, int n)
{
	float t[@];
	int i;

	zn_store_f32x@(t, v);
	for (i = 0; i < n; i++)
		p[i * s] = t[i];
}

/*@ zn_stores_f32x@ */
ZN_INLINE@ void zn_stores_f32x@(float *p, ptrdiff_t s, zn_f32x@ v)
{
	float t[@];
	int i;

	zn_store_f32x@(t, v);
	for (i = 0; i < @; i += 4, p += 4 * s) {
		p[0] = t[i];
		p[s] = t[i + 1];
		p[2 * s] = t[i + 2];
		p[3 * s] = t[i + 3];
	}
}

/*@ zn_loads_i32x4 */
ZN_INLINE4 zn_i32x4 zn_loads_i32x4(const int32_t *p, ptrdiff_t s)
{
	const zn_i32x4 v = { p[0], p[s], p[2 * s], p[3 * s] };
	return v;
}

/*@ zn_loads_i32x8 */
ZN_INLINE8 zn_i32x8 zn_loads_i32x8(const int32_t *p, ptrdiff_t s)
{
	const int32_t *b = p + 4 * s;
	const zn_i32x8 v = { p[0], p[s], p[2 * s], p[3 * s], b[0], b[s], b[2 * s], b[3 * s] };
	return v;
}

/*@ zn_loads_i32x16 */
ZN_INLINE16 zn_i32x16 zn_loads_i32x16(const int32_t *p, ptrdiff_t s)
{
	const int32_t *b = p + 4 * s, *c = p + 8 * s, *d = p + 12 * s;
	const zn_i32x16 v = { p[0], p[s], p[2 * s], p[3 * s], b[0], b[s], b[2 * s], b[3 * s],
		c[0], c[s], c[2 * s], c[3 * s], d[0], d[s], d[2 * s], d[3 * s] };
	return v;
}

/*@ zn_loadsn_i32x@ */
ZN_INLINE@ zn_i32x@ zn_loadsn_i32x@(const int32_t *p, ptrdiff_t s, int n)
{
	int32_t t[@] = { 0 };
	int i;

	for (i = 0; i < n; i++)
		t[i] = p[i * s];
	return zn_load_i32x@(t);
}

/*@ zn_storesn_i32x@ */
ZN_INLINE@ void zn_storesn_i32x@(int32_t *p, ptrdiff_t s, zn_i32x@ v, int n)
{
	int32_t t[@];
	int i;

	zn_store_i32x@(t, v);
	for (i = 0; i < n; i++)
		p[i * s] = t[i];
}

/*@ zn_stores_i32x@ */
ZN_INLINE@ void zn_stores_i32x@(int32_t *p, ptrdiff_t s, zn_i32x@ v)
{
	int32_t t[@];
	int i;

	zn_store_i32x@(t, v);
	for (i = 0; i < @; i += 4, p += 4 * s) {
		p[0] = t[i];
		p[s] = t[i + 1];
		p[2 * s] = t[i + 2];
		p[3 * s] = t[i + 3];
	}
}

/*@ zn_bits_f32x@ */
ZN_INLINE@ zn_f32x@ zn_bits_f32x@(zn_i32x@ v) { return (zn_f32x@)v; }

/*@ zn_bits_i32x@ */
ZN_INLINE@ zn_i32x@ zn_bits_i32x@(zn_f32x@ v) { return (zn_i32x@)v; }

/*@ zn_abs_f32x@ */
ZN_INLINE@ zn_f32x@ zn_abs_f32x@(zn_f32x@ v) { return (zn_f32x@)((zn_i32x@)v & 0x7fffffff); }

/*@ zn_isnan_f32x@ */
ZN_INLINE@ zn_i32x@ zn_isnan_f32x@(zn_f32x@ v) { return v != v; }

/*@ zn_bytesx@ */
/* the first n bytes, at most 8; the others 0 */
ZN_INLINE@ uint64_t zn_bytesx@(const void *from, int n)
{
	const unsigned char *p = (const unsigned char *)from;
	uint64_t r = 0;
	uint32_t w = 0;
	uint16_t h = 0;

	if (n >= 8) {
		memcpy(&r, p, 8);
		return r;
	}
	if (n & 1)
		r = p[n - 1];
	if (n & 2) {
		memcpy(&h, p + (n & 4), 2);
		r = r << 16 | h;
	}
	if (n & 4) {
		memcpy(&w, p, 4);
		r = r << 32 | w;
	}
	return r;
}

/*@ zn_putbytesx@ */
/* the first n bytes of v, at most 8 */
ZN_INLINE@ void zn_putbytesx@(void *to, uint64_t v, int n)
{
	unsigned char *p = (unsigned char *)to;
	const uint32_t w = (uint32_t)v;
	uint16_t h;

	if (n >= 8) {
		memcpy(p, &v, 8);
		return;
	}
	if (n & 4) {
		memcpy(p, &w, 4);
		p += 4;
		v >>= 32;
	}
	if (n & 2) {
		h = (uint16_t)(v & 0xffffu);
		memcpy(p, &h, 2);
		p += 2;
		v >>= 16;
	}
	if (n & 1)
		*p = (unsigned char)(v & 0xffu);
}

