/*
 * trap.c: SIGSYS: a call that the script asks about, before it is made; and its result.
 *
 * In:  the registers of a thread that wanted to make a call. Out: the same, but for where it goes
 *      on: at the stub of this call site, which makes the call (entry.S).
 *
 * The call is not made here: it would be made with all signals masked, on a stack that is not the
 * program's.
 */
#include "engine/inprocess/agent/agent.h"

#include <errno.h>

#define SYS_SECCOMP_CODE 1
#define SIGSYS_          31

/* linux/signal.h */
#define FLAG_SIGINFO  4u
#define FLAG_RESTORER 0x04000000u
#define FLAG_ONSTACK  0x08000000u
enum { MASK_BLOCK, MASK_UNBLOCK, MASK_SET };

/* ---- call sites */

static u32 hash(u64 key)
{
	return (u32)(key * 0x9e3779b97f4a7c15ull >> 40);
}

/* Calls that return twice, or elsewhere. */
static bool is_strange(u64 nr)
{
	static const u32 strange[] = {SYS_clone, SYS_fork, SYS_vfork, 435 /* clone3 */,
				      SYS_rt_sigreturn};

	for (u32 i = 0; i < ARRAY_SIZE(strange); i++)
		if (nr == strange[i])
			return true;
	return false;
}

