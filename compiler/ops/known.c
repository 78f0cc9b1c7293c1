/* Shape arithmetic: the elements of small integer tensors as index algebra.
 *
 * After its shape rule, a node whose output is a bool or integer tensor of constant shape with at most 64
 * elements is lowered on trial, and its expression is evaluated at every index, symbolically. So no
 * operator needs a rule of its own for this. Exporters compute shapes in floats too (a dim times 0.5,
 * rounded down): small float producers are looked through, their numbers being index / integer. */
#include "../ops.h"

enum { MOST = 64, DEPTH = 8 };

typedef enum NKind { N_NONE, N_RATIO, N_REAL } NKind;
/* ix / den, den > 0 (1 for integers and bools); or a real constant; or unknown */
typedef struct Num {
	NKind kind;
	Ix ix;
	int64_t den;
	double real;
} Num;

/* a value whose producer was looked through */
typedef struct Seen {
	const Value *v;
	bool unknown;                /* an element is */
	uint64_t has;                /* a bit for each element that was found */
	Num *elem;
} Seen;
typedef VEC(Seen) SeenVec;

typedef struct Env {
	int depth, n;
	struct { const IxAtom *var; Ix at; } bind[2 * MOST];
	SeenVec *seen;
	bool failed;                 /* of the index under evaluation */
	Ix guess;                    /* not NULL: what an unknown integer counts as, on trial */
	bool demand;                 /* unknown integers become symbols bound by loading them */
} Env;

static const Num none = { N_NONE, NULL, 1, 0 };

static Num eval(Env *, const Expr *);

static Num ratio(Ix ix, int64_t den)
{
	int64_t c;

	for (int64_t p = 2; p <= 5 && den > 1; p++)
		while (den % p == 0 && ix_isint(ix, &c) && c % p == 0) {
			ix = ix_int(c / p);
			den /= p;
		}
	return (Num){ N_RATIO, ix, den, 0 };
}

static Num num_int(int64_t i)
{
	return (Num){ N_RATIO, ix_int(i), 1, 0 };
}

static Num num_real(double d)
{
	double up = d * (1 << 20);

	if (up < 1e15 && up > -1e15 && up == (double)(int64_t)up)
		return ratio(ix_int((int64_t)up), 1 << 20);
	return (Num){ N_REAL, NULL, 1, d };
}

static Num num_bits(DType dt, uint64_t bits)
{
	int w = 64 - dtype_info[dt].bits;

	if (dt_float(dt)) {
		double d = dt_to_double(dt, bits);
		return d == d && d - d == 0 ? num_real(d) : none;
	}
	if (dt == DT_BOOL)
		return num_int(bits != 0);
	if (!dt_int(dt) || (dt == DT_U64 && bits >> 63))
		return none;
	return num_int(dt_signed(dt) ? (int64_t)(bits << w) >> w : (int64_t)bits);
}

/* a constant's pattern; false if it is none */
static bool num_const(DType dt, Num v, uint64_t *bits)
{
	int64_t i;

	if (v.kind == N_REAL && dt_float(dt)) {
		*bits = dt_from_double(dt, v.real, false);
		return true;
	}
	if (v.kind != N_RATIO || !ix_isint(v.ix, &i))
		return false;
	if (dt_float(dt))
		*bits = dt_from_double(dt, (double)i / (double)v.den, false);
	else
		*bits = (uint64_t)i & (~UINT64_C(0) >> (64 - dtype_info[dt].bits));
	return dt_float(dt) || v.den == 1;
}

/* ---- indices */

static Ix bound_atom(const IxAtom *a, void *arg)
{
	Env *env = arg;
	Num v;

	for (int i = env->n - 1; i >= 0; i--)
		if (env->bind[i].var == a)
			return env->bind[i].at;
	if (a->kind != IX_EXPR)
		return NULL;
	v = eval(env, a->e);
	if (v.kind == N_RATIO && v.den == 1)
		return v.ix;
	env->failed = true;
	return ix_int(0);
}

