/* Margins: a border of a constant around a stored value, so that windows that reach beyond it need no conditions.
 *
 * requires: fusion and groups. A value that is read in a sum of products as GUARD(inside, f(load), fill) gets a place with
 * as many elements before and after each axis as windows reach, all of them m, where f(m) is the fill and is found by
 * folding: 0, the fill itself, or a number in f (the zero point of quantised values). The memory is shared with other
 * values, so the border is filled in every run, by a kernel of its own after that which computes the value. margin_drop
 * then takes such guards out of the bodies of readers.
 *
 * Inputs lie as the caller has them: what reads one often (the first layer) reads a copy.
 * Not for parts (they lie in their whole, which may have margins) nor for what others read or write. */
#include "lower.h"
#include "nest.h"

enum { MAX_RANK = 8, MOST = 32 };        /* MOST: elements at one side of an axis */

/* what a border may add: a quarter of the value, or of the largest value an eighth */
static const double most_of_value = 0.27, most_of_largest = 1.0 / 8;
/* an input is copied to get one if that is read so often for an element; where memory is dear, oftener, and if it is so
 * small beside the largest value */
static const double often = 16, often_if_dear = 64, copy_of_largest = 0.3;

/* ---- a guarded load */

typedef struct Box {
	const Expr *load;
	bool other;              /* more than that load */
	uint64_t bits;
} Box;

static bool find_load(const Expr *e, void *arg)
{
	Box *b = arg;

	b->other |= e->op == E_REDUCE || e->op == E_GUARD || e->op == E_LOAD || e->op == E_VAR || e->op == E_IX ||
		(e->op == E_TLOAD && b->load && b->load != e);
	if (e->op == E_TLOAD)
		b->load = e;
	return b->other;
}

static Expr *put_fill(const Expr *e, void *arg)
{
	const Box *b = arg;

	return e == b->load ? ex_bits(e->dt, b->bits) : NULL;
}

/* a fill of the margin that makes f(load) the guard's fill */
static bool fills(Box *b, const Expr *g, uint64_t bits)
{
	b->bits = bits;
	return ex_subst(g->a[0], put_fill, NULL, b) == g->a[1];
}

/* every condition is that of one side of an axis of the load */
static bool is_box(const Expr *g, Box *b)
{
	const Value *v;
	bool found = true;

	*b = (Box){ 0 };
	if (g->op != E_GUARD || g->a[1]->op != E_CONST)
		return false;
	ex_any(g->a[0], find_load, b);
	if (b->other || !b->load || b->load->nix > MAX_RANK)
		return false;
	v = b->load->u.value;
	for (int i = 0; i < g->nix && found; i++) {
		found = false;
		for (int j = 0; j < v->rank && !found; j++)
			found = g->ix[i] == b->load->ix[j] ||
				g->ix[i] == ix_sub(ix_addc(v->dim[j], -1), b->load->ix[j]);
	}
	return found;
}

static bool reaches(const Box *b, int axis, int before, int after)
{
	const Value *v = b->load->u.value;
	Ix ix = b->load->ix[axis];

	return ix_ge0(ix_addc(ix, before)) && ix_ge0(ix_sub(ix_addc(v->dim[axis], after - 1), ix));
}

/* ---- readers */

static Expr *drop_guard(const Expr *e, void *arg)
{
	const Margin *m;
	const Place *p;
	Box b;

	if (!is_box(e, &b))
		return NULL;
	p = b.load->u.value->place;
	m = p ? p->margin : NULL;
	if (!m || !fills(&b, e, m->fill))
		return NULL;
	for (int i = 0; i < b.load->nix; i++)
		if (!reaches(&b, i, m->before[i], m->after[i]))
			return NULL;
	(void)arg;
	return (Expr *)e->a[0];
}

Expr *margin_drop(Expr *body)
{
	return ex_subst(body, drop_guard, NULL, NULL);
}

/* ---- the choice */

typedef struct Want {            /* of a value */
	Value *v;
	Margin m;
	double evals;            /* guarded reads */
	bool set;
} Want;

typedef struct Wants {
	Lower *lo;
	Map *at;                 /* Value -> Want */
	VEC(Want *) p;
	Map *seen;
	double evals;
	bool in_sum;
} Wants;

static bool may_have(Lower *lo, const Value *v)
{
	Info *in = lower_info(lo, v);
	Ix off[MAX_RANK + 1];

	if (v->rank < 3 || v->rank > MAX_RANK || v->dt == DT_STR || dtype_info[v->dt].bits < 8)
		return false;
	if (!v->def && !v->data && v->graph == lo->model->main)
		return true;     /* an input: its copy may */
	return in->unit && in->unit->kind == U_TE && !in->inlined && !in->grouped && !in->pinned &&
		(in->group || in->copied || v->te->body->op != E_TLOAD) && !part_of(lo, v, off);
}

typedef struct Zero { Box *b; const Expr *g; bool found; uint64_t bits; } Zero;

