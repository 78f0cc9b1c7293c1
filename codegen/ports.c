/* Inputs and outputs of the generated model: fields of NAME_io, their description for hosts. */
#include "emit.h"
#include "../runtime/zenith.h"

#include <inttypes.h>

static bool
is_state(const Em *e, const char *name, bool out)
{
	for (int i = 0; name && i < e->o->state.n; i++)
		if (!strcmp(name, out ? e->o->state.p[i].out : e->o->state.p[i].in))
			return true;
	return false;
}

/* the ZipMap behind an output that is a sequence of maps, or NULL */
static const Node *
zip_map(const Value *v)
{
	while (v->def && v->def->op == OP_IDENTITY)
		v = v->def->in[0];
	return v->def && v->def->op == OP_ML_ZIP_MAP ? v->def : NULL;
}

static int
port_kind(const Value *v, const char *name)
{
	if (v->kind == V_TENSOR)
		return ZENITH_KIND_TENSOR;
	if (v->kind == V_SEQ && v->elem && v->elem->kind == V_MAP && zip_map(v))
		return ZENITH_KIND_MAPS;
	unsupported(fmt("'%s'", quoted(name)), "inputs and outputs of the type %s", value_str(v));
	return ZENITH_KIND_TENSOR;
}

static const char *
port_type(DType d)
{
	return d == DT_C64 ? "float" : d == DT_C128 ? "double" : target_c.mem_type(d, true);
}

/* the sequence or optional of which input or output number i is a part, or NULL */
static const struct Compound *
compound_of(const Model *m, int i, bool out)
{
	for (int k = 0; k < m->compound.n; k++) {
		const struct Compound *c = &m->compound.p[k];
		if (c->out == out && i >= c->first && i < c->first + c->n)
			return c;
	}
	return NULL;
}

/* a part of a sequence or optional */
static Port
part_port(Em *e, Map *taken, Value *v, const struct Compound *c, int part)
{
	Port *first = c->out ? e->out.p + e->out.n - part : e->in.p + e->in.n - part;
	Port p = { .v = v, .onnx = c->name, .out = c->out, .of = c, .part = part };

	p.whole = part ? first->whole : name_unique(taken, c->name, c->out ? "output" : "input");
	p.name = name_unique(taken, fmt("%s_%s", p.whole, part_suffix(c, part)), "part");
	p.ctype = port_type(v->dt);
	p.dynamic = !part_is_flag(&p);
	p.kind = c->form.opt ? ZENITH_KIND_OPTIONAL : ZENITH_KIND_SEQUENCE;
	for (int i = 0; i < 3; i++)
		*map_at_str(taken, fmt("%s_%s", p.name, (const char *[]){ "dims", "capacity", "flag" }[i])) = e;
	e->parts = e->dynamic = true;
	return p;
}

static Port
port(Em *e, Map *taken, Value *v, const char *onnx, bool out)
{
	Port p = { .v = v, .onnx = onnx ? onnx : "", .out = out, .kind = port_kind(v, onnx ? onnx : "") };

	p.state = is_state(e, onnx, out);
	if (v->rank > ZENITH_MAX_RANK)
		unsupported(fmt("'%s'", quoted(p.onnx)), "inputs and outputs of more than %d dimensions",
			ZENITH_MAX_RANK);
	p.dynamic = !p.state && !value_static(v, NULL);
	if (p.state)
		return p;
	p.name = name_unique(taken, onnx, out ? "output" : "input");
	p.ctype = port_type(v->dt);
	if (p.dynamic) {
		*map_at_str(taken, fmt("%s_dims", p.name)) = e;
		*map_at_str(taken, fmt("%s_capacity", p.name)) = e;
	}
	e->dynamic |= p.dynamic;
	return p;
}

