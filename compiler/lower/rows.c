/* Rows: a reduction whose result has an axis of lanes, for several elements of the next axis at once: depthwise
 * convolution, pooling.
 *
 *   lanes l { acc[P]; for k { for p < P { acc[p] += x[k, row + p, l] * w[k, l] } }; for p { y[row + p, l] = epilogue } }
 *
 * One accumulator would wait for each product before the next; P of them do not, and what does not depend on the row is
 * loaded once for all. Sums that are tiles of a contraction belong to contract.c. */
#include "nest.h"

enum { MAX_ROWS = 8 };

typedef struct Rows {
	Nest *n;
	const Stage *s;
	Expr *body;
	const Expr *reduce;
	const IxAtom *row, *lane;
	Ix rowby, laneby;        /* what they are while a block is built */
	Expr *acc;
} Rows;

static Ix swap_axis(const IxAtom *a, void *arg)
{
	const Rows *r = arg;

	return a == r->row ? r->rowby : a == r->lane ? r->laneby : NULL;
}

static Expr *swap_reduce(const Expr *e, void *arg)
{
	const Rows *r = arg;

	return e == r->reduce ? r->acc : NULL;
}

/* `rows` rows from row0 on, `count` lanes from lane0 on */
static bool block(Rows *r, Stmt *b, Ix row0, int rows, Ix lane0, Ix count)
{
	Nest *n = r->n;
	const Expr *red = r->reduce;
	Ix l = nest_var(n, count), p, at[r->s->v->rank + 1];
	Stmt *lanes = st_lanes(b, l, n->isa->lanes), *in;
	Mem *acc = st_array(lanes, n->k, "acc", red->dt, ix_int(rows));

	n->lane = true;
	in = nest_unrolled(n, lanes, rows, &p);
	st_store(in, acc, p, reduce_identity(red->u.rop, red->dt));
	in = lanes;
	for (int i = 0; i < red->nix; i++)
		in = st_for(in, red->ix[i], F_SERIAL);
	in = nest_unrolled(n, in, rows, &p);
	r->laneby = ix_add(lane0, l);
	r->rowby = ix_add(row0, p);
	st_store(in, acc, p, reduce_term(n, red->u.rop, ex_load(acc, p),
		nest_loads(n, ex_subst_ix(red->a[0], swap_axis, r))));
	in = nest_unrolled(n, lanes, rows, &p);
	r->rowby = ix_add(row0, p);
	r->acc = ex_load(acc, p);
	for (int i = 0; i < r->s->v->rank; i++)
		at[i] = ix_subst(r->s->at[i], swap_axis, r);
	nest_store_at(n, in, r->s, at, ex_subst(r->body, swap_reduce, swap_axis, r));
	n->lane = false;
	return lanes_can(b->list.p[b->list.n - 1]);
}

static bool all_lanes(Rows *r, Stmt *b, Ix row0, int rows)
{
	int w = r->n->isa->lanes;
	Ix count = ix_max(r->lane->a, ix_int(0)), whole = ix_div(count, ix_int(w)), rest = ix_sub(count, ix_mulc(whole, w)), o;
	Stmt *in;

	if (!ix_is(whole, 0)) {
		in = nest_loop(r->n, b, whole, &o);
		if (!block(r, in, row0, rows, ix_mulc(o, w), ix_int(w)))
			return false;
	}
	if (ix_is(rest, 0))
		return true;
	in = ix_gt0(rest) ? b : st_if(b, ex_bin(E_GT, ex_ix(rest), ex_int(DT_I64, 0)));
	return block(r, in, row0, rows, ix_mulc(whole, w), rest);
}

static bool all_rows(Rows *r, Stmt *b)
{
	Ix extent = ix_max(r->row->a, ix_int(0)), whole, rest, o;
	int64_t e, tiles;
	int rows = MAX_ROWS / 2;
	Stmt *in;

	if (ix_isint(extent, &e)) {
		tiles = (e + MAX_ROWS - 1) / MAX_ROWS;
		rows = (int)((e + tiles - 1) / tiles);
	}
	whole = ix_div(extent, ix_int(rows));
	rest = ix_sub(extent, ix_mulc(whole, rows));
	in = nest_loop(r->n, b, whole, &o);
	if (!all_lanes(r, in, ix_mulc(o, rows), rows))
		return false;
	if (ix_is(rest, 0))
		return true;
	if (ix_isint(rest, &e))
		return all_lanes(r, nest_loop(r->n, b, ix_int(1), &o), ix_mulc(whole, rows), (int)e);
	in = nest_loop(r->n, b, rest, &o);
	return all_lanes(r, in, ix_add(ix_mulc(whole, rows), o), 1);
}

bool rows_stage(Nest *n, Stmt *b, const Stage *s, Expr *body)
{
	Rows r = { n, s, body, only_reduce(body, NULL), NULL, NULL, NULL, NULL, NULL };
	int before = b->list.n;
	int64_t e;

	if (n->lane || s->var || s->nloop < 2 || !r.reduce || r.reduce->a[0]->reduces ||
		(r.reduce->dt != DT_F32 && r.reduce->dt != DT_I32) || long_sum(r.reduce) || lanes_along_sum(n, s, body))
		return false;
	r.row = ix_atom(s->loop[s->nloop - 2]);
	r.lane = ix_atom(s->loop[s->nloop - 1]);
	if ((ix_isint(r.lane->a, &e) && e < n->isa->lanes / 2) || (ix_isint(r.row->a, &e) && e < 2) ||
		!ex_has_var(r.reduce, r.row) || !ex_has_var(r.reduce, r.lane) || ix_has(r.lane->a, r.row))
		return false;
	if (all_rows(&r, b))
		return true;
	b->list.n = before;
	return false;
}
