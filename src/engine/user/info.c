/*
 * info.c: what the machine asks about the task that a program is about.
 *
 * In:  /proc, the task's memory and registers. Out: numbers, names, memory, stacks.
 *
 * What /proc says is kept until a call or an exec of the task may have changed it.
 */
#include "engine/user/user.h"

#include "object/object.h"
#include "symbol/unwind.h"
#include "vm/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* The file of a task as a string; how long it is, 0: it cannot be read. */
static size_t read_file(u32 tid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, out, size - 1);
	if (fd >= 0)
		close(fd);
	out[MAX(n, 0)] = 0;
	return (size_t)MAX(n, 0);
}

/* A name of up to 15 bytes, in which there may be any, and the end of the line. */
static void read_comm(u32 tid, char comm[16])
{
	char text[32] = "";
	size_t n = read_file(tid, "comm", text, sizeof(text));

	memset(comm, 0, 16);
	memcpy(comm, text, MIN(n - (n > 0), (size_t)15));
}

/* The first number of a line of /proc/TID/status. */
static u32 number_of(const char *status, const char *name)
{
	const char *p = strstr(status, name);

	return p ? (u32)strtoul(p + strlen(name), NULL, 10) : 0;
}

static u64 read_cgroup(u32 tid)
{
	u64 ids[CGROUPS_MOST];

	return cgroup_chain(tid, ids) ? ids[0] : 0;
}

static void read_info(const struct tracer *t, struct task *task)
{
	struct vm_task *vm = &task->info.vm;
	char text[4096];

	if (!task->tgid || t->plan->needs_ids) {
		read_file(task->tid, "status", text, sizeof(text));
		task->tgid = number_of(text, "\nTgid:");
		vm->uid = number_of(text, "\nUid:");
		vm->gid = number_of(text, "\nGid:");
	}
	if (!task->tgid)
		task->tgid = task->tid;
	read_comm(task->tid, vm->comm);
	vm->pid = task->tgid;
	vm->tid = task->tid;
	if (t->plan->needs_cgroup)
		vm->cgroup = read_cgroup(task->tid);
	task->info.known = true;
}

const struct vm_task *info_of(struct tracer *t, struct task *task)
{
	if (!task->info.known)
		read_info(t, task);
	return &task->info.vm;
}

u32 info_tgid(struct task *task)
{
	char text[4096];

	if (!task->tgid) {
		read_file(task->tid, "status", text, sizeof(text));
		task->tgid = number_of(text, "\nTgid:");
	}
	return task->tgid ? task->tgid : task->tid;
}

static const struct vm_task *host_task(struct vm_run *run)
{
	struct tracer *t = run->user;

	if (t->current)
		return info_of(t, t->current);
	if (!t->self.pid)
		info_self(&t->self);
	return &t->self;
}

static u32 host_cgroups(struct vm_run *run, u64 *ids)
{
	return cgroup_chain(host_task(run)->tid, ids);
}

/* Of BEGIN, END and intervals: ourselves. */
void info_self(struct vm_task *vm)
{
	u32 self = (u32)getpid();

	*vm = (struct vm_task){.pid = self,
			       .tid = (u32)syscall(SYS_gettid),
			       .uid = getuid(),
			       .gid = getgid(),
			       .cgroup = read_cgroup(self)};
	read_comm(self, vm->comm);
}

/* ---- memory */

