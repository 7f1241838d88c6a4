/*
 * help_xdp.c: helpers about the packet of an XDP program, and those that send packets elsewhere.
 */
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vm/packet.h"

#define ETH_HEADER 14u
#define META_MAX   255u

/* ---- the packet */

HELPER_FN(help_xdp_adjust_head)
{
	u64 meta = run->packet - run->packet_meta, start = run->packet + (u64)(s64)(s32)b;

	UNUSED_ARGS;
	if (!packet_is_there(run))
		return 0;
	if (start < packet_floor(run) + meta || start > run->packet_end - ETH_HEADER)
		return (u64)-EINVAL;
	memmove(pointer(start - meta), pointer(run->packet_meta), meta);
	packet_set(run, start - meta, start, run->packet_end);
	return 0;
}

HELPER_FN(help_xdp_adjust_tail)
{
	u64 end = run->packet_end + (u64)(s64)(s32)b;

	UNUSED_ARGS;
	if (!packet_is_there(run))
		return 0;
	if (end > run->packet_room_end || end < run->packet + ETH_HEADER)
		return (u64)-EINVAL;
	if (end > run->packet_end)
		memset(pointer(run->packet_end), 0, end - run->packet_end);
	packet_set(run, run->packet_meta, run->packet, end);
	return 0;
}

HELPER_FN(help_xdp_adjust_meta)
{
	u64 meta = run->packet_meta + (u64)(s64)(s32)b, size = run->packet - meta;

	UNUSED_ARGS;
	if (!packet_is_there(run))
		return 0;
	if (meta < packet_floor(run) || meta > run->packet)
		return (u64)-EINVAL;
	if (size % 4 || size > META_MAX)
		return (u64)-EACCES;
	packet_set(run, meta, run->packet, run->packet_end);
	return 0;
}

HELPER_FN(help_xdp_get_buff_len)
{
	UNUSED_ARGS;
	return packet_size(run);
}

static s64 xdp_bytes(struct vm_run *run, u32 off, u32 size, u8 **at)
{
	if (off > 0xffff || size > 0xffff)
		return -EFAULT;
	*at = packet_at(run, off, size);
	return *at ? 0 : -EINVAL;
}

HELPER_FN(help_xdp_load_bytes)
{
	u8 *at;
	s64 err = xdp_bytes(run, (u32)b, (u32)d, &at);

	UNUSED_ARGS;
	if (!err)
		memmove(pointer(c), at, (u32)d);
	return (u64)err;
}

HELPER_FN(help_xdp_store_bytes)
{
	u8 *at;
	s64 err = xdp_bytes(run, (u32)b, (u32)d, &at);

	UNUSED_ARGS;
	if (!err)
		memmove(at, pointer(c), (u32)d);
	return (u64)err;
}

/* ---- elsewhere: verdicts of XDP, of tc */

enum { XDP_ABORTED = 0, XDP_REDIRECT = 4, TC_SHOT = 2, TC_REDIRECT = 7 };

HELPER_FN(help_redirect)
{
	bool xdp = packet_is_xdp(run);

	UNUSED_ARGS;
	if (xdp ? b : b & ~1ull) /* tc: 1 means ingress */
		return xdp ? XDP_ABORTED : TC_SHOT;
	run->redirect = (u32)a;
	return xdp ? XDP_REDIRECT : TC_REDIRECT;
}

HELPER_FN(help_redirect_peer)
{
	UNUSED_ARGS;
	if (b)
		return TC_SHOT;
	run->redirect = (u32)a;
	return TC_REDIRECT;
}

HELPER_FN(help_redirect_neigh)
{
	UNUSED_ARGS;
	if (d || ((u32)c && (u32)c < 20)) /* struct bpf_redir_neigh */
		return TC_SHOT;
	run->redirect = (u32)a;
	return TC_REDIRECT;
}

#define BROADCAST      (1u << 3)
#define BROADCAST_BITS (BROADCAST | 1u << 4)

/* The lower two bits of the flags are what is said where there is no such element. */
HELPER_FN(help_redirect_map)
{
	struct vm_map *map = map_arg(a);
	u64 known =
		3 | (map->kind == MAP_DEVMAP || map->kind == MAP_DEVMAP_HASH ? BROADCAST_BITS : 0);
	u32 key = (u32)b;

	UNUSED_ARGS;
	if (c & ~known)
		return XDP_ABORTED;
	if (!(c & BROADCAST) && !map->ops->lookup(map, &key, run->cpu))
		return c & 3;
	run->redirect = VM_REDIRECT_MAP(map->index, key);
	return XDP_REDIRECT;
}

/* ---- routes: there are none */

#define FIB_PARAMS    64u /* struct bpf_fib_lookup */
#define FIB_FLAGS     0x3f
#define FIB_NOT_FOUND 4 /* BPF_FIB_LKUP_RET_NOT_FWDED */

HELPER_FN(help_fib_lookup)
{
	u8 family;

	UNUSED_ARGS;
	if ((u32)c < FIB_PARAMS || (d & ~(u64)FIB_FLAGS))
		return (u64)-EINVAL;
	family = *(u8 *)pointer(b);
	return family == AF_INET || family == AF_INET6 ? FIB_NOT_FOUND : (u64)-EAFNOSUPPORT;
}

/* 0 is the device that the packet came from, which has the size that most have. */
static s64 device_mtu(u32 index)
{
	struct ifreq request = {0};
	int fd, err;

	if (!index)
		return 1500;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -ENODEV;
	request.ifr_ifindex = (int)index;
	err = ioctl(fd, SIOCGIFNAME, &request);
	if (!err)
		err = ioctl(fd, SIOCGIFMTU, &request);
	close(fd);
	return err ? -ENODEV : request.ifr_mtu;
}

#define MTU_SEGMENTS 1ull
#define MTU_TOO_LONG 1 /* BPF_MTU_CHK_RET_FRAG_NEEDED */

HELPER_FN(help_check_mtu)
{
	bool xdp = packet_is_xdp(run), segments = e & MTU_SEGMENTS;
	u32 *length = pointer(c), have = *length ? *length + ETH_HEADER : packet_size(run);
	s64 mtu;

	if ((e & ~(xdp ? 0 : MTU_SEGMENTS)) || (segments && (d || *length)))
		return (u64)-EINVAL;
	(void)a;
	mtu = device_mtu((u32)b);
	if (mtu < 0)
		return (u64)mtu;
	*length = (u32)mtu;
	return (s64)have + (s32)d > mtu + ETH_HEADER ? MTU_TOO_LONG : 0;
}
