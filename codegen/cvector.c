/* The printer inside a loop of kind lanes: vectors, through the helpers of templates/vector.c. */
#include "emit.h"
#include "pool.h"

typedef struct Regs { int n; const char *name; bool named; } Regs;    /* a register array: all indices constant */

const char *
cv_type(CPrint *p, DType d)
{
	const char *s = fmt("zn_%sx%d", vec_kind(d), p->lanes->width);

	prelude_need(p->pre, s);
	return s;
}

/* # is the number of lanes, $ the suffix of dot products */
static const char *
spell(CPrint *p, const char *text)
{
	Buf b = { 0 };

	for (const char *s = text; *s; s++)
		if (*s == '#')
			buf_fmt(&b, "%d", p->lanes->width);
		else if (*s == '$')
			buf_fmt(&b, "%s", p->isa->dot);
		else
			buf_add(&b, s, 1);
	return buf_str(&b);
}

/* an operand as a vector */
void
cv_operand(CPrint *p, const Expr *e, enum prec min)
{
	const char *s;
	enum prec is = P_POST;

	if (cp_varies(p, e)) {
		cp_expr(p, e, min);
		return;
	}
	s = fmt("zn_splat_%sx%d", vec_kind(e->dt), p->lanes->width);
	prelude_need(p->pre, s);
	cp_text(p, "%s(", s);
	if (e->dt == DT_BOOL) {
		cp_text(p, "-(int32_t)");
		cp_expr(p, e, P_UNARY);
	} else if (e->op == E_CONST && e->dt == DT_F32) {
		cp_text(p, "%s", p->t->constant(e->dt, e->u.bits, &is));
	} else {
		cp_expr(p, e, P_COND);
	}
	cp_text(p, ")");
}

/* the helper of a memory access: zn_load_f32x16, zn_loadn_u8x8, zn_storesn_f32x4 */
static void
access_name(CPrint *p, const char *what, const Mem *m, bool strided)
{
	const char *s = fmt("zn_%s%s%s_%sx%d", what, strided ? "s" : "", p->active ? "n" : "", dt_text(m->dt),
		p->lanes->width);

	prelude_need(p->pre, s);
	cp_text(p, "%s(", s);
}

/* pointer to the element of lane 0, and the stride if it is not 1 */
static void
address(CPrint *p, const Mem *m, Ix at, Ix stride)
{
	cp_text(p, "%s", (const char *)map_ptr(p->name, m));
	if (!ix_is(at, 0)) {
		cp_text(p, " + ");
		cp_ix(p, at, P_ADD);
	}
	if (stride) {
		cp_text(p, ", ");
		cp_ix(p, stride, P_COND);
	}
}

static const char *
reg_name(CPrint *p, const Mem *m, Ix at)
{
	Regs *r = map_ptr(p->name, m);
	int64_t i;

	if (!r->named)
		return NULL;
	if (!ix_isint(at, &i) || i < 0 || i >= r->n)
		bug("register %s[%s]", m->name, ix_str(at));
	return fmt("%s_%d", r->name, (int)i);
}

static void
print_reg(CPrint *p, const Mem *m, Ix at)
{
	const char *s = reg_name(p, m, at);

	if (s) {
		cp_text(p, "%s", s);
		return;
	}
	cp_text(p, "%s[", ((Regs *)map_ptr(p->name, m))->name);
	cp_ix(p, at, P_ANY);
	cp_text(p, "]");
}

static void
print_load(CPrint *p, const Expr *e)
{
	Ix rest, c = ix_coef(e->ix[0], p->lanes->var, &rest);
	bool strided = !ix_is(c, 1);
	const char *s;

	if (ex_is_word(e)) {
		s = fmt("zn_word%s_i32x%d", p->active ? "n" : "s", p->lanes->width);
		prelude_need(p->pre, s);
		cp_text(p, "%s(", s);
		address(p, e->u.mem, rest, NULL);
		cp_text(p, p->active ? ", %s)" : ")", p->active);
		return;
	}
	access_name(p, "load", e->u.mem, strided);
	address(p, e->u.mem, rest, strided ? c : NULL);
	cp_text(p, p->active ? ", %s)" : ")", p->active);
}

