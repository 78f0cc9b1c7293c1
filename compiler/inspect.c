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

enum { MOST_TEXT = 16 };         /* of a dimension, or of what a layer computes: longer formulas are not for people */

typedef struct Inspect {
	Cli *c;
	Model *m;
	Program *p;
	VEC(Row) row;
	Map *seen;               /* constants counted */
	VEC(Value) in, out;
} Inspect;

static const char *
formula(Ix n)
{
	const char *s = ix_str(n);

	return strlen(s) > MOST_TEXT ? "?" : s;
}

/* value_str without the name, and dims as formula() has them */
static const char *
type_text(const Value *v)
{
	Value nameless = *v;
	Buf b = {0};

	nameless.name = "";
	if (v->kind != V_TENSOR || v->rank < 0)
		return value_str(&nameless) + strlen("'' ");
	buf_fmt(&b, "%s[", v->dt == DT_NONE ? "?" : dt_name(v->dt));
	for (int i = 0; i < v->rank; i++)
		buf_fmt(&b, "%s%s", i ? ", " : "", formula(v->dim[i]));
	buf_fmt(&b, "]");
	return buf_str(&b);
}

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
			.op = quoted(node_op_name(n)),
			.depth = depth,
			.where = node_where(n),
			.macs = macs(n),
			.supported = op_supported(&op_def[n->op])};
		if (n == g->ret || (op_def[n->op].flags & OF_DISSOLVES && !zn->nerror))
			continue;
		for (int i = 0; i < n->nout && !r.out; i++)
			r.out = n->out[i] ? type_text(n->out[i]) : NULL;
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

/* what inference did not come to */
static void
check(void *arg)
{
	check_operators(((Inspect *)arg)->m);
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
short_of(int64_t n)
{
	return n < 10000 ? fmt("%" PRId64, n) : n < 10000000 ? fmt("%" PRId64 "k", n / 1000)
		: fmt("%" PRId64 "M", n / 1000000);
}

static const char *
macs_str(Ix n)
{
	int64_t c;

	return ix_isint(n, &c) ? c ? short_of(c) : "" : formula(n);
}

/* columns of a terminal: East Asian wide characters have two, continuation bytes of UTF-8 none */
static int
columns(const char *s)
{
	int n = 0;

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s, d = (unsigned char)s[1];
		bool wide = (c >= 0xe3 && c <= 0xed) || (c == 0xe1 && d >= 0x84 && d <= 0x85) || c >= 0xf0 ||
			(c == 0xe2 && (d == 0xba || d == 0xbb)) || (c == 0xef && d >= 0xbc && d <= 0xbd);
		n += (c & 0xc0) == 0x80 ? 0 : wide ? 2 : 1;
	}
	return n;
}

/* the end of a text, as many columns as there is room for, then blanks */
static void
put(const char *s, int width)
{
	int n = columns(s), cut = n > width - 1;

	while (n > width - 1 - 2 * cut) {
		while ((*++s & 0xc0) == 0x80)
			;
		n = columns(s);
	}
	printf("%s%s%*s", cut ? ".." : "", s, width - n - 2 * cut, "");
}

static void
print_row(const Row *r)
{
	printf("%*s", 2 * r->depth, "");
	put(quoted(r->name), 32 - 2 * (r->depth < 8 ? r->depth : 8));
	printf(" %-20s %-28s %8s %8s  %s\n", r->op, r->out ? r->out : "", macs_str(r->macs),
		r->weights ? short_of(r->weights) : "",
		r->kernel              ? r->kernel
			: r->supported ? "-"
				       : "NOT SUPPORTED");
}

static void
print_table(const Inspect *x)
{
	int64_t weights = 0, c;
	Ix all = ix_int(0);

	for (int i = 0; i < x->in.n; i++)
		printf("input   '%s' %s\n", quoted(x->in.p[i].name), type_text(&x->in.p[i]));
	for (int i = 0; i < x->out.n; i++)
		printf("output  '%s' %s\n", quoted(x->out.p[i].name), type_text(&x->out.p[i]));
	printf("\n%-32s %-20s %-28s %8s %8s  %s\n", "layer", "operator", "output", "MACs", "bytes", "kernel");
	for (int i = 0; i < x->row.n; i++) {
		print_row(&x->row.p[i]);
		all = ix_add(all, x->row.p[i].macs);
		weights += x->row.p[i].weights;
	}
	printf("\n%d layers, %s, %s bytes of constants", x->row.n,
		ix_isint(all, &c) ? fmt("%s MACs", short_of(c)) : "MACs by shape", short_of(weights));
	if (x->p) {
		printf("; compiled: %d kernels, %s bytes of weights, ", x->p->kern.n,
			short_of(x->p->weight_bytes));
		fputs(ix_isint(x->p->work_bytes, &c) ? fmt("%s bytes of workspace", short_of(c))
			: "workspace by shape", stdout);
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
		cJSON_AddNullToObject(o, key);
}

static void
add_values(cJSON *j, const char *key, const Value *v, int n)
{
	cJSON *list = cJSON_AddArrayToObject(j, key), *o, *dims;
	int64_t c;

	for (; n > 0; n--, v++) {
		cJSON_AddItemToArray(list, o = cJSON_CreateObject());
		cJSON_AddStringToObject(o, "name", quoted(v->name));
		cJSON_AddStringToObject(o, "type", type_text(v));
		if (v->kind != V_TENSOR || v->rank < 0)
			continue;
		cJSON_AddStringToObject(o, "dtype", v->dt == DT_NONE ? "?" : dt_name(v->dt));
		dims = cJSON_AddArrayToObject(o, "dims");
		for (int i = 0; i < v->rank; i++)
			cJSON_AddItemToArray(dims, ix_isint(v->dim[i], &c) ? cJSON_CreateNumber((double)c)
				: cJSON_CreateString(formula(v->dim[i])));
	}
}

static void
print_json(const Inspect *x)
{
	cJSON *j = cJSON_CreateObject(), *a, *o;
	char *text;

	cJSON_AddStringToObject(j, "model", zn->file);
	cJSON_AddNumberToObject(j, "ir_version", (double)x->m->ir_version);
	cJSON_AddStringToObject(j, "producer", x->m->producer ? quoted(x->m->producer) : "");
	add_values(j, "inputs", x->in.p, x->in.n);
	add_values(j, "outputs", x->out.p, x->out.n);
	a = cJSON_AddArrayToObject(j, "layers");
	for (int i = 0; i < x->row.n; i++) {
		const Row *r = &x->row.p[i];
		o = cJSON_CreateObject();
		cJSON_AddItemToArray(a, o);
		cJSON_AddStringToObject(o, "name", quoted(r->name));
		cJSON_AddStringToObject(o, "operator", r->op);
		cJSON_AddNumberToObject(o, "depth", r->depth);
		cJSON_AddStringToObject(o, "output", r->out ? r->out : "");
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
	if (v) {
		whole = *v;
		whole.name = g->out_name.p[i];
		push(&x->out, whole);
	}
}

int
cli_inspect(Cli *c)
{
	Inspect x = {.c = c, .seen = map_new()};
	const Graph *g;

	x.m = compile_read(c->model, &c->o);
	g = x.m->main;
	for (int i = 0; i < g->in.n; i++)
		push(&x.in, *g->in.p[i]);
	session_try(infer, &x);
	session_try(check, &x);
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
