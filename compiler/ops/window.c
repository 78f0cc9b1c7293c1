#include "window.h"

bool win_attr(Node *n, const char *name, int want, int64_t dflt, int64_t least, int64_t *to)
{
	int cnt;
	const int64_t *a = attr_ints(n, name, &cnt);

	for (int i = 0; i < want; i++)
		to[i] = dflt;
	if (!a || cnt == 0)
		return true;
	if (cnt != want) {
		node_error(n, "attribute %s has %d elements, expected %d", name, cnt, want);
		return false;
	}
	for (int i = 0; i < want; i++) {
		to[i] = a[i];
		if (a[i] < least || a[i] > INT32_MAX) {
			node_error(n, "attribute %s has the element %lld", name, (long long)a[i]);
			return false;
		}
	}
	return true;
}

bool win_kernel(Node *n, int want, Ix *size)
{
	int64_t k[WMAX];

	if (!attr_find(n, "kernel_shape")) {
		node_error(n, "attribute kernel_shape is missing");
		return false;
	}
	if (want > WMAX || !win_attr(n, "kernel_shape", want, 1, 1, k))
		return false;
	for (int i = 0; i < want; i++)
		size[i] = ix_int(k[i]);
	return true;
}

/* SAME_UPPER and SAME_LOWER: as many outputs as strides fit, padding split evenly, the odd one after or
 * before */
static void same(Win *w, int i, bool upper)
{
	Ix span = ix_addc(ix_mulc(ix_addc(w->size[i], -1), w->dil[i]), 1), total, half;

	w->out[i] = ix_cdiv(w->in[i], ix_int(w->stride[i]));
	total = ix_sub(ix_add(ix_mulc(ix_addc(w->out[i], -1), w->stride[i]), span), w->in[i]);
	total = ix_max(total, ix_int(0));
	half = ix_div(upper ? total : ix_addc(total, 1), ix_int(2));
	w->pad0[i] = half;
	w->pad1[i] = ix_sub(total, half);
}

/* with ceil_mode the last window may reach beyond the padding, but must start before its end */
static void explicit_pads(Win *w, int i, bool ceil)
{
	Ix span = ix_addc(ix_mulc(ix_addc(w->size[i], -1), w->dil[i]), 1), s = ix_int(w->stride[i]);
	Ix room = ix_sub(ix_add(ix_add(w->in[i], w->pad0[i]), w->pad1[i]), span);

	if (!ceil || w->stride[i] == 1)
		w->out[i] = ix_addc(ix_div(room, s), 1);
	else
		w->out[i] = ix_addc(ix_min(ix_cdiv(room, s),
			ix_div(ix_addc(ix_add(w->in[i], w->pad0[i]), -1), s)), 1);
}

bool win_get(Node *n, const Value *x, const Ix *size, bool ceil, Win *w)
{
	int64_t pad[2 * WMAX], v;
	const char *mode = attr_str(n, "auto_pad", "NOTSET");
	int nd = x->rank - 2;

	if (nd < 1 || nd > WMAX) {
		node_error(n, "input has rank %d, expected at least 3", x->rank);
		return false;
	}
	if (!win_attr(n, "strides", nd, 1, 1, w->stride) || !win_attr(n, "dilations", nd, 1, 1, w->dil) ||
	    !win_attr(n, "pads", 2 * nd, 0, -INT32_MAX, pad))
		return false;
	w->n = nd;
	for (int i = 0; i < nd; i++) {
		w->in[i] = x->dim[2 + i];
		w->size[i] = size[i];
		w->pad0[i] = ix_int(pad[i]);
		w->pad1[i] = ix_int(pad[nd + i]);
		if (!strcmp(mode, "VALID"))
			w->pad0[i] = w->pad1[i] = ix_int(0);
		if (!strcmp(mode, "SAME_UPPER") || !strcmp(mode, "SAME_LOWER"))
			same(w, i, !strcmp(mode, "SAME_UPPER"));
		else if (!strcmp(mode, "NOTSET") || !strcmp(mode, "VALID") || !*mode)
			explicit_pads(w, i, ceil);
		else {
			node_error(n, "attribute auto_pad is '%s'", quoted(mode));
			return false;
		}
		if (ix_isint(w->out[i], &v) && v < 0) {
			node_error(n, "the window %s does not fit into the padded axis %d", ix_str(size[i]),
				2 + i);
			return false;
		}
	}
	return true;
}

Ix win_pos(const Win *w, int i, Ix o, Ix k)
{
	return ix_sub(ix_add(ix_mulc(o, w->stride[i]), ix_mulc(k, w->dil[i])), w->pad0[i]);
}

