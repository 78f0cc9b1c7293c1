/* Control flow as statements of the program.
 *
 * If: the taken branch copies its results to the places of the node's outputs.
 * Loop, Scan: carried values have places of their own. An iteration computes their next values elsewhere and
 * copies them at its end, when all are known; those whose size changes live in the heap region, where the
 * copies first go to the top and, after the release of the iteration's memory, down to the bottom. Scan
 * inputs are views of a slice, scan outputs are written slice by slice. Those of a Loop that may end before
 * its trip count have rows for up to twice the iterations done: below the carried values, which move when they
 * grow. */
#include "program.h"
#include "../../runtime/zenith.h"

static void no_compound(const Node *n, const Value *v)
{
	if (v && v->kind != V_TENSOR)
		fatal(EX_UNSUPPORTED, node_where(n), "sequences and optionals through %s are not supported",
			op_name(n->op));
}

static Expr *load_scalar(Lower *lo, Value *v)
{
	Place *p = place_of(lo, v);

	return ex_load(p->mem, p->off);
}

static bool is_symbol(Ix d)
{
	const IxAtom *a = ix_atom(d);

	return a && a->kind == IX_SYM;
}

/* fresh symbols among the dims of `to` take the values that the dims of `from` have */
static void bind_dims(Lower *lo, Stmt *b, const Value *to, const Value *from)
{
	for (int j = 0; j < to->rank; j++)
		if (to->dim[j] != from->dim[j] && is_symbol(to->dim[j]))
			emit_bind(lo, b, to->dim[j], from->dim[j]);
	emit_assumptions(lo, b);
}

/* the same in one of two arms: known, and what is assumed of them checked, only after both */
static void bind_in_arm(Stmt *b, const Value *to, const Value *from)
{
	for (int j = 0; j < to->rank; j++)
		if (to->dim[j] != from->dim[j] && is_symbol(to->dim[j]))
			emit_bind_in_arm(b, to->dim[j], from->dim[j]);
}

static void bind_after(Lower *lo, Stmt *b, const Value *v)
{
	for (int j = 0; j < v->rank; j++)
		if (is_symbol(v->dim[j]))
			bind_symbol(lo, v->dim[j]);
	emit_assumptions(lo, b);
}

/* ---- If */

static void build_if(Lower *lo, Stmt *b, Node *n)
{
	Stmt *arm[2];
	Graph *g[2] = { attr_graph(n, "then_branch"), attr_graph(n, "else_branch") };

	for (int i = 0; i < n->nout; i++) {
		if (!n->out[i])
			continue;
		no_compound(n, n->out[i]);
		place_new(lo, n->out[i], region_for(lo, n->out[i]));
	}
	arm[0] = st_if(b, load_scalar(lo, n->in[0]));
	arm[1] = st_else(b);
	for (int k = 0; k < 2; k++) {
		int scope = ix_scope(graph_scope(g[k])), nbound = lo->bound.n;
		bool runs = build_graph(lo, g[k], arm[k]);
		for (int i = 0; runs && i < n->nout; i++) {
			Value *o = n->out[i], *r = g[k]->ret->in[i];
			Place *p;
			if (!o)
				continue;
			bind_in_arm(arm[k], o, r);
			if (o->place->mem->space == SP_HEAP)
				emit_alloc(arm[k], o->place->mem, o->place->mem->size);
			p = o->place;
			emit_copy(lo, arm[k], r, p);
		}
		forget_bound(lo, nbound);
		ix_scope(scope);
	}
	for (int i = 0; i < n->nout; i++)
		if (n->out[i])
			bind_after(lo, b, n->out[i]);
}

/* ---- loops */

typedef struct Carried {
	Value *in;               /* of the body */
	Value *next;             /* result of the body */
	Mem *mem, *top;          /* its place; heap: where the next one waits */
	bool heap, fixed;        /* fixed: of one shape, whatever symbols say it */
	Ix sym[16], val[16];     /* dims that change */
	int nsym;
} Carried;

