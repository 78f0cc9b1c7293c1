/* Sequences and optionals: their forms, and lists as parts. See sequence.h. */
#include "sequence.h"
#include <stdarg.h>

/* ---- nodes */

Value *make_with(At at, Op op, const Attr *attr, int nattr, Value *const *in, int nin)
{
	Node *n = node_new(at.g, at.before, op, nin, 1);

	n->id = at.of->id;
	n->name = at.of->name;
	for (int i = 0; i < nin; i++)
		node_set_in(n, i, in[i]);
	for (int i = 0; i < nattr; i++)
		node_add_attr(n, attr[i]);
	node_set_out(n, 0, value_new(at.g, NULL));
	if (!(op_def[op].flags & OF_DISSOLVES))
		node_infer(n);
	return n->out[0];
}

Value *make(At at, Op op, int nin, ...)
{
	Value *in[4];
	va_list ap;

	va_start(ap, nin);
	for (int i = 0; i < nin; i++)
		in[i] = va_arg(ap, Value *);
	va_end(ap);
	return make_with(at, op, NULL, 0, in, nin);
}

Value *flat(At at, Value *v)
{
	int64_t all = -1;

	return v->rank == 1 ? v : make(at, OP_RESHAPE, 2, v, value_ints(at.g, &all, 1));
}

static Value *concat(At at, Value *const *v, int n, int axis)
{
	Attr a = int_attr("axis", axis);

	return n == 1 ? v[0] : make_with(at, OP_CONCAT, &a, 1, v, n);
}

static Value *filled(Graph *g, int64_t rows, int64_t columns, int64_t with)
{
	int64_t dim[2] = { rows, columns }, x[MIXED_RANK + 2];

	for (int i = 0; i < LEN(x); i++)
		x[i] = with;
	return value_const(g, DT_I64, 2, dim, x);
}

static Value *no_data(Graph *g, DType dt)
{
	return value_const(g, dt, 1, (int64_t[]){ 0 }, "");
}

Value *rows_of(At at, Value *shapes, int64_t each, int columns)
{
	int64_t zero = 0, one = 1;
	Value *n[2] = { make(at, OP_GATHER, 2, make(at, OP_SHAPE, 1, shapes), value_ints(at.g, &zero, 1)),
		value_ints(at.g, &one, 1) };

	return make(at, OP_EXPAND, 2, filled(at.g, 1, columns, each), concat(at, n, 2, 0));
}

/* ---- forms */

static int columns(Form f)
{
	return f.rank == RANK_MIXED ? 1 + MIXED_RANK : f.rank < 0 ? 0 : f.rank;
}

Value *row_of(At at, Value *v, int rank)
{
	int64_t dim[2] = { 1, rank }, r = v->rank;
	Value *s, *part[3];

	if (rank == 0)
		return filled(at.g, 1, 0, 0);
	if (rank != RANK_MIXED)
		return make(at, OP_RESHAPE, 2, make(at, OP_SHAPE, 1, v), value_ints(at.g, dim, 2));
	dim[1] = v->rank;
	part[0] = filled(at.g, 1, 1, r);
	part[1] = filled(at.g, 1, MIXED_RANK - v->rank, 1);
	if (v->rank == 0)
		return concat(at, part, 2, 1);
	s = make(at, OP_RESHAPE, 2, make(at, OP_SHAPE, 1, v), value_ints(at.g, dim, 2));
	part[2] = part[1];
	part[1] = s;
	return concat(at, part, v->rank < MIXED_RANK ? 3 : 2, 1);
}

bool form_of_type(const Type *t, Form *f)
{
	*f = (Form){ .rank = RANK_MIXED };
	if (t && t->kind == V_OPT) {
		f->opt = true;
		t = t->elem;
	}
	if (t && t->kind == V_SEQ) {
		f->seq = true;
		t = t->elem;
	}
	if (!t || t->kind != V_TENSOR)
		return false;
	f->dt = t->dt;
	f->rank = t->rank < 0 ? RANK_MIXED : t->rank;
	return true;
}

bool is_compound(const Value *v)
{
	Type t;
	Form f;

	if (!v || v->kind == V_TENSOR || v->kind == V_MAP)
		return false;
	t = (Type){ .kind = v->kind, .dt = v->dt, .rank = v->rank, .elem = v->elem };
	return form_of_type(&t, &f);
}

