/*
 * show_bpf.c: bpf() and perf_event_open(): their attributes, field by field.
 */
#include "strace/strace.h"

/* ---- bpf() */

/* What each command takes, as in records.def. Fields behind the size that the call tells are not
 * there. */
static const struct {
	u32 first, last;
	const char *form;
	const char *rest; /* behind a number that the call changes, the last of form */
} commands[] = {
	{0, 0,
	 "{map_type=%o4:bpfmap;, key_size=%u4, value_size=%u4, max_entries=%u4, map_flags=%f4:bpfmapflags;, "
	 "inner_map_fd=%u4, map_name=%n16, map_ifindex=%u4, btf_fd=%u4, btf_key_type_id=%u4, "
	 "btf_value_type_id=%u4, btf_vmlinux_value_type_id=%u4, map_extra=%x8}", NULL},
	{1, 2, "{map_fd=%u4%_4;, key=%p8, value=%p8, flags=%o8:bpfelem;}", NULL},
	{21, 21, "{map_fd=%u4%_4;, key=%p8, value=%p8, flags=%o8:bpfelem;}", NULL},
	{3, 3, "{map_fd=%u4%_4;, key=%p8}", NULL},
	{4, 4, "{map_fd=%u4%_4;, key=%p8, next_key=%p8}", NULL},
	{5, 5,
	 "{prog_type=%o4:bpfprog;, insn_cnt=%u4, insns=%p8, license=%p8, log_level=%u4, "
	 "log_size=%u4, log_buf=%p8, kern_version=%v4, prog_flags=%u4, prog_name=%n16, "
	 "prog_ifindex=%u4, expected_attach_type=%o4:bpfattach;, prog_btf_fd=%u4, "
	 "func_info_rec_size=%u4, func_info=%p8, func_info_cnt=%u4, line_info_rec_size=%u4, "
	 "line_info=%p8, line_info_cnt=%u4, attach_btf_id=%u4, attach_prog_fd=%u4}", NULL},
	{6, 7, "{pathname=%p8, bpf_fd=%u4, file_flags=%u4}", NULL},
	{8, 8,
	 "{target_fd=%u4, attach_bpf_fd=%u4, attach_type=%o4:bpfattach;, attach_flags=%u4, "
	 "replace_bpf_fd=%u4}", NULL},
	{9, 9, "{target_fd=%u4%_4;, attach_type=%o4:bpfattach;}", NULL},
	{10, 10,
	 "{test={prog_fd=%u4, retval=%u4, data_size_in=%u4, data_size_out=%u4, data_in=%p8, "
	 "data_out=%p8, repeat=%u4, duration=%u4, ctx_size_in=%u4, ctx_size_out=%u4, ctx_in=%p8, "
	 "ctx_out=%p8, flags=%u4, cpu=%u4}}", NULL},
	{11, 12, "{start_id=%u4, next_id=%u4", ", open_flags=%@8;%u4}"},
	{13, 13, "{prog_id=%u4, next_id=%u4, open_flags=%u4}", NULL},
	{14, 14, "{map_id=%u4, next_id=%u4, open_flags=%u4}", NULL},
	{15, 15, "{info={bpf_fd=%u4, info_len=%u4, info=%p8}}", NULL},
	{16, 16,
	 "{query={target_fd=%u4, attach_type=%o4:bpfattach;, query_flags=%u4, attach_flags=%u4, "
	 "prog_ids=%p8, prog_cnt=%u4}}", NULL},
	{17, 17, "{raw_tracepoint={name=%p8, prog_fd=%u4}}", NULL},
	{18, 18, "{btf=%p8, btf_log_buf=%p8, btf_size=%u4, btf_log_size=%u4, btf_log_level=%u4}", NULL},
	{19, 19, "{btf_id=%u4}", NULL},
	{22, 22, "{map_fd=%u4}", NULL},
	{23, 23, "{start_id=%u4, next_id=%u4", ", open_flags=%@8;%u4}"},
	{28, 28,
	 "{link_create={prog_fd=%u4, target_fd=%u4, attach_type=%o4:bpfattach;, flags=%u4}}", NULL},
	{29, 29, "{link_update={link_fd=%u4, new_prog_fd=%u4, flags=%u4}}", NULL},
	{30, 30, "{link_id=%u4}", NULL},
	{31, 31, "{start_id=%u4, next_id=%u4", ", open_flags=%@8;%u4}"},
};

