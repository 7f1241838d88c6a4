/*
 * print_link.c: what switches tell each other, as one line: LLDP (IEEE 802.1AB), spanning trees
 * (802.1D, 802.1w) and CDP behind the header of LLC (802.2), LACP (802.3ad), EAPOL (802.1X).
 */
#include "packet/print.h"

#define SAP_STP  0x42
#define SAP_SNAP 0xaa
#define OUI_CISCO 0x0c /* 00:00:0c */

/* The system's name, if it tells that. */
static void print_lldp(struct line *l, struct view v)
{
	put_u32(l, "LLDP, length ", v.len);
	for (u32 kind, n; view_has(&v, 0, 2); v = view_from(v, 2 + n)) {
		kind = view_u16(&v, 0) >> 9;
		n = view_u16(&v, 0) & 0x1ff;
		if (!kind || !view_has(&v, 2, n))
			return;
		if (kind == 5) {
			put(l, ": ");
			put_visible(l, v.p + 2, n);
		}
	}
}

static void print_eapol(struct line *l, struct view v)
{
	static const char *const kinds[] = {"EAP packet", "EAPOL start", "EAPOL logoff",
					    "EAPOL key", "Encapsulated ASF alert"};

	if (!view_has(&v, 0, 4)) {
		put(l, "EAPOL");
		put_short(l, "eap");
		return;
	}
	buf_printf(l->b, "%s (%u) v%u, len %u",
		   v.p[1] < ARRAY_SIZE(kinds) ? kinds[v.p[1]] : "unknown", v.p[1], v.p[0],
		   view_u16(&v, 2));
}

static void print_slow(struct line *l, struct view v)
{
	static const char *const kinds[] = {"unknown (0)", "LACP", "MARKER", "OAM"};

	if (!view_has(&v, 0, 2)) {
		put_short(l, "slow");
		return;
	}
	if (*v.p && *v.p < 3)
		buf_printf(l->b, "%sv%u", kinds[*v.p], v.p[1]);
	else if (*v.p == 3)
		put(l, kinds[3]);
	else
		put_u32(l, "unknown (", *v.p), put(l, ")");
	put_u32(l, ", length ", v.len);
}

static const struct {
	u32 type;
	void (*print)(struct line *, struct view);
} by_type[] = {{0x88cc, print_lldp}, {0x888e, print_eapol}, {0x8809, print_slow}};

bool print_link_protocol(struct line *l, u32 type, struct view v)
{
	for (u32 i = 0; i < ARRAY_SIZE(by_type); i++)
		if (by_type[i].type == type) {
			by_type[i].print(l, v);
			return true;
		}
	return false;
}

/* ---- behind LLC */

static void put_stp_flags(struct line *l, u32 flags)
{
	static const char *const names[] = {
		"Topology change", "Proposal", NULL,        NULL,
		"Learn",           "Forward",  "Agreement", "Topology change ACK"};
	const char *between = "";

	for (u32 i = 0; i < 8; i++)
		if (flags >> i & 1 && names[i]) {
			put(l, between);
			put(l, names[i]);
			between = ", ";
		}
	put(l, *between ? "" : "none");
}

void print_stp(struct line *l, struct view v)
{
	if (!view_has(&v, 0, 4)) {
		put_short(l, "stp");
		return;
	}
	put(l, v.p[2] == 0 ? "STP 802.1d" : v.p[2] == 2 ? "STP 802.1w" : "STP 802.1s");
	if (v.p[3] == 0x80) {
		put(l, ", Topology Change");
		return;
	}
	put(l, v.p[3] == 2 ? ", Rapid STP" : ", Config");
	if (!view_has(&v, 0, 35)) {
		put_short(l, "stp");
		return;
	}
	put(l, ", Flags [");
	put_stp_flags(l, v.p[4]);
	buf_printf(l->b, "], bridge-id %04x.", view_u16(&v, 17));
	put_mac(l, v.p + 19);
	buf_printf(l->b, ".%04x, length %u", view_u16(&v, 25), v.len);
	if (!l->o->verbose)
		return;
	for (u32 i = 0; i < 4; i++) {
		static const char *const names[] = {"\n\tmessage-age ", ", max-age ",
						    ", hello-time ", ", forwarding-delay "};
		u32 ticks = view_u16(&v, 27 + 2 * i); /* of 1/256 s */

		buf_printf(l->b, "%s%u.%02us", names[i], ticks / 256, ticks % 256 * 100 / 256);
	}
	buf_printf(l->b, "\n\troot-id %04x.", view_u16(&v, 5));
	put_mac(l, v.p + 7);
	put_u32(l, ", root-pathcost ", view_u32(&v, 13));
	if (v.p[3] == 2)
		buf_printf(l->b, ", port-role %s",
			   (const char *[]){"Unknown", "Alternate", "Root",
					    "Designated"}[v.p[4] >> 2 & 3]);
}

bool print_llc(struct line *l, struct view v)
{
	if (!view_has(&v, 0, 3) || v.p[2] != 3)
		return false;
	if (*v.p == SAP_STP && v.p[1] == SAP_STP) {
		if (l->o->link_header)
			put(l, "LLC, dsap STP (0x42) Individual, ssap STP (0x42) Command, ctrl "
			       "0x03: ");
		print_stp(l, view_from(v, 3));
		return true;
	}
	/* an organisation and a type; without an organisation those of Ethernet */
	if (*v.p != SAP_SNAP || !view_has(&v, 0, 8) || v.p[3] || v.p[4])
		return false;
	if (v.p[5] == OUI_CISCO)
		return print_cisco(l, view_u16(&v, 6), view_from(v, 8));
	if (l->o->link_header || v.p[5])
		return false;
	print_ethertype(l, view_u16(&v, 6), view_from(v, 8), true);
	return true;
}
