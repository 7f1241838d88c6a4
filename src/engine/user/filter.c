/*
 * filter.c: the seccomp filter of the traced tree: which system calls stop.
 *
 * In:  the plan. Out: a classic BPF program for seccomp(2).
 *
 *	another architecture: goes on, unless all calls are wanted (as raw_syscalls sees them, where
 *	    nobody has said which of them are), or those of 32 bits are asked for
 *	a number of the plan: stops
 *	calls that we must see ourselves, by their arguments: a new name, another user, a task that
 *	    asks not to be traced (it would be left under a filter that nobody serves)
 *	all others: go on, at the cost of the filter
 *
 * Numbers are found by a binary search over ranges: the kernel keeps a bitmap of numbers that are
 * always allowed, so those cost nothing at all, but calls that stop should not pay for long lists.
 */
#include "engine/user/user.h"

#include "arch/arch.h"
#include "isa/isa.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#define ARG(n)   (16 + 8 * (n)) /* of struct seccomp_data: the lower half */
#define X32_BIT  0x40000000u
#define LD_ABS   (BPF_LD | BPF_W | BPF_ABS)
#define RETURN   0x06 /* BPF_RET | BPF_K */
#define JUMP(op) (BPF_JMP | (op) | BPF_K)

static void emit(struct filter *f, u16 code, u8 jt, u8 jf, u32 k)
{
	if (f->n < ARRAY_SIZE(f->code))
		f->code[f->n] = (struct bpf_code){code, jt, jf, k};
	f->n++;
}

/* ---- calls that we must see ourselves */

enum test { ALWAYS, EQUALS, HAS_BIT };
struct special {
	u32 nr;
	u8 arg, test;
	u32 value;
};

/* linux/prctl.h; numbers of the calls of x86-64 */
static const struct special names[] = {{SYS_prctl, 0, EQUALS, PR_SET_NAME}};
static const struct special ids[] = {
	{SYS_setuid, 0, ALWAYS, 0},   {SYS_setgid, 0, ALWAYS, 0},    {SYS_setreuid, 0, ALWAYS, 0},
	{SYS_setregid, 0, ALWAYS, 0}, {SYS_setresuid, 0, ALWAYS, 0}, {SYS_setresgid, 0, ALWAYS, 0},
	{SYS_setfsuid, 0, ALWAYS, 0}, {SYS_setfsgid, 0, ALWAYS, 0},
};
static const struct special untraced[] = {
	{SYS_clone, 0, HAS_BIT, CALL_UNTRACED},
	{SYS_clone3, 0, ALWAYS, 0},
};
static const struct special waits[] = {{SYS_wait4, 0, ALWAYS, 0}, {SYS_waitid, 0, ALWAYS, 0}};
/* Without ptrace nothing else tells of a new program. */
static const struct special execs[] = {{SYS_execve, 0, ALWAYS, 0}, {SYS_execveat, 0, ALWAYS, 0}};

static void emit_specials(struct filter *f, const struct special *s, u32 n, u32 stop)
{
	for (; n--; s++) {
		u8 skip = s->test == ALWAYS ? 1 : 4;

		emit(f, JUMP(BPF_JEQ), 0, skip, s->nr);
		if (s->test != ALWAYS) {
			emit(f, LD_ABS, 0, 0, ARG(s->arg));
			emit(f, JUMP(s->test == EQUALS ? BPF_JEQ : BPF_JSET), 0, 1, s->value);
			emit(f, RETURN, 0, 0, stop);
			emit(f, RETURN, 0, 0, SECCOMP_ALLOW);
		} else {
			emit(f, RETURN, 0, 0, stop);
		}
	}
}

