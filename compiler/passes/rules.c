/* Algebraic rules: rules.def, matched at every node.
 *
 * requires: shapes. maintains: shapes. A rule is parsed once; matching walks from a node towards its inputs,
 * so that the cost is linear in the nodes. What a replacement leaves without readers goes with dce. */
#include "passes.h"
#include <ctype.h>
#include <math.h>
#include <stdlib.h>

enum pkind { P_OP, P_VAR, P_NUM, P_ANY };

typedef struct Pat {
	enum pkind kind;
	Op op;
	const char *test;        /* after @, or NULL */
	char var[4];
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

static const struct { const char *name; bool (*f)(const Node *); } tests[] = {
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
	case P_OP:
		return v && v->def && v->index == 0 && match_node(m, p, v->def);
	}
	return false;
}

/* ---- replacement */

static void give_attrs(Node *n, const Pat *p, Match *m)
{
	const char *s = p->attr, *end = p->attr + p->nattr;
	char name[32], val[64], *q;
	double x;
	int used;

	while (s && s < end && sscanf(s, " %31[a-z]=%63[^,}]%n", name, val, &used) == 2) {
		Attr a = { .name = copy_str(name) };
		if (val[0] == '\'') {
			a.type = A_STRING;
			a.s.n = strlen(val) - 2;
			a.s.p = fmt("%.*s", (int)a.s.n, val + 1);
		} else if (val[0] == 'c' && const_float(*slot(m, val), &x)) {
			a.type = A_FLOAT;
			a.f = (float)x;
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

static bool constant_scale(const Match *m)       /* an epsilon is one number */
{
	double x;

	for (int i = 0; i < m->n; i++)
		if (!strcmp(m->var[i].name, "ce") && !const_float(m->var[i].v, &x))
			return false;
	return true;
}

static bool apply(const Rule *r, Node *n)
{
	Match m = { .n = 0 };
	Value *v;

	if (n->nout < 1 || !n->out[0] || !match_node(&m, r->from, n) || !constant_scale(&m))
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
