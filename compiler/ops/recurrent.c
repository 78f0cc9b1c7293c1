/* LSTM, GRU, RNN. The inputs' share of every gate, for all time steps at once, is a contraction (a temporary
 * [directions, time, batch, gates*hidden]); the recurrence itself is a statement program over it. */
#include "window.h"
#include "stmts.h"

#include <strings.h>

enum { MAXGATES = 4, MAXACT = 6 };

typedef enum Act { RELU, TANH, SIGMOID, AFFINE, LEAKY, THRESHOLDED, SCALED_TANH, HARD_SIGMOID, ELU, SOFTSIGN,
	SOFTPLUS, NACT } Act;
static const struct { const char *name; int nparam; double alpha, beta; } act_info[NACT] = {
	[RELU] = { "Relu", 0, 0, 0 }, [TANH] = { "Tanh", 0, 0, 0 }, [SIGMOID] = { "Sigmoid", 0, 0, 0 },
	[AFFINE] = { "Affine", 2, 1, 0 }, [LEAKY] = { "LeakyRelu", 1, 0.01, 0 },
	[THRESHOLDED] = { "ThresholdedRelu", 1, 1, 0 }, [SCALED_TANH] = { "ScaledTanh", 2, 1, 1 },
	[HARD_SIGMOID] = { "HardSigmoid", 2, 0.2, 0.5 }, [ELU] = { "Elu", 1, 1, 0 },
	[SOFTSIGN] = { "Softsign", 0, 0, 0 }, [SOFTPLUS] = { "Softplus", 0, 0, 0 },
};
typedef struct ActUse { Act act; double alpha, beta; } ActUse;

typedef struct Cell {
	Node *n;
	int gates, nact, ndir;
	bool reverse[2], batch_first;
	Value *x, *w, *r, *b, *lens, *h0, *c0, *peep;
	Ix time, batch, input, hidden;
	DType dt;                /* of the arithmetic */
	double clip;             /* 0: none */
	ActUse act[2 * MAXACT];
	Value *share;            /* the inputs' share */
	/* while writing the recurrence */
	Prog *p;
	Mem *h, *c, *next, *tmp, *bytes;    /* bytes: h as it is once quantised */
	int dir;                 /* whose activations */
	bool both;               /* one loop for two directions */
	Ix d, at_batch, at_time; /* d: the direction */
} Cell;

static bool find_acts(Cell *s, const char *const *dflt)
{
	int na, nb, nn, ia = 0, ib = 0;
	const Str *name = attr_strs(s->n, "activations", &nn);
	const float *alpha = attr_floats(s->n, "activation_alpha", &na),
		*beta = attr_floats(s->n, "activation_beta", &nb);

	for (int i = 0; i < s->nact * s->ndir; i++) {
		const char *want = dflt[i % s->nact];
		int a = 0;
		if (name && i < nn)
			want = fmt("%.*s", (int)name[i].n, name[i].p);
		while (a < NACT && strcasecmp(want, act_info[a].name))
			a++;
		if (a == NACT) {
			node_unsupported(s->n, "activation '%s'", quoted(want));
			return false;
		}
		s->act[i] = (ActUse){ (Act)a, act_info[a].alpha, act_info[a].beta };
		if (alpha && act_info[a].nparam > 0 && ia < na)
			s->act[i].alpha = alpha[ia++];
		if (beta && act_info[a].nparam > 1 && ib < nb)
			s->act[i].beta = beta[ib++];
	}
	return true;
}

static Expr *num(const Cell *s, double v)
{
	return ex_float(s->dt, v);
}

#define ADD(a, b) ex_bin(E_ADD, a, b)
#define SUB(a, b) ex_bin(E_SUB, a, b)
#define MUL(a, b) ex_bin(E_MUL, a, b)
#define DIV(a, b) ex_bin(E_DIV, a, b)

