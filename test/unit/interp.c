/* The interpreter: loops in lanes against plain evaluation, branches, memory, statuses. */
#include "../../codegen/ir.h"
#include "../../compiler/graph.h"
#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static int begin(void **st) { *st = session_begin("test"); return 0; }
static int end(void **st) { session_end(*st); return 0; }

static int64_t
no_value(const IxAtom *at, void *arg)
{
	(void)at;
	return arg ? *(int64_t *)arg : 0;
}

static int
go(Kern *k, void *const *arg)
{
	kern_finish(k);
	return ir_run_kern(k, arg, no_value, NULL, NULL);
}

/* y[i] = guard(0 <= i - 1 < n - 2; x[i - 1] * 2 + i, -1) */
static void
padded(void **st)
{
	enum { N = 1300 };
	static float x[N - 2], y[N];
	Kern *k = kern_new("padded");
	Mem *mx = kern_param(k, "x", DT_F32, ix_int(N - 2), false), *my = kern_param(k, "y", DT_F32, ix_int(N), false);
	Ix i = ix_var(0, ix_int(N)), in[2] = {ix_addc(i, -1), ix_sub(ix_int(N - 2), i)};
	Expr *e = ex_bin(E_MUL, ex_load(mx, ix_addc(i, -1)), ex_float(DT_F32, 2));

	(void)st;
	for (int j = 0; j < N - 2; j++)
		x[j] = (float)j / 3;
	e = ex_guard(in, 2, ex_bin(E_ADD, e, ex_cast(DT_F32, ex_ix(i))), ex_float(DT_F32, -1));
	st_store(st_for(k->body, i, F_SERIAL), my, i, e);
	assert_int_equal(go(k, (void *[]){x, y}), 0);
	for (int j = 0; j < N; j++)
		assert_float_equal(y[j], j < 1 || j > N - 2 ? -1 : x[j - 1] * 2 + (float)j, 0);
}

/* c = a * b in three loop orders: lanes over n, over k (fold), serial */
static void
matmul(void **st)
{
	enum { M = 5, N = 70, K = 33 };
	static float a[M * K], b[K * N], c[M * N];
	float want;

	(void)st;
	for (int i = 0; i < M * K; i++)
		a[i] = (float)(i % 17) - 8;
	for (int i = 0; i < K * N; i++)
		b[i] = (float)(i % 23) / 4;
	for (int round = 0; round < 4; round++) {
		int n = round & 1 ? 2 : N;
		Kern *k = kern_new("matmul");
		Mem *ma = kern_param(k, "a", DT_F32, ix_int(M * K), false);
		Mem *mb = kern_param(k, "b", DT_F32, ix_int(K * N), false);
		Mem *mc = kern_param(k, "c", DT_F32, ix_int(M * N), false);
		Ix i = ix_var(0, ix_int(M)), j = ix_var(1, ix_int(n)), q = ix_var(2, ix_int(K));
		Stmt *s = st_for(st_for(k->body, i, F_PARALLEL), j, F_SERIAL);
		Var *acc = st_let(s, k, "acc", ex_float(DT_F32, 0));
		Expr *x = ex_load(ma, ix_add(ix_mulc(i, K), q)), *y = ex_load(mb, ix_add(ix_mulc(q, N), j));
		Stmt *in = st_for(s, q, F_SERIAL);

		if (round & 2)
			st_set(in, acc, ex_fma(x, y, ex_var(acc)));
		else
			st_set(in, acc, ex_bin(E_ADD, ex_var(acc), ex_bin(E_MUL, x, y)));
		st_store(s, mc, ix_add(ix_mulc(i, N), j), ex_var(acc));
		memset(c, 0, sizeof c);
		assert_int_equal(go(k, (void *[]){a, b, c}), 0);
		for (int r = 0; r < M; r++)
			for (int t = 0; t < n; t++) {
				want = 0;
				for (int u = 0; u < K; u++)
					want += a[r * K + u] * b[u * N + t];
				assert_float_equal(c[r * N + t], want, 0);
			}
	}
}

