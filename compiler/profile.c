/* `zenithc run --profile`: where the time of a run goes. The program was printed with codegen/profile.c, so
 * every call adds its ticks to a table of the library; after each run the table is read and cleared. What is
 * printed are medians over the runs: of each kernel, and of the rest, the run less its kernels. */
#include "profile.h"
#include "measure.h"

#include <dlfcn.h>

enum { MOST_RUNS = 500, FEWEST_RUNS = 3 };

static uint64_t
ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	return (uint64_t)(limit_now() * 1e9);
#endif
}

typedef struct Row {
	const char *kernel, *note;
	const Kern *kern;
	VEC(int) call;           /* numbers in the table */
	double calls, seconds, macs, bytes;
} Row;

typedef struct Profile {
	const Exec *x;
	Calls call;
	VEC(Row *) row;
	uint64_t (*table)[2];
	double *run;             /* [runs][rows + 1]: seconds; the last: of the whole run */
	int runs;
	double seconds;          /* sum of the medians */
	double rest;
	Yard yard;
} Profile;

static void *
symbol(const Exec *x, const char *name)
{
	void *p = dlsym(x->lib, name);

	if (!p)
		bug("%s is missing", name);
	return p;
}

/* of the operands, as declared: an upper bound of what it touches; 0 if dynamic */
static double
operand_bytes(const Kern *k)
{
	double all = 0;
	int64_t n;

	for (int i = 0; i < k->param.n; i++) {
		if (!ix_isint(k->param.p[i]->size, &n))
			return 0;
		all += (double)n * dtype_info[k->param.p[i]->dt].bits / 8;
	}
	return all;
}

static Row *
new_row(Profile *p, const Stmt *s)
{
	Row *r = NEW(Row);
	int k = 0;

	push(&p->row, r);
	if (s->op == S_COPY) {
		r->kernel = "copy";
		r->note = fmt("%s <- %s", s->arg.p[0].mem->name, s->arg.p[1].mem->name);
		return r;
	}
	while (k < p->x->program->kern.n && p->x->program->kern.p[k] != s->kern)
		k++;
	r->kern = s->kern;
	r->kernel = fmt("%d %s", k, s->kern->name);
	r->note = s->kern->note ? s->kern->note : "";
	r->macs = s->kern->sym.n ? 0 : s->kern->macs;            /* else it is a guess */
	r->bytes = operand_bytes(s->kern);
	return r;
}

/* a row per kernel, and per copy */
static void
rows(Profile *p)
{
	Map *at = map_new();

	profile_calls(p->x->program, &p->call);
	for (int i = 0; i < p->call.n; i++) {
		const Stmt *s = p->call.p[i];
		Row **r = (Row **)map_at_ptr(at, s->op == S_CALL ? (const void *)s->kern : s);
		if (!*r)
			*r = new_row(p, s);
		push(&(*r)->call, i);
	}
}

static void
one_run(Profile *p, Ready *r)
{
	int n = p->row.n, s;
	double *t = p->run + (size_t)p->runs++ * (size_t)(n + 1);
	uint64_t began;

	memset(p->table, 0, (size_t)p->call.n * sizeof *p->table);
	began = ticks();
	s = exec_again(r);
	t[n] = (double)(ticks() - began);
	if (s)
		exec_refuse(s);
	for (int i = 0; i < n; i++) {
		Row *w = p->row.p[i];
		w->calls = 0;
		for (int k = 0; k < w->call.n; k++) {
			t[i] += (double)p->table[w->call.p[k]][0];
			w->calls += (double)p->table[w->call.p[k]][1];
		}
	}
}

/* runs for `seconds`, with slices of the FMA loop between every 0.1 s of them; then ticks become seconds */
static void
measure(Profile *p, Ready *r, double seconds)
{
	int n = p->row.n + 1;
	uint64_t tick = ticks();
	double from = limit_now(), slice = from, now = from;

	p->run = big_alloc((size_t)MOST_RUNS * (size_t)n * sizeof *p->run);
	yard_slice(&p->yard);
	while (p->runs < FEWEST_RUNS || (p->runs < MOST_RUNS && now - from < seconds)) {
		one_run(p, r);
		now = limit_now();
		if (now - slice > 0.1) {
			yard_slice(&p->yard);
			exec_again(r);
			slice = limit_now();
		}
		progress("profile", p->runs < MOST_RUNS ? (now - from) / seconds * 0.99 : 0.99);
	}
	progress("", 1);
	double unit = (limit_now() - from) / (double)(ticks() - tick);
	for (int i = 0; i < p->runs * n; i++)
		p->run[i] *= unit;
}

static void
medians(Profile *p)
{
	int n = p->row.n + 1;
	double *t = NEWN(double, p->runs);

	for (int i = 0; i < n - 1; i++) {
		for (int k = 0; k < p->runs; k++)
			t[k] = p->run[k * n + i];
		p->row.p[i]->seconds = median(t, p->runs);
		p->seconds += p->row.p[i]->seconds;
	}
	for (int k = 0; k < p->runs; k++) {
		t[k] = p->run[k * n + n - 1];
		for (int i = 0; i < n - 1; i++)
			t[k] -= p->run[k * n + i];
	}
	p->rest = median(t, p->runs);
	if (p->rest < 0)
		p->rest = 0;
	p->seconds += p->rest;
	for (int i = 1; i < p->row.n; i++)
		for (int k = i; k && p->row.p[k]->seconds > p->row.p[k - 1]->seconds; k--) {
			Row *r = p->row.p[k];
			p->row.p[k] = p->row.p[k - 1];
			p->row.p[k - 1] = r;
		}
}

/* ---- what is shown */

