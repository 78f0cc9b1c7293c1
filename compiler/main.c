/* The command line. */
#include "cli.h"
#include "runtime/zenith.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum cmd { C_COMPILE = 1, C_RUN = 2, C_VERIFY = 4, C_INSPECT = 8, C_OPS = 16, C_TARGETS = 32, C_BENCH = 64 };
enum {
	MODEL = C_COMPILE | C_RUN | C_VERIFY | C_INSPECT | C_BENCH,
	EXEC = C_RUN | C_VERIFY | C_BENCH,
	BUILD = C_COMPILE | EXEC,
	ANY = 127,
};

enum { SCENARIO_SERVER = 3 };    /* of the names of --scenario */

enum opt {
	O_LEVEL = 'O', O_OUT = 'o', O_INPUT = 'i', O_VERBOSE = 'v', O_HELP = 'h',
	O_NAME = 256, O_TARGET, O_DIM, O_SHAPE, O_THREADS, O_WEIGHTS, O_STATE, O_VERIFY, O_TOLERANCE, O_DUMP, O_CC, O_LIMIT,
	O_ROOT, O_DATA, O_RTOL, O_ATOL, O_MAXERR, O_FORMAT, O_SEED, O_JSON, O_LOG, O_COLOR, O_VERSION, O_PROFILE, O_SECONDS, O_SCENARIO, O_STREAMS, O_QPS, O_BREAK, O_FAMILY, O_LATER,
};

/* one row per option: the commands that take it, and a line for --help (NULL: not shown) */
static const struct row { const char *name; int id; const char *arg; int cmds; const char *help;
} rows[] = {
	{"output", O_OUT, "OUT", C_COMPILE | C_RUN,
		"compile: the file to write, .c .o .a .so; run: a folder"},
	{"optimize", O_LEVEL, "N", MODEL, "-O0 the reference, -O3 the default"},
	{"name", O_NAME, "PREFIX", C_COMPILE, "of every symbol; default: from OUT"},
	{"target", O_TARGET, "NAME", MODEL, "see `zenithc targets`; default c"},
	{"dim", O_DIM, "NAME=N|A..B", MODEL, "fixes or bounds a symbolic dimension"},
	{"shape", O_SHAPE, "INPUT=1x3x8", MODEL, "fixes an input's shape; ? leaves a dimension as it is"},
	{"threads", O_THREADS, "N", BUILD, "divides kernels into N parts, for a pool of threads; default 1"},
	{"weights", O_WEIGHTS, "HOW", C_COMPILE, "inline, incbin, file or extern"},
	{"state", O_STATE, "IN=OUT", MODEL, "keeps the pair in place between runs"},
	{"cc", O_CC, "CMD", BUILD, "C compiler and its flags, split at blanks; default cc"},
	{"verify", O_VERIFY, NULL, C_COMPILE, "compares with -O0 before anything is written"},
	{"tolerance", O_TOLERANCE, "T", C_COMPILE, "of --verify: |T - F| <= T * max|F|; default 1e-4"},
	{"data", O_DATA, "DIR", C_VERIFY | C_COMPILE | C_RUN | C_BENCH,
		"test_data_set_N, or a folder of them; run and bench take the first"},
	{"rtol", O_RTOL, "R", C_VERIFY, "|got - want| <= atol + rtol * |want|; default 1e-3"},
	{"atol", O_ATOL, "A", C_VERIFY, "default 1e-7"},
	{"max-error", O_MAXERR, "R", C_VERIFY, "|got - want| <= R * max|want| per output instead"},
	{"input", O_INPUT, "NAME=FILE", C_RUN | C_BENCH, "an input from a .npy, .npz or .pb file"},
	{"format", O_FORMAT, "npy|pb", C_RUN, "of the outputs; default npy"},
	{"seed", O_SEED, "N", C_RUN | C_BENCH | C_COMPILE, "of inputs that are not given; default 1"},
	{"profile", O_PROFILE, NULL, C_RUN, "the time of each kernel, with its layers, instead of the outputs"},
	{"scenario", O_SCENARIO, "NAME", C_BENCH, "single-stream (default), multi-stream, offline, server"},
	{"streams", O_STREAMS, "N", C_BENCH, "runs at once; default: one per processor"},
	{"qps", O_QPS, "R", C_BENCH, "server: arrivals a second; default: half of what it can do"},
	{"seconds", O_SECONDS, "S", C_RUN | C_BENCH, "how long to measure; default 3"},
	{"json", O_JSON, NULL, C_RUN | C_BENCH | C_INSPECT | C_OPS | C_TARGETS, "for programs"},
	{"external-root", O_ROOT, "DIR", MODEL, "where external data may lie; default: the model's folder"},
	{"limit", O_LIMIT, "NAME=N", MODEL, "raises a limit; see zenithc(1)"},
	{"dump", O_DUMP, "NAME", MODEL, "prints what a pass, or import, lower or plan, made"},
	{"verbose", O_VERBOSE, NULL, ANY, "passes and their times"},
	{"log-format", O_LOG, "text|json", ANY, "of messages"},
	{"color", O_COLOR, "[WHEN]", ANY, "of messages: auto, always, never"},
	{"version", O_VERSION, NULL, ANY, "prints the version"},
	{"help", O_HELP, NULL, ANY, "prints this"},
#ifdef ZN_CHECKS
	{"break-pass", O_BREAK, "NAME", MODEL, NULL},
	{"family", O_FAMILY, "NAME", MODEL, NULL},
#endif
	{"precision", O_LATER, "", ANY, NULL},
	{"calibrate", O_LATER, "", ANY, NULL},
	{"tune", O_LATER, "[", ANY, NULL},
	{"report", O_LATER, "", ANY, NULL},
	{"config", O_LATER, "", ANY, NULL},
};

