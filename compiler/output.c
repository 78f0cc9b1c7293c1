/* Output files: written beside their places and renamed when all of them are complete, so that a failure
 * leaves what was there before. */
#define _GNU_SOURCE    /* renameat2 */
#include "output.h"
#include "../codegen/emit.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void
cannot(const char *path)
{
	fatal(EX_OUTPUT, NULL, "cannot write '%s': %s", quoted(path), strerror(errno));
}

const char *
prefix_of(const char *path)
{
	const char *base = strrchr(path, '/'), *dot;
	char *s;

	base = base ? base + 1 : path;
	dot = strrchr(base, '.');
	s = dot && dot > base ? fmt("%.*s", (int)(dot - base), base) : copy_str(base);
	if (!strncmp(s, "zenith", 7) || !isalpha((unsigned char)*s))
		s = fmt("m_%s", s);
	for (char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p))
			*p = '_';
	return s;
}

/* a new file beside `to` */
static int
open_beside(const char *to, const char **name)
{
	int fd, e;

	for (int i = 0; i < 100; i++) {
		*name = fmt("%s.tmp%ld.%d", to, (long)getpid(), i);
		temp_hold(true);
		fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		e = errno;
		if (fd >= 0)
			temp_file(*name);
		temp_hold(false);
		if (fd >= 0)
			return fd;
		errno = e;
		if (e != EEXIST)
			break;
	}
	cannot(to);
}

FILE *
piece_open(Pieces *all, const char *to)
{
	const char *name;
	int fd = open_beside(to, &name);
	FILE *f = fdopen(fd, "w");

	if (!f) {
		int e = errno;
		close(fd);
		errno = e;
		cannot(to);
	}
	push(all, ((Piece){to, name}));
	return f;
}

void
piece_close(FILE *f, const char *to, bool ok)
{
	ok &= !ferror(f);
	if (fclose(f) || !ok)
		cannot(to);
}

static void
piece_text(Pieces *all, const char *to, const char *s, size_t n)
{
	FILE *f = piece_open(all, to);

	piece_close(f, to, fwrite(s, 1, n, f) == n);
}

/* what is there before changes places with the new file, and so can come back */
static bool
put(const Piece *p, bool *was)
{
	*was = !renameat2(AT_FDCWD, p->beside, AT_FDCWD, p->to, RENAME_EXCHANGE);
	return *was || !rename(p->beside, p->to);
}

static void
take_back(const Piece *p, bool was)
{
	if (was)
		renameat2(AT_FDCWD, p->beside, AT_FDCWD, p->to, RENAME_EXCHANGE);
	else
		rename(p->to, p->beside);
}

/* all or none, as far as the system allows */
void
pieces_rename(const Pieces *all)
{
	bool *was = NEWN(bool, all->n + 1);
	struct stat st;
	int n, e;

	for (int i = 0; i < all->n; i++)
		if (!stat(all->p[i].to, &st) && S_ISDIR(st.st_mode)) {
			errno = EISDIR;
			cannot(all->p[i].to);
		}
	temp_hold(true);
	for (n = 0; n < all->n && put(&all->p[n], &was[n]); n++)
		;
	e = errno;
	for (int i = n; n < all->n && i-- > 0;)
		take_back(&all->p[i], was[i]);
	temp_hold(false);
	if (n < all->n) {
		errno = e;
		cannot(all->p[n].to);
	}
	for (int i = 0; i < n; i++)
		temp_remove(all->p[i].beside);         /* with what was there before */
}

static bool
has_file(const Emitted *e)
{
	return e->weights == W_INCBIN || e->weights == W_FILE || e->weights == W_EXTERN;
}

static void
weights_to(const Program *p, FILE *f, const char *to)
{
	bool ok = !emit_weights(p, f);

	piece_close(f, to, ok);
}

static FILE *
create(const char *path)
{
	FILE *f;

	temp_file(path);
	if (!(f = fopen(path, "wbe")))
		cannot(path);
	return f;
}

static void
create_text(const char *path, const Buf *b)
{
	FILE *f = create(path);

	piece_close(f, path, fwrite(b->p, 1, b->n, f) == b->n);
}