/* "node 'conv1' (Conv, #3)": conv1; a node without a name as it is */
static const char *
layer(const char *line, size_t n)
{
	const char *from = n > 6 && !strncmp(line, "node '", 6) ? line + 6 : line, *end = line + n;

	for (const char *q = line + n; from != line && q > from; q--)
		if (*q == '(' && q[-1] == ' ' && q[-2] == '\'') {
			end = q - 2;
			break;
		}
	return fmt("%.*s", (int)(end - from), from);
}

static void
layers(const char *note, void (*f)(const char *, void *), void *arg)
{
	size_t n;

	for (const char *s = note; *s; s += n + (s[n] == '\n')) {
		n = strcspn(s, "\n");
		f(layer(s, n), arg);
	}
}

typedef struct Line { Buf b; int more; } Line;

static void
add_layer(const char *s, void *arg)
{
	enum { MOST = 70 };
	Line *l = arg;

	if (l->b.n && l->b.n + strlen(s) > MOST)
		l->more++;
	else
		buf_fmt(&l->b, "%s%s", l->b.n ? ", " : "", s);
}

static const char *
line(const char *note)
{
	Line l = {0};

	layers(note, add_layer, &l);
	if (l.more)
		buf_fmt(&l.b, ", %d more", l.more);
	return buf_str(&l.b);
}

static void
print_row(const Profile *p, const Row *r, double fma)
{
	double gflops = r->macs * r->calls * 2e-9 / (r->seconds > 0 ? r->seconds : 1);

	printf("%10.2f %6.2f%% %5.0f ", r->seconds * 1e6, 100 * r->seconds / p->seconds, r->calls);
	if (r->macs > 0)
		printf("%9.2f %7.1f %3.0f%%", r->macs * r->calls * 1e-6, gflops, 100 * gflops / fma);
	else
		printf("%9s %7s %4s", "", "", "");
	printf(" %8s", r->bytes > 0 ? fmt("%.2f", r->bytes * 1e-6) : "");
	printf("  %-24.24s %s\n", r->kernel, line(r->note));
}

static void
print_table(const Profile *p)
{
	double fma = yard_fma(&p->yard), macs = 0;
	bool guess = false;

	printf("%10s %7s %5s %9s %7s %4s %8s  %-24s %s\n", "us", "share", "calls", "MMAC", "GFLOP/s",
		"FMA", "MB", "kernel", "layers");
	for (int i = 0; i < p->row.n; i++) {
		if (p->row.p[i]->calls > 0)
			print_row(p, p->row.p[i], fma);
		macs += p->row.p[i]->macs * p->row.p[i]->calls;
		guess |= p->row.p[i]->kern && p->row.p[i]->kern->sym.n && p->row.p[i]->kern->macs > 0;
	}
	if (guess)
		macs = 0;
	printf("%10.2f %6.2f%%%41s%s\n", p->rest * 1e6, 100 * p->rest / p->seconds, "", "outside kernels");
	printf("\n%s in %d kernels, median of %d runs; ", time_str(p->seconds), p->row.n, p->runs);
	if (macs > 0)
		printf("%.1f GFLOP/s, %.1f%% of ", macs * 2e-9 / p->seconds,
			macs * 200e-9 / p->seconds / fma);
	printf("the fed FMA rate %s%.1f GFLOP/s (%s)\n", macs > 0 ? "" : "is ", fma, limit_fma_name());
}

static void
push_layer(const char *s, void *arg)
{
	cJSON_AddItemToArray(arg, cJSON_CreateString(s));
}

static void
print_json(const Profile *p)
{
	cJSON *j = cJSON_CreateObject(), *a, *o;

	cJSON_AddStringToObject(j, "model", zn->file);
	cJSON_AddNumberToObject(j, "runs", p->runs);
	cJSON_AddNumberToObject(j, "total_us", p->seconds * 1e6);
	cJSON_AddNumberToObject(j, "fma_gflops", yard_fma(&p->yard));
	cJSON_AddStringToObject(j, "fma_loop", limit_fma_name());
	a = cJSON_AddArrayToObject(j, "kernels");
	for (int i = 0; i < p->row.n; i++) {
		const Row *r = p->row.p[i];
		o = cJSON_CreateObject();
		cJSON_AddItemToArray(a, o);
		cJSON_AddStringToObject(o, "kernel", r->kernel);
		cJSON_AddNumberToObject(o, "us", r->seconds * 1e6);
		cJSON_AddNumberToObject(o, "share", r->seconds / p->seconds);
		cJSON_AddNumberToObject(o, "calls", r->calls);
		cJSON_AddNumberToObject(o, "macs", r->macs);
		if (r->macs > 0 && r->seconds > 0)
			cJSON_AddNumberToObject(o, "gflops", r->macs * r->calls * 2e-9 / r->seconds);
		cJSON_AddNumberToObject(o, "operand_bytes", r->bytes);
		layers(r->note, push_layer, cJSON_AddArrayToObject(o, "layers"));
	}
	cJSON_AddNumberToObject(j, "rest_us", p->rest * 1e6);
	cJSON_AddNumberToObject(j, "rest_share", p->rest / p->seconds);
	json_print(j);
}

void
profile_run(Exec *x, Host *const *in, double seconds, bool json)
{
	Profile p = {.x = x, .yard = {.threads = yard_threads(x->threads), .bytes = 4096}};
	Ready *r;

	rows(&p);
	p.table = symbol(x, "m_prof");
	r = exec_ready(x, in);
	measure(&p, r, seconds);
	medians(&p);
	if (json)
		print_json(&p);
	else
		print_table(&p);
}

void
profile_attach(Exec *x)
{
	*(uint64_t (**)(void))symbol(x, "m_prof_clock") = ticks;
}
