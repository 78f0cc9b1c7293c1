/* The program: units of a graph, in order, as calls of kernels; symbols bound as soon as what decides them is
 * known.
 *
 * A graph's code is one block of statements. Control flow nests blocks (control.c). */
#include "lower.h"
#include "program.h"
#include "family.h"
#include "../../runtime/zenith.h"

void bind_symbol(Lower *lo, Ix sym)
{
	const IxAtom *a = ix_atom(sym);

	if (!map_ptr(lo->bound_set, a)) {
		*map_at_ptr(lo->bound_set, a) = lo;
		push(&lo->bound, a);
	}
}

static bool unbound(const IxAtom *a, void *arg)
{
	Lower *lo = arg;

	return a->kind == IX_SYM && !map_ptr(lo->bound_set, a);
}

bool all_bound(Lower *lo, Ix p)
{
	return !ix_any(p, unbound, lo);
}

void emit_assumptions(Lower *lo, Stmt *b)
{
	int n;
	const IxAssumption *a = ix_assumptions(&n);
	Stmt *s;

	if (!lo->assumed || n > lo->nassumed) {
		bool *p = NEWN(bool, n + 64);
		if (lo->assumed)
			memcpy(p, lo->assumed, (size_t)lo->nassumed);
		lo->assumed = p;
		lo->nassumed = n + 64;
	}
	for (int i = 0; i < n; i++) {
		if (lo->assumed[i] || !ix_scope_sees(a[i].scope) || !all_bound(lo, a[i].a) ||
			!all_bound(lo, a[i].b))
			continue;
		lo->assumed[i] = true;
		s = st_new(S_ASSUME);
		s->ix = a[i].a;
		s->ix2 = a[i].b;
		s->status = ZENITH_BAD_SHAPE;
		s->text = a[i].why;
		st_add(b, s);
	}
}

void forget_bound(Lower *lo, int n)
{
	int na;
	const IxAssumption *a = ix_assumptions(&na);

	while (lo->bound.n > n)
		*map_at_ptr(lo->bound_set, lo->bound.p[--lo->bound.n]) = NULL;
	for (int i = 0; i < na && i < lo->nassumed; i++)
		lo->assumed[i] = lo->assumed[i] && all_bound(lo, a[i].a) && all_bound(lo, a[i].b);
}

void emit_bind_in_arm(Stmt *b, Ix sym, Ix value)
{
	Stmt *s = st_new(S_BIND);

	s->var = sym;
	s->ix = value;
	st_add(b, s);
}

void emit_bind(Lower *lo, Stmt *b, Ix sym, Ix value)
{
	emit_bind_in_arm(b, sym, value);
	bind_symbol(lo, sym);
}

/* a symbol that was loaded keeps to its bounds, or the program fails: everything derived relies on them. Of
 * value, not of the symbol, which is assumed to keep to them */
void emit_bounds(Lower *lo, Stmt *b, Ix sym, Ix value, int status)
{
	const IxAtom *a = ix_atom(sym);
	Expr *c = NULL, *t;
	Stmt *s;

	if (a->lo && all_bound(lo, a->lo))
		c = ex_bin(E_LT, ex_ix(value), ex_ix(a->lo));
	if (a->hi && all_bound(lo, a->hi)) {
		t = ex_bin(E_GT, ex_ix(value), ex_ix(a->hi));
		c = c ? ex_bin(E_OR, c, t) : t;
	}
	if (!c)
		return;
	s = st_new(S_FAIL);
	s->e = c;
	s->status = status;
	st_add(b, s);
}

