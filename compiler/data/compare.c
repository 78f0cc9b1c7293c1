/* Are two values the same? See compare.h. */
#include "compare.h"

#include <inttypes.h>
#include <math.h>

/* a number, or the two parts of a complex one */
static void
number_at(const Host *h, int64_t i, double v[2])
{
	DType part = h->dt == DT_C64 ? DT_F32 : h->dt == DT_C128 ? DT_F64 : DT_NONE;
	uint64_t b[2];

	v[1] = 0;
	if (!part) {
		v[0] = host_at(h, i);
		return;
	}
	dt_get(part, true, h->p, 2 * i, 2, b);
	v[0] = dt_to_double(part, b[0]);
	v[1] = dt_to_double(part, b[1]);
}

static bool
exact(DType dt)
{
	return dt_int(dt) || dtype_info[dt].class == DC_B || dtype_info[dt].class == DC_S
		|| (dtype_info[dt].class == DC_N && dt >= DT_U4 && dt != DT_F4E2M1 && dt != DT_F8E8M0);
}

static bool
narrow_int(DType dt)
{
	return dt == DT_I8 || dt == DT_U8 || dt == DT_I4 || dt == DT_U4 || dt == DT_I2 || dt == DT_U2
		|| dt == DT_I16 || dt == DT_U16;
}

static const char *
number_str(const double v[2], const Host *h)
{
	enum dclass c = dtype_info[h->dt].class;

	return c == DC_C ? fmt("%.9g%+.9gi", v[0], v[1]) : fmt("%.9g", v[0]);
}

static const char *
elem_str(const Host *h, int64_t i)
{
	double v[2];
	Str s;

	if (h->dt == DT_STR) {
		s = ((Str *)h->p)[i];
		return fmt("'%s'", quoted(fmt("%.*s", (int)s.n, s.n ? s.p : "")));
	}
	if (h->dt == DT_I64)
		return fmt("%" PRId64, (int64_t)host_bits(h, i));
	if (h->dt == DT_U64)
		return fmt("%" PRIu64, host_bits(h, i));
	number_at(h, i, v);
	return number_str(v, h);
}

static const char *
place(const Host *h, int64_t i)
{
	int64_t at[64];
	Buf b = {0};

	for (int k = h->rank - 1; k >= 0; k--) {
		at[k] = i % h->dim[k];
		i /= h->dim[k];
	}
	buf_add(&b, "[", 1);
	for (int k = 0; k < h->rank; k++)
		buf_fmt(&b, "%s%" PRId64, k ? "," : "", at[k]);
	buf_add(&b, "]", 1);
	return buf_str(&b);
}

static bool
same_str(const Host *g, const Host *w, int64_t i)
{
	Str a = ((Str *)g->p)[i], b = ((Str *)w->p)[i];

	return a.n == b.n && !(a.n && memcmp(a.p, b.p, a.n));
}

/* how far over its bound: <= 1 is right; infinite where NaN or infinities do not match */
static double
over(const double g[2], const double w[2], double bound, double *err)
{
	*err = 0;
	for (int k = 0; k < 2; k++) {
		if (isnan(g[k]) || isnan(w[k])) {
			if (isnan(g[k]) != isnan(w[k]))
				return INFINITY;
		} else if (isinf(g[k]) || isinf(w[k])) {
			if (g[k] != w[k])
				return INFINITY;
		} else
			*err = hypot(*err, g[k] - w[k]);
	}
	return *err == 0 ? 0 : bound > 0 ? *err / bound : INFINITY;
}

double
host_largest(const Host *h)
{
	double most = 0, v[2], a;

	if (h->kind != V_TENSOR || h->dt == DT_STR)
		return 0;
	for (int64_t i = 0; i < h->n; i++) {
		number_at(h, i, v);
		a = hypot(v[0], v[1]);
		if (isfinite(a) && a > most)
			most = a;
	}
	return most;
}

