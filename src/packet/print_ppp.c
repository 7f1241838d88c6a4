/*
 * print_ppp.c: PPP (RFC 1661): what the ends of a line agree on, who they are (RFC 1334, 1994), and
 * PPPoE (RFC 2516), which finds the other end.
 */
#include "packet/print.h"

/* ---- options of lines: packets of one form */

static const char *const codes[] = {
	"Vendor-Extension", "Conf-Request", "Conf-Ack",    "Conf-Nack",   "Conf-Reject",
	"Term-Request",     "Term-Ack",     "Code-Reject", "Prot-Reject", "Echo-Request",
	"Echo-Reply",       "Disc-Req",     "Ident",       "Time-Rem",    "Reset-Req",
	"Reset-Ack",
};

static void print_control(struct line *l, const char *name, struct view v)
{
	put(l, name);
	put(l, ", ");
	if (!view_has(&v, 0, 4)) {
		buf_printf(l->b, "[|%s]", name);
		return;
	}
	buf_printf(l->b, "%s (0x%02x), id %u, length %u",
		   *v.p < ARRAY_SIZE(codes) ? codes[*v.p] : "Unknown Opcode", *v.p, v.p[1],
		   v.len + 2);
}

/* ---- who it is */

/* A field with its length in front; what follows it, or 0: it is cut off. */
static u32 put_field(struct line *l, const char *before, const struct view *v, u32 at, bool hex)
{
	u32 n = view_has(v, at, 1) ? v->p[at] : 0;

	if (!view_has(v, at, 1) || !view_has(v, at + 1, n))
		return 0;
	put(l, before);
	if (!hex)
		put_visible(l, v->p + at + 1, n);
	for (u32 i = 0; hex && i < n; i++)
		buf_printf(l->b, "%02x", v->p[at + 1 + i]);
	return at + 1 + n;
}

static bool print_who(struct line *l, const char *name, const char *small,
		      const char *const names[5], struct view *v)
{
	if (!view_has(v, 0, 4)) {
		buf_printf(l->b, "[|%s 0x%02x]", small, v->n ? *v->p : 0);
		return false;
	}
	buf_printf(l->b, "%s, %s (0x%02x), id %u", name,
		   *v->p < 5 && names[*v->p] ? names[*v->p] : "unknown", *v->p, v->p[1]);
	*v = view_cut(*v, view_u16(v, 2));
	return true;
}

static void print_pap(struct line *l, const char *name, struct view v)
{
	static const char *const names[5] = {NULL, "Auth-Req", "Auth-ACK", "Auth-NACK"};
	u32 at = 4;

	if (!print_who(l, name, "pap", names, &v))
		return;
	if (*v.p == 1) {
		at = put_field(l, ", Peer ", &v, at, false);
		if (at)
			put_field(l, ", Name ", &v, at, false);
	} else if (*v.p < 4 && *v.p) {
		if (!put_field(l, ", Msg ", &v, at, false))
			put(l, "[|pap]");
	}
}

static void print_chap(struct line *l, const char *name, struct view v)
{
	static const char *const names[5] = {NULL, "Challenge", "Response", "Success", "Fail"};
	u32 at = 4;

	if (!print_who(l, name, "chap", names, &v))
		return;
	if (*v.p == 1 || *v.p == 2)
		at = put_field(l, ", Value ", &v, at, true);
	else if (*v.p != 3 && *v.p != 4)
		return;
	if (at && v.n >= at) {
		put(l, *v.p < 3 ? ", Name " : ", Msg ");
		put_visible(l, v.p + at, v.n - at);
	}
}

/* ---- protocols */

static void print_bytes(struct line *l, const char *name, struct view v)
{
	put(l, name);
	put(l, " ");
	put_hex(l, "\n\t", v, false);
}

static void print_compressed(struct line *l, const char *name, struct view v)
{
	(void)name, (void)v;
	put(l, "compressed PPP data");
}

static const struct protocol {
	u16 number;
	u16 type; /* the same as this one of Ethernet */
	const char *name;
	void (*print)(struct line *, const char *name, struct view);
} protocols[] = {
	{0x0021, 0x0800, "IP", NULL},         {0x0057, 0x86dd, "IP6", NULL},
	{0xc021, 0, "LCP", print_control},    {0x8021, 0, "IPCP", print_control},
	{0x8057, 0, "IP6CP", print_control},  {0x80fd, 0, "CCP", print_control},
	{0x8281, 0, "MPLSCP", print_control}, {0xc02b, 0, "BACP", print_control},
	{0xc023, 0, "PAP", print_pap},        {0xc223, 0, "CHAP", print_chap},
	{0x0281, 0x8847, "MPLS", NULL},       {0x0283, 0x8848, "MPLS", NULL},
	{0xc025, 0, "LQM", print_bytes},      {0xc227, 0, "EAP", print_bytes},
	{0x802b, 0, "IPXCP", print_bytes},    {0x0029, 0, "APPLE", print_bytes},
	{0x0031, 0, "BRPDU", print_bytes},    {0x0033, 0, "STII", print_bytes},
	{0x002d, 0, "VJC IP", print_bytes},   {0x00fd, 0, "Compressed", print_compressed},
};