static const struct { const char *name; enum cmd cmd; int (*fn)(Cli *); } commands[] = {
	{"", C_COMPILE, cli_compile}, {"run", C_RUN, cli_run}, {"verify", C_VERIFY, cli_verify},
	{"inspect", C_INSPECT, cli_inspect}, {"ops", C_OPS, cli_ops}, {"targets", C_TARGETS, cli_targets},
	{"bench", C_BENCH, cli_bench},
};

static const struct { const char *name; int64_t most; } limits[] = {
#define LIMIT(id, name, value, most, what) {name, most},
#include "limits.def"
#undef LIMIT
};

#define usage(...) fatal(EX_USE, NULL, __VA_ARGS__)

static void
print_help(void)
{
	puts("zenithc [options] MODEL.onnx -o OUT\n"
		"zenithc run     MODEL.onnx [-i NAME=FILE]... [-o DIR] [--format=npy|pb]\n"
		"zenithc verify  MODEL.onnx --data DIR [--rtol R] [--atol A] [--max-error R]\n"
		"zenithc bench   MODEL.onnx [--scenario NAME] [--seconds S] [--json]\n"
		"zenithc inspect MODEL.onnx [--json]\n"
		"zenithc ops | targets [--json]\n");
	for (int i = 0; i < LEN(rows); i++) {
		const struct row *r = &rows[i];
		char text[64];
		if (!r->help)
			continue;
		snprintf(text, sizeof text, "%s--%s%s%s", r->id < 256 ? fmt("-%c, ", r->id) : "    ", r->name,
			r->arg ? *r->arg == '[' ? "[=" : " " : "", r->arg ? r->arg + (*r->arg == '[') : "");
		printf("  %-30s %s\n", text, r->help);
	}
	puts("\nExit codes: 0 done, 1 a difference was found, 2 usage, 3 the model or the data is invalid, 4 not supported,\n"
	     "5 the toolchain failed, 6 a limit was exceeded, 70 a bug in zenithc, 74 the output could not be written.");
}

/* NAME=VALUE, split at the last '='; returns VALUE */
static char *
pair(const char *opt, char *s)
{
	char *eq = strrchr(s, '=');

	if (!eq || eq == s)
		usage("--%s %s: expected NAME=VALUE", opt, quoted(s));
	*eq = 0;
	return eq + 1;
}

static int64_t
number(const char *opt, const char *s, int64_t least)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(s, &end, 10);
	if (end == s || *end || errno || v < least)
		usage("--%s: '%s' is not a whole number of at least %" PRId64, opt, quoted(s), least);
	return v;
}

static double
real(const char *opt, const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end || !(v >= 0))
		usage("--%s: '%s' is not a number of at least 0", opt, quoted(s));
	return v;
}

