/* Attributes as the schemas of operators have them: names that no version of an operator has, and types. */
#include "import.h"

#include <stdlib.h>

enum { MOST_WARNINGS = 4 };

static const struct Row { enum domain domain; const char *op, *attrs; } row[] = {
#define ATTRS(domain, op, attrs) {domain, op, attrs},
#include "attributes.def"
#undef ATTRS
};

static const char letter[] = "-fistgFISTGpPyY";         /* by AttributeProto.type */

static int
row_cmp(const void *x, const void *y)
{
	const struct Row *a = x, *b = y;

	return a->domain != b->domain ? (int)a->domain - (int)b->domain : strcmp(a->op, b->op);
}

const char *
attr_row(enum domain domain, const char *op)
{
	const struct Row key = {domain, op, NULL}, *r = bsearch(&key, row, LEN(row), sizeof *row, row_cmp);

	return r ? r->attrs : NULL;
}

/* the letters of the attribute's types, up to a space; NULL: the row does not have it */
static const char *
row_types(const char *attrs, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = attrs; *p; p += strcspn(p, " "), p += *p == ' ')
		if (strcspn(p, ":") == n && !memcmp(p, name, n))
			return p + n + 1;
	return NULL;
}

bool
attr_known(Import *im, const Node *n, const char *attrs, const char *op, const char *name)
{
	if (!attrs || row_types(attrs, name))
		return true;
	if (im->nstray++ < MOST_WARNINGS)
		warning(node_where(n), "attribute '%s' is unknown to %s and ignored", quoted(name), op);
	return false;
}

void
attrs_end(const Import *im)
{
	if (im->nstray > MOST_WARNINGS)
		warning(NULL, "%d more attributes are unknown to their operators and ignored",
			im->nstray - MOST_WARNINGS);
}

/* a sparse tensor was made dense; a list of nothing is ints in a file from before types were written */
static bool
fits(Attr *a, char type)
{
	if (a->type == A_INTS && !a->n && strchr("FST", type))
		a->type = (int)(strchr(letter, type) - letter);
	return letter[a->type] == type || (a->type == A_TENSOR && type == 'p');
}

bool
attr_fits(const Node *n, const char *attrs, Attr *a)
{
	const char *types = attrs ? row_types(attrs, a->name) : NULL, *t;
	Buf said = {0};

	if (!types)
		return true;
	for (t = types; *t && *t != ' '; t++)
		if (fits(a, *t))
			return true;
	for (t = types; *t && *t != ' '; t++)
		buf_fmt(&said, "%s%s", t > types ? " or " : "", attr_type_name((int)(strchr(letter, *t) - letter)));
	node_error(n, "attribute '%s' is %s, expected %s", quoted(a->name), attr_type_name(a->type), buf_str(&said));
	return false;
}
