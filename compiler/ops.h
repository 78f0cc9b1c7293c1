/* What the files of compiler/ops/ share: declarations of every shape rule and lowering named in ops.def, and
 * helpers. */
#ifndef ZENITHC_OPS_H
#define ZENITHC_OPS_H

#include "graph.h"
#include "te.h"

#define OP(id, name, dom, ver, in0, in1, out0, out1, shape, lower, eop, flags) \
	ShapeFn shape_##shape; LowerFn lower_##lower;
#define shape_none shape_none_
#define lower_none lower_none_
#include "ops.def"
#undef OP
#undef shape_none
#undef lower_none

/* ops/common.c */
bool broadcast_dims(Node *, Value *const *in, int n, Ix *dim, int *rank);  /* numpy broadcasting; error() if
									      impossible */
Value *in_opt(const Node *, int i);          /* input i, or NULL where it is absent or beyond nin */
bool out_wanted(const Node *, int i);        /* output i exists and is named */
void set_out(Node *, int i, DType, int rank, const Ix *dim);
bool out_like(Node *, int i, const Value *);  /* output i has the kind, dtype and dims of that value */
/* input i, where given, has one dimension of len elements (or, with `one`, is a single element): else error() */
bool in_vector(Node *, int i, Ix len, bool one);
bool in_dims(Node *, int i, int rank, const Ix *dim);  /* input i, where given, has these: else error() */
bool in_bcast(Node *, int i, int rank, const Ix *dim); /* input i, where given, is broadcast to these: else error() */
/* input i, where given, is one element, one for each index of an axis, or broadcast to these dims: else error() */
bool in_spread(Node *, int i, int axis, int rank, const Ix *dim);
/* whole is so many equal parts, at least one: else error(), or ZENITH_BAD_SHAPE where only dims tell */
bool in_parts(Node *, Ix whole, Ix parts, const char *what);
void fail_from_nothing(Node *, Ix in, Ix out);     /* lowering: an axis of nothing that should give elements is ZENITH_BAD_SHAPE */
/* inputs of an operator on bytes: b int8 or uint8, all of one type; s a float scale; z a zero point of that type, which may
 * be absent. Otherwise error() */
bool bytes_in(Node *, const char *kinds);
bool norm_axis(Node *, int64_t *axis, int rank);   /* axis_ok with a rank-0 tensor counted as rank 1 */
Ix unflat(Ix lin, const Ix *dim, int rank, Ix *ix);   /* row-major position to indices; ix[0..rank) */
Ix flat_at(const Ix *ix, const Ix *dim, int rank);        /* indices to row-major position */
DType acc_type(DType);   /* in which a formula over this dtype is computed: f16, bf16, narrow -> f32 */
Expr *ex_acc(Expr *);                        /* cast to acc_type */
bool is_float8(DType);
int ints_len(Node *, const Value *);         /* elements of an integer list, or -1 after error() */
int dims_len(Node *, const Value *);         /* the same, of a list with one for each dimension: no more than a rank */

/* ops/axes.c: axes that only data may decide */
Ix is_equal01(Ix, Ix);                       /* 1 where equal, else 0 */
Ix is_neg01(Ix);                             /* 1 where negative, else 0 */
/* flag[i]: 1 where axis i is among them, else 0 */
bool axes_flags(Node *, Value *axes, const char *attr, int rank, Ix *flag, int *n);
/* the dims that are not flagged, in order */
void dropped_dims(const Ix *dim, const Ix *flag, int rank, Ix *out, int nout);
Ix dropped_axis(const Ix *flag, int i, const Ix *axis, int nout);  /* the index of axis i among those; 0 if
								      flagged */

/* ops/random.c: in [0, 1), of f64 if dt is it, else f32 with no more bits than dt; element: number of the draw */
Expr *uniform_at(const Node *, DType dt, Expr *element);

/* expression shorthand */
static inline Expr *xadd(Expr *a, Expr *b) { return ex_bin(E_ADD, a, b); }
static inline Expr *xsub(Expr *a, Expr *b) { return ex_bin(E_SUB, a, b); }
static inline Expr *xmul(Expr *a, Expr *b) { return ex_bin(E_MUL, a, b); }
static inline Expr *xdiv(Expr *a, Expr *b) { return ex_bin(E_DIV, a, b); }
static inline Expr *xmin(Expr *a, Expr *b) { return ex_bin(E_MIN, a, b); }
static inline Expr *xmax(Expr *a, Expr *b) { return ex_bin(E_MAX, a, b); }
/* a constant of e's dtype */
static inline Expr *xlike(const Expr *e, double v) { return ex_float(e->dt, v); }

/* ops/known.c: after the shape rule, the elements of small integer outputs as index algebra */
void infer_known(Node *);
/* as value_elem, but an element that is computed from others by plain arithmetic is that arithmetic over
 * their symbols */
Ix dim_elem(Value *, int k, Ix lo, Ix hi);
/* element k of a small vector, floats too, if it is a constant whatever computes it */
bool const_elem(Value *, int k, double *to);

#endif
