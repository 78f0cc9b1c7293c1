/* Pieces: a result that is assembled from parts (Concat: a guard per part) is written by a loop nest per
 * part, in which the guards are decided; and a part that is stored anyway is computed where the whole will
 * lie, so that its piece of the assembly has nothing to do. */
#include "nest.h"

enum { MAX_PIECES = 512 };

/* ---- splitting */

typedef struct Cut { const Stage *s; int loop; Ix at; } Cut;

static bool has_var(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_VAR || a->kind == IX_EXPR;
}

/* condition c >= 0 changes at one place of one loop: [0, at) and [at, extent) */
static bool cut_at(Cut *k, Ix c)
{
	for (int i = 0; i < k->s->nloop; i++) {
		const IxAtom *v = ix_atom(k->s->loop[i]);
		Ix rest, coef;
		if (!ix_has(c, v) || !(coef = ix_coef(c, v, &rest)) || ix_any(rest, has_var, NULL))
			continue;
		if (ix_is(coef, -1))
			k->at = ix_addc(rest, 1);
		else if (ix_is(coef, 1))
			k->at = ix_mulc(rest, -1);
		else
			continue;
		k->loop = i;
		return ix_ge0(k->at) && ix_ge(v->a, k->at);
	}
	return false;
}

static bool find_cut(const Expr *e, void *arg)
{
	Cut *k = arg;

	if (k->at || e->op != E_GUARD || e->a[1]->op == E_CONST)
		return false;
	for (int i = 0; i < e->nix; i++) {
		if (cut_at(k, e->ix[i]))
			return false;
		k->at = NULL;
	}
	return false;
}

typedef struct Shift { const IxAtom *v; Ix by; } Shift;

static Ix shift_var(const IxAtom *a, void *arg)
{
	const Shift *s = arg;

	return a == s->v ? s->by : NULL;
}

/* the stage over [from, from + count) of one of its loops */
static Stage part(Nest *n, const Stage *s, int loop, Ix from, Ix count)
{
	Stage p = *s;
	Shift sh = { ix_atom(s->loop[loop]), from };
	Ix v = ix_is(count, 1) ? NULL : nest_var(n, count);

	if (v)
		sh.by = ix_add(from, v);
	p.body = ex_subst_ix(s->body, shift_var, &sh);
	p.at = NEWN(Ix, s->v->rank + 1);
	for (int i = 0; i < s->v->rank; i++)
		p.at[i] = ix_subst(s->at[i], shift_var, &sh);
	p.loop = NEWN(Ix, s->nloop + 1);
	p.nloop = 0;
	for (int i = 0; i < s->nloop; i++)
		if (i != loop || v)
			p.loop[p.nloop++] = i == loop ? v : s->loop[i];
	return p;
}

/* the piece is already there */
static bool in_place(Nest *n, const Stage *s)
{
	const Expr *e = s->body;
	const Place *from, *to = s->v->place;

	if (e->op != E_TLOAD || s->mem || s->var)
		return false;
	from = place_of(n->lo, e->u.value);
	return from->mem == to->mem && ix_add(from->off, place_flat(from, e->ix, e->nix)) ==
		ix_add(to->off, place_flat(to, s->at, s->v->rank));
}

static void pieces(Nest *n, Stmt *b, Stage *s, int *left)
{
	Cut k = { s, 0, NULL };
	Stage p;

	if (--*left > 0)
		ex_any(s->body, find_cut, &k);
	if (k.at) {
		if (!ix_is(k.at, 0)) {
			p = part(n, s, k.loop, ix_int(0), k.at);
			pieces(n, b, &p, left);
		}
		if (ix_atom(s->loop[k.loop])->a != k.at) {
			p = part(n, s, k.loop, k.at, ix_sub(ix_atom(s->loop[k.loop])->a, k.at));
			pieces(n, b, &p, left);
		}
		return;
	}
	if (in_place(n, s))
		return;
	divide_loops(n, s);
	collapse_loops(n, s);
	collapse_reductions(n, s);
	nest_axes(n, b, s, 0, s->body);
}

