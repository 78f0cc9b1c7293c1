/* Element types: known patterns, round trips of every pattern, monotone rounding, packed memory. */
#include "../../compiler/dtype.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static bool
is_small_float(int d)
{
	return d == DT_F16 || d == DT_BF16 || (d >= DT_F8E4M3FN && d <= DT_F8E5M2FNUZ) || d == DT_F4E2M1 || d == DT_F8E8M0;
}

/* value, to what, saturating or not, pattern: from ONNX's tables and ml_dtypes */
static void
patterns(void **st)
{
	static const struct { DType d; double x; uint64_t plain, sat; } t[] = {
		{DT_F16, 65504, 0x7bff, 0x7bff}, {DT_F16, 65520, 0x7c00, 0x7bff}, {DT_F16, 0x1p-25, 0, 0},
		{DT_F16, 0x1.8p-25, 1, 1}, {DT_F16, -0.0, 0x8000, 0x8000}, {DT_F16, 1 + 0x1p-11, 0x3c00, 0x3c00},
		{DT_F16, 1 + 0x1.8p-11, 0x3c01, 0x3c01}, {DT_BF16, 1 + 0x1p-8, 0x3f80, 0x3f80}, {DT_BF16, 3.4e38, 0x7f80, 0x7f7f},
		{DT_F8E4M3FN, 448, 0x7e, 0x7e}, {DT_F8E4M3FN, 464, 0x7e, 0x7e}, {DT_F8E4M3FN, 465, 0x7f, 0x7e},
		{DT_F8E4M3FN, INFINITY, 0x7f, 0x7e}, {DT_F8E4M3FN, -INFINITY, 0xff, 0xfe}, {DT_F8E4M3FN, NAN, 0x7f, 0x7f},
		{DT_F8E4M3FNUZ, 240, 0x7f, 0x7f}, {DT_F8E4M3FNUZ, 1e6, 0x80, 0x7f}, {DT_F8E4M3FNUZ, -0.0, 0, 0},
		{DT_F8E4M3FNUZ, NAN, 0x80, 0x80}, {DT_F8E5M2, 57344, 0x7b, 0x7b}, {DT_F8E5M2, 61440, 0x7c, 0x7b},
		{DT_F8E5M2, INFINITY, 0x7c, 0x7b}, {DT_F8E5M2, NAN, 0x7e, 0x7e}, {DT_F8E5M2FNUZ, 57344, 0x7f, 0x7f},
		{DT_F8E5M2FNUZ, -1e9, 0x80, 0xff}, {DT_F4E2M1, 6.9, 7, 7}, {DT_F4E2M1, -9, 15, 15}, {DT_F4E2M1, 2.5, 4, 4},
		{DT_F4E2M1, 0.25, 0, 0}, {DT_F4E2M1, 0.75, 2, 2}, {DT_F8E8M0, 3, 129, 129}, {DT_F8E8M0, 1, 127, 127},
		{DT_F8E8M0, NAN, 255, 255}, {DT_F8E8M0, 3e38, 255, 254}, {DT_F8E8M0, 0, 0, 0},
		{DT_I4, 9, 9, 7}, {DT_I4, -9, 7, 8}, {DT_U4, 17, 1, 15}, {DT_U4, -1, 15, 0}, {DT_I2, 2, 2, 1}, {DT_U2, 5, 1, 3},
		{DT_I32, NAN, 0x80000000u, 0}, {DT_I32, 3e9, 0x80000000u, 0x7fffffff}, {DT_I8, 200, 200, 127},
		{DT_U8, -1, 255, 0}, {DT_I64, 1e19, (uint64_t)1 << 63, INT64_MAX}, {DT_U64, 1e19, 10000000000000000000u, 10000000000000000000u},
		{DT_U64, -1, UINT64_MAX, 0}, {DT_U64, 1e20, 0, UINT64_MAX}, {DT_U32, -1, UINT32_MAX, 0}, {DT_BOOL, 0.5, 1, 1},
	};

	(void)st;
	for (int i = 0; i < LEN(t); i++) {
		if (dt_from_double(t[i].d, t[i].x, false) != t[i].plain || dt_from_double(t[i].d, t[i].x, true) != t[i].sat)
			fail_msg("%s of %g gives %llx, saturated %llx", dt_name(t[i].d), t[i].x,
				(unsigned long long)dt_from_double(t[i].d, t[i].x, false),
				(unsigned long long)dt_from_double(t[i].d, t[i].x, true));
	}
}

