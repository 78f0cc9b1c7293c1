/* Measures one kernel: a model that holds it, compiled here as `run --profile` does, and the same operation
 * of oneDNN, in turns, with slices of the fed FMA loop between.
 *
 * usage: kernels MODEL.onnx THREADS SECONDS matmul B M N K CONST | conv G IC OC H W K STRIDE | int8 | rowwise
 *
 * matmul: B products of M x K by K x N; CONST: B is 1, the second operand constant, and bias and ReLU follow.
 * conv: G groups, channels, input's height and width, K x K with K / 2 zeros around; bias and ReLU.
 * int8: the yardstick is the dot product's rate. This and rowwise are not compared with oneDNN.
 *
 * The nodes named before* and after* of the model only stand around the kernel, so that it finds its operands
 * laid out as within a network; whatever else the run does is the kernel's time, also a copy or a margin that
 * it needs. Times are the smallest of all runs, by the steady clock. Writes a JSON object to standard output:
 * for zenithc and onednn {us, how, macs} or {why}, and fma_gflops, fma_loop. */
#define _GNU_SOURCE
#include "compiler/measure.h"
#include "compiler/profile.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#if __has_include(<oneapi/dnnl/dnnl_version.h>)
#include <oneapi/dnnl/dnnl_version.h>
#endif
#if defined(DNNL_VERSION_MAJOR) && DNNL_VERSION_MAJOR == 2     /* 3 has other functions */
#define HAVE_DNNL
#include <oneapi/dnnl/dnnl.h>
#endif

enum { MOST = 8, ROUNDS = 12 };

typedef struct Shape {
	char **arg;              /* of the command line, after the model */
	bool conv, constant, int8, alone;
	int64_t v[MOST];         /* the numbers, as in the usage */
} Shape;

typedef struct Side {
	const char *name;
	double best, macs;       /* s of the fastest run; multiply-adds as zenithc counts them */
	Buf how;
	const char *why;         /* it does not run */
} Side;

