/* Comparing values. Shapes and types must be equal, NaN and infinities lie in the same places; integers, bool
 * and strings are equal; floats differ by at most atol + rtol*|want|, or with max_error >= 0 by at most
 * max_error * max|want|, and then integers of at most 16 bits that a quantising operator makes by at most
 * one.
 *
 * A tensor [n, k] may be wanted where a sequence of n maps of k values is got: it is compared with their
 * values. */
#ifndef ZENITHC_COMPARE_H
#define ZENITHC_COMPARE_H

#include "host.h"

typedef struct Tol { double rtol, atol, max_error; bool quantum; } Tol;

typedef struct Diff {            /* begin with all zero; several comparisons add up */
	int64_t n, bad;          /* elements compared, and those over their bound */
	double over;             /* the worst: error / bound */
	double err, largest;     /* greatest |got - want|, greatest |want| */
	const char *worst;       /* "[0,3]: got 1, want 2" */
	const char *path;        /* within a sequence or map */
} Diff;

void host_compare(const Host *got, const Host *want, const Tol *, Diff *);
double host_largest(const Host *);      /* greatest finite magnitude */

#endif