Form form_attrs(const Node *n)
{
	return (Form){ attr_int(n, "opt", 0), attr_int(n, "seq", 0), (DType)attr_int(n, "dt", 0),
		(int)attr_int(n, "rank", 0) };
}

void add_form_attrs(Node *n, Form f)
{
	node_add_attr(n, int_attr("opt", f.opt));
	node_add_attr(n, int_attr("seq", f.seq));
	node_add_attr(n, int_attr("dt", f.dt));
	node_add_attr(n, int_attr("rank", f.rank));
}

/* of SequenceEmpty; DT_NONE: what is put in decides */
static DType empty_dtype(const Node *n)
{
	int64_t dt = attr_int(n, "dtype", DT_F32);

	if (!dt || dt_valid(dt))
		return (DType)dt;
	node_error(n, "attribute 'dtype' is %lld, which is no type", (long long)dt);
	return DT_NONE;
}

static Form node_form(const Node *n)
{
	const Attr *t;
	Form f = { 0 }, g;

	switch (n->op) {
	case OP_Z_PACK:
		return form_attrs(n);
	case OP_SEQUENCE_EMPTY:
		return (Form){ .seq = true, .dt = empty_dtype(n), .rank = RANK_NONE };
	case OP_OPTIONAL:
		if (n->nin && n->in[0]) {
			f = form_of(n->in[0]);
		} else if ((t = attr_find(n, "type")) && t->tp && form_of_type(t->tp, &g)) {
			f = g;
			f.rank = f.seq || f.rank < 0 ? RANK_NONE : f.rank;
		} else {
			node_unsupported(n, "an optional of this type");
		}
		f.opt = true;
		return f;
	case OP_SEQUENCE_CONSTRUCT:
		f = (Form){ .seq = true, .dt = n->in[0]->dt, .rank = n->in[0]->rank };
		for (int i = 1; i < n->nin; i++)
			f.rank = f.rank == n->in[i]->rank ? f.rank : RANK_MIXED;
		return f;
	default:
		bug("%s gives a sequence", node_where(n));
	}
}

Form form_of(const Value *v)
{
	if (v->kind == V_TENSOR)
		return (Form){ .dt = v->dt, .rank = v->rank };
	if (!v->def)
		bug("%s is not in parts", value_str(v));
	return node_form(v->def);
}

Form form_join(const Node *n, Form a, Form b)
{
	Form f = { a.opt || b.opt, a.seq, a.dt ? a.dt : b.dt,
		a.rank == RANK_NONE ? b.rank : a.rank };

	if (a.seq != b.seq || (a.dt && b.dt && a.dt != b.dt)) {
		node_error(n, "a value is a %s of %s here and a %s of %s there",
			a.seq ? "sequence" : "tensor", dt_name(a.dt), b.seq ? "sequence" : "tensor", dt_name(b.dt));
		return a;
	}
	if (b.rank != RANK_NONE && f.rank != b.rank) {
		if (!f.seq)
			node_unsupported(n, "an optional tensor that differs in rank");
		f.rank = RANK_MIXED;
	}
	return f;
}

int form_parts(Form f)
{
	return f.opt + (f.seq ? 2 : 1);
}

static Type *new_type(VKind kind, DType dt, int rank, Type *elem)
{
	Type t = { .kind = kind, .dt = dt, .rank = rank, .elem = elem };

	return copy_mem(&t, sizeof t);
}

void set_form(Value *v, Form f)
{
	Type *t = new_type(V_TENSOR, f.dt, f.rank < 0 ? -1 : f.rank, NULL);

	v->kind = f.opt ? V_OPT : V_SEQ;
	v->elem = f.opt && f.seq ? new_type(V_SEQ, DT_NONE, -1, t) : t;
}

void set_node_form(Value *v)
{
	set_form(v, node_form(v->def));
}

/* ---- making */

Value *pack(At at, Form f, Value *const *part)
{
	Value *v = make_with(at, OP_Z_PACK, NULL, 0, part, form_parts(f));

	add_form_attrs(v->def, f);
	set_form(v, f);
	return v;
}

