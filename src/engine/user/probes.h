/*
 * probes.h: breakpoints in traced programs: uprobes, uretprobes, USDT.
 *
 * A space is the memory of a process, which threads share, and a child of vfork, too. It has the
 * breakpoints that are in it. A return is seen by a breakpoint behind the call, not by a changed
 * return address: so exceptions, longjmp and stacks stay as they are.
 */
#ifndef ENGINE_USER_PROBES_H
#define ENGINE_USER_PROBES_H

#include "engine/user/user.h"

struct breakpoint {
	u64 addr;
	u8 code[16];              /* what was there */
	bool gone;                /* it was taken out again */
	struct plan_list rows;    /* uprobe, USDT */
	struct plan_list returns; /* uretprobe: of functions that begin here */
};
struct space {
	u32 users;   /* tasks */
	int mem;     /* /proc/PID/mem */
	u64 scratch; /* where an instruction may run: the program's entry, which ran long ago */
	struct breakpoint *points;
	u32 n, cap;
	struct arena arena; /* of the lists */
	struct semaphore {
		u64 addr;
	} * raised;
	u32 nraised;
};
/* A function that was entered and is to return: its row, to where, and the stack pointer there. */
struct frame {
	const struct attach *row;
	u64 to, sp;
};

void probes_open(struct tracer *, struct task *); /* a new program: looks at what it maps */
/* A file was mapped at addr, or -errno. */
void probes_mapped(struct tracer *, struct task *, u64 addr);
void probes_fork(struct tracer *, struct task *parent, struct task *child, u32 event);
void probes_close(struct tracer *, struct task *);  /* it has ended, or has another space now */
void probes_remove(struct tracer *, struct task *); /* takes all out of its space */
/* It has met a breakpoint, and the trap is still to come. */
bool probes_pending(struct tracer *, struct task *);
/* Is each of the rows in this space? */
bool probes_placed(struct tracer *, struct task *);
/* A trap: ours? Then programs have run, and the task stands behind the instruction. *sig: a signal
 * that came meanwhile. */
enum trap { TRAP_FOREIGN, TRAP_OURS, TRAP_DEAD };
enum trap probes_trap(struct tracer *, struct task *, u32 *sig);

/* step.c: runs the instruction that a breakpoint replaced. */
enum trap step_over(struct tracer *, struct task *, struct breakpoint *, u32 *sig);

#endif
