/* Windows, Fourier transforms and mel filters. */
#include "window.h"
#include "stmts.h"
#include <math.h>

#define PI 3.14159265358979323846
#define ADD(a, b) ex_bin(E_ADD, a, b)
#define SUB(a, b) ex_bin(E_SUB, a, b)
#define MUL(a, b) ex_bin(E_MUL, a, b)
#define DIV(a, b) ex_bin(E_DIV, a, b)

static Expr *f64(double v)
{
	return ex_float(DT_F64, v);
}

static Expr *ix64(Ix i)
{
	return ex_cast(DT_F64, ex_ix(i));
}

void shape_window(Node *n)
{
	int64_t dt = attr_int(n, "output_datatype", DT_F32);
	Ix dim = value_elem(n->in[0], 0, ix_int(0), NULL);

	if (!dt_valid(dt) || (!dt_float((DType)dt) && !dt_int((DType)dt)))
		node_unsupported(n, "output_datatype %lld", (long long)dt);
	else
		set_out(n, 0, (DType)dt, 1, &dim);
}

/* the sum over k of coef[k] * cos(2*pi*k*i / period) */
static void cosines(Node *n, const double *coef, int count)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);
	Ix period = attr_int(n, "periodic", 1) ? y->dim[0] : ix_addc(y->dim[0], -1);
	Expr *x = DIV(MUL(ix64(t->axis[0]), f64(2 * PI)), ix64(period)), *e = f64(coef[0]);

	for (int k = 1; k < count; k++)
		e = ADD(e, MUL(f64(coef[k]), ex_un(E_COS, MUL(x, f64(k)))));
	te_end(y, ex_cast(y->dt, e));
}

void lower_hann_window(Node *n)
{
	cosines(n, (const double[]){ 0.5, -0.5 }, 2);
}

void lower_hamming_window(Node *n)
{
	cosines(n, (const double[]){ 25.0 / 46, -21.0 / 46 }, 2);
}

void lower_blackman_window(Node *n)
{
	cosines(n, (const double[]){ 0.42, -0.5, 0.08 }, 3);
}

/* table[k] = (cos, sin) of 2*pi*k/n, in the dtype of the sums */
static Value *twiddles(Node *n, DType dt, Ix len)
{
	Ix dim[2] = { len, ix_int(2) };
	Value *v = te_temp(n, "twiddle", dt, 2, dim);
	Te *t = te_begin(v);
	Expr *x = DIV(MUL(ix64(t->axis[0]), f64(2 * PI)), ix64(len));

	x = ex_select(ex_bin(E_EQ, ex_ix(t->axis[1]), i64(0)), ex_un(E_COS, x), ex_un(E_SIN, x));
	te_end(v, ex_cast(dt, x));
	return v;
}

/* part (0 real, 1 imaginary) of (re + i*im) * exp(-+ 2*pi*i * k/n), k taken modulo n */
static Expr *turn(Value *tw, Expr *re, Expr *im, Ix k, bool inverse, Ix part)
{
	Ix at[2] = { ix_mod(k, tw->dim[0]), ix_int(0) };
	Expr *c = te_read(tw, at, 2), *s, *r, *i;

	at[1] = ix_int(1);
	s = te_read(tw, at, 2);
	if (inverse)
		s = ex_un(E_NEG, s);
	r = im ? ADD(MUL(re, c), MUL(im, s)) : MUL(re, c);
	i = im ? SUB(MUL(im, c), MUL(re, s)) : ex_un(E_NEG, MUL(re, s));
	if (ix_is(part, 0))
		return r;
	return ex_select(ex_bin(E_EQ, ex_ix(part), i64(0)), r, i);
}

/* DFT: x [..., signal, ..., 1 or 2], length and axis as inputs */
/* flag[i]: 1 where axis i is the one (ops.h) */
typedef struct Dft { bool inverse, onesided, complex; Ix flag[WMAX], len, in; } Dft;

