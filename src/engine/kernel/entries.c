/*
 * entries.c: reads and writes the entries of an object's maps in the kernel.
 *
 * A map may have a spare one, for keys that came at a bad time (struct object_map). To those who
 * ask it is one map, with two values for each CPU: the first half of a value is the map's, the
 * second the spare one's. Zeroes where one has no such key: it has seen nothing then. What is
 * written goes into the map.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>

#define BATCH 1024 /* entries read by one call */

static bool map_per_cpu(const struct object_map *m)
{
	const struct map_kind *kind = map_kind(m->kind);

	return kind && kind->per_cpu;
}

u32 map_value_bytes(const struct engine *e, const struct object_map *m)
{
	if (map_per_cpu(m))
		return ALIGN_UP(m->value_size, 8) * e->cpus;
	return ALIGN_UP(data_size((const struct kernel_engine *)e, m), 8);
}

static int fd_of(const struct engine *e, u32 map)
{
	return ((const struct kernel_engine *)e)->maps[map];
}

static u32 spare_of(const struct engine *e, u32 map)
{
	return e->object->maps.v[map].spare;
}

u32 kernel_map_bytes(struct engine *e, u32 map)
{
	return map_value_bytes(e, &e->object->maps.v[map]) * (spare_of(e, map) ? 2 : 1);
}

/* Batches pack values without padding; spread them, from the last on, to value_bytes each. */
static void values_spread(char *values, u32 n, u32 packed, u32 value_bytes)
{
	while (packed < value_bytes && n--) {
		memmove(values + (size_t)n * value_bytes, values + (size_t)n * packed, packed);
		memset(values + (size_t)n * value_bytes + packed, 0, value_bytes - packed);
	}
}

/* Reads with few calls. -ENOENT: all is read; else nothing is (old kernel, or a crowded bucket), or
 * fn, which may be NULL and takes each batch away, has said so. */
static int read_batches(int fd, const struct object_map *m, u32 value_bytes, struct buf *keys,
			struct buf *values, u32 *n, engine_piece *fn, void *user)
{
	u64 where[2][64]; /* the kernel's note where it is: the size of a key, at least 8 */
	u32 count, turn = 0;
	int err;

	if (MAX(m->key_size, 8u) > sizeof(where[0]))
		return -E2BIG;
	do {
		char *key = buf_reserve(keys, (size_t)BATCH * m->key_size);
		char *value = buf_reserve(values, (size_t)BATCH * value_bytes);

		if (!key || !value)
			return -ENOMEM;
		count = BATCH;
		err = sys_map_lookup_batch(fd, turn ? where[~turn & 1] : NULL, where[turn & 1], key,
					   value, &count);
		values_spread(value, count, map_per_cpu(m) ? value_bytes : m->value_size,
			      value_bytes);
		keys->n += (size_t)count * m->key_size;
		values->n += (size_t)count * value_bytes;
		*n += count;
		turn++;
		if (fn && (!err || err == -ENOENT)) {
			int stop = fn(user, keys, values, *n);

			keys->n = values->n = *n = 0;
			err = stop ? stop : err;
		}
	} while (!err);
	return err;
}

static int read_each(int fd, const struct object_map *m, u32 value_bytes, struct buf *keys,
		     struct buf *values, u32 *n)
{
	char *last = calloc(1, m->key_size);
	int err = last ? 0 : -ENOMEM;

	/* a map that others shrink starts again from its first key: no end without the bound */
	for (u32 i = 0; !err && i < 2 * m->max_entries; i++) {
		char *key = buf_reserve(keys, m->key_size);
		char *value = buf_reserve(values, value_bytes);

		err = key && value ? sys_map_next(fd, i ? last : NULL, key) : -ENOMEM;
		if (err)
			break;
		memcpy(last, key, m->key_size);
		err = sys_map_lookup(fd, key, value);
		if (!err) {
			keys->n += m->key_size;
			values->n += value_bytes;
			*n += 1;
		} else if (err == -ENOENT) {
			err = 0; /* gone meanwhile */
		}
	}
	free(last);
	return err == -ENOENT ? 0 : err;
}

static int read_map(struct engine *e, u32 map, struct buf *keys, struct buf *values, u32 *n)
{
	const struct object_map *m = &e->object->maps.v[map];
	size_t nkeys = keys->n, nvalues = values->n;
	u32 bytes = map_value_bytes(e, m), before = *n;
	int err;

	if (m->max_entries > 1) {
		err = read_batches(fd_of(e, map), m, bytes, keys, values, n, NULL, NULL);
		if (err == -ENOENT)
			return 0;
		keys->n = nkeys;
		values->n = nvalues;
		*n = before;
	}
	return read_each(fd_of(e, map), m, bytes, keys, values, n);
}

/* Whom the pieces go to, and whether he wants no more. */
struct pieces {
	engine_piece *fn;
	void *user;
	int stop;
};

static int hand_piece(void *user, const struct buf *keys, const struct buf *values, u32 n)
{
	struct pieces *p = user;

	return p->stop = p->fn(p->user, keys, values, n);
}

int kernel_map_pieces(struct engine *e, u32 map, engine_piece *fn, void *user)
{
	const struct object_map *m = &e->object->maps.v[map];
	struct pieces pieces = {.fn = fn, .user = user};
	struct buf keys = {0}, values = {0};
	u32 n = 0;
	int err = m->max_entries > 1 && !m->spare
			  ? read_batches(fd_of(e, map), m, map_value_bytes(e, m), &keys, &values,
					 &n, hand_piece, &pieces)
			  : -EINVAL;

	if (err == -ENOENT)
		err = 0;
	if (err && !pieces.stop) { /* not in batches */
		keys.n = values.n = n = 0;
		err = kernel_map_read(e, map, &keys, &values, &n);
		if (!err)
			err = fn(user, &keys, &values, n);
	}
	buf_free(&keys);
	buf_free(&values);
	return pieces.stop ? pieces.stop : err;
}

