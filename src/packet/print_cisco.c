/*
 * print_cisco.c: what Cisco's switches and routers tell each other, as one line: CDP, VTP, DTP,
 * UDLD and spanning trees of each VLAN behind SNAP; EIGRP (RFC 7868); and LDP (RFC 5036).
 */
#include "packet/print.h"

static const char *name_of(const char *const *names, u32 n, u32 i)
{
	return i < n && names[i] ? names[i] : names[0];
}
#define NAME(names, i) name_of(names, ARRAY_SIZE(names), i) /* else the first one */

/* The device's name; addresses, ports and versions are left out. */
static void print_cdp(struct line *l, struct view v)
{
	u32 whole = v.len;

	if (!view_has(&v, 0, 4)) {
		put_short(l, "cdp");
		return;
	}
	buf_printf(l->b, "CDPv%u, ttl: %us", v.p[0], v.p[1]);
	v = view_from(v, 4);
	for (u32 n; view_has(&v, 0, 4); v = view_from(v, n)) {
		n = view_u16(&v, 2);
		if (n < 4 || !view_has(&v, 0, n))
			break;
		if (view_u16(&v, 0) != 1)
			continue;
		put(l, ", Device-ID '");
		put_text(l, v.p + 4, n - 4);
		put(l, "'");
	}
	put_u32(l, ", length ", whole);
}

static void print_vtp(struct line *l, struct view v)
{
	static const char *const kinds[] = {"Unknown message type", "Summary advertisement",
					    "Subset advertisement", "Advertisement request",
					    "Join message"};

	if (!view_has(&v, 0, 8)) {
		put_short(l, "vtp");
		return;
	}
	buf_printf(l->b, "VTPv%u, Message %s (0x%02x), length %u", v.p[0], NAME(kinds, v.p[1]),
		   v.p[1], v.len);
}

static void print_dtp(struct line *l, struct view v)
{
	if (view_has(&v, 0, 1))
		buf_printf(l->b, "DTPv%u, length %u", v.p[0], v.len);
	else
		put_short(l, "dtp");
}

static void print_udld(struct line *l, struct view v)
{
	static const char *const kinds[] = {"Reserved", "Probe message", "Echo message",
					    "Flush message"};
	static const char *const flags[] = {"none", "RT", "RSY", "RT, RSY"};

	if (!view_has(&v, 0, 4)) {
		put_short(l, "udld");
		return;
	}
	buf_printf(l->b, "UDLDv%u, Code %s (%x), Flags [%s] (0x%02x), length %u", v.p[0] >> 5,
		   NAME(kinds, v.p[0] & 31u), v.p[0] & 31u, flags[v.p[1] & 3], v.p[1], v.len);
}

static const struct {
	u32 type;
	const char *name;
	void (*print)(struct line *, struct view);
} by_type[] = {{0x2000, "CDP", print_cdp},
	       {0x2003, "VTP", print_vtp},
	       {0x2004, "DTP", print_dtp},
	       {0x0111, "UDLD", print_udld},
	       {0x010b, "PVST", print_stp}};

bool print_cisco(struct line *l, u32 type, struct view v)
{
	for (u32 i = 0; i < ARRAY_SIZE(by_type); i++) {
		if (by_type[i].type != type)
			continue;
		if (l->o->link_header)
			buf_printf(l->b,
				   "LLC, dsap SNAP (0xaa) Individual, ssap SNAP (0xaa) Command, "
				   "ctrl 0x03: oui Cisco (0x00000c), pid %s (0x%04x), length %u: ",
				   by_type[i].name, type, v.len);
		by_type[i].print(l, v);
		return true;
	}
	return false;
}

void print_eigrp(struct line *l, struct view v, const struct ends *e)
{
	static const char *const kinds[] = {"unknown", "Update",  [3] = "Query", "Reply",
					    "Hello",   "IPX SAP", "Probe"};

	(void)e;
	if (!view_has(&v, 0, 20)) {
		put_short(l, "eigrp");
		return;
	}
	buf_printf(l->b, "EIGRP %s, length: %u", NAME(kinds, v.p[1]), v.len);
}

void print_ldp(struct line *l, struct view v)
{
	if (!view_has(&v, 0, 10)) {
		put_short(l, "ldp");
		return;
	}
	put(l, "LDP, Label-Space-ID: ");
	put_ip4(l, v.p + 4);
	buf_printf(l->b, ":%u, pdu-length: %u", view_u16(&v, 8), view_u16(&v, 2));
}
