/* The interpreter's compiler: the expressions of a statement become linear code over registers.
 *
 * What is used only in a branch of a select or guard is computed in a region that is skipped when no lane
 * takes it; it runs for all lanes otherwise, which is harmless, as operations are total and loads under a
 * mask do not fail. */
#include "icode.h"

#include <stdlib.h>

static int expr_reg(Comp *, const Expr *);
static int ix_reg(Comp *, Ix);

/* registers */

Reg *
reg(Comp *c, int r)
{
	return r >= TEMP ? &c->temp.p[r - TEMP] : &c->reg.p[r];
}

int
reg_new(Comp *c, bool uniform)
{
	push(&c->reg, ((Reg){uniform, -1}));
	return c->reg.n - 1;
}

static int
const_reg(Comp *c, uint64_t bits)
{
	void **slot = map_at(c->bits, &bits, sizeof bits);
	int r;

	if (!*slot) {
		r = reg_new(c, true);
		push(&c->constant, ((__typeof__(*c->constant.p)){r, bits}));
		*slot = (void *)(intptr_t)(r + 1);
	}
	return (int)(intptr_t)*slot - 1;
}

/* appends an instruction; its result is uniform if all that it reads is */
static int
emit(Comp *c, Ins in)
{
	bool uniform = in.op != I_POLY || in.uniform;

	for (int i = 0; i < 3; i++)
		uniform = uniform && (in.a[i] < 0 || reg(c, in.a[i])->uniform);
	in.uniform = uniform;
	for (int i = 0; i < 3 && !uniform; i++)
		if (in.a[i] >= 0 && reg(c, in.a[i])->uniform && reg(c, in.a[i])->def >= 0)
			c->code->ins.p[reg(c, in.a[i])->def].fill = true;
	push(&c->temp, ((Reg){uniform, c->code->ins.n}));
	in.dst = TEMP + c->temp.n - 1;
	push(&c->code->ins, in);
	return in.dst;
}

/* the registers that it reads, then other fields */
#define INS(x, y, z, ...) ((Ins){.a = {x, y, z}, __VA_ARGS__})

/* indices */

static bool
is_expr_atom(const IxAtom *at, void *arg)
{
	(void)arg;
	return at->kind == IX_EXPR;
}

static int
sym_reg(Comp *c, const IxAtom *at)
{
	return const_reg(c, (uint64_t)c->value(at, c->varg));
}

static void **
scoped(Comp *c, const void *p, int scope)
{
	struct { const void *p; intptr_t scope; } key = {p, scope};

	return map_at(c->ix, &key, sizeof key);
}

/* the register where p was computed in this scope or around it, else -1 */
static int
scoped_get(Comp *c, const void *p)
{
	struct { const void *p; intptr_t scope; } key = {p, c->at};
	intptr_t r;

	for (; key.scope >= 0; key.scope = c->scope.p[key.scope].parent)
		if ((r = (intptr_t)map_get(c->ix, &key, sizeof key)))
			return (int)r - 1;
	return -1;
}

static int
atom_new(Comp *c, const IxAtom *at)
{
	static const enum iop op[IX_EXPR] = {[IX_DIV] = I_DIV, [IX_BCAST] = I_BCAST};     /* min, max: I_EVAL */
	Ins in = INS(-1, -1, -1, .op = op[at->kind], .dt = DT_I64, .adt = {DT_I64, DT_I64});

	in.eop = at->kind == IX_MIN ? E_MIN : E_MAX;
	in.a[0] = ix_reg(c, at->a);
	in.a[1] = ix_reg(c, at->b);
	return emit(c, in);
}

static int
atom_reg(Comp *c, const IxAtom *at)
{
	intptr_t r;
	int t;

	switch (at->kind) {
	case IX_SYM:  return sym_reg(c, at);
	case IX_EXPR: return expr_reg(c, at->e);
	case IX_VAR:
		if (!(r = (intptr_t)map_ptr(c->atom, at)))
			bug("%s is not in scope", ix_str(ix_of(at)));
		return (int)r - 1;
	default:
		if ((t = scoped_get(c, at)) < 0) {
			t = atom_new(c, at);
			*scoped(c, at, c->at) = (void *)(intptr_t)(t + 1);
		}
		return t;
	}
}

static int
poly_new(Comp *c, Ix p)
{
	PolyCode *code = NEW(PolyCode);
	Ins in = INS(-1, -1, -1, .op = I_POLY, .dt = DT_I64, .poly = code, .uniform = true);
	PolyTerm *t;

	*code = (PolyCode){p->c, p->n, NEWN(PolyTerm, p->n)};
	for (int i = 0; i < p->n; i++) {
		t = &code->t[i];
		*t = (PolyTerm){p->t[i].c, p->t[i].n, NEWN(int, p->t[i].n), NEWN(bool, p->t[i].n)};
		for (int j = 0; j < t->n; j++) {
			t->reg[j] = atom_reg(c, p->t[i].a[j]);
			t->uniform[j] = reg(c, t->reg[j])->uniform;
			in.uniform = in.uniform && t->uniform[j];
		}
	}
	return emit(c, in);
}

