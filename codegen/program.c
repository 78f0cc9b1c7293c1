/* The program as a C function: calls of kernels, symbols, the heap region, control flow. */
#include "emit.h"
#include "../runtime/zenith.h"

#include <inttypes.h>
#include <math.h>

/* ---- kernels: printed once with names by position, to find equal ones, and once to be read */

static CPrint
printer(Em *e, Buf *b)
{
	return (CPrint){ .t = &target_c, .b = b, .pre = &e->pre, .slots = &e->slots };
}

static void
kern_comment(const char *note, Buf *b)
{
	char *s = copy_str(note), *next;
	int n = 0;

	buf_fmt(b, "/*");
	for (; s && *s; s = next, n++) {
		next = strchr(s, '\n');
		if (next)
			*next++ = 0;
		if (n < 8)
			buf_fmt(b, "%s %s", n ? "\n *" : "", text_comment(s));
	}
	if (n > 8)
		buf_fmt(b, "\n * and %d more", n - 8);
	buf_fmt(b, " */\n");
}

static bool
variants_free(const Em *e, const Kern *k, const char *name)
{
	for (int i = 0; i < k->variant.n; i++)
		if (map_str(e->taken, cp_variant_name(name, k->variant.p[i])))
			return false;
	return !k->variant.n || !map_str(e->taken, cp_variant_name(name, NULL));
}

static const char *
kernel_name(Em *e, const Kern *k)
{
	const char *name;

	do
		name = name_unique(e->taken, fmt("%s_%s", e->name, k->name), "kernel");
	while (!variants_free(e, k, name));
	for (int i = 0; i < k->variant.n; i++)
		*map_at_str(e->taken, cp_variant_name(name, k->variant.p[i])) = e;
	if (k->variant.n)
		*map_at_str(e->taken, cp_variant_name(name, NULL)) = e;
	return name;
}

/* adds to p->b, and nothing else stays */
static void
kernel(CPrint *p, const Kern *k, const char *name)
{
	Buf text = {0}, *out = p->b;
	Arena *was;

	scratch_begin();
	p->b = &text;
	cp_kernel(p, k, name);
	was = keep_begin();
	buf_add(out, text.p, text.n);
	keep_end(was);
	buf_free(&text);
	scratch_end();
	p->b = out;
}

static Shared *
share(Em *e, Map *texts, const Kern *k)
{
	Shared *s = map_ptr(e->kern, k);
	Buf text = {0};
	CPrint p = printer(e, &text);
	void **slot;

	if (s)
		return s;
	p.canon = true;
	kernel(&p, k, "k");
	slot = map_at(texts, text.p, text.n);
	buf_free(&text);
	if (!*slot) {
		*slot = s = NEW(Shared);
		s->name = kernel_name(e, k);
		if (k->note && *k->note)
			kern_comment(k->note, &e->kernels);
		p = printer(e, &e->kernels);
		kernel(&p, k, s->name);
		s->wide = p.wide;
		fork_define(e, &e->kernels, k, s);
		e->nkern++;
	} else {
		e->nshared++;
	}
	*map_at_ptr(e->kern, k) = *slot;
	return *slot;
}

/* ---- regions */

static const char *
region_type(const Mem *m)
{
	return target_c.mem_type(m->dt, m->packed);
}

static const char *
heap_var(CPrint *p, const Mem *m)
{
	if (p->used)
		*map_at_ptr(p->used, m) = p;
	return cp_name(p, m, fmt("h_%s", m->name), "h");
}

