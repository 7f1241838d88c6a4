/*
 * drop.c: how fast packets are dropped at XDP, between two network namespaces.
 *
 * In:  nothing. Out: a table: ns for a packet, from the call that sends it to its end, where no
 *      program is, where `waggle drop` is, where the same is that a person wrote and clang -O2
 *      compiled. One CPU does both, so what differs is the program.
 *
 * Two pairs of veth devices, with one end in each of two namespaces, which end with this process.
 * On each pair one of the two programs drops; packets are sent to both in turn, for a millisecond
 * each, and each two windows in a row give a ratio: what disturbs the machine disturbs both. Rounds
 * take turns in which program is on which pair, and which is attached first. The median of all
 * ratios counts; the least and the greatest median of a round are its spread.
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
#define BATCHES 25  /* of a window */
#define WINDOWS 300 /* of each program in a round */
#define BYTES   60
#define PAIRS   2

enum way { OURS, HAND, WAYS };
static const char *const senders[PAIRS] = {"bench0", "bench2"};
static const char *const receivers[PAIRS] = {"bench1", "bench3"};

static struct places {
	int here, there; /* namespaces: of the sender, of the receiver */
	int sockets[PAIRS];
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

/* Words with a name in them. */
static int ip_of(const char *words, const char *name)
{
	char line[128];

	snprintf(line, sizeof(line), words, name);
	return ip(line);
}

static int pairs_make(void)
{
	char words[128];
	int err = 0;

	n.there = namespace_new();
	n.here = n.there < 0 ? -1 : namespace_new();
	if (n.here < 0)
		return -EPERM;
	for (unsigned i = 0; i < PAIRS && !err; i++) {
		snprintf(words, sizeof(words),
			 "link add %s type veth peer name %s netns /proc/%d/fd/%d", senders[i],
			 receivers[i], getpid(), n.there);
		err = ip(words);
		err = err ? err : ip_of("link set %s up", senders[i]);
		setns(n.there, CLONE_NEWNET);
		err = err ? err : ip_of("link set %s up", receivers[i]);
		setns(n.here, CLONE_NEWNET);
	}
	return err;
}

/* TCP over IPv4 to port 8080. */
static int sender_open(unsigned pair)
{
	static const uint8_t begin[] = {2, 0, 0,    0, 0, 2,  2, 0, 0, 0, 0,  1,
					8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 6};
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_IP),
				 .sll_ifindex = (int)if_nametoindex(senders[pair])};

	memcpy(n.packet, begin, sizeof(begin));
	n.packet[26] = n.packet[30] = 10;
	n.packet[36] = 8080 >> 8;
	n.packet[37] = 8080 & 255;
	n.packet[46] = 0x50;
	n.piece = (struct iovec){n.packet, sizeof(n.packet)};
	for (unsigned i = 0; i < BATCH; i++)
		n.messages[i].msg_hdr = (struct msghdr){.msg_iov = &n.piece, .msg_iovlen = 1};
	n.sockets[pair] = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	setsockopt(n.sockets[pair], SOL_PACKET, PACKET_QDISC_BYPASS, &(int){1}, sizeof(int));
	return n.sockets[pair] < 0 || bind(n.sockets[pair], (void *)&to, sizeof(to)) ? -errno : 0;
}

