/* Algebraic rules: rules.def, matched at every node.
 *
 * requires: shapes. maintains: shapes. A rule is parsed once; matching walks from a node towards its inputs,
 * so that the cost is linear in the nodes. What a replacement leaves without readers goes with dce. */
#include "passes.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

enum pkind { P_OP, P_VAR, P_NUM, P_ANY, P_MAKE };

typedef struct Pat {
	enum pkind kind;
	Op op;
	const char *test;        /* after @, or NULL */
	char var[4];
	Value *(*make)(Value *, Node *at);
	double num;
	int n;
	struct Pat *arg[6];
	const char *attr;        /* text between { and } */
	int nattr;
} Pat;

typedef struct Rule { const char *text; Pat *from, *to; } Rule;

static const char *const rule_text[] = {
#define RULE(text) text,
#include "rules.def"
#undef RULE
};

/* ---- parsing */

typedef struct Parse { const char *p, *rule; } Parse;

static void skip(Parse *s)
{
	while (*s->p == ' ')
		s->p++;
}

static bool eat(Parse *s, char c)
{
	skip(s);
	if (*s->p != c)
		return false;
	s->p++;
	return true;
}

static char *word(Parse *s)
{
	const char *b = s->p;

	while (isalnum((unsigned char)*s->p) || *s->p == '_')
		s->p++;
	return fmt("%.*s", (int)(s->p - b), b);
}

static Value *(*maker(const char *name, const char *rule))(Value *, Node *);

static Pat *parse_pat(Parse *s)
{
	Pat *p = NEW(Pat);
	char *w, *end;

	skip(s);
	if (isdigit((unsigned char)*s->p)) {
		p->kind = P_NUM;
		p->num = strtod(s->p, &end);
		s->p = end;
		return p;
	}
	w = word(s);
	if (islower((unsigned char)*w) && eat(s, '(')) {
		p->kind = P_MAKE;
		p->make = maker(w, s->rule);
		p->arg[p->n++] = parse_pat(s);
		if (!eat(s, ')'))
			bug("rule '%s': ) expected at '%s'", s->rule, s->p);
		return p;
	}
	if (!isupper((unsigned char)*w)) {
		p->kind = strcmp(w, "_") ? P_VAR : P_ANY;
		snprintf(p->var, sizeof p->var, "%s", w);
		return p;
	}
	p->kind = P_OP;
	p->op = op_find(D_ONNX, w);
	if (p->op == OP_NONE)
		bug("rule '%s': no operator %s", s->rule, w);
	if (eat(s, '@'))
		p->test = word(s);
	if (eat(s, '('))
		do
			p->arg[p->n++] = parse_pat(s);
		while (eat(s, ','));
	if (!eat(s, ')'))
		bug("rule '%s': ) expected at '%s'", s->rule, s->p);
	if (eat(s, '{')) {
		p->attr = s->p;
		p->nattr = (int)strcspn(s->p, "}");
		s->p += p->nattr + 1;
	}
	return p;
}

static Rule parse_rule(const char *text)
{
	Parse s = { text, text };
	Rule r = { text, NULL, NULL };

	r.from = parse_pat(&s);
	if (!eat(&s, '=') || !eat(&s, '>'))
		bug("rule '%s': => expected at '%s'", text, s.p);
	r.to = parse_pat(&s);
	return r;
}

/* ---- conditions on attributes and operands */

static bool test_inference(const Node *n)
{ return n->nin < 3 && (n->nout < 2 || !n->out[1] || !n->out[1]->uses); }
static bool test_same(const Node *n) { return n->in[0]->dt == n->out[0]->dt; }

static bool test_identity(const Node *n)
{
	int k;
	const int64_t *perm = attr_ints(n, "perm", &k);

	for (int i = 0; perm && i < k; i++)
		if (perm[i] != i)
			return false;
	return perm || n->in[0]->rank < 2;
}

