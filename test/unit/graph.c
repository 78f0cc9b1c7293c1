/* Graph IR, and its import: uses, constants, functions, orders, names, external data, broken files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "onnx/import.h"
#include "wire.h"

static char dir[] = "/tmp/zenithc-graph-XXXXXX";

static int
begin(void **state)
{
	*state = session_begin("test");
	zn->log = NULL;
	return 0;
}

static int
end(void **state)
{
	session_end(*state);
	return 0;
}

/* ---- the IR */
static Model *
model_new(void)
{
	Model *m = NEW(Model);

	m->main = graph_new(m, NULL, "g");
	return m;
}

static Value *
input_new(Graph *g, const char *name, DType dt)
{
	Value *v = value_tensor(g, name, dt, 1, (Ix[]){ix_int(3)});

	v->index = g->in.n;
	push(&g->in, v);
	return v;
}

static Node *
chain(Graph *g, Op op, Value *a, Value *b)
{
	Node *n = node_new(g, NULL, op, b ? 2 : 1, 1);

	node_set_in(n, 0, a);
	if (b)
		node_set_in(n, 1, b);
	node_set_out(n, 0, value_new(g, NULL));
	return n;
}

static void
uses_are_exact(void **state)
{
	Model *m = model_new();
	Graph *g = m->main;
	Value *x = input_new(g, "x", DT_F32);
	Node *a = chain(g, OP_RELU, x, NULL), *b = chain(g, OP_ADD, a->out[0], a->out[0]), *c;

	(void)state;
	graph_set_outputs(g, b->out, 1);
	a->out[0]->name = "y";
	graph_verify(m, "building");
	assert_int_equal(value_nuses(a->out[0]), 2);
	assert_true(value_is_output(b->out[0]));
	c = chain(g, OP_NEG, x, NULL);
	value_replace(a->out[0], x);
	assert_int_equal(value_nuses(a->out[0]), 0);
	assert_int_equal(value_nuses(x), 4);
	assert_string_equal(x->name, "x");
	node_remove(a);
	assert_int_equal(value_nuses(x), 3);
	node_remove(c);
	node_resize_in(b, 1);
	assert_int_equal(value_nuses(x), 1);
	node_resize_in(b, 2);
	node_set_in(b, 1, x);
	graph_verify(m, "changing");
	assert_ptr_equal(g->first, b);
	assert_ptr_equal(b->next, g->ret);
}

static void
constants_read_back(void **state)
{
	static const DType dts[] = {DT_F32, DT_F64, DT_F16, DT_BF16, DT_I8, DT_U8, DT_I4, DT_U4, DT_I2, DT_I64, DT_U64,
		DT_BOOL};
	Graph *g = model_new()->main;
	const int64_t *p;
	const Ix *known;
	int64_t n, x;
	double d;
	Value *v;
	int k;

	(void)state;
	for (int i = 0; i < LEN(dts); i++) {
		v = value_float(g, dts[i], 1);
		assert_true(const_float(v, &d) && d == 1);
		assert_int_equal(const_int(v, &x), !dt_float(dts[i]));
	}
	v = value_const(g, DT_I4, 1, (int64_t[]){3}, "\xf1\x07");
	assert_true(const_ints(v, &p, &n) && n == 3 && p[0] == 1 && p[1] == -1 && p[2] == 7);
	v = value_ints(g, (int64_t[]){5, -6}, 2);
	assert_true(known_ints(v, &known, &k) && k == 2 && known[1] == ix_int(-6));
	assert_false(const_float(v, &d));
}

static void
elements_become_symbols(void **state)
{
	Model *m = model_new();
	Value *x = input_new(m->main, "n", DT_I64), *y = input_new(m->main, "m", DT_I64);
	Ix a = value_elem(x, 1, ix_int(0), NULL), b = value_elem(x, 1, NULL, NULL);
	Ix c = value_elem(x, 0, NULL, NULL);
	const Ix *known;
	int n;

	(void)state;
	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_int_equal(m->bind.n, 2);
	assert_ptr_equal(m->bind.p[0].from, x);
	assert_int_equal(m->bind.p[0].index, 1);
	assert_false(known_ints(x, &known, &n));
	value_elem(x, 2, NULL, NULL);
	assert_true(known_ints(x, &known, &n) && n == 3 && known[1] == a);
	value_replace(x, y);
	assert_ptr_equal(m->bind.p[0].from, y);
	sym_bind(m, a, NULL, 0);
	assert_int_equal(m->bind.n, 3);
}

