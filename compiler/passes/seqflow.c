/* Sequences and optionals through Loop, If and SequenceMap, and at the interface of the model: in parts. See
 * sequence.h. */
#include "sequence.h"

typedef VEC(Value *) Values;

static void set_outputs(Node *n, Value *const *v, int count)
{
	n->out = NEWN(Value *, count);
	n->nout = count;
	for (int i = 0; i < count; i++)
		if (v[i])
			node_set_out(n, i, v[i]);
}

static void set_inputs(Graph *g, const Values *in)
{
	g->in.n = 0;
	for (int i = 0; i < in->n; i++) {
		in->p[i]->index = i;
		push(&g->in, in->p[i]);
	}
}

/* inputs of g that are the parts of a value of that form; their sizes are symbols of their own */
static void part_inputs(Graph *g, Form f, const char *name, Values *in, Value **part)
{
	int n = form_parts(f);
	Ix least = ix_int(0), most = ix_int(INT32_MAX), dim[MIXED_RANK + 1];

	for (int i = 0; i < n; i++) {
		bool has = f.opt && i == 0, shapes = f.seq && i == n - 1;
		int rank = has ? 0 : shapes ? 2 : f.seq ? 1 : f.rank;
		for (int k = 0; k < rank; k++)
			dim[k] = ix_sym(NULL, least, most);
		if (shapes)
			dim[1] = ix_int(f.rank == RANK_MIXED ? 1 + MIXED_RANK : f.rank < 0 ? 0 : f.rank);
		part[i] = value_tensor(g, NULL, has ? DT_BOOL : shapes ? DT_I64 : f.dt, rank, dim);
		part[i]->hint = has ? "has" : shapes ? "shapes" : name ? name : "items";
		push(in, part[i]);
	}
}

/* ---- Loop */

/* Inputs of the body for the value that it has of that form; the node that packs them, at the front */
static void open_input(Graph *g, Value *v, Form f, Values *in)
{
	Value *part[MOST_PARTS];

	part_inputs(g, f, NULL, in, part);
	value_replace(v, pack((At){ g, g->first, g->owner }, f, part));
}

/* what the body makes of forms f[] in one iteration: found on a copy of it */
static void try_body(Node *n, Form *f, const bool *open)
{
	Node *t = node_clone(n, n->graph);
	Graph *g = attr_graph(t, "body");
	Values in = { 0 };
	Ix none = NULL;

	value_set_dims(g->in.p[0], DT_I64, 0, &none);
	value_set_dims(g->in.p[1], DT_BOOL, 0, &none);
	for (int i = 0; i < g->in.n; i++) {
		Value *v = g->in.p[i], *from = i < 2 ? v : n->in[i];
		if (i >= 2 && open[i - 2]) {
			open_input(g, v, f[i - 2], &in);
			continue;
		}
		if (from->kind == V_TENSOR)
			value_set_dims(v, from->dt, from->rank, from->dim);
		push(&in, v);
	}
	set_inputs(g, &in);
	infer_graph(g);
	for (int i = 0; !zn->nerror && i < n->nin - 2; i++)
		if (open[i] && g->ret->in[i + 1])
			f[i] = form_join(n, f[i], form_of(g->ret->in[i + 1]));
	node_remove(t);
}

static bool same_form(Form a, Form b)
{
	return a.opt == b.opt && a.seq == b.seq && a.dt == b.dt && a.rank == b.rank;
}

/* the forms that the carried values keep through all iterations */
static bool settle_forms(Node *n, Form *f, const bool *open)
{
	int nc = n->nin - 2;
	bool again = true;

	while (again && !zn->nerror) {
		Form was[nc + 1];
		memcpy(was, f, sizeof *f * (size_t)nc);
		try_body(n, f, open);
		again = false;
		for (int i = 0; i < nc; i++)
			again = again || (open[i] && !same_form(f[i], was[i]));
	}
	return !zn->nerror;
}

/* what the body gives, in parts: found when it is inferred */
static void open_result(Graph *g, Value *v, Form f, Values *ret)
{
	Node *u = node_new(g, NULL, OP_Z_UNPACK, 1, form_parts(f));

	u->id = g->owner->id;
	u->name = g->owner->name;
	node_set_in(u, 0, v);
	add_form_attrs(u, f);
	for (int i = 0; i < u->nout; i++) {
		node_set_out(u, i, value_new(g, NULL));
		push(ret, u->out[i]);
	}
}

