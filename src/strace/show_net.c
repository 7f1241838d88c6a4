/*
 * show_net.c: sockets: addresses, options, messages.
 */
#include "strace/strace.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>
#include <sys/un.h>

void show_kind_socktype(struct shown *c, const struct arg *a)
{
	u32 type = (u32)ARG(c, a), flags = type & ~0xfu;

	one_of(c->out, "socktype", type & 0xf);
	if (flags) {
		buf_char(c->out, '|');
		flags_of(c->out, "sockflags", flags);
	}
}

static void show_ethertype(struct buf *b, u16 proto)
{
	buf_puts(b, "htons(");
	if (proto)
		one_of(b, "ethp", ntohs(proto));
	else
		buf_puts(b, "0 /* ETH_P_??? */");
	buf_char(b, ')');
}

void show_kind_proto(struct shown *c, const struct arg *a)
{
	static const struct {
		u32 family;
		const char *set;
	} sets[] = {{AF_INET, "ipproto"}, {AF_INET6, "ipproto"}, {AF_NETLINK, "netlink"}, {AF_CAN, "can"}, {AF_BLUETOOTH, "bluetooth"}};

	for (u32 i = 0; i < ARRAY_SIZE(sets); i++)
		if (sets[i].family == (u32)c->args[0]) {
			one_of(c->out, sets[i].set, ARG(c, a));
			return;
		}
	if ((u32)c->args[0] == AF_PACKET)
		show_ethertype(c->out, (u16)ARG(c, a));
	else
		buf_printf(c->out, "%d", (s32)ARG(c, a));
}

static void unix_address(struct shown *c, const struct sockaddr_un *u, u32 size)
{
	u32 n = size - 2;

	if (!n)
		return;
	buf_puts(c->out, ", sun_path=");
	if (u->sun_path[0]) {
		show_bytes(c, u->sun_path, strnlen(u->sun_path, n), 0, false, 108);
	} else {
		buf_char(c->out, '@');
		show_bytes(c, u->sun_path + 1, n - 1, 0, false, 108);
	}
}

static void inet6_address(struct buf *b, const struct sockaddr_in6 *in)
{
	char text[INET6_ADDRSTRLEN];

	buf_printf(b,
		   ", sin6_port=htons(%u), sin6_flowinfo=htonl(%u), inet_pton(AF_INET6, \"%s\", "
		   "&sin6_addr), sin6_scope_id=%u",
		   ntohs(in->sin6_port), ntohl(in->sin6_flowinfo),
		   inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof(text)), in->sin6_scope_id);
}

/* A number as this machine's devices are called now. */
void show_interface(struct buf *b, u32 index)
{
	char name[IF_NAMESIZE];

	if (index && if_indextoname(index, name))
		buf_printf(b, "if_nametoindex(\"%s\")", name);
	else
		buf_printf(b, "%u", index);
}

static void packet_address(struct buf *b, const struct sockaddr_ll *ll, u32 size)
{
	buf_puts(b, ", sll_protocol=");
	show_ethertype(b, ll->sll_protocol);
	buf_puts(b, ", sll_ifindex=");
	show_interface(b, (u32)ll->sll_ifindex);
	buf_puts(b, ", sll_hatype=");
	one_of(b, "hatype", ll->sll_hatype);
	buf_puts(b, ", sll_pkttype=");
	one_of(b, "pkttype", ll->sll_pkttype);
	buf_printf(b, ", sll_halen=%u", ll->sll_halen);
	for (u32 i = 0; i < ll->sll_halen && i < 8 && 12 + i < size; i++)
		buf_printf(b, "%s%#02x", i ? ", " : ", sll_addr=[", ll->sll_addr[i]);
	buf_puts(b, ll->sll_halen ? "]" : "");
}

