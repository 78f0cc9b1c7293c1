/* Measures one network: see bench.h. usage: run JOB
 *
 * Writes one JSON object to standard output:
 *   engines   for each of zenithc, ort, openvino that was asked for: version, load_s, why (only if it
 *             failed), apart (its answers differ), ms {min, median, rounds [[min, median]...]}: of calls or
 *             short batches of calls
 *   diff      the largest |a - b| / max|a| of each pair before the timing; `after`: of zenithc's last answer
 *             and its first
 *   compared  outputs that were compared, of `outputs`
 *   limit     name, gops of each slice of the yardstick
 *   kernel_macs    multiply-adds of one run, as zenithc counts them in its kernels
 *   error     why nothing was timed
 * The exit code is 100, 101 or 102 if it was zenithc's code, ONNX Runtime or OpenVINO that crashed.
 * Rounds: a slice of each engine, beginning with another one each round, and a slice of the yardstick before
 * each. A slice is one call, or calls for a thirtieth of the time after one that is not counted.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "limit.h"

enum { CRASHED = 100, NENGINE = 3, MAX_ROUNDS = 400, MAX_BATCHES = 4096 };
#define BATCH 200e-6
#define YARD 5e-3

static Engine *const engines[NENGINE] = {&engine_zn, &engine_ort, &engine_ov};

static struct {
	bool asked, works, apart;
	double load_s, call_s;    /* of one call, about */
	int n;
	double min[MAX_ROUNDS], median[MAX_ROUNDS];
} st[NENGINE];

static struct {
	int n;
	double v[MAX_ROUNDS * NENGINE];
} yard;

static volatile sig_atomic_t current;     /* the engine that works */

static double diff[NENGINE][NENGINE], after = -1;    /* -1: not known */
static int compared;
static const char *error;

static void
progress(const Job *j, const char *what, double part)
{
	static int tty = -1;

	if (tty < 0)
		tty = isatty(2);
	if (tty)
		fprintf(stderr, "\r\033[K%s: %s %3.0f %%\r", j->name, what, 100 * part);
}

/* tells bench.py which engine it was */
static void
crashed(int sig)
{
	(void)sig;
	_exit(CRASHED + current);
}

static void
load_all(const Job *j)
{
	const char *const lib[NENGINE] = {j->lib, j->ort, j->ov};

	for (int i = 0; i < NENGINE; i++) {
		double t = limit_now();

		if (!lib[i])
			continue;
		progress(j, engines[i]->name, 0);
		st[i].asked = true;
		current = i;
		st[i].works = engines[i]->load(engines[i], j);
		st[i].load_s = limit_now() - t;
	}
}

/* Nothing is timed if zenithc agrees with no engine. One that parts from the two others is timed with them,
 * and marked: it may only break ties otherwise. */
