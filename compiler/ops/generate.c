/* Operators that make elements from shapes: Shape, ConstantOfShape, Range, Pad, Trilu and their like. */
#include "../ops.h"

#include <math.h>

/* ---- Shape, Size */

static int dim_range(const Node *n, int *from)
{
	int r = n->in[0]->rank;
	int64_t a = attr_int(n, "start", 0), b = attr_int(n, "end", r);

	a = a < 0 ? a + r : a;
	b = b < 0 ? b + r : b;
	a = a < 0 ? 0 : a > r ? r : a;
	b = b < 0 ? 0 : b > r ? r : b;
	*from = (int)a;
	return b > a ? (int)(b - a) : 0;
}

void shape_shape(Node *n)
{
	int from;
	Ix k = ix_int(dim_range(n, &from));

	set_out(n, 0, DT_I64, 1, &k);
}

void lower_shape(Node *n)
{
	int from, k = dim_range(n, &from);
	Te *t = te_begin(n->out[0]);
	Expr *e = k ? ex_ix(n->in[0]->dim[from + k - 1]) : ex_int(DT_I64, 0);

	for (int i = k - 2; i >= 0; i--) {
		Ix upto = ix_sub(ix_int(i), t->axis[0]);
		e = ex_guard(&upto, 1, ex_ix(n->in[0]->dim[from + i]), e);
	}
	te_end(n->out[0], e);
}

void shape_size(Node *n)
{
	set_out(n, 0, DT_I64, 0, NULL);
}

void lower_size(Node *n)
{
	te_begin(n->out[0]);
	te_end(n->out[0], ex_ix(value_numel(n->in[0])));
}

/* ---- constants */

void shape_constant_of_shape(Node *n)
{
	Value *v = attr_tensor(n, "value");
	int r = dims_len(n, n->in[0]);

	if (r < 0)
		return;
	Ix dim[r + 1];
	for (int i = 0; i < r; i++)
		dim[i] = dim_elem(n->in[0], i, ix_int(0), NULL);
	set_out(n, 0, v ? v->dt : DT_F32, r, dim);
}

void lower_constant_of_shape(Node *n)
{
	Value *v = attr_tensor(n, "value"), *y = n->out[0];

	te_begin(y);
	te_end(y, v ? te_scalar(v) : ex_float(y->dt, 0));
}

void shape_eye_like(Node *n)
{
	Value *x = n->in[0];
	int64_t dt = attr_int(n, "dtype", x->dt);

	if (x->rank != 2 || !dt_valid(dt))
		node_error(n, "EyeLike of %s", value_str(x));
	else
		set_out(n, 0, (DType)dt, 2, x->dim);
}

void lower_eye_like(Node *n)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);
	Ix off = ix_sub(ix_sub(t->axis[1], t->axis[0]), ix_int(attr_int(n, "k", 0)));
	Ix cond[2] = { off, ix_mulc(off, -1) };

	te_end(y, ex_guard(cond, 2, ex_float(y->dt, 1), ex_float(y->dt, 0)));
}

/* ---- Range: start, limit, delta */

/* a constant, or an integer that is one, cast */
static bool range_operand(Value *v, double *f)
{
	const Node *d = v->def;
	const Ix *k;
	int64_t i;
	int n;

	if (const_float(v, f))
		return true;
	if (!d || d->op != OP_CAST || !dt_int(d->in[0]->dt) || !known_ints(d->in[0], &k, &n) || n != 1)
		return false;
	if (!ix_isint(k[0], &i) || i > 1 << 11 || i < -(1 << 11))    /* exact in every type but bfloat16 */
		return false;
	*f = (double)i;
	return v->dt != DT_BF16;
}

/* The count, where it is known from index algebra or constants; NULL if only data tells */
static Ix range_count(Node *n)
{
	double f[3];
	int64_t step;
	Ix k[3], least = ix_int(-(FAR << 20)), most = ix_int(FAR << 20);     /* differences fit */

	if (dt_float(n->in[0]->dt) && range_operand(n->in[0], &f[0]) && range_operand(n->in[1], &f[1])
	    && range_operand(n->in[2], &f[2])) {
		double c = (f[1] - f[0]) / f[2];
		int64_t i = c > 0 && c < 1e15 ? (int64_t)c : 0;
		return c < 1e15 ? ix_int(i + ((double)i < c)) : NULL;
	}
	if (!dt_int(n->in[0]->dt))
		return NULL;
	k[2] = dim_elem(n->in[2], 0, least, most);
	if (!ix_isint(k[2], &step) || step == 0 || step == INT64_MIN)
		return NULL;
	for (int i = 0; i < 2; i++)
		k[i] = dim_elem(n->in[i], 0, least, most);
	if (step > 0)
		return ix_max(ix_int(0), ix_cdiv(ix_sub(k[1], k[0]), ix_int(step)));
	return ix_max(ix_int(0), ix_cdiv(ix_sub(k[0], k[1]), ix_mulc(ix_int(step), -1)));
}

