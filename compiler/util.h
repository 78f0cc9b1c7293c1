/* Memory, containers, diagnostics and checked arithmetic: what every other file uses.
 *
 * Memory. A compilation is one Session. Everything that it builds lives in the session's arena and goes with
 * it; nothing is freed singly. Large passing memory (folding, files) is taken with big_alloc and given back
 * with big_free, or goes with the session. Small passing memory (printing) is the scratch arena's: alloc() takes
 * from there between scratch_begin and scratch_end, except between keep_begin and keep_end. The pools of
 * expressions and indices keep what they intern; a map's memory is the arena's where the map was made.
 *
 * Errors. Two voices (design: "Diagnostics"). error() and unsupported() are about the user's model or
 * command: they print, count, and return, so that one run lists everything. raise() ends the compilation with
 * an exit code: it jumps to the session_try that began it. bug() is ours. No other function in this program
 * returns NULL or an error code for want of memory.
 */
#ifndef ZENITHC_UTIL_H
#define ZENITHC_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LEN(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* exit codes; the same numbers are the status of the library interface */
enum {
	EX_DONE = 0,
	EX_DIFFERS = 1,      /* verification found a difference */
	EX_USE = 2,          /* wrong command line */
	EX_INVALID = 3,      /* the model or the data is invalid */
	EX_UNSUPPORTED = 4,  /* an operator, type or feature is not supported */
	EX_TOOLCHAIN = 5,    /* the user's compiler failed */
	EX_LIMIT = 6,        /* a limit or memory was exceeded */
	EX_BUG = 70,
	EX_OUTPUT = 74,      /* the output could not be written */
};

/* memory */
typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *);
void *arena_alloc(Arena *, size_t n);   /* zeroed, aligned to 16 */
size_t arena_used(const Arena *);
void scratch_begin(void);
void scratch_end(void);                 /* what was taken since is gone */
Arena *keep_begin(void);                /* what is taken stays, until keep_end of the result; they nest */
void keep_end(Arena *);

void *alloc(size_t n);                  /* from the session's arena */
char *fmt(const char *f, ...) __attribute__((format(printf, 1, 2)));   /* a string in the session's arena */
char *copy_str(const char *);
void *copy_mem(const void *, size_t n);
void *big_alloc(size_t n);              /* zeroed; registered with the session */
void big_free(void *);
void big_free_all(void);                /* session_end's */
/* a table that grows: `to` bytes, the first `from` as in p and the others zero; p itself is given back, so nothing
 * may point into it. NULL has no bytes */
void *table_grow(void *p, size_t from, size_t to);
void table_free(void *p, size_t n);

#define NEW(T) ((T *)alloc(sizeof(T)))
#define NEWN(T, n) ((T *)alloc(sizeof(T) * (size_t)(n)))

/* a growing array in the arena: VEC(Node *) v; push(&v, x); v.p[i], i < v.n */
#define VEC(...) struct { __VA_ARGS__ *p; int n, cap; }
#define push(v, x) ((v)->n == (v)->cap \
	? (void)((v)->p = vec_grow((v)->p, &(v)->cap, sizeof *(v)->p)) : (void)0, \
	(v)->p[(v)->n++] = (x))
void *vec_grow(void *p, int *cap, size_t size);

/* a string that grows (arena) */
typedef struct Buf { char *p; size_t n, cap; } Buf;
void buf_add(Buf *, const char *s, size_t n);
void buf_fmt(Buf *, const char *f, ...) __attribute__((format(printf, 2, 3)));
void buf_free(Buf *);
char *buf_str(Buf *);                   /* terminated; stays valid until the next add */

/* a hash map from bytes or pointers to pointers (arena) */
typedef struct Map Map;
Map *map_new(void);
void **map_at(Map *, const void *key, size_t n);      /* the slot, made NULL if new; key bytes are copied */
void *map_get(Map *, const void *key, size_t n);      /* NULL if absent */
void *map_str(Map *, const char *key);                /* map_get for a string */
void **map_at_str(Map *, const char *key);
void *map_ptr(Map *, const void *key);                /* keyed by the pointer itself */
void **map_at_ptr(Map *, const void *key);
uint64_t hash_bytes(const void *, size_t n, uint64_t seed);

