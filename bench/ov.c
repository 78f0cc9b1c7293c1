/* OpenVINO through its C interface: what is called of it is declared here, found in the library by name. fp32
 * is pinned, one stream of Job.threads threads; the model's shapes are fixed to those of the inputs before it
 * is compiled, unless it refuses that and takes them as they come. Another version of the library than the
 * one this was checked with is refused. */
#include "bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define VERSION "2026.4.1"

typedef struct Version {
	const char *build, *description;
} Version;

typedef struct Shape {
	int64_t rank, *dim;
} Shape;

typedef struct Range {
	int64_t min, max;
} Range;

typedef struct PartialShape {
	Range rank, *dim;
} PartialShape;

/* every function that is called: a status, 0 for success, except what prints or frees */
#define FUNCTIONS(F) \
	F(int, get_openvino_version, (Version *)) \
	F(const char *, get_last_err_msg, (void)) \
	F(int, core_create, (void **)) \
	F(int, core_read_model, (const void *, const char *, const char *, void **)) \
	F(int, model_reshape, (const void *, const char **, const PartialShape *, size_t)) \
	F(int, core_compile_model, (const void *, const void *, const char *, size_t, void **, ...)) \
	F(void, model_free, (void *)) \
	F(int, compiled_model_create_infer_request, (const void *, void **)) \
	F(int, compiled_model_outputs_size, (const void *, size_t *)) \
	F(int, infer_request_set_tensor, (void *, const char *, const void *)) \
	F(int, infer_request_infer, (void *)) \
	F(int, infer_request_get_output_tensor_by_index, (const void *, size_t, void **)) \
	F(int, tensor_create_from_host_ptr, (int, Shape, void *, void **)) \
	F(int, tensor_get_shape, (const void *, Shape *)) \
	F(int, shape_free, (Shape *)) \
	F(int, tensor_get_element_type, (const void *, int *)) \
	F(int, tensor_data, (const void *, void **)) \
	F(void, tensor_free, (void *))

static struct {
#define F(ret, name, args) ret (*name) args;
	FUNCTIONS(F)
#undef F
	void *core, *request;
} ov;

/* ov_element_type_e in its order, as ONNX's numbers */
static const int onnx_type[] = {0, 9, 16, 10, 1, 11, 0, 3, 5, 6, 7, 0, 0, 0, 0, 0, 2, 4, 12, 13};

static int
ov_type(int dtype)
{
	for (int i = 1; i < (int)(sizeof onnx_type / sizeof *onnx_type); i++)
		if (onnx_type[i] == dtype)
			return i;
	return 0;
}

static bool
check(Engine *e, int status)
{
	const char *s = status ? ov.get_last_err_msg() : NULL;

	return status ? fail(e, "status %d: %s", status, s ? s : "") : true;
}

static bool
open_library(Engine *e, const char *path)
{
	void *dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	Version v;

	if (!dl)
		return fail(e, "%s", dlerror());
#define F(ret, name, args) \
	if (!(*(void **)&ov.name = dlsym(dl, "ov_" #name))) \
		return fail(e, "%s has no ov_" #name, path);
	FUNCTIONS(F)
#undef F
	if (!check(e, ov.get_openvino_version(&v)))
		return false;
	snprintf(e->version, 64, "%s", v.build);
	if (strncmp(v.build, VERSION, strlen(VERSION)))
		return fail(e, "version %s, this was made for " VERSION, v.build);
	return check(e, ov.core_create(&ov.core));
}

/* scalars are left as they are: the C interface makes a vector of theirs */
static bool
reshape(Engine *e, const Job *j, void *model)
{
	const char **name = need((size_t)j->nin * sizeof *name);
	PartialShape *s = need((size_t)j->nin * sizeof *s);
	size_t n = 0;

	for (int i = 0; i < j->nin; i++) {
		const Tensor *t = &j->in[i];

		if (!t->rank)
			continue;
		name[n] = t->name;
		s[n].rank.min = s[n].rank.max = t->rank;
		s[n].dim = need((size_t)t->rank * sizeof *s[n].dim);
		for (int k = 0; k < t->rank; k++)
			s[n].dim[k].min = s[n].dim[k].max = t->dim[k];
		n++;
	}
	return !n || check(e, ov.model_reshape(model, name, s, n));
}

static bool
compile(Engine *e, const Job *j)
{
	void *model, *compiled;
	char threads[16];
	size_t n;

	snprintf(threads, sizeof threads, "%d", j->threads);
	if (!check(e, ov.core_read_model(ov.core, j->model, NULL, &model)))
		return false;
	if (!reshape(e, j, model)) {
		ov.model_free(model);
		strcat(e->version, ", dynamic");
		if (!check(e, ov.core_read_model(ov.core, j->model, NULL, &model)))
			return false;
	}
	if (!check(e, ov.core_compile_model(ov.core, model, "CPU", 8, &compiled, "INFERENCE_PRECISION_HINT",
			"f32", "INFERENCE_NUM_THREADS", threads, "NUM_STREAMS", "1", "PERFORMANCE_HINT",
			"LATENCY")) ||
		!check(e, ov.compiled_model_create_infer_request(compiled, &ov.request)) ||
		!check(e, ov.compiled_model_outputs_size(compiled, &n)))
		return false;
	e->nout = (int)n;
	ov.model_free(model);
	return true;
}

static bool
run(Engine *e)
{
	return check(e, ov.infer_request_infer(ov.request));
}

static bool
load(Engine *e, const Job *j)
{
	void *tensor;

	if (!open_library(e, j->ov) || !compile(e, j))
		return false;
	for (int i = 0; i < j->nin; i++) {
		const Tensor *t = &j->in[i];
		Shape s = {t->rank, (int64_t *)t->dim};

		if (!check(e, ov.tensor_create_from_host_ptr(ov_type(t->dtype), s, (void *)t->p, &tensor)) ||
			!check(e, ov.infer_request_set_tensor(ov.request, t->name, tensor)))
			return false;
	}
	return run(e);
}

static bool
result(Engine *e, int i, Tensor *t)
{
	void *tensor, *p;
	Shape s;
	int type;
	bool ok;

	if (!check(e, ov.infer_request_get_output_tensor_by_index(ov.request, (size_t)i, &tensor)))
		return false;
	*t = (Tensor){.n = 1};
	ok = check(e, ov.tensor_get_element_type(tensor, &type)) && type > 0 &&
		type < (int)(sizeof onnx_type / sizeof *onnx_type) && onnx_type[type] &&
		check(e, ov.tensor_data(tensor, &p)) && check(e, ov.tensor_get_shape(tensor, &s));
	if (ok) {
		t->dtype = onnx_type[type];
		t->p = p;
		t->rank = s.rank < MAX_RANK ? (int)s.rank : MAX_RANK;
		for (int k = 0; k < t->rank; k++)
			t->n *= t->dim[k] = s.dim[k];
		ov.shape_free(&s);
	}
	ov.tensor_free(tensor);
	return ok;
}

Engine engine_ov = {.name = "openvino", .load = load, .run = run, .result = result};
