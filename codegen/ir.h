/* The loop IR: the one language of operators, fused kernels, micro-kernels and the program that calls them.
 *
 * MEANING
 *
 * Types. Expressions are scalars and have a dtype (compiler/dtype.h). Arithmetic is on bool, i8-i64, u8-u64,
 * f16, bf16, f32, f64. Narrow dtypes (class N) and strings may only be loaded, stored, selected, cast, bitcast.
 * Integers wrap modulo 2^bits. f16 and bf16 operations behave as if computed in f32 and rounded to nearest even.
 *
 *   div    floats: IEEE. Integers: truncates; x/0 = 0 and INT_MIN/-1 = INT_MIN, so that it never traps
 *   rem    sign of the dividend (C's % and fmod); x rem 0 = 0 for integers, NaN for floats
 *   fmodp  sign of the divisor (Python's %); integers: x fmodp 0 = 0
 *   min max    if an operand is NaN the result is NaN; min(-0, +0) is either
 *   pow    as C's pow; integers: repeated multiplication, wrapping; a negative exponent gives 0, +-1 for
 *          bases +-1
 *   shl shr    logical for unsigned, shr arithmetic for signed; a count >= bits gives 0 (or the sign)
 *   sign   -1, 0, 1; NaN for NaN
 *   eq..ge on floats as IEEE (NaN: only ne is true)
 *   round  to nearest, ties to even
 *   select(c, a, b), guard: only the chosen operand is evaluated
 *   cast   int to int: modulo. float to float: nearest even. float to int: truncates; NaN, infinities and
 *          values out of range give what x86 gives for the destination (documented in interp.c; never
 *          undefined in C): to i64 and u64 and i32 INT_MIN-like patterns, narrower ones through i32 modulo. x
 *          to bool: x != 0. To a float8: out of range gives NaN or infinity; castsat saturates instead. To
 *          int4, uint4, int2, uint2: modulo
 *   dot4(s, a, b)   s + the sum of the products of byte k of a, unsigned, and byte k of b, signed, k from 0 to 3
 *   sdot4(s, a, b)  the same, both signed
 *   erf, exp, log, ... within 4 ulp (f32) of the exact value
 *
 * Indices. Loop variables, dims and offsets are index algebra (compiler/idx.h); IX embeds one as i64 data,
 * and an IX_EXPR atom embeds an i64 expression as an index. The two intern each other.
 *
 * Expressions are pure and interned: equal form, equal pointer. They read memory and mutable variables at the
 * point where their statement executes.
 *
 * Kinds:
 *   CONST   u.bits, the pattern of dtype dt, zero-extended to 64 bits
 *   IX      ix[0]
 *   VAR     u.var
 *   LOAD    element ix[0] of u.mem. Loop IR only. Of dtype i32 where u.mem has elements of 8 bits: the four from
 *           ix[0] on, the first in the lowest bits (a word)
 *   TLOAD   element (ix[0], ..., ix[n-1]) of the graph value u.value, logical indices. Until lowering only
 *   GUARD   a[0] if every ix[i] >= 0, else a[1]: the box of a padded, concatenated or sliced operand, and its
 *           fill
 *   REDUCE  u.rop over the variables ix[] (IX_VAR atoms with their extents) of a[0], accumulated in dt; a[0]
 *           has dtype dt too. Until lowering only. An empty range gives the operation's identity
 *
 * Statements execute in order. A kernel's memory operands do not overlap unless they are the same Mem. A
 * store to a Mem that is also loaded (in-place) is ordered as written. Index ranges are proved where
 * possible, otherwise guarded by FAIL before the access; an access outside its Mem is a bug.
 *
 * FOR has extent iterations of var from 0. `kind` says how they may be carried out, never what they compute:
 *   parallel   iterations are independent, but for memory that each part of the kernel has for itself
 *   unrolled   the extent is constant; the body is written out once per iteration
 *   lanes      iterations are independent, at most `lanes` of them, and run as the lanes of vectors: what
 *              depends on var is a vector, a load or store at var's stride 1 a vector load or store, what does
 *              not depend on it a scalar that is broadcast. Variables and arrays declared in the body have a
 *              value per lane; an array whose indices are constants is a set of registers. Inner loops and
 *              conditions have the same course in all lanes, but for `if` n - var > 0, which switches lanes off.
 *              One exception to independence: set v = op(v, x) of a variable declared outside gathers x of all
 *              lanes, in any order. A target or dtype that has no vectors runs it as a serial loop.
 * KEEP mem: the elements of a register array are needed here (an empty asm: compilers keep them apart).
 * PREFETCH mem[ix]: will be read soon. Neither changes what is computed.
 */
