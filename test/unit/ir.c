/* The loop IR: interning, simplification, substitution, text, verification. */
#include "../../codegen/ir.h"
#include "../../codegen/pool.h"
#include "../../compiler/graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static int
begin(void **st)
{
	Session *s = session_begin("test");

	s->log = NULL;
	*st = s;
	return 0;
}

static int end(void **st) { session_end(*st); return 0; }

static Mem *
mem(DType d, int64_t n)
{
	static Mem m[64];
	static int k;
	Mem *r = &m[k++ % 64];

	*r = (Mem){.id = k, .space = SP_PARAM, .dt = d, .name = "m", .size = ix_int(n)};
	return r;
}

static void
interning(void **st)
{
	Mem *m = mem(DT_F32, 100);
	Ix i = ix_var(0, ix_int(10)), j = ix_var(1, ix_int(10));
	Expr *a = ex_load(m, ix_add(i, j)), *b = ex_load(m, ix_add(j, i));

	(void)st;
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, ex_load(m, i));
	assert_ptr_equal(ex_bin(E_ADD, a, ex_float(DT_F32, 1)), ex_bin(E_ADD, ex_float(DT_F32, 1), b));
	assert_ptr_equal(ex_ix(ix_expr(ex_load(mem(DT_I64, 3), i), NULL, NULL))->op == E_LOAD ? a : NULL, a);
	assert_ptr_equal(ex_as_ix(ex_ix(ix_add(i, j)), NULL, NULL), ix_add(i, j));
	assert_int_equal(ex_float(DT_F16, 65519)->u.bits, 0x7bff);
	assert_int_equal(ex_int(DT_U8, -1)->u.bits, 255);
	assert_int_equal(ex_int(DT_F32, 1)->u.bits, 0x3f800000);
}

static void
simplification(void **st)
{
	Expr *x = ex_load(mem(DT_F32, 10), ix_int(0)), *n = ex_load(mem(DT_I32, 10), ix_int(0));
	Expr *zero = ex_float(DT_F32, 0), *one = ex_float(DT_F32, 1), *c = ex_bin(E_LT, x, one);
	Ix i = ix_var(0, ix_int(10));

	(void)st;
	assert_ptr_equal(ex_bin(E_MUL, x, one), x);
	assert_ptr_equal(ex_bin(E_SUB, x, zero), x);
	assert_ptr_not_equal(ex_bin(E_ADD, x, zero), x);                     /* -0 + 0 = 0 */
	assert_ptr_equal(ex_bin(E_ADD, x, ex_float(DT_F32, -0.0)), x);
	assert_ptr_equal(ex_bin(E_ADD, n, ex_int(DT_I32, 0)), n);
	assert_ptr_equal(ex_bin(E_MUL, n, ex_int(DT_I32, 0)), ex_int(DT_I32, 0));
	assert_int_equal(ex_bin(E_ADD, one, one)->u.bits, ex_float(DT_F32, 2)->u.bits);
	assert_ptr_equal(ex_select(ex_int(DT_BOOL, 1), x, zero), x);
	assert_ptr_equal(ex_select(ex_un(E_NOT, c), x, zero), ex_select(c, zero, x));
	assert_int_equal(ex_un(E_NOT, ex_bin(E_LT, n, n))->u.bits, 1);
	assert_int_equal(ex_un(E_NOT, ex_bin(E_LT, n, ex_int(DT_I32, 3)))->op, E_GE);
	assert_int_equal(ex_un(E_NOT, c)->op, E_NOT);                        /* NaN: not (x < 1) is no x >= 1 */
	/* casts: only through what holds every value */
	assert_ptr_equal(ex_cast(DT_F32, ex_cast(DT_F64, x)), x);
	assert_int_equal(ex_cast(DT_F64, ex_cast(DT_F16, x))->a[0]->op, E_CAST);
	assert_ptr_equal(ex_cast(DT_I8, ex_cast(DT_I64, n)), ex_cast(DT_I8, n));
	assert_int_equal(ex_cast(DT_I64, ex_cast(DT_F32, n))->a[0]->op, E_CAST);
	/* indices: decided by proofs */
	assert_int_equal(ex_bin(E_LT, ex_ix(i), ex_int(DT_I64, 10))->u.bits, 1);
	assert_int_equal(ex_bin(E_GE, ex_ix(i), ex_int(DT_I64, 10))->u.bits, 0);
	assert_int_equal(ex_bin(E_LT, ex_ix(i), ex_int(DT_I64, 5))->op, E_LT);
	assert_ptr_equal(ex_bin(E_ADD, ex_ix(i), ex_int(DT_I64, 3)), ex_ix(ix_addc(i, 3)));
	assert_int_equal(ex_bin(E_FMOD, ex_ix(i), ex_int(DT_I64, 10))->ix[0] == i, 1);
}

