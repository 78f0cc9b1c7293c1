/* The bounded scan: what it lifts, what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "onnx/scan.h"
#include "onnx.pb-c.h"
#include "wire.h"

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

static Scan result;

static void
scan_buf(void *b)
{
	scan_message(((Buf *)b)->p, ((Buf *)b)->n, &onnx__model_proto__descriptor, &result);
}

static int
status_of(Buf b)
{
	zn->status = zn->nerror = 0;
	return session_try(scan_buf, &b);
}

/* a model with one initializer */
static Buf
model_of(Buf tensor)
{
	Buf g = {0}, m = {0};

	put_msg(&g, 5, tensor);
	put_int(&m, 1, 8);
	put_msg(&m, 7, g);
	return m;
}

static void
lifts_elements(void **state)
{
	Buf t = {0}, m;
	Onnx__ModelProto *p;
	Onnx__TensorProto *q;

	(void)state;
	put_int(&t, 1, 3);
	put_int(&t, 2, 1);
	put_bytes(&t, 4, "aaaabbbb", 8);
	put_str(&t, 8, "w");
	put_bytes(&t, 9, "cccc", 4);
	put_bytes(&t, 77, "unknown", 7);
	m = model_of(t);
	assert_int_equal(status_of(m), 0);
	assert_int_equal(result.tensor.n, 1);
	assert_int_equal(result.tensor.p[0].n, 2);
	assert_int_equal(result.lift.p[0].field, 4);
	assert_int_equal(result.lift.p[0].n, 8);
	assert_int_equal(result.lift.p[1].field, 9);
	assert_memory_equal(result.lift.p[1].p, "cccc", 4);
	assert_true(result.lift.p[1].p > (uint8_t *)m.p && result.lift.p[1].p < (uint8_t *)m.p + m.n);
	p = onnx__model_proto__unpack(NULL, result.n, result.p);
	assert_non_null(p);
	q = p->graph->initializer[0];
	assert_string_equal(q->name, "w");
	assert_int_equal(q->dims[0], 3);
	assert_int_equal(q->n_float_data, 0);
	assert_int_equal(q->raw_data.len, 4);
	assert_int_equal(q->base.n_unknown_fields, 0);
	onnx__model_proto__free_unpacked(p, NULL);
}

static void
element_by_element_stays(void **state)
{
	Buf t = {0};
	Onnx__ModelProto *p;

	(void)state;
	put_int(&t, 7, 11);
	put_int(&t, 7, 12);
	assert_int_equal(status_of(model_of(t)), 0);
	assert_int_equal(result.tensor.n, 0);
	p = onnx__model_proto__unpack(NULL, result.n, result.p);
	assert_int_equal(p->graph->initializer[0]->n_int64_data, 2);
	assert_false(p->graph->initializer[0]->has_raw_data);
	onnx__model_proto__free_unpacked(p, NULL);
}

/* graph, node, attribute, graph, ... */
static Buf
nested(int n)
{
	Buf m = {0}, g = {0};

	for (int i = 0; i < n; i++) {
		Buf a = {0}, o = {0}, h = {0};

		put_msg(&a, 6, g);
		put_msg(&o, 5, a);
		put_msg(&h, 1, o);
		g = h;
	}
	put_msg(&m, 7, g);
	return m;
}

static void
depth_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(status_of(nested(30)), 0);
	assert_int_equal(status_of(nested(40)), EX_LIMIT);
	assert_non_null(strstr(buf_str(&zn->messages), "--limit depth=N"));
	assert_int_equal(status_of(nested(3000)), EX_LIMIT);
	zn->limit[LIM_DEPTH] = 1000;
	assert_int_equal(status_of(nested(40)), 0);
}

static void
messages_are_bounded(void **state)
{
	Buf g = {0}, m = {0};

	(void)state;
	for (int i = 0; i < 200; i++)
		put_msg(&g, 1, (Buf){0});
	put_msg(&m, 7, g);
	assert_int_equal(status_of(m), 0);
	zn->limit[LIM_NODES] = 100;
	assert_int_equal(status_of(m), EX_LIMIT);
	g = m = (Buf){0};
	for (int i = 0; i < 4000; i++)
		put_msg(&g, 13, (Buf){0});
	put_msg(&m, 7, g);
	assert_int_equal(status_of(m), EX_LIMIT);
}

static void
broken_wires(void **state)
{
	static const struct { const char *p; size_t n; } bad[] = {
		{"\x3a", 1},                            /* no length */
		{"\x3a\x05\x0a", 3},                    /* a length beyond the end */
		{"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11},
		{"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},
		{"\x3b\x3c", 2},                        /* groups */
		{"\x00\x00", 2},                        /* field 0 */
		{"\x38\x00", 2},                        /* a graph that is a number */
		{"\x0a\x00", 2},                        /* an ir_version that is bytes */
		{"\x3a\x00\x3a\x00", 4},                /* two graphs */
		{"\x3a\x04\x0a\x03\x0a\x05x", 7},       /* a string longer than its node */
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11},
	};

	(void)state;
	for (int i = 0; i < LEN(bad); i++) {
		Buf b = {(char *)bad[i].p, bad[i].n, bad[i].n};

		assert_int_equal(status_of(b), EX_INVALID);
	}
	assert_int_equal(status_of((Buf){"", 0, 0}), 0);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
		T(lifts_elements), T(element_by_element_stays), T(depth_is_bounded), T(messages_are_bounded),
		T(broken_wires),
	};

	return cmocka_run_group_tests(t, NULL, NULL);
}
