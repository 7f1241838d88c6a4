/*
 * guard.c: a filter of tc(8) that goes when we go.
 *
 * In:  a device, a direction, a program. Out: the program hangs at the device's clsact, and a
 * process of ours, the guard, waits for the end of whoever holds the other end of its socket: us.
 *
 * Below 6.6 the kernel has no links for tc: what is attached there stays, whoever dies. So the
 * guard attaches it, and takes it away when it reads the end of its socket: after guard_close(),
 * and after any death of ours, SIGKILL included. Only a death of both leaves the filter, which
 * `waggle ps` shows and `waggle detach` removes. The guard is a fork, not a thread: nothing that
 * befalls our memory befalls its.
 */
#include "engine/kernel/kernel.h"
#include "engine/kernel/netlink.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ETH_P_ALL   3
#define TC_DIRECT   1 /* TCA_BPF_FLAG_ACT_DIRECT: what the program returns is done */
#define NAME_MOST   32
#define HANDLE      1
#define CLSACT_MAIN 0xffff0000u

struct guard {
	int fd, pid;
	u32 ifindex, parent, handle, info; /* of the filter */
	char name[NAME_MOST];
};
struct answer { /* of the guard */
	int err;
	u32 handle, info;
};
struct added {
	u32 handle, info;
	u32 seen; /* filters */
};

static int qdisc(int nl, u32 ifindex, bool add)
{
	struct {
		struct netlink_header h;
		struct netlink_tc m;
		struct netlink_attr kind;
		char clsact[8];
	} r = {.h = {sizeof(r), add ? NEW_QDISC : DELETE_QDISC,
		     NETLINK_REQUEST | NETLINK_ACK | (add ? NETLINK_CREATE | NETLINK_EXCLUSIVE : 0),
		     1, 0},
	       .m = {.index = (s32)ifindex, .handle = CLSACT_MAIN, .parent = TC_CLSACT},
	       .kind = {11, TC_KIND},
	       .clsact = "clsact"};

	return netlink_ask(nl, &r, sizeof(r), 0, NULL, NULL);
}

static void note_filter(void *user, const u8 *p, const u8 *end)
{
	const struct netlink_tc *m = (const void *)p;
	struct added *a = user;

	if (end - p < (ptrdiff_t)sizeof(*m) || !m->handle)
		return;
	a->handle = m->handle;
	a->info = m->info;
	a->seen++;
}

/* Hangs a program there; the kernel answers under which handle and priority. */
static int filter_set(int nl, const struct guard *g, int prog, u16 how, struct added *a)
{
	struct {
		struct netlink_header h;
		struct netlink_tc m;
		struct netlink_attr kind;
		char bpf[4];
		struct netlink_attr options, fd;
		s32 prog;
		struct netlink_attr flags;
		u32 direct;
		struct netlink_attr name;
		char text[NAME_MOST];
	} r = {.h = {sizeof(r), NEW_FILTER, (u16)(NETLINK_REQUEST | NETLINK_ACK | how), 1, 0},
	       .m = {.index = (s32)g->ifindex,
		     .handle = g->handle,
		     .parent = g->parent,
		     .info = g->info},
	       .kind = {8, TC_KIND},
	       .bpf = "bpf",
	       .options = {(u16)(sizeof(r) - offsetof(__typeof__(r), options)),
			   TC_OPTIONS | NETLINK_NESTED},
	       .fd = {8, TC_BPF_FD},
	       .prog = prog,
	       .flags = {8, TC_BPF_FLAGS},
	       .direct = TC_DIRECT,
	       .name = {4 + NAME_MOST, TC_BPF_NAME}};

	memcpy(r.text, g->name, NAME_MOST - 1);
	return netlink_ask(nl, &r, sizeof(r), NEW_FILTER, a ? note_filter : NULL, a);
}

static bool has_filters(int nl, u32 ifindex)
{
	static const u32 parents[] = {TC_INGRESS, TC_EGRESS};
	struct added all = {0};

	for (u32 i = 0; i < ARRAY_SIZE(parents); i++) {
		struct {
			struct netlink_header h;
			struct netlink_tc m;
		} r = {.h = {sizeof(r), GET_FILTER, NETLINK_REQUEST | NETLINK_DUMP, 1, 0},
		       .m = {.index = (s32)ifindex, .parent = parents[i]}};

		netlink_ask(nl, &r, sizeof(r), NEW_FILTER, note_filter, &all);
	}
	return all.seen;
}

