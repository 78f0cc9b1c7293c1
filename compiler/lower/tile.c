/* Tiles: the innermost axis of a stage, where its body holds a reduction over it.
 *
 *   acc[T]; for r { for t < T { acc[t] += body(r, t) } }; for t < T { y[t] = epilogue(acc[t]) }
 *
 * The loop over t has no dependence from one iteration to the next and a constant bound, so C compilers
 * vectorise it and keep acc in registers. A rest that does not fill a tile gets a loop of its own. */
#include "nest.h"

enum { TILE = 16, BLOCK = 16 };   /* elements; terms of a partial sum */

/* For --target scalar the loops over a tile are written out, so that it lies in registers: of 16 for integers,
 * pointers among them, and of 32 for floats. Sums are those of vector kernels: up to 256 terms in float. */
enum { INT_TILE = 8, FLOAT_TILE = 16, LONG_BLOCK = 256 };

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

static Stmt *loop_over(Stmt *b, Ix t)
{
	return ix_is(t, 0) ? b : st_for(b, t, F_SERIAL);
}

/* ---- conditions of a padded operand
 *
 * Where the fill makes a term the identity of its reduction, a term outside the box need not be computed at
 * all: the conditions that do not depend on t become an `if` around the loop over t. */

static bool is_fill(const Expr *e, const Expr *zero)
{
	while (e->op == E_CAST)
		e = e->a[0];
	return e->op == E_CONST && zero->op == E_CONST && (e->u.bits == zero->u.bits ||
		(dt_to_double(e->dt, e->u.bits) == dt_to_double(zero->dt, zero->u.bits)));
}

static const Expr *uncast(const Expr *e)
{
	while (e->op == E_CAST)
		e = e->a[0];
	return e;
}

/* the guard that can be tested outside, if the reduction allows it */
static const Expr *skip_guard(const Expr *red, const Expr *body)
{
	const Expr *g = uncast(body), *zero = reduce_identity(red->u.rop, g->dt);

	if (g->op == E_GUARD)
		return is_fill(g->a[1], zero) ? g : NULL;
	if (red->u.rop != R_SUM || body->op != E_MUL)
		return NULL;
	for (int i = 0; i < 2; i++) {
		g = uncast(body->a[i]);
		if (g->op == E_GUARD && is_fill(g->a[1], reduce_identity(R_SUM, g->dt)))
			return g;
	}
	return NULL;
}

typedef struct Part { const Expr *guard; Expr *with; } Part;

static Expr *swap_guard(const Expr *e, void *arg)
{
	const Part *p = arg;

	return e == p->guard ? p->with : NULL;
}

/* splits the conditions; the block in which the loop over t goes */
static Stmt *hoist_conditions(Nest *n, Stmt *b, const Expr *red, Ix t, Expr **body)
{
	const Expr *g = skip_guard(red, *body);
	const IxAtom *at = ix_atom(t);
	Expr *cond = NULL, *c;
	Part p = { g, NULL };
	int kept = 0;

	if (!g)
		return b;
	Ix keep[g->nix + 1];
	for (int i = 0; i < g->nix; i++) {
		if (at && ix_has(g->ix[i], at)) {
			keep[kept++] = g->ix[i];
			continue;
		}
		c = ex_bin(E_GE, ex_ix(nest_index(n, g->ix[i])), ex_int(DT_I64, 0));
		cond = cond ? ex_bin(E_AND, cond, c) : c;
	}
	if (!cond)
		return b;
	p.with = ex_guard(keep, kept, g->a[0], g->a[1]);
	*body = ex_subst(*body, swap_guard, NULL, &p);
	return st_if(b, cond);
}

/* ---- tiles */

static bool scalar(const Nest *n)
{
	return n->lo->opt->target && !strcmp(n->lo->opt->target, "scalar");
}

typedef struct Tile {
	Nest *n;
	const Stage *s;
	const Expr *red;         /* the reduction */
	DType dt;                /* of its accumulators */
	int64_t size;            /* of the arrays */
	Ix t;                    /* position in the tile */
	bool out;                /* loops over it are written out */
	Swap sw;                 /* the axis in terms of t */
} Tile;