/* a pointer to its first element, as tight as a postfix expression or a cast */
static enum prec
region(CPrint *p, const Mem *m, bool written)
{
	Em *e = p->arg;
	const char *qual = written ? "" : "const ", *t = region_type(m), *arr;
	size_t start;
	int64_t at;

	if (m->space == SP_IN || m->space == SP_OUT) {
		Port *q = m->space == SP_IN ? &e->in.p[m->index] : &e->out.p[m->index];
		e->io = true;
		if (strcmp(q->ctype, t)) {
			cp_text(p, "(%s%s *)(%svoid *)io->%s", qual, t, qual, q->name);
			return P_UNARY;
		}
		cp_text(p, "io->%s", q->name);
		return P_POST;
	}
	if (m->space == SP_HEAP) {
		cp_text(p, "%s", heap_var(p, m));
		return P_POST;
	}
	if (m->space == SP_WEIGHT && (arr = weight_array(e, m))) {
		cp_text(p, "%s", arr);
		return P_POST;
	}
	if (!m->offset)
		bug("region '%s' has no offset", m->name);
	e->ws |= m->space == SP_WORK;
	e->wt |= m->space == SP_WEIGHT;
	e->st |= m->space == SP_STATE;
	cp_text(p, "(%s%s *)", qual, t);
	start = p->b->n;
	cp_text(p, "%s", m->space == SP_WORK ? "ws" : m->space == SP_WEIGHT ? "weights" : "state");
	if (!ix_isint(m->offset, &at) || at) {
		cp_text(p, " + ");
		cp_ix(p, m->offset, P_ADD);
		cp_wrap(p, start, P_ADD, P_UNARY);
	}
	return P_UNARY;
}

/* for an element: the pointer where a subscript follows */
static void
base(CPrint *p, const Mem *m, bool written)
{
	size_t at = p->b->n;

	cp_wrap(p, at, region(p, m, written), P_POST);
}

/* pointer to element `off` */
static void
print_arg(CPrint *p, const Arg *a, bool written)
{
	int bits = dtype_info[a->mem->dt].bits;
	int64_t n;

	region(p, a->mem, written);
	if (!a->off || ix_is(a->off, 0))
		return;
	if (!a->mem->packed || bits >= 8) {
		cp_text(p, " + ");
		cp_ix(p, a->off, P_MUL);
		return;
	}
	if (ix_isint(a->off, &n) && n * bits % 8)
		bug("region '%s' is used from element %" PRId64 ", inside a byte", a->mem->name, n);
	cp_text(p, " + ");
	cp_ix(p, a->off, P_MUL);
	cp_text(p, " / %d", 8 / bits);
}

/* ---- statements of the program */

static void
print_operands(CPrint *p, const Stmt *s)
{
	const Kern *k = s->kern;
	const Shared *sh = map_ptr(((Em *)p->arg)->kern, k);
	const char *sep = "";

	for (int i = 0; i < s->arg.n; i++, sep = ", ") {
		cp_text(p, "%s", sep);
		print_arg(p, &s->arg.p[i], k->param.p[i]->written);
	}
	for (int i = 0; i < k->sym.n; i++, sep = ", ") {
		Ix v = ix_of(k->sym.p[i]);
		cp_text(p, "%s%s", sep, sh->wide ? "" : "(int32_t)");
		cp_ix(p, v, sh->wide ? P_COND : P_UNARY);
	}
	if (k->heap)
		cp_text(p, "%sheap", sep);
}

static void
print_call(CPrint *p, const Stmt *s)
{
	Em *e = p->arg;
	const Kern *k = s->kern;
	const Shared *sh = map_ptr(e->kern, k);

	if (s->arg.n != k->param.n)
		bug("%s called with %d arguments, not %d", k->name, s->arg.n, k->param.n);
	if (k->parts > 1) {
		fork_call(p, k, sh, print_operands, s);
		return;
	}
	cp_line(p);
	if (k->fails)
		cp_text(p, "if ((status = ");
	cp_text(p, "%s(", sh->name);
	print_operands(p, s);
	if (k->fails) {
		cp_text(p, ")) != ZENITH_OK)\n");
		cp_linef(p, "\treturn status;");
	} else {
		cp_text(p, ");\n");
	}
	if (k->heap) {
		cp_linef(p, "if (heap->full)");
		cp_linef(p, "\treturn ZENITH_HEAP_FULL;");
	}
}

