/*
 * print_dhcp.c: BOOTP and DHCP (RFC 951, RFC 2131, RFC 2132): who asks or answers, and with -v the
 * fields and options, a line each.
 */
#include "packet/print.h"

#define FIXED 236 /* bytes in front of the options */
#define MAGIC 0x63825363u

enum { PAD = 0, MESSAGE = 53, OVERLOAD = 52, PARAMETERS = 55, CLIENT = 61, AGENT = 82, END = 255 };

/* How the bytes of an option are shown. */
enum form { BYTES, ADDRESSES, TEXT, NUMBER, SIGNED, FLAG, NUMBERS, PAIRS, ROUTES, NAME, SPECIAL };

static const struct option {
	u8 code, form;
	const char *name;
} options[] = {
	{1, ADDRESSES, "Subnet-Mask"},
	{2, SIGNED, "Time-Zone"},
	{3, ADDRESSES, "Default-Gateway"},
	{4, ADDRESSES, "Time-Server"},
	{5, ADDRESSES, "IEN-Name-Server"},
	{6, ADDRESSES, "Domain-Name-Server"},
	{7, ADDRESSES, "LOG"},
	{8, ADDRESSES, "CS"},
	{9, ADDRESSES, "LPR-Server"},
	{10, ADDRESSES, "IM"},
	{11, ADDRESSES, "RL"},
	{12, TEXT, "Hostname"},
	{13, NUMBERS, "BS"},
	{14, TEXT, "DP"},
	{15, TEXT, "Domain-Name"},
	{16, ADDRESSES, "SS"},
	{17, TEXT, "RP"},
	{18, TEXT, "EP"},
	{19, FLAG, "IPF"},
	{23, NUMBER, "TTL"},
	{26, NUMBERS, "MTU"},
	{28, ADDRESSES, "BR"},
	{33, PAIRS, "Static-Route"},
	{40, TEXT, "YD"},
	{41, ADDRESSES, "YS"},
	{42, ADDRESSES, "NTP"},
	{43, BYTES, "Vendor-Option"},
	{44, ADDRESSES, "Netbios-Name-Server"},
	{45, ADDRESSES, "WDD"},
	{46, SPECIAL, "Netbios-Node"},
	{47, TEXT, "Netbios-Scope"},
	{50, ADDRESSES, "Requested-IP"},
	{51, NUMBER, "Lease-Time"},
	{52, SPECIAL, "OO"},
	{53, SPECIAL, "DHCP-Message"},
	{54, ADDRESSES, "Server-ID"},
	{55, SPECIAL, "Parameter-Request"},
	{56, TEXT, "MSG"},
	{57, NUMBERS, "MSZ"},
	{58, NUMBER, "RN"},
	{59, NUMBER, "RB"},
	{60, TEXT, "Vendor-Class"},
	{61, SPECIAL, "Client-ID"},
	{66, TEXT, "TFTP"},
	{67, TEXT, "BF"},
	{80, TEXT, "SLP-NA"},
	{81, NAME, "FQDN"},
	{82, SPECIAL, "Agent-Information"},
	{93, NUMBERS, "ARCH"},
	{94, BYTES, "NDI"},
	{97, BYTES, "GUID"},
	{116, FLAG, "NOAUTO"},
	{121, ROUTES, "Classless-Static-Route"},
	{150, ADDRESSES, "TFTP-Server-Address"},
	{END, BYTES, "END"},
};

static const struct option *option_of(u32 code)
{
	static const struct option unknown = {0, BYTES, "Unknown"};

	for (u32 i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].code == code)
			return &options[i];
	return &unknown;
}

/* ---- the forms; o: the value, n bytes that are all there */

static void put_quoted(struct line *l, const u8 *o, u32 n)
{
	put(l, "\"");
	put_visible(l, o, n);
	put(l, "\"");
}

static void put_numbers(struct line *l, const struct view *o, u32 n, u32 width)
{
	for (u32 at = 0; at + width <= n; at += width) {
		put(l, at ? (width == 4 ? "," : ".") : "");
		buf_u64(l->b, width == 4   ? view_u32(o, at)
			      : width == 2 ? view_u16(o, at)
					   : o->p[at]);
	}
}

static void put_addresses(struct line *l, const u8 *o, u32 n, bool pairs)
{
	for (u32 at = 0; at + 4 <= n; at += 4) {
		put(l, !at ? "" : ",");
		put(l, pairs && !(at & 4) ? "(" : "");
		put_ip4(l, o + at);
		put(l, pairs && at & 4 ? ")" : "");
	}
}

