/* ai.onnx.ml: linear models, scaling and encoding of features. */
#include "ml.h"
#include "window.h"
#include "stmts.h"

bool ml_post(Node *n, Post *p)
{
	static const char *const name[NPOST] = { "NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT" };
	const char *s = attr_str(n, "post_transform", "NONE");

	for (int i = 0; i < NPOST; i++)
		if (!strcmp(s, name[i])) {
			*p = (Post)i;
			return true;
		}
	node_error(n, "attribute post_transform is '%s'", quoted(s));
	return false;
}

DType ml_dtype(const Value *x)
{
	return x->dt == DT_F64 ? DT_F64 : DT_F32;
}

Ix ml_rows(const Value *x, Ix *cols)
{
	if (x->rank == 0) {
		*cols = ix_int(1);
		return ix_int(1);
	}
	*cols = x->rank == 1 ? x->dim[0] : ix_prod(x->dim + 1, x->rank - 1);
	return x->rank == 1 ? ix_int(1) : x->dim[0];
}

Expr *ml_elem(Value *x, Ix row, Ix col)
{
	Ix at[WMAX];

	if (x->rank == 1) {
		at[0] = col;
	} else if (x->rank > 1) {
		at[0] = row;
		unflatten(col, x->dim + 1, x->rank - 1, at + 1);
	}
	return ex_cast(ml_dtype(x), te_read(x, at, x->rank));
}

Value *ml_floats(Node *n, DType dt, const float *p, int cnt)
{
	int64_t dim = cnt;
	double *d = NEWN(double, cnt + 1);

	if (dt == DT_F32)
		return value_const(n->graph, DT_F32, 1, &dim, p);
	for (int i = 0; i < cnt; i++)
		d[i] = p[i];
	return value_const(n->graph, DT_F64, 1, &dim, d);
}

Value *ml_i64s(Node *n, const int64_t *p, int cnt)
{
	return value_ints(n->graph, p, cnt);
}

Value *ml_labels(Node *n, const char *ints, const char *strings, int *cnt)
{
	const int64_t *i = attr_ints(n, ints, cnt);
	const Str *s;
	int64_t dim;

	if (i && *cnt)
		return ml_i64s(n, i, *cnt);
	s = attr_strs(n, strings, cnt);
	dim = *cnt;
	return s && *cnt ? value_const(n->graph, DT_STR, 1, &dim, s) : NULL;
}

static Expr *F(Value *like, double v)
{
	return ex_float(like->dt, v);
}

Expr *ml_logistic(Expr *x)
{
	Expr *one = ex_float(x->dt, 1);

	return ex_bin(E_DIV, one, ex_bin(E_ADD, one, ex_un(E_EXP, ex_un(E_NEG, x))));
}

/* the quantile of the normal distribution by Winitzki's approximation, as ONNX Runtime has it */
static Expr *probit(Value *v, Expr *x)
{
	Expr *z = ex_bin(E_SUB, ex_bin(E_MUL, x, F(v, 2)), F(v, 1)), *l, *a, *r;

	l = ex_un(E_LOG, ex_bin(E_MUL, ex_bin(E_SUB, F(v, 1), z), ex_bin(E_ADD, F(v, 1), z)));
	a = ex_bin(E_ADD, F(v, 2 / (3.14159 * 0.147)), ex_bin(E_MUL, F(v, 0.5), l));
	r = ex_un(E_SQRT, ex_bin(E_SUB, ex_bin(E_MUL, a, a), ex_bin(E_MUL, F(v, 1 / 0.147), l)));
	r = ex_un(E_SQRT, ex_bin(E_SUB, r, a));
	r = ex_select(ex_bin(E_LT, z, F(v, 0)), ex_un(E_NEG, r), r);
	return ex_bin(E_MUL, F(v, 1.41421356), r);
}