static void carry_init(Lower *lo, Stmt *b, Carried *c, Value *init)
{
	bind_dims(lo, b, c->in, init);
	c->mem = region_for(lo, c->in);
	c->heap = c->mem->space == SP_HEAP;
	place_new(lo, c->in, c->mem);
	if (c->heap)
		emit_alloc(b, c->mem, c->mem->size);
	emit_copy(lo, b, init, c->in->place);
}

/* the next value must not be overwritten before it is copied: it lies in another carried value's place */
static bool needs_copy(const Carried *c, int n, int k)
{
	for (int j = 0; j < n; j++)
		if (j != k && c[k].next->place->mem == c[j].mem)
			return true;
	return false;
}

static void carry_stage(Lower *lo, Stmt *b, Carried *c, int n, int k)
{
	Place *p;
	Value *t;

	place_of(lo, c[k].next);
	if (!c[k].heap && !needs_copy(c, n, k))
		return;
	t = value_like(c[k].next, c[k].next->graph);
	c[k].top = c[k].heap ? region_new(lo, SP_HEAP, "next", t->dt, value_numel(t)) : region_for(lo, t);
	p = place_new(lo, t, c[k].top);
	if (c[k].top->space == SP_HEAP)
		emit_alloc(b, c[k].top, c[k].top->size);
	emit_copy(lo, b, c[k].next, p);
	c[k].next = t;
}

/* slice `at` of axis ax of the stacked value lies here; shape of `elem` */
static Place *slice_place(Lower *lo, Value *whole, int ax, Ix at, const Value *elem)
{
	Place *w = place_of(lo, whole), *p = NEW(Place);

	p->mem = w->mem;
	p->off = ix_add(w->off, ix_mul(at, w->stride[ax]));
	p->stride = NEWN(Ix, elem->rank + 1);
	for (int j = 0, k = 0; j < whole->rank; j++)
		if (j != ax)
			p->stride[k++] = w->stride[j];
	p->contiguous = ax == 0 && w->contiguous;
	return p;
}

/* dims of length 1 have stride 0 in a place; a slice moves along one, so it needs the true stride */
static void stacked_strides(Value *v)
{
	Ix s = ix_int(1);

	for (int i = v->rank - 1; i >= 0; i--) {
		v->place->stride[i] = s;
		s = ix_mul(s, v->dim[i]);
	}
}

static Value *work_scalar(Lower *lo, Value *v)
{
	place_new(lo, v, region_new(lo, SP_WORK, v->hint ? v->hint : "loop", v->dt, ix_int(1)));
	return v;
}

/* elements of the stacked value with `rows` rows */
static Ix stacked_size(const Value *o, Ix trip, Ix rows)
{
	Ix size = ix_int(1);

	for (int i = 0; i < o->rank; i++)
		size = ix_mul(size, o->dim[i] == trip ? rows : o->dim[i]);
	return size;
}

static void stack_output(Lower *lo, Stmt *b, const Node *n, Value *o, Ix trip, Ix top)
{
	Ix size = stacked_size(o, trip, top);
	Mem *m;

	no_compound(n, o);
	m = region_for(lo, o);
	if (!all_bound(lo, size) && m->space == SP_HEAP)
		fatal(EX_UNSUPPORTED, node_where(n),
			"output '%s' collects slices whose size only the body knows", o->name ? o->name : "");
	place_new(lo, o, m);
	stacked_strides(o);
	if (m->space == SP_HEAP)
		emit_alloc(b, m, size);
}

/* The scan outputs of a Loop whose rows grow: cap rows of each, in the heap region */
typedef struct Rows {
	Ix cap, trip;
	VEC(Value *) out;
	VEC(Mem *) mem, top;
	int mark;                /* below the first */
} Rows;

enum { FIRST_ROWS = 8, FEW_ROWS = 4096 };

