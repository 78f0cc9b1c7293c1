/* The files of templates/ and runtime/, embedded at build: names as in the repository ("templates/gemm.ir").
 * The table is generated (Makefile) and ends with a name of NULL; text is terminated, and the terminator is
 * not in size.
 */
#ifndef ZENITHC_EMBED_H
#define ZENITHC_EMBED_H

#include <stddef.h>

typedef struct Embedded {
	const char *name, *text;
	size_t size;
} Embedded;

extern const Embedded embedded[];

#endif
