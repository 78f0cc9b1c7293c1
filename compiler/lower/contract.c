/* Contractions on register tiles: MR rows of the broadcast operand times NV vectors of the lane operand.
 *
 *   for outer axes { for n-groups { for m-tiles {
 *     lanes l { acc[MR][NV] = 0
 *       for k { b[j] = B[k, n + j*L + l]; for i { a = A[m + i, k]; for j { acc[i][j] += a * b[j] } } }
 *       for i, j { y[m + i, n + j*L + l] = epilogue(acc[i][j]) } } } } }
 *
 * A and B are any expressions (contraction.h); B is the operand whose elements lie side by side along the lane axis,
 * or a constant, which is packed so that they do: [n/16][k...][16], the same for every isa; any other is copied, a
 * group of columns at a time, if enough rows use the copy. The tile axis is one of
 * A's; where A's conditions (padding) depend on it, only the interior is tiled, and the border done row by row.
 *
 * Where a constant does not stay in the second level of caches from one row of the outer axes to the next, those axes
 * go inside the n-groups: what is read over and over is then one panel. While the first tiles of a group use it, the
 * panel of the next group is fetched. Rows that do not stay there from one group to the next are taken in blocks. */
#include "gemm.h"

enum {
	MAX_NV = 8,
	MAX_COPY = 16384,        /* elements on the stack */
	CACHE = 1 << 17,         /* elements that stay in the second level of caches */
	TERMS = 256,             /* of one float sum: longer ones are sums of these, as rounding errors grow with the length */
};

Ix gemm_axis(const IxAtom *a, void *arg)
{
	const Swap *s = arg;

	return a == s->m ? s->mby : a == s->n ? s->nby : a == s->k ? s->kby : NULL;
}

static Expr *swap_reduce(const Expr *e, void *arg)
{
	const Swap *s = arg;

	return e == s->reduce ? s->acc : NULL;
}

/* ---- which axes */

const Expr *only_reduce(const Expr *e, const Expr *found)
{
	bool arms = e->op == E_GUARD || e->op == E_SELECT;

	if (!has_reduce(e))
		return found;
	if (e->op == E_REDUCE)
		return !found || found == e ? e : NULL;
	for (int i = 0; i < e->n; i++) {
		if (!has_reduce(e->a[i]))
			continue;
		if (arms && !found && (i > 0 || e->op == E_GUARD))     /* an arm alone has it: it may not be computable */
			return NULL;
		if (!(found = only_reduce(e->a[i], found)))
			return NULL;
	}
	return found;
}

static bool is_loop(const Stage *s, const IxAtom *a)
{
	for (int i = 0; i < s->nloop; i++)
		if (ix_atom(s->loop[i]) == a)
			return true;
	return false;
}

/* elements from one index of the variable to the next in what an expression loads; -1: not regular */
int64_t gemm_step(Nest *n, const Factor *f, const IxAtom *a)
{
	Ix c, rest;
	int64_t v;

	if (!f->load || !ex_has_var(f->load, a))
		return f->load ? 0 : -1;
	c = ix_coef(nest_flat(n, f->load->u.value, f->load->ix), a, &rest);
	return c && ix_isint(c, &v) ? v : -1;
}

static int64_t out_step(const Gemm *g, const IxAtom *a)
{
	Ix rest, c = ix_coef(nest_flat(g->n, g->s->v, g->s->at), a, &rest);
	int64_t v;

	return c && ix_isint(c, &v) ? v : -1;
}

bool gemm_in_conds(const Factor *f, const IxAtom *a)
{
	for (int i = 0; i < f->ncond; i++)
		if (ix_has(f->cond[i], a))
			return true;
	return false;
}

/* the lane, counted from multiples of a panel: the channels of a group */
static bool from_panel(Ix at, const IxAtom *lane)
{
	Ix rest, c = ix_coef(at, lane, &rest);

	return c && ix_is(c, 1) && ix_is(ix_mod(rest, ix_int(PANEL)), 0);
}

