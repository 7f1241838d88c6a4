/*
 * test_packets.c: capture files are counted from several places at once; that must give what
 * reading them packet by packet gives, whatever is in them, and while they change.
 */
#include "packet/ng.h"
#include "packet/packet.h"
#include "packet/reader.h"
#include "vm/lanes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES (6u << 20)

struct file {
	struct buf b;
	bool swapped, nano, ng;
	u32 head;
	u64 random;
};

static u32 rnd(struct file *f, u32 n)
{
	f->random ^= f->random << 13, f->random ^= f->random >> 7, f->random ^= f->random << 17;
	return (u32)(f->random >> 20) % n;
}

static void put32(struct file *f, u32 v)
{
	v = f->swapped ? __builtin_bswap32(v) : v;
	buf_add(&f->b, (const char *)&v, 4);
}

static void put16(struct file *f, u16 v)
{
	v = f->swapped ? __builtin_bswap16(v) : v;
	buf_add(&f->b, (const char *)&v, 2);
}

static void put_interface(struct file *f, u16 link)
{
	put32(f, 1);
	put32(f, 20);
	put16(f, link);
	put16(f, 0);
	put32(f, 0);
	put32(f, 20);
}

static void put_section(struct file *f)
{
	put32(f, 0x0a0d0d0a);
	put32(f, 28);
	put32(f, 0x1a2b3c4d);
	put16(f, 1);
	put16(f, 0);
	put32(f, UINT32_MAX);
	put32(f, UINT32_MAX);
	put32(f, 28);
}

static void begin(struct file *f)
{
	f->random = f->random ? f->random : 88172645463325252ull;
	if (f->ng) {
		put_section(f);
		put_interface(f, LINK_ETHERNET);
		return;
	}
	put32(f, f->head == 24 ? 0xa1b2cd34 : f->nano ? 0xa1b23c4d : 0xa1b2c3d4);
	put16(f, 2);
	put16(f, 4);
	put32(f, 0);
	put32(f, 0);
	put32(f, 262144);
	put32(f, LINK_ETHERNET);
}

static void put_packet(struct file *f, u32 iface, const u8 *data, u32 n)
{
	static const char zeros[24];

	if (f->ng) {
		const u32 size = 32 + ALIGN_UP(n, 4);

		put32(f, 6);
		put32(f, size);
		put32(f, iface);
		put32(f, 0x5f000);
		put32(f, (u32)f->b.n);
		put32(f, n);
		put32(f, n);
		buf_add(&f->b, (const char *)data, n);
		buf_add(&f->b, zeros, ALIGN_UP(n, 4) - n);
		put32(f, size);
		return;
	}
	put32(f, 1700000000 + (u32)f->b.n / 1000000);
	put32(f, (u32)f->b.n % 1000000);
	put32(f, n);
	put32(f, n);
	buf_add(&f->b, zeros, f->head ? f->head - 16 : 0);
	buf_add(&f->b, (const char *)data, n);
}

static u64 odd_bytes(u64 packet) /* a filter */
{
	const struct cbpf_packet *p = (const struct cbpf_packet *)(uintptr_t)packet;

	return p->captured > 40 && ((const u8 *)(uintptr_t)p->data)[40] & 1;
}

/* The same, for one packet and for many. */
static struct packet_test odd_test(bool many)
{
	static const struct cbpf_insn insns[] = {{BPF_LD | BPF_B | BPF_ABS, 0, 0, 40},
						 {BPF_JMP | BPF_JSET | BPF_K, 0, 1, 1},
						 {CBPF_RET | BPF_K, 0, 0, 1},
						 {CBPF_RET | BPF_K, 0, 0, 0}};
	struct packet_test test = {.one = odd_bytes};
	struct lanes *lanes = NULL;

	if (many)
		assert_int_equal(lanes_open(&lanes, insns, ARRAY_SIZE(insns), NULL), 0);
	test.many = lanes;
	return test;
}

static void odd_test_close(const struct packet_test *test)
{
	lanes_close(test->many);
}