const char *
write_sources(const Model *m, const Program *p, const Options *given, const char *dir, const char *base)
{
	const char *c = fmt("%s/%s.c", dir, base), *bin = fmt("%s.bin", c);
	Options o = *given;
	Emitted e = {0};

	o.header = fmt("%s.h", base);
	emit_c(m, p, &o, &e);
	create_text(c, &e.c);
	create_text(fmt("%s/%s", dir, o.header), &e.h);
	if (has_file(&e))
		weights_to(p, create(bin), bin);
	return c;
}

const char *
write_pool(const Program *p, const char *dir)
{
	static const char *const file[] = {"zenith.h", "zenith_pool.c"};
	const char *path = NULL;
	bool any = false;

	for (int i = 0; i < p->kern.n; i++)
		any |= p->kern.p[i]->parts > 1;
	for (int i = 0; any && i < LEN(file); i++) {
		const char *text = embedded_text(fmt("runtime/%s", file[i]));
		Buf b = {0};
		buf_add(&b, text, strlen(text));
		path = fmt("%s/%s", dir, file[i]);
		create_text(path, &b);
	}
	return path;
}

void
words_pool(Words *w, const char *pool)
{
	if (!pool)
		return;
	words_add(w, pool);
	words_add(w, "-lpthread");
	words_add(w, "-Wl,-z,nodelete");       /* its threads may outlive a dlclose */
}

/* .c: the source, its header and its weights */
static void
to_c(const Model *m, const Program *p, Options *o, const char *out, const char *stem, Pieces *all)
{
	const char *base = strrchr(stem, '/');
	Emitted e = {0};

	o->header = fmt("%s.h", base ? base + 1 : stem);
	emit_c(m, p, o, &e);
	if (has_file(&e)) {
		const char *bin = fmt("%s.bin", out);
		weights_to(p, piece_open(all, bin), bin);
	}
	piece_text(all, fmt("%s.h", stem), e.h.p, e.h.n);
	piece_text(all, out, e.c.p, e.c.n);
}

static void
copy_file(Pieces *all, const char *from, const char *to)
{
	static char buf[1 << 16];
	FILE *g = piece_open(all, to), *f = fopen(from, "rbe");
	size_t n;
	bool ok = f;

	while (ok && (n = fread(buf, 1, sizeof buf, f)) > 0)
		ok = fwrite(buf, 1, n, g) == n;
	if (f) {
		ok &= !ferror(f);
		fclose(f);
	}
	piece_close(g, to, ok);
}

/* debug information names the temporary folder: with it, two runs would not make the same bytes */
static void
words_debug(Words *w, const char *dir)
{
	for (int i = 1; i < w->n; i++)
		if (!strncmp(w->p[i], "-g", 2)) {
			words_add(w, fmt("-fdebug-prefix-map=%s=.", dir));
			return;
		}
}

static const char *
compile_pool(const Options *o, const char *pool, const char *dir)
{
	const char *obj = fmt("%s/zenith_pool.o", dir);
	Words w = {0};

	if (!pool)
		return NULL;
	temp_file(obj);
	words_cc(&w, o, "-O2");
	words_debug(&w, dir);
	words_add(&w, "-c");
	words_add(&w, "-fPIC");
	words_add(&w, "-o");
	words_add(&w, obj);
	words_add(&w, pool);
	words_run(&w);
	return obj;
}

static void
archive(const Options *o, const char *lib, const char *obj, const char *pool)
{
	Words ask = {0}, ar = {0};

	words_cc(&ask, o, "");
	words_add(&ask, "-print-prog-name=ar");
	words_add(&ar, words_output(&ask));
	words_add(&ar, "rcsD");
	words_add(&ar, lib);
	words_add(&ar, obj);
	if (pool)
		words_add(&ar, pool);
	words_run(&ar);
}

/* whether the compiler makes ELF objects, into which an assembler can pull a file: else the source holds the weights */
static bool
makes_elf(const Options *o, const char *dir)
{
	static const char text[] = "#ifdef __ELF__\nzn_elf\n#endif\n";
	const char *probe = fmt("%s/elf.c", dir);
	Words w = {0};
	Buf b = {0};

	buf_add(&b, text, sizeof text - 1);
	create_text(probe, &b);
	words_cc(&w, o, "-E -P");
	words_add(&w, probe);
	return !strcmp(words_output(&w), "zn_elf");
}