static bool test_sixth(const Node *n)
{
	return fabs(attr_float(n, "alpha", 0.2) - 1.0 / 6) < 1e-6 &&
		fabs(attr_float(n, "beta", 0.5) - 0.5) < 1e-6;
}

/* a reduction of the last axis that keeps it */
static bool test_last(const Node *n)
{
	const int64_t *ax;
	int64_t k;

	return attr_int(n, "keepdims", 1) && n->nin > 1 && n->in[1] && const_ints(n->in[1], &ax, &k) &&
		k == 1 && (ax[0] == -1 || ax[0] == n->in[0]->rank - 1);
}

/* scale and bias of the last axis only */
static bool test_vector(const Node *n)
{
	for (int i = 1; i < n->nin; i++)
		if (n->in[i]->rank != 1 || !n->in[0]->rank ||
			n->in[i]->dim[0] != n->in[0]->dim[n->in[0]->rank - 1])
			return false;
	return true;
}

/* no x - mean(x): what is to be a LayerNormalization when its Add comes */
static bool test_uncentred(const Node *n)
{
	for (int i = 0; i < n->nin; i++) {
		const Node *d = n->in[i]->def;
		if (d && d->op == OP_SUB && d->in[1]->def && d->in[1]->def->op == OP_REDUCE_MEAN)
			return false;
	}
	return true;
}

/* ---- attention and rotary embedding */

/* its first input has no other reader */
static bool test_alone(const Node *n)
{
	return value_nuses(n->in[0]) == 1 && !value_is_output(n->in[0]);
}

static bool test_row(const Node *n)
{
	int64_t axis = attr_int(n, "axis", -1);

	return axis == -1 || axis == n->in[0]->rank - 1;
}

static bool same_dims(const Value *a, const Value *b, int n)
{
	for (int i = 0; i < n; i++)
		if (!ix_equal(a->dim[i], b->dim[i]))
			return false;
	return true;
}

/* Attention of [batch, heads, length, size], with a mask that is added and has a column for each key */
static bool test_heads(const Node *n)
{
	const Value *q = n->in[0], *k = n->in[1], *v = n->in[2], *m = n->nin > 3 ? n->in[3] : NULL;
	Ix dim[4];

	if (q->rank != 4 || k->rank != 4 || v->rank != 4 || !same_dims(q, k, 2) || !same_dims(k, v, 3) ||
	    !ix_equal(q->dim[3], k->dim[3]))
		return false;
	if (!m)
		return true;
	memcpy(dim, (Ix[4]){ q->dim[0], q->dim[1], q->dim[2], k->dim[2] }, sizeof dim);
	if (m->dt != q->dt || m->rank < 1 || m->rank > 4 || !ix_equal(m->dim[m->rank - 1], dim[3]))
		return false;
	for (int i = 0; i < m->rank - 1; i++)
		if (!ix_is(m->dim[i], 1) && !ix_equal(m->dim[i], dim[4 - m->rank + i]))
			return false;
	return true;
}

/* [a, b) of the last axis */
static bool is_part_of_last(const Node *n, int64_t a, int64_t b)
{
	const int64_t *c;
	int64_t k, size, want[3] = { a, b, n->in[0]->rank - 1 }, got;

	if (n->nin < 4 || !n->in[0]->rank || !ix_isint(n->in[0]->dim[n->in[0]->rank - 1], &size))
		return false;
	for (int i = 0; i < 4; i++) {
		if (i == 3 ? n->nin < 5 || !n->in[4] : !n->in[i + 1])
			return i == 3;
		if (!const_ints(n->in[i + 1], &c, &k) || k != 1)
			return false;
		got = i == 2 && c[0] < 0 ? c[0] + n->in[0]->rank : i < 2 && c[0] < 0 ? c[0] + size : c[0];
		got = i == 1 && got > size ? size : got;
		if (got != (i == 3 ? 1 : want[i]))
			return false;
	}
	return true;
}

