/* Constants of the graph: making them, reading them on the host, and integers that are known while
 * compiling.
 */
#include "graph.h"

enum { KNOWN_MAX = 64 };

static const Data *
data_new(const void *p, size_t n)
{
	Data *d = NEW(Data);

	*d = (Data){.p = p, .n = n};
	return d;
}

Value *
value_const(Graph *g, DType dt, int rank, const int64_t *dim, const void *bytes)
{
	Ix *d = NEWN(Ix, rank);
	int64_t n = 1;
	size_t size;
	Value *v;

	for (int i = 0; i < rank; i++) {
		d[i] = ix_int(dim[i]);
		if (dim[i] < 0 || !mul_ok(n, dim[i], &n))
			fatal(EX_LIMIT, NULL, "a constant has too many elements");
	}
	if (!dt_bytes(dt, n, true, &size))
		fatal(EX_LIMIT, NULL, "a constant has too many elements");
	if (dt == DT_STR)
		size = sizeof(Str) * (size_t)n;
	v = value_tensor(g, NULL, dt, rank, d);
	v->data = data_new(copy_mem(bytes, size), size);
	return v;
}

Value *
value_ints(Graph *g, const int64_t *p, int n)
{
	return value_const(g, DT_I64, 1, (int64_t[]){n}, p);
}

Value *
value_float(Graph *g, DType dt, double x)
{
	uint64_t bits = dt_from_double(dt, x, true), mem[2] = {0};

	dt_put(dt, true, mem, 0, 1, &bits);
	return value_const(g, dt, 0, NULL, mem);
}

/* ---- constants in another order */

const Data *
const_pack(const Data *d, DType dt, int naxis, const int64_t *dim, int nlevel, const PackLevel *level)
{
	Pack *p = NEW(Pack);
	Data *r = NEW(Data);
	int64_t n = 1, src = 1;

	if (d->pack || dtype_info[dt].bits < 8 || dt == DT_STR || naxis > PACK_MAX || nlevel > PACK_MAX)
		bug("constant that cannot be packed");
	*p = (Pack){.size = dt_size(dt), .naxis = naxis, .nlevel = nlevel};
	for (int i = naxis - 1; i >= 0; i--) {
		p->dim[i] = dim[i];
		p->step[i] = src;
		src *= dim[i];
	}
	for (int i = 0; i < nlevel; i++) {
		p->level[i] = level[i];
		if (!mul_ok(n, level[i].extent, &n))
			fatal(EX_LIMIT, NULL, "a constant has too many elements");
	}
	if ((size_t)src * (size_t)p->size != d->n)
		bug("a constant of %zu bytes, packed as %lld elements", d->n, (long long)src);
	*r = (Data){.p = d->p, .n = (size_t)n * (size_t)p->size, .pack = p};
	return r;
}

/* the digits of element k */
static void
pack_digits(const Pack *p, int64_t k, int64_t *d)
{
	for (int i = p->nlevel - 1; i >= 0; i--) {
		d[i] = k % p->level[i].extent;
		k /= p->level[i].extent;
	}
}

/* the source's element, or -1 */
static int64_t
pack_source(const Pack *p, const int64_t *d)
{
	int64_t at[PACK_MAX] = {0}, k = 0;

	for (int i = 0; i < p->nlevel; i++)
		at[p->level[i].axis] += d[i] * p->level[i].unit;
	for (int i = 0; i < p->naxis; i++) {
		if (at[i] >= p->dim[i])
			return -1;
		k += at[i] * p->step[i];
	}
	return k;
}

void
const_read(const Data *s, size_t from, size_t n, void *to)
{
	const Pack *p = s->pack;
	int64_t d[PACK_MAX], k;
	size_t size = p ? (size_t)p->size : 1;
	char *q = to;

	if (!p) {
		memcpy(to, (const char *)s->p + from, n);
		return;
	}
	if (n)
		pack_digits(p, (int64_t)(from / size), d);
	for (size_t i = 0; i < n / size; i++, q += size) {
		k = pack_source(p, d);
		if (k < 0)
			memset(q, 0, size);
		else
			memcpy(q, (const char *)s->p + (size_t)k * size, size);
		for (int j = p->nlevel - 1; j >= 0 && ++d[j] == p->level[j].extent; j--)
			d[j] = 0;
	}
}

const void *
const_bytes(const Data *s)
{
	void *q;

	if (!s->pack)
		return s->p;
	q = alloc(s->n);
	const_read(s, 0, s->n, q);
	return q;
}

static bool
const_numel(const Value *v, int64_t *n)
{
	int64_t d;

	*n = 1;
	if (!v || !v->data || v->kind != V_TENSOR)
		return false;
	for (int i = 0; i < v->rank; i++) {
		if (!ix_isint(v->dim[i], &d))
			bug("constant %s", value_str(v));
		*n *= d;
	}
	return true;
}

static bool
integral(DType dt)
{
	return dt_int(dt) || dt == DT_BOOL || dt == DT_U4 || dt == DT_I4 || dt == DT_U2 || dt == DT_I2;
}

bool
const_ints(const Value *v, const int64_t **p, int64_t *n)
{
	uint64_t *q;

	if (!v || !v->data || !integral(v->dt) || !const_numel(v, n))
		return false;
	if ((v->dt == DT_I64 || v->dt == DT_U64) && !((uintptr_t)v->data->p % sizeof **p)) {
		*p = v->data->p;
		return true;
	}
	q = NEWN(uint64_t, *n);
	dt_get(v->dt, true, v->data->p, 0, *n, q);
	*p = (const int64_t *)q;
	return true;
}

