/* Quotients, min, max and bcast of the index algebra: see idx.h.
 *
 * Quotients are brought near to a normal form by these rules, in this order:
 *
 *   floordiv(a*q + r, q) = a + floordiv(r, q)     terms divisible by q leave; a constant leaves r in [0, q)
 *   floordiv(r, q) = k                            if k*q <= r < (k+1)*q is proved
 *   floordiv(g*p + r, g*q) = floordiv(p, q)       if 0 <= r < g is proved
 *   floordiv(floordiv(p, a) + c, q) = floordiv(p + a*c, a*q)
 *   floordiv(-p, q) = -1 - floordiv(p - 1, q)     so that the first coefficient is positive
 *
 * min, max and bcast ("the first that is not 1") are associative: lists without what is repeated or decided,
 * kept as right-nested pairs; those of min and max are sorted.
 */
#include "idxpool.h"

#include <stdlib.h>

enum { MAXLIST = 12 };

/* floordiv */

/* the quotient by the single term q of what of p is divisible by it */
static Ix
quot_term(Ix p, const IxTerm *q, Ix *rest)
{
	IxTerm buf[64], *t = p->n <= LEN(buf) ? buf : big_alloc(sizeof *t * (size_t)p->n);
	int64_t c = q->n ? 0 : ix_floor(p->c, q->c);
	IxTerm one;
	int n = 0;
	Ix a;

	for (int i = 0; i < p->n; i++)
		if (p->t[i].c / q->c && ix_mono_div(&p->t[i], q, &one)) {
			t[n] = one;
			t[n++].c = p->t[i].c / q->c;
		}
	a = ix_tidy(c, t, n);
	if (t != buf)
		big_free(t);
	one = *q;
	*rest = ix_is(a, 0) ? p : ix_sub(p, q->n ? ix_mul(a, ix_tidy(0, &one, 1)) : ix_mulc(a, q->c));
	return a;
}

/* polynomial division by q's leading term (of highest degree, then first) while it divides exactly */
static Ix
quot_poly(Ix p, Ix q, Ix *rest)
{
	const IxTerm *lead = q->t;
	Ix a = ix_int(0), step;
	bool more = true;
	IxTerm t;

	for (int i = 1; i < q->n; i++)
		if (q->t[i].n > lead->n)
			lead = &q->t[i];
	for (int tries = 0; more && tries < 32; tries++) {
		more = false;
		for (int i = 0; i < p->n && !more; i++)
			if (p->t[i].c % lead->c == 0 && ix_mono_div(&p->t[i], lead, &t)) {
				t.c = p->t[i].c / lead->c;
				step = ix_tidy(0, &t, 1);
				a = ix_add(a, step);
				p = ix_sub(p, ix_mul(step, q));
				more = true;
			}
	}
	*rest = p;
	return a;
}

IxTerm
ix_content(Ix q)
{
	IxTerm g = q->n ? q->t[0] : ix_mono(q->c, NULL, 0), c = ix_mono(q->c, NULL, 0);

	for (int i = 1; i < q->n; i++)
		g = ix_mono_gcd(&g, &q->t[i]);
	return q->n && q->c ? ix_mono_gcd(&g, &c) : g;
}

Ix
ix_over(Ix q, const IxTerm *g)
{
	Ix rest, a = quot_term(q, g, &rest);

	return a;
}

/* floordiv(g*p' + r, g*q') = floordiv(p', q') if 0 <= r < g for a g that p's terms suggest */
static Ix
div_common(Ix p, Ix q)
{
	IxTerm all = ix_content(q), g;
	Ix a, r, gp;

	if (all.c < 0)
		all.c = all.c == INT64_MIN ? 1 : -all.c;
	for (int i = 0; i < p->n; i++) {
		g = ix_mono_gcd(&p->t[i], &all);
		if (g.c == 1 && !g.n)
			continue;
		gp = ix_tidy(0, &g, 1);
		a = quot_term(p, &g, &r);
		if (ix_ge0(gp) && ix_ge0(r) && ix_gt0(ix_sub(gp, r)))
			return ix_div(a, ix_over(q, &g));
	}
	return NULL;
}

