/* Tensors of any dtype and of any values for arguments.c, in blocks that the sanitizers watch to the byte. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "../runtime/zenith.h"

#include <stdlib.h>
#include <string.h>

enum { ITEMS = 3 };

static const zenith_model *z;

static size_t
width(int dtype)
{
	static const unsigned char w[] = {0, 4, 1, 1, 2, 2, 4, 8, 16, 1, 2, 8, 4, 8, 8, 16, 2, 1, 1, 1, 1};

	return dtype > 0 && (size_t)dtype < sizeof w ? w[dtype] : 1;
}

static int
packed(int dtype)
{
	return dtype >= 21 && dtype <= 23 ? 2 : dtype > 23 ? 4 : 1;
}

static void *
block(size_t n)
{
	void *p = NULL;

	if (posix_memalign(&p, 16, n ? n : 1))
		exit(2);
	return p;
}

static size_t
bytes(const zenith_tensor *t, size_t n)
{
	return t->dtype > 20 ? (n + (size_t)packed(t->dtype) - 1) / (size_t)packed(t->dtype) : n * width(t->dtype);
}

static size_t
elements(const zenith_tensor *t)
{
	size_t n = 1;

	for (int i = 0; i < t->rank; i++)
		n *= (size_t)t->dims[i];
	return n;
}

/* ---- values: kind k of each dtype, mixed with plain ones from kind MIXED on */

enum { PLAIN, ZERO, ONES, LOW, HIGH, NANS, INFS, FAR, MIXED, KINDS = MIXED + 5 };

static uint32_t seed = 1;