/* the condition that the body gives is the one that it got, or true */
static bool counts(const Graph *body)
{
	const Value *v = body->ret->in[0];
	double one;

	while (v && v->def && v->def->op == OP_IDENTITY)
		v = v->def->in[0];
	return v && (v == body->in.p[1] || (const_float(v, &one) && one != 0));
}

/* the trip count bounds the rows too loosely to have them all from the start */
static bool rows_grow(const Graph *body, Ix top)
{
	int64_t n;

	return !top || (!counts(body) && !(ix_isint(top, &n) && n <= FEW_ROWS));
}

static void grow_begin(Lower *lo, Stmt *b, const Node *n, Value *o, Rows *r)
{
	Mem *m;
	Ix row = stacked_size(o, r->trip, ix_int(1));

	no_compound(n, o);
	if (!all_bound(lo, row))
		fatal(EX_UNSUPPORTED, node_where(n),
			"output '%s' collects slices whose size only the body knows", o->name ? o->name : "");
	m = region_new(lo, SP_HEAP, o->hint ? o->hint : "rows", o->dt, ix_mul(row, r->cap));
	push(&r->out, o);
	push(&r->mem, m);
	push(&r->top, region_new(lo, SP_HEAP, "next", o->dt, m->size));
	place_new(lo, o, m);
	stacked_strides(o);
	emit_alloc(b, m, m->size);
}

static void copy_rows(Stmt *b, const Rows *r, Mem *const *to, Mem *const *from, Ix rows)
{
	for (int i = 0; i < r->out.n; i++) {
		Ix n = stacked_size(r->out.p[i], r->trip, rows);
		emit_alloc(b, to[i], to == r->top.p ? n : to[i]->size);
		emit_move(b, to[i], ix_int(0), from[i], ix_int(0), n);
	}
}

static Stmt *if_full(Stmt *b, const Rows *r, Ix rows)
{
	return st_if(b, ex_bin(E_GE, ex_ix(rows), ex_ix(r->cap)));
}

/* the end of an iteration, before its memory goes: full rows wait at the top */
static void grow_stage(Stmt *b, const Rows *r, Ix rows)
{
	if (r->out.n)
		copy_rows(if_full(b, r, rows), r, r->top.p, r->mem.p, rows);
}

/* ... and after that: twice as many, and room above them */
static void grow_next(Lower *lo, Stmt *b, const Rows *r, Ix rows, int mark)
{
	Stmt *s;

	if (!r->out.n)
		return;
	s = if_full(b, r, rows);
	emit_mark(s, S_RELEASE, r->mark);
	emit_bind(lo, s, r->cap, ix_mulc(rows, 2));
	copy_rows(s, r, r->mem.p, r->top.p, rows);
	emit_mark(s, S_MARK, mark);
}

/* end of an iteration: all next values to their places, dims rebound together */
static void carry_next(Lower *lo, Stmt *b, Carried *c, int n, int mark, const Rows *r, Ix rows)
{
	if (r)
		grow_stage(b, r, rows);
	for (int k = 0; k < n; k++)
		carry_stage(lo, b, c, n, k);
	for (int k = 0; k < n; k++)
		if (!c[k].heap && c[k].next->place->mem != c[k].mem)
			emit_copy(lo, b, c[k].next, c[k].in->place);
	for (int k = 0; k < n; k++)
		for (int j = 0; j < c[k].in->rank; j++) {
			if (c[k].fixed || ix_equal(c[k].in->dim[j], c[k].next->dim[j]) ||
			    !is_symbol(c[k].in->dim[j]))
				continue;
			c[k].sym[c[k].nsym] = c[k].in->dim[j];
			c[k].val[c[k].nsym] = ix_sym(NULL, NULL, NULL);
			emit_bind(lo, b, c[k].val[c[k].nsym++], c[k].next->dim[j]);
		}
	for (int k = 0; k < n; k++)
		for (int j = 0; j < c[k].nsym; j++)
			emit_bind(lo, b, c[k].sym[j], c[k].val[j]);
	emit_mark(b, S_RELEASE, mark);
	if (r)
		grow_next(lo, b, r, rows, mark);
	for (int k = 0; k < n; k++) {
		if (!c[k].heap)
			continue;
		emit_alloc(b, c[k].mem, c[k].mem->size);
		emit_move(b, c[k].mem, ix_int(0), c[k].top, ix_int(0), c[k].mem->size);
	}
}

