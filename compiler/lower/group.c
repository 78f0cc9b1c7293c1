/* Groups: which stored expressions share a kernel.
 *
 * requires: fuse.c's decisions and counts of readers. A group has a root, whose value is stored at its place,
 * and before it stages that only this kernel reads. For one step of the shared outer loops a stage computes
 * the box that later stages read, inferred from their indices; a box of one element is a register, others lie
 * in scratch. Softmax (maximum, exponentials, sum, quotient) and normalisations have the axes of their rows
 * outside; a convolution with its pooling has all axes but the last.
 *
 * A value joins when all its readers have joined, when its box does not grow with the outer loops, and when
 * the boxes of all steps together are no larger than the value: nothing is computed twice. */
#include "lower.h"
#include "nest.h"

enum {
	MAX_BOX = 16384,         /* elements */
	TILED = 2,               /* from this -O on contractions are kernels of their own: their tiles want all axes */
};

typedef struct Grouping {
	Lower *lo;
	Group *g;
	Unit *root;
	int nvar;
} Grouping;

static bool is_outer(const Group *g, const IxAtom *a)
{
	for (int i = 0; i < g->nouter; i++)
		if (ix_atom(g->outer[i]) == a)
			return true;
	return false;
}

static bool inner_var(const IxAtom *a, void *arg)
{
	return a->kind == IX_EXPR || (a->kind == IX_VAR && !is_outer(arg, a));
}

static bool any_var(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_EXPR || a->kind == IX_VAR;
}

/* ---- loads of a value by the stages that have joined */

typedef VEC(const Expr *) Loads;

typedef struct Box {
	Grouping *gr;
	Ix *lo, *hi;
	bool seen, fails;
} Box;

static void widen_box(Box *b, const Expr *e)
{
	for (int i = 0; i < e->nix && !b->fails; i++) {
		Ix lo = ix_lower(e->ix[i], inner_var, b->gr->g), hi = ix_upper(e->ix[i], inner_var, b->gr->g);
		if (!lo || !hi)
			b->fails = true;
		else if (!b->seen)
			b->lo[i] = lo, b->hi[i] = hi;
		else if (ix_ge(b->lo[i], lo) || ix_ge(lo, b->lo[i]))
			b->lo[i] = ix_min(b->lo[i], lo), b->hi[i] = ix_max(b->hi[i], hi);
		else
			b->fails = true;
	}
	b->seen = true;
}

static bool joined(const Grouping *gr, const Value *v)
{
	for (int j = 0; j < gr->g->stage.n; j++)
		if (gr->g->stage.p[j].v == v)
			return true;
	return false;
}

static bool readers_joined(const Grouping *gr, const Info *in)
{
	for (int i = 0; i < in->reader.n; i++)
		if (!joined(gr, in->reader.p[i]->out))
			return false;
	return in->reader.n > 0;
}

static Ix into_box(const IxAtom *a, void *arg)
{
	const Stage *s = arg;

	if (a->kind != IX_VAR || a->id >= s->v->rank || ix_atom(s->v->te->axis[a->id]) != a)
		return NULL;
	return s->at[a->id];
}

static int stage_order(const Grouping *gr, const Stage *s)
{
	return lower_info(gr->lo, s->v)->order;
}

static void insert_stage(Grouping *gr, Stage s)
{
	int k = gr->g->stage.n;

	push(&gr->g->stage, s);
	for (; k > 0 && stage_order(gr, &gr->g->stage.p[k - 1]) > stage_order(gr, &s); k--)
		gr->g->stage.p[k] = gr->g->stage.p[k - 1];
	gr->g->stage.p[k] = s;
}

static bool is_contraction(const Expr *e, void *arg)
{
	(void)arg;
	return e->op == E_REDUCE && e->u.rop == R_SUM && e->a[0]->op == E_MUL &&
		e->a[0]->a[0] != e->a[0]->a[1];
}