/* A length of prefix, as many bytes as it has, a gateway. */
static void put_routes(struct line *l, const u8 *o, u32 n)
{
	for (u32 at = 0; at < n;) {
		u8 net[4] = {0};
		u32 bits = o[at], bytes = (bits + 7) / 8;

		if (bits > 32 || at + 1 + bytes + 4 > n) {
			put(l, "[ERROR: invalid option]");
			return;
		}
		put(l, at ? ",(" : "(");
		memcpy(net, o + at + 1, bytes);
		if (bits) {
			put_ip4(l, net);
			put_u32(l, "/", bits);
		} else {
			put(l, "default");
		}
		put(l, ":");
		put_ip4(l, o + at + 1 + bytes);
		put(l, ")");
		at += 1 + bytes + 4;
	}
}

static void put_parameters(struct line *l, const u8 *o, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		put(l, i % 4 ? ", " : "\n\t      ");
		buf_printf(l->b, "%s (%u)", option_of(o[i])->name, o[i]);
	}
}

static void put_client(struct line *l, const u8 *o, u32 n)
{
	if (*o == 1 && n == 7) {
		put(l, "ether ");
		put_mac(l, o + 1);
		return;
	}
	if (!*o) {
		put_quoted(l, o + 1, n - 1);
		return;
	}
	buf_printf(l->b, "hardware-type %u, ", *o);
	for (u32 i = 1; i < n; i++)
		buf_printf(l->b, i > 1 ? ":%02x" : "%02x", o[i]);
}

static void put_agent(struct line *l, const u8 *o, u32 n)
{
	static const char *const names[] = {[1] = "Circuit-ID", "Remote-ID", [6] = "Subscriber-ID"};

	for (u32 at = 0, size; at + 2 <= n; at += 2 + size) {
		u32 kind = o[at];

		size = o[at + 1];
		if (at + 2 + size > n)
			return;
		buf_printf(l->b, "\n\t      %s SubOption %u, length %u: ",
			   kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "Unknown", kind,
			   size);
		put_visible(l, o + at + 2, size);
	}
}

static void put_word(struct line *l, const char *const *words, u32 most, u32 word)
{
	if (word && word <= most)
		put(l, words[word]);
	else
		put_u32(l, "Unknown (", word), put(l, ")");
}

static void put_special(struct line *l, u32 code, const u8 *o, u32 n)
{
	static const char *const messages[] = {"",    "Discover", "Offer",   "Request", "Decline",
					       "ACK", "NACK",     "Release", "Inform"};
	static const char *const fields[] = {"", "file", "sname", "file+sname"};
	static const char *const nodes[] = {"", "b-node", "p-node", "",      "m-node",
					    "", "",       "",       "h-node"};

	switch (code) {
	case MESSAGE: put_word(l, messages, 8, *o); return;
	case OVERLOAD: put_word(l, fields, 3, *o); return;
	case 46: put_word(l, nodes, 8, *o); return;
	case PARAMETERS: put_parameters(l, o, n); return;
	case CLIENT: put_client(l, o, n); return;
	default: put_agent(l, o, n); return;
	}
}

static void put_value(struct line *l, const struct option *row, u32 code, const struct view *o,
		      u32 n)
{
	switch ((enum form)row->form) {
	case BYTES: put_numbers(l, o, n, 1); return;
	case ADDRESSES:
	case PAIRS: put_addresses(l, o->p, n, row->form == PAIRS); return;
	case TEXT: put_quoted(l, o->p, n); return;
	case NUMBER: put_numbers(l, o, n, n % 4 ? 1 : 4); return;
	case SIGNED: buf_printf(l->b, "%d", n == 4 ? (s32)view_u32(o, 0) : 0); return;
	case FLAG: put(l, *o->p ? "Y" : "N"); return;
	case NUMBERS: put_numbers(l, o, n, 2); return;
	case ROUTES: put_routes(l, o->p, n); return;
	case NAME:
		if (n > 3)
			put_quoted(l, o->p + 3, n - 3);
		return;
	default: put_special(l, code, o->p, n); return;
	}
}

