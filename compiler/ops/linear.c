/* Contractions: MatMul, Gemm, Einsum, MatMulInteger; Det. Sums over f16 and bf16 are accumulated in f32. */
#include "../ops.h"

/* index along an axis of a broadcast operand */
static Ix along(Ix axis, Ix d)
{
	return ix_is(d, 1) ? ix_int(0) : ix_min(axis, ix_addc(d, -1));
}

static bool same_types(Node *n)
{
	if (n->in[0]->dt != n->in[1]->dt) {
		node_error(n, "operands of type %s and %s", dt_name(n->in[0]->dt), dt_name(n->in[1]->dt));
		return false;
	}
	if (!dt_float(n->in[0]->dt) && !dt_int(n->in[0]->dt)) {
		node_unsupported(n, "%s of %s", op_name(n->op), dt_name(n->in[0]->dt));
		return false;
	}
	return true;
}

/* ---- MatMul. A product has axes batch..., m, n; a vector operand lacks m or n */

typedef struct Mat {
	Value *a, *b;
	int batch;               /* leading axes of the output */
	bool va, vb;             /* vectors */
	Ix k;                    /* extent of the sum */
} Mat;

static bool get_mat(Node *n, Mat *m)
{
	*m = (Mat){ .a = n->in[0], .b = n->in[1] };
	if (m->a->rank < 1 || m->b->rank < 1) {
		node_error(n, "a product with a scalar");
		return false;
	}
	m->va = m->a->rank == 1;
	m->vb = m->b->rank == 1;
	m->batch = (m->a->rank > m->b->rank ? m->a->rank : m->b->rank) - 2;
	m->batch = m->batch < 0 ? 0 : m->batch;
	m->k = m->a->dim[m->a->rank - 1];
	return true;
}

static void set_product(Node *n, DType dt)
{
	Mat m;
	Value a = { 0 }, b = { 0 };      /* the batch dims alone */
	int r;

	if (!get_mat(n, &m))
		return;
	if (!ix_assume_equal(m.k, m.b->dim[m.vb ? 0 : m.b->rank - 2], node_where(n))) {
		node_error(n, "%s cannot be multiplied by %s", value_str(m.a), value_str(m.b));
		return;
	}
	a.rank = m.a->rank > 2 ? m.a->rank - 2 : 0;
	b.rank = m.b->rank > 2 ? m.b->rank - 2 : 0;
	a.dim = m.a->dim;
	b.dim = m.b->dim;
	Ix dim[m.batch + 2];
	if (!broadcast_dims(n, (Value *[]){ &a, &b }, 2, dim, &r))
		return;
	if (!m.va)
		dim[r++] = m.a->dim[m.a->rank - 2];
	if (!m.vb)
		dim[r++] = m.b->dim[m.b->rank - 1];
	set_out(n, 0, dt, r, dim);
}

void shape_mat_mul(Node *n)
{
	if (same_types(n))
		set_product(n, n->in[0]->dt);
}

/* ix[0..rank) of an operand whose matrix indices are row and col (a vector: the one along k) */
static void operand_index(const Mat *m, const Value *v, const Ix *axis, Ix row, Ix col, Ix *ix)
{
	int lead = v->rank - 2;

	for (int i = 0; i < lead; i++)
		ix[i] = along(axis[m->batch - lead + i], v->dim[i]);
	if (v->rank == 1) {
		ix[0] = row ? row : col;
	} else {
		ix[lead] = row;
		ix[lead + 1] = col;
	}
}

static void mat_index(const Mat *m, const Ix *axis, Ix k, Ix *ia, Ix *ib)
{
	Ix row = m->va ? NULL : axis[m->batch], col = m->vb ? NULL : axis[m->batch + !m->va];

	operand_index(m, m->a, axis, row, k, ia);
	operand_index(m, m->b, axis, k, col, ib);
}

void lower_mat_mul(Node *n)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);
	Mat m;

	if (!get_mat(n, &m))
		return;
	Ix k = te_var(n, m.k), ia[m.a->rank + 2], ib[m.b->rank + 2];
	mat_index(&m, t->axis, k, ia, ib);
	Expr *a = ex_acc(te_read(m.a, ia, m.a->rank)), *b = ex_acc(te_read(m.b, ib, m.b->rank));
	te_end(y, ex_cast(y->dt, ex_reduce(R_SUM, &k, 1, xmul(a, b))));
}

void shape_mat_mul_integer(Node *n)
{
	for (int i = 0; i < 2; i++)
		if (n->in[i]->dt != DT_I8 && n->in[i]->dt != DT_U8) {
			node_error(n, "an operand of type %s", dt_name(n->in[i]->dt));
			return;
		}
	for (int i = 0; i < 2; i++) {
		Value *v = n->in[i];
		if (v->rank && !in_spread(n, 2 + i, i || v->rank == 1 ? v->rank - 1 : v->rank - 2, v->rank, v->dim))
			return;
	}
	set_product(n, DT_I32);
}

