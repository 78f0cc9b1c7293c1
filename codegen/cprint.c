/* The printer of statements and kernels. See target.h. */
#include "emit.h"

#include <ctype.h>
#include <stdarg.h>

const char *
status_name(int status)
{
	static const char *const name[] = {
		"ZENITH_OK", "ZENITH_BAD_ARGUMENT", "ZENITH_BAD_SHAPE", "ZENITH_BAD_INDEX", "ZENITH_BAD_DATA", "ZENITH_CAPACITY",
		"ZENITH_HEAP_FULL", "ZENITH_WORKSPACE", "ZENITH_NO_WEIGHTS", "ZENITH_UNSUPPORTED",
	};

	return status >= 0 && status < LEN(name) ? name[status] : fmt("%d", status);
}

void
cp_line(CPrint *p)
{
	for (int i = 0; i < p->indent; i++)
		buf_add(p->b, "\t", 1);
}

static void
add_v(CPrint *p, const char *f, va_list v)
{
	char small[256];
	va_list w;
	int n;

	va_copy(w, v);
	n = vsnprintf(small, sizeof small, f, w);
	va_end(w);
	if (n < (int)sizeof small) {
		buf_add(p->b, small, (size_t)n);
		return;
	}
	char *s = alloc((size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, f, v);
	buf_add(p->b, s, (size_t)n);
}

void
cp_text(CPrint *p, const char *f, ...)
{
	va_list v;

	va_start(v, f);
	add_v(p, f, v);
	va_end(v);
}

void
cp_linef(CPrint *p, const char *f, ...)
{
	va_list v;

	cp_line(p);
	va_start(v, f);
	add_v(p, f, v);
	va_end(v);
	buf_add(p->b, "\n", 1);
}

/* names of the printer's own: i0 t0 n0 */
static bool
is_own(const char *s)
{
	return (*s == 'i' || *s == 't' || *s == 'n') && isdigit((unsigned char)s[1]);
}

const char *
cp_name(CPrint *p, const void *key, const char *name, const char *dflt)
{
	void **slot = map_at_ptr(p->name, key);
	const char *s = p->canon || !name ? dflt : name;

	if (!*slot)
		*slot = (void *)(uintptr_t)name_unique(p->taken, is_own(s) ? fmt("%s_", s) : s, dflt);
	return *slot;
}

const char *
cp_unique(CPrint *p, const char *name)
{
	return name_unique(p->taken, is_own(name) ? fmt("%s_", name) : name, "a");
}

/* announces the expressions of a statement itself, not of those inside it */
static void
roots(CPrint *p, const Stmt *s)
{
	cp_begin(p);
	cp_root(p, s->e);
	cp_root_ix(p, s->ix);
	cp_root_ix(p, s->ix2);
	if (s->op == S_FOR)
		cp_root_ix(p, ix_atom(s->var)->a);
}

/* every index of the statements fits in 32 bits */
static bool
fits(CPrint *p, const Stmt *s)
{
	if (!s)
		return true;
	roots(p, s);
	if (!cp_fits(p) || (s->ix && !cp_ix_fits(s->ix)) || (s->ix2 && !cp_ix_fits(s->ix2)))
		return false;
	if (s->op == S_FOR && !cp_ix_fits(ix_atom(s->var)->a))
		return false;
	for (int i = 0; i < s->list.n; i++)
		if (!fits(p, s->list.p[i]))
			return false;
	return fits(p, s->body) && fits(p, s->other);
}

void
cp_block(CPrint *p, const Stmt *s)
{
	cp_text(p, " {\n");
	p->indent++;
	if (s && s->op == S_BLOCK)
		for (int i = 0; i < s->list.n; i++)
			cp_stmt(p, s->list.p[i]);
	else if (s)
		cp_stmt(p, s);
	p->indent--;
	cp_line(p);
	cp_text(p, "}");
}

static bool
has_data(const IxAtom *a, void *arg)
{
	(void)arg;
	return a->kind == IX_EXPR;
}

/* the iterations of a parallel loop that are this part's */
static void
print_share(CPrint *p, Ix extent, const char *end, const char *name)
{
	const char *cut = fmt("zn_cut%s", p->t->index_suffix[p->wide]), *last = fmt("n%d", p->temps++);

	prelude_need(p->pre, cut);
	for (int i = 0; i < 2; i++) {
		if (i)
			cp_text(p, ", %s = %s(", last, cut);
		else
			cp_text(p, "for (%s %s = %s(", p->t->index[p->wide], name, cut);
		if (end)
			cp_text(p, "%s", end);
		else
			cp_ix(p, extent, P_COND);
		cp_text(p, ", %s%s, %d)", p->part, i ? " + 1" : "", p->parts);
	}
	cp_text(p, "; %s < %s", name, last);
}

static void
print_for(CPrint *p, const Stmt *s)
{
	const IxAtom *v = ix_atom(s->var);
	const char *type = p->t->index[p->wide], *name = fmt("i%d", p->loops), *end = NULL;
	void **slot;

	cp_print_temps(p);
	if (s->kind == F_LANES && p->isa && p->isa->lanes == s->lanes && lanes_can(s)) {
		cv_loop(p, s);
		return;
	}
	if (ix_any(v->a, has_data, NULL)) {
		end = fmt("n%d", p->temps++);
		cp_line(p);
		cp_text(p, "const %s %s = ", type, end);
		cp_ix(p, v->a, P_COND);
		cp_text(p, ";\n");
	}
	cp_line(p);
	if (s->kind == F_PARALLEL && p->parts > 1) {
		print_share(p, v->a, end, name);
	} else {
		cp_text(p, "for (%s %s = 0; %s < ", type, name, name);
		if (end)
			cp_text(p, "%s", end);
		else
			cp_ix(p, v->a, P_ADD);
	}
	cp_text(p, "; %s++)", name);
	slot = map_at_ptr(p->name, v);
	void *before = *slot;
	*slot = (void *)(uintptr_t)name;
	p->loops++;
	cp_block(p, s->body);
	p->loops--;
	*map_at_ptr(p->name, v) = before;
	cp_text(p, "\n");
}

static void
print_while(CPrint *p, const Stmt *s, bool temps)
{

	cp_line(p);
	if (!temps) {
		cp_text(p, "while (");
		cp_expr(p, s->e, P_ANY);
		cp_text(p, ")");
		cp_block(p, s->body);
	} else {
		cp_text(p, "for (;;) {\n");
		p->indent++;
		cp_print_temps(p);
		cp_line(p);
		cp_text(p, "if (!");
		cp_expr(p, s->e, P_UNARY);
		cp_text(p, ")\n");
		cp_line(p);
		cp_text(p, "\tbreak;\n");
		for (int i = 0; i < s->body->list.n; i++)
			cp_stmt(p, s->body->list.p[i]);
		p->indent--;
		cp_line(p);
		cp_text(p, "}");
	}
	cp_text(p, "\n");
}

static void
print_if(CPrint *p, const Stmt *s)
{
	cp_line(p);
	cp_text(p, "if (");
	cp_expr(p, s->e, P_ANY);
	cp_text(p, ")");
	cp_block(p, s->body);
	if (s->other && s->other->list.n) {
		cp_text(p, " else");
		cp_block(p, s->other);
	}
	cp_text(p, "\n");
}

/* a value where its type is declared: bool expressions are int in C */
static void
print_value(CPrint *p, const Expr *e)
{
	if (e->dt == DT_BOOL && e->op != E_LOAD && e->op != E_VAR && e->op != E_CONST) {
		cp_text(p, "(uint8_t)");
		cp_expr(p, e, P_UNARY);
	} else {
		cp_expr(p, e, P_COND);
	}
}

static void
print_let(CPrint *p, const Stmt *s)
{
	cp_line(p);
	if (s->op == S_LET)
		cp_text(p, "%s ", p->t->value_type(s->v->dt));
	cp_text(p, "%s = ", cp_name(p, s->v, s->v->name, "v"));
	print_value(p, s->e);
	cp_text(p, ";\n");
}

static void
print_lvalue(CPrint *p, const Mem *m)
{
	const char *name = map_ptr(p->name, m);

	if (name)
		cp_text(p, "%s", name);
	else if (p->base)
		p->base(p, m, true);
	else
		bug("memory %s has no name", m->name);
}

static void
print_store(CPrint *p, const Stmt *s)
{
	cp_line(p);
	if (s->mem->packed && dtype_info[s->mem->dt].bits < 8) {
		prelude_need(p->pre, p->t->put(s->mem->dt));
		cp_text(p, "%s(", p->t->put(s->mem->dt));
		print_lvalue(p, s->mem);
		cp_text(p, ", ");
		cp_ix(p, s->ix, P_COND);
		cp_text(p, ", ");
		cp_expr(p, s->e, P_COND);
		cp_text(p, ");\n");
		return;
	}
	print_lvalue(p, s->mem);
	cp_text(p, "[");
	cp_ix(p, s->ix, P_ANY);
	cp_text(p, "] = ");
	if (s->e->dt == DT_BOOL)
		print_value(p, s->e);
	else
		cp_stored(p, s->e, P_COND);
	cp_text(p, ";\n");
}

static void
print_fail(CPrint *p, const Stmt *s)
{
	if (s->e) {
		cp_line(p);
		cp_text(p, "if (");
		cp_expr(p, s->e, P_ANY);
		cp_text(p, ")\n");
		p->indent++;
	}
	cp_linef(p, "return %s;", status_name(s->status));
	p->indent -= s->e != NULL;
}

static void
print_array(CPrint *p, const Stmt *s)
{
	int64_t n;

	if (!ix_isint(s->mem->size, &n) || n <= 0)
		bug("array %s of no constant size", s->mem->name);
	cp_linef(p, "%s %s[%lld];", p->t->mem_type(s->mem->dt, false), cp_name(p, s->mem, s->mem->name, "a"),
		(long long)n);
}

static void
print_prefetch(CPrint *p, const Stmt *s)
{
	prelude_need(p->pre, "zn_prefetch");
	cp_line(p);
	cp_text(p, "ZN_PREFETCH(");
	print_lvalue(p, s->mem);
	cp_text(p, " + ");
	cp_ix(p, s->ix, P_MUL);
	cp_text(p, ");\n");
}

void
cp_stmt(CPrint *p, const Stmt *s)
{
	bool temps;

	if (s->op == S_BLOCK) {
		cp_line(p);
		if (s->kind == F_PARALLEL && p->parts > 1)
			cp_text(p, "if (%s == %d) ", p->part, p->parts - 1);
		cp_text(p, "{\n");
		p->indent++;
		for (int i = 0; i < s->list.n; i++)
			cp_stmt(p, s->list.p[i]);
		p->indent--;
		cp_linef(p, "}");
		return;
	}
	if (p->before)
		p->before(p, s);
	roots(p, s);
	temps = cp_temps(p);
	if (p->lanes && cv_stmt(p, s))
		return;
	if (s->op != S_WHILE && s->op != S_FOR)
		cp_print_temps(p);
	switch (s->op) {
	case S_FOR:   print_for(p, s); break;
	case S_WHILE: print_while(p, s, temps); break;
	case S_IF:    print_if(p, s); break;
	case S_LET: case S_SET: print_let(p, s); break;
	case S_STORE: print_store(p, s); break;
	case S_ARRAY: print_array(p, s); break;
	case S_FAIL:  print_fail(p, s); break;
	case S_KEEP:  break;
	case S_PREFETCH: print_prefetch(p, s); break;
	case S_NOTE:  cp_linef(p, "/* %s */", text_comment(s->text)); break;
	default:
		if (!p->program)
			bug("a statement of the program in a kernel");
		p->program(p, s);
	}
}

static void
print_params(CPrint *p, const Kern *k)
{
	const char *sep = "";

	for (int i = 0; i < k->param.n; i++, sep = ", ") {
		const Mem *m = k->param.p[i];
		cp_text(p, "%s%s%s *%s %s", sep, m->written ? "" : "const ", p->t->mem_type(m->dt, m->packed), p->t->restrict_,
			cp_name(p, m, m->name, "p"));
	}
	for (int i = 0; i < k->sym.n; i++, sep = ", ")
		cp_text(p, "%sconst %s %s", sep, p->t->index[p->wide],
			cp_name(p, k->sym.p[i], k->sym.p[i]->name, "s"));
	if (k->heap)
		cp_text(p, "%szn_heap *heap", sep), sep = ", ";
	if (k->parts > 1)
		cp_text(p, "%sconst int %s", sep, p->part);
	else if (!*sep)
		cp_text(p, "void");
}

static void
find_parallel(Stmt *s, void *arg)
{
	*(bool *)arg |= s->kind == F_PARALLEL;
}

/* memory that each part has for itself: this part's. A body without parallel loops is one part's work */
static void
print_part(CPrint *p, const Kern *k)
{
	bool parallel = false;

	if (k->parts < 2)
		return;
	st_each(k->body, find_parallel, &parallel);
	if (!parallel) {
		cp_linef(p, "if (%s)", p->part);
		cp_linef(p, k->fails ? "\treturn ZENITH_OK;" : "\treturn;");
	}
	for (int i = 0; parallel && i < k->param.n; i++)
		if (k->param.p[i]->each) {
			cp_line(p);
			cp_text(p, "%s += (ptrdiff_t)(", cp_name(p, k->param.p[i], NULL, "p"));
			cp_ix(p, k->param.p[i]->size, P_ANY);
			cp_text(p, ") * %s;\n", p->part);
		}
}

static bool
wide(CPrint *p, const Kern *k)
{
	bool w = !fits(p, k->body);

	for (int i = 0; i < k->sym.n; i++)
		w |= !cp_sym_fits(k->sym.p[i]);
	for (int i = 0; i < k->variant.n; i++)
		w |= wide(p, k->variant.p[i]);
	return w;
}

/* up to its parameters */
static void
signature(CPrint *p, const Kern *k, const char *how, const char *name)
{
	p->name = map_new();
	p->taken = map_new();
	p->loops = p->temps = 0;
	p->parts = k->parts;
	p->part = k->parts > 1 ? name_unique(p->taken, "part", "part") : NULL;
	cp_text(p, "%s %s %s(", how, k->fails ? "int" : "void", name);
	print_params(p, k);
	cp_text(p, ")\n{\n");
	p->indent = 1;
}

static bool name_char(char c) { return isalnum((unsigned char)c) || c == '_'; }

static int nparam(const Kern *k) { return k->param.n + k->sym.n; }

static const char *
param_name(CPrint *p, const Kern *k, int i)
{
	return map_ptr(p->name, i < k->param.n ? (void *)k->param.p[i] : (void *)k->sym.p[i - k->param.n]);
}

/* parameters that this body does without: another variant needs them */
static void
unused(CPrint *p, const Kern *k, const char *text)
{
	Map *rest = map_new();
	size_t n;

	for (int i = 0; i < nparam(k); i++)
		*map_at_str(rest, param_name(p, k, i)) = p;
	for (const char *s = text; *s; s += n ? n : 1) {
		for (n = 0; name_char(s[n]); n++)
			;
		if (n && map_get(rest, s, n))
			*map_at(rest, s, n) = NULL;
	}
	for (int i = 0; i < nparam(k); i++)
		if (map_str(rest, param_name(p, k, i)))
			cp_linef(p, "(void)%s;", param_name(p, k, i));
}

static void
function(CPrint *p, const Kern *k, const char *how, const char *name)
{
	const Stmt *body = st_unroll(k->body);
	Buf text = {0}, *out = p->b;

	signature(p, k, how, name);
	p->isa = k->isa;
	p->b = &text;
	print_part(p, k);
	for (int i = 0; i < body->list.n; i++)
		cp_stmt(p, body->list.p[i]);
	if (k->fails)
		cp_linef(p, "return ZENITH_OK;");
	p->b = out;
	unused(p, k, buf_str(&text));
	buf_add(out, text.p, text.n);
	p->indent = 0;
	p->isa = NULL;
	cp_text(p, "}\n\n");
}

static void
call_variant(CPrint *p, const Kern *k, const char *name)
{
	const char *sep = "";

	cp_text(p, "%s%s(", k->fails ? "return " : "", name);
	for (int i = 0; i < k->param.n; i++, sep = ", ")
		cp_text(p, "%s%s", sep, (const char *)map_ptr(p->name, k->param.p[i]));
	for (int i = 0; i < k->sym.n; i++, sep = ", ")
		cp_text(p, "%s%s", sep, (const char *)map_ptr(p->name, k->sym.p[i]));
	if (k->parts > 1)
		cp_text(p, "%s%s", sep, p->part);
	cp_text(p, k->heap ? "%sheap);\n" : ");\n", sep);
}

const char *
cp_variant_name(const char *name, const Kern *variant)
{
	return fmt("%s_%s", name, variant ? variant->isa->name : "any");
}

/* the function of that name asks the processor which variant it can run */
static void
dispatch(CPrint *p, const Kern *k, const char *name)
{
	signature(p, k, "static", name);
	for (int i = 0; i < k->variant.n; i++) {
		const Isa *s = k->variant.p[i]->isa;
		prelude_need(p->pre, s->has);
		cp_text(p, "#if %s\n", s->when);
		cp_linef(p, "if (%s) {", s->has);
		cp_text(p, "\t\t");
		call_variant(p, k, cp_variant_name(name, k->variant.p[i]));
		if (!k->fails)
			cp_text(p, "\t\treturn;\n");
		cp_text(p, "\t}\n#endif\n");
	}
	cp_line(p);
	call_variant(p, k, cp_variant_name(name, NULL));
	p->indent = 0;
	cp_text(p, "}\n\n");
}

void
cp_kernel(CPrint *p, const Kern *k, const char *name)
{
	p->wide = wide(p, k);
	if (k->heap)
		prelude_need(p->pre, "zn_heap");
	if (!k->variant.n) {
		function(p, k, p->t->kernel, name);
		return;
	}
	for (int i = 0; i < k->variant.n; i++) {
		const Isa *s = k->variant.p[i]->isa;
		cp_text(p, "#if %s\n", s->when);
		function(p, k->variant.p[i], fmt("%s %s", p->t->kernel, s->attr),
			cp_variant_name(name, k->variant.p[i]));
		cp_text(p, "#endif\n");
	}
	function(p, k, p->t->kernel, cp_variant_name(name, NULL));
	dispatch(p, k, name);
}
