/* Inside the parser. */
#ifndef ZENITHC_PARSE_H
#define ZENITHC_PARSE_H

#include "pool.h"

enum { DEEPEST = 300 };          /* nesting of the text */

typedef struct Parser {
	const char *p, *text, *file;
	Kern *k;
	int depth;
	Map *var, *mem;          /* "acc.3" to Var, "x.0" and "t@1" to Mem */
	Map *known;              /* objects to be used again under their text instead of new ones; or NULL */
	VEC(struct { int id; Ix p; }) index;     /* loop variables in scope, innermost last */
	VEC(Expr *) name;        /* $0, $1, ... of the statement */
	Program *g;              /* being parsed, or NULL */
} Parser;

_Noreturn void pa_fail(Parser *, const char *f, ...) __attribute__((format(printf, 2, 3)));
void pa_skip(Parser *);                  /* white space */
bool pa_take(Parser *, const char *);    /* takes that word or punctuation if it comes next */
void pa_want(Parser *, const char *);
void pa_enter(Parser *);                 /* one level deeper; the caller leaves it by p->depth-- */
char *pa_word(Parser *);
int64_t pa_number(Parser *);
int pa_small(Parser *);                  /* a number below 2^24 */
DType pa_dtype(Parser *);
char *pa_string(Parser *);
Ix pa_poly(Parser *);
Ix pa_named_index(Parser *, char *word);
Ix pa_bound(Parser *);                   /* "i3 < poly": the variable, now in scope */
Expr *pa_expr(Parser *);
Mem *pa_mem_named(Parser *, const char *);

#endif
