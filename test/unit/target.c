/* The C target against scalar.c: every operation on every dtype that takes it, every cast, on special and random values.
 * The printed kernels are compiled as one file with $CC (cc) and loaded. */
#include "../../codegen/emit.h"
#include "../../codegen/pool.h"
#include "random.h"

#include <dlfcn.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { N = 256 };

typedef struct Case {
	EOp op;
	DType dt, from;
	Kern *k;
} Case;

static VEC(Case) cases;
static int refused;

static bool numeric(int d) { return d != DT_STR && d != DT_C64 && d != DT_C128; }

/* special values, then random patterns; bool and narrow types: all there are */
static void
fill(DType d, void *mem, int shift)
{
	static const double special[] = {0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, -7, 127, 128, -128, -129, 255, 256,
		300, 32767, 32768, 65535, 65536, -40000, 2147483520, 2147483648, -2147483648.0, 4294967296, 9e18, 9.3e18,
		-9.3e18, 1.8e19, 1e30, -1e30, INFINITY, -INFINITY, NAN, 1e-40, 1e-300, 0.1, 0.9999999, 6.5e4, 464, 3.3e38};
	int bits = dtype_info[d].bits;
	uint64_t v;

	for (int i = 0; i < N; i++) {
		int k = (i * 37 + shift) % N;

		v = rnd() << 32 ^ rnd();
		if (bits <= 8)
			v = (uint64_t)k;
		else if (k < LEN(special))
			v = dt_from_double(d, special[k], false);
		else if (k < 128 && dt_float(d))
			v = dt_from_double(d, (double)rnd_in(-4000, 4000) / 256, false);
		else if (k < 128)
			v = (uint64_t)rnd_in(-70, 70);
		if (d == DT_BOOL)
			v &= 1;
		dt_put(d, false, mem, i, 1, &v);
	}
}

static Kern *
make(EOp op, DType dt, DType from)
{
	Kern *k = kern_new(fmt("t%d", cases.n));
	int n = eop_info[op].n;
	Expr *a[3], *e;
	Ix i = ix_var(0, ix_int(N));

	for (int j = 0; j < n; j++)
		a[j] = ex_load(kern_param(k, "x", from, ix_int(N), false), i);
	e = ex_op(op, dt, a, n);
	st_store(st_for(k->body, i, F_SERIAL), kern_param(k, "y", e->dt, ix_int(N), false), i, e);
	kern_finish(k);
	return k;
}

static void
add_case(EOp op, DType dt, DType from)
{
	push(&cases, ((Case){op, dt, from, make(op, dt, from)}));
}

static void
all_cases(void)
{
	Expr *x;

	for (int d = 1; d < NDTYPE; d++) {
		if (!numeric(d))
			continue;
		x = ex_bits((DType)d, 0);
		for (int op = 1; op < NEOP; op++)
			if (eop_info[op].rule != 'X' && !ex_check((EOp)op, (DType)d, (Expr *[]){x, x, x}, eop_info[op].n))
				add_case((EOp)op, (DType)d, (DType)d);
		for (int to = 1; to < NDTYPE; to++) {
			if (!numeric(to) || to == d)
				continue;
			add_case(E_CAST, (DType)to, (DType)d);
			add_case(E_CASTSAT, (DType)to, (DType)d);
			if (dtype_info[to].bits == dtype_info[d].bits && d != DT_BOOL && to != DT_BOOL)
				add_case(E_BITCAST, (DType)to, (DType)d);
		}
	}
}

/* a file of all kernels that the target prints, and a table of them */
static void
print_all(FILE *f)
{
	Prelude pre = {.need = map_new()};
	Buf text = {0}, table = {0}, prelude = {0};

	for (int i = 0; i < cases.n; i++) {
		Buf one = {0};
		CPrint p = {.t = &target_c, .b = &one, .pre = &pre};
		int before = zn->nerror;

		cp_kernel(&p, cases.p[i].k, cases.p[i].k->name);
		if (zn->nerror > before) {
			printf("refused: %s.%s of %s\n", eop_info[cases.p[i].op].text, dt_text(cases.p[i].dt),
				dt_text(cases.p[i].from));
			refused++;
			buf_fmt(&table, "0, ");
			continue;
		}
		buf_add(&text, one.p, one.n);
		buf_fmt(&table, "(void *)%s,\n", cases.p[i].k->name);
	}
	prelude_need(&pre, buf_str(&text));
	prelude_write(&pre, &prelude);
	fprintf(f, "#include <stdint.h>\n#include <math.h>\n#include <string.h>\n#include <stdlib.h>\n#include <stdio.h>\n"
		"#include <limits.h>\n#include <float.h>\n#define ZN_KERNEL\n#define ZN_RESTRICT restrict\n%s\n%s\nvoid *const table[] = {%s};\n",
		buf_str(&prelude), buf_str(&text), buf_str(&table));
}

