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
       NEW_QDISC = 36,
       DELETE_QDISC = 37,
       NEW_FILTER = 44,
       DELETE_FILTER = 45,
       GET_FILTER = 46
};
enum {
	TC_KIND = 1,
	TC_OPTIONS = 2,
	TC_BPF_FD = 6,
	TC_BPF_NAME = 7,
	TC_BPF_FLAGS = 8,
	TC_BPF_ID = 11
};
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

int netlink_open(void); /* a descriptor, or -errno */
/* The attribute of a type among those between p and end; NULL: none. */
const struct netlink_attr *netlink_find(const u8 *p, const u8 *end, u16 type);
u32 netlink_u32(const struct netlink_attr *); /* NULL: 0 */
/* Sends a request and hands the body of each answer of `type` to fn. 0 or -errno. */
int netlink_ask(int fd, const void *request, u32 size, u16 type,
		void (*fn)(void *user, const u8 *body, const u8 *end), void *user);
/* Takes a program off clsact; what says which filter is as in struct netlink_tc. */
int netlink_delete_filter(int fd, u32 ifindex, u32 parent, u32 handle, u32 info);

#endif
