/* Normalisations. Statistics are internal values (te_temp), computed in f32 for f16 and bf16, so that the
 * lowering can make them stages of one kernel. */
#include "../ops.h"

enum { NR = 64 };                /* greatest rank here; above LIM_RANK's default */

/* The mean of f(x) over some axes, for the others. of: the values' own dims, with 1 for reduced axes */
typedef struct Stat {
	Node *n;
	Value *x;
	DType dt;
	bool set[NR];            /* axes reduced */
	Ix dim[NR], count;       /* dims of a statistic: those of x, 1 where reduced */
} Stat;

static bool stat_begin(Node *n, Stat *s, DType dt)
{
	s->n = n;
	s->x = n->in[0];
	s->dt = dt;
	s->count = ix_int(1);
	if (s->x->rank > NR) {
		node_unsupported(n, "rank %d", s->x->rank);
		return false;
	}
	for (int i = 0; i < s->x->rank; i++) {
		s->dim[i] = s->set[i] ? ix_int(1) : s->x->dim[i];
		s->count = s->set[i] ? ix_mul(s->count, s->x->dim[i]) : s->count;
	}
	return true;
}

/* indices of a statistic at an element's axes */
static Expr *stat_at(const Stat *s, Value *v, const Ix *axis)
{
	Ix ix[NR];

	for (int i = 0; i < s->x->rank; i++)
		ix[i] = s->set[i] ? ix_int(0) : axis[i];
	return te_read(v, ix, s->x->rank);
}

typedef enum Power { P_MEAN, P_ABS, P_SQUARE } Power;

/* sum over the reduced axes of x - less, its magnitude or its square; less NULL: of x */
static Expr *stat_sum(const Stat *s, const Ix *axis, Power how, Value *less)
{
	Ix ix[NR], var[NR];
	int k = 0;
	Expr *e;

	for (int i = 0; i < s->x->rank; i++)
		ix[i] = s->set[i] ? (var[k++] = te_var(s->n, s->x->dim[i])) : axis[i];
	e = ex_cast(s->dt, te_read(s->x, ix, s->x->rank));
	if (less)
		e = xsub(e, stat_at(s, less, ix));
	e = how == P_SQUARE ? xmul(e, e) : how == P_ABS ? ex_un(E_ABS, e) : e;
	return ex_reduce(R_SUM, var, k, e);
}

static Expr *over_count(const Stat *s, Expr *e)
{
	return xdiv(e, ex_cast(s->dt, ex_ix(s->count)));
}

static Value *stat_mean(const Stat *s)
{
	Value *v = te_temp(s->n, "mean", s->dt, s->x->rank, s->dim);
	Te *t = te_begin(v);

	te_end(v, over_count(s, stat_sum(s, t->axis, P_MEAN, NULL)));
	return v;
}

/* 1 / sqrt(mean((x - mean)^2) + eps) */
static Value *stat_scale(const Stat *s, Value *mean, double eps)
{
	Value *v = te_temp(s->n, "scale", s->dt, s->x->rank, s->dim);
	Te *t = te_begin(v);
	Expr *e = over_count(s, stat_sum(s, t->axis, P_SQUARE, mean));

	te_end(v, xdiv(xlike(e, 1), ex_un(E_SQRT, xadd(e, xlike(e, eps)))));
	return v;
}

static Expr *normal(const Stat *s, const Ix *axis, Value *mean, Value *scale)
{
	Expr *e = ex_cast(s->dt, te_read(s->x, axis, s->x->rank));

	if (mean)
		e = xsub(e, stat_at(s, mean, axis));
	return xmul(e, stat_at(s, scale, axis));
}

static DType stash_type(const Node *n)
{
	int64_t k = attr_int(n, "stash_type", 1);

	return dt_valid(k) && dt_float((DType)k) ? (DType)k : DT_F32;
}

/* the wider of two, never below f32 */
static DType work_type(DType x, DType stash)
{
	return x == DT_F64 || stash == DT_F64 ? DT_F64 : DT_F32;
}

static bool float_in(Node *n)
{
	if (!dt_float(n->in[0]->dt))
		node_unsupported(n, "%s of %s", op_name(n->op), dt_name(n->in[0]->dt));
	return dt_float(n->in[0]->dt);
}

/* ---- LayerNormalization, RMSNormalization: over the axes from `axis` on */

static bool from_axis(Node *n, Stat *s)
{
	int64_t axis = attr_int(n, "axis", -1);

	memset(s, 0, sizeof *s);
	if (!axis_ok(n, &axis, n->in[0]->rank) || n->in[0]->rank > NR)
		return false;
	for (int i = (int)axis; i < n->in[0]->rank; i++)
		s->set[i] = true;
	return stat_begin(n, s, work_type(n->in[0]->dt, stash_type(n)));
}