static void
print_copy(CPrint *p, const Stmt *s)
{
	const Mem *m = s->arg.p[0].mem;
	int bits = dtype_info[m->dt].bits;

	prelude_need(p->pre, "zn_copy");
	cp_line(p);
	cp_text(p, "zn_copy(");
	print_arg(p, &s->arg.p[0], true);
	cp_text(p, ", ");
	print_arg(p, &s->arg.p[1], false);
	cp_text(p, ", ");
	if (m->packed && bits < 8) {
		cp_text(p, "(");
		cp_ix(p, ix_addc(s->ix, 8 / bits - 1), P_ADD);
		cp_text(p, ") / %d, 1);\n", 8 / bits);
		return;
	}
	cp_ix(p, s->ix, P_COND);
	cp_text(p, ", %ssizeof(%s));\n", dtype_info[m->dt].class == DC_C ? "2*" : "", region_type(m));
}

/* ---- sizes that no int64 holds: found in doubles, before they are computed */

static double most(Ix);

static double
most_atom(const IxAtom *a)
{
	int64_t lo, hi;
	double x, y;

	switch (a->kind) {
	case IX_SYM:
		ix_bounds(ix_of(a), &lo, &hi);
		x = hi == INT64_MAX ? (double)FAR : fabs((double)hi);
		y = lo == INT64_MIN ? (double)FAR : fabs((double)lo);
		return x > y ? x : y;
	case IX_DIV:
		return most(a->a);
	case IX_MIN: case IX_MAX: case IX_BCAST:
		x = most(a->a), y = most(a->b);
		return x > y ? x : y;
	default:
		return 1;
	}
}

/* what q is at most, in magnitude; symbols without bounds are sizes of what lies in memory */
static double
most(Ix q)
{
	double n = fabs((double)q->c), t;

	for (int i = 0; i < q->n; i++) {
		t = fabs((double)q->t[i].c);
		for (int k = 0; k < q->t[i].n; k++)
			t *= most_atom(q->t[i].a[k]);
		n += t;
	}
	return n;
}

static void
in_doubles(CPrint *p, Ix q)
{
	if (q->c || !q->n)
		cp_text(p, "%.1f", fabs((double)q->c));
	for (int i = 0; i < q->n; i++) {
		cp_text(p, "%s%.1f", i || q->c ? " + " : "", fabs((double)q->t[i].c));
		for (int k = 0; k < q->t[i].n; k++) {
			cp_text(p, "*fabs((double)");
			cp_ix(p, ix_of(q->t[i].a[k]), P_UNARY);
			cp_text(p, ")");
		}
	}
}

static const char in_int64[] = "4e18", in_size[] = "(sizeof(size_t) > 4 ? 4e18 : 2e9)";

static void
guard(CPrint *p, Ix q, const char *limit, const char *status)
{
	for (int i = 0; i < q->n; i++)
		for (int k = 0; k < q->t[i].n; k++) {
			const IxAtom *a = q->t[i].a[k];
			if (a->kind == IX_DIV || a->kind == IX_MIN || a->kind == IX_MAX || a->kind == IX_BCAST) {
				guard(p, a->a, in_int64, status);
				guard(p, a->b, in_int64, status);
			}
		}
	if (most(q) < (limit == in_size ? 2e9 : 4e18))
		return;
	cp_line(p);
	cp_text(p, "if (");
	in_doubles(p, q);
	cp_text(p, " > %s)\n", limit);
	cp_linef(p, "\treturn %s;", status);
}

