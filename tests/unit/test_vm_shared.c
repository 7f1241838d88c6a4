/*
 * test_vm_shared.c: maps that many threads and processes change at once, one of which dies.
 *
 * Afterwards everything must add up: no element is lost or there twice, a full map was full, each
 * record came once and in the order of its producer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm/map.h"
#include "vm/ring.h"

#define THREADS 4
#define STEPS   20000
#define KEYS    64

struct shared {
	struct vm vm;
	struct vm_map map;
};
struct worker {
	struct shared *shared;
	u32 number;
	u64 random;
	s64 balance; /* elements added less those deleted */
	u64 sum, failed;
};

static struct shared *share(u32 kind, u32 key_size, u32 value_size, u32 entries, u32 flags)
{
	struct shared *s = calloc(1, sizeof(*s));
	struct diag diag = {0};

	s->vm.opts.cpus = THREADS;
	s->map = (struct vm_map){.vm = &s->vm,
				 .name = "shared",
				 .kind = kind,
				 .key_size = key_size,
				 .value_size = value_size,
				 .max_entries = entries,
				 .flags = flags};
	assert_int_equal(vm_map_open(&s->map, &diag), 0);
	return s;
}

static void unshare_map(struct shared *s)
{
	vm_map_close(&s->map);
	free(s);
}

static u32 draw(struct worker *w, u32 below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (u32)(w->random >> 20) % below;
}

