/* Optimiser steps (ai.onnx.preview.training): rate, count, then groups of tensors: x..., gradient...,
 * state... */
#include "window.h"
#include "stmts.h"

#define ADD(a, b) ex_bin(E_ADD, a, b)
#define SUB(a, b) ex_bin(E_SUB, a, b)
#define MUL(a, b) ex_bin(E_MUL, a, b)
#define DIV(a, b) ex_bin(E_DIV, a, b)

/* gradients and states are like their x, in floats */
static bool same_type(Node *n, const Value *x, const Value *v)
{
	bool same = dt_float(x->dt) && x->dt == v->dt && x->rank == v->rank;

	for (int i = 0; same && i < x->rank; i++)
		same = ix_assume_equal(x->dim[i], v->dim[i], "what an optimiser keeps has the shape of x");
	if (!same)
		node_error(n, "%s with %s", value_str(x), value_str(v));
	return same;
}

/* `groups` groups of inputs; outputs are x... and the states, that is groups - 1 groups */
static void step_shape(Node *n, int groups)
{
	int k = (n->nin - 2) / groups;

	if (k < 1 || n->nin != 2 + k * groups || n->nout > k * (groups - 1)) {
		node_error(n, "%d inputs and %d outputs", n->nin, n->nout);
		return;
	}
	for (int i = 0; i < 2; i++)
		if (!ix_is(value_numel(n->in[i]), 1) || dtype_info[n->in[i]->dt].class == DC_S) {
			node_error(n, "input %d is %s, expected one number", i, value_str(n->in[i]));
			return;
		}
	for (int i = 0; i < k * groups; i++)
		if (!same_type(n, n->in[2 + i % k], n->in[2 + i]))
			return;
	for (int i = 0; i < k * (groups - 1); i++) {
		Value *like = n->in[2 + (i < k ? i : i + k)];
		set_out(n, i, like->dt, like->rank, like->dim);
	}
}

static Expr *in(Node *n, const Te *t, int group, int groups, int i)
{
	Value *v = n->in[2 + group * ((n->nin - 2) / groups) + i];

	return te_read(v, t->axis, v->rank);
}

static Expr *num(Expr *like, double v)
{
	return ex_float(like->dt, v);
}

/* gradient with the term of the regularisation */
static Expr *gradient(Node *n, const Te *t, int groups, int i)
{
	Expr *x = in(n, t, 0, groups, i);

	return ADD(MUL(num(x, attr_float(n, "norm_coefficient", 0)), x), in(n, t, 1, groups, i));
}

static Expr *rate(Node *n, Expr *like)
{
	return ex_cast(like->dt, te_scalar(n->in[0]));
}

static Expr *count(Node *n, Expr *like)
{
	return ex_cast(like->dt, te_scalar(n->in[1]));
}

void shape_adagrad(Node *n)
{
	step_shape(n, 3);
}

static Expr *adagrad(Node *n, const Te *t, int i, int out)
{
	Expr *g = gradient(n, t, 3, i), *h = ADD(in(n, t, 2, 3, i), MUL(g, g)), *r;

	if (out == 1)
		return h;
	r = DIV(rate(n, g), ADD(num(g, 1), MUL(count(n, g), num(g, attr_float(n, "decay_factor", 0)))));
	h = ADD(ex_un(E_SQRT, h), num(g, attr_float(n, "epsilon", 1e-6)));
	return SUB(in(n, t, 0, 3, i), DIV(MUL(r, g), h));
}

void shape_adam(Node *n)
{
	step_shape(n, 4);
}

static Expr *adam(Node *n, const Te *t, int i, int out)
{
	Expr *g = gradient(n, t, 4, i), *a = num(g, attr_float(n, "alpha", 0.9)),
		*b = num(g, attr_float(n, "beta", 0.999));
	Expr *one = num(g, 1), *v, *h, *r, *c = count(n, g), *fix, *x;

	v = ADD(MUL(a, in(n, t, 2, 4, i)), MUL(SUB(one, a), g));
	h = ADD(MUL(b, in(n, t, 3, 4, i)), MUL(SUB(one, b), MUL(g, g)));
	if (out)
		return out == 1 ? v : h;
	fix = DIV(ex_un(E_SQRT, SUB(one, ex_bin(E_POW, b, c))), SUB(one, ex_bin(E_POW, a, c)));
	r = ex_select(ex_bin(E_GT, c, num(g, 0)), MUL(rate(n, g), fix), rate(n, g));
	h = ADD(ex_un(E_SQRT, h), num(g, attr_float(n, "epsilon", 1e-6)));
	x = SUB(in(n, t, 0, 4, i), MUL(r, DIV(v, h)));
	return MUL(num(g, 1 - attr_float(n, "norm_coefficient_post", 0)), x);
}

void shape_momentum(Node *n)
{
	const char *mode = attr_str(n, "mode", "standard");

	if (strcmp(mode, "standard") && strcmp(mode, "nesterov"))
		node_error(n, "attribute mode is '%s'", quoted(mode));
	else
		step_shape(n, 3);
}

static Expr *momentum(Node *n, const Te *t, int i, int out)
{
	Expr *g = gradient(n, t, 3, i), *a = num(g, attr_float(n, "alpha", 0)),
		*b = num(g, attr_float(n, "beta", 0)), *v;

	b = ex_select(ex_bin(E_GT, count(n, g), num(g, 0)), b, num(g, 1));
	v = ADD(MUL(a, in(n, t, 2, 3, i)), MUL(b, g));
	if (out == 1)
		return v;
	if (!strcmp(attr_str(n, "mode", "standard"), "nesterov"))
		v = ADD(g, MUL(a, v));
	return SUB(in(n, t, 0, 3, i), MUL(rate(n, g), v));
}

static void step_lower(Node *n, int groups, Expr *(*f)(Node *, const Te *, int, int))
{
	int k = (n->nin - 2) / groups;

	for (int o = 0; o < n->nout; o++)
		if (out_wanted(n, o)) {
			Te *t = te_begin(n->out[o]);
			te_end(n->out[o], ex_cast(n->out[o]->dt, f(n, t, o % k, o / k)));
		}
}

void lower_adagrad(Node *n)
{
	step_lower(n, 3, adagrad);
}

void lower_adam(Node *n)
{
	step_lower(n, 4, adam);
}

void lower_momentum(Node *n)
{
	step_lower(n, 3, momentum);
}
