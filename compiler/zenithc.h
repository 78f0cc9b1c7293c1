/* The compiler as a library: what main.c and the tests call. Every function returns an exit code of
 * util.h. */
#ifndef ZENITHC_ZENITHC_H
#define ZENITHC_ZENITHC_H

#include "graph.h"
#include "../codegen/ir.h"

#define ZENITHC_VERSION "0.1.0"
#define ZENITHC_ABI 1

enum { WEIGHTS_INLINE = 1 << 20 };       /* bytes of weights that the source holds unless --weights says otherwise */
typedef enum WeightsHow { W_DEFAULT, W_INLINE, W_INCBIN, W_FILE, W_EXTERN } WeightsHow;

typedef struct Options {
	int opt;                     /* -O0..-O3; 0: no fusion, no templates, double accumulation */
	const char *prefix;          /* --name; NULL: from the output's file name */
	const char *header;          /* file name for #include in the .c, set by output.c; NULL: no header file beside it
	                                (-o -): the text of the header goes into the .c */
	const char *target;          /* --target; NULL: "c"; see isa_wanted */
	WeightsHow weights;
	int threads;                 /* --threads; 1 */
	ImportOptions import;
	VEC(struct { const char *in, *out; }) state;      /* --state IN=OUT, in order */
	VEC(const char *) dump;      /* --dump NAME */
	FILE *dump_to;               /* stderr */
	const char *cc;              /* --cc, split at blanks, never interpreted by a shell; NULL: "cc" */
	const char *cflags;          /* for run and verify: "-O2" by default */
	const char *break_pass;      /* test builds: a wrong rewrite planted, to see --verify catch it */
	const char *family;          /* test builds: the only micro-kernels, lower/families.def; NULL: all */
	bool profile;                /* time every call of the program: codegen/profile.c */
	bool tap;   /* make every named intermediate an output (for --verify to name the layer that parts) */
	int verbose;
} Options;

/* front to back; each step raises on error, so these run inside session_try */
Model *compile_import(const char *path, const Options *);       /* all its operators are supported */
Model *compile_read(const char *path, const Options *);         /* or perhaps not: for inspect */
void compile_passes(Model *, const Options *);                  /* passes/pipeline.c: the flat list */
Program *compile_lower(Model *, const Options *);               /* lower_model, then plan/ */
Program *lower_model(Model *, const Options *);                 /* lower/: units, groups, kernels, program */
const char *dump_names(void);                                   /* what --dump knows */
bool dump_known(const char *name);

/* emission (codegen/emit.c): the text of NAME.c and NAME.h, and the weights */
typedef struct Emitted {
	Buf c, h;
	WeightsHow weights;          /* as decided */
	const char *prefix;
} Emitted;
void emit_c(const Model *, const Program *, const Options *, Emitted *);
/* what is timed with Options.profile: the calls and copies of the program, in order */
typedef VEC(const Stmt *) Calls;
void profile_calls(const Program *, Calls *);
/* the weight blob, in the order of Mem.offset, written piece by piece (never one copy in memory) */
int emit_weights(const Program *, FILE *);

/* files: writes beside and renames; OUT's suffix chooses .c .o .a .so; "-" is standard output. Raises */
void compile_to_file(const Model *, const Program *, const Options *, const char *out);

#endif
