/* From units to the program. In order:
 *
 *   factor.c   sums over dequantised integers -> integer sums; range.c, constvec.c prove and fold for it
 *   zeros.c    zero points of constants leave the sums; unsigned constants become signed ones
 *   fuse.c     units of a graph -> tensor expressions with their producers substituted (inline or stored)
 *   group.c    stored expressions that share outer loops -> one kernel of stages
 *   layout.c   the order in memory of the axes of stored values and constants, over the whole graph
 *   margin.c   borders of a constant around stored values that windows reach beyond
 *   place.c    every stored value -> a place: region, offset, strides; views, concatenation in place
 *   pieces.c   results assembled from parts, by part; parts placed where the whole will lie
 *   collapse.c adjacent loops that are one
 *   contraction.c  what a sum of products is made of: factors, elements, zero points, classes of axes
 *   contract.c contractions on register tiles; dot.c: those of bytes, gemm.h: what both share
 *   tile.c     reductions over tiles of accumulators
 *   rows.c     other reductions, several rows at once
 *   lanes.c    the innermost axis, and sums along memory, as lanes
 *   family.c   which of these micro-kernels a stage gets: families.def
 *   nest.c     a group -> a kernel: loops, reductions, tiles
 *   stmts.c    the statements of an operator -> a kernel
 *   denormal.c which kernels take denormals as zero
 *   parallel.c kernels divided among threads, when the program is complete
 *   sums.c     long sums of symbols in a kernel's indices -> symbols of the program
 *   state.c    --state: outputs that stay in place as inputs of the next run
 *   control.c  If, Loop and Scan
 *   program.c  groups, statements and control flow -> the program; symbols bound, assumptions checked
 */
#ifndef ZENITHC_LOWER_H
#define ZENITHC_LOWER_H

#include "../te.h"
#include "../zenithc.h"

typedef struct Margin {          /* elements of a constant around a value */
	uint64_t fill;           /* bits of its dtype */
	int before[8], after[8]; /* each axis */
} Margin;

typedef struct Place {           /* where a value's elements lie: region[off + sum ix[i]*stride[i]] */
	Mem *mem;
	Ix off;                  /* elements */
	Ix *stride;              /* elements; 0 for a dim of 1 */
	const unsigned char *order;     /* axes from the outermost in memory to the innermost; NULL: as they are */
	const Margin *margin;    /* filled whenever the value is there; NULL: none */
	Ix lead;                 /* elements of the region before off that a reader may reach; NULL: 0 */
	bool contiguous;         /* row-major without gaps */
} Place;

typedef struct Stage {           /* one value computed inside a kernel, for one step of its outer loops */
	Value *v;
	Expr *body;              /* over the loops below and the outer ones */
	Ix *at;                  /* the element of v that one iteration computes */
	int nloop;
	Ix *loop;                /* variables */
	Ix *lo, *stride;   /* scratch: element at[] lies at sum (at - lo)*stride; NULL: the place of v */
	Mem *region;             /* of the scratch */
	bool rank0;              /* one element: a register */
	bool in_root;            /* lies in the root's place, which reads it once, where it writes */
	Mem *mem;                /* parameter for the region, while the kernel is built */
	Var *var;
} Stage;

typedef struct Group {           /* one kernel */
	Unit *root;              /* TE unit whose value is stored, or a PROG unit */
	int nouter;              /* axes of the root that are shared outer loops */
	Ix *outer;               /* variables */
	VEC(Stage) stage;        /* in order of computation, the root last */
} Group;

/* what fusion knows of a value */
typedef struct Info {
	Unit *unit;
	bool pinned;             /* read otherwise than by an expression of its graph: must be stored */
	bool inlined;            /* its readers have it substituted; stored only if pinned too */
	bool grouped;            /* a stage of another value's kernel */
	bool copied;             /* a copy for its place's sake: no view */
	int nread;               /* load sites in expressions */
	double evals;            /* estimated evaluations by its readers */
	bool in_reduce;          /* read under a reduction or a condition */
	bool permuted;           /* every site reads it at plain axes */
	bool contracts;          /* a value with a contraction is inlined into it */
	VEC(Unit *) reader;      /* units with such sites */
	int order;               /* of its unit */
	Group *group;            /* of which it is the root */
	const unsigned char *layout;    /* of its place, when it gets one: as Place.order. layout.c */
	const Margin *margin;    /* wanted: margin.c */
	int lane;                /* 1 + the axis along which its kernel goes innermost; 0: as its place lies */
	VEC(Node *) nodes;       /* whose work its kernel does */
} Info;