/* ---- models made by hand */
static Buf
node_of(const char *op, const char *ins, const char *outs)
{
	Buf b = {0};

	for (const char *s = ins, *e; *s; s = *e ? e + 1 : e) {
		e = s + strcspn(s, " ");
		put_str(&b, 1, fmt("%.*s", (int)(e - s), s));
	}
	for (const char *s = outs, *e; *s; s = *e ? e + 1 : e) {
		e = s + strcspn(s, " ");
		put_str(&b, 2, fmt("%.*s", (int)(e - s), s));
	}
	put_str(&b, 4, op);
	return b;
}

static Buf
info_of(const char *name, int elem)
{
	Buf b = {0}, t = {0}, y = {0}, s = {0}, d = {0};

	put_str(&d, 2, "n");
	put_msg(&s, 1, d);
	put_int(&t, 1, elem);
	put_msg(&t, 2, s);
	put_msg(&y, 1, t);
	put_str(&b, 1, name);
	put_msg(&b, 2, y);
	return b;
}

static Buf
tensor_of(const char *name, const float *p, int n)
{
	Buf b = {0};

	put_int(&b, 1, n);
	put_int(&b, 2, 1);
	put_str(&b, 8, name);
	put_bytes(&b, 9, p, sizeof *p * (size_t)n);
	return b;
}

static Buf
model_of(Buf graph, int opset)
{
	Buf m = {0}, o = {0};

	put_int(&o, 2, opset);
	put_int(&m, 1, 8);
	put_msg(&m, 8, o);
	put_msg(&m, 7, graph);
	return m;
}

static Model *imported;
static const char *model_file;

static void
import_file(void *opt)
{
	imported = onnx_import(model_file, opt);
	check_operators(imported);
	stop_if_errors();
	graph_verify(imported, "import");
}

static int
import_bytes(Buf b, const ImportOptions *opt)
{
	FILE *f;

	model_file = fmt("%s/model.onnx", dir);
	f = fopen(model_file, "wb");
	fwrite(b.p, 1, b.n, f);
	fclose(f);
	zn->status = zn->nerror = 0;
	zn->messages.n = 0;
	return session_try(import_file, (void *)opt);
}

static bool
said(const char *what)
{
	return strstr(buf_str(&zn->messages), what);
}

static Node *
nth(int i)
{
	Node *n = imported->main->first;

	while (i--)
		n = n->next;
	return n;
}

static void
plain_model(void **state)
{
	const float w[3] = {1, 2, 3};
	Buf g = {0};
	Ix n;

	(void)state;
	put_msg(&g, 1, node_of("Add", "x w", "s"));
	put_msg(&g, 1, node_of("Relu", "s", "y"));
	put_msg(&g, 5, tensor_of("w", w, 3));
	put_msg(&g, 11, info_of("x", 1));
	put_msg(&g, 11, info_of("w", 1));
	put_msg(&g, 12, info_of("y", 1));
	assert_int_equal(import_bytes(model_of(g, 17), NULL), 0);
	assert_int_equal(imported->main->in.n, 1);
	assert_int_equal(imported->weight.n, 1);
	assert_int_equal(imported->dim.n, 1);
	n = imported->main->in.p[0]->dim[0];
	assert_string_equal(ix_atom(n)->name, "n");
	assert_int_equal(nth(0)->op, OP_ADD);
	assert_memory_equal(nth(0)->in[1]->data->p, w, sizeof w);
	assert_ptr_equal(imported->main->ret->in[0], nth(1)->out[0]);
	assert_int_equal(imported->hash[0] != 0 || imported->hash[1] != 0, 1);
}