static Ix
div_nested(Ix p, Ix q)
{
	const IxAtom *d = ix_atom(ix_addc(p, -p->c));
	bool saved;
	Ix a, b;

	if (!d || d->kind != IX_DIV)
		return NULL;
	saved = ix_soft();
	a = ix_add(d->a, ix_mulc(d->b, p->c));
	b = ix_mul(d->b, q);
	return ix_hard(saved) ? ix_div(a, b) : NULL;
}

/* the value of floordiv(p, q) if its range leaves only one */
static Ix
div_range(Ix p, Ix q)
{
	int64_t lo, hi;
	Ix end;

	if (!q->n) {
		ix_bounds(p, &lo, &hi);
		if (lo == INT64_MIN || hi == INT64_MAX || ix_floor(lo, q->c) != ix_floor(hi, q->c))
			return NULL;
		return ix_int(ix_floor(lo, q->c));
	}
	end = ix_sub(q, p);
	if (ix_ge0(p) && ix_gt0(end))
		return ix_int(0);
	if (ix_lt0(p) && ix_ge0(ix_add(p, q)))
		return ix_int(-1);
	return NULL;
}

static Ix
div_atom(Ix p, Ix q)
{
	int64_t lo, hi, qlo, qhi;
	bool fresh;
	AtomRec *r = ix_newatom(IX_DIV, 0, p, q, NULL, &fresh);

	if (!fresh)
		return r->poly;
	ix_bounds(p, &lo, &hi);
	ix_bounds(q, &qlo, &qhi);
	if (qlo < 1)
		qlo = 1;
	if (lo != INT64_MIN)
		lo = lo >= 0 ? (qhi == INT64_MAX ? 0 : lo / qhi) : ix_floor(lo, qlo);
	if (hi != INT64_MAX)
		hi = hi >= 0 ? hi / qlo : qhi == INT64_MAX ? -1 : ix_floor(hi, qhi);
	ix_bounded_by(r, lo, hi);
	return r->poly;
}

static Ix
div_new(Ix p, Ix q)
{
	IxTerm one = q->n ? q->t[0] : ix_mono(q->c, NULL, 0);
	bool single = !q->n || (q->n == 1 && !q->c);
	Ix a, r;

	if (p == q)
		return ix_int(1);
	if (!single && (a = div_range(p, q)))
		return a;
	a = single ? quot_term(p, &one, &r) : quot_poly(p, q, &r);
	if (!ix_is(a, 0))
		return ix_add(a, ix_div(r, q));
	if ((single && (a = div_range(p, q))) || (a = div_common(p, q)) || (a = div_nested(p, q)))
		return a;
	if (p->n && p->t[0].c < 0)
		return ix_sub(ix_int(-1), ix_div(ix_addc(ix_mulc(p, -1), -1), q));
	return div_atom(p, q);
}

Ix
ix_div(Ix p, Ix q)
{
	Ix key[2] = {p, q};
	void **slot;
	Ix r;

	if (!q->n && q->c <= 0) {
		if (ix_pool()->over)
			return p;
		ill("floordiv by %lld", (long long)q->c);
	}
	if (ix_is(q, 1) || ix_is(p, 0))
		return p;
	if (!q->n && !p->n)
		return ix_int(ix_floor(p->c, q->c));
	r = map_get(ix_pool()->div, key, sizeof key);
	if (r)
		return r;
	r = div_new(p, q);
	if (zn->ix->over)
		return r;
	slot = map_at(zn->ix->div, key, sizeof key);
	*(Ix *)slot = r;
	return r;
}

Ix
ix_cdiv(Ix p, Ix q)
{
	return ix_mulc(ix_div(ix_mulc(p, -1), q), -1);
}

