/* Tree ensembles (ai.onnx.ml): every form is brought into one set of arrays, over which a small program
 * walks. */
#include "ml.h"
#include "window.h"
#include "stmts.h"
#include "../../runtime/zenith.h"

#include <math.h>

typedef enum Mode { LEQ, LT, GTE, GT, EQ, NEQ, MEMBER, LEAF, NMODE } Mode;
static const EOp mode_op[] = { E_LE, E_LT, E_GE, E_GT, E_EQ, E_NE };
typedef enum Agg { SUM, AVERAGE, MIN, MAX } Agg;

/* Inner nodes and leaves are numbered apart: child c >= 0 is inner node c, child c < 0 leaf -1-c. */
typedef struct Forest {
	VEC(int64_t) feature, mode, missing, left, right;   /* of inner nodes; left: the condition holds */
	VEC(double) split;
	VEC(int64_t) first, target;   /* of leaf l: items first[l]..first[l+1) */
	VEC(double) weight;
	VEC(int64_t) root;
	int64_t nfeature, ntarget;    /* greatest used, plus one */
} Forest;

typedef struct Old {             /* attributes of TreeEnsembleClassifier and -Regressor */
	int n, nitem, nmissing;
	const int64_t *tree, *node, *feature, *yes, *no, *missing;
	const Str *mode;
	const double *value, *weight;
	const int64_t *item_tree, *item_node, *item_id;
	Map *index;              /* (tree, node) to position + 1 */
	int64_t *leaf;           /* number of the leaf at a position, or -1 */
	int64_t *inner;
	bool *seen;
} Old;

static const int64_t *ints(Node *n, const char *name, int want, bool *ok)
{
	int cnt;
	const int64_t *p = attr_ints(n, name, &cnt);

	if (cnt == want && (p || want == 0))
		return p;
	node_error(n, "attribute %s has %d elements, expected %d", name, cnt, want);
	*ok = false;
	return NULL;
}

/* the attribute, or its _as_tensor form, as doubles */
static const double *reals(Node *n, const char *name, int64_t *cnt)
{
	Value *t = attr_tensor(n, fmt("%s_as_tensor", name));
	const double *d = NULL;
	const float *f;
	double *q;
	int nf;

	*cnt = 0;
	if (t) {
		if (!const_floats(t, &d, cnt))
			node_error(n, "attribute %s_as_tensor is not numeric", name);
		return d;
	}
	f = attr_floats(n, name, &nf);
	*cnt = nf;
	q = NEWN(double, nf + 1);
	for (int i = 0; i < nf; i++)
		q[i] = (double)f[i];
	return q;
}

static int mode_of(Node *n, Str s)
{
	static const char *const name[NMODE] = { "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT",
		"BRANCH_EQ",
		"BRANCH_NEQ", "", "LEAF" };

	for (int i = 0; i < NMODE; i++)
		if (i != MEMBER && strlen(name[i]) == s.n && !memcmp(name[i], s.p, s.n))
			return i;
	node_error(n, "attribute nodes_modes has '%s'", quoted(fmt("%.*s", (int)s.n, s.p)));
	return -1;
}

static int64_t *slot(Old *o, int64_t tree, int64_t node)
{
	int64_t key[2] = { tree, node };

	return (int64_t *)map_at(o->index, key, sizeof key);
}

