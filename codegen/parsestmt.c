/* The loop IR's parser: statements, kernels, programs. See parse.c.
 *
 * What text does not hold (the bytes of weights, graph values) is NULL. */
#include "parse.h"
#include "target.h"

#include <stdlib.h>

static Stmt *block(Parser *);

/* statements */

static char *
full_name(Parser *p, int *id)
{
	char *w = pa_word(p), sep = *p->p;

	if (sep != '.' && sep != '@')
		pa_fail(p, "expected a name with a number");
	p->p++;
	*id = pa_small(p);
	if (p->k && *id >= p->k->nvar)
		p->k->nvar = *id + 1;
	return fmt("%s%c%d", w, sep, *id);
}

static const char *
base_name(const char *w)
{
	return fmt("%.*s", (int)strcspn(w, ".@"), w);
}

static Expr *
condition(Parser *p)
{
	Expr *e = pa_expr(p);

	if (e->dt != DT_BOOL)
		pa_fail(p, "a condition of dtype %s", dt_text(e->dt));
	return e;
}

static void
type(Parser *p, Mem *m)
{
	m->packed = pa_take(p, "packed");
	m->dt = pa_dtype(p);
	pa_want(p, "[");
	m->size = pa_take(p, "?") ? NULL : pa_poly(p);
	pa_want(p, "]");
}

/* the object known by that name, else a new one that is like `made` */
static void *
object(Parser *p, const char *w, const void *made, size_t size)
{
	void *o = p->known ? map_str(p->known, w) : NULL;

	return o ? o : copy_mem(made, size);
}

static Mem *
declare_mem(Parser *p, const char *w, Mem made)
{
	Mem *m = object(p, w, &made, sizeof made);

	*map_at_str(p->mem, w) = m;
	return m;
}

static void
parse_for(Parser *p, Stmt *s)
{
	s->var = pa_bound(p);
	s->kind = pa_take(p, "unrolled") ? F_UNROLLED : pa_take(p, "parallel") ? F_PARALLEL
		: pa_take(p, "lanes") ? F_LANES : F_SERIAL;
	s->lanes = s->kind == F_LANES ? pa_small(p) : 0;
	s->body = block(p);
	p->index.n--;
}

static void
parse_let(Parser *p, Stmt *s)
{
	Var made = {0};
	char *w = full_name(p, &made.id);

	made.name = base_name(w);
	pa_want(p, ":");
	made.dt = pa_dtype(p);
	pa_want(p, "=");
	s->e = pa_expr(p);
	if (s->e->dt != made.dt)
		pa_fail(p, "%s of dtype %s gets %s", w, dt_text(made.dt), dt_text(s->e->dt));
	s->v = object(p, w, &made, sizeof made);
	*map_at_str(p->var, w) = s->v;
}

static void
parse_set(Parser *p, Stmt *s)
{
	int id;
	char *w = full_name(p, &id);

	if (!(s->v = map_str(p->var, w)))
		pa_fail(p, "no variable is called '%s'", quoted(w));
	pa_want(p, "=");
	s->e = pa_expr(p);
	if (s->e->dt != s->v->dt)
		pa_fail(p, "%s of dtype %s gets %s", w, dt_text(s->v->dt), dt_text(s->e->dt));
}

static void
parse_store(Parser *p, Stmt *s)
{
	int id;
	char *w = full_name(p, &id);

	s->mem = pa_mem_named(p, w);
	pa_want(p, "[");
	s->ix = pa_poly(p);
	pa_want(p, "]");
	pa_want(p, "=");
	s->e = pa_expr(p);
	if (s->e->dt != s->mem->dt)
		pa_fail(p, "%s of dtype %s gets %s", w, dt_text(s->mem->dt), dt_text(s->e->dt));
}

static void
parse_array(Parser *p, Stmt *s)
{
	Mem made = {.space = SP_PRIVATE};
	char *w = full_name(p, &made.id);

	made.name = base_name(w);
	pa_want(p, ":");
	type(p, &made);
	s->mem = declare_mem(p, w, made);
}

