/* Adjacent loops become one where every operand, and the result, walks them as one: its stride along the
 * outer loop is its stride along the inner one times the inner extent. Broadcast operands (stride 0 along
 * both) do not hinder. */
#include "nest.h"

typedef struct Check {
	Nest *n;
	const IxAtom *a, *b;     /* outer and inner variable */
	Map *seen;
} Check;

static bool walks_as_one(const Check *c, Ix flat)
{
	Ix ca, cb, rest;

	if (!ix_has(flat, c->a) && !ix_has(flat, c->b))
		return true;
	ca = ix_coef(flat, c->a, &rest);
	cb = ca ? ix_coef(rest, c->b, &rest) : NULL;
	return cb && ca == ix_mul(cb, c->b->a) && !ix_has(rest, c->a) && !ix_has(rest, c->b) &&
		!ix_has(ca, c->b);
}

static bool expr_uses(const IxAtom *x, void *arg)
{
	const Check *c = arg;

	return x->kind == IX_EXPR && (ex_has_var(x->e, c->a) || ex_has_var(x->e, c->b));
}

static bool check_expr(Check *c, const Expr *e)
{
	void **slot = map_at_ptr(c->seen, e);
	Place *p;

	if (*slot)
		return true;
	*slot = c;
	if (e->op == E_TLOAD) {
		for (int i = 0; i < e->nix; i++)
			if (ix_any(e->ix[i], expr_uses, c))
				return false;
		p = place_of(c->n->lo, e->u.value);
		return walks_as_one(c, place_flat(p, e->ix, e->nix));
	}
	for (int i = 0; i < e->nix && e->op != E_REDUCE; i++)
		if (ix_has(e->ix[i], c->a) || ix_has(e->ix[i], c->b))
			return false;
	for (int i = 0; i < e->n; i++)
		if (!check_expr(c, e->a[i]))
			return false;
	return true;
}

typedef struct Split { const IxAtom *a, *b; Ix div, mod; } Split;

static Ix split_var(const IxAtom *x, void *arg)
{
	const Split *s = arg;

	return x == s->a ? s->div : x == s->b ? s->mod : NULL;
}

static bool merge(Nest *n, Stage *s, int k)
{
	Check c = { n, ix_atom(s->loop[k]), ix_atom(s->loop[k + 1]), map_new() };
	Split sp = { c.a, c.b, NULL, NULL };
	Ix v, at[s->v->rank + 1];
	int64_t d;

	if (ix_isint(c.b->a, &d) && d < 1)
		return false;        /* nothing to walk, nothing to divide by */
	if (!walks_as_one(&c, place_flat(s->v->place, s->at, s->v->rank)) || !check_expr(&c, s->body))
		return false;
	v = nest_var(n, ix_mul(c.a->a, c.b->a));
	sp.div = ix_div(v, c.b->a);
	sp.mod = ix_mod(v, c.b->a);
	s->body = ex_subst_ix(s->body, split_var, &sp);
	for (int i = 0; i < s->v->rank; i++)
		at[i] = ix_subst(s->at[i], split_var, &sp);
	s->at = copy_mem(at, sizeof at);
	s->loop[k] = v;
	for (int i = k + 1; i < s->nloop - 1; i++)
		s->loop[i] = s->loop[i + 1];
	s->nloop--;
	return true;
}

void collapse_loops(Nest *n, Stage *s)
{
	for (int k = s->nloop - 2; k >= 0; k--)
		merge(n, s, k);
}
