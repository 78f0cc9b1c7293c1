/* The functions of NAME.h. */
#include "emit.h"
#include "../runtime/zenith.h"

#include <inttypes.h>

#define W(...) buf_fmt(b, __VA_ARGS__)

static bool
host_port(const Port *p)
{
	return port_public(p);
}

/* ---- init, done */

static void
own_memory(Em *e, Buf *b)
{
	if (!e->own_memory || !(e->work || e->g->heap || e->g->state_bytes))
		return;
	W("#ifndef %s_NO_STATIC\n", e->NAME);
	if (e->work || e->g->heap)
		W("static ZN_ALIGN unsigned char %s_workspace[%s_WORKSPACE_BYTES%s%s%s];\n", e->name, e->NAME,
			e->g->heap ? " + " : "", e->g->heap ? e->NAME : "", e->g->heap ? "_HEAP_BYTES" : "");
	if (e->g->state_bytes)
		W("static ZN_ALIGN unsigned char %s_state[%s_STATE_BYTES];\n", e->name, e->NAME);
	W("#endif\n\n");
}

static void
init_weights(Em *e, Buf *b)
{
	if (!e->wt)
		return;
	if (e->weights == W_INCBIN)
		W("\tif (!s.weights) {\n\t\ts.weights = %s_weight_blob;\n"
		  "\t\ts.weight_bytes = (size_t)((uintptr_t)%s_weight_end - (uintptr_t)%s_weight_blob);\n"
		  "\t\tif (s.weight_bytes != %s_WEIGHT_BYTES)\t/* another model's file */\n\t\t\treturn ZENITH_NO_WEIGHTS;\n\t}\n",
			e->name, e->name, e->name, e->NAME);
	if (e->weights == W_FILE)
		W("\tif (!s.weights) {\n\t\ts.weights = zenith_map(%s_WEIGHTS_FILE, %s_WEIGHT_BYTES);\n"
			"\t\ts.weight_bytes = %s_WEIGHT_BYTES;\n\t}\n", e->NAME, e->NAME, e->NAME);
	W("\tif (!s.weights || s.weight_bytes < %s_WEIGHT_BYTES)\n\t\treturn ZENITH_NO_WEIGHTS;\n", e->NAME);
	W("\tif ((uintptr_t)s.weights %% ZENITH_ALIGN)\n\t\treturn ZENITH_BAD_ARGUMENT;\n");
	W("\tctx->weights = (const unsigned char *)s.weights;\n");
}

static void
init(Em *e, Buf *b)
{
	bool ws = e->work || e->g->heap, st = e->g->state_bytes;

	W("int %s_init(%s_ctx *ctx, const %s_setup *setup)\n{\n\tzenith_setup s;\n\n", e->name, e->name,
		e->name);
	W("\tif (!ctx)\n\t\treturn ZENITH_BAD_ARGUMENT;\n");
	W("\tmemset(ctx, 0, sizeof *ctx);\n\tmemset(&s, 0, sizeof s);\n\tif (setup)\n\t\ts = *setup;\n");
	W("\tif (s.stream)\n\t\treturn ZENITH_UNSUPPORTED;\n");
	if (e->pool)
		W("#ifndef %s_NO_POOL\n\tif (!s.pool)\n\t\ts.pool = zenith_pool_shared(%d);\n#endif\n\tctx->pool = s.pool;\n",
			e->NAME, e->o->threads);
	init_weights(e, b);
	if (e->own_memory && (ws || st)) {
		W("#ifndef %s_NO_STATIC\n", e->NAME);
		if (ws)
			W("\tif (!s.workspace) {\n\t\ts.workspace = %s_workspace;\n\t\ts.workspace_bytes = sizeof %s_workspace;\n\t}\n",
				e->name, e->name);
		if (st)
			W("\tif (!s.state) {\n\t\ts.state = %s_state;\n\t\ts.state_bytes = sizeof %s_state;\n\t}\n",
				e->name, e->name);
		W("#endif\n");
	}
	if (e->work > 0)
		W("\tif (!s.workspace || s.workspace_bytes < %s_WORKSPACE_BYTES)\n\t\treturn ZENITH_WORKSPACE;\n",
			e->NAME);
	else if (ws)
		W("\tif (!s.workspace)\n\t\treturn ZENITH_WORKSPACE;\n");
	if (st)
		W("\tif (!s.state || s.state_bytes < %s_STATE_BYTES)\n\t\treturn ZENITH_WORKSPACE;\n",
			e->NAME);
	if (ws || st)
		W("\tif ((uintptr_t)s.workspace %% ZENITH_ALIGN || (uintptr_t)s.state %% ZENITH_ALIGN)\n\t\treturn ZENITH_BAD_ARGUMENT;\n");
	W("\tctx->workspace = (unsigned char *)s.workspace;\n\tctx->workspace_bytes = s.workspace_bytes;\n");
	if (st)
		W("\tctx->state = (unsigned char *)s.state;\n\tmemset(ctx->state, 0, %s_STATE_BYTES);\n",
			e->NAME);
	W("\tctx->magic = 0x%02x%02x%02x%02xu;\n\treturn ZENITH_OK;\n}\n\n", e->m->hash[0], e->m->hash[1],
		e->m->hash[2], e->m->hash[3] | 1);
	W("int %s_done(%s_ctx *ctx)\n{\n\tif (!ctx)\n\t\treturn ZENITH_BAD_ARGUMENT;\n\tmemset(ctx, 0, sizeof *ctx);\n"
	  "\treturn ZENITH_OK;\n}\n\n",
		e->name, e->name);
}

