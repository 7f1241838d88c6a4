/*
 * core_read.bpf.c: loads from structs of the kernel, directly and by helpers; bitfields.
 * run: no, only a tracepoint has such structs. gcc: no
 */
#include "common.h"

#include <bpf/bpf_core_read.h>

#define FLEXIBLE __attribute__((preserve_access_index))
struct nsproxy___x {
	struct uts_namespace___x *uts_ns;
} FLEXIBLE;
struct new_utsname___x {
	char sysname[65], nodename[65];
} FLEXIBLE;
struct uts_namespace___x {
	struct new_utsname___x name;
} FLEXIBLE;
struct task_struct {
	unsigned pid; /* int there: bpf_core_read() of it */
	int tgid;
	char comm[16];
	unsigned sched_reset_on_fork : 1, in_execve : 1;
	struct task_struct *real_parent, *group_leader;
	struct nsproxy___x *nsproxy;
	unsigned long long start_time;
	unsigned long flags; /* narrower there */
	int prio;
} FLEXIBLE;

long got[8];
char name[65];

SEC("tp_btf/sched_switch") int on_switch(unsigned long long *ctx)
{
	struct task_struct *prev = (void *)ctx[1], *next = (void *)ctx[2];

	got[0] = prev->tgid;
	got[1] = prev->real_parent->tgid;
	got[2] = next->start_time;
	got[3] = BPF_CORE_READ_BITFIELD(prev, sched_reset_on_fork);
	got[4] = BPF_CORE_READ_BITFIELD_PROBED(next, in_execve);
	got[5] = prev->flags;
	got[6] = BPF_CORE_READ(next, group_leader, real_parent, prio);
	bpf_core_read_str(name, sizeof(name), prev->nsproxy->uts_ns->name.nodename);
	got[7] = prev->comm[3];
	return 0;
}
