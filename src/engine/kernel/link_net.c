/*
 * link_net.c: attaches programs where packets pass: XDP, tc, cgroups, a socket.
 *
 * In:  rows as "eth0", "eth0:egress", "/sys/fs/cgroup/web:ingress". Out: links, which end with us,
 *      or the best that an older kernel or a simple driver has; a note says so.
 */
#include "engine/kernel/guard.h"
#include "engine/kernel/kernel.h"
#include "isa/isa.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define IP6GRE           823 /* of if_arp.h, where that is new */
#define AF_PACKET_       17
#define ETH_P_ALL        3
#define SO_ATTACH_BPF_   50
#define CGROUP_ROOT      "/sys/fs/cgroup"
#define CGROUP_ROOT_BOTH "/sys/fs/cgroup/unified" /* where version 1 is mounted, too */

int hook_keep(struct kernel_engine *k, const struct hook *h)
{
	struct hook *more = realloc(k->hooks, (k->nhooks + 1) * sizeof(*more));

	if (!more) {
		if (h->guard)
			guard_close(h->guard);
		else
			close(h->fd);
		return -ENOMEM;
	}
	k->hooks = more;
	k->hooks[k->nhooks++] = *h;
	return 0;
}

void hooks_close(struct kernel_engine *k)
{
	while (k->nhooks) {
		const struct hook *h = &k->hooks[--k->nhooks];

		if (h->guard)
			guard_close(h->guard);
		else
			close(h->fd);
	}
	free(k->hooks);
	k->hooks = NULL;
}

static const char *probe_of(const struct kernel_engine *k, const struct attach *a)
{
	return k->base.object->progs.v[a->prog].probe;
}

/* The number of a device; 0, with a message: there is none of that name. */
u32 hook_device(struct kernel_engine *k, const struct attach *a, const char *name)
{
	u32 index = if_nametoindex(name);

	if (!index)
		diag_fail(k->base.diag, -ENODEV, "`ip link` lists what there is",
			  "cannot attach %s: there is no device %s", probe_of(k, a), name);
	return index;
}

/* "PLACE:ingress": the place is copied; is it for what goes out? -EINVAL with a message. */
static int direction(struct kernel_engine *k, const struct attach *a, char *place, size_t size)
{
	bool egress;
	size_t n = attach_place(a->pattern, &egress);

	if (!n || n >= size)
		return diag_fail(k->base.diag, -EINVAL,
				 "ingress is what comes in, egress what goes out",
				 "cannot attach %s: %s needs a place and a direction, as %s",
				 probe_of(k, a), attach_infos[a->kind].name,
				 a->kind == ATTACH_TC ? "tc:eth0:ingress"
						      : "cgroup_skb:/sys/fs/cgroup/web:egress");
	memcpy(place, a->pattern, n);
	place[n] = 0;
	return egress;
}

int hook_refused(struct kernel_engine *k, const struct attach *a, int err)
{
	struct diag *d = k->base.diag;

	if (err == -EBUSY || err == -EEXIST)
		return diag_fail(d, err,
				 "`waggle ps` tells whose it is, `waggle detach` takes it away",
				 "cannot attach %s: another program is there", probe_of(k, a));
	if (err == -EOPNOTSUPP || err == -EINVAL)
		return diag_fail(d, err, NULL,
				 "cannot attach %s: the kernel has no such place there",
				 probe_of(k, a));
	return why_failed(k, err, "cannot attach %s", probe_of(k, a));
}

/* As the kernel itself tells devices whose packets have no header of a link. */
bool kernel_device_bare(const char *place)
{
	static const u16 bare[] = {ARPHRD_TUNNEL, ARPHRD_TUNNEL6, ARPHRD_SIT,
				   ARPHRD_IPGRE,  IP6GRE,         ARPHRD_VOID,
				   ARPHRD_NONE,   ARPHRD_RAWIP,   ARPHRD_PPP};
	size_t n = strcspn(place, ":");
	struct ifreq r = {0};
	int fd, err;

	if (n >= sizeof(r.ifr_name))
		return false;
	memcpy(r.ifr_name, place, n);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	err = fd < 0 ? -1 : ioctl(fd, SIOCGIFHWADDR, &r);
	if (fd >= 0)
		close(fd);
	for (u32 i = 0; !err && i < ARRAY_SIZE(bare); i++)
		if (r.ifr_hwaddr.sa_family == bare[i])
			return true;
	return false;
}