static bool eval_ix(Env *env, Ix p, Ix *to)
{
	bool was = env->failed, ok;

	env->failed = false;
	*to = ix_subst(p, bound_atom, env);
	ok = !env->failed;
	env->failed = was;
	return ok;
}

static bool bind_var(Env *env, const IxAtom *var, int64_t at)
{
	if (env->n == LEN(env->bind))
		return false;
	env->bind[env->n].var = var;
	env->bind[env->n++].at = ix_int(at);
	return true;
}

/* ---- reading values */

static int small(const Value *v)
{
	int64_t d, n = 1;

	for (int i = 0; i < v->rank; i++) {
		if (!ix_isint(v->dim[i], &d) || d < 0 || d > MOST)
			return -1;
		n *= d;
		if (n > MOST)
			return -1;
	}
	return v->rank < 0 ? -1 : (int)n;
}

/* the body of v at element k, its axes bound */
static Num eval_te(Env *env, const Value *v, int64_t k)
{
	Env in = { .depth = env->depth, .seen = env->seen, .guess = env->guess, .demand = env->demand };
	int64_t d;

	for (int i = v->rank - 1; i >= 0; i--) {
		if (!ix_isint(v->dim[i], &d) || d < 1)
			return none;
		if (ix_atom(v->te->axis[i]) && !bind_var(&in, ix_atom(v->te->axis[i]), k % d))
			return none;
		k /= d;
	}
	return v->te->body ? eval(&in, v->te->body) : none;
}

static bool may_lower(const Node *n)
{
	unsigned no = OF_SUBGRAPH | OF_RANDOM;
	const OpDef *d = &op_def[n->op];

	for (int i = 0; i < n->nin; i++)
		if (n->in[i] && (n->in[i]->kind != V_TENSOR || n->in[i]->rank < 0))
			return false;
	return d->lower && !(d->flags & no) && (n->op == OP_RANGE || !(d->flags & OF_DATADIM));
}

typedef struct Trial { Node *n; Node was; struct Te *te[8]; } Trial;

/* lowers n on trial: its units and its outputs' expressions are put back by trial_end */
static bool trial_begin(Node *n, Trial *t)
{
	const Node *rule;

	if (n->nout > LEN(t->te) || !may_lower(n))
		return false;
	t->n = n;
	t->was = *n;
	memset(&n->unit, 0, sizeof n->unit);
	for (int i = 0; i < n->nout; i++)
		if (n->out[i]) {
			t->te[i] = n->out[i]->te;
			n->out[i]->te = NULL;
		}
	rule = zn->rule;
	zn->rule = n;
	op_def[n->op].lower(n);
	zn->rule = rule;
	return true;
}

static void trial_end(Trial *t)
{
	Node *n = t->n;

	n->unit.p = t->was.unit.p;
	n->unit.n = t->was.unit.n;
	n->unit.cap = t->was.unit.cap;
	for (int i = 0; i < n->nout; i++)
		if (n->out[i])
			n->out[i]->te = t->te[i];
}

static int seen_at(SeenVec *seen, const Value *v)
{
	for (int i = 0; i < seen->n; i++)
		if (seen->p[i].v == v)
			return i;
	push(seen, ((Seen){ v, false, 0, NEWN(Num, MOST) }));
	return seen->n - 1;
}

/* element k of a small value that inference does not know: its producer is looked through */
static Num look_through(Env *env, Value *v, int64_t k)
{
	Trial t;
	Num r = none;
	Seen *s;
	int at;

	if (!v->def || env->depth >= DEPTH || small(v) < 0)
		return none;
	at = seen_at(env->seen, v);
	s = &env->seen->p[at];
	if (s->unknown || s->has >> k & 1)
		return s->unknown ? none : s->elem[k];
	if (!trial_begin(v->def, &t))
		return none;
	env->depth++;
	if (v->te)
		r = eval_te(env, v, k);
	env->depth--;
	trial_end(&t);
	s = &env->seen->p[at];
	s->unknown = r.kind == N_NONE;
	s->elem[k] = r;
	s->has |= UINT64_C(1) << k;
	return r;
}

