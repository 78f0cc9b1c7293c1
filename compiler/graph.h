/* Graph IR: what the model says, in logical shapes. How a value lies in memory is the concern of plan/.
 *
 * Every operator is in its newest form (onnx/upgrade.c), functions are inlined, Constant nodes are constants.
 * Nodes of a graph are in topological order. A subgraph (If, Loop, Scan, SequenceMap bodies) may read values
 * of the graphs around it.
 */
#ifndef ZENITHC_GRAPH_H
#define ZENITHC_GRAPH_H

#include "dtype.h"
#include "idx.h"

typedef struct Value Value;
typedef struct Node Node;
typedef struct Graph Graph;
typedef struct Model Model;

/* operators: rows of ops.def */
typedef enum Op {
	OP_NONE,
#define OP(id, name, dom, ver, in0, in1, out0, out1, shape, lower, eop, flags) OP_##id,
#include "ops.def"
#undef OP
	NOP
} Op;

enum domain { D_ONNX, D_ML, D_MS, D_TRAIN, D_PREVIEW, D_ZENITH, NDOMAIN };  /* "", ai.onnx.ml, com.microsoft,
							  ai.onnx.preview.training, ai.onnx.preview, ours */
extern const char *const domain_name[NDOMAIN];

enum opflag {                  /* named in ops.def without the prefix */
	OF_COMM = 1,           /* commutative in its two inputs */
	OF_ELEM = 2,   /* one output, elementwise with broadcasting: eop is applied (ops/elementwise.c) */
	OF_MOVE = 4,           /* moves elements, computes nothing */
	OF_RANDOM = 8,         /* not a function of its inputs: never folded, never merged */
	OF_SUBGRAPH = 16,      /* has graph attributes */
	OF_DATADIM = 32,       /* output sizes depend on data */
	OF_DISSOLVES = 128,    /* import or inference takes it apart: Constant; passes/sequence.h */
	OF_EXPANDS = 256,      /* import makes it nodes of other operators: onnx/contrib.c */
	OF_NOFOLD = 64,  /* folding it would grow the model (ConstantOfShape, Expand, ...): folded only when
			    small */
};

typedef void ShapeFn(Node *);    /* sets kind, dtype, rank, dim (and elem) of every output, or error()s */
typedef void LowerFn(Node *);    /* defines its outputs: te.h */

typedef struct OpDef {
	const char *name;
	enum domain domain;
	int version;             /* opset that introduced the newest form */
	int in0, in1, out0, out1;    /* fewest and most inputs and outputs; -1: any number */
	ShapeFn *shape;          /* NULL: not supported */
	LowerFn *lower;          /* NULL: not supported (or: handled by lower/program.c, flag SUBGRAPH) */
	int eop;                 /* EOp of elementwise operators */
	unsigned flags;
} OpDef;
extern const OpDef op_def[NOP];
Op op_find(enum domain, const char *name);    /* OP_NONE */

/* constants: bytes, borrowed from the mapped file or in the arena. Sub-byte elements packed. Strings:
 * Str[] */
typedef struct Str { const char *p; size_t n; } Str;
typedef struct Data {
	const void *p;
	size_t n;                /* bytes */
	bool borrowed;
	const struct Pack *pack; /* NULL: the bytes are p's; else p is the source of const_read and const_bytes */
} Data;

/* A constant in another order, made while it is written. The source is row-major over dim[]. The result is
 * row-major over the levels' extents; its element at digits d[] is the source's whose index along axis a is the sum
 * of d[l]*unit[l] over the levels l of that axis, and 0 where that is not below dim[a]. A plain permutation has one
 * level per axis, of unit 1; blocks of 16 along n have (n/16 rounded up, n, 16), ..., (16, n, 1). */
enum { PACK_MAX = 16 };
typedef struct PackLevel { int64_t extent; int axis; int64_t unit; } PackLevel;
typedef struct Pack {
	int size;                /* bytes of an element */
	int naxis, nlevel;
	int64_t dim[PACK_MAX], step[PACK_MAX];        /* of the source; step: elements */
	PackLevel level[PACK_MAX];
} Pack;
const Data *const_pack(const Data *, DType, int naxis, const int64_t *dim, int nlevel, const PackLevel *);
void const_read(const Data *, size_t from, size_t n, void *to);      /* bytes; multiples of the element if packed */
const void *const_bytes(const Data *);                               /* all of them */

/* kinds of values */
typedef enum VKind { V_TENSOR, V_SEQ, V_OPT, V_MAP } VKind;
typedef struct Type {            /* of the elements of a sequence or optional, the values of a map */
	VKind kind;
	DType dt;                /* tensor: element; map: key */
	int rank;                /* tensor; -1 unknown */
	Ix *dim;
	struct Type *elem;       /* seq, opt, map */
} Type;

typedef struct Use {             /* a node's input as seen from the value */
	Node *node;
	int index;
	struct Use *next, *prev;
} Use;

