/* Resize. Per resized axis two small tables are made, over output positions o and taps t: the input index
 * and the weight of each tap. The output is then a sum over taps, of one axis after the other where that is less work;
 * nearest needs one index and no weight. */
#include "window.h"
#include <math.h>

typedef enum Coord { HALF_PIXEL, HALF_PIXEL_SYMMETRIC, PYTORCH_HALF_PIXEL, ALIGN_CORNERS, ASYMMETRIC,
	TF_CROP, TF_HALF_PIXEL, NCOORD } Coord;
static const char *const coord_name[NCOORD] = { "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
	"align_corners", "asymmetric", "tf_crop_and_resize", "tf_half_pixel_for_nn" };
typedef enum Mode { NEAREST, LINEAR, CUBIC, NMODE } Mode;
static const char *const mode_name[NMODE] = { "nearest", "linear", "cubic" };
typedef enum Near { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL, NNEAR } Near;
static const char *const near_name[NNEAR] = { "round_prefer_floor", "round_prefer_ceil", "floor", "ceil" };
typedef enum Policy { STRETCH, NOT_LARGER, NOT_SMALLER, NPOLICY } Policy;
static const char *const policy_name[NPOLICY] = { "stretch", "not_larger", "not_smaller" };

typedef struct Axis {            /* one axis of x */
	bool on;                 /* resized */
	int pos;                 /* in the attribute axes, hence in sizes, scales, roi */
	Ix in, out;
	Value *x;                /* source position f32[out] */
	Value *index, *weight;   /* tables [out, taps]; NULL: none */
	Value *outside;          /* bool[out]; NULL: none */
	Ix factor;               /* nearest, an exact whole enlargement: index = o / factor */
	Ix taps;
} Axis;

typedef struct Resize {
	Coord coord;
	Mode mode;
	Near near;
	Policy policy;
	bool antialias, exclude;
	int naxes;
	Axis axis[WMAX];
	bool known;              /* the scales are given, and constants or computed from constants (a Cast of halves) */
	double scale[WMAX];
} Resize;

static int word(Node *n, const char *attr, const char *dflt, const char *const *name, int nname)
{
	const char *s = attr_str(n, attr, dflt);

	for (int i = 0; i < nname; i++)
		if (!strcmp(s, name[i]))
			return i;
	node_error(n, "attribute %s is '%s'", attr, quoted(s));
	return -1;
}

/* floor(in * scale); exact for a symbolic dim, as a float32 is a whole number over a power of two */
static Ix scaled(Ix in, float scale)
{
	int e;
	int64_t v, m;

	if (ix_isint(in, &v))
		return ix_int((int64_t)((float)v * scale));
	m = (int64_t)ldexp(frexpf(scale, &e), 24);
	e -= 24;
	while (e < 0 && m % 2 == 0) {
		m /= 2;
		e++;
	}
	return e >= 0 ? ix_mulc(in, m << e) : ix_div(ix_mulc(in, m), ix_int((int64_t)1 << -e));
}

/* round(in * size_i / in_i) for the i that gives the least or greatest scale */
static void keep_ratio(Resize *r, int rank, const Ix *size)
{
	Ix out[WMAX] = { NULL };

	for (int a = 0; a < rank; a++)
		for (int b = 0; r->axis[a].on && b < rank; b++) {
			Ix in = r->axis[b].in, v;
			if (!r->axis[b].on)
				continue;
			v = ix_add(ix_mulc(ix_mul(size[r->axis[b].pos], r->axis[a].in), 2), in);
			v = ix_div(v, ix_mulc(in, 2));
			out[a] = !out[a] ? v : r->policy == NOT_LARGER ? ix_min(out[a], v) : ix_max(out[a],
				v);
		}
	for (int a = 0; a < rank; a++)
		if (r->axis[a].on)
			r->axis[a].out = out[a];
}

static bool resize_axes(Node *n, Resize *r)
{
	Value *x = n->in[0];
	int cnt;
	const int64_t *axes = attr_ints(n, "axes", &cnt);

	if (x->rank > WMAX) {
		node_unsupported(n, "rank %d", x->rank);
		return false;
	}
	r->naxes = axes ? cnt : x->rank;
	for (int i = 0; i < x->rank; i++)
		r->axis[i].in = r->axis[i].out = x->dim[i];
	for (int i = 0; i < r->naxes; i++) {
		int64_t a = axes ? axes[i] : i;
		if (!axis_ok(n, &a, x->rank))
			return false;
		if (r->axis[a].on) {
			node_error(n, "axes names axis %d twice", (int)a);
			return false;
		}
		r->axis[a].on = true;
		r->axis[a].pos = i;
	}
	return true;
}

