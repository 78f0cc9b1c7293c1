/* Reading and writing at indices that are data: Gather*, Scatter*, OneHot, ReverseSequence, TensorScatter. */
#include "../ops.h"

#include <math.h>
#include "../../runtime/zenith.h"

static bool is_index(Node *n, const Value *v)
{
	if (v->dt != DT_I64 && v->dt != DT_I32)
		node_error(n, "indices of type %s", dt_name(v->dt));
	return v->dt == DT_I64 || v->dt == DT_I32;
}

void shape_gather(Node *n)
{
	Value *x = n->in[0], *k = n->in[1];
	int64_t axis = attr_int(n, "axis", 0);
	Ix dim[x->rank + k->rank + 1];
	int r = 0;

	if (!is_index(n, k) || !axis_ok(n, &axis, x->rank))
		return;
	for (int i = 0; i < axis; i++)
		dim[r++] = x->dim[i];
	for (int i = 0; i < k->rank; i++)
		dim[r++] = k->dim[i];
	for (int i = (int)axis + 1; i < x->rank; i++)
		dim[r++] = x->dim[i];
	set_out(n, 0, x->dt, r, dim);
}

void lower_gather(Node *n)
{
	Value *x = n->in[0], *k = n->in[1], *y = n->out[0];
	int64_t axis = attr_int(n, "axis", 0);
	Te *t = te_begin(y);
	Ix ix[x->rank + 1];

	axis_ok(n, &axis, x->rank);
	for (int i = 0; i < x->rank; i++)
		ix[i] = i == axis ? NULL : t->axis[i < axis ? i : i + k->rank - 1];
	ix[axis] = te_index(k, t->axis + axis, k->rank, x->dim[axis]);
	te_end(y, te_read(x, ix, x->rank));
}

void shape_gather_elements(Node *n)
{
	Value *x = n->in[0], *k = n->in[1];
	int64_t axis = attr_int(n, "axis", 0);

	if (!is_index(n, k) || !axis_ok(n, &axis, x->rank))
		return;
	if (k->rank != x->rank)
		node_error(n, "indices of rank %d for data of rank %d", k->rank, x->rank);
	else
		set_out(n, 0, x->dt, k->rank, k->dim);
}

/* indices are no larger than the data along the other axes */
static void within(Node *n, const Value *k, const Value *x, int64_t axis)
{
	Ix room;

	for (int i = 0; i < k->rank; i++) {
		room = ix_sub(x->dim[i], k->dim[i]);
		if (i == axis || ix_ge0(room))
			continue;
		if (ix_lt0(room))
			node_error(n, "indices %s for data %s", value_str(k), value_str(x));
		else
			te_fail(n, "check_indices", ex_bin(E_LT, ex_ix(room), ex_int(DT_I64, 0)),
				ZENITH_BAD_SHAPE);
	}
}

void lower_gather_elements(Node *n)
{
	Value *x = n->in[0], *k = n->in[1];
	int64_t axis = attr_int(n, "axis", 0);
	Te *t = te_begin(n->out[0]);
	Ix ix[x->rank + 1];

	axis_ok(n, &axis, x->rank);
	within(n, k, x, axis);
	memcpy(ix, t->axis, sizeof *ix * (size_t)x->rank);
	ix[axis] = te_index(k, t->axis, k->rank, x->dim[axis]);
	te_end(n->out[0], te_read(x, ix, x->rank));
}

/* elements of the last axis of an index tensor: how many leading axes of the data they index; -1 after
 * error() */
static int tuple_len(Node *n, const Value *k, int most)
{
	int64_t m;

	if (k->rank < 1 || !ix_isint(k->dim[k->rank - 1], &m)) {
		node_unsupported(n, "the last dimension of the indices must be constant");
		return -1;
	}
	if (m > most) {
		node_error(n, "indices of %lld axes for %d", (long long)m, most);
		return -1;
	}
	return (int)m;
}