static bool dft_get(Node *n, Dft *d)
{
	Value *x = n->in[0], *len = in_opt(n, 1), *axis = in_opt(n, 2);
	int64_t a = -2, last;
	int one = 1;

	if (x->rank < 2 || x->rank > WMAX || !ix_isint(x->dim[x->rank - 1], &last) || last < 1 || last > 2) {
		node_error(n, "input %s", value_str(x));
		return false;
	}
	*d = (Dft){ .inverse = attr_int(n, "inverse", 0) != 0, .onesided = attr_int(n, "onesided", 0) != 0,
		.complex = last == 2, .in = ix_int(0) };
	if (axis && !const_int(axis, &a)) {
		if (!axes_flags(n, axis, NULL, x->rank, d->flag, &one))
			return false;
	} else if (axis_ok(n, &a, x->rank)) {
		for (int i = 0; i < x->rank; i++)
			d->flag[i] = ix_int(i == a);
	} else {
		return false;
	}
	for (int i = 0; i < x->rank; i++)
		d->in = ix_add(d->in, ix_mul(d->flag[i], x->dim[i]));
	if (len)
		d->len = value_elem(len, 0, ix_int(1), NULL);
	else
		d->len = d->inverse && d->onesided ? ix_mulc(ix_addc(d->in, -1), 2) : d->in;
	return true;
}

static Ix choose(Ix flag, Ix yes, Ix no)
{
	return ix_add(no, ix_mul(flag, ix_sub(yes, no)));
}

void shape_dft(Node *n)
{
	Value *x = n->in[0];
	Dft d;
	Ix dim[WMAX], len;

	if (!dft_get(n, &d))
		return;
	memcpy(dim, x->dim, sizeof(Ix) * (size_t)x->rank);
	len = d.onesided && !d.inverse ? ix_addc(ix_div(d.len, ix_int(2)), 1) : d.len;
	for (int i = 0; i < x->rank - 1; i++)
		dim[i] = choose(d.flag[i], len, dim[i]);
	dim[x->rank - 1] = ix_int(d.onesided && d.inverse ? 1 : 2);
	set_out(n, 0, x->dt, x->rank, dim);
}

void lower_dft(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *tw;
	DType dt = acc_dtype(x->dt);
	Dft d;
	Ix at[WMAX], red[1], k, used, half, turns = ix_int(0);
	int nred = 0, last = x->rank - 1;
	Te *t;
	Expr *re, *im = NULL, *e, *twice;

	if (!dft_get(n, &d))
		return;
	tw = twiddles(n, dt, d.len);
	t = te_begin(y);
	memcpy(at, t->axis, sizeof(Ix) * (size_t)x->rank);
	half = ix_addc(ix_div(d.len, ix_int(2)), 1);
	used = ix_min(d.in, d.inverse && d.onesided ? half : d.len);
	k = red_var(n, used, red, &nred);
	for (int i = 0; i < last; i++) {
		turns = ix_add(turns, ix_mul(d.flag[i], t->axis[i]));
		at[i] = choose(d.flag[i], k, t->axis[i]);
	}
	at[last] = ix_int(0);
	re = ex_cast(dt, te_read(x, at, x->rank));
	at[last] = ix_int(1);
	if (d.complex)
		im = ex_cast(dt, te_read(x, at, x->rank));
	e = turn(tw, re, im, ix_mul(k, turns), d.inverse, t->axis[last]);
	if (d.inverse && d.onesided) {   /* the other half is the conjugate: all but its ends count twice */
		twice = ex_bin(E_OR, ex_bin(E_EQ, ex_ix(k), i64(0)),
			ex_bin(E_EQ, ex_ix(ix_mulc(k, 2)), ex_ix(d.len)));
		e = MUL(e, ex_select(twice, ex_float(dt, 1), ex_float(dt, 2)));
	}
	e = red_sum(red, nred, e);
	if (d.inverse)
		e = DIV(e, ex_cast(dt, ex_ix(d.len)));
	te_end(y, ex_cast(y->dt, e));
}

/* STFT: signal [B, L, 1 or 2], step, window [n], length */
typedef struct Stft { Ix step, len; bool onesided, complex; Value *window; } Stft;

static bool stft_get(Node *n, Stft *s)
{
	Value *x = n->in[0], *len = in_opt(n, 3);
	int64_t last = 1;

	*s = (Stft){ .window = in_opt(n, 2), .onesided = attr_int(n, "onesided", 1) != 0 };
	if (x->rank < 2 || x->rank > 3 || (x->rank == 3 &&
		(!ix_isint(x->dim[2], &last) || last < 1 || last > 2))) {
		node_error(n, "signal %s", value_str(x));
		return false;
	}
	if (s->window && s->window->rank != 1) {
		node_error(n, "window %s", value_str(s->window));
		return false;
	}
	s->complex = last == 2;
	s->step = value_elem(n->in[1], 0, ix_int(1), NULL);
	if (len)
		s->len = value_elem(len, 0, ix_int(1), NULL);
	else
		s->len = s->window ? s->window->dim[0] : x->dim[1];
	return true;
}