static bool is_given(const Value *v)
{
	return v && !(v->rank == 1 && ix_is(v->dim[0], 0));
}

static bool known_scales(Value *v, int count, double *s)
{
	const double *c;
	int64_t n;

	if (const_floats(v, &c, &n) && n >= count) {
		memcpy(s, c, sizeof *s * (size_t)count);
		return true;
	}
	for (int i = 0; i < count; i++)
		if (!const_elem(v, i, &s[i]))
			return false;
	return true;
}

static bool resize_get(Node *n, Resize *r)
{
	Value *scales = in_opt(n, 2), *sizes = in_opt(n, 3), *x = n->in[0];
	Value *list = is_given(sizes) ? sizes : scales;
	int words[4] = { word(n, "coordinate_transformation_mode", "half_pixel", coord_name, NCOORD),
		word(n, "mode", "nearest", mode_name, NMODE),
		word(n, "nearest_mode", "round_prefer_floor", near_name, NNEAR),
		word(n, "keep_aspect_ratio_policy", "stretch", policy_name, NPOLICY) };
	Ix size[WMAX];

	*r = (Resize){ .coord = (Coord)words[0], .mode = (Mode)words[1], .near = (Near)words[2],
		.policy = (Policy)words[3], .antialias = attr_int(n, "antialias", 0) != 0,
		.exclude = attr_int(n, "exclude_outside", 0) != 0 };
	if (words[0] < 0 || words[1] < 0 || words[2] < 0 || words[3] < 0 || !resize_axes(n, r))
		return false;
	if (is_given(sizes) == is_given(scales)) {
		node_error(n, "exactly one of scales and sizes must be given");
		return false;
	}
	if (list->rank != 1 || !ix_assume_equal(list->dim[0], ix_int(r->naxes), "elements of a vector")) {
		node_error(n, "%s gives the %s of %d axes", value_str(list), list == sizes ? "sizes" : "scales", r->naxes);
		return false;
	}
	if (is_given(sizes)) {
		for (int i = 0; i < r->naxes; i++)
			size[i] = value_elem(sizes, i, ix_int(0), NULL);
		for (int a = 0; a < x->rank; a++)
			if (r->axis[a].on)
				r->axis[a].out = size[r->axis[a].pos];
		if (r->policy != STRETCH)
			keep_ratio(r, x->rank, size);
		return true;
	}
	r->known = known_scales(scales, r->naxes, r->scale);
	for (int a = 0; a < x->rank; a++) {
		Axis *ax = &r->axis[a];
		if (ax->on && r->known && !(r->scale[ax->pos] > 0 && r->scale[ax->pos] < 1e6)) {
			node_error(n, "the scale %g", r->scale[ax->pos]);
			return false;
		}
		if (ax->on)
			ax->out = r->known ? scaled(ax->in, (float)r->scale[ax->pos]) : data_dim(n, 0, a, ix_int(0), NULL);
	}
	return true;
}

void shape_resize(Node *n)
{
	Resize r;
	Ix dim[WMAX];

	if (!resize_get(n, &r))
		return;
	if (r.coord == TF_CROP && is_given(in_opt(n, 1)) && !in_vector(n, 1, ix_int(2 * r.naxes), false))
		return;
	for (int i = 0; i < n->in[0]->rank; i++)
		dim[i] = r.axis[i].out;
	set_out(n, 0, n->in[0]->dt, n->in[0]->rank, dim);
}

static Expr *num(double v)
{
	return ex_float(DT_F32, v);
}

static Expr *ixf(Ix i)
{
	return ex_cast(DT_F32, ex_ix(i));
}

#define ADD(a, b) ex_bin(E_ADD, a, b)
#define SUB(a, b) ex_bin(E_SUB, a, b)
#define MUL(a, b) ex_bin(E_MUL, a, b)
#define DIV(a, b) ex_bin(E_DIV, a, b)

/* the scale of an axis, and the width of the output before it was rounded to a whole number */
static Expr *scale_of(Node *n, const Resize *r, const Axis *ax, Expr **width)
{
	Value *scales = in_opt(n, 2), *sizes = in_opt(n, 3);
	Expr *s = NULL, *e;
	Ix at = ix_int(ax->pos);

	if (is_given(scales))
		s = ex_cast(DT_F32, te_read(scales, &at, 1));
	else if (r->policy == STRETCH)
		s = DIV(ixf(ax->out), ixf(ax->in));
	else
		for (int a = 0; a < n->in[0]->rank; a++)
			if (r->axis[a].on) {
				e = DIV(ixf(value_elem(sizes, r->axis[a].pos, ix_int(0), NULL)),
					ixf(r->axis[a].in));
				s = !s ? e : ex_bin(r->policy == NOT_LARGER ? E_MIN : E_MAX, s, e);
			}
	*width = is_given(sizes) && r->policy == STRETCH ? ixf(ax->out) : MUL(s, ixf(ax->in));
	return s;
}

