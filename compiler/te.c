/* Tensor expressions and statement programs: the builders that operators use (te.h). */
#include "te.h"
#include "ops.h"
#include "../runtime/zenith.h"

enum { FIRST_REDUCE = 64, FIRST_LOOP = 128 };  /* ids of variables: axes below, then reductions, then loops of
						  a Prog */

static _Thread_local int nreduce;

static void add_unit(Node *n, Unit u)
{
	Unit *p = copy_mem(&u, sizeof u);

	p->node = n;
	push(&n->unit, p);
}

/* ---- expressions */

Te *te_begin(Value *v)
{
	Te *t = NEW(Te);

	t->rank = v->rank;
	t->axis = NEWN(Ix, v->rank + 1);
	for (int i = 0; i < v->rank; i++)
		t->axis[i] = ix_is(v->dim[i], 1) ? ix_int(0) : ix_var(i, v->dim[i]);
	v->te = t;
	return t;
}

void te_end(Value *v, Expr *body)
{
	if (body->dt != v->dt)
		ill("%s: expression of %s for a value of %s", node_where(v->def), dt_name(body->dt),
			dt_name(v->dt));
	v->te->body = body;
	reads_of_te(v->def, v);
	add_unit(v->def, (Unit){ .kind = U_TE, .out = v });
}

Value *te_temp(Node *n, const char *name, DType dt, int rank, const Ix *dim)
{
	Value *v = value_tensor(n->graph, NULL, dt, rank, dim);

	v->def = n;
	v->index = -1;
	v->hint = name;
	return v;
}

Ix te_var(Node *n, Ix extent)
{
	(void)n;
	return ix_var(FIRST_REDUCE + nreduce++, extent);
}

/* row-major position of constant indices, or -1 */
static int64_t const_flat(const Value *v, const Ix *ix)
{
	int64_t at = 0, i, d;

	for (int k = 0; k < v->rank; k++) {
		if (!ix_isint(ix[k], &i) || !ix_isint(v->dim[k], &d))
			return -1;
		if (i < 0 || i >= d)
			return -1;
		at = at * d + i;
	}
	return at;
}

Expr *te_read(Value *v, const Ix *ix, int n)
{
	const int64_t *c;
	int64_t at, count;
	uint64_t bits;

	if (n != v->rank)       /* no shape rule refused it */
		ill("%s where %d dimensions are expected", value_str(v), n);
	at = const_flat(v, ix);
	if (v->data && v->dt != DT_STR && dtype_info[v->dt].class != DC_C && ix_is(value_numel(v), 1)) {
		dt_get(v->dt, true, v->data->p, 0, 1, &bits);
		return ex_bits(v->dt, bits);
	}
	if (at >= 0 && v->known && dt_int(v->dt) && !ix_clamped(v->known[at]))
		return ex_cast(v->dt, ex_ix(v->known[at]));
	if (at >= 0 && v->data && dt_int(v->dt) && const_ints(v, &c, &count) && at < count)
		return ex_int(v->dt, c[at]);
	return ex_tload(v, ix);
}

Expr *te_read_bcast(Value *v, const Ix *axis, int rank)
{
	Ix ix[v->rank + 1];

	if (v->rank > rank)
		ill("%s where at most %d dimensions are expected", value_str(v), rank);
	for (int j = 0; j < v->rank; j++) {
		Ix a = axis[rank - v->rank + j], d = v->dim[j];
		ix[j] = ix_is(d, 1) ? ix_int(0) : ix_min(a, ix_addc(d, -1));
	}
	return te_read(v, ix, v->rank);
}

Expr *te_read_box(Value *v, const Ix *ix, int n, const unsigned char *check, Expr *fill)
{
	Ix cond[2 * n + 1];
	int nc = 0;

	for (int i = 0; i < n; i++) {
		if (check && !check[i])
			continue;
		cond[nc++] = ix[i];
		cond[nc++] = ix_addc(ix_sub(v->dim[i], ix[i]), -1);
	}
	return ex_guard(cond, nc, te_read(v, ix, n), fill);
}