static void
print_bind(CPrint *p, const Stmt *s)
{
	const IxAtom *a = ix_atom(s->var);
	const char *name = map_ptr(p->name, a);

	if (!name)
		return;                  /* nobody reads it */
	if (s->ix)
		guard(p, s->ix, in_int64, "ZENITH_BAD_SHAPE");
	cp_line(p);
	cp_text(p, "%s = ", name);
	if (s->ix)
		cp_ix(p, s->ix, P_COND);
	else
		cp_expr(p, s->e, P_COND);
	cp_text(p, ";\n");
}

static void
print_assume(CPrint *p, const Stmt *s)
{
	if (s->text)
		cp_linef(p, "/* %s */", text_comment(s->text));
	guard(p, s->ix, in_int64, "ZENITH_BAD_SHAPE");
	guard(p, s->ix2, in_int64, "ZENITH_BAD_SHAPE");
	cp_line(p);
	cp_text(p, "if (");
	cp_ix(p, s->ix, P_ADD);
	cp_text(p, " != ");
	cp_ix(p, s->ix2, P_ADD);
	cp_text(p, ")\n");
	cp_linef(p, "\treturn %s;", status_name(s->status ? s->status : ZENITH_BAD_SHAPE));
}

static void
alloc_output(CPrint *p, const Stmt *s, const Port *q)
{
	Em *e = p->arg;

	if (!q->dynamic)
		return;
	e->io = true;
	for (int i = 0; i < q->v->rank; i++) {
		guard(p, q->v->dim[i], in_int64, "ZENITH_BAD_SHAPE");
		cp_line(p);
		cp_text(p, "io->%s_dims[%d] = ", q->name, i);
		cp_ix(p, q->v->dim[i], P_COND);
		cp_text(p, ";\n");
	}
	if (q->of) {
		prelude_need(p->pre, "zn_alloc");
		guard(p, s->ix, in_int64, "ZENITH_HEAP_FULL");
		cp_line(p);
		cp_text(p, "io->%s = (%s *)zn_alloc(heap, ", q->name, q->ctype);
		cp_ix(p, s->ix, P_COND);
		cp_text(p, ", %ssizeof(%s));\n", dtype_info[q->v->dt].class == DC_C ? "2*" : "", q->ctype);
		cp_linef(p, "if (!io->%s)", q->name);
		cp_linef(p, "\treturn ZENITH_HEAP_FULL;");
		return;
	}
	prelude_need(p->pre, "zn_room");
	cp_linef(p, "if (!zn_room(io->%s_dims, %d, io->%s_capacity))", q->name, q->v->rank, q->name);
	cp_linef(p, "\treturn ZENITH_CAPACITY;");
}

static void
print_alloc(CPrint *p, const Stmt *s)
{
	const Mem *m = s->mem;
	const char *t = region_type(m), *var;

	if (m->space == SP_OUT) {
		alloc_output(p, s, &((Em *)p->arg)->out.p[m->index]);
		return;
	}
	if (m->space != SP_HEAP)
		return;
	var = heap_var(p, m);
	prelude_need(p->pre, "zn_alloc");
	guard(p, s->ix, in_int64, "ZENITH_HEAP_FULL");
	cp_line(p);
	cp_text(p, "%s = (%s *)zn_alloc(heap, ", var, t);
	cp_ix(p, s->ix, P_COND);
	cp_text(p, ", sizeof(%s));\n", t);
	cp_linef(p, "if (!%s)", var);
	cp_linef(p, "\treturn ZENITH_HEAP_FULL;");
}

static void
statement(CPrint *p, const Stmt *s)
{
	switch (s->op) {
	case S_CALL:    profile_call(p, s, print_call); break;
	case S_COPY:    profile_call(p, s, print_copy); break;
	case S_BIND:    print_bind(p, s); break;
	case S_ASSUME:  print_assume(p, s); break;
	case S_ALLOC:   print_alloc(p, s); break;
	case S_MARK: case S_RELEASE:
		if (((Em *)p->arg)->g->heap)
			cp_linef(p, s->op == S_MARK ? "mark[%d] = heap->p;" : "heap->p = mark[%d];",
				s->status);
		break;
	default: bug("statement %d in the program", s->op);
	}
}

