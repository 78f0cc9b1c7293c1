/* What bench and run --profile share: the machine's limits measured between runs, order statistics, a
 * progress bar, numbers as people read them. */
#ifndef ZENITHC_MEASURE_H
#define ZENITHC_MEASURE_H

#include "util.h"
#include "../bench/limit.h"

#include <cjson/cJSON.h>

/* the limits of `threads` threads at once, each reading `bytes`: a few milliseconds per slice, the medians */
typedef struct Yard {
	int threads;
	size_t bytes;
	VEC(double) fma, read;
} Yard;
int cpus(void);                          /* that this process may use */
int yard_threads(int working);           /* as many, but at most cpus(): more would take turns */
void yard_slice(Yard *);
double yard_fma(const Yard *);           /* GFLOP/s */
double yard_read(const Yard *);          /* GB/s */

void sort(double *, size_t n);
double quantile(const double *sorted, size_t n, double q);     /* the smallest that q of them do not exceed */
double median(const double *, int n);

/* a bar on standard error if that is a terminal, else nothing; part 1 takes it away */
void progress(const char *what, double part);

const char *time_str(double seconds);    /* "1.234 ms" */
const char *bytes_str(double);           /* "12.3 MB" */
void json_print(cJSON *);                /* to standard output; gives it back */

#endif