/* element minus zero point: one, one per row of A or column of B, or broadcast against the operand */
static Expr *centred(Value *v, const Ix *ix, Value *zero, int per)
{
	Expr *e = ex_cast(DT_I32, te_read(v, ix, v->rank)), *z;

	if (!zero)
		return e;
	if (ix_is(value_numel(zero), 1))
		z = te_scalar(zero);
	else
		z = zero->rank == 1 ? te_read(zero, &ix[per], 1) : te_read_bcast(zero, ix, v->rank);
	return xsub(e, ex_cast(DT_I32, z));
}

void lower_mat_mul_integer(Node *n)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);
	Mat m;

	if (!get_mat(n, &m))
		return;
	Ix k = te_var(n, m.k), ia[m.a->rank + 2], ib[m.b->rank + 2];
	mat_index(&m, t->axis, k, ia, ib);
	Expr *a = centred(m.a, ia, in_opt(n, 2), m.va ? 0 : m.a->rank - 2);
	Expr *b = centred(m.b, ib, in_opt(n, 3), m.b->rank - 1);
	te_end(y, ex_reduce(R_SUM, &k, 1, xmul(a, b)));
}

/* ---- Gemm: alpha * A' * B' + beta * C */

void shape_gemm(Node *n)
{
	Value *a = n->in[0], *b = n->in[1], *c = in_opt(n, 2);
	int ta = attr_int(n, "transA", 0) != 0, tb = attr_int(n, "transB", 0) != 0;

	if (!same_types(n))
		return;
	if (a->rank != 2 || b->rank != 2 || (c && (c->rank > 2 || c->dt != a->dt))) {
		node_error(n, "Gemm of %s, %s%s%s", value_str(a), value_str(b), c ? ", " : "",
			   c ? value_str(c) : "");
		return;
	}
	if (!ix_assume_equal(a->dim[!ta], b->dim[tb], node_where(n))) {
		node_error(n, "%s cannot be multiplied by %s", value_str(a), value_str(b));
		return;
	}
	Ix dim[2] = { a->dim[ta], b->dim[!tb] };
	if (in_bcast(n, 2, 2, dim))
		set_out(n, 0, a->dt, 2, dim);
}

void lower_gemm(Node *n)
{
	Value *a = n->in[0], *b = n->in[1], *c = in_opt(n, 2), *y = n->out[0];
	int ta = attr_int(n, "transA", 0) != 0, tb = attr_int(n, "transB", 0) != 0;
	double alpha = attr_float(n, "alpha", 1), beta = attr_float(n, "beta", 1);
	Te *t = te_begin(y);
	Ix k = te_var(n, a->dim[!ta]), ia[2], ib[2];
	Expr *e, *f;

	ia[ta] = t->axis[0];
	ia[!ta] = k;
	ib[!tb] = t->axis[1];
	ib[tb] = k;
	e = ex_reduce(R_SUM, &k, 1, xmul(ex_acc(te_read(a, ia, 2)), ex_acc(te_read(b, ib, 2))));
	if (alpha != 1)
		e = xmul(xlike(e, alpha), e);
	if (c && beta != 0) {
		f = ex_acc(te_read_bcast(c, t->axis, 2));
		e = xadd(e, beta == 1 ? f : xmul(xlike(f, beta), f));
	}
	te_end(y, ex_cast(y->dt, e));
}

/* ---- Einsum */

enum { ELL = 52, NLABEL = 53, NTERM = 64 };    /* labels: a-z, A-Z; ELL stands for the axes of "..." */

typedef struct Term { int n; unsigned char l[NTERM]; bool ell; } Term;
typedef struct Einsum {
	Term *in, out;
	int nell;                /* axes that "..." stands for, at most */
	Ix ell[NTERM], dim[NLABEL];
} Einsum;

/* a term up to ',', '-' or the end; NULL after an error */
static const char *parse_term(Node *n, const char *s, Term *t)
{
	*t = (Term){ 0 };
	for (; *s && *s != ',' && *s != '-'; s++) {
		if (*s == ' ')
			continue;
		if (*s == '.' && s[1] == '.' && s[2] == '.' && !t->ell) {
			t->ell = true;
			t->l[t->n++] = ELL;
			s += 2;
		} else if (*s >= 'a' && *s <= 'z' && t->n < NTERM - 1) {
			t->l[t->n++] = (unsigned char)(*s - 'a');
		} else if (*s >= 'A' && *s <= 'Z' && t->n < NTERM - 1) {
			t->l[t->n++] = (unsigned char)(*s - 'A' + 26);
		} else {
			node_error(n, "the equation has '%s'", quoted(s));
			return NULL;
		}
	}
	return s;
}

