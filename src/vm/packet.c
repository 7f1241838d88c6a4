/*
 * packet.c: where the packet of a run is, and what changes when it is moved.
 *
 * The packet lies in room of the host (run->packet_room); programs see it from its metadata to its
 * end as one region, and by the words of their context.
 */
#include "vm/packet.h"

bool packet_is_xdp(const struct vm_run *run)
{
	return run->prog->kind == PROG_XDP;
}

u32 packet_size(const struct vm_run *run)
{
	return (u32)(run->packet_end - run->packet);
}

u8 *packet_at(const struct vm_run *run, u64 off, u64 size)
{
	u64 have = run->packet_end - run->packet;

	return run->packet && off <= have && size <= have - off ? pointer(run->packet + off) : NULL;
}

#define ETH_HEADER 14

s32 packet_link(const struct vm_run *run)
{
	return -(s32)run->packet_link;
}

s32 packet_network(const struct vm_run *run)
{
	return run->packet_link ? 0 : (s32)(ETH_HEADER + run->packet_pushed);
}

const u8 *packet_from_link(const struct vm_run *run, s64 off, u64 size)
{
	u64 have = run->packet_end - run->packet;

	if (!run->packet || off < packet_link(run) || (off > 0 && (u64)off > have) ||
	    size > have - (u64)off)
		return NULL;
	return pointer(run->packet + (u64)off);
}

/* SKF_NET_OFF, SKF_LL_OFF of the kernel: what lies below counts from a header. */
#define FROM_NETWORK -0x100000
#define FROM_LINK    -0x200000

bool vm_packet_load(const struct vm_run *run, s32 at, u32 size, u64 *to)
{
	s64 off = at;
	const u8 *p;

	if (at < 0)
		off += at >= FROM_NETWORK ? (s64)packet_network(run) - FROM_NETWORK
					  : (s64)packet_link(run) - FROM_LINK;
	p = at < FROM_LINK ? NULL : packet_from_link(run, off, size);
	if (!p)
		return false;
	*to = 0;
	for (u32 i = 0; i < size; i++)
		*to = *to << 8 | p[i];
	return true;
}

/* A word of the context; where the program's context is another one, it stops. */
static u32 *context_word(struct vm_run *run, u32 off, bool write, u32 *nowhere)
{
	if (run->vm->opts.trusted || vm_region_find(run, run->ctx + off, 4, write))
		return pointer(run->ctx + off);
	help_fault(run, VM_BAD_CALL, "the context of the program is not that of a packet");
	*nowhere = 0;
	return nowhere;
}

u32 context_get(struct vm_run *run, u32 off)
{
	u32 nowhere;

	return *context_word(run, off, false, &nowhere);
}

void context_set(struct vm_run *run, u32 off, u32 value)
{
	u32 nowhere;

	*context_word(run, off, true, &nowhere) = value;
}

bool packet_is_there(struct vm_run *run)
{
	if (!run->packet)
		help_fault(run, VM_BAD_CALL, "the program runs without a packet");
	return run->packet;
}

static void tell_context(struct vm_run *run)
{
	if (packet_is_xdp(run)) {
		context_set(run, XDP_DATA, (u32)run->packet);
		context_set(run, XDP_DATA_END, (u32)run->packet_end);
		context_set(run, XDP_DATA_META, (u32)run->packet_meta);
		return;
	}
	context_set(run, SKB_LEN, packet_size(run));
	context_set(run, SKB_DATA, (u32)run->packet);
	context_set(run, SKB_DATA_END, (u32)run->packet_end);
	context_set(run, SKB_DATA_META, (u32)run->packet_meta);
}

void packet_set(struct vm_run *run, u64 meta, u64 start, u64 end)
{
	bool writable = true;

	for (u32 i = 0; i < run->nregions; i++) {
		if (run->regions[i].kind != VM_PACKET || !run->regions[i].size)
			continue;
		writable = run->regions[i].writable;
		vm_take_back(run, run->regions[i].start);
	}
	run->packet_meta = meta;
	run->packet = start;
	run->packet_end = end;
	vm_lend(run, (struct vm_region){.start = meta,
					.size = end - meta,
					.kind = VM_PACKET,
					.writable = writable});
	tell_context(run);
}

/* ---- checksums */

u32 csum_add(u32 a, u32 b)
{
	u32 sum = a + b;

	return sum + (sum < a);
}

u32 csum_bytes(const void *p, u32 size, u32 sum)
{
	const u8 *at = p;
	u64 wide = sum;

	/* 32 bits at a time, as there: of the two zeroes of such sums the same one comes out */
	for (u32 n; size; size -= n, at += n) {
		u32 word = 0;

		n = MIN(size, (u32)sizeof(word));
		memcpy(&word, at, n);
		wide += word;
	}
	while (wide >> 32)
		wide = (u32)wide + (wide >> 32);
	return (u32)wide;
}

u16 csum_fold(u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}
