/* The yardstick: what all threads together do at this moment, a thread per CPU, started once and asleep
 * between the slices. The fed multiply-adds are limit.c's; the products of bytes (VNNI) are the same loop on
 * other operands: a tile of 12 x 32 sums over K steps of 4 bytes, 12 values broadcast from a, two vectors of
 * b. */
#define _GNU_SOURCE
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "limit.h"

enum { K = 256, M = 12, N = 32, TILES = 4, PANELS = 8 };

#if defined(__x86_64__) && defined(__GNUC__)
static int32_t da[TILES * K * M], db[PANELS * K * N] __attribute__((aligned(64)));

#define S(x) #x
#define ROW(o, t, x, y) "vpbroadcastd " S(o) "(%[a]), %%zmm" S(t) "\n\t" \
	"vpdpbusd %%zmm28, %%zmm" S(t) ", %%zmm" S(x) "\n\tvpdpbusd %%zmm29, %%zmm" S(t) ", %%zmm" S(y) "\n\t"
#define STEP(u) "vmovups " S(u) "*128(%[b]), %%zmm28\n\tvmovups " S(u) "*128+64(%[b]), %%zmm29\n\t" \
	ROW(u*48+0, 24, 0, 1) ROW(u*48+4, 25, 2, 3) ROW(u*48+8, 26, 4, 5) ROW(u*48+12, 27, 6, 7) \
	ROW(u*48+16, 30, 8, 9) ROW(u*48+20, 31, 10, 11) ROW(u*48+24, 24, 12, 13) ROW(u*48+28, 25, 14, 15) \
	ROW(u*48+32, 26, 16, 17) ROW(u*48+36, 27, 18, 19) ROW(u*48+40, 30, 20, 21) ROW(u*48+44, 31, 22, 23)
#define ZERO(r) "vpxord %%zmm" S(r) ", %%zmm" S(r) ", %%zmm" S(r) "\n\t"
#define STORE(r) "vmovups %%zmm" S(r) ", " S(r) "*64(%[c])\n\t"
#define ALL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) \
	X(17) X(18) X(19) X(20) X(21) X(22) X(23)

__attribute__((target("avx512vnni"))) static void
tile(const int32_t *a, const int32_t *b, int32_t *c)
{
	long k = K / 2;

	__asm__ volatile(
		ALL(ZERO) ".p2align 5\n1:\n\t" STEP(0) STEP(1)
		"add $96, %[a]\n\tadd $256, %[b]\n\tdec %[k]\n\tjnz 1b\n\t" ALL(STORE) "vzeroupper"
		: [a] "+r"(a), [b] "+r"(b), [k] "+r"(k)
		: [c] "r"(c)
		: "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
		"xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18",
		"xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28",
		"xmm29", "xmm30", "xmm31");
}

static bool
has_dot(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni");
}

/* the best stretch of about 0.3 ms in `seconds`, 1e9 operations/s, 8 for four products and their sums */
static double
dot_gops(double seconds)
{
	int32_t c[M * N] __attribute__((aligned(64)));
	double end = limit_now() + seconds, from, t, best = 0, work;

	do {
		from = limit_now();
		work = 0;
		do {
			for (int j = 0; j < PANELS; j++)
				for (int i = 0; i < TILES; i++)
					tile(da + i * K * M, db + j * K * N, c);
			work += 8.0 * PANELS * TILES * K * M * N;
			t = limit_now();
		} while (t - from < 3e-4);
		best = work / (t - from) > best ? work / (t - from) : best;
	} while (t < end);
	return best * 1e-9;
}
#else
static bool
has_dot(void)
{
	return false;
}

static double
dot_gops(double seconds)
{
	(void)seconds;
	return 0;
}
#endif

static struct {
	bool dot;
	int n, arrived;
	double seconds, rate[MAX_THREADS];
	int cpu[MAX_THREADS];
	sem_t go[MAX_THREADS], done;
} yard;

/* starts together with the others: they wait for each other in a spin */
static void *
worker(void *arg)
{
	int id = (int)(intptr_t)arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(yard.cpu[id], &set);
	sched_setaffinity(0, sizeof set, &set);
	for (;;) {
		while (sem_wait(&yard.go[id]))
			;
		__atomic_add_fetch(&yard.arrived, 1, __ATOMIC_ACQ_REL);
		for (int i = 0; i < 100000 && __atomic_load_n(&yard.arrived, __ATOMIC_ACQUIRE) < yard.n; i++)
			;
		yard.rate[id] = yard.dot ? dot_gops(yard.seconds) : limit_fma_gflops(yard.seconds);
		sem_post(&yard.done);
	}
	return NULL;
}

void
yard_start(const Job *j)
{
	pthread_t t;

	yard.n = j->threads;
	yard.dot = j->int8 && has_dot();
	sem_init(&yard.done, 0, 0);
	for (int i = 0; i < yard.n; i++) {
		yard.cpu[i] = j->cpu[i];
		sem_init(&yard.go[i], 0, 0);
		if (pthread_create(&t, NULL, worker, (void *)(intptr_t)i))
			die("cannot start a thread");
	}
}

const char *
yard_name(void)
{
	return yard.dot ? "vnni 12x32" : limit_fma_name();
}

double
yard_gops(double seconds)
{
	double sum = 0;

	yard.seconds = seconds;
	__atomic_store_n(&yard.arrived, 0, __ATOMIC_RELEASE);
	for (int i = 0; i < yard.n; i++)
		sem_post(&yard.go[i]);
	for (int i = 0; i < yard.n; i++)
		while (sem_wait(&yard.done))
			;
	for (int i = 0; i < yard.n; i++)
		sum += yard.rate[i];
	return sum;
}
