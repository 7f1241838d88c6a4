/*
 * test_vm_maps.c: the machine's maps against the kernel's: random operations on the same map in
 * both give the same results and the same errors.
 *
 * In the kernel by bpf(2); without the right to make maps there that test is skipped. What the two
 * may do otherwise is left out: the order of a hash map's keys, and which element an LRU map
 * forgets (it is never full here).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm/map.h"

/* ---- the kernel's side */

enum { MAP_CREATE, LOOKUP, UPDATE, DELETE, NEXT, LOOKUP_AND_DELETE = 21 };
union attr {
	struct {
		u32 type, key_size, value_size, max_entries, flags, inner_fd;
	} make;
	struct {
		u32 fd, pad;
		u64 key, value, flags;
	} elem;
	char room[128];
};

static int sys(int cmd, union attr *a)
{
	long got = syscall(SYS_bpf, cmd, a, sizeof(*a));

	/* 524, ENOTSUPP, is a number of the kernel's own. */
	return got >= 0 ? (int)got : errno == 524 ? -EOPNOTSUPP : -errno;
}

static int elem(int cmd, int fd, const void *key, const void *value, u64 flags)
{
	union attr a = {.elem = {(u32)fd, 0, (u64)(uintptr_t)key, (u64)(uintptr_t)value, flags}};

	return sys(cmd, &a);
}

/* ---- a map in both */

#define KEY_MAX   40
#define VALUE_MAX (64 * 256)
struct shape {
	u32 kind, key_size, value_size, max_entries, flags;
	u32 keys; /* that are used */
};
struct pair {
	struct shape shape;
	struct vm vm;
	struct vm_map map;
	int fd;
	u32 value_bytes; /* of all CPUs */
	u64 random;
	char what[200]; /* the operation, for messages */
};

static u32 draw(struct pair *p, u32 below)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return (u32)(p->random >> 20) % below;
}

static u32 possible_cpus(void)
{
	u32 first = 0, last = 0;
	FILE *f = fopen("/sys/devices/system/cpu/possible", "r");

	assert_non_null(f);
	assert_true(fscanf(f, "%u-%u", &first, &last) >= 1);
	fclose(f);
	return last ? last + 1 : first + 1;
}

/* Both results of making the map; our own map is there when ours is 0. */
static void make_both(struct pair *p, const struct shape *s, int *theirs, int *ours)
{
	union attr a = {.make = {s->kind, s->key_size, s->value_size, s->max_entries, s->flags, 0}};

	memset(p, 0, sizeof(*p));
	p->shape = *s;
	p->random = 88172645463325252ull + s->kind * 977 + s->value_size;
	p->vm.opts.cpus = possible_cpus();
	p->map = (struct vm_map){.vm = &p->vm,
				 .name = "m",
				 .kind = s->kind,
				 .key_size = s->key_size,
				 .value_size = s->value_size,
				 .max_entries = s->max_entries,
				 .flags = s->flags};
	p->value_bytes = map_kind(s->kind)->per_cpu ? round8(s->value_size) * p->vm.opts.cpus
						    : s->value_size;
	assert_true(p->value_bytes <= VALUE_MAX);
	p->fd = sys(MAP_CREATE, &a);
	*theirs = MIN(p->fd, 0);
	*ours = vm_map_open(&p->map, &(struct diag){0});
}

static void close_both(struct pair *p)
{
	if (p->fd >= 0)
		close(p->fd);
	vm_map_close(&p->map);
}

static void same(struct pair *p, int theirs, int ours)
{
	if (theirs != ours)
		fail_msg("%s map (%u, %u, %u, 0x%x): %s: the kernel says %d, we say %d",
			 map_kind(p->shape.kind)->name, p->shape.key_size, p->shape.value_size,
			 p->shape.max_entries, p->shape.flags, p->what, theirs, ours);
}

static void same_bytes(struct pair *p, const void *theirs, const void *ours, u32 n)
{
	if (memcmp(theirs, ours, n))
		fail_msg("%s map: %s: other bytes", map_kind(p->shape.kind)->name, p->what);
}

/* ---- operations */

