/* Support vector machines of ai.onnx.ml. Classes vote in pairs, i against j > i, in the order of i, then j;
 * with prob_a and prob_b the pairs' probabilities are coupled into one per class (Wu, Lin, Weng
 * 2004). */
#include "ml.h"
#include "window.h"
#include "stmts.h"

typedef enum Kind { LINEAR, POLY, RBF, SIGMOID, NKIND } Kind;

typedef struct Svm {
	Kind kind;
	double gamma, coef0, degree;
	const float *vec, *coef, *rho;
	int nvec, nfeat, nclass, npair, ncoef, nrho, nprob;
	const int64_t *per;      /* vectors of each class */
	Post post;
} Svm;

static Expr *f32(double v)
{
	return ex_float(DT_F32, v);
}

static Expr *F(EOp op, Expr *a, Expr *b)
{
	return ex_bin(op, a, b);
}

static bool kernel_ok(Node *n, Svm *s)
{
	static const char *const name[NKIND] = { "LINEAR", "POLY", "RBF", "SIGMOID" };
	const char *kind = attr_str(n, "kernel_type", "LINEAR");
	int np;
	const float *p = attr_floats(n, "kernel_params", &np);

	s->gamma = np > 0 ? p[0] : 0;
	s->coef0 = np > 1 ? p[1] : 0;
	s->degree = np > 2 ? p[2] : 0;
	for (int i = 0; i < NKIND; i++)
		if (!strcmp(kind, name[i])) {
			s->kind = (Kind)i;
			return true;
		}
	node_error(n, "attribute kernel_type is '%s'", quoted(kind));
	return false;
}

/* vectors by features, checked against the input's columns */
static bool vectors_ok(Node *n, Svm *s, int count)
{
	int len;
	Ix cols;

	s->vec = attr_floats(n, "support_vectors", &len);
	s->nvec = count;
	if (count < 1 || len % count || !len) {
		node_error(n, "%d values for %d support vectors", len, count);
		return false;
	}
	s->nfeat = len / count;
	ml_rows(n->in[0], &cols);
	if (!ix_assume_equal(cols, ix_int(s->nfeat), "features of support vectors")) {
		node_error(n, "%s features, support vectors of %d", ix_str(cols), s->nfeat);
		return false;
	}
	return true;
}

static Value *table(Node *n, const float *p, int64_t rows, int64_t cols)
{
	int64_t dim[2] = { rows, cols };

	return value_const(n->graph, DT_F32, 2, dim, p);
}

/* the kernel of every row with every support vector */
static Value *kernels(Node *n, const Svm *s)
{
	Value *x = n->in[0], *vec = table(n, s->vec, s->nvec, s->nfeat), *v;
	Ix cols, dim[2] = { ml_rows(x, &cols), ix_int(s->nvec) }, red[1], at[2];
	int nred = 0;
	Expr *a, *b;
	Te *t;

	v = te_temp(n, "kernel", DT_F32, 2, dim);
	t = te_begin(v);
	at[0] = t->axis[1];
	at[1] = red_var(n, ix_int(s->nfeat), red, &nred);
	a = ex_cast(DT_F32, ml_elem(x, t->axis[0], at[1]));
	b = te_read(vec, at, 2);
	if (s->kind == RBF) {
		a = F(E_SUB, a, b);
		b = a;
	}
	a = red_sum(red, nred, F(E_MUL, a, b));
	if (s->kind == RBF)
		a = ex_un(E_EXP, F(E_MUL, f32(-s->gamma), a));
	if (s->kind == POLY || s->kind == SIGMOID)
		a = F(E_ADD, F(E_MUL, a, f32(s->gamma)), f32(s->coef0));
	if (s->kind == POLY)
		a = F(E_POW, a, f32(s->degree));
	te_end(v, s->kind == SIGMOID ? ex_un(E_TANH, a) : a);
	return v;
}