static int
ix_reg(Comp *c, Ix p)
{
	int64_t v;
	int t;

	if (ix_isint(p, &v))
		return const_reg(c, (uint64_t)v);
	if ((t = scoped_get(c, p)) < 0) {
		t = poly_new(c, p);
		*scoped(c, p, c->at) = (void *)(intptr_t)(t + 1);
	}
	return t;
}

/* p = coef*lane + rest with a coefficient that no iteration changes? */
static bool
is_affine(Comp *c, Ix p)
{
	Ix rest, coef = c->lane ? ix_coef(p, c->lane, &rest) : NULL;

	return coef && !ix_any(coef, is_expr_atom, NULL) && !ix_any(rest, is_expr_atom, NULL);
}

/* memory */

int64_t
atom_value(const IxAtom *at, void *arg)
{
	Comp *c = arg;

	return c->value(at, c->varg);
}

bool
not_symbol(const IxAtom *at, void *arg)
{
	(void)arg;
	return at->kind == IX_VAR || at->kind == IX_EXPR;
}

MemRef *
mem_ref(Comp *c, const Mem *m)
{
	MemRef *r = map_ptr(c->mem, m);

	if (!r)
		bug("memory %s is no operand of kernel %s", m->name, c->k->name);
	return r;
}

MemRef *
mem_add(Comp *c, const Mem *m, void *p)
{
	MemRef *r = NEW(MemRef);

	*r = (MemRef){m, p, INT64_MAX};
	if (m->size && !ix_any(m->size, not_symbol, NULL))
		r->size = ix_eval(m->size, atom_value, c);
	*map_at_ptr(c->mem, m) = r;
	return r;
}

/* expressions: discovery and regions */

typedef struct Scan { Comp *c; VEC(const Expr *) list, stack; } Scan;

static void scan_ix(Scan *, Ix);

static void
scan_atom(Scan *s, const IxAtom *at)
{
	if (at->kind == IX_EXPR)
		push(&s->stack, at->e);
	else if (at->kind != IX_SYM && at->kind != IX_VAR) {
		scan_ix(s, at->a);
		scan_ix(s, at->b);
	}
}

static void
scan_ix(Scan *s, Ix p)
{
	for (int i = 0; i < p->n; i++)
		for (int j = 0; j < p->t[i].n; j++)
			scan_atom(s, p->t[i].a[j]);
}

static void
scan_children(Scan *s, const Expr *e)
{
	for (int i = 0; i < e->n; i++)
		push(&s->stack, e->a[i]);
	for (int i = 0; i < e->nix; i++)
		scan_ix(s, e->ix[i]);
}

static void
scan(Scan *s)
{
	const Expr *e;
	void **slot;

	while (s->stack.n) {
		e = s->stack.p[--s->stack.n];
		slot = map_at_ptr(s->c->found, e);
		if (*slot)
			continue;
		*slot = NEW(Found);
		*(Found *)*slot = (Found){-1, -1, -1};
		push(&s->list, e);
		scan_children(s, e);
	}
}

static int
by_id(const void *x, const void *y)
{
	const Expr *a = *(const Expr *const *)x, *b = *(const Expr *const *)y;

	return (a->id > b->id) - (a->id < b->id);
}

static int
common(Comp *c, int x, int y)
{
	if (x < 0 || y < 0)
		return x < 0 ? y : x;
	while (x != y)
		if (c->scope.p[x].depth >= c->scope.p[y].depth)
			x = c->scope.p[x].parent;
		else
			y = c->scope.p[y].parent;
	return x;
}

static int
scope_new(Comp *c, int parent)
{
	int depth = parent < 0 ? 0 : c->scope.p[parent].depth + 1;

	push(&c->scope, ((Scope){.parent = parent, .depth = depth, .mask = -1}));
	return c->scope.n - 1;
}

static void
used(Comp *c, const Expr *e, int scope, bool sure)
{
	Found *f = map_ptr(c->found, e);

	f->scope = common(c, f->scope, scope);
	if (sure && (f->top < 0 || c->scope.p[scope].depth < c->scope.p[f->top].depth))
		f->top = scope;
}

/* the operand from which on the operands are branches: select's second, guard's first */
static int
first_branch(const Expr *e)
{
	return e->op == E_SELECT ? 1 : e->op == E_GUARD ? 0 : e->n;
}

/* users before operands: every node goes to the innermost region around all its uses. Branch scopes of a
 * node are made in order, so that emission finds them as found->reg and the next */
