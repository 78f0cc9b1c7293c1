/* A generated model, named m, called with bad arguments and bad data through zenith_model. What a program may get
 * wrong must end with a status and write nothing; what data may hold, in a status or in the same values whatever the
 * memory held before. Meant to be built with ASan and UBSan: every buffer is a block of its own, to the byte.
 *
 * usage: arguments SECONDS [CASES]     CASES: lines as cases() reads them
 * With -DTHREADS it runs two contexts on two threads instead, for ThreadSanitizer. */
#define _POSIX_C_SOURCE 200112L
#include "arguments.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const zenith_model *m_model(void);

enum { HEAP = 1 << 16 };

static const char *where = "";
static int failed, done;
static double budget;

typedef struct Call { zenith_tensor *in, *out; unsigned char dirt; uint64_t sum; } Call;

static void
expect(int ok, const char *what, int i, int status)
{
	done++;
	if (ok)
		return;
	failed++;
	fprintf(stderr, "FAIL %s: %s %d: status %d\n", where, what, i, status);
}

/* ---- runs */

typedef struct Room { zenith_setup s; zenith_ctx ctx; int status; } Room;

static Room
enter(size_t work, unsigned char dirt)
{
	Room r;

	memset(&r, 0, sizeof r);
	r.s.workspace_bytes = work;
	r.s.workspace = block(work);
	r.s.state_bytes = z->state_bytes;
	r.s.state = block(z->state_bytes);
	memset(r.s.workspace, dirt, work);
	memset(r.s.state, dirt, z->state_bytes);
	r.status = z->init(&r.ctx, &r.s);
	return r;
}

static void
leave(Room *r)
{
	z->done(&r->ctx);
	free(r->s.workspace);
	free(r->s.state);
}

static size_t
need(const zenith_tensor *in, int *status)
{
	size_t n = z->workspace_bytes;

	*status = z->workspace ? z->workspace(in, &n) : 0;
	return *status ? 0 : n + (z->heap_bytes ? HEAP : 0);
}

static int
once(Call *c)
{
	int status;
	size_t n = need(c->in, &status);
	Room r;

	if (status)
		return status;
	r = enter(n, c->dirt);
	for (int i = 0; i < z->noutputs; i++)
		soil(&c->out[i], c->dirt);
	status = r.status ? r.status : z->run(&r.ctx, c->in, c->out);
	c->sum = 0;
	for (int i = 0; !status && i < z->noutputs; i++)
		c->sum = c->sum * 31 + sum_of(&c->out[i], (int)z->outputs[i].nkeys);
	leave(&r);
	return status;
}

static int
grow(zenith_tensor *t, size_t nkeys)
{
	int any = 0;

	if (t->items)
		for (size_t i = 0; i < t->count && i < t->capacity; i++)
			any |= grow(&t->items[i], 1);
	else if (elements(t) * nkeys > t->capacity && elements(t) * nkeys < 1 << 26)
		room(t, elements(t) * nkeys), any = 1;
	return any;
}

/* runs, with more room where the run asks for it */
static int
run(Call *c)
{
	int status, any = 1;

	for (int k = 0; k < 4; k++) {
		status = once(c);
		if (status != ZENITH_CAPACITY || !any)
			break;
		any = 0;
		for (int i = 0; i < z->noutputs; i++)
			any |= grow(&c->out[i], z->outputs[i].kind == ZENITH_KIND_MAPS ? (size_t)z->outputs[i].nkeys : 1);
	}
	return status;
}

/* a status that is known, and with another workspace the same one and the same bytes */
static int
twice(Call *c, const char *what, int i)
{
	int a, b;
	uint64_t sum;

	c->dirt = 0;
	a = run(c);
	sum = c->sum;
	c->dirt = 0xff;
	b = run(c);
	expect(a >= 0 && a <= ZENITH_UNSUPPORTED && a != ZENITH_BAD_ARGUMENT, what, i, a);
	expect(a == b, what, i, b);
	expect(sum == c->sum, "what lies in memory decides what comes out", i, a);
	return a;
}