void show_kind_bpfattr(struct shown *c, const struct arg *a)
{
	u64 size = (u32)c->args[2], have = MIN(size, 256u);
	struct arg before = *a;
	const char *p, *late = c->done && c->ret >= 0 ? seen(c, a, ARG(c, a), have) : NULL;

	before.out = false;
	p = have && ARG(c, a) ? seen(c, &before, ARG(c, a), have) : NULL;
	for (u32 i = 0; p && i < ARRAY_SIZE(commands); i++)
		if (c->args[0] >= commands[i].first && c->args[0] <= commands[i].last) {
			show_form_within(c, commands[i].form, p, have);
			if (commands[i].rest && late && have >= 8 && memcmp(p + 4, late + 4, 4))
				show_form(c, " => %u4", late + 4);
			if (commands[i].rest)
				show_form_within(c, commands[i].rest, p, have);
			return;
		}
	show_address(c->out, ARG(c, a));
}

/* ---- perf_event_open() */

struct perf_attr {
	u32 type, size;
	u64 config, period, sample_type, read_format, bits;
};

static void perf_config(struct buf *b, const struct perf_attr *p)
{
	if (p->type == 0)
		one_of(b, "perfhw", p->config);
	else if (p->type == 1)
		one_of(b, "perfsw", p->config);
	else if (p->type == 2)
		buf_u64(b, p->config);
	else
		show_hex(b, p->config);
}

static void perf_bits(struct buf *b, u64 bits)
{
	static const char *const names[] = {"disabled",
					    "inherit",
					    "pinned",
					    "exclusive",
					    "exclude_user",
					    "exclude_kernel",
					    "exclude_hv",
					    "exclude_idle",
					    "mmap",
					    "comm",
					    "freq",
					    "inherit_stat",
					    "enable_on_exec",
					    "task",
					    "watermark",
					    "",
					    "",
					    "mmap_data",
					    "sample_id_all",
					    "exclude_host",
					    "exclude_guest",
					    "exclude_callchain_kernel",
					    "exclude_callchain_user",
					    "mmap2",
					    "comm_exec",
					    "use_clockid",
					    "context_switch",
					    "write_backward",
					    "namespaces",
					    "ksymbol",
					    "bpf_event",
					    "aux_output",
					    "cgroup",
					    "text_poke",
					    "build_id",
					    "inherit_thread",
					    "remove_on_exec",
					    "sigtrap"};
	static const char *const skid[] = {"arbitrary skid", "constant skid",
					   "requested to have 0 skid", "must have 0 skid"};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		if (i == 15)
			buf_printf(b, ", precise_ip=%u /* %s */", (u32)(bits >> 15 & 3),
				   skid[bits >> 15 & 3]);
		else if (i != 16 && bits >> i & 1)
			buf_printf(b, ", %s=1", names[i]);
	}
}

void show_kind_perfattr(struct shown *c, const struct arg *a)
{
	const struct perf_attr *p = show_memory(c, a, sizeof(*p));
	struct buf *b = c->out;

	if (!p)
		return;
	buf_puts(b, "{type=");
	one_of(b, "perftype", p->type);
	buf_puts(b, ", size=");
	if (p->size)
		one_of(b, "perfsize", p->size);
	else
		buf_puts(b, "0 /* PERF_ATTR_SIZE_??? */");
	buf_puts(b, ", config=");
	perf_config(b, p);
	buf_printf(b,
		   ", %s=%llu, sample_type=", p->bits >> 10 & 1 ? "sample_freq" : "sample_period",
		   (unsigned long long)p->period);
	flags_of(b, "perfsample", p->sample_type);
	buf_puts(b, ", read_format=");
	flags_of(b, "perfread", p->read_format);
	perf_bits(b, p->bits);
	buf_puts(b, ", ...}");
}
