/* The index algebra: random identities and proofs checked by evaluation, normal forms by pointer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../compiler/idx.h"
#include "../../codegen/ir.h"
#include "random.h"

static Ix
var(int id, int64_t extent)
{
	return ix_var(id, ix_int(extent));
}

/* a point: values of the symbols and variables, by id; symbols 0..3 are >= 1, 4..5 are >= 0 */
enum { NSYM = 6, NVAR = 6 };

typedef struct World {
	Ix sym[NSYM], var[NVAR];
	int64_t s[NSYM], v[NVAR];
} World;

static int64_t
value(const IxAtom *a, void *arg)
{
	World *w = arg;

	return a->kind == IX_SYM ? w->s[a->id] : w->v[a->id];
}

/* symbols must be the first of the session, so that ids are 0.. */
static void
world(World *w)
{
	for (int i = 0; i < NSYM; i++)
		w->sym[i] = ix_sym(NULL, ix_int(i < 4), i == 2 ? ix_int(7) : i == 3 ? w->sym[0] : NULL);
	w->var[0] = var(0, 5);
	w->var[1] = var(1, 12);
	w->var[2] = ix_var(2, w->sym[0]);
	w->var[3] = ix_var(3, ix_mulc(w->sym[1], 4));
	w->var[4] = ix_var(4, ix_addc(ix_div(ix_addc(w->sym[0], 5), ix_int(2)), 1));
	w->var[5] = ix_var(5, ix_mul(w->sym[0], w->sym[2]));
}

static void
point(World *w)
{
	int64_t most = rnd_in(0, 3) ? 9 : 60, hi;

	for (int i = 0; i < NSYM; i++) {
		hi = i == 2 ? 7 : i == 3 ? w->s[0] : most;
		w->s[i] = rnd_in(i < 4, hi);
		if (!rnd_in(0, 3))
			w->s[i] = i < 4;
	}
	for (int i = 0; i < NVAR; i++) {
		hi = ix_eval(ix_atom(w->var[i])->a, value, w) - 1;
		w->v[i] = rnd_in(0, 3) ? rnd_in(0, hi) : rnd_in(0, 1) ? hi : 0;
	}
}

/* an unsimplified mirror of what was built */
typedef struct Tree {
	char op;
	int64_t c;
	struct Tree *a, *b;
} Tree;

static Tree *
tree(char op, int64_t c, Tree *a, Tree *b)
{
	Tree *t = NEW(Tree);

	*t = (Tree){op, c, a, b};
	return t;
}

