/* The families of micro-kernels, families.def, and which of them a stage gets. */
#ifndef ZENITHC_FAMILY_H
#define ZENITHC_FAMILY_H

#include "nest.h"

typedef struct Family {
	const char *name;
	/* appends the stage's loops from the ones it takes inwards; false: not applicable, nothing was appended */
	bool (*build)(Nest *, Stmt *, const Stage *, Expr *body);
	int loops;
	bool vectors;
	double madds, loads;
	const char *what;
} Family;

extern const Family family_table[];      /* ends with a name NULL */

/* loops k.. of the stage by the cheapest family that applies; false: none does */
bool family_build(Nest *, Stmt *, const Stage *, int k, Expr *body);
void family_say(const Lower *);          /* for -v: kernels of each, variants counted by themselves */

#endif
