/* Weights: arrays in the source, or one file of their bytes in the order of Mem.offset.
 *
 * inline   an array each, of words, exact: floats as a union of their patterns and themselves
 * incbin   NAME.c.bin, taken into the object's read-only section by the assembler
 * file     NAME.c.bin, mapped when the model is initialised (runtime/zenith_map.c)
 * extern   the caller has them
 * Strings are always arrays: they hold pointers. */
#include "emit.h"
#include "../runtime/zenith.h"

#include <inttypes.h>

/* bytes of a word of the array, and the type that says it */
static int
word_size(DType d)
{
	return d == DT_C64 ? 4 : d == DT_C128 ? 8 : dtype_info[d].bits < 8 ? 1 : dt_size(d);
}

static void
hex_words(Buf *b, const unsigned char *p, size_t n, int size)
{
	static const char digit[] = "0123456789abcdef";
	char word[24];
	uint64_t w;

	for (size_t i = 0; i < n; i++) {
		int len = 0;
		w = 0;
		memcpy(&w, p + i * (size_t)size, (size_t)size);
		if (i % (size == 8 ? 6 : size == 4 ? 10 : 16) == 0)
			buf_add(b, i ? "\n\t" : "\t", i ? 2 : 1);
		word[len++] = '0';
		word[len++] = 'x';
		for (int s = size * 8 - 4; s >= 0; s -= 4)
			word[len++] = digit[w >> s & 15];
		word[len++] = ',';
		buf_add(b, word, (size_t)len);
	}
	buf_add(b, "\n", 1);
}

static void
signed_words(Buf *b, DType d, const void *p, int64_t n)
{
	uint64_t v;

	for (int64_t i = 0; i < n; i++) {
		dt_get(d, false, p, i, 1, &v);
		buf_fmt(b, i % 16 ? " " : i ? "\n\t" : "\t");
		if ((int64_t)v == INT64_MIN)
			buf_fmt(b, "INT64_MIN,");
		else
			buf_fmt(b, "%" PRId64 ",", (int64_t)v);
	}
	buf_add(b, "\n", 1);
}

enum { CHUNK = 1000 };

/* texts longer than a literal may be: arrays of bytes */
static const char *
long_text(Em *e, const Str *s)
{
	const char *name = name_unique(e->taken, fmt("%s_text", e->name), "text");

	buf_fmt(&e->tables, "static const char %s[%zu] = {", name, s->n);
	for (size_t i = 0; i < s->n; i++)
		buf_fmt(&e->tables, "%s%d,", i % 20 ? "" : "\n\t", (signed char)s->p[i]);
	buf_fmt(&e->tables, "\n};\n");
	return name;
}

static void
string_array(Em *e, const char *name, const Str *s, int64_t n)
{
	Buf b = {0};

	buf_fmt(&b, "static const zenith_string %s[%" PRId64 "] = {\n", name, n);
	for (int64_t i = 0; i < n; i++) {
		buf_fmt(&b, "\t{ ");
		if (s[i].n > CHUNK)
			buf_fmt(&b, "%s", long_text(e, &s[i]));
		else
			text_string(&b, s[i].p, s[i].n);
		buf_fmt(&b, ", %zu },\n", s[i].n);
	}
	buf_fmt(&b, "};\n");
	buf_add(&e->tables, b.p, b.n);
}

static const char *
number_array(Em *e, const char *name, const Mem *m, int64_t n)
{
	Buf *b = &e->tables;
	const char *t = target_c.mem_type(m->dt, true);
	int size = word_size(m->dt);
	size_t bytes = m->data->n;
	int64_t words = (int64_t)(bytes / (size_t)size);

	if (!strcmp(t, "float") || !strcmp(t, "double")) {
		const char *u = size == 4 ? "uint32_t" : "uint64_t";
		buf_fmt(b, "static const union { %s u[%" PRId64 "]; %s v[%" PRId64 "]; } %s = { {\n", u,
			words, t, words, name);
		hex_words(b, const_bytes(m->data), (size_t)words, size);
		buf_fmt(b, "} };\n");
		return fmt("%s.v", name);
	}
	buf_fmt(b, "static const %s %s[%" PRId64 "] = {\n", t, name, words);
	if (dt_signed(m->dt))
		signed_words(b, m->dt, const_bytes(m->data), n);
	else
		hex_words(b, const_bytes(m->data), (size_t)words, size);
	buf_fmt(b, "};\n");
	return name;
}

const char *
weight_array(Em *e, const Mem *m)
{
	void **slot = map_at_ptr(e->weight, m);
	const char *name;
	int64_t n;
	size_t bytes;

	if (*slot || (e->weights != W_INLINE && m->dt != DT_STR))
		return *slot;
	if (!ix_isint(m->size, &n) || !m->data)
		bug("weight '%s' has no bytes", m->name);
	name = name_unique(
		e->taken, fmt("%s_%s", e->name, m->value && m->value->name ? m->value->name : m->name), "w");
	buf_fmt(&e->tables, "/* %s[%" PRId64 "]%s%s */\n", dt_name(m->dt), n, m->value && m->value->name ? ": " : "",
		m->value && m->value->name ? text_comment(m->value->name) : "");
	if (n == 0)
		buf_fmt(&e->tables, "static const %s %s[1] = { %s };\n", target_c.mem_type(m->dt, true), name,
			m->dt == DT_STR ? "{ 0, 0 }" : "0");
	else if (m->dt == DT_STR)
		string_array(e, name, m->data->p, n);
	else if (!dt_bytes(m->dt, n, m->packed, &bytes) || bytes != m->data->n)
		bug("weight '%s' has %zu bytes", m->name, m->data->n);
	else
		name = number_array(e, name, m, n);
	return *slot = (void *)(uintptr_t)name;
}

