/*
 * print_route.c: what routers tell each other, as one line: IGMP (RFC 2236, 3376), OSPF (RFC 2328),
 * VRRP (RFC 3768, 5798), PIM (RFC 7761), RSVP, EIGRP, IPComp.
 */
#include "packet/print.h"

/* ---- IGMP */

const char *const group_changes[7] = {[1] = "is_in", "is_ex", "to_in", "to_ex", "allow", "block"};

static void put_sources(struct line *l, const struct view *v, u32 at, u32 n)
{
	put(l, " {");
	for (u32 i = 0; i < n && view_has(v, at + 4 * i, 4); i++) {
		put(l, " ");
		put_ip4(l, v->p + at + 4 * i);
	}
	put(l, " }");
}

static void put_query(struct line *l, const struct view *v)
{
	const bool three = v->len >= 12;
	u32 most = v->p[1];

	buf_printf(l->b, "query v%u", three ? 3 : most ? 2 : 1);
	if (three && most >= 128) /* four bits of mantissa, three of exponent */
		most = ((most & 15) | 16) << (((most & 0x70) >> 4) + 3);
	if (most && most != 100)
		buf_printf(l->b,
			   most % 10 ? " [max resp time %u]"
			   : three   ? " [max resp time %us]"
				     : " [max resp time %u]",
			   three && most % 10 == 0 ? most / 10 : most);
	if (three && view_has(v, 0, 12) && (view_u32(v, 4) || view_u16(v, 10))) {
		put(l, " [");
		if (view_u32(v, 4)) {
			put(l, "gaddr ");
			put_ip4(l, v->p + 4);
			put(l, view_u16(v, 10) && l->o->verbose < 2 ? ", " : "");
		}
		if (view_u16(v, 10) && l->o->verbose < 2)
			buf_printf(l->b, "%u source(s)", view_u16(v, 10));
		else if (view_u16(v, 10))
			put_sources(l, v, 12, view_u16(v, 10));
		put(l, "]");
	} else if (!three && view_u32(v, 4)) {
		put(l, " [gaddr ");
		put_ip4(l, v->p + 4);
		put(l, "]");
	}
}

static void put_groups(struct line *l, const struct view *v)
{
	u32 n = view_u16(v, 6), at = 8;

	buf_printf(l->b, "v3 report, %u group record(s)", n);
	for (u32 i = 0; i < n && l->o->verbose; i++) {
		u32 kind, sources;

		if (!view_has(v, at, 8)) {
			put_short(l, "igmp");
			return;
		}
		kind = v->p[at];
		sources = view_u16(v, at + 2);
		put(l, " [gaddr ");
		put_ip4(l, v->p + at + 4);
		buf_printf(l->b, " %s",
			   kind && kind < ARRAY_SIZE(group_changes) ? group_changes[kind]
								    : "[v3-report-#?]");
		at += 8;
		if (l->o->verbose < 2) {
			buf_printf(l->b, ", %u source(s)]", sources);
			at += 4 * sources;
			continue;
		}
		put_sources(l, v, at, sources);
		put(l, "]");
		at += 4 * sources;
	}
}

static void put_igmp_kind(struct line *l, const struct view *v)
{
	switch (*v->p) {
	case 0x11: put_query(l, v); break;
	case 0x12:
	case 0x16:
	case 0x17:
		put(l, *v->p == 0x12 ? "v1 report " : *v->p == 0x16 ? "v2 report " : "leave ");
		put_ip4(l, v->p + 4);
		break;
	case 0x22: put_groups(l, v); break;
	case 0x13:
		put_u32(l, "dvmrp [type ", v->p[1]);
		put(l, "]");
		break;
	case 0x14: put(l, "pimv1"); break;
	default: l->b->n--; put_u32(l, "-", *v->p);
	}
}

void print_igmp(struct line *l, struct view v, const struct ends *e)
{
	u32 rest;

	(void)e;
	put(l, "igmp ");
	if (!view_has(&v, 0, 8)) {
		put_short(l, "igmp");
		return;
	}
	put_igmp_kind(l, &v);
	rest = checks(l, &v, v.len) ? checksum(v.p, v.len) : 0;
	if (rest)
		buf_printf(l->b, " bad igmp cksum %x!", view_u16(&v, 2));
}

/* ---- OSPF: the header, and of version 2 what a Hello says */

static void put_ospf_hello(struct line *l, const struct view *v)
{
	static const char *const options[] = {"MultiTopology", "External", "Multicast",
					      "NSSA",          "LLS",      "Demand Circuit",
					      "Opaque",        "Up/Down"};
	const char *between = "";

	if (!view_has(v, 24, 20)) {
		put_short(l, "ospf2");
		return;
	}
	put(l, "\n\tOptions [");
	for (u32 i = 0; i < 8; i++)
		if (v->p[30] >> i & 1) {
			put(l, between);
			put(l, options[i]);
			between = ", ";
		}
	put(l, *between ? "]" : "none]");
	buf_printf(l->b, "\n\t  Hello Timer %us, Dead Timer %us, Mask ", view_u16(v, 28),
		   view_u32(v, 32));
	put_ip4(l, v->p + 24);
	put_u32(l, ", Priority ", v->p[31]);
	for (u32 at = 36; at < 44; at += 4)
		if (view_u32(v, at)) {
			put(l,
			    at == 36 ? "\n\t  Designated Router " : ", Backup Designated Router ");
			put_ip4(l, v->p + at);
		}
	if (v->len > 44)
		put(l, "\n\t  Neighbor List:");
	for (u32 at = 44; view_has(v, at, 4); at += 4) {
		put(l, "\n\t    ");
		put_ip4(l, v->p + at);
	}
}

