/* What the files that build loops share: nest.c, tile.c, stmts.c. */
#ifndef ZENITHC_NEST_H
#define ZENITHC_NEST_H

#include "lower.h"
#include "../../codegen/target.h"
#include <math.h>

enum { FIRST_BOX = 2048, FIRST_TILE = 4096 };  /* ids of loop variables made by group.c and by nest.c,
						  tile.c */

/* a constant in the order in which a kernel reads it: blocks along one axis, everything else between them. Element ix
 * lies at sum ix[i]*stride[i] over the other axes + ix[lane]/block*stride[lane] + ix[lane]%block. With deep > 0
 * four elements along axis d = deep - 1 lie side by side, and around them the lanes:
 * ... + ix[d]/4*stride[d] + ix[lane]%block*4 + ix[d]%4 */
typedef struct Packed {
	Value *value;
	int lane, block, deep;
	Ix *stride;
	int64_t span;            /* > 0: blocks do not reach across multiples of it; ix[lane] is then counted from */
	Ix span_stride;          /* the last one, and ix[lane]/span*span_stride added */
	int nlevel;
	PackLevel level[PACK_MAX];
	Mem *mem;                /* once it is loaded */
	Value *sums;             /* over the axes that are reduced, the lane last; NULL: not needed */
} Packed;
typedef VEC(Packed *) Packs;

typedef struct Nest {
	Lower *lo;
	Group *g;
	Kern *k;
	Call *call;
	Mem **scratch;           /* of a Prog: regions of its scratch */
	int nloop;
	Packs *packs;            /* of the kernel, for all variants */
	const Isa *isa;          /* whose vectors are used; NULL: none */
	bool lane;               /* inside a loop of kind lanes */
} Nest;

Ix nest_var(Nest *, Ix extent);
Stmt *nest_scope(Stmt *);                        /* a block of its own: arrays declared in it end with it */
Stmt *nest_loop(Nest *, Stmt *, Ix count, Ix *v);        /* a loop, or for one iteration a scope */
Stmt *nest_unrolled(Nest *, Stmt *, int count, Ix *v);   /* the same written out; for one iteration nothing */
Mem *nest_param(Nest *, Mem *region, Ix off, const char *name);
Expr *nest_loads(Nest *, const Expr *);          /* TLOAD -> LOAD */
Expr *nest_word(Nest *, Value *, const Ix *ix);  /* four elements of 8 bits from there on: ex_load4 */
Ix nest_index(Nest *, Ix);
Expr *nest_load(Nest *, Value *, const Ix *ix);
Ix nest_flat(Nest *, Value *, const Ix *ix);     /* position of an element in what the kernel reads it from */
Expr *nest_settle(Nest *, Stmt *, const Expr *); /* REDUCE -> statements and variables */
void nest_store_at(Nest *, Stmt *, const Stage *, const Ix *at, Expr *);

bool has_reduce(const Expr *);
bool long_sum(const Expr *reduce);               /* of plain terms, so many that rounding errors count */
bool uses_axis(const Expr *, const Ix *axis, int n);
Expr *reduce_identity(ROp, DType);
Expr *reduce_combine(ROp, Expr *, Expr *);
Expr *reduce_term(const Nest *, ROp, Expr *acc, Expr *x);      /* products of vectors are fused */
DType reduce_dtype(const Nest *, const Expr *);
Expr *reduce_body(const Nest *, const Expr *);

void nest_axes(Nest *, Stmt *, const Stage *, int k, Expr *body);     /* loops k.. of the stage */

/* pieces.c: a stage as one loop nest per part that its guards choose */
void nest_pieces(Nest *, Stmt *, Stage *);

/* collapse.c: adjacent loops that every operand walks as one become one */
void collapse_loops(Nest *, Stage *);
void collapse_reductions(Nest *, Stage *);       /* those whose order is free, too */
void divide_loops(Nest *, Stage *);

/* Micro-kernels, of which family.c chooses; family.h has their contract. contract.c: a stage that is a contraction, on
 * register tiles, of floats; of integers, by dot.c */
bool contract_stage(Nest *, Stmt *, const Stage *, Expr *body);
bool dot_stage(Nest *, Stmt *, const Stage *, Expr *body);

/* every condition on the axis holds in [*from, *to) of [0, *to) given; false: not known */
bool cond_interior(const Ix *cond, int n, const IxAtom *axis, int64_t *from, int64_t *to);

/* elements that lie multiples of ALIAS apart meet in one place of a cache: their gather or scatter costs so much more */
enum { ALIAS = 1024, ALIASED = 16 };

const Expr *only_reduce(const Expr *body, const Expr *found);    /* (body, NULL): its one REDUCE, needed in any case */

/* rows.c: the last two axes of a stage whose body holds a reduction, the last as lanes */
bool rows_stage(Nest *, Stmt *, const Stage *, Expr *body);

/* lanes.c: the innermost axis of a stage as lanes; a reduction with its last variable as lanes, NULL: not done */
bool lanes_axis(Nest *, Stmt *, const Stage *, Expr *body);
/* its sums read memory in order where the axis does not: they are the lanes */
bool lanes_along_sum(Nest *, const Stage *, const Expr *body);
Var *lanes_reduce(Nest *, Stmt *, const Expr *reduce);

/* denormal.c: sets Kern.flush of the variants */
void flush_denormals(const Lower *, Kern *);

/* tile.c: the innermost axis of a stage whose body holds a reduction over it, as tiles of accumulators */
bool tile_axis(Nest *, Stmt *, const Stage *, Expr *body);

#endif
