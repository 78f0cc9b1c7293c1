/* Target: a model compiled down to C text and weights. Options follow from the bytes. */
#include "fuzz.h"
#include "onnx/import.h"
#include "../codegen/emit.h"

static void
compile(void *arg)
{
	const File *f = arg;
	uint64_t h = hash_bytes(f->p, f->n, 0);
	Options o = {.opt = h & 3 ? 3 : 0, .threads = h & 4 ? 1 : 3, .prefix = "m",
		.header = h & 8 ? "m.h" : NULL, .weights = h & 16 ? W_INLINE : W_EXTERN};
	Model *m = onnx_read(*f, "/nowhere", &o.import);
	Emitted e = {0};
	Program *p;
	FILE *null;

	check_operators(m);
	stop_if_errors();
	compile_passes(m, &o);
	p = compile_lower(m, &o);
	stop_if_errors();
	emit_c(m, p, &o, &e);
	null = fopen("/dev/null", "w");
	emit_weights(p, null);
	fclose(null);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	File f = {p, n, false};

	fuzz_try(compile, &f);
	return 0;
}