static void
guards(void **st)
{
	Expr *x = ex_load(mem(DT_F32, 10), ix_int(0)), *f = ex_float(DT_F32, 7), *g, *h;
	Ix i = ix_var(0, ix_int(10)), a = ix_addc(i, -1), b = ix_sub(ix_int(8), i), yes = ix_addc(i, 2), no = ix_addc(i, -10);

	(void)st;
	assert_ptr_equal(ex_guard(&yes, 1, x, f), x);
	assert_ptr_equal(ex_guard(&no, 1, x, f), f);
	assert_ptr_equal(ex_guard((Ix[]){a, no}, 2, x, f), f);
	g = ex_guard((Ix[]){yes, a, a}, 3, x, f);
	assert_int_equal(g->nix, 1);
	h = ex_guard(&b, 1, g, f);
	assert_int_equal(h->nix, 2);
	assert_ptr_equal(h->a[0], x);
	assert_ptr_equal(ex_guard(&b, 1, f, f), f);
	/* i - 3 >= 0 implies i - 1 >= 0 */
	assert_int_equal(ex_guard((Ix[]){a, ix_addc(i, -3)}, 2, x, f)->nix, 1);
}

static Ix
map_var(const IxAtom *at, void *arg)
{
	Ix *pair = arg;

	return at == ix_atom(pair[0]) ? pair[1] : NULL;
}

static Expr *
map_load(const Expr *e, void *arg)
{
	return e->op == E_LOAD && e->u.mem == arg ? ex_float(e->dt, 2) : NULL;
}

static bool is_var9(const IxAtom *at, void *arg) { (void)arg; return at->kind == IX_VAR && at->id == 9; }

static void
substitution(void **st)
{
	Mem *m = mem(DT_F32, 1000), *q = mem(DT_I64, 100);
	Ix i = ix_var(0, ix_int(10)), k = ix_var(9, ix_int(5)), j = ix_var(3, ix_int(10)), pair[2];
	Expr *body = ex_load(m, ix_add(ix_mulc(i, 5), k)), *r = ex_reduce(R_SUM, &k, 1, body), *s;

	(void)st;
	pair[0] = i;
	pair[1] = ix_addc(j, 1);
	s = ex_subst_ix(r, map_var, pair);
	assert_ptr_equal(s, ex_reduce(R_SUM, &k, 1, ex_load(m, ix_addc(ix_add(ix_mulc(j, 5), k), 5))));
	/* capture: i becomes k, which the reduction binds */
	pair[1] = k;
	s = ex_subst_ix(r, map_var, pair);
	assert_int_equal(s->op, E_REDUCE);
	assert_ptr_not_equal(s->ix[0], k);
	assert_ptr_equal(s->a[0]->ix[0], ix_add(ix_mulc(k, 5), s->ix[0]));
	assert_true(ex_has_var(s, ix_atom(k)));
	assert_false(ex_has_var(r, ix_atom(k)));
	assert_true(ex_any_atom(r, is_var9, NULL));
	/* a substitution that speaks of the bound variable does not reach it */
	pair[0] = k;
	pair[1] = ix_int(0);
	s = ex_subst_ix(r, map_var, pair);
	assert_int_equal(s->op, E_REDUCE);
	/* extents are substituted, which renames */
	{
		Ix n = ix_sym("n", ix_int(1), NULL), v = ix_var(4, n);
		Expr *e = ex_reduce(R_MAX, &v, 1, ex_load(m, v));

		pair[0] = n;
		pair[1] = ix_int(7);
		s = ex_subst_ix(e, map_var, pair);
		assert_ptr_equal(s->ix[0], ix_var(4, ix_int(7)));
		assert_ptr_equal(s->a[0]->ix[0], s->ix[0]);
	}
	/* into the expression inside an index, by node and by variable */
	s = ex_load(m, ix_expr(ex_load(q, i), ix_int(0), ix_int(99)));
	pair[0] = i;
	pair[1] = j;
	assert_ptr_equal(ex_subst_ix(s, map_var, pair), ex_load(m, ix_expr(ex_load(q, j), ix_int(0), ix_int(99))));
	assert_ptr_equal(ex_subst(s, map_load, NULL, q), ex_load(m, ix_int(2)));
	assert_true(ex_has_var(s, ix_atom(i)));
}