void shape_range(Node *n)
{
	Value *y = n->out[0];
	DType dt = n->in[0]->dt;
	Ix count;

	if (n->in[1]->dt != dt || n->in[2]->dt != dt || !(dt_float(dt) || dt_int(dt))) {
		node_error(n, "Range of %s, %s and %s", dt_name(dt), dt_name(n->in[1]->dt),
			   dt_name(n->in[2]->dt));
		return;
	}
	count = range_count(n);
	if (!count)
		count = y->rank == 1 && y->dim[0] ? y->dim[0] : ix_sym(NULL, ix_int(0), ix_int(INT32_MAX));
	set_out(n, 0, dt, 1, &count);
}

/* binds the symbol that is the output's dim: ceil((limit - start) / delta), at least 0; -1, which ends the run, where
 * that is infinite, no number, or of a difference that wraps */
static void count_data(Node *n, Expr *const *a)
{
	Value *v = te_temp(n, "count", DT_I64, 0, NULL);
	DType dt = a[0]->dt == DT_F64 || dt_int(a[0]->dt) ? DT_F64 : DT_F32;
	DType wide = dt_int(a[0]->dt) ? DT_I64 : a[0]->dt;
	Expr *d = xsub(ex_cast(dt, a[1]), ex_cast(dt, a[0])), *far = ex_float(dt, 9e18), *ok;
	Expr *e = xdiv(ex_cast(dt, xsub(ex_cast(wide, a[1]), ex_cast(wide, a[0]))), ex_cast(dt, a[2]));

	ok = ex_bin(E_AND, ex_bin(E_LT, e, ex_float(dt, 9e18)), ex_bin(E_GT, e, ex_float(dt, -HUGE_VAL)));
	if (dt_int(a[0]->dt))
		ok = ex_bin(E_AND, ok, ex_bin(E_LT, ex_un(E_ABS, d), far));
	te_begin(v);
	te_end(v, ex_select(ok, xmax(ex_cast(DT_I64, ex_un(E_CEIL, e)), ex_int(DT_I64, 0)), ex_int(DT_I64, -1)));
	sym_bind(n->graph->model, n->out[0]->dim[0], v, 0);
}

void lower_range(Node *n)
{
	Value *y = n->out[0];
	Expr *a[3];
	Te *t;

	for (int i = 0; i < 3; i++)
		a[i] = ex_acc(te_scalar(n->in[i]));
	if (range_count(n) != y->dim[0] && sym_own(n, y->dim[0]))
		count_data(n, a);
	t = te_begin(y);
	te_end(y, ex_cast(y->dt, xadd(a[0], xmul(ex_cast(a[0]->dt, ex_ix(t->axis[0])), a[2]))));
}

/* ---- Trilu */

void shape_trilu(Node *n)
{
	if (n->in[0]->rank < 2)
		node_error(n, "Trilu of %s", value_str(n->in[0]));
	else
		out_like(n, 0, n->in[0]);
}

void lower_trilu(Node *n)
{
	Value *x = n->in[0], *k = in_opt(n, 1);
	Te *t = te_begin(n->out[0]);
	Ix off = ix_sub(t->axis[x->rank - 1], t->axis[x->rank - 2]);

	if (k)
		off = ix_sub(off, dim_elem(k, 0, ix_int(-FAR), ix_int(FAR)));
	if (!attr_int(n, "upper", 1))
		off = ix_mulc(off, -1);
	te_end(n->out[0], ex_guard(&off, 1, te_read(x, t->axis, x->rank), ex_bits(x->dt, 0)));
}

/* ---- Pad */

enum pad { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP, NPAD };

static bool pad_mode(Node *n, enum pad *mode)
{
	static const char *const name[] = { "constant", "reflect", "edge", "wrap" };
	const char *s = attr_str(n, "mode", "constant");

	for (int i = 0; i < NPAD; i++)
		if (!strcmp(s, name[i])) {
			*mode = (enum pad)i;
			return true;
		}
	node_error(n, "mode '%s'", quoted(s));
	return false;
}

/* elements added before (lo) and after (hi) each axis of the input; negative: removed */
static bool pad_sizes(Node *n, Ix *lo, Ix *hi)
{
	Value *x = n->in[0], *axes = in_opt(n, 3);
	int k = axes ? dims_len(n, axes) : x->rank;
	int64_t axis;

	for (int i = 0; i < x->rank; i++)
		lo[i] = hi[i] = ix_int(0);
	if (k < 0 || ints_len(n, n->in[1]) != 2 * k) {
		node_error(n, "pads are not two per axis of %s", value_str(x));
		return false;
	}
	for (int i = 0; i < k; i++) {
		Ix at = axes ? dim_elem(axes, i, ix_int(-x->rank), ix_int(x->rank - 1)) : ix_int(i);
		Ix before = dim_elem(n->in[1], i, NULL, NULL), after = dim_elem(n->in[1], i + k, NULL, NULL);
		if (ix_isint(at, &axis)) {
			if (!axis_ok(n, &axis, x->rank))
				return false;
			at = ix_int(axis);
		}
		for (int j = 0; j < x->rank; j++) {
			Ix is = ix_max(is_equal01(at, ix_int(j)), is_equal01(at, ix_int(j - x->rank)));
			lo[j] = ix_add(lo[j], ix_mul(is, before));
			hi[j] = ix_add(hi[j], ix_mul(is, after));
		}
	}
	return true;
}