void
ports_make(Em *e)
{
	const Graph *g = e->m->main;
	const struct Compound *c;
	Map *taken = map_new();
	Value *v;

	for (int i = 0; i < g->in.n; i++) {
		v = g->in.p[i];
		c = compound_of(e->m, i, false);
		push(&e->in, c ? part_port(e, taken, v, c, i - c->first) : port(e, taken, v, v->name, false));
	}
	for (int i = 0; i < g->ret->nin; i++) {
		v = g->ret->in[i];
		c = compound_of(e->m, i, true);
		push(&e->out, c ? part_port(e, taken, v, c, i - c->first)
				: port(e, taken, v, i < g->out_name.n ? g->out_name.p[i] : NULL, true));
	}
	stop_if_errors();
}

const char *
port_shape(const Port *p)
{
	Buf b = {0};

	if (p->of)
		return compound_type(p);
	buf_fmt(&b, "%s[", dt_name(p->v->dt));
	for (int i = 0; i < p->v->rank; i++)
		buf_fmt(&b, "%s%s", i ? ", " : "", ix_str(p->v->dim[i]));
	buf_fmt(&b, "]");
	return text_comment(buf_str(&b));
}

bool
port_public(const Port *p)
{
	return !p->state && !p->part;
}

void
port_field(const Port *p, Buf *b)
{
	const char *what = text_comment(p->onnx);

	if (p->state)
		return;
	if (p->of)
		buf_fmt(b, "\t%s%s *%s;\n", p->out ? "" : "const ", p->ctype, p->name);
	else
		buf_fmt(b, "\t%s%s *%s;", p->out ? "" : "const ", p->ctype, p->name);
	if (!p->of)
		buf_fmt(b, "\t/* %s%s%s */\n", port_shape(p), strcmp(p->onnx, p->name) ? ": " : "", strcmp(p->onnx, p->name) ? what : "");
	if (!p->dynamic)
		return;
	if (p->v->rank)
		buf_fmt(b, "\tint64_t %s_dims[%d];%s\n", p->name, p->v->rank, p->out ? "\t/* set by the run */" : "");
	if (p->out)
		buf_fmt(b, "\tsize_t %s_capacity;\t/* elements */\n", p->name);
}

static void
field(const Port *p, Buf *b)
{
	if (!p->of)
		port_field(p, b);
	else if (!p->part)
		buf_fmt(b, "\t%szenith_tensor *%s;\t/* %s: %s */\n", p->out ? "" : "const ", p->whole,
			compound_type(p), text_comment(p->onnx));
}

void
ports_fields(Em *e, Buf *b)
{
	int n = 0;

	for (int i = 0; i < e->in.n; i++, n += !e->in.p[i - 1].state)
		field(&e->in.p[i], b);
	for (int i = 0; i < e->out.n; i++, n += !e->out.p[i - 1].state)
		field(&e->out.p[i], b);
	if (!n)
		buf_fmt(b, "\tint none;\n");
}

static void
comment(const Port *p, Buf *b)
{
	const char *name = p->of ? p->whole : p->name;

	if (p->part)
		return;
	buf_fmt(b, " *   %-7s %s", p->state ? "state" : p->out ? "output" : "input", name ? name : "-");
	if (!name || strcmp(p->onnx, name))
		buf_fmt(b, " ('%s')", text_comment(p->onnx));
	buf_fmt(b, "  %s\n", port_shape(p));
}

void
ports_comment(Em *e, Buf *b)
{
	for (int i = 0; i < e->in.n; i++)
		comment(&e->in.p[i], b);
	for (int i = 0; i < e->out.n; i++)
		comment(&e->out.p[i], b);
}

/* ---- tables of zenith_value */

static void
dim_tables(Em *e, const char *id, const Port *p, Buf *b)
{
	int rank = p->kind == ZENITH_KIND_MAPS ? 1 : p->v->rank;
	int64_t n;

	if (!rank)
		return;
	buf_fmt(b, "static const int64_t %s_%s_dims[%d] = { ", e->name, id, rank);
	for (int i = 0; i < rank; i++)
		buf_fmt(b, "%s%" PRId64, i ? ", " : "", ix_isint(p->v->dim[i], &n) ? n : -1);
	buf_fmt(b, " };\n");
	if (!p->dynamic)
		return;
	buf_fmt(b, "static const char *const %s_%s_dim_names[%d] = { ", e->name, id, rank);
	for (int i = 0; i < rank; i++) {
		const IxAtom *a = ix_atom(p->v->dim[i]);
		buf_fmt(b, "%s", i ? ", " : "");
		if (a && a->name)
			text_string(b, a->name, strnlen(a->name, 1000));
		else
			buf_fmt(b, "0");
	}
	buf_fmt(b, " };\n");
}

