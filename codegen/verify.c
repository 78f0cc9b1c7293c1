/* The verifier: what must hold of a kernel after every pass. Breaking a rule is a bug of that pass. */
#include "pool.h"


static bool
is_class(DType d, const char *classes)
{
	return dt_valid(d) && strchr(classes, (char)dtype_info[d].class) != NULL;
}

static const char *
check_cast(EOp op, DType dt, DType from)
{
	if (!is_class(dt, "BIUFN") || !is_class(from, "BIUFN"))
		return "not between numbers";
	if (op == E_BITCAST && dtype_info[dt].bits != dtype_info[from].bits)
		return "between dtypes of different size";
	return NULL;
}

static const char *
check_special(EOp op, DType dt, Expr *const *a)
{
	switch (op) {
	case E_SELECT:
		return a[0]->dt != DT_BOOL ? "the condition is no bool"
			: a[1]->dt != a[2]->dt ? "of two dtypes" : NULL;
	case E_CAST: case E_CASTSAT: case E_BITCAST:
		return check_cast(op, dt, a[0]->dt);
	case E_STREQ:
		return a[0]->dt == DT_STR && a[1]->dt == DT_STR ? NULL : "not of strings";
	case E_STRNUM:
		return a[0]->dt == DT_STR && is_class(dt, "IUF") ? NULL : "not from a string to a number";
	case E_NUMSTR:
		return is_class(a[0]->dt, "BIUFS") ? NULL : "not of a number";
	case E_STRLOW: case E_STRUP:
		return a[0]->dt == DT_STR ? NULL : "not of a string";
	case E_STRPART:
		if (a[2]->dt != DT_I64)
			return "not of an i64 number";
		/* fallthrough */
	case E_STRCAT: case E_STRPARTS:
		return a[0]->dt == DT_STR && a[1]->dt == DT_STR ? NULL : "not of strings";
	default:
		return "not an operation on values";
	}
}

const char *
ex_check(EOp op, DType dt, Expr *const *a, int n)
{
	static const char *const fits[] = {
		['S'] = "IUFB", ['D'] = "I", ['B'] = "BIU", ['F'] = "F", ['C'] = "BIUF", ['P'] = "F",
	};
	char rule = eop_info[op].rule;

	if (n != eop_info[op].n)
		return "wrong number of operands";
	if (rule == 'X')
		return check_special(op, dt, a);
	for (int i = 0; i < n; i++) {
		if (a[i]->dt != a[0]->dt)
			return "operands of different dtypes";
		if (!is_class(a[i]->dt, fits[(int)rule]))
			return fmt("not defined for %s", dt_text(a[i]->dt));
	}
	if (rule == 'D' && a[0]->dt != DT_I32)
		return fmt("not defined for %s", dt_text(a[0]->dt));
	if (a[0]->dt == DT_BOOL && (op == E_SHL || op == E_SHR
			|| (rule == 'S' && op != E_ADD && op != E_MUL && op != E_MIN && op != E_MAX)))
		return "not defined for bool";
	return NULL;
}

typedef struct Verify {
	const Kern *k;           /* or */
	const Program *g;
	const char *name, *after;
	Map *var, *mem;          /* in scope: Var, Mem to non-NULL */
	VEC(const IxAtom *) index;
} Verify;

static _Noreturn void __attribute__((format(printf, 2, 3)))
wrong(const Verify *v, const char *f, ...)
{
	char msg[400];
	va_list ap;

	va_start(ap, f);
	vsnprintf(msg, sizeof msg, f, ap);
	va_end(ap);
	bug("%s is wrong after %s: %s", v->name, v->after, msg);
}

static bool
check_atom(const IxAtom *at, void *arg)
{
	Verify *v = arg;

	if (at->kind != IX_VAR)
		return false;
	for (int i = 0; i < v->index.n; i++)
		if (v->index.p[i] == at)
			return false;
	wrong(v, "%s (< %s) is not in scope", ix_str(ix_of(at)), ix_str(at->a));
}

/* an index that leaves its memory whatever the variables are */
static void
check_access(const Verify *v, const Mem *m, Ix p, const char *what)
{
	if (!map_ptr(v->mem, m))
		wrong(v, "%s of %s, which is no operand", what, m->name);
	for (int i = 0; i < v->index.n; i++)
		if (ix_ge0(ix_mulc(v->index.p[i]->a, -1)))
			return;      /* in a loop that never runs */
	if (m->size && ix_ge0(ix_sub(p, m->size)) && !ix_is(m->size, 0))
		wrong(v, "%s of %s[%s] with %s elements", what, m->name, ix_str(p), ix_str(m->size));
}