/* element k of the region of interest on an axis: 0 its start, 1 its end */
static Expr *roi_at(Node *n, const Resize *r, const Axis *ax, int k)
{
	Value *roi = in_opt(n, 1);
	Ix at = ix_int(k * r->naxes + ax->pos);
	double c;

	if (is_given(roi) && const_elem(roi, k * r->naxes + ax->pos, &c))
		return num(c);
	return is_given(roi) ? ex_cast(DT_F32, te_read(roi, &at, 1)) : num(k);
}

/* where output position o lies in the input */
static Expr *position(Node *n, const Resize *r, const Axis *ax, Ix o)
{
	Expr *width, *s = scale_of(n, r, ax, &width), *x = ixf(o), *in1 = ixf(ix_addc(ax->in, -1));
	Expr *one = ex_bin(E_EQ, width, num(1)), *half = SUB(DIV(ADD(x, num(0.5)), s), num(0.5)), *r0, *r1,
		*e;

	switch (r->coord) {
	case HALF_PIXEL:
		return half;
	case HALF_PIXEL_SYMMETRIC:
		e = MUL(DIV(ixf(ax->in), num(2)), SUB(num(1), DIV(ixf(ax->out), width)));
		return SUB(ADD(e, DIV(ADD(x, num(0.5)), s)), num(0.5));
	case PYTORCH_HALF_PIXEL:
		return ex_select(one, num(0), half);
	case ALIGN_CORNERS:
		return ex_select(one, num(0), DIV(MUL(x, in1), SUB(width, num(1))));
	case ASYMMETRIC:
		return DIV(x, s);
	case TF_HALF_PIXEL:
		return DIV(ADD(x, num(0.5)), s);
	default:
		r0 = roi_at(n, r, ax, 0);
		r1 = roi_at(n, r, ax, 1);
		e = DIV(MUL(MUL(x, SUB(r1, r0)), in1), SUB(width, num(1)));
		return ADD(ex_select(one, DIV(MUL(SUB(r1, r0), in1), num(2)), e), MUL(r0, in1));
	}
}

static Expr *nearest(Near mode, Expr *x)
{
	Expr *f = ex_un(E_FLOOR, x);

	if (mode == FLOOR)
		return f;
	if (mode == CEIL)
		return ex_un(E_CEIL, x);
	return ADD(f, ex_cast(DT_F32, ex_bin(mode == PREFER_FLOOR ? E_GT : E_GE, SUB(x, f), num(0.5))));
}

/* floor(x) + t - (taps/2 - 1): the input position of a tap, before clamping */
static Expr *tap(const Axis *ax, Expr *x, Ix t)
{
	Ix first = ix_addc(ix_div(ax->taps, ix_int(2)), -1);

	return ADD(ex_cast(DT_I64, ex_un(E_FLOOR, x)), ex_ix(ix_sub(t, first)));
}

static Expr *clamp(Expr *i, Ix in)
{
	return ex_bin(E_MIN, ex_bin(E_MAX, i, ex_int(DT_I64, 0)), ex_ix(ix_addc(in, -1)));
}

/* the weights of an axis: kernel values, divided by their sum where that is not 1 by itself */
static void weights(Node *n, const Resize *r, Axis *ax)
{
	Ix dim[2] = { ax->out, ax->taps }, red[1], at[2];
	Value *raw = te_temp(n, "weight", DT_F32, 2, dim), *sum;
	Te *t = te_begin(raw);
	Expr *x = te_read(ax->x, t->axis, 1), *i = tap(ax, x, t->axis[1]), *d, *width, *out, *e;
	int nred = 0;

	d = ex_un(E_ABS, SUB(ex_cast(DT_F32, i), x));
	if (r->antialias)
		d = MUL(d, ex_bin(E_MIN, scale_of(n, r, ax, &width), num(1)));
	e = interpolate(r->mode == CUBIC, attr_float(n, "cubic_coeff_a", -0.75), d);
	out = ex_bin(E_OR, ex_bin(E_LT, i, ex_int(DT_I64, 0)), ex_bin(E_GE, i, ex_ix(ax->in)));
	if (r->exclude)
		e = ex_select(out, num(0), e);
	te_end(raw, e);
	ax->weight = raw;
	if (!r->exclude && !r->antialias)
		return;
	sum = te_temp(n, "sum", DT_F32, 1, dim);
	t = te_begin(sum);
	at[0] = t->axis[0];
	at[1] = red_var(n, ax->taps, red, &nred);
	te_end(sum, red_sum(red, nred, te_read(raw, at, 2)));
	ax->weight = te_temp(n, "weight", DT_F32, 2, dim);
	t = te_begin(ax->weight);
	e = te_read(sum, t->axis, 1);
	e = ex_select(ex_bin(E_EQ, e, num(0)), num(1), e);
	te_end(ax->weight, DIV(te_read(raw, t->axis, 2), e));
}

