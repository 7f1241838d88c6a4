/*
 * print.c: a packet as a line: its time, what the link says, and the rest by the other files.
 *
 * Out: what `tcpdump -n` writes for the same packet, for the kinds of links and protocols that are
 * known here; others as their number and bytes.
 */
#include "packet/print.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <time.h>

#define NS 1000000000ull

/* ---- addresses and text */

void put_ip4(struct line *l, const u8 *a)
{
	char *p = buf_reserve(l->b, 16), *from = p;

	if (!p)
		return;
	for (u32 i = 0; i < 4; i++) {
		if (a[i] >= 100)
			*p++ = (char)('0' + a[i] / 100);
		if (a[i] >= 10)
			*p++ = (char)('0' + a[i] / 10 % 10);
		*p++ = (char)('0' + a[i] % 10);
		*p++ = '.';
	}
	l->b->n += (size_t)(p - from) - 1;
}

void put_ip6(struct line *l, const u8 *a)
{
	char text[INET6_ADDRSTRLEN];

	put(l, inet_ntop(AF_INET6, a, text, sizeof(text)));
}

void put_mac(struct line *l, const u8 *a)
{
	static const char hex[] = "0123456789abcdef";
	char text[18];

	for (u32 i = 0; i < 6; i++) {
		text[3 * i] = hex[a[i] >> 4];
		text[3 * i + 1] = hex[a[i] & 15];
		text[3 * i + 2] = ':';
	}
	buf_add(l->b, text, 17);
}

void put_addr(struct line *l, const struct ends *e, bool dst)
{
	if (e->six)
		put_ip6(l, dst ? e->dst : e->src);
	else
		put_ip4(l, dst ? e->dst : e->src);
}

void put_ends(struct line *l, const struct ends *e, u32 sport, u32 dport)
{
	if (!e->bare)
		put_addr(l, e, false);
	put_u32(l, e->bare ? "" : ".", sport);
	put(l, " > ");
	if (!e->bare)
		put_addr(l, e, true);
	put_u32(l, e->bare ? "" : ".", dport);
	put(l, ": ");
}

void put_text(struct line *l, const u8 *p, u32 n)
{
	for (u32 i = 0; i < n && p[i] != '\n'; i++)
		if (p[i] >= 32 && p[i] < 127)
			buf_char(l->b, (char)p[i]);
		else if (p[i] != '\r' || (i + 1 < n && p[i + 1] != '\n'))
			buf_printf(l->b, "\\%03o", p[i]);
}

void put_visible(struct line *l, const u8 *p, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u8 c = p[i] & 0x7f;

		put(l, p[i] & 0x80 ? "M-" : "");
		if (c < 32 || c == 127)
			buf_char(l->b, '^');
		buf_char(l->b, (char)(c < 32 || c == 127 ? c ^ 0x40 : c));
	}
}

/* ---- time */

static void put_fraction(struct line *l, u64 ns)
{
	u32 n = l->o->nano ? 9 : 6, v = (u32)(l->o->nano ? ns : ns / 1000);
	char text[10] = ".";

	for (u32 i = n; i; i--, v /= 10)
		text[i] = (char)('0' + v % 10);
	buf_add(l->b, text, n + 1);
}

/* Packets of one second share its text. */
static void put_clock(struct line *l, u64 time, const char *format)
{
	struct packet_printer *o = l->o;
	time_t seconds = (time_t)(time / NS);
	struct tm tm;

	if (!*o->clock || o->second != time / NS) {
		if (o->utc)
			gmtime_r(&seconds, &tm);
		else
			localtime_r(&seconds, &tm);
		strftime(o->clock, sizeof(o->clock), format, &tm);
		o->second = time / NS;
	}
	put(l, o->clock);
	put_fraction(l, time % NS);
}

/* Back in time: with a minus. */
static void put_since(struct line *l, u64 time, u64 before)
{
	u64 d = time >= before ? time - before : before - time;

	put(l, time >= before ? " " : "-");
	buf_printf(l->b, "%02u:%02u:%02u", (u32)(d / NS / 3600), (u32)(d / NS / 60 % 60),
		   (u32)(d / NS % 60));
	put_fraction(l, d % NS);
}

