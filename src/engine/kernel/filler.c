/*
 * filler.c: fills a map of maps without waiting.
 *
 * BPF_MAP_UPDATE_ELEM on a map of maps takes effect at once, but returns only after an RCU grace
 * period (so that nobody uses the old inner map any more): 9 to 16 ms for each slot, before which a
 * start of 2 ms pales. There is no old map here. So children make the calls and wait for us, one
 * for each slot (one call for all would wait once for each in kernels before 6.8); we only look
 * until all slots are set, after the programs are loaded. What they cannot do we do ourselves.
 *
 * The children share our memory (they make system calls, on small stacks of their own) but not our
 * descriptors: they close all but the two that they need, so that nobody waits for them. A child
 * in between makes them and ends, so that they are no children of ours, whom somebody would have
 * to wait for. The kernel clears a child's `alive` when it is done with our memory.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE 8192
#define LOOKS      2000 /* for a slot to be set; each at least a system call long */

struct slot {
	_Alignas(16) char stack[STACK_SIZE];
	int map, inner;
	u32 index;
	pid_t alive;
};

struct plan {
	_Alignas(16) char stack[STACK_SIZE];
	u32 n;
	struct slot slots[];
};

static int slot_main(void *arg)
{
	struct slot *s = arg;
	u32 low = (u32)MIN(s->map, s->inner), high = (u32)MAX(s->map, s->inner);

	if (low)
		sys_close_range(0, low - 1);
	if (high > low + 1)
		sys_close_range(low + 1, high - 1);
	sys_close_range(high + 1, ~0u);
	sys_map_update(s->map, &s->index, &s->inner, 0);
	syscall(SYS_exit, 0);
	return 0;
}

static int plan_main(void *arg)
{
	struct plan *p = arg;

	for (u32 i = 0; i < p->n; i++) {
		struct slot *s = &p->slots[i];

		s->alive = 1;
		if (clone(slot_main, s->stack + STACK_SIZE, CLONE_VM | CLONE_CHILD_CLEARTID, s,
			  NULL, NULL, &s->alive) < 0)
			s->alive = 0;
	}
	syscall(SYS_exit, 0);
	return 0;
}

static void plan_run(struct plan *p)
{
	sigset_t all, old;
	int pid;

	sigfillset(&all); /* handlers of ours must never run in children */
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = clone(plan_main, p->stack + STACK_SIZE, CLONE_VM | CLONE_VFORK, p);
	if (pid > 0)
		while (waitpid(pid, NULL, __WCLONE) < 0 && errno == EINTR)
			;
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Whether a slot is set, or will not be by a child. */
static bool slot_set(const struct slot *s)
{
	u32 id;

	for (u32 i = 0; i < LOOKS; i++) {
		if (!sys_map_lookup(s->map, &s->index, &id))
			return true;
		if (!__atomic_load_n(&s->alive, __ATOMIC_ACQUIRE))
			break;
		sched_yield();
	}
	return !sys_map_lookup(s->map, &s->index, &id);
}

int filler_start(struct filler *f, int map, const int *inner, u32 n)
{
	size_t size = sizeof(struct plan) + n * sizeof(struct slot);
	struct plan *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	*f = (struct filler){p, size};
	p->n = n;
	for (u32 i = 0; i < n; i++) {
		p->slots[i].map = map;
		p->slots[i].inner = inner[i];
		p->slots[i].index = i;
	}
	plan_run(p);
	return 0;
}

int filler_wait(const struct filler *f)
{
	const struct plan *p = f->memory;
	int err = 0;

	for (u32 i = 0; p && i < p->n && !err; i++) {
		const struct slot *s = &p->slots[i];

		if (!slot_set(s))
			err = sys_map_update(s->map, &s->index, &s->inner, 0);
	}
	return err;
}

/* Gives the stacks back, once the last child is off them. */
void filler_close(struct filler *f, bool leave)
{
	struct timespec t = {.tv_nsec = 1000000};
	struct plan *p = f->memory;

	if (!p || leave)
		return;
	for (u32 i = 0; i < p->n; i++)
		while (__atomic_load_n(&p->slots[i].alive, __ATOMIC_ACQUIRE))
			nanosleep(&t, NULL);
	munmap(p, f->size);
	f->memory = NULL;
}
