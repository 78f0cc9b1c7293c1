/* The printer of expressions: temporaries, parentheses, indices.
 *
 * What a statement's expressions use more than once, and what nests too deep, becomes a named temporary.
 * Where: arms of select and guard are evaluated only if chosen, so they are regions, nested; a temporary
 * belongs to the innermost region around all its uses, or further out if it reads no memory that an arm
 * protects. A select or guard with temporaries in its arms is printed as an if. What arms of different guards read and
 * nothing around them does is read in each of them, without a temporary: around them it may lie outside its array.
 */
#include "emit.h"

#include <inttypes.h>
#include <stdlib.h>

enum { DEEP = 9, EAGER = -1, LONGEST = 10000 };

struct Slot {
	int refs, height;
	int region, place;       /* innermost around all uses; outermost where it may be evaluated */
	int arm;                 /* select, guard: number of the first of its two regions, or 0 */
	bool temp, vary;         /* vary: from lane to lane */
	bool spread;             /* select, guard: its condition varies, so lanes take both arms */
	bool sure;               /* whatever enters `region` evaluates it */
	bool reads;              /* memory, itself or through operands that are no temporaries */
	int64_t length;          /* nodes printed for it */
	const char *name;
};

/* of an expression that the statement has not shown: nothing is known */
static Slot *
slot_of(CPrint *p, const Expr *e)
{
	const Slots *t = p->slots;

	return e->id < t->n && t->p[e->id].stamp == p->stamp ? t->p[e->id].slot : NEW(Slot);
}

/* a slot for it, unless it has one */
static bool
slot_new(CPrint *p, const Expr *e)
{
	Slots *t = p->slots;
	int cap = t->n ? t->n : 1024;

	if (e->id >= t->n) {
		while (cap <= e->id)
			cap *= 2;
		t->p = table_grow(t->p, sizeof *t->p * (size_t)t->n, sizeof *t->p * (size_t)cap);
		t->n = cap;
	}
	if (t->p[e->id].stamp == p->stamp)
		return false;
	t->p[e->id].stamp = p->stamp;
	t->p[e->id].slot = NEW(Slot);
	t->p[e->id].slot->region = -1;
	return true;
}

static bool lazy(const Expr *e) { return e->op == E_SELECT || e->op == E_GUARD; }
static bool in_arms(CPrint *p, const Expr *e) { return lazy(e) && !(e->op == E_SELECT && slot_of(p, e)->spread); }

/* ---- operands, those inside indices included */

typedef void Visit(CPrint *, const Expr *operand, int arm, const Expr *user);

static Ix
resolved(CPrint *p, Ix ix)
{
	return p->resolve ? p->resolve(ix, p->arg) : ix;
}

static void
each_in_ix(CPrint *p, Ix ix, Visit *f, const Expr *user)
{
	for (int i = 0; i < ix->n; i++)
		for (int k = 0; k < ix->t[i].n; k++) {
			const IxAtom *a = ix->t[i].a[k];
			if (a->kind == IX_EXPR)
				f(p, a->e, EAGER, user);
			if (a->kind == IX_VAR || a->kind == IX_SYM || a->kind == IX_EXPR)
				continue;
			each_in_ix(p, a->a, f, user);
			each_in_ix(p, a->b, f, user);
		}
}

static void
each_operand(CPrint *p, const Expr *e, Visit *f)
{
	int first = e->op == E_SELECT ? 1 : 0;

	for (int i = 0; i < e->nix; i++)
		each_in_ix(p, resolved(p, e->ix[i]), f, e);
	for (int i = 0; i < e->n; i++)
		f(p, e->a[i], in_arms(p, e) && i >= first ? i - first : EAGER, e);
}

/* ---- planning */

void
cp_begin(CPrint *p)
{
	if (!p->slots)
		p->slots = NEW(Slots);
	p->stamp = ++p->slots->stamp;
	p->order.n = 0;
	p->region.n = 0;
	push(&p->region, ((Region){-1, 0, true, {0}}));
}

static void
discover(CPrint *p, const Expr *e, int arm, const Expr *user)
{
	(void)arm, (void)user;
	if (slot_new(p, e))
		push(&p->order, e);
}

/* order is also the queue of what has still to be looked into */
static void
explore(CPrint *p, int from)
{
	for (int i = from; i < p->order.n; i++)
		each_operand(p, p->order.p[i], discover);
}

