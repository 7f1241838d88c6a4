/*
 * packet.h: the packet of a run as helpers change it, and the words of the context that say where
 * it is: struct xdp_md and struct __sk_buff of the kernel's UAPI.
 */
#ifndef VM_PACKET_H
#define VM_PACKET_H

#include "vm/help.h"

/* Offsets of u32 words in the context. */
enum { XDP_DATA = 0, XDP_DATA_END = 4, XDP_DATA_META = 8 };
enum {
	SKB_LEN = 0,
	SKB_PKT_TYPE = 4,
	SKB_PROTOCOL = 16,
	SKB_VLAN_PRESENT = 20,
	SKB_VLAN_TCI = 24,
	SKB_VLAN_PROTO = 28,
	SKB_HASH = 68,
	SKB_DATA = 76,
	SKB_DATA_END = 80,
	SKB_DATA_META = 140,
	SKB_BYTES = 192,
};

bool packet_is_xdp(const struct vm_run *);
u32 packet_size(const struct vm_run *);
/* The bytes [off, off + size) of the packet, or NULL. */
u8 *packet_at(const struct vm_run *, u64 off, u64 size);
/* The packet now has these limits: of the region, of the context. */
void packet_set(struct vm_run *, u64 meta, u64 start, u64 end);
bool packet_is_there(struct vm_run *); /* false: the run is stopped */
/* Where headers are, from the packet's first byte. Programs may have put bytes in front of the
 * network's. */
s32 packet_link(const struct vm_run *);
s32 packet_network(const struct vm_run *);
/* The same as packet_at(), but for bytes that may be in front of the packet. */
const u8 *packet_from_link(const struct vm_run *, s64 off, u64 size);
u32 context_get(struct vm_run *, u32 off);
void context_set(struct vm_run *, u32 off, u32 value);
/* Checksums: folded to 16 bits, as they are in the packet. */
/* How far down it may grow: nowhere, where nobody named room. */
static inline u64 packet_floor(const struct vm_run *run)
{
	return run->packet_room ? run->packet_room : run->packet;
}
u32 csum_add(u32 a, u32 b);
u32 csum_bytes(const void *, u32 size, u32 sum);
u16 csum_fold(u32 sum);

#endif