static bool half_of_last(const Node *n, bool second)
{
	int64_t size;

	return n->in[0]->rank == 4 && ix_isint(n->in[0]->dim[3], &size) && size % 2 == 0 &&
		is_part_of_last(n, second ? size / 2 : 0, second ? size : size / 2);
}

static bool test_low(const Node *n) { return half_of_last(n, false); }
static bool test_high(const Node *n) { return half_of_last(n, true); }

static bool test_joined(const Node *n)
{
	int64_t axis = attr_int(n, "axis", 0);

	return n->nin == 2 && (axis == -1 || axis == n->out[0]->rank - 1);
}

static bool halves_equal(const Value *v)
{
	size_t row;
	int64_t d[4];

	if (v->rank != 4 || !value_static(v, d) || d[3] % 2 || dtype_info[v->dt].bits < 8)
		return false;
	row = (size_t)d[3] / 2 * (size_t)dt_size(v->dt);
	for (const char *p = v->data->p, *end = p + v->data->n; p < end; p += 2 * row)
		if (memcmp(p, p + row, row))
			return false;
	return true;
}

/* the two halves of the last axis are the same: a constant, or a function of Concat(f, f) */
static bool repeats(const Value *v)
{
	for (int depth = 0; v && depth < 8; depth++) {
		const Node *d = v->def;
		if (v->data)
			return halves_equal(v);
		if (!d || d->nin < 1 || !d->in[0])
			return false;
		if (d->op == OP_CONCAT)
			return test_joined(d) && d->in[0] == d->in[1];
		if (d->op != OP_COS && d->op != OP_SIN && d->op != OP_CAST && d->op != OP_UNSQUEEZE &&
		    !(d->op == OP_MUL && d->in[1]->data && ix_is(value_numel(d->in[1]), 1)))
			return false;
		v = d->in[0];
	}
	return false;
}

/* RotaryEmbedding of [batch, heads, length, size] with angles that all heads share */
static bool test_rotary(const Node *n)
{
	for (int i = 1; i < 3; i++) {
		const Value *c = n->in[i], *x = n->in[0];
		if (x->rank != 4 || c->rank != 3 || c->dt != x->dt || !ix_equal(c->dim[0], x->dim[0]) ||
		    !ix_equal(c->dim[1], x->dim[2]))
			return false;
	}
	return true;
}

static const struct { const char *name; bool (*f)(const Node *); } tests[] = {
	{ "alone", test_alone }, { "row", test_row }, { "heads", test_heads }, { "low", test_low },
	{ "high", test_high }, { "joined", test_joined }, { "rotary", test_rotary },
	{ "inference", test_inference }, { "same", test_same }, { "identity", test_identity }, { "sixth", test_sixth },
	{ "last", test_last }, { "vector", test_vector }, { "uncentred", test_uncentred },
};

static bool test(const char *name, const Node *n)
{
	for (int i = 0; name && i < LEN(tests); i++)
		if (!strcmp(tests[i].name, name))
			return tests[i].f(n);
	return name == NULL;
}

/* ---- what a replacement makes of a variable */

static Value *add_node(Node *at, Op op, Value *x, Value *const *more, int n)
{
	Value *in[5] = { x };
	Node *k;

	memcpy(in + 1, more, sizeof *more * (size_t)n);
	k = node_simple(at->graph, at, op, in, n + 1);
	k->name = at->name;
	k->id = at->id;
	return k->out[0];
}

/* the last two axes exchanged; a Transpose before it becomes part of it */
static Value *make_swapped(Value *x, Node *at)
{
	int64_t perm[8];
	const int64_t *before;
	int k = 0, moved = 0;
	Node *n;

	if (x->rank < 2 || x->rank > LEN(perm))
		return NULL;
	for (int i = 0; i < x->rank; i++)
		perm[i] = i < x->rank - 2 ? i : 2 * x->rank - 3 - i;
	if (x->def && x->def->op == OP_TRANSPOSE && (before = attr_ints(x->def, "perm", &k)) && k == x->rank) {
		for (int i = 0; i < k; i++)
			moved += (perm[i] = before[perm[i]]) != i;
		x = x->def->in[0];
		if (!moved)
			return x;
	}
	n = node_new(at->graph, at, OP_TRANSPOSE, 1, 1);
	node_set_in(n, 0, x);
	node_set_out(n, 0, value_new(at->graph, NULL));
	node_add_attr(n, (Attr){ .name = "perm", .type = A_INTS, .n = x->rank,
		.is = copy_mem(perm, sizeof *perm * (size_t)x->rank) });
	n->name = at->name;
	n->id = at->id;
	node_infer(n);
	return n->out[0];
}

