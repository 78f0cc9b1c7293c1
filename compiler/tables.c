/* `zenithc ops` and `zenithc targets`: what this build supports. */
#include "cli.h"
#include "ops.h"

#include <cjson/cJSON.h>

static const struct { const char *name, *what; } targets[] = {
	{"c", "C99, one thread; x86-64, AArch64 and anything else with a C compiler"},
};

bool
target_known(const char *name)
{
	for (int i = 0; i < LEN(targets); i++)
		if (!strcmp(name, targets[i].name))
			return true;
	return false;
}

static void
print_json(cJSON *j)
{
	char *s = cJSON_Print(j);

	puts(s);
	cJSON_free(s);
	cJSON_Delete(j);
}

int
cli_targets(Cli *c)
{
	cJSON *list = c->json ? cJSON_CreateArray() : NULL, *o;

	for (int i = 0; i < LEN(targets); i++) {
		if (!c->json) {
			printf("%-8s %s\n", targets[i].name, targets[i].what);
			continue;
		}
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "name", targets[i].name);
		cJSON_AddStringToObject(o, "what", targets[i].what);
		cJSON_AddItemToArray(list, o);
	}
	if (list)
		print_json(list);
	return EX_DONE;
}

/* control flow has no lowering of its own in the table: lower/program.c makes it. What dissolves has no rules */
bool
op_supported(const OpDef *d)
{
	return d->flags & OF_DISSOLVES || (d->shape && (d->lower || d->flags & OF_SUBGRAPH || d->eop));
}

int
cli_ops(Cli *c)
{
	cJSON *list = c->json ? cJSON_CreateArray() : NULL, *o;
	int yes = 0, all = 0;

	for (int i = 1; i < NOP; i++) {
		const OpDef *d = &op_def[i];
		if (d->domain == D_ZENITH)
			continue;
		all++;
		yes += op_supported(d);
		if (!c->json) {
			printf("%-28s%-30s%4d  %s\n", d->name,
				*domain_name[d->domain] ? domain_name[d->domain] : "ai.onnx", d->version,
				op_supported(d) ? "yes" : "not yet");
			continue;
		}
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "name", d->name);
		cJSON_AddStringToObject(o, "domain", domain_name[d->domain]);
		cJSON_AddNumberToObject(o, "version", d->version);
		cJSON_AddBoolToObject(o, "supported", op_supported(d));
		cJSON_AddItemToArray(list, o);
	}
	if (list)
		print_json(list);
	else
		printf("%d of %d\n", yes, all);
	return EX_DONE;
}
