/*
 * help_task.c: helpers about the task that a run is about, and about the machine under it.
 *
 * The host says which task that is; without a host it is our own.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vm/help.h"

const struct vm_task *help_task(struct vm_run *run, struct vm_task *own)
{
	const struct vm_task *task = run->host->task ? run->host->task(run) : NULL;

	if (task)
		return task;
	*own = (struct vm_task){.pid = (u32)getpid(),
				.tid = (u32)syscall(SYS_gettid),
				.uid = getuid(),
				.gid = getgid()};
	prctl(PR_GET_NAME, own->comm);
	return own;
}

HELPER_FN(help_pid_tgid)
{
	struct vm_task own;
	const struct vm_task *t = help_task(run, &own);

	UNUSED_ARGS;
	return (u64)t->pid << 32 | t->tid;
}

HELPER_FN(help_uid_gid)
{
	struct vm_task own;
	const struct vm_task *t = help_task(run, &own);

	UNUSED_ARGS;
	return (u64)t->gid << 32 | t->uid;
}

HELPER_FN(help_comm)
{
	struct vm_task own;
	const struct vm_task *t = help_task(run, &own);
	u32 size = (u32)b, n = (u32)strnlen(t->comm, sizeof(t->comm) - 1);
	char *to = pointer(a);

	UNUSED_ARGS;
	if (!size)
		return (u64)-EINVAL;
	n = MIN(n, size - 1);
	memset(to, 0, size);
	memcpy(to, t->comm, n);
	return 0;
}

HELPER_FN(help_cgroup)
{
	struct vm_task own;

	UNUSED_ARGS;
	return help_task(run, &own)->cgroup;
}

/* The host says it before each run. */
HELPER_FN(help_cookie)
{
	UNUSED_ARGS;
	return run->cookie;
}

/* What the kernel writes: struct bpf_pidns_info. */
HELPER_FN(help_ns_pid_tgid)
{
	struct stat st;
	struct vm_task own;
	const struct vm_task *t;
	u32 numbers[2] = {0};

	UNUSED_ARGS;
	memset(pointer(c), 0, (u32)d);
	if ((u32)d != sizeof(numbers))
		return (u64)-EINVAL;
	/* Numbers are those of our own PID namespace: no other can be asked about. */
	if (stat("/proc/self/ns/pid", &st) < 0 || a != st.st_dev || b != st.st_ino)
		return (u64)-EINVAL;
	t = help_task(run, &own);
	numbers[0] = t->tid;
	numbers[1] = t->pid;
	memcpy(pointer(c), numbers, sizeof(numbers));
	return 0;
}

HELPER_FN(help_cpu)
{
	UNUSED_ARGS;
	return run->cpu;
}

/* The CPUs of the machine are numbers that the caller gave; they lie in one node. */
HELPER_FN(help_numa)
{
	UNUSED_ARGS;
	return 0;
}

/* xorshift64*; each run has a state of its own. */
HELPER_FN(help_random)
{
	u64 x = run->random;

	UNUSED_ARGS;
	if (!x)
		x = address_of(run) ^ (u64)getpid() << 32 ^ (u64)help_ktime(0, 0, 0, 0, 0, run);
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	run->random = x;
	return (u32)(x * 0x2545f4914f6cdd1dull >> 32);
}

static u64 send(struct vm_run *run, u32 sig, bool thread)
{
	if (!run->host->send_signal)
		return (u64)-EOPNOTSUPP;
	if (sig > 64)
		return (u64)-EINVAL;
	return (u64)(s64)run->host->send_signal(run, sig, thread);
}

HELPER_FN(help_send_signal)
{
	UNUSED_ARGS;
	return send(run, (u32)a, false);
}

HELPER_FN(help_send_signal_thread)
{
	UNUSED_ARGS;
	return send(run, (u32)a, true);
}
