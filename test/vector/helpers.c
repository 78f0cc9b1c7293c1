/* Every helper of @ lanes against plain C. */
static float a[N], b[N], c[N], r[N];
static int32_t ai[N], bi[N], ri[N];

static void fill(void)
{
	for (int i = 0; i < N; i++) {
		a[i] = value(i, 0);
		b[i] = value(i, 1);
		c[i] = value(i, 2);
		ai[i] = (int32_t)ubits(i & 1 ? a[i] : (float)i);
		bi[i] = (int32_t)rnd() >> (i & 31);
	}
}

#define EACH for (int i = 0; i < N; i += L)
#define TEST static ISA __attribute__((noinline)) void
#define CHECK(name, want, got) for (int i = 0; i < N; i++) same_float(name, i, want, got)
#define CHECKI(name, want, got) for (int i = 0; i < N; i++) same(name, i, (uint32_t)(want), (uint32_t)(got))
#define A zn_load_f32x@(a + i)
#define B zn_load_f32x@(b + i)
#define C zn_load_f32x@(c + i)
#define AI zn_load_i32x@(ai + i)
#define BI zn_load_i32x@(bi + i)
#define UNARY(f, want) EACH zn_store_f32x@(r + i, f(A)); CHECK(#f, want, r[i])
#define INTS(f, want) EACH zn_store_i32x@(ri + i, f(AI, BI)); CHECKI(#f, want, ri[i])

static float max(float x, float y) { return x != x ? x : y != y ? y : x > y ? x : y; }
static float min(float x, float y) { return x != x ? x : y != y ? y : x < y ? x : y; }
/* zeros are alike to max and min */
static float z(float x) { return x == 0.0f ? 0.0f : x; }

TEST arithmetic(void)
{
	EACH zn_store_f32x@(r + i, zn_max_f32x@(A, B));
	CHECK("max", z(max(a[i], b[i])), z(r[i]));
	EACH zn_store_f32x@(r + i, zn_min_f32x@(A, B));
	CHECK("min", z(min(a[i], b[i])), z(r[i]));
	EACH zn_store_f32x@(r + i, zn_maxc_f32x@(A, zn_splat_f32x@(0.25f)));
	CHECK("maxc", max(a[i], 0.25f), r[i]);
	EACH zn_store_f32x@(r + i, zn_minc_f32x@(A, zn_splat_f32x@(-7.5f)));
	CHECK("minc", min(a[i], -7.5f), r[i]);
	EACH zn_store_f32x@(r + i, zn_fma_f32x@(A, B, C));
	CHECK("fma", fmaf(a[i], b[i], c[i]), r[i]);
	UNARY(zn_sqrt_f32x@, sqrtf(a[i]));
	UNARY(zn_abs_f32x@, fabsf(a[i]));
	UNARY(zn_sign_f32x@, zn_sign_f32(a[i]));
	EACH zn_store_i32x@(ri + i, zn_isinf_f32x@(A));
	CHECKI("isinf", fabsf(a[i]) == INFINITY ? -1 : 0, ri[i]);
	EACH zn_store_f32x@(r + i, zn_copysign_f32x@(A, B));
	CHECK("copysign", copysignf(a[i], b[i]), r[i]);
	for (int k = -1; k < L; k++)
		same("any", k, k >= 0, (uint32_t)zn_any_i32x@(zn_iota_i32x@() == k));
	INTS(zn_max_i32x@, ai[i] > bi[i] ? ai[i] : bi[i]);
	INTS(zn_min_i32x@, ai[i] < bi[i] ? ai[i] : bi[i]);
	EACH zn_store_f32x@(r + i, zn_select_f32x@(A < B, B, C));
	CHECK("select", a[i] < b[i] ? b[i] : c[i], r[i]);
	EACH zn_store_i32x@(ri + i, zn_select_i32x@(AI < BI, AI, BI + zn_splat_i32x@(0)));
	CHECKI("select.i32", ai[i] < bi[i] ? ai[i] : bi[i], ri[i]);
	EACH zn_store_i32x@(ri + i, zn_isnan_f32x@(A));
	CHECKI("isnan", a[i] != a[i] ? -1 : 0, ri[i]);
	EACH zn_store_f32x@(r + i, zn_bits_f32x@(zn_bits_i32x@(A) ^ zn_iota_i32x@()));
	CHECK("bits", fbits(ubits(a[i]) ^ (uint32_t)(i % L)), r[i]);
}

