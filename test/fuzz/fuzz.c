/* Sessions of the fuzz targets. */
#include "fuzz.h"

#include <stdlib.h>

/* small enough that a bomb below them costs little: what is slow or large is then a finding */
static const struct { enum limit l; int64_t most; } limit[] = {
	{LIM_NODES, 5000}, {LIM_ELEMENTS, 1 << 20}, {LIM_FOLD, 1 << 20}, {LIM_WORK, 1 << 22},
	{LIM_SPLIT, 200}, {LIM_SOURCE, 8 << 20},
};

int fuzz_status;

int
fuzz_try(void (*fn)(void *), void *arg)
{
	Session *s = session_begin("fuzz");
	int status;

	s->log = NULL;
	for (int i = 0; i < LEN(limit); i++)
		s->limit[limit[i].l] = limit[i].most;
	status = session_try(fn, arg);
	if (status && status != EX_INVALID && status != EX_UNSUPPORTED && status != EX_LIMIT) {
		fprintf(stderr, "status %d\n%s", status, buf_str(&s->messages));
		abort();
	}
	if (status && status != EX_LIMIT && !s->messages.n) {
		fprintf(stderr, "status %d without a message\n", status);
		abort();
	}
	session_end(s);
	return fuzz_status = status;
}
