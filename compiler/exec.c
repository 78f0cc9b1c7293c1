/* Models compiled to a temporary library and called through zenith_model: see exec.h. */
#include "exec.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

/* does a quantising operator make this value, perhaps moved since? */
static bool
is_quantised(const Value *v)
{
	static const char *const ops[] = {"QuantizeLinear", "DynamicQuantizeLinear", "QLinearConv",
		"QLinearMatMul", "QLinearAdd", "QLinearMul", "QLinearGlobalAveragePool", "QLinearAveragePool",
		"QLinearConcat", "QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", "QGemm"};

	for (; v && v->def; v = v->def->nin ? v->def->in[0] : NULL) {
		for (int i = 0; i < LEN(ops); i++)
			if (!strcmp(op_name(v->def->op), ops[i]))
				return true;
		if (!(op_def[v->def->op].flags & OF_MOVE))
			break;
	}
	return false;
}

static void
note_interface(Exec *x)
{
	const Graph *g = x->model->main;

	for (int i = 0; i < g->in.n; i++)
		push(&x->in, g->in.p[i]->name);
	for (int i = 0; i < g->out_name.n; i++) {
		push(&x->out, g->out_name.p[i]);
		push(&x->quantum, is_quantised(g->ret->in[i]));
	}
}

/* every tensor that still has the name of a value of the model becomes an output, after the model's own */
static void
tap(Graph *g)
{
	Node *r = g->ret;
	int n = r->nin, k = n;

	for (const Node *d = g->first; d; d = d->next)
		for (int i = 0; i < d->nout; i++)
			k += d->out[i] && d->out[i]->name && d->out[i]->kind == V_TENSOR;
	node_resize_in(r, k);
	k = n;
	for (const Node *d = g->first; d; d = d->next)
		for (int i = 0; i < d->nout; i++)
			if (d->out[i] && d->out[i]->name && d->out[i]->kind == V_TENSOR) {
				node_set_in(r, k++, d->out[i]);
				push(&g->out_name, d->out[i]->name);
			}
}

static void
load(Exec *x, const char *lib, const char *symbol)
{
	void *dl = dlopen(lib, RTLD_NOW | RTLD_LOCAL);
	const zenith_model *(*model)(void);

	if (!dl)
		fatal(EX_TOOLCHAIN, NULL, "cannot load what the C compiler made: %s", dlerror());
	*(void **)&model = dlsym(dl, symbol);
	if (!model)
		bug("%s is missing", symbol);
	x->lib = dl;
	x->z = model();
	if (x->z->abi != ZENITH_ABI || x->z->size < sizeof *x->z)
		bug("zenith_model of another version");
}

Exec *
exec_build(const char *path, const Options *given)
{
	Exec *x = NEW(Exec);
	Options o = *given;
	Words w = {0};
	const char *dir, *c, *lib;

	o.prefix = "m";
	x->threads = o.threads;
	o.weights = W_DEFAULT;
	x->model = compile_import(path, &o);
	note_interface(x);
	compile_passes(x->model, &o);
	if (o.tap)
		tap(x->model->main);
	x->program = compile_lower(x->model, &o);
	stop_if_errors();
	dir = temp_dir();
	c = write_sources(x->model, x->program, &o, dir, "m");
	lib = fmt("%s/m.so", dir);
	temp_file(lib);
	words_cc(&w, &o, o.cflags ? o.cflags : o.profile ? "-O3" : "-O2");
	words_add(&w, "-fPIC");
	words_add(&w, "-shared");
	words_add(&w, "-o");
	words_add(&w, lib);
	words_add(&w, c);
	words_pool(&w, write_pool(x->program, dir));
	words_add(&w, "-lm");
	words_run(&w);
	load(x, lib, "m_model");
	temp_clear(dir);
	return x;
}

int
exec_input(const Exec *x, const char *name)
{
	for (int i = 0; name && i < x->z->ninputs; i++)
		if (!strcmp(x->z->inputs[i].name, name))
			return i;
	return -1;
}

VKind
exec_kind(const zenith_value *v)
{
	return v->kind == ZENITH_KIND_OPTIONAL ? V_OPT : v->kind == ZENITH_KIND_TENSOR ? V_TENSOR : V_SEQ;
}

