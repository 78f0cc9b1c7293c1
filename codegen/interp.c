/* The interpreter: runs what icode.c compiled. See interp.h for registers and lanes, scalar.c for what
 * operations mean.
 *
 * Text to number (strnum): leading spaces, then as C's strtod for floats (inf, nan and hexadecimal
 * included), a decimal integer for integers, modulo; what is no number gives NaN or 0. Number to text
 * (numstr): integers and bool in decimal, floats as %.8g, INF, -INF, NaN, as ONNX Runtime prints them. */
#include "interp.h"

#include "../compiler/graph.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static uint64_t *
regs(const Image *im, int r)
{
	return im->reg + (size_t)(r < 0 ? 0 : r) * W;
}

static int64_t
floor_div(int64_t p, int64_t q)
{
	if (q <= 0)
		return 0;
	return p / q - (p % q < 0);
}

/* indices: sums and products wrap in lanes that are not used */

static void
run_poly(const Image *im, const PolyCode *p, uint64_t *r, int n)
{
	const uint64_t *x;
	uint64_t t[W];

	for (int i = 0; i < n; i++)
		r[i] = (uint64_t)p->c;
	for (int k = 0; k < p->n; k++) {
		for (int i = 0; i < n; i++)
			t[i] = (uint64_t)p->t[k].c;
		for (int j = 0; j < p->t[k].n; j++) {
			x = regs(im, p->t[k].reg[j]);
			if (p->t[k].uniform[j])
				for (int i = 0; i < n; i++)
					t[i] *= x[0];
			else
				for (int i = 0; i < n; i++)
					t[i] *= x[i];
		}
		for (int i = 0; i < n; i++)
			r[i] += t[i];
	}
}

/* memory */

static _Noreturn void
out_of_range(const MemRef *m, int64_t i, const char *what)
{
	bug("%s of %s[%" PRId64 "], which has %" PRId64 " elements", what, m->mem->name, i, m->size);
}

/* every lane's index is in range, or its mask is false: then 0 is read */
static bool
all_inside(const MemRef *m, const uint64_t *at, bool affine, const uint64_t *mask, int n)
{
	uint64_t size = (uint64_t)m->size;
	bool ok = true;

	if (affine)
		ok = at[0] < size && at[n - 1] < size;
	else
		for (int i = 0; i < n; i++)
			ok = ok && at[i] < size;
	for (int i = 0; !ok && i < n; i++)
		if (at[i] >= size && (!mask || mask[i]))
			out_of_range(m, (int64_t)at[i], "load");
	return ok;
}

#define GATHER(T) do {          /* constants lie where the file has them, aligned or not */ \
	typedef T T_ __attribute__((aligned(1))); \
	const T_ *p_ = m->p; \
	if (run) \
		for (int i = 0; i < n; i++) \
			r[i] = p_[at[0] + (uint64_t)i]; \
	else \
		for (int i = 0; i < n; i++) \
			r[i] = p_[at[i]]; \
	} while (0)

static void
load_inside(const MemRef *m, const uint64_t *at, bool run, uint64_t *r, int n)
{
	DType d = m->mem->dt;
	int bits = dtype_info[d].bits;

	if (d == DT_STR) {
		for (int i = 0; i < n; i++)
			r[i] = (uint64_t)(uintptr_t)((const Str *)m->p + at[i]);
		return;
	}
	if (bits < 8) {
		for (int i = 0; i < n; i++)
			dt_get(d, m->mem->packed, m->p, (int64_t)at[i], 1, &r[i]);
		for (int i = 0; i < n; i++)
			r[i] &= ((uint64_t)1 << bits) - 1;
		return;
	}
	switch (dt_size(d)) {
	case 1: GATHER(uint8_t); break;
	case 2: GATHER(uint16_t); break;
	case 4: GATHER(uint32_t); break;
	case 8: GATHER(uint64_t); break;
	default: bug("load of %s", dt_name(d));
	}
}

/* words; past the end of the memory 0 is read under a mask */
static void
run_load4(const MemRef *m, const uint64_t *at, const uint64_t *mask, uint64_t *r, int n)
{
	const uint8_t *p = m->p;

	for (int i = 0; i < n; i++) {
		bool in = at[i] < (uint64_t)m->size && at[i] + 3 < (uint64_t)m->size;
		if (!in && (!mask || mask[i]))
			out_of_range(m, (int64_t)at[i], "load");
		r[i] = 0;
		for (uint64_t k = 0; in && k < 4; k++)
			r[i] |= (uint64_t)p[at[i] + k] << 8 * k;
	}
}