/* can a constant be packed along that lane axis: each of its axes is walked by one variable */
static bool packable(const Contraction *c, const IxAtom *lane)
{
	const Expr *l = c->b.load;
	bool any = false;

	if (!l || !l->u.value->data || c->b.ncond || l->nix > PACK_MAX - 3)
		return false;
	for (int i = 0; i < l->nix; i++) {
		const IxAtom *a = ix_atom(l->ix[i]);
		any |= from_panel(l->ix[i], lane);
		if (!ix_is(l->ix[i], 0) && (!a || a->kind != IX_VAR) && !from_panel(l->ix[i], lane))
			return false;
	}
	return any;
}

/* SCATTERED: the lane operand as it lies, the result not side by side; a long sum outweighs that */
typedef enum How { AS_IT_LIES, COPIED, SCATTERED } How;
enum { LONG = 64 };

static double rows_of(const Contraction *c)
{
	double m = 1;

	for (int i = 0; i < c->m.n; i++)
		m *= ix_estimate(ix_atom(c->m.v[i])->a);
	return m;
}

/* elements of one column, 0 if they are not constant or its copy would be too large */
static int64_t column_length(const Contraction *c)
{
	int64_t n = 1, e;

	for (int i = 0; i < c->k.n; i++) {
		if (!ix_isint(ix_atom(c->k.v[i])->a, &e) || e < 1 || n > MAX_COPY / e)
			return 0;
		n *= e;
	}
	return n * PANEL <= MAX_COPY ? n : 0;
}

/* b as the lane operand, along one of its own axes */
static bool lane_axis_of(Gemm *g, How how)
{
	const Contraction *c = &g->c;
	int64_t e;

	for (int i = 0; i < c->n.n; i++) {
		const IxAtom *a = ix_atom(c->n.v[i]);
		if (!is_loop(g->s, a) || gemm_in_conds(&c->b, a) ||
			(how == SCATTERED ? c->terms < LONG : out_step(g, a) != 1) ||
			(ix_isint(a->a, &e) && e < g->n->isa->lanes / 2))
			continue;
		g->copies = how == COPIED;
		if (how == COPIED ? gemm_step(g->n, &c->b, a) <= 1 || c->b.ncond || rows_of(c) < 4 || !column_length(c)
			: !packable(c, a) && gemm_step(g->n, &c->b, a) != 1)
			continue;
		g->l = a;
		return true;
	}
	return false;
}

/* reduction variables: those on which a's conditions depend first, then by a's strides, largest first */
static void order_k(Gemm *g)
{
	double key[CONTRACTION_VARS], v;
	int j;

	g->nk = g->c.k.n;
	for (int i = 0; i < g->nk; i++) {
		const IxAtom *a = ix_atom(g->c.k.v[i]);
		v = (double)gemm_step(g->n, &g->c.a, a);
		v = gemm_in_conds(&g->c.a, a) || gemm_in_conds(&g->c.b, a) ? v + 1e12 : v;
		for (j = i; j > 0 && key[j - 1] < v; j--) {
			key[j] = key[j - 1];
			g->k[j] = g->k[j - 1];
		}
		key[j] = v;
		g->k[j] = g->c.k.v[i];
	}
}

static bool lane_of(Gemm *g, How how)
{
	for (int side = 0; side < 2; side++) {
		if (!(g->dot && how == COPIED) && lane_axis_of(g, how)) {
			order_k(g);
			if (!g->dot || (packable(&g->c, g->l) && dot_can(g)))
				return true;
		}
		contraction_swap(&g->c);
	}
	return false;
}

/* A copy is paid for by the rows that use it, a scattered result by the terms of its sum: more where its elements meet in
 * one place of a cache */
