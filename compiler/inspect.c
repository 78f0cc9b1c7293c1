/* `zenithc inspect`: the layers of a model, what each costs, and the kernel that it became part of. */
#include "cli.h"
#include "passes/sequence.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

typedef struct Row {
	const char *name, *op, *out, *where;
	int depth;
	bool supported;
	Ix macs;
	int64_t weights;         /* bytes of the constants that it reads first */
	const char *kernel;      /* "12 conv_relu", or NULL: folded, or a view */
} Row;

typedef struct Inspect {
	Cli *c;
	Model *m;
	Program *p;
	VEC(Row) row;
	Map *seen;               /* constants counted */
	VEC(const char *) in, out;
} Inspect;

static Ix
product(const Value *v, int from, int to)
{
	Ix n = ix_int(1);

	for (int i = from < 0 ? 0 : from; v && i < to; i++)
		n = ix_mul(n, v->dim[i]);
	return n;
}

/* multiply-accumulates: those of contractions; other operators have none */
static Ix
macs(const Node *n)
{
	const Value *y = n->nout ? n->out[0] : NULL, *a = n->nin ? n->in[0] : NULL,
		    *w = n->nin > 1 ? n->in[1] : NULL;
	const char *op = op_name(n->op);

	if (!y || !a || !w || y->kind != V_TENSOR || y->rank < 0 || a->rank < 0 || w->rank < 0)
		return ix_int(0);
	if (!strcmp(op, "QLinearConv") && n->nin > 3)
		w = n->in[3];
	if (!strcmp(op, "QLinearMatMul") && n->nin > 3)
		w = n->in[3];
	if (!strcmp(op, "Conv") || !strcmp(op, "ConvInteger") || !strcmp(op, "QLinearConv") ||
		!strcmp(op, "FusedConv"))
		return ix_mul(product(y, 0, y->rank), product(w, 1, w->rank));
	if (!strcmp(op, "ConvTranspose"))
		return ix_mul(product(a, 0, a->rank), product(w, 1, w->rank));
	if (strstr(op, "MatMul") && a->rank)
		return ix_mul(product(y, 0, y->rank), a->dim[a->rank - 1]);
	if (!strcmp(op, "Gemm") && a->rank == 2)
		return ix_mul(product(y, 0, y->rank), a->dim[attr_int(n, "transA", 0) ? 0 : 1]);
	if ((!strcmp(op, "LSTM") || !strcmp(op, "GRU") || !strcmp(op, "RNN")) && n->nin > 2 && n->in[2] &&
		a->rank == 3)
		return ix_mul(ix_mul(a->dim[0], a->dim[1]),
			ix_add(product(w, 0, w->rank), product(n->in[2], 0, n->in[2]->rank)));
	return ix_int(0);
}

static void
walk(Inspect *x, Graph *g, int depth)
{
	for (Node *n = g->first; n; n = n->next) {
		Row r = {.name = n->name,
			.op = op_name(n->op),
			.depth = depth,
			.where = node_where(n),
			.macs = macs(n),
			.supported = op_supported(&op_def[n->op])};
		if (n == g->ret || (op_def[n->op].flags & OF_DISSOLVES && !zn->nerror))
			continue;
		for (int i = 0; i < n->nout && !r.out; i++)
			r.out = n->out[i] ? value_str(n->out[i]) : NULL;
		for (int i = 0; i < n->nin; i++)
			if (n->in[i] && n->in[i]->data && !map_ptr(x->seen, n->in[i])) {
				*map_at_ptr(x->seen, n->in[i]) = n->in[i];
				r.weights += (int64_t)n->in[i]->data->n;
			}
		push(&x->row, r);
		for (int i = 0; i < n->nattr; i++)
			if (n->attr[i].type == A_GRAPH)
				walk(x, n->attr[i].g, depth + 1);
	}
}

static void
infer(void *arg)
{
	Inspect *x = arg;

	pass_shapes(x->m, &x->c->o);
}

static void
compile_rest(void *arg)
{
	Inspect *x = arg;

	compile_passes(x->m, &x->c->o);
	x->p = compile_lower(x->m, &x->c->o);
	stop_if_errors();
}

/* the notes of kernels name the nodes that they came from, a line each */
static void
find_kernels(Inspect *x)
{
	Map *at = map_new();
	size_t n;

	for (int i = 0; x->p && i < x->p->kern.n; i++)
		for (const char *s = x->p->kern.p[i]->note; s && *s; s += n + (s[n] == '\n')) {
			n = strcspn(s, "\n");
			*map_at(at, s, n) = fmt("%d %s", i, x->p->kern.p[i]->name);
		}
	for (int i = 0; i < x->row.n; i++)
		x->row.p[i].kernel = map_str(at, x->row.p[i].where);
}

static const char *
shape_of(const char *value)      /* value_str without the name, which the row has */
{
	const char *s = value ? strrchr(value, '\'') : NULL;

	return s ? s + 1 + (s[1] == ' ') : value ? value : "";
}

static const char *
short_of(int64_t n)
{
	return n < 10000 ? fmt("%" PRId64, n) : n < 10000000 ? fmt("%" PRId64 "k", n / 1000)
		: fmt("%" PRId64 "M", n / 1000000);
}

static const char *
macs_str(Ix n)
{
	int64_t c;

	return ix_isint(n, &c) ? c ? short_of(c) : "" : ix_str(n);
}