/* The guard keeps its socket and its netlink, and hears no signal: Ctrl-C is for those who print.
 */
static void guard_main(struct guard *g, int prog, int fd)
{
	int nl = netlink_open(), made;
	struct answer answer = {0};
	struct added a = {0};
	char leave = 0;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	made = nl < 0 ? nl : qdisc(nl, g->ifindex, true);
	answer.err = made && made != -EEXIST
			     ? made
			     : filter_set(nl, g, prog,
					  NETLINK_CREATE | NETLINK_EXCLUSIVE | NETLINK_ECHO, &a);
	answer.handle = g->handle = a.handle;
	answer.info = g->info = a.info;
	dup2(fd, 0); /* above all the standard streams: who reads our output must see its end */
	dup2(nl, 1);
	sys_close_range(2, ~0u);
	if (write(0, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) && !answer.err &&
	    read(0, &leave, 1) == 1)
		_exit(0);
	if (!answer.err)
		netlink_delete_filter(1, g->ifindex, g->parent, g->handle, g->info);
	if (!made && !has_filters(1, g->ifindex))
		qdisc(1, g->ifindex, false);
	_exit(0);
}

int guard_open(struct guard **out, u32 ifindex, bool egress, int prog, const char *name)
{
	struct guard *g = calloc(1, sizeof(*g));
	struct answer answer = {.err = -EIO};
	int ends[2], err;

	*out = NULL;
	if (!g || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		free(g);
		return g ? -errno : -ENOMEM;
	}
	*g = (struct guard){.fd = ends[0],
			    .ifindex = ifindex,
			    .parent = egress ? TC_EGRESS : TC_INGRESS,
			    .info = __builtin_bswap16(ETH_P_ALL)};
	memcpy(g->name, name, MIN(strlen(name), NAME_MOST - 1u));
	g->pid = fork();
	if (!g->pid) {
		close(ends[0]);
		guard_main(g, prog, ends[1]);
	}
	err = g->pid < 0 ? -errno : 0;
	close(ends[1]);
	if (!err)
		err = read(g->fd, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? answer.err
										      : -EIO;
	g->handle = answer.handle;
	g->info = answer.info;
	if (err)
		guard_close(g);
	else
		*out = g;
	return err;
}

struct wanted {
	u32 prog, handle, info;
};

static void find_filter(void *user, const u8 *p, const u8 *end)
{
	const struct netlink_tc *m = (const void *)p;
	const struct netlink_attr *options;
	struct wanted *w = user;

	if (end - p < (ptrdiff_t)sizeof(*m))
		return;
	options = netlink_find(p + sizeof(*m), end, TC_OPTIONS);
	if (!options ||
	    netlink_u32(netlink_find((const u8 *)(options + 1), (const u8 *)options + options->len,
				     TC_BPF_ID)) != w->prog)
		return;
	w->handle = m->handle;
	w->info = m->info;
}

int guard_replace(u32 ifindex, bool egress, u32 old, int prog, const char *name)
{
	struct guard g = {.ifindex = ifindex, .parent = egress ? TC_EGRESS : TC_INGRESS};
	struct wanted w = {.prog = old};
	struct {
		struct netlink_header h;
		struct netlink_tc m;
	} r = {.h = {sizeof(r), GET_FILTER, NETLINK_REQUEST | NETLINK_DUMP, 1, 0},
	       .m = {.index = (s32)ifindex, .parent = g.parent}};
	int nl = netlink_open(), err;

	if (nl < 0)
		return nl;
	err = netlink_ask(nl, &r, sizeof(r), NEW_FILTER, find_filter, &w);
	g.handle = w.handle;
	g.info = w.info;
	memcpy(g.name, name, MIN(strlen(name), NAME_MOST - 1u));
	if (!err)
		err = w.handle ? filter_set(nl, &g, prog, NETLINK_CREATE, NULL) : -ENOENT;
	close(nl);
	return err;
}

void guard_leave(struct guard *g)
{
	if (write(g->fd, "", 1) == 1)
		guard_close(g);
}

void guard_close(struct guard *g)
{
	close(g->fd);
	if (g->pid > 0)
		waitpid(g->pid, NULL, 0);
	free(g);
}
