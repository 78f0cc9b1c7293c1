/* Requests to any network: a shared library that zenithc made, threads that run it with one copy of its weights, and
 * what the requests took. Usage: server MODEL.so [-s SYMBOL] [-t THREADS] [-n REQUESTS] [-d DIM] */
#define _XOPEN_SOURCE 700
#include <zenith.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct Worker {
	pthread_t thread;
	int status, first, count;
	double sum;               /* of all outputs of its first request */
} Worker;

static const zenith_model *z;
static zenith_tensor *input;      /* read by all threads */
static double *seconds;           /* of each request */

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "server: %s: %s\n", what, why);
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* bytes of a number that C has, by ONNX's numbers for types; 0: another type */
static size_t
width(const zenith_value *v)
{
	static const unsigned char bytes[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 0, 8, 4, 8};
	size_t n = v->dtype > 0 && (size_t)v->dtype < sizeof bytes ? bytes[v->dtype] : 0;

	if (v->kind != ZENITH_KIND_TENSOR || !n)
		fail(v->name, "only tensors of numbers are made here");
	return n;
}

static void *
memory(size_t n)
{
	void *p = NULL;

	if (posix_memalign(&p, 64, n ? n : 1))
		fail("memory", "there is not enough");
	return memset(p, 0, n);
}

static size_t
elements(const zenith_tensor *t)
{
	size_t n = 1;

	for (int i = 0; i < t->rank; i++)
		n *= (size_t)t->dims[i];
	return n;
}

/* element k of an input is (k mod 17)/16, or k mod 2; dims that the model leaves open are `open` */
static zenith_tensor *
inputs(int64_t open)
{
	zenith_tensor *t = memory((size_t)z->ninputs * sizeof *t);

	for (int i = 0; i < z->ninputs; i++) {
		const zenith_value *v = &z->inputs[i];
		size_t size = width(v);
		t[i].dtype = v->dtype;
		t[i].rank = v->rank;
		for (int j = 0; j < v->rank; j++)
			t[i].dims[j] = v->dims[j] < 0 ? open : v->dims[j];
		t[i].data = memory(elements(&t[i]) * size);
		for (size_t k = 0; k < elements(&t[i]); k++)
			if (v->dtype == 1)
				((float *)t[i].data)[k] = (float)(k % 17) / 16;
			else if (v->dtype == 11)
				((double *)t[i].data)[k] = (double)(k % 17) / 16;
			else
				((unsigned char *)t[i].data)[k * size] = (unsigned char)(k % 2);
	}
	return t;
}

/* room in the outputs for what the run asked for */
static void
room(zenith_tensor *t)
{
	for (int i = 0; i < z->noutputs; i++) {
		const zenith_value *v = &z->outputs[i];
		size_t n = 1;
		for (int j = 0; j < v->rank; j++)
			n *= v->dims[j] >= 0 ? (size_t)v->dims[j] : (size_t)t[i].dims[j];
		free(t[i].data);
		t[i].data = memory(n * width(v));
		t[i].capacity = n;
	}
}

#define OF(type) ((double)((const type *)t->data)[k])

static double
element(const zenith_tensor *t, size_t k)
{
	switch (t->dtype) {
	case 1: return OF(float);
	case 3: return OF(int8_t);
	case 4: return OF(uint16_t);
	case 5: return OF(int16_t);
	case 6: return OF(int32_t);
	case 7: return OF(int64_t);
	case 11: return OF(double);
	case 12: return OF(uint32_t);
	case 13: return OF(uint64_t);
	default: return OF(uint8_t);
	}
}

static double
sum(const zenith_tensor *t)
{
	double s = 0;

	for (int i = 0; i < z->noutputs; i++)
		for (size_t k = 0; k < elements(&t[i]); k++)
			s += element(&t[i], k);
	return s;
}