/* out[n, p] = sum over v of w[p, v]*k[n, v] + rho[p] */
static void weigh(Node *n, Value *out, Value *k, const float *w, const float *rho, int rows, bool sign)
{
	int64_t nv = 0, nrow = rows;
	int nred = 0;
	Ix red[1], v, at[2], p;
	Expr *e;
	Te *t;

	ix_isint(k->dim[1], &nv);
	t = te_begin(out);
	v = red_var(n, k->dim[1], red, &nred);
	p = t->axis[1];
	at[0] = p;
	at[1] = v;
	e = te_read(table(n, w, rows, nv), at, 2);
	at[0] = t->axis[0];
	e = red_sum(red, nred, F(E_MUL, e, te_read(k, at, 2)));
	e = F(E_ADD, e, te_read(value_const(n->graph, DT_F32, 1, &nrow, rho), &p, 1));
	te_end(out, sign ? ex_select(F(E_GT, e, f32(0)), f32(1), f32(-1)) : e);
}

/* ---- SVMRegressor */

static bool regressor(Node *n, Svm *s)
{
	int64_t supports = attr_int(n, "n_supports", 0);
	int count = supports > INT32_MAX ? INT32_MAX : (int)supports;

	s->coef = attr_floats(n, "coefficients", &s->ncoef);
	s->rho = attr_floats(n, "rho", &s->nrho);
	if (!kernel_ok(n, s) || !ml_post(n, &s->post))
		return false;
	if (s->post != POST_NONE || count < 1)
		node_unsupported(n, count < 1 ? "no support vectors" : "a post_transform");
	else if (s->nrho < 1 || s->ncoef != count)
		node_error(n, "%d coefficients for %d support vectors", s->ncoef, count);
	else
		return vectors_ok(n, s, count);
	return false;
}

void shape_svm_regressor(Node *n)
{
	Ix cols, dim[2] = { ml_rows(n->in[0], &cols), ix_int(1) };
	Svm s;

	if (regressor(n, &s))
		set_out(n, 0, DT_F32, 2, dim);
}

void lower_svm_regressor(Node *n)
{
	Svm s;

	if (regressor(n, &s))
		weigh(n, n->out[0], kernels(n, &s), s.coef, s.rho, 1, attr_int(n, "one_class", 0));
}

/* ---- SVMClassifier */

static bool classifier(Node *n, Svm *s, Value **labels)
{
	int64_t supports = 0, weights;
	int nlabel, na, nb, count;

	*labels = ml_labels(n, "classlabels_ints", "classlabels_strings", &nlabel);
	s->coef = attr_floats(n, "coefficients", &s->ncoef);
	s->rho = attr_floats(n, "rho", &s->nrho);
	s->per = attr_ints(n, "vectors_per_class", &s->nclass);
	attr_floats(n, "prob_a", &na);
	attr_floats(n, "prob_b", &nb);
	s->nprob = na;
	if (!kernel_ok(n, s) || !ml_post(n, &s->post))
		return false;
	if (s->nclass < 2 || s->nclass > 1000) {
		node_unsupported(n, "%d classes", s->nclass);
		return false;
	}
	for (int i = 0; i < s->nclass; i++) {
		if (s->per[i] < 0 || s->per[i] > s->ncoef) {
			node_error(n, "vectors_per_class has %lld, there are %d coefficients",
				(long long)s->per[i], s->ncoef);
			return false;
		}
		supports += s->per[i];
	}
	s->npair = s->nclass * (s->nclass - 1) / 2;
	weights = supports * (s->nclass - 1);
	count = (int)supports;
	if (!*labels || nlabel != s->nclass || s->ncoef != weights || s->nrho != s->npair ||
		na != nb || (na && na != s->npair)) {
		node_error(n, "%d labels, %d classes, %d vectors, %d coefficients, %d rho, %d prob_a", nlabel,
			s->nclass, count, s->ncoef, s->nrho, na);
		return false;
	}
	if (s->npair == 1 && !na && s->post != POST_NONE) {      /* engines differ in what it means */
		node_unsupported(n, "a post_transform of two classes without probabilities");
		return false;
	}
	limit_check(LIM_FOLD, (int64_t)s->npair * count * (int64_t)sizeof(float), node_where(n));
	return vectors_ok(n, s, count);
}

