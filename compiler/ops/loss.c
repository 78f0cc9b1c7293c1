/* NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: x [N, C, d...], target [N, d...], weight [C]. */
#include "window.h"
#include "stmts.h"
#include "../../runtime/zenith.h"

static void loss_shape(Node *n)
{
	Value *x = n->in[0], *t = n->in[1];
	const char *red = attr_str(n, "reduction", "mean");

	if (x->rank < 2 || x->rank > WMAX || t->rank != x->rank - 1) {
		node_error(n, "input %s, target %s", value_str(x), value_str(t));
		return;
	}
	for (int i = 0; i < t->rank; i++)
		if (!ix_assume_equal(t->dim[i], x->dim[i ? i + 1 : 0], "dims of a loss and its target")) {
			node_error(n, "input %s, target %s", value_str(x), value_str(t));
			return;
		}
	if (!in_vector(n, 2, x->dim[1], false))
		return;
	if (!strcmp(red, "none"))
		set_out(n, 0, x->dt, t->rank, t->dim);
	else if (!strcmp(red, "mean") || !strcmp(red, "sum"))
		set_out(n, 0, x->dt, 0, NULL);
	else
		node_error(n, "attribute reduction is '%s'", quoted(red));
}

void shape_nll_loss(Node *n)
{
	loss_shape(n);
}

void shape_softmax_loss(Node *n)
{
	loss_shape(n);
	set_out(n, 1, n->in[0]->dt, n->in[0]->rank, n->in[0]->dim);
}

/* the weight of the element at `at` of the target, and its loss times that weight; ignored ones weigh
 * nothing */
static void element(Node *n, Value *logp, const Ix *at, Expr **weight, Expr **loss)
{
	Value *x = n->in[0], *t = n->in[1], *w = in_opt(n, 2);
	Expr *label = ex_cast(DT_I64, te_read(t, at, t->rank)), *e, *zero = ex_float(logp->dt, 0);
	Ix to[WMAX], c = ex_as_ix(ex_bin(E_MIN, ex_bin(E_MAX, label, i64(0)), ex_ix(ix_addc(x->dim[1], -1))),
	                          ix_int(0), ix_addc(x->dim[1], -1));

	to[0] = at[0];
	to[1] = c;
	memcpy(to + 2, at + 1, sizeof(Ix) * (size_t)(t->rank - 1));
	e = ex_un(E_NEG, ex_cast(logp->dt, te_read(logp, to, x->rank)));
	*weight = w ? ex_cast(logp->dt, te_read(w, &c, 1)) : ex_float(logp->dt, 1);
	if (attr_find(n, "ignore_index")) {
		Expr *skip = ex_bin(E_EQ, label, i64(attr_int(n, "ignore_index", 0)));
		*weight = ex_select(skip, zero, *weight);
		e = ex_select(skip, zero, e);
	}
	*loss = w ? ex_bin(E_MUL, *weight, e) : e;
}

/* every label that is not ignored is a class, or the run fails */
static void check_labels(Node *n)
{
	Value *t = n->in[1];
	Prog *p = prog_begin(n, "check_labels");
	Stmt *b = p->body;
	Ix at[WMAX];
	Expr *label, *bad;

	for (int i = 0; i < t->rank; i++)
		at[i] = prog_for(p, b, t->dim[i], &b);
	label = ex_cast(DT_I64, te_read(t, at, t->rank));
	bad = ex_bin(E_OR, ex_bin(E_LT, label, i64(0)), ex_bin(E_GE, label, ex_ix(n->in[0]->dim[1])));
	if (attr_find(n, "ignore_index"))
		bad = ex_bin(E_AND, bad, ex_bin(E_NE, label, i64(attr_int(n, "ignore_index", 0))));
	st_fail(b, p->kern, bad, ZENITH_BAD_INDEX);
	prog_end(p);
}

static void reduce_loss(Node *n, Value *logp)
{
	Value *t = n->in[1], *y = n->out[0];
	const char *how = attr_str(n, "reduction", "mean");
	Ix at[WMAX], red[WMAX];
	int nred = 0;
	Te *te = te_begin(y);
	Expr *w, *e;

	check_labels(n);
	if (!strcmp(how, "none")) {
		element(n, logp, te->axis, &w, &e);
		te_end(y, ex_cast(y->dt, e));
		return;
	}
	win_vars(n, t->rank, t->dim, at, red, &nred);
	element(n, logp, at, &w, &e);
	e = red_sum(red, nred, e);
	if (!strcmp(how, "mean"))
		e = ex_bin(E_DIV, e, red_sum(red, nred, w));
	te_end(y, ex_cast(y->dt, e));
}

/* log-probabilities in the accumulation dtype */
static Value *as_acc(Node *n, Value *x)
{
	Value *v;
	Te *t;

	if (acc_dtype(x->dt) == x->dt)
		return x;
	v = te_temp(n, "wide", acc_dtype(x->dt), x->rank, x->dim);
	t = te_begin(v);
	te_end(v, acc_cast(te_read(x, t->axis, x->rank)));
	return v;
}

void lower_nll_loss(Node *n)
{
	reduce_loss(n, as_acc(n, n->in[0]));
}

/* x - max - log(sum(exp(x - max))) over axis 1 */
static Value *log_softmax(Node *n, Value *x)
{
	Value *max, *lse, *y;
	Ix dim[WMAX], at[WMAX], red[1];
	int nred = 0;
	Te *t;
	Expr *e;

	memcpy(dim, x->dim, sizeof(Ix) * (size_t)x->rank);
	dim[1] = ix_int(1);
	max = te_temp(n, "max", x->dt, x->rank, dim);
	t = te_begin(max);
	memcpy(at, t->axis, sizeof(Ix) * (size_t)x->rank);
	at[1] = red_var(n, x->dim[1], red, &nred);
	e = te_read(x, at, x->rank);
	te_end(max, nred ? ex_reduce(R_MAX, red, nred, e) : e);
	lse = te_temp(n, "sum", x->dt, x->rank, dim);
	t = te_begin(lse);
	nred = 0;
	memcpy(at, t->axis, sizeof(Ix) * (size_t)x->rank);
	at[1] = red_var(n, x->dim[1], red, &nred);
	e = ex_un(E_EXP, ex_bin(E_SUB, te_read(x, at, x->rank), te_read_bcast(max, at, x->rank)));
	te_end(lse, ex_un(E_LOG, red_sum(red, nred, e)));
	y = te_temp(n, "log_prob", x->dt, x->rank, x->dim);
	t = te_begin(y);
	e = ex_bin(E_SUB, te_read(x, t->axis, x->rank), te_read_bcast(max, t->axis, x->rank));
	te_end(y, ex_bin(E_SUB, e, te_read_bcast(lse, t->axis, x->rank)));
	return y;
}

void lower_softmax_loss(Node *n)
{
	Value *logp = log_softmax(n, as_acc(n, n->in[0])), *y = out_wanted(n, 1) ? n->out[1] : NULL;
	Te *t;

	if (out_wanted(n, 0))
		reduce_loss(n, logp);
	if (!y)
		return;
	t = te_begin(y);
	te_end(y, ex_cast(y->dt, te_read(logp, t->axis, y->rank)));
}
