/*
 * lower_id.c: primitives of an id: hosts, nets, ports, gateways, protocols by name or number.
 *
 * In:  qualifiers and a name, an address or a number. Out: tests.
 */
#include "filter/inside.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

/* One test for the source, one for the destination, joined as the direction says. */
static struct tree *by_direction(struct lower *l, u32 dir, const void *what,
				 struct tree *(*one)(struct lower *, bool dst, const void *what))
{
	struct values *vs = l->values;
	struct tree *src;

	switch (dir) {
	case WORD_SRC: return one(l, false, what);
	case WORD_DST: return one(l, true, what);
	case WORD_SRC_AND_DST:
		src = one(l, false, what);
		return tree_and(vs, src, src ? one(l, true, what) : NULL);
	case 0:
	case WORD_SRC_OR_DST:
		src = one(l, false, what);
		return tree_or(vs, src, src ? one(l, true, what) : NULL);
	default:
		return ask_failed(l, l->at->at, "src and dst",
				  "'%s' is a direction of 802.11 alone", word_table[dir].name);
	}
}

/* ---- addresses */

static struct tree *ether_one(struct lower *l, bool dst, const void *what)
{
	return ask_bytes(l, BASE_HEADER, dst ? 0 : 6, 6, what);
}

struct tree *ask_ether(struct lower *l, const u8 mac[6], u32 dir)
{
	if (link_is_wireless(l->link))
		return wireless_address(l, mac, dir);
	if (l->link->number != 1)
		return ask_failed(l, l->at->at, NULL, "%s has no addresses of Ethernet",
				  l->link->says);
	return ask_framed(l, by_direction(l, dir, mac, ether_one));
}

struct ip4 {
	u32 type, address, mask, src, dst;
};

static struct tree *ip4_one(struct lower *l, bool dst, const void *what)
{
	const struct ip4 *a = what;
	struct tree *type = ask_type(l, a->type);

	if (!a->mask)
		return type;
	return tree_and(l->values, type,
			ask_masked(l, BASE_NET, dst ? a->dst : a->src, 4, a->address, a->mask));
}

static struct tree *ip4_of(struct lower *l, u32 address, u32 mask, u32 word, u32 dir)
{
	struct ip4 a = {0x800, address & mask, mask, 12, 16};

	if (word != WORD_IP)
		a = (struct ip4){word == WORD_ARP ? 0x806 : 0x8035, address & mask, mask, 14, 24};
	return by_direction(l, dir, &a, ip4_one);
}

static const char *no_host(u32 proto)
{
	switch (proto) {
	case WORD_TCP:
	case WORD_UDP:
	case WORD_SCTP:
	case WORD_ICMP:
	case WORD_IGMP:
	case WORD_ICMP6: return "write 'ip host ADDRESS and tcp', or what it should be";
	default: return "ip, ip6, arp, rarp and decnet have";
	}
}

struct tree *ask_address(struct lower *l, u32 address, u32 mask, u32 proto, u32 dir)
{
	struct values *vs = l->values;
	struct tree *t, *arp, *rarp;

	if (proto == WORD_IP || proto == WORD_ARP || proto == WORD_RARP)
		return ip4_of(l, address, mask, proto, dir);
	if (proto)
		return ask_failed(l, l->at->at, no_host(proto), "'%s' has no addresses of IPv4",
				  word_table[proto].name);
	t = ip4_of(l, address, mask, WORD_IP, dir);
	if (l->labels)
		return t;
	arp = t ? ip4_of(l, address, mask, WORD_ARP, dir) : NULL;
	rarp = arp ? ip4_of(l, address, mask, WORD_RARP, dir) : NULL;
	return tree_or(vs, tree_or(vs, t, arp), rarp);
}

struct ip6 {
	u32 words[4], masks[4];
};

static struct tree *ip6_one(struct lower *l, bool dst, const void *what)
{
	const struct ip6 *a = what;
	struct tree *t = ask_type(l, 0x86dd);

	for (u32 i = 0; i < 4; i++)
		if (a->masks[i])
			t = tree_and(l->values, t,
				     ask_masked(l, BASE_NET, (dst ? 24 : 8) + 4 * i, 4, a->words[i],
						a->masks[i]));
	return t;
}

static struct tree *ip6_of(struct lower *l, const u8 bytes[16], u32 prefix, u32 proto, u32 dir)
{
	struct ip6 a;