void shape_pad(Node *n)
{
	Value *x = n->in[0];
	Ix lo[x->rank + 1], hi[x->rank + 1];
	enum pad mode;

	if (!pad_mode(n, &mode) || !pad_sizes(n, lo, hi))
		return;
	for (int i = 0; i < x->rank; i++)
		lo[i] = ix_add(x->dim[i], ix_add(lo[i], hi[i]));
	set_out(n, 0, x->dt, x->rank, lo);
}

/* position i (any integer) in an axis of d elements, continued as the mode says. Reflected once where the
 * pads are proved smaller than d, else with period 2(d - 1) */
static Ix pad_index(enum pad mode, Ix i, Ix d, Ix lo, Ix hi)
{
	Ix zero = ix_int(0), top = ix_addc(d, -1), m;

	if (mode == PAD_EDGE)
		return ix_max(zero, ix_min(i, top));
	if (mode == PAD_WRAP)
		return ix_mod(i, ix_gt0(d) ? d : ix_max(d, ix_int(1)));
	if (ix_is(d, 1))
		return zero;
	if (ix_ge(top, lo) && ix_ge(top, hi)) {
		m = ix_max(i, ix_mulc(i, -1));
	} else {
		m = ix_mulc(top, 2);
		m = ix_mod(i, ix_gt0(m) ? m : ix_max(m, ix_int(1)));
	}
	return ix_max(zero, ix_min(ix_min(m, ix_sub(ix_mulc(top, 2), m)), top));
}

static Expr *pad_fill(Node *n, DType dt)
{
	Value *v = in_opt(n, 2);

	if (v)
		return te_scalar(v);
	if (dt == DT_STR)
		node_unsupported(n, "Pad of strings without a value");
	return ex_bits(dt == DT_STR ? DT_I64 : dt, 0);
}

void lower_pad(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Ix lo[x->rank + 1], hi[x->rank + 1], ix[x->rank + 1];
	unsigned char check[x->rank + 1];
	enum pad mode = PAD_CONSTANT;
	Te *t = te_begin(y);

	if (!pad_mode(n, &mode) || !pad_sizes(n, lo, hi))
		return;
	for (int i = 0; i < x->rank; i++) {
		check[i] = !ix_is(lo[i], 0) || !ix_is(hi[i], 0);
		ix[i] = ix_sub(t->axis[i], lo[i]);
		if (!check[i] || mode == PAD_CONSTANT)
			continue;
		ix[i] = pad_index(mode, ix[i], x->dim[i], lo[i], hi[i]);
		fail_from_nothing(n, x->dim[i], y->dim[i]);
	}
	if (mode == PAD_CONSTANT)
		te_end(y, te_read_box(x, ix, x->rank, check, pad_fill(n, x->dt)));
	else
		te_end(y, te_read(x, ix, x->rank));
}

/* ---- CenterCropPad: the target dims, in `shape`, of some axes */

static bool crop_dims(Node *n, Ix *dim)
{
	Value *x = n->in[0];
	int count, k = ints_len(n, n->in[1]);
	const int64_t *axes = attr_ints(n, "axes", &count);

	if (k < 0 || k != (axes ? count : x->rank)) {
		node_error(n, "%d dims for %d axes", k, axes ? count : x->rank);
		return false;
	}
	memcpy(dim, x->dim, sizeof *dim * (size_t)x->rank);
	for (int i = 0; i < k; i++) {
		int64_t a = axes ? axes[i] : i;
		if (!axis_ok(n, &a, x->rank))
			return false;
		dim[a] = dim_elem(n->in[1], i, ix_int(0), NULL);
	}
	return true;
}

void shape_center_crop_pad(Node *n)
{
	Ix dim[n->in[0]->rank + 1];

	if (crop_dims(n, dim))
		set_out(n, 0, n->in[0]->dt, n->in[0]->rank, dim);
}

void lower_center_crop_pad(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);
	Ix ix[x->rank + 1], zero = ix_int(0), two = ix_int(2);

	for (int i = 0; i < x->rank; i++) {
		Ix more = ix_sub(y->dim[i], x->dim[i]);
		Ix before = ix_div(ix_max(zero, more), two);
		Ix off = ix_div(ix_max(zero, ix_mulc(more, -1)), two);
		ix[i] = ix_add(ix_sub(t->axis[i], before), off);
	}
	te_end(y, te_read_box(x, ix, x->rank, NULL, ex_bits(x->dt, 0)));
}
