/* The matcher of contractions: contraction.h. */
#include "contraction.h"
#include "lower.h"

static bool is_zero(const Expr *e)
{
	while (e->op == E_CAST)
		e = e->a[0];
	return e->op == E_CONST && dt_to_double(e->dt, e->u.bits) == 0;
}

static bool is_load(const Expr *e, void *arg)
{
	(void)arg;
	return e->op == E_TLOAD;
}

static bool depends(const Expr *e, const Expr *reduce)
{
	for (int i = 0; i < reduce->nix; i++)
		if (ex_has_var(e, ix_atom(reduce->ix[i])))
			return true;
	return false;
}

/* casts that keep every value: those of the element to the type of the sum */
static const Expr *uncast(const Expr *e)
{
	while (e->op == E_CAST && ex_lossless(e->a[0]->dt, e->dt))
		e = e->a[0];
	return e;
}

/* e - zero with a zero point that is the same for the whole sum */
static const Expr *unshift(const Expr *e, const Expr *reduce, Expr **zero)
{
	if (e->op != E_SUB || dt_float(e->dt) || depends(e->a[1], reduce))
		return e;
	*zero = e->a[1];
	return e->a[0];
}

/* the fill of a guard inside the shift is the zero point */
static bool fills(const Expr *fill, Expr *zero, DType acc)
{
	return zero ? ex_cast(acc, (Expr *)fill) == zero : is_zero(fill);
}

static Factor get_factor(Expr *e, const Expr *reduce)
{
	Factor f = { .e = e, .dt = e->dt };
	const Expr *guard = NULL, *p = uncast(e);
	Expr *zero = NULL;

	if (p->op == E_GUARD && is_zero(p->a[1])) {
		guard = p;
		p = uncast(p->a[0]);
	}
	p = uncast(unshift(p, reduce, &zero));
	if (!guard && p->op == E_GUARD && fills(p->a[1], zero, e->dt)) {
		guard = p;
		p = uncast(p->a[0]);
	}
	if (p->op != E_TLOAD)
		return f;
	f.load = p;
	f.elem = (Expr *)p;
	f.dt = p->dt;
	f.zero = zero;
	if (guard) {
		f.cond = guard->ix;
		f.ncond = guard->nix;
		f.elem = ex_guard(guard->ix, guard->nix, f.elem,
			zero ? ex_cast(f.dt, zero) : ex_int(f.dt, 0));
	}
	return f;
}

/* ---- variables */

typedef struct Free { const Expr *reduce; VarSet *set; bool full; } Free;

static bool bound(const Expr *reduce, const IxAtom *a)
{
	for (int i = 0; i < reduce->nix; i++)
		if (ix_atom(reduce->ix[i]) == a)
			return true;
	return false;
}

static bool free_atom(const IxAtom *a, void *arg)
{
	Free *f = arg;
	VarSet *s = f->set;
	int k;

	if (a->kind != IX_VAR || bound(f->reduce, a))
		return false;
	for (int i = 0; i < s->n; i++)
		if (ix_atom(s->v[i]) == a)
			return false;
	if (s->n == CONTRACTION_VARS) {
		f->full = true;
		return true;
	}
	for (k = s->n++; k > 0 && ix_atom(s->v[k - 1])->id > a->id; k--)
		s->v[k] = s->v[k - 1];
	s->v[k] = ix_of(a);
	return false;
}

static bool in_conditions(const Contraction *c, const IxAtom *a)
{
	for (int i = 0; i < c->ncond; i++)
		if (ix_has(c->cond[i], a))
			return true;
	return false;
}

static bool sort_vars(Contraction *c)
{
	VarSet all = { 0 };
	Free f = { c->reduce, &all, false };

	ex_any_atom(c->reduce->a[0], free_atom, &f);
	if (f.full || c->reduce->nix > CONTRACTION_VARS)
		return false;
	for (int i = 0; i < all.n; i++) {
		const IxAtom *at = ix_atom(all.v[i]);
		bool a = ex_has_var(c->a.e, at), b = ex_has_var(c->b.e, at);
		VarSet *s = (a && b) || in_conditions(c, at) ? &c->batch : a ? &c->m : &c->n;
		s->v[s->n++] = all.v[i];
	}
	c->terms = 1;
	for (int i = 0; i < c->reduce->nix; i++) {
		c->k.v[c->k.n++] = c->reduce->ix[i];
		c->terms *= ix_estimate(ix_atom(c->reduce->ix[i])->a);
	}
	return true;
}

bool contraction_match(const Expr *reduce, Contraction *c)
{
	const Expr *p;

	*c = (Contraction){ .reduce = reduce, .acc = reduce->dt };
	if (reduce->op != E_REDUCE || reduce->u.rop != R_SUM || reduce->a[0]->reduces)
		return false;
	p = reduce->a[0];
	if (p->op == E_GUARD && p->a[0]->op == E_MUL && is_zero(p->a[1])) {
		c->cond = p->ix;
		c->ncond = p->nix;
		p = p->a[0];
	}
	if (p->op != E_MUL || p->a[0] == p->a[1] || !ex_any(p->a[0], is_load, NULL) ||
	    !ex_any(p->a[1], is_load, NULL) || !depends(p->a[0], reduce) || !depends(p->a[1], reduce))
		return false;
	c->a = get_factor(p->a[0], reduce);
	c->b = get_factor(p->a[1], reduce);
	return sort_vars(c);
}

void contraction_swap(Contraction *c)
{
	Factor f = c->a;
	VarSet s = c->m;

	c->a = c->b;
	c->b = f;
	c->m = c->n;
	c->n = s;
	c->swapped = !c->swapped;
}
