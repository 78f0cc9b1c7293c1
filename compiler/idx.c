/* The index algebra, see idx.h: the pool, sums and products, atoms. Quotients, min, max and bcast
 * are in idxdiv.c, proofs in idxproof.c, structure and text in idxtext.c.
 *
 * A monomial is an interned array of atoms, sorted; a polynomial is a sorted list of monomials with
 * coefficients. Sums and products are thus canonical.
 */
#include "idxpool.h"

#include <stdlib.h>

enum { MAXTERMS = 4096, MAXDEPTH = 1000 };

IxPool *
ix_pool(void)
{
	IxPool *z = zn->ix;

	if (z)
		return z;
	zn->ix = z = NEW(IxPool);
	z->mono = map_new();
	z->atom = map_new();
	z->div = map_new();
	z->name = map_new();
	return z;
}

static void
overflow(void)
{
	if (!ix_pool()->soft)
		fatal(EX_LIMIT, rule_where(), "a size or index does not fit in 64 bits, or has too many terms");
	zn->ix->over = true;
}

bool
ix_soft(void)
{
	IxPool *z = ix_pool();
	bool saved = z->over;

	z->soft++;
	z->over = false;
	return saved;
}

bool
ix_hard(bool saved)
{
	IxPool *z = ix_pool();
	bool ok = !z->over;

	z->soft--;
	z->over = saved;
	return ok;
}

static int64_t
cadd(int64_t a, int64_t b)
{
	int64_t r;

	if (add_ok(a, b, &r))
		return r;
	overflow();
	return 0;
}

static int64_t
cmul(int64_t a, int64_t b)
{
	int64_t r;

	if (mul_ok(a, b, &r))
		return r;
	overflow();
	return 0;
}

