/* ONNX Runtime through its C interface. The wheel has the library but no header: what is declared here is the
 * order of the functions in OrtApi, which is frozen from version to version (only added to at the end), no
 * more of it than is called. Another version of the library than the one this was checked with is refused. */
#include "bench.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define VERSION "1.31.1"
enum { API_VERSION = 4, OPTIMIZE_ALL = 99, LOG_ERROR = 3, ARENA = 1, MEM_DEFAULT = 0, KIND_TENSOR = 1 };

typedef struct OrtBase {
	const void *(*api)(uint32_t version);
	const char *(*version)(void);
} OrtBase;

/* places in OrtApi; a function returns NULL or a status, except those that release */
enum {
	GetErrorMessage = 2, CreateEnv = 3, CreateSession = 7, Run = 9, CreateSessionOptions = 10,
	SetSessionGraphOptimizationLevel = 23, SetIntraOpNumThreads = 24, SetInterOpNumThreads = 25,
	SessionGetInputCount = 30, SessionGetOutputCount = 31, SessionGetInputName = 36,
	SessionGetOutputName = 37,
	CreateTensorWithDataAsOrtValue = 49, GetTensorMutableData = 51, GetTensorElementType = 60,
	GetDimensionsCount = 61, GetDimensions = 62, GetTensorTypeAndShape = 65, GetValueType = 67,
	CreateCpuMemoryInfo = 69, GetAllocatorWithDefaultOptions = 78, ReleaseStatus = 93, ReleaseValue = 96,
	ReleaseTensorTypeAndShapeInfo = 99, AddFreeDimensionOverrideByName = 124
};

typedef void (*Fn)(void);

static struct {
	const Fn *f;
	void *session;
	const char **in_name, **out_name;
	void **in, **out;
	bool *tensor;             /* of outputs */
	bool again;               /* tensors are given again to the next run */
	int nin, nout;
} ort;

/* CALL(slot, (types), arguments...): false, and why, if it returns a status */
#define FN(slot, type) ((type)ort.f[slot])
#define CALL(e, slot, types, ...) check(e, FN(slot, void *(*)types)(__VA_ARGS__))

static bool
check(Engine *e, void *status)
{
	if (!status)
		return true;
	fail(e, "%s", FN(GetErrorMessage, const char *(*)(const void *))(status));
	FN(ReleaseStatus, void (*)(void *))(status);
	return false;
}

static bool
open_library(Engine *e, const char *path)
{
	void *dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const OrtBase *(*base)(void) = NULL;

	if (!dl)
		return fail(e, "%s", dlerror());
	*(void **)&base = dlsym(dl, "OrtGetApiBase");
	if (!base)
		return fail(e, "%s has no OrtGetApiBase", path);
	snprintf(e->version, sizeof e->version, "%s", base()->version());
	if (strcmp(e->version, VERSION))
		return fail(e, "version %s, this was made for " VERSION, e->version);
	ort.f = base()->api(API_VERSION);
	return ort.f || fail(e, "no OrtApi of version %d", API_VERSION);
}

static bool
open_session(Engine *e, const Job *j)
{
	void *env, *o;

	if (!CALL(e, CreateEnv, (int, const char *, void **), LOG_ERROR, "bench", &env) ||
		!CALL(e, CreateSessionOptions, (void **), &o) ||
		!CALL(e, SetSessionGraphOptimizationLevel, (void *, int), o, OPTIMIZE_ALL) ||
		!CALL(e, SetIntraOpNumThreads, (void *, int), o, j->threads) ||
		!CALL(e, SetInterOpNumThreads, (void *, int), o, 1))
		return false;
	for (int i = 0; i < j->ndim; i++)
		if (!CALL(e, AddFreeDimensionOverrideByName, (void *, const char *, int64_t), o,
			j->dim[i].name, j->dim[i].size))
			return false;
	return CALL(e, CreateSession, (void *, const char *, const void *, void **), env, j->model, o,
		&ort.session);
}

