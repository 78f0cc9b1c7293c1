/* What the programs of test/vector share; @ is the number of lanes. Memory that ends where a page may not
 * be touched, values, and the comparison of patterns, where one NaN is as good as another. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#ifdef __aarch64__
#include <sys/auxv.h>
#endif

#if @ == 16
#define ISA ZN_AVX512
#define CAN (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && \
	__builtin_cpu_supports("avx512dq") && \
	__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#elif @ == 8
#define ISA ZN_AVX2
#define CAN (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#else
#define ISA ZN_NEON
#define CAN 1
#endif
#define SHARED static inline __attribute__((unused))
enum { L = @, N = 4096 };

static int checks, bad;
static uint64_t seed = 88172645463325252u;

SHARED uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 20);
}

SHARED float fbits(uint32_t u)
{
	float x;
	memcpy(&x, &u, sizeof x);
	return x;
}

SHARED uint32_t ubits(float x)
{
	uint32_t u;
	memcpy(&u, &x, sizeof u);
	return u;
}

/* special values against all others, then random patterns, then numbers of usual size */
SHARED float value(int i, int shift)
{
	static const float special[] = { 0.0f, -0.0f, 1.0f, -1.0f, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 3.5f,
		1e-40f, -1e-40f, 1e-45f, 1e30f, -1e30f, 3.4e38f, 2147483520.0f, 2147483648.0f, -2147483648.0f,
		-2147483904.0f, 8388607.5f, 8388609.0f, 65504.0f,
		65520.0f, 65535.0f, 6e-8f, 2.9802322e-8f, INFINITY, -INFINITY, NAN, -NAN, 1.0039062f };
	const int n = sizeof special / sizeof *special;

	if (i < n * n)
		return special[shift == 0 ? i / n : shift == 1 ? i % n : (i / n + i) % n];
	if (i < N / 2)
		return fbits(rnd());
	return ((float)(rnd() & 0xffff) - 32768.0f) / (float)(1 << (i & 15));
}

SHARED void wrong(const char *what, int i, uint32_t want, uint32_t got)
{
	if (bad++ < 20)
		printf("%s, lane or case %d: want %08x, not %08x\n", what, i, (unsigned)want, (unsigned)got);
}

SHARED void same(const char *what, int i, uint32_t want, uint32_t got)
{
	checks++;
	if (want != got)
		wrong(what, i, want, got);
}

SHARED void same_float(const char *what, int i, float want, float got)
{
	if (!(want != want && got != got))
		same(what, i, ubits(want), ubits(got));
}

/* n bytes, after which nothing may be touched */
SHARED unsigned char *edge(size_t n)
{
	static unsigned char *end;

	if (!end) {
		unsigned char *p = (unsigned char *)mmap(NULL, 1 << 17, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED || mprotect(p + (1 << 16), 1 << 16, PROT_NONE))
			exit(1);
		end = p + (1 << 16);
	}
	return end - n;
}
