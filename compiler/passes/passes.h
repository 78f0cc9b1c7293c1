/* Passes over the graph: a file each, listed in pipeline.c. A pass is void pass(Model *, const Options *). */
#ifndef ZENITHC_PASSES_H
#define ZENITHC_PASSES_H

#include "../zenithc.h"

void infer_graph(Graph *);               /* nodes that have no shapes yet */
void reinfer_graph(Graph *);             /* all over again: the inputs changed */
void infer_known(Node *);                /* ops/known.c */
void plant_fault(Model *);               /* test builds: plant.c */

#define PASS(name, level, what) void pass_##name(Model *, const Options *);
#include "passes.def"
#undef PASS

#endif