void shape_gather_n_d(Node *n)
{
	Value *x = n->in[0], *k = n->in[1];
	int64_t b = attr_int(n, "batch_dims", 0);
	int m, r = 0;
	Ix dim[x->rank + k->rank + 1];

	if (!is_index(n, k))
		return;
	if (b < 0 || b >= k->rank || b > x->rank) {
		node_error(n, "batch_dims is %lld", (long long)b);
		return;
	}
	for (int i = 0; i < b; i++)
		if (!ix_assume_equal(x->dim[i], k->dim[i], "dims of a batch")) {
			node_error(n, "%s at %s, batch_dims %lld", value_str(x), value_str(k), (long long)b);
			return;
		}
	if ((m = tuple_len(n, k, x->rank - (int)b)) < 0)
		return;
	for (int i = 0; i < k->rank - 1; i++)
		dim[r++] = k->dim[i];
	for (int i = (int)b + m; i < x->rank; i++)
		dim[r++] = x->dim[i];
	set_out(n, 0, x->dt, r, dim);
}

/* the m indices k[at..., 0..m) of axes from `first` on of x */
static void read_tuple(Value *k, const Ix *at, int m, const Value *x, int first, Ix *ix)
{
	Ix pos[k->rank + 1];

	memcpy(pos, at, sizeof *pos * (size_t)(k->rank - 1));
	for (int i = 0; i < m; i++) {
		pos[k->rank - 1] = ix_int(i);
		ix[first + i] = te_index(k, pos, k->rank, x->dim[first + i]);
	}
}

void lower_gather_n_d(Node *n)
{
	Value *x = n->in[0], *k = n->in[1], *y = n->out[0];
	int b = (int)attr_int(n, "batch_dims", 0), m = tuple_len(n, k, x->rank - b);
	Te *t = te_begin(y);
	Ix ix[x->rank + 1];

	memcpy(ix, t->axis, sizeof *ix * (size_t)b);
	read_tuple(k, t->axis, m, x, b, ix);
	for (int i = b + m; i < x->rank; i++)
		ix[i] = t->axis[k->rank - 1 + i - b - m];
	te_end(y, te_read(x, ix, x->rank));
}

/* ---- scatter: a copy of the data, then the updates in order */

typedef enum Scatter { SC_NONE, SC_ADD, SC_MUL, SC_MIN, SC_MAX, NSCATTER } Scatter;

static bool scatter_how(Node *n, Scatter *how)
{
	static const char *const name[] = { "none", "add", "mul", "min", "max" };
	const char *s = attr_str(n, "reduction", "none");

	for (int i = 0; i < NSCATTER; i++)
		if (!strcmp(s, name[i])) {
			*how = (Scatter)i;
			return true;
		}
	node_error(n, "reduction '%s'", quoted(s));
	return false;
}

static bool scatter_types(Node *n)
{
	Scatter how;

	if (!is_index(n, n->in[1]) || !scatter_how(n, &how))
		return false;
	if (n->in[0]->dt != n->in[2]->dt) {
		node_error(n, "updates of type %s for data of %s", dt_name(n->in[2]->dt),
			   dt_name(n->in[0]->dt));
		return false;
	}
	if (how != SC_NONE && !dt_float(n->in[0]->dt) && !dt_int(n->in[0]->dt)) {
		node_unsupported(n, "a reduction of %s", dt_name(n->in[0]->dt));
		return false;
	}
	return true;
}

static Prog *scatter_begin(Node *n, const char *name)
{
	Value *x = n->in[0], *y = n->out[0];
	Prog *p = prog_begin(n, name);
	Stmt *b = p->body;
	Ix ix[x->rank + 1];

	prog_out(p, y);
	for (int i = 0; i < x->rank; i++)
		ix[i] = prog_for(p, b, x->dim[i], &b);
	prog_store(p, b, y, ix, te_read(x, ix, x->rank));
	return p;
}

static void scatter_one(Prog *p, Stmt *b, Value *y, const Ix *ix, Scatter how, Expr *e)
{
	static const EOp op[] = { E_NONE, E_ADD, E_MUL, E_MIN, E_MAX };

	if (how != SC_NONE)
		e = ex_bin(op[how], prog_load(p, y, ix), e);
	prog_store(p, b, y, ix, e);
}

void shape_scatter_elements(Node *n)
{
	Value *x = n->in[0], *k = n->in[1], *u = n->in[2];
	int64_t axis = attr_int(n, "axis", 0);

	if (!scatter_types(n) || !axis_ok(n, &axis, x->rank))
		return;
	if (k->rank != x->rank || u->rank != x->rank)
		node_error(n, "indices of rank %d for data of rank %d", k->rank, x->rank);
	else if (in_dims(n, 2, k->rank, k->dim))
		out_like(n, 0, x);
}

