/* Movement: operators whose output elements are input elements, by index arithmetic alone. */
#include "../ops.h"
#include "../../runtime/zenith.h"

/* one output element = the input element at ix */
static void end_read(Value *y, Value *x, const Ix *ix)
{
	te_end(y, te_read(x, ix, x->rank));
}

static void lower_same(Node *n, int i)
{
	Te *t = te_begin(n->out[i]);

	end_read(n->out[i], n->in[0], t->axis);
}

void shape_identity(Node *n)
{
	out_like(n, 0, n->in[0]);
}

void lower_identity(Node *n)
{
	if (n->in[0]->kind != V_TENSOR)
		node_unsupported(n, "Identity of a sequence or optional");
	else
		lower_same(n, 0);
}

/* ---- the same elements in the same order under another shape */

/* products of dims from the front (to[i]: of i dims) and from the back */
static void products(const Value *v, Ix *front, Ix *back)
{
	front[0] = back[0] = ix_int(1);
	for (int i = 0; i < v->rank; i++) {
		front[i + 1] = ix_mul(front[i], v->dim[i]);
		back[i + 1] = ix_mul(back[i], v->dim[v->rank - 1 - i]);
	}
}

static bool has_zero(const Value *v)
{
	for (int i = 0; i < v->rank; i++)
		if (ix_is(v->dim[i], 0))
			return true;
	return false;
}

/* Indices of x from the axes of y. Both shapes are cut where as many elements lie before (or after) the
 * cut in one as in the other, so that only the axes between two cuts are joined and split again. */
static void reindex(const Value *y, const Ix *axis, const Value *x, Ix *ix)
{
	Ix fy[y->rank + 1], by[y->rank + 1], fx[x->rank + 1], bx[x->rank + 1];
	int i = 0, j = 0, a = 0, b = 0;

	products(y, fy, by);
	products(x, fx, bx);
	while (i < y->rank || j < x->rank) {
		bool cut = false;
		for (a = i; a <= y->rank && !cut; a++)
			for (b = j; b <= x->rank && !cut; b++)
				cut = (a > i || b > j) && ((a == y->rank && b == x->rank)
					|| fy[a] == fx[b] || by[y->rank - a] == bx[x->rank - b]);
		unflat(flat_at(axis + i, y->dim + i, a - 1 - i), x->dim + j, b - 1 - j, ix + j);
		i = a - 1;
		j = b - 1;
	}
}

void lower_reshape(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);
	Ix ix[x->rank + 1];

	if (has_zero(x) || has_zero(y)) {
		for (int i = 0; i < x->rank; i++)
			ix[i] = ix_int(0);
	} else {
		reindex(y, t->axis, x, ix);
	}
	end_read(y, x, ix);
}

/* The elements of a Reshape's second input: what each says for its dim. -1 is inferred, 0 copies (unless
 * allowzero) */
static bool wanted_dims(Node *n, int r, Ix *dim)
{
	Value *x = n->in[0], *s = n->in[1];
	bool copy0 = !attr_int(n, "allowzero", 0);
	int64_t c;

	for (int i = 0; i < r; i++) {
		dim[i] = dim_elem(s, i, ix_int(-1), NULL);
		if (ix_isint(dim[i], &c) && (c < -1 || (c == 0 && copy0 && i >= x->rank))) {
			node_error(n, "dimension %d is given as %lld", i, (long long)c);
			return false;
		}
		if (copy0 && ix_is(dim[i], 0))
			dim[i] = x->dim[i];
		else if (copy0 && i < x->rank && !ix_gt0(dim[i]) && !ix_is(dim[i], -1) && dim[i] != x->dim[i])
			dim[i] = ix_addc(ix_bcast(ix_addc(dim[i], 1), ix_addc(x->dim[i], 1)), -1);
	}
	return true;
}

/* the dim given as -1: all elements over the product of the others */
static bool infer_dim(Node *n, Ix total, Ix rest, Ix *dim)
{
	int64_t r, t;

	if (ix_is(rest, 0)) {
		node_error(n, "the dimension given as -1 is not determined: others have product 0");
		return false;
	}
	if (ix_isint(rest, &r) && ix_isint(total, &t) && t % r) {
		node_error(n, "%lld elements cannot be divided by %lld", (long long)t, (long long)r);
		return false;
	}
	*dim = ix_div(total, ix_gt0(rest) ? rest : ix_max(rest, ix_int(1)));
	return true;
}

