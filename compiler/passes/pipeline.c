/* The pipeline from model to program: import, passes.def in order, lowering, plan; each timed and dumped on
 * request, passes followed by the verifier in test builds. */
#include "passes.h"
#include "../plan/plan.h"
#include <time.h>

static const struct { const char *name; int level; const char *what; void (*run)(Model *, const Options *); } pass[] = {
#define PASS(name, level, what) { #name, level, what, pass_##name },
#include "passes.def"
#undef PASS
};

static const struct { const char *name, *what; } stage[] = {
	{ "import", "the model as read" }, { "lower", "kernels and the program" }, { "plan", "memory" },
};

const char *dump_names(void)
{
	Buf b = { 0 };

	buf_fmt(&b, "%s", stage[0].name);
	for (int i = 0; i < LEN(pass); i++)
		buf_fmt(&b, ", %s", pass[i].name);
	for (int i = 1; i < LEN(stage); i++)
		buf_fmt(&b, ", %s", stage[i].name);
	return buf_str(&b);
}

bool dump_known(const char *name)
{
	for (int i = 0; i < LEN(pass); i++)
		if (!strcmp(pass[i].name, name))
			return true;
	for (int i = 0; i < LEN(stage); i++)
		if (!strcmp(stage[i].name, name))
			return true;
	return false;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool wanted(const Options *o, const char *name)
{
	for (int i = 0; i < o->dump.n; i++)
		if (!strcmp(o->dump.p[i], name))
			return true;
	return false;
}

static void say(const Options *o, double since, const char *name, const char *what, const char *more)
{
	if (o->verbose)
		fprintf(stderr, "%-12s %8.3f ms  %s%s\n", name, 1e3 * (seconds() - since), what, more);
}

static FILE *dump_file(const Options *o)
{
	return o->dump_to ? o->dump_to : stderr;
}

void compile_passes(Model *m, const Options *o)
{
	double t;

	for (int i = 0; i < LEN(pass); i++) {
		int before = m->nnode;
		if (o->opt < pass[i].level)
			continue;
		t = seconds();
		pass[i].run(m, o);
		stop_if_errors();
		say(o, t, pass[i].name, pass[i].what, m->nnode == before ? "" : " (nodes changed)");
		if (wanted(o, pass[i].name))
			graph_dump(dump_file(o), m);
#ifdef ZN_CHECKS
		if (o->break_pass && !strcmp(o->break_pass, pass[i].name))
			plant_fault(m);
		graph_verify(m, pass[i].name);
#endif
	}
}

Model *compile_read(const char *path, const Options *o)
{
	double t = seconds();
	Model *m = onnx_import(path, &o->import);

	stop_if_errors();
	say(o, t, stage[0].name, stage[0].what, "");
	if (wanted(o, stage[0].name))
		graph_dump(dump_file(o), m);
	return m;
}

Model *compile_import(const char *path, const Options *o)
{
	Model *m = compile_read(path, o);

	check_operators(m);
	stop_if_errors();
	return m;
}

static void dump_program(const Program *p, const Options *o, bool planned)
{
	Buf b = { 0 };

	if (planned)
		plan_print(&b, p);
	ir_print_program(&b, p);
	fputs(buf_str(&b), dump_file(o));
}

Program *compile_lower(Model *m, const Options *o)
{
	double t = seconds();
	Program *p = lower_model(m, o);

	say(o, t, stage[1].name, stage[1].what, "");
	if (wanted(o, stage[1].name))
		dump_program(p, o, false);
	t = seconds();
	plan_program(p, o);
	say(o, t, stage[2].name, stage[2].what, "");
	if (wanted(o, stage[2].name))
		dump_program(p, o, true);
	return p;
}
