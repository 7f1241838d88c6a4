/*
 * context.c: what a program sees when it is run on given input, as BPF_PROG_TEST_RUN of the kernel
 * shows it: a packet came in by the loopback device.
 *
 * In:  a packet or a context. Out: struct xdp_md or struct __sk_buff before the packet's memory,
 * all of it lent to the run.
 */
#include "engine/bare/bare.h"
#include "engine/input.h"

#include <errno.h>
#include <stdlib.h>

#define LOOPBACK 1 /* its number */

struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};
struct skb { /* struct __sk_buff */
	u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto,
		priority, ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, data,
		data_end, napi_id, family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4],
		remote_port, local_port, data_meta;
	u64 flow_keys, tstamp;
	u32 wire_len, gso_segs;
	u64 sk;
	u32 gso_size, tstamp_type;
	u64 hwtstamp;
};
_Static_assert(sizeof(struct skb) == 192 && offsetof(struct skb, data) == 76 &&
		       offsetof(struct skb, wire_len) == 160,
	       "the layout of the kernel");

static u32 low(const u8 *p)
{
	return (u32)(uintptr_t)p;
}

/* Whom an Ethernet header is for, to a device whose address is all zeroes: PACKET_HOST, ... */
static u32 packet_type(const u8 *p)
{
	static const u8 zero[6], ones[6] = {255, 255, 255, 255, 255, 255};

	if (*p & 1)
		return memcmp(p, ones, 6) ? 2 : 1;
	return memcmp(p, zero, 6) ? 3 : 0;
}

/* What eth_type_trans() of the kernel makes of a header: the type, or what a length stands for. */
static u32 packet_protocol(const u8 *p)
{
	u16 type;

	memcpy(&type, p + 12, sizeof(type));
	if (p[12] >= 6)
		return type;
	return p[ETHERNET_BYTES] == 0xff && p[ETHERNET_BYTES + 1] == 0xff ? 0x0100 : 0x0400;
}

/* What the caller has said of the context, or nothing. */
static void take_ctx(void *to, size_t size, const struct engine_test *t)
{
	if (t->ctx_size)
		memcpy(to, t->ctx, MIN((size_t)t->ctx_size, size));
}

static void fill_xdp(struct bare_input *in, const struct engine_test *t)
{
	struct xdp_md md = {.ingress_ifindex = LOOPBACK};
	u8 *packet = in->room + BARE_HEADROOM;

	take_ctx(&md, sizeof(md), t);
	md.data = md.data_meta = low(packet);
	md.data_end = low(packet + t->data_size);
	if (!t->ctx_size)
		md.ingress_ifindex = LOOPBACK;
	memcpy(in->ctx, &md, sizeof(md));
}

static void fill_skb(struct bare_input *in, const struct engine_test *t, u32 skip)
{
	struct skb skb = {0};
	u8 *packet = in->room + BARE_HEADROOM;

	take_ctx(&skb, sizeof(skb), t);
	skb.len = t->data_size - skip;
	skb.pkt_type = packet_type(packet);
	skb.protocol = packet_protocol(packet);
	skb.ifindex = skb.ifindex ? skb.ifindex : LOOPBACK;
	skb.data = skb.data_meta = low(packet + skip);
	skb.data_end = low(packet + t->data_size);
	skb.wire_len = skb.wire_len ? skb.wire_len : t->data_size;
	memcpy(in->ctx, &skb, sizeof(skb));
}

/* Around the packet there are zeroes, whatever packet was there before. */
static bool make_room(struct bare_input *in, u32 packet)
{
	size_t size = ALIGN_UP((size_t)BARE_HEADROOM + packet + BARE_TAILROOM, 4096);

	if (size > in->room_cap) {
		if (in->room)
			vm_memory_free(in->room, in->room_cap);
		in->room = vm_memory(size, true);
		in->room_cap = in->room ? size : 0;
	} else {
		memset(in->room, 0, BARE_HEADROOM);
		memset(in->room + BARE_HEADROOM + packet, 0, size - BARE_HEADROOM - packet);
	}
	in->room_size = in->room ? size : 0;
	return in->room;
}

