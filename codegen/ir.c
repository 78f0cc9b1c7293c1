/* Expressions: the pool and the builders. What they simplify is in simplify.c, walks are in walk.c, statements in stmt.c. */
#include "pool.h"

#include "../compiler/graph.h"

const EOpInfo eop_info[NEOP] = {
#define RULE_S 'S'
#define RULE_B 'B'
#define RULE_D 'D'
#define RULE_F 'F'
#define RULE_C 'C'
#define RULE_P 'P'
#define RULE_X 'X'
#define EX(id, text, n, rule) [E_##id] = {text, n, RULE_##rule},
#include "ir.def"
#undef EX
};

const char *const rop_text[NROP] = {"sum", "prod", "min", "max", "and", "or"};

ExPool *
ex_pool(void)
{
	if (!zn->ex) {
		zn->ex = NEW(ExPool);
		zn->ex->cap = 1024;
		zn->ex->tab = table_grow(NULL, 0, sizeof(Expr *) * zn->ex->cap);
	}
	return zn->ex;
}

/* interning */

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint64_t
payload_hash(const Expr *e)
{
	switch (e->op) {
	case E_CONST: return e->u.bits;
	case E_VAR: case E_LOAD: return e->u.bits;       /* numbers are those of a kernel: many are equal */
	case E_TLOAD: return (uint64_t)e->u.value->id;
	case E_REDUCE: return e->u.rop;
	default:      return 0;
	}
}

static uint64_t
node_hash(const Expr *e)
{
	uint64_t h = mix(e->op, (uint64_t)e->dt << 16);

	h = mix(h, payload_hash(e));
	for (int i = 0; i < e->n; i++)
		h = mix(h, (uint64_t)e->a[i]->id);
	for (int i = 0; i < e->nix; i++)
		h = mix(h, e->ix[i]->hash);
	return h ^ h >> 32;
}

static bool
node_same(const Expr *x, const Expr *y)
{
	return x->hash == y->hash && x->op == y->op && x->dt == y->dt
		&& x->n == y->n && x->nix == y->nix && x->u.bits == y->u.bits
		&& (!x->n || !memcmp(x->a, y->a, sizeof *x->a * (size_t)x->n))
		&& (!x->nix || !memcmp(x->ix, y->ix, sizeof *x->ix * (size_t)x->nix));
}

static Expr **
pool_slot(ExPool *p, const Expr *e)
{
	size_t i = e->hash & (p->cap - 1);

	while (p->tab[i] && !node_same(p->tab[i], e))
		i = (i + 1) & (p->cap - 1);
	return &p->tab[i];
}

static void
pool_grow(ExPool *p)
{
	Expr **old = p->tab;
	size_t n = p->cap;

	p->cap *= 2;
	p->tab = table_grow(NULL, 0, sizeof(Expr *) * p->cap);
	for (size_t i = 0; i < n; i++)
		if (old[i])
			*pool_slot(p, old[i]) = old[i];
	table_free(old, sizeof *old * n);
}

static bool
atom_reduces(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->e && a->e->reduces;
}

static bool
ix_reduces(Ix p)
{
	return p->n && ix_any(p, atom_reduces, NULL);
}

static bool
reduces(const Expr *e)
{
	bool r = e->op == E_REDUCE;

	for (int i = 0; i < e->n; i++)
		r |= e->a[i]->reduces;
	for (int i = 0; i < e->nix && !r; i++)
		r = ix_reduces(e->ix[i]);
	return r;
}

static Expr *
intern(EOp op, DType dt, uint64_t bits, Expr *const *a, int n, const Ix *ix, int nix)
{
	ExPool *p = ex_pool();
	Expr key = {.op = op, .dt = dt, .n = n, .nix = nix, .a = a, .ix = ix}, **s, *e;
	Arena *was;

	key.u.bits = bits;
	key.hash = node_hash(&key);
	s = pool_slot(p, &key);
	if (*s)
		return *s;
	if (p->n == INT32_MAX)
		fatal(EX_LIMIT, NULL, "more than %d expressions", INT32_MAX);
	was = keep_begin();
	e = copy_mem(&key, sizeof key);
	e->a = n ? copy_mem(a, sizeof *a * (size_t)n) : NULL;
	e->ix = nix ? copy_mem(ix, sizeof *ix * (size_t)nix) : NULL;
	keep_end(was);
	e->id = p->n++;
	e->reduces = reduces(e);
	*s = e;
	if ((size_t)p->n * 2 > p->cap)
		pool_grow(p);
	return e;
}