/* full, partial and strided access; what lies beside stays */
TEST memory(void)
{
	enum { G = 3 };
	float t[L * G + L];
	uint32_t u[2 * L];

	zn_store_i32x@(ri, zn_words_i32x@((const char *)a + 1));
	for (int i = 0; i < L; i++) {
		memcpy(u, (const char *)a + 1 + 4 * i, 4);
		same("words", i, u[0], (uint32_t)ri[i]);
	}
	for (int n = 0; n <= L; n++) {
		float *p = (float *)edge((size_t)n * 4);
		int32_t *q = (int32_t *)p;

		memcpy(p, b + 2000, (size_t)n * 4);
		zn_store_f32x@(r, zn_loadn_f32x@(p, n));
		zn_store_i32x@(ri, zn_loadn_i32x@(q, n));
		for (int i = 0; i < L; i++) {
			same_float("loadn", i, i < n ? b[2000 + i] : 0.0f, r[i]);
			same("loadn.i32", i, i < n ? ubits(b[2000 + i]) : 0, (uint32_t)ri[i]);
		}
		zn_store_i32x@(ri, zn_wordn_i32x@(q, n));
		for (int i = 0; i < L; i++)
			same("wordn", i, i < n ? ubits(b[2000 + i]) : 0, (uint32_t)ri[i]);
		zn_storen_f32x@(p, zn_load_f32x@(a + 2001), n);
		for (int i = 0; i < n; i++)
			same_float("storen", i, a[2001 + i], p[i]);
		zn_storen_i32x@(q, zn_load_i32x@(ai + 7), n);
		for (int i = 0; i < n; i++)
			same("storen.i32", i, (uint32_t)ai[7 + i], (uint32_t)q[i]);
		zn_store_u32x@(u, zn_loadn_u32x@((const uint32_t *)q, n));
		zn_storen_u32x@((uint32_t *)q, zn_splat_u32x@(7) + zn_load_u32x@(u), n);
		for (int i = 0; i < L; i++) {
			same("loadn.u32", i, i < n ? (uint32_t)ai[7 + i] : 0, u[i]);
			if (i < n)
				same("storen.u32", i, (uint32_t)ai[7 + i] + 7, (uint32_t)q[i]);
		}
		memset(u, 0x55, sizeof u);
		zn_storen_i32x@((int32_t *)u, zn_splat_i32x@(n), n);
		for (int i = 0; i < 2 * L; i++)
			same("storen beside", i, i < n ? (uint32_t)n : 0x55555555u, u[i]);
		p = (float *)edge(n ? (size_t)((n - 1) * G + 1) * 4 : 0);
		for (int i = 0; i < n; i++)
			p[i * G] = a[2000 + i];
		zn_store_f32x@(r, zn_loadsn_f32x@(p, G, n));
		zn_store_i32x@(ri, zn_loadsn_i32x@((int32_t *)p, G, n));
		for (int i = 0; i < L; i++) {
			same_float("loadsn", i, i < n ? a[2000 + i] : 0.0f, r[i]);
			same("loadsn.i32", i, i < n ? ubits(a[2000 + i]) : 0, (uint32_t)ri[i]);
		}
		zn_storesn_f32x@(p, G, zn_load_f32x@(b + 9), n);
		for (int i = 0; i < n; i++)
			same_float("storesn", i, b[9 + i], p[i * G]);
		zn_storesn_i32x@((int32_t *)p, G, zn_load_i32x@(bi + 9), n);
		for (int i = 0; i < n; i++)
			same("storesn.i32", i, (uint32_t)bi[9 + i], ubits(p[i * G]));
	}
	memset(t, 0, sizeof t);
	zn_stores_f32x@(t, G, zn_load_f32x@(b + 2000));
	for (int i = 0; i < L * G; i++)
		same_float("stores", i, i % G ? 0.0f : b[2000 + i / G], t[i]);
	zn_stores_i32x@((int32_t *)t, G, zn_load_i32x@(bi + 2000));
	zn_store_i32x@(ri, zn_loads_i32x@((int32_t *)t, G));
	for (int i = 0; i < L; i++)
		same("loads.i32", i, (uint32_t)bi[2000 + i], (uint32_t)ri[i]);
	zn_store_f32x@(r, zn_loads_f32x@(b + N - 1, -2));
	for (int i = 0; i < L; i++)
		same_float("loads", i, b[N - 1 - 2 * i], r[i]);
	zn_store_u32x@(u, zn_load_u32x@((const uint32_t *)a + 1) + 1);
	for (int i = 0; i < L; i++)
		same("u32", i, ubits(a[1 + i]) + 1, u[i]);
}

