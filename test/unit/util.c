/* Memory, containers, checked arithmetic, sessions and messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../compiler/util.h"
#include "random.h"

static int
begin(void **state)
{
	*state = session_begin("a model.onnx");
	zn->log = NULL;
	return 0;
}

static int
end(void **state)
{
	session_end(*state);
	assert_null(zn);
	return 0;
}

static void
arena(void **state)
{
	unsigned char *p[400];
	size_t n[400], sum = 0;
	Arena *a = arena_new();

	(void)state;
	for (int i = 0; i < LEN(p); i++) {
		n[i] = (size_t)rnd_in(0, i % 40 ? 3000 : 3000000);
		p[i] = arena_alloc(a, n[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		for (size_t k = 0; k < n[i]; k++)
			assert_int_equal(p[i][k], 0);
		memset(p[i], i & 255, n[i]);
		sum += n[i];
	}
	for (int i = 0; i < LEN(p); i++)
		for (size_t k = 0; k < n[i]; k += 97)
			assert_int_equal(p[i][k], i & 255);
	assert_true(arena_used(a) >= sum && arena_used(a) < sum + 16 * LEN(p));
	arena_free(a);
}

static void
vectors(void **state)
{
	VEC(struct { int64_t x; char c; }) v = {0};
	VEC(const char *) w = {0};

	(void)state;
	for (int i = 0; i < 10000; i++) {
		push(&v, ((__typeof__(*v.p)){i * 3, (char)i}));
		push(&w, fmt("%d", i));
	}
	assert_int_equal(v.n, 10000);
	for (int i = 0; i < v.n; i++) {
		assert_int_equal(v.p[i].x, i * 3);
		assert_int_equal(atoi(w.p[i]), i);
	}
}

static void
buffers(void **state)
{
	Buf b = {0};
	char *s;

	(void)state;
	assert_string_equal(buf_str(&b), "");
	for (int i = 0; i < 3000; i++) {
		buf_add(&b, "ab\0", 2);
		buf_fmt(&b, "%d,", i % 10);
	}
	s = buf_str(&b);
	assert_int_equal(strlen(s), 12000);
	assert_memory_equal(s + 4 * 1234, "ab4,", 4);
	b.n = 0;
	buf_fmt(&b, "%0500d", 7);
	assert_int_equal(strlen(buf_str(&b)), 500);
	assert_string_equal(fmt("%s-%d", "x", 5), "x-5");
	assert_string_equal(copy_str(""), "");
}

static void
maps(void **state)
{
	Map *m = map_new(), *q = map_new();
	static int key[5000];
	void **slot, **first = map_at_str(m, "k0");

	(void)state;
	for (int i = 0; i < LEN(key); i++) {
		slot = map_at_str(m, fmt("k%d", i));
		assert_null(*slot);
		*slot = &key[i];
		*map_at_ptr(q, &key[i]) = &key[LEN(key) - 1 - i];
	}
	assert_ptr_equal(*first, &key[0]);
	for (int i = 0; i < LEN(key); i++) {
		assert_ptr_equal(map_str(m, fmt("k%d", i)), &key[i]);
		assert_ptr_equal(map_ptr(q, &key[i]), &key[LEN(key) - 1 - i]);
	}
	assert_null(map_str(m, "absent"));
	assert_null(map_ptr(q, m));
	*map_at(m, "a\0b", 3) = key;
	assert_null(map_get(m, "a\0c", 3));
	assert_ptr_equal(map_get(m, "a\0b", 3), key);
	assert_null(map_get(m, "", 0));
	*map_at(m, "", 0) = key;
	assert_ptr_equal(map_get(m, NULL, 0), key);
	assert_int_not_equal(hash_bytes("ab", 2, 0), hash_bytes("ab\0", 3, 0));
	assert_int_not_equal(hash_bytes("ab", 2, 0), hash_bytes("ab", 2, 1));
}

static void
big(void **state)
{
	char *p[20];

	(void)state;
	for (int i = 0; i < LEN(p); i++) {
		p[i] = big_alloc((size_t)(i * 100000 + 1));
		assert_int_equal((uintptr_t)p[i] % 64, 0);
		assert_int_equal(p[i][i * 100000], 0);
		memset(p[i], 1, (size_t)(i * 100000 + 1));
	}
	big_free(p[7]);
	big_free(p[19]);
	big_free(p[0]);
	big_free(NULL);
}

static void
arithmetic(void **state)
{
	int64_t r;
	size_t z;

	(void)state;
	assert_true(add_ok(INT64_MAX - 1, 1, &r) && r == INT64_MAX);
	assert_false(add_ok(INT64_MAX, 1, &r));
	assert_false(sub_ok(INT64_MIN, 1, &r));
	assert_true(mul_ok(1LL << 31, 1LL << 31, &r) && r == 1LL << 62);
	assert_false(mul_ok(1LL << 32, 1LL << 31, &r));
	assert_false(mul_ok(INT64_MIN, -1, &r));
	assert_true(mul_ok((size_t)1 << 32, ((size_t)1 << 32) - 1, &z));
	assert_false(sub_ok((size_t)1, (size_t)2, &z));
}

static void
quotes(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{"conv/1:0", "conv/1:0"},
		{"gr\xc3\xb6\xc3\x9f" "er \xe5\xb1\xa4 \xf0\x9f\x99\x82",
			"gr\xc3\xb6\xc3\x9f" "er \xe5\xb1\xa4 \xf0\x9f\x99\x82"},
		{"a\nb\x1b[31m\x7f", "a\\x0ab\\x1b[31m\\x7f"},
		{"back\\slash", "back\\\\slash"},
		{"\xe2\x80\xae" "evil\xe2\x81\xa6\xef\xbb\xbf\xc2\x85", "\\u{202e}evil\\u{2066}\\u{feff}\\u{85}"},
		{"cut \xe2\x80", "cut \\xe2\\x80"},
		{"over \xc0\xaf \xe0\x80\xaf", "over \\xc0\\xaf \\xe0\\x80\\xaf"},
		{"half \xed\xa0\x80 out \xf4\x90\x80\x80", "half \\xed\\xa0\\x80 out \\xf4\\x90\\x80\\x80"},
		{"", ""},
		{NULL, ""},
	};
	char *s = alloc(1001);

	(void)state;
	for (int i = 0; i < LEN(t); i++)
		assert_string_equal(quoted(t[i].in), t[i].out);
	memset(s, 'x', 1000);
	assert_true(strlen(quoted(s)) <= 200);
	assert_string_equal(quoted(s) + strlen(quoted(s)) - 4, "x...");
	for (int i = 0; i < 1000; i++)
		s[i] = i % 2 ? '\xa4' : '\xc3';
	assert_true(strlen(quoted(s)) <= 200);
	assert_memory_equal(quoted(s) + strlen(quoted(s)) - 5, "\xc3\xa4...", 5);
}

static void
two_errors(void *arg)
{
	error("node 'a'", "found %d", 1);
	unsupported(NULL, "no %s", "luck");
	warning(NULL, "hm");
	*(int *)arg = 1;
	stop_if_errors();
	*(int *)arg = 2;
}

static void
messages(void **state)
{
	Session *s = *state;
	int reached = 0;

	assert_int_equal(session_try(two_errors, &reached), EX_INVALID);
	assert_int_equal(reached, 1);
	assert_int_equal(s->nerror, 2);
	assert_int_equal(s->nwarning, 1);
	assert_string_equal(buf_str(&s->messages), "a model.onnx: error: node 'a': found 1\n"
		"a model.onnx: unsupported: no luck\na model.onnx: warning: hm\n");
	s->json = true;
	s->messages.n = 0;
	error("w\"", "a\\\n\xff\xc3\xa4");
	assert_string_equal(buf_str(&s->messages), "{\"level\":\"error\",\"file\":\"a model.onnx\","
		"\"where\":\"w\\\"\",\"message\":\"a\\\\\\u000a\\u00ff\xc3\xa4\"}\n");
}

static void
too_deep(void *arg)
{
	(void)arg;
	limit_check(LIM_DEPTH, 100, NULL);
	limit_check(LIM_DEPTH, 101, "graph 'g'");
	fail();
}

static void
nested(void *arg)
{
	assert_int_equal(session_try(too_deep, NULL), EX_LIMIT);
	*(int *)arg = 1;
	bug("it %s", "broke");
}

static void
raised(void **state)
{
	Session *s = *state;
	int reached = 0;
	const char *m;

	assert_int_equal(session_try(nested, &reached), EX_BUG);
	assert_int_equal(reached, 1);
	assert_null(s->out);
	m = buf_str(&s->messages);
	assert_non_null(strstr(m, "graph 'g': 101 nesting of messages, graphs and functions: more than the limit"));
	assert_non_null(strstr(m, "--limit depth=N"));
	assert_non_null(strstr(m, "bug in zenithc: "));
	assert_non_null(strstr(m, "it broke"));
}

static void
endless(void *arg)
{
	(void)arg;
	alloc(SIZE_MAX - 5);
	fail();
}

static void
memory(void **state)
{
	(void)state;
	assert_int_equal(session_try(endless, NULL), EX_LIMIT);
}

static void
note(void *arg)
{
	char *s = arg;

	s[strlen(s)] = (char)('a' + strlen(s));
}

static void
append_x(void *arg)
{
	strcat(arg, "x");
}

static void
at_end(void **state)
{
	static char order[8];
	Session *s = session_begin(NULL);

	(void)state;
	session_at_end(append_x, order);
	session_at_end(note, order);
	session_end(s);
	assert_string_equal(order, "ax");
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena), T(vectors), T(buffers), T(maps), T(big), cmocka_unit_test(arithmetic), T(quotes),
		T(messages), T(raised), T(memory), cmocka_unit_test(at_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
