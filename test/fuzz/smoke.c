/* The fuzz targets without libFuzzer, the same on every machine: each FILE, then MUTATIONS of it, whose seeds follow from
 * its bytes. Prints how many inputs were tried and a hash of them all and of what became of them; the last one lies in
 * LAST before it is tried, for the case that it is the end of the process.
 * usage: smoke LAST MUTATIONS FILE... */
#include "fuzz.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>

enum { MOST = 32768, SECONDS = 20 };

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
size_t LLVMFuzzerMutate(uint8_t *, size_t, size_t);
__attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *, size_t, size_t, unsigned);
__attribute__((weak)) size_t LLVMFuzzerCustomCrossOver(const uint8_t *, size_t, const uint8_t *, size_t, uint8_t *, size_t,
	unsigned);

typedef struct Input { uint8_t p[MOST]; size_t n; } Input;

static const char *last;
static uint64_t hash, state;
static int tried;

static unsigned
any(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

/* what libFuzzer does to bytes, of which this is enough */
size_t
LLVMFuzzerMutate(uint8_t *p, size_t n, size_t max)
{
	static const uint8_t odd[] = {0, 1, 2, 10, 39, 127, 128, 255};
	unsigned at = n ? any((unsigned)n) : 0, len = n ? 1 + any(n - at < 8 ? (unsigned)n - at : 8) : 0;

	switch (n ? any(5) : 3) {
	case 0: p[at] ^= (uint8_t)(1 << any(8)); break;
	case 1: p[at] = odd[any(sizeof odd)]; break;
	case 2: memmove(p + at, p + at + len, n - at - len); n -= len; break;
	case 3:
		if (n + 8 > max)
			break;
		memmove(p + at + 8, p + at, n - at);
		for (int i = 0; i < 8; i++)
			p[at + i] = any(2) ? odd[any(sizeof odd)] : (uint8_t)any(256);
		n += 8;
		break;
	default: memmove(p + any((unsigned)n - len + 1), p + at, len);
	}
	return n;
}

static size_t
mutated(uint8_t *p, size_t n)
{
	return LLVMFuzzerCustomMutator ? LLVMFuzzerCustomMutator(p, n, MOST, any(1u << 31)) : LLVMFuzzerMutate(p, n, MOST);
}

static void
load(const char *path, Input *x)
{
	FILE *f = fopen(path, "rb");

	if (!f || (x->n = fread(x->p, 1, MOST, f), ferror(f)) || !feof(f)) {
		fprintf(stderr, "%s: cannot be read, or has more than %d bytes\n", path, MOST - 1);
		exit(2);
	}
	fclose(f);
}

static void
try(const Input *x)
{
	struct itimerval most = {.it_value.tv_sec = SECONDS};
	FILE *f = fopen(last, "wb");

	if (!f || fwrite(x->p, 1, x->n, f) != x->n || fclose(f)) {
		fprintf(stderr, "%s: cannot be written\n", last);
		exit(2);
	}
	setitimer(ITIMER_PROF, &most, NULL);
	fuzz_status = 0;
	LLVMFuzzerTestOneInput(x->p, x->n);
	hash = hash_bytes(x->p, x->n, hash);
	hash = hash_bytes(&fuzz_status, sizeof fuzz_status, hash);
	tried++;
}

int
main(int argc, char **argv)
{
	static Input file, next, x;

	last = argv[1];
	for (int i = 3; i < argc; i++) {
		load(argv[i], &file);
		load(argv[i + 1 < argc ? i + 1 : 3], &next);
		state = hash_bytes(file.p, file.n, 0);
		try(&file);
		for (int k = 0; k < atoi(argv[2]); k++) {
			x = file;
			if (LLVMFuzzerCustomCrossOver && k % 8 == 7)
				x.n = LLVMFuzzerCustomCrossOver(file.p, file.n, next.p, next.n, x.p, MOST, any(1u << 31));
			for (int j = k % 3; j >= 0; j--)
				x.n = mutated(x.p, x.n);
			try(&x);
		}
	}
	printf("%d inputs, hash %016llx\n", tried, (unsigned long long)hash);
	return tried == 0;
}
