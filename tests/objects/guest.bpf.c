/*
 * guest.bpf.c: programs for hooks that a development machine may not have: functions of the kernel, its
 * types, LSM. They count what a `sleep` does. run: no. gcc: no. libbpf: no, where they are refused
 */
#include "common.h"

#include <bpf/bpf_core_read.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, char[8]);
	__type(value, long);
} counts SEC(".maps");
struct task_struct {
	int tgid;
	char comm[16];
	float nobody_has_this; /* and no kernel before 5.13 knows such a type */
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));
int parent;

static __noinline int add(const char *what)
{
	char key[8] = {};
	long one = 1, *n;

	__builtin_memcpy(key, what, 4);
	n = bpf_map_lookup_elem(&counts, key);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&counts, key, &one, BPF_ANY);
	return 0;
}

SEC("kprobe/do_nanosleep") int enter(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();

	parent = BPF_CORE_READ(t, real_parent, tgid) > 0;
	return add("kp");
}

SEC("kretprobe/do_nanosleep") int leave(void *ctx)
{
	return add("krp");
}

SEC("fentry/do_nanosleep") int traced_enter(unsigned long long *ctx)
{
	return add("fen");
}

SEC("fexit/do_nanosleep") int traced_leave(unsigned long long *ctx)
{
	return add("fex");
}

SEC("tp_btf/sched_process_exec") int executed(unsigned long long *ctx)
{
	struct task_struct *t = (void *)ctx[0];

	return add(t->comm[0] == 's' ? "exs" : "exx");
}

SEC("raw_tp/sched_process_exit") int exited(void *ctx)
{
	return add("end");
}

SEC("lsm/file_open") int opened(unsigned long long *ctx)
{
	add("lsm");
	return 0;
}
