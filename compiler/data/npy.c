/* .npy and .npz files, as numpy documents them (numpy.lib.format, versions 1 to 3; zip members stored, not
 * deflated). */
#include "host.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#define BAD(path, ...) fatal(EX_INVALID, NULL, "'%s': %s", quoted(path), fmt(__VA_ARGS__))

typedef struct Head {
	char order, kind;        /* < > | =, and i u f c b V S U */
	int size;                /* bytes of an element; of U: 4 times the characters */
	bool fortran;
	int rank;
	int64_t dim[64];
	const unsigned char *data;
	size_t bytes;
} Head;

/* the text after 'key': in the header's dict */
static const char *
field(const char *head, const char *key, const char *path)
{
	const char *s = strstr(head, fmt("'%s'", key));

	s = s ? strchr(s + strlen(key) + 2, ':') : NULL;
	if (!s)
		BAD(path, "its header has no '%s'", key);
	for (s++; *s == ' '; s++)
		;
	return s;
}

static void
read_descr(Head *h, const char *head, const char *path)
{
	const char *s = field(head, "descr", path);
	char *end;

	if (*s != '\'')
		fatal(EX_UNSUPPORTED, NULL, "'%s': structured arrays are not supported", quoted(path));
	h->order = s[1];
	if (!h->order || !strchr("<>|=", h->order) || !isalpha((unsigned char)s[2]))
		BAD(path, "its type is not understood");
	h->kind = s[2];
	h->size = (int)strtol(s + 3, &end, 10);
	if (h->kind == 'O')
		fatal(EX_UNSUPPORTED, NULL, "'%s' holds Python objects; save strings with dtype=str",
			quoted(path));
	if (*end != '\'' || h->size < 0 || h->size > 1 << 24)
		BAD(path, "its type is not understood");
	h->size *= h->kind == 'U' ? 4 : 1;
}

static void
read_shape(Head *h, const char *head, const char *path)
{
	const char *s = field(head, "shape", path);
	char *end;

	if (*s++ != '(')
		BAD(path, "its shape is not understood");
	while (*s != ')') {
		if (h->rank == LEN(h->dim))
			BAD(path, "it has more than %d dimensions", LEN(h->dim));
		h->dim[h->rank] = strtoll(s, &end, 10);
		if (end == s || h->dim[h->rank] < 0)
			BAD(path, "its shape is not understood");
		h->rank++;
		for (s = end; *s == ' ' || *s == ',' || *s == 'L'; s++)
			;
	}
}

static void
read_head(Head *h, Bytes f, const char *path)
{
	size_t at, len;
	char *text;

	if (f.n < 12 || memcmp(f.p, "\x93NUMPY", 6) || f.p[6] < 1 || f.p[6] > 3)
		BAD(path, "this is no .npy file");
	at = f.p[6] == 1 ? 10 : 12;
	len = f.p[8] | (size_t)f.p[9] << 8;
	if (at == 12)
		len |= (size_t)f.p[10] << 16 | (size_t)f.p[11] << 24;
	if (len > f.n - at)
		BAD(path, "it ends inside its header");
	text = alloc(len + 1);
	memcpy(text, f.p + at, len);
	read_descr(h, text, path);
	h->fortran = !strncmp(field(text, "fortran_order", path), "True", 4);
	read_shape(h, text, path);
	h->data = f.p + at + len;
	h->bytes = f.n - at - len;
}

static DType
type_of(const Head *h, const char *path)
{
	static const struct { char kind; int size; DType dt; } row[] = {
		{'b', 1, DT_BOOL}, {'i', 1, DT_I8}, {'i', 2, DT_I16}, {'i', 4, DT_I32}, {'i', 8, DT_I64},
		{'u', 1, DT_U8}, {'u', 2, DT_U16}, {'u', 4, DT_U32}, {'u', 8, DT_U64}, {'f', 2, DT_F16},
		{'f', 4, DT_F32}, {'f', 8, DT_F64}, {'c', 8, DT_C64}, {'c', 16, DT_C128},
		{'V', 1, DT_U8}, {'V', 2, DT_BF16},
	};

	if (h->kind == 'U' || h->kind == 'S')
		return DT_STR;
	for (int i = 0; i < LEN(row); i++)
		if (row[i].kind == h->kind && row[i].size == h->size)
			return row[i].dt;
	fatal(EX_UNSUPPORTED, NULL, "'%s': elements of type %c%d are not supported", quoted(path), h->kind,
		h->size);
}

