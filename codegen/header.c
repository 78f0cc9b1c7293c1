/* NAME.h: what a program that knows its model includes. */
#include "emit.h"
#include "../runtime/zenith.h"

#include <inttypes.h>

/* the guarded block of runtime/zenith.h */
static void
copy_block(Buf *b, const char *guard)
{
	const char *text = embedded_text("runtime/zenith.h"), *p = strstr(text, fmt("#ifndef %s\n", guard)),
		   *end;

	if (!p || !(end = strstr(p, "\n#endif\n")))
		bug("zenith.h has no block %s", guard);
	buf_add(b, p, (size_t)(end + 8 - p));
	buf_fmt(b, "\n");
}

static bool
has_strings(const Em *e)
{
	for (int i = 0; i < e->g->mem.n; i++)
		if (e->g->mem.p[i]->dt == DT_STR)
			return true;
	for (int i = 0; i < e->in.n + e->out.n; i++) {
		const Port *p = i < e->in.n ? &e->in.p[i] : &e->out.p[i - e->in.n];
		if (p->v->dt == DT_STR || p->kind == ZENITH_KIND_MAPS)
			return true;
	}
	return false;
}

static void
macros(Em *e, Buf *b, bool alone)
{
	const char *options = options_text(e);

	buf_fmt(b, "#define %s_ABI %d\t/* ZENITH_ABI of zenith.h */\n", e->NAME, ZENITHC_ABI);
	buf_fmt(b, "#define %s_MODEL_SHA256 \"%s\"\n#define %s_OPTIONS ", e->NAME, hash_text(e), e->NAME);
	text_string(b, options, strlen(options));
	buf_fmt(b, "\n");
	if (e->work >= 0)
		buf_fmt(b, "#define %s_WORKSPACE_BYTES %" PRId64 "\n", e->NAME, e->work);
	else
		buf_fmt(b, "/* %s_WORKSPACE_BYTES depends on the shapes: %s_workspace_bytes() */\n", e->NAME, e->name);
	if (e->g->heap)
		buf_fmt(b, "#ifndef %s_HEAP_BYTES\t/* suggestion; if it does not suffice a run ends with ZENITH_HEAP_FULL */\n"
			"#define %s_HEAP_BYTES 1048576\n#endif\n", e->NAME, e->NAME);
	buf_fmt(b, "#define %s_STATE_BYTES %" PRId64 "\n", e->NAME, e->g->state_bytes);
	buf_fmt(b, "#define %s_WEIGHT_BYTES %" PRId64 "\n", e->NAME, e->g->weight_bytes);
	buf_fmt(b, "#define %s_MACS %.0f\n", e->NAME, e->macs);
	if (alone)
		buf_fmt(b, "#define %s_SOURCE_BYTES %zu\t/* of %s.c; how much code that makes, `size` says of the object */\n"
			"#define %s_SOURCE_LINES %d\n", e->NAME, e->source_bytes, e->name, e->NAME, e->source_lines);
	if (e->g->weight_bytes && (e->weights == W_INCBIN || e->weights == W_FILE))
		buf_fmt(b, "/* %s_WEIGHTS_FILE, defined when %s.c is compiled, is the path of the weights' file as a string; by\n"
			" * default the path of the source with .bin behind it (__FILE__, which -ffile-prefix-map changes) */\n",
			e->NAME, e->name);
	buf_fmt(b, "\n");
}

static void
run_proto(Em *e, Buf *b)
{
	const char *sep = "";

	buf_fmt(b, "int %s_run(", e->name);
	for (int i = 0; i < e->in.n; i++)
		if (!e->in.p[i].state)
			buf_fmt(b, "%sconst %s *%s", sep, e->in.p[i].ctype, e->in.p[i].name), sep = ", ";
	for (int i = 0; i < e->out.n; i++)
		if (!e->out.p[i].state)
			buf_fmt(b, "%s%s *%s", sep, e->out.p[i].ctype, e->out.p[i].name), sep = ", ";
	buf_fmt(b, "%s)", *sep ? "" : "void");
}

/* what a setup must have */
static const char *
needs(const Em *e)
{
	Buf b = { 0 };

	if (!e->own_memory && (e->work || e->g->heap))
		buf_fmt(&b, "a workspace");
	if (!e->own_memory && e->g->state_bytes)
		buf_fmt(&b, "%sstate", b.n ? ", " : "");
	if (e->weights == W_EXTERN && e->g->weight_bytes)
		buf_fmt(&b, "%sthe weights", b.n ? ", " : "");
	return b.n ? fmt("must give %s", buf_str(&b)) : "may be 0 for defaults";
}

static void
prototypes(Em *e, Buf *b)
{
	const char *n = e->name;

	buf_fmt(b, "/* Functions return a zenith_status. Inputs and outputs must not overlap. */\n\n");
	if (e->own_memory) {
		buf_fmt(b, "/* one run in the model's own static memory: not for several threads. Left out with -D%s_NO_STATIC */\n", e->NAME);
		buf_fmt(b, "#ifndef %s_NO_STATIC\n", e->NAME);
		run_proto(e, b);
		buf_fmt(b, ";\n#endif\n\n");
	}
	buf_fmt(b, "/* a context: one per thread. setup %s */\n", needs(e));
	buf_fmt(b, "int %s_init(%s_ctx *ctx, const %s_setup *setup);\n", n, n, n);
	buf_fmt(b, "int %s_run_in(%s_ctx *ctx, %s%s_io *io);\n", n, n, e->dynamic ? "" : "const ", n);
	buf_fmt(b, "int %s_done(%s_ctx *ctx);\n\n", n, n);
	if (e->work < 0)
		buf_fmt(b, "/* bytes of the workspace for the shapes of io's inputs%s; 0 if they do not fit the model or need none */\n"
			"size_t %s_workspace_bytes(const %s_io *io);\n\n", e->g->heap ? ", without the heap region" : "", n, n);
	buf_fmt(b, "/* described for hosts that know nothing of it: zenith.h */\n");
	buf_fmt(b, "struct zenith_model;\nconst struct zenith_model *%s_model(void);\n\n", n);
}

void
header_print(Em *e, Buf *b, bool alone)
{
	const char *n = e->name;

	if (alone)
		buf_fmt(b, "/* %s.h: made by zenithc %s. C99 and C++.\n *\n", n, ZENITHC_VERSION);
	else
		buf_fmt(b, "/* the interface\n *\n");
	ports_comment(e, b);
	buf_fmt(b, " */\n#ifndef %s_H\n#define %s_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n", e->NAME,
	e->NAME);
	buf_fmt(b, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
	copy_block(b, "ZENITH_STATUS");
	if (has_strings(e))
		copy_block(b, "ZENITH_STRING");
	if (e->pool)
		copy_block(b, "ZENITH_POOL");
	copy_block(b, "ZENITH_SETUP");
	if (e->parts)
		copy_block(b, "ZENITH_TENSOR");
	macros(e, b, alone);
	if (e->dynamic)
		buf_fmt(b, "/* dims of inputs are the caller's to set, dims of outputs the run's; if an output's capacity is too small the run ends\n"
			" * with ZENITH_CAPACITY and its dims say what it needs */\n");
	buf_fmt(b, "typedef struct %s_io {\n", n);
	ports_fields(e, b);
	buf_fmt(b, "} %s_io;\n\ntypedef zenith_ctx %s_ctx;\ntypedef zenith_setup %s_setup;\n\n", n, n, n);
	prototypes(e, b);
	buf_fmt(b, "#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}
