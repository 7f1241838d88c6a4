/*
 * netlink.h: rtnetlink(7): what tc(8) and ip(8) speak.
 *
 * Sources: rtnetlink(7); include/uapi/linux/netlink.h, if_link.h, rtnetlink.h, pkt_cls.h for the
 * numbers.
 */
#ifndef ENGINE_KERNEL_NETLINK_H
#define ENGINE_KERNEL_NETLINK_H

#include "base/base.h"

enum { /* flags of requests */
       NETLINK_REQUEST = 1,
       NETLINK_ACK = 4,
       NETLINK_ECHO = 8,
       NETLINK_DUMP = 0x300,
       NETLINK_REPLACE = 0x100,
       NETLINK_EXCLUSIVE = 0x200,
       NETLINK_CREATE = 0x400
};
enum { /* types */
       NEW_LINK = 16,
       GET_LINK = 18,
       SET_LINK = 19,
       NEW_ROUTE = 24,
       DELETE_ROUTE = 25,
       GET_ROUTE = 26,
       NEW_QDISC = 36,
       DELETE_QDISC = 37,
       NEW_FILTER = 44,
       DELETE_FILTER = 45,
       GET_FILTER = 46
};
enum {
	TC_KIND = 1,
	TC_OPTIONS = 2,
	TC_BPF_ACTIONS = 1,
	TC_BPF_OPS_LEN = 4,
	TC_BPF_OPS = 5,
	TC_BPF_FD = 6,
	TC_BPF_NAME = 7,
	TC_BPF_FLAGS = 8,
	TC_BPF_ID = 11
};
enum { /* an action of tc, and of its options */
       ACT_KIND = 1,
       ACT_OPTIONS = 2,
       ACT_BPF_PARMS = 2,
       ACT_BPF_FD = 5,
       ACT_BPF_NAME = 6,
       ACT_BPF_ID = 9
};
enum { /* a route */
       ROUTE_DST = 1,
       ROUTE_DEVICE = 4,
       ROUTE_GATEWAY = 5,
       ROUTE_ENCAP_TYPE = 21,
       ROUTE_ENCAP = 22
};
enum { ENCAP_BPF = 6, ENCAP_SEG6_LOCAL = 7 };
enum { /* of both encapsulations with a program */
       ENCAP_PROG_FD = 1,
       ENCAP_PROG_NAME = 2,
       SEG6_ACTION = 1,
       SEG6_BPF = 8
};
#define SEG6_END_BPF   15
#define TC_CLSACT      0xfffffff1u /* parents */
#define TC_INGRESS     0xfffffff2u
#define TC_EGRESS      0xfffffff3u
#define NETLINK_NESTED 0x8000

struct netlink_header {
	u32 len;
	u16 type, flags;
	u32 seq, pid;
};
struct netlink_attr {
	u16 len, type; /* len: with this header; the next begins at a multiple of 4 */
};
struct netlink_link {
	u8 family, pad;
	u16 type;
	s32 index;
	u32 flags, change;
};
struct netlink_tc { /* a queueing discipline, or a filter */
	u8 family, pad[3];
	s32 index;
	u32 handle, parent, info; /* of filters: priority << 16 | protocol, as in packets */
};
struct netlink_route {
	u8 family, dst_bits, src_bits, tos, table, protocol, scope, type;
	u32 flags;
};

/* A request that is being written: its head, its body, its attributes. */
struct netlink_request {
	_Alignas(4) u8 room[1024];
	u32 size;
};
void netlink_begin(struct netlink_request *, u16 type, u16 flags, const void *body, u32 size);
void netlink_add(struct netlink_request *, u16 type, const void *data, u32 size);
void netlink_add_u32(struct netlink_request *, u16 type, u32 value);
void netlink_add_text(struct netlink_request *, u16 type, const char *text);
/* What is added between them is inside of one attribute. */
u32 netlink_nest(struct netlink_request *, u16 type);
void netlink_nest_end(struct netlink_request *, u32 nest);

int netlink_open(void); /* a descriptor, or -errno */
int netlink_listen_links(void); /* the same: what becomes of devices, without waiting */
/* The attribute of a type among those between p and end; NULL: none. */
const struct netlink_attr *netlink_find(const u8 *p, const u8 *end, u16 type);
const struct netlink_attr *netlink_inside(const struct netlink_attr *, u16 type); /* NULL: NULL */
u32 netlink_u32(const struct netlink_attr *); /* NULL: 0 */
/* Sends a request and hands the body of each answer of `type` to fn. 0 or -errno. */
int netlink_ask(int fd, const void *request, u32 size, u16 type,
		void (*fn)(void *user, const u8 *body, const u8 *end), void *user);
int netlink_send(int fd, struct netlink_request *, u16 type,
		 void (*fn)(void *user, const u8 *body, const u8 *end), void *user);
/* Takes a program off clsact; what says which filter is as in struct netlink_tc. */
int netlink_delete_filter(int fd, u32 ifindex, u32 parent, u32 handle, u32 info);

#endif
