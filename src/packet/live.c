/*
 * live.c: packets of this machine's devices, as they come.
 *
 * In:  a device, or all ("any"); a classic filter. Out: packets, in a ring that the kernel shares
 *      (packet(7), TPACKET_V3): nothing is copied but headers that the kernel keeps apart.
 *
 * The socket hears nothing until the ring and the filter are in place. Devices that have no header
 * of their own, and `any`, give packets without one: there the kernel's words on each packet
 * become the header of a cooked capture (LINUX_SLL2). A VLAN tag that a card or the kernel has
 * taken off is beside the packet until somebody wants it back.
 */
#include "packet/packet.h"

#include <errno.h>
#include <linux/filter.h>
#include <net/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK_BYTES (1u << 18)
#define BLOCKS      64 /* of the ring, where nobody says how large it is to be */
#define BLOCKS_MOST 16384
#define FRAME_BYTES 2048 /* the kernel packs packets closer than that */
#define RETIRE_MS   50   /* a block that is not full is given to us after that time */
#define SLL2_BYTES  20
#define TAG_BYTES   4

struct packet_live {
	int fd, loopback; /* number of the device `lo`, whose packets come twice */
	u8 *ring;
	u32 blocks;
	u32 block, left; /* at hand, packets left in it */
	const u8 *next;
	bool cooked;
	u32 link;
	u64 dropped, received;
	u8 *copy; /* of a packet that has got a header */
};

/* ---- opening */

static int refused(struct diag *d, const char *device, const char *what)
{
	int err = -errno;

	return diag_fail(d, err,
			 err == -EPERM ? "capturing takes CAP_NET_RAW: sudo waggle capture" : NULL,
			 "cannot capture from %s: %s: %s", device, what, strerror(-err));
}

static u32 link_of(int fd, const char *device, bool *cooked)
{
	struct ifreq r = {0};

	*cooked = true;
	memcpy(r.ifr_name, device, strnlen(device, sizeof(r.ifr_name) - 1));
	if (!strcmp(device, "any") || ioctl(fd, SIOCGIFHWADDR, &r))
		return LINK_SLL2;
	*cooked = false;
	switch (r.ifr_hwaddr.sa_family) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK: return LINK_ETHERNET;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP: return LINK_RAW;
	default: *cooked = true; return LINK_SLL2;
	}
}

static int ring_open(struct packet_live *l, const struct packet_live_opts *o, struct diag *d)
{
	const int version = TPACKET_V3, reserve = TAG_BYTES;
	struct tpacket_req3 req = {.tp_block_size = BLOCK_BYTES,
				   .tp_block_nr = l->blocks,
				   .tp_frame_size = FRAME_BYTES,
				   .tp_frame_nr = BLOCK_BYTES / FRAME_BYTES * l->blocks,
				   .tp_retire_blk_tov = RETIRE_MS};
	void *p;

	if (setsockopt(l->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(l->fd, SOL_PACKET, PACKET_RESERVE, &reserve, sizeof(reserve)) ||
	    setsockopt(l->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)))
		return refused(d, o->device, "no ring");
	p = mmap(NULL, (size_t)BLOCK_BYTES * l->blocks, PROT_READ | PROT_WRITE, MAP_SHARED, l->fd,
		 0);
	if (p == MAP_FAILED)
		return refused(d, o->device, "no memory for the ring");
	l->ring = p;
	return 0;
}

static int device_bind(struct packet_live *l, const struct packet_live_opts *o, struct diag *d)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = __builtin_bswap16(ETH_P_ALL)};
	struct packet_mreq all = {.mr_type = PACKET_MR_PROMISC};

	if (strcmp(o->device, "any") != 0) {
		at.sll_ifindex = (int)if_nametoindex(o->device);
		if (!at.sll_ifindex)
			return diag_fail(d, -ENODEV, "`ip link` lists them; `any` is all of them",
					 "there is no device %s", o->device);
	}
	if (bind(l->fd, (struct sockaddr *)&at, sizeof(at)))
		return refused(d, o->device, "it cannot be bound");
	all.mr_ifindex = at.sll_ifindex;
	if (at.sll_ifindex && o->promiscuous &&
	    setsockopt(l->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)))
		return refused(d, o->device, "it cannot be made promiscuous");
	l->loopback = (int)if_nametoindex("lo");
	return 0;
}