static void open_carried(Node *n, const Form *f, const bool *open)
{
	Graph *g = attr_graph(n, "body");
	int nc = n->nin - 2;
	Values in = { 0 }, ret = { 0 }, init = { 0 }, out = { 0 };
	Value *part[MOST_PARTS];
	VEC(int64_t) grows = { 0 };

	push(&in, g->in.p[0]);
	push(&in, g->in.p[1]);
	push(&ret, g->ret->in[0]);
	for (int i = 0; i < nc; i++) {
		Value *o = n->out[i];
		if (!open[i]) {
			push(&in, g->in.p[i + 2]);
			push(&ret, g->ret->in[i + 1]);
			push(&init, n->in[i + 2]);
			push(&out, o);
			push(&grows, 0);
			continue;
		}
		open_input(g, g->in.p[i + 2], f[i], &in);
		parts_of((At){ n->graph, n, n }, n->in[i + 2], f[i], part);
		open_result(g, g->ret->in[i + 1], f[i], &ret);
		for (int k = 0; k < form_parts(f[i]); k++) {
			push(&init, part[k]);
			part[k] = value_new(n->graph, NULL);
			push(&out, part[k]);
			push(&grows, f[i].opt && k == 0 ? 0 : f[i].seq ? 1 : f[i].rank);
		}
		if (o)
			value_replace(o, pack((At){ n->graph, n->next, n }, f[i], part));
	}
	for (int i = nc; i < n->nout; i++) {
		push(&out, n->out[i]);
		push(&ret, g->ret->in[i + 1]);
	}
	set_inputs(g, &in);
	graph_set_outputs(g, ret.p, ret.n);
	node_resize_in(n, init.n + 2);
	for (int i = 0; i < init.n; i++)
		node_set_in(n, i + 2, init.p[i]);
	set_outputs(n, out.p, out.n);
	node_add_attr(n, (Attr){ .name = "grows", .type = A_INTS, .n = grows.n, .is = grows.p });
}

Node *open_loop(Node *n)
{
	Graph *g = attr_graph(n, "body");
	int nc = n->nin - 2;

	for (int i = 0; i < 2; i++)
		if (n->in[i] && n->in[i]->kind != V_TENSOR) {
			node_error(n, "its %s is %s", i ? "condition" : "trip count", value_str(n->in[i]));
			return n->next;
		}
	if (!g || g->in.n != n->nin || n->nout < nc || g->ret->nin < n->nout + 1)
		return NULL;             /* inference will say so */
	Form f[nc + 1];
	bool open[nc + 1];
	for (int i = 0; i < nc; i++) {
		open[i] = is_compound(n->in[i + 2]);
		if (open[i])
			f[i] = form_of(n->in[i + 2]);
		if (open[i] && !g->ret->in[i + 1]) {
			node_error(n, "its body does not give carried value %d", i);
			return n->next;
		}
	}
	if (!settle_forms(n, f, open))
		return n->next;
	open_carried(n, f, open);
	return n;
}

/* ---- SequenceMap: a Loop over the items */

Node *open_map(Node *n)
{
	Graph *g = attr_graph(n, "body"), *up = n->graph;
	At at = { up, n, n }, in;
	int nout = n->nout;
	Values arg = { 0 };
	Value *len, *iter, *go, *v;
	Node *loop;

	if (!g || g->in.n != n->nin || g->ret->nin != nout) {
		node_error(n, "its body has not the inputs and outputs of the node");
		return n->next;
	}
	len = make_with(at, OP_SEQUENCE_LENGTH, NULL, 0, n->in, 1);
	loop = node_new(up, n, OP_LOOP, 2 + nout, nout);
	loop->id = n->id;
	loop->name = n->name;
	node_set_in(loop, 0, len);
	at.before = loop;
	iter = value_new(g, NULL);
	go = value_new(g, NULL);
	push(&arg, iter);
	push(&arg, go);
	in = (At){ g, g->first, n };
	for (int i = 0; i < n->nin; i++) {
		v = n->in[i];
		if (is_compound(v))
			v = make_with(in, OP_SEQUENCE_AT, NULL, 0, (Value *[]){ v, iter }, 2);
		value_replace(g->in.p[i], v);
	}
	in.before = g->ret;
	for (int i = 0; i < nout; i++) {
		Attr none = int_attr("dtype", DT_NONE);
		Value *to = value_new(g, NULL);
		to->kind = V_SEQ;
		push(&arg, to);
		v = make_with(at, OP_SEQUENCE_EMPTY, &none, 1, NULL, 0);
		node_set_in(loop, 2 + i, v);
		v = make_with(in, OP_SEQUENCE_INSERT, NULL, 0, (Value *[]){ to, g->ret->in[i] }, 2);
		node_set_in(g->ret, i, v);
		node_set_out(loop, i, value_new(up, NULL));
		if (n->out[i])
			value_replace(n->out[i], loop->out[i]);
	}
	Value *ret[nout + 1];
	ret[0] = go;
	memcpy(ret + 1, g->ret->in, sizeof *ret * (size_t)nout);
	graph_set_outputs(g, ret, nout + 1);
	set_inputs(g, &arg);
	node_drop_attr(n, "body");
	node_add_attr(loop, (Attr){ .name = "body", .type = A_GRAPH, .g = g });
	node_remove(n);
	return len->def;
}

