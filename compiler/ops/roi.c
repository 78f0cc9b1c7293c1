/* RoiAlign: each region is divided into bins, each bin sampled at a grid of points whose number may be data.
 * MaxRoiPool: the maximum of each bin. */
#include "window.h"
#include "stmts.h"

#define ADD(a, b) ex_bin(E_ADD, a, b)
#define SUB(a, b) ex_bin(E_SUB, a, b)
#define MUL(a, b) ex_bin(E_MUL, a, b)
#define DIV(a, b) ex_bin(E_DIV, a, b)

typedef struct Roi {
	Node *n;
	Prog *p;
	Value *x;
	DType dt;
	bool max;
	Ix out[2];
} Roi;

void shape_roi_align(Node *n)
{
	Value *x = n->in[0], *rois = n->in[1];
	const char *mode = attr_str(n, "mode", "avg"),
		*c = attr_str(n, "coordinate_transformation_mode", "half_pixel");
	Ix dim[4];

	if (x->rank != 4 || rois->rank != 2 || !ix_is(rois->dim[1], 4)) {
		node_error(n, "input %s, rois %s", value_str(x), value_str(rois));
		return;
	}
	if ((strcmp(mode, "avg") && strcmp(mode, "max")) ||
		(strcmp(c, "half_pixel") && strcmp(c, "output_half_pixel"))) {
		node_error(n, "mode '%s', coordinate_transformation_mode '%s'", quoted(mode), quoted(c));
		return;
	}
	if (!in_vector(n, 2, rois->dim[0], false))
		return;
	memcpy(dim, (Ix[4]){ rois->dim[0], x->dim[1], ix_int(attr_int(n, "output_height", 1)),
	                     ix_int(attr_int(n, "output_width", 1)) }, sizeof dim);
	set_out(n, 0, x->dt, 4, dim);
}

static Expr *num(const Roi *r, double v)
{
	return ex_float(r->dt, v);
}

static Expr *let(Roi *r, Stmt *b, const char *name, Expr *e)
{
	return ex_var(st_let(b, r->p->kern, name, e));
}

/* start, bin size and number of samples of the region on axis a (0: height); coordinates are x0 y0 x1 y1 */
static void extent(Roi *r, Stmt *b, Ix roi, int a, Expr **start, Expr **bin, Expr **count)
{
	Value *v = r->n->in[1];
	bool half = !strcmp(attr_str(r->n, "coordinate_transformation_mode", "half_pixel"), "half_pixel");
	int64_t ratio = attr_int(r->n, "sampling_ratio", 0);
	Expr *scale = num(r, attr_float(r->n, "spatial_scale", 1)), *shift = num(r, half ? 0.5 : 0), *end,
		*len, *c;
	Ix at[2] = { roi, ix_int(1 - a) };

	*start = let(r, b, "start", SUB(MUL(ex_cast(r->dt, te_read(v, at, 2)), scale), shift));
	at[1] = ix_int(3 - a);
	end = SUB(MUL(ex_cast(r->dt, te_read(v, at, 2)), scale), shift);
	len = SUB(end, *start);
	if (!half)
		len = ex_bin(E_MAX, len, num(r, 1));
	*bin = let(r, b, "bin", DIV(len, ex_cast(r->dt, ex_ix(r->out[a]))));
	c = ratio > 0 ? i64(ratio) : ex_cast(DT_I64, ex_un(E_CEIL, *bin));
	*count = let(r, b, "count", c);
}

/* low and high neighbour of a coordinate and the share of the high one; *in: not farther than one outside */
static void neighbours(Roi *r, Stmt *b, Expr *v, Ix len, Ix *low, Ix *high, Expr **share, Expr **in)
{
	Expr *top = ex_ix(ix_addc(len, -1)), *l;
	Ix last = ix_addc(len, -1), zero = ix_int(0);

	*in = ex_bin(E_AND, ex_bin(E_GE, v, num(r, -1)), ex_bin(E_LE, v, ex_cast(r->dt, ex_ix(len))));
	v = let(r, b, "v", ex_bin(E_MIN, ex_bin(E_MAX, v, num(r, 0)), ex_cast(r->dt, top)));
	l = let(r, b, "low", ex_bin(E_MIN, ex_bin(E_MAX, ex_cast(DT_I64, v), i64(0)), top));
	*low = ex_as_ix(l, zero, last);
	*high = ex_as_ix(ex_bin(E_MIN, ADD(l, i64(1)), top), zero, last);
	*share = let(r, b, "share", SUB(v, ex_cast(r->dt, l)));
}