static int
join(CPrint *p, int a, int b)
{
	if (a < 0)
		return b;
	while (a != b) {
		if (p->region.p[a].depth >= p->region.p[b].depth)
			a = p->region.p[a].parent;
		else
			b = p->region.p[b].parent;
	}
	return a;
}

static void
use(CPrint *p, const Expr *e, int arm, const Expr *user)
{
	int at = user ? slot_of(p, user)->region : 0, all;
	bool sure = arm != EAGER || !user || slot_of(p, user)->sure;
	Slot *s;

	if (arm != EAGER)
		at = slot_of(p, user)->arm + arm;
	s = slot_of(p, e);
	s->refs++;
	all = join(p, s->region, at);
	s->sure = (all == at && sure) || (all == s->region && s->sure);
	s->region = all;
}

void
cp_root(CPrint *p, const Expr *e)
{
	int from = p->order.n;

	if (!e)
		return;
	discover(p, e, EAGER, NULL);
	explore(p, from);
	use(p, e, EAGER, NULL);
}

void
cp_root_ix(CPrint *p, Ix ix)
{
	int from = p->order.n;

	if (!ix)
		return;
	ix = resolved(p, ix);
	each_in_ix(p, ix, discover, NULL);
	explore(p, from);
	each_in_ix(p, ix, use, NULL);
}

static int
by_id(const void *x, const void *y)
{
	const Expr *a = *(const Expr *const *)x, *b = *(const Expr *const *)y;

	return (a->id > b->id) - (a->id < b->id);
}

static void
place_regions(CPrint *p, const Expr *e)
{
	Slot *s = slot_of(p, e);

	if (in_arms(p, e)) {
		s->arm = p->region.n;
		for (int i = 0; i < 2; i++)
			push(&p->region, ((Region){s->region, p->region.p[s->region].depth + 1,
				s->sure && p->region.p[s->region].printed, {0}}));
	}
	each_operand(p, e, use);
}

static void
height_place(CPrint *p, const Expr *a, int arm, const Expr *user)
{
	Slot *s = slot_of(p, user), *o = slot_of(p, a);
	int h = o->temp ? 1 : o->height + 1, at = o->place;

	s->height = h > s->height ? h : s->height;
	s->length += o->temp ? 1 : o->length;
	s->reads |= !o->temp && o->reads;
	if (!o->temp && o->reads && !o->sure)
		at = s->region;
	if (arm != EAGER && p->region.p[at].depth > p->region.p[s->region].depth)
		at = s->region;
	if (p->region.p[at].depth > p->region.p[s->place].depth)
		s->place = at;
}

/* of its own accord, whatever its operands do */
static bool
varies_itself(const CPrint *p, const Expr *e)
{
	if (!p->lanes)
		return false;
	for (int i = 0; i < e->nix; i++)
		if (ix_has(e->ix[i], p->lanes->var))
			return true;
	return (e->op == E_VAR && map_ptr(p->lanes->vector, e->u.var)) ||
		(e->op == E_LOAD && map_ptr(p->lanes->vector, e->u.mem));
}

static void
vary_operand(CPrint *p, const Expr *a, int arm, const Expr *user)
{
	(void)arm;
	slot_of(p, user)->vary |= slot_of(p, a)->vary;
}

/* operands first */
static void
vary(CPrint *p, const Expr *e)
{
	bool spread = false;

	if (!p->lanes)
		return;
	each_operand(p, e, vary_operand);
	slot_of(p, e)->vary |= varies_itself(p, e);
	if (e->op == E_SELECT)
		spread = slot_of(p, e->a[0])->vary;
	for (int i = 0; e->op == E_GUARD && i < e->nix; i++)
		spread |= lanes_vary_ix(p->lanes, e->ix[i]);
	slot_of(p, e)->spread = spread;
}

static bool
trivial(const Expr *e, bool vary)
{
	const IxAtom *a;

	if (e->op == E_CONST || e->op == E_VAR)
		return true;
	if (e->op == E_LOAD && vary)
		return e->u.mem->space == SP_PRIVATE;
	if (e->op == E_IX && vary)
		return true;         /* said by the cast of it */
	if (e->op != E_IX || e->ix[0]->n > 1)
		return false;
	a = ix_atom(e->ix[0]);
	return !e->ix[0]->n || (a && (a->kind == IX_VAR || a->kind == IX_SYM));
}

static bool
temps_in_arms(CPrint *p, const Slot *s)
{
	return s->arm && (p->region.p[s->arm].temp.n || p->region.p[s->arm + 1].temp.n);
}

