/*
 * query.h: what BPF is on this machine: programs, maps, links and types by id, who holds them.
 *
 * Layouts are our own copy of include/uapi/linux/bpf.h; a field that the running kernel does not
 * know stays 0. Calls return 0, a descriptor or -errno, and report nothing.
 */
#ifndef QUERY_QUERY_H
#define QUERY_QUERY_H

#include "base/buf.h"
#include "isa/isa.h"

enum query_kind { QUERY_PROG, QUERY_MAP, QUERY_BTF, QUERY_LINK };

struct query_prog { /* struct bpf_prog_info */
	u32 type, id;
	u8 tag[8];
	u32 jited_len, xlated_len;
	u64 jited, xlated;
	u64 load_time; /* ns of CLOCK_BOOTTIME */
	u32 uid, nmaps;
	u64 maps; /* in: room for nmaps ids */
	char name[16];
	u32 ifindex, gpl;
	u64 netns_dev, netns_ino;
	u32 nksyms, nfunc_lens;
	u64 ksyms, func_lens;
	u32 btf, func_size;
	u64 funcs;
	u32 nfuncs, nlines;
	u64 lines, jited_lines;
	u32 njited_lines, line_size, jited_line_size, ntags;
	u64 tags;
	u64 run_ns, runs, missed; /* counted only while somebody has enabled it */
	u32 verified, attach_btf_object, attach_btf;
	u32 pad;
};
struct query_map { /* struct bpf_map_info */
	u32 type, id, key_size, value_size, max_entries, flags;
	char name[16];
	u32 ifindex, vmlinux_value;
	u64 netns_dev, netns_ino;
	u32 btf, btf_key, btf_value, btf_vmlinux;
	u64 extra;
};
struct query_btf { /* struct bpf_btf_info */
	u64 data;  /* in: room for size bytes */
	u32 size, id;
	u64 name;
	u32 name_len, kernel;
};
enum query_link_type {
	LINK_RAW_TRACEPOINT = 1,
	LINK_TRACING,
	LINK_CGROUP,
	LINK_ITER,
	LINK_NETNS,
	LINK_XDP,
	LINK_PERF,
	LINK_KPROBE_MULTI,
	LINK_STRUCT_OPS,
	LINK_NETFILTER,
	LINK_TCX,
	LINK_UPROBE_MULTI,
	LINK_NETKIT,
	LINK_SOCKMAP,
};
enum query_perf_type {
	PERF_UPROBE = 1,
	PERF_URETPROBE,
	PERF_KPROBE,
	PERF_KRETPROBE,
	PERF_TRACEPOINT,
	PERF_EVENT
};
struct query_link { /* struct bpf_link_info */
	u32 type, id, prog, pad;
	union {
		struct {
			u64 name; /* in: room for len bytes */
			u32 len;
		} raw_tracepoint, iter;
		struct {
			u32 attach_type, object, btf;
		} tracing;
		struct {
			u64 cgroup;
			u32 attach_type;
		} cgroup;
		struct {
			u32 inode, attach_type;
		} netns;
		struct {
			u32 ifindex, attach_type;
		} net; /* XDP (no attach type), TCX, NETKIT */
		struct {
			u32 map, attach_type;
		} map; /* STRUCT_OPS, SOCKMAP */
		struct {
			u32 family, hook;
			s32 priority;
			u32 flags;
		} netfilter;
		struct {
			u64 addresses;
			u32 n, flags;
		} kprobes;
		struct {
			u64 path, offsets, counters, cookies; /* in: room for len bytes */
			u32 len, n, flags, pid;
		} uprobes;
		struct {
			u32 type, pad;
			u64 name;     /* in: room for len bytes; EVENT: its config */
			u32 len, off; /* EVENT: len is its type */
			u64 address;
		} perf;
		u8 room[96];
	};
};

/* The id behind this one; -ENOENT: there is none. */
int query_next(enum query_kind, u32 id, u32 *next);
int query_open(enum query_kind, u32 id); /* a descriptor */
int query_info(int fd, void *info, u32 size);
int query_pinned(const char *path);
int query_kind_of(int fd, u32 *id); /* enum query_kind; -EINVAL: something else */
/* What a perf event of a process runs. name: room for len bytes. -ENOENT: no program. */
struct query_task {
	u32 prog, type; /* 0 raw tracepoint, 1 tracepoint, 2 kprobe, 3 kretprobe, 4 uprobe, 5
			   uretprobe */
	u64 off, address;
};
int query_task(u32 pid, u32 fd, char *name, u32 len, struct query_task *);
/* Ids of the programs attached to a cgroup (or to a device: tcx). *n: room, then how many. */
int query_attached(int target, u32 attach_type, u32 *ids, u32 *n);
int query_link_detach(int fd);
int query_prog_detach(int target, int prog, u32 attach_type);
int query_enable_stats(void); /* a descriptor: times are measured until it is closed */

/* Bytes of memory that a program or map holds (fdinfo); 0: unknown. */
u64 query_memory(int fd);

/* ---- who holds what: /proc, /sys/fs/bpf */

struct query_holder {
	u8 kind; /* enum query_kind; QUERY_BTF: a perf event that runs a program */
	u32 id;  /* of the program, map or link; of a perf event: of its program */
	u32 pid; /* 0: a file in the BPF file system, `path` */
	char comm[16];
	const char *path;
	struct query_task task; /* of a perf event, with its name */
	char name[64];
};
struct query_holders {
	vec(struct query_holder) list;
	u32 hidden; /* processes that we may not look into */
};
int query_holders(struct query_holders *, struct arena *);

#endif
