/* Inside the interpreter's compiler: what icode.c (code of expressions) and isteps.c (statements) share. */
#ifndef ZENITHC_ICODE_H
#define ZENITHC_ICODE_H

#include "interp.h"

typedef struct Scope {           /* a region: the nodes used only in one branch of owner */
	int parent, depth, mask; /* mask: register, -1 if all lanes are active */
	VEC(const Expr *) e;
} Scope;

typedef struct Found {           /* an expression of this statement */
	int scope, reg;
	int top;                 /* the outermost region that certainly needs it in all its lanes; -1 none */
} Found;
typedef struct Reg { bool uniform; int def; } Reg;   /* def: the instruction that computes it, -1 none */

enum { TEMP = 1 << 24 };         /* registers of one statement, numbered from here until they are placed */

typedef struct Comp {
	const Kern *k;
	int64_t (*value)(const IxAtom *, void *);
	void *varg;
	VEC(Reg) reg;            /* lasting registers: constants, variables */
	VEC(struct { int reg; uint64_t bits; }) constant;
	VEC(Step *) codes;       /* those with code */
	Map *var, *atom, *bits;  /* Var, IxAtom, patterns to register + 1 */
	Map *mem;                /* Mem to MemRef */
	VEC(void *) array;
	const IxAtom *lane;      /* variable of the enclosing lane loop, or NULL */
	int ntemp;               /* temporaries that the largest statement needs */
	/* the statement under way */
	Code *code;
	VEC(Reg) temp;
	VEC(Scope) scope;
	Map *found, *ix;         /* Expr to Found; (Ix or atom, scope) to register + 1 */
	int at;                  /* scope */
} Comp;

Reg *reg(Comp *, int r);
int reg_new(Comp *, bool uniform);         /* a lasting one */
int64_t atom_value(const IxAtom *, void *comp);
bool not_symbol(const IxAtom *, void *);
MemRef *mem_add(Comp *, const Mem *, void *p);
MemRef *mem_ref(Comp *, const Mem *);
void each_reg(Ins *, void (*f)(int *r, void *arg), void *arg);     /* f on every register that it reads */

/* the code of a statement with the expressions e, x or index p (NULL: none), whose values become n->val and n->at */
void compile_code(Comp *, Step *n, const Expr *e, const Expr *x, Ix p);

#endif