static void some_key(struct pair *p, u8 *key)
{
	u32 n = draw(p, p->shape.keys);

	memset(key, 0, KEY_MAX);
	if (p->shape.kind == MAP_LPM_TRIE) {
		u32 most = (p->shape.key_size - 4) * 8;

		/* few bits, so that prefixes meet; sometimes too many */
		n = draw(p, 50) ? draw(p, most + 1) : most + 1 + draw(p, 3);
		memcpy(key, &n, sizeof(n));
		for (u32 i = 4; i < p->shape.key_size; i++)
			key[i] = (u8)(draw(p, 3) ? 0 : 1u << draw(p, 8));
		return;
	}
	memcpy(key, &n, MIN(p->shape.key_size, 4u));
	if (p->shape.key_size > 8) /* a long key differs at its end only, too */
		key[p->shape.key_size - 1] = (u8)(n * 7);
}

static void some_value(struct pair *p, u8 *value)
{
	for (u32 i = 0; i < p->value_bytes; i++)
		value[i] = (u8)draw(p, 256);
}

static void try_lookup(struct pair *p)
{
	u8 key[KEY_MAX], a[VALUE_MAX] = {0}, b[VALUE_MAX] = {0};
	int theirs, ours;

	some_key(p, key);
	snprintf(p->what, sizeof(p->what), "lookup of %u", *(u32 *)(void *)key);
	theirs = elem(LOOKUP, p->fd, key, a, 0);
	ours = vm_map_lookup(&p->map, key, b);
	same(p, theirs, ours);
	if (!ours && !map_kind(p->shape.kind)->per_cpu)
		same_bytes(p, a, b, p->value_bytes);
	for (u32 c = 0; !ours && map_kind(p->shape.kind)->per_cpu && c < p->vm.opts.cpus; c++)
		same_bytes(p, a + c * round8(p->shape.value_size),
			   b + c * round8(p->shape.value_size), p->shape.value_size);
}

static void try_update(struct pair *p)
{
	static const u64 flags[] = {0, 0, 0, 0, 1, 2, 3, 4, 5, 8, 1ull << 40};
	u8 key[KEY_MAX], value[VALUE_MAX];
	u64 how = flags[draw(p, ARRAY_SIZE(flags))];

	some_key(p, key);
	some_value(p, value);
	snprintf(p->what, sizeof(p->what), "update of %u with 0x%llx", *(u32 *)(void *)key,
		 (unsigned long long)how);
	same(p, elem(UPDATE, p->fd, key, value, how), vm_map_update(&p->map, key, value, how));
}

static void try_delete(struct pair *p)
{
	u8 key[KEY_MAX];

	some_key(p, key);
	snprintf(p->what, sizeof(p->what), "delete of %u", *(u32 *)(void *)key);
	same(p, elem(DELETE, p->fd, key, NULL, 0), vm_map_delete(&p->map, key));
}

static bool has_order(u32 kind)
{
	return kind == MAP_ARRAY || kind == MAP_PERCPU_ARRAY || kind == MAP_LPM_TRIE;
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, KEY_MAX);
}

#define KEYS_MAX 300
/* All keys; -errno of what ended it. */
static int all_keys(struct pair *p, bool kernel, u8 keys[KEYS_MAX][KEY_MAX], u32 *n)
{
	int err = 0;

	memset(keys, 0, KEYS_MAX * KEY_MAX);
	for (*n = 0; *n < KEYS_MAX; ++*n) {
		const u8 *before = *n ? keys[*n - 1] : NULL;

		err = kernel ? elem(NEXT, p->fd, before, keys[*n], 0)
			     : vm_map_next(&p->map, before, keys[*n]);
		if (err)
			break;
	}
	if (!has_order(p->shape.kind))
		qsort(keys, *n, KEY_MAX, by_bytes);
	return err;
}

