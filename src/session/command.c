/*
 * command.c: the command that a session runs.
 *
 * It is forked early, while the process is small, and waits at a pipe until all probes are
 * attached; so its first system call is seen. Its pid is known before the programs are loaded.
 */
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS  1000
#define SETTLE_LOOKS 500
#define NAP_NS       20000

/* 0, -ENOENT or -EACCES for one file. */
static int executable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	return S_ISREG(st.st_mode) && !access(path, X_OK) ? 0 : -EACCES;
}

/* Whether a shell would find it: as a path, or in a folder of PATH. */
static int command_find(const char *name, char **found)
{
	const char *path = getenv("PATH"), *end;
	int err = -ENOENT;

	if (strchr(name, '/')) {
		*found = strdup(name);
		return executable(name);
	}
	if (!path)
		path = "/bin:/usr/bin";
	for (;; path = end + 1) {
		char file[4096];
		int r;

		end = strchrnul(path, ':');
		snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), end > path ? path : ".",
			 name);
		if (end == path)
			snprintf(file, sizeof(file), "./%s", name);
		r = *name ? executable(file) : -ENOENT;
		if (!r) {
			*found = strdup(file);
			return 0;
		}
		if (r == -EACCES)
			err = r;
		if (!*end)
			return err;
	}
}

/* Returns 0 or an errno. A process of somebody else no longer ends with us until it says so again.
 */
static int become(const struct waggle_user *u, int parent)
{
	if (setgroups(u->ngroups, u->groups) || setresgid(u->gid, u->gid, u->gid) ||
	    setresuid(u->uid, u->uid, u->uid))
		return errno;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return getppid() == parent ? 0 : ECHILD;
}

/* The child: nothing of ours may run in it, and it ends with us. */
static _Noreturn void command_child(const struct command *c, int go, int failed, int parent,
				    const sigset_t *mask)
{
	struct sigaction a, dfl = {.sa_handler = SIG_DFL};
	char byte;
	int err;

	for (int sig = 1; sig < NSIG; sig++)
		if (!sigaction(sig, NULL, &a) && a.sa_handler != SIG_IGN && a.sa_handler != SIG_DFL)
			sigaction(sig, &dfl, NULL);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	while ((err = (int)read(go, &byte, 1)) < 0 && errno == EINTR)
		;
	if (err != 1)
		_exit(1);
	err = c->user ? become(c->user, parent) : 0;
	if (!err && c->child)
		err = -c->ops->child_prepare(c->child);
	if (!err) {
		execvp(c->argv[0], c->argv);
		err = errno;
	}
	if (write(failed, &err, sizeof(err)) < 0)
		_exit(1);
	_exit(err == ENOENT ? 127 : 126);
}

static int command_fork(struct command *c, struct diag *diag)
{
	int go[2] = {-1, -1}, failed[2] = {-1, -1}, parent = getpid(), err;
	sigset_t all, mask;

	if (pipe2(go, O_CLOEXEC) || pipe2(failed, O_CLOEXEC | O_NONBLOCK))
		goto fail;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	c->pid = fork();
	if (!c->pid) {
		close(go[1]);
		command_child(c, go[0], failed[1], parent, &mask);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (c->pid < 0)
		goto fail;
	close(go[0]);
	close(failed[1]);
	c->go = go[1];
	c->failed = failed[0];
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd >= 0)
		return 0;
	return diag_fail(diag, -errno, NULL, "cannot watch %s: %s", c->argv[0], strerror(errno));
fail:
	err = errno; /* close(-1) sets another */
	c->pid = 0;
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(failed[i]);
	}
	return diag_fail(diag, -err, NULL, "cannot run %s: %s", c->argv[0], strerror(err));
}

int command_start(struct command *c, char *const *argv, const struct engine_ops *ops,
		  struct user_child *child, const struct waggle_user *user, struct diag *diag)
{
	int err;

	*c = (struct command){.argv = argv,
			      .ops = ops,
			      .child = child,
			      .user = user,
			      .pidfd = -1,
			      .go = -1,
			      .failed = -1};
	err = argv[0] ? command_find(argv[0], &c->path) : -ENOENT;
	if (err == -ENOENT || err == -ENOTDIR)
		return diag_fail(diag, -ENOENT, NULL, "%s: command not found",
				 argv[0] ? argv[0] : "");
	if (err)
		return diag_fail(diag, err == -EACCES ? -ENOEXEC : err, NULL, "%s: %s", argv[0],
				 err == -EACCES ? "not an executable file" : strerror(-err));
	return command_fork(c, diag);
}

/* Whether the child sleeps: it does so only at the pipe. */
static bool command_sleeps(const struct command *c)
{
	char path[32], text[256], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", c->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return true; /* no /proc: nothing to wait for */
	text[n] = 0;
	end = strrchr(text, ')'); /* the name before it may hold anything */
	return !end || !strncmp(end, ") S", 3);
}

void command_settle(const struct command *c)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};

	for (u32 i = 0; c->pid && i < SETTLE_LOOKS && !command_sleeps(c); i++)
		nanosleep(&nap, NULL);
}

void command_release(struct command *c)
{
	/* a child that died meanwhile is no reason to die of SIGPIPE: we hold a pipe that it
	 * alone reads, and its end is seen by the pidfd */
	struct sigaction ignore = {.sa_handler = SIG_IGN}, old;

	if (c->go < 0)
		return;
	sigaction(SIGPIPE, &ignore, &old);
	while (write(c->go, "", 1) < 0 && errno == EINTR)
		;
	sigaction(SIGPIPE, &old, NULL);
	close(c->go);
	c->go = -1;
}

/* It has been waited for. An exec that failed is told of. */
static void command_ended(struct command *c, int status, struct diag *diag)
{
	int err;

	c->ended = true;
	c->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (c->failed >= 0 && read(c->failed, &err, sizeof(err)) == sizeof(err))
		diag_fail(diag, -err, NULL, "cannot run %s: %s", c->argv[0], strerror(err));
}

bool command_reap(struct command *c, struct diag *diag)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	int status, err;

	if (!c->pid || c->ended)
		return true;
	err = waitpid(c->pid, &status, WNOHANG);
	if (!err) {
		/* dead, but its tracer has not heard of it: which may need our CPU */
		nanosleep(&nap, NULL);
		return false;
	}
	if (err != c->pid && errno != ECHILD)
		return false;
	if (err == c->pid)
		command_ended(c, status, diag);
	c->ended = true; /* the caller may ignore SIGCHLD: its status is lost */
	return true;
}

void command_terminate(struct command *c)
{
	if (c->pid && !c->ended)
		kill(c->pid, SIGTERM);
}

/* Signals to us do not make the time shorter that it has. */
static bool ends_in_time(const struct command *c)
{
	struct pollfd p = {.fd = c->pidfd, .events = POLLIN};
	int n;

	if (c->pidfd < 0)
		return false;
	do
		n = poll(&p, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

int command_close(struct command *c, struct diag *diag)
{
	int status, pid;

	if (c->pid && !c->ended) {
		command_terminate(c);
		if (!ends_in_time(c))
			kill(c->pid, SIGKILL);
		while ((pid = waitpid(c->pid, &status, 0)) < 0 && errno == EINTR)
			;
		if (pid == c->pid)
			command_ended(c, status, diag);
	}
	if (c->pidfd >= 0)
		close(c->pidfd);
	if (c->go >= 0)
		close(c->go);
	if (c->failed >= 0)
		close(c->failed);
	free(c->path);
	status = c->status;
	*c = (struct command){.pidfd = -1, .go = -1, .failed = -1};
	return status;
}