/* prefix sums in place: every iteration reads what the one before wrote */
static void
carried(void **st)
{
	int64_t x[1000];
	Kern *k = kern_new("scan");
	Mem *m = kern_param(k, "x", DT_I64, ix_int(1000), false);
	Ix i = ix_var(0, ix_int(999));

	(void)st;
	for (int j = 0; j < 1000; j++)
		x[j] = j;
	st_store(st_for(k->body, i, F_SERIAL), m, ix_addc(i, 1), ex_bin(E_ADD, ex_load(m, i), ex_load(m, ix_addc(i, 1))));
	assert_int_equal(go(k, (void *[]){x}), 0);
	for (int j = 0; j < 1000; j++)
		assert_int_equal(x[j], j * (j + 1) / 2);
}

/* argmax with two variables, a while loop, an array, a failing index */
static void
statements(void **st)
{
	float x[7] = {1, -3, 9, 2, 9, 0, NAN};
	int64_t y[3] = {0};
	Kern *k = kern_new("statements");
	Mem *mx = kern_param(k, "x", DT_F32, ix_int(7), false), *my = kern_param(k, "y", DT_I64, ix_int(3), false), *t;
	Var *best = st_let(k->body, k, "best", ex_float(DT_F32, -INFINITY)), *at = st_let(k->body, k, "at", ex_int(DT_I64, -1)), *n;
	Ix i = ix_var(0, ix_int(7));
	Stmt *s = st_for(k->body, i, F_SERIAL), *w;

	(void)st;
	s = st_if(s, ex_bin(E_GT, ex_load(mx, i), ex_var(best)));
	st_set(s, best, ex_load(mx, i));
	st_set(s, at, ex_ix(i));
	st_store(k->body, my, ix_int(0), ex_var(at));
	t = st_array(k->body, k, "t", DT_I64, ix_int(4));
	n = st_let(k->body, k, "n", ex_int(DT_I64, 1));
	w = st_while(k->body, ex_bin(E_LT, ex_var(n), ex_int(DT_I64, 100)));
	st_store(w, t, ex_as_ix(ex_bin(E_FMOD, ex_var(n), ex_int(DT_I64, 4)), NULL, NULL), ex_var(n));
	st_set(w, n, ex_bin(E_MUL, ex_var(n), ex_int(DT_I64, 3)));
	st_store(k->body, my, ix_int(1), ex_var(n));
	st_store(k->body, my, ix_int(2), ex_load(t, ix_int(3)));
	st_fail(k->body, k, ex_bin(E_EQ, ex_var(at), ex_int(DT_I64, 3)), 5);
	st_fail(k->body, k, ex_bin(E_EQ, ex_var(at), ex_int(DT_I64, 2)), 6);
	assert_int_equal(go(k, (void *[]){x, y}), 6);
	assert_int_equal(y[0], 2);
	assert_int_equal(y[1], 243);
	assert_int_equal(y[2], 27);
}

/* chains of selects share their branches: linear, not exponential */
static void
shared_branches(void **st)
{
	int32_t x[64], y[64];
	Kern *k = kern_new("selects");
	Mem *mx = kern_param(k, "x", DT_I32, ix_int(64), false), *my = kern_param(k, "y", DT_I32, ix_int(64), false);
	Ix i = ix_var(0, ix_int(64));
	Expr *e = ex_load(mx, i);

	(void)st;
	for (int j = 0; j < 64; j++)
		x[j] = j * 7919 % 101;
	for (int d = 0; d < 200; d++)
		e = ex_select(ex_bin(E_EQ, ex_bin(E_AND, e, ex_int(DT_I32, 1)), ex_int(DT_I32, 0)),
			ex_bin(E_DIV, e, ex_int(DT_I32, 2)), ex_bin(E_ADD, e, ex_int(DT_I32, d)));
	st_store(st_for(k->body, i, F_SERIAL), my, i, e);
	assert_int_equal(go(k, (void *[]){x, y}), 0);
	for (int j = 0; j < 64; j++) {
		for (int d = 0; d < 200; d++)
			x[j] = x[j] & 1 ? x[j] + d : x[j] / 2;
		assert_int_equal(y[j], x[j]);
	}
}

