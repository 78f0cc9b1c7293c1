/* Inside the loop IR library: the pool of expressions and what its files share. */
#ifndef ZENITHC_POOL_H
#define ZENITHC_POOL_H

#include "ir.h"

/* A table of one pass over a DAG: slot[id] belongs to the pass if its stamp is the pass's. Passes nest (a
 * substitution calls another), so there is a table per depth, used again by later passes of that depth. */
typedef struct Memo {
	struct { unsigned stamp; Expr *e; } *slot;
	int cap;
	unsigned stamp;
	VEC(const Expr *) todo;  /* the walk's stack; one that runs inside another leaves its part as it was */
} Memo;

typedef struct Search Search;

typedef struct ExPool {
	Expr **tab;              /* open addressing, at most half full */
	size_t cap;
	int n;
	VEC(Memo *) memo;
	int depth;               /* passes that run now */
	Map *sym;                /* symbols by the text under which they were printed */
	int nvar;                /* variables of programs */
	int nfresh;              /* variables renamed on capture */
	Search *search;          /* the innermost search that runs */
} ExPool;

enum { FRESH_VAR = 1 << 20 };         /* numbers of renamed variables begin here */

ExPool *ex_pool(void);
Map *ex_syms(void);
Memo *memo_begin(void);
void memo_end(void);
bool memo_has(const Memo *, const Expr *);
void memo_set(Memo *, const Expr *, Expr *);

uint64_t rop_identity(ROp, DType);     /* the pattern of an empty reduction */

uint64_t dt_mask(DType);               /* the bits of a pattern that count */
static inline bool is_bits(const Expr *e, uint64_t bits) { return e->op == E_CONST && e->u.bits == bits; }
static inline Ix minus1(Ix p) { return ix_sub(ix_int(-1), p); }        /* >= 0 if and only if p < 0 */

/* simplify.c: an equal expression, or NULL; y is the constant where x and y may change places */
Expr *simplify_un(EOp, Expr *x);
Expr *simplify_bin(EOp, Expr *x, Expr *y);
Ix as_poly(const Expr *);              /* an i64 constant or index as a polynomial, else NULL */
Ix poly_arith(EOp, Ix, Ix);            /* op on two indices as an index: i64 wraps, indices are assumed not to; or NULL */
bool cast_through(DType src, DType mid, DType dt);    /* cast(dt, cast(mid, x)) = cast(dt, x)? */

/* scalar.c: r[i] = op(a[0][i], a[1][i], ...), i < n; ex_eval is this for n = 1. `a` has three entries,
 * whatever op needs; r may be one of them */
void ex_eval_n(EOp, DType dt, const uint64_t *const *a, const DType *adt, uint64_t *r, int n);

/* verify.c: are op's operands right? NULL, or what is wrong; dt: the result of casts and strings */
const char *ex_check(EOp, DType dt, Expr *const *a, int n);

/* print.c: an expression in the manual's syntax; a dtype's short name */
const char *dt_text(DType);
void print_var(Buf *, const Var *);       /* acc.3 */
void print_mem(Buf *, const Mem *);       /* x.0, t@1 */
extern const char *const space_text[NSPACE];
void ir_print_expr(Buf *, const Expr *);

#endif
