/*
 * link_route.c: programs at routes: lightweight tunnels, and the actions of IPv6's segments.
 *
 * In:  rows as "eth0:10.1.0.0/16", "eth0:2001:db8::/32@fe80::1": a device, a net, perhaps the
 *      gateway to it. Out: a new route, whose packets the program sees; the kernel has no links
 *      for them, so a guard takes it away.
 */
#include "engine/kernel/guard.h"
#include "engine/kernel/kernel.h"
#include "engine/kernel/netlink.h"
#include "isa/isa.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	TABLE_MAIN = 254,
	PROTOCOL_BOOT = 3,
	SCOPE_UNIVERSE = 0,
	SCOPE_LINK = 253,
	TYPE_UNICAST = 1
};
enum { BPF_IN = 1, BPF_OUT, BPF_XMIT }; /* of LWTUNNEL_ENCAP_BPF */

struct address {
	u8 family, size; /* 0: none */
	u8 bytes[16];
};
struct route {
	struct guarded base; /* first */
	struct address net, gateway;
	u8 bits;
	u32 ifindex;
	int prog;
	u32 kind; /* enum prog_kind */
	const char *name;
};

static void add_program(struct netlink_request *r, const struct route *t, u16 nest_type)
{
	u32 nest = netlink_nest(r, nest_type);

	netlink_add_u32(r, ENCAP_PROG_FD, (u32)t->prog);
	netlink_add_text(r, ENCAP_PROG_NAME, t->name);
	netlink_nest_end(r, nest);
}

static void add_encap(struct netlink_request *r, const struct route *t)
{
	bool segment = t->kind == PROG_LWT_SEG6LOCAL;
	u16 type = segment ? ENCAP_SEG6_LOCAL : ENCAP_BPF;
	u32 nest;

	netlink_add(r, ROUTE_ENCAP_TYPE, &type, sizeof(type));
	nest = netlink_nest(r, ROUTE_ENCAP);
	if (segment)
		netlink_add_u32(r, SEG6_ACTION, SEG6_END_BPF);
	add_program(r, t,
		    segment                   ? SEG6_BPF
		    : t->kind == PROG_LWT_IN  ? BPF_IN
		    : t->kind == PROG_LWT_OUT ? BPF_OUT
					      : BPF_XMIT);
	netlink_nest_end(r, nest);
}

static int ask(const struct route *t, int nl, bool add)
{
	const struct netlink_route m = {.family = t->net.family,
					.dst_bits = t->bits,
					.table = TABLE_MAIN,
					.protocol = PROTOCOL_BOOT,
					.scope = t->gateway.size || t->net.size > 4 ? SCOPE_UNIVERSE
										    : SCOPE_LINK,
					.type = TYPE_UNICAST};
	struct netlink_request r;

	netlink_begin(&r, add ? NEW_ROUTE : DELETE_ROUTE,
		      NETLINK_ACK | (add ? NETLINK_CREATE | NETLINK_EXCLUSIVE : 0), &m, sizeof(m));
	netlink_add(&r, ROUTE_DST, t->net.bytes, t->net.size);
	netlink_add_u32(&r, ROUTE_DEVICE, t->ifindex);
	if (t->gateway.size)
		netlink_add(&r, ROUTE_GATEWAY, t->gateway.bytes, t->gateway.size);
	if (add)
		add_encap(&r, t);
	return netlink_send(nl, &r, 0, NULL, NULL);
}

static int put(struct guarded *g, int nl)
{
	return ask((const struct route *)g, nl, true);
}

static void take(struct guarded *g, int nl, bool was_put)
{
	if (was_put)
		ask((const struct route *)g, nl, false);
}

/* ---- as text */

static bool read_address(struct address *a, const char *text)
{
	bool six = strchr(text, ':') != NULL;

	*a = (struct address){six ? AF_INET6 : AF_INET, six ? 16 : 4, {0}};
	return inet_pton(a->family, text, a->bytes) == 1;
}

/* Bits behind the net's own must be 0: the kernel wants it. */
static bool read_net(struct route *t, char *text)
{
	char *slash = strchr(text, '/'), *end = NULL;
	unsigned long bits = 0;

	if (slash) {
		*slash = 0;
		bits = strtoul(slash + 1, &end, 10);
		if (end == slash + 1 || *end)
			return false;
	}
	if (!read_address(&t->net, text) || bits > t->net.size * 8u)
		return false;
	t->bits = (u8)(slash ? bits : t->net.size * 8u);
	for (u32 i = 0; i < t->net.size; i++)
		t->net.bytes[i] &= (u8)(t->bits >= 8 * (i + 1) ? 255
					: t->bits > 8 * i      ? 0xff00 >> (t->bits - 8 * i)
							       : 0);
	return true;
}

/* "eth0:10.1.0.0/16@10.0.0.1" */
static bool read_route(struct route *t, const char *pattern, char *device)
{
	size_t n = strcspn(pattern, ":");
	char text[128], *at;

	if (!n || n >= IF_NAMESIZE || !pattern[n] || strlen(pattern + n) >= sizeof(text))
		return false;
	memcpy(device, pattern, n);
	device[n] = 0;
	snprintf(text, sizeof(text), "%s", pattern + n + 1);
	at = strchr(text, '@');
	if (at)
		*at = 0;
	return read_net(t, text) &&
	       (!at || (read_address(&t->gateway, at + 1) && t->gateway.family == t->net.family));
}

int link_route(struct kernel_engine *k, const struct attach *a)
{
	const struct object_prog *p = &k->base.object->progs.v[a->prog];
	struct route t = {.base = {.put = put, .take = take}, .prog = k->progs[a->prog], .kind = p->kind};
	struct hook h = {.at = a, .prog = a->prog, .fd = -1};
	struct diag *d = k->base.diag;
	char device[IF_NAMESIZE];
	int err;

	t.name = p->name;
	if (!read_route(&t, a->pattern, device))
		return diag_fail(d, -EINVAL, "lwt:eth0:10.1.0.0/16, lwt:eth0:2001:db8::/32@fe80::1",
				 "cannot attach %s: it names no device and net", p->probe);
	if (p->kind == PROG_LWT_SEG6LOCAL && t.net.size == 4)
		return diag_fail(d, -EINVAL, "a net of IPv6",
				 "cannot attach %s: segments are of IPv6", p->probe);
	t.ifindex = h.ifindex = hook_device(k, a, device);
	if (!t.ifindex)
		return -ENODEV;
	err = guard_open(&h.guard, &t.base);
	if (!err)
		return hook_keep(k, &h);
	if (err == -EEXIST)
		return diag_fail(d, err, "a narrower net goes before it; or `ip route delete`",
				 "cannot attach %s: there is a route to that net", p->probe);
	if (err == -ENETDOWN || err == -ENETUNREACH || err == -EHOSTUNREACH)
		return diag_fail(d, err, "`ip link set DEVICE up`; @GATEWAY must be reached by it",
				 "cannot attach %s: %s", p->probe, strerror(-err));
	return hook_refused(k, a, err);
}
