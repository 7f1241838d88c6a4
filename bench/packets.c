/*
 * packets.c: a capture file of two million packets: counted, with a filter, from both formats, as
 * lines.
 *
 * In:  nothing; traffic of four kinds is generated, the same each time. Out: a table; tcpdump runs
 * in turn with us, the least of the rounds counts.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKETS 2000000u
#define LARGE   400000u
#define FILTER  "tcp port 80"

#define SEED 88172645463325252ull
static uint64_t state = SEED;

static uint32_t rnd(uint32_t n)
{
	state ^= state << 13, state ^= state >> 7, state ^= state << 17;
	return (uint32_t)(state >> 20) % n;
}

/* Of Ethernet, IPv4, and TCP or UDP; n bytes. */
static void fill(uint8_t *p, uint32_t n)
{
	static const uint8_t begin[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	static const uint16_t ports[] = {443, 80, 53, 22, 8080};
	const uint16_t port = ports[rnd(ARRAY(ports))], other = (uint16_t)(40000 + rnd(64));
	const bool back = rnd(2), tcp = rnd(10) < 8;

	memset(p, 0, n);
	memcpy(p, begin, sizeof(begin));
	p[14] = 0x45;
	p[16] = (uint8_t)((n - 14) >> 8);
	p[17] = (uint8_t)(n - 14);
	p[22] = 64;
	p[23] = tcp ? 6 : 17;
	p[26] = p[30] = 10;
	p[29] = (uint8_t)(1 + rnd(20));
	p[33] = (uint8_t)(1 + rnd(20));
	p[back ? 34 : 36] = (uint8_t)(port >> 8);
	p[back ? 35 : 37] = (uint8_t)port;
	p[back ? 36 : 34] = (uint8_t)(other >> 8);
	p[back ? 37 : 35] = (uint8_t)other;
	if (tcp) {
		p[46] = 0x50;
		p[47] = 0x10;
	} else {
		p[38] = (uint8_t)((n - 34) >> 8);
		p[39] = (uint8_t)(n - 34);
	}
}

static int make(const char *path, uint32_t packets, uint32_t least, uint32_t more)
{
	const uint32_t head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1};
	uint8_t packet[1600];
	FILE *f = fopen(path, "w");
	int err;

	if (!f)
		return -errno;
	fwrite(head, sizeof(head), 1, f);
	for (uint32_t i = 0; i < packets; i++) {
		const uint32_t n = least + rnd(more),
			       own[4] = {1700000000 + i / 10000, i % 10000 * 100, n, n};

		fill(packet, n);
		fwrite(own, sizeof(own), 1, f);
		fwrite(packet, n, 1, f);
	}
	err = ferror(f) || fflush(f) ? -EIO : 0;
	return fclose(f) || err ? -EIO : 0;
}

/* A file that was just written lies in memory in pieces of the size that it was written in; most
 * files that are looked at came off a disk. */
static void read_again(const char *path)
{
	char *piece = malloc(1 << 18);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && piece && !fsync(fd) && !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		while (read(fd, piece, 1 << 18) > 0)
			;
	if (fd >= 0)
		close(fd);
	free(piece);
}

/* ms, or NAN. words: with blanks between them. */
static double once(const char *program, const char *file, const char *words)
{
	char *argv[16], text[2048], *save = NULL;
	struct usage u;
	struct proc p;
	unsigned n = 0;

	snprintf(text, sizeof(text), words, file);
	argv[n++] = (char *)program;
	for (char *w = strtok_r(text, " ", &save); w && n < 15; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
	if (proc_start(&p, argv, "/dev/null", NULL, ANY_CPU))
		return NAN;
	proc_wait(&p, &u);
	return u.status ? NAN : u.wall_ms;
}

static const struct row {
	const char *name, *ours, *theirs;
	enum { SMALL, NG, BIG, WRITTEN, FILES } file;
	uint32_t packets;
	double goal; /* times as fast */
} rows[] = {
	{"count: " FILTER, "capture --count -r %s " FILTER, "--count -r %s " FILTER, SMALL, PACKETS,
	 5},
	{"the same, just written", "capture --count -r %s " FILTER, "--count -r %s " FILTER,
	 WRITTEN, PACKETS, 5},
	{"count: all", "capture --count -r %s", "--count -r %s", SMALL, PACKETS, 5},
	{"count, pcapng: " FILTER, "capture --count -r %s " FILTER, "--count -r %s " FILTER, NG,
	 PACKETS, 5},
	{"count, 600 to 1500 bytes", "capture --count -r %s " FILTER, "--count -r %s " FILTER, BIG,
	 LARGE, 3},
	{"to a file: " FILTER, "capture -w /dev/null -r %s " FILTER, "-w /dev/null -r %s " FILTER,
	 SMALL, PACKETS, 2},
	{"lines: " FILTER, "capture -n -r %s " FILTER, "-n -S -r %s " FILTER, SMALL, PACKETS, 2},
};

static void measure(struct table *t, const struct row *row, const char *file)
{
	double ours = NAN, theirs = NAN;

	for (unsigned i = 0; i < bench.rounds; i++) {
		ours = fmin(ours, once(bench.waggle, file, row->ours));
		if (found("tcpdump"))
			theirs = fmin(theirs, once(found("tcpdump"), file, row->theirs));
	}
	table_cell(t, "%s", row->name);
	table_num(t, "%.1f", ours);
	table_num(t, "%.1f", row->packets / ours / 1e3);
	table_num(t, "%.1f", theirs);
	table_num(t, "%.1f ×", theirs / ours);
	table_goal(t, theirs / ours, row->goal, true,
		   row->goal > 4   ? "5 ×"
		   : row->goal > 2 ? "3 ×"
				   : "2 ×");
}

int part_packets(void)
{
	char path[FILES][512], words[600];
	struct table t;
	int err;

	for (unsigned i = 0; i < FILES; i++)
		snprintf(path[i], sizeof(path[i]), "%s",
			 scratch((const char *[]){"small.pcap", "small.pcapng", "big.pcap",
						  "written.pcap"}[i]));
	err = make(path[SMALL], PACKETS, 60, 80);
	err = err ? err : make(path[BIG], LARGE, 600, 900);
	if (err) {
		printf("packets: no capture file can be written: %s\n", strerror(-err));
		return 1;
	}
	snprintf(words, sizeof(words), "capture -r %%s --pcapng -w %s", path[NG]);
	once(bench.waggle, path[SMALL], words);
	for (unsigned i = 0; i < WRITTEN; i++)
		read_again(path[i]);
	state = SEED;
	err = make(path[WRITTEN], PACKETS, 60, 80);
	table_open(&t, "Packets of a capture file that is in memory, ms",
		   "what|waggle|million a second|tcpdump|faster|goal");
	for (unsigned i = 0; i < ARRAY(rows); i++)
		measure(&t, &rows[i], path[rows[i].file]);
	table_close(&t);
	return 0;
}
