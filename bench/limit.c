/* See limit.h. The panels are as a packed matrix product has them: a[k][MR], b[k][NR], c[MR][NR]; a few of a
 * stay in L1, b's come from L2. */
#define _GNU_SOURCE
#include "limit.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

enum { K = 256, NA = 4, NB = 8, MR_MOST = 12, NR_MOST = 32 };

#define ALIGNED __attribute__((aligned(64)))
static float pa[NA * K * MR_MOST] ALIGNED, pb[NB * K * NR_MOST] ALIGNED;

double
limit_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__x86_64__) && defined(__GNUC__)

#define CLOBBER8 "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7"
#define CLOBBER16 CLOBBER8, "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* row i accumulates in zmm(2i), zmm(2i+1); zmm24, 25: b; zmm26..31 in turn: an element of a in every lane */
#define Z0(i) "vxorps %%zmm" #i ", %%zmm" #i ", %%zmm" #i "\n\t"
#define FMA512(off, t, x, y) \
	"vbroadcastss " off "(%[a]), %%zmm" t "\n\t" \
	"vfmadd231ps %%zmm24, %%zmm" t ", %%zmm" x "\n\t" \
	"vfmadd231ps %%zmm25, %%zmm" t ", %%zmm" y "\n\t"
#define STEP512(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, b0, b1) \
	"vmovups " b0 "(%[b]), %%zmm24\n\tvmovups " b1 "(%[b]), %%zmm25\n\t" \
	FMA512(a0, "26", "0", "1") FMA512(a1, "27", "2", "3") FMA512(a2, "28", "4", "5") \
	FMA512(a3, "29", "6", "7") FMA512(a4, "30", "8", "9") FMA512(a5, "31", "10", "11") \
	FMA512(a6, "26", "12", "13") FMA512(a7, "27", "14", "15") FMA512(a8, "28", "16", "17") \
	FMA512(a9, "29", "18", "19") FMA512(a10, "30", "20", "21") FMA512(a11, "31", "22", "23")
#define ST512(i, off) "vmovups %%zmm" #i ", " off "(%[c])\n\t"