/* inputs */
static void
to_zenith(zenith_tensor *t, const Host *h)
{
	*t = (zenith_tensor){0};
	if (h->kind == V_TENSOR) {
		t->kind = ZENITH_KIND_TENSOR;
		t->data = h->p;
		t->dtype = (int32_t)h->dt;
		t->rank = h->rank;
		memcpy(t->dims, h->dim, (size_t)h->rank * sizeof *h->dim);
		t->capacity = (size_t)h->n;
		return;
	}
	t->kind = h->kind == V_SEQ ? ZENITH_KIND_SEQUENCE : ZENITH_KIND_OPTIONAL;
	t->count = t->capacity = (size_t)h->n;
	t->items = NEWN(zenith_tensor, h->n + 1);
	for (int64_t i = 0; i < h->n; i++)
		to_zenith(&t->items[i], h->elem[i]);
	t->dtype = h->n ? t->items[0].dtype : 0;
}

static void
check_input(const zenith_value *v, Host **h)
{
	const char *name = quoted(v->name);

	if (v->kind == ZENITH_KIND_OPTIONAL && (*h)->kind != V_OPT) {  /* test data does not always wrap what
									  is there */
		Host *o = host_list(V_OPT, 1);
		o->elem[0] = *h;
		*h = o;
	}
	if ((*h)->kind != exec_kind(v))
		fatal(EX_INVALID, NULL, "input '%s': the data is a %s", name, host_str(*h));
	if ((*h)->kind != V_TENSOR)
		return;
	*h = host_as(*h, (DType)v->dtype);
	if ((int32_t)(*h)->dt != v->dtype)
		fatal(EX_INVALID, NULL, "input '%s' is %s, the data %s", name, dt_name(v->dtype),
			host_str(*h));
	if ((*h)->rank != v->rank && v->rank >= 0)
		fatal(EX_INVALID, NULL, "input '%s' has %d dimensions, the data is %s", name, v->rank,
			host_str(*h));
	for (int i = 0; i < v->rank; i++)
		if (v->dims[i] >= 0 && v->dims[i] != (*h)->dim[i])
			fatal(EX_INVALID, NULL, "input '%s': dimension %d is %" PRId64 ", the data is %s",
				name, i, v->dims[i], host_str(*h));
}

/* outputs: room for what is known; else a guess, and more when the model says how much */
static int64_t
numel(int rank, const int64_t *dims)
{
	int64_t n = 1;

	for (int i = 0; i < rank; i++)
		if (dims[i] < 0)
			return -1;
		else if (!mul_ok(n, dims[i], &n))
			fatal(EX_LIMIT, NULL, "an output's dimensions are too large");
	return n;
}

static void
room(zenith_tensor *t, DType dt, int64_t n)
{
	size_t bytes;

	big_free(t->data);
	if (n < 0 || !dt_bytes(dt, n, true, &bytes))
		fatal(EX_LIMIT, NULL, "an output's dimensions are too large");
	limit_check(LIM_ELEMENTS, n, NULL);
	t->data = big_alloc(bytes + 64);
	t->capacity = (size_t)n;
	t->dtype = (int32_t)dt;
}

enum { GUESS = 1 << 16, GUESS_ITEMS = 16, GUESS_ITEM = 1 << 10 };

static void
items(zenith_tensor *t, DType dt, size_t n)
{
	zenith_tensor *old = t->items;

	t->items = NEWN(zenith_tensor, n);
	if (t->capacity)
		memcpy(t->items, old, t->capacity * sizeof *old);
	for (size_t i = t->capacity; i < n; i++)
		room(&t->items[i], dt, GUESS_ITEM);
	t->capacity = n;
}

static void
prepare(zenith_tensor *t, const zenith_value *v)
{
	int64_t n = v->rank < 0 ? -1 : numel(v->rank, v->dims);

	*t = (zenith_tensor){.kind = v->kind, .dtype = v->dtype};
	if (v->kind == ZENITH_KIND_TENSOR)
		room(t, (DType)v->dtype, n < 0 ? GUESS : n);
	else if (v->kind == ZENITH_KIND_MAPS)
		room(t, (DType)v->dtype, v->rank == 1 && n >= 0 ? n * v->nkeys : GUESS);
	else
		items(t, (DType)v->dtype, v->kind == ZENITH_KIND_OPTIONAL ? 1 : GUESS_ITEMS);
	if (v->kind == ZENITH_KIND_OPTIONAL && v->key_dtype == ZENITH_KIND_SEQUENCE) {
		t->items[0].kind = ZENITH_KIND_SEQUENCE;
		t->items[0].capacity = 0;
		items(&t->items[0], (DType)v->dtype, GUESS_ITEMS);
	}
}

