/* A generated model through zenith_model: without a pool, through pools that run the parts backwards and one
 * by one, and in two contexts on two threads that share a pool. All must give the same bytes, and leave
 * denormals as they were. Linked with the model, named m; static shapes only. */
#include "../runtime/zenith.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const zenith_model *m_model(void);

typedef struct Run { zenith_pool *pool; zenith_tensor *in, *out; int status, times; } Run;

static size_t
elements(const zenith_value *v)
{
	size_t n = 1;

	for (int i = 0; i < v->rank; i++)
		n *= (size_t)v->dims[i];
	return n;
}

static size_t
bytes(int dtype)
{
	static const unsigned char size[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 8, 16, 2};

	return dtype > 0 && (size_t)dtype < sizeof size && size[dtype] ? size[dtype] : 16;
}

/* small numbers for floats, 0 and 1 for the rest */
static void
fill(zenith_tensor *t, size_t n)
{
	static unsigned seed = 1;
	float f;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245u + 12345u;
		f = (float)(seed >> 16 & 1023) / 512 - 1;
		if (t->dtype == 1)
			((float *)t->data)[i] = f;
		else if (t->dtype != 10 && t->dtype != 11)
			((unsigned char *)t->data)[i * bytes(t->dtype)] = seed >> 16 & 1;
	}
}

static zenith_tensor *
tensors(const zenith_value *v, int n, int filled)
{
	zenith_tensor *t = calloc((size_t)n + 1, sizeof *t);

	for (int i = 0; i < n; i++) {
		t[i].kind = v[i].kind;
		t[i].dtype = v[i].dtype;
		t[i].rank = v[i].rank;
		for (int j = 0; j < v[i].rank; j++)
			t[i].dims[j] = v[i].dims[j];
		t[i].capacity = elements(&v[i]);
		t[i].data = calloc(t[i].capacity + 1, bytes(v[i].dtype));
		if (filled)
			fill(&t[i], t[i].capacity);
	}
	return t;
}

static void *
aligned(size_t n)
{
	return aligned_alloc(64, (n + 127) / 64 * 64);
}

static void *
once(void *arg)
{
	const zenith_model *z = m_model();
	Run *r = arg;
	zenith_ctx ctx;
	zenith_setup s = {0};

	s.workspace_bytes = z->workspace_bytes + z->heap_bytes;
	s.workspace = aligned(s.workspace_bytes);
	s.state_bytes = z->state_bytes;
	s.state = aligned(s.state_bytes);
	s.pool = r->pool;
	r->status = z->init(&ctx, &s);
	for (int i = 0; i < r->times && !r->status; i++)
		r->status = z->run(&ctx, r->in, r->out);
	z->done(&ctx);
	free(s.workspace);
	free(s.state);
	return NULL;
}

static void
backwards(zenith_pool *p, zenith_task task, void *arg, int parts)
{
	(void)p;
	while (parts-- > 0)
		task(arg, parts);
}

static void
differ(const Run *r, const Run *want, const char *what)
{
	const zenith_model *z = m_model();

	if (r->status != want->status) {
		fprintf(stderr, "FAIL %s: status %d, not %d\n", what, r->status, want->status);
		exit(1);
	}
	for (int i = 0; i < z->noutputs; i++)
		if (memcmp(r->out[i].data, want->out[i].data, r->out[i].capacity * bytes(z->outputs[i].dtype))) {
			fprintf(stderr, "FAIL %s: output %d differs\n", what, i);
			exit(1);
		}
}

int
main(void)
{
	const zenith_model *z = m_model();
	zenith_pool back = {backwards, 1}, *one = zenith_pool_new(1), *pool = zenith_pool_new(3);
	zenith_tensor *in = tensors(z->inputs, z->ninputs, 1);
	Run r[5];
	volatile float tiny = 1.5e-38f;
	pthread_t t[2];

	for (int i = 0; i < 5; i++)
		r[i] = (Run){pool, in, tensors(z->outputs, z->noutputs, 0), 0, i < 3 ? 1 : 3};
	r[0].pool = one;
	r[1].pool = &back;
	for (int i = 0; i < 3; i++)
		once(&r[i]);
	if (tiny * 0.5f == 0) {
		fprintf(stderr, "FAIL denormals are still zero after a run\n");
		return 1;
	}
	for (int i = 0; i < 2; i++)
		if (pthread_create(&t[i], NULL, once, &r[3 + i]))
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	differ(&r[1], &r[0], "parts backwards");
	differ(&r[2], &r[0], "a pool");
	differ(&r[3], &r[0], "a shared pool");
	differ(&r[4], &r[0], "a shared pool");
	zenith_pool_free(one);
	zenith_pool_free(pool);
	return 0;
}