static void
run_load(const Image *im, const Ins *in, uint64_t *r, int n)
{
	static const Str empty = {"", 0};
	const uint64_t *at = regs(im, in->a[0]), *mask = in->a[1] < 0 ? NULL : regs(im, in->a[1]);
	const MemRef *m = in->mem;

	if (in->word) {
		run_load4(m, at, mask, r, n);
		return;
	}
	if (all_inside(m, at, in->affine, mask, n)) {
		load_inside(m, at, in->affine && at[n - 1] - at[0] == (uint64_t)n - 1, r, n);
		return;
	}
	for (int i = 0; i < n; i++)
		if (at[i] < (uint64_t)m->size)
			load_inside(m, &at[i], false, &r[i], 1);
		else
			r[i] = m->mem->dt == DT_STR ? (uint64_t)(uintptr_t)&empty : 0;
}

#define SCATTER(T) do { \
	T *p_ = m->p; \
	for (int i = 0; i < n; i++) \
		p_[at[i * step]] = (T)v[i * vstep]; \
	} while (0)

static void
run_store(const MemRef *m, const uint64_t *at, int step, const uint64_t *v, int vstep, int n)
{
	DType d = m->mem->dt;

	for (int i = 0; i < n; i++)
		if (at[i * step] >= (uint64_t)m->size)
			out_of_range(m, (int64_t)at[i * step], "store");
	if (dtype_info[d].bits < 8) {
		for (int i = 0; i < n; i++)
			dt_put(d, m->mem->packed, m->p, (int64_t)at[i * step], 1, &v[i * vstep]);
		return;
	}
	switch (d == DT_STR ? 0 : dt_size(d)) {
	case 0:
		for (int i = 0; i < n; i++)
			((Str *)m->p)[at[i * step]] = *(const Str *)(uintptr_t)v[i * vstep];
		break;
	case 1: SCATTER(uint8_t); break;
	case 2: SCATTER(uint16_t); break;
	case 4: SCATTER(uint32_t); break;
	case 8: SCATTER(uint64_t); break;
	default: bug("store of %s", dt_name(d));
	}
}

/* strings */

static uint64_t
parse_number(DType d, const Str *s)
{
	char *text = fmt("%.*s", (int)(s->n < 400 ? s->n : 400), s->p), *end;
	int64_t i;
	uint64_t u;
	double v;

	if (dt_float(d)) {
		v = strtod(text, &end);
		return dt_from_double(d, end == text ? NAN : v, false);
	}
	i = (int64_t)strtoll(text, &end, 10);
	u = d == DT_U64 && i == INT64_MAX ? (uint64_t)strtoull(text, &end, 10) : (uint64_t)i;
	return ex_eval(E_CAST, d, &u, &(DType){DT_I64}, 1);
}

static uint64_t
print_number(DType d, uint64_t bits)
{
	double v = d == DT_U64 || d == DT_I64 ? 0 : dt_to_double(d, bits);
	Str *s = NEW(Str);

	if (d == DT_U64)
		s->p = fmt("%" PRIu64, bits);
	else if (d == DT_I64)
		s->p = fmt("%" PRId64, (int64_t)bits);
	else
		s->p = isnan(v) ? "NaN" : isinf(v) ? (v > 0 ? "INF" : "-INF")
			: dt_int(d) ? fmt("%.0f", v) : fmt("%.8g", v);
	s->n = strlen(s->p);
	return (uint64_t)(uintptr_t)s;
}

static bool
same_text(uint64_t x, uint64_t y)
{
	const Str *a = (const Str *)(uintptr_t)x, *b = (const Str *)(uintptr_t)y;

	return a->n == b->n && (!a->n || !memcmp(a->p, b->p, a->n));
}

static uint64_t
new_text(const char *p, size_t n)
{
	Str *s = NEW(Str);

	*s = (Str){p, n};
	return (uint64_t)(uintptr_t)s;
}

static uint64_t
both_texts(const Str *a, const Str *b)
{
	char *p = NEWN(char, a->n + b->n + 1);

	if (a->n)
		memcpy(p, a->p, a->n);
	if (b->n)
		memcpy(p + a->n, b->p, b->n);
	return new_text(p, a->n + b->n);
}

static uint64_t
other_case(const Str *s, bool up)
{
	char *p = NEWN(char, s->n + 1);

	for (size_t i = 0; i < s->n; i++)
		p[i] = (char)(s->p[i] ^ (s->p[i] >= (up ? 'a' : 'A') && s->p[i] <= (up ? 'z' : 'Z') ? 32 : 0));
	return new_text(p, s->n);
}