/* a context of its own; the weights are those of the library */
static void *
work(void *arg)
{
	Worker *w = arg;
	zenith_tensor *out = memory((size_t)z->noutputs * sizeof *out);
	zenith_setup s = {0};
	zenith_ctx ctx;

	s.workspace_bytes = z->workspace_bytes;
	if (z->workspace && (w->status = z->workspace(input, &s.workspace_bytes)))
		return NULL;
	s.workspace_bytes += z->heap_bytes;
	s.workspace = memory(s.workspace_bytes);
	s.state_bytes = z->state_bytes;
	s.state = memory(s.state_bytes);
	if ((w->status = z->init(&ctx, &s)))
		return NULL;
	room(out);
	for (int i = 0; i < 4 && (w->status = z->run(&ctx, input, out)) == ZENITH_CAPACITY; i++)
		room(out);
	if (!w->status)
		w->sum = sum(out);
	for (int i = 0; i < w->count && !w->status; i++) {
		double t = now();
		w->status = z->run(&ctx, input, out);
		seconds[w->first + i] = now() - t;
	}
	z->done(&ctx);
	for (int i = 0; i < z->noutputs; i++)
		free(out[i].data);
	free(out);
	free(s.workspace);
	free(s.state);
	return NULL;
}

/* NAME_model of libNAME.so, NAME.so. A path without a slash would be sought among the system's libraries */
static void
load(const char *path, const char *symbol)
{
	char *real = realpath(path, NULL);
	void *lib = dlopen(real ? real : path, RTLD_NOW);
	const char *base = strrchr(path, '/');
	const zenith_model *(*model)(void);
	char name[256];

	free(real);
	if (!lib)
		fail(path, dlerror());
	base = base ? base + 1 : path;
	base += !strncmp(base, "lib", 3) ? 3 : 0;
	snprintf(name, sizeof name, "%.*s_model", (int)strcspn(base, "."), base);
	*(void **)&model = dlsym(lib, symbol ? symbol : name);
	if (!model)
		fail(path, "no such symbol; name it with -s");
	z = model();
	if (z->abi != ZENITH_ABI)
		fail(path, "made for another zenith.h");
}

static int
by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	int threads = 2, requests = 1000, c;
	const char *symbol = NULL;
	int64_t open = 1;
	Worker *w;
	double t;

	while ((c = getopt(argc, argv, "s:t:n:d:")) != -1)
		switch (c) {
		case 's': symbol = optarg; break;
		case 't': threads = atoi(optarg); break;
		case 'n': requests = atoi(optarg); break;
		case 'd': open = atoll(optarg); break;
		default: return 2;
		}
	if (optind + 1 != argc || threads < 1 || requests < threads || open < 1)
		fail("usage", "server MODEL.so [-s SYMBOL] [-t THREADS] [-n REQUESTS] [-d DIM]");
	load(argv[optind], symbol);
	input = inputs(open);
	seconds = memory((size_t)requests * sizeof *seconds);
	w = memory((size_t)threads * sizeof *w);
	t = now();
	for (int i = 0; i < threads; i++) {
		w[i].first = (int)((int64_t)requests * i / threads);
		w[i].count = (int)((int64_t)requests * (i + 1) / threads) - w[i].first;
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			fail("threads", "there are not so many");
	}
	for (int i = 0; i < threads; i++)
		pthread_join(w[i].thread, NULL);
	t = now() - t;
	for (int i = 0; i < threads; i++)
		if (w[i].status || w[i].sum - w[0].sum != 0) {
			fprintf(stderr, "server: thread %d: status %d, sum %.9g\n", i, w[i].status, w[i].sum);
			return 1;
		}
	qsort(seconds, (size_t)requests, sizeof *seconds, by_time);
	printf("%s: %d requests on %d threads, %zu bytes of weights, sum %.6g\n", z->name, requests, threads,
		z->weight_bytes, w[0].sum);
	printf("%.0f requests/s; microseconds: median %.1f, 90%% %.1f, 99%% %.1f, most %.1f\n", requests / t,
		seconds[requests / 2] * 1e6, seconds[requests * 9 / 10] * 1e6, seconds[requests * 99 / 100] * 1e6,
		seconds[requests - 1] * 1e6);
	return 0;
}