static int
late(void)
{
	return (double)clock() / CLOCKS_PER_SEC > budget;
}

static void
data(Call *c)
{
	for (int k = 0; k < KINDS && !late(); k++) {
		for (int i = 0; i < z->ninputs; i++)
			fill(&c->in[i], k);
		twice(c, "every input of kind", k);
	}
	for (int i = 0; i < z->ninputs; i++)
		fill(&c->in[i], PLAIN);
	for (int i = 0; z->ninputs > 1 && i < z->ninputs; i++) {
		for (int k = 0; k < KINDS && !late(); k++) {
			fill(&c->in[i], k);
			twice(c, "one input of kind", k);
		}
		fill(&c->in[i], PLAIN);
	}
}

/* ---- bad arguments */

typedef struct Bad { Room r; Call *c; } Bad;

static void
soil_all(Bad *b)
{
	memset(b->r.s.workspace, 0x5c, b->r.s.workspace_bytes);
	for (int j = 0; j < z->noutputs; j++)
		soil(&b->c->out[j], 0x5c);
}

static int
open_outputs(void)
{
	int open = 0;

	for (int i = 0; i < z->noutputs; i++) {
		open |= z->outputs[i].rank < 0;
		for (int j = 0; j < z->outputs[i].rank; j++)
			open |= z->outputs[i].dims[j] < 0;
	}
	return open;
}

/* the run must refuse and leave the outputs, the workspace and the state as they are */
static void
refused(Bad *b, const char *what, int i)
{
	zenith_tensor *out = (zenith_tensor *)block((size_t)z->noutputs * sizeof *out);
	size_t work = b->r.s.workspace_bytes, n = 0;
	unsigned char *w = (unsigned char *)b->r.s.workspace;
	int status, clean = 1;

	memcpy(out, b->c->out, (size_t)z->noutputs * sizeof *out);
	if (z->workspace)
		z->workspace(b->c->in, &n);
	status = z->run(&b->r.ctx, b->c->in, b->c->out);
	expect(status > 0 && status <= ZENITH_UNSUPPORTED, what, i, status);
	for (int j = 0; j < z->noutputs; j++) {
		const unsigned char *p = (const unsigned char *)out[j].data;
		size_t size = p ? bytes(&out[j], out[j].capacity) - (uintptr_t)p % 2 : 0;
		for (size_t k = 0; k < size; k++)
			clean &= p[k] == 0x5c;
		if (status != ZENITH_CAPACITY)
			clean &= !memcmp(&out[j], &b->c->out[j], sizeof *out);
	}
	for (size_t j = 0; j < work; j++)
		clean &= w[j] == 0x5c;
	/* how much an output of open size needs may show at the end of a run; nothing else is known that late */
	expect(clean || (status == ZENITH_CAPACITY && open_outputs()), "it writes: ", i, status);
	memcpy(b->c->out, out, (size_t)z->noutputs * sizeof *out);
	free(out);
}

#define WITH(field, v) do { zenith_tensor keep = *t; soil_all(b); t->field = v; refused(b, #field " = " #v, i); \
	*t = keep; } while (0)

static void
bad_tensor(Bad *b, zenith_tensor *t, const int64_t *dims, int i)
{
	static const int64_t far[] = {-1, INT64_MIN, INT64_MAX, INT64_MAX / 2, INT64_C(1) << 62};
	static const int64_t stride[ZENITH_MAX_RANK] = {1};

	if (elements(t))
		WITH(data, NULL);
	if (width(t->dtype) > 1 && t->dtype <= 20)
		WITH(data, (char *)t->data + 1);
	WITH(kind, ZENITH_KIND_SEQUENCE);
	WITH(kind, -1);
	WITH(kind, 99);
	WITH(dtype, 0);
	WITH(dtype, -1);
	WITH(dtype, t->dtype == 1 ? 7 : 1);
	WITH(strides, stride);
	WITH(rank, -1);
	WITH(rank, ZENITH_MAX_RANK + 1);
	WITH(rank, INT32_MAX);
	WITH(rank, INT32_MIN);
	for (int j = 0; j < t->rank; j++) {
		for (size_t k = 0; k < sizeof far / sizeof *far; k++)
			WITH(dims[j], far[k]);
		if (dims && dims[j] >= 0) {
			WITH(dims[j], dims[j] + 1);
			WITH(dims[j], dims[j] - 1);
		}
	}
	if (dims) {
		WITH(rank, t->rank + 1);
		WITH(rank, t->rank - 1);
	}
}

