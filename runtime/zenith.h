/* zenith.h: the interface between generated models and the programs that call them. C99 and C++.
 *
 * A generated NAME.h declares typed functions for its own model and copies, guarded, the declarations below
 * that it uses, so a program that knows its model needs nothing else. This file is for hosts that do not:
 * they get a zenith_model from NAME_model() and call any network through it.
 *
 * Everything here is plain data with a version. ZENITH_ABI changes when a declaration changes its meaning or
 * layout; within a version fields are only ever added at the end of zenith_model, whose `size` says how many
 * it has.
 */
#ifndef ZENITH_H
#define ZENITH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* zenith_status */
#ifndef ZENITH_STATUS
#define ZENITH_STATUS
typedef enum zenith_status {
	ZENITH_OK = 0,
	ZENITH_BAD_ARGUMENT = 1,  /* a null pointer, a misaligned one, a wrong dtype, kind or number of
				     tensors */
	ZENITH_BAD_SHAPE = 2,     /* the inputs' shapes do not fit the model or each other */
	ZENITH_BAD_INDEX = 3,     /* an index in the data is out of range */
	ZENITH_BAD_DATA = 4,  /* other data that the model cannot use: text that is no number, an empty
				 sequence */
	ZENITH_CAPACITY = 5,      /* an output needs more elements than its capacity; its dims say how many */
	ZENITH_HEAP_FULL = 6,     /* the heap region, at the end of the workspace, is too small */
	ZENITH_WORKSPACE = 7,     /* no workspace was given, or one that is too small for these shapes */
	ZENITH_NO_WEIGHTS = 8,    /* no weights were given, or they could not be mapped */
	ZENITH_UNSUPPORTED = 9    /* this build of the model cannot do what was asked */
} zenith_status;
#endif

/* zenith_string: not terminated. Those of outputs point into the inputs, the weights or the heap region */
#ifndef ZENITH_STRING
#define ZENITH_STRING
typedef struct zenith_string {
	const char *p;
	size_t n;
} zenith_string;
#endif

/* zenith_setup: what a context works with. Zero means the default.
 * Memory must be aligned to ZENITH_ALIGN bytes and stay until NAME_done. */
#ifndef ZENITH_SETUP
#define ZENITH_SETUP
#define ZENITH_ALIGN 16
typedef struct zenith_setup {
	const void *weights;  /* default: those built in; needed if the model was compiled with
				 --weights=extern */
	size_t weight_bytes;
	void *workspace;  /* default: the model's own static one, if it has one. Not shared between threads */
	size_t workspace_bytes;   /* what lies beyond the need of the shapes at hand is the heap region */
	void *state;              /* kept between runs; default: the model's own. NAME_init clears it */
	size_t state_bytes;
	struct zenith_pool *pool; /* threads, for models compiled with --threads; default: the process's own */
	void *stream;             /* device stream; must be 0 for CPU targets */
} zenith_setup;

/* zenith_ctx: one per thread that runs the model; made by NAME_init, its fields are the model's business */
typedef struct zenith_ctx {
	const unsigned char *weights;
	unsigned char *workspace, *state;
	size_t workspace_bytes;
	uint32_t magic;
	uint32_t flags;
	struct zenith_pool *pool;
	void *reserved[2];
} zenith_ctx;
#endif

/* zenith_pool: threads that share the work of one kernel. Models call nothing but `run`, so a program may
 * bring its own: it does task(arg, i) once for each i in 0..parts-1, in any order, on any threads, and
 * returns when all are done. What a model computes does not depend on the pool, nor on who does what.
 * The functions are those of libzenith_rt's pool. It may be shared by models and by threads; who finds it at
 * work does its own parts alone. */
