/* Names and text from a model, made safe for C and C++ source. */
#include "emit.h"

#include <ctype.h>

/* keywords of C and C++ and their alternative tokens, macros of the headers that generated code includes,
 * macros of GNU modes, and what the generated functions call their own */
static const char *const reserved[] = {
	"alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
	"char16_t", "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
	"const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
	"dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "final", "float", "for", "friend", "goto",
	"if", "import", "inline", "int", "linux", "long", "module", "mutable", "namespace", "new", "noexcept", "not", "not_eq",
	"nullptr", "operator", "or", "or_eq", "override", "private", "protected", "public", "register", "reinterpret_cast",
	"requires", "restrict", "return", "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct",
	"switch", "template", "this", "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "typeof",
	"union", "unix", "unsigned", "using", "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
	"arm", "errno", "i386", "math_errhandling", "sun", "mips", "far", "near", "interface", "small", "min", "max",
	"NULL", "NAN", "INFINITY", "EOF", "BUFSIZ", "OVERFLOW", "UNDERFLOW", "DOMAIN", "SING", "TLOSS", "PLOSS", "I",
	"ctx", "double_t", "float_t", "heap", "io", "locale_t", "max_align_t", "ptrdiff_t", "memcpy", "memcmp", "memset", "size_t", "state", "status", "weights", "ws",
};
static const char *const reserved_head[] = {
	"INT", "UINT", "FP_", "M_", "MATH_", "HUGE", "SIZE_", "PTRDIFF_", "SIG_", "WCHAR_", "WINT_", "ZENITH", "ZN_", "FLT_", "DBL_",
	"zn_", "zenith_", "isnan", "isinf",
};
/* functions of <math.h> and their float forms: a local of that name would hide one that is called */
static const char *const functions[] = {
	"acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "copysign", "cos", "cosh", "erf", "exp", "expm1", "fabs",
	"floor", "fma", "fmod", "ldexp", "log", "log1p", "pow", "rint", "sin", "sinh", "sqrt", "tan", "tanh", "trunc", "abs",
	"div", "gamma", "j0", "j1", "jn", "y0", "y1", "yn", "round", "signbit", "remainder", "logb", "frexp", "modf",
};

bool
name_reserved(const char *s)
{
	size_t n = strlen(s);

	for (int i = 0; i < LEN(reserved); i++)
		if (!strcmp(s, reserved[i]))
			return true;
	for (int i = 0; i < LEN(reserved_head); i++)
		if (!strncmp(s, reserved_head[i], strlen(reserved_head[i])))
			return true;
	if ((!strncmp(s, "int", 3) || !strncmp(s, "uint", 4)) && n > 2 && !strcmp(s + n - 2, "_t"))
		return true;
	for (int i = 0; i < LEN(functions); i++) {
		size_t m = strlen(functions[i]);
		if (!strncmp(s, functions[i], m) && (n == m || (n == m + 1 && strchr("fl", s[m]))))
			return true;
	}
	return false;
}

/* letters, digits and single underscores, beginning with a letter, at most 48 bytes */
static char *
clean(const char *name, const char *dflt)
{
	char *s = alloc(64), *p = s;

	for (const unsigned char *q = (const unsigned char *)(name ? name : ""); *q && p < s + 48; q++) {
		bool word = isascii(*q) && isalnum(*q);
		if (!word && (p == s || p[-1] == '_'))
			continue;
		if (p == s && isdigit(*q))
			*p++ = 'v';
		*p++ = word ? (char)*q : '_';
	}
	while (p > s && p[-1] == '_')
		p--;
	*p = 0;
	if (!*s)
		strcpy(s, dflt);
	return s;
}

const char *
name_unique(Map *taken, const char *name, const char *dflt)
{
	char *base = clean(name, dflt), *s = base;
	void **slot, **next;
	int i;

	if (name_reserved(base))
		s = base = fmt("%s_", base);
	slot = map_at_str(taken, s);
	if (*slot) {         /* where numbers that are free begin, under a key that is no identifier */
		next = map_at_str(taken, fmt("%s.", base));
		for (i = *next ? (int)(intptr_t)*next : 2;
			*(slot = map_at_str(taken, s = fmt("%s_%d", base, i))); i++)
			;
		*next = (void *)(intptr_t)(i + 1);
	}
	*slot = s;
	return s;
}

bool
name_valid(const char *s)
{
	if (!isascii((unsigned char)*s) || !isalpha((unsigned char)*s) || strlen(s) > 200)
		return false;
	for (const unsigned char *p = (const unsigned char *)s; *p; p++)
		if (!isascii(*p) || (!isalnum(*p) && *p != '_'))
			return false;
	return strcmp(s, "zn") && strncmp(s, "zn_", 3) && strncmp(s, "zenith", 6);
}

const char *
name_upper(const char *s)
{
	char *r = copy_str(s);

	for (char *p = r; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return r;
}

/* the UTF-8 sequence at *s, of text that quoted() made; *s to its end */
static uint32_t
code_point(const char **s)
{
	unsigned char c = (unsigned char)*(*s)++;
	uint32_t u = c < 0x80 ? c : c < 0xe0 ? c & 0x1fu : c < 0xf0 ? c & 15u : c & 7u;

	while ((**s & 0xc0) == 0x80)
		u = u << 6 | ((unsigned char)*(*s)++ & 0x3fu);
	return u;
}

/* a comment's text: printable ASCII as it is, of the rest what quoted() escapes and, in the same way, what is not
 * ASCII; no way out of the comment, no trigraph, no line ending in a backslash */
const char *
text_comment(const char *s)
{
	Buf b = {0};

	for (const char *p = quoted(s); *p;) {
		uint32_t c = code_point(&p);
		if ((c == '/' && b.n && b.p[b.n - 1] == '*') || (c == '*' && b.n && b.p[b.n - 1] == '/')
				|| (c == '?' && b.n && b.p[b.n - 1] == '?'))
			buf_fmt(&b, " ");
		if (c == '\\' && !*p)
			buf_fmt(&b, "(backslash)");
		else
			buf_fmt(&b, c < 32 || c > 126 ? "\\u{%x}" : "%c", (unsigned)c);
	}
	return buf_str(&b);
}

/* a string literal: octal escapes are at most three digits, so what follows cannot join them */
void
text_string(Buf *b, const char *s, size_t n)
{
	buf_fmt(b, "\"");
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c < 32 || c > 126 || c == '"' || c == '\\' || c == '?')
			buf_fmt(b, "\\%03o", c);
		else
			buf_add(b, s + i, 1);
	}
	buf_fmt(b, "\"");
}