static int
choice(const char *opt, const char *s, const char *const *list, int n)
{
	Buf b = {0};

	for (int i = 0; i < n; i++) {
		if (!strcmp(s, list[i]))
			return i;
		buf_fmt(&b, "%s%s", i ? ", " : "", list[i]);
	}
	usage("--%s: '%s' is none of %s", opt, quoted(s), buf_str(&b));
}
#define CHOICE(opt, s, ...) choice(opt, s, (const char *const[]){__VA_ARGS__}, \
	LEN(((const char *const[]){__VA_ARGS__})))

static void
opt_dim(ImportOptions *im, char *s)
{
	char *v = pair("dim", s), *dots = strstr(v, "..");
	int64_t lo, hi;

	if (dots)
		*dots = 0;
	lo = number("dim", v, dots ? 0 : 1);
	hi = dots ? number("dim", dots + 2, lo > 1 ? lo : 1) : lo;
	for (int i = 0; i < im->dim.n; i++)
		if (!strcmp(im->dim.p[i].name, s) && (im->dim.p[i].lo != lo || im->dim.p[i].hi != hi))
			usage("--dim %s: two different sizes", quoted(s));
	push(&im->dim, ((__typeof__(*im->dim.p)){s, lo, hi}));
}

static void
opt_shape(ImportOptions *im, char *s)
{
	char *v = pair("shape", s), *x;
	VEC(int64_t) d = {0};

	for (; *v; v = x ? x + 1 : v + strlen(v)) {
		x = strchr(v, 'x');
		if (x)
			*x = 0;
		push(&d, strcmp(v, "?") && strcmp(v, "-1") ? number("shape", v, 0) : -1);
		if (x && !x[1])
			usage("--shape: a dimension is missing at the end");
	}
	for (int i = 0; i < im->shape.n; i++)
		if (!strcmp(im->shape.p[i].input, s))
			usage("--shape %s: given twice", quoted(s));
	push(&im->shape, ((__typeof__(*im->shape.p)){s, d.n, d.p}));
}

static void
opt_limit(char *s)
{
	char *v = pair("limit", s);

	for (int i = 0; i < NLIMIT; i++)
		if (!strcmp(s, limits[i].name)) {
			zn->limit[i] = number("limit", v, 1);
			if (zn->limit[i] > limits[i].most)
				usage("--limit %s: at most %" PRId64, s, limits[i].most);
			return;
		}
	usage("--limit: there is no limit named '%s'; zenithc(1) lists them", quoted(s));
}

static void
opt_name(Cli *c, const char *s)
{
	if (strcmp(prefix_of(s), s) || strchr(s, '.'))
		usage("--name: '%s' cannot begin names in C", quoted(s));
	if (!strcmp(s, "zenith"))
		usage("--name: zenith is the name of the runtime; choose another");
	c->o.prefix = s;
}

static void
opt_input(Cli *c, char *s)
{
	char *eq = strchr(s, '=');

	if (!eq || eq == s)
		usage("-i %s: expected NAME=FILE", quoted(s));
	*eq = 0;
	push(&c->in, ((__typeof__(*c->in.p)){s, eq + 1}));
}

static void
opt_state(Options *o, char *s)
{
	char *eq = strchr(s, '=');

	if (!eq || eq == s || !eq[1])
		usage("--state %s: expected INPUT=OUTPUT", quoted(s));
	*eq = 0;
	push(&o->state, ((__typeof__(*o->state.p)){s, eq + 1}));
}

static void
opt_color(const char *s)
{
	int when = CHOICE("color", s ? s : "always", "never", "always", "auto");

	zn->color = when == 1 || (when == 2 && isatty(2));
}

static void
opt_target(Cli *c, const char *s)
{
	if (!target_known(s))
		usage("--target: there is no target named '%s'; `zenithc targets` lists them", quoted(s));
	c->o.target = s;
}

static void
opt_threads(Cli *c, const char *s)
{
	int64_t n = number("threads", s, 1);

	if (n > ZENITH_MAX_THREADS)
		usage("--threads: at most %d", ZENITH_MAX_THREADS);
	c->o.threads = (int)n;
}

static int
opt_streams(const char *s)
{
	int64_t n = number("streams", s, 1);

	if (n > 1024)
		usage("--streams: more than 1024 threads at once");
	return (int)n;
}

