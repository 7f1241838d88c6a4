/*
 * paths.c: -y: what descriptors are.
 *
 * In:  the calls that open, copy and close them. Out: a path for a descriptor of a process.
 *
 * When a line is written, the process is further on: /proc tells of what the descriptor is then. So
 * what was opened before our eyes is remembered, and /proc is asked only about what was there
 * before, once.
 */
#include "strace/strace.h"

#include <fcntl.h>
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

	if (!*slot) {
		snprintf(what, sizeof(what), "fd/%d", fd);
		remember(s, t->pid, fd, link_of(t->pid, what), false);
		slot = slot_of(s, t->pid, fd);
	}
	return *slot ? (*slot)->path : NULL;
}

/* A path that begins at a directory, or at where the process is. */
static char *whole(struct strace *s, const struct task *t, const char *path, s64 dirfd)
{
	char *at = NULL, *all = NULL;
	const char *dir;

	if (*path == '/')
		return strdup(path);
	if ((s32)dirfd == AT_FDCWD)
		at = link_of(t->pid, "cwd");
	dir = at ? at : (s32)dirfd >= 0 ? path_of(s, t, (s32)dirfd) : NULL;
	if (asprintf(&all, "%s%s%s", dir ? dir : "", dir ? "/" : "", path) < 0)
		all = NULL;
	free(at);
	return all;
}

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

void paths_before(struct strace *s, const struct task *t, s64 ret)
{
	const char *name = s->calls[t->nr].name;
	char kind[32];

	if (ret < 0)
		return;
	if (!strcmp(name, "openat"))
		opened(s, t, 1, (s64)t->args[0], t->args[2], ret);
	else if (!strcmp(name, "openat2"))
		opened(s, t, 1, (s64)t->args[0], 0, ret);
	else if (!strcmp(name, "open") || !strcmp(name, "creat"))
		opened(s, t, 0, AT_FDCWD, *name == 'o' ? t->args[1] : 0, ret);
	else if (!strncmp(name, "dup", 3) ||
		 (!strcmp(name, "fcntl") &&
		  (t->args[1] == F_DUPFD || t->args[1] == F_DUPFD_CLOEXEC)))
		copied(s, t, ret,
		       t->args[1] == F_DUPFD_CLOEXEC ||
			       (!strcmp(name, "dup3") && t->args[2] & O_CLOEXEC));
	else if (s->calls[t->nr].result == 'f') { /* a socket, a timer: without a path */
		snprintf(kind, sizeof(kind),
			 "%.24s:", strncmp(name, "accept", 6) ? name : "socket");
		remember(s, t->pid, (s32)ret, strdup(kind), false);
	}
}

static void drop(struct strace *s, u32 pid, bool all)
{
	for (u32 i = 0; i < ARRAY_SIZE(s->names); i++)
		for (struct name **slot = &s->names[i]; *slot;)
			if ((*slot)->pid == pid && (all || (*slot)->cloexec))
				forget(slot);
			else
				slot = &(*slot)->next;
}

void paths_after(struct strace *s, const struct task *t, s64 ret)
{
	const char *name = s->calls[t->nr].name;
	struct name **slot;

	if (!strcmp(name, "close")) {
		slot = slot_of(s, t->pid, (s32)t->args[0]);
		if (*slot)
			forget(slot);
	} else if (ret >= 0 && (!strncmp(name, "execve", 6) || !strcmp(name, "close_range"))) {
		drop(s, t->pid, *name == 'c');
	}
}

void paths_free(struct strace *s)
{
	for (u32 i = 0; i < ARRAY_SIZE(s->names); i++)
		while (s->names[i])
			forget(&s->names[i]);
}
