/* The yardsticks of bench/limit.c: their tiles compute what a matrix product is. */
#define limit_now own_now
#define limit_done own_done
#define limit_fma_gflops own_fma_gflops
#define limit_fma_name own_fma_name
#define limit_read_gbs own_read_gbs
#include "../../bench/limit.c"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static Loop all[] = {
	{"c", 8, 8, tile_c, read_c},
#if defined(__x86_64__) && defined(__GNUC__)
	{"avx2", 6, 16, tile_avx2, read_avx2},
	{"avx512", 12, 32, tile_avx512, read_avx512},
#endif
};

static int
can(const char *name)
{
#if defined(__x86_64__) && defined(__GNUC__)
	if (!strcmp(name, "avx512"))
		return __builtin_cpu_supports("avx512f");
	if (!strcmp(name, "avx2"))
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
	return !strcmp(name, "c");
}

static void
tiles(void **state)
{
	float c[MR_MOST * NR_MOST] ALIGNED;

	(void)state;
	once();
	for (size_t t = 0; t < sizeof all / sizeof *all; t++)
		for (int i = 0; can(all[t].name) && i < all[t].mr * all[t].nr; i++) {
			const int m = i / all[t].nr, n = i % all[t].nr;
			double want = 0;
			if (!i)
				all[t].tile(pa, pb, c);
			for (int k = 0; k < K; k++)
				want += (double)pa[k * all[t].mr + m] * (double)pb[k * all[t].nr + n];
			assert_true(fabs(c[i] - want) <= 1e-5 * fabs(want));
		}
}

static void
rates(void **state)
{
	(void)state;
	assert_true(limit_fma_gflops(1e-3) > 0);
	assert_true(limit_read_gbs(1 << 20, 1e-3) > 0);
	assert_true(limit_read_gbs(1, 0) > 0);
	limit_done();
	assert_true(*limit_fma_name());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiles),
		cmocka_unit_test(rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