/* makes room where the dims or the count ask for more; false if nowhere */
static bool
grow(zenith_tensor *t, int64_t nkeys)
{
	bool any = false;
	int64_t n;

	if (t->kind == ZENITH_KIND_TENSOR || t->kind == ZENITH_KIND_MAPS) {
		n = numel(t->rank, t->dims) * (t->kind == ZENITH_KIND_MAPS ? nkeys : 1);
		if (n <= (int64_t)t->capacity)
			return false;
		room(t, (DType)t->dtype, n);
		return true;
	}
	for (size_t i = 0; i < t->count && i < t->capacity; i++)
		any |= grow(&t->items[i], 0);
	if (t->count > t->capacity) {
		items(t, (DType)t->dtype, t->count);
		any = true;
	}
	return any;
}

static Host *
from_tensor(zenith_tensor *t)
{
	Host *h = host_tensor((DType)t->dtype, t->rank, t->dims);

	if (h->bytes)
		memcpy(h->p, t->data, h->bytes);
	for (int64_t i = 0; h->dt == DT_STR && i < h->n; i++) {
		Str *s = (Str *)h->p + i;
		s->p = copy_mem(s->p, s->n);
	}
	return h;
}

/* a sequence of maps with the keys of v */
static Host *
from_maps(const zenith_tensor *t, const zenith_value *v)
{
	int64_t rows = t->rank ? t->dims[0] : 1, k = v->nkeys;
	Host *s = host_list(V_SEQ, (int)rows), *m;

	for (int64_t i = 0; i < rows; i++) {
		s->elem[i] = m = host_list(V_MAP, 2);
		m->elem[0] = host_tensor((DType)v->key_dtype, 1, &k);
		m->elem[1] = host_tensor((DType)v->dtype, 1, &k);
		if (k) {
			memcpy(m->elem[0]->p, v->keys, m->elem[0]->bytes);
			memcpy(m->elem[1]->p, (char *)t->data + (size_t)i * m->elem[1]->bytes,
				m->elem[1]->bytes);
		}
	}
	return s;
}

static Host *
from_zenith(zenith_tensor *t, const zenith_value *v)
{
	Host *h;

	if (t->kind == ZENITH_KIND_MAPS)
		return from_maps(t, v);
	if (t->kind == ZENITH_KIND_TENSOR) {
		h = from_tensor(t);
		big_free(t->data);
		return h;
	}
	h = host_list(t->kind == ZENITH_KIND_SEQUENCE ? V_SEQ : V_OPT, (int)t->count);
	for (size_t i = 0; i < t->count; i++)
		h->elem[i] = from_zenith(&t->items[i], NULL);
	return h;
}

/* running */
static const char *
status_text(int s)
{
	static const char *const text[] = {
		[ZENITH_BAD_ARGUMENT] = "an argument is wrong",
		[ZENITH_BAD_SHAPE] = "the inputs' shapes do not fit the model",
		[ZENITH_BAD_INDEX] = "an index in the data is out of range",
		[ZENITH_BAD_DATA] = "the model cannot use the data",
		[ZENITH_CAPACITY] = "an output is larger than it said",
		[ZENITH_HEAP_FULL] = "the heap region is too small",
		[ZENITH_WORKSPACE] = "the workspace is too small",
		[ZENITH_NO_WEIGHTS] = "the weights are missing",
		[ZENITH_UNSUPPORTED] = "this is not supported",
	};

	return s > 0 && s < LEN(text) && text[s] ? text[s] : "an unknown status";
}

static const int fatal_signal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

static void
crashed(int sig)
{
	static const char text[] = "zenithc: bug in zenithc: the compiled model crashed\n";
	ssize_t n = write(2, text, sizeof text - 1);

	(void)sig;
	(void)n;
	_exit(EX_BUG);
}

/* the bytes of a workspace for these inputs, heap region included */
static int
need_of(const Exec *x, const zenith_tensor *in, size_t *need)
{
	int s;

	*need = x->z->workspace_bytes;
	s = x->z->workspace ? x->z->workspace(in, need) : 0;
	*need += x->heap_bytes;
	return s;
}

