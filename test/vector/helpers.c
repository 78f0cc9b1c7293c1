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
		zn_storen_f32x@(p, zn_load_f32x@(a + 2001), n);
		for (int i = 0; i < n; i++)
			same_float("storen", i, a[2001 + i], p[i]);
		zn_storen_i32x@(q, zn_load_i32x@(ai + 7), n);
		for (int i = 0; i < n; i++)
			same("storen.i32", i, (uint32_t)ai[7 + i], (uint32_t)q[i]);
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

int main(void)
{
	if (!CAN) {
		printf("no processor for @ lanes: skipped\n");
		return 0;
	}
	fill();
	arithmetic();
	memory();
	printf("@ lanes: %d comparisons, %d wrong\n", checks, bad);
	return bad != 0;
}