/* without "->": "..." and the labels that occur once, in alphabetical order, capitals first */
static void implicit_out(Node *n, Einsum *e)
{
	int count[NLABEL] = { 0 };

	e->out = (Term){ 0 };
	for (int i = 0; i < n->nin; i++)
		for (int k = 0; k < e->in[i].n; k++)
			count[e->in[i].l[k]]++;
	if (count[ELL]) {
		e->out.ell = true;
		e->out.l[e->out.n++] = ELL;
	}
	for (int k = 0; k < ELL; k++)
		if (count[(k + 26) % ELL] == 1)
			e->out.l[e->out.n++] = (unsigned char)((k + 26) % ELL);
}

static bool bind_label(Node *n, Ix *dim, Ix d)
{
	if (!*dim || ix_is(*dim, 1))
		*dim = d;
	else if (!ix_is(d, 1) && !ix_assume_equal(*dim, d, node_where(n))) {
		node_error(n, "a label stands for dimensions of %s and of %s", ix_str(*dim), ix_str(d));
		return false;
	}
	return true;
}

static bool bind_term(Node *n, Einsum *e, const Term *t, const Value *v)
{
	int more = v->rank - (t->n - t->ell), at = 0;

	if (more < 0 || more >= NTERM || (!t->ell && more)) {
		node_error(n, "%d labels for %s", t->n, value_str(v));
		return false;
	}
	for (int k = 0; k < t->n; k++) {
		if (t->l[k] != ELL) {
			if (!bind_label(n, &e->dim[t->l[k]], v->dim[at++]))
				return false;
			continue;
		}
		e->nell = more > e->nell ? more : e->nell;
		for (int i = 0; i < more; i++)
			if (!bind_label(n, &e->ell[NTERM - more + i], v->dim[at++]))
				return false;
	}
	return true;
}

static bool get_einsum(Node *n, Einsum *e)
{
	const char *s = attr_str(n, "equation", "");

	memset(e, 0, sizeof *e);
	e->in = NEWN(Term, n->nin);
	for (int i = 0; i < n->nin; i++) {
		if (!(s = parse_term(n, s, &e->in[i])))
			return false;
		if (i + 1 < n->nin && *s++ != ',') {
			node_error(n, "the equation has fewer terms than there are inputs");
			return false;
		}
		if (!bind_term(n, e, &e->in[i], n->in[i]))
			return false;
	}
	if (!*s) {
		implicit_out(n, e);
		return true;
	}
	if (s[0] != '-' || s[1] != '>') {
		node_error(n, "the equation has '%s'", quoted(s));
		return false;
	}
	return parse_term(n, s + 2, &e->out) != NULL;
}

void shape_einsum(Node *n)
{
	Einsum e;
	Ix dim[2 * NTERM];
	int r = 0;

	for (int i = 1; i < n->nin; i++)
		if (n->in[i]->dt != n->in[0]->dt) {
			node_error(n, "inputs have different types");
			return;
		}
	if (!get_einsum(n, &e))
		return;
	for (int k = 0; k < e.out.n; k++) {
		int l = e.out.l[k];
		if (l != ELL && !e.dim[l]) {
			node_error(n, "a label of the output is in no input");
			return;
		}
		for (int i = 0; l == ELL && i < e.nell; i++)
			dim[r++] = e.ell[NTERM - e.nell + i];
		if (l != ELL)
			dim[r++] = e.dim[l];
	}
	set_out(n, 0, n->in[0]->dt, r, dim);
}

static Expr *read_term(const Term *t, Value *v, const Ix *at, const Ix *ell)
{
	int more = v->rank - (t->n - t->ell), r = 0;
	Ix ix[v->rank + 1];

	for (int k = 0; k < t->n; k++) {
		for (int i = 0; t->l[k] == ELL && i < more; i++, r++)
			ix[r] = along(ell[NTERM - more + i], v->dim[r]);
		if (t->l[k] != ELL) {
			ix[r] = along(at[t->l[k]], v->dim[r]);
			r++;
		}
	}
	return ex_acc(te_read(v, ix, v->rank));
}

void lower_einsum(Node *n)
{
	Value *y = n->out[0];
	Einsum e;
	Ix at[NLABEL] = { 0 }, ell[NTERM] = { 0 }, var[NLABEL + NTERM];
	Te *t = te_begin(y);
	int nv = 0, r = 0;
	Expr *f = NULL;

	if (!get_einsum(n, &e))
		return;
	for (int k = 0; k < e.out.n; k++) {
		for (int i = 0; e.out.l[k] == ELL && i < e.nell; i++)
			ell[NTERM - e.nell + i] = t->axis[r++];
		if (e.out.l[k] != ELL)
			at[e.out.l[k]] = t->axis[r++];
	}
	for (int i = NTERM - e.nell; i < NTERM; i++)
		if (!ell[i])
			ell[i] = var[nv++] = te_var(n, e.ell[i]);
	for (int l = 0; l < ELL; l++)
		if (e.dim[l] && !at[l])
			at[l] = var[nv++] = te_var(n, e.dim[l]);
	for (int i = 0; i < n->nin; i++) {
		Expr *g = read_term(&e.in[i], n->in[i], at, ell);
		f = f ? xmul(f, g) : g;
	}
	te_end(y, ex_cast(y->dt, ex_reduce(R_SUM, var, nv, f)));
}