static bool old_get(Node *n, const char *kind, Old *o)
{
	bool ok = true;
	int64_t nval, nw;

	*o = (Old){ .index = map_new() };
	o->tree = attr_ints(n, "nodes_treeids", &o->n);
	o->node = ints(n, "nodes_nodeids", o->n, &ok);
	o->feature = ints(n, "nodes_featureids", o->n, &ok);
	o->yes = ints(n, "nodes_truenodeids", o->n, &ok);
	o->no = ints(n, "nodes_falsenodeids", o->n, &ok);
	o->missing = attr_ints(n, "nodes_missing_value_tracks_true", &o->nmissing);
	o->item_tree = attr_ints(n, fmt("%s_treeids", kind), &o->nitem);
	o->item_node = ints(n, fmt("%s_nodeids", kind), o->nitem, &ok);
	o->item_id = ints(n, fmt("%s_ids", kind), o->nitem, &ok);
	o->value = reals(n, "nodes_values", &nval);
	o->weight = reals(n, fmt("%s_weights", kind), &nw);
	int nm;
	o->mode = attr_strs(n, "nodes_modes", &nm);
	if (!ok || o->n < 1 || nval != o->n || nm != o->n || nw != o->nitem) {
		node_error(n, "the attributes of the trees do not fit each other");
		return false;
	}
	o->leaf = NEWN(int64_t, o->n);
	o->inner = NEWN(int64_t, o->n);
	o->seen = NEWN(bool, o->n);
	return true;
}

/* the child reference of node `id` of a tree; each node may be reached once, so that walks end */
static bool child_of(Node *n, Old *o, int64_t tree, int64_t id, int64_t *child)
{
	int64_t at = *slot(o, tree, id) - 1;

	if (at < 0 || o->seen[at]) {
		node_error(n, "tree %lld: node %lld %s", (long long)tree, (long long)id,
		           at < 0 ? "does not exist" : "is reached twice");
		return false;
	}
	o->seen[at] = true;
	*child = o->leaf[at] >= 0 ? -1 - o->leaf[at] : o->inner[at];
	return true;
}

/* leaves get their items in the order of the attributes */
static bool old_items(Node *n, Old *o, Forest *f, int64_t nleaf)
{
	int64_t *count = NEWN(int64_t, nleaf + 1), at, *place, sum = 0;

	place = NEWN(int64_t, o->nitem + 1);
	for (int i = 0; i < o->nitem; i++) {
		at = *slot(o, o->item_tree[i], o->item_node[i]) - 1;
		if (at < 0 || o->leaf[at] < 0 || o->item_id[i] < 0 || o->item_id[i] > INT32_MAX) {
			node_error(n, "weight %d belongs to no leaf", i);
			return false;
		}
		count[place[i] = o->leaf[at]]++;
	}
	for (int64_t l = 0; l < nleaf; l++) {
		push(&f->first, sum);
		sum += count[l];
		count[l] = f->first.p[l];
	}
	push(&f->first, sum);
	for (int i = 0; i < o->nitem; i++) {
		push(&f->target, 0);
		push(&f->weight, 0);
	}
	for (int i = 0; i < o->nitem; i++) {
		at = count[place[i]]++;
		f->target.p[at] = o->item_id[i];
		f->weight.p[at] = o->weight[i];
		if (o->item_id[i] >= f->ntarget)
			f->ntarget = o->item_id[i] + 1;
	}
	return true;
}

static bool old_forest(Node *n, const char *kind, Forest *f)
{
	Old o;
	int64_t nleaf = 0, ninner = 0, c, *s;
	int m;

	if (!old_get(n, kind, &o))
		return false;
	for (int i = 0; i < o.n; i++) {
		if ((m = mode_of(n, o.mode[i])) < 0)
			return false;
		s = slot(&o, o.tree[i], o.node[i]);
		if (*s) {
			node_error(n, "tree %lld has two nodes %lld", (long long)o.tree[i],
				(long long)o.node[i]);
			return false;
		}
		*s = i + 1;
		o.leaf[i] = m == LEAF ? nleaf++ : -1;
		o.inner[i] = m == LEAF ? -1 : ninner++;
	}
	for (int i = 0; i < o.n; i++) {
		if (o.leaf[i] >= 0)
			continue;
		if (o.feature[i] < 0 || o.feature[i] > INT32_MAX) {
			node_error(n, "feature %lld", (long long)o.feature[i]);
			return false;
		}
		push(&f->feature, o.feature[i]);
		push(&f->mode, mode_of(n, o.mode[i]));
		push(&f->missing, o.missing && i < o.nmissing ? o.missing[i] != 0 : 0);
		push(&f->split, o.value[i]);
		if (o.feature[i] >= f->nfeature)
			f->nfeature = o.feature[i] + 1;
		if (!child_of(n, &o, o.tree[i], o.yes[i], &c))
			return false;
		push(&f->left, c);
		if (!child_of(n, &o, o.tree[i], o.no[i], &c))
			return false;
		push(&f->right, c);
	}
	for (int i = 0; i < o.n; i++)
		if (!o.seen[i])
			push(&f->root, o.leaf[i] >= 0 ? -1 - o.leaf[i] : o.inner[i]);
	return old_items(n, &o, f, nleaf);
}

