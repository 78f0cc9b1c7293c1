/* NonMaxSuppression: boxes [B, N, 4], scores [B, C, N]; per batch and class the boxes in order of score,
 * those that overlap a chosen one left out. */
#include "window.h"
#include "stmts.h"

/* most boxes per class */
static Ix per_class(Node *n)
{
	Value *most = in_opt(n, 2);
	Ix boxes = n->in[0]->dim[1];
	int64_t m;

	if (!most)
		return ix_int(0);
	if (const_int(most, &m))
		return ix_min(ix_int(m < 0 ? 0 : m), boxes);
	return boxes;
}

void shape_non_max_suppression(Node *n)
{
	Value *boxes = n->in[0], *scores = n->in[1];
	Ix dim[2], most;

	if (boxes->rank != 3 || scores->rank != 3 || !ix_is(boxes->dim[2], 4)) {
		node_error(n, "boxes are %s, scores %s", value_str(boxes), value_str(scores));
		return;
	}
	if (!ix_assume_equal(boxes->dim[0], scores->dim[0], "batches of boxes and scores") ||
	    !ix_assume_equal(boxes->dim[1], scores->dim[2], "boxes and scores")) {
		node_error(n, "boxes are %s, scores %s", value_str(boxes), value_str(scores));
		return;
	}
	most = ix_mul(ix_mul(boxes->dim[0], scores->dim[1]), per_class(n));
	dim[0] = ix_is(most, 0) ? most : data_dim(n, 0, 0, ix_int(0), most);
	dim[1] = ix_int(3);
	set_out(n, 0, DT_I64, 2, dim);
}

static Expr *F(EOp op, Expr *a, Expr *b)
{
	return ex_bin(op, a, b);
}

enum { Y0, Y1, X0, X1, AREA, NBOX };

typedef struct Box { Expr *e[NBOX]; } Box;

static const char *const box_text[NBOX] = { "y0", "y1", "x0", "x1", "area" };

/* corners and area of box i of a batch, as variables */
static Box box_of(Node *n, Prog *p, Stmt *b, Ix batch, Ix i)
{
	Expr *c[4], *half = ex_float(DT_F32, 2);
	Ix at[3] = { batch, i, NULL };
	Box r;

	for (int k = 0; k < 4; k++) {
		at[2] = ix_int(k);
		c[k] = ex_var(st_let(b, p->kern, "c", te_read(n->in[0], at, 3)));
	}
	if (attr_int(n, "center_point_box", 0)) {
		Expr *w = F(E_DIV, c[2], half), *h = F(E_DIV, c[3], half);
		r = (Box){{ F(E_SUB, c[1], h), F(E_ADD, c[1], h), F(E_SUB, c[0], w), F(E_ADD, c[0], w), NULL }};
	} else {
		r = (Box){{ F(E_MIN, c[0], c[2]), F(E_MAX, c[0], c[2]), F(E_MIN, c[1], c[3]),
			F(E_MAX, c[1], c[3]), NULL }};
	}
	for (int k = 0; k < AREA; k++)
		r.e[k] = ex_var(st_let(b, p->kern, box_text[k], r.e[k]));
	r.e[AREA] = F(E_MUL, F(E_SUB, r.e[X1], r.e[X0]), F(E_SUB, r.e[Y1], r.e[Y0]));
	r.e[AREA] = ex_var(st_let(b, p->kern, box_text[AREA], r.e[AREA]));
	return r;
}

/* intersection over union above the threshold; never for empty boxes */
static Expr *overlaps(Prog *p, Stmt *b, Box u, Box v, Expr *limit)
{
	Expr *zero = ex_float(DT_F32, 0), *w, *h, *both, *au = u.e[AREA], *av = v.e[AREA], *all, *ok;

	w = F(E_SUB, F(E_MIN, u.e[X1], v.e[X1]), F(E_MAX, u.e[X0], v.e[X0]));
	h = F(E_SUB, F(E_MIN, u.e[Y1], v.e[Y1]), F(E_MAX, u.e[Y0], v.e[Y0]));
	w = ex_var(st_let(b, p->kern, "w", w));
	h = ex_var(st_let(b, p->kern, "h", h));
	both = ex_var(st_let(b, p->kern, "both", F(E_MUL, w, h)));
	all = ex_var(st_let(b, p->kern, "all", F(E_SUB, F(E_ADD, au, av), both)));
	ok = F(E_AND, F(E_AND, F(E_GT, w, zero), F(E_GT, h, zero)),
		F(E_AND, F(E_GT, au, zero), F(E_GT, av, zero)));
	ok = F(E_AND, ok, F(E_AND, F(E_GT, both, zero), F(E_GT, all, zero)));
	return F(E_AND, ok, F(E_GT, F(E_DIV, both, all), limit));
}

typedef struct Scores { Value *v; Ix at[3]; } Scores;