static void try_walk(struct pair *p)
{
	static u8 a[KEYS_MAX][KEY_MAX], b[KEYS_MAX][KEY_MAX];
	u8 key[KEY_MAX], next[2][KEY_MAX] = {{0}};
	u32 na, nb;
	int theirs, ours;

	snprintf(p->what, sizeof(p->what), "walk");
	theirs = all_keys(p, true, a, &na);
	ours = all_keys(p, false, b, &nb);
	same(p, theirs, ours);
	same(p, (int)na, (int)nb);
	same_bytes(p, a, b, sizeof(a));
	some_key(p, key);
	snprintf(p->what, sizeof(p->what), "key behind %u", *(u32 *)(void *)key);
	theirs = elem(NEXT, p->fd, key, next[0], 0);
	ours = vm_map_next(&p->map, key, next[1]);
	if (has_order(p->shape.kind)) {
		same(p, theirs, ours);
		same_bytes(p, next[0], next[1], KEY_MAX);
	}
}

static void compare(const struct shape *s, u32 steps)
{
	static struct pair p;
	int theirs, ours;

	make_both(&p, s, &theirs, &ours);
	snprintf(p.what, sizeof(p.what), "making it");
	if (theirs == -EPERM) {
		close_both(&p);
		skip();
	}
	same(&p, theirs, ours);
	while (!theirs && steps--) {
		u32 dice = draw(&p, 10);

		if (dice < 3)
			try_lookup(&p);
		else if (dice < 7)
			try_update(&p);
		else if (dice < 9)
			try_delete(&p);
		else
			try_walk(&p);
	}
	close_both(&p);
}

static void maps_do_what_the_kernels_do(void **state)
{
	static const struct shape shapes[] = {
		{MAP_HASH, 4, 8, 8, 0, 12},
		{MAP_HASH, 1, 3, 5, BPF_F_NO_PREALLOC, 9},
		{MAP_HASH, 33, 100, 200, 0, 250},
		{MAP_HASH, 8, 48, 64, BPF_F_NO_PREALLOC, 40},
		{MAP_HASH, 4, 8, 8, BPF_F_RDONLY, 12},
		{MAP_HASH, 4, 8, 8, BPF_F_WRONLY, 12},
		{MAP_PERCPU_HASH, 4, 8, 8, 0, 12},
		{MAP_PERCPU_HASH, 16, 20, 30, BPF_F_NO_PREALLOC, 50},
		{MAP_LRU_HASH, 4, 8, 4000, 0, 60},
		{MAP_LRU_PERCPU_HASH, 6, 12, 4000, 0, 60},
		{MAP_LPM_TRIE, 8, 8, 40, BPF_F_NO_PREALLOC, 1},
		{MAP_LPM_TRIE, 5, 3, 100, BPF_F_NO_PREALLOC, 1},
		{MAP_LPM_TRIE, 20, 24, 30, BPF_F_NO_PREALLOC, 1},
		{MAP_LPM_TRIE, 6, 1, 8, BPF_F_NO_PREALLOC, 1},
		{MAP_ARRAY, 4, 8, 5, 0, 8},
		{MAP_ARRAY, 4, 13, 1, 0, 3},
		{MAP_ARRAY, 4, 4096, 3, BPF_F_MMAPABLE, 4},
		{MAP_PERCPU_ARRAY, 4, 12, 5, 0, 8},
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(shapes); i++)
		compare(&shapes[i], 1500);
}

static void queues_do_what_the_kernels_do(void **state)
{
	static const struct shape shapes[] = {
		{MAP_QUEUE, 0, 8, 5, 0, 0},
		{MAP_STACK, 0, 8, 5, 0, 0},
		{MAP_QUEUE, 0, 13, 1, 0, 0},
		{MAP_STACK, 0, 100, 7, BPF_F_WRONLY, 0},
		{MAP_QUEUE, 0, 100, 7, BPF_F_RDONLY, 0},
	};
	static const u64 flags[] = {0, 0, 0, 2, 2, 1, 3, 4, 8};
	static struct pair p;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(shapes); i++) {
		int theirs, ours;

		make_both(&p, &shapes[i], &theirs, &ours);
		same(&p, theirs, ours);
		for (u32 step = 0; step < 2000; step++) {
			u8 a[128] = {0}, b[128] = {0};
			u64 how = flags[draw(&p, ARRAY_SIZE(flags))];
			u32 op = draw(&p, 5);

			if (op < 2)
				some_value(&p, a);
			memcpy(b, a, sizeof(b));
			snprintf(p.what, sizeof(p.what), "operation %u, 0x%x", op, (u32)how);
			if (op < 2)
				same(&p, elem(UPDATE, p.fd, NULL, a, how),
				     vm_map_update(&p.map, NULL, b, how));
			else if (op == 2)
				same(&p, elem(LOOKUP, p.fd, NULL, a, 0),
				     vm_map_lookup(&p.map, NULL, b));
			else if (op == 3)
				same(&p, elem(LOOKUP_AND_DELETE, p.fd, NULL, a, 0),
				     vm_map_pop(&p.map, NULL, b));
			else
				same(&p, elem(DELETE, p.fd, NULL, NULL, 0),
				     vm_map_delete(&p.map, NULL));
			same_bytes(&p, a, b, p.value_bytes);
		}
		close_both(&p);
	}
}

