/* The pool of threads: every part once, many pools, nesting, sharing between threads, one thread, fork(). For
 * plain builds and under ThreadSanitizer. */
#include "../runtime/zenith.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = ZENITH_MAX_THREADS };

#define CHECK(e) do { if (!(e)) { fprintf(stderr, "FAIL %s:%d: %s\n", __FILE__, __LINE__, #e); exit(1); } } while (0)

typedef struct Job { zenith_pool *pool; int count[MOST]; } Job;

static void
count(void *arg, int i)
{
	((Job *)arg)->count[i]++;
}

static void
once_each(zenith_pool *p, int parts)
{
	Job j = {p, {0}};

	p->run(p, count, &j, parts);
	for (int i = 0; i < MOST; i++)
		CHECK(j.count[i] == (i < parts));
}

static void
nested(void *arg, int i)
{
	once_each(((Job *)arg)->pool, 5);
	((Job *)arg)->count[i]++;
}

static void *
user(void *pool)
{
	for (int k = 0; k < 3000; k++)
		once_each(pool, k % 7);
	return NULL;
}

/* several threads at one pool */
static void
shared(int threads)
{
	zenith_pool *p = zenith_pool_new(threads);
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		CHECK(!pthread_create(&t[i], NULL, user, p));
	user(p);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	zenith_pool_free(p);
}

/* threads that sleep come back */
static void
asleep(void)
{
	zenith_pool *p = zenith_pool_new(3);

	for (int k = 0; k < 20; k++) {
		usleep(2000);
		once_each(p, 3);
	}
	zenith_pool_free(p);
}

static void
many(void)
{
	zenith_pool *p[10];

	for (int i = 0; i < 10; i++)
		CHECK((p[i] = zenith_pool_new(1 + i % 4)) && p[i]->threads == 1 + i % 4);
	for (int k = 0; k < 200; k++)
		once_each(p[k % 10], k % 9);
	for (int i = 0; i < 10; i++)
		zenith_pool_free(p[i]);
	for (int i = 0; i < 200; i++)
		zenith_pool_free(zenith_pool_new(3));
	zenith_pool_free(NULL);
	CHECK(!zenith_pool_new(0) && !zenith_pool_new(MOST + 1));
}

static void
own(void)
{
	zenith_pool *p = zenith_pool_shared(2);

	CHECK(p && p->threads >= 2);
	once_each(p, 2);
	CHECK(zenith_pool_shared(4) == p && p->threads == 4);
	once_each(p, MOST);
	CHECK(zenith_pool_shared(3) == p && !zenith_pool_shared(0));
}

static void
child(void)
{
	zenith_pool *p = zenith_pool_shared(2);
	int status;
	pid_t pid = fork();

	if (!pid) {
		once_each(p, 4);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int
main(int argc, char **argv)
{
	static const int threads[] = {1, 2, 3, 8};
	zenith_pool *p;

	(void)argv;
	for (int i = 0; i < 4; i++) {
		p = zenith_pool_new(threads[i]);
		for (int k = 0; k < 2000; k++)
			once_each(p, k % 20);
		once_each(p, MOST);
		once_each(p, 0);
		Job j = {p, {0}};
		p->run(p, nested, &j, 6);
		for (int k = 0; k < 6; k++)
			CHECK(j.count[k] == 1);
		zenith_pool_free(p);
		shared(threads[i]);
	}
	asleep();
	many();
	own();
	if (argc < 2)            /* ThreadSanitizer has no fork with threads */
		child();
	return 0;
}