/* the dims that a shape repeats cancel: s / max(1, s) would not be known to be 1 */
static void cancel_dims(const Value *x, const Ix *dim, int r, Ix *total, Ix *rest)
{
	bool used[r + 1];

	memset(used, 0, sizeof used);
	*total = ix_int(1);
	for (int j = 0; j < x->rank; j++) {
		int i = 0;
		while (i < r && (used[i] || dim[i] != x->dim[j] || ix_isint(dim[i], &(int64_t){ 0 })))
			i++;
		if (i < r)
			used[i] = true;
		else
			*total = ix_mul(*total, x->dim[j]);
	}
	*rest = ix_int(1);
	for (int i = 0; i < r; i++)
		if (!used[i] && ix_ge0(dim[i]))
			*rest = ix_mul(*rest, dim[i]);
}

/* Where only data tells which dim is -1, each may be it: v < 0 ? inferred : v, as bcast(v + 2,
 * inferred + 2) - 2 */
void shape_reshape(Node *n)
{
	Value *x = n->in[0];
	int r = dims_len(n, n->in[1]), at = -1, open = 0;
	Ix total = value_numel(x), left = total, rest = ix_int(1), inferred = NULL, all = ix_int(1);

	if (r < 0)
		return;
	Ix dim[r + 1];
	if (!wanted_dims(n, r, dim))
		return;
	for (int i = 0; i < r; i++)
		if (!ix_ge0(dim[i])) {
			at = i;
			open++;
		}
	for (int i = 0; i < r; i++)
		if (ix_ge0(dim[i]))
			rest = ix_mul(rest, dim[i]);
		else if (open > 1)
			rest = ix_mul(rest, ix_max(dim[i], ix_mulc(dim[i], -1)));
	if (open == 1)
		cancel_dims(x, dim, r, &left, &rest);
	if (open && !infer_dim(n, left, rest, &inferred))
		return;
	for (int i = 0; i < r; i++) {
		if (open == 1 && i == at)
			dim[i] = inferred;
		else if (!ix_ge0(dim[i]))
			dim[i] = ix_addc(ix_bcast(ix_addc(dim[i], 2), ix_addc(inferred, 2)), -2);
		all = ix_mul(all, dim[i]);
	}
	if (!ix_assume_equal(total, all, node_where(n)))
		node_error(n, "%s elements cannot be given a shape of %s", ix_str(total), ix_str(all));
	else
		set_out(n, 0, x->dt, r, dim);
}

void shape_flatten(Node *n)
{
	Value *x = n->in[0];
	int64_t axis = attr_int(n, "axis", 1);

	if (axis != x->rank && !norm_axis(n, &axis, x->rank))
		return;
	Ix dim[2] = { ix_prod(x->dim, (int)axis), ix_prod(x->dim + axis, x->rank - (int)axis) };
	set_out(n, 0, x->dt, 2, dim);
}

void shape_squeeze(Node *n)
{
	Value *x = n->in[0];
	bool all = !in_opt(n, 1) && !attr_find(n, "axes");
	Ix dim[x->rank + 1], flag[x->rank + 1], one = ix_int(1);
	int count;

	if (!axes_flags(n, in_opt(n, 1), "axes", x->rank, flag, &count))
		return;
	for (int i = 0; i < x->rank; i++) {
		if (all && ix_is(x->dim[i], 1)) {
			flag[i] = one;
			count++;
		}
		Ix less = ix_mul(flag[i], ix_addc(x->dim[i], -1));
		if (ix_is(flag[i], 1) ? !ix_assume_equal(x->dim[i], one, node_where(n))
		    : !ix_assume_equal(less, ix_int(0), node_where(n))) {
			node_error(n, "dimension %d is %s, not 1", i, ix_str(x->dim[i]));
			return;
		}
	}
	dropped_dims(x->dim, flag, x->rank, dim, x->rank - count);
	set_out(n, 0, x->dt, x->rank - count, dim);
}

void shape_unsqueeze(Node *n)
{
	Value *x = n->in[0], *axes = in_opt(n, 1);
	int more = axes ? dims_len(n, axes) : 0, r = x->rank + more, count;

	if (more < 0)
		return;
	Ix dim[r + 1], flag[r + 1];
	if (!axes_flags(n, axes, NULL, r, flag, &count))
		return;
	for (int i = 0; i < r; i++)
		dim[i] = ix_max(flag[i], dropped_axis(flag, i, x->dim, x->rank));
	set_out(n, 0, x->dt, r, dim);
}

/* ---- axes */

