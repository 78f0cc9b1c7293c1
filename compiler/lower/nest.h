/* What the files that build loops share: nest.c, tile.c. */
#ifndef ZENITHC_NEST_H
#define ZENITHC_NEST_H

#include "lower.h"
#include <math.h>

enum { FIRST_BOX = 2048, FIRST_TILE = 4096 };  /* ids of loop variables made by group.c and by nest.c,
						  tile.c */

typedef struct Nest {
	Lower *lo;
	Group *g;
	Kern *k;
	Call *call;
	Mem **scratch;           /* of a Prog: regions of its scratch */
	int nloop;
} Nest;

Ix nest_var(Nest *, Ix extent);
Mem *nest_param(Nest *, Mem *region, Ix off, const char *name);
Expr *nest_loads(Nest *, const Expr *);          /* TLOAD -> LOAD */
Ix nest_index(Nest *, Ix);
Expr *nest_settle(Nest *, Stmt *, const Expr *); /* REDUCE -> statements and variables */
void nest_store_at(Nest *, Stmt *, const Stage *, const Ix *at, Expr *);

bool has_reduce(const Expr *);
bool uses_axis(const Expr *, const Ix *axis, int n);
Expr *reduce_identity(ROp, DType);
Expr *reduce_combine(ROp, Expr *, Expr *);
DType reduce_dtype(const Nest *, const Expr *);
Expr *reduce_body(const Nest *, const Expr *);

void nest_axes(Nest *, Stmt *, const Stage *, int k, Expr *body);     /* loops k.. of the stage */

/* pieces.c: a stage as one loop nest per part that its guards choose */
void nest_pieces(Nest *, Stmt *, Stage *);

/* collapse.c: adjacent loops that every operand walks as one become one */
void collapse_loops(Nest *, Stage *);

/* tile.c: the innermost axis of a stage whose body holds a reduction over it, as tiles of accumulators.
 * False: not done */
bool tile_axis(Nest *, Stmt *, const Stage *, Expr *body);

#endif
