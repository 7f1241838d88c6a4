/* print_dns.c: questions and answers of DNS (RFC 1035) and of its relative on the link (RFC 6762).
 */
#include "packet/print.h"

#define LABELS_MOST 128 /* a name that refers to itself ends */

enum {
	TYPE_A = 1,
	TYPE_NS = 2,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_PTR = 12,
	TYPE_MX = 15,
	TYPE_TXT = 16,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_OPT = 41
};

static const struct {
	u32 type;
	const char *name;
} types[] = {
	{TYPE_A, "A"},         {TYPE_NS, "NS"},     {3, "MD"},         {4, "MF"},
	{TYPE_CNAME, "CNAME"}, {TYPE_SOA, "SOA"},   {TYPE_PTR, "PTR"}, {13, "HINFO"},
	{TYPE_MX, "MX"},       {TYPE_TXT, "TXT"},   {17, "RP"},        {24, "SIG"},
	{25, "KEY"},           {TYPE_AAAA, "AAAA"}, {29, "LOC"},       {TYPE_SRV, "SRV"},
	{35, "NAPTR"},         {39, "DNAME"},       {TYPE_OPT, "OPT"}, {43, "DS"},
	{44, "SSHFP"},         {46, "RRSIG"},       {47, "NSEC"},      {48, "DNSKEY"},
	{50, "NSEC3"},         {52, "TLSA"},        {64, "SVCB"},      {65, "HTTPS"},
	{99, "SPF"},           {249, "TKEY"},       {250, "TSIG"},     {251, "IXFR"},
	{252, "AXFR"},         {255, "ANY"},        {257, "CAA"},
};

static void put_type(struct line *l, u32 type)
{
	for (u32 i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type) {
			put(l, types[i].name);
			return;
		}
	put_u32(l, "Type", type);
}

/* Writes the name at `at` (l: NULL: does not) and returns what follows it; 0: it is cut off or
 * broken. */
static u32 name_at(struct line *l, const struct view *v, u32 at)
{
	u32 end = 0, n;
	bool any = false;

	for (u32 i = 0; i < LABELS_MOST; i++) {
		if (!view_has(v, at, 1))
			return 0;
		n = v->p[at];
		if (n >= 0xc0) {
			if (!view_has(v, at, 2))
				return 0;
			end = end ? end : at + 2;
			at = view_u16(v, at) & 0x3fff;
			continue;
		}
		if (n >= 64)
			return 0;
		if (!n) {
			if (l && !any)
				put(l, ".");
			return end ? end : at + 1;
		}
		if (!view_has(v, at + 1, n))
			return 0;
		if (l) {
			put_text(l, v->p + at + 1, n);
			put(l, ".");
		}
		any = true;
		at += 1 + n;
	}
	return 0;
}

u32 print_dns_name(struct line *l, const struct view *v, u32 at)
{
	return name_at(l, v, at);
}

static void put_class(struct line *l, u32 class)
{
	if (class != 1)
		buf_printf(l->b,
			   class == 3     ? " CHAOS"
			   : class == 4   ? " HESIOD"
			   : class == 255 ? " ANY"
					  : " (Class %u)",
			   class);
}

