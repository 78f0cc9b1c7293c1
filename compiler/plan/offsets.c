/* Offsets in the workspace, the weights and the state.
 *
 * Regions that live at the same time do not overlap. The order in which regions are placed is tried several ways until
 * one meets the bound, else the lowest peak wins; the last is mended where it is above the bound. A region goes to the
 * lowest gap that holds it. The orders in time cost n log n, the others n^2, so those are not tried for very many
 * regions. With dynamic sizes the stacking is decided at typical sizes and the offsets are expressions: above everything
 * that lies below and lives at the same time. */
#include "plan.h"
#include "../lower/lower.h"
#include <stdlib.h>

enum { MANY = 8192, WAYS = 5, TRIES = 24, SHAKES = 30000 };
enum { EFFORT = 400000000 };     /* of mending, in regions squared */

typedef struct Item { Life l; int64_t size, at; double key; Ix bytes; } Item;

static int64_t round_up(int64_t n)
{
	return (n + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;
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

/* ---- in the order of time, or against it: a list of gaps by address, the last one without end */

typedef struct Gap { int64_t at, end; } Gap;
typedef VEC(Gap) Gaps;

static int begin_of(const Item *it, bool back) { return back ? -it->l.last : it->l.first; }
static int end_of(const Item *it, bool back) { return back ? -it->l.first : it->l.last; }

static void remove_gap(Gaps *g, int i)
{
	memmove(&g->p[i], &g->p[i + 1], sizeof *g->p * (size_t)(g->n - i - 1));
	g->n--;
}

static void take(Gaps *g, Item *it)
{
	int i = 0;

	while (g->p[i].end - g->p[i].at < it->size)
		i++;
	it->at = g->p[i].at;
	g->p[i].at += it->size;
	if (g->p[i].at == g->p[i].end)
		remove_gap(g, i);
}

static void give(Gaps *g, const Item *it)
{
	int64_t end = it->at + it->size;
	int i = 0;

	for (int k = g->n; i < k;) {         /* to the first gap above */
		int mid = (i + k) / 2;
		if (g->p[mid].at < it->at)
			i = mid + 1;
		else
			k = mid;
	}
	if (i && g->p[i - 1].end == it->at) {
		g->p[i - 1].end = end;
		if (g->p[i].at == end) {
			g->p[i - 1].end = g->p[i].end;
			remove_gap(g, i);
		}
	} else if (g->p[i].at == end) {
		g->p[i].at = it->at;
	} else if (it->size) {
		push(g, ((Gap){ 0, 0 }));
		memmove(&g->p[i + 1], &g->p[i], sizeof *g->p * (size_t)(g->n - i - 1));
		g->p[i] = (Gap){ it->at, end };
	}
}

static int64_t place_in_time(Item *item, Item **order, int n, bool back)
{
	Item **ending = NEWN(Item *, n + 1);
	int64_t peak = 0;
	Gaps g = { 0 };

	push(&g, ((Gap){ 0, INT64_MAX }));
	for (int i = 0; i < n; i++) {
		order[i] = &item[i];
		item[i].key = -end_of(&item[i], back);
	}
	qsort(order, (size_t)n, sizeof *order, by_key);
	memcpy(ending, order, sizeof *order * (size_t)n);
	for (int i = 0; i < n; i++)
		item[i].key = -begin_of(&item[i], back) + 1e-15 * (double)item[i].size;
	qsort(order, (size_t)n, sizeof *order, by_key);
	for (int i = 0, k = 0; i < n; i++) {
		while (end_of(ending[k], back) < begin_of(order[i], back))
			give(&g, ending[k++]);
		take(&g, order[i]);
		peak = order[i]->at + order[i]->size > peak ? order[i]->at + order[i]->size : peak;
	}
	return peak;
}

/* ---- in any order */

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
	default: return life;
	}
}

static int64_t place(Item *item, Item **order, int n, int way)
{
	if (way < 2)
		return place_in_time(item, order, n, way == 1);
	for (int i = 0; i < n; i++) {
		order[i] = &item[i];
		item[i].key = key_of(&item[i], way - 2);
	}
	return place_all(order, n);
}

/* what ended highest is placed before all others; of the tries, the first begins with those by size */
static int64_t place_again(Item *item, Item **order, int n, int try)
{
	Item *top = &item[0];

	if (try == 0)
		place(item, order, n, 2);
	for (int i = 1; i < n; i++)
		top = item[i].at + item[i].size > top->at + top->size ? &item[i] : top;
	top->key = 1e18 * (try + 1);
	return place_all(order, n);
}

/* ---- what lies above the bound is placed again, before or after those that live at the same time, until nothing does.
 * An order stays if no more lies above than before: parts of the program that repeat are mended one by one */

/* below n; the same sequence in every run */
static int draw(uint64_t *seed, int n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int)((*seed >> 33) % (uint64_t)n);
}

static int64_t excess(const Item *item, int n, int64_t bound)
{
	int64_t sum = 0, end;

	for (int i = 0; i < n; i++) {
		end = item[i].at + item[i].size;
		sum += end > bound ? end - bound : 0;
	}
	return sum;
}

