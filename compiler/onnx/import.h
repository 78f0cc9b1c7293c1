/* What the files of onnx/ share: the state of one import. */
#ifndef ZENITHC_IMPORT_H
#define ZENITHC_IMPORT_H

#include "../graph.h"
#include "scan.h"
#include "onnx.pb-c.h"

typedef struct File { const uint8_t *p; size_t n; bool mapped; } File;

/* operator set versions in force: of the model, or of a function */
typedef struct Opset { int64_t version[NDOMAIN]; } Opset;

typedef struct Import {
	const ImportOptions *opt;
	Model *model;
	Scan scan;
	const char *folder;      /* where external data lies */
	Map *file;               /* location -> File * */
	Map *function;           /* domain, name, overload -> Onnx__FunctionProto * */
	Map *dim;                /* name of a dim -> Ix */
	Map *unknown;            /* domains whose operator set was reported */
	const Opset *opset;      /* of the model */
	bool has_functions;
	int nrandom;             /* nodes so far that draw: their `stream` */
	int nstray;              /* attributes so far that their operators do not know */
	int depth;               /* of graphs and functions */
} Import;

/* names in force. A graph has one; a function's body has one whose `up` is NULL */
typedef struct Scope {
	struct Scope *up;
	Graph *graph;
	Map *value;              /* name -> Value *, or &absent */
	const Opset *opset;
	const struct Call *call; /* the function call that this is inside, or NULL */
} Scope;
extern Value absent;             /* an input that a function's caller does not give */

enum { NOT_COMPUTED = -1 };      /* Value.mark of an output that only training has */

/* a call of a model-local function: what ref_attr_name refers to */
typedef struct Call {
	const Onnx__FunctionProto *f;
	const Onnx__NodeProto *node;
	Scope *scope;            /* the caller's */
	const char *name;        /* for the names of inlined nodes */
	int id;                  /* position of the outermost call */
	const struct Call *up;
} Call;

/* file.c */
File file_open(const char *path);  /* "-": standard input. Mapped where that is possible; fatal() otherwise */
File file_map(int fd, const char *path);
void file_forget(File);
void sha256(File, uint8_t out[32]);     /* sha256.c */

/* model.c: what onnx_import() does with an open file; external data lies in `folder` */
Model *onnx_read(File, const char *folder, const ImportOptions *);

/* external.c: `need` bytes of a tensor's external data */
const void *external_bytes(Import *, const Onnx__TensorProto *, size_t need, const char *where);

/* tensor.c */
Value *tensor_const(Import *, Graph *, const Onnx__TensorProto *, const char *where); /* NULL after error() */
Value *sparse_const(Import *, Graph *, const Onnx__SparseTensorProto *, const char *where);
bool dims_ok(const int64_t *dim, size_t rank, int64_t *numel, const char *where);

/* types.c */
void fix_shapes(Import *, Onnx__ValueInfoProto *const *, size_t n);    /* --shape names sizes for dims */
VKind declared_kind(const Onnx__TypeProto *);
void type_into(Import *, Value *, const Onnx__TypeProto *, bool input);
Type *type_convert(const Onnx__TypeProto *, const char *where);
void declare(Import *, const Onnx__ValueInfoProto *, int index);    /* into Model.declared */
void check_dim_options(Import *);

/* model.c */
void convert_nodes(Import *, Scope *, Onnx__NodeProto *const *, size_t n);
/* false: absent, or error() */
bool convert_attr(Import *, Scope *, Node *, const Onnx__AttributeProto *, Attr *);
Value *scope_find(const Scope *, const char *name);
void scope_define(Scope *, const char *name, Value *, const char *where);
void read_opsets(Opset *, Onnx__OperatorSetIdProto *const *, size_t n);
int domain_of(const char *name);        /* -1: one that this build does not know */

/* attributes.c: what the schemas say. attr_row(): the attributes of an operator, NULL if it is not in the table;
 * attr_known(): false after a warning; attr_fits(): false after error(); it types lists of nothing */
const char *attr_row(enum domain, const char *op);
bool attr_known(Import *, const Node *, const char *row, const char *op, const char *name);
bool attr_fits(const Node *, const char *row, Attr *);
void attrs_end(const Import *);         /* says how many warnings there would have been */

/* order.c: the positions of the nodes in an order in which each comes after what it reads; NULL if they are
 * in it already. fatal() for a cycle */
int *node_order(Onnx__NodeProto *const *, int n, const char *where);

/* function.c */
void collect_functions(Import *, const Onnx__ModelProto *);
const Onnx__FunctionProto *find_function(Import *, const Onnx__NodeProto *);
void inline_call(Import *, Scope *, const Onnx__NodeProto *, const Onnx__FunctionProto *, int id);

/* upgrade.c: the node, as of operator set `version` of its domain, becomes one or more of the newest form */
Op upgrade_name(enum domain, const char *name);
void upgrade(Node *, const char *name, int64_t version);

/* what its rules are written with, and those of contrib.c */
void need_type(Value *);                /* infers what the value depends on, while its rank is not known */
int rank_of(Node *, Value *);           /* -1 after unsupported(): the node needs it */
Node *insert(Node *before, Op, Value *const *in, int nin);      /* one output */
/* a node after n that takes over its output k; gives the node, whose inputs are nin: the first is n's own */
Node *insert_after(Node *n, int k, Op, int nin);
void set_attr_int(Node *, const char *name, int64_t);
void set_attr_str(Node *, const char *name, const char *);
/* a scalar of the dtype of `like`: by a cast where inference does not tell it */
Value *scalar_like(Node *, Value *like, double);

/* contrib.c: a node of an operator with OF_EXPANDS becomes nodes of others */
void expand(Node *);
/* what its rules are written with besides: nodes before n */
Value *two(Node *n, Op, Value *, Value *);
Value *plus(Node *n, Value *, Value *);         /* either may be NULL */
Value *cast_to(Node *n, Value *, int type);
Value *ints(Node *n, int count, const int64_t *);
Value *unsqueeze(Node *n, Value *, int count, const int64_t *axes);
Value *slice(Node *n, Value *, int64_t from, int64_t to, int64_t axis);
Value *dims(Node *n, Value *, int from, int to);
Value *positions(Node *n, Value *, int axis);   /* the elements 0, 1, ... of that axis */
/* n becomes this one, without attributes, with its first output alone */
void become(Node *n, Op, Value *const *in, int nin);
/* true after node_unsupported(): one of these is there */
bool refuse_outputs(Node *n, int from, int to);
bool refuse_inputs(Node *n, int from, int to);
void ex_flex_attention(Node *);          /* preview.c: a rule of it */
void ex_mat_mul_n_bits(Node *);         /* nbits.c: the rule of MatMulNBits */
void ex_gather_block_quantized(Node *); /* nbits.c, too */

void ex_group_query_attention(Node *);  /* grouped.c */

/* optimized.c: rules of it too */
void ex_as_onnx(Node *);
void ex_channels_last(Node *);
void ex_expand_dims(Node *);
void ex_grid_sample(Node *);
void ex_ms_range(Node *);
void ex_unique(Node *);
bool channels_first(Node *);


#define STR_OF(s) ((s) ? (s) : "")

#endif