/* How many of those that are sent now a socket on the other side sees; -1: it cannot be told. */
static int arrived(unsigned pair)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	uint8_t packet[256];
	int got, fd;

	setns(n.there, CLONE_NEWNET);
	at.sll_ifindex = (int)if_nametoindex(receivers[pair]);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	got = fd < 0 || bind(fd, (void *)&at, sizeof(at)) ? -1 : 0;
	setns(n.here, CLONE_NEWNET);
	if (got < 0 || sendmmsg(n.sockets[pair], n.messages, BATCH, 0) != BATCH) {
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
static bool attach(struct proc *p, enum way way, unsigned pair)
{
	char object[512], at[32];
	char *const ours[] = {(char *)(uintptr_t)bench.waggle, "drop", at,
			      "ip and tcp dst port 8080", NULL};
	char *const hand[] = {(char *)(uintptr_t)bench.waggle, object, "--at", at, NULL};
	int err;

	snprintf(object, sizeof(object), "%s/drop.bpf.o", bench.built);
	snprintf(at, sizeof(at), "xdp:%s", receivers[pair]);
	setns(n.there, CLONE_NEWNET);
	err = proc_start(p, way == OURS ? ours : hand, NULL, NULL, ANY_CPU);
	setns(n.here, CLONE_NEWNET);
	for (unsigned i = 0; !err && i < 100; i++) {
		if (!arrived(pair))
			return true;
		bench_pause(30);
	}
	return false;
}

/* ns a packet. */
static double window(unsigned pair)
{
	const double from = (double)bench_now(CLOCK_MONOTONIC);
	unsigned sent = 0;

	for (unsigned i = 0; i < BATCHES; i++)
		sent += sendmmsg(n.sockets[pair], n.messages, BATCH, 0) == BATCH ? BATCH : 0;
	return ((double)bench_now(CLOCK_MONOTONIC) - from) / sent;
}

struct windows {
	double *ns[WAYS], *ratios; /* hand / ours */
	unsigned count;
};

/* The ratios' median; NAN: a program could not be attached. */
static double round_of(struct windows *w, unsigned round)
{
	const unsigned ours_at = round & 1, first = round >> 1 & 1, begin = w->count;
	const unsigned pairs[WAYS] = {[OURS] = ours_at, [HAND] = !ours_at};
	double sorted[WINDOWS], ratio = NAN;
	bool attached[WAYS] = {false};
	struct proc p[WAYS] = {0};
	struct usage u;

	for (unsigned i = 0; i < WAYS; i++)
		attached[i ^ first] = attach(&p[i ^ first], i ^ first, pairs[i ^ first]);
	if (attached[OURS] && attached[HAND]) {
		for (unsigned i = 0; i < WINDOWS; i++, w->count++) {
			for (unsigned k = 0; k < WAYS; k++)
				w->ns[k ^ (i & 1)][w->count] = window(pairs[k ^ (i & 1)]);
			w->ratios[w->count] = w->ns[HAND][w->count] / w->ns[OURS][w->count];
		}
		memcpy(sorted, w->ratios + begin, sizeof(sorted));
		ratio = median(sorted, WINDOWS);
	}
	for (unsigned i = 0; i < WAYS; i++)
		if (p[i].pid > 0) {
			kill(p[i].pid, SIGINT);
			proc_wait(&p[i], &u);
		}
	return ratio;
}

static void put_row(struct table *t, const char *name, double ns)
{
	table_cell(t, "%s", name);
	table_num(t, "%.0f", ns);
	table_num(t, "%.2f", 1e3 / ns);
}

static void measure(void)
{
	const unsigned rounds = bench.rounds, most = rounds * WINDOWS;
	double none[WINDOWS], least = NAN, greatest = NAN, ratio;
	struct windows w = {.ratios = calloc(most, sizeof(double))};
	struct table t;

	for (unsigned i = 0; i < WAYS; i++)
		w.ns[i] = calloc(most, sizeof(double));
	for (unsigned i = 0; i < WINDOWS; i++)
		none[i] = window(i % PAIRS);
	for (unsigned i = 0; i < rounds; i++) {
		ratio = round_of(&w, i);
		least = fmin(least, ratio);
		greatest = fmax(greatest, ratio);
	}
	ratio = w.count ? median(w.ratios, w.count) : NAN;
	table_open(&t,
		   "Packets to TCP port 8080 dropped at XDP of a veth device: ns a packet, sending "
		   "included; medians",
		   "program|ns|million a second|beside clang's|of the rounds|goal");
	put_row(&t, "no program: the stack drops it", median(none, WINDOWS));
	for (unsigned i = 0; i < 3; i++)
		table_cell(&t, "%s", "");
	put_row(&t, "waggle drop", w.count ? median(w.ns[OURS], w.count) : NAN);
	table_num(&t, "%.3f ×", ratio);
	table_cell(&t, "%.3f to %.3f", least, greatest);
	table_goal(&t, ratio, 0.99, true, ">= 1 ×");
	put_row(&t, "by hand, clang -O2", w.count ? median(w.ns[HAND], w.count) : NAN);
	for (unsigned i = 0; i < 3; i++)
		table_cell(&t, "%s", "");
	table_close(&t);
	free(w.ratios);
	for (unsigned i = 0; i < WAYS; i++)
		free(w.ns[i]);
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
	err = pairs_make();
	for (unsigned i = 0; i < PAIRS && !err; i++)
		err = sender_open(i);
	if (err)
		printf("drop: no pair of devices can be made: %s\n", strerror(-err));
	else
		measure();
	fflush(stdout);
	_exit(err != 0);
}