void show_sockaddr_bytes(struct shown *c, const void *bytes, u32 size)
{
	struct buf *b = c->out;
	const struct sockaddr_in *in = bytes;
	const struct sockaddr_nl *nl = bytes;
	char text[INET_ADDRSTRLEN];

	buf_puts(b, "{sa_family=");
	one_of(b, "family", in->sin_family);
	if (in->sin_family == AF_UNIX)
		unix_address(c, bytes, size);
	else if (in->sin_family == AF_INET && size >= 8)
		buf_printf(b, ", sin_port=htons(%u), sin_addr=inet_addr(\"%s\")",
			   ntohs(in->sin_port),
			   inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text)));
	else if (in->sin_family == AF_INET6 && size >= 28)
		inet6_address(b, bytes);
	else if (in->sin_family == AF_NETLINK && size >= 12)
		buf_printf(b, ", nl_pid=%d, nl_groups=%#08x", nl->nl_pid, nl->nl_groups);
	else if (in->sin_family == AF_PACKET && size >= 20)
		packet_address(b, bytes, size);
	else if (in->sin_family == AF_VSOCK && size >= 16)
		show_form(c, ", svm_cid=%@8;%o4:vsockcid;, svm_port=%@4;%x4, svm_flags=%@12;%f1:vsockflags;", bytes);
	else if (in->sin_family == AF_ALG && size >= 88)
		show_form(c, ", salg_type=%@2;%n14, salg_feat=%x4, salg_mask=%x4, salg_name=%n64", bytes);
	else if (size > 2) {
		buf_puts(b, ", sa_data=");
		show_bytes(c, (const char *)bytes + 2, size - 2, 0, false, 126);
	}
	buf_char(b, '}');
}

/* A length of `most` bytes at most, in an argument, or where the next argument points to. */
static u64 length(struct shown *c, const struct arg *a)
{
	const u32 *p;

	if (a->count < MAX_ARGS)
		return (u32)c->args[a->count];
	p = ARG_AFTER(c, a) ? seen(c, a, ARG_AFTER(c, a), 4) : NULL;
	return p ? *p : 0;
}

void show_kind_sockaddr(struct shown *c, const struct arg *a)
{
	u64 size = MIN(length(c, a), 128u), addr = ARG(c, a);
	const void *p = addr && size >= 2 && !(a->out && (!c->done || c->ret < 0))
				? seen(c, a, addr, size)
				: NULL;

	if (p)
		show_sockaddr_bytes(c, p, (u32)size);
	else
		show_address(c->out, addr);
}

/* [110 => 16]: what there was room for, what there is */
void show_kind_len(struct shown *c, const struct arg *a)
{
	struct arg before = *a;
	const u32 *p, *was;

	before.out &= !c->done || c->ret >= 0; /* a call that failed leaves it as it was */
	p = show_memory(c, &before, 4);
	if (!p)
		return;
	before.out = false;
	was = seen(c, &before, ARG(c, a), 4);
	if (was && *was != *p)
		buf_printf(c->out, "[%u => %u]", *was, *p);
	else
		buf_printf(c->out, "[%u]", *p);
}

/* getsockopt() has another name for SO_ATTACH_FILTER, and gives instructions, which it counts, not bytes. */
static bool gets_filter(const struct shown *c)
{
	return c->call->args[3].out && (u32)c->args[1] == SOL_SOCKET && (u32)c->args[2] == SO_ATTACH_FILTER;
}

void show_kind_sockopt(struct shown *c, const struct arg *a)
{
	static const struct {
		u32 level;
		const char *set;
	} sets[] = {{SOL_SOCKET, "sockopt"},   {IPPROTO_TCP, "tcpopt"}, {IPPROTO_IP, "ipopt"},
		    {IPPROTO_IPV6, "ipv6opt"}, {IPPROTO_UDP, "udpopt"}, {SOL_NETLINK, "netlinkopt"},
		    {SOL_PACKET, "packetopt"}, {SOL_RAW, "rawopt"},      {132, "sctpopt"},
		    {282, "tlsopt"},           {283, "xdpopt"}};

	if (gets_filter(c)) {
		buf_puts(c->out, "SO_GET_FILTER");
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(sets); i++)
		if (sets[i].level == (u32)c->args[1]) {
			one_of(c->out, sets[i].set, ARG(c, a));
			return;
		}
	buf_printf(c->out, "%d", (s32)ARG(c, a));
}

/* What is known by level and number, as in records.def; fields behind the bytes that there are are not shown. */
struct typed {
	u16 level, number, least; /* bytes that it has at least */
	const char *form;
};

