/*
 * step.c: runs the instruction that a breakpoint replaced.
 *
 * In:  a task that stands at a breakpoint, its registers in the tracer. Out: it stands behind the
 *      instruction, and the breakpoint is where it was.
 *
 * Three ways, the cheapest first: simple instructions are done by hand; where no other task shares
 * the memory, the instruction is put back for one step; else a copy of it runs elsewhere, so that
 * no other thread gets past the breakpoint unseen. Signals that come in the middle of it are
 * delivered behind it.
 */
#include "engine/user/probes.h"

#include "arch/arch.h"

#include <signal.h>
#include <sys/wait.h>

struct step {
	siginfo_t held; /* of a signal that came in between */
	u32 sig, faulted, again;
	u64 mask; /* of the task, while it is blocked */
	bool blocked, group_stop, stop;
};

static bool is_fault(u32 sig, const siginfo_t *info)
{
	return info->si_code > 0 &&
	       (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL);
}

/* A second signal shall not come: all are blocked but those that the instruction itself may raise.
 */
static void block(struct task *task, struct step *s)
{
	const u64 faults = 1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1) | 1ull << (SIGFPE - 1) |
			   1ull << (SIGILL - 1) | 1ull << (SIGTRAP - 1);
	u64 all = ~faults;

	if (s->blocked)
		return;
	s->blocked = !sys_trace(TRACE_GETSIGMASK, task->tid, sizeof(s->mask),
				(u64)(uintptr_t)&s->mask) &&
		     !sys_trace(TRACE_SETSIGMASK, task->tid, sizeof(all), (u64)(uintptr_t)&all);
}

/* One step, whatever comes in between. */
static enum trap run_step(struct tracer *t, struct task *task, struct step *s)
{
	for (;;) {
		siginfo_t info;
		int status;
		u32 sig;

		if (sys_trace(PTRACE_SINGLESTEP, task->tid, 0, 0) < 0)
			return TRAP_DEAD;
		if (!sys_wait(task->tid, &status))
			return TRAP_DEAD;
		if (!WIFSTOPPED(status)) {
			stop_handle(t, task->tid, status);
			return TRAP_DEAD;
		}
		sig = (u32)WSTOPSIG(status);
		if (status >> 16) {
			s->group_stop |= (u32)status >> 16 == EVENT_STOP;
			if ((u32)status >> 16 == EVENT_EXIT) {
				stop_handle(t, task->tid, status);
				return TRAP_DEAD;
			}
			continue;
		}
		if (sys_trace(PTRACE_GETSIGINFO, task->tid, 0, (u64)(uintptr_t)&info) < 0)
			return TRAP_DEAD;
		if (sig == SIGTRAP && info.si_code > 0)
			return TRAP_OURS;
		if (!s->sig || is_fault(sig, &info)) {
			s->again = s->sig;
			s->sig = sig;
			s->held = info;
			block(task, s);
		} else {
			s->stop |= sig == SIGSTOP; /* which cannot be blocked */
		}
		if (is_fault(sig, &info)) {
			s->faulted = sig;
			return TRAP_OURS;
		}
	}
}

static void write_code(const struct space *s, u64 addr, const u8 *code, u32 n)
{
	if (pwrite(s->mem, code, n, (off_t)addr) != (ssize_t)n)
		return; /* the memory is gone, and the task with it */
}

/* The step's own trap is replaced by the signal that came meanwhile. */
static void finish(struct task *task, const struct step *s, u32 *sig)
{
	if (s->blocked)
		sys_trace(TRACE_SETSIGMASK, task->tid, sizeof(s->mask), (u64)(uintptr_t)&s->mask);
	if (s->again)
		syscall(SYS_tgkill, info_tgid(task), task->tid, s->again);
	if (s->stop)
		syscall(SYS_tgkill, info_tgid(task), task->tid, SIGSTOP);
	if (s->sig) {
		*sig = s->sig;
		sys_trace(PTRACE_SETSIGINFO, task->tid, 0, (u64)(uintptr_t)&s->held);
	}
	if (s->group_stop) /* tells of it again */
		sys_trace(TRACE_INTERRUPT, task->tid, 0, 0);
}

static enum trap step_in_place(struct tracer *t, struct task *task, struct breakpoint *b, u32 *sig)
{
	const u8 int3 = 0xcc;
	struct step s = {0};
	enum trap result;

	write_code(task->space, b->addr, b->code, 1);
	sys_trace(PTRACE_SETREGS, task->tid, 0, (u64)(uintptr_t)&t->regs);
	t->regs_of = NULL;
	result = run_step(t, task, &s);
	if (result == TRAP_DEAD)
		return result;
	write_code(task->space, b->addr, &int3, 1);
	finish(task, &s, sig);
	return TRAP_OURS;
}

static enum trap step_elsewhere(struct tracer *t, struct task *task, const struct breakpoint *b,
				const struct arch_moved *m, u32 *sig)
{
	struct space *space = task->space;
	u64 scratch = space->scratch, addr = b->addr, saved = 0, *regs = (u64 *)&t->regs, top;
	u8 kept[16] = {0};
	struct step s = {0};

	if (pread(space->mem, kept, m->n, (off_t)scratch) != (ssize_t)m->n)
		return TRAP_FOREIGN;
	if (m->reg >= 0) {
		saved = regs[m->reg];
		regs[m->reg] = m->value;
	}
	t->regs.rip = scratch;
	sys_trace(PTRACE_SETREGS, task->tid, 0, (u64)(uintptr_t)&t->regs);
	write_code(space, scratch, m->code, m->n);
	t->regs_of = NULL;
	if (run_step(t, task, &s) == TRAP_DEAD)
		return TRAP_DEAD; /* with its memory, or an exec has replaced it */
	write_code(space, scratch, kept, m->n);
	if (!task_regs(t, task))
		return TRAP_DEAD;
	if (m->reg >= 0)
		regs[m->reg] = saved;
	if (!m->absolute || s.faulted)
		t->regs.rip = t->regs.rip - scratch + addr;
	if (m->calls && !s.faulted) {
		top = addr + m->n;
		pwrite(space->mem, &top, sizeof(top), (off_t)t->regs.rsp);
	}
	sys_trace(PTRACE_SETREGS, task->tid, 0, (u64)(uintptr_t)&t->regs);
	finish(task, &s, sig);
	return TRAP_OURS;
}

enum trap step_over(struct tracer *t, struct task *task, struct breakpoint *b, u32 *sig)
{
	const struct arch *a = arch_find("x86_64");
	struct space *s = task->space;
	struct arch_moved moved;
	enum trap result;
	bool pushes;
	u64 pushed;

	if (a->emulate(b->code, sizeof(b->code), (u64 *)&t->regs, &pushes, &pushed)) {
		if (pushes)
			pwrite(s->mem, &pushed, sizeof(pushed), (off_t)t->regs.rsp);
		sys_trace(PTRACE_SETREGS, task->tid, 0, (u64)(uintptr_t)&t->regs);
		return TRAP_OURS;
	}
	if (s->users > 1 && s->scratch && a->move(b->code, sizeof(b->code), b->addr, &moved) &&
	    b->addr - s->scratch >= sizeof(moved.code)) {
		result = step_elsewhere(t, task, b, &moved, sig);
		if (result != TRAP_FOREIGN)
			return result;
	}
	return step_in_place(t, task, b, sig);
}