static void in_threads(struct shared *s, struct worker w[THREADS], void *(*fn)(void *))
{
	pthread_t threads[THREADS];

	for (u32 i = 0; i < THREADS; i++) {
		w[i] = (struct worker){
			.shared = s, .number = i, .random = 88172645463325252ull + i * 977};
		assert_int_equal(pthread_create(&threads[i], NULL, fn, &w[i]), 0);
	}
	for (u32 i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static u32 count_keys(struct vm_map *map)
{
	u8 key[64] = {0};
	u32 n = 0;

	for (int err = vm_map_next(map, NULL, key); !err && n < 100000; n++)
		err = vm_map_next(map, key, key);
	return n;
}

/* ---- elements come and go */

static void *change(void *arg)
{
	struct worker *w = arg;
	struct vm_map *map = &w->shared->map;

	for (u32 i = 0; i < STEPS; i++) {
		u32 key = draw(w, KEYS), what = draw(w, 8);
		u64 value[3] = {key, key, key};

		if (what < 2)
			w->balance += !map->ops->update(map, &key, value, BPF_NOEXIST, w->number);
		else if (what < 4)
			w->failed +=
				map->ops->update(map, &key, value, BPF_EXIST, w->number) == -ENOMEM;
		else if (what < 6)
			w->balance -= !map->ops->remove(map, &key);
		else
			w->sum += map->ops->lookup(map, &key, w->number) != NULL;
	}
	return NULL;
}

/* Each of max_entries fits, one more does not: no node was lost. */
static void can_be_filled(struct vm_map *map)
{
	u32 key = 1000;
	u64 value[3] = {0};
	u8 old[64];

	while (!vm_map_next(map, NULL, old))
		assert_int_equal(vm_map_delete(map, old), 0);
	for (u32 i = 0; i < map->max_entries; i++, key++)
		assert_int_equal(map->ops->update(map, &key, value, BPF_ANY, 0), 0);
	assert_int_equal(map->ops->update(map, &key, value, BPF_ANY, 0), -E2BIG);
	assert_int_equal(count_keys(map), map->max_entries);
}

static void elements_add_up(void **state)
{
	static const u32 kinds[] = {MAP_HASH, MAP_PERCPU_HASH};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct shared *s = share(kinds[i], 4, 24, KEYS, 0);
		struct worker w[THREADS];
		s64 balance = 0;

		in_threads(s, w, change);
		for (u32 t = 0; t < THREADS; t++) {
			balance += w[t].balance;
			assert_int_equal(w[t].failed, 0);
		}
		assert_int_equal(count_keys(&s->map), balance);
		can_be_filled(&s->map);
		unshare_map(s);
	}
}

/* ---- counters */

static void *count(void *arg)
{
	struct worker *w = arg;
	struct vm_map *map = &w->shared->map;

	for (u32 i = 0; i < STEPS; i++) {
		u32 key = draw(w, KEYS);
		u64 zero = 0, *value = map->ops->lookup(map, &key, w->number);

		if (!value) {
			map->ops->update(map, &key, &zero, BPF_NOEXIST, w->number);
			value = map->ops->lookup(map, &key, w->number);
		}
		__atomic_fetch_add(value, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static u64 total(struct vm_map *map)
{
	u64 sum = 0;

	for (u32 key = 0; key < KEYS; key++)
		for (u32 cpu = 0; cpu < (map_is_per_cpu(map) ? THREADS : 1); cpu++)
			sum += *(u64 *)map->ops->lookup(map, &key, cpu);
	return sum;
}

static void counters_add_up(void **state)
{
	static const u32 kinds[] = {MAP_HASH, MAP_PERCPU_HASH, MAP_LRU_HASH, MAP_ARRAY,
				    MAP_PERCPU_ARRAY};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct shared *s = share(kinds[i], 4, 8, KEYS, 0);
		struct worker w[THREADS];

		in_threads(s, w, count);
		assert_int_equal(total(&s->map), THREADS * STEPS);
		unshare_map(s);
	}
}

/* ---- processes, one of which dies in the midst */

static void children_share_and_die(void **state)
{
	struct shared *s = share(MAP_HASH, 4, 24, KEYS, 0);
	pid_t children[3];
	u32 key = 5;
	u64 value[3] = {0};

	(void)state;
	for (u32 i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct worker w = {.shared = s, .number = i, .random = 99 + i};

			for (u32 round = 0; i == 2 || round < 2; round++)
				change(&w);
			_exit(0);
		}
		assert_true(children[i] > 0);
	}
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
	kill(children[2], SIGKILL);
	waitpid(children[2], NULL, 0);
	for (key = 0; key < KEYS; key++) /* none of the locks stays shut */
		assert_true(s->map.ops->update(&s->map, &key, value, BPF_ANY, 0) != -EINVAL);
	assert_true(count_keys(&s->map) >= KEYS - 1); /* one may have been on its way */
	unshare_map(s);
}

static void a_lock_of_the_dead_is_taken_over(void **state)
{
	u32 *lock = vm_memory(4096, false);
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		lock_take(lock);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	assert_int_equal(*lock & 1, 1);
	lock_take(lock);
	lock_give(lock);
	assert_int_equal(*lock & 1, 0);
	vm_memory_free(lock, 4096);
}

/* ---- forgetting */

static void *overfill(void *arg)
{
	struct worker *w = arg;
	struct vm_map *map = &w->shared->map;

	for (u32 i = 0; i < STEPS; i++) {
		u32 key = draw(w, 5000);
		u64 value[3] = {key, key, key};

		w->failed += map->ops->update(map, &key, value, BPF_ANY, w->number) != 0;
		key = w->number; /* the one that is always asked for */
		w->sum += map->ops->lookup(map, &key, w->number) != NULL;
		map->ops->update(map, &key, value, BPF_NOEXIST, w->number);
	}
	return NULL;
}

static void full_maps_forget_the_unused(void **state)
{
	static const u32 kinds[] = {MAP_LRU_HASH, MAP_LRU_PERCPU_HASH};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct shared *s = share(kinds[i], 4, 24, 100, 0);
		struct worker w[THREADS];

		in_threads(s, w, overfill);
		for (u32 t = 0; t < THREADS; t++) {
			assert_int_equal(w[t].failed, 0);
			assert_true(w[t].sum > STEPS * 9 / 10);
		}
		assert_true(count_keys(&s->map) <= 100);
		assert_true(count_keys(&s->map) > 100 - THREADS);
		unshare_map(s);
	}
}

/* ---- rings */

static void *produce(void *arg)
{
	struct worker *w = arg;

	for (u64 i = 0; i < STEPS;) {
		u64 record[2] = {w->number, i};

		if (ring_output(&w->shared->map, record, i % 2 ? 16 : 12, BPF_RB_NO_WAKEUP) == 0)
			i++;
		else
			sched_yield();
	}
	return NULL;
}

static void *consume(void *arg)
{
	struct worker *w = arg;
	u64 next[THREADS] = {0}, seen = 0;

	while (seen < (THREADS - 1) * STEPS) {
		void *sample;
		u32 size;
		u64 record[2] = {0};

		if (ring_peek(&w->shared->map, &sample, &size)) {
			sched_yield();
			continue;
		}
		memcpy(record, sample, size);
		w->failed += record[0] >= THREADS || next[record[0]]++ != record[1];
		w->failed += size != (record[1] % 2 ? 16 : 12);
		ring_release(&w->shared->map, size);
		seen++;
	}
	return NULL;
}

static void *either(void *arg)
{
	return ((struct worker *)arg)->number ? produce(arg) : consume(arg);
}

static void records_come_once_and_in_order(void **state)
{
	struct shared *s = share(MAP_RINGBUF, 0, 0, 8192, 0);
	struct worker w[THREADS];

	(void)state;
	in_threads(s, w, either);
	assert_int_equal(w[0].failed, 0);
	unshare_map(s);
}

/* ---- queues */

static void *queue_up(void *arg)
{
	struct worker *w = arg;
	struct vm_map *map = &w->shared->map;

	for (u64 i = 1; i <= STEPS; i++) {
		u64 value;

		if (!map->ops->push(map, &i, BPF_ANY))
			w->sum += i;
		if (!map->ops->pop(map, &value))
			w->sum -= value;
	}
	return NULL;
}

static void queues_add_up(void **state)
{
	static const u32 kinds[] = {MAP_QUEUE, MAP_STACK};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct shared *s = share(kinds[i], 0, 8, 3, 0);
		struct worker w[THREADS];
		u64 sum = 0, value;

		in_threads(s, w, queue_up);
		for (u32 t = 0; t < THREADS; t++)
			sum += w[t].sum;
		while (!vm_map_pop(&s->map, NULL, &value))
			sum -= value;
		assert_int_equal(sum, 0);
		unshare_map(s);
	}
}