int64_t
ix_floor(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* monomials */

static int
atom_cmp(const IxAtom *x, const IxAtom *y)
{
	if (x == y)
		return 0;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return ATOM(x)->serial < ATOM(y)->serial ? -1 : 1;
}

static int
term_cmp(const IxTerm *x, const IxTerm *y)
{
	int d;

	if (x->a == y->a)
		return 0;
	for (int i = 0; i < x->n && i < y->n; i++)
		if ((d = atom_cmp(x->a[i], y->a[i])))
			return d;
	return y->n - x->n;
}

IxTerm
ix_mono(int64_t c, const IxAtom *const *a, int n)
{
	void **slot = map_at(ix_pool()->mono, a, sizeof *a * (size_t)n);
	Arena *was = keep_begin();

	if (!*slot)
		*slot = n ? copy_mem(a, sizeof *a * (size_t)n) : NEW(void *);
	keep_end(was);
	return (IxTerm){c, n, *slot};
}

static IxTerm
mono_mul(const IxTerm *x, const IxTerm *y)
{
	const IxAtom *a[256];
	int n = 0, i = 0, j = 0;

	if (x->n + y->n > LEN(a)) {
		overflow();
		return *x;
	}
	while (i < x->n || j < y->n)
		a[n++] = j == y->n || (i < x->n && atom_cmp(x->a[i], y->a[j]) <= 0) ? x->a[i++] : y->a[j++];
	return ix_mono(cmul(x->c, y->c), a, n);
}

bool
ix_mono_div(const IxTerm *x, const IxTerm *y, IxTerm *q)
{
	const IxAtom *a[256];
	int n = 0, j = 0;

	for (int i = 0; i < x->n; i++)
		if (j < y->n && x->a[i] == y->a[j])
			j++;
		else
			a[n++] = x->a[i];
	if (j < y->n)
		return false;
	*q = ix_mono(1, a, n);
	return true;
}

static int64_t
gcd(int64_t a, int64_t b)
{
	for (int64_t t; b; b = t) {
		t = b == -1 ? 0 : a % b;
		a = b;
	}
	return a == INT64_MIN ? 1 : a < 0 ? -a : a;
}

IxTerm
ix_mono_gcd(const IxTerm *x, const IxTerm *y)
{
	const IxAtom *a[256];
	int n = 0, d;

	for (int i = 0, j = 0; i < x->n && j < y->n;) {
		d = atom_cmp(x->a[i], y->a[j]);
		if (!d)
			a[n++] = x->a[i];
		i += d <= 0;
		j += d >= 0;
	}
	return ix_mono(gcd(x->c, y->c), a, n);
}

/* polynomials */

/* by creation, never by address: the order of everything is the same in every run */
static uint64_t
poly_hash(int64_t c, const IxTerm *t, int n, int *depth)
{
	uint64_t h = hash_bytes(&c, sizeof c, 0);

	*depth = 0;
	for (int i = 0; i < n; i++) {
		h = (h ^ (uint64_t)t[i].c) * 0xff51afd7ed558ccdu;
		for (int k = 0; k < t[i].n; k++) {
			AtomRec *v = ATOM(t[i].a[k]);
			h = ((h ^ h >> 32) + (uint64_t)v->serial) * 0x9e3779b97f4a7c15u;
			*depth = v->depth > *depth ? v->depth : *depth;
		}
	}
	return h ^ h >> 29;
}

static bool
same_poly(Ix p, int64_t c, const IxTerm *t, int n)
{
	if (p->c != c || p->n != n)
		return false;
	for (int i = 0; i < n; i++)
		if (p->t[i].c != t[i].c || p->t[i].a != t[i].a)
			return false;
	return true;
}

static void
pool_grow(IxPool *z)
{
	int old = z->cap;
	Ix *from = z->table;

	z->cap = old ? old * 2 : 1024;
	z->table = table_grow(NULL, 0, sizeof *from * (size_t)z->cap);
	for (int i = 0; i < old; i++)
		if (from[i]) {
			uint64_t k = from[i]->hash;
			while (z->table[k & (uint64_t)(z->cap - 1)])
				k++;
			z->table[k & (uint64_t)(z->cap - 1)] = from[i];
		}
	table_free((void *)from, sizeof *from * (size_t)old);
}

/* t is sorted, without repetitions and zeros */
static Ix
intern(int64_t c, const IxTerm *t, int n)
{
	IxPool *z = ix_pool();
	int depth;
	uint64_t h = poly_hash(c, t, n, &depth), k = h;
	PolyRec *r;
	Ix *slot;
	Arena *was;

	if (z->npoly >= z->cap / 2)
		pool_grow(z);
	for (;; k++) {
		slot = &z->table[k & (uint64_t)(z->cap - 1)];
		if (!*slot)
			break;
		if ((*slot)->hash == h && same_poly(*slot, c, t, n))
			return *slot;
	}
	was = keep_begin();
	r = NEW(PolyRec);
	r->p = (struct IxPoly){c, n, copy_mem(t, sizeof *t * (size_t)n), h};
	keep_end(was);
	r->serial = z->npoly++;
	r->depth = depth;
	return *slot = &r->p;
}

static int
term_order(const void *x, const void *y)
{
	return term_cmp(x, y);
}

Ix
ix_tidy(int64_t c, const IxTerm *from, int n)
{
	IxTerm buf[64], *t = n <= LEN(buf) ? buf : big_alloc(sizeof *t * (size_t)n);
	int m = 0;
	Ix p;

	for (int i = 0; i < n; i++)
		if (!from[i].n)
			c = cadd(c, from[i].c);
		else
			t[m++] = from[i];
	qsort(t, (size_t)m, sizeof *t, term_order);
	n = 0;
	for (int i = 0; i < m; i++) {
		if (n && t[n - 1].a == t[i].a)
			t[n - 1].c = cadd(t[n - 1].c, t[i].c);
		else
			t[n++] = t[i];
		if (!t[n - 1].c)
			n--;
	}
	p = intern(c, t, n);
	if (t != buf)
		big_free(t);
	return p;
}

Ix
ix_int(int64_t c)
{
	return intern(c, NULL, 0);
}

Ix
ix_of(const IxAtom *v)
{
	return ATOM(v)->poly;
}

/* x*p + y*q */
static Ix
combine(Ix p, int64_t x, Ix q, int64_t y)
{
	int n = p->n + q->n, m = 0, i = 0, j = 0, d;
	IxTerm buf[64], *t = n <= LEN(buf) ? buf : big_alloc(sizeof *t * (size_t)n);
	Ix r;

	while (i < p->n || j < q->n) {
		d = i == p->n ? 1 : j == q->n ? -1 : term_cmp(&p->t[i], &q->t[j]);
		t[m] = d <= 0 ? p->t[i] : q->t[j];
		t[m].c = d < 0 ? cmul(x, p->t[i].c) : d > 0 ? cmul(y, q->t[j].c)
			: cadd(cmul(x, p->t[i].c), cmul(y, q->t[j].c));
		i += d <= 0;
		j += d >= 0;
		m += t[m].c != 0;
	}
	r = intern(cadd(cmul(x, p->c), cmul(y, q->c)), t, m);
	if (t != buf)
		big_free(t);
	return r;
}

Ix
ix_add(Ix p, Ix q)
{
	return combine(p, 1, q, 1);
}

Ix
ix_sub(Ix p, Ix q)
{
	return combine(p, 1, q, -1);
}

Ix
ix_addc(Ix p, int64_t c)
{
	return c ? intern(cadd(p->c, c), p->t, p->n) : p;
}

Ix
ix_mulc(Ix p, int64_t c)
{
	return c == 1 ? p : c ? combine(p, c, ix_int(0), 1) : ix_int(0);
}

Ix
ix_mul(Ix p, Ix q)
{
	IxTerm buf[64], *t = buf;
	int64_t n = (int64_t)(p->n + 1) * (q->n + 1);
	IxTerm one = ix_mono(1, NULL, 0), x, y;
	int m = 0;
	Ix r;

	if (!p->n)
		return ix_mulc(q, p->c);
	if (!q->n)
		return ix_mulc(p, q->c);
	if (n > MAXTERMS) {
		overflow();
		return p;
	}
	if (n > LEN(buf))
		t = big_alloc(sizeof *t * (size_t)n);
	for (int i = 0; i <= p->n; i++)
		for (int j = 0; j <= q->n; j++) {
			x = i < p->n ? p->t[i] : one;
			y = j < q->n ? q->t[j] : one;
			x.c = i < p->n ? x.c : p->c;
			y.c = j < q->n ? y.c : q->c;
			if (x.c && y.c)
				t[m++] = mono_mul(&x, &y);
		}
	r = ix_tidy(0, t, m);
	if (t != buf)
		big_free(t);
	return r;
}

Ix
ix_prod(const Ix *p, int n)
{
	Ix r = ix_int(1);

	for (int i = 0; i < n; i++)
		r = ix_mul(r, p[i]);
	return r;
}

bool
ix_isint(Ix p, int64_t *c)
{
	if (p->n)
		return false;
	if (c)
		*c = p->c;
	return true;
}

bool
ix_is(Ix p, int64_t c)
{
	return !p->n && p->c == c;
}

const IxAtom *
ix_atom(Ix p)
{
	return p->n == 1 && !p->c && p->t->c == 1 && p->t->n == 1 ? p->t->a[0] : NULL;
}

Ix
ix_split(Ix p, const IxAtom *v, Ix *rest)
{
	IxTerm buf[64], *t = p->n <= LEN(buf) ? buf : big_alloc(sizeof *t * (size_t)p->n);
	IxTerm x = ix_mono(1, &v, 1), y;
	int in = 0, out = p->n;
	bool linear = true;
	Ix coef = NULL;

	/* the terms of the coefficient grow from the front, those of the rest from the back */
	for (int i = p->n - 1; i >= 0; i--) {
		if (!ix_mono_div(&p->t[i], &x, &y)) {
			t[--out] = p->t[i];
			continue;
		}
		for (int k = 0; k < y.n; k++)
			linear &= y.a[k] != v;
		y.c = p->t[i].c;
		t[in++] = y;
	}
	if (linear) {
		*rest = intern(p->c, t + out, p->n - out);
		coef = ix_tidy(0, t, in);
	}
	if (t != buf)
		big_free(t);
	return coef;
}

/* atoms */

/* walks that are not ix_any go through a tree, though what it is made of is shared */
enum { MOST_ATOMS = 1 << 17 };

static int64_t
tree_size(Ix p)
{
	int64_t n = 0;

	for (int i = 0; i < p->n; i++)
		for (int k = 0; k < p->t[i].n; k++)
			n += ATOM(p->t[i].a[k])->size;
	return n;
}

AtomRec *
ix_newatom(enum ixkind kind, int id, Ix a, Ix b, const struct Expr *e, bool *fresh)
{
	struct { int64_t kind, id; const void *a, *b, *e; } key = {kind, id, a, b, e};
	IxPool *z = ix_pool();
	void **slot = map_at(z->atom, &key, sizeof key);
	AtomRec *r = *slot;
	const IxAtom *v;
	IxTerm t;
	Arena *was;

	*fresh = !r;
	if (r)
		return r;
	was = keep_begin();
	*slot = r = NEW(AtomRec);
	keep_end(was);
	r->serial = z->natom++;
	r->a = (IxAtom){.kind = kind, .id = kind <= IX_VAR ? id : r->serial, .a = a, .b = b, .e = e};
	r->lo = INT64_MIN;
	r->hi = INT64_MAX;
	r->depth = 1 + (a ? POLY(a)->depth : 0);
	if (b && POLY(b)->depth >= r->depth)
		r->depth = POLY(b)->depth + 1;
	if (r->depth > MAXDEPTH)
		fatal(EX_LIMIT, NULL, "a size or index is nested more than %d deep", MAXDEPTH);
	r->size = b ? 1 + tree_size(a) + tree_size(b) : 1;
	if (r->size > MOST_ATOMS)
		fatal(EX_LIMIT, NULL, "a size or index has too many terms: more than %d, written out", MOST_ATOMS);
	v = &r->a;
	t = ix_mono(1, &v, 1);
	r->poly = intern(0, &t, 1);
	return r;
}

static void
bounded(AtomRec *r, Ix lo, Ix hi)
{
	int64_t x;

	r->a.lo = lo;
	r->a.hi = hi;
	if (lo)
		ix_bounds(lo, &r->lo, &x);
	if (hi)
		ix_bounds(hi, &x, &r->hi);
}

void
ix_bounded_by(AtomRec *r, int64_t lo, int64_t hi)
{
	bounded(r, lo == INT64_MIN ? NULL : ix_int(lo), hi == INT64_MAX ? NULL : ix_int(hi));
}

Ix
ix_sym(const char *name, Ix lo, Ix hi)
{
	IxPool *z = ix_pool();
	bool fresh;
	AtomRec *r = ix_newatom(IX_SYM, z->nsym++, NULL, NULL, NULL, &fresh);
	void **slot;

	if (name) {
		r->a.name = copy_str(name);
		slot = map_at_str(z->name, name);
		if (!*slot)
			*slot = r;
	}
	bounded(r, lo, hi);
	return r->poly;
}

Ix
ix_var(int id, Ix extent)
{
	bool fresh;
	AtomRec *r = ix_newatom(IX_VAR, id, extent, NULL, NULL, &fresh);

	if (fresh)
		bounded(r, ix_int(0), ix_addc(extent, -1));
	return r->poly;
}

Ix
ix_expr(const struct Expr *e, Ix lo, Ix hi)
{
	bool fresh;
	AtomRec *r = ix_newatom(IX_EXPR, 0, NULL, NULL, e, &fresh);

	/* what is known of an expression only grows */
	if (r->a.lo && (!lo || ix_ge(r->a.lo, lo)))
		lo = r->a.lo;
	if (r->a.hi && (!hi || ix_ge(hi, r->a.hi)))
		hi = r->a.hi;
	if (fresh || lo != r->a.lo || hi != r->a.hi)
		bounded(r, lo, hi);
	return r->poly;
}