static bool
names(Engine *e, int count, int name, int *n, const char ***list)
{
	void *alloc;
	size_t k;

	if (!CALL(e, GetAllocatorWithDefaultOptions, (void **), &alloc) ||
		!CALL(e, count, (void *, size_t *), ort.session, &k))
		return false;
	*n = (int)k;
	*list = need(k * sizeof **list);
	for (size_t i = 0; i < k; i++)
		if (!CALL(e, name, (void *, size_t, void *, const char **), ort.session, i, alloc,
			&(*list)[i]))
			return false;
	return true;
}

static bool
bind_inputs(Engine *e, const Job *j)
{
	void *info;

	if (!CALL(e, CreateCpuMemoryInfo, (int, int, void **), ARENA, MEM_DEFAULT, &info))
		return false;
	for (int i = 0; i < ort.nin; i++) {
		const Tensor *t = NULL;

		for (int k = 0; k < j->nin; k++)
			if (!strcmp(j->in[k].name, ort.in_name[i]))
				t = &j->in[k];
		if (!t)
			return fail(e, "input '%s' is not there", ort.in_name[i]);
		if (!CALL(e, CreateTensorWithDataAsOrtValue,
			(void *, void *, size_t, const int64_t *, size_t, int, void **), info, (void *)t->p,
			(size_t)t->n * dtype_size(t->dtype), t->dim, (size_t)t->rank, t->dtype, &ort.in[i]))
			return false;
	}
	return true;
}

/* tensors of the last run are written again, so that no run allocates them, unless the session refuses them:
 * outputs that are not as large as the model declares */
static bool
run(Engine *e)
{
	for (int i = 0; i < ort.nout; i++)
		if (ort.out[i] && !(ort.again && ort.tensor[i])) {
			FN(ReleaseValue, void (*)(void *))(ort.out[i]);
			ort.out[i] = NULL;
		}
	return CALL(e, Run, (void *, void *, const char *const *, void *const *, size_t, const char *const *,
		size_t, void **), ort.session, NULL, ort.in_name, ort.in, (size_t)ort.nin, ort.out_name,
		(size_t)ort.nout, ort.out);
}

static bool
load(Engine *e, const Job *j)
{
	int kind;

	if (!open_library(e, j->ort) || !open_session(e, j) ||
		!names(e, SessionGetInputCount, SessionGetInputName, &ort.nin, &ort.in_name) ||
		!names(e, SessionGetOutputCount, SessionGetOutputName, &ort.nout, &ort.out_name))
		return false;
	ort.in = need((size_t)ort.nin * sizeof *ort.in);
	ort.out = need((size_t)ort.nout * sizeof *ort.out);
	ort.tensor = need((size_t)ort.nout * sizeof *ort.tensor);
	e->nout = ort.nout;
	if (!bind_inputs(e, j) || !run(e))
		return false;
	for (int i = 0; i < ort.nout; i++) {
		if (!CALL(e, GetValueType, (void *, int *), ort.out[i], &kind))
			return false;
		ort.tensor[i] = kind == KIND_TENSOR;
	}
	ort.again = true;
	ort.again = run(e);
	return ort.again || run(e);
}

static bool
result(Engine *e, int i, Tensor *t)
{
	void *info;
	size_t rank;
	bool ok;

	if (!ort.tensor[i] || !CALL(e, GetTensorTypeAndShape, (void *, void **), ort.out[i], &info))
		return false;
	*t = (Tensor){.name = ort.out_name[i], .n = 1};
	ok = CALL(e, GetTensorElementType, (void *, int *), info, &t->dtype) && dtype_size(t->dtype) &&
		CALL(e, GetDimensionsCount, (void *, size_t *), info, &rank) && rank <= MAX_RANK &&
		CALL(e, GetDimensions, (void *, int64_t *, size_t), info, t->dim, rank) &&
		CALL(e, GetTensorMutableData, (void *, const void **), ort.out[i], &t->p);
	FN(ReleaseTensorTypeAndShapeInfo, void (*)(void *))(info);
	for (size_t k = 0; ok && k < rank; k++)
		t->n *= t->dim[k];
	t->rank = ok ? (int)rank : 0;
	return ok;
}

Engine engine_ort = {.name = "ort", .load = load, .run = run, .result = result};