/* ---- the whole function */

typedef struct Walk { VEC(const IxAtom *) sym; Map *seen; int marks; bool fails; Map *texts; } Walk;

static void
walk(Em *e, const Stmt *s, Walk *w)
{
	if (!s)
		return;
	if (s->op == S_CALL) {
		share(e, w->texts, s->kern);
		w->fails |= s->kern->fails;
	}
	if (s->op == S_BIND && !map_ptr(w->seen, ix_atom(s->var))) {
		*map_at_ptr(w->seen, ix_atom(s->var)) = w;
		push(&w->sym, ix_atom(s->var));
	}
	if (s->op == S_MARK && s->status >= w->marks)
		w->marks = s->status + 1;
	for (int i = 0; i < s->list.n; i++)
		walk(e, s->list.p[i], w);
	walk(e, s->body, w);
	walk(e, s->other, w);
}

static const char *
sym_text(CPrint *p, const IxAtom *a)
{
	return cp_name(p, a, a->name, "s");
}

/* prints the body; only symbols in `keep` (NULL: all) have names, so that what nobody reads is not
 * computed */
static void
body(Em *e, Buf *b, const Walk *w, Map *keep, CPrint *p)
{
	static const char *const own[] = {"args", "dims", "flush", "mark", "mode", "pool"};

	*p = printer(e, b);
	p->arg = e;
	p->base = base;
	p->program = statement;
	p->before = ftz_turn;
	p->wide = true;
	p->name = map_new();
	p->taken = map_new();
	p->used = map_new();
	p->indent = 1;
	for (int i = 0; i < LEN(own); i++)
		*map_at_str(p->taken, own[i]) = p;
	for (int i = 0; i < e->entry.n; i++)
		sym_text(p, e->entry.p[i]);
	for (int i = 0; i < w->sym.n; i++)
		if (!keep || map_ptr(keep, w->sym.p[i]))
			sym_text(p, w->sym.p[i]);
	for (int i = 0; i < e->g->body->list.n; i++)
		cp_stmt(p, e->g->body->list.p[i]);
}

static int
count(const Walk *w, Map *used)
{
	int n = 0;

	for (int i = 0; i < w->sym.n; i++)
		n += map_ptr(used, w->sym.p[i]) != NULL;
	return n;
}

static void
declare_heap(Em *e, CPrint *p, Buf *b)
{
	for (int i = 0; i < e->g->mem.n; i++) {
		const Mem *m = e->g->mem.p[i];
		if (m->space == SP_HEAP && map_ptr(p->used, m))
			buf_fmt(b, "\t%s *%s = NULL;\n", region_type(m), heap_var(p, m));
	}
}

static void
declare(Em *e, const Walk *w, CPrint *p, Buf *b)
{
	for (int i = 0; i < e->entry.n; i++)
		if (map_ptr(p->used, e->entry.p[i])) {
			buf_fmt(b, "\tconst int64_t %s = dims[%d];\n", sym_text(p, e->entry.p[i]),
				e->passed.n);
			push(&e->passed, e->entry.p[i]);
		}
	for (int i = 0; i < w->sym.n; i++)
		if (map_ptr(p->used, w->sym.p[i]))
			buf_fmt(b, "\tint64_t %s = 0;\n", sym_text(p, w->sym.p[i]));
	declare_heap(e, p, b);
	if (w->marks && e->g->heap)
		buf_fmt(b, "\tunsigned char *mark[%d];\n", w->marks);
	if (w->fails)
		buf_fmt(b, "\tint status;\n");
	if (e->ftz)
		buf_fmt(b, "\tconst uint64_t flush = %s_flush(mode);\n", e->name);
}

