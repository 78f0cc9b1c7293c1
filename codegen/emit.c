/* NAME.c: header comment, prelude, weights, kernels, program, interface. A pure function of model and
 * options. */
#include "emit.h"
#include "../runtime/zenith.h"

#include <inttypes.h>

enum { OWN_BYTES = 64 << 20, MAX_OPTIONS = 4000 };

static void
decide(Em *e)
{
	int64_t need;

	e->weights = e->o->weights;
	if (e->weights == W_DEFAULT)
		e->weights = e->g->weight_bytes <= WEIGHTS_INLINE || !e->o->header ? W_INLINE : W_INCBIN;
	if (!ix_isint(e->g->work_bytes, &e->work))
		e->work = -1;
	need = e->work + e->g->state_bytes;
	e->own_memory = !e->dynamic && e->work >= 0 && need <= OWN_BYTES && e->weights != W_EXTERN;
	for (int i = 0; i < e->g->kern.n && !e->dynamic; i++)
		e->macs += e->g->kern.p[i]->macs;
	for (int i = 0; i < e->g->kern.n; i++)
		e->pool |= e->g->kern.p[i]->parts > 1;
}

/* what the interface calls its own */
static void
take_names(Em *e)
{
	static const char *const own[] = {"run", "init", "run_in", "done", "model", "workspace_bytes", "io",
		"ctx", "setup", "program", "shapes", "workspace", "state", "take", "run_any", "workspace_any",
		"parts", "open", "pack", "unpack", "flush", "inputs", "outputs", "weight_blob", "weight_end"};

	e->taken = map_new();
	for (int i = 0; i < LEN(own); i++)
		*map_at_str(e->taken, fmt("%s_%s", e->name, own[i])) = e;
	for (int i = 0; i < e->in.n + e->out.n; i++)
		for (int k = 0; k < 3; k++)
			*map_at_str(e->taken,
				fmt("%s_%s%d_%s", e->name, i < e->in.n ? "in" : "out",
					i < e->in.n ? i : i - e->in.n,
					k == 0 ? "dims"
						: k == 1 ? "dim_names"
							 : "keys")) = e;
}

static const char *
how_name(WeightsHow w)
{
	static const char *const name[] = {
		[W_INLINE] = "inline", [W_INCBIN] = "incbin", [W_FILE] = "file", [W_EXTERN] = "extern"};

	return name[w];
}

const char *
hash_text(const Em *e)
{
	Buf b = { 0 };

	for (int i = 0; i < 32; i++)
		buf_fmt(&b, "%02x", e->m->hash[i]);
	return buf_str(&b);
}

/* those that change what is computed or how; no longer than C99 lets a string literal be */
const char *
options_text(const Em *e)
{
	const Options *o = e->o;
	Buf b = { 0 };

	buf_fmt(&b, "-O%d --target %s --weights=%s", o->opt, o->target ? o->target : target_c.name, how_name(e->weights));
	if (o->threads > 1)
		buf_fmt(&b, " --threads %d", o->threads);
	for (int i = 0; i < o->import.dim.n; i++)
		buf_fmt(&b, " --dim %s=%" PRId64 "..%" PRId64, o->import.dim.p[i].name, o->import.dim.p[i].lo,
			o->import.dim.p[i].hi);
	for (int i = 0; i < o->import.shape.n; i++) {
		buf_fmt(&b, " --shape %s=", o->import.shape.p[i].input);
		for (int j = 0; j < o->import.shape.p[i].rank; j++)
			buf_fmt(&b, "%s%s", j ? "x" : "", o->import.shape.p[i].dim[j] < 0 ? "?" :
				fmt("%" PRId64, o->import.shape.p[i].dim[j]));
	}
	for (int i = 0; i < o->state.n; i++)
		buf_fmt(&b, " --state %s=%s", o->state.p[i].in, o->state.p[i].out);
	if (b.n > MAX_OPTIONS)
		return fmt("%.*s...", MAX_OPTIONS, b.p);
	return buf_str(&b);
}