/* Bytes of filling, which -vvv counts. */
static u32 put_padding(struct line *l, const struct view *v)
{
	u32 n = 0;

	while (n < v->n && v->p[n] == PAD)
		n++;
	if (l->o->verbose > 2)
		buf_printf(l->b, "\n\t    PAD (0), length 0, occurs %u", n);
	return n;
}

/* Its bytes; 0: it is cut off. */
static u32 put_option(struct line *l, const struct view *v)
{
	const struct option *row = option_of(*v->p);
	const struct view value = view_from(*v, 2);
	u32 n = view_has(v, 1, 1) ? v->p[1] : UINT8_MAX;

	if (!view_has(v, 2, n)) {
		put_short(l, "bootp");
		return 0;
	}
	buf_printf(l->b, "\n\t    %s (%u), length %u%s", row->name, *v->p, n, n ? ": " : "");
	if (n || row->form == TEXT)
		put_value(l, row, *v->p, &value, n);
	return 2 + n;
}

static void put_options(struct line *l, struct view v)
{
	buf_printf(l->b, "\n\t  Vendor-rfc1048 Extensions\n\t    Magic Cookie 0x%08x", MAGIC);
	v = view_from(v, 4);
	for (u32 n; v.n; v = view_from(v, n)) {
		if (*v.p == END && l->o->verbose < 3)
			return;
		if (*v.p == END) {
			put(l, "\n\t    END (255), length 0");
			n = 1;
		} else {
			n = *v.p == PAD ? put_padding(l, &v) : put_option(l, &v);
		}
		if (!n)
			return;
	}
}

static void put_field(struct line *l, const char *name, const struct view *v, u32 at)
{
	if (!view_u32(v, at))
		return;
	put(l, name);
	put_ip4(l, v->p + at);
}

/* Text up to a zero; false: none stands in its field. */
static bool put_string(struct line *l, const char *name, const struct view *v, u32 at, u32 room)
{
	u32 n = (u32)strnlen((const char *)v->p + at, room);

	if (!n)
		return true;
	put(l, name);
	put_visible(l, v->p + at, n);
	put(l, n < room ? "\"" : "");
	if (n == room)
		put(l, "\""), put_short(l, "bootp");
	return n < room;
}

static void put_details(struct line *l, const struct view *v)
{
	u32 flags = view_u16(v, 10);

	if (v->p[3])
		put_u32(l, ", hops ", v->p[3]);
	buf_printf(l->b, ", xid 0x%x", view_u32(v, 4));
	if (view_u16(v, 8))
		put_u32(l, ", secs ", view_u16(v, 8));
	buf_printf(l->b, ", Flags [%s]", flags & 0x8000 ? "Broadcast" : "none");
	if (l->o->verbose > 1)
		buf_printf(l->b, " (0x%04x)", flags);
	put_field(l, "\n\t  Client-IP ", v, 12);
	put_field(l, "\n\t  Your-IP ", v, 16);
	put_field(l, "\n\t  Server-IP ", v, 20);
	put_field(l, "\n\t  Gateway-IP ", v, 24);
	if (v->p[1] == 1 && v->p[2] == 6) {
		put(l, "\n\t  Client-Ethernet-Address ");
		put_mac(l, v->p + 28);
	}
	if (!view_has(v, 0, FIXED)) {
		put_short(l, "bootp");
		return;
	}
	if (!put_string(l, "\n\t  sname \"", v, 44, 64) ||
	    !put_string(l, "\n\t  file \"", v, 108, 128))
		return;
	if (view_has(v, FIXED, 4) && view_u32(v, FIXED) == MAGIC)
		put_options(l, view_from(*v, FIXED));
	else if (view_has(v, FIXED, 4) && view_u32(v, FIXED))
		buf_printf(l->b, "\n\t  Vendor-#0x%08x", view_u32(v, FIXED));
}

void print_dhcp(struct line *l, struct view v)
{
	u32 op;

	put(l, "BOOTP/DHCP, ");
	if (!view_has(&v, 0, 34)) {
		put_short(l, "bootp");
		return;
	}
	op = *v.p;
	if (op == 1 || op == 2)
		put(l, op == 1 ? "Request" : "Reply");
	else
		buf_printf(l->b, "unknown (0x%02x)", op);
	if (op == 1 && v.p[1] == 1 && v.p[2] == 6) {
		put(l, " from ");
		put_mac(l, v.p + 28);
	}
	put_u32(l, ", length ", v.len);
	if (l->o->verbose)
		put_details(l, &v);
}