static bool choose_lane(Gemm *g)
{
	Gemm scattered;
	int64_t apart;
	bool copied;

	g->dot = g->c.acc == DT_I32;
	if (lane_of(g, AS_IT_LIES))
		return true;
	scattered = *g;
	copied = lane_of(g, COPIED);
	if (!lane_of(&scattered, SCATTERED))
		return copied;
	apart = out_step(&scattered, scattered.l);
	if (!copied || scattered.c.terms > rows_of(&g->c) * (apart > 0 && apart % ALIAS ? 1 : ALIASED))
		*g = scattered;
	return true;
}

static void tile_axis_of(Gemm *g)
{
	const Contraction *c = &g->c;
	double best = 1, e;

	for (int i = 0; i < c->m.n; i++) {
		const IxAtom *a = ix_atom(c->m.v[i]);
		e = ix_estimate(a->a);
		if (is_loop(g->s, a) && e * 1.5 >= best) {
			best = e;
			g->m = a;
		}
	}
}

/* ---- the size of a tile: estimated cycles per term for the whole; two products and two loads a cycle, products
 * four cycles deep */

static double tile_cost(int mr, int nv)
{
	double fma = mr * nv / 2.0, load = (mr + nv) / 2.0, c = fma > load ? fma : load;

	return (c > 4 ? c : 4) + 0.3;
}

static void choose_tile(Gemm *g)
{
	double m = g->m ? ix_estimate(g->m->a) : 1, vecs = ix_estimate(g->l->a) / g->n->isa->lanes, best = 1e30, cost;
	int regs = g->dot ? dot_regs(g->n->isa) : g->n->isa->regs, per = PANEL / g->n->isa->lanes, rest;

	vecs = vecs < 1 ? 1 : (double)(int64_t)(vecs + 0.99);
	for (int nv = per; nv <= MAX_NV && (nv <= vecs || nv == per); nv += per)
		for (int mr = 1; mr <= 16 && mr <= m && mr * nv + nv + 1 <= regs &&
			(!g->copies || column_length(&g->c) * nv * g->n->isa->lanes <= MAX_COPY); mr++) {
			rest = (int)m % mr;
			cost = (int)(m / mr) * tile_cost(mr, nv) + (rest ? tile_cost(rest, nv) : 0);
			rest = (int)vecs % nv;
			cost = cost * (int)(vecs / nv) + (rest ? (int)(m / mr + 0.99) * tile_cost(mr, rest) : 0);
			if (cost < best) {
				best = cost;
				g->mr = mr;
				g->nv = nv;
			}
		}
}

/* ---- one tile */

/* an `if` for each of an operand's conditions that has all its reduction variables, `open` of them, for the first time;
 * of one that never holds, a block that is nowhere */
static Stmt *hoist_of(Gemm *g, const Factor *f, Stmt *b, const Swap *sw, int open, bool interior)
{
	for (int i = 0; i < f->ncond; i++) {
		Ix cond = f->cond[i];
		int need = 0;
		if (interior && g->m && ix_has(cond, g->m))
			continue;
		for (int k = 0; k < g->nk; k++)
			need = ix_has(cond, ix_atom(g->k[k])) ? k + 1 : need;
		if (need != open)
			continue;
		cond = nest_index(g->n, ix_subst(cond, gemm_axis, (void *)sw));
		if (ix_lt0(cond))
			b = st_block();
		else if (!ix_ge0(cond))
			b = st_if(b, ex_bin(E_GE, ex_ix(cond), ex_int(DT_I64, 0)));
	}
	return b;
}

static Stmt *hoist(Gemm *g, Stmt *b, const Swap *sw, int open, bool interior)
{
	b = hoist_of(g, &g->c.a, b, sw, open, interior);
	return hoist_of(g, &g->c.b, b, sw, open, interior);
}

static Expr *operand(Gemm *g, const Factor *f, const Swap *sw)
{
	Expr *e = f->load && f->ncond ? ex_cast(g->c.acc, (Expr *)f->load) : f->e;

	return nest_loads(g->n, ex_subst_ix(e, gemm_axis, (void *)sw));
}

