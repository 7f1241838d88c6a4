/* current.bpf.c: the task as the kernel's structure, read directly and by CO-RE. */
#include "common.h"

#include <bpf/bpf_core_read.h>

/* gcc: no */
/* prog: current */
/* context: 0000000000000000 */

struct task_struct {
	int pid, tgid;
	char comm[16];
	struct task_struct *real_parent, *group_leader;
} __attribute__((preserve_access_index));

int good[8];
char comm[16];

SEC("raw_tp")
int current(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct task_struct *b = (void *)bpf_get_current_task_btf();
	__u64 id = bpf_get_current_pid_tgid();
	int pid = (int)id, tgid = (int)(id >> 32);

	good[0] = BPF_CORE_READ(t, pid) == pid;
	good[1] = BPF_CORE_READ(t, tgid) == tgid;
	good[2] = BPF_CORE_READ(t, real_parent, tgid) > 0;
	good[3] = BPF_CORE_READ(t, real_parent, tgid) != tgid;
	good[4] = BPF_CORE_READ(t, group_leader, pid) == tgid;
	good[5] = b->pid == pid && b->tgid == tgid;
	good[6] = b->group_leader->pid == tgid;
	good[7] = b->real_parent->pid == BPF_CORE_READ(t, real_parent, pid);
	BPF_CORE_READ_STR_INTO(&comm, t, comm);
	return 0;
}
