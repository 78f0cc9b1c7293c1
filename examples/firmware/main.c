/* Runs a network on a microcontroller, for every input in input.bin (a pattern, if there is no such file), and prints
 * the outputs bit for bit, what a run costs, and how deep the stack was. The Makefile counts INPUTS and OUTPUTS from
 * what model.h says of the model. */
#include "board.h"
#include "model.h"

static float input[INPUTS], output[OUTPUTS];

static void
print_hex(uint32_t x)
{
	char text[10];

	for (int i = 0; i < 8; i++)
		text[i] = "0123456789abcdef"[x >> (28 - 4*i) & 15];
	text[8] = ' ';
	text[9] = 0;
	board_print(text);
}

static void
print_number(uint64_t x)
{
	char text[24], *p = text + sizeof text;

	*--p = 0;
	do
		*--p = (char)('0' + x % 10);
	while (x /= 10);
	board_print(p);
}

static void
print_outputs(void)
{
	union { float f; uint32_t bits; } word;
	int best = 0;

	board_print("output ");
	for (int i = 0; i < OUTPUTS; i++) {
		word.f = output[i];
		print_hex(word.bits);
		if (output[i] > output[best])
			best = i;
	}
	board_print("largest ");
	print_number((uint64_t)best);
	board_print("\n");
}

int
main(void)
{
	int file = board_open("input.bin"), runs = 0;
	uint64_t start = board_instructions(), clock = board_instructions() - start, spent = 0;

	for (int i = 0; i < INPUTS; i++)
		input[i] = (float)(i * 7 % 17);
	while (file ? board_read(input, (int32_t)sizeof input) : !runs) {
		start = board_instructions();
		if (model_run(input, output)) {
			board_print("the model reports an error\n");
			return 1;
		}
		spent += board_instructions() - start - clock;
		runs++;
		print_outputs();
	}
	board_print("runs ");
	print_number((uint64_t)runs);
	board_print(", instructions a run ");
	print_number(runs ? spent / (uint64_t)runs : 0);
	board_print(", stack ");
	print_number(board_stack());
	board_print("\n");
	return !runs;
}