void shape_stft(Node *n)
{
	Value *x = n->in[0];
	Stft s;

	if (!stft_get(n, &s))
		return;
	Ix frames = ix_addc(ix_div(ix_sub(x->dim[1], s.len), s.step), 1);
	Ix dim[4] = { x->dim[0], frames, s.onesided ? ix_addc(ix_div(s.len, ix_int(2)), 1) : s.len,
		ix_int(2) };
	set_out(n, 0, x->dt, 4, dim);
}

void lower_stft(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *tw;
	DType dt = acc_dtype(x->dt);
	Stft s;
	Ix at[3], red[1], k;
	int nred = 0;
	Te *t;
	Expr *re, *im = NULL, *w;

	if (!stft_get(n, &s))
		return;
	tw = twiddles(n, dt, s.len);
	t = te_begin(y);
	k = red_var(n, s.window ? ix_min(s.len, s.window->dim[0]) : s.len, red, &nred);
	memcpy(at, (Ix[3]){ t->axis[0], ix_add(ix_mul(t->axis[1], s.step), k), ix_int(0) }, sizeof at);
	w = s.window ? ex_cast(dt, te_read(s.window, &k, 1)) : ex_float(dt, 1);
	re = MUL(w, ex_cast(dt, te_read(x, at, x->rank)));
	at[2] = ix_int(1);
	if (s.complex)
		im = MUL(w, ex_cast(dt, te_read(x, at, x->rank)));
	te_end(y, ex_cast(y->dt, red_sum(red, nred,
		turn(tw, re, im, ix_mul(k, t->axis[2]), false, t->axis[3]))));
}

/* MelWeightMatrix: bins, transform length, sample rate, lowest and highest frequency */
void shape_mel_weight_matrix(Node *n)
{
	int64_t dt = attr_int(n, "output_datatype", DT_F32);
	Ix len = value_elem(n->in[1], 0, ix_int(0), NULL), dim[2];

	dim[0] = ix_addc(ix_div(len, ix_int(2)), 1);
	dim[1] = value_elem(n->in[0], 0, ix_int(0), NULL);
	if (!dt_valid(dt) || (!dt_float((DType)dt) && !dt_int((DType)dt)))
		node_unsupported(n, "output_datatype %lld", (long long)dt);
	else
		set_out(n, 0, (DType)dt, 2, dim);
}

static Expr *mel(Expr *hz)
{
	return MUL(ex_un(E_LOG1P, DIV(hz, f64(700))), f64(2595 / log(10)));
}

void lower_mel_weight_matrix(Node *n)
{
	Value *y = n->out[0], *edge;
	Ix dim = ix_addc(y->dim[1], 2), at;
	Te *t;
	Expr *low, *step, *hz, *e[3], *j, *rise, *fall, *zero = f64(0);

	edge = te_temp(n, "edge", DT_I64, 1, &dim);
	t = te_begin(edge);
	low = mel(ex_cast(DT_F64, te_scalar(n->in[3])));
	step = DIV(SUB(mel(ex_cast(DT_F64, te_scalar(n->in[4]))), low), ix64(dim));
	hz = MUL(f64(700), ex_un(E_EXPM1, MUL(ADD(MUL(ix64(t->axis[0]), step), low), f64(log(10) / 2595))));
	hz = MUL(hz, ADD(ex_cast(DT_F64, te_scalar(n->in[1])), f64(1)));
	te_end(edge, ex_cast(DT_I64, ex_un(E_FLOOR, DIV(hz, ex_cast(DT_F64, te_scalar(n->in[2]))))));
	t = te_begin(y);
	for (int i = 0; i < 3; i++) {
		at = ix_addc(t->axis[1], i);
		e[i] = te_read(edge, &at, 1);
	}
	j = ex_ix(t->axis[0]);
	rise = DIV(ex_cast(DT_F64, SUB(j, e[0])), ex_cast(DT_F64, SUB(e[1], e[0])));
	rise = ex_select(ex_bin(E_AND, ex_bin(E_GE, j, e[0]), ex_bin(E_LE, j, e[1])), rise, zero);
	rise = ex_select(ex_bin(E_EQ, e[0], e[1]), ex_cast(DT_F64, ex_bin(E_EQ, j, e[1])), rise);
	fall = DIV(ex_cast(DT_F64, SUB(e[2], j)), ex_cast(DT_F64, SUB(e[2], e[1])));
	te_end(y, ex_cast(y->dt, ex_select(ex_bin(E_AND, ex_bin(E_GE, j, e[1]), ex_bin(E_LT, j, e[2])), fall,
		rise)));
}