static void
opt_dump(Options *o, const char *s)
{
	if (!dump_known(s))
		usage("--dump: '%s' is none of %s", quoted(s), dump_names());
	push(&o->dump, s);
}

static void
set(Cli *c, const struct row *r, char *a)
{
	switch (r->id) {
	case O_OUT: c->out = a; break;
	case O_LEVEL: c->o.opt = CHOICE("optimize", a, "0", "1", "2", "3"); break;
	case O_NAME: opt_name(c, a); break;
	case O_TARGET: opt_target(c, a); break;
	case O_DIM: opt_dim(&c->o.import, a); break;
	case O_SHAPE: opt_shape(&c->o.import, a); break;
	case O_THREADS: opt_threads(c, a); break;
	case O_WEIGHTS:
		c->o.weights = W_INLINE + CHOICE("weights", a, "inline", "incbin", "file", "extern");
		break;
	case O_STATE: opt_state(&c->o, a); break;
	case O_CC: c->o.cc = a; break;
	case O_VERIFY: c->verify = true; break;
	case O_TOLERANCE: c->tolerance = real(r->name, a); break;
	case O_DATA: c->data = a; break;
	case O_RTOL: c->rtol = real(r->name, a); break;
	case O_ATOL: c->atol = real(r->name, a); break;
	case O_MAXERR: c->max_error = real(r->name, a); break;
	case O_INPUT: opt_input(c, a); break;
	case O_FORMAT: c->pb = CHOICE("format", a, "npy", "pb"); break;
	case O_SEED: c->seed = (uint64_t)number("seed", a, 0); break;
	case O_PROFILE: c->o.profile = true; break;
	case O_SECONDS: c->seconds = real(r->name, a); break;
	case O_SCENARIO:
		c->scenario = CHOICE("scenario", a, "single-stream", "multi-stream", "offline", "server");
		break;
	case O_STREAMS: c->streams = opt_streams(a); break;
	case O_QPS: c->qps = real(r->name, a); break;
	case O_JSON: c->json = true; break;
	case O_ROOT: c->o.import.external_root = a; break;
	case O_LIMIT: opt_limit(a); break;
	case O_DUMP: opt_dump(&c->o, a); break;
	case O_VERBOSE: c->o.verbose = zn->verbose = 1; break;
	case O_LOG: zn->json = CHOICE("log-format", a, "text", "json"); break;
	case O_COLOR: opt_color(a); break;
	case O_BREAK: c->o.break_pass = a; break;
	case O_FAMILY: c->o.family = a; break;
	case O_HELP: case O_VERSION: c->info = r->id; break;
	default: usage("--%s does not exist yet", r->name);
	}
}

/* getopt's tables from rows[]; a long option's val is its row, counted from 1000 */
static void
tables(struct option *lo, Buf *so)
{
	buf_fmt(so, ":");
	for (int i = 0; i < LEN(rows); i++) {
		const struct row *r = &rows[i];
		int has = !r->arg ? no_argument : *r->arg == '[' ? optional_argument : required_argument;
		lo[i] = (struct option){r->name, has, NULL, 1000 + i};
		if (r->id < 256)
			buf_fmt(so, "%c%s", r->id, r->arg ? ":" : "");
	}
}

static const struct row *
row_of(int id)
{
	for (int i = 0; i < LEN(rows); i++)
		if (rows[i].id == id)
			return &rows[i];
	bug("option %d", id);
}

static _Noreturn void
bad_option(int how, char *const *argv)
{
	const char *word = argv[optind - 1];

	if (how == ':' && optopt >= 1000)
		usage("--%s needs a value", rows[optopt - 1000].name);
	if (how == ':')
		usage("-%c needs a value", optopt);
	if (optopt >= 1000)
		usage("--%s takes no value", rows[optopt - 1000].name);
	if (optopt)
		usage("there is no option -%c; --help lists them", optopt);
	usage("there is no option %s, or it is short for several; --help lists them", quoted(word));
}

