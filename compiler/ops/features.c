/* ai.onnx.ml: features made and mended one by one. */
#include "ml.h"
#include "window.h"
#include "stmts.h"
#include "../../runtime/zenith.h"

/* element i of a table, or its only one */
static Expr *per_column(Value *table, Ix i)
{
	return ix_is(table->dim[0], 1) ? te_scalar(table) : te_read(table, &i, 1);
}

/* a list of floats must have one element, or one per column of x */
static bool fits(Node *n, const char *name, int cnt)
{
	Value *x = n->in[0];

	if (cnt == 1 || (cnt > 1 && x->rank > 0 && ix_assume_equal(x->dim[x->rank - 1], ix_int(cnt), name)))
		return true;
	node_error(n, "attribute %s has %d elements for %s", name, cnt, value_str(x));
	return false;
}

void shape_scaler(Node *n)
{
	Value *x = n->in[0];
	int no, ns;

	attr_floats(n, "offset", &no);
	attr_floats(n, "scale", &ns);
	if (fits(n, "offset", no) && fits(n, "scale", ns))
		set_out(n, 0, DT_F32, x->rank, x->dim);
}

void lower_scaler(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);
	int no, ns;
	const float *o = attr_floats(n, "offset", &no), *s = attr_floats(n, "scale", &ns);
	Ix col = x->rank ? t->axis[x->rank - 1] : ix_int(0);
	Expr *e = ex_cast(DT_F32, te_read(x, t->axis, x->rank));

	e = ex_bin(E_SUB, e, per_column(ml_floats(n, DT_F32, o, no), col));
	te_end(y, ex_bin(E_MUL, e, per_column(ml_floats(n, DT_F32, s, ns), col)));
}

void shape_binarizer(Node *n)
{
	set_out(n, 0, n->in[0]->dt, n->in[0]->rank, n->in[0]->dim);
}

void lower_binarizer(Node *n)
{
	Value *x = n->in[0];
	Te *t = te_begin(n->out[0]);
	Expr *e = te_read(x, t->axis, x->rank);

	te_end(n->out[0], ex_cast(x->dt, ex_bin(E_GT, e, ex_float(x->dt, attr_float(n, "threshold", 0)))));
}

void shape_array_feature_extractor(Node *n)
{
	Value *x = n->in[0], *i = n->in[1];
	Ix dim[WMAX + 1];

	if (x->rank < 1 || x->rank > WMAX) {
		node_error(n, "input of rank %d", x->rank);
		return;
	}
	dim[0] = ix_int(1);
	memcpy(dim + (x->rank == 1), x->dim, sizeof(Ix) * (size_t)(x->rank - 1));
	dim[x->rank == 1 ? 1 : x->rank - 1] = value_numel(i);
	set_out(n, 0, x->dt, x->rank == 1 ? 2 : x->rank, dim);
}

void lower_array_feature_extractor(Node *n)
{
	Value *x = n->in[0], *i = n->in[1], *y = n->out[0];
	Te *t = te_begin(y);
	Ix at[WMAX], from[WMAX];

	unflatten(t->axis[y->rank - 1], i->dim, i->rank, from);
	memcpy(at, t->axis, sizeof(Ix) * (size_t)x->rank);
	at[x->rank - 1] = te_index(i, from, i->rank, x->dim[x->rank - 1]);
	te_end(y, te_read(x, at, x->rank));
}

static Value *categories(Node *n)
{
	int cnt;

	return ml_labels(n, "cats_int64s", "cats_strings", &cnt);
}

static Expr *same_label(Value *x, const Ix *at, Value *table, Ix k)
{
	Expr *e = te_read(x, at, x->rank), *key = te_read(table, &k, 1);

	if (x->dt == DT_STR)
		return ex_bin(E_STREQ, e, key);
	return ex_bin(E_EQ, ex_cast(DT_I64, e), key);
}

void shape_one_hot_encoder(Node *n)
{
	Value *x = n->in[0], *cats = categories(n);
	Ix dim[WMAX + 1];

	if (!cats || (cats->dt == DT_STR) != (x->dt == DT_STR) || x->rank > WMAX) {
		node_error(n, "the categories do not fit %s", value_str(x));
		return;
	}
	memcpy(dim, x->dim, sizeof(Ix) * (size_t)x->rank);
	dim[x->rank] = cats->dim[0];
	set_out(n, 0, DT_F32, x->rank + 1, dim);
}

/* zeros = 0: a category that is not in the list is an error */
static void check_known(Node *n, Value *x, Value *cats)
{
	Prog *p = prog_begin(n, "known_category");
	Stmt *b = p->body, *s;
	Ix at[WMAX], k;
	Var *found;

	for (int i = 0; i < x->rank; i++)
		at[i] = prog_for(p, b, x->dim[i], &b);
	found = st_let(b, p->kern, "found", ex_int(DT_BOOL, 0));
	k = prog_for(p, b, cats->dim[0], &s);
	s = st_if(s, same_label(x, at, cats, k));
	st_set(s, found, ex_int(DT_BOOL, 1));
	st_fail(b, p->kern, ex_un(E_NOT, ex_var(found)), ZENITH_BAD_DATA);
	prog_end(p);
}

