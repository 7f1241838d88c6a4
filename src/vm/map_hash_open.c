/*
 * map_hash_open.c: makes hash maps: what the kernel would take, and where in memory things are.
 */
#include <sys/random.h>

#include "vm/hash.h"

static int hash_check(const struct vm_map *map)
{
	u32 known = MAP_ACCESS_FLAGS | BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE |
		    BPF_F_ZERO_SEED;
	u32 both = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;

	if ((map->flags & ~known) || (map->flags & both) == both)
		return -EINVAL;
	if (!is_lru(map) && (map->flags & BPF_F_NO_COMMON_LRU))
		return -EINVAL;
	if (is_lru(map) && (map->flags & BPF_F_NO_PREALLOC))
		return -EOPNOTSUPP;
	if ((map->flags & BPF_F_NUMA_NODE) &&
	    (map_is_per_cpu(map) || (map->flags & BPF_F_NO_COMMON_LRU)))
		return -EINVAL;
	if (!map->max_entries || !map->key_size || !map->value_size)
		return -EINVAL;
	if ((u64)map->key_size + map->value_size >= MAP_BYTES_MAX || map->max_entries > ENTRIES_MAX)
		return -E2BIG;
	return map_is_per_cpu(map) && round8(map->value_size) > PERCPU_VALUE_MAX ? -E2BIG : 0;
}

/* Where things are: buckets, nodes, free list, marks. */
static struct hash plan(struct vm_map *map)
{
	struct hash h = {.most = map->max_entries,
			 .nodes = map->max_entries + map_cpus(map) + SPARE_NODES};
	u32 node = round8((u32)sizeof(struct node) + map->key_size);
	u64 together = round8(map->value_size) + (u64)node;

	h.mask = (u32)map_pow2(map->max_entries) - 1;
	h.buckets_at = ALIGN_UP(sizeof(h), LINE);
	h.free_at = h.buckets_at + (h.mask + 1ull) * sizeof(struct bucket);
	h.recent_at = h.free_at + h.nodes * sizeof(u32);
	h.bytes = ALIGN_UP(h.recent_at + (is_lru(map) ? h.nodes : 0), LINE);
	h.beside = !map_is_per_cpu(map) && together <= LINE;
	if (h.beside) {
		h.nodes_at = round8(map->value_size);
		map->stride = (u32)map_pow2(together);
		h.node_stride = map->stride;
	} else {
		h.nodes_at = h.bytes;
		h.node_stride = node;
		h.bytes += (u64)h.nodes * node;
	}
	return h;
}

static int hash_open(struct vm_map *map)
{
	int err = hash_check(map);
	struct hash h;

	if (err)
		return err;
	h = plan(map);
	err = map_values_open(map, (u64)h.nodes * (map_is_per_cpu(map) ? map_cpus(map) : 1));
	if (err)
		return err;
	map->data = vm_memory(h.bytes, false);
	if (!map->data) {
		map_values_close(map);
		return -ENOMEM;
	}
	if (!(map->flags & BPF_F_ZERO_SEED) &&
	    getrandom(&h.seed, sizeof(h.seed), GRND_NONBLOCK) < 0)
		h.seed = (u64)(uintptr_t)map->data;
	memcpy(map->data, &h, sizeof(h));
	for (u32 b = 0; b <= h.mask; b++)
		bucket_at(map->data, b)->head = END | b;
	return 0;
}

void hash_close(struct vm_map *map)
{
	struct hash *h = hash_of(map);

	vm_memory_free(h, h->bytes);
	map_values_close(map);
}

#define HASH_OPS(find_it, put_it)                                                            \
	{                                                                                    \
		.open = hash_open, .close = hash_close, .lookup = find_it, .update = put_it, \
		.remove = hash_remove, .next = hash_next, .each = hash_each                  \
	}
const struct vm_map_ops map_hash = HASH_OPS(hash_lookup, hash_update);
const struct vm_map_ops map_percpu_hash = HASH_OPS(hash_lookup, percpu_hash_update);
const struct vm_map_ops map_lru_hash = HASH_OPS(lru_lookup, hash_update);
const struct vm_map_ops map_lru_percpu_hash = HASH_OPS(lru_lookup, percpu_hash_update);