static void
read_options(Cli *c, int argc, char **argv)
{
	struct option lo[LEN(rows) + 1] = {{0}};
	Buf so = {0};
	VEC(const struct row *) seen = {0};
	const struct row *r;
	int k;

	tables(lo, &so);
	opterr = 0;
	while ((k = getopt_long(argc, argv, buf_str(&so), lo, NULL)) >= 0) {
		if (k == '?' || k == ':')
			bad_option(k, argv);
		r = k >= 1000 ? &rows[k - 1000] : row_of(k);
		set(c, r, optarg);
		push(&seen, r);
	}
	c->cmd = 0;
	for (int i = 1; optind < argc && i < LEN(commands); i++)
		if (!strcmp(argv[optind], commands[i].name))
			c->cmd = i;
	if (c->cmd)
		optind++;
	for (int i = 0; i < seen.n; i++)
		if (!(seen.p[i]->cmds & (int)commands[c->cmd].cmd) && !c->info)
			usage("--%s means nothing to `zenithc%s%s`", seen.p[i]->name, c->cmd ? " " : "", commands[c->cmd].name);
	c->model = argv[optind];
	if (optind + 1 < argc && !c->cmd && !strpbrk(c->model, "./") && access(c->model, F_OK))
		usage("there is no command '%s': it is none of run, verify, bench, inspect, ops, targets", quoted(c->model));
	if (optind + 1 < argc)
		usage("'%s': one model at a time", quoted(argv[optind + 1]));
}

static void
check(Cli *c)
{
	bool wants = commands[c->cmd].cmd & MODEL;

	if (!commands[c->cmd].fn)
		usage("`zenithc %s` does not exist yet", commands[c->cmd].name);
	if (wants && !c->model)
		usage("which model? `zenithc --help` says more");
	if (!wants && c->model)
		usage("`zenithc %s` takes no model", commands[c->cmd].name);
	if (!c->cmd && !c->out)
		usage("nothing to write: -o OUT says what; OUT ends in .c, .o, .a or .so, or is - for C on "
			"standard output");
	if (commands[c->cmd].cmd == C_VERIFY && !c->data)
		usage("verify: --data DIR says where inputs and outputs lie");
	if (commands[c->cmd].cmd == C_RUN && c->json && !c->o.profile)
		usage("run: --json is about --profile");
	if (commands[c->cmd].cmd == C_RUN && c->seconds >= 0 && !c->o.profile)
		usage("run: --seconds is about --profile");
	if (commands[c->cmd].cmd == C_RUN && c->pb && !c->out)
		usage("run: --format is about what -o writes");
	if (c->qps > 0 && c->scenario != SCENARIO_SERVER)
		usage("bench: --qps is about --scenario server");
	if (c->streams && !c->scenario)
		usage("bench: --streams is about other scenarios than single-stream");
	if (!c->cmd && !c->verify && (c->tolerance >= 0 || c->data || c->seed != 1))
		usage("--tolerance, --data and --seed need --verify");
}

static void
start(void *arg)
{
	Cli *c = arg;
	int status;

	read_options(c, c->argc, c->argv);
	if (c->info == O_HELP)
		print_help();
	else if (c->info)
		printf("zenithc %s, interface %d\n", ZENITHC_VERSION, ZENITHC_ABI);
	if (c->info)
		return;
	check(c);
	if (c->seconds < 0)
		c->seconds = 3;
	zn->file = c->model ? strcmp(c->model, "-") ? copy_str(c->model) : "(standard input)" : NULL;
	if (commands[c->cmd].cmd == C_BENCH)
		c->o.cflags = "-O3";
	status = commands[c->cmd].fn(c);
	if (!zn->status)
		zn->status = status;
}

/* memory of cJSON is the arena's too: for want of it the compilation ends, where its own would leave parts out */
static void
keep(void *p)
{
	(void)p;
}

int
main(int argc, char **argv)
{
	Session *s;
	int status;
	Cli c = {.argc = argc, .argv = argv, .o = {.opt = 3, .threads = 1, .dump_to = stderr}, .seed = 1,
		.rtol = 1e-3, .atol = 1e-7, .max_error = -1, .tolerance = -1, .seconds = -1};

	temp_signals();
	cJSON_InitHooks(&(cJSON_Hooks){alloc, keep});
	s = session_begin(NULL);
	status = session_try(start, &c);
	session_end(s);
	if (fclose(stdout) && (!status || status == EX_DIFFERS)) {
		fprintf(stderr, "zenithc: error: cannot write standard output: %s\n", strerror(errno));
		status = EX_OUTPUT;
	}
	return status;
}
