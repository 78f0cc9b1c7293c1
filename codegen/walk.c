/* Walks over expressions: memo tables, substitution, searches, cost. All keep their own stack: depth is no
 * concern. */
#include "pool.h"

/* memo tables */

Map *
ex_syms(void)
{
	ExPool *p = ex_pool();
	Arena *was = keep_begin();

	if (!p->sym)
		p->sym = map_new();
	keep_end(was);
	return p->sym;
}

Memo *
memo_begin(void)
{
	ExPool *p = ex_pool();
	Arena *was = keep_begin();
	Memo *m;

	if (p->depth == p->memo.n)
		push(&p->memo, NEW(Memo));
	keep_end(was);
	m = p->memo.p[p->depth++];
	if (++m->stamp == 0)
		bug("memo stamps used up");
	m->todo.n = 0;
	return m;
}

void
memo_end(void)
{
	ex_pool()->depth--;
}

bool
memo_has(const Memo *m, const Expr *e)
{
	return e->id < m->cap && m->slot[e->id].stamp == m->stamp;
}

void
memo_set(Memo *m, const Expr *e, Expr *r)
{
	int cap = m->cap ? m->cap : 256;

	if (e->id >= m->cap) {
		while (cap <= e->id)
			cap *= 2;
		m->slot = table_grow(m->slot, sizeof *m->slot * (size_t)m->cap,
			sizeof *m->slot * (size_t)cap);
		m->cap = cap;
	}
	m->slot[e->id].stamp = m->stamp;
	m->slot[e->id].e = r;
}

static void
memo_todo(Memo *m, const Expr *e)
{
	Arena *was;

	if (m->todo.n == m->todo.cap) {
		was = keep_begin();
		push(&m->todo, e);
		keep_end(was);
	} else {
		m->todo.p[m->todo.n++] = e;
	}
}

static bool
push_children(Memo *m, const Expr *e)
{
	int n = m->todo.n;

	for (int i = e->n - 1; i >= 0; i--)
		if (!memo_has(m, e->a[i]))
			memo_todo(m, e->a[i]);
	return m->todo.n > n;
}

/* substitution */

typedef struct Subst {
	ExSub ex;
	IxSub ix;
	void *arg;
	Memo *memo;
	VEC(const IxAtom *) fixed;   /* bound variables already under their new names */
} Subst;

static Expr *subst_run(Subst *, const Expr *);

static Ix
subst_atom(const IxAtom *at, void *arg)
{
	Subst *s = arg;
	Ix r = NULL;

	for (int i = 0; i < s->fixed.n; i++)
		if (s->fixed.p[i] == at)
			return ix_var(at->id, at->a);
	if (s->ix)
		r = s->ix(at, s->arg);
	if (r || at->kind != IX_EXPR)
		return r;
	return ex_as_ix(subst_run(s, at->e), at->lo ? ix_subst(at->lo, subst_atom, s) : NULL,
		at->hi ? ix_subst(at->hi, subst_atom, s) : NULL);
}

/* is v free in what some free variable of the body becomes? */
typedef struct Capture { Subst *s; const Expr *reduce; } Capture;

static bool
is_bound(const Expr *reduce, const IxAtom *at)
{
	for (int i = 0; i < reduce->nix; i++)
		if (ix_atom(reduce->ix[i]) == at)
			return true;
	return false;
}

static bool
captures(const IxAtom *at, void *arg)
{
	Capture *c = arg;
	Ix r;

	if ((at->kind != IX_VAR && at->kind != IX_SYM) || is_bound(c->reduce, at))
		return false;
	if (!(r = c->s->ix(at, c->s->arg)))
		return false;
	for (int i = 0; i < c->reduce->nix; i++)
		if (ix_has(r, ix_atom(c->reduce->ix[i])))
			return true;
	return false;
}

typedef struct Rename { const Expr *reduce; Ix *to; } Rename;

static Ix
rename_bound(const IxAtom *at, void *arg)
{
	Rename *r = arg;

	for (int i = 0; i < r->reduce->nix; i++)
		if (ix_atom(r->reduce->ix[i]) == at)
			return r->to[i];
	return NULL;
}

/* REDUCE: its variables' extents are substituted, which makes them other variables; they get fresh numbers
 * where the substitution speaks of them or would capture them. The body is renamed first, then substituted
 * like others. */