static int open_memory(const void *p, size_t n)
{
	int fd = memfd_create("packets", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

struct sums {
	u64 seen, taken;
	s64 end;
};

static void add(struct sums *s, const struct packet *p)
{
	const struct cbpf_packet c = {.data = (u64)(uintptr_t)p->data, .captured = p->captured};

	s->seen++;
	s->taken += odd_bytes((u64)(uintptr_t)&c);
}

enum way { EACH, COUNT, COUNT_MANY, COUNT_LANES, PASS, PASS_LANES };
static struct sums sums_of(int fd, enum way way)
{
	const bool lanes_alone = way == COUNT_LANES || way == PASS_LANES;
	struct packet_test test = odd_test(way == COUNT_MANY || lanes_alone);
	struct packet_counts n = {0};
	struct packet_reader *r;
	struct diag d = {0};
	struct sums s = {0};
	struct packet p;

	if (lanes_alone)
		test.one = NULL;
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(packet_reader_open(&r, dup(fd), "file", &d), 0);
	do {
		if (way == COUNT || way == COUNT_MANY || way == COUNT_LANES)
			packet_count(r, LINK_ETHERNET, &test, &n);
		else if (way != EACH)
			packet_pass(r, LINK_ETHERNET, &test, &n.seen);
		s.end = packet_read(r, &p);
		if (s.end > 0)
			add(&s, &p);
	} while (s.end > 0);
	packet_reader_close(r);
	odd_test_close(&test);
	s.seen += n.seen;
	s.taken += n.taken;
	return s;
}

static void same_all_ways(struct file *f, u32 least)
{
	int fd = open_memory(f->b.p, f->b.n);
	const struct sums each = sums_of(fd, EACH);

	assert_true(each.seen >= least);
	assert_true(each.taken && each.taken < each.seen);
	assert_int_equal(each.end, 0);
	for (enum way way = COUNT; way <= PASS_LANES; way++) {
		const struct sums s = sums_of(fd, way);

		assert_memory_equal(&each, &s, sizeof(each));
	}
	close(fd);
	buf_free(&f->b);
}

static void fill(struct file *f, u32 least, u32 more)
{
	u8 data[70000];

	begin(f);
	while (f->b.n < BYTES) {
		const u32 n = least + rnd(f, more);

		memset(data, 0, n);
		for (u32 i = 0; i < MIN(n, 60u); i++)
			data[i] = (u8)rnd(f, 256);
		put_packet(f, 0, data, n);
	}
}

static void counts_each_form(void **state)
{
	static const struct file forms[] = {{.head = 16},
					    {.swapped = true},
					    {.nano = true},
					    {.head = 24},
					    {.head = 24, .swapped = true},
					    {.ng = true},
					    {.ng = true, .swapped = true}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct file f = forms[i];

		fill(&f, 60, 80);
		same_all_ways(&f, 40000);
		f = forms[i];
		fill(&f, 1, 1500);
		same_all_ways(&f, 4000);
		f = forms[i];
		fill(&f, 3000, 65000);
		same_all_ways(&f, 50);
	}
}

/* Packets that hold captures, whose packets look as good as their own. */
static void is_not_misled_by_captures_in_packets(void **state)
{
	(void)state;
	for (int ng = 0; ng < 2; ng++) {
		struct file inner = {.ng = ng}, f = {.ng = ng};
		u8 small[128] = {0};

		begin(&inner);
		while (inner.b.n < 60000) {
			small[40]++;
			put_packet(&inner, 0, small, 44 + rnd(&inner, 20) * 4);
		}
		begin(&f);
		while (f.b.n < BYTES) {
			put_packet(&f, 0, (u8 *)inner.b.p + 40 * rnd(&f, 100) + 4 * rnd(&f, 10),
				   20000 + 4 * rnd(&f, 5000));
			small[40]++;
			if (!rnd(&f, 4))
				put_packet(&f, 0, small, 50);
		}
		same_all_ways(&f, 100);
		buf_free(&inner.b);
	}
}

/* Blocks that are no packets, interfaces of other kinds, sections in the other byte order. */
static void counts_around_other_blocks(void **state)
{
	u8 data[200] = {0};

	(void)state;
	for (u32 every = 1; every < 100000; every *= 10) {
		struct file f = {.ng = true};

		begin(&f);
		put_interface(&f, LINK_RAW);
		for (u32 i = 1; f.b.n < BYTES / 2; i++) {
			data[40] = (u8)i;
			put_packet(&f, i % 1000 == 7, data, 60 + rnd(&f, 100));
			if (i % every)
				continue;
			put32(&f, 5); /* statistics */
			put32(&f, 24);
			put32(&f, 6);
			put32(&f, 24);
			put32(&f, 6);
			put32(&f, 24);
			if (i % (every * 7))
				continue;
			f.swapped = !f.swapped;
			put_section(&f);
			put_interface(&f, LINK_ETHERNET);
			put_interface(&f, LINK_RAW);
		}
		same_all_ways(&f, 10000);
	}
}

static void says_where_a_file_is_broken(void **state)
{
	(void)state;
	for (int ng = 0; ng < 2; ng++) {
		struct file f = {.ng = ng};
		struct sums each, count;
		int fd;

		fill(&f, 60, 80);
		memset(f.b.p + BYTES / 3 * 2, 0xff, 400);
		fd = open_memory(f.b.p, f.b.n);
		each = sums_of(fd, EACH);
		count = sums_of(fd, COUNT);
		assert_int_equal(each.end, -EINVAL);
		assert_memory_equal(&each, &count, sizeof(each));
		close(fd);
		buf_free(&f.b);
	}
}

/* The pages are gone when they are touched. */
static void survives_a_file_that_shrinks(void **state)
{
	static const size_t lengths[] = {0, 24, 5000, BYTES / 2 + 1234};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		for (int counts = 0; counts < 3; counts++) {
			const struct packet_test test = odd_test(counts == 2);
			struct packet_counts n = {0};
			struct packet_reader *r;
			struct file f = {0};
			struct diag d = {0};
			struct packet p;
			int fd, got;

			fill(&f, 60, 80);
			fd = open_memory(f.b.p, f.b.n);
			assert_int_equal(packet_reader_open(&r, dup(fd), "file", &d), 0);
			assert_int_equal(packet_read(r, &p), 1);
			assert_int_equal(ftruncate(fd, (off_t)lengths[i]), 0);
			do {
				if (counts)
					packet_count(r, LINK_ETHERNET, &test, &n);
				got = packet_read(r, &p);
			} while (got > 0);
			assert_int_equal(got, -EINVAL);
			assert_true(d.errors);
			assert_true(n.seen <= lengths[i] / 76);
			packet_reader_close(r);
			odd_test_close(&test);
			close(fd);
			buf_free(&f.b);
		}
}

static void reads_what_is_written_meanwhile(void **state)
{
	struct packet_reader *r;
	struct file f = {0};
	struct diag d = {0};
	struct packet p;
	u64 seen = 0;
	int fd;

	(void)state;
	fill(&f, 60, 80);
	fd = open_memory(f.b.p, 100000);
	assert_int_equal(packet_reader_open(&r, dup(fd), "file", &d), 0);
	for (size_t at = 100000; packet_read(r, &p) > 0; seen++)
		if (at < f.b.n && !(seen % 10)) {
			const size_t n = MIN(f.b.n - at, (size_t)5000);

			assert_int_equal(pwrite(fd, f.b.p + at, n, (off_t)at), n);
			at += n;
		}
	assert_int_equal(d.errors, 0);
	assert_int_equal(seen, sums_of(fd, EACH).seen);
	packet_reader_close(r);
	close(fd);
	buf_free(&f.b);
}

/* Another has read what is in front of it. */
static void begins_where_the_descriptor_stands(void **state)
{
	struct packet_reader *r;
	struct file f = {0};
	struct diag d = {0};
	struct packet p;
	int fd;

	(void)state;
	buf_add(&f.b, "#!/bin/cat\n", 11);
	fill(&f, 60, 80);
	fd = open_memory(f.b.p, f.b.n);
	lseek(fd, 11, SEEK_SET);
	assert_int_equal(packet_reader_open(&r, fd, "file", &d), 0);
	assert_int_equal(packet_read(r, &p), 1);
	packet_reader_close(r);
	buf_free(&f.b);
}

/* Bytes that look like heads of packets, up to the file's end and, by what they say, far behind it;
 * there nothing may be touched. */
static void guesses_inside_the_file(void **state)
{
	const size_t room = 16384, guard = 4u << 20;
	u8 *base = mmap(NULL, room + guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct reader_iface iface = {.link = LINK_ETHERNET, .snaplen = 262144};
	const u8 *end = base + room, *at;

	(void)state;
	assert_true(base != MAP_FAILED);
	assert_int_equal(mprotect(base, room, PROT_READ | PROT_WRITE), 0);
	for (u32 form = 0; form < 4; form++) {
		struct packet_reader r = {
			.ng = form & 1, .head = 16, .fraction = 1000, .ifaces = &iface};
		struct file f = {.random = form + 1};

		while (f.b.n < room) {
			/* to the next ones, or out of the file */
			u32 n = form & 2 && !rnd(&f, 4) ? 200000 : 16 * rnd(&f, 8);

			put32(&f, r.ng ? NG_PACKET : 1700000000);
			put32(&f, r.ng ? n + 32 : 0);
			put32(&f, r.ng ? n + 32 : n);
			put32(&f, r.ng ? n + 32 : n);
		}
		memcpy(base, f.b.p, room);
		for (const u8 *from = base + 16; from < end; from++) {
			at = reader_guess(&r, base, from, end);
			assert_true(!at || (at >= from && at + 6 * 16 < end));
		}
		buf_free(&f.b);
	}
	munmap(base, room + guard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_each_form),
		cmocka_unit_test(is_not_misled_by_captures_in_packets),
		cmocka_unit_test(guesses_inside_the_file),
		cmocka_unit_test(counts_around_other_blocks),
		cmocka_unit_test(says_where_a_file_is_broken),
		cmocka_unit_test(survives_a_file_that_shrinks),
		cmocka_unit_test(reads_what_is_written_meanwhile),
		cmocka_unit_test(begins_where_the_descriptor_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