struct Value {
	int id;                  /* unique in the model */
	const char *name;        /* the ONNX name whose value it still equals, or NULL */
	const char *hint;        /* what a value without a name is ("row_max"), for names in the output */
	VKind kind;
	DType dt;                /* tensor; DT_NONE while unknown. Map: key */
	int rank;                /* -1 while unknown */
	Ix *dim;                 /* dim[0..rank) */
	Type *elem;              /* of a sequence, optional, map */
	Ix *known;  /* integer or bool tensor of constant shape, at most 64 elements: its elements; or NULL */
	const Data *data;        /* a constant, or NULL */
	const struct Te *folded; /* a constant that folding computed: what of; or NULL */
	Node *def;               /* NULL: graph input or constant */
	int index;               /* which output of def, or which graph input */
	Graph *graph;            /* where it is defined */
	Use *uses;
	/* lowering (te.h) and planning (plan/) */
	struct Te *te;
	struct Place *place;
	int mark;                /* for passes; no meaning between them */
	bool decides;            /* Model.bind names it */
};

/* attributes; type numbers are ONNX's */
enum { A_FLOAT = 1, A_INT, A_STRING, A_TENSOR, A_GRAPH, A_FLOATS, A_INTS, A_STRINGS, A_TENSORS, A_GRAPHS, A_TYPE = 13 };
typedef struct Attr {
	const char *name;
	int type;
	int n;                   /* of the lists */
	float f;
	int64_t i;
	Str s;
	Value *t;                /* a constant */
	Graph *g;
	float *fs;
	int64_t *is;
	Str *ss;
	Value **ts;
	Type *tp;
} Attr;

struct Node {
	Op op;
	int id;                  /* position in the model file, for messages */
	const char *name;        /* may be "" */
	const char *unknown;     /* of OP_NONE: the operator's name in the file */
	Graph *graph;
	Node *next, *prev;
	int nin, nout;
	Value **in;              /* NULL: optional input that is not given. Change with node_set_in only */
	Value **out;             /* NULL: optional output that is not wanted */
	Use *use;                /* use[i] belongs to in[i] */
	int nattr;
	Attr *attr;
	VEC(struct Unit *) unit; /* what lowering made of it (te.h) */
	int mark;
};

struct Graph {
	Model *model;
	Graph *parent;           /* NULL: the main graph */
	Node *owner;             /* the node whose attribute it is */
	const char *name;
	VEC(Value *) in;
	Node *first, *last;
	Node *ret;               /* OP_RETURN, in the list, always last: its inputs are the graph's outputs */
	VEC(const char *) out_name;    /* names of the outputs, in order */
	VEC(VKind) out_kind;     /* as declared: the main graph's */
	int scope;               /* of assumptions (idx.h), a branch's own; 0: that of the graph around it */
	bool split;              /* a branch that holds what followed its If (passes/split.c) */
	const char *fails;  /* a branch of an If that is invalid: why. It has no nodes; taking it is an error at
			       run time */
};

/* how a sequence or optional is taken apart (passes/sequence.h) */
typedef struct Form { bool opt, seq; DType dt; int rank; } Form;   /* dt, rank: of the tensors in it */

/* an input or output of the model that is one: the main graph has its n parts, from number `first` on */
struct Compound { const char *name; bool out; int first, n; Form form; };

/* a symbol whose value is an element of an integer tensor, known when that tensor has been computed */
struct Bind { Ix sym; Value *from; int index; };

/* what the file says of output `index` of the main graph, or (-1) of a value in it */
struct Declared {
	const char *name;
	int index;
	DType dt;                /* DT_NONE: nothing */
	int rank;                /* -1: nothing */
	int64_t *dim;            /* -1: nothing, or a name */
};

struct Model {
	Graph *main;
	int64_t ir_version;
	const char *producer, *graph_name;
	uint8_t hash[32];        /* of the model file's bytes (SHA-256), external data not included */
	int64_t file_bytes, data_bytes;
	int nvalue, nnode;
	int nsplit;              /* nodes cloned because branches differ in rank */
	VEC(Value *) weight;     /* initializers in file order */
	VEC(struct { const char *name; Ix sym; }) dim;    /* named symbolic dims of the inputs */
	Map *refused;            /* operators that were reported: passes/shapes.c */
	VEC(struct Declared) declared;    /* until they are compared: passes/declared.c */
	VEC(struct Bind) bind;   /* symbols that data decides */
	VEC(struct Compound) compound;
	Map *bind_of;            /* symbol -> 1 + index in bind; (value, element) -> symbol. consts.c only */
};

/* building and changing; uses are kept exact */
Value *value_new(Graph *, const char *name);
Value *value_tensor(Graph *, const char *name, DType, int rank, const Ix *dim);
Value *value_like(const Value *, Graph *);            /* same kind, dtype, dims; no name */
/* bytes copied, packed */
Value *value_const(Graph *, DType, int rank, const int64_t *dim, const void *bytes);
Value *value_ints(Graph *, const int64_t *, int n);   /* i64[n] */
Value *value_float(Graph *, DType, double);           /* scalar, rank 0, of any numeric dtype */
void value_replace(Value *old, Value *by);            /* every use; a name moves over if `by` has none */
void value_set_dims(Value *, DType, int rank, const Ix *dim);     /* dims copied */
int value_nuses(const Value *);
bool value_is_output(const Value *);                  /* of its graph */
Ix value_numel(const Value *);
bool value_static(const Value *, int64_t *dims);      /* all dims constant; dims may be NULL */
bool value_same_shape(const Value *, const Value *);  /* ix_equal dims */
Node *node_new(Graph *, Node *before, Op, int nin, int nout);  /* inputs and outputs NULL; before NULL: ahead
								  of ret */