static void
compare_all(const Job *j)
{
	bool same[NENGINE][NENGINE] = {{false}};
	int others = 0, agree = 0;

	for (int a = 0; a < NENGINE; a++)
		for (int b = a + 1; b < NENGINE; b++) {
			int n = 0;
			if (!st[a].works || !st[b].works)
				continue;
			diff[a][b] = compare(engines[b], engines[a], &n);
			same[a][b] = n && diff[a][b] <= j->tolerance;
			compared = n > compared ? n : compared;
			if (!a) {
				others++;
				agree += same[a][b];
			}
		}
	if (!others)
		error = "no engine to compare with";
	else if (!compared)
		error = "no output that can be compared";
	else if (!agree)
		error = others > 1 && !same[1][2] ? "no two engines agree" : "zenithc's answers differ";
	for (int b = 1; b < NENGINE && !error; b++)
		st[b].apart = st[b].works && !same[0][b];
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(const double *v, int n)
{
	double s[MAX_BATCHES];

	memcpy(s, v, (size_t)n * sizeof *s);
	qsort(s, (size_t)n, sizeof *s, order);
	return n ? n % 2 ? s[n / 2] : (s[n / 2 - 1] + s[n / 2]) / 2 : 0;
}

static void
run_once(int i)
{
	current = i;
	if (!engines[i]->run(engines[i]))
		die("%s: %s", engines[i]->name, engines[i]->why);
}

static clockid_t clock_used = CLOCK_MONOTONIC;

static double
stamp(void)
{
	struct timespec t;

	clock_gettime(clock_used, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
slice(int i, double seconds)
{
	double v[MAX_BATCHES], began, t;
	int n = 0, calls = (int)ceil(BATCH / st[i].call_s);

	if (st[i].call_s < seconds)
		run_once(i);
	began = limit_now();
	do {
		t = stamp();
		for (int k = 0; k < calls; k++)
			run_once(i);
		v[n++] = (stamp() - t) / calls;
	} while (n < MAX_BATCHES && limit_now() - began + v[0] * calls / 2 < seconds);
	st[i].median[st[i].n] = median(v, n);
	qsort(v, (size_t)n, sizeof *v, order);
	st[i].min[st[i].n++] = v[0];
}

/* how long a call takes: the faster of two */
static double
guess(void)
{
	double all = 0, t;

	for (int i = 0; i < NENGINE; i++) {
		if (!st[i].works)
			continue;
		st[i].call_s = INFINITY;
		for (int k = 0; k < 2 && (!k || st[i].call_s < 1); k++) {
			t = stamp();
			run_once(i);
			t = stamp() - t;
			st[i].call_s = t < st[i].call_s ? t : st[i].call_s;
		}
		if (st[i].call_s < 1e-7)
			st[i].call_s = 1e-7;
		all += st[i].call_s;
	}
	return all;
}

static void
rounds(const Job *j)
{
	double part = j->seconds / (10 * NENGINE), began, last = 0, t;
	double all = guess();

	yard_start(j);
	began = limit_now();
	for (int r = 0; r < MAX_ROUNDS; r++) {
		t = limit_now();
		if (r && t - began + (last > all ? last : all) > j->seconds)
			break;
		progress(j, "measuring", (t - began) / j->seconds);
		for (int k = 0; k < NENGINE; k++) {
			int i = (r + k) % NENGINE;
			if (!st[i].works)
				continue;
			yard.v[yard.n++] = yard_gops(YARD);
			slice(i, part);
		}
		last = limit_now() - t;
	}
}

/* a copy of zenithc's outputs, to see that the last run gave what the first gave */
static Tensor *first;

static bool
first_result(Engine *e, int i, Tensor *t)
{
	(void)e;
	*t = first[i];
	return t->p;
}

static void
keep_first(void)
{
	first = need((size_t)engine_zn.nout * sizeof *first);
	for (int i = 0; i < engine_zn.nout; i++)
		if (engine_zn.result(&engine_zn, i, &first[i])) {
			size_t n = (size_t)first[i].n * dtype_size(first[i].dtype);
			first[i].p = memcpy(need(n), first[i].p, n);
		} else
			first[i].p = NULL;
}

static void
compare_after(const Job *j)
{
	Engine old = {.nout = engine_zn.nout, .result = first_result};
	int n;

	after = compare(&old, &engine_zn, &n);
	if (!(after <= j->tolerance))
		error = "zenithc's answers change from run to run";
}

static void
json_string(const char *s)
{
	putchar('"');
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 32)
			putchar(' ');
		else
			putchar(*s);
	putchar('"');
}

/* what JSON has no number for is null */
static void
json_number(double v)
{
	if (isfinite(v))
		printf("%.6g", v);
	else
		printf("null");
}

static double
least(const double *v, int n)
{
	double m = INFINITY;

	for (int i = 0; i < n; i++)
		m = v[i] < m ? v[i] : m;
	return m;
}

static void
print_engine(int i)
{
	printf("\n\t\t\"%s\": {\"version\": ", engines[i]->name);
	json_string(engines[i]->version);
	printf(", \"load_s\": %.3f", st[i].load_s);
	if (!st[i].works) {
		printf(", \"why\": ");
		json_string(engines[i]->why);
	}
	if (st[i].apart)
		printf(", \"apart\": true");
	if (st[i].n) {
		printf(", \"ms\": {\"min\": %.6g, \"median\": %.6g, \"rounds\": [",
			1e3 * least(st[i].min, st[i].n), 1e3 * median(st[i].median, st[i].n));
		for (int k = 0; k < st[i].n; k++)
			printf("%s[%.6g, %.6g]", k ? ", " : "", 1e3 * st[i].min[k], 1e3 * st[i].median[k]);
		printf("]}");
	}
	printf("}");
}

static void
print_diffs(void)
{
	const char *sep = "";

	printf("\t\"diff\": {");
	for (int a = 0; a < NENGINE; a++)
		for (int b = a + 1; b < NENGINE; b++)
			if (diff[a][b] >= 0) {
				printf("%s\"%s/%s\": ", sep, engines[a]->name, engines[b]->name);
				json_number(diff[a][b]);
				sep = ", ";
			}
	if (after >= 0) {
		printf("%s\"after\": ", sep);
		json_number(after);
	}
	printf("},\n\t\"compared\": %d, \"outputs\": %d,\n", compared, engine_zn.nout);
}

static void
print_json(void)
{
	const char *sep = "";

	printf("{\n\t\"engines\": {");
	for (int i = 0; i < NENGINE; i++)
		if (st[i].asked) {
			printf("%s", sep);
			print_engine(i);
			sep = ",";
		}
	printf("},\n");
	print_diffs();
	if (yard.n) {
		printf("\t\"limit\": {\"name\": \"%s\", \"gops\": [", yard_name());
		for (int i = 0; i < yard.n; i++)
			printf("%s%.5g", i ? ", " : "", yard.v[i]);
		printf("]},\n");
	}
	if (error) {
		printf("\t\"error\": ");
		json_string(error);
		printf(",\n");
	}
	printf("\t\"kernel_macs\": %.17g\n}\n", engine_zn.macs);
}

int
main(int argc, char **argv)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
	static Job j;

	if (argc != 2)
		die("usage: run JOB");
	job_read(&j, argv[1]);
	for (int i = 0; i < (int)(sizeof fatal / sizeof *fatal); i++)
		signal(fatal[i], crashed);
	if (j.cpu_time && j.threads > 1)
		die("the time of the CPU counts what threads spin: for one thread only");
	clock_used = j.cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
	choose_cpus(&j);
	for (int i = 0; i < NENGINE * NENGINE; i++)
		diff[i / NENGINE][i % NENGINE] = -1;
	load_all(&j);
	if (!st[0].works)
		error = "zenithc's model does not run";
	else
		compare_all(&j);
	if (!error) {
		keep_first();
		rounds(&j);
		compare_after(&j);
	}
	print_json();
	fflush(stdout);
	_exit(0);   /* engines' own endings are not what is measured */
}
