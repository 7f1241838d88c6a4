/* ticks.bpf.c: timers of a traced program: the kernel takes none of these, the user engine does. run: no. gcc: no. libbpf: no */
#include "common.h"

struct timed {
	struct bpf_timer timer;
	__u64 n, pid;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct timed);
} timers SEC(".maps");
__u64 started, read_anything = 1, signalled;

/* Three times; then it belongs to nobody: there is no memory to read and nobody to signal. */
static int tick(void *map, int *key, struct timed *v)
{
	char byte;

	v->pid = bpf_get_current_pid_tgid() != 0;
	read_anything = bpf_probe_read_user(&byte, 1, (void *)0x1000) == 0;
	signalled = bpf_send_signal(9) == 0;
	if (++v->n < 3)
		bpf_timer_start(&v->timer, 1000000, 0);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getppid") int enter(void *ctx)
{
	struct timed *v;
	int key = 0;

	v = bpf_map_lookup_elem(&timers, &key);
	if (!v)
		return 0;
	if (!started++) {
		bpf_timer_init(&v->timer, &timers, 1);
		bpf_timer_set_callback(&v->timer, tick);
		bpf_timer_start(&v->timer, 1000000, 0);
	}
	if (v->n == 3)
		bpf_send_signal(10); /* it may go */
	return 0;
}
