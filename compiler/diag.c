/* Sessions, limits and messages: see util.h. */
#include "util.h"

#include <inttypes.h>
#include <stdlib.h>

_Thread_local Session *zn;

static const struct { const char *name, *what; int64_t value; } limits[NLIMIT] = {
#define LIMIT(id, name, value, most, what) [LIM_##id] = {name, what, value},
#include "limits.def"
#undef LIMIT
};

Session *
session_begin(const char *file)
{
	Arena *a = arena_new();
	Session *s = arena_alloc(a, sizeof *s);

	s->arena = s->keep = a;
	s->log = stderr;
	for (int i = 0; i < NLIMIT; i++)
		s->limit[i] = limits[i].value;
	zn = s;
	s->file = file ? copy_str(file) : NULL;
	return s;
}

void
session_end(Session *s)
{
	zn = s;
	while (s->at_end.n) {
		s->at_end.n--;
		s->at_end.p[s->at_end.n].fn(s->at_end.p[s->at_end.n].arg);
	}
	big_free_all();
	zn = NULL;
	if (s->scratch)
		arena_free(s->scratch);
	arena_free(s->keep);
}

void
session_at_end(void (*fn)(void *), void *arg)
{
	push(&zn->at_end, ((__typeof__(*zn->at_end.p)){fn, arg}));
}

int
session_try(void (*fn)(void *), void *arg)
{
	jmp_buf here, *volatile before = zn->out;
	const struct Node *volatile rule = zn->rule;
	struct Node *volatile lowering = zn->lowering;

	zn->out = &here;
	if (!setjmp(here))
		fn(arg);
	else if (!before)
		zn->arena = zn->keep;
	zn->out = before;
	zn->rule = rule;
	zn->lowering = lowering;
	return zn->status;
}

void
raise_status(int status)
{
	if (zn && !zn->status)
		zn->status = status;
	if (zn && zn->out)
		longjmp(*zn->out, 1);
	exit(status);
}

void
stop_if_errors(void)
{
	if (zn->nerror)
		raise_status(zn->status);
}

/* length of the UTF-8 sequence at s, code point in *u; 0 if none (overlong, surrogate, too large, cut) */
static int
utf8(const unsigned char *s, uint32_t *u)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	int n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;

	if (n < 2)
		return *u = s[0], n;
	*u = s[0] & (0x7fu >> n);
	for (int i = 1; i < n; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		*u = *u << 6 | (s[i] & 0x3f);
	}
	return *u < least[n] || *u > 0x10ffff || *u >> 11 == 0x1b ? 0 : n;
}

/* controls, and what has no width or changes the direction of its surroundings */
static bool
hidden(uint32_t u)
{
	static const struct { uint32_t lo, hi; } range[] = {
		{0, 0x1f}, {0x7f, 0x9f}, {0xad, 0xad}, {0x61c, 0x61c}, {0x180e, 0x180e}, {0x200b, 0x200f},
		{0x2028, 0x202e}, {0x2060, 0x206f}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xfff0, 0xfffb},
		{0xe0000, 0xe0fff},
	};

	for (int i = 0; i < LEN(range); i++)
		if (u >= range[i].lo && u <= range[i].hi)
			return true;
	return false;
}

const char *
quoted(const char *text)
{
	enum { MAX = 200 };
	const unsigned char *s = (const unsigned char *)text;
	char piece[16];
	uint32_t u;
	Buf b = {0};

	for (int n; text && *s; s += n ? n : 1) {
		n = utf8(s, &u);
		if (!n)
			snprintf(piece, sizeof piece, "\\x%02x", *s);
		else if (*s == '\\')
			strcpy(piece, "\\\\");
		else if (!hidden(u))
			snprintf(piece, sizeof piece, "%.*s", n, (const char *)s);
		else
			snprintf(piece, sizeof piece, u < 0x80 ? "\\x%02" PRIx32 : "\\u{%" PRIx32 "}", u);
		if (b.n + strlen(piece) > MAX - 3) {
			buf_add(&b, "...", 3);
			break;
		}
		buf_add(&b, piece, strlen(piece));
	}
	return buf_str(&b);
}

static void
json_str(Buf *b, const char *key, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	uint32_t u;

	buf_fmt(b, "\"%s\":\"", key);
	for (int n; *s; s += n ? n : 1) {
		n = utf8(s, &u);
		if (!n || u < 0x20)
			buf_fmt(b, "\\u%04x", (unsigned)*s);
		else if (*s == '"' || *s == '\\')
			buf_fmt(b, "\\%c", *s);
		else
			buf_add(b, (const char *)s, (size_t)n);
	}
	buf_add(b, "\"", 1);
}

struct Held {
	VEC(struct { const char *kind, *where, *text; }) msg;
	void (*fn)(void *);
	void *arg;
	bool done;
};