void lower_scatter_elements(Node *n)
{
	Value *x = n->in[0], *k = n->in[1], *u = n->in[2], *y = n->out[0];
	int64_t axis = attr_int(n, "axis", 0);
	Scatter how = SC_NONE;
	Prog *p = scatter_begin(n, "scatter_elements");
	Stmt *b = p->body;
	Ix at[k->rank + 1], ix[k->rank + 1];

	axis_ok(n, &axis, x->rank);
	scatter_how(n, &how);
	within(n, k, x, axis);
	for (int i = 0; i < k->rank; i++)
		at[i] = ix[i] = prog_for(p, b, k->dim[i], &b);
	ix[axis] = te_index(k, at, k->rank, x->dim[axis]);
	scatter_one(p, b, y, ix, how, te_read(u, at, u->rank));
	prog_end(p);
}

void shape_scatter_n_d(Node *n)
{
	Value *x = n->in[0], *k = n->in[1];
	Ix dim[x->rank + k->rank + 1];
	int m, r = 0;

	if (!scatter_types(n) || (m = tuple_len(n, k, x->rank)) < 0)
		return;
	for (int i = 0; i < k->rank - 1; i++)
		dim[r++] = k->dim[i];
	for (int i = m; i < x->rank; i++)
		dim[r++] = x->dim[i];
	if (in_dims(n, 2, r, dim))
		out_like(n, 0, x);
}

void lower_scatter_n_d(Node *n)
{
	Value *x = n->in[0], *k = n->in[1], *u = n->in[2], *y = n->out[0];
	int m = tuple_len(n, k, x->rank), r = 0;
	Scatter how = SC_NONE;
	Prog *p = scatter_begin(n, "scatter_nd");
	Stmt *b = p->body;
	Ix at[k->rank + x->rank + 1], ix[x->rank + 1];

	scatter_how(n, &how);
	while (r < k->rank - 1) {
		at[r] = prog_for(p, b, k->dim[r], &b);
		r++;
	}
	read_tuple(k, at, m, x, 0, ix);
	for (int i = m; i < x->rank; i++)
		ix[i] = at[r++] = prog_for(p, b, x->dim[i], &b);
	scatter_one(p, b, y, ix, how, te_read(u, at, u->rank));
	prog_end(p);
}

/* The cache, with `update` written at write_indices[batch] along an axis; circular: modulo its length */
void shape_tensor_scatter(Node *n)
{
	Value *x = n->in[0], *u = n->in[1];
	int64_t axis = attr_int(n, "axis", -2);
	bool ok;

	if (!axis_ok(n, &axis, x->rank) || !in_vector(n, 2, x->dim[0], false))
		return;
	ok = u->rank == x->rank && u->dt == x->dt;
	for (int i = 0; ok && i < x->rank; i++)
		ok = i == axis || ix_assume_equal(u->dim[i], x->dim[i], "dims of an update");
	if (!ok)
		node_error(n, "%s does not update %s", value_str(u), value_str(x));
	else
		out_like(n, 0, x);
}

void lower_tensor_scatter(Node *n)
{
	Value *x = n->in[0], *u = n->in[1], *w = in_opt(n, 2), *y = n->out[0];
	int64_t axis = attr_int(n, "axis", -2);
	bool circular = !strcmp(attr_str(n, "mode", "linear"), "circular");
	Te *t = te_begin(y);
	Ix ix[x->rank + 1], at, cond[2];

	axis_ok(n, &axis, x->rank);
	at = w ? te_index(w, t->axis, 1, x->dim[axis]) : ix_int(0);
	if (w && !circular)
		te_require(n, w, ix_int(0), ix_sub(x->dim[axis], u->dim[axis]), ZENITH_BAD_INDEX);
	memcpy(ix, t->axis, sizeof *ix * (size_t)x->rank);
	ix[axis] = ix_sub(ix[axis], at);
	if (circular)
		ix[axis] = ix_mod(ix[axis], x->dim[axis]);
	cond[0] = ix[axis];
	cond[1] = ix_addc(ix_sub(u->dim[axis], ix[axis]), -1);
	te_end(y, ex_guard(cond, 2, te_read(u, ix, u->rank), te_read(x, t->axis, x->rank)));
}

/* ---- others */