void shape_layer_normalization(Node *n)
{
	Stat s;

	if (!float_in(n) || !from_axis(n, &s))
		return;
	if (!in_bcast(n, 1, n->in[0]->rank, n->in[0]->dim) || !in_bcast(n, 2, n->in[0]->rank, n->in[0]->dim))
		return;
	out_like(n, 0, n->in[0]);
	for (int i = 1; i < n->nout; i++)
		set_out(n, i, stash_type(n), n->in[0]->rank, s.dim);
}

static void copy_stat(Node *n, int out, Value *v)
{
	Te *t;

	if (!out_wanted(n, out))
		return;
	t = te_begin(n->out[out]);
	te_end(n->out[out], ex_cast(n->out[out]->dt, te_read(v, t->axis, t->rank)));
}

static void lower_layer(Node *n, bool centred)
{
	Value *y = n->out[0], *mean = NULL, *scale;
	Stat s;
	Te *t;
	Expr *e;

	if (!from_axis(n, &s))
		return;
	if (centred)
		mean = stat_mean(&s);
	scale = stat_scale(&s, mean, attr_float(n, "epsilon", 1e-5));
	if (out_wanted(n, 0)) {
		t = te_begin(y);
		e = normal(&s, t->axis, mean, scale);
		e = xmul(e, ex_cast(s.dt, te_read_bcast(n->in[1], t->axis, t->rank)));
		if (in_opt(n, 2))
			e = xadd(e, ex_cast(s.dt, te_read_bcast(n->in[2], t->axis, t->rank)));
		te_end(y, ex_cast(y->dt, e));
	}
	if (mean)
		copy_stat(n, 1, mean);
	copy_stat(n, 2, scale);
}

void lower_layer_normalization(Node *n) { lower_layer(n, true); }
void lower_r_m_s_normalization(Node *n) { lower_layer(n, false); }

/* ---- InstanceNormalization, GroupNormalization, MeanVarianceNormalization, LpNormalization */

void shape_norm(Node *n)
{
	if (float_in(n))
		out_like(n, 0, n->in[0]);
}

/* a scale and a bias for each channel */
void shape_channel_norm(Node *n)
{
	Value *x = n->in[0];

	if (x->rank < 2)
		node_error(n, "its input is %s, expected channels", value_str(x));
	else if (in_vector(n, 1, x->dim[1], false) && in_vector(n, 2, x->dim[1], false))
		shape_norm(n);
}

void shape_group_norm(Node *n)
{
	Value *x = n->in[0];
	int64_t groups = attr_int(n, "num_groups", 1);

	if (groups < 1 || x->rank < 2 || x->rank > NR)
		node_error(n, "num_groups %lld of %s", (long long)groups, value_str(x));
	else if (in_parts(n, x->dim[1], ix_int(groups), "groups of channels"))
		shape_channel_norm(n);
}

void lower_instance_normalization(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *mean, *scale;
	Stat s = { 0 };
	Te *t;
	Expr *e;

	for (int i = 2; i < x->rank && i < NR; i++)
		s.set[i] = true;
	if (!stat_begin(n, &s, acc_type(x->dt)))
		return;
	mean = stat_mean(&s);
	scale = stat_scale(&s, mean, attr_float(n, "epsilon", 1e-5));
	t = te_begin(y);
	e = normal(&s, t->axis, mean, scale);
	e = xmul(e, ex_cast(s.dt, te_read(n->in[1], &t->axis[1], 1)));
	te_end(y, ex_cast(y->dt, xadd(e, ex_cast(s.dt, te_read(n->in[2], &t->axis[1], 1)))));
}

/* statistics of [N, G]: the sum over a group's channels and space of x - mean, or its square */
static Value *group_stat(Node *n, const char *name, DType dt, Ix groups, Value *mean, double eps)
{
	Value *x = n->in[0], *v = te_temp(n, name, dt, 2, (Ix[]){ x->dim[0], groups });
	Ix per = ix_div(x->dim[1], groups), ix[NR], var[NR], count = per;
	Te *t = te_begin(v);
	Expr *e;
	int k = 0;

	ix[0] = t->axis[0];
	var[k++] = te_var(n, per);
	ix[1] = ix_add(ix_mul(t->axis[1], per), var[0]);
	for (int i = 2; i < x->rank; i++) {
		ix[i] = var[k++] = te_var(n, x->dim[i]);
		count = ix_mul(count, x->dim[i]);
	}
	e = ex_cast(dt, te_read(x, ix, x->rank));
	if (mean) {
		e = xsub(e, te_read(mean, t->axis, 2));
		e = xmul(e, e);
	}
	e = xdiv(ex_reduce(R_SUM, var, k, e), ex_cast(dt, ex_ix(count)));
	if (mean)
		e = xdiv(xlike(e, 1), ex_un(E_SQRT, xadd(e, xlike(e, eps))));
	te_end(v, e);
	return v;
}

