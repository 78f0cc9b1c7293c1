/* Loops of kind lanes as the C target prints them against the interpreter: guards and conditions that switch the last
 * lanes off, with and without temporaries. Inputs end where a page may not be touched.
 *
 * usage: lanes               the tests, on each instruction set of this processor
 *        lanes ISA >x.c      the program, for other compilers and processors */
#include "../../codegen/emit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* # is the number of lanes; x and z have X elements, y has Y; every case has them as parameters 0, 1, 2 */
enum { ROWS = 5 };
#define AT "#*i0 + i1"
#define ALL "for i0 < 5 { for i1 < # lanes # { store y.2[" AT "] = "
#define LEFT "L - #*i0 - i1"
#define X "x.0[" AT "]"
#define Z "z.1[" AT "]"
#define DEEP(e) "add(floor(mul(" e ", " Z ")), 0x1p-1:f32)"
#define MINUS "-0x1p+0:f32"

static const struct { const char *body; bool can; } cases[] = {
	{ALL "guard(" LEFT "; " X ", " MINUS ") } }", true},
	{ALL "guard(" LEFT ", i0 - 1, 3 - i0; " X ", " MINUS ") } }", true},
	{ALL "guard(" LEFT "; mul(add(" X ", " Z "), add(" X ", " Z ")), " MINUS ") } }", true},
	{ALL "guard(" LEFT ", 3 - i0; mul(max(" X ", " Z "), max(" X ", " Z ")), " MINUS ") } }", true},
	{ALL "guard(" LEFT "; add(" X ", guard(" LEFT " - 3; mul(" Z ", " Z "), " MINUS ")), 0x1p+1:f32) } }", true},
	{ALL "guard(i0 - 1; guard(" LEFT "; mul(" Z ", " Z "), " MINUS "), 0x1p+1:f32) } }", true},
	{ALL "guard(" LEFT "; " DEEP(DEEP(DEEP(DEEP(X)))) ", " MINUS ") } }", true},
	{ALL "mul(guard(" LEFT "; " X ", " MINUS "), guard(" LEFT "; " X ", " MINUS ")) } }", true},
	{"for i0 < 4 { for i1 < # lanes # { store y.2[" AT "] = select(gt(" X ", " Z "), mul(" Z ", " Z "), " X ") } }", true},
	{"for i0 < 4 { for i1 < # lanes # { store y.2[" AT "] = select(gt(" X ", 0x0p+0:f32), "
		"guard(" LEFT " - 1; mul(" Z ", " Z "), " MINUS "), " X ") } }", true},
	/* both the loop and the condition switch lanes off */
	{"for i0 < 5 { for i1 < M lanes # { if gt(ix(i0 - i1), 0:i64) { store y.2[" AT "] = x.0[i0 + i1] } } }", true},
	{"for i0 < 5 { for i1 < 3 lanes # { if gt(ix(2*i0 - i1), 0:i64) { if gt(ix(4 - i0 - i1), 0:i64) { store y.2[" AT "] = "
		"x.0[i1] } } } }", true},
	/* would be loaded outside of what the conditions allow */
	{ALL "guard(" LEFT "; " X ", z.1[" AT " - L]) } }", false},
	{ALL "guard(" LEFT "; add(" X ", z.1[i0]), " MINUS ") } }", false},
};

/* the numbers of a case in its text */
static const char *
spelled(const char *text, int lanes)
{
	Buf b = {0};

	for (; *text; text++)
		if (*text == '#')
			buf_fmt(&b, "%d", lanes);
		else if (strchr("LMXY", *text))
			buf_fmt(&b, "%d", *text == 'L' ? 4 * lanes + 1 : *text == 'M' ? lanes - 1 : *text == 'X' ? 4 * lanes + 2
				: ROWS * lanes);
		else
			buf_add(&b, text, 1);
	return buf_str(&b);
}

static Kern *
kernel(int i, const Isa *s)
{
	const char *head = "kernel k(in x.0: f32[X], in z.1: f32[X], out y.2: f32[Y])";

	return ir_parse_kern(spelled(fmt("%s { %s } variant %s isa %s { %s }", head, cases[i].body, head, s->name,
		cases[i].body), s->lanes), "case");
}

static void
lanes_of(Stmt *s, void *arg)
{
	if (s->op == S_FOR && s->kind == F_LANES)
		*(bool *)arg = lanes_can(s);
}

static int64_t no_value(const IxAtom *a, void *arg) { (void)a, (void)arg; return 0; }

