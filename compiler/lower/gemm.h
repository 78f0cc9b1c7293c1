/* What the files of register tiles share: contract.c, dot.c. */
#ifndef ZENITHC_GEMM_H
#define ZENITHC_GEMM_H

#include "contraction.h"
#include "nest.h"

enum { PANEL = 16 };             /* columns that lie together in a packed constant */

/* axes and the reduction's place, in an element of a tile; NULL: stays */
typedef struct Swap {
	const IxAtom *m, *n, *k;
	Ix mby, nby, kby;
	Ix kin;                  /* the variable in kby */
	const Expr *reduce;
	Expr *acc;
} Swap;

typedef struct Gemm {
	Nest *n;
	const Stage *s;
	Expr *body;
	Contraction c;
	const IxAtom *m, *l;     /* tile axis (NULL: none), lane axis */
	int mr, nv;
	bool copies;             /* the lane operand is copied */
	Mem *copy;               /* of the columns at hand: [k][nv*lanes] */
	Ix k[CONTRACTION_VARS];  /* reduction variables, outermost first */
	int nk;
	bool dot;                /* of bytes, four terms at a time along the last of k */
	Packed *pack;            /* of b; NULL: not packed */
	Ix inner[CONTRACTION_VARS];     /* axes of A inside the groups of columns, outermost first */
	int ninner;
	Ix from, count;          /* rows at hand */
	Ix turn;                 /* the number of a tile in its group; NULL: nothing is fetched ahead */
} Gemm;

/* rows [m0, m0 + mr), nv vectors from column n0 on, l: the variable of the lanes */
typedef struct Tile {
	Gemm *g;
	Swap *sw;
	Ix m0, n0, l;
	int mr, nv;
	Mem *acc;
	bool interior;           /* conditions on the tile axis hold */
} Tile;

Ix gemm_axis(const IxAtom *, void *swap);
Ix gemm_column(const Tile *, Ix j);
bool gemm_in_conds(const Factor *, const IxAtom *);
bool gemm_reduces(const Gemm *, Ix index);
/* elements from one index of the variable to the next in what the factor loads; -1: not regular */
int64_t gemm_step(Nest *, const Factor *, const IxAtom *);

/* dot.c */
bool dot_can(Gemm *);            /* reorders k */
int dot_regs(const Isa *);       /* for accumulators and vectors of b */
Mem *dot_sums(Tile *, Stmt *body);

#endif