Ix
ix_mod(Ix p, Ix q)
{
	return ix_sub(p, ix_mul(q, ix_div(p, q)));
}

/* min, max, bcast */

/* the operands of nested atoms of that kind, in order; gives their number, or `room` + 1 if there are more */
static int
flatten(enum ixkind kind, Ix p, Ix *list, int n, int room)
{
	const IxAtom *v = ix_atom(p);

	if (v && v->kind == kind) {
		n = flatten(kind, v->a, list, n, room);
		return n > room ? n : flatten(kind, v->b, list, n, room);
	}
	if (n < room)
		list[n] = p;
	return n + 1;
}

static Ix
pair(enum ixkind kind, Ix p, Ix q)
{
	int64_t plo, phi, qlo, qhi;
	bool fresh;
	AtomRec *r = ix_newatom(kind, 0, p, q, NULL, &fresh);

	if (!fresh)
		return r->poly;
	ix_bounds(p, &plo, &phi);
	ix_bounds(q, &qlo, &qhi);
	ix_bounded_by(r, kind == IX_MAX ? (plo > qlo ? plo : qlo) : plo < qlo ? plo : qlo,
		kind == IX_MIN ? (phi < qhi ? phi : qhi) : phi > qhi ? phi : qhi);
	return r->poly;
}

static Ix
chain(enum ixkind kind, const Ix *list, int n)
{
	Ix r = list[n - 1];

	for (int i = n - 2; i >= 0; i--)
		r = pair(kind, list[i], r);
	return r;
}

static int
ix_order(const void *x, const void *y)
{
	const Ix *p = x, *q = y;

	return POLY(*p)->serial < POLY(*q)->serial ? -1 : *p != *q;
}

static Ix
extreme(enum ixkind kind, Ix p, Ix q)
{
	Ix list[MAXLIST];
	int n, m = 0;
	bool drop;

	if (p == q || (kind == IX_MIN ? ix_ge(q, p) : ix_ge(p, q)))
		return p;
	if (kind == IX_MIN ? ix_ge(p, q) : ix_ge(q, p))
		return q;
	n = flatten(kind, p, list, 0, MAXLIST);
	n = n > MAXLIST ? n : flatten(kind, q, list, n, MAXLIST);
	if (n > MAXLIST)
		return pair(kind, p, q);
	qsort(list, (size_t)n, sizeof *list, ix_order);
	for (int i = 0; i < n; i++) {
		drop = false;
		for (int j = 0; j < n && !drop; j++)
			drop = j != i && list[j] &&
				(kind == IX_MIN ? ix_ge(list[i], list[j]) : ix_ge(list[j], list[i]));
		if (drop)
			list[i] = NULL;
	}
	for (int i = 0; i < n; i++)
		if (list[i])
			list[m++] = list[i];
	return chain(kind, list, m);
}

Ix
ix_min(Ix p, Ix q)
{
	return extreme(IX_MIN, p, q);
}

Ix
ix_max(Ix p, Ix q)
{
	return extreme(IX_MAX, p, q);
}

Ix
ix_bcast(Ix p, Ix q)
{
	Ix list[MAXLIST], e;
	int n, m = 0;
	bool seen, end = false;

	if (ix_is(p, 1) || ix_equal(p, q))
		return ix_is(p, 1) ? q : p;
	n = flatten(IX_BCAST, p, list, 0, MAXLIST);
	n = n > MAXLIST ? n : flatten(IX_BCAST, q, list, n, MAXLIST);
	if (n > MAXLIST)
		return pair(IX_BCAST, p, q);
	for (int i = 0; i < n && !end; i++) {
		e = list[i];
		seen = ix_is(e, 1);
		for (int j = 0; j < m && !seen; j++)
			seen = ix_equal(list[j], e);
		if (!seen)
			list[m++] = e;
		end = ix_ge0(ix_addc(e, -2)) || ix_ge0(ix_mulc(e, -1));
	}
	return m ? chain(IX_BCAST, list, m) : ix_int(1);
}
