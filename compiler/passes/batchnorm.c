/* Batch normalisation with constant parameters: into the weights of the convolution or product before it,
 * else one multiplication and one addition per channel.
 *
 * requires: shapes, newest operator forms. maintains: shapes. Factors are computed in double and rounded
 * once. */
#include "passes.h"
#include <math.h>

typedef struct Scale { int64_t n; double *k, *c; } Scale;     /* y = k[ch]*x + c[ch] */

static bool scale_of(const Node *n, Scale *s)
{
	const double *p[4];
	int64_t len;
	double eps = attr_float(n, "epsilon", 1e-5);

	if (attr_int(n, "training_mode", 0))
		return false;
	for (int i = 0; i < 4; i++) {
		if (!const_floats(n->in[i + 1], &p[i], &len) || (i && len != s->n))
			return false;
		s->n = len;
	}
	s->k = NEWN(double, s->n + 1);
	s->c = NEWN(double, s->n + 1);
	for (int64_t i = 0; i < s->n; i++) {
		s->k[i] = p[0][i] / sqrt(p[3][i] + eps);
		s->c[i] = p[1][i] - p[2][i] * s->k[i];
	}
	return true;
}

static Value *vector(Graph *g, const double *x, int64_t n, int rank, int axis)
{
	float *f = big_alloc((size_t)n * sizeof *f + 1);
	int64_t dim[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	Value *v;

	for (int64_t i = 0; i < n; i++)
		f[i] = (float)x[i];
	dim[axis] = n;
	v = value_const(g, DT_F32, rank, dim, f);
	big_free(f);
	return v;
}

/* weights with channel `axis` scaled; NULL if they are no f32 constant */
static Value *scaled_weights(Value *w, const Scale *s, int axis, int64_t group)
{
	int64_t dim[8], n = 1, inner = 1, per;
	const char *from;
	float x;
	float *to;
	Value *v;

	if (!w->data || w->dt != DT_F32 || w->rank > 8 || !value_static(w, dim))
		return NULL;
	for (int i = 0; i < w->rank; i++)
		n *= dim[i];
	for (int i = axis + 1; i < w->rank; i++)
		inner *= dim[i];
	per = dim[axis];
	if (per * group != s->n)
		return NULL;
	from = w->data->p;
	to = big_alloc((size_t)n * sizeof *to + 1);
	for (int64_t i = 0; i < n; i++) {
		int64_t ch = i / inner % per, g = group > 1 ? i / inner / per / (dim[0] / group) : 0;
		memcpy(&x, from + i * (int64_t)sizeof x, sizeof x);  /* where the file has it, aligned or
									not */
		to[i] = (float)((double)x * s->k[g * per + ch]);
	}
	v = value_const(w->graph, DT_F32, w->rank, dim, to);
	big_free(to);
	return v;
}

static bool into_conv(Node *bn, const Scale *s)
{
	Node *c = bn->in[0]->def, *n;
	bool transposed = c && c->op == OP_CONV_TRANSPOSE;
	const double *bias = NULL;
	int64_t len = 0;
	Value *w;
	double *b;

	if (!c || (c->op != OP_CONV && !transposed) || value_nuses(c->out[0]) != 1)
		return false;
	if (c->nin > 2 && c->in[2] && (!const_floats(c->in[2], &bias, &len) || len != s->n))
		return false;
	w = scaled_weights(c->in[1], s, transposed ? 1 : 0, transposed ? attr_int(c, "group", 1) : 1);
	if (!w)
		return false;
	b = NEWN(double, s->n + 1);
	for (int64_t i = 0; i < s->n; i++)
		b[i] = s->c[i] + (bias ? bias[i] * s->k[i] : 0);
	n = node_new(bn->graph, bn, c->op, 3, 1);
	n->name = c->name;
	n->id = c->id;
	for (int i = 0; i < c->nattr; i++)
		node_add_attr(n, c->attr[i]);
	node_set_in(n, 0, c->in[0]);
	node_set_in(n, 1, w);
	node_set_in(n, 2, vector(bn->graph, b, s->n, 1, 0));
	node_set_out(n, 0, value_new(bn->graph, NULL));
	node_infer(n);
	value_replace(bn->out[0], n->out[0]);
	return true;
}

static void into_affine(Node *bn, const Scale *s)
{
	int rank = bn->in[0]->rank;
	Value *k = vector(bn->graph, s->k, s->n, rank - 1, 0),
	      *c = vector(bn->graph, s->c, s->n, rank - 1, 0), *in[2] = { bn->in[0], k };
	Node *mul = node_simple(bn->graph, bn, OP_MUL, in, 2), *add;

	in[0] = mul->out[0];
	in[1] = c;
	add = node_simple(bn->graph, bn, OP_ADD, in, 2);
	mul->name = add->name = bn->name;
	mul->id = add->id = bn->id;
	value_replace(bn->out[0], add->out[0]);
}

static void batchnorm_graph(Graph *g)
{
	Node *next;
	Scale s;

	for (Node *n = g->first; n; n = next) {
		next = n->next;
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				batchnorm_graph(n->attr[i].g);
		if (n->op != OP_BATCH_NORMALIZATION || n->in[0]->dt != DT_F32 || n->in[0]->rank < 2 ||
			n->in[0]->rank > 8 || !scale_of(n, &s))
			continue;
		if (!into_conv(n, &s))
			into_affine(n, &s);
		node_remove(n);
	}
}

void pass_batchnorm(Model *m, const Options *o)
{
	(void)o;
	batchnorm_graph(m->main);
}