static void put_time(struct line *l, u64 time)
{
	struct packet_printer *o = l->o;

	if (!o->began)
		o->first = o->before = time;
	o->began = true;
	switch (o->time) {
	case TIME_NONE: return;
	case TIME_OF_DAY: put_clock(l, time, "%H:%M:%S"); break;
	case TIME_DATE: put_clock(l, time, "%Y-%m-%d %H:%M:%S"); break;
	case TIME_UNIX:
		buf_u64(l->b, time / NS);
		put_fraction(l, time % NS);
		break;
	case TIME_DELTA: put_since(l, time, o->before); break;
	case TIME_SINCE_FIRST: put_since(l, time, o->first); break;
	}
	o->before = time;
	put(l, " ");
}

/* ---- links */

static const struct ethertype {
	u32 type;
	const char *name;
} ethertypes[] = {
	{0x0800, "IPv4"},        {0x86dd, "IPv6"},         {0x0806, "ARP"},
	{0x8035, "RARP"},        {0x8100, "802.1Q"},       {0x88a8, "802.1Q-QinQ"},
	{0x9100, "802.1Q-9100"}, {0x8847, "MPLS unicast"}, {0x8848, "MPLS multicast"},
	{0x8863, "PPPoE D"},     {0x8864, "PPPoE S"},      {0x88cc, "LLDP"},
	{0x888e, "EAPOL"},       {0x9000, "Loopback"},     {0x8809, "Slow Protocols"},
	{0x88f7, "PTP"},
};

const char *ethertype_name(u32 type)
{
	for (u32 i = 0; i < ARRAY_SIZE(ethertypes); i++)
		if (ethertypes[i].type == type)
			return ethertypes[i].name;
	return "Unknown";
}

static void put_ethertype(struct line *l, u32 type)
{
	if (l->o->quiet)
		put(l, ethertype_name(type));
	else
		buf_printf(l->b, "ethertype %s (0x%04x)", ethertype_name(type), type);
}

/* 16 bytes a line, in hexadecimal and, with `text`, as characters. */
void put_hex(struct line *l, const char *row, struct view v, bool text)
{
	for (u32 i = 0; i < v.n; i += 16) {
		u32 n = MIN(16u, v.n - i);

		buf_printf(l->b, "%s0x%04x:  ", row, i);
		for (u32 k = 0; k < n; k++)
			buf_printf(l->b, k & 1 && k + 1 < n ? "%02x " : "%02x", v.p[i + k]);
		if (!text)
			continue;
		buf_printf(l->b, "%*s", (int)(41 - 2 * n - (n - 1) / 2), "");
		for (u32 k = 0; k < n; k++) {
			u8 c = v.p[i + k];

			buf_char(l->b, c > 32 && c < 127 ? (char)c : '.');
		}
	}
}

static void put_ascii(struct line *l, struct view v)
{
	put(l, "\n");
	for (u32 i = 0; i < v.n; i++) {
		u8 c = v.p[i];

		if (c == '\r' && (i + 1 == v.n || v.p[i + 1] == '\n'))
			continue;
		buf_char(l->b, (c >= 32 && c < 127) || c == '\n' || c == '\t' ? (char)c : '.');
	}
}

/* IEEE 802.1Q: a tag, then the type of what is inside. */
static void print_vlan(struct line *l, struct view v)
{
	u32 tag, type;

	if (!view_has(&v, 0, 4)) {
		put_short(l, "vlan");
		return;
	}
	tag = view_u16(&v, 0);
	type = view_u16(&v, 2);
	if (l->o->link_header) {
		put_u32(l, "vlan ", tag & 0xfff);
		put_u32(l, ", p ", tag >> 13);
		put(l, tag & 0x1000 ? ", DEI, " : ", ");
		if (type >= 0x600) {
			put_ethertype(l, type);
			put(l, ", ");
		}
	}
	print_ethertype(l, type, view_from(v, 4), !l->o->link_header);
}

