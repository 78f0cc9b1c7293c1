/* Pooling over windows and over everything. Padding takes no part, unless count_include_pad. */
#include "window.h"
#include "quant.h"
#include <math.h>

static bool pool_get(Node *n, Win *w)
{
	Ix size[WMAX];
	Value *x = n->in[0];

	return win_kernel(n, x->rank - 2, size) && win_get(n, x, size, attr_int(n, "ceil_mode", 0) != 0, w);
}

static void pool_shape(Node *n, bool index)
{
	Value *x = n->in[0];
	Win w;
	Ix dim[2 + WMAX];

	if (x->rank < 3 || !pool_get(n, &w))
		return;
	dim[0] = x->dim[0];
	dim[1] = x->dim[1];
	memcpy(dim + 2, w.out, sizeof(Ix) * (size_t)w.n);
	set_out(n, 0, x->dt, x->rank, dim);
	if (index && out_wanted(n, 1))
		set_out(n, 1, DT_I64, x->rank, dim);
}

void shape_pool(Node *n)
{
	pool_shape(n, false);
}

void shape_max_pool(Node *n)
{
	pool_shape(n, true);
}

/* the positions of the window of output element `axis`, over fresh variables */
static void window(Node *n, const Win *w, const Ix *axis, Ix *at, Ix *red, int *nred)
{
	Ix k[WMAX];

	*nred = 0;
	win_vars(n, w->n, w->size, k, red, nred);
	at[0] = axis[0];
	at[1] = axis[1];
	for (int i = 0; i < w->n; i++)
		at[2 + i] = win_pos(w, i, axis[2 + i], k[i]);
}

static Expr *window_read(Value *x, const Ix *at, Expr *fill)
{
	unsigned char check[2 + WMAX];

	memset(check, 1, sizeof check);
	check[0] = check[1] = 0;
	return te_read_box(x, at, x->rank, check, fill);
}

static Expr *least(DType dt)
{
	double lo, hi;

	if (dt_float(dt))
		return ex_float(dt, -INFINITY);
	if (dt == DT_I64)
		return ex_int(dt, INT64_MIN);
	return quant_range(dt, &lo, &hi) ? ex_float(dt, lo) : ex_int(dt, 0);
}

/* index of the first maximum in the whole of x, rows first or (storage_order 1) columns first */
static void lower_max_index(Node *n, const Win *w, Value *max)
{
	Value *x = n->in[0], *y = n->out[1];
	Te *t = te_begin(y);
	Ix at[2 + WMAX], red[WMAX], cond[2 * WMAX], flat, order = ix_int(0), p, step = ix_int(1);
	int nred, nc;
	Expr *e, *none = ex_int(DT_I64, INT64_MAX);

	window(n, w, t->axis, at, red, &nred);
	nc = win_inside(w, at + 2, cond);
	flat = at[2];
	for (int i = 1; i < w->n; i++)
		flat = ix_add(ix_mul(flat, w->in[i]), at[2 + i]);
	e = ex_bin(E_EQ, te_read(x, at, x->rank), te_read(max, t->axis, x->rank));
	e = ex_guard(cond, nc, ex_select(e, ex_ix(flat), none), none);
	if (nred)
		e = ex_reduce(R_MIN, red, nred, e);
	p = ex_as_ix(e, ix_int(0), NULL);
	if (attr_int(n, "storage_order", 0)) {
		Ix rest = p, part[WMAX];
		for (int i = w->n - 1; i >= 0; i--) {
			part[i] = ix_mod(rest, w->in[i]);
			rest = ix_div(rest, w->in[i]);
		}
		for (int i = 0; i < w->n; i++) {
			order = ix_add(order, ix_mul(part[i], step));
			step = ix_mul(step, w->in[i]);
		}
		p = order;
	}
	flat = ix_add(ix_mul(t->axis[0], x->dim[1]), t->axis[1]);
	te_end(y, ex_ix(ix_add(ix_mul(flat, ix_prod(w->in, w->n)), p)));
}

void lower_max_pool(Node *n)
{
	Value *x = n->in[0], *y = out_wanted(n, 0) ? n->out[0] : NULL;
	Win w;
	Ix at[2 + WMAX], red[WMAX];
	int nred;
	Te *t;
	Expr *e;

	if (!pool_get(n, &w))
		return;
	if (!y)
		y = te_temp(n, "max", x->dt, x->rank, n->out[1]->dim);
	t = te_begin(y);
	window(n, &w, t->axis, at, red, &nred);
	e = window_read(x, at, least(x->dt));
	te_end(y, nred ? ex_reduce(R_MAX, red, nred, e) : e);
	if (out_wanted(n, 1))
		lower_max_index(n, &w, y);
}

/* how many of the window's positions on axis i lie in the input, or in the padded input */
static Ix axis_count(const Win *w, int i, Ix o, bool padded)
{
	Ix lo = padded ? ix_sub(ix_int(0), w->pad0[i]) : ix_int(0), d = ix_int(w->dil[i]),
		last = ix_addc(w->size[i], -1);
	Ix hi = padded ? ix_add(w->in[i], w->pad1[i]) : w->in[i], from = win_pos(w, i, o, ix_int(0)), k0, k1;

	k0 = ix_max(ix_int(0), ix_cdiv(ix_sub(lo, from), d));
	k1 = ix_min(last, ix_div(ix_addc(ix_sub(hi, from), -1), d));
	if (ix_ge(from, lo) && ix_ge(ix_addc(hi, -1), win_pos(w, i, o, last)))
		return w->size[i];
	return ix_addc(ix_sub(k1, k0), 1);
}