static void finish_carried(Lower *lo, Stmt *b, Value *o, const Carried *c)
{
	if (!o)
		return;
	bind_dims(lo, b, o, c->in);
	place_new(lo, o, c->mem);
}

/* after the body: rows, condition, carried values, the iteration's number */
static void loop_next(Lower *lo, Stmt *w, Node *n, Carried *c, Ix it, Var *go, const Rows *rows, int mark)
{
	Graph *g = attr_graph(n, "body");
	int nc = n->nin - 2;

	for (int i = nc; i < n->nout; i++)
		if (n->out[i])
			emit_copy(lo, w, g->ret->in[1 + i],
				  slice_place(lo, n->out[i], 0, it, g->ret->in[1 + i]));
	st_set(w, go, load_scalar(lo, g->ret->in[0]));
	for (int k = 0; k < nc; k++)
		c[k].next = g->ret->in[1 + k];
	carry_next(lo, w, c, nc, mark, rows, ix_addc(it, 1));
	emit_bind(lo, w, it, ix_addc(it, 1));
}

static void build_loop(Lower *lo, Stmt *b, Node *n)
{
	Graph *g = attr_graph(n, "body");
	int nc = n->nin - 2, ns = g->ret->nin - 1 - nc;
	Carried c[nc + 1];
	Ix it = ix_sym(NULL, ix_int(0), NULL),
	   top = n->in[0] ? value_elem(n->in[0], 0, ix_int(0), ix_int(FAR)) : NULL, trip = NULL;
	Value *more = work_scalar(lo, g->in.p[1]), *iter = work_scalar(lo, g->in.p[0]);
	int mark = lo->nmark++, nbound;
	Rows rows = { .cap = ix_sym(NULL, ix_int(0), NULL) };
	bool grow = rows_grow(g, top);
	Expr *cond;
	Stmt *w;
	Var *go;

	if (top && !all_bound(lo, top))
		emit_binds_of(lo, b, n->in[0]);
	memset(c, 0, sizeof c);
	for (int i = 0; i < ns; i++)
		if (n->out[nc + i])
			trip = n->out[nc + i]->dim[0];
	if (grow && trip) {
		rows.trip = trip;
		rows.mark = lo->nmark++;
		emit_mark(b, S_MARK, rows.mark);
		emit_bind(lo, b, rows.cap, ix_int(FIRST_ROWS));
	}
	for (int i = 0; i < ns; i++)
		if (n->out[nc + i] && grow)
			grow_begin(lo, b, n, n->out[nc + i], &rows);
		else if (n->out[nc + i])
			stack_output(lo, b, n, n->out[nc + i], trip, top);
	emit_mark(b, S_MARK, mark);
	for (int k = 0; k < nc; k++) {
		no_compound(n, g->in.p[k + 2]);
		c[k].in = g->in.p[k + 2];
		carry_init(lo, b, &c[k], n->in[k + 2]);
	}
	emit_bind(lo, b, it, ix_int(0));
	go = st_let(b, NULL, "go", n->in[1] ? load_scalar(lo, n->in[1]) : ex_bits(DT_BOOL, 1));
	cond = ex_var(go);
	if (top)
		cond = ex_bin(E_AND, ex_bin(E_LT, ex_ix(it), ex_ix(top)), cond);
	w = st_while(b, cond);
	st_store(w, iter->place->mem, ix_int(0), ex_ix(it));
	st_store(w, more->place->mem, ix_int(0), ex_var(go));
	nbound = lo->bound.n;
	if (build_graph(lo, g, w))
		loop_next(lo, w, n, c, it, go, &rows, mark);
	forget_bound(lo, nbound);
	if (trip)
		emit_bind(lo, b, trip, it);
	lo->nmark -= grow && trip ? 2 : 1;
	for (int k = 0; k < nc; k++)
		finish_carried(lo, b, n->out[k], &c[k]);
}

