/* Vectors: spellings of operations, and which loops of kind lanes can be said with them. See target.h. */
#include "target.h"

const Isa isa_table[] = {
	{ "avx512vnni", "x86-64 with AVX-512 F, BW, DQ, VL, VNNI", 16, 32, "defined ZN_AVX512VNNI",
		"zn_has_avx512vnni()", "ZN_AVX512VNNI", "v", false },
	{ "avx512", "x86-64 with AVX-512 F, BW, DQ, VL", 16, 32, "defined ZN_AVX512", "zn_has_avx512()", "ZN_AVX512", "",
		false },
	{ "avx2", "x86-64 with AVX2, FMA, F16C", 8, 16, "defined ZN_AVX2", "zn_has_avx2()", "ZN_AVX2", "", false },
	{ "neondot", "AArch64 with dot products", 4, 32, "defined ZN_NEON", "zn_has_neondot()", "ZN_NEONDOT", "d", true },
	{ "neon", "AArch64", 4, 32, "defined ZN_NEON", "1", "ZN_NEON", "", false },
	{ 0 },
};

bool
isa_is(const Isa *s, const char *target)
{
	return target && !strcmp(target, s->name);
}

bool
isa_wanted(const Isa *s, const char *target)
{
	return !target || !strcmp(target, "c") || isa_is(s, target);
}

bool
target_has_vectors(const char *target)
{
	bool any = false;

	for (const Isa *s = isa_table; s->name && !any; s++)
		any = isa_wanted(s, target);
	return any;
}

enum { F = DTBIT(F32), I = DTBIT(I32), U = DTBIT(U32), B = DTBIT(BOOL),
	NI = DTBIT(I8) | DTBIT(U8) | DTBIT(I16) | DTBIT(U16),    /* held as i32 */
	H = DTBIT(F16) | DTBIT(BF16) };

