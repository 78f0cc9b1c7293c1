/* The statements of an operator as a kernel, and one for every isa whose vectors serve it.
 *
 *   for j < n { body(j) }        for o { lanes l { body(o*L + l) } }       independent iterations
 *   for k { acc += a[k]*b[k] }   lanes l { for o { part += a[o*L + l]*b[o*L + l] } acc += part }
 *
 * A loop that can be said neither way stays as it is, and the loops inside it are tried. Within lanes, sums
 * of products go into several partial sums, as additions wait for each other, of at most TERMS terms. A
 * constant matrix whose rows are the lanes is packed so that they lie side by side (Packed): the product of a
 * recurrent step is then a sum over panels of 16 rows, without sums over lanes. */
#include "nest.h"
#include "../../codegen/interp.h"

enum { PANEL = 16, CHAINS = 8, TERMS = 256, MAX_SUMS = 16 };

typedef struct Make {
	Nest *n;
	const Prog *p;
	const IxAtom *var, *k;   /* loop variables to be replaced: of the lanes, of a sum; NULL: none */
	Ix by, kby;
} Make;

/* ---- expressions: at other indices, of the kernel's memory */

static Ix swap_cb(const IxAtom *a, void *arg)
{
	const Make *m = arg;

	return a == m->var ? m->by : a == m->k ? m->kby : NULL;
}

static Mem *rename_mem(Make *m, Mem *mem)
{
	const Prog *p = m->p;
	Nest *n = m->n;

	for (int i = 0; i < p->out.n; i++)
		if (p->mem.p[i] == mem) {
			Place *at = p->out.p[i]->place;
			return nest_param(n, at->mem, at->off, "y");
		}
	for (int i = 0; i < p->scratch.n; i++)
		if (p->scratch.p[i] == mem) {
			if (!n->scratch[i]) {
				n->scratch[i] = region_sized(n->lo, mem->name, mem->dt, mem->size);
				if (n->scratch[i]->space == SP_HEAP)
					push(&n->call->heap, n->scratch[i]);
			}
			return nest_param(n, n->scratch[i], ix_int(0), "s");
		}
	return mem;
}

static Expr *rename_cb(const Expr *, void *);

static Expr *rename_expr(Make *m, const Expr *e)
{
	return ex_subst(e, rename_cb, swap_cb, m);
}

static Ix rename_ix(Make *m, Ix ix)
{
	return ex_as_ix(rename_expr(m, ex_ix(ix)), NULL, NULL);
}

static Expr *rename_cb(const Expr *e, void *arg)
{
	Make *m = arg;
	Ix ix[e->nix + 1];

	if (e->op != E_TLOAD && e->op != E_LOAD)
		return NULL;
	for (int i = 0; i < e->nix; i++)
		ix[i] = rename_ix(m, e->ix[i]);
	return e->op == E_TLOAD ? nest_load(m->n, e->u.value, ix) : ex_load(rename_mem(m, e->u.mem), ix[0]);
}

/* ---- statements */

static bool lanes_loop(Make *, Stmt *into, const Stmt *);
static bool lanes_sum(Make *, Stmt *into, const Stmt *);
static bool chain_sum(Make *, Stmt *into, const Stmt *);

static Stmt *block(Make *, const Stmt *);

static void make(Make *m, Stmt *into, const Stmt *s)
{
	Stmt *c;

	if (s->op == S_FOR && m->n->isa && s->kind == F_SERIAL &&
		(m->n->lane ? chain_sum(m, into, s) : lanes_loop(m, into, s) || lanes_sum(m, into, s)))
		return;
	c = copy_mem(s, sizeof *s);
	memset(&c->list, 0, sizeof c->list);
	c->e = s->e ? rename_expr(m, s->e) : NULL;
	c->mem = s->mem ? rename_mem(m, s->mem) : NULL;
	c->ix = s->ix ? rename_ix(m, s->ix) : NULL;
	c->body = s->body ? block(m, s->body) : NULL;
	c->other = s->other ? block(m, s->other) : NULL;
	for (int i = 0; i < s->list.n; i++)
		make(m, c, s->list.p[i]);
	st_add(into, c);
}

static Stmt *block(Make *m, const Stmt *s)
{
	Stmt *b = st_block();

	for (int i = 0; i < s->list.n; i++)
		make(m, b, s->list.p[i]);
	return b;
}

/* ---- sums of products: a loop of nothing but `set v = v + a*b` */

typedef struct Sums { int n; Var *v[MAX_SUMS]; Expr *a[MAX_SUMS], *b[MAX_SUMS]; } Sums;

static bool reads_var(const Expr *e, void *arg)
{
	const Sums *s = arg;

	for (int i = 0; i < s->n; i++)
		if (e->op == E_VAR && e->u.var == s->v[i])
			return true;
	return false;
}

