/*
 * inspect_net.c: programs on network devices without a link: XDP and tc, by rtnetlink.
 *
 * In:  the devices of our network namespace. Out: a place for each program that hangs there.
 *
 * Sources: rtnetlink(7); include/uapi/linux/if_link.h, rtnetlink.h, pkt_cls.h for the numbers.
 */
#include "session/inspect.h"

#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* our copy of linux/netlink.h and its friends */
enum { NETLINK_ROUTE_FAMILY = 0, REQUEST = 1, ACK = 4, DUMP = 0x300, MSG_ERROR = 2, MSG_DONE = 3 };
enum {
	NEW_LINK = 16,
	GET_LINK = 18,
	SET_LINK = 19,
	NEW_FILTER = 44,
	DELETE_FILTER = 45,
	GET_FILTER = 46
};
enum {
	ATTR_XDP = 43,
	XDP_FD = 1,
	XDP_ATTACHED = 2,
	XDP_FLAGS = 3,
	XDP_DRV_PROG = 5,
	XDP_SKB_PROG,
	XDP_HW_PROG
};
enum { TC_KIND = 1, TC_OPTIONS = 2, TC_BPF_ID = 11 };
#define NESTED 0x8000

struct header {
	u32 len;
	u16 type, flags;
	u32 seq, pid;
};
struct link_message {
	u8 family, pad;
	u16 type;
	s32 index;
	u32 flags, change;
};
struct filter_message {
	u8 family, pad[3];
	s32 index;
	u32 handle, parent, info;
};
struct attr {
	u16 len, type;
};

struct net {
	struct inspect *i;
	struct places *places;
	int fd;
	u32 hook; /* of the filters that are being asked for */
};

/* The attribute of a type among those between p and end; NULL: none. */
static const struct attr *find(const u8 *p, const u8 *end, u16 type)
{
	while (end - p >= 4) {
		const struct attr *a = (const void *)p;

		if (a->len < 4 || a->len > end - p)
			return NULL;
		if ((a->type & ~NESTED) == type)
			return a;
		p += ALIGN_UP(a->len, 4);
	}
	return NULL;
}

static u32 get32(const struct attr *a)
{
	u32 v = 0;

	if (a && a->len >= 8)
		memcpy(&v, a + 1, 4);
	return v;
}

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

static void one_link(struct net *n, const u8 *p, const u8 *end)
{
	const struct link_message *m = (const void *)p;
	const struct attr *xdp;

	if (end - p < (ptrdiff_t)sizeof(*m))
		return;
	xdp = find(p + sizeof(*m), end, ATTR_XDP);
	for (u16 type = XDP_DRV_PROG; xdp && type <= XDP_HW_PROG; type++) {
		u32 prog = get32(find((const u8 *)(xdp + 1), (const u8 *)xdp + xdp->len, type));

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

static void one_filter(struct net *n, const u8 *p, const u8 *end)
{
	const struct filter_message *m = (const void *)p;
	const struct attr *kind, *options;
	u32 prog;

	if (end - p < (ptrdiff_t)sizeof(*m))
		return;
	kind = find(p + sizeof(*m), end, TC_KIND);
	options = find(p + sizeof(*m), end, TC_OPTIONS);
	if (!kind || kind->len < 8 || memcmp(kind + 1, "bpf", 4) != 0 || !options)
		return;
	prog = get32(
		find((const u8 *)(options + 1), (const u8 *)options + options->len, TC_BPF_ID));
	if (prog)
		add(n, (struct place){.prog = prog,
				      .net = PLACE_TC,
				      .ifindex = (u32)m->index,
				      .type = n->hook == 0xfffffff2 ? "tc ingress" : "tc egress",
				      .tc_parent = n->hook,
				      .tc_handle = m->handle,
				      .tc_info = m->info});
}

/* Sends a request and hands each answer of `type` to fn. */
static int ask(struct net *n, const void *request, u32 size, u16 type,
	       void (*fn)(struct net *, const u8 *, const u8 *))
{
	_Alignas(8) u8 room[32768];
	ssize_t got;

	if (send(n->fd, request, size, 0) < 0)
		return -errno;
	while ((got = recv(n->fd, room, sizeof(room), 0)) > 0)
		for (u8 *p = room; room + got - p >= (ptrdiff_t)sizeof(struct header);) {
			const struct header *h = (const void *)p;

			if (h->len < sizeof(*h) || h->len > (u32)(room + got - p))
				return -EIO;
			if (h->type == MSG_DONE)
				return 0;
			if (h->type == MSG_ERROR)
				return h->len >= sizeof(*h) + 4 ? *(const s32 *)(h + 1) : -EIO;
			if (h->type == type && fn)
				fn(n, p + sizeof(*h), p + h->len);
			p += ALIGN_UP(h->len, 4);
		}
	return got < 0 ? -errno : -EIO;
}

static void ask_filters(struct net *n, u32 index)
{
	static const u32 hooks[] = {0xfffffff2, 0xfffffff3}; /* clsact: ingress, egress */

	for (u32 h = 0; h < ARRAY_SIZE(hooks); h++) {
		struct {
			struct header h;
			struct filter_message m;
		} r = {.h = {sizeof(r), GET_FILTER, REQUEST | DUMP, 1, 0},
		       .m = {.index = (s32)index, .parent = hooks[h]}};

		n->hook = hooks[h];
		ask(n, &r, sizeof(r), NEW_FILTER, one_filter);
	}
}

void inspect_net(struct inspect *i, struct places *places)
{
	struct net n = {.i = i,
			.places = places,
			.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE_FAMILY)};
	struct {
		struct header h;
		struct link_message m;
	} r = {.h = {sizeof(r), GET_LINK, REQUEST | DUMP, 1, 0}};
	struct if_nameindex *all;

	if (n.fd < 0)
		return;
	ask(&n, &r, sizeof(r), NEW_LINK, one_link);
	all = if_nameindex();
	for (struct if_nameindex *d = all; d && d->if_index; d++)
		ask_filters(&n, d->if_index);
	if (all)
		if_freenameindex(all);
	close(n.fd);
}

static int detach_tc(struct net *n, const struct place *p)
{
	struct {
		struct header h;
		struct filter_message m;
		struct attr kind;
		char bpf[4];
	} r = {.h = {sizeof(r), DELETE_FILTER, REQUEST | ACK, 1, 0},
	       .m = {.index = (s32)p->ifindex,
		     .handle = p->tc_handle,
		     .parent = p->tc_parent,
		     .info = p->tc_info},
	       .kind = {8, TC_KIND},
	       .bpf = "bpf"};

	return ask(n, &r, sizeof(r), 0, NULL);
}

static int detach_xdp(struct net *n, const struct place *p)
{
	struct {
		struct header h;
		struct link_message m;
		struct attr xdp, fd;
		s32 none;
		struct attr flags;
		u32 value;
	} r = {.h = {sizeof(r), SET_LINK, REQUEST | ACK, 1, 0},
	       .m = {.index = (s32)p->ifindex},
	       .xdp = {sizeof(struct attr) * 3 + 8, ATTR_XDP | NESTED},
	       .fd = {8, XDP_FD},
	       .none = -1,
	       .flags = {8, XDP_FLAGS},
	       .value = p->attach_type};

	return ask(n, &r, sizeof(r), 0, NULL);
}

int inspect_net_detach(const struct place *p)
{
	struct net n = {.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE_FAMILY)};
	int err;

	if (n.fd < 0)
		return -errno;
	err = p->net == PLACE_TC ? detach_tc(&n, p) : detach_xdp(&n, p);
	close(n.fd);
	return err;
}