typedef struct State {           /* a pair kept between runs: state.c */
	Value *in, *out;
	int axis;                /* along which the output is longer; -1: none */
	Mem *mem, *len;          /* len: the kept length, or NULL */
	Place *at_end;           /* where the output is copied at the end; NULL: it lies there already */
} State;

typedef struct Lower {
	Model *model;
	const Options *opt;
	Program *prog;
	Info **info;             /* by value id, in pages: folding asks for one value of many */
	int npage;
	unsigned *seen, scan;    /* by expression id: the last scan that was there (fuse.c) */
	int nseen;
	VEC(State) state;
	int nmark;               /* marks of the heap region in use at this point of the program */
	VEC(const IxAtom *) bound;      /* symbols known at this point of the program */
	Map *bound_set, *entry_set;  /* entry_set: known when the program starts, hence fit to lay out the
					workspace */
	VEC(Value *) unfilled;   /* values whose margins are to be filled after the next kernel */
	int nassumed;            /* assumptions already emitted */
	bool *assumed;
	Map *weight;             /* Data -> Mem */
	int nfamily[8];          /* stages that each family of micro-kernels built */
} Lower;

Info *lower_info(Lower *, const Value *);
/* a typical value: symbols at their upper bound, at most 64; more where it is 0 then, 1 where it stays 0 */
double ix_estimate(Ix);

Expr *te_at(const Te *, const Ix *ix);     /* its body at other indices than the axes */
Unit **fuse_graph(Lower *, Graph *, Unit **, int *n);    /* the units with those that it adds */
void group_graph(Lower *, Unit **, int n);       /* decides all groups of a graph */
Group *group_unit(Lower *, Unit *);              /* the kernel whose root is that unit */

void layout_graph(Lower *, Unit **u, int n);     /* Info.layout and Info.lane of everything stored */

Unit **margin_copies(Lower *, Unit **u, int *n);   /* the units with those that copy inputs for their margins */
void margin_graph(Lower *, Unit **u, int n);     /* Info.margin */
Expr *margin_drop(Expr *);       /* guards that the margins of the operands' places make superfluous are gone */
struct Call;
struct Call *margin_fill_call(Lower *, const Value *);       /* fills the border around v */

Place *place_of(Lower *, Value *);                /* made on demand for constants, inputs, views */
Mem *weight_packed(Lower *, Value *, int nlevel, const PackLevel *);    /* a constant in another order */
Place *place_new(Lower *, Value *, Mem *);        /* contiguous from the start of mem */
Place *place_laid(Lower *, Value *, Mem *);       /* as Info.layout says */
Mem *region_new(Lower *, Space, const char *name, DType, Ix size);
Mem *region_sized(Lower *, const char *name, DType, Ix size);  /* work, or heap if the size is decided late
								  and has no bound */
Mem *region_for(Lower *, Value *);
bool place_view(Lower *, Value *);   /* the value's expression is a strided view of a stored value */
/* v is a part of a value that is assembled later: its place is there. settle gives that value a place, or
 * false */
bool place_part(Lower *, Value *, bool (*settle)(Lower *, void *, Value *), void *);
Value *part_of(Lower *, const Value *v, Ix *off);     /* the value in whose place place_part would put v, or NULL */
/* w is a chain of parts along one axis, one of which is all of v; off: where v's element 0 lies */
bool is_part(const Value *w, const Value *v, Ix *off);
Ix place_flat(const Place *, const Ix *ix, int n);       /* from off */
Ix place_base(const Place *);    /* where what a kernel gets begins, margins included ... */
Ix place_index(const Place *, const Ix *ix, int n);      /* ... and an element from there */

typedef struct Call {
	Kern *kern;
	VEC(Arg) arg;
	VEC(Mem *) heap;         /* scratch to allocate for the time of the call */
} Call;
Call *nest_group(Lower *, Group *);
Call *nest_prog(Lower *, Unit *);

void bind_sums(Lower *, Stmt *, Kern *);

void program_build(Lower *);
void parallel_program(Program *, const Options *);

#endif
