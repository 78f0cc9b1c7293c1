/* Sums of products of bytes on register tiles, four terms at a time: DOT4 of unsigned by signed bytes, or SDOT4 of
 * signed ones where an isa has only that.
 *
 *   sum (x - z)*w = sum u*w - zu * sum w     u = x, zu = z for u8; u = x + 128, zu = z + 128 for i8
 *                                            signed: u = x - 128, zu = z - 128 for u8; u = x, zu = z for i8
 *
 * A's four bytes are broadcast, so one of the reduction's variables must walk A with stride 1. B is a constant i8,
 * packed [n/16][k...][k/4][16][4]; its sums over k are a constant too, from which the accumulators start. An element
 * outside A's conditions counts as its zero point. Sums wrap, and so are right whenever the whole sum fits. */
#include "factor.h"
#include "gemm.h"

int dot_regs(const Isa *isa)
{
	return isa->regs - (isa->dot[0] ? 1 : 6);
}

/* the zero point as an element of A, so that it fills padding: known to fit */
static bool zero_fits(const Factor *a)
{
	Range r = a->zero ? ex_range(a->zero) : (Range){ 0, 0 };
	int64_t lo = a->dt == DT_I8 ? -128 : 0;

	return range_known(r) && r.lo >= lo && r.hi <= lo + 255;
}

bool dot_can(Gemm *g)
{
	const Factor *a = &g->c.a, *b = &g->c.b;
	int64_t e, best = 0;
	int at = -1;
	Ix last;

	if (!a->load || (a->dt != DT_I8 && a->dt != DT_U8) || b->dt != DT_I8 || b->zero || b->load->u.value->data->pack)
		return false;
	for (int i = 0; i < g->nk; i++)
		if (gemm_step(g->n, a, ix_atom(g->k[i])) == 1 && ex_has_var(b->load, ix_atom(g->k[i])) &&
			ix_isint(ix_atom(g->k[i])->a, &e) && e > best) {
			best = e;
			at = i;
		}
	if (at < 0 || !zero_fits(a))
		return false;
	last = g->k[at];
	for (int i = at; i < g->nk - 1; i++)
		g->k[i] = g->k[i + 1];
	g->k[g->nk - 1] = last;
	return true;
}

/* ---- sums of the constant */

/* axes that are not reduced, the lane last */
static int kept_axes(const Gemm *g, int *axis)
{
	const Expr *l = g->c.b.load;
	int n = 0;

	for (int i = 0; i < l->nix; i++)
		if (i != g->pack->lane && !gemm_reduces(g, l->ix[i]))
			axis[n++] = i;
	axis[n++] = g->pack->lane;
	return n;
}

static Value *sums_of(const Gemm *g, const int *axis, int n)
{
	const Value *v = g->c.b.load->u.value;
	int64_t dim[PACK_MAX], to[PACK_MAX], step[PACK_MAX] = { 0 }, at[PACK_MAX] = { 0 }, size = 1, k = 0;
	const int8_t *p = v->data->p;
	uint32_t *sum;

	value_static(v, dim);
	for (int i = n - 1; i >= 0; i--) {
		to[i] = dim[axis[i]];
		step[axis[i]] = size;
		size *= to[i];
	}
	sum = NEWN(uint32_t, size + 1);
	for (size_t i = 0; i < v->data->n; i++) {
		sum[k] += (uint32_t)p[i];
		for (int j = v->rank - 1; j >= 0; j--) {
			k += step[j];
			if (++at[j] < dim[j])
				break;
			k -= step[j] * dim[j];
			at[j] = 0;
		}
	}
	return value_const(g->s->v->graph, DT_I32, n, to, sum);
}

/* u - x */
static int bias_of(const Gemm *g)
{
	bool is_signed = g->n->isa->sdot;

	return g->c.a.dt == DT_I8 ? (is_signed ? 0 : 128) : (is_signed ? -128 : 0);
}

static Expr *biased(const Gemm *g, Expr *e)
{
	int b = bias_of(g);

	return b ? ex_bin(E_ADD, e, ex_int(DT_I32, b)) : e;
}