/* the keys of a sequence of maps; their number */
static int
key_table(Em *e, const char *id, const Port *p, DType *dt, Buf *b)
{
	const Node *z = zip_map(p->v);
	int n, k;
	const int64_t *is = attr_ints(z, "classlabels_int64s", &n);
	const Str *ss = attr_strs(z, "classlabels_strings", &k);

	*dt = n ? DT_I64 : DT_STR;
	buf_fmt(b, "static const %s %s_%s_keys[%d] = {\n", n ? "int64_t" : "zenith_string", e->name, id,
		n ? n : k);
	for (int i = 0; i < n; i++)
		buf_fmt(b, "\t%s,\n", is[i] == INT64_MIN ? "INT64_MIN" : fmt("INT64_C(%" PRId64 ")", is[i]));
	for (int i = 0; !n && i < k; i++) {
		if (ss[i].n > 1000)
			unsupported("ZipMap", "labels of more than 1000 bytes");
		buf_fmt(b, "\t{ ");
		text_string(b, ss[i].p, ss[i].n);
		buf_fmt(b, ", %zu },\n", ss[i].n);
	}
	buf_fmt(b, "};\n");
	return n ? n : k;
}

typedef struct Described { Buf rows; int n; } Described;

/* a sequence or optional: no dims; of an optional, the kind of what it holds */
static void
describe_compound(const Port *p, Described *d)
{
	Form f = p->of->form;

	buf_fmt(&d->rows, "\t{ ");
	text_string(&d->rows, p->onnx, strnlen(p->onnx, 1000));
	buf_fmt(&d->rows, ", %d, %d, -1, %d, 0, 0, 0, 0 },\n", p->kind, f.dt,
		f.opt && f.seq ? ZENITH_KIND_SEQUENCE : ZENITH_KIND_TENSOR);
	d->n++;
}

static void
describe(Em *e, const Port *p, int i, Described *d, Buf *b)
{
	const char *id = fmt("%s%d", p->out ? "out" : "in", i);
	bool maps = p->kind == ZENITH_KIND_MAPS;
	int rank = maps ? 1 : p->v->rank, nkeys = 0;
	DType key = DT_NONE;

	if (!port_public(p))
		return;
	if (p->of) {
		describe_compound(p, d);
		return;
	}
	dim_tables(e, id, p, b);
	if (maps)
		nkeys = key_table(e, id, p, &key, b);
	buf_fmt(&d->rows, "\t{ ");
	text_string(&d->rows, p->onnx, strnlen(p->onnx, 1000));
	buf_fmt(&d->rows, ", %d, %d, %d, %d, %s, %s, %s, %d },\n", p->kind, p->v->dt, rank, key,
		rank ? fmt("%s_%s_dims", e->name, id) : "0",
		rank && p->dynamic ? fmt("%s_%s_dim_names", e->name, id) : "0",
		maps ? fmt("%s_%s_keys", e->name, id) : "0", nkeys);
	d->n++;
}

static void
describe_all(Em *e, Port *p, int n, const char *what, Buf *b)
{
	Described d = {0};

	for (int i = 0; i < n; i++)
		describe(e, &p[i], i, &d, b);
	if (d.n)
		buf_fmt(b, "static const zenith_value %s_%s[%d] = {\n%s};\n\n", e->name, what, d.n,
			buf_str(&d.rows));
}

void
ports_describe(Em *e, Buf *b)
{
	describe_all(e, e->in.p, e->in.n, "inputs", b);
	describe_all(e, e->out.p, e->out.n, "outputs", b);
}
