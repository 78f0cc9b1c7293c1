/* The interpreter's compiler: a kernel becomes a tree of steps. */
#include "icode.h"

/* loops: which of a nest runs its iterations as lanes */

static int64_t
trips(Comp *c, const Stmt *f)
{
	Ix n = ix_atom(f->var)->a;
	int64_t v = ix_any(n, not_symbol, NULL) ? 16 : ix_eval(n, atom_value, c);

	return v < W ? v : W;
}

/* the most lanes that a loop inside s could give */
static int64_t
best_inside(Comp *c, const Stmt *s)
{
	int64_t best = 0, b;

	for (int i = 0; i < s->list.n; i++)
		best = (b = best_inside(c, s->list.p[i])) > best ? b : best;
	if (s->op != S_FOR)
		return best;
	best = best_inside(c, s->body);
	b = lanes_fit(s) || lanes_fold(stmt_only(s->body)) ? trips(c, s) : 0;
	return b > best ? b : best;
}

/* statements */

static Step *compile_stmt(Comp *, const Stmt *);

static int
loop_var(Comp *c, const Stmt *s, bool uniform)
{
	int r = reg_new(c, uniform);

	*map_at_ptr(c->atom, ix_atom(s->var)) = (void *)(intptr_t)(r + 1);
	return r;
}

static void
compile_fold(Comp *c, Step *n, const Stmt *s)
{
	const Stmt *set = stmt_only(s->body);
	const Expr *e = set->e;
	Step *b = NEW(Step);

	b->op = S_SET;
	b->fold = e->op;
	b->dt = e->dt;
	compile_code(c, b, lanes_fold(set), e->op == E_FMA ? e->a[1] : NULL, NULL);
	b->var = (int)(intptr_t)map_ptr(c->var, set->v) - 1;
	n->body = b;
}

static void
compile_for(Comp *c, Step *n, const Stmt *s)
{
	bool fold;

	compile_code(c, n, NULL, NULL, ix_atom(s->var)->a);
	if (!c->lane) {
		fold = lanes_fold(stmt_only(s->body)) != NULL;
		if (fold)
			n->how = H_FOLD;
		else if (lanes_fit(s) && trips(c, s) * 2 > best_inside(c, s->body) * 3)
			n->how = H_LANES;
	}
	n->var = loop_var(c, s, n->how == H_SERIAL);
	if (n->how != H_SERIAL)
		c->lane = ix_atom(s->var);
	if (n->how == H_FOLD)
		compile_fold(c, n, s);
	else
		n->body = compile_stmt(c, s->body);
	if (n->how != H_SERIAL)
		c->lane = NULL;
}

static void
compile_set(Comp *c, Step *n, const Stmt *s)
{
	intptr_t r;

	compile_code(c, n, s->e, NULL, NULL);
	n->dt = s->e->dt;
	if (s->op == S_LET)
		*map_at_ptr(c->var, s->v) = (void *)(intptr_t)(reg_new(c, !c->lane) + 1);
	if (!(r = (intptr_t)map_ptr(c->var, s->v)))
		bug("%s is not in scope", s->v->name);
	n->var = (int)r - 1;
}

static void
compile_array(Comp *c, const Mem *m)
{
	MemRef *r;
	size_t bytes;

	if (map_ptr(c->mem, m))
		return;
	r = mem_add(c, m, NULL);
	if (r->size == INT64_MAX || !dt_bytes(m->dt, r->size, false, &bytes))
		bug("array %s has no constant size", m->name);
	r->p = big_alloc(bytes + 16);
	memset(r->p, 0xa5, bytes);
	push(&c->array, r->p);
}

static Step *
compile_stmt(Comp *c, const Stmt *s)
{
	Step *n = NEW(Step);

	n->op = s->op;
	n->val = n->at = -1;
	switch (s->op) {
	case S_BLOCK:
		for (int i = 0; i < s->list.n; i++)
			push(&n->list, compile_stmt(c, s->list.p[i]));
		break;
	case S_FOR:   compile_for(c, n, s); break;
	case S_LET: case S_SET: compile_set(c, n, s); break;
	case S_STORE:
		compile_code(c, n, s->e, NULL, s->ix);
		n->mem = mem_ref(c, s->mem);
		break;
	case S_WHILE: case S_IF:
		compile_code(c, n, s->e, NULL, NULL);
		n->body = compile_stmt(c, s->body);
		n->other = s->other ? compile_stmt(c, s->other) : NULL;
		break;
	case S_FAIL:
		n->status = s->status;
		if (s->e)
			compile_code(c, n, s->e, NULL, NULL);
		break;
	case S_ARRAY: compile_array(c, s->mem); break;
	case S_NOTE: case S_KEEP: case S_PREFETCH: break;
	default:      bug("statement %d in a kernel", s->op);
	}
	return n;
}

/* temporaries lie behind the lasting registers */
static void
number(int *r, void *arg)
{
	if (*r >= TEMP)
		*r += ((Comp *)arg)->reg.n - TEMP;
}

static void
load_constants(Comp *c, Image *im)
{
	uint64_t *r;

	im->nreg = c->reg.n + c->ntemp;
	im->reg = big_alloc((size_t)im->nreg * W * sizeof *im->reg + 64);
	for (int i = 0; i < c->constant.n; i++) {
		r = im->reg + (size_t)c->constant.p[i].reg * W;
		for (int k = 0; k < W; k++)
			r[k] = c->constant.p[i].bits;
	}
}

void
icode_compile(Image *im, const Kern *k, void *const *arg, int64_t (*value)(const IxAtom *, void *),
	void *varg)
{
	Comp c = {.k = k, .value = value, .varg = varg, .var = map_new(), .atom = map_new(),
		.bits = map_new(), .mem = map_new()};
	Code *code;

	for (int i = 0; i < k->param.n; i++)
		mem_add(&c, k->param.p[i], arg[i]);
	im->root = compile_stmt(&c, k->body);
	for (int i = 0; i < c.codes.n; i++) {
		code = &c.codes.p[i]->code;
		for (int j = 0; j < code->ins.n; j++) {
			each_reg(&code->ins.p[j], number, &c);
			number(&code->ins.p[j].dst, &c);
		}
		number(&c.codes.p[i]->val, &c);
		number(&c.codes.p[i]->at, &c);
	}
	load_constants(&c, im);
	im->narray = c.array.n;
	im->array = c.array.p;
}
