/* netlink.c: requests to rtnetlink(7) and their answers; see netlink.h. */
#include "engine/kernel/netlink.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUTE     0 /* the family of netlink */
#define MSG_ERROR 2
#define MSG_DONE  3

int netlink_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, ROUTE);

	return fd < 0 ? -errno : fd;
}

int netlink_listen_links(void)
{
	const struct {
		u16 family, pad;
		u32 pid, groups;
	} where = {.family = AF_NETLINK, .groups = 1}; /* RTMGRP_LINK */
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, ROUTE);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&where, sizeof(where))) {
		close(fd);
		fd = -1;
	}
	return fd < 0 ? -errno : fd;
}

const struct netlink_attr *netlink_find(const u8 *p, const u8 *end, u16 type)
{
	while (end - p >= 4) {
		const struct netlink_attr *a = (const void *)p;

		if (a->len < 4 || a->len > end - p)
			return NULL;
		if ((a->type & ~NETLINK_NESTED) == type)
			return a;
		p += ALIGN_UP(a->len, 4);
	}
	return NULL;
}

const struct netlink_attr *netlink_inside(const struct netlink_attr *a, u16 type)
{
	return a ? netlink_find((const u8 *)(a + 1), (const u8 *)a + a->len, type) : NULL;
}

u32 netlink_u32(const struct netlink_attr *a)
{
	u32 v = 0;

	if (a && a->len >= 8)
		memcpy(&v, a + 1, 4);
	return v;
}

int netlink_ask(int fd, const void *request, u32 size, u16 type,
		void (*fn)(void *user, const u8 *body, const u8 *end), void *user)
{
	_Alignas(8) u8 room[32768];
	ssize_t got;

	if (send(fd, request, size, 0) < 0)
		return -errno;
	while ((got = recv(fd, room, sizeof(room), 0)) > 0)
		for (u8 *p = room; room + got - p >= (ptrdiff_t)sizeof(struct netlink_header);) {
			const struct netlink_header *h = (const void *)p;

			if (h->len < sizeof(*h) || h->len > (u32)(room + got - p))
				return -EIO;
			if (h->type == MSG_DONE)
				return 0;
			if (h->type == MSG_ERROR)
				return h->len >= sizeof(*h) + 4 ? *(const s32 *)(h + 1) : -EIO;
			if (h->type == type && fn)
				fn(user, p + sizeof(*h), p + h->len);
			p += ALIGN_UP(h->len, 4);
		}
	return got < 0 ? -errno : -EIO;
}

/* ---- requests: nobody writes more than there is room for */

static void *grow(struct netlink_request *r, u32 size)
{
	u8 *at = r->room + r->size;

	r->size += ALIGN_UP(size, 4u);
	return at;
}

void netlink_begin(struct netlink_request *r, u16 type, u16 flags, const void *body, u32 size)
{
	struct netlink_header *h;

	memset(r, 0, sizeof(*r));
	h = grow(r, sizeof(*h));
	*h = (struct netlink_header){.type = type, .flags = NETLINK_REQUEST | flags, .seq = 1};
	memcpy(grow(r, size), body, size);
}

void netlink_add(struct netlink_request *r, u16 type, const void *data, u32 size)
{
	struct netlink_attr *a;

	if (r->size + sizeof(*a) + ALIGN_UP(size, 4u) > sizeof(r->room))
		return;
	a = grow(r, (u32)sizeof(*a) + size);
	*a = (struct netlink_attr){(u16)(sizeof(*a) + size), type};
	if (size)
		memcpy(a + 1, data, size);
}

void netlink_add_u32(struct netlink_request *r, u16 type, u32 value)
{
	netlink_add(r, type, &value, sizeof(value));
}

void netlink_add_text(struct netlink_request *r, u16 type, const char *text)
{
	netlink_add(r, type, text, (u32)strlen(text) + 1);
}

u32 netlink_nest(struct netlink_request *r, u16 type)
{
	u32 at = r->size;

	netlink_add(r, type | NETLINK_NESTED, NULL, 0);
	return at;
}

void netlink_nest_end(struct netlink_request *r, u32 nest)
{
	((struct netlink_attr *)(r->room + nest))->len = (u16)(r->size - nest);
}

int netlink_send(int fd, struct netlink_request *r, u16 type,
		 void (*fn)(void *user, const u8 *body, const u8 *end), void *user)
{
	((struct netlink_header *)r->room)->len = r->size;
	return netlink_ask(fd, r->room, r->size, type, fn, user);
}

int netlink_delete_filter(int fd, u32 ifindex, u32 parent, u32 handle, u32 info)
{
	const struct netlink_tc m = {
		.index = (s32)ifindex, .handle = handle, .parent = parent, .info = info};
	struct netlink_request r;

	netlink_begin(&r, DELETE_FILTER, NETLINK_ACK, &m, sizeof(m));
	netlink_add_text(&r, TC_KIND, "bpf");
	return netlink_send(fd, &r, 0, NULL, NULL);
}
