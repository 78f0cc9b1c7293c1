/* Sequences and optionals at the interface. NAME_io has a zenith_tensor for each; the program works on their
 * parts (compiler/passes/sequence.h), which are fields of NAME_parts beside those of NAME_io. NAME_open finds
 * their sizes, NAME_pack copies the items of inputs into the heap region, NAME_unpack those of outputs out of
 * it. */
#include "emit.h"
#include "../runtime/zenith.h"

#define W(...) buf_fmt(b, __VA_ARGS__)

static const Port *
each(const Em *e, int i)
{
	return i < e->in.n ? &e->in.p[i] : &e->out.p[i - e->in.n];
}

const char *
compound_type(const Port *p)
{
	Form f = p->of->form;
	Buf b = {0};

	buf_fmt(&b, "%s%s%s", f.opt ? "optional " : "", f.seq ? "sequence of " : "", dt_name(f.dt));
	if (f.rank >= 0 && f.rank <= ZENITH_MAX_RANK) {
		buf_fmt(&b, "[");
		for (int i = 0; i < f.rank; i++)
			buf_fmt(&b, i ? ", ?" : "?");
		buf_fmt(&b, "]");
	}
	return buf_str(&b);
}

const char *
part_suffix(const struct Compound *c, int part)
{
	if (c->form.opt && part == 0)
		return "has";
	return !c->form.seq ? "value" : part == c->n - 1 ? "shapes" : "items";
}

bool
part_is_flag(const Port *p)
{
	return p->of && p->of->form.opt && p->part == 0;
}

/* NAME_parts: every port's fields, and where the flags of optionals lie */
void
compound_struct(Em *e, Buf *b)
{
	if (!e->parts)
		return;
	W("/* inputs and outputs with sequences and optionals in parts */\ntypedef struct %s_parts {\n", e->name);
	for (int i = 0; i < e->in.n + e->out.n; i++) {
		port_field(each(e, i), b);
		if (part_is_flag(each(e, i)))
			W("\t%s %s_flag;\n", each(e, i)->ctype, each(e, i)->name);
	}
	W("} %s_parts;\n\n", e->name);
}

static const char *
item_bytes(const Port *p)
{
	return fmt("%ssizeof(%s)", dtype_info[p->v->dt].class == DC_C ? "2*" : "", p->ctype);
}

/* the port of a part of the same value */
static const Port *
sibling(const Port *p, int part)
{
	return p + (part - p->part);
}

/* ---- open */

static void
open_plain(const Port *p, Buf *b)
{
	W("\tp->%s = io->%s;\n", p->name, p->name);
	if (!p->dynamic)
		return;
	if (p->v->rank && !p->out)
		W("\tmemcpy(p->%s_dims, io->%s_dims, sizeof p->%s_dims);\n", p->name, p->name, p->name);
	if (p->out)
		W("\tp->%s_capacity = io->%s_capacity;\n", p->name, p->name);
}

/* the expression of the sequence itself, or of what an optional holds */
static const char *
held(const Port *p)
{
	return p->of->form.opt ? fmt("(p->%s_flag ? io->%s->items : NULL)", sibling(p, 0)->name, p->whole)
			       : fmt("io->%s", p->whole);
}

static void
open_compound(Em *e, const Port *p, Buf *b)
{
	const struct Compound *c = p->of;
	const Port *last = sibling(p, c->n - 1), *data = sibling(p, c->form.opt);
	int rank = c->form.rank;

	if (c->form.opt) {
		prelude_need(&e->pre, "zn_optional");
		W("\tif (!zn_optional(io->%s))\n\t\treturn ZENITH_BAD_ARGUMENT;\n", p->whole);
		W("\tp->%s_flag = io->%s->count == 1;\n\tp->%s = &p->%s_flag;\n", p->name, p->whole, p->name,
			p->name);
	}
	if (c->form.seq) {
		prelude_need(&e->pre, "zn_list_size");
		W("\tstatus = zn_list_size(%s, %d, %d, p->%s_dims, p->%s_dims);\n", held(p), c->form.dt, rank,
			data->name, last->name);
	} else {
		prelude_need(&e->pre, "zn_item_size");
		W("\tstatus = zn_item_size(%s, %d, %d, %s);\n", held(p), c->form.dt, rank,
			rank ? fmt("p->%s_dims", data->name) : "NULL");
		W("\tif (p->%s_flag)\n\t\tp->%s = (const %s *)io->%s->items->data;\n", p->name, data->name,
			data->ctype, p->whole);
		if (!rank)
			prelude_need(&e->pre, "zn_nothing");
		if (!rank)
			W("\telse\n\t\tp->%s = (const %s *)(const void *)zn_nothing;\n", data->name,
				data->ctype);
	}
	W("\tif (status != ZENITH_OK)\n\t\treturn status;\n");
	if (c->form.seq)
		return;
	prelude_need(&e->pre, "zn_misplaced");
	W("\tif (p->%s_flag && zn_misplaced(p->%s, sizeof(%s)) &&\n\t\t"
	  "!zn_room(io->%s->items->dims, io->%s->items->rank, 0))\n\t\treturn ZENITH_BAD_ARGUMENT;\n",
		p->name, data->name, data->ctype, p->whole, p->whole);
}

