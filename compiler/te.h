/* Tensor expressions and units: what lowering an operator produces.
 *
 * An operator's LowerFn (compiler/ops/) defines each of its outputs in one of two ways:
 *
 *   expression   te_begin(v); build a body over v's axes with ex_tload of the inputs; te_end(v, body). Most
 *                operators. Internal values (a row's maximum) come from te_temp and are defined the same way,
 *                before their readers.
 *   statements   a Prog: loop IR statements that read values with ex_tload and write with prog_store, logical
 *                indices; for what is not per-element (sort, NMS, recurrent cells, trees, strings).
 *
 * Control flow (If, Loop, Scan) is lowered by lower/program.c from the node itself.
 * Everything a unit reads is found in its expressions; nothing else need be declared.
 */
#ifndef ZENITHC_TE_H
#define ZENITHC_TE_H

#include "graph.h"
#include "../codegen/ir.h"

typedef struct Te {
	int rank;                /* of the value */
	Ix *axis;                /* variables: ix_var(i, dim[i]), ids 0..rank-1 */
	Expr *body;              /* of the value's dtype */
} Te;

typedef enum UKind { U_TE, U_PROG, U_CONTROL } UKind;

typedef struct Unit {
	UKind kind;
	Node *node;
	Value *out;              /* TE */
	struct Prog *prog;       /* PROG */
} Unit;

/* expressions */
Te *te_begin(Value *);                     /* the value's dims must be known; gives the axes */
void te_end(Value *, Expr *body);   /* adds a unit to the value's node; casts nothing: dtypes must agree */
Value *te_temp(Node *, const char *name, DType, int rank, const Ix *dim);
Ix te_var(Node *, Ix extent);              /* a fresh reduction variable */
Expr *te_read(Value *, const Ix *ix, int n);      /* element ix[0..n): n == rank */
Expr *te_read_bcast(Value *, const Ix *axis, int rank);  /* numpy broadcasting of v against an output of that
							    rank */
/* fill outside; check[i] (NULL: all): axis i may be out */
Expr *te_read_box(Value *, const Ix *ix, int n, const unsigned char *check, Expr *fill);
Expr *te_scalar(Value *);                  /* the only element of a tensor of one element */
Ix te_index(Value *, const Ix *ix, int n, Ix dim); /* an integer tensor's element used as index in [0, dim) */
                                                          /* negative counts from the end. Out of range:
                                                           * constants are
                                                             an error(); otherwise a unit is added that checks
                                                             the whole
                                                             tensor at run time and fails with
                                                             ZENITH_BAD_INDEX */

/* statements */
typedef struct Prog {
	Node *node;
	Kern *kern;              /* name and counters; its params are made by lowering */
	Stmt *body;              /* a block of loop IR with TLOAD, and STORE to the Mem of a value */
	VEC(Value *) out;        /* values that it writes */
	VEC(Mem *) mem;          /* mem[i]: out[i] in logical, contiguous order of elements */
	VEC(Mem *) scratch;
	Value *checks;   /* only checks that this tensor's elements lie in [-check_dim, check_dim); or NULL */
	Ix check_dim, check_column;      /* of the last axis; NULL: all */
	int nloop;
} Prog;

Prog *prog_begin(Node *, const char *name);
void prog_out(Prog *, Value *);   /* declares an output (or temp) that it writes */
void prog_store(Prog *, Stmt *, Value *, const Ix *ix, Expr *);   /* v[ix...] = e; flattens over v's dims */
Expr *prog_load(Prog *, Value *, const Ix *ix);   /* of a value that this Prog itself writes */
Ix prog_for(Prog *, Stmt *block, Ix extent, Stmt **body);         /* serial loop; returns its variable */
void prog_end(Prog *);                                            /* adds the unit */
void te_fail(Node *, const char *name, Expr *cond, int status);   /* a unit that ends the run if cond holds */
void te_require(Node *, Value *, Ix lo, Ix hi, int status);       /* ... unless all its elements lie in [lo, hi] */
Mem *prog_scratch(Prog *, const char *name, DType, Ix size);  /* memory in the workspace for the time of this
								 kernel */

/* reads.c, called by te_end and prog_end: errors where constants say that a value is read beyond its dims */
void reads_of_te(Node *, const Value *);
void reads_of_prog(Node *, const Stmt *body);

void node_lower(Node *);                   /* calls op_def[].lower; raises nothing, errors are counted */

#endif
