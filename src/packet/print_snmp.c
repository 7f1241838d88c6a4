/*
 * print_snmp.c: SNMP (RFC 1157, 3416, 3412), written in BER: who asks for what, and what it is.
 *
 * Out: " GetResponse(34)  .1.3.6.1.2.1.1.1.0="Linux box"". Of version 3 what is not encrypted.
 */
#include "packet/print.h"

enum tag {
	INTEGER = 0x02,
	OCTETS = 0x04,
	NOTHING = 0x05,
	OBJECT = 0x06,
	SEQUENCE = 0x30,
	ADDRESS = 0x40,
	COUNTER = 0x41,
	GAUGE = 0x42,
	TICKS = 0x43,
	OPAQUE = 0x44,
	COUNTER64 = 0x46,
	NO_OBJECT = 0x80,
	NO_INSTANCE = 0x81,
	END_OF_VIEW = 0x82,
	GET = 0xa0,
	GET_NEXT,
	RESPONSE,
	SET,
	TRAP1,
	BULK,
	INFORM,
	TRAP2,
	REPORT,
};

struct ber {
	u32 tag;
	struct view v; /* what is in it */
};

/* The next of a row; false: it is cut off, or there is none. */
static bool ber_next(struct view *in, struct ber *out)
{
	struct view inside;
	u32 n, head = 2;

	if (!view_has(in, 0, 2))
		return false;
	out->tag = *in->p;
	n = in->p[1];
	if (n & 0x80) {
		u32 bytes = n & 0x7f;

		if (!bytes || bytes > 4 || !view_has(in, 2, bytes))
			return false;
		n = 0;
		for (u32 i = 0; i < bytes; i++)
			n = n << 8 | in->p[2 + i];
		head += bytes;
	}
	if (!view_has(in, head, n))
		return false;
	inside = view_cut(view_from(*in, head), n);
	*in = view_from(*in, head + n);
	out->v = inside; /* may be what `in` was */
	return true;
}

static bool ber_take(struct view *in, u32 tag, struct ber *out)
{
	return ber_next(in, out) && out->tag == tag;
}

static s64 number_of(const struct ber *b)
{
	u64 v = b->tag == INTEGER && b->v.n && *b->v.p & 0x80 ? ~0ull : 0;

	for (u32 i = 0; i < b->v.n; i++)
		v = v << 8 | b->v.p[i];
	return (s64)v;
}

static bool take_number(struct view *in, s64 *n)
{
	struct ber b;

	if (!ber_take(in, INTEGER, &b))
		return false;
	*n = number_of(&b);
	return true;
}

/* ---- values */

/* The first number is two: 40 times the first and the second. */
static void put_oid(struct line *l, const struct view *v)
{
	u64 part = 0;
	bool first = true;

	for (u32 i = 0; i < v->n; i++) {
		part = part << 7 | (v->p[i] & 0x7f);
		if (v->p[i] & 0x80)
			continue;
		if (first)
			buf_printf(l->b, ".%u", part < 80 ? (u32)part / 40 : 2);
		buf_char(l->b, '.');
		buf_u64(l->b, first ? part < 80 ? part % 40 : part - 80 : part);
		part = 0;
		first = false;
	}
}

static void put_octets(struct line *l, const struct view *v, const char *between)
{
	bool text = !*between;

	for (u32 i = 0; i < v->n; i++)
		text &= v->p[i] >= 32 && v->p[i] < 127;
	if (text) {
		buf_char(l->b, '"');
		buf_add(l->b, v->p, v->n);
		buf_char(l->b, '"');
	}
	for (u32 i = 0; !text && i < v->n; i++)
		buf_printf(l->b, "%s%02x", i ? "_" : between, v->p[i]);
}