/* ---- run_in */

static void
check_pointers(Em *e, Buf *b)
{
	Buf c = {0};
	const char *bad;

	for (int i = 0; i < e->in.n + e->out.n; i++) {
		const Port *p = i < e->in.n ? &e->in.p[i] : &e->out.p[i - e->in.n];
		if (!host_port(p) || (!p->of && !p->dynamic && ix_is(value_numel(p->v), 0)))
			continue;
		if (c.n)
			buf_fmt(&c, " ||\n\t\t\t");
		if (p->of) {
			buf_fmt(&c, "!io->%s", p->whole);
			continue;
		}
		prelude_need(&e->pre, "zn_misplaced");
		bad = fmt("zn_misplaced(io->%s, sizeof(%s))", p->name, p->ctype);
		if (p->dynamic && !p->out)
			prelude_need(&e->pre, "zn_room");
		if (!p->dynamic)
			buf_fmt(&c, "%s", bad);
		else if (p->out)
			buf_fmt(&c, "(io->%s_capacity && %s)", p->name, bad);
		else
			buf_fmt(&c, "(%s && !zn_room(%s, %d, 0))", bad,
				p->v->rank ? fmt("io->%s_dims", p->name) : "0", p->v->rank);
	}
	if (c.n)
		W("\tif (%s)\n\t\treturn ZENITH_BAD_ARGUMENT;\n", buf_str(&c));
}

static void
run_in(Em *e, Buf *b)
{
	const char *n = e->name, *sep = "";
	bool shapes = e->dynamic;

	W("int %s_run_in(%s_ctx *ctx, %s%s_io *io)\n{\n", n, n, e->dynamic ? "" : "const ", n);
	if (e->passed.n)
		W("\tint64_t dims[%d];\n", e->passed.n);
	if (e->work < 0)
		W("\tsize_t bytes = 0;\n");
	if (shapes || e->ftz)
		W("\tint status;\n");
	if (e->g->heap)
		W("\tzn_heap heap;\n");
	if (e->parts)
		W("\t%s_parts parts;\n", n);
	if (e->ftz)
		W("\tconst uint64_t mode = zn_ftz_get();\n");
	if (e->passed.n || e->work < 0 || shapes || e->g->heap || e->ftz)
		W("\n");
	W("\tif (!ctx || !io || ctx->magic != 0x%02x%02x%02x%02xu)\n\t\treturn ZENITH_BAD_ARGUMENT;\n",
		e->m->hash[0], e->m->hash[1], e->m->hash[2], e->m->hash[3] | 1);
	check_pointers(e, b);
	if (e->parts)
		W("\tstatus = %s_open(io, &parts);\n\tif (status != ZENITH_OK)\n\t\treturn status;\n", n);
	if (shapes) {
		W("\tstatus = %s_shapes(%s%s%s);\n", n, e->parts ? "&parts" : "io", e->passed.n ? ", dims" : "", e->work < 0 ? ", &bytes" : "");
		W("\tif (status != ZENITH_OK)\n\t\treturn status;\n");
	}
	if (e->work < 0)
		W("\tif (bytes > ctx->workspace_bytes)\n\t\treturn ZENITH_WORKSPACE;\n");
	if (e->g->heap)
		W("\theap.p = ctx->workspace + %s;\n\theap.end = ctx->workspace + ctx->workspace_bytes;\n\theap.full = 0;\n",
			e->work < 0 ? "bytes" : fmt("%s_WORKSPACE_BYTES", e->NAME));
	compound_call_pack(e, b);
	W("\t%s %s_program(", e->parts || e->ftz ? "status =" : "return", n);
	if (e->ws)
		W("ctx->workspace"), sep = ", ";
	if (e->wt)
		W("%sctx->weights", sep), sep = ", ";
	if (e->st)
		W("%sctx->state", sep), sep = ", ";
	if (e->io)
		W("%s%s", sep, e->parts ? "&parts" : "io"), sep = ", ";
	if (e->passed.n)
		W("%sdims", sep), sep = ", ";
	if (e->g->heap)
		W("%s&heap", sep), sep = ", ";
	if (e->pool)
		W("%sctx->pool", sep), sep = ", ";
	if (e->ftz)
		W("%smode", sep);
	W(");\n");
	if (e->ftz)
		W("\tzn_ftz_set(mode);\n");
	if (e->ftz && !e->parts)
		W("\treturn status;\n");
	if (e->parts)
		W("\treturn %s_unpack(io, &parts, status);\n", n);
	W("}\n\n");
}

