/* The pool of threads: see zenith.h. pthreads, and the atomic builtins of gcc and clang. C99 and C++.
 *
 * A job is `parts` tasks. Each part has a word, (number of the job) << 1 | taken, in a cache line of its own:
 * who turns it to taken runs the part. A thread takes its own parts first (t, t + threads, ...), so that
 * data stay in its caches from one job to the next, and then what others have not begun: a thread that
 * sleeps, or that the system has taken away, delays nobody. Only the holder of a part reads the task, so one
 * that comes late finds every word taken, or numbered anew, and touches nothing.
 *
 * Waiting, for a job and for its end, is spinning for SPIN_NS, then sleeping.
 *
 * Who finds the pool at work (another thread, or a task of the job itself) runs its parts alone: nobody waits
 * for a stranger's job, and nothing can lock up. After fork() the child has no threads: its pools run alone. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "zenith.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#ifdef __linux__
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

enum { LINE = 64, SPIN_NS = 100000, SPINS = 64 };

typedef struct Part { uint32_t word; char pad[LINE - sizeof(uint32_t)]; } Part;

typedef struct Sleepers { uint32_t n; char pad[LINE - sizeof(uint32_t)]; } Sleepers;

typedef struct Start { struct Pool *pool; int self; } Start;

typedef struct Pool {
	zenith_pool face;        /* first: what users of the interface see */
	zenith_task task;        /* of the job; read by who holds a part of it */
	void *arg;
	unsigned forks;          /* of the process that made it */
	char pad0[LINE];
	uint32_t job;            /* its number; ENDS: the pool does */
	char pad1[LINE - sizeof(uint32_t)];
	uint32_t left;           /* parts that are not done */
	char pad2[LINE - sizeof(uint32_t)];
	uint32_t busy;           /* somebody's job is being run */
	uint32_t nparts;         /* of the job, for threads that look for work */
	char pad3[LINE - 2 * sizeof(uint32_t)];
	Sleepers idle, joining;
	pthread_mutex_t mutex;   /* sleeping without futexes */
	pthread_cond_t cond;
	int started;             /* threads, the caller's included */
	pthread_t thread[ZENITH_MAX_THREADS];
	Start start[ZENITH_MAX_THREADS];
	Part part[ZENITH_MAX_THREADS];
} Pool;

#define GET(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define PUT(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

static unsigned forks;

static void
count_fork(void)
{
	forks++;
}

static void
watch_forks(void)
{
	pthread_atfork(NULL, NULL, count_fork);
}

/* ---- waiting */

static inline void
relax(void)
{
#if defined __x86_64__ || defined __i386__
	__builtin_ia32_pause();
#elif defined __aarch64__
	__asm__ volatile("isb" ::: "memory");
#endif
}

static int64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* until *word is not v any more, or the time is up */
static int
spin(const uint32_t *word, uint32_t v)
{
	int64_t end = 0, t;

	for (;;) {
		for (int i = 0; i < SPINS; i++) {
			if (GET(word) != v)
				return 1;
			relax();
		}
		t = now();
		if (!end)
			end = t + SPIN_NS;
		else if (t > end)
			return 0;
	}
}

#ifdef __linux__
static void
rest(Pool *p, uint32_t *word, uint32_t v)
{
	(void)p;
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, v, NULL, NULL, 0);
}

static void
rouse(Pool *p, uint32_t *word)
{
	(void)p;
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
#else
static void
rest(Pool *p, uint32_t *word, uint32_t v)
{
	pthread_mutex_lock(&p->mutex);
	if (GET(word) == v)
		pthread_cond_wait(&p->cond, &p->mutex);
	pthread_mutex_unlock(&p->mutex);
}

static void
rouse(Pool *p, uint32_t *word)
{
	(void)word;
	pthread_mutex_lock(&p->mutex);
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->mutex);
}
#endif

/* the sleeper counts itself before it looks at the word for the last time, the waker changes the word before
 * it looks at the count: one of them sees the other */
static void
await(Pool *p, uint32_t *word, uint32_t v, Sleepers *s)
{
	if (spin(word, v))
		return;
	__atomic_fetch_add(&s->n, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == v)
		rest(p, word, v);
	__atomic_fetch_sub(&s->n, 1, __ATOMIC_SEQ_CST);
}

static void
wake(Pool *p, uint32_t *word, Sleepers *s)
{
	if (__atomic_load_n(&s->n, __ATOMIC_SEQ_CST))
		rouse(p, word);
}

/* ---- parts */