/* ---- the blob in the source */

static void
incbin(Em *e, Buf *b)
{
	buf_fmt(b, "/* The weights lie in the file of this name. -D%s_WEIGHTS_FILE='\"path\"' if it is moved, or if\n"
		" * -ffile-prefix-map changes __FILE__ */\n", e->NAME);
	buf_fmt(b, "#ifndef %s_WEIGHTS_FILE\n#define %s_WEIGHTS_FILE __FILE__ \".bin\"\n#endif\n", e->NAME,
		e->NAME);
	buf_fmt(b,
		"#ifndef __ELF__\n#error \"the weights need an ELF target: compile the model with --weights=inline or extern\"\n#endif\n");
	buf_fmt(b, "__asm__(\n\t\".pushsection .rodata\\n\"\n\t\".balign 64\\n\"\n");
	buf_fmt(b, "\t\".globl %s_weight_blob\\n\"\n\t\".hidden %s_weight_blob\\n\"\n", e->name, e->name);
	buf_fmt(b, "\t\"%s_weight_blob:\\n\"\n\t\".incbin \\\"\" %s_WEIGHTS_FILE \"\\\"\\n\"\n", e->name,
		e->NAME);
	buf_fmt(b, "\t\".globl %s_weight_end\\n\"\n\t\".hidden %s_weight_end\\n\"\n\t\"%s_weight_end:\\n\"\n",
		e->name, e->name, e->name);
	buf_fmt(b, "\t\".byte 0\\n\"\n\t\".popsection\\n\");\n");
	buf_fmt(b, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
	buf_fmt(b, "extern const unsigned char %s_weight_blob[] __attribute__((visibility(\"hidden\")));\n",
		e->name);
	buf_fmt(b, "extern const unsigned char %s_weight_end[] __attribute__((visibility(\"hidden\")));\n",
		e->name);
	buf_fmt(b, "#ifdef __cplusplus\n}\n#endif\n\n");
}

static void
mapped(Em *e, Buf *b)
{
	buf_fmt(b, "/* The weights' file, mapped by NAME_init. Link with libzenith_rt */\n");
	buf_fmt(b, "#ifndef %s_WEIGHTS_FILE\n#define %s_WEIGHTS_FILE __FILE__ \".bin\"\n#endif\n", e->NAME,
		e->NAME);
	buf_fmt(b,
		"#ifdef __cplusplus\nextern \"C\" {\n#endif\nconst void *zenith_map(const char *path, size_t bytes);\n"
		"#ifdef __cplusplus\n}\n#endif\n\n");
}

void
weights_tables(Em *e, Buf *b)
{
	buf_add(b, e->tables.p, e->tables.n);
	if (e->tables.n)
		buf_fmt(b, "\n");
	if (!e->wt)
		return;
	if (e->weights == W_INCBIN)
		incbin(e, b);
	if (e->weights == W_FILE)
		mapped(e, b);
}

/* ---- the blob itself */

static bool
zeros(FILE *f, int64_t n)
{
	static const char zero[4096];
	bool ok = true;

	for (; ok && n > 0; n -= (int64_t)sizeof zero)
		ok = fwrite(zero, 1, n < (int64_t)sizeof zero ? (size_t)n : sizeof zero, f) > 0;
	return ok;
}

static bool
data_out(FILE *f, const Data *d)
{
	enum { CHUNK_BYTES = 1 << 16 };
	char *chunk;
	size_t n;

	if (!d->pack)
		return !d->n || fwrite(d->p, 1, d->n, f) == d->n;
	chunk = alloc(CHUNK_BYTES);
	for (size_t at = 0; at < d->n; at += n) {
		n = d->n - at < CHUNK_BYTES ? d->n - at : CHUNK_BYTES;
		const_read(d, at, n, chunk);
		if (fwrite(chunk, 1, n, f) != n)
			return false;
	}
	return true;
}

int
emit_weights(const Program *g, FILE *f)
{
	int64_t at = 0, off;
	bool ok = true;

	for (int i = 0; i < g->mem.n && ok; i++) {
		const Mem *m = g->mem.p[i];
		if (m->space != SP_WEIGHT)
			continue;
		if (!ix_isint(m->offset, &off) || off < at)
			bug("weights are not in order");
		ok = zeros(f, off - at);
		at = off;
		if (m->dt == DT_STR || !m->data)
			continue;
		ok &= data_out(f, m->data);
		at += (int64_t)m->data->n;
	}
	ok &= zeros(f, g->weight_bytes - at);
	return ok ? EX_DONE : EX_OUTPUT;
}