/* symbols decided by the elements of v, which has just been computed */
void emit_binds_of(Lower *lo, Stmt *b, Value *v)
{
	for (int i = 0; i < lo->model->bind.n; i++) {
		struct Bind *d = &lo->model->bind.p[i];
		Place *p;
		Ix ix[v->rank + 1], value;
		int64_t k = d->index, n;
		Expr *e;
		if (d->from != v)
			continue;
		p = place_of(lo, v);
		for (int j = v->rank - 1; j >= 0; j--) {
			if (!ix_isint(v->dim[j], &n) || n < 1)
				fatal(EX_UNSUPPORTED, NULL, "an element of %s decides a size: its own dimensions must be "
					"constant", value_str(v));
			ix[j] = ix_int(k % n);
			k /= n;
		}
		e = ex_cast(DT_I64, ex_load(p->mem, ix_add(p->off, place_flat(p, ix, v->rank))));
		if (ix_clamped(d->sym))
			e = ex_bin(E_MIN, ex_bin(E_MAX, e, ex_ix(ix_atom(d->sym)->lo)), ex_ix(ix_int(FAR)));
		value = ex_as_ix(e, NULL, NULL);
		emit_bind(lo, b, d->sym, value);
		if (!ix_clamped(d->sym))
			emit_bounds(lo, b, d->sym, value, ZENITH_BAD_DATA);
	}
	emit_assumptions(lo, b);
}

/* symbols decided by elements of what folding made constant */
static void emit_const_binds(Lower *lo, Stmt *b, const Graph *g)
{
	const int64_t *e;
	int64_t n;

	for (int i = 0; i < lo->model->bind.n; i++) {
		const struct Bind *d = &lo->model->bind.p[i];
		if (d->from && d->from->graph == g && const_ints(d->from, &e, &n) && d->index >= 0 &&
		    d->index < n) {
			emit_bind(lo, b, d->sym, ix_int(e[d->index]));
			emit_bounds(lo, b, d->sym, ix_int(e[d->index]), ZENITH_BAD_DATA);
		}
	}
}

void emit_alloc(Stmt *b, Mem *m, Ix size)
{
	Stmt *s = st_new(S_ALLOC);

	s->mem = m;
	s->ix = size;
	st_add(b, s);
}

void emit_move(Stmt *b, Mem *to, Ix to_off, Mem *from, Ix from_off, Ix n)
{
	Stmt *s = st_new(S_COPY);

	push(&s->arg, ((Arg){ to, to_off }));
	push(&s->arg, ((Arg){ from, from_off }));
	s->ix = n;
	st_add(b, s);
}

void emit_mark(Stmt *b, SOp op, int number)
{
	Stmt *s = st_new(op);

	s->status = number;
	st_add(b, s);
}

void emit_call(Lower *lo, Stmt *b, Call *c)
{
	Stmt *s = st_new(S_CALL);

	if (c->arg.n == 0 && !c->kern->fails)    /* every part of it was computed in place */
		return;
	bind_sums(lo, b, c->kern);
	if (c->heap.n)
		emit_mark(b, S_MARK, lo->nmark);
	for (int i = 0; i < c->heap.n; i++)
		emit_alloc(b, c->heap.p[i], c->heap.p[i]->size);
	s->kern = c->kern;
	for (int i = 0; i < c->arg.n; i++)
		push(&s->arg, c->arg.p[i]);
	push(&lo->prog->kern, c->kern);
	st_add(b, s);
	if (c->heap.n)
		emit_mark(b, S_RELEASE, lo->nmark);
}

/* dst = src, both of src's shape */
void emit_copy(Lower *lo, Stmt *b, Value *src, const Place *dst)
{
	Value *t = value_like(src, src->graph);
	Unit u = { .kind = U_TE, .out = t };
	Place *p = copy_mem(dst, sizeof *dst);

	t->hint = "copy";
	if (dst->contiguous && place_of(lo, src)->contiguous && src->place->mem->packed == dst->mem->packed) {
		emit_move(b, dst->mem, dst->off, src->place->mem, src->place->off, value_numel(src));
		return;
	}
	te_begin(t)->body = NULL;
	t->te->body = ex_tload(src, t->te->axis);
	t->place = p;
	emit_call(lo, b, nest_group(lo, group_unit(lo, copy_mem(&u, sizeof u))));
}

static bool settle_place(Lower *lo, Stmt *b, Value *v, bool may_view);

static bool settle_whole(Lower *lo, void *block, Value *w)
{
	if (!w->place && all_bound(lo, value_numel(w)))
		settle_place(lo, block, w, false);
	return w->place != NULL;
}