static void print_mpls(struct line *l, struct view v)
{
	u32 label = 0;
	bool more = true;

	for (u32 n = 0; more; n++) {
		if (!view_has(&v, 0, 4)) {
			put_short(l, "mpls");
			return;
		}
		label = view_u32(&v, 0);
		more = !(label & 0x100);
		if (!n)
			put(l, "MPLS (");
		else
			put(l, l->o->verbose ? "\n\t(" : " (");
		put_u32(l, "label ", label >> 12);
		if (label >> 12 < 4)
			buf_printf(l->b, " (%s)",
				   (const char *[]){"IPv4 explicit NULL", "router alert",
						    "IPv6 explicit NULL",
						    "implicit NULL"}[label >> 12]);
		put_u32(l, ", tc ", label >> 9 & 7);
		if (!more)
			put(l, ", [S]");
		put_u32(l, ", ttl ", label & 255);
		put(l, ")");
		v = view_from(v, 4);
	}
	if (!v.n)
		return;
	put(l, l->o->verbose ? "\n\t" : " ");
	print_ethertype(l, *v.p >> 4 == 6 ? 0x86dd : 0x0800, v, !l->o->link_header);
}

void print_ethertype(struct line *l, u32 type, struct view v, bool named)
{
	if (l->depth++ > LINE_DEPTH_MOST)
		return;
	switch (type) {
	case 0x0800: print_ip4(l, v, named); break;
	case 0x86dd: print_ip6(l, v, named); break;
	case 0x0806: print_arp(l, v, named ? "ARP, " : ""); break;
	case 0x8035: print_arp(l, v, named ? "RARP, " : ""); break;
	case 0x8100:
	case 0x88a8:
	case 0x9100: print_vlan(l, v); break;
	case 0x8847:
	case 0x8848: print_mpls(l, v); break;
	case 0x8863:
	case 0x8864: print_pppoe(l, v); break;
	default:
		if (print_link_protocol(l, type, v))
			break;
		if (type < 0x600 && !print_llc(l, view_cut(v, type)))
			buf_printf(l->b, "802.3, length %u", type);
		else if (type >= 0x600 && !l->o->link_header)
			buf_printf(l->b, "ethertype %s (0x%04x), length %u", ethertype_name(type),
				   type, v.len);
	}
	l->depth--;
}

static void print_ethernet(struct line *l, struct view v)
{
	bool unknown;
	u32 type;

	if (!view_has(&v, 0, 14)) {
		put_short(l, "ether");
		return;
	}
	type = view_u16(&v, 12);
	unknown = type >= 0x600 && !strcmp(ethertype_name(type), "Unknown");
	if (l->o->link_header || unknown) {
		put_mac(l, v.p + 6);
		put(l, " > ");
		put_mac(l, v.p);
		put(l, ", ");
		if (type < 0x600)
			put(l, "802.3");
		else if (unknown && l->o->quiet)
			buf_printf(l->b, "Unknown Ethertype (0x%04x)", type);
		else
			put_ethertype(l, type);
		put_u32(l, ", length ", type < 0x600 ? type : v.len);
		put(l, ": ");
	}
	v = view_from(v, 14);
	if (!unknown)
		print_ethertype(l, type, v, !l->o->link_header);
	else if (!l->o->quiet && !l->o->hex)
		put_hex(l, "\n\t", v, true);
}

