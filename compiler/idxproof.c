/* Proofs of the index algebra: the greatest constant below a polynomial, bounds that eliminate atoms.
 *
 * low(P) takes the newest atom v in which P = A*v + R is linear and puts a bound in its place: the lower one
 * where A >= 0, the upper one where A <= 0, and where the sign of A is not known the worse of both (P is
 * linear in v, so its least value lies at an end). An atom is newer than all that it is made of, so bounds
 * meet what they must cancel with.
 *
 *   D = floordiv(p, q)    p - q + 1 <= q*D <= p: P is scaled by s > 0, and P >= (s*P)/s rounds up
 *   min(p, q), A <= 0     the better of A*p + R and A*q + R; for A >= 0 the worse. max the other way;
 *                         bcast the worse
 *
 * Beside that, interval arithmetic, with atoms counted from their lower bounds, decides products.
 */
#include "idxpool.h"

enum {
	STEPS = 300,             /* a proof may take; LONG terms or LARGE numbers of atoms under them count as one more */
	DEEP = 40,
	MANY = 4,                /* terms are worth a look for those that stand alone */
	LONG = 16, LARGE = 256,
	WIDE = 256               /* terms: more are not multiplied out */
};

static const int64_t NONE = INT64_MIN, FAR = INT64_MAX;

/* arithmetic of interval ends: INT64_MIN and INT64_MAX are infinite */
static int64_t
iadd(int64_t a, int64_t b, int64_t inf)
{
	int64_t r;

	return a == inf || b == inf || !add_ok(a, b, &r) ? inf : r;
}

static int64_t
imul(int64_t a, int64_t b)
{
	int64_t r;

	if (!a || !b)
		return 0;
	if (a == NONE || a == FAR || b == NONE || b == FAR || !mul_ok(a, b, &r))
		return (a < 0) == (b < 0) ? FAR : NONE;
	return r;
}

static void
times(int64_t *lo, int64_t *hi, int64_t x, int64_t y)
{
	int64_t v[4] = {imul(*lo, x), imul(*lo, y), imul(*hi, x), imul(*hi, y)};

	*lo = *hi = v[0];
	for (int i = 1; i < 4; i++) {
		*lo = v[i] < *lo ? v[i] : *lo;
		*hi = v[i] > *hi ? v[i] : *hi;
	}
}

static void
interval(Ix p, bool shifted, int64_t *lo, int64_t *hi)
{
	int64_t x, y;
	AtomRec *v;

	*lo = *hi = p->c;
	for (int i = 0; i < p->n; i++) {
		x = y = p->t[i].c;
		for (int k = 0; k < p->t[i].n; k++) {
			v = ATOM(p->t[i].a[k]);
			if (shifted && v->lo != NONE)
				times(&x, &y, 0,
					v->hi == FAR ? FAR : iadd(v->hi, v->lo == NONE ? NONE : -v->lo, FAR));
			else
				times(&x, &y, v->lo, v->hi);
		}
		*lo = iadd(*lo, x, NONE);
		*hi = iadd(*hi, y, FAR);
	}
}

/* the most terms of shift(p) */
static int
shifted_terms(Ix p)
{
	int n = 0, own;

	for (int i = 0; i < p->n && n <= WIDE; i++) {
		own = 1;
		for (int k = 0; k < p->t[i].n && own <= WIDE; k++)
			own *= ATOM(p->t[i].a[k])->lo == NONE || !ATOM(p->t[i].a[k])->lo ? 1 : 2;
		n += own;
	}
	return n;
}

/* every atom v with a constant lower bound, replaced by v + bound: v then counts from 0. NULL if too large */
static Ix
shift(Ix p)
{
	bool saved;
	Ix r = ix_int(p->c), m;

	if (shifted_terms(p) > WIDE)
		return NULL;
	saved = ix_soft();
	for (int i = 0; i < p->n; i++) {
		m = ix_int(p->t[i].c);
		for (int k = 0; k < p->t[i].n; k++) {
			AtomRec *v = ATOM(p->t[i].a[k]);
			m = ix_mul(m, v->lo == NONE ? v->poly : ix_addc(v->poly, v->lo));
		}
		r = ix_add(r, m);
	}
	return ix_hard(saved) ? r : NULL;
}

static bool
linear_in(Ix p, const IxAtom *v)
{
	for (int i = 0; i < p->n; i++)
		for (int k = 1; k < p->t[i].n; k++)
			if (p->t[i].a[k] == v && p->t[i].a[k - 1] == v)
				return false;
	return true;
}

