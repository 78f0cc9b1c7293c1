/* What the command line says, and the commands: each returns an exit code, or raises. */
#ifndef ZENITHC_CLI_H
#define ZENITHC_CLI_H

#include "exec.h"
#include "output.h"
#include "zenithc.h"

typedef struct Cli {
	int argc;
	char **argv;
	Options o;
	int cmd, info;
	const char *model, *out, *data;
	VEC(struct { const char *name, *file; }) in;       /* -i */
	bool pb, json, verify;
	double rtol, atol, max_error, tolerance;           /* the last two: < 0 if not given */
	uint64_t seed;
	double seconds;                                    /* bench, run --profile; < 0: not given */
	int scenario, streams;                             /* bench; 0 streams: one per processor */
	double qps;
} Cli;

int cli_compile(Cli *);      /* compile.c */
int cli_run(Cli *);          /* run.c */
int cli_verify(Cli *);       /* verify.c */
int cli_bench(Cli *);        /* bench.c */
int cli_inspect(Cli *);      /* inspect.c */
int cli_ops(Cli *);          /* tables.c */
int cli_targets(Cli *);

Host **cli_inputs(const Cli *, const Exec *);   /* run.c: what -i and --data give, NULL elsewhere */
bool target_known(const char *);

#endif
