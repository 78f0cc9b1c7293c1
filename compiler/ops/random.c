/* Random operators: ONNX leaves the generator open. Here an element is a hash of where it is, so that a draw is
 * an expression like any other:
 *
 *   splitmix64's output function of key + (element + 1)*GOLDEN, where key is the hash of the attribute `seed`,
 *   or without one of the attribute `stream`: how many random nodes came before in the model (onnx/model.c)
 *
 * In a Loop the number of the iteration goes into the key. So a run gives what every run gives, on every
 * processor and at every level; nodes and iterations differ from each other. */
#include "stmts.h"

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)

static const struct { int shift; uint64_t times; } step[] = {
	{ 30, UINT64_C(0xBF58476D1CE4E5B9) }, { 27, UINT64_C(0x94D049BB133111EB) }, { 31, 1 },
};

static uint64_t mixed(uint64_t z)
{
	for (int i = 0; i < LEN(step); i++)
		z = (z ^ z >> step[i].shift) * step[i].times;
	return z;
}

static Expr *u64(uint64_t v)
{
	return ex_bits(DT_U64, v);
}

static Expr *mix(Expr *z)
{
	for (int i = 0; i < LEN(step); i++)
		z = xmul(ex_bin(E_XOR, z, ex_bin(E_SHR, z, u64((uint64_t)step[i].shift))),
			u64(step[i].times));
	return z;
}

static uint64_t key_of(const Node *n)
{
	const Attr *seed = attr_find(n, "seed");
	uint32_t bits;

	if (!seed)
		return mixed(~(uint64_t)attr_int(n, "stream", 0));
	if (seed->type == A_INT)         /* Dropout's */
		return mixed((uint64_t)attr_int(n, "seed", 0));
	memcpy(&bits, &(float){ (float)attr_float(n, "seed", 0) }, sizeof bits);
	return mixed(bits);
}

/* 64 random bits for an element */
static Expr *bits_at(const Node *n, Expr *element)
{
	Expr *key = u64(key_of(n)), *e;

	for (const Graph *g = n->graph; g->owner; g = g->parent)
		if (g->owner->op == OP_LOOP) {
			e = xadd(ex_cast(DT_U64, te_scalar(g->in.p[0])), u64(1));
			key = mix(xadd(key, xmul(e, u64(GOLDEN))));
		}
	return mix(xadd(key, xmul(xadd(ex_cast(DT_U64, element), u64(1)), u64(GOLDEN))));
}

/* the `count` bits from `from` on, as a float below 1 that has no more bits than its dtype */
static Expr *fraction(Expr *z, DType dt, int from, int count)
{
	z = ex_bin(E_AND, ex_bin(E_SHR, z, u64((uint64_t)from)), u64((UINT64_C(1) << count) - 1));
	return xmul(ex_cast(dt, ex_cast(DT_I64, z)), ex_float(dt, 1.0 / (double)(UINT64_C(1) << count)));
}

Expr *uniform_at(const Node *n, DType dt, Expr *element)
{
	int count = dt == DT_F64 ? 53 : dt == DT_F16 ? 11 : dt == DT_BF16 ? 8 : 24;

	return fraction(bits_at(n, element), dt == DT_F64 ? dt : DT_F32, 64 - count, count);
}

/* Box and Muller: one of the two */
static Expr *normal_at(const Node *n, DType dt, Expr *element)
{
	Expr *z = bits_at(n, element), *u, *turn;

	dt = dt == DT_F64 ? dt : DT_F32;
	u = xadd(fraction(z, dt, 32, 32), ex_float(dt, 1.0 / 4294967296.0));
	turn = dt == DT_F64 ? fraction(mix(ex_bin(E_XOR, z, u64(GOLDEN))), dt, 11, 53) : fraction(z, dt, 8, 24);
	return xmul(ex_un(E_SQRT, xmul(ex_float(dt, -2), ex_un(E_LOG, u))),
		ex_un(E_COS, xmul(turn, ex_float(dt, 6.283185307179586476925))));
}

static bool drawn_type(Node *n, DType *dt, bool any)
{
	int64_t t = attr_int(n, "dtype", n->nin ? n->in[0]->dt : DT_F32);

	if (!dt_valid(t) || !(dt_float((DType)t) || (any && (dt_int((DType)t) || t == DT_BOOL)))) {
		node_error(n, "draws of dtype %lld", (long long)t);
		return false;
	}
	*dt = (DType)t;
	return true;
}