static const IxAtom *
newest(Ix p)
{
	const IxAtom *v = NULL, *w;

	for (int i = 0; i < p->n; i++)
		for (int k = 0; k < p->t[i].n; k++) {
			w = p->t[i].a[k];
			if ((!v || ATOM(w)->serial > ATOM(v)->serial) && linear_in(p, w))
				v = w;
		}
	return v;
}

static int64_t low(Ix p, int deep);

/* p*x + q + c, NULL where it does not fit */
static Ix
soft_sum(Ix p, int64_t x, Ix q, int64_t c)
{
	bool saved = ix_soft();
	Ix r = ix_addc(ix_add(ix_mulc(p, x), q), c);

	return ix_hard(saved) ? r : NULL;
}

/* -1, 1: the sign that p has (0 counts as either); 0: not known */
static int
sign(Ix p, int deep)
{
	if (!p->n)
		return p->c < 0 ? -1 : 1;
	if (low(p, deep) >= 0)
		return 1;
	p = soft_sum(p, -1, ix_int(0), 0);
	return p && low(p, deep) >= 0 ? -1 : 0;
}

/* the least of x*p + y*q + d; NONE if that does not fit */
static int64_t
low_sum(Ix x, Ix p, Ix y, Ix q, int64_t d, int deep)
{
	bool saved = ix_soft();
	Ix r = ix_addc(ix_add(ix_mul(x, p), ix_mul(y, q)), d);

	return ix_hard(saved) ? low(r, deep) : NONE;
}

/* the least of A*v + R with x in v's place */
static int64_t
put(Ix A, Ix R, Ix x, int deep)
{
	return x ? low_sum(ix_int(1), R, A, x, 0, deep) : NONE;
}

