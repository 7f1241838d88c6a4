/*
 * link_socks.c: programs of sockets that others have open: in a map of sockets, in a group that
 * shares a port.
 *
 * In:  rows as "socks" (a map of the object), "/sys/fs/bpf/socks" (one that somebody pinned),
 *      "1234:5" (descriptor 5 of process 1234, a socket of the group). Out: a link; or, where the
 * kernel has none, a guard that takes the program away.
 */
#include "engine/kernel/guard.h"
#include "engine/kernel/kernel.h"
#include "query/query.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SO_ATTACH_REUSEPORT_EBPF_ 52
#define SO_DETACH_REUSEPORT_BPF_  68

struct at_socket {
	struct guarded base; /* first; keep: the map or socket, the program */
	u32 type;
};

static int guarded(struct kernel_engine *k, const struct attach *a, struct at_socket *s,
		   const char *what)
{
	struct hook h = {.prog = a->prog, .fd = -1};
	int err = guard_open(&h.guard, &s->base);

	close(s->base.keep[0]);
	if (err)
		return hook_refused(k, a, err);
	diag_note(k->base.diag, NULL,
		  "%s: the kernel has no links for %s: a process takes the "
		  "program away when this one ends",
		  k->base.object->progs.v[a->prog].probe, what);
	return hook_keep(k, &h);
}

/* ---- maps of sockets */

static int map_put(struct guarded *g, int nl)
{
	const struct at_socket *s = (const struct at_socket *)g;

	(void)nl;
	return sys_prog_attach(g->keep[0], g->keep[1], s->type);
}

static void map_take(struct guarded *g, int nl, bool was_put)
{
	const struct at_socket *s = (const struct at_socket *)g;

	(void)nl;
	if (was_put)
		query_prog_detach(g->keep[0], g->keep[1], s->type);
}

/* A descriptor of our own. */
static int map_of(struct kernel_engine *k, const struct attach *a)
{
	const struct object *o = k->base.object;
	int fd = strchr(a->pattern, '/') ? sys_pinned(a->pattern) : -ENOENT;

	for (u32 i = 0; i < o->maps.n && fd < 0; i++)
		if (!strcmp(o->maps.v[i].name, a->pattern))
			fd = dup(k->maps[i]);
	return fd;
}

int link_sockmap(struct kernel_engine *k, const struct attach *a)
{
	const struct object_prog *p = &k->base.object->progs.v[a->prog];
	struct at_socket s = {.base = {.put = map_put, .take = map_take}, .type = p->attach_type};
	struct hook h = {.prog = a->prog};
	int map = map_of(k, a);

	if (map < 0)
		return diag_fail(k->base.diag, map,
				 "a map of the object, or the path of one that is pinned",
				 "cannot attach %s: there is no map '%s'", p->probe, a->pattern);
	h.fd = sys_link_create(k->progs[a->prog], (u32)map, p->attach_type, 0);
	if (h.fd >= 0) {
		close(map);
		return hook_keep(k, &h);
	}
	s.base.keep[0] = map;
	s.base.keep[1] = k->progs[a->prog];
	return guarded(k, a, &s, "maps of sockets");
}

/* ---- sockets that share a port */

static int group_put(struct guarded *g, int nl)
{
	(void)nl;
	return setsockopt(g->keep[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF_, &g->keep[1],
			  sizeof(int))
		       ? -errno
		       : 0;
}

static void group_take(struct guarded *g, int nl, bool was_put)
{
	int none = 0;

	(void)nl;
	if (was_put)
		setsockopt(g->keep[0], SOL_SOCKET, SO_DETACH_REUSEPORT_BPF_, &none, sizeof(none));
}

/* "1234:5": the socket, as a descriptor of our own. */
static int socket_of(const char *pattern)
{
	char *end;
	long pid = strtol(pattern, &end, 10), number;
	int process, fd;

	if (end == pattern || *end != ':')
		return -EINVAL;
	number = strtol(end + 1, &end, 10);
	if (*end)
		return -EINVAL;
	process = (int)syscall(SYS_pidfd_open, pid, 0);
	if (process < 0)
		return -errno;
	fd = (int)syscall(SYS_pidfd_getfd, process, number, 0);
	fd = fd < 0 ? -errno : fd;
	close(process);
	return fd;
}

int link_reuseport(struct kernel_engine *k, const struct attach *a)
{
	struct at_socket s = {
		.base = {group_put, group_take, {socket_of(a->pattern), k->progs[a->prog]}}};
	const char *probe = k->base.object->progs.v[a->prog].probe;
	int fd = s.base.keep[0];

	if (fd < 0)
		return diag_fail(k->base.diag, fd,
				 "sk_reuseport:PID:FD, a process and its descriptor of a socket "
				 "of the group; `ss -lpn` shows them",
				 "cannot attach %s: %s", probe,
				 fd == -EINVAL  ? "it names no process and descriptor"
				 : fd == -ESRCH ? "there is no such process"
				 : fd == -EBADF ? "the process has no such descriptor"
						: strerror(-fd));
	return guarded(k, a, &s, "groups of sockets");
}
