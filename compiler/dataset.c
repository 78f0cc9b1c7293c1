/* Folders of test data: see dataset.h. */
#define _GNU_SOURCE    /* strverscmp */
#include "dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* DIR/input_3.pb, or .npy, .npz; NULL if there is none */
static const char *
data_file(const char *dir, const char *what, int k)
{
	static const char *const suffix[] = {"pb", "npy", "npz"};

	for (int i = 0; i < LEN(suffix); i++) {
		const char *path = fmt("%s/%s_%d.%s", dir, what, k, suffix[i]);
		if (!access(path, F_OK))
			return path;
	}
	return NULL;
}

static int
by_name(const void *a, const void *b)
{
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

Paths
dataset_list(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	Paths all = {0};

	if (!d)
		fatal(EX_INVALID, NULL, "cannot read the folder '%s': %s", quoted(dir), strerror(errno));
	while ((e = readdir(d)))
		if (*e->d_name != '.') {
			const char *path = fmt("%s/%s", dir, e->d_name);
			if (data_file(path, "input", 0) || data_file(path, "output", 0))
				push(&all, path);
		}
	closedir(d);
	if (data_file(dir, "input", 0) || data_file(dir, "output", 0)) {
		all.n = 0;
		push(&all, dir);
	}
	if (!all.n)
		fatal(EX_INVALID, NULL,
			"'%s' holds no input_0 or output_0 (.pb, .npy, .npz), nor a folder that does",
			quoted(dir));
	qsort(all.p, (size_t)all.n, sizeof *all.p, by_name);
	return all;
}

static VKind
kind_of(const Exec *x, int i)
{
	return i < 0 ? V_TENSOR : exec_kind(&x->z->inputs[i]);
}

Host **
dataset_inputs(const Exec *x, const char *dir)
{
	Host **in = NEWN(Host *, x->z->ninputs + 1), *h;
	const char *path;
	int i, at;

	for (int k = 0; (path = data_file(dir, "input", k)); k++) {
		at = k < x->in.n ? exec_input(x, x->in.p[k]) : -1;
		h = data_read(path, k < x->in.n ? x->in.p[k] : "", kind_of(x, at));
		i = exec_input(x, h->name);
		if (i < 0)
			i = at;
		if (i < 0 && k < x->in.n)        /* kept in state */
			continue;
		if (i < 0)
			fatal(EX_INVALID, NULL, "'%s': the model has %d inputs", quoted(path), x->in.n);
		in[i] = h;
	}
	return in;
}

Host *
dataset_output(const Exec *x, const char *dir, int k, int *which)
{
	const char *name = x->z->outputs[k].name, *path;
	bool all = x->out.n == x->z->noutputs;       /* else some are kept in state */

	for (*which = 0; *which < x->out.n; ++*which)
		if (all ? *which == k : !strcmp(x->out.p[*which], name))
			break;
	path = data_file(dir, "output", *which);
	return path ? data_read(path, name, exec_kind(&x->z->outputs[k])) : NULL;
}