/* The number of the site that goes back to `back`; AGENT_SITES: there are too many. */
u32 agent_site_of(u64 back, u64 nr)
{
	u32 from = is_strange(nr) ? AGENT_COMMON : 0;
	u32 n = is_strange(nr) ? AGENT_SITES - AGENT_COMMON : AGENT_COMMON;
	u64 key = back | nr << 48;

	for (u32 i = 0; i < n; i++) {
		u32 at = from + (hash(key) + i) % n;
		struct agent_site *s = &agent_private->sites[at];
		u64 seen = __atomic_load_n(&s->key, __ATOMIC_ACQUIRE);

		if (!seen && __atomic_compare_exchange_n(&s->key, &seen, key, false,
							 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			seen = key;
		if (seen != key)
			continue;
		__atomic_store_n(&s->back, back, __ATOMIC_RELEASE);
		return at;
	}
	return AGENT_SITES;
}

static bool is_exec(u64 nr)
{
	return nr == SYS_execve || nr == SYS_execveat;
}

static u64 stub_of(u32 site, u64 nr)
{
	bool back = is_exec(nr) || agent_wants_result(nr);

	return (u64)(back ? agent_exit_stubs : agent_stubs) + (u64)site * AGENT_SITE_BYTES;
}

/* There is no room for another site: the call is made here. */
static void make_call(struct agent_context *uc)
{
	struct agent_event ev = {.ip = uc->ip, .sp = uc->sp, .bp = uc->bp};
	u64 all = EVERY_SIGNAL;
	long result = -EAGAIN;

	if (!is_strange(uc->ax)) {
		call4(SYS_rt_sigprocmask, MASK_SET, (u64)&uc->mask, 0, 8);
		result = call6((long)uc->ax, uc->di, uc->si, uc->dx, uc->r10, uc->r8, uc->r9);
		call4(SYS_rt_sigprocmask, MASK_SET, (u64)&all, 0, 8);
	}
	if (is_exec(uc->ax))
		agent_exec_failed();
	if (agent_wants_result(uc->ax))
		agent_result((u32)uc->ax, result, &ev);
	uc->ax = (u64)result;
}

static void go_on(struct agent_context *uc)
{
	u32 site = agent_site_of(uc->ip, uc->ax);

	if (site == AGENT_SITES) {
		make_call(uc);
		return;
	}
	agent_patch(site);
	uc->ip = stub_of(site, uc->ax);
}

/* ---- the handler */

/* Another filter's, or somebody sent it: what the program wanted to be done. */
static void foreign(int sig, struct agent_signal *si, struct agent_context *uc)
{
	const struct agent_action *a = &agent_private->action, none = {.flags = 0};
	void (*handler)(int, struct agent_signal *, struct agent_context *) = (void *)a->handler;
	u64 all = EVERY_SIGNAL, mask = uc->mask | a->mask;

	if (a->handler > 1) {
		call4(SYS_rt_sigprocmask, MASK_SET, (u64)&mask, 0, 8);
		handler(sig, si, uc);
		call4(SYS_rt_sigprocmask, MASK_SET, (u64)&all, 0, 8);
	} else if (!a->handler) { /* it ends us, as soon as the mask allows */
		call4(SYS_rt_sigaction, SIGSYS_, (u64)&none, 0, 8);
		call2(SYS_kill, agent_pid(), SIGSYS_);
	}
}

static void on_trap(int sig, struct agent_signal *si, struct agent_context *uc)
{
	u64 nr = uc->ax;
	struct agent_event ev = {.ip = uc->ip, .sp = uc->sp, .bp = uc->bp};

	if (si->code != SYS_SECCOMP_CODE || si->error != AGENT_TRAP_MARK) {
		foreign(sig, si, uc);
		return;
	}
	agent_enter(uc);
	if (!agent_special(uc))
		go_on(uc);
	else if (agent_wants_result(nr))
		agent_result((u32)nr, (s64)uc->ax, &ev);
}

int agent_handle(void)
{
	const struct agent_action a = {
		.handler = (u64)on_trap,
		.flags = FLAG_SIGINFO | FLAG_RESTORER | FLAG_ONSTACK,
		.restorer = (u64)agent_restorer,
		.mask = EVERY_SIGNAL,
	};
	const u64 open = SIGSYS_BIT;
	long err = call4(SYS_rt_sigaction, SIGSYS_, (u64)&a, 0, 8);

	if (!err)
		err = call4(SYS_rt_sigprocmask, MASK_UNBLOCK, (u64)&open, 0, 8);
	return (int)err;
}

/* ---- before the call, at a gate, and after it. kept: what entry.S keeps */

enum {
	KEPT_R10,
	KEPT_R9,
	KEPT_R8,
	KEPT_DX,
	KEPT_SI,
	KEPT_DI,
	KEPT_CX,
	KEPT_AX,
	KEPT_BP,
	KEPT = 10
};
#define RED_ZONE 128

static struct agent_context context_of(const struct agent_site *s, const u64 *kept)
{
	return (struct agent_context){.ip = s->back,
				      .sp = (u64)(kept + KEPT) + RED_ZONE,
				      .bp = kept[KEPT_BP],
				      .ax = s->key >> 48,
				      .di = kept[KEPT_DI],
				      .si = kept[KEPT_SI],
				      .dx = kept[KEPT_DX],
				      .r10 = kept[KEPT_R10],
				      .r8 = kept[KEPT_R8],
				      .r9 = kept[KEPT_R9]};
}

/* No handler may run while a program does: it may never come back. A process without handlers, and
 * without threads that could set one now, needs no mask. */
struct mask {
	u64 old;
	bool set;
};

static struct mask mask_all(void)
{
	struct mask m = {.set = agent_private->handles || agent_private->self.shared};
	u64 all = EVERY_SIGNAL;

	if (m.set)
		call4(SYS_rt_sigprocmask, MASK_SET, (u64)&all, (u64)&m.old, 8);
	return m;
}

static void mask_back(struct mask m)
{
	if (m.set)
		call4(SYS_rt_sigprocmask, MASK_SET, (u64)&m.old, 0, 8);
}

/* The gate of a function that makes any call (patch.c). What the agent must know of, and what
 * nobody asks for, is left to the instruction that stands there. */
static struct agent_way any_gate(const struct agent_site *s, u64 *kept)
{
	u64 nr = kept[KEPT_AX], sp = (u64)(kept + KEPT) + RED_ZONE;
	u32 at = AGENT_SITES;

	kept[KEPT_R9] = *(const u64 *)(sp + 8);
	if (!agent_is_special(nr) && (agent_wants_entry(nr) || agent_wants_result(nr)))
		at = agent_site_of(s->back, nr);
	return at == AGENT_SITES ? (struct agent_way){s->back - 2, nr} : agent_gate(at, kept);
}

struct agent_way agent_gate(u32 at, u64 *kept)
{
	const struct agent_site *s = &agent_private->sites[at];
	const struct agent_context uc = context_of(s, kept);
	struct mask mask;

	if (uc.ax == AGENT_ANY)
		return any_gate(s, kept);
	if (agent_is_open() && agent_wants_entry(uc.ax)) {
		mask = mask_all();
		agent_enter(&uc);
		mask_back(mask);
	}
	return (struct agent_way){stub_of(at, uc.ax), uc.ax};
}

u64 agent_exit(u32 at, const u64 *kept, s64 result)
{
	const struct agent_site *s = &agent_private->sites[at];
	const struct agent_context uc = context_of(s, kept);
	struct agent_event ev = {.ip = uc.ip, .sp = uc.sp, .bp = uc.bp};
	struct mask mask;

	if (!is_exec(uc.ax) && !agent_is_open())
		return s->back;
	mask = mask_all();
	if (is_exec(uc.ax))
		agent_exec_failed();
	if (agent_wants_result(uc.ax))
		agent_result((u32)uc.ax, result, &ev);
	mask_back(mask);
	return s->back;
}
