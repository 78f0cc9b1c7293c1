/* Failing calls, for LD_PRELOAD: FAULT=alloc:N makes the Nth allocation or mapping fail, FAULT=signal:N raises SIGINT at
 * the Nth call of what is listed here. At exit, into the file FAULT_LOG: how many calls there were, and how many
 * allocations were not given back. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static enum { NONE, ALLOC, SIGNAL } kind;
static long at, seen, live;
static int ready;                          /* 1: being set up, 2: done */
static char early[1 << 16];                /* what dlsym asks for before malloc is known */
static size_t nearly;

static void *(*real_malloc)(size_t), *(*real_realloc)(void *, size_t), *(*real_calloc)(size_t, size_t);
static void (*real_free)(void *);

static void
set_up(void)
{
	const char *s = getenv("FAULT");

	ready = 1;
	real_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
	real_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
	real_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
	real_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
	kind = !s ? NONE : *s == 'a' ? ALLOC : SIGNAL;
	at = s && strchr(s, ':') ? atol(strchr(s, ':') + 1) : 0;
	unsetenv("LD_PRELOAD");            /* the C compiler runs without */
	ready = 2;
}

/* before a call of that kind: true if it must fail */
static bool
fails(bool alloc)
{
	if (ready != 2)
		return false;
	if (kind == SIGNAL && ++seen == at)
		raise(SIGINT);
	if (kind != ALLOC || !alloc || ++seen != at)
		return false;
	errno = ENOMEM;
	return true;
}

static bool
is_early(const void *p)
{
	return (const char *)p >= early && (const char *)p < early + sizeof early;
}

static void *
take_early(size_t n)
{
	void *p = early + nearly;

	nearly += (n + 15) & ~(size_t)15;
	return nearly <= sizeof early ? p : NULL;
}

static void *
kept(void *p)
{
	live += p != NULL;
	return p;
}

void *
malloc(size_t n)
{
	if (!ready)
		set_up();
	if (ready == 1)
		return take_early(n);
	return fails(true) ? NULL : kept(real_malloc(n));
}

void *
calloc(size_t n, size_t m)
{
	if (!ready)
		set_up();
	if (ready == 1)
		return take_early(n * m);
	return fails(true) ? NULL : kept(real_calloc(n, m));
}

void *
realloc(void *p, size_t n)
{
	void *q;

	if (!p || is_early(p))
		return (q = malloc(n)) && p ? memcpy(q, p, n) : q;
	return fails(true) ? NULL : real_realloc(p, n);
}

void
free(void *p)
{
	if (!p || is_early(p))
		return;
	live--;
	real_free(p);
}

#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))

void *
mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
	return fails(true) ? MAP_FAILED : REAL(void *, mmap, void *, size_t, int, int, int, off_t)(p, n, prot, flags, fd, off);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;
	int fd;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	fails(false);
	fd = REAL(int, open, const char *, int, ...)(path, flags, mode);
	fails(false);
	return fd;
}

FILE *
fopen(const char *path, const char *mode)
{
	FILE *f;

	fails(false);
	f = REAL(FILE *, fopen, const char *, const char *)(path, mode);
	fails(false);
	return f;
}

#define AROUND(type, name, params, list, ...) \
	type name params { \
		type r; \
		fails(false); \
		r = REAL(type, name, __VA_ARGS__) list; \
		fails(false); \
		return r; \
	}

AROUND(int, fclose, (FILE *f), (f), FILE *)
AROUND(size_t, fwrite, (const void *p, size_t n, size_t m, FILE *f), (p, n, m, f), const void *, size_t, size_t, FILE *)
AROUND(int, rename, (const char *a, const char *b), (a, b), const char *, const char *)
AROUND(int, unlink, (const char *a), (a), const char *)
AROUND(char *, mkdtemp, (char *a), (a), char *)
AROUND(int, posix_spawnp, (pid_t *p, const char *f, const posix_spawn_file_actions_t *a, const posix_spawnattr_t *t,
	char *const *v, char *const *e), (p, f, a, t, v, e), pid_t *, const char *, const posix_spawn_file_actions_t *,
	const posix_spawnattr_t *, char *const *, char *const *)

__attribute__((destructor)) static void
report(void)
{
	const char *path = getenv("FAULT_LOG");
	char text[64];
	int fd, n;

	kind = NONE;
	if (!path || (fd = REAL(int, open, const char *, int, ...)(path, O_WRONLY | O_CREAT | O_TRUNC, 0666)) < 0)
		return;
	n = snprintf(text, sizeof text, "%ld %ld\n", seen, live);
	if (write(fd, text, (size_t)n) != n)
		_exit(99);
	close(fd);
}