/* every dtype through memory, packed and not */
static void
memory(void **st)
{
	unsigned char from[64], to[64], back[64];

	(void)st;
	for (int d = 1; d < NDTYPE; d++) {
		if (d == DT_STR || d == DT_C64 || d == DT_C128)
			continue;
		for (int packed = 0; packed < 2; packed++) {
			bool sub = dtype_info[d].bits < 8;
			int n = dt_size((DType)d) > 4 ? 7 : 13;
			size_t bytes;
			Kern *k = kern_new("copy");
			Mem *a = kern_param(k, "a", (DType)d, ix_int(n), packed), *b = kern_param(k, "b", (DType)d, ix_int(n), false);
			Mem *c = kern_param(k, "c", (DType)d, ix_int(n), packed);
			Ix i = ix_var(0, ix_int(n)), j = ix_var(1, ix_int(n));

			for (int q = 0; q < 64; q++) {
				from[q] = (unsigned char)(d == DT_BOOL ? q & 1 : q * 37 + 11);
				if (sub && !packed)
					from[q] = (unsigned char)(d == DT_I4 ? (int)(q * 5 % 16) - 8 : d == DT_I2 ? q % 4 - 2
						: d == DT_U2 ? q % 4 : q % 16);
			}
			memset(back, 0, sizeof back);
			st_store(st_for(k->body, i, F_SERIAL), b, i, ex_load(a, i));
			st_store(st_for(k->body, j, F_SERIAL), c, ix_sub(ix_int(n - 1), j), ex_load(b, ix_sub(ix_int(n - 1), j)));
			assert_int_equal(go(k, (void *[]){from, to, back}), 0);
			assert_true(dt_bytes((DType)d, n, packed, &bytes));
			for (int64_t q = 0; q < n; q++) {
				uint64_t u, v;
				dt_get((DType)d, packed, from, q, 1, &u);
				dt_get((DType)d, packed, back, q, 1, &v);
				assert_int_equal(u, v);
				dt_get((DType)d, false, to, q, 1, &v);
				assert_int_equal(u, v);
			}
		}
	}
}

/* an index that is loaded, divided and clamped; a symbol for an extent */
static void
gather(void **st)
{
	int64_t idx[600], n = 600;
	float x[50], y[600];
	Ix s = ix_sym("n", ix_int(1), NULL), i = ix_var(0, s), p;
	Kern *k = kern_new("gather");
	Mem *mi = kern_param(k, "i", DT_I64, s, false), *mx = kern_param(k, "x", DT_F32, ix_int(50), false);
	Mem *my = kern_param(k, "y", DT_F32, s, false);

	(void)st;
	for (int j = 0; j < 600; j++)
		idx[j] = j * 31 % 211 - 60;
	for (int j = 0; j < 50; j++)
		x[j] = (float)j;
	p = ix_div(ex_as_ix(ex_load(mi, i), NULL, NULL), ix_int(2));
	p = ix_max(ix_min(p, ix_int(49)), ix_int(0));
	st_store(st_for(k->body, i, F_SERIAL), my, i, ex_load(mx, p));
	kern_finish(k);
	assert_int_equal(k->sym.n, 1);
	assert_int_equal(ir_run_kern(k, (void *[]){idx, x, y}, no_value, &n, NULL), 0);
	for (int j = 0; j < 600; j++) {
		double want = floor((double)idx[j] / 2);
		assert_float_equal(y[j], want < 0 ? 0 : want > 49 ? 49 : want, 0);
	}
}

/* words of bytes at any index, and their dot product */
static void
words(void **st)
{
	static const char text[] =
		"kernel dot(in x.0: u8[40], in w.1: i8[40], out y.2: i32[37]) {\n"
		"\tfor i0 < 37 {\n"
		"\t\tstore y.2[i0] = sdot4(dot4(-5:i32, word(x.0[i0]), word(w.1[-i0 + 36])), word(x.0[i0]), "
		"word(w.1[-i0 + 36]))\n"
		"\t}\n"
		"}\n";
	uint8_t x[40];
	int8_t w[40];
	int32_t y[37], want;
	Kern *k = ir_parse_kern(text, "words");

	(void)st;
	ir_check_kern(k, "words");
	for (int j = 0; j < 40; j++) {
		x[j] = (uint8_t)(j * 77);
		w[j] = (int8_t)(uint8_t)(j * 53);
	}
	assert_int_equal(go(k, (void *[]){x, w, y}), 0);
	for (int j = 0; j < 37; j++) {
		want = -5;
		for (int i = 0; i < 4; i++)
			want += (x[j + i] + (int8_t)x[j + i]) * w[36 - j + i];
		assert_int_equal(y[j], want);
	}
}