static uint64_t
ticks(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- zenithc: the profile's table of calls, of which `mine` are the kernel's */

static struct {
	Ready *run;
	uint64_t (*table)[2];
	Calls call;
	VEC(int) mine;
} z;

static bool
around(const Kern *k)
{
	return (strstr(k->note, "'before") || strstr(k->note, "'after")) && !strstr(k->note, "'kernel");
}

static void
zenithc_load(Side *s, const char *path, const Options *o)
{
	Exec *x = exec_build(path, o);
	Host **in = NEWN(Host *, x->z->ninputs + 1);

	profile_calls(x->program, &z.call);
	for (int i = 0; i < z.call.n; i++) {
		const Stmt *c = z.call.p[i];
		if (c->op == S_CALL && c->kern->note && around(c->kern))
			continue;
		push(&z.mine, i);
		buf_fmt(&s->how, "%s%s", s->how.n ? ", " : "", c->op == S_CALL ? c->kern->name : "copy");
		s->macs += c->op == S_CALL ? c->kern->macs : 0;
	}
	z.table = dlsym(x->lib, "m_prof");
	*(uint64_t (**)(void))dlsym(x->lib, "m_prof_clock") = ticks;
	exec_seeded(x, in, 1, false);
	z.run = exec_ready(x, in);
}

static double
zenithc_run(void)
{
	uint64_t t = 0;
	int s;

	memset(z.table, 0, (size_t)z.call.n * sizeof *z.table);
	s = exec_again(z.run);
	if (s)
		exec_refuse(s);
	for (int i = 0; i < z.mine.n; i++)
		t += z.table[z.mine.p[i]][0];
	return (double)t * 1e-9;
}

/* ---- oneDNN 2: activations of a product, and a network's input of 3 channels, lie as they are, everything
 * else as the library likes it best */

#ifdef HAVE_DNNL
enum { MOST_ARGS = 4 };

static struct {
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	dnnl_primitive_attr_t attr;
	dnnl_primitive_t prim;
	dnnl_exec_arg_t arg[MOST_ARGS];
	int nargs;
} d;

#define MUST(call) do { \
	dnnl_status_t st_ = (call); \
	if (st_ != dnnl_success) { \
		s->why = fmt("status %d of %.40s", (int)st_, #call); \
		return; \
	} \
} while (0)

static void
small_numbers(float *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (float)((i * 2654435761u >> 16) % 255) / 128 - 1;
}

/* memory for it, if the operation has it */
static dnnl_status_t
operand(const_dnnl_primitive_desc_t pd, dnnl_query_t what, int which, int arg)
{
	const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(pd, what, which);
	size_t n = md ? dnnl_memory_desc_get_size(md) : 0;
	void *p;
	dnnl_status_t st;

	if (!n)
		return dnnl_success;
	p = big_alloc(n + 64);
	p = (void *)(((uintptr_t)p + 63) & ~(uintptr_t)63);
	small_numbers(p, n / sizeof(float));
	d.arg[d.nargs].arg = arg;
	st = dnnl_memory_create(&d.arg[d.nargs].memory, md, d.engine, p);
	d.nargs += st == dnnl_success;
	return st;
}

static dnnl_memory_desc_t
tensor(int rank, const dnnl_dims_t dim, dnnl_format_tag_t tag)
{
	dnnl_memory_desc_t m;

	if (dnnl_memory_desc_init_by_tag(&m, rank, dim, dnnl_f32, tag) != dnnl_success)
		bug("a tensor that oneDNN refuses");
	return m;
}

static dnnl_status_t
conv_desc(dnnl_convolution_desc_t *c, const int64_t *v)
{
	int64_t g = v[0], ci = v[1], co = v[2], k = v[5], st = v[6];
	dnnl_dims_t src = {1, ci, v[3], v[4]}, dst = {1, co, (v[3] - 1) / st + 1, (v[4] - 1) / st + 1};
	dnnl_dims_t dense = {co, ci, k, k}, groups = {g, co / g, ci / g, k, k}, bias = {co};
	dnnl_dims_t strides = {st, st}, pad = {k / 2, k / 2};
	const dnnl_format_tag_t any = dnnl_format_tag_any;
	dnnl_memory_desc_t ms = tensor(4, src, ci == 3 ? dnnl_abcd : any), mo = tensor(4, dst, any);
	dnnl_memory_desc_t mb = tensor(1, bias, dnnl_a);
	dnnl_memory_desc_t mw = g > 1 ? tensor(5, groups, any) : tensor(4, dense, any);

	return dnnl_convolution_forward_desc_init(c, dnnl_forward_inference, dnnl_convolution_auto, &ms, &mw,
		&mb, &mo, strides, pad, pad);
}

static dnnl_status_t
matmul_desc(dnnl_matmul_desc_t *m, const Shape *h)
{
	int64_t n = h->v[0], rows = h->v[1], cols = h->v[2], k = h->v[3];
	dnnl_dims_t a = {n, rows, k}, b = {n, k, cols}, c = {n, rows, cols};
	dnnl_dims_t a1 = {rows, k}, b1 = {k, cols}, c1 = {rows, cols}, bias = {1, cols};
	dnnl_memory_desc_t ma, mb, mc, mbias;

	if (!h->constant) {
		ma = tensor(3, a, dnnl_abc);
		mb = tensor(3, b, dnnl_abc);
		mc = tensor(3, c, dnnl_abc);
		return dnnl_matmul_desc_init(m, &ma, &mb, NULL, &mc);
	}
	ma = tensor(2, a1, dnnl_ab);
	mb = tensor(2, b1, dnnl_format_tag_any);
	mc = tensor(2, c1, dnnl_ab);
	mbias = tensor(2, bias, dnnl_ab);
	return dnnl_matmul_desc_init(m, &ma, &mb, &mbias, &mc);
}

static void
dnnl_load(Side *s, const Shape *h)
{
	const dnnl_version_t *v = dnnl_version();
	dnnl_convolution_desc_t c;
	dnnl_matmul_desc_t m;
	dnnl_primitive_desc_t pd;
	dnnl_post_ops_t post;
	const char *impl = "";

	MUST(dnnl_engine_create(&d.engine, dnnl_cpu, 0));
	MUST(dnnl_stream_create(&d.stream, d.engine, dnnl_stream_default_flags));
	MUST(dnnl_primitive_attr_create(&d.attr));
	MUST(dnnl_post_ops_create(&post));
	MUST(dnnl_post_ops_append_eltwise(post, 1, dnnl_eltwise_relu, 0, 0));
	if (h->conv || h->constant)
		MUST(dnnl_primitive_attr_set_post_ops(d.attr, post));
	if (h->conv)
		MUST(conv_desc(&c, h->v));
	else
		MUST(matmul_desc(&m, h));
	MUST(dnnl_primitive_desc_create(&pd, h->conv ? (const void *)&c : &m, d.attr, d.engine, NULL));
	MUST(operand(pd, dnnl_query_src_md, 0, DNNL_ARG_SRC));
	MUST(operand(pd, dnnl_query_weights_md, 0, DNNL_ARG_WEIGHTS));
	MUST(operand(pd, dnnl_query_dst_md, 0, DNNL_ARG_DST));
	MUST(operand(pd, dnnl_query_weights_md, 1, DNNL_ARG_BIAS));
	dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &impl);
	buf_fmt(&s->how, "%d.%d.%d %s", v->major, v->minor, v->patch, impl);
	MUST(dnnl_primitive_create(&d.prim, pd));
}