/* operands first */
static bool
plan(CPrint *p, const Expr *e)
{
	Slot *s = slot_of(p, e);
	bool arms;

	s->reads = e->op == E_LOAD || e->op == E_GUARD;
	s->place = s->reads ? s->region : 0;
	s->length = 1;
	each_operand(p, e, height_place);
	s = slot_of(p, e);
	arms = temps_in_arms(p, s);
	if (arms)
		s->place = s->region;
	if (!arms && (trivial(e, s->vary) || (s->refs < 2 && s->height < DEEP)))
		return false;
	if ((s->reads && !s->sure) || !p->region.p[s->place].printed) {
		if (s->length > LONGEST)
			unsupported(NULL, "an expression of %" PRId64 " operations that several conditions protect", s->length);
		return false;
	}
	s->temp = true;
	push(&p->region.p[s->place].temp, e);
	return true;
}

bool
cp_temps(CPrint *p)
{
	bool any = false;

	if (p->order.n)
		qsort(p->order.p, (size_t)p->order.n, sizeof *p->order.p, by_id);
	for (int i = 0; i < p->order.n; i++)
		vary(p, p->order.p[i]);
	for (int i = p->order.n - 1; i >= 0; i--)
		place_regions(p, p->order.p[i]);
	for (int i = 0; i < p->order.n; i++)
		any |= plan(p, p->order.p[i]);
	return any;
}

static void print_condition(CPrint *, const Expr *, enum prec);
static void print_node(CPrint *, const Expr *, enum prec);

static void print_region(CPrint *, int);

/* temporaries of the arms of a guard that some lanes take: those of the first under its mask */
static void
print_masked(CPrint *p, const Expr *e, int arm)
{
	const char *before = p->active;

	p->active = cv_left(p, e);
	print_region(p, arm);
	p->active = before;
	print_region(p, arm + 1);
}

static void
print_region(CPrint *p, int r)
{
	for (int i = 0; i < p->region.p[r].temp.n; i++) {
		const Expr *e = p->region.p[r].temp.p[i];
		Slot *s = slot_of(p, e);
		const char *name = fmt("t%d", p->temps++), *type = s->vary ? cv_type(p, e->dt) : p->t->value_type(e->dt);
		bool truth = e->dt == DT_BOOL && !s->vary, arms = temps_in_arms(p, s);

		if (arms && s->spread)
			print_masked(p, e, s->arm);
		cp_line(p);
		if (!arms || slot_of(p, e)->spread) {
			cp_text(p, "const %s %s = %s", type, name, truth ? "(uint8_t)" : "");
			print_node(p, e, truth ? P_UNARY : P_COND);
			cp_text(p, ";\n");
			slot_of(p, e)->name = name;
			continue;
		}
		cp_text(p, "%s %s;\n", type, name);
		cp_line(p);
		cp_text(p, "if (");
		print_condition(p, e, P_ANY);
		cp_text(p, ") {\n");
		for (int k = 0; k < 2; k++) {
			p->indent++;
			print_region(p, s->arm + k);
			cp_line(p);
			cp_text(p, "%s = %s", name, truth ? "(uint8_t)" : "");
			(slot_of(p, e)->vary ? cv_operand : cp_expr)(p, e->a[e->n - 2 + k], truth ? P_UNARY : P_COND);
			cp_text(p, ";\n");
			p->indent--;
			cp_linef(p, k ? "}" : "} else {");
		}
		slot_of(p, e)->name = name;
	}
}

void
cp_print_temps(CPrint *p)
{
	print_region(p, 0);
}

/* ---- parentheses: text printed from `at` on is of precedence `is`, and must be at least `min` */

void
cp_wrap(CPrint *p, size_t at, enum prec is, enum prec min)
{
	if (is >= min)
		return;
	buf_add(p->b, "()", 2);
	memmove(p->b->p + at + 1, p->b->p + at, p->b->n - 2 - at);
	p->b->p[at] = '(';
	p->b->p[p->b->n - 1] = ')';
}

bool
cp_fits(CPrint *p)
{
	for (int i = 0; i < p->order.n; i++)
		for (int k = 0; k < p->order.p[i]->nix; k++)
			if (!cp_ix_fits(resolved(p, p->order.p[i]->ix[k])))
				return false;
	return true;
}

/* ---- nodes */

static bool half(DType d) { return d == DT_F16 || d == DT_BF16; }