__attribute__((target("avx512f"))) static void
tile_avx512(const float *a, const float *b, float *c)
{
	long n = K / 2;

	__asm__ volatile(
		Z0(0) Z0(1) Z0(2) Z0(3) Z0(4) Z0(5) Z0(6) Z0(7) Z0(8) Z0(9) Z0(10) Z0(11)
		Z0(12) Z0(13) Z0(14) Z0(15) Z0(16) Z0(17) Z0(18) Z0(19) Z0(20) Z0(21) Z0(22) Z0(23)
		".p2align 5\n1:\n\t"
		STEP512("0", "4", "8", "12", "16", "20", "24", "28", "32", "36", "40", "44", "0", "64")
		STEP512("48", "52", "56", "60", "64", "68", "72", "76", "80", "84", "88", "92", "128", "192")
		"add $96, %[a]\n\tadd $256, %[b]\n\tdec %[n]\n\tjnz 1b\n\t"
		ST512(0, "0") ST512(1, "64") ST512(2, "128") ST512(3, "192") ST512(4, "256") ST512(5, "320")
		ST512(6, "384") ST512(7, "448") ST512(8, "512") ST512(9, "576") ST512(10, "640")
		ST512(11, "704") ST512(12, "768") ST512(13, "832") ST512(14, "896") ST512(15, "960")
		ST512(16, "1024") ST512(17, "1088") ST512(18, "1152") ST512(19, "1216") ST512(20, "1280")
		ST512(21, "1344") ST512(22, "1408") ST512(23, "1472") "vzeroupper"
		: [a] "+r"(a), [b] "+r"(b), [n] "+r"(n)
		: [c] "r"(c)
		: "memory", "cc", CLOBBER16, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22",
		"xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
}

/* row i accumulates in ymm(2i), ymm(2i+1); ymm12, 13: b; ymm14, 15 in turn: an element of a in every lane */
#define Y0(i) "vxorps %%ymm" #i ", %%ymm" #i ", %%ymm" #i "\n\t"
#define FMA256(off, t, x, y) \
	"vbroadcastss " off "(%[a]), %%ymm" t "\n\t" \
	"vfmadd231ps %%ymm12, %%ymm" t ", %%ymm" x "\n\t" \
	"vfmadd231ps %%ymm13, %%ymm" t ", %%ymm" y "\n\t"
#define STEP256(a0, a1, a2, a3, a4, a5, b0, b1) \
	"vmovups " b0 "(%[b]), %%ymm12\n\tvmovups " b1 "(%[b]), %%ymm13\n\t" \
	FMA256(a0, "14", "0", "1") FMA256(a1, "15", "2", "3") FMA256(a2, "14", "4", "5") \
	FMA256(a3, "15", "6", "7") FMA256(a4, "14", "8", "9") FMA256(a5, "15", "10", "11")
#define ST256(i, off) "vmovups %%ymm" #i ", " off "(%[c])\n\t"

__attribute__((target("avx2,fma"))) static void
tile_avx2(const float *a, const float *b, float *c)
{
	long n = K / 4;

	__asm__ volatile(
		Y0(0) Y0(1) Y0(2) Y0(3) Y0(4) Y0(5) Y0(6) Y0(7) Y0(8) Y0(9) Y0(10) Y0(11)
		".p2align 5\n1:\n\t"
		STEP256("0", "4", "8", "12", "16", "20", "0", "32")
		STEP256("24", "28", "32", "36", "40", "44", "64", "96")
		STEP256("48", "52", "56", "60", "64", "68", "128", "160")
		STEP256("72", "76", "80", "84", "88", "92", "192", "224")
		"add $96, %[a]\n\tadd $256, %[b]\n\tdec %[n]\n\tjnz 1b\n\t"
		ST256(0, "0") ST256(1, "32") ST256(2, "64") ST256(3, "96") ST256(4, "128") ST256(5, "160")
		ST256(6, "192") ST256(7, "224") ST256(8, "256") ST256(9, "288") ST256(10, "320")
		ST256(11, "352") "vzeroupper"
		: [a] "+r"(a), [b] "+r"(b), [n] "+r"(n)
		: [c] "r"(c)
		: "memory", "cc", CLOBBER16);
}

#endif

/* what every compiler with vector types makes of it: 4 lanes, 8x8 */
typedef float V4 __attribute__((vector_size(16), aligned(4)));

static void
tile_c(const float *a, const float *b, float *c)
{
	V4 acc[8][2] = {{{0}}};

	for (int k = 0; k < K; k++, a += 8, b += 8) {
		V4 b0 = *(const V4 *)b, b1 = *(const V4 *)(b + 4);
		for (int i = 0; i < 8; i++) {
			acc[i][0] += b0 * a[i];
			acc[i][1] += b1 * a[i];
		}
	}
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < 2; j++)
			*(V4 *)(c + 8 * i + 4 * j) = acc[i][j];
}

/* what is read, 4096 bytes a step, and the sum kept */
static uint64_t
read_c(const char *p, size_t n)
{
	const uint64_t *w = (const uint64_t *)(const void *)p;
	uint64_t s[8] = {0};

	for (size_t i = 0; i < n / 8; i += 8)
		for (int j = 0; j < 8; j++)
			s[j] |= w[i + (size_t)j];
	return s[0] | s[1] | s[2] | s[3] | s[4] | s[5] | s[6] | s[7];
}

#if defined(__x86_64__) && defined(__GNUC__)
#define OR512(i, off) "vporq " off "(%[p]), %%zmm" #i ", %%zmm" #i "\n\t"

__attribute__((target("avx512f"))) static uint64_t
read_avx512(const char *p, size_t n)
{
	uint64_t r;

	n /= 512;
	__asm__ volatile(
		Z0(0) Z0(1) Z0(2) Z0(3) Z0(4) Z0(5) Z0(6) Z0(7)
		".p2align 5\n1:\n\t"
		OR512(0, "0") OR512(1, "64") OR512(2, "128") OR512(3, "192") OR512(4, "256") OR512(5, "320")
		OR512(6, "384") OR512(7, "448")
		"add $512, %[p]\n\tdec %[n]\n\tjnz 1b\n\t"
		"vporq %%zmm1, %%zmm0, %%zmm0\n\tvmovq %%xmm0, %[r]\n\tvzeroupper"
		: [p] "+r"(p), [n] "+r"(n), [r] "=r"(r)
		:
		: "memory", "cc", CLOBBER8);
	return r;
}