/* TreeEnsemble 5 */
typedef struct New {
	int64_t n, nleaf, nmember, member;
	const double *split, *weight, *members;
	const int64_t *mode, *feature, *yes, *no, *yes_leaf, *no_leaf, *missing;
	int64_t nmode;
	bool *seen;
	Forest *f;
} New;

static int64_t add_inner(New *t, int64_t i, Mode mode, double split)
{
	Forest *f = t->f;

	push(&f->feature, t->feature[i]);
	push(&f->mode, mode);
	push(&f->missing, t->missing ? t->missing[i] != 0 : 0);
	push(&f->split, split);
	push(&f->left, 0);
	push(&f->right, 0);
	return f->left.n - 1;
}

/* copies node i and what is below it, in the order in which membership lists are consumed; a membership test
 * becomes a chain of equalities */
static bool new_node(Node *n, New *t, int64_t i, bool leaf, int64_t *ref, int depth)
{
	int64_t first, last, yes, no;

	if (leaf) {
		*ref = -1 - i;
		if (i >= 0 && i < t->nleaf)
			return true;
	} else if (i >= 0 && i < t->n && !t->seen[i] && depth < 10000 && t->feature[i] >= 0 &&
	           t->feature[i] < INT32_MAX && t->mode[i] >= 0 && t->mode[i] <= MEMBER) {
		t->seen[i] = true;
		if (t->feature[i] >= t->f->nfeature)
			t->f->nfeature = t->feature[i] + 1;
		first = last = add_inner(t, i, t->mode[i] == MEMBER ? EQ : (Mode)t->mode[i], t->split[i]);
		if (t->mode[i] == MEMBER) {
			t->f->split.p[first] = NAN;
			for (; t->member < t->nmember && !isnan(t->members[t->member]); t->member++) {
				if (!isnan(t->f->split.p[last]))
					last = add_inner(t, i, EQ, NAN);
				t->f->split.p[last] = t->members[t->member];
			}
			t->member++;
		}
		if (!new_node(n, t, t->yes[i], t->yes_leaf[i] != 0, &yes, depth + 1) ||
		    !new_node(n, t, t->no[i], t->no_leaf[i] != 0, &no, depth + 1))
			return false;
		for (int64_t k = first; k <= last; k++) {
			t->f->left.p[k] = yes;
			t->f->right.p[k] = k < last ? k + 1 : no;
		}
		*ref = first;
		return true;
	}
	node_error(n, "the trees are not well formed at %s %lld", leaf ? "leaf" : "node", (long long)i);
	return false;
}