static void
dims_are_fixed(void **state)
{
	ImportOptions o = {0};
	Buf g = {0};
	int64_t five = 5;

	(void)state;
	put_msg(&g, 1, node_of("Add", "x w", "y"));
	put_msg(&g, 11, info_of("w", 1));
	put_msg(&g, 11, info_of("x", 1));
	put_msg(&g, 12, info_of("y", 1));
	push(&o.shape, ((__typeof__(*o.shape.p)){"x", 1, &five}));
	assert_int_equal(import_bytes(model_of(g, 17), &o), 0);
	assert_true(ix_is(imported->main->in.p[0]->dim[0], 5));
	o.shape.p[0].input = "z";
	assert_int_equal(import_bytes(model_of(g, 17), &o), EX_USE);
	o = (ImportOptions){0};
	push(&o.dim, ((__typeof__(*o.dim.p)){"n", 2, 7}));
	assert_int_equal(import_bytes(model_of(g, 17), &o), 0);
	assert_true(ix_is(ix_atom(imported->main->in.p[0]->dim[0])->hi, 7));
	o.dim.p[0].name = "m";
	assert_int_equal(import_bytes(model_of(g, 17), &o), EX_USE);
	assert_true(said("dimensions are: n"));
}

static void
order_and_names(void **state)
{
	Buf g = {0};

	(void)state;
	put_msg(&g, 1, node_of("Neg", "b", "y"));
	put_msg(&g, 1, node_of("Abs", "x", "a"));
	put_msg(&g, 1, node_of("Relu", "a", "b"));
	put_msg(&g, 11, info_of("x", 1));
	put_msg(&g, 12, info_of("y", 1));
	assert_int_equal(import_bytes(model_of(g, 17), NULL), 0);
	assert_int_equal(nth(0)->op, OP_ABS);
	assert_int_equal(nth(2)->op, OP_NEG);
	put_msg(&g, 1, node_of("Relu", "x", "b"));
	assert_int_equal(import_bytes(model_of(g, 17), NULL), EX_INVALID);
	assert_true(said("'b' is defined a second time"));

	g = (Buf){0};
	put_msg(&g, 1, node_of("Neg", "b", "a"));
	put_msg(&g, 1, node_of("Abs", "a", "b"));
	put_msg(&g, 12, info_of("b", 1));
	assert_int_equal(import_bytes(model_of(g, 17), NULL), EX_INVALID);
	assert_true(said("cycle"));

	g = (Buf){0};
	put_msg(&g, 1, node_of("Neg", "nowhere", "a"));
	put_msg(&g, 1, node_of("Frobnicate", "a", "b"));
	put_msg(&g, 1, node_of("Twist", "a", "c"));
	put_msg(&g, 1, node_of("Twist", "a", "d"));
	put_msg(&g, 12, info_of("b", 1));
	assert_int_equal(import_bytes(model_of(g, 17), NULL), EX_INVALID);
	assert_true(said("'nowhere' is defined nowhere"));
	assert_true(said("operator 'Frobnicate'") && said("operator 'Twist'"));
	assert_int_equal(zn->nerror, 3);
}

static void
old_operator_sets(void **state)
{
	Buf g = {0}, n = node_of("Squeeze", "x", "y"), a = {0};
	const Ix *known;
	int len;

	(void)state;
	put_str(&a, 1, "axes");
	put_int(&a, 8, 1);
	put_int(&a, 8, 2);
	put_int(&a, 20, 7);
	put_msg(&n, 5, a);
	put_msg(&g, 1, n);
	put_msg(&g, 11, info_of("x", 1));
	put_msg(&g, 12, info_of("y", 1));
	assert_int_equal(import_bytes(model_of(g, 11), NULL), 0);
	assert_int_equal(nth(0)->nin, 2);
	assert_int_equal(nth(0)->nattr, 0);
	assert_true(known_ints(nth(0)->in[1], &known, &len) && len == 2 && ix_is(known[1], 2));
	assert_int_equal(import_bytes(model_of(g, 29), NULL), EX_UNSUPPORTED);
}

