/*
 * map_stack.c: stack traces by number.
 *
 * The number of a trace is its place: its hash, modulo the size. A place keeps the trace that came
 * first, until it is deleted or another one is told to take it (REUSE_STACKID). `state` of a place
 * is its lock and, in the word behind, how many frames it holds.
 */
#include "vm/stack.h"

struct place {
	u32 lock;
	u32 n; /* frames; 0: it is free */
	u32 hash, pad;
	u64 frames[];
};

static u32 places(const struct vm_map *map)
{
	return (u32)map_pow2(map->max_entries);
}

static u32 place_bytes(const struct vm_map *map)
{
	return (u32)sizeof(struct place) + map->value_size;
}

static struct place *place_at(const struct vm_map *map, u32 i)
{
	return (struct place *)(void *)((u8 *)map->data + (size_t)i * place_bytes(map));
}

static int stack_open(struct vm_map *map)
{
	u32 known = BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_STACK_BUILD_ID;

	if ((map->flags & ~known) || !map->max_entries || map->key_size != 4 ||
	    map->value_size < 8 || map->value_size % 8)
		return -EINVAL;
	if (map->flags & BPF_F_STACK_BUILD_ID)
		return -EOPNOTSUPP;
	if (map->value_size / 8 > STACK_FRAMES)
		return -EINVAL;
	if (map->max_entries > 1u << 31)
		return -E2BIG;
	map->data = vm_memory((u64)places(map) * place_bytes(map), false);
	return map->data ? 0 : -ENOMEM;
}

static void stack_close(struct vm_map *map)
{
	vm_memory_free(map->data, (u64)places(map) * place_bytes(map));
}

static u32 hash_frames(const u64 *frames, u32 n)
{
	u64 h = n;

	for (u32 i = 0; i < n; i++) {
		h = (h ^ frames[i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return (u32)h;
}

s64 stack_id(struct vm_map *map, const u64 *frames, u32 n, u64 flags)
{
	u32 hash = hash_frames(frames, n), id = hash & (places(map) - 1);
	struct place *p = place_at(map, id);
	s64 result = id;
	bool same;

	lock_take(&p->lock);
	same = p->n && p->hash == hash &&
	       ((flags & BPF_F_FAST_STACK_CMP) ||
		(p->n == n && !memcmp(p->frames, frames, n * sizeof(*frames))));
	if (p->n && !same && !(flags & BPF_F_REUSE_STACKID)) {
		result = -EEXIST;
	} else if (!same) {
		memset(p->frames, 0, map->value_size);
		memcpy(p->frames, frames, n * sizeof(*frames));
		p->hash = hash;
		p->n = n;
	}
	lock_give(&p->lock);
	return result;
}

/* ---- from outside */

static struct place *filled_place(struct vm_map *map, const void *key)
{
	u32 id;

	memcpy(&id, key, sizeof(id));
	return id < places(map) && place_at(map, id)->n ? place_at(map, id) : NULL;
}

static int stack_copy(struct vm_map *map, const void *key, void *value)
{
	struct place *p = filled_place(map, key);

	if (!p)
		return -ENOENT;
	lock_take(&p->lock);
	memcpy(value, p->frames, map->value_size);
	lock_give(&p->lock);
	return 0;
}

static int stack_update(struct vm_map *map, const void *key, const void *value, u64 flags, u32 cpu)
{
	(void)map, (void)key, (void)value, (void)flags, (void)cpu;
	return -EINVAL;
}

static int stack_remove(struct vm_map *map, const void *key)
{
	struct place *p = filled_place(map, key);
	u32 id;

	memcpy(&id, key, sizeof(id));
	if (id >= places(map))
		return -E2BIG;
	if (!p)
		return -ENOENT;
	lock_take(&p->lock);
	p->n = 0;
	lock_give(&p->lock);
	return 0;
}

static int stack_next(struct vm_map *map, const void *key, void *next)
{
	u32 id = 0;

	if (key) {
		memcpy(&id, key, sizeof(id));
		/* From one that is not there we begin anew. */
		id = id < places(map) && place_at(map, id)->n ? id + 1 : 0;
	}
	while (id < places(map) && !place_at(map, id)->n)
		id++;
	if (id >= places(map))
		return -ENOENT;
	memcpy(next, &id, sizeof(id));
	return 0;
}

const struct vm_map_ops map_stack_trace = {
	.open = stack_open,
	.close = stack_close,
	.copy = stack_copy,
	.update = stack_update,
	.remove = stack_remove,
	.next = stack_next,
};
