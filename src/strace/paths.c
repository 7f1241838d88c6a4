/*
 * paths.c: -y, -yy, -P: what descriptors are. AT_FDCWD is one of them: the folder a process is in.
 *
 * In:  the calls that open, copy and close them. Out: a path for a descriptor of a process.
 *
 * When a line is written, the process is further on: /proc tells of what the descriptor is then. So
 * what was opened before our eyes is remembered, and /proc is asked only about what was there
 * before, once.
 */
#include "strace/strace.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct name {
	struct name *next;
	u32 pid;
	s32 fd;
	bool cloexec;
	char *path; /* NULL: what it is nobody knows */
};

static struct name **slot_of(struct strace *s, u32 pid, s32 fd)
{
	struct name **slot = &s->names[(pid * 31 + (u32)fd) % ARRAY_SIZE(s->names)];

	while (*slot && ((*slot)->pid != pid || (*slot)->fd != fd))
		slot = &(*slot)->next;
	return slot;
}

static void forget(struct name **slot)
{
	struct name *n = *slot;

	*slot = n->next;
	free(n->path);
	free(n);
}

/* Takes the path. */
static void remember(struct strace *s, u32 pid, s32 fd, char *path, bool cloexec)
{
	struct name **slot = slot_of(s, pid, fd), *n;

	if (*slot)
		forget(slot);
	n = calloc(1, sizeof(*n));
	if (!n) {
		free(path);
		return;
	}
	slot = slot_of(s, pid, fd);
	*n = (struct name){.next = *slot, .pid = pid, .fd = fd, .path = path, .cloexec = cloexec};
	*slot = n;
}

static char *link_of(u32 pid, const char *what)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%u/%s", pid, what);
	n = readlink(link, path, sizeof(path));
	return n > 0 ? strndup(path, (size_t)n) : NULL;
}

const char *path_of(struct strace *s, const struct task *t, s32 fd)
{
	struct name **slot = slot_of(s, t->pid, fd);
	char what[32];

	if (!*slot && (fd >= 0 || fd == AT_FDCWD)) {
		snprintf(what, sizeof(what), fd < 0 ? "cwd" : "fd/%d", fd);
		remember(s, t->pid, fd, link_of(t->pid, what), false);
		slot = slot_of(s, t->pid, fd);
	}
	return *slot ? (*slot)->path : NULL;
}

/* A path that begins at a folder. Without links, if it can be found from here. */
static char *whole(struct strace *s, const struct task *t, const char *path, s64 dirfd)
{
	const char *dir = *path == '/' ? NULL : path_of(s, t, (s32)dirfd);
	char *all = NULL, *real;

	if (asprintf(&all, "%s%s%s", dir ? dir : "", dir ? "/" : "", path) < 0)
		return NULL;
	real = realpath(all, NULL);
	if (real)
		free(all);
	return real ? real : all;
}

/* By the path in an argument, descriptor `ret` came to be. */
static void opened(struct strace *s, const struct task *t, u32 path, s64 dirfd, u64 flags, s64 ret)
{
	for (u32 i = 0; i < t->npieces; i++)
		if (t->pieces[i].string && t->pieces[i].addr == t->args[path]) {
			remember(s, t->pid, (s32)ret,
				 whole(s, t, t->bytes.p + t->pieces[i].at, dirfd),
				 flags & O_CLOEXEC);
			return;
		}
}

static void copied(struct strace *s, const struct task *t, s64 ret, bool cloexec)
{
	const char *path = path_of(s, t, (s32)t->args[0]);

	remember(s, t->pid, (s32)ret, path ? strdup(path) : NULL, cloexec);
}

static bool copies(const struct strace *s, const struct task *t)
{
	const char *name = s->calls[t->nr].name;

	return !strncmp(name, "dup", 3) ||
	       (!strncmp(name, "fcntl", 5) &&
		(t->args[1] == F_DUPFD || t->args[1] == F_DUPFD_CLOEXEC));
}

static const struct {
	const char *call, *path;
} anonymous[] = {
	{"eventfd", "anon_inode:[eventfd]"},        {"eventfd2", "anon_inode:[eventfd]"},
	{"epoll_create", "anon_inode:[eventpoll]"}, {"epoll_create1", "anon_inode:[eventpoll]"},
	{"timerfd_create", "anon_inode:[timerfd]"}, {"signalfd", "anon_inode:[signalfd]"},
	{"signalfd4", "anon_inode:[signalfd]"},     {"inotify_init", "anon_inode:inotify"},
	{"inotify_init1", "anon_inode:inotify"},    {"perf_event_open", "anon_inode:[perf_event]"},
	{"pidfd_open", "anon_inode:[pidfd]"},
};

