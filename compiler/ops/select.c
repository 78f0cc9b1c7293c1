/* Operators that choose elements: sorting, counting, suppressing. Where the number chosen is data, the first
 * unit computes it into an i64[1], and what follows may use the symbol bound to it. */
#include "window.h"
#include "stmts.h"
#include "../../runtime/zenith.h"

static Expr *nonzero(Expr *e)
{
	return e->dt == DT_BOOL ? e : ex_bin(E_NE, e, ex_int(e->dt, 0));
}

/* how many elements of v[0..n) of each axis are not zero, as i64[1] */
static Value *count_nonzero(Node *n, Value *v, const Ix *ext)
{
	Ix one = ix_int(1), at[WMAX], red[WMAX];
	Value *c = te_temp(n, "count", DT_I64, 1, &one);
	Expr *e;
	int nred = 0;

	te_begin(c);
	win_vars(n, v->rank, ext, at, red, &nred);
	e = nonzero(te_read(v, at, v->rank));
	/* a byte of a bool that is not 0 or 1 counts once, as it is chosen */
	te_end(c, red_sum(red, nred, v->dt == DT_BOOL ? ex_select(e, i64(1), i64(0)) : ex_cast(DT_I64, e)));
	return c;
}

void shape_non_zero(Node *n)
{
	Value *x = n->in[0];
	Ix dim[2] = { ix_int(x->rank), data_dim(n, 0, 1, ix_int(0), value_numel(x)) };

	if (x->rank > WMAX || dtype_info[x->dt].class == DC_S)
		node_unsupported(n, "input %s", value_str(x));
	else
		set_out(n, 0, DT_I64, 2, dim);
}

void lower_non_zero(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Prog *p;
	Stmt *b;
	Var *c;
	Ix at[WMAX], to[2];

	data_dim_is(n, y->dim[1], count_nonzero(n, x, x->dim));
	p = prog_begin(n, "non_zero");
	prog_out(p, y);
	b = p->body;
	c = let_int(p, b, "c", i64(0));
	for (int i = 0; i < x->rank; i++)
		at[i] = prog_for(p, b, x->dim[i], &b);
	b = st_if(b, nonzero(te_read(x, at, x->rank)));
	to[1] = var_ix(c, y->dim[1]);
	for (int i = 0; i < x->rank; i++) {
		to[0] = ix_int(i);
		prog_store(p, b, y, to, ex_ix(at[i]));
	}
	add_to(b, c, 1);
	prog_end(p);
}

/* Compress: axis, or -1 for the flattened input; *len is what is chosen from */
static bool compress_axis(Node *n, int64_t *axis, Ix *len)
{
	Value *x = n->in[0];

	*axis = -1;
	*len = value_numel(x);
	if (!attr_find(n, "axis"))
		return true;
	*axis = attr_int(n, "axis", 0);
	if (!axis_ok(n, axis, x->rank))
		return false;
	*len = x->dim[*axis];
	return true;
}

void shape_compress(Node *n)
{
	Value *x = n->in[0], *cond = n->in[1];
	Ix dim[WMAX], len;
	int64_t axis;

	if (!compress_axis(n, &axis, &len))
		return;
	if (cond->rank != 1 || x->rank > WMAX) {
		node_error(n, "ranks %d and %d", x->rank, cond->rank);
		return;
	}
	if (x->rank)
		memcpy(dim, x->dim, sizeof(Ix) * (size_t)x->rank);
	len = ix_min(len, cond->dim[0]);
	dim[axis < 0 ? 0 : axis] = data_dim(n, 0, axis < 0 ? 0 : (int)axis, ix_int(0), len);
	set_out(n, 0, x->dt, axis < 0 ? 1 : x->rank, dim);
}