static void *const *
build(void)
{
	const char *cc = getenv("CC") ? getenv("CC") : "cc", *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char *dir = fmt("%s/zn_target_XXXXXX", tmp);
	void *const *table;
	FILE *f;
	void *so;

	assert_non_null(mkdtemp(dir));
	f = fopen(fmt("%s/k.c", dir), "w");
	assert_non_null(f);
	print_all(f);
	fclose(f);
	assert_int_equal(system(fmt("%s -std=c99 -O1 -w -ffp-contract=off -fPIC -shared -o %s/k.so %s/k.c -lm", cc, dir, dir)), 0);
	so = dlopen(fmt("%s/k.so", dir), RTLD_NOW);
	assert_non_null(so);
	table = dlsym(so, "table");
	assert_int_equal(system(fmt("rm -r %s", dir)), 0);
	return table;
}

static int64_t
no_value(const IxAtom *at, void *arg)
{
	(void)at;
	(void)arg;
	return 0;
}

/* patterns in the order of the numbers */
static int64_t
order(DType d, uint64_t v)
{
	int64_t mag = (int64_t)(v & (((uint64_t)1 << (dtype_info[d].bits - 1)) - 1));

	return v >> (dtype_info[d].bits - 1) & 1 ? -mag : mag;
}

static bool
is_nan(DType d, uint64_t v)
{
	return (dt_float(d) || dtype_info[d].class == DC_N) && isnan(dt_to_double(d, v));
}

static bool
agree(const Case *c, DType d, uint64_t want, uint64_t got)
{
	bool function = c->op >= E_EXP || c->op == E_POW;
	int64_t diff;

	if (want == got || (is_nan(d, want) && is_nan(d, got)))
		return true;
	if (!dt_float(d) || is_nan(d, want) || is_nan(d, got))
		return false;
	diff = order(d, want) - order(d, got);
	if (diff == 0)       /* zeros of two signs */
		return c->op == E_MIN || c->op == E_MAX || c->op == E_FMOD || c->op == E_REM || c->op == E_SIGN || function;
	return function && diff >= -4 && diff <= 4;
}

static void
call(void *fn, int n, char (*mem)[N * 8])
{
	void (*f1)(void *, void *), (*f2)(void *, void *, void *), (*f3)(void *, void *, void *, void *);

	memcpy(&f1, &fn, sizeof fn);
	memcpy(&f2, &fn, sizeof fn);
	memcpy(&f3, &fn, sizeof fn);
	if (n == 1)
		f1(mem[0], mem[3]);
	else if (n == 2)
		f2(mem[0], mem[1], mem[3]);
	else
		f3(mem[0], mem[1], mem[2], mem[3]);
}

static int
compare(const Case *c, void *fn)
{
	static _Alignas(16) char mem[5][N * 8];
	int n = c->k->param.n - 1, bad = 0;
	DType d = c->k->param.p[n]->dt;
	void *arg[4];
	uint64_t want, got, x[2] = {0, 0};

	for (int i = 0; i < n; i++) {
		fill(c->from, mem[i], i * 11);
		arg[i] = mem[i];
	}
	arg[n] = mem[4];
	memset(mem[3], 0, sizeof mem[3]);
	assert_int_equal(ir_run_kern(c->k, arg, no_value, NULL, NULL), 0);
	call(fn, n, mem);
	for (int i = 0; i < N; i++) {
		dt_get(d, false, mem[4], i, 1, &want);
		dt_get(d, false, mem[3], i, 1, &got);
		if (agree(c, d, want, got) || bad++)
			continue;
		for (int j = 0; j < n && j < 2; j++)
			dt_get(c->from, false, mem[j], i, 1, &x[j]);
		printf("%s.%s of %s(%llx, %llx): want %llx, the target gives %llx\n", eop_info[c->op].text, dt_text(d),
			dt_text(c->from), (unsigned long long)x[0], (unsigned long long)x[1], (unsigned long long)want,
			(unsigned long long)got);
	}
	return bad > 0;
}

static void
operations(void **st)
{
	void *const *table;
	int bad = 0;

	(void)st;
	all_cases();
	table = build();
	for (int i = 0; i < cases.n; i++)
		bad += table[i] ? compare(&cases.p[i], table[i]) : 0;
	printf("%d operations, %d refused, %d wrong\n", cases.n, refused, bad);
	assert_int_equal(bad, 0);
	assert_int_equal(refused, 0);
}

int
main(void)
{
	const struct CMUnitTest t[] = {cmocka_unit_test(operations)};
	Session *s = session_begin("target");
	int r;

	s->log = NULL;
	r = cmocka_run_group_tests(t, NULL, NULL);
	session_end(s);
	return r;
}