static bool find_sums(const Stmt *loop, Sums *s)
{
	const Stmt *b = loop->body, *t;

	s->n = 0;
	for (int i = 0; i < b->list.n; i++) {
		t = b->list.p[i];
		if (t->op != S_SET || t->v->dt != DT_F32 || t->e->op != E_ADD || s->n == MAX_SUMS)
			return false;
		bool first = t->e->a[0] == ex_var(t->v);
		const Expr *x = t->e->a[first];
		if (t->e->a[!first] != ex_var(t->v) || x->op != E_MUL)
			return false;
		s->v[s->n] = t->v;
		s->a[s->n] = x->a[0];
		s->b[s->n++] = x->a[1];
	}
	for (int i = 0; i < s->n; i++) {
		if (ex_any(s->a[i], reads_var, s) || ex_any(s->b[i], reads_var, s))
			return false;
		for (int j = 0; j < i; j++)
			if (s->v[i] == s->v[j])
				return false;
	}
	return s->n > 0;
}

static void add_term(Make *m, Stmt *b, const Sums *s, Var **part, Ix at)
{
	m->kby = at;
	for (int i = 0; i < s->n; i++)
		st_set(b, part[i], ex_fma(rename_expr(m, s->a[i]), rename_expr(m, s->b[i]), ex_var(part[i])));
}

/* terms [base, base + count) of the sums, in `chains` parts */
static void chain_terms(Make *m, Stmt *b, const Sums *s, Ix base, Ix count, int chains)
{
	Nest *n = m->n;
	Var *part[chains][MAX_SUMS];
	Ix whole = ix_div(count, ix_int(chains)), rest = ix_sub(count, ix_mulc(whole, chains)), o;
	Stmt *in;
	Expr *e;

	for (int c = 0; c < chains; c++)
		for (int i = 0; i < s->n; i++)
			part[c][i] = st_let(b, n->k, "part", ex_float(DT_F32, 0));
	o = nest_var(n, whole);
	in = st_for(b, o, F_SERIAL);
	for (int c = 0; c < chains; c++)
		add_term(m, in, s, part[c], ix_add(base, ix_addc(ix_mulc(o, chains), c)));
	if (!ix_is(rest, 0)) {
		o = nest_var(n, rest);
		in = st_for(b, o, F_SERIAL);
		add_term(m, in, s, part[0], ix_add(ix_add(base, ix_mulc(whole, chains)), o));
	}
	for (int i = 0; i < s->n; i++) {
		e = ex_var(part[0][i]);
		for (int c = 1; c < chains; c++)
			e = ex_bin(E_ADD, e, ex_var(part[c][i]));
		st_set(b, s->v[i], ex_bin(E_ADD, ex_var(s->v[i]), e));
	}
}

/* inside lanes */
static bool chain_sum(Make *m, Stmt *into, const Stmt *s)
{
	const IxAtom *var = ix_atom(s->var);
	Stmt *b = st_block();
	Sums sums;
	int chains = 1;
	Ix o, each;

	if (m->k || !find_sums(s, &sums))
		return false;
	while (chains * 2 * sums.n <= CHAINS && ix_estimate(var->a) >= chains * 8)
		chains *= 2;
	each = ix_int(chains * TERMS);
	m->k = var;
	st_add(into, b);
	if (ix_ge(each, var->a)) {
		chain_terms(m, b, &sums, ix_int(0), var->a, chains);
	} else {
		o = nest_var(m->n, ix_cdiv(var->a, each));
		b = st_for(b, o, F_SERIAL);
		o = ix_mul(o, each);
		chain_terms(m, b, &sums, o, ix_min(each, ix_sub(var->a, o)), chains);
	}
	m->k = NULL;
	return true;
}

/* ---- what is at hand side by side */

typedef struct Walks {
	const IxAtom *a;
	int depth;               /* of loops inside */
	bool one, inner;         /* a step of 1; another one in a loop inside */
	bool store;              /* a store at another step than 1 */
} Walks;

static bool see_load(const Expr *e, void *arg)
{
	Walks *w = arg;
	Ix c, rest;

	if (e->op != E_LOAD || !ix_has(e->ix[0], w->a))
		return false;
	c = ix_coef(e->ix[0], w->a, &rest);
	if (c && ix_is(c, 1))
		w->one = true;
	else
		w->inner |= w->depth > 0;
	return false;
}

static void see_stmt(Walks *w, const Stmt *s)
{
	Ix c, rest;

	if (!s)
		return;
	if (s->e)
		ex_any(s->e, see_load, w);
	if (s->op == S_STORE && s->mem->space != SP_PRIVATE) {
		c = ix_coef(s->ix, w->a, &rest);
		w->store |= !c || !ix_is(c, 1);
	}
	for (int i = 0; i < s->list.n; i++)
		see_stmt(w, s->list.p[i]);
	w->depth += s->op == S_FOR;
	see_stmt(w, s->body);
	w->depth -= s->op == S_FOR;
	see_stmt(w, s->other);
}