/* perm[i]: the input axis that is output axis i */
static bool get_perm(Node *n, int rank, int *perm)
{
	int count;
	const int64_t *p = attr_ints(n, "perm", &count);
	bool seen[rank + 1];

	memset(seen, 0, sizeof seen);
	if (p && count != rank) {
		node_error(n, "perm has %d elements for an input of rank %d", count, rank);
		return false;
	}
	for (int i = 0; i < rank; i++) {
		int64_t a = p ? p[i] : rank - 1 - i;
		if (!axis_ok(n, &a, rank))
			return false;
		if (seen[a]) {
			node_error(n, "perm names axis %d twice", (int)a);
			return false;
		}
		seen[a] = true;
		perm[i] = (int)a;
	}
	return true;
}

void shape_transpose(Node *n)
{
	Value *x = n->in[0];
	int perm[x->rank + 1];
	Ix dim[x->rank + 1];

	if (!get_perm(n, x->rank, perm))
		return;
	for (int i = 0; i < x->rank; i++)
		dim[i] = x->dim[perm[i]];
	set_out(n, 0, x->dt, x->rank, dim);
}

void lower_transpose(Node *n)
{
	Value *x = n->in[0];
	int perm[x->rank + 1];
	Te *t = te_begin(n->out[0]);
	Ix ix[x->rank + 1];

	if (!get_perm(n, x->rank, perm))
		return;
	for (int i = 0; i < x->rank; i++)
		ix[perm[i]] = t->axis[i];
	end_read(n->out[0], x, ix);
}

void shape_expand(Node *n)
{
	Value *x = n->in[0], *s = n->in[1];
	int k = dims_len(n, s), r;

	if (k < 0)
		return;
	r = k > x->rank ? k : x->rank;
	Ix dim[r + 1];
	for (int i = 0; i < r; i++) {
		int a = i - r + x->rank, b = i - r + k;
		Ix want = b < 0 ? ix_int(1) : dim_elem(s, b, ix_int(0), NULL);
		Ix have = a < 0 ? ix_int(1) : x->dim[a];
		int64_t h, w;
		bool ch = ix_isint(have, &h), cw = ix_isint(want, &w);
		if (ch && cw && h != 1 && w != 1 && h != w) {
			node_error(n, "dimension %s cannot be expanded to %s", ix_str(have), ix_str(want));
			return;
		}
		if (ix_is(want, 1) || ix_equal(want, have) || (ch && h != 1))
			dim[i] = have;
		else
			dim[i] = ch || cw ? want : ix_bcast(have, want);
	}
	set_out(n, 0, x->dt, r, dim);
}

/* a dim that is not 1 only becomes itself */
static void check_expand(Node *n)
{
	Value *x = n->in[0], *s = n->in[1];
	int k = dims_len(n, s);

	for (int a = 0, b = k - x->rank; a < x->rank; a++, b++) {
		Ix want = b < 0 ? ix_int(1) : dim_elem(s, b, ix_int(0), NULL), have = x->dim[a];
		if (ix_equal(want, have))
			continue;
		te_fail(n, "check_shape", ex_bin(E_AND, ex_bin(E_NE, ex_ix(have), ex_int(DT_I64, 1)),
			ex_bin(E_AND, ex_bin(E_NE, ex_ix(want), ex_int(DT_I64, 1)), ex_bin(E_NE, ex_ix(want), ex_ix(have)))),
			ZENITH_BAD_SHAPE);
	}
}

void lower_expand(Node *n)
{
	Te *t = te_begin(n->out[0]);

	check_expand(n);
	te_end(n->out[0], te_read_bcast(n->in[0], t->axis, t->rank));
}

void shape_tile(Node *n)
{
	Value *x = n->in[0];
	Ix dim[x->rank + 1];

	if (ints_len(n, n->in[1]) != x->rank) {
		node_error(n, "repeats are not one per axis of %s", value_str(x));
		return;
	}
	for (int i = 0; i < x->rank; i++)
		dim[i] = ix_mul(x->dim[i], dim_elem(n->in[1], i, ix_int(0), NULL));
	set_out(n, 0, x->dt, x->rank, dim);
}

void lower_tile(Node *n)
{
	Value *x = n->in[0];
	Te *t = te_begin(n->out[0]);
	Ix ix[x->rank + 1];

	for (int i = 0; i < x->rank; i++) {
		if (ix_equal(x->dim[i], n->out[0]->dim[i]))
			ix[i] = t->axis[i];
		else if (ix_is(x->dim[i], 0) || ix_is(x->dim[i], 1))
			ix[i] = ix_int(0);
		else
			ix[i] = ix_mod(t->axis[i], x->dim[i]);
	}
	end_read(n->out[0], x, ix);
}

