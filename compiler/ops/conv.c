/* Convolutions: float, integer, quantised, transposed. x is [N, C, spatial...], w [M, C/group,
 * spatial...]. */
#include "window.h"
#include "quant.h"

/* checks the operands and gives geometry and groups */
static bool conv_get(Node *n, const Value *x, const Value *w, Win *win, int64_t *group)
{
	int64_t g = attr_int(n, "group", 1), m;

	if (w->rank != x->rank || x->rank < 3) {
		node_error(n, "the weight has rank %d, the input %d", w->rank, x->rank);
		return false;
	}
	if (g < 1 || (ix_isint(w->dim[0], &m) && m % g)) {
		node_error(n, "group %lld does not divide the %s output channels", (long long)g,
			ix_str(w->dim[0]));
		return false;
	}
	if (!in_parts(n, w->dim[0], ix_int(g), "groups of output channels"))
		return false;
	if (!ix_assume_equal(x->dim[1], ix_mulc(w->dim[1], g), "channels of a convolution")) {
		node_error(n, "the input has %s channels, the weight wants %s in each of %lld groups",
		           ix_str(x->dim[1]), ix_str(w->dim[1]), (long long)g);
		return false;
	}
	*group = g;
	return win_get(n, x, w->dim + 2, false, win);
}

/* inputs ix and iw; bias: the input that is one, param: those with an element for each output channel, or one */
static void conv_shape(Node *n, int ix, int iw, int bias, const int param[2], DType dt)
{
	Value *x = n->in[ix], *w = n->in[iw];
	Win win;
	int64_t g;
	Ix dim[2 + WMAX];

	if (!conv_get(n, x, w, &win, &g) || !in_vector(n, bias, w->dim[0], false))
		return;
	for (int i = 0; i < 2; i++)
		if (param[i] >= 0 && !in_vector(n, param[i], w->dim[0], true))
			return;
	dim[0] = x->dim[0];
	dim[1] = w->dim[0];
	memcpy(dim + 2, win.out, sizeof(Ix) * (size_t)win.n);
	set_out(n, 0, dt, x->rank, dim);
}

void shape_conv(Node *n)
{
	conv_shape(n, 0, 1, 2, (int[]){ -1, -1 }, n->in[0]->dt);
}

void shape_conv_integer(Node *n)
{
	conv_shape(n, 0, 1, n->nin, (int[]){ 3, -1 }, DT_I32);
}

void shape_qlinear_conv(Node *n)
{
	conv_shape(n, 0, 3, 8, (int[]){ 4, 5 }, n->in[7]->dt);
}

/* operand e, an integer, as i32 less its zero point (scalar, or one per index c; NULL: none) */
static Expr *less_zero(Expr *e, Value *zp, Ix c)
{
	e = ex_cast(DT_I32, e);
	return zp ? ex_bin(E_SUB, e, ex_cast(DT_I32, quant_param(zp, c))) : e;
}

/* the sum of a convolution at output axes `axis`; zero points make it an integer one */
static Expr *conv_sum(Node *n, Value *x, Value *w, const Ix *axis, bool integer, Value *xzp, Value *wzp)
{
	Win win;
	int64_t g;
	Ix xi[2 + WMAX], wi[2 + WMAX], red[1 + WMAX], k[WMAX], c;
	Ix cond[2 * WMAX];
	int nred = 0;
	Expr *a, *b;

	if (!conv_get(n, x, w, &win, &g))
		return NULL;
	c = red_var(n, w->dim[1], red, &nred);
	win_vars(n, win.n, win.size, k, red, &nred);
	xi[0] = axis[0];
	xi[1] = c;
	if (g > 1)
		xi[1] = ix_add(c, ix_mul(ix_div(axis[1], ix_div(w->dim[0], ix_int(g))), w->dim[1]));
	wi[0] = axis[1];
	wi[1] = c;
	for (int i = 0; i < win.n; i++) {
		xi[2 + i] = win_pos(&win, i, axis[2 + i], k[i]);
		wi[2 + i] = k[i];
		cond[2 * i] = xi[2 + i];
		cond[2 * i + 1] = ix_addc(ix_sub(x->dim[2 + i], xi[2 + i]), -1);
	}
	a = te_read(x, xi, x->rank);
	b = te_read(w, wi, w->rank);
	if (integer) {
		a = less_zero(a, xzp, NULL);
		b = less_zero(b, wzp, axis[1]);
	}
	a = ex_guard(cond, 2 * win.n, a, ex_int(a->dt, 0));      /* the padding of x is its zero point */
	return red_sum(red, nred, ex_bin(E_MUL, acc_cast(a), acc_cast(b)));
}

