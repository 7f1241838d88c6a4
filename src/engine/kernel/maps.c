/*
 * maps.c: makes an object's maps in the kernel, and reads and writes their entries.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH 1024 /* entries read by one call */

int map_create(struct kernel_engine *k, struct sys_map *m)
{
	int fd = sys_map_create(m);

	/* 5.10 counts map memory as locked memory */
	if (fd == -EPERM && k->kernel < KERNEL(5, 11) && memlock_raise())
		fd = sys_map_create(m);
	if (fd < 0 && m->btf_fd && fd != -EPERM && fd != -ENOMEM) {
		m->btf_fd = 0; /* types are for people; old kernels refuse some */
		fd = sys_map_create(m);
	}
	return fd;
}

static bool map_per_cpu(const struct object_map *m)
{
	const struct map_kind *kind = map_kind(m->kind);

	return kind && kind->per_cpu;
}

/* Kinds for which the kernel takes no types. */
static bool untyped(u32 kind)
{
	static const u8 kinds[] = {MAP_PROG_ARRAY,    MAP_PERF_EVENT_ARRAY, MAP_CGROUP_ARRAY,
				   MAP_STACK_TRACE,   MAP_ARRAY_OF_MAPS,    MAP_HASH_OF_MAPS,
				   MAP_DEVMAP,	      MAP_DEVMAP_HASH,	    MAP_CPUMAP,
				   MAP_XSKMAP,	      MAP_SOCKMAP,	    MAP_SOCKHASH,
				   MAP_QUEUE,	      MAP_STACK,	    MAP_RINGBUF,
				   MAP_USER_RINGBUF,  MAP_ARENA};

	return memchr(kinds, (int)kind, sizeof(kinds));
}

/* Types of values that the kernel can check: sizes as in the BTF, and no map of maps. */
static bool map_typed(const struct kernel_engine *k, const struct object_map *m)
{
	if (k->base.object->plain)
		return k->btf_fd && !untyped(m->kind) && (m->section || (m->btf_key && m->btf_value));
	return k->btf_fd && m->kind != MAP_ARRAY_OF_MAPS && m->kind != MAP_RINGBUF &&
	       object_map_bytes(k->base.object, m) == data_size(k, m);
}

static int map_open(struct kernel_engine *k, u32 index)
{
	const struct object_map *m = &k->base.object->maps.v[index];
	struct sys_map s = {
		.name = m->name,
		.kind = m->kind,
		.key_size = m->key_size,
		.value_size = data_size(k, m),
		.max_entries = m->max_entries,
		.flags = m->flags,
		.numa_node = m->numa_node,
		.extra = m->extra,
	};
	int fd;

	/* before 6.1 programs may not allocate safely; the object may come from elsewhere */
	if (k->kernel < KERNEL(6, 1) && !k->base.object->plain)
		s.flags &= ~(u32)MAP_NO_PREALLOC;
	if (m->fill_per_cpu)
		return rings_open(k, index);
	if (m->section == SECTION_BSS || m->section == SECTION_DATA)
		s.flags |= MAP_MMAPABLE;
	if (m->section == SECTION_RODATA)
		s.flags |= MAP_RDONLY_PROG;
	if (map_typed(k, m)) {
		s.btf_fd = k->btf_fd;
		s.btf_key = m->section ? 0 : k->btf.maps[index].key;
		s.btf_value = k->btf.maps[index].value;
		if (!s.btf_value || (!m->section && !s.btf_key))
			s.btf_fd = 0;
	}
	if (k->base.object->plain) {
		fd = plain_map_open(k, m, &s);
		if (fd < 0)
			return fd;
	} else {
		fd = map_create(k, &s);
		if (fd < 0)
			return why_failed(k, fd, "cannot create map %s",
					  m->shown ? m->shown : m->name);
	}
	k->maps[index] = fd;
	k->base.map_bytes += (u64)m->max_entries * (m->key_size + map_value_bytes(k, index));
	if (m->section)
		return data_fill(k, index);
	return k->base.object->plain && k->opts.records ? plain_rings_open(k, index) : 0;
}

int maps_open(struct kernel_engine *k)
{
	int err = 0;

	for (u32 i = 0; i < k->base.object->maps.n && !err; i++)
		err = map_open(k, i);
	return err ? err : plain_slots_fill(k, true);
}

u32 map_value_bytes(const struct kernel_engine *k, u32 map)
{
	const struct object_map *m = &k->base.object->maps.v[map];

	if (map_per_cpu(m))
		return ALIGN_UP(m->value_size, 8) * k->base.cpus;
	return ALIGN_UP(data_size(k, m), 8);
}

/* Batches pack values without padding; spread them, from the last on, to value_bytes each. */
static void values_spread(char *values, u32 n, u32 packed, u32 value_bytes)
{
	while (packed < value_bytes && n--) {
		memmove(values + (size_t)n * value_bytes, values + (size_t)n * packed, packed);
		memset(values + (size_t)n * value_bytes + packed, 0, value_bytes - packed);
	}
}

/* Reads with few calls. -ENOENT: all is read; else nothing is (old kernel, or a crowded bucket). */
static int read_batches(int fd, const struct object_map *m, u32 value_bytes, struct buf *keys,
			struct buf *values, u32 *n)
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

int map_read(struct engine *e, u32 map, struct buf *keys, struct buf *values, u32 *n)
{
	struct kernel_engine *k = (struct kernel_engine *)e;
	const struct object_map *m = &e->object->maps.v[map];
	size_t nkeys = keys->n, nvalues = values->n;
	u32 bytes = map_value_bytes(k, map), before = *n;
	int err;

	if (m->max_entries > 1) {
		err = read_batches(k->maps[map], m, bytes, keys, values, n);
		if (err == -ENOENT)
			return 0;
		keys->n = nkeys;
		values->n = nvalues;
		*n = before;
	}
	return read_each(k->maps[map], m, bytes, keys, values, n);
}
