/*
 * map_cgroup.c: arrays of cgroups.
 *
 * From outside a value is a descriptor of a cgroup's folder; what is kept is its id, which is the
 * same in all processes. 0: the slot is empty.
 */
#include "vm/cgroup.h"
#include "vm/map.h"

static u64 *slot_at(struct vm_map *map, u32 i)
{
	return (u64 *)(void *)(map->values + (size_t)i * map->stride);
}

static int cgroups_update(struct vm_map *map, const void *key, const void *value, u64 flags,
			  u32 cpu)
{
	u32 i;
	u64 id;
	int fd, err;

	(void)cpu;
	memcpy(&i, key, sizeof(i));
	memcpy(&fd, value, sizeof(fd));
	if (flags != BPF_ANY)
		return -EINVAL;
	if (i >= map->max_entries)
		return -E2BIG;
	err = cgroup_id_of(fd, &id);
	if (!err)
		__atomic_store_n(slot_at(map, i), id, __ATOMIC_RELEASE);
	return err;
}

static int cgroups_remove(struct vm_map *map, const void *key)
{
	u32 i;

	memcpy(&i, key, sizeof(i));
	if (i >= map->max_entries)
		return -E2BIG;
	return __atomic_exchange_n(slot_at(map, i), 0, __ATOMIC_ACQ_REL) ? 0 : -ENOENT;
}

/* The kernel does not tell, either. */
static int cgroups_copy(struct vm_map *map, const void *key, void *value)
{
	(void)map, (void)key, (void)value;
	return -EOPNOTSUPP;
}

u64 map_cgroup(struct vm_map *map, u32 i)
{
	return __atomic_load_n(slot_at(map, i), __ATOMIC_ACQUIRE);
}

const struct vm_map_ops map_cgroups = {
	.open = slots_open,
	.close = map_values_close,
	.copy = cgroups_copy,
	.update = cgroups_update,
	.remove = cgroups_remove,
	.next = array_next,
};