/* position of the reduction variables in a copied column */
static Ix column_at(const Gemm *g)
{
	Ix at = ix_int(0);

	for (int i = 0; i < g->nk; i++)
		at = ix_add(ix_mul(at, ix_atom(g->k[i])->a), g->k[i]);
	return at;
}

/* the columns from n0 on, side by side */
static bool copy_columns(Gemm *g, Stmt *b, Ix n0, int nv, Ix lanes)
{
	Nest *n = g->n;
	int w = n->isa->lanes;
	Ix l = nest_var(n, lanes), j;
	Swap sw = { .n = g->l };
	Stmt *in;

	g->copy = st_array(b, n->k, "col", DT_F32, ix_int(column_length(&g->c) * nv * w));
	for (int i = 0; i < g->nk; i++)
		b = st_for(b, g->k[i], F_SERIAL);
	in = nest_unrolled(n, st_lanes(b, l, w), nv, &j);
	sw.nby = ix_add(ix_add(n0, ix_mulc(j, w)), l);
	n->lane = true;
	st_store(in, g->copy, ix_add(ix_mulc(ix_add(ix_mulc(column_at(g), nv), j), w), l),
		nest_loads(n, ex_subst_ix(g->c.b.e, gemm_axis, &sw)));
	n->lane = false;
	return lanes_can(b->list.p[b->list.n - 1]);
}

/* a panel of the next group of columns: the one whose number is that of the tile */
static void fetch_ahead(Gemm *g, Stmt *b, Swap *sw, Ix n0, int nv)
{
	int64_t count, per = nv * g->n->isa->lanes / PANEL;
	Ix next = ix_addc(n0, nv * g->n->isa->lanes);
	Expr *e;

	if (!g->pack || !g->turn || !ix_isint(g->l->a, &count) || per < 1 || ix_ge(next, ix_int(count)))
		return;
	next = ix_add(next, ix_mulc(ix_min(g->turn, ix_int(per - 1)), PANEL));
	sw->nby = ix_min(next, ix_int((count - 1) / PANEL * PANEL));
	e = nest_loads(g->n, ex_subst_ix((Expr *)g->c.b.load, gemm_axis, sw));
	st_prefetch(b, e->u.mem, e->ix[0]);
}

static void products(Gemm *g, Stmt *b, Swap *sw, Ix m0, Ix n0, Ix l, int mr, int nv, Mem *acc)
{
	Nest *n = g->n;
	Mem *bv = st_array(b, n->k, "b", DT_F32, ix_int(nv));
	Ix i, j, at;
	Stmt *in;
	Var *a;

	in = nest_unrolled(n, b, nv, &j);
	sw->nby = ix_add(ix_add(n0, ix_mulc(j, n->isa->lanes)), l);
	sw->mby = m0;
	st_store(in, bv, j, g->copies
		? ex_load(g->copy, ix_add(ix_mulc(ix_add(ix_mulc(ix_subst(column_at(g), gemm_axis, sw), nv), j),
			n->isa->lanes), l))
		: operand(g, &g->c.b, sw));
	fetch_ahead(g, b, sw, n0, nv);
	in = nest_unrolled(n, b, mr, &i);
	sw->mby = ix_add(m0, i);
	a = st_let(in, n->k, "a", operand(g, &g->c.a, sw));
	in = nest_unrolled(n, in, nv, &j);
	at = ix_add(ix_mulc(i, nv), j);
	st_store(in, acc, at, ex_fma(ex_var(a), ex_load(bv, j), ex_load(acc, at)));
}

Ix gemm_column(const Tile *t, Ix j)
{
	return ix_add(ix_add(t->n0, ix_mulc(j, t->g->n->isa->lanes)), t->l);
}

static Mem *zeros(Gemm *g, Stmt *b, const char *name, int count)
{
	Mem *m = st_array(b, g->n->k, name, DT_F32, ix_int(count));
	Ix i;

	b = nest_unrolled(g->n, b, count, &i);
	st_store(b, m, i, ex_float(DT_F32, 0));
	return m;
}

