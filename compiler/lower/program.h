/* What the files that build the program share: program.c, control.c. */
#ifndef ZENITHC_PROGRAM_H
#define ZENITHC_PROGRAM_H

#include "lower.h"
#include "../plan/plan.h"

/* the graph's code into a block; its inputs have places. False: it cannot run, and the block ends the run */
bool build_graph(Lower *, Graph *, Stmt *);
void build_control(Lower *, Stmt *, Node *);          /* If, Loop, Scan */

void bind_symbol(Lower *, Ix sym);
void forget_bound(Lower *, int n);      /* at the end of an arm or a body: all since Lower.bound had n */
bool all_bound(Lower *, Ix);
void emit_assumptions(Lower *, Stmt *);
void emit_bind(Lower *, Stmt *, Ix sym, Ix value);
void emit_bind_in_arm(Stmt *, Ix sym, Ix value);      /* of two: bound only after both, by bind_symbol */
void emit_bounds(Lower *, Stmt *, Ix sym, Ix value, int status);
void emit_binds_of(Lower *, Stmt *, Value *);
void emit_alloc(Stmt *, Mem *, Ix size);
void emit_move(Stmt *, Mem *to, Ix to_off, Mem *from, Ix from_off, Ix n);       /* n elements as they lie */
void emit_mark(Stmt *, SOp, int number);
void emit_call(Lower *, Stmt *, Call *);
void emit_copy(Lower *, Stmt *, Value *src, const Place *dst);

/* state.c */
void state_begin(Lower *, Stmt *);
State *state_of(Lower *, const Value *);              /* the pair of which v is one side, or NULL */
void state_settle(Lower *, State *);
void state_end(Lower *, Stmt *);

#endif