static Expr *
intern_ptr(EOp op, DType dt, void *u, const Ix *ix, int nix)
{
	Expr tmp;

	tmp.u.bits = 0;
	tmp.u.var = u;
	return intern(op, dt, tmp.u.bits, NULL, 0, ix, nix);
}

/* leaves */

uint64_t
dt_mask(DType d)
{
	return dtype_info[d].bits >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << dtype_info[d].bits) - 1;
}

Expr *
ex_bits(DType d, uint64_t bits)
{
	if (!dt_valid(d) || dtype_info[d].class == DC_S || dtype_info[d].class == DC_C)
		ill("constant of dtype %d", d);
	return intern(E_CONST, d, bits & dt_mask(d), NULL, 0, NULL, 0);
}

Expr *
ex_float(DType d, double v)
{
	return ex_bits(d, dt_from_double(d, v, false));
}

Expr *
ex_int(DType d, int64_t v)
{
	DType from = DT_I64;
	uint64_t bits = (uint64_t)v;

	return ex_bits(d, ex_eval(E_CAST, d, &bits, &from, 1));
}

Expr *
ex_ix(Ix p)
{
	const IxAtom *at = ix_atom(p);
	int64_t v;

	if (ix_isint(p, &v))
		return ex_bits(DT_I64, (uint64_t)v);
	if (at && at->kind == IX_EXPR)
		return (Expr *)at->e;
	return intern(E_IX, DT_I64, 0, NULL, 0, &p, 1);
}

Expr *
ex_var(Var *v)
{
	return intern_ptr(E_VAR, v->dt, v, NULL, 0);
}

Expr *
ex_load(Mem *m, Ix at)
{
	return intern_ptr(E_LOAD, m->dt, m, &at, 1);
}

Expr *
ex_load4(Mem *m, Ix at)
{
	if (m->dt != DT_I8 && m->dt != DT_U8)
		ill("a word of %s", dt_name(m->dt));
	return intern_ptr(E_LOAD, DT_I32, m, &at, 1);
}

bool
ex_is_word(const Expr *e)
{
	return e->op == E_LOAD && e->dt != e->u.mem->dt;
}

Expr *
ex_tload(Value *v, const Ix *ix)
{
	if (v->rank < 0 || !dt_valid(v->dt))
		ill("tload of a value of unknown type");
	return intern_ptr(E_TLOAD, v->dt, v, ix, v->rank);
}

/* what constants give */
static Expr *
fold(EOp op, DType dt, Expr *const *a, int n)
{
	uint64_t v[3];
	DType d[3];

	for (int i = 0; i < n; i++) {
		if (a[i]->op != E_CONST)
			return NULL;
		v[i] = a[i]->u.bits;
		d[i] = a[i]->dt;
	}
	return ex_bits(dt, ex_eval(op, dt, v, d, n));
}

/* unary */

Expr *
ex_un(EOp op, Expr *x)
{
	char r = eop_info[op].rule;
	enum dclass c = dtype_info[x->dt].class;
	DType dt = r == 'P' ? DT_BOOL : x->dt;
	Expr *e;

	if (eop_info[op].n != 1 || !strchr("SBFP", r))
		bug("ex_un(%s)", eop_info[op].text);
	if ((r == 'S' && c != DC_I && c != DC_U && c != DC_F) || ((r == 'F' || r == 'P') && c != DC_F)
			|| (r == 'B' && c != DC_I && c != DC_U && c != DC_B))
		ill("%s of %s", eop_info[op].text, dt_name(x->dt));
	if ((e = fold(op, dt, &x, 1)) || (e = simplify_un(op, x)))
		return e;
	return intern(op, dt, 0, &x, 1, NULL, 0);
}

/* binary */

/* on bools arithmetic is logic */
static EOp
bool_op(EOp op)
{
	switch (op) {
	case E_ADD: case E_MAX: return E_OR;
	case E_MUL: case E_MIN: return E_AND;
	default: return op;
	}
}