Expr *te_scalar(Value *v)
{
	Ix ix[v->rank < 0 ? 1 : v->rank + 1];

	for (int i = 0; i < v->rank; i++)
		ix[i] = ix_int(0);
	return te_read(v, ix, v->kind == V_TENSOR ? v->rank : -2);
}

/* the column of a tensor of tuples that ix reads, or NULL */
static Ix column(const Value *v, const Ix *ix)
{
	return v->rank && ix_isint(ix[v->rank - 1], &(int64_t){ 0 }) ? ix[v->rank - 1] : NULL;
}

/* fails at run time unless every element of v, or of the column of it that is read, lies in [-dim, dim) */
static void check_unit(Node *n, Value *v, const Ix *at, Ix dim)
{
	Ix ix[v->rank + 1], col = column(v, at);
	Prog *p;
	Stmt *b;
	Expr *e;

	for (int i = 0; i < n->unit.n; i++) {
		Prog *q = n->unit.p[i]->prog;
		if (q && q->checks == v && q->check_dim == dim && q->check_column == col)
			return;
	}
	p = prog_begin(n, "check_index");
	p->checks = v;
	p->check_dim = dim;
	p->check_column = col;
	b = p->body;
	for (int i = 0; i < v->rank; i++)
		ix[i] = col && i == v->rank - 1 ? col : prog_for(p, b, v->dim[i], &b);
	e = ex_cast(DT_I64, te_read(v, ix, v->rank));
	st_fail(b, p->kern,
		ex_bin(E_OR, ex_bin(E_GE, e, ex_ix(dim)), ex_bin(E_LT, e, ex_ix(ix_mulc(dim, -1)))),
		ZENITH_BAD_INDEX);
	prog_end(p);
}

void te_fail(Node *n, const char *name, Expr *cond, int status)
{
	Prog *p;

	if (cond->op == E_CONST && !cond->u.bits)
		return;
	p = prog_begin(n, name);
	st_fail(p->body, p->kern, cond, status);
	prog_end(p);
}

void te_require(Node *n, Value *v, Ix lo, Ix hi, int status)
{
	Prog *p = prog_begin(n, "check_range");
	Ix ix[v->rank + 1];
	Stmt *b = p->body;
	Expr *e;

	for (int i = 0; i < v->rank; i++)
		ix[i] = prog_for(p, b, v->dim[i], &b);
	e = ex_cast(DT_I64, te_read(v, ix, v->rank));
	st_fail(b, p->kern, ex_bin(E_OR, ex_bin(E_LT, e, ex_ix(lo)), ex_bin(E_GT, e, ex_ix(hi))), status);
	prog_end(p);
}

/* the index is known to lie in [0, dim), whatever the data */
static Ix proved_index(const Expr *e, Ix dim)
{
	Ix at;

	if (e->op != E_IX)
		return NULL;
	at = ix_ge0(e->ix[0]) ? e->ix[0] : ix_add(e->ix[0], dim);
	return ix_ge0(at) && ix_ge(ix_addc(dim, -1), at) ? at : NULL;
}

/* may element i of v be the one at ix? Not if a constant index says otherwise: tuples have a column per
 * axis */
static bool may_be(const Value *v, const Ix *ix, int64_t i)
{
	int64_t d, at;

	for (int k = v->rank - 1; k >= 0; k--) {
		if (!ix_isint(v->dim[k], &d) || d < 1)
			return true;
		if (ix_isint(ix[k], &at) && at != i % d)
			return false;
		i /= d;
	}
	return true;
}

/* least and greatest of a constant's elements that ix may mean; false if it is none or is empty */
static bool const_range(const Value *v, const Ix *ix, int64_t *lo, int64_t *hi)
{
	const int64_t *c;
	int64_t n;
	bool any = false;

	if (!const_ints(v, &c, &n))
		return false;
	for (int64_t i = 0; i < n; i++) {
		if (!may_be(v, ix, i))
			continue;
		*lo = any && c[i] >= *lo ? *lo : c[i];
		*hi = any && c[i] <= *hi ? *hi : c[i];
		any = true;
	}
	return any;
}