/* f(x; alpha=0.5) = LeakyRelu(x), h(x; beta) = f(f(x; alpha=beta)) */
static Buf
function_model(void)
{
	Buf g = {0}, f = {0}, h = {0}, a = {0}, d = {0}, n, m, o = {0};

	put_int(&o, 2, 17);
	put_str(&a, 1, "alpha");
	put_int(&a, 20, 1);
	put_str(&a, 21, "alpha");
	n = node_of("LeakyRelu", "x", "y");
	put_msg(&n, 5, a);
	put_str(&f, 1, "f");
	put_str(&f, 10, "mine");
	put_str(&f, 4, "x");
	put_str(&f, 5, "y");
	put_str(&d, 1, "alpha");
	put_varint(&d, 2 << 3 | 5);
	buf_add(&d, "\0\0\0\x3f", 4);
	put_int(&d, 20, 1);
	put_msg(&f, 11, d);
	put_msg(&f, 7, n);
	put_msg(&f, 9, o);

	a = (Buf){0};
	put_str(&a, 1, "alpha");
	put_int(&a, 20, 1);
	put_str(&a, 21, "beta");
	n = node_of("f", "x", "t");
	put_str(&n, 7, "mine");
	put_msg(&n, 5, a);
	put_str(&h, 1, "h");
	put_str(&h, 10, "mine");
	put_str(&h, 4, "x");
	put_str(&h, 5, "z");
	put_str(&h, 6, "beta");
	put_msg(&h, 7, n);
	n = node_of("f", "t", "z");
	put_str(&n, 7, "mine");
	put_msg(&h, 7, n);
	put_msg(&h, 9, o);

	a = (Buf){0};
	put_str(&a, 1, "beta");
	put_varint(&a, 2 << 3 | 5);
	buf_add(&a, "\0\0\0\x40", 4);
	put_int(&a, 20, 1);
	n = node_of("h", "x", "y");
	put_str(&n, 7, "mine");
	put_msg(&n, 5, a);
	put_msg(&g, 1, n);
	put_msg(&g, 11, info_of("x", 1));
	put_msg(&g, 12, info_of("y", 1));
	m = model_of(g, 17);
	put_msg(&m, 25, f);
	put_msg(&m, 25, h);
	return m;
}

static void
functions_are_inlined(void **state)
{
	(void)state;
	assert_int_equal(import_bytes(function_model(), NULL), 0);
	assert_int_equal(nth(0)->op, OP_LEAKY_RELU);
	assert_true(attr_float(nth(0), "alpha", 0) == 2);
	assert_true(attr_float(nth(1), "alpha", 0) == 0.5);
	assert_ptr_equal(nth(1)->in[0], nth(0)->out[0]);
	assert_ptr_equal(imported->main->ret->in[0], nth(1)->out[0]);
	assert_string_equal(nth(1)->out[0]->name, "y");
	assert_ptr_equal(nth(2), imported->main->ret);
}

