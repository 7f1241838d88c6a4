/*
 * bpf_packet.c: how a filter reads its packet, place by place.
 *
 * In:  loads of classic BPF, with what is known of the bytes that are there. Out: IR.
 *
 * Read directly: a check that the bytes lie in front of the packet's end, then loads. In the kernel
 * the check compares two pointers, as its verifier wants it, and what is added to one must be known
 * to be small. Fetched: skb_load_bytes() copies a span to the stack, loads are from there.
 */
#include "filter/bpf_inside.h"
#include "filter/filter.h"

#define FETCH_MOST 64 /* bytes of one of the two spans on the stack */
#define ALIGNMENT  4  /* in front of which some more are left free */

/* ---- the table of places */

struct filter_extra {
	u8 number; /* enum cbpf_ancillary_id */
	u8 off, width, swap;
	u16 helper; /* that returns it, instead */
};
#define EXTRAS_END                      \
	{                               \
		.width = 0, .helper = 0 \
	}
#define PLAIN(id)                                                                             \
	{                                                                                     \
		CBPF_AD_##id, offsetof(struct cbpf_packet, ancillary) + CBPF_AD_##id, 4, 0, 0 \
	}

static const struct filter_extra plain_extras[] = {
	PLAIN(PROTOCOL), PLAIN(PKTTYPE), PLAIN(IFINDEX),   PLAIN(MARK),     PLAIN(QUEUE),
	PLAIN(HATYPE),   PLAIN(RXHASH),  PLAIN(CPU),       PLAIN(VLAN_TCI), PLAIN(VLAN_PRESENT),
	PLAIN(PAYLOAD),  PLAIN(RANDOM),  PLAIN(VLAN_TPID), EXTRAS_END,
};
static const struct filter_extra xdp_extras[] = {
	{CBPF_AD_IFINDEX, 12, 4, 0, 0},
	{CBPF_AD_QUEUE, 16, 4, 0, 0},
	{.number = CBPF_AD_CPU, .helper = HELPER_get_smp_processor_id},
	{.number = CBPF_AD_RANDOM, .helper = HELPER_get_prandom_u32},
	EXTRAS_END,
};
static const struct filter_extra skb_extras[] = {
	{CBPF_AD_PROTOCOL, 16, 4, 16, 0},
	{CBPF_AD_PKTTYPE, 4, 4, 0, 0},
	{CBPF_AD_IFINDEX, 40, 4, 0, 0},
	{CBPF_AD_MARK, 8, 4, 0, 0},
	{CBPF_AD_QUEUE, 12, 4, 0, 0},
	{CBPF_AD_RXHASH, 68, 4, 0, 0},
	{CBPF_AD_VLAN_TCI, 24, 4, 0, 0},
	{CBPF_AD_VLAN_PRESENT, 20, 4, 0, 0},
	{CBPF_AD_VLAN_TPID, 28, 4, 16, 0},
	{.number = CBPF_AD_CPU, .helper = HELPER_get_smp_processor_id},
	{.number = CBPF_AD_RANDOM, .helper = HELPER_get_prandom_u32},
	EXTRAS_END,
};

#define PLAIN_FIELD(name, width)                          \
	{                                                 \
		offsetof(struct cbpf_packet, name), width \
	}
#define SKB_DATA .data = {76, 4}, .end = {80, 4}, .len = {0, 4}