/* a DAG whose tree has 2^60 leaves, a chain of 200,000: walks are linear and keep their own stack */
static void
linear(void **st)
{
	Mem *m = mem(DT_F32, 1000);
	Ix i = ix_var(0, ix_int(10)), pair[2] = {i, ix_int(3)};
	Expr *e = ex_load(m, i), *f = ex_load(m, i);
	Kern *k = kern_new("deep"), *again;
	Mem *x = kern_param(k, "x", DT_F32, ix_int(10), false), *y = kern_param(k, "y", DT_F32, ix_int(10), false);
	Buf b = {0}, c = {0};

	(void)st;
	for (int d = 0; d < 60; d++)
		e = ex_bin(d & 1 ? E_ADD : E_MUL, e, e);
	assert_float_equal(ex_cost(e).flops, 60, 0);
	assert_float_equal(ex_cost(e).loads, 1, 0);
	assert_int_equal(ex_subst_ix(e, map_var, pair)->op, E_ADD);
	assert_false(ex_has_var(ex_subst_ix(e, map_var, pair), ix_atom(i)));
	for (int d = 0; d < 200000; d++)
		f = ex_un(d & 1 ? E_EXP : E_NEG, f);
	assert_false(ex_has_var(ex_subst_ix(f, map_var, pair), ix_atom(i)));
	assert_float_equal(ex_cost(f).calls, 100000, 0);
	assert_true(strlen(ex_str(f)) < 1 << 21);
	e = f = ex_load(x, i);
	for (int d = 0; d < 60; d++)
		e = ex_bin(d & 1 ? E_ADD : E_MUL, e, e);
	for (int d = 0; d < 5000; d++)
		f = ex_un(d & 1 ? E_EXP : E_NEG, f);
	st_store(st_for(k->body, i, F_SERIAL), y, i, ex_bin(E_MAX, e, f));
	kern_finish(k);
	ir_verify_kern(k, "test");
	ir_print_kern(&b, k);
	assert_true(b.n < 200000);
	again = ir_parse_kern(buf_str(&b), "b");
	ir_print_kern(&c, again);
	assert_string_equal(buf_str(&b), buf_str(&c));
}

