/* `zenithc MODEL -o OUT`, and its --verify: nothing is written that differs from the reference by more than
 * was promised. */
#include "cli.h"
#include "data/compare.h"
#include "dataset.h"

#include <inttypes.h>

typedef struct Pair { Exec *f, *t; } Pair;       /* the reference, -O0, and what was asked for */

static Exec *
build(const Cli *c, int opt, bool tap)
{
	Options o = c->o;

	o.opt = opt;
	o.tap = tap;
	o.dump.n = 0;
	o.verbose = 0;
	if (!opt)
		o.break_pass = NULL;
	return exec_build(c->model, &o);
}

/* the inputs of each comparison: a data set's, or one draw */
static Host **
inputs(const Cli *c, Pair p, const char *set, Host ***want)
{
	Host **in = set ? dataset_inputs(p.f, set) : NEWN(Host *, p.f->z->ninputs + 1);

	*want = exec_seeded(p.f, in, c->seed, false);
	return in;
}

/* the output of x with that name, or -1 */
static int
output_of(const Exec *x, const char *name)
{
	for (int i = 0; i < x->z->noutputs; i++)
		if (!strcmp(x->z->outputs[i].name, name))
			return i;
	return -1;
}

static bool
apart(const Pair *p, Host *const *got, Host *const *want, int t, double tol, Diff *d)
{
	int f = output_of(p->f, p->t->z->outputs[t].name);
	Tol how = {0, 0, tol, t < p->t->quantum.n && p->t->quantum.p[t]};

	*d = (Diff){0};
	if (f >= 0)
		host_compare(got[t], want[f], &how, d);
	return d->bad;
}

typedef struct Search { const Cli *c; const char *set; double tol; const char *found; } Search;

/* both again with every named value an output, and the first of them where they part, in the order of the
 * model */
static void
search(void *arg)
{
	Search *s = arg;
	Pair p = {build(s->c, 0, true), build(s->c, s->c->o.opt, true)};
	Model *m = compile_import(s->c->model, &s->c->o);
	Host **want, **in = inputs(s->c, p, s->set, &want), **got = exec_run(p.t, in);
	Map *at = map_new();
	Diff d;

	for (int i = p.t->z->noutputs - 1; i >= 0; i--)
		*map_at_str(at, p.t->z->outputs[i].name) = (void *)(intptr_t)(i + 1);
	for (const Node *n = m->main->first; n; n = n->next)
		for (int k = 0; k < n->nout; k++) {
			const char *name = n->out[k] ? n->out[k]->name : NULL;
			int i = name ? (int)(intptr_t)map_str(at, name) - 1 : -1;
			if (i >= 0 && apart(&p, got, want, i, s->tol, &d)) {
				s->found = fmt("the first layer that differs: %s, '%s'%s", node_where(n),
					quoted(name), d.worst);
				return;
			}
		}
}

static void
verify_set(const Cli *c, Pair p, const char *set, double tol)
{
	Host **want, **in = inputs(c, p, set, &want), **got = exec_run(p.t, in);
	Search s = {c, set, tol, NULL};
	VEC(const char *) bad = {0};
	Diff d;

	for (int i = 0; i < p.t->z->noutputs; i++)
		if (apart(&p, got, want, i, tol, &d))
			push(&bad,
				fmt("output '%s' is further from -O0 than the tolerance %g: %" PRId64
				    " of %" PRId64 " elements, worst %s",
					quoted(p.t->z->outputs[i].name), tol, d.bad, d.n, d.worst));
		else if (c->o.verbose)
			fprintf(stderr, "%s: largest difference %.3g, largest value %.6g\n",
				quoted(p.t->z->outputs[i].name), d.err, d.largest);
	exec_free(in, p.f->z->ninputs);
	exec_free(want, p.f->z->noutputs);
	exec_free(got, p.t->z->noutputs);
	if (!bad.n)
		return;
	session_try(search, &s);
	zn->status = EX_DIFFERS;
	for (int i = 0; i < bad.n; i++)
		error(NULL, "%s", bad.p[i]);
	error(NULL, "%s",
		s.found ? s.found
			: "no value between inputs and outputs differs when all of them are stored");
	raise_status(EX_DIFFERS);
}

static void
verify(const Cli *c)
{
	double tol = c->tolerance >= 0 ? c->tolerance : 1e-4;
	Pair p = {build(c, 0, false), build(c, c->o.opt, false)};
	Paths sets = {0};

	if (c->data)
		sets = dataset_list(c->data);
	else
		push(&sets, NULL);
	for (int i = 0; i < sets.n; i++)
		verify_set(c, p, sets.p[i], tol);
}

int
cli_compile(Cli *c)
{
	Program *p;
	Model *m;

	out_suffix(c->out);
	if (c->verify && !strcmp(c->model, "-"))
		fatal(EX_USE, NULL, "--verify reads the model more than once: it must be a file");
	if (c->verify)
		verify(c);
	m = compile_import(c->model, &c->o);
	compile_passes(m, &c->o);
	p = compile_lower(m, &c->o);
	stop_if_errors();
	compile_to_file(m, p, &c->o, c->out);
	return EX_DONE;
}
