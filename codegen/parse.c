/* The loop IR's parser: recursive descent over the text that print.c writes; man/zenithc-ir.5 has the grammar. */
#include "pool.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

enum { DEEPEST = 300 };

typedef struct Parser {
	const char *p, *text, *file;
	Kern *k;
	int depth;
	Map *var, *mem;          /* "acc.3" to Var, "x.0" and "t@1" to Mem */
	VEC(struct { int id; Ix p; }) index;     /* loop variables in scope, innermost last */
	VEC(Expr *) name;        /* $0, $1, ... of the statement */
} Parser;

static Expr *expr(Parser *);
static Ix poly(Parser *);
static Stmt *block(Parser *);

/* words */

static _Noreturn void
fail(Parser *p, const char *f, ...)
{
	int line = 1, col = 1;
	char msg[300];
	va_list ap;

	for (const char *s = p->text; s < p->p; s++, col++)
		if (*s == '\n') {
			line++;
			col = 0;
		}
	va_start(ap, f);
	vsnprintf(msg, sizeof msg, f, ap);
	va_end(ap);
	fatal(EX_INVALID, fmt("%s:%d:%d", p->file, line, col), "%s", msg);
}

static void
skip(Parser *p)
{
	while (isspace((unsigned char)*p->p))
		p->p++;
}

static bool
is_word(int c)
{
	return isalnum(c) || c == '_';
}

/* takes the punctuation or word t if it comes next */
static bool
take(Parser *p, const char *t)
{
	size_t n = strlen(t);

	skip(p);
	if (strncmp(p->p, t, n) || (is_word((unsigned char)t[n - 1]) && is_word((unsigned char)p->p[n])))
		return false;
	p->p += n;
	return true;
}

static void
want(Parser *p, const char *t)
{
	char got[12];

	if (take(p, t))
		return;
	snprintf(got, sizeof got, "%s", p->p);
	if (*p->p)
		fail(p, "expected '%s', got '%s'", t, quoted(got));
	fail(p, "expected '%s', got the end", t);
}

static char *
word(Parser *p)
{
	const char *s;

	skip(p);
	s = p->p;
	if (!isalpha((unsigned char)*s) && *s != '_')
		fail(p, "expected a name");
	while (is_word((unsigned char)*p->p))
		p->p++;
	return fmt("%.*s", (int)(p->p - s), s);
}

static int64_t
number(Parser *p)
{
	char *end;
	long long v;

	skip(p);
	if (!isdigit((unsigned char)*p->p))
		fail(p, "expected a number");
	errno = 0;
	v = strtoll(p->p, &end, 10);
	if (errno)
		fail(p, "number too large");
	p->p = end;
	return v;
}

static int
small(Parser *p)
{
	int64_t v = number(p);

	if (v > 1 << 24)
		fail(p, "number too large");
	return (int)v;
}

static void
enter(Parser *p)
{
	if (++p->depth > DEEPEST)
		fail(p, "nested deeper than %d", DEEPEST);
}

static DType
dtype(Parser *p)
{
	char *w = word(p);

	for (int d = 1; d < NDTYPE; d++)
		if (!strcmp(w, dt_text((DType)d)))
			return (DType)d;
	if (dt_parse(w) != DT_NONE)
		return dt_parse(w);
	fail(p, "no dtype is called '%s'", quoted(w));
}

static char *
string(Parser *p)
{
	Buf b = {0};
	unsigned c;

	want(p, "\"");
	for (; *p->p && *p->p != '"'; p->p++) {
		c = (unsigned char)*p->p;
		if (c == '\\' && p->p[1] == 'x') {
			if (sscanf(p->p + 2, "%2x", &c) != 1 || !c)
				fail(p, "bad escape");
			p->p += 3;
		} else if (c == '\\' && p->p[1])
			c = (unsigned char)*++p->p;
		buf_fmt(&b, "%c", (int)c);
	}
	want(p, "\"");
	return buf_str(&b);
}

/* indices: poly = ['-'] term {('+' | '-') term}; term = factor {'*' factor} */

static Ix
named_index(Parser *p, char *w)
{
	const IxAtom *at;
	char *end;
	long id;

	if (w[0] == 'i' && isdigit((unsigned char)w[1])) {
		id = strtol(w + 1, &end, 10);
		for (int i = p->index.n - 1; !*end && i >= 0; i--)
			if (p->index.p[i].id == id)
				return p->index.p[i].p;
		if (!*end)
			fail(p, "%s is not in scope", w);
	}
	if (!(at = map_str(ex_syms(), w))) {
		at = ix_atom(ix_sym(w, NULL, NULL));
		*map_at_str(ex_syms(), w) = (void *)at;
	}
	return ix_of(at);
}

