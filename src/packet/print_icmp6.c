/*
 * print_icmp6.c: ICMPv6 (RFC 4443), how neighbours are found (RFC 4861) and who listens to a group
 * (RFC 2710, RFC 3810).
 */
#include "packet/print.h"

enum {
	MLD_QUERY = 130,
	MLD_REPORT = 131,
	MLD_DONE = 132,
	ROUTER_SOLICITATION = 133,
	ROUTER_ADVERTISEMENT = 134,
	NEIGHBOR_SOLICITATION = 135,
	NEIGHBOR_ADVERTISEMENT = 136,
	REDIRECT = 137,
	MLD2_REPORT = 143,
};

static const struct icmp6_row {
	u32 kind;
	const char *name;
} kinds6[] = {
	{1, "destination unreachable"},
	{2, "packet too big"},
	{3, "time exceeded in-transit"},
	{4, "parameter problem"},
	{128, "echo request"},
	{129, "echo reply"},
	{130, "multicast listener query"},
	{131, "multicast listener report"},
	{132, "multicast listener done"},
	{133, "router solicitation"},
	{134, "router advertisement"},
	{135, "neighbor solicitation"},
	{136, "neighbor advertisement"},
	{137, "redirect"},
	{138, "router renumbering"},
	{139, "node information query"},
	{140, "node information reply"},
	{143, "multicast listener report v2"},
};

/* With the blanks and commas that people know. */
static const char *const unreachables6[] = {
	", unreachable route ",   ",  unreachable prohibited ", ", beyond scope ",
	", unreachable address ", ", unreachable port, ",
};

static bool print_unreachable6(struct line *l, const struct view *v)
{
	u32 code = v->p[1];
	struct view inner = view_from(*v, 8);

	if (code >= ARRAY_SIZE(unreachables6)) {
		put_u32(l, ", unknown unreach code (", code);
		put(l, ")");
		return true;
	}
	put(l, unreachables6[code]);
	if (!view_has(&inner, 0, 40)) {
		l->b->n -= l->b->n > 0; /* the blank */
		return false;
	}
	if (code != 4) {
		put_ip6(l, inner.p + 24);
		if (code == 2) {
			put(l, ", source address ");
			put_ip6(l, inner.p + 8);
		}
		return true;
	}
	if (!view_has(&inner, 40, 4))
		return false;
	put_ip6(l, inner.p + 24);
	if (inner.p[6] == 6 || inner.p[6] == 17)
		put(l, inner.p[6] == 6 ? " tcp port " : " udp port ");
	else
		buf_printf(l->b, " protocol %u port ", inner.p[6]);
	buf_u64(l->b, view_u16(&inner, 42));
	return true;
}

static bool print_problem6(struct line *l, const struct view *v)
{
	static const char *const what[] = {"erroneous", "next header", "option"};

	if (v->p[1] < ARRAY_SIZE(what))
		buf_printf(l->b, ", %s - octet %u", what[v->p[1]], view_u32(v, 4));
	else
		buf_printf(l->b, ", code-#%u", v->p[1]);
	return true;
}

/* ---- groups */

static bool put_listener(struct line *l, const struct view *v)
{
	if (!view_has(v, 8, 16))
		return false;
	put_u32(l, "max resp delay: ", view_u16(v, 4));
	put(l, " addr: ");
	put_ip6(l, v->p + 8);
	return true;
}

/* Version 2 has more; its delay is a number with an exponent from 0x8000 on. */
static bool put_query(struct line *l, const struct view *v)
{
	u32 delay, sources;

	if (v->len < 28)
		return put_listener(l, v);
	if (!view_has(v, 0, 28))
		return false;
	delay = view_u16(v, 4);
	if (delay >= 0x8000)
		delay = ((delay & 0xfff) | 0x1000) << ((delay >> 12 & 7) + 3);
	sources = view_u16(v, 26);
	put(l, " v2");
	if (l->o->verbose)
		buf_printf(l->b, " [max resp delay=%u]", delay);
	put(l, " [gaddr ");
	put_ip6(l, v->p + 8);
	if (l->o->verbose && v->p[24] & 8)
		put(l, " sflag");
	if (l->o->verbose && v->p[24] & 7)
		put_u32(l, " robustness=", v->p[24] & 7);
	if (l->o->verbose && v->p[25])
		put_u32(l, " qqi=",
			v->p[25] < 128 ? v->p[25]
				       : ((v->p[25] & 15u) | 16) << ((v->p[25] >> 4 & 7) + 3));
	if (sources && l->o->verbose > 1) {
		put(l, " {");
		for (u32 i = 0; i < sources && view_has(v, 28 + 16 * i, 16); i++) {
			put(l, " ");
			put_ip6(l, v->p + 28 + 16 * i);
		}
		put(l, " }");
	} else if (sources) {
		buf_printf(l->b, ", %u source(s)", sources);
	}
	put(l, "]");
	return true;
}

