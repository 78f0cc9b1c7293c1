/* State: pairs of an input and an output that are kept between runs (--state IN=OUT).
 *
 * A pair has one region of SP_STATE, laid out for the longest output: where the output has one axis longer
 * than the input (a cache that grows), the input is the first part of the region, with the strides of the
 * whole. If the output is an assembly that begins with the input, it lies in the region too, so that
 * appending writes the new elements only; otherwise it is computed elsewhere and copied at the end. A length
 * that is not constant is kept beside the region. */
#include "program.h"
#include "../../runtime/zenith.h"

static Value *find_value(const Graph *g, const char *name, bool out)
{
	int n = out ? g->ret->nin : g->in.n;

	for (int i = 0; i < n; i++) {
		const char *s = out ? g->out_name.p[i] : g->in.p[i]->name;
		if (s && !strcmp(s, name))
			return out ? g->ret->in[i] : g->in.p[i];
	}
	fatal(EX_USE, NULL, "--state: the model has no %s '%s'", out ? "output" : "input", quoted(name));
}

/* the axis along which the output is longer, or -1 */
static int growing_axis(const State *s)
{
	int axis = -1;

	if (s->in->kind != V_TENSOR || s->out->kind != V_TENSOR || s->in->dt != s->out->dt ||
		s->in->rank != s->out->rank)
		fatal(EX_USE, NULL, "--state: %s and %s are not of one type and rank", value_str(s->in),
			value_str(s->out));
	for (int i = 0; i < s->in->rank; i++) {
		if (ix_equal(s->in->dim[i], s->out->dim[i]))
			continue;
		if (axis >= 0 || !ix_ge(s->out->dim[i], s->in->dim[i]))
			fatal(EX_USE, NULL, "--state: %s cannot become %s: one axis may grow",
				value_str(s->in), value_str(s->out));
		axis = i;
	}
	return axis;
}

static bool any_symbol(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_SYM || a->kind == IX_EXPR;
}

static Ix longest(const Value *v, int i)
{
	Ix top = ix_upper(v->dim[i], any_symbol, NULL);
	int64_t n;

	if (!top || !ix_isint(top, &n) || n >= INT32_MAX)      /* what a dim without --dim may be */
		fatal(EX_USE, NULL,
			"--state: dimension %d of %s has no upper bound; give it one with --dim NAME=A..B", i,
			value_str(v));
	return top;
}

static Place *state_place(const Value *v, Mem *m, const Ix *stride)
{
	Place *p = NEW(Place);
	Ix whole = ix_int(1);

	p->mem = m;
	p->off = ix_int(0);
	p->stride = NEWN(Ix, v->rank + 1);
	p->contiguous = true;
	for (int i = v->rank - 1; i >= 0; i--) {
		p->stride[i] = ix_is(v->dim[i], 1) ? ix_int(0) : stride[i];
		p->contiguous &= ix_is(v->dim[i], 1) || stride[i] == whole;
		whole = ix_mul(whole, v->dim[i]);
	}
	return p;
}

static void make_region(Lower *lo, State *s)
{
	Ix stride[s->in->rank + 1], size = ix_int(1);

	for (int i = s->in->rank - 1; i >= 0; i--) {
		stride[i] = size;
		size = ix_mul(size, longest(s->out, i));
	}
	s->mem = region_new(lo, SP_STATE, "state", s->in->dt, size);
	s->in->place = state_place(s->in, s->mem, stride);
	s->at_end = state_place(s->out, s->mem, stride);
}

/* the length's own symbol: kept beside the region, first of all pairs that share it */
static void make_length(Lower *lo, State *s)
{
	Ix dim = s->axis < 0 ? NULL : s->in->dim[s->axis];
	const IxAtom *a = dim ? ix_atom(dim) : NULL;

	if (!dim || ix_isint(dim, &(int64_t){ 0 }))
		return;
	if (!a || a->kind != IX_SYM)
		fatal(EX_USE, NULL, "--state: the length of %s must be a symbol of its own",
			value_str(s->in));
	for (int i = 0; i < lo->state.n; i++)
		if (&lo->state.p[i] != s && lo->state.p[i].len &&
			lo->state.p[i].in->dim[lo->state.p[i].axis] == dim)
			return;
	s->len = region_new(lo, SP_STATE, "length", DT_I64, ix_int(1));
}

void state_begin(Lower *lo, Stmt *b)
{
	Graph *g = lo->model->main;
	const Options *o = lo->opt;

	for (int i = 0; i < o->state.n; i++) {
		State s = { .in = find_value(g, o->state.p[i].in, false),
			.out = find_value(g, o->state.p[i].out, true) };
		s.axis = growing_axis(&s);
		if (dtype_info[s.in->dt].bits < 8 || s.in->dt == DT_STR)
			fatal(EX_UNSUPPORTED, NULL, "--state: %s cannot be kept", dt_name(s.in->dt));
		push(&lo->state, s);
	}
	for (int i = 0; i < lo->state.n; i++) {
		State *s = &lo->state.p[i];
		Ix len;
		make_region(lo, s);
		make_length(lo, s);
		if (!s->len)
			continue;
		len = ex_as_ix(ex_load(s->len, ix_int(0)), NULL, NULL);
		emit_bind(lo, b, s->in->dim[s->axis], len);
		emit_bounds(lo, b, s->in->dim[s->axis], len, ZENITH_CAPACITY);
	}
}

State *state_of(Lower *lo, const Value *v)
{
	for (int i = 0; i < lo->state.n; i++)
		if (lo->state.p[i].in == v || lo->state.p[i].out == v)
			return &lo->state.p[i];
	return NULL;
}

/* the output's place, when it is about to be computed */
void state_settle(Lower *lo, State *s)
{
	Ix off[s->out->rank + 1];

	if (lo->opt->opt > 0 && s->out->te && is_part(s->out, s->in, off)) {
		s->out->place = s->at_end;
		s->at_end = NULL;
		return;
	}
	place_new(lo, s->out, region_for(lo, s->out));
	if (s->out->place->mem->space == SP_HEAP)
		fatal(EX_UNSUPPORTED, NULL, "--state: %s has no bound", value_str(s->out));
}

void state_end(Lower *lo, Stmt *b)
{
	Stmt *s;

	for (int i = 0; i < lo->state.n; i++)
		if (lo->state.p[i].at_end)
			emit_copy(lo, b, lo->state.p[i].out, lo->state.p[i].at_end);
	for (int i = 0; i < lo->state.n; i++) {
		State *st = &lo->state.p[i];
		if (!st->len)
			continue;
		s = st_new(S_STORE);
		s->mem = st->len;
		s->ix = ix_int(0);
		s->e = ex_ix(st->out->dim[st->axis]);
		st_add(b, s);
	}
}