static bool
check_node(const Expr *e, void *arg)
{
	Verify *v = arg;
	const char *msg = NULL;

	switch (e->op) {
	case E_CONST: case E_IX: break;
	case E_VAR:
		if (!map_ptr(v->var, e->u.var))
			wrong(v, "variable %s is not in scope", e->u.var->name);
		break;
	case E_LOAD:
		if (e->dt != e->u.mem->dt && (e->dt != DT_I32 || (e->u.mem->dt != DT_I8 && e->u.mem->dt != DT_U8)))
			msg = "not of its memory's dtype";
		else
			check_access(v, e->u.mem, ex_is_word(e) ? ix_addc(e->ix[0], 3) : e->ix[0], "load");
		break;
	case E_GUARD:
		msg = e->a[0]->dt != e->a[1]->dt || e->dt != e->a[0]->dt ? "of two dtypes"
			: !e->nix ? "no condition" : NULL;
		break;
	case E_TLOAD: case E_REDUCE:
		msg = "left by lowering";
		break;
	default:
		msg = ex_check(e->op, e->dt, e->a, e->n);
	}
	if (msg)
		wrong(v, "%s: %s in %.200s", eop_info[e->op].text, msg, ex_str(e));
	return false;
}

static void
check_expr(Verify *v, const Expr *e)
{
	ex_any(e, check_node, v);
	ex_any_atom(e, check_atom, v);
}

static void
check_ix(Verify *v, Ix p)
{
	check_expr(v, ex_ix(p));
}

static void check_stmt(Verify *, const Stmt *);

static void
check_block(Verify *v, const Stmt *s)
{
	if (!s || s->op != S_BLOCK)
		wrong(v, "a body is no block");
	check_stmt(v, s);
}

static void
check_for(Verify *v, const Stmt *s)
{
	const IxAtom *at = s->var ? ix_atom(s->var) : NULL;
	int64_t most;

	if (!at || at->kind != IX_VAR)
		wrong(v, "a loop without variable");
	for (int i = 0; i < v->index.n; i++)
		if (v->index.p[i]->id == at->id)
			wrong(v, "loops over i%d inside each other", at->id);
	check_ix(v, at->a);
	if (s->kind == F_UNROLLED && !ix_isint(at->a, &most))
		wrong(v, "an unrolled loop of %s iterations", ix_str(at->a));
	if (s->kind == F_LANES && (s->lanes < 1 || !ix_ge0(ix_sub(ix_int(s->lanes), at->a))))
		wrong(v, "%s iterations in %d lanes", ix_str(at->a), s->lanes);
	push(&v->index, at);
	check_block(v, s->body);
	v->index.n--;
}

static void
check_var(Verify *v, const Stmt *s)
{
	if (!s->v || !s->e || s->v->dt != s->e->dt)
		wrong(v, "variable %s of %s gets %s", s->v ? s->v->name : "?", s->v ? dt_text(s->v->dt) : "?",
			s->e ? dt_text(s->e->dt) : "nothing");
	check_expr(v, s->e);
	if (s->op == S_SET && !map_ptr(v->var, s->v))
		wrong(v, "%s is set outside its scope", s->v->name);
	if (s->op == S_LET && map_ptr(v->var, s->v))
		wrong(v, "%s is declared twice", s->v->name);
	*map_at_ptr(v->var, s->v) = s->v;
}

static void
check_store(Verify *v, const Stmt *s)
{
	if (!s->mem || !s->ix || !s->e || s->mem->dt != s->e->dt)
		wrong(v, "a store of %s to %s", s->e ? dt_text(s->e->dt) : "nothing",
			s->mem ? dt_text(s->mem->dt) : "nothing");
	check_expr(v, s->e);
	check_ix(v, s->ix);
	check_access(v, s->mem, s->ix, "store");
	if (s->mem->space == SP_WEIGHT || s->mem->space == SP_IN)
		wrong(v, "a store to %s, which is constant", s->mem->name);
	if (s->mem->space == SP_PARAM && !s->mem->written)
		wrong(v, "a store to %s, which is not marked as written", s->mem->name);
}

static void
check_array(Verify *v, const Stmt *s)
{
	int64_t n;

	if (!s->mem || s->mem->space != SP_PRIVATE || !s->mem->size || !ix_isint(s->mem->size, &n) || n < 0)
		wrong(v, "array %s is not private or has no constant size", s->mem ? s->mem->name : "?");
	if (s->mem->packed)
		wrong(v, "array %s is packed", s->mem->name);
	*map_at_ptr(v->mem, s->mem) = s->mem;
}

static void
check_cond(Verify *v, const Expr *e)
{
	if (!e || e->dt != DT_BOOL)
		wrong(v, "a condition of dtype %s", e ? dt_text(e->dt) : "none");
	check_expr(v, e);
}

/* names declared in a block end with it */
static void
end_scope(Verify *v, const Stmt *block)
{
	const Stmt *s;

	for (int i = 0; i < block->list.n; i++) {
		s = block->list.p[i];
		if (s->op == S_LET)
			*map_at_ptr(v->var, s->v) = NULL;
		if (s->op == S_ARRAY)
			*map_at_ptr(v->mem, s->mem) = NULL;
	}
}

/* programs */

static void
check_arg(Verify *v, Arg a)
{
	if (!a.mem || !map_ptr(v->mem, a.mem))
		wrong(v, "an operand, %s, that is no region", a.mem ? a.mem->name : "none");
	check_ix(v, a.off);
}