void
program_print(Em *e, Buf *b)
{
	Walk w = { .seen = map_new(), .texts = map_new() };
	Map *keep = NULL;
	Buf text;
	CPrint p;
	int n = -1, before;

	walk(e, e->g->body, &w);
	ftz_plan(e);
	do {
		before = n;
		text = (Buf){0};
		body(e, &text, &w, keep, &p);
		n = count(&w, p.used);
		keep = p.used;
	} while (n != before && w.sym.n);
	Buf decl = {0};
	declare(e, &w, &p, &decl);
	buf_fmt(b, "static int %s_program(", e->name);
	const char *sep = "";
	if (e->ws)
		buf_fmt(b, "unsigned char *ws"), sep = ", ";
	if (e->wt)
		buf_fmt(b, "%sconst unsigned char *weights", sep), sep = ", ";
	if (e->st)
		buf_fmt(b, "%sunsigned char *state", sep), sep = ", ";
	if (e->io)
		buf_fmt(b, "%s%s%s *io", sep, e->dynamic ? "" : "const ", io_type(e)), sep = ", ";
	if (e->passed.n)
		buf_fmt(b, "%sconst int64_t *dims", sep), sep = ", ";
	if (e->g->heap)
		buf_fmt(b, "%szn_heap *heap", sep), sep = ", ";
	if (e->pool)
		buf_fmt(b, "%szenith_pool *pool", sep), sep = ", ";
	if (e->ftz)
		buf_fmt(b, "%sconst uint64_t mode", sep), sep = ", ";
	buf_fmt(b, "%s)\n{\n", *sep ? "" : "void");
	buf_add(b, decl.p, decl.n);
	if (decl.n)
		buf_fmt(b, "\n");
	buf_add(b, text.p, text.n);
	if (e->g->heap && !strstr(buf_str(&text), "heap"))
		buf_fmt(b, "\t(void)heap;\n");
	buf_fmt(b, "\treturn ZENITH_OK;\n}\n\n");
}

/* ---- entry: shapes of the inputs checked, symbols bound */

static void
entry_inputs(Em *e, CPrint *p)
{
	for (int i = 0; i < e->in.n; i++) {
		const Port *q = &e->in.p[i];
		for (int j = 0; q->dynamic && j < q->v->rank; j++) {
			const IxAtom *a = ix_atom(q->v->dim[j]);
			if (!a || a->kind != IX_SYM || map_ptr(p->used, a))
				continue;
			*map_at_ptr(p->used, a) = e;
			push(&e->entry, a);
			cp_linef(p, "const int64_t %s = io->%s_dims[%d];", sym_text(p, a), q->name, j);
		}
	}
}

static void
entry_checks(Em *e, CPrint *p)
{
	Map *first = map_new();

	for (int i = 0; i < e->entry.n; i++) {
		const IxAtom *a = e->entry.p[i];
		const char *s = sym_text(p, a);
		cp_line(p);
		cp_text(p, "if (%s < ", s);
		if (a->lo && a->lo->n == 0 && a->lo->c > 0)
			cp_ix(p, a->lo, P_ADD);
		else
			cp_text(p, "0");
		cp_text(p, " || %s > ", s);
		if (a->hi && a->hi->n == 0)
			cp_ix(p, a->hi, P_ADD);
		else
			cp_text(p, "INT32_MAX");
		cp_text(p, ")\n");
		cp_linef(p, "\treturn ZENITH_BAD_SHAPE;");
	}
	for (int i = 0; i < e->in.n; i++) {
		const Port *q = &e->in.p[i];
		for (int j = 0; q->dynamic && j < q->v->rank; j++) {
			const IxAtom *a = ix_atom(q->v->dim[j]);
			if (a && a->kind == IX_SYM && !map_ptr(first, a)) {
				*map_at_ptr(first, a) = e;
				continue;
			}
			guard(p, q->v->dim[j], in_int64, "ZENITH_BAD_SHAPE");
			cp_line(p);
			cp_text(p, "if (io->%s_dims[%d] != ", q->name, j);
			cp_ix(p, q->v->dim[j], P_ADD);
			cp_text(p, ")\n");
			cp_linef(p, "\treturn ZENITH_BAD_SHAPE;");
		}
	}
}

