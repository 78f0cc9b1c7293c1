/* `zenithc bench`: how long a model takes, in one of four scenarios, and what that is of what the machine can
 * do.
 *
 *   single-stream  one run after the other; latency of each
 *   multi-stream   that on several threads at once, each with a context of its own
 *   offline        the same threads share a heap of runs; only the throughput counts
 *   server         runs arrive at random (Poisson), wait for a free thread, first come first served; latency
 *                  from the arrival
 *
 * Time is cut into rounds, and between rounds the limits are measured (measure.h) on as many threads as
 * work. */
#include "cli.h"
#include "measure.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum scenario { SINGLE, MULTI, OFFLINE, SERVER };
static const char *const scenario_name[] = {"single-stream", "multi-stream", "offline", "server"};

enum { SAMPLES = 1 << 20, MOST_ARRIVALS = 10000000, MOST_READ = 256 << 20, ROUNDS = 8 };

/* latencies: all of them, or a fair sample of SAMPLES */
typedef struct Lat { double *t; size_t n; double min, max, sum; uint64_t seen, rng; } Lat;

typedef struct Worker {
	struct Bench *b;
	Ready *r;
	Lat lat;
	uint64_t runs;
	double began, ended;
	int status;
	pthread_t id;
} Worker;

/* one run's work; < 0: not known */
typedef struct Work { double macs, weights, ports, between; } Work;

typedef struct Bench {
	const Cli *c;
	Exec *x;
	Host **in;
	Worker *w;
	int streams;
	Work work, fixed;
	Yard yard;
	double alone;            /* the fastest run of the warm-up */
	double round;            /* seconds, or the end of the round */
	_Atomic uint64_t next;   /* offline, server: what is to be run */
	uint64_t total;
	double *arrival, qps;
	double busy;             /* seconds of all rounds */
} Bench;

/* ---- what one run touches */

static double
tensor_bytes(const zenith_tensor *t)
{
	double n = dtype_info[t->dtype].bits / 8.0;

	if (t->kind != ZENITH_KIND_TENSOR)
		return 0;
	for (int i = 0; i < t->rank; i++)
		n *= (double)t->dims[i];
	return n;
}

static void
count(Work *w, const Program *g)
{
	int64_t n;

	for (int i = 0; i < g->kern.n; i++) {
		const Kern *k = g->kern.p[i];
		w->macs = k->macs > 0 && k->sym.n ? -1 : w->macs < 0 ? -1 : w->macs + k->macs;
	}
	for (int i = 0; i < g->mem.n; i++) {
		const Mem *m = g->mem.p[i];
		int bits = dtype_info[m->dt].bits;
		if ((m->space != SP_WORK && m->space != SP_STATE) || !m->offset)
			continue;
		if (!ix_isint(m->size, &n) || w->between < 0)
			w->between = -1;
		else
			w->between += (double)n * (bits < 8 && !m->packed ? 8 : bits) / 8;
	}
}

/* the model lowered once more, its shapes as the inputs have them: only to count. It may refuse them: a branch
 * that does not run has shapes too */
static void
lower_fixed(void *arg)
{
	Bench *b = arg;
	Options o = b->c->o;
	Model *m;

	for (int i = 0; i < b->x->z->ninputs; i++)
		if (b->in[i]->kind == V_TENSOR)
			push(&o.import.shape, ((__typeof__(*o.import.shape.p)){
				b->x->z->inputs[i].name, b->in[i]->rank, b->in[i]->dim}));
	o.dump.n = 0;
	m = compile_import(b->c->model, &o);
	compile_passes(m, &o);
	count(&b->fixed, compile_lower(m, &o));
}

static void
count_fixed(void *arg)
{
	Bench *b = arg;

	b->work = session_try(lower_fixed, b) ? (Work){.macs = -1, .between = -1} : b->fixed;
}

static void
count_work(Bench *b)
{
	const Ready *r = b->w[0].r;
	Work *w = &b->work;
	const char *why;

	count(w, b->x->program);
	if ((w->macs < 0 || w->between < 0) && strcmp(b->c->model, "-"))
		session_hold(count_fixed, b, &why);
	w->weights = (double)b->x->program->weight_bytes;
	for (int i = 0; i < r->z->ninputs; i++)
		w->ports += tensor_bytes(&r->in[i]);
	for (int i = 0; i < r->z->noutputs; i++)
		w->ports += tensor_bytes(&r->out[i]);
}

static double
touched(const Work *w)
{
	return w->between < 0 ? -1 : w->weights + w->ports + w->between;
}