/* Cooked: what Linux says of links whose header is of no use. */
static const char *direction(u32 kind)
{
	static const char *const names[] = {"In", "B", "M", "P", "Out"};

	return kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

/* What both have: a type, and a sender if its hardware is that of Ethernet. */
static void print_cooked(struct line *l, struct view v, u32 type, const u8 *mac, u32 head)
{
	if (l->o->link_header) {
		if (mac) {
			put_mac(l, mac);
			put(l, " ");
		}
		put_ethertype(l, type);
		put_u32(l, ", length ", v.len);
		put(l, ": ");
	}
	print_ethertype(l, type, view_from(v, head), !l->o->link_header);
}

static void print_sll(struct line *l, struct view v)
{
	if (!view_has(&v, 0, 16)) {
		put_short(l, "sll");
		return;
	}
	if (l->o->link_header)
		buf_printf(l->b, "%3s ", direction(view_u16(&v, 0)));
	print_cooked(l, v, view_u16(&v, 14), view_u16(&v, 4) == 6 ? v.p + 6 : NULL, 16);
}

static void print_sll2(struct line *l, struct view v)
{
	char name[IF_NAMESIZE];

	if (!view_has(&v, 0, 20)) {
		put_short(l, "sll2");
		return;
	}
	buf_printf(l->b, "%-5s ", if_indextoname(view_u32(&v, 4), name) ? name : "?");
	buf_printf(l->b, "%-3s ", direction(v.p[10]));
	if (l->o->link_header) {
		put_u32(l, "ifindex ", view_u32(&v, 4));
		put(l, " ");
	}
	print_cooked(l, v, view_u16(&v, 0), v.p[11] == 6 ? v.p + 12 : NULL, 20);
}

/* A family in the byte order of the machine that captured (NULL) or of the net (LOOP): IPv4 is 2
 * everywhere, each BSD has its own number for IPv6. */
static void print_null(struct line *l, struct view v)
{
	u32 family, type;
	const char *name;

	if (!view_has(&v, 0, 4)) {
		put_short(l, "null");
		return;
	}
	family = view_u32(&v, 0);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	type = family == 2 ? 0x0800 : family == 24 || family == 28 || family == 30 ? 0x86dd : 0;
	name = type == 0x0800 ? "IPv4" : type ? "IPv6" : "Unknown";
	if (l->o->link_header || !type) {
		if (l->o->quiet)
			put(l, name);
		else
			buf_printf(l->b, "AF %s (%u)", name, family);
		put_u32(l, ", length ", v.len);
		put(l, ": ");
	}
	if (type)
		print_ethertype(l, type, view_from(v, 4), !l->o->link_header);
	else if (!l->o->hex)
		put_hex(l, "\n\t", view_from(v, 4), true);
}

static void print_raw(struct line *l, struct view v)
{
	if (!v.n) {
		put_short(l, "raw");
		return;
	}
	if (l->o->link_header)
		put(l, "ip: ");
	print_ethertype(l, *v.p >> 4 == 6 ? 0x86dd : 0x0800, v, !l->o->link_header);
}

static const struct link_row {
	u32 link, header;
	void (*print)(struct line *, struct view);
} links[] = {
	{LINK_ETHERNET, 14, print_ethernet}, {LINK_NULL, 4, print_null},
	{LINK_LOOP, 4, print_null},          {LINK_SLL, 16, print_sll},
	{LINK_SLL2, 20, print_sll2},         {LINK_RAW, 0, print_raw},
	{LINK_RAW_BSD, 0, print_raw},        {LINK_IPV4, 0, print_raw},
	{LINK_IPV6, 0, print_raw},           {LINK_PPP, 0, print_ppp},
};

static void put_process(struct buf *b, const struct packet_process *p)
{
	buf_puts(b, p->name);
	buf_char(b, ' ');
	buf_u64(b, p->pid);
	if (*p->container) {
		buf_puts(b, " in ");
		buf_puts(b, p->container);
	}
}

void packet_put_processes(struct buf *b, const struct packet *p)
{
	if (p->from)
		put_process(b, p->from);
	buf_puts(b, p->from ? " >" : ">");
	if (p->to) {
		buf_char(b, ' ');
		put_process(b, p->to);
	}
}

void packet_print(struct buf *b, struct packet_printer *o, const struct packet *p)
{
	struct line l = {.b = b, .o = o};
	struct view v = {p->data, p->captured, MAX(p->len, p->captured)}, bytes;
	const struct link_row *row = links;

	while (row < links + ARRAY_SIZE(links) && row->link != p->link)
		row++;
	if (!v.n) {
		put(&l, "[Invalid header: caplen==0]\n");
		return;
	}
	o->count++;
	if (o->number)
		buf_printf(b, "%5llu  ", (unsigned long long)o->count);
	put_time(&l, p->time);
	if (o->processes && (p->from || p->to)) {
		buf_char(b, '(');
		packet_put_processes(b, p);
		buf_puts(b, ") ");
	}
	if (row < links + ARRAY_SIZE(links))
		row->print(&l, v);
	else
		buf_printf(b, "link %u, length %u", p->link, v.len);
	bytes = o->hex % 2 || o->ascii
			? view_from(v, row < links + ARRAY_SIZE(links) ? row->header : 0)
			: v;
	if (o->ascii)
		put_ascii(&l, bytes);
	else if (o->hex)
		put_hex(&l, "\n\t", bytes, o->hex > 2);
	buf_char(b, '\n');
}

void packet_printer_close(struct packet_printer *o)
{
	flows_free(o->flows);
	o->flows = NULL;
}
