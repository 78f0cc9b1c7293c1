/* Operators that sequences dissolve into (passes/sequence.h): data [elements], shapes [items, rank]. */
#include "stmts.h"
#include "../../runtime/zenith.h"

/* ---- Position(pos, length): an index from the end becomes one from the start. attribute end: length itself
 * is one too */

void shape_z_position(Node *n)
{
	set_out(n, 0, DT_I64, 0, NULL);
}

void lower_z_position(Node *n)
{
	Expr *p = ex_cast(DT_I64, te_scalar(n->in[0])), *len = te_scalar(n->in[1]), *bad;
	EOp over = attr_int(n, "end", 0) ? E_GT : E_GE;
	Prog *q = prog_begin(n, "check_position");

	bad = ex_bin(E_OR, ex_bin(over, p, len), ex_bin(E_LT, ex_bin(E_ADD, p, len), i64(0)));
	st_fail(q->body, q->kern, bad, ZENITH_BAD_INDEX);
	prog_end(q);
	te_begin(n->out[0]);
	te_end(n->out[0], ex_select(ex_bin(E_LT, p, i64(0)), ex_bin(E_ADD, p, len), p));
}

/* ---- Present(has, x): x, or the run fails */

void shape_z_present(Node *n)
{
	out_like(n, 0, n->in[1]);
}

void lower_z_present(Node *n)
{
	Prog *q = prog_begin(n, "check_present");
	Te *t;

	st_fail(q->body, q->kern, ex_un(E_NOT, te_scalar(n->in[0])), ZENITH_BAD_DATA);
	prog_end(q);
	t = te_begin(n->out[0]);
	te_end(n->out[0], te_read(n->in[1], t->axis, n->in[1]->rank));
}

/* ---- Insert(a, b, at): the rows of b ahead of row `at` of a */

static Ix index_of(Value *v, Ix most)
{
	return ex_as_ix(ex_cast(DT_I64, te_scalar(v)), ix_int(0), most);
}

void shape_z_insert(Node *n)
{
	Value *a = n->in[0], *b = n->in[1];
	Ix dim[2] = { ix_add(a->dim[0], b->dim[0]), a->rank > 1 ? a->dim[1] : NULL };

	set_out(n, 0, a->dt, a->rank, dim);
}

void lower_z_insert(Node *n)
{
	Value *a = n->in[0], *b = n->in[1];
	Te *t = te_begin(n->out[0]);
	Ix i = t->axis[0], at = index_of(n->in[2], a->dim[0]);
	Ix ix[2] = { NULL, a->rank > 1 ? t->axis[1] : NULL };
	Ix end = ix_add(at, b->dim[0]), cond[1];
	Expr *x, *y, *z;

	ix[0] = i;
	x = te_read(a, ix, a->rank);
	ix[0] = ix_sub(i, at);
	y = te_read(b, ix, b->rank);
	ix[0] = ix_sub(i, b->dim[0]);
	z = te_read(a, ix, a->rank);
	cond[0] = ix_addc(ix_sub(end, i), -1);
	y = ex_guard(cond, 1, y, z);
	cond[0] = ix_addc(ix_sub(at, i), -1);
	te_end(n->out[0], ex_guard(cond, 1, x, y));
}

/* ---- Erase(a, at, count): a without `count` rows from row `at` on */

void shape_z_erase(Node *n)
{
	Value *a = n->in[0];
	Ix gone = value_elem(n->in[2], 0, ix_int(0), a->dim[0]);
	Ix dim[2] = { ix_sub(a->dim[0], gone), a->rank > 1 ? a->dim[1] : NULL };

	set_out(n, 0, a->dt, a->rank, dim);
}

void lower_z_erase(Node *n)
{
	Value *a = n->in[0];
	Te *t = te_begin(n->out[0]);
	Ix at = index_of(n->in[1], a->dim[0]), ix[2] = { t->axis[0], a->rank > 1 ? t->axis[1] : NULL };
	Ix cond[1] = { ix_addc(ix_sub(at, ix[0]), -1) };
	Expr *x = te_read(a, ix, a->rank), *y;

	ix[0] = ix_add(ix[0], value_elem(n->in[2], 0, ix_int(0), a->dim[0]));
	y = te_read(a, ix, a->rank);
	te_end(n->out[0], ex_guard(cond, 1, x, y));
}

/* ---- Item(data, start, row): the item that begins there, of the dims in row */

void shape_z_item(Node *n)
{
	int rank = ints_len(n, n->in[2]);
	Ix dim[rank > 0 ? rank : 1];

	if (rank < 0)
		return;
	for (int i = 0; i < rank; i++)
		dim[i] = value_elem(n->in[2], i, ix_int(0), NULL);
	set_out(n, 0, n->in[0]->dt, rank, dim);
}

void lower_z_item(Node *n)
{
	Value *y = n->out[0], *x = n->in[0];
	Te *t = te_begin(y);
	Ix at = ix_add(index_of(n->in[1], ix_addc(x->dim[0], -1)), flat_at(t->axis, y->dim, y->rank));

	te_end(y, te_read(x, &at, 1));
}

