/*
 * filter.c: the seccomp filter of the traced processes: which calls trap.
 *
 * In:  the plan. Out: a classic BPF program for seccomp(2).
 *
 *	another architecture: goes on, unseen
 *	a number of the plan, or one of those that the agent must know of, with the arguments for
 *	    which it must: traps
 *	all others: go on. The kernel knows which numbers always do: those cost nothing.
 *
 * Before it traps: a call of the agent goes on (by its address), and so does one with the cookie
 * as its sixth argument (agent.h).
 */
#include "engine/inprocess/inprocess.h"

#include "arch/arch.h"
#include "isa/isa.h"

#include <sys/prctl.h>

#define NR_AT    0
#define ARCH_AT  4
#define IP_AT    8
#define ARG(n)   (16 + 8 * (n)) /* of struct seccomp_data: the lower half */
#define LD_ABS   (BPF_LD | BPF_W | BPF_ABS)
#define RETURN   0x06 /* BPF_RET | BPF_K */
#define JUMP(op) (BPF_JMP | (op) | BPF_K)
#define TO_TRAP  UINT32_MAX /* of a jump: patched */

#define SECCOMP_TRAP 0x00030000u

static void emit(struct trap_filter *f, u16 code, u8 jt, u8 jf, u32 k)
{
	if (f->n < ARRAY_SIZE(f->code))
		f->code[f->n] = (struct bpf_code){code, jt, jf, k};
	f->n++;
}

/* Calls that the agent must know of, where the lower half of an argument passes a test: jump when
 * true, jump when false, over the jump to the trap. */
#define CLONE_VM 0x100u
static const struct test {
	u16 code;
	u8 jt, jf;
} tests[] = {
	{JUMP(BPF_JEQ), 1, 0},  /* is not the value */
	{JUMP(BPF_JEQ), 0, 1},  /* is the value */
	{JUMP(BPF_JSET), 0, 1}, /* has the bit */
};
enum { IS_NOT, IS, HAS, ALWAYS };
enum { NEEDS_NOTHING, NEEDS_COMM, NEEDS_IDS }; /* only where programs ask for that */
static const struct special {
	u32 nr;
	u8 test, arg;
	u32 value;
	u8 needs;
} specials[] = {
	{SYS_rt_sigprocmask, IS_NOT, 0, 1 /* SIG_UNBLOCK */, 0},
	{SYS_rt_sigaction, ALWAYS, 0, 0, 0},
	{SYS_rt_sigsuspend, ALWAYS, 0, 0, 0},
	{SYS_ppoll, IS_NOT, 3, 0, 0},
	{SYS_pselect6, IS_NOT, 5, 0, 0},
	{SYS_epoll_pwait, IS_NOT, 4, 0, 0},
	{441 /* epoll_pwait2 */, IS_NOT, 4, 0, 0},
	{435 /* clone3 */, ALWAYS, 0, 0, 0},
	{SYS_clone, HAS, 0, CLONE_VM, 0},
	{SYS_vfork, ALWAYS, 0, 0, 0},
	{SYS_execve, ALWAYS, 0, 0, 0},
	{SYS_execveat, ALWAYS, 0, 0, 0},
	{SYS_prctl, IS, 0, PR_SET_NAME, NEEDS_COMM},
	{SYS_setuid, ALWAYS, 0, 0, NEEDS_IDS},
	{SYS_setgid, ALWAYS, 0, 0, NEEDS_IDS},
	{SYS_setreuid, ALWAYS, 0, 0, NEEDS_IDS},
	{SYS_setregid, ALWAYS, 0, 0, NEEDS_IDS},
	{SYS_setresuid, ALWAYS, 0, 0, NEEDS_IDS},
	{SYS_setresgid, ALWAYS, 0, 0, NEEDS_IDS},
	{SYS_setfsuid, ALWAYS, 0, 0, NEEDS_IDS},
	{SYS_setfsgid, ALWAYS, 0, 0, NEEDS_IDS},
};

static bool planned(const struct plan *p, u32 nr)
{
	return plan_enters(p, nr) || plan_exits(p, nr);
}