/* ---- parts */

void shape_concat(Node *n)
{
	Value *x = n->in[0];
	int64_t axis = attr_int(n, "axis", 1);
	Ix dim[x->rank + 1];

	if (!axis_ok(n, &axis, x->rank))
		return;
	memcpy(dim, x->dim, sizeof *dim * (size_t)x->rank);
	for (int i = 1; i < n->nin; i++) {
		Value *v = n->in[i];
		if (v->rank != x->rank || v->dt != x->dt) {
			node_error(n, "%s cannot be joined to %s", value_str(v), value_str(x));
			return;
		}
		for (int k = 0; k < x->rank; k++) {
			if (k == axis)
				dim[k] = ix_add(dim[k], v->dim[k]);
			else if (!ix_assume_equal(x->dim[k], v->dim[k], node_where(n))) {
				node_error(n, "%s cannot be joined to %s", value_str(v), value_str(x));
				return;
			}
		}
	}
	set_out(n, 0, x->dt, x->rank, dim);
}

typedef struct Parts { Node *n; int axis; const Ix *at; Ix *ix; } Parts;   /* at[i]: where part i begins */

/* parts lo..hi-1, by halving */
static Expr *concat_parts(const Parts *p, int lo, int hi)
{
	int mid = (lo + hi) / 2;
	Ix axis = p->ix[p->axis], before = ix_addc(ix_sub(p->at[mid], axis), -1);
	Expr *e;

	if (hi - lo == 1) {
		p->ix[p->axis] = ix_sub(axis, p->at[lo]);
		e = te_read(p->n->in[lo], p->ix, p->n->in[lo]->rank);
		p->ix[p->axis] = axis;
		return e;
	}
	e = concat_parts(p, lo, mid);
	return ex_guard(&before, 1, e, concat_parts(p, mid, hi));
}

void lower_concat(Node *n)
{
	Value *y = n->out[0];
	int64_t axis = attr_int(n, "axis", 1);
	Te *t = te_begin(y);
	Ix at[n->nin + 1], ix[y->rank + 1];

	axis_ok(n, &axis, y->rank);
	at[0] = ix_int(0);
	for (int i = 0; i < n->nin; i++)
		at[i + 1] = ix_add(at[i], n->in[i]->dim[axis]);
	memcpy(ix, t->axis, sizeof *ix * (size_t)y->rank);
	te_end(y, concat_parts(&(Parts){ n, (int)axis, at, ix }, 0, n->nin));
}

/* sizes of the parts, from the input `split` or equal (the last one smaller, or empty) */
static bool split_sizes(Node *n, Ix d, Ix *size)
{
	Value *s = in_opt(n, 1);
	Ix each, left = d, sum = ix_int(0);

	if (!s && attr_int(n, "num_outputs", n->nout) != n->nout) {
		node_unsupported(n, "num_outputs %lld with %d outputs", (long long)attr_int(n, "num_outputs", n->nout), n->nout);
		return false;
	}
	if (s && ints_len(n, s) != n->nout) {
		node_error(n, "%d outputs, but %s", n->nout, value_str(s));
		return false;
	}
	each = s ? NULL : ix_cdiv(d, ix_int(n->nout));
	for (int i = 0; i < n->nout; i++) {
		size[i] = s ? dim_elem(s, i, ix_int(0), d) : ix_max(ix_int(0), ix_min(each, left));
		left = ix_sub(left, size[i]);
		sum = ix_add(sum, size[i]);
	}
	if (s && !ix_assume_equal(sum, d, node_where(n))) {
		node_error(n, "parts of %s in all, of a dimension of %s", ix_str(sum), ix_str(d));
		return false;
	}
	return true;
}

void shape_split(Node *n)
{
	Value *x = n->in[0];
	int64_t axis = attr_int(n, "axis", 0);
	Ix dim[x->rank + 1], size[n->nout + 1];

	if (!axis_ok(n, &axis, x->rank) || !split_sizes(n, x->dim[axis], size))
		return;
	memcpy(dim, x->dim, sizeof *dim * (size_t)x->rank);
	for (int i = 0; i < n->nout; i++) {
		dim[axis] = size[i];
		set_out(n, i, x->dt, x->rank, dim);
	}
}

