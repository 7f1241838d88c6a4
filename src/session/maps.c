/*
 * maps.c: a session's maps for callers of the library; see waggle.h.
 *
 * In:  keys and values as the script sees them: one value, without is_set.
 * Out: what the kernel keeps: a value for each CPU, is_set behind that of a scalar, scratch memory
 *      behind .bss. Nothing of this reaches the caller's memory.
 */
#include "session/session.h"

#include <errno.h>
#include <stdlib.h>

#define SET_NEW      1 /* flags of update, those of bpf(2): BPF_NOEXIST, BPF_EXIST */
#define SET_EXISTING 2

static const struct object_map *object_map_of(const struct waggle_map *m)
{
	return &m->session->object->maps.v[m->index];
}

static u32 parts_of(const struct waggle_map *m)
{
	return session_map_parts(m->session, m->index);
}

struct waggle_map *waggle_session_map(struct waggle_session *s, const char *name)
{
	for (u32 i = 0; i < s->object->maps.n; i++) {
		const struct object_map *m = &s->object->maps.v[i];

		if (!strcmp(m->name, name) || (m->shown && !strcmp(m->shown, name)))
			return &s->maps[i];
	}
	return NULL;
}

int waggle_map_info(struct waggle_map *map, struct waggle_map_info *out)
{
	const struct object_map *m = object_map_of(map);
	struct waggle_map_info info = {
		.sz = out->sz,
		.name = m->shown ? m->shown : m->name,
		.key_size = m->scalar ? 0 : m->key_size,
		.value_size = map_value_size(m),
		.max_entries = m->max_entries,
		.scalar = m->scalar,
		.per_cpu = parts_of(map) > 1,
		.aggregation = m->agg != AGG_NONE,
		.key = (const struct waggle_layout *)&m->key,
		.value = (const struct waggle_layout *)&m->value,
	};

	if (out->sz < offsetof(struct waggle_map_info, max_entries))
		return -EINVAL;
	memcpy(out, &info, MIN(out->sz, sizeof(info)));
	return 0;
}

/* What the kernel has, in memory of the size that it writes; *raw is to be freed in any case. */
static int raw_lookup(struct waggle_map *map, const void *key, u8 *volatile *raw)
{
	struct engine *e = map->session->engine;
	u32 zero = 0;

	*raw = calloc(1, MAX(e->ops->map_bytes(e, map->index), 8u));
	if (!*raw)
		return -ENOMEM;
	return e->ops->map_lookup(e, map->index, object_map_of(map)->scalar ? &zero : key, *raw);
}

/* The value as scripts see it, of what all CPUs have. */
static int merge_value(struct waggle_map *map, struct arena *arena, const u8 *raw, void *value)
{
	const struct object_map *m = object_map_of(map);
	const u8 *one = map_value(arena, m, raw, parts_of(map));

	if (!one)
		return -ENOENT;
	memcpy(value, one, map_value_size(m));
	return 0;
}

int waggle_map_lookup(struct waggle_map *map, const void *key, void *value)
{
	const struct object_map *m = object_map_of(map);
	struct arena arena = {0};
	u8 *volatile raw = NULL;
	volatile int err = 0;
	jmp_buf full;

	arena.escape = &full;
	if (setjmp(full))
		err = -ENOMEM;
	if (!err)
		err = raw_lookup(map, key, &raw);
	if (!err && m->shown)
		err = map_check(m, 1, parts_of(map));
	if (!err)
		err = merge_value(map, &arena, raw, value);
	arena_free(&arena);
	free(raw);
	return err;
}

/* Is a scalar set? 1, 0 or -errno. */
static int scalar_is_set(struct waggle_map *map)
{
	const struct object_map *m = object_map_of(map);
	u32 stride = ALIGN_UP(m->value_size, 8);
	u64 set = 0, any = 0;
	u8 *raw;
	int err = raw_lookup(map, NULL, &raw);

	for (u32 cpu = 0; cpu < parts_of(map) && !err; cpu++) {
		memcpy(&set, raw + (size_t)cpu * stride + m->value_size - 8, sizeof(set));
		any |= set;
	}
	free(raw);
	return err ? err : any != 0;
}

/* Spreads a value over the CPUs: an aggregation is what the first CPU has and the others add
 * nothing to; anything else is the same on each. */
static void value_spread(const struct object_map *m, u32 cpus, const void *value, u8 *raw)
{
	u32 stride = ALIGN_UP(m->value_size, 8);
	const u64 set = 1;

	for (u32 cpu = 0; cpu < (m->agg == AGG_NONE ? cpus : 1); cpu++, raw += stride) {
		memcpy(raw, value, map_value_size(m));
		if (m->scalar)
			memcpy(raw + m->value_size - sizeof(set), &set, sizeof(set));
	}
}

int waggle_map_update(struct waggle_map *map, const void *key, const void *value, uint64_t flags)
{
	const struct object_map *m = object_map_of(map);
	struct engine *e = map->session->engine;
	u32 zero = 0;
	int err = 0;
	u8 *raw;

	if (m->section == SECTION_BSS || m->section == SECTION_RODATA)
		return -EPERM; /* programs and session share them */
	if (m->scalar && flags) {
		err = flags > SET_EXISTING ? -EINVAL : scalar_is_set(map);
		if (err < 0)
			return err;
		if (err == (flags == SET_NEW))
			return err ? -EEXIST : -ENOENT;
	}
	raw = calloc(1, MAX(e->ops->map_bytes(e, map->index), 8u));
	if (!raw)
		return -ENOMEM;
	value_spread(m, parts_of(map), value, raw);
	err = e->ops->map_update(e, map->index, m->scalar ? &zero : key, raw,
				 m->scalar ? 0 : flags);
	free(raw);
	return err;
}

int waggle_map_delete(struct waggle_map *map, const void *key)
{
	const struct object_map *m = object_map_of(map);
	struct engine *e = map->session->engine;
	u32 zero = 0;
	u8 *raw;
	int err;

	if (!m->scalar)
		return e->ops->map_delete(e, map->index, key);
	err = scalar_is_set(map);
	if (err <= 0)
		return err ? err : -ENOENT;
	raw = calloc(1, MAX(e->ops->map_bytes(e, map->index), 8u));
	if (!raw)
		return -ENOMEM;
	err = e->ops->map_update(e, map->index, &zero, raw, 0);
	free(raw);
	return err;
}

int waggle_map_next(struct waggle_map *map, const void *key, void *next)
{
	struct engine *e = map->session->engine;
	int err;

	if (!object_map_of(map)->scalar)
		return e->ops->map_next(e, map->index, key, next);
	err = key ? 0 : scalar_is_set(map);
	return err > 0 ? 0 : err ? err : -ENOENT;
}
