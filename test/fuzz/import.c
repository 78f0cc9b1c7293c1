/* Target: a model scanned, imported, its shapes inferred. */
#include "fuzz.h"
#include "onnx/import.h"
#include "passes/passes.h"

static void
import(void *arg)
{
	Options o = {.opt = 3, .threads = 1};
	Model *m = onnx_read(*(File *)arg, "/nowhere", &o.import);

	check_operators(m);
	stop_if_errors();
	pass_shapes(m, &o);
	stop_if_errors();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	File f = {p, n, false};

	fuzz_try(import, &f);
	return 0;
}