static Ix
divisor(Parser *p, Ix q)
{
	if (ix_ge0(ix_mulc(q, -1)))
		fail(p, "the divisor is not positive");
	return q;
}

static Ix
call_index(Parser *p, const char *w)
{
	Ix x = poly(p), y;

	want(p, ",");
	y = poly(p);
	want(p, ")");
	if (!strcmp(w, "floordiv"))
		return ix_div(x, divisor(p, y));
	if (!strcmp(w, "mod"))
		return ix_mod(x, divisor(p, y));
	if (!strcmp(w, "min"))
		return ix_min(x, y);
	if (!strcmp(w, "max"))
		return ix_max(x, y);
	if (!strcmp(w, "bcast"))
		return ix_bcast(x, y);
	fail(p, "no index function is called '%s'", quoted(w));
}

static Ix
factor(Parser *p)
{
	Ix x;
	Expr *e;
	char *w;

	skip(p);
	if (isdigit((unsigned char)*p->p))
		return ix_int(number(p));
	if (take(p, "(")) {
		x = poly(p);
		want(p, ")");
		return x;
	}
	if (take(p, "[")) {
		e = expr(p);
		want(p, "]");
		if (e->dt != DT_I64)
			fail(p, "an index of dtype %s", dt_text(e->dt));
		return ex_as_ix(e, NULL, NULL);
	}
	w = word(p);
	return take(p, "(") ? call_index(p, w) : named_index(p, w);
}

static Ix
term(Parser *p)
{
	Ix x = factor(p);

	while (take(p, "*"))
		x = ix_mul(x, factor(p));
	return x;
}

static Ix
poly(Parser *p)
{
	Ix x;

	enter(p);
	x = take(p, "-") ? ix_mulc(term(p), -1) : term(p);
	for (;;)
		if (take(p, "+"))
			x = ix_add(x, term(p));
		else if (take(p, "-"))
			x = ix_sub(x, term(p));
		else
			break;
	p->depth--;
	return x;
}

/* "i3 < poly": the variable, now in scope */
static Ix
bound(Parser *p)
{
	char *w = word(p), *end;
	long id = w[0] == 'i' && isdigit((unsigned char)w[1]) ? strtol(w + 1, &end, 10) : -1;
	Ix ext, v;

	if (id < 0 || *end || id > 1 << 28)
		fail(p, "'%s' is no loop variable: i and a number", quoted(w));
	want(p, "<");
	ext = poly(p);
	v = ix_var((int)id, ext);
	push(&p->index, ((__typeof__(*p->index.p)){(int)id, v}));
	return v;
}

/* expressions */

static Expr *
build(Parser *p, EOp op, DType dt, Expr *const *a, int n)
{
	const char *wrong = ex_check(op, dt, a, n);

	if (wrong)
		fail(p, "%s: %s", eop_info[op].text, wrong);
	return ex_op(op, dt, a, n);
}

static Expr *
constant(Parser *p, bool negative)
{
	const char *s = p->p;
	char *end;
	double v;
	uint64_t bits;
	bool hex = *s == '#';
	DType d;

	errno = 0;
	v = hex ? 0 : strtod(s, &end);
	bits = strtoull(s + hex, hex ? &end : NULL, hex ? 16 : 10);
	if (end == s + hex)
		fail(p, "expected a number");
	p->p = end;
	want(p, ":");
	d = dtype(p);
	if (dtype_info[d].class == DC_S || dtype_info[d].class == DC_C)
		fail(p, "no constants of dtype %s", dt_text(d));
	if (hex || d == DT_U64)
		return ex_bits(d, bits);
	if (d == DT_I64)
		return ex_bits(d, negative ? 0 - bits : bits);
	return ex_float(d, negative ? -v : v);
}

static Expr *
guard(Parser *p)
{
	VEC(Ix) c = {0};
	Expr *a[2];

	do
		push(&c, poly(p));
	while (take(p, ","));
	want(p, ";");
	a[0] = expr(p);
	want(p, ",");
	a[1] = expr(p);
	want(p, ")");
	if (a[0]->dt != a[1]->dt)
		fail(p, "guard of %s and %s", dt_text(a[0]->dt), dt_text(a[1]->dt));
	return ex_guard(c.p, c.n, a[0], a[1]);
}

