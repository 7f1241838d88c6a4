/*
 * calls.c: system calls that would take the agent its footing, whether or not a script asks.
 *
 * A filter stays when a new program begins, the handler does not: a task that wants to exec first
 * asks the guard to watch it (guard.c). SIGSYS must not be blocked, ignored or taken: a trap would
 * end the process.
 */
#include "engine/inprocess/agent/agent.h"

#include <errno.h>

#define FUTEX_WAIT     0
#define FUTEX_WAKE     1
#define PR_SET_PTRACER 0x59616d61
#define SIGSYS_        31
#define SIG_IGN_       1

enum { MASK_BLOCK, MASK_UNBLOCK, MASK_SET };

static bool done(struct agent_context *uc, long result)
{
	uc->ax = (u64)result;
	return true;
}

/* ---- signals */

/* The mask of the program is the one that the handler returns to. */
static bool sigprocmask_call(struct agent_context *uc)
{
	u64 old = uc->mask, set;

	if (uc->r10 != sizeof(set))
		return done(uc, -EINVAL);
	if (uc->si) {
		if (!agent_copy_in(&set, uc->si, sizeof(set)))
			return done(uc, -EFAULT);
		switch ((u32)uc->di) {
		case MASK_BLOCK: set = old | set; break;
		case MASK_UNBLOCK: set = old & ~set; break;
		case MASK_SET: break;
		default: return done(uc, -EINVAL);
		}
		uc->mask = set & ~SIGSYS_BIT;
	}
	if (uc->dx && !agent_copy_out(uc->dx, &old, sizeof(old)))
		return done(uc, -EFAULT);
	return done(uc, 0);
}

static bool sigaction_call(struct agent_context *uc)
{
	struct agent_action *own = &agent_private->action, a = {0}, old = *own;

	if (uc->si && !agent_copy_in(&a, uc->si, sizeof(a)))
		return done(uc, -EFAULT);
	a.mask &= ~SIGSYS_BIT;
	agent_private->handles |= uc->si && a.handler > SIG_IGN_;
	if ((u32)uc->di != SIGSYS_ || uc->r10 != sizeof(a.mask))
		return done(uc,
			    call4(SYS_rt_sigaction, uc->di, uc->si ? (u64)&a : 0, uc->dx, uc->r10));
	if (uc->dx && !agent_copy_out(uc->dx, &old, sizeof(old)))
		return done(uc, -EFAULT);
	if (uc->si)
		*own = a;
	return done(uc, 0);
}

/* A mask for as long as a call waits. It is the program's memory that changes, by one bit that
 * means nothing to it. */
static void open_mask(u64 at)
{
	u64 mask;

	if (!at || !agent_copy_in(&mask, at, sizeof(mask)) || !(mask & SIGSYS_BIT))
		return;
	mask &= ~SIGSYS_BIT;
	agent_copy_out(at, &mask, sizeof(mask));
}

static bool sigsuspend_call(struct agent_context *uc)
{
	open_mask(uc->di);
	return false;
}

static bool ppoll_call(struct agent_context *uc)
{
	open_mask(uc->r10);
	return false;
}

static bool epoll_pwait_call(struct agent_context *uc)
{
	open_mask(uc->r8);
	return false;
}

static bool pselect_call(struct agent_context *uc)
{
	u64 set; /* of { address, size } */

	if (uc->r9 && agent_copy_in(&set, uc->r9, sizeof(set)))
		open_mask(set);
	return false;
}

/* ---- new threads, new names */

#define CLONE_VM_ 0x100u

static bool clone_call(struct agent_context *uc)
{
	agent_private->self.shared |= uc->di & CLONE_VM_;
	return false;
}

static bool vfork_call(struct agent_context *uc)
{
	(void)uc;
	agent_private->self.shared = true;
	return false;
}

static bool self_changes(struct agent_context *uc)
{
	(void)uc;
	agent_private->self.read_ns = 0;
	return false;
}

/* CLONE_CLEAR_SIGHAND would take a child its handlers. We say what kernels say that do not know it:
 * C libraries then do without. */
#define CLEAR_HANDLERS (1ull << 32)

static bool clone3_call(struct agent_context *uc)
{
	u64 flags; /* the first field */

	if (!agent_copy_in(&flags, uc->di, sizeof(flags)))
		return false;
	if (flags & CLEAR_HANDLERS)
		return done(uc, -EINVAL);
	agent_private->self.shared |= flags & CLONE_VM_;
	return false;
}

/* ---- exec */

