/* Reductions over axes, ArgMax, running sums and products, and the softmax family. */
#include "../ops.h"

/* ---- Reduce* */

/* dims of a reduction; kept as 1 if `keep` */
static int reduced_dims(const Value *x, const bool *set, bool keep, Ix *dim)
{
	int r = 0;

	for (int i = 0; i < x->rank; i++)
		if (!set[i] || keep)
			dim[r++] = set[i] ? ix_int(1) : x->dim[i];
	return r;
}

/* indices of x: the axes of the reduced value, and fresh variables (to var[]) for the others; their number */
static int reduce_index(Node *n, const Value *x, const bool *set, bool keep, const Ix *axis, Ix *ix, Ix *var)
{
	int k = 0, j = 0;

	for (int i = 0; i < x->rank; i++) {
		if (set[i])
			ix[i] = var[k++] = te_var(n, x->dim[i]);
		else
			ix[i] = axis[j];
		j += !set[i] || keep;
	}
	return k;
}

/* Which axes a Reduce* reduces, from the input or attribute `axes`: flag[i] is 1 or 0 (axes.c). None given
 * means all, or none with noop_with_empty_axes */
typedef struct Red {
	Ix flag[64], each[64];   /* each: how many elements along axis i are reduced to one */
	int nred;
	bool keep;
	Ix count;                /* elements that are reduced to one */
} Red;

static bool get_red(Node *n, Red *r)
{
	Value *x = n->in[0];
	Ix one = ix_int(1);

	r->keep = attr_int(n, "keepdims", 1);
	r->count = one;
	if (x->rank > LEN(r->flag)) {
		node_unsupported(n, "rank %d", x->rank);
		return false;
	}
	if (!axes_flags(n, in_opt(n, 1), "axes", x->rank, r->flag, &r->nred))
		return false;
	if (r->nred == 0 && !attr_int(n, "noop_with_empty_axes", 0)) {
		r->nred = x->rank;
		for (int i = 0; i < x->rank; i++)
			r->flag[i] = one;
	}
	for (int i = 0; i < x->rank; i++) {
		r->each[i] = ix_add(one, ix_mul(r->flag[i], ix_addc(x->dim[i], -1)));
		r->count = ix_mul(r->count, r->each[i]);
	}
	return true;
}

void shape_reduce(Node *n)
{
	Value *x = n->in[0];
	bool num = dt_float(x->dt) || dt_int(x->dt);
	Ix dim[x->rank + 1];
	Red r;

	if (!num && !(x->dt == DT_BOOL && (n->op == OP_REDUCE_MAX || n->op == OP_REDUCE_MIN))) {
		node_unsupported(n, "%s of %s", op_name(n->op), dt_name(x->dt));
		return;
	}
	if (!get_red(n, &r))
		return;
	if (!r.keep)
		dropped_dims(x->dim, r.flag, x->rank, dim, x->rank - r.nred);
	for (int i = 0; r.keep && i < x->rank; i++)
		dim[i] = ix_sub(x->dim[i], ix_mul(r.flag[i], ix_addc(x->dim[i], -1)));
	set_out(n, 0, x->dt, r.keep ? x->rank : x->rank - r.nred, dim);
}

/* reduce(op, f(x)) at the output's axes; peak: a value of the output's shape that f may use, or NULL */
static Expr *reduction(Node *n, const Red *r, const Ix *axis, ROp op, Expr *(*f)(Expr *x, Expr *peak),
		       Expr *peak)
{
	Value *x = n->in[0];
	Ix ix[x->rank + 1], var[x->rank + 1];
	int k = 0;
	Expr *e;

	for (int i = 0; i < x->rank; i++) {
		if (r->keep)
			ix[i] = ix_is(r->flag[i], 1) ? ix_int(0) : axis[i];
		else
			ix[i] = dropped_axis(r->flag, i, axis, x->rank - r->nred);
		if (!ix_is(r->flag[i], 0)) {
			var[k] = te_var(n, r->each[i]);
			ix[i] = ix_add(ix[i], var[k++]);
		}
	}
	e = ex_acc(te_read(x, ix, x->rank));
	return ex_reduce(op, var, k, f ? f(e, peak) : e);
}

static void reduce_one(Node *n, ROp op, Expr *(*f)(Expr *, Expr *), Expr *(*last)(Expr *))
{
	Value *y = n->out[0];
	Red r;
	Te *t = te_begin(y);
	Expr *e;

	if (!get_red(n, &r))
		return;
	e = reduction(n, &r, t->axis, op, f, NULL);
	te_end(y, ex_cast(y->dt, last ? last(e) : e));
}