/* ---- the runs. From here on no session: workers have none */

static uint64_t
draw(uint64_t *s)                /* splitmix64 */
{
	uint64_t z = *s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void
lat_add(Lat *l, double t)
{
	uint64_t k = l->seen++;

	l->sum += t;
	l->min = k && l->min < t ? l->min : t;
	l->max = k && l->max > t ? l->max : t;
	if (l->n < SAMPLES)
		k = l->n++;
	else
		k = draw(&l->rng) % l->seen;
	if (k < SAMPLES)
		l->t[k] = t;
}

static void
closed_loop(Worker *w)
{
	double end = limit_now() + w->b->round, t = limit_now(), u;

	do {
		w->status = exec_again(w->r);
		u = limit_now();
		lat_add(&w->lat, u - t);
		w->runs++;
		t = u;
	} while (t < end && !w->status);
}

static void
share_heap(Worker *w)
{
	while (!w->status && atomic_fetch_add(&w->b->next, 1) < w->b->total) {
		w->status = exec_again(w->r);
		w->runs++;
	}
}

/* sleeps, but wakes early and spins the rest */
static void
wait_until(double t)
{
	double d = t - limit_now() - 150e-6;
	struct timespec s = {(time_t)d, (long)(1e9 * (d - floor(d)))};

	if (d > 0)
		nanosleep(&s, NULL);
	while (limit_now() < t)
		;
}

static void
serve(Worker *w)
{
	uint64_t i;

	while (!w->status && (i = atomic_fetch_add(&w->b->next, 1)) < w->b->total) {
		double t = w->b->round + w->b->arrival[i];
		wait_until(t);
		w->status = exec_again(w->r);
		lat_add(&w->lat, limit_now() - t);
		w->runs++;
	}
}

static void *
work(void *arg)
{
	static void (*const how[])(Worker *) = {closed_loop, closed_loop, share_heap, serve};
	Worker *w = arg;

	w->began = limit_now();
	how[w->b->c->scenario](w);
	w->ended = limit_now();
	return NULL;
}

/* ---- rounds */

/* all workers at once, the first on this thread */
static void
together(Bench *b)
{
	double from, to;

	for (int i = 1; i < b->streams; i++)
		if (pthread_create(&b->w[i].id, NULL, work, &b->w[i]))
			fatal(EX_LIMIT, NULL, "cannot start %d threads", b->streams);
	work(&b->w[0]);
	from = b->w[0].began;
	to = b->w[0].ended;
	for (int i = 1; i < b->streams; i++) {
		pthread_join(b->w[i].id, NULL);
		from = fmin(from, b->w[i].began);
		to = fmax(to, b->w[i].ended);
	}
	for (int i = 0; i < b->streams; i++)
		if (b->w[i].status)
			exec_refuse(b->w[i].status);
	b->busy += to - from;
}

/* what the limits drove out of the caches comes back: not for models that take long, which do not notice */
static void
warm(const Bench *b)
{
	for (int i = 0; i < b->streams && b->alone < 0.05; i++)
		exec_again(b->w[i].r);
}

static void
rounds(Bench *b)
{
	double seconds = b->c->seconds, one = fmin(seconds / ROUNDS, 1);

	yard_slice(&b->yard);
	do {
		warm(b);
		b->round = one;
		b->next = 0;
		b->total = (uint64_t)ceil(one / b->alone) * (uint64_t)b->streams;
		if (b->total < (uint64_t)b->streams)
			b->total = (uint64_t)b->streams;
		together(b);
		yard_slice(&b->yard);
		progress("bench", b->busy < seconds ? b->busy / seconds : 0.99);
	} while (b->busy < seconds);
	progress("", 1);
}

static void
serving(Bench *b)
{
	uint64_t rng = b->c->seed;
	double t = 0, n = ceil(b->qps * b->c->seconds);

	if (n > MOST_ARRIVALS)
		fatal(EX_USE, NULL, "--qps and --seconds make %.0f arrivals, more than %d", n, MOST_ARRIVALS);
	b->total = n < 1 ? 1 : (uint64_t)n;
	b->arrival = big_alloc(b->total * sizeof *b->arrival);
	for (uint64_t i = 0; i < b->total; i++) {
		t -= log(1 - (double)(draw(&rng) >> 11) * 0x1p-53) / b->qps;
		b->arrival[i] = t;
	}
	for (int i = 0; i < 3; i++)
		yard_slice(&b->yard);
	warm(b);
	b->round = limit_now() + 1e-3;
	together(b);
	for (int i = 0; i < 3; i++)
		yard_slice(&b->yard);
}

/* until 0.3 s have gone; how long the fastest run takes */
static void
warm_up(Bench *b)
{
	double end = limit_now() + fmin(0.3, b->c->seconds / 4), t = limit_now(), u;

	b->alone = INFINITY;
	do {
		int s = exec_again(b->w[0].r);
		u = limit_now();
		if (s)
			exec_refuse(s);
		b->alone = fmin(b->alone, u - t);
		t = u;
	} while (t < end);
	b->alone = fmax(b->alone, 1e-9);
}

/* ---- what is shown */

typedef struct Sum {
	Lat lat;
	double runs, throughput, gflops, rate;    /* the last: GB/s touched; < 0: not known */
} Sum;

static const struct { const char *name; double q; } quantiles[] = {
	{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};

static Sum
sum_up(const Bench *b)
{
	Sum s = {.lat = {.min = INFINITY}};
	size_t n = 0;
	double per;

	for (int i = 0; i < b->streams; i++)
		n += b->w[i].lat.n;
	s.lat.t = big_alloc((n + 1) * sizeof(double));
	for (int i = 0; i < b->streams; i++) {
		const Lat *l = &b->w[i].lat;
		memcpy(s.lat.t + s.lat.n, l->t, l->n * sizeof *l->t);
		s.lat.n += l->n;
		s.lat.seen += l->seen;
		s.lat.sum += l->sum;
		s.lat.min = l->seen ? fmin(s.lat.min, l->min) : s.lat.min;
		s.lat.max = fmax(s.lat.max, l->max);
		s.runs += (double)b->w[i].runs;
	}
	sort(s.lat.t, s.lat.n);
	s.throughput = s.runs / b->busy;
	per = b->c->scenario == SINGLE ? 1 / quantile(s.lat.t, s.lat.n, 0.5) : s.throughput;
	s.gflops = b->work.macs > 0 ? 2e-9 * b->work.macs * per : -1;
	s.rate = touched(&b->work) < 0 ? -1 : 1e-9 * touched(&b->work) * per;
	return s;
}

static void
print_text(const Bench *b, const Sum *s)
{
	const Work *w = &b->work;
	double fma = yard_fma(&b->yard), read = yard_read(&b->yard);

	printf("scenario    %s, %.0f runs in %.3g s", scenario_name[b->c->scenario], s->runs, b->busy);
	if (b->c->scenario != SINGLE)
		printf(" in %d stream%s of %d thread%s", b->streams, b->streams > 1 ? "s" : "", b->c->o.threads,
			b->c->o.threads > 1 ? "s" : "");
	if (b->qps > 0)
		printf(", arriving %.4g a second", b->qps);
	if (s->lat.n) {
		printf("\nlatency     min %s", time_str(s->lat.min));
		for (int i = 0; i < LEN(quantiles); i++)
			printf(", %s %s", quantiles[i].name,
				time_str(quantile(s->lat.t, s->lat.n, quantiles[i].q)));
		printf(", max %s", time_str(s->lat.max));
	}
	printf("\nthroughput  %.5g runs a second\n", s->throughput);
	if (s->gflops >= 0)
		printf("compute     %.4g MMAC a run, %.4g GFLOP/s: %.1f%% of %.4g, operands fed (%s)\n",
			w->macs * 1e-6, s->gflops, 100 * s->gflops / fma, fma, limit_fma_name());
	else
		printf("compute     %s multiply-accumulates; the fed FMA rate is %.4g GFLOP/s (%s)\n",
			w->macs < 0 ? "an unknown number of" : "no", fma, limit_fma_name());
	printf("memory      %s of weights, %s of inputs and outputs", bytes_str(w->weights),
		bytes_str(w->ports));
	if (s->rate >= 0)
		printf(", %s of intermediates: %.4g GB/s, %.1f%% of %.4g", bytes_str(w->between), s->rate,
			100 * s->rate / read, read);
	printf(" (reading %s)\n", bytes_str((double)b->yard.bytes));
}

static void
add_number(cJSON *o, const char *key, double v, bool known)
{
	if (known)
		cJSON_AddNumberToObject(o, key, v);
	else
		cJSON_AddNullToObject(o, key);
}

static void
json_latency(cJSON *j, const Lat *l)
{
	cJSON *o = cJSON_AddObjectToObject(j, "latency_ms");

	cJSON_AddNumberToObject(o, "min", 1e3 * l->min);
	for (int i = 0; i < LEN(quantiles); i++)
		cJSON_AddNumberToObject(o, quantiles[i].name, 1e3 * quantile(l->t, l->n, quantiles[i].q));
	cJSON_AddNumberToObject(o, "max", 1e3 * l->max);
	cJSON_AddNumberToObject(o, "mean", 1e3 * l->sum / (double)l->seen);
}

static void
print_json(const Bench *b, const Sum *s)
{
	const Work *w = &b->work;
	cJSON *j = cJSON_CreateObject(), *o;
	double fma = yard_fma(&b->yard), read = yard_read(&b->yard);

	cJSON_AddStringToObject(j, "model", zn->file);
	cJSON_AddStringToObject(j, "sha256", b->x->z->hash);
	cJSON_AddStringToObject(j, "zenithc", ZENITHC_VERSION);
	cJSON_AddStringToObject(j, "options", b->x->z->options);
	cJSON_AddStringToObject(j, "scenario", scenario_name[b->c->scenario]);
	cJSON_AddNumberToObject(j, "streams", b->streams);
	cJSON_AddNumberToObject(j, "threads", b->c->o.threads);
	cJSON_AddNumberToObject(j, "seed", (double)b->c->seed);
	if (b->qps > 0)
		cJSON_AddNumberToObject(j, "qps", b->qps);
	o = cJSON_AddObjectToObject(j, "inputs");
	for (int i = 0; i < b->x->z->ninputs; i++)
		cJSON_AddStringToObject(o, quoted(b->x->z->inputs[i].name), host_str(b->in[i]));
	cJSON_AddNumberToObject(j, "runs", s->runs);
	cJSON_AddNumberToObject(j, "seconds", b->busy);
	if (s->lat.n)
		json_latency(j, &s->lat);
	cJSON_AddNumberToObject(j, "throughput", s->throughput);
	o = cJSON_AddObjectToObject(j, "compute");
	add_number(o, "macs", w->macs, w->macs >= 0);
	add_number(o, "gflops", s->gflops, s->gflops >= 0);
	cJSON_AddNumberToObject(o, "limit_gflops", fma);
	cJSON_AddStringToObject(o, "limit_loop", limit_fma_name());
	add_number(o, "share", s->gflops / fma, s->gflops >= 0);
	o = cJSON_AddObjectToObject(j, "memory");
	cJSON_AddNumberToObject(o, "weight_bytes", w->weights);
	cJSON_AddNumberToObject(o, "port_bytes", w->ports);
	add_number(o, "intermediate_bytes", w->between, w->between >= 0);
	add_number(o, "gbs", s->rate, s->rate >= 0);
	cJSON_AddNumberToObject(o, "limit_gbs", read);
	cJSON_AddNumberToObject(o, "limit_bytes", (double)b->yard.bytes);
	add_number(o, "share", s->rate / read, s->rate >= 0);
	json_print(j);
}

/* ---- the command */

static void
prepare(Bench *b)
{
	const Cli *c = b->c;
	double all;

	b->in = cli_inputs(c, b->x);
	exec_free(exec_seeded(b->x, b->in, c->seed, !c->json), b->x->z->noutputs);
	b->streams = c->scenario == SINGLE ? 1 : c->streams ? c->streams : cpus() / c->o.threads;
	b->streams = b->streams < 1 ? 1 : b->streams;
	b->w = NEWN(Worker, b->streams);
	for (int i = 0; i < b->streams; i++) {
		b->w[i].b = b;
		b->w[i].r = exec_ready(b->x, b->in);
		b->w[i].lat.t = big_alloc(SAMPLES * sizeof(double));
		b->w[i].lat.rng = (uint64_t)i;
	}
	count_work(b);
	all = fmax(touched(&b->work), b->work.weights + b->work.ports);
	b->yard.threads = yard_threads(b->streams * c->o.threads);
	b->yard.bytes = (size_t)fmin(fmax(all, 4096), MOST_READ) / (size_t)c->o.threads;
}

int
cli_bench(Cli *c)
{
	Bench b = {.c = c};
	Sum s;

	b.x = exec_build(c->model, &c->o);
	prepare(&b);
	warm_up(&b);
	if (c->scenario == SERVER) {
		b.qps = c->qps > 0 ? c->qps : b.streams / b.alone / 2;
		serving(&b);
	} else {
		rounds(&b);
	}
	s = sum_up(&b);
	if (c->json)
		print_json(&b, &s);
	else
		print_text(&b, &s);
	return EX_DONE;
}