static int64_t
greater(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* A*D + R where D = floordiv(p, q). With g dividing both, A = m*g and q = s*g: s*(A*D + R) = m*(q*D) + s*R */
static int64_t
low_div(Ix A, Ix R, const IxAtom *d, int way, int deep)
{
	Ix q = d->b, s, m, R1, end = soft_sum(q, -1, d->a, 1);
	IxTerm g = ix_content(q), h = ix_content(A);
	int64_t r, c = way > 0 ? ATOM(d)->lo : ATOM(d)->hi;
	bool saved = ix_soft();

	g = ix_mono_gcd(&g, &h);
	if (g.n && low(ix_tidy(0, &g, 1), deep) < 0)
		g = ix_mono_gcd(&g, &(IxTerm){g.c, 0, NULL});
	s = ix_over(q, &g);
	m = ix_over(A, &g);
	end = way > 0 ? end : d->a;
	if (!ix_hard(saved) || !end)
		return NONE;
	if (!s->n) {
		r = low_sum(s, R, m, end, 0, deep);
		return r == NONE ? NONE : -ix_floor(-r, s->c);
	}
	/* scaled by a polynomial only the sign survives: s*P > -s, so P > -1 */
	R1 = soft_sum(R, 1, ix_int(0), 1);
	r = R1 ? low_sum(s, R1, m, end, -1, deep) : NONE;
	return greater(r >= 0 ? 0 : NONE, c == NONE || c == FAR ? NONE : put(A, R, ix_int(c), deep));
}

static int64_t
low_end(Ix A, Ix R, const IxAtom *v, int way, int deep)
{
	int64_t x, y;

	switch (v->kind) {
	case IX_SYM:
	case IX_VAR:
	case IX_EXPR:
		return put(A, R, way > 0 ? v->lo : v->hi, deep);
	case IX_DIV:
		return low_div(A, R, v, way, deep);
	case IX_MIN:
	case IX_MAX:
	case IX_BCAST:
		x = put(A, R, v->a, deep);
		y = put(A, R, v->b, deep);
		if (v->kind != IX_BCAST && (v->kind == IX_MIN) == (way < 0))
			return greater(x, y);
		return greater(lesser(x, y), put(A, R, way > 0 ? v->lo : v->hi, deep));
	}
	return NONE;
}

/* marks all that the atoms of term i stand for; *shared gets the terms that meet one another there */
typedef struct Reach { unsigned stamp; bool *shared; int met; } Reach;

static void
reach(Reach *z, Ix p, int i)
{
	AtomRec *v;

	for (int j = 0; p && j < p->n; j++)
		for (int k = 0; k < p->t[j].n; k++) {
			v = ATOM(p->t[j].a[k]);
			z->met++;
			if (v->reached == z->stamp) {
				if (v->by != i)
					z->shared[i] = z->shared[v->by] = true;
				continue;
			}
			v->reached = z->stamp;
			v->by = i;
			reach(z, v->a.a, i);
			reach(z, v->a.b, i);
			reach(z, v->a.lo, i);
			reach(z, v->a.hi, i);
		}
}

/* the bound of c*v that v's constant bounds give */
static int64_t
own_low(const IxTerm *t)
{
	const AtomRec *v = ATOM(t->a[0]);

	return imul(t->c, t->c > 0 ? v->lo : v->hi);
}

/* A term c*v that has nothing in common with the others is least where v is: such terms go all at once, where
 * eliminating them singly would intern a polynomial for each. p itself: there are none. */
static Ix
without_private(Ix p)
{
	_Alignas(IxTerm) char few[32 * (sizeof(IxTerm) + 1)];
	size_t bytes = (sizeof(IxTerm) + 1) * (size_t)p->n;
	IxTerm *t = bytes <= sizeof few ? memset(few, 0, bytes) : big_alloc(bytes);
	Reach z = {++zn->ix->stamp, (bool *)(t + p->n), 0};
	int64_t c = p->c, own, sum;
	int n = 0;
	Ix r;

	for (int i = 0; i < p->n; i++)
		reach(&z, &(struct IxPoly){0, 1, &p->t[i], 0}, i);
	zn->ix->steps -= z.met / LARGE;
	for (int i = 0; i < p->n; i++) {
		own = p->t[i].n > 1 || z.shared[i] ? NONE : own_low(&p->t[i]);
		if (own == NONE || !add_ok(c, own, &sum))
			t[n++] = p->t[i];
		else
			c = sum;
	}
	r = n == p->n ? p : ix_tidy(c, t, n);
	if (t != (void *)few)
		big_free(t);
	return r;
}

static int64_t
low_elim(Ix p, int deep)
{
	Ix A, R = p->n >= MANY && zn->ix->steps > 0 ? without_private(p) : p;
	const IxAtom *v;
	int way;

	if (R != p)
		return low(R, deep);
	v = newest(p);
	if (!v || deep > DEEP || zn->ix->steps <= 0)
		return NONE;
	zn->ix->steps -= 1 + p->n / LONG;
	A = ix_split(p, v, &R);
	way = sign(A, deep + 1);
	if (way)
		return low_end(A, R, v, way, deep + 1);
	return lesser(low_end(A, R, v, 1, deep + 1), low_end(A, R, v, -1, deep + 1));
}

static int64_t
low(Ix p, int deep)
{
	int64_t lo, hi, r;
	bool product = false;
	Ix s;

	if (!p->n)
		return p->c;
	if (POLY(p)->known)
		return POLY(p)->low;
	interval(p, false, &r, &hi);
	for (int i = 0; i < p->n; i++)
		product |= p->t[i].n > 1;
	if (product && (s = shift(p)) && s != p) {
		interval(s, true, &lo, &hi);
		r = greater(r, lo);
	}
	r = greater(r, low_elim(p, deep));
	if (zn->ix->steps > 0 && deep < DEEP / 2) {
		POLY(p)->known = true;
		POLY(p)->low = r;
	}
	return r;
}

static int64_t
lowest(Ix p)
{
	IxPool *z = ix_pool();
	int64_t r;

	if (!p->n)
		return p->c;
	if (POLY(p)->known)
		return POLY(p)->low;
	z->steps = STEPS;
	r = low(p, 0);
	POLY(p)->known = true;
	POLY(p)->low = r;
	return r;
}

static int64_t
highest(Ix p)
{
	Ix m = soft_sum(p, -1, ix_int(0), 0);
	int64_t r = m ? lowest(m) : NONE;

	return r == NONE ? FAR : -r;
}

bool
ix_ge0(Ix p)
{
	return lowest(p) >= 0;
}

bool
ix_ge(Ix p, Ix q)
{
	Ix d = soft_sum(q, -1, p, 0);

	return d && ix_ge0(d);
}

bool
ix_gt0(Ix p)
{
	Ix d = soft_sum(p, 1, ix_int(0), -1);   /* by itself: a polynomial scale proves a sign, not a bound */

	return d && ix_ge0(d);
}

bool
ix_lt0(Ix p)
{
	Ix d = soft_sum(p, -1, ix_int(0), -1);

	return d && ix_ge0(d);
}

bool
ix_bounds(Ix p, int64_t *lo, int64_t *hi)
{
	*lo = lowest(p);
	*hi = highest(p);
	return *lo != NONE || *hi != FAR;
}

/* elimination: an upper (way 1) or lower (way -1) bound of p over the atoms that `gone` names */
typedef struct Elim {
	bool (*gone)(const IxAtom *, void *);
	void *arg;
	int steps;
} Elim;

static Ix elim(Elim *, Ix p, int way);

/* the tighter of two bounds, either of which may be missing */
static Ix
best(Ix x, Ix y, int way)
{
	return !x ? y : !y ? x : way > 0 ? ix_min(x, y) : ix_max(x, y);
}

static Ix
worst(Ix x, Ix y, int way)
{
	return !x || !y ? NULL : way > 0 ? ix_max(x, y) : ix_min(x, y);
}

/* a bound of the atom itself, by its operands' bounds or its own */
static Ix
elim_atom(Elim *z, const IxAtom *v, int way)
{
	Ix own = way > 0 ? v->hi : v->lo, a, b;

	if (v->kind <= IX_VAR || v->kind == IX_EXPR || z->gone(v, z->arg))
		return own;
	a = elim(z, v->a, way);
	if (v->kind == IX_DIV) {
		if (!a || ix_any(v->b, z->gone, z->arg))
			return own;
		return ix_div(a, v->b);
	}
	b = elim(z, v->b, way);
	if ((v->kind == IX_MIN && way > 0) || (v->kind == IX_MAX && way < 0))
		return best(a, b, way);
	a = worst(a, b, way);
	return a ? a : own;
}

static Ix
elim_end(Elim *z, Ix A, Ix R, const IxAtom *v, int way, int sgn)
{
	Ix end = elim_atom(z, v, way * sgn), r = NULL, m, rest;
	IxTerm q;

	if (end)
		r = elim(z, ix_add(R, ix_mul(A, end)), way);
	if (v->kind != IX_DIV || v->b->n > 1 || (v->b->n && v->b->c) || !A->n != !v->b->n)
		return r;
	/* A = m*q: the whole of m*q*floordiv(p, q) at once, so that it cancels against p */
	if (!v->b->n && A->c % v->b->c)
		return r;
	if (v->b->n) {
		q = v->b->t[0];
		if (A->n != 1 || A->c || A->t[0].a != q.a || A->t[0].c % q.c)
			return r;
		m = ix_int(A->t[0].c / q.c);
	} else
		m = ix_int(A->c / v->b->c);
	rest = way * sgn > 0 ? v->a : ix_addc(ix_sub(v->a, v->b), 1);
	return best(elim(z, ix_add(R, ix_mul(m, rest)), way), r, way);
}

static Ix
elim(Elim *z, Ix p, int way)
{
	const IxAtom *v = NULL, *w;
	Ix A, R;
	int s;

	for (int i = 0; i < p->n; i++)
		for (int k = 0; k < p->t[i].n; k++) {
			w = p->t[i].a[k];
			if ((!v || ATOM(w)->serial > ATOM(v)->serial) && w != v &&
				ix_any(ix_of(w), z->gone, z->arg))
				v = w;
		}
	if (!v)
		return p;
	if (z->steps-- <= 0 || !(A = ix_split(p, v, &R)))
		return NULL;
	s = ix_ge0(A) ? 1 : ix_ge0(ix_mulc(A, -1)) ? -1 : 0;
	if (s)
		return elim_end(z, A, R, v, way, s);
	return worst(elim_end(z, A, R, v, way, 1), elim_end(z, A, R, v, way, -1), way);
}

static Ix
elim_soft(Ix p, bool (*gone)(const IxAtom *, void *), void *arg, int way)
{
	Elim z = {gone, arg, STEPS};
	bool saved = ix_soft();
	Ix r = elim(&z, p, way);

	return ix_hard(saved) ? r : NULL;
}

Ix
ix_upper(Ix p, bool (*gone)(const IxAtom *, void *), void *arg)
{
	return elim_soft(p, gone, arg, 1);
}

Ix
ix_lower(Ix p, bool (*gone)(const IxAtom *, void *), void *arg)
{
	return elim_soft(p, gone, arg, -1);
}
