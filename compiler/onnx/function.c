/* Model-local functions, inlined where they are called: identified by (domain, name, overload), with
 * operator sets of their own, attributes that refer to the caller's, and defaults.
 */
#include "import.h"

static const char *
key_of(const char *domain, const char *name, const char *overload)
{
	domain = STR_OF(domain);
	if (!strcmp(domain, "ai.onnx"))
		domain = "";
	return fmt("%s\n%s\n%s", domain, STR_OF(name), STR_OF(overload));
}

void
collect_functions(Import *im, const Onnx__ModelProto *p)
{
	void **slot;

	for (size_t i = 0; i < p->n_functions; i++) {
		slot = map_at_str(im->function, key_of(p->functions[i]->domain, p->functions[i]->name,
			p->functions[i]->overload));
		if (*slot)
			error(fmt("function '%s'", quoted(STR_OF(p->functions[i]->name))),
				"is defined twice");
		*slot = p->functions[i];
		im->has_functions = true;
	}
}

const Onnx__FunctionProto *
find_function(Import *im, const Onnx__NodeProto *p)
{
	return im->has_functions ? map_str(im->function, key_of(p->domain, p->op_type, p->overload)) : NULL;
}

static void
bind_inputs(
	Scope *caller, Scope *s, const Onnx__NodeProto *p, const Onnx__FunctionProto *f, const char *where)
{
	Value *v;

	if (p->n_input > f->n_input)
		error(where, "has %zu inputs, its function %zu", p->n_input, f->n_input);
	for (size_t i = 0; i < f->n_input; i++) {
		v = &absent;
		if (i < p->n_input && *p->input[i] && !(v = scope_find(caller, p->input[i]))) {
			error(where, "input '%s' is defined nowhere", quoted(p->input[i]));
			v = &absent;
		}
		scope_define(s, f->input[i], v, where);
	}
}

static void
bind_outputs(Scope *caller, const Scope *s, const Onnx__NodeProto *p, const Onnx__FunctionProto *f,
	const char *where)
{
	Value *v;

	if (p->n_output > f->n_output)
		error(where, "has %zu outputs, its function %zu", p->n_output, f->n_output);
	for (size_t i = 0; i < p->n_output && i < f->n_output; i++) {
		if (!*p->output[i])
			continue;
		v = scope_find(s, f->output[i]);
		if (!v) {
			error(where, "output '%s' of the function is computed nowhere", quoted(f->output[i]));
			v = &absent;
		}
		if (v != &absent && !v->name && !caller->call)
			v->name = copy_str(p->output[i]);
		scope_define(caller, p->output[i], v, where);
	}
}

void
inline_call(Import *im, Scope *caller, const Onnx__NodeProto *p, const Onnx__FunctionProto *f, int id)
{
	const char *name = copy_str(*STR_OF(p->name) ? p->name : STR_OF(p->op_type)), *where;
	Call call = {.f = f, .node = p, .scope = caller, .name = name, .id = id, .up = caller->call};
	Opset opset = *im->opset;
	Scope s = {.graph = caller->graph, .value = map_new(), .opset = &opset, .call = &call};

	if (call.up) {
		call.name = fmt("%s/%s", call.up->name, name);
		call.id = call.up->id;
	}
	where = fmt("call '%s' of function '%s'", quoted(call.name), quoted(STR_OF(f->name)));
	for (const Call *c = call.up; c; c = c->up)
		if (c->f == f)
			fatal(EX_INVALID, where, "the function calls itself");
	limit_check(LIM_DEPTH, ++im->depth, where);
	read_opsets(&opset, f->opset_import, f->n_opset_import);
	bind_inputs(caller, &s, p, f, where);
	convert_nodes(im, &s, f->node, f->n_node);
	bind_outputs(caller, &s, p, f, where);
	im->depth--;
}
