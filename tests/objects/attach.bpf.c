/* attach.bpf.c: programs that say where they belong: see target.c. run: no. gcc: no */
#include "common.h"

struct count {
	__u64 calls, returns;
	char comm[16];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8);
	__type(key, char[8]);
	__type(value, __u64);
} counts SEC(".maps");
int sum;

static __always_inline int is_target(void)
{
	char comm[16];

	return !bpf_get_current_comm(comm, sizeof(comm)) && comm[0] == 'o' && comm[3] == 't' &&
	       comm[8] == 't' && !comm[9];
}

static __noinline void add(const char *what)
{
	__u64 one = 1, *n;
	char key[8] = {};

	__builtin_memcpy(key, what, 4);
	n = bpf_map_lookup_elem(&counts, key);
	if (n)
		*n += 1;
	else
		bpf_map_update_elem(&counts, key, &one, BPF_ANY);
}

SEC("tracepoint/syscalls/sys_enter_getppid") int enter(void *ctx)
{
	if (is_target())
		add("tp  ");
	return 0;
}

SEC("raw_tp/sys_exit") int leave(struct bpf_raw_tracepoint_args *ctx)
{
	if (is_target() && *(long *)(ctx->args + 1) == 0x7fffffff) /* never */
		add("raw ");
	return 0;
}

SEC("uprobe/./objtarget:touched") int touch(void *ctx)
{
	add("up  ");
	__sync_fetch_and_add(&sum, 1);
	return 0;
}

SEC("uretprobe/./objtarget:touched") int touched(void *ctx)
{
	add("ret ");
	return 0;
}

SEC("?kprobe/nobody_has_this_function") int optional(void *ctx)
{
	return 0;
}
