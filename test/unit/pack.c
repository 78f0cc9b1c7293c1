/* Constants in another order: permuted, blocked with a tail of zeros, read in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph.h"

static int
begin(void **state)
{
	*state = session_begin("test");
	zn->log = NULL;
	return 0;
}

static int
end(void **state)
{
	session_end(*state);
	return 0;
}

static void
permuted(void **state)
{
	int32_t src[2 * 3 * 4], got[LEN(src)];
	Data d = {.p = src, .n = sizeof src};
	const Data *p;

	(void)state;
	for (int i = 0; i < LEN(src); i++)
		src[i] = i;
	p = const_pack(&d, DT_I32, 3, (int64_t[]){2, 3, 4}, 3, (PackLevel[]){{3, 1, 1}, {4, 2, 1}, {2, 0, 1}});
	assert_int_equal(p->n, sizeof src);
	for (size_t at = 0; at < p->n; at += 20)
		const_read(p, at, p->n - at < 20 ? p->n - at : 20, (char *)got + at);
	for (int i = 0; i < LEN(src); i++)
		assert_int_equal(got[i], i % 2 * 12 + i / 8 * 4 + i / 2 % 4);
	assert_memory_equal(const_bytes(p), got, sizeof got);
}

static void
blocked(void **state)
{
	uint16_t src[5 * 3];
	const uint16_t *got;
	Data d = {.p = src, .n = sizeof src};
	const Data *p;

	(void)state;
	for (int i = 0; i < LEN(src); i++)
		src[i] = (uint16_t)(i + 1);
	p = const_pack(&d, DT_U16, 2, (int64_t[]){5, 3}, 3, (PackLevel[]){{2, 0, 4}, {3, 1, 1}, {4, 0, 1}});
	assert_int_equal(p->n, 2 * 2 * 3 * 4);
	got = const_bytes(p);
	for (int b = 0; b < 2; b++)
		for (int k = 0; k < 3; k++)
			for (int j = 0; j < 4; j++)
				assert_int_equal(*got++, 4 * b + j < 5 ? (4 * b + j) * 3 + k + 1 : 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {T(permuted), T(blocked)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
