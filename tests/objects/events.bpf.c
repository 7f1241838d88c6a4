/* events.bpf.c: records in a ring and in a perf event array, with a type and without. run: no. gcc: no */
#include "common.h"

struct event {
	__u32 pid, n;
	char what[12];
};
const struct event *unused __attribute__((unused));
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");
int n, far, nowhere;

static __always_inline int is_target(void)
{
	char comm[16];

	return !bpf_get_current_comm(comm, sizeof(comm)) && comm[0] == 'o' && comm[3] == 't' &&
	       comm[8] == 't' && !comm[9];
}

SEC("tracepoint/syscalls/sys_enter_getppid") int enter(void *ctx)
{
	struct event e = {.pid = 7};
	long eight = 0x1122334455667788;

	if (!is_target())
		return 0;
	e.n = ++n;
	__builtin_memcpy(e.what, "getppid", 8);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &eight, 8);
	bpf_ringbuf_output(&ring, &eight, 8, 0);
	bpf_ringbuf_output(&ring, &eight, 4, 0);
	bpf_ringbuf_output(&ring, &e, sizeof(e), 0);
	far += bpf_perf_event_output(ctx, &events, 100000, &e, sizeof(e)) == -7;
	nowhere += bpf_perf_event_output(ctx, &events, 1ull << 60, &e, sizeof(e)) == -22;
	return 0;
}