/* columns of the scores: probabilities, else pairs, of which a single one is given as two */
static int score_columns(const Svm *s)
{
	return s->nprob ? s->nclass : s->npair == 1 ? 2 : s->npair;
}

void shape_svm_classifier(Node *n)
{
	Ix cols, dim[2] = { ml_rows(n->in[0], &cols), NULL };
	Value *labels;
	Svm s;

	if (!classifier(n, &s, &labels))
		return;
	dim[1] = ix_int(score_columns(&s));
	set_out(n, 0, labels->dt, 1, dim);
	set_out(n, 1, DT_F32, 2, dim);
}

/* how each vector counts in each pair: [npair, nvec] */
static float *pair_weights(const Svm *s)
{
	float *w = NEWN(float, (int64_t)s->npair * s->nvec);
	int p = 0, at = 0, to;

	for (int i = 0; i < s->nclass; at += (int)s->per[i++]) {
		to = at + (int)s->per[i];
		for (int j = i + 1; j < s->nclass; to += (int)s->per[j++], p++) {
			for (int v = at; v < at + s->per[i]; v++)
				w[(int64_t)p * s->nvec + v] = s->coef[(int64_t)(j - 1) * s->nvec + v];
			for (int v = to; v < to + s->per[j]; v++)
				w[(int64_t)p * s->nvec + v] = s->coef[(int64_t)i * s->nvec + v];
		}
	}
	return w;
}

/* of each pair the side that class c is on: 1 the first, -1 the second, 0 neither: [nclass, npair] */
static Value *sides(Node *n, const Svm *s)
{
	float *f = NEWN(float, (int64_t)s->npair * s->nclass);
	int p = 0;

	for (int i = 0; i < s->nclass; i++)
		for (int j = i + 1; j < s->nclass; j++, p++) {
			f[i * s->npair + p] = 1;
			f[j * s->npair + p] = -1;
		}
	return table(n, f, s->nclass, s->npair);
}

static Value *votes(Node *n, const Svm *s, Value *raw)
{
	Ix dim[2] = { raw->dim[0], ix_int(s->nclass) }, red[1], at[2];
	Value *v = te_temp(n, "votes", DT_F32, 2, dim), *side = sides(n, s);
	int nred = 0;
	Expr *e, *won;
	Te *t = te_begin(v);

	at[0] = t->axis[1];
	at[1] = red_var(n, ix_int(s->npair), red, &nred);
	e = te_read(side, at, 2);
	at[0] = t->axis[0];
	won = ex_select(F(E_GT, te_read(raw, at, 2), f32(0)), f32(1), f32(-1));
	te_end(v, red_sum(red, nred, ex_cast(DT_F32, F(E_EQ, e, won))));
	return v;
}