/* What is read of a map, and of its spare one. */
struct read_entries {
	struct buf keys, values;
	u32 n;
};

/* Adds the entries of `from` in one half of their values; with theirs in the other half, which they
 * then have no more, where `other` has the same key. */
static int add_entries(const struct object_map *m, u32 bytes, struct read_entries *from, u32 half,
		       struct read_entries *other, struct buf *keys, struct buf *values, u32 *n)
{
	for (u32 i = 0; i < from->n; i++) {
		const char *key = from->keys.p + (size_t)i * m->key_size;
		char *value = buf_reserve(values, (size_t)bytes * 2);

		if (!value)
			return -ENOMEM;
		memcpy(value + (size_t)half * bytes, from->values.p + (size_t)i * bytes, bytes);
		memset(value + (size_t)!half * bytes, 0, bytes);
		for (u32 j = 0; other && j < other->n; j++) {
			char *same = other->keys.p + (size_t)j * m->key_size;

			if (memcmp(same, key, m->key_size) != 0)
				continue;
			memcpy(value + (size_t)!half * bytes, other->values.p + (size_t)j * bytes,
			       bytes);
			other->n--;
			memmove(same, other->keys.p + (size_t)other->n * m->key_size, m->key_size);
			memmove(other->values.p + (size_t)j * bytes,
				other->values.p + (size_t)other->n * bytes, bytes);
			break;
		}
		values->n += (size_t)bytes * 2;
		buf_add(keys, key, m->key_size);
		*n += 1;
	}
	return keys->failed ? -ENOMEM : 0;
}

int kernel_map_read(struct engine *e, u32 map, struct buf *keys, struct buf *values, u32 *n)
{
	const struct object_map *m = &e->object->maps.v[map];
	struct read_entries main = {0}, spare = {0};
	u32 bytes = map_value_bytes(e, m);
	int err;

	if (!m->spare)
		return read_map(e, map, keys, values, n);
	err = read_map(e, map, &main.keys, &main.values, &main.n);
	if (!err)
		err = read_map(e, m->spare, &spare.keys, &spare.values, &spare.n);
	if (!err)
		err = add_entries(m, bytes, &main, 0, &spare, keys, values, n);
	if (!err)
		err = add_entries(m, bytes, &spare, 1, NULL, keys, values, n);
	buf_free(&main.keys);
	buf_free(&main.values);
	buf_free(&spare.keys);
	buf_free(&spare.values);
	return err;
}

int kernel_map_lookup(struct engine *e, u32 map, const void *key, void *value)
{
	u32 spare = spare_of(e, map), bytes;
	int err = sys_map_lookup(fd_of(e, map), key, value), missing;

	if (!spare || (err && err != -ENOENT))
		return err;
	bytes = map_value_bytes(e, &e->object->maps.v[map]);
	if (err)
		memset(value, 0, bytes);
	missing = sys_map_lookup(fd_of(e, spare), key, (char *)value + bytes);
	if (missing)
		memset((char *)value + bytes, 0, bytes);
	return missing == -ENOENT ? err : missing;
}

/* 1, 0 or -errno. */
static int has_key(struct engine *e, u32 map, const void *key)
{
	void *value = malloc(map_value_bytes(e, &e->object->maps.v[map]));
	int err = value ? sys_map_lookup(fd_of(e, map), key, value) : -ENOMEM;

	free(value);
	return err == -ENOENT ? 0 : err ? err : 1;
}

#define SET_NEW      1 /* flags of bpf(2): BPF_NOEXIST, BPF_EXIST */
#define SET_EXISTING 2

int kernel_map_update(struct engine *e, u32 map, const void *key, const void *value, u64 flags)
{
	u32 spare = spare_of(e, map);
	int err = spare && flags ? has_key(e, spare, key) : 0;

	if (err < 0 || (err && flags & SET_NEW))
		return err < 0 ? err : -EEXIST;
	err = sys_map_update(fd_of(e, map), key, value, err ? flags & ~(u64)SET_EXISTING : flags);
	if (spare && !err)
		sys_map_delete(fd_of(e, spare), key);
	return err;
}

int kernel_map_delete(struct engine *e, u32 map, const void *key)
{
	u32 spare = spare_of(e, map);
	int err = sys_map_delete(fd_of(e, map), key), missing;

	if (!spare || (err && err != -ENOENT))
		return err;
	missing = sys_map_delete(fd_of(e, spare), key);
	return missing == -ENOENT ? err : missing;
}

/* The first key of the spare map behind `key` (NULL: of all) that the map has not, too. */
static int next_spare(struct engine *e, u32 map, const void *key, void *next)
{
	u32 spare = spare_of(e, map);
	int err = sys_map_next(fd_of(e, spare), key, next), both;

	while (!err && (both = has_key(e, map, next)))
		err = both < 0 ? both : sys_map_next(fd_of(e, spare), next, next);
	return err;
}

/* First those of the map, then those of the spare one alone. Of a key that has gone the kernel does
 * not know what comes behind it, and begins again: so do we. */
int kernel_map_next(struct engine *e, u32 map, const void *key, void *next)
{
	u32 spare = spare_of(e, map);
	int err = spare && key ? has_key(e, map, key) : 1;

	if (!err && (err = has_key(e, spare, key)) > 0)
		return next_spare(e, map, key, next);
	if (err < 0)
		return err;
	err = sys_map_next(fd_of(e, map), key, next);
	return spare && err == -ENOENT ? next_spare(e, map, NULL, next) : err;
}
