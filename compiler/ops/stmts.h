/* Small helpers for operators that are written as statements (te.h, Prog). */
#ifndef ZENITHC_STMTS_H
#define ZENITHC_STMTS_H

#include "../ops.h"

Expr *i64(int64_t);
Expr *land(Expr *a, Expr *b);            /* b is evaluated only if a is true */
Expr *lor(Expr *a, Expr *b);             /* b is evaluated only if a is false */
Var *let_int(Prog *, Stmt *, const char *name, Expr *);    /* an i64 variable */
void add_to(Stmt *, Var *, int64_t);     /* v += c */
Ix var_ix(Var *, Ix size);               /* an i64 variable as index in [0, size) */
void unflatten(Ix flat, const Ix *dim, int rank, Ix *at);  /* row-major position to indices */

/* Whether the item of index a comes strictly before that of index b (i64 expressions): emits what it needs
 * into the block and returns a bool. */
typedef Expr *Before(Prog *, Stmt *, Expr *a, Expr *b, void *arg);

/* Sorts the first n items of list (i64 indices, each below its size), stably, by merging; other is scratch
 * of its size. */
void sort_list(Prog *, Stmt *, Mem *list, Mem *other, Expr *n, Before *, void *arg);
/* a before b in order of values; NaN is the greatest */
Expr *value_before(Expr *a, Expr *b, bool descending);

#endif