static bool put_groups(struct line *l, const struct view *v)
{
	u32 n = view_u16(v, 6), at = 8;

	buf_printf(l->b, ", %u group record(s)", n);
	for (u32 i = 0; i < n && l->o->verbose; i++) {
		u32 kind, sources;

		if (!view_has(v, at, 20))
			return false;
		kind = v->p[at];
		sources = view_u16(v, at + 2);
		put(l, " [gaddr ");
		put_ip6(l, v->p + at + 4);
		buf_printf(l->b, " %s",
			   kind && kind < ARRAY_SIZE(group_changes) ? group_changes[kind]
								    : "[v2-report-#?]");
		at += 20;
		if (l->o->verbose < 2) {
			buf_printf(l->b, ", %u source(s)]", sources);
			at += 16 * sources;
			continue;
		}
		put(l, " {");
		for (u32 k = 0; k < sources && view_has(v, at, 16); k++, at += 16) {
			put(l, " ");
			put_ip6(l, v->p + at);
		}
		put(l, " }]");
	}
	return true;
}

/* ---- options of neighbours and routers (RFC 4861, RFC 8106); o: one, n bytes of it */

static void put_link_address(struct line *l, const struct view *o, u32 n)
{
	put(l, " ");
	for (u32 i = 2; i < n; i++)
		buf_printf(l->b, i > 2 ? ":%02x" : "%02x", o->p[i]);
}

static void put_seconds(struct line *l, const char *what, u32 t)
{
	put(l, what);
	if (t == UINT32_MAX)
		put(l, "infinity");
	else
		buf_printf(l->b, "%us", t);
}

static void put_prefix(struct line *l, const struct view *o, u32 n)
{
	static const char *const flags[] = {"onlink", "auto", "router"};
	const char *between = "";

	if (n < 32)
		return;
	put(l, " ");
	put_ip6(l, o->p + 16);
	buf_printf(l->b, "/%u%s, Flags [", o->p[2], n == 32 ? "" : " (bad length)");
	for (u32 i = 0; i < 3; i++)
		if (o->p[3] << i & 0x80) {
			put(l, between);
			put(l, flags[i]);
			between = ", ";
		}
	put(l, *between ? "]" : "none]");
	put_seconds(l, ", valid time ", view_u32(o, 4));
	put_seconds(l, ", pref. time ", view_u32(o, 8));
}

static void put_mtu(struct line *l, const struct view *o, u32 n)
{
	put_u32(l, "  ", view_u32(o, 4));
	put(l, n == 8 ? "" : " (bad length)");
}

static void put_servers(struct line *l, const struct view *o, u32 n)
{
	put_seconds(l, "  lifetime ", view_u32(o, 4));
	put(l, ",");
	for (u32 at = 8; at + 16 <= n; at += 16) {
		put(l, " addr: ");
		put_ip6(l, o->p + at);
	}
}

static void put_domains(struct line *l, const struct view *o, u32 n)
{
	const struct view all = view_cut(*o, n);

	put_seconds(l, "  lifetime ", view_u32(o, 4));
	put(l, ", domain(s):");
	for (u32 at = 8; at < n && o->p[at];) {
		put(l, " ");
		at = print_dns_name(l, &all, at);
		if (!at)
			return;
	}
}

static void put_route_information(struct line *l, const struct view *o, u32 n)
{
	static const char *const prefs[] = {"medium", "high", "*reserved*", "low"};
	u8 prefix[16] = {0};

	memcpy(prefix, o->p + 8, MIN(n - 8, 16u));
	put(l, "  ");
	put_ip6(l, prefix);
	buf_printf(l->b, "/%u, pref=%s", o->p[2], prefs[o->p[3] >> 3 & 3]);
	put_seconds(l, ", lifetime=", view_u32(o, 4));
}

static const struct {
	u32 kind;
	const char *name;
	void (*put)(struct line *, const struct view *, u32 n);
} options[] = {
	{1, "source link-address", put_link_address},
	{2, "destination link-address", put_link_address},
	{3, "prefix info", put_prefix},
	{5, "mtu", put_mtu},
	{24, "route info", put_route_information},
	{25, "rdnss", put_servers},
	{31, "dnssl", put_domains},
};

/* false: one is cut off or broken */
static bool put_options(struct line *l, struct view v)
{
	for (u32 n; v.len; v = view_from(v, n)) {
		u32 i = 0;

		if (!view_has(&v, 0, 2))
			return false;
		n = v.p[1] * 8u;
		if (!n || !view_has(&v, 0, n))
			return false;
		while (i < ARRAY_SIZE(options) && options[i].kind != *v.p)
			i++;
		buf_printf(l->b, "\n\t  %s option (%u), length %u (%u):",
			   i < ARRAY_SIZE(options) ? options[i].name
			   : *v.p == 4             ? "redirected header"
						   : "unknown",
			   *v.p, n, v.p[1]);
		if (i < ARRAY_SIZE(options) && (n >= 16 || options[i].kind < 6))
			options[i].put(l, &v, n);
		else if (i == ARRAY_SIZE(options))
			put(l, " ");
		if (l->o->verbose > 1 || i == ARRAY_SIZE(options))
			put_hex(l, l->o->verbose > 1 ? "\n\t    " : "\n\t  ",
				view_cut(view_from(v, 2), n - 2), false);
	}
	return true;
}

