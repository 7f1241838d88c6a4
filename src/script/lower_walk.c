/*
 * lower_walk.c: the walk through a packet's headers.
 *
 * In:  the rows of packet_values.def that a program uses, and where each value goes. Out: IR that
 * finds them all; of a header that is not there, or cut off, they are 0. Where the kernel shows
 * only a part of the packet directly (an skb whose data are in pages), the walk is there twice: a
 * check that fails leads to the second one, which has the bytes copied by a helper.
 */
#include "script/packet.h"

#include "filter/filter.h"
#include "isa/isa.h"
#include "script/lower.h"

#define TYPE_IP          0x800
#define TYPE_IP6         0x86dd
#define TYPE_ARP         0x806
#define TYPE_VLAN        0x8100
#define TYPE_QINQ        0x88a8
#define TYPE_QINQ_OLD    0x9100
#define TAGS             2 /* that are passed by */
#define OPTIONS          4 /* headers of IPv6 between its own and what it carries */
#define HEADER_MOST      40
#define SKB_VLAN_PRESENT 20
#define SKB_VLAN_TCI     24

enum {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_ICMP6 = 58,
	PROTO_DSTOPTS = 60,
	PROTO_SCTP = 132
};

struct walk {
	struct lower *l;
	struct ir_fn *fn;
	const struct filter_hook *hook;
	bool slow;
	u32 headers;         /* a bit for each that is wanted */
	u32 missing;         /* block for packets that end too soon */
	u32 data, end;       /* not slow */
	u32 slot;            /* slow: where bytes are copied to */
	u32 at, type, proto; /* variables: the next header, and what it is */
};

static bool wants(const struct walk *w, u32 first, u32 last)
{
	for (u32 h = first; h <= last; h++)
		if (w->headers >> h & 1)
			return true;
	return false;
}

static u32 equal(struct walk *w, u32 v, s64 k)
{
	return ir_bin(w->fn, IR_EQ, IRT_I64, v, ir_const(w->fn, k));
}

/* Goes on in a new block if the condition holds. */
static void go_on_if(struct walk *w, u32 cond, u32 otherwise)
{
	u32 next = ir_block(w->fn);

	ir_br(w->fn, cond, next, otherwise);
	ir_seal(w->fn, next);
	ir_at(w->fn, next);
}

static void arrive(struct walk *w, u32 block)
{
	ir_seal(w->fn, block);
	ir_at(w->fn, block);
}

/* ---- bytes */

/* The next n bytes can be read from now on. */
static void want(struct walk *w, u32 n)
{
	struct ir_fn *fn = w->fn;
	u32 at = ir_get(fn, w->at), ok;

	if (w->slow)
		ok = equal(w,
			   ir_call(fn, HELPER_skb_load_bytes, IRT_I64, 4, ir_ctx(fn), at, w->slot,
				   ir_const(fn, n)),
			   0);
	else
		ok = ir_bin(fn, IR_ULE, IRT_I64, ir_add_imm(fn, at, n), w->end);
	go_on_if(w, ok, w->missing);
}

/* The verifier wants what is read from the stack to lie at a multiple of its size. */
static u32 bytes_at(struct walk *w, u32 off, u32 width)
{
	struct ir_fn *fn = w->fn;
	u32 high;

	if (!w->slow)
		return ir_load(fn, width, false, ir_get(fn, w->at), (s32)off);
	if (!(off % width))
		return ir_load(fn, width, false, w->slot, (s32)off);
	high = bytes_at(w, off + width / 2, width / 2);
	return ir_bin(fn, IR_OR, IRT_I64, bytes_at(w, off, width / 2),
		      ir_bin(fn, IR_SHL, IRT_I64, high, ir_const(fn, width * 4)));
}

static u32 number_at(struct walk *w, u32 off, u32 width)
{
	u32 v = bytes_at(w, off, width);

	return width == 1 ? v : ir_un(w->fn, width == 2 ? IR_BSWAP16 : IR_BSWAP32, IRT_I64, v);
}

static void skip(struct walk *w, u32 n)
{
	u32 at = ir_get(w->fn, w->at);

	if (w->slow)
		ir_set(w->fn, w->at, ir_bin(w->fn, IR_ADD, IRT_I64, at, n));
	else
		ir_set(w->fn, w->at, ir_bin(w->fn, IR_ADD, IRT_PKT, at, n));
}

/* ---- values */

/* Where callbacks use a value it lives in the frame that they share. */
static void set_part(struct walk *w, u32 row, u32 var, u32 off, u32 v)
{
	u32 shared = w->l->frame.headers[row];

	if (shared)
		ir_store(w->fn, 8, w->l->frame.at, (s32)(shared + off), v);
	else
		ir_set(w->fn, var, v);
}

