/* Integer sums found in float ones (factor.c), and the ranges of integers that prove them (range.c). */
#ifndef ZENITHC_FACTOR_H
#define ZENITHC_FACTOR_H

#include "lower.h"

typedef struct Range { int64_t lo, hi; } Range;  /* inclusive; lo > hi: not known */

static inline bool range_known(Range r) { return r.lo <= r.hi; }
Range ex_range(const Expr *);    /* of integers; of floats that are integers, all of them */
double sum_bound(const Expr *reduce);    /* no partial sum of integers is larger; HUGE_VAL: not known */

void factor_graph(Lower *, Graph *, Unit **, int n);     /* before fusion */
Unit **zeros_graph(Lower *, Unit **, int *n);            /* after that: the units with those that it adds */
void factor_requantise(Lower *, Unit **, int n);         /* after it */

/* expressions of constants that are scalars or vectors of one length at one index (constvec.c) */
Expr *const_vector(Graph *, Expr *);     /* as a constant of its values; what is none, or no f32, stays */
bool const_each(const Expr *, bool (*f)(double, void *), void *);   /* holds for every value */
bool const_close(const Expr *, const Expr *);    /* equal everywhere, to one unit in the last place of f32 */

#endif
