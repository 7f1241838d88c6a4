/* print.bpf.c: a record of three fields, submitted without a wake-up. */
#include "twin.h"

struct record {
	__u64 ns;
	__u32 pid;
	char comm[COMM];
	char path[1024];
};
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} events SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int print(struct enter *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct record *r;

	if (id >> 32 != target)
		return 0;
	r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);
	if (!r)
		return 0;
	r->ns = bpf_ktime_get_ns();
	r->pid = id >> 32;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	bpf_probe_read_user_str(r->path, sizeof(r->path), (void *)ctx->args[1]);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return 0;
}