static void
hashes(void **state)
{
	static const struct { const char *text, *hex; } row[] = {    /* FIPS 180-4's examples */
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	uint8_t h[32];
	Buf b;

	(void)state;
	for (int i = 0; i < LEN(row); i++) {
		b = (Buf){0};
		sha256((File){(const uint8_t *)row[i].text, strlen(row[i].text), false}, h);
		for (int k = 0; k < 32; k++)
			buf_fmt(&b, "%02x", h[k]);
		assert_string_equal(buf_str(&b), row[i].hex);
	}
}

/* ---- external data */
static Buf
external_model(const char *location, const char *offset)
{
	Buf g = {0}, t = {0}, e = {0};

	put_int(&t, 1, 2);
	put_int(&t, 2, 1);
	put_str(&t, 8, "w");
	put_str(&e, 1, "location");
	put_str(&e, 2, location);
	put_msg(&t, 13, e);
	e = (Buf){0};
	put_str(&e, 1, "offset");
	put_str(&e, 2, offset);
	put_msg(&t, 13, e);
	put_int(&t, 14, 1);
	put_msg(&g, 5, t);
	put_msg(&g, 1, node_of("Add", "w w", "y"));
	put_msg(&g, 12, info_of("y", 1));
	return model_of(g, 17);
}

static void
write_file(const char *name, const void *p, size_t n)
{
	FILE *f = fopen(fmt("%s/%s", dir, name), "wb");

	fwrite(p, 1, n, f);
	fclose(f);
}

static void
external_data_stays_inside(void **state)
{
	static const char *const bad[] = {"", "/etc/passwd", "../w.bin", "sub/../../w.bin", "sub/..", "none.bin",
		"out.lnk", "hard.bin", "fifo", "sub", "..\\w.bin"};
	const float w[4] = {1, 2, 3, 4};
	ImportOptions o = {0};

	(void)state;
	write_file("w.bin", w, sizeof w);
	write_file("one.bin", w, sizeof w);
	mkdir(fmt("%s/sub", dir), 0755);
	write_file("sub/w.bin", w, sizeof w);
	assert_int_equal(link(fmt("%s/one.bin", dir), fmt("%s/hard.bin", dir)), 0);
	assert_int_equal(symlink("/etc/passwd", fmt("%s/out.lnk", dir)), 0);
	assert_int_equal(symlink("sub/w.bin", fmt("%s/in.lnk", dir)), 0);
	assert_int_equal(mkfifo(fmt("%s/fifo", dir), 0644), 0);
	assert_int_equal(import_bytes(external_model("w.bin", "8"), NULL), 0);
	assert_memory_equal(nth(0)->in[0]->data->p, w + 2, 8);
	assert_int_equal(import_bytes(external_model("in.lnk", "0"), NULL), 0);
	for (int i = 0; i < LEN(bad); i++)
		assert_int_equal(import_bytes(external_model(bad[i], "0"), NULL), EX_INVALID);
	assert_int_equal(import_bytes(external_model("w.bin", "9"), NULL), EX_INVALID);
	assert_int_equal(import_bytes(external_model("w.bin", "18446744073709551612"), NULL), EX_INVALID);
	assert_int_equal(import_bytes(external_model("w.bin", "-1"), NULL), EX_INVALID);
	o.external_root = fmt("%s/sub", dir);
	assert_int_equal(import_bytes(external_model("w.bin", "0"), &o), 0);
	o.external_root = "/nowhere";
	assert_int_equal(import_bytes(external_model("w.bin", "0"), &o), EX_INVALID);
}

/* ---- damage: any status but a crash or a bug */
static void
damaged_files(void **state)
{
	Session *outer = *state;
	Buf good = function_model(), ext = external_model("w.bin", "0");
	uint32_t seed = 1;
	int st;

	for (int i = 0; i < 6000; i++) {
		const Buf *src = i % 2 ? &good : &ext;
		Session *s = session_begin("damaged");
		Buf b = {0};

		s->log = NULL;
		buf_add(&b, src->p, src->n);
		for (int k = 0; k <= i % 3; k++) {
			seed = seed * 1664525 + 1013904223;
			b.p[(seed >> 8) % b.n] = (char)(seed >> 3);
		}
		if (i % 7 == 0)
			b.n = (seed >> 8) % b.n;
		st = import_bytes(b, NULL);
		assert_true(st == 0 || st == EX_INVALID || st == EX_UNSUPPORTED || st == EX_LIMIT);
		session_end(s);
	}
	zn = outer;
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int
drop_dir(void **state)
{
	static const char *const name[] = {"model.onnx", "w.bin", "one.bin", "hard.bin", "out.lnk", "in.lnk", "fifo",
		"sub/w.bin"};
	char path[256];

	(void)state;
	for (int i = 0; i < LEN(name); i++) {
		snprintf(path, sizeof path, "%s/%s", dir, name[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/sub", dir);
	rmdir(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
		T(uses_are_exact), T(constants_read_back), T(elements_become_symbols), T(plain_model),
		T(dims_are_fixed), T(order_and_names), T(old_operator_sets), T(functions_are_inlined), T(hashes),
		T(external_data_stays_inside), T(damaged_files),
	};

	return cmocka_run_group_tests(t, make_dir, drop_dir);
}
