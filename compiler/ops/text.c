/* Operators on strings: joined, split, in one case and without stop words. */
#include "window.h"
#include "stmts.h"

enum { MOST_WORDS = 20000 };   /* to leave out: each is part of an expression */

static bool all_strings(Node *n)
{
	for (int i = 0; i < n->nin; i++)
		if (n->in[i]->dt != DT_STR) {
			node_error(n, "input %s: strings are expected", value_str(n->in[i]));
			return false;
		}
	return true;
}

static Expr *join(Expr *a, Expr *b)
{
	return ex_op(E_STRCAT, DT_STR, (Expr *[]){ a, b }, 2);
}

static Expr *text(Node *n, Str s)
{
	return te_scalar(value_const(n->graph, DT_STR, 1, (int64_t[]){ 1 }, &s));
}

void shape_string_concat(Node *n)
{
	Value *a = n->in[0], *b = n->in[1];
	int rank = a->rank > b->rank ? a->rank : b->rank;
	Ix dim[rank + 1];

	if (all_strings(n) && broadcast_dims(n, n->in, 2, dim, &rank))
		set_out(n, 0, DT_STR, rank, dim);
}

void lower_string_concat(Node *n)
{
	Te *t = te_begin(n->out[0]);

	te_end(n->out[0], join(te_read_bcast(n->in[0], t->axis, t->rank),
		te_read_bcast(n->in[1], t->axis, t->rank)));
}

/* StringSplit: the parts of x along a last axis as long as the longest list of them, and their numbers */
void shape_string_split(Node *n)
{
	Value *x = n->in[0];
	Ix dim[WMAX + 1];

	if (!all_strings(n))
		return;
	if (x->rank >= WMAX) {
		node_unsupported(n, "input %s", value_str(x));
		return;
	}
	if (attr_int(n, "maxsplit", 0) < 0 || attr_int(n, "maxsplit", 0) > INT32_MAX) {
		node_error(n, "attribute 'maxsplit' is %lld", (long long)attr_int(n, "maxsplit", 0));
		return;
	}
	memcpy(dim, x->dim, sizeof(Ix) * (size_t)x->rank);
	dim[x->rank] = data_dim(n, 0, x->rank, ix_int(0), NULL);
	set_out(n, 0, DT_STR, x->rank + 1, dim);
	set_out(n, 1, DT_I64, x->rank, dim);
}

void lower_string_split(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *most, *count = out_or_temp(n, 1, "parts", DT_I64, x->rank, x->dim);
	const Attr *a = attr_find(n, "delimiter");
	Expr *sep = text(n, a ? a->s : (Str){ "", 0 }), *limit = NULL, *e;
	Ix one = ix_int(1), at[WMAX], red[WMAX];
	int nred = 0;
	Te *t = te_begin(count);

	if (attr_find(n, "maxsplit"))
		limit = i64(attr_int(n, "maxsplit", 0));
	e = ex_op(E_STRPARTS, DT_I64, (Expr *[]){ te_read(x, t->axis, x->rank), sep }, 2);
	te_end(count, limit ? xmin(e, xadd(limit, i64(1))) : e);

	most = te_temp(n, "most", DT_I64, 1, &one);
	te_begin(most);
	win_vars(n, x->rank, x->dim, at, red, &nred);
	e = te_read(count, at, x->rank);
	te_end(most, xmax(nred ? ex_reduce(R_MAX, red, nred, e) : e, i64(0)));
	data_dim_is(n, y->dim[x->rank], most);

	t = te_begin(y);
	e = ex_ix(t->axis[x->rank]);
	if (limit)
		e = ex_select(ex_bin(E_EQ, e, limit), xsub(i64(-1), e), e);
	te_end(y, ex_op(E_STRPART, DT_STR, (Expr *[]){ te_read(x, t->axis, x->rank), sep, e }, 3));
}

