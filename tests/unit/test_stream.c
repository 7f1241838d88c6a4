/*
 * test_stream.c: the stream on rings simulated in memory.
 *
 * A simulated ring is laid out as the kernel's: two positions, and data that is mapped twice in a
 * row. The writer here does what bpf_ringbuf_reserve(), _submit() and _discard() do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stream/stream.h" /* before mman.h, whose MAP_STACK is another one */

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BUSY       (1u << 31)
#define DISCARDED  (1u << 30)
#define RINGS_MOST 4

struct rig {
	struct object object;
	struct stream_input in;
	struct ring rings[RINGS_MOST];
	u64 positions[RINGS_MOST][2];
	struct {
		struct waggle_control control;
		struct waggle_counters counters[2 * CONTROL_CPUS];
	} shared;
	struct stream *s;
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static u8 *map_twice(u32 size)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);
	u8 *p = mmap(NULL, 2 * (size_t)size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_int_equal(ftruncate(fd, size), 0);
	for (u32 i = 0; i < 2; i++)
		assert_ptr_equal(mmap(p + (size_t)i * size, size, PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_FIXED, fd, 0),
				 p + (size_t)i * size);
	close(fd);
	return p;
}

static struct rig *rig_new(u32 rings, u32 size)
{
	struct rig *r = calloc(1, sizeof(*r));

	vec_add(&r->object.arena, &r->object.schemas)->name = "one";
	vec_add(&r->object.arena, &r->object.progs)->name = "p";
	vec_add(&r->object.arena, &r->object.progs)->name = "q";
	for (u32 i = 0; i < rings; i++)
		r->rings[i] = (struct ring){.consumer = &r->positions[i][0],
					    .producer = &r->positions[i][1],
					    .data = map_twice(size),
					    .size = size,
					    .cpu = i};
	r->in = (struct stream_input){.object = &r->object,
				      .rings = r->rings,
				      .nrings = rings,
				      .control = &r->shared.control,
				      .counters = r->shared.counters};
	assert_int_equal(stream_open(&r->s, &r->in), 0);
	return r;
}

static void rig_free(struct rig *r)
{
	stream_close(r->s);
	for (u32 i = 0; i < r->in.nrings; i++)
		munmap((void *)(uintptr_t)r->rings[i].data, 2 * (size_t)r->rings[i].size);
	arena_free(&r->object.arena);
	free(r);
}

/* The header's address, or NULL: full. The record is busy until it is submitted. */
static u32 *reserve(struct rig *r, u32 ring, u32 size)
{
	struct ring *g = &r->rings[ring];
	u64 at = *g->producer;
	u32 total = ALIGN_UP(8 + (u32)sizeof(struct waggle_record) + size, 8);
	u32 *head = (u32 *)(uintptr_t)(g->data + (at & (g->size - 1)));

	if (at + total - __atomic_load_n(g->consumer, __ATOMIC_ACQUIRE) > g->size)
		return NULL;
	__atomic_store_n(head, (u32)(sizeof(struct waggle_record) + size) | BUSY, __ATOMIC_RELAXED);
	__atomic_store_n(&r->positions[ring][1], at + total, __ATOMIC_RELEASE);
	return head;
}

static void submit(u32 *head, u64 ns, u64 value, u32 flags)
{
	struct waggle_record *rec = (struct waggle_record *)(head + 2);

	*rec = (struct waggle_record){.ns = ns, .schema = 0, .size = 8};
	memcpy(rec + 1, &value, 8);
	__atomic_store_n(head, (*head & ~BUSY) | flags, __ATOMIC_RELEASE);
}

static void put(struct rig *r, u32 ring, u64 ns, u64 value)
{
	u32 *head = reserve(r, ring, 8);

	assert_non_null(head);
	submit(head, ns, value, 0);
}

struct seen {
	u64 values[64], n, last, sum;
	u32 cpu, stop_at;
	bool disorder;
};

