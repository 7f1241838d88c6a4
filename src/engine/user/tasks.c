/*
 * tasks.c: the traced tasks, by their number.
 */
#include "engine/user/probes.h"

#include <stddef.h>
#include <stdlib.h>

static struct task **bucket_of(struct tracer *t, u32 tid)
{
	return &t->tasks[tid % TASK_BUCKETS];
}

struct task *task_find(struct tracer *t, u32 tid)
{
	struct task *task = *bucket_of(t, tid);

	while (task && task->tid != tid)
		task = task->next;
	return task;
}

struct task *task_add(struct tracer *t, u32 tid)
{
	struct task *task = task_find(t, tid), **at = bucket_of(t, tid);

	if (task)
		return task;
	task = calloc(1, sizeof(*task));
	if (!task)
		return NULL;
	task->tid = tid;
	task->next = *at;
	*at = task;
	t->ntasks++;
	return task;
}

void task_drop(struct tracer *t, u32 tid)
{
	struct task **at = bucket_of(t, tid), *task;

	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	task = *at;
	if (!task)
		return;
	*at = task->next;
	if (t->plan->keeps)
		vm_task_ended(t->run->vm, tid);
	probes_close(t, task);
	free(task);
	t->ntasks--;
}

void tasks_drop_others(struct tracer *t, const struct task *stays)
{
	for (u32 i = 0; i < TASK_BUCKETS; i++)
		for (struct task *task = t->tasks[i], *next; task; task = next) {
			next = task->next;
			if (task != stays && task->tgid == stays->tid)
				task_drop(t, task->tid);
		}
}

struct task *task_untold(struct tracer *t)
{
	for (u32 i = 0; i < TASK_BUCKETS; i++)
		for (struct task *task = t->tasks[i]; task; task = task->next)
			if (task->state == TASK_STOPPED && !task->told)
				return task;
	return NULL;
}

bool task_is_last(struct tracer *t, const struct task *task)
{
	for (u32 i = 0; i < TASK_BUCKETS; i++)
		for (struct task *o = t->tasks[i]; o; o = o->next)
			if (o != task && !o->leaves && info_tgid(o) == task->tgid)
				return false;
	return true;
}

void untraced_set(struct tracer *t, struct task *task, u64 flags)
{
	struct iovec here = {&flags, sizeof(flags)};
	struct iovec there = {(void *)(uintptr_t)task->untraced_at, sizeof(flags)};

	(void)t;
	if (task->untraced_at)
		process_vm_writev((pid_t)task->tid, &here, 1, &there, 1, 0);
	else
		sys_trace(PTRACE_POKEUSER, task->tid, offsetof(struct user_regs_struct, rdi),
			  flags);
}
