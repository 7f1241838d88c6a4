/* table.bpf.c: constants, a map in a map and a program in an array, of a program that is attached:
 * see target.c. run: no. gcc: no */
#include "common.h"

const volatile __u64 table[16] = {10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
__u64 sum;
struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} inner SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {.values = {[1] = &inner}};
int second(void *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, int(void *));
} next SEC(".maps") = {.values = {[1] = (void *)&second}};

static __always_inline int is_target(void)
{
	char comm[16];

	return !bpf_get_current_comm(comm, sizeof(comm)) && comm[0] == 'o' && comm[3] == 't' &&
	       comm[8] == 't' && !comm[9];
}

/* Is nowhere called but through the array: getsid is not made. */
SEC("tracepoint/syscalls/sys_enter_getsid") int second(void *ctx)
{
	__u32 one = 1, zero = 0;
	void *map = bpf_map_lookup_elem(&outer, &one);
	__u64 *n = map ? bpf_map_lookup_elem(map, &zero) : 0;

	if (n)
		*n += 100;
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getppid") int first(void *ctx)
{
	if (!is_target())
		return 0;
	for (int i = 0; i < 10; i++)
		sum += table[i];
	bpf_tail_call(ctx, &next, 1);
	return 0;
}