static double
dnnl_run(void)
{
	uint64_t t = ticks();

	if (dnnl_primitive_execute(d.prim, d.stream, d.nargs, d.arg) != dnnl_success
		|| dnnl_stream_wait(d.stream) != dnnl_success)
		die("oneDNN fails");
	return (double)(ticks() - t) * 1e-9;
}
#else
static void
dnnl_load(Side *s, const Shape *h)
{
	(void)h;
	s->why = "built without oneDNN 2";
}

static double
dnnl_run(void)
{
	return 0;
}
#endif

/* ---- in turns */

/* for `seconds`, at least twice; the first run is warming up */
static void
slice(Side *s, double (*run)(void), double seconds)
{
	double end = limit_now() + seconds, t;

	if (s->why)
		return;
	run();
	do {
		t = run();
		if (!s->best || t < s->best)
			s->best = t;
	} while (limit_now() < end);
}

static void
tell(const Side *s, int n, double fma)
{
	cJSON *j = cJSON_CreateObject(), *o;

	for (int i = 0; i < n; i++) {
		o = cJSON_AddObjectToObject(j, s[i].name);
		if (s[i].why)
			cJSON_AddStringToObject(o, "why", s[i].why);
		else
			cJSON_AddNumberToObject(o, "us", s[i].best * 1e6);
		if (s[i].how.n)
			cJSON_AddStringToObject(o, "how", buf_str((Buf *)&s[i].how));
		if (s[i].macs > 0)
			cJSON_AddNumberToObject(o, "macs", s[i].macs);
	}
	cJSON_AddNumberToObject(j, "fma_gflops", fma);
	cJSON_AddStringToObject(j, "fma_loop", yard_name());
	json_print(j);
}

static void
measure(void *arg)
{
	Shape *h = arg;
	Side s[2] = {{.name = "zenithc"}, {.name = "onednn"}};
	Options o = {.opt = 3, .threads = atoi(h->arg[1]), .dump_to = stderr, .profile = true};
	double seconds = atof(h->arg[2]), part = seconds / (2.5 * ROUNDS), fma = 0, g;
	Job job = {.threads = o.threads, .int8 = h->int8};

	choose_cpus(&job);
	yard_start(&job);
	zenithc_load(&s[0], h->arg[0], &o);
	if (h->alone)
		s[1].why = "not compared";
	else
		dnnl_load(&s[1], h);
	for (int i = 0; i < ROUNDS; i++) {
		slice(&s[0], zenithc_run, part);
		g = yard_gops(part / 4);
		fma = g > fma ? g : fma;
		slice(&s[1], dnnl_run, part);
		g = yard_gops(part / 4);
		fma = g > fma ? g : fma;
	}
	tell(s, LEN(s), fma);
}

int
main(int argc, char **argv)
{
	Shape h = {.arg = argv + 1};
	Session *s;
	int status;

	if (argc < 5 || argc > 5 + MOST)
		die("usage: kernels MODEL THREADS SECONDS matmul|conv|int8|rowwise NUMBER...");
	h.conv = !strcmp(argv[4], "conv");
	h.int8 = !strcmp(argv[4], "int8");
	h.alone = h.int8 || !strcmp(argv[4], "rowwise");
	for (int i = 5; i < argc; i++)
		h.v[i - 5] = atoll(argv[i]);
	h.constant = !h.conv && !h.alone && h.v[4];
	if (atoi(argv[2]) < 1 || atoi(argv[2]) > MAX_THREADS)
		die("1 to %d threads", MAX_THREADS);
	temp_signals();
	s = session_begin(argv[1]);
	status = session_try(measure, &h);
	session_end(s);
	return status;
}
