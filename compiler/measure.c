/* Limits, order statistics, the progress bar: see measure.h. */
#define _GNU_SOURCE    /* CPU_COUNT */
#include "measure.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

static const double SLICE = 4e-3;

typedef struct Side { pthread_t id; pthread_barrier_t *both; size_t bytes; double fma, read; } Side;

static void *
side(void *arg)
{
	Side *s = arg;

	if (s->both)
		pthread_barrier_wait(s->both);
	s->fma = limit_fma_gflops(SLICE);
	if (s->both)
		pthread_barrier_wait(s->both);
	s->read = limit_read_gbs(s->bytes, SLICE);
	if (s->both)
		limit_done();
	return NULL;
}

static void
all_sides(Side *s, int n)
{
	pthread_barrier_t both;

	pthread_barrier_init(&both, NULL, (unsigned)n);
	for (int i = 0; i < n; i++) {
		s[i].both = &both;
		if (i && pthread_create(&s[i].id, NULL, side, &s[i]))
			fatal(EX_LIMIT, NULL, "cannot start %d threads", n);
	}
	side(&s[0]);
	for (int i = 1; i < n; i++)
		pthread_join(s[i].id, NULL);
	pthread_barrier_destroy(&both);
}

int
cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
}

int
yard_threads(int n)
{
	return n < cpus() ? n : cpus();
}

void
yard_slice(Yard *y)
{
	Side *s = NEWN(Side, y->threads);
	double fma = 0, read = 0;

	for (int i = 0; i < y->threads; i++)
		s[i].bytes = y->bytes;
	if (y->threads == 1)
		side(s);
	else
		all_sides(s, y->threads);
	for (int i = 0; i < y->threads; i++) {
		fma += s[i].fma;
		read += s[i].read;
	}
	push(&y->fma, fma);
	push(&y->read, read);
}

double yard_fma(const Yard *y) { return median(y->fma.p, y->fma.n); }
double yard_read(const Yard *y) { return median(y->read.p, y->read.n); }

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void
sort(double *x, size_t n)
{
	qsort(x, n, sizeof *x, by_value);
}

double
quantile(const double *x, size_t n, double q)
{
	double k = ceil(q * (double)n);

	return n ? x[k < 1 ? 0 : (size_t)k - 1] : 0;
}

double
median(const double *x, int n)
{
	double *s = copy_mem(x, (size_t)n * sizeof *x);

	sort(s, (size_t)n);
	return quantile(s, (size_t)n, 0.5);
}

void
progress(const char *what, double part)
{
	static double last;
	enum { WIDTH = 40 };
	int full = (int)(part * WIDTH);

	if (!isatty(2) || !zn->log || zn->json)
		return;
	if (part >= 1) {
		fprintf(stderr, "\r\033[K");
		last = 0;
		return;
	}
	if (limit_now() - last < 0.1)
		return;
	last = limit_now();
	fprintf(stderr, "\r%s [%.*s%*s] %2.0f%%", what, full, "########################################",
		WIDTH - full, "", 100 * part);
	fflush(stderr);
}

const char *
time_str(double s)
{
	static const struct { double unit; const char *name; } row[] = {
		{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}};
	int i = 0;

	while (i < LEN(row) - 1 && s < row[i].unit)
		i++;
	return fmt("%.4g %s", s / row[i].unit, row[i].name);
}

const char *
bytes_str(double n)
{
	return n < 1e4 ? fmt("%.0f bytes", n) : n < 1e6 ? fmt("%.3g kB", n * 1e-3)
		: n < 1e9 ? fmt("%.3g MB", n * 1e-6) : fmt("%.3g GB", n * 1e-9);
}

void
json_print(cJSON *j)
{
	char *text = cJSON_Print(j);

	puts(text);
	cJSON_free(text);
	cJSON_Delete(j);
}
