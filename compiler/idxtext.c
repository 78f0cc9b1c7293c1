/* Structure, substitution, assumed equalities, evaluation and text of the index algebra: see idx.h. */
#include "idxpool.h"
#include "../codegen/ir.h"

#include <ctype.h>
#include <inttypes.h>

/* walks */

typedef struct Any { bool (*f)(const IxAtom *, void *); void *arg; } Any;

static bool
any(Ix p, const Any *z, unsigned stamp)
{
	for (int i = 0; i < p->n; i++)
		for (int k = 0; k < p->t[i].n; k++) {
			const IxAtom *v = p->t[i].a[k];
			if (ATOM(v)->stamp == stamp)
				continue;
			ATOM(v)->stamp = stamp;
			if (z->f(v, z->arg))
				return true;
			if (v->kind == IX_EXPR && ex_any_atom(v->e, z->f, z->arg))
				return true;
			if (v->b && (any(v->a, z, stamp) || any(v->b, z, stamp)))
				return true;
		}
	return false;
}

bool
ix_any(Ix p, bool (*f)(const IxAtom *, void *), void *arg)
{
	Any z = {f, arg};

	return any(p, &z, ++ix_pool()->stamp);
}

static bool
is_atom(const IxAtom *v, void *arg)
{
	return v == arg;
}

bool
ix_has(Ix p, const IxAtom *v)
{
	return ix_any(p, is_atom, (void *)(uintptr_t)v);
}

Ix
ix_coef(Ix p, const IxAtom *v, Ix *rest)
{
	Ix r, a = ix_split(p, v, &r);

	if (!a || ix_has(a, v) || ix_has(r, v))
		return NULL;
	*rest = r;
	return a;
}

/* substitution */

/* what was found is kept in the records, marked with the number of the walk */
typedef struct Subst { IxSub f; void *arg; unsigned stamp; } Subst;

static Ix subst(Subst *, Ix);

static Ix
subst_expr(Subst *z, const IxAtom *v)
{
	Ix lo = v->lo ? subst(z, v->lo) : NULL, hi = v->hi ? subst(z, v->hi) : NULL;
	Expr *e = ex_subst_ix(v->e, z->f, z->arg);

	return e == v->e ? ix_expr(e, lo, hi) : ex_as_ix(e, lo, hi);
}

static Ix
subst_new(Subst *z, const IxAtom *v)
{
	Ix r = z->f(v, z->arg), a, b;

	if (r)
		return r;
	if (v->kind == IX_SYM)
		return ix_of(v);
	if (v->kind == IX_EXPR)
		return subst_expr(z, v);
	a = subst(z, v->a);
	if (v->kind == IX_VAR)
		return a == v->a ? ix_of(v) : ix_var(v->id, a);
	b = subst(z, v->b);
	if (a == v->a && b == v->b)
		return ix_of(v);
	switch (v->kind) {
	case IX_DIV:
		return ix_div(a, b);
	case IX_MIN:
		return ix_min(a, b);
	case IX_MAX:
		return ix_max(a, b);
	default:
		return ix_bcast(a, b);
	}
}

static Ix
subst_atom(Subst *z, const IxAtom *v)
{
	AtomRec *r = ATOM(v);
	Ix to;

	if (r->sub == z->stamp)
		return r->to;
	to = subst_new(z, v);
	r->sub = z->stamp;
	return r->to = to;
}

/* a sum under way, not interned yet */
typedef struct Terms { IxTerm *t; int n, cap; IxTerm few[32]; } Terms;

static void
terms_add(Terms *s, Ix p)
{
	IxTerm *more;

	if (s->n + p->n >= s->cap) {
		s->cap = 2 * (s->n + p->n + 1);
		more = big_alloc(sizeof *more * (size_t)s->cap);
		memcpy(more, s->t, sizeof *more * (size_t)s->n);
		if (s->t != s->few)
			big_free(s->t);
		s->t = more;
	}
	if (p->n)
		memcpy(s->t + s->n, p->t, sizeof *p->t * (size_t)p->n);
	s->n += p->n;
	s->t[s->n++] = (IxTerm){p->c, 0, NULL};
}

static Ix
subst_terms(Subst *z, Ix p)
{
	Terms s = {.n = 0, .cap = LEN(s.few)};
	Ix r;

	s.t = s.few;
	for (int i = 0; i < p->n; i++) {
		r = ix_int(p->t[i].c);
		for (int k = 0; k < p->t[i].n; k++)
			r = ix_mul(r, subst_atom(z, p->t[i].a[k]));
		terms_add(&s, r);
	}
	r = ix_tidy(p->c, s.t, s.n);
	if (s.t != s.few)
		big_free(s.t);
	return r;
}