static Expr *
reduce(Parser *p)
{
	VEC(Ix) v = {0};
	char *w = word(p);
	int r = 0, scope = p->index.n;
	Expr *e;

	while (r < NROP && strcmp(w, rop_text[r]))
		r++;
	if (r == NROP)
		fail(p, "no reduction is called '%s'", quoted(w));
	want(p, "(");
	do
		push(&v, bound(p));
	while (take(p, ","));
	want(p, ";");
	e = expr(p);
	want(p, ")");
	p->index.n = scope;
	return ex_reduce((ROp)r, v.p, v.n, e);
}

static Expr *
operation(Parser *p, const char *w)
{
	Expr *a[3];
	DType dt = DT_NONE;
	int op = 0, n = 0;

	while (op < NEOP && (!eop_info[op].text || strcmp(w, eop_info[op].text)))
		op++;
	if (op == NEOP || op < E_SELECT)
		fail(p, "no operation is called '%s'", quoted(w));
	if (take(p, "."))
		dt = dtype(p);
	want(p, "(");
	do {
		if (n == 3)
			fail(p, "too many operands");
		a[n++] = expr(p);
	} while (take(p, ","));
	want(p, ")");
	if (n != eop_info[op].n)
		fail(p, "%s takes %d operands, got %d", w, eop_info[op].n, n);
	return build(p, (EOp)op, dt, a, n);
}

static Mem *
mem_named(Parser *p, const char *w)
{
	Mem *m = map_str(p->mem, w);

	if (!m)
		fail(p, "no memory is called '%s'", quoted(w));
	return m;
}

/* name.3, name@3, or a load from one */
static Expr *
variable(Parser *p, char *w)
{
	Var *v;
	Mem *m;
	Ix at;

	w = fmt("%s%c", w, *p->p++);
	w = fmt("%s%d", w, small(p));
	if (take(p, "[")) {
		m = mem_named(p, w);
		at = poly(p);
		want(p, "]");
		return ex_load(m, at);
	}
	if (!(v = map_str(p->var, w)))
		fail(p, "no variable is called '%s'", quoted(w));
	return ex_var(v);
}

static Expr *
named_expr(Parser *p)
{
	char *w = word(p);
	Ix x;

	if (!strcmp(w, "true") || !strcmp(w, "false"))
		return ex_bits(DT_BOOL, *w == 't');
	if ((*p->p == '.' || *p->p == '@') && isdigit((unsigned char)p->p[1]))
		return variable(p, w);
	if (!strcmp(w, "ix") && take(p, "(")) {
		x = poly(p);
		want(p, ")");
		return ex_ix(x);
	}
	if (!strcmp(w, "guard") && take(p, "("))
		return guard(p);
	if (!strcmp(w, "reduce") && take(p, "."))
		return reduce(p);
	return operation(p, w);
}

static Expr *
expr(Parser *p)
{
	Expr *e;
	int i;

	enter(p);
	if (take(p, "$")) {
		if ((i = small(p)) >= p->name.n)
			fail(p, "$%d is not defined", i);
		e = p->name.p[i];
	} else if (take(p, "-"))
		e = constant(p, true);
	else if (isdigit((unsigned char)*p->p) || *p->p == '#')
		e = constant(p, false);
	else
		e = named_expr(p);
	p->depth--;
	return e;
}

/* statements */

static char *
full_name(Parser *p, int *id)
{
	char *w = word(p), sep = *p->p;

	if (sep != '.' && sep != '@')
		fail(p, "expected a name with a number");
	p->p++;
	*id = small(p);
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
	Expr *e = expr(p);

	if (e->dt != DT_BOOL)
		fail(p, "a condition of dtype %s", dt_text(e->dt));
	return e;
}

static void
type(Parser *p, Mem *m)
{
	m->packed = take(p, "packed");
	m->dt = dtype(p);
	want(p, "[");
	m->size = take(p, "?") ? NULL : poly(p);
	want(p, "]");
}

static void
parse_for(Parser *p, Stmt *s)
{
	s->var = bound(p);
	s->kind = take(p, "unrolled") ? F_UNROLLED : take(p, "parallel") ? F_PARALLEL : F_SERIAL;
	s->body = block(p);
	p->index.n--;
}

static void
parse_let(Parser *p, Stmt *s)
{
	int id;
	char *w = full_name(p, &id);

	s->v = NEW(Var);
	s->v->id = id;
	s->v->name = base_name(w);
	want(p, ":");
	s->v->dt = dtype(p);
	want(p, "=");
	s->e = expr(p);
	if (s->e->dt != s->v->dt)
		fail(p, "%s of dtype %s gets %s", w, dt_text(s->v->dt), dt_text(s->e->dt));
	*map_at_str(p->var, w) = s->v;
}

