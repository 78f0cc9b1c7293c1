/* The helpers of templates/prelude.c: pieces that begin with a line "/" "*@ name *" "/" and end at the next.
 * A piece is written if printed code, or another piece that is written, calls its name. */
#include "emit.h"
#include "embed.h"

#include <ctype.h>

const char *
embedded_text(const char *name)
{
	for (const Embedded *e = embedded; e->name; e++)
		if (!strcmp(e->name, name))
			return e->text;
	bug("no embedded file %s", name);
}

static const char mark[] = "/*@ ";

/* the piece of that name: *n bytes, without its mark; NULL if there is none */
static const char *
piece(const char *name, size_t len, size_t *n)
{
	const char *p = embedded_text("templates/prelude.c"), *end;

	while ((p = strstr(p, mark))) {
		p += sizeof mark - 1;
		if (strncmp(p, name, len) || p[len] != ' ')
			continue;
		p = strchr(p, '\n') + 1;
		end = strstr(p, mark);
		*n = end ? (size_t)(end - p) : strlen(p);
		return p;
	}
	return NULL;
}

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

void
prelude_need(Prelude *pr, const char *text)
{
	const char *p = text, *q, *body;
	size_t n;

	while ((p = strstr(p, "zn_"))) {
		for (q = p; is_word(*q); q++)
			;
		if ((p == text || !is_word(p[-1])) && !map_get(pr->need, p, (size_t)(q - p))) {
			body = piece(p, (size_t)(q - p), &n);
			if (!body)
				bug("the prelude has no %.*s", (int)(q - p), p);
			*map_at(pr->need, p, (size_t)(q - p)) = pr;
			prelude_need(pr, fmt("%.*s", (int)n, body));
		}
		p = q;
	}
}

void
prelude_write(const Prelude *pr, Buf *b)
{
	const char *p = embedded_text("templates/prelude.c"), *end;

	while ((p = strstr(p, mark))) {
		p += sizeof mark - 1;
		if (!map_get(pr->need, p, strcspn(p, " ")))
			continue;
		p = strchr(p, '\n') + 1;
		end = strstr(p, mark);
		buf_add(b, p, end ? (size_t)(end - p) : strlen(p));
	}
}
