/*
 * print_apps.c: what small protocols over UDP say, as one line: TFTP (RFC 1350, 2347), syslog (RFC
 * 5424), RADIUS (RFC 2865), RIP (RFC 2453), HSRP (RFC 2281), BFD (RFC 5880), IKE (RFC 7296) and
 * its packets beside ESP (RFC 3948).
 */
#include "packet/print.h"

struct name {
	u8 number;
	const char *name;
};

/* The name; with another number by `other`, which has a %u. */
static void put_name(struct line *l, const struct name *names, u32 n, u32 number, const char *other)
{
	for (u32 i = 0; i < n; i++)
		if (names[i].number == number) {
			put(l, names[i].name);
			return;
		}
	buf_printf(l->b, other, number); /* NOLINT(clang-diagnostic-format-nonliteral) */
}
#define PUT_NAME(l, names, number, other) put_name(l, names, ARRAY_SIZE(names), number, other)

/* ---- TFTP */

/* A string that ends with 0; what comes behind, NULL: it is cut off. */
static const u8 *string_end(const struct view *v)
{
	const u8 *end = v->n ? memchr(v->p, 0, v->n) : NULL;

	return end ? end + 1 : NULL;
}

static bool put_string(struct line *l, const char *before, struct view *v, const char *after)
{
	const u8 *next = string_end(v);

	if (!next) {
		put_short(l, "tftp");
		return false;
	}
	put(l, before);
	put_visible(l, v->p, (u32)(next - v->p) - 1);
	put(l, after);
	*v = view_from(*v, (u32)(next - v->p));
	return true;
}

void print_tftp(struct line *l, struct view v)
{
	static const struct name kinds[] = {{1, "RRQ"}, {2, "WRQ"},   {3, "DATA"},
					    {4, "ACK"}, {5, "ERROR"}, {6, "OACK"}};
	static const struct name errors[] = {{0, "EUNDEF"},   {1, "ENOTFOUND"}, {2, "EACCESS"},
					     {3, "ENOSPACE"}, {4, "EBADOP"},    {5, "EBADID"},
					     {6, "EEXISTS"},  {7, "ENOUSER"}};
	u32 kind;

	put_u32(l, "TFTP, length ", v.len);
	if (!view_has(&v, 0, 2)) {
		put_short(l, "tftp");
		return;
	}
	kind = view_u16(&v, 0);
	put(l, ", ");
	PUT_NAME(l, kinds, kind, "tftp-#%u");
	v = view_from(v, 2);
	if (kind == 1 || kind == 2) {
		if (!put_string(l, " \"", &v, "\"") || !put_string(l, " ", &v, ""))
			return;
		kind = 6;
	}
	if (kind == 6) {
		while (v.n && *v.p && put_string(l, " ", &v, ""))
			;
	} else if (kind >= 3 && kind <= 5) {
		if (!view_has(&v, 0, 2)) {
			put_short(l, "tftp");
			return;
		}
		if (kind < 5) {
			put_u32(l, " block ", view_u16(&v, 0));
			return;
		}
		put(l, " ");
		PUT_NAME(l, errors, view_u16(&v, 0), "tftp-err-#%u \"");
		v = view_from(v, 2);
		put_string(l, " \"", &v, "\"");
	}
}

/* ---- syslog */

void print_syslog(struct line *l, struct view v)
{
	static const char *const facilities[] = {
		"kernel", "user",     "mail",    "daemon", "auth",     "syslog",
		"lpr",    "news",     "uucp",    "cron",   "authpriv", "ftp",
		"ntp",    "security", "console", "cron",   "local0",   "local1",
		"local2", "local3",   "local4",  "local5", "local6",   "local7"};
	static const char *const severities[] = {"emergency", "alert",  "critical", "error",
						 "warning",   "notice", "info",     "debug"};
	u32 at = 1, number = 0;

	if (v.n && *v.p != '<') {
		put(l, " (invalid)");
		return;
	}
	for (; at < v.n && at < 5 && v.p[at] >= '0' && v.p[at] <= '9'; at++)
		number = number * 10 + v.p[at] - '0';
	if (at >= v.n) {
		put_short(l, "syslog");
		return;
	}
	if (at > 4 || v.p[at] != '>') {
		put(l, " (invalid)");
		return;
	}
	put(l, "SYSLOG ");
	if (number / 8 < ARRAY_SIZE(facilities))
		put(l, facilities[number / 8]);
	else
		buf_printf(l->b, "unknown (%u)", number / 8);
	buf_printf(l->b, ".%s, length: %u", severities[number % 8], v.len);
}

/* ---- RADIUS */

void print_radius(struct line *l, struct view v)
{
	static const struct name kinds[] = {{1, "Access-Request"},
					    {2, "Access-Accept"},
					    {3, "Access-Reject"},
					    {4, "Accounting-Request"},
					    {5, "Accounting-Response"},
					    {11, "Access-Challenge"},
					    {12, "Status-Server"},
					    {13, "Status-Client"},
					    {40, "Disconnect-Request"},
					    {41, "Disconnect-ACK"},
					    {42, "Disconnect-NAK"},
					    {43, "CoA-Request"},
					    {44, "CoA-ACK"},
					    {45, "CoA-NAK"}};
	u32 n;

	if (!view_has(&v, 0, 20) || view_u16(&v, 2) < 20) {
		put_short(l, "radius");
		return;
	}
	n = view_u16(&v, 2);
	put(l, "RADIUS, ");
	PUT_NAME(l, kinds, *v.p, "Unknown Command");
	buf_printf(l->b, " (%u), id: 0x%02x length: %u", *v.p, v.p[1], MIN(n, v.len));
}