static Expr *sq(Expr *x, Expr *peak) { (void)peak; return xmul(x, x); }
static Expr *mag(Expr *x, Expr *peak) { (void)peak; return ex_un(E_ABS, x); }
static Expr *exp_less(Expr *x, Expr *peak) { return ex_un(E_EXP, xsub(x, peak)); }
static Expr *wide(Expr *x, Expr *peak) { (void)peak; return dt_int(x->dt) ? ex_cast(DT_F64, x) : x; }
static Expr *wide_sq(Expr *x, Expr *peak) { return sq(wide(x, peak), peak); }
static Expr *log_of(Expr *x) { return ex_un(E_LOG, x); }
static Expr *root(Expr *x) { return ex_un(E_SQRT, x); }

void lower_reduce_sum(Node *n) { reduce_one(n, R_SUM, NULL, NULL); }
void lower_reduce_prod(Node *n) { reduce_one(n, R_PROD, NULL, NULL); }
void lower_reduce_l1(Node *n) { reduce_one(n, R_SUM, mag, NULL); }
void lower_reduce_l2(Node *n) { reduce_one(n, R_SUM, wide_sq, root); }
void lower_reduce_sum_square(Node *n) { reduce_one(n, R_SUM, sq, NULL); }
void lower_reduce_log_sum(Node *n) { reduce_one(n, R_SUM, wide, log_of); }
void lower_reduce_max(Node *n) { reduce_one(n, n->in[0]->dt == DT_BOOL ? R_OR : R_MAX, NULL, NULL); }
void lower_reduce_min(Node *n) { reduce_one(n, n->in[0]->dt == DT_BOOL ? R_AND : R_MIN, NULL, NULL); }

void lower_reduce_mean(Node *n)
{
	Value *y = n->out[0];
	Red r;
	Te *t = te_begin(y);
	Expr *e;

	if (!get_red(n, &r))
		return;
	e = reduction(n, &r, t->axis, R_SUM, NULL, NULL);
	te_end(y, ex_cast(y->dt, xdiv(e, ex_cast(e->dt, ex_ix(r.count)))));
}

/* log(sum(exp(x - m))) + m with m = max(x), or 0 where that is not finite */
void lower_reduce_log_sum_exp(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *m;
	DType dt = dt_int(x->dt) ? DT_F64 : acc_type(x->dt);
	Red r;
	Te *t;
	Expr *e, *peak;

	if (!get_red(n, &r))
		return;
	m = te_temp(n, "max", acc_type(x->dt), y->rank, y->dim);
	t = te_begin(m);
	te_end(m, reduction(n, &r, t->axis, R_MAX, NULL, NULL));
	t = te_begin(y);
	peak = te_read(m, t->axis, t->rank);
	if (dt_float(x->dt))
		peak = ex_select(ex_un(E_ISINF, peak), xlike(peak, 0), peak);
	if (dt_int(x->dt)) {
		node_unsupported(n, "%s of %s", op_name(n->op), dt_name(x->dt));
		return;
	}
	e = reduction(n, &r, t->axis, R_SUM, exp_less, peak);
	te_end(y, ex_cast(y->dt, xadd(ex_un(E_LOG, e), ex_cast(dt, peak))));
}

/* ---- ArgMax, ArgMin: the first (or last) index that has the greatest value; NaN is greatest and least */

void shape_arg(Node *n)
{
	Value *x = n->in[0];
	int64_t axis = attr_int(n, "axis", 0);
	bool set[x->rank + 1];
	Ix dim[x->rank + 1];

	if (!norm_axis(n, &axis, x->rank))
		return;
	memset(set, 0, sizeof set);
	set[axis] = true;
	set_out(n, 0, DT_I64, reduced_dims(x, set, attr_int(n, "keepdims", 1), dim), dim);
}

static void lower_arg(Node *n, ROp op)
{
	Value *x = n->in[0], *y = n->out[0], *best = te_temp(n, "best", acc_type(x->dt), y->rank, y->dim);
	int64_t axis = attr_int(n, "axis", 0);
	bool set[x->rank + 1], keep = attr_int(n, "keepdims", 1), last = attr_int(n, "select_last_index", 0);
	Ix ix[x->rank + 1], var[2];
	Te *t = te_begin(best);
	Expr *e, *hit, *k, *none;

	memset(set, 0, sizeof set);
	if (!norm_axis(n, &axis, x->rank))
		return;
	set[axis] = true;
	reduce_index(n, x, set, keep, t->axis, ix, var);
	te_end(best, ex_reduce(op, var, x->rank > 0, ex_acc(te_read(x, ix, x->rank))));
	t = te_begin(y);
	reduce_index(n, x, set, keep, t->axis, ix, var);
	e = ex_acc(te_read(x, ix, x->rank));
	hit = ex_bin(E_EQ, e, te_read(best, t->axis, t->rank));
	if (dt_float(e->dt))
		hit = ex_bin(E_OR, hit, ex_un(E_ISNAN, e));
	k = x->rank ? ex_ix(var[0]) : ex_int(DT_I64, 0);
	none = last || !x->rank ? ex_int(DT_I64, 0) : ex_ix(ix_addc(x->dim[axis], -1));
	te_end(y, ex_reduce(last ? R_MAX : R_MIN, var, x->rank > 0, ex_select(hit, k, none)));
}

