/* TfIdfVectorizer: how often each n-gram of a pool occurs in a row, its items `skip + 1` apart for every skip
 * up to a maximum (single items once). Column o is the n-gram whose index is o. */
#include "window.h"

enum { MOST_ITEMS = 256 };    /* of an n-gram: each is a level of an expression */

typedef struct Grams {
	int most;                /* items of the longest that counts */
	int ncol;
	int64_t *len;            /* [ncol] items; 0: none has that index */
	int64_t *item;           /* [ncol, most]: positions in the pool */
	float *weight;           /* [ncol] or NULL */
} Grams;

static void add_gram(Grams *g, int64_t o, int64_t at, int len)
{
	g->len[o] = len;
	for (int k = 0; k < len; k++)
		g->item[o * g->most + k] = at + k;
}

/* ngram_counts says where in the pool those of length 1, 2, ... begin */
static bool read_grams(Node *n, Grams *g)
{
	int nc, nx, np, ns, nw, id = 0;
	const int64_t *begin = attr_ints(n, "ngram_counts", &nc), *index = attr_ints(n, "ngram_indexes", &nx);
	const float *w = attr_floats(n, "weights", &nw);
	int64_t least = attr_int(n, "min_gram_length", 1), most = attr_int(n, "max_gram_length", 1), end,
		skip = attr_int(n, "max_skip_count", 0);

	attr_ints(n, "pool_int64s", &np);
	attr_strs(n, "pool_strings", &ns);
	np = ns ? ns : np;       /* pool_items reads the same */
	if (least < 1 || most < least || most > nc || nx < 1 || skip < 0 || skip > INT32_MAX) {
		node_error(n, "n-grams of %lld to %lld items, %d lengths, %d indexes, max_skip_count %lld",
			(long long)least, (long long)most, nc, nx, (long long)skip);
		return false;
	}
	if (most > MOST_ITEMS) {
		node_unsupported(n, "n-grams of %lld items", (long long)most);
		return false;
	}
	for (int i = 0; i < nc; i++)
		if (begin[i] < 0 || begin[i] > np) {
			node_error(n, "ngram_counts has %lld, the pool %d items", (long long)begin[i], np);
			return false;
		}
	*g = (Grams){ .most = (int)most };
	for (int i = 0; i < nx; i++)
		if (index[i] < 0 || index[i] >= 1 << 24)
			node_error(n, "an index of %lld", (long long)index[i]);
		else if (index[i] >= g->ncol)
			g->ncol = (int)index[i] + 1;
	if (zn->nerror)
		return false;
	limit_check(LIM_FOLD, (int64_t)g->ncol * (g->most + 1) * (int64_t)sizeof *g->item, node_where(n));
	g->len = NEWN(int64_t, g->ncol);
	g->item = NEWN(int64_t, (int64_t)g->ncol * g->most);
	g->weight = nw ? NEWN(float, g->ncol) : NULL;
	for (int len = 1; len <= nc; len++) {
		end = len < nc ? begin[len] : np;
		for (int64_t at = begin[len - 1]; at + len <= end; at += len, id++) {
			if (id >= nx || (nw && id >= nw)) {
				node_error(n, "more n-grams than indexes or weights");
				return false;
			}
			if (len < least || len > most)
				continue;
			add_gram(g, index[id], at, len);
			if (nw)
				g->weight[index[id]] = w[id];
		}
	}
	return !zn->nerror;
}

static bool is_batch(const Value *x)
{
	return x->rank == 2;
}

void shape_tf_idf_vectorizer(Node *n)
{
	Value *x = n->in[0];
	Ix dim[2];
	Grams g;

	if (x->rank > 2 || (x->dt != DT_STR && !dt_int(x->dt)))
		node_error(n, "its input is %s", value_str(x));
	else if ((x->dt == DT_STR) != (attr_find(n, "pool_strings") != NULL))
		node_error(n, "its pool is not of the input's type, %s", dt_name(x->dt));
	else if (read_grams(n, &g)) {
		dim[0] = x->rank == 2 ? x->dim[0] : NULL;
		dim[is_batch(x)] = ix_int(g.ncol);
		set_out(n, 0, DT_F32, 1 + is_batch(x), dim);
	}
}