static Ix
subst(Subst *z, Ix p)
{
	PolyRec *rec = POLY(p);
	bool same = true;

	if (!p->n || rec->sub == z->stamp)
		return p->n ? rec->to : p;
	for (int i = 0; i < p->n; i++)
		for (int k = 0; k < p->t[i].n; k++)
			same &= subst_atom(z, p->t[i].a[k]) == ix_of(p->t[i].a[k]);
	rec->to = same ? p : subst_terms(z, p);
	rec->sub = z->stamp;
	return rec->to;
}

Ix
ix_subst(Ix p, IxSub f, void *arg)
{
	Subst z = {f, arg, ++ix_pool()->stamp};

	return subst(&z, p);
}

/* scopes of assumptions */

static int
joined(const IxPool *z, int s)
{
	while (s && z->scope.p[s].same >= 0)
		s = z->scope.p[s].same;
	return s;
}

int
ix_scope_new(void)
{
	IxPool *z = ix_pool();

	if (!z->scope.n)
		push(&z->scope, ((__typeof__(*z->scope.p)){0, -1}));
	push(&z->scope, ((__typeof__(*z->scope.p)){0, -1}));
	return z->scope.n - 1;
}

void
ix_scope_under(int scope, int parent)
{
	ix_pool()->scope.p[scope].up = parent;
}

void
ix_scope_join(int scope, int with)
{
	ix_pool()->scope.p[scope].same = with;
}

int
ix_scope(int scope)
{
	IxPool *z = ix_pool();
	int before = z->now;

	z->now = scope;
	return before;
}

bool
ix_scope_sees(int scope)
{
	const IxPool *z = ix_pool();
	int s = joined(z, scope), c = joined(z, z->now);

	for (; c && c != s; c = joined(z, z->scope.p[c].up))
		;
	return c == s;
}

/* assumed equalities: those with a symbol that can be solved for are applied as substitutions, oldest first;
 * the difference of two sides that are then equal is 0, or one that was assumed as it stands */

static Ix
solved(const IxAtom *v, void *arg)
{
	IxAssumption *s = arg;

	return ix_atom(s->a) == v ? s->b : NULL;
}

bool
ix_apart(bool on)
{
	bool was = ix_pool()->apart;

	ix_pool()->apart = on;
	return was;
}

static Ix
reduce(Ix d)
{
	IxPool *z = ix_pool();
	bool saved = ix_soft(), was = ix_apart(true);
	Ix r = d;

	for (int i = 0; i < z->solved.n; i++)
		if (ix_scope_sees(z->solved.p[i].scope))
			r = ix_subst(r, solved, &z->solved.p[i]);
	ix_apart(was);
	return ix_hard(saved) ? r : d;
}

static Ix
difference(Ix p, Ix q)
{
	bool saved = ix_soft();
	Ix d = ix_sub(p, q);

	return ix_hard(saved) ? d : NULL;
}

/* remembers that d is 0: solved for its newest symbol of coefficient 1 or -1, or as it stands */
static void
assume_zero(Ix d)
{
	IxPool *z = ix_pool();
	IxAssumption s = {0};
	const IxAtom *v;
	Ix a, rest;

	for (int i = 0; i < d->n; i++) {
		v = d->t[i].a[0];
		if (d->t[i].n > 1 || v->kind != IX_SYM ||
			(s.a && ATOM(ix_atom(s.a))->serial > ATOM(v)->serial))
			continue;
		a = ix_coef(d, v, &rest);
		if (a && (ix_is(a, 1) || ix_is(a, -1)))
			s = (IxAssumption){ix_of(v), ix_mulc(rest, -a->c), NULL, z->now};
	}
	if (s.a) {
		push(&z->solved, s);
		return;
	}
	push(&z->zero, d);
	push(&z->zero_scope, z->now);
}

bool
ix_equal(Ix p, Ix q)
{
	IxPool *z = ix_pool();
	Ix d, m;

	if (p == q)
		return true;
	d = difference(p, q);
	if (!d || (!d->n && d->c) || ix_gt0(d))
		return false;
	m = difference(q, p);
	if (!m || ix_gt0(m))
		return false;
	if (ix_ge0(d) && ix_ge0(m))
		return true;
	if (z->apart)
		return false;
	d = reduce(d);
	if (ix_is(d, 0))
		return true;
	for (int i = 0; i < z->zero.n; i++) {
		if (!ix_scope_sees(z->zero_scope.p[i]))
			continue;
		m = reduce(z->zero.p[i]);
		if (m == d || m == ix_mulc(d, -1))
			return true;
	}
	return false;
}

