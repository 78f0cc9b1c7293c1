/* Sampling of images at places that are data: GridSample, AffineGrid, RoiAlign, DeformConv; Col2Im,
 * MaxUnpool. */
#include "window.h"
#include "stmts.h"
#include "../../runtime/zenith.h"

#define ADD(a, b) ex_bin(E_ADD, a, b)
#define SUB(a, b) ex_bin(E_SUB, a, b)
#define MUL(a, b) ex_bin(E_MUL, a, b)
#define DIV(a, b) ex_bin(E_DIV, a, b)

static DType place_dtype(const Value *x)
{
	return x->dt == DT_F64 ? DT_F64 : DT_F32;
}

static Expr *ixf(DType dt, Ix i)
{
	return ex_cast(dt, ex_ix(i));
}

/* GridSample: x [N, C, d...], grid [N, o..., n] of coordinates in -1..1, innermost axis first */
typedef enum Pad { PAD_ZEROS, PAD_BORDER, PAD_REFLECT, NPAD } Pad;
typedef enum Mode { NEAREST, LINEAR, CUBIC, NMODE } Mode;
typedef struct Grid { Pad pad; Mode mode; bool corners; int n; } Grid;

static bool grid_get(Node *n, Grid *g)
{
	static const char *const pad[NPAD] = { "zeros", "border", "reflection" },
		*const mode[] = { "nearest", "linear",
		"cubic", "bilinear", "bicubic" };
	const char *p = attr_str(n, "padding_mode", "zeros"), *m = attr_str(n, "mode", "linear");
	Value *x = n->in[0], *grid = n->in[1];
	int i, j;

	*g = (Grid){ .corners = attr_int(n, "align_corners", 0) != 0, .n = x->rank - 2 };
	for (i = 0; i < NPAD && strcmp(p, pad[i]); i++)
		;
	for (j = 0; j < LEN(mode) && strcmp(m, mode[j]); j++)
		;
	if (i == NPAD || j == LEN(mode) || g->n < 1 || grid->rank != x->rank ||
		!ix_is(grid->dim[grid->rank - 1], g->n) ||
		!ix_assume_equal(grid->dim[0], x->dim[0], "batches of a grid")) {
		node_error(n, "%s at %s, mode %s, padding_mode %s", value_str(x), value_str(grid), quoted(m),
			quoted(p));
		return false;
	}
	g->pad = (Pad)i;
	g->mode = (Mode)(j > CUBIC ? j - 2 : j);
	return true;
}

void shape_grid_sample(Node *n)
{
	Grid g;
	Ix dim[2 + WMAX];

	if (!grid_get(n, &g))
		return;
	dim[0] = n->in[0]->dim[0];
	dim[1] = n->in[0]->dim[1];
	memcpy(dim + 2, n->in[1]->dim + 1, sizeof(Ix) * (size_t)g.n);
	set_out(n, 0, n->in[0]->dt, n->in[0]->rank, dim);
}

/* v folded back into [lo, hi] at its ends */
static Expr *reflect(Expr *v, Expr *lo, Expr *hi)
{
	Expr *range = SUB(hi, lo), *dx = ex_bin(E_MAX, SUB(lo, v), SUB(v, hi)), *turns, *r, *even, *low;

	turns = ex_un(E_TRUNC, DIV(dx, range));
	r = SUB(dx, MUL(turns, range));
	even = ex_bin(E_EQ, ex_bin(E_REM, turns, ex_float(v->dt, 2)), ex_float(v->dt, 0));
	low = ex_bin(E_EQ, even, ex_bin(E_LT, v, lo));
	r = ex_select(low, ADD(lo, r), SUB(hi, r));
	return ex_select(ex_bin(E_GT, dx, ex_float(v->dt, 0)), r, v);
}

static void border(const Grid *g, DType dt, Ix len, Expr **lo, Expr **hi)
{
	*lo = ex_float(dt, g->corners ? 0 : -0.5);
	*hi = SUB(ixf(dt, len), ex_float(dt, g->corners ? 1 : 0.5));
}

