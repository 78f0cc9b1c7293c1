/* The typed functions of generated headers under bad arguments, where arguments.c goes through zenith_model: dense.onnx as
 * `s` with static shapes, matmul_dynamic.onnx as `d` with open ones. What is refused writes nothing. */
#include "s.h"
#include "d.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 64 };

static int done, failed;
static float x[N], y[N + 1];

static void
check(int line, int got, int want)
{
	done++;
	for (int i = 0; i <= N; i++)
		if (want && y[i] - 7 != 0)
			got = -1;
	if (got == want)
		return;
	failed++;
	fprintf(stderr, "FAIL typed.c:%d: status %d, want %d\n", line, got, want);
}

#define IS(want, call) check(__LINE__, call, want)
#define OFF(p) ((float *)((char *)(p) + 1))

static void
fixed(void)
{
	s_ctx ctx;
	s_io io = {x, y};

	IS(ZENITH_BAD_ARGUMENT, s_run(NULL, y));
	IS(ZENITH_BAD_ARGUMENT, s_run(x, NULL));
	IS(ZENITH_BAD_ARGUMENT, s_run(OFF(x), y));
	IS(ZENITH_BAD_ARGUMENT, s_run(x, OFF(y)));
	IS(ZENITH_BAD_ARGUMENT, s_init(NULL, NULL));
	IS(ZENITH_BAD_ARGUMENT, s_done(NULL));
	memset(&ctx, 0, sizeof ctx);
	IS(ZENITH_BAD_ARGUMENT, s_run_in(&ctx, &io));
	IS(ZENITH_OK, s_init(&ctx, NULL));
	IS(ZENITH_BAD_ARGUMENT, s_run_in(NULL, &io));
	IS(ZENITH_BAD_ARGUMENT, s_run_in(&ctx, NULL));
	io.x = NULL;
	IS(ZENITH_BAD_ARGUMENT, s_run_in(&ctx, &io));
	io.x = x, io.y = OFF(y);
	IS(ZENITH_BAD_ARGUMENT, s_run_in(&ctx, &io));
	io.y = y;
	s_done(&ctx);
	IS(ZENITH_BAD_ARGUMENT, s_run_in(&ctx, &io));
	s_init(&ctx, NULL);
	IS(ZENITH_OK, s_run_in(&ctx, &io));
	IS(ZENITH_OK, s_run(x, y));
}

/* x[batch, seq, 4] -> y[batch, seq, 8] */
static void
open_sizes(void)
{
	static const int64_t bad[] = {-1, INT64_MIN, INT64_MAX, INT64_C(1) << 60, INT64_C(1) << 32};
	d_io io = {0}, was;
	d_ctx ctx;

	io.x = x, io.y = y, io.y_capacity = N;
	io.x_dims[0] = 1, io.x_dims[1] = 2, io.x_dims[2] = 4;
	was = io;
	IS(ZENITH_OK, d_init(&ctx, NULL));
	IS(ZENITH_BAD_ARGUMENT, d_run_in(NULL, &io));
	IS(ZENITH_BAD_ARGUMENT, d_run_in(&ctx, NULL));
	io.x = NULL;
	IS(ZENITH_BAD_ARGUMENT, d_run_in(&ctx, &io));
	io = was, io.x = OFF(x);
	IS(ZENITH_BAD_ARGUMENT, d_run_in(&ctx, &io));
	io = was, io.y = NULL;
	IS(ZENITH_BAD_ARGUMENT, d_run_in(&ctx, &io));
	io = was, io.y = OFF(y);
	IS(ZENITH_BAD_ARGUMENT, d_run_in(&ctx, &io));
	io = was, io.y_capacity = 15;
	IS(ZENITH_CAPACITY, d_run_in(&ctx, &io));
	IS(16, (int)(io.y_dims[0] * io.y_dims[1] * io.y_dims[2]));
	io = was, io.y_capacity = 0;
	IS(ZENITH_CAPACITY, d_run_in(&ctx, &io));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		for (int j = 0; j < 3; j++) {
			io = was, io.x_dims[j] = bad[i];
			if (j < 2 && bad[i] == INT64_C(1) << 32)
				io.x_dims[!j] = bad[i];
			IS(ZENITH_BAD_SHAPE, d_run_in(&ctx, &io));
		}
	io = was;
	d_done(&ctx);
	IS(ZENITH_BAD_ARGUMENT, d_run_in(&ctx, &io));
	d_init(&ctx, NULL);
	IS(ZENITH_OK, d_run_in(&ctx, &io));
}

int
main(void)
{
	for (int i = 0; i <= N; i++)
		y[i] = 7;
	fixed();
	for (int i = 0; i <= N; i++)
		y[i] = 7;
	open_sizes();
	printf("%d checks, %d failed\n", done, failed);
	return failed != 0;
}