static const Item *some_above(const Item *item, int n, int64_t bound, uint64_t *seed)
{
	int start = draw(seed, n);

	for (int i = 0; i < n; i++) {
		const Item *it = &item[(start + i) % n];
		if (it->at + it->size > bound)
			return it;
	}
	return &item[start];
}

static int64_t mend(Item *item, Item **order, int n, int64_t bound)
{
	Item *was = NEWN(Item, n + 1);
	int64_t peak = place(item, order, n, 2), least = excess(item, n, bound), now;
	int steps = EFFORT / ((n + 1) * (n + 1));
	uint64_t seed = 1;

	steps = steps < SHAKES ? steps : SHAKES;
	for (int k = 0; k < steps && least; k++) {
		const Item *top = some_above(item, n, bound, &seed);
		int64_t before = peak;
		memcpy(was, item, sizeof *item * (size_t)n);
		for (int i = 0; i < n; i++)
			if (overlap(&item[i].l, &was[top - item].l) && !draw(&seed, 3))
				item[i].key = (double)draw(&seed, 1 << 20);
		peak = place_all(order, n);
		now = excess(item, n, bound);
		if (now <= least) {
			least = now;
			continue;
		}
		memcpy(item, was, sizeof *item * (size_t)n);
		peak = before;
	}
	return peak;
}

static int64_t best_order(Item *item, int n, int64_t bound)
{
	Item **order = NEWN(Item *, n + 1);
	int64_t best = -1, peak, *at = NEWN(int64_t, n + 1);

	for (int way = 0; way < (n < MANY ? WAYS + TRIES + 1 : 2) && n && best != bound; way++) {
		if (way == WAYS + TRIES)
			peak = mend(item, order, n, bound);
		else
			peak = way < WAYS ? place(item, order, n, way) : place_again(item, order, n, way - WAYS);
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

typedef struct Layout {
	Stmt *block;
	Map *sym;                /* value -> the statement that binds its symbol */
	Item **below;            /* by step: what was placed last and so lies highest */
} Layout;

static Ix bound(Layout *l, Ix value)
{
	void **slot = map_at_ptr(l->sym, value);
	Stmt *s = *slot;

	if (ix_isint(value, &(int64_t){ 0 }) || (ix_atom(value) && ix_atom(value)->kind == IX_SYM))
		return value;
	if (!s) {
		*slot = s = st_new(S_BIND);
		s->var = ix_sym(NULL, ix_int(0), NULL);
		s->ix = value;
		st_add(l->block, s);
	}
	return s->var;
}

/* the end of everything that lies below and lives at the same time. What lies below another at the same step ends no
 * higher than that one begins */
static Ix above(Layout *l, const Item *it)
{
	const Item *last = NULL;
	Ix at = ix_int(0), end;
	Map *seen = map_new();

	for (int t = it->l.first; t <= it->l.last; t++) {
		const Item *top = l->below[t];
		if (!top || top == last)
			continue;
		last = top;
		end = bound(l, ix_add(top->l.mem->offset, top->bytes));
		if (!map_ptr(seen, end))
			at = bound(l, ix_max(at, end));
		*map_at_ptr(seen, end) = l;
	}
	return at;
}

static void dynamic_offsets(Program *p, Item *item, int n)
{
	Item **order = NEWN(Item *, n + 1);
	Layout l = { .block = st_block(), .sym = map_new() };
	int last = 0;

	for (int i = 0; i < n; i++)
		order[i] = &item[i], last = item[i].l.last > last ? item[i].l.last : last;
	l.below = NEWN(Item *, last + 1);
	qsort(order, (size_t)n, sizeof *order, by_at);
	for (int i = 0; i < n; i++) {
		order[i]->l.mem->offset = bound(&l, above(&l, order[i]));
		for (int t = order[i]->l.first; t <= order[i]->l.last; t++)
			l.below[t] = order[i];
	}
	p->work_bytes = above(&l, &(Item){ .l = { NULL, 0, last } });
	p->layout = l.block;
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
		item[i].bytes = ix_max(item[i].bytes, ix_int(0));    /* of a branch not taken: less than none */
		if (!ix_isint(item[i].bytes, &c)) {
			dynamic = true;
			c = (int64_t)ix_estimate(item[i].bytes);
		}
		item[i].size = round_up(c);
	}
	p->lower_bound = ix_int(live_peak(item, n));
	peak = best_order(item, n, live_peak(item, n));
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

/* what was only considered: a constant that is read in another order, or no longer */
static void drop_weights(Program *p)
{
	Lives l = plan_lives(p);

	for (int i = 0; i < p->mem.n; i++)
		if (p->mem.p[i]->space == SP_WEIGHT && !l.weight[i]) {
			p->mem.p[i]->size = ix_int(0);
			p->mem.p[i]->data = NULL;
		}
}

void plan_program(Program *p, const Options *o)
{
	plan_work(p, o);
	drop_weights(p);
	p->weight_bytes = pack(p, SP_WEIGHT);
	p->state_bytes = pack(p, SP_STATE);
	for (int i = 0; i < p->mem.n; i++)
		p->heap |= p->mem.p[i]->space == SP_HEAP;
	for (int i = 0; i < p->kern.n; i++)
		p->heap |= p->kern.p[i]->heap;
}