static Num eval_unknown(Env *env, Value *v, int64_t k)
{
	Num r;

	if (!env->guess && !env->demand)
		return dt_float(v->dt) ? look_through(env, v, k) : none;
	r = look_through(env, v, k);
	if (r.kind != N_NONE || small(v) < 0 || !dt_int(v->dt))
		return r;
	return (Num){ N_RATIO, env->guess ? env->guess : value_elem(v, (int)k, NULL, NULL), 1, 0 };
}

static Num eval_load(Env *env, const Expr *e)
{
	Value *v = e->u.value;
	int64_t at = 0, i, d;
	uint64_t bits;
	const Ix *known;
	Ix p;
	int n;

	for (int k = 0; k < v->rank; k++) {
		if (!eval_ix(env, e->ix[k], &p) || !ix_isint(p, &i) || !ix_isint(v->dim[k], &d)
		    || i < 0 || i >= d)
			return none;
		at = at * d + i;
	}
	if (v->data && dt_valid(v->dt) && (dt_float(v->dt) || dt_int(v->dt) || v->dt == DT_BOOL)) {
		dt_get(v->dt, true, v->data->p, at, 1, &bits);
		return num_bits(v->dt, bits & (~UINT64_C(0) >> (64 - dtype_info[v->dt].bits)));
	}
	if (known_ints(v, &known, &n))
		return at < n ? (Num){ N_RATIO, known[at], 1, 0 } : none;
	return v->te ? eval_te(env, v, at) : eval_unknown(env, v, at);
}

/* ---- operations, where not all operands are constants */

static Num decided(bool yes)
{
	return num_int(yes);
}

/* a OP b, from the sign of d = a - b */
static Num compare(EOp op, Ix d)
{
	Ix neg = ix_mulc(d, -1);
	bool ge = ix_ge0(d), le = ix_ge0(neg), gt = ix_gt0(d), lt = ix_gt0(neg);

	switch (op) {
	case E_EQ: return ge && le ? decided(true) : gt || lt ? decided(false) : none;
	case E_NE: return ge && le ? decided(false) : gt || lt ? decided(true) : none;
	case E_LT: return lt ? decided(true) : ge ? decided(false) : none;
	case E_LE: return le ? decided(true) : gt ? decided(false) : none;
	case E_GT: return gt ? decided(true) : le ? decided(false) : none;
	case E_GE: return ge ? decided(true) : lt ? decided(false) : none;
	default:   return none;
	}
}

static Num divide(DType dt, Num a, Num b)
{
	int64_t c, den;

	if (dt_float(dt)) {
		if (!ix_isint(b.ix, &c) || c <= 0 || !mul_ok(a.den, c, &den))
			return none;
		return ratio(ix_mulc(a.ix, b.den), den);
	}
	return ix_ge0(a.ix) && ix_gt0(b.ix) ? ratio(ix_div(a.ix, b.ix), 1) : none;
}

static Num binary(const Expr *e, Num a, Num b)
{
	bool whole = a.den == 1 && b.den == 1;
	int64_t den;

	if (a.kind != N_RATIO || b.kind != N_RATIO || !mul_ok(a.den, b.den, &den))
		return none;
	if (e->op == E_MUL)
		return ratio(ix_mul(a.ix, b.ix), den);
	if (e->op == E_DIV)
		return divide(e->dt, a, b);
	if (!whole) {
		a.ix = ix_mulc(a.ix, b.den);
		b.ix = ix_mulc(b.ix, a.den);
	}
	switch (e->op) {
	case E_ADD: return ratio(ix_add(a.ix, b.ix), den);
	case E_SUB: return ratio(ix_sub(a.ix, b.ix), den);
	case E_MIN: return ratio(ix_min(a.ix, b.ix), den);
	case E_MAX: return ratio(ix_max(a.ix, b.ix), den);
	case E_REM: case E_FMOD:
		return whole && ix_ge0(a.ix) && ix_gt0(b.ix) ? ratio(ix_mod(a.ix, b.ix), 1) : none;
	default:
		return compare(e->op, ix_sub(a.ix, b.ix));
	}
}