static void
parse_keep(Parser *p, Stmt *s)
{
	int id;

	s->mem = pa_mem_named(p, full_name(p, &id));
	if (s->op == S_KEEP)
		return;
	pa_want(p, "[");
	s->ix = pa_poly(p);
	pa_want(p, "]");
}

static void
parse_if(Parser *p, Stmt *s)
{
	s->e = condition(p);
	s->body = block(p);
	s->other = pa_take(p, "else") ? block(p) : NULL;
}

static void
parse_while(Parser *p, Stmt *s)
{
	s->e = condition(p);
	s->body = block(p);
}

static void
parse_fail(Parser *p, Stmt *s)
{
	s->status = pa_small(p);
	s->e = pa_take(p, "if") ? condition(p) : NULL;
}

static void
parse_note(Parser *p, Stmt *s)
{
	s->text = pa_string(p);
}

/* statements of programs */

static void
args(Parser *p, Stmt *s)
{
	Arg a;
	int id;

	do {
		a.mem = pa_mem_named(p, full_name(p, &id));
		a.off = pa_take(p, "at") ? pa_poly(p) : ix_int(0);
		push(&s->arg, a);
	} while (pa_take(p, ",") && (s->op == S_CALL || s->arg.n < 2));
}

static void
parse_call(Parser *p, Stmt *s)
{
	int n;

	pa_want(p, "#");
	n = pa_small(p);
	if (!p->g || n >= p->g->kern.n)
		pa_fail(p, "there is no kernel %d", n);
	s->kern = p->g->kern.p[n];
	pa_word(p);
	pa_want(p, "(");
	if (!pa_take(p, ")")) {
		args(p, s);
		pa_want(p, ")");
	}
	if (s->arg.n != s->kern->param.n)
		pa_fail(p, "%s has %d parameters, got %d", s->kern->name, s->kern->param.n, s->arg.n);
}

static void
parse_copy(Parser *p, Stmt *s)
{
	args(p, s);
	if (s->arg.n != 2)
		pa_fail(p, "copy takes two memories and a count");
	s->ix = pa_poly(p);
}

static void
parse_bind(Parser *p, Stmt *s)
{
	s->var = pa_named_index(p, pa_word(p));
	if (ix_atom(s->var)->kind != IX_SYM)
		pa_fail(p, "only symbols are bound");
	if (pa_take(p, "="))
		s->ix = pa_poly(p);
	else {
		pa_want(p, "from");
		s->e = pa_expr(p);
	}
}

static void
parse_assume(Parser *p, Stmt *s)
{
	s->ix = pa_poly(p);
	pa_want(p, "==");
	s->ix2 = pa_poly(p);
	pa_want(p, "else");
	s->status = pa_small(p);
}

static void
parse_alloc(Parser *p, Stmt *s)
{
	int id;

	s->mem = pa_mem_named(p, full_name(p, &id));
	pa_want(p, ",");
	s->ix = pa_poly(p);
}

static void
parse_mark(Parser *p, Stmt *s)
{
	s->status = pa_small(p);
}

static Stmt *
stmt(Parser *p)
{
	static const struct { const char *word; SOp op; void (*f)(Parser *, Stmt *); } table[] = {
		{"for", S_FOR, parse_for}, {"while", S_WHILE, parse_while}, {"if", S_IF, parse_if},
		{"let", S_LET, parse_let}, {"set", S_SET, parse_set}, {"store", S_STORE, parse_store},
		{"array", S_ARRAY, parse_array}, {"keep", S_KEEP, parse_keep},
		{"prefetch", S_PREFETCH, parse_keep}, {"fail", S_FAIL, parse_fail}, {"note", S_NOTE, parse_note},
		{"call", S_CALL, parse_call}, {"copy", S_COPY, parse_copy}, {"bind", S_BIND, parse_bind},
		{"assume", S_ASSUME, parse_assume}, {"alloc", S_ALLOC, parse_alloc},
		{"mark", S_MARK, parse_mark}, {"release", S_RELEASE, parse_mark},
	};
	Stmt *s;

	p->name.n = 0;
	while (pa_take(p, "$")) {
		if (pa_small(p) != p->name.n)
			pa_fail(p, "names are defined in order: $%d", p->name.n);
		pa_want(p, "=");
		push(&p->name, pa_expr(p));
	}
	pa_skip(p);
	if (*p->p == '{')
		return block(p);
	if (pa_take(p, "parallel")) {
		s = block(p);
		s->kind = F_PARALLEL;
		return s;
	}
	for (int i = 0; i < LEN(table); i++)
		if ((p->g || table[i].op < S_CALL) && pa_take(p, table[i].word)) {
			s = st_new(table[i].op);
			table[i].f(p, s);
			return s;
		}
	pa_fail(p, "expected a statement");
}