static void
bad_list(Bad *b, zenith_tensor *t, int i)
{
	WITH(kind, ZENITH_KIND_TENSOR);
	WITH(kind, t->kind == ZENITH_KIND_OPTIONAL ? ZENITH_KIND_SEQUENCE : ZENITH_KIND_OPTIONAL);
	WITH(items, NULL);
	WITH(count, SIZE_MAX);
	if (t->kind == ZENITH_KIND_OPTIONAL)
		WITH(count, 2);
	if (t->items[0].kind == ZENITH_KIND_TENSOR)
		bad_tensor(b, &t->items[0], NULL, i);
	else
		bad_list(b, &t->items[0], i);
}

static void
bad_output(Bad *b, int i)
{
	zenith_tensor *t = &b->c->out[i];
	size_t n = t->capacity;

	if (t->items || !n)
		return;
	WITH(data, NULL);
	if (width(t->dtype) > 1 && t->dtype <= 20)
		WITH(data, (char *)t->data + 1);
	room(t, n - 1);
	soil_all(b);
	refused(b, "capacity less one", i);
	room(t, 0);
	soil_all(b);
	refused(b, "no capacity", i);
	room(t, n);
}

static void
bad_context(Bad *b)
{
	zenith_ctx keep = b->r.ctx;
	Call *c = b->c;
	size_t n;

	expect(z->run(NULL, c->in, c->out) == ZENITH_BAD_ARGUMENT, "no context", 0, 0);
	if (z->ninputs)
		expect(z->run(&b->r.ctx, NULL, c->out) == ZENITH_BAD_ARGUMENT, "no inputs", 0, 0);
	if (z->noutputs)
		expect(z->run(&b->r.ctx, c->in, NULL) == ZENITH_BAD_ARGUMENT, "no outputs", 0, 0);
	soil_all(b);
	memset(&b->r.ctx, 0, sizeof b->r.ctx);
	refused(b, "context of zeros", 0);
	memset(&b->r.ctx, 0xff, sizeof b->r.ctx);
	refused(b, "context of ones", 0);
	b->r.ctx = keep;
	expect(z->done(NULL) == ZENITH_BAD_ARGUMENT, "done", 0, 0);
	if (z->workspace) {
		expect(z->workspace(c->in, NULL) == ZENITH_BAD_ARGUMENT, "workspace to nowhere", 0, 0);
		if (z->ninputs)
			expect(z->workspace(NULL, &n) == ZENITH_BAD_ARGUMENT, "workspace of nothing", 0, 0);
	}
}