/* r[n, i, j]: the probability of class i against j; 0 where i = j */
static Value *pair_probabilities(Node *n, const Svm *s, Value *raw)
{
	Ix k = ix_int(s->nclass), dim[3] = { raw->dim[0], k, k }, at[2], i, j, lo, hi, p;
	Value *r = te_temp(n, "pairs", DT_F32, 3, dim), *a, *b;
	int64_t np = s->npair;
	int len;
	Expr *e, *up;
	Te *t = te_begin(r);

	a = value_const(n->graph, DT_F32, 1, &np, attr_floats(n, "prob_a", &len));
	b = value_const(n->graph, DT_F32, 1, &np, attr_floats(n, "prob_b", &len));
	i = t->axis[1];
	j = t->axis[2];
	lo = ix_min(i, j);
	hi = ix_max(i, j);
	/* pairs before those of class lo, then those of lo */
	p = ix_div(ix_mul(lo, ix_sub(ix_int(2 * s->nclass - 1), lo)), ix_int(2));
	p = ix_add(p, ix_addc(ix_sub(hi, lo), -1));
	p = ix_max(ix_int(0), ix_min(p, ix_int(s->npair - 1)));
	at[0] = t->axis[0];
	at[1] = p;
	e = F(E_ADD, F(E_MUL, te_read(raw, at, 2), te_read(a, &p, 1)), te_read(b, &p, 1));
	e = F(E_SUB, f32(1), ml_logistic(e));
	e = F(E_MIN, F(E_MAX, e, f32(1e-7)), f32(1 - 1e-7));
	up = ex_ix(i);
	e = ex_select(F(E_LT, up, ex_ix(j)), e, F(E_SUB, f32(1), e));
	te_end(r, ex_select(F(E_EQ, up, ex_ix(j)), f32(0), e));
	return r;
}

typedef struct Couple { Prog *p; Ix k; Mem *q, *est, *qp; } Couple;

static Ix at2(const Couple *c, Ix t, Ix j)
{
	return ix_add(ix_mul(t, c->k), j);
}

/* est = 1/k; q from r */
static void couple_begin(Couple *c, Stmt *b, Value *r, Ix row, int k)
{
	Ix t, j, at[3] = { row, NULL, NULL };
	Expr *rt, *rj;
	Stmt *s, *u;
	Var *sum;

	t = prog_for(c->p, b, c->k, &s);
	st_store(s, c->est, t, f32(1.0 / k));
	sum = st_let(s, c->p->kern, "sum", f32(0));
	j = prog_for(c->p, s, c->k, &u);
	rj = te_read(r, (at[1] = j, at[2] = t, at), 3);
	rt = te_read(r, (at[1] = t, at[2] = j, at), 3);
	st_set(u, sum, F(E_ADD, ex_var(sum), F(E_MUL, rj, rj)));
	st_store(u, c->q, at2(c, t, j), ex_un(E_NEG, F(E_MUL, rj, rt)));
	st_store(s, c->q, at2(c, t, t), ex_var(sum));
}

/* qp = q est; pqp = est qp; whether the greatest |qp - pqp| is below eps */
static Expr *couple_error(Couple *c, Stmt *b, Var *pqp, double eps)
{
	Ix t, j;
	Stmt *s, *u;
	Var *sum, *worst;

	st_set(b, pqp, f32(0));
	t = prog_for(c->p, b, c->k, &s);
	sum = st_let(s, c->p->kern, "sum", f32(0));
	j = prog_for(c->p, s, c->k, &u);
	st_set(u, sum, F(E_ADD, ex_var(sum), F(E_MUL, ex_load(c->q, at2(c, t, j)), ex_load(c->est, j))));
	st_store(s, c->qp, t, ex_var(sum));
	st_set(s, pqp, F(E_ADD, ex_var(pqp), F(E_MUL, ex_load(c->est, t), ex_var(sum))));
	worst = st_let(b, c->p->kern, "worst", f32(0));
	t = prog_for(c->p, b, c->k, &s);
	st_set(s, worst, F(E_MAX, ex_var(worst), ex_un(E_ABS, F(E_SUB, ex_load(c->qp, t), ex_var(pqp)))));
	return F(E_LT, ex_var(worst), f32(eps));
}