static bool
blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* the part of s at *at, which goes behind it and its separator; with `rest` all that is left */
static bool
next_part(const Str *s, const Str *sep, size_t *at, bool rest, Str *part)
{
	size_t from = *at, to;

	while (!sep->n && from < s->n && blank(s->p[from]))
		from++;
	if (from > s->n || (!sep->n && from == s->n))
		return false;
	for (to = from; to < s->n && !rest; to++)
		if (sep->n ? s->n - to >= sep->n && !memcmp(s->p + to, sep->p, sep->n) : blank(s->p[to]))
			break;
	*part = (Str){s->p + from, rest ? s->n - from : to - from};
	*at = rest || to == s->n ? s->n + 1 : to + sep->n;
	return true;
}

static uint64_t
count_parts(const Str *s, const Str *sep)
{
	uint64_t n = 0;
	size_t at = 0;
	Str part;

	while (next_part(s, sep, &at, false, &part))
		n++;
	return n;
}

static uint64_t
text_part(const Str *s, const Str *sep, int64_t k)
{
	int64_t before = k < 0 ? -1 - k : k;
	size_t at = 0;
	Str part;

	while (before-- > 0)
		if (!next_part(s, sep, &at, false, &part))
			return new_text("", 0);
	return next_part(s, sep, &at, k < 0, &part) ? new_text(part.p, part.n) : new_text("", 0);
}

/* code */

static bool
any_true(const uint64_t *v, int n)
{
	bool any = false;

	for (int i = 0; i < n; i++)
		any |= v[i] != 0;
	return any;
}

#define TEXT(bits) ((const Str *)(uintptr_t)(bits))
#define EACH(e) do { for (int i = 0; i < n; i++) r[i] = (e); } while (0)

/* one instruction; the result is the next, less one */
static int
run_ins(const Image *im, const Ins *in, int pc, int n)
{
	const uint64_t *x = regs(im, in->a[0]), *y = regs(im, in->a[1]), *v[3];
	uint64_t *r = regs(im, in->dst);

	switch (in->op) {
	case I_EVAL:
		for (int i = 0; i < 3; i++)
			v[i] = regs(im, in->a[i]);
		ex_eval_n(in->eop, in->dt, v, in->adt, r, n);
		break;
	case I_POLY:  run_poly(im, in->poly, r, n); break;
	case I_DIV:   EACH((uint64_t)floor_div((int64_t)x[i], (int64_t)y[i])); break;
	case I_BCAST: EACH(x[i] == 1 ? y[i] : x[i]); break;
	case I_LOAD:  run_load(im, in, r, n); break;
	case I_COPY:  EACH(x[i]); break;
	case I_GE0:
		if (in->a[1] < 0)
			EACH((int64_t)x[i] >= 0);
		else
			EACH(y[i] && (int64_t)x[i] >= 0);
		break;
	case I_MASK:
		if (in->a[1] < 0)
			EACH((x[i] != 0) != in->negate);
		else
			EACH(y[i] && (x[i] != 0) != in->negate);
		break;
	case I_SKIP:   return any_true(x, n) ? pc : in->to - 1;
	case I_STREQ:  EACH(same_text(x[i], y[i])); break;
	case I_STRNUM: EACH(parse_number(in->dt, (const Str *)(uintptr_t)x[i])); break;
	case I_NUMSTR: EACH(print_number(in->adt[0], x[i])); break;
	case I_STRCAT: EACH(both_texts(TEXT(x[i]), TEXT(y[i]))); break;
	case I_STRCASE: EACH(other_case(TEXT(x[i]), in->eop == E_STRUP)); break;
	case I_STRPARTS: EACH(count_parts(TEXT(x[i]), TEXT(y[i]))); break;
	case I_STRPART: EACH(text_part(TEXT(x[i]), TEXT(y[i]), (int64_t)regs(im, in->a[2])[i])); break;
	}
	return pc;
}

static void
run_code(Image *im, const Code *c, int n)
{
	const Ins *in;
	uint64_t *r;

	im->left -= c->ins.n;
	for (int pc = 0; pc < c->ins.n; pc++) {
		in = &c->ins.p[pc];
		pc = run_ins(im, in, pc, in->uniform ? 1 : n);
		if (!in->fill)
			continue;
		r = regs(im, in->dst);
		for (int i = 1; i < n; i++)
			r[i] = r[0];
	}
}

/* statements: the result is the status of a FAIL, 0 to go on, -1 where no iterations are left */

static int run(Image *, const Step *, int n);

