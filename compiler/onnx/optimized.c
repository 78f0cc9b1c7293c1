/* Operators of com.microsoft that are ONNX's under another name, with inputs or outputs in other places, or with the
 * channels innermost: tf2onnx, scikit-learn's exporter and ONNX Runtime's own optimiser write them.
 */
#include "import.h"
#include "../ops.h"

#define IN(...) ((Value *[]){__VA_ARGS__})

/* another name, where there is one */
void
ex_as_onnx(Node *n)
{
	static const struct { Op ms, op; } as[] = {
		{OP_MS_GATHER_ND, OP_GATHER_ND}, {OP_MS_NHWC_MAX_POOL, OP_MAX_POOL}, {OP_MS_PAD, OP_PAD},
		{OP_MS_Q_LINEAR_CONV, OP_Q_LINEAR_CONV}, {OP_MS_TRILU, OP_TRILU},
	};

	for (int i = 0; i < LEN(as); i++)
		if (as[i].ms == n->op) {
			n->op = as[i].op;
			return;
		}
}

/* as of operator set 16 */
void
ex_grid_sample(Node *n)
{
	n->op = OP_GRID_SAMPLE;
	upgrade(n, "GridSample", 16);
}

/* start, limit, and a step that need not be given */
void
ex_ms_range(Node *n)
{
	Value *step = in_opt(n, 2);

	n->op = OP_RANGE;
	node_resize_in(n, 3);
	node_set_in(n, 2, step ? step : scalar_like(n, n->in[0], 1));
}

/* the axis is a scalar */
void
ex_expand_dims(Node *n)
{
	int64_t flat = -1;

	n->op = OP_UNSQUEEZE;
	node_set_in(n, 1, insert(n, OP_RESHAPE, IN(n->in[1], value_ints(n->graph, &flat, 1)), 2)->out[0]);
}

/* in the order in which they come; without the places where they come first */
void
ex_unique(Node *n)
{
	Value *out[4] = {n->out[0], NULL, n->nout > 1 ? n->out[1] : NULL, n->nout > 2 ? n->out[2] : NULL};

	n->op = OP_UNIQUE;
	n->nout = n->nout > 1 ? n->nout + 1 : 1;
	n->out = copy_mem(out, sizeof out);
	for (int i = 0; i < n->nout; i++)
		if (out[i])
			node_set_out(n, i, out[i]);
	set_attr_int(n, "sorted", 0);
}

/* v with its last axis behind its first, or back */
static void
turn(Node *t, int r, bool back)
{
	int64_t *perm = NEWN(int64_t, r);

	for (int i = 1; i < r; i++)
		perm[i] = back ? i % (r - 1) + 1 : i == 1 ? r - 1 : i - 1;
	node_add_attr(t, (Attr){.name = "perm", .type = A_INTS, .n = r, .is = perm});
}

/* its channels are the last axis of input 0 and of output 0: they become axis 1 */
bool
channels_first(Node *n)
{
	int r = rank_of(n, n->in[0]);
	Node *t;

	if (r < 0)
		return false;
	if (r < 3) {
		node_error(n, "input %s: channels are expected behind two axes or more", value_str(n->in[0]));
		return false;
	}
	t = insert(n, OP_TRANSPOSE, IN(n->in[0]), 1);
	turn(t, r, false);
	node_set_in(n, 0, t->out[0]);
	turn(insert_after(n, 0, OP_TRANSPOSE, 1), r, true);
	return true;
}

void
ex_channels_last(Node *n)
{
	bool last = attr_int(n, "channels_last", n->op == OP_MS_NHWC_MAX_POOL) != 0;

	node_drop_attr(n, "channels_last");
	ex_as_onnx(n);
	if (last)
		channels_first(n);
}
