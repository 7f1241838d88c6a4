/*
 * help_packet.c: helpers about the packet of a socket buffer (__sk_buff): its bytes, its size, its
 * checksums, its tags.
 *
 * The packet begins with the header of its link, 14 bytes of Ethernet, as it does in programs of
 * tc.
 */
#include "vm/packet.h"

#define ETH_HEADER    14u
#define OFFSET_MAX    0x7fffffffu
#define SKB_MAX       65535u
#define ENOTSUPP      524    /* the kernel's own */
#define VLAN          0x0081 /* 802.1Q and 802.1ad, in network order */
#define VLAN_AD       0xa888
#define IPV4          0x0008
#define IPV6          0xdd86
#define HDR_MASK      0xfu /* of the csum_replace's: bytes of the field */
#define PSEUDO_HDR    0x10u
#define MANGLED_0     0x20u
#define MANGLED_FORCE 0x40u
#define CSUM_IPV6     0x80u
#define STORE_FLAGS   3u /* recompute the checksum, forget the hash */

/* ---- bytes */

HELPER_FN(help_skb_load_bytes)
{
	const u8 *from = (u32)b <= OFFSET_MAX ? packet_at(run, (u32)b, (u32)d) : NULL;

	UNUSED_ARGS;
	if (from)
		memmove(pointer(c), from, (u32)d);
	else
		memset(pointer(c), 0, (u32)d);
	return from ? 0 : (u64)-EFAULT;
}

/* e: 0 from the link's header, 1 from the network's. */
HELPER_FN(help_skb_load_bytes_relative)
{
	s64 off = (s64)(u32)b + (e ? packet_network(run) : packet_link(run));
	const u8 *from = e > 1 || (u32)b > 0xffff ? NULL : packet_from_link(run, off, (u32)d);

	UNUSED_ARGS;
	if (from)
		memmove(pointer(c), from, (u32)d);
	else
		memset(pointer(c), 0, (u32)d);
	return from ? 0 : (u64)-EFAULT;
}

HELPER_FN(help_skb_store_bytes)
{
	u8 *to = (u32)b <= OFFSET_MAX ? packet_at(run, (u32)b, (u32)d) : NULL;

	UNUSED_ARGS;
	if (e & ~(u64)STORE_FLAGS)
		return (u64)-EINVAL;
	if (!to)
		return (u64)-EFAULT;
	memmove(to, pointer(c), (u32)d);
	return 0;
}

HELPER_FN(help_skb_pull_data)
{
	UNUSED_ARGS;
	return (u32)b > packet_size(run) ? (u64)-ENOMEM : 0;
}

/* ---- checksums */

/* A checksum of which `from` is taken out and `to` put in. */
static u16 replace(u16 sum, u32 from, u32 to)
{
	return (u16)~csum_fold(csum_add(csum_add((u16)~sum, ~from), to));
}

/* Of 0 bytes is a difference that was computed before. */
static s64 new_sum(u16 *sum, u64 from, u64 to, u32 bytes)
{
	switch (bytes) {
	case 0:
		if (from)
			return -EINVAL;
		*sum = (u16)~csum_fold(csum_add((u32)to, (u16) ~*sum));
		return 0;
	case 2: *sum = replace(*sum, (u16)from, (u16)to); return 0;
	case 4: *sum = replace(*sum, (u32)from, (u32)to); return 0;
	}
	return -EINVAL;
}

HELPER_FN(help_l3_csum_replace)
{
	u8 *at = packet_at(run, (u32)b, 2);
	u16 sum;
	s64 err;

	UNUSED_ARGS;
	if (e & ~(u64)HDR_MASK)
		return (u64)-EINVAL;
	if ((u32)b > 0xffff || (b & 1) || !at)
		return (u64)-EFAULT;
	memcpy(&sum, at, 2);
	err = new_sum(&sum, c, d, e & HDR_MASK);
	if (!err)
		memcpy(at, &sum, 2);
	return (u64)err;
}

HELPER_FN(help_l4_csum_replace)
{
	u8 *at = packet_at(run, (u32)b, 2);
	bool zero = e & MANGLED_0, force = e & MANGLED_FORCE;
	u16 sum;
	s64 err;

	UNUSED_ARGS;
	if (e & ~(u64)(HDR_MASK | PSEUDO_HDR | MANGLED_0 | MANGLED_FORCE | CSUM_IPV6))
		return (u64)-EINVAL;
	if ((u32)b > 0xffff || (b & 1) || !at)
		return (u64)-EFAULT;
	memcpy(&sum, at, 2);
	if (zero && !force && !sum) /* UDP: there is no checksum */
		return 0;
	err = new_sum(&sum, c, d, e & HDR_MASK);
	if (!err && zero && !sum)
		sum = 0xffff;
	if (!err)
		memcpy(at, &sum, 2);
	return (u64)err;
}