/* an [N, 1] temporary: a reduction of f(raw[n, c]) over c */
static Value *row_reduce(Node *n, Value *raw, const char *name, ROp op, Expr *(*f)(Value *, Expr *, Expr *),
	Value *max)
{
	Ix dim[2] = { raw->dim[0], ix_int(1) }, at[2], red[1];
	Value *v = te_temp(n, name, raw->dt, 2, dim);
	Te *t = te_begin(v);
	int nred = 0;
	Expr *e, *m;

	at[0] = t->axis[0];
	at[1] = red_var(n, raw->dim[1], red, &nred);
	m = max ? te_read(max, (Ix[]){ t->axis[0], ix_int(0) }, 2) : NULL;
	e = f(raw, te_read(raw, at, 2), m);
	te_end(v, nred ? ex_reduce(op, red, nred, e) : e);
	return v;
}

static Expr *plain(Value *v, Expr *x, Expr *max)
{
	(void)v;
	(void)max;
	return x;
}

static Expr *shifted_exp(Value *v, Expr *x, Expr *max)
{
	(void)v;
	return ex_un(E_EXP, ex_bin(E_SUB, x, max));
}

static Expr *not_zero(Value *v, Expr *x)
{
	return ex_bin(E_GT, ex_un(E_ABS, x), F(v, 1e-7));
}

/* SOFTMAX_ZERO leaves values near zero where they are: only the others count in the sum */
static Expr *zero_exp(Value *v, Expr *x, Expr *max)
{
	return ex_select(not_zero(v, x), shifted_exp(v, x, max), F(v, 0));
}

static Expr *zero_part(Value *v, Expr *x, Expr *max)
{
	return ex_select(not_zero(v, x), shifted_exp(v, x, max),
		ex_bin(E_MUL, x, ex_un(E_EXP, ex_un(E_NEG, max))));
}

void ml_transform(Node *n, Value *raw, Value *out, Post post)
{
	Value *max = NULL, *sum = NULL;
	Expr *x, *m;
	Te *t;

	if (post == POST_SOFTMAX || post == POST_SOFTMAX_ZERO) {
		max = row_reduce(n, raw, "max", R_MAX, plain, NULL);
		sum = row_reduce(n, raw, "sum", R_SUM, post == POST_SOFTMAX ? shifted_exp : zero_exp, max);
	}
	t = te_begin(out);
	x = te_read(raw, t->axis, 2);
	if (post == POST_LOGISTIC)
		x = ml_logistic(x);
	if (post == POST_PROBIT)
		x = probit(raw, x);
	if (max) {
		m = te_read(max, (Ix[]){ t->axis[0], ix_int(0) }, 2);
		x = post == POST_SOFTMAX ? shifted_exp(raw, x, m) : zero_part(raw, x, m);
		x = ex_bin(E_DIV, x, te_read(sum, (Ix[]){ t->axis[0], ix_int(0) }, 2));
	}
	te_end(out, ex_cast(out->dt, x));
}

void ml_argmax(Node *n, Value *raw, Value *label, Value *table)
{
	Value *max = row_reduce(n, raw, "max", R_MAX, plain, NULL);
	Te *t = te_begin(label);
	Ix at[2], red[1], zero[2] = { t->axis[0], ix_int(0) }, i;
	int nred = 0;
	Expr *e, *last = ex_ix(ix_addc(raw->dim[1], -1));

	at[0] = t->axis[0];
	at[1] = red_var(n, raw->dim[1], red, &nred);
	e = ex_select(ex_bin(E_EQ, te_read(raw, at, 2), te_read(max, zero, 2)), ex_ix(at[1]), last);
	if (nred)
		e = ex_reduce(R_MIN, red, nred, e);
	i = ex_as_ix(e, ix_int(0), ix_addc(raw->dim[1], -1));
	te_end(label, te_read(table, &i, 1));
}

