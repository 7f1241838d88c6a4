/* walk.bpf.c: count by a field two pointers away from the current task. */
#include "twin.h"

#include <bpf/bpf_core_read.h>

struct task_struct {
	struct task_struct *real_parent;
	int tgid;
} __attribute__((preserve_access_index));

PERCPU_HASH(counts, __u64);

SEC("tracepoint/syscalls/sys_enter_getppid")
int walk(struct enter *ctx)
{
	struct task_struct *task;
	__u64 tgid;

	if (!concerned())
		return 0;
	task = (void *)bpf_get_current_task();
	tgid = BPF_CORE_READ(task, real_parent, tgid);
	count_in(&counts, &tgid);
	return 0;
}