Ix te_index(Value *v, const Ix *ix, int n, Ix dim)
{
	int64_t d, lo = -1, hi = 0;
	Expr *e = ex_cast(DT_I64, te_read(v, ix, n));
	Ix top = ix_addc(dim, -1), at = proved_index(e, dim);

	if (at)
		return at;
	if (const_range(v, ix, &lo, &hi) && ix_isint(dim, &d)) {
		if (hi >= d || lo < -d) {
			error(zn->lowering ? node_where(zn->lowering) : NULL,
				"index %lld is outside a dimension of %lld", (long long)(hi >= d ? hi : lo),
				(long long)d);
			return ix_int(0);
		}
		if (lo >= 0)
			return ex_as_ix(e, ix_int(lo), ix_int(hi));
	} else if (zn->lowering) {
		check_unit(zn->lowering, v, ix, dim);
	}
	if (dtype_info[v->dt].class != DC_U && lo < 0)
		e = ex_select(ex_bin(E_LT, e, ex_int(DT_I64, 0)), ex_bin(E_ADD, e, ex_ix(dim)), e);
	return ex_as_ix(e, ix_int(0), top);
}

/* ---- statements */

Prog *prog_begin(Node *n, const char *name)
{
	Prog *p = NEW(Prog);

	p->node = n;
	p->kern = kern_new(name);
	p->kern->statements = true;
	p->kern->body = p->body = st_block();
	return p;
}

static Mem *prog_mem(Prog *p, Space space, const char *name, DType dt, Ix size)
{
	Mem *m = NEW(Mem);

	m->id = p->mem.n + p->scratch.n;
	m->space = space;
	m->dt = dt;
	m->name = name;
	m->size = size;
	return m;
}

void prog_out(Prog *p, Value *v)
{
	Mem *m = prog_mem(p, SP_PARAM, "y", v->dt, value_numel(v));

	m->value = v;
	m->written = true;
	push(&p->out, v);
	push(&p->mem, m);
}

Mem *prog_scratch(Prog *p, const char *name, DType dt, Ix size)
{
	Mem *m = prog_mem(p, SP_SCRATCH, name, dt, size);

	push(&p->scratch, m);
	return m;
}

static Mem *out_mem(Prog *p, Value *v)
{
	for (int i = 0; i < p->out.n; i++)
		if (p->out.p[i] == v)
			return p->mem.p[i];
	bug("%s is not declared by prog_out", value_str(v));
}

static Ix flat_index(const Value *v, const Ix *ix)
{
	Ix at = ix_int(0);

	for (int i = 0; i < v->rank; i++)
		at = ix_add(ix_mul(at, v->dim[i]), ix[i]);
	return at;
}

void prog_store(Prog *p, Stmt *b, Value *v, const Ix *ix, Expr *e)
{
	if (e->dt != v->dt)
		ill("%s: stores %s to a value of %s", node_where(p->node), dt_name(e->dt), dt_name(v->dt));
	st_store(b, out_mem(p, v), flat_index(v, ix), e);
}

Expr *prog_load(Prog *p, Value *v, const Ix *ix)
{
	return ex_load(out_mem(p, v), flat_index(v, ix));
}

Ix prog_for(Prog *p, Stmt *block, Ix extent, Stmt **body)
{
	Ix v = ix_var(FIRST_LOOP + p->nloop++, extent);

	*body = st_for(block, v, F_SERIAL);
	return v;
}

void prog_end(Prog *p)
{
	reads_of_prog(p->node, p->body);
	add_unit(p->node, (Unit){ .kind = U_PROG, .prog = p });
}

/* ---- a node */

void node_lower(Node *n)
{
	if (!op_def[n->op].lower) {
		node_unsupported(n, "operator %s cannot be compiled yet", op_name(n->op));
		return;
	}
	nreduce = 0;
	zn->lowering = n;
	zn->rule = n;
	op_def[n->op].lower(n);
	zn->lowering = NULL;
	zn->rule = NULL;
}