static bool new_forest(Node *n, Forest *f)
{
	Value *split = attr_tensor(n, "nodes_splits"), *mode = attr_tensor(n, "nodes_modes");
	Value *weight = attr_tensor(n, "leaf_weights"), *members = attr_tensor(n, "membership_values");
	New t = { .f = f };
	const int64_t *root, *target;
	int64_t nw, nm = 0, ref;
	int nroot, nleaf, nmissing;
	bool ok = true;

	target = attr_ints(n, "leaf_targetids", &nleaf);
	root = attr_ints(n, "tree_roots", &nroot);
	if (!const_floats(split, &t.split, &t.n) || !const_ints(mode, &t.mode, &nm) ||
	    !const_floats(weight, &t.weight, &nw) || nw != nleaf || nm != t.n) {
		node_error(n, "the attributes of the trees do not fit each other");
		return false;
	}
	if (members && !const_floats(members, &t.members, &t.nmember)) {
		node_error(n, "attribute membership_values is not numeric");
		return false;
	}
	t.nleaf = nleaf;
	t.feature = ints(n, "nodes_featureids", (int)t.n, &ok);
	t.yes = ints(n, "nodes_truenodeids", (int)t.n, &ok);
	t.no = ints(n, "nodes_falsenodeids", (int)t.n, &ok);
	t.yes_leaf = ints(n, "nodes_trueleafs", (int)t.n, &ok);
	t.no_leaf = ints(n, "nodes_falseleafs", (int)t.n, &ok);
	t.missing = attr_ints(n, "nodes_missing_value_tracks_true", &nmissing);
	if (t.missing && nmissing != t.n)
		t.missing = NULL;
	t.seen = NEWN(bool, t.n + 1);
	for (int i = 0; ok && i < nroot; i++) {
		bool leaf = root[i] >= 0 && root[i] < t.n && t.yes_leaf[root[i]] && t.no_leaf[root[i]] &&
			t.yes[root[i]] == t.no[root[i]];   /* how a tree of one leaf is written */
		ok = leaf ? new_node(n, &t, t.yes[root[i]], true, &ref, 0) : new_node(n, &t, root[i], false,
			&ref, 0);
		push(&f->root, ref);
	}
	for (int i = 0; ok && i < nleaf; i++) {
		push(&f->first, i);
		push(&f->target, target[i]);
		push(&f->weight, t.weight[i]);
		if (target[i] < 0 || target[i] >= INT32_MAX) {
			node_error(n, "target %lld", (long long)target[i]);
			return false;
		}
		if (target[i] >= f->ntarget)
			f->ntarget = target[i] + 1;
	}
	push(&f->first, nleaf);
	return ok;
}

/* ---- the program */

static Value *table(Node *n, const int64_t *p, int cnt)
{
	int64_t dim = cnt, zero = 0;
	int32_t *q = NEWN(int32_t, cnt + 1);

	if (cnt == 0)
		return value_const(n->graph, DT_I32, 1, &(int64_t){ 1 }, &zero);
	for (int i = 0; i < cnt; i++)
		q[i] = (int32_t)p[i];
	return value_const(n->graph, DT_I32, 1, &dim, q);
}

static Value *reals_table(Node *n, DType dt, const double *p, int cnt)
{
	int64_t dim = cnt;
	float *q = NEWN(float, cnt + 1);

	if (cnt == 0)
		return value_const(n->graph, dt, 1, &(int64_t){ 1 }, (double[]){ 0 });
	for (int i = 0; i < cnt; i++)
		q[i] = (float)p[i];
	return value_const(n->graph, dt, 1, &dim, dt == DT_F64 ? (const void *)p : q);
}

static Expr *at(Value *t, Ix i)
{
	return te_read(t, &i, 1);
}

static Ix below(Expr *e, int64_t n)
{
	return ex_as_ix(ex_cast(DT_I64, e), ix_int(0), ix_int(n > 0 ? n - 1 : 0));
}

/* whether the condition of inner node i holds for the row */
static Expr *condition(Node *n, const Forest *f, DType dt, Ix row, Ix i)
{
	Expr *x, *split = at(reals_table(n, dt, f->split.p, f->split.n), i), *e = NULL, *m, *kind;
	bool any_missing = false, used[MEMBER] = { false };

	x = ml_elem(n->in[0], row, below(at(table(n, f->feature.p, f->feature.n), i), f->nfeature));
	for (int k = 0; k < f->mode.n; k++) {
		any_missing |= f->missing.p[k] != 0;
		used[f->mode.p[k]] = true;
	}
	kind = at(table(n, f->mode.p, f->mode.n), i);
	for (int m = 0; m < MEMBER; m++)
		if (used[m]) {
			Expr *c = ex_bin(mode_op[m], x, split);
			e = !e ? c : ex_select(ex_bin(E_EQ, kind, ex_int(DT_I32, m)), c, e);
		}
	if (!e)
		e = ex_int(DT_BOOL, 0);
	if (used[NEQ]) {          /* a missing value goes to the false branch, unless it tracks true */
		m = ex_un(E_NOT, ex_un(E_ISNAN, x));
		e = ex_bin(E_AND, e, m);
	}
	if (!any_missing)
		return e;
	m = ex_bin(E_NE, at(table(n, f->missing.p, f->missing.n), i), ex_int(DT_I32, 0));
	return lor(e, land(ex_un(E_ISNAN, x), m));
}