static void
print_open(Em *e, Buf *b)
{
	bool any = false;

	for (int i = 0; i < e->in.n; i++)
		any |= e->in.p[i].of && (e->in.p[i].of->form.seq || e->in.p[i].of->form.opt);
	W("static int %s_open(const %s_io *io, %s_parts *p)\n{\n", e->name, e->name, e->name);
	if (any)
		W("\tint status;\n\n");
	W("\tmemset(p, 0, sizeof *p);\n");
	for (int i = 0; i < e->in.n + e->out.n; i++) {
		const Port *p = each(e, i);
		if (p->of && !p->out && p->part == 0)
			open_compound(e, p, b);
		else if (p->of && part_is_flag(p))
			W("\tp->%s = &p->%s_flag;\n", p->name, p->name);
		else if (!p->of && !p->state)
			open_plain(p, b);
	}
	W("\t(void)io;\n\treturn ZENITH_OK;\n}\n\n");
}

/* ---- pack */

static bool
any_packed(const Em *e)
{
	for (int i = 0; i < e->in.n; i++)
		if (e->in.p[i].of && e->in.p[i].of->form.seq)
			return true;
	return false;
}

static void
print_pack(Em *e, Buf *b)
{
	if (!any_packed(e))
		return;
	prelude_need(&e->pre, "zn_alloc");
	prelude_need(&e->pre, "zn_list_pack");
	W("static int %s_pack(const %s_io *io, %s_parts *p, zn_heap *heap)\n{\n\tvoid *items;\n\tint64_t *shapes;\n\n",
		e->name, e->name, e->name);
	for (int i = 0; i < e->in.n; i++) {
		const Port *p = &e->in.p[i], *d, *s;
		if (!p->of || p->part || !p->of->form.seq)
			continue;
		d = sibling(p, p->of->n - 2);
		s = sibling(p, p->of->n - 1);
		W("\titems = zn_alloc(heap, p->%s_dims[0], %s);\n", d->name, item_bytes(d));
		W("\tshapes = (int64_t *)zn_alloc(heap, p->%s_dims[0] * p->%s_dims[1], sizeof(int64_t));\n", s->name, s->name);
		W("\tif (!items || !shapes)\n\t\treturn ZENITH_HEAP_FULL;\n");
		W("\tzn_list_pack(%s, %d, %s, items, shapes);\n", held(p), p->of->form.rank, item_bytes(d));
		W("\tp->%s = (const %s *)items;\n\tp->%s = shapes;\n", d->name, d->ctype, s->name);
	}
	W("\treturn ZENITH_OK;\n}\n\n");
}

/* ---- unpack */

/* the call that copies the items of a sequence or optional out */
static void
unpack_list(const Port *p, const char *to, const char *count, Buf *b)
{
	Form f = p->of->form;
	const Port *data = sibling(p, f.opt), *shapes = sibling(p, p->of->n - 1);
	const char *dims = f.seq ? fmt("p->%s", shapes->name) : f.rank ? fmt("p->%s_dims", data->name) : "NULL";

	W("zn_list_unpack(%s, ZENITH_KIND_%s, %s, %d, %d,\n\t\t\t%s, p->%s, %s);\n", to,
		f.seq ? "SEQUENCE" : "OPTIONAL", count, f.dt, f.rank == -2 ? 0 : f.rank, item_bytes(data),
		data->name, dims);
}

static void
unpack_compound(Em *e, const Port *p, Buf *b)
{
	Form f = p->of->form;
	const char *to = fmt("io->%s", p->whole), *count = fmt("p->%s_dims[0]", sibling(p, p->of->n - 1)->name);

	prelude_need(&e->pre, "zn_list_unpack");
	W("\tif (status == ZENITH_OK)\n\t\tstatus = ");
	if (f.opt && f.seq) {
		prelude_need(&e->pre, "zn_hold");
		W("zn_hold(%s, *p->%s, %d);\n", to, p->name, f.dt);
		W("\tif (status == ZENITH_OK && *p->%s)\n\t\tstatus = ", p->name);
		to = fmt("io->%s->items", p->whole);
	}
	unpack_list(p, to, f.seq ? count : fmt("*p->%s", p->name), b);
}

static void
print_unpack(Em *e, Buf *b)
{
	W("static int %s_unpack(%s_io *io, const %s_parts *p, int status)\n{\n", e->name, e->name, e->name);
	for (int i = 0; i < e->out.n; i++) {
		const Port *p = &e->out.p[i];
		if (p->of && p->part == 0)
			unpack_compound(e, p, b);
		else if (!p->of && p->dynamic && p->v->rank)
			W("\tmemcpy(io->%s_dims, p->%s_dims, sizeof io->%s_dims);\n", p->name, p->name, p->name);
	}
	W("\t(void)io;\n\t(void)p;\n\treturn status;\n}\n\n");
}

void
compound_print(Em *e, Buf *b)
{
	if (!e->parts)
		return;
	print_open(e, b);
	print_pack(e, b);
	print_unpack(e, b);
}

/* in NAME_run_in, once the heap region is there */
void
compound_call_pack(Em *e, Buf *b)
{
	if (any_packed(e))
		W("\tstatus = %s_pack(io, &parts, &heap);\n\tif (status != ZENITH_OK)\n\t\treturn status;\n", e->name);
}