/* ---- If */

bool dissolve_if(Node *n)
{
	Graph *g[2] = { attr_graph(n, "then_branch"), attr_graph(n, "else_branch") };
	Values out = { 0 }, ret[2] = { { 0 }, { 0 } };
	Value *part[MOST_PARTS];
	bool any = false;

	if (!g[0] || !g[1] || zn->nerror)
		return false;
	for (int i = 0; i < n->nout; i++)
		for (int b = 0; b < 2; b++)
			if (is_compound(g[b]->ret->in[i]) && g[!b]->fails && g[!b]->first != g[!b]->ret)
				drop_branch(g[!b]);     /* it stays so: what is taken apart is not put together again */
	for (int i = 0; i < n->nout; i++) {
		Value *v[2] = { g[0]->ret->in[i], g[1]->ret->in[i] }, *o = n->out[i];
		Form f = { 0 };
		if (!is_compound(v[0]) && !is_compound(v[1])) {
			push(&out, o);
			push(&ret[0], v[0]);
			push(&ret[1], v[1]);
			continue;
		}
		any = true;
		f = form_of(v[v[0] ? 0 : 1]);
		if (v[0] && v[1])
			f = form_join(n, f, form_of(v[1]));
		if (zn->nerror)
			return false;
		for (int b = 0; b < 2; b++) {
			if (v[b])
				parts_of((At){ g[b], g[b]->ret, n }, v[b], f, part);
			for (int k = 0; k < form_parts(f); k++)
				push(&ret[b], v[b] ? part[k] : NULL);
		}
		for (int k = 0; k < form_parts(f); k++) {
			part[k] = value_new(n->graph, NULL);
			push(&out, part[k]);
		}
		if (o)
			value_replace(o, pack((At){ n->graph, n->next, n }, f, part));
	}
	if (!any)
		return false;
	for (int b = 0; b < 2; b++)
		graph_set_outputs(g[b], ret[b].p, ret[b].n);
	set_outputs(n, out.p, out.n);
	return true;
}

/* ---- the interface */

static void note(Model *m, Form f, const char *name, bool out, int first)
{
	struct Compound c = { .name = name, .out = out, .first = first, .n = form_parts(f), .form = f };

	push(&m->compound, c);
	if (dtype_info[f.dt].bits < 8 && f.dt != DT_BOOL)
		unsupported(fmt("'%s'", quoted(name)), "a sequence or optional of %s at the interface",
			dt_name(f.dt));
}

void sequence_inputs(Model *m)
{
	Graph *g = m->main;
	Values in = { 0 };
	Node head = { .id = -1, .name = "inputs", .op = OP_RETURN, .graph = g };
	Node *first = g->first;

	for (int i = 0; i < g->in.n; i++) {
		Value *v = g->in.p[i], *part[MOST_PARTS];
		Type t = { .kind = v->kind, .dt = v->dt, .rank = v->rank, .elem = v->elem };
		Form f;
		if (v->kind == V_TENSOR || v->kind == V_MAP) {
			push(&in, v);
			continue;
		}
		if (!form_of_type(&t, &f) || (!f.seq && f.rank < 0)) {
			unsupported(fmt("input '%s'", quoted(v->name)), "the type %s", value_str(v));
			return;
		}
		note(m, f, v->name, false, in.n);
		part_inputs(g, f, v->name, &in, part);
		value_replace(v, pack((At){ g, first, &head }, f, part));
	}
	set_inputs(g, &in);
}

void sequence_outputs(Model *m)
{
	Graph *g = m->main;
	Values ret = { 0 };
	VEC(const char *) name = { 0 };
	At at = { g, g->ret, g->ret };

	for (int i = 0; i < g->ret->nin; i++) {
		Value *v = g->ret->in[i], *part[MOST_PARTS];
		Form f;
		if (is_compound(v) && v->kind == V_OPT && i < g->out_kind.n && g->out_kind.p[i] != V_OPT)
			v = optional_content(at, v);
		if (!is_compound(v)) {
			push(&ret, v);
			push(&name, g->out_name.p[i]);
			continue;
		}
		f = form_of(v);
		if (!f.dt)
			f.dt = DT_F32;           /* always empty */
		note(m, f, g->out_name.p[i], true, ret.n);
		parts_of(at, v, f, part);
		for (int k = 0; k < form_parts(f); k++) {
			push(&ret, part[k]);
			push(&name, g->out_name.p[i]);
		}
	}
	g->out_name.n = 0;
	for (int i = 0; i < name.n; i++)
		push(&g->out_name, name.p[i]);
	graph_set_outputs(g, ret.p, ret.n);
}