/* places[n, o..., i]: where on axis i of the image */
static Value *grid_places(Node *n, const Grid *g, DType dt)
{
	Value *grid = n->in[1], *x = n->in[0], *v;
	Ix at[2 + WMAX], len = NULL;
	Te *t;
	Expr *e, *lo, *hi, *one = ex_float(dt, 1), *two = ex_float(dt, 2), *size;

	v = te_temp(n, "place", dt, grid->rank, grid->dim);
	t = te_begin(v);
	memcpy(at, t->axis, sizeof(Ix) * (size_t)grid->rank);
	at[grid->rank - 1] = ix_sub(ix_int(g->n - 1), t->axis[grid->rank - 1]);
	e = ex_cast(dt, te_read(grid, at, grid->rank));
	size = ixf(dt, x->dim[2]);
	for (int i = 1; i < g->n; i++) {   /* the length of the axis that the last index names */
		len = ix_sub(t->axis[grid->rank - 1], ix_int(i));
		size = ex_guard(&len, 1, ixf(dt, x->dim[2 + i]), size);
	}
	if (g->corners)
		e = MUL(DIV(ADD(e, one), two), SUB(size, one));
	else
		e = DIV(SUB(MUL(ADD(e, one), size), one), two);
	if (g->mode == NEAREST)
		e = ex_un(E_ROUND, e);
	lo = ex_float(dt, g->corners ? 0 : -0.5);
	hi = SUB(size, ex_float(dt, g->corners ? 1 : 0.5));
	if (g->pad == PAD_BORDER && g->mode != CUBIC)   /* four weights follow from the place itself */
		e = ex_bin(E_MIN, ex_bin(E_MAX, e, ex_float(dt, 0)), SUB(size, one));
	if (g->pad == PAD_REFLECT)
		e = reflect(e, lo, hi);
	te_end(v, e);
	return v;
}

/* an i64 position on an axis brought inside it; *outside collects where padding is zero */
static Ix inside(const Grid *g, DType dt, Expr *i, Ix len, Expr **outside)
{
	Expr *lo, *hi, *out;

	if (g->pad == PAD_REFLECT) {
		border(g, dt, len, &lo, &hi);
		i = ex_cast(DT_I64, reflect(ex_cast(dt, i), lo, hi));
	}
	out = ex_bin(E_OR, ex_bin(E_LT, i, i64(0)), ex_bin(E_GE, i, ex_ix(len)));
	if (g->pad == PAD_ZEROS)
		*outside = *outside ? ex_bin(E_OR, *outside, out) : out;
	i = ex_bin(E_MIN, ex_bin(E_MAX, i, i64(0)), ex_ix(ix_addc(len, -1)));
	return ex_as_ix(i, ix_int(0), ix_addc(len, -1));
}

void lower_grid_sample(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *places;
	Grid g;
	DType dt = place_dtype(x);
	Ix at[2 + WMAX], pl[2 + WMAX], red[WMAX], tap;
	int nred = 0, taps;
	Expr *e, *w = NULL, *out = NULL, *p, *i;
	Te *t;

	if (!grid_get(n, &g))
		return;
	for (int a = 0; g.pad != PAD_ZEROS && a < g.n; a++)
		fail_from_nothing(n, x->dim[2 + a], value_numel(y));
	places = grid_places(n, &g, dt);
	taps = g.mode == NEAREST ? 1 : g.mode == LINEAR ? 2 : 4;
	t = te_begin(y);
	at[0] = pl[0] = t->axis[0];
	at[1] = t->axis[1];
	memcpy(pl + 1, t->axis + 2, sizeof(Ix) * (size_t)g.n);
	for (int a = 0; a < g.n; a++) {
		pl[g.n + 1] = ix_int(a);
		p = te_read(places, pl, g.n + 2);
		tap = red_var(n, ix_int(taps), red, &nred);
		i = ADD(ex_cast(DT_I64, ex_un(E_FLOOR, p)), ex_ix(ix_addc(tap, taps == 4 ? -1 : 0)));
		if (taps > 1) {
			e = interpolate(taps == 4, -0.75, ex_un(E_ABS, SUB(ex_cast(dt, i), p)));
			w = w ? MUL(w, e) : e;
		}
		at[2 + a] = inside(&g, dt, i, x->dim[2 + a], &out);
	}
	e = ex_cast(dt, te_read(x, at, x->rank));
	if (out)
		e = ex_select(out, ex_float(dt, 0), e);
	if (w)
		e = red_sum(red, nred, MUL(e, w));
	te_end(y, ex_cast(y->dt, e));
}

