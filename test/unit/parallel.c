/* Kernels divided into parts: which loops may be, and which must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../compiler/lower/lower.h"

static int
begin(void **state)
{
	*state = session_begin("kernels");
	return 0;
}

static int
end(void **state)
{
	session_end(*state);
	return 0;
}

/* the kernel with that body over x.0[1000] and y.1[1000], divided by two threads, as text */
static const char *
divided(const char *body)
{
	Kern *k = ir_parse_kern(fmt("kernel k(in x.0: f32[1000], inout y.1: f32[1000]) {\n%s}\n", body), "text");
	Options o = {.threads = 2};
	Program g = {.body = st_block()};
	Stmt *s = st_new(S_CALL);
	Buf b = {0};

	s->kern = k;
	for (int i = 0; i < k->param.n; i++)
		push(&s->arg, ((Arg){k->param.p[i], ix_int(0)}));
	st_add(g.body, s);
	parallel_program(&g, &o);
	ir_verify_kern(k, "parallel");
	ir_print_kern(&b, k);
	return buf_str(&b);
}

static const char *const yes[] = {
	/* elementwise; rows; a stride with what it leaves out */
	"for i0 < 1000 { store y.1[i0] = x.0[i0] }",
	"for i0 < 40 { for i1 < 25 { store y.1[25*i0 + i1] = x.0[i1] } }",
	"for i0 < 500 { store y.1[2*i0 + 1] = x.0[i0] }",
	/* columns, and a loop around them that is too short */
	"for i0 < 40 { for i1 < 25 { store y.1[40*i1 + i0] = x.0[i1] } }",
	"for i0 < 1 { for i1 < 999 { store y.1[i1 + 1] = x.0[i1] } }",
	/* in place, and read again where it was written */
	"for i0 < 1000 { store y.1[i0] = add(y.1[i0], x.0[i0]) }",
	"for i0 < 100 { for i1 < 10 { store y.1[10*i0 + i1] = x.0[i1] } let a.0: f32 = y.1[10*i0 + 3] store y.1[10*i0] = a.0 }",
	/* an accumulator of each iteration */
	"for i0 < 1000 { let a.0: f32 = 0:f32 for i1 < 9 { set a.0 = add(a.0, x.0[i1]) } store y.1[i0] = a.0 }",
	"for i0 < 1000 { array t@0: f32[4] store t@0[1] = x.0[i0] store y.1[i0] = t@0[1] }",
	/* two loops, divided alike, over the same elements; over ranges apart; within each row */
	"for i0 < 1000 { store y.1[i0] = x.0[i0] } for i1 < 1000 { store y.1[i1] = y.1[i1] }",
	"for i0 < 600 { store y.1[i0] = x.0[i0] } for i1 < 400 { store y.1[i1 + 600] = x.0[i1] }",
	"for i2 < 2 { for i0 < 300 { store y.1[500*i2 + i0] = x.0[i0] } for i1 < 200 { store y.1[500*i2 + i1 + 300] = x.0[i1] } }",
	/* a tail that a condition bounds; a rest without a loop */
	"for i0 < 10 { for i1 < 16 { if gt(ix(4 - i1), 0:i64) { store y.1[20*i0 + i1 + 16] = x.0[i1] } store y.1[20*i0 + i1] = x.0[i1] } }",
	"for i0 < 999 { store y.1[i0] = x.0[i0] } store y.1[999] = x.0[0]",
};

static const char *const no[] = {
	/* everybody the same element; overlapping rows; a window */
	"for i0 < 1000 { store y.1[7] = x.0[i0] }",
	"for i0 < 40 { for i1 < 26 { store y.1[24*i0 + i1] = x.0[i1] } }",
	"for i0 < 900 { for i1 < 3 { store y.1[i0 + i1] = x.0[i1] } }",
	/* wrapped around: two iterations meet modulo the rows */
	"for i0 < 30 { for i1 < 30 { store y.1[20*i0 + i1] = x.0[i1] } }",
	"for i0 < 40 { for i1 < 25 { store y.1[25*i1 + i0] = x.0[i1] } }",
	/* reads of what another iteration writes */
	"for i0 < 999 { store y.1[i0 + 1] = y.1[i0] }",
	"for i0 < 500 { store y.1[2*i0] = y.1[i0 + 1] }",
	"for i0 < 1000 { store y.1[i0] = add(x.0[i0], y.1[0]) }",
	/* a variable or array that goes on */
	"let a.0: f32 = 0:f32 for i0 < 1000 { set a.0 = add(a.0, x.0[i0]) store y.1[i0] = a.0 }",
	"array t@0: f32[4] for i0 < 1000 { store t@0[1] = x.0[i0] store y.1[i0] = t@0[1] }",
	/* two loops of which the second reads across, or overlaps the first */
	"for i0 < 1000 { store y.1[i0] = x.0[i0] } for i1 < 999 { store y.1[i1] = y.1[i1 + 1] }",
	"for i0 < 600 { store y.1[i0] = x.0[i0] } for i1 < 500 { store y.1[i1 + 500] = x.0[i1] }",
	"for i0 < 600 { store y.1[i0] = x.0[i0] } for i1 < 500 { store y.1[i1] = x.0[i1] }",
	/* an index that data decide; a condition on what is written */
	"for i0 < 1000 { store y.1[floordiv(i0, 2)] = x.0[i0] }",
	"for i0 < 500 { if gt(y.1[0], 0:f32) { store y.1[i0] = x.0[i0] } }",
	/* the bound of a condition is not enough */
	"for i0 < 10 { for i1 < 16 { if gt(ix(5 - i1), 0:i64) { store y.1[20*i0 + i1 + 16] = x.0[i1] } store y.1[20*i0 + i1] = x.0[i1] } }",
	/* no loop */
	"store y.1[0] = x.0[0] store y.1[1] = x.0[1]",
};

static void
independent(void **st)
{
	(void)st;
	for (int i = 0; i < LEN(yes); i++)
		if (!strstr(divided(yes[i]), " parts 2"))
			fail_msg("not divided: %s", yes[i]);
}

static void
dependent(void **st)
{
	const char *text;

	(void)st;
	for (int i = 0; i < LEN(no); i++)
		if (strstr(text = divided(no[i]), "parallel") || strstr(text, " parts"))
			fail_msg("divided: %s", text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(independent, begin, end),
		cmocka_unit_test_setup_teardown(dependent, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