static void
every_pattern(void **st)
{
	(void)st;
	for (int d = 1; d < NDTYPE; d++) {
		if (!is_small_float(d))
			continue;
		for (uint64_t v = 0; v >> dtype_info[d].bits == 0; v++) {
			double x = dt_to_double((DType)d, v), back;

			if (d == DT_F8E8M0 && v == 0)   /* 2^-127, which ONNX rounds up as every subnormal f32 */
				continue;
			back = dt_to_double((DType)d, dt_from_double((DType)d, x, false));
			assert_true(isnan(x) ? isnan(back) : back == x && signbit(back) == signbit(x));
		}
	}
}

/* between two neighbours the nearer wins, the even one of two equally near */
static void
rounding(void **st)
{
	(void)st;
	for (int d = 1; d < NDTYPE; d++) {
		if (!is_small_float(d) || d == DT_F8E8M0)
			continue;
		for (uint64_t v = 0; v + 1 < (uint64_t)1 << (dtype_info[d].bits - 1); v++) {
			double x = dt_to_double((DType)d, v), y = dt_to_double((DType)d, v + 1), mid = (x + y) / 2;

			if (!isfinite(x) || !isfinite(y))
				break;
			assert_int_equal(dt_from_double((DType)d, mid, false), v & 1 ? v + 1 : v);
			assert_int_equal(dt_from_double((DType)d, nextafter(mid, 0), false), v);
			assert_int_equal(dt_from_double((DType)d, nextafter(mid, INFINITY), false), v + 1);
		}
	}
}

static void
sizes(void **st)
{
	size_t n;

	(void)st;
	assert_true(dt_bytes(DT_I4, 5, true, &n) && n == 3);
	assert_true(dt_bytes(DT_U2, 5, true, &n) && n == 2);
	assert_true(dt_bytes(DT_I4, 5, false, &n) && n == 5);
	assert_true(dt_bytes(DT_F32, 0, true, &n) && n == 0);
	assert_false(dt_bytes(DT_F64, INT64_MAX / 4, false, &n));
	assert_false(dt_bytes(DT_F64, -1, false, &n));
	assert_int_equal(dt_parse("bfloat16"), DT_BF16);
	assert_int_equal(dt_parse("complex"), DT_NONE);
}

static void
packed(void **st)
{
	static const unsigned char nibbles[] = {0x21, 0xf3, 0x08}, quarters[] = {0xe4, 0x01};
	uint64_t v[5];
	unsigned char out[3] = {0xff, 0xff, 0xff};

	(void)st;
	dt_get(DT_I4, true, nibbles, 0, 5, v);
	assert_true(v[0] == 1 && v[1] == 2 && v[2] == 3 && v[3] == (uint64_t)-1 && v[4] == (uint64_t)-8);
	dt_get(DT_U4, true, nibbles, 1, 3, v);
	assert_true(v[0] == 2 && v[1] == 3 && v[2] == 15);
	dt_get(DT_I2, true, quarters, 0, 5, v);
	assert_true(v[0] == 0 && v[1] == 1 && v[2] == (uint64_t)-2 && v[3] == (uint64_t)-1 && v[4] == 1);
	dt_put(DT_U4, true, out, 1, 3, (uint64_t[]){2, 3, 0});
	assert_true(out[0] == 0x2f && out[1] == 0x03 && out[2] == 0xff);
	dt_put(DT_I4, false, out, 0, 2, (uint64_t[]){8, 7});
	assert_true(out[0] == 0xf8 && out[1] == 7);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test(patterns),
		cmocka_unit_test(every_pattern),
		cmocka_unit_test(rounding),
		cmocka_unit_test(sizes),
		cmocka_unit_test(packed),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