#define OR256(i, off) "vorps " off "(%[p]), %%ymm" #i ", %%ymm" #i "\n\t"

__attribute__((target("avx2"))) static uint64_t
read_avx2(const char *p, size_t n)
{
	uint64_t r;

	n /= 256;
	__asm__ volatile(
		Y0(0) Y0(1) Y0(2) Y0(3) Y0(4) Y0(5) Y0(6) Y0(7)
		".p2align 5\n1:\n\t"
		OR256(0, "0") OR256(1, "32") OR256(2, "64") OR256(3, "96") OR256(4, "128") OR256(5, "160")
		OR256(6, "192") OR256(7, "224")
		"add $256, %[p]\n\tdec %[n]\n\tjnz 1b\n\t"
		"vorps %%ymm1, %%ymm0, %%ymm0\n\tvmovq %%xmm0, %[r]\n\tvzeroupper"
		: [p] "+r"(p), [n] "+r"(n), [r] "=r"(r)
		:
		: "memory", "cc", CLOBBER8);
	return r;
}
#endif

typedef struct Loop {
	const char *name;
	int mr, nr;
	void (*tile)(const float *, const float *, float *);
	uint64_t (*read)(const char *, size_t);
} Loop;

static Loop loop = {"c 8x8", 8, 8, tile_c, read_c};

static void
choose(void)
{
	for (size_t i = 0; i < sizeof pa / sizeof *pa; i++)
		pa[i] = 0.5f + (float)(i % 7) / 16;
	for (size_t i = 0; i < sizeof pb / sizeof *pb; i++)
		pb[i] = 0.5f - (float)(i % 5) / 16;
#if defined(__x86_64__) && defined(__GNUC__)
	if (__builtin_cpu_supports("avx512f"))
		loop = (Loop){"avx512 12x32", 12, 32, tile_avx512, read_avx512};
	else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		loop = (Loop){"avx2 6x16", 6, 16, tile_avx2, read_avx2};
#endif
}

static void
once(void)
{
	static pthread_once_t done = PTHREAD_ONCE_INIT;

	pthread_once(&done, choose);
}

const char *
limit_fma_name(void)
{
	once();
	return loop.name;
}

/* every tile of a with every panel of b, once */
static void
product(void)
{
	float c[MR_MOST * NR_MOST] ALIGNED;

	for (int j = 0; j < NB; j++)
		for (int i = 0; i < NA; i++)
			loop.tile(pa + i * K * loop.mr, pb + j * K * loop.nr, c);
}

/* the best rate of `unit` per call of what is timed, in stretches of at least 0.3 ms, for about `seconds` */
#define BEST(seconds, unit, call) do { \
	double end = limit_now() + (seconds), from = limit_now(), t = from, best = 0; \
	for (long n = 0; t < end || !best; n = 0, from = t) { \
		do { \
			call; \
			n++; \
			t = limit_now(); \
		} while (t - from < 3e-4); \
		if ((double)n * (unit) / (t - from) > best) \
			best = (double)n * (unit) / (t - from); \
	} \
	return best * 1e-9; \
} while (0)

double
limit_fma_gflops(double seconds)
{
	once();
	BEST(seconds, 2.0 * NA * NB * K * loop.mr * loop.nr, product());
}

static _Thread_local struct { char *p; size_t n; } block;

void
limit_done(void)
{
	if (block.p)
		munmap(block.p, block.n);
	block.p = NULL;
	block.n = 0;
}

/* a private page each: reading what was never written would read one page of zeros */
static int
room(size_t n)
{
	void *p;

	if (n <= block.n)
		return 1;
	limit_done();
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 0;
	block.p = p;
	block.n = n;
	for (size_t i = 0; i < n; i += 64)
		block.p[i] = (char)i;
	return 1;
}

static inline void
keep(uint64_t x)
{
	__asm__ volatile("" : : "r"(x));
}

double
limit_read_gbs(size_t bytes, double seconds)
{
	const size_t most = (size_t)1 << 30;

	once();
	bytes = bytes > most ? most : bytes < 4096 ? 4096 : (bytes + 4095) / 4096 * 4096;
	if (!room(bytes))
		return 0;
	BEST(seconds, (double)bytes, keep(loop.read(block.p, bytes)));
}
