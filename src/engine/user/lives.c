/*
 * lives.c: what the records of new tasks and of waits say, read from the calls that made them.
 *
 * In:  a task at its call. Out: the flags that clone(2) was given, the process that is waited for;
 *      as the kernel's tracepoints task:task_newtask and sched:sched_process_wait have them.
 */
#include "engine/user/user.h"

#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define CS_32 0x23 /* a program of 32 bits, whose calls have other numbers */

/* ---- clone(2) and its kin */

enum birth { BIRTH_FORK, BIRTH_VFORK, BIRTH_CLONE, BIRTH_CLONE3 };
static const struct {
	u16 nr, nr32;
	u8 birth;
} births[] = {
	{SYS_fork, 2, BIRTH_FORK},
	{SYS_vfork, 190, BIRTH_VFORK},
	{SYS_clone, 120, BIRTH_CLONE},
	{SYS_clone3, 435, BIRTH_CLONE3},
};

u64 clone_flags_of(struct tracer *t, struct task *task)
{
	const struct user_regs_struct *r = task_regs(t, task);
	bool narrow = r && r->cs == CS_32;
	u32 i = 0;
	u64 flags;

	while (r && i < ARRAY_SIZE(births) &&
	       r->orig_rax != (narrow ? births[i].nr32 : births[i].nr))
		i++;
	if (!r || i == ARRAY_SIZE(births))
		return 0;
	flags = narrow ? (u32)r->rbx : r->rdi;
	switch (births[i].birth) {
	case BIRTH_FORK: return 0;
	case BIRTH_VFORK: return CLONE_VFORK | CLONE_VM;
	case BIRTH_CLONE: flags = (u32)flags & ~(u64)CSIGNAL; break;
	default:
		if (task_read(task, &flags, sizeof(flags), flags))
			flags = 0;
	}
	return task->untraced ? flags | CALL_UNTRACED : flags; /* stops.c has taken it away */
}

/* ---- wait4(2), waitid(2) */

#define WAIT_FLAGS ((u64)(WNOHANG | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))

static u32 process_of(s32 pid)
{
	return kill(pid, 0) && errno == ESRCH ? 0 : (u32)pid;
}

static u32 group_of(s32 group)
{
	return kill(-group, 0) && errno == ESRCH ? 0 : (u32)group;
}

static u32 own_group(const struct task *task)
{
	s32 group = getpgid((pid_t)task->tid);

	return group < 0 ? 0 : (u32)group;
}

static u32 pidfd_of(const struct task *task, s32 fd)
{
	char path[64], line[128];
	long pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/fdinfo/%d", task->tid, fd);
	f = fopen(path, "re");
	while (f && !pid && fgets(line, sizeof(line), f))
		if (!strncmp(line, "Pid:", 4))
			pid = strtol(line + 4, NULL, 10);
	if (f)
		fclose(f);
	return pid > 0 ? (u32)pid : 0;
}

static bool wait4_of(const struct task *task, s32 pid, u64 flags, u32 *target)
{
	if (flags & ~(WAIT_FLAGS | WUNTRACED) || pid == INT_MIN)
		return false;
	*target = pid == -1 ? 0
		  : pid < 0 ? group_of(-pid)
		  : pid     ? process_of(pid)
			    : own_group(task);
	return true;
}

static bool waitid_of(const struct task *task, u32 which, s32 id, u64 flags, u32 *target)
{
	const u64 what = WEXITED | WSTOPPED | WCONTINUED;

	if (flags & ~(WAIT_FLAGS | what | WNOWAIT) || !(flags & what))
		return false;
	switch (which) {
	case P_ALL: *target = 0; return true;
	case P_PID: *target = id > 0 ? process_of(id) : 0; return id > 0;
	case P_PGID: *target = id > 0 ? group_of(id) : own_group(task); return id >= 0;
	case P_PIDFD: *target = pidfd_of(task, id); return *target;
	default: return false;
	}
}

bool wait_target(const struct task *task, u64 nr, const u64 args[6], u32 *target)
{
	if (nr == SYS_wait4)
		return wait4_of(task, (s32)args[0], (u32)args[2], target);
	return nr == SYS_waitid &&
	       waitid_of(task, (u32)args[0], (s32)args[1], (u32)args[3], target);
}