/* a dim given as a tensor of one number of any type; NULL if it is a float that only data tells */
static Ix dim_of(Value *v)
{
	double d;

	if (const_float(v, &d))
		return fabs(d) < 1e15 ? ix_int((int64_t)d) : NULL;
	return dt_int(v->dt) ? dim_elem(v, 0, ix_int(0), NULL) : NULL;
}

void shape_one_hot(Node *n)
{
	Value *k = n->in[0], *y = n->out[0];
	int64_t axis = attr_int(n, "axis", -1);
	Ix dim[k->rank + 2], depth = dim_of(n->in[1]);
	const IxAtom *was;
	double d;

	if (!axis_ok(n, &axis, k->rank + 1) || !in_vector(n, 2, ix_int(2), false))
		return;
	if (!depth && const_float(n->in[1], &d)) {
		node_error(n, "a depth of %g", d);
		return;
	}
	was = !depth && y->rank == k->rank + 1 ? ix_atom(y->dim[axis]) : NULL;
	if (!depth)
		depth = was && was->kind == IX_SYM && !was->name ? y->dim[axis]
								 : ix_sym(NULL, ix_int(0), ix_int(INT32_MAX));
	for (int i = 0; i <= k->rank; i++)
		dim[i] = i < axis ? k->dim[i] : i == axis ? depth : k->dim[i - 1];
	set_out(n, 0, n->in[2]->dt, k->rank + 1, dim);
}

/* binds the symbol that is the depth */
static void bind_depth(Node *n, Ix depth)
{
	Value *v = te_temp(n, "depth", DT_I64, 0, NULL);

	te_begin(v);
	te_end(v, xmax(ex_cast(DT_I64, te_scalar(n->in[1])), ex_int(DT_I64, 0)));
	sym_bind(n->graph->model, depth, v, 0);
}

void lower_one_hot(Node *n)
{
	Value *k = n->in[0], *v = n->in[2], *y = n->out[0];
	int64_t axis = attr_int(n, "axis", -1);
	Ix at[k->rank + 1], one = ix_int(1), zero = ix_int(0);
	Expr *e;
	Te *t;

	axis_ok(n, &axis, y->rank);
	if (dim_of(n->in[1]) != y->dim[axis] && sym_own(n, y->dim[axis]))
		bind_depth(n, y->dim[axis]);
	t = te_begin(y);
	for (int i = 0; i < k->rank; i++)
		at[i] = t->axis[i < axis ? i : i + 1];
	e = ex_cast(DT_I64, te_read(k, at, k->rank));
	e = ex_select(ex_bin(E_LT, e, ex_int(DT_I64, 0)), xadd(e, ex_ix(y->dim[axis])), e);
	e = ex_bin(E_EQ, e, ex_ix(t->axis[axis]));
	te_end(y, ex_select(e, te_read(v, &one, 1), te_read(v, &zero, 1)));
}

void shape_reverse_sequence(Node *n)
{
	int64_t ba = attr_int(n, "batch_axis", 1);

	if (n->in[0]->rank < 2 || n->in[1]->rank != 1)
		node_error(n, "sequence_lens of rank %d for data of rank %d", n->in[1]->rank, n->in[0]->rank);
	else if (axis_ok(n, &ba, n->in[0]->rank) && in_vector(n, 1, n->in[0]->dim[ba], false))
		out_like(n, 0, n->in[0]);
}

void lower_reverse_sequence(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	int64_t ba = attr_int(n, "batch_axis", 1), ta = attr_int(n, "time_axis", 0);
	Te *t = te_begin(y);
	Ix ix[x->rank + 1], top;
	Expr *len, *at;

	if (!axis_ok(n, &ba, x->rank) || !axis_ok(n, &ta, x->rank))
		return;
	memcpy(ix, t->axis, sizeof *ix * (size_t)x->rank);
	top = ix_addc(x->dim[ta], -1);
	te_require(n, n->in[1], ix_int(0), x->dim[ta], ZENITH_BAD_DATA);
	len = xmin(ex_cast(DT_I64, te_read(n->in[1], &t->axis[ba], 1)), ex_ix(x->dim[ta]));
	at = ex_ix(t->axis[ta]);
	at = ex_select(ex_bin(E_LT, at, len), xsub(xsub(len, ex_int(DT_I64, 1)), at), at);
	ix[ta] = ex_as_ix(at, ix_int(0), top);
	te_end(y, te_read(x, ix, x->rank));
}