void lower_conv(Node *n)
{
	Value *y = n->out[0], *b = in_opt(n, 2);
	Te *t = te_begin(y);
	Expr *e = conv_sum(n, n->in[0], n->in[1], t->axis, false, NULL, NULL);

	if (!e)
		return;
	if (b)
		e = ex_bin(E_ADD, e, acc_cast(te_read(b, &t->axis[1], 1)));
	te_end(y, ex_cast(y->dt, e));
}

void lower_conv_integer(Node *n)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);
	Expr *e = conv_sum(n, n->in[0], n->in[1], t->axis, true, in_opt(n, 2), in_opt(n, 3));

	if (e)
		te_end(y, e);
}

/* x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias; as ONNX Runtime: one float32 factor per
 * channel */
void lower_qlinear_conv(Node *n)
{
	Value *y = n->out[0], *b = in_opt(n, 8);
	Te *t = te_begin(y);
	Expr *e = conv_sum(n, n->in[0], n->in[3], t->axis, true, n->in[2], n->in[5]), *s;

	if (!e)
		return;
	if (b)
		e = ex_bin(E_ADD, e, te_read(b, &t->axis[1], 1));
	s = ex_bin(E_MUL, quant_param(n->in[1], NULL), quant_param(n->in[4], t->axis[1]));
	s = ex_bin(E_DIV, s, quant_param(n->in[6], NULL));
	te_end(y, quant_round(ex_bin(E_MUL, ex_cast(DT_F32, e), s), quant_param(n->in[7], NULL), y->dt));
}

bool conv_transpose_get(Node *n, Win *win, int64_t *group)
{
	const Value *x = n->in[0], *w = n->in[1];
	const char *mode = attr_str(n, "auto_pad", "NOTSET");
	int64_t pad[2 * WMAX], extra[WMAX], shape[WMAX];
	int nd = win->n = x->rank - 2, given;
	bool upper = !strcmp(mode, "SAME_UPPER"), same = upper || !strcmp(mode, "SAME_LOWER");

	*group = attr_int(n, "group", 1);
	if (nd < 1 || nd > WMAX || w->rank != x->rank || *group < 1) {
		node_error(n, "ranks %d and %d with group %lld", x->rank, w->rank, (long long)*group);
		return false;
	}
	if (!ix_assume_equal(x->dim[1], w->dim[0], "channels of a transposed convolution")) {
		node_error(n, "the input has %s channels, the weight %s", ix_str(x->dim[1]),
			ix_str(w->dim[0]));
		return false;
	}
	if (!in_parts(n, w->dim[0], ix_int(*group), "groups of channels"))
		return false;
	if (attr_ints(n, "output_shape", &given) && given > nd)
		given = -1;
	if (!win_attr(n, "strides", nd, 1, 1, win->stride) || !win_attr(n, "dilations", nd, 1, 1, win->dil) ||
	    !win_attr(n, "pads", 2 * nd, 0, -INT32_MAX, pad) ||
		!win_attr(n, "output_padding", nd, 0, 0, extra) ||
	    (given > 0 && !win_attr(n, "output_shape", nd, 0, 0, shape)))
		return false;
	if (given < 0) {
		node_unsupported(n, "output_shape with more elements than spatial axes");
		return false;
	}
	for (int i = 0; i < nd; i++) {
		Ix total, full;

		win->in[i] = x->dim[2 + i];
		win->size[i] = w->dim[2 + i];
		full = ix_mulc(ix_addc(win->in[i], -1), win->stride[i]);
		full = ix_add(full, ix_addc(ix_mulc(ix_addc(win->size[i], -1), win->dil[i]), 1 + extra[i]));
		win->pad0[i] = ix_int(strcmp(mode, "VALID") ? pad[i] : 0);
		win->pad1[i] = ix_int(strcmp(mode, "VALID") ? pad[nd + i] : 0);
		win->out[i] = ix_sub(ix_sub(full, win->pad0[i]), win->pad1[i]);
		if (!given && !same)
			continue;
		win->out[i] = given ? ix_int(shape[i]) : ix_mulc(win->in[i], win->stride[i]);
		total = ix_max(ix_sub(full, win->out[i]), ix_int(0));
		win->pad0[i] = upper ? ix_div(total, ix_int(2)) : ix_cdiv(total, ix_int(2));
		win->pad1[i] = ix_sub(total, win->pad0[i]);
	}
	return true;
}