/* activation k of the direction being written, of a clipped argument */
static Expr *activate(const Cell *s, int k, Expr *x)
{
	const ActUse *u = &s->act[s->dir * s->nact + k];
	Expr *one = num(s, 1), *zero = num(s, 0), *a = num(s, u->alpha), *b = num(s, u->beta), *pos;

	if (s->clip > 0)
		x = ex_bin(E_MIN, ex_bin(E_MAX, x, num(s, -s->clip)), num(s, s->clip));
	pos = ex_bin(E_GT, x, zero);
	switch (u->act) {
	case RELU: return ex_bin(E_MAX, x, zero);
	case TANH: return ex_un(E_TANH, x);
	case SIGMOID: return DIV(one, ADD(one, ex_un(E_EXP, ex_un(E_NEG, x))));
	case AFFINE: return ADD(MUL(a, x), b);
	case LEAKY: return ex_select(pos, x, MUL(a, x));
	case THRESHOLDED: return ex_select(ex_bin(E_GE, x, a), x, zero);
	case SCALED_TANH: return MUL(a, ex_un(E_TANH, MUL(b, x)));
	case HARD_SIGMOID: return ex_bin(E_MIN, ex_bin(E_MAX, ADD(MUL(a, x), b), zero), one);
	case ELU: return ex_select(pos, x, MUL(a, ex_un(E_EXPM1, x)));
	case SOFTSIGN: return DIV(x, ADD(one, ex_un(E_ABS, x)));
	default: return ADD(ex_bin(E_MAX, x, zero),
		ex_un(E_LOG1P, ex_un(E_EXP, ex_un(E_NEG, ex_un(E_ABS, x)))));
	}
}

static bool is_dim(Cell *s, Ix got, Ix want, const char *what)
{
	if (ix_assume_equal(got, want, what))
		return true;
	node_error(s->n, "%s: %s, expected %s", what, ix_str(got), ix_str(want));
	return false;
}

/* operands and attributes; inputs from 5 on are initial_h, initial_c, P */
static bool cell_get(Node *n, int gates, int nact, const char *const *dflt, Cell *s)
{
	const char *dir = attr_str(n, "direction", "forward");
	Value *x = n->in[0], *r = n->in[2];

	*s = (Cell){ .n = n, .gates = gates, .nact = nact, .x = x, .w = n->in[1], .r = r, .b = in_opt(n, 3),
		.lens = in_opt(n, 4), .h0 = in_opt(n, 5), .c0 = in_opt(n, 6), .peep = in_opt(n, 7),
		.batch_first = attr_int(n, "layout", 0) != 0, .clip = attr_float(n, "clip", 0) };
	if (x->rank != 3 || s->w->rank != 3 || r->rank != 3) {
		node_error(n, "input %s, weights %s and %s", value_str(x), value_str(s->w), value_str(r));
		return false;
	}
	s->ndir = !strcmp(dir, "bidirectional") ? 2 : 1;
	s->reverse[0] = !strcmp(dir, "reverse");
	s->reverse[1] = true;
	s->time = x->dim[s->batch_first ? 1 : 0];
	s->batch = x->dim[s->batch_first ? 0 : 1];
	s->input = x->dim[2];
	s->hidden = r->dim[2];
	s->dt = acc_dtype(x->dt);
	Ix d = ix_int(s->ndir), bias[2] = { d, ix_mulc(s->hidden, 2 * gates) },
		peep[2] = { d, ix_mulc(s->hidden, 3) }, h0[3] = { d, s->batch, s->hidden },
		h1[3] = { s->batch, d, s->hidden }, *first = s->batch_first ? h1 : h0;
	if (!in_dims(n, 3, 2, bias) || !in_dims(n, 4, 1, &s->batch) || !in_dims(n, 5, 3, first) ||
		!in_dims(n, 6, 3, first) || !in_dims(n, 7, 2, peep))
		return false;
	return is_dim(s, r->dim[0], d, "directions of R") && is_dim(s, s->w->dim[0], d, "directions of W") &&
		is_dim(s, s->w->dim[1], ix_mulc(s->hidden, gates), "rows of W") &&
		is_dim(s, s->w->dim[2], s->input, "columns of W") &&
		is_dim(s, r->dim[1], ix_mulc(s->hidden, gates), "rows of R") && find_acts(s, dflt);
}