void lower_compress(Node *n)
{
	Value *x = n->in[0], *cond = n->in[1], *y = n->out[0], *list;
	Ix at[WMAX], len, s, i;
	int64_t axis;
	Prog *p;
	Stmt *b;
	Var *c;
	Te *t;

	compress_axis(n, &axis, &len);
	len = ix_min(len, cond->dim[0]);
	s = y->dim[axis < 0 ? 0 : axis];
	data_dim_is(n, s, count_nonzero(n, cond, &len));
	list = te_temp(n, "chosen", DT_I64, 1, &s);
	p = prog_begin(n, "compress");
	prog_out(p, list);
	c = let_int(p, p->body, "c", i64(0));
	i = prog_for(p, p->body, len, &b);
	b = st_if(b, nonzero(te_read(cond, &i, 1)));
	at[0] = var_ix(c, s);
	prog_store(p, b, list, at, ex_ix(i));
	add_to(b, c, 1);
	prog_end(p);
	t = te_begin(y);
	if (axis < 0) {
		i = ex_as_ix(te_read(list, t->axis, 1), ix_int(0), ix_addc(len, -1));
		unflatten(i, x->dim, x->rank, at);
	} else {
		memcpy(at, t->axis, sizeof(Ix) * (size_t)x->rank);
		at[axis] = ex_as_ix(te_read(list, &t->axis[axis], 1), ix_int(0), ix_addc(len, -1));
	}
	te_end(y, te_read(x, at, x->rank));
}

/* TopK: sorted always, equal values in order of index */
enum { INSERT_MOST = 32 };      /* up to this k an insertion list is cheaper than sorting */

void shape_top_k(Node *n)
{
	Value *x = n->in[0];
	int64_t axis = attr_int(n, "axis", -1), k, d;
	Ix dim[WMAX];

	if (!axis_ok(n, &axis, x->rank))
		return;
	if (x->rank > WMAX || dtype_info[x->dt].class == DC_S) {
		node_unsupported(n, "input %s", value_str(x));
		return;
	}
	memcpy(dim, x->dim, sizeof(Ix) * (size_t)x->rank);
	dim[axis] = value_elem(n->in[1], 0, ix_int(0), x->dim[axis]);
	if (ix_isint(dim[axis], &k) && (k < 0 || (ix_isint(x->dim[axis], &d) && k > d))) {
		node_error(n, "k is %lld on an axis of %s", (long long)k, ix_str(x->dim[axis]));
		return;
	}
	set_out(n, 0, x->dt, x->rank, dim);
	set_out(n, 1, DT_I64, x->rank, dim);
}

typedef struct Row { Value *x; Ix at[WMAX]; int axis; bool descending; } Row;

static Expr *row_elem(Row *r, Expr *i)
{
	r->at[r->axis] = ex_as_ix(i, ix_int(0), ix_addc(r->x->dim[r->axis], -1));
	return te_read(r->x, r->at, r->x->rank);
}

static Expr *row_before(Prog *p, Stmt *b, Expr *i, Expr *j, void *arg)
{
	Row *r = arg;

	(void)p;
	(void)b;
	return value_before(row_elem(r, i), row_elem(r, j), r->descending);
}

/* list[0..k) = indices of the first k of the row in order; list holds k */
static void insert_first(Prog *p, Stmt *b, Mem *list, Ix n, Ix k, Row *r)
{
	Var *cnt = let_int(p, b, "count", i64(0)), *j, *go;
	Stmt *s;
	Ix i = prog_for(p, b, n, &b), jx, before;

	go = st_let(b, p->kern, "enters", ex_bin(E_LT, ex_var(cnt), ex_ix(k)));
	s = st_if(b, ex_un(E_NOT, ex_var(go)));
	st_set(s, go, row_before(p, s, ex_ix(i), ex_load(list, ix_addc(k, -1)), r));
	b = st_if(b, ex_var(go));
	j = let_int(p, b, "j", ex_bin(E_MIN, ex_var(cnt), ex_ix(ix_addc(k, -1))));
	st_set(b, cnt, ex_bin(E_MIN, ex_bin(E_ADD, ex_var(cnt), i64(1)), ex_ix(k)));
	jx = var_ix(j, k);
	before = ex_as_ix(ex_bin(E_SUB, ex_var(j), i64(1)), ix_int(0), ix_addc(k, -1));
	s = st_while(b, land(ex_bin(E_GT, ex_var(j), i64(0)),
	                     row_before(p, b, ex_ix(i), ex_load(list, before), r)));
	st_store(s, list, jx, ex_load(list, before));
	add_to(s, j, -1);
	st_store(b, list, jx, ex_ix(i));
}

