/*
 * stops.c: a task has stopped or ended: what is it, what must run, how does it go on?
 *
 * In:  what wait(2) says. Out: programs have run, the task goes on as if nobody had looked.
 *
 * A system call of a seccomp filter stops once at its entry; only where its result is asked for it
 * stops again. Without a filter (-p) every call stops twice.
 */
#include "engine/user/probes.h"
#include "symbol/unwind.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/user.h>
#include <sys/wait.h>

static void resume(struct tracer *t, struct task *task, u32 sig)
{
	bool calls = t->seccomp ? task->in_call : t->all_calls;

	if (t->regs_of == task)
		t->regs_of = NULL;
	if (t->leaving) {
		probes_remove(t, task);
		sys_trace(PTRACE_DETACH, task->tid, 0, sig);
		task_drop(t, task->tid);
		return;
	}
	task->state = TASK_RUNS;
	/* -ESRCH: it was killed meanwhile; wait() will tell */
	sys_trace(calls ? PTRACE_SYSCALL : PTRACE_CONT, task->tid, 0, sig);
}

/* ---- system calls */

/* Numbers of another architecture are none of the plan's. */
static u64 number_of(const struct tracer *t, const struct call_info *info)
{
	return info->arch == t->audit ? info->entry.nr : (u32)info->entry.nr | FOREIGN_CALL;
}

bool call_changes_info(u64 nr, const u64 args[6])
{
	switch (nr) {
	case SYS_prctl: return args[0] == PR_SET_NAME;
	case SYS_setuid:
	case SYS_setgid:
	case SYS_setreuid:
	case SYS_setregid:
	case SYS_setresuid:
	case SYS_setresgid:
	case SYS_setfsuid:
	case SYS_setfsgid:
	case SYS_execve:
	case SYS_execveat: return true;
	default: return false;
	}
}

/* A child that asks not to be traced would be left under our filter without us: it is asked for
 * without that flag, and what the caller had in its register or memory is put back. */
static void keep_child(struct tracer *t, struct task *task, u64 nr, const u64 args[6])
{
	u64 flags = args[0];

	if (nr == SYS_clone3 && task_read(task, &flags, sizeof(flags), args[0]))
		return;
	if (!(flags & CALL_UNTRACED) || (nr != SYS_clone && nr != SYS_clone3))
		return;
	task->untraced_flags = flags;
	task->untraced_at = nr == SYS_clone3 ? args[0] : 0;
	task->untraced = true;
	untraced_set(t, task, flags & ~(u64)CALL_UNTRACED);
	task->in_call = true; /* to put it back */
}

static void on_entry(struct tracer *t, struct task *task, const struct call_info *info)
{
	u64 nr = number_of(t, info);

	task->nr = nr;
	task->in_call = plan_exits(t->plan, nr);
	event_enter(t, task, nr, info->entry.args);
	if (plan_has(&t->plan->waits) && (nr == SYS_wait4 || nr == SYS_waitid))
		event_wait(t, task, nr, info->entry.args);
	if (call_changes_info(nr, info->entry.args))
		task->info.known = false;
	if (t->seccomp && (nr == SYS_clone || nr == SYS_clone3))
		keep_child(t, task, nr, info->entry.args);
	task->maps = t->plan->user.first && nr == SYS_mmap &&
		     info->entry.args[2] & (PROT_EXEC | PROT_WRITE) &&
		     !(info->entry.args[3] & MAP_ANONYMOUS);
	task->in_call |= task->maps;
}

static void on_result(struct tracer *t, struct task *task, s64 result)
{
	task->in_call = false;
	if (task->untraced) {
		task->untraced = false;
		untraced_set(t, task, task->untraced_flags);
	}
	if (task->maps)
		probes_mapped(t, task, (u64)result);
	task->maps = false;
	if (plan_exits(t->plan, task->nr))
		event_exit(t, task, task->nr, result);
}

static void on_call(struct tracer *t, struct task *task)
{
	struct call_info info;

	if (sys_trace(TRACE_CALL_INFO, task->tid, sizeof(info), (u64)(uintptr_t)&info) <= 0)
		return;
	if (info.op == CALL_EXIT)
		on_result(t, task, info.exit.result);
	else if (info.op == CALL_SECCOMP || (info.op == CALL_ENTRY && !t->seccomp))
		on_entry(t, task, &info);
}

/* Under a filter a task goes from the entry of a call to its exit: the register alone costs half
 * of what asking for everything does. */
static void on_call_stop(struct tracer *t, struct task *task)
{
	s64 result;

	if (!t->seccomp || !task->in_call)
		on_call(t, task);
	else if (sys_trace(PTRACE_PEEKUSER, task->tid, offsetof(struct user_regs_struct, rax),
			   (u64)(uintptr_t)&result) >= 0)
		on_result(t, task, result);
}

/* ---- new tasks, new programs, ends */

static u32 message_of(const struct task *task)
{
	unsigned long message = 0;

	sys_trace(PTRACE_GETEVENTMSG, task->tid, 0, (u64)(uintptr_t)&message);
	return (u32)message;
}

/* -p: a process that is not the one; it has nothing of ours unless it shares the other's memory. */
static bool let_go(struct tracer *t, struct task *task)
{
	if (!t->process || info_tgid(task) == t->process ||
	    (task->space && task->space->users > 1 && task->state == TASK_NEW))
		return false;
	probes_remove(t, task);
	sys_trace(PTRACE_DETACH, task->tid, 0, 0);
	task_drop(t, task->tid);
	return true;
}