void lower_group_normalization(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *mean, *scale;
	Ix groups = ix_int(attr_int(n, "num_groups", 1)), at[2];
	DType dt = work_type(x->dt, stash_type(n));
	Te *t;
	Expr *e;

	mean = group_stat(n, "mean", dt, groups, NULL, 0);
	scale = group_stat(n, "scale", dt, groups, mean, attr_float(n, "epsilon", 1e-5));
	t = te_begin(y);
	at[0] = t->axis[0];
	at[1] = ix_div(t->axis[1], ix_div(x->dim[1], groups));
	e = xsub(ex_cast(dt, te_read(x, t->axis, t->rank)), te_read(mean, at, 2));
	e = xmul(xmul(e, te_read(scale, at, 2)), ex_cast(dt, te_read(n->in[1], &t->axis[1], 1)));
	te_end(y, ex_cast(y->dt, xadd(e, ex_cast(dt, te_read(n->in[2], &t->axis[1], 1)))));
}

void lower_mean_variance_normalization(Node *n)
{
	static const int64_t nchw[] = { 0, 2, 3 };
	Value *x = n->in[0], *y = n->out[0], *mean, *dev;
	Stat s = { 0 };
	int k;
	const int64_t *a = attr_ints(n, "axes", &k);
	Te *t;
	Expr *e;

	k = a ? k : LEN(nchw);
	a = a ? a : nchw;
	for (int i = 0; i < k; i++) {
		int64_t at = a[i];
		if (!axis_ok(n, &at, x->rank) || at >= NR)
			return;
		s.set[at] = true;
	}
	if (!stat_begin(n, &s, acc_type(x->dt)))
		return;
	mean = stat_mean(&s);
	dev = te_temp(n, "dev", s.dt, x->rank, s.dim);
	t = te_begin(dev);
	te_end(dev, ex_un(E_SQRT, over_count(&s, stat_sum(&s, t->axis, P_SQUARE, mean))));
	t = te_begin(y);
	e = xsub(ex_cast(s.dt, te_read(x, t->axis, t->rank)), stat_at(&s, mean, t->axis));
	te_end(y, ex_cast(y->dt, xdiv(e, xadd(stat_at(&s, dev, t->axis), ex_float(s.dt, 1e-9)))));
}

/* x over its norm along an axis; 0 where the norm is 0 */
void lower_lp_normalization(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *norm;
	int64_t axis = attr_int(n, "axis", -1), p = attr_int(n, "p", 2);
	Stat s = { 0 };
	Te *t;
	Expr *e, *d;

	if (!axis_ok(n, &axis, x->rank) || axis >= NR)
		return;
	if (p != 1 && p != 2) {
		node_error(n, "p is %lld", (long long)p);
		return;
	}
	s.set[axis] = true;
	if (!stat_begin(n, &s, acc_type(x->dt)))
		return;
	norm = te_temp(n, "norm", s.dt, x->rank, s.dim);
	t = te_begin(norm);
	e = stat_sum(&s, t->axis, p == 1 ? P_ABS : P_SQUARE, NULL);
	te_end(norm, p == 1 ? e : ex_un(E_SQRT, e));
	t = te_begin(y);
	d = stat_at(&s, norm, t->axis);
	e = xdiv(ex_cast(s.dt, te_read(x, t->axis, t->rank)), d);
	te_end(y, ex_cast(y->dt, ex_select(ex_bin(E_EQ, d, xlike(d, 0)), xlike(d, 0), e)));
}

/* ---- BatchNormalization: a line per channel, or in training mode the batch's own statistics */

void shape_batch_normalization(Node *n)
{
	Ix c = n->in[0]->rank > 1 ? n->in[0]->dim[1] : ix_int(1);

	if (!float_in(n))
		return;
	for (int i = 1; i < 5; i++)
		if (!in_vector(n, i, c, false))
			return;
	out_like(n, 0, n->in[0]);
	for (int i = 1; i < n->nout; i++)
		set_out(n, i, n->in[i + 2]->dt, 1, &c);
}