static bool make_ctx(struct bare_input *in, u32 size)
{
	if (!in->ctx || size > in->ctx_cap) {
		free(in->ctx);
		in->ctx_cap = MAX(size, 8u);
		in->ctx = malloc(in->ctx_cap);
	}
	if (in->ctx)
		memset(in->ctx, 0, in->ctx_cap);
	in->ctx_size = size;
	return in->ctx;
}

static int fill(struct bare_input *in, const struct engine_test *t)
{
	if (in->input == INPUT_CTX) {
		if (t->ctx_size)
			memcpy(in->ctx, t->ctx, t->ctx_size);
		return 0;
	}
	if (t->data_size < ETHERNET_BYTES)
		return -EINVAL;
	if (!make_room(in, t->data_size))
		return -ENOMEM;
	memcpy(in->room + BARE_HEADROOM, t->data, t->data_size);
	if (in->input == INPUT_XDP)
		fill_xdp(in, t);
	else
		fill_skb(in, t, in->input == INPUT_PACKET ? ETHERNET_BYTES : 0);
	return 0;
}

/* Where the context says that the packet is. */
static void bounds(const struct bare_input *in, u32 *from, u32 *to, u32 *meta)
{
	bool xdp = in->input == INPUT_XDP;

	memcpy(from, in->ctx + (xdp ? 0 : offsetof(struct skb, data)), 4);
	memcpy(to, in->ctx + (xdp ? 4 : offsetof(struct skb, data_end)), 4);
	memcpy(meta, in->ctx + (xdp ? 8 : offsetof(struct skb, data_meta)), 4);
}

int bare_input_open(struct bare_input *in, u32 kind, const struct engine_test *t)
{
	static const u16 sizes[] = {[INPUT_XDP] = sizeof(struct xdp_md),
				    [INPUT_FRAME] = sizeof(struct skb),
				    [INPUT_PACKET] = sizeof(struct skb)};

	in->input = input_kind(kind)->input;
	in->room_size = 0;
	return make_ctx(in, in->input == INPUT_CTX ? t->ctx_size : sizes[in->input]) ? fill(in, t)
										     : -ENOMEM;
}

int bare_input_lend(struct bare_input *in, struct vm_run *run)
{
	u32 from, to, meta;
	bool good =
		!in->ctx_size || vm_lend(run, (struct vm_region){.start = (u64)(uintptr_t)in->ctx,
								 .size = in->ctx_size,
								 .kind = VM_CTX,
								 .writable = true});

	if (!in->room_size)
		return good ? 0 : -ENOSPC;
	bounds(in, &from, &to, &meta);
	run->packet = from;
	run->packet_end = to;
	run->packet_meta = meta;
	run->packet_link = in->input == INPUT_PACKET ? ETHERNET_BYTES : 0;
	run->packet_room = (u64)(uintptr_t)in->room;
	run->packet_room_end = run->packet_room + in->room_size;
	good &= vm_lend(run, (struct vm_region){.start = from,
						.size = to - from,
						.kind = VM_PACKET,
						.writable = true});
	return good ? 0 : -ENOSPC;
}

void bare_input_read(const struct bare_input *in, u32 kind, struct engine_test *t)
{
	static const u8 zeroes[ETHERNET_BYTES];
	u32 from, to, meta;

	if (in->room_size) {
		bounds(in, &from, &to, &meta);
		if (in->input == INPUT_PACKET) /* the kernel puts an empty header in front again */
			buf_add(&t->out, zeroes, sizeof(zeroes));
		buf_add(&t->out, (const void *)(uintptr_t)from, to - from);
	}
	if (t->ctx_size && kind != PROG_RAW_TRACEPOINT) /* which cannot change it */
		buf_add(&t->ctx_out, in->ctx, in->ctx_size);
}

void bare_input_close(struct bare_input *in, struct vm_run *run)
{
	if (in->ctx_size)
		vm_take_back(run, (u64)(uintptr_t)in->ctx);
	if (in->room_size)
		vm_take_back(run, run->packet_meta);
	run->packet = run->packet_end = run->packet_meta = 0;
}

void bare_input_free(struct bare_input *in)
{
	if (in->room)
		vm_memory_free(in->room, in->room_cap);
	free(in->ctx);
	*in = (struct bare_input){0};
}
