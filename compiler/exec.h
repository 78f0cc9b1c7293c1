/* Models compiled to a temporary library and called through zenith_model. */
#ifndef ZENITHC_EXEC_H
#define ZENITHC_EXEC_H

#include "data/host.h"
#include "output.h"
#include "runtime/zenith.h"

typedef struct Exec {
	Model *model;
	Program *program;
	const zenith_model *z;
	void *lib;                       /* as dlopen gave it */
	int threads;                     /* --threads */
	VEC(const char *) in, out;       /* the ONNX file's inputs and outputs, in its order */
	VEC(bool) quantum;               /* out[i] is made by a quantising operator */
	unsigned char *work;
	size_t work_bytes, heap_bytes;
} Exec;

Exec *exec_build(const char *path, const Options *);
int exec_input(const Exec *, const char *name);          /* index in z->inputs, or -1 */
VKind exec_kind(const zenith_value *);
/* runs on in[0..ninputs); the outputs in memory of their own. Raises EX_INVALID where the data do not fit the
 * model */
Host **exec_run(Exec *, Host *const *in);
/* fills what is NULL in in[] from a generator; sizes that nothing decides are tried small to large. The
 * outputs */
Host **exec_seeded(Exec *, Host **in, uint64_t seed, bool say);

/* a run made ready to be repeated, on any thread and without a session: its own context, memory and threads */
typedef struct Ready {
	const zenith_model *z;
	zenith_ctx ctx;
	zenith_tensor *in, *out;
} Ready;
Ready *exec_ready(Exec *, Host *const *in);              /* in: as exec_seeded leaves it. Runs once */
int exec_again(Ready *);                                 /* the status */
_Noreturn void exec_refuse(int status);                  /* says what went wrong */
void exec_free(Host **, int n);

#endif