static void cell_shape(Cell *s, int nout)
{
	Ix d = ix_int(s->ndir);
	Ix y0[4] = { s->time, d, s->batch, s->hidden }, y1[4] = { s->batch, s->time, d, s->hidden };
	Ix h0[3] = { d, s->batch, s->hidden }, h1[3] = { s->batch, d, s->hidden };

	set_out(s->n, 0, s->x->dt, 4, s->batch_first ? y1 : y0);
	for (int i = 1; i < nout; i++)
		set_out(s->n, i, s->x->dt, 3, s->batch_first ? h1 : h0);
}

static Expr *load2(Cell *s, Value *v, Ix d, Ix j)
{
	Ix at[2] = { d, j };

	return ex_cast(s->dt, te_read(v, at, 2));
}

static Expr *load3(Cell *s, Value *v, Ix a, Ix b, Ix c)
{
	Ix at[3] = { a, b, c };

	return ex_cast(s->dt, te_read(v, at, 3));
}

/* share[d, t, b, j] = sum over i of X[t, b, i] * W[d, j, i], plus the biases; the recurrent bias only where
 * with_rb */
static void input_share(Cell *s, bool with_rb)
{
	Ix dim[4] = { ix_int(s->ndir), s->time, s->batch, ix_mulc(s->hidden, s->gates) }, i, red[1];
	Te *t;
	Expr *e, *x;
	int nred = 0;

	s->share = te_temp(s->n, "share", s->dt, 4, dim);
	t = te_begin(s->share);
	i = red_var(s->n, s->input, red, &nred);
	x = s->batch_first ? load3(s, s->x, t->axis[2], t->axis[1], i) : load3(s, s->x, t->axis[1],
		t->axis[2], i);
	e = red_sum(red, nred, MUL(x, load3(s, s->w, t->axis[0], t->axis[3], i)));
	if (s->b) {
		e = ADD(e, load2(s, s->b, t->axis[0], t->axis[3]));
		x = load2(s, s->b, t->axis[0], ix_add(t->axis[3], dim[3]));
		if (!with_rb)   /* of the last gate */
			x = ex_select(ex_bin(E_LT, ex_ix(t->axis[3]),
				ex_ix(ix_mulc(s->hidden, s->gates - 1))), x, num(s, 0));
		e = ADD(e, x);
	}
	te_end(s->share, e);
}

/* element j of what is kept of the direction */
static Expr *get(const Cell *s, Mem *m, Ix j)
{
	return ex_load(m, ix_add(ix_mul(s->d, s->hidden), j));
}

static void put(const Cell *s, Stmt *b, Mem *m, Ix j, Expr *e)
{
	st_store(b, m, ix_add(ix_mul(s->d, s->hidden), j), e);
}

/* sums over k of R[dir, gate*hidden + j, k] * vec[k], for gates from..from+count, added to what acc starts
 * with */
static void dots(Cell *s, Stmt *b, Ix j, int from, int count, Mem *vec, Var **acc)
{
	Stmt *in;
	Ix k = prog_for(s->p, b, s->hidden, &in);

	for (int g = 0; g < count; g++) {
		Expr *w = load3(s, s->r, s->d, ix_add(ix_mulc(s->hidden, from + g), j), k);
		st_set(in, acc[g], ADD(ex_var(acc[g]), MUL(w, get(s, vec, k))));
	}
}

/* the inputs' share of gate g, unit j, at the present step */
static Expr *share(Cell *s, int g, Ix j)
{
	Ix at[4] = { s->d, s->at_time, s->at_batch, ix_add(ix_mulc(s->hidden, g), j) };

	return te_read(s->share, at, 4);
}

static Var *let(Cell *s, Stmt *b, const char *name, Expr *e)
{
	return st_let(b, s->p->kern, name, e);
}

static Expr *peephole(Cell *s, int k, Ix j, Expr *a, Expr *c)
{
	return s->peep ? ADD(a, MUL(load2(s, s->peep, s->d, ix_add(ix_mulc(s->hidden, k), j)),
		c)) : a;
}