static void
print_table(const Inspect *x)
{
	int64_t weights = 0, c;
	Ix all = ix_int(0);

	for (int i = 0; i < x->in.n; i++)
		printf("input   %s\n", x->in.p[i]);
	for (int i = 0; i < x->out.n; i++)
		printf("output  %s\n", x->out.p[i]);
	printf("\n%-32s %-20s %-28s %8s %8s  %s\n", "layer", "operator", "output", "MACs", "bytes", "kernel");
	for (int i = 0; i < x->row.n; i++) {
		const Row *r = &x->row.p[i];
		const char *name = quoted(r->name);
		int len = (int)strlen(name), most = 31 - 2 * r->depth;
		printf("%*s%-*s %-20s %-28s %8s %8s  %s\n", 2 * r->depth, "", most + 1,
			len > most ? fmt("..%s", name + len - most + 2) : name, r->op, shape_of(r->out),
			macs_str(r->macs), r->weights ? short_of(r->weights) : "",
			r->kernel              ? r->kernel
				: r->supported ? "-"
					       : "NOT SUPPORTED");
		all = ix_add(all, r->macs);
		weights += r->weights;
	}
	printf("\n%d layers, %s MACs, %s bytes of constants", x->row.n, *macs_str(all) ? macs_str(all) : "0",
		short_of(weights));
	if (x->p) {
		printf("; compiled: %d kernels, %s bytes of weights, ", x->p->kern.n,
			short_of(x->p->weight_bytes));
		printf("%s bytes of workspace",
			ix_isint(x->p->work_bytes, &c) ? short_of(c) : ix_str(x->p->work_bytes));
	}
	putchar('\n');
}

static void
add_ix(cJSON *o, const char *key, Ix n)
{
	int64_t c;

	if (ix_isint(n, &c))
		cJSON_AddNumberToObject(o, key, (double)c);
	else
		cJSON_AddStringToObject(o, key, ix_str(n));
}

static void
add_list(cJSON *o, const char *key, const char *const *s, int n)
{
	cJSON *a = cJSON_AddArrayToObject(o, key);

	for (int i = 0; i < n; i++)
		cJSON_AddItemToArray(a, cJSON_CreateString(s[i]));
}

static void
print_json(const Inspect *x)
{
	cJSON *j = cJSON_CreateObject(), *a, *o;
	char *text;

	cJSON_AddStringToObject(j, "model", zn->file);
	cJSON_AddNumberToObject(j, "ir_version", (double)x->m->ir_version);
	cJSON_AddStringToObject(j, "producer", x->m->producer ? quoted(x->m->producer) : "");
	add_list(j, "inputs", x->in.p, x->in.n);
	add_list(j, "outputs", x->out.p, x->out.n);
	a = cJSON_AddArrayToObject(j, "layers");
	for (int i = 0; i < x->row.n; i++) {
		const Row *r = &x->row.p[i];
		o = cJSON_CreateObject();
		cJSON_AddItemToArray(a, o);
		cJSON_AddStringToObject(o, "name", quoted(r->name));
		cJSON_AddStringToObject(o, "operator", r->op);
		cJSON_AddNumberToObject(o, "depth", r->depth);
		cJSON_AddStringToObject(o, "output", shape_of(r->out));
		add_ix(o, "macs", r->macs);
		cJSON_AddNumberToObject(o, "weight_bytes", (double)r->weights);
		cJSON_AddBoolToObject(o, "supported", r->supported);
		if (r->kernel)
			cJSON_AddStringToObject(o, "kernel", r->kernel);
	}
	if (x->p) {
		cJSON_AddNumberToObject(j, "kernels", x->p->kern.n);
		cJSON_AddNumberToObject(j, "weight_bytes", (double)x->p->weight_bytes);
		add_ix(j, "workspace_bytes", x->p->work_bytes);
		add_ix(j, "workspace_bound", x->p->lower_bound);
	}
	text = cJSON_Print(j);
	puts(text);
	cJSON_free(text);
	cJSON_Delete(j);
}

/* output i of the graph; of a sequence or optional, whose parts are several, the first stands for it */
static void
add_output(Inspect *x, int i)
{
	const Graph *g = x->m->main;
	const Value *v = g->ret->in[i];
	Value whole = {0};

	for (int k = 0; k < x->m->compound.n; k++) {
		const struct Compound *c = &x->m->compound.p[k];
		if (!c->out || i < c->first || i >= c->first + c->n)
			continue;
		if (i > c->first)
			return;
		set_form(&whole, c->form);
		whole.name = g->out_name.p[i];
		v = &whole;
	}
	push(&x->out, fmt("'%s' %s", quoted(g->out_name.p[i]), shape_of(value_str(v))));
}

int
cli_inspect(Cli *c)
{
	Inspect x = {.c = c, .seen = map_new()};
	const Graph *g;

	x.m = compile_import(c->model, &c->o);
	g = x.m->main;
	for (int i = 0; i < g->in.n; i++)
		push(&x.in, value_str(g->in.p[i]));
	session_try(infer, &x);
	for (int i = 0; i < g->ret->nin; i++)
		add_output(&x, i);
	walk(&x, x.m->main, 0);
	if (!zn->nerror)
		session_try(compile_rest, &x);
	find_kernels(&x);
	if (c->json)
		print_json(&x);
	else
		print_table(&x);
	return EX_DONE;
}