static void put_value(struct line *l, const struct ber *b)
{
	switch (b->tag) {
	case NOTHING: break;
	case INTEGER:
	case COUNTER:
	case GAUGE:
	case TICKS:
	case COUNTER64:
		if (b->tag == INTEGER)
			buf_s64(l->b, number_of(b));
		else
			buf_u64(l->b, (u64)number_of(b));
		break;
	case OCTETS: put_octets(l, &b->v, ""); break;
	case OBJECT: put_oid(l, &b->v); break;
	case ADDRESS:
		for (u32 i = 0; i < b->v.n; i++)
			put_u32(l, i ? "." : b->v.n != 4 ? "[inetaddr len!=4]" : "", b->v.p[i]);
		break;
	case NO_OBJECT: put(l, "[noSuchObject]"); break;
	case NO_INSTANCE: put(l, "[noSuchInstance]"); break;
	case END_OF_VIEW: put(l, "[endOfMibView]"); break;
	case SEQUENCE: buf_printf(l->b, "Seq(%u)", b->v.len); break;
	case OPAQUE: put(l, "[P/A/Opaque]"), put_octets(l, &b->v, "_"); break;
	default: buf_printf(l->b, "[id?P/x/%u]", b->tag & 0x1f);
	}
}

static bool put_bindings(struct line *l, struct view v, u32 pdu)
{
	struct ber all, one, name, value;

	if (!ber_take(&v, SEQUENCE, &all))
		return false;
	while (all.v.n) {
		if (!ber_take(&all.v, SEQUENCE, &one) || !ber_take(&one.v, OBJECT, &name) ||
		    !ber_next(&one.v, &value))
			return false;
		put(l, " ");
		put_oid(l, &name.v);
		if (pdu != GET && pdu != GET_NEXT && pdu != BULK)
			put(l, "=");
		else if (value.tag != NOTHING)
			put(l, "[objVal!=NULL]");
		put_value(l, &value);
	}
	return true;
}

/* ---- messages */

static void put_error(struct line *l, s64 n)
{
	static const char *const names[] = {"noError",
					    "tooBig",
					    "noSuchName",
					    "badValue",
					    "readOnly",
					    "genErr",
					    "noAccess",
					    "wrongType",
					    "wrongLength",
					    "wrongEncoding",
					    "wrongValue",
					    "noCreation",
					    "inconsistentValue",
					    "resourceUnavailable",
					    "commitFailed",
					    "undoFailed",
					    "authorizationError",
					    "notWritable",
					    "inconsistentName"};

	if (n >= 0 && n < (s64)ARRAY_SIZE(names))
		put(l, names[n]);
	else
		buf_printf(l->b, "err=%lld", (long long)n);
}

static void put_outcome(struct line *l, u32 pdu, s64 error, s64 index)
{
	if (pdu == BULK) {
		buf_printf(l->b, " N=%lld M=%lld", (long long)error, (long long)index);
	} else if (pdu != RESPONSE) {
		if (error)
			put(l, "[errorStatus("), put_error(l, error), put(l, ")!=0]");
		if (index)
			buf_printf(l->b, "[errorIndex(%lld)!=0]", (long long)index);
	} else if (error) {
		put(l, " ");
		put_error(l, error);
		if (index)
			buf_printf(l->b, "@%lld", (long long)index);
		else
			put(l, "[errorIndex==0]");
	} else if (index) {
		buf_printf(l->b, "[errorIndex(%lld) w/o errorStatus]", (long long)index);
	}
}

static bool put_trap(struct line *l, struct view v)
{
	static const char *const names[] = {
		"coldStart",      "warmStart", "linkDown", "linkUp", "authenticationFailure",
		"egpNeighborLoss"};
	struct ber who, agent, ticks;
	s64 kind, own;

	if (!ber_take(&v, OBJECT, &who) || !ber_take(&v, ADDRESS, &agent) ||
	    !take_number(&v, &kind) || !take_number(&v, &own) || !ber_take(&v, TICKS, &ticks))
		return false;
	put(l, " ");
	put_oid(l, &who.v);
	put(l, " ");
	put_value(l, &agent);
	put(l, " ");
	if (kind == 6)
		buf_printf(l->b, "enterpriseSpecific s=%lld", (long long)own);
	else if (kind >= 0 && kind < 6)
		put(l, names[kind]);
	else
		buf_printf(l->b, "gt=%lld", (long long)kind);
	if (kind != 6 && own)
		buf_printf(l->b, "[specific-trap(%lld)!=0]", (long long)own);
	put(l, " ");
	put_value(l, &ticks);
	return put_bindings(l, v, TRAP1);
}