static int64_t
floored(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static int64_t
eval(const Tree *t, const World *w)
{
	int64_t a = t->a ? eval(t->a, w) : 0, b = t->b ? eval(t->b, w) : 0;

	switch (t->op) {
	case 'c': return t->c;
	case 's': return w->s[t->c];
	case 'v': return w->v[t->c];
	case '+': return a + b;
	case '-': return a - b;
	case '*': return a * b;
	case '/': return floored(a, b);
	case '^': return -floored(-a, b);
	case '%': return a - b * floored(a, b);
	case '<': return a < b ? a : b;
	case '>': return a > b ? a : b;
	case '?': return a == 1 ? b : a;
	}
	fail();
	return 0;
}

static Ix
build(const Tree *t, const World *w)
{
	Ix a = t->a ? build(t->a, w) : NULL, b = t->b ? build(t->b, w) : NULL;

	switch (t->op) {
	case 'c': return ix_int(t->c);
	case 's': return w->sym[t->c];
	case 'v': return w->var[t->c];
	case '+': return ix_add(a, b);
	case '-': return ix_sub(a, b);
	case '*': return ix_mul(a, b);
	case '/': return ix_div(a, b);
	case '^': return ix_cdiv(a, b);
	case '%': return ix_mod(a, b);
	case '<': return ix_min(a, b);
	case '>': return ix_max(a, b);
	case '?': return ix_bcast(a, b);
	}
	fail();
	return NULL;
}

/* > 0 everywhere */
static Tree *
divisor(void)
{
	switch (rnd_in(0, 5)) {
	case 0: return tree('s', rnd_in(0, 3), NULL, NULL);
	case 1: return tree('*', 0, tree('c', rnd_in(1, 6), NULL, NULL), tree('s', rnd_in(0, 3), NULL, NULL));
	case 2: return tree('+', 0, tree('c', rnd_in(1, 6), NULL, NULL), tree('s', rnd_in(0, 5), NULL, NULL));
	default: return tree('c', rnd_in(1, 12), NULL, NULL);
	}
}

static Tree *
leaf(void)
{
	int k = (int)rnd_in(0, 9);

	if (k < 3)
		return tree('c', rnd_in(-9, 12), NULL, NULL);
	return k < 6 ? tree('s', rnd_in(0, NSYM - 1), NULL, NULL) : tree('v', rnd_in(0, NVAR - 1), NULL, NULL);
}

static Tree *
grow(int depth)
{
	static const char ops[] = "+++---***//%%^<>?";
	char op = ops[rnd_in(0, (int64_t)sizeof ops - 2)];

	if (depth <= 0 || !rnd_in(0, 5))
		return leaf();
	if (op == '/' || op == '%' || op == '^')
		return tree(op, 0, grow(depth - 1), divisor());
	if (op == '*')
		return tree(op, 0, rnd_in(0, 1) ? leaf() : tree('c', rnd_in(-5, 5), NULL, NULL), grow(depth - 2));
	return tree(op, 0, grow(depth - 1), grow(depth - 1));
}

/* the same value by another way */
static Tree *
twist(Tree *t)
{
	Tree *a = t->a ? twist(t->a) : NULL, *b = t->b ? twist(t->b) : NULL, *one = tree('c', 1, NULL, NULL);
	Tree *minus = tree('c', -1, NULL, NULL);

	switch (t->op) {
	case '+':
	case '<':
	case '>':
		return tree(t->op, 0, b, a);
	case '-':
		return tree('+', 0, tree('*', 0, minus, b), a);
	case '*':
		return tree('-', 0, tree('*', 0, tree('+', 0, b, one), a), a);
	case '/':
		return tree('-', 0, tree('/', 0, tree('+', 0, a, b), b), one);
	case '^':
		return tree('/', 0, tree('-', 0, tree('+', 0, a, b), one), b);
	case '%':
		return tree('-', 0, a, tree('*', 0, b, tree('/', 0, a, b)));
	}
	return tree(t->op, t->c, a, b);
}

static void
with_session(void (*f)(void *), void *arg)
{
	Session *s = session_begin("test");

	s->log = NULL;
	if (session_try(f, arg))
		fail_msg("%s", buf_str(&s->messages));
	session_end(s);
}

static void
check_proofs(Ix p, int64_t v)
{
	int64_t lo, hi;

	ix_bounds(p, &lo, &hi);
	if (v < lo || v > hi || (v < 0 && ix_ge0(p)) || (v <= 0 && ix_gt0(p)))
		fail_msg("%s is %lld, not in [%lld, %lld]", ix_str(p), (long long)v, (long long)lo, (long long)hi);
}

static bool
is_var(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_VAR;
}

/* for i0 the remainder of i1 by 5, for the symbol 2 its value 3 */
static Ix
replace(const IxAtom *a, void *arg)
{
	World *w = arg;

	if (a->kind == IX_SYM && a->id == 2)
		return ix_int(3);
	return a->kind == IX_VAR && a->id == 0 ? ix_mod(w->var[1], ix_int(5)) : NULL;
}

static void
check_subst(const Tree *t, Ix p, World *w)
{
	Ix q = ix_subst(p, replace, w);

	for (int i = 0; i < 4; i++) {
		point(w);
		w->s[2] = 3;
		w->v[0] = w->v[1] % 5;
		w->v[5] %= 3 * w->s[0];
		if (eval(t, w) != ix_eval(q, value, w))
			fail_msg("%s is not what became of %s", ix_str(q), ix_str(p));
	}
}

/* one round: a fresh session, a thousand identities */
static void
round_of(void *arg)
{
	int *same = arg;
	World w = {0};

	world(&w);
	for (int k = 0; k < 1000; k++) {
		Tree *t = grow((int)rnd_in(1, 5)), *u = twist(t);
		Ix p = build(t, &w), q = build(u, &w), up = ix_upper(p, is_var, NULL), low = ix_lower(p, is_var, NULL);

		*same += p == q;
		check_subst(t, p, &w);
		if (up && ix_any(up, is_var, NULL))
			fail_msg("variables in the bound %s of %s", ix_str(up), ix_str(p));
		for (int i = 0; i < 12; i++) {
			int64_t v;

			point(&w);
			v = eval(t, &w);
			if (v != eval(u, &w))
				fail_msg("the test itself is wrong");
			if (v != ix_eval(p, value, &w) || v != ix_eval(q, value, &w))
				fail_msg("%lld expected of %s and %s", (long long)v, ix_str(p), ix_str(q));
			check_proofs(p, v);
			check_proofs(ix_sub(p, q), 0);
			if ((up && ix_eval(up, value, &w) < v) || (low && ix_eval(low, value, &w) > v))
				fail_msg("%s is not within %s, %s", ix_str(p), low ? ix_str(low) : "", up ? ix_str(up) : "");
		}
	}
}

static void
identities(void **state)
{
	int same = 0;

	(void)state;
	for (int i = 0; i < 50; i++)
		with_session(round_of, &same);
	print_message("           %d of 50000 pairs have one form\n", same);
	assert_true(same > 40000);
}

#define IN_SESSION(name) \
	static void name##_body(void *); \
	static void name(void **state) { (void)state; with_session(name##_body, NULL); } \
	static void name##_body(void *arg)

IN_SESSION(pointers)
{
	Ix n = ix_sym("N", ix_int(1), NULL), m = ix_sym("M", ix_int(1), NULL), i = ix_var(0, n), rest;

	(void)arg;
	assert_ptr_equal(ix_add(n, m), ix_add(m, n));
	assert_ptr_equal(ix_mul(ix_add(n, m), ix_sub(n, m)), ix_sub(ix_mul(n, n), ix_mul(m, m)));
	assert_ptr_equal(ix_sub(n, n), ix_int(0));
	assert_ptr_equal(ix_var(0, n), i);
	assert_ptr_not_equal(ix_var(0, m), i);
	assert_ptr_not_equal(ix_sym("N", NULL, NULL), n);
	assert_ptr_equal(ix_min(n, ix_addc(n, 1)), n);
	assert_ptr_equal(ix_max(i, n), n);
	assert_ptr_equal(ix_min(n, ix_min(m, n)), ix_min(m, n));
	assert_ptr_equal(ix_min(ix_int(0), i), ix_int(0));
	assert_ptr_equal(ix_cdiv(n, ix_int(2)), ix_div(ix_addc(n, 1), ix_int(2)));
	assert_ptr_equal(ix_div(ix_div(n, ix_int(2)), ix_int(3)), ix_div(n, ix_int(6)));
	assert_ptr_equal(ix_mod(ix_mod(n, ix_int(12)), ix_int(4)), ix_mod(n, ix_int(4)));
	assert_ptr_equal(ix_div(ix_add(ix_mulc(i, 4), var(1, 4)), ix_int(8)), ix_div(i, ix_int(2)));
	assert_ptr_equal(ix_div(ix_mul(n, m), n), m);
	assert_ptr_equal(ix_coef(ix_add(ix_mul(n, i), m), ix_atom(i), &rest), n);
	assert_ptr_equal(rest, m);
	assert_null(ix_coef(ix_add(i, ix_div(i, ix_int(2))), ix_atom(i), &rest));
	assert_true(ix_has(ix_div(i, ix_int(2)), ix_atom(i)));
	assert_false(ix_has(i, ix_atom(n)));
}

IN_SESSION(broadcasts)
{
	Ix a = ix_sym("a", ix_int(0), NULL), b = ix_sym("b", ix_int(0), NULL), two = ix_sym("c", ix_int(2), NULL);
	Ix ab = ix_bcast(a, b);

	(void)arg;
	assert_ptr_equal(ix_bcast(ix_int(1), a), a);
	assert_ptr_equal(ix_bcast(a, ix_int(1)), a);
	assert_ptr_equal(ix_bcast(a, a), a);
	assert_ptr_equal(ix_bcast(two, a), two);
	assert_ptr_equal(ix_bcast(ab, b), ab);
	assert_ptr_equal(ix_bcast(ab, a), ab);
	assert_ptr_equal(ix_bcast(a, ab), ab);
	assert_ptr_equal(ix_bcast(b, ab), ix_bcast(b, a));
	assert_ptr_equal(ix_bcast(ix_bcast(a, two), b), ix_bcast(a, two));
	assert_ptr_equal(ix_bcast(ix_int(0), a), ix_int(0));
	assert_true(ix_ge0(ab));
}

/* i = (lin / strides) mod extents, and back */
static void
telescope(const Ix *ext, int n)
{
	Ix v[8], stride[8], lin = ix_int(0), back = ix_int(0), free, out = ix_int(0), d;

	stride[n - 1] = ix_int(1);
	for (int k = n - 2; k >= 0; k--)
		stride[k] = ix_mul(stride[k + 1], ext[k + 1]);
	for (int k = 0; k < n; k++) {
		v[k] = ix_var(k, ext[k]);
		lin = ix_add(lin, ix_mul(v[k], stride[k]));
	}
	free = ix_var(9, ix_mul(stride[0], ext[0]));
	for (int k = 0; k < n; k++) {
		d = ix_mod(ix_div(lin, stride[k]), ext[k]);
		assert_ptr_equal(d, v[k]);
		back = ix_add(back, ix_mul(d, stride[k]));
		d = ix_div(free, stride[k]);
		d = k ? ix_mod(d, ext[k]) : d;
		assert_true(ix_ge0(d));
		assert_true(ix_gt0(ix_sub(ext[k], d)));
		out = ix_add(out, ix_mul(d, stride[k]));
	}
	assert_ptr_equal(back, lin);
	assert_ptr_equal(out, free);
	assert_true(ix_ge0(lin));
	assert_true(ix_gt0(ix_sub(ix_mul(stride[0], ext[0]), lin)));
}

IN_SESSION(reshapes)
{
	Ix n = ix_sym("N", ix_int(1), NULL), s = ix_sym("S", ix_int(1), NULL), z = ix_sym("Z", ix_int(0), NULL);
	Ix two = ix_int(2), three = ix_int(3), four = ix_int(4);
	Ix half = ix_addc(ix_div(ix_addc(s, -1), two), 1), lin;
	Ix i = ix_var(20, n), j = ix_var(21, s), k = ix_var(22, four);

	(void)arg;
	telescope((Ix[]){two, three, four}, 3);
	telescope((Ix[]){two, three, four, ix_int(5), two}, 5);
	telescope((Ix[]){n, s, four}, 3);
	telescope((Ix[]){n, three, s}, 3);
	telescope((Ix[]){n, ix_mulc(s, 2), three, s}, 4);
	telescope((Ix[]){z, s, four}, 3);
	telescope((Ix[]){n, z, four}, 3);
	telescope((Ix[]){n, half, half}, 3);
	telescope((Ix[]){n, ix_addc(s, 1), ix_addc(s, 2)}, 3);
	/* (N, S, 4) as (N*S, 2, 2): the axes that stay are found again */
	lin = ix_add(ix_mulc(ix_add(ix_mul(i, s), j), 4), k);
	assert_ptr_equal(ix_div(lin, four), ix_add(ix_mul(i, s), j));
	assert_ptr_equal(ix_mod(ix_div(lin, two), two), ix_div(k, two));
	assert_ptr_equal(ix_mod(lin, two), ix_mod(k, two));
}

IN_SESSION(proofs)
{
	Ix h = ix_sym("H", ix_int(3), NULL), w = ix_sym("W", ix_int(1), ix_int(512));
	Ix b = ix_sym("B", ix_int(1), NULL);
	Ix oh = ix_addc(ix_div(ix_addc(h, -3), ix_int(2)), 1), y = ix_var(0, oh), k = var(1, 3), x = ix_var(2, w);
	Ix ih = ix_add(ix_mulc(y, 2), k), end = ix_addc(ix_mul(h, w), -1);
	int64_t lo, hi;

	(void)arg;
	assert_true(ix_gt0(oh));
	assert_true(ix_ge0(ih));
	assert_true(ix_gt0(ix_sub(h, ih)));
	assert_true(ix_ge(end, ix_add(ix_mul(ih, w), x)));
	assert_false(ix_ge(end, ix_add(ix_mul(ih, w), ix_addc(x, 1))));
	assert_true(ix_ge(ix_mul(b, b), b));
	assert_false(ix_ge(b, ix_mul(b, b)));
	assert_true(ix_ge0(ix_sub(ix_addc(w, -1), ix_min(ix_addc(x, 1), ix_addc(w, -1)))));
	assert_true(ix_ge0(ix_max(ix_addc(x, -1), ix_int(0))));
	assert_false(ix_ge0(ix_addc(x, -1)));
	assert_true(ix_bounds(ix_sub(w, x), &lo, &hi));
	assert_int_equal(lo, 1);
	assert_int_equal(hi, 512);
	assert_true(ix_bounds(ix_mod(ix_mulc(x, 7), ix_int(10)), &lo, &hi));
	assert_int_equal(lo, 0);
	assert_int_equal(hi, 9);
	assert_true(ix_bounds(b, &lo, &hi));
	assert_true(lo == 1 && hi == INT64_MAX);
	assert_ptr_equal(ix_upper(ih, is_var, NULL), ix_addc(ix_mulc(oh, 2), 0));
	assert_ptr_equal(ix_lower(ix_sub(h, x), is_var, NULL), ix_addc(ix_sub(h, w), 1));
}

static Ix
fix(const IxAtom *a, void *arg)
{
	Ix *s = arg;

	return ix_of(a) == s[0] ? s[1] : NULL;
}

IN_SESSION(substitution)
{
	Ix n = ix_sym("N", ix_int(1), NULL), m = ix_sym("M", ix_int(1), NULL), i = ix_var(3, n), p;

	(void)arg;
	p = ix_add(ix_mul(n, m), ix_add(ix_div(ix_add(n, i), ix_int(2)), ix_min(n, m)));
	p = ix_subst(p, fix, (Ix[]){n, ix_int(8)});
	i = var(3, 8);
	assert_ptr_equal(p, ix_add(ix_mulc(m, 8), ix_add(ix_div(ix_addc(i, 8), ix_int(2)), ix_min(ix_int(8), m))));
	/* simultaneous: what is put in is not looked at again */
	assert_ptr_equal(ix_subst(ix_mul(n, m), fix, (Ix[]){n, ix_add(n, m)}), ix_mul(ix_add(n, m), m));
}

IN_SESSION(text)
{
	Ix a = ix_sym("a", NULL, NULL), b = ix_sym("b", NULL, NULL), odd = ix_sym("batch size", NULL, NULL);
	Ix i = var(1, 9), p = ix_mulc(ix_mul(a, i), 3);

	(void)arg;
	p = ix_addc(ix_add(ix_add(p, ix_div(ix_addc(i, 5), ix_int(2))), ix_add(ix_min(a, b), ix_bcast(a, b))), -7);
	assert_string_equal(ix_str(p), "3*a*i1 + floordiv(i1 + 1, 2) + min(a, b) + bcast(a, b) - 5");
	assert_string_equal(ix_str(ix_sub(ix_int(3), odd)), "-s2 + 3");
	assert_string_equal(ix_str(ix_int(-4)), "-4");
	assert_string_equal(ix_str(ix_int(0)), "0");
	assert_string_equal(ix_str(ix_sym("a", NULL, NULL)), "s3");
	assert_string_equal(ix_str(ix_sym("i7", NULL, NULL)), "s4");
	assert_string_equal(ix_str(ix_sym("min", NULL, NULL)), "s5");
}

IN_SESSION(assumptions)
{
	Ix a = ix_sym("a", ix_int(1), NULL), b = ix_sym("b", ix_int(1), NULL), c = ix_sym("c", ix_int(1), NULL);
	Ix half;
	int n;

	(void)arg;
	half = ix_mulc(ix_div(a, ix_int(2)), 2);
	assert_false(ix_equal(a, half));
	assert_true(ix_assume_equal(a, half, "skip"));
	assert_true(ix_equal(a, half));
	assert_true(ix_equal(half, a));
	assert_true(ix_equal(ix_addc(a, 4), ix_addc(half, 4)));
	assert_true(ix_assume_equal(b, c, "concat"));
	assert_true(ix_assume_equal(c, b, "again"));
	assert_true(ix_equal(ix_mul(a, b), ix_mul(a, c)));
	assert_true(ix_equal(ix_div(b, ix_int(3)), ix_div(c, ix_int(3))));
	assert_ptr_equal(ix_bcast(b, c), b);
	assert_false(ix_equal(b, ix_addc(c, 1)));
	assert_false(ix_assume_equal(b, ix_addc(c, 1), "wrong"));
	assert_false(ix_assume_equal(a, ix_int(0), "wrong"));
	assert_string_equal(ix_assumptions(&n)[1].why, "concat");
	assert_int_equal(n, 2);
}

static void
too_large(void *arg)
{
	Ix p = ix_sym("N", ix_int(1), NULL);

	(void)arg;
	for (int i = 0; i < 80; i++)
		p = ix_mulc(p, 2);
}

static void
overflows(void **state)
{
	Session *s = session_begin("test");

	(void)state;
	s->log = NULL;
	assert_int_equal(session_try(too_large, NULL), EX_LIMIT);
	assert_non_null(strstr(buf_str(&s->messages), "64 bits"));
	session_end(s);
}

/* proofs over great numbers fail softly */
IN_SESSION(great)
{
	Ix n = ix_sym("N", ix_int(1), NULL), big = ix_int(INT64_MAX / 3), i = ix_var(0, big), q = ix_int(1LL << 40);

	(void)arg;
	assert_true(ix_ge0(ix_add(i, ix_div(ix_mulc(n, 1LL << 41), ix_addc(n, 3)))));
	assert_false(ix_ge0(ix_sub(ix_mulc(ix_div(i, q), 3), ix_mulc(ix_div(n, ix_addc(q, 1)), 5))));
	ix_div(ix_div(n, q), q);
	ix_ge0(ix_add(ix_mulc(ix_div(n, q), INT64_MIN), n));
}

/* an expression as an index; its polynomial follows substitution */
IN_SESSION(loaded)
{
	Ix n = ix_sym("N", ix_int(1), NULL), i = ix_var(0, n), x, y;
	Expr *e = ex_bin(E_FMOD, ex_ix(ix_mul(i, n)), ex_int(DT_I64, 5));

	(void)arg;
	x = ix_expr(e, ix_int(0), ix_int(4));
	assert_int_equal(ix_atom(x)->kind, IX_EXPR);
	assert_true(ix_ge0(x));
	assert_true(ix_ge(ix_addc(n, 3), x));
	assert_true(ix_has(ix_mulc(x, 4), ix_atom(i)));
	y = ix_subst(x, fix, (Ix[]){i, ix_int(2)});
	assert_false(ix_has(y, ix_atom(i)));
	assert_true(ix_ge(ix_int(4), y));
	assert_ptr_equal(ix_expr(e, NULL, NULL), x);
}

#define T(f) cmocka_unit_test(f)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(pointers), T(broadcasts), T(reshapes), T(proofs), T(substitution), T(text), T(assumptions),
		T(overflows), T(great), T(loaded), T(identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