void shape_conv_transpose(Node *n)
{
	Value *x = n->in[0], *w = n->in[1];
	Win win;
	int64_t g;
	Ix dim[2 + WMAX];

	if (!conv_transpose_get(n, &win, &g) || !in_vector(n, 2, ix_mulc(w->dim[1], g), false))
		return;
	dim[0] = x->dim[0];
	dim[1] = ix_mulc(w->dim[1], g);
	memcpy(dim + 2, win.out, sizeof(Ix) * (size_t)win.n);
	set_out(n, 0, x->dt, x->rank, dim);
}

void lower_conv_transpose(Node *n)
{
	Value *x = n->in[0], *w = n->in[1], *b = in_opt(n, 2), *y = n->out[0];
	Te *t = te_begin(y);
	Win win;
	int64_t g;
	Ix xi[2 + WMAX], wi[2 + WMAX], red[1 + WMAX], cond[3 * WMAX], c, per;
	int nred = 0, nc = 0;
	Expr *e;

	if (!conv_transpose_get(n, &win, &g))
		return;
	per = ix_div(x->dim[1], ix_int(g));
	c = red_var(n, per, red, &nred);
	if (g > 1)
		c = ix_add(c, ix_mul(ix_div(t->axis[1], w->dim[1]), per));
	xi[0] = t->axis[0];
	xi[1] = wi[0] = c;
	wi[1] = g > 1 ? ix_mod(t->axis[1], w->dim[1]) : t->axis[1];
	for (int i = 0; i < win.n; i++)
		win_back(n, &win, i, t->axis[2 + i], &xi[2 + i], &wi[2 + i], cond, &nc, red, &nred);
	e = ex_bin(E_MUL, acc_cast(te_read(x, xi, x->rank)), acc_cast(te_read(w, wi, w->rank)));
	e = red_sum(red, nred, ex_guard(cond, nc, e, ex_int(e->dt, 0)));
	if (b)
		e = ex_bin(E_ADD, e, acc_cast(te_read(b, &t->axis[1], 1)));
	te_end(y, ex_cast(y->dt, e));
}

/* the channels of x are [group][phase][channel of the group] */
static bool interleave_get(Node *n, Win *win, int64_t *group, int64_t *count)
{
	int64_t pad[2 * WMAX];

	win->n = n->in[0]->rank - 2;
	*group = attr_int(n, "group", 1);
	*count = 1;
	if (!win_attr(n, "strides", win->n, 1, 1, win->stride) || !win_attr(n, "pads", 2 * win->n, 0, 0, pad))
		return false;
	for (int i = 0; i < win->n; i++) {
		*count *= win->stride[i];
		win->pad0[i] = ix_int(pad[i]);
		win->out[i] = ix_addc(ix_mulc(n->in[0]->dim[2 + i], win->stride[i]), -pad[i] - pad[win->n + i]);
	}
	return true;
}

void shape_interleave(Node *n)
{
	Value *x = n->in[0];
	Ix dim[2 + WMAX];
	int64_t group, count;
	Win win;

	if (!interleave_get(n, &win, &group, &count))
		return;
	dim[0] = x->dim[0];
	dim[1] = ix_div(x->dim[1], ix_int(count));
	memcpy(dim + 2, win.out, sizeof(Ix) * (size_t)win.n);
	set_out(n, 0, x->dt, x->rank, dim);
}

void lower_interleave(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);
	Ix xi[2 + WMAX], phase = ix_int(0), p, per;
	int64_t group, count;
	Win win;

	if (!interleave_get(n, &win, &group, &count))
		return;
	for (int i = 0; i < win.n; i++) {
		p = ix_add(t->axis[2 + i], win.pad0[i]);
		xi[2 + i] = ix_div(p, ix_int(win.stride[i]));
		phase = ix_add(ix_mulc(phase, win.stride[i]), ix_mod(p, ix_int(win.stride[i])));
	}
	per = ix_div(y->dim[1], ix_int(group));
	xi[0] = t->axis[0];
	xi[1] = ix_add(ix_mul(phase, per), group > 1 ? ix_mod(t->axis[1], per) : t->axis[1]);
	if (group > 1)
		xi[1] = ix_add(xi[1], ix_mul(ix_div(t->axis[1], per), ix_mulc(per, count)));
	te_end(y, te_read(x, xi, x->rank));
}