#ifndef ZENITH_POOL
#define ZENITH_POOL
#define ZENITH_MAX_THREADS 256
typedef void (*zenith_task)(void *arg, int part);
typedef struct zenith_pool {
	void (*run)(struct zenith_pool *, zenith_task task, void *arg, int parts);
	int threads;              /* the caller's included */
} zenith_pool;
/* NULL if there are no such threads, or no memory. They spin for a tenth of a millisecond, then sleep */
zenith_pool *zenith_pool_new(int threads);
void zenith_pool_free(zenith_pool *);
/* the process's own, with at least so many threads if they can be had; never freed */
zenith_pool *zenith_pool_shared(int threads);
#endif

/* zenith_tensor: an input or output for hosts that do not know the model.
 *   tensor     data: elements in row-major order, `strides` NULL. Sub-byte types packed, first element in the
 *              low bits; bool is one byte, 0 or 1; float16 and bfloat16 are uint16_t patterns; complex
 *              numbers are pairs; strings are zenith_string[]
 *   sequence   items[0..count): tensors of dtype `dtype`
 *   optional   count 0 or 1, items[0]
 *   maps       a sequence of maps with the same constant keys: data is float32 or int64 [dims[0]][keys], as
 *              zenith_value describes it
 * Of an output the caller sets data and capacity (elements; items: tensors), the run sets rank, dims,
 * count. */
#ifndef ZENITH_TENSOR
#define ZENITH_TENSOR
#define ZENITH_MAX_RANK 16
typedef enum zenith_kind {
	ZENITH_KIND_TENSOR = 0,
	ZENITH_KIND_SEQUENCE = 1,
	ZENITH_KIND_OPTIONAL = 2,
	ZENITH_KIND_MAPS = 3
} zenith_kind;

typedef struct zenith_tensor {
	void *data;               /* not written through for inputs */
	int32_t kind, dtype;      /* zenith_kind; ONNX's numbers */
	int32_t rank, reserved;
	int64_t dims[ZENITH_MAX_RANK];
	const int64_t *strides;   /* elements; NULL: row-major. Others are refused in this version */
	size_t capacity;          /* outputs: elements (sequences: items) that there is room for */
	size_t count;             /* sequences, optionals */
	struct zenith_tensor *items;
} zenith_tensor;
#endif

/* zenith_model: a network described */
#ifndef ZENITH_MODEL
#define ZENITH_MODEL
#define ZENITH_ABI 1
typedef struct zenith_value {
	const char *name;         /* as in the ONNX file, UTF-8 */
	int32_t kind, dtype;      /* sequences and optionals: dtype of the elements; maps: of the values */
	int32_t rank, key_dtype;  /* rank -1: sequences and optionals. key_dtype: of maps 7 int64, 8 string; of
				     optionals the zenith_kind of what they hold; else 0 */
	const int64_t *dims;      /* dims[rank]; -1: known at run time */
	const char *const *dim_names;    /* dim_names[rank], NULL where it has none; or NULL */
	const void *keys;  /* maps: int64_t[nkeys] or zenith_string[nkeys]; value i, key j at data[i*nkeys +
			      j] */
	int64_t nkeys;
} zenith_value;

typedef struct zenith_model {
	uint32_t abi;             /* ZENITH_ABI */
	uint32_t size;            /* sizeof(zenith_model) as the model knew it */
	const char *name;         /* prefix of its symbols */
	const char *hash;         /* SHA-256 of the .onnx file, hexadecimal */
	const char *options;      /* that it was compiled with */
	int32_t ninputs, noutputs;
	const zenith_value *inputs, *outputs;
	size_t workspace_bytes;   /* static shapes: without the heap region. Dynamic: 0, ask workspace() */
	size_t heap_bytes;        /* suggestion for the heap region; 0: it has none */
	size_t state_bytes, weight_bytes;
	double macs;              /* multiply-accumulates of one run at static shapes, else 0 */
	/* each returns a zenith_status */
	int (*init)(zenith_ctx *, const zenith_setup *);
	int (*run)(zenith_ctx *, const zenith_tensor *inputs, zenith_tensor *outputs);
	int (*done)(zenith_ctx *);
	int (*workspace)(const zenith_tensor *inputs, size_t *bytes);    /* without the heap region */
} zenith_model;
#endif

#ifdef __cplusplus
}
#endif

#endif