/* narrow elements: all the patterns of 16 bits, partial access, what lies beside */
#define NARROW(T, load, loadn, store, storen, canon, want, in) do { \
	static T from[65536 + L], to[65536 + L]; \
	for (int i = 0; i < 65536; i++) \
		from[i] = (T)i; \
	for (int i = 0; i < 65536; i += L) \
		store(to + i, load(from + i)); \
	for (int i = 0; i < 65536; i++) \
		same(#store, i, canon(from[i]), canon(to[i])); \
	for (int n = 0; n <= L; n++) { \
		T *p = (T *)edge((size_t)n * sizeof(T)); \
		for (int i = 0; i < n; i++) \
			p[i] = (T)(40000 + 77 * i); \
		in(r, loadn(p, n)); \
		for (int i = 0; i < L; i++) { \
			const T x = (T)(i < n ? 40000 + 77 * i : 0); \
			same(#loadn, i, want, ubits(r[i])); \
		} \
		for (int i = 0; i < n; i++) \
			p[i] = 0; \
		storen(p, load(from + 100), n); \
		for (int i = 0; i < n; i++) \
			same(#storen, i, (uint32_t)to[100 + i], (uint32_t)p[i]); \
		memset(to + 200, 0x55, 2 * L * sizeof(T)); \
		storen(to + 200, load(from + 100), n); \
		for (int i = n; i < 2 * L; i++) \
			same(#storen " beside", i, (uint32_t)(T)0x5555, (uint32_t)to[200 + i]); \
	} \
} while (0)

static uint32_t as_bits(int32_t x) { return (uint32_t)x; }

static ISA void ints(float *p, zn_i32x@ v) { zn_store_i32x@((int32_t *)p, v); }

/* one NaN is as good as another */
static uint32_t any_int(int x) { return (uint32_t)x; }
static uint32_t any_f16(unsigned x) { return (x & 0x7fffu) > 0x7c00u ? 0x7e00u : x; }
static uint32_t any_bf16(unsigned x) { return (x & 0x7fffu) > 0x7f80u ? 0x7fc0u : x; }

TEST narrow(void)
{
	NARROW(uint8_t, zn_load_u8x@, zn_loadn_u8x@, zn_store_u8x@, zn_storen_u8x@,
		any_int, as_bits(x), ints);
	NARROW(int8_t, zn_load_i8x@, zn_loadn_i8x@, zn_store_i8x@, zn_storen_i8x@,
		any_int, as_bits(x), ints);
	NARROW(uint16_t, zn_load_u16x@, zn_loadn_u16x@, zn_store_u16x@, zn_storen_u16x@,
		any_int, as_bits(x), ints);
	NARROW(int16_t, zn_load_i16x@, zn_loadn_i16x@, zn_store_i16x@, zn_storen_i16x@,
		any_int, as_bits(x), ints);
	NARROW(uint16_t, zn_load_f16x@, zn_loadn_f16x@, zn_store_f16x@, zn_storen_f16x@,
		any_f16, ubits(zn_f16_f32(x)), zn_store_f32x@);
	NARROW(uint16_t, zn_load_bf16x@, zn_loadn_bf16x@, zn_store_bf16x@, zn_storen_bf16x@,
		any_bf16, ubits(zn_bf16_f32(x)), zn_store_f32x@);
}

/* stores of what does not fit exactly */
TEST rounding(void)
{
	static uint16_t h[N];
	static int16_t s[N];
	static uint8_t u[N];
	static int8_t c8[N];

	EACH zn_store_f16x@(h + i, A);
	for (int i = 0; i < N; i++)
		if (a[i] == a[i])
			same("store f16", i, zn_f32_f16(a[i]), h[i]);
		else
			same("store f16 NaN", i, 1, (h[i] & 0x7fff) > 0x7c00);
	EACH zn_store_bf16x@(h + i, A);
	for (int i = 0; i < N; i++)
		if (a[i] == a[i])
			same("store bf16", i, zn_f32_bf16(a[i]), h[i]);
		else
			same("store bf16 NaN", i, 1, (h[i] & 0x7fff) > 0x7f80);
	for (int i = 0; i < 65536; i++)
		same_float("load f16", i, zn_f16_f32((uint16_t)i), (h[0] = (uint16_t)i, zn_load_f16x@(h)[0]));
	EACH zn_store_u16x@(h + i, AI);
	CHECKI("store u16", (uint16_t)ai[i], h[i]);
	EACH zn_store_i16x@(s + i, AI);
	CHECKI("store i16", (int16_t)ai[i], s[i]);
	EACH zn_store_u8x@(u + i, AI);
	CHECKI("store u8", (uint8_t)ai[i], u[i]);
	EACH zn_store_i8x@(c8 + i, AI);
	CHECKI("store i8", (int8_t)ai[i], c8[i]);
	EACH zn_store_boolx@(u + i, A < B);
	CHECKI("store bool", a[i] < b[i], u[i]);
	EACH zn_store_i32x@(ri + i, zn_load_boolx@(u + i));
	CHECKI("load bool", a[i] < b[i] ? -1 : 0, ri[i]);
	for (int n = 0; n <= L; n++) {
		uint8_t *p = edge((size_t)n);
		zn_storen_boolx@(p, zn_iota_i32x@() < 2, n);
		zn_store_i32x@(ri, zn_loadn_boolx@(p, n));
		for (int i = 0; i < L; i++) {
			same("bool n", i, i < 2 && i < n ? 0xffffffffu : 0, (uint32_t)ri[i]);
			if (i < n)
				same("bool n", i, i < 2, p[i]);
		}
	}
	UNARY(zn_round_f32x@, rintf(a[i]));
	UNARY(zn_floor_f32x@, floorf(a[i]));
	UNARY(zn_ceil_f32x@, ceilf(a[i]));
	UNARY(zn_trunc_f32x@, truncf(a[i]));
	EACH zn_store_f32x@(r + i, zn_f32_i32x@(AI));
	CHECK("f32 of i32", (float)ai[i], r[i]);
	EACH zn_store_i32x@(ri + i, zn_i32_f32x@(A));
	CHECKI("i32 of f32", zn_f32_i32(a[i]), ri[i]);
	EACH zn_store_f32x@(r + i, zn_gather_f32x@(a, BI & (N - 1)));
	CHECK("gather", a[bi[i] & (N - 1)], r[i]);
	EACH zn_store_i32x@(ri + i, zn_gather_i32x@(ai, BI & (N - 1)));
	CHECKI("gather.i32", ai[bi[i] & (N - 1)], ri[i]);
}

static float halves(const float *p, int n, int op)
{
	float t[L], x, y;

	memcpy(t, p, sizeof t);
	for (; n > 1; n /= 2)
		for (int i = 0; i < n / 2; i++) {
			x = t[i], y = t[i + n / 2];
			t[i] = op == 0 ? x + y : op == 1 ? max(x, y) : min(x, y);
		}
	return t[0];
}

static int32_t total(const int32_t *p)
{
	uint32_t s = 0;

	for (int i = 0; i < L; i++)
		s += (uint32_t)p[i];
	return (int32_t)s;
}

TEST across(void)
{
	EACH {
		for (int k = 0; k < 2; k++) {
			const float *p = (k ? a : c) + i;
			same_float("sum", i, halves(p, L, 0), zn_sum_f32x@(zn_load_f32x@(p)));
			same_float("hmax", i, z(halves(p, L, 1)), z(zn_hmax_f32x@(zn_load_f32x@(p))));
			same_float("hmin", i, z(halves(p, L, 2)), z(zn_hmin_f32x@(zn_load_f32x@(p))));
		}
		same("sum.i32", i, (uint32_t)total(bi + i), (uint32_t)zn_sum_i32x@(BI));
	}
}

TEST counts(void)
{
	for (int n = -3; n <= L + 3; n++)
		for (int most = 0; most <= L; most++)
			same("before", n, (uint32_t)(n < 0 ? 0 : n < most ? n : most), (uint32_t)zn_beforex@(n, most));
	same("before", 0, L, (uint32_t)zn_beforex@(INT64_MAX, L));
	same("before", 0, 0, (uint32_t)zn_beforex@(INT64_MIN, L));
}

static uint32_t dot(int i, int is_signed)
{
	uint32_t s = (uint32_t)ri[i];

	for (int k = 0; k < 32; k += 8) {
		const int x = is_signed ? (int8_t)((uint32_t)ai[i] >> k) : (uint8_t)((uint32_t)ai[i] >> k);
		s += (uint32_t)(x * (int8_t)((uint32_t)bi[i] >> k));
	}
	return s;
}

/* extremes, then random bytes */
static void bytes(void)
{
	static const uint32_t e[] = { 0xffffffffu, 0x80808080u, 0x7f7f7f7fu, 0, 0x80ff7f00u, 0x01fe8081u };

	for (int i = 0; i < N; i++) {
		ai[i] = (int32_t)(i < 36 ? e[i % 6] : rnd() << 8 ^ rnd());
		bi[i] = (int32_t)(i < 36 ? e[i / 6] : rnd() << 8 ^ rnd());
		ri[i] = (int32_t)rnd();
	}
}

#define DOT(attr, f, is_signed) \
static attr __attribute__((noinline)) void run_##f(void) \
{ \
	static int32_t got[N]; \
	EACH zn_store_i32x@(got + i, f(zn_load_i32x@(ri + i), AI, BI)); \
	CHECKI(#f, dot(i, is_signed), got[i]); \
}
DOT(ISA, zn_dot4_u8s8x@, 0)
DOT(ISA, zn_dot4_s8s8x@, 1)
#if @ == 16
DOT(ZN_AVX512VNNI, zn_dot4_u8s8x16v, 0)
DOT(ZN_AVX512VNNI, zn_dot4_s8s8x16v, 1)
#elif @ == 4
DOT(ZN_NEONDOT, zn_dot4_u8s8x4d, 0)
DOT(ZN_NEONDOT, zn_dot4_s8s8x4d, 1)
#endif

static void dots(void)
{
	bytes();
	run_zn_dot4_u8s8x@();
	run_zn_dot4_s8s8x@();
#if @ == 16
	if (__builtin_cpu_supports("avx512vnni")) {
		run_zn_dot4_u8s8x16v();
		run_zn_dot4_s8s8x16v();
	}
#elif @ == 4
	if (getauxval(AT_HWCAP) & 1 << 20) {
		run_zn_dot4_u8s8x4d();
		run_zn_dot4_s8s8x4d();
	}
#endif
}

int main(void)
{
	if (!CAN) {
		printf("no processor for @ lanes: skipped\n");
		return 0;
	}
	fill();
	arithmetic();
	memory();
	narrow();
	rounding();
	across();
	counts();
	dots();
	printf("@ lanes: %d comparisons, %d wrong\n", checks, bad);
	return bad != 0;
}