static void
print_base(CPrint *p, const Mem *m, bool written)
{
	const char *s = map_ptr(p->name, m);

	if (s)
		cp_text(p, "%s", s);
	else if (p->base)
		p->base(p, m, written);
	else
		bug("memory %s has no name", m->name);
}

/* the element as it lies in memory */
static void
print_load(CPrint *p, const Expr *e)
{
	const Mem *m = e->u.mem;
	const char *s;

	if (ex_is_word(e)) {
		prelude_need(p->pre, "zn_word");
		cp_text(p, "zn_word(");
		print_base(p, m, false);
		cp_text(p, " + ");
		cp_ix(p, e->ix[0], P_ADD);
		cp_text(p, ")");
		return;
	}
	if (!m->packed || dtype_info[m->dt].bits >= 8) {
		print_base(p, m, false);
		cp_text(p, "[");
		cp_ix(p, e->ix[0], P_ANY);
		cp_text(p, "]");
		return;
	}
	s = p->t->get(m->dt);
	prelude_need(p->pre, s);
	for (; *s; s++)
		if (!strncmp(s, "%0", 2)) {
			print_base(p, m, false);
			s++;
		} else if (!strncmp(s, "%1", 2)) {
			cp_ix(p, e->ix[0], P_COND);
			s++;
		} else {
			buf_add(p->b, s, 1);
		}
}

/* f16, bf16: can be said as a pattern without going through float */
static bool
moved(CPrint *p, const Expr *e)
{
	if (slot_of(p, e)->name)
		return false;
	if (lazy(e))
		return moved(p, e->a[e->n - 2]) && moved(p, e->a[e->n - 1]);
	return e->op == E_LOAD || e->op == E_CONST;
}

static void
print_condition(CPrint *p, const Expr *e, enum prec min)
{
	size_t at = p->b->n;

	if (e->op == E_SELECT) {
		cp_expr(p, e->a[0], min);
		return;
	}
	for (int i = 0; i < e->nix; i++) {
		if (i)
			cp_text(p, " && ");
		cp_ix(p, e->ix[i], P_ADD);
		cp_text(p, " >= 0");
	}
	cp_wrap(p, at, e->nix > 1 ? P_AND : P_REL, min);
}

void
cp_choice(CPrint *p, const Expr *e, enum prec min, void (*arm)(CPrint *, const Expr *, enum prec))
{
	size_t at = p->b->n;

	print_condition(p, e, P_AND);
	cp_text(p, " ? ");
	arm(p, e->a[e->n - 2], P_OR);
	cp_text(p, " : ");
	arm(p, e->a[e->n - 1], P_COND);
	cp_wrap(p, at, P_COND, min);
}

void
cp_stored(CPrint *p, const Expr *e, enum prec min)
{
	const char *t = p->t->to_mem(e->dt), *open;

	if (!t) {
		cp_expr(p, e, min);
	} else if (!moved(p, e)) {
		open = strchr(t, '(');
		prelude_need(p->pre, t);
		cp_text(p, "%.*s", (int)(open + 1 - t), t);
		cp_expr(p, e, P_COND);
		cp_text(p, ")");
	} else if (e->op == E_LOAD) {
		print_load(p, e);
	} else if (e->op == E_CONST) {
		cp_text(p, "0x%04" PRIx64, e->u.bits & 0xffff);
	} else {
		cp_choice(p, e, min, cp_stored);
	}
}

/* how tight an operand must be, from its surroundings in the row's text */
static enum prec
operand_min(const char *text, const char *at, enum prec row)
{
	const char *before = at, *after = at + 2;
	bool infix = !strpbrk(text, "(,") && !strncmp(text, "%0 ", 3);

	while (before > text && before[-1] == ' ')
		before--;
	while (*after == ' ')
		after++;
	if (before > text && strchr("(,[", before[-1]) && strchr("),]", *after) && *after)
		return P_COND;
	if (!infix)
		return P_UNARY;
	if (row == P_ADD || row == P_MUL)
		return at == text ? row : row + 1;
	if (row == P_OR)         /* compilers want && in parentheses */
		return P_REL;
	return row == P_REL || row == P_BIT ? P_ADD : row + 1;
}