static void set_value(struct walk *w, u32 row, u32 v)
{
	set_part(w, row, w->l->packet.vars[row], 0, v);
}

/* The second half of an address of IPv6. */
static void set_more(struct walk *w, u32 row, u32 v)
{
	set_part(w, row, w->l->packet.more[row], 8, v);
}

static u32 cut(struct walk *w, const struct packet_row *r, u32 v)
{
	if (r->shift)
		v = ir_bin(w->fn, IR_SHR, IRT_I64, v, ir_const(w->fn, r->shift));
	if (r->bits && r->bits + r->shift < 8 * r->bytes)
		v = ir_bin(w->fn, IR_AND, IRT_I64, v, ir_const(w->fn, (1ll << r->bits) - 1));
	return v;
}

static void read_value(struct walk *w, u32 row)
{
	const struct packet_row *r = &packet_rows[row];

	switch ((enum packet_shown)r->shown) {
	case PACKET_INET6:
		set_more(w, row, bytes_at(w, r->off + 8u, 8));
		set_value(w, row, bytes_at(w, r->off, 8));
		break;
	case PACKET_MAC:
		set_value(w, row,
			  ir_bin(w->fn, IR_AND, IRT_I64, bytes_at(w, r->off, 8),
				 ir_const(w->fn, 0xffffffffffff)));
		break;
	case PACKET_INET: set_value(w, row, bytes_at(w, r->off, 4)); break;
	default: set_value(w, row, cut(w, r, number_at(w, r->off, r->bytes)));
	}
}

/* All values of a header whose bytes are there; of one that is a number alone, `value`. */
static void read_header(struct walk *w, enum packet_header header, u32 value)
{
	for (u32 i = 0; i < packet_row_count; i++)
		if (w->l->point->packet >> i & 1 && packet_rows[i].header == header) {
			if (value)
				set_value(w, i, cut(w, &packet_rows[i], value));
			else
				read_value(w, i);
		}
}

/* ---- headers, from the outermost on */

/* What the kernel took out of the bytes of an skb: the outermost tag. */
static void kept_tag(struct walk *w)
{
	struct ir_fn *fn = w->fn;
	u32 behind = ir_block(fn);

	if (w->hook->kind == PROG_XDP || !wants(w, HEADER_VLAN, HEADER_VLAN))
		return;
	go_on_if(w, ir_load(fn, 4, false, ir_ctx(fn), SKB_VLAN_PRESENT), behind);
	read_header(w, HEADER_VLAN, ir_load(fn, 4, false, ir_ctx(fn), SKB_VLAN_TCI));
	ir_jmp(fn, behind);
	arrive(w, behind);
}

static void pass_tags(struct walk *w)
{
	static const u16 types[] = {TYPE_VLAN, TYPE_QINQ, TYPE_QINQ_OLD};
	struct ir_fn *fn = w->fn;
	u32 behind = ir_block(fn);

	for (u32 i = 0; i < TAGS; i++) {
		u32 tag = ir_block(fn), type = ir_get(fn, w->type);

		for (u32 k = 0; k < ARRAY_SIZE(types); k++) {
			bool last = k + 1 == ARRAY_SIZE(types);
			u32 other = last ? behind : ir_block(fn);

			ir_br(fn, equal(w, type, types[k]), tag, other);
			if (!last)
				arrive(w, other);
		}
		arrive(w, tag);
		want(w, 4);
		if (!i)
			read_header(w, HEADER_VLAN, 0);
		ir_set(fn, w->type, number_at(w, 2, 2));
		skip(w, ir_const(fn, 4));
	}
	ir_jmp(fn, behind);
	arrive(w, behind);
}

static void walk_ethernet(struct walk *w)
{
	want(w, 14);
	read_header(w, HEADER_ETH, 0);
	if (!wants(w, HEADER_TYPE, HEADERS - 1))
		return;
	ir_set(w->fn, w->type, number_at(w, 12, 2));
	skip(w, ir_const(w->fn, 14));
	pass_tags(w);
	kept_tag(w);
}

/* IP without a link's header: its version says which. */
static void walk_raw(struct walk *w)
{
	struct ir_fn *fn = w->fn;
	u32 six = ir_block(fn), known = ir_block(fn), version;

	want(w, 1);
	version = ir_bin(fn, IR_SHR, IRT_I64, bytes_at(w, 0, 1), ir_const(fn, 4));
	ir_set(fn, w->type, ir_const(fn, TYPE_IP));
	ir_br(fn, equal(w, version, 4), known, six);
	arrive(w, six);
	go_on_if(w, equal(w, version, 6), w->missing);
	ir_set(fn, w->type, ir_const(fn, TYPE_IP6));
	ir_jmp(fn, known);
	arrive(w, known);
}

