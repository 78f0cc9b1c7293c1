/* Sequences and optionals dissolve into tensors during shape inference; no other pass, and nothing that makes
 * code, sees them.
 *
 * A value of such a type is known by the node that defines it, one of
 *
 *   SequenceConstruct, SequenceEmpty    a list: its length is static, its items are values of the graph
 *   Optional                            static too: it has an element or none
 *   zenith.Pack                         what only run time knows, in parts, which are tensors:
 *
 *     sequence   data    [elements]       all items, one behind the other
 *                shapes  int64 [items, rank], or where items differ in rank [items, 1 + MIXED_RANK]: rank,
 *                                         dims, ones
 *     optional   has     bool []          before the parts, or the tensor, that it holds; without an element
 *                                         these are empty
 *
 * Operators on lists rearrange lists. Everything else asks for parts, and is made of plain operators and of
 * those of ops/sequence.c. Loop and If carry parts.
 *
 *   sequence.c   the operators       seqparts.c   forms, lists into parts
 *   seqflow.c    Loop, If, SequenceMap, the interface of the model */
#ifndef ZENITHC_SEQUENCE_H
#define ZENITHC_SEQUENCE_H

#include "passes.h"
#include "../ops.h"

enum { RANK_MIXED = -1, RANK_NONE = -2,      /* of a Form: items differ; no item was seen yet */
	MIXED_RANK = 16, MOST_PARTS = 3 };

typedef struct At { Graph *g; Node *before, *of; } At;   /* where nodes are made; of: for messages */

/* seqparts.c */
bool is_compound(const Value *);             /* a sequence or optional of tensors, or an optional sequence */
bool form_of_type(const Type *, Form *);     /* false: nothing that is supported */
Form form_of(const Value *);                 /* tensors too */
Form form_join(const Node *, Form, Form);    /* of a value that is one or the other; or error() */
int form_parts(Form);                        /* how many */
void set_form(Value *, Form);                /* its type */
Form form_attrs(const Node *);               /* of Pack and Unpack */
void add_form_attrs(Node *, Form);
void set_node_form(Value *);                 /* the type that the node gives it which defines it */
void parts_of(At, Value *, Form, Value **);  /* in the form asked for, which is no narrower */
Value *pack(At, Form, Value *const *);
bool list_of(const Value *, Value *const **, int *n);    /* the items of a list */
Value *list_new(At, DType, Value *const *, int n);
Value *optional_has(At, Value *);
Value *optional_content(At, Value *);        /* fails at run time if there is none */

Value *make(At, Op, int nin, ...);           /* a node of one output, inferred */
Value *make_with(At, Op, const Attr *, int nattr, Value *const *in, int nin);
Value *flat(At, Value *);                    /* [elements] */
Value *row_of(At, Value *, int rank);        /* the row of its shape in `shapes`, [1, columns] */
Value *rows_of(At, Value *shapes, int64_t each, int columns);    /* [rows of shapes, columns] */
static inline Value *i64_at(Graph *g, int64_t x)
{
	return value_const(g, DT_I64, 0, NULL, &x);
}

static inline Attr int_attr(const char *name, int64_t i)
{
	return (Attr){ .name = name, .type = A_INT, .i = i };
}

/* seqflow.c */
Node *open_loop(Node *);                     /* as dissolve */
Node *open_map(Node *);

#endif