void shape_random(Node *n)
{
	int rank;
	const int64_t *shape = attr_ints(n, "shape", &rank);
	DType dt;

	limit_check(LIM_RANK, rank, node_where(n));
	Ix dim[rank + 1];
	if (!attr_find(n, "shape"))
		node_error(n, "attribute 'shape' is missing");
	for (int i = 0; i < rank; i++)
		dim[i] = ix_int(shape[i]);
	if (drawn_type(n, &dt, false))
		set_out(n, 0, dt, rank, dim);
}

void shape_random_like(Node *n)
{
	DType dt;

	if (drawn_type(n, &dt, n->op == OP_BERNOULLI))
		set_out(n, 0, dt, n->in[0]->rank, n->in[0]->dim);
}

static void lower_drawn(Node *n, Expr *(*at)(const Node *, DType, Expr *), double from, double times)
{
	Value *y = n->out[0];
	Te *t = te_begin(y);
	Expr *e = at(n, y->dt, ex_ix(flat_at(t->axis, y->dim, t->rank)));

	te_end(y, ex_cast(y->dt, xadd(xmul(e, xlike(e, times)), xlike(e, from))));
}

void lower_random_uniform(Node *n)
{
	double low = attr_float(n, "low", 0);

	lower_drawn(n, uniform_at, low, attr_float(n, "high", 1) - low);
}

void lower_random_normal(Node *n)
{
	lower_drawn(n, normal_at, attr_float(n, "mean", 0), attr_float(n, "scale", 1));
}

void lower_bernoulli(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Te *t = te_begin(y);
	Expr *u = uniform_at(n, x->dt == DT_F64 ? DT_F64 : DT_F32, ex_ix(flat_at(t->axis, y->dim, t->rank)));

	te_end(y, ex_cast(y->dt, ex_bin(E_LT, u, ex_cast(u->dt, te_read(x, t->axis, t->rank)))));
}

/* Multinomial: x [batch, classes], logarithms of weights. The class is the first whose sum of weights up to it
 * exceeds a uniform share of all: in double, so that the share is below */
void shape_multinomial(Node *n)
{
	Value *x = n->in[0];
	int64_t dt = attr_int(n, "dtype", DT_I32);

	if (x->rank != 2 || !dt_float(x->dt) || (dt != DT_I32 && dt != DT_I64)) {
		node_error(n, "Multinomial of %s", value_str(x));
		return;
	}
	set_out(n, 0, (DType)dt, 2, (Ix[2]){ x->dim[0], ix_int(attr_int(n, "sample_size", 1)) });
}

void lower_multinomial(Node *n)
{
	Value *x = n->in[0], *y = n->out[0];
	Ix row[1] = { x->dim[0] }, c = te_var(n, x->dim[1]), at[2];
	Value *most = te_temp(n, "most", DT_F64, 1, row);
	Te *t = te_begin(most);
	Prog *p = prog_begin(n, "multinomial");
	Expr *e, *u;
	Stmt *b, *s;
	Var *all, *sum, *pick;

	te_end(most, ex_reduce(R_MAX, &c, 1, ex_cast(DT_F64, te_read(x, (Ix[2]){ t->axis[0], c }, 2))));
	prog_out(p, y);
	at[0] = prog_for(p, p->body, y->dim[0], &b);
	all = st_let(b, p->kern, "all", ex_float(DT_F64, 0));
	c = prog_for(p, b, x->dim[1], &s);
	e = ex_un(E_EXP, xsub(ex_cast(DT_F64, te_read(x, (Ix[2]){ at[0], c }, 2)), te_read(most, at, 1)));
	st_set(s, all, xadd(ex_var(all), e));
	at[1] = prog_for(p, b, y->dim[1], &b);
	u = uniform_at(n, DT_F32, ex_ix(flat_at(at, y->dim, 2)));
	u = ex_var(st_let(b, p->kern, "share", xmul(ex_cast(DT_F64, u), ex_var(all))));
	sum = st_let(b, p->kern, "sum", ex_float(DT_F64, 0));
	pick = let_int(p, b, "pick", i64(0));
	c = prog_for(p, b, x->dim[1], &s);
	e = ex_un(E_EXP, xsub(ex_cast(DT_F64, te_read(x, (Ix[2]){ at[0], c }, 2)), te_read(most, at, 1)));
	st_set(s, sum, xadd(ex_var(sum), e));
	st_set(s, pick, xadd(ex_var(pick), ex_cast(DT_I64, ex_bin(E_LE, ex_var(sum), u))));
	prog_store(p, b, y, at, ex_cast(y->dt, ex_var(pick)));
	prog_end(p);
}
