/* Which kernels take denormals as zero: those whose vectors do arithmetic of f32, in every isa that is wanted, and in
 * which a denormal and zero never come far apart. What sums, products and functions make of the one and of the other
 * differs by no more than a denormal times what it is multiplied by; a logarithm, a quotient or a comparison may make
 * anything of them. Kernels of doubles and of bytes, casts, and all at -O0 are exact. */
#include "lower.h"
#include "nest.h"

typedef VEC(const Expr *) Defs;
typedef struct Look {
	Map *defs;               /* Var, Mem -> what is stored there */
	Map *kink;               /* comparisons whose two arms meet at zero */
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
	return fabs((double)f);
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
		if (d->p[i]->op != E_CONST && !f(l, d->p[i]))
			return false;
	return true;
}

/* a sum of exponentials: those of softmax, the largest of which is 1 */
static bool exponentials(Look *l, const Expr *e)
{
	if (variable(e))
		return of_all(l, e, exponentials);
	return e->op == E_EXP || (e->op == E_ADD && exponentials(l, e->a[0]) && exponentials(l, e->a[1]));
}

/* zero, or no denormal, with denormals taken as zero or not: a sum with a constant of some size is */
static bool large(Look *l, const Expr *e)
{
	switch (e->op) {
	case E_CONST: return true;
	case E_ADD: case E_SUB: case E_FMA:
		return constant(e->a[e->n - 1]) >= 0x1p-100 || (e->op != E_FMA && constant(e->a[0]) >= 0x1p-100);
	case E_MAX: return constant(e->a[0]) >= 0x1p-100 || constant(e->a[1]) >= 0x1p-100;
	case E_SQRT: case E_ABS: case E_NEG: return large(l, e->a[0]);
	case E_CAST: return !dt_float(e->a[0]->dt) || e->a[0]->dt == DT_F16;
	case E_SELECT: case E_GUARD: return large(l, e->a[e->n - 2]) && large(l, e->a[e->n - 1]);
	case E_VAR: case E_LOAD:
		l->seen = map_new();
		if (of_all(l, e, exponentials))
			return true;
		l->seen = map_new();
		return of_all(l, e, large);
	default: return false;
	}
}

static bool is_compare(const Expr *e)
{
	return e->op >= E_EQ && e->op <= E_GE && dt_float(e->a[0]->dt);
}

/* x, or what is 0 where x is */
static bool through_zero(const Expr *e, const Expr *x)
{
	if (e == x)
		return true;
	if (e->op == E_MUL)
		return through_zero(e->a[0], x) || through_zero(e->a[1], x);
	return e->op == E_EXPM1 && through_zero(e->a[0], x);
}

static bool find_kink(const Expr *e, void *arg)
{
	Look *l = arg;
	const Expr *c = e->a ? e->a[0] : NULL;

	if (e->op == E_SELECT && is_compare(c) && c->a[1]->op == E_CONST && through_zero(e->a[1], c->a[0]) &&
		through_zero(e->a[2], c->a[0]))
		*map_at_ptr(l->kink, c) = l;
	return false;
}

static bool apart(Look *l, const Expr *e)
{
	if (e->dt == DT_F64)
		return true;
	switch (e->op) {
	case E_DOT4: case E_SDOT4: return true;
	case E_LOG: case E_POW: case E_SIGN: case E_REM: case E_FMOD: return dt_float(e->dt);
	case E_BITCAST: return dt_float(e->dt) || dt_float(e->a[0]->dt);
	case E_CAST: return e->dt == DT_BOOL && dt_float(e->a[0]->dt);
	case E_DIV: return dt_float(e->dt) && !large(l, e->a[1]);
	default:
		return is_compare(e) && !map_ptr(l->kink, e) && constant(e->a[0]) < 0x1p-100 &&
			constant(e->a[1]) < 0x1p-100;
	}
}

static bool find_apart(const Expr *e, void *arg)
{
	return apart(arg, e);
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
	if (s->e)
		ex_any(s->e, find_kink, l);
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
	Look l = { .defs = map_new(), .kink = map_new() };

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