/* Scripts are compiled for Ethernet, on whatever machine. */
static void warn_bare(struct kernel_engine *k, const struct attach *a)
{
	if (!k->base.object->plain && kernel_device_bare(a->pattern))
		diag_warn(k->base.diag, (struct loc){0},
			  "cgroup_skb:PATH sees what processes send and receive",
			  "%s: packets have no Ethernet header there: the script's filters and "
			  "values of headers find nothing",
			  probe_of(k, a));
}

/* ---- XDP: in the driver, else in front of the network stack */

int link_xdp(struct kernel_engine *k, const struct attach *a)
{
	u32 index = hook_device(k, a, a->pattern);
	struct hook h = {.at = a, .prog = a->prog, .ifindex = index};
	int native;

	if (!index)
		return -ENODEV;
	warn_bare(k, a);
	h.fd = native = sys_link_create(k->progs[a->prog], index, ATTACH_TYPE_XDP, XDP_NATIVE);
	if (native < 0 && native != -EBUSY && native != -EEXIST && native != -EPERM)
		h.fd = sys_link_create(k->progs[a->prog], index, ATTACH_TYPE_XDP, XDP_GENERIC);
	if (h.fd < 0)
		return hook_refused(k, a, h.fd);
	if (native == -EOPNOTSUPP)
		diag_note(k->base.diag, NULL,
			  "%s: the driver runs no XDP: generic XDP, which is slower", a->pattern);
	else if (native < 0)
		diag_note(k->base.diag,
			  native == -ERANGE ? "a smaller MTU, as 3000, lets the driver" : NULL,
			  "%s: the driver does not run it (%s): generic XDP, which is slower",
			  a->pattern,
			  native == -ERANGE ? "its MTU is too large" : strerror(-native));
	return hook_keep(k, &h);
}

/* ---- tc: a link (tcx), else a filter at clsact that a guard takes away */

static int tc_old(struct kernel_engine *k, const struct attach *a, u32 index, bool egress)
{
	const struct object_prog *p = &k->base.object->progs.v[a->prog];
	const struct clsact what = {.ifindex = index,
				    .egress = egress,
				    .action = p->kind == PROG_SCHED_ACT,
				    .prog = k->progs[a->prog],
				    .name = p->name};
	struct hook h = {.at = a, .prog = a->prog, .ifindex = index, .fd = -1};
	int err = clsact_guard(&h.guard, &what);

	if (err == -ENOENT && what.action)
		return diag_fail(k->base.diag, -EOPNOTSUPP,
				 "modprobe -a sch_ingress cls_bpf act_bpf",
				 "cannot attach %s: this kernel has no actions that are programs",
				 probe_of(k, a));
	if (err == -ENOENT)
		return diag_fail(k->base.diag, -EOPNOTSUPP, "modprobe -a sch_ingress cls_bpf",
				 "cannot attach %s: this kernel has neither tcx (6.6) nor clsact",
				 probe_of(k, a));
	if (err)
		return hook_refused(k, a, err);
	diag_note(k->base.diag, NULL,
		  "%s: %s at clsact, which a process takes away when this one ends", a->pattern,
		  what.action ? "an action" : "this kernel has no tcx (6.6): a filter");
	return hook_keep(k, &h);
}