/* ---- Det: Gaussian elimination with row exchange */

void shape_det(Node *n)
{
	Value *x = n->in[0];

	if (!dt_float(x->dt) || x->rank < 2
	    || !ix_assume_equal(x->dim[x->rank - 1], x->dim[x->rank - 2], node_where(n)))
		node_error(n, "Det of %s", value_str(x));
	else
		set_out(n, 0, x->dt, x->rank - 2, x->dim);
}

typedef struct Lu { Prog *p; Mem *m; Ix n; } Lu;

static Ix lu_at(const Lu *l, Ix i, Ix j)
{
	return ix_add(ix_mul(i, l->n), j);
}

/* the row below (or at) k with the greatest element in column k */
static Ix lu_pivot(const Lu *l, Stmt *b, Ix k, Var **row)
{
	Kern *kern = l->p->kern;
	Var *best = st_let(b, kern, "best", ex_un(E_ABS, ex_load(l->m, lu_at(l, k, k))));
	Expr *e;
	Stmt *in;
	Ix i;

	*row = st_let(b, kern, "row", ex_ix(k));
	i = prog_for(l->p, b, l->n, &in);
	e = ex_un(E_ABS, ex_load(l->m, lu_at(l, i, k)));
	in = st_if(in, ex_bin(E_AND, ex_bin(E_GT, ex_ix(i), ex_ix(k)), ex_bin(E_GT, e, ex_var(best))));
	st_set(in, best, e);
	st_set(in, *row, ex_ix(i));
	return ex_as_ix(ex_var(*row), ix_int(0), ix_addc(l->n, -1));
}

/* rows below k less their multiple of row k */
static void lu_eliminate(const Lu *l, Stmt *b, Ix k)
{
	Ix i = prog_for(l->p, b, l->n, &b), j;
	Expr *head = ex_load(l->m, lu_at(l, k, k));
	Var *f;

	b = st_if(b, ex_bin(E_AND, ex_bin(E_GT, ex_ix(i), ex_ix(k)), ex_bin(E_NE, head, xlike(head, 0))));
	f = st_let(b, l->p->kern, "f", xdiv(ex_load(l->m, lu_at(l, i, k)), head));
	j = prog_for(l->p, b, l->n, &b);
	st_store(b, l->m, lu_at(l, i, j),
		 xsub(ex_load(l->m, lu_at(l, i, j)), xmul(ex_var(f), ex_load(l->m, lu_at(l, k, j)))));
}

void lower_det(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Prog *p = prog_begin(n, "det");
	Ix d = x->dim[x->rank - 1], ix[x->rank + 1], k, row, j;
	DType dt = acc_type(x->dt);
	Lu l = { p, prog_scratch(p, "m", dt, ix_mul(d, d)), d };
	Stmt *b = p->body, *in;
	Var *det, *at, *was;

	prog_out(p, y);
	for (int i = 0; i < x->rank - 2; i++)
		ix[i] = prog_for(p, b, x->dim[i], &b);
	ix[x->rank - 2] = prog_for(p, b, d, &in);
	ix[x->rank - 1] = prog_for(p, in, d, &in);
	st_store(in, l.m, lu_at(&l, ix[x->rank - 2], ix[x->rank - 1]), ex_acc(te_read(x, ix, x->rank)));
	det = st_let(b, p->kern, "det", ex_float(dt, 1));
	k = prog_for(p, b, d, &in);
	row = lu_pivot(&l, in, k, &at);
	Stmt *swap = st_if(in, ex_bin(E_NE, ex_var(at), ex_ix(k))), *each;
	st_set(swap, det, ex_un(E_NEG, ex_var(det)));
	j = prog_for(p, swap, d, &each);
	was = st_let(each, p->kern, "was", ex_load(l.m, lu_at(&l, k, j)));
	st_store(each, l.m, lu_at(&l, k, j), ex_load(l.m, lu_at(&l, row, j)));
	st_store(each, l.m, lu_at(&l, row, j), ex_var(was));
	st_set(in, det, xmul(ex_var(det), ex_load(l.m, lu_at(&l, k, k))));
	lu_eliminate(&l, in, k);
	prog_store(p, b, y, ix, ex_cast(y->dt, ex_var(det)));
	prog_end(p);
}
