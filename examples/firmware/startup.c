/* A Cortex-M with an FPU from reset to main, without a C library's help: memory, stack, a clock, and the host's files
 * and terminal through semihosting (a debugger's service, which QEMU gives as well). */
#include "board.h"

extern uint32_t stack_limit[], stack_top[];                          /* cortex-m.ld */
extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[];

int main(void);
void reset(void);
int *__errno(void);

#define REG(address) (*(volatile uint32_t *)(address))
#define CPACR REG(0xe000ed88)
#define SYSTICK_CONTROL REG(0xe000e010)
#define SYSTICK_RELOAD REG(0xe000e014)
#define SYSTICK_VALUE REG(0xe000e018)

enum { PAINT = 0x5a5a5a5a, WRAP = 1 << 24 };
enum { SYS_OPEN = 1, SYS_WRITE0 = 4, SYS_READ = 6, SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026 };

static int file;
static volatile uint32_t wraps;

static int
semihost(int what, const void *with)
{
	register int r0 __asm__("r0") = what;
	register const void *r1 __asm__("r1") = with;

	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
}

static void
leave(int status)
{
	uint32_t block[2] = { APPLICATION_EXIT, (uint32_t)status };

	for (;;)
		semihost(SYS_EXIT_EXTENDED, block);
}

static void
fault(void)
{
	board_print("fault\n");
	leave(2);
}

static void
tick(void)
{
	wraps++;
}

/* everything below the stack pointer is painted: what loses the paint was used */
static void
paint(void)
{
	volatile uint32_t *p = stack_limit, *sp;

	__asm__ volatile("mov %0, sp" : "=r"(sp));
	while (p < sp)
		*p++ = PAINT;
}

static __attribute__((noinline)) void
start(void)
{
	uint32_t *p;
	const uint32_t *from = data_load;

	for (p = data_start; p < data_end; )
		*p++ = *from++;
	for (p = bss_start; p < bss_end; )
		*p++ = 0;
	paint();
	SYSTICK_RELOAD = WRAP - 1;
	SYSTICK_VALUE = 0;
	SYSTICK_CONTROL = 7;            /* the processor's clock, an interrupt when it wraps, on */
	leave(main());
}

void
reset(void)
{
#if __ARM_ARCH >= 8
	__asm__ volatile("msr msplim, %0" : : "r"(stack_limit));    /* a deeper stack is a fault */
#endif
	CPACR |= 0xf << 20;
	__asm__ volatile("dsb\n\tisb" : : : "memory");
	start();
}

static __attribute__((section(".vectors"), used)) const struct {
	uint32_t *stack;
	void (*entry[15])(void);
} vectors = {
	stack_top, { reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, tick }
};

/* where expf reports a range error; newlib's own would bring a kilobyte of RAM with it */
int *
__errno(void)
{
	static int error;

	return &error;
}

int
board_open(const char *path)
{
	struct { const char *path; uint32_t mode, length; } block = { path, 1, 0 };    /* mode 1: "rb" */

	while (path[block.length])
		block.length++;
	file = semihost(SYS_OPEN, &block);
	return file != -1;
}

int
board_read(void *to, int32_t n)
{
	struct { int file; void *to; int32_t n; } block = { file, to, n };

	return !semihost(SYS_READ, &block);       /* the number of bytes that are missing */
}

void
board_print(const char *text)
{
	semihost(SYS_WRITE0, text);
}

/* with -icount shift=6 an instruction takes 64 ns, which is more than a tick of the clock */
uint64_t
board_instructions(void)
{
	uint32_t w, v;

	do {
		w = wraps;
		v = SYSTICK_VALUE;
	} while (w != wraps);
	return (((uint64_t)w + 1) * WRAP - v) * (1000000000 / 64) / CLOCK_HZ;
}

uint32_t
board_stack(void)
{
	const uint32_t *p = stack_limit;

	while (p < stack_top && *p == PAINT)
		p++;
	return (uint32_t)((stack_top - p) * (int)sizeof *p);
}
