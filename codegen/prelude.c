/* The helpers of templates/: pieces that begin with a line "/" "*@ name *" "/" and end at the next. A
 * piece is written if printed code, or another piece that is written, calls its name.
 *
 * Names that end in x16, x8, x4 (and a letter: a variant) are of that many lanes: AVX-512, AVX2, NEON.
 * Where no piece has the very name, the one with x@ for x16 is taken; in its text @ is the number of lanes
 * and $ the number of bits. Pieces of a number of lanes stand together between #ifdef of their ISA and
 * #endif. */
#include "emit.h"
#include "embed.h"

#include <ctype.h>

typedef struct Piece { const char *name, *text; size_t nname, n; } Piece;

static const char *const files[] = {"templates/prelude.c", "templates/numbers.c", "templates/text.c",
	"templates/tensors.c", "templates/vector.c", "templates/vx86.c", "templates/vneon.c", "templates/vmath.c"};
static const struct { int lanes; const char *isa, *head; } isas[] = {
	{16, "ZN_AVX512", "zn_x86"}, {8, "ZN_AVX2", "zn_x86"}, {4, "ZN_NEON", "zn_arm"}};

const char *
embedded_text(const char *name)
{
	for (const Embedded *e = embedded; e->name; e++)
		if (!strcmp(e->name, name))
			return e->text;
	bug("no embedded file %s", name);
}

static const char mark[] = "/*@ ";

/* calls f on every piece, in the order of the files */
static void
each_piece(void (*f)(const Piece *, void *), void *arg)
{
	const char *p, *end;
	Piece one;

	for (int i = 0; i < LEN(files); i++)
		for (p = strstr(embedded_text(files[i]), mark); p; p = end) {
			one.name = p + sizeof mark - 1;
			one.nname = strcspn(one.name, " ");
			one.text = strchr(p, '\n') + 1;
			end = strstr(one.text, mark);
			one.n = end ? (size_t)(end - one.text) : strlen(one.text);
			f(&one, arg);
		}
}

static void
enter(const Piece *one, void *arg)
{
	Piece *p = NEW(Piece);

	*p = *one;
	*map_at(arg, one->name, one->nname) = p;
}

/* lanes that the name tells, 0: none; *at: where the number stands */
static int
lanes_of(const char *name, size_t n, size_t *at)
{
	size_t i = n;
	int r = 0, ten = 1;

	if (i && islower((unsigned char)name[i - 1]))
		i--;
	for (; i && isdigit((unsigned char)name[i - 1]); i--, ten *= 10)
		r += (name[i - 1] - '0') * ten;
	*at = i;
	return i && name[i - 1] == 'x' && (r == 4 || r == 8 || r == 16) ? r : 0;
}

const char *
prelude_lanes(const char *text, size_t n, int lanes)
{
	Buf b = {0};

	for (size_t i = 0, k; i < n; i += k) {
		for (k = 0; i + k < n && text[i + k] != '@' && text[i + k] != '$'; k++)
			;
		buf_add(&b, text + i, k);
		if (i + k < n)
			buf_fmt(&b, "%d", text[i + k++] == '@' ? lanes : 32 * lanes);
	}
	return buf_str(&b);
}

/* the text of the piece of that name; NULL if there is none */
static const char *
piece(Prelude *pr, const char *name, size_t n)
{
	size_t at, end;
	int lanes = lanes_of(name, n, &at);
	Piece *p;
	char *generic;

	if (!pr->pieces) {
		pr->pieces = map_new();
		each_piece(enter, pr->pieces);
	}
	if (!(p = map_get(pr->pieces, name, n)) && lanes) {
		end = at + (lanes > 9 ? 2 : 1);
		generic = fmt("%.*s@%.*s", (int)at, name, (int)(n - end), name + end);
		p = map_str(pr->pieces, generic);
	}
	return p ? prelude_lanes(p->text, p->n, lanes) : NULL;
}

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

void
prelude_need(Prelude *pr, const char *text)
{
	const char *p = text, *q, *body;
	Arena *was;

	while ((p = strstr(p, "zn_"))) {
		for (q = p; is_word(*q); q++)
			;
		if ((p == text || !is_word(p[-1])) && !map_get(pr->need, p, (size_t)(q - p))) {
			was = keep_begin();
			body = piece(pr, p, (size_t)(q - p));
			keep_end(was);
			if (!body)
				bug("the prelude has no %.*s", (int)(q - p), p);
			*map_at(pr->need, p, (size_t)(q - p)) = (void *)body;
			prelude_need(pr, body);
		}
		p = q;
	}
}

typedef struct Writer { const Prelude *pr; Buf *b; int lanes; } Writer;

/* a piece that no printed code names */
static void
write_frame(const Prelude *pr, Buf *b, const char *name)
{
	const Piece *p = map_str(pr->pieces, name);

	buf_add(b, p->text, p->n);
}

/* the piece as needed with w->lanes lanes */
static void
write_one(const Piece *p, void *arg)
{
	Writer *w = arg;
	size_t at;
	int own = lanes_of(p->name, p->nname, &at);
	bool generic = memchr(p->name, '@', p->nname);
	const char *name, *text;

	if (!generic && own != w->lanes)
		return;
	name = prelude_lanes(p->name, p->nname, w->lanes);
	if (generic && (w->lanes == 0 || map_str(w->pr->pieces, name)))
		return;
	if ((text = map_str(w->pr->need, name)))
		buf_fmt(w->b, "%s", text);
}

/* the pieces of so many lanes that are needed */
static Buf
pieces_of(const Prelude *pr, int lanes)
{
	Buf b = {0};
	Writer w = {pr, &b, lanes};

	if (pr->pieces)
		each_piece(write_one, &w);
	return b;
}

void
prelude_head(const Prelude *pr, Buf *b)
{
	const char *head = "";

	for (int i = 0; i < LEN(isas); i++)
		if (strcmp(head, isas[i].head) && pieces_of(pr, isas[i].lanes).n) {
			head = isas[i].head;
			write_frame(pr, b, head);
		}
	buf_fmt(b, "%s", embedded_text("templates/skeleton.c"));
}

void
prelude_write(const Prelude *pr, Buf *b)
{
	Buf part = pieces_of(pr, 0);

	buf_add(b, part.p, part.n);
	for (int i = 0; i < LEN(isas); i++) {
		part = pieces_of(pr, isas[i].lanes);
		if (!part.n)
			continue;
		buf_fmt(b, "#ifdef %s\n", isas[i].isa);
		write_frame(pr, b, "zn_begin");
		buf_add(b, part.p, part.n);
		write_frame(pr, b, "zn_end");
		buf_fmt(b, "#endif\n\n");
	}
}
