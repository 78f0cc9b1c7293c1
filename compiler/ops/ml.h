/* What the classifiers of ai.onnx.ml share. */
#ifndef ZENITHC_ML_H
#define ZENITHC_ML_H

#include "../ops.h"

typedef enum Post { POST_NONE, POST_SOFTMAX, POST_LOGISTIC, POST_SOFTMAX_ZERO, POST_PROBIT, NPOST } Post;

bool ml_post(Node *, Post *);                          /* attribute post_transform */
/* out[n, c] = post transform of raw[n, c] over c */
void ml_transform(Node *, Value *raw, Value *out, Post);
Expr *ml_logistic(Expr *);
/* constants from attributes: the first of the two names that is given, as i64[n] or string[n]; NULL:
 * neither */
Value *ml_labels(Node *, const char *ints, const char *strings, int *n);
/* label[n] = table[least index of the greatest raw[n, ...]] */
void ml_argmax(Node *, Value *raw, Value *label, Value *table);
Value *ml_floats(Node *, DType, const float *, int n); /* a constant */
Value *ml_i64s(Node *, const int64_t *, int n);
DType ml_dtype(const Value *x);                        /* f64 if x is, else f32 */
Ix ml_rows(const Value *x, Ix *cols);                  /* x as a matrix: [N, C], or one row of C */
Expr *ml_elem(Value *x, Ix row, Ix col);               /* its element, of dtype ml_dtype */

#endif