void win_vars(Node *n, int nd, const Ix *ext, Ix *var, Ix *red, int *nred)
{
	for (int i = 0; i < nd; i++)
		var[i] = red_var(n, ext[i], red, nred);
}

int win_inside(const Win *w, const Ix *pos, Ix *cond)
{
	int nc = 0;

	for (int i = 0; i < w->n; i++) {
		cond[nc++] = pos[i];
		cond[nc++] = ix_addc(ix_sub(w->in[i], pos[i]), -1);
	}
	return nc;
}

Expr *interpolate(bool cubic, double a, Expr *d)
{
	Expr *d2, *d3, *near, *far;
#define K(v) ex_float(d->dt, v)

	if (!cubic)
		return ex_bin(E_MAX, K(0), ex_bin(E_SUB, K(1), d));
	d2 = ex_bin(E_MUL, d, d);
	d3 = ex_bin(E_MUL, d2, d);
	near = ex_bin(E_SUB, ex_bin(E_MUL, K(a + 2), d3), ex_bin(E_MUL, K(a + 3), d2));
	near = ex_bin(E_ADD, near, K(1));
	far = ex_bin(E_SUB, ex_bin(E_MUL, K(a), d3), ex_bin(E_MUL, K(5 * a), d2));
	far = ex_bin(E_SUB, ex_bin(E_ADD, far, ex_bin(E_MUL, K(8 * a), d)), K(4 * a));
#undef K
	far = ex_select(ex_bin(E_LT, d, ex_float(d->dt, 2)), far, ex_float(d->dt, 0));
	return ex_select(ex_bin(E_LE, d, ex_float(d->dt, 1)), near, far);
}

DType acc_dtype(DType dt)
{
	return dt == DT_F16 || dt == DT_BF16 ? DT_F32 : dt;
}

Expr *acc_cast(Expr *e)
{
	return ex_cast(acc_dtype(e->dt), e);
}

Ix red_var(Node *n, Ix ext, Ix *red, int *nred)
{
	if (ix_is(ext, 1))
		return ix_int(0);
	return red[(*nred)++] = te_var(n, ext);
}

Expr *red_sum(const Ix *red, int nred, Expr *e)
{
	return nred ? ex_reduce(R_SUM, red, nred, e) : e;
}

/* y[o] takes x[i] * w[k] wherever o + pad0 = i*stride + k*dil. Without dilation only every stride-th k
 * counts: k = (o + pad0) mod stride + j*stride, i = floordiv(o + pad0, stride) - j. In general k runs over
 * all taps and those that do not divide are guarded away. */
void win_back(Node *n, const Win *win, int i, Ix o, Ix *xi, Ix *wi, Ix *cond, int *nc, Ix *red, int *nred)
{
	Ix p = ix_add(o, win->pad0[i]), s = ix_int(win->stride[i]), rest;

	if (win->dil[i] == 1) {
		Ix j = red_var(n, ix_cdiv(win->size[i], s), red, nred);
		*xi = ix_sub(ix_div(p, s), j);
		*wi = ix_add(ix_mod(p, s), ix_mul(j, s));
		cond[(*nc)++] = ix_addc(ix_sub(win->size[i], *wi), -1);
	} else {
		*wi = red_var(n, win->size[i], red, nred);
		rest = ix_sub(p, ix_mulc(*wi, win->dil[i]));
		*xi = ix_div(rest, s);
		cond[(*nc)++] = ix_sub(ix_int(0), ix_mod(rest, s));
	}
	cond[(*nc)++] = *xi;
	cond[(*nc)++] = ix_addc(ix_sub(win->in[i], *xi), -1);
}

Ix data_dim(Node *n, int o, int axis, Ix lo, Ix hi)
{
	const IxAtom *a;
	Value *v = o < n->nout ? n->out[o] : NULL;

	if (v && v->rank > axis && v->dim && v->dim[axis]) {
		a = ix_atom(v->dim[axis]);
		if (a && a->kind == IX_SYM && !a->name)
			return v->dim[axis];
	}
	return ix_sym(NULL, lo, hi);
}

void data_dim_is(Node *n, Ix dim, Value *count)
{
	const IxAtom *a = ix_atom(dim);

	if (a && a->kind == IX_SYM && !a->name)
		sym_bind(n->graph->model, dim, count, 0);
}

Value *out_or_temp(Node *n, int o, const char *name, DType dt, int rank, const Ix *dim)
{
	return out_wanted(n, o) ? n->out[o] : te_temp(n, name, dt, rank, dim);
}
