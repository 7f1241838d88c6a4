/*
 * guard.c: what the kernel would keep without us, guarded: it goes when we go.
 *
 * In:  how to put something into the network, and how to take it away. Out: it is there, and a
 * process of ours, the guard, waits for the end of whoever holds the other end of its socket: us.
 *
 * Filters of tc have no links below 6.6, and actions and routes have none at all: what is there
 * stays, whoever dies. So the guard puts it, and takes it away when it reads the end of its
 * socket: after guard_close(), and after any death of ours, SIGKILL included. Only a death of both
 * leaves it. The guard is a fork, not a thread: nothing that befalls our memory befalls its.
 */
#include "engine/kernel/guard.h"
#include "engine/kernel/netlink.h"
#include "engine/kernel/sys.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct guard {
	int fd, pid;
};

/* The guard keeps its socket, its netlink and what it needs, and hears no signal: Ctrl-C is for
 * those who print.
 */
static void guard_main(struct guarded *what, int fd)
{
	int nl = netlink_open(), err;
	char leave = 0;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	err = nl < 0 ? nl : what->put(what, nl);
	dup2(fd, 0); /* above all the standard streams: who reads our output must see its end */
	dup2(nl, 1);
	for (u32 i = 0; i < ARRAY_SIZE(what->keep); i++)
		if (what->keep[i])
			what->keep[i] = dup2(what->keep[i], 2 + (int)i);
	sys_close_range(2 + ARRAY_SIZE(what->keep), ~0u);
	if (write(0, &err, sizeof(err)) == (ssize_t)sizeof(err) && !err && read(0, &leave, 1) == 1)
		_exit(0);
	if (nl >= 0)
		what->take(what, 1, !err);
	_exit(0);
}

int guard_open(struct guard **out, struct guarded *what)
{
	struct guard *g = calloc(1, sizeof(*g));
	int ends[2], err = -EIO;

	*out = NULL;
	if (!g || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		free(g);
		return g ? -errno : -ENOMEM;
	}
	g->fd = ends[0];
	g->pid = fork();
	if (!g->pid) {
		close(ends[0]);
		guard_main(what, ends[1]);
	}
	close(ends[1]);
	if (g->pid < 0)
		err = -errno;
	else if (read(g->fd, &err, sizeof(err)) != (ssize_t)sizeof(err))
		err = -EIO;
	if (err)
		guard_close(g);
	else
		*out = g;
	return err;
}

void guard_leave(struct guard *g)
{
	if (write(g->fd, "", 1) == 1)
		guard_close(g);
}

void guard_close(struct guard *g)
{
	close(g->fd);
	if (g->pid > 0)
		waitpid(g->pid, NULL, 0);
	free(g);
}
