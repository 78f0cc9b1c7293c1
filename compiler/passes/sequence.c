/* Sequences and optionals: their operators give way to plain ones. See sequence.h.
 *
 * Part of shape inference, which calls dissolve() for every node it comes to: what the node reads is known,
 * nothing that follows is. */
#include "sequence.h"

#include <limits.h>

static At at_node(Node *n)
{
	return (At){ n->graph, n, n };
}

/* where what follows from the parts of v is made: once, ahead of loops that read it */
static At at_parts(At at, const Value *v)
{
	Node *d = v->def;

	return d->op == OP_Z_PACK ? (At){ d->graph, d->next, at.of } : at;
}

static Node *done(Node *n, Value *by)
{
	Node *next = n->next;

	if (!by)                 /* an error was reported */
		return next;
	if (n->out[0])
		value_replace(n->out[0], by);
	node_remove(n);
	return next;
}

/* ---- sequences in parts */

typedef struct Parts { Form f; Value *data, *shapes; } Parts;

static Parts parts(At at, Value *v, Form f)
{
	Value *p[MOST_PARTS];

	parts_of(at, v, f, p);
	return (Parts){ f, p[0], p[1] };
}

static Value *length(At at, Value *shapes)
{
	return make(at, OP_GATHER, 2, make(at, OP_SHAPE, 1, shapes), i64_at(at.g, 0));
}

/* elements of each item: [items] */
static Value *sizes(At at, Parts p)
{
	int64_t axis = 1, from = 1, to = 1 + MIXED_RANK;
	Attr keep = int_attr("keepdims", 0);
	Value *in[2] = { p.shapes, value_ints(at.g, &axis, 1) }, *s[4];

	if (p.f.rank == RANK_MIXED) {
		s[0] = p.shapes;
		s[1] = value_ints(at.g, &from, 1);
		s[2] = value_ints(at.g, &to, 1);
		s[3] = in[1];
		in[0] = make_with(at, OP_SLICE, NULL, 0, s, 4);
	}
	return make_with(at, OP_REDUCE_PROD, &keep, 1, in, 2);
}

/* where each item begins, and where the last ends: [items + 1] */
static Value *starts(At at, Parts p)
{
	int64_t zero = 0;
	Attr axis = int_attr("axis", 0);
	Value *v[2] = { value_ints(at.g, &zero, 1), NULL };

	v[1] = make(at, OP_CUM_SUM, 2, sizes(at, p), i64_at(at.g, 0));
	return make_with(at, OP_CONCAT, &axis, 1, v, 2);
}

static Value *start(At at, At home, Parts p, Value *pos)
{
	return p.f.rank == 0 ? pos : make(at, OP_GATHER, 2, starts(home, p), pos);
}

/* an index into a sequence, or, with `end`, between its items: i64 [], not negative */
static Value *position(At at, Value *pos, Value *shapes, bool end)
{
	Attr a = int_attr("end", end);
	Value *in[2] = { pos, length(at, shapes) };

	return make_with(at, OP_Z_POSITION, &a, 1, in, 2);
}

/* the position in a list of n, if it is known. What is known in a loop may be so in its first iteration
 * only, unless it is a constant */
static bool fixed(const Node *n, const Value *pos, int64_t len, bool end, int64_t *at)
{
	const Ix *e;
	int count;

	if (!const_int(pos, at) &&
		(in_loop(n->graph) || !known_ints(pos, &e, &count) || count != 1 || !ix_isint(e[0], at)))
		return false;
	if (*at < -len || *at >= len + end) {
		node_error(n, "position %lld in a sequence of %lld", (long long)*at, (long long)len);
		*at = 0;
		return len > 0;
	}
	*at += *at < 0 ? len : 0;
	return true;
}

/* ---- SequenceAt */

/* items of one static shape, as one tensor: then what is taken from it is static too */
static Value *stacked(At at, Value *const *item, int n)
{
	int64_t zero = 0;
	Attr axis = int_attr("axis", 0);
	Value *v[n + 1];

	for (int i = 0; i < n; i++)
		if (!value_same_shape(item[0], item[i]) || in_loop(item[i]->graph))
			return NULL;
	for (int i = 0; i < n; i++)
		v[i] = make(at, OP_UNSQUEEZE, 2, item[i], value_ints(at.g, &zero, 1));
	return make_with(at, OP_CONCAT, &axis, 1, v, n);
}