static bool
commutes(EOp op)
{
	return op == E_ADD || op == E_MUL || op == E_MIN || op == E_MAX || op == E_AND || op == E_OR
		|| op == E_XOR || op == E_EQ || op == E_NE;
}

static void
check_bin(EOp op, const Expr *x, const Expr *y)
{
	char r = eop_info[op].rule;
	enum dclass c = dtype_info[x->dt].class;
	bool ok = x->dt == y->dt;

	if (eop_info[op].n != 2 || !strchr("SBFC", r))
		bug("ex_bin(%s)", eop_info[op].text);
	if (c == DC_N || c == DC_C || c == DC_S || (r == 'F' && c != DC_F) || (r == 'B' && c == DC_F)
			|| (c == DC_B && (r == 'S' || op == E_SHL || op == E_SHR)))
		ok = false;
	if (!ok)
		ill("%s of %s and %s", eop_info[op].text, dt_name(x->dt), dt_name(y->dt));
}

Expr *
ex_bin(EOp op, Expr *x, Expr *y)
{
	Expr *a[2], *e;
	DType dt;

	if (op == E_STREQ)
		return ex_op(op, DT_BOOL, (Expr *[]){x, y}, 2);
	if (x->dt == DT_BOOL)
		op = bool_op(op);
	check_bin(op, x, y);
	if (commutes(op) && x->op == E_CONST) {
		e = x;
		x = y;
		y = e;
	}
	a[0] = x;
	a[1] = y;
	dt = eop_info[op].rule == 'C' ? DT_BOOL : x->dt;
	if ((e = fold(op, dt, a, 2)) || (e = simplify_bin(op, x, y)))
		return e;
	return intern(op, dt, 0, a, 2, NULL, 0);
}

Expr *
ex_fma(Expr *x, Expr *y, Expr *z)
{
	Expr *a[3] = {x, y, z}, *e;

	if (!dt_float(x->dt) || x->dt != y->dt || x->dt != z->dt)
		ill("fma of %s, %s, %s", dt_name(x->dt), dt_name(y->dt), dt_name(z->dt));
	if ((e = fold(E_FMA, x->dt, a, 3)))
		return e;
	return intern(E_FMA, x->dt, 0, a, 3, NULL, 0);
}

/* choice */

Expr *
ex_select(Expr *c, Expr *x, Expr *y)
{
	if (c->dt != DT_BOOL || x->dt != y->dt)
		ill("select of %s, %s, %s", dt_name(c->dt), dt_name(x->dt), dt_name(y->dt));
	if (c->op == E_CONST)
		return c->u.bits ? x : y;
	if (x == y)
		return x;
	if (c->op == E_NOT)
		return ex_select(c->a[0], y, x);
	if (x->dt == DT_BOOL && is_bits(x, 1) && is_bits(y, 0))
		return c;
	if (x->dt == DT_BOOL && is_bits(x, 0) && is_bits(y, 1))
		return ex_un(E_NOT, c);
	return intern(E_SELECT, x->dt, 0, (Expr *[]){c, x, y}, 3, NULL, 0);
}

/* adds cond to the conditions unless one of them implies it; replaces one that it implies */
static int
guard_add(Ix *c, int n, Ix cond)
{
	int64_t d;

	for (int i = 0; i < n; i++)
		if (ix_isint(ix_sub(cond, c[i]), &d)) {
			if (d < 0)
				c[i] = cond;
			return n;
		}
	c[n] = cond;
	return n + 1;
}

Expr *
ex_guard(const Ix *cond, int n, Expr *in, Expr *out)
{
	bool merge = in->op == E_GUARD && in->a[1] == out;
	Ix *c = NEWN(Ix, n + (merge ? in->nix : 0) + 1);
	int m = 0;

	if (in->dt != out->dt)
		ill("guard of %s and %s", dt_name(in->dt), dt_name(out->dt));
	if (in == out)
		return in;
	for (int i = 0; i < n; i++) {
		if (ix_ge0(cond[i]))
			continue;
		if (ix_ge0(minus1(cond[i])))
			return out;
		m = guard_add(c, m, cond[i]);
	}
	if (!m)
		return in;
	for (int i = 0; merge && i < in->nix; i++)
		m = guard_add(c, m, in->ix[i]);
	return intern(E_GUARD, in->dt, 0, (Expr *[]){merge ? in->a[0] : in, out}, 2, c, m);
}