/* one string of at most n code points of 4 bytes, or of n bytes; trailing zeros are padding */
static Str
read_str(const Head *h, const unsigned char *p)
{
	Buf b = {0};
	uint32_t u;
	size_t n = (size_t)h->size;

	if (h->kind == 'S') {
		while (n && !p[n - 1])
			n--;
		return (Str){copy_mem(p, n), n};
	}
	while (n && !(p[n - 1] | p[n - 2] | p[n - 3] | p[n - 4]))
		n -= 4;
	for (size_t i = 0; i < n; i += 4, p += 4) {
		u = h->order == '>' ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
			: (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
		if (u < 0x80)
			buf_fmt(&b, "%c", (int)u);
		else if (u < 0x800)
			buf_fmt(&b, "%c%c", 0xc0 | (int)(u >> 6), 0x80 | (u & 63));
		else if (u < 0x10000)
			buf_fmt(&b, "%c%c%c", 0xe0 | (int)(u >> 12), 0x80 | (u >> 6 & 63), 0x80 | (u & 63));
		else
			buf_fmt(&b, "%c%c%c%c", 0xf0 | (int)(u >> 18 & 7), 0x80 | (u >> 12 & 63),
				0x80 | (u >> 6 & 63), 0x80 | (u & 63));
	}
	return (Str){buf_str(&b), b.n};
}

/* element i in C order of an array that lies in Fortran order */
static int64_t
fortran_at(const Head *h, int64_t i)
{
	int64_t at = 0, stride[64], s = 1;

	for (int k = 0; k < h->rank; k++) {
		stride[k] = s;
		s *= h->dim[k];
	}
	for (int k = h->rank - 1; k >= 0; k--) {
		at += i % h->dim[k] * stride[k];
		i /= h->dim[k];
	}
	return at;
}

static void
copy_elem(unsigned char *d, const unsigned char *s, const Head *h)
{
	int part = h->kind == 'c' ? h->size / 2 : h->size;

	for (int k = 0; k < h->size; k++)
		d[k] = h->order == '>' ? s[k - k % part + part - 1 - k % part] : s[k];
}

/* before memory is taken for them; strings of no bytes are none that the file could be short of */
static void
check_bytes(const Head *h, const char *path)
{
	size_t need = h->size ? (size_t)h->size : 1;

	for (int i = 0; i < h->rank; i++)
		if (!mul_ok(need, (size_t)h->dim[i], &need))
			need = SIZE_MAX;
	if (need > h->bytes)
		BAD(path, "it ends inside its elements: %zu bytes where the shape asks for more", h->bytes);
}

Host *
npy_parse(Bytes f, const char *path)
{
	Head h = {0};
	Host *r;
	DType dt;
	int64_t at;

	read_head(&h, f, path);
	dt = type_of(&h, path);
	check_bytes(&h, path);
	r = host_tensor(dt, h.rank, h.dim);
	if (dt != DT_STR && !h.fortran && h.order != '>')
		memcpy(r->p, h.data, (size_t)(r->n * h.size));
	else for (int64_t i = 0; i < r->n; i++) {
		at = (h.fortran ? fortran_at(&h, i) : i) * h.size;
		if (dt == DT_STR)
			((Str *)r->p)[i] = read_str(&h, h.data + at);
		else
			copy_elem((unsigned char *)r->p + i * h.size, h.data + at, &h);
	}
	for (int64_t i = 0; dt == DT_BOOL && i < r->n; i++)
		((unsigned char *)r->p)[i] = !!((unsigned char *)r->p)[i];
	return r;
}

Host *
npy_read(const char *path)
{
	Bytes f = file_read(path);
	Host *r = npy_parse(f, path);

	big_free(f.p);
	return r;
}

/* the UTF-8 text s as n code points (UTF-32); returns how many it has */
static int64_t
to_utf32(Str s, uint32_t *out)
{
	int64_t n = 0;
	uint32_t u;
	int more;

	for (size_t i = 0; i < s.n; n++) {
		u = (unsigned char)s.p[i++];
		more = u >= 0xf0 ? 3 : u >= 0xe0 ? 2 : u >= 0xc0 ? 1 : 0;
		u = more ? u & (0x3fu >> more) : u;
		for (; more && i < s.n; more--)
			u = u << 6 | ((unsigned char)s.p[i++] & 63);
		if (out)
			out[n] = u;
	}
	return n;
}

/* what is written as other bytes than it has: strings as UTF-32, sub-byte elements a byte each */
static void
write_body(const Host *h, const char **descr, const void **body, size_t *n)
{
	enum dclass c = dtype_info[h->dt].class;
	int64_t most = 1, len;
	uint64_t b;
	uint32_t *u;

	*descr = h->dt == DT_I4 || h->dt == DT_I2 ? "|i1" : dtype_info[h->dt].npy;
	*body = h->p;
	*n = h->bytes;
	if (c == DC_S) {
		for (int64_t i = 0; i < h->n; i++)
			if ((len = to_utf32(((Str *)h->p)[i], NULL)) > most)
				most = len;
		*body = u = big_alloc((size_t)(h->n * most) * 4);
		*n = (size_t)(h->n * most) * 4;
		for (int64_t i = 0; i < h->n; i++)
			to_utf32(((Str *)h->p)[i], u + i * most);
		*descr = fmt("<U%" PRId64, most);
	} else if (dtype_info[h->dt].bits < 8) {
		*body = big_alloc((size_t)h->n + 1);
		*n = (size_t)h->n;
		for (int64_t i = 0; i < h->n; i++) {
			b = host_bits(h, i);
			((unsigned char *)*body)[i] = (unsigned char)b;
		}
	}
}

void
npy_write(const char *path, const Host *h)
{
	const char *descr;
	const void *body;
	size_t n, len;
	Buf b = {0};

	if (h->kind != V_TENSOR)
		fatal(EX_UNSUPPORTED, NULL, "'%s': a %s cannot be written as .npy; --format=pb can",
			quoted(path), host_str(h));
	write_body(h, &descr, &body, &n);
	buf_fmt(&b, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
	for (int i = 0; i < h->rank; i++)
		buf_fmt(&b, "%" PRId64 "%s", h->dim[i], i + 1 < h->rank || h->rank == 1 ? "," : "");
	buf_fmt(&b, "), }");
	len = (10 + b.n + 1 + 63) / 64 * 64 - 10;
	buf_fmt(&b, "%*s\n", (int)(len - 1 - b.n), "");
	char head[10] = {(char)0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)(len & 255), (char)(len >> 8)};
	Buf f = {0};
	buf_add(&f, head, 10);
	buf_add(&f, b.p, b.n);
	file_write(path, f.p, f.n, body, n);
	if (body != h->p)
		big_free((void *)(uintptr_t)body);
}

/* zip: the central directory at the end names every member and says where its local header is */
static uint32_t
le(const unsigned char *p, int n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

static uint64_t
le64(const unsigned char *p)
{
	return le(p, 4) | (uint64_t)le(p + 4, 4) << 32;
}

typedef struct Member { const char *name; uint64_t at, size; int method; } Member;

/* reads one entry of the directory; returns its length, 0 if it is malformed */
static size_t
member(const unsigned char *p, size_t left, Member *m)
{
	size_t nname, nextra, n;
	uint64_t packed;

	if (left < 46 || le(p, 4) != 0x02014b50)
		return 0;
	nname = le(p + 28, 2);
	nextra = le(p + 30, 2);
	n = 46 + nname + nextra + le(p + 32, 2);
	if (n > left)
		return 0;
	*m = (Member){fmt("%.*s", (int)nname, (const char *)p + 46), le(p + 42, 4), le(p + 24, 4),
		(int)le(p + 10, 2)};
	packed = le(p + 20, 4);
	for (const unsigned char *x = p + 46 + nname, *e = x + nextra, *q; e - x >= 4;
		x += 4 + le(x + 2, 2)) {
		if (le(x, 2) != 1 || 4 + (long)le(x + 2, 2) > e - x)
			continue;
		q = x + 4;       /* zip64: those that are all ones above, in this order */
		for (int k = 0; k < 3; k++) {
			uint64_t *v = k == 0 ? &m->size : k == 1 ? &packed : &m->at;
			if (*v == 0xffffffff && q + 8 <= e) {
				*v = le64(q);
				q += 8;
			}
		}
	}
	return n;
}

static Bytes
member_bytes(Bytes f, const Member *m, const char *path)
{
	uint64_t at;

	if (m->method)
		fatal(EX_UNSUPPORTED, NULL, "'%s' is compressed; save it with numpy.savez", quoted(path));
	if (m->at > f.n || f.n - m->at < 30 || le(f.p + m->at, 4) != 0x04034b50)
		BAD(path, "a member of the archive is not where its directory says");
	at = m->at + 30 + le(f.p + m->at + 26, 2) + le(f.p + m->at + 28, 2);
	if (at > f.n || f.n - at < m->size)
		BAD(path, "a member of the archive ends outside of it");
	return (Bytes){f.p + at, (size_t)m->size};
}

Host *
npz_parse(Bytes f, const char *path, const char *name)
{
	size_t end = f.n < 22 ? 0 : f.n - 22, at, len;
	const char *want = fmt("%s.npy", name);
	Member m = {0}, found = {0};
	int n = 0, count;

	while (end > 0 && le(f.p + end, 4) != 0x06054b50)
		end--;
	if (f.n < 22 || le(f.p + end, 4) != 0x06054b50)
		BAD(path, "this is no .npz file");
	count = (int)le(f.p + end + 10, 2);
	at = le(f.p + end + 16, 4);
	for (; n < count && at < f.n && (len = member(f.p + at, f.n - at, &m)); n++, at += len)
		if (!strcmp(m.name, want) || count == 1)
			found = m;                     /* of one name the last, as zip has it */
	if (!found.name)
		BAD(path, "it has no array named '%s'", quoted(name));
	return npy_parse(member_bytes(f, &found, path), fmt("%s(%s)", path, found.name));
}

Host *
npz_read(const char *path, const char *name)
{
	Bytes f = file_read(path);
	Host *r = npz_parse(f, path, name);

	big_free(f.p);
	return r;
}
