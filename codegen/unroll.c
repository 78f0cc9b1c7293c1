/* Unrolled loops written out. The copy shares expressions with the original, and variables and arrays: those
 * declared in a body are declared once per iteration, each in a block of its own. */
#include "pool.h"

typedef struct Unroll { const IxAtom *var; Ix by; } Unroll;

static Ix
swap_var(const IxAtom *a, void *arg)
{
	const Unroll *u = arg;

	return a == u->var ? u->by : NULL;
}

static void
each_ix(Stmt *s, const Unroll *u)
{
	if (s->e)
		s->e = ex_subst_ix(s->e, swap_var, (void *)u);
	if (s->ix)
		s->ix = ix_subst(s->ix, swap_var, (void *)u);
	if (s->ix2)
		s->ix2 = ix_subst(s->ix2, swap_var, (void *)u);
}

/* a copy in which u->var is u->by; u NULL: nothing is */
static Stmt *
copy(const Stmt *s, const Unroll *u)
{
	Stmt *c;
	Unroll inner;

	if (!s)
		return NULL;
	c = copy_mem(s, sizeof *s);
	memset(&c->list, 0, sizeof c->list);
	if (u)
		each_ix(c, u);
	for (int i = 0; i < s->list.n; i++)
		push(&c->list, copy(s->list.p[i], u));
	if (s->op == S_FOR && u && ix_has(ix_atom(s->var)->a, u->var)) {
		/* its extent changes, and with it the variable */
		c->var = ix_var(ix_atom(s->var)->id, ix_subst(ix_atom(s->var)->a, swap_var, (void *)u));
		inner = (Unroll){ ix_atom(s->var), c->var };
		c->body = copy(copy(s->body, u), &inner);
	} else {
		c->body = copy(s->body, u);
	}
	c->other = copy(s->other, u);
	return c;
}

static bool
declares(const Stmt *body)
{
	for (int i = 0; i < body->list.n; i++)
		if (body->list.p[i]->op == S_LET || body->list.p[i]->op == S_ARRAY)
			return true;
	return false;
}

static Stmt *unroll(const Stmt *);

static void
write_out(Stmt *into, const Stmt *s)
{
	Unroll u = { ix_atom(s->var), NULL };
	bool own = declares(s->body);
	int64_t n;
	Stmt *b;

	if (!ix_isint(u.var->a, &n))
		bug("an unrolled loop of %s iterations", ix_str(u.var->a));
	for (int64_t i = 0; i < n; i++) {
		u.by = ix_int(i);
		b = unroll(copy(s->body, &u));
		if (own)
			st_add(into, b);
		for (int k = 0; k < b->list.n && !own; k++)
			st_add(into, b->list.p[k]);
	}
}

static Stmt *
unroll(const Stmt *s)
{
	Stmt *c;

	if (!s)
		return NULL;
	c = copy_mem(s, sizeof *s);
	memset(&c->list, 0, sizeof c->list);
	for (int i = 0; i < s->list.n; i++)
		if (s->list.p[i]->op == S_FOR && s->list.p[i]->kind == F_UNROLLED)
			write_out(c, s->list.p[i]);
		else
			st_add(c, unroll(s->list.p[i]));
	c->body = unroll(s->body);
	c->other = unroll(s->other);
	return c;
}

Stmt *
st_unroll(const Stmt *s)
{
	return unroll(s);
}
