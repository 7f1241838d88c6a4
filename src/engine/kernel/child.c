/*
 * child.c: a child that makes a few slow system calls for us.
 *
 * It gets a copy of some of our descriptors and closes all others (above all the standard streams:
 * whoever reads our output must see its end when we end). It shares our memory instead of copying
 * it, runs on a stack of its own, and only makes system calls. Its exit signal is 0, so that
 * nobody who waits for children sees it.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE 16384

static int compare_int(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static int child_main(void *arg)
{
	const struct child *c = arg;
	u32 first = 0;

	for (u32 i = 0; i < c->n; i++) {
		if ((u32)c->keep[i] > first)
			sys_close_range(first, (u32)c->keep[i] - 1);
		first = (u32)c->keep[i] + 1;
	}
	sys_close_range(first, ~0u);
	c->main(c);
	syscall(SYS_exit, 0);
	return 0;
}

int child_start(struct child *c, const int *keep, u32 n)
{
	sigset_t all, old;

	c->keep = malloc(sizeof(*c->keep) * MAX(n, 1u));
	c->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (!c->keep || c->stack == MAP_FAILED) {
		free(c->keep);
		c->keep = NULL;
		return -ENOMEM;
	}
	memcpy(c->keep, keep, n * sizeof(*c->keep));
	qsort(c->keep, n, sizeof(*c->keep), compare_int);
	c->n = n;
	c->parent = getpid();
	/* it must never run handlers of ours */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	c->pid = clone(child_main, (char *)c->stack + STACK_SIZE, CLONE_VM, c);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (c->pid > 0)
		return 0;
	child_end(c);
	return -EAGAIN;
}

void child_end(struct child *c)
{
	if (!c->keep)
		return;
	if (c->pid > 0)
		while (waitpid(c->pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	munmap(c->stack, STACK_SIZE);
	free(c->keep);
	c->keep = NULL;
}
