/*
 * inspect_route.c: programs of routes, by rtnetlink: lightweight tunnels, actions of IPv6's
 * segments.
 *
 * In:  the routes of our network namespace. Out: a place for each program that hangs there, with
 * the request that takes the route away. Of a tunnel the kernel tells the name of the program, and
 * not its number: it is the one of that kind and name, or the only one of that kind.
 */
#include "engine/kernel/netlink.h"
#include "session/inspect.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <unistd.h>

enum { ROUTE_TABLE = 15, SEG6_PROG_ID = 1, TUNNEL_NAME = 2 };

struct routes {
	struct inspect *i;
	struct places *places;
};

/* The program of that kind and name. 0: none, or several of which it may be any. */
static u32 program(u32 kind, const char *name, size_t n)
{
	u32 found[2] = {0}, count[2] = {0}; /* of the kind; of the name, too */

	for (u32 id = 0; !query_next(QUERY_PROG, id, &id);) {
		struct query_prog p = {0};
		int fd = query_open(QUERY_PROG, id);

		if (fd >= 0 && !query_info(fd, &p, sizeof(p)) && p.type == kind) {
			bool same = !strncmp(p.name, name, MIN(n, sizeof(p.name) - 1));

			found[0] = id;
			count[0]++;
			found[1] = same ? id : found[1];
			count[1] += same;
		}
		if (fd >= 0)
			close(fd);
	}
	return count[1] == 1 ? found[1] : count[0] == 1 ? found[0] : 0;
}

static u32 tunnel_program(const struct netlink_attr *encap, const char **type)
{
	static const struct {
		u32 kind;
		const char *name;
	} points[] = {
		{PROG_LWT_IN, "lwt_in"}, {PROG_LWT_OUT, "lwt_out"}, {PROG_LWT_XMIT, "lwt_xmit"}};

	for (u32 i = 0; i < ARRAY_SIZE(points); i++) {
		const struct netlink_attr *name =
			netlink_inside(netlink_inside(encap, (u16)(i + 1)), TUNNEL_NAME);

		if (!netlink_inside(encap, (u16)(i + 1)))
			continue;
		*type = points[i].name;
		return program(points[i].kind, name ? (const char *)(name + 1) : "",
			       name ? strnlen((const char *)(name + 1), name->len - 4u) : 0);
	}
	return 0;
}

/* "eth0:10.1.0.0/16", "eth0:2001:db8::/32@fe80::1" */
static const char *route_name(struct inspect *i, const struct netlink_route *m,
			      const struct netlink_attr *dst, const struct netlink_attr *via,
			      u32 ifindex)
{
	char device[IF_NAMESIZE] = "?", net[64] = "0.0.0.0", gateway[64] = "";
	u32 bytes = m->family == AF_INET ? 4 : 16;

	if_indextoname(ifindex, device);
	if (m->family == AF_INET6)
		strcpy(net, "::");
	if (dst && dst->len >= 4 + bytes)
		inet_ntop(m->family, dst + 1, net, sizeof(net));
	if (via && via->len >= 4 + bytes)
		inet_ntop(m->family, via + 1, gateway, sizeof(gateway));
	return arena_printf(&i->arena, "%s:%s/%u%s%s", device, net, m->dst_bits,
			    *gateway ? "@" : "", gateway);
}

/* The request that takes the route away. */
static void undo(struct inspect *i, struct place *p, const struct netlink_route *m, const u8 *attrs,
		 const u8 *end)
{
	static const u16 names[] = {ROUTE_DST, ROUTE_DEVICE, ROUTE_GATEWAY, ROUTE_TABLE};
	struct netlink_request *r = arena_array(&i->arena, struct netlink_request, 1);

	netlink_begin(r, DELETE_ROUTE, NETLINK_ACK, m, sizeof(*m));
	for (u32 n = 0; n < ARRAY_SIZE(names); n++) {
		const struct netlink_attr *a = netlink_find(attrs, end, names[n]);

		if (a)
			netlink_add(r, names[n], a + 1, a->len - 4u);
	}
	p->undo = r;
}

static void one_route(void *user, const u8 *body, const u8 *end)
{
	const struct netlink_route *m = (const void *)body;
	const u8 *attrs = body + sizeof(*m);
	struct place p = {.net = PLACE_ROUTE};
	const struct netlink_attr *encap, *kind;
	struct routes *r = user;
	u16 type;

	if (end - body < (ptrdiff_t)sizeof(*m))
		return;
	kind = netlink_find(attrs, end, ROUTE_ENCAP_TYPE);
	if (!kind || kind->len < 6)
		return;
	memcpy(&type, kind + 1, sizeof(type));
	encap = netlink_find(attrs, end, ROUTE_ENCAP);
	if (type == ENCAP_BPF) {
		p.prog = tunnel_program(encap, &p.type);
	} else if (type == ENCAP_SEG6_LOCAL) {
		p.type = "lwt_seg6local";
		p.prog = netlink_u32(netlink_inside(netlink_inside(encap, SEG6_BPF), SEG6_PROG_ID));
	}
	if (!p.prog)
		return;
	p.ifindex = netlink_u32(netlink_find(attrs, end, ROUTE_DEVICE));
	p.target = route_name(r->i, m, netlink_find(attrs, end, ROUTE_DST),
			      netlink_find(attrs, end, ROUTE_GATEWAY), p.ifindex);
	undo(r->i, &p, m, attrs, end);
	vec_push(&r->i->arena, &r->places->list, p);
}

void inspect_routes(struct inspect *i, struct places *places)
{
	static const u8 families[] = {AF_INET, AF_INET6};
	struct routes r = {i, places};
	int fd = netlink_open();

	for (u32 f = 0; fd >= 0 && f < ARRAY_SIZE(families); f++) {
		const struct netlink_route m = {.family = families[f]};
		struct netlink_request q;

		netlink_begin(&q, GET_ROUTE, NETLINK_DUMP, &m, sizeof(m));
		netlink_send(fd, &q, NEW_ROUTE, one_route, &r);
	}
	if (fd >= 0)
		close(fd);
}
