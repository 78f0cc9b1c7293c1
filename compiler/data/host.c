/* Values in the compiler's own memory: see host.h. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

Host *
host_tensor(DType dt, int rank, const int64_t *dim)
{
	Host *h = NEW(Host);

	h->kind = V_TENSOR;
	h->dt = dt;
	h->rank = rank;
	h->dim = copy_mem(dim, (size_t)rank * sizeof *dim);
	h->n = 1;
	limit_check(LIM_RANK, rank, NULL);
	for (int i = 0; i < rank; i++) {
		if (dim[i] < 0)
			fatal(EX_INVALID, NULL, "a tensor's dimension %d is %" PRId64, i, dim[i]);
		if (!mul_ok(h->n, dim[i], &h->n))
			fatal(EX_LIMIT, NULL, "a tensor's dimensions are too large");
	}
	limit_check(LIM_ELEMENTS, h->n, NULL);
	if (!dt_bytes(dt, h->n, true, &h->bytes))
		fatal(EX_LIMIT, NULL, "a tensor's dimensions are too large");
	h->p = big_alloc(h->bytes + 64);
	return h;
}

Host *
host_list(VKind kind, int n)
{
	Host *h = NEW(Host);

	h->kind = kind;
	h->n = n;
	h->elem = NEWN(Host *, n);
	return h;
}

void
host_free(Host *h)
{
	if (!h)
		return;
	if (h->kind == V_TENSOR) {
		big_free(h->p);
		h->p = NULL;
	}
	for (int64_t i = 0; h->kind != V_TENSOR && i < h->n; i++)
		host_free(h->elem[i]);
}

uint64_t
host_bits(const Host *h, int64_t i)
{
	uint64_t b;

	dt_get(h->dt, true, h->p, i, 1, &b);
	return b;
}

double
host_at(const Host *h, int64_t i)
{
	return dt_to_double(h->dt, host_bits(h, i));
}

/* what .npy calls these types, having no name of its own for them */
static bool
same_bits(DType have, DType want)
{
	int h = dtype_info[have].bits, w = dtype_info[want].bits;

	if (dtype_info[want].class == DC_N)
		return h == 8 && (dt_int(have) || dtype_info[have].class == DC_N);
	return want == DT_BF16 && h == w && (have == DT_BF16 || have == DT_U16);
}

Host *
host_as(Host *h, DType want)
{
	Host *r;
	uint64_t b;

	if (h->kind != V_TENSOR || h->dt == want || !same_bits(h->dt, want))
		return h;
	r = host_tensor(want, h->rank, h->dim);
	r->name = h->name;
	for (int64_t i = 0; i < h->n; i++) {
		b = host_bits(h, i);
		dt_put(want, true, r->p, i, 1, &b);
	}
	return r;
}

/* splitmix64: public domain, Sebastiano Vigna */
static uint64_t
next_random(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void
host_seeded(Host *h, uint64_t seed)
{
	enum dclass c = dtype_info[h->dt].class;
	int bits = dtype_info[h->dt].bits;
	DType part = h->dt == DT_C64 ? DT_F32 : h->dt == DT_C128 ? DT_F64 : h->dt;
	int64_t n = part == h->dt ? h->n : 2 * h->n;
	uint64_t r, b;

	for (int64_t i = 0; i < n; i++) {
		r = next_random(&seed);
		if (c == DC_S) {
			((Str *)h->p)[i] = (Str){&"ab"[r & 1], 1 + (r >> 1 & 1 & ~r)};
			continue;
		}
		if (c == DC_F || c == DC_C || h->dt == DT_F8E8M0 || (c == DC_N && bits == 8) ||
			h->dt == DT_F4E2M1)
			b = dt_from_double(part, (double)(int64_t)r * 0x1p-63, true);
		else
			b = bits <= 8 && c != DC_B ? r >> 8 : r >> 8 & 1;
		dt_put(part, true, h->p, i, 1, &b);
	}
}

const char *
host_str(const Host *h)
{
	static const char *const kind[] = {"tensor", "sequence", "optional", "map"};
	Buf b = {0};

	if (h->kind != V_TENSOR) {
		buf_fmt(&b, "%s of %" PRId64, kind[h->kind], h->n);
		return buf_str(&b);
	}
	buf_fmt(&b, "%s[", dt_name(h->dt));
	for (int i = 0; i < h->rank; i++)
		buf_fmt(&b, "%s%" PRId64, i ? "," : "", h->dim[i]);
	buf_add(&b, "]", 1);
	return buf_str(&b);
}

Bytes
file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);  /* a pipe would wait for a writer */
	struct stat st;
	Bytes b = {0};
	ssize_t got = 1;

	if (fd < 0)
		fatal(EX_INVALID, NULL, "cannot read '%s': %s", quoted(path), strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		fatal(EX_INVALID, NULL, "'%s' is not a file", quoted(path));
	}
	b.p = big_alloc((size_t)st.st_size + 1);
	while (b.n < (size_t)st.st_size && (got = read(fd, b.p + b.n, (size_t)st.st_size - b.n)) > 0)
		b.n += (size_t)got;
	close(fd);
	if (got < 0)
		fatal(EX_INVALID, NULL, "cannot read '%s': %s", quoted(path), strerror(errno));
	return b;
}

void
file_write(const char *path, const void *p, size_t n, const void *q, size_t m)
{
	FILE *f = fopen(path, "wbe");
	bool ok = f && fwrite(p, 1, n, f) == n && (!m || fwrite(q, 1, m, f) == m);

	if (f)
		ok &= !fclose(f);
	if (!ok)
		fatal(EX_OUTPUT, NULL, "cannot write '%s': %s", quoted(path), strerror(errno));
}

Host *
data_read(const char *path, const char *name, VKind kind)
{
	const char *dot = strrchr(path, '.');

	if (dot && !strcmp(dot, ".npy"))
		return npy_read(path);
	if (dot && !strcmp(dot, ".npz"))
		return npz_read(path, name);
	if (dot && !strcmp(dot, ".pb"))
		return pb_read(path, kind);
	fatal(EX_USE, NULL, "'%s': the name of a data file ends in .npy, .npz or .pb", quoted(path));
}