static void
say_text(const char *kind, const char *where, const char *text)
{
	Buf *b = &zn->messages;
	size_t from = b->n;

	if (zn->held) {
		push(&zn->held->msg,
			((__typeof__(*zn->held->msg.p)){kind, where ? copy_str(where) : NULL, text}));
		return;
	}
	if (zn->json) {
		buf_add(b, "{", 1);
		json_str(b, "level", kind);
		json_str((buf_add(b, ",", 1), b), "file", zn->file ? zn->file : "");
		json_str((buf_add(b, ",", 1), b), "where", where ? where : "");
		json_str((buf_add(b, ",", 1), b), "message", text);
		buf_add(b, "}\n", 2);
	} else
		buf_fmt(b, "%s: %s%s:%s %s%s%s\n", zn->file ? quoted(zn->file) : "zenithc",
			zn->color ? *kind == 'n' ? "\033[1;36m" : *kind == 'w' ? "\033[1;35m" : "\033[1;31m" : "", kind, zn->color ? "\033[0m" : "",
			where ? where : "", where ? ": " : "", text);
	if (zn->log)
		fwrite(b->p + from, 1, b->n - from, zn->log);
}

static void
say(const char *kind, const char *where, const char *f, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, f, again);
	va_end(again);
	text = alloc((size_t)(n < 0 ? 0 : n) + 1);
	vsnprintf(text, (size_t)(n < 0 ? 0 : n) + 1, f, ap);
	say_text(kind, where, text);
}

static void
run_held(void *p)
{
	struct Held *h = p;

	h->fn(h->arg);
	h->done = true;
}

static const char *
first_error(const struct Held *h)
{
	for (int i = 0; i < h->msg.n; i++)
		if (!strcmp(h->msg.p[i].kind, "error"))
			return h->msg.p[i].where ? fmt("%s: %s", h->msg.p[i].where, h->msg.p[i].text)
						 : h->msg.p[i].text;
	return "";
}

bool
session_hold(void (*fn)(void *), void *arg, const char **why)
{
	struct Held h = {.fn = fn, .arg = arg}, *before = zn->held;
	int nerror = zn->nerror, status = zn->status, found;

	zn->held = &h;
	zn->status = 0;
	session_try(run_held, &h);
	zn->held = before;
	found = zn->status;
	if (status)
		zn->status = status;
	if (h.done && found == EX_INVALID) {
		*why = first_error(&h);
		zn->nerror = nerror;
		zn->status = status;
		return true;
	}
	for (int i = 0; i < h.msg.n; i++)
		say_text(h.msg.p[i].kind, h.msg.p[i].where, h.msg.p[i].text);
	if (!h.done)
		raise_status(found);
	return false;
}

#define SAY(kind, where, f) do { va_list ap; va_start(ap, f); say(kind, where, f, ap); va_end(ap); } while (0)

static void
count(int status)
{
	zn->nerror++;
	if (!zn->status)
		zn->status = status;
}

void
error(const char *where, const char *f, ...)
{
	count(EX_INVALID);
	SAY("error", where, f);
}

void
unsupported(const char *where, const char *f, ...)
{
	count(EX_UNSUPPORTED);
	SAY("unsupported", where, f);
}

void
remark(const char *where, const char *f, ...)
{
	SAY("note", where, f);
}

void
warning(const char *where, const char *f, ...)
{
	zn->nwarning++;
	SAY("warning", where, f);
}

void
fatal(int status, const char *where, const char *f, ...)
{
	count(status);
	SAY("error", where, f);
	raise_status(status);
}

void
bug_at(const char *file, int line, const char *f, ...)
{
	if (!zn) {
		fprintf(stderr, "zenithc: bug at %s:%d\n", file, line);
		exit(EX_BUG);
	}
	zn->nerror++;
	zn->status = EX_BUG;
	SAY("bug in zenithc", fmt("%s:%d", file, line), f);
	raise_status(EX_BUG);
}

void
ill_at(const char *file, int line, const char *f, ...)
{
	va_list ap;
	char text[256];

	va_start(ap, f);
	vsnprintf(text, sizeof text, f, ap);
	va_end(ap);
	if (!zn || !zn->rule)
		bug_at(file, line, "%s", text);
	fatal(EX_UNSUPPORTED, rule_where(), "its operands have types or shapes that do not go together: %s", text);
}

void
limit_check(enum limit l, int64_t value, const char *where)
{
	if (value > zn->limit[l])
		fatal(EX_LIMIT, where, "%s %s: more than the limit of %" PRId64 "; --limit %s=N raises it",
			value == INT64_MAX ? "2^63 or more" : fmt("%" PRId64, value), limits[l].what, zn->limit[l], limits[l].name);
}