/* every kind of statement and operand through text */
static void
round_trip(void **st)
{
	static const char text[] =
		"note \"Conv \\\"c1\\\"\\x0aRelu\"\n"
		"kernel conv_relu(in x.0: f32[150528], in w.1: packed i4[27*n], out y.2: f32[64*n], inout each q.3: i64[?]; n) fails macs 12345 parts 3 flush {\n"
		"\tnote \"a comment\"\n"
		"\tarray t@7: f32[16]\n"
		"\tfor i0 < 64 parallel {\n"
		"\t\tlet acc.0: f32 = 0x0p+0:f32\n"
		"\t\tfor i1 < n {\n"
		"\t\t\tset acc.0 = fma(guard(i1 - 1, -i0 + 5; x.0[3*i0 + floordiv(i1, 2)], #7fc00000:f32), cast.f32(w.1[27*i1]), acc.0)\n"
		"\t\t}\n"
		"\t\tstore y.2[n*i0 + min(n, i0)] = max(acc.0, -0x1.8p+0:f32)\n"
		"\t}\n"
		"\tfor i2 < 3 unrolled {\n"
		"\t\tstore t@7[i2] = x.0[[q.3[i2]] + 2]\n"
		"\t}\n"
		"\tlet m.4: f32 = abs(max(x.0[0], -inf:f32))\n"
		"\tlet n.3: i64 = 5:i64\n"
		"\twhile lt(n.3, q.3[0]) {\n"
		"\t\tset n.3 = add(n.3, ix(2*n + 1))\n"
		"\t}\n"
		"\tif eq(n.3, -9223372036854775808:i64) {\n"
		"\t\tfail 5\n"
		"\t} else {\n"
		"\t\tfail 6 if false\n"
		"\t}\n"
		"\t$0 = exp(t@7[0])\n"
		"\tstore y.2[0] = div($0, add(neg($0), 0x1p-2:f32))\n"
		"\tstore q.3[1] = cast.i64(select(isnan(t@7[1]), 18446744073709551615:u64, bitcast.u64(ix(n))))\n"
		"}\n";
	Kern *k, *again;
	Buf b = {0}, c = {0};

	(void)st;
	k = ir_parse_kern(text, "text");
	ir_print_kern(&b, k);
	assert_string_equal(buf_str(&b), text);
	again = ir_parse_kern(buf_str(&b), "again");
	ir_print_kern(&c, again);
	assert_string_equal(buf_str(&c), text);
	ir_verify_kern(k, "parse");
}

/* statements that only programs have */
static void
program_text(void **st)
{
	static const char text[] =
		"kernel add(in x.0: f32[n], in w.1: f32[8], out y.2: f32[n]; n) {\n"
		"\tfor i0 < n {\n"
		"\t\tstore y.2[i0] = add(x.0[i0], w.1[i0 - 8*floordiv(i0, 8)])\n"
		"\t}\n"
		"}\n"
		"\n"
		"program heap weights 32 state 0 work 64*n bound 64*n {\n"
		"\tin x.0: f32[n]\n"
		"\tin k.1: i64[1] number 1\n"
		"\tweight w.2: f32[8] at 0\n"
		"\twork t.3: f32[n] at 0\n"
		"\tout y.4: f32[?]\n"
		"\tlayout {\n"
		"\t\tbind top = n + 64\n"
		"\t}\n"
		"\t{\n"
		"\t\tassume n == 2*half else 5\n"
		"\t\tbind rows from max(k.1[0], 1:i64)\n"
		"\t\tmark 0\n"
		"\t\talloc y.4, n*rows\n"
		"\t\tcall #0 add(x.0, w.2, t.3)\n"
		"\t\tfor i5 < rows {\n"
		"\t\t\tcopy y.4 at n*i5, t.3, n\n"
		"\t\t}\n"
		"\t\trelease 0\n"
		"\t\tif lt(k.1[0], 0:i64) {\n"
		"\t\t\tfail 6\n"
		"\t\t}\n"
		"\t}\n"
		"}\n";
	Program *g = ir_parse_program(text, "text");
	Buf b = {0};

	(void)st;
	ir_print_program(&b, g);
	assert_string_equal(buf_str(&b), text);
	ir_check_program(g, "parse");
	assert_int_equal(g->mem.p[4]->space, SP_OUT);
}

static void
parse_it(void *text)
{
	ir_parse_kern(text, "t");
}