bool
const_int(const Value *v, int64_t *x)
{
	uint64_t bits;
	int64_t n;

	if (!v || !v->data || !integral(v->dt) || !const_numel(v, &n) || n != 1)
		return false;
	dt_get(v->dt, true, v->data->p, 0, 1, &bits);
	*x = (int64_t)bits;
	return true;
}

static bool
numeric(DType dt)
{
	return dt != DT_STR && dt != DT_NONE && dtype_info[dt].class != DC_C;
}

bool
const_floats(const Value *v, const double **p, int64_t *n)
{
	uint64_t bits[256];
	double *q;
	int64_t m;

	if (!v || !v->data || !numeric(v->dt) || !const_numel(v, n))
		return false;
	*p = q = NEWN(double, *n);
	for (int64_t i = 0; i < *n; i += m) {
		m = *n - i < LEN(bits) ? *n - i : LEN(bits);
		dt_get(v->dt, true, v->data->p, i, m, bits);
		for (int64_t j = 0; j < m; j++)
			q[i + j] = dt_to_double(v->dt, bits[j]);
	}
	return true;
}

bool
const_float(const Value *v, double *x)
{
	uint64_t bits[256], first = 0;
	int64_t n, m;

	if (!v || !v->data || !numeric(v->dt) || !const_numel(v, &n) || n < 1)
		return false;
	for (int64_t i = 0; i < n; i += m) {
		m = n - i < LEN(bits) ? n - i : LEN(bits);
		dt_get(v->dt, true, v->data->p, i, m, bits);
		if (!i)
			first = bits[0];
		for (int64_t j = 0; j < m; j++)
			if (bits[j] != first)
				return false;
	}
	*x = dt_to_double(v->dt, first);
	return true;
}

bool
known_ints(const Value *v, const Ix **p, int *n)
{
	int64_t m, d;
	const int64_t *q;
	Ix *x;

	if (!v || v->kind != V_TENSOR || v->rank < 0)
		return false;
	m = 1;
	for (int i = 0; i < v->rank; i++)
		if (!ix_isint(v->dim[i], &d) || !mul_ok(m, d, &m) || m > KNOWN_MAX)
			return false;
	if (!v->known && const_ints(v, &q, &m)) {
		x = NEWN(Ix, m);
		for (int i = 0; i < m; i++)
			x[i] = ix_int(q[i]);
		((Value *)v)->known = x;      /* a cache: constants do not change */
	}
	*p = v->known;
	*n = (int)m;
	return v->known;
}

void
sym_bind(Model *m, Ix sym, Value *from, int index)
{
	void **slot;

	if (from)
		from->decides = true;
	if (!m->bind_of)
		m->bind_of = map_new();
	slot = map_at_ptr(m->bind_of, sym);
	if (*slot) {
		m->bind.p[(uintptr_t)*slot - 1] = (struct Bind){sym, from, index};
		return;
	}
	push(&m->bind, ((struct Bind){sym, from, index}));
	*slot = (void *)(uintptr_t)m->bind.n;
}

bool
sym_own(const Node *n, Ix d)
{
	const Model *m = n->graph->model;
	const IxAtom *a = ix_atom(d);
	uintptr_t at = m->bind_of ? (uintptr_t)map_ptr(m->bind_of, d) : 0;
	const Value *from = at ? m->bind.p[at - 1].from : NULL;

	return a && a->kind == IX_SYM && !a->name && (!from || (from->def == n && from->index < 0));
}

/* v->known once every element of a small value has been asked for */
static void
note_known(Value *v, Map *map)
{
	struct { Value *v; int64_t k; } key = {v, 0};
	int64_t n = 1, d;
	Ix *x;

	for (int i = 0; i < v->rank; i++)
		if (!ix_isint(v->dim[i], &d) || !mul_ok(n, d, &n) || n > KNOWN_MAX)
			return;
	x = NEWN(Ix, n);
	for (key.k = 0; key.k < n; key.k++)
		if (!(x[key.k] = map_get(map, &key, sizeof key)))
			return;
	v->known = x;
}

static bool
clamped(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_SYM && a->hi && ix_is(a->hi, FAR);
}

bool
ix_clamped(Ix p)
{
	return ix_any(p, clamped, NULL);
}

Ix
value_elem(Value *v, int k, Ix lo, Ix hi)
{
	struct { Value *v; int64_t k; } key = {v, k};
	Model *m = v->graph->model;
	const Ix *known;
	void **slot;
	uint64_t bits;
	int64_t count;
	int n;

	if (!integral(v->dt) || k < 0 || (ix_isint(value_numel(v), &count) && k >= count))
		ill("element %d of %s", k, value_str(v));
	if (known_ints(v, &known, &n))
		return known[k];
	if (v->data) {
		dt_get(v->dt, true, v->data->p, k, 1, &bits);
		return ix_int((int64_t)bits);
	}
	if (!m->bind_of)
		m->bind_of = map_new();
	slot = map_at(m->bind_of, &key, sizeof key);
	if (!*slot) {
		Ix s = ix_sym(NULL, lo || hi ? lo : ix_int(-INT32_MAX), hi ? hi : ix_int(INT32_MAX));

		*slot = (void *)(uintptr_t)s;
		sym_bind(m, s, v, k);
		note_known(v, m->bind_of);
	}
	return *slot;
}
