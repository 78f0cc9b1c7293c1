/* What the model says of its outputs and of the values between, compared with what inference made of them. Inference
 * wins: shapes that contradict it are a warning, since exporters leave wrong ones behind; so is the type of a value
 * between, but not that of an output, which callers rely on. Names of dims say nothing, and neither do dims of inputs
 * that --shape changed.
 *
 * requires: the main graph inferred. maintains: everything. */
#include "../graph.h"
#include "passes.h"

enum { MOST_WARNINGS = 4 };

typedef struct Check { bool shapes; int nwarning; } Check;

static bool contradicts(const struct Declared *d, const Value *v)
{
	int64_t n;

	if (d->rank >= 0 && d->rank != v->rank)
		return true;
	for (int i = 0; i < d->rank; i++)
		if (d->dim[i] >= 0 && ix_isint(v->dim[i], &n) && n != d->dim[i])
			return true;
	return false;
}

static const char *declared_str(const struct Declared *d)
{
	Buf b = { 0 };

	buf_fmt(&b, "%s[", d->dt ? dt_name(d->dt) : "");
	for (int i = 0; i < d->rank && i < 16; i++)
		buf_fmt(&b, "%s%s", i ? ", " : "", d->dim[i] < 0 ? "?" : fmt("%lld", (long long)d->dim[i]));
	buf_fmt(&b, d->rank < 0 || d->rank > 16 ? "...]" : "]");
	return buf_str(&b);
}

static void compare(Check *c, const struct Declared *d, const Value *v)
{
	bool type = d->dt && d->dt != v->dt;
	Value what = { .kind = V_TENSOR, .name = d->name, .dt = v->dt, .rank = v->rank, .dim = v->dim };
	const char *where = v->def ? node_where(v->def) : NULL;

	if (v->kind != V_TENSOR || v->rank < 0 || (!type && !(c->shapes && contradicts(d, v))))
		return;
	if (type && d->index >= 0)
		error(where, "the model says that output '%s' is %s, but it is %s", quoted(d->name), dt_name(d->dt),
			dt_name(v->dt));
	else if (c->nwarning++ < MOST_WARNINGS)
		warning(where, "makes %s where the model says %s", value_str(&what), declared_str(d));
}

void check_declared(Model *m, const Options *o)
{
	Check c = { .shapes = !o->import.shape.n };
	const struct Declared *d;
	Map *at = map_new();
	Graph *g = m->main;

	for (int i = 0; i < m->declared.n; i++)
		*map_at_str(at, m->declared.p[i].name) = &m->declared.p[i];
	for (int i = 0; i < m->declared.n; i++)
		if ((d = &m->declared.p[i])->index >= 0 && d->index < g->ret->nin && g->ret->in[d->index])
			compare(&c, d, g->ret->in[d->index]);
	for (Node *n = m->declared.n ? g->first : NULL; n; n = n->next)
		for (int i = 0; i < n->nout; i++)
			if (n->out[i] && n->out[i]->name && (d = map_str(at, n->out[i]->name)) && d->index < 0)
				compare(&c, d, n->out[i]);
	if (c.nwarning > MOST_WARNINGS)
		warning(NULL, "%d more values are not what the model says", c.nwarning - MOST_WARNINGS);
	m->declared.n = 0;
}
