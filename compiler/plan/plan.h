/* Memory: lifetimes of the regions of the workspace, their offsets, the layout of weights and state. */
#ifndef ZENITHC_PLAN_H
#define ZENITHC_PLAN_H

#include "../zenithc.h"

enum { PLAN_ALIGN = 64 };

typedef struct Life { Mem *mem; int first, last; } Life;       /* steps of the program, inclusive */
typedef struct Lives {
	Life *life;   /* by Mem.id; mem NULL: not in the workspace, not used, or merged into another */
	int n;
	VEC(Stmt *) call;        /* every call, in order */
	VEC(int) step;           /* and its step */
	bool *weight;            /* by Mem.id: a weight that something reads */
} Lives;

Lives plan_lives(const Program *);                             /* lives.c */
void plan_inplace(Program *, Lives *);   /* inplace.c: results that overwrite an operand's region */
void plan_program(Program *, const Options *);                 /* offsets.c: everything */
void plan_print(Buf *, const Program *);   /* print.c: a table of the regions of the workspace */

#endif
