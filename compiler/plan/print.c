/* The plan as text: what --dump=plan shows before the program. */
#include "plan.h"
#include <inttypes.h>
#include <stdlib.h>

static int by_first(const void *a, const void *b)
{
	const Life *x = *(Life *const *)a, *y = *(Life *const *)b;

	return x->first != y->first ? x->first - y->first : x->mem->id - y->mem->id;
}

void plan_print(Buf *b, const Program *p)
{
	Lives l = plan_lives(p);
	Life **order = NEWN(Life *, l.n + 1);
	int n = 0;

	for (int i = 0; i < l.n; i++)
		if (l.life[i].mem)
			order[n++] = &l.life[i];
	qsort(order, (size_t)n, sizeof *order, by_first);
	buf_fmt(b, "workspace %s bytes, at least %s; weights %" PRId64 ", state %" PRId64 "\n",
		ix_str(p->work_bytes), ix_str(p->lower_bound), p->weight_bytes, p->state_bytes);
	for (int i = 0; i < n; i++) {
		const Mem *m = order[i]->mem;
		buf_fmt(b, "steps %d..%d at %s: %s.%d, %s of %s\n", order[i]->first, order[i]->last,
			ix_str(m->offset), m->name, m->id, ix_str(m->size), dt_name(m->dt));
	}
	buf_fmt(b, "\n");
}
