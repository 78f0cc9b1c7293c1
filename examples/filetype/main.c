/* Names the types of files with the network of magika compiled into this program: detector.c, which zenithc wrote.
 *
 * The network sees the first and the last bytes of a file without the blanks around them; types.h, which tables.py makes
 * of what comes with the network, says how many, and what its scores mean. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "detector.h"

typedef struct {
	const char *label, *description, *group, *mime;
	double least;  /* the score from which the answer counts */
	int is_text, becomes;  /* the type that is told instead, mostly itself */
} Type;

#include "types.h"

typedef struct {
	const Type *type, *guess;  /* what is told; what the network said, 0 if it was not asked */
	double score;
} Answer;

static int
blank(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* whether the bytes are UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF */
static int
is_utf8(const unsigned char *p, size_t n)
{
	static const struct { unsigned char first, last, low, high; int more; } form[] = {
		{0x00, 0x7f, 0, 0, 0}, {0xc2, 0xdf, 0x80, 0xbf, 1}, {0xe0, 0xe0, 0xa0, 0xbf, 2},
		{0xe1, 0xec, 0x80, 0xbf, 2}, {0xed, 0xed, 0x80, 0x9f, 2}, {0xee, 0xef, 0x80, 0xbf, 2},
		{0xf0, 0xf0, 0x90, 0xbf, 3}, {0xf1, 0xf3, 0x80, 0xbf, 3}, {0xf4, 0xf4, 0x80, 0x8f, 3},
	};

	while (n) {
		size_t f = 0, k;
		while (f < sizeof form / sizeof *form && (*p < form[f].first || *p > form[f].last))
			f++;
		if (f == sizeof form / sizeof *form || n <= (size_t)form[f].more)
			return 0;
		for (k = 1; k <= (size_t)form[f].more; k++)
			if (p[k] < (k == 1 ? form[f].low : 0x80) || p[k] > (k == 1 ? form[f].high : 0xbf))
				return 0;
		p += k;
		n -= k;
	}
	return 1;
}

/* the first BEGIN bytes after blanks, then the last END before blanks; PAD where there are none */
static void
features(int32_t x[BEGIN + END], const unsigned char *head, const unsigned char *tail, int n)
{
	int from = 0, to = n;

	while (from < n && blank(head[from]))
		from++;
	while (to > 0 && blank(tail[to - 1]))
		to--;
	for (int i = 0; i < BEGIN; i++)
		x[i] = from + i < n ? head[from + i] : PAD;
	for (int i = 0; i < END; i++)
		x[BEGIN + i] = to - END + i >= 0 ? tail[to - END + i] : PAD;
}

/* what the scores say: a network that is not sure enough still knows text from other things */
static Answer
judge(const float score[LABELS])
{
	Answer a;
	int best = 0;

	for (int i = 1; i < LABELS; i++)
		if (score[i] > score[best])
			best = i;
	a.guess = &types[best];
	a.score = (double)score[best];
	a.type = &types[a.guess->becomes];
	if (a.score < a.guess->least)
		a.type = &types[a.type->is_text ? IS_TXT : IS_UNKNOWN];
	return a;
}

/* one of two blocks: at the beginning and, since both are of n bytes, at the end */
static int
read_at(FILE *f, off_t where, unsigned char *to, int n)
{
	return !fseeko(f, where, SEEK_SET) && fread(to, 1, (size_t)n, f) == (size_t)n;
}

static int
identify_stream(FILE *f, off_t size, Answer *a)
{
	static unsigned char head[BLOCK], tail[BLOCK];
	static int32_t x[BEGIN + END];
	static float score[LABELS];
	int n = size < BLOCK ? (int)size : BLOCK;

	if (!read_at(f, 0, head, n) || !read_at(f, size - n, tail, n))
		return 0;
	features(x, head, tail, n);
	if (n < LEAST || x[LEAST - 1] == PAD)
		a->type = &types[is_utf8(head, (size_t)n) ? IS_TXT : IS_UNKNOWN];
	else if (detector_run(x, score))
		return 0;
	else
		*a = judge(score);
	return 1;
}

static int
identify(const char *path, Answer *a)
{
	struct stat s;
	FILE *f;
	int ok;

	*a = (Answer){0, 0, 1};
	if (stat(path, &s))
		return 0;
	a->type = &types[S_ISDIR(s.st_mode) ? IS_DIRECTORY : S_ISREG(s.st_mode) ? IS_EMPTY : IS_UNKNOWN];
	if (!S_ISREG(s.st_mode))
		return 1;
	f = fopen(path, "rb");
	ok = f && (s.st_size == 0 || identify_stream(f, s.st_size, a));
	if (f)
		fclose(f);
	return ok;
}

static void
tell(const char *path, const Answer *a, int how)
{
	printf("%s: ", path);
	if (how == 'l')
		printf("%s\n", a->type->label);
	else if (how == 'm')
		printf("%s\n", a->type->mime);
	else if (how == 's')
		printf("%s %s %.6f\n", a->type->label, a->guess ? a->guess->label : "-", a->score);
	else
		printf("%s (%s)\n", a->type->description, a->type->group);
}

int
main(int argc, char **argv)
{
	int how = 0, bad = 0, i = 1;

	if (argc > 1 && argv[1][0] == '-' && argv[1][1] && strchr("lms", argv[1][1]) && !argv[1][2])
		how = argv[i++][1];
	if (i == argc) {
		fprintf(stderr, "usage: filetype [-l|-m|-s] FILE...   (label; media type; label, the network's, its score)\n");
		return 2;
	}
	for (; i < argc; i++) {
		Answer a;
		if (identify(argv[i], &a)) {
			tell(argv[i], &a, how);
		} else {
			fprintf(stderr, "filetype: %s: cannot be read\n", argv[i]);
			bad = 1;
		}
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "filetype: the answers cannot be written\n");
		bad = 1;
	}
	return bad;
}