static void
tensors(const Host *g, const Host *w, const Tol *t, Diff *d)
{
	bool whole = exact(w->dt), quantum = t->max_error >= 0 && t->quantum && narrow_int(w->dt);
	double most = host_largest(w), gv[2], wv[2], err, o, bound;

	if (most > d->largest)
		d->largest = most;
	for (int64_t i = 0; i < w->n; i++) {
		err = 0;
		if (w->dt == DT_STR)
			o = same_str(g, w, i) ? 0 : INFINITY;
		else if (whole && !quantum && host_bits(g, i) == host_bits(w, i))
			o = 0;
		else {
			number_at(g, i, gv);
			number_at(w, i, wv);
			bound = quantum ? 1 : whole ? 0 : t->max_error >= 0 ? t->max_error * most
				: t->atol + t->rtol * hypot(wv[0], wv[1]);
			o = over(gv, wv, bound, &err);
			if (whole && !quantum)
				o = INFINITY;
		}
		d->n++;
		d->bad += o > 1;
		if (err > d->err)
			d->err = err;
		if (o > d->over) {
			d->over = o;
			d->worst = fmt("%s%s: got %s, want %s", d->path, place(w, i), elem_str(g, i),
				elem_str(w, i));
		}
	}
}

static void
mismatch(Diff *d, const char *got, const char *want)
{
	d->bad++;
	d->over = INFINITY;
	d->worst = fmt("%sgot %s, want %s", *d->path ? fmt("%s ", d->path) : "", got, want);
}

/* stands for [i] of a sequence of maps: the values of its maps, row by row */
static Host *
values_of_maps(const Host *seq, const Host *like)
{
	Host *r = host_tensor(like->dt, like->rank, like->dim);
	int64_t at = 0;
	uint64_t b;

	for (int64_t i = 0; i < seq->n; i++) {
		const Host *v = seq->elem[i]->kind == V_MAP ? seq->elem[i]->elem[1] : NULL;
		if (!v || v->kind != V_TENSOR || v->dt != like->dt || v->n > r->n - at)
			return NULL;
		for (int64_t k = 0; k < v->n; k++, at++) {
			b = host_bits(v, k);
			dt_put(r->dt, true, r->p, at, 1, &b);
		}
	}
	return at == r->n ? r : NULL;
}

static void
lists(const Host *g, const Host *w, const Tol *t, Diff *d)
{
	static const char *const part[] = {"keys", "values"};
	const char *path = d->path;

	if (g->n != w->n) {
		mismatch(d, host_str(g), host_str(w));
		return;
	}
	for (int64_t i = 0; i < g->n; i++) {
		d->path = w->kind == V_MAP ? fmt("%s.%s", path, part[i]) : fmt("%s[%" PRId64 "]", path, i);
		host_compare(g->elem[i], w->elem[i], t, d);
	}
	d->path = path;
}

void
host_compare(const Host *g, const Host *w, const Tol *t, Diff *d)
{
	if (!d->path)
		d->path = "";
	if (g->kind == V_OPT && w->kind != V_OPT && g->n)   /* test data does not always wrap what is there */
		g = g->elem[0];
	if (w->kind == V_OPT && g->kind != V_OPT && w->n)
		w = w->elem[0];
	if (g->kind == V_SEQ && w->kind == V_TENSOR && g->n && g->elem[0]->kind == V_MAP)
		g = values_of_maps(g, w) ? values_of_maps(g, w) : g;
	if (g->kind == V_TENSOR && w->kind == V_TENSOR)
		w = host_as((Host *)(uintptr_t)w, g->dt);
	if (g->kind != w->kind || (g->kind == V_TENSOR && (g->dt != w->dt || g->rank != w->rank
		|| memcmp(g->dim, w->dim, (size_t)g->rank * sizeof *g->dim))))
		mismatch(d, host_str(g), host_str(w));
	else if (g->kind == V_TENSOR)
		tensors(g, w, t, d);
	else
		lists(g, w, t, d);
}