void lower_top_k(Node *n)
{
	Value *x = n->in[0], *y = out_wanted(n, 0) ? n->out[0] : NULL,
		*index = out_wanted(n, 1) ? n->out[1] : NULL;
	int64_t axis = attr_int(n, "axis", -1), most;
	Row r = { .x = x, .descending = attr_int(n, "largest", 1) != 0 };
	Prog *p = prog_begin(n, "top_k");
	Stmt *b = p->body, *s;
	Mem *list, *other;
	Ix len, k, i;
	bool few;

	axis_ok(n, &axis, x->rank);
	r.axis = (int)axis;
	len = x->dim[axis];
	k = (y ? y : index)->dim[axis];
	few = ix_isint(k, &most) && most > 0 && most <= INSERT_MOST;
	if (!ix_ge(len, k))
		st_fail(b, p->kern, ex_bin(E_GT, ex_ix(k), ex_ix(len)), ZENITH_BAD_DATA);
	if (y)
		prog_out(p, y);
	if (index)
		prog_out(p, index);
	for (int a = 0; a < x->rank; a++)
		if (a != axis)
			r.at[a] = prog_for(p, b, x->dim[a], &b);
	list = prog_scratch(p, "list", DT_I64, few ? k : len);
	if (few) {
		insert_first(p, b, list, len, k, &r);
	} else {
		other = prog_scratch(p, "other", DT_I64, len);
		i = prog_for(p, b, len, &s);
		st_store(s, list, i, ex_ix(i));
		sort_list(p, b, list, other, ex_ix(len), row_before, &r);
	}
	i = prog_for(p, b, k, &s);
	r.at[axis] = i;
	if (index)
		prog_store(p, s, index, r.at, ex_load(list, i));
	if (y) {
		Ix at[WMAX];
		memcpy(at, r.at, sizeof at);
		prog_store(p, s, y, at, row_elem(&r, ex_load(list, i)));
	}
	prog_end(p);
}

/* Unique: of elements, or of subtensors along an axis */
static bool unique_axis(Node *n, int64_t *axis, Ix *len)
{
	return compress_axis(n, axis, len);
}

void shape_unique(Node *n)
{
	Value *x = n->in[0];
	Ix dim[WMAX], len, s;
	int64_t axis;

	if (!unique_axis(n, &axis, &len))
		return;
	if (x->rank > WMAX || dtype_info[x->dt].class == DC_S) {
		node_unsupported(n, "input %s", value_str(x));
		return;
	}
	memcpy(dim, x->dim, sizeof(Ix) * (size_t)x->rank);
	if (out_wanted(n, 0))
		s = data_dim(n, 0, axis > 0 ? (int)axis : 0, ix_int(0), len);
	else
		s = data_dim(n, out_wanted(n, 1) ? 1 : 3, 0, ix_int(0), len);
	dim[axis < 0 ? 0 : axis] = s;
	set_out(n, 0, x->dt, axis < 0 ? 1 : x->rank, dim);
	set_out(n, 1, DT_I64, 1, &s);
	set_out(n, 2, DT_I64, 1, &len);
	set_out(n, 3, DT_I64, 1, &s);
}

typedef struct Items { Value *x; int64_t axis; Ix len, numel; } Items;

/* element `at` of x, its index along the axis replaced by i */
static Expr *item(const Items *it, const Ix *at, Expr *i)
{
	Ix to[WMAX], ix = ex_as_ix(i, ix_int(0), ix_addc(it->len, -1));

	if (it->axis < 0) {
		unflatten(ix, it->x->dim, it->x->rank, to);
	} else {
		memcpy(to, at, sizeof(Ix) * (size_t)it->x->rank);
		to[it->axis] = ix;
	}
	return te_read(it->x, to, it->x->rank);
}

/* lexicographic order of subtensors: the first difference decides */
static Expr *item_before(Prog *p, Stmt *b, Expr *i, Expr *j, void *arg)
{
	Items *it = arg;
	Var *less, *more;
	Ix at[WMAX];
	Stmt *s = b;
	Expr *x, *y;

	if (it->axis < 0)
		return value_before(item(it, NULL, i), item(it, NULL, j), false);
	less = st_let(b, p->kern, "less", ex_int(DT_BOOL, 0));
	more = st_let(b, p->kern, "more", ex_int(DT_BOOL, 0));
	for (int a = 0; a < it->x->rank; a++)
		if (a != it->axis)
			at[a] = prog_for(p, s, it->x->dim[a], &s);
	s = st_if(s, ex_un(E_NOT, ex_bin(E_OR, ex_var(less), ex_var(more))));
	x = item(it, at, i);
	y = item(it, at, j);
	st_set(s, less, value_before(x, y, false));
	st_set(s, more, value_before(y, x, false));
	return ex_var(less);
}