/* Numbers from `from` up to, not including, `to`; the number is in A. */
static void emit_range(struct trap_filter *f, u32 from, u32 to)
{
	emit(f, JUMP(BPF_JGE), 0, 2, from);
	emit(f, JUMP(BPF_JGE), 1, 0, to);
	emit(f, BPF_JMP | BPF_JA, 0, 0, TO_TRAP);
}

static void emit_plan(struct trap_filter *f, const struct plan *p)
{
	u32 from = 0;

	for (u32 nr = 0; nr <= SYSCALL_MOST; nr++) {
		bool wanted = nr < SYSCALL_MOST && planned(p, nr);

		if (wanted && (!nr || !planned(p, nr - 1)))
			from = nr;
		else if (!wanted && nr && planned(p, nr - 1))
			emit_range(f, from, nr);
	}
}

static void emit_special(struct trap_filter *f, const struct special *s)
{
	const struct test *t = &tests[s->test];

	if (s->test == ALWAYS) {
		emit(f, JUMP(BPF_JEQ), 0, 1, s->nr);
		emit(f, BPF_JMP | BPF_JA, 0, 0, TO_TRAP);
		return;
	}
	emit(f, JUMP(BPF_JEQ), 0, 4, s->nr);
	emit(f, LD_ABS, 0, 0, ARG(s->arg));
	emit(f, t->code, t->jt, t->jf, s->value);
	emit(f, BPF_JMP | BPF_JA, 0, 0, TO_TRAP);
	emit(f, RETURN, 0, 0, SECCOMP_ALLOW);
}

static void emit_specials(struct trap_filter *f, const struct plan *p)
{
	for (u32 i = 0; i < ARRAY_SIZE(specials); i++) {
		const struct special *s = &specials[i];

		if (!planned(p, s->nr) && (s->needs != NEEDS_COMM || p->needs_comm) &&
		    (s->needs != NEEDS_IDS || p->needs_ids))
			emit_special(f, s);
	}
}

static void emit_trap(struct trap_filter *f, u64 cookie)
{
	emit(f, LD_ABS, 0, 0, IP_AT + 4);
	emit(f, JUMP(BPF_JEQ), 0, 3, AGENT_TEXT >> 32);
	emit(f, LD_ABS, 0, 0, IP_AT);
	emit(f, JUMP(BPF_JGE), 1, 0, (u32)(AGENT_JIT & UINT32_MAX));
	emit(f, RETURN, 0, 0, SECCOMP_ALLOW);
	emit(f, LD_ABS, 0, 0, ARG(5));
	emit(f, JUMP(BPF_JEQ), 0, 3, (u32)cookie);
	emit(f, LD_ABS, 0, 0, ARG(5) + 4);
	emit(f, JUMP(BPF_JEQ), 0, 1, (u32)(cookie >> 32));
	emit(f, RETURN, 0, 0, SECCOMP_ALLOW);
	emit(f, RETURN, 0, 0, SECCOMP_TRAP | AGENT_TRAP_MARK);
}

int trap_filter_make(struct trap_filter *f, const struct plan *p, u64 cookie)
{
	u32 trap;

	f->n = 0;
	emit(f, LD_ABS, 0, 0, ARCH_AT);
	emit(f, JUMP(BPF_JEQ), 1, 0, arch_find("x86_64")->audit);
	emit(f, RETURN, 0, 0, SECCOMP_ALLOW);
	emit(f, LD_ABS, 0, 0, NR_AT);
	emit_plan(f, p);
	emit_specials(f, p);
	emit(f, RETURN, 0, 0, SECCOMP_ALLOW);
	trap = f->n;
	emit_trap(f, cookie);
	if (f->n > ARRAY_SIZE(f->code))
		return -E2BIG;
	for (u32 i = 0; i < trap; i++)
		if (f->code[i].code == (BPF_JMP | BPF_JA) && f->code[i].k == TO_TRAP)
			f->code[i].k = trap - (i + 1);
	return 0;
}

int trap_filter_install(const struct trap_filter *f)
{
	struct {
		u16 n;
		const struct bpf_code *code;
	} program = {(u16)f->n, f->code};
	long err = sys_seccomp(SECCOMP_SET_FILTER, 0, &program);

	if (err == -EACCES) { /* without rights: no program may gain any by exec */
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
			return -errno;
		err = sys_seccomp(SECCOMP_SET_FILTER, 0, &program);
	}
	return (int)MIN(err, 0);
}