static void
check_call(Verify *v, const Stmt *s)
{
	const Mem *to;

	if (!s->kern || !map_ptr(v->mem, s->kern))
		wrong(v, "a call of a kernel that is not listed");
	if (s->arg.n != s->kern->param.n)
		wrong(v, "%s has %d parameters, got %d", s->kern->name, s->kern->param.n, s->arg.n);
	for (int i = 0; i < s->arg.n; i++) {
		check_arg(v, s->arg.p[i]);
		to = s->kern->param.p[i];
		if (to->dt != s->arg.p[i].mem->dt)
			wrong(v, "%s takes %s for %s, got %s", s->kern->name, dt_text(to->dt), to->name,
				dt_text(s->arg.p[i].mem->dt));
		if (to->written && (s->arg.p[i].mem->space == SP_WEIGHT || s->arg.p[i].mem->space == SP_IN))
			wrong(v, "%s writes to %s, which is constant", s->kern->name, s->arg.p[i].mem->name);
	}
}

static void
check_bind(Verify *v, const Stmt *s)
{
	const IxAtom *at = s->var ? ix_atom(s->var) : NULL;

	if (!at || at->kind != IX_SYM || !s->ix == !s->e)
		wrong(v, "a bind of no symbol, or to no one value");
	if (s->ix)
		check_ix(v, s->ix);
	else
		check_expr(v, s->e);
	if (s->e && s->e->dt != DT_I64)
		wrong(v, "%s bound to %s", ix_str(s->var), dt_text(s->e->dt));
}

static void
check_program_stmt(Verify *v, const Stmt *s)
{
	switch (s->op) {
	case S_CALL: check_call(v, s); break;
	case S_COPY:
		if (s->arg.n != 2 || s->arg.p[0].mem->dt != s->arg.p[1].mem->dt)
			wrong(v, "a copy between dtypes");
		check_arg(v, s->arg.p[0]);
		check_arg(v, s->arg.p[1]);
		check_ix(v, s->ix);
		break;
	case S_BIND: check_bind(v, s); break;
	case S_ASSUME:
		check_ix(v, s->ix);
		check_ix(v, s->ix2);
		break;
	case S_ALLOC:
		check_arg(v, (Arg){s->mem, s->ix});
		if (s->mem->space != SP_HEAP && s->mem->space != SP_OUT)
			wrong(v, "%s is allocated, but no output and not in the heap region", s->mem->name);
		break;
	case S_MARK: case S_RELEASE: break;
	default: wrong(v, "statement %d", s->op);
	}
}

static void
check_stmt(Verify *v, const Stmt *s)
{
	switch (s->op) {
	case S_BLOCK:
		for (int i = 0; i < s->list.n; i++)
			check_stmt(v, s->list.p[i]);
		end_scope(v, s);
		break;
	case S_FOR:   check_for(v, s); break;
	case S_WHILE: case S_IF:
		check_cond(v, s->e);
		check_block(v, s->body);
		if (s->other)
			check_block(v, s->other);
		break;
	case S_LET: case S_SET: check_var(v, s); break;
	case S_STORE: check_store(v, s); break;
	case S_ARRAY: check_array(v, s); break;
	case S_FAIL:
		if (s->e)
			check_cond(v, s->e);
		if (v->k && !v->k->fails)
			wrong(v, "it fails, but is not marked as failing");
		break;
	case S_KEEP: case S_PREFETCH:
		if (!s->mem || !map_ptr(v->mem, s->mem))
			wrong(v, "keep or prefetch of no memory in scope");
		if (s->op == S_PREFETCH)
			check_ix(v, s->ix);
		break;
	case S_NOTE: break;
	default:
		if (!v->g)
			wrong(v, "statement %d belongs to programs", s->op);
		check_program_stmt(v, s);
	}
}

void
ir_verify_kern(const Kern *k, const char *after)
{
	Verify v = {.k = k, .name = k->name, .after = after, .var = map_new(), .mem = map_new()};

	for (int i = 0; i < k->param.n; i++)
		*map_at_ptr(v.mem, k->param.p[i]) = k->param.p[i];
	check_block(&v, k->body);
	for (int i = 0; i < k->variant.n; i++) {
		if (k->variant.p[i]->param.n != k->param.n || !k->variant.p[i]->isa)
			wrong(&v, "variant %d has other parameters, or no isa", i);
		ir_verify_kern(k->variant.p[i], after);
	}
}

void
ir_verify_program(const Program *g, const char *after)
{
	Verify v = {.g = g, .name = "program", .after = after, .var = map_new(), .mem = map_new()};

	for (int i = 0; i < g->kern.n; i++) {
		ir_verify_kern(g->kern.p[i], after);
		*map_at_ptr(v.mem, g->kern.p[i]) = g->kern.p[i];
	}
	for (int i = 0; i < g->mem.n; i++)
		*map_at_ptr(v.mem, g->mem.p[i]) = g->mem.p[i];
	if (g->layout)
		check_block(&v, g->layout);
	check_block(&v, g->body);
}