static int see(void *user, const struct schema *schema, u64 ns, u32 cpu, const void *payload,
	       u32 size)
{
	struct seen *s = user;
	u64 value = 0;

	memcpy(&value, payload, MIN(size, 8u));
	if (s->n < 64)
		s->values[s->n] = value;
	s->n++;
	s->sum += value;
	s->cpu = cpu;
	s->disorder |= ns < s->last || !schema || size != 8;
	s->last = ns;
	return s->stop_at && s->n == s->stop_at ? 77 : 0;
}

static void records_come_in_the_order_of_time(void **state)
{
	static const struct {
		u32 ring;
		u64 ns;
	} rows[] = {{0, 10}, {1, 5}, {2, 7}, {0, 20}, {1, 21}, {2, 8}, {1, 22}, {0, 30}, {2, 9}};
	struct rig *r = rig_new(3, 4096);
	struct seen seen = {0};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		put(r, rows[i].ring, rows[i].ns, rows[i].ns);
	assert_int_equal(stream_read(r->s, see, &seen), 0);
	assert_int_equal(seen.n, ARRAY_SIZE(rows));
	assert_false(seen.disorder);
	assert_true(stream_empty(r->s));
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(r->positions[i][0], r->positions[i][1]);
	rig_free(r);
}

static void what_is_too_new_waits(void **state)
{
	struct rig *r = rig_new(2, 4096);
	struct seen seen = {0};
	u64 ns = UINT64_MAX;

	(void)state;
	/* the other ring is empty now, but may bring a record of an earlier time than this */
	put(r, 0, now_ns() + 50000000, 1);
	stream_read(r->s, see, &seen);
	assert_int_equal(seen.n, 0);
	assert_false(stream_sleep(r->s, &ns));
	put(r, 1, 3, 2);
	stream_read(r->s, see, &seen);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.values[0], 2);
	while (seen.n < 2)
		stream_read(r->s, see, &seen);
	assert_int_equal(seen.values[1], 1);
	rig_free(r);
}

static void a_busy_record_holds_back_what_is_later(void **state)
{
	struct rig *r = rig_new(2, 4096);
	struct seen seen = {0};
	u64 ns = UINT64_MAX;
	u32 *busy;

	(void)state;
	put(r, 0, 10, 1);
	busy = reserve(r, 0, 8);
	put(r, 1, 5, 2);
	put(r, 1, 50, 3);
	stream_read(r->s, see, &seen);
	assert_int_equal(seen.n, 2); /* 5 and 10; whether 50 is next nobody knows yet */
	assert_false(stream_empty(r->s));
	for (u32 i = 0; i < 2; i++) { /* it may be ready soon, but no spinning */
		ns = UINT64_MAX;
		if (stream_sleep(r->s, &ns))
			assert_true(ns <= 1000000);
		else
			assert_int_equal(i, 1);
		stream_read(r->s, see, &seen);
		assert_int_equal(seen.n, 2);
	}
	submit(busy, 20, 4, 0);
	stream_read(r->s, see, &seen);
	assert_int_equal(seen.n, 4);
	assert_int_equal(seen.values[2], 4);
	assert_int_equal(seen.values[3], 3);
	assert_false(seen.disorder);
	rig_free(r);
}

static void a_reader_sleeps_shortly_beside_a_busy_record(void **state)
{
	struct rig *r = rig_new(1, 4096);
	struct seen seen = {0};
	u64 ns = UINT64_MAX;
	u32 *busy = reserve(r, 0, 8);

	(void)state;
	stream_read(r->s, see, &seen);
	assert_true(stream_sleep(r->s, &ns));
	assert_int_equal(ns, 1000000);
	assert_int_equal(r->shared.control.want, 1);
	submit(busy, 20, 4, 0);
	ns = UINT64_MAX;
	assert_false(stream_sleep(r->s, &ns));
	assert_int_equal(r->shared.control.want, 0);
	rig_free(r);
}