/* an index as data */
static void
print_index(CPrint *p, const Expr *e)
{
	int w = p->lanes->width;
	Ix rest, c = ix_coef(e->a[0]->ix[0], p->lanes->var, &rest);
	const char *s = fmt(e->dt == DT_F32 ? "zn_f32_i32x%d" : "zn_iota_i32x%d", w);

	prelude_need(p->pre, s);
	prelude_need(p->pre, fmt("zn_iota_i32x%d zn_splat_i32x%d", w, w));
	cp_text(p, "%szn_splat_i32x%d((int32_t)", e->dt == DT_F32 ? fmt("%s(", s) : "(", w);
	cp_ix(p, rest, P_UNARY);
	cp_text(p, ") + zn_iota_i32x%d() * zn_splat_i32x%d((int32_t)", w, w);
	cp_ix(p, c, P_UNARY);
	cp_text(p, "))");
}

static bool
is_number(const Expr *e)
{
	return e->op == E_CONST && e->dt == DT_F32 && (e->u.bits & 0x7fffffff) <= 0x7f800000;
}

static void
print_row(CPrint *p, const Expr *e, enum prec min)
{
	DType d = e->a[e->n - 1]->dt;
	const Row *r = vec_row(e->op, d);

	if (d == DT_F32 && (e->op == E_MIN || e->op == E_MAX) && (is_number(e->a[0]) || is_number(e->a[1]))) {
		bool first = is_number(e->a[0]);
		cp_expand(p, spell(p, fmt("zn_%sc_f32x#(%%%d, %%%d)", eop_info[e->op].text, first, !first)), P_POST, min,
			e, cv_operand);
		return;
	}
	cp_expand(p, spell(p, r->text), r->prec, min, e, cv_operand);
}

const char *
cv_left(CPrint *p, const Expr *e)
{
	int w = p->lanes->width;
	size_t at = p->b->n;
	const char *s = p->active ? p->active : fmt("%d", w);
	bool any = false, cond = false;
	Ix k;

	for (int i = 0; i < e->nix; i++) {
		if (!lanes_vary_ix(p->lanes, e->ix[i]) || !(k = lanes_guard(p->lanes, e->ix[i])))
			continue;
		cp_text(p, "zn_beforex%d(", w);
		cp_ix(p, k, P_COND);
		s = fmt("%.*s, %s)", (int)(p->b->n - at), p->b->p + at, s);
		p->b->n = at;
		any = true;
	}
	if (!any)
		return NULL;
	for (int i = 0; i < e->nix; i++) {
		if (lanes_vary_ix(p->lanes, e->ix[i]))
			continue;
		cp_text(p, cond ? " && " : "(");
		cp_ix(p, e->ix[i], P_ADD);
		cp_text(p, " >= 0");
		cond = true;
	}
	s = cond ? fmt("%.*s ? %s : 0)", (int)(p->b->n - at), p->b->p + at, s) : s;
	p->b->n = at;
	prelude_need(p->pre, s);
	return s;
}

/* what is off is not loaded */
static void
print_guard(CPrint *p, const Expr *e, const char *left)
{
	const char *before = p->active, *head = spell(p,
		"zn_select_f32x#((zn_i32x#)(zn_iota_i32x#() < zn_splat_i32x#(");

	prelude_need(p->pre, head);
	cp_text(p, "%s%s)), ", head, left);
	p->active = left;
	cv_operand(p, e->a[0], P_COND);
	p->active = before;
	cp_text(p, ", ");
	cv_operand(p, e->a[1], P_COND);
	cp_text(p, ")");
}

void
cv_node(CPrint *p, const Expr *e, enum prec min)
{
	const char *s;

	switch (e->op) {
	case E_VAR:
		cp_text(p, "%s", (const char *)map_ptr(p->name, e->u.var));
		break;
	case E_LOAD:
		if (map_ptr(p->lanes->vector, e->u.mem))
			print_reg(p, e->u.mem, e->ix[0]);
		else
			print_load(p, e);
		break;
	case E_GUARD:
		if ((s = cv_left(p, e)))
			print_guard(p, e, s);
		else
			cp_choice(p, e, min, cv_operand);
		break;
	case E_SELECT:
		if (cp_varies(p, e->a[0]))
			print_row(p, e, min);
		else
			cp_choice(p, e, min, cv_operand);
		break;
	case E_CAST:
		if (e->a[0]->op == E_IX) {
			print_index(p, e);
			break;
		}
		s = vec_cast(e->dt, e->a[0]->dt);
		cp_expand(p, spell(p, s), s[0] == 'z' ? P_POST : !strcmp(s, "%0") ? P_ANY : P_UNARY, min, e, cv_operand);
		break;
	default:
		print_row(p, e, min);
	}
}

