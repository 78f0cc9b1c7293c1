/* What this machine can do at most, by hand-written loops: the yardsticks of `zenithc bench` and of
 * `make bench`.
 *
 * A matrix product cannot be faster than the same multiply-adds with operands from L1 and L2: feeding the
 * units lowers the clock, so a loop on registers alone is no yardstick. Every function measures on the calling
 * thread; for several threads call it on all of them at once and add up. Clocks drift: measure in slices,
 * between the runs that are compared. */
#ifndef ZENITHC_LIMIT_H
#define ZENITHC_LIMIT_H

#include <stddef.h>

/* GFLOP/s of fp32 multiply-adds (2 operations each) in a matrix product of packed panels, 300 KB of them: the
 * best loop of this CPU, its best stretch of about 0.3 ms in about `seconds` */
double limit_fma_gflops(double seconds);
/* GB/s (1e9 bytes) of reading `bytes` (made a multiple of 4096, at most 1 GB) over and over; the best stretch
 * of at least one whole pass and about 0.3 ms. 0 if there is no such memory */
double limit_read_gbs(size_t bytes, double seconds);
/* the name of the loop that limit_fma_gflops takes: "avx512 12x32", "avx2 6x16", "c 8x8" */
const char *limit_fma_name(void);
/* gives back this thread's memory */
void limit_done(void);
/* seconds of a steady clock */
double limit_now(void);

#endif