void
cp_expand(CPrint *p, const char *text, enum prec is, enum prec min, const Expr *e,
	void (*operand)(CPrint *, const Expr *, enum prec))
{
	size_t at = p->b->n;

	if (!strcmp(text, "%0")) {
		operand(p, e->a[0], min);
		return;
	}
	prelude_need(p->pre, text);
	for (const char *s = text; *s; s++)
		if (*s == '%' && s[1] >= '0' && s[1] <= '2') {
			operand(p, e->a[s[1] - '0'], operand_min(text, s, is));
			s++;
		} else {
			buf_add(p->b, s, 1);
		}
	cp_wrap(p, at, is, min);
}

static const Row *
find_row(const Target *t, EOp op, DType d)
{
	for (int i = 0; i < t->nrow; i++)
		if (t->row[i].op == op && (t->row[i].types & (1u << d)))
			return &t->row[i];
	return NULL;
}

static void
print_op(CPrint *p, const Expr *e, enum prec min)
{
	DType d = e->a[e->n - 1]->dt;
	bool h = half(d);
	const Row *r = find_row(p->t, e->op, h ? DT_F32 : d);
	char *s;

	if (!r) {
		unsupported(NULL, "target %s: %s of %s", p->t->name, eop_info[e->op].text, dt_name(d));
		cp_text(p, "0");
	} else if (h && !r->exact) {
		cp_expand(p, fmt("%s(%s)", p->t->round(d), r->text), P_POST, min, e, cp_expr);
	} else if ((e->op == E_MIN || e->op == E_MAX) && e->a[0]->op == E_CONST && d != DT_BOOL) {
		s = copy_str(r->text);           /* cheaper with the constant last */
		strstr(s, "%0")[1] = 'x';
		strstr(s, "%1")[1] = '0';
		strstr(s, "%x")[1] = '1';
		cp_expand(p, s, r->prec, min, e, cp_expr);
	} else {
		cp_expand(p, r->text, r->prec, min, e, cp_expr);
	}
}

/* a comparison that the range of the type decides, or of a thing with itself: compilers warn of those. -1:
 * neither */
static int
decided(const Expr *e)
{
	const Expr *x = e->a[0], *y = e->a[1], *c = y->op == E_CONST ? y : x;
	EOp op = e->op;
	int bits = dtype_info[x->dt].bits;
	uint64_t min = dt_signed(x->dt) ? (uint64_t)1 << (bits - 1) : 0, max, v;

	if (!dt_int(x->dt))
		return -1;
	if (x == y)
		return op == E_EQ || op == E_LE || op == E_GE;
	if (c->op != E_CONST)
		return -1;
	if (c == x)
		op = op == E_LT ? E_GT : op == E_GT ? E_LT : op == E_LE ? E_GE : op == E_GE ? E_LE : op;
	max = bits == 64 ? ~min : ~min & (((uint64_t)1 << bits) - 1);
	v = bits == 64 ? c->u.bits : c->u.bits & (((uint64_t)1 << bits) - 1);
	if (v == min)
		return op == E_LT ? 0 : op == E_GE ? 1 : -1;
	if (v == max)
		return op == E_GT ? 0 : op == E_LE ? 1 : -1;
	return -1;
}

/* an index, or a constant that can stand beside one: no need to widen */
static bool
plain_index(CPrint *p, const Expr *e)
{
	int64_t v = (int64_t)e->u.bits;

	if (e->op == E_CONST)
		return e->dt == DT_I64 && v <= INT32_MAX && v >= -INT32_MAX;
	return e->op == E_IX && !slot_of(p, e)->name;
}

static void
print_index(CPrint *p, const Expr *e, enum prec min)
{
	if (e->op == E_IX)
		cp_ix(p, e->ix[0], min);
	else
		cp_expr(p, e, min);
}

static void
print_compare(CPrint *p, const Expr *e, enum prec min)
{
	int d = decided(e);
	EOp op = e->op;
	const Row *r = find_row(p->t, op, DT_I64);

	if (d >= 0) {
		cp_text(p, "%d", d);
	} else if (r && plain_index(p, e->a[0]) && plain_index(p, e->a[1])) {
		cp_expand(p, r->text, r->prec, min, e, print_index);
	} else if (e->a[0] == e->a[1] && dt_float(e->a[0]->dt)) {
		if (op == E_LT || op == E_GT)
			cp_text(p, "0");
		else
			cp_expand(p, fmt("%szn_isnan_%s(%%0)", op == E_NE ? "" : "!", e->a[0]->dt == DT_F64 ? "f64" : "f32"),
				op == E_NE ? P_POST : P_UNARY, min, e, cp_expr);
	} else {
		print_op(p, e, min);
	}
}

