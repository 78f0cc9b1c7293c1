/* Ranges of integer expressions, by intervals. */
#include "factor.h"
#include "../ops.h"
#include <math.h>

enum { BUDGET = 400 };           /* nodes visited for one answer: expressions are DAGs */

static const Range unknown = { 1, 0 };

static Range walk(const Expr *e, int *left);

static Range dtype_range(DType dt)
{
	bool sign = dt_signed(dt) || dt == DT_I4 || dt == DT_I2;
	int bits = dtype_info[dt].bits - sign;

	if (dt == DT_BOOL)
		return (Range){ 0, 1 };
	if ((!dt_int(dt) && dt != DT_I4 && dt != DT_U4 && dt != DT_I2 && dt != DT_U2) || bits > 32)
		return unknown;
	return (Range){ sign ? -((int64_t)1 << bits) : 0, ((int64_t)1 << bits) - 1 };
}

/* of a constant's elements, if they are few: a bias */
static Range data_range(const Value *v)
{
	enum { MOST = 4096 };
	uint64_t bits[MOST];
	int64_t n, x;
	Range r = unknown;

	if (!v->data || !dt_int(v->dt) || v->dt == DT_U64 || !ix_isint(value_numel(v), &n) || n > MOST)
		return dtype_range(v->dt);
	dt_get(v->dt, true, v->data->p, 0, n, bits);
	for (int64_t i = 0; i < n; i++) {
		x = (int64_t)bits[i];
		r = i ? (Range){ x < r.lo ? x : r.lo, x > r.hi ? x : r.hi } : (Range){ x, x };
	}
	return r;
}

static Range join(Range a, Range b)
{
	return (Range){ a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi };
}

static double greatest(Range r)
{
	return fmax(-(double)r.lo, (double)r.hi);
}

static Range product(Range a, Range b)
{
	int64_t v[4] = { a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi };
	Range r = { v[0], v[0] };

	for (int i = 1; i < 4; i++)
		r = join(r, (Range){ v[i], v[i] });
	return r;
}

static Range constant(const Expr *e)
{
	double v = dt_to_double(e->dt, e->u.bits);

	if (!(fabs(v) < 0x1p31) || v != floor(v))
		return unknown;
	return (Range){ (int64_t)v, (int64_t)v };
}

static bool small(Range r)
{
	return r.lo > -((int64_t)1 << 31) * 2 && r.hi < (int64_t)1 << 32;
}

static Range combine(EOp op, Range a, Range b)
{
	if (!small(a) || !small(b))
		return unknown;
	switch (op) {
	case E_ADD: return (Range){ a.lo + b.lo, a.hi + b.hi };
	case E_SUB: return (Range){ a.lo - b.hi, a.hi - b.lo };
	case E_MUL: return greatest(a) * greatest(b) < 0x1p62 ? product(a, b) : unknown;
	case E_MIN: return (Range){ a.lo < b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi };
	case E_MAX: return (Range){ a.lo > b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi };
	case E_GUARD: case E_SELECT: return join(a, b);
	default: return unknown;
	}
}

/* the type holds every integer of the range */
static bool holds(DType dt, Range r)
{
	int64_t most = dt == DT_F64 ? (int64_t)1 << 52 : dt == DT_F32 ? 1 << 24 : dt == DT_F16 ? 2048 : 256;
	Range d = dtype_range(dt);

	if (dt_float(dt))
		return r.lo >= -most && r.hi <= most;
	return range_known(d) ? r.lo >= d.lo && r.hi <= d.hi : dt == DT_I64 || (dt == DT_U64 && r.lo >= 0);
}

static Range walk(const Expr *e, int *left)
{
	Range d = dtype_range(e->dt), r = unknown, a, b;
	int first = e->op == E_SELECT;

	if (--*left < 0)
		return d;
	if (e->op == E_CONST)
		return constant(e);
	if (e->op == E_TLOAD)
		return data_range(e->u.value);
	if (e->op == E_CAST) {
		a = walk(e->a[0], left);
		return range_known(a) && holds(e->dt, a) ? a : d;
	}
	if (e->op == E_NEG && range_known(a = walk(e->a[0], left)))
		r = (Range){ -a.hi, -a.lo };
	if (e->op == E_ADD || e->op == E_SUB || e->op == E_MUL || e->op == E_MIN || e->op == E_MAX ||
	    e->op == E_GUARD || e->op == E_SELECT) {
		a = walk(e->a[first], left);
		b = walk(e->a[first + 1], left);
		r = range_known(a) && range_known(b) ? combine(e->op, a, b) : r;
	}
	return range_known(r) && holds(e->dt, r) ? r : d;
}

Range ex_range(const Expr *e)
{
	return walk(e, &(int){ BUDGET });
}

double sum_bound(const Expr *reduce)
{
	Range r = ex_range(reduce->a[0]);
	double n = 1;
	int64_t lo, hi;

	if (!range_known(r))
		return HUGE_VAL;
	for (int i = 0; i < reduce->nix; i++) {
		if (!ix_bounds(ix_atom(reduce->ix[i])->a, &lo, &hi) || hi == INT64_MAX)
			return HUGE_VAL;
		n *= (double)(hi < 0 ? 0 : hi);
	}
	return n * greatest(r);
}