/* one estimate after the other is corrected, and all scaled to sum to 1 */
static void couple_step(Couple *c, Stmt *b, Var *pqp)
{
	Ix t, j;
	Stmt *s, *u;
	Expr *qt, *qtt, *d, *one;

	t = prog_for(c->p, b, c->k, &s);
	qt = ex_var(st_let(s, c->p->kern, "qt", ex_load(c->qp, t)));
	qtt = ex_var(st_let(s, c->p->kern, "qtt", ex_load(c->q, at2(c, t, t))));
	d = ex_var(st_let(s, c->p->kern, "diff", F(E_DIV, F(E_SUB, ex_var(pqp), qt), qtt)));
	one = ex_var(st_let(s, c->p->kern, "scale", F(E_ADD, f32(1), d)));
	st_store(s, c->est, t, F(E_ADD, ex_load(c->est, t), d));
	qt = F(E_ADD, F(E_MUL, d, qtt), F(E_MUL, f32(2), qt));
	st_set(s, pqp, F(E_DIV, F(E_DIV, F(E_ADD, ex_var(pqp), F(E_MUL, d, qt)), one), one));
	j = prog_for(c->p, s, c->k, &u);
	d = F(E_ADD, ex_load(c->qp, j), F(E_MUL, d, ex_load(c->q, at2(c, t, j))));
	st_store(u, c->qp, j, F(E_DIV, d, one));
	st_store(u, c->est, j, F(E_DIV, ex_load(c->est, j), one));
}

static Value *probabilities(Node *n, const Svm *s, Value *raw)
{
	Value *r = pair_probabilities(n, s, raw), *out;
	int k = s->nclass;
	Ix dim[2] = { raw->dim[0], ix_int(k) }, at[2];
	Prog *p = prog_begin(n, "couple_probabilities");
	Couple c = { .p = p, .k = dim[1] };
	Stmt *b, *w, *u;
	Var *pqp, *iter, *go;

	out = te_temp(n, "probabilities", DT_F32, 2, dim);
	prog_out(p, out);
	c.q = prog_scratch(p, "q", DT_F32, ix_int(k * k));
	c.est = prog_scratch(p, "estimate", DT_F32, c.k);
	c.qp = prog_scratch(p, "qp", DT_F32, c.k);
	at[0] = prog_for(p, p->body, dim[0], &b);
	couple_begin(&c, b, r, at[0], k);
	pqp = st_let(b, p->kern, "pqp", f32(0));
	iter = let_int(p, b, "iter", i64(0));
	go = st_let(b, p->kern, "go", ex_bits(DT_BOOL, 1));
	w = st_while(b, F(E_AND, ex_var(go), F(E_LT, ex_var(iter), i64(k > 100 ? k : 100))));
	st_set(w, go, ex_un(E_NOT, couple_error(&c, w, pqp, 0.005 / k)));
	couple_step(&c, st_if(w, ex_var(go)), pqp);
	add_to(w, iter, 1);
	at[1] = prog_for(p, b, c.k, &u);
	prog_store(p, u, out, at, ex_load(c.est, at[1]));
	prog_end(p);
	return out;
}

static Value *both_signs(Node *n, Value *raw)
{
	Ix dim[2] = { raw->dim[0], ix_int(2) }, at[2] = { NULL, ix_int(0) };
	Value *v = te_temp(n, "margins", DT_F32, 2, dim);
	Te *t = te_begin(v);
	Expr *e;

	at[0] = t->axis[0];
	e = te_read(raw, at, 2);
	te_end(v, ex_select(F(E_EQ, ex_ix(t->axis[1]), i64(0)), ex_un(E_NEG, e), e));
	return v;
}

void lower_svm_classifier(Node *n)
{
	Value *labels, *raw, *score;
	Ix cols, dim[2] = { ml_rows(n->in[0], &cols), NULL };
	Svm s;

	if (!classifier(n, &s, &labels))
		return;
	dim[1] = ix_int(s.npair);
	raw = te_temp(n, "raw", DT_F32, 2, dim);
	weigh(n, raw, kernels(n, &s), pair_weights(&s), s.rho, s.npair, false);
	if (out_wanted(n, 0))
		ml_argmax(n, votes(n, &s, raw), n->out[0], labels);
	if (!out_wanted(n, 1))
		return;
	score = s.nprob ? probabilities(n, &s, raw) : s.npair == 1 ? both_signs(n, raw) : raw;
	ml_transform(n, score, n->out[1], s.post);
}
