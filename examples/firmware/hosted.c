/* The board is whatever has a C library: this machine, a simulator with semihosting, WASI. */
#include <stdio.h>

#include "board.h"

static FILE *file;

int
board_open(const char *path)
{
	file = fopen(path, "rb");
	return file != NULL;
}

int
board_read(void *to, int32_t n)
{
	return fread(to, (size_t)n, 1, file) == 1;
}

void
board_print(const char *text)
{
	fputs(text, stdout);
}

uint64_t
board_instructions(void)
{
#if defined __riscv && !defined __linux__
	unsigned long n;

	__asm__ volatile("csrr %0, minstret" : "=r"(n));
	return n;
#else
	return 0;
#endif
}

uint32_t
board_stack(void)
{
	return 0;
}
