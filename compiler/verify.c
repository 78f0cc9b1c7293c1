/* `zenithc verify`: the outputs of a compiled model against those that a folder holds. */
#include "cli.h"
#include "data/compare.h"
#include "dataset.h"

#include <inttypes.h>

static const char *
base_name(const char *path)
{
	const char *s = strrchr(path, '/');

	return s && s[1] ? s + 1 : path;
}

/* compares one output, if the folder has it; counts in n[0] what was compared, in n[1] what differs */
static void
one_output(const Exec *x, const char *dir, int k, const Host *got, const Tol *given, int n[2])
{
	Tol t = *given;
	Diff d = {0};
	int which;
	Host *want = dataset_output(x, dir, k, &which);
	const char *name = quoted(x->z->outputs[k].name), *set = quoted(base_name(dir));

	if (!want)
		return;
	t.quantum = which < x->quantum.n && x->quantum.p[which];
	host_compare(got, want, &t, &d);
	n[0]++;
	n[1] += d.bad > 0;
	if (d.bad)
		printf("%s: output %d '%s' %s: %" PRId64 " of %" PRId64 " differ; worst %s\n", set, which,
			name, host_str(got), d.bad, d.n, d.worst);
	else
		printf("%s: output %d '%s' %s: largest difference %.3g, largest value %.6g\n", set, which,
			name, host_str(got), d.err, d.largest);
	host_free(want);
}

/* do the data give a named dimension two sizes? Models name dimensions alike that are not: a mask's batch of
 * 1 */
static bool
conflict(const Exec *x, Host *const *in)
{
	Map *size = map_new();

	for (int i = 0; i < x->z->ninputs; i++) {
		const zenith_value *v = &x->z->inputs[i];
		for (int k = 0; v->dim_names && in[i]->kind == V_TENSOR && k < v->rank && k < in[i]->rank;
			k++) {
			int64_t **at = v->dim_names[k] ? (int64_t **)map_at_str(size, v->dim_names[k]) : NULL;
			if (at && *at && **at != in[i]->dim[k])
				return true;
			if (at)
				*at = &in[i]->dim[k];
		}
	}
	return false;
}

/* compiled again for just these shapes */
static Exec *
fixed(const Cli *c, const Exec *x, Host *const *in)
{
	Options o = c->o;

	for (int i = 0; i < x->z->ninputs; i++)
		if (in[i]->kind == V_TENSOR)
			push(&o.import.shape,
				((__typeof__(*o.import.shape.p)){
					x->z->inputs[i].name, in[i]->rank, in[i]->dim}));
	return exec_build(c->model, &o);
}

static void
one_set(const Cli *c, Exec *x, const char *dir, const Tol *t, int n[2])
{
	Host **in = dataset_inputs(x, dir), **out;
	int before = n[0];

	for (int i = 0; i < x->z->ninputs; i++)
		if (!in[i])
			fatal(EX_INVALID, NULL, "'%s' has no data for input '%s'", quoted(dir),
				quoted(x->z->inputs[i].name));
	if (conflict(x, in))
		x = fixed(c, x, in);
	out = exec_run(x, in);
	for (int k = 0; k < x->z->noutputs; k++)
		one_output(x, dir, k, out[k], t, n);
	if (n[0] == before)
		fatal(EX_INVALID, NULL, "'%s' has no outputs to compare with", quoted(dir));
	exec_free(in, x->z->ninputs);
	exec_free(out, x->z->noutputs);
}

int
cli_verify(Cli *c)
{
	Tol t = {c->rtol, c->atol, c->max_error, false};
	Paths sets = dataset_list(c->data);
	Exec *x = exec_build(c->model, &c->o);
	int n[2] = {0};

	for (int i = 0; i < sets.n; i++)
		one_set(c, x, sets.p[i], &t, n);
	return n[1] ? EX_DIFFERS : EX_DONE;
}