static void copy_next(Cell *s, Stmt *b)
{
	Stmt *in;
	Ix j = prog_for(s->p, b, s->hidden, &in);

	put(s, in, s->h, j, get(s, s->next, j));
}

/* what h is once quantised to bytes, in floats: of scale (greatest - least)/255 of its elements and 0 */
static Mem *requantize(Cell *s, Stmt *b)
{
	Expr *zero = num(s, 0), *l, *h, *z, *e;
	Var *lo, *hi, *scale, *at;
	Stmt *in;
	Ix j;

	if (!s->bytes)
		return s->h;
	lo = let(s, b, "lo", zero);
	hi = let(s, b, "hi", zero);
	j = prog_for(s->p, b, s->hidden, &in);
	st_set(in, lo, ex_bin(E_MIN, ex_var(lo), get(s, s->h, j)));
	st_set(in, hi, ex_bin(E_MAX, ex_var(hi), get(s, s->h, j)));
	l = ex_var(lo);
	h = ex_var(hi);
	scale = let(s, b, "scale", ex_select(ex_bin(E_EQ, l, h), num(s, 1), DIV(SUB(h, l), num(s, 255))));
	z = ex_un(E_ROUND, ex_un(E_NEG, DIV(l, ex_var(scale))));
	at = let(s, b, "zero", ex_bin(E_MIN, ex_bin(E_MAX, z, zero), num(s, 255)));
	j = prog_for(s->p, b, s->hidden, &in);
	e = ADD(ex_un(E_ROUND, DIV(get(s, s->h, j), ex_var(scale))), ex_var(at));
	e = SUB(ex_bin(E_MIN, ex_bin(E_MAX, e, zero), num(s, 255)), ex_var(at));
	put(s, in, s->bytes, j, MUL(e, ex_var(scale)));
	return s->bytes;
}

/* gates i, o, f, c; activations f, g, h */
static void lstm_step(Cell *s, Stmt *b)
{
	Stmt *in;
	Mem *h = requantize(s, b);
	Ix j = prog_for(s->p, b, s->hidden, &in);
	static const char *const name[] = { "i", "o", "f", "g" };
	Var *a[4], *v;
	Expr *c, *i, *f, *o;

	for (int g = 0; g < 4; g++)
		a[g] = let(s, in, name[g], share(s, g, j));
	dots(s, in, j, 0, 4, h, a);
	c = ex_var(let(s, in, "c0", get(s, s->c, j)));
	i = ex_var(let(s, in, "in", activate(s, 0, peephole(s, 0, j, ex_var(a[0]), c))));
	f = activate(s, 0, peephole(s, 2, j, ex_var(a[2]), c));
	if (attr_int(s->n, "input_forget", 0))
		f = SUB(num(s, 1), i);
	v = let(s, in, "c", ADD(MUL(f, c), MUL(i, activate(s, 1, ex_var(a[3])))));
	put(s, in, s->c, j, ex_var(v));
	o = activate(s, 0, peephole(s, 1, j, ex_var(a[1]), ex_var(v)));
	s->clip = -s->clip;      /* the cell's own output is not clipped */
	put(s, in, s->next, j, MUL(o, activate(s, 2, ex_var(v))));
	s->clip = -s->clip;
	copy_next(s, b);
}

