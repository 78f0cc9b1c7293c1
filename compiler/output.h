/* Files that the compiler writes, temporary ones, and the programs that it starts. */
#ifndef ZENITHC_OUTPUT_H
#define ZENITHC_OUTPUT_H

#include "zenithc.h"

/* temp.c: temporaries go when the session ends, and on SIGINT, SIGTERM and SIGHUP */
void temp_signals(void);                    /* called once, by main */
const char *temp_dir(void);                 /* a fresh folder in $TMPDIR */
void temp_file(const char *path);           /* to be removed */
void temp_forget(const char *path);         /* it has become something else, or is gone */
void temp_remove(const char *path);
void temp_clear(const char *dir);           /* the folder and what was registered in it */
void temp_hold(bool);                       /* signals wait: while files appear that are not registered yet */
void temp_child(int pid);                   /* its group of processes is ended with us; 0: none */

/* cc.c: the user's C compiler. A command is a list of words, never a shell's */
typedef struct Words { const char **p; int n, cap; } Words;
void words_add(Words *, const char *);
/* compiler, then flags by default, then the rest of --cc's words, which win. flags are split at blanks */
void words_cc(Words *, const Options *, const char *flags);
void words_run(const Words *);              /* fatal(EX_TOOLCHAIN) with what it wrote, if it fails */
const char *words_output(const Words *);    /* runs it; the first line with text that it prints */

/* output.c: files written beside their places, that go there when all of them are complete */
typedef struct Piece { const char *to, *beside; } Piece;
typedef struct Pieces { Piece *p; int n, cap; } Pieces;
FILE *piece_open(Pieces *, const char *to);
void piece_close(FILE *, const char *to, bool ok);       /* what is not ok, or cannot be written, raises */
void pieces_rename(const Pieces *);

/* DIR/BASE.c, its header and its weights as temporary files; returns the path of the .c */
const char *write_sources(const Model *, const Program *, const Options *, const char *dir, const char *base);

/* the pool of threads as a source in DIR, if the program has kernels in parts, else NULL; its words for a
 * shared library */
const char *write_pool(const Program *, const char *dir);
void words_pool(Words *, const char *pool);

const char *out_suffix(const char *out);     /* ".c", ...; "" for "-"; raises if it is none that we make */

/* the identifier that a file's name suggests: model-1.c -> model_1 */
const char *prefix_of(const char *path);

#endif