static double identity(Agg agg)
{
	return agg == MIN ? INFINITY : agg == MAX ? -INFINITY : 0;
}

/* raw[row, target] = aggregate over trees of the weights of the leaf reached */
static void walk(Node *n, const Forest *f, Value *raw, Agg agg)
{
	DType dt = raw->dt;
	Prog *p = prog_begin(n, "trees");
	Stmt *b, *s, *tree, *in, *w;
	Ix row, j, it, to[2], cols;
	Var *node, *item;
	Expr *e, *leaf, *old, *v;

	prog_out(p, raw);
	ml_rows(n->in[0], &cols);
	st_fail(p->body, p->kern, ex_bin(E_LT, ex_ix(cols), i64(f->nfeature)), ZENITH_BAD_SHAPE);
	row = prog_for(p, p->body, raw->dim[0], &b);
	j = prog_for(p, b, raw->dim[1], &s);
	to[0] = row;
	to[1] = j;
	prog_store(p, s, raw, to, ex_float(dt, identity(agg)));
	j = prog_for(p, b, ix_int(f->root.n), &tree);
	node = st_let(tree, p->kern, "node", at(table(n, f->root.p, f->root.n), j));
	w = st_while(tree, ex_bin(E_GE, ex_var(node), ex_int(DT_I32, 0)));
	it = below(ex_var(node), f->left.n);
	e = condition(n, f, ml_dtype(n->in[0]), row, it);
	st_set(w, node, ex_select(e, at(table(n, f->left.p, f->left.n), it),
		at(table(n, f->right.p, f->right.n), it)));
	leaf = ex_bin(E_SUB, ex_int(DT_I32, -1), ex_var(node));
	it = below(leaf, f->first.n - 1);
	item = let_int(p, tree, "item", ex_cast(DT_I64, at(table(n, f->first.p, f->first.n), it)));
	e = ex_cast(DT_I64, at(table(n, f->first.p, f->first.n), ix_addc(it, 1)));
	in = st_while(tree, ex_bin(E_LT, ex_var(item), e));
	it = below(ex_var(item), f->weight.n);
	to[1] = below(at(table(n, f->target.p, f->target.n), it), f->ntarget);
	v = at(reals_table(n, dt, f->weight.p, f->weight.n), it);
	old = prog_load(p, raw, to);
	prog_store(p, in, raw, to, ex_bin(agg == MIN ? E_MIN : agg == MAX ? E_MAX : E_ADD, old, v));
	add_to(in, item, 1);
	prog_end(p);
}

static bool features_ok(Node *n, const Forest *f, Ix cols)
{
	int64_t c;

	if (ix_isint(cols, &c) && c < f->nfeature) {
		node_error(n, "the trees use feature %lld, rows have %lld", (long long)f->nfeature - 1,
			(long long)c);
		return false;
	}
	if (!f->root.n)
		node_error(n, "there are no trees");
	return f->root.n > 0;
}

/* y = post(raw / trees + base) */
static void finish(Node *n, Value *raw, Value *y, Agg agg, const Forest *f, const double *base,
	int64_t nbase, Post post)
{
	Value *sum = post == POST_NONE ? y : te_temp(n, "sum", raw->dt, 2, raw->dim);
	Te *t = te_begin(sum);
	Expr *e = te_read(raw, t->axis, 2);

	if (agg == AVERAGE)
		e = ex_bin(E_DIV, e, ex_float(e->dt, f->root.n));
	if (nbase == 1)
		e = ex_bin(E_ADD, e, ex_float(e->dt, base[0]));
	else if (nbase)
		e = ex_bin(E_ADD, e, at(reals_table(n, e->dt, base, (int)nbase), t->axis[1]));
	te_end(sum, ex_cast(sum->dt, e));
	if (sum != y)
		ml_transform(n, sum, y, post);
}