static void
refusals(void **st)
{
	static const char *const bad[][2] = {
		{"kernel f(", "t:1:10"},
		{"kernel f() {\n\tset a.0 = 1:i64\n}", "t:2:9"},
		{"kernel f(in x.0: f32[4]) { let a.0: f32 = x.0[i0] }", "not in scope"},
		{"kernel f(in x.0: f32[4]) { let a.0: i32 = x.0[0] }", "gets f32"},
		{"kernel f(in x.0: f33[4]) { }", "no dtype"},
		{"kernel f(in x.0: f32[4]) { let a.0: f32 = add(x.0[0], 1:i32) }", "different dtypes"},
		{"kernel f(in x.0: f32[4]) { let a.0: f32 = and(x.0[0], x.0[0]) }", "not defined for f32"},
		{"kernel f(in x.0: f32[4]) { let a.0: f32 = exp(x.0[0], x.0[1]) }", "takes 1 operands"},
		{"kernel f(in x.0: f32[4]) { let a.0: f32 = x.0[floordiv(3, 0)] }", "divisor"},
		{"kernel f(in x.0: f32[4]) { let a.0: f32 = foo(x.0[0]) }", "no operation"},
		{"kernel f(in x.0: f32[4]) { $1 = x.0[0] }", "in order"},
		{"kernel f() { if 1:i32 { } }", "condition"},
		{"kernel f() { } x", "after the end"},
		{"kernel f() { note \"\\x00\" }", "escape"},
		{"", "kernel"},
	};
	char deep[3000];

	for (int i = 0; i < LEN(bad); i++) {
		Session *s = *st;
		s->messages.n = 0;
		assert_int_equal(session_try(parse_it, (void *)(uintptr_t)bad[i][0]), EX_INVALID);
		if (!strstr(buf_str(&s->messages), bad[i][1]))
			fail_msg("'%s' gave '%s', which lacks '%s'", bad[i][0], buf_str(&s->messages), bad[i][1]);
		s->status = s->nerror = 0;
	}
	memset(deep, '{', sizeof deep);
	deep[sizeof deep - 1] = 0;
	memcpy(deep, "kernel f() ", 11);
	assert_int_equal(session_try(parse_it, deep), EX_INVALID);
}

/* what is built from constants equals what the pieces are */
static void
evaluation(void **st)
{
	static const struct { EOp op; DType dt; int64_t x, y, want; } t[] = {
		{E_DIV, DT_I32, 7, 0, 0}, {E_DIV, DT_I32, INT32_MIN, -1, INT32_MIN}, {E_DIV, DT_I8, -7, 2, -3},
		{E_REM, DT_I32, -7, 2, -1}, {E_FMOD, DT_I32, -7, 2, 1}, {E_FMOD, DT_I32, 7, -2, -1}, {E_REM, DT_I64, 5, 0, 0},
		{E_POW, DT_I64, -3, 3, -27}, {E_POW, DT_I32, 2, -1, 0}, {E_POW, DT_I32, -1, -3, -1}, {E_POW, DT_I32, 0, 0, 1},
		{E_SHL, DT_I32, 1, 32, 0}, {E_SHR, DT_I32, -8, 40, -1}, {E_SHR, DT_I32, -8, 1, -4}, {E_ADD, DT_I8, 127, 1, -128},
		{E_MAX, DT_I16, -1, 1, 1}, {E_MIN, DT_I16, -1, 1, -1},
	};
	double nan = NAN;

	(void)st;
	for (int i = 0; i < LEN(t); i++)
		assert_ptr_equal(ex_bin(t[i].op, ex_int(t[i].dt, t[i].x), ex_int(t[i].dt, t[i].y)), ex_int(t[i].dt, t[i].want));
	assert_int_equal(ex_cast(DT_I64, ex_float(DT_F64, nan))->u.bits, (uint64_t)INT64_MIN);
	assert_int_equal(ex_cast(DT_I32, ex_float(DT_F32, 1e20))->u.bits, 0x80000000u);
	assert_int_equal(ex_cast(DT_U8, ex_float(DT_F32, -1))->u.bits, 255);
	assert_int_equal(ex_cast(DT_U8, ex_float(DT_F32, 300))->u.bits, 44);
	assert_int_equal(ex_castsat(DT_U8, ex_float(DT_F32, 300))->u.bits, 255);
	assert_int_equal(ex_castsat(DT_I8, ex_int(DT_I32, -200))->u.bits, 128);
	assert_int_equal(ex_cast(DT_U64, ex_float(DT_F64, 0x1p63))->u.bits, (uint64_t)1 << 63);
	assert_int_equal(ex_cast(DT_BOOL, ex_float(DT_F32, nan))->u.bits, 1);
	assert_int_equal(ex_bin(E_MAX, ex_float(DT_F32, 1), ex_float(DT_F32, nan))->u.bits & 0x7f800000, 0x7f800000);
	assert_int_equal(ex_un(E_ROUND, ex_float(DT_F32, 2.5))->u.bits, ex_float(DT_F32, 2)->u.bits);
	assert_int_equal(ex_bin(E_FMOD, ex_float(DT_F64, -1), ex_float(DT_F64, 3))->u.bits, ex_float(DT_F64, 2)->u.bits);
	assert_int_equal(ex_bin(E_ADD, ex_float(DT_BF16, 256), ex_float(DT_BF16, 1))->u.bits, ex_float(DT_BF16, 256)->u.bits);
}

