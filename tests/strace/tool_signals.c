/*
 * tool_signals.c: children, one after the other, of whom each gets a SIGTERM whose default is to end it: some do not
 * end by it. Traced by both, in tests/strace/run.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum way { BLOCKED, WAITED, HANDLED, UNBLOCKED, BEFORE_KILL, BEFORE_SEGV, ENDED, WAYS };

static void nothing(int sig)
{
	(void)sig;
}

static void child(enum way way)
{
	sigset_t term;
	int sig;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	if (way != ENDED)
		sigprocmask(SIG_BLOCK, &term, NULL);
	kill(getpid(), SIGTERM);
	if (way == WAITED)
		sigwait(&term, &sig);
	if (way == HANDLED)
		signal(SIGTERM, nothing);
	if (way == HANDLED || way == UNBLOCKED)
		sigprocmask(SIG_UNBLOCK, &term, NULL);
	if (way == BEFORE_KILL)
		kill(getpid(), SIGKILL);
	if (way == BEFORE_SEGV)
		kill(getpid(), SIGSEGV);
	_exit(10 + way);
}

int main(void)
{
	for (enum way way = 0; way < WAYS; way++) {
		pid_t pid = fork();

		if (!pid)
			child(way);
		waitpid(pid, NULL, 0);
	}
	return 0;
}
