/* netlink.c: requests to rtnetlink(7) and their answers; see netlink.h. */
#include "engine/kernel/netlink.h"

#include <errno.h>
#include <sys/socket.h>

#define ROUTE     0 /* the family of netlink */
#define MSG_ERROR 2
#define MSG_DONE  3

int netlink_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, ROUTE);

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

int netlink_delete_filter(int fd, u32 ifindex, u32 parent, u32 handle, u32 info)
{
	struct {
		struct netlink_header h;
		struct netlink_tc m;
		struct netlink_attr kind;
		char bpf[4];
	} r = {.h = {sizeof(r), DELETE_FILTER, NETLINK_REQUEST | NETLINK_ACK, 1, 0},
	       .m = {.index = (s32)ifindex, .handle = handle, .parent = parent, .info = info},
	       .kind = {8, TC_KIND},
	       .bpf = "bpf"};

	return netlink_ask(fd, &r, sizeof(r), 0, NULL, NULL);
}