/* a whole number in f, a zero point perhaps, that is the fill */
static bool find_zero(const Expr *e, void *arg)
{
	Zero *z = arg;
	Expr *c;

	if (e->op != E_CONST || !dt_int(e->dt) || !dt_int(z->b->load->dt))
		return false;
	c = ex_cast(z->b->load->dt, (Expr *)e);
	z->bits = c->u.bits;
	return z->found = c->op == E_CONST && fills(z->b, z->g, z->bits);
}

/* the fill, by trying what fills usually are */
static bool margin_fill(const Expr *g, Box *b, uint64_t *bits)
{
	Zero z = { .b = b, .g = g };

	*bits = 0;
	if (fills(b, g, 0))
		return true;
	*bits = g->a[1]->u.bits;
	if (g->a[1]->dt == b->load->dt && fills(b, g, *bits))
		return true;
	ex_any(g->a[0], find_zero, &z);
	*bits = z.bits;
	return z.found;
}

static void want(Wants *w, const Expr *g)
{
	void **slot;
	uint64_t bits;
	Margin m = { 0 };
	Want *k;
	Box b;

	if (!is_box(g, &b) || !may_have(w->lo, b.load->u.value) || !margin_fill(g, &b, &bits))
		return;
	for (int i = 0; i < b.load->nix; i++) {
		while (m.before[i] < MOST && !ix_ge0(ix_addc(b.load->ix[i], m.before[i])))
			m.before[i]++;
		while (m.after[i] < MOST && !reaches(&b, i, m.before[i], m.after[i]))
			m.after[i]++;
		if (m.before[i] == MOST || m.after[i] == MOST)
			return;
	}
	slot = map_at_ptr(w->at, b.load->u.value);
	if (!*slot) {
		*slot = k = NEW(Want);
		k->v = b.load->u.value;
		push(&w->p, k);
	}
	k = *slot;
	if (!k->set)
		k->m.fill = bits;
	k->set = true;
	if (k->m.fill != bits)
		return;
	k->evals += w->evals;
	for (int i = 0; i < b.load->nix; i++) {
		k->m.before[i] = m.before[i] > k->m.before[i] ? m.before[i] : k->m.before[i];
		k->m.after[i] = m.after[i] > k->m.after[i] ? m.after[i] : k->m.after[i];
	}
}

static void visit(Wants *w, const Expr *e)
{
	void **slot = map_at_ptr(w->seen, e);
	Wants save = *w;

	if (*slot)
		return;
	*slot = w;
	if (e->op == E_REDUCE) {
		w->in_sum = e->u.rop == R_SUM && e->a[0]->op == E_MUL;
		for (int i = 0; i < e->nix; i++)
			w->evals *= ix_estimate(ix_atom(e->ix[i])->a);
	}
	if (e->op == E_GUARD && w->in_sum)
		want(w, e);
	for (int i = 0; i < e->n; i++)
		visit(w, e->a[i]);
	w->evals = save.evals;
	w->in_sum = save.in_sum;
}

static double size_of(const Value *v, const Margin *m)
{
	double n = 1;

	for (int i = 0; i < v->rank; i++)
		n *= ix_estimate(v->dim[i]) + (m ? m->before[i] + m->after[i] : 0);
	return n;
}

static bool computed(Lower *lo, const Unit *u)
{
	Info *in = u->kind == U_TE ? lower_info(lo, u->out) : NULL;

	return in && (!in->inlined || in->pinned) && (in->nread || in->pinned);
}

static double largest_of(Lower *lo, Unit **u, int n)
{
	double most = 0, size;

	for (int i = 0; i < n; i++) {
		if (!computed(lo, u[i]) || lower_info(lo, u[i]->out)->grouped)
			continue;
		size = size_of(u[i]->out, NULL);
		most = size > most ? size : most;
	}
	return most;
}

static void want_all(Wants *w, const Unit *u)
{
	if (!computed(w->lo, u))
		return;
	w->seen = map_new();
	w->evals = size_of(u->out, NULL);
	visit(w, u->out->te->body);
}

void margin_graph(Lower *lo, Unit **u, int n)
{
	Wants w = { .lo = lo, .at = map_new() };
	double largest, size, more;

	if (lo->opt->opt < 2)
		return;
	largest = largest_of(lo, u, n);
	for (int i = 0; i < n; i++)
		want_all(&w, u[i]);
	for (int i = 0; i < w.p.n; i++) {
		Want *k = w.p.p[i];
		size = size_of(k->v, NULL);
		more = size_of(k->v, &k->m) - size;
		if (!k->v->def && !lower_info(lo, k->v)->copied)
			continue;
		if (more > 0 && k->evals > 4 * more &&
			(more <= most_of_value * size || more <= most_of_largest * largest))
			lower_info(lo, k->v)->margin = copy_mem(&k->m, sizeof k->m);
	}
}

/* ---- copies of inputs */