static void
top_comment(Em *e, Buf *b, int lines)
{
	buf_fmt(b, "/* %s.c: made by zenithc %s from a model with SHA-256\n * %s\n", e->name, ZENITHC_VERSION, hash_text(e));
	buf_fmt(b, " * options: %s\n *\n", text_comment(options_text(e)));
	if (e->m->graph_name && *e->m->graph_name)
		buf_fmt(b, " *   graph   %s\n", text_comment(e->m->graph_name));
	ports_comment(e, b);
	buf_fmt(b, " *\n *   kernels %d in %d lines, called %d times\n", e->nkern, lines, e->g->kern.n);
	buf_fmt(b, " *   weights %" PRId64 " bytes, state %" PRId64 " bytes, ", e->g->weight_bytes,
	e->g->state_bytes);
	if (e->work >= 0)
		buf_fmt(b, "workspace %" PRId64 " bytes%s\n", e->work, e->g->heap ? " and a heap region" :
		"");
	else
		buf_fmt(b, "workspace by shape%s\n", e->g->heap ? ", and a heap region" : "");
	if (e->macs > 0)
		buf_fmt(b, " *   %.0f multiply-accumulates\n", e->macs);
	buf_fmt(b, " */\n");
}

/* the blocks of zenith.h that NAME.h does not have */
static void
host_blocks(Buf *b)
{
	static const char *const guard[] = {"ZENITH_STRING", "ZENITH_TENSOR", "ZENITH_MODEL"};
	const char *text = embedded_text("runtime/zenith.h"), *p, *end;

	for (int i = 0; i < LEN(guard); i++) {
		p = strstr(text, fmt("#ifndef %s\n", guard[i]));
		end = strstr(p, "\n#endif\n");
		buf_add(b, p, (size_t)(end + 8 - p));
		buf_fmt(b, "\n");
	}
}

static int
count_lines(const Buf *b)
{
	int n = 0;

	for (size_t i = 0; i < b->n; i++)
		n += b->p[i] == '\n';
	return n;
}

void
emit_c(const Model *m, const Program *g, const Options *o, Emitted *out)
{
	Em e = { .m = m, .g = g, .o = o, .name = o->prefix ? o->prefix : "model" };
	Buf program = {0}, shapes = {0}, iface = {0}, flush = {0}, *b = &out->c;

	if (!name_valid(e.name))
		fatal(EX_USE, NULL, "--name '%s' is no C identifier, or one that is reserved",
			quoted(e.name));
#ifdef ZN_CHECKS
	ir_check_program(g, "lowering");
#endif
	e.NAME = name_upper(e.name);
	e.kern = map_new();
	e.weight = map_new();
	e.pre.need = map_new();
	ports_make(&e);
	take_names(&e);
	profile_begin(&e);
	decide(&e);
	if (g->heap)
		prelude_need(&e.pre, "zn_heap");
	entry_print(&e, NULL);
	program_print(&e, &program);
	entry_print(&e, &shapes);
	iface_print(&e, &iface);
	ftz_define(&e, &flush);
	stop_if_errors();
	top_comment(&e, b, count_lines(&e.kernels));
	if (o->header) {
		buf_fmt(b, "#include \"%s\"\n", o->header);      /* in which there are no escapes: out_suffix */
	} else {
		header_print(&e, b, false);
	}
	prelude_head(&e.pre, b);
	host_blocks(b);
	prelude_write(&e.pre, b);
	weights_tables(&e, b);
	buf_add(b, flush.p, flush.n);
	buf_add(b, e.kernels.p, e.kernels.n);
	profile_table(&e, b);
	compound_struct(&e, b);
	buf_add(b, shapes.p, shapes.n);
	buf_add(b, program.p, program.n);
	buf_add(b, iface.p, iface.n);
	limit_check(LIM_SOURCE, (int64_t)(b->n - e.tables.n), NULL);
	e.source_bytes = b->n;
	e.source_lines = count_lines(b);
	header_print(&e, &out->h, true);
	out->weights = e.weights;
	out->prefix = e.name;
}
