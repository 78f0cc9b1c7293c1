/* Memory: lifetimes of the regions of the workspace, their offsets, the layout of weights and state. */
#ifndef ZENITHC_PLAN_H
#define ZENITHC_PLAN_H

#include "../zenithc.h"

enum { PLAN_ALIGN = 64 };

typedef struct Life { Mem *mem; int first, last; } Life;       /* steps of the program, inclusive */

Life *plan_lives(const Program *, int *n);                     /* lives.c: of SP_WORK regions, in order of first use */
void plan_program(Program *, const Options *);                 /* offsets.c: everything */

#endif