/* gates z, r, h; activations f, g. c holds z, tmp r*h */
static void gru_step(Cell *s, Stmt *b)
{
	bool linear = attr_int(s->n, "linear_before_reset", 0) != 0;
	Stmt *in;
	Ix j = prog_for(s->p, b, s->hidden, &in);
	Var *a[3];
	Expr *r, *z, *h, *rb = NULL;

	a[0] = let(s, in, "z", share(s, 0, j));
	a[1] = let(s, in, "r", share(s, 1, j));
	if (linear) {
		rb = s->b ? load2(s, s->b, s->d, ix_add(ix_mulc(s->hidden, 5), j)) : num(s, 0);
		a[2] = let(s, in, "n", rb);
	}
	dots(s, in, j, 0, linear ? 3 : 2, s->h, a);
	r = activate(s, 0, ex_var(a[1]));
	put(s, in, s->c, j, activate(s, 0, ex_var(a[0])));
	if (linear) {
		put(s, in, s->tmp, j, activate(s, 1, ADD(share(s, 2, j), MUL(r, ex_var(a[2])))));
	} else {
		put(s, in, s->tmp, j, MUL(r, get(s, s->h, j)));
	}
	j = prog_for(s->p, b, s->hidden, &in);
	h = get(s, s->tmp, j);
	if (!linear) {
		a[2] = let(s, in, "n", share(s, 2, j));
		dots(s, in, j, 2, 1, s->tmp, &a[2]);
		h = activate(s, 1, ex_var(a[2]));
	}
	z = get(s, s->c, j);
	put(s, in, s->next, j, ADD(MUL(SUB(num(s, 1), z), h), MUL(z, get(s, s->h, j))));
	copy_next(s, b);
}

static void rnn_step(Cell *s, Stmt *b)
{
	Stmt *in;
	Ix j = prog_for(s->p, b, s->hidden, &in);
	Var *a = let(s, in, "a", share(s, 0, j));

	dots(s, in, j, 0, 1, s->h, &a);
	put(s, in, s->next, j, activate(s, 0, ex_var(a)));
	copy_next(s, b);
}

/* index of [dir, batch, j] in an initial or final state */
static void state_at(const Cell *s, Ix j, Ix *at)
{
	at[s->batch_first ? 1 : 0] = s->d;
	at[s->batch_first ? 0 : 1] = s->at_batch;
	at[2] = j;
}

static void start(Cell *s, Stmt *b, Mem *to, Value *from)
{
	Stmt *in;
	Ix at[3], j = prog_for(s->p, b, s->hidden, &in);

	state_at(s, j, at);
	put(s, in, to, j, from ? ex_cast(s->dt, te_read(from, at, 3)) : num(s, 0));
}

static void finish(Cell *s, Stmt *b, Value *to, Mem *from)
{
	Stmt *in;
	Ix at[3], j = prog_for(s->p, b, s->hidden, &in);

	state_at(s, j, at);
	prog_store(s->p, in, to, at, ex_cast(to->dt, get(s, from, j)));
}

static void store_y(Cell *s, Stmt *b, Ix t, Expr *(*value)(Cell *, Ix))
{
	Stmt *in;
	Value *y = s->n->out[0];
	Ix j = prog_for(s->p, b, s->hidden, &in);
	Ix a0[4] = { t, s->d, s->at_batch, j }, a1[4] = { s->at_batch, t, s->d, j };

	prog_store(s->p, in, y, s->batch_first ? a1 : a0, ex_cast(y->dt, value(s, j)));
}

static Expr *zero_value(Cell *s, Ix j)
{
	(void)j;
	return num(s, 0);
}

static Expr *h_value(Cell *s, Ix j)
{
	return get(s, s->h, j);
}

typedef void Step(Cell *, Stmt *);

/* all steps of one direction and batch */
static void sequence(Cell *s, Stmt *b, Step *step)
{
	Ix t, k;
	Stmt *in;
	Var *len;
	Expr *back;

	if (s->lens && out_wanted(s->n, 0)) {
		t = prog_for(s->p, b, s->time, &in);
		store_y(s, in, t, zero_value);
	}
	len = s->lens ? let(s, b, "len", ex_cast(DT_I64, te_read(s->lens, &s->at_batch, 1))) : NULL;
	k = prog_for(s->p, b, s->time, &in);
	s->at_time = s->reverse[s->dir] ? ix_sub(ix_addc(s->time, -1), k) : k;
	back = SUB(ex_ix(ix_addc(s->time, -1)), ex_ix(k));
	if (len) {
		in = st_if(in, ex_bin(E_LT, ex_ix(k), ex_var(len)));
		back = SUB(SUB(ex_bin(E_MIN, ex_var(len), ex_ix(s->time)), i64(1)), ex_ix(k));
	}
	if (s->both)
		back = ex_select(ex_bin(E_EQ, ex_ix(s->d), i64(0)), ex_ix(k), back);
	if (s->both || (len && s->reverse[s->dir]))
		s->at_time = ex_as_ix(ex_var(let(s, in, "t", back)), ix_int(0), ix_addc(s->time, -1));
	step(s, in);
	if (out_wanted(s->n, 0))
		store_y(s, in, s->at_time, h_value);
}

