/* Groups: which stored expressions share a kernel.
 *
 * requires: fuse.c's decisions. A group has a root, whose value is stored at its place, and before it the stages that
 * only this kernel reads. */
#include "lower.h"

static void plain_root(Group *g, Unit *u)
{
	Te *te = u->out->te;
	Stage s = { .v = u->out, .body = te->body, .at = te->axis };

	s.loop = NEWN(Ix, te->rank + 1);
	for (int i = 0; i < te->rank; i++)
		if (!ix_is(te->axis[i], 0))
			s.loop[s.nloop++] = te->axis[i];
	push(&g->stage, s);
}

Group *group_unit(Lower *lo, Unit *u)
{
	Group *g = NEW(Group);

	(void)lo;
	g->root = u;
	plain_root(g, u);
	return g;
}
