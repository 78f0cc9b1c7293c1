/* Which loops the interpreter may run with iterations as lanes. */
#include "interp.h"

static bool
is_expr(const IxAtom *at, void *arg)
{
	(void)arg;
	return at->kind == IX_EXPR;
}

static bool
reads_var(const Expr *e, void *v)
{
	return e->op == E_VAR && e->u.var == v;
}

const Expr *
lanes_fold(const Stmt *s)
{
	static const bool folds[NEOP] = {[E_ADD] = true, [E_MUL] = true, [E_MIN] = true, [E_MAX] = true,
		[E_AND] = true, [E_OR] = true, [E_XOR] = true};
	const Expr *e = s->e, *x = NULL;

	if (s->op != S_SET || !(folds[e->op] || e->op == E_FMA))
		return NULL;
	if (e->op == E_FMA)
		return reads_var(e->a[2], s->v) && !ex_any(e->a[0], reads_var, s->v)
			&& !ex_any(e->a[1], reads_var, s->v) ? e->a[0] : NULL;
	for (int i = 0; i < 2; i++)
		if (reads_var(e->a[i], s->v))
			x = e->a[!i];
	return x && !ex_any(x, reads_var, s->v) ? x : NULL;
}

const Stmt *
stmt_only(const Stmt *s)
{
	return s->op == S_BLOCK && s->list.n == 1 ? stmt_only(s->list.p[0]) : s;
}

typedef struct Lanes {           /* is a loop's body fit for lanes? */
	const IxAtom *lane;
	bool parallel, ok;
	int depth;               /* of loops inside */
	VEC(const Var *) own;
	VEC(const Stmt *) store;
	VEC(const Stmt *) all;
	Ix load_at;              /* of the load that conflicts() looks for */
	const Mem *mem;
	int inner;               /* the stores that lie in loops inside */
} Lanes;

static bool
is_lane(const IxAtom *at, void *arg)
{
	return at == arg || at->kind == IX_EXPR;
}

static void
lanes_stmt(Lanes *l, const Stmt *s)
{
	bool own = false;

	if (s->op != S_BLOCK)
		push(&l->all, s);
	switch (s->op) {
	case S_BLOCK:
		for (int i = 0; i < s->list.n; i++)
			lanes_stmt(l, s->list.p[i]);
		break;
	case S_NOTE: case S_KEEP: case S_PREFETCH: break;
	case S_LET:
		push(&l->own, s->v);
		break;
	case S_SET:
		for (int i = 0; i < l->own.n; i++)
			own = own || l->own.p[i] == s->v;
		l->ok = l->ok && own;
		break;
	case S_STORE:
		push(&l->store, s);
		l->inner += l->depth > 0;
		break;
	case S_FOR:
		l->ok = l->ok && !ix_any(ix_atom(s->var)->a, is_lane, (void *)l->lane);
		l->depth++;
		lanes_stmt(l, s->body);
		l->depth--;
		break;
	default:
		l->ok = false;
	}
}

static bool
other_load(const Expr *e, void *arg)
{
	Lanes *l = arg;

	return e->op == E_LOAD && e->u.mem == l->mem && (e->ix[0] != l->load_at || ex_is_word(e));
}

/* iterations of a serial loop may run together if what one stores no other reads or overwrites */
static bool
independent(Lanes *l, const Stmt *store)
{
	Ix rest, coef = ix_coef(store->ix, l->lane, &rest);
	bool apart = coef && !ix_is(coef, 0) && ix_isint(coef, &(int64_t){0}) && !l->inner
		&& !ix_any(rest, is_expr, NULL);

	l->mem = store->mem;
	l->load_at = apart ? store->ix : NULL;
	for (int i = 0; i < l->store.n; i++)
		if (l->store.p[i] != store && l->store.p[i]->mem == store->mem
				&& !(apart && l->store.p[i]->ix == store->ix))
			return false;
	if (l->inner && !apart)
		return false;
	for (int i = 0; i < l->all.n; i++)
		if ((l->all.p[i]->e && ex_any(l->all.p[i]->e, other_load, l))
				|| (l->all.p[i]->ix && ex_any(ex_ix(l->all.p[i]->ix), other_load, l)))
			return false;
	return true;
}

bool
lanes_fit(const Stmt *f)
{
	Lanes l = {.lane = ix_atom(f->var), .parallel = f->kind == F_PARALLEL, .ok = true};

	lanes_stmt(&l, f->body);
	for (int i = 0; l.ok && !l.parallel && i < l.store.n; i++)
		l.ok = independent(&l, l.store.p[i]);
	return l.ok;
}