const struct filter_hook filter_hooks[FILTER_HOOKS] = {
	[HOOK_PLAIN] = {.name = "plain",
			.link = "EN10MB",
			.way = FILTER_WAY_TOLD,
			.data = PLAIN_FIELD(data, 8),
			.size = PLAIN_FIELD(captured, 8),
			.len = PLAIN_FIELD(len, 4),
			.extras = plain_extras},
	[HOOK_XDP] = {.name = "xdp",
		      .kind = PROG_XDP,
		      .link = "EN10MB",
		      .pass = 2, /* XDP_PASS, XDP_DROP */
		      .drop = 1,
		      .way = FILTER_WAY_IN,
		      .data = {0, 4},
		      .end = {4, 4},
		      .extras = xdp_extras},
	[HOOK_TC] = {.name = "tc",
		     .kind = PROG_SCHED_CLS,
		     .link = "EN10MB",
		     .pass = 0, /* TC_ACT_OK, TC_ACT_SHOT */
		     .drop = 2,
		     SKB_DATA,
		     .tag_kept = true,
		     .calls = true,
		     .extras = skb_extras},
	[HOOK_CGROUP_SKB] = {.name = "cgroup_skb",
			     .kind = PROG_CGROUP_SKB,
			     .link = "RAW",
			     .pass = 1,
			     SKB_DATA,
			     .calls = true,
			     .extras = skb_extras},
	[HOOK_SOCKET] = {.name = "socket",
			 .kind = PROG_SOCKET_FILTER,
			 .link = "EN10MB",
			 .len = {0, 4},
			 .way = FILTER_WAY_TOLD, /* tc and cgroup_skb do not have it there */
			 .tag_kept = true,
			 .calls = true,
			 .extras = skb_extras},
};

const struct filter_hook *filter_hook_find(const char *name)
{
	for (u32 i = 0; i < FILTER_HOOKS; i++)
		if (!strcmp(filter_hooks[i].name, name))
			return &filter_hooks[i];
	return NULL;
}

/* ---- the context */

static u32 field(struct building *b, struct filter_field at)
{
	return ir_load(b->f, at.width, false, b->ctx, at.off);
}

static u32 pointer(struct building *b, enum ir_type type, struct filter_field at)
{
	u32 v = field(b, at);

	b->f->ins.v[v].type = (u8)type;
	return v;
}

void packet_begin(struct building *b)
{
	const struct filter_hook *h = b->hook;

	ir_set(b->f, b->vars[REG_A], ir_const(b->f, 0));
	ir_set(b->f, b->vars[REG_X], ir_const(b->f, 0));
	b->ctx = ir_ctx(b->f);
	if (b->slow || b->data)
		return;
	b->data = pointer(b, IRT_PKT, h->data);
	if (h->end.width)
		b->end = pointer(b, IRT_PKTEND, h->end);
	else
		b->size = field(b, h->size);
}

u32 packet_len(struct building *b)
{
	if (b->hook->len.width)
		return field(b, b->hook->len);
	return ir_un(b->f, IR_ZEXT32, IRT_I32, ir_bin(b->f, IR_SUB, IRT_I64, b->end, b->data));
}

u32 packet_extra(struct building *b, u32 number)
{
	const struct filter_extra *e = b->hook->extras;
	u32 v;

	while ((e->width || e->helper) && e->number != number)
		e++;
	if (e->helper)
		return ir_call(b->f, e->helper, IRT_I32, 0);
	if (!e->width)
		return 0;
	v = ir_load(b->f, e->width, false, b->ctx, e->off);
	return e->swap ? ir_un(b->f, IR_BSWAP16, IRT_I32, v) : v;
}

/* ---- loads */

enum load_kind load_kind(const struct cbpf_insn *in)
{
	u32 class = in->code & 7, mode = in->code & 0xe0;

	if (cbpf_ancillary(in) || (class != BPF_LD && class != BPF_LDX))
		return LOAD_NONE;
	if (mode == BPF_IND)
		return (s32)in->k >= 0 ? LOAD_REL : LOAD_HEADER;
	if (mode == BPF_ABS || mode == CBPF_MSH)
		return (s32)in->k >= 0 ? LOAD_ABS : LOAD_HEADER;
	return LOAD_NONE;
}

static u32 bytes_at(struct building *b, u32 bytes, u32 pointer, s32 off)
{
	u32 v = ir_load(b->f, bytes, false, pointer, off);

	b->now.raw = (struct raw){v, bytes};
	if (bytes == 1)
		return v;
	return ir_un(b->f, bytes == 4 ? IR_BSWAP32 : IR_BSWAP16, IRT_I32, v);
}

/* The same from the stack, where the kernel wants each load to be aligned. */
static u32 fetched_at(struct building *b, u32 bytes, u32 slot, u32 off)
{
	u32 part = off % bytes == 0 ? bytes : off % 2 == 0 ? 2 : 1, sum = 0, v;

	for (u32 i = 0; i < bytes; i += part) {
		v = bytes_at(b, part, slot, (s32)(off + i));
		if (i) {
			sum = ir_bin(b->f, IR_SHL, IRT_I32, sum, ir_const(b->f, part * 8));
			v = ir_bin(b->f, IR_OR, IRT_I32, sum, v);
		}
		sum = v;
	}
	return sum;
}

