/* Temporary files: see output.h. The table is fixed in size and its slots are plain pointers, so that a
 * signal handler may walk it at any moment; a run writes as many outputs as a model may have. Files are registered after
 * the folder that holds them and removed before it. */
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 100 };         /* times 10 ms that a program has to end */

static const char *volatile slot[200000 + 64];
static volatile int used;        /* no slot behind is taken */
static volatile pid_t child;

static void
gone(const char *path)
{
	if (unlink(path))
		rmdir(path);
}

static void
on_signal(int sig)
{
	if (child > 0) {                           /* with all that it started, before what it writes goes */
		kill(-child, SIGTERM);
		for (int i = 0; i < PATIENCE && !waitpid(child, NULL, WNOHANG); i++)
			poll(NULL, 0, 10);
	}
	for (int pass = 0; pass < 2; pass++)       /* a slot may be older than that of its folder */
		for (int i = used - 1; i >= 0; i--)
			if (slot[i])
				gone(slot[i]);
	signal(sig, SIG_DFL);
	raise(sig);
}

static const int sigs[] = {SIGINT, SIGTERM, SIGHUP};

void
temp_hold(bool on)
{
	sigset_t set;

	sigemptyset(&set);
	for (int i = 0; i < LEN(sigs); i++)
		sigaddset(&set, sigs[i]);
	sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void
temp_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigemptyset(&sa.sa_mask);
	for (int i = 0; i < LEN(sigs); i++) {
		struct sigaction old;
		if (!sigaction(sigs[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(sigs[i], &sa, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

void
temp_child(int pid)
{
	child = pid;
}

void
temp_forget(const char *path)
{
	for (int i = 0; i < used; i++)
		if (slot[i] && !strcmp(slot[i], path))
			slot[i] = NULL;
}

void
temp_remove(const char *path)
{
	gone(path);
	temp_forget(path);
}

void
temp_clear(const char *dir)
{
	size_t n = strlen(dir);

	for (int i = used - 1; i >= 0; i--)
		if (slot[i] && !strncmp(slot[i], dir, n) && (slot[i][n] == '/' || !slot[i][n]))
			temp_remove(slot[i]);
}

static void
at_end(void *path)
{
	for (int i = used - 1; i >= 0; i--)
		if (slot[i] == path) {
			gone(path);
			slot[i] = NULL;
		}
	while (used && !slot[used - 1])
		used--;
}

void
temp_file(const char *path)
{
	char *p = copy_str(path);

	for (int i = 0; i < LEN(slot); i++)
		if (!slot[i]) {
			slot[i] = p;
			if (i == used)
				used++;
			session_at_end(at_end, p);
			return;
		}
	bug("more than %d temporary files", LEN(slot));
}

const char *
temp_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *path = fmt("%s/zenithc-XXXXXX", tmp && *tmp ? tmp : "/tmp");

	temp_hold(true);
	if (!mkdtemp(path))
		fatal(EX_OUTPUT, NULL, "cannot make a temporary folder '%s': %s", quoted(path), strerror(errno));
	temp_file(path);
	temp_hold(false);
	return path;
}