/* from this depth of the reduction's loops on, terms go into one sum; its last loop is split if that is too long */
static int sum_depth(const Gemm *g, bool *split)
{
	double terms = 1;
	int d = g->nk;

	for (; d > 0; d--) {
		terms *= ix_estimate(ix_atom(g->k[d - 1])->a);
		if (terms > TERMS)
			break;
	}
	*split = d == g->nk && d > 0;
	return *split ? d - 1 : d;
}

/* the loops from `depth` on, and the products inside them */
static void sum_terms(Gemm *g, Stmt *b, Swap *sw, int depth, Ix m0, Ix n0, Ix l, int mr, int nv, Mem *acc, bool interior)
{
	for (int k = depth; k < g->nk; k++)
		b = hoist(g, st_for(b, sw->k == ix_atom(g->k[k]) ? sw->kin : g->k[k], F_SERIAL), sw, k + 1, interior);
	products(g, b, sw, m0, n0, l, mr, nv, acc);
}

/* acc, or the total of several: the sums of the tile */
static Mem *sums(Gemm *g, Stmt *body, Swap *sw, Ix m0, Ix n0, Ix l, int mr, int nv, bool interior)
{
	Nest *n = g->n;
	bool split;
	int depth = sum_depth(g, &split);
	bool several = depth || split;
	Mem *total = zeros(g, body, several ? "total" : "acc", mr * nv), *acc;
	Stmt *in = hoist(g, body, sw, 0, interior);
	Ix o, i;

	if (!several) {
		sum_terms(g, in, sw, 0, m0, n0, l, mr, nv, total, interior);
		return total;
	}
	for (int k = 0; k < depth; k++)
		in = hoist(g, st_for(in, g->k[k], F_SERIAL), sw, k + 1, interior);
	if (split) {
		sw->k = ix_atom(g->k[depth]);
		o = nest_var(n, ix_cdiv(sw->k->a, ix_int(TERMS)));
		in = st_for(in, o, F_SERIAL);
		sw->kin = nest_var(n, ix_min(ix_int(TERMS), ix_sub(sw->k->a, ix_mulc(o, TERMS))));
		sw->kby = ix_add(ix_mulc(o, TERMS), sw->kin);
	}
	acc = zeros(g, in, "acc", mr * nv);
	sum_terms(g, in, sw, depth, m0, n0, l, mr, nv, acc, interior);
	in = nest_unrolled(n, in, mr * nv, &i);
	st_store(in, total, i, ex_bin(E_ADD, ex_load(total, i), ex_load(acc, i)));
	return total;
}

/* rows [m0, m0 + mr), vectors from n0 on; lanes: how many of the last one */
static bool tile(Gemm *g, Stmt *b, Ix m0, int mr, Ix n0, int nv, Ix lanes, bool interior)
{
	Nest *n = g->n;
	Swap sw = { .m = g->m, .n = g->l, .mby = m0, .reduce = g->c.reduce };
	Ix l = nest_var(n, lanes), i, j, at[g->s->v->rank + 1];
	Stmt *in, *body = st_lanes(b, l, n->isa->lanes);
	Tile t = { g, &sw, m0, n0, l, mr, nv, NULL, interior };

	n->lane = true;
	sw.nby = ix_add(n0, l);
	t.acc = g->dot ? dot_sums(&t, body) : sums(g, body, &sw, m0, n0, l, mr, nv, interior);
	in = nest_unrolled(n, nest_unrolled(n, body, mr, &i), nv, &j);
	sw.mby = ix_add(m0, i);
	sw.nby = gemm_column(&t, j);
	sw.acc = ex_load(t.acc, ix_add(ix_mulc(i, nv), j));
	for (int k = 0; k < g->s->v->rank; k++)
		at[k] = ix_subst(g->s->at[k], gemm_axis, &sw);
	nest_store_at(n, in, g->s, at, ex_subst(g->body, swap_reduce, gemm_axis, &sw));
	n->lane = false;
	return lanes_can(b->list.p[b->list.n - 1]);
}