/* Where a byte comes to lie, so that most headers are aligned as in memory of the kernel. */
static u32 fetched_off(const struct building *b, struct reach r, u32 k)
{
	u32 shift = b->hook == &filter_hooks[HOOK_CGROUP_SKB] ? 0 : 2;

	return (r.lo + shift) % ALIGNMENT + k - r.lo;
}

/* Goes on if so many bytes from a pointer are there; at: the same place as a number. */
static void want(struct building *b, u32 pointer, u32 at, u32 bytes)
{
	struct ir_fn *f = b->f;
	u32 k = ir_const(f, bytes);

	if (b->straight)
		straight_want(b, at, bytes);
	else if (b->end)
		go_on_if(b, ir_bin(f, IR_ULE, IRT_I64, ir_add_imm(f, pointer, bytes), b->end),
			 b->missing);
	else
		go_on_if(b,
			 ir_bin(f, IR_ULE, IRT_I64, at ? ir_bin(f, IR_ADD, IRT_I64, at, k) : k,
				b->size),
			 b->missing);
}

/* The kernel's verifier loses a packet's bounds where what is added may be more than this. */
static void want_small(struct building *b, u32 v, u32 most, u32 bytes)
{
	if (b->end && most > 0xffff - bytes)
		go_on_if(b, ir_bin(b->f, IR_ULE, IRT_I64, v, ir_const(b->f, REACH_MOST)),
			 b->missing);
}

static bool covers(struct reach r, u32 from, u32 to)
{
	return r.lo <= from && to <= r.hi;
}

/* What is to be checked, or fetched, for a load of these bytes. */
static struct reach span_for(const struct building *b, struct need need, u32 from, u32 to)
{
	struct reach r = {b->slow ? MIN(need.lo, from) : 0, to};

	if (need.hi != NEED_ALL && need.hi > to && need.hi <= REACH_MOST)
		r.hi = need.hi;
	if (!b->slow)
		return r;
	if (r.hi - r.lo > FETCH_MOST)
		r.hi = to;
	if (r.hi - r.lo > FETCH_MOST)
		r.lo = from;
	return r;
}

/* Copies a span to the stack. */
static void fetch(struct building *b, u32 *slot, u32 from, struct reach r)
{
	struct ir_fn *f = b->f;
	u32 got, to;

	if (!*slot)
		*slot = ir_slot(f, ALIGNMENT + FETCH_MOST, ALIGNMENT);
	if (from)
		from = ir_bin(f, IR_ADD, IRT_I32, from, ir_const(f, r.lo));
	else
		from = ir_const(f, r.lo);
	to = ir_add_imm(f, *slot, fetched_off(b, r, r.lo));
	got = ir_call(f, HELPER_skb_load_bytes, IRT_I64, 4, b->ctx, from, to,
		      ir_const(f, r.hi - r.lo));
	go_on_if(b, ir_bin(f, IR_EQ, IRT_I64, got, ir_const(f, 0)), b->missing);
}

/* From a constant offset. */
static u32 load_abs(struct building *b, u32 pc, u32 k, u32 bytes)
{
	if (!covers(b->now.abs, k, k + bytes)) {
		b->now.abs = span_for(b, b->needs[pc].abs, k, k + bytes);
		if (b->slow)
			fetch(b, &b->abs_bytes, 0, b->now.abs);
		else
			want(b, b->data, 0, b->now.abs.hi);
	}
	if (b->slow)
		return fetched_at(b, bytes, b->abs_bytes, fetched_off(b, b->now.abs, k));
	return bytes_at(b, bytes, b->data, (s32)k);
}

