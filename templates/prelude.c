/* Helpers of generated C, written into NAME.c where they are used. Each piece begins with a mark that names it and may
 * call others that stand before it. Meanings: codegen/ir.h. C99 and C++17; no undefined behaviour for any argument. */
/*@ zn_keep */
#if defined __aarch64__
#define ZN_KEEP(v) "+w"(v)
#else
#define ZN_KEEP(v) "+v"(v)
#endif

/*@ zn_prefetch */
#if defined __GNUC__ || defined __clang__
#define ZN_PREFETCH(p) __builtin_prefetch(p, 0, 2)
#else
#define ZN_PREFETCH(p) ((void)(p))
#endif

/*@ zn_has_avx512 */
#define zn_has_avx512() (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && \
	__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))

/*@ zn_has_avx512vnni */
#define zn_has_avx512vnni() (zn_has_avx512() && __builtin_cpu_supports("avx512vnni"))

/*@ zn_has_avx2 */
#define zn_has_avx2() (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))

/*@ zn_has_neondot */
/* Linux tells of the instructions SDOT and UDOT in the bit ASIMDDP */
#if defined __ARM_FEATURE_DOTPROD
#define zn_has_neondot() 1
#elif defined __aarch64__ && defined __linux__
#include <sys/auxv.h>
#define zn_has_neondot() (getauxval(AT_HWCAP) >> 20 & 1)
#else
#define zn_has_neondot() 0
#endif

/*@ zn_cut_i32 */
/* where part number `part` of `parts` begins in n iterations */
static inline int32_t zn_cut_i32(int32_t n, int part, int parts)
{
	return (int32_t)((int64_t)n * part / parts);
}

/*@ zn_cut_i64 */
static inline int64_t zn_cut_i64(int64_t n, int part, int parts)
{
	return n * part / parts;
}

/*@ zn_fork */
/* every part of a kernel, through the pool if there is one */
static inline void zn_fork(zenith_pool *pool, zenith_task task, void *args, int parts)
{
	int i;

	if (pool) {
		pool->run(pool, task, args, parts);
		return;
	}
	for (i = 0; i < parts; i++)
		task(args, i);
}

/*@ zn_joined */
static inline int zn_joined(const int *status, int parts)
{
	int i = 0;

	while (i < parts - 1 && status[i] == ZENITH_OK)
		i++;
	return status[i];
}

/*@ zn_ftz_get */
/* the mode of floats: what becomes of denormals, among others */
static inline uint64_t zn_ftz_get(void)
{
#if defined __GNUC__ && defined __SSE__
	uint32_t mode;

	__asm__ __volatile__("stmxcsr %0" : "=m"(mode) : : "memory");
	return mode;
#elif defined __GNUC__ && defined __aarch64__
	uint64_t mode;

	__asm__ __volatile__("mrs %0, fpcr" : "=r"(mode) : : "memory");
	return mode;
#else
	return 0;
#endif
}

/*@ zn_ftz_set */
static inline void zn_ftz_set(uint64_t to)
{
#if defined __GNUC__ && defined __SSE__
	const uint32_t mode = (uint32_t)to;

	__asm__ __volatile__("ldmxcsr %0" : : "m"(mode) : "memory");
#elif defined __GNUC__ && defined __aarch64__
	__asm__ __volatile__("msr fpcr, %0" : : "r"(to) : "memory");
#else
	(void)to;
#endif
}

/*@ zn_ftz_of */
/* that mode with denormals as zero, operands and results */
static inline uint64_t zn_ftz_of(uint64_t mode)
{
#if defined __GNUC__ && defined __SSE__
	return mode | 0x8040u;
#elif defined __GNUC__ && defined __aarch64__
	return mode | 0x1000000u;
#else
	return mode;
#endif
}

/*@ zn_heap */
/* the heap region: the tail of the workspace, given out from p up to end */
typedef struct zn_heap {
	unsigned char *p, *end;
	int full;
} zn_heap;

/*@ zn_alloc */
static inline void *zn_alloc(zn_heap *h, int64_t n, size_t size)
{
	const size_t room = (size_t)(h->end - h->p);
	unsigned char *p = h->p;
	size_t bytes;

	if (n < 0 || (uint64_t)n > room / size) {
		h->full = 1;
		return NULL;
	}
	bytes = ((size_t)n * size + 15u) & ~(size_t)15u;
	if (bytes > room) {
		h->full = 1;
		return NULL;
	}
	h->p += bytes;
	return p;
}