static void
print_cast(CPrint *p, const Expr *e, enum prec min)
{
	enum prec is = P_POST;
	const Expr *a = e->a[0];
	const char *s;
	size_t at = p->b->n;

	if (a->op == E_IX && !slot_of(p, a)->name && e->op == E_CAST &&
		(dt_int(e->dt) || e->dt == DT_F32 || e->dt == DT_F64)) {
		cp_text(p, "(%s)", p->t->value_type(e->dt));
		cp_ix(p, a->ix[0], P_UNARY);
		cp_wrap(p, at, P_UNARY, min);
		return;
	}
	s = p->t->cast(e->dt, a->dt, e->op == E_CASTSAT, &is);
	if (!s) {
		unsupported(NULL, "target %s: cast of %s to %s", p->t->name, dt_name(a->dt), dt_name(e->dt));
		s = "0";
	}
	cp_expand(p, s, is, min, e, cp_expr);
}

static void
print_bitcast(CPrint *p, const Expr *e, enum prec min)
{
	enum prec is = P_POST;
	const char *s = p->t->bitcast(e->dt, e->a[0]->dt, &is), *from = p->t->from_mem(e->dt);

	if (!s) {
		unsupported(NULL, "target %s: bitcast of %s to %s", p->t->name, dt_name(e->a[0]->dt),
			dt_name(e->dt));
		s = "0";
	}
	if (from) {
		s = fmt("%.*s%s)", (int)(strchr(from, '(') + 1 - from), from, s);
		is = P_POST;
	}
	cp_expand(p, s, is, min, e, cp_stored);
}

static void
print_const(CPrint *p, const Expr *e, enum prec min)
{
	enum prec is = P_POST;
	const char *s = p->t->constant(e->dt, e->u.bits, &is);
	size_t at = p->b->n;

	if (!s)
		bug("a constant of %s", dt_name(e->dt));
	cp_text(p, "%s", s);
	cp_wrap(p, at, is, min);
}

static void
print_node(CPrint *p, const Expr *e, enum prec min)
{
	size_t at = p->b->n;
	const char *s;

	if (slot_of(p, e)->vary) {
		cv_node(p, e, min);
		return;
	}
	switch (e->op) {
	case E_CONST:
		print_const(p, e, min);
		return;
	case E_IX:
		if (!p->wide)
			cp_text(p, "(int64_t)");
		cp_ix(p, e->ix[0], p->wide ? min : P_UNARY);
		if (!p->wide)
			cp_wrap(p, at, P_UNARY, min);
		return;
	case E_VAR:
		if (!map_ptr(p->name, e->u.var))
			bug("variable %s printed outside its scope", e->u.var->name);
		cp_text(p, "%s", (const char *)map_ptr(p->name, e->u.var));
		return;
	case E_LOAD:
		s = p->t->from_mem(e->dt);
		if (s) {
			prelude_need(p->pre, s);
			cp_text(p, "%.*s", (int)(strchr(s, '(') + 1 - s), s);
		}
		print_load(p, e);
		if (s)
			cp_text(p, ")");
		return;
	case E_SELECT: case E_GUARD:
		cp_choice(p, e, min, cp_expr);
		return;
	case E_CAST: case E_CASTSAT:
		print_cast(p, e, min);
		return;
	case E_BITCAST:
		print_bitcast(p, e, min);
		return;
	case E_STRNUM:
		s = dt_int(e->dt) ? "zn_strint(%0)" : "zn_strnum(%0)";
		cp_expand(p, e->dt == DT_F64 || e->dt == DT_I64 ? s : fmt("(%s)%s", p->t->value_type(e->dt), s),
			e->dt == DT_F64 || e->dt == DT_I64 ? P_POST : P_UNARY, min, e, cp_expr);
		return;
	case E_EQ: case E_NE: case E_LT: case E_LE: case E_GT: case E_GE:
		print_compare(p, e, min);
		return;
	case E_TLOAD: case E_REDUCE:
		bug("%s reached the printer", eop_info[e->op].text);
	default:
		print_op(p, e, min);
	}
}

void
cp_expr(CPrint *p, const Expr *e, enum prec min)
{
	Slot *s = slot_of(p, e);

	if (s->name)
		cp_text(p, "%s", s->name);
	else
		print_node(p, e, min);
}

bool
cp_varies(CPrint *p, const Expr *e)
{
	return slot_of(p, e)->vary;
}
