/* Operators of ai.onnx.preview: FlexAttention becomes the products and the Softmax that it is defined by, with the
 * graphs of its attributes between them.
 */
#include "import.h"

#include <math.h>

#define IN(...) ((Value *[]){__VA_ARGS__})

static Value *
one(Node *n, Op op, Value *v, const char *attr, int64_t value)
{
	Node *r = insert(n, op, &v, 1);

	if (attr)
		set_attr_int(r, attr, value);
	return r->out[0];
}

static Value *
joined(Node *n, Value *const *v, int count)
{
	Node *r = insert(n, OP_CONCAT, v, count);

	set_attr_int(r, "axis", 0);
	return r->out[0];
}

/* keys or values with a head for each of q's: contiguous heads of q share one */
static Value *
with_heads(Node *n, Value *q, Value *v)
{
	Value *batch, *heads, *rest, *all, *wide;
	int64_t axis = 2;

	if (q->rank == 4 && v->rank == 4 && ix_equal(q->dim[1], v->dim[1]))
		return v;
	batch = dims(n, v, 0, 1), heads = dims(n, v, 1, 2), rest = dims(n, v, 2, 4), all = dims(n, q, 1, 2);
	wide = two(n, OP_UNSQUEEZE, v, value_ints(n->graph, &axis, 1));
	wide = two(n, OP_EXPAND, wide, joined(n, IN(batch, heads, two(n, OP_DIV, all, heads), rest), 4));
	return two(n, OP_RESHAPE, wide, joined(n, IN(batch, all, rest), 3));
}

static Value *
score_scale(Node *n, Value *q)
{
	int64_t size;
	Value *v;

	if (attr_find(n, "scale"))
		return scalar_like(n, q, attr_float(n, "scale", 1));
	if (q->rank == 4 && ix_isint(q->dim[3], &size) && size > 0)
		return scalar_like(n, q, 1 / sqrt((double)size));
	v = one(n, OP_CAST, dims(n, q, 3, 4), "to", DT_F32);
	return one(n, OP_CAST, one(n, OP_RECIPROCAL, one(n, OP_SQRT, v, NULL, 0), NULL, 0), "to", q->dt);
}

/* v as the graph of the attribute changes it */
static Value *
modified(Node *n, Value *v, const char *name)
{
	Graph *g;

	if (!attr_find(n, name) || !(g = attr_graph(n, name)))
		return v;
	if (g->in.n != 1 || g->ret->nin != 1) {
		node_error(n, "attribute '%s' has %d inputs and %d outputs: one of each is expected", name, g->in.n,
			g->ret->nin);
		return v;
	}
	value_replace(g->in.p[0], v);
	graph_spill(g, n);
	return g->ret->in[0];
}

void
ex_flex_attention(Node *n)
{
	Value *q = n->in[0], *k = n->in[1], *v = n->in[2], *s;
	Node *t;
	DType dt, wide;

	for (int i = 0; i < 3; i++)
		if (rank_of(n, n->in[i]) != 4) {
			node_error(n, "input %s: a rank of 4 is expected", value_str(n->in[i]));
			return;
		}
	dt = q->dt;
	wide = (DType)attr_int(n, "softmax_precision", dt == DT_F64 ? DT_F64 : DT_F32);
	t = insert(n, OP_TRANSPOSE, IN(with_heads(n, q, k)), 1);
	node_add_attr(t, (Attr){.name = "perm", .type = A_INTS, .n = 4, .is = copy_mem((int64_t[]){0, 1, 3, 2}, 32)});
	s = two(n, OP_MAT_MUL, two(n, OP_MUL, q, score_scale(n, q)), t->out[0]);
	if (wide != dt)
		s = one(n, OP_CAST, s, "to", wide);
	s = modified(n, s, "score_mod");
	s = modified(n, one(n, OP_SOFTMAX, s, "axis", -1), "prob_mod");
	v = with_heads(n, q, v);
	if (wide != dt)
		v = one(n, OP_CAST, v, "to", wide);
	s = two(n, OP_MAT_MUL, s, v);
	n->op = OP_CAST;
	n->nattr = 0;
	node_resize_in(n, 1);
	node_set_in(n, 0, s);
	set_attr_int(n, "to", dt);
}