static void
place(Comp *c, const Expr *e)
{
	Found *f = map_ptr(c->found, e);
	Scan s = {.c = c};
	bool sure = f->top == f->scope;

	if (f->scope < 0 || e->op == E_CONST || e->op == E_VAR)
		f->scope = 0;
	for (int i = 0; i < e->n; i++)
		if (i < first_branch(e))
			used(c, e->a[i], f->scope, sure);
		else {
			if (i == first_branch(e))
				f->reg = c->scope.n;
			used(c, e->a[i], scope_new(c, f->scope), sure);
		}
	for (int i = 0; i < e->nix; i++)
		scan_ix(&s, e->ix[i]);
	for (int i = 0; i < s.stack.n; i++)
		used(c, s.stack.p[i], f->scope, sure);
}

/* emission */

static int
guard_cond(Comp *c, const Expr *e)
{
	int r = -1;

	for (int i = 0; i < e->nix; i++)
		r = emit(c, INS(ix_reg(c, e->ix[i]), r, -1, .op = I_GE0, .dt = DT_BOOL));
	return r;
}

static void emit_scope(Comp *, int scope);

/* one branch: nothing to skip if all that it reads lies outside */
static void
emit_branch(Comp *c, int scope, int cond, bool negate)
{
	int outer = c->at, skip, mask;

	if (!c->scope.p[scope].e.n)
		return;
	c->at = scope;
	mask = emit(c, INS(cond, c->scope.p[outer].mask, -1, .op = I_MASK, .dt = DT_BOOL, .negate = negate));
	c->scope.p[scope].mask = mask;
	skip = c->code->ins.n;
	emit(c, INS(mask, -1, -1, .op = I_SKIP));
	emit_scope(c, scope);
	c->code->ins.p[skip].to = c->code->ins.n;
	c->at = outer;
}

static int
emit_choice(Comp *c, const Expr *e, int scope)
{
	int cond = e->op == E_SELECT ? expr_reg(c, e->a[0]) : guard_cond(c, e), k = first_branch(e);

	emit_branch(c, scope, cond, false);
	emit_branch(c, scope + 1, cond, true);
	return emit(c, INS(cond, expr_reg(c, e->a[k]), expr_reg(c, e->a[k + 1]), .op = I_EVAL,
		.eop = E_SELECT, .dt = e->dt, .adt = {DT_BOOL, e->dt, e->dt}));
}

static int
var_reg(Comp *c, const Var *v)
{
	intptr_t r = (intptr_t)map_ptr(c->var, v);

	if (!r)
		bug("variable %s is not in scope", v->name);
	if (c->lane && c->reg.p[r - 1].uniform)
		return emit(c, INS((int)r - 1, -1, -1, .op = I_COPY, .dt = v->dt));
	return (int)r - 1;
}

/* a load that two branches share is computed outside of both, where neither may need it */
static int
emit_load(Comp *c, const Expr *e)
{
	const Found *f = map_ptr(c->found, e);
	int mask = f->top == f->scope ? c->scope.p[c->at].mask : const_reg(c, 0);
	Ins in = INS(ix_reg(c, e->ix[0]), mask, -1, .op = I_LOAD, .dt = e->dt);

	in.word = ex_is_word(e);

	in.mem = mem_ref(c, e->u.mem);
	in.affine = is_affine(c, e->ix[0]);
	return emit(c, in);
}

static int
emit_op(Comp *c, const Expr *e)
{
	static const enum iop special[NEOP] = {
		[E_STREQ] = I_STREQ, [E_STRNUM] = I_STRNUM, [E_NUMSTR] = I_NUMSTR,
		[E_STRCAT] = I_STRCAT, [E_STRLOW] = I_STRCASE, [E_STRUP] = I_STRCASE, [E_STRPARTS] = I_STRPARTS,
		[E_STRPART] = I_STRPART,
	};
	Ins in = INS(-1, -1, -1, .op = special[e->op] ? special[e->op] : I_EVAL, .eop = e->op, .dt = e->dt);

	for (int i = 0; i < e->n; i++) {
		in.a[i] = expr_reg(c, e->a[i]);
		in.adt[i] = e->a[i]->dt;
	}
	return emit(c, in);
}

static int
emit_expr(Comp *c, const Expr *e, int branch)
{
	switch (e->op) {
	case E_CONST: return const_reg(c, e->u.bits);
	case E_IX:    return ix_reg(c, e->ix[0]);
	case E_VAR:   return var_reg(c, e->u.var);
	case E_LOAD:  return emit_load(c, e);
	case E_GUARD: case E_SELECT: return emit_choice(c, e, branch);
	case E_TLOAD: case E_REDUCE: bug("%s in a kernel", eop_info[e->op].text);
	default:      return emit_op(c, e);
	}
}