/* AffineGrid: theta [N, k, k+1] applied to the coordinates of [N, C, size...] */
void shape_affine_grid(Node *n)
{
	Value *theta = n->in[0], *size = n->in[1];
	int64_t len;
	Ix dim[5];
	int k;

	if (theta->rank != 3 || size->rank != 1 || !ix_isint(size->dim[0], &len) || len < 4 || len > 5) {
		node_error(n, "theta %s, size %s", value_str(theta), value_str(size));
		return;
	}
	k = (int)len - 2;
	dim[0] = theta->dim[0];
	dim[1] = ix_int(k);
	dim[2] = ix_int(k + 1);
	if (!in_dims(n, 0, 3, dim))
		return;
	for (int i = 0; i < k; i++)
		dim[1 + i] = value_elem(size, 2 + i, ix_int(0), NULL);
	dim[k + 1] = ix_int(k);
	set_out(n, 0, theta->dt, k + 2, dim);
}

void lower_affine_grid(Node *n)
{
	Value *theta = n->in[0], *y = n->out[0];
	bool corners = attr_int(n, "align_corners", 0) != 0;
	DType dt = place_dtype(theta);
	Te *t = te_begin(y);
	int k = y->rank - 2;
	Ix at[3] = { t->axis[0], t->axis[k + 1], ix_int(k) };
	Expr *sum = ex_cast(dt, te_read(theta, at, 3)), *c, *one = ex_float(dt, 1), *two = ex_float(dt, 2);

	for (int i = 0; i < k; i++) {         /* coordinate i: of spatial axis k - 1 - i */
		Ix o = t->axis[k - i], len = y->dim[k - i];
		if (corners)
			c = SUB(DIV(MUL(two, ixf(dt, o)), SUB(ixf(dt, len), one)), one);
		else
			c = SUB(DIV(ADD(MUL(two, ixf(dt, o)), one), ixf(dt, len)), one);
		at[2] = ix_int(i);
		sum = ADD(sum, MUL(ex_cast(dt, te_read(theta, at, 3)), c));
	}
	te_end(y, ex_cast(y->dt, sum));
}

/* bilinear sample of x[b, c] at (h, w); outside the image, zero */
static Expr *bilinear(Node *n, Value *x, Ix b, Ix c, Expr *h, Expr *w, Ix *red, int *nred)
{
	Grid g = { .pad = PAD_ZEROS };
	DType dt = h->dt;
	Ix th = red_var(n, ix_int(2), red, nred), tw = red_var(n, ix_int(2), red, nred),
		at[4] = { b, c, NULL, NULL };
	Expr *ih = ADD(ex_cast(DT_I64, ex_un(E_FLOOR, h)), ex_ix(th)), *out = NULL, *wt;
	Expr *iw = ADD(ex_cast(DT_I64, ex_un(E_FLOOR, w)), ex_ix(tw));

	wt = MUL(interpolate(false, 0, ex_un(E_ABS, SUB(ex_cast(dt, ih), h))),
	         interpolate(false, 0, ex_un(E_ABS, SUB(ex_cast(dt, iw), w))));
	at[2] = inside(&g, dt, ih, x->dim[2], &out);
	at[3] = inside(&g, dt, iw, x->dim[3], &out);
	return ex_select(out, ex_float(dt, 0), MUL(ex_cast(dt, te_read(x, at, 4)), wt));
}

/* DeformConv: x, w, offset [N, groups*kh*kw*2, oh, ow], bias, mask [N, groups*kh*kw, oh, ow] */
static bool deform_get(Node *n, Win *win)
{
	Value *x = n->in[0], *w = n->in[1];

	if (x->rank != 4 || w->rank != 4 || n->in[2]->rank != 4) {
		node_unsupported(n, "input of rank %d", x->rank);
		return false;
	}
	if (!ix_assume_equal(x->dim[1], ix_mulc(w->dim[1], attr_int(n, "group", 1)),
		"channels of a convolution")) {
		node_error(n, "input %s, weight %s", value_str(x), value_str(w));
		return false;
	}
	return win_get(n, x, w->dim + 2, false, win);
}