bool list_of(const Value *v, Value *const **item, int *n)
{
	if (!v->def || (v->def->op != OP_SEQUENCE_CONSTRUCT && v->def->op != OP_SEQUENCE_EMPTY))
		return false;
	*item = v->def->in;
	*n = v->def->nin;
	return true;
}

Value *list_new(At at, DType dt, Value *const *item, int n)
{
	Attr a = int_attr("dtype", dt);
	Value *v = n ? make_with(at, OP_SEQUENCE_CONSTRUCT, NULL, 0, item, n)
		     : make_with(at, OP_SEQUENCE_EMPTY, &a, 1, NULL, 0);

	set_node_form(v);
	return v;
}

static void list_parts(At at, Value *const *item, int n, Form f, Value **part)
{
	Value *data[n + 1], *row[n + 1];

	if (!n) {
		part[0] = no_data(at.g, f.dt);
		part[1] = filled(at.g, 0, columns(f), 0);
		return;
	}
	for (int i = 0; i < n; i++) {
		if (f.rank == RANK_MIXED && item[i]->rank > MIXED_RANK)
			node_unsupported(at.of, "items of more than %d dimensions", MIXED_RANK);
		data[i] = flat(at, item[i]);
		row[i] = row_of(at, item[i], f.rank);
	}
	part[0] = concat(at, data, n, 0);
	part[1] = concat(at, row, n, 0);
}

/* parts of one form as those of a wider one */
static void widen(At at, Form from, Form to, Value **part)
{
	Value *c[3];

	if (from.rank == to.rank || !from.seq)
		return;
	if (from.rank == RANK_NONE) {
		list_parts(at, NULL, 0, to, part);
		return;
	}
	c[0] = rows_of(at, part[1], from.rank, 1);
	c[1] = part[1];
	c[2] = rows_of(at, part[1], 1, MIXED_RANK - from.rank);
	part[1] = concat(at, c, from.rank < MIXED_RANK ? 3 : 2, 1);
}

/* stands for what an optional does not have */
static void empty_parts(At at, Form f, Value **part)
{
	static const uint64_t zero[2];
	int64_t dim[MIXED_RANK + 1] = { 0 };

	if (f.seq)
		list_parts(at, NULL, 0, f, part);
	else
		part[0] = value_const(at.g, f.dt, f.rank < 0 ? 0 : f.rank, dim, zero);
}

static Value *truth(Graph *g, bool is)
{
	return value_const(g, DT_BOOL, 0, NULL, &(unsigned char){ is });
}

void parts_of(At at, Value *v, Form f, Value **part)
{
	const Node *d = v->def;
	Value *const *item;
	Form from = form_of(v);
	int n;

	if (f.opt && !from.opt) {
		*part++ = truth(at.g, true);
	} else if (f.opt && d->op == OP_OPTIONAL) {
		v = d->nin ? d->in[0] : NULL;
		*part++ = truth(at.g, v != NULL);
		f.opt = false;
		if (v)
			parts_of(at, v, f, part);
		else
			empty_parts(at, f, part);
		return;
	}
	if (v->kind == V_TENSOR) {
		*part = v;
	} else if (list_of(v, &item, &n)) {
		list_parts(at, item, n, f, part);
	} else {
		for (int i = 0; i < d->nin; i++)
			part[i] = d->in[i];
		widen(at, from, f, part + from.opt);
	}
}

Value *optional_has(At at, Value *v)
{
	if (v->kind != V_OPT)
		return truth(at.g, true);
	return v->def->op == OP_Z_PACK ? v->def->in[0] : truth(at.g, v->def->nin && v->def->in[0]);
}

Value *optional_content(At at, Value *v)
{
	Form f = form_of(v), in = f;
	Value *part[MOST_PARTS], *to[MOST_PARTS];

	if (v->kind != V_OPT)
		return v;
	if (v->def->op == OP_OPTIONAL && v->def->nin && v->def->in[0])
		return v->def->in[0];
	parts_of(at, v, f, part);
	in.opt = false;
	for (int i = 0; i < form_parts(in); i++)
		to[i] = make(at, OP_Z_PRESENT, 2, part[0], part[i + 1]);
	return f.seq ? pack(at, in, to) : to[0];
}
