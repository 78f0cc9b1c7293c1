/* Targets and the printer that they share.
 *
 * There is one printer of expressions and statements in C-like text (cexpr.c, cprint.c): it alone decides
 * parentheses, indentation, temporaries and index types. A target is the data below: spellings, and a few
 * hooks where a spelling depends on more than an operation and a dtype. What has no row is refused when it is
 * met.
 *
 * Representation. A value of dtype f16 or bf16 is a float in expressions, rounded after each operation that
 * is not exact, and its pattern in memory; every other value is what it is in memory. bool is 0 or 1.
 */
#ifndef ZENITHC_TARGET_H
#define ZENITHC_TARGET_H

#include "ir.h"

/* precedence of a piece of text, loosest first */
enum prec { P_ANY, P_COND, P_OR, P_AND, P_REL, P_BIT, P_ADD, P_MUL, P_UNARY, P_POST };

typedef struct Row {
	EOp op;
	uint32_t types;          /* of the operands (the last one): bits 1 << dtype */
	enum prec prec;
	bool exact;  /* no rounding: f16 and bf16 use the row of f32 as it is, others wrapped in
			Target.round */
	const char *text;        /* %0 %1 %2 */
} Row;

#define DTBIT(d) (1u << DT_##d)

typedef struct Target {
	const char *name, *what;
	const Row *row;
	int nrow;
	const char *index[2];                                /* types of loop variables: narrow, wide */
	const char *index_suffix[2];                         /* of the helpers floordiv, min, max, bcast */
	const char *restrict_, *kernel;                      /* qualifiers of pointers, of functions */
	const char *(*value_type)(DType);                    /* in expressions */
	const char *(*mem_type)(DType, bool packed);         /* of an element in memory */
	const char *(*constant)(DType, uint64_t bits, enum prec *);
	const char *(*cast)(DType to, DType from, bool saturate, enum prec *);    /* a text of %0, or NULL */
	const char *(*bitcast)(DType to, DType from, enum prec *);                /* between memory forms */
	const char *(*to_mem)(DType), *(*from_mem)(DType);  /* between the two representations, or NULL: the
							       same */
	const char *(*round)(DType);                         /* of f16, bf16 */
	const char *(*get)(DType), *(*put)(DType);           /* an element of packed memory: helpers' names */
} Target;

/* ---- vectors (vector.c): what the C targets can say of a loop of kind lanes
 *
 * A vector has 32-bit elements: f32, i32, u32. bool is a mask, 0 or -1; narrower integers are i32 holding their
 * value; f16 and bf16 are f32, only loaded, cast and stored. In a row's text # stands for the lanes, $ for
 * Isa.dot. */

typedef struct Isa {
	const char *name;        /* suffix of kernels: "avx512" */
	const char *what;
	int lanes;               /* of f32 */
	int regs;                /* vector registers */
	const char *when;        /* preprocessor condition */
	const char *has;         /* C expression: this processor can */
	const char *attr;        /* macro before a kernel */
	const char *dot;         /* suffix of its helpers for dot products; not empty: only kernels that have some gain by it */
	bool sdot;               /* they are of signed bytes on both sides */
} Isa;

extern const Isa isa_table[];    /* widest first; ends with a name NULL */
bool isa_is(const Isa *, const char *target);
bool isa_wanted(const Isa *, const char *target);      /* by --target; NULL: all */
bool target_has_vectors(const char *target);           /* if not, memory counts more than speed */

/* the vectors of one lanes loop */
typedef struct Lanes {
	const IxAtom *var;
	int width;
	Map *vector;             /* Var, Mem that have a value per lane */
	Map *set;                /* Var that are set */
	const Stmt *body;
} Lanes;

void lanes_scan(Lanes *, const Stmt *loop);
bool lanes_vary(const Lanes *, const Expr *);
bool lanes_vary_ix(const Lanes *, Ix);
bool lanes_can(const Stmt *loop);                      /* everything in it can be said */
const char *vec_kind(DType);                           /* "f32", "i32", "u32"; NULL: no vector of it */
const Row *vec_row(EOp, DType);
const char *vec_cast(DType to, DType from);            /* a text of %0, or NULL */
/* n - var > 0: n; else NULL */
Ix lanes_limit(const Lanes *, const Expr *cond);
/* lanes before which a condition cond >= 0 holds, if it may hold for the first ones only; else NULL */
Ix lanes_guard(const Lanes *, Ix cond);