static Stmt *loop_tile(const Tile *k, Stmt *b)
{
	return ix_is(k->t, 0) ? b : st_for(b, k->t, k->out ? F_UNROLLED : F_SERIAL);
}

static Mem *zeroed(const Tile *k, Stmt *b, const char *name, DType dt)
{
	Mem *acc = st_array(b, k->n->k, name, dt, ix_int(k->size));

	st_store(loop_tile(k, b), acc, k->t, reduce_identity(k->red->u.rop, dt));
	return acc;
}

/* acc[t] gathers the terms over red's variables from `first` on; `x` is the term */
static void gather(const Tile *k, Stmt *b, int first, Mem *acc, Expr *x)
{
	Stmt *in = b;

	for (int i = first; i < k->red->nix; i++)
		in = st_for(in, k->red->ix[i], F_SERIAL);
	x = ex_subst_ix(x, swap_axis, (void *)&k->sw);
	in = loop_tile(k, hoist_conditions(k->n, in, k->red, k->t, &x));
	st_store(in, acc, k->t, reduce_combine(k->red->u.rop, ex_load(acc, k->t), nest_loads(k->n, x)));
}

/* terms of a block of the outermost variable: about BLOCK in all; 0: no blocks */
static int64_t block_length(const Tile *k)
{
	double inner = 1, whole, block = scalar(k->n) ? LONG_BLOCK : BLOCK;

	if (k->dt != DT_F32 || k->red->u.rop != R_SUM || k->red->nix == 0)
		return 0;
	for (int i = 1; i < k->red->nix; i++)
		inner *= ix_estimate(ix_atom(k->red->ix[i])->a);
	whole = inner * ix_estimate(ix_atom(k->red->ix[0])->a);
	if (whole < 1.5 * block || inner >= block)
		return whole < 1.5 * block ? 0 : 1;
	return (int64_t)(block / inner);
}

/* long float sums go through partial sums of blocks that are added up in double, so that rounding errors do
 * not grow with the whole length */
static void gather_blocks(const Tile *k, Stmt *b, Mem *acc, Expr *x)
{
	int64_t c = block_length(k);
	const IxAtom *r = c ? ix_atom(k->red->ix[0]) : NULL;
	Ix o, i;
	Swap block = { .axis = r };
	Stmt *in;
	Mem *part;

	if (c == 0) {
		gather(k, b, 0, acc, x);
		return;
	}
	o = nest_var(k->n, ix_cdiv(r->a, ix_int(c)));
	in = st_for(b, o, F_SERIAL);
	part = zeroed(k, in, "part", k->dt);
	i = c == 1 ? ix_int(0) : nest_var(k->n, ix_min(ix_int(c), ix_sub(r->a, ix_mulc(o, c))));
	block.by = ix_add(ix_mulc(o, c), i);
	gather(k, loop_over(in, i), 1, part, ex_subst_ix(x, swap_axis, &block));
	st_store(loop_tile(k, in), acc, k->t, reduce_combine(R_SUM, ex_load(acc, k->t),
		ex_cast(acc->dt, ex_load(part, k->t))));
}

/* in memory, where a loop can walk it */
static Mem *copied(const Tile *k, Stmt *b, const Mem *acc)
{
	Mem *sum = st_array(b, k->n->k, "sum", acc->dt, ix_int(k->size));

	st_store(loop_tile(k, b), sum, k->t, ex_load((Mem *)acc, k->t));
	return sum;
}

/* `count` elements of the axis from `base` on; count is at most `size`, constant */
static void tile(
	Nest *n, Stmt *b, const Stage *s, const Expr *body, const Expr *red, Ix base, Ix count, int64_t size)
{
	Tile k = { n, s, red, reduce_dtype(n, red), size, ix_is(count, 1) ? ix_int(0) : nest_var(n, count),
		false, { 0 } };
	Ix at[s->v->rank + 1];
	int64_t e;
	Stmt *in;
	Mem *acc;

	k.sw.axis = ix_atom(s->loop[s->nloop - 1]);
	k.sw.by = ix_add(base, k.t);
	k.out = scalar(n) && ix_isint(count, &e);
	acc = zeroed(&k, b, "acc", block_length(&k) ? DT_F64 : k.dt);
	gather_blocks(&k, b, acc, reduce_body(n, red));
	if (k.out && !ix_is(k.t, 0))
		acc = copied(&k, b, acc);
	in = loop_over(b, k.t);
	k.sw.reduce = red;
	k.sw.acc = ex_cast(red->dt, ex_load(acc, k.t));
	for (int i = 0; i < s->v->rank; i++)
		at[i] = ix_subst(s->at[i], swap_axis, &k.sw);
	nest_store_at(n, in, s, at, ex_subst(body, swap_reduce, swap_axis, &k.sw));
}

