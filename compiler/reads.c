/* What an operator's expressions and statements read lies inside the values that they read, as far as constants
 * tell. Shape rules check operands; this finds what they forget, before code is made of it: an index that is
 * outside for some iteration of loops that all run. Where a guard, select, if or while decides whether something
 * is read at all, only indices are looked at whose variables that condition does not mention. What depends on
 * symbols is not looked at.
 */
#include "te.h"
#include "ops.h"

#include <inttypes.h>

enum { MOST_VARS = 256 };

typedef struct Vars { bool any; uint64_t bit[MOST_VARS / 64]; } Vars;   /* any: there is a condition */

typedef struct Todo { const Expr *e; Vars cond; } Todo;

typedef struct Reads {
	Node *n;
	VEC(Todo) todo[2];       /* what is always read, which goes first, and what conditions decide about */
	Map *seen;
	bool may_not_run;        /* a loop around has a symbol as its extent: it may be empty */
} Reads;

static void later(Reads *r, const Expr *e, const Vars *cond)
{
	push(&r->todo[cond->any], ((Todo){ e, *cond }));
}

static bool note_var(const IxAtom *a, void *arg)
{
	Vars *v = arg;

	if (a->kind == IX_VAR && a->id < MOST_VARS)
		v->bit[a->id / 64] |= UINT64_C(1) << a->id % 64;
	return false;
}

static bool note_index(const Expr *e, void *arg)
{
	if (e->op == E_IX)
		ix_any(e->ix[0], note_var, arg);
	return false;
}

/* cond and what e decides */
static Vars under(const Vars *cond, const Expr *e)
{
	Vars v = *cond;

	v.any = true;
	if (e->op == E_GUARD)
		for (int i = 0; i < e->nix; i++)
			ix_any(e->ix[i], note_var, &v);
	else
		ex_any(e, note_index, &v);
	return v;
}

/* bounds of an index: what it takes, if exact, else what it stays in */
static bool span(Ix p, int64_t *lo, int64_t *hi, bool *exact)
{
	__int128 least = p->c, most = p->c;
	int64_t len;

	*exact = true;
	for (int i = 0; i < p->n; i++) {
		const IxTerm *t = &p->t[i];
		if (t->n != 1 || t->a[0]->kind != IX_VAR || !ix_isint(t->a[0]->a, &len) || len < 1) {
			*exact = false;
			return ix_bounds(p, lo, hi);
		}
		*(t->c < 0 ? &least : &most) += (__int128)t->c * (len - 1);
	}
	*lo = least < INT64_MIN ? INT64_MIN : (int64_t)least;
	*hi = most > INT64_MAX ? INT64_MAX : (int64_t)most;
	return true;
}

static bool outside(const Reads *r, const Vars *cond, Ix p, Ix dim)
{
	int64_t d, lo, hi;
	bool exact;
	Vars has = { 0 };

	if (!ix_isint(dim, &d) || (d == 0 && (r->may_not_run || cond->any)))
		return false;
	if (d == 0)
		return true;
	ix_any(p, note_var, &has);
	for (int i = 0; i < LEN(has.bit); i++)
		if (has.bit[i] & cond->bit[i])
			return false;
	return span(p, &lo, &hi, &exact) && (exact ? lo < 0 || hi >= d : lo >= d || hi < 0);
}

static void read_one(Reads *r, const Expr *e, const Vars *cond)
{
	const Value *v = e->u.value;

	for (int i = 0; i < e->nix; i++)
		if (outside(r, cond, e->ix[i], v->dim[i])) {
			node_error(r->n, "reads %s of dimension %d of %s: its operands' shapes do not fit together",
				ix_str(e->ix[i]), i, value_str(v));
			return;
		}
}

static bool empty(Reads *r, const Ix *extent, int n)
{
	int64_t d;

	for (int i = 0; i < n; i++)
		if (!ix_isint(extent[i], &d))
			r->may_not_run = true;
		else if (d < 1)
			return true;
	return false;
}

static void below(Reads *r, const Expr *e, const Vars *cond)
{
	Vars in = *cond;

	for (int i = 0; i < e->nix; i++)
		for (int k = 0; k < e->ix[i]->n; k++)
			for (int j = 0; j < e->ix[i]->t[k].n; j++)
				if (e->ix[i]->t[k].a[j]->kind == IX_EXPR)
					later(r, e->ix[i]->t[k].a[j]->e, cond);
	if (e->op == E_GUARD)
		in = under(cond, e);
	for (int i = 0; i < e->n; i++) {
		later(r, e->a[i], &in);
		if (e->op == E_SELECT && i == 0)
			in = under(cond, e->a[0]);
	}
}

static void check(Reads *r, const Expr *root, const Vars *cond)
{
	int nerror = zn->nerror;
	void **slot;

	if (root)
		later(r, root, cond);
	while (r->todo[0].n + r->todo[1].n && zn->nerror == nerror) {
		int k = !r->todo[0].n;
		Todo t = r->todo[k].p[--r->todo[k].n];
		bool runs = true;
		if (*(slot = map_at_ptr(r->seen, t.e)))
			continue;
		*slot = r;
		for (int i = 0; i < t.e->nix && t.e->op == E_REDUCE; i++)
			runs &= !empty(r, &ix_atom(t.e->ix[i])->a, 1);
		if (t.e->op == E_TLOAD)
			read_one(r, t.e, &t.cond);
		if (runs)
			below(r, t.e, &t.cond);
	}
}

void reads_of_te(Node *n, const Value *v)
{
	Reads r = { .n = n, .seen = map_new() };

	if (!empty(&r, v->dim, v->rank))
		check(&r, v->te->body, &(Vars){ 0 });
}

static void statements(Reads *r, const Stmt *s, const Vars *cond)
{
	bool was = r->may_not_run;
	Vars in = *cond;

	check(r, s->e, cond);
	if (s->op == S_IF || s->op == S_WHILE)
		in = under(cond, s->e);
	if (s->op == S_BLOCK)
		for (int i = 0; i < s->list.n; i++)
			statements(r, s->list.p[i], &in);
	else if (s->body && (s->op != S_FOR || !empty(r, &ix_atom(s->var)->a, 1)))
		statements(r, s->body, &in);
	if (s->other)
		statements(r, s->other, &in);
	r->may_not_run = was;
}

void reads_of_prog(Node *n, const Stmt *body)
{
	Reads r = { .n = n, .seen = map_new() };

	statements(&r, body, &(Vars){ 0 });
}