static bool good_lanes(const Stmt *loop)
{
	Walks w = { .a = ix_atom(loop->var) };

	see_stmt(&w, loop->body);
	return !w.inner && !w.store && lanes_can(loop);
}

/* ---- packed constants */

typedef struct Matrix { Make *m; const Stmt *loop; } Matrix;

/* rows in spans as long as the loop, each in blocks of PANEL; everything inside the rows between the blocks
 * and their elements */
static Packed *packing(const Value *v, int lane, int64_t span)
{
	Packed *p = NEW(Packed);
	int64_t dim[PACK_MAX], s = PANEL;
	int k = 0, spans = 0;

	if (v->rank > PACK_MAX - 3)
		return NULL;
	*p = (Packed){ .value = (Value *)v, .lane = lane, .block = PANEL, .span = span,
		.stride = NEWN(Ix, v->rank + 1) };
	for (int i = 0; i < v->rank; i++)
		if (!ix_isint(v->dim[i], &dim[i]) || dim[i] < 1)
			return NULL;
	for (int i = 0; i < v->rank; i++) {
		if (i == lane) {
			p->level[k++] = (PackLevel){ (span + PANEL - 1) / PANEL, i, PANEL };
			spans = k;
			p->level[k++] = (PackLevel){ (dim[i] + span - 1) / span, i, span };
		} else {
			p->level[k++] = (PackLevel){ dim[i], i, 1 };
		}
	}
	p->level[k] = (PackLevel){ PANEL, lane, 1 };
	p->nlevel = k + 1;
	while (--k >= 0) {
		*(k == spans ? &p->span_stride : &p->stride[p->level[k].axis]) = ix_int(s);
		s *= p->level[k].extent;
	}
	return p;
}

/* a constant's rows, one per lane, read in a loop inside: it shall be packed */
static bool see_matrix(const Expr *e, void *arg)
{
	const Matrix *x = arg;
	const IxAtom *a = ix_atom(x->loop->var);
	Packs *packs = x->m->n->packs;
	int lane = -1;
	int64_t c = 0, span;
	Packed *p;

	if (e->op != E_TLOAD || !e->u.value->data || e->u.value->data->pack || e->dt != DT_F32 ||
		!ix_isint(a->a, &span))
		return false;
	for (int i = 0; i < e->nix; i++)
		if (ix_has(e->ix[i], a)) {
			if (lane >= 0 || !ix_isint(ix_sub(e->ix[i], ix_of(a)), &c))
				return false;
			lane = i;
		}
	if (lane < 0 || lane == e->nix - 1 || c % span)
		return false;
	for (int i = 0; i < packs->n; i++)
		if (packs->p[i]->value == e->u.value)
			return false;
	if ((p = packing(e->u.value, lane, span)))
		push(packs, p);
	return false;
}

static void find_matrices(Matrix *x, const Stmt *s, bool inner)
{
	if (!s)
		return;
	if (inner && s->e)
		ex_any(s->e, see_matrix, x);
	for (int i = 0; i < s->list.n; i++)
		find_matrices(x, s->list.p[i], inner);
	find_matrices(x, s->body, inner || s->op == S_FOR);
}

/* ---- iterations as lanes */

/* iterations [base, base + count), count at most the lanes */
static bool lane_block(Make *m, Stmt *b, const Stmt *s, Ix base, Ix count)
{
	Ix l = nest_var(m->n, count);
	Stmt *in = st_lanes(b, l, m->n->isa->lanes);

	m->var = ix_atom(s->var);
	m->by = ix_add(base, l);
	m->n->lane = true;
	for (int i = 0; i < s->body->list.n; i++)
		make(m, in, s->body->list.p[i]);
	m->n->lane = false;
	m->var = NULL;
	return good_lanes(b->list.p[b->list.n - 1]);
}

static bool lane_range(Make *m, Stmt *b, const Stmt *s, Ix extent)
{
	int w = m->n->isa->lanes;
	Ix whole = ix_div(extent, ix_int(PANEL)), rest = ix_sub(extent, ix_mulc(whole, PANEL)), o, base, left;
	Stmt *in;

	if (!ix_is(whole, 0)) {
		o = ix_is(whole, 1) ? ix_int(0) : nest_var(m->n, whole);
		in = ix_is(whole, 1) ? nest_scope(b) : st_for(b, o, F_SERIAL);
		for (int i = 0; i < PANEL; i += w)
			if (!lane_block(m, nest_scope(in), s, ix_addc(ix_mulc(o, PANEL), i), ix_int(w)))
				return false;
	}
	for (int i = 0; i < PANEL; i += w) {
		left = ix_addc(rest, -i);
		if (ix_ge0(ix_mulc(left, -1)))
			break;
		base = ix_addc(ix_mulc(whole, PANEL), i);
		in = ix_gt0(left) ? nest_scope(b) : st_if(b, ex_bin(E_GT, ex_ix(left), ex_int(DT_I64, 0)));
		if (!lane_block(m, in, s, base, ix_min(ix_int(w), left)))
			return false;
	}
	return true;
}