/* X times coefficients[target][feature], plus intercepts, into v[N, targets] */
static void linear(Node *n, Value *v, int targets)
{
	Value *x = n->in[0], *coef, *bias = NULL;
	int nc, nb;
	const float *c = attr_floats(n, "coefficients", &nc), *b = attr_floats(n, "intercepts", &nb);
	Ix cols, red[1], k, at;
	int nred = 0;
	Te *t = te_begin(v);
	Expr *e;

	ml_rows(x, &cols);
	coef = ml_floats(n, DT_F32, c, nc);
	if (b && nb == targets)
		bias = ml_floats(n, DT_F32, b, nb);
	k = red_var(n, cols, red, &nred);
	at = ix_add(ix_mul(t->axis[1], cols), k);
	e = ex_bin(E_MUL, ex_cast(DT_F32, ml_elem(x, t->axis[0], k)), te_read(coef, &at, 1));
	e = red_sum(red, nred, e);
	if (bias)
		e = ex_bin(E_ADD, e, te_read(bias, &t->axis[1], 1));
	te_end(v, e);
}

/* features of a row, checked against the coefficients of so many targets */
static bool linear_ok(Node *n, int64_t targets)
{
	int nc, nb;
	Ix cols;
	const float *b = attr_floats(n, "intercepts", &nb);

	attr_floats(n, "coefficients", &nc);
	ml_rows(n->in[0], &cols);
	if (targets < 1 || nc < 1 || nc % targets) {
		node_error(n, "%d coefficients for %lld targets", nc, (long long)targets);
		return false;
	}
	for (int i = 0; nb != targets && i < nb; i++)      /* zeros of any number say that there are none */
		if (b[i] != 0) {
			node_error(n, "%d intercepts for %lld targets", nb, (long long)targets);
			return false;
		}
	if (!ix_assume_equal(cols, ix_int(nc / targets), "features of a linear model")) {
		node_error(n, "%s features, %d coefficients for %lld targets", ix_str(cols), nc,
			(long long)targets);
		return false;
	}
	return true;
}

void shape_linear_regressor(Node *n)
{
	int64_t targets = attr_int(n, "targets", 1);
	Ix cols, dim[2] = { ml_rows(n->in[0], &cols), ix_int(targets) };
	Post post;

	if (linear_ok(n, targets) && ml_post(n, &post))
		set_out(n, 0, DT_F32, 2, dim);
}

void lower_linear_regressor(Node *n)
{
	Value *y = n->out[0], *raw = y;
	Post post;

	if (!ml_post(n, &post))
		return;
	if (post != POST_NONE)
		raw = te_temp(n, "raw", DT_F32, 2, y->dim);
	linear(n, raw, (int)attr_int(n, "targets", 1));
	if (raw != y)
		ml_transform(n, raw, y, post);
}

/* scores per class; a single target of two classes gives the score of the second */
static int linear_targets(Node *n, int *classes, Value **table)
{
	int nb, nc;
	int64_t cols;
	Ix c;

	*table = ml_labels(n, "classlabels_ints", "classlabels_strings", classes);
	attr_floats(n, "intercepts", &nb);
	attr_floats(n, "coefficients", &nc);
	ml_rows(n->in[0], &c);
	if (nb)
		return nb;
	return ix_isint(c, &cols) && cols > 0 ? (int)(nc / cols) : *classes;
}

void shape_linear_classifier(Node *n)
{
	int classes, targets;
	Value *table;
	Ix cols, dim[2] = { ml_rows(n->in[0], &cols), NULL };
	Post post;

	targets = linear_targets(n, &classes, &table);
	if (!linear_ok(n, targets) || !ml_post(n, &post))
		return;
	if (!table || !(classes == targets || (targets == 1 && classes == 2))) {
		node_unsupported(n, "%d class labels with %d targets", classes, targets);
		return;
	}
	if (targets == 1 && post == POST_PROBIT) {
		node_unsupported(n, "post_transform PROBIT with one target");
		return;
	}
	dim[1] = ix_int(classes);
	set_out(n, 0, table->dt, 1, dim);
	set_out(n, 1, DT_F32, 2, dim);
}

