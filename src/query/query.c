/* query.c: bpf(2) for those who ask what there is; see query.h. */
#include "query/query.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PINS_DEPTH 16 /* folders in folders */

enum query_cmd {
	CMD_OBJ_GET = 7,
	CMD_PROG_DETACH = 9,
	CMD_PROG_NEXT = 11,
	CMD_MAP_NEXT = 12,
	CMD_PROG_OPEN = 13,
	CMD_MAP_OPEN = 14,
	CMD_INFO = 15,
	CMD_PROG_QUERY = 16,
	CMD_BTF_OPEN = 19,
	CMD_TASK_QUERY = 20,
	CMD_BTF_NEXT = 23,
	CMD_LINK_OPEN = 30,
	CMD_LINK_NEXT = 31,
	CMD_ENABLE_STATS = 32,
	CMD_LINK_DETACH = 34,
};

static int sys_query(enum query_cmd cmd, void *attr, size_t size)
{
	long r = syscall(SYS_bpf, cmd, attr, size);

	return r < 0 ? -errno : (int)r;
}

static u64 addr(const void *p)
{
	return (u64)(uintptr_t)p;
}

int query_next(enum query_kind kind, u32 id, u32 *next)
{
	static const u8 cmds[] = {CMD_PROG_NEXT, CMD_MAP_NEXT, CMD_BTF_NEXT, CMD_LINK_NEXT};
	struct {
		u32 start, next, flags;
	} a = {.start = id};
	int err = sys_query(cmds[kind], &a, sizeof(a));

	*next = a.next;
	return err;
}

int query_open(enum query_kind kind, u32 id)
{
	static const u8 cmds[] = {CMD_PROG_OPEN, CMD_MAP_OPEN, CMD_BTF_OPEN, CMD_LINK_OPEN};
	struct {
		u32 id, next, flags;
	} a = {.id = id};

	return sys_query(cmds[kind], &a, sizeof(a));
}

int query_info(int fd, void *info, u32 size)
{
	struct {
		u32 fd, size;
		u64 info;
	} a = {(u32)fd, size, addr(info)};

	return sys_query(CMD_INFO, &a, sizeof(a));
}

int query_pinned(const char *path)
{
	struct {
		u64 path;
		u32 fd, flags;
	} a = {.path = addr(path)};

	return sys_query(CMD_OBJ_GET, &a, sizeof(a));
}

int query_task(u32 pid, u32 fd, char *name, u32 len, struct query_task *out)
{
	struct {
		u32 pid, fd, flags, len;
		u64 name;
		u32 prog, type;
		u64 off, address;
	} a = {.pid = pid, .fd = fd, .len = len, .name = addr(name)};
	int err = sys_query(CMD_TASK_QUERY, &a, sizeof(a));

	*out = (struct query_task){a.prog, a.type, a.off, a.address};
	return err == -ENOSPC ? 0 : err; /* the name was cut */
}

int query_attached(int target, u32 attach_type, u32 *ids, u32 *n)
{
	struct {
		u32 target, type, query_flags, attach_flags;
		u64 ids;
		u32 n, pad;
		u64 flags, links, link_flags, revision;
	} a = {.target = (u32)target, .type = attach_type, .ids = addr(ids), .n = *n};
	int err = sys_query(CMD_PROG_QUERY, &a, sizeof(a));

	*n = err && err != -ENOSPC ? 0 : MIN(a.n, *n);
	return err == -ENOSPC ? 0 : err;
}

int query_link_detach(int fd)
{
	struct {
		u32 fd, pad;
	} a = {.fd = (u32)fd};

	return sys_query(CMD_LINK_DETACH, &a, sizeof(a.fd));
}

int query_prog_detach(int target, int prog, u32 attach_type)
{
	struct {
		u32 target, prog, type, flags;
	} a = {(u32)target, (u32)prog, attach_type, 0};

	return sys_query(CMD_PROG_DETACH, &a, sizeof(a));
}

int query_enable_stats(void)
{
	struct {
		u32 type, pad;
	} a = {0};

	return sys_query(CMD_ENABLE_STATS, &a, sizeof(a.type));
}

/* A small file as text. */
static bool read_text(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = 0;
	return n > 0;
}

