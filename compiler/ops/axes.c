/* Axes that are data. Each axis has a flag, an index that is 1 where the axis is among them and else 0: a
 * constant in nearly every model, so that all of this simplifies away. */
#include "../ops.h"

Ix is_equal01(Ix a, Ix b)
{
	Ix d = ix_sub(a, b), e = ix_sub(b, a);

	if (ix_equal(a, b))
		return ix_int(1);
	if (ix_gt0(d) || ix_gt0(e))
		return ix_int(0);
	return ix_max(ix_int(0), ix_sub(ix_int(1), ix_max(d, e)));
}

Ix is_neg01(Ix a)
{
	if (ix_ge0(a))
		return ix_int(0);
	return ix_min(ix_int(1), ix_max(ix_int(0), ix_mulc(a, -1)));
}

static bool flags_of(Node *n, const int64_t *a, int count, int rank, Ix *flag)
{
	for (int i = 0; i < count; i++) {
		int64_t at = a[i];
		if (!axis_ok(n, &at, rank))
			return false;
		if (ix_is(flag[at], 1)) {
			node_error(n, "axis %d is given twice", (int)at);
			return false;
		}
		flag[at] = ix_int(1);
	}
	return true;
}

bool axes_flags(Node *n, Value *axes, const char *attr, int rank, Ix *flag, int *count)
{
	int64_t *c;
	bool known = true;
	const int64_t *a;

	for (int i = 0; i < rank; i++)
		flag[i] = ix_int(0);
	if (!axes) {
		*count = 0;
		a = attr ? attr_ints(n, attr, count) : NULL;
		return flags_of(n, a, *count, rank, flag);
	}
	*count = ints_len(n, axes);
	if (*count < 0)
		return false;
	if (*count > rank) {
		node_error(n, "%d axes are given for %d dimensions", *count, rank);
		return false;
	}
	Ix e[*count + 1];
	c = NEWN(int64_t, *count + 1);
	for (int k = 0; k < *count; k++) {
		e[k] = dim_elem(axes, k, ix_int(-rank), ix_int(rank - 1));
		known = known && ix_isint(e[k], &c[k]);
	}
	if (known)
		return flags_of(n, c, *count, rank, flag);
	for (int i = 0; i < rank; i++)
		for (int k = 0; k < *count; k++) {
			flag[i] = ix_max(flag[i], is_equal01(e[k], ix_int(i)));
			flag[i] = ix_max(flag[i], is_equal01(e[k], ix_int(i - rank)));
		}
	return true;
}

/* how many of the axes before i are not flagged */
static Ix kept_before(const Ix *flag, int i)
{
	Ix p = ix_int(i);

	for (int m = 0; m < i; m++)
		p = ix_sub(p, flag[m]);
	return p;
}

void dropped_dims(const Ix *dim, const Ix *flag, int rank, Ix *out, int nout)
{
	Ix one = ix_int(1);

	for (int j = 0; j < nout; j++) {
		out[j] = ix_int(0);
		for (int i = 0; i < rank; i++)
			out[j] = ix_max(out[j], ix_mul(ix_mul(ix_sub(one, flag[i]), dim[i]),
				is_equal01(kept_before(flag, i), ix_int(j))));
	}
}

Ix dropped_axis(const Ix *flag, int i, const Ix *axis, int nout)
{
	Ix at = kept_before(flag, i), sum = ix_int(0);

	for (int j = 0; j < nout; j++)
		sum = ix_max(sum, ix_mul(axis[j], is_equal01(at, ix_int(j))));
	return ix_mul(sum, ix_sub(ix_int(1), flag[i]));
}