static Value *scalar(At at, Value *v)
{
	return v->rank ? make(at, OP_RESHAPE, 2, v, value_ints(at.g, NULL, 0)) : v;
}

static Value *at_index(At at, Value *seq, Value *pos)
{
	Parts p = parts(at, seq, form_of(seq));
	At home = at_parts(at, seq);
	Value *i;

	if (p.f.rank < 0) {
		node_unsupported(at.of, "an item whose number of dimensions only data decides");
		return NULL;
	}
	i = position(at, pos, p.shapes, false);
	return make(at, OP_Z_ITEM, 3, p.data, start(at, home, p, i), make(at, OP_GATHER, 2, p.shapes, i));
}

static Node *sequence_at(Node *n)
{
	Value *const *item, *s;
	int64_t i;
	int len;

	if (!list_of(n->in[0], &item, &len))
		return done(n, at_index(at_node(n), n->in[0], n->in[1]));
	if (fixed(n, n->in[1], len, false, &i))
		return done(n, item[i]);
	s = len ? stacked(at_node(n), item, len) : NULL;
	if (s)
		return done(n, make(at_node(n), OP_GATHER, 2, s, scalar(at_node(n), n->in[1])));
	return done(n, at_index(at_node(n), n->in[0], n->in[1]));
}

/* ---- SequenceInsert, SequenceErase */

static Node *list_insert(Node *n, Value *const *item, int len, int64_t i)
{
	Value *v[len + 1];

	for (int k = 0; k < len; k++)
		v[k + (k >= i)] = item[k];
	v[i] = n->in[1];
	return done(n, list_new(at_node(n), n->in[1]->dt, v, len + 1));
}

static Node *sequence_insert(Node *n)
{
	At at = at_node(n), home = at_parts(at, n->in[0]);
	Form f = form_join(n, form_of(n->in[0]),
		(Form){ .seq = true, .dt = n->in[1]->dt, .rank = n->in[1]->rank });
	Value *pos = in_opt(n, 2), *const *item, *to[2], *x, *row, *v[2];
	Attr axis = int_attr("axis", 0);
	int64_t i;
	int len;
	Parts p;

	if (list_of(n->in[0], &item, &len)) {
		i = len;
		if (!pos || fixed(n, pos, len, true, &i))
			return list_insert(n, item, len, i);
	}
	p = parts(at, n->in[0], f);
	x = flat(at, n->in[1]);
	row = row_of(at, n->in[1], f.rank);
	if (pos) {
		pos = position(at, pos, p.shapes, true);
		if (f.rank != form_of(n->in[0]).rank)
			home = at;
		to[0] = make(at, OP_Z_INSERT, 3, p.data, x, start(at, home, p, pos));
		to[1] = make(at, OP_Z_INSERT, 3, p.shapes, row, pos);
	} else {
		to[0] = make_with(at, OP_CONCAT, &axis, 1, (v[0] = p.data, v[1] = x, v), 2);
		to[1] = make_with(at, OP_CONCAT, &axis, 1, (v[0] = p.shapes, v[1] = row, v), 2);
	}
	return done(n, pack(at, f, to));
}

static Node *sequence_erase(Node *n)
{
	At at = at_node(n), home = at_parts(at, n->in[0]);
	Value *pos = in_opt(n, 1), *const *item, *to[2], *count, *i;
	int64_t k;
	int len;
	Parts p;

	if (!pos)
		pos = i64_at(n->graph, -1);
	if (list_of(n->in[0], &item, &len) && fixed(n, pos, len, false, &k)) {
		Value *v[len];
		for (int j = 0; j < len; j++)
			if (j != k)
				v[j - (j > k)] = item[j];
		return done(n, list_new(at, form_of(n->in[0]).dt, v, len - 1));
	}
	p = parts(at, n->in[0], form_of(n->in[0]));
	i = position(at, pos, p.shapes, false);
	count = make(at, OP_GATHER, 2, sizes(home, p), i);
	to[0] = make(at, OP_Z_ERASE, 3, p.data, start(at, home, p, i), count);
	to[1] = make(at, OP_Z_ERASE, 3, p.shapes, i, i64_at(n->graph, 1));
	return done(n, pack(at, p.f, to));
}