/* zu */
static Expr *shift_of(const Gemm *g)
{
	return biased(g, g->c.a.zero ? g->c.a.zero : ex_int(DT_I32, 0));
}

static bool no_shift(const Gemm *g)
{
	return shift_of(g) == ex_int(DT_I32, 0);
}

static Expr *start_of(const Tile *t)
{
	Gemm *g = t->g;
	const Expr *l = g->c.b.load;
	int axis[PACK_MAX], n = kept_axes(g, axis);
	Ix ix[PACK_MAX];
	Expr *e;

	if (no_shift(g))
		return ex_int(DT_I32, 0);
	if (!g->pack->sums)
		g->pack->sums = sums_of(g, axis, n);
	for (int i = 0; i < n; i++)
		ix[i] = l->ix[axis[i]];
	e = ex_bin(E_SUB, ex_int(DT_I32, 0), shift_of(g));
	e = ex_bin(E_MUL, e, ex_tload(g->pack->sums, ix));
	return nest_loads(g->n, ex_subst_ix(e, gemm_axis, t->sw));
}

/* ---- terms */

static Ix *indices(const Expr *load, Swap *sw)
{
	Ix *ix = NEWN(Ix, load->nix + 1);

	for (int i = 0; i < load->nix; i++)
		ix[i] = ix_subst(load->ix[i], gemm_axis, sw);
	return ix;
}

/* conditions that are tested where they change: those on the last variable for each element, those on the tile axis
 * not at all in the interior */
static bool skipped(const Tile *t, Ix cond)
{
	return t->interior && t->g->m && ix_has(cond, t->g->m);
}

static bool by_element(const Tile *t, Ix cond)
{
	return !skipped(t, cond) && ix_has(cond, ix_atom(t->g->k[t->g->nk - 1]));
}

/* u at sw->kby */
static Expr *byte_of(const Tile *t)
{
	const Factor *a = &t->g->c.a;
	Ix cond[a->ncond + 1];
	Expr *e = (Expr *)a->load;
	int n = 0;

	for (int i = 0; i < a->ncond; i++)
		if (by_element(t, a->cond[i]))
			cond[n++] = a->cond[i];
	e = ex_cast(DT_I32, e);
	if (n)
		e = ex_guard(cond, n, e, a->zero ? a->zero : ex_int(DT_I32, 0));
	e = biased(t->g, e);
	e = t->g->n->isa->sdot ? ex_bin(E_AND, e, ex_int(DT_I32, 255)) : e;
	return nest_loads(t->g->n, ex_subst_ix(e, gemm_axis, t->sw));
}

/* u at [k, k + count) */
static Expr *word_of(const Tile *t, Ix k, int count)
{
	const Factor *a = &t->g->c.a;
	bool whole = count == 4;
	Expr *e = NULL, *b;

	for (int i = 0; i < a->ncond; i++)
		whole &= !by_element(t, a->cond[i]);
	t->sw->kby = k;
	if (whole) {
		e = nest_word(t->g->n, a->load->u.value, indices(a->load, t->sw));
		return bias_of(t->g) ? ex_bin(E_XOR, e, ex_bits(DT_I32, 0x80808080)) : e;
	}
	for (int j = 0; j < count; j++) {
		t->sw->kby = ix_addc(k, j);
		b = byte_of(t);
		b = j ? ex_bin(E_SHL, b, ex_int(DT_I32, 8 * j)) : b;
		e = e ? ex_bin(E_OR, e, b) : b;
	}
	return e;
}

/* the word of four zero points */
static Expr *fill_of(const Tile *t)
{
	Expr *e = shift_of(t->g);

	e = t->g->n->isa->sdot ? ex_bin(E_AND, e, ex_int(DT_I32, 255)) : e;
	e = ex_bin(E_MUL, e, ex_int(DT_I32, 0x01010101));

	return nest_loads(t->g->n, ex_subst_ix(e, gemm_axis, t->sw));
}

