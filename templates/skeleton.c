#include <math.h>
#include <string.h>

#ifdef __FAST_MATH__
#error "compile this file without -ffast-math: it changes results"
#endif
/* no contraction of a*b + c: results do not depend on the processor; no loads kept from one step of a loop for another:
 * where windows overlap that takes the registers of sums */
#if defined __clang__
#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wunused-function" /* some helpers serve other processors only */
#elif defined __GNUC__
#pragma GCC optimize ("fp-contract=off", "no-predictive-commoning")
#endif
#if defined __GNUC__ || defined __clang__
#define ZN_RESTRICT __restrict
#define ZN_KERNEL __attribute__((noinline))
#define ZN_ALIGN __attribute__((aligned(64)))
#else
#define ZN_RESTRICT
#define ZN_KERNEL
#define ZN_ALIGN
#endif

