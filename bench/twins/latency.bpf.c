/* latency.bpf.c: a histogram of the time between enter and exit. */
#include "twin.h"

PERCPU_ARRAY(buckets, 66);
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} starts SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getppid")
int enter(struct enter *ctx)
{
	__u32 tid;
	__u64 now;

	if (!concerned())
		return 0;
	tid = (__u32)bpf_get_current_pid_tgid();
	now = bpf_ktime_get_boot_ns();
	bpf_map_update_elem(&starts, &tid, &now, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_getppid")
int leave(struct leave *ctx)
{
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	__u64 *start = bpf_map_lookup_elem(&starts, &tid);

	if (!start || !*start)
		return 0;
	hist_in(&buckets, (__s64)(bpf_ktime_get_boot_ns() - *start));
	bpf_map_delete_elem(&starts, &tid);
	return 0;
}
