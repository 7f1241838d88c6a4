/* sys.c: bpf(2), perf_event_open(2) and friends; see sys.h. */
#include "engine/kernel/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum bpf_cmd { /* only those that we use */
	       CMD_MAP_CREATE = 0,
	       CMD_MAP_LOOKUP = 1,
	       CMD_MAP_UPDATE = 2,
	       CMD_MAP_DELETE = 3,
	       CMD_MAP_NEXT = 4,
	       CMD_PROG_LOAD = 5,
	       CMD_PIN = 6,
	       CMD_PINNED = 7,
	       CMD_PROG_ATTACH = 8,
	       CMD_PROG_RUN = 10,
	       CMD_INFO = 15,
	       CMD_RAW_TRACEPOINT_OPEN = 17,
	       CMD_BTF_LOAD = 18,
	       CMD_MAP_FREEZE = 22,
	       CMD_MAP_LOOKUP_BATCH = 24,
	       CMD_BTF_FD = 19,
	       CMD_BTF_NEXT = 23,
	       CMD_LINK_CREATE = 28,
	       CMD_LINK_UPDATE = 29,
	       CMD_ITER_CREATE = 33,
};
#define NAME_SIZE 16
#define TRIES     5

#define SYS_FSOPEN      430
#define SYS_FSCONFIG    431
#define SYS_FSMOUNT     432
#define SYS_CLOSE_RANGE 436

static int sys_bpf(enum bpf_cmd cmd, void *attr, size_t size)
{
	long r;

	/* loading gives up with EAGAIN when a signal waits for us */
	for (int i = 0; i < TRIES; i++) {
		r = syscall(SYS_bpf, cmd, attr, size);
		if (r >= 0 || errno != EAGAIN)
			break;
	}
	return r < 0 ? -errno : (int)r;
}

static u64 addr(const void *p)
{
	return (u64)(uintptr_t)p;
}

/* The kernel takes letters, digits, '_' and '.', and 15 of them. */
static void copy_name(char *to, const char *name)
{
	for (u32 i = 0; i < NAME_SIZE - 1 && name && name[i]; i++) {
		char c = name[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c >= '0' && c <= '9') || c == '.';

		to[i] = ok ? c : '_';
	}
}

int sys_map_create(const struct sys_map *m)
{
	struct {
		u32 kind, key_size, value_size, max_entries, flags, inner_fd, numa_node;
		char name[NAME_SIZE];
		u32 ifindex, btf_fd, btf_key, btf_value, pad;
		u64 extra;
	} a = {
		.kind = m->kind,
		.key_size = m->key_size,
		.value_size = m->value_size,
		.max_entries = m->max_entries,
		.flags = m->flags,
		.inner_fd = (u32)m->inner_fd,
		.btf_fd = (u32)m->btf_fd,
		.btf_key = m->btf_fd ? m->btf_key : 0,
		.btf_value = m->btf_fd ? m->btf_value : 0,
		.numa_node = m->numa_node,
		.extra = m->extra,
	};

	copy_name(a.name, m->name);
	return sys_bpf(CMD_MAP_CREATE, &a, sizeof(a));
}

struct attr_elem {
	u32 fd, pad;
	u64 key, value, flags;
};

int sys_map_lookup(int fd, const void *key, void *value)
{
	struct attr_elem a = {.fd = (u32)fd, .key = addr(key), .value = addr(value)};

	return sys_bpf(CMD_MAP_LOOKUP, &a, sizeof(a));
}

int sys_map_update(int fd, const void *key, const void *value, u64 flags)
{
	struct attr_elem a = {(u32)fd, 0, addr(key), addr(value), flags};

	return sys_bpf(CMD_MAP_UPDATE, &a, sizeof(a));
}

int sys_map_delete(int fd, const void *key)
{
	struct attr_elem a = {.fd = (u32)fd, .key = addr(key)};

	return sys_bpf(CMD_MAP_DELETE, &a, sizeof(a));
}

int sys_map_next(int fd, const void *key, void *next)
{
	struct attr_elem a = {.fd = (u32)fd, .key = addr(key), .value = addr(next)};

	return sys_bpf(CMD_MAP_NEXT, &a, sizeof(a));
}