/* ---- routers */

void print_rip(struct line *l, struct view v)
{
	static const struct name kinds[] = {{1, "Request"},   {2, "Response"}, {3, "Trace on"},
					    {4, "Trace off"}, {5, "Poll"},     {6, "Poll Entry"}};

	if (!view_has(&v, 0, 4)) {
		put_short(l, "rip");
		return;
	}
	put_u32(l, "RIPv", v.p[1]);
	if (!v.p[1]) {
		put_hex(l, "\n\t", v, false);
		return;
	}
	put(l, ", ");
	PUT_NAME(l, kinds, *v.p, "unknown command (%u)");
	put_u32(l, ", length: ", v.len);
}

void print_hsrp(struct line *l, struct view v)
{
	static const struct name kinds[] = {{0, "hello"}, {1, "coup"}, {2, "resign"}};
	static const struct name states[] = {{0, "initial"}, {1, "learn"},   {2, "listen"},
					     {4, "speak"},   {8, "standby"}, {16, "active"}};

	put_u32(l, "HSRPv", v.n ? *v.p : 0);
	if (v.n && *v.p)
		return;
	put(l, "-");
	PUT_NAME(l, kinds, v.n > 1 ? v.p[1] : 0, "unknown (%u)");
	buf_printf(l->b, " %u: ", v.len);
	if (!view_has(&v, 0, 20)) {
		put_short(l, "hsrp");
		return;
	}
	put(l, "state=");
	PUT_NAME(l, states, v.p[2], "Unknown (%u)");
	put_u32(l, " group=", v.p[6]);
	put(l, " addr=");
	put_ip4(l, v.p + 16);
}

static void print_bfd(struct line *l, struct view v, const char *kind)
{
	static const char *const states[] = {"AdminDown", "Down", "Init", "Up"};
	static const char *const flags[] = {
		"Multipoint", "Demand", "Authentication Present", "Control Plane Independent",
		"Final",      "Poll"};
	const char *between = "";

	if (!view_has(&v, 0, 24)) {
		put_short(l, "bfd");
		return;
	}
	buf_printf(l->b, "BFDv%u, %s, State %s, Flags: [", *v.p >> 5, kind, states[v.p[1] >> 6]);
	for (u32 i = 6; i--;)
		if (v.p[1] >> i & 1) {
			put(l, between);
			put(l, flags[i]);
			between = ", ";
		}
	buf_printf(l->b, "%s], length: %u", *between ? "" : "none", v.len);
}

void print_bfd_control(struct line *l, struct view v)
{
	print_bfd(l, v, "Control");
}

void print_bfd_multihop(struct line *l, struct view v)
{
	print_bfd(l, v, "Multihop");
}

void print_bfd_echo(struct line *l, struct view v)
{
	put_u32(l, "BFD, Echo, length: ", v.len);
}

/* ---- IKE */

static void print_ike(struct line *l, struct view v, const char *in_front)
{
	static const struct name kinds[] = {{0, "none"},          {1, "base"},
					    {2, "ident"},         {3, "auth"},
					    {4, "agg"},           {5, "inf"},
					    {32, "oakley-quick"}, {33, "oakley-newgroup"},
					    {34, "ikev2_init"},   {35, "ikev2_auth"},
					    {36, "child_sa"},     {37, "inf2"}};
	u32 version, flags, message;

	put(l, in_front);
	if (!view_has(&v, 0, 28)) {
		put_short(l, "isakmp");
		return;
	}
	version = v.p[17] >> 4;
	flags = v.p[19];
	message = view_u32(&v, 20);
	put(l, "isakmp:");
	if (version == 2)
		put(l, message ? " child_sa  " : " parent_sa ");
	else if (version ==
		 1) /* whose it is hangs on who began: the first has no answer's cookie */
		put(l, message ? " phase 2/others I " : " phase 1 I ");
	else
		return;
	PUT_NAME(l, kinds, v.p[18], "#%u");
	if (!flags)
		return;
	if (version == 2)
		buf_printf(l->b, "[%s%s]", flags & 8 ? "I" : "", flags & 0x20 ? "R" : "");
	else
		buf_printf(l->b, "[%s%s]", flags & 1 ? "E" : "", flags & 2 ? "C" : "");
}

void print_isakmp(struct line *l, struct view v)
{
	print_ike(l, v, "");
}

void print_nat_esp(struct line *l, struct view v)
{
	if (v.n == 1 && v.len == 1 && *v.p == 0xff) {
		put(l, "isakmp-nat-keep-alive");
	} else if (!view_has(&v, 0, 4)) {
		put_short(l, "isakmp_rfc3948");
	} else if (view_u32(&v, 0)) {
		put(l, "UDP-encap: ");
		print_esp(l, v, NULL);
	} else {
		print_ike(l, view_from(v, 4), "NONESP-encap: ");
	}
}