/* the sample at (y, x) of channel c of image bi: interpolated; for max the greatest of the weighted
 * neighbours */
static Expr *sample(Roi *r, Stmt *b, Ix bi, Ix c, Expr *y, Expr *x)
{
	Ix lo[2], hi[2], at[4] = { bi, c, NULL, NULL };
	Expr *sh[2], *in[2], *sum = NULL, *e, *one = num(r, 1);

	neighbours(r, b, y, r->x->dim[2], &lo[0], &hi[0], &sh[0], &in[0]);
	neighbours(r, b, x, r->x->dim[3], &lo[1], &hi[1], &sh[1], &in[1]);
	for (int k = 0; k < 4; k++) {
		at[2] = k & 2 ? hi[0] : lo[0];
		at[3] = k & 1 ? hi[1] : lo[1];
		e = MUL(k & 2 ? sh[0] : SUB(one, sh[0]), k & 1 ? sh[1] : SUB(one, sh[1]));
		e = MUL(e, ex_cast(r->dt, te_read(r->x, at, 4)));
		sum = !sum ? e : ex_bin(r->max ? E_MAX : E_ADD, sum, e);
	}
	return ex_select(ex_bin(E_AND, in[0], in[1]), sum, num(r, 0));
}

void lower_roi_align(Node *n)
{
	Value *y = n->out[0];
	Roi r = { .n = n, .x = n->in[0], .max = !strcmp(attr_str(n, "mode", "avg"), "max"),
		.p = prog_begin(n, "roi_align") };
	Stmt *b, *s, *w;
	Ix at[4], bi;
	Expr *start[2], *bin[2], *count[2], *pos[2], *e, *any, *half;
	Var *i, *j, *sum;

	r.dt = r.x->dt == DT_F64 ? DT_F64 : DT_F32;
	half = num(&r, 0.5);
	for (int a = 2; a < 4; a++)
		fail_from_nothing(n, r.x->dim[a], value_numel(y));
	prog_out(r.p, y);
	at[0] = prog_for(r.p, r.p->body, y->dim[0], &b);
	for (int a = 0; a < 2; a++) {
		r.out[a] = y->dim[2 + a];
		extent(&r, b, at[0], a, &start[a], &bin[a], &count[a]);
	}
	bi = te_index(n->in[2], at, 1, r.x->dim[0]);
	for (int a = 1; a < 4; a++)
		at[a] = prog_for(r.p, b, y->dim[a], &b);
	sum = st_let(b, r.p->kern, "sum", num(&r, 0));
	i = let_int(r.p, b, "i", i64(0));
	s = st_while(b, ex_bin(E_LT, ex_var(i), count[0]));
	j = let_int(r.p, s, "j", i64(0));
	w = st_while(s, ex_bin(E_LT, ex_var(j), count[1]));
	for (int a = 0; a < 2; a++) {
		e = DIV(MUL(ADD(ex_cast(r.dt, ex_var(a ? j : i)), half), bin[a]), ex_cast(r.dt, count[a]));
		pos[a] = let(&r, w, a ? "x" : "y",
			ADD(ADD(start[a], MUL(ex_cast(r.dt, ex_ix(at[2 + a])), bin[a])), e));
	}
	e = sample(&r, w, bi, at[1], pos[0], pos[1]);
	any = ex_bin(E_GT, ADD(ex_var(i), ex_var(j)), i64(0));
	st_set(w, sum, r.max ? ex_select(any, ex_bin(E_MAX, ex_var(sum), e), e) : ADD(ex_var(sum), e));
	add_to(w, j, 1);
	add_to(s, i, 1);
	e = ex_var(sum);
	if (!r.max)
		e = DIV(e, ex_cast(r.dt, ex_bin(E_MAX, MUL(count[0], count[1]), i64(1))));
	prog_store(r.p, b, y, at, ex_cast(y->dt, e));
	prog_end(r.p);
}

/* MaxRoiPool: rois are image, x0, y0, x1, y1, rounded to elements of x, both ends within; bin k of `len` elements is
 * floor(k*len/bins) up to ceil((k + 1)*len/bins); an empty bin gives 0 */