/* StringNormalizer: x [C] or [1, C] without the stop words; one empty string where nothing is left */
static EOp case_of(Node *n)
{
	const char *action = attr_str(n, "case_change_action", "NONE");

	return !strcmp(action, "LOWER") ? E_STRLOW : !strcmp(action, "UPPER") ? E_STRUP : E_CONST;
}

void shape_string_normalizer(Node *n)
{
	Value *x = n->in[0];
	const char *action = attr_str(n, "case_change_action", "NONE");
	Ix dim[2], c;
	int count;

	if (!all_strings(n))
		return;
	if (case_of(n) == E_CONST && strcmp(action, "NONE")) {
		node_error(n, "attribute 'case_change_action' is '%s'", quoted(action));
		return;
	}
	attr_strs(n, "stopwords", &count);
	if (count > MOST_WORDS) {
		node_unsupported(n, "%d stop words", count);
		return;
	}
	if (x->rank < 1 || x->rank > 2 || (x->rank == 2 && !ix_is(x->dim[0], 1))) {
		node_error(n, "input %s: [C] or [1, C] is expected", value_str(x));
		return;
	}
	c = x->dim[x->rank - 1];
	dim[0] = ix_int(1);
	dim[x->rank - 1] = data_dim(n, 0, x->rank - 1, ix_int(1), ix_max(c, ix_int(1)));
	set_out(n, 0, DT_STR, x->rank, dim);
}

/* whether s is one of the words, by halving */
static Expr *one_of(Node *n, Expr *s, const Str *word, int count, bool exact)
{
	int half = count / 2;
	Expr *e;

	if (count > 1)
		return lor(one_of(n, s, word, half, exact), one_of(n, s, word + half, count - half, exact));
	e = text(n, *word);
	return ex_bin(E_STREQ, s, exact ? e : ex_op(E_STRLOW, DT_STR, &e, 1));
}

/* whether a string of x is none of the stop words */
static Expr *is_kept(Node *n, Expr *s)
{
	bool exact = attr_int(n, "is_case_sensitive", 0) != 0;
	int count;
	const Str *stop = attr_strs(n, "stopwords", &count);

	if (!count)
		return ex_int(DT_BOOL, 1);
	return ex_un(E_NOT, one_of(n, exact ? s : ex_op(E_STRLOW, DT_STR, &s, 1), stop, count, exact));
}

void lower_string_normalizer(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *kept, *count;
	int last = x->rank - 1, nred = 0;
	Ix one = ix_int(1), at[2] = { ix_int(0), ix_int(0) }, red[1], to[2] = { at[0], at[0] };
	EOp op = case_of(n);
	Stmt *b;
	Expr *e;
	Prog *p;
	Var *c;
	Te *t;

	kept = te_temp(n, "kept", DT_BOOL, 1, &x->dim[last]);
	t = te_begin(kept);
	at[last] = t->axis[0];
	te_end(kept, is_kept(n, te_read(x, at, x->rank)));
	count = te_temp(n, "count", DT_I64, 1, &one);
	te_begin(count);
	at[last] = red_var(n, x->dim[last], red, &nred);
	e = red_sum(red, nred, ex_cast(DT_I64, te_read(kept, &at[last], 1)));
	te_end(count, xmax(e, i64(1)));
	data_dim_is(n, y->dim[last], count);

	p = prog_begin(n, "string_normalizer");
	prog_out(p, y);
	b = p->body;
	prog_store(p, b, y, to, text(n, (Str){ "", 0 }));
	c = let_int(p, b, "c", i64(0));
	at[last] = prog_for(p, b, x->dim[last], &b);
	b = st_if(b, te_read(kept, &at[last], 1));
	to[last] = var_ix(c, y->dim[last]);
	e = te_read(x, at, x->rank);
	prog_store(p, b, y, to, op == E_CONST ? e : ex_op(op, DT_STR, &e, 1));
	add_to(b, c, 1);
	prog_end(p);
}