static Expr *score_before(Prog *p, Stmt *b, Expr *i, Expr *j, void *arg)
{
	Scores *s = arg;
	Ix u[3], v[3], top = ix_addc(s->v->dim[2], -1);

	(void)p;
	(void)b;
	memcpy(u, s->at, sizeof u);
	memcpy(v, s->at, sizeof v);
	u[2] = ex_as_ix(i, ix_int(0), top);
	v[2] = ex_as_ix(j, ix_int(0), top);
	return F(E_GT, te_read(s->v, u, 3), te_read(s->v, v, 3));
}

static Expr *option(Value *v, DType dt, double dflt)
{
	return v ? ex_cast(dt, te_scalar(v)) : ex_float(dt, dflt);
}

/* one class: candidates into list, sorted; the chosen ones to the output, what overlaps() reads of them to kept */
static void one_class(Node *n, Prog *p, Stmt *b, Scores *sc, Mem *list, Mem *other, Mem *const *kept, Value *out,
	Var *total)
{
	Value *boxes = n->in[0], *limit = in_opt(n, 4);
	Ix nbox = boxes->dim[1], i, to[2];
	Var *cand = let_int(p, b, "candidates", i64(0)), *chosen = let_int(p, b, "chosen", i64(0)), *c, *k,
		*hit;
	Expr *most = option(in_opt(n, 2), DT_I64, 0), *cur;
	Box u, v;
	Stmt *s, *t;

	i = prog_for(p, b, nbox, &s);
	sc->at[2] = i;
	if (limit)
		s = st_if(s, F(E_GT, te_read(sc->v, sc->at, 3), te_scalar(limit)));
	st_store(s, list, var_ix(cand, nbox), ex_ix(i));
	add_to(s, cand, 1);
	sort_list(p, b, list, other, ex_var(cand), score_before, sc);
	c = let_int(p, b, "c", i64(0));
	s = st_while(b, F(E_AND, F(E_LT, ex_var(c), ex_var(cand)), F(E_LT, ex_var(chosen), most)));
	cur = ex_var(let_int(p, s, "box", ex_load(list, var_ix(c, nbox))));
	u = box_of(n, p, s, sc->at[0], ex_as_ix(cur, ix_int(0), ix_addc(nbox, -1)));
	k = let_int(p, s, "k", i64(0));
	hit = st_let(s, p->kern, "hit", ex_int(DT_BOOL, 0));
	t = st_while(s, F(E_AND, F(E_LT, ex_var(k), ex_var(chosen)), ex_un(E_NOT, ex_var(hit))));
	for (int q = 0; q < NBOX; q++)
		v.e[q] = ex_var(st_let(t, p->kern, box_text[q], ex_load(kept[q], var_ix(k, nbox))));
	st_set(t, hit, overlaps(p, t, u, v, option(in_opt(n, 3), DT_F32, 0)));
	add_to(t, k, 1);
	t = st_if(s, ex_un(E_NOT, ex_var(hit)));
	to[0] = var_ix(total, out->dim[0]);
	for (int q = 0; q < 3; q++) {
		to[1] = ix_int(q);
		prog_store(p, t, out, to, q == 2 ? cur : ex_ix(sc->at[q]));
	}
	for (int q = 0; q < NBOX; q++)
		st_store(t, kept[q], var_ix(chosen, nbox), u.e[q]);
	add_to(t, chosen, 1);
	add_to(t, total, 1);
	add_to(s, c, 1);
}

void lower_non_max_suppression(Node *n)
{
	Value *boxes = n->in[0], *y = n->out[0], *all, *count;
	Ix one = ix_int(1), zero = ix_int(0), dim[2] = { NULL, ix_int(3) };
	Scores sc = { .v = n->in[1] };
	Mem *kept[NBOX];
	Prog *p;
	Stmt *b;
	Var *total;
	Te *t;

	if (ix_is(y->dim[0], 0)) {
		te_begin(y);
		te_end(y, i64(0));
		return;
	}
	dim[0] = ix_mul(ix_mul(boxes->dim[0], sc.v->dim[1]), per_class(n));
	all = te_temp(n, "chosen", DT_I64, 2, dim);
	count = te_temp(n, "count", DT_I64, 1, &one);
	p = prog_begin(n, "non_max_suppression");
	prog_out(p, all);
	prog_out(p, count);
	b = p->body;
	for (int q = 0; q < NBOX; q++)
		kept[q] = prog_scratch(p, box_text[q], DT_F32, boxes->dim[1]);
	total = let_int(p, b, "total", i64(0));
	sc.at[0] = prog_for(p, b, boxes->dim[0], &b);
	sc.at[1] = prog_for(p, b, sc.v->dim[1], &b);
	one_class(n, p, b, &sc, prog_scratch(p, "list", DT_I64, boxes->dim[1]),
	          prog_scratch(p, "other", DT_I64, boxes->dim[1]), kept, all, total);
	prog_store(p, p->body, count, &zero, ex_var(total));
	prog_end(p);
	data_dim_is(n, y->dim[0], count);
	t = te_begin(y);
	te_end(y, te_read(all, t->axis, 2));
}