/* ---- prefixes: 10.x.0.0/16 is always there, more come and go below it */

static void *route(void *arg)
{
	struct worker *w = arg;
	struct vm_map *map = &w->shared->map;

	for (u32 i = 0; i < STEPS; i++) {
		u8 key[8] = {24, 0, 0, 0, 10, (u8)draw(w, 4), (u8)draw(w, 8), (u8)draw(w, 256)};
		u64 value = key[5], *found;

		if (w->number < 2 && draw(w, 2))
			map->ops->update(map, key, &value, BPF_ANY, 0);
		else if (w->number < 2)
			map->ops->remove(map, key);
		key[0] = 32;
		found = map->ops->lookup(map, key, 0);
		w->failed += !found;
	}
	return NULL;
}

static void prefixes_are_always_found(void **state)
{
	struct shared *s = share(MAP_LPM_TRIE, 8, 8, 100, BPF_F_NO_PREALLOC);
	struct worker w[THREADS];

	(void)state;
	for (u8 i = 0; i < 4; i++) {
		u8 key[8] = {16, 0, 0, 0, 10, i};
		u64 value = i;

		assert_int_equal(vm_map_update(&s->map, key, &value, BPF_ANY), 0);
	}
	in_threads(s, w, route);
	for (u32 t = 0; t < THREADS; t++)
		assert_int_equal(w[t].failed, 0);
	unshare_map(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_add_up),
		cmocka_unit_test(counters_add_up),
		cmocka_unit_test(children_share_and_die),
		cmocka_unit_test(a_lock_of_the_dead_is_taken_over),
		cmocka_unit_test(full_maps_forget_the_unused),
		cmocka_unit_test(records_come_once_and_in_order),
		cmocka_unit_test(queues_add_up),
		cmocka_unit_test(prefixes_are_always_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
