/*
 * link.c: the kinds of links: where their header ends, and how it names the protocol behind it.
 *
 * In:  an ether type, or a SAP of 802.2 (up to 1500). Out: the test that a packet is of it.
 *
 * Numbers and layouts: https://www.tcpdump.org/linktypes.html
 */
#include "filter/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define SAP_IP           0x06
#define SAP_ISO          0xfe
#define SAP_IPX          0xe0
#define SAP_NETBEUI      0xf0
#define SAP_STP          0x42
#define TYPE_ATALK       0x809b
#define TYPE_AARP        0x80f3
#define TYPE_IPX         0x8137
#define TYPE_IP          0x0800
#define TYPE_IP6         0x86dd
#define TYPE_MOST_LENGTH 1500

static bool both_saps(u32 sap)
{
	return sap == SAP_IP || sap == SAP_ISO || sap == SAP_NETBEUI;
}

/* LLC, then SNAP: aa aa 03, organisation, type */
static struct tree *snap(struct lower *l, u32 organisation, u32 type)
{
	const u8 bytes[8] = {0xaa,
			     0xaa,
			     0x03,
			     (u8)(organisation >> 16),
			     (u8)(organisation >> 8),
			     (u8)organisation,
			     (u8)(type >> 8),
			     (u8)type};

	return ask_bytes(l, BASE_LLC, 0, 8, bytes);
}

static struct tree *is_type(struct lower *l, u32 type)
{
	return ask_is(l, BASE_TYPE, 0, 2, type);
}

/* ---- Ethernet: below 1501 its type is a length, and LLC follows */

static struct tree *ether_length(struct lower *l)
{
	return ask_between(l, BASE_TYPE, 0, 2, 0, TYPE_MOST_LENGTH);
}

static struct tree *ether_ipx(struct lower *l)
{
	struct values *vs = l->values;
	struct tree *t = ask_is(l, BASE_LLC, 0, 1, SAP_IPX);

	t = tree_or(vs, t, ask_is(l, BASE_LLC, 0, 2, 0xffff)); /* Novell's own 802.3 */
	t = tree_or(vs, snap(l, 0, TYPE_IPX), t);
	t = tree_and(vs, ether_length(l), t);
	return tree_or(vs, is_type(l, TYPE_IPX), t);
}

static struct tree *ether_type(struct lower *l, u32 p)
{
	struct values *vs = l->values;

	if (both_saps(p))
		return tree_and(vs, ether_length(l), ask_is(l, BASE_LLC, 0, 2, p << 8 | p));
	if (p == SAP_IPX)
		return ether_ipx(l);
	if (p == TYPE_ATALK || p == TYPE_AARP)
		return tree_or(
			vs, is_type(l, p),
			tree_and(vs, ether_length(l), snap(l, p == TYPE_ATALK ? 0x080007 : 0, p)));
	if (p <= TYPE_MOST_LENGTH)
		return tree_and(vs, ether_length(l), ask_is(l, BASE_LLC, 0, 1, p));
	return is_type(l, p);
}

/* ---- Linux's cooked captures: 1 is Novell's 802.3, 4 is LLC */

static struct tree *cooked_type(struct lower *l, u32 p)
{
	struct values *vs = l->values;
	struct tree *t;

	if (both_saps(p))
		return tree_and(vs, is_type(l, 4), ask_is(l, BASE_LLC, 0, 2, p << 8 | p));
	if (p == SAP_IPX) {
		t = tree_or(vs, ask_is(l, BASE_LLC, 0, 1, SAP_IPX), snap(l, 0, TYPE_IPX));
		t = tree_or(vs, is_type(l, 1), tree_and(vs, is_type(l, 4), t));
		return tree_or(vs, is_type(l, TYPE_IPX), t);
	}
	if (p == TYPE_ATALK || p == TYPE_AARP)
		return tree_or(
			vs, is_type(l, p),
			tree_and(vs, is_type(l, 4), snap(l, p == TYPE_ATALK ? 0x080007 : 0, p)));
	if (p <= TYPE_MOST_LENGTH)
		return tree_and(vs, is_type(l, 4), ask_is(l, BASE_LLC, 0, 1, p));
	return is_type(l, p);
}

/* ---- no header: the version in the first byte says it */

static struct tree *raw_type(struct lower *l, u32 p)
{
	if (p == TYPE_IP)
		return ask_masked(l, BASE_LLC, 0, 1, 0x40, 0xf0);
	if (p == TYPE_IP6)
		return ask_masked(l, BASE_LLC, 0, 1, 0x60, 0xf0);
	return tree_const(l->values, false);
}