#ifndef ZENITHC_IR_H
#define ZENITHC_IR_H

#include "../compiler/dtype.h"
#include "../compiler/idx.h"

typedef enum EOp {
	E_NONE,
#define EX(id, text, n, rule) E_##id,
#include "ir.def"
#undef EX
	NEOP
} EOp;

typedef enum ROp { R_SUM, R_PROD, R_MIN, R_MAX, R_AND, R_OR, NROP } ROp;

typedef struct EOpInfo { const char *text; int n; char rule; } EOpInfo;
extern const EOpInfo eop_info[NEOP];
extern const char *const rop_text[NROP];

typedef struct Var { int id; DType dt; const char *name; } Var;  /* let (never set again) or mutable scalar */

/* memory spaces: the first three belong to kernels, the others to the program */
typedef enum Space { SP_PARAM, SP_PRIVATE, SP_SCRATCH, SP_WORK, SP_WEIGHT, SP_STATE, SP_IN, SP_OUT, SP_HEAP, NSPACE } Space;

typedef struct Mem {             /* a piece of memory of equal elements */
	int id;   /* number of the parameter or array in its kernel; of the region in the program */
	Space space;
	DType dt;
	bool packed;             /* sub-byte elements packed (weights, inputs, outputs, state) */
	bool written, read;      /* by this kernel */
	bool step;               /* scratch that each step of the kernel's outer loops computes anew */
	bool each;               /* every part of the kernel has its own: of `size` elements, one behind the other */
	const char *name;        /* C identifier without prefix: what it is ("x", "weight", "y") */
	Ix size;                 /* elements */
	Ix offset;   /* SP_WORK, SP_WEIGHT, SP_STATE: byte offset, multiple of 64; NULL until planned */
	int index;               /* SP_IN, SP_OUT: which; SP_STATE: which pair */
	const struct Data *data; /* SP_WEIGHT: the bytes */
	struct Value *value;     /* what it holds first, for names and comments; may be NULL */
} Mem;

typedef struct Expr {
	EOp op;
	DType dt;
	int n, nix;
	bool reduces;            /* it is a REDUCE, or one is below it, indices included */
	struct Expr *const *a;
	const Ix *ix;
	union { uint64_t bits; Var *var; Mem *mem; struct Value *value; ROp rop; } u;
	uint64_t hash;
	int id;                  /* order of creation: for deterministic sorting and memo tables */
} Expr;

/* builders; they check dtypes (bug() if wrong) and simplify what is exact: constants, x*1, x+0 of integers,
 * equal casts, select and guard decided by proofs */
Expr *ex_bits(DType, uint64_t bits);
Expr *ex_float(DType, double);           /* rounded to the dtype; any class, integers too */
Expr *ex_int(DType, int64_t);
Expr *ex_ix(Ix);                         /* i64 */
Expr *ex_var(Var *);
Expr *ex_load(Mem *, Ix);
Expr *ex_load4(Mem *, Ix);               /* a word of i8 or u8 */
bool ex_is_word(const Expr *);           /* such a load */
Expr *ex_tload(struct Value *, const Ix *ix);          /* dtype of the value */
Expr *ex_guard(const Ix *cond, int n, Expr *in, Expr *out);  /* conditions proved true are dropped, one proved
								false decides */