#define MREQ  "{imr_multiaddr=inet_addr(\"%e4\"), imr_interface=inet_addr(\"%e4\")}"
#define MREQ6 "{inet_pton(AF_INET6, \"%e16\", &ipv6mr_multiaddr), ipv6mr_interface=%i4}"
#define RING  "{tp_block_size=%u4, tp_block_nr=%u4, tp_frame_size=%u4, tp_frame_nr=%u4}"
#define TIME  "{tv_sec=%d8, tv_nsec=%d8}"
static const struct typed options[] = {
	{SOL_SOCKET, SO_LINGER, 8, "{l_onoff=%d4, l_linger=%d4}"},
	{SOL_SOCKET, SO_PEERCRED, 12, "{pid=%d4, uid=%d4, gid=%d4}"},
	{SOL_SOCKET, 37 /* SO_TIMESTAMPING_OLD */, 4, "[%d4]"},
	{SOL_SOCKET, 65 /* SO_TIMESTAMPING_NEW */, 4, "[%d4]"},
	{SOL_SOCKET, SO_ATTACH_FILTER, 16, "{len=%u2%_6;, filter=%p8}"},
	{IPPROTO_IP, IP_ADD_MEMBERSHIP, 8, MREQ},
	{IPPROTO_IP, IP_DROP_MEMBERSHIP, 8, MREQ},
	{IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, 20, MREQ6},
	{IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, 20, MREQ6},
	{SOL_PACKET, 6 /* PACKET_STATISTICS */, 8, "{tp_packets=%u4, tp_drops=%u4}"},
	{SOL_PACKET, PACKET_RX_RING, 16, RING},
	{SOL_PACKET, 13 /* PACKET_TX_RING */, 16, RING},
};

static const struct typed messages[] = {
	{SOL_SOCKET, SCM_CREDENTIALS, 12, "{pid=%d4, uid=%d4, gid=%d4}"},
	{SOL_SOCKET, 29 /* SO_TIMESTAMP_OLD */, 16, "{tv_sec=%d8, tv_usec=%d8}"},
	{SOL_SOCKET, 35 /* SO_TIMESTAMPNS_OLD */, 16, TIME},
	{SOL_SOCKET, 37 /* SO_TIMESTAMPING_OLD */, 48, "[" TIME ", " TIME ", " TIME "]"},
	{IPPROTO_IP, IP_TOS, 4, "[%x1, %x1, %x1, %x1]"},
	{IPPROTO_IP, IP_TOS, 1, "[%x1]"},
	{IPPROTO_IP, IP_TTL, 4, "[%u4]"},
	{IPPROTO_IP, IP_PKTINFO, 12, "{ipi_ifindex=%i4, ipi_spec_dst=inet_addr(\"%e4\"), ipi_addr=inet_addr(\"%e4\")}"},
	{IPPROTO_IP, IP_RECVERR, 32,
	 "{ee_errno=%u4, ee_origin=%u1, ee_type=%u1, ee_code=%u1%_1;, ee_info=%u4, ee_data=%u4, offender=%a16}"},
};

static bool show_typed(struct shown *c, const struct typed *t, u32 n, u64 level, u64 number, const void *p, u64 size)
{
	for (u32 i = 0; i < n; i++)
		if (t[i].level == (u32)level && t[i].number == (u32)number && size >= t[i].least) {
			show_form(c, t[i].form, p);
			return true;
		}
	return false;
}

/* Who is listened to besides: PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP. */
static void packet_membership(struct shown *c, const u8 *p)
{
	u32 n = MIN(p[6] | (u32)p[7] << 8, 8u);

	show_form(c, "{mr_ifindex=%i4, mr_type=%o2:packetmr;, mr_alen=%u2, mr_address=", p);
	for (u32 i = 0; i < n; i++)
		buf_printf(c->out, i ? ":%02x" : "%02x", p[8 + i]);
	buf_char(c->out, '}');
}

void show_kind_optval(struct shown *c, const struct arg *a)
{
	u64 size = MIN(length(c, a), 64u);
	const u8 *p = show_memory_if(c, a, size && !gets_filter(c), size);
	s32 n;

	if (!p)
		return;
	memcpy(&n, p, MIN(size, sizeof(n)));
	if (show_typed(c, options, ARRAY_SIZE(options), c->args[1], c->args[2], p, size))
		return;
	if (c->args[1] == SOL_PACKET && (c->args[2] == 1 || c->args[2] == 2) && size >= 16)
		packet_membership(c, p);
	else if (c->args[1] == SOL_SOCKET && c->args[2] == SO_ERROR && size == 4 && strerrorname_np(n))
		buf_printf(c->out, "[%s]", n ? strerrorname_np(n) : "0");
	else if (size == 4)
		buf_printf(c->out, "[%d]", n);
	else
		show_bytes(c, p, size, 0, false, c->s->opts.strsize);
}

/* Passed descriptors, what is known by its type, or plain bytes. */
static void control_data(struct shown *c, const struct cmsghdr *h, const char *data, u64 n)
{
	s32 v;

	if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS && n >= 4) {
		for (u64 i = 0; i + 4 <= n; i += 4) {
			memcpy(&v, data + i, 4);
			buf_puts(c->out, i ? ", " : "[");
			show_descriptor(c, v);
		}
		buf_char(c->out, ']');
	} else if (!show_typed(c, messages, ARRAY_SIZE(messages), (u32)h->cmsg_level, (u32)h->cmsg_type, data, n)) {
		show_bytes(c, data, n, n, true, c->s->opts.strsize);
	}
}