static struct tree *ip4_type(struct lower *l, u32 p)
{
	return tree_const(l->values, p == TYPE_IP);
}

static struct tree *ip6_type(struct lower *l, u32 p)
{
	return tree_const(l->values, p == TYPE_IP6);
}

/* ---- BSD's loopback: an address family, Linux's numbers; NULL has the order of the host */

static u32 family(u32 p)
{
	return p == TYPE_IP ? 2 : p == TYPE_IP6 ? 10 : 0;
}

static struct tree *loop_type(struct lower *l, u32 p)
{
	return family(p) ? ask_is(l, BASE_HEADER, 0, 4, family(p)) : tree_const(l->values, false);
}

static struct tree *null_type(struct lower *l, u32 p)
{
	return family(p) ? ask_is(l, BASE_HEADER, 0, 4, __builtin_bswap32(family(p)))
			 : tree_const(l->values, false);
}

/* ---- PPP */

static struct tree *ppp_type(struct lower *l, u32 p)
{
	static const struct {
		u16 type, ppp;
	} rows[] = {{TYPE_IP, 0x21}, {TYPE_IP6, 0x57}, {0x6003, 0x27},  {TYPE_ATALK, 0x29},
		    {0x0600, 0x25},  {SAP_ISO, 0x23},  {SAP_STP, 0x31}, {SAP_IPX, 0x2b}};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].type == p)
			p = rows[i].ppp;
	return is_type(l, p);
}

/* ---- OpenBSD's log of its packet filter: a header that begins with its length, a multiple of 4 */

static struct tree *pflog_type(struct lower *l, u32 p)
{
	return family(p) ? ask_is(l, BASE_HEADER, 1, 1, family(p)) : tree_const(l->values, false);
}

static void pflog_start(struct lower *l)
{
	struct values *vs = l->values;
	u32 length = val_alu(vs, VAL_ADD, val_load(vs, 1, 0, 0), val_const(vs, 3));

	l->payload.var = val_alu(vs, VAL_AND, length, val_const(vs, 0xfffffffc));
}

/* name, number, where the type is, length of the header, net, net behind bare LLC */
const struct filter_link filter_links[] = {
	{"EN10MB", 1, 12, 14, 0, 3, ether_type, "Ethernet", NULL},
	{"RAW", 12, 0, 0, 0, 0, raw_type, "IP without a header", NULL},
	{"RAW", 101, 0, 0, 0, 0, raw_type, "IP without a header", NULL},
	{"IPV4", 228, 0, 0, 0, 0, ip4_type, "IPv4", NULL},
	{"IPV6", 229, 0, 0, 0, 0, ip6_type, "IPv6", NULL},
	{"LINUX_SLL", 113, 14, 16, 0, 0, cooked_type, "Linux cooked", NULL},
	{"LINUX_SLL2", 276, 0, 20, 0, 0, cooked_type, "Linux cooked, version 2", NULL},
	{"NULL", 0, 0, 4, 0, 0, null_type, "BSD loopback", NULL},
	{"LOOP", 108, 0, 4, 0, 0, loop_type, "OpenBSD loopback", NULL},
	{"PPP", 9, 2, 4, 0, 0, ppp_type, "PPP", NULL},
	{"PPP_SERIAL", 50, 2, 4, 0, 0, ppp_type, "PPP over serial lines", NULL},
	{"PPP_ETHER", 51, 6, 8, 0, 0, ppp_type, "PPPoE sessions", NULL},
	{"PPP_PPPD", 166, 2, 4, 0, 0, ppp_type, "PPP of pppd", NULL},
	{"IEEE802_11", 105, 0, 0, 8, 3, wireless_type, "802.11", wireless_start},
	{"IEEE802_11_RADIO", 127, 0, 0, 8, 3, wireless_type, "802.11 with radiotap",
	 radiotap_start},
	{"PRISM_HEADER", 119, 0, 0, 8, 3, wireless_type, "802.11 with a Prism header", prism_start},
	{"IEEE802_11_RADIO_AVS", 163, 0, 0, 8, 3, wireless_type, "802.11 with an AVS header",
	 avs_start},
	{"PFLOG", 117, 0, 0, 0, 0, pflog_type, "PFLOG", pflog_start},
	{0},
};

const struct filter_link *filter_link_find(const char *name)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	bool by_number = *name && !*end;

	if (!strncasecmp(name, "DLT_", 4) || !strncasecmp(name, "LINKTYPE_", 9))
		name = strchr(name, '_') + 1;
	for (const struct filter_link *l = filter_links; l->name; l++)
		if (by_number ? l->number == number : !strcasecmp(l->name, name))
			return l;
	return NULL;
}
