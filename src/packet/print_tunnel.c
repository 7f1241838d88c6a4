/* print_tunnel.c: packets in packets: GRE (RFC 2784, 2890, 2637), VXLAN (RFC 7348), Geneve (RFC
 * 8926).
 */
#include "packet/print.h"

#define FRAME 0x6558 /* a whole frame of Ethernet */
#define PPP   0x880b

static void put_gre_flags(struct line *l, u32 flags)
{
	static const struct {
		u32 bit;
		const char *name;
	} names[] = {
		{0x8000, "checksum present"},
		{0x4000, "routing present"},
		{0x2000, "key present"},
		{0x1000, "sequence# present"},
		{0x0800, "source routing present"},
		{0x0080, "ack present"},
	};
	const char *between = "";

	put(l, ", Flags [");
	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].bit) {
			put(l, between);
			put(l, names[i].name);
			between = ", ";
		}
	put(l, *between ? "]" : "none]");
}

/* The fields that the flags tell of; returns where they end, 0: not all are there. */
static u32 put_gre_fields(struct line *l, const struct view *v, u32 flags)
{
	const bool call = (flags & 7) == 1; /* of PPTP */
	u32 at = 4;

	if (flags & 0xc000) {
		if (!view_has(v, at, 4))
			return 0;
		if (flags & 0x8000 && l->o->verbose)
			buf_printf(l->b, ", sum 0x%x", view_u16(v, at));
		buf_printf(l->b, ", off 0x%x", view_u16(v, at + 2));
		at += 4;
	}
	if (flags & 0x2000) {
		if (!view_has(v, at, 4))
			return 0;
		buf_printf(l->b, call ? ", call %u" : ", key=0x%x",
			   call ? view_u16(v, at + 2) : view_u32(v, at));
		at += 4;
	}
	if (flags & 0x1000) {
		if (!view_has(v, at, 4))
			return 0;
		put_u32(l, ", seq ", view_u32(v, at));
		at += 4;
	}
	if (call && flags & 0x80) {
		if (!view_has(v, at, 4))
			return 0;
		put_u32(l, ", ack ", view_u32(v, at));
		at += 4;
	}
	return at;
}

/* What is inside: by its type, or with a header of its own. */
static void print_inside(struct line *l, u32 type, struct view v)
{
	const bool named = !l->o->link_header;

	if (type == FRAME && view_has(&v, 0, 14)) {
		type = view_u16(&v, 12);
		if (l->o->link_header) {
			put_mac(l, v.p + 6);
			put(l, " > ");
			put_mac(l, v.p);
			buf_printf(l->b,
				   ", ethertype %s (0x%04x), length %u: ", ethertype_name(type),
				   type, v.len);
		}
		v = view_from(v, 14);
	} else if (type == PPP) {
		print_ppp(l, v);
		return;
	}
	print_ethertype(l, type, v, named);
}

void print_gre(struct line *l, struct view v, const struct ends *e)
{
	u32 flags, type, at;

	(void)e;
	if (!view_has(&v, 0, 4)) {
		put_short(l, "gre");
		return;
	}
	flags = view_u16(&v, 0);
	type = view_u16(&v, 2);
	put_u32(l, "GREv", flags & 7);
	if ((flags & 7) > 1) {
		put(l, " ERROR: unknown-version");
		return;
	}
	if (l->o->verbose)
		put_gre_flags(l, flags);
	at = put_gre_fields(l, &v, flags);
	if (!at) {
		put_short(l, "gre");
		return;
	}
	if (l->o->link_header)
		buf_printf(l->b, ", proto %s (0x%04x)", ethertype_name(type), type);
	put_u32(l, ", length ", v.len);
	put(l, l->o->verbose ? "\n\t" : ": ");
	print_inside(l, type, view_from(v, at));
}

void print_vxlan(struct line *l, struct view v)
{
	struct packet_printer *o = l->o;
	u32 type;

	if (!view_has(&v, 0, 8 + 14)) {
		put_short(l, "vxlan");
		return;
	}
	buf_printf(l->b, "VXLAN, flags [%s] (0x%02x), vni %u\n", *v.p & 8 ? "I" : ".", *v.p,
		   view_u32(&v, 4) >> 8);
	v = view_from(v, 8);
	type = view_u16(&v, 12);
	if (o->link_header) {
		put_mac(l, v.p + 6);
		put(l, " > ");
		put_mac(l, v.p);
		buf_printf(l->b, ", ethertype 0x%04x, length %u: ", type, v.len);
	}
	print_ethertype(l, type, view_from(v, 14), !o->link_header);
}

static void put_geneve_options(struct line *l, const struct view *v, u32 n)
{
	const char *between = "";

	put(l, ", options [");
	if (!l->o->verbose)
		buf_printf(l->b, "%u bytes", n);
	for (u32 at = 8, len; l->o->verbose && at + 4 <= 8 + n; at += len) {
		u32 class = view_u16(v, at), kind = v->p[at + 2];

		len = 4 + (v->p[at + 3] & 31) * 4u;
		if (len > 8 + n - at) {
			put(l, " [bad length]");
			break;
		}
		buf_printf(l->b, "%sclass %s (0x%x) type 0x%x%s len %u", between,
			   class == 0x101    ? "Open vSwitch"
			   : class == 0x100  ? "Linux"
			   : class < 0x100   ? "Standard"
			   : class >= 0xfff0 ? "Experimental"
					     : "Unknown",
			   class, kind, kind & 0x80 ? "(C)" : "", len);
		if (len > 4 && l->o->verbose > 1)
			put(l, " data");
		for (u32 i = 4; i < len && l->o->verbose > 1; i += 4)
			buf_printf(l->b, " %08x", view_u32(v, at + i));
		between = ", ";
	}
	put(l, "]");
}

void print_geneve(struct line *l, struct view v)
{
	u32 n, type;

	put(l, "Geneve");
	if (!view_has(&v, 0, 8)) {
		put_short(l, "geneve");
		return;
	}
	n = (*v.p & 0x3f) * 4u;
	type = view_u16(&v, 2);
	if (*v.p >> 6) {
		put_u32(l, " ERROR: unknown-version ", *v.p >> 6);
		return;
	}
	buf_printf(l->b, ", Flags [%s%s%s]", v.p[1] & 0x80 ? "O" : "", v.p[1] & 0x40 ? "C" : "",
		   v.p[1] & 0xc0 ? "" : "none");
	buf_printf(l->b, ", vni 0x%x", view_u32(&v, 4) >> 8);
	if (l->o->link_header)
		buf_printf(l->b, ", proto %s (0x%04x)", ethertype_name(type), type);
	if (!view_has(&v, 8, n)) {
		put_short(l, "geneve");
		return;
	}
	if (n)
		put_geneve_options(l, &v, n);
	put(l, l->o->verbose ? "\n\t" : ": ");
	print_inside(l, type, view_from(v, 8 + n));
}

/* What Linux took for VXLAN before it had a number, others take for OTV. */
void print_otv(struct line *l, struct view v)
{
	if (!view_has(&v, 0, 8 + 14)) {
		put(l, "OTV, ");
		put_short(l, "otv");
		return;
	}
	buf_printf(l->b, "OTV, flags [%s] (0x%02x), overlay %u, instance %u\n",
		   *v.p & 8 ? "I" : ".", *v.p, view_u32(&v, 0) & 0xffffff, view_u32(&v, 4) >> 8);
	print_inside(l, FRAME, view_from(v, 8));
}
