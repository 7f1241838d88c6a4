/* test_stacks.c: ids of stacks become frames: what they become, and by how many calls of the
 * engine. */
#include "session/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>

#include <cmocka.h>

#define MANY 5000

static u32 reads, lookups;

/* Stack i has i % 20 + 1 frames. */
static void frames_of(u64 id, u64 *frames)
{
	memset(frames, 0, 8 * STACK_FRAMES);
	for (u64 i = 0; i <= id % 20; i++)
		frames[i] = id * 100 + i + 1;
}

static int map_read(struct engine *e, u32 map, struct buf *keys, struct buf *values, u32 *n)
{
	u64 frames[STACK_FRAMES];

	(void)e;
	assert_int_equal(map, 1);
	reads++;
	for (u64 id = 1; id <= MANY; id++) {
		frames_of(id, frames);
		buf_add(keys, &id, sizeof(id));
		buf_add(values, frames, sizeof(frames));
	}
	*n += MANY;
	return 0;
}

static int map_lookup(struct engine *e, u32 map, const void *key, void *value)
{
	u64 id;

	(void)e;
	assert_int_equal(map, 1);
	lookups++;
	memcpy(&id, key, sizeof(id));
	if (id > MANY)
		return -ENOENT;
	frames_of(id, value);
	return 0;
}

struct key {
	u64 cpu, id, pid;
};
static struct field fields[] = {
	{.name = "cpu", .kind = FIELD_UINT, .size = 8},
	{.name = "ustack", .kind = FIELD_USTACK, .off = 8, .size = 16, .mode = STACK_BY_ID},
};

/* Keys of stacks 1..n, and one that is not there; *deepest frames have room. */
static void expand(u32 n, u32 deepest)
{
	static struct key raw[MANY + 1];
	struct object_map maps[] = {
		{.name = "m",
		 .key = {fields, 2, sizeof(struct key)},
		 .key_size = sizeof(struct key)},
		{.name = STACKS_MAP, .key_size = 8, .value_size = 8 * STACK_FRAMES},
	};
	struct engine_ops ops = {.map_read = map_read, .map_lookup = map_lookup};
	struct object object = {.maps = {maps, 2, 2}};
	struct engine engine = {.ops = &ops};
	struct waggle_session s = {.object = &object, .engine = &engine};
	const struct object_map *m = &maps[0];
	struct arena arena = {0};
	struct buf keys = {0};

	for (u32 i = 0; i < n; i++)
		raw[i] = (struct key){i, i + 1, 77};
	raw[n - 1].id = MANY + 1;
	buf_add(&keys, raw, sizeof(*raw) * n);
	reads = lookups = 0;
	assert_int_equal(stacks_expand(&s, &arena, &m, &keys, n), 0);
	assert_int_equal(m->key_size, 8 + 8 + deepest * 8);
	assert_int_equal(m->key.fields[1].size, 8 + deepest * 8);
	assert_int_equal(m->key.fields[1].mode & STACK_BY_ID, 0);
	assert_int_equal(keys.n, (size_t)n * m->key_size);
	for (u32 i = 0; i < n; i++) {
		u64 want[STACK_FRAMES] = {0}, got[2 + 20] = {0};

		memcpy(got, keys.p + (size_t)i * m->key_size, m->key_size);
		if (i + 1 < n)
			frames_of(i + 1, want);
		assert_int_equal(got[0], i);
		assert_int_equal(got[1], 77);
		assert_memory_equal(got + 2, want, deepest * 8);
	}
	buf_free(&keys);
	arena_free(&arena);
}

static void few_are_looked_up(void **unused)
{
	(void)unused;
	expand(10, 10);
	assert_int_equal(reads, 0);
	assert_int_equal(lookups, 10);
}

static void many_are_read_at_once(void **unused)
{
	(void)unused;
	expand(MANY, 20);
	assert_int_equal(reads, 1);
	assert_int_equal(lookups, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_are_looked_up),
		cmocka_unit_test(many_are_read_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