/* ---- Scan */

static int64_t list_at(const Node *n, const char *name, int i)
{
	int k;
	const int64_t *l = attr_ints(n, name, &k);

	return i < k ? l[i] : 0;
}

static void scan_next(Lower *lo, Stmt *w, Node *n, Carried *c, int nst, Ix it, Ix trip, int mark)
{
	Graph *g = attr_graph(n, "body");

	for (int i = nst; i < n->nout; i++) {
		Value *o = n->out[i];
		int64_t ax = list_at(n, "scan_output_axes", i - nst);
		Ix at = list_at(n, "scan_output_directions", i - nst) ? ix_addc(ix_sub(trip, it), -1) : it;
		if (!o)
			continue;
		axis_ok(n, &ax, o->rank);
		emit_copy(lo, w, g->ret->in[i], slice_place(lo, o, (int)ax, at, g->ret->in[i]));
	}
	for (int k = 0; k < nst; k++)
		c[k].next = g->ret->in[k];
	carry_next(lo, w, c, nst, mark, NULL, NULL);
	emit_bind(lo, w, it, ix_addc(it, 1));
}

static void build_scan(Lower *lo, Stmt *b, Node *n)
{
	Graph *g = attr_graph(n, "body");
	int ns = (int)attr_int(n, "num_scan_inputs", 0), nst = n->nin - ns;
	int64_t ax = list_at(n, "scan_input_axes", 0);
	Carried c[nst + 1];
	Ix it = ix_sym(NULL, ix_int(0), NULL), trip, at;
	int mark = lo->nmark++, nbound;
	Stmt *w;

	axis_ok(n, &ax, n->in[nst]->rank);
	trip = n->in[nst]->dim[ax];
	memset(c, 0, sizeof c);
	for (int i = nst; i < n->nout; i++)
		if (n->out[i])
			stack_output(lo, b, n, n->out[i], trip, trip);
	emit_mark(b, S_MARK, mark);
	for (int k = 0; k < nst; k++) {
		c[k].in = g->in.p[k];
		c[k].fixed = true;
		carry_init(lo, b, &c[k], n->in[k]);
	}
	emit_bind(lo, b, it, ix_int(0));
	w = st_while(b, ex_bin(E_LT, ex_ix(it), ex_ix(trip)));
	for (int i = 0; i < ns; i++) {
		Value *x = n->in[nst + i];
		ax = list_at(n, "scan_input_axes", i);
		axis_ok(n, &ax, x->rank);
		at = list_at(n, "scan_input_directions", i) ? ix_addc(ix_sub(trip, it), -1) : it;
		g->in.p[nst + i]->place = slice_place(lo, x, (int)ax, at, g->in.p[nst + i]);
	}
	nbound = lo->bound.n;
	if (build_graph(lo, g, w))
		scan_next(lo, w, n, c, nst, it, trip, mark);
	forget_bound(lo, nbound);
	lo->nmark--;
	for (int k = 0; k < nst; k++)
		finish_carried(lo, b, n->out[k], &c[k]);
}

void build_control(Lower *lo, Stmt *b, Node *n)
{
	switch (n->op) {
	case OP_IF: build_if(lo, b, n); break;
	case OP_LOOP: build_loop(lo, b, n); break;
	case OP_SCAN: build_scan(lo, b, n); break;
	default: fatal(EX_UNSUPPORTED, node_where(n), "operator %s cannot be compiled yet", op_name(n->op));
	}
}