int packet_live_open(struct packet_live **out, const struct packet_live_opts *o, struct diag *d)
{
	struct packet_live *l = calloc(1, sizeof(*l));
	int fd, err = -ENOMEM;

	*out = NULL;
	if (!l)
		return err;
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	l->fd = fd;
	if (fd < 0) {
		err = refused(d, o->device, "no socket");
		packet_live_close(l);
		return err;
	}
	l->link = link_of(fd, o->device, &l->cooked);
	if (l->cooked) { /* its kind cannot be changed */
		close(fd);
		l->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	}
	l->copy = malloc(PACKET_BYTES_MOST + SLL2_BYTES + TAG_BYTES);
	l->blocks = o->ring_kib ? MIN(MAX(o->ring_kib / (BLOCK_BYTES / 1024), 2u), BLOCKS_MOST)
				: BLOCKS;
	err = l->copy ? ring_open(l, o, d) : -ENOMEM;
	*out = l;
	return err;
}

/* What the kernel says beside a cooked packet, whose header its filters do not see. 0: nothing. */
static u32 beside(u32 off, u32 size)
{
	return off == 0 && size == BPF_H    ? SKF_AD_OFF + SKF_AD_PROTOCOL
	       : off == 4 && size == BPF_W  ? SKF_AD_OFF + SKF_AD_IFINDEX
	       : off == 10 && size == BPF_B ? SKF_AD_OFF + SKF_AD_PKTTYPE
					    : 0;
}

/* The same filter without that header. False: it asks for what is not to be had. */
static bool uncook(struct sock_filter *in, u32 n)
{
	for (u32 i = 0; i < n; i++, in++) {
		const u32 kind = BPF_CLASS(in->code), mode = BPF_MODE(in->code);

		if (kind != BPF_LD && kind != BPF_LDX)
			continue;
		if (mode == BPF_LEN)
			return false;
		if (mode != BPF_ABS && mode != BPF_IND && mode != BPF_MSH)
			continue;
		if (in->k >= SLL2_BYTES && (s32)in->k >= 0) {
			in->k -= SLL2_BYTES;
			continue;
		}
		in->k = mode == BPF_ABS ? beside(in->k, BPF_SIZE(in->code)) : 0;
		if (!in->k)
			return false;
	}
	return true;
}