void lower_one_hot_encoder(Node *n)
{
	Value *x = n->in[0], *cats = categories(n);
	Te *t;

	if (!attr_int(n, "zeros", 1))
		check_known(n, x, cats);
	t = te_begin(n->out[0]);
	te_end(n->out[0], ex_cast(DT_F32, same_label(x, t->axis, cats, t->axis[x->rank])));
}

static Value *imputed(Node *n, int *cnt)
{
	const int64_t *i = attr_ints(n, "imputed_value_int64s", cnt);
	const float *f;

	if (i && *cnt)
		return ml_i64s(n, i, *cnt);
	f = attr_floats(n, "imputed_value_floats", cnt);
	return f && *cnt ? ml_floats(n, DT_F32, f, *cnt) : NULL;
}

void shape_imputer(Node *n)
{
	Value *x = n->in[0];
	int cnt;

	if (!imputed(n, &cnt) || !fits(n, "imputed values", cnt))
		return;
	set_out(n, 0, x->dt, x->rank, x->dim);
}

void lower_imputer(Node *n)
{
	Value *x = n->in[0], *table;
	Te *t = te_begin(n->out[0]);
	int cnt;
	Expr *e = te_read(x, t->axis, x->rank), *bad, *v;

	table = imputed(n, &cnt);
	v = ex_cast(x->dt, per_column(table, x->rank ? t->axis[x->rank - 1] : ix_int(0)));
	if (dt_float(x->dt)) {
		double r = attr_float(n, "replaced_value_float", 0);
		bad = r != r ? ex_un(E_ISNAN, e) : ex_bin(E_EQ, e, ex_float(x->dt, r));
	} else {
		bad = ex_bin(E_EQ, e, ex_int(x->dt, attr_int(n, "replaced_value_int64", 0)));
	}
	te_end(n->out[0], ex_select(bad, v, e));
}

/* FeatureVectorizer: the inputs' columns one after the other */
void shape_feature_vectorizer(Node *n)
{
	Ix dim[2] = { NULL, ix_int(0) }, cols;

	for (int i = 0; i < n->nin; i++) {
		Ix rows = ml_rows(n->in[i], &cols);
		if (i && !ix_assume_equal(rows, dim[0], "rows of features")) {
			node_error(n, "inputs of %s and %s rows", ix_str(dim[0]), ix_str(rows));
			return;
		}
		dim[0] = i ? dim[0] : rows;
		dim[1] = ix_add(dim[1], cols);
	}
	set_out(n, 0, DT_F32, 2, dim);
}

typedef struct Columns { Node *n; const Ix *from; Ix row, col; } Columns;   /* from[i]: where input i's begin */

/* inputs lo..hi-1, by halving */
static Expr *columns(const Columns *c, int lo, int hi)
{
	int mid = (lo + hi) / 2;
	Ix before = ix_addc(ix_sub(c->from[mid], c->col), -1);
	Expr *e;

	if (hi - lo == 1)
		return ex_cast(DT_F32, ml_elem(c->n->in[lo], c->row, ix_sub(c->col, c->from[lo])));
	e = columns(c, lo, mid);
	return ex_guard(&before, 1, e, columns(c, mid, hi));
}

void lower_feature_vectorizer(Node *n)
{
	Te *t = te_begin(n->out[0]);
	Ix from[n->nin + 1], cols;

	from[0] = ix_int(0);
	for (int i = 0; i < n->nin; i++) {
		ml_rows(n->in[i], &cols);
		from[i + 1] = ix_add(from[i], cols);
	}
	te_end(n->out[0], columns(&(Columns){ n, from, t->axis[0], t->axis[1] }, 0, n->nin));
}

/* CategoryMapper: between strings and numbers, whichever way the input says */
void shape_category_mapper(Node *n)
{
	Value *x = n->in[0];
	int ns, ni;

	attr_strs(n, "cats_strings", &ns);
	attr_ints(n, "cats_int64s", &ni);
	if (ns != ni || ns == 0 || (x->dt != DT_STR && x->dt != DT_I64))
		node_error(n, "%d strings and %d numbers for %s", ns, ni, value_str(x));
	else
		set_out(n, 0, x->dt == DT_STR ? DT_I64 : DT_STR, x->rank, x->dim);
}

void lower_category_mapper(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *str, *num, *found;
	int cnt;
	const Attr *a = attr_find(n, "default_string");
	Str text = a ? a->s : (Str){ "_Unused", 7 };
	Ix red[1], k;
	int nred = 0;
	Te *t;
	Expr *e, *none;

	str = ml_labels(n, "", "cats_strings", &cnt);
	num = ml_labels(n, "cats_int64s", "", &cnt);
	found = te_temp(n, "found", DT_I64, x->rank, x->dim);
	t = te_begin(found);
	k = red_var(n, ix_int(cnt), red, &nred);
	e = ex_select(same_label(x, t->axis, x->dt == DT_STR ? str : num, k), ex_ix(k), i64(cnt));
	te_end(found, nred ? ex_reduce(R_MIN, red, nred, e) : e);
	t = te_begin(y);
	e = te_read(found, t->axis, x->rank);
	k = ex_as_ix(e, ix_int(0), ix_int(cnt - 1));
	none = y->dt == DT_STR ? te_scalar(value_const(n->graph, DT_STR, 1, (int64_t[]){ 1 }, &text)) :
		i64(attr_int(n, "default_int64", -1));
	te_end(y, ex_select(ex_bin(E_LT, e, i64(cnt)), te_read(y->dt == DT_STR ? str : num, &k, 1), none));
}