/* [k, k + count) of the last variable; fill: A is outside its conditions */
static void products(const Tile *t, Stmt *b, Ix k, int count, bool fill)
{
	Gemm *g = t->g;
	Swap *sw = t->sw;
	Nest *n = g->n;
	Mem *bv = st_array(b, n->k, "b", DT_I32, ix_int(t->nv));
	Ix i, j, at;
	Stmt *in;
	Var *a;

	in = nest_unrolled(n, b, t->nv, &j);
	sw->nby = gemm_column(t, j);
	sw->mby = t->m0;
	sw->kby = k;
	st_store(in, bv, j, nest_word(n, g->c.b.load->u.value, indices(g->c.b.load, sw)));
	in = nest_unrolled(n, b, t->mr, &i);
	sw->mby = ix_add(t->m0, i);
	a = st_let(in, n->k, "a", fill ? fill_of(t) : word_of(t, k, count));
	in = nest_unrolled(n, in, t->nv, &j);
	at = ix_add(ix_mulc(i, t->nv), j);
	st_store(in, t->acc, at, ex_dot4(n->isa->sdot ? E_SDOT4 : E_DOT4, ex_load(t->acc, at), ex_var(a),
		ex_load(bv, j)));
}

/* the loops from g->k[from] on, which are inside all conditions */
static void terms(const Tile *t, Stmt *b, int from, bool fill)
{
	Gemm *g = t->g;
	const IxAtom *last = ix_atom(g->k[g->nk - 1]);
	Ix v = ix_int(0);
	int64_t e = 0;
	Stmt *in;

	for (int k = from; k < g->nk - 1; k++)
		b = st_for(b, g->k[k], F_SERIAL);
	ix_isint(last->a, &e);
	t->sw->k = last;
	if (e >= 4) {
		v = e / 4 == 1 ? v : nest_var(g->n, ix_int(e / 4));
		in = e / 4 == 1 ? nest_scope(b) : st_for(b, v, F_SERIAL);
		products(t, in, ix_mulc(v, 4), 4, fill);
	}
	if (e % 4)
		products(t, nest_scope(b), ix_int(e / 4 * 4), (int)(e % 4), fill);
	t->sw->k = NULL;
}

/* the block inside the conditions that are decided once `open` loops are; the terms outside are added there */
static Stmt *hoist(const Tile *t, Stmt *b, int open)
{
	Gemm *g = t->g;
	const Factor *f = &g->c.a;
	Expr *all = NULL, *e;
	Stmt *in, *out;
	bool never = false;

	for (int i = 0; i < f->ncond; i++) {
		Ix cond = f->cond[i];
		int need = 0;
		for (int k = 0; k < g->nk; k++)
			need = ix_has(cond, ix_atom(g->k[k])) ? k + 1 : need;
		if (need != open || skipped(t, cond))
			continue;
		cond = nest_index(g->n, ix_subst(cond, gemm_axis, t->sw));
		if (ix_ge0(cond))
			continue;
		never |= ix_lt0(cond);
		e = ex_bin(E_GE, ex_ix(cond), ex_int(DT_I64, 0));
		all = all ? ex_bin(E_AND, all, e) : e;
	}
	if (!all)
		return b;
	open = open < g->nk ? open : g->nk - 1;
	in = never ? st_block() : st_if(b, all);     /* never: nowhere */
	out = no_shift(g) ? NULL : never ? nest_scope(b) : st_else(b);
	if (out)
		terms(t, out, open, true);
	return in;
}

Mem *dot_sums(Tile *t, Stmt *body)
{
	Gemm *g = t->g;
	Ix i, j;
	Stmt *in;

	t->acc = st_array(body, g->n->k, "acc", DT_I32, ix_int(t->mr * t->nv));
	in = nest_unrolled(g->n, nest_unrolled(g->n, body, t->mr, &i), t->nv, &j);

	t->sw->nby = gemm_column(t, j);
	t->sw->mby = ix_add(t->m0, i);
	st_store(in, t->acc, ix_add(ix_mulc(i, t->nv), j), start_of(t));
	t->sw->mby = t->m0;
	in = hoist(t, body, 0);
	for (int k = 0; k < g->nk - 1; k++)
		in = hoist(t, st_for(in, g->k[k], F_SERIAL), k + 1);
	terms(t, in, g->nk - 1, false);
	return t->acc;
}
