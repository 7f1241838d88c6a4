/*
 * tool_net.c: one thread that asks the kernel of its sockets and devices, and makes calls by numbers
 * that no table has; for `waggle strace` and strace to be compared.
 *
 * In:  nothing; a network of its own (unshare -n): what it is told of that is the same each time, but for
 *      numbers of inodes and the like. Out: nothing; what counts is how each call is shown.
 */
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_packet.h>
#include <linux/inet_diag.h>
#include <linux/netconf.h>
#include <linux/netlink.h>
#include <linux/netlink_diag.h>
#include <linux/packet_diag.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/unix_diag.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static char room[8192];

/* An answer in several pieces ends with one that says so. */
static void ask(int fd, unsigned short type, unsigned short flags, const void *what, unsigned n)
{
	struct {
		struct nlmsghdr h;
		char payload[128];
	} m = {{NLMSG_LENGTH(n), type, NLM_F_REQUEST | flags, 7, 0}, {0}};
	struct nlmsghdr *answer = (struct nlmsghdr *)room;

	memcpy(m.payload, what, n);
	send(fd, &m, m.h.nlmsg_len, 0);
	for (long got = 1; got > 0;) {
		got = recv(fd, room, sizeof(room), MSG_DONTWAIT);
		if (!(flags & NLM_F_DUMP) || answer->nlmsg_type < NLMSG_MIN_TYPE)
			return;
	}
}

/* The first message also tells which protocol it is of. */
static int netlink(int protocol)
{
	struct nlmsghdr nop = {sizeof(nop), NLMSG_NOOP, NLM_F_REQUEST, 1, 0};
	int fd = socket(AF_NETLINK, SOCK_RAW, protocol);

	send(fd, &nop, sizeof(nop), 0);
	return fd;
}

static void sockets(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(7), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(8), .sin6_addr = in6addr_any};
	struct sockaddr_un hidden = {AF_UNIX, "\0waggle"}, path = {AF_UNIX, "socket"};
	int t = socket(AF_INET, SOCK_STREAM, 0), t6 = socket(AF_INET6, SOCK_STREAM, 0);
	int udp = socket(AF_INET, SOCK_DGRAM, 0), u = socket(AF_UNIX, SOCK_STREAM, 0);
	int p = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)bind(t, (struct sockaddr *)&a, sizeof(a));
	(void)listen(t, 5);
	(void)bind(t6, (struct sockaddr *)&a6, sizeof(a6));
	(void)listen(t6, 5);
	(void)bind(udp, (struct sockaddr *)&a, sizeof(a));
	(void)bind(u, (struct sockaddr *)&hidden, sizeof(sa_family_t) + 7);
	(void)listen(u, 5);
	(void)connect(c, (struct sockaddr *)&hidden, sizeof(sa_family_t) + 7);
	(void)bind(p, (struct sockaddr *)&path, sizeof(path));
	socket(AF_PACKET, SOCK_RAW, htons(3));
	socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
}

static void inet(int fd)
{
	struct inet_diag_req_v2 q = {.sdiag_family = AF_INET,
				     .sdiag_protocol = IPPROTO_TCP,
				     .idiag_ext = 0xff,
				     .idiag_states = 1u << 10};

	ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &q, sizeof(q));
	q.idiag_states = UINT32_MAX;
	q.sdiag_protocol = IPPROTO_UDP;
	ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &q, sizeof(q));
	q.sdiag_protocol = IPPROTO_TCP;
	q.sdiag_family = AF_INET6;
	q.idiag_ext = 1;
	ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &q, sizeof(q));
	q.id.idiag_sport = htons(53);
	q.id.idiag_if = 1;
	inet_pton(AF_INET6, "fe80::1", q.id.idiag_src);
	ask(fd, SOCK_DIAG_BY_FAMILY, 0, &q, sizeof(q));
	ask(fd, SOCK_DESTROY, 0, &q, sizeof(q));
	q.sdiag_family = 99;
	ask(fd, SOCK_DIAG_BY_FAMILY, 0, &q, sizeof(q));
	ask(fd, TCPDIAG_GETSOCK, 0, &q, sizeof(q));
	ask(fd, 25, 0, &q, sizeof(q));
	ask(fd, SOCK_DIAG_BY_FAMILY, 0, &q, 1);
	ask(fd, SOCK_DIAG_BY_FAMILY, 0, &q, 5);
}

static void others(int fd)
{
	struct unix_diag_req u = {.sdiag_family = AF_UNIX, .udiag_states = 1u << 10, .udiag_show = 0x7f};
	struct netlink_diag_req n = {.sdiag_family = AF_NETLINK,
				     .sdiag_protocol = NETLINK_USERSOCK,
				     .ndiag_show = NDIAG_SHOW_MEMINFO | 8};
	struct packet_diag_req p = {.sdiag_family = AF_PACKET, .pdiag_show = 0x3f};

	ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &u, sizeof(u));
	u.udiag_states = 1u << 7;
	ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &u, sizeof(u));
	u.udiag_show = 0x1000;
	u.udiag_ino = 12;
	u.udiag_cookie[0] = 1;
	ask(fd, SOCK_DIAG_BY_FAMILY, 0, &u, sizeof(u));
	ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &n, sizeof(n));
	n.sdiag_protocol = NDIAG_PROTO_ALL;
	ask(fd, SOCK_DIAG_BY_FAMILY, 0, &n, sizeof(n));
	ask(fd, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &p, sizeof(p));
}

static void configurations(int fd)
{
	static const unsigned char families[] = {AF_INET, AF_INET6, 28 /* AF_MPLS */};
	struct {
		struct netconfmsg m;
		char pad[3];
		struct nlattr a;
		int device;
	} one = {{AF_INET}, "", {8, NETCONFA_IFINDEX}, 1};

	for (unsigned i = 0; i < sizeof(families); i++)
		ask(fd, RTM_GETNETCONF, NLM_F_DUMP, &families[i], 1);
	ask(fd, RTM_GETNETCONF, 0, &one, sizeof(one));
}

static void interfaces(int fd)
{
	static const int lengths[] = {0, 20, 40, 50, 120};
	struct ifreq lo = {.ifr_name = "lo"};
	struct ifconf list = {0};

	ioctl(fd, SIOCGIFCONF, &list);
	ioctl(fd, SIOCGIFFLAGS, &lo);
	lo.ifr_flags |= IFF_UP;
	ioctl(fd, SIOCSIFFLAGS, &lo);
	ioctl(fd, SIOCGIFCONF, &list);
	list.ifc_buf = room;
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		list.ifc_len = lengths[i];
		ioctl(fd, SIOCGIFCONF, &list);
	}
	list.ifc_buf = (char *)8;
	ioctl(fd, SIOCGIFCONF, &list);
	ioctl(-1, SIOCGIFCONF, &list);
	ioctl(fd, SIOCGIFCONF, NULL);
}

static void numbers(void)
{
	static const long all[] = {-2, -1, 511, 512, 520, 547, 551, 600, 1023, 1063, 4096, 0x400003e7, 0x7fffffff};

	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++)
		syscall(all[i], 1L, 2L, 3L, 4L, 5L, 6L);
}

int main(void)
{
	int diag, route;

	diag = netlink(NETLINK_SOCK_DIAG);
	route = netlink(NETLINK_ROUTE);
	interfaces(socket(AF_INET, SOCK_DGRAM, 0));
	sockets();
	inet(diag);
	others(diag);
	configurations(route);
	numbers();
	return 0;
}