/* a whole enlargement in which nearest is o / factor, whatever the rounding of floats */
static Ix whole_factor(const Resize *r, const Axis *ax)
{
	Ix f;
	int64_t v;
	bool half = r->coord == HALF_PIXEL || r->coord == PYTORCH_HALF_PIXEL ||
		r->coord == HALF_PIXEL_SYMMETRIC;

	if (!(half && (r->near == PREFER_FLOOR || r->near == PREFER_CEIL)) &&
		!((r->coord == ASYMMETRIC || r->coord == TF_HALF_PIXEL) && r->near == FLOOR))
		return NULL;
	if (!ix_gt0(ax->in) || r->policy != STRETCH)
		return NULL;
	f = ix_div(ax->out, ax->in);
	return ix_isint(f, &v) && v > 0 && ix_equal(ix_mul(ax->in, f), ax->out) ? f : NULL;
}

static void tables(Node *n, const Resize *r, Axis *ax)
{
	Ix dim[2] = { ax->out, NULL }, one = ix_int(1), two = ix_int(2);
	Expr *e;
	Te *t;

	ax->factor = r->mode == NEAREST ? whole_factor(r, ax) : NULL;
	if (ax->factor)
		return;
	ax->x = te_temp(n, "position", DT_F32, 1, dim);
	t = te_begin(ax->x);
	te_end(ax->x, position(n, r, ax, t->axis[0]));
	if (r->coord == TF_CROP) {
		ax->outside = te_temp(n, "outside", DT_BOOL, 1, dim);
		t = te_begin(ax->outside);
		e = te_read(ax->x, t->axis, 1);
		te_end(ax->outside, ex_bin(E_OR, ex_bin(E_LT, e, num(0)),
		                           ex_bin(E_GT, e, ixf(ix_addc(ax->in, -1)))));
	}
	if (r->antialias)
		one = ix_max(one, ix_cdiv(ax->in, ax->out));
	if (r->antialias && r->mode == CUBIC)
		two = ix_max(two, ix_cdiv(ix_mulc(ax->in, 2), ax->out));
	ax->taps = r->mode == NEAREST ? ix_int(1) : ix_mulc(r->mode == LINEAR ? one : two, 2);
	dim[1] = ax->taps;
	ax->index = te_temp(n, "index", DT_I64, 2, dim);
	t = te_begin(ax->index);
	e = te_read(ax->x, t->axis, 1);
	e = r->mode == NEAREST ? ex_cast(DT_I64, nearest(r->near, e)) : tap(ax, e, t->axis[1]);
	te_end(ax->index, clamp(e, ax->in));
	if (r->mode != NEAREST)
		weights(n, r, ax);
}

/* an axis on which nothing happens */
static bool untouched(Node *n, const Resize *r, const Axis *ax)
{
	if (!ax->on || r->policy != STRETCH || !ix_equal(ax->in, ax->out))
		return !ax->on;
	if (r->coord == TF_CROP && (roi_at(n, r, ax, 0) != num(0) || roi_at(n, r, ax, 1) != num(1)))
		return false;
	return is_given(in_opt(n, 3)) || (r->known && r->scale[ax->pos] == 1);
}

/* scales that are computed while running, or that folding made constant, decide the output's dims */
static void bind_sizes(Node *n, const Resize *r)
{
	Value *scales = in_opt(n, 2), *size;
	Ix one = ix_int(1), at, *dim = n->out[0]->dim;

	if (!is_given(scales))
		return;
	for (int a = 0; a < n->in[0]->rank; a++) {
		const Axis *ax = &r->axis[a];
		if (!ax->on || (r->known && dim[a] == ax->out))
			continue;
		size = te_temp(n, "size", DT_I64, 1, &one);
		te_begin(size);
		at = ix_int(ax->pos);
		te_end(size, ex_cast(DT_I64, MUL(te_read(scales, &at, 1), ixf(ax->in))));
		data_dim_is(n, dim[a], size);
	}
}

