/* Passes over the graph: a file each, listed in pipeline.c. A pass is void pass(Model *, const Options *). */
#ifndef ZENITHC_PASSES_H
#define ZENITHC_PASSES_H

#include "../zenithc.h"

void infer_graph(Graph *);               /* nodes that have no shapes yet */
void reinfer_graph(Graph *);             /* all over again: the inputs changed */
void check_declared(Model *, const Options *);    /* declared.c */
void infer_known(Node *);                /* ops/known.c */
/* an If whose condition is known gives way to the nodes of its branch: the first node to look at next, or
 * NULL: it stays. inferred: readers rely on the shapes of its outputs, which must not change */
Node *prune_if(Node *, bool inferred);
void drop_branch(Graph *);               /* one that fails: its nodes go */
bool split_if(Node *); /* what depends on an If goes into its branches; false: only outputs of its graph do */
bool in_loop(const Graph *);             /* a body: what is known of its inputs is so in the first iteration only */
/* sequences and optionals (sequence.h). dissolve: a node that has to do with them gives way to others: the
 * next to look at; NULL: it has not. dissolve_if: an If gives parts where its branches give them; it is to be
 * inferred again */
Node *dissolve(Node *);
bool dissolve_if(Node *);
void sequence_inputs(Model *);
void sequence_outputs(Model *);
/* a copy of a node and its subgraphs, at the end of a graph */
Node *node_clone(const Node *, Graph *);
void plant_fault(Model *);               /* test builds: plant.c */

#define PASS(name, level, what) void pass_##name(Model *, const Options *);
#include "passes.def"
#undef PASS

#endif
