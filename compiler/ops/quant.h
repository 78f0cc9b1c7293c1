/* Quantisation arithmetic shared by quant.c and conv.c. */
#ifndef ZENITHC_QUANT_H
#define ZENITHC_QUANT_H

#include "../ops.h"

/* a scale or zero point: its only element, or element c where it has one per index c */
Expr *quant_param(Value *, Ix c);
/* float v rounded to nearest even, plus zero point (of dtype `to`; NULL: 0), saturated to integer dtype
 * `to` */
Expr *quant_round(Expr *v, Expr *zero, DType to);
bool quant_range(DType, double *lo, double *hi);   /* of integer dtypes, sub-byte ones included */

#endif