static bool join(Grouping *gr, Value *v, const Loads *load)
{
	Info *in = lower_info(gr->lo, v);
	Stage s = { .v = v, .rank0 = true };
	Box b = { .gr = gr, .lo = NEWN(Ix, v->rank + 1), .hi = NEWN(Ix, v->rank + 1) };
	double steps = 1, whole = 1;
	Ix ext, size = ix_int(1);
	int64_t n;

	if (!in->unit || in->unit->kind != U_TE || in->inlined || in->pinned || in->grouped || in->group ||
	    v->graph != gr->root->out->graph || joined(gr, v) || !readers_joined(gr, in))
		return false;
	if ((gr->g->nouter == 0 || gr->lo->opt->opt >= TILED) && ex_any(v->te->body, is_contraction, NULL))
		return false;        /* a layer of its own */
	for (int i = 0; i < load->n; i++)
		widen_box(&b, load->p[i]);
	if (b.fails || !b.seen)
		return false;
	for (int i = 0; i < gr->g->nouter; i++)
		steps *= ix_estimate(ix_atom(gr->g->outer[i])->a);
	s.at = NEWN(Ix, v->rank + 1);
	s.loop = NEWN(Ix, v->rank + 1);
	s.lo = b.lo;
	s.stride = NEWN(Ix, v->rank + 1);
	for (int i = v->rank - 1; i >= 0; i--) {
		/* its readers may not run at all */
		ext = ix_max(ix_addc(ix_sub(b.hi[i], b.lo[i]), 1), ix_int(0));
		if (ix_any(ext, any_var, NULL))
			return false;
		s.stride[i] = size;
		size = ix_mul(size, ext);
		whole *= ix_estimate(v->dim[i]);
		s.at[i] = b.lo[i];
		s.stride[i] = ix_is(ext, 1) ? ix_int(0) : s.stride[i];
		if (!ix_is(ext, 1))
			s.at[i] = ix_add(b.lo[i], ix_var(FIRST_BOX + gr->nvar++, ext));
	}
	for (int i = 0; i < v->rank; i++)
		if (s.at[i] != b.lo[i])
			s.loop[s.nloop++] = ix_sub(s.at[i], b.lo[i]);
	s.rank0 = s.nloop == 0;
	if ((ix_isint(size, &n) ? n : (int64_t)ix_estimate(size)) > MAX_BOX ||
		steps * ix_estimate(size) > 1.01 * whole)
		return false;
	s.body = ex_subst_ix(v->te->body, into_box, &s);
	if (!s.rank0)
		s.region = region_sized(gr->lo, v->hint ? v->hint : "row", v->dt, size);
	if (s.region && s.region->space == SP_HEAP)
		return false;
	insert_stage(gr, s);
	return true;
}

/* ---- choice of the outer axes */

static Stage root_stage(const Unit *u, const Group *g)
{
	Te *te = u->out->te;
	Stage s = { .v = u->out, .body = te->body, .at = te->axis };

	s.loop = NEWN(Ix, te->rank + 1);
	for (int i = 0; i < te->rank; i++)
		if (!ix_is(te->axis[i], 0) && !is_outer(g, ix_atom(te->axis[i])))
			s.loop[s.nloop++] = te->axis[i];
	return s;
}

typedef struct Axes {
	Lower *lo;
	const Te *te;
	unsigned used;           /* axes of the root that every reduction it reads has */
	bool any, heavy;         /* it reads reductions; under its own reduction */
} Axes;

static bool common_axes(const Expr *e, void *arg)
{
	Axes *a = arg;
	unsigned used = 0;
	Info *in;

	if (e->op != E_TLOAD)
		return false;
	in = lower_info(a->lo, e->u.value);
	if (!in->unit || in->unit->kind != U_TE || in->inlined || in->pinned ||
		!has_reduce(e->u.value->te->body))
		return false;
	for (int i = 0; i < a->te->rank; i++)
		for (int j = 0; j < e->nix; j++)
			if (!ix_is(a->te->axis[i], 0) && e->ix[j] == a->te->axis[i])
				used |= 1u << i;
	a->used = a->any ? a->used & used : used;
	a->any = true;
	return false;
}

static bool reads_grouped(Lower *lo, const Expr *body, Axes *a, const Te *te)
{
	*a = (Axes){ .lo = lo, .te = te };
	ex_any(body, common_axes, a);
	a->heavy = has_reduce(body);
	return a->any;
}

static void set_outer(Group *g, const Te *te, unsigned used)
{
	g->outer = NEWN(Ix, te->rank + 1);
	for (int i = 0; i < te->rank; i++)
		if (used >> i & 1 && !ix_is(te->axis[i], 0))
			g->outer[g->nouter++] = te->axis[i];
}