static void the_second_sleep_is_long(void **state)
{
	struct timespec t = {.tv_nsec = 1000000};
	struct rig *r = rig_new(1, 4096);
	u64 ns = UINT64_MAX;

	(void)state;
	assert_true(stream_sleep(r->s, &ns));
	assert_int_equal(ns, 1000000);
	nanosleep(&t, NULL);
	ns = UINT64_MAX;
	assert_true(stream_sleep(r->s, &ns));
	assert_true(ns == UINT64_MAX);
	assert_int_equal(r->shared.control.want, 1);
	rig_free(r);
}

static void while_records_come_nobody_is_asked_to_wake_us(void **state)
{
	struct rig *r = rig_new(1, 4096);
	struct seen seen = {0};
	u64 ns = UINT64_MAX;

	(void)state;
	put(r, 0, 1, 1);
	stream_read(r->s, see, &seen);
	assert_true(stream_sleep(r->s, &ns));
	assert_true(ns <= 500000);
	assert_int_equal(r->shared.control.want, 0);
	/* the nap brought nothing */
	stream_read(r->s, see, &seen);
	assert_true(stream_sleep(r->s, &ns));
	assert_int_equal(r->shared.control.want, 1);
	rig_free(r);
}

/* As many records as said, read; how long the reader then sleeps. */
static u64 nap_after(struct rig *r, u32 records)
{
	struct seen seen = {0};
	u64 ns = UINT64_MAX;

	while (records--)
		put(r, 0, 1, 1);
	stream_read(r->s, see, &seen);
	assert_true(stream_sleep(r->s, &ns));
	return ns;
}

static void naps_grow_while_the_ring_stays_nearly_empty(void **state)
{
	struct rig *r = rig_new(1, 1 << 20);
	struct stream_input in = r->in;
	struct timespec t = {.tv_nsec = 16000000};

	(void)state;
	in.nap_us = 4000;
	stream_close(r->s);
	assert_int_equal(stream_open(&r->s, &in), 0);
	assert_int_equal(nap_after(r, 1), 500000);
	for (u32 ms = 1; ms < 16; ms *= 2) {
		nanosleep(&t, NULL);
		assert_int_equal(nap_after(r, 1), MIN(ms, 4) * 1000000);
	}
	/* so many that in a nap of that length they would not fit */
	assert_true(nap_after(r, 1 << 14) < 4000000);
	/* nothing came: the programs are asked, and the next nap is short again */
	assert_true(nap_after(r, 0) >= 1000000);
	assert_int_equal(r->shared.control.want, 1);
	nanosleep(&t, NULL);
	assert_int_equal(nap_after(r, 1), 500000);
	rig_free(r);
}

static void discarded_and_foreign_records_are_skipped(void **state)
{
	struct rig *r = rig_new(1, 4096);
	struct seen seen = {0};
	u32 *head;

	(void)state;
	submit(reserve(r, 0, 8), 1, 1, DISCARDED);
	put(r, 0, 2, 2);
	submit(reserve(r, 0, 8), 3, 3, DISCARDED);
	head = reserve(r, 0, 8);
	submit(head, 4, 4, 0);
	((struct waggle_record *)(head + 2))->schema = 9; /* there is no such */
	head = reserve(r, 0, 8);
	submit(head, 5, 5, 0);
	((struct waggle_record *)(head + 2))->size = 9999; /* longer than its place */
	put(r, 0, 6, 6);
	stream_read(r->s, see, &seen);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.sum, 8);
	assert_int_equal(stream_lost(r->s), 2); /* not shown, so lost */
	assert_true(stream_empty(r->s));
	rig_free(r);
}