Expr *ex_reduce(ROp, const Ix *vars, int n, Expr *body);
Expr *ex_un(EOp, Expr *);
Expr *ex_bin(EOp, Expr *, Expr *);
Expr *ex_fma(Expr *a, Expr *b, Expr *c);
Expr *ex_dot4(EOp, Expr *s, Expr *a, Expr *b);         /* DOT4, SDOT4 */
Expr *ex_select(Expr *cond, Expr *a, Expr *b);
Expr *ex_cast(DType, Expr *);
Expr *ex_castsat(DType, Expr *);
bool ex_lossless(DType from, DType to);               /* every value of the one is one of the other */
Expr *ex_bitcast(DType, Expr *);
Ix ex_as_ix(Expr *, Ix lo, Ix hi);       /* an i64 expression as an index; IX gives back its polynomial; integer
                                            constants, add, sub, mul are translated where they are exact */
Expr *ex_op(EOp, DType, Expr *const *a, int n);        /* generic: any of the rules S B F C P, strings */
Expr *ex_rebuild(const Expr *, Expr *const *a, const Ix *ix);  /* same kind and payload, other operands;
								  simplifies */

/* walks; memoised, so linear in the size of the DAG */
typedef Expr *(*ExSub)(const Expr *, void *);          /* replacement, or NULL to descend */
Expr *ex_subst(const Expr *, ExSub, IxSub, void *);  /* bottom-up rebuild; NULL replaces nothing; bound
							variables of REDUCE are renamed on capture */
Expr *ex_subst_ix(const Expr *, IxSub, void *);
bool ex_any(const Expr *, bool (*f)(const Expr *, void *), void *);   /* any node, indices included */
/* the same for `f`, which hears whether `mark` is true of the node or of one below it. Not inside indices, but `mark`
 * may look there itself */
bool ex_any_marked(const Expr *, bool (*mark)(const Expr *, void *), bool (*f)(const Expr *, bool, void *), void *);
bool ex_any_atom(const Expr *, bool (*f)(const IxAtom *, void *), void *);  /* any index atom at any depth;
									       bound variables too */
bool ex_has_var(const Expr *, const IxAtom *);         /* free occurrence */
typedef struct Cost { double flops, loads, calls; } Cost;  /* per evaluation; REDUCE multiplies by its
							      constant extents (else 16) */
Cost ex_cost(const Expr *);
const char *ex_str(const Expr *);

/* one operation on constant patterns: the single definition of what an operator computes (interp.c) */
uint64_t ex_eval(EOp, DType dt, const uint64_t *a, const DType *adt, int n);

/* statements */
typedef enum SOp {
	S_BLOCK,   /* body[0..n) */
	S_FOR,     /* var, kind, body */
	S_WHILE,   /* e (tested first), body */
	S_IF,      /* e, body, other (may be NULL) */
	S_LET,     /* v = e; v is visible to the end of the block; may be SET later */
	S_SET,     /* v = e */
	S_STORE,   /* mem[ix] = e */
	S_ARRAY,   /* mem: private, constant size; visible to the end of the block, contents undefined */
	S_KEEP,    /* mem */
	S_PREFETCH,/* mem[ix] */
	S_FAIL,    /* return status (u.status) if e (NULL: always) */
	S_NOTE,    /* text: a comment */
	/* program only */
	S_CALL,    /* kern, arg[] */
	S_COPY,    /* arg[0] = arg[1], ix elements */
	S_BIND,    /* symbol var = ix (an index; loads are IX_EXPR atoms) or, with ix NULL, e */
	S_ASSUME,  /* ix == ix2, else fail(status) */
	S_ALLOC,   /* mem (SP_HEAP) of ix elements from the heap region */
	S_MARK,    /* remember the heap region's top as mark number `status` */
	S_RELEASE, /* back to that top; the mark stays */
	NSOP
} SOp;

typedef enum ForKind { F_SERIAL, F_UNROLLED, F_PARALLEL, F_LANES } ForKind;

typedef struct Arg { Mem *mem; Ix off; } Arg;          /* memory from element `off` on */

typedef struct Stmt {
	SOp op;
	ForKind kind;
	int lanes;               /* FOR of kind lanes: the width */
	Ix var;                  /* FOR, BIND: the atom as a polynomial */
	Ix ix, ix2;
	Expr *e;
	Var *v;
	Mem *mem;
	struct Stmt *body, *other;    /* IF: always blocks */
	VEC(struct Stmt *) list;      /* BLOCK */
	struct Kern *kern;
	VEC(Arg) arg;
	int status;
	const char *text;
} Stmt;

