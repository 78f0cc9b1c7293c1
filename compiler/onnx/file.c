/* Files as bytes: mapped where they are regular, read where they are pipes. */
#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void
unmap(void *arg)
{
	File *f = arg;

	munmap((void *)(uintptr_t)f->p, f->n);
}

static void
close_fd(void *arg)
{
	close((int)(intptr_t)arg);
}

static File
read_all(int fd, const char *path)
{
	size_t cap = 1 << 20, n = 0;
	char *p = big_alloc(cap), *q;
	ssize_t got;

	while ((got = read(fd, p + n, cap - n)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fatal(EX_INVALID, NULL, "cannot read %s: %s", quoted(path), strerror(errno));
		n += (size_t)got;
		limit_check(LIM_INPUT, (int64_t)n, NULL);
		if (n < cap)
			continue;
		q = big_alloc(cap * 2);
		memcpy(q, p, n);
		big_free(p);
		p = q;
		cap *= 2;
	}
	return (File){(const uint8_t *)p, n, false};
}

/* takes fd over */
File
file_map(int fd, const char *path)
{
	struct stat st;
	File *f;
	void *p;

	if (fstat(fd, &st))
		fatal(EX_INVALID, NULL, "cannot read %s: %s", quoted(path), strerror(errno));
	if (S_ISDIR(st.st_mode) || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		fatal(EX_INVALID, NULL, "%s is a %s", quoted(path), S_ISDIR(st.st_mode) ? "folder" : "device");
	if (!S_ISREG(st.st_mode) || !st.st_size) {      /* some that are not empty say 0 */
		session_at_end(close_fd, (void *)(intptr_t)fd);
		return read_all(fd, path);
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		fatal(EX_LIMIT, NULL, "cannot map %s: %s", quoted(path), strerror(errno));
	close(fd);
	f = NEW(File);
	*f = (File){p, (size_t)st.st_size, true};
	session_at_end(unmap, f);
	return *f;
}

/* pages of a mapped file that were read once need not stay */
void
file_forget(File f)
{
	if (f.mapped)
		madvise((void *)(uintptr_t)f.p, f.n, MADV_DONTNEED);
}

File
file_open(const char *path)
{
	int fd;

	if (!strcmp(path, "-"))
		return read_all(STDIN_FILENO, "standard input");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fatal(EX_INVALID, NULL, "cannot open %s: %s", quoted(path), strerror(errno));
	return file_map(fd, path);
}
