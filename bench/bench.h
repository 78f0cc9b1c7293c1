/* What the parts of the side-by-side measurement share. bench/README.md says how it is used.
 *
 * One process measures one network: it loads the three engines, runs each once on the same inputs, compares
 * what they answer, and then times them in interleaved rounds with slices of a fed FMA loop between. It knows
 * nothing of ONNX files: a job file, written by bench.py, says which libraries, which inputs and how long.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_RANK = 16, MAX_THREADS = 64, WHY = 400 };

/* dtype has ONNX's numbers */
typedef struct Tensor {
	const char *name;
	int dtype, rank;
	int64_t dim[MAX_RANK];
	int64_t n;                /* elements */
	const void *p;
} Tensor;

/* a symbolic dimension of the model and the size that the inputs give it */
typedef struct Dim {
	const char *name;
	int64_t size;
} Dim;

typedef struct Job {
	const char *name;         /* for the progress line */
	const char *model;        /* .onnx */
	const char *lib, *symbol; /* zenithc's library and its NAME_model */
	const char *ort, *ov;     /* engines' libraries; NULL: left out */
	int threads, cpu[MAX_THREADS];
	bool int8;                /* the yardstick is the dot product's rate */
	bool cpu_time;            /* of the process, instead of the time of day */
	double seconds, tolerance;
	int nin, ndim;
	Tensor *in;
	Dim *dim;
} Job;

/* An engine. load and run say in `why` what failed. */
typedef struct Engine Engine;
struct Engine {
	const char *name;
	bool (*load)(Engine *, const Job *);
	bool (*run)(Engine *);
	/* output i of the last run; false: no tensor of numbers. The data is valid until the next run */
	bool (*result)(Engine *, int i, Tensor *);
	int nout;
	double macs;              /* zenithc: of one run, 0 if it does not know */
	char version[80];
	char why[WHY];
};

extern Engine engine_zn, engine_ort, engine_ov;

/* job.c */
void job_read(Job *, const char *path);
void choose_cpus(Job *);               /* for its threads: the first of each core, then the others; no other is used */
size_t dtype_size(int dtype);          /* 0: none that is measured */
bool fail(Engine *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void *need(size_t bytes);              /* zeroed, 64-byte aligned, or the end */

/* compare.c: the largest |a - b| / max|a| over all outputs that are tensors of numbers in both; INFINITY if
 * shapes or NaNs differ. *n: how many outputs were compared */
double compare(Engine *a, Engine *b, int *n);

/* yard.c: the rate of fed multiply-adds on all CPUs of the job at once, between the slices of the engines */
void yard_start(const Job *);
const char *yard_name(void);
double yard_gops(double seconds);      /* 1e9 operations/s, 2 for a multiply-add */

#endif