static void
emit_scope(Comp *c, int scope)
{
	Found *f;

	for (int i = 0; i < c->scope.p[scope].e.n; i++) {
		f = map_ptr(c->found, c->scope.p[scope].e.p[i]);
		f->reg = emit_expr(c, c->scope.p[scope].e.p[i], f->reg);
	}
}

static int
expr_reg(Comp *c, const Expr *e)
{
	Found *f = map_ptr(c->found, e);

	if (!f)
		bug("expression was not found");
	return f->reg;
}

/* f on every register that an instruction names */
void
each_reg(Ins *in, void (*f)(int *r, void *arg), void *arg)
{
	for (int i = 0; i < 3; i++)
		f(&in->a[i], arg);
	for (int i = 0; in->poly && i < in->poly->n; i++)
		for (int j = 0; j < in->poly->t[i].n; j++)
			f(&in->poly->t[i].reg[j], arg);
}

typedef struct Lives { int pc, *last, *place; } Lives;

static void
live(int *r, void *arg)
{
	Lives *l = arg;

	if (*r >= TEMP)
		l->last[*r - TEMP] = l->pc;
}

static void
settle(int *r, void *arg)
{
	Lives *l = arg;

	if (*r >= TEMP)
		*r = TEMP + l->place[*r - TEMP];
}

/* Gives the temporaries places: temporary k is written by instruction k, and its place is free after its
 * last use. Control only runs forward, so the order of instructions is an order of lives. */
static void
place_temps(Comp *c, int *keep, int nkeep)
{
	int n = c->temp.n, *next = NEWN(int, n + 1), *head = NEWN(int, n + 1);
	int *spare = NEWN(int, n + 1), nspare = 0, top = 0;
	Lives l = {0, NEWN(int, n + 1), NEWN(int, n + 1)};

	for (l.pc = 0; l.pc < n; l.pc++) {
		l.last[l.pc] = l.pc;
		each_reg(&c->code->ins.p[l.pc], live, &l);
	}
	l.pc = n;
	for (int i = 0; i < nkeep; i++)
		live(&keep[i], &l);
	for (int k = n - 1; k >= 0; k--) {
		next[k] = head[l.last[k]];
		head[l.last[k]] = k + 1;
	}
	for (int k = 0; k < n; k++) {
		l.place[k] = nspare ? spare[--nspare] : top++;
		for (int i = head[k]; i; i = next[i - 1])
			spare[nspare++] = l.place[i - 1];
	}
	for (int k = 0; k < n; k++) {
		each_reg(&c->code->ins.p[k], settle, &l);
		settle(&c->code->ins.p[k].dst, &l);
	}
	for (int i = 0; i < nkeep; i++)
		settle(&keep[i], &l);
	c->ntemp = top > c->ntemp ? top : c->ntemp;
}

/* finds what the roots need and says in which region each is computed */
static void
analyse(Comp *c, const Scan *roots)
{
	Scan s = {.c = c};
	const Expr *e;

	scope_new(c, -1);
	for (int i = 0; i < roots->stack.n; i++)
		push(&s.stack, roots->stack.p[i]);
	scan(&s);
	if (s.list.n)
		qsort(s.list.p, (size_t)s.list.n, sizeof *s.list.p, by_id);
	for (int i = 0; i < roots->stack.n; i++)
		used(c, roots->stack.p[i], 0, true);
	for (int i = s.list.n - 1; i >= 0; i--)
		place(c, s.list.p[i]);
	for (int i = 0; i < s.list.n; i++) {
		e = s.list.p[i];
		push(&c->scope.p[((Found *)map_ptr(c->found, e))->scope].e, e);
	}
}

/* the code of a statement: expressions e and x and index p (any may be NULL), results in n->val and n->at */
void
compile_code(Comp *c, Step *n, const Expr *e, const Expr *x, Ix p)
{
	Scan roots = {.c = c};
	int keep[2] = {-1, -1};

	c->code = &n->code;
	c->temp.n = c->scope.n = c->at = 0;
	c->found = map_new();
	c->ix = map_new();
	push(&c->codes, n);
	if (e)
		push(&roots.stack, e);
	if (x)
		push(&roots.stack, x);
	if (p)
		scan_ix(&roots, p);
	analyse(c, &roots);
	emit_scope(c, 0);
	if (e)
		keep[0] = expr_reg(c, e);
	if (x || p)
		keep[1] = x ? expr_reg(c, x) : ix_reg(c, p);
	n->val_uniform = keep[0] < 0 || reg(c, keep[0])->uniform;
	n->at_uniform = keep[1] < 0 || reg(c, keep[1])->uniform;
	n->affine = p && is_affine(c, p);
	place_temps(c, keep, 2);
	n->val = keep[0];
	n->at = keep[1];
}
