/*
 * standby.c: a child of the session that stays behind it: the tracer, the guard.
 *
 * In:  what it needs of the session. Out: nothing else of it: neither its streams (whoever waits
 * for the end of our output must not wait for the child) nor what the terminal sends it.
 */
#include "engine/user/user.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

static bool is_kept(int fd, const int *keep, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (keep[i] == fd)
			return true;
	return fd <= 2;
}

void standby_files(const int *keep, u32 n)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	while (d && (e = readdir(d))) {
		int fd = atoi(e->d_name);

		if (fd != dirfd(d) && !is_kept(fd, keep, n))
			close(fd);
	}
	if (d)
		closedir(d);
}

void standby_signals(void)
{
	static const int ignored[] = {SIGINT,  SIGQUIT, SIGHUP,  SIGTERM,
				      SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE};
	const struct sigaction a = {.sa_handler = SIG_IGN};
	sigset_t none;

	for (u32 i = 0; i < ARRAY_SIZE(ignored); i++)
		sigaction(ignored[i], &a, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