static void a_reader_that_stops_goes_on_behind(void **state)
{
	struct rig *r = rig_new(2, 4096);
	struct seen seen = {.stop_at = 3};

	(void)state;
	for (u32 i = 0; i < 10; i++)
		put(r, i & 1, i + 1, i);
	assert_int_equal(stream_read(r->s, see, &seen), 77);
	assert_int_equal(seen.n, 3);
	assert_int_equal(r->positions[0][0], 64); /* room is given back at once */
	assert_int_equal(stream_read(r->s, see, &seen), 0);
	assert_int_equal(seen.n, 10);
	for (u32 i = 0; i < 10; i++)
		assert_int_equal(seen.values[i], i);
	rig_free(r);
}

static void rings_wrap(void **state)
{
	struct rig *r = rig_new(2, 4096);
	struct seen seen = {0};

	(void)state;
	for (u32 i = 0; i < 10000; i++) {
		put(r, i % 3 == 0, now_ns(), 1);
		while (i % 50 == 49 && !stream_empty(r->s))
			stream_read(r->s, see, &seen);
	}
	assert_int_equal(seen.n, 10000);
	assert_false(seen.disorder);
	assert_int_equal(stream_seen(r->s), 10000);
	rig_free(r);
}

static void losses_are_summed(void **state)
{
	struct rig *r = rig_new(1, 4096);

	(void)state;
	r->shared.counters[0].lost = 3;
	r->shared.counters[CONTROL_CPUS + 5].lost = 4;
	r->shared.counters[2 * CONTROL_CPUS - 1].no_slot = 5;
	r->shared.counters[1].map_full = 6;
	assert_int_equal(stream_lost(r->s), 12);
	assert_int_equal(stream_map_full(r->s), 6);
	rig_free(r);
}

/* ---- producers in threads */

struct producer {
	struct rig *r;
	u32 ring, n;
	u64 lost;
};

static void *produce(void *arg)
{
	struct producer *p = arg;

	for (u32 i = 0; i < p->n; i++) {
		u32 *head = reserve(p->r, p->ring, 8);

		if (head)
			submit(head, now_ns(), 1, i % 17 == 0 ? DISCARDED : 0);
		if (!head || i % 17 == 0)
			p->lost++;
		if (i % 5000 == 0)
			sched_yield();
	}
	return NULL;
}

static void many_producers_lose_nothing_uncounted(void **state)
{
	struct rig *r = rig_new(RINGS_MOST, 65536);
	struct producer p[RINGS_MOST];
	pthread_t threads[RINGS_MOST];
	struct seen seen = {0};
	u64 lost = 0;
	u32 n = 100000, running = RINGS_MOST;

	(void)state;
	for (u32 i = 0; i < RINGS_MOST; i++) {
		p[i] = (struct producer){.r = r, .ring = i, .n = n};
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &p[i]), 0);
	}
	while (running || !stream_empty(r->s)) {
		stream_read(r->s, see, &seen);
		while (running && !pthread_tryjoin_np(threads[running - 1], NULL))
			running--;
	}
	for (u32 i = 0; i < RINGS_MOST; i++)
		lost += p[i].lost;
	assert_int_equal(seen.n + lost, (u64)RINGS_MOST * n);
	assert_int_equal(seen.sum, seen.n);
	assert_false(seen.disorder);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_in_the_order_of_time),
		cmocka_unit_test(what_is_too_new_waits),
		cmocka_unit_test(a_busy_record_holds_back_what_is_later),
		cmocka_unit_test(a_reader_sleeps_shortly_beside_a_busy_record),
		cmocka_unit_test(the_second_sleep_is_long),
		cmocka_unit_test(while_records_come_nobody_is_asked_to_wake_us),
		cmocka_unit_test(naps_grow_while_the_ring_stays_nearly_empty),
		cmocka_unit_test(discarded_and_foreign_records_are_skipped),
		cmocka_unit_test(a_reader_that_stops_goes_on_behind),
		cmocka_unit_test(rings_wrap),
		cmocka_unit_test(losses_are_summed),
		cmocka_unit_test(many_producers_lose_nothing_uncounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
