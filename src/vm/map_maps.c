/*
 * map_maps.c: maps of maps, and what stands for devices, CPUs and sockets.
 *
 * An array or a hash map of maps holds numbers of maps of this vm; programs that look up get the
 * map itself. Maps of devices hold what they were given: redirect_map() only asks whether it is
 * there.
 */
#include "vm/map.h"

/* ---- arrays and hash maps of maps */

static void *as_map(struct vm_map *map, u32 number)
{
	return number < map->vm->nmaps ? map->vm->maps[number] : NULL;
}

/* Only a map like the object says fits: programs rely on that. */
static int check_inner(struct vm_map *map, const void *value)
{
	u32 number;
	const struct object_map_inner *like = map->like;
	const struct vm_map *inner;

	memcpy(&number, value, sizeof(number));
	inner = as_map(map, number);
	if (!inner)
		return -EBADF;
	if (inner == map || inner->kind == MAP_ARRAY_OF_MAPS || inner->kind == MAP_HASH_OF_MAPS)
		return -EINVAL;
	if (!like)
		return 0;
	if (like->kind != inner->kind || like->key_size != inner->key_size ||
	    like->value_size != inner->value_size || like->flags != inner->flags)
		return -EINVAL;
	if (like->kind == MAP_ARRAY && !(like->flags & BPF_F_INNER_MAP) &&
	    like->max_entries != inner->max_entries)
		return -EINVAL;
	return 0;
}

static void *array_of_maps_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	u32 i;
	s64 number;

	(void)cpu;
	memcpy(&i, key, sizeof(i));
	number = map_slot(map, i);
	return number < 0 ? NULL : as_map(map, (u32)number);
}

static int array_of_maps_update(struct vm_map *map, const void *key, const void *value, u64 flags,
				u32 cpu)
{
	int err = check_inner(map, value);

	return err ? err : map_slots.update(map, key, value, flags, cpu);
}

static int hash_of_maps_open(struct vm_map *map)
{
	int err = map->value_size == 4 ? map_hash.open(map) : -EINVAL;

	map->region.size = 0;
	return err;
}

static void *hash_of_maps_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	u32 *number = map_hash.lookup(map, key, cpu);

	return number ? as_map(map, *number) : NULL;
}

static int hash_of_maps_update(struct vm_map *map, const void *key, const void *value, u64 flags,
			       u32 cpu)
{
	int err = check_inner(map, value);

	return err ? err : map_hash.update(map, key, value, flags, cpu);
}

static int hash_of_maps_copy(struct vm_map *map, const void *key, void *value)
{
	u32 *number = map_hash.lookup(map, key, 0);

	if (!number)
		return -ENOENT;
	memcpy(value, number, sizeof(*number));
	return 0;
}

const struct vm_map_ops map_array_of_maps = {
	.open = slots_open,
	.close = map_values_close,
	.lookup = array_of_maps_lookup,
	.update = array_of_maps_update,
	.remove = slot_remove,
	.next = array_next,
	.copy = slot_copy,
};
const struct vm_map_ops map_hash_of_maps = {
	.open = hash_of_maps_open,
	.close = hash_close,
	.lookup = hash_of_maps_lookup,
	.update = hash_of_maps_update,
	.remove = hash_remove,
	.next = hash_next,
	.copy = hash_of_maps_copy,
};

/* ---- devices, CPUs, sockets: an array of which each element is there or not */

static u8 *there(struct vm_map *map, u32 i)
{
	return (u8 *)map->data + i;
}

static int devices_open(struct vm_map *map)
{
	int err;

	if (!map->max_entries || map->key_size != 4 ||
	    (map->value_size != 4 && map->value_size != 8))
		return -EINVAL;
	err = map_values_open(map, map->max_entries);
	if (err)
		return err;
	map->region.writable = false;
	map->data = vm_memory(map->max_entries, false);
	if (!map->data)
		map_values_close(map);
	return map->data ? 0 : -ENOMEM;
}

static void devices_close(struct vm_map *map)
{
	vm_memory_free(map->data, map->max_entries);
	map_values_close(map);
}

static void *devices_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	u32 i;

	(void)cpu;
	memcpy(&i, key, sizeof(i));
	if (i >= map->max_entries || !__atomic_load_n(there(map, i), __ATOMIC_ACQUIRE))
		return NULL;
	return map->values + (size_t)i * map->stride;
}

static int devices_update(struct vm_map *map, const void *key, const void *value, u64 flags,
			  u32 cpu)
{
	u32 i;

	(void)cpu;
	memcpy(&i, key, sizeof(i));
	if (flags > BPF_EXIST)
		return -EINVAL;
	if (i >= map->max_entries)
		return -E2BIG;
	if (flags == BPF_NOEXIST)
		return -EEXIST;
	map_copy(map->values + (size_t)i * map->stride, value, map->value_size);
	__atomic_store_n(there(map, i), 1, __ATOMIC_RELEASE);
	return 0;
}

static int devices_remove(struct vm_map *map, const void *key)
{
	u32 i;

	memcpy(&i, key, sizeof(i));
	if (i >= map->max_entries)
		return -EINVAL;
	__atomic_store_n(there(map, i), 0, __ATOMIC_RELEASE);
	return 0;
}

const struct vm_map_ops map_devices = {
	.open = devices_open,
	.close = devices_close,
	.lookup = devices_lookup,
	.update = devices_update,
	.remove = devices_remove,
	.next = array_next,
};

/* Sockets: nobody can put one in. */
static int sockets_update(struct vm_map *map, const void *key, const void *value, u64 flags,
			  u32 cpu)
{
	(void)map, (void)key, (void)value, (void)flags, (void)cpu;
	return -EOPNOTSUPP;
}

const struct vm_map_ops map_sockets = {
	.open = devices_open,
	.close = devices_close,
	.lookup = devices_lookup,
	.update = sockets_update,
	.remove = devices_remove,
	.next = array_next,
};

static int socket_hash_open(struct vm_map *map)
{
	return map_hash.open(map);
}

static void *socket_hash_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	(void)map, (void)key, (void)cpu;
	return NULL;
}

const struct vm_map_ops map_socket_hash = {
	.open = socket_hash_open,
	.close = hash_close,
	.lookup = socket_hash_lookup,
	.update = sockets_update,
	.remove = hash_remove,
	.next = hash_next,
};
