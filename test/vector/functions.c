/* Functions of @ lanes against libm in double: the error in ulp of the result over patterns of 32 bits.
 * usage: [STEP [NAME]]   every STEP-th pattern (4099)
 *        time            ns per element */
#include <time.h>

static double sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }

/* name, vector, scalar in double, bound */
#define FUNCTIONS(F) \
	F(exp, zn_exp_f32x@, exp, 1) F(log, zn_log_f32x@, log, 1) F(erf, zn_erf_f32x@, erf, 2.4) \
	F(tanh, zn_tanh_f32x@, tanh, 2.6) F(sigmoid, zn_sigmoid_f32x@, sigmoid, 2.5) \
	F(expm1, zn_expm1_f32x@, expm1, 1.6) F(log1p, zn_log1p_f32x@, log1p, 1) \
	F(sin, zn_sin_f32x@, sin, 1.6) F(cos, zn_cos_f32x@, cos, 1.6)

#define RUN(name, f, ref, ulp) \
	static ISA __attribute__((noinline)) void run_##name(float *y, const float *x, int n) \
	{ \
		for (int i = 0; i < n; i += L) \
			zn_store_f32x@(y + i, f(zn_load_f32x@(x + i))); \
	} \
	static __attribute__((noinline)) void ref_##name(double *y, const float *x, int n) \
	{ \
		for (int i = 0; i < n; i++) \
			y[i] = ref((double)x[i]); \
	}
FUNCTIONS(RUN)

typedef struct Function {
	const char *name;
	void (*run)(float *, const float *, int);
	void (*ref)(double *, const float *, int);
	double bound;
} Function;

#define ROW(name, f, ref, ulp) { #name, run_##name, ref_##name, ulp },
static const Function function[] = { FUNCTIONS(ROW) };
enum { NF = sizeof function / sizeof *function };

/* |got - want| in units of want's last place; the first number that is too large counts as infinity */
static double error(float got, double want)
{
	const double huge = 0x1p128;
	double unit;
	uint64_t u;
	int64_t e;

	if (want != want || got != got)
		return want != want && got != got ? 0.0 : INFINITY;
	if (want >= 0x1.ffffffp127)
		return got == INFINITY ? 0.0 : (huge - (double)got) / 0x1p104;
	if (want <= -0x1.ffffffp127)
		return got == -INFINITY ? 0.0 : ((double)got + huge) / 0x1p104;
	memcpy(&u, &want, sizeof u);
	e = (int64_t)(u >> 52 & 0x7ff);
	e = e < 897 ? 897 : e;
	u = (uint64_t)(e - 23) << 52;
	memcpy(&unit, &u, sizeof unit);
	return fabs((got == INFINITY ? huge : got == -INFINITY ? -huge : (double)got) - want) / unit;
}

static void compare(const Function *f, uint64_t step)
{
	static float x[N], y[N];
	static double want[N];
	double worst = 0.0, e;
	uint32_t at = 0, got = 0;
	uint64_t u = 0;
	int i;

	while (u >> 32 == 0) {
		for (i = 0; i < N; i++, u += step)
			x[i] = fbits((uint32_t)u);
		f->run(y, x, N);
		f->ref(want, x, N);
		for (i = 0; i < N; i++)
			if ((e = error(y[i], want[i])) > worst) {
				worst = e;
				at = ubits(x[i]);
				got = ubits(y[i]);
			}
	}
	checks++;
	bad += worst > f->bound;
	printf("@ lanes: %-8s %6.3f ulp at %08x (%.9g), which gives %08x (%.9g)%s\n", f->name, worst,
		(unsigned)at, (double)fbits(at), (unsigned)got,
		(double)fbits(got), worst > f->bound ? " WRONG" : "");
}

static void measure(const Function *f)
{
	static float x[N], y[N];
	struct timespec a, b;
	double best = 1e9, ns;
	int i, k;

	for (i = 0; i < N; i++)
		x[i] = (float)(i + 1) / 512.0f;
	for (k = 0; k < 2000; k++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		f->run(y, x, N);
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
		best = ns < best ? ns : best;
	}
	printf("@ lanes: %-8s %.3f ns per element\n", f->name, best / (double)N);
}

int main(int argc, char **argv)
{
	const uint64_t step = argc > 1 ? (uint64_t)strtoull(argv[1], NULL, 10) : 4099;
	int i;

	if (!CAN) {
		printf("no processor for @ lanes: skipped\n");
		return 0;
	}
	for (i = 0; i < NF; i++)
		if (argc > 1 && !strcmp(argv[1], "time"))
			measure(&function[i]);
		else if (argc < 3 || !strcmp(argv[2], function[i].name))
			compare(&function[i], step ? step : 1);
	printf("@ lanes: %d functions, %d wrong\n", checks, bad);
	return bad != 0;
}