/* one target s, two classes: scores (1-s, s), LOGISTIC (f(-s), f(s)); the second class if s > 0 */
static void binary(Node *n, Value *raw, Value *table, Post post)
{
	Te *t;
	Expr *s;
	Ix i, at[2] = { NULL, ix_int(0) };

	if (out_wanted(n, 0)) {
		t = te_begin(n->out[0]);
		at[0] = t->axis[0];
		s = ex_cast(DT_I64, ex_bin(E_GT, te_read(raw, at, 2), ex_float(DT_F32, 0)));
		i = ex_as_ix(s, ix_int(0), ix_int(1));
		te_end(n->out[0], te_read(table, &i, 1));
	}
	if (!out_wanted(n, 1))
		return;
	t = te_begin(n->out[1]);
	at[0] = t->axis[0];
	s = te_read(raw, at, 2);
	if (post == POST_LOGISTIC)
		s = ex_select(ex_bin(E_EQ, ex_ix(t->axis[1]), i64(0)), ml_logistic(ex_un(E_NEG, s)),
			ml_logistic(s));
	else
		s = ex_select(ex_bin(E_EQ, ex_ix(t->axis[1]), i64(0)), ex_bin(E_SUB, ex_float(DT_F32, 1), s),
			s);
	te_end(n->out[1], s);
}

void lower_linear_classifier(Node *n)
{
	int classes, targets;
	Value *table, *raw;
	Ix cols, dim[2] = { ml_rows(n->in[0], &cols), NULL };
	Post post;

	targets = linear_targets(n, &classes, &table);
	ml_post(n, &post);
	dim[1] = ix_int(targets);
	raw = te_temp(n, "raw", DT_F32, 2, dim);
	linear(n, raw, targets);
	if (targets != classes) {
		binary(n, raw, table, post);
		return;
	}
	if (out_wanted(n, 0))
		ml_argmax(n, raw, n->out[0], table);
	if (out_wanted(n, 1))
		ml_transform(n, raw, n->out[1], post);
}

/* Normalizer: rows divided by their norm, if it is not 0 */
void shape_ml_normalizer(Node *n)
{
	Value *x = n->in[0];
	const char *norm = attr_str(n, "norm", "MAX");

	if (x->rank < 1 || x->rank > 2)
		node_unsupported(n, "input of rank %d", x->rank);
	else if (strcmp(norm, "MAX") && strcmp(norm, "L1") && strcmp(norm, "L2"))
		node_error(n, "attribute norm is '%s'", quoted(norm));
	else
		set_out(n, 0, DT_F32, x->rank, x->dim);
}

void lower_ml_normalizer(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *norm;
	const char *kind = attr_str(n, "norm", "MAX");
	Ix cols, dim = ml_rows(x, &cols), red[1], k;
	int nred = 0;
	Te *t;
	Expr *e, *zero = ex_float(DT_F32, 0);

	norm = te_temp(n, "norm", DT_F32, 1, &dim);
	t = te_begin(norm);
	k = red_var(n, cols, red, &nred);
	e = ex_cast(DT_F32, ml_elem(x, t->axis[0], k));
	e = !strcmp(kind, "L2") ? ex_bin(E_MUL, e, e) : !strcmp(kind, "L1") ? ex_un(E_ABS, e) : e;
	if (!strcmp(kind, "MAX"))
		e = nred ? ex_reduce(R_MAX, red, nred, e) : e;
	else
		e = red_sum(red, nred, e);
	te_end(norm, !strcmp(kind, "L2") ? ex_un(E_SQRT, e) : e);
	t = te_begin(y);
	k = x->rank == 2 ? t->axis[0] : ix_int(0);
	e = te_read(norm, &k, 1);
	e = ex_select(ex_bin(E_EQ, e, zero), ex_float(DT_F32, 1), e);
	te_end(y, ex_bin(E_DIV, ex_cast(DT_F32, te_read(x, t->axis, x->rank)), e));
}

/* LabelEncoder: keys and values of any two of the kinds */
static Value *table_of(Node *n, const char *what)
{
	Value *t = attr_tensor(n, fmt("%s_tensor", what));
	int cnt;
	const float *f;

	if (t)
		return t;
	f = attr_floats(n, fmt("%s_floats", what), &cnt);
	if (f && cnt)
		return ml_floats(n, DT_F32, f, cnt);
	return ml_labels(n, fmt("%s_int64s", what), fmt("%s_strings", what), &cnt);
}

