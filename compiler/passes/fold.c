/* Constant folding: a node whose inputs are constants is lowered, run in the interpreter, and replaced by its
 * results.
 *
 * requires: shapes. maintains: shapes. The results of one node may add at most --limit fold bytes to the
 * model, and an operator that only spreads its input out (Expand, ConstantOfShape, ...) is folded only when
 * that stays small. All results together are at most 16 times that or 16 times the model, and folding does at most --limit
 * work iterations and operations, beside 16 for each byte of the model. What would take more is left to run time, and so
 * is what fails in a branch or a loop's body, which may never run. */
#include "../lower/lower.h"
#include "passes.h"

enum { SMALL = 1024 };           /* bytes */
enum { ALL = 16, STEPS = 16 };

typedef struct Left { int64_t bytes, steps; } Left;      /* what may still be spent */

static bool foldable(const Node *n, Left *left)
{
	int64_t in = 0, out = 0, dim[64];
	size_t bytes;

	if (n->op == OP_RETURN || !op_def[n->op].lower ||
		op_def[n->op].flags & (OF_SUBGRAPH | OF_RANDOM | OF_DATADIM))
		return false;
	for (int i = 0; i < n->nin; i++) {
		if (n->in[i] &&
			(!n->in[i]->data || n->in[i]->dt == DT_STR || dtype_info[n->in[i]->dt].class == DC_C))
			return false;
		in += n->in[i] && value_nuses(n->in[i]) == 1 ? (int64_t)n->in[i]->data->n : 0; /* goes away */
	}
	for (int i = 0; i < n->nout; i++) {
		Value *v = n->out[i];
		int64_t count = 1;
		if (!v)
			continue;
		if (v->kind != V_TENSOR || v->rank > LEN(dim) || v->dt == DT_STR || !value_static(v, dim))
			return false;
		for (int j = 0; j < v->rank; j++)
			if (!mul_ok(count, dim[j], &count))
				return false;
		if (!dt_bytes(v->dt, count, true, &bytes) || !add_ok(out, (int64_t)bytes, &out))
			return false;
	}
	if (op_def[n->op].flags & OF_NOFOLD)
		return out <= SMALL;
	if (out > in + SMALL && out - in > zn->limit[LIM_FOLD])
		return false;
	if (out > left->bytes)
		return false;
	left->bytes -= out;
	return true;
}

typedef struct Host { VEC(void *) mem; int64_t *steps; } Host;

static void *host_mem(Host *h, const Mem *m)
{
	int64_t n;
	size_t bytes;

	if (m->space == SP_WEIGHT)
		return (void *)const_bytes(m->data);
	while (m->id >= h->mem.n)
		push(&h->mem, NULL);
	if (!h->mem.p[m->id]) {
		if (!ix_isint(m->size, &n) || !dt_bytes(m->dt, n, m->packed, &bytes))
			bug("folding needs constant sizes");
		h->mem.p[m->id] = big_alloc(bytes + 16);
	}
	return h->mem.p[m->id];
}

static int64_t no_symbol(const IxAtom *a, void *arg)
{
	(void)a, (void)arg;
	bug("a symbol in a constant");
}

static int run_call(Host *h, const Call *c)
{
	void *arg[c->arg.n + 1];
	int64_t off;

	for (int i = 0; i < c->arg.n; i++) {
		if (!ix_isint(c->arg.p[i].off, &off) || off)
			bug("folding reads at an offset");
		arg[i] = host_mem(h, c->arg.p[i].mem);
	}
	return ir_run_kern(c->kern, arg, no_symbol, NULL, h->steps);
}

static int run_unit(Lower *lo, Host *h, Unit *u)
{
	Prog *p = u->prog;

	if (u->kind == U_TE) {
		place_new(lo, u->out,
			region_new(lo, u->out->index >= 0 ? SP_OUT : SP_WORK, "t", u->out->dt,
				value_numel(u->out)));
		return run_call(h, nest_group(lo, group_unit(lo, u)));
	}
	for (int i = 0; i < p->out.n; i++)
		place_new(lo, p->out.p[i], region_new(lo, p->out.p[i]->index >= 0 ? SP_OUT : SP_WORK, "t",
			p->out.p[i]->dt, value_numel(p->out.p[i])));
	return run_call(h, nest_prog(lo, u));
}

static void replace_outputs(Node *n, Host *h)
{
	for (int i = 0; i < n->nout; i++) {
		Value *v = n->out[i], *c;
		int64_t dim[64];
		if (!v)
			continue;
		value_static(v, dim);
		c = value_const(v->graph, v->dt, v->rank, dim, host_mem(h, v->place->mem));
		c->folded = v->te;
		value_replace(v, c);
	}
}

static void lower_one(void *n)
{
	node_lower(n);
}

static void fold_node(Lower *lo, Node *n, Left *left)
{
	Host h = { .steps = &left->steps };
	const char *why;
	int status = 0;

	lo->prog = NEW(Program);
	lo->weight = map_new();
	if (n->graph->parent)
		status = session_hold(lower_one, n, &why) ? -1 : 0;
	else
		node_lower(n);
	stop_if_errors();
	for (int i = 0; i < n->unit.n && !status; i++)
		status = run_unit(lo, &h, n->unit.p[i]);
	if (status > 0 && !n->graph->parent)
		fatal(EX_INVALID, node_where(n), "its constant inputs are invalid: %s",
			"an index is out of range");
	if (!status)
		replace_outputs(n, &h);
	for (int i = 0; i < h.mem.n; i++)
		big_free(h.mem.p[i]);
	for (int i = 0; i < n->nin; i++)
		if (n->in[i])
			n->in[i]->place = NULL;
	if (status) {                   /* lowered once more later */
		n->unit.n = 0;
		for (int i = 0; i < n->nout; i++)
			if (n->out[i])
				n->out[i]->place = NULL, n->out[i]->te = NULL;
	} else
		node_remove(n);
}

static void fold_graph(Lower *lo, Graph *g, Left *left)
{
	Node *next;

	for (Node *n = g->first; n; n = next) {
		next = n->next;
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].g)
				fold_graph(lo, n->attr[i].g, left);
		if (left->steps > 0 && foldable(n, left))
			fold_node(lo, n, left);
	}
}

void pass_fold(Model *m, const Options *o)
{
	int64_t size = m->file_bytes + m->data_bytes;
	Options plain = *o;
	Left left;
	Lower lo = { .model = m, .opt = &plain, .bound_set = map_new() };

	plain.opt = 0;
	if (!mul_ok(ALL, zn->limit[LIM_FOLD] > size ? zn->limit[LIM_FOLD] : size, &left.bytes))
		left.bytes = INT64_MAX;
	if (!mul_ok(STEPS, size, &left.steps) || !add_ok(left.steps, zn->limit[LIM_WORK], &left.steps))
		left.steps = INT64_MAX;
	fold_graph(&lo, m->main, &left);
}
