/* The job file: a line is a word and its fields, separated by tabs.
 *
 *   name NAME | model PATH | lib PATH SYMBOL | ort PATH | ov PATH
 *   threads N | seconds S | tolerance R | int8 | cpu
 *   dim NAME SIZE
 *   input NAME DTYPE FILE RANK DIM...       FILE: the elements, row-major, as this machine has them
 */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

bool
fail(Engine *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->why, sizeof e->why, fmt, ap);
	va_end(ap);
	return false;
}

void *
need(size_t bytes)
{
	size_t n = (bytes + 127) / 64 * 64;
	void *p = aligned_alloc(64, n);

	if (!p)
		die("out of memory: %zu bytes", bytes);
	return memset(p, 0, n);
}

size_t
dtype_size(int t)
{
	static const char size[] = {[1] = 4, [2] = 1, [3] = 1, [4] = 2, [5] = 2, [6] = 4, [7] = 8, [9] = 1,
		[10] = 2, [11] = 8, [12] = 4, [13] = 8, [16] = 2};

	return t > 0 && t < (int)sizeof size ? (size_t)size[t] : 0;
}

static const char *
field(char **s, const char *what)
{
	char *f = strsep(s, "\t");

	if (!f)
		die("job file: no %s", what);
	return f;
}

static void *
contents(const char *path, size_t bytes)
{
	char *p = need(bytes);
	int fd = open(path, O_RDONLY);

	for (size_t done = 0; done < bytes; ) {
		ssize_t n = fd < 0 ? -1 : read(fd, p + done, bytes - done);
		if (n <= 0)
			die("cannot read %zu bytes of %s", bytes, path);
		done += (size_t)n;
	}
	close(fd);
	return p;
}

static void
read_input(Job *j, char *s)
{
	const char *path;
	Tensor *t;

	j->in = realloc(j->in, (size_t)(j->nin + 1) * sizeof *j->in);
	if (!j->in)
		die("out of memory");
	t = &j->in[j->nin++];
	t->name = field(&s, "name");
	t->dtype = atoi(field(&s, "dtype"));
	path = field(&s, "file");
	t->rank = atoi(field(&s, "rank"));
	if (t->rank < 0 || t->rank > MAX_RANK || !dtype_size(t->dtype))
		die("job file: input '%s'", t->name);
	t->n = 1;
	for (int i = 0; i < t->rank; i++)
		t->n *= t->dim[i] = atoll(field(&s, "dimension"));
	t->p = contents(path, (size_t)t->n * dtype_size(t->dtype));
}

static void
read_dim(Job *j, char *s)
{
	j->dim = realloc(j->dim, (size_t)(j->ndim + 1) * sizeof *j->dim);
	if (!j->dim)
		die("out of memory");
	j->dim[j->ndim].name = field(&s, "name");
	j->dim[j->ndim++].size = atoll(field(&s, "size"));
}

static void
line(Job *j, char *s)
{
	const char *w = field(&s, "word");

	if (!strcmp(w, "name"))
		j->name = field(&s, "name");
	else if (!strcmp(w, "model"))
		j->model = field(&s, "path");
	else if (!strcmp(w, "lib")) {
		j->lib = field(&s, "path");
		j->symbol = field(&s, "symbol");
	} else if (!strcmp(w, "ort"))
		j->ort = field(&s, "path");
	else if (!strcmp(w, "ov"))
		j->ov = field(&s, "path");
	else if (!strcmp(w, "threads"))
		j->threads = atoi(field(&s, "number"));
	else if (!strcmp(w, "seconds"))
		j->seconds = atof(field(&s, "number"));
	else if (!strcmp(w, "tolerance"))
		j->tolerance = atof(field(&s, "number"));
	else if (!strcmp(w, "int8"))
		j->int8 = true;
	else if (!strcmp(w, "cpu"))
		j->cpu_time = true;
	else if (!strcmp(w, "dim"))
		read_dim(j, s);
	else if (!strcmp(w, "input"))
		read_input(j, s);
	else
		die("job file: '%s'", w);
}

void
job_read(Job *j, const char *path)
{
	FILE *f = fopen(path, "r");
	char *s = NULL;
	size_t room = 0;
	ssize_t n;

	if (!f)
		die("cannot read %s", path);
	*j = (Job){.name = "", .threads = 1, .seconds = 5, .tolerance = 1e-4};
	while ((n = getline(&s, &room, f)) > 0) {
		if (s[n - 1] == '\n')
			s[n - 1] = 0;
		line(j, strdup(s));
	}
	free(s);
	fclose(f);
	if (!j->model || !j->lib || j->threads < 1 || j->threads > MAX_THREADS)
		die("%s: incomplete", path);
}

void
choose_cpus(Job *j)
{
	cpu_set_t may, use;
	int n = 0;

	sched_getaffinity(0, sizeof may, &may);
	CPU_ZERO(&use);
	for (int second = 0; second < 2; second++)
		for (int c = 0; c < CPU_SETSIZE && n < j->threads; c++) {
			char path[80];
			int first = c;
			FILE *f;

			snprintf(path, sizeof path,
				"/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", c);
			if (!CPU_ISSET(c, &may) || CPU_ISSET(c, &use))
				continue;
			f = fopen(path, "r");
			if (f) {
				if (fscanf(f, "%d", &first) != 1)
					first = c;
				fclose(f);
			}
			if (!second && first != c && CPU_ISSET(first, &may))
				continue;
			CPU_SET(c, &use);
			j->cpu[n++] = c;
		}
	if (n < j->threads)
		die("%d threads, but only %d CPUs", j->threads, n);
	if (sched_setaffinity(0, sizeof use, &use))
		die("cannot choose CPUs");
}