static void
workspace_bytes(Em *e, Buf *b)
{
	if (e->work >= 0)
		return;
	W("size_t %s_workspace_bytes(const %s_io *io)\n{\n", e->name, e->name);
	if (e->passed.n)
		W("\tint64_t dims[%d];\n", e->passed.n);
	if (e->parts)
		W("\t%s_parts parts;\n", e->name);
	W("\tsize_t bytes = 0;\n\n\treturn io && %s%s_shapes(%s%s, &bytes) == ZENITH_OK ? bytes : 0;\n}\n\n",
		e->parts ? fmt("%s_open(io, &parts) == ZENITH_OK && ", e->name) : "", e->name, e->parts ? "&parts" : "io",
		e->passed.n ? ", dims" : "");
}

static void
run_static(Em *e, Buf *b)
{
	const char *sep = "";

	if (!e->own_memory)
		return;
	W("#ifndef %s_NO_STATIC\nint %s_run(", e->NAME, e->name);
	for (int i = 0; i < e->in.n + e->out.n; i++) {
		const Port *p = i < e->in.n ? &e->in.p[i] : &e->out.p[i - e->in.n];
		if (host_port(p))
			W("%s%s%s *%s", sep, p->out ? "" : "const ", p->ctype, p->name), sep = ", ";
	}
	W("%s)\n{\n\tstatic %s_ctx ctx;\n\tstatic int ready;\n\t%s_io io;\n\tint status;\n\n", *sep ? "" : "void", e->name, e->name);
	W("\tif (!ready) {\n\t\tstatus = %s_init(&ctx, 0);\n\t\tif (status != ZENITH_OK)\n\t\t\treturn status;\n\t\tready = 1;\n\t}\n",
		e->name);
	if (!*sep)
		W("\tio.none = 0;\n");
	for (int i = 0; i < e->in.n + e->out.n; i++) {
		const Port *p = i < e->in.n ? &e->in.p[i] : &e->out.p[i - e->in.n];
		if (host_port(p))
			W("\tio.%s = %s;\n", p->name, p->name);
	}
	W("\treturn %s_run_in(&ctx, &io);\n}\n#endif\n\n", e->name);
}

/* ---- for hosts: the same over zenith_tensor */

static void
host_inputs(Em *e, Buf *b)
{
	int k = 0;

	W("static int %s_take(const zenith_tensor *in, %s_io *io)\n{\n", e->name, e->name);
	for (int i = 0; i < e->in.n; i++)
		k += host_port(&e->in.p[i]);
	if (k) {
		prelude_need(&e->pre, "zn_check");
		W("\tint i, status;\n\n\tif (!in)\n\t\treturn ZENITH_BAD_ARGUMENT;\n");
		if (e->parts)
			W("\tfor (i = 0; i < %d; i++)\n\t\tif (%s_inputs[i].kind == ZENITH_KIND_TENSOR &&\n\t\t\t(status = zn_check(&in[i], &%s_inputs[i])) != ZENITH_OK)\n\t\t\treturn status;\n",
				k, e->name, e->name);
		else
			W("\tfor (i = 0; i < %d; i++)\n\t\tif ((status = zn_check(&in[i], &%s_inputs[i])) != ZENITH_OK)\n\t\t\treturn status;\n",
			k, e->name);
	} else {
		W("\t(void)in;\n");
	}
	W("\tmemset(io, 0, sizeof *io);\n");
	k = 0;
	for (int i = 0; i < e->in.n; i++) {
		const Port *p = &e->in.p[i];
		if (!host_port(p))
			continue;
		if (p->of) {
			W("\tio->%s = &in[%d];\n", p->whole, k++);
			continue;
		}
		W("\tio->%s = (const %s *)in[%d].data;\n", p->name, p->ctype, k);
		if (p->dynamic && p->v->rank)
			W("\tmemcpy(io->%s_dims, in[%d].dims, sizeof io->%s_dims);\n", p->name, k, p->name);
		k++;
	}
	W("\treturn ZENITH_OK;\n}\n\n");
}