static struct agent_exec *exec_take(u32 tid)
{
	for (;; call0(SYS_sched_yield))
		for (u32 i = 0; i < AGENT_EXECS; i++) {
			u32 nobody = 0;

			if (__atomic_compare_exchange_n(&agent_control->execs[i].tid, &nobody, tid,
							false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
				return &agent_control->execs[i];
		}
}

static char *put_number(char *p, u32 n)
{
	if (n > 9)
		p = put_number(p, n / 10);
	*p = (char)('0' + n % 10);
	return p + 1;
}

/* The file, for the new program: /proc/GUARD/fd/N. */
static s32 file_open(void)
{
	char path[64], *p = path;

	memcpy(p, "/proc/", 6);
	p = put_number(p + 6, agent_control->guard);
	memcpy(p, "/fd/", 4);
	p = put_number(p + 4, (u32)agent_control->file);
	*p = 0;
	return (s32)call3(SYS_open, (u64)path, 2, 0);
}

static bool guard_lives(void)
{
	s32 fd = file_open();

	if (fd >= 0)
		call1(SYS_close, (u64)fd);
	return fd >= 0;
}

/* Tells the guard and waits until it has changed the state again. False: there is no guard. */
static bool exec_tell(struct agent_exec *e, u32 state)
{
	const struct {
		u64 seconds, ns;
	} second = {1, 0};

	__atomic_store_n(&e->state, state, __ATOMIC_RELEASE);
	__atomic_fetch_add(&agent_control->word, 1, __ATOMIC_SEQ_CST);
	call3(SYS_futex, (u64)&agent_control->word, FUTEX_WAKE, 1);
	while (__atomic_load_n(&e->state, __ATOMIC_ACQUIRE) == state) {
		long r = call4(SYS_futex, (u64)&e->state, FUTEX_WAIT, state, (u64)&second);

		if (r == -ETIMEDOUT && !guard_lives())
			return false;
	}
	return true;
}

static bool exec_call(struct agent_context *uc)
{
	s32 fd = file_open();
	struct agent_exec *e;

	if (fd < 0)
		return done(uc, fd == -EMFILE || fd == -ENFILE ? fd : -EPERM);
	call2(SYS_prctl, PR_SET_PTRACER, agent_control->guard); /* yama's level 1 wants it */
	e = exec_take((u32)call0(SYS_gettid));
	e->fd = fd;
	if (exec_tell(e, EXEC_ASKED) && e->state == EXEC_WATCHED)
		return false;
	call1(SYS_close, (u64)fd);
	__atomic_store_n(&e->state, EXEC_NOTHING, __ATOMIC_RELEASE);
	__atomic_store_n(&e->tid, 0, __ATOMIC_RELEASE);
	return done(uc, -EPERM);
}

void agent_exec_failed(void)
{
	u32 tid = (u32)call0(SYS_gettid);

	for (u32 i = 0; i < AGENT_EXECS; i++) {
		struct agent_exec *e = &agent_control->execs[i];

		if (e->tid != tid || __atomic_load_n(&e->state, __ATOMIC_ACQUIRE) != EXEC_WATCHED)
			continue;
		call1(SYS_close, (u64)e->fd);
		exec_tell(e, EXEC_FAILED);
		return;
	}
}

/* ---- all of them */

static const struct {
	u32 nr;
	bool (*fn)(struct agent_context *);
} specials[] = {
	{SYS_rt_sigprocmask, sigprocmask_call},
	{SYS_rt_sigaction, sigaction_call},
	{SYS_rt_sigsuspend, sigsuspend_call},
	{SYS_ppoll, ppoll_call},
	{SYS_pselect6, pselect_call},
	{SYS_epoll_pwait, epoll_pwait_call},
	{441 /* epoll_pwait2 */, epoll_pwait_call},
	{435 /* clone3 */, clone3_call},
	{SYS_clone, clone_call},
	{SYS_vfork, vfork_call},
	{SYS_prctl, self_changes},
	{SYS_setuid, self_changes},
	{SYS_setgid, self_changes},
	{SYS_setreuid, self_changes},
	{SYS_setregid, self_changes},
	{SYS_setresuid, self_changes},
	{SYS_setresgid, self_changes},
	{SYS_setfsuid, self_changes},
	{SYS_setfsgid, self_changes},
	{SYS_execve, exec_call},
	{SYS_execveat, exec_call},
};

bool agent_is_special(u64 nr)
{
	for (u32 i = 0; i < ARRAY_SIZE(specials); i++)
		if (specials[i].nr == nr)
			return true;
	return false;
}

bool agent_special(struct agent_context *uc)
{
	for (u32 i = 0; i < ARRAY_SIZE(specials); i++)
		if (specials[i].nr == uc->ax)
			return specials[i].fn(uc);
	return false;
}