extern const Target target_c;

/* ---- the printer */

typedef struct Slot Slot;
/* by id of expression, for all printers of an emission; those of a statement have its stamp */
typedef struct Slots { struct { unsigned stamp; Slot *slot; } *p; int n; unsigned stamp; } Slots;
typedef struct Region { int parent, depth; bool printed; VEC(const Expr *) temp; } Region;   /* printed: by itself */

typedef struct CPrint {
	const Target *t;
	Buf *b;
	struct Prelude *pre;
	int indent;
	bool wide;               /* indices are 64 bits wide */
	bool canon;              /* names by position: to see whether two kernels are equal */
	Map *name;               /* Mem, Var, IxAtom -> identifier */
	Map *taken;
	Map *used;               /* NULL, or collects the symbols and regions that are read */
	int loops, temps;
	Lanes *lanes;            /* the vectors of the loop that is being printed, or NULL */
	const char *active;      /* how many lanes are on; NULL: all */
	bool partial;            /* in a condition that switched lanes off */
	const struct Isa *isa;   /* NULL: lanes loops are plain loops */
	int parts;               /* > 1: of a kernel whose parallel loops are divided by `part` */
	const char *part;
	Ix (*resolve)(Ix, void *);    /* NULL, or applied to indices before printing */
	void (*base)(struct CPrint *, const Mem *, bool written);     /* pointer to a region; NULL: a name */
	void (*program)(struct CPrint *, const Stmt *);               /* statements of the program only */
	void (*before)(struct CPrint *, const Stmt *);                /* NULL, or called before each of its statements */
	void *arg;
	/* one statement's expressions (cexpr.c) */
	Slots *slots;            /* NULL: its own */
	unsigned stamp;
	VEC(Region) region;
	VEC(const Expr *) order;
} CPrint;

/* cexpr.c: roots of a statement are announced, then named temporaries printed, then the roots themselves */
void cp_begin(CPrint *);
void cp_root(CPrint *, const Expr *);
void cp_root_ix(CPrint *, Ix);
bool cp_temps(CPrint *);                           /* plans; whether any temporary is to be printed before */
void cp_print_temps(CPrint *);
void cp_expr(CPrint *, const Expr *, enum prec);   /* the value, at least that tight */
void cp_stored(CPrint *, const Expr *, enum prec); /* in the form that memory has */
bool cp_fits(CPrint *);                            /* every index of the announced roots fits in 32 bits */
void cp_wrap(CPrint *, size_t at, enum prec is, enum prec min);  /* parentheses around what was printed from
								    `at` */

/* cvector.c: in a lanes loop */
void cv_loop(CPrint *, const Stmt *);
bool cv_stmt(CPrint *, const Stmt *);              /* false: as outside */
void cv_node(CPrint *, const Expr *, enum prec);   /* of an expression that varies */
const char *cv_type(CPrint *, DType);
const char *cv_left(CPrint *, const Expr *guard);  /* how many lanes it leaves on; NULL: all or none */
void cv_operand(CPrint *, const Expr *, enum prec);    /* as a vector, whether it varies or not */
bool cp_varies(CPrint *, const Expr *);            /* announced, and a vector */
void cp_expand(CPrint *, const char *text, enum prec is, enum prec min, const Expr *,
	void (*operand)(CPrint *, const Expr *, enum prec));
void cp_choice(CPrint *, const Expr *, enum prec min, void (*arm)(CPrint *, const Expr *, enum prec));
void cp_block(CPrint *, const Stmt *);             /* in braces */
const char *cp_unique(CPrint *, const char *name);

/* cindex.c */
void cp_ix(CPrint *, Ix, enum prec);
bool cp_ix_fits(Ix);
bool cp_sym_fits(const IxAtom *);

/* cprint.c */
void cp_line(CPrint *);                            /* indentation */
void cp_text(CPrint *, const char *f, ...) __attribute__((format(printf, 2, 3)));
void cp_linef(CPrint *, const char *f, ...) __attribute__((format(printf, 2, 3)));   /* a whole line */
void cp_stmt(CPrint *, const Stmt *);
void cp_kernel(CPrint *, const Kern *, const char *name);    /* and its variants */
const char *cp_variant_name(const char *name, const Kern *variant);    /* variant NULL: for any processor */
/* the identifier of key, made once */
const char *cp_name(CPrint *, const void *key, const char *name, const char *dflt);
const char *status_name(int status);

#endif