/* init with a changed setup must refuse; a context that it refused runs nothing */
#define SETUP(field, v) do { zenith_setup u = *s; zenith_ctx x; int k; u.field = v; k = z->init(&x, &u); \
	expect(k > 0, #field " = " #v, 0, k); k = z->run(&x, b->c->in, b->c->out); \
	expect(k > 0, "run after " #field " = " #v, 0, k); } while (0)

static void
bad_setup(Bad *b)
{
	static unsigned char on[64];
	zenith_setup *s = &b->r.s;

	expect(z->init(NULL, s) == ZENITH_BAD_ARGUMENT, "init of nothing", 0, 0);
	SETUP(stream, on);
	if (z->workspace_bytes || z->heap_bytes) {
		SETUP(workspace, (char *)s->workspace + 1);
		SETUP(workspace, (char *)s->workspace + 8);
	}
	if (z->workspace_bytes)
		SETUP(workspace_bytes, z->workspace_bytes - 1);
	if (z->state_bytes) {
		SETUP(state, (char *)s->state + 4);
		SETUP(state_bytes, z->state_bytes - 1);
	}
	if (z->weight_bytes && strstr(z->options, "extern")) {
		s->weights = on;
		SETUP(weight_bytes, 0);
		SETUP(weight_bytes, z->weight_bytes - 1);
		s->weight_bytes = z->weight_bytes;
		SETUP(weights, on + 1);
		s->weights = NULL;
		s->weight_bytes = 0;
	}
}

static void
arguments(Call *c)
{
	int status, n = 0;
	size_t work = need(c->in, &status);
	Bad b;

	b.c = c;
	b.r = enter(work, 0);
	bad_context(&b);
	bad_setup(&b);
	for (int i = 0; i < z->ninputs && n < 6; i++, n++)
		if (c->in[i].kind == ZENITH_KIND_TENSOR)
			bad_tensor(&b, &c->in[i], z->inputs[i].dims ? z->inputs[i].dims : (const int64_t *)c->in, i);
		else
			bad_list(&b, &c->in[i], i);
	for (int i = 0; i < z->noutputs && i < 6; i++)
		bad_output(&b, i);
	leave(&b.r);
	expect(z->run(&b.r.ctx, c->in, c->out) == ZENITH_BAD_ARGUMENT, "a context that is done", 0, 0);
	if (z->workspace && work > (size_t)(z->heap_bytes ? HEAP : 0)) {
		b.r = enter(0, 0);
		soil_all(&b);
		expect(b.r.status || z->run(&b.r.ctx, c->in, c->out) > 0, "a workspace of nothing", 0, b.r.status);
		leave(&b.r);
		memset(&b.r, 0, sizeof b.r);
		b.r.s.state = block(b.r.s.state_bytes = z->state_bytes);
		b.r.status = z->init(&b.r.ctx, &b.r.s);
		status = z->run(&b.r.ctx, c->in, c->out);
		expect(status == ZENITH_WORKSPACE || b.r.status, "no workspace", 0, status);
		leave(&b.r);
		b.r = enter(work - (z->heap_bytes ? HEAP : 0) - 1, 0);
		soil_all(&b);
		if (!b.r.status)
			refused(&b, "workspace less one", 0);
		leave(&b.r);
	}
}

/* ---- cases: 'case NAME STATUS' (-1: any, -2: any but 0), 'in I RANK DIMS... VALUES...', 'out I VALUES...', 'run' */

static void
number(zenith_tensor *t, size_t i, const char *s)
{
	int64_t w = s[0] == '-' ? strtoll(s, NULL, 10) : (int64_t)strtoull(s, NULL, 10);
	double r = strtod(s, NULL);

	if (t->dtype == 1)
		((float *)t->data)[i] = (float)r;
	else if (t->dtype == 11)
		((double *)t->data)[i] = r;
	else if (t->dtype == 8) {
		free((void *)((zenith_string *)t->data)[i].p);
		((zenith_string *)t->data)[i].n = strlen(s);
		((zenith_string *)t->data)[i].p = (char *)memcpy(block(strlen(s)), s, strlen(s));
	} else {
		memcpy((char *)t->data + i * width(t->dtype), &w, width(t->dtype));
	}
}

static int
same(const zenith_tensor *t, size_t i, const char *s)
{
	double want = strtod(s, NULL), r = 0;
	int64_t w = 0, v = strtoll(s, NULL, 10);

	if (i >= elements(t))
		return 0;
	r = t->dtype == 1 ? (double)((float *)t->data)[i] : t->dtype == 11 ? ((double *)t->data)[i] : 0;
	if (t->dtype == 1 || t->dtype == 11)
		return (want != want && r != r) || r == want || (r - want < 1e-5 && want - r < 1e-5);
	memcpy(&w, (char *)t->data + i * width(t->dtype), width(t->dtype));
	return !memcmp(&w, &v, width(t->dtype));
}

static void
given(zenith_tensor *in)
{
	zenith_tensor *t = &in[atoi(strtok(NULL, " \n"))];
	int dtype = t->dtype, rank = atoi(strtok(NULL, " \n"));
	int64_t dims[ZENITH_MAX_RANK];
	const char *s;

	for (int i = 0; i < rank; i++)
		dims[i] = atoll(strtok(NULL, " \n"));
	drop_texts(t);
	free(t->data);
	tensor(t, dtype, rank, dims);
	for (size_t i = 0; (s = strtok(NULL, " \n")) && i < elements(t); i++)
		number(t, i, s);
}

static void
cases(const char *path)
{
	static char line[1 << 16], name[200];
	FILE *f = fopen(path, "r");
	Call c = {0};
	int want = 0, status = 0, i;
	char *s;

	if (!f)
		exit(2);
	while (fgets(line, sizeof line, f)) {
		s = strtok(line, " \n");
		if (!s)
			continue;
		if (!strcmp(s, "case")) {
			snprintf(name, sizeof name, "%s", strtok(NULL, " \n"));
			where = name;
			want = atoi(strtok(NULL, " \n"));
			c.in = inputs(1, 1);
			c.out = outputs();
		} else if (!strcmp(s, "in")) {
			given(c.in);
		} else if (!strcmp(s, "run")) {
			status = twice(&c, "case", 0);
			expect(want == -1 || (want == -2 && status > 0) || status == want, "the status should be", want, status);
		} else if (!strcmp(s, "out") && !status) {
			i = atoi(strtok(NULL, " \n"));
			for (size_t k = 0; (s = strtok(NULL, " \n")); k++)
				expect(same(&c.out[i], k, s), "a value", (int)k, status);
		} else if (!strcmp(s, "end")) {
			drop(c.in, z->ninputs, 1);
			drop(c.out, z->noutputs, 0);
		}
	}
	fclose(f);
}

/* ---- two threads */

static pthread_barrier_t both;     /* neither runs before the other is there */

static void *
thread(void *arg)
{
	Call *c = (Call *)arg;

	pthread_barrier_wait(&both);
	for (int i = 0; i < 3; i++)
		run(c);
	return NULL;
}

static void
threads(Call *c)
{
	Call d = *c, e = *c;
	pthread_t a, b;

	d.out = outputs();
	run(c);
	if (pthread_barrier_init(&both, NULL, 2) || pthread_create(&a, NULL, thread, &d) || pthread_create(&b, NULL, thread, &e))
		exit(2);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	expect(d.sum == c->sum && e.sum == c->sum, "two threads", 0, 0);
	drop(d.out, z->noutputs, 0);
}

/* inputs that the model takes, if any do: all unknown dims alike, then drawn ones */
static int
fitting(Call *c)
{
	static const int64_t d[] = {2, 1, 3, 4, 8, 16, 32, 64, 80, 128, 224, 640};
	int status = 1;

	for (int k = 0; k < 80; k++) {
		c->in = inputs(k < 12 ? d[k] : k < 24 ? d[k - 12] : 0, k < 12 ? 1 : 2);
		c->out = outputs();
		status = run(c);
		if (!status)
			return 0;
		if (k < 79) {
			drop(c->in, z->ninputs, 1);
			drop(c->out, z->noutputs, 0);
		}
	}
	return status;
}

int
main(int argc, char **argv)
{
	Call c = {0};
	int status;

	z = m_model();
	where = z->name;
	budget = argc > 1 ? atof(argv[1]) : 5;
	status = fitting(&c);
#ifdef THREADS
	expect(!status, "inputs that fit", 0, status);
	if (!status)
		threads(&c);
#else
	if (!status)
		arguments(&c);
	data(&c);
	if (argc > 2)
		cases(argv[2]);
#endif
	drop(c.in, z->ninputs, 1);
	drop(c.out, z->noutputs, 0);
	printf("%d checks, %d failed%s\n", done, failed, status ? ", no inputs that fit" : "");
	return failed != 0;
}
