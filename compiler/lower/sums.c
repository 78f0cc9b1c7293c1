/* Long sums of symbols in a kernel's indices, computed once by the program.
 *
 * Where a Concat has many parts of sizes that data decide, the offset of the last is the sum of all others. C
 * compilers analyse every such sum in every loop: clang 14 took two minutes over 90 parts. So a sum of LONG terms
 * or more is bound to a symbol before the call, as the one before it and what differs, and the kernel gets the
 * symbol. requires: a finished kernel. */
#include "program.h"

enum { LONG = 4 };

typedef struct Sums {
	Lower *lo;
	Stmt *b;
	Map *at;                 /* sum -> its symbol */
	Ix sum, sym;             /* the last */
} Sums;

static bool varies(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_VAR || a->kind == IX_EXPR;
}

/* the terms that no loop changes, and how many they are */
static Ix settled(Ix p, int *n)
{
	Ix r = ix_int(0), t;

	*n = 0;
	for (int i = 0; i < p->n; i++) {
		t = ix_int(p->t[i].c);
		for (int k = 0; k < p->t[i].n; k++)
			t = ix_mul(t, ix_of(p->t[i].a[k]));
		if (!ix_any(t, varies, NULL)) {
			r = ix_add(r, t);
			++*n;
		}
	}
	return r;
}

static Ix symbol_of(Sums *z, Ix sum)
{
	void **slot = map_at_ptr(z->at, sum);
	int64_t lo, hi;
	Ix rest, sym;

	if (*slot)
		return *slot;
	ix_bounds(sum, &lo, &hi);
	sym = ix_sym(NULL, lo == INT64_MIN ? NULL : ix_int(lo), hi == INT64_MAX ? NULL : ix_int(hi));
	rest = z->sum ? ix_sub(sum, z->sum) : NULL;
	emit_bind(z->lo, z->b, sym, rest && rest->n < LONG ? ix_add(z->sym, rest) : sum);
	z->sum = sum;
	z->sym = sym;
	*(Ix *)slot = sym;
	return sym;
}

static Ix shorter(Sums *z, Ix p)
{
	Ix sum;
	int n;

	if (!p || p->n < LONG)
		return p;
	sum = settled(p, &n);
	return n < LONG ? p : ix_add(ix_sub(p, sum), symbol_of(z, sum));
}

static Expr *shorter_load(const Expr *e, void *arg)
{
	Ix ix;

	if (e->op != E_LOAD)
		return NULL;
	ix = shorter(arg, e->ix[0]);
	return ix == e->ix[0] ? NULL : ex_load(e->u.mem, ix);
}

static void shorter_stmt(Stmt *s, void *arg)
{
	if (s->op == S_STORE)
		s->ix = shorter(arg, s->ix);
	if (s->e)
		s->e = ex_subst(s->e, shorter_load, NULL, arg);
}

void bind_sums(Lower *lo, Stmt *b, Kern *k)
{
	Sums z = { .lo = lo, .b = b, .at = map_new() };

	if (k->sym.n < LONG)
		return;
	for (int i = 0; i < k->variant.n; i++)
		st_each(k->variant.p[i]->body, shorter_stmt, &z);
	st_each(k->body, shorter_stmt, &z);
	if (z.sym)
		kern_finish(k);
}
