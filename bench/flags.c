/* Libraries of one network, made by different compilers and options, called in turns through zenith_model.
 * usage: flags SECONDS WEIGHTS LIB...     WEIGHTS: the network's, of --weights=extern; - if it has none
 * prints for each the least CPU time of a call in ns, and whether all answers are equal to the first one's */
#define _GNU_SOURCE
#include "runtime/zenith.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 16 };

typedef struct Lib {
	const zenith_model *m;
	zenith_ctx ctx;
	zenith_tensor *out;
	double best;
} Lib;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "flags: %s: %s\n", what, why);
	exit(2);
}

static size_t
bytes_of(const zenith_value *v)
{
	static const size_t size[] = {[1] = 4, [2] = 1, [3] = 1, [4] = 2, [5] = 2, [6] = 4, [7] = 8, [9] = 1,
		[10] = 2, [11] = 8, [12] = 4, [13] = 8, [16] = 2};
	size_t n = v->dtype < (int)(sizeof size / sizeof *size) ? size[v->dtype] : 0;

	for (int i = 0; i < v->rank; i++)
		n *= v->dims[i] < 0 ? 0 : (size_t)v->dims[i];
	if (v->rank < 0 || !n || v->kind != ZENITH_KIND_TENSOR)
		die(v->name, "no tensor of a fixed size");
	return n;
}

static zenith_tensor *
tensors(const zenith_value *v, int n, int fill)
{
	zenith_tensor *t = calloc((size_t)n + 1, sizeof *t);
	uint32_t seed = 1;

	for (int i = 0; i < n; i++) {
		size_t size = bytes_of(&v[i]);
		t[i] = (zenith_tensor){.kind = v[i].kind, .dtype = v[i].dtype, .rank = v[i].rank, .capacity = size};
		memcpy(t[i].dims, v[i].dims, sizeof *t[i].dims * (size_t)v[i].rank);
		t[i].data = aligned_alloc(64, (size + 127) / 64 * 64);
		memset(t[i].data, 0, size);
		for (size_t k = 0; fill && v[i].dtype == 1 && k < size / 4; k++) {
			seed = seed * 1664525u + 1013904223u;
			((float *)t[i].data)[k] = (float)(seed >> 8) / 16777216.0f - 0.5f;
		}
	}
	return t;
}

static Lib
load(const char *path, const void *weights, size_t size)
{
	void *dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const zenith_model *(*model)(void) = NULL;
	Lib l = {.best = 1e18};
	zenith_setup s = {.weights = weights, .weight_bytes = size};

	if (!dl || !(*(void **)&model = dlsym(dl, "net_model")))
		die(path, dlerror());
	l.m = model();
	s.workspace_bytes = (l.m->workspace_bytes + l.m->heap_bytes + 127) / 64 * 64;
	s.workspace = aligned_alloc(64, s.workspace_bytes);
	s.state_bytes = (l.m->state_bytes + 127) / 64 * 64;
	s.state = aligned_alloc(64, s.state_bytes);
	if (l.m->init(&l.ctx, &s))
		die(path, "init");
	l.out = tensors(l.m->outputs, l.m->noutputs, 0);
	return l;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* the mean of `calls` */
static double
slice(Lib *l, zenith_tensor *in, int calls)
{
	double t = now();

	for (int i = 0; i < calls; i++)
		if (l->m->run(&l->ctx, in, l->out))
			die("a run", "failed");
	return (now() - t) / calls;
}

int
main(int argc, char **argv)
{
	Lib lib[MAX];
	struct stat st = {0};
	void *weights = NULL;
	int n = argc - 3, fd, calls, same = 1;
	zenith_tensor *in;
	double end, t;

	if (n < 1 || n > MAX)
		die("usage", "flags SECONDS WEIGHTS LIB...");
	if ((fd = open(argv[2], O_RDONLY)) >= 0 && !fstat(fd, &st) && st.st_size)
		weights = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	for (int i = 0; i < n; i++)
		lib[i] = load(argv[3 + i], weights, (size_t)st.st_size);
	in = tensors(lib[0].m->inputs, lib[0].m->ninputs, 1);
	for (int i = 0; i < n; i++) {
		t = slice(&lib[i], in, 1);
		calls = t > 1e6 ? 1 : (int)(1e6 / (t + 1)) + 1;
		for (int k = 0; k < lib[0].m->noutputs; k++)
			same &= !memcmp(lib[i].out[k].data, lib[0].out[k].data, lib[0].out[k].capacity);
	}
	for (end = now() + atof(argv[1]) * 1e9; now() < end;)
		for (int i = 0; i < n; i++)
			if ((t = slice(&lib[i], in, calls)) < lib[i].best)
				lib[i].best = t;
	for (int i = 0; i < n; i++)
		printf("%.0f ", lib[i].best);
	printf("%s\n", same ? "same" : "other");
	return 0;
}