static bool put_router(struct line *l, const struct view *v)
{
	static const char *const flags[] = {"managed", "other stateful", "home agent"};
	static const char *const prefs[] = {"medium", "high", "*reserved*", "low"};
	const char *between = "";

	if (!view_has(v, 0, 16))
		return false;
	buf_printf(l->b, "\n\thop limit %u, Flags [", v->p[4]);
	for (u32 i = 0; i < 3; i++)
		if (v->p[5] << i & 0x80) {
			put(l, between);
			put(l, flags[i]);
			between = ", ";
		}
	buf_printf(l->b,
		   "%s], pref %s, router lifetime %us, reachable time %ums, retrans timer %ums",
		   *between ? "" : "none", prefs[v->p[5] >> 3 & 3], view_u16(v, 6), view_u32(v, 8),
		   view_u32(v, 12));
	return put_options(l, view_from(*v, 16));
}

static void put_neighbor_flags(struct line *l, u32 bits)
{
	static const char *const flags[] = {"router", "solicited", "override"};
	const char *between = "";

	put(l, ", Flags [");
	for (u32 i = 0; i < 3; i++)
		if (bits << i & 0x80) {
			put(l, between);
			put(l, flags[i]);
			between = ", ";
		}
	put(l, *between ? "]" : "none]");
}

/* What stands behind the name. */
static bool print_icmp6_rest(struct line *l, const struct view *v)
{
	struct view inner;

	switch (*v->p) {
	case 1: return print_unreachable6(l, v);
	case 2: put_u32(l, ", mtu ", view_u32(v, 4)); return true;
	case 3:
		inner = view_from(*v, 8);
		if (!v->p[1] && !view_has(&inner, 0, 40))
			return false;
		if (v->p[1] > 1) {
			put_u32(l, ", unknown code (", v->p[1]);
			put(l, ")");
		} else if (!v->p[1]) {
			put(l, " for ");
			put_ip6(l, inner.p + 24);
		} else {
			put(l, " (reassembly)");
		}
		return true;
	case 128:
	case 129:
		put_u32(l, ", id ", view_u16(v, 4));
		put_u32(l, ", seq ", view_u16(v, 6));
		return true;
	case 4: return print_problem6(l, v);
	case MLD_QUERY: return put_query(l, v);
	case MLD_REPORT:
	case MLD_DONE: return put_listener(l, v);
	case ROUTER_SOLICITATION: return !l->o->verbose || put_options(l, view_from(*v, 8));
	case ROUTER_ADVERTISEMENT: return !l->o->verbose || put_router(l, v);
	case NEIGHBOR_SOLICITATION:
	case NEIGHBOR_ADVERTISEMENT:
		if (!view_has(v, 8, 16))
			return false;
		put(l, *v->p == NEIGHBOR_SOLICITATION ? ", who has " : ", tgt is ");
		put_ip6(l, v->p + 8);
		if (!l->o->verbose)
			return true;
		if (*v->p == NEIGHBOR_ADVERTISEMENT)
			put_neighbor_flags(l, v->p[4]);
		return put_options(l, view_from(*v, 24));
	case REDIRECT:
		if (!view_has(v, 8, 32))
			return false;
		put(l, ", ");
		put_ip6(l, v->p + 24);
		put(l, " to ");
		put_ip6(l, v->p + 8);
		return !l->o->verbose || put_options(l, view_from(*v, 40));
	case MLD2_REPORT: return put_groups(l, v);
	default: return true;
	}
}

static void put_checksum6(struct line *l, const struct view *v, const struct ends *e)
{
	u32 stands = view_u16(v, 2), rest = checksum_above(e, 58, v->p, v->len);

	if (rest)
		buf_printf(l->b, "[bad icmp6 cksum 0x%04x -> 0x%04x!] ", stands,
			   checksum_wanted(stands, rest));
	else
		put(l, "[icmp6 sum ok] ");
}

void print_icmp6(struct line *l, struct view v, const struct ends *e)
{
	const struct icmp6_row *row = kinds6;

	if (!v.n) {
		put_short(l, "icmp6");
		return;
	}
	if (!e->part && v.len >= 4 && checks(l, &v, v.len))
		put_checksum6(l, &v, e);
	put(l, "ICMP6, ");
	while (row < kinds6 + ARRAY_SIZE(kinds6) && row->kind != *v.p)
		row++;
	if (row < kinds6 + ARRAY_SIZE(kinds6))
		put(l, row->name);
	else
		buf_printf(l->b, "unknown icmp6 type (%u)", *v.p);
	if (l->o->verbose && *v.p >= ROUTER_SOLICITATION && *v.p <= REDIRECT)
		put_u32(l, ", length ", v.len);
	if (!view_has(&v, 0, 8) || !print_icmp6_rest(l, &v)) {
		put_short(l, "icmp6");
		return;
	}
	if (!l->o->verbose)
		put_u32(l, ", length ", v.len);
}
