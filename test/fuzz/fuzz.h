/* What the fuzz targets share: see fuzz.c and mutate.c. */
#ifndef FUZZ_H
#define FUZZ_H

#include "zenithc.h"

/* fn(arg) in a session of its own with small limits, as main() runs a command. Aborts, with the messages, where
 * the command would exit with a code that no input may cause, or refuse without saying why */
int fuzz_try(void (*fn)(void *), void *arg);
extern int fuzz_status;         /* what the last one returned */

/* LLVMFuzzerCustomMutator and LLVMFuzzerCustomCrossOver of the targets that read models: mutate.c */

#endif
