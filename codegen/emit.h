/* What the files of emission share: names, the prelude, and the state of one emission.
 *
 *   names.c    identifiers and text
 *   cprint.c   statements and kernels, cexpr.c expressions, cindex.c indices: the printer (target.h)
 *   c.c        the C target's spellings
 *   prelude.c  helpers that printed code calls, from templates/
 *   weights.c  weights as arrays, as a file
 *   ports.c    inputs and outputs: their names, fields and descriptions
 *   compound.c sequences and optionals among them
 *   program.c  the program as one function
 *   fork.c     its calls of kernels in parts
 *   ftz.c      denormals as zero
 *   profile.c  its calls timed, for run --profile
 *   iface.c    the functions of NAME.h, in NAME.c
 *   header.c   NAME.h
 *   emit.c     NAME.c
 */
#ifndef ZENITHC_EMIT_H
#define ZENITHC_EMIT_H

#include "../compiler/zenithc.h"
#include "target.h"

/* names.c */
bool name_reserved(const char *);
const char *name_unique(Map *taken, const char *name, const char *dflt);  /* C identifier, not yet in taken;
									     enters it */
bool name_valid(const char *prefix);        /* usable as the prefix of a model's symbols */
const char *name_upper(const char *);
const char *text_comment(const char *);     /* for inside a comment */
void text_string(Buf *, const char *, size_t);    /* as a string literal, quotes included */

/* prelude.c */
typedef struct Prelude {
	Map *need;               /* name -> text */
	Map *pieces;             /* of prelude.c; made when first asked */
} Prelude;
void prelude_need(Prelude *, const char *text);   /* every zn_ name in the text, and what those need */
/* the head of the file; headers of vectors before its pragma of optimisation, which gcc would note for every builtin */
void prelude_head(const Prelude *, Buf *);
void prelude_write(const Prelude *, Buf *);       /* the helpers */
const char *prelude_lanes(const char *text, size_t n, int lanes); /* @ and $ in the text of a template replaced */
const char *embedded_text(const char *name);      /* bug() if there is none */

typedef struct Port {            /* an input or output */
	Value *v;
	const char *onnx;        /* its name in the model */
	const char *name;        /* field of NAME_io */
	const char *ctype;
	bool out, state;         /* state: kept by the model, no field */
	bool dynamic;            /* dims (and capacity) beside it */
	int kind;                /* zenith_kind */
	const struct Compound *of;       /* it is a part of a sequence or optional, or NULL */
	int part;                /* which */
	const char *whole;       /* the field of NAME_io for that; then `name` is one of NAME_parts */
} Port;

typedef struct Em {
	const Model *m;
	const Program *g;
	const Options *o;
	const char *name, *NAME; /* prefix, in capitals */
	WeightsHow weights;
	VEC(Port) in, out;       /* by index in the main graph */
	bool dynamic;            /* any port is */
	bool parts;              /* any is a part: the program takes NAME_parts (compound.c), not NAME_io */
	bool own_memory;         /* has a static workspace, and so NAME_run */
	int64_t work;            /* bytes of the workspace, -1: dynamic */
	VEC(const IxAtom *) entry;       /* symbols known at entry: dims of inputs, the layout */
	VEC(const IxAtom *) passed;      /* those of them that the program reads */
	Map *taken;              /* file-scope names */
	Map *kern;               /* Kern -> Shared */
	Map *weight;             /* Mem -> name of its array */
	Prelude pre;
	Slots slots;
	Buf kernels, tables;     /* printed kernels; arrays of weights */
	int nkern, nshared;
	double macs;
	size_t source_bytes;     /* of NAME.c, when it is complete */
	int source_lines;
	Map *prof;               /* --profile: call -> its number from 1; else NULL */
	bool ws, wt, st, io;     /* the program reads workspace, weights, state, io */
	bool pool;               /* it has kernels in parts */
	bool ftz;                /* the program turns denormals to zero */
	Map *turn;               /* ftz.c: Stmt -> the mode before it */
} Em;

/* emit.c */
const char *hash_text(const Em *);
const char *options_text(const Em *);        /* those that change what is computed or how */

typedef struct Shared { const char *name, *args, *part; bool wide; } Shared;

/* fork.c: what stands below a kernel in parts; a call of it */
void fork_define(Em *, Buf *, const Kern *, Shared *);
void fork_call(CPrint *, const Kern *, const Shared *, void (*operands)(CPrint *, const Stmt *), const Stmt *);

/* ftz.c: decides, once; the mode before a statement; the function NAME_flush, if it is called */
bool ftz_kern(const Kern *);
void ftz_plan(Em *);
void ftz_turn(CPrint *, const Stmt *);
void ftz_define(Em *, Buf *);

void ports_make(Em *);                                  /* ports.c */
void ports_fields(Em *, Buf *);
bool port_public(const Port *);              /* has a field of its own in NAME_io; the first part: its value has */
void port_field(const Port *, Buf *);
static inline const char *io_type(const Em *e) { return fmt("%s_%s", e->name, e->parts ? "parts" : "io"); }
const char *compound_type(const Port *);                /* compound.c */
const char *part_suffix(const struct Compound *, int part);
bool part_is_flag(const Port *);
void compound_struct(Em *, Buf *);
void compound_print(Em *, Buf *);
void compound_call_pack(Em *, Buf *);
void ports_comment(Em *, Buf *);
const char *port_shape(const Port *);                   /* "float32[1,3,224,224]" */
void ports_describe(Em *, Buf *);                       /* tables of zenith_value */
void program_print(Em *, Buf *);                        /* program.c */
bool entry_print(Em *, Buf *);   /* the function that checks shapes and binds symbols; whether there is one */
void profile_begin(Em *);                               /* profile.c; without Options.profile nothing */
void profile_table(Em *, Buf *);
void profile_call(CPrint *, const Stmt *, void (*print)(CPrint *, const Stmt *));
void iface_print(Em *, Buf *);                          /* iface.c */
void header_print(Em *, Buf *, bool alone);             /* header.c */
void weights_tables(Em *, Buf *);                       /* weights.c: what the source holds of them */
const char *weight_array(Em *, const Mem *);  /* expression of the array of an inline weight; NULL: in the
						 blob */

#endif
