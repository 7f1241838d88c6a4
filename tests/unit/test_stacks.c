/* test_stacks.c: ids of stacks become frames: what they become, and by how many calls of the
 * engine. */
#include "session/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>

#include <cmocka.h>

#define MANY 5000

static u32 reads, lookups;
static bool deep;  /* all have all frames */
static u32 memory; /* memory ends with this lookup, and with a read; 0: it does not */
static struct waggle_session *starved;

/* Stack i has i % 20 + 1 frames. */
static void frames_of(u64 id, u64 *frames)
{
	memset(frames, deep, 8 * STACK_FRAMES);
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
	if (memory)
		starved->stacks.ends.failed = true;
	return 0;
}

static int map_lookup(struct engine *e, u32 map, const void *key, void *value)
{
	u64 id;

	(void)e;
	assert_int_equal(map, 1);
	if (++lookups == memory)
		starved->stacks.ends.failed = true;
	memcpy(&id, key, sizeof(id));
	if (id > MANY && !deep)
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

static struct object_map maps[] = {
	{.name = "m", .key = {fields, 2, sizeof(struct key)}, .key_size = sizeof(struct key)},
	{.name = STACKS_MAP, .key_size = 8, .value_size = 8 * STACK_FRAMES},
};
static struct buf none; /* values without stacks */
static struct object object = {.maps = {maps, 2, 2}};
static struct engine_ops ops = {.map_read = map_read, .map_lookup = map_lookup};
static struct engine engine = {.ops = &ops};

/* Keys of stacks 1..n, the last one of a stack that is not there. */
static struct buf keys_of(u32 n)
{
	struct buf keys = {0};

	for (u32 i = 0; i < n; i++) {
		struct key key = {i, i + 1 < n ? i + 1 : MANY + 1, 77};

		buf_add(&keys, &key, sizeof(key));
	}
	return keys;
}

/* *deepest frames have room. */
static void expand(struct waggle_session *s, u32 n, u32 deepest)
{
	const struct object_map *m = &maps[0];
	struct buf keys = keys_of(n);
	struct arena arena = {0};

	reads = lookups = 0;
	assert_int_equal(stacks_expand(s, &arena, &m, &keys, &none, n), 0);
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

/* In values, too; what is behind the fields stays behind them. */
static void values_are_expanded(void **unused)
{
	struct waggle_session s = {.object = &object, .engine = &engine};
	struct field number = {.name = "n", .kind = FIELD_UINT, .size = 8};
	struct object_map map = {.name = "v",
				 .key = {&number, 1, 8},
				 .key_size = 8,
				 .value = {fields, 2, sizeof(struct key)},
				 .value_size = sizeof(struct key) + 8};
	const struct object_map *m = &map;
	struct buf keys = {0}, values = {0};
	struct arena arena = {0};

	(void)unused;
	assert_true(stacks_by_id(&s, m));
	for (u64 i = 0; i < 3; i++) {
		struct {
			struct key value;
			u64 is_set;
		} v = {{i, i + 1, 77}, i * 100};

		buf_add(&keys, &i, 8);
		buf_add(&values, &v, sizeof(v));
	}
	assert_int_equal(stacks_expand(&s, &arena, &m, &keys, &values, 3), 0);
	assert_int_equal(m->key_size, 8);
	assert_int_equal(keys.n, 3 * 8);
	assert_int_equal(m->value.size, 8 + 8 + 4 * 8);
	assert_int_equal(m->value_size, m->value.size + 8);
	assert_int_equal(values.n, 3 * m->value_size);
	for (u64 i = 0; i < 3; i++) {
		u64 want[STACK_FRAMES] = {0}, got[7];

		frames_of((u32)i + 1, want);
		memcpy(got, values.p + i * m->value_size, sizeof(got));
		assert_int_equal(got[0], i);
		assert_int_equal(got[1], 77);
		assert_memory_equal(got + 2, want, 4 * 8);
		assert_int_equal(got[6], i * 100);
	}
	buf_free(&keys);
	buf_free(&values);
	arena_free(&arena);
	stacks_free(&s.stacks);
}

static void few_are_looked_up(void **unused)
{
	struct waggle_session s = {.object = &object, .engine = &engine};

	(void)unused;
	expand(&s, 10, 10);
	assert_int_equal(reads, 0);
	assert_int_equal(lookups, 10);
	expand(&s, 12, 12); /* those that are new, and the one that was not there */
	assert_int_equal(reads, 0);
	assert_int_equal(lookups, 3);
	stacks_free(&s.stacks);
}

static void many_are_read_at_once(void **unused)
{
	struct waggle_session s = {.object = &object, .engine = &engine};

	(void)unused;
	expand(&s, 10, 10);
	expand(&s, MANY, 20);
	assert_int_equal(reads, 1);
	assert_int_equal(lookups, 0);
	expand(&s, MANY, 20);
	assert_int_equal(reads, 0);
	assert_int_equal(lookups, 1);
	stacks_free(&s.stacks);
}

/* Piece by piece; then nothing is left for the end but what was not there. */
static void ahead_of_time(void **unused)
{
	struct waggle_session s = {.object = &object, .engine = &engine};
	struct buf keys = keys_of(MANY);
	u32 pieces = 0;

	(void)unused;
	reads = lookups = 0;
	assert_true(stacks_by_id(&s, &maps[0]));
	assert_false(stacks_by_id(&s, &maps[1]));
	assert_false(stacks_prepare(&s));
	stacks_want(&s, &maps[0], &keys, &none, MANY);
	stacks_want(&s, &maps[0], &keys, &none, MANY); /* another map that has the same ones */
	assert_true(stacks_want_many(&s));
	while (stacks_prepare(&s))
		pieces++;
	assert_in_range(pieces, 20, 1000);
	assert_int_equal(reads, 0);
	assert_int_equal(lookups, MANY + 1); /* what is not there is asked for by both */
	stacks_want_none(&s);
	stacks_want(&s, &maps[0], &keys, &none, MANY);
	assert_false(stacks_want_many(&s));
	assert_false(stacks_prepare(&s));
	assert_int_equal(lookups, MANY + 2);
	expand(&s, MANY, 20);
	assert_int_equal(reads, 0);
	assert_int_equal(lookups, 1);
	stacks_free(&s.stacks);
	buf_free(&keys);
}

/* Keys of stacks from `first` on that are not there. */
static struct buf missing_keys(u32 first, u32 n)
{
	struct buf keys = {0};

	for (u32 i = 0; i < n; i++) {
		struct key key = {i, MANY + first + i, 77};

		buf_add(&keys, &key, sizeof(key));
	}
	return keys;
}

/* A map of stacks that is full, and a map of keys that is cleared and filled again: there are new
 * ids without end. */
static void misses_cost_little_and_are_not_kept(void **unused)
{
	enum { LOOKS = 500, N = 3000 };
	struct waggle_session s = {.object = &object, .engine = &engine};
	struct buf keys;
	u32 eager = 0;

	(void)unused;
	reads = lookups = 0;
	for (u32 i = 0; i < LOOKS; i++) {
		keys = missing_keys(i * N + 1, N);
		stacks_want_none(&s);
		stacks_want(&s, &maps[0], &keys, &none, N);
		eager += stacks_want_many(&s);
		while (stacks_prepare(&s))
			;
		buf_free(&keys);
	}
	assert_int_equal(eager, 1); /* the first time nobody knows */
	assert_in_range(lookups, LOOKS, LOOKS * 32);
	assert_int_equal(s.stacks.ids.n + s.stacks.ends.n + s.stacks.frames.n, 0);
	assert_in_range(s.stacks.wanted.cap, N * 8, N * 32);

	/* Once there is room again, all goes on. */
	keys = keys_of(MANY);
	stacks_want_none(&s);
	stacks_want(&s, &maps[0], &keys, &none, MANY);
	assert_false(stacks_want_many(&s));
	assert_true(stacks_prepare(&s));
	assert_true(stacks_want_many(&s));
	while (stacks_prepare(&s))
		;
	assert_int_equal(s.stacks.n, MANY - 1);
	stacks_free(&s.stacks);
	buf_free(&keys);
}

/* Memory ends while stacks are read: of those that count all is there, and the next time is not
 * spoiled. */
static void memory_ends(void **unused)
{
	struct waggle_session s = {.object = &object, .engine = &engine};
	struct buf keys = keys_of(MANY);
	const struct object_map *m = &maps[0];
	struct arena arena = {0};

	(void)unused;
	starved = &s;
	lookups = 0;
	memory = 20;
	stacks_want(&s, m, &keys, &none, MANY);
	while (stacks_prepare(&s))
		;
	assert_int_equal(lookups, 20);
	assert_int_equal(s.stacks.n, 19);
	assert_in_range(s.stacks.ids.n, 19 * 8, 20 * 8);
	assert_int_equal(s.stacks.ends.n, 19 * 4);
	stacks_want(&s, m, &keys, &none, MANY); /* asks for nothing, and reads nothing that is not there */
	assert_false(stacks_prepare(&s));
	assert_int_equal(lookups, 20);

	assert_int_equal(stacks_expand(&s, &arena, &m, &keys, &none, MANY), -ENOMEM);
	assert_ptr_equal(m, &maps[0]);
	assert_int_equal(s.stacks.n, 0);
	memory = 0;
	expand(&s, MANY, 20);
	assert_int_equal(reads, 1);
	stacks_free(&s.stacks);
	buf_free(&keys);
	arena_free(&arena);
}

/* What is kept has a bound. */
static void no_more_than_there_is_room_for(void **unused)
{
	enum { DEEP = 200000 };
	struct waggle_session s = {.object = &object, .engine = &engine};
	struct buf keys = {0};
	u32 rounds = 0;

	(void)unused;
	deep = true;
	for (u32 i = 0; i < DEEP; i++) {
		struct key key = {i, i + 1, 77};

		buf_add(&keys, &key, sizeof(key));
	}
	stacks_want(&s, &maps[0], &keys, &none, DEEP);
	while (stacks_prepare(&s))
		rounds++;
	assert_in_range(s.stacks.frames.n, 4 << 20, 8 << 20);
	assert_true(rounds < DEEP / 64);
	stacks_want_none(&s);
	stacks_want(&s, &maps[0], &keys, &none, DEEP);
	assert_false(stacks_want_many(&s));
	stacks_free(&s.stacks);
	buf_free(&keys);
	deep = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_expanded),
		cmocka_unit_test(few_are_looked_up),
		cmocka_unit_test(many_are_read_at_once),
		cmocka_unit_test(ahead_of_time),
		cmocka_unit_test(misses_cost_little_and_are_not_kept),
		cmocka_unit_test(memory_ends),
		cmocka_unit_test(no_more_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
