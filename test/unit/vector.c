/* The helpers for vectors: programs of test/vector/, instantiated for each number of lanes of this processor,
 * compiled with $CC (cc) and run.
 *
 * usage: vector                     the tests
 *        vector FILE LANES >x.c     the program of FILE, for other compilers and processors */
#include "../../codegen/emit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char *
slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	Buf b = {0};
	char part[4096];
	size_t n;

	if (!f)
		fatal(EX_USE, NULL, "cannot read %s", path);
	while ((n = fread(part, 1, sizeof part, f)))
		buf_add(&b, part, n);
	fclose(f);
	return buf_str(&b);
}

/* the program with its helpers before it */
static void
program(FILE *f, const char *path, int lanes)
{
	Prelude pre = {.need = map_new()};
	Buf b = {0};
	const char *text = fmt("%s%s", slurp("test/vector/lanes.h"), slurp(path));

	text = prelude_lanes(text, strlen(text), lanes);
	prelude_need(&pre, text);
	prelude_head(&pre, &b);
	prelude_write(&pre, &b);
	fprintf(f, "#include <stddef.h>\n#include <stdint.h>\n%s%s", buf_str(&b), text);
}

static void
run(const char *path, int lanes)
{
	const char *cc = getenv("CC") ? getenv("CC") : "cc";
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char *dir = fmt("%s/zn_vector_XXXXXX", tmp);
	FILE *f;
	int r;

	assert_non_null(mkdtemp(dir));
	assert_non_null(f = fopen(fmt("%s/v.c", dir), "w"));
	program(f, path, lanes);
	fclose(f);
	r = system(fmt("%s -std=gnu99 -O2 -w -o %s/v %s/v.c -lm && %s/v", cc, dir, dir, dir));
	assert_int_equal(system(fmt("rm -r %s", dir)), 0);
	assert_int_equal(r, 0);
}

static void
all_lanes(const char *path)
{
#if defined __x86_64__
	run(path, 16);
	run(path, 8);
#elif defined __aarch64__
	run(path, 4);
#else
	printf("%s: no lanes on this processor, skipped\n", path);
#endif
}

static void helpers(void **st) { (void)st; all_lanes("test/vector/helpers.c"); }
static void functions(void **st) { (void)st; all_lanes("test/vector/functions.c"); }

/* every piece that exists for a number of lanes is used by the programs */
static void
complete(void **st)
{
	static const char *const file[] = {"templates/vector.c", "templates/vx86.c", "templates/vneon.c",
		"templates/vmath.c"};
	static const char *const used[] = {"test/vector/helpers.c", "test/vector/functions.c"};
	const char *p, *text;
	int missing = 0;

	(void)st;
	for (int lanes = 16; lanes >= 4; lanes /= 2) {
		Prelude pre = {.need = map_new()};

		for (int i = 0; i < LEN(used); i++)
			prelude_need(&pre, prelude_lanes(slurp(used[i]), strlen(slurp(used[i])), lanes));
		for (int i = 0; i < LEN(file); i++)
			for (p = embedded_text(file[i]); (p = strstr(p, "/*@ ")); p++) {
				size_t n = strcspn(p + 4, " ");
				bool x86 = !strcmp(file[i], "templates/vx86.c");

				if (!memchr(p + 4, '@', n) || (x86 && lanes == 4))
					continue;
				text = prelude_lanes(p + 4, n, lanes);
				if (map_str(pre.need, text) || (lanes == 16 && strstr(text, "bytesx")))
					continue;
				missing++;
				printf("nothing tests %s\n", text);
			}
	}
	assert_int_equal(missing, 0);
}

/* functions that have a helper do not keep a loop from being vectors */
static void
functions_have_rows(void **st)
{
	const char *text = embedded_text("templates/vmath.c");
	int found = 0;

	(void)st;
	for (int op = 0; op < NEOP; op++)
		if (strchr("SFP", eop_info[op].rule) && eop_info[op].n == 1 &&
			strstr(text, fmt("/*@ zn_%s_f32x@ ", eop_info[op].text))) {
			found++;
			if (!vec_row((EOp)op, DT_F32))
				fail_msg("no row of vectors for %s", eop_info[op].text);
		}
	assert_true(found >= 10);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest t[] = {cmocka_unit_test(complete), cmocka_unit_test(functions_have_rows), cmocka_unit_test(helpers),
		cmocka_unit_test(functions)};
	Session *s = session_begin("vector");
	int r = 0;

	s->log = NULL;
	if (argc == 3)
		program(stdout, argv[1], atoi(argv[2]));
	else
		r = cmocka_run_group_tests(t, NULL, NULL);
	session_end(s);
	return r;
}