static Num unary(const Expr *e, Num a)
{
	Ix den = ix_int(a.den);
	bool pos;

	if (a.kind != N_RATIO)
		return none;
	pos = ix_ge0(a.ix);
	switch (e->op) {
	case E_NEG:   return ratio(ix_mulc(a.ix, -1), a.den);
	case E_ABS:   return pos ? a : none;
	case E_FLOOR: return ratio(ix_div(a.ix, den), 1);
	case E_CEIL:  return ratio(ix_cdiv(a.ix, den), 1);
	case E_TRUNC: return pos ? ratio(ix_div(a.ix, den), 1) : none;
	case E_CAST: case E_CASTSAT:
		if (dt_float(e->dt))
			return a;
		if (e->dt == DT_BOOL)
			return ix_gt0(a.ix) ? decided(true) : none;
		if (!dt_int(e->dt) || (a.den != 1 && !pos) || (!dt_signed(e->dt) && !pos))
			return none;
		return a.den == 1 ? a : ratio(ix_div(a.ix, den), 1);
	default:
		return none;
	}
}

static Num eval_guard(Env *env, const Expr *e)
{
	bool all = true;
	Ix p;

	for (int i = 0; i < e->nix; i++) {
		if (!eval_ix(env, e->ix[i], &p))
			return none;
		if (ix_lt0(p))
			return eval(env, e->a[1]);
		all = all && ix_ge0(p);
	}
	return all ? eval(env, e->a[0]) : none;
}

static Num eval_op(const Expr *, const Num *);

/* sums and such over constant ranges of at most MOST elements in all */
static Num eval_reduce(Env *env, const Expr *e)
{
	static const EOp op[NROP] = { E_ADD, E_MUL, E_MIN, E_MAX, E_AND, E_OR };
	int64_t ext[MOST], total = 1, k;
	int was = env->n;
	Num acc = none, v[2];
	Expr like = { .op = op[e->u.rop], .dt = e->dt, .n = 2, .a = (Expr *[]){ e->a[0], e->a[0] } };

	if (e->nix > MOST)
		return none;
	for (int i = 0; i < e->nix; i++) {
		if (!ix_isint(ix_atom(e->ix[i])->a, &ext[i]) || ext[i] < 1 || ext[i] > MOST)
			return none;
		if ((total *= ext[i]) > MOST)
			return none;
	}
	for (int64_t at = 0; at < total; at++) {
		k = at;
		for (int i = e->nix - 1; i >= 0; k /= ext[i--])
			if (!bind_var(env, ix_atom(e->ix[i]), k % ext[i]))
				return none;
		v[0] = acc;
		v[1] = eval(env, e->a[0]);
		env->n = was;
		if (v[1].kind == N_NONE)
			return none;
		acc = at ? eval_op(&like, v) : v[1];
	}
	return acc;
}

static Num eval_select(Env *env, const Expr *e)
{
	Num c = eval(env, e->a[0]);
	int64_t yes;

	if (c.kind != N_RATIO || !ix_isint(c.ix, &yes))
		return none;
	return eval(env, e->a[yes ? 1 : 2]);
}

static Num eval_op(const Expr *e, const Num *v)
{
	uint64_t bits[3];
	DType dt[3];
	bool all = true;

	for (int i = 0; i < e->n; i++) {
		if (v[i].kind == N_NONE)
			return none;
		dt[i] = e->a[i]->dt;
		all = all && num_const(dt[i], v[i], &bits[i]);
	}
	if (all)
		return num_bits(e->dt, ex_eval(e->op, e->dt, bits, dt, e->n));
	return e->n == 1 ? unary(e, v[0]) : e->n == 2 ? binary(e, v[0], v[1]) : none;
}