static int agg_of(Node *n)
{
	static const char *const name[] = { "SUM", "AVERAGE", "MIN", "MAX" };
	const char *s = attr_str(n, "aggregate_function", "SUM");

	for (int i = 0; i < LEN(name); i++)
		if (!strcmp(s, name[i]))
			return i;
	node_error(n, "attribute aggregate_function is '%s'", quoted(s));
	return SUM;
}

void shape_tree_ensemble_regressor(Node *n)
{
	Ix cols, dim[2] = { ml_rows(n->in[0], &cols), ix_int(attr_int(n, "n_targets", 1)) };

	set_out(n, 0, DT_F32, 2, dim);
}

void lower_tree_ensemble_regressor(Node *n)
{
	Value *y = n->out[0], *raw;
	Forest f = { .nfeature = 0 };
	Ix cols;
	int64_t nbase;
	const double *base = reals(n, "base_values", &nbase);
	Agg agg = (Agg)agg_of(n);
	Post post;

	ml_rows(n->in[0], &cols);
	if (!ml_post(n, &post) || !old_forest(n, "target", &f) || !features_ok(n, &f, cols))
		return;
	if (f.ntarget > attr_int(n, "n_targets", 1) || (nbase > 1 && nbase != attr_int(n, "n_targets", 1))) {
		node_error(n, "target %lld, base_values of %lld", (long long)f.ntarget - 1, (long long)nbase);
		return;
	}
	raw = te_temp(n, "raw", ml_dtype(n->in[0]), 2, y->dim);
	walk(n, &f, raw, agg);
	finish(n, raw, y, agg, &f, base, nbase, post);
}

void shape_tree_ensemble(Node *n)
{
	Ix cols, dim[2] = { ml_rows(n->in[0], &cols), ix_int(attr_int(n, "n_targets", 1)) };

	set_out(n, 0, n->in[0]->dt, 2, dim);
}

void lower_tree_ensemble(Node *n)
{
	static const Post post[] = { POST_NONE, POST_SOFTMAX, POST_LOGISTIC, POST_SOFTMAX_ZERO, POST_PROBIT };
	Value *y = n->out[0], *raw;
	Forest f = { .nfeature = 0 };
	Ix cols;
	int64_t agg = attr_int(n, "aggregate_function", 1), p = attr_int(n, "post_transform", 0);

	ml_rows(n->in[0], &cols);
	if (agg < AVERAGE - 1 || agg > MAX || p < 0 || p >= LEN(post)) {
		node_error(n, "aggregate_function %lld, post_transform %lld", (long long)agg, (long long)p);
		return;
	}
	if (!new_forest(n, &f) || !features_ok(n, &f, cols))
		return;
	if (f.ntarget > attr_int(n, "n_targets", 1)) {
		node_error(n, "target %lld of %lld", (long long)f.ntarget - 1,
			(long long)attr_int(n, "n_targets", 1));
		return;
	}
	agg = agg == 0 ? AVERAGE : agg == 1 ? SUM : agg;
	raw = te_temp(n, "raw", ml_dtype(n->in[0]), 2, y->dim);
	walk(n, &f, raw, (Agg)agg);
	finish(n, raw, y, (Agg)agg, &f, NULL, 0, post[p]);
}

/* TreeEnsembleClassifier. Two classes of which the weights name only one, as ONNX Runtime does it: with
 * class 0 named, the score s becomes (1-s, s) or (-s, s) if a weight is negative; the second class wins above
 * 0.5, or above 0. */
typedef struct Binary { bool on; int64_t only; bool positive; } Binary;