static u64 field(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

u64 query_memory(int fd)
{
	char path[64], text[1024];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return read_text(path, text, sizeof(text)) ? field(text, "\nmemlock:\t") : 0;
}

/* ---- holders */

/* What a descriptor's link says it is; QUERY_BTF: a perf event. -1: nothing of ours. */
static int kind_of(const char *link)
{
	static const struct {
		const char *name;
		int kind;
	} kinds[] = {
		{"anon_inode:bpf-prog", QUERY_PROG},    {"anon_inode:bpf-map", QUERY_MAP},
		{"anon_inode:bpf_link", QUERY_LINK},    {"anon_inode:bpf-link", QUERY_LINK},
		{"anon_inode:[perf_event]", QUERY_BTF},
	};

	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(link, kinds[i].name))
			return kinds[i].kind;
	return -1;
}

static void add_holder(struct query_holders *h, struct arena *arena, int kind, u32 pid, u32 fd)
{
	static const char *const fields[] = {"\nprog_id:\t", "\nmap_id:\t", "", "\nlink_id:\t"};
	struct query_holder new = {.kind = (u8)kind, .pid = pid};
	char path[64], text[1024];

	if (kind == QUERY_BTF) {
		if (query_task(pid, fd, new.name, sizeof(new.name), &new.task))
			return;
		new.id = new.task.prog;
	} else {
		snprintf(path, sizeof(path), "/proc/%u/fdinfo/%u", pid, fd);
		if (!read_text(path, text, sizeof(text)))
			return;
		new.id = (u32)field(text, fields[kind]);
	}
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	if (!new.id || !read_text(path, text, sizeof(text)))
		return;
	snprintf(new.comm, sizeof(new.comm), "%.*s", (int)strcspn(text, "\n"), text);
	vec_push(arena, &h->list, new);
}

int query_kind_of(int fd, u32 *id)
{
	/* the text of a link names its program, too: it is asked for first */
	static const struct {
		const char *field;
		int kind;
	} kinds[] = {{"\nlink_id:\t", QUERY_LINK},
		     {"\nmap_id:\t", QUERY_MAP},
		     {"\nprog_id:\t", QUERY_PROG}};
	char info[64], text[1024] = "";

	snprintf(info, sizeof(info), "/proc/self/fdinfo/%d", fd);
	read_text(info, text, sizeof(text));
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strstr(text, kinds[i].field)) {
			*id = (u32)field(text, kinds[i].field);
			return kinds[i].kind;
		}
	return -EINVAL;
}

static void add_pin(struct query_holders *h, struct arena *arena, const char *path)
{
	struct query_holder new = {.path = path};
	int fd = query_pinned(path), kind;

	if (fd < 0)
		return;
	kind = query_kind_of(fd, &new.id);
	close(fd);
	new.kind = (u8)kind;
	if (kind >= 0)
		vec_push(arena, &h->list, new);
}

/* What is pinned below a folder of the BPF file system. */
static void scan_pins(struct query_holders *h, struct arena *arena, const char *folder, u32 depth)
{
	DIR *dir = depth < PINS_DEPTH ? opendir(folder) : NULL;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		const char *path = arena_printf(arena, "%s/%s", folder, e->d_name);

		if (e->d_name[0] == '.')
			continue;
		if (e->d_type == DT_DIR)
			scan_pins(h, arena, path, depth + 1);
		else
			add_pin(h, arena, path);
	}
	if (dir)
		closedir(dir);
}

/* The numbers in a folder of /proc; each is handed to fn. */
static int each_number(const char *path, void (*fn)(void *user, u32 number), void *user)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	if (!dir)
		return -errno;
	while ((e = readdir(dir)))
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9')
			fn(user, (u32)strtoul(e->d_name, NULL, 10));
	closedir(dir);
	return 0;
}

struct scan {
	struct query_holders *holders;
	struct arena *arena;
	u32 pid;
};

static void scan_fd(void *user, u32 fd)
{
	struct scan *s = user;
	char path[64], link[64];
	ssize_t n;
	int kind;

	snprintf(path, sizeof(path), "/proc/%u/fd/%u", s->pid, fd);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return;
	link[n] = 0;
	kind = kind_of(link);
	if (kind >= 0)
		add_holder(s->holders, s->arena, kind, s->pid, fd);
}

static void scan_pid(void *user, u32 pid)
{
	struct scan *s = user;
	char path[64];
	int err;

	if (pid == (u32)getpid())
		return;
	s->pid = pid;
	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	err = each_number(path, scan_fd, s);
	s->holders->hidden += err == -EACCES || err == -EPERM;
}

int query_holders(struct query_holders *h, struct arena *arena)
{
	struct scan s = {.holders = h, .arena = arena};

	*h = (struct query_holders){0};
	scan_pins(h, arena, "/sys/fs/bpf", 0);
	return each_number("/proc", scan_pid, &s);
}