static Node *sequence_length(Node *n)
{
	Value *const *item;
	int len;

	if (list_of(n->in[0], &item, &len))
		return done(n, i64_at(n->graph, len));
	return done(n, length(at_node(n), parts(at_node(n), n->in[0], form_of(n->in[0])).shapes));
}

/* ---- ConcatFromSequence */

static Node *list_concat(Node *n, Value *const *item, int len, int64_t axis, bool fresh)
{
	At at = at_node(n);
	Attr a = int_attr("axis", axis);
	Value *v[len];

	for (int i = 0; i < len; i++)
		v[i] = fresh ? make(at, OP_UNSQUEEZE, 2, item[i], value_ints(n->graph, &axis, 1)) : item[i];
	return done(n, make_with(at, OP_CONCAT, &a, 1, v, len));
}

static Value *slice(At at, Value *v, int64_t from, int64_t to, int64_t axis)
{
	Value *in[4] = { v, value_ints(at.g, &from, 1), value_ints(at.g, &to, 1),
		value_ints(at.g, &axis, 1) };

	return make_with(at, OP_SLICE, NULL, 0, in, 4);
}

static Node *concat_from_sequence(Node *n)
{
	At at = at_node(n);
	Form f = form_of(n->in[0]);
	bool fresh = attr_int(n, "new_axis", 0);
	int64_t axis = attr_int(n, "axis", 0);
	Value *const *item, *row, *sum, *v[3];
	Attr ax = int_attr("axis", 1), a0 = int_attr("axis", 0), a;
	int len, rank = f.rank + fresh;
	Parts p;

	if (f.rank < 0) {
		node_unsupported(n, "items whose number of dimensions only data decides");
		return n->next;
	}
	if (!axis_ok(n, &axis, rank))
		return n->next;
	if (list_of(n->in[0], &item, &len))
		return list_concat(n, item, len, axis, fresh);
	p = parts(at, n->in[0], f);
	if (fresh) {
		v[0] = slice(at, p.shapes, 0, axis, 1);
		v[1] = rows_of(at, p.shapes, 1, 1);
		v[2] = slice(at, p.shapes, axis, f.rank, 1);
		p.shapes = make_with(at, OP_CONCAT, &ax, 1, v, 3);
	}
	row = make(at, OP_GATHER, 2, p.shapes, i64_at(n->graph, 0));
	a = int_attr("keepdims", 0);
	v[0] = slice(at, p.shapes, axis, axis + 1, 1);
	v[1] = value_ints(n->graph, (int64_t[]){ 0 }, 1);
	sum = make_with(at, OP_REDUCE_SUM, &a, 1, v, 2);
	v[0] = slice(at, row, 0, axis, 0);
	v[1] = sum;
	v[2] = slice(at, row, axis + 1, rank, 0);
	row = make_with(at, OP_CONCAT, &a0, 1, v, 3);
	a = int_attr("axis", axis);
	v[0] = p.data, v[1] = p.shapes, v[2] = row;
	return done(n, make_with(at, OP_Z_JOIN, &a, 1, v, 3));
}

/* ---- SplitToSequence */

/* how many pieces and how long, if that is static: a list */
static bool piece_sizes(Node *n, int64_t d, Value *split, int64_t **size, int *count)
{
	const int64_t *s = NULL;
	int64_t k = 0, each = 1, left = d;

	if (split && !const_ints(split, &s, &k))
		return false;
	if (split && split->rank == 1) {
		*size = copy_mem(s, sizeof *s * (size_t)k);
		*count = (int)k;
		return true;
	}
	if (split)
		each = k == 1 ? s[0] : 0;
	if (each < 1) {
		node_error(n, "pieces of %lld", (long long)each);
		return false;
	}
	each = each > d && d > 0 ? d : each;
	limit_check(LIM_NODES, (d + each - 1) / each, node_where(n));
	*count = (int)((d + each - 1) / each);
	*size = NEWN(int64_t, *count + 1);
	for (int i = 0; i < *count; i++, left -= each)
		(*size)[i] = left < each ? left : each;
	return true;
}

enum { MOST_LENGTHS = 256 };     /* each is a symbol, and all of them together a dim */

