/* Which kernels take denormals as zero: those whose vectors do arithmetic of f32, in every isa that is wanted, and in
 * which a denormal and zero never come far apart. What sums, products and the functions below make of the one and of the
 * other differs by no more than a denormal times what it is multiplied by; anything else (a logarithm, a comparison, a
 * quotient by what may be a denormal) is exact. So are kernels of doubles and of bytes, and all at -O0. */
#include "lower.h"
#include "nest.h"

typedef VEC(const Expr *) Defs;
typedef struct Look {
	Map *defs;               /* Var, Mem -> what is stored there */
	Map *seen;
	bool floats, apart;
} Look;

static double constant(const Expr *e)
{
	float f = 0;
	uint32_t u;

	if (e->op != E_CONST || e->dt != DT_F32)
		return 0;
	u = (uint32_t)e->u.bits;
	memcpy(&f, &u, sizeof f);
	return (double)f;
}

static const void *variable(const Expr *e)
{
	return e->op == E_VAR ? (const void *)e->u.var : e->op == E_LOAD ? (const void *)e->u.mem : NULL;
}

static bool of_all(Look *l, const Expr *e, bool (*f)(Look *, const Expr *))
{
	const void *v = variable(e);
	const Defs *d = map_ptr(l->defs, v);

	if (!d || !d->n)
		return false;
	if (map_ptr(l->seen, v))
		return true;
	*map_at_ptr(l->seen, v) = l;
	for (int i = 0; i < d->n; i++)
		if (!f(l, d->p[i]))
			return false;
	return true;
}

/* zero, or no denormal, with denormals taken as zero or not: a sum with a positive constant, where the other is known not
 * to be negative, or an end that is clipped */
static bool positive(const Expr *e)
{
	switch (e->op) {
	case E_EXP: case E_ABS: case E_SQRT: return true;
	case E_MUL: return e->a[0] == e->a[1] || (positive(e->a[0]) && positive(e->a[1]));
	case E_CONST: return constant(e) > 0;
	default: return false;
	}
}

static bool large(Look *l, const Expr *e)
{
	switch (e->op) {
	case E_CONST: return fabs(constant(e)) >= 0x1p-100;
	case E_ADD:
		return (constant(e->a[0]) >= 0x1p-100 && positive(e->a[1])) ||
			(constant(e->a[1]) >= 0x1p-100 && positive(e->a[0]));
	case E_MAX: return constant(e->a[0]) >= 0x1p-100 || constant(e->a[1]) >= 0x1p-100;
	case E_SQRT: return large(l, e->a[0]);
	case E_VAR: case E_LOAD:
		l->seen = map_new();
		return of_all(l, e, large);
	default: return false;
	}
}

/* may be made of a denormal and of zero and not come apart further than by what it is multiplied by */
static bool smooth(Look *l, const Expr *e)
{
	switch (e->op) {
	case E_VAR: case E_LOAD: case E_CONST: case E_IX: case E_SELECT: case E_GUARD: case E_ADD: case E_SUB: case E_MUL:
	case E_FMA: case E_MAX: case E_MIN: case E_NEG: case E_ABS: case E_EXP: case E_EXPM1: case E_TANH: case E_ERF:
	case E_SIN: case E_COS:
		return true;
	case E_SQRT: return large(l, e->a[0]);
	case E_DIV: return large(l, e->a[1]);
	case E_CAST: return e->dt == DT_F32 || e->dt == DT_F16;
	default: return false;
	}
}

/* what is not of floats has nothing to come apart, unless it was made of them */
static bool find_apart(const Expr *e, void *l)
{
	bool of = dt_float(e->dt);

	for (int i = 0; i < e->n; i++)
		of |= dt_float(e->a[i]->dt);
	return e->op == E_DOT4 || e->op == E_SDOT4 || e->dt == DT_F64 || (of && !smooth(l, e));
}

static bool is_arithmetic(const Expr *e, void *arg)
{
	(void)arg;
	return e->dt == DT_F32 && e->n && e->op != E_SELECT && e->op != E_GUARD && e->op != E_CAST && e->op != E_NEG &&
		e->op != E_ABS;
}

static void find_floats(Stmt *s, void *arg)
{
	Look *l = arg;

	l->floats = l->floats || (s->e && ex_any(s->e, is_arithmetic, NULL));
}

static void define(Stmt *s, void *arg)
{
	Look *l = arg;
	const void *v = s->op == S_STORE ? (const void *)s->mem : s->op == S_LET || s->op == S_SET ? s->v : NULL;
	void **d;

	if (s->op == S_FOR && s->kind == F_LANES)
		st_each(s->body, find_floats, l);
	if (!v)
		return;
	d = map_at_ptr(l->defs, v);
	*d = *d ? *d : NEW(Defs);
	push((Defs *)*d, s->e);
}

static void look(Stmt *s, void *arg)
{
	Look *l = arg;

	l->apart = l->apart || (s->e && ex_any(s->e, find_apart, l)) || (s->ix && ex_any(ex_ix(s->ix), find_apart, l));
}

static bool may_flush(const Kern *k)
{
	Look l = { .defs = map_new() };

	st_each(k->body, define, &l);
	if (l.floats)
		st_each(k->body, look, &l);
	return l.floats && !l.apart;
}

void flush_denormals(const Lower *lo, Kern *k)
{
	int wanted = 0, have = 0;
	bool own;

	for (const Isa *s = isa_table; s->name; s++)
		wanted += isa_wanted(s, lo->opt->target) && (!s->dot[0] || isa_is(s, lo->opt->target));
	for (int i = 0; i < k->param.n; i++)
		if (dt_int(k->param.p[i]->dt) && dtype_info[k->param.p[i]->dt].bits == 8)
			return;
	for (int i = 0; i < k->variant.n; i++) {
		own = !k->variant.p[i]->isa->dot[0] || isa_is(k->variant.p[i]->isa, lo->opt->target);
		have += own;
		if (!may_flush(k->variant.p[i]))
			return;
	}
	for (int i = 0; i < k->variant.n && have == wanted; i++)
		k->variant.p[i]->flush = true;
}