/* casts */

static void
check_cast(EOp op, DType from, DType to)
{
	enum dclass c = dtype_info[from].class, t = dt_valid(to) ? dtype_info[to].class : DC_S;

	if (t == DC_C || t == DC_S || c == DC_C || c == DC_S)
		ill("%s from %s to %s", eop_info[op].text, dt_name(from), dt_name(to));
}

Expr *
ex_cast(DType dt, Expr *x)
{
	Expr *e;

	if (x->dt == dt)
		return x;
	check_cast(E_CAST, x->dt, dt);
	if ((e = fold(E_CAST, dt, &x, 1)))
		return e;
	if (x->op == E_CAST && cast_through(x->a[0]->dt, x->dt, dt))
		return ex_cast(dt, x->a[0]);
	return intern(E_CAST, dt, 0, &x, 1, NULL, 0);
}

Expr *
ex_castsat(DType dt, Expr *x)
{
	Expr *e;

	if (x->dt == dt)
		return x;
	check_cast(E_CASTSAT, x->dt, dt);
	if (dt_float(dt) || ex_lossless(x->dt, dt))
		return ex_cast(dt, x);
	if ((e = fold(E_CASTSAT, dt, &x, 1)))
		return e;
	return intern(E_CASTSAT, dt, 0, &x, 1, NULL, 0);
}

Expr *
ex_bitcast(DType dt, Expr *x)
{
	Expr *e;

	if (x->dt == dt)
		return x;
	check_cast(E_BITCAST, x->dt, dt);
	if (dtype_info[dt].bits != dtype_info[x->dt].bits)
		ill("bitcast from %s to %s", dt_name(x->dt), dt_name(dt));
	if ((e = fold(E_BITCAST, dt, &x, 1)))
		return e;
	if (x->op == E_BITCAST)
		return ex_bitcast(dt, x->a[0]);
	return intern(E_BITCAST, dt, 0, &x, 1, NULL, 0);
}

/* reductions */

uint64_t
rop_identity(ROp r, DType dt)
{
	int bits = dtype_info[dt].bits;

	switch (r) {
	case R_SUM: case R_OR: return 0;
	case R_PROD: return dt_from_double(dt, 1, false);
	case R_AND: return dt == DT_BOOL ? 1 : dt_mask(dt);
	case R_MIN: case R_MAX: break;
	default: bug("reduction %d", r);
	}
	if (dt_float(dt))
		return dt_from_double(dt, r == R_MIN ? __builtin_inf() : -__builtin_inf(), false);
	if (dt == DT_BOOL || !dt_signed(dt))
		return r == R_MAX ? 0 : dt == DT_BOOL ? 1 : dt_mask(dt);
	return r == R_MIN ? dt_mask(dt) >> 1 : (uint64_t)1 << (bits - 1);
}

typedef struct Zero { Ix v; } Zero;

static Ix
zero_sub(const IxAtom *at, void *arg)
{
	return at == ix_atom(((Zero *)arg)->v) ? ix_int(0) : NULL;
}

Expr *
ex_reduce(ROp r, const Ix *vars, int n, Expr *body)
{
	Ix *keep = NEWN(Ix, n + 1), ext;
	int m = 0;

	for (int i = 0; i < n; i++) {
		if (!ix_atom(vars[i]) || ix_atom(vars[i])->kind != IX_VAR)
			bug("reduction over %s", ix_str(vars[i]));
		ext = ix_atom(vars[i])->a;
		if (ix_is(ext, 0))
			return ex_bits(body->dt, rop_identity(r, body->dt));
		if (ix_is(ext, 1))
			body = ex_subst_ix(body, zero_sub, &(Zero){vars[i]});
		else
			keep[m++] = vars[i];
	}
	if (!m)
		return body;
	if (dt_valid(body->dt) && (dt_float(body->dt) || dt_int(body->dt) || body->dt == DT_BOOL))
		return intern(E_REDUCE, body->dt, r, &body, 1, keep, m);
	ill("reduction of %s", dt_name(body->dt));
}