void lower_arg_max(Node *n) { lower_arg(n, R_MAX); }
void lower_arg_min(Node *n) { lower_arg(n, R_MIN); }

/* ---- CumSum, CumProd */

/* the axis as a flag per axis (axes.c); *axis: the one, or -1 where only data tells */
static bool cum_axis(Node *n, Ix *flag, int *axis)
{
	int r = n->in[0]->rank, count;

	*axis = -1;
	if (r < 1) {
		node_unsupported(n, "rank 0");
		return false;
	}
	if (!axes_flags(n, n->in[1], NULL, r, flag, &count) || count != 1)
		return false;
	for (int i = 0; i < r; i++)
		*axis = ix_is(flag[i], 1) ? i : *axis;
	return true;
}

void shape_cum(Node *n)
{
	Ix flag[n->in[0]->rank + 1];
	int axis;

	if (!dt_float(n->in[0]->dt) && !dt_int(n->in[0]->dt))
		node_unsupported(n, "%s of %s", op_name(n->op), dt_name(n->in[0]->dt));
	else if (cum_axis(n, flag, &axis))
		out_like(n, 0, n->in[0]);
}

/* where only data tells the axis: each element reduces those before it */
static void lower_cum_any(Node *n, ROp op, double start, const Ix *flag)
{
	Value *x = n->in[0], *y = n->out[0];
	bool back = attr_int(n, "reverse", 0), less = attr_int(n, "exclusive", 0);
	Te *t = te_begin(y);
	Ix ix[x->rank + 1], var[x->rank + 1], cond[x->rank + 1], d;
	Expr *e;

	for (int i = 0; i < x->rank; i++) {
		var[i] = te_var(n, ix_add(ix_int(1), ix_mul(flag[i], ix_addc(x->dim[i], -1))));
		ix[i] = ix_add(var[i], ix_mul(ix_sub(ix_int(1), flag[i]), t->axis[i]));
		d = back ? ix_sub(ix[i], t->axis[i]) : ix_sub(t->axis[i], ix[i]);
		cond[i] = less ? ix_sub(d, flag[i]) : d;
	}
	e = ex_acc(te_read(x, ix, x->rank));
	te_end(y, ex_cast(y->dt, ex_reduce(op, var, x->rank, ex_guard(cond, x->rank, e, xlike(e, start)))));
}

static void lower_cum(Node *n, EOp op, double start)
{
	Value *x = n->in[0], *y = n->out[0];
	bool back = attr_int(n, "reverse", 0), less = attr_int(n, "exclusive", 0);
	DType dt = acc_type(x->dt);
	Ix ix[x->rank + 1], flag[x->rank + 1], k;
	int axis;
	Prog *p;
	Stmt *b;
	Expr *e;
	Var *acc;

	if (!cum_axis(n, flag, &axis))
		return;
	if (axis < 0) {
		lower_cum_any(n, op == E_ADD ? R_SUM : R_PROD, start, flag);
		return;
	}
	p = prog_begin(n, op == E_ADD ? "cumsum" : "cumprod");
	b = p->body;
	prog_out(p, y);
	for (int i = 0; i < x->rank; i++)
		if (i != axis)
			ix[i] = prog_for(p, b, x->dim[i], &b);
	acc = st_let(b, p->kern, "acc", ex_float(dt, start));
	k = prog_for(p, b, x->dim[axis], &b);
	ix[axis] = back ? ix_sub(ix_addc(x->dim[axis], -1), k) : k;
	e = ex_bin(op, ex_var(acc), ex_acc(te_read(x, ix, x->rank)));
	if (less)
		prog_store(p, b, y, ix, ex_cast(y->dt, ex_var(acc)));
	st_set(b, acc, e);
	if (!less)
		prog_store(p, b, y, ix, ex_cast(y->dt, ex_var(acc)));
	prog_end(p);
}

void lower_cum_sum(Node *n) { lower_cum(n, E_ADD, 0); }
void lower_cum_prod(Node *n) { lower_cum(n, E_MUL, 1); }

/* ---- Softmax and its kin: over one axis, in f32 for f16 and bf16 */

typedef struct Row { Node *n; Value *x; int axis; DType dt; bool set[64]; Ix dim[64]; int rank; } Row;