static void controls(struct shown *c, const struct arg *a, u64 addr, u64 size)
{
	const char *p = addr && size ? seen(c, a, addr, size) : NULL;
	struct cmsghdr h;

	if (!p || size < sizeof(h)) {
		show_address(c->out, addr);
		return;
	}
	for (u64 at = 0; at + sizeof(h) <= size; at += ALIGN_UP(h.cmsg_len, 8)) {
		memcpy(&h, p + at, sizeof(h));
		buf_printf(c->out, "%s{cmsg_len=%llu, cmsg_level=", at ? ", " : "[",
			   (unsigned long long)h.cmsg_len);
		one_of(c->out, "sollevel", (u32)h.cmsg_level);
		buf_puts(c->out, ", cmsg_type=");
		if (h.cmsg_level == SOL_SOCKET || h.cmsg_level == IPPROTO_IP)
			one_of(c->out, h.cmsg_level ? "scm" : "ipopt", (u32)h.cmsg_type);
		else
			show_hex(c->out, (u32)h.cmsg_type);
		if (h.cmsg_len < sizeof(h) || h.cmsg_len > size - at) {
			buf_char(c->out, '}');
			break;
		}
		if (h.cmsg_len > sizeof(h)) {
			buf_puts(c->out, ", cmsg_data=");
			control_data(c, &h, p + at + sizeof(h), h.cmsg_len - sizeof(h));
		}
		buf_char(c->out, '}');
	}
	buf_char(c->out, ']');
}

/* struct msghdr: name, length, vector, its length, control, its length, flags; was: the room for a name that there was, or NULL */
static void message(struct shown *c, const struct arg *a, const u64 *m, const u64 *was, u64 left)
{
	u64 size = MIN((u32)m[1], 128u);
	const void *name = m[0] && size >= 2 ? seen(c, a, m[0], size) : NULL;

	buf_puts(c->out, "{msg_name=");
	if (name)
		show_sockaddr_bytes(c, name, (u32)size);
	else
		show_address(c->out, m[0]);
	buf_puts(c->out, ", msg_namelen=");
	if (was && (u32)*was != (u32)m[1])
		buf_printf(c->out, "%u => ", (u32)*was);
	buf_printf(c->out, "%u, msg_iov=", (u32)m[1]);
	show_iovs(c, a, m[2], m[3], left);
	buf_printf(c->out, ", msg_iovlen=%llu", (unsigned long long)m[3]);
	if (m[5]) {
		buf_puts(c->out, ", msg_control=");
		controls(c, a, m[4], m[5]);
	}
	buf_printf(c->out, ", msg_controllen=%llu, msg_flags=", (unsigned long long)m[5]);
	flags_of(c->out, "msg", (u32)m[6]);
	buf_char(c->out, '}');
}

void show_kind_msg(struct shown *c, const struct arg *a)
{
	bool there = ARG(c, a) && !(a->out && (!c->done || c->ret < 0));
	const u64 *m = there ? seen(c, a, ARG(c, a), 56) : NULL, *was;
	struct arg before = *a;

	before.out = false;
	was = a->out ? seen(c, &before, ARG(c, a) + 8, 8) : NULL;
	if (m)
		message(c, a, m, was, a->out ? (u64)c->ret : UINT64_MAX);
	else if (was && c->done)
		buf_printf(c->out, "{msg_namelen=%u}", (u32)*was);
	else
		show_address(c->out, ARG(c, a));
}

/* struct mmsghdr: a header and how many bytes were moved; as many as the result says */
void show_kind_mmsg(struct shown *c, const struct arg *a)
{
	const u64 *m = c->done && c->ret > 0 ? show_memory(c, a, 64) : NULL;

	if (!c->done || c->ret <= 0)
		show_address(c->out, ARG(c, a));
	for (s64 i = 0; m && i < c->ret; m = seen(c, a, ARG(c, a) + 64 * (u64)++i, 64)) {
		buf_puts(c->out, i ? ", {msg_hdr=" : "[{msg_hdr=");
		message(c, a, m, NULL, (u32)m[7]);
		buf_printf(c->out, ", msg_len=%u}", (u32)m[7]);
	}
	if (c->done && c->ret > 0)
		buf_puts(c->out, c->ret > 8 ? ", ...]" : "]");
}