#define FUNC(op, name) {E_##op, F, P_POST, false, "zn_" name "_f32x#(%0)"}
#define WRAP(op, sym) \
	{E_##op, I, P_UNARY, true, "(zn_i32x#)((zn_u32x#)%0 " sym " (zn_u32x#)%1)"}, \
	{E_##op, U, P_UNARY, true, "(%0 " sym " %1)"}
#define BITS(op, sym) {E_##op, I | U | B, P_UNARY, true, "(%0 " sym " %1)"}
#define COMPARE(op, sym) {E_##op, F | I | U | NI, P_UNARY, true, "(zn_i32x#)(%0 " sym " %1)"}

static const Row rows[] = {
	{E_ADD, F, P_ADD, false, "%0 + %1"}, {E_SUB, F, P_ADD, false, "%0 - %1"}, {E_MUL, F, P_MUL, false, "%0 * %1"},
	{E_DIV, F, P_MUL, false, "%0 / %1"}, {E_NEG, F, P_UNARY, true, "-%0"},
	WRAP(ADD, "+"), WRAP(SUB, "-"), WRAP(MUL, "*"),
	{E_MIN, F, P_POST, true, "zn_min_f32x#(%0, %1)"}, {E_MAX, F, P_POST, true, "zn_max_f32x#(%0, %1)"},
	{E_MIN, I | NI, P_POST, true, "zn_min_i32x#(%0, %1)"}, {E_MAX, I | NI, P_POST, true, "zn_max_i32x#(%0, %1)"},
	{E_FMA, F, P_POST, false, "zn_fma_f32x#(%0, %1, %2)"},
	FUNC(ABS, "abs"), FUNC(SQRT, "sqrt"), FUNC(FLOOR, "floor"), FUNC(CEIL, "ceil"), FUNC(ROUND, "round"),
	FUNC(TRUNC, "trunc"), FUNC(EXP, "exp"), FUNC(ERF, "erf"), FUNC(TANH, "tanh"), FUNC(LOG, "log"),
	FUNC(LOG1P, "log1p"), FUNC(EXPM1, "expm1"), FUNC(SIN, "sin"), FUNC(COS, "cos"), FUNC(SIGN, "sign"),
	FUNC(ISNAN, "isnan"), FUNC(ISINF, "isinf"), {E_NEG, I, P_UNARY, true, "(zn_i32x#)-(zn_u32x#)%0"},
	BITS(AND, "&"), BITS(OR, "|"), BITS(XOR, "^"), {E_NOT, I | U | B, P_UNARY, true, "~%0"},
	COMPARE(EQ, "=="), COMPARE(NE, "!="), COMPARE(LT, "<"), COMPARE(LE, "<="), COMPARE(GT, ">"), COMPARE(GE, ">="),
	{E_EQ, B, P_UNARY, true, "~(%0 ^ %1)"}, {E_NE, B, P_UNARY, true, "(%0 ^ %1)"},
	{E_DOT4, I, P_POST, true, "zn_dot4_u8s8x#$(%0, %1, %2)"},
	{E_SDOT4, I, P_POST, true, "zn_dot4_s8s8x#$(%0, %1, %2)"},
	{E_SELECT, F, P_POST, true, "zn_select_f32x#(%0, %1, %2)"},
	{E_SELECT, I | NI | B, P_POST, true, "zn_select_i32x#(%0, %1, %2)"},
};

const Row *
vec_row(EOp op, DType d)
{
	for (int i = 0; i < LEN(rows); i++)
		if (rows[i].op == op && (rows[i].types & (1u << d)))
			return &rows[i];
	return NULL;
}

const char *
vec_kind(DType d)
{
	uint32_t b = 1u << d;

	return b & (F | H) ? "f32" : b & (I | NI | B) ? "i32" : b & U ? "u32" : NULL;
}

/* an i32 made to hold a narrower value */
static const char *
wrap(DType to)
{
	switch (to) {
	case DT_U8: return "(%0 & 255)";
	case DT_U16: return "(%0 & 65535)";
	case DT_I8: return "((zn_i32x#)((zn_u32x#)%0 << 24) >> 24)";
	case DT_I16: return "((zn_i32x#)((zn_u32x#)%0 << 16) >> 16)";
	default: return "%0";
	}
}

const char *
vec_cast(DType to, DType from)
{
	uint32_t t = 1u << to, f = 1u << from;
	const char *s;

	if (to == from || (t & F && f & H) || (t & H && f & F))
		return "%0";
	if (t & B && f & (I | NI | F))
		return f & F ? "(zn_i32x#)(%0 != zn_splat_f32x#(0.0f))" : "(zn_i32x#)(%0 != zn_splat_i32x#(0))";
	if (t & F && f & B)
		return "zn_f32_i32x#(%0 & 1)";
	if (t & (I | NI) && f & B)
		return "(%0 & 1)";
	if (t & F && f & (I | NI))
		return "zn_f32_i32x#(%0)";
	if (t & (I | NI) && f & F) {
		s = wrap(to);
		return strlen(s) == 2 ? "zn_i32_f32x#(%0)"
			: fmt("%.*szn_i32_f32x#(%%0)%s", (int)(strstr(s, "%0") - s), s, strstr(s, "%0") + 2);
	}
	if (t & (I | NI) && f & (I | NI))
		return dtype_info[to].bits > dtype_info[from].bits && (dt_signed(to) || !dt_signed(from)) ? "%0"
			: wrap(to);
	if ((t & U && f & (I | NI)) || (t & I && f & U))
		return t & U ? "(zn_u32x#)%0" : "(zn_i32x#)%0";
	return NULL;
}

/* ---- what varies from lane to lane */

bool
lanes_vary_ix(const Lanes *l, Ix ix)
{
	return ix && lanes_vary(l, ex_ix(ix));
}

static bool
varies(const Expr *e, void *arg)
{
	const Lanes *l = arg;

	for (int i = 0; i < e->nix; i++)
		if (ix_has(e->ix[i], l->var))
			return true;
	return (e->op == E_VAR && map_ptr(l->vector, e->u.var)) || (e->op == E_LOAD && map_ptr(l->vector, e->u.mem));
}

bool
lanes_vary(const Lanes *l, const Expr *e)
{
	return ex_any(e, varies, (void *)l);
}

static void
scan_sets(Stmt *s, void *arg)
{
	Lanes *l = arg;

	if (s->op == S_SET)
		*map_at_ptr(l->set, s->v) = s;
	if (s->op == S_ARRAY)
		*map_at_ptr(l->vector, s->mem) = s;
}

static void
scan_lets(Stmt *s, void *arg)
{
	Lanes *l = arg;

	if (s->op == S_LET && (map_ptr(l->set, s->v) || lanes_vary(l, s->e)))
		*map_at_ptr(l->vector, s->v) = s;
}

void
lanes_scan(Lanes *l, const Stmt *loop)
{
	*l = (Lanes){ ix_atom(loop->var), loop->lanes, map_new(), map_new(), loop->body };
	st_each(loop->body, scan_sets, l);
	st_each(loop->body, scan_lets, l);
}

Ix
lanes_limit(const Lanes *l, const Expr *cond)
{
	Ix d, rest, c;

	if (cond->op != E_GT || cond->a[0]->op != E_IX || cond->a[1]->op != E_CONST || cond->a[1]->u.bits)
		return NULL;
	d = cond->a[0]->ix[0];
	c = ix_coef(d, l->var, &rest);
	return c && ix_is(c, -1) && !lanes_vary_ix(l, rest) ? rest : NULL;
}

/* ---- can it be said */

typedef struct Can { Lanes l; bool ok; const Expr *root; } Can;

static bool
varies_inside(const IxAtom *at, void *arg)
{
	return at->kind == IX_EXPR && lanes_vary(arg, at->e);
}

/* varies by itself, not by an operand */
static bool
varies_here(const Expr *e, void *arg)
{
	Can *c = arg;

	for (int i = 0; i < e->nix; i++)
		if (ix_any(e->ix[i], varies_inside, &c->l))
			return true;
	return varies(e, &c->l);
}

static bool
can_index(Can *c, Ix ix, DType dt)
{
	Ix coef, rest;

	if (!lanes_vary_ix(&c->l, ix))
		return true;
	coef = ix_coef(ix, c->l.var, &rest);
	return coef && !ix_has(coef, c->l.var) && !lanes_vary_ix(&c->l, rest) && !lanes_vary_ix(&c->l, coef) &&
		(ix_is(coef, 1) || dt == DT_F32 || dt == DT_I32);
}

/* words lie side by side */
static bool
can_word(Can *c, const Expr *e)
{
	Ix rest, coef = ix_coef(e->ix[0], c->l.var, &rest);

	return !map_ptr(c->l.vector, e->u.mem) && coef && ix_is(coef, 4) && !lanes_vary_ix(&c->l, rest);
}

Ix
lanes_guard(const Lanes *l, Ix cond)
{
	Ix rest, c = ix_coef(cond, l->var, &rest);

	return c && ix_is(c, -1) && !lanes_vary_ix(l, rest) ? ix_addc(rest, 1) : NULL;
}

static bool
is_load(const Expr *e, void *arg)
{
	const Can *c = arg;

	return e->op == E_LOAD && !map_ptr(c->l.vector, e->u.mem);
}

/* it would be loaded where the guard holds for no lane */
static bool
same_load(const Expr *e, void *arg)
{
	const Can *c = arg;

	return is_load(e, arg) && !lanes_vary(&c->l, e);
}

/* conditions may switch off the last lanes; the other arm is computed for all of them, so it must not load */
static bool
can_guard(Can *c, const Expr *e)
{
	bool any = false;

	for (int i = 0; i < e->nix; i++) {
		if (!lanes_vary_ix(&c->l, e->ix[i]))
			continue;
		any = true;
		if (!lanes_guard(&c->l, e->ix[i]))
			return false;
	}
	return !any || (!strcmp(vec_kind(e->dt), "f32") && !ex_any(e->a[0], same_load, c) && !ex_any(e->a[1], is_load, c));
}

static bool
cannot(const Expr *e, bool vary, void *arg)
{
	Can *c = arg;
	DType d;

	if (!vary || e->op == E_VAR || e->op == E_CONST)
		return false;
	if (e->op == E_IX)           /* data only as an operand of a cast, seen there */
		return false;
	if (!vec_kind(e->dt))
		return true;
	switch (e->op) {
	case E_LOAD:
		if (ex_is_word(e))
			return !can_word(c, e);
		return (!map_ptr(c->l.vector, e->u.mem) && !can_index(c, e->ix[0], e->dt)) || 
			(e->u.mem->packed && dtype_info[e->dt].bits < 8);
	case E_GUARD:
		return !can_guard(c, e);
	case E_CAST:
		if (e->a[0]->op == E_IX)
			return !can_index(c, e->a[0]->ix[0], DT_I32) || (e->dt != DT_F32 && e->dt != DT_I32);
		if ((e->dt == DT_F16 || e->dt == DT_BF16) && e != c->root)
			return true;
		return !vec_cast(e->dt, e->a[0]->dt);
	default:
		d = e->n ? e->a[e->n - 1]->dt : e->dt;
		return !e->n || !vec_row(e->op, d);
	}
}

static bool
ix_operand(const Expr *e, void *arg)
{
	const Can *c = arg;

	if (e->op == E_CAST)
		return false;
	for (int i = 0; i < e->n; i++)
		if (e->a[i]->op == E_IX && lanes_vary(&c->l, e->a[i]))
			return true;
	return false;
}

static bool
can_expr(Can *c, const Expr *e)
{
	c->root = e;
	return !(lanes_vary(&c->l, e) && (!vec_kind(e->dt) || e->op == E_IX)) && !ex_any_marked(e, varies_here, cannot, c) &&
		!ex_any(e, ix_operand, c);
}

/* set v = op(v, x) of a variable that lies outside */
static bool
can_gather(const Stmt *s)
{
	const Expr *e = s->e;

	return s->v->dt == DT_F32 && (e->op == E_ADD || e->op == E_MAX || e->op == E_MIN) &&
		(e->a[0] == ex_var(s->v) || e->a[1] == ex_var(s->v));
}

static void
can_stmt(Stmt *s, void *arg)
{
	Can *c = arg;
	bool ok = true;

	switch (s->op) {
	case S_BLOCK: case S_NOTE: case S_KEEP: break;
	case S_FOR: ok = !lanes_vary_ix(&c->l, ix_atom(s->var)->a) && s->kind != F_LANES; break;
	case S_IF: ok = !lanes_vary(&c->l, s->e) || (!s->other && lanes_limit(&c->l, s->e)); break;
	case S_LET:
		ok = can_expr(c, s->e) && (!map_ptr(c->l.vector, s->v) || vec_kind(s->v->dt));
		break;
	case S_SET:
		ok = can_expr(c, s->e) && (map_ptr(c->l.vector, s->v) || can_gather(s));
		break;
	case S_STORE:
		ok = can_expr(c, s->e) && vec_kind(s->mem->dt) && !(s->mem->packed && dtype_info[s->mem->dt].bits < 8);
		if (map_ptr(c->l.vector, s->mem))
			ok = ok && !lanes_vary_ix(&c->l, s->ix);
		else
			ok = ok && lanes_vary_ix(&c->l, s->ix) && can_index(c, s->ix, s->mem->dt);
		break;
	case S_ARRAY: ok = vec_kind(s->mem->dt) != NULL; break;
	case S_PREFETCH: ok = !lanes_vary_ix(&c->l, s->ix); break;
	default: ok = false;
	}
	c->ok = c->ok && ok;
}

bool
lanes_can(const Stmt *loop)
{
	Can c = { .ok = true };

	lanes_scan(&c.l, loop);
	st_each(loop->body, can_stmt, &c);
	return c.ok;
}
