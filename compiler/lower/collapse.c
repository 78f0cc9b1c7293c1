/* Adjacent loops become one where every operand, and the result, walks them as one: its stride along the
 * outer loop is its stride along the inner one times the inner extent. Broadcast operands (stride 0 along
 * both) do not hinder.
 *
 * And one loop becomes two where a sum asks for the quotient of its variable by a constant (transposed
 * convolutions: what of the kernel an element meets depends on the remainder): remainders outside of all
 * loops, so that what they choose stays the same within, and quotients. */
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

/* ---- reductions whose order is free */

typedef struct First { Nest *n; const IxAtom *a; int64_t step; } First;

/* elements from one index of the variable to the next in the first operand that has it */
static bool step_of(const Expr *e, void *arg)
{
	First *f = arg;
	Ix c, rest;

	if (e->op != E_TLOAD || !ex_has_var(e, f->a))
		return false;
	c = ix_coef(place_flat(place_of(f->n->lo, e->u.value), e->ix, e->nix), f->a, &rest);
	if (!c || !ix_isint(c, &f->step))
		f->step = 0;
	return true;
}

static bool is_stage(const Expr *e, void *arg)
{
	const Nest *n = arg;

	return e->op == E_TLOAD && lower_info(n->lo, e->u.value)->grouped;
}

/* its variables as memory lies, those that are adjacent there merged */
static Expr *collapse_reduce(Nest *n, const Expr *e)
{
	Ix v[e->nix + 1];
	int64_t step[e->nix + 1], d;
	Expr *body = e->a[0];
	int count = 0, j;

	for (int i = 0; i < e->nix; i++) {
		First f = { n, ix_atom(e->ix[i]), 0 };
		ex_any(body, step_of, &f);
		for (j = count++; j > 0 && step[j - 1] < f.step; j--) {
			step[j] = step[j - 1];
			v[j] = v[j - 1];
		}
		step[j] = f.step;
		v[j] = e->ix[i];
	}
	for (int k = count - 2; k >= 0; k--) {
		Check c = { n, ix_atom(v[k]), ix_atom(v[k + 1]), map_new() };
		Split sp = { c.a, c.b, NULL, NULL };
		if ((ix_isint(c.b->a, &d) && d < 1) || !check_expr(&c, body))
			continue;
		v[k] = nest_var(n, ix_mul(c.a->a, c.b->a));
		sp.div = ix_div(v[k], c.b->a);
		sp.mod = ix_mod(v[k], c.b->a);
		body = ex_subst_ix(body, split_var, &sp);
		memmove(v + k + 1, v + k + 2, sizeof *v * (size_t)(--count - k - 1));
	}
	return ex_reduce(e->u.rop, v, count, body);
}

static Expr *collapse_one(const Expr *e, void *arg)
{
	if (!e->reduces)
		return (Expr *)e;
	if (e->op != E_REDUCE || e->nix < 2 || e->a[0]->reduces || e->a[0]->op == E_MUL ||
		!(e->u.rop == R_MAX || e->u.rop == R_MIN || (e->u.rop == R_SUM && dt_int(e->dt))) ||
		ex_any(e->a[0], is_stage, arg))
		return NULL;
	return collapse_reduce(arg, e);
}

void collapse_reductions(Nest *n, Stage *s)
{
	if (s->body->reduces)
		s->body = ex_subst(s->body, collapse_one, NULL, n);
}

/* ---- quotients and remainders */

typedef struct Divided { Ix var; int64_t by; } Divided;

static bool find_divided(const IxAtom *x, void *arg)
{
	Divided *d = arg;

	return x->kind == IX_DIV && x->a == d->var && ix_isint(x->b, &d->by) && d->by > 1;
}

static Ix divide_var(const IxAtom *x, void *arg)
{
	const Ix *by = arg;

	return x == ix_atom(by[0]) ? by[1] : NULL;
}

void divide_loops(Nest *n, Stage *s)
{
	Ix loop[2 * s->nloop + 1], at[s->v->rank + 1], q, r, by[2];
	int outer = 0, k;
	int64_t e;

	if (!s->body->reduces)
		return;
	memcpy(loop, s->loop, sizeof *loop * (size_t)s->nloop);
	for (int i = 0; i < s->nloop; i++) {
		k = outer + i;
		Divided d = { loop[k], 0 };
		if (!ix_isint(ix_atom(d.var)->a, &e) || !ex_any_atom(s->body, find_divided, &d) || e % d.by)
			continue;
		q = nest_var(n, ix_int(e / d.by));
		r = nest_var(n, ix_int(d.by));
		by[0] = d.var;
		by[1] = ix_add(ix_mulc(q, d.by), r);
		s->body = ex_subst_ix(s->body, divide_var, by);
		for (int a = 0; a < s->v->rank; a++)
			at[a] = ix_subst(s->at[a], divide_var, by);
		s->at = copy_mem(at, sizeof at);
		loop[k] = q;
		memmove(loop + outer + 1, loop + outer, sizeof *loop * (size_t)(s->nloop));
		loop[outer++] = r;
	}
	s->nloop += outer;
	s->loop = copy_mem(loop, sizeof *loop * (size_t)s->nloop);
}
