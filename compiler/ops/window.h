/* Sliding windows: the geometry that convolutions, pooling and their transposes share. */
#ifndef ZENITHC_WINDOW_H
#define ZENITHC_WINDOW_H

#include "../ops.h"

enum { WMAX = 16 };              /* spatial axes: below LIM_RANK's default */

/* Output position o of spatial axis i covers the input positions o*stride + k*dil - pad0, k < size;
 * positions outside 0 <= p < in are padding. */
typedef struct Win {
	int n;                   /* spatial axes; x is [N, C, spatial...] */
	Ix in[WMAX], size[WMAX], out[WMAX];
	Ix pad0[WMAX], pad1[WMAX];
	int64_t stride[WMAX], dil[WMAX];
} Win;

/* attribute of one integer >= least per spatial axis, `dflt` where it is absent; false after error() */
bool win_attr(Node *, const char *name, int n, int64_t dflt, int64_t least, int64_t *to);
/* geometry from the attributes auto_pad, pads, strides, dilations (and ceil_mode if `ceil`) */
bool win_get(Node *, const Value *x, const Ix *size, bool ceil, Win *);
/* of a ConvTranspose: w is [C, M/group, spatial...]; win.in is the axis of x, win.out that of y */
bool conv_transpose_get(Node *, Win *, int64_t *group);
/* the attribute kernel_shape as dims */
bool win_kernel(Node *, int n, Ix *size);
Ix win_pos(const Win *, int i, Ix o, Ix k);
/* a variable per spatial axis, from `ext`; those that are needed are appended to red[*nred] */
void win_vars(Node *, int n, const Ix *ext, Ix *var, Ix *red, int *nred);
/* conditions (>= 0) that 0 <= pos[i] < in[i] for each axis; returns their number (2n) */
int win_inside(const Win *, const Ix *pos, Ix *cond);

/* The other way round, as in a transposed convolution: the positions pos (< win->in) and taps that meet in
 * output o of axis i, over a fresh variable; adds the conditions under which they do. */
void win_back(Node *, const Win *, int i, Ix o, Ix *pos, Ix *tap, Ix *cond, int *nc, Ix *red, int *nred);
/* weight of a sample at distance d >= 0: linear, or cubic with coefficient a */
Expr *interpolate(bool cubic, double a, Expr *d);

/* the dtype in which sums over a dtype are accumulated, and a cast to it */
DType acc_dtype(DType);
Expr *acc_cast(Expr *);
/* a variable for a reduction over ext, or 0 where ext is 1: appended to red[*nred] if it is a variable */
Ix red_var(Node *, Ix ext, Ix *red, int *nred);
Expr *red_sum(const Ix *red, int nred, Expr *);

/* A dim of output o that data decides: a fresh symbol, the same one whenever the node is inferred again;
 * and, in lowering, the i64[1] value that holds it once it is known (no effect on a dim that became something
 * else). */
Ix data_dim(Node *, int o, int axis, Ix lo, Ix hi);
void data_dim_is(Node *, Ix dim, Value *count);
Value *out_or_temp(Node *, int o, const char *name, DType, int rank, const Ix *dim);

#endif
