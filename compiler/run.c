/* `zenithc run`: a model compiled, run once, its outputs shown or written. */
#include "cli.h"
#include "dataset.h"
#include "profile.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

Host **
cli_inputs(const Cli *c, const Exec *x)
{
	Host **in = c->data ? dataset_inputs(x, dataset_list(c->data).p[0]) : NEWN(Host *, x->z->ninputs + 1);
	Buf names = {0};

	for (int k = 0; k < c->in.n; k++) {
		int i = exec_input(x, c->in.p[k].name);
		for (int j = 0; i < 0 && j < x->z->ninputs; j++)
			buf_fmt(&names, "%s'%s'", j ? ", " : "", quoted(x->z->inputs[j].name));
		if (i < 0)
			fatal(EX_USE, NULL, "-i %s: there is no such input; the model has %s",
				quoted(c->in.p[k].name), buf_str(&names));
		in[i] = data_read(c->in.p[k].file, c->in.p[k].name, exec_kind(&x->z->inputs[i]));
	}
	return in;
}

static const char *
number_str(const Host *h, int64_t i)
{
	if (h->dt == DT_STR) {
		Str s = ((Str *)h->p)[i];
		return fmt("'%s'", quoted(fmt("%.*s", (int)s.n, s.n ? s.p : "")));
	}
	if (h->dt == DT_I64 || h->dt == DT_U64)
		return fmt("%" PRId64, (int64_t)host_bits(h, i));
	if (dtype_info[h->dt].class == DC_C)
		return "...";
	return fmt("%.7g", host_at(h, i));
}

/* the first elements, of whatever it is */
static void
show(const Host *h)
{
	if (h->kind != V_TENSOR) {
		printf("%s", host_str(h));
		for (int64_t i = 0; i < h->n && i < 4; i++) {
			printf(i ? ", " : " {");
			show(h->elem[i]);
		}
		printf(h->n > 4 ? ", ...}" : h->n ? "}" : "");
		return;
	}
	printf("%s", host_str(h));
	for (int64_t i = 0; i < h->n && i < 8; i++)
		printf(" %s", number_str(h, i));
	printf(h->n > 8 ? " ..." : "");
}

/* written beside and then renamed, so that a failure leaves no half of a set */
static void
write_outputs(const Cli *c, const Exec *x, Host **out)
{
	bool made = !mkdir(c->out, 0777);
	Pieces all = {0};
	const char *path;

	if (!made && errno != EEXIST)
		fatal(EX_OUTPUT, NULL, "cannot make the folder '%s': %s", quoted(c->out), strerror(errno));
	if (made)
		temp_file(c->out);
	for (int k = 0; k < x->z->noutputs; k++) {
		path = fmt("%s/output_%d.%s", c->out, k, c->pb ? "pb" : "npy");
		piece_close(piece_open(&all, path), path, true);
		if (c->pb)
			pb_write(all.p[k].beside, out[k], x->z->outputs[k].name);
		else
			npy_write(all.p[k].beside, out[k]);
	}
	pieces_rename(&all);
	if (made)
		temp_forget(c->out);
}

int
cli_run(Cli *c)
{
	Exec *x = exec_build(c->model, &c->o);
	Host **in = cli_inputs(c, x), **out;

	if (c->o.profile)
		profile_attach(x);
	out = exec_seeded(x, in, c->seed, true);
	if (c->out)
		write_outputs(c, x, out);
	for (int k = 0; k < x->z->noutputs && !c->out && !c->o.profile; k++) {
		printf("%s ", quoted(x->z->outputs[k].name));
		show(out[k]);
		putchar('\n');
	}
	if (c->o.profile)
		profile_run(x, in, c->seconds, c->json);
	return EX_DONE;
}
