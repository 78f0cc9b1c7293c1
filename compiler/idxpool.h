/* What idx.c and idxproof.c share: the pool of interned polynomials and atoms. Nothing else includes this. */
#ifndef ZENITHC_IDXPOOL_H
#define ZENITHC_IDXPOOL_H

#include "idx.h"

/* records behind Ix and IxAtom; serial is the order of creation: what an atom is made of is older than it */
typedef struct PolyRec {
	struct IxPoly p;
	int serial, depth;       /* depth: of nested atoms */
	bool known;              /* low is */
	int64_t low;             /* greatest constant lower bound found, INT64_MIN if none */
	const char *str;
	unsigned sub;            /* as in AtomRec */
	Ix to;
} PolyRec;

typedef struct AtomRec {
	IxAtom a;
	int serial, depth;
	int64_t size;            /* of the tree that it is when written out */
	unsigned stamp;          /* ix_any's last visit */
	unsigned sub;            /* ix_subst's last visit, and what it found */
	Ix to;
	unsigned reached;        /* the last walk of idxproof.c, and the term that came here first */
	int by;
	int64_t lo, hi;          /* constant bounds, INT64_MIN and INT64_MAX for none */
	Ix poly;                 /* the atom alone */
} AtomRec;

typedef struct IxPool {
	Ix *table;               /* of polynomials: open, linear probing, at most half full */
	int cap;
	Map *mono, *atom, *div, *name;
	int npoly, natom, nsym;
	unsigned stamp;          /* the newest walk */
	int soft;   /* > 0: an overflow sets over and gives nonsense; 0: it ends the compilation */
	bool over;
	int steps;               /* left to the proof in progress */
	VEC(IxAssumption) assumed;
	VEC(Ix) zero;            /* differences assumed to be 0 */
	VEC(IxAssumption) solved;   /* the same, solved: a is an atom alone, b its value */
	VEC(int) zero_scope;
	bool apart;              /* ix_equal does without what was assumed. So while that is being applied: it has
	                            broadcasts in it, which ask ix_equal */
	VEC(struct { int up, same; }) scope;   /* parent; same: the one it was joined with, or -1 */
	int now;                 /* the current scope */
} IxPool;

#define POLY(p) ((PolyRec *)(uintptr_t)(p))
#define ATOM(v) ((AtomRec *)(uintptr_t)(v))

IxPool *ix_pool(void);
bool ix_soft(void);              /* from here to ix_hard overflows are soft; gives the flag to hand back */
bool ix_hard(bool saved);        /* whether none overflowed since ix_soft */
Ix ix_tidy(int64_t c, const IxTerm *, int n);   /* the sum of terms in any order; may repeat */
Ix ix_split(Ix p, const IxAtom *v, Ix *rest);   /* ix_coef that looks at p's own terms only */
IxTerm ix_mono(int64_t c, const IxAtom *const *, int n);   /* the atoms are sorted */
/* without coefficients; false if it does not divide */
bool ix_mono_div(const IxTerm *, const IxTerm *, IxTerm *q);
/* interned; fresh: wants bounds */
AtomRec *ix_newatom(enum ixkind, int id, Ix a, Ix b, const struct Expr *, bool *fresh);
void ix_bounded_by(AtomRec *, int64_t lo, int64_t hi);
IxTerm ix_mono_gcd(const IxTerm *, const IxTerm *);
IxTerm ix_content(Ix);           /* the greatest term that divides all of it */
Ix ix_over(Ix, const IxTerm *);  /* the quotient, which is exact */
int64_t ix_floor(int64_t, int64_t);

#endif