/* mmap(2) of a file, of code or of data that can be written: user probes may be there. */
static void emit_mmap(struct filter *f, u32 stop)
{
	emit(f, JUMP(BPF_JEQ), 0, 6, SYS_mmap);
	emit(f, LD_ABS, 0, 0, ARG(3));
	emit(f, JUMP(BPF_JSET), 3, 0, MAP_ANONYMOUS);
	emit(f, LD_ABS, 0, 0, ARG(2));
	emit(f, JUMP(BPF_JSET), 0, 1, PROT_EXEC | PROT_WRITE);
	emit(f, RETURN, 0, 0, stop);
	emit(f, RETURN, 0, 0, SECCOMP_ALLOW);
}

/* ---- numbers of the plan */

struct range {
	u32 from;
	bool stops;
};

/* Between `from` of a range and that of the next. */
static void emit_ranges(struct filter *f, const struct range *r, u32 n, u32 stop)
{
	u32 half = n / 2, at = f->n, left;

	if (n == 1) {
		if (r->stops)
			emit(f, RETURN, 0, 0, stop);
		else
			emit(f, BPF_JMP | BPF_JA, 0, 0,
			     UINT32_MAX); /* patched: to what is behind */
		return;
	}
	emit(f, JUMP(BPF_JGE), 0, 0, r[half].from);
	emit(f, BPF_JMP | BPF_JA, 0, 0, 0); /* far: jt and jf are bytes */
	emit_ranges(f, r, half, stop);
	left = f->n;
	emit_ranges(f, r + half, n - half, stop);
	if (f->n > ARRAY_SIZE(f->code))
		return;
	/* true: skip nothing, take the far jump; false: step over it */
	f->code[at].jf = 1;
	f->code[at + 1].k = left - (at + 2);
}

static u32 make_ranges(struct range *r, const struct plan *p)
{
	u32 n = 0;

	for (u32 nr = 0; nr < SYSCALL_MOST; nr++) {
		bool stops = plan_enters(p, nr) || plan_exits(p, nr);

		if (!n || r[n - 1].stops != stops)
			r[n++] = (struct range){nr, stops};
	}
	if (r[n - 1].stops)
		r[n++] = (struct range){SYSCALL_MOST, false};
	return n;
}

int filter_make(struct filter *f, const struct plan *p, bool notify)
{
	const struct arch *a = arch_find("x86_64");
	u32 stop = notify ? SECCOMP_NOTIFY : SECCOMP_TRACE, n, from;
	bool all = !p->raw_calls && (p->all_enter.first || p->all_exit.first);
	static const u32 nr_at = 0, arch_at = 4;
	struct range ranges[SYSCALL_MOST + 1];

	f->n = 0;
	if (all) {
		emit(f, RETURN, 0, 0, stop);
		return 0;
	}
	emit(f, LD_ABS, 0, 0, arch_at);
	emit(f, JUMP(BPF_JEQ), 1, 0, a->audit);
	emit(f, RETURN, 0, 0, p->narrow_calls ? stop : SECCOMP_ALLOW);
	emit(f, LD_ABS, 0, 0, nr_at);
	from = f->n;
	n = make_ranges(ranges, p);
	emit_ranges(f, ranges, n, stop);
	if (f->n > ARRAY_SIZE(f->code))
		return -E2BIG;
	for (u32 i = from; i < f->n; i++)
		if (f->code[i].code == (BPF_JMP | BPF_JA) && f->code[i].k == UINT32_MAX)
			f->code[i].k = f->n - (i + 1);
	if (p->needs_comm)
		emit_specials(f, names, ARRAY_SIZE(names), stop);
	if (p->needs_ids)
		emit_specials(f, ids, ARRAY_SIZE(ids), stop);
	if (p->waits.first)
		emit_specials(f, waits, ARRAY_SIZE(waits), stop);
	if (p->user.first)
		emit_mmap(f, stop);
	if (notify)
		emit_specials(f, execs, ARRAY_SIZE(execs), stop);
	else
		emit_specials(f, untraced, ARRAY_SIZE(untraced), stop);
	emit(f, RETURN, 0, 0, SECCOMP_ALLOW);
	return f->n > ARRAY_SIZE(f->code) ? -E2BIG : 0;
}
