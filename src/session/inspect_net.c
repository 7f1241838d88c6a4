/*
 * inspect_net.c: programs on network devices without a link: XDP and tc, by rtnetlink.
 *
 * In:  the devices of our network namespace. Out: a place for each program that hangs there.
 */
#include "engine/kernel/netlink.h"
#include "session/inspect.h"

#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

enum {
	ATTR_XDP = 43,
	XDP_FD = 1,
	XDP_ATTACHED = 2,
	XDP_FLAGS = 3,
	XDP_DRV_PROG = 5,
	XDP_SKB_PROG,
	XDP_HW_PROG
};

#define ACTIONS_MOST 32 /* behind a filter */

struct net {
	struct inspect *i;
	struct places *places;
	int fd;
	u32 hook; /* of the filters that are being asked for */
};

static const char *device(struct inspect *i, u32 index)
{
	char name[IF_NAMESIZE];

	return if_indextoname(index, name) ? arena_strdup(&i->arena, name) : "?";
}

/* A program that no link of the device explains. */
static void add(struct net *n, struct place p)
{
	vec_each (at, &n->places->list)
		if (at->prog == p.prog && at->ifindex == p.ifindex && !strcmp(at->type, p.type) &&
		    at->tc_handle == p.tc_handle && at->tc_info == p.tc_info)
			return;
	p.target = device(n->i, p.ifindex);
	vec_push(&n->i->arena, &n->places->list, p);
}

static void one_link(void *user, const u8 *p, const u8 *end)
{
	struct net *n = user;
	const struct netlink_link *m = (const void *)p;
	const struct netlink_attr *xdp;

	if (end - p < (ptrdiff_t)sizeof(*m))
		return;
	xdp = netlink_find(p + sizeof(*m), end, ATTR_XDP);
	for (u16 type = XDP_DRV_PROG; xdp && type <= XDP_HW_PROG; type++) {
		u32 prog = netlink_u32(
			netlink_find((const u8 *)(xdp + 1), (const u8 *)xdp + xdp->len, type));

		if (prog) /* flags say which of the modes: 2 generic, 4 driver, 8 hardware */
			add(n, (struct place){.prog = prog,
					      .type = "xdp",
					      .net = PLACE_XDP,
					      .ifindex = (u32)m->index,
					      .attach_type = type == XDP_SKB_PROG   ? 2
							     : type == XDP_DRV_PROG ? 4
										    : 8});
	}
}

/* The program is the filter itself, or an action behind it. */
static void one_filter(void *user, const u8 *p, const u8 *end)
{
	struct net *n = user;
	const struct netlink_tc *m = (const void *)p;
	const struct netlink_attr *kind, *options, *actions;
	struct place place;

	if (end - p < (ptrdiff_t)sizeof(*m))
		return;
	kind = netlink_find(p + sizeof(*m), end, TC_KIND);
	options = netlink_find(p + sizeof(*m), end, TC_OPTIONS);
	if (!kind || kind->len < 8 || memcmp(kind + 1, "bpf", 4) != 0 || !options)
		return;
	place = (struct place){.net = PLACE_TC,
			       .ifindex = (u32)m->index,
			       .type = n->hook == TC_INGRESS ? "tc ingress" : "tc egress",
			       .tc_parent = n->hook,
			       .tc_handle = m->handle,
			       .tc_info = m->info};
	place.prog = netlink_u32(netlink_inside(options, TC_BPF_ID));
	if (place.prog)
		add(n, place);
	actions = netlink_inside(options, TC_BPF_ACTIONS);
	for (u16 i = 1; i <= ACTIONS_MOST; i++) {
		place.prog = netlink_u32(netlink_inside(
			netlink_inside(netlink_inside(actions, i), ACT_OPTIONS), ACT_BPF_ID));
		if (place.prog)
			add(n, place);
	}
}

static void ask_filters(struct net *n, u32 index)
{
	static const u32 hooks[] = {TC_INGRESS, TC_EGRESS}; /* clsact: ingress, egress */

	for (u32 h = 0; h < ARRAY_SIZE(hooks); h++) {
		struct {
			struct netlink_header h;
			struct netlink_tc m;
		} r = {.h = {sizeof(r), GET_FILTER, NETLINK_REQUEST | NETLINK_DUMP, 1, 0},
		       .m = {.index = (s32)index, .parent = hooks[h]}};

		n->hook = hooks[h];
		netlink_ask(n->fd, &r, sizeof(r), NEW_FILTER, one_filter, n);
	}
}

void inspect_net(struct inspect *i, struct places *places)
{
	struct net n = {.i = i, .places = places, .fd = netlink_open()};
	struct {
		struct netlink_header h;
		struct netlink_link m;
	} r = {.h = {sizeof(r), GET_LINK, NETLINK_REQUEST | NETLINK_DUMP, 1, 0}};
	struct if_nameindex *all;

	if (n.fd < 0)
		return;
	netlink_ask(n.fd, &r, sizeof(r), NEW_LINK, one_link, &n);
	all = if_nameindex();
	for (struct if_nameindex *d = all; d && d->if_index; d++)
		ask_filters(&n, d->if_index);
	if (all)
		if_freenameindex(all);
	close(n.fd);
}

static int detach_xdp(int fd, const struct place *p)
{
	struct {
		struct netlink_header h;
		struct netlink_link m;
		struct netlink_attr xdp, fd;
		s32 none;
		struct netlink_attr flags;
		u32 value;
	} r = {.h = {sizeof(r), SET_LINK, NETLINK_REQUEST | NETLINK_ACK, 1, 0},
	       .m = {.index = (s32)p->ifindex},
	       .xdp = {sizeof(struct netlink_attr) * 3 + 8, ATTR_XDP | NETLINK_NESTED},
	       .fd = {8, XDP_FD},
	       .none = -1,
	       .flags = {8, XDP_FLAGS},
	       .value = p->attach_type};

	return netlink_ask(fd, &r, sizeof(r), 0, NULL, NULL);
}

int inspect_net_detach(const struct place *p)
{
	int fd = netlink_open(), err;

	if (fd < 0)
		return fd;
	err = p->net == PLACE_ROUTE ? netlink_send(fd, p->undo, 0, NULL, NULL)
	      : p->net == PLACE_TC  ? netlink_delete_filter(fd, p->ifindex, p->tc_parent,
							    p->tc_handle, p->tc_info)
				    : detach_xdp(fd, p);
	close(fd);
	return err;
}