static int filter_attach(struct packet_live *l, const struct packet_live_opts *o, struct diag *d)
{
	const u32 bytes = o->ninsns * (u32)sizeof(struct sock_filter);
	struct sock_fprog prog = {.len = (u16)o->ninsns, .filter = malloc(bytes)};
	int err = 0;

	if (!prog.filter)
		return -ENOMEM;
	memcpy(prog.filter, o->insns, bytes);
	if ((!l->cooked || uncook(prog.filter, o->ninsns)) &&
	    setsockopt(l->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		err = refused(d, o->device, "the kernel does not take the filter");
	free(prog.filter);
	return err;
}

int packet_live_start(struct packet_live *l, const struct packet_live_opts *o, struct diag *d)
{
	const int err = o->ninsns ? filter_attach(l, o, d) : 0;

	return err ? err : device_bind(l, o, d);
}

void packet_live_close(struct packet_live *l)
{
	if (!l)
		return;
	if (l->ring)
		munmap(l->ring, (size_t)BLOCK_BYTES * l->blocks);
	if (l->fd >= 0)
		close(l->fd);
	free(l->copy);
	free(l);
}

u32 packet_live_link(const struct packet_live *l)
{
	return l->link;
}

int packet_live_fd(const struct packet_live *l)
{
	return l->fd;
}

/* ---- packets */

static struct tpacket_block_desc *block_of(const struct packet_live *l)
{
	return (struct tpacket_block_desc *)(void *)(l->ring + (size_t)l->block * BLOCK_BYTES);
}

/* The next block that the kernel has filled; the one before goes back to it. */
static bool next_block(struct packet_live *l)
{
	struct tpacket_block_desc *b;

	if (l->next) {
		__atomic_store_n(&block_of(l)->hdr.bh1.block_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
		l->block = (l->block + 1) % l->blocks;
		l->next = NULL;
	}
	b = block_of(l);
	if (!(__atomic_load_n(&b->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return false;
	l->left = b->hdr.bh1.num_pkts;
	l->next = (const u8 *)b + b->hdr.bh1.offset_to_first_pkt;
	return true;
}

static void put16(u8 *to, u32 v)
{
	to[0] = (u8)(v >> 8);
	to[1] = (u8)v;
}

/* draft-ietf-opsawg-pcaplinktype: LINKTYPE_LINUX_SLL2 */
static void cook(struct packet_live *l, struct packet *p, const struct sockaddr_ll *from)
{
	u8 *h = l->copy;

	p->captured = MIN(p->captured, (u32)PACKET_BYTES_MOST);
	memcpy(h + SLL2_BYTES, p->data, p->captured);
	memset(h, 0, SLL2_BYTES);
	memcpy(h, &from->sll_protocol, 2); /* of the net's order already */
	put16(h + 4, (u32)from->sll_ifindex >> 16);
	put16(h + 6, (u32)from->sll_ifindex);
	put16(h + 8, from->sll_hatype);
	h[10] = from->sll_pkttype;
	h[11] = from->sll_halen;
	memcpy(h + 12, from->sll_addr, MIN(from->sll_halen, 8));
	p->data = h;
	p->captured += SLL2_BYTES;
	p->len += SLL2_BYTES;
}

static u32 tag_of(const struct tpacket3_hdr *h)
{
	u32 kind = h->tp_status & TP_STATUS_VLAN_TPID_VALID ? h->hv1.tp_vlan_tpid : ETH_P_8021Q;

	return h->tp_status & TP_STATUS_VLAN_VALID ? kind << 16 | (h->hv1.tp_vlan_tci & 0xffff) : 0;
}

/* Behind the addresses, where it was. */
void packet_live_whole(struct packet_live *l, struct packet *p)
{
	u8 *c = l->copy;

	if (!p->tag || p->captured < 12 || p->captured > PACKET_BYTES_MOST)
		return;
	memcpy(c, p->data, 12);
	put16(c + 12, p->tag >> 16);
	put16(c + 14, p->tag);
	p->tag = 0;
	memcpy(c + 16, p->data + 12, p->captured - 12);
	p->data = c;
	p->captured += TAG_BYTES;
	p->len += TAG_BYTES;
}

static u32 way_of(const struct packet_live *l, const struct sockaddr_ll *from)
{
	if (from->sll_ifindex == l->loopback)
		return PACKET_CAME | PACKET_WENT;
	return from->sll_pkttype == PACKET_OUTGOING    ? PACKET_WENT
	       : from->sll_pkttype == PACKET_OTHERHOST ? 0
						       : PACKET_CAME;
}

int packet_live_next(struct packet_live *l, struct packet *p)
{
	const struct tpacket3_hdr *h;
	const struct sockaddr_ll *from;

	for (;;) {
		while (!l->left)
			if (!next_block(l))
				return 0;
		h = (const struct tpacket3_hdr *)(const void *)l->next;
		from = (const struct sockaddr_ll *)(const void *)(l->next +
								  TPACKET_ALIGN(sizeof(*h)));
		l->left--;
		*p = (struct packet){.time = h->tp_sec * 1000000000ull + h->tp_nsec,
				     .data = l->next + (l->cooked ? h->tp_net : h->tp_mac),
				     .captured = h->tp_snaplen,
				     .len = h->tp_len,
				     .link = l->link,
				     .way = way_of(l, from),
				     .protocol = __builtin_bswap16(from->sll_protocol)};
		if (l->left)
			l->next += h->tp_next_offset;
		if (from->sll_ifindex != l->loopback || from->sll_pkttype != PACKET_OUTGOING)
			break; /* one that leaves by `lo` comes back in */
	}
	if (l->cooked)
		cook(l, p, from);
	else if (l->link == LINK_ETHERNET)
		p->tag = tag_of(h);
	return 1;
}

void packet_live_counts(struct packet_live *l, u64 *received, u64 *dropped)
{
	struct tpacket_stats_v3 s = {0};
	socklen_t n = sizeof(s);

	if (!getsockopt(l->fd, SOL_PACKET, PACKET_STATISTICS, &s, &n)) { /* and sets them to 0 */
		l->received += s.tp_packets;
		l->dropped += s.tp_drops;
	}
	*received = l->received;
	*dropped = l->dropped;
}
