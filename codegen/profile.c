/* --profile: the program's calls and copies counted and timed. Beside the program stand
 *
 *   uint64_t (*NAME_prof_clock)(void);   set by the host before the first run
 *   uint64_t NAME_prof[n][2];            ticks and calls of each, in the order of profile_calls
 *
 * and around the text of each call lies a reading of the clock. Contexts share the table: one at a time. */
#include "emit.h"

static void
visit(Stmt *s, void *arg)
{
	Calls *c = arg;

	if (s->op == S_CALL || s->op == S_COPY)
		push(c, s);
}

void
profile_calls(const Program *g, Calls *c)
{
	st_each(g->body, visit, c);
}

void
profile_begin(Em *e)
{
	Calls c = {0};

	if (!e->o->profile)
		return;
	profile_calls(e->g, &c);
	e->prof = map_new();
	*map_at_str(e->taken, fmt("%s_prof", e->name)) = e;
	*map_at_str(e->taken, fmt("%s_prof_clock", e->name)) = e;
	for (int i = 0; i < c.n; i++)
		*map_at_ptr(e->prof, c.p[i]) = (void *)(intptr_t)(i + 1);
}

void
profile_table(Em *e, Buf *b)
{
	Calls c = {0};

	if (!e->prof)
		return;
	profile_calls(e->g, &c);
	buf_fmt(b, "uint64_t (*%s_prof_clock)(void);\nuint64_t %s_prof[%d][2];\n\n", e->name, e->name,
		c.n ? c.n : 1);
}

void
profile_call(CPrint *p, const Stmt *s, void (*print)(CPrint *, const Stmt *))
{
	Em *e = p->arg;
	int i = e->prof ? (int)(intptr_t)map_ptr(e->prof, s) - 1 : -1;

	if (i < 0) {
		print(p, s);
		return;
	}
	cp_linef(p, "%s_prof[%d][0] -= %s_prof_clock();", e->name, i, e->name);
	print(p, s);
	cp_linef(p, "%s_prof[%d][0] += %s_prof_clock();", e->name, i, e->name);
	cp_linef(p, "%s_prof[%d][1]++;", e->name, i);
}