static void
parse_set(Parser *p, Stmt *s)
{
	int id;
	char *w = full_name(p, &id);

	if (!(s->v = map_str(p->var, w)))
		fail(p, "no variable is called '%s'", quoted(w));
	want(p, "=");
	s->e = expr(p);
	if (s->e->dt != s->v->dt)
		fail(p, "%s of dtype %s gets %s", w, dt_text(s->v->dt), dt_text(s->e->dt));
}

static void
parse_store(Parser *p, Stmt *s)
{
	int id;
	char *w = full_name(p, &id);

	s->mem = mem_named(p, w);
	want(p, "[");
	s->ix = poly(p);
	want(p, "]");
	want(p, "=");
	s->e = expr(p);
	if (s->e->dt != s->mem->dt)
		fail(p, "%s of dtype %s gets %s", w, dt_text(s->mem->dt), dt_text(s->e->dt));
}

static void
parse_array(Parser *p, Stmt *s)
{
	int id;
	char *w = full_name(p, &id);

	s->mem = NEW(Mem);
	s->mem->id = id;
	s->mem->name = base_name(w);
	s->mem->space = SP_PRIVATE;
	want(p, ":");
	type(p, s->mem);
	*map_at_str(p->mem, w) = s->mem;
}

static void
parse_if(Parser *p, Stmt *s)
{
	s->e = condition(p);
	s->body = block(p);
	s->other = take(p, "else") ? block(p) : NULL;
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
	s->status = small(p);
	s->e = take(p, "if") ? condition(p) : NULL;
}

static void
parse_note(Parser *p, Stmt *s)
{
	s->text = string(p);
}

static Stmt *
stmt(Parser *p)
{
	static const struct { const char *word; SOp op; void (*f)(Parser *, Stmt *); } table[] = {
		{"for", S_FOR, parse_for}, {"while", S_WHILE, parse_while}, {"if", S_IF, parse_if},
		{"let", S_LET, parse_let}, {"set", S_SET, parse_set}, {"store", S_STORE, parse_store},
		{"array", S_ARRAY, parse_array}, {"fail", S_FAIL, parse_fail}, {"note", S_NOTE, parse_note},
	};
	Stmt *s;

	p->name.n = 0;
	while (take(p, "$")) {
		if (small(p) != p->name.n)
			fail(p, "names are defined in order: $%d", p->name.n);
		want(p, "=");
		push(&p->name, expr(p));
	}
	skip(p);
	if (*p->p == '{')
		return block(p);
	for (int i = 0; i < LEN(table); i++)
		if (take(p, table[i].word)) {
			s = st_new(table[i].op);
			table[i].f(p, s);
			return s;
		}
	fail(p, "expected a statement");
}

static Stmt *
block(Parser *p)
{
	Stmt *b = st_block();

	enter(p);
	want(p, "{");
	while (!take(p, "}"))
		st_add(b, stmt(p));
	p->depth--;
	return b;
}

/* kernels */

static void
param(Parser *p)
{
	Mem *m = NEW(Mem);
	char *w;

	if (!take(p, "inout") && !take(p, "in"))
		take(p, "out");
	w = full_name(p, &m->id);
	if (m->id != p->k->param.n || !strchr(w, '.'))
		fail(p, "parameter %d is called %s", p->k->param.n, quoted(w));
	m->name = base_name(w);
	want(p, ":");
	type(p, m);
	*map_at_str(p->mem, w) = m;
	push(&p->k->param, m);
}

static void
header(Parser *p)
{
	char *end;

	want(p, "(");
	while (!take(p, ")")) {
		if (take(p, ";")) {
			do
				named_index(p, word(p));
			while (take(p, ","));
			want(p, ")");
			break;
		}
		if (p->k->param.n)
			want(p, ",");
		param(p);
	}
	p->k->fails = take(p, "fails");
	p->k->heap = take(p, "heap");
	if (take(p, "macs")) {
		skip(p);
		p->k->macs = strtod(p->p, &end);
		p->p = end;
	}
}

Kern *
ir_parse_kern(const char *text, const char *file)
{
	Parser p = {.p = text, .text = text, .file = file, .var = map_new(), .mem = map_new()};
	const char *note = take(&p, "note") ? string(&p) : NULL;

	want(&p, "kernel");
	p.k = kern_new(word(&p));
	p.k->note = note;
	header(&p);
	p.k->nvar = 0;
	p.k->body = block(&p);
	skip(&p);
	if (*p.p)
		fail(&p, "text after the kernel");
	kern_finish(p.k);
	return p.k;
}