int sys_map_freeze(int fd)
{
	struct attr_elem a = {.fd = (u32)fd};

	return sys_bpf(CMD_MAP_FREEZE, &a, sizeof(a.fd));
}

int sys_map_lookup_batch(int fd, const void *in, void *out, void *keys, void *values, u32 *count)
{
	struct {
		u64 in, out, keys, values;
		u32 count, fd;
		u64 elem_flags, flags;
	} a = {
		.in = addr(in),
		.out = addr(out),
		.keys = addr(keys),
		.values = addr(values),
		.count = *count,
		.fd = (u32)fd,
	};
	int err = sys_bpf(CMD_MAP_LOOKUP_BATCH, &a, sizeof(a));

	*count = err && err != -ENOENT ? 0 : a.count;
	return err;
}

int sys_prog_load(const struct sys_prog *p, u32 level, char *log, u32 log_size)
{
	struct {
		u32 kind, ninsns;
		u64 insns, license;
		u32 log_level, log_size;
		u64 log;
		u32 kernel, flags;
		char name[NAME_SIZE];
		u32 ifindex, attach_type, btf_fd, func_size;
		u64 funcs;
		u32 nfuncs, line_size;
		u64 lines;
		u32 nlines, attach_btf, attach_fd, pad;
	} a = {
		.kind = p->kind,
		.ninsns = p->ninsns,
		.insns = addr(p->insns),
		.license = addr(p->license),
		.log_level = log ? level : 0,
		.log_size = log ? log_size : 0,
		.log = addr(log),
		.attach_type = p->attach_type,
		.flags = p->flags,
		.attach_btf = p->attach_btf,
		.attach_fd = (u32)p->attach_fd,
	};

	copy_name(a.name, p->name);
	if (p->btf_fd) {
		a.btf_fd = (u32)p->btf_fd;
		a.func_size = p->nfuncs ? sizeof(struct sys_func_info) : 0;
		a.funcs = p->nfuncs ? addr(p->funcs) : 0;
		a.nfuncs = p->nfuncs;
		a.line_size = p->nlines ? 16 : 0;
		a.lines = p->nlines ? addr(p->lines) : 0;
		a.nlines = p->nlines;
	}
	return sys_bpf(CMD_PROG_LOAD, &a, sizeof(a));
}

struct attr_run {
	u32 fd, retval, data_size_in, data_size_out;
	u64 data_in, data_out;
	u32 repeat, duration, ctx_size_in, ctx_size_out;
	u64 ctx_in, ctx_out;
	u32 flags, cpu;
};

int sys_prog_run(int fd)
{
	struct attr_run a = {.fd = (u32)fd};

	return sys_bpf(CMD_PROG_RUN, &a, sizeof(a));
}

int sys_prog_test(int fd, struct sys_test *t)
{
	struct attr_run a = {
		.fd = (u32)fd,
		.data_in = addr(t->data),
		.data_size_in = t->data_size,
		.data_out = addr(t->out),
		.data_size_out = t->out_size,
		.ctx_in = addr(t->ctx),
		.ctx_size_in = t->ctx_size,
		.ctx_out = addr(t->ctx_out),
		.ctx_size_out = t->ctx_out_size,
		.repeat = t->repeat,
	};
	int err = sys_bpf(CMD_PROG_RUN, &a, sizeof(a));

	t->out_size = a.data_size_out;
	t->ctx_out_size = a.ctx_size_out;
	t->result = a.retval;
	t->ns = a.duration;
	return err;
}

struct attr_pin {
	u64 path;
	u32 fd, flags;
};

int sys_pin(int fd, const char *path)
{
	struct attr_pin a = {.path = addr(path), .fd = (u32)fd};

	return sys_bpf(CMD_PIN, &a, sizeof(a));
}

int sys_pinned(const char *path)
{
	struct attr_pin a = {.path = addr(path)};

	return sys_bpf(CMD_PINNED, &a, sizeof(a));
}

/* struct bpf_prog_info up to the field that we want; see the UAPI for what lies before it */
struct prog_info {
	u64 before[26];
	u64 recursion_misses; /* from 5.12 */
};

