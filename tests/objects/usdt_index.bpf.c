/* usdt_index.bpf.c: the form that later versions of libbpf give to arguments of USDT probes: see
 * usdt.c. run: no. gcc: no. libbpf: no */
#include "common.h"

enum __bpf_usdt_arg_type { CONST, REG, REG_DEREF, SIB };
struct __bpf_usdt_arg_spec {
	__u64 val_off;
	enum __bpf_usdt_arg_type arg_type : 8;
	__u16 idx_reg_off : 12, scale_bitshift : 4;
	__u8 reserved;
	short reg_off;
	_Bool arg_signed;
	char arg_bitshift;
};
struct __bpf_usdt_spec {
	struct __bpf_usdt_arg_spec args[12];
	__u64 usdt_cookie;
	short arg_cnt;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, int);
	__type(value, struct __bpf_usdt_spec);
} __bpf_usdt_specs SEC(".maps");
long element, form;

SEC("usdt/./objusdt:objusdt:row") int row(void *ctx)
{
	int id = bpf_get_attach_cookie(ctx), value = 0;
	struct __bpf_usdt_spec *spec = bpf_map_lookup_elem(&__bpf_usdt_specs, &id);
	unsigned long base = 0, index = 0;

	if (!spec || spec->args[0].arg_type != SIB)
		return 0;
	form = spec->args[0].arg_type;
	bpf_probe_read_kernel(&base, sizeof(base), ctx + spec->args[0].reg_off);
	bpf_probe_read_kernel(&index, sizeof(index), ctx + spec->args[0].idx_reg_off);
	bpf_probe_read_user(&value, sizeof(value),
			    (void *)(base + spec->args[0].val_off +
				     (index << spec->args[0].scale_bitshift)));
	element = value;
	return 0;
}