static void
run_set(Image *im, const Step *s, int n)
{
	uint64_t *to = regs(im, s->var), *from = regs(im, s->val);

	run_code(im, &s->code, n);
	for (int i = 0; i < n; i++)
		to[i] = from[s->val_uniform ? 0 : i];
	for (int i = 0; s->dt == DT_STR && i < n; i++)
		to[i] = (uint64_t)(uintptr_t)copy_mem((const void *)(uintptr_t)to[i], sizeof(Str));
}

static float f32_of(uint64_t v) { uint32_t w = (uint32_t)v; float f; memcpy(&f, &w, sizeof f); return f; }
static uint64_t of_f32(float f) { uint32_t w; memcpy(&w, &f, sizeof w); return w; }

/* acc = acc op x, lane after lane */
static void
run_fold(Image *im, const Step *s, int n)
{
	uint64_t *acc = regs(im, s->var), v[3];
	const uint64_t *x = regs(im, s->val), *y = s->at < 0 ? NULL : regs(im, s->at);
	int xs = !s->val_uniform, ys = !s->at_uniform;
	DType d[3] = {s->dt, s->dt, s->dt};
	float f = f32_of(*acc);

	if (s->dt == DT_F32 && s->fold == E_ADD) {
		for (int i = 0; i < n; i++)
			f += f32_of(x[i * xs]);
		*acc = of_f32(f);
	} else if (s->dt == DT_F32 && s->fold == E_FMA) {
		for (int i = 0; i < n; i++)
			f = fmaf(f32_of(x[i * xs]), f32_of(y[i * ys]), f);
		*acc = of_f32(f);
	} else
		for (int i = 0; i < n; i++) {
			v[0] = y ? x[i * xs] : *acc;
			v[1] = y ? y[i * ys] : x[i * xs];
			v[2] = *acc;
			*acc = ex_eval(s->fold, s->dt, v, d, y ? 3 : 2);
		}
}

/* H_LANES, H_FOLD: up to W iterations at once */
static int
run_lanes(Image *im, const Step *s, int64_t trips)
{
	uint64_t *var = regs(im, s->var);
	int n, status = 0;

	for (int64_t at = 0; at < trips && !status; at += n) {
		n = (int)(trips - at < W ? trips - at : W);
		if ((im->left -= n) < 0)
			return -1;
		for (int i = 0; i < n; i++)
			var[i] = (uint64_t)(at + i);
		if (s->how == H_FOLD) {
			run_code(im, &s->body->code, n);
			run_fold(im, s->body, n);
		} else
			status = run(im, s->body, n);
	}
	return status;
}

static int
run_for(Image *im, const Step *s, int n)
{
	uint64_t *var = regs(im, s->var);
	int64_t trips;
	int status = 0;

	run_code(im, &s->code, n);
	trips = (int64_t)*regs(im, s->at);
	if (s->how != H_SERIAL)
		return run_lanes(im, s, trips);
	for (int64_t i = 0; i < trips && !status; i++) {
		*var = (uint64_t)i;
		status = --im->left < 0 ? -1 : run(im, s->body, n);
	}
	return status;
}

static bool
test(Image *im, const Step *s)
{
	run_code(im, &s->code, 1);
	return *regs(im, s->val) != 0;
}

static int
run(Image *im, const Step *s, int n)
{
	int status = 0;

	switch (s->op) {
	case S_KEEP: case S_PREFETCH: break;
	case S_BLOCK:
		for (int i = 0; i < s->list.n && !status; i++)
			status = run(im, s->list.p[i], n);
		break;
	case S_FOR: return run_for(im, s, n);
	case S_WHILE:
		while (!status && test(im, s))
			status = --im->left < 0 ? -1 : run(im, s->body, n);
		break;
	case S_IF:
		if (test(im, s))
			return run(im, s->body, n);
		return s->other ? run(im, s->other, n) : 0;
	case S_LET: case S_SET: run_set(im, s, n); break;
	case S_STORE:
		run_code(im, &s->code, n);
		run_store(s->mem, regs(im, s->at), !s->at_uniform, regs(im, s->val), !s->val_uniform, n);
		break;
	case S_FAIL: return s->val < 0 || test(im, s) ? s->status : 0;
	default: break;
	}
	return status;
}

int
ir_run_kern(const Kern *k, void *const *arg, int64_t (*value)(const IxAtom *, void *), void *varg,
	int64_t *left)
{
	Image im = {.left = left ? *left : INT64_MAX};
	int status;

	icode_compile(&im, k, arg, value, varg);
	status = run(&im, im.root, 1);
	if (left)
		*left = im.left;
	for (int i = 0; i < im.narray; i++)
		big_free(im.array[i]);
	big_free(im.reg);
	return status;
}