void shape_softmax(Node *n)
{
	int64_t axis = attr_int(n, "axis", -1);

	if (!dt_float(n->in[0]->dt))
		node_unsupported(n, "%s of %s", op_name(n->op), dt_name(n->in[0]->dt));
	else if (norm_axis(n, &axis, n->in[0]->rank))
		out_like(n, 0, n->in[0]);
}

static bool get_row(Node *n, Row *r)
{
	int64_t axis = attr_int(n, "axis", -1);

	memset(r, 0, sizeof *r);
	r->n = n;
	r->x = n->in[0];
	r->dt = acc_type(r->x->dt);
	if (r->x->rank > LEN(r->set) || r->x->rank == 0) {
		node_unsupported(n, "rank %d", r->x->rank);
		return false;
	}
	if (!norm_axis(n, &axis, r->x->rank))
		return false;
	r->axis = (int)axis;
	r->set[axis] = true;
	r->rank = reduced_dims(r->x, r->set, false, r->dim);
	return true;
}

/* a value per row: reduce(op, v along the row) */
static Value *row_value(const Row *r, const char *name, ROp op, Value *v)
{
	Value *m = te_temp(r->n, name, r->dt, r->rank, r->dim);
	Te *t = te_begin(m);
	Ix ix[r->x->rank], var[1];

	reduce_index(r->n, v, r->set, false, t->axis, ix, var);
	te_end(m, ex_reduce(op, var, 1, ex_acc(te_read(v, ix, v->rank))));
	return m;
}

/* the row's value at the axes of an element */
static Expr *of_row(const Row *r, Value *m, const Ix *axis)
{
	Ix ix[r->x->rank];
	int j = 0;

	for (int i = 0; i < r->x->rank; i++)
		if (i != r->axis)
			ix[j++] = axis[i];
	return te_read(m, ix, j);
}

void lower_softmax(Node *n)
{
	Value *y = n->out[0], *m, *e, *s;
	Row r;
	Te *t;

	if (!get_row(n, &r))
		return;
	m = row_value(&r, "max", R_MAX, r.x);
	e = te_temp(n, "exp", r.dt, r.x->rank, r.x->dim);
	t = te_begin(e);
	te_end(e, ex_un(E_EXP, xsub(ex_acc(te_read(r.x, t->axis, t->rank)), of_row(&r, m, t->axis))));
	s = row_value(&r, "sum", R_SUM, e);
	t = te_begin(y);
	te_end(y, ex_cast(y->dt, xdiv(te_read(e, t->axis, t->rank), of_row(&r, s, t->axis))));
}

/* x - m - log(sum(exp(x - m))) */
void lower_log_softmax(Node *n)
{
	Value *y = n->out[0], *m, *d, *s;
	Row r;
	Te *t;
	Ix ix[64], var[1];

	if (!get_row(n, &r))
		return;
	m = row_value(&r, "max", R_MAX, r.x);
	d = te_temp(n, "less", r.dt, r.x->rank, r.x->dim);
	t = te_begin(d);
	te_end(d, xsub(ex_acc(te_read(r.x, t->axis, t->rank)), of_row(&r, m, t->axis)));
	s = te_temp(n, "logsum", r.dt, r.rank, r.dim);
	t = te_begin(s);
	reduce_index(n, d, r.set, false, t->axis, ix, var);
	te_end(s, ex_un(E_LOG, ex_reduce(R_SUM, var, 1, ex_un(E_EXP, te_read(d, ix, d->rank)))));
	t = te_begin(y);
	te_end(y, ex_cast(y->dt, xsub(te_read(d, t->axis, t->rank), of_row(&r, s, t->axis))));
}

/* 1 at the first greatest element of the row, else 0 */
void lower_hardmax(Node *n)
{
	Value *y = n->out[0], *m, *k;
	Row r;
	Te *t;
	Ix ix[64], var[1];
	Expr *hit;

	if (!get_row(n, &r))
		return;
	m = row_value(&r, "max", R_MAX, r.x);
	k = te_temp(n, "first", DT_I64, r.rank, r.dim);
	t = te_begin(k);
	reduce_index(n, r.x, r.set, false, t->axis, ix, var);
	hit = ex_bin(E_EQ, ex_acc(te_read(r.x, ix, r.x->rank)), te_read(m, t->axis, t->rank));
	te_end(k, ex_reduce(R_MIN, var, 1, ex_select(hit, ex_ix(var[0]), ex_ix(r.x->dim[r.axis]))));
	t = te_begin(y);
	hit = ex_bin(E_EQ, of_row(&r, k, t->axis), ex_ix(t->axis[r.axis]));
	te_end(y, ex_select(hit, ex_float(y->dt, 1), ex_float(y->dt, 0)));
}
