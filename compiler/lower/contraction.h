/* Contractions: reduce(sum; f(A) * g(B)), the form of matrix products and convolutions of any dtype.
 *
 * contraction_match looks at one REDUCE of a stage's body and says what a micro-kernel needs to know: the
 * two factors, the element that each one loads, and which variables each depends on. It changes nothing
 * and decides nothing. What stands around the REDUCE (scales, bias, activation) is the epilogue, and not
 * looked at.
 *
 * A product over integers is, for a kernel of dot products of 8 bits,
 *
 *   sum (a - za)*(b - zb) = sum a*b - zb * sum a - za * sum b + K*za*zb
 *
 * where a and b are the elements `elem`: outside its conditions a padded operand is filled with its zero
 * point, so that every term may be computed. With zb == 0 (NULL) and B constant, za * sum b is a constant
 * for each n. */
#ifndef ZENITHC_CONTRACTION_H
#define ZENITHC_CONTRACTION_H

#include "../te.h"

enum { CONTRACTION_VARS = 16 };

typedef struct Factor {
	Expr *e;         /* as it stands in the product: conditions, casts, zero point and all */
	/* the next five where e is one element, cast and shifted; otherwise NULL, and e is any expression */
	const Expr *load;        /* TLOAD: u.value and its logical indices */
	Expr *elem;              /* it, or a GUARD of it and a fill. e == cast(acc, elem) - zero */
	Expr *zero;              /* of dtype acc, free of reduction variables; NULL: 0 */
	const Ix *cond;          /* of the GUARD: e is 0 where one of them is negative */
	int ncond;
	DType dt;                /* of elem; of e if that is NULL */
} Factor;

typedef struct VarSet { int n; Ix v[CONTRACTION_VARS]; } VarSet;

typedef struct Contraction {
	const Expr *reduce;
	DType acc;               /* in which products and sums are made */
	Factor a, b;             /* in the order of the product */
	const Ix *cond;          /* around the whole product (ConvTranspose): terms outside are 0 */
	int ncond;
	/* free variables, in the order of their ids: axes of the stage and outer loops */
	VarSet m;                /* only a depends on them, with its conditions */
	VarSet n;                /* only b */
	VarSet batch;            /* both, or the conditions of the product */
	VarSet k;                /* the reduction's, in its order */
	double terms;            /* estimated number of products for one element */
	bool swapped;            /* b of the product is a here: set by contraction_swap */
} Contraction;

bool contraction_match(const Expr *reduce, Contraction *);
void contraction_swap(Contraction *);    /* a and b, m and n exchanged: multiplication commutes */

#endif