int task_read(const struct task *task, void *to, u32 size, u64 from)
{
	struct iovec here = {to, size}, there = {(void *)(uintptr_t)from, size};
	ssize_t n = process_vm_readv((pid_t)task->tid, &here, 1, &there, 1, 0);
	char path[64];
	int fd;

	if (n == (ssize_t)size)
		return 0;
	if (n >= 0 || (errno != ENOSYS && errno != EPERM))
		return -EFAULT;
	snprintf(path, sizeof(path), "/proc/%u/mem", task->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : pread(fd, to, size, (off_t)from);
	if (fd >= 0)
		close(fd);
	return n == (ssize_t)size ? 0 : -EFAULT;
}

static int host_read(struct vm_run *run, void *to, u32 size, u64 from)
{
	struct tracer *t = run->user;

	return t->current ? task_read(t->current, to, size, from) : -EFAULT;
}

static int host_write(struct vm_run *run, u64 to, const void *from, u32 size)
{
	struct tracer *t = run->user;
	struct iovec here = {(void *)(uintptr_t)from, size}, there = {(void *)(uintptr_t)to, size};

	return t->current && process_vm_writev((pid_t)t->current->tid, &here, 1, &there, 1, 0) ==
				       (ssize_t)size
		       ? 0
		       : -EFAULT;
}

/* ---- registers and stacks */

struct user_regs_struct *task_regs(struct tracer *t, struct task *task)
{
	if (t->regs_of == task)
		return &t->regs;
	if (sys_trace(PTRACE_GETREGS, task->tid, 0, (u64)(uintptr_t)&t->regs) < 0)
		return NULL;
	t->regs_of = task;
	return &t->regs;
}

/* At a function's entry, where the caller's frame pointer
 * is still there, the return address lies on top of the stack. */
static int host_stack(struct vm_run *run, u64 *frames, u32 most, u32 skip)
{
	struct tracer *t = run->user;
	const struct user_regs_struct *r = t->current ? task_regs(t, t->current) : NULL;
	struct vm_walk w = {.frames = frames, .most = most, .skip = skip};
	u64 caller;

	if (!r)
		return -EFAULT;
	vm_walk_add(&w, r->rip);
	if (t->at_entry && !task_read(t->current, &caller, sizeof(caller), r->rsp))
		vm_walk_add(&w, caller);
	vm_walk_callers(&w, run, r->rbp);
	return (int)w.n;
}

static int read_word(void *user, u64 from, u64 *word)
{
	return task_read(user, word, sizeof(*word), from);
}

static int host_unwind(struct vm_run *run, u64 *frames, u32 most, u32 skip)
{
	struct tracer *t = run->user;
	const struct user_regs_struct *r = t->current ? task_regs(t, t->current) : NULL;
	u64 all[STACK_FRAMES];
	u32 n;

	if (!t->unwinder)
		t->unwinder = unwinder_new();
	if (!r || !t->unwinder)
		return -EFAULT;
	n = unwind(t->unwinder, info_tgid(t->current),
		   (struct unwind_regs){r->rip, r->rsp, r->rbp, .inner = (const u64 *)r}, all,
		   MIN(most + skip, (u32)STACK_FRAMES), read_word, t->current);
	n -= MIN(skip, n);
	memcpy(frames, all + skip, n * sizeof(*frames));
	return (int)n;
}

static int host_signal(struct vm_run *run, u32 sig, bool thread)
{
	struct tracer *t = run->user;
	const struct vm_task *task = host_task(run);
	long r;

	if (!t->current)
		return -ESRCH;
	r = thread ? syscall(SYS_tgkill, task->pid, task->tid, sig)
		   : kill((pid_t)task->pid, (int)sig);
	return r < 0 ? -errno : 0;
}

void info_init(struct tracer *t)
{
	t->host = (struct vm_host){
		.task = host_task,
		.cgroups = host_cgroups,
		.read_user = host_read,
		.write_user = host_write,
		.user_stack = host_stack,
		.user_unwind = host_unwind,
		.send_signal = host_signal,
		.perf_output = perf_output,
	};
}

/* ---- for the records of events */

/* What execve(2) was given: the kernel leaves the name on the new stack. */
void info_exec_path(struct task *task, char *out, size_t size)
{
	char path[64];
	u64 entry[2] = {0};
	int fd;

	*out = 0;
	snprintf(path, sizeof(path), "/proc/%u/auxv", task->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (read(fd, entry, sizeof(entry)) == sizeof(entry) && entry[0] && entry[0] != 31)
		; /* AT_EXECFN */
	close(fd);
	if (entry[0] != 31)
		return;
	for (size_t n = size - 1; n; n /= 2) /* it stands near the end of the stack */
		if (!task_read(task, out, (u32)n, entry[1])) {
			out[n] = 0;
			return;
		}
}

/* The kernel's own numbers: 120 is nice 0. */
u32 info_priority(const struct task *task)
{
	char text[1024], *p;
	long priority = 20;

	read_file(task->tid, "stat", text, sizeof(text));
	p = strrchr(text, ')');
	for (u32 i = 0; p && i < 16; i++) /* field 18; the name is the second */
		p = strchr(p + 1, ' ');
	if (p)
		priority = strtol(p, NULL, 10);
	return (u32)(priority + 100);
}

s32 info_oom_score(const struct task *task)
{
	char text[32];

	read_file(task->tid, "oom_score_adj", text, sizeof(text));
	return (s32)strtol(text, NULL, 10);
}

bool info_signal_pending(const struct task *task, u32 sig)
{
	char text[4096], *p;

	read_file(task->tid, "status", text, sizeof(text));
	p = strstr(text, "\nSigPnd:");
	return p && strtoull(p + 8, NULL, 16) >> (sig - 1) & 1;
}

bool info_runs(const struct task *task)
{
	char text[1024], *p;

	read_file(task->tid, "stat", text, sizeof(text));
	p = strrchr(text, ')');
	return p && p[1] && p[2] == 'R';
}