static int
once(Exec *x, const zenith_tensor *in, zenith_tensor *out)
{
	const zenith_model *z = x->z;
	size_t need;
	zenith_ctx ctx = {0};
	zenith_setup setup = {0};
	void (*before[LEN(fatal_signal)])(int);
	int s = need_of(x, in, &need);

	if (s)
		return s;
	if (need > x->work_bytes || !x->work) {
		big_free(x->work);
		x->work = NULL;
		x->work = big_alloc(need + 64);
		x->work_bytes = need;
	}
	setup.workspace = x->work;
	setup.workspace_bytes = need;
	s = z->init(&ctx, &setup);
	for (int i = 0; i < LEN(fatal_signal); i++)
		before[i] = signal(fatal_signal[i], crashed);
	if (!s)
		s = z->run(&ctx, in, out);
	for (int i = 0; i < LEN(fatal_signal); i++)
		signal(fatal_signal[i], before[i]);
	z->done(&ctx);
	return s;
}

static zenith_tensor *
inputs_of(const Exec *x, Host *const *hin)
{
	zenith_tensor *in = NEWN(zenith_tensor, x->z->ninputs + 1);

	for (int i = 0; i < x->z->ninputs; i++) {
		to_zenith(&in[i], hin[i]);
		if (in[i].dtype == 0)
			in[i].dtype = x->z->inputs[i].dtype;
	}
	return in;
}

static zenith_tensor *
outputs_of(const Exec *x)
{
	const zenith_model *z = x->z;
	zenith_tensor *t = NEWN(zenith_tensor, z->noutputs + 1);

	for (int i = 0; i < z->noutputs; i++)
		prepare(&t[i], &z->outputs[i]);
	return t;
}

/* again with more room until it is enough */
static int
attempt(Exec *x, const zenith_tensor *in, zenith_tensor *out)
{
	const zenith_model *z = x->z;
	bool more;
	int s;

	if (z->heap_bytes > x->heap_bytes)
		x->heap_bytes = z->heap_bytes;
	for (;;) {
		s = once(x, in, out);
		if (s == ZENITH_HEAP_FULL && x->heap_bytes < (size_t)1 << 34)
			x->heap_bytes = x->heap_bytes ? x->heap_bytes * 4 : 1 << 20;
		else if (s == ZENITH_CAPACITY) {
			more = false;
			for (int i = 0; i < z->noutputs; i++)
				more |= grow(&out[i], z->outputs[i].nkeys);
			if (!more)
				return s;
		} else
			return s;
	}
}

/* NULL, and the status in *s, if it fails */
static Host **
run(Exec *x, Host *const *in, int *s)
{
	const zenith_model *z = x->z;
	zenith_tensor *t = outputs_of(x);
	Host **out = NEWN(Host *, z->noutputs + 1);

	*s = attempt(x, inputs_of(x, in), t);
	if (*s)
		return NULL;
	for (int i = 0; i < z->noutputs; i++)
		out[i] = from_zenith(&t[i], &z->outputs[i]);
	return out;
}

void
exec_refuse(int s)
{
	fatal(s == ZENITH_HEAP_FULL ? EX_LIMIT : s == ZENITH_UNSUPPORTED ? EX_UNSUPPORTED : EX_INVALID, NULL,
		"running the model: %s (status %d)", status_text(s), s);
}

/* exec_refuse, and what the inputs were */
static _Noreturn void
refuse(const Exec *x, Host *const *in, int s)
{
	enum { MOST = 8 };
	Buf b = {0};

	if (s != ZENITH_BAD_SHAPE)
		exec_refuse(s);
	for (int i = 0; i < x->z->ninputs && i < MOST; i++)
		buf_fmt(&b, "%s'%s' %s", i ? ", " : "", quoted(x->z->inputs[i].name), host_str(in[i]));
	fatal(EX_INVALID, NULL, "running the model: %s (status %d): %s%s", status_text(s), s, buf_str(&b),
		x->z->ninputs > MOST ? ", ..." : "");
}

Host **
exec_run(Exec *x, Host *const *given)
{
	Host **in = copy_mem(given, (size_t)x->z->ninputs * sizeof *given), **out;
	int s;

	for (int i = 0; i < x->z->ninputs; i++)
		check_input(&x->z->inputs[i], &in[i]);
	out = run(x, in, &s);
	if (s)
		refuse(x, in, s);
	return out;
}

/* threads of its own, if the library has kernels for them; else the model's default */
static void
own_pool(const Exec *x, zenith_setup *setup)
{
	void *(*make)(int);

	*(void **)&make = dlsym(x->lib, "zenith_pool_new");
	if (make && x->threads > 1)
		setup->pool = make(x->threads);
}