/* scale / sqrt(var + eps) and bias - mean * that, per channel */
static void channel_line(Node *n, DType dt, Value *mean, Value *var, Value **mul, Value **add)
{
	double eps = attr_float(n, "epsilon", 1e-5);
	Value *m = te_temp(n, "mul", dt, 1, mean->dim), *a = te_temp(n, "add", dt, 1, mean->dim);
	Te *t = te_begin(m);
	Expr *v = ex_cast(dt, te_read(var, t->axis, 1)), *e;

	te_end(m, xdiv(ex_cast(dt, te_read(n->in[1], t->axis, 1)), ex_un(E_SQRT, xadd(v, xlike(v, eps)))));
	t = te_begin(a);
	e = xmul(ex_cast(dt, te_read(mean, t->axis, 1)), te_read(m, t->axis, 1));
	te_end(a, xsub(ex_cast(dt, te_read(n->in[2], t->axis, 1)), e));
	*mul = m;
	*add = a;
}

/* mean (less NULL) or variance of each channel over all other axes */
static Value *channel_stat(Node *n, const char *name, DType dt, Value *less)
{
	Value *x = n->in[0], *v = te_temp(n, name, dt, 1, &x->dim[1]);
	Ix ix[NR], var[NR], count = ix_int(1);
	Te *t = te_begin(v);
	Expr *e;
	int k = 0;

	for (int i = 0; i < x->rank; i++) {
		ix[i] = i == 1 ? t->axis[0] : (var[k++] = te_var(n, x->dim[i]));
		count = i == 1 ? count : ix_mul(count, x->dim[i]);
	}
	e = ex_cast(dt, te_read(x, ix, x->rank));
	if (less) {
		e = xsub(e, te_read(less, t->axis, 1));
		e = xmul(e, e);
	}
	te_end(v, xdiv(ex_reduce(R_SUM, var, k, e), ex_cast(dt, ex_ix(count))));
	return v;
}

/* running = running * momentum + current * (1 - momentum) */
static void running(Node *n, int out, Value *was, Value *now)
{
	double m = attr_float(n, "momentum", 0.9);
	Te *t;
	Expr *e, *f;

	if (!out_wanted(n, out))
		return;
	t = te_begin(n->out[out]);
	f = te_read(now, t->axis, 1);
	e = ex_cast(f->dt, te_read(was, t->axis, 1));
	te_end(n->out[out], ex_cast(n->out[out]->dt, xadd(xmul(e, xlike(e, m)), xmul(f, xlike(f, 1 - m)))));
}

void lower_batch_normalization(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *mean = n->in[3], *var = n->in[4], *mul, *add;
	DType dt = acc_type(x->dt);
	Ix zero = ix_int(0), *c;
	Te *t;
	Expr *e;

	if (x->rank < 1 || x->rank > NR) {
		node_unsupported(n, "rank %d", x->rank);
		return;
	}
	if (attr_int(n, "training_mode", 0)) {
		mean = channel_stat(n, "mean", dt, NULL);
		var = channel_stat(n, "var", dt, mean);
		running(n, 1, n->in[3], mean);
		running(n, 2, n->in[4], var);
	}
	channel_line(n, dt, mean, var, &mul, &add);
	t = te_begin(y);
	c = x->rank > 1 ? &t->axis[1] : &zero;
	e = xmul(ex_cast(dt, te_read(x, t->axis, t->rank)), te_read(mul, c, 1));
	te_end(y, ex_cast(y->dt, xadd(e, te_read(add, c, 1))));
}

/* ---- LRN: x / (bias + alpha/size * sum of squares over `size` channels around)^beta */

void lower_l_r_n(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	int64_t size = attr_int(n, "size", 0);
	Te *t = te_begin(y);
	unsigned char check[NR] = { 0, 1 };
	Ix ix[NR], k = te_var(n, ix_int(size));
	Expr *e, *v;

	if (size < 1 || x->rank < 2 || x->rank > NR) {
		node_error(n, "size %lld over %s", (long long)size, value_str(x));
		return;
	}
	memcpy(ix, t->axis, sizeof *ix * (size_t)x->rank);
	ix[1] = ix_add(ix_addc(t->axis[1], -((size - 1) / 2)), k);
	v = ex_acc(te_read_box(x, ix, x->rank, check, ex_bits(x->dt, 0)));
	e = ex_reduce(R_SUM, &k, 1, xmul(v, v));
	e = xmul(xlike(e, attr_float(n, "alpha", 1e-4) / (double)size), e);
	e = xadd(xlike(e, attr_float(n, "bias", 1)), e);
	e = ex_bin(E_POW, e, xlike(e, attr_float(n, "beta", 0.75)));
	te_end(y, ex_cast(y->dt, xdiv(ex_acc(te_read(x, t->axis, t->rank)), e)));
}