static Stmt *
block(Parser *p)
{
	Stmt *b = st_block();

	pa_enter(p);
	pa_want(p, "{");
	while (!pa_take(p, "}"))
		st_add(b, stmt(p));
	p->depth--;
	return b;
}

/* kernels */

static void
param(Parser *p)
{
	Mem made = {.space = SP_PARAM};
	char *w;

	if (!pa_take(p, "inout") && !pa_take(p, "in"))
		pa_take(p, "out");
	made.each = pa_take(p, "each ");
	w = full_name(p, &made.id);
	if (made.id != p->k->param.n || !strchr(w, '.'))
		pa_fail(p, "parameter %d is called %s", p->k->param.n, quoted(w));
	made.name = base_name(w);
	pa_want(p, ":");
	type(p, &made);
	push(&p->k->param, declare_mem(p, w, made));
}

static const Isa *
isa_named(Parser *p, const char *w)
{
	for (const Isa *s = isa_table; s->name; s++)
		if (!strcmp(s->name, w))
			return s;
	pa_fail(p, "no isa is called '%s'", quoted(w));
}

static void
header(Parser *p)
{
	char *end;

	pa_want(p, "(");
	while (!pa_take(p, ")")) {
		if (pa_take(p, ";")) {
			do
				pa_named_index(p, pa_word(p));
			while (pa_take(p, ","));
			pa_want(p, ")");
			break;
		}
		if (p->k->param.n)
			pa_want(p, ",");
		param(p);
	}
	p->k->fails = pa_take(p, "fails");
	p->k->heap = pa_take(p, "heap");
	if (pa_take(p, "macs")) {
		pa_skip(p);
		p->k->macs = strtod(p->p, &end);
		p->p = end;
	}
	if (pa_take(p, "parts"))
		p->k->parts = (int)pa_number(p);
	p->k->flush = pa_take(p, "flush");
	if (pa_take(p, "isa"))
		p->k->isa = isa_named(p, pa_word(p));
}

static Kern *
kernel(Parser *p, const char *note, bool variant)
{
	Kern *k = p->k = kern_new(pa_word(p)), *v;

	p->var = map_new();
	p->mem = map_new();
	k->note = note;
	header(p);
	k->nvar = 0;
	k->body = block(p);
	while (!variant && pa_take(p, "variant")) {
		note = pa_take(p, "note") ? pa_string(p) : NULL;
		pa_want(p, "kernel");
		v = kernel(p, note, true);
		push(&k->variant, v);
	}
	kern_finish(k);
	p->k = NULL;
	return k;
}

static void
end(Parser *p)
{
	pa_skip(p);
	if (*p->p)
		pa_fail(p, "text after the end");
}

static Kern *
parse_kern(Parser *p)
{
	const char *note = pa_take(p, "note") ? pa_string(p) : NULL;
	Kern *k;

	pa_want(p, "kernel");
	k = kernel(p, note, false);
	end(p);
	return k;
}

Kern *
ir_parse_kern(const char *text, const char *file)
{
	return parse_kern(&(Parser){.p = text, .text = text, .file = file});
}

/* what a kernel or program declares, under its text */

static void
know_mem(Map *known, Mem *m)
{
	Buf b = {0};

	print_mem(&b, m);
	*map_at_str(known, buf_str(&b)) = m;
}

static void
know_stmt(Stmt *s, void *arg)
{
	Buf b = {0};

	if (s->op == S_ARRAY)
		know_mem(arg, s->mem);
	if (s->op != S_LET)
		return;
	print_var(&b, s->v);
	*map_at_str(arg, buf_str(&b)) = s->v;
}