static void
strings(void **st)
{
	Str x[4] = {{"3.5", 3}, {"-12", 3}, {"nan", 3}, {"x", 1}}, y[4];
	float f[4] = {0.1f, 1e10f, -INFINITY, 1e-5f};
	static const char *const want[] = {"0.1", "1e+10", "-INF", "9.9999997e-06"};
	double num[4];
	uint8_t eq[4];
	Kern *k = kern_new("strings");
	Mem *mx = kern_param(k, "x", DT_STR, ix_int(4), false), *mf = kern_param(k, "f", DT_F32, ix_int(4), false);
	Mem *my = kern_param(k, "y", DT_STR, ix_int(4), false), *mn = kern_param(k, "n", DT_F64, ix_int(4), false);
	Mem *me = kern_param(k, "e", DT_BOOL, ix_int(4), false);
	Ix i = ix_var(0, ix_int(4));
	Stmt *s = st_for(k->body, i, F_SERIAL);
	Expr *l = ex_load(mx, i), *nf = ex_load(mf, i);

	(void)st;
	st_store(s, mn, i, ex_op(E_STRNUM, DT_F64, &l, 1));
	st_store(s, my, i, ex_op(E_NUMSTR, DT_STR, &nf, 1));
	st_store(s, me, i, ex_bin(E_STREQ, l, ex_load(mx, ix_int(1))));
	assert_int_equal(go(k, (void *[]){x, f, y, num, eq}), 0);
	assert_true(num[0] == 3.5 && num[1] == -12 && isnan(num[2]) && isnan(num[3]));
	for (int j = 0; j < 4; j++) {
		assert_int_equal(y[j].n, strlen(want[j]));
		assert_memory_equal(y[j].p, want[j], y[j].n);
		assert_int_equal(eq[j], j == 1);
	}
}

/* k-th, or -1 - k, of the blanks' and commas' parts; joined; in upper case */
static void
parts(void **st)
{
	Str x[4] = {{" a  bc ", 7}, {"a,b,,c", 6}, {"", 0}, {",", 1}}, y[2][4], up[4];
	static const char *const first[] = {"a", "a", "", ""}, *const rest[] = {"bc ", "b,,c", "", ""};
	static const char *const upper[] = {" A  BC  A  BC ", "A,B,,CA,B,,C", "", ",,"};
	int64_t n[4];
	Str sep[4] = {{"", 0}, {",", 1}, {",", 1}, {",", 1}};
	Kern *k = kern_new("parts");
	Mem *mx = kern_param(k, "x", DT_STR, ix_int(4), false), *ms = kern_param(k, "s", DT_STR, ix_int(4), false);
	Mem *my = kern_param(k, "y", DT_STR, ix_int(4), false), *mz = kern_param(k, "z", DT_STR, ix_int(4), false);
	Mem *mu = kern_param(k, "u", DT_STR, ix_int(4), false), *mn = kern_param(k, "n", DT_I64, ix_int(4), false);
	Ix i = ix_var(0, ix_int(4));
	Stmt *b = st_for(k->body, i, F_SERIAL);
	Expr *l = ex_load(mx, i), *s = ex_load(ms, i), *both = ex_op(E_STRCAT, DT_STR, (Expr *[]){l, l}, 2);

	(void)st;
	st_store(b, my, i, ex_op(E_STRPART, DT_STR, (Expr *[]){l, s, ex_int(DT_I64, 0)}, 3));
	st_store(b, mz, i, ex_op(E_STRPART, DT_STR, (Expr *[]){l, s, ex_int(DT_I64, -2)}, 3));
	st_store(b, mu, i, ex_op(E_STRUP, DT_STR, &both, 1));
	st_store(b, mn, i, ex_op(E_STRPARTS, DT_I64, (Expr *[]){l, s}, 2));
	assert_int_equal(go(k, (void *[]){x, sep, y[0], y[1], up, n}), 0);
	assert_true(n[0] == 2 && n[1] == 4 && n[2] == 1 && n[3] == 2);
	for (int j = 0; j < 4; j++) {
		assert_true(y[0][j].n == strlen(first[j]) && !strncmp(y[0][j].p, first[j], y[0][j].n));
		assert_true(y[1][j].n == strlen(rest[j]) && !strncmp(y[1][j].p, rest[j], y[1][j].n));
		assert_true(up[j].n == strlen(upper[j]) && !strncmp(up[j].p, upper[j], up[j].n));
	}
}