/* ---- ranges */

/* rows [base, base + count) */
static bool rows(Gemm *g, Stmt *b, Ix base, Ix count, int mr, Ix n0, int nv, Ix lanes, bool interior)
{
	Ix whole = ix_div(count, ix_int(mr)), rest = ix_sub(count, ix_mulc(whole, mr)), o, i;
	int64_t r;
	Stmt *in;
	bool ok;

	if (!ix_is(whole, 0)) {
		in = nest_loop(g->n, b, whole, &o);
		if (!g->ninner && ix_ge(ix_mulc(whole, PANEL), ix_int((int64_t)nv * g->n->isa->lanes)))
			g->turn = o;
		ok = tile(g, in, ix_add(base, ix_mulc(o, mr)), mr, n0, nv, lanes, interior);
		g->turn = g->ninner ? g->turn : NULL;
		if (!ok)
			return false;
	}
	if (ix_is(rest, 0))
		return true;
	base = ix_add(base, ix_mulc(whole, mr));
	if (ix_isint(rest, &r))
		return tile(g, nest_scope(b), base, (int)r, n0, nv, lanes, interior);
	in = nest_loop(g->n, b, rest, &i);
	return tile(g, in, ix_add(base, i), 1, n0, nv, lanes, interior);
}

/* [*from, *to) of the tile axis: no condition on it fails */
static bool interior(const Gemm *g, int64_t *from, int64_t *to)
{
	const Factor *f = &g->c.a;

	*from = 0;
	return ix_isint(g->m->a, to) && cond_interior(f->cond, f->ncond, g->m, from, to);
}

static bool all_rows(Gemm *g, Stmt *b, Ix n0, int nv, Ix lanes)
{
	int64_t from, to, e;

	if (g->copies && !copy_columns(g, b, n0, nv, lanes))
		return false;
	for (int i = 0; i < g->ninner; i++)
		b = st_for(b, g->inner[i], F_SERIAL);
	if (!g->m || !gemm_in_conds(&g->c.a, g->m))
		return rows(g, b, g->from, g->count, g->mr, n0, nv, lanes, true);
	if (!interior(g, &from, &to) || from >= to || !ix_isint(g->count, &e))
		return rows(g, b, ix_int(0), g->count, 1, n0, nv, lanes, false);
	for (int64_t i = 0; i < from; i++)
		if (!rows(g, nest_scope(b), ix_int(i), ix_int(1), 1, n0, nv, lanes, false))
			return false;
	if (!rows(g, b, ix_int(from), ix_int(to - from), g->mr, n0, nv, lanes, true))
		return false;
	for (int64_t i = to; i < e; i++)
		if (!rows(g, nest_scope(b), ix_int(i), ix_int(1), 1, n0, nv, lanes, false))
			return false;
	return true;
}

static bool columns(Gemm *g, Stmt *b)
{
	int w = g->n->isa->lanes, nv;
	Ix count = ix_max(g->l->a, ix_int(0)), group = ix_int((int64_t)g->nv * w), whole = ix_div(count, group), rest, o, base;
	int64_t e;

	if (!ix_is(whole, 0)) {
		Stmt *in = nest_loop(g->n, b, whole, &o);
		if (!all_rows(g, in, ix_mul(o, group), g->nv, ix_int(w)))
			return false;
	}
	base = ix_mul(whole, group);
	rest = ix_sub(count, base);
	if (ix_is(rest, 0))
		return true;
	if (ix_isint(rest, &e)) {
		nv = (int)(e / w);
		if (nv && !all_rows(g, nest_scope(b), base, nv, ix_int(w)))
			return false;
		return e % w == 0 || all_rows(g, nest_scope(b), ix_addc(base, nv * w), 1, ix_int(e % w));
	}
	whole = ix_cdiv(rest, ix_int(w));
	b = nest_loop(g->n, b, whole, &o);
	base = ix_add(base, ix_mulc(o, w));
	return all_rows(g, b, base, 1, ix_min(ix_int(w), ix_sub(count, base)));
}

