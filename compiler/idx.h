/* The index algebra: dims, offsets, strides and loop variables as mathematical integers.
 *
 * An Ix is an interned polynomial with int64 coefficients over atoms. Interned: two Ix that have the same
 * normal form are the same pointer, so == is equality of form. Values never wrap; a coefficient that would
 * overflow int64 raises EX_LIMIT. Atoms:
 *
 *   symbol          a dim or datum that is not known while compiling; sym_new gives its bounds (polynomials
 *                   or none)
 *   variable        an axis or loop variable: 0 <= v < extent. Identified by (id, extent): the same pair, the
 *                   same atom
 *   floordiv(p, q)  q > 0
 *   min(p, q), max(p, q)
 *   bcast(p, q)     p == 1 ? q : p, the dim of a broadcast
 *   expr            a data expression of the loop IR, of dtype i64 (codegen/ir.h): an index that is loaded
 *
 * mod(p, q) is p - q*floordiv(p, q), so that it takes part in cancellation.
 */
#ifndef ZENITHC_IDX_H
#define ZENITHC_IDX_H

#include "util.h"

typedef const struct IxPoly *Ix;
struct Expr;

enum ixkind { IX_SYM, IX_VAR, IX_DIV, IX_MIN, IX_MAX, IX_BCAST, IX_EXPR };

typedef struct IxAtom {          /* interned; read-only outside idx.c */
	enum ixkind kind;
	int id;   /* of a symbol or variable; order of creation otherwise: the sort key within a kind */
	Ix a, b;                 /* operands of DIV, MIN, MAX, BCAST; VAR: a = extent */
	const struct Expr *e;    /* IX_EXPR */
	Ix lo, hi;               /* inclusive bounds, NULL if none */
	const char *name;   /* of a symbol, as the user may write it with --dim; NULL for those made here */
} IxAtom;

typedef struct IxTerm { int64_t c; int n; const IxAtom *const *a; } IxTerm;  /* c * a[0] * ... ; atoms sorted,
										repeated for powers */
struct IxPoly { int64_t c; int n; const IxTerm *t; uint64_t hash; };  /* c + sum of terms, terms sorted; no
									 term has c == 0 */

Ix ix_int(int64_t);
Ix ix_sym(const char *name, Ix lo, Ix hi);   /* a fresh symbol; lo, hi may be NULL */
Ix ix_var(int id, Ix extent);                /* the variable of that id, 0 <= v < extent */
Ix ix_expr(const struct Expr *, Ix lo, Ix hi);
Ix ix_of(const IxAtom *);                    /* the polynomial that is exactly this atom */
Ix ix_add(Ix, Ix);
Ix ix_sub(Ix, Ix);
Ix ix_mul(Ix, Ix);
Ix ix_addc(Ix, int64_t);
Ix ix_mulc(Ix, int64_t);
Ix ix_div(Ix, Ix);           /* floor; the divisor is > 0, or ix_div is a bug */
Ix ix_cdiv(Ix, Ix);          /* ceiling: -floordiv(-p, q) */
Ix ix_mod(Ix, Ix);
Ix ix_min(Ix, Ix);
Ix ix_max(Ix, Ix);
Ix ix_bcast(Ix, Ix);
Ix ix_prod(const Ix *, int n);

bool ix_isint(Ix, int64_t *);        /* a constant */
bool ix_is(Ix, int64_t);             /* that constant */
const IxAtom *ix_atom(Ix);           /* the atom when the polynomial is exactly one atom, else NULL */
Ix ix_of(const IxAtom *);            /* the atom as a polynomial */

/* proofs: true only if it holds for every value of the atoms within their bounds */
bool ix_ge0(Ix);
bool ix_ge(Ix, Ix);
bool ix_gt0(Ix);
bool ix_lt0(Ix);
bool ix_bounds(Ix, int64_t *lo, int64_t *hi);  /* constant bounds, INT64_MIN / INT64_MAX where none is known;
						  false if neither */
Ix ix_upper(Ix p, bool (*eliminate)(const IxAtom *, void *), void *);  /* least bound found over the atoms to
									  eliminate; NULL if none */
Ix ix_lower(Ix p, bool (*eliminate)(const IxAtom *, void *), void *);

/* structure */
bool ix_has(Ix, const IxAtom *);   /* occurs at any depth, operands and expressions included, extents not */
bool ix_any(Ix, bool (*f)(const IxAtom *, void *), void *);  /* any atom at any depth (expressions: through
								ex_any_atom) */
Ix ix_coef(Ix p, const IxAtom *v, Ix *rest);  /* p = coef*v + rest with v in neither (coef 0: absent); NULL if
						 p is not so */
/* simultaneous substitution of atoms; sub returns the replacement, or NULL to keep the atom (its operands and
 * a variable's extent are still visited) */
typedef Ix (*IxSub)(const IxAtom *, void *);
Ix ix_subst(Ix, IxSub sub, void *);

/* an equality that the model demands and nobody proved: recorded, checked at run time once its symbols are
 * known. Afterwards ix_equal answers true for it. False if it is proved wrong. */
bool ix_assume_equal(Ix, Ix, const char *why);
bool ix_equal(Ix, Ix);   /* same form, proved, or assumed (sums of assumptions and solved symbols included) */
bool ix_apart(bool on);   /* from here on ix_equal does without (or with) what was assumed; gives what was before */
typedef struct IxAssumption { Ix a, b; const char *why; int scope; } IxAssumption;
const IxAssumption *ix_assumptions(int *n);
/* scopes are a tree, 0 its root: what is assumed in one holds there and in those under it (a branch of an
 * If) */
int ix_scope_new(void);                        /* under the root */
void ix_scope_under(int scope, int parent);
void ix_scope_join(int scope, int with); /* what was assumed in the one is from now on assumed in the other */
int ix_scope(int scope);   /* assumptions are made and seen here from now on; the scope before */
bool ix_scope_sees(int scope);                 /* what is assumed there holds here */

/* evaluation: atom values from `value` (symbols, variables, expressions) */
int64_t ix_eval(Ix, int64_t (*value)(const IxAtom *, void *), void *);
/* "3*n0*i1 + floordiv(i1 + 5, 2) - 7": parsed back by the loop IR's parser. A variable is i<id>; a symbol its
 * name if that is an identifier and no older symbol's, else s<id>; an expression ex_str in brackets */
const char *ix_str(Ix);

#endif