static void walk_ip(struct walk *w, u32 carried, u32 done)
{
	struct ir_fn *fn = w->fn;
	u32 length;

	want(w, 20);
	read_header(w, HEADER_IP, 0);
	if (!wants(w, HEADER_CARRIED, HEADERS - 1)) {
		ir_jmp(fn, done);
		return;
	}
	ir_set(fn, w->proto, number_at(w, 9, 1));
	read_header(w, HEADER_CARRIED, ir_get(fn, w->proto));
	/* only the first fragment has a header of what is carried */
	go_on_if(w,
		 equal(w, ir_bin(fn, IR_AND, IRT_I64, number_at(w, 6, 2), ir_const(fn, 0x1fff)), 0),
		 done);
	length = ir_bin(fn, IR_AND, IRT_I64, bytes_at(w, 0, 1), ir_const(fn, 15));
	skip(w, ir_bin(fn, IR_SHL, IRT_I64, length, ir_const(fn, 2)));
	ir_jmp(fn, carried);
}

/* One header of IPv6 in between, if the next one is of that kind. `later`: it is a fragment that
 * has none of what is carried. */
static void pass_option(struct walk *w, u32 behind, u32 later)
{
	static const u8 options[] = {PROTO_HOPOPTS, PROTO_ROUTING, PROTO_DSTOPTS};
	struct ir_fn *fn = w->fn;
	u32 proto = ir_get(fn, w->proto), option = ir_block(fn), next = ir_block(fn), length;

	for (u32 i = 0; i < ARRAY_SIZE(options); i++) {
		u32 other = ir_block(fn);

		ir_br(fn, equal(w, proto, options[i]), option, other);
		arrive(w, other);
	}
	go_on_if(w, equal(w, proto, PROTO_FRAGMENT), behind);
	want(w, 8);
	ir_set(fn, w->proto, number_at(w, 0, 1));
	go_on_if(w,
		 equal(w, ir_bin(fn, IR_AND, IRT_I64, number_at(w, 2, 2), ir_const(fn, 0xfff8)), 0),
		 later);
	skip(w, ir_const(fn, 8));
	ir_jmp(fn, next);
	arrive(w, option);
	want(w, 8);
	ir_set(fn, w->proto, number_at(w, 0, 1));
	length = ir_bin(fn, IR_ADD, IRT_I64, number_at(w, 1, 1), ir_const(fn, 1));
	skip(w, ir_bin(fn, IR_SHL, IRT_I64, length, ir_const(fn, 3)));
	ir_jmp(fn, next);
	arrive(w, next);
}

static void walk_ip6(struct walk *w, u32 carried, u32 done)
{
	struct ir_fn *fn = w->fn;
	u32 behind = ir_block(fn), later;

	want(w, 40);
	read_header(w, HEADER_IP6, 0);
	if (!wants(w, HEADER_CARRIED, HEADERS - 1)) {
		ir_jmp(fn, done);
		arrive(w, behind);
		ir_jmp(fn, done);
		return;
	}
	later = ir_block(fn);
	ir_set(fn, w->proto, number_at(w, 6, 1));
	skip(w, ir_const(fn, 40));
	for (u32 i = 0; i < OPTIONS; i++)
		pass_option(w, behind, later);
	ir_jmp(fn, behind);
	arrive(w, later);
	read_header(w, HEADER_CARRIED, ir_get(fn, w->proto));
	ir_jmp(fn, done);
	arrive(w, behind);
	read_header(w, HEADER_CARRIED, ir_get(fn, w->proto));
	ir_jmp(fn, carried);
}

static const struct carried {
	u8 proto, bytes;
	u8 header;
} carried_headers[] = {{PROTO_TCP, 4, HEADER_PORTS},  {PROTO_UDP, 4, HEADER_PORTS},
		       {PROTO_SCTP, 4, HEADER_PORTS}, {PROTO_TCP, 20, HEADER_TCP},
		       {PROTO_UDP, 8, HEADER_UDP},    {PROTO_ICMP, 4, HEADER_ICMP},
		       {PROTO_ICMP6, 4, HEADER_ICMP6}};