static Expr *window_count(Node *n, const Win *w, const Ix *axis, DType dt)
{
	bool padded = attr_int(n, "count_include_pad", 0) != 0;
	Ix c = ix_int(1);

	for (int i = 0; i < w->n; i++)
		c = ix_mul(c, axis_count(w, i, axis[2 + i], padded));
	return ex_cast(dt, ex_ix(c));
}

void lower_average_pool(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);
	Win w;
	Ix at[2 + WMAX], red[WMAX];
	int nred;
	Expr *e;

	if (!pool_get(n, &w))
		return;
	window(n, &w, t->axis, at, red, &nred);
	e = red_sum(red, nred, acc_cast(window_read(x, at, ex_int(x->dt, 0))));
	te_end(y, ex_cast(y->dt, ex_bin(E_DIV, e, window_count(n, &w, t->axis, e->dt))));
}

/* com.microsoft: dequantised to float32, averaged, quantised: x, x_scale, x_zero, y_scale, y_zero */
void shape_ms_qlinear_average_pool(Node *n)
{
	if (bytes_in(n, "bszsz"))
		pool_shape(n, false);
}

void lower_ms_qlinear_average_pool(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *xz = in_opt(n, 2), *yz = in_opt(n, 4);
	Te *t = te_begin(y);
	Win w;
	Ix at[2 + WMAX], red[WMAX];
	int nred;
	Expr *e, *z = xz ? te_scalar(xz) : ex_int(x->dt, 0);

	if (!pool_get(n, &w))
		return;
	window(n, &w, t->axis, at, red, &nred);
	e = ex_bin(E_SUB, ex_cast(DT_I32, window_read(x, at, z)), ex_cast(DT_I32, z));
	e = ex_bin(E_MUL, ex_cast(DT_F32, red_sum(red, nred, e)), te_scalar(n->in[1]));
	e = ex_bin(E_DIV, e, window_count(n, &w, t->axis, DT_F32));
	e = ex_bin(E_DIV, e, te_scalar(n->in[3]));
	te_end(y, quant_round(e, yz ? te_scalar(yz) : NULL, y->dt));
}

/* (sum |x|^p)^(1/p) */
static Expr *power_sum(Expr *x, int64_t p, const Ix *red, int nred)
{
	Expr *e = ex_un(E_ABS, acc_cast(x));

	if (p == 2)
		e = ex_bin(E_MUL, e, e);
	else if (p != 1)
		e = ex_bin(E_POW, e, ex_float(e->dt, (double)p));
	e = red_sum(red, nred, e);
	if (p == 2)
		return ex_un(E_SQRT, e);
	return p == 1 ? e : ex_bin(E_POW, e, ex_float(e->dt, 1.0 / (double)p));
}

void lower_lp_pool(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);
	Win w;
	Ix at[2 + WMAX], red[WMAX];
	int nred;

	if (!pool_get(n, &w))
		return;
	window(n, &w, t->axis, at, red, &nred);
	te_end(y, ex_cast(y->dt, power_sum(window_read(x, at, ex_int(x->dt, 0)), attr_int(n, "p", 2), red,
		nred)));
}

/* Global pooling keeps the spatial axes, of size 1. */
void shape_global_pool(Node *n)
{
	Value *x = n->in[0];
	Ix dim[2 + WMAX];

	if (x->rank < 2 || x->rank > WMAX) {
		node_error(n, "input has rank %d", x->rank);
		return;
	}
	for (int i = 0; i < x->rank; i++)
		dim[i] = i < 2 ? x->dim[i] : ix_int(1);
	set_out(n, 0, x->dt, x->rank, dim);
}

static Expr *everything(Node *n, const Te *t, Ix *red, int *nred)
{
	Value *x = n->in[0];
	Ix at[2 + WMAX];

	*nred = 0;
	at[0] = t->axis[0];
	at[1] = t->axis[1];
	win_vars(n, x->rank - 2, x->dim + 2, at + 2, red, nred);
	return te_read(x, at, x->rank);
}

void lower_global_average_pool(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);
	Ix red[WMAX];
	int nred;
	Expr *e = everything(n, t, red, &nred);

	e = red_sum(red, nred, acc_cast(e));
	e = ex_bin(E_DIV, e, ex_cast(e->dt, ex_ix(ix_prod(x->dim + 2, x->rank - 2))));
	te_end(y, ex_cast(y->dt, e));
}

void lower_global_max_pool(Node *n)
{
	Te *t = te_begin(n->out[0]);
	Ix red[WMAX];
	int nred;
	Expr *e = everything(n, t, red, &nred);

	te_end(n->out[0], nred ? ex_reduce(R_MAX, red, nred, e) : e);
}

void lower_global_lp_pool(Node *n)
{
	Te *t = te_begin(n->out[0]);
	Ix red[WMAX];
	int nred;
	Expr *e = everything(n, t, red, &nred);

	te_end(n->out[0], ex_cast(n->out[0]->dt, power_sum(e, attr_int(n, "p", 2), red, nred)));
}