/* Whatever was put in is found, in both; of others at most a few are. */
static void filters_forget_nothing(void **state)
{
	static const struct shape shape = {MAP_BLOOM_FILTER, 0, 8, 500, 0, 0};
	static struct pair p;
	u32 wrong = 0;
	int theirs, ours;

	(void)state;
	make_both(&p, &shape, &theirs, &ours);
	same(&p, theirs, ours);
	for (u64 n = 0; n < 500; n++) {
		u64 how = n % 100 ? BPF_ANY : n % 3;

		snprintf(p.what, sizeof(p.what), "0x%x", (u32)how);
		same(&p, elem(UPDATE, p.fd, NULL, &n, how), vm_map_update(&p.map, NULL, &n, how));
	}
	for (u64 n = 0; n < 1000; n++) {
		int found = vm_map_lookup(&p.map, NULL, &n);

		if (n < 500 && !(n % 100 == 0 && n % 3)) {
			assert_int_equal(found, 0);
			same(&p, elem(LOOKUP, p.fd, NULL, &n, 0), found);
		} else {
			assert_true(found == 0 || found == -ENOENT);
			wrong += found == 0;
		}
	}
	assert_true(wrong < 60);
	same(&p, elem(DELETE, p.fd, NULL, NULL, 0), vm_map_delete(&p.map, NULL));
	close_both(&p);
}

/* What no map can be is refused with the same error, or both make it. */
static void maps_are_refused_as_in_the_kernel(void **state)
{
	static const u32 kinds[] = {
		MAP_HASH,     MAP_ARRAY,           MAP_PERCPU_HASH, MAP_PERCPU_ARRAY,
		MAP_LRU_HASH, MAP_LRU_PERCPU_HASH, MAP_PROG_ARRAY,  MAP_PERF_EVENT_ARRAY,
		MAP_LPM_TRIE, MAP_QUEUE,           MAP_STACK,       MAP_BLOOM_FILTER};
	static const u32 sizes[] = {0, 1, 4, 8, 12, 16, 256, 257, 264};
	static const u32 flags[] = {0,    0,    0,     1,     2,     4,     8,      0x20,
				    0x40, 0x80, 0x180, 0x200, 0x400, 0x800, 0x1000, 0x100000};
	static struct pair p;

	(void)state;
	p.random = 1234567;
	for (u32 i = 0; i < 2000; i++) {
		struct shape s = {kinds[draw(&p, ARRAY_SIZE(kinds))],
				  sizes[draw(&p, 9)],
				  sizes[draw(&p, 9)],
				  draw(&p, 4) ? 1u << draw(&p, 13) : 0,
				  flags[draw(&p, ARRAY_SIZE(flags))],
				  1};
		u64 random = p.random;
		int theirs, ours;

		make_both(&p, &s, &theirs, &ours);
		p.random = random;
		snprintf(p.what, sizeof(p.what), "making it");
		if (theirs == -EPERM) {
			close_both(&p);
			skip();
		}
		same(&p, theirs, ours);
		close_both(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_do_what_the_kernels_do),
		cmocka_unit_test(queues_do_what_the_kernels_do),
		cmocka_unit_test(filters_forget_nothing),
		cmocka_unit_test(maps_are_refused_as_in_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