Ready *
exec_ready(Exec *x, Host *const *hin)
{
	Ready *r = NEW(Ready);
	zenith_setup setup = {0};
	int s;

	r->z = x->z;
	r->in = inputs_of(x, hin);
	r->out = outputs_of(x);
	s = attempt(x, r->in, r->out);
	if (!s)
		s = need_of(x, r->in, &setup.workspace_bytes);
	if (s)
		exec_refuse(s);
	setup.workspace = big_alloc(setup.workspace_bytes + 64);
	setup.state_bytes = x->z->state_bytes;
	own_pool(x, &setup);
	setup.state = big_alloc(setup.state_bytes + 64);
	s = x->z->init(&r->ctx, &setup);
	if (s)
		exec_refuse(s);
	for (int i = 0; i < LEN(fatal_signal); i++)
		signal(fatal_signal[i], crashed);
	return r;
}

int
exec_again(Ready *r)
{
	return r->z->run(&r->ctx, r->in, r->out);
}

void
exec_free(Host **h, int n)
{
	for (int i = 0; i < n; i++)
		host_free(h[i]);
}

/* the size of a dimension that nothing fixes: `size`, within the bounds that --dim gave */
static int64_t
free_dim(const Exec *x, int input, int axis, int64_t size)
{
	const Graph *g = x->model->main;
	const Value *v = NULL;
	const IxAtom *a;

	for (int i = 0; i < g->in.n; i++)
		if (!strcmp(g->in.p[i]->name, x->z->inputs[input].name))
			v = g->in.p[i];
	if (!v || axis >= v->rank || v->dim[axis]->n != 1 || v->dim[axis]->t[0].n != 1)
		return size;
	a = v->dim[axis]->t[0].a[0];
	if (a->hi && !a->hi->n && size > a->hi->c)
		size = a->hi->c;
	return a->lo && !a->lo->n && size < a->lo->c ? a->lo->c : size;
}

/* the size that a given input has for the dimension of that name; -1: none */
static int64_t
given_dim(const Exec *x, Host *const *in, const char *name)
{
	for (int i = 0; name && i < x->z->ninputs; i++) {
		const zenith_value *v = &x->z->inputs[i];
		for (int k = 0;
			in[i] && in[i]->kind == V_TENSOR && v->dim_names && k < v->rank && k < in[i]->rank;
			k++)
			if (v->dim_names[k] && !strcmp(v->dim_names[k], name))
				return in[i]->dim[k];
	}
	return -1;
}

static Host *
draw(const Exec *x, Host *const *in, int i, int64_t size, uint64_t seed)
{
	const zenith_value *v = &x->z->inputs[i];
	int64_t dim[ZENITH_MAX_RANK];
	Host *h;

	if (v->kind != ZENITH_KIND_TENSOR || v->rank < 0)
		fatal(EX_USE, NULL, "input '%s' is no tensor of known rank and must be given: -i",
			quoted(v->name));
	for (int k = 0; k < v->rank; k++) {
		dim[k] = v->dims[k];
		if (dim[k] < 0)
			dim[k] = given_dim(x, in, v->dim_names ? v->dim_names[k] : NULL);
		if (dim[k] < 0)
			dim[k] = free_dim(x, i, k, size);
	}
	h = host_tensor((DType)v->dtype, v->rank, dim);
	host_seeded(h, seed * 1000003 + (uint64_t)i);
	return h;
}

Host **
exec_seeded(Exec *x, Host **in, uint64_t seed, bool say)
{
	static const int64_t sizes[] = {1, 2, 4, 8, 16, 32, 64, 128, 224, 256, 320, 512};
	int n = x->z->ninputs, s = 0;
	Host **all = NEWN(Host *, n + 1), **out = NULL;

	for (int i = 0; i < n; i++)
		if (in[i])
			check_input(&x->z->inputs[i], &in[i]);
	for (int k = 0; k < LEN(sizes) && !out; k++) {
		for (int i = 0; i < n; i++)
			all[i] = in[i] ? in[i] : draw(x, in, i, sizes[k], seed);
		out = run(x, all, &s);
		if (s && s != ZENITH_BAD_SHAPE)
			break;
	}
	if (!out)
		refuse(x, all, s);
	for (int i = 0; i < n; i++) {
		if (say && !in[i])
			remark(NULL, "input '%s' %s is drawn from a generator, seed %" PRIu64,
				quoted(x->z->inputs[i].name), host_str(all[i]), seed);
		in[i] = all[i];
	}
	return out;
}
