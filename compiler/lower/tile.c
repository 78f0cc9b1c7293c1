/* Tiles: the innermost axis of a stage, where its body holds a reduction over it.
 *
 *   acc[T]; for r { for t < T { acc[t] += body(r, t) } }; for t < T { y[t] = epilogue(acc[t]) }
 *
 * The loop over t has no dependence from one iteration to the next and a constant bound, so C compilers vectorise it and
 * keep acc in registers. A rest that does not fill a tile gets a loop of its own. */
#include "nest.h"

enum { TILE = 16 };

typedef struct Find { const Expr *e; int n; bool choice; } Find;

static void find_reduce(Find *f, const Expr *e, bool choice)
{
	if (!has_reduce(e))
		return;
	if (e->op == E_REDUCE) {
		f->n += f->e != e;
		f->e = e;
		f->choice |= choice;
		return;
	}
	choice |= e->op == E_GUARD || e->op == E_SELECT;
	for (int i = 0; i < e->n; i++)
		find_reduce(f, e->a[i], choice);
}

typedef struct Swap { const IxAtom *axis; Ix by; const Expr *reduce; Expr *acc; } Swap;

static Ix swap_axis(const IxAtom *a, void *arg)
{
	const Swap *s = arg;

	return a == s->axis ? s->by : NULL;
}

static Expr *swap_reduce(const Expr *e, void *arg)
{
	const Swap *s = arg;

	return e == s->reduce ? s->acc : NULL;
}

/* `count` elements of the axis from `base` on; count is at most `size`, constant */
static void tile(Nest *n, Stmt *b, const Stage *s, const Expr *body, const Expr *red, Ix base, Ix count, int64_t size)
{
	const IxAtom *axis = ix_atom(s->loop[s->nloop - 1]);
	DType dt = reduce_dtype(n, red);
	Mem *acc = st_array(b, n->k, "acc", dt, ix_int(size));
	Ix t = nest_var(n, count), at[s->v->rank + 1];
	Swap sw = { .axis = axis, .by = ix_add(base, t) };
	Stmt *in;
	Expr *x;

	st_store(st_for(b, t, F_SERIAL), acc, t, reduce_identity(red->u.rop, dt));
	in = b;
	for (int i = 0; i < red->nix; i++)
		in = st_for(in, red->ix[i], F_SERIAL);
	in = st_for(in, t, F_SERIAL);
	x = nest_loads(n, ex_subst_ix(reduce_body(n, red), swap_axis, &sw));
	st_store(in, acc, t, reduce_combine(red->u.rop, ex_load(acc, t), x));

	in = st_for(b, t, F_SERIAL);
	sw.reduce = red;
	sw.acc = ex_cast(red->dt, ex_load(acc, t));
	for (int i = 0; i < s->v->rank; i++)
		at[i] = ix_subst(s->at[i], swap_axis, &sw);
	nest_store_at(n, in, s, at, ex_subst(body, swap_reduce, swap_axis, &sw));
}

bool tile_axis(Nest *n, Stmt *b, const Stage *s, Expr *body)
{
	Ix axis = s->loop[s->nloop - 1], extent = ix_atom(axis)->a, whole, rest, o;
	Find f = { 0 };
	int64_t e;
	Stmt *in;

	find_reduce(&f, body, false);
	if (f.n != 1 || f.choice || has_reduce(f.e->a[0]) || s->var)
		return false;
	if (ix_isint(extent, &e) && e <= TILE) {
		in = st_if(b, ex_bits(DT_BOOL, 1));
		tile(n, in, s, body, f.e, ix_int(0), extent, e);
		return true;
	}
	whole = ix_div(extent, ix_int(TILE));
	rest = ix_sub(extent, ix_mulc(whole, TILE));
	o = nest_var(n, whole);
	tile(n, st_for(b, o, F_SERIAL), s, body, f.e, ix_mulc(o, TILE), ix_int(TILE), TILE);
	if (ix_is(rest, 0))
		return true;
	in = st_if(b, ex_bin(E_GT, ex_ix(rest), ex_int(DT_I64, 0)));
	tile(n, in, s, body, f.e, ix_mulc(whole, TILE), rest, TILE);
	return true;
}
