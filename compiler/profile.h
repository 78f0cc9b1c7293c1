/* Where the time of a run goes: for a model built with Options.profile. */
#ifndef ZENITHC_PROFILE_H
#define ZENITHC_PROFILE_H

#include "exec.h"

void profile_attach(Exec *);             /* before its first run: gives it the clock */
/* runs it for `seconds` and prints a table of its kernels. in: as exec_seeded leaves it */
void profile_run(Exec *, Host *const *in, double seconds, bool json);

#endif
