/* Denormals as zero, where kernels want it (Kern.flush of their variants). The mode of the processor is changed between
 * kernels that differ, not at each, and is the caller's in all that is exact:
 *
 *   NAME_run_in     mode = that of the caller; the program; mode again, however the program ended
 *   the program     at the first of a run of kernels, or before a loop that has only such
 *   a part          its own, since threads have modes of their own
 *
 * On a processor that has none of the vectors NAME_flush gives the mode back as it is. */
#include "emit.h"

enum { EXACT = 1, FLUSH = 2, BOTH = EXACT | FLUSH };

static bool
rounds(const Expr *e, void *arg)
{
	bool f = dt_float(e->dt);

	(void)arg;
	for (int i = 0; i < e->n; i++)
		f |= dt_float(e->a[i]->dt);
	if (!f || !e->n || e->op == E_SELECT || e->op == E_GUARD || e->op == E_BITCAST)
		return false;
	return e->op != E_CAST || (dt_float(e->a[0]->dt) && (dt_float(e->dt) || e->dt == DT_BOOL));
}

static int
needs(const Stmt *s)
{
	return (s->e && ex_any(s->e, rounds, NULL)) || (s->ix && ex_any(ex_ix(s->ix), rounds, NULL)) ||
		(s->ix2 && ex_any(ex_ix(s->ix2), rounds, NULL)) ? EXACT : 0;
}

static void
find_needs(Stmt *s, void *arg)
{
	*(int *)arg |= needs(s);
}

bool
ftz_kern(const Kern *k)
{
	return k->variant.n && k->variant.p[0]->flush;
}

/* what a call needs: a kernel that moves data has no need; one in parts sees to itself */
static int
call_needs(const Kern *k)
{
	int n = 0;

	if (ftz_kern(k))
		return k->parts > 1 ? 0 : FLUSH;
	st_each(k->body, find_needs, &n);
	for (int i = 0; i < k->variant.n; i++)
		st_each(k->variant.p[i]->body, find_needs, &n);
	return n;
}

static void
find_all(Stmt *s, void *arg)
{
	*(int *)arg |= s->op == S_CALL ? call_needs(s->kern) : needs(s);
}

static void
turn(Em *e, const Stmt *s, int need, int *mode)
{
	if (need && need != *mode)
		*map_at_ptr(e->turn, s) = (void *)(intptr_t)need;
	*mode = need ? need : *mode;
}

/* mode: in which it is before the statement, BOTH: in either; then after it */
static void
plan(Em *e, const Stmt *s, int *mode)
{
	int n = 0, yes, no;

	if (!s)
		return;
	switch (s->op) {
	case S_BLOCK:
		for (int i = 0; i < s->list.n; i++)
			plan(e, s->list.p[i], mode);
		break;
	case S_FOR: case S_WHILE:
		st_each((Stmt *)s, find_all, &n);
		turn(e, s, n == BOTH ? EXACT : n, mode);
		if (n == BOTH) {
			*mode = BOTH;
			plan(e, s->body, mode);
			*mode = BOTH;
		}
		break;
	case S_IF:
		turn(e, s, needs(s), mode);
		yes = no = *mode;
		plan(e, s->body, &yes);
		plan(e, s->other, &no);
		*mode = yes == no ? yes : BOTH;
		break;
	default:
		turn(e, s, s->op == S_CALL ? call_needs(s->kern) : needs(s), mode);
	}
}

typedef struct Find { bool flush, odd; } Find;

static void
find_flush(Stmt *s, void *arg)
{
	Find *f = arg;

	f->flush |= s->op == S_CALL && ftz_kern(s->kern) && s->kern->parts < 2;
	f->odd |= s->op == S_WHILE && needs(s);
}

void
ftz_plan(Em *e)
{
	Find f = { 0 };
	int mode = EXACT;

	e->turn = map_new();
	st_each(e->g->body, find_flush, &f);
	e->ftz = f.flush && !f.odd;
	if (e->ftz)
		plan(e, e->g->body, &mode);
}

void
ftz_turn(CPrint *p, const Stmt *s)
{
	const Em *e = p->arg;
	int need = (int)(intptr_t)map_ptr(e->turn, s);

	if (need)
		cp_linef(p, "zn_ftz_set(%s);", need == FLUSH ? "flush" : "mode");
}

/* NAME_flush: the mode with denormals as zero. Narrow vectors last in the table: a processor that has others has them */
void
ftz_define(Em *e, Buf *b)
{
	const char *word = "#if";
	bool any = false;
	int n = 0;

	for (int i = 0; i < e->g->kern.n; i++)
		any |= ftz_kern(e->g->kern.p[i]);
	if (!any)
		return;
	prelude_need(&e->pre, "zn_ftz_get zn_ftz_set zn_ftz_of");
	while (isa_table[n].name)
		n++;
	buf_fmt(b, "static uint64_t %s_flush(uint64_t mode)\n{\n", e->name);
	while (n-- > 0) {
		const Isa *s = &isa_table[n];
		if (!isa_wanted(s, e->o->target) || (s->dot[0] && !isa_is(s, e->o->target)))
			continue;
		prelude_need(&e->pre, s->has);
		buf_fmt(b, "%s %s\n\treturn %s ? zn_ftz_of(mode) : mode;\n", word, s->when, s->has);
		word = "#elif";
	}
	buf_fmt(b, "#else\n\treturn mode;\n#endif\n}\n\n");
}