/* ---- constants */

bool gemm_reduces(const Gemm *g, Ix ix)
{
	for (int j = 0; j < g->nk; j++)
		if (ix == g->k[j])
			return true;
	return false;
}

/* blocks of the lane axis, axes outside, reduced axes in the order of the loops, lanes */
static Packed *packing(const Gemm *g)
{
	const Expr *l = g->c.b.load;
	Packed *p = NEW(Packed);
	int64_t dim[PACK_MAX], s = g->dot ? 4 * PANEL : PANEL;
	int m = 1;

	p->value = l->u.value;
	p->block = PANEL;
	for (int i = 0; i < l->nix; i++) {
		if (!ix_isint(p->value->dim[i], &dim[i]))
			return NULL;
		if (ix_has(l->ix[i], g->l))
			p->lane = i;
		else if (!gemm_reduces(g, l->ix[i]))
			p->level[m++] = (PackLevel){ dim[i], i, 1 };
	}
	for (int j = 0; j < g->nk; j++)
		for (int i = 0; i < l->nix; i++)
			if (l->ix[i] == g->k[j] && g->dot && j == g->nk - 1) {
				p->level[m++] = (PackLevel){ (dim[i] + 3) / 4, i, 4 };
				p->deep = i + 1;
			} else if (l->ix[i] == g->k[j]) {
				p->level[m++] = (PackLevel){ dim[i], i, 1 };
			}
	p->level[0] = (PackLevel){ (dim[p->lane] + PANEL - 1) / PANEL, p->lane, PANEL };
	p->level[m] = (PackLevel){ PANEL, p->lane, 1 };
	if (g->dot)
		p->level[m + 1] = (PackLevel){ 4, p->deep - 1, 1 };
	p->nlevel = m + 1 + g->dot;
	p->stride = NEWN(Ix, l->nix + 1);
	for (int i = m - 1; i >= 0; s *= p->level[i--].extent)
		p->stride[p->level[i].axis] = ix_int(s);
	return p;
}

static bool same_order(const Packed *p, const Packed *q)
{
	for (int i = 0; i < p->nlevel; i++)
		if (p->level[i].axis != q->level[i].axis || p->level[i].unit != q->level[i].unit)
			return false;
	return p->nlevel == q->nlevel;
}

/* the constant is read in the order of the first kernel that packs it; false: another order is wanted */
static bool pack(Gemm *g)
{
	Packed *p = packing(g), *q;

	if (!p)
		return false;
	for (int i = 0; i < g->n->packs->n; i++) {
		q = g->n->packs->p[i];
		if (q->value == p->value) {
			g->pack = q;
			return same_order(p, q);
		}
	}
	g->pack = p;
	push(g->n->packs, p);
	return true;
}

/* ---- the order of the other axes */

static double extents(const VarSet *s, const IxAtom *but)
{
	double n = 1;

	for (int i = 0; i < s->n; i++)
		n *= ix_atom(s->v[i]) == but ? 1 : ix_estimate(ix_atom(s->v[i])->a);
	return n;
}

/* what is read beyond the cache with A's axes outside the groups of columns exceeds what is with them inside */
static bool panels_outside(const Gemm *g)
{
	double w = extents(&g->c.n, NULL) * extents(&g->c.k, NULL), x = 1, rows = extents(&g->c.m, g->m);
	double groups = ceil(ix_estimate(g->l->a) / (g->nv * g->n->isa->lanes));

	if (!g->pack || !g->c.a.load)
		return false;
	for (int i = 0; i < g->c.a.load->nix; i++)
		x *= ix_estimate(g->c.a.load->u.value->dim[i]);
	x /= extents(&g->c.batch, NULL);
	return w + (x > CACHE ? groups : 1) * x < (w > CACHE ? rows : 1) * w + x;
}