static void
verifier_case(void *arg)
{
	Kern *k = kern_new("wrong");
	Mem *x = kern_param(k, "x", DT_F32, ix_int(4), false), *other = mem(DT_F32, 4);
	Ix i = ix_var(0, ix_int(4));
	Stmt *s;
	Var *v;

	switch (*(int *)arg) {
	case 0: st_store(k->body, x, i, ex_float(DT_F32, 0)); break;                        /* i0 not in scope */
	case 1: st_store(k->body, x, ix_int(4), ex_float(DT_F32, 0)); break;                /* beyond the end */
	case 2: st_store(k->body, x, ix_int(0), ex_load(other, ix_int(0))); break;          /* not an operand */
	case 3: st_for(st_for(k->body, i, F_SERIAL), ix_var(0, ix_int(5)), F_SERIAL); break; /* one variable, two loops */
	case 4:
		s = st_block();
		st_add(k->body, s);
		v = st_let(s, k, "v", ex_float(DT_F32, 0));
		st_set(k->body, v, ex_float(DT_F32, 1));                                    /* out of its block */
		break;
	default: st_store(k->body, x, ix_int(0), ex_reduce(R_SUM, &i, 1, ex_load(x, i)));
	}
	kern_finish(k);
	ir_verify_kern(k, "the test");
}

static void
verifier(void **st)
{
	Session *s = *st;

	for (int i = 0; i < 6; i++) {
		s->messages.n = 0;
		assert_int_equal(session_try(verifier_case, &i), EX_BUG);
		assert_non_null(strstr(buf_str(&s->messages), "after the test"));
		s->status = s->nerror = 0;
	}
}

int
main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test_setup_teardown(interning, begin, end),
		cmocka_unit_test_setup_teardown(simplification, begin, end),
		cmocka_unit_test_setup_teardown(guards, begin, end),
		cmocka_unit_test_setup_teardown(substitution, begin, end),
		cmocka_unit_test_setup_teardown(linear, begin, end),
		cmocka_unit_test_setup_teardown(round_trip, begin, end),
		cmocka_unit_test_setup_teardown(program_text, begin, end),
		cmocka_unit_test_setup_teardown(refusals, begin, end),
		cmocka_unit_test_setup_teardown(evaluation, begin, end),
		cmocka_unit_test_setup_teardown(verifier, begin, end),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
