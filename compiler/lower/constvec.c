/* Expressions of constants: scales and biases, one for each channel or one for all. */
#include "factor.h"

enum { MOST = 1 << 16 };         /* elements */

/* what the loads of an expression have in common: rank 1, one index. len 1: no loads */
typedef struct Column { Ix at; int64_t len; int nloads, nodes; } Column;

static bool scan_column(const Expr *e, Column *c)
{
	int64_t d;

	if (++c->nodes > 64 || dtype_info[e->dt].class == DC_C || dtype_info[e->dt].class == DC_S)
		return false;
	if (e->op == E_TLOAD) {
		if (!e->u.value->data || e->u.value->rank != 1 || !ix_isint(e->u.value->dim[0], &d) || d > MOST)
			return false;
		if (c->nloads++ && (c->at != e->ix[0] || c->len != d))
			return false;
		c->at = e->ix[0];
		c->len = d;
		return true;
	}
	if (e->op == E_GUARD || (e->nix && e->op != E_CONST) || (e->op != E_CONST && !e->n))
		return false;
	for (int i = 0; i < e->n; i++)
		if (!scan_column(e->a[i], c))
			return false;
	return true;
}

static bool column(const Expr *e, Column *c)
{
	*c = (Column){ .len = 1 };
	return scan_column(e, c);
}

static uint64_t value_at(const Expr *e, int64_t i)
{
	uint64_t v[3];
	DType dt[3];

	if (e->op == E_CONST)
		return e->u.bits;
	if (e->op == E_TLOAD) {
		dt_get(e->dt, true, e->u.value->data->p, i, 1, v);
		return v[0];
	}
	for (int k = 0; k < e->n; k++) {
		v[k] = value_at(e->a[k], i);
		dt[k] = e->a[k]->dt;
	}
	return ex_eval(e->op, e->dt, v, dt, e->n);
}

static double float_at(const Expr *e, int64_t i)
{
	return dt_to_double(e->dt, value_at(e, i));
}

Expr *const_vector(Graph *g, Expr *e)
{
	Column c;
	float *v;

	if (e->dt != DT_F32 || e->op == E_CONST || e->op == E_TLOAD || !column(e, &c) || !c.nloads)
		return e;
	v = alloc(sizeof *v * (size_t)c.len + 1);
	for (int64_t i = 0; i < c.len; i++)
		v[i] = (float)float_at(e, i);
	return ex_tload(value_const(g, DT_F32, 1, &c.len, v), &c.at);
}

bool const_each(const Expr *e, bool (*f)(double, void *), void *arg)
{
	Column c;

	if (!column(e, &c))
		return false;
	for (int64_t i = 0; i < c.len; i++)
		if (!f(float_at(e, i), arg))
			return false;
	return true;
}

/* |x - y| <= one unit in the last place of f32 */
static bool close(double x, double y)
{
	return x == y || (x > 0 && y > 0 && (x > y ? x - y : y - x) <= (x > y ? x : y) * 0x1p-23);
}

bool const_close(const Expr *a, const Expr *b)
{
	Column c, d;

	if (!column(a, &c) || !column(b, &d) || (c.nloads && d.nloads && (c.at != d.at || c.len != d.len)))
		return false;
	for (int64_t i = 0; i < (c.nloads ? c.len : d.len); i++)
		if (!close(float_at(a, c.nloads ? i : 0), float_at(b, d.nloads ? i : 0)))
			return false;
	return true;
}