/* Either of the two may be absent. The result has 16 bits, as since Linux 6.13. */
HELPER_FN(help_csum_diff)
{
	u32 from = (u32)b, to = (u32)d, sum = (u32)e;

	UNUSED_ARGS;
	if ((from | to) & 3)
		return (u64)-EINVAL;
	if (to)
		sum = csum_bytes(pointer(c), to, sum);
	if (from && to)
		sum = csum_add(sum, ~csum_bytes(pointer(a), from, 0));
	else if (from)
		sum = ~csum_bytes(pointer(a), from, ~sum);
	return csum_fold(sum);
}

HELPER_FN(help_csum_update)
{
	UNUSED_ARGS;
	return (u64)-ENOTSUPP;
}

/* ---- size */

/* Room of n bytes at `at`, which is n < 0 bytes taken away; what is before it moves. */
static s64 make_room(struct vm_run *run, u32 at, s32 n)
{
	u64 start = run->packet - (u64)(s64)n;

	if (!packet_is_there(run))
		return 0;
	if (n > 0 && run->packet - packet_floor(run) < (u64)n)
		return -ENOMEM;
	memmove(pointer(start), pointer(run->packet), n < 0 ? at : MIN(at, packet_size(run)));
	if (n > 0)
		memset(pointer(start + at), 0, (u32)n);
	packet_set(run, start, start, run->packet_end);
	return 0;
}

/* The network's header is in the packet, or at its end: others have taken away what was behind. */
static void pushed(struct vm_run *run, u32 n)
{
	run->packet_pushed = MIN(run->packet_pushed + n, packet_size(run));
}

HELPER_FN(help_skb_change_head)
{
	s64 err;

	UNUSED_ARGS;
	if (c || (u64)(u32)b + packet_size(run) > SKB_MAX)
		return (u64)-EINVAL;
	err = make_room(run, 0, (s32)b);
	if (!err)
		pushed(run, (u32)b);
	return (u64)err;
}

HELPER_FN(help_skb_change_tail)
{
	u32 size = (u32)b, before = packet_size(run);

	UNUSED_ARGS;
	if (c || size > SKB_MAX || size < (u32)packet_network(run))
		return (u64)-EINVAL;
	if (!packet_is_there(run))
		return 0;
	if (run->packet + size > run->packet_room_end)
		return (u64)-ENOMEM;
	if (size > before)
		memset(pointer(run->packet_end), 0, size - before);
	packet_set(run, run->packet_meta, run->packet, run->packet + size);
	return 0;
}

static u16 protocol(struct vm_run *run)
{
	return (u16)context_get(run, SKB_PROTOCOL);
}

/* Flags of skb_adjust_room. Those of encapsulation change only the kernel's own notes. */
#define ROOM_FIXED_GSO     1u
#define ROOM_ENCAP_L3      6u /* 4, 6: one of them */
#define ROOM_ENCAP_L4      0x18u
#define ROOM_NO_CSUM_RESET 0x20u
#define ROOM_DECAP_IPV4    0x80u
#define ROOM_DECAP_IPV6    0x100u
#define ROOM_DECAP         (ROOM_DECAP_IPV4 | ROOM_DECAP_IPV6)
#define ROOM_FLAGS         (0xff000000000000ffull | ROOM_DECAP_IPV6)
#define ROOM_MAX           0xfffu

static s64 room_flags(u64 flags, bool shrink)
{
	u64 shrinks = ROOM_FIXED_GSO | ROOM_DECAP | ROOM_NO_CSUM_RESET;

	if (shrink ? flags & ~shrinks : flags & ROOM_DECAP)
		return -EINVAL;
	return (flags & ROOM_ENCAP_L3) == ROOM_ENCAP_L3 ||
			       (flags & ROOM_ENCAP_L4) == ROOM_ENCAP_L4 ||
			       (flags & ROOM_DECAP) == ROOM_DECAP
		       ? -EINVAL
		       : 0;
}

