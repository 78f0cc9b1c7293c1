/* Says when somebody speaks: voice [-p] FILE.wav (16 kHz, one channel, 16 bits; - is standard input). The network, vad.c,
 * gives the probability of speech in every 512 samples and keeps what it knows of the past in its own state. -p prints
 * the probabilities instead of the segments. */
#include <stdio.h>
#include <string.h>

#include "vad.h"

enum {
	RATE = 16000, WINDOW = 512, BEFORE = 64,  /* samples that a call is given, those before them included */
	QUIET = RATE / 10,    /* a pause of this length ends a segment */
	SHORTEST = RATE / 4,  /* segments below it are not told */
	PAD = RATE * 3 / 100  /* added at both ends */
};
static const float START = 0.5f, STOP = 0.35f;

typedef struct {
	long at, begin, pause;  /* samples so far; where the segment and the pause in it began, or -1 */
} Segmenter;

static unsigned
little(const unsigned char *p, int n)
{
	unsigned v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

/* at the first sample of a file that is as it should be, with their number in *samples */
static int
open_wav(FILE *f, long *samples)
{
	unsigned char h[16];
	int known = 0;

	if (fread(h, 1, 12, f) != 12 || memcmp(h, "RIFF", 4) || memcmp(h + 8, "WAVE", 4))
		return 0;
	while (fread(h, 1, 8, f) == 8) {
		unsigned n = little(h + 4, 4), i = 0;
		if (!memcmp(h, "data", 4)) {
			*samples = n / 2;
			return known;
		}
		if (!memcmp(h, "fmt ", 4)) {
			if (n < 16 || fread(h, 1, 16, f) != 16)
				return 0;
			known = little(h, 2) == 1 && little(h + 2, 2) == 1 && little(h + 4, 4) == RATE &&
				little(h + 14, 2) == 16;
			i = 16;
		}
		for (; i < n + n % 2; i++)
			if (getc(f) == EOF)
				return 0;
	}
	return 0;
}

/* the next window, zeros after the end; how many samples there were */
static int
read_window(FILE *f, float *x, long left)
{
	unsigned char b[2];
	int n = 0;

	while (n < WINDOW && n < left && fread(b, 1, 2, f) == 2) {
		int v = (int)little(b, 2);
		x[n++] = (float)(v < 32768 ? v : v - 65536) / 32768;
	}
	for (int i = n; i < WINDOW; i++)
		x[i] = 0;
	return n;
}

static void
tell(long begin, long end, long all)
{
	if (end - begin < SHORTEST)
		return;
	begin = begin > PAD ? begin - PAD : 0;
	end = end + PAD < all ? end + PAD : all;
	printf("%.3f %.3f\n", (double)begin / RATE, (double)end / RATE);
	fflush(stdout);
}

/* speech begins at START and ends where it stays below STOP */
static void
segment(Segmenter *s, float p, int n)
{
	if (p >= START) {
		s->pause = -1;
		if (s->begin < 0)
			s->begin = s->at;
	} else if (p < STOP && s->begin >= 0 && s->pause < 0) {
		s->pause = s->at;
	}
	s->at += n;
	if (s->pause >= 0 && s->at - s->pause >= QUIET) {
		tell(s->begin, s->pause, s->at);
		s->begin = s->pause = -1;
	}
}

static int
listen(FILE *f, int raw)
{
	static float x[BEFORE + WINDOW];
	const int64_t rate = RATE;
	Segmenter s = {0, -1, -1};
	long left;
	float p;
	int n;

	if (!open_wav(f, &left))
		return 0;
	for (; (n = read_window(f, x + BEFORE, left)); left -= n) {
		if (vad_run(x, &rate, &p))
			return 0;
		if (raw)
			printf("%.9g\n", (double)p);
		else
			segment(&s, p, n);
		memcpy(x, x + WINDOW, BEFORE * sizeof *x);
	}
	if (s.begin >= 0)
		tell(s.begin, s.at, s.at);
	return 1;
}

int
main(int argc, char **argv)
{
	int raw = argc > 1 && !strcmp(argv[1], "-p");
	const char *path = argc == raw + 2 ? argv[raw + 1] : NULL;
	FILE *f;

	if (!path) {
		fprintf(stderr, "usage: voice [-p] FILE.wav   (-: standard input; -p: probabilities)\n");
		return 2;
	}
	f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	if (!f) {
		fprintf(stderr, "voice: %s: cannot be read\n", path);
		return 1;
	}
	if (!listen(f, raw)) {
		fprintf(stderr, "voice: %s: not a WAV file of 16 kHz, one channel, 16 bits\n", path);
		return 1;
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "voice: the segments cannot be written\n");
		return 1;
	}
	return 0;
}
