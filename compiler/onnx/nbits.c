/* MatMulNBits of com.microsoft: a product with the transpose of a constant [N, K] of 2, 4 or 8 bits, each block of which
 * along K has a scale and a zero point. It becomes DequantizeLinear, whose packed elements are the same bytes, Transpose
 * and MatMul. accuracy_level says what may be rounded, and nothing is.
 * GatherBlockQuantized: rows of such a matrix, which become Gather of its bytes, scales and zero points, and
 * DequantizeLinear. An index that is out of range ends the run, as Gather's does. */
#include "import.h"

#include <inttypes.h>

typedef struct NBits { int64_t n, k, bits, block, blocks; DType dt; } NBits;

static bool
nbits_of(Node *n, NBits *p)
{
	*p = (NBits){attr_int(n, "N", 0), attr_int(n, "K", 0), attr_int(n, "bits", 4), attr_int(n, "block_size", 0), 0, DT_U4};
	if (p->n < 1 || p->k < 1 || p->block < 8 || p->n > INT32_MAX || p->k > INT32_MAX || p->block > INT32_MAX) {
		node_error(n, "N, K and block_size must be given");
		return false;
	}
	p->dt = p->bits == 8 ? DT_U8 : p->bits == 2 ? DT_U2 : DT_U4;
	p->blocks = (p->k + p->block - 1) / p->block;
	if ((p->bits != 2 && p->bits != 4 && p->bits != 8) || p->block % 8 || (n->nin > 4 && n->in[4]))
		node_unsupported(n, "bits %" PRId64 ", block_size %" PRId64 "%s", p->bits, p->block, n->nin > 4 && n->in[4] ?
			", g_idx" : "");
	else if (!n->in[1] || !n->in[2] || !n->in[1]->data || n->in[1]->dt != DT_U8)
		node_unsupported(n, "a matrix that is no constant of bytes");
	else if (n->in[1]->data->n != (size_t)p->n * (size_t)p->blocks * (size_t)(p->block * p->bits / 8))
		node_error(n, "the matrix has %zu bytes", n->in[1]->data->n);
	else
		return true;
	return false;
}

/* [n, blocks], without the bits that fill up the last byte of a row */
static Value *
nbits_zeros(Node *n, const NBits *p)
{
	size_t row = (size_t)(p->blocks * p->bits + 7) / 8, count = (size_t)p->blocks, at;
	Value *z = n->nin > 3 ? n->in[3] : NULL;
	uint8_t *to = NEWN(uint8_t, (size_t)p->n * row + 1), x = (uint8_t)(1 << (p->bits - 1));
	size_t bits = (size_t)p->bits, per = 8 / bits;
	const uint8_t *from;

	if (z && (!z->data || z->dt != DT_U8 || z->data->n != (size_t)p->n * row)) {
		node_unsupported(n, "zero points that are no constant of %zu bytes", (size_t)p->n * row);
		return z;
	}
	from = z ? const_bytes(z->data) : NULL;
	for (size_t i = 0; z && i < (size_t)p->n * count; i++) {
		at = i % count;
		x = (uint8_t)(from[i / count * row + at / per] >> at % per * bits);
		to[i / per] |= (uint8_t)((x & ((1 << bits) - 1)) << i % per * bits);
	}
	return value_const(n->graph, p->dt, z ? 2 : 0, (int64_t[]){p->n, p->blocks}, z ? to : &x);
}

void
ex_mat_mul_n_bits(Node *n)
{
	Value *bias = n->nin > 5 ? n->in[5] : NULL, *zero, *b, *scale;
	NBits p;
	Node *d;

	if (!nbits_of(n, &p))
		return;
	zero = nbits_zeros(n, &p);
	b = value_tensor(n->graph, NULL, p.dt, 2, (Ix[]){ix_int(p.n), ix_int(p.blocks * p.block)});
	b->data = n->in[1]->data;        /* the same bytes */
	scale = insert(n, OP_RESHAPE, (Value *[]){n->in[2], value_ints(n->graph, (int64_t[]){p.n, p.blocks}, 2)}, 2)->out[0];
	d = insert(n, OP_DEQUANTIZE_LINEAR, (Value *[]){b, scale, zero}, 3);
	set_attr_int(d, "axis", 1);
	set_attr_int(d, "block_size", p.block);
	b = d->out[0];
	if (p.blocks * p.block != p.k)
		b = insert(n, OP_SLICE, (Value *[]){b, value_ints(n->graph, (int64_t[]){0}, 1), value_ints(n->graph, &p.k, 1),
			value_ints(n->graph, (int64_t[]){1}, 1)}, 4)->out[0];
	d = insert(n, OP_TRANSPOSE, &b, 1);
	n->op = OP_MAT_MUL;
	n->nattr = 0;
	node_set_in(n, 1, d->out[0]);
	for (int i = 2; i < n->nin; i++)
		node_set_in(n, i, NULL);
	node_resize_in(n, 2);
	if (bias)
		node_set_in(insert_after(n, 0, OP_ADD, 2), 1, bias);
}

/* bytes [n, k*bits/8] as the elements that they hold, and their zero points */
static bool
table_of(Node *n, NBits *p, Value **table, Value **zero)
{
	Value *t = n->in[0];
	int64_t bytes;

	p->bits = attr_int(n, "bits", 4);
	p->dt = p->bits == 8 ? DT_U8 : p->bits == 2 ? DT_U2 : DT_U4;
	if ((p->bits != 2 && p->bits != 4 && p->bits != 8) || !t->data || t->rank != 2
		|| !ix_isint(t->dim[0], &p->n) || !ix_isint(t->dim[1], &bytes)) {
		node_unsupported(n, "bits %" PRId64 ", data %s", p->bits, value_str(t));
		return false;
	}
	p->k = bytes * (8 / p->bits);
	p->blocks = (p->k + p->block - 1) / p->block;
	*zero = nbits_zeros(n, p);
	*table = value_tensor(n->graph, NULL, p->dt, 2, (Ix[]){ix_int(p->n), ix_int(p->k)});
	(*table)->data = t->data;        /* the same bytes */
	return true;
}

void
ex_gather_block_quantized(Node *n)
{
	Value *table = n->in[0], *at = n->in[1], *scale = n->in[2], *zero = n->nin > 3 ? n->in[3] : NULL;
	int r = rank_of(n, table), rat = rank_of(n, at);
	int64_t axis = attr_int(n, "quantize_axis", 1), gather = attr_int(n, "gather_axis", 0);
	NBits p = {.block = attr_int(n, "block_size", 128)};

	if (r < 0 || rat < 0 || !axis_ok(n, &axis, r) || !axis_ok(n, &gather, r))
		return;
	if (gather || !axis || p.block < 16 || p.block > INT32_MAX || (table->dt == DT_U8 && axis != r - 1)) {
		node_unsupported(n, "gather_axis %" PRId64 ", quantize_axis %" PRId64 ", block_size %" PRId64, gather, axis,
			p.block);
		return;
	}
	if (table->dt == DT_U8 && !table_of(n, &p, &table, &zero))
		return;
	if (zero && zero->rank)
		zero = two(n, OP_GATHER, zero, at);
	table = two(n, OP_GATHER, table, at);
	scale = two(n, OP_GATHER, scale, at);
	become(n, OP_DEQUANTIZE_LINEAR, (Value *[]){table, scale, zero}, zero ? 3 : 2);
	set_attr_int(n, "axis", axis + rat - 1);
	set_attr_int(n, "block_size", p.block);
}
