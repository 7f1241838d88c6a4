/*
 * drop.c: how fast packets are dropped at XDP, between two network namespaces.
 *
 * In:  nothing. Out: a table: ns for a packet, from the call that sends it to its end, where no
 *      program is, where `waggle drop` is, where the same is that a person wrote and clang -O2
 *      compiled. One CPU does both, so what differs is the program. In turns; the least counts.
 *
 * A pair of veth devices, one end in each namespace; both are gone with this process.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <math.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH   64
#define PACKETS (BATCH * 4000)
#define BYTES   60

enum way { NOTHING, OURS, HAND, WAYS };

static struct places {
	int here, there; /* namespaces: of the sender, of the receiver */
	int socket;
	struct mmsghdr messages[BATCH];
	struct iovec piece;
	uint8_t packet[BYTES];
} n;

/* ip's words, in the namespace that we are in. */
static int ip(const char *words)
{
	char line[256];

	snprintf(line, sizeof(line), "ip %s >/dev/null 2>&1", words);
	return system(line) ? -EOPNOTSUPP : 0;
}

/* A namespace of its own for this thread, as a descriptor. */
static int namespace_new(void)
{
	return unshare(CLONE_NEWNET) ? -errno
				     : open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int pair_make(void)
{
	char words[128];
	int err;

	n.there = namespace_new();
	n.here = n.there < 0 ? -1 : namespace_new();
	if (n.here < 0)
		return -EPERM;
	snprintf(words, sizeof(words),
		 "link add bench0 type veth peer name bench1 netns /proc/%d/fd/%d", getpid(),
		 n.there);
	err = ip(words);
	err = err ? err : ip("link set bench0 up");
	setns(n.there, CLONE_NEWNET);
	err = err ? err : ip("link set bench1 up");
	setns(n.here, CLONE_NEWNET);
	return err;
}

/* TCP over IPv4 to port 8080. */
static int sender_open(void)
{
	static const uint8_t begin[] = {2, 0, 0,    0, 0, 2,  2, 0, 0, 0, 0,  1,
					8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 6};
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_IP),
				 .sll_ifindex = (int)if_nametoindex("bench0")};

	memcpy(n.packet, begin, sizeof(begin));
	n.packet[26] = n.packet[30] = 10;
	n.packet[36] = 8080 >> 8;
	n.packet[37] = 8080 & 255;
	n.packet[46] = 0x50;
	n.piece = (struct iovec){n.packet, sizeof(n.packet)};
	for (unsigned i = 0; i < BATCH; i++)
		n.messages[i].msg_hdr = (struct msghdr){.msg_iov = &n.piece, .msg_iovlen = 1};
	n.socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	setsockopt(n.socket, SOL_PACKET, PACKET_QDISC_BYPASS, &(int){1}, sizeof(int));
	return n.socket < 0 || bind(n.socket, (void *)&to, sizeof(to)) ? -errno : 0;
}

/* How many of those that are sent now a socket on the other side sees; -1: it cannot be told. */
static int arrived(void)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	uint8_t packet[256];
	int got, fd;

	setns(n.there, CLONE_NEWNET);
	at.sll_ifindex = (int)if_nametoindex("bench1");
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	got = fd < 0 || bind(fd, (void *)&at, sizeof(at)) ? -1 : 0;
	setns(n.here, CLONE_NEWNET);
	if (got < 0 || sendmmsg(n.socket, n.messages, BATCH, 0) != BATCH) {
		close(fd);
		return -1;
	}
	bench_pause(20);
	for (ssize_t size; (size = recv(fd, packet, sizeof(packet), MSG_DONTWAIT)) >= 0;)
		got += size == BYTES && packet[36] == 8080 >> 8 && packet[37] == (8080 & 255);
	close(fd);
	return got;
}

/* Attached within 5 s: then nothing arrives. */
static bool attach(struct proc *p, char *const argv[])
{
	int err;

	setns(n.there, CLONE_NEWNET);
	err = proc_start(p, argv, NULL, NULL, ANY_CPU);
	setns(n.here, CLONE_NEWNET);
	for (unsigned i = 0; !err && i < 100; i++) {
		if (!arrived())
			return true;
		bench_pause(30);
	}
	return false;
}

static double once(enum way way)
{
	char object[512];
	char *const ours[] = {(char *)(uintptr_t)bench.waggle, "drop", "xdp:bench1",
			      "ip and tcp dst port 8080", NULL},
		    *const hand[] = {(char *)(uintptr_t)bench.waggle, object, "--at", "xdp:bench1",
				     NULL};
	double ns = NAN, from;
	unsigned sent = 0;
	struct usage u;
	struct proc p;

	snprintf(object, sizeof(object), "%s/drop.bpf.o", bench.built);
	if (way == HAND && access(object, R_OK))
		return NAN;
	if (way == NOTHING ? arrived() == BATCH : attach(&p, way == OURS ? ours : hand)) {
		from = (double)bench_now(CLOCK_MONOTONIC);
		for (unsigned i = 0; i < PACKETS / BATCH; i++)
			sent += sendmmsg(n.socket, n.messages, BATCH, 0) == BATCH ? BATCH : 0;
		ns = ((double)bench_now(CLOCK_MONOTONIC) - from) / sent;
	}
	if (way != NOTHING) {
		kill(p.pid, SIGINT);
		proc_wait(&p, &u);
	}
	return ns;
}

static void measure(void)
{
	static const char *const names[] = {"no program: the stack drops it", "waggle drop",
					    "by hand, clang -O2"};
	double best[WAYS] = {NAN, NAN, NAN};
	struct table t;

	for (unsigned i = 0; i < bench.rounds; i++)
		for (unsigned way = 0; way < WAYS; way++)
			best[way] = fmin(best[way], once(way));
	table_open(&t,
		   "Packets to TCP port 8080 dropped at XDP of a veth device: ns a packet, sending "
		   "included",
		   "program|ns|million a second|beside clang's|goal");
	for (unsigned way = 0; way < WAYS; way++) {
		table_cell(&t, "%s", names[way]);
		table_num(&t, "%.0f", best[way]);
		table_num(&t, "%.2f", 1e3 / best[way]);
		table_num(&t, "%.2f ×", best[HAND] / best[way]);
		if (way == OURS)
			table_goal(&t, best[HAND] / best[way], 0.99, true, ">= 1 ×");
		else
			table_cell(&t, "%s", "");
	}
	table_close(&t);
}

int part_drop(void)
{
	int status, err;
	cpu_set_t one;
	pid_t pid;

	fflush(stdout);
	pid = fork(); /* its namespaces end with it */
	if (pid) {
		return pid < 0 || waitpid(pid, &status, 0) < 0 || status;
	}
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	err = pair_make();
	err = err ? err : sender_open();
	if (err)
		printf("drop: no pair of devices can be made: %s\n", strerror(-err));
	else
		measure();
	fflush(stdout);
	_exit(err != 0);
}
