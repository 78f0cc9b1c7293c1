/* Inside the interpreter: what icode.c compiles a kernel to and interp.c runs.
 *
 * A register is W patterns, one per lane. Outside lane loops there is one lane. A lane loop runs up to W
 * iterations of its variable at once, statement by statement; values that are the same in all of them are
 * uniform: computed once, in lane 0, and filled into the others where a varying instruction reads them. */
#ifndef ZENITHC_INTERP_H
#define ZENITHC_INTERP_H

#include "pool.h"

enum { W = 512 };

enum iop {
	I_EVAL,      /* dst = eop(a...) by ex_eval_n */
	I_POLY,      /* dst = poly */
	I_DIV,       /* dst = floor(a0 / a1); 0 unless a1 > 0: then the result is not used */
	I_BCAST,     /* dst = a0 == 1 ? a1 : a0 */
	I_LOAD,      /* dst = mem[a0]; where a1 is false (-1: nowhere) out of range gives 0 */
	I_COPY,      /* dst = a0 */
	I_GE0,       /* dst = a1 && a0 >= 0 (a1 < 0: no register, true) */
	I_MASK,      /* dst = a1 && a0, or a1 && !a0 if negate */
	I_SKIP,      /* to instruction `to` unless a lane of a0 is true */
	I_STREQ, I_STRNUM, I_NUMSTR,     /* strings: a pattern is the address of a Str */
	I_STRCAT, I_STRCASE, I_STRPARTS, I_STRPART,
};

typedef struct PolyTerm { int64_t c; int n; int *reg; bool *uniform; } PolyTerm;
typedef struct PolyCode { int64_t c; int n; PolyTerm *t; } PolyCode;

typedef struct MemRef {          /* a Mem with its bytes */
	const Mem *mem;
	void *p;
	int64_t size;
} MemRef;

typedef struct Ins {
	enum iop op;
	EOp eop;
	DType dt, adt[3];
	int dst, a[3];           /* registers; -1: none */
	int to;
	bool uniform, fill, affine, negate, word;
	MemRef *mem;
	PolyCode *poly;
} Ins;

typedef struct Code { VEC(Ins) ins; } Code;

typedef enum How { H_SERIAL, H_LANES, H_FOLD } How;

typedef struct Step {            /* a statement */
	SOp op;
	How how;                 /* FOR */
	Code code;
	int val, at;             /* registers of e and ix (FOR: the extent) */
	bool val_uniform, at_uniform, affine;
	int var;                 /* register of the loop variable or scalar */
	bool var_uniform;
	EOp fold;                /* H_FOLD: var = fold(var, val), or fma(val, at, var) */
	DType dt;
	MemRef *mem;
	int status;
	VEC(struct Step *) list;
	struct Step *body, *other;
} Step;

typedef struct Image {
	Step *root;
	int nreg, narray;
	uint64_t *reg;           /* W patterns each */
	void **array;            /* private arrays; all from big_alloc */
	int64_t left;            /* iterations and instructions that it may still do; all lanes at once are one */
} Image;

void icode_compile(Image *, const Kern *, void *const *arg, int64_t (*value)(const IxAtom *, void *), void *);

/* lanes.c */
const Stmt *stmt_only(const Stmt *);       /* the statement of a block of one */
const Expr *lanes_fold(const Stmt *);      /* set v = v op x: x, else NULL */
bool lanes_fit(const Stmt *loop);          /* may its iterations run statement by statement, all at once? */

#endif
