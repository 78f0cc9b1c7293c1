/* Data files and comparison: what is written reads back, what is malformed is refused, NaN and infinities are seen. */
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "data/compare.h"

static char dir[] = "/tmp/zenithc-data-XXXXXX";

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

static const char *
path(const char *name)
{
	return fmt("%s/%s", dir, name);
}

static Host *
some(DType dt, int rank, const int64_t *dim)
{
	Host *h = host_tensor(dt, rank, dim);

	host_seeded(h, 7 + (uint64_t)dt);
	return h;
}

static Diff
diff(const Host *g, const Host *w, Tol t)
{
	Diff d = {0};

	host_compare(g, w, &t, &d);
	return d;
}

static const Tol same = {0, 0, -1, false};

static void
every_type(void **state)
{
	static const int64_t dim[] = {3, 5, 1}, none[] = {0, 4};

	(void)state;
	for (int dt = 1; dt < NDTYPE; dt++) {
		Host *h[] = {some(dt, 3, dim), some(dt, 0, dim), some(dt, 2, none)}, *r;
		for (int k = 0; k < LEN(h); k++) {
			pb_write(path("x.pb"), h[k], "x");
			r = pb_read(path("x.pb"), V_TENSOR);
			assert_string_equal(r->name, "x");
			assert_int_equal(diff(r, h[k], same).bad, 0);
			npy_write(path("x.npy"), h[k]);
			r = npy_read(path("x.npy"));
			if (dtype_info[dt].bits >= 8)
				assert_int_equal(diff(host_as(r, dt), h[k], same).bad, 0);
		}
	}
}

static void
nested(void **state)
{
	static const int64_t dim[] = {2};
	Host *s = host_list(V_SEQ, 2), *o = host_list(V_OPT, 1), *m = host_list(V_MAP, 2), *r;

	(void)state;
	s->elem[0] = some(DT_F32, 1, dim);
	s->elem[1] = some(DT_F32, 0, dim);
	pb_write(path("s.pb"), s, "s");
	assert_int_equal(diff(pb_read(path("s.pb"), V_SEQ), s, same).bad, 0);
	o->elem[0] = s;
	pb_write(path("o.pb"), o, "o");
	r = pb_read(path("o.pb"), V_OPT);
	assert_int_equal(r->kind, V_OPT);
	assert_int_equal(diff(r, o, same).bad, 0);
	m->elem[0] = some(DT_I64, 1, dim);
	m->elem[1] = some(DT_F32, 1, dim);
	s = host_list(V_SEQ, 1);
	s->elem[0] = m;
	pb_write(path("m.pb"), s, "m");
	assert_int_equal(diff(pb_read(path("m.pb"), V_SEQ), s, same).bad, 0);
	pb_write(path("t.pb"), m->elem[1], "t");
	r = pb_read(path("t.pb"), V_SEQ);
	assert_int_equal(r->kind, V_TENSOR);     /* a tensor where a sequence was expected */
	assert_int_equal(diff(s, r, same).bad, 0);
}

static void
bounds(void **state)
{
	static const int64_t dim[] = {2};
	Host *g = host_tensor(DT_F32, 1, dim), *w = host_tensor(DT_F32, 1, dim), *q = host_tensor(DT_U8, 1, dim),
		*v = host_tensor(DT_U8, 1, dim);
	float *a = g->p, *b = w->p;
	Diff d;

	(void)state;
	b[0] = 1000, b[1] = 1, a[0] = 1000.5f, a[1] = 1.1f;
	assert_int_equal(diff(g, w, (Tol){1e-3, 1e-7, -1, false}).bad, 1);
	assert_int_equal(diff(g, w, (Tol){1e-3, 1e-7, 1e-3, false}).bad, 0);
	d = diff(g, w, (Tol){1e-3, 1e-7, -1, false});
	assert_non_null(strstr(d.worst, "[1]: got 1.1"));
	a[0] = b[0] = NAN, a[1] = b[1] = INFINITY;
	assert_int_equal(diff(g, w, same).bad, 0);
	b[1] = -INFINITY, a[0] = 1;
	assert_int_equal(diff(g, w, (Tol){1, 1, 1, false}).bad, 2);
	((unsigned char *)q->p)[0] = 1;
	assert_int_equal(diff(q, v, (Tol){1, 1, 1, false}).bad, 1);
	assert_int_equal(diff(q, v, (Tol){1, 1, 1, true}).bad, 0);
	((unsigned char *)q->p)[0] = 2;
	assert_int_equal(diff(q, v, (Tol){1, 1, 1, true}).bad, 1);
}

static void
put(const char *name, const void *p, size_t n)
{
	file_write(path(name), p, n, NULL, 0);
}

static const char *bad_file;
static VKind bad_kind;

static void
read_bad(void *arg)
{
	(void)arg;
	data_read(bad_file, "x", bad_kind);
}

static int
status_of(const char *name, VKind kind)
{
	int s;

	bad_file = path(name);
	bad_kind = kind;
	zn->status = 0;
	s = session_try(read_bad, NULL);
	return s;
}

static void
malformed(void **state)
{
	static const int64_t dim[] = {4, 4};
	Bytes f;
	char *deep;
	size_t n = 0;

	(void)state;
	npy_write(path("x.npy"), some(DT_F32, 2, dim));
	pb_write(path("x.pb"), some(DT_F32, 2, dim), "x");
	for (int k = 0; k < 2; k++) {
		f = file_read(path(k ? "x.pb" : "x.npy"));
		for (size_t cut = 0; cut < f.n; cut++) {
			put(k ? "cut.pb" : "cut.npy", f.p, cut);
			assert_int_equal(status_of(k ? "cut.pb" : "cut.npy", V_TENSOR), EX_INVALID);
		}
	}
	put("zip.npz", "PK\5\6\0\0\0\0\1\0\1\0\377\377\0\0\377\377\0\0\0\0", 22);
	assert_int_equal(status_of("zip.npz", V_TENSOR), EX_INVALID);
	deep = alloc(1 << 16);           /* sequences in sequences: a length of the rest before each */
	for (int left = 1 << 12; left > 4; left -= 4, n += 4)
		memcpy(deep + n, (char[]){0x2a, (char)(((left - 4) & 127) | 128), (char)((((left - 4) >> 7) & 127) | 128), 0}, 4);
	put("deep.pb", deep, n + 4);
	assert_int_equal(status_of("deep.pb", V_SEQ), EX_INVALID);
	assert_int_equal(status_of("none.pb", V_TENSOR), EX_INVALID);
}

static int
drop_dir(void **state)
{
	DIR *d = opendir(dir);

	(void)state;
	for (struct dirent *e; (e = readdir(d));)
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_type, begin, end),
		cmocka_unit_test_setup_teardown(nested, begin, end),
		cmocka_unit_test_setup_teardown(bounds, begin, end),
		cmocka_unit_test_setup_teardown(malformed, begin, end),
	};
	return mkdtemp(dir) ? cmocka_run_group_tests(tests, NULL, drop_dir) : 1;
}