	if (proto && proto != WORD_IP6)
		return ask_failed(l, l->at->at, NULL, "'%s' has no addresses of IPv6",
				  word_table[proto].name);
	for (u32 i = 0; i < 4; i++) {
		u32 bits = prefix > 32 * i ? MIN(prefix - 32 * i, 32) : 0;

		a.words[i] = (u32)bytes[4 * i] << 24 | (u32)bytes[4 * i + 1] << 16 |
			     (u32)bytes[4 * i + 2] << 8 | bytes[4 * i + 3];
		a.masks[i] = bits ? ~0u << (32 - bits) : 0;
		if (a.words[i] & ~a.masks[i])
			return ask_failed(l, l->at->at, "they must be 0",
					  "the address has bits behind its first %u", prefix);
	}
	return by_direction(l, dir, &a, ip6_one);
}

static struct tree *host_named(struct lower *l, const char *name, u32 proto, u32 dir)
{
	struct host_addresses found = {0};
	struct tree *t = NULL, *one;

	if (names_host(&l->names, name, &found))
		return ask_failed(l, l->at->id->at,
				  "names are looked up in /etc/hosts, no server is asked: give "
				  "the address",
				  "there is no host '%s'", name);
	vec_each (a, &found.v) {
		u32 address = (u32)a->bytes[0] << 24 | (u32)a->bytes[1] << 16 |
			      (u32)a->bytes[2] << 8 | a->bytes[3];

		if (a->v6 ? (proto && proto != WORD_IP6) : proto == WORD_IP6)
			continue;
		one = a->v6 ? ip6_of(l, a->bytes, 128, proto, dir)
			    : ask_address(l, address, UINT32_MAX, proto, dir);
		if (!one)
			return NULL;
		t = t ? tree_or(l->values, t, one) : one;
	}
	return t ? t
		 : ask_failed(l, l->at->id->at, NULL, "'%s' has no address of '%s'", name,
			      word_table[proto].name);
}

/* ---- hosts and nets */

static struct tree *ip4_net(struct lower *l, const struct expr *e, u32 address, u32 parts)
{
	u32 left = parts ? 32 - 8 * parts : 0, mask = ~0u, bits = e->number, mask_parts;

	if (e->mask) {
		if (!parse_ip4(e->mask->text, &mask, &mask_parts))
			return ask_failed(l, e->mask->at, NULL, "this is no mask");
		mask = mask_parts < 4 ? mask << (32 - 8 * mask_parts) : mask;
	} else {
		if (bits > 32)
			return ask_failed(l, e->id->at, NULL, "an address has 32 bits, not %u",
					  bits);
		mask = bits ? ~0u << (32 - bits) : 0;
	}
	address = left < 32 ? address << left : address;
	if (e->q.type && e->q.type != WORD_NET)
		return ask_failed(l, e->id->at, "net, not host", "only nets have masks");
	if (address & ~mask)
		return ask_failed(l, e->id->at, "they must be 0",
				  "the address has bits outside of the mask");
	return ask_address(l, address, mask, e->q.proto, e->q.dir);
}

/* A number or a short address: 10 and 10.1 as nets are 10.0.0.0/8, 10.1.0.0/16. */
static struct tree *ip4_short(struct lower *l, const struct expr *e, u32 address, u32 parts)
{
	u32 mask = ~0u;

	if (e->q.type == WORD_NET) {
		while (address && !(address >> 24)) {
			address <<= 8;
			mask <<= 8;
		}
	} else if (parts && parts < 4) {
		address <<= 32 - 8 * parts;
		mask <<= 32 - 8 * parts;
	}
	return ask_address(l, address, mask, e->q.proto, e->q.dir);
}

/* ---- DECnet: two bytes of length, maybe one of padding, flags that tell a short header from a long
 * one; addresses begin with their low byte */

static struct tree *decnet_one(struct lower *l, bool dst, const void *what)
{
	static const struct {
		u8 size;
		u16 mask, flags, dst, src;
	} rows[] = {{1, 0x07, 0x02, 3, 5},
		    {2, 0xff07, 0x8102, 4, 6},
		    {1, 0x07, 0x06, 9, 17},
		    {2, 0xff07, 0x8106, 10, 18}};
	struct values *vs = l->values;
	struct tree *any = tree_const(vs, false), *one;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		one = ask_masked(l, BASE_NET, 2, rows[i].size, rows[i].flags, rows[i].mask);
		one = tree_and(vs, one, ask_is(l, BASE_NET, dst ? rows[i].dst : rows[i].src, 2,
					       __builtin_bswap16(*(const u16 *)what)));
		any = tree_or(vs, any, one);
	}
	return tree_and(vs, ask_type(l, 0x6003), any);
}

static struct tree *ask_decnet(struct lower *l, const struct expr *e)
{
	const char *text = e->id->text ? e->id->text : "";
	unsigned long area, node;
	u16 address;
	char *end;