static Binary binary_of(const Forest *f, int classes)
{
	Binary b = { .on = classes <= 2 && f->target.n > 0, .positive = true };

	for (int i = 0; i < f->target.n; i++) {
		b.on = b.on && f->target.p[i] == f->target.p[0];
		b.positive = b.positive && f->weight.p[i] >= 0;
		b.only = f->target.p[0];
	}
	return b;
}

void shape_tree_ensemble_classifier(Node *n)
{
	int classes;
	Value *table = ml_labels(n, "classlabels_int64s", "classlabels_strings", &classes);
	Ix cols, dim[2] = { ml_rows(n->in[0], &cols), ix_int(classes) };

	if (!table) {
		node_error(n, "class labels are missing");
		return;
	}
	set_out(n, 0, table->dt, 1, dim);
	set_out(n, 1, DT_F32, 2, dim);
}

static void binary_label(Node *n, Value *raw, Value *table, const Binary *b, int classes)
{
	Te *t = te_begin(n->out[0]);
	Ix i, col[2] = { t->axis[0], ix_int(classes == 1 ? 0 : b->only) };
	Expr *e = ex_bin(E_GT, te_read(raw, col, 2),
		ex_float(raw->dt, classes == 2 && b->positive ? 0.5 : 0));

	i = ex_as_ix(ex_cast(DT_I64, e), ix_int(0), ix_int(1));
	te_end(n->out[0], classes == 1 ? ex_cast(DT_I64, e) : te_read(table, &i, 1));
}

/* scores of two classes from the score of the first alone */
static void binary_scores(Node *n, Value *raw, const Binary *b, Post post)
{
	Te *t = te_begin(n->out[1]);
	Ix col[2] = { t->axis[0], ix_int(0) };
	Expr *s = te_read(raw, col, 2), *no, *first = ex_bin(E_EQ, ex_ix(t->axis[1]), i64(0));

	no = b->positive && post != POST_LOGISTIC ? ex_bin(E_SUB, ex_float(s->dt, 1), s) : ex_un(E_NEG, s);
	if (post == POST_LOGISTIC) {
		no = ml_logistic(no);
		s = ml_logistic(s);
	}
	te_end(n->out[1], ex_cast(DT_F32, ex_select(first, no, s)));
}

void lower_tree_ensemble_classifier(Node *n)
{
	int classes;
	Value *labels = ml_labels(n, "classlabels_int64s", "classlabels_strings", &classes), *raw, *sum;
	Forest f = { .nfeature = 0 };
	Ix cols, dim[2] = { ml_rows(n->in[0], &cols), ix_int(classes) };
	int64_t nbase;
	const double *base = reals(n, "base_values", &nbase);
	Binary b;
	Post post;

	if (!ml_post(n, &post) || !old_forest(n, "class", &f) || !features_ok(n, &f, cols))
		return;
	b = binary_of(&f, classes);
	if (f.ntarget > classes || (nbase > 1 && nbase != classes)) {
		node_error(n, "class %lld of %d, base_values of %lld", (long long)f.ntarget - 1, classes,
			(long long)nbase);
		return;
	}
	if ((b.on && classes == 2 && (nbase > 1 || post == POST_PROBIT)) ||
		(classes == 1 && labels->dt == DT_STR)) {
		node_unsupported(n, "a single class with weights, and %lld base_values, PROBIT or strings",
		                 (long long)nbase);
		return;
	}
	raw = te_temp(n, "raw", ml_dtype(n->in[0]), 2, dim);
	sum = te_temp(n, "score", raw->dt, 2, dim);
	walk(n, &f, raw, SUM);
	finish(n, raw, sum, SUM, &f, base, nbase, POST_NONE);
	if (out_wanted(n, 0)) {
		if (b.on)
			binary_label(n, sum, labels, &b, classes);
		else
			ml_argmax(n, sum, n->out[0], labels);
	}
	if (!out_wanted(n, 1))
		return;
	if (b.on && classes == 2 && b.only == 0)
		binary_scores(n, sum, &b, post);
	else
		ml_transform(n, sum, n->out[1], classes == 1 && post != POST_PROBIT ? POST_NONE : post);
}