/* .o .a .so: compiled in a folder of its own, then copied; the header goes beside, and the weights where they
 * are not part of the object. Libraries hold the pool of threads, if the model has parts for it */
static void
to_binary(const Model *m, const Program *p, Options *o, const char *out, const char *suffix, const char *stem,
	Pieces *all)
{
	const char *dir = temp_dir(), *base = strrchr(stem, '/'), *c, *lib, *obj, *pool = NULL;
	bool so = !strcmp(suffix, ".so");
	Words w = {0};

	base = base ? base + 1 : stem;
	if (o->weights == W_DEFAULT && p->weight_bytes > WEIGHTS_INLINE && !makes_elf(o, dir))
		o->weights = W_INLINE;
	c = write_sources(m, p, o, dir, base);
	if (strcmp(suffix, ".o"))
		pool = write_pool(p, dir);
	obj = fmt("%s/%s%s", dir, base, so ? ".so" : ".o");
	temp_file(obj);
	words_cc(&w, o, o->opt ? "-O3" : "-O1");
	words_debug(&w, dir);
	words_add(&w, so ? "-shared" : "-c");
	words_add(&w, "-fPIC");
	words_add(&w, "-o");
	words_add(&w, obj);
	words_add(&w, c);
	if (so) {
		words_pool(&w, pool);
		words_add(&w, "-lm");
	}
	words_run(&w);
	lib = obj;
	if (!strcmp(suffix, ".a")) {
		lib = fmt("%s/%s.a", dir, base);
		temp_file(lib);
		archive(o, lib, obj, compile_pool(o, pool, dir));
	}
	if (o->weights == W_FILE || o->weights == W_EXTERN)
		copy_file(all, fmt("%s.bin", c), fmt("%s.bin", out));
	copy_file(all, fmt("%s/%s.h", dir, base), fmt("%s.h", stem));
	copy_file(all, lib, out);
}

static void
to_stdout(const Model *m, const Program *p, Options *o)
{
	Emitted e = {0};

	o->header = NULL;
	if (o->weights == W_DEFAULT)
		o->weights = W_INLINE;
	if (o->weights != W_INLINE && o->weights != W_EXTERN)
		fatal(EX_USE, NULL, "-o - writes C only: --weights=inline or extern");
	emit_c(m, p, o, &e);
	if (fwrite(e.c.p, 1, e.c.n, stdout) != e.c.n || fflush(stdout))
		cannot("standard output");
}

void
compile_to_file(const Model *m, const Program *p, const Options *given, const char *out)
{
	const char *suffix = out_suffix(out), *stem = fmt("%.*s", (int)(strlen(out) - strlen(suffix)), out);
	Options o = *given;
	Pieces all = {0};

	if (!o.prefix)
		o.prefix = prefix_of(strcmp(out, "-") ? out : zn->file && *zn->file != '(' ? zn->file : "model");
	if (!strcmp(out, "-")) {
		to_stdout(m, p, &o);
		return;
	}
	if (!strcmp(suffix, ".c"))
		to_c(m, p, &o, out, stem, &all);
	else
		to_binary(m, p, &o, out, suffix, stem, &all);
	pieces_rename(&all);
}

const char *
out_suffix(const char *out)
{
	static const char *const known[] = {".c", ".o", ".a", ".so"},
				 *const later[] = {".cu", ".hip", ".cl", ".ll"};
	const char *dot = strrchr(out, '.'), *base = strrchr(out, '/');

	base = base ? base + 1 : out;
	for (const char *p = base; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127 || strchr("\"\\", *p) || !strncmp(p, "??", 2))
			fatal(EX_USE, NULL, "-o %s: a name with quotes, backslashes, ?? or controls cannot be included in C",
				quoted(out));
	for (int i = 0; dot > base && i < LEN(known); i++)
		if (!strcmp(dot, known[i]))
			return dot;
	for (int i = 0; dot > base && i < LEN(later); i++)
		if (!strcmp(dot, later[i]))
			fatal(EX_UNSUPPORTED, NULL, "-o %s: there is no target for %s yet", quoted(out), dot);
	if (!strcmp(out, "-"))
		return "";
	fatal(EX_USE, NULL,
		"-o %s: the name ends in .c, .o, .a or .so, which says what is made; - is standard output",
		quoted(out));
}