	if (e->q.type && e->q.type != WORD_HOST)
		return ask_failed(l, e->at, "decnet host 10.123", "DECnet has hosts alone");
	area = strtoul(text, &end, 10);
	node = *end == '.' ? strtoul(text = end + 1, &end, 10) : ULONG_MAX;
	if (end == text || *end || area > 63 || node > 1023)
		return ask_failed(l, e->id->at, "an area up to 63, a node up to 1023: 10.123",
				  "this is no address of DECnet");
	address = (u16)(area << 10 | node);
	return by_direction(l, e->q.dir, &address, decnet_one);
}

static struct tree *ask_host(struct lower *l, const struct expr *e)
{
	const struct token *id = e->id;
	bool ether = e->q.proto == WORD_LINK;
	u32 address = id->number, parts = 0;
	u8 bytes[16];

	if (e->q.proto == WORD_DECNET)
		return ask_decnet(l, e);
	if (id->kind == TOK_MAC || (ether && id->kind == TOK_ID)) {
		if (id->kind == TOK_MAC ? !parse_mac(id->text, bytes)
					: names_ether(&l->names, id->text, bytes) != 0)
			return ask_failed(l, id->at, "names are looked up in /etc/ethers",
					  "there is no address of Ethernet for '%s'", id->text);
		if (!ether || (e->q.type && e->q.type != WORD_HOST))
			return ask_failed(l, id->at, "ether host, ether src, ether dst",
					  "this is an address of Ethernet");
		return ask_ether(l, bytes, e->q.dir);
	}
	if (ether || id->kind == TOK_ARCNET)
		return ask_failed(l, id->at, NULL, "this is no address of %s", l->link->says);
	if (id->kind == TOK_IP6) {
		parse_ip6(id->text, bytes);
		if (e->has_number && (e->number > 128 || e->q.type != WORD_NET) && e->number != 128)
			return ask_failed(l, id->at, "net 2001:db8::/32",
					  "only nets have prefixes, of up to 128 bits");
		return ip6_of(l, bytes, e->has_number ? e->number : 128, e->q.proto, e->q.dir);
	}
	if (id->kind == TOK_ID && e->q.type == WORD_NET) {
		if (names_network(&l->names, id->text, &address))
			return ask_failed(l, id->at, "names are looked up in /etc/networks",
					  "there is no net '%s'", id->text);
		return ip4_short(l, e, address, 0);
	}
	if (id->kind == TOK_ID)
		return host_named(l, id->text, e->q.proto, e->q.dir);
	if (id->kind == TOK_IP4)
		parse_ip4(id->text, &address, &parts);
	else if (e->has_number)
		parts = address < 256 ? 1 : address < 65536 ? 2 : 4;
	if (e->has_number || e->mask)
		return ip4_net(l, e, address, parts);
	return ip4_short(l, e, address, parts);
}

/* All of: from this address of Ethernet or to it, and not from or to the host's own address. */
static struct tree *ask_gateway(struct lower *l, const struct expr *e)
{
	struct values *vs = l->values;
	struct tree *ether, *hosts;
	u8 mac[6];

	if (e->id->kind != TOK_ID || (e->q.proto && e->q.proto != WORD_IP &&
				      e->q.proto != WORD_ARP && e->q.proto != WORD_RARP))
		return ask_failed(l, e->id->at, "a name of /etc/hosts and /etc/ethers",
				  "'gateway' takes the name of a host");
	if (names_ether(&l->names, e->id->text, mac))
		return ask_failed(l, e->id->at, "names are looked up in /etc/ethers",
				  "there is no address of Ethernet for '%s'", e->id->text);
	ether = ask_ether(l, mac, WORD_SRC_OR_DST);
	hosts = ether ? host_named(l, e->id->text, e->q.proto ? e->q.proto : 0, 0) : NULL;
	return tree_and(vs, ether, tree_not(vs, hosts));
}

/* ---- ports */

struct ports {
	u32 lo, hi;
	bool v6;
};

static struct tree *port_one(struct lower *l, bool dst, const void *what)
{
	const struct ports *p = what;

	return ask_between(l, p->v6 ? BASE_TRANSPORT6 : BASE_TRANSPORT4, dst ? 2 : 0, 2, p->lo,
			   p->hi);
}

static struct tree *ports_of(struct lower *l, const struct ports *p, u32 protocol, u32 dir)
{
	struct tree *t = ask_is(l, BASE_NET, p->v6 ? 6 : 9, 1, protocol);

	if (!p->v6)
		t = tree_and(l->values, t, ask_not_fragment(l));
	return tree_and(l->values, t, by_direction(l, dir, p, port_one));
}

static struct tree *ports_over(struct lower *l, const struct ports *p, u32 protocol, u32 dir)
{
	static const u32 all[] = {132, 6, 17};
	struct tree *type = ask_type(l, p->v6 ? 0x86dd : 0x800), *t = NULL, *one;

