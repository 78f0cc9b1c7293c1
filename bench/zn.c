/* zenithc's model: a library that was made for this run, called through zenith_model (runtime/zenith.h). */
#include "bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/zenith.h"

enum { GUESS = 1 << 16 };

static struct {
	const zenith_model *m;
	zenith_ctx ctx;
	zenith_setup setup;
	zenith_tensor *in, *out;
	bool ready;
} zn;

static int64_t
elements(const zenith_tensor *t, const zenith_value *v)
{
	int64_t n = v->kind == ZENITH_KIND_MAPS ? v->nkeys : 1;

	for (int i = 0; i < t->rank; i++)
		n *= t->dims[i];
	return n;
}

static void
room(zenith_tensor *t, int64_t n)
{
	size_t size = t->dtype == 8 ? sizeof(zenith_string) : dtype_size(t->dtype);

	free(t->data);
	t->data = need((size_t)n * (size ? size : 16));
	t->capacity = (size_t)n;
}

static bool
bind_inputs(Engine *e, const Job *j)
{
	for (int i = 0; i < zn.m->ninputs; i++) {
		const zenith_value *v = &zn.m->inputs[i];
		const Tensor *t = NULL;

		for (int k = 0; k < j->nin; k++)
			if (!strcmp(j->in[k].name, v->name))
				t = &j->in[k];
		if (!t || v->kind != ZENITH_KIND_TENSOR || v->dtype != t->dtype)
			return fail(e, "input '%s' is not there or not of its type", v->name);
		zn.in[i] = (zenith_tensor){.data = (void *)t->p, .dtype = t->dtype, .rank = t->rank,
			.capacity = (size_t)t->n};
		memcpy(zn.in[i].dims, t->dim, sizeof t->dim);
	}
	return true;
}

static bool
bind_outputs(Engine *e)
{
	for (int i = 0; i < zn.m->noutputs; i++) {
		const zenith_value *v = &zn.m->outputs[i];
		zenith_tensor *t = &zn.out[i];
		bool fixed = v->rank >= 0;

		if (v->kind != ZENITH_KIND_TENSOR && v->kind != ZENITH_KIND_MAPS)
			return fail(e, "output '%s' is a sequence or an optional", v->name);
		*t = (zenith_tensor){.kind = v->kind, .dtype = v->dtype, .rank = v->rank};
		for (int k = 0; k < v->rank; k++) {
			t->dims[k] = v->dims[k];
			fixed = fixed && v->dims[k] >= 0;
		}
		room(t, fixed ? elements(t, v) : GUESS);
	}
	return true;
}

/* a context with room for these shapes and `heap` bytes beyond */
static int
setup(size_t heap)
{
	size_t n = zn.m->workspace_bytes;
	int s = zn.m->workspace ? zn.m->workspace(zn.in, &n) : 0;

	if (s)
		return s;
	if (zn.ready)
		zn.m->done(&zn.ctx);
	free(zn.setup.workspace);
	zn.setup.workspace = need(n + heap);
	zn.setup.workspace_bytes = n + heap;
	s = zn.m->init(&zn.ctx, &zn.setup);
	zn.ready = s == 0;
	return s;
}

static bool
grow(void)
{
	bool any = false;

	for (int i = 0; i < zn.m->noutputs; i++) {
		int64_t n = elements(&zn.out[i], &zn.m->outputs[i]);
		if (n > (int64_t)zn.out[i].capacity) {
			room(&zn.out[i], n);
			any = true;
		}
	}
	return any;
}

/* the first run finds the sizes of heap and outputs */
static int
first_run(void)
{
	size_t heap = zn.m->heap_bytes;
	int s = setup(heap);

	while (!s) {
		s = zn.m->run(&zn.ctx, zn.in, zn.out);
		if (s == ZENITH_HEAP_FULL && heap < (size_t)1 << 34)
			s = setup(heap = heap ? heap * 4 : 1 << 20);
		else if (s == ZENITH_CAPACITY && grow())
			s = 0;
		else
			break;
	}
	return s;
}

static bool
load(Engine *e, const Job *j)
{
	void *dl = dlopen(j->lib, RTLD_NOW | RTLD_LOCAL);
	const zenith_model *(*model)(void) = NULL;
	int s;

	if (!dl)
		return fail(e, "%s", dlerror());
	*(void **)&model = dlsym(dl, j->symbol);
	if (!model)
		return fail(e, "%s has no %s", j->lib, j->symbol);
	zn.m = model();
	if (zn.m->abi != ZENITH_ABI || zn.m->size < sizeof *zn.m)
		return fail(e, "%s has another zenith_model", j->lib);
	zn.in = need((size_t)zn.m->ninputs * sizeof *zn.in);
	zn.out = need((size_t)zn.m->noutputs * sizeof *zn.out);
	e->nout = zn.m->noutputs;
	e->macs = zn.m->macs;
	snprintf(e->version, sizeof e->version, "%s", zn.m->options ? zn.m->options : "");
	if (!bind_inputs(e, j) || !bind_outputs(e))
		return false;
	s = first_run();
	return s ? fail(e, "status %d", s) : true;
}

static bool
run(Engine *e)
{
	int s = zn.m->run(&zn.ctx, zn.in, zn.out);

	return s ? fail(e, "status %d", s) : true;
}

static bool
result(Engine *e, int i, Tensor *t)
{
	const zenith_tensor *o = &zn.out[i];

	(void)e;
	if (o->kind != ZENITH_KIND_TENSOR || !dtype_size(o->dtype))
		return false;
	*t = (Tensor){.name = zn.m->outputs[i].name, .dtype = o->dtype, .rank = o->rank, .p = o->data};
	memcpy(t->dim, o->dims, sizeof t->dim);
	t->n = elements(o, &zn.m->outputs[i]);
	return true;
}

Engine engine_zn = {.name = "zenithc", .load = load, .run = run, .result = result};