/* ---- statements */

static void
print_store(CPrint *p, const Stmt *s)
{
	Ix rest, c;
	bool strided;

	cp_line(p);
	if (map_ptr(p->lanes->vector, s->mem)) {
		print_reg(p, s->mem, s->ix);
		cp_text(p, " = ");
		cv_operand(p, s->e, P_COND);
		cp_text(p, ";\n");
		return;
	}
	c = ix_coef(s->ix, p->lanes->var, &rest);
	strided = !ix_is(c, 1);
	access_name(p, "store", s->mem, strided);
	address(p, s->mem, rest, strided ? c : NULL);
	cp_text(p, ", ");
	cv_operand(p, s->e, P_COND);
	cp_text(p, p->active ? ", %s);\n" : ");\n", p->active);
}

static void
print_let(CPrint *p, const Stmt *s)
{
	cp_line(p);
	const char *name, *kind = vec_kind(s->v->dt);
	int w = p->lanes->width;
	bool keep = s->op == S_SET && p->partial;        /* lanes that are off keep what they have */

	if (s->op == S_LET)
		cp_text(p, "%s ", cv_type(p, s->v->dt));
	name = cp_name(p, s->v, s->v->name, "v");
	cp_text(p, "%s = ", name);
	if (keep) {
		prelude_need(p->pre, fmt("zn_select_%sx%d zn_iota_i32x%d zn_splat_i32x%d zn_i32x%d", kind, w, w, w, w));
		cp_text(p, "zn_select_%sx%d((zn_i32x%d)(zn_iota_i32x%d() < zn_splat_i32x%d(%s)), ", kind, w, w, w, w, p->active);
	}
	cv_operand(p, s->e, P_COND);
	cp_text(p, keep ? ", %s);\n" : ";\n", name);
}

/* set v = op(v, x), v a scalar outside */
static void
print_gather(CPrint *p, const Stmt *s)
{
	int w = p->lanes->width;
	const Expr *e = s->e, *x = e->a[e->a[0] == ex_var(s->v)];
	const char *name = map_ptr(p->name, s->v), *f = e->op == E_ADD ? "sum" : e->op == E_MAX ? "hmax" : "hmin";
	const char *id = e->op == E_ADD ? "0.0f" : e->op == E_MAX ? "-INFINITY" : "INFINITY";

	prelude_need(p->pre, fmt("zn_%s_f32x%d", f, w));
	cp_line(p);
	if (e->op == E_ADD)
		cp_text(p, "%s = %s + zn_%s_f32x%d(", name, name, f, w);
	else {
		prelude_need(p->pre, fmt("zn_%s_f32", eop_info[e->op].text));
		cp_text(p, "%s = zn_%s_f32(%s, zn_%s_f32x%d(", name, eop_info[e->op].text, name, f, w);
	}
	if (p->active) {
		prelude_need(p->pre, fmt("zn_select_f32x%d zn_iota_i32x%d zn_splat_i32x%d zn_splat_f32x%d", w, w, w, w));
		cp_text(p, "zn_select_f32x%d((zn_i32x%d)(zn_iota_i32x%d() < zn_splat_i32x%d(%s)), ", w, w, w, w, p->active);
	}
	cv_operand(p, x, P_COND);
	if (p->active)
		cp_text(p, ", zn_splat_f32x%d(%s))", w, id);
	cp_text(p, e->op == E_ADD ? ");\n" : "));\n");
}

typedef struct Uses { const Mem *m; bool constant; } Uses;

static bool
other_index(const Expr *e, void *arg)
{
	Uses *u = arg;

	return e->op == E_LOAD && e->u.mem == u->m && !ix_isint(e->ix[0], &(int64_t){ 0 });
}

static void
uses_of(Stmt *s, void *arg)
{
	Uses *u = arg;

	if (s->op == S_STORE && s->mem == u->m && !ix_isint(s->ix, &(int64_t){ 0 }))
		u->constant = false;
	if ((s->e && ex_any(s->e, other_index, u)) || (s->ix && ex_any(ex_ix(s->ix), other_index, u)))
		u->constant = false;
}

