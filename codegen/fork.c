/* Calls of kernels that are divided into parts (lower/parallel.c).
 *
 *   typedef struct NAME_args { const float *p0; ... int64_t s0; ... int status[parts]; } NAME_args;
 *   static void NAME_part(void *args, int part)      calls the kernel
 *
 * and in the program a NAME_args that goes through the pool. The status is that of the lowest part that
 * failed: the one that a kernel in one piece would have met first. */
#include "emit.h"

void
fork_define(Em *e, Buf *b, const Kern *k, Shared *s)
{
	const char *sep = "";
	bool flush = ftz_kern(k);

	if (k->parts < 2)
		return;
	s->args = name_unique(e->taken, fmt("%s_args", s->name), "args");
	s->part = name_unique(e->taken, fmt("%s_part", s->name), "part");
	buf_fmt(b, "typedef struct %s {\n", s->args);
	for (int i = 0; i < k->param.n; i++) {
		const Mem *m = k->param.p[i];
		buf_fmt(b, "\t%s%s *p%d;\n", m->written ? "" : "const ",
			target_c.mem_type(m->dt, m->packed), i);
	}
	for (int i = 0; i < k->sym.n; i++)
		buf_fmt(b, "\t%s s%d;\n", target_c.index[s->wide], i);
	if (k->fails)
		buf_fmt(b, "\tint status[%d];\n", k->parts);
	buf_fmt(b, "} %s;\n\nstatic void %s(void *args, int part)\n{\n", s->args, s->part);
	buf_fmt(b, "\t%s%s *a = (%s%s *)args;\n", k->fails ? "" : "const ", s->args, k->fails ? "" : "const ",
		s->args);
	if (flush)
		buf_fmt(b, "\tconst uint64_t mode = zn_ftz_get();\n\n\tzn_ftz_set(%s_flush(mode));\n", e->name);
	buf_fmt(b, "%s\t%s%s(", flush ? "" : "\n", k->fails ? "a->status[part] = " : "", s->name);
	for (int i = 0; i < k->param.n; i++, sep = ", ")
		buf_fmt(b, "%sa->p%d", sep, i);
	for (int i = 0; i < k->sym.n; i++, sep = ", ")
		buf_fmt(b, "%sa->s%d", sep, i);
	buf_fmt(b, ", part);\n%s}\n\n", flush ? "\tzn_ftz_set(mode);\n" : "");
}

static void
failed(CPrint *p)
{
	cp_linef(p, "if (status != ZENITH_OK)");
	cp_linef(p, "\treturn status;");
}

void
fork_call(CPrint *p, const Kern *k, const Shared *s, void (*operands)(CPrint *, const Stmt *),
	const Stmt *call)
{
	Em *e = p->arg;

	cp_linef(p, "{");
	p->indent++;
	prelude_need(&e->pre, "zn_fork");
	cp_line(p);
	cp_text(p, "%s args = {", s->args);
	operands(p, call);
	cp_text(p, "%s};\n\n", k->fails ? ", {0}" : "");
	cp_linef(p, "zn_fork(pool, %s, &args, %d);", s->part, k->parts);
	if (k->fails) {
		prelude_need(&e->pre, "zn_joined");
		cp_linef(p, "status = zn_joined(args.status, %d);", k->parts);
	}
	if (k->fails)
		failed(p);
	p->indent--;
	cp_linef(p, "}");
}