Expr *
ex_dot4(EOp op, Expr *s, Expr *x, Expr *y)
{
	Expr *a[3] = {s, x, y}, *e;

	if (s->dt != DT_I32 || x->dt != DT_I32 || y->dt != DT_I32)
		bug("%s of %s, %s, %s", eop_info[op].text, dt_name(s->dt), dt_name(x->dt), dt_name(y->dt));
	e = fold(op, DT_I32, a, 3);
	return e ? e : intern(op, DT_I32, 0, a, 3, NULL, 0);
}

/* generic */

Expr *
ex_op(EOp op, DType dt, Expr *const *a, int n)
{
	if (n != eop_info[op].n)
		bug("%s with %d operands", eop_info[op].text, n);
	switch (op) {
	case E_SELECT:  return ex_select(a[0], a[1], a[2]);
	case E_CAST:    return ex_cast(dt, a[0]);
	case E_CASTSAT: return ex_castsat(dt, a[0]);
	case E_BITCAST: return ex_bitcast(dt, a[0]);
	case E_FMA:     return ex_fma(a[0], a[1], a[2]);
	case E_DOT4: case E_SDOT4: return ex_dot4(op, a[0], a[1], a[2]);
	case E_STREQ:
		if (a[0]->dt != DT_STR || a[1]->dt != DT_STR)
			ill("streq of %s and %s", dt_name(a[0]->dt), dt_name(a[1]->dt));
		return intern(op, DT_BOOL, 0, a, 2, NULL, 0);
	case E_STRNUM:
		if (a[0]->dt != DT_STR || !(dt_float(dt) || dt_int(dt)))
			ill("strnum from %s to %s", dt_name(a[0]->dt), dt_name(dt));
		return intern(op, dt, 0, a, 1, NULL, 0);
	case E_NUMSTR:
		if (a[0]->dt == DT_STR)
			return a[0];
		return intern(op, DT_STR, 0, a, 1, NULL, 0);
	case E_STRCAT: case E_STRLOW: case E_STRUP: case E_STRPART: case E_STRPARTS:
		for (int i = 0; i < n; i++)
			if (a[i]->dt != (i == 2 ? DT_I64 : DT_STR))
				bug("%s with %s as operand %d", eop_info[op].text, dt_name(a[i]->dt), i);
		return intern(op, op == E_STRPARTS ? DT_I64 : DT_STR, 0, a, n, NULL, 0);
	default:
		break;
	}
	if (eop_info[op].rule == 'X')
		bug("ex_op(%s)", eop_info[op].text);
	return n == 1 ? ex_un(op, a[0]) : ex_bin(op, a[0], a[1]);
}

Expr *
ex_rebuild(const Expr *e, Expr *const *a, const Ix *ix)
{
	switch (e->op) {
	case E_CONST: case E_VAR: return (Expr *)e;
	case E_IX:     return ex_ix(ix[0]);
	case E_LOAD:   return ex_is_word(e) ? ex_load4(e->u.mem, ix[0]) : ex_load(e->u.mem, ix[0]);
	case E_TLOAD:  return ex_tload(e->u.value, ix);
	case E_GUARD:  return ex_guard(ix, e->nix, a[0], a[1]);
	case E_REDUCE: return ex_reduce(e->u.rop, ix, e->nix, a[0]);
	default:       return ex_op(e->op, e->dt, a, e->n);
	}
}

/* without bounds of the whole, its parts may say more */
Ix
ex_as_ix(Expr *e, Ix lo, Ix hi)
{
	Ix p = as_poly(e), x, y;

	if (e->dt != DT_I64)
		ill("index of dtype %s", dt_name(e->dt));
	if (p)
		return p;
	if (!lo && !hi && (e->op == E_ADD || e->op == E_SUB || e->op == E_MUL)) {
		x = ex_as_ix(e->a[0], NULL, NULL);
		y = ex_as_ix(e->a[1], NULL, NULL);
		return poly_arith(e->op, x, y);
	}
	return ix_expr(e, lo, hi);
}