/* symbols in dims of inputs that no axis is exactly: cannot be known */
static bool
unknown(const IxAtom *a, void *arg)
{
	return a->kind == IX_SYM && !map_ptr(((CPrint *)arg)->used, a);
}

static void
check_known(Em *e, CPrint *p)
{
	for (int i = 0; i < e->in.n; i++)
		for (int j = 0; e->in.p[i].dynamic && j < e->in.p[i].v->rank; j++)
			if (ix_any(e->in.p[i].v->dim[j], unknown, p))
				fatal(EX_UNSUPPORTED, fmt("input '%s'", quoted(e->in.p[i].onnx)),
					"dimension %d cannot be solved for its symbols", j);
}

static void
entry_begin(Em *e, CPrint *p, Buf *b)
{
	*p = printer(e, b);
	p->arg = e;
	p->wide = true;
	p->base = base;
	p->program = statement;
	p->name = map_new();
	p->taken = map_new();
	p->used = map_new();
	p->indent = 1;
}

static bool
passed(const Em *e, const IxAtom *a)
{
	for (int i = 0; i < e->passed.n; i++)
		if (e->passed.p[i] == a)
			return true;
	return false;
}

/* called before program_print with b NULL, to know the symbols, and after it */
bool
entry_print(Em *e, Buf *b)
{
	Buf text = {0};
	CPrint p;
	int64_t n;

	e->entry.n = 0;
	entry_begin(e, &p, &text);
	entry_inputs(e, &p);
	check_known(e, &p);
	entry_checks(e, &p);
	for (int i = 0; e->g->layout && i < e->g->layout->list.n; i++) {
		const Stmt *s = e->g->layout->list.p[i];
		push(&e->entry, ix_atom(s->var));
		guard(&p, s->ix, in_int64, "ZENITH_BAD_SHAPE");
		cp_begin(&p);
		cp_line(&p);
		cp_text(&p, "const int64_t %s = ", sym_text(&p, ix_atom(s->var)));
		cp_ix(&p, s->ix, P_COND);
		cp_text(&p, ";\n");
	}
	if (!e->dynamic || !b)
		return e->dynamic;
	buf_fmt(b, "/* checks the inputs' shapes; what follows from them%s */\n", e->work < 0 ? ", and the bytes of the workspace" : "");
	buf_fmt(b, "static int %s_shapes(const %s *io%s%s)\n{\n", e->name, io_type(e), e->passed.n ? ", int64_t *dims" : "",
		e->work < 0 ? ", size_t *bytes" : "");
	buf_add(b, text.p, text.n);
	p.b = b;
	if (!e->entry.n && !strstr(buf_str(&text), "io->"))
		cp_linef(&p, "(void)io;");
	for (int i = 0; i < e->passed.n; i++)
		cp_linef(&p, "dims[%d] = %s;", i, sym_text(&p, e->passed.p[i]));
	if (!ix_isint(e->g->work_bytes, &n)) {
		guard(&p, e->g->work_bytes, in_size, "ZENITH_BAD_SHAPE");
		cp_line(&p);
		cp_text(&p, "*bytes = (size_t)");
		cp_ix(&p, e->g->work_bytes, P_UNARY);
		cp_text(&p, ";\n");
	}
	for (int i = 0; i < e->entry.n; i++)
		if (!map_ptr(p.used, e->entry.p[i]) && !passed(e, e->entry.p[i]))
			cp_linef(&p, "(void)%s;", sym_text(&p, e->entry.p[i]));
	cp_linef(&p, "return ZENITH_OK;");
	buf_fmt(b, "}\n\n");
	return true;
}
