/* In place: a kernel's result takes the region of an operand that is read for the last time.
 *
 * requires: lifetimes. A kernel may overwrite operand x with result y when every load of x is in a statement that stores to
 * y at the same index: the two indices are one polynomial, so the element read is the one that the same iteration
 * writes. With several stores each must load x (the pieces of one pass over it), and the statements of an operator, which
 * may pass twice, must have one. The kernel then has one parameter for both, so that nothing aliases. */
#include "plan.h"

typedef struct Check {
	const Mem *x, *y;
	Ix at;                   /* index of the store at hand */
	bool fails, loaded;
	int nstore, nloading;    /* stores to y; those that load x */
} Check;

static bool check_load(const Expr *e, void *arg)
{
	Check *c = arg;

	if (e->op == E_LOAD && e->u.mem == c->x) {
		c->fails |= !c->at || e->ix[0] != c->at || ex_is_word(e);
		c->loaded = true;
	}
	return false;
}

static bool check_atom(const IxAtom *a, void *arg)
{
	Check *c = arg;
	Check strict = { .x = c->x, .y = c->y };

	if (a->kind == IX_EXPR)
		ex_any(a->e, check_load, &strict);
	c->fails |= strict.fails;
	return false;
}

static void check_stmt(Check *c, const Stmt *s)
{
	if (!s || c->fails)
		return;
	c->at = s->op == S_STORE && s->mem == c->y ? s->ix : NULL;
	if (s->op == S_STORE && s->mem == c->x)
		c->fails = true;
	c->loaded = false;
	if (s->e)
		ex_any(s->e, check_load, c);
	c->nstore += c->at != NULL;
	c->nloading += c->at && c->loaded;
	if (s->ix)
		ix_any(s->ix, check_atom, c);
	if (s->op == S_FOR)
		ix_any(ix_atom(s->var)->a, check_atom, c);
	for (int i = 0; i < s->list.n; i++)
		check_stmt(c, s->list.p[i]);
	check_stmt(c, s->body);
	check_stmt(c, s->other);
}

static bool reads_back(const Expr *e, void *arg)
{
	const Check *c = arg;

	return e->op == E_LOAD && e->u.mem == c->y;
}

static bool loads_result(Check *c, const Stmt *s)
{
	if (!s)
		return false;
	if ((s->e && ex_any(s->e, reads_back, c)) || loads_result(c, s->body) || loads_result(c, s->other))
		return true;
	for (int i = 0; i < s->list.n; i++)
		if (loads_result(c, s->list.p[i]))
			return true;
	return false;
}

/* ---- one parameter for both */

static Expr *same_mem(const Expr *e, void *arg)
{
	const Check *c = arg;

	if (e->op != E_LOAD || e->u.mem != c->y)
		return NULL;
	return ex_is_word(e) ? ex_load4((Mem *)c->x, e->ix[0]) : ex_load((Mem *)c->x, e->ix[0]);
}

static void unify(Check *c, Stmt *s)
{
	if (!s)
		return;
	if (s->e)
		s->e = ex_subst(s->e, same_mem, NULL, c);
	if (s->mem == c->y)
		s->mem = (Mem *)c->x;
	for (int i = 0; i < s->list.n; i++)
		unify(c, s->list.p[i]);
	unify(c, s->body);
	unify(c, s->other);
}

static void drop_param(Stmt *call, int y)
{
	Kern *k = call->kern;

	for (int i = y; i < k->param.n - 1; i++) {
		k->param.p[i] = k->param.p[i + 1];
		k->param.p[i]->id = i;
		call->arg.p[i] = call->arg.p[i + 1];
	}
	k->param.n--;
	for (int i = 0; i < k->variant.n; i++)
		k->variant.p[i]->param = k->param;
	call->arg.n--;
	k->sym.n = 0;
	kern_finish(k);
}

static bool whole_region(const Stmt *call, int i, const Lives *l)
{
	const Arg *a = &call->arg.p[i];

	for (int j = 0; j < call->arg.n; j++)
		if (j != i && call->arg.p[j].mem == a->mem)
			return false;
	return a->mem->space == SP_WORK && l->life[a->mem->id].mem && ix_is(a->off, 0);
}