static Map *
known_kern(const Kern *k)
{
	Map *known = map_new();

	for (int i = 0; i < k->param.n; i++)
		know_mem(known, k->param.p[i]);
	st_each(k->body, know_stmt, known);
	for (int i = 0; i < k->variant.n; i++)
		st_each(k->variant.p[i]->body, know_stmt, known);
	return known;
}

static Map *
known_program(const Program *g)
{
	Map *known = map_new();

	for (int i = 0; i < g->mem.n; i++)
		know_mem(known, g->mem.p[i]);
	st_each(g->layout, know_stmt, known);
	st_each(g->body, know_stmt, known);
	return known;
}

static bool
region(Parser *p)
{
	Mem made = {0};
	char *w;
	int s = 0;

	while (s < NSPACE && !pa_take(p, space_text[s]))
		s++;
	if (s == NSPACE)
		return false;
	w = full_name(p, &made.id);
	made.space = (Space)s;
	made.name = base_name(w);
	pa_want(p, ":");
	type(p, &made);
	made.index = pa_take(p, "number") ? pa_small(p) : 0;
	made.offset = pa_take(p, "at") ? pa_poly(p) : NULL;
	push(&p->g->mem, declare_mem(p, w, made));
	return true;
}

static Program *
parse_program(Parser *p, const Program *like)
{
	Program *g = NEW(Program);
	const char *note;

	for (;;) {
		note = pa_take(p, "note") ? pa_string(p) : NULL;
		if (!pa_take(p, "kernel"))
			break;
		p->known = like && g->kern.n < like->kern.n ? known_kern(like->kern.p[g->kern.n]) : NULL;
		push(&g->kern, kernel(p, note, false));
	}
	p->known = like ? known_program(like) : NULL;
	pa_want(p, "program");
	p->g = g;
	p->var = map_new();
	p->mem = map_new();
	g->heap = pa_take(p, "heap");
	pa_want(p, "weights");
	g->weight_bytes = pa_number(p);
	pa_want(p, "state");
	g->state_bytes = pa_number(p);
	g->work_bytes = pa_take(p, "work") ? pa_poly(p) : NULL;
	g->lower_bound = pa_take(p, "bound") ? pa_poly(p) : NULL;
	pa_want(p, "{");
	while (region(p))
		;
	g->layout = pa_take(p, "layout") ? block(p) : NULL;
	g->body = stmt(p);
	pa_want(p, "}");
	end(p);
	return g;
}

Program *
ir_parse_program(const char *text, const char *file)
{
	return parse_program(&(Parser){.p = text, .text = text, .file = file}, NULL);
}

/* Print, parse, print gives the same text. The parser uses the variables and memories of the original again:
 * then equal text means equal expressions, and loaded indices keep their order in polynomials. What was assumed since
 * an expression was made does not simplify its copy. */
static void
same_text(Buf *first, Buf *again, const char *name, const char *after)
{
	const char *x = buf_str(first), *y = buf_str(again);
	int n = 0;

	while (x[n] && x[n] == y[n])
		n++;
	if (x[n] != y[n])
		bug("after %s the text of %s does not round trip: '%.60s' became '%.60s'", after, name, x + n,
			y + n);
}

void
ir_check_kern(const Kern *k, const char *after)
{
	Buf x = {0}, y = {0};
	Parser p;
	bool was;

	ir_verify_kern(k, after);
	ir_print_kern(&x, k);
	was = ix_apart(true);
	p = (Parser){.p = buf_str(&x), .text = x.p, .file = k->name, .known = known_kern(k)};
	ir_print_kern(&y, parse_kern(&p));
	ix_apart(was);
	same_text(&x, &y, k->name, after);
}

void
ir_check_program(const Program *g, const char *after)
{
	Buf x = {0}, y = {0};
	Parser p;
	bool was;

	ir_verify_program(g, after);
	ir_print_program(&x, g);
	was = ix_apart(true);
	p = (Parser){.p = buf_str(&x), .text = x.p, .file = "program"};
	ir_print_program(&y, parse_program(&p, g));
	ix_apart(was);
	same_text(&x, &y, "the program", after);
}
