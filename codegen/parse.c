/* The loop IR's parser: recursive descent over the text that print.c writes; man/zenithc-ir.5 has the
 * grammar. What text does not hold (weights' bytes, graph values) is NULL. Symbols are found by the text
 * under which they were printed. */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* words */

_Noreturn void
pa_fail(Parser *p, const char *f, ...)
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

void
pa_skip(Parser *p)
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
bool
pa_take(Parser *p, const char *t)
{
	size_t n = strlen(t);

	pa_skip(p);
	if (strncmp(p->p, t, n) || (is_word((unsigned char)t[n - 1]) && is_word((unsigned char)p->p[n])))
		return false;
	p->p += n;
	return true;
}

void
pa_want(Parser *p, const char *t)
{
	char got[12];

	if (pa_take(p, t))
		return;
	snprintf(got, sizeof got, "%s", p->p);
	if (*p->p)
		pa_fail(p, "expected '%s', got '%s'", t, quoted(got));
	pa_fail(p, "expected '%s', got the end", t);
}

char *
pa_word(Parser *p)
{
	const char *s;

	pa_skip(p);
	s = p->p;
	if (!isalpha((unsigned char)*s) && *s != '_')
		pa_fail(p, "expected a name");
	while (is_word((unsigned char)*p->p))
		p->p++;
	return fmt("%.*s", (int)(p->p - s), s);
}

int64_t
pa_number(Parser *p)
{
	char *end;
	long long v;

	pa_skip(p);
	if (!isdigit((unsigned char)*p->p))
		pa_fail(p, "expected a number");
	errno = 0;
	v = strtoll(p->p, &end, 10);
	if (errno)
		pa_fail(p, "number too large");
	p->p = end;
	return v;
}

int
pa_small(Parser *p)
{
	int64_t v = pa_number(p);

	if (v > 1 << 24)
		pa_fail(p, "number too large");
	return (int)v;
}

void
pa_enter(Parser *p)
{
	if (++p->depth > DEEPEST)
		pa_fail(p, "nested deeper than %d", DEEPEST);
}

DType
pa_dtype(Parser *p)
{
	char *w = pa_word(p);

	for (int d = 1; d < NDTYPE; d++)
		if (!strcmp(w, dt_text((DType)d)))
			return (DType)d;
	if (dt_parse(w) != DT_NONE)
		return dt_parse(w);
	pa_fail(p, "no dtype is called '%s'", quoted(w));
}

char *
pa_string(Parser *p)
{
	Buf b = {0};
	unsigned c;

	pa_want(p, "\"");
	for (; *p->p && *p->p != '"'; p->p++) {
		c = (unsigned char)*p->p;
		if (c == '\\' && p->p[1] == 'x') {
			if (sscanf(p->p + 2, "%2x", &c) != 1 || !c)
				pa_fail(p, "bad escape");
			p->p += 3;
		} else if (c == '\\' && p->p[1])
			c = (unsigned char)*++p->p;
		buf_fmt(&b, "%c", (int)c);
	}
	pa_want(p, "\"");
	return buf_str(&b);
}

/* indices: poly = ['-'] term {('+' | '-') term}; term = factor {'*' factor} */

Ix
pa_named_index(Parser *p, char *w)
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
			pa_fail(p, "%s is not in scope", w);
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
		pa_fail(p, "the divisor is not positive");
	return q;
}

static Ix
call_index(Parser *p, const char *w)
{
	Ix x = pa_poly(p), y;

	pa_want(p, ",");
	y = pa_poly(p);
	pa_want(p, ")");
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
	pa_fail(p, "no index function is called '%s'", quoted(w));
}

static Ix
factor(Parser *p)
{
	Ix x;
	Expr *e;
	char *w;

	pa_skip(p);
	if (isdigit((unsigned char)*p->p))
		return ix_int(pa_number(p));
	if (pa_take(p, "(")) {
		x = pa_poly(p);
		pa_want(p, ")");
		return x;
	}
	if (pa_take(p, "[")) {
		e = pa_expr(p);
		pa_want(p, "]");
		if (e->dt != DT_I64)
			pa_fail(p, "an index of dtype %s", dt_text(e->dt));
		return ex_as_ix(e, NULL, NULL);
	}
	w = pa_word(p);
	return pa_take(p, "(") ? call_index(p, w) : pa_named_index(p, w);
}

static Ix
term(Parser *p)
{
	Ix x = factor(p);

	while (pa_take(p, "*"))
		x = ix_mul(x, factor(p));
	return x;
}

Ix
pa_poly(Parser *p)
{
	Ix x;

	pa_enter(p);
	x = pa_take(p, "-") ? ix_mulc(term(p), -1) : term(p);
	for (;;)
		if (pa_take(p, "+"))
			x = ix_add(x, term(p));
		else if (pa_take(p, "-"))
			x = ix_sub(x, term(p));
		else
			break;
	p->depth--;
	return x;
}