/* sorts, then gives every item the index of its first equal (same[]) */
static void find_equals(Prog *p, Items *it, Mem *list, Mem *same)
{
	Stmt *b, *s;
	Ix i = prog_for(p, p->body, it->len, &b), at;
	Var *first;
	Expr *cur, *e;

	st_store(b, list, i, ex_ix(i));
	sort_list(p, p->body, list, same, ex_ix(it->len), item_before, it);
	first = let_int(p, p->body, "first", i64(0));
	i = prog_for(p, p->body, it->len, &b);
	cur = ex_load(list, i);
	s = st_if(b, ex_bin(E_EQ, ex_ix(i), i64(0)));
	st_set(s, first, cur);
	s = st_else(b);
	e = item_before(p, s, ex_var(first), cur, it);
	s = st_if(s, e);
	st_set(s, first, cur);
	at = ex_as_ix(cur, ix_int(0), ix_addc(it->len, -1));
	st_store(b, same, at, ex_var(first));
}

/* numbers the groups in order of list (sorted) or of first occurrence; writes first index, count and
 * inverse */
static void number_groups(Prog *p, Items *it, Mem *list, Mem *same, Mem *number, bool sorted,
	Value *const out[4])
{
	Var *c = let_int(p, p->body, "c", i64(0));
	Stmt *b, *s;
	Ix i = prog_for(p, p->body, it->len, &b), at, f, zero = ix_int(0), id;
	Expr *who = sorted ? ex_load(list, i) : ex_ix(i);

	at = ex_as_ix(who, zero, ix_addc(it->len, -1));
	s = st_if(b, ex_bin(E_EQ, ex_load(same, at), who));
	st_store(s, number, at, ex_var(c));
	id = var_ix(c, it->len);
	prog_store(p, s, out[1], &id, who);
	prog_store(p, s, out[2], &id, i64(0));
	add_to(s, c, 1);
	i = prog_for(p, p->body, it->len, &b);
	f = ex_as_ix(ex_load(same, i), zero, ix_addc(it->len, -1));
	id = ex_as_ix(ex_load(number, f), zero, ix_addc(it->len, -1));
	prog_store(p, b, out[3], &i, ex_ix(id));
	prog_store(p, b, out[2], &id, ex_bin(E_ADD, prog_load(p, out[2], &id), i64(1)));
	prog_store(p, p->body, out[0], &zero, ex_var(c));
}

void lower_unique(Node *n)
{
	Items it = { .x = n->in[0] };
	Value *tmp[4], *y = out_wanted(n, 0) ? n->out[0] : NULL;
	Ix one = ix_int(1), s = NULL;
	Prog *p = prog_begin(n, "unique");
	Mem *list, *same, *number;
	Te *t;

	unique_axis(n, &it.axis, &it.len);
	tmp[0] = te_temp(n, "count", DT_I64, 1, &one);
	tmp[1] = te_temp(n, "first", DT_I64, 1, &it.len);
	tmp[2] = te_temp(n, "number", DT_I64, 1, &it.len);
	tmp[3] = out_or_temp(n, 2, "inverse", DT_I64, 1, &it.len);
	for (int i = 0; i < 4; i++)
		prog_out(p, tmp[i]);
	list = prog_scratch(p, "list", DT_I64, it.len);
	same = prog_scratch(p, "same", DT_I64, it.len);
	number = prog_scratch(p, "group", DT_I64, it.len);
	find_equals(p, &it, list, same);
	number_groups(p, &it, list, same, number, attr_int(n, "sorted", 1) != 0, tmp);
	prog_end(p);
	if (y)
		s = y->dim[it.axis < 0 ? 0 : it.axis];
	else if (out_wanted(n, 1) || out_wanted(n, 3))
		s = n->out[out_wanted(n, 1) ? 1 : 3]->dim[0];
	if (s)
		data_dim_is(n, s, tmp[0]);
	if (y) {
		t = te_begin(y);
		te_end(y, item(&it, t->axis, te_read(tmp[1], &t->axis[it.axis < 0 ? 0 : it.axis], 1)));
	}
	for (int o = 1; o <= 3; o += 2)
		if (out_wanted(n, o)) {
			t = te_begin(n->out[o]);
			te_end(n->out[o], te_read(tmp[o == 1 ? 1 : 2], t->axis, 1));
		}
}
