/*
 * sys.h: the system calls that the kernel engine is made of: bpf(2), perf_event_open(2).
 *
 * Every call returns 0, a new descriptor (close-on-exec) or -errno, and reports nothing. Layouts
 * and numbers are our own copy of include/uapi/linux/bpf.h and perf_event.h, which never change:
 * a build needs no kernel headers. Attributes are passed as short as they were in 5.10.
 */
#ifndef ENGINE_KERNEL_SYS_H
#define ENGINE_KERNEL_SYS_H

#include "isa/isa.h"

enum { /* map flags */
       MAP_NO_PREALLOC = 1 << 0,
       MAP_NUMA_NODE = 1 << 2,
       MAP_RDONLY_PROG = 1 << 7,
       MAP_MMAPABLE = 1 << 10,
};

struct sys_map {
	const char *name; /* cut to what the kernel allows */
	u32 kind, key_size, value_size, max_entries, flags;
	int inner_fd; /* a map like those that it will hold; 0: none */
	int btf_fd;   /* 0: no types */
	u32 btf_key, btf_value;
	u32 numa_node; /* with MAP_NUMA_NODE */
	u64 extra;     /* from 5.16 */
};
int sys_map_create(const struct sys_map *);
int sys_map_lookup(int fd, const void *key, void *value);
int sys_map_update(int fd, const void *key, const void *value, u64 flags);
int sys_map_delete(int fd, const void *key);
int sys_map_next(int fd, const void *key, void *next);
int sys_map_freeze(int fd);
/* Reads up to *count entries from where `in` (NULL: the start) left off; -ENOENT: these were the
 * last. in, out: room for max(key size, 8) bytes. *count is set in both cases. */
int sys_map_lookup_batch(int fd, const void *in, void *out, void *keys, void *values, u32 *count);

struct sys_func_info {
	u32 insn, type;
};
struct sys_prog {
	const char *name, *license;
	u32 kind, attach_type; /* attach_type: MULTI_*, TRACE_*, 0: any */
	u32 flags, attach_btf; /* the kernel's type that it is checked against */
	int attach_fd;	       /* of the BTF of the module that has it, 0: the kernel itself */
	const struct insn *insns;
	u32 ninsns;
	int btf_fd; /* 0: no func and line info */
	const struct sys_func_info *funcs;
	u32 nfuncs;
	const void *lines; /* of 16 bytes: struct bpf_line_info */
	u32 nlines;
};
/* log: room for log_size bytes of the verifier's words, or NULL; level: 1, 2 (more), 4 (sums). */
int sys_prog_load(const struct sys_prog *, u32 level, char *log, u32 log_size);
/* Runs a raw tracepoint program once, on this CPU (from 5.10). */
int sys_prog_run(int fd);
/* Runs a program on a packet or a context, where its kind allows that: -ENOTSUPP (524) else. */
struct sys_test {
	const void *data, *ctx;
	u32 data_size, ctx_size;
	void *out, *ctx_out; /* what they are afterwards; room, then size */
	u32 out_size, ctx_out_size;
	u32 repeat, result, ns; /* ns: of one run, on the average */
};
int sys_prog_test(int fd, struct sys_test *);
int sys_pin(int fd, const char *path);
int sys_pinned(const char *path);
/* How often the program was skipped because of recursion; -ENODATA: the kernel does not count. */
int sys_prog_recursion(int fd, u64 *misses);
/* The types of a module of the kernel. -ENOENT: it is not loaded, or without types. */
int sys_btf_of_module(const char *name);
int sys_btf_load(const void *btf, u32 size);

/* Opens a tracepoint as a perf event on CPU 0; a program that is set on it runs on all CPUs. */
int sys_tracepoint(u32 id);
int sys_event_set_prog(int event, int prog);

int sys_raw_tracepoint(const char *name, int prog); /* name NULL: where its attach_btf says */
/* A perf event that counts; config1, config2: addresses of names, offsets. pid -1: all. */
struct sys_event {
	u32 type;
	u64 config, config1, config2, period;
	u32 watch; /* of a breakpoint: enum watch_mode; config1, config2: where, how many bytes */
	bool inherit; /* threads and children that come later, too */
	bool on_exec; /* from the process's exec on */
	int pid, cpu;
};
int sys_event_open(const struct sys_event *);
int sys_event_output(u32 cpu); /* what programs write there by perf_event_output(); with times */
int sys_link_event(int prog, int event, u64 cookie); /* from 5.15 */
#define MULTI_KPROBE 42
#define MULTI_UPROBE 48
/* One link for many functions of the kernel (5.18) or places in a file (6.6). */
struct sys_multi {
	u32 type; /* MULTI_KPROBE, MULTI_UPROBE */
	int prog;
	bool is_return;
	u32 n, pid;
	const char **names;   /* KPROBE */
	const char *path;     /* UPROBE */
	const u64 *offsets, *semaphores; /* UPROBE; semaphores may be NULL */
	const u64 *cookies;   /* or NULL */
};
int sys_link_multi(const struct sys_multi *);

/* A link to a network device, by its number, or a cgroup, by its folder's descriptor; type is one of
 * attachtypes.def. XDP: flags say how. TC from 6.6, others before 5.10. */
#define ATTACH_TYPE_XDP	 37
#define ATTACH_TYPE_TCX_INGRESS 46
#define ATTACH_TYPE_TCX_EGRESS	 47
#define ATTACH_TYPE_NETFILTER	 45
#define XDP_GENERIC	 2
#define XDP_NATIVE	 4
int sys_link_create(int prog, u32 target, u32 type, u32 flags);
int sys_prog_attach(int target, int prog, u32 type); /* where there are no links */
int sys_link_netfilter(int prog, u32 family, u32 point, s32 priority); /* from 6.4 */
/* Puts another program in the place of the one that is there: no packet meets neither of them. */
int sys_link_update(int link, int prog);

/* An iterator's program, over the tasks of one process (from 6.1) or, with 0, over all. */
int sys_link_iter(int prog, u32 pid);
int sys_iter_create(int link);

/* Closes all descriptors from first to last, which exist or not. */
int sys_close_range(u32 first, u32 last);
/* A folder descriptor of tracefs that is mounted nowhere: for us alone. Needs rights. */
int sys_tracefs(void);

#endif
