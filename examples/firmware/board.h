/* What main.c needs of a board. startup.c has it for Cortex-M without an operating system, hosted.c for what has a C
 * library. */
#include <stdint.h>

/* opens a file of the host for reading; 0: there is none */
int board_open(const char *path);

/* fills all n bytes from that file; 0: it holds less */
int board_read(void *to, int32_t n);

void board_print(const char *text);

/* instructions executed so far; 0 always where nothing counts them */
uint64_t board_instructions(void);

/* the most bytes of stack that were in use since the start; 0 where nobody looks */
uint32_t board_stack(void);