/* all of one direction, or of both */
static void direction(Cell *s, Stmt *b, Step *step, bool cell_out)
{
	s->at_batch = prog_for(s->p, b, s->batch, &b);
	start(s, b, s->h, s->h0);
	if (cell_out)
		start(s, b, s->c, s->c0);
	sequence(s, b, step);
	if (out_wanted(s->n, 1))
		finish(s, b, s->n->out[1], s->h);
	if (cell_out && out_wanted(s->n, 2))
		finish(s, b, s->n->out[2], s->c);
}

/* do both directions compute the same? Then threads can take one each */
static bool alike(const Cell *s)
{
	for (int i = 0; i < s->nact; i++) {
		const ActUse *a = &s->act[i], *b = &s->act[s->nact + i];
		if (a->act != b->act || a->alpha != b->alpha || a->beta != b->beta)
			return false;
	}
	return true;
}

static void recurrence(Cell *s, const char *name, Step *step, bool cell_out)
{
	Ix size = ix_mulc(s->hidden, s->ndir);
	Stmt *b;

	s->p = prog_begin(s->n, name);
	for (int o = 0; o < (cell_out ? 3 : 2); o++)
		if (out_wanted(s->n, o))
			prog_out(s->p, s->n->out[o]);
	s->h = prog_scratch(s->p, "h", s->dt, size);
	s->next = prog_scratch(s->p, "next", s->dt, size);
	if (s->gates > 1)
		s->c = prog_scratch(s->p, s->gates == 3 ? "z" : "c", s->dt, size);
	if (s->gates == 3)
		s->tmp = prog_scratch(s->p, "reset", s->dt, size);
	if (s->n->op == OP_Z_LSTM_REQUANTIZED)
		s->bytes = prog_scratch(s->p, "bytes", s->dt, size);
	s->both = s->ndir == 2 && alike(s);
	if (s->both) {
		s->d = prog_for(s->p, s->p->body, ix_int(2), &b);
		direction(s, b, step, cell_out);
	}
	for (; !s->both && s->dir < s->ndir; s->dir++) {
		s->d = ix_int(s->dir);
		direction(s, s->p->body, step, cell_out);
	}
	prog_end(s->p);
}

static const char *const lstm_acts[] = { "Sigmoid", "Tanh", "Tanh" };

void shape_lstm(Node *n)
{
	Cell s;

	if (cell_get(n, 4, 3, lstm_acts, &s))
		cell_shape(&s, 3);
}

void lower_lstm(Node *n)
{
	Cell s;

	if (!cell_get(n, 4, 3, lstm_acts, &s))
		return;
	input_share(&s, true);
	recurrence(&s, "lstm", lstm_step, true);
}

void shape_gru(Node *n)
{
	Cell s;

	if (cell_get(n, 3, 2, lstm_acts, &s))
		cell_shape(&s, 2);
}

void lower_gru(Node *n)
{
	Cell s;

	if (!cell_get(n, 3, 2, lstm_acts, &s))
		return;
	input_share(&s, attr_int(n, "linear_before_reset", 0) == 0);
	recurrence(&s, "gru", gru_step, false);
}

void shape_rnn(Node *n)
{
	Cell s;

	if (cell_get(n, 1, 1, lstm_acts + 1, &s))
		cell_shape(&s, 2);
}

void lower_rnn(Node *n)
{
	Cell s;

	if (!cell_get(n, 1, 1, lstm_acts + 1, &s))
		return;
	input_share(&s, true);
	recurrence(&s, "rnn", rnn_step, false);
}