static Expr *read_copy(const Expr *e, void *arg)
{
	const Value *v = arg;

	return e->op == E_TLOAD && e->u.value == v->te->body->u.value
		? ex_tload((Value *)v, e->ix) : NULL;
}

static Unit *copy_input(Lower *lo, Value *x, Unit *reader)
{
	Unit u = { .kind = U_TE, .node = reader->node, .out = value_like(x, x->graph) }, *r = copy_mem(&u, sizeof u);
	Info *in = lower_info(lo, u.out), *of = lower_info(lo, reader->out);

	u.out->hint = "padded";
	te_begin(u.out);
	u.out->te->body = ex_tload(x, u.out->te->axis);
	in->unit = r;
	in->copied = true;
	in->nread = 1;
	in->order = of->order;
	push(&in->reader, reader);
	push(&in->nodes, reader->node);
	reader->out->te->body = ex_subst(reader->out->te->body, read_copy, NULL, u.out);
	return r;
}

/* the unit that copies an input for u, where u reads it often enough; or NULL */
static Unit *margin_copy(Lower *lo, Unit *u, double largest)
{
	Wants w = { .lo = lo, .at = map_new() };
	bool dear = !target_has_vectors(lo->opt->target);

	want_all(&w, u);
	for (int i = 0; i < w.p.n; i++) {
		Want *k = w.p.p[i];
		double size = size_of(k->v, &k->m);
		if (!k->v->def && k->evals > (dear ? often_if_dear : often) * size &&
			(!dear || size <= copy_of_largest * largest))
			return copy_input(lo, k->v, u);
	}
	return NULL;
}

Unit **margin_copies(Lower *lo, Unit **u, int *n)
{
	VEC(Unit *) all = { 0 };
	double largest;
	Unit *c;

	if (lo->opt->opt < 2)
		return u;
	largest = largest_of(lo, u, *n);
	for (int i = 0; i < *n; i++) {
		if ((c = margin_copy(lo, u[i], largest)))
			push(&all, c);
		push(&all, u[i]);
	}
	*n = all.n;
	return all.p;
}

/* ---- the border */

typedef struct Fill {
	Kern *k;
	Mem *y;
	Expr *with;
	const Value *v;
	const Place *p;
	int nvar;
} Fill;

/* axes order[from..) in full, with their margins, at element `at` of the region */
static void fill_box(Fill *f, Stmt *b, const int *order, int from, Ix at, Ix run)
{
	const Margin *m = f->p->margin;
	int i;
	Ix full, var;

	if (from == f->v->rank) {
		var = ix_is(run, 1) ? ix_int(0) : ix_var(FIRST_TILE + f->nvar++, run);
		st_store(ix_is(run, 1) ? b : st_for(b, var, F_SERIAL), f->y, ix_add(at, var), f->with);
		return;
	}
	i = order[from];
	full = ix_addc(f->v->dim[i], m->before[i] + m->after[i]);
	fill_box(f, b, order, from + 1, at, ix_mul(run, full));
}

/* the border of axes order[from..) */
static void fill_border(Fill *f, Stmt *b, const int *order, int from, Ix at)
{
	const Margin *m = f->p->margin;
	int i, last = -1;
	Ix var, s;

	for (int k = from; k < f->v->rank; k++)
		last = m->before[order[k]] || m->after[order[k]] ? k : last;
	if (last < 0)
		return;
	i = order[from];
	s = f->p->stride[i];
	if (m->before[i])
		fill_box(f, b, order, from + 1, at, ix_int(m->before[i]));
	at = ix_add(at, ix_mulc(s, m->before[i]));
	if (m->after[i])
		fill_box(f, b, order, from + 1, ix_add(at, ix_mul(s, f->v->dim[i])), ix_int(m->after[i]));
	if (from == last)
		return;
	var = ix_is(f->v->dim[i], 1) ? ix_int(0) : ix_var(FIRST_TILE + f->nvar++, f->v->dim[i]);
	fill_border(f, ix_is(var, 0) ? b : st_for(b, var, F_SERIAL), order, from + 1, ix_add(at, ix_mul(var, s)));
}

Call *margin_fill_call(Lower *lo, const Value *v)
{
	Call *c = NEW(Call);
	Fill f = { .k = kern_new("margin"), .v = v, .p = v->place };
	int order[MAX_RANK];

	(void)lo;
	for (int i = 0; i < v->rank; i++)
		order[i] = f.p->order ? f.p->order[i] : i;
	f.with = ex_bits(v->dt, f.p->margin->fill);
	f.k->note = "";
	f.k->body = st_block();
	f.y = kern_param(f.k, "y", v->dt, f.p->mem->size, false);
	f.y->value = f.p->mem->value;
	push(&c->arg, ((Arg){ f.p->mem, ix_int(0) }));
	fill_border(&f, f.k->body, order, 0, ix_int(0));
	kern_finish(f.k);
	c->kern = f.k;
	return c;
}
