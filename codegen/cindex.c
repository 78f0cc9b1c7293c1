/* The printer of indices: polynomials as C, 32 bits wide where every part of them provably fits. */
#include "emit.h"

#include <inttypes.h>

#define HUGE_REACH 1e30

/* greatest |value| as a number, infinite if unknown */
static double reach(Ix);

static double
magnitude(int64_t v)
{
	return v == INT64_MIN || v == INT64_MAX ? HUGE_REACH : v < 0 ? -(double)v : (double)v;
}

static double
larger(double a, double b)
{
	return a > b ? a : b;
}

static double
reach_atom(const IxAtom *a)
{
	int64_t lo = INT64_MIN, hi = INT64_MAX, x;

	switch (a->kind) {
	case IX_VAR:
		ix_bounds(a->a, &x, &hi);
		return magnitude(hi);
	case IX_SYM: case IX_EXPR:
		if (a->lo)
			ix_bounds(a->lo, &lo, &x);
		if (a->hi)
			ix_bounds(a->hi, &x, &hi);
		return larger(magnitude(lo), magnitude(hi));
	case IX_DIV:
		return reach(a->b) > INT32_MAX ? HUGE_REACH : reach(a->a) + 1;
	default:
		return larger(reach(a->a), reach(a->b));
	}
}

static double
reach(Ix ix)
{
	double sum = magnitude(ix->c), m;

	for (int i = 0; i < ix->n; i++) {
		m = magnitude(ix->t[i].c);
		for (int k = 0; k < ix->t[i].n; k++)
			m *= reach_atom(ix->t[i].a[k]);
		sum += m;
	}
	return sum;
}

bool
cp_sym_fits(const IxAtom *a)
{
	return reach_atom(a) <= INT32_MAX;
}

bool
cp_ix_fits(Ix ix)
{
	return reach(ix) <= INT32_MAX;
}

static void print_ix(CPrint *, Ix, enum prec);

static void
print_call2(CPrint *p, const char *f, Ix a, Ix b)
{
	const char *s = fmt("%s%s", f, p->t->index_suffix[p->wide]);

	prelude_need(p->pre, s);
	cp_text(p, "%s(", s);
	print_ix(p, a, P_COND);
	cp_text(p, ", ");
	print_ix(p, b, P_COND);
	cp_text(p, ")");
}

static void
print_atom(CPrint *p, const IxAtom *a, enum prec min)
{
	size_t at = p->b->n;

	switch (a->kind) {
	case IX_VAR: case IX_SYM:
		if (!map_ptr(p->name, a))
			bug("index %s printed outside its scope",
				a->name ? a->name : fmt("%d:%d", a->kind, a->id));
		cp_text(p, "%s", (const char *)map_ptr(p->name, a));
		if (p->used)
			*map_at_ptr(p->used, a) = p;
		break;
	case IX_DIV:
		if (!ix_ge0(a->a) || !ix_isint(a->b, &(int64_t){0})) {
			print_call2(p, "zn_floordiv", a->a, a->b);
			break;
		}
		print_ix(p, a->a, P_MUL);
		cp_text(p, " / ");
		print_ix(p, a->b, P_UNARY);
		cp_wrap(p, at, P_MUL, min);
		break;
	case IX_MIN: print_call2(p, "zn_min", a->a, a->b); break;
	case IX_MAX: print_call2(p, "zn_max", a->a, a->b); break;
	case IX_BCAST: print_call2(p, "zn_bcast", a->a, a->b); break;
	case IX_EXPR:
		if (!p->wide)
			cp_text(p, "(int32_t)");
		cp_expr(p, a->e, p->wide ? min : P_UNARY);
		if (!p->wide)
			cp_wrap(p, at, P_UNARY, min);
		break;
	}
}

static void
print_coef(CPrint *p, int64_t c)
{
	if (c > INT32_MAX)
		cp_text(p, "INT64_C(%" PRId64 ")", c);
	else
		cp_text(p, "%" PRId64, c);
}

/* the sign has been printed */
static void
print_term(CPrint *p, const IxTerm *t, int64_t c)
{
	if (c != 1)
		print_coef(p, c);
	for (int k = 0; k < t->n; k++) {
		if (c != 1 || k)
			cp_text(p, "*");
		print_atom(p, t->a[k], k || c != 1 ? P_UNARY : P_MUL);
	}
}

typedef struct Mod { int64_t k; Ix a; int64_t q; } Mod;

/* k*(a % q) inside ix, a >= 0: taken out */
static bool
take_mod(Ix *ix, Mod *m)
{
	for (int i = 0; i < (*ix)->n; i++) {
		const IxTerm *t = &(*ix)->t[i];
		Ix rest;

		if (t->n != 1 || t->a[0]->kind != IX_DIV || !ix_isint(t->a[0]->b, &m->q) || t->c % m->q)
			continue;
		m->k = -(t->c / m->q);
		m->a = t->a[0]->a;
		rest = ix_sub(*ix, ix_mulc(ix_mod(m->a, ix_int(m->q)), m->k));
		if (rest->n + 1 + m->a->n != (*ix)->n || !ix_ge0(m->a))
			continue;
		*ix = rest;
		return true;
	}
	return false;
}

static void
print_sign(CPrint *p, size_t at, bool minus)
{
	if (p->b->n > at)
		cp_text(p, minus ? " - " : " + ");
	else if (minus)
		cp_text(p, "-");
}

static void
print_mod(CPrint *p, const Mod *m, size_t at)
{
	int64_t k = m->k < 0 ? -m->k : m->k;

	print_sign(p, at, m->k < 0);
	if (k != 1) {
		print_coef(p, k);
		cp_text(p, "*(");
	}
	print_ix(p, m->a, P_MUL);
	cp_text(p, " %% ");
	print_coef(p, m->q);
	if (k != 1)
		cp_text(p, ")");
}

static void
print_ix(CPrint *p, Ix ix, enum prec min)
{
	size_t at = p->b->n;
	enum prec is;
	Mod m;
	int parts = 0;

	if (!ix->n) {
		if (ix->c == INT64_MIN)
			cp_text(p, "INT64_MIN");
		else
			cp_text(p,
				ix->c > INT32_MAX || ix->c < -INT32_MAX ? "INT64_C(%" PRId64 ")" : "%" PRId64,
				ix->c);
		cp_wrap(p, at, ix->c < 0 ? P_UNARY : P_POST, min);
		return;
	}
	is = ix->n == 1 && !ix->c && ix->t->n == 1 && ix->t->c == 1 ? P_POST : P_MUL;
	if (is == P_POST) {
		print_atom(p, ix->t->a[0], min);
		return;
	}
	for (; take_mod(&ix, &m); parts++)
		print_mod(p, &m, at);
	for (int sign = 0; sign < 2; sign++)
		for (int i = 0; i < ix->n; i++) {
			if ((ix->t[i].c < 0) != sign)
				continue;
			print_sign(p, at, sign);
			print_term(p, &ix->t[i], sign ? -ix->t[i].c : ix->t[i].c);
			parts++;
		}
	if (ix->c && ix->c != INT64_MIN) {
		print_sign(p, at, ix->c < 0);
		print_coef(p, ix->c < 0 ? -ix->c : ix->c);
		parts++;
	}
	cp_wrap(p, at, parts > 1 || p->b->p[at] == '-' ? P_ADD : P_MUL, min);
}

void
cp_ix(CPrint *p, Ix ix, enum prec min)
{
	print_ix(p, p->resolve ? p->resolve(ix, p->arg) : ix, min);
}