/* no statement of the kernel hinders */
static bool may_share(const Kern *k, const Mem *x, const Mem *y)
{
	Check c = { .x = x, .y = y };

	check_stmt(&c, k->body);
	if (c.fails || (c.nstore > 1 && (c.nloading < c.nstore || k->statements)) || loads_result(&c, k->body))
		return false;
	for (int i = 0; i < k->variant.n; i++)
		if (!may_share(k->variant.p[i], x, y))
			return false;
	return true;
}

static bool try_pair(Stmt *call, int step, int y, int x, Lives *l, int *into)
{
	Mem *my = call->arg.p[y].mem, *mx = call->arg.p[x].mem;
	Life *ly = &l->life[my->id], *lx = &l->life[mx->id];
	Check c = { .x = call->kern->param.p[x], .y = call->kern->param.p[y] };

	if (mx->space != SP_WORK || ly->first != step || lx->last != step || my->dt != mx->dt || my->size != mx->size ||
	    !whole_region(call, x, l))
		return false;
	if (!may_share(call->kern, c.x, c.y))
		return false;
	unify(&c, call->kern->body);
	for (int i = 0; i < call->kern->variant.n; i++)
		unify(&c, call->kern->variant.p[i]->body);
	drop_param(call, y);
	lx->last = ly->last;
	ly->mem = NULL;
	into[my->id] = mx->id;
	return true;
}

/* regions that took another's place: every mention */
static Expr *moved_mem(const Expr *e, void *arg)
{
	Mem **to = arg;

	return e->op == E_LOAD && to[e->u.mem->id] && e->u.mem->space == SP_WORK
		? ex_load(to[e->u.mem->id], ex_as_ix(ex_subst(ex_ix(e->ix[0]), moved_mem, NULL, to), NULL, NULL)) : NULL;
}

static void move(Stmt *s, Mem **to)
{
	if (!s)
		return;
	for (int i = 0; i < s->arg.n; i++)
		if (s->arg.p[i].mem->space == SP_WORK && to[s->arg.p[i].mem->id])
			s->arg.p[i].mem = to[s->arg.p[i].mem->id];
	if (s->mem && s->mem->space == SP_WORK && to[s->mem->id])
		s->mem = to[s->mem->id];
	if (s->e)
		s->e = ex_subst(s->e, moved_mem, NULL, to);
	if (s->ix)
		s->ix = ex_as_ix(ex_subst(ex_ix(s->ix), moved_mem, NULL, to), NULL, NULL);
	for (int i = 0; i < s->list.n; i++)
		move(s->list.p[i], to);
	move(s->body, to);
	move(s->other, to);
}

void plan_inplace(Program *p, Lives *l)
{
	int *into = NEWN(int, l->n + 1);
	Mem **to = NEWN(Mem *, l->n + 1);
	bool any = false;

	for (int i = 0; i < l->n; i++)
		into[i] = -1;
	for (int k = 0; k < l->call.n; k++) {
		Stmt *s = l->call.p[k];
		for (int i = 0; i < s->arg.n; i++)       /* what earlier merges moved */
			while (s->arg.p[i].mem->space == SP_WORK && into[s->arg.p[i].mem->id] >= 0)
				s->arg.p[i].mem = p->mem.p[into[s->arg.p[i].mem->id]];
		for (int y = s->arg.n - 1; y >= 0; y--) {
			if (!s->kern->param.p[y]->written || s->kern->param.p[y]->read || !whole_region(s, y, l))
				continue;
			for (int x = 0; x < s->arg.n; x++)
				if (x != y && !s->kern->param.p[x]->written && try_pair(s, l->step.p[k], y, x, l, into)) {
					any = true;
					break;
				}
		}
	}
	for (int i = 0; i < l->n; i++) {
		int j = i;
		while (into[j] >= 0)
			j = into[j];
		to[i] = j == i ? NULL : p->mem.p[j];
	}
	if (any)
		move(p->body, to);
}