/* dims that sizes too small for the model make negative: nothing is computed of them */
static void check_dims(Stmt *b, const Value *v)
{
	Stmt *s;

	for (int i = 0; i < v->rank; i++) {
		if (ix_ge0(v->dim[i]))
			continue;
		s = st_new(S_ASSUME);
		s->ix = ix_max(v->dim[i], ix_int(0));
		s->ix2 = v->dim[i];
		s->status = ZENITH_BAD_SHAPE;
		st_add(b, s);
	}
}

/* the place of a value about to be computed: an output, a view, or a region of its own. False: nothing to
 * compute */
static bool settle_place(Lower *lo, Stmt *b, Value *v, bool may_view)
{
	Graph *main = lo->model->main;
	Mem *m;

	if (v->place)
		return true;
	if (state_of(lo, v)) {
		state_settle(lo, state_of(lo, v));
		return true;
	}
	for (int i = 0; v->graph == main && i < main->ret->nin; i++) {
		if (main->ret->in[i] != v)
			continue;
		m = region_new(lo, SP_OUT, v->name ? v->name : "y", v->dt, value_numel(v));
		m->index = i;
		place_new(lo, v, m);
		emit_alloc(b, m, m->size);
		return true;
	}
	if (may_view && lo->opt->opt > 0 && place_view(lo, v))
		return false;
	if (v->te && lo->opt->opt > 0 && place_part(lo, v, settle_whole, b))
		return true;
	m = region_for(lo, v);
	place_laid(lo, v, m);
	if (v->place->margin)
		push(&lo->unfilled, v);
	if (m->space == SP_HEAP)
		emit_alloc(b, m, m->size);
	return true;
}

/* all of another value, in the same order: plain bytes, of any dtype */
static bool copies(Lower *lo, Stmt *b, Value *v)
{
	const Expr *e = v->te->body;

	if (e->op != E_TLOAD || e->nix != v->rank || e->u.value->dt != v->dt ||
		!value_same_shape(e->u.value, v))
		return false;
	for (int i = 0; i < v->rank; i++)
		if (e->ix[i] != v->te->axis[i])
			return false;
	if (!v->place->contiguous || !place_of(lo, e->u.value)->contiguous ||
		v->place->mem->packed != e->u.value->place->mem->packed ||
		v->place->mem == e->u.value->place->mem)
		return false;
	emit_copy(lo, b, e->u.value, v->place);
	return true;
}

/* after the kernel that writes the first of what is in the place, which is when that begins to live */
static void fill_margins(Lower *lo, Stmt *b)
{
	for (int i = 0; i < lo->unfilled.n; i++)
		emit_call(lo, b, margin_fill_call(lo, lo->unfilled.p[i]));
	lo->unfilled.n = 0;
}

static void build_unit(Lower *lo, Stmt *b, Unit *u)
{
	Info *in = u->out ? lower_info(lo, u->out) : NULL;
	Prog *p = u->prog;

	switch (u->kind) {
	case U_TE:
		if ((in->inlined && !in->pinned) || in->grouped || (!in->nread && !in->pinned))
			return;
		check_dims(b, u->out);
		if (settle_place(lo, b, u->out, !in->group && !in->copied) && (in->group || !copies(lo, b, u->out)))
			emit_call(lo, b, nest_group(lo, group_unit(lo, u)));
		fill_margins(lo, b);
		emit_binds_of(lo, b, u->out);
		break;
	case U_PROG:
		for (int i = 0; i < p->out.n; i++)
			settle_place(lo, b, p->out.p[i], false);
		emit_call(lo, b, nest_prog(lo, u));
		fill_margins(lo, b);
		for (int i = 0; i < p->out.n; i++)
			emit_binds_of(lo, b, p->out.p[i]);
		break;
	case U_CONTROL:
		build_control(lo, b, u->node);
		for (int i = 0; i < u->node->nout; i++)
			if (u->node->out[i])
				emit_binds_of(lo, b, u->node->out[i]);
		break;
	}
}

