/*
 * stop.c: Ctrl-C for commands that wait in the library.
 *
 * Out: a descriptor that can be read once somebody has asked for the end, by SIGINT or SIGTERM.
 */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

static int stop_pipe[2];

void stop_shown(int sig)
{
	const int err = errno;

	if (sig == SIGINT && isatty(STDERR_FILENO))
		(void)!write(STDERR_FILENO, "\r", 1);
	errno = err;
}

static void on_signal(int sig)
{
	const int err = errno;

	stop_shown(sig);
	(void)!write(stop_pipe[1], "", 1); /* it is full: it was asked for already */
	errno = err;
}

int stop_on_signals(void)
{
	struct sigaction act = {.sa_handler = on_signal};

	if (pipe(stop_pipe))
		return -errno;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	return stop_pipe[0];
}
