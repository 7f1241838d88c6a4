/*
 * map_array.c: rows of values: array, per-CPU array, and arrays of slots (programs, perf events).
 *
 * Keys are u32 indices; every element is always there. Per-CPU values of an element lie side by
 * side. A slot of a prog array holds the number of a program plus one, 0: it is empty.
 */
#include "vm/timer.h"

#define ARRAY_FLAGS                                                                   \
	(MAP_ACCESS_FLAGS | BPF_F_NUMA_NODE | BPF_F_MMAPABLE | BPF_F_PRESERVE_ELEMS | \
	 BPF_F_INNER_MAP)

static int array_check(const struct vm_map *map)
{
	u32 flags = map->flags, bad = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;

	if (!map->max_entries || map->key_size != 4 || !map->value_size || (flags & ~ARRAY_FLAGS) ||
	    (flags & bad) == bad)
		return -EINVAL;
	if (map->kind == MAP_PERCPU_ARRAY && (flags & BPF_F_NUMA_NODE))
		return -EINVAL;
	if (map->kind != MAP_ARRAY && (flags & (BPF_F_MMAPABLE | BPF_F_INNER_MAP)))
		return -EINVAL;
	if (map->kind != MAP_PERF_EVENT_ARRAY && (flags & BPF_F_PRESERVE_ELEMS))
		return -EINVAL;
	return map->value_size > INT32_MAX ? -E2BIG : 0;
}

static int array_open(struct vm_map *map)
{
	int err = array_check(map);

	return err ? err : map_values_open(map, map->max_entries);
}

static int percpu_array_open(struct vm_map *map)
{
	int err = array_check(map);

	if (!err && round8(map->value_size) > PERCPU_VALUE_MAX)
		err = -E2BIG;
	return err ? err : map_values_open(map, (u64)map->max_entries * map_cpus(map));
}

/* A number in each slot, that programs can neither read nor write. */
int slots_open(struct vm_map *map)
{
	bool good = map->value_size == 4 && !(map->flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG));
	int err = good ? array_check(map) : -EINVAL;

	if (!err)
		err = map_values_open(map, map->max_entries);
	map->region.size = 0;
	return err;
}

static u32 array_index(const void *key)
{
	u32 index;

	memcpy(&index, key, sizeof(index));
	return index;
}

static void *array_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	u32 i = array_index(key);

	(void)cpu;
	return i < map->max_entries ? map->values + (size_t)i * map->stride : NULL;
}

static u8 *percpu_element(struct vm_map *map, u32 i)
{
	return map->values + (size_t)i * map_cpus(map) * map->stride;
}

static void *percpu_array_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	u32 i = array_index(key);

	if (i >= map->max_entries || cpu >= map_cpus(map))
		return NULL;
	return percpu_element(map, i) + (size_t)cpu * map->stride;
}

static int array_check_update(const struct vm_map *map, u32 i, u64 flags)
{
	if ((flags & ~(u64)BPF_F_LOCK) > BPF_EXIST)
		return -EINVAL;
	if (i >= map->max_entries)
		return -E2BIG;
	return (flags & ~(u64)BPF_F_LOCK) == BPF_NOEXIST ? -EEXIST : 0;
}

static int array_update(struct vm_map *map, const void *key, const void *value, u64 flags, u32 cpu)
{
	u32 i = array_index(key);
	int err = array_check_update(map, i, flags);

	(void)cpu;
	if (!err && map->timer_at)
		timer_forget(map, map->values + (size_t)i * map->stride);
	if (!err)
		err = map_store(map, map->values + (size_t)i * map->stride, value, flags);
	return err;
}

static int percpu_array_update(struct vm_map *map, const void *key, const void *value, u64 flags,
			       u32 cpu)
{
	u32 i = array_index(key);
	int err = flags & BPF_F_LOCK ? -EINVAL : array_check_update(map, i, flags);

	if (!err)
		map_copy_cpus(map, percpu_element(map, i), value, cpu);
	return err;
}

static int array_remove(struct vm_map *map, const void *key)
{
	(void)map;
	(void)key;
	return -EINVAL;
}

int array_next(struct vm_map *map, const void *key, void *next)
{
	u32 i = key ? array_index(key) : UINT32_MAX;

	if (i == map->max_entries - 1)
		return -ENOENT;
	i = i >= map->max_entries ? 0 : i + 1;
	memcpy(next, &i, sizeof(i));
	return 0;
}

static u32 array_each(struct vm_map *map, u32 cpu, map_each_fn *fn, void *user)
{
	u32 i = 0;

	while (i < map->max_entries) {
		u32 key = i++;
		void *value = map->ops->lookup(map, &key, cpu);

		if (fn(user, map, &key, value))
			break;
	}
	return i;
}

/* ---- slots */

static int slot_update(struct vm_map *map, const void *key, const void *value, u64 flags, u32 cpu)
{
	u32 i = array_index(key), number;

	(void)cpu;
	if (flags != BPF_ANY)
		return -EINVAL;
	if (i >= map->max_entries)
		return -E2BIG;
	memcpy(&number, value, sizeof(number));
	if (map->kind == MAP_PROG_ARRAY && number >= map->vm->nprogs)
		return -EBADF;
	__atomic_store_n((u32 *)(void *)(map->values + (size_t)i * map->stride), number + 1,
			 __ATOMIC_RELEASE);
	return 0;
}

int slot_remove(struct vm_map *map, const void *key)
{
	u32 i = array_index(key);

	if (i >= map->max_entries)
		return -E2BIG;
	return __atomic_exchange_n((u32 *)(void *)(map->values + (size_t)i * map->stride), 0,
				   __ATOMIC_ACQ_REL)
		       ? 0
		       : -ENOENT;
}

s64 map_slot(struct vm_map *map, u32 i)
{
	u32 n;

	if (i >= map->max_entries)
		return -E2BIG;
	n = __atomic_load_n((u32 *)(void *)(map->values + (size_t)i * map->stride),
			    __ATOMIC_ACQUIRE);
	return n ? (s64)n - 1 : -ENOENT;
}

int slot_copy(struct vm_map *map, const void *key, void *value)
{
	s64 n = map->kind == MAP_PERF_EVENT_ARRAY ? -EOPNOTSUPP : map_slot(map, array_index(key));
	u32 number = (u32)n;

	if (n < 0)
		return n == -E2BIG ? -ENOENT : (int)n;
	memcpy(value, &number, sizeof(number));
	return 0;
}

const struct vm_map_ops map_array = {
	.open = array_open,
	.close = map_values_close,
	.lookup = array_lookup,
	.update = array_update,
	.remove = array_remove,
	.next = array_next,
	.each = array_each,
};
const struct vm_map_ops map_percpu_array = {
	.open = percpu_array_open,
	.close = map_values_close,
	.lookup = percpu_array_lookup,
	.update = percpu_array_update,
	.remove = array_remove,
	.next = array_next,
	.each = array_each,
};
const struct vm_map_ops map_slots = {
	.open = slots_open,
	.close = map_values_close,
	.copy = slot_copy,
	.update = slot_update,
	.remove = slot_remove,
	.next = array_next,
};