/* "1d1h", "5m", "0s" */
static void put_ttl(struct line *l, u32 seconds)
{
	static const struct {
		u32 seconds;
		char name;
	} units[] = {{604800, 'w'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	bool any = false;

	put(l, " [");
	for (u32 i = 0; i < ARRAY_SIZE(units); i++)
		if (seconds >= units[i].seconds || (!any && units[i].seconds == 1)) {
			buf_printf(l->b, "%u%c", seconds / units[i].seconds, units[i].name);
			seconds %= units[i].seconds;
			any = true;
		}
	put(l, "]");
}

/* What a record of EDNS (RFC 6891) has in the place of others' class and time. */
static void put_edns(struct line *l, const struct view *v, u32 after, u32 n)
{
	static const struct {
		u32 code;
		const char *name;
	} names[] = {{3, "NSID"},       {8, "ECS"},      {10, "COOKIE"},
		     {11, "KEEPALIVE"}, {12, "PADDING"}, {15, "EDE"}};
	const struct view all = view_cut(*v, after + 10 + n);

	put_u32(l, " UDPsize=", view_u16(v, after + 2));
	put(l, view_u16(v, after + 6) & 0x8000 ? " DO" : "");
	for (u32 at = after + 10, size; view_has(&all, at, 4); at += 4 + size) {
		u32 i = 0;

		size = view_u16(&all, at + 2);
		while (i < ARRAY_SIZE(names) && names[i].code != view_u16(&all, at))
			i++;
		if (i < ARRAY_SIZE(names))
			buf_printf(l->b, " [%s", names[i].name);
		else
			buf_printf(l->b, " [Opt%u", view_u16(&all, at));
		put(l, size ? " " : "");
		for (u32 k = 0; k < size && view_has(&all, at + 4 + k, 1); k++)
			buf_printf(l->b, "%02x", all.p[at + 4 + k]);
		put(l, "]");
	}
}

/* A question; returns what follows it, or 0. */
static u32 put_question(struct line *l, const struct view *v, u32 at, bool multicast)
{
	u32 name = at, after = name_at(NULL, v, at), class;

	if (!after || !view_has(v, after, 4))
		return 0;
	put(l, " ");
	put_type(l, view_u16(v, after));
	class = view_u16(v, after + 2);
	if (multicast) {
		put(l, class & 0x8000 ? " (QU)" : " (QM)");
		class &= 0x7fff;
	}
	put_class(l, class);
	put(l, "? ");
	name_at(l, v, name);
	return after + 4;
}

/* Who is responsible, and his five numbers. */
static bool put_authority(struct line *l, const struct view *v, u32 at)
{
	at = name_at(l, v, at);
	put(l, " ");
	at = at ? name_at(l, v, at) : 0;
	if (!at || !view_has(v, at, 20))
		return false;
	for (u32 i = 0; i < 20; i += 4)
		put_u32(l, " ", view_u32(v, at + i));
	return true;
}

static bool put_data(struct line *l, const struct view *v, u32 type, u32 at, u32 n)
{
	struct view all = view_cut(*v, at + n);

	put(l, " ");
	switch (type) {
	case TYPE_A:
		if (n != 4 || !view_has(v, at, 4))
			return false;
		put_ip4(l, v->p + at);
		return true;
	case TYPE_AAAA:
		if (n != 16 || !view_has(v, at, 16))
			return false;
		put_ip6(l, v->p + at);
		return true;
	case TYPE_NS:
	case TYPE_CNAME:
	case TYPE_PTR: return name_at(l, v, at);
	case TYPE_MX:
		if (!view_has(v, at, 2) || !name_at(l, v, at + 2))
			return false;
		put_u32(l, " ", view_u16(v, at));
		return true;
	case TYPE_SRV:
		if (!view_has(v, at, 6) || !name_at(l, v, at + 6))
			return false;
		put_u32(l, ":", view_u16(v, at + 4));
		put_u32(l, " ", view_u16(v, at));
		put_u32(l, " ", view_u16(v, at + 2));
		return true;
	case TYPE_SOA:
		if (!l->o->verbose) {
			l->b->n--;
			return true;
		}
		return put_authority(l, v, at);
	case TYPE_TXT:
		for (u32 i = at, len; i < at + n; i += 1 + len) {
			len = view_has(&all, i, 1) ? v->p[i] : 0;
			if (!view_has(&all, i + 1, len))
				return false;
			put(l, i > at ? " \"" : "\"");
			put_text(l, v->p + i + 1, len);
			put(l, "\"");
		}
		return true;
	default: l->b->n--; return true;
	}
}

/* A record; returns what follows it, or 0. */
static u32 put_record(struct line *l, const struct view *v, u32 at, bool multicast)
{
	u32 after = name_at(NULL, v, at), type, class, n;

	if (!after || !view_has(v, after, 10))
		return 0;
	type = view_u16(v, after);
	class = view_u16(v, after + 2);
	n = view_u16(v, after + 8);
	if (l->o->verbose) {
		put(l, " ");
		name_at(l, v, at);
	}
	if (type != TYPE_OPT) {
		if (multicast && class & 0x8000)
			put(l, " (Cache flush)");
		put_class(l, multicast ? class & 0x7fff : class);
		if (l->o->verbose > 2)
			put_ttl(l, view_u32(v, after + 4));
	}
	put(l, " ");
	put_type(l, type);
	if (type == TYPE_OPT)
		put_edns(l, v, after, n);
	if (!put_data(l, v, type, after + 10, n))
		return 0;
	return after + 10 + n;
}

static void put_counts(struct line *l, const struct view *v, bool query)
{
	u32 answers = view_u16(v, 6), authority = view_u16(v, 8), more = view_u16(v, 10);

	if (!query)
		return;
	if (view_u16(v, 4) != 1)
		buf_printf(l->b, " [%uq]", view_u16(v, 4));
	if (answers)
		buf_printf(l->b, " [%ua]", answers);
	if (authority)
		buf_printf(l->b, " [%un]", authority);
	if (more)
		buf_printf(l->b, " [%uau]", more);
}

static const char *const opcodes[] = {"",         " inv_q",    " stat",     " op3",
				      " notify",  " update",   " op6",      " op7",
				      " op8",     " updateA",  " updateD",  " updateDA",
				      " updateM", " updateMA", " zoneInit", " zoneRef"};
static const char *const rcodes[] = {"",         " FormErr", " ServFail", " NXDomain",
				     " NotImp",  " Refused", " YXDomain", " YXRRSet",
				     " NXRRSet", " NotAuth", " NotZone",  " Resp11",
				     " Resp12",  " Resp13",  " Resp14",   " NoChange"};

/* n records, or none; where they end, 0: they are cut off. */
static u32 put_records(struct line *l, const struct view *v, const char *head, u32 at, u32 n,
		       bool multicast)
{
	put(l, n ? head : "");
	for (u32 i = 0; i < n && at; i++) {
		put(l, i ? "," : "");
		at = put_record(l, v, at, multicast);
	}
	return at;
}

/* Authority and additional ones, which -vv shows. */
static bool put_others(struct line *l, const struct view *v, u32 at, bool multicast)
{
	if (l->o->verbose < 2)
		return true;
	at = put_records(l, v, " ns:", at, view_u16(v, 8), multicast);
	return at && put_records(l, v, " ar:", at, view_u16(v, 10), multicast);
}

static bool print_response(struct line *l, const struct view *v, u32 flags, bool multicast)
{
	u32 answers = view_u16(v, 6), at = 12;

	put(l, opcodes[flags >> 11 & 15]);
	put(l, rcodes[flags & 15]);
	put(l, flags & 0x0400 ? "*" : "");
	put(l, flags & 0x0080 ? "" : "-");
	put(l, flags & 0x0200 ? "|" : "");
	put(l, flags & 0x0020 ? "$" : "");
	if (view_u16(v, 4) != 1)
		buf_printf(l->b, " [%uq]", view_u16(v, 4));
	for (u32 i = 0; i < view_u16(v, 4); i++) {
		if (l->o->verbose > 1) {
			put(l, i ? ", q:" : " q:");
			at = put_question(l, v, at, multicast);
		} else {
			put(l, i ? "," : "");
			at = name_at(NULL, v, at);
			at += at ? 4 : 0;
		}
		if (!at)
			return false;
	}
	buf_printf(l->b, " %u/%u/%u", answers, view_u16(v, 8), view_u16(v, 10));
	at = put_records(l, v, "", at, answers, multicast);
	return at && put_others(l, v, at, multicast);
}

static bool print_query(struct line *l, const struct view *v, u32 flags, bool multicast)
{
	u32 at = 12;

	put(l, opcodes[flags >> 11 & 15]);
	put(l, flags & 0x0100 ? "+" : "");
	put(l, flags & 0x0010 ? "%" : "");
	if (flags & 0x06cf) /* what only answers have */
		buf_printf(l->b, " [b2&3=0x%x]", flags);
	put_counts(l, v, true);
	for (u32 i = 0; i < view_u16(v, 4); i++) {
		at = put_question(l, v, at, multicast);
		if (!at)
			return false;
	}
	if (l->o->verbose > 1)
		at = put_records(l, v, "", at, view_u16(v, 6), multicast);
	return at && put_others(l, v, at, multicast);
}

void print_dns(struct line *l, struct view v, bool multicast)
{
	u32 flags;
	bool whole;

	if (!view_has(&v, 0, 12)) {
		put_short(l, "domain");
		return;
	}
	flags = view_u16(&v, 2);
	put_u32(l, "", view_u16(&v, 0));
	whole = flags & 0x8000 ? print_response(l, &v, flags, multicast)
			       : print_query(l, &v, flags, multicast);
	if (!whole) {
		put_short(l, "domain");
		return;
	}
	put_u32(l, " (", v.len);
	put(l, ")");
}