int link_tc(struct kernel_engine *k, const struct attach *a)
{
	char name[IF_NAMESIZE];
	int egress = direction(k, a, name, sizeof(name));
	struct hook h = {.at = a, .prog = a->prog, .fd = -EINVAL};
	u32 index;

	if (egress < 0)
		return egress;
	h.ifindex = index = hook_device(k, a, name);
	if (!index)
		return -ENODEV;
	warn_bare(k, a);
	if (k->kernel >= KERNEL(6, 6) && !(k->opts.without & WITHOUT_TCX) &&
	    k->base.object->progs.v[a->prog].kind == PROG_SCHED_CLS)
		h.fd = sys_link_create(k->progs[a->prog], index,
				       egress ? ATTACH_TYPE_TCX_EGRESS : ATTACH_TYPE_TCX_INGRESS,
				       0);
	if (h.fd == -EINVAL)
		return tc_old(k, a, index, egress);
	return h.fd < 0 ? hook_refused(k, a, h.fd) : hook_keep(k, &h);
}

/* ---- cgroups */

/* The folder, or the path below the mount of version 2. */
static int cgroup_open(const char *path)
{
	static const char *const roots[] = {"", CGROUP_ROOT_BOTH "/", CGROUP_ROOT "/"};
	char full[4096];
	int fd = -1;

	for (u32 i = 0; fd < 0 && i < ARRAY_SIZE(roots); i++) {
		snprintf(full, sizeof(full), "%s%s", roots[i], path);
		fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

static int cgroup_link(struct kernel_engine *k, const struct attach *a, const char *path, u32 type)
{
	struct hook h = {.prog = a->prog};
	int cgroup = cgroup_open(path);

	if (cgroup < 0)
		return diag_fail(k->base.diag, cgroup,
				 "the cgroup's folder, as " CGROUP_ROOT "/system.slice",
				 "cannot attach %s: cgroup '%s' cannot be opened: %s",
				 probe_of(k, a), path, strerror(-cgroup));
	h.fd = sys_link_create(k->progs[a->prog], (u32)cgroup, type, 0);
	close(cgroup);
	if (h.fd == -EBADF || h.fd == -EINVAL)
		return diag_fail(k->base.diag, h.fd, "mount -t cgroup2 none DIR",
				 "cannot attach %s: '%s' is no cgroup of version 2", probe_of(k, a),
				 path);
	return h.fd < 0 ? hook_refused(k, a, h.fd) : hook_keep(k, &h);
}

int link_cgroup(struct kernel_engine *k, const struct attach *a)
{
	char path[4096];
	int egress = direction(k, a, path, sizeof(path));

	return egress < 0 ? egress : cgroup_link(k, a, path, (u32)egress);
}

/* Where its section says that it belongs in a cgroup: sockets, addresses, devices, ... */
int link_cgroup_of(struct kernel_engine *k, const struct attach *a)
{
	return cgroup_link(k, a, a->pattern, k->base.object->progs.v[a->prog].attach_type);
}

/* ---- a socket of our own that nobody reads: its filter sees all packets, and keeps none */

int link_socket(struct kernel_engine *k, const struct attach *a)
{
	u16 all = __builtin_bswap16(ETH_P_ALL);
	struct { /* struct sockaddr_ll */
		u16 family, protocol;
		s32 index;
		u8 rest[12];
	} where = {.family = AF_PACKET_, .protocol = all};
	struct hook h = {.at = a, .prog = a->prog};
	int err;

	h.ifindex = hook_device(k, a, a->pattern);
	where.index = (s32)h.ifindex;
	if (!where.index)
		return -ENODEV;
	warn_bare(k, a);
	h.fd = socket(AF_PACKET_, SOCK_RAW | SOCK_CLOEXEC, 0); /* protocol 0: nothing yet */
	if (h.fd < 0)
		return why_failed(k, -errno, "cannot attach %s: packets of devices cannot be seen",
				  probe_of(k, a));
	if (setsockopt(h.fd, SOL_SOCKET, SO_ATTACH_BPF_, &k->progs[a->prog], sizeof(int)) ||
	    bind(h.fd, (const struct sockaddr *)&where, sizeof(where))) {
		err = -errno;
		close(h.fd);
		return hook_refused(k, a, err);
	}
	return hook_keep(k, &h);
}
