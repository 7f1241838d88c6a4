/*
 * closer.c: leaves at once, though closing takes long.
 *
 * Closing a perf event of a tracepoint waits for RCU: 30 to 80 ms each, one after the other. So a
 * child gets a copy of our descriptors, closes all others (above all the standard streams: whoever
 * reads our output must see its end when we end), and waits. When the process that made it is
 * dead, and so holds no descriptor any more, the kernel kills it: its end closes the events. There
 * is no moment at which a killed process would leave something attached.
 *
 * The child shares our memory instead of copying it: it only makes system calls, on a stack of its
 * own. Its exit signal is 0, so that nobody who waits for children sees it.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_SIZE 16384

struct closer {
	const int *events;
	u32 n;
	pid_t parent;
};

static int compare_int(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static int closer_main(void *arg)
{
	const struct closer *c = arg;
	u32 first = 0;

	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (u32 i = 0; i < c->n; i++) {
		if ((u32)c->events[i] > first)
			sys_close_range(first, (u32)c->events[i] - 1);
		first = (u32)c->events[i] + 1;
	}
	sys_close_range(first, ~0u);
	/* dead already? then no signal will come */
	while (syscall(SYS_getppid) == c->parent)
		syscall(SYS_pause);
	syscall(SYS_exit, 0);
	return 0;
}

int closer_leave(const int *events, u32 n)
{
	size_t size = STACK_SIZE + sizeof(struct closer) + n * sizeof(*events);
	sigset_t all, old;
	struct closer *c;
	char *stack;
	int *sorted, pid;

	/* one mapping that we never touch again: it ends with us both */
	stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED)
		return -errno;
	c = (struct closer *)(stack + STACK_SIZE);
	sorted = (int *)(c + 1);
	memcpy(sorted, events, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_int);
	*c = (struct closer){sorted, n, getpid()};
	/* handlers of ours must never run in the child */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = clone(closer_main, stack + STACK_SIZE, CLONE_VM, c);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid > 0)
		return 0;
	munmap(stack, size);
	return -EAGAIN;
}