/* checked arithmetic: false when the result does not fit, *r then unspecified */
#define add_ok(a, b, r) (!__builtin_add_overflow(a, b, r))
#define sub_ok(a, b, r) (!__builtin_sub_overflow(a, b, r))
#define mul_ok(a, b, r) (!__builtin_mul_overflow(a, b, r))

/* limits: rows of limits.def, raised by --limit NAME=N */
enum limit {
#define LIMIT(id, name, value, most, what) LIM_##id,
#include "limits.def"
#undef LIMIT
	NLIMIT
};

/* a compilation */
typedef struct Session {
	Arena *arena;             /* alloc's */
	Arena *keep, *scratch;    /* scratch: or NULL */
	jmp_buf *out;             /* where raise() goes */
	int status;               /* the exit code of the first error */
	int nerror, nwarning;
	const char *file;         /* the model's name in messages */
	FILE *log;                /* NULL: messages are only kept in `messages` */
	Buf messages;
	struct Held *held;        /* not NULL: messages wait there (session_hold) */
	bool json;                /* --log-format=json */
	bool color;               /* --color */
	int verbose;
	int64_t limit[NLIMIT];
	void *big;                /* list of big_alloc blocks */
	struct IxPool *ix;        /* idx.c */
	struct ExPool *ex;        /* codegen/ir.c */
	const struct Node *rule;  /* the node whose shape rule or lowering runs, or NULL */
	struct Node *lowering;    /* the node of node_lower(), NULL while inferring */
	VEC(struct { void (*fn)(void *); void *arg; }) at_end;  /* run by session_end, last first (unmap,
								   close, unlink) */
} Session;

extern _Thread_local Session *zn;       /* the session of this thread */

Session *session_begin(const char *file);
void session_end(Session *);
/* runs fn with its messages held back. True: it found the model invalid; that is forgotten, *why is its first
 * message. False: it found nothing, or something worse; the messages are out */
bool session_hold(void (*fn)(void *), void *arg, const char **why);
void session_at_end(void (*fn)(void *), void *arg);
/* runs fn(arg) so that raise() returns here; the result is the session's status */
int session_try(void (*fn)(void *), void *arg);
_Noreturn void raise_status(int status);  /* a message was printed before */
void stop_if_errors(void);                /* raise if error() or unsupported() was called */

/* where: "node 'conv1' (Conv, #12)" or NULL for the file as a whole; see node_where() in graph.h */
void error(const char *where, const char *f, ...) __attribute__((format(printf, 2, 3)));        /* status 3 */
void unsupported(const char *where, const char *f, ...) __attribute__((format(printf, 2, 3)));  /* status 4 */
void remark(const char *where, const char *f, ...) __attribute__((format(printf, 2, 3)));
void warning(const char *where, const char *f, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void fatal(int status, const char *where, const char *f, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void bug_at(const char *file, int line, const char *f, ...) __attribute__((format(printf, 3, 4)));
#define bug(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
/* types or ranks that cannot be combined: while a node's rule runs, that node is not supported, since no shape rule
 * refused its operands; else a bug */
_Noreturn void ill_at(const char *file, int line, const char *f, ...) __attribute__((format(printf, 3, 4)));
#define ill(...) ill_at(__FILE__, __LINE__, __VA_ARGS__)
const char *rule_where(void);             /* graph.c: node_where of the rule's node, NULL if there is none */
void limit_check(enum limit, int64_t value, const char *where);  /* fatal(EX_LIMIT) above it, naming the
								    option */

/* text of a model made safe for a message: control, bidirectional and non-UTF-8 bytes escaped, at most 200
 * bytes */
const char *quoted(const char *);

#endif