typedef struct Read { Value *v; Loads load; } Read;
typedef struct Reads { Map *at; VEC(Read *) p; } Reads;      /* at: Value -> Read */

static bool join_load(const Expr *e, void *arg)
{
	Reads *r = arg;
	void **slot;

	if (e->op != E_TLOAD)
		return false;
	slot = map_at_ptr(r->at, e->u.value);
	if (!*slot) {
		*slot = copy_mem(&(Read){ .v = e->u.value }, sizeof(Read));
		push(&r->p, (Read *)*slot);
	}
	push(&((Read *)*slot)->load, e);
	return false;
}

static bool join_all(Grouping *gr)
{
	bool any = false, more = true;

	while (more && gr->g->stage.n < 12) {
		Reads r = { .at = map_new() };
		more = false;
		for (int i = 0; i < gr->g->stage.n; i++)
			ex_any(gr->g->stage.p[i].body, join_load, &r);
		for (int i = 0; i < r.p.n && !more; i++)
			more = join(gr, r.p.p[i]->v, &r.p.p[i]->load);
		any |= more;
	}
	return any;
}

typedef struct Only { const Value *v; const Expr *e; bool fails; } Only;

static bool other_load(const Expr *e, void *arg)
{
	Only *o = arg;

	o->fails |= e->op == E_TLOAD && e->u.value == o->v && e != o->e;
	return false;
}

static bool reads_only(const Expr *body, const Expr *load)
{
	Only o = { load->u.value, load, false };

	ex_any(body, other_load, &o);
	return !o.fails;
}

/* the exponentials of a softmax lie where the quotients will */
static void share_root(Group *g)
{
	const Stage *r = &g->stage.p[g->stage.n - 1];

	for (int i = g->stage.n - 2; i >= 0; i--) {
		Stage *s = &g->stage.p[i];
		if (s->region && s->v->dt == r->v->dt && s->v->rank == r->v->rank &&
			value_same_shape(s->v, r->v) && dtype_info[s->v->dt].bits >= 8 &&
			reads_only(r->body, ex_tload(s->v, r->v->te->axis))) {
			s->in_root = true;
			s->region->size = ix_int(0);
			return;
		}
	}
}

static Group *try_group(Lower *lo, Unit *u, unsigned outer)
{
	Grouping gr = { lo, NEW(Group), u, 0 };

	gr.g->root = u;
	set_outer(gr.g, u->out->te, outer);
	push(&gr.g->stage, root_stage(u, gr.g));
	if (!join_all(&gr))
		return NULL;
	share_root(gr.g);
	for (int i = 0; i < gr.g->stage.n - 1; i++) {
		Info *in = lower_info(lo, gr.g->stage.p[i].v), *to = lower_info(lo, u->out);
		in->grouped = true;
		for (int j = 0; j < in->nodes.n && to->nodes.n < 24; j++)
			if (in->nodes.p[j] != u->node)
				push(&to->nodes, in->nodes.p[j]);
	}
	return gr.g;
}

Group *group_unit(Lower *lo, Unit *u)
{
	Group *g = lower_info(lo, u->out)->group;

	if (g)
		return g;
	g = NEW(Group);
	g->root = u;
	push(&g->stage, root_stage(u, g));
	return g;
}

void group_graph(Lower *lo, Unit **u, int n)
{
	if (lo->opt->opt == 0)
		return;
	for (int i = n - 1; i >= 0; i--) {
		Info *in = u[i]->out && u[i]->kind == U_TE ? lower_info(lo, u[i]->out) : NULL;
		Axes a;
		if (!in || in->grouped || (in->inlined && !in->pinned) || !(in->nread || in->pinned) ||
		    u[i]->out->dt == DT_STR || !reads_grouped(lo, u[i]->out->te->body, &a, u[i]->out->te))
			continue;
		if (lo->opt->opt >= TILED && ex_any(u[i]->out->te->body, is_contraction, NULL))
			continue;
		if (!a.heavy)
			in->group = try_group(lo, u[i], a.used);
		else if (u[i]->out->rank > 1)
			in->group = try_group(lo, u[i], (1u << (u[i]->out->rank - 1)) - 1);
	}
}
