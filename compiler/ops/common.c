/* Helpers that the operators of this folder share (ops.h). */
#include "../ops.h"
#include "../../runtime/zenith.h"

Value *in_opt(const Node *n, int i)
{
	return i < n->nin ? n->in[i] : NULL;
}

bool in_vector(Node *n, int i, Ix len, bool one)
{
	Value *v = in_opt(n, i);

	if (!v || (one && ix_is(value_numel(v), 1)))
		return true;
	if (v->rank == 1 && ix_assume_equal(v->dim[0], len, "elements of a vector"))
		return true;
	node_error(n, "input %d is %s, expected [%s]", i, value_str(v), ix_str(len));
	return false;
}

static bool misfit(Node *n, int i, const char *expected, int rank, const Ix *dim)
{
	Buf want = { 0 };

	type_dims(&want, rank, dim);
	node_error(n, "input %d is %s, expected %s%s", i, value_str(n->in[i]), expected, buf_str(&want));
	return false;
}

bool in_dims(Node *n, int i, int rank, const Ix *dim)
{
	Value *v = in_opt(n, i);
	bool ok = !v || v->rank == rank;

	for (int k = 0; v && ok && k < rank; k++)
		ok = ix_assume_equal(v->dim[k], dim[k], "dims of an operand");
	return ok || misfit(n, i, "", rank, dim);
}

bool out_wanted(const Node *n, int i)
{
	return i < n->nout && n->out[i];
}

/* from is 1 or to; where only dims tell, that is assumed */
static bool spreads(Ix from, Ix to)
{
	return ix_is(from, 1) || ix_equal(from, to) || ix_assume_equal(ix_bcast(from, to), to, "dims that are broadcast");
}

bool in_bcast(Node *n, int i, int rank, const Ix *dim)
{
	Value *v = in_opt(n, i);
	bool ok = !v || v->rank <= rank;

	for (int k = 0; v && ok && k < v->rank; k++)
		ok = spreads(v->dim[k], dim[rank - v->rank + k]);
	return ok || misfit(n, i, "what spreads to ", rank, dim);
}

bool in_spread(Node *n, int i, int axis, int rank, const Ix *dim)
{
	Value *v = in_opt(n, i);

	if (!v || ix_is(value_numel(v), 1))
		return true;
	return v->rank == 1 ? in_vector(n, i, dim[axis], true) : in_bcast(n, i, rank, dim);
}

bool in_parts(Node *n, Ix whole, Ix parts, const char *what)
{
	Ix each = ix_div(whole, ix_max(parts, ix_int(1)));

	if (ix_assume_equal(whole, ix_mul(each, parts), what))
		return true;
	node_error(n, "%s: %s do not divide %s", what, ix_str(parts), ix_str(whole));
	return false;
}

void set_out(Node *n, int i, DType dt, int rank, const Ix *dim)
{
	if (out_wanted(n, i))
		value_set_dims(n->out[i], dt, rank, dim);
}

bool out_like(Node *n, int i, const Value *v)
{
	if (!out_wanted(n, i))
		return false;
	if (v->kind == V_TENSOR) {
		value_set_dims(n->out[i], v->dt, v->rank, v->dim);
		return true;
	}
	n->out[i]->kind = v->kind;
	n->out[i]->dt = v->dt;
	n->out[i]->elem = v->elem;
	return true;
}

/* one dim of a broadcast; NULL if a and b cannot be broadcast */
static Ix broadcast_dim(Ix a, Ix b)
{
	int64_t x, y;

	if (ix_equal(a, b) || ix_is(b, 1))
		return a;
	if (ix_is(a, 1))
		return b;
	if (ix_isint(a, &x) && ix_isint(b, &y))
		return NULL;
	if (ix_isint(a, &x))
		return a;       /* b is 1 or a: either way the result is a */
	if (ix_isint(b, &x))
		return b;
	return ix_bcast(a, b);
}

static bool cannot_spread(Node *n, Ix a, Ix b)
{
	node_error(n, "shapes cannot be broadcast: dimension %s against %s", ix_str(a), ix_str(b));
	return false;
}

bool broadcast_dims(Node *n, Value *const *in, int nin, Ix *dim, int *rank)
{
	int r = 0;

	for (int i = 0; i < nin; i++)
		r = in[i] && in[i]->rank > r ? in[i]->rank : r;
	*rank = r;
	for (int k = 0; k < r; k++) {
		dim[k] = ix_int(1);
		for (int i = 0; i < nin; i++) {
			int j = in[i] ? k - r + in[i]->rank : -1;
			if (j < 0)
				continue;
			Ix d = broadcast_dim(dim[k], in[i]->dim[j]);
			if (!d)
				return cannot_spread(n, dim[k], in[i]->dim[j]);
			dim[k] = d;
		}
		for (int i = 0; i < nin; i++) {
			int j = in[i] ? k - r + in[i]->rank : -1;
			if (j >= 0 && !spreads(in[i]->dim[j], dim[k]))
				return cannot_spread(n, in[i]->dim[j], dim[k]);
		}
	}
	return true;
}

void fail_from_nothing(Node *n, Ix in, Ix out)
{
	if (!ix_gt0(in))
		te_fail(n, "check_empty", ex_bin(E_AND, ex_bin(E_LT, ex_ix(in), ex_int(DT_I64, 1)),
			ex_bin(E_GT, ex_ix(out), ex_int(DT_I64, 0))), ZENITH_BAD_SHAPE);
}

bool norm_axis(Node *n, int64_t *axis, int rank)
{
	return axis_ok(n, axis, rank ? rank : 1);
}

Ix unflat(Ix lin, const Ix *dim, int rank, Ix *ix)
{
	for (int i = rank - 1; i >= 0; i--) {
		if (ix_is(dim[i], 1)) {
			ix[i] = ix_int(0);
		} else if (i == 0) {
			ix[i] = lin;
		} else {
			ix[i] = ix_mod(lin, dim[i]);
			lin = ix_div(lin, dim[i]);
		}
	}
	return lin;
}

Ix flat_at(const Ix *ix, const Ix *dim, int rank)
{
	Ix at = ix_int(0);

	for (int i = 0; i < rank; i++)
		at = ix_add(ix_mul(at, dim[i]), ix[i]);
	return at;
}

DType acc_type(DType dt)
{
	return dt == DT_F16 || dt == DT_BF16 || dtype_info[dt].class == DC_N ? DT_F32 : dt;
}

Expr *ex_acc(Expr *e)
{
	return ex_cast(acc_type(e->dt), e);
}

bool is_float8(DType dt)
{
	return dt == DT_F8E4M3FN || dt == DT_F8E4M3FNUZ || dt == DT_F8E5M2 || dt == DT_F8E5M2FNUZ;
}

/* the number of elements of a 1-D integer tensor, which must be constant; -1 after an error */
int ints_len(Node *n, const Value *v)
{
	int64_t k;

	if (!dt_int(v->dt)) {
		node_error(n, "%s is no list of integers", value_str(v));
		return -1;
	}
	if (v->rank == 0)
		return 1;
	if (v->rank == 1 && ix_isint(v->dim[0], &k) && k < INT32_MAX)
		return (int)k;
	node_unsupported(n, "the length of %s must be constant", value_str(v));
	return -1;
}

int dims_len(Node *n, const Value *v)
{
	int k = ints_len(n, v);

	limit_check(LIM_RANK, k, node_where(n));
	return k;
}