void lower_split(Node *n)
{
	Value *x = n->in[0];
	int64_t axis = attr_int(n, "axis", 0);
	Ix at = ix_int(0), size[n->nout + 1], ix[x->rank + 1];

	if (!axis_ok(n, &axis, x->rank) || !split_sizes(n, x->dim[axis], size))
		return;
	for (int i = 0; i < n->nout; i++) {
		if (out_wanted(n, i)) {
			Te *t = te_begin(n->out[i]);
			memcpy(ix, t->axis, sizeof *ix * (size_t)x->rank);
			ix[axis] = ix_add(ix[axis], at);
			end_read(n->out[i], x, ix);
		}
		at = ix_add(at, size[i]);
	}
}

/* ---- Slice */

typedef struct Range { Ix start, end, step, len; } Range;

/* An end of a slice as written (negative: from the back), clamped to [lo, hi] */
static Ix clamp_end(Ix x, Ix d, Ix lo, Ix hi)
{
	int64_t c;

	if (ix_isint(x, &c) && (c > INT64_C(1) << 40 || c < -(INT64_C(1) << 40)))
		return c > 0 ? hi : lo;
	if (ix_ge0(x))
		return ix_ge0(lo) ? ix_min(x, hi) : ix_max(lo, ix_min(x, hi));
	if (!ix_lt0(x))
		x = ix_max(x, ix_addc(ix_mulc(d, -1), -1));
	return ix_max(lo, ix_min(ix_add(x, ix_mul(is_neg01(x), d)), hi));
}

/* r as written becomes r as it is. Going backwards, positions end at -1 instead of d; of nothing they begin there */
static void slice_axis(Ix d, Range *r)
{
	Ix zero = ix_int(0), neg = is_neg01(r->step), span;
	Ix lo = ix_mulc(neg, -1), hi = ix_sub(d, neg);
	int64_t step;

	r->start = clamp_end(r->start, d, ix_min(zero, hi), hi);
	r->end = clamp_end(r->end, d, lo, hi);
	if (ix_isint(r->step, &step)) {
		span = step > 0 ? ix_sub(r->end, r->start) : ix_sub(r->start, r->end);
		r->len = ix_max(zero, ix_cdiv(span, ix_int(step > 0 ? step : -step)));
		return;
	}
	span = ix_mul(ix_sub(r->end, r->start), ix_sub(ix_int(1), ix_mulc(neg, 2)));
	r->len = ix_max(zero, ix_cdiv(span, ix_max(ix_int(1), ix_max(r->step, ix_mulc(r->step, -1)))));
}

/* element i of a Slice's input k; without it, dflt */
static Ix slice_elem(Node *n, int k, int i, Ix dflt)
{
	return in_opt(n, k) ? dim_elem(n->in[k], i, ix_int(-FAR), ix_int(FAR)) : dflt;
}

/* the ends and step given for `axis`: added to the axis that it is, flagged so */
static bool slice_given(Node *n, int i, Range *r, Ix *any)
{
	int rank = n->in[0]->rank;
	Ix axis = slice_elem(n, 3, i, ix_int(i)), step = slice_elem(n, 4, i, ix_int(1)), flag;
	Ix start = slice_elem(n, 1, i, NULL), end = slice_elem(n, 2, i, NULL);
	int64_t c;

	if (ix_isint(step, &c) && (c == 0 || c == INT64_MIN)) {
		node_error(n, "a step of %lld", (long long)c);
		return false;
	}
	if (ix_isint(axis, &c)) {
		if (!axis_ok(n, &c, rank))
			return false;
		r[c] = (Range){ start, end, step, NULL };
		any[c] = ix_int(1);
		return true;
	}
	for (int k = 0; k < rank; k++) {
		flag = ix_add(is_equal01(axis, ix_int(k)), is_equal01(axis, ix_int(k - rank)));
		any[k] = ix_add(any[k], flag);
		r[k].start = ix_add(r[k].start, ix_mul(flag, start));
		r[k].end = ix_add(r[k].end, ix_mul(flag, end));
		r[k].step = ix_add(r[k].step, ix_mul(flag, ix_addc(step, -1)));
	}
	return true;
}