static void
print_array(CPrint *p, const Stmt *s)
{
	Regs *r = NEW(Regs);
	Uses u = { s->mem, true };
	int64_t n;

	if (!ix_isint(s->mem->size, &n) || n <= 0)
		bug("array %s of no constant size", s->mem->name);
	st_each((Stmt *)p->lanes->body, uses_of, &u);
	*r = (Regs){ (int)n, cp_unique(p, s->mem->name), u.constant && n <= 64 };
	*map_at_ptr(p->name, s->mem) = r;
	if (!r->named) {
		cp_linef(p, "%s %s[%d];", cv_type(p, s->mem->dt), r->name, (int)n);
		return;
	}
	for (int i = 0; i < n; i += 8) {
		cp_line(p);
		cp_text(p, "%s", cv_type(p, s->mem->dt));
		for (int k = i; k < n && k < i + 8; k++)
			cp_text(p, "%s %s_%d", k > i ? "," : "", r->name, k);
		cp_text(p, ";\n");
	}
}

/* an empty asm that has the registers as operands; 14 at a time: compilers take 30 */
static void
print_keep(CPrint *p, const Stmt *s)
{
	Regs *r = map_ptr(p->name, s->mem);

	if (!r->named)
		return;
	prelude_need(p->pre, "zn_keep");
	for (int i = 0; i < r->n; i += 14) {
		cp_line(p);
		cp_text(p, "__asm__(\"\" : ");
		for (int k = i; k < r->n && k < i + 14; k++)
			cp_text(p, "%sZN_KEEP(%s_%d)", k > i ? ", " : "", r->name, k);
		cp_text(p, ");\n");
	}
}

/* the first n lanes, of those that are on, are on inside; none: nothing happens */
static void
masked(CPrint *p, Ix n, const Stmt *body, bool partial)
{
	const char *before = p->active, *name;
	bool was = p->partial;

	cp_line(p);
	if (ix_ge0(ix_addc(n, -p->lanes->width))) {
		cp_block(p, body);
		cp_text(p, "\n");
		return;
	}
	name = fmt("n%d", p->temps++);
	if (before)
		prelude_need(p->pre, fmt("zn_beforex%d", p->lanes->width));
	if (p->wide)
		prelude_need(p->pre, "zn_min_i64");
	cp_text(p, "const int32_t %s = %s", name, before ? fmt("zn_beforex%d(", p->lanes->width) : p->wide ?
		"(int32_t)zn_min_i64(" : "");
	cp_ix(p, n, P_COND);
	if (before)
		cp_text(p, ", %s)", before);
	else if (p->wide)
		cp_text(p, ", %d)", p->lanes->width);
	cp_text(p, ";\n");
	cp_line(p);
	if (!ix_gt0(n))
		cp_text(p, "if (%s > 0)", name);
	p->active = name;
	p->partial |= partial;
	cp_block(p, body);
	cp_text(p, "\n");
	p->active = before;
	p->partial = was;
}

bool
cv_stmt(CPrint *p, const Stmt *s)
{
	Ix n;

	switch (s->op) {
	case S_ARRAY:
		print_array(p, s);
		return true;
	case S_LET:
		if (!map_ptr(p->lanes->vector, s->v))
			return false;
		cp_print_temps(p);
		print_let(p, s);
		return true;
	case S_SET:
		cp_print_temps(p);
		if (map_ptr(p->lanes->vector, s->v))
			print_let(p, s);
		else
			print_gather(p, s);
		return true;
	case S_STORE:
		cp_print_temps(p);
		print_store(p, s);
		return true;
	case S_IF:
		if (!(n = lanes_limit(p->lanes, s->e)))
			return false;
		masked(p, ix_max(ix_int(0), ix_min(n, ix_int(p->lanes->width))), s->body, true);
		return true;
	case S_KEEP:
		print_keep(p, s);
		return true;
	default:
		return false;
	}
}

void
cv_loop(CPrint *p, const Stmt *s)
{
	Lanes l, *before = p->lanes;
	const IxAtom *v = ix_atom(s->var);

	lanes_scan(&l, s);
	p->lanes = &l;
	masked(p, v->a, s->body, false);
	p->lanes = before;
}