/* angles [batch, 1, length, size] with equal halves as [batch, length, size/2] */
static Value *make_angles(Value *x, Node *at)
{
	Graph *g = at->graph;
	int64_t half;

	if (x->rank != 4 || !ix_is(x->dim[1], 1) || !ix_isint(x->dim[3], &half) || !repeats(x))
		return NULL;
	half /= 2;
	x = add_node(at, OP_SLICE, x, (Value *[]){ value_ints(g, &(int64_t){ 0 }, 1), value_ints(g, &half, 1),
		value_ints(g, &(int64_t){ 3 }, 1) }, 3);
	return add_node(at, OP_SQUEEZE, x, (Value *[]){ value_ints(g, &(int64_t){ 1 }, 1) }, 1);
}

static const struct { const char *name; Value *(*f)(Value *, Node *); } makers[] = {
	{ "swapped", make_swapped }, { "angles", make_angles },
};

static Value *(*maker(const char *name, const char *rule))(Value *, Node *)
{
	for (int i = 0; i < LEN(makers); i++)
		if (!strcmp(makers[i].name, name))
			return makers[i].f;
	bug("rule '%s': no maker %s", rule, name);
}

/* ---- matching */

typedef struct Match {
	struct { char name[4]; Value *v; } var[8];
	int n;
} Match;

static Value **slot(Match *m, const char *name)
{
	for (int i = 0; i < m->n; i++)
		if (!strcmp(m->var[i].name, name))
			return &m->var[i].v;
	if (m->n == LEN(m->var))
		bug("a rule has too many variables");
	strcpy(m->var[m->n].name, name);
	m->var[m->n].v = NULL;
	return &m->var[m->n++].v;
}

static bool match(Match *m, const Pat *p, Value *v);

static bool match_args(Match *m, const Pat *p, const Node *n, bool swap)
{
	Match save = *m;

	for (int i = 0; i < n->nin && (i < p->n || n->in[i]); i++) {
		if (i >= p->n ? p->test == NULL : !match(m, p->arg[swap ? 1 - i : i], n->in[i])) {
			*m = save;
			return false;
		}
	}
	return true;
}

static bool match_node(Match *m, const Pat *p, const Node *n)
{
	if (n->op != p->op || n->nin < p->n || !test(p->test, n))
		return false;
	if (match_args(m, p, n, false))
		return true;
	return (op_def[n->op].flags & OF_COMM) && p->n == 2 && n->nin == 2 && match_args(m, p, n, true);
}

static bool match(Match *m, const Pat *p, Value *v)
{
	Value **s;
	double x;

	switch (p->kind) {
	case P_ANY:
		return true;
	case P_NUM:
		return v && v->data && const_float(v, &x) && fabs(x - p->num) <= 1e-5 * fabs(p->num);
	case P_VAR:
		if (!v || (p->var[0] == 'c' && !v->data))
			return false;
		s = slot(m, p->var);
		if (!*s)
			*s = v;
		return *s == v;
	case P_MAKE:
		bug("a pattern cannot make values");
	case P_OP:
		return v && v->def && v->index == 0 && match_node(m, p, v->def);
	}
	return false;
}

/* ---- replacement */