void nest_pieces(Nest *n, Stmt *b, Stage *s)
{
	int left = MAX_PIECES;

	pieces(n, b, s, &left);
}

/* ---- placing the parts */

/* e is a load of all of v, laid on elements [from, to) of axis j of the whole; off: where v's element 0
 * lies */
static bool takes_all(const Expr *e, const Value *v, const Value *w, int j, Ix from, Ix to, Ix *off)
{
	if (e->op != E_TLOAD || e->u.value != v || v->rank != w->rank)
		return false;
	for (int i = 0; i < w->rank; i++) {
		off[i] = i == j ? from : ix_int(0);
		if (ix_sub(w->te->axis[i], e->ix[i]) != off[i] ||
			v->dim[i] != (i == j ? ix_sub(to, from) : w->dim[i]))
			return false;
	}
	return true;
}

/* the axis and the bound b of a condition b - 1 - axis >= 0; -1: another form */
static int upper_bound(const Expr *g, const Te *te, Ix *b)
{
	for (int i = 0; g->nix == 1 && i < te->rank; i++) {
		*b = ix_addc(ix_add(g->ix[0], te->axis[i]), 1);
		if (!ix_is(te->axis[i], 0) && !ix_any(*b, has_var, NULL))
			return i;
	}
	return -1;
}

bool is_part(const Value *w, const Value *v, Ix *off)
{
	const Expr *e = w->te->body;
	Ix from = ix_int(0), to;
	int j = -1, k;

	for (; e->op == E_GUARD; e = e->a[1]) {
		k = upper_bound(e, w->te, &to);
		if (k < 0 || (j >= 0 && k != j))
			return false;
		j = k;
		if (takes_all(e->a[0], v, w, j, from, to, off))
			return true;
		from = to;
	}
	return j >= 0 && takes_all(e, v, w, j, from, w->dim[j], off);
}

/* v could be part of w, as far as is known before places are */
static bool may_join(Lower *lo, const Value *v, Value *w, Ix *off)
{
	Info *to = lower_info(lo, w);

	return !to->grouped && !to->group && w->graph == v->graph && w->dt == v->dt &&
		(!to->inlined || to->pinned) && is_part(w, v, off);
}

Value *part_of(Lower *lo, const Value *v, Ix *off)
{
	Info *in = lower_info(lo, v);

	for (int i = 0; i < in->reader.n; i++)
		if (may_join(lo, v, in->reader.p[i]->out, off))
			return in->reader.p[i]->out;
	return NULL;
}

/* the margin of the whole, but along the axis of the parts */
static const Margin *part_margin(const Value *v, const Value *w)
{
	Margin *m;

	if (!w->place->margin)
		return NULL;
	m = copy_mem(w->place->margin, sizeof *m);
	for (int i = 0; i < v->rank; i++)
		if (v->dim[i] != w->dim[i])
			m->before[i] = m->after[i] = 0;
	return m;
}

bool place_part(Lower *lo, Value *v, bool (*settle)(Lower *, void *, Value *), void *arg)
{
	Info *in = lower_info(lo, v);
	Ix off[v->rank + 1];
	Place *p;

	for (int i = 0; i < in->reader.n; i++) {
		Value *w = in->reader.p[i]->out;
		if (!may_join(lo, v, w, off) || !settle(lo, arg, w))
			continue;
		if (w->place->mem->space == SP_HEAP || (w->place->mem->packed && dtype_info[v->dt].bits < 8))
			continue;
		p = NEW(Place);
		*p = *w->place;
		p->off = ix_add(p->off, place_flat(p, off, v->rank));
		p->contiguous = false;
		p->margin = part_margin(v, w);
		v->place = p;
		return true;
	}
	return false;
}