/* A socket, a timer: what the kernel calls it, if it is still that. */
static void made(struct strace *s, const struct task *t, s64 ret)
{
	static const char *const kinds[] = {"socket:[", "anon_inode:", "/memfd:"};
	const char *name = s->calls[t->nr].name;
	char what[32], *link = NULL;
	bool good = false;

	for (u32 i = 0; i < ARRAY_SIZE(anonymous) && !link; i++)
		if (!strcmp(anonymous[i].call, name))
			link = strdup(anonymous[i].path);
	snprintf(what, sizeof(what), "fd/%d", (s32)ret);
	if (!link)
		link = link_of(t->pid, what);
	for (u32 i = 0; link && i < ARRAY_SIZE(kinds); i++)
		good |= !strncmp(link, kinds[i], strlen(kinds[i]));
	if (!good) {
		free(link);
		link = NULL;
	}
	remember(s, t->pid, (s32)ret, link, false);
}

/* The command begins with what is ours. */
void paths_inherit(struct strace *s, u32 pid)
{
	char what[32];

	for (s32 fd = 0; fd < 3; fd++) {
		snprintf(what, sizeof(what), "fd/%d", fd);
		remember(s, pid, fd, link_of((u32)getpid(), what), false);
	}
	remember(s, pid, AT_FDCWD, link_of((u32)getpid(), "cwd"), false);
}

bool paths_follow(const char *call)
{
	static const char *const names[] = {"open",        "openat",  "openat2", "creat",  "close",
					    "close_range", "dup",     "dup2",    "dup3",   "fcntl",
					    "execve",      "chdir",   "fchdir",  "socket", "accept",
					    "accept4",     "execveat"};

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], call))
			return true;
	return false;
}

void paths_before(struct strace *s, const struct task *t, s64 ret)
{
	const char *name = s->calls[t->nr].name;

	if (ret < 0)
		return;
	if (!strcmp(name, "openat"))
		opened(s, t, 1, (s64)t->args[0], t->args[2], ret);
	else if (!strcmp(name, "openat2"))
		opened(s, t, 1, (s64)t->args[0], 0, ret);
	else if (!strcmp(name, "open") || !strcmp(name, "creat"))
		opened(s, t, 0, AT_FDCWD, *name == 'o' ? t->args[1] : 0, ret);
	else if (copies(s, t))
		copied(s, t, ret,
		       t->args[1] == F_DUPFD_CLOEXEC ||
			       (!strcmp(name, "dup3") && t->args[2] & O_CLOEXEC));
	else if (s->calls[t->nr].result == 'f')
		made(s, t, ret);
}

/* Of a process, those from `first` to `last` that close when it becomes another program, or all. */
static void drop(struct strace *s, u32 pid, u32 first, u32 last, bool all)
{
	for (u32 i = 0; i < ARRAY_SIZE(s->names); i++)
		for (struct name **slot = &s->names[i]; *slot;)
			if ((*slot)->pid == pid && (u32)(*slot)->fd >= first &&
			    (u32)(*slot)->fd <= last && (all || (*slot)->cloexec))
				forget(slot);
			else
				slot = &(*slot)->next;
}

void paths_fork(struct strace *s, u32 parent, u32 child)
{
	for (u32 i = 0; i < ARRAY_SIZE(s->names); i++)
		for (struct name *n = s->names[i]; n; n = n->next)
			if (n->pid == parent && n->path)
				remember(s, child, n->fd, strdup(n->path), n->cloexec);
}

void paths_gone(struct strace *s, u32 pid)
{
	drop(s, pid, 0, UINT32_MAX, true);
}

void paths_after(struct strace *s, const struct task *t, s64 ret)
{
	const char *name = s->calls[t->nr].name;
	struct name **slot;

	if (!strcmp(name, "close")) {
		slot = slot_of(s, t->pid, (s32)t->args[0]);
		if (*slot)
			forget(slot);
	} else if (ret < 0) {
		return;
	} else if (!strcmp(name, "chdir")) {
		opened(s, t, 0, AT_FDCWD, 0, AT_FDCWD);
	} else if (!strcmp(name, "fchdir")) {
		copied(s, t, AT_FDCWD, false);
	} else if (!strncmp(name, "execve", 6)) {
		drop(s, t->pid, 0, INT32_MAX, false);
	} else if (!strcmp(name, "close_range") && !(t->args[2] & CLOSE_RANGE_CLOEXEC)) {
		drop(s, t->pid, (u32)t->args[0], MIN((u32)t->args[1], (u32)INT32_MAX), true);
	}
}

void show_path_of(struct shown *c, s32 fd)
{
	static const char deleted[] = " (deleted)";
	const char *path = path_of(c->s, c->task, fd);
	size_t n = path ? strlen(path) : 0, tail = sizeof(deleted) - 1;
	bool gone = n > tail && !strcmp(path + n - tail, deleted);
	char *text = path ? strndup(path, gone ? n - tail : n) : NULL;

	if (!text)
		return;
	buf_char(c->out, '<');
	if (c->s->opts.paths < 2 || !show_details(c, fd, text))
		show_name(c, text);
	buf_char(c->out, '>');
	if (gone)
		buf_puts(c->out, "(deleted)");
	free(text);
}

void paths_free(struct strace *s)
{
	for (u32 i = 0; i < ARRAY_SIZE(s->names); i++)
		while (s->names[i])
			forget(&s->names[i]);
}