/* elements [base, base + extent) of the axis */
static void tile_range(
	Nest *n, Stmt *b, const Stage *s, const Expr *body, const Expr *red, Ix base, Ix extent)
{
	int64_t e, size = !scalar(n) ? TILE : dt_float(reduce_dtype(n, red)) ? FLOAT_TILE : INT_TILE;
	Ix whole, rest, o;
	Stmt *in;

	if (ix_isint(extent, &e) && e <= size) {
		if (e > 0)
			tile(n, nest_scope(b), s, body, red, base, extent, e);
		return;
	}
	extent = ix_max(extent, ix_int(0));      /* of a branch not taken: less than none */
	whole = ix_div(extent, ix_int(size));
	rest = ix_sub(extent, ix_mulc(whole, size));
	o = ix_is(whole, 1) ? ix_int(0) : nest_var(n, whole);
	tile(n, ix_is(whole, 1) ? nest_scope(b) : st_for(b, o, F_SERIAL), s, body, red,
		ix_add(base, ix_mulc(o, size)), ix_int(size), size);
	if (ix_is(rest, 0))
		return;
	in = ix_isint(rest, &e) ? nest_scope(b) : st_if(b, ex_bin(E_GT, ex_ix(rest), ex_int(DT_I64, 0)));
	tile(n, in, s, body, red, ix_add(base, ix_mulc(whole, size)), rest, ix_isint(rest, &e) ? e : size);
}

/* ---- the interior of a padded axis, where no condition on it is left */

static bool any_var(const IxAtom *a, void *arg)
{
	return a->kind == IX_VAR && a != arg;
}

bool cond_interior(const Ix *cond, int n, const IxAtom *axis, int64_t *from, int64_t *to)
{
	bool any = false;

	for (int i = 0; i < n; i++) {
		Ix rest, coef, least;
		int64_t c, r;
		if (!ix_has(cond[i], axis))
			continue;
		coef = ix_coef(cond[i], axis, &rest);
		least = coef ? ix_lower(rest, any_var, (void *)axis) : NULL;
		if (!least || !ix_isint(coef, &c) || !ix_isint(least, &r) || c == 0)
			return false;
		any = true;
		if (c > 0 && r < 0)          /* c*j + r >= 0 */
			*from = (-r + c - 1) / c > *from ? (-r + c - 1) / c : *from;
		if (c < 0)
			*to = (r < 0 ? 0 : r / -c + 1) < *to ? (r < 0 ? 0 : r / -c + 1) : *to;
	}
	return any;
}

bool tile_axis(Nest *n, Stmt *b, const Stage *s, Expr *body)
{
	Ix axis = s->loop[s->nloop - 1], extent = ix_atom(axis)->a;
	Find f = { 0 };
	const Expr *g;
	int64_t e, from = 0, to;

	find_reduce(&f, body, false);
	if (f.n != 1 || f.choice || has_reduce(f.e->a[0]) || s->var || (n->isa && lanes_along_sum(n, s, body)))
		return false;
	g = skip_guard(f.e, reduce_body(n, f.e));
	if (g && ix_isint(extent, &e) && (to = e, cond_interior(g->ix, g->nix, ix_atom(axis), &from, &to)) && to - from >= 4 &&
		to - from < e) {
		tile_range(n, b, s, body, f.e, ix_int(0), ix_int(from));
		tile_range(n, b, s, body, f.e, ix_int(from), ix_int(to - from));
		tile_range(n, b, s, body, f.e, ix_int(to), ix_int(e - to));
		return true;
	}
	tile_range(n, b, s, body, f.e, ix_int(0), extent);
	return true;
}