static Node *list_split(Node *n, Value *sizes, int count, int64_t axis, bool keep)
{
	At at = at_node(n);
	Node *s;
	Value *v[count + 1];

	if (!count)
		return done(n, list_new(at, n->in[0]->dt, NULL, 0));
	s = node_new(n->graph, n, OP_SPLIT, 2, count);
	s->id = n->id;
	s->name = n->name;
	node_add_attr(s, int_attr("axis", axis));
	node_set_in(s, 0, n->in[0]);
	node_set_in(s, 1, sizes);
	for (int i = 0; i < count; i++)
		node_set_out(s, i, value_new(n->graph, NULL));
	node_infer(s);
	for (int i = 0; i < count; i++)
		v[i] = keep ? s->out[i] : make(at, OP_SQUEEZE, 2, s->out[i], value_ints(n->graph, &axis, 1));
	return done(n, list_new(at, n->in[0]->dt, v, count));
}

/* a list of n dims as that many rows: count is [rows, 1] */
static Value *repeated(At at, Value *dims, int64_t n, Value *count)
{
	int64_t row[2] = { 1, n };

	return make(at, OP_EXPAND, 2, make(at, OP_RESHAPE, 2, dims, value_ints(at.g, row, 2)), count);
}

/* pieces of a length that only data decides, or as many as a dim that is open */
static Node *split_parts(Node *n, Value *split, int64_t axis, bool keep)
{
	At at = at_node(n);
	Value *x = n->in[0], *shape = make(at, OP_SHAPE, 1, x), *sizes, *from, *to[2], *v[3];
	Value *d = make(at, OP_GATHER, 2, shape, i64_at(n->graph, axis)), *each = i64_at(n->graph, 1);
	Value *count;
	Attr a = int_attr("axis", axis), a1 = int_attr("axis", 1);
	Form f = { .seq = true, .dt = x->dt, .rank = x->rank - !keep };
	int k = 0;

	if (split) {
		each = scalar(at, split);
		if (each->dt != DT_I64) {
			Attr to = int_attr("to", DT_I64);
			each = make_with(at, OP_CAST, &to, 1, &each, 1);
		}
	}
	from = make(at, OP_RANGE, 3, i64_at(n->graph, 0), d, each);
	sizes = make(at, OP_MIN, 2, each, make(at, OP_SUB, 2, d, from));
	to[0] = make_with(at, OP_Z_CUT, &a, 1, (Value *[]){ x, sizes }, 2);
	count = make(at, OP_SHAPE, 1, sizes);
	v[0] = count;
	v[1] = value_ints(n->graph, (int64_t[]){ 1 }, 1);
	a = int_attr("axis", 0);
	count = make_with(at, OP_CONCAT, &a, 1, v, 2);
	if (axis)
		v[k++] = repeated(at, slice(at, shape, 0, axis, 0), axis, count);
	if (keep)
		v[k++] = make(at, OP_UNSQUEEZE, 2, sizes, value_ints(n->graph, (int64_t[]){ 1 }, 1));
	if (axis + 1 < x->rank)
		v[k++] = repeated(at, slice(at, shape, axis + 1, x->rank, 0), x->rank - axis - 1, count);
	to[1] = k ? make_with(at, OP_CONCAT, &a1, 1, v, k) : rows_of(at, sizes, 0, 0);
	return done(n, pack(at, f, to));
}

static Node *split_to_sequence(Node *n)
{
	Value *split = in_opt(n, 1), *x = n->in[0];
	bool keep = split || attr_int(n, "keepdims", 1);
	int64_t axis = attr_int(n, "axis", 0), d, *size, len;
	int count;

	if (!axis_ok(n, &axis, x->rank))
		return n->next;
	if (ix_isint(x->dim[axis], &d) && piece_sizes(n, d, split, &size, &count))
		return list_split(n, value_ints(n->graph, size, count), count, axis, keep);
	if (split && split->rank == 1) {
		if (!ix_isint(split->dim[0], &len)) {
			node_unsupported(n, "a list of lengths whose own length is not static");
			return n->next;
		}
		if (len > MOST_LENGTHS && !split->data) {
			node_unsupported(n, "%lld lengths that only data tells", (long long)len);
			return n->next;
		}
		limit_check(LIM_PORTS, len, node_where(n));
		return list_split(n, split, (int)len, axis, true);
	}
	return split_parts(n, split, axis, keep);
}

