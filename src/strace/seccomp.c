/*
 * seccomp.c: filters of system calls, for seccomp(2).
 *
 * In:  a list of calls as `strace -e trace=` takes it, what comes of those that may not be.
 * Out: classic BPF over struct seccomp_data, written in some form, or put on this thread.
 *
 * A number means a call of one architecture alone: calls of another one end the process. Those of
 * x32, which have numbers of their own on x86-64, are never allowed.
 */
#include "filter/filter.h"
#include "session/classic.h"
#include "strace/strace.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define NUMBER_OFF 0 /* of struct seccomp_data */
#define ARCH_OFF   4
#define X32        0x40000000u
#define LOAD       (BPF_LD | BPF_W | BPF_ABS)

struct making {
	struct strace *s;
	struct arena arena;
	jmp_buf escape;
	struct waggle_seccomp how;
	struct diag diag;
	struct buf out;
	vec(struct cbpf_insn) insns;
};

static int choose(struct making *m)
{
	struct utsname machine;
	const char *wrong = "";

	uname(&machine);
	m->s->arch = arch_find(machine.machine);
	if (!m->s->arch)
		return diag_fail(&m->diag, -EOPNOTSUPP, NULL, "system calls of %s are not known",
				 machine.machine);
	if (strace_table(m->s, NULL))
		return diag_fail(&m->diag, -EINVAL, NULL, "the table of system calls is wrong");
	if (!*m->how.calls)
		return diag_fail(&m->diag, -EINVAL, "`none` and `all` are lists",
				 "the list of system calls is empty");
	if (strace_choose(m->s, m->how.calls, m->s->traced, &wrong))
		return diag_fail(&m->diag, -EINVAL,
				 "names, %file, %desc, %memory, %network, %signal, %process, "
				 "%creds, %clock, %pure, /REGEX, with commas between",
				 "there is no system call '%.*s'", (int)strcspn(wrong, ","), wrong);
	return 0;
}

static void put(struct making *m, u16 code, u8 jt, u8 jf, u32 k)
{
	vec_push(&m->arena, &m->insns, (struct cbpf_insn){code, jt, jf, k});
}

/* In front of the list: of this architecture, and not of x32. */
static void put_front(struct making *m)
{
	put(m, LOAD, 0, 0, ARCH_OFF);
	put(m, BPF_JMP | BPF_JEQ, 1, 0, m->s->arch->audit);
	put(m, CBPF_RET, 0, 0, SECCOMP_RET_KILL_PROCESS);
	put(m, LOAD, 0, 0, NUMBER_OFF);
	put(m, BPF_JMP | BPF_JGE, 0, 1, X32);
	put(m, CBPF_RET, 0, 0, m->how.action);
}

static int build(struct making *m)
{
	u32 numbers[NATIVE_CALLS], n = 0, yes = SECCOMP_RET_ALLOW, no = m->how.action;
	struct filter f;
	int err;

	for (u32 i = 0; i < NATIVE_CALLS; i++)
		if (m->s->traced[i])
			numbers[n++] = i;
	err = filter_numbers(&f, &m->arena, NUMBER_OFF, numbers, n, &m->diag);
	if (err)
		return err;
	if (m->how.deny) {
		yes = no;
		no = SECCOMP_RET_ALLOW;
	}
	put_front(m);
	vec_each (in, &f.insns) {
		if (in == f.insns.v && in->code == LOAD) /* A has it */
			continue;
		vec_push(&m->arena, &m->insns, *in);
		if (in->code == CBPF_RET)
			m->insns.v[m->insns.n - 1].k = in->k ? yes : no;
	}
	return 0;
}

static int check(struct making *m)
{
	struct cbpf_wrong wrong;

	if (!cbpf_check(m->insns.v, m->insns.n, &wrong))
		return 0;
	return diag_fail(&m->diag, -EINVAL, NULL, "instruction %u: %s", wrong.insn, wrong.text);
}

static int apply(struct making *m)
{
	struct {
		u16 n;
		const struct cbpf_insn *v;
	} program = {(u16)m->insns.n, m->insns.v};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return diag_fail(&m->diag, -errno, NULL, "the kernel does not take the filter: %s",
				 strerror(errno));
	return 0;
}

/* Who puts a filter on a process does so in front of a program. */
static int may_run(struct making *m)
{
	s64 number = arch_call_number(m->s->arch, "execve");

	if (number < 0 || m->s->traced[number] != m->how.deny)
		return 0;
	return diag_fail(&m->diag, -EINVAL, m->how.deny ? NULL : "add execve to the list",
			 "no command can be run: execve would not be allowed");
}

static int make(struct making *m, const char *format)
{
	int err;

	m->arena.escape = &m->escape;
	if (setjmp(m->escape))
		return diag_fail(&m->diag, -ENOMEM, NULL, "out of memory");
	err = choose(m);
	if (!err)
		err = build(m);
	if (!err)
		err = check(m);
	if (!err && !format)
		err = may_run(m);
	if (err)
		return err;
	if (!format)
		return apply(m);
	return classic_put(&m->out, &m->arena, m->insns.v, m->insns.n, format, &m->diag);
}

int waggle_seccomp(const struct waggle_seccomp *how, const char *format,
		   const struct waggle_opts *opts)
{
	struct making m = {.s = calloc(1, sizeof(*m.s))};
	struct waggle_opts o;
	int err = opts_copy(&o, opts);

	if (!m.s || err) {
		free(m.s);
		return err ? err : -ENOMEM;
	}
	memcpy(&m.how, how, MIN(how->sz, sizeof(m.how)));
	m.diag = (struct diag){.fn = o.diag, .user = o.user};
	err = make(&m, format);
	err = opts_give(&o, &m.out, err);
	arena_free(&m.arena);
	free(m.s);
	return err;
}