/* where the outputs lie; room for those whose size is known */
static void
host_outputs(Em *e, Buf *b)
{
	int k = -1;
	int64_t n = 0;

	for (int i = 0; i < e->out.n; i++) {
		const Port *p = &e->out.p[i];
		if (!host_port(p))
			continue;
		k++;
		if (p->of) {
			W("\tio.%s = &out[%d];\n", p->whole, k);
			continue;
		}
		W("\tio.%s = (%s *)out[%d].data;\n", p->name, p->ctype, k);
		if (p->dynamic) {
			W("\tio.%s_capacity = out[%d].capacity;\n", p->name, k);
			continue;
		}
		if (!ix_isint(value_numel(p->v), &n))
			bug("output of no constant size");
		if (n)
			W("\tif (out[%d].capacity < %" PRId64 ")\n\t\tstatus = ZENITH_CAPACITY;\n", k, n);
	}
	if (k < 0)
		W("\t(void)out;\n");
}

/* what the outputs are, if they are that or must have room for it */
static void
host_give(Em *e, Buf *b)
{
	int k = -1;

	for (int i = 0; i < e->out.n; i++) {
		const Port *p = &e->out.p[i];
		if (!host_port(p))
			continue;
		k++;
		if (p->of)
			continue;
		prelude_need(&e->pre, "zn_give");
		W("\tzn_give(&out[%d], &%s_outputs[%d], %s, status);\n", k, e->name, k,
			p->dynamic && p->v->rank ? fmt("io.%s_dims", p->name) : "0");
	}
}

static void
host_run(Em *e, Buf *b)
{
	int nout = 0;

	for (int i = 0; i < e->out.n; i++)
		nout += host_port(&e->out.p[i]);
	host_inputs(e, b);
	W("static int %s_run_any(zenith_ctx *ctx, const zenith_tensor *in, zenith_tensor *out)\n{\n\t%s_io io;\n",
		e->name, e->name);
	W("\tint status = %s_take(in, &io);\n\n\tif (status != ZENITH_OK)\n\t\treturn status;\n", e->name);
	if (nout)
		W("\tif (!out)\n\t\treturn ZENITH_BAD_ARGUMENT;\n");
	host_outputs(e, b);
	W("\tif (status == ZENITH_OK)\n\t\tstatus = %s_run_in(ctx, &io);\n", e->name);
	host_give(e, b);
	W("\treturn status;\n}\n\n");
	if (e->work >= 0)
		return;
	W("static int %s_workspace_any(const zenith_tensor *in, size_t *bytes)\n{\n\t%s_io io;\n", e->name,
		e->name);
	if (e->passed.n)
		W("\tint64_t dims[%d];\n", e->passed.n);
	if (e->parts)
		W("\t%s_parts parts;\n", e->name);
	W("\tint status = %s_take(in, &io);\n\n\tif (status != ZENITH_OK)\n\t\treturn status;\n", e->name);
	W("\tif (!bytes)\n\t\treturn ZENITH_BAD_ARGUMENT;\n\t*bytes = 0;\n");
	if (e->parts)
		W("\tif ((status = %s_open(&io, &parts)) != ZENITH_OK)\n\t\treturn status;\n", e->name);
	W("\treturn %s_shapes(%s%s, bytes);\n}\n\n", e->name, e->parts ? "&parts" : "&io", e->passed.n ? ", dims" : "");
}

static void
describe(Em *e, Buf *b)
{
	int nin = 0, nout = 0;

	for (int i = 0; i < e->in.n; i++)
		nin += host_port(&e->in.p[i]);
	for (int i = 0; i < e->out.n; i++)
		nout += host_port(&e->out.p[i]);
	W("const zenith_model *%s_model(void)\n{\n\tstatic const zenith_model model = {\n", e->name);
	W("\t\tZENITH_ABI, sizeof(zenith_model), \"%s\",\n\t\t%s_MODEL_SHA256, %s_OPTIONS,\n", e->name,
		e->NAME, e->NAME);
	W("\t\t%d, %d, %s, %s,\n", nin, nout, nin ? fmt("%s_inputs", e->name) : "0",
		nout ? fmt("%s_outputs", e->name) : "0");
	W("\t\t%s, %s, %s_STATE_BYTES, %s_WEIGHT_BYTES, %.1f,\n",
		e->work < 0 ? "0" : fmt("%s_WORKSPACE_BYTES", e->NAME),
		e->g->heap ? fmt("%s_HEAP_BYTES", e->NAME) : "0", e->NAME, e->NAME, e->macs);
	W("\t\t%s_init, %s_run_any, %s_done, %s\n\t};\n\n\treturn &model;\n}\n", e->name, e->name, e->name,
		e->work < 0 ? fmt("%s_workspace_any", e->name) : "0");
}

void
iface_print(Em *e, Buf *b)
{
	own_memory(e, b);
	compound_print(e, b);
	init(e, b);
	run_in(e, b);
	workspace_bytes(e, b);
	run_static(e, b);
	ports_describe(e, b);
	host_run(e, b);
	describe(e, b);
}
