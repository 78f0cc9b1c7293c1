/* A transposed convolution with constant weights becomes a convolution and an Interleave, so that it has the kernels of one.
 *
 * requires: shapes. maintains: shapes. With p = o + pads[i] = stride*q + r along each axis, y[o] is the sum over j of
 * x[q - j] * w[r + stride*j]: for all r together a convolution of stride 1 with as many times the channels, whose weights
 * are w, backwards. Interleave puts the phases r side by side and cuts the ends off; where all strides are 1 the convolution
 * is all there is.
 *
 * Not where the phases have different numbers of taps or the weights are not finite, since 0 times what is not finite is no
 * 0; nor for targets without vectors, whose memory is dear: the convolution's result is stored, too. */
#include "../../codegen/target.h"
#include "../ops/window.h"
#include "passes.h"

#include <math.h>

typedef struct Phases {
	Win win;
	int64_t group, taps[WMAX], size[WMAX];       /* of the convolution, of w */
	int64_t dim[2 + WMAX];                       /* of w */
	int64_t pads[2 * WMAX], crop[2 * WMAX];
	int64_t count;                               /* the product of the strides */
} Phases;

enum { MOST = 1 << 20 };         /* of a stride, dilation, size, padding: beyond it the node stays */

static bool axis_of(Phases *p, int i)
{
	const Win *w = &p->win;
	int64_t s = w->stride[i], d = w->dil[i], begin, end, more;
	int nd = w->n;
	Ix out;

	if (p->size[i] > MOST || s > MOST || d > MOST || (s > 1 && d > 1) || p->size[i] % s)
		return false;
	p->taps[i] = p->size[i] / s;
	more = (p->taps[i] - 1) * d;     /* the convolution's result is so much longer than x */
	out = ix_mulc(ix_addc(w->in[i], more), s);
	if (!ix_isint(w->pad0[i], &begin) || !ix_isint(ix_sub(ix_addc(out, -begin), w->out[i]), &end) ||
		begin < -MOST || begin > MOST || end < -MOST || end > MOST)
		return false;
	p->pads[i] = p->pads[nd + i] = more;
	if (p->count == 1) {
		p->pads[i] -= begin;
		p->pads[nd + i] -= end;
		return p->pads[i] >= 0 && p->pads[nd + i] >= 0;
	}
	more = end < 0 ? (s - 1 - end) / s : 0;
	p->pads[nd + i] += more;
	p->crop[i] = begin;
	p->crop[nd + i] = end + more * s;
	return begin >= 0;
}

static bool finite_floats(const Value *v)
{
	const double *x;
	int64_t n;

	if (!const_floats(v, &x, &n))
		return false;
	for (int64_t i = 0; i < n; i++)
		if (!isfinite(x[i]))
			return false;
	return n > 0;
}

static bool phases_get(Node *n, Phases *p)
{
	Value *w = n->in[1];

	*p = (Phases){ .count = 1 };
	if (!w->data || !dt_float(w->dt) || dtype_info[w->dt].bits < 8 || w->rank < 3 || w->rank > 2 + WMAX ||
		!value_static(w, p->dim) || !conv_transpose_get(n, &p->win, &p->group) || !finite_floats(w))
		return false;
	for (int i = 0; i < p->win.n; i++) {
		if (!mul_ok(p->count, p->win.stride[i], &p->count))
			return false;
		p->size[i] = p->dim[2 + i];
	}
	for (int i = 0; i < p->win.n; i++)
		if (!axis_of(p, i))
			return false;
	return true;
}

/* position `at` of a row-major array, by axis */
static void position(int64_t at, const int64_t *dim, int n, int64_t *ix)
{
	for (int i = n - 1; i >= 0; at /= dim[i--])
		ix[i] = at % dim[i];
}