bool
ix_assume_equal(Ix p, Ix q, const char *why)
{
	IxPool *z = ix_pool();
	Ix d, m;

	if (ix_equal(p, q))
		return true;
	d = difference(p, q);
	m = difference(q, p);
	if (!d || !m || ix_gt0(d) || ix_gt0(m))
		return false;
	d = reduce(d);
	m = ix_mulc(d, -1);
	if (ix_gt0(d) || ix_gt0(m))
		return false;
	push(&z->assumed, ((IxAssumption){p, q, copy_str(why), z->now}));
	assume_zero(d);
	return true;
}

const IxAssumption *
ix_assumptions(int *n)
{
	*n = ix_pool()->assumed.n;
	return zn->ix->assumed.p;
}

/* evaluation */

static int64_t
eval_atom(const IxAtom *v, int64_t (*value)(const IxAtom *, void *), void *arg)
{
	int64_t x, y;

	if (v->kind == IX_SYM || v->kind == IX_VAR || v->kind == IX_EXPR)
		return value(v, arg);
	x = ix_eval(v->a, value, arg);
	y = ix_eval(v->b, value, arg);
	switch (v->kind) {
	case IX_DIV:
		if (y <= 0)
			bug("floordiv by %" PRId64, y);
		return ix_floor(x, y);
	case IX_MIN:
		return x < y ? x : y;
	case IX_MAX:
		return x > y ? x : y;
	default:
		return x == 1 ? y : x;
	}
}

int64_t
ix_eval(Ix p, int64_t (*value)(const IxAtom *, void *), void *arg)
{
	int64_t r = p->c, x;

	for (int i = 0; i < p->n; i++) {
		x = p->t[i].c;
		for (int k = 0; k < p->t[i].n; k++)
			if (!mul_ok(x, eval_atom(p->t[i].a[k], value, arg), &x))
				fatal(EX_LIMIT, NULL, "the value of %s does not fit in 64 bits", ix_str(p));
		if (!add_ok(r, x, &r))
			fatal(EX_LIMIT, NULL, "the value of %s does not fit in 64 bits", ix_str(p));
	}
	return r;
}

/* text */

/* an identifier that means nothing else in the text, and that no older symbol bears */
static bool
printable(const IxAtom *v)
{
	static const char *const taken[] = {"floordiv", "mod", "min", "max", "bcast"};
	const char *s = v->name;
	size_t n;

	if (!s || !(isalpha((unsigned char)*s) || *s == '_') || map_str(ix_pool()->name, s) != v)
		return false;
	for (n = 1; s[n]; n++)
		if (!isalnum((unsigned char)s[n]) && s[n] != '_')
			return false;
	if (n > 1 && (*s == 'i' || *s == 's') && strspn(s + 1, "0123456789") == n - 1)
		return false;
	for (int i = 0; i < LEN(taken); i++)
		if (!strcmp(s, taken[i]))
			return false;
	return true;
}

static void
text_atom(Buf *b, const IxAtom *v)
{
	static const char *const text[] = {
		[IX_DIV] = "floordiv", [IX_MIN] = "min", [IX_MAX] = "max", [IX_BCAST] = "bcast",
	};

	switch (v->kind) {
	case IX_SYM:
		if (printable(v))
			buf_fmt(b, "%s", v->name);
		else
			buf_fmt(b, "s%d", v->id);
		break;
	case IX_VAR:
		buf_fmt(b, "i%d", v->id);
		break;
	case IX_EXPR:
		buf_fmt(b, "[%s]", ex_str(v->e));
		break;
	default:
		buf_fmt(b, "%s(%s, %s)", text[v->kind], ix_str(v->a), ix_str(v->b));
	}
}

static void
text_term(Buf *b, const IxTerm *t, bool first)
{
	uint64_t c = t->c < 0 ? -(uint64_t)t->c : (uint64_t)t->c;

	buf_fmt(b, "%s", first ? t->c < 0 ? "-" : "" : t->c < 0 ? " - " : " + ");
	if (c != 1 || !t->n)
		buf_fmt(b, "%" PRIu64 "%s", c, t->n ? "*" : "");
	for (int k = 0; k < t->n; k++) {
		if (k)
			buf_add(b, "*", 1);
		text_atom(b, t->a[k]);
	}
}

const char *
ix_str(Ix p)
{
	IxTerm c = {p->c, 0, NULL};
	Buf b = {0};
	Arena *was;

	if (POLY(p)->str)
		return POLY(p)->str;
	for (int i = 0; i < p->n; i++)
		text_term(&b, &p->t[i], !i);
	if (p->c || !p->n)
		text_term(&b, &c, !p->n);
	was = keep_begin();
	POLY(p)->str = copy_str(buf_str(&b));
	keep_end(was);
	return POLY(p)->str;
}
