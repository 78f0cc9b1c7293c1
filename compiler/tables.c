/* `zenithc ops` and `zenithc targets`: what this build supports. */
#include "cli.h"
#include "ops.h"
#include "../codegen/target.h"
#include "lower/family.h"

#include <cjson/cJSON.h>

static const struct { const char *name, *what; } general[] = {
	{"c", "C99 for every processor, with vectors for each of those below, chosen when it runs"},
	{"scalar", "C99 without vectors"},
};

/* the k-th: those above, then one per isa, which has its vectors and, where they are not there, plain C */
static bool
target_row(int k, const char **name, const char **what)
{
	const Isa *s = isa_table;

	if (k < LEN(general)) {
		*name = general[k].name;
		*what = general[k].what;
		return true;
	}
	for (k -= LEN(general); k > 0 && s->name; k--)
		s++;
	*name = s->name;
	*what = s->what;
	return s->name != NULL;
}

bool
target_known(const char *name)
{
	const char *n, *what;

	for (int i = 0; target_row(i, &n, &what); i++)
		if (!strcmp(name, n))
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

/* the micro-kernels that a target can have */
static cJSON *
families(bool vectors)
{
	cJSON *list = cJSON_CreateArray(), *o;

	for (const Family *f = family_table; f->name; f++) {
		if (f->vectors && !vectors)
			continue;
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "name", f->name);
		cJSON_AddStringToObject(o, "what", f->what);
		cJSON_AddItemToArray(list, o);
	}
	return list;
}

int
cli_targets(Cli *c)
{
	cJSON *list = c->json ? cJSON_CreateArray() : NULL, *o;
	const char *name, *what;

	for (int i = 0; target_row(i, &name, &what); i++) {
		if (!c->json) {
			printf("%-10s %s\n", name, what);
			continue;
		}
		o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "name", name);
		cJSON_AddStringToObject(o, "what", what);
		cJSON_AddItemToObject(o, "families", families(strcmp(name, "scalar")));
		cJSON_AddItemToArray(list, o);
	}
	if (list)
		print_json(list);
	return EX_DONE;
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