/* Random kernels against a tree walk that knows nothing of lanes: one iteration, one node at a time. */

enum { N = 700, NX = 64 };

static int64_t xi[NX], yi[2][N];
static float xf[NX], yf[2][N];

typedef struct Env { int64_t i[2]; } Env;

static int64_t plain_ix(const IxAtom *, void *);

static uint64_t
plain(const Expr *e, Env *env)
{
	uint64_t v[3], bits;
	DType d[3];
	int64_t at;

	switch (e->op) {
	case E_CONST: return e->u.bits;
	case E_IX:    return (uint64_t)ix_eval(e->ix[0], plain_ix, env);
	case E_SELECT: return plain(e->a[plain(e->a[0], env) ? 1 : 2], env);
	case E_GUARD:
		for (int i = 0; i < e->nix; i++)
			if (ix_eval(e->ix[i], plain_ix, env) < 0)
				return plain(e->a[1], env);
		return plain(e->a[0], env);
	case E_LOAD:
		at = ix_eval(e->ix[0], plain_ix, env);
		assert_in_range(at, 0, NX - 1);
		bits = 0;
		memcpy(&bits, e->dt == DT_F32 ? (void *)&xf[at] : (void *)&xi[at], e->dt == DT_F32 ? 4 : 8);
		return bits;
	default:
		for (int i = 0; i < e->n; i++) {
			v[i] = plain(e->a[i], env);
			d[i] = e->a[i]->dt;
		}
		return ex_eval(e->op, e->dt, v, d, e->n);
	}
}

static int64_t
plain_ix(const IxAtom *at, void *arg)
{
	return at->kind == IX_EXPR ? (int64_t)plain(at->e, arg) : ((Env *)arg)->i[at->id];
}

typedef struct Gen { Mem *i, *f; Ix v[2]; } Gen;

static Expr *any_float(const Gen *, int depth);

static Expr *
any_int(const Gen *g, int depth)
{
	static const EOp op[] = {E_ADD, E_SUB, E_MUL, E_DIV, E_REM, E_FMOD, E_MIN, E_MAX, E_AND, E_XOR, E_SHR};
	Ix p;

	switch (depth <= 0 ? rnd_in(0, 2) : rnd_in(0, 7)) {
	case 0: return ex_int(DT_I64, rnd_in(-20, 20));
	case 1: return ex_ix(ix_add(ix_mulc(g->v[0], rnd_in(-3, 3)), ix_mulc(g->v[1], rnd_in(0, 3))));
	case 2: return ex_load(g->i, ix_mod(ix_add(g->v[0], ix_mulc(g->v[1], 3)), ix_int(NX)));
	case 3:
		p = ix_mod(ex_as_ix(any_int(g, depth - 1), NULL, NULL), ix_int(NX));
		return ex_load(g->i, p);
	case 4: return ex_cast(DT_I64, any_float(g, depth - 1));
	default: return ex_bin(op[rnd_in(0, LEN(op) - 1)], any_int(g, depth - 1), any_int(g, depth - 1));
	}
}

static Expr *
any_bool(const Gen *g, int depth)
{
	static const EOp op[] = {E_LT, E_LE, E_EQ, E_NE};

	if (rnd_in(0, 1))
		return ex_bin(op[rnd_in(0, 3)], any_int(g, depth - 1), any_int(g, depth - 1));
	return ex_bin(op[rnd_in(0, 3)], any_float(g, depth - 1), any_float(g, depth - 1));
}