static void
try_part(Pool *p, uint32_t job, int i)
{
	uint32_t *word = &p->part[i].word, want = job << 1;

	if (__atomic_load_n(word, __ATOMIC_RELAXED) != want ||
	    !__atomic_compare_exchange_n(word, &want, want | 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	p->task(p->arg, i);
	if (__atomic_sub_fetch(&p->left, 1, __ATOMIC_SEQ_CST) == 0)
		wake(p, &p->left, &p->joining);
}

static void
work(Pool *p, uint32_t job, int self)
{
	int n = (int)__atomic_load_n(&p->nparts, __ATOMIC_RELAXED);
	int step = __atomic_load_n(&p->face.threads, __ATOMIC_RELAXED);

	for (int i = self; i < n; i += step)
		try_part(p, job, i);
	for (int i = 0; i < n; i++)
		try_part(p, job, i);
}

enum { ENDS = 0x40000000 };      /* in Pool.job, whose numbers have 30 bits */

static void *
worker(void *arg)
{
	Start *s = (Start *)arg;
	Pool *p = s->pool;
	uint32_t job = 0;

	for (;;) {
		await(p, &p->job, job, &p->idle);
		job = GET(&p->job);
		if (job & ENDS)
			return NULL;
		work(p, job, s->self);
	}
}

static void
alone(zenith_task task, void *arg, int parts)
{
	for (int i = 0; i < parts; i++)
		task(arg, i);
}

static void
run(zenith_pool *pool, zenith_task task, void *arg, int parts)
{
	Pool *p = (Pool *)pool;
	uint32_t job, left;

	if (parts < 2 || parts > ZENITH_MAX_THREADS || p->forks != forks ||
	    __atomic_load_n(&p->face.threads, __ATOMIC_RELAXED) < 2 ||
	    __atomic_exchange_n(&p->busy, 1, __ATOMIC_ACQUIRE)) {
		alone(task, arg, parts);
		return;
	}
	p->task = task;
	p->arg = arg;
	job = (p->job + 1) & (ENDS - 1);
	__atomic_store_n(&p->nparts, (uint32_t)parts, __ATOMIC_RELAXED);
	PUT(&p->left, (uint32_t)parts);
	for (int i = 0; i < parts; i++)
		PUT(&p->part[i].word, job << 1);
	__atomic_store_n(&p->job, job, __ATOMIC_SEQ_CST);
	wake(p, &p->job, &p->idle);
	work(p, job, 0);
	while ((left = __atomic_load_n(&p->left, __ATOMIC_SEQ_CST)))
		await(p, &p->left, left, &p->joining);
	PUT(&p->busy, 0);
}

/* ---- making and ending */

/* up to that many threads; false if the system gives no more. Signals are for the program's own threads */
static int
grow(Pool *p, int threads)
{
	sigset_t all, before;
	int ok = 1;

	while (__atomic_exchange_n(&p->busy, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (int i = p->started; ok && i < threads; i++) {
		p->start[i].pool = p;
		p->start[i].self = i;
		ok = !pthread_create(&p->thread[i], NULL, worker, &p->start[i]);
		p->started += ok;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	__atomic_store_n(&p->face.threads, p->started, __ATOMIC_RELAXED);
	PUT(&p->busy, 0);
	return ok;
}

zenith_pool *
zenith_pool_new(int threads)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	Pool *p;

	if (threads < 1 || threads > ZENITH_MAX_THREADS)
		return NULL;
	pthread_once(&once, watch_forks);
	p = (Pool *)calloc(1, sizeof *p);
	if (!p)
		return NULL;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->cond, NULL);
	p->face.run = run;
	p->forks = forks;
	p->started = 1;
	for (int i = 0; i < ZENITH_MAX_THREADS; i++)
		p->part[i].word = 1;
	if (!grow(p, threads)) {
		zenith_pool_free(&p->face);
		return NULL;
	}
	return &p->face;
}

void
zenith_pool_free(zenith_pool *pool)
{
	Pool *p = (Pool *)pool;

	if (!p)
		return;
	if (p->forks == forks) {
		__atomic_fetch_or(&p->job, (uint32_t)ENDS, __ATOMIC_SEQ_CST);
		wake(p, &p->job, &p->idle);
		for (int i = 1; i < p->started; i++)
			pthread_join(p->thread[i], NULL);
	}
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}

zenith_pool *
zenith_pool_shared(int threads)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static Pool *pool;
	Pool *p;

	if (threads < 1 || threads > ZENITH_MAX_THREADS)
		return NULL;
	pthread_mutex_lock(&mutex);
	if (!pool || pool->forks != forks)
		pool = (Pool *)zenith_pool_new(threads);
	else if (pool->started < threads)
		grow(pool, threads);
	p = pool;
	pthread_mutex_unlock(&mutex);
	return p ? &p->face : NULL;
}