/* Its first stop, when its parent has told of it. */
static void child_begins(struct tracer *t, struct task *task)
{
	if (let_go(t, task))
		return;
	if (task->untraced) {
		task->untraced = false;
		if (!task->untraced_at)
			untraced_set(t, task, task->untraced_flags);
	}
	if (task->returns_zero && plan_exits(t->plan, task->nr))
		event_exit(t, task, task->nr, 0);
	task->returns_zero = false;
	resume(t, task, 0);
}

static void on_fork(struct tracer *t, struct task *parent, u32 event)
{
	u32 tid = message_of(parent);
	struct task *child = tid ? task_add(t, tid) : NULL;

	if (!child)
		return;
	child->told = true;
	child->returns_zero = parent->in_call;
	child->nr = parent->nr;
	child->untraced = parent->untraced;
	child->untraced_flags = parent->untraced_flags;
	child->untraced_at = parent->untraced_at;
	probes_fork(t, parent, child, event);
	if (plan_has(&t->plan->born))
		event_born(t, parent, child);
	if (plan_has(&t->plan->fork))
		event_fork(t, parent, child);
	if (child->state == TASK_STOPPED)
		child_begins(t, child);
}

/* The other threads are gone, and the one that called has the number of the process now. */
static void on_exec(struct tracer *t, struct task *task)
{
	u32 old = message_of(task);
	struct task *caller = old && old != task->tid ? task_find(t, old) : NULL;

	if (caller) {
		task->in_call = caller->in_call;
		task->nr = caller->nr;
		if (t->plan->keeps)
			vm_task_renamed(t->run->vm, old, task->tid, TRACER_CPU);
	}
	tasks_drop_others(t, task);
	task->tgid = task->tid;
	task->info.known = false;
	if (t->unwinder)
		unwind_executed(t->unwinder, task->tid);
	probes_close(t, task);
	probes_open(t, task);
	event_exec(t, task, old ? old : task->tid);
}

/* SIGKILL stops nobody; the kernel's tracepoint tells it all the same. */
static void on_exit_of(struct tracer *t, struct task *task)
{
	unsigned long status = 0;

	task->leaves = true;
	if (plan_has(&t->plan->signal) &&
	    sys_trace(PTRACE_GETEVENTMSG, task->tid, 0, (u64)(uintptr_t)&status) >= 0 &&
	    WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		event_signal(t, task, SIGKILL, 0, SI_USER);
	event_exited(t, task);
}

static void on_event(struct tracer *t, struct task *task, u32 event, u32 sig)
{
	bool group = sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;

	switch (event) {
	case EVENT_SECCOMP: on_call(t, task); break;
	case EVENT_FORK:
	case EVENT_VFORK:
	case EVENT_CLONE: on_fork(t, task, event); break;
	case EVENT_EXEC:
		on_exec(t, task);
		if (let_go(t, task))
			return;
		break;
	case EVENT_EXIT: on_exit_of(t, task); break;
	case EVENT_STOP:
		if (task->state == TASK_NEW && !task->told) {
			task->state = TASK_STOPPED; /* its parent has not told of it yet */
			return;
		}
		if (group && !t->leaving) {
			task->state = TASK_LISTENS;
			sys_trace(TRACE_LISTEN, task->tid, 0, 0);
			return;
		}
		if (task->state == TASK_NEW) {
			child_begins(t, task);
			return;
		}
		if (task->samples)
			profile_sample(t, task);
		if (t->leaving && probes_pending(t, task)) { /* its trap must not kill it */
			sys_trace(PTRACE_CONT, task->tid, 0, 0);
			return;
		}
		break;
	default: break;
	}
	resume(t, task, 0);
}

static void on_signal(struct tracer *t, struct task *task, u32 sig)
{
	siginfo_t info;

	if (sig == SIGTRAP && t->plan->user.first)
		switch (probes_trap(t, task, &sig)) {
		case TRAP_OURS: resume(t, task, sig); return;
		case TRAP_DEAD: return;
		default: sig = SIGTRAP;
		}
	if (plan_has(&t->plan->signal) &&
	    sys_trace(PTRACE_GETSIGINFO, task->tid, 0, (u64)(uintptr_t)&info) >= 0)
		event_signal(t, task, sig, info.si_errno, info.si_code);
	resume(t, task, sig);
}

/* Who was killed in the middle of a fork never tells of its child. */
static void release_untold(struct tracer *t)
{
	struct task *task;

	while ((task = task_untold(t))) {
		task->told = true;
		child_begins(t, task);
	}
}

void stop_handle(struct tracer *t, u32 tid, int status)
{
	u32 sig = (u32)WSTOPSIG(status), event = (u32)status >> 16;
	struct task *task;

	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		task_drop(t, tid);
		if (WIFSIGNALED(status))
			release_untold(t);
		return;
	}
	task = task_find(t, tid);
	if (!task && (event == EVENT_STOP || event == EVENT_EXEC))
		task = task_add(t, tid);
	if (!task) { /* an exec has ended it meanwhile; or there is no memory: it goes on unseen */
		sys_trace(PTRACE_CONT, tid, 0, event || sig == (SIGTRAP | 0x80) ? 0 : sig);
		return;
	}
	if (event) {
		on_event(t, task, event, sig);
	} else if (sig == (SIGTRAP | 0x80)) {
		on_call_stop(t, task);
		resume(t, task, 0);
	} else {
		on_signal(t, task, sig);
	}
}
