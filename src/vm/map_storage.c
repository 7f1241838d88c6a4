/*
 * map_storage.c: a value for each task, and one for the cgroup, or one for each CPU.
 *
 * A task's value is found by its tid: from outside the key is that, too (the kernel takes a pidfd).
 * Programs are attached to one cgroup at most here, so its storage has a single value.
 */
#include "vm/map.h"

#define TASKS_MAX 32768

static int task_storage_open(struct vm_map *map)
{
	u32 flags = map->flags;
	int err;

	if (map->max_entries || map->key_size != 4 || !map->value_size ||
	    !(flags & BPF_F_NO_PREALLOC) || (flags & ~(BPF_F_NO_PREALLOC | BPF_F_CLONE)))
		return -EINVAL;
	map->max_entries = TASKS_MAX;
	map->flags = BPF_F_NO_PREALLOC;
	err = map_hash.open(map);
	map->max_entries = 0;
	map->flags = flags;
	return err;
}

static void *task_storage_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	return map_hash.lookup(map, key, cpu);
}

static int task_storage_update(struct vm_map *map, const void *key, const void *value, u64 flags,
			       u32 cpu)
{
	return map_hash.update(map, key, value, flags, cpu);
}

static int cgroup_storage_open(struct vm_map *map)
{
	if (map->max_entries || (map->key_size != 8 && map->key_size != 16) || !map->value_size ||
	    map->value_size > 4096)
		return -EINVAL;
	return map_values_open(map, 1);
}

static void *cgroup_storage_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	(void)key;
	(void)cpu;
	return map->values;
}

static int cgroup_storage_update(struct vm_map *map, const void *key, const void *value, u64 flags,
				 u32 cpu)
{
	(void)key;
	(void)cpu;
	return flags == BPF_NOEXIST ? -EEXIST : map_store(map, map->values, value, flags);
}

static int percpu_storage_open(struct vm_map *map)
{
	if (map->max_entries || (map->key_size != 8 && map->key_size != 16) || !map->value_size ||
	    round8(map->value_size) > PERCPU_VALUE_MAX)
		return -EINVAL;
	return map_values_open(map, map_cpus(map));
}

static void *percpu_storage_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	(void)key;
	return cpu < map_cpus(map) ? map->values + (size_t)cpu * map->stride : NULL;
}

static int percpu_storage_update(struct vm_map *map, const void *key, const void *value, u64 flags,
				 u32 cpu)
{
	(void)key;
	if (flags != BPF_ANY && flags != BPF_EXIST)
		return -EINVAL;
	map_copy_cpus(map, map->values, value, cpu);
	return 0;
}

const struct vm_map_ops map_task_storage = {
	.open = task_storage_open,
	.close = hash_close,
	.lookup = task_storage_lookup,
	.update = task_storage_update,
	.remove = hash_remove,
	.next = hash_next,
};
const struct vm_map_ops map_cgroup_storage = {
	.open = cgroup_storage_open,
	.close = map_values_close,
	.lookup = cgroup_storage_lookup,
	.update = cgroup_storage_update,
};
const struct vm_map_ops map_percpu_cgroup_storage = {
	.open = percpu_storage_open,
	.close = map_values_close,
	.lookup = percpu_storage_lookup,
	.update = percpu_storage_update,
};