static bool put_pdu(struct line *l, struct view v)
{
	static const char *const names[] = {"GetRequest", "GetNextRequest", "GetResponse",
					    "SetRequest", "Trap",           "GetBulk",
					    "Inform",     "V2Trap",         "Report"};
	s64 id, error, index;
	struct ber b;

	if (!ber_next(&v, &b) || b.tag < GET || b.tag > REPORT)
		return false;
	buf_printf(l->b, "%s(%u) ", names[b.tag - GET], b.v.len);
	if (b.tag == TRAP1)
		return put_trap(l, b.v);
	if (!take_number(&b.v, &id) || !take_number(&b.v, &error) || !take_number(&b.v, &index))
		return false;
	put_outcome(l, b.tag, error, index);
	return put_bindings(l, b.v, b.tag);
}

/* Who it is, and what is not encrypted. */
static bool put_version3(struct line *l, struct view v)
{
	struct ber b, flags, user, engine;
	s64 n;

	if (!ber_take(&v, SEQUENCE, &b) || !take_number(&b.v, &n) || !take_number(&b.v, &n) ||
	    !ber_take(&b.v, OCTETS, &flags) || !flags.v.n)
		return false;
	buf_printf(l->b, "F=%s%s%s ", *flags.v.p & 1 ? "a" : "", *flags.v.p & 2 ? "p" : "",
		   *flags.v.p & 4 ? "r" : "");
	if (!ber_take(&v, OCTETS, &b) || !ber_take(&b.v, SEQUENCE, &b) ||
	    !ber_take(&b.v, OCTETS, &engine) || !take_number(&b.v, &n) || !take_number(&b.v, &n) ||
	    !ber_take(&b.v, OCTETS, &user))
		return false;
	put(l, "U=");
	put_octets(l, &user.v, "");
	put(l, " ");
	if (!ber_next(&v, &b))
		return false;
	if (b.tag != SEQUENCE) {
		put(l, "[!scoped PDU]");
		put_value(l, &b);
		return true;
	}
	if (!ber_take(&b.v, OCTETS, &engine) || !ber_take(&b.v, OCTETS, &user))
		return false;
	put(l, "E=");
	put_octets(l, &engine.v, "_");
	put(l, " C=");
	put_octets(l, &user.v, "");
	put(l, " ");
	return put_pdu(l, b.v);
}

void print_snmp(struct line *l, struct view v)
{
	struct ber whole, community;
	s64 version;

	put(l, " ");
	if (!ber_take(&v, SEQUENCE, &whole) || !take_number(&whole.v, &version)) {
		put(l, "[|snmp]");
		return;
	}
	if (v.n)
		buf_printf(l->b, "[%u extra after iSEQ]", v.len);
	if (version != 0 && version != 1 && version != 3) {
		buf_printf(l->b, "SNMP [version = %lld]", (long long)version);
		return;
	}
	if (version == 3) {
		if (!put_version3(l, whole.v))
			put(l, "[|snmp]");
		return;
	}
	if (!ber_take(&whole.v, OCTETS, &community)) {
		put(l, "[|snmp]");
		return;
	}
	if (community.v.n != 6 || memcmp(community.v.p, "public", 6) != 0) {
		put(l, "C=");
		put_octets(l, &community.v, "");
		put(l, " ");
	}
	if (!put_pdu(l, whole.v))
		put(l, "[|snmp]");
}
