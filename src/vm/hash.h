/*
 * hash.h: what a hash map is in memory: buckets, nodes, what is free. map_hash.c tells how it
 * works.
 */
#ifndef VM_HASH_H
#define VM_HASH_H

#include "vm/map.h"

#define END         0x80000000u /* of a list: with the bucket's number */
#define NONE        UINT32_MAX
#define ENTRIES_MAX (1u << 30)
#define SPARE_NODES 64u /* beside one for each CPU: updates that are under way */
#define LINE        64  /* bytes of the cache */

struct bucket {
	u32 head, lock;
};
struct node {
	u32 next, hash;
	u8 key[];
};
/* At the start of the map's shared memory; offsets count from here. */
struct hash {
	u64 seed, bytes;
	u64 nodes_at, recent_at, free_at, buckets_at;
	u32 mask, nodes, most; /* buckets less one; nodes with the spare ones; entries */
	u32 node_stride;
	bool beside; /* nodes lie beside their values, behind them: nodes_at counts from those */
	u64 free __attribute__((aligned(LINE))); /* count << 32 | number + 1 */
	u32 fresh, hand;
	u32 count __attribute__((aligned(LINE)));
};

static inline struct hash *hash_of(const struct vm_map *map)
{
	return map->data;
}

static inline struct bucket *bucket_at(struct hash *h, u32 hash)
{
	return (struct bucket *)(void *)((u8 *)h + h->buckets_at) + (hash & h->mask);
}

static inline bool is_lru(const struct vm_map *map)
{
	return map->kind == MAP_LRU_HASH || map->kind == MAP_LRU_PERCPU_HASH;
}

static inline struct node *node_at(const struct vm_map *map, u32 i)
{
	struct hash *h = hash_of(map);
	u8 *nodes = (h->beside ? map->values : (u8 *)h) + h->nodes_at;

	return (struct node *)(void *)(nodes + (size_t)i * h->node_stride);
}

static inline u8 *node_value(const struct vm_map *map, u32 i)
{
	return map->values + (size_t)i * map->stride * (map_is_per_cpu(map) ? map_cpus(map) : 1);
}

static inline u8 *node_recent(struct hash *h, u32 i)
{
	return (u8 *)h + h->recent_at + i;
}

void *hash_lookup(struct vm_map *, const void *key, u32 cpu);
void *lru_lookup(struct vm_map *, const void *key, u32 cpu);
int hash_update(struct vm_map *, const void *key, const void *value, u64 flags, u32 cpu);
int percpu_hash_update(struct vm_map *, const void *key, const void *value, u64 flags, u32 cpu);
u32 hash_each(struct vm_map *, u32 cpu, map_each_fn *, void *user);

#endif