void shape_deform_conv(Node *n)
{
	Value *x = n->in[0], *w = n->in[1];
	int64_t g = attr_int(n, "group", 1), og = attr_int(n, "offset_group", 1);
	Win win;

	if (g < 1 || og < 1) {
		node_error(n, "group %lld, offset_group %lld", (long long)g, (long long)og);
		return;
	}
	if (!deform_get(n, &win) || !in_vector(n, 3, w->dim[0], false) ||
		!in_parts(n, w->dim[0], ix_int(g), "groups of channels") ||
		!in_parts(n, x->dim[1], ix_int(og), "groups of offsets"))
		return;
	Ix taps = ix_mulc(ix_prod(win.size, 2), og), dim[4] = { x->dim[0], ix_mulc(taps, 2), win.out[0], win.out[1] };
	if (!in_dims(n, 2, 4, dim))
		return;
	dim[1] = taps;
	if (!in_dims(n, 4, 4, dim))
		return;
	dim[1] = w->dim[0];
	set_out(n, 0, n->in[0]->dt, 4, dim);
}

void lower_deform_conv(Node *n)
{
	Value *x = n->in[0], *w = n->in[1], *off = n->in[2], *bias = in_opt(n, 3), *mask = in_opt(n, 4),
		*y = n->out[0];
	int64_t g = attr_int(n, "group", 1), og = attr_int(n, "offset_group", 1);
	DType dt = place_dtype(x);
	Te *t = te_begin(y);
	Win win;
	Ix red[8], k[2], c, ci, tap, at[4] = { t->axis[0], NULL, t->axis[2], t->axis[3] }, wi[4];
	int nred = 0;
	Expr *pos[2], *e;

	if (!deform_get(n, &win))
		return;
	ci = red_var(n, w->dim[1], red, &nred);
	win_vars(n, 2, win.size, k, red, &nred);
	c = ix_add(ix_mul(ix_div(t->axis[1], ix_div(w->dim[0], ix_int(g))), w->dim[1]), ci);
	tap = ix_mul(ix_div(c, ix_div(x->dim[1], ix_int(og))), ix_mul(win.size[0], win.size[1]));
	tap = ix_add(tap, ix_add(ix_mul(k[0], win.size[1]), k[1]));
	for (int i = 0; i < 2; i++) {
		at[1] = ix_addc(ix_mulc(tap, 2), i);
		pos[i] = ADD(ixf(dt, win_pos(&win, i, t->axis[2 + i], k[i])),
			ex_cast(dt, te_read(off, at, 4)));
	}
	e = bilinear(n, x, t->axis[0], c, pos[0], pos[1], red, &nred);
	memcpy(wi, (Ix[4]){ t->axis[1], ci, k[0], k[1] }, sizeof wi);
	e = MUL(e, ex_cast(dt, te_read(w, wi, 4)));
	at[1] = tap;
	if (mask)
		e = MUL(e, ex_cast(dt, te_read(mask, at, 4)));
	e = red_sum(red, nred, e);
	if (bias)
		e = ADD(e, ex_cast(dt, te_read(bias, &t->axis[1], 1)));
	te_end(y, ex_cast(y->dt, e));
}

/* Col2Im: x [N, C*prod(block), blocks] summed back into [N, C, image...] */
static bool col_get(Node *n, Win *w)
{
	Value *x = n->in[0], *image = n->in[1], *block = n->in[2];
	int64_t nd, pad[2 * WMAX];

	if (image->rank != 1 || !ix_isint(image->dim[0], &nd) || nd < 1 || nd > WMAX || x->rank != 3) {
		node_error(n, "input %s, image_shape %s", value_str(x), value_str(image));
		return false;
	}
	w->n = (int)nd;
	if (!win_attr(n, "strides", w->n, 1, 1, w->stride) || !win_attr(n, "dilations", w->n, 1, 1, w->dil) ||
	    !win_attr(n, "pads", 2 * w->n, 0, 0, pad))
		return false;
	for (int i = 0; i < w->n; i++) {
		Ix span;
		w->out[i] = value_elem(image, i, ix_int(0), NULL);
		w->size[i] = value_elem(block, i, ix_int(1), NULL);
		w->pad0[i] = ix_int(pad[i]);
		w->pad1[i] = ix_int(pad[w->n + i]);
		span = ix_addc(ix_mulc(ix_addc(w->size[i], -1), w->dil[i]), 1);
		span = ix_sub(ix_add(ix_add(w->out[i], w->pad0[i]), w->pad1[i]), span);
		w->in[i] = ix_addc(ix_div(span, ix_int(w->stride[i])), 1);
	}
	return true;
}