int sys_prog_recursion(int fd, u64 *misses)
{
	struct prog_info info = {0};
	struct {
		u32 fd, size;
		u64 info;
	} a = {(u32)fd, sizeof(info), addr(&info)};
	int err = sys_bpf(CMD_INFO, &a, sizeof(a));

	*misses = info.recursion_misses;
	if (!err && a.size < sizeof(info))
		return -ENODATA;
	return err;
}

int sys_btf_of_module(const char *name)
{
	struct {
		u32 id, next, flags;
	} a = {0};

	for (;;) {
		char is[64] = "";
		struct { /* struct bpf_btf_info */
			u64 btf;
			u32 size, id;
			u64 name;
			u32 name_size, is_kernel;
		} info = {.name = addr(is), .name_size = sizeof(is)};
		struct {
			u32 fd, size;
			u64 info;
		} ask = {0, sizeof(info), addr(&info)};
		int fd, err = sys_bpf(CMD_BTF_NEXT, &a, sizeof(a));

		if (err)
			return err;
		a.id = a.next;
		fd = sys_bpf(CMD_BTF_FD, &(u32[]){a.id, 0, 0}, 12);
		if (fd < 0)
			continue;
		ask.fd = (u32)fd;
		if (!sys_bpf(CMD_INFO, &ask, sizeof(ask)) && info.is_kernel && !strcmp(is, name))
			return fd;
		close(fd);
	}
}

int sys_btf_load(const void *btf, u32 size)
{
	struct {
		u64 btf, log;
		u32 size, log_size, log_level, pad;
	} a = {.btf = addr(btf), .size = size};

	return sys_bpf(CMD_BTF_LOAD, &a, offsetof(__typeof__(a), pad));
}

#define PERF_TYPE_TRACEPOINT   2
#define PERF_ATTR_DISABLED     1 /* bits of its flags */
#define PERF_ATTR_INHERIT      2
#define PERF_ATTR_ON_EXEC      0x1000
#define PERF_FLAG_FD_CLOEXEC   8
#define PERF_EVENT_IOC_SET_BPF _IOW('$', 8, u32)

/* It counts and takes no samples, which is all that a program needs: irq_vectors:irq_work_exit
 * refuses events that sample. */
