/* Classifies scanned digits with a network compiled into this program: digits.c, which zenithc wrote from
 * digits.onnx. */
#include <stdio.h>
#include <time.h>

#include "digits.h"

enum { SIDE = 8, PIXELS = SIDE * SIDE, CLASSES = 10, MOST = 1000, SHOWN = 6, ROUNDS = 200 };

static float image[MOST][PIXELS];
static int label[MOST], answer[MOST];

/* a line of the file: the label, a space, 64 pixels as 0-9a-g; returns the number of lines */
static int
read_images(const char *path)
{
	FILE *f = fopen(path, "r");
	char row[PIXELS + 1];
	int n;

	if (!f)
		return 0;
	for (n = 0; n < MOST && fscanf(f, "%d %64s", &label[n], row) == 2; n++)
		for (int i = 0; i < PIXELS; i++)
			image[n][i] = (float)(row[i] <= '9' ? row[i] - '0' : row[i] - 'a' + 10);
	fclose(f);
	return n;
}

static int
classify(const float *pixels)
{
	float scores[CLASSES];
	int best = 0;

	if (digits_run(pixels, scores))
		return -1;
	for (int i = 1; i < CLASSES; i++)
		if (scores[i] > scores[best])
			best = i;
	return best;
}

/* the i-th images of `which` side by side, and what they were taken for */
static void
draw(const int *which, int n)
{
	for (int y = 0; y < SIDE; y++) {
		for (int k = 0; k < n; k++) {
			printf("  ");
			for (int x = 0; x < SIDE; x++) {
				char c = " .:-=+*#%@"[(int)(image[which[k]][y * SIDE + x] * 9 / 16)];
				printf("%c%c", c, c);
			}
		}
		printf("\n");
	}
	for (int k = 0; k < n; k++)
		printf("  is %d, taken for %d ", label[which[k]], answer[which[k]]);
	printf("\n");
}

static double
microseconds_per_image(int n)
{
	volatile int sink = 0;
	clock_t start = clock();

	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < n; i++)
			sink = classify(image[i]);
	(void)sink;
	return (double)(clock() - start) / CLOCKS_PER_SEC * 1e6 / ROUNDS / n;
}

int
main(int argc, char **argv)
{
	int n = read_images(argc > 1 ? argv[1] : "images.txt"), right = 0, shown = 0, show[SHOWN];

	if (!n) {
		fprintf(stderr, "digits: no images; usage: digits images.txt\n");
		return 2;
	}
	for (int i = 0; i < n; i++)
		right += (answer[i] = classify(image[i])) == label[i];
	for (int i = 0; i < n && shown < 2; i++)            /* two that it got wrong, and others */
		if (answer[i] != label[i])
			show[shown++] = i;
	for (int i = 0; i < n && shown < SHOWN; i += n / SHOWN)
		if (answer[i] == label[i])
			show[shown++] = i;
	draw(show, shown);
	printf("\naccuracy   %.1f%% (%d of %d held-out scanned digits)\n", 100. * right / n, right, n);
	printf("weights    %ld bytes, read-only\n", (long)DIGITS_WEIGHT_BYTES);
	printf("RAM        %ld bytes of workspace, no heap\n", (long)DIGITS_WORKSPACE_BYTES);
	printf("time       %.2f microseconds per image, one thread\n", microseconds_per_image(n));
	return right * 10 < n * 9;
}