/* [group, phase, channel of group, channels of x, taps...] out of w [group, channels of x, channel of group, size...] */
static Value *weights(const Phases *p, Value *w)
{
	int nd = p->win.n;
	int64_t per = p->dim[0] / p->group, out = p->dim[1], taps = 1, size = 1, dim[2 + WMAX], ix[WMAX], ph[WMAX], k, n;
	size_t e = dtype_info[w->dt].bits / 8;
	const char *from = w->data->p;
	char *to;
	Value *v;

	for (int i = 0; i < nd; i++) {
		taps *= dim[2 + i] = p->taps[i];
		size *= p->size[i];
	}
	dim[0] = p->group * p->count * out;
	dim[1] = per;
	n = dim[0] * per * taps;
	to = big_alloc((size_t)n * e + 1);
	for (int64_t at = 0; at < n; at++) {
		int64_t t = at % taps, c = at / taps % per, row = at / taps / per, m = row % out, g = row / out / p->count;
		position(t, p->taps, nd, ix);
		position(row / out % p->count, p->win.stride, nd, ph);
		k = 0;
		for (int i = 0; i < nd; i++)
			k = k * p->size[i] + ph[i] + p->win.stride[i] * (p->taps[i] - 1 - ix[i]);
		memcpy(to + (size_t)at * e, from + (size_t)(((g * per + c) * out + m) * size + k) * e, e);
	}
	v = value_const(w->graph, w->dt, 2 + nd, dim, to);
	big_free(to);
	return v;
}

/* b for each phase */
static Value *bias(const Phases *p, Value *b)
{
	int64_t out = p->dim[1], n = p->group * p->count * out;
	size_t e = dtype_info[b->dt].bits / 8;
	char *to = big_alloc((size_t)n * e + 1);
	Value *v;

	for (int64_t i = 0; i < n; i++)
		memcpy(to + (size_t)i * e, (const char *)b->data->p + (size_t)(i / out / p->count * out + i % out) * e, e);
	v = value_const(b->graph, b->dt, 1, &n, to);
	big_free(to);
	return v;
}

static void ints(Node *n, const char *name, const int64_t *x, int count)
{
	node_add_attr(n, (Attr){ .name = name, .type = A_INTS, .n = count, .is = copy_mem(x, sizeof *x * (size_t)count) });
}

/* the only reader of v, if it computes each element from one of v's */
static Node *pointwise(const Value *v)
{
	Node *u = value_nuses(v) == 1 && !value_is_output(v) ? v->uses->node : NULL;
	const OpDef *d = u ? &op_def[u->op] : NULL;

	return u && u->nin == 1 && u->nout == 1 && u->graph == v->graph && u->out[0]->dt == v->dt &&
		(d->flags & OF_ELEM || d->shape == shape_like_float || d->shape == shape_like_num) ? u : NULL;
}

/* what follows n element by element is computed before the phases are interleaved */
static void interleave(Node *n, Node *c, const Phases *p)
{
	Value *v = n->out[0], *x = c->out[0];
	Node *at = n, *u;

	node_set_out(n, 0, value_new(n->graph, NULL));
	while ((u = pointwise(v))) {
		v = u->out[0];
		node_set_in(u, 0, x);
		node_set_out(u, 0, x = value_new(n->graph, NULL));
		node_infer(u);
		at = u;
	}
	u = node_new(n->graph, at->next, OP_INTERLEAVE, 1, 1);
	u->name = n->name;
	u->id = n->id;
	node_set_in(u, 0, x);
	node_set_out(u, 0, v);
	node_add_attr(u, (Attr){ .name = "group", .type = A_INT, .i = p->group });
	ints(u, "strides", p->win.stride, p->win.n);
	ints(u, "pads", p->crop, 2 * p->win.n);
	node_infer(u);
}

static void replace(Node *n)
{
	Phases p;
	Node *c;
	Value *b = n->nin > 2 ? n->in[2] : NULL;

	if ((b && !finite_floats(b)) || !phases_get(n, &p))
		return;
	c = node_new(n->graph, n, OP_CONV, 3, 1);
	c->name = n->name;
	c->id = n->id;
	node_set_in(c, 0, n->in[0]);
	node_set_in(c, 1, weights(&p, n->in[1]));
	node_set_in(c, 2, b ? bias(&p, b) : NULL);
	node_set_out(c, 0, value_new(n->graph, NULL));
	node_add_attr(c, (Attr){ .name = "group", .type = A_INT, .i = p.group });
	ints(c, "pads", p.pads, 2 * p.win.n);
	ints(c, "dilations", p.win.dil, p.win.n);
	node_infer(c);
	if (p.count > 1)
		interleave(n, c, &p);
	else
		value_replace(n->out[0], c->out[0]);
	node_remove(n);
}

static void transposed_graph(Graph *g)
{
	Node *next;

	for (Node *n = g->first; n; n = next) {
		next = n->next;
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				transposed_graph(n->attr[i].g);
		if (n->op == OP_CONV_TRANSPOSE)
			replace(n);
	}
}

void pass_transposed(Model *m, const Options *o)
{
	if (target_has_vectors(o->target))
		transposed_graph(m->main);
}