void print_ppp(struct line *l, struct view v)
{
	const struct protocol *p = protocols, *end = protocols + ARRAY_SIZE(protocols);
	u32 number;

	if (view_has(&v, 0, 2) && *v.p == 0xff && v.p[1] == 3)
		v = view_from(v, 2); /* as on a line: RFC 1662 */
	if (!view_has(&v, 0, 2)) {
		put_short(l, "ppp");
		return;
	}
	number = *v.p & 1 ? *v.p : view_u16(&v, 0);
	while (p < end && p->number != number)
		p++;
	if (l->o->link_header)
		buf_printf(l->b, p < end ? "%s (0x%04x), length %u: " : "%s (0x%04x), length %u",
			   p < end ? p->name : "unknown", number, v.len);
	v = view_from(v, *v.p & 1 ? 1 : 2);
	if (p == end) {
		if (l->o->link_header)
			return;
		buf_printf(l->b, "unknown PPP protocol (0x%04x) ", number);
		put_hex(l, "\n\t", v, false);
	} else if (p->print) {
		p->print(l, p->name, v);
	} else {
		print_ethertype(l, p->type, v, !l->o->link_header);
	}
}

/* ---- PPPoE */

static const struct {
	u16 number;
	const char *name;
} tags[] = {
	{0, "EOL"},
	{0x101, "Service-Name"},
	{0x102, "AC-Name"},
	{0x103, "Host-Uniq"},
	{0x104, "AC-Cookie"},
	{0x105, "Vendor-Specific"},
	{0x110, "Relay-Session-ID"},
	{0x120, "PPP-Max-Payload"},
	{0x201, "Service-Name-Error"},
	{0x202, "AC-System-Error"},
	{0x203, "Generic-Error"},
};
#define TAG_TEXT_MOST 79

/* As text, if most of it is. */
static void put_tag_value(struct line *l, const u8 *p, u32 n)
{
	u32 seen = MIN(n, (u32)TAG_TEXT_MOST), good = 0;
	bool text;

	for (u32 i = 0; i < seen; i++)
		good += p[i] >= 32 && p[i] < 127;
	text = good > seen - good;
	put(l, text ? " \"" : " 0x");
	for (u32 i = 0; i < (text ? seen : n); i++)
		if (!text)
			buf_printf(l->b, "%02X", p[i]);
		else
			buf_char(l->b, (char)(p[i] >= 32 && p[i] < 127 ? p[i] : '.'));
	put(l, text ? "\"" : "");
}

static void put_tags(struct line *l, struct view v)
{
	while (v.len) {
		u32 kind, n, i = 0;

		if (!view_has(&v, 0, 4)) {
			put_short(l, "pppoe");
			return;
		}
		kind = view_u16(&v, 0);
		n = view_u16(&v, 2);
		if (!view_has(&v, 4, n)) {
			put_short(l, "pppoe");
			return;
		}
		while (i < ARRAY_SIZE(tags) && tags[i].number != kind)
			i++;
		if (i < ARRAY_SIZE(tags))
			buf_printf(l->b, " [%s", tags[i].name);
		else
			buf_printf(l->b, " [TAG-0x%x", kind);
		if (n)
			put_tag_value(l, v.p + 4, n);
		put(l, "]");
		if (!kind)
			return;
		v = view_from(v, 4 + n);
	}
}

void print_pppoe(struct line *l, struct view v)
{
	static const struct {
		u8 code;
		const char *name;
	} names[] = {{0, ""},        {0x09, "PADI"}, {0x07, "PADO"},
		     {0x19, "PADR"}, {0x65, "PADS"}, {0xa7, "PADT"}};
	u32 i = 0, n;

	if (!view_has(&v, 0, 6)) {
		buf_printf(l->b, " (length %u < 6) (invalid)", v.len);
		return;
	}
	if (*v.p >> 4 != 1)
		buf_printf(l->b, " [ver %u]", *v.p >> 4);
	if ((*v.p & 15) != 1)
		buf_printf(l->b, " [type %u]", *v.p & 15);
	while (i < ARRAY_SIZE(names) && names[i].code != v.p[1])
		i++;
	if (i < ARRAY_SIZE(names))
		buf_printf(l->b, "PPPoE %s", names[i].name);
	else
		buf_printf(l->b, "PPPoE PAD-%x", v.p[1]);
	if (view_u16(&v, 2))
		buf_printf(l->b, " [ses 0x%x]", view_u16(&v, 2));
	n = view_u16(&v, 4);
	i = v.p[1];
	v = view_from(v, 6);
	if (n > v.len)
		buf_printf(l->b, " [len %u > %u!]", n, v.len);
	v = view_cut(v, n);
	if (i) {
		put_tags(l, v);
	} else {
		put(l, " ");
		print_ppp(l, v);
	}
}