/* ---- Join(data, shapes, row): items concatenated along an axis, to the dims in row; Cut(x, sizes): the
 * reverse. Both see the tensor as rows, [before the axis, axis and what follows] */

typedef struct Pieces {
	Ix pre, all, post;       /* elements before the axis, along it, after it */
	Var *off, *pos;          /* where the item begins in data; along the axis */
	Stmt *item;              /* runs for each */
	Ix i;                    /* its number */
} Pieces;

static Ix product(Value *row, int from, int to)
{
	Ix p = ix_int(1);

	for (int k = from; k < to; k++)
		p = ix_mul(p, value_elem(row, k, ix_int(0), NULL));
	return p;
}

static void begin_pieces(Prog *p, Pieces *s, Ix count)
{
	s->off = let_int(p, p->body, "begin", i64(0));
	s->pos = let_int(p, p->body, "along", i64(0));
	s->i = prog_for(p, p->body, count, &s->item);
}

/* a loop over the elements of an item of that length; where each lies: in data, and r from the item's begin
 * in row p of the tensor */
static Stmt *copy_piece(Prog *p, Pieces *s, Expr *len, Ix total, Ix *data, Ix *row, Ix *column)
{
	Var *rows = let_int(p, s->item, "width", ex_bin(E_MUL, len, ex_ix(s->post)));
	Ix width = ex_as_ix(ex_var(rows), ix_int(0), total), r;
	Stmt *b;

	*row = prog_for(p, s->item, s->pre, &b);
	r = prog_for(p, b, width, &b);
	*data = ix_add(ex_as_ix(ex_var(s->off), ix_int(0), total), ix_add(ix_mul(*row, width), r));
	*column = ix_add(ix_mul(ex_as_ix(ex_var(s->pos), ix_int(0), s->all), s->post), r);
	st_set(s->item, s->off, ex_bin(E_ADD, ex_var(s->off), ex_bin(E_MUL, ex_ix(s->pre), ex_var(rows))));
	st_set(s->item, s->pos, ex_bin(E_ADD, ex_var(s->pos), len));
	return b;
}

static Pieces join_pieces(Node *n)
{
	Value *row = n->in[2];
	int axis = (int)attr_int(n, "axis", 0), rank = ints_len(n, row);

	return (Pieces){ .pre = product(row, 0, axis), .all = product(row, axis, axis + 1),
		.post = product(row, axis + 1, rank) };
}

void shape_z_join(Node *n)
{
	int rank = ints_len(n, n->in[2]);
	Ix dim[rank > 0 ? rank : 1];

	for (int k = 0; k < rank; k++)
		dim[k] = product(n->in[2], k, k + 1);
	set_out(n, 0, n->in[0]->dt, rank, dim);
}

void lower_z_join(Node *n)
{
	Value *x = n->in[0], *shapes = n->in[1], *y = n->out[0];
	int axis = (int)attr_int(n, "axis", 0), rank = ints_len(n, n->in[2]);
	Prog *p = prog_begin(n, "concat_items");
	Pieces s = join_pieces(n);
	Ix at[2], to[rank], data, row, column;
	Expr *len = NULL;
	Stmt *b;

	prog_out(p, y);
	begin_pieces(p, &s, shapes->dim[0]);
	for (int k = 0; k < rank; k++) {
		Expr *d = te_read(shapes, (at[0] = s.i, at[1] = ix_int(k), at), 2);
		if (k == axis)
			len = ex_var(let_int(p, s.item, "length", d));
		else
			st_fail(s.item, p->kern, ex_bin(E_NE, d, ex_ix(product(n->in[2], k, k + 1))),
				ZENITH_BAD_SHAPE);
	}
	b = copy_piece(p, &s, len, x->dim[0], &data, &row, &column);
	for (int k = 0; k < rank; k++)
		to[k] = ix_int(0);
	to[rank - 1] = ix_add(ix_mul(row, ix_mul(s.all, s.post)), column);    /* flat */
	prog_store(p, b, y, to, te_read(x, &data, 1));
	prog_end(p);
}

void shape_z_cut(Node *n)
{
	Ix all = value_numel(n->in[0]);

	set_out(n, 0, n->in[0]->dt, 1, &all);
}

void lower_z_cut(Node *n)
{
	Value *x = n->in[0], *sizes = n->in[1], *y = n->out[0];
	int axis = (int)attr_int(n, "axis", 0);
	Prog *p = prog_begin(n, "split_items");
	Pieces s = { .pre = ix_prod(x->dim, axis), .all = x->dim[axis],
		.post = ix_prod(x->dim + axis + 1, x->rank - axis - 1) };
	Ix at, row, column, ix[x->rank];
	Expr *len;
	Stmt *b;

	prog_out(p, y);
	begin_pieces(p, &s, sizes->dim[0]);
	len = ex_var(let_int(p, s.item, "length", te_read(sizes, &s.i, 1)));
	b = copy_piece(p, &s, len, value_numel(x), &at, &row, &column);
	unflatten(row, x->dim, axis, ix);
	unflatten(column, x->dim + axis, x->rank - axis, ix + axis);
	prog_store(p, b, y, &at, te_read(x, ix, x->rank));
	prog_end(p);
}