void shape_label_encoder(Node *n)
{
	Value *x = n->in[0], *keys = table_of(n, "keys"), *values = table_of(n, "values");
	const Value *none = attr_tensor(n, "default_tensor");

	if (!keys || !values || keys->rank != 1 || values->rank != 1 ||
		!ix_equal(keys->dim[0], values->dim[0]) || ix_is(keys->dim[0], 0))
		node_error(n, "keys and values must be lists of equal length");
	else if (none && (none->dt != values->dt || !ix_is(value_numel(none), 1)))
		node_error(n, "default_tensor is %s, the values are %s", value_str(none), dt_name(values->dt));
	else if (keys->dt != x->dt)
		node_error(n, "keys are %s, the input %s", dt_name(keys->dt), dt_name(x->dt));
	else
		set_out(n, 0, values->dt, x->rank, x->dim);
}

static Expr *label_default(Node *n, DType dt)
{
	Value *t = attr_tensor(n, "default_tensor");
	const Attr *a = attr_find(n, "default_string");
	Str text = a ? a->s : (Str){ "_Unused", 7 };
	int64_t one = 1;

	if (t)
		return te_scalar(t);
	if (dt == DT_STR)
		return te_scalar(value_const(n->graph, DT_STR, 1, &one, &text));
	if (dt == DT_F32)
		return ex_float(dt, attr_float(n, "default_float", -0.0));
	return ex_int(dt, attr_int(n, "default_int64", -1));
}

void lower_label_encoder(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *keys = table_of(n, "keys"), *values = table_of(n, "values"),
		*found;
	Ix count = keys->dim[0], red[1], k;
	int nred = 0;
	Te *t;
	Expr *key, *e, *v;

	found = te_temp(n, "found", DT_I64, x->rank, x->dim);
	t = te_begin(found);
	k = red_var(n, count, red, &nred);
	e = te_read(x, t->axis, x->rank);
	key = te_read(keys, &k, 1);
	v = ex_bin(e->dt == DT_STR ? E_STREQ : E_EQ, e, key);
	if (dt_float(e->dt))
		v = ex_bin(E_OR, v, ex_bin(E_AND, ex_un(E_ISNAN, e), ex_un(E_ISNAN, key)));
	v = ex_select(v, ex_ix(k), ex_ix(count));
	te_end(found, nred ? ex_reduce(R_MIN, red, nred, v) : v);
	t = te_begin(y);
	e = te_read(found, t->axis, x->rank);
	k = ex_as_ix(e, ix_int(0), ix_addc(count, -1));
	te_end(y, ex_select(ex_bin(E_LT, e, ex_ix(count)), te_read(values, &k, 1), label_default(n, y->dt)));
}

/* ZipMap: a sequence of maps from the class labels to a row of x each; stored as the matrix of the values */
void shape_zip_map(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *keys;
	int cnt;
	Type *map = NEW(Type), *val = NEW(Type);
	Ix cols, rows = ml_rows(x, &cols), dim[2] = { rows, cols };

	keys = ml_labels(n, "classlabels_int64s", "classlabels_strings", &cnt);
	if (!keys || x->dt != DT_F32 || !ix_assume_equal(cols, ix_int(cnt), "class labels of a ZipMap")) {
		node_error(n, "%d class labels for %s", cnt, value_str(x));
		return;
	}
	set_out(n, 0, DT_F32, 2, dim);
	*val = (Type){ .kind = V_TENSOR, .dt = DT_F32 };
	*map = (Type){ .kind = V_MAP, .dt = keys->dt, .elem = val };
	y->kind = V_SEQ;
	y->elem = map;
}

void lower_zip_map(Node *n)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);

	te_end(y, ml_elem(n->in[0], t->axis[0], t->axis[1]));
}