/* ---- the table */

static Node *canonical(Node *n)
{
	if (n->op == OP_OPTIONAL && n->nin && n->in[0] && n->in[0]->kind == V_OPT)
		node_unsupported(n, "an optional in an optional");
	else if (n->out[0])
		set_node_form(n->out[0]);
	return n->next;
}

static Node *unpack(Node *n)
{
	Value *part[MOST_PARTS];

	parts_of(at_node(n), n->in[0], form_attrs(n), part);
	for (int i = 0; i < n->nout; i++)
		value_replace(n->out[i], part[i]);
	return done(n, part[0]);
}

static Node *identity(Node *n)
{
	return done(n, n->in[0]);
}

static Node *has_element(Node *n)
{
	if (!n->nin || !n->in[0])
		return done(n, value_const(n->graph, DT_BOOL, 0, NULL, ""));
	return done(n, optional_has(at_node(n), n->in[0]));
}

static Node *get_element(Node *n)
{
	return done(n, optional_content(at_node(n), n->in[0]));
}

/* in: the kind of the first input, V_TENSOR: any; plain: the first of the inputs that are tensors */
static const struct { Op op; VKind in; int plain; Node *(*f)(Node *); } table[] = {
	{ OP_SEQUENCE_AT, V_SEQ, 1, sequence_at },
	{ OP_SEQUENCE_INSERT, V_SEQ, 1, sequence_insert },
	{ OP_SEQUENCE_ERASE, V_SEQ, 1, sequence_erase },
	{ OP_SEQUENCE_LENGTH, V_SEQ, 1, sequence_length },
	{ OP_CONCAT_FROM_SEQUENCE, V_SEQ, 1, concat_from_sequence },
	{ OP_SEQUENCE_MAP, V_SEQ, INT_MAX, open_map },
	{ OP_SPLIT_TO_SEQUENCE, V_TENSOR, 0, split_to_sequence },
	{ OP_SEQUENCE_CONSTRUCT, V_TENSOR, 0, canonical },
	{ OP_SEQUENCE_EMPTY, V_TENSOR, 0, canonical },
	{ OP_OPTIONAL, V_TENSOR, INT_MAX, canonical },
	{ OP_OPTIONAL_HAS_ELEMENT, V_TENSOR, INT_MAX, has_element },
	{ OP_OPTIONAL_GET_ELEMENT, V_TENSOR, INT_MAX, get_element },
	{ OP_Z_PACK, V_TENSOR, INT_MAX, canonical },
	{ OP_Z_UNPACK, V_TENSOR, INT_MAX, unpack },
};

static bool typed(const Node *n)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i] && n->in[i]->kind == V_TENSOR && (n->in[i]->dt == DT_NONE || n->in[i]->rank < 0))
			return false;
	return true;
}

static bool reads_compound(const Node *n)
{
	for (int i = 0; i < n->nin; i++)
		if (is_compound(n->in[i]))
			return true;
	return false;
}

Node *dissolve(Node *n)
{
	if (n->op == OP_RETURN)
		return NULL;
	if (!typed(n))           /* the reason was reported where it arose */
		return op_def[n->op].flags & OF_DISSOLVES ? n->next : NULL;
	for (int i = 0; i < LEN(table); i++) {
		if (table[i].op != n->op)
			continue;
		if (table[i].in != V_TENSOR && (n->in[0]->kind != table[i].in || !is_compound(n->in[0]))) {
			if (n->in[0]->kind == V_TENSOR)
				node_error(n, "its first input is a tensor, not a sequence");
			else
				node_unsupported(n, "a sequence of anything but tensors");
			return n->next;
		}
		for (int k = table[i].plain; k < n->nin; k++)
			if (n->in[k] && n->in[k]->kind != V_TENSOR) {
				node_error(n, "input %d is no tensor", k);
				return n->next;
			}
		return table[i].f(n);
	}
	if (!reads_compound(n) || n->op == OP_IF)
		return NULL;
	if (n->op == OP_IDENTITY)
		return identity(n);
	if (n->op == OP_LOOP)
		return open_loop(n);
	node_unsupported(n, "a sequence or optional as its input");
	return n->next;
}