static float value(int i, int which) { return (float)((i * 37 + which * 11) % 23 - 11) / 4; }

static void
floats(Buf *b, const char *name, const float *v, int n)
{
	buf_fmt(b, "static const float %s[] = {", name);
	for (int i = 0; i < n; i++)
		buf_fmt(b, "%a%s", (double)v[i], i < n - 1 ? "f, " : "f};\n");
}

static const char *const head =
	"#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <sys/mman.h>\n%s";
static const char *const tail =
	"static int bad;\n"
	"static float *place(const float *v, size_t n)\n{\n"
	"	char *p = (char *)mmap(0, 131072, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n"
	"	mprotect(p + 65536, 65536, PROT_NONE);\n"
	"	return (float *)memcpy(p + 65536 - n * sizeof *v, v, n * sizeof *v);\n}\n"
	"static void check(int k, const float *got, const float *want, int n)\n{\n"
	"	for (int i = 0; i < n; i++)\n"
	"		if (got[i] != want[i]) {\n"
	"			bad++;\n"
	"			printf(\"case %%d, element %%d: want %%g, found %%g\\n\", k, i, (double)want[i], (double)got[i]);\n"
	"			return;\n		}\n}\n"
	"int main(void)\n{\n	float y[%d], *x = place(a, %d), *z = place(b, %d);\n%s	return bad != 0;\n}\n";

static void
program(FILE *f, const Isa *s)
{
	enum { MOST = 16 };
	float v[2][4 * MOST + 2], y[ROWS * MOST];
	int n = 4 * s->lanes + 2, m = ROWS * s->lanes;
	Prelude pre = {.need = map_new()};
	Buf text = {0}, calls = {0}, prelude = {0};

	for (int k = 0; k < 2; k++)
		for (int i = 0; i < n; i++)
			v[k][i] = value(i, k);
	floats(&text, "a", v[0], n);
	floats(&text, "b", v[1], n);
	for (int i = 0; i < LEN(cases); i++) {
		CPrint p = {.t = &target_c, .b = &text, .pre = &pre};
		Kern *k = kernel(i, s);
		bool can = false;

		st_each(k->variant.p[0]->body, lanes_of, &can);
		if (can != cases[i].can)
			fatal(EX_BUG, NULL, "case %d %s be said in vectors", i, can ? "can" : "cannot");
		for (int j = 0; j < m; j++)
			y[j] = -9;
		if (!can)
			continue;
		if (ir_run_kern(k, (void *[]){v[0], v[1], y}, no_value, NULL, NULL))
			fatal(EX_BUG, NULL, "case %d fails", i);
		cp_kernel(&p, k, fmt("k%d", i));
		floats(&text, fmt("w%d", i), y, m);
		buf_fmt(&calls, "	for (int i = 0; i < %d; i++)\n		y[i] = -9;\n	k%d(x, z, y);\n	check(%d, y, w%d, %d);\n",
			m, i, i, i, m);
	}
	prelude_need(&pre, buf_str(&text));
	prelude_head(&pre, &prelude);
	prelude_write(&pre, &prelude);
	fprintf(f, head, buf_str(&prelude));
	fputs(buf_str(&text), f);
	fprintf(f, tail, m, n, n, buf_str(&calls));
}

static void
run(const Isa *s)
{
	const char *cc = getenv("CC") ? getenv("CC") : "cc", *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char *dir = fmt("%s/zn_lanes_XXXXXX", tmp);
	FILE *f;
	int r;

	assert_non_null(mkdtemp(dir));
	assert_non_null(f = fopen(fmt("%s/v.c", dir), "w"));
	program(f, s);
	fclose(f);
	r = system(fmt("%s -std=gnu99 -O2 -w -o %s/v %s/v.c -lm && %s/v", cc, dir, dir, dir));
	assert_int_equal(system(fmt("rm -r %s", dir)), 0);
	assert_int_equal(r, 0);
}

static void
every_isa(void **st)
{
	(void)st;
	for (const Isa *s = isa_table; s->name; s++)
		run(s);      /* without it, the kernel for any processor runs */
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest t[] = {cmocka_unit_test(every_isa)};
	Session *session = session_begin("lanes");
	const Isa *s = isa_table;
	int r = 0;

	if (argc == 2) {
		while (s->name && strcmp(s->name, argv[1]))
			s++;
		if (!s->name)
			fatal(EX_USE, NULL, "no isa is called %s", argv[1]);
		program(stdout, s);
	} else {
		r = cmocka_run_group_tests(t, NULL, NULL);
	}
	session_end(session);
	return r;
}
