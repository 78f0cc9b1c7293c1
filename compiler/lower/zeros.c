/* Zero points of constants leave the sums of products of integers, and unsigned constants become signed ones.
 *
 * requires: the expression of every unit, before fusion counts reads. maintains: units in order of computation, one
 * expression per unit; integer sums wrap, so that every one keeps its value. breaks: nothing.
 *
 *   sum (x - zx)*(w - zw) = sum (x - zx)*v - z * sum (x - zx)      v = w, z = zw for i8; v = w - 128, z = zw - 128 for u8
 *
 * w is a constant of bytes, v is one of i8, and the second sum, which is the same for all columns of w, a value of its
 * own. With it a product of bytes is what dot.c takes, whatever its types and zero points. Not at -O0. */
#include "contraction.h"
#include "factor.h"

enum { COLUMNS = 4 };            /* of w: fewer are not worth a value of sums */

typedef struct Zeros {
	Lower *lo;
	Unit *unit;              /* at hand */
	Map *as_signed;          /* Value -> of i8 */
	VEC(Unit *) all;
} Zeros;

/* a constant of bytes, less 128 */
static Value *signed_of(Zeros *z, Value *v)
{
	void **slot = map_at_ptr(z->as_signed, v);
	const uint8_t *from = const_bytes(v->data);
	int64_t dim[v->rank + 1];
	uint8_t *to;

	if (*slot)
		return *slot;
	to = NEWN(uint8_t, v->data->n + 1);
	for (size_t i = 0; i < v->data->n; i++)
		to[i] = from[i] ^ 0x80;
	value_static(v, dim);
	return *slot = value_const(v->graph, DT_I8, v->rank, dim, to);
}

/* ---- the sums of the other factor */

typedef struct Axes {
	const Contraction *c;
	Ix axis[2 * CONTRACTION_VARS], to[2 * CONTRACTION_VARS], red[CONTRACTION_VARS], dim[2 * CONTRACTION_VARS];
	int n;
} Axes;

static Ix new_axis(const IxAtom *a, void *arg)
{
	const Axes *x = arg;

	for (int i = 0; i < x->n; i++)
		if (ix_atom(x->axis[i]) == a)
			return x->to[i];
	for (int i = 0; i < x->c->k.n; i++)
		if (ix_atom(x->c->k.v[i]) == a)
			return x->red[i];
	return NULL;
}

/* axes of the unit's value on which the factor depends; false: it depends on something else */
static bool axes_of(Axes *x, const Te *te)
{
	const VarSet *set[2] = { &x->c->m, &x->c->batch };
	int n = 0;

	for (int i = 0; i < te->rank; i++) {
		if (ix_is(te->axis[i], 0) || !ex_has_var(x->c->a.e, ix_atom(te->axis[i])))
			continue;
		x->axis[x->n] = te->axis[i];
		x->dim[x->n++] = ix_atom(te->axis[i])->a;
	}
	for (int s = 0; s < 2; s++)
		for (int i = 0; i < set[s]->n; i++)
			n += ex_has_var(x->c->a.e, ix_atom(set[s]->v[i]));
	return n == x->n;
}

/* sum of x - zx, at the axes of the unit; NULL: not to be had */
static Expr *row_sums(Zeros *z, const Contraction *c)
{
	Axes x = { .c = c };
	Unit u = { .kind = U_TE, .node = z->unit->node }, *p;
	Te *te;

	if (!axes_of(&x, z->unit->out->te))
		return NULL;
	u.out = te_temp(u.node, "sums", DT_I32, x.n, x.dim);
	te = te_begin(u.out);
	memcpy(x.to, te->axis, sizeof(Ix) * (size_t)x.n);
	for (int i = 0; i < c->k.n; i++)
		x.red[i] = te_var(u.node, ix_atom(c->k.v[i])->a);
	te->body = ex_reduce(R_SUM, x.red, c->k.n, ex_subst_ix(c->a.e, new_axis, &x));
	p = copy_mem(&u, sizeof u);
	lower_info(z->lo, u.out)->unit = p;
	push(&lower_info(z->lo, u.out)->nodes, u.node);
	push(&z->all, p);
	return ex_tload(u.out, x.axis);
}

/* ---- the product */

static double columns_of(const Contraction *c)
{
	double n = 1;

	for (int i = 0; i < c->n.n; i++)
		n *= ix_estimate(ix_atom(c->n.v[i])->a);
	return n;
}

static bool is_bytes(DType dt)
{
	return dt == DT_I8 || dt == DT_U8;
}

/* b as the constant; false: neither is one, or there is nothing to do */
static bool constant_b(Contraction *c)
{
	int64_t dim[PACK_MAX];

	for (int side = 0; side < 2; side++) {
		const Factor *b = &c->b;
		if (b->load && b->load->u.value->data && b->load->nix <= PACK_MAX && !b->ncond &&
			value_static(b->load->u.value, dim) && is_bytes(b->dt) && c->a.load && is_bytes(c->a.dt))
			return (b->zero || b->dt == DT_U8) && columns_of(c) >= COLUMNS;
		contraction_swap(c);
	}
	return false;
}

static Expr *shift_product(const Expr *e, void *arg)
{
	Zeros *z = arg;
	Contraction c;
	Expr *zero, *b, *sums = NULL;
	Range r;

	if (!e->reduces)
		return (Expr *)e;
	if (e->op != E_REDUCE || e->dt != DT_I32)
		return NULL;
	if (!contraction_match(e, &c) || c.ncond || !constant_b(&c))
		return (Expr *)e;
	zero = c.b.zero ? c.b.zero : ex_int(DT_I32, 0);
	b = (Expr *)c.b.load;
	if (c.b.dt == DT_U8) {
		zero = ex_bin(E_SUB, zero, ex_int(DT_I32, 128));
		b = ex_tload(signed_of(z, b->u.value), b->ix);
	}
	r = ex_range(zero);
	if ((r.lo || r.hi) && !(sums = row_sums(z, &c)))
		return (Expr *)e;
	b = ex_reduce(R_SUM, e->ix, e->nix, ex_bin(E_MUL, c.a.e, ex_cast(DT_I32, b)));
	return sums ? ex_bin(E_SUB, b, ex_bin(E_MUL, zero, sums)) : b;
}

Unit **zeros_graph(Lower *lo, Unit **u, int *n)
{
	Zeros z = { .lo = lo, .as_signed = map_new() };

	for (int i = 0; i < *n; i++) {
		z.unit = u[i];
		if (u[i]->kind == U_TE && u[i]->out->te->body->reduces)
			u[i]->out->te->body = ex_subst(u[i]->out->te->body, shift_product, NULL, &z);
		push(&z.all, u[i]);
	}
	*n = z.all.n;
	return z.all.p;
}