void shape_max_roi_pool(Node *n)
{
	Value *x = n->in[0], *rois = n->in[1];
	int count;
	const int64_t *to = attr_ints(n, "pooled_shape", &count);

	if (x->rank != 4 || rois->rank != 2 || !ix_is(rois->dim[1], 5) || count != 2 || to[0] < 1 || to[1] < 1)
		node_error(n, "input %s, rois %s, %d sizes in 'pooled_shape'", value_str(x), value_str(rois), count);
	else
		set_out(n, 0, x->dt, 4, (Ix[4]){ rois->dim[0], x->dim[1], ix_int(to[0]), ix_int(to[1]) });
}

/* [from, to) of the bin on axis a (0: height), within x */
static void roi_bin(Roi *r, Stmt *b, Ix roi, int a, Ix k, Expr **from, Expr **to)
{
	Expr *scale = num(r, attr_float(r->n, "spatial_scale", 1)), *end[2], *len, *size, *at, *zero = i64(0);
	Expr *top = ex_ix(r->x->dim[2 + a]);

	for (int i = 0; i < 2; i++) {    /* to the nearest, half away from 0 */
		Ix ix[2] = { roi, ix_int(1 + 2 * i + (1 - a)) };
		at = MUL(ex_cast(r->dt, te_read(r->n->in[1], ix, 2)), scale);
		at = ex_select(ex_bin(E_LT, at, num(r, 0)), ex_un(E_CEIL, SUB(at, num(r, 0.5))),
			ex_un(E_FLOOR, ADD(at, num(r, 0.5))));
		end[i] = let(r, b, i ? "last" : "first", ex_cast(DT_I64, at));
	}
	len = ex_bin(E_MAX, ADD(SUB(end[1], end[0]), i64(1)), i64(1));
	size = let(r, b, "size", DIV(ex_cast(r->dt, len), ex_cast(r->dt, ex_ix(r->out[a]))));
	at = ex_un(E_FLOOR, MUL(ex_cast(r->dt, ex_ix(k)), size));
	*from = let(r, b, "from", xmin(xmax(ADD(ex_cast(DT_I64, at), end[0]), zero), top));
	at = ex_un(E_CEIL, MUL(ex_cast(r->dt, ex_ix(ix_addc(k, 1))), size));
	*to = let(r, b, "to", xmin(xmax(ADD(ex_cast(DT_I64, at), end[0]), zero), top));
}

void lower_max_roi_pool(Node *n)
{
	Value *y = n->out[0];
	Roi r = { .n = n, .x = n->in[0], .p = prog_begin(n, "max_roi_pool") };
	Expr *from[2], *to[2], *e;
	Stmt *b, *s, *w;
	Ix at[4], src[4], image[2];
	Var *i, *j, *max, *any;

	r.dt = r.x->dt == DT_F64 ? DT_F64 : DT_F32;
	prog_out(r.p, y);
	at[0] = prog_for(r.p, r.p->body, y->dim[0], &b);
	image[0] = at[0], image[1] = ix_int(0);
	src[0] = te_index(n->in[1], image, 2, r.x->dim[0]);
	for (int a = 1; a < 4; a++)
		at[a] = prog_for(r.p, b, y->dim[a], &b);
	src[1] = at[1];
	for (int a = 0; a < 2; a++) {
		r.out[a] = y->dim[2 + a];
		roi_bin(&r, b, at[0], a, at[2 + a], &from[a], &to[a]);
	}
	max = st_let(b, r.p->kern, "max", num(&r, 0));
	any = st_let(b, r.p->kern, "any", ex_int(DT_BOOL, 0));
	i = let_int(r.p, b, "i", from[0]);
	s = st_while(b, ex_bin(E_LT, ex_var(i), to[0]));
	j = let_int(r.p, s, "j", from[1]);
	w = st_while(s, ex_bin(E_LT, ex_var(j), to[1]));
	src[2] = var_ix(i, r.x->dim[2]);
	src[3] = var_ix(j, r.x->dim[3]);
	e = ex_cast(r.dt, te_read(r.x, src, 4));
	st_set(w, max, ex_select(ex_var(any), xmax(ex_var(max), e), e));
	st_set(w, any, ex_int(DT_BOOL, 1));
	add_to(w, j, 1);
	add_to(s, i, 1);
	prog_store(r.p, b, y, at, ex_cast(y->dt, ex_var(max)));
	prog_end(r.p);
}