	for (u32 i = 0; i < ARRAY_SIZE(all) && type; i++) {
		if (protocol && protocol != all[i])
			continue;
		one = ports_of(l, p, all[i], dir);
		if (!one)
			return NULL;
		t = t ? tree_or(l->values, t, one) : one;
	}
	return tree_and(l->values, type, t);
}

static bool port_number(struct lower *l, const char *name, u16 *port, u32 *protocol)
{
	char *end;
	unsigned long n = strtoul(name, &end, 10);

	*protocol = 0;
	if (*name >= '0' && *name <= '9' && !*end && n <= 65535) {
		*port = (u16)n;
		return true;
	}
	return !names_service(&l->names, name, port, protocol);
}

/* 1-1024, a-b, or one port */
static bool port_range(struct lower *l, const char *text, struct ports *p, u32 *protocol)
{
	u32 first, second;
	u16 lo, hi;

	for (const char *dash = strchr(text, '-'); dash; dash = strchr(dash + 1, '-'))
		if (port_number(l, arena_strndup(l->arena, text, (size_t)(dash - text)), &lo,
				&first) &&
		    port_number(l, dash + 1, &hi, &second)) {
			*p = (struct ports){MIN(lo, hi), MAX(lo, hi), false};
			*protocol = first == second ? first : 0;
			return true;
		}
	if (!port_number(l, text, &lo, protocol))
		return false;
	*p = (struct ports){lo, lo, false};
	return true;
}

static u32 transport(u32 word)
{
	return word == WORD_TCP ? 6 : word == WORD_UDP ? 17 : word == WORD_SCTP ? 132 : 0;
}

static struct tree *ask_port(struct lower *l, const struct expr *e)
{
	u32 protocol = transport(e->q.proto), named = 0;
	bool range = e->q.type == WORD_PORTRANGE, found = false;
	struct ports p = {e->id->number, e->id->number, false};
	struct tree *v4, *v6;
	u16 port;

	if (e->q.proto && !protocol)
		return ask_failed(l, e->id->at, "tcp, udp and sctp have", "'%s' has no ports",
				  word_table[e->q.proto].name);
	if (e->id->kind == TOK_ID && range) {
		found = port_range(l, e->id->text, &p, &named);
	} else if (e->id->kind == TOK_ID) {
		found = port_number(l, e->id->text, &port, &named);
		p.lo = p.hi = port;
	} else {
		found = e->id->kind == TOK_NUMBER && e->id->number <= 65535;
	}
	if (!found)
		return ask_failed(l, e->id->at,
				  e->id->kind == TOK_ID ? "names are looked up in /etc/services"
							: "0 to 65535",
				  "there is no port '%s'", e->id->text);
	if (protocol && named && protocol != named)
		return ask_failed(l, e->id->at, NULL, "'%s' is a port of another protocol",
				  e->id->text);
	protocol = protocol ? protocol : named;
	p.v6 = true;
	v6 = ports_over(l, &p, protocol, e->q.dir);
	p.v6 = false;
	v4 = v6 ? ports_over(l, &p, protocol, e->q.dir) : NULL;
	return tree_or(l->values, v6, v4);
}

/* ---- protocols */

static int protocol_named(struct lower *l, const char *name, u32 carrier, u32 *number)
{
	static const struct {
		const char *name;
		u32 number;
	} iso[] = {
		{"esis", 0x82}, {"es-is", 0x82}, {"isis", 0x83}, {"is-is", 0x83}, {"clnp", 0x81}};

	if (carrier == WORD_LINK)
		return names_ether_type(name, number);
	if (carrier != WORD_ISO)
		return names_protocol(&l->names, name, number);
	for (u32 i = 0; i < ARRAY_SIZE(iso); i++)
		if (!strcmp(iso[i].name, name)) {
			*number = iso[i].number;
			return 0;
		}
	return -ENOENT;
}

static struct tree *ask_protocol(struct lower *l, const struct expr *e)
{
	u32 number = e->id->number;

	if (e->id->kind != TOK_NUMBER &&
	    (e->id->kind != TOK_ID || protocol_named(l, e->id->text, e->q.proto, &number)))
		return ask_failed(l, e->id->at, "a number, or a name of /etc/protocols",
				  "there is no protocol '%s'", e->id->text);
	if (e->q.type == WORD_PROTOCHAIN)
		return ask_chain(l, number, e->q.proto, e->id->at);
	return ask_proto(l, number, e->q.proto, e->id->at);
}

struct tree *ask_id(struct lower *l, const struct expr *e)
{
	switch (e->q.type) {
	case WORD_PORT:
	case WORD_PORTRANGE: return ask_port(l, e);
	case WORD_PROTO:
	case WORD_PROTOCHAIN: return ask_protocol(l, e);
	case WORD_GATEWAY: return ask_gateway(l, e);
	default: return ask_host(l, e);
	}
}
