/* The pipeline: passes.def in order, each timed, dumped on request and followed by the verifier in test builds. */
#include "passes.h"
#include <time.h>

static const struct { const char *name; int level; const char *what; void (*run)(Model *, const Options *); } pass[] = {
#define PASS(name, level, what) { #name, level, what, pass_##name },
#include "passes.def"
#undef PASS
};

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
		if (o->verbose)
			fprintf(stderr, "%-12s %8.3f ms  %s%s\n", pass[i].name, 1e3 * (seconds() - t), pass[i].what,
				m->nnode == before ? "" : " (nodes changed)");
		if (wanted(o, pass[i].name))
			graph_dump(o->dump_to ? o->dump_to : stderr, m);
#ifdef ZN_CHECKS
		if (o->break_pass && !strcmp(o->break_pass, pass[i].name))
			plant_fault(m);
		graph_verify(m, pass[i].name);
#endif
	}
}

Model *compile_import(const char *path, const Options *o)
{
	Model *m = onnx_import(path, &o->import);

	stop_if_errors();
	return m;
}