/* less work axis by axis than all at once; sizes of axes that stay as they are do not matter */
static bool by_axes(const Resize *r, int rank)
{
	double once = 1, apart = 0, size = 1;
	int64_t in, out, taps;

	for (int a = 0; a < rank; a++) {
		const Axis *ax = &r->axis[a];
		if (!ax->on)
			continue;
		if (!ax->weight || !ix_isint(ax->in, &in) || !ix_isint(ax->out, &out) || !ix_isint(ax->taps, &taps) || !in)
			return false;
		once *= (double)out * (double)taps;
		size *= (double)in;
	}
	for (int a = 0; a < rank; a++) {
		const Axis *ax = &r->axis[a];
		if (!ax->on || !ix_isint(ax->in, &in) || !ix_isint(ax->out, &out) || !ix_isint(ax->taps, &taps))
			continue;
		size *= (double)out / (double)in;
		apart += size * (double)taps;
	}
	return apart < once;
}

/* x with that axis resized, as sums */
static Value *resized(Node *n, Value *x, Axis *ax, int a, DType acc)
{
	Ix dim[WMAX], at[WMAX], two[2], red[1];
	int nred = 0;
	Value *v;
	Expr *w;
	Te *t;

	for (int i = 0; i < x->rank; i++)
		dim[i] = i == a ? ax->out : x->dim[i];
	v = te_temp(n, "resized", acc, x->rank, dim);
	t = te_begin(v);
	for (int i = 0; i < x->rank; i++)
		at[i] = t->axis[i];
	two[0] = t->axis[a];
	two[1] = red_var(n, ax->taps, red, &nred);
	at[a] = ex_as_ix(te_read(ax->index, two, 2), ix_int(0), ix_addc(ax->in, -1));
	w = ex_cast(acc, te_read(ax->weight, two, 2));
	te_end(v, red_sum(red, nred, MUL(ex_cast(acc, te_read(x, at, x->rank)), w)));
	ax->on = false;
	return v;
}

/* all axes but the last that is resized */
static Value *outer_resized(Node *n, Resize *r, Value *x, DType acc)
{
	int last = -1;

	for (int a = 0; a < x->rank; a++)
		last = r->axis[a].on ? a : last;
	for (int a = 0; a < last; a++)
		if (r->axis[a].on)
			x = resized(n, x, &r->axis[a], a, acc);
	return x;
}

void lower_resize(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Resize r;
	Ix at[WMAX], red[WMAX], two[2];
	int nred = 0;
	Expr *w = NULL, *e, *out = NULL;
	DType acc = x->dt == DT_F64 ? DT_F64 : DT_F32;
	Te *t;

	if (!resize_get(n, &r))
		return;
	for (int a = 0; a < x->rank; a++)
		if (r.axis[a].on)
			r.axis[a].out = y->dim[a];
	bind_sizes(n, &r);
	for (int a = 0; a < x->rank; a++) {
		r.axis[a].on = !untouched(n, &r, &r.axis[a]);
		if (r.axis[a].on) {
			fail_from_nothing(n, x->dim[a], y->dim[a]);
			tables(n, &r, &r.axis[a]);
		}
	}
	if (by_axes(&r, x->rank))
		x = outer_resized(n, &r, x, acc);
	t = te_begin(y);
	for (int a = 0; a < x->rank; a++) {
		Axis *ax = &r.axis[a];
		at[a] = t->axis[a];
		if (ax->outside) {
			e = te_read(ax->outside, &at[a], 1);
			out = out ? ex_bin(E_OR, out, e) : e;
		}
		if (!ax->on)
			continue;
		if (ax->factor) {
			at[a] = ix_div(at[a], ax->factor);
			continue;
		}
		two[0] = t->axis[a];
		two[1] = red_var(n, ax->taps, red, &nred);
		at[a] = ex_as_ix(te_read(ax->index, two, 2), ix_int(0), ix_addc(ax->in, -1));
		if (ax->weight) {
			e = ex_cast(acc, te_read(ax->weight, two, 2));
			w = w ? MUL(w, e) : e;
		}
	}
	e = te_read(x, at, x->rank);
	if (w)
		e = ex_cast(y->dt, red_sum(red, nred, MUL(ex_cast(acc, e), w)));
	if (out)
		e = ex_select(out, ex_float(y->dt, attr_float(n, "extrapolation_value", 0)), e);
	te_end(y, e);
}