/* a function of the generated program */
typedef struct Kern {
	const char *name;        /* what it does: "conv_relu"; made unique when printed */
	const char *note; /* the nodes that it came from, for the comment; lines separated by \n, unescaped */
	VEC(Mem *) param;        /* memory parameters, in order */
	VEC(const IxAtom *) sym; /* symbols that it uses, in order: int64 parameters */
	Stmt *body;
	bool fails;              /* has a FAIL: returns a status */
	bool statements;   /* of an operator written as statements: may pass over its memory more than once */
	bool heap;               /* makes strings in the heap region: gets it as a parameter */
	bool flush;              /* denormals are zero in it */
	double macs;
	int nvar;
	const struct Isa *isa;   /* whose vectors it uses; NULL: any processor */
	VEC(struct Kern *) variant;     /* the same for an isa each, widest first; same parameters */
	int nouter;              /* loops around all else, each alone in its block, that are outer ones of stages */
	int parts;   /* > 1: called once for each, which does its share of the parallel loops (lower/parallel.c) */
} Kern;

typedef struct Program {     /* one graph as code; subgraphs are nested statements */
	Stmt *body;
	VEC(Kern *) kern;
	VEC(Mem *) mem;          /* every region */
	Stmt *layout;  /* dynamic sizes: a block of BINDs, symbols of the inputs -> offsets; runs before body;
			  may be NULL */
	Ix work_bytes;           /* of the workspace without the heap region */
	Ix lower_bound;          /* greatest sum of live bytes over the chosen order */
	bool heap;               /* uses the heap region */
	int64_t weight_bytes, state_bytes;
} Program;

Stmt *st_new(SOp);
Stmt *st_block(void);
void st_add(Stmt *block, Stmt *);
Stmt *st_for(Stmt *block, Ix var, ForKind);            /* adds the loop; returns its body, a block */
Stmt *st_lanes(Stmt *block, Ix var, int lanes);        /* the same for kind lanes */
Stmt *st_unroll(const Stmt *);           /* a copy without unrolled loops (unroll.c) */
Stmt *st_if(Stmt *block, Expr *cond);   /* adds it; returns the `then` block; S_IF is the block's last item */
Stmt *st_else(Stmt *block);                            /* of the IF that st_if added last to block */
Stmt *st_while(Stmt *block, Expr *cond);
Var *st_let(Stmt *block, Kern *, const char *name, Expr *);   /* Kern: NULL in a program; for st_fail too */
void st_set(Stmt *block, Var *, Expr *);
void st_store(Stmt *block, Mem *, Ix, Expr *);
void st_prefetch(Stmt *block, Mem *, Ix);
Mem *st_array(Stmt *block, Kern *, const char *name, DType, Ix size);
void st_fail(Stmt *block, Kern *, Expr *cond, int status);
Kern *kern_new(const char *name);
Mem *kern_param(Kern *, const char *name, DType, Ix size, bool packed);
void kern_finish(Kern *);    /* collects sym, read/written, fails */
void st_each(Stmt *, void (*f)(Stmt *, void *), void *);  /* a statement and all inside it, in order; NULL:
							     nothing */

/* text (print.c, parse.c): man/zenithc-ir.5 */
void ir_print_kern(Buf *, const Kern *);
void ir_print_program(Buf *, const Program *);
Kern *ir_parse_kern(const char *text, const char *file);   /* fatal(EX_INVALID) with line and column */
Program *ir_parse_program(const char *text, const char *file);

void ir_verify_kern(const Kern *, const char *after);  /* bug() naming the pass after which it is wrong */
void ir_verify_program(const Program *, const char *after);    /* with its kernels */
void ir_check_kern(const Kern *, const char *after);  /* verifies, and that its text is parsed back to the
							 same text */
void ir_check_program(const Program *, const char *after);   /* the same for a program and all its kernels */

/* interpreter (interp.c): arg[i] is memory of param i; symbols through `value`; *left the iterations and
 * instructions it may still do, NULL: any number. Returns 0, the FAIL status, or -1 where it stopped because none were left */
int ir_run_kern(const Kern *, void *const *arg, int64_t (*value)(const IxAtom *, void *), void *, int64_t *left);

#endif
