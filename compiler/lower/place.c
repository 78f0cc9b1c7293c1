/* Where stored values lie. A place is a region, an offset and a stride per axis; views share the region of
 * what they view. Offsets of regions in the workspace are decided later, by plan/. */
#include "lower.h"

enum { MAX_BOUND = 256 << 20 };   /* bytes reserved for what may turn out small; above, the heap region */

Mem *region_new(Lower *lo, Space space, const char *name, DType dt, Ix size)
{
	Mem *m = NEW(Mem);

	m->id = lo->prog->mem.n;
	m->space = space;
	m->name = name;
	m->dt = dt;
	m->size = size;
	m->packed = space != SP_WORK && space != SP_HEAP;
	push(&lo->prog->mem, m);
	return m;
}

static Ix with_margin(const Value *v, const Margin *g, int i)
{
	return g ? ix_addc(v->dim[i], g->before[i] + g->after[i]) : v->dim[i];
}

static Place *place_order(Value *v, Mem *m, const unsigned char *order, const Margin *g)
{
	Place *p = NEW(Place);
	Ix s = ix_int(1);

	p->mem = m;
	p->off = ix_int(0);
	p->order = order;
	p->margin = g;
	p->stride = NEWN(Ix, v->rank + 1);
	for (int k = v->rank - 1; k >= 0; k--) {
		int i = order ? order[k] : k;
		p->stride[i] = ix_is(with_margin(v, g, i), 1) ? ix_int(0) : s;
		p->off = g ? ix_add(p->off, ix_mulc(s, g->before[i])) : p->off;
		s = ix_mul(s, with_margin(v, g, i));
	}
	p->lead = p->off;
	p->contiguous = !order && !g;
	v->place = p;
	if (!m->value)
		m->value = v;
	return p;
}

Place *place_new(Lower *lo, Value *v, Mem *m)
{
	(void)lo;
	return place_order(v, m, NULL, NULL);
}

Place *place_laid(Lower *lo, Value *v, Mem *m)
{
	Info *in = lower_info(lo, v);

	return place_order(v, m, in->layout, in->margin);
}

Ix place_flat(const Place *p, const Ix *ix, int n)
{
	Ix at = ix_int(0);

	for (int i = 0; i < n; i++)
		at = ix_add(at, ix_mul(ix[i], p->stride[i]));
	return at;
}

Ix place_base(const Place *p)
{
	return p->lead ? ix_sub(p->off, p->lead) : p->off;
}

Ix place_index(const Place *p, const Ix *ix, int n)
{
	Ix at = place_flat(p, ix, n);

	return p->lead ? ix_add(p->lead, at) : at;
}

static const Data *permuted(const Value *v, const unsigned char *order)
{
	int64_t dim[PACK_MAX];
	PackLevel level[PACK_MAX];

	if (!order)
		return v->data;
	value_static(v, dim);
	for (int i = 0; i < v->rank; i++)
		level[i] = (PackLevel){ dim[order[i]], order[i], 1 };
	return const_pack(v->data, v->dt, v->rank, dim, v->rank, level);
}

/* equal data in equal order is one region */
static Mem *weight_region(Lower *lo, Value *v, const unsigned char *order)
{
	struct { const Data *data; unsigned char order[PACK_MAX]; uint64_t rank; } key = { .data = v->data };
	void **slot;
	Mem *m;

	for (int i = 0; order && i < v->rank; i++)
		key.order[key.rank++] = order[i];
	slot = map_at(lo->weight, &key, sizeof key);
	m = *slot;
	if (!m) {
		*slot = m = region_new(lo, SP_WEIGHT, "w", v->dt, value_numel(v));
		m->data = permuted(v, order);
		m->value = v;
	}
	return m;
}