/* per input axis */
static bool slice_ranges(Node *n, Range *r)
{
	Value *x = n->in[0];
	int k = dims_len(n, n->in[1]);
	Ix any[x->rank + 1], zero = ix_int(0);

	if (k < 0)
		return false;
	for (int i = 0; i < x->rank; i++) {
		r[i] = (Range){ zero, zero, ix_int(1), NULL };
		any[i] = zero;
	}
	for (int i = 0; i < k; i++)
		if (!slice_given(n, i, r, any))
			return false;
	for (int i = 0; i < x->rank; i++) {
		r[i].end = ix_add(r[i].end, ix_mul(ix_sub(ix_int(1), any[i]), x->dim[i]));
		slice_axis(x->dim[i], &r[i]);
	}
	return true;
}

void shape_slice(Node *n)
{
	Value *x = n->in[0];
	Range r[x->rank + 1];
	Ix dim[x->rank + 1];

	if (!slice_ranges(n, r))
		return;
	for (int i = 0; i < x->rank; i++)
		dim[i] = r[i].len;
	set_out(n, 0, x->dt, x->rank, dim);
}

void lower_slice(Node *n)
{
	Value *x = n->in[0];
	Range r[x->rank + 1];
	Te *t = te_begin(n->out[0]);
	Ix ix[x->rank + 1];

	if (!slice_ranges(n, r))
		return;
	for (int i = 0; i < x->rank; i++)
		te_fail(n, "check_step", ex_bin(E_EQ, ex_ix(r[i].step), ex_int(DT_I64, 0)), ZENITH_BAD_DATA);
	for (int i = 0; i < x->rank; i++)
		ix[i] = ix_add(r[i].start, ix_mul(t->axis[i], r[i].step));
	end_read(n->out[0], x, ix);
}

/* ---- depth and space */

/* mode DCR: depth is block row, block column, channel; CRD: channel, block row, block column */
static bool blocks(Node *n, int64_t *b, bool *crd)
{
	*b = attr_int(n, "blocksize", 0);
	*crd = !strcmp(attr_str(n, "mode", "DCR"), "CRD");
	if (*b > INT32_MAX)
		*b = 0;
	if (*b <= 0 || n->in[0]->rank != 4)
		node_error(n, "blocksize %lld of %s", (long long)*b, value_str(n->in[0]));
	return *b > 0 && n->in[0]->rank == 4;
}

static Ix block_channel(bool crd, int64_t b, Ix c, Ix nc, Ix row, Ix col)
{
	Ix in = ix_add(ix_mulc(row, b), col);

	return crd ? ix_add(ix_mulc(c, b * b), in) : ix_add(ix_mul(in, nc), c);
}

void shape_depth_to_space(Node *n)
{
	Ix *d = n->in[0]->dim;
	int64_t b;
	bool crd;

	if (!blocks(n, &b, &crd))
		return;
	Ix dim[4] = { d[0], ix_div(d[1], ix_int(b * b)), ix_mulc(d[2], b), ix_mulc(d[3], b) };
	set_out(n, 0, n->in[0]->dt, 4, dim);
}

void lower_depth_to_space(Node *n)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);
	int64_t b;
	bool crd;

	if (!blocks(n, &b, &crd))
		return;
	Ix k = ix_int(b), row = ix_mod(t->axis[2], k), col = ix_mod(t->axis[3], k);
	Ix ix[4] = { t->axis[0], block_channel(crd, b, t->axis[1], y->dim[1], row, col),
		ix_div(t->axis[2], k), ix_div(t->axis[3], k) };
	end_read(y, n->in[0], ix);
}

void shape_space_to_depth(Node *n)
{
	Ix *d = n->in[0]->dim;
	int64_t b;
	bool crd;

	if (!blocks(n, &b, &crd))
		return;
	Ix dim[4] = { d[0], ix_mulc(d[1], b * b), ix_div(d[2], ix_int(b)), ix_div(d[3], ix_int(b)) };
	set_out(n, 0, n->in[0]->dt, 4, dim);
}

void lower_space_to_depth(Node *n)
{
	Value *x = n->in[0];
	Te *t = te_begin(n->out[0]);
	int64_t b;
	bool crd;

	if (!blocks(n, &b, &crd))
		return;
	Ix k = ix_int(b), nc = crd ? ix_int(b * b) : x->dim[1];
	Ix hi = ix_div(t->axis[1], nc), lo = ix_mod(t->axis[1], nc);
	Ix c = crd ? hi : lo, in = crd ? lo : hi;
	Ix ix[4] = { t->axis[0], c, ix_add(ix_mulc(t->axis[2], b), ix_div(in, k)),
		ix_add(ix_mulc(t->axis[3], b), ix_mod(in, k)) };
	end_read(n->out[0], x, ix);
}