/* the loops around the groups of columns; g->inner is left to all_rows */
static Stmt *outer_loops(Gemm *g, Stmt *b)
{
	bool inside = panels_outside(g);
	int64_t e;

	for (int i = 0; i < g->s->nloop; i++) {
		Ix v = g->s->loop[i];
		bool of_a = false;
		if (ix_atom(v) == g->l || ix_atom(v) == g->m)
			continue;
		for (int k = 0; k < g->c.m.n; k++)
			of_a |= g->c.m.v[k] == v;
		if (inside && of_a)
			g->inner[g->ninner++] = v;
		else
			b = st_for(b, v, F_SERIAL);
	}
	if (g->ninner && ix_isint(ix_atom(g->inner[0])->a, &e) && e * PANEL >= (int64_t)g->nv * g->n->isa->lanes)
		g->turn = g->inner[0];
	return b;
}

/* tiles in a block of rows that stays in the cache over all groups of columns; 0: that is not worth it */
static int64_t block_of(const Gemm *g)
{
	double w = extents(&g->c.n, NULL) * extents(&g->c.k, NULL), x, groups, blocks;
	int64_t m, per, tiles;

	if (!g->m || g->copies || g->c.m.n != 1 || gemm_in_conds(&g->c.a, g->m) || !ix_isint(g->m->a, &m) || m < 2 * g->mr)
		return 0;
	tiles = m / g->mr;
	x = (double)m * extents(&g->c.k, NULL);
	groups = ceil(ix_estimate(g->l->a) / (g->nv * g->n->isa->lanes));
	blocks = ceil(x / CACHE);
	per = (int64_t)ceil((double)tiles / blocks);
	return x > CACHE && blocks * (w > CACHE ? w : 1) < groups * x - x ? per : 0;
}

static bool blocks(Gemm *g, Stmt *b)
{
	int64_t per = block_of(g), m = 0, tiles;
	Ix o, here;
	Stmt *in;

	g->from = ix_int(0);
	g->count = g->m ? ix_max(g->m->a, ix_int(0)) : ix_int(1);
	if (!per)
		return columns(g, b);
	ix_isint(g->m->a, &m);
	tiles = m / g->mr;
	in = nest_loop(g->n, b, ix_int((tiles + per - 1) / per), &o);
	here = ix_min(ix_int(per), ix_sub(ix_int(tiles), ix_mulc(o, per)));
	g->from = ix_mulc(o, per * g->mr);
	g->count = ix_mulc(here, g->mr);
	if (!columns(g, in))
		return false;
	g->from = ix_int(tiles * g->mr);
	g->count = ix_int(m % g->mr);
	return ix_is(g->count, 0) || columns(g, nest_scope(b));
}

static bool setup(Gemm *g, Nest *n, const Stage *s, Expr *body, DType sum)
{
	const Expr *red = only_reduce(body, NULL);

	*g = (Gemm){ .n = n, .s = s, .body = body };
	if (!red || s->var || red->dt != sum || !contraction_match(red, &g->c) || g->c.ncond)
		return false;
	if (!s->mem && !s->v->place)
		return false;
	if (!choose_lane(g))
		return false;
	tile_axis_of(g);
	return true;
}

static bool tiles(Nest *n, Stmt *b, const Stage *s, Expr *body, DType sum)
{
	Gemm g;
	int before = b->list.n, packs = n->packs->n;

	if (n->lane || !setup(&g, n, s, body, sum))
		return false;
	if (packable(&g.c, g.l) && !pack(&g))
		return false;
	choose_tile(&g);
	if (blocks(&g, outer_loops(&g, b)))
		return true;
	b->list.n = before;
	n->packs->n = packs;
	return false;
}

bool contract_stage(Nest *n, Stmt *b, const Stage *s, Expr *body)
{
	return tiles(n, b, s, body, DT_F32);
}

bool dot_stage(Nest *n, Stmt *b, const Stage *s, Expr *body)
{
	return tiles(n, b, s, body, DT_I32);
}