Mem *weight_packed(Lower *lo, Value *v, int nlevel, const PackLevel *level)
{
	struct { const Data *data; PackLevel level[PACK_MAX]; } key;
	int64_t dim[PACK_MAX];
	void **slot;
	Mem *m;

	memset(&key, 0, sizeof key);
	key.data = v->data;
	for (int i = 0; i < nlevel; i++) {
		key.level[i].axis = level[i].axis;
		key.level[i].unit = level[i].unit;
		key.level[i].extent = level[i].extent;
	}
	slot = map_at(lo->weight, (const char *)&key, sizeof key);
	if (*slot)
		return *slot;
	for (int i = 0; i < v->rank; i++)
		if (!ix_isint(v->dim[i], &dim[i]))
			bug("constant %s has no constant dims", value_str(v));
	*slot = m = region_new(lo, SP_WEIGHT, "w", v->dt, ix_int(1));
	m->data = const_pack(v->data, v->dt, v->rank, dim, nlevel, level);
	m->size = ix_int((int64_t)m->data->n / dt_size(v->dt));
	m->value = v;
	return m;
}

/* symbols that are not known when the program starts */
static bool late_symbol(const IxAtom *a, void *arg)
{
	Lower *lo = arg;

	return a->kind == IX_EXPR || (a->kind == IX_SYM && !map_ptr(lo->entry_set, a));
}

Mem *region_sized(Lower *lo, const char *name, DType dt, Ix size)
{
	Ix top = ix_any(size, late_symbol, lo) ? ix_upper(size, late_symbol, lo) : size;

	if (top && top != size && ix_estimate(top) > (double)MAX_BOUND / dt_size(dt))
		top = NULL;
	return region_new(lo, top ? SP_WORK : SP_HEAP, name, dt, top ? top : size);
}

Mem *region_for(Lower *lo, Value *v)
{
	const Margin *g = lower_info(lo, v)->margin;
	Ix size = ix_int(1);

	for (int i = 0; i < v->rank; i++)
		size = ix_mul(size, with_margin(v, g, i));
	return region_sized(lo, v->hint ? v->hint : "t", v->dt, size);
}

/* ---- views */

static Expr *only_load(const Expr *e)
{
	return e->op == E_TLOAD ? (Expr *)e : NULL;
}

static bool reads_data(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_EXPR;
}

bool place_view(Lower *lo, Value *v)
{
	const Expr *e = v->te ? only_load(v->te->body) : NULL;
	Place *src, *p;
	Ix at, rest, c;

	if (!e || e->u.value->dt != v->dt)
		return false;
	src = place_of(lo, e->u.value);
	at = ix_add(src->off, place_flat(src, e->ix, e->nix));
	p = NEW(Place);
	p->mem = src->mem;
	p->stride = NEWN(Ix, v->rank + 1);
	for (int i = 0; i < v->rank; i++) {
		const IxAtom *a = ix_atom(v->te->axis[i]);
		p->stride[i] = ix_int(0);
		if (!a || a->kind != IX_VAR)
			continue;
		c = ix_coef(at, a, &rest);
		if (!c || ix_has(c, a))
			return false;
		for (int j = 0; j < v->rank; j++) {
			const IxAtom *b = ix_atom(v->te->axis[j]);
			if (b && b->kind == IX_VAR && ix_has(c, b))
				return false;
		}
		p->stride[i] = c;
		at = rest;
	}
	for (int i = 0; i < v->rank; i++) {
		const IxAtom *a = ix_atom(v->te->axis[i]);
		if (a && a->kind == IX_VAR && ix_has(at, a))
			return false;
	}
	if (ix_any(at, reads_data, NULL))
		return false;
	p->off = at;
	v->place = p;
	p->contiguous = true;
	at = ix_int(1);
	for (int i = v->rank - 1; i >= 0; i--) {
		p->contiguous &= ix_is(v->dim[i], 1) || p->stride[i] == at;
		at = ix_mul(at, v->dim[i]);
	}
	return true;
}

Place *place_of(Lower *lo, Value *v)
{
	const unsigned char *order;
	Mem *m;

	if (v->place)
		return v->place;
	if (v->data) {
		order = lo->opt->opt > 0 ? lower_info(lo, v)->layout : NULL;
		return place_order(v, weight_region(lo, v, order), order, NULL);
	}
	if (!v->def && v->graph == lo->model->main) {
		m = region_new(lo, SP_IN, v->name ? v->name : "x", v->dt, value_numel(v));
		m->index = v->index;
		return place_new(lo, v, m);
	}
	bug("%s is read before it is computed", value_str(v));
}
