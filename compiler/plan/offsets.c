/* Offsets in the workspace, the weights and the state.
 *
 * Regions that live at the same time do not overlap. The order in which regions are placed is tried several ways and the
 * lowest peak wins. A region goes to the lowest gap that holds it. With dynamic sizes the stacking is decided at typical
 * sizes and the offsets are expressions: above everything that lies below and lives at the same time. */
#include "plan.h"
#include <stdlib.h>

typedef struct Item { Life l; int64_t size, at; double key; Ix bytes; } Item;

static int64_t round_up(int64_t n)
{
	return (n + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;
}

static int64_t typical(const IxAtom *a, void *arg)
{
	int64_t lo, hi;

	(void)arg;
	if (a->kind == IX_SYM && a->hi && ix_bounds(a->hi, &lo, &hi) && hi < 64)
		return hi > 0 ? hi : 1;
	return a->kind == IX_SYM ? 64 : 0;
}

static bool overlap(const Life *a, const Life *b)
{
	return a->first <= b->last && b->first <= a->last;
}

static int by_key(const void *a, const void *b)
{
	const Item *x = *(Item *const *)a, *y = *(Item *const *)b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return x->l.mem->id - y->l.mem->id;
}

static int by_at(const void *a, const void *b)
{
	const Item *x = *(Item *const *)a, *y = *(Item *const *)b;

	return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->l.mem->id - y->l.mem->id;
}

/* lowest gap among the placed items that conflict */
static int64_t first_gap(Item **placed, int n, const Item *it)
{
	int64_t at = 0;

	for (int i = 0; i < n; i++) {        /* placed[] is sorted by at */
		if (!overlap(&placed[i]->l, &it->l))
			continue;
		if (placed[i]->at - at >= it->size)
			break;
		if (placed[i]->at + placed[i]->size > at)
			at = placed[i]->at + placed[i]->size;
	}
	return at;
}

static int64_t place_all(Item **order, int n)
{
	Item **placed = NEWN(Item *, n + 1);
	int64_t peak = 0;

	qsort(order, (size_t)n, sizeof *order, by_key);
	for (int i = 0; i < n; i++) {
		Item *it = order[i];
		int k = i;
		it->at = first_gap(placed, i, it);
		while (k > 0 && placed[k - 1]->at > it->at) {
			placed[k] = placed[k - 1];
			k--;
		}
		placed[k] = it;
		if (it->at + it->size > peak)
			peak = it->at + it->size;
	}
	return peak;
}

static double key_of(const Item *it, int way)
{
	double life = it->l.last - it->l.first + 1;

	switch (way) {
	case 0: return (double)it->size;
	case 1: return (double)it->size * life;
	case 2: return -it->l.first + 1e-12 * (double)it->size;
	default: return life;
	}
}

static int64_t best_order(Item *item, int n)
{
	Item **order = NEWN(Item *, n + 1);
	int64_t best = -1, peak, *at = NEWN(int64_t, n + 1);

	for (int way = 0; way < 4; way++) {
		for (int i = 0; i < n; i++) {
			order[i] = &item[i];
			item[i].key = key_of(&item[i], way);
		}
		peak = place_all(order, n);
		if (best >= 0 && peak >= best)
			continue;
		best = peak;
		for (int i = 0; i < n; i++)
			at[i] = item[i].at;
	}
	for (int i = 0; i < n; i++)
		item[i].at = at[i];
	return best < 0 ? 0 : best;
}

/* greatest sum of live bytes over the steps */
static int64_t live_peak(const Item *item, int n)
{
	int last = 0;
	int64_t *delta, sum = 0, peak = 0;

	for (int i = 0; i < n; i++)
		last = item[i].l.last > last ? item[i].l.last : last;
	delta = NEWN(int64_t, last + 2);
	for (int i = 0; i < n; i++) {
		delta[item[i].l.first] += item[i].size;
		delta[item[i].l.last + 1] -= item[i].size;
	}
	for (int i = 0; i <= last; i++) {
		sum += delta[i];
		peak = sum > peak ? sum : peak;
	}
	return peak;
}

/* ---- dynamic sizes: offsets as expressions, each a symbol bound before the program starts */

static Ix bound(Stmt *block, Ix value)
{
	Stmt *s;

	if (ix_isint(value, &(int64_t){ 0 }))
		return value;
	s = st_new(S_BIND);
	s->var = ix_sym(NULL, ix_int(0), NULL);
	s->ix = value;
	st_add(block, s);
	return s->var;
}

/* the end of item[i], which lies above item[0..i), as an expression. An item below another that it overlaps in time
 * ends no higher than that one begins, so only those with nothing between count */
static Ix above(Item **order, int i)
{
	Ix at = ix_int(0);
	int chosen[16], n = 0;

	for (int j = i - 1; j >= 0; j--) {
		bool hidden = false;
		if (!overlap(&order[i]->l, &order[j]->l))
			continue;
		for (int k = 0; k < n; k++)
			hidden |= overlap(&order[chosen[k]]->l, &order[j]->l);
		if (hidden)
			continue;
		if (n < LEN(chosen))
			chosen[n++] = j;
		at = ix_max(at, ix_add(order[j]->l.mem->offset, order[j]->bytes));
	}
	return at;
}

static void dynamic_offsets(Program *p, Item *item, int n)
{
	Item **order = NEWN(Item *, n + 1);
	Ix top = ix_int(0);

	p->layout = st_block();
	for (int i = 0; i < n; i++)
		order[i] = &item[i];
	qsort(order, (size_t)n, sizeof *order, by_at);
	for (int i = 0; i < n; i++) {
		order[i]->l.mem->offset = bound(p->layout, above(order, i));
		top = ix_max(top, ix_add(order[i]->l.mem->offset, order[i]->bytes));
		if (i % 8 == 7)
			top = bound(p->layout, top);
	}
	p->work_bytes = bound(p->layout, top);
}

static void plan_work(Program *p, const Options *o)
{
	Lives l = plan_lives(p);
	Item *item = NEWN(Item, l.n + 1);
	bool dynamic = false;
	int64_t c, peak;
	int n = 0;

	if (o->opt > 0)
		plan_inplace(p, &l);
	for (int i = 0; i < l.n; i++)
		if (l.life[i].mem)
			item[n++].l = l.life[i];
	for (int i = 0; i < n; i++) {
		const Mem *m = item[i].l.mem;
		item[i].bytes = ix_mulc(ix_div(ix_addc(ix_mulc(m->size, dt_size(m->dt)), PLAN_ALIGN - 1),
			ix_int(PLAN_ALIGN)), PLAN_ALIGN);
		if (!ix_isint(item[i].bytes, &c)) {
			dynamic = true;
			c = ix_eval(item[i].bytes, typical, NULL);
		}
		item[i].size = round_up(c);
	}
	peak = best_order(item, n);
	p->lower_bound = ix_int(live_peak(item, n));
	p->work_bytes = ix_int(peak);
	if (dynamic) {
		dynamic_offsets(p, item, n);
		return;
	}
	for (int i = 0; i < n; i++)
		item[i].l.mem->offset = ix_int(item[i].at);
}

static int64_t pack(Program *p, Space space)
{
	int64_t at = 0, n;
	size_t bytes;

	for (int i = 0; i < p->mem.n; i++) {
		Mem *m = p->mem.p[i];
		if (m->space != space)
			continue;
		if (!ix_isint(m->size, &n) || !dt_bytes(m->dt, n, m->packed, &bytes))
			bug("region '%s' has no constant size", m->name);
		m->offset = ix_int(at);
		if (!add_ok(at, (int64_t)bytes, &at))
			fatal(EX_LIMIT, NULL, "the weights are larger than can be addressed");
		at = round_up(at);
	}
	return at;
}

void plan_program(Program *p, const Options *o)
{
	plan_work(p, o);
	p->weight_bytes = pack(p, SP_WEIGHT);
	p->state_bytes = pack(p, SP_STATE);
	for (int i = 0; i < p->mem.n; i++)
		p->heap |= p->mem.p[i]->space == SP_HEAP;
	for (int i = 0; i < p->kern.n; i++)
		p->heap |= p->kern.p[i]->heap;
}