void print_ospf(struct line *l, struct view v, const struct ends *e)
{
	static const char *const kinds[] = {
		[1] = "Hello", "Database Description", "LS-Request", "LS-Update", "LS-Ack"};
	u32 version, kind, auth;

	(void)e;
	if (!view_has(&v, 0, 2)) {
		put_short(l, "ospf2");
		return;
	}
	version = *v.p;
	kind = v.p[1];
	buf_printf(l->b, "OSPFv%u, ", version);
	if (kind && kind < ARRAY_SIZE(kinds))
		put(l, kinds[kind]);
	else
		buf_printf(l->b, "unknown packet type (%u)", kind);
	put_u32(l, ", length ", v.len);
	if (!l->o->verbose || version != 2)
		return;
	if (!view_has(&v, 0, 24)) {
		put_short(l, "ospf2");
		return;
	}
	if (view_u16(&v, 2) != v.len)
		buf_printf(l->b, " [len %u]", view_u16(&v, 2));
	auth = view_u16(&v, 14);
	v = view_cut(v, view_u16(&v, 2));
	put(l, "\n\tRouter-ID ");
	put_ip4(l, v.p + 4);
	put(l, view_u32(&v, 8) ? ", Area " : ", Backbone Area");
	if (view_u32(&v, 8))
		put_ip4(l, v.p + 8);
	buf_printf(l->b, ", Authentication Type: %s (%u)",
		   auth == 0   ? "none"
		   : auth == 1 ? "simple"
		   : auth == 2 ? "MD5"
			       : "unknown",
		   auth);
	if (kind == 1)
		put_ospf_hello(l, &v);
}

/* ---- VRRP */

static void put_vrrp_addresses(struct line *l, const struct view *v, u32 n, bool checked,
			       const struct ends *e)
{
	u32 rest = 0;

	if (checked)
		rest = *v->p >> 4 == 3 ? checksum_above(e, 112, v->p, v->len)
				       : checksum(v->p, v->len);
	if (rest)
		buf_printf(l->b, ", (bad vrrp cksum %x)", view_u16(v, 6));
	put(l, n == 1 ? ", addrs: " : ", addrs(");
	if (n != 1)
		put_u32(l, "", n), put(l, "): ");
	for (u32 i = 0; i < n && view_has(v, 8 + 4 * i, 4); i++) {
		put(l, i ? "," : "");
		put_ip4(l, v->p + 8 + 4 * i);
	}
}

void print_vrrp(struct line *l, struct view v, const struct ends *e)
{
	u32 version;

	if (!view_has(&v, 0, 8)) {
		put_short(l, "vrrp");
		return;
	}
	version = *v.p >> 4;
	buf_printf(l->b, "VRRPv%u, ", version);
	if ((*v.p & 15) == 1)
		put(l, "Advertisement");
	else
		buf_printf(l->b, "unknown type (%u)", *v.p & 15);
	buf_printf(l->b, ", (ttl %u)", e->hops);
	if ((version != 2 && version != 3) || (*v.p & 15) != 1)
		return;
	buf_printf(l->b, ", vrid %u, prio %u", v.p[1], v.p[2]);
	if (version == 2) {
		buf_printf(l->b, ", authtype %s",
			   v.p[4] == 0   ? "none"
			   : v.p[4] == 1 ? "simple"
			   : v.p[4] == 2 ? "ah"
					 : "unknown");
		buf_printf(l->b, ", intvl %us", v.p[5]);
	} else {
		buf_printf(l->b, ", intvl %ucs", view_u16(&v, 4) & 0xfff);
	}
	put_u32(l, ", length ", v.len);
	if (l->o->verbose)
		put_vrrp_addresses(l, &v, v.p[3], checks(l, &v, v.len), e);
}

/* ---- those with their names alone */

void print_pim(struct line *l, struct view v, const struct ends *e)
{
	static const char *const kinds[] = {
		"Hello",         "Register",    "Register-Stop", "Join / Prune",
		"Bootstrap",     "Assert",      "Prune",         "Candidate RP Advertisement",
		"Prune Refresh", "DF Election", "ECMP Redirect"};

	(void)e;
	if (!view_has(&v, 0, 4)) {
		put_short(l, "pim");
		return;
	}
	buf_printf(l->b, "PIMv%u", *v.p >> 4);
	if (*v.p >> 4 == 2) {
		u32 kind = *v.p & 15;

		buf_printf(l->b, ", %s", kind < ARRAY_SIZE(kinds) ? kinds[kind] : "Unknown");
	}
	put_u32(l, ", length ", v.len);
}

void print_ipcomp(struct line *l, struct view v, const struct ends *e)
{
	(void)e;
	if (!view_has(&v, 0, 4))
		put_short(l, "ipcomp");
	else
		buf_printf(l->b, "IPComp(cpi=0x%04x)", view_u16(&v, 2));
}