Node *node_simple(Graph *, Node *before, Op, Value *const *in, int nin);  /* one fresh output, shape
									     inferred */
void node_set_in(Node *, int i, Value *);
void node_set_out(Node *, int i, Value *);
void node_add_attr(Node *, Attr);
void node_drop_attr(Node *, const char *name);
bool node_needs(const Node *, int i);                /* input i may not be left out */
void node_resize_in(Node *, int nin);                 /* more inputs (NULL) or fewer */
void node_remove(Node *);                             /* its outputs must have no uses */
void node_move(Node *, Graph *to, Node *before);  /* its outputs and subgraphs go with it; before NULL: ahead
						     of ret */
void graph_spill(Graph *from, Node *before);          /* its nodes, but the last, with the constants they read */
Graph *graph_new(Model *, Graph *parent, const char *name);
void graph_set_outputs(Graph *, Value *const *, int n);
int graph_scope(Graph *);                             /* its scope of assumptions */
bool graph_encloses(const Graph *outer, const Graph *);   /* or is it */

/* attributes; a wrong type is an error() naming node and attribute, and the default is returned */
const Attr *attr_find(const Node *, const char *name);
const char *attr_type_name(int type);    /* "an int", for messages */
const Attr *attr_of(const Node *, const char *name, int type);    /* another type is an error, and none */
int64_t attr_int(const Node *, const char *name, int64_t dflt);
double attr_float(const Node *, const char *name, double dflt);
const char *attr_str(const Node *, const char *name, const char *dflt);
const int64_t *attr_ints(const Node *, const char *name, int *n);     /* NULL and 0 if absent */
const float *attr_floats(const Node *, const char *name, int *n);
const Str *attr_strs(const Node *, const char *name, int *n);
Value *attr_tensor(const Node *, const char *name);                   /* NULL if absent */
Graph *attr_graph(const Node *, const char *name);

/* constants read on the host */
bool const_ints(const Value *, const int64_t **, int64_t *n);  /* integer or bool constant of any shape, as
								  int64 */
bool const_int(const Value *, int64_t *);                       /* one element */
bool const_floats(const Value *, const double **, int64_t *n);
bool const_float(const Value *, double *);                      /* all elements equal this */
bool known_ints(const Value *, const Ix **, int *n);            /* known elements: constant, or Value.known */

/* element k (row-major) of an integer tensor as an index: known, or a symbol bound by loading it (recorded in
 * Model.bind and as v->known, so that a second call gives the same). lo, hi bound the symbol (NULL: none) */
/* a symbol that data decide is at most INT32_MAX in magnitude, as dims are, unless its bounds say more; what is out of its bounds
 * ends the run, but where hi is FAR the nearest within them stands for it: ends of a Slice */
#define FAR ((int64_t)1 << 40)
bool ix_clamped(Ix);             /* may differ from the data */
Ix value_elem(Value *, int k, Ix lo, Ix hi);
/* a fresh symbol whose value will be from[index]: NonZero's count. `from` may be set later by sym_bind
 * (lowering) */
void sym_bind(Model *, Ix sym, Value *from, int index);
bool sym_own(const Node *, Ix);  /* a symbol without a name that no value is known to give, but for this node's lowering */

const char *node_where(const Node *);   /* "node 'x' (Conv, #12)" for messages */
void type_dims(Buf *, int rank, const Ix *dim);       /* "[n, 3, 224, 224]", "[...]" of unknown rank */
const char *value_str(const Value *);   /* "'x' float32[n, 3, 224, 224]" */
const char *op_name(Op);
const char *node_op_name(const Node *);  /* of a node that may be unknown too */
bool op_supported(const OpDef *);
bool axis_ok(const Node *, int64_t *axis, int rank);   /* normalises -rank..rank-1, else error() */
#define node_error(n, ...) error(node_where(n), __VA_ARGS__)
#define node_unsupported(n, ...) unsupported(node_where(n), __VA_ARGS__)

/* import: onnx/. Raises. path "-" reads standard input */
typedef struct ImportOptions {
	const char *external_root;                        /* NULL: the model's folder */
	VEC(struct { const char *name; int64_t lo, hi; }) dim;          /* --dim */
	VEC(struct { const char *input; int rank; int64_t *dim; }) shape;  /* --shape; -1 keeps a dim
									      symbolic */
} ImportOptions;
Model *onnx_import(const char *path, const ImportOptions *);

/* inference of one node: dtype and shape of its outputs, known elements (passes/shapes.c does whole
 * graphs) */
void node_infer(Node *);
/* reports every operator that is not supported, each once; inspect lives with them */
void check_operators(Model *);

void graph_verify(const Model *, const char *after);  /* bug() */
void graph_dump(FILE *, const Model *);

#endif