static bool lanes_loop(Make *m, Stmt *into, const Stmt *s)
{
	Ix extent = ix_atom(s->var)->a;
	int before = into->list.n, packs = m->n->packs->n;
	Matrix x = { m, s };
	int64_t e;

	if ((ix_isint(extent, &e) && e < m->n->isa->lanes / 2) || !lanes_fit(s))
		return false;
	find_matrices(&x, s->body, false);
	if (lane_range(m, into, s, extent))
		return true;
	into->list.n = before;
	m->n->packs->n = packs;
	return false;
}

/* ---- terms as lanes */

static bool lanes_sum(Make *m, Stmt *into, const Stmt *s)
{
	const IxAtom *var = ix_atom(s->var);
	Nest *n = m->n;
	int w = n->isa->lanes, before = into->list.n;
	Ix whole = ix_div(var->a, ix_int(w)), rest = ix_sub(var->a, ix_mulc(whole, w)), l, o;
	Var *part[MAX_SUMS];
	Stmt *lanes, *in;
	Walks see;
	Sums sums;

	if (ix_estimate(var->a) < w || ix_estimate(var->a) > TERMS * w || !find_sums(s, &sums))
		return false;
	n->lane = true;
	m->k = var;
	l = nest_var(n, ix_int(w));
	lanes = st_lanes(into, l, w);
	for (int i = 0; i < sums.n; i++)
		part[i] = st_let(lanes, n->k, "part", ex_float(DT_F32, 0));
	o = nest_var(n, whole);
	in = st_for(lanes, o, F_SERIAL);
	add_term(m, in, &sums, part, ix_add(ix_mulc(o, w), l));
	if (!ix_is(rest, 0)) {
		in = st_if(lanes, ex_bin(E_GT, ex_ix(ix_sub(rest, l)), ex_int(DT_I64, 0)));
		add_term(m, in, &sums, part, ix_add(ix_mulc(whole, w), l));
	}
	for (int i = 0; i < sums.n; i++)
		st_set(lanes, sums.v[i], ex_bin(E_ADD, ex_var(sums.v[i]), ex_var(part[i])));
	n->lane = false;
	m->k = NULL;
	lanes = into->list.p[into->list.n - 1];
	see = (Walks){ .a = ix_atom(l) };
	see_stmt(&see, lanes->body);
	if (!see.inner && see.one && lanes_can(lanes))
		return true;
	into->list.n = before;
	return false;
}

/* ---- kernels */

static void find_lanes(Stmt *s, void *arg)
{
	*(bool *)arg |= s->kind == F_LANES;
}

static Kern *variant(Nest *like, const Prog *p, const Isa *isa)
{
	Nest n = *like;
	Make m = { .n = &n, .p = p };

	n.isa = isa;
	n.nloop = 0;
	n.k = copy_mem(like->k, sizeof *like->k);
	n.k->isa = isa;
	n.k->body = block(&m, p->body);
	like->k->param = n.k->param;
	like->k->nvar = n.k->nvar;
	return n.k;
}

Call *nest_prog(Lower *lo, Unit *u)
{
	Packs packs = { 0 };
	Nest n = { .lo = lo,
		.call = NEW(Call),
		.k = u->prog->kern,
		.packs = &packs,
		.scratch = NEWN(Mem *, u->prog->scratch.n + 1) };
	VEC(Kern *) made = { 0 };
	Buf note = { 0 };

	buf_fmt(&note, "%s", node_where(u->node));
	n.k->note = buf_str(&note);
	for (const Isa *s = isa_table; s->name && lo->opt->opt > 0; s++) {
		if (!isa_wanted(s, lo->opt->target) || (s->dot[0] && !isa_is(s, lo->opt->target)))
			continue;
		Kern *k = variant(&n, u->prog, s);
		bool lanes = false;
		st_each(k->body, find_lanes, &lanes);
		if (lanes)
			push(&made, k);
	}
	n.call->kern = variant(&n, u->prog, NULL);
	for (int i = 0; i < made.n; i++) {
		memcpy(&made.p[i]->param, &n.k->param, sizeof n.k->param);
		push(&n.call->kern->variant, made.p[i]);
	}
	kern_finish(n.call->kern);
	flush_denormals(lo, n.call->kern);
	return n.call;
}
