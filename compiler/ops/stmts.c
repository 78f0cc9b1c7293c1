#include "stmts.h"

Expr *i64(int64_t v)
{
	return ex_int(DT_I64, v);
}

Expr *land(Expr *a, Expr *b)
{
	return ex_select(a, b, ex_int(DT_BOOL, 0));
}

Expr *lor(Expr *a, Expr *b)
{
	return ex_select(a, ex_int(DT_BOOL, 1), b);
}

Var *let_int(Prog *p, Stmt *b, const char *name, Expr *e)
{
	return st_let(b, p->kern, name, e);
}

void add_to(Stmt *b, Var *v, int64_t c)
{
	st_set(b, v, ex_bin(E_ADD, ex_var(v), i64(c)));
}

Ix var_ix(Var *v, Ix size)
{
	return ex_as_ix(ex_var(v), ix_int(0), ix_addc(size, -1));
}

void unflatten(Ix flat, const Ix *dim, int rank, Ix *at)
{
	for (int i = rank - 1; i > 0; i--) {
		at[i] = ix_mod(flat, dim[i]);
		flat = ix_div(flat, dim[i]);
	}
	if (rank > 0)
		at[0] = flat;
}

/* merges list[lo..mid) and list[mid..hi) into other[lo..hi) */
static void merge(Prog *p, Stmt *b, Mem *list, Mem *other, Expr *lo, Expr *mid, Expr *hi, Before *before,
	void *arg)
{
	Ix n = list->size;
	Var *i = let_int(p, b, "i", lo), *j = let_int(p, b, "j", mid), *o = let_int(p, b, "o", lo), *right;
	Stmt *s;

	b = st_while(b, ex_bin(E_LT, ex_var(o), hi));
	right = st_let(b, p->kern, "right", ex_bin(E_GE, ex_var(i), mid));
	s = st_if(b, ex_bin(E_AND, ex_bin(E_LT, ex_var(i), mid), ex_bin(E_LT, ex_var(j), hi)));
	st_set(s, right, before(p, s, ex_load(list, var_ix(j, n)), ex_load(list, var_ix(i, n)), arg));
	s = st_if(b, ex_var(right));
	st_store(s, other, var_ix(o, n), ex_load(list, var_ix(j, n)));
	add_to(s, j, 1);
	s = st_else(b);
	st_store(s, other, var_ix(o, n), ex_load(list, var_ix(i, n)));
	add_to(s, i, 1);
	add_to(b, o, 1);
}

void sort_list(Prog *p, Stmt *b, Mem *list, Mem *other, Expr *n, Before *before, void *arg)
{
	Var *w = let_int(p, b, "width", i64(1)), *lo, *mid, *hi, *c;
	Stmt *pass = st_while(b, ex_bin(E_LT, ex_var(w), n)), *s;
	Expr *top;

	lo = let_int(p, pass, "lo", i64(0));
	s = st_while(pass, ex_bin(E_LT, ex_var(lo), n));
	top = ex_bin(E_ADD, ex_var(lo), ex_var(w));
	mid = let_int(p, s, "mid", ex_bin(E_MIN, top, n));
	hi = let_int(p, s, "hi", ex_bin(E_MIN, ex_bin(E_ADD, ex_var(mid), ex_var(w)), n));
	merge(p, s, list, other, ex_var(lo), ex_var(mid), ex_var(hi), before, arg);
	st_set(s, lo, ex_var(hi));
	c = let_int(p, pass, "c", i64(0));
	s = st_while(pass, ex_bin(E_LT, ex_var(c), n));
	st_store(s, list, var_ix(c, list->size), ex_load(other, var_ix(c, list->size)));
	add_to(s, c, 1);
	st_set(pass, w, ex_bin(E_ADD, ex_var(w), ex_var(w)));
}

Expr *value_before(Expr *a, Expr *b, bool descending)
{
	Expr *nan;

	if (!dt_float(a->dt) && !dt_int(a->dt)) {
		DType to = a->dt == DT_BOOL || dtype_info[a->dt].name[0] != 'f' ? DT_I32 : DT_F32;
		a = ex_cast(to, a);
		b = ex_cast(to, b);
	}
	if (!dt_float(a->dt))
		return ex_bin(descending ? E_GT : E_LT, a, b);
	if (descending)
		nan = ex_bin(E_AND, ex_un(E_ISNAN, a), ex_un(E_NOT, ex_un(E_ISNAN, b)));
	else
		nan = ex_bin(E_AND, ex_un(E_ISNAN, b), ex_un(E_NOT, ex_un(E_ISNAN, a)));
	return ex_bin(E_OR, ex_bin(descending ? E_GT : E_LT, a, b), nan);
}