/* c: 0 behind the network's header, 1 behind the link's. */
HELPER_FN(help_skb_adjust_room)
{
	s32 n = (s32)b;
	u32 size = n < 0 ? 0 - (u32)n : (u32)n;
	u32 header = protocol(run) == IPV4 ? 20 : protocol(run) == IPV6 ? 40 : 0;
	u32 network = MIN((u32)packet_network(run), packet_size(run));
	u32 have = packet_size(run) - network, at = network + (c ? 0 : header);
	u32 least = d & ROOM_DECAP_IPV4 ? 20 : d & ROOM_DECAP_IPV6 ? 40 : header;

	UNUSED_ARGS;
	if (d & ~ROOM_FLAGS)
		return (u64)-EINVAL;
	if (size > ROOM_MAX)
		return (u64)-EFAULT;
	if (!header || c > 1)
		return (u64)-ENOTSUPP;
	if (n >= 0 && (d & ROOM_DECAP))
		return (u64)-EINVAL;
	if (n < 0 && (size >= have || have - size < least || at + size > packet_size(run)))
		return (u64)-ENOTSUPP;
	if (n > 0 && (packet_size(run) + size > SKB_MAX || at > packet_size(run)))
		return (u64)-ENOTSUPP;
	if (room_flags(d, n < 0))
		return (u64)-EINVAL;
	return (u64)make_room(run, at, n);
}

/* ---- tags of virtual networks: the outermost is not in the packet but beside it */

static void set_tag(struct vm_run *run, bool present, u16 kind, u16 tag)
{
	context_set(run, SKB_VLAN_PRESENT, present);
	context_set(run, SKB_VLAN_PROTO, present ? kind : 0);
	context_set(run, SKB_VLAN_TCI, present ? tag : 0);
}

static bool is_vlan(u16 kind)
{
	return kind == VLAN || kind == VLAN_AD;
}

HELPER_FN(help_skb_vlan_push)
{
	u16 kind = is_vlan((u16)b) ? (u16)b : VLAN, words[2];
	s64 err;

	UNUSED_ARGS;
	if (context_get(run, SKB_VLAN_PRESENT)) { /* the one before goes into the packet */
		words[0] = (u16)context_get(run, SKB_VLAN_PROTO);
		words[1] = __builtin_bswap16((u16)context_get(run, SKB_VLAN_TCI));
		err = packet_size(run) < ETH_HEADER ? -ENOMEM : make_room(run, 12, 4);
		if (err)
			return (u64)err;
		memcpy(packet_at(run, 12, 4), words, 4);
		context_set(run, SKB_PROTOCOL, words[0]);
		pushed(run, 4);
	}
	set_tag(run, true, kind, (u16)c);
	return 0;
}

HELPER_FN(help_skb_vlan_pop)
{
	bool beside = context_get(run, SKB_VLAN_PRESENT);
	u16 words[3];

	UNUSED_ARGS;
	set_tag(run, false, 0, 0);
	if (!is_vlan(protocol(run)))
		return 0;
	if (!packet_at(run, 12, 6))
		return (u64)-ENOMEM;
	memcpy(words, packet_at(run, 12, 6), 6);
	make_room(run, 12, -4);
	run->packet_pushed -= MIN(run->packet_pushed, 4u);
	context_set(run, SKB_PROTOCOL, words[2]);
	if (beside) /* the one inside takes the place of the one beside */
		set_tag(run, true, words[0], __builtin_bswap16(words[1]));
	return 0;
}

/* ---- what is said about it */

HELPER_FN(help_get_hash_recalc)
{
	u32 hash = context_get(run, SKB_HASH);

	UNUSED_ARGS;
	if (hash || !packet_is_there(run))
		return hash;
	hash = 2166136261u; /* FNV of what tells one flow from another, and a bit more */
	for (u32 i = 0; i < MIN(packet_size(run), 54u); i++)
		hash = (hash ^ *(u8 *)pointer(run->packet + i)) * 16777619u;
	context_set(run, SKB_HASH, hash);
	return hash;
}

HELPER_FN(help_set_hash_invalid)
{
	UNUSED_ARGS;
	context_set(run, SKB_HASH, 0);
	return 0;
}

HELPER_FN(help_set_hash)
{
	UNUSED_ARGS;
	context_set(run, SKB_HASH, (u32)b);
	return 0;
}

HELPER_FN(help_skb_change_type)
{
	UNUSED_ARGS;
	if ((u32)b > 3 || context_get(run, SKB_PKT_TYPE) > 3)
		return (u64)-EINVAL;
	context_set(run, SKB_PKT_TYPE, (u32)b);
	return 0;
}
