/* The loop IR as text: man/zenithc-ir.5 has the grammar. What a statement uses several times, and every
 * 40th level of a deep expression, is named first ($0 = ...), so that the text is linear in the DAG and
 * shallow. */
#include "pool.h"
#include "target.h"

#include "../compiler/graph.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { LEVELS = 40, LONGEST = 1 << 20, DEEPEST = 2000 };

typedef struct Info { int refs, height, name; } Info;     /* name: -1 none */

typedef struct Printer {
	Buf *b;
	int indent;
	Map *info;               /* Expr to Info; NULL: no names */
	size_t limit;            /* print no more than up to here */
	Map *kern;               /* of a program: its kernels to their number + 1 */
} Printer;

static const char *const for_text[] = {"", " unrolled", " parallel", " lanes"};

/* the id in dtype.def, in small letters */
const char *
dt_text(DType d)
{
	static const char *const id[NDTYPE] = {
		[DT_NONE] = "none",
#define DT(id, onnx, name, bits, class, ctype, npy) [DT_##id] = #id,
#include "../compiler/dtype.def"
#undef DT
	};
	char *s = copy_str(id[d]);

	for (char *p = s; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return s;
}

/* the parser finds symbols by the text under which they were printed */
static bool
keep_sym(const IxAtom *at, void *arg)
{
	(void)arg;
	if (at->kind == IX_SYM)
		*map_at_str(ex_syms(), ix_str(ix_of(at))) = (void *)at;
	return false;
}

static const char *
text(Ix p)
{
	ix_any(p, keep_sym, NULL);
	return ix_str(p);
}

/* a name as the parser can read it: letters, digits, _ */
static void
print_word(Buf *b, const char *name)
{
	if (!name || !*name || isdigit((unsigned char)*name))
		buf_add(b, "_", 1);
	for (const char *p = name ? name : ""; *p; p++)
		buf_fmt(b, "%c", isalnum((unsigned char)*p) ? *p : '_');
}

void
print_var(Buf *b, const Var *v)
{
	print_word(b, v->name);
	buf_fmt(b, ".%d", v->id);
}

void
print_mem(Buf *b, const Mem *m)
{
	print_word(b, m->name);
	buf_fmt(b, "%c%d", m->space == SP_PRIVATE ? '@' : '.', m->id);
}

static void
print_const(Buf *b, const Expr *e)
{
	bool whole = dt_int(e->dt) || e->dt == DT_I4 || e->dt == DT_U4 || e->dt == DT_I2 || e->dt == DT_U2;
	double v = whole ? 0 : dt_to_double(e->dt, e->u.bits);

	if (e->dt == DT_BOOL)
		buf_fmt(b, e->u.bits ? "true" : "false");
	else if (e->dt == DT_U64)
		buf_fmt(b, "%" PRIu64 ":u64", e->u.bits);
	else if (e->dt == DT_I64)
		buf_fmt(b, "%" PRId64 ":i64", (int64_t)e->u.bits);
	else if (whole)
		buf_fmt(b, "%.0f:%s", dt_to_double(e->dt, e->u.bits), dt_text(e->dt));
	else if (dt_float(e->dt) && isinf(v))
		buf_fmt(b, "%sinf:%s", v < 0 ? "-" : "", dt_text(e->dt));
	else if (dt_float(e->dt) && isfinite(v))
		buf_fmt(b, "%a:%s", v, dt_text(e->dt));
	else
		buf_fmt(b, "#%" PRIx64 ":%s", e->u.bits, dt_text(e->dt));
}

static void print_expr(Printer *, const Expr *, int depth);

static void
print_operands(Printer *p, const Expr *e, int depth)
{
	for (int i = 0; i < e->n; i++) {
		if (i)
			buf_fmt(p->b, ", ");
		print_expr(p, e->a[i], depth + 1);
	}
}

static void
print_indices(Printer *p, const Expr *e)
{
	for (int i = 0; i < e->nix; i++) {
		buf_fmt(p->b, "%s%s", i ? ", " : "", text(e->ix[i]));
		if (e->op == E_REDUCE)
			buf_fmt(p->b, " < %s", text(ix_atom(e->ix[i])->a));
	}
}

static void
print_node(Printer *p, const Expr *e, int depth)
{
	switch (e->op) {
	case E_CONST:
		print_const(p->b, e);
		return;
	case E_IX:
		buf_fmt(p->b, "ix(%s)", text(e->ix[0]));
		return;
	case E_VAR:
		print_var(p->b, e->u.var);
		return;
	case E_LOAD:
		buf_fmt(p->b, ex_is_word(e) ? "word(" : "");
		print_mem(p->b, e->u.mem);
		buf_fmt(p->b, ex_is_word(e) ? "[%s])" : "[%s]", text(e->ix[0]));
		return;
	case E_TLOAD:
		buf_fmt(p->b, "%%%d[", e->u.value->id);
		print_indices(p, e);
		buf_fmt(p->b, "]");
		return;
	case E_GUARD:
		buf_fmt(p->b, "guard(");
		print_indices(p, e);
		buf_fmt(p->b, "; ");
		break;
	case E_REDUCE:
		buf_fmt(p->b, "reduce.%s(", rop_text[e->u.rop]);
		print_indices(p, e);
		buf_fmt(p->b, "; ");
		break;
	case E_CAST: case E_CASTSAT: case E_BITCAST: case E_STRNUM:
		buf_fmt(p->b, "%s.%s(", eop_info[e->op].text, dt_text(e->dt));
		break;
	default:
		buf_fmt(p->b, "%s(", eop_info[e->op].text);
	}
	print_operands(p, e, depth);
	buf_fmt(p->b, ")");
}

static void
print_expr(Printer *p, const Expr *e, int depth)
{
	Info *in = p->info ? map_ptr(p->info, e) : NULL;

	if (in && in->name >= 0)
		buf_fmt(p->b, "$%d", in->name);
	else if (depth > DEEPEST || p->b->n > p->limit)
		buf_fmt(p->b, "...");
	else
		print_node(p, e, depth);
}

void
ir_print_expr(Buf *b, const Expr *e)
{
	Printer p = {.b = b, .limit = b->n + LONGEST};

	print_expr(&p, e, 0);
}

/* names within a statement */

static void
line(Printer *p)
{
	for (int i = 0; i < p->indent; i++)
		buf_add(p->b, "\t", 1);
}

static bool
is_reduce(const Expr *e, void *arg)
{
	(void)arg;
	return e->op == E_REDUCE;
}

static int
by_id(const void *x, const void *y)
{
	const Expr *a = *(const Expr *const *)x, *b = *(const Expr *const *)y;

	return (a->id > b->id) - (a->id < b->id);
}

typedef struct Order { VEC(const Expr *) p; } Order;

/* every node under root, operands first: they were interned first */
static void
count_refs(Printer *p, const Expr *root, Order *order)
{
	Order st = {0};
	const Expr *e;
	void **slot;

	push(&st.p, root);
	while (st.p.n) {
		e = st.p.p[--st.p.n];
		slot = map_at_ptr(p->info, e);
		if (*slot) {
			((Info *)*slot)->refs++;
			continue;
		}
		*slot = NEW(Info);
		*(Info *)*slot = (Info){1, 0, -1};
		for (int i = 0; i < e->n; i++)
			push(&st.p, e->a[i]);
		push(&order->p, e);
	}
	qsort(order->p.p, (size_t)order->p.n, sizeof *order->p.p, by_id);
}

/* prints the names that root needs. A reduction's variables are known only inside it: then there are none */
static void
print_names(Printer *p, const Expr *root)
{
	Order order = {0};
	const Expr *e;
	Info *in, *a;
	int count = 0;

	p->info = NULL;
	if (!root || ex_any(root, is_reduce, NULL))
		return;
	p->info = map_new();
	count_refs(p, root, &order);
	for (int k = 0; k < order.p.n; k++) {
		e = order.p.p[k];
		in = map_ptr(p->info, e);
		for (int i = 0; i < e->n; i++) {
			a = map_ptr(p->info, e->a[i]);
			in->height = a->height + 1 > in->height ? a->height + 1 : in->height;
		}
		if (e == root || !e->n || (in->refs < 2 && in->height % LEVELS))
			continue;
		line(p);
		buf_fmt(p->b, "$%d = ", count);
		print_node(p, e, 0);
		buf_fmt(p->b, "\n");
		in->name = count++;
	}
}

/* statements */

static void
print_string(Buf *b, const char *s)
{
	buf_fmt(b, "\"");
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			buf_fmt(b, "\\%c", *s);
		else if ((unsigned char)*s < 32 || *s == 127)
			buf_fmt(b, "\\x%02x", (unsigned char)*s);
		else
			buf_fmt(b, "%c", *s);
	buf_fmt(b, "\"");
}

static bool
is_data(const IxAtom *at, void *arg)
{
	(void)arg;
	return at->kind == IX_EXPR;
}

/* a size that data decides is left out: the data need not be readable here */
static void
print_type(Buf *b, const Mem *m)
{
	bool known = m->size && !ix_any(m->size, is_data, NULL);

	buf_fmt(b, "%s%s[%s]", m->packed && dtype_info[m->dt].bits < 8 ? "packed " : "", dt_text(m->dt),
		known ? text(m->size) : "?");
}

static void print_stmt(Printer *, const Stmt *);

static void
print_body(Printer *p, const Stmt *s)
{
	buf_fmt(p->b, "{\n");
	p->indent++;
	if (s->op == S_BLOCK)
		for (int i = 0; i < s->list.n; i++)
			print_stmt(p, s->list.p[i]);
	else
		print_stmt(p, s);
	p->indent--;
	line(p);
	buf_fmt(p->b, "}");
}

static void
print_args(Buf *b, const Stmt *s)
{
	for (int i = 0; i < s->arg.n; i++) {
		buf_fmt(b, i ? ", " : "");
		print_mem(b, s->arg.p[i].mem);
		if (s->arg.p[i].off && !ix_is(s->arg.p[i].off, 0))
			buf_fmt(b, " at %s", text(s->arg.p[i].off));
	}
}

static void
print_call(Printer *p, const Stmt *s)
{
	buf_fmt(p->b, "call #%d ", (int)(intptr_t)map_ptr(p->kern, s->kern) - 1);
	print_word(p->b, s->kern->name);
	buf_fmt(p->b, "(");
	print_args(p->b, s);
	buf_fmt(p->b, ")");
}

/* statements of the program */
static void
print_program_stmt(Printer *p, const Stmt *s)
{
	Buf *b = p->b;

	switch (s->op) {
	case S_CALL: print_call(p, s); break;
	case S_COPY:
		buf_fmt(b, "copy ");
		print_args(b, s);
		buf_fmt(b, ", %s", text(s->ix));
		break;
	case S_BIND:
		buf_fmt(b, "bind %s %s ", text(s->var), s->ix ? "=" : "from");
		if (s->ix)
			buf_fmt(b, "%s", text(s->ix));
		else
			print_expr(p, s->e, 0);
		break;
	case S_ASSUME:
		buf_fmt(b, "assume %s == %s else %d", text(s->ix), text(s->ix2), s->status);
		break;
	case S_ALLOC:
		buf_fmt(b, "alloc ");
		print_mem(b, s->mem);
		buf_fmt(b, ", %s", text(s->ix));
		break;
	case S_MARK:    buf_fmt(b, "mark %d", s->status); break;
	case S_RELEASE: buf_fmt(b, "release %d", s->status); break;
	default:        bug("statement %d", s->op);
	}
}

static void
print_if(Printer *p, const Stmt *s)
{
	buf_fmt(p->b, "if ");
	print_expr(p, s->e, 0);
	buf_fmt(p->b, " ");
	print_body(p, s->body);
	if (s->other) {
		buf_fmt(p->b, " else ");
		print_body(p, s->other);
	}
}

static void
print_assign(Printer *p, const char *word, const Stmt *s)
{
	buf_fmt(p->b, "%s ", word);
	if (s->v)
		print_var(p->b, s->v);
	else
		print_mem(p->b, s->mem);
	if (s->op == S_LET)
		buf_fmt(p->b, ": %s", dt_text(s->v->dt));
	if (s->op == S_STORE)
		buf_fmt(p->b, "[%s]", text(s->ix));
	buf_fmt(p->b, " = ");
	print_expr(p, s->e, 0);
}

static void
print_stmt(Printer *p, const Stmt *s)
{
	Buf *b = p->b;

	print_names(p, s->e);
	line(p);
	switch (s->op) {
	case S_BLOCK:
		buf_fmt(b, "%s", s->kind == F_PARALLEL ? "parallel " : "");
		print_body(p, s);
		break;
	case S_FOR:
		buf_fmt(b, "for %s < %s%s", text(s->var), text(ix_atom(s->var)->a), for_text[s->kind]);
		buf_fmt(b, s->kind == F_LANES ? " %d " : " ", s->lanes);
		print_body(p, s->body);
		break;
	case S_WHILE:
		buf_fmt(b, "while ");
		print_expr(p, s->e, 0);
		buf_fmt(b, " ");
		print_body(p, s->body);
		break;
	case S_IF:    print_if(p, s); break;
	case S_LET:   print_assign(p, "let", s); break;
	case S_SET:   print_assign(p, "set", s); break;
	case S_STORE: print_assign(p, "store", s); break;
	case S_ARRAY:
		buf_fmt(b, "array ");
		print_mem(b, s->mem);
		buf_fmt(b, ": ");
		print_type(b, s->mem);
		break;
	case S_KEEP: case S_PREFETCH:
		buf_fmt(b, s->op == S_KEEP ? "keep " : "prefetch ");
		print_mem(b, s->mem);
		if (s->op == S_PREFETCH)
			buf_fmt(b, "[%s]", text(s->ix));
		break;
	case S_FAIL:
		buf_fmt(b, "fail %d", s->status);
		if (s->e) {
			buf_fmt(b, " if ");
			print_expr(p, s->e, 0);
		}
		break;
	case S_NOTE:
		buf_fmt(b, "note ");
		print_string(b, s->text);
		break;
	default: print_program_stmt(p, s);
	}
	buf_fmt(b, "\n");
}

void
ir_print_kern(Buf *b, const Kern *k)
{
	static const char *const way[] = {"", "in ", "out ", "inout "};
	Printer p = {.b = b, .limit = SIZE_MAX};
	const Mem *m;

	if (k->note) {
		buf_fmt(b, "note ");
		print_string(b, k->note);
		buf_fmt(b, "\n");
	}
	buf_fmt(b, "kernel ");
	print_word(b, k->name);
	buf_fmt(b, "(");
	for (int i = 0; i < k->param.n; i++) {
		m = k->param.p[i];
		buf_fmt(b, "%s%s%s", i ? ", " : "", way[m->read + 2 * m->written], m->each ? "each " : "");
		print_mem(b, m);
		buf_fmt(b, ": ");
		print_type(b, m);
	}
	for (int i = 0; i < k->sym.n; i++)
		buf_fmt(b, "%s%s", i ? ", " : "; ", text(ix_of(k->sym.p[i])));
	buf_fmt(b, ")%s%s", k->fails ? " fails" : "", k->heap ? " heap" : "");
	if (k->macs > 0)
		buf_fmt(b, " macs %.17g", k->macs);
	if (k->parts > 1)
		buf_fmt(b, " parts %d", k->parts);
	if (k->flush)
		buf_fmt(b, " flush");
	buf_fmt(b, " ");
	if (k->isa)
		buf_fmt(b, "isa %s ", k->isa->name);
	print_body(&p, k->body);
	buf_fmt(b, "\n");
	for (int i = 0; i < k->variant.n; i++) {
		buf_fmt(b, "variant ");
		ir_print_kern(b, k->variant.p[i]);
	}
}

const char *const space_text[NSPACE] = {
	"param", "private", "scratch", "work", "weight", "state", "in", "out", "heap",
};

static void
print_region(Buf *b, const Mem *m)
{
	buf_fmt(b, "\t%s ", space_text[m->space]);
	print_mem(b, m);
	buf_fmt(b, ": ");
	print_type(b, m);
	if (m->index)
		buf_fmt(b, " number %d", m->index);
	if (m->offset)
		buf_fmt(b, " at %s", text(m->offset));
	buf_fmt(b, "\n");
}

void
ir_print_program(Buf *b, const Program *g)
{
	Printer p = {.b = b, .indent = 1, .limit = SIZE_MAX, .kern = map_new()};

	for (int i = 0; i < g->kern.n; i++) {
		*map_at_ptr(p.kern, g->kern.p[i]) = (void *)(intptr_t)(i + 1);
		ir_print_kern(b, g->kern.p[i]);
		buf_fmt(b, "\n");
	}
	buf_fmt(b, "program%s weights %" PRId64 " state %" PRId64, g->heap ? " heap" : "", g->weight_bytes,
		g->state_bytes);
	if (g->work_bytes)
		buf_fmt(b, " work %s", text(g->work_bytes));
	if (g->lower_bound)
		buf_fmt(b, " bound %s", text(g->lower_bound));
	buf_fmt(b, " {\n");
	for (int i = 0; i < g->mem.n; i++)
		print_region(b, g->mem.p[i]);
	if (g->layout) {
		buf_fmt(b, "\tlayout ");
		print_body(&p, g->layout);
		buf_fmt(b, "\n");
	}
	print_stmt(&p, g->body);
	buf_fmt(b, "}\n");
}