/* cs, 1/cs, cs*ct: constants that are numbers (numbers_are) */
static double number(Match *m, const char *s)
{
	double x = 0, y = 1;
	char name[4];

	if (!strncmp(s, "1/", 2))
		return 1 / number(m, s + 2);
	snprintf(name, sizeof name, "%.*s", (int)strcspn(s, "*"), s);
	const_float(*slot(m, name), &x);
	if (strchr(s, '*'))
		y = number(m, strchr(s, '*') + 1);
	return x * y;
}

static void give_attrs(Node *n, const Pat *p, Match *m)
{
	const char *s = p->attr, *end = p->attr + p->nattr;
	char name[32], val[64], *q;
	int used;

	while (s && s < end && sscanf(s, " %31[a-z]=%63[^,}]%n", name, val, &used) == 2) {
		Attr a = { .name = copy_str(name) };
		if (val[0] == '\'') {
			a.type = A_STRING;
			a.s.n = strlen(val) - 2;
			a.s.p = fmt("%.*s", (int)a.s.n, val + 1);
		} else if (val[0] == 'c' || !strncmp(val, "1/c", 3)) {
			a.type = A_FLOAT;
			a.f = (float)number(m, val);
		} else if (strchr(val, '.')) {
			a.type = A_FLOAT;
			a.f = strtof(val, &q);
		} else {
			a.type = A_INT;
			a.i = strtoll(val, &q, 10);
		}
		node_add_attr(n, a);
		s += used;
		s += *s == ',';
	}
}

static Value *build(const Pat *p, Match *m, Node *at)
{
	Value *in[6];
	Node *n;

	if (p->kind == P_VAR)
		return *slot(m, p->var);
	if (p->kind == P_MAKE)
		return p->make(*slot(m, p->arg[0]->var), at);
	if (p->kind == P_NUM)
		return value_float(at->graph, at->out[0]->dt, p->num);
	for (int i = 0; i < p->n; i++)
		if (!(in[i] = build(p->arg[i], m, at)))
			return NULL;
	n = node_new(at->graph, at, p->op, p->n, 1);
	for (int i = 0; i < p->n; i++)
		node_set_in(n, i, in[i]);
	node_set_out(n, 0, value_new(at->graph, NULL));
	n->name = at->name;
	n->id = at->id;
	give_attrs(n, p, m);
	if (test(p->test, n))
		node_infer(n);
	return n->out[0];
}

static bool fits(const Value *old, const Value *by)
{
	return by && by->kind == V_TENSOR && by->dt == old->dt && by->rank == old->rank &&
		value_same_shape(old, by);
}

/* constants that attributes are made of are one number each: ce, cs, ct */
static bool numbers_are(const Match *m)
{
	double x;

	for (int i = 0; i < m->n; i++)
		if (m->var[i].name[0] == 'c' && strchr("est", m->var[i].name[1]) && !const_float(m->var[i].v, &x))
			return false;
	return true;
}

static bool apply(const Rule *r, Node *n)
{
	Match m = { .n = 0 };
	Value *v;

	if (n->nout < 1 || !n->out[0] || !match_node(&m, r->from, n) || !numbers_are(&m))
		return false;
	v = build(r->to, &m, n);
	if (!fits(n->out[0], v)) {
		if (v && v->def && v->def->next == n && !v->uses && r->to->kind == P_OP)
			node_remove(v->def);
		return false;
	}
	value_replace(n->out[0], v);
	return true;
}

static void rules_graph(Graph *g, const Rule *rule, int n)
{
	Node *next;

	for (Node *k = g->first; k; k = next) {
		next = k->next;
		for (int i = 0; i < k->nattr; i++)
			if (k->attr[i].g)
				rules_graph(k->attr[i].g, rule, n);
		for (int i = 0; i < n; i++)
			if (rule[i].from->op == k->op && apply(&rule[i], k)) {
				node_remove(k);
				break;
			}
	}
}

void pass_rules(Model *m, const Options *o)
{
	Rule rule[LEN(rule_text)];

	(void)o;
	for (int i = 0; i < LEN(rule_text); i++)
		rule[i] = parse_rule(rule_text[i]);
	rules_graph(m->main, rule, LEN(rule_text));
}
