/* Starting the user's C compiler: see output.h. */
#define _GNU_SOURCE    /* memfd_create */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void
words_add(Words *w, const char *s)
{
	push(w, s);
}

static void
split(Words *w, const char *s)
{
	size_t n;

	for (; *(s += strspn(s, " \t")); s += n) {
		n = strcspn(s, " \t");
		words_add(w, fmt("%.*s", (int)n, s));
	}
}

void
words_cc(Words *w, const Options *o, const char *flags)
{
	Words cc = {0};

	split(&cc, o->cc ? o->cc : "cc");
	if (!cc.n)
		fatal(EX_USE, NULL, "--cc names no compiler");
	words_add(w, cc.p[0]);
	split(w, flags);
	for (int i = 1; i < cc.n; i++)
		words_add(w, cc.p[i]);
}

/* runs it, in a group of processes of its own, with its streams into out and err; the status as waitpid has it */
static int
spawn(const Words *w, int out, int err)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t pipe, mask;
	pid_t pid;
	int e, status;
	char **argv = NEWN(char *, w->n + 1);

	for (int i = 0; i < w->n; i++)
		argv[i] = copy_str(w->p[i]);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigaddset(&pipe, SIGXFSZ);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_adddup2(&fa, err, 2);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawnattr_init(&at);
	posix_spawnattr_setsigdefault(&at, &pipe);
	posix_spawnattr_setsigmask(&at, &mask);
	posix_spawnattr_setpgroup(&at, 0);
	posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	temp_hold(true);
	e = posix_spawnp(&pid, argv[0], &fa, &at, argv, environ);
	if (!e)
		temp_child(pid);
	temp_hold(false);
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&at);
	if (e)
		fatal(EX_TOOLCHAIN, NULL, "cannot start '%s': %s; --cc names another C compiler",
			quoted(argv[0]), strerror(e));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	temp_child(0);
	return status;
}

static char *
text_of(int fd)
{
	enum { MOST = 8192 };
	char *s = alloc(MOST + 1);
	ssize_t n = pread(fd, s, MOST, 0);

	s[n < 0 ? 0 : n] = 0;
	return s;
}

static int
scratch_fd(void)
{
	int fd = memfd_create("cc", MFD_CLOEXEC);

	if (fd < 0)
		fatal(EX_LIMIT, NULL, "memfd_create: %s", strerror(errno));
	return fd;
}

static _Noreturn void
failed(const Words *w, int status, const char *text)
{
	if (WIFSIGNALED(status))
		fatal(EX_TOOLCHAIN, NULL, "'%s' was ended by signal %d\n%s", quoted(w->p[0]),
			WTERMSIG(status), text);
	fatal(EX_TOOLCHAIN, NULL, "'%s' failed with exit code %d\n%s", quoted(w->p[0]), WEXITSTATUS(status),
		text);
}

void
words_run(const Words *w)
{
	int fd = scratch_fd(), status;
	char *text;

	if (zn->verbose && zn->log)
		for (int i = 0; i < w->n; i++)
			fprintf(zn->log, "%s%s", w->p[i], i + 1 < w->n ? " " : "\n");
	status = spawn(w, fd, fd);
	text = text_of(fd);
	close(fd);
	if (status)
		failed(w, status, text);
	if (*text && zn->log && !zn->json)
		fputs(text, zn->log);
}

const char *
words_output(const Words *w)
{
	int out = scratch_fd(), err = scratch_fd(), status = spawn(w, out, err);
	char *text = text_of(out), *message = text_of(err);

	close(out);
	close(err);
	if (status)
		failed(w, status, message);
	text += strspn(text, "\r\n");
	text[strcspn(text, "\r\n")] = 0;
	return text;
}