void shape_col2_im(Node *n)
{
	Win w;
	Ix dim[2 + WMAX];

	if (!col_get(n, &w))
		return;
	dim[0] = n->in[0]->dim[0];
	dim[1] = ix_div(n->in[0]->dim[1], ix_prod(w.size, w.n));
	memcpy(dim + 2, w.out, sizeof(Ix) * (size_t)w.n);
	set_out(n, 0, n->in[0]->dt, 2 + w.n, dim);
	if (!ix_assume_equal(n->in[0]->dim[2], ix_prod(w.in, w.n), "blocks of an image"))
		node_error(n, "input %s, but %s blocks", value_str(n->in[0]), ix_str(ix_prod(w.in, w.n)));
}

void lower_col2_im(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);
	Win w;
	Ix red[WMAX], cond[3 * WMAX], pos, tap, col = ix_int(0), ker = ix_int(0), at[3];
	int nred = 0, nc = 0;
	Expr *e;

	if (!col_get(n, &w))
		return;
	for (int i = 0; i < w.n; i++) {
		win_back(n, &w, i, t->axis[2 + i], &pos, &tap, cond, &nc, red, &nred);
		col = ix_add(ix_mul(col, w.in[i]), pos);
		ker = ix_add(ix_mul(ker, w.size[i]), tap);
	}
	memcpy(at, (Ix[3]){ t->axis[0], ix_add(ix_mul(t->axis[1], ix_prod(w.size, w.n)), ker), col },
		sizeof at);
	e = acc_cast(te_read(x, at, 3));
	te_end(y, ex_cast(y->dt, red_sum(red, nred, ex_guard(cond, nc, e, ex_int(e->dt, 0)))));
}

/* MaxUnpool: values go to their flat indices in the shape that undoes the pooling; the rest is zero */
static bool unpool_get(Node *n, Ix *dim)
{
	Value *x = n->in[0];
	int nd = x->rank - 2;
	int64_t k[WMAX], s[WMAX], pad[2 * WMAX];

	if (nd < 1 || nd > WMAX || !win_attr(n, "kernel_shape", nd, 1, 1, k) ||
		!win_attr(n, "strides", nd, 1, 1, s) ||
	    !win_attr(n, "pads", 2 * nd, 0, 0, pad))
		return false;
	dim[0] = x->dim[0];
	dim[1] = x->dim[1];
	for (int i = 0; i < nd; i++)
		dim[2 + i] = ix_addc(ix_mulc(ix_addc(x->dim[2 + i], -1), s[i]), k[i] - pad[i] - pad[nd + i]);
	return true;
}

void shape_max_unpool(Node *n)
{
	Value *x = n->in[0], *given = in_opt(n, 2);
	Ix dim[2 + WMAX];

	if (!unpool_get(n, dim) || !in_dims(n, 1, x->rank, x->dim) || !in_vector(n, 2, ix_int(x->rank), false))
		return;
	for (int i = 0; given && i < x->rank; i++)
		dim[i] = value_elem(given, i, ix_int(0), NULL);
	set_out(n, 0, x->dt, x->rank, dim);
}

void lower_max_unpool(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Prog *p = prog_begin(n, "max_unpool");
	Stmt *b = p->body;
	Ix dim[2 + WMAX], at[2 + WMAX], to[2 + WMAX], flat;
	Expr *e, *fits;

	if (!unpool_get(n, dim))
		return;
	prog_out(p, y);
	for (int i = 0; i < x->rank; i++)
		at[i] = prog_for(p, b, y->dim[i], &b);
	prog_store(p, b, y, at, ex_int(y->dt, 0));
	b = p->body;
	for (int i = 0; i < x->rank; i++)
		at[i] = prog_for(p, b, x->dim[i], &b);
	e = ex_cast(DT_I64, te_read(n->in[1], at, x->rank));
	flat = ix_prod(dim, x->rank);
	st_fail(b, p->kern, ex_bin(E_OR, ex_bin(E_LT, e, i64(0)), ex_bin(E_GE, e, ex_ix(flat))),
		ZENITH_BAD_INDEX);
	unflatten(ex_as_ix(e, ix_int(0), ix_addc(flat, -1)), dim, x->rank, to);
	for (int i = 0; i < x->rank; i++)
		if (!ix_equal(dim[i], y->dim[i])) {
			fits = ex_bin(E_LT, ex_ix(to[i]), ex_ix(y->dim[i]));
			b = st_if(b, fits);
		}
	prog_store(p, b, y, to, te_read(x, at, x->rank));
	prog_end(p);
}