/* From X plus a constant. */
static u32 load_rel(struct building *b, u32 pc, u32 k, u32 bytes)
{
	if (!covers(b->now.rel, k, k + bytes)) {
		struct reach r = span_for(b, b->needs[pc].rel, k, k + bytes);
		u32 x = get(b, REG_X);

		if (b->slow) {
			fetch(b, &b->rel_bytes, x, r);
		} else {
			want_small(b, x, b->now.most[REG_X], r.hi);
			ir_set(b->f, b->rel, ir_bin(b->f, IR_ADD, IRT_I64, b->data, x));
			want(b, ir_get(b->f, b->rel), x, r.hi);
		}
		b->now.rel = r;
	}
	if (b->slow)
		return fetched_at(b, bytes, b->rel_bytes, fetched_off(b, b->now.rel, k));
	return bytes_at(b, bytes, ir_get(b->f, b->rel), (s32)k);
}

/* From an offset that is a number: no bytes are known to be there, and none are afterwards. */
static u32 load_at(struct building *b, u32 at, u32 bytes)
{
	u32 p;

	if (b->slow) {
		const struct reach r = {0, bytes};

		fetch(b, &b->rel_bytes, at, r);
		b->now.rel = (struct reach){0, 0};
		return fetched_at(b, bytes, b->rel_bytes, fetched_off(b, r, 0));
	}
	want_small(b, at, UINT32_MAX, bytes);
	p = ir_bin(b->f, IR_ADD, IRT_I64, b->data, at);
	want(b, p, at, bytes);
	return bytes_at(b, bytes, p, 0);
}

/* ---- offsets that may be of a header: in user space alone */

/* Sets `where` to where an offset below 0 leads. */
static void from_header(struct building *b, u32 off, u32 where)
{
	struct ir_fn *f = b->f;
	u32 net = ir_block(f), link = ir_block(f), out = ir_block(f), t;

	go_on_if(b, ir_bin(f, IR_SLE, IRT_I32, ir_const(f, CBPF_LL_OFF), off), b->missing);
	t = ir_bin(f, IR_SUB, IRT_I32, off, ir_const(f, CBPF_LL_OFF));
	ir_br(f, ir_bin(f, IR_ULT, IRT_I32, t, ir_const(f, CBPF_NET_OFF - CBPF_LL_OFF)), link, net);
	ir_seal(f, net);
	ir_seal(f, link);
	ir_at(f, link);
	ir_set(f, where, t);
	ir_jmp(f, out);
	ir_at(f, net);
	t = ir_bin(f, IR_SUB, IRT_I32, t, ir_const(f, CBPF_NET_OFF - CBPF_LL_OFF));
	ir_set(f, where,
	       ir_bin(f, IR_ADD, IRT_I64, t,
		      ir_load(f, 4, false, b->ctx, offsetof(struct cbpf_packet, net))));
	ir_jmp(f, out);
	ir_seal(f, out);
	ir_at(f, out);
}

static u32 load_anywhere(struct building *b, u32 off, u32 bytes)
{
	struct ir_fn *f = b->f;
	u32 where = ir_var(f, IRT_I64), below = ir_block(f), out = ir_block(f);

	ir_set(f, where, off);
	ir_br(f, ir_bin(f, IR_SLT, IRT_I32, off, ir_const(f, 0)), below, out);
	ir_seal(f, below);
	ir_at(f, below);
	if (ir_open(f)) {
		from_header(b, off, where);
		ir_jmp(f, out);
	}
	ir_seal(f, out);
	ir_at(f, out);
	return load_at(b, ir_get(f, where), bytes);
}

u32 packet_load(struct building *b, const struct cbpf_insn *in, u32 pc, u32 bytes)
{
	enum load_kind kind = load_kind(in);
	bool plain = b->hook == &filter_hooks[HOOK_PLAIN], small = in->k <= REACH_MOST;
	u32 k = ir_const(b->f, (s32)in->k);

	if (kind == LOAD_ABS && small)
		return load_abs(b, pc, in->k, bytes);
	if (kind == LOAD_ABS)
		return load_at(b, k, bytes);
	if (kind == LOAD_REL && small && (!plain || b->now.most[REG_X] < 0x7fff0000))
		return load_rel(b, pc, in->k, bytes);
	if (kind == LOAD_HEADER && (in->code & 0xe0) != BPF_IND)
		return plain ? load_anywhere(b, k, bytes) : 0;
	k = ir_bin(b->f, IR_ADD, IRT_I32, get(b, REG_X), k);
	return plain ? load_anywhere(b, k, bytes) : load_at(b, k, bytes);
}