static Expr *
subst_reduce(Subst *s, const Expr *e)
{
	bool clash = s->ix && ex_any_atom(e->a[0], captures, &(Capture){s, e}), other = false;
	Rename r = {e, NEWN(Ix, e->nix)};
	const IxAtom *at;
	Expr *body = e->a[0];
	Subst in = *s;

	for (int i = 0; s->ix && i < e->nix; i++)
		clash = clash || s->ix(ix_atom(e->ix[i]), s->arg);
	for (int i = 0; i < e->nix; i++) {
		at = ix_atom(e->ix[i]);
		r.to[i] = ix_var(clash ? FRESH_VAR + ex_pool()->nfresh++ : at->id,
			ix_subst(at->a, subst_atom, s));
		other = other || r.to[i] != e->ix[i];
	}
	if (!other) {
		body = subst_run(s, body);
		return body == e->a[0] ? (Expr *)e : ex_rebuild(e, &body, r.to);
	}
	body = ex_subst_ix(body, rename_bound, &r);
	memset(&in.fixed, 0, sizeof in.fixed);
	for (int i = 0; i < s->fixed.n; i++)
		push(&in.fixed, s->fixed.p[i]);
	for (int i = 0; i < e->nix; i++)
		push(&in.fixed, ix_atom(r.to[i]));
	in.memo = memo_begin();
	body = subst_run(&in, body);
	memo_end();
	return ex_rebuild(e, &body, r.to);
}

static Expr *
subst_node(Subst *s, const Expr *e)
{
	Expr *a[3];
	Ix few[8], *ix = e->nix > LEN(few) ? NEWN(Ix, e->nix) : few;
	bool same = true;

	if (e->op == E_REDUCE)
		return subst_reduce(s, e);
	for (int i = 0; i < e->n; i++) {
		a[i] = s->memo->slot[e->a[i]->id].e;
		same = same && a[i] == e->a[i];
	}
	for (int i = 0; i < e->nix; i++) {
		ix[i] = ix_subst(e->ix[i], subst_atom, s);
		same = same && ix[i] == e->ix[i];
	}
	return same ? (Expr *)e : ex_rebuild(e, a, ix);
}

static Expr *
subst_run(Subst *s, const Expr *root)
{
	Memo *m = s->memo;
	int bottom = m->todo.n;
	const Expr *e;
	Expr *r;

	memo_todo(m, root);
	while (m->todo.n > bottom) {
		e = m->todo.p[m->todo.n - 1];
		if (memo_has(m, e)) {
			m->todo.n--;
			continue;
		}
		r = s->ex ? s->ex(e, s->arg) : NULL;
		if (!r && e->op != E_REDUCE && push_children(m, e))
			continue;
		m->todo.n--;
		memo_set(m, e, r ? r : subst_node(s, e));
	}
	return m->slot[root->id].e;
}

Expr *
ex_subst(const Expr *e, ExSub ex, IxSub ix, void *arg)
{
	Subst s = {ex, ix, arg, memo_begin(), {0}};
	Expr *r = subst_run(&s, e);

	memo_end();
	return r;
}

Expr *
ex_subst_ix(const Expr *e, IxSub ix, void *arg)
{
	return ex_subst(e, NULL, ix, arg);
}

/* searches */

struct Search {
	bool (*node)(const Expr *, void *);
	bool (*atom)(const IxAtom *, void *);
	void *arg;
	Memo *memo;
};

static bool search_run(Search *, const Expr *);

static bool
search_atom(const IxAtom *at, void *arg)
{
	Search *s = arg;

	return at->kind == IX_EXPR && search_run(s, at->e);
}

static bool
search_node(Search *s, const Expr *e)
{
	if (s->node && s->node(e, s->arg))
		return true;
	for (int i = 0; i < e->nix; i++)
		if (s->atom ? ix_any(e->ix[i], s->atom, s->arg) : ix_any(e->ix[i], search_atom, s))
			return true;
	return false;
}

static bool
search_run(Search *s, const Expr *root)
{
	Memo *m = s->memo;
	int bottom = m->todo.n;
	const Expr *e;

	memo_todo(m, root);
	while (m->todo.n > bottom) {
		e = m->todo.p[--m->todo.n];
		if (memo_has(m, e))
			continue;
		memo_set(m, e, NULL);
		if (search_node(s, e)) {
			m->todo.n = bottom;
			return true;
		}
		push_children(m, e);
	}
	return false;
}