static Value *pool_items(Node *n, const Grams *g)
{
	int np, ns;
	const int64_t *p = attr_ints(n, "pool_int64s", &np);
	const Str *s = attr_strs(n, "pool_strings", &ns);
	int64_t dim[2] = { g->ncol, g->most }, count = dim[0] * dim[1];
	int64_t *ints = NEWN(int64_t, count + 1);
	Str *strs = NEWN(Str, count + 1);

	for (int64_t i = 0; i < count; i++)
		if (ns)
			strs[i] = s[g->item[i]];
		else
			ints[i] = p[g->item[i]];
	return value_const(n->graph, ns ? DT_STR : DT_I64, 2, dim, ns ? (void *)strs : ints);
}

/* item `col` of the row is item k of n-gram o */
static Expr *matches(Value *x, Ix row, Ix col, Value *items, Ix o, int k)
{
	Ix at[2] = { row, col }, it[2] = { o, ix_int(k) };
	Expr *a = te_read(x, is_batch(x) ? at : at + 1, x->rank), *b = te_read(items, it, 2);

	return x->dt == DT_STR ? ex_bin(E_STREQ, a, b) : ex_bin(E_EQ, ex_cast(DT_I64, a), b);
}

void lower_tf_idf_vectorizer(Node *n)
{
	Value *x = n->in[0], *y = n->out[0], *len, *items;
	const char *mode = attr_str(n, "mode", "TF");
	Ix cols = x->rank ? x->dim[x->rank - 1] : ix_int(1), row, o, p, skip, end, red[2], col;
	Expr *hit = ex_bits(DT_BOOL, 1), *l, *e, *w, *no = ex_bits(DT_BOOL, 0);
	int nred = 0;
	Grams g;
	Te *t;

	if (!read_grams(n, &g))
		return;
	len = value_ints(n->graph, g.len, g.ncol);
	items = pool_items(n, &g);
	t = te_begin(y);
	row = is_batch(x) ? t->axis[0] : NULL;
	o = t->axis[y->rank - 1];
	p = red_var(n, cols, red, &nred);
	skip = red_var(n, ix_int(g.most > 1 ? attr_int(n, "max_skip_count", 0) + 1 : 1), red, &nred);
	l = te_read(len, &o, 1);
	for (int k = g.most - 1; k >= 0; k--) {      /* the first item is compared first */
		end = ix_add(p, ix_mulc(ix_addc(skip, 1), k));
		col = ix_min(end, ix_addc(cols, -1));
		e = ex_select(ex_bin(E_LT, ex_ix(end), ex_ix(cols)), matches(x, row, col, items, o, k), no);
		hit = ex_select(ex_bin(E_GT, l, ex_int(DT_I64, k)), ex_select(e, hit, no), hit);
	}
	e = ex_bin(E_EQ, ex_ix(skip), ex_int(DT_I64, 0));
	hit = ex_select(ex_bin(E_GT, l, ex_int(DT_I64, 1)), hit, ex_select(e, hit, no));
	hit = ex_select(ex_bin(E_GT, l, ex_int(DT_I64, 0)), hit, no);
	e = ex_reduce(R_SUM, red, nred, ex_cast(DT_F32, hit));
	if (strcmp(mode, "TF")) {
		w = ex_float(DT_F32, 1);
		if (g.weight)
			w = te_read(value_const(n->graph, DT_F32, 1, &(int64_t){ g.ncol }, g.weight), &o, 1);
		if (!strcmp(mode, "IDF"))
			e = ex_cast(DT_F32, ex_bin(E_GT, e, ex_float(DT_F32, 0)));
		e = ex_bin(E_MUL, e, w);
	}
	te_end(y, e);
}