static Num eval(Env *env, const Expr *e)
{
	Num v[3];
	Ix p;

	if (e->dt == DT_STR || dtype_info[e->dt].class == DC_N || dtype_info[e->dt].class == DC_C)
		return none;
	switch (e->op) {
	case E_CONST:  return num_bits(e->dt, e->u.bits);
	case E_IX:     return eval_ix(env, e->ix[0], &p) ? ratio(p, 1) : none;
	case E_TLOAD:  return eval_load(env, e);
	case E_GUARD:  return eval_guard(env, e);
	case E_REDUCE: return eval_reduce(env, e);
	case E_SELECT: return eval_select(env, e);
	case E_VAR: case E_LOAD: case E_STREQ: case E_STRNUM: case E_NUMSTR: case E_STRCAT:
	case E_STRLOW: case E_STRUP: case E_STRPARTS: case E_STRPART: return none;
	default: break;
	}
	for (int i = 0; i < e->n; i++) {
		if (e->a[i]->dt == DT_STR)
			return none;
		v[i] = eval(env, e->a[i]);
		if (v[i].kind == N_NONE)
			return none;
	}
	return eval_op(e, v);
}

/* ---- the entry */

static bool wanted(const Value *v)
{
	return v && v->kind == V_TENSOR && (dt_int(v->dt) || v->dt == DT_BOOL) && !v->known && small(v) > 0;
}

static void know(Value *v, SeenVec *seen)
{
	Env env = { .seen = seen };
	int n = small(v);
	Ix *known = NEWN(Ix, n);
	Num e;

	if (!v->te || !v->te->body)
		return;
	for (int k = 0; k < n; k++) {
		e = eval_te(&env, v, k);
		if (e.kind != N_RATIO || e.den != 1)
			return;
		known[k] = e.ix;
	}
	v->known = known;
}

Ix dim_elem(Value *v, int k, Ix lo, Ix hi)
{
	SeenVec seen = { 0 };
	Env env = { .seen = &seen, .guess = ix_sym(NULL, NULL, NULL) };
	const Ix *known;
	Num e;
	int n;

	if (known_ints(v, &known, &n) || v->data || !v->def || small(v) < 0)
		return value_elem(v, k, lo, hi);
	e = look_through(&env, v, k);
	if (e.kind != N_RATIO || e.den != 1)
		return value_elem(v, k, lo, hi);
	env.guess = NULL;
	env.demand = true;
	seen.n = 0;
	e = look_through(&env, v, k);
	return e.kind == N_RATIO && e.den == 1 ? e.ix : value_elem(v, k, lo, hi);
}

bool const_elem(Value *v, int k, double *to)
{
	SeenVec seen = { 0 };
	Env env = { .seen = &seen };
	Ix at[1] = { ix_int(k) }, ix;
	int64_t i;
	Num e;

	if (v->rank != 1 || small(v) <= k)
		return false;
	e = eval_load(&env, ex_tload(v, at));
	ix = e.kind == N_RATIO ? e.ix : NULL;
	if (e.kind != N_REAL && !(ix && ix_isint(ix, &i)))
		return false;
	*to = ix ? (double)i / (double)e.den : e.real;
	return true;
}

/* ScatterElements writes statements: of numbers into a row of known elements (index_copy of a shape) */
static void know_scatter(Node *n)
{
	const Ix *x, *at, *u;
	int len, count, nu;
	int64_t k;
	Ix *known;

	if (n->in[0]->rank != 1 || strcmp(attr_str(n, "reduction", "none"), "none") ||
	    !known_ints(n->in[0], &x, &len) || !known_ints(n->in[1], &at, &count) ||
	    !known_ints(n->in[2], &u, &nu) || nu < count)
		return;
	known = NEWN(Ix, len + 1);
	memcpy(known, x, sizeof(Ix) * (size_t)len);
	for (int i = 0; i < count; i++) {
		if (!ix_isint(at[i], &k) || k < -len || k >= len)
			return;
		known[k < 0 ? k + len : k] = u[i];
	}
	n->out[0]->known = known;
}

void infer_known(Node *n)
{
	SeenVec seen = { 0 };
	bool any = false;
	Trial t;

	for (int i = 0; i < n->nout; i++)
		any = any || wanted(n->out[i]);
	if (any && n->op == OP_SCATTER_ELEMENTS)
		know_scatter(n);
	if (!any || !trial_begin(n, &t))
		return;
	for (int i = 0; i < n->nout; i++)
		if (wanted(n->out[i]))
			know(n->out[i], &seen);
	trial_end(&t);
}
