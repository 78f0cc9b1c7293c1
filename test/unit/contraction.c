/* The matcher of contractions on a batched product, a padded convolution and its integer form. */
#include "../../compiler/graph.h"
#include "../../compiler/lower/contraction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static int begin(void **st) { *st = session_begin("test"); return 0; }
static int end(void **st) { session_end(*st); return 0; }

static Value *
tensor(Model *m, DType dt, int rank, const int64_t *d)
{
	Ix dim[8];

	for (int i = 0; i < rank; i++)
		dim[i] = ix_int(d[i]);
	return value_tensor(m->main, NULL, dt, rank, dim);
}

static Model *
model(void)
{
	Model *m = NEW(Model);

	m->main = graph_new(m, NULL, "g");
	return m;
}

static void
product(void **st)
{
	Model *m = model();
	Value *x = tensor(m, DT_F32, 3, (int64_t[]){4, 5, 6}), *y = tensor(m, DT_F32, 3, (int64_t[]){4, 6, 7});
	Ix b = ix_var(0, ix_int(4)), i = ix_var(1, ix_int(5)), j = ix_var(2, ix_int(7)), k = ix_var(64, ix_int(6));
	Expr *l = ex_tload(x, (Ix[]){b, i, k}), *r = ex_tload(y, (Ix[]){b, k, j});
	Contraction c;

	(void)st;
	assert_true(contraction_match(ex_reduce(R_SUM, &k, 1, ex_bin(E_MUL, l, r)), &c));
	assert_true(c.m.n == 1 && c.m.v[0] == i && c.n.n == 1 && c.n.v[0] == j);
	assert_true(c.batch.n == 1 && c.batch.v[0] == b && c.k.n == 1 && c.k.v[0] == k && c.terms == 6);
	assert_true(c.a.load == l && c.b.load == r && c.a.elem == l && !c.a.zero && c.a.dt == DT_F32);
	contraction_swap(&c);
	assert_true(c.a.load == r && c.m.v[0] == j && c.n.v[0] == i && c.swapped);
	assert_false(contraction_match(ex_reduce(R_SUM, &k, 1, ex_bin(E_MUL, l, l)), &c));
	assert_false(contraction_match(ex_reduce(R_SUM, &k, 1, ex_bin(E_MUL, l, ex_float(DT_F32, 3))), &c));
	assert_false(contraction_match(ex_reduce(R_MAX, &k, 1, ex_bin(E_MUL, l, r)), &c));
	r = ex_bin(E_MUL, r, ex_float(DT_F32, 0.5));           /* any expression is a factor */
	assert_true(contraction_match(ex_reduce(R_SUM, &k, 1, ex_bin(E_MUL, l, r)), &c));
	assert_true(c.b.e == r && !c.b.load && !c.b.elem);
}

/* guard inside the shift (QLinearConv) and outside of it (DequantizeLinear): the same element */
static void
quantised(void **st)
{
	Model *m = model();
	Value *x = tensor(m, DT_U8, 2, (int64_t[]){3, 20}), *w = tensor(m, DT_I8, 3, (int64_t[]){8, 3, 5});
	Value *z = tensor(m, DT_I8, 1, (int64_t[]){8});
	Ix o = ix_var(0, ix_int(8)), p = ix_var(1, ix_int(20)), c = ix_var(64, ix_int(3)), t = ix_var(65, ix_int(5));
	Ix at = ix_addc(ix_add(p, t), -2), red[] = {c, t}, in[] = {at, ix_sub(ix_int(19), at)};
	Expr *l = ex_tload(x, (Ix[]){c, at}), *r = ex_tload(w, (Ix[]){o, c, t}), *zw = ex_tload(z, &o), *a;
	Contraction k;

	(void)st;
	r = ex_bin(E_SUB, ex_cast(DT_I32, r), ex_cast(DT_I32, zw));
	for (int outside = 0; outside < 2; outside++) {
		a = outside ? l : ex_guard(in, 2, l, ex_int(DT_U8, 7));
		a = ex_bin(E_SUB, ex_cast(DT_I32, a), ex_int(DT_I32, 7));
		a = outside ? ex_guard(in, 2, a, ex_int(DT_I32, 0)) : a;
		assert_true(contraction_match(ex_reduce(R_SUM, red, 2, ex_bin(E_MUL, a, r)), &k));
		assert_true(k.a.load == l && k.a.zero == ex_int(DT_I32, 7) && k.a.dt == DT_U8 && k.acc == DT_I32);
		assert_true(k.a.elem == ex_guard(in, 2, l, ex_int(DT_U8, 7)) && k.a.ncond == 2);
		assert_true(k.b.dt == DT_I8 && k.b.zero == ex_cast(DT_I32, zw) && k.b.ncond == 0);
		assert_true(k.m.n == 1 && k.m.v[0] == p && k.n.n == 1 && k.n.v[0] == o && !k.batch.n && k.k.n == 2);
		assert_true(k.terms == 15);
	}
	a = ex_guard(in, 2, ex_bin(E_SUB, ex_cast(DT_I32, l), ex_int(DT_I32, 7)), ex_int(DT_I32, 1));
	assert_true(contraction_match(ex_reduce(R_SUM, red, 2, ex_bin(E_MUL, a, r)), &k));
	assert_null(k.a.load);                                 /* padded by something else than 0 */
}

/* grouped: the output channel chooses the input channel; conditions around the product */
static void
grouped(void **st)
{
	Model *m = model();
	Value *x = tensor(m, DT_F32, 2, (int64_t[]){8, 20}), *w = tensor(m, DT_F32, 2, (int64_t[]){8, 5});
	Ix o = ix_var(0, ix_int(8)), p = ix_var(1, ix_int(20)), t = ix_var(64, ix_int(5)), at = ix_sub(p, t);
	Expr *e = ex_bin(E_MUL, ex_tload(x, (Ix[]){o, at}), ex_tload(w, (Ix[]){o, t}));
	Contraction k;

	(void)st;
	assert_true(contraction_match(ex_reduce(R_SUM, &t, 1, e), &k));
	assert_true(k.batch.n == 1 && k.batch.v[0] == o && k.m.n == 1 && !k.n.n && !k.ncond);
	e = ex_guard(&at, 1, e, ex_float(DT_F32, 0));
	assert_true(contraction_match(ex_reduce(R_SUM, &t, 1, e), &k));
	assert_true(k.ncond == 1 && k.cond[0] == at && k.batch.n == 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(product, begin, end),
		cmocka_unit_test_setup_teardown(quantised, begin, end),
		cmocka_unit_test_setup_teardown(grouped, begin, end),
	};

	return cmocka_run_group_tests_name("contraction", tests, NULL, NULL);
}