static void walk_carried(struct walk *w)
{
	struct ir_fn *fn = w->fn;
	u32 proto = ir_get(fn, w->proto);

	for (u32 i = 0; i < ARRAY_SIZE(carried_headers); i++) {
		const struct carried *c = &carried_headers[i];
		u32 behind;

		if (!wants(w, c->header, c->header))
			continue;
		behind = ir_block(fn);
		go_on_if(w, equal(w, proto, c->proto), behind);
		want(w, c->bytes);
		read_header(w, c->header, 0);
		ir_jmp(fn, behind);
		arrive(w, behind);
	}
}

static void walk_network(struct walk *w, u32 done)
{
	struct ir_fn *fn = w->fn;
	u32 ip = ir_block(fn), other = ir_block(fn), ip6 = ir_block(fn), carried = ir_block(fn);
	u32 type = ir_get(fn, w->type);

	read_header(w, HEADER_TYPE, type);
	ir_br(fn, equal(w, type, TYPE_IP), ip, other);
	arrive(w, ip);
	walk_ip(w, carried, done);
	arrive(w, other);
	if (wants(w, HEADER_ARP, HEADER_ARP)) {
		u32 rest = ir_block(fn);

		go_on_if(w, equal(w, type, TYPE_ARP), rest);
		want(w, 28);
		read_header(w, HEADER_ARP, 0);
		ir_jmp(fn, done);
		arrive(w, rest);
	}
	ir_br(fn, equal(w, type, TYPE_IP6), ip6, done);
	arrive(w, ip6);
	walk_ip6(w, carried, done);
	arrive(w, carried);
	walk_carried(w);
	ir_jmp(fn, done);
}

/* ---- the whole walk */

static u32 field(struct walk *w, struct filter_field f, enum ir_type type)
{
	u32 v = ir_load(w->fn, f.width, false, ir_ctx(w->fn), f.off);

	if (v) /* 0: nobody comes here */
		w->fn->ins.v[v].type = (u8)type;
	return v;
}

static void packet_length(struct walk *w)
{
	struct ir_fn *fn = w->fn;

	if (!wants(w, HEADER_PACKET, HEADER_PACKET))
		return;
	if (w->hook->len.width)
		read_header(w, HEADER_PACKET, field(w, w->hook->len, IRT_I64));
	else
		read_header(w, HEADER_PACKET, ir_bin(fn, IR_SUB, IRT_I64, w->end, w->data));
}

static void clear_values(struct walk *w)
{
	for (u32 i = 0; i < packet_row_count; i++) {
		if (!(w->l->point->packet >> i & 1))
			continue;
		set_value(w, i, ir_const(w->fn, 0));
		if (w->l->packet.more[i])
			set_more(w, i, ir_const(w->fn, 0));
	}
	ir_set(w->fn, w->type, ir_const(w->fn, 0));
	ir_set(w->fn, w->proto, ir_const(w->fn, 0));
}

static void walk_once(struct walk *w, bool slow, u32 missing, u32 done)
{
	struct ir_fn *fn = w->fn;
	bool raw = !strcmp(w->hook->link, "RAW");

	w->slow = slow;
	w->missing = missing;
	w->at = ir_var(fn, slow ? IRT_I64 : IRT_PKT);
	clear_values(w);
	if (slow) {
		w->slot = ir_slot(fn, HEADER_MOST, 8);
		ir_set(fn, w->at, ir_const(fn, 0));
	} else {
		w->data = field(w, w->hook->data, IRT_PKT);
		w->end = field(w, w->hook->end, IRT_PKTEND);
		ir_set(fn, w->at, w->data);
	}
	packet_length(w);
	if (wants(w, HEADER_ETH, HEADERS - 1)) {
		if (raw)
			walk_raw(w);
		else
			walk_ethernet(w);
	}
	if (wants(w, HEADER_TYPE, HEADERS - 1))
		walk_network(w, done);
	else
		ir_jmp(fn, done);
}

void walk_headers(struct lower *l, u32 done)
{
	struct walk w = {.l = l, .fn = l->fn, .hook = &filter_hooks[packet_hook(l->point)]};
	bool direct = w.hook->data.width, twice = direct && w.hook->calls;
	u32 again = twice ? ir_block(l->fn) : 0;

	for (u32 i = 0; i < packet_row_count; i++)
		if (l->point->packet >> i & 1)
			w.headers |= 1u << packet_rows[i].header;
	w.type = ir_var(l->fn, IRT_I64);
	w.proto = ir_var(l->fn, IRT_I64);
	walk_once(&w, !direct, twice ? again : done, done);
	if (!twice)
		return;
	arrive(&w, again);
	walk_once(&w, true, done, done);
}
