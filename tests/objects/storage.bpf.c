/* storage.bpf.c: values that tasks have, of their own and of their process. run: no. gcc: no */
#include "common.h"

struct task_struct {
	int pid;
	struct task_struct *group_leader;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} calls SEC(".maps"), calls_of_process SEC(".maps");

__u64 times[8], times_of_process[8]; /* how often a call was the nth of its task */
int deleted, gone, nobody;

static __always_inline int is_target(void)
{
	char comm[16];

	return !bpf_get_current_comm(comm, sizeof(comm)) && comm[0] == 'o' && comm[3] == 't' &&
	       comm[7] == 's' && !comm[8];
}

static __always_inline void count(void *map, struct task_struct *task, __u64 *times)
{
	__u64 *n = bpf_task_storage_get(map, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (n)
		__sync_fetch_and_add(&times[++*n & 7], 1);
}

SEC("tracepoint/syscalls/sys_enter_getppid") int enter(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	if (!is_target())
		return 0;
	count(&calls, task, times);
	count(&calls_of_process, task->group_leader, times_of_process);
	return 0;
}

/* The last of each process: what it had goes. */
SEC("tracepoint/syscalls/sys_enter_exit_group") int leave(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();

	if (!is_target())
		return 0;
	__sync_fetch_and_add(&deleted, !bpf_task_storage_delete(&calls, task));
	__sync_fetch_and_add(&gone, bpf_task_storage_delete(&calls, task) == -2);
	__sync_fetch_and_add(&nobody, !bpf_task_storage_get(&calls, task, 0, 0));
	return 0;
}