static Expr *
any_float(const Gen *g, int depth)
{
	static const EOp op[] = {E_ADD, E_SUB, E_MUL, E_MIN, E_MAX};
	Ix p, in[2];

	switch (depth <= 0 ? rnd_in(0, 1) : rnd_in(0, 7)) {
	case 0: return ex_float(DT_F32, (double)rnd_in(-8, 8) / 4);
	case 1: return ex_load(g->f, ix_mod(ix_add(g->v[0], g->v[1]), ix_int(NX)));
	case 2:
		/* in range only where the guard says so */
		p = ex_as_ix(any_int(g, depth - 1), NULL, NULL);
		in[0] = p;
		in[1] = ix_sub(ix_int(NX - 1), p);
		return ex_guard(in, 2, ex_bin(E_ADD, ex_load(g->f, p), any_float(g, depth - 1)), any_float(g, depth - 1));
	case 3: return ex_select(any_bool(g, depth), any_float(g, depth - 1), any_float(g, depth - 1));
	case 4: return ex_cast(DT_F32, any_int(g, depth - 1));
	default: return ex_bin(op[rnd_in(0, LEN(op) - 1)], any_float(g, depth - 1), any_float(g, depth - 1));
	}
}

static void
random_kernels(void **st)
{
	(void)st;
	for (int round = 0; round < 400; round++) {
		Kern *k = kern_new("random");
		int64_t n1 = round % 3 ? 1 : 20, n0 = N / n1;
		Gen g = {kern_param(k, "i", DT_I64, ix_int(NX), false), kern_param(k, "f", DT_F32, ix_int(NX), false),
			{ix_var(0, ix_int(n0)), ix_var(1, ix_int(n1))}};
		Mem *my = kern_param(k, "y", DT_I64, ix_int(N), false), *mz = kern_param(k, "z", DT_F32, ix_int(N), false);
		Expr *e = any_int(&g, 6), *f = any_float(&g, 6);
		Stmt *s = st_for(st_for(k->body, g.v[1], F_SERIAL), g.v[0], F_SERIAL);
		Ix at = ix_add(ix_mulc(g.v[1], n0), g.v[0]);

		for (int i = 0; i < NX; i++) {
			xi[i] = rnd_in(-100, 100);
			xf[i] = (float)rnd_in(-100, 100) / 8;
		}
		st_store(s, my, at, e);
		st_store(s, mz, at, f);
		kern_finish(k);
		ir_check_kern(k, "the test");
		assert_int_equal(go(k, (void *[]){xi, xf, yi[0], yf[0]}), 0);
		for (int64_t j = 0; j < n0 * n1; j++) {
			Env env = {{j % n0, j / n0}};
			uint64_t bits = plain(f, &env);

			yi[1][j] = (int64_t)plain(e, &env);
			memcpy(&yf[1][j], &bits, sizeof yf[1][j]);
		}
		assert_memory_equal(yi[0], yi[1], (size_t)(n0 * n1) * sizeof *yi[0]);
		assert_memory_equal(yf[0], yf[1], (size_t)(n0 * n1) * sizeof *yf[0]);
	}
}

int
main(void)
{
	const struct CMUnitTest t[] = {
		cmocka_unit_test_setup_teardown(padded, begin, end),
		cmocka_unit_test_setup_teardown(matmul, begin, end),
		cmocka_unit_test_setup_teardown(carried, begin, end),
		cmocka_unit_test_setup_teardown(statements, begin, end),
		cmocka_unit_test_setup_teardown(shared_branches, begin, end),
		cmocka_unit_test_setup_teardown(memory, begin, end),
		cmocka_unit_test_setup_teardown(gather, begin, end),
		cmocka_unit_test_setup_teardown(words, begin, end),
		cmocka_unit_test_setup_teardown(strings, begin, end),
		cmocka_unit_test_setup_teardown(parts, begin, end),
		cmocka_unit_test_setup_teardown(random_kernels, begin, end),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