/* ix_any comes back here for the expressions inside an index: they belong to the walk that is under way */
static bool
ex_search(const Expr *e, Search s)
{
	Search *outer = ex_pool()->search;
	bool r;

	s.memo = memo_begin();
	ex_pool()->search = &s;
	r = search_run(&s, e);
	ex_pool()->search = outer;
	memo_end();
	return r;
}

bool
ex_any(const Expr *e, bool (*f)(const Expr *, void *), void *arg)
{
	return ex_search(e, (Search){.node = f, .arg = arg});
}

bool
ex_any_marked(const Expr *root, bool (*mark)(const Expr *, void *), bool (*f)(const Expr *, bool, void *), void *arg)
{
	Memo *m = memo_begin();
	bool found = false, marked;
	const Expr *e;

	memo_todo(m, root);
	while (!found && m->todo.n) {
		e = m->todo.p[m->todo.n - 1];
		if (!memo_has(m, e) && push_children(m, e))
			continue;
		m->todo.n--;
		if (memo_has(m, e))
			continue;
		marked = mark(e, arg);
		for (int i = 0; !marked && i < e->n; i++)
			marked = m->slot[e->a[i]->id].e;
		memo_set(m, e, marked ? (Expr *)e : NULL);
		found = f(e, marked, arg);
	}
	memo_end();
	return found;
}

bool
ex_any_atom(const Expr *e, bool (*f)(const IxAtom *, void *), void *arg)
{
	Search *outer = ex_pool()->search;

	if (f == search_atom)
		return false;
	if (outer && outer->atom == f && outer->arg == arg)
		return search_run(outer, e);
	return ex_search(e, (Search){.atom = f, .arg = arg});
}

/* free occurrence: a bound one counts neither in the body nor as the reduction's operand, its extent does */
static bool
is_atom(const IxAtom *at, void *arg)
{
	return at == arg;
}

bool
ex_has_var(const Expr *root, const IxAtom *at)
{
	Memo *m = memo_begin();
	const Expr *e;
	bool found = false;

	memo_todo(m, root);
	while (!found && m->todo.n) {
		e = m->todo.p[--m->todo.n];
		if (memo_has(m, e))
			continue;
		memo_set(m, e, NULL);
		for (int i = 0; i < e->nix; i++)
			found = found || ix_any(e->op == E_REDUCE ? ix_atom(e->ix[i])->a : e->ix[i],
				is_atom, (void *)at);
		if (e->op != E_REDUCE || !is_bound(e, at))
			push_children(m, e);
	}
	memo_end();
	return found;
}

/* cost: a shared node counts once in its scope, the body of a reduction is a scope */

static double
node_flops(const Expr *e)
{
	if (e->op == E_FMA)
		return 2;
	if (e->op == E_DOT4 || e->op == E_SDOT4)
		return 8;
	return eop_info[e->op].rule != 'X' || e->op == E_SELECT || e->op == E_CAST || e->op == E_CASTSAT;
}

static bool
is_call(const Expr *e)
{
	return (e->op >= E_EXP && e->op <= E_ATANH) || e->op == E_POW || e->op >= E_STREQ
		|| (e->op == E_FMOD && dt_float(e->dt)) || (e->op == E_REM && dt_float(e->dt));
}

static double
extent(const Expr *reduce)
{
	double n = 1;
	int64_t v;

	for (int i = 0; i < reduce->nix; i++)
		n *= ix_isint(ix_atom(reduce->ix[i])->a, &v) ? (double)v : 16;
	return n;
}

static void
add_cost(Cost *c, Cost d, double times)
{
	c->flops += d.flops * times;
	c->loads += d.loads * times;
	c->calls += d.calls * times;
}

Cost
ex_cost(const Expr *root)
{
	Memo *m = memo_begin();
	Cost c = {0}, one;
	const Expr *e;

	memo_todo(m, root);
	while (m->todo.n) {
		e = m->todo.p[--m->todo.n];
		if (memo_has(m, e))
			continue;
		memo_set(m, e, NULL);
		one = (Cost){is_call(e) ? 0 : node_flops(e), e->op == E_LOAD || e->op == E_TLOAD, is_call(e)};
		add_cost(&c, one, 1);
		if (e->op != E_REDUCE) {
			push_children(m, e);
			continue;
		}
		one = ex_cost(e->a[0]);
		one.flops += 1;
		add_cost(&c, one, extent(e));
	}
	memo_end();
	return c;
}

const char *
ex_str(const Expr *e)
{
	Buf b = {0};

	ir_print_expr(&b, e);
	return buf_str(&b);
}
