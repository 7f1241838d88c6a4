/*
 * show_bpf.c: bpf() and perf_event_open(): their attributes, field by field.
 */
#include "strace/strace.h"

/* ---- bpf() */

/*
 * Fields of each command, one behind the other: NAME:SIZE, with "p" for an address, "n" for a name
 * of 16 bytes, "v" for a kernel's version, "=SET" for a word of a set. "+" opens a structure. Those
 * behind the size that the call tells are not there.
 */
static const struct {
	u32 first, last;
	const char *fields;
} commands[] = {
	{0, 0,
	 "map_type:4=bpfmap key_size:4 value_size:4 max_entries:4 map_flags:4 inner_map_fd:4 "
	 "map_name:n map_ifindex:4 btf_fd:4 btf_key_type_id:4 btf_value_type_id:4"},
	{1, 2, "map_fd:4 -:4 key:p value:p flags:8=bpfelem"},
	{21, 21, "map_fd:4 -:4 key:p value:p flags:8=bpfelem"},
	{3, 3, "map_fd:4 -:4 key:p"},
	{4, 4, "map_fd:4 -:4 key:p next_key:p"},
	{5, 5,
	 "prog_type:4=bpfprog insn_cnt:4 insns:p license:p log_level:4 log_size:4 log_buf:p "
	 "kern_version:v prog_flags:4 prog_name:n prog_ifindex:4 expected_attach_type:4=bpfattach "
	 "prog_btf_fd:4 func_info_rec_size:4 func_info:p func_info_cnt:4 line_info_rec_size:4 "
	 "line_info:p line_info_cnt:4 attach_btf_id:4 attach_prog_fd:4"},
	{6, 7, "pathname:p bpf_fd:4 file_flags:4"},
	{8, 8,
	 "target_fd:4 attach_bpf_fd:4 attach_type:4=bpfattach attach_flags:4 replace_bpf_fd:4"},
	{9, 9, "target_fd:4 -:4 attach_type:4=bpfattach"},
	{10, 10,
	 "+test prog_fd:4 retval:4 data_size_in:4 data_size_out:4 data_in:p data_out:p repeat:4 "
	 "duration:4 ctx_size_in:4 ctx_size_out:4 ctx_in:p ctx_out:p flags:4 cpu:4"},
	{11, 12, "start_id:4 next_id:4 open_flags:4"},
	{13, 13, "prog_id:4 next_id:4 open_flags:4"},
	{14, 14, "map_id:4 next_id:4 open_flags:4"},
	{15, 15, "+info bpf_fd:4 info_len:4 info:p"},
	{16, 16,
	 "+query target_fd:4 attach_type:4=bpfattach query_flags:4 attach_flags:4 prog_ids:p "
	 "prog_cnt:4"},
	{17, 17, "+raw_tracepoint name:p prog_fd:4"},
	{18, 18, "btf:p btf_log_buf:p btf_size:4 btf_log_size:4 btf_log_level:4"},
	{19, 19, "btf_id:4"},
	{22, 22, "map_fd:4"},
	{23, 23, "start_id:4 next_id:4 open_flags:4"},
	{28, 28, "+link_create prog_fd:4 target_fd:4 attach_type:4=bpfattach flags:4"},
	{29, 29, "+link_update link_fd:4 new_prog_fd:4 flags:4"},
	{30, 30, "link_id:4"},
	{31, 31, "start_id:4 next_id:4 open_flags:4"},
};

static u32 bytes_of(char kind)
{
	return kind == 'n' ? 16 : kind == 'p' || kind == '8' ? 8 : 4;
}

static void show_field(struct shown *c, const char *kind, const char *at)
{
	struct buf *b = c->out;
	u64 v = 0;

	memcpy(&v, at, kind[0] == 'p' || kind[0] == '8' ? 8 : 4);
	if (kind[1] == '=') {
		const struct flag_set *set = strace_set(kind + 2, strcspn(kind + 2, " "));

		show_one(b, set, v);
	} else if (kind[0] == 'p') {
		show_address(b, v);
	} else if (kind[0] == 'n') {
		show_bytes(c, at, strnlen(at, 16), 0, false, 16);
	} else if (kind[0] == 'v') {
		buf_printf(b, "KERNEL_VERSION(%u, %u, %u)", (u32)v >> 16, (u32)v >> 8 & 0xff,
			   (u32)v & 0xff);
	} else {
		buf_u64(b, v);
	}
}

static void show_fields(struct shown *c, const char *f, const char *at, u64 size)
{
	struct buf *b = c->out;
	u32 off = 0;
	bool some = false, nested = *f == '+';

	buf_char(b, '{');
	if (nested) {
		buf_add(b, f + 1, strcspn(f + 1, " "));
		buf_puts(b, "={");
		f += strcspn(f, " ") + 1;
	}
	for (size_t n; *f; f += n + strspn(f + n, " ")) {
		const char *kind = strchr(f, ':') + 1;
		u32 bytes = bytes_of(*kind);

		n = strcspn(f, " ");
		if (off + bytes > size)
			break;
		if (*f != '-') {
			buf_puts(b, some ? ", " : "");
			buf_add(b, f, (size_t)(kind - 1 - f));
			buf_char(b, '=');
			show_field(c, kind, at + off);
			some = true;
		}
		off += bytes;
	}
	buf_puts(b, nested ? "}}" : "}");
}

void show_kind_bpfattr(struct shown *c, const struct arg *a)
{
	u64 size = (u32)c->args[2], have = MIN(size, 256u);
	const char *p = have && ARG(c, a) ? seen(c, a, ARG(c, a), have) : NULL;

	for (u32 i = 0; p && i < ARRAY_SIZE(commands); i++)
		if (c->args[0] >= commands[i].first && c->args[0] <= commands[i].last) {
			show_fields(c, commands[i].fields, p, have);
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
