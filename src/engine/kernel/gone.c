/*
 * gone.c: network devices that go while programs are attached to them.
 *
 * In:  what rtnetlink(7) says of devices. Out: a warning for each place whose device has gone, and
 * how many those are. The kernel takes the program away with the device, and tells no holder.
 */
#include "engine/kernel/kernel.h"
#include "engine/kernel/netlink.h"
#include "query/query.h"

#include <errno.h>
#include <net/if.h>
#include <sys/socket.h>

static bool of_device(u8 kind)
{
	return kind == ATTACH_XDP || kind == ATTACH_TC || kind == ATTACH_SOCKET ||
	       kind == ATTACH_ROUTE;
}

void devices_listen(struct kernel_engine *k)
{
	bool wanted = false;
	int fd;

	vec_each (a, &k->base.object->attaches)
		wanted |= of_device(a->kind);
	if (!wanted || k->devices >= 0)
		return;
	fd = netlink_listen_links();
	if (fd < 0)
		diag_warn(k->base.diag, (struct loc){0}, NULL,
			  "a device that goes will not be noticed: cannot listen to them: %s",
			  strerror(-fd));
	k->devices = MAX(fd, -1);
}

int kernel_devices_fd(const struct engine *e)
{
	const struct kernel_engine *k = (const struct kernel_engine *)e;

	return k->devices;
}

/* A link knows; a filter, a route and a socket go with the device, also into another namespace. */
static bool is_gone(const struct hook *h)
{
	struct query_link l = {0};
	char name[IF_NAMESIZE];

	if (h->fd >= 0 && !query_info(h->fd, &l, sizeof(l)))
		return !l.net.ifindex;
	return !if_indextoname(h->ifindex, name);
}

u32 kernel_devices_gone(struct engine *e)
{
	struct kernel_engine *k = (struct kernel_engine *)e;
	char name[IF_NAMESIZE];
	u8 room[4096];
	u32 n = 0;

	while (recv(k->devices, room, sizeof(room), 0) >= 0 || errno == ENOBUFS)
		; /* which one it was does not matter: all are asked */
	for (u32 i = 0; i < k->nhooks; i++) {
		struct hook *h = &k->hooks[i];

		if (!h->ifindex)
			continue;
		if (!h->gone && is_gone(h)) {
			h->gone = true;
			diag_warn(e->diag, (struct loc){0}, NULL,
				  "%s:%s: %s: nothing is seen there any more",
				  attach_infos[h->at->kind].name, h->at->pattern,
				  if_indextoname(h->ifindex, name) ? "somebody has detached it"
								   : "the device has gone");
		}
		n += h->gone;
	}
	return n;
}