int sys_tracepoint(u32 id)
{
	struct { /* struct perf_event_attr, as long as it was at first (PERF_ATTR_SIZE_VER0) */
		u32 type, size;
		u64 config, sample_period, sample_type, read_format, flags;
		u32 wakeup_events, bp_type;
		u64 bp_addr;
	} a = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(a),
		.config = id,
	};
	long fd = syscall(SYS_perf_event_open, &a, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

int sys_event_output(u32 cpu)
{
	struct { /* as above */
		u32 type, size;
		u64 config, sample_period, sample_type, read_format, flags;
		u32 wakeup_events, bp_type;
		u64 bp_addr;
	} a = {
		.type = 1, /* PERF_TYPE_SOFTWARE */
		.size = sizeof(a),
		.config = 10,                    /* PERF_COUNT_SW_BPF_OUTPUT */
		.sample_type = 1 << 2 | 1 << 10, /* the time, the record */
		.sample_period = 1,
		.wakeup_events = 1,
	};
	long fd = syscall(SYS_perf_event_open, &a, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

int sys_event_set_prog(int event, int prog)
{
	return ioctl(event, PERF_EVENT_IOC_SET_BPF, prog) < 0 ? -errno : 0;
}

int sys_event_open(const struct sys_event *e)
{
	struct { /* as long as PERF_ATTR_SIZE_VER1 */
		u32 type, size;
		u64 config, sample_period, sample_type, read_format, flags;
		u32 wakeup_events, bp_type;
		u64 config1, config2;
	} a = {
		.type = e->type,
		.size = sizeof(a),
		.config = e->config,
		.sample_period = e->period,
		.wakeup_events = 1,
		.flags = (e->inherit ? PERF_ATTR_INHERIT : 0u) |
			 (e->on_exec ? PERF_ATTR_DISABLED | PERF_ATTR_ON_EXEC : 0u),
		.bp_type = e->watch,
		.config1 = e->config1,
		.config2 = e->config2,
	};
	long fd = syscall(SYS_perf_event_open, &a, e->pid, e->cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

int sys_raw_tracepoint(const char *name, int prog)
{
	struct {
		u64 name;
		u32 prog, pad;
	} a = {.name = addr(name), .prog = (u32)prog};

	return sys_bpf(CMD_RAW_TRACEPOINT_OPEN, &a, sizeof(a));
}

#define LINK_PERF_EVENT 41
#define MULTI_RETURN    1

int sys_link_event(int prog, int event, u64 cookie)
{
	struct {
		u32 prog, target, type, flags;
		u64 cookie;
	} a = {(u32)prog, (u32)event, LINK_PERF_EVENT, 0, cookie};

	return sys_bpf(CMD_LINK_CREATE, &a, sizeof(a));
}

int sys_link_multi(const struct sys_multi *m)
{
	struct {
		u32 prog, target, type, flags;
		union {
			struct {
				u32 flags, n;
				u64 names, addresses, cookies;
			} kprobe;
			struct {
				u64 path, offsets, semaphores, cookies;
				u32 n, flags, pid, pad;
			} uprobe;
		};
	} a = {.prog = (u32)m->prog, .type = m->type};

	if (m->type == MULTI_KPROBE) {
		a.kprobe.flags = m->is_return ? MULTI_RETURN : 0;
		a.kprobe.n = m->n;
		a.kprobe.names = addr(m->names);
		a.kprobe.cookies = addr(m->cookies);
	} else {
		a.uprobe.path = addr(m->path);
		a.uprobe.offsets = addr(m->offsets);
		a.uprobe.semaphores = addr(m->semaphores);
		a.uprobe.cookies = addr(m->cookies);
		a.uprobe.n = m->n;
		a.uprobe.flags = m->is_return ? MULTI_RETURN : 0;
		a.uprobe.pid = m->pid;
	}
	return sys_bpf(CMD_LINK_CREATE, &a, sizeof(a));
}

int sys_link_create(int prog, u32 target, u32 type, u32 flags)
{
	u32 a[] = {(u32)prog, target, type, flags};

	return sys_bpf(CMD_LINK_CREATE, a, sizeof(a));
}

int sys_prog_attach(int target, int prog, u32 type)
{
	u32 a[] = {(u32)target, (u32)prog, type, 0};

	return sys_bpf(CMD_PROG_ATTACH, a, sizeof(a));
}

int sys_link_netfilter(int prog, u32 family, u32 point, s32 priority)
{
	struct {
		u32 prog, target, type, flags, family, point;
		s32 priority;
		u32 how;
	} a = {.prog = (u32)prog,
	       .type = ATTACH_TYPE_NETFILTER,
	       .family = family,
	       .point = point,
	       .priority = priority};

	return sys_bpf(CMD_LINK_CREATE, &a, sizeof(a));
}

int sys_link_update(int link, int prog)
{
	u32 a[] = {(u32)link, (u32)prog, 0, 0};

	return sys_bpf(CMD_LINK_UPDATE, a, sizeof(a));
}

int sys_link_iter(int prog, u32 pid)
{
	struct {
		u32 tid, pid, pid_fd, pad;
	} tasks = {.pid = pid}; /* union bpf_iter_link_info */
	struct {
		u32 prog, target, type, flags;
		u64 info;
		u32 info_size, pad;
	} a = {.prog = (u32)prog, .type = TRACE_ITER};

	a.info = pid ? addr(&tasks) : 0;
	a.info_size = pid ? sizeof(tasks) : 0;
	return sys_bpf(CMD_LINK_CREATE, &a, sizeof(a));
}

int sys_iter_create(int link)
{
	struct {
		u32 link, flags;
	} a = {.link = (u32)link};

	return sys_bpf(CMD_ITER_CREATE, &a, sizeof(a));
}

int sys_close_range(u32 first, u32 last)
{
	return syscall(SYS_CLOSE_RANGE, first, last, 0) < 0 ? -errno : 0;
}

#define FSOPEN_CLOEXEC      1
#define FSMOUNT_CLOEXEC     1
#define FSCONFIG_CMD_CREATE 6

int sys_tracefs(void)
{
	int fs = (int)syscall(SYS_FSOPEN, "tracefs", FSOPEN_CLOEXEC), fd = -1, err = 0;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_FSCONFIG, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ||
	    (fd = (int)syscall(SYS_FSMOUNT, fs, FSMOUNT_CLOEXEC, 0)) < 0)
		err = -errno;
	close(fs);
	return err ? err : fd;
}
