/* Statements and kernels: builders, and what a finished kernel knows of itself. */
#include "pool.h"

#include <stdlib.h>

Stmt *
st_new(SOp op)
{
	Stmt *s = NEW(Stmt);

	s->op = op;
	return s;
}

Stmt *
st_block(void)
{
	return st_new(S_BLOCK);
}

void
st_add(Stmt *block, Stmt *s)
{
	if (block->op != S_BLOCK)
		bug("statement added to no block");
	push(&block->list, s);
}

static Stmt *
add(Stmt *block, SOp op)
{
	Stmt *s = st_new(op);

	st_add(block, s);
	return s;
}

Stmt *
st_for(Stmt *block, Ix var, ForKind kind)
{
	Stmt *s = add(block, S_FOR);

	if (!ix_atom(var) || ix_atom(var)->kind != IX_VAR)
		bug("loop over %s", ix_str(var));
	s->var = var;
	s->kind = kind;
	return s->body = st_block();
}

Stmt *
st_lanes(Stmt *block, Ix var, int lanes)
{
	Stmt *in = st_for(block, var, F_LANES);

	block->list.p[block->list.n - 1]->lanes = lanes;
	return in;
}

Stmt *
st_if(Stmt *block, Expr *cond)
{
	Stmt *s = add(block, S_IF);

	s->e = cond;
	return s->body = st_block();
}

Stmt *
st_else(Stmt *block)
{
	Stmt *s = block->list.n ? block->list.p[block->list.n - 1] : NULL;

	if (!s || s->op != S_IF || s->other)
		bug("else without if");
	return s->other = st_block();
}

Stmt *
st_while(Stmt *block, Expr *cond)
{
	Stmt *s = add(block, S_WHILE);

	s->e = cond;
	return s->body = st_block();
}

/* numbers of variables: per kernel, or of the session in programs (k NULL) */
static int
next_id(Kern *k)
{
	return k ? k->nvar++ : ex_pool()->nvar++;
}

Var *
st_let(Stmt *block, Kern *k, const char *name, Expr *e)
{
	Stmt *s = add(block, S_LET);

	s->v = NEW(Var);
	*s->v = (Var){next_id(k), e->dt, name};
	s->e = e;
	return s->v;
}

void
st_set(Stmt *block, Var *v, Expr *e)
{
	Stmt *s;

	if (v->dt != e->dt)
		bug("%s set to %s", dt_name(v->dt), dt_name(e->dt));
	if (e == ex_var(v))
		return;
	s = add(block, S_SET);
	s->v = v;
	s->e = e;
}

void
st_store(Stmt *block, Mem *m, Ix at, Expr *e)
{
	Stmt *s = add(block, S_STORE);

	if (m->dt != e->dt)
		bug("store of %s to %s", dt_name(e->dt), dt_name(m->dt));
	s->mem = m;
	s->ix = at;
	s->e = e;
}

void
st_prefetch(Stmt *block, Mem *m, Ix at)
{
	Stmt *s = add(block, S_PREFETCH);

	s->mem = m;
	s->ix = at;
}

Mem *
st_array(Stmt *block, Kern *k, const char *name, DType dt, Ix size)
{
	Stmt *s = add(block, S_ARRAY);
	Mem *m = NEW(Mem);

	*m = (Mem){.id = next_id(k), .space = SP_PRIVATE, .dt = dt, .name = name, .size = size};
	return s->mem = m;
}

void
st_fail(Stmt *block, Kern *k, Expr *cond, int status)
{
	Stmt *s;

	if (cond && cond->op == E_CONST && !cond->u.bits)
		return;
	s = add(block, S_FAIL);
	s->e = cond && cond->op == E_CONST ? NULL : cond;
	s->status = status;
	if (k)
		k->fails = true;
}

Kern *
kern_new(const char *name)
{
	Kern *k = NEW(Kern);

	k->name = name;
	k->body = st_block();
	return k;
}

Mem *
kern_param(Kern *k, const char *name, DType dt, Ix size, bool packed)
{
	Mem *m = NEW(Mem);

	*m = (Mem){.id = k->param.n, .space = SP_PARAM, .dt = dt, .packed = packed, .name = name,
		.size = size};
	push(&k->param, m);
	return m;
}

void
st_each(Stmt *s, void (*f)(Stmt *, void *), void *arg)
{
	if (!s)
		return;
	f(s, arg);
	for (int i = 0; i < s->list.n; i++)
		st_each(s->list.p[i], f, arg);
	st_each(s->body, f, arg);
	st_each(s->other, f, arg);
}

/* a finished kernel */

typedef struct Finish { Kern *k; Map *seen; } Finish;

static bool
finish_atom(const IxAtom *at, void *arg)
{
	Finish *f = arg;
	void **slot;

	if (at->kind != IX_SYM || *(slot = map_at_ptr(f->seen, at)))
		return false;
	*slot = (void *)at;
	push(&f->k->sym, at);
	return false;
}

static bool
finish_node(const Expr *e, void *arg)
{
	Finish *f = arg;

	if (e->op == E_LOAD)
		e->u.mem->read = true;
	if (e->op >= E_NUMSTR && e->op <= E_STRUP)
		f->k->heap = true;
	return false;
}

/* loads inside an index are found through an expression that holds it */
static void
finish_ix(Finish *f, Ix p)
{
	if (!p)
		return;
	ix_any(p, finish_atom, f);
	ex_any(ex_ix(p), finish_node, f);
}

static void
finish_stmt(Stmt *s, void *arg)
{
	Finish *f = arg;

	if (s->op == S_FAIL)
		f->k->fails = true;
	if (s->op == S_STORE)
		s->mem->written = true;
	if (s->var && ix_atom(s->var)->kind == IX_VAR)
		finish_ix(f, ix_atom(s->var)->a);
	finish_ix(f, s->ix);
	finish_ix(f, s->ix2);
	if (s->e) {
		ex_any(s->e, finish_node, f);
		ex_any_atom(s->e, finish_atom, f);
	}
}

static int
by_id(const void *x, const void *y)
{
	int a = (*(const IxAtom *const *)x)->id, b = (*(const IxAtom *const *)y)->id;

	return (a > b) - (a < b);
}

void
kern_finish(Kern *k)
{
	Finish f = {k, map_new()};

	k->sym.n = 0;
	st_each(k->body, finish_stmt, &f);
	for (int i = 0; i < k->variant.n; i++)
		st_each(k->variant.p[i]->body, finish_stmt, &f);
	for (int i = 0; i < k->param.n; i++)
		if (k->param.p[i]->each)
			finish_ix(&f, k->param.p[i]->size);
	if (k->sym.n)
		qsort(k->sym.p, (size_t)k->sym.n, sizeof *k->sym.p, by_id);
	for (int i = 0; i < k->variant.n; i++) {
		memcpy(&k->variant.p[i]->sym, &k->sym, sizeof k->sym);
		k->variant.p[i]->fails = k->fails;
	}
}
