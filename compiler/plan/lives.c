/* Lifetimes: a program's statements are numbered in the order of the text; a region lives from its first to
 * its last use. A region used inside a loop and outside of it lives as long as the whole loop, which may run
 * again. */
#include "plan.h"

typedef struct Span { int first, last; } Span;

typedef struct Walk {
	Lives l;
	int step;
	VEC(Span) loop;
} Walk;

static void touch(Walk *w, const Mem *m)
{
	Life *l;

	if (m && m->space == SP_WEIGHT)
		w->l.weight[m->id] = true;
	if (!m || m->space != SP_WORK)
		return;
	l = &w->l.life[m->id];
	if (!l->mem)
		*l = (Life){ (Mem *)m, w->step, w->step };
	l->last = w->step;
}

static bool touch_load(const Expr *e, void *arg)
{
	if (e->op == E_LOAD)
		touch(arg, e->u.mem);
	return false;
}

static bool touch_atom(const IxAtom *a, void *arg)
{
	if (a->kind == IX_EXPR)
		ex_any(a->e, touch_load, arg);
	return false;
}

static void walk(Walk *w, const Stmt *s)
{
	int first = w->step;

	if (!s)
		return;
	if (s->op != S_BLOCK)
		w->step++;
	if (s->op == S_CALL) {
		push(&w->l.call, (Stmt *)s);
		push(&w->l.step, w->step);
	}
	for (int i = 0; i < s->arg.n; i++)
		touch(w, s->arg.p[i].mem);
	if (s->e)
		ex_any(s->e, touch_load, w);
	if (s->ix)
		ix_any(s->ix, touch_atom, w);
	touch(w, s->mem);
	for (int i = 0; i < s->list.n; i++)
		walk(w, s->list.p[i]);
	walk(w, s->body);
	walk(w, s->other);
	if (s->op == S_WHILE || s->op == S_FOR) {
		if (s->e)
			ex_any(s->e, touch_load, w);
		push(&w->loop, ((Span){ first, w->step }));
	}
}

Lives plan_lives(const Program *p)
{
	Walk w = { .l = { .life = NEWN(Life, p->mem.n + 1), .n = p->mem.n,
		.weight = NEWN(bool, p->mem.n + 1) } };

	walk(&w, p->body);
	for (int k = 0; k < w.loop.n; k++)     /* inner loops come first */
		for (int i = 0; i < p->mem.n; i++) {
			Life *l = &w.l.life[i];
			int f = w.loop.p[k].first, e = w.loop.p[k].last;
			if (!l->mem || l->last < f || l->first > e || (l->first > f && l->last <= e))
				continue;
			l->first = l->first < f ? l->first : f;
			l->last = l->last > e ? l->last : e;
		}
	return w.l;
}