static uint32_t
draw(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static double
real(int k)
{
	switch (k) {
	case ZERO: return 0;
	case ONES: return -1;
	case LOW: return -1e300;
	case HIGH: return 1e300;
	case NANS: return 0.0 * -1e308 * 10;
	case INFS: return draw() & 1 ? 1e308 * 10 : -1e308 * 10;
	case FAR: return (double)((draw() & 1 ? 1 : -1) * (INT64_C(1) << (draw() % 63)));
	}
	return (double)(draw() % 200) / 100 - 1;
}

static int64_t
whole(int k)
{
	switch (k) {
	case ZERO: return 0;
	case ONES: return -1;
	case LOW: return INT64_MIN;
	case HIGH: return INT64_MAX;
	case NANS: return -(INT64_C(1) << (draw() % 63));
	case INFS: return (int64_t)draw() - (1 << 23);
	case FAR: return INT64_C(1) << (draw() % 63);
	}
	return draw() & 1;
}

static uint16_t
half(int k)
{
	static const uint16_t h[] = {0x3c00, 0x8000, 0xbc00, 0xfbff, 0x7bff, 0x7e01, 0xfc00, 0x0001};

	return k == PLAIN ? (uint16_t)(0x3000 + draw() % 0x900) : h[k % 8];
}

static zenith_string
text(int k)
{
	static const char *const t[] = {"a 12", "", "-1", "999999999999999999999999", "\xff\xfe\xc0\x80", "nan", "inf",
		"a\nb c  d"};
	zenith_string s;
	size_t n = strlen(t[k % 8]);

	s.n = n;
	s.p = n ? (const char *)memcpy(block(n), t[k % 8], n) : NULL;
	return s;
}

static void
value(zenith_tensor *t, size_t i, int k)
{
	int64_t w = t->dtype == 9 ? k != ZERO && (draw() & 1) : whole(k);
	double r = real(k);
	float f = r > 3e38 ? (float)(1e30 * 1e30) : r < -3e38 ? (float)(-1e30 * 1e30) : (float)r;

	f = k == LOW ? -3.4e38f : k == HIGH ? 3.4e38f : f;
	if (t->dtype == 1 || t->dtype == 14)
		for (size_t j = 0; j <= (t->dtype == 14); j++)
			((float *)t->data)[i * (t->dtype == 14 ? 2 : 1) + j] = f;
	else if (t->dtype == 11 || t->dtype == 15)
		for (size_t j = 0; j <= (t->dtype == 15); j++)
			((double *)t->data)[i * (t->dtype == 15 ? 2 : 1) + j] = r;
	else if (t->dtype == 10 || t->dtype == 16)
		((uint16_t *)t->data)[i] = half(k);
	else if (t->dtype == 8)
		((zenith_string *)t->data)[i] = text(k);
	else if (t->dtype > 20)
		((unsigned char *)t->data)[i / (size_t)packed(t->dtype)] = (unsigned char)draw();
	else
		memcpy((char *)t->data + i * width(t->dtype), &w, width(t->dtype));
}

static void
drop_texts(zenith_tensor *t)
{
	for (size_t i = 0; t->data && t->dtype == 8 && i < elements(t); i++)
		free((void *)((zenith_string *)t->data)[i].p);
}

static void
fill(zenith_tensor *t, int k)
{
	int mixed = k >= MIXED, kind = k;

	for (size_t i = 0; i < t->count; i++)
		fill(&t->items[i], k);
	if (t->kind != ZENITH_KIND_TENSOR)
		return;
	drop_texts(t);
	for (size_t i = 0; i < elements(t); i++) {
		if (mixed)
			kind = draw() % 4 ? PLAIN : (int)(draw() % MIXED);
		value(t, i, kind);
	}
}

/* ---- tensors */

static void
tensor(zenith_tensor *t, int dtype, int rank, const int64_t *dims)
{
	memset(t, 0, sizeof *t);
	t->dtype = dtype;
	t->rank = rank;
	if (rank)
		memcpy(t->dims, dims, (size_t)rank * sizeof *dims);
	t->capacity = elements(t);
	t->data = block(bytes(t, t->capacity));
	memset(t->data, 0, bytes(t, t->capacity));
	fill(t, PLAIN);
}

static void
list(zenith_tensor *t, const zenith_value *v, int64_t d, int rank)
{
	const int64_t dims[4] = {d, d, d, d};

	memset(t, 0, sizeof *t);
	t->kind = v->kind;
	t->dtype = v->dtype;
	t->count = t->capacity = v->kind == ZENITH_KIND_OPTIONAL ? 1 : 2;
	t->items = (zenith_tensor *)block(t->count * sizeof *t);
	for (size_t i = 0; i < t->count; i++)
		if (v->kind == ZENITH_KIND_OPTIONAL && v->key_dtype == ZENITH_KIND_SEQUENCE) {
			zenith_value w = *v;
			w.kind = ZENITH_KIND_SEQUENCE;
			list(&t->items[i], &w, d, rank);
		} else {
			tensor(&t->items[i], v->dtype, rank, dims);
		}
}

/* inputs whose unknown dims are d, or drawn from 1 to 3 where d is 0; items of sequences have that rank */
static zenith_tensor *
inputs(int64_t d, int rank)
{
	zenith_tensor *t = (zenith_tensor *)block((size_t)z->ninputs * sizeof *t);
	int64_t dims[ZENITH_MAX_RANK];

	for (int i = 0; i < z->ninputs; i++) {
		const zenith_value *v = &z->inputs[i];
		for (int j = 0; j < v->rank; j++)
			dims[j] = v->dims[j] >= 0 ? v->dims[j] : d ? d : 1 + (int64_t)(draw() % 3);
		if (v->kind == ZENITH_KIND_TENSOR)
			tensor(&t[i], v->dtype, v->rank, dims);
		else
			list(&t[i], v, d ? d : 2, rank);
	}
	return t;
}

static void
drop(zenith_tensor *t, int n, int owned)
{
	for (int i = 0; i < n; i++) {
		if (t[i].items)
			drop(t[i].items, (int)t[i].capacity, owned);
		if (owned)
			drop_texts(&t[i]);
		free(t[i].data);
	}
	free(t);
}

static void
room(zenith_tensor *t, size_t n)
{
	free(t->data);
	t->capacity = n;
	t->data = block(bytes(t, n));
}

static zenith_tensor *
outputs(void)
{
	zenith_tensor *t = (zenith_tensor *)block((size_t)z->noutputs * sizeof *t);

	for (int i = 0; i < z->noutputs; i++) {
		const zenith_value *v = &z->outputs[i];
		size_t n = v->kind == ZENITH_KIND_MAPS ? (size_t)v->nkeys : 1;
		memset(&t[i], 0, sizeof t[i]);
		t[i].kind = v->kind;
		t[i].dtype = v->dtype;
		for (int j = 0; j < v->rank; j++)
			n *= v->dims[j] < 0 ? 0 : (size_t)v->dims[j];
		if (v->rank >= 0) {
			room(&t[i], n);
			continue;
		}
		t[i].capacity = ITEMS;
		t[i].items = (zenith_tensor *)calloc(ITEMS, sizeof *t);
		for (int j = 0; j < ITEMS; j++) {
			t[i].items[j].dtype = v->dtype;
			if (v->kind == ZENITH_KIND_OPTIONAL && v->key_dtype == ZENITH_KIND_SEQUENCE) {
				t[i].items[j].capacity = ITEMS;
				t[i].items[j].items = (zenith_tensor *)calloc(ITEMS, sizeof *t);
				for (int k = 0; k < ITEMS; k++) {
					t[i].items[j].items[k].dtype = v->dtype;
					room(&t[i].items[j].items[k], 64);
				}
			} else {
				room(&t[i].items[j], 64);
			}
		}
	}
	return t;
}

static void
soil(zenith_tensor *t, unsigned char c)
{
	for (size_t i = 0; t->items && i < t->capacity; i++)
		soil(&t->items[i], c);
	if (t->data)
		memset(t->data, c, bytes(t, t->capacity));
}

static uint64_t
mix(uint64_t h, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const unsigned char *)p)[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t
sum_of(const zenith_tensor *t, int nkeys)
{
	uint64_t h = mix(1, t->dims, (size_t)t->rank * sizeof *t->dims);
	size_t n = t->kind == ZENITH_KIND_MAPS ? elements(t) * (size_t)nkeys : elements(t);

	if (t->kind == ZENITH_KIND_SEQUENCE || t->kind == ZENITH_KIND_OPTIONAL) {
		for (size_t i = 0; i < t->count; i++)
			h = h * 31 + sum_of(&t->items[i], 0);
		return h;
	}
	if (t->dtype != 8)
		return mix(h, t->data, bytes(t, n));
	for (size_t i = 0; i < n; i++)
		h = mix(h * 31, ((zenith_string *)t->data)[i].p, ((zenith_string *)t->data)[i].n);
	return h;
}

#endif