static void lower_nodes(void *graph)
{
	for (Node *n = ((Graph *)graph)->first; n; n = n->next) {
		if (n->op == OP_RETURN)
			continue;
		if (op_def[n->op].flags & OF_SUBGRAPH) {
			Unit u = { .kind = U_CONTROL, .node = n };
			push(&n->unit, copy_mem(&u, sizeof u));
		} else {
			node_lower(n);
		}
	}
}

/* a graph in another one may never run: its errors are run-time errors */
static bool cannot_run(Graph *g)
{
	if (g->fails)
		return true;
	if (!g->parent)
		lower_nodes(g);
	else if (session_hold(lower_nodes, g, &g->fails))
		warning(node_where(g->owner), "a branch or body cannot run: %.200s%s", g->fails,
			strlen(g->fails) > 200 ? "..." : "");
	stop_if_errors();
	return g->fails != NULL;
}

bool build_graph(Lower *lo, Graph *g, Stmt *b)
{
	VEC(Unit *) unit = { 0 };

	if (cannot_run(g)) {
		st_fail(b, NULL, NULL, ZENITH_BAD_SHAPE);
		return false;
	}
	for (Node *n = g->first; n; n = n->next)
		for (int i = 0; i < n->unit.n; i++)
			push(&unit, n->unit.p[i]);
	unit.p = fuse_graph(lo, g, unit.p, &unit.n);
	group_graph(lo, unit.p, unit.n);
	unit.p = margin_copies(lo, unit.p, &unit.n);
	layout_graph(lo, unit.p, unit.n);
	margin_graph(lo, unit.p, unit.n);
	for (int i = 0; i < g->in.n; i++)
		emit_binds_of(lo, b, g->in.p[i]);
	emit_const_binds(lo, b, g);
	emit_assumptions(lo, b);
	for (int i = 0; i < unit.n; i++)
		build_unit(lo, b, unit.p[i]);
	return true;
}

/* ---- the main graph */

/* an output that no kernel of this graph writes by itself is written by a copy */
static void own_outputs(Model *m)
{
	Graph *g = m->main;

	for (int i = 0; i < g->ret->nin; i++) {
		Value *v = g->ret->in[i], *w;
		bool twice = false;
		for (int j = 0; j < i; j++)
			twice |= g->ret->in[j] == v;
		if (v->def && !v->data && !twice && v->graph == g &&
			!(op_def[v->def->op].flags & OF_SUBGRAPH))
			continue;
		w = node_simple(g, NULL, OP_IDENTITY, &v, 1)->out[0];
		node_set_in(g->ret, i, w);
		w->name = g->out_name.p[i];
	}
}

static bool entry_symbol(const IxAtom *a, void *arg)
{
	if (a->kind == IX_SYM) {
		*map_at_ptr(((Lower *)arg)->bound_set, a) = arg;
		*map_at_ptr(((Lower *)arg)->entry_set, a) = arg;
		push(&((Lower *)arg)->bound, a);
	}
	return false;
}

static bool is_kept(const Lower *lo, const Value *in)
{
	for (int i = 0; i < lo->opt->state.n; i++)
		if (in->name && !strcmp(lo->opt->state.p[i].in, in->name))
			return true;
	return false;
}

void program_build(Lower *lo)
{
	Graph *g = lo->model->main;

	own_outputs(lo->model);
	for (int i = 0; i < g->in.n; i++)
		for (int j = 0; j < g->in.p[i]->rank && !is_kept(lo, g->in.p[i]); j++)
			ix_any(g->in.p[i]->dim[j], entry_symbol, lo);
	lo->prog->body = st_block();
	state_begin(lo, lo->prog->body);
	build_graph(lo, g, lo->prog->body);
	state_end(lo, lo->prog->body);
}

Program *lower_model(Model *m, const Options *o)
{
	Lower *lo = NEW(Lower);

	lo->model = m;
	lo->opt = o;
	lo->prog = NEW(Program);
	lo->prog->heap = m->compound.n > 0;  /* their parts lie there */
	lo->weight = map_new();
	lo->bound_set = map_new();
	lo->entry_set = map_new();
	program_build(lo);
	parallel_program(lo->prog, o);
	if (o->verbose)
		family_say(lo);
	return lo->prog;
}