/* "i3 < poly": the variable, now in scope */
Ix
pa_bound(Parser *p)
{
	char *w = pa_word(p), *end;
	long id = w[0] == 'i' && isdigit((unsigned char)w[1]) ? strtol(w + 1, &end, 10) : -1;
	Ix ext, v;

	if (id < 0 || *end || id > 1 << 28)
		pa_fail(p, "'%s' is no loop variable: i and a number", quoted(w));
	pa_want(p, "<");
	ext = pa_poly(p);
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
		pa_fail(p, "%s: %s", eop_info[op].text, wrong);
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
		pa_fail(p, "expected a number");
	p->p = end;
	pa_want(p, ":");
	d = pa_dtype(p);
	if (dtype_info[d].class == DC_S || dtype_info[d].class == DC_C)
		pa_fail(p, "no constants of dtype %s", dt_text(d));
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
		push(&c, pa_poly(p));
	while (pa_take(p, ","));
	pa_want(p, ";");
	a[0] = pa_expr(p);
	pa_want(p, ",");
	a[1] = pa_expr(p);
	pa_want(p, ")");
	if (a[0]->dt != a[1]->dt)
		pa_fail(p, "guard of %s and %s", dt_text(a[0]->dt), dt_text(a[1]->dt));
	return ex_guard(c.p, c.n, a[0], a[1]);
}

static Expr *
reduce(Parser *p)
{
	VEC(Ix) v = {0};
	char *w = pa_word(p);
	int r = 0, scope = p->index.n;
	Expr *e;

	while (r < NROP && strcmp(w, rop_text[r]))
		r++;
	if (r == NROP)
		pa_fail(p, "no reduction is called '%s'", quoted(w));
	pa_want(p, "(");
	do
		push(&v, pa_bound(p));
	while (pa_take(p, ","));
	pa_want(p, ";");
	e = pa_expr(p);
	pa_want(p, ")");
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
		pa_fail(p, "no operation is called '%s'", quoted(w));
	if (pa_take(p, "."))
		dt = pa_dtype(p);
	pa_want(p, "(");
	do {
		if (n == 3)
			pa_fail(p, "too many operands");
		a[n++] = pa_expr(p);
	} while (pa_take(p, ","));
	pa_want(p, ")");
	if (n != eop_info[op].n)
		pa_fail(p, "%s takes %d operands, got %d", w, eop_info[op].n, n);
	return build(p, (EOp)op, dt, a, n);
}

Mem *
pa_mem_named(Parser *p, const char *w)
{
	Mem *m = map_str(p->mem, w);

	if (!m)
		pa_fail(p, "no memory is called '%s'", quoted(w));
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
	w = fmt("%s%d", w, pa_small(p));
	if (pa_take(p, "[")) {
		m = pa_mem_named(p, w);
		at = pa_poly(p);
		pa_want(p, "]");
		return ex_load(m, at);
	}
	if (!(v = map_str(p->var, w)))
		pa_fail(p, "no variable is called '%s'", quoted(w));
	return ex_var(v);
}

/* word(name.3[p]) */
static Expr *
word_load(Parser *p)
{
	Expr *e = variable(p, pa_word(p));

	pa_want(p, ")");
	if (e->op != E_LOAD || (e->dt != DT_I8 && e->dt != DT_U8))
		pa_fail(p, "word(): not a load of i8 or u8");
	return ex_load4(e->u.mem, e->ix[0]);
}

static Expr *
named_expr(Parser *p)
{
	char *w = pa_word(p);
	Ix x;

	if (!strcmp(w, "true") || !strcmp(w, "false"))
		return ex_bits(DT_BOOL, *w == 't');
	if ((*p->p == '.' || *p->p == '@') && isdigit((unsigned char)p->p[1]))
		return variable(p, w);
	if (!strcmp(w, "ix") && pa_take(p, "(")) {
		x = pa_poly(p);
		pa_want(p, ")");
		return ex_ix(x);
	}
	if (!strcmp(w, "word") && pa_take(p, "("))
		return word_load(p);
	if (!strcmp(w, "guard") && pa_take(p, "("))
		return guard(p);
	if (!strcmp(w, "reduce") && pa_take(p, "."))
		return reduce(p);
	return operation(p, w);
}

Expr *
pa_expr(Parser *p)
{
	Expr *e;
	int i;

	pa_enter(p);
	if (pa_take(p, "$")) {
		if ((i = pa_small(p)) >= p->name.n)
			pa_fail(p, "$%d is not defined", i);
		e = p->name.p[i];
	} else if (pa_take(p, "-"))
		e = constant(p, true);
	else if (isdigit((unsigned char)*p->p) || *p->p == '#' || !strncmp(p->p, "inf:", 4))
		e = constant(p, false);
	else
		e = named_expr(p);
	p->depth--;
	return e;
}
