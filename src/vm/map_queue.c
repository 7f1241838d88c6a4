/*
 * map_queue.c: maps without keys: queue, stack, and the filter of Bloom.
 *
 * A queue and a stack are a row of values and two counts that only grow (of a stack: tail is 0). A
 * filter is a row of bits: a value sets a few, found by hashing; one whose bits are all set may
 * have been put in, others certainly not.
 */
#include <sys/random.h>

#include "vm/map.h"

#define QUEUE_FLAGS  (BPF_F_NUMA_NODE | MAP_ACCESS_FLAGS)
#define BLOOM_FLAGS  (QUEUE_FLAGS | BPF_F_ZERO_SEED)
#define BLOOM_HASHES 5 /* where the map does not say how many */
#define BLOOM_BITS   (1ull << 32)

struct queue {
	u32 lock;
	u64 head, tail; /* values put in, values taken out */
	u8 values[];
};
struct bloom {
	u64 seed, mask, bytes;
	u64 bits[];
};

static int queue_check(const struct vm_map *map, u32 flags)
{
	u32 both = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;

	if (!map->max_entries || map->key_size || !map->value_size || (map->flags & ~flags) ||
	    (map->flags & both) == both)
		return -EINVAL;
	return map->value_size > MAP_BYTES_MAX ? -E2BIG : 0;
}

static u64 queue_bytes(const struct vm_map *map)
{
	return sizeof(struct queue) + (u64)map->max_entries * map->stride;
}

static int queue_open(struct vm_map *map)
{
	int err = queue_check(map, QUEUE_FLAGS);

	if (err)
		return err;
	map->stride = round8(map->value_size);
	map->data = vm_memory(queue_bytes(map), false);
	return map->data ? 0 : -ENOMEM;
}

static void queue_close(struct vm_map *map)
{
	vm_memory_free(map->data, queue_bytes(map));
}

static u8 *queue_at(struct vm_map *map, u64 i)
{
	struct queue *q = map->data;

	return q->values + i % map->max_entries * map->stride;
}

static int queue_push(struct vm_map *map, const void *value, u64 flags)
{
	struct queue *q = map->data;
	int err = 0;

	if (flags != BPF_ANY && flags != BPF_EXIST)
		return -EINVAL;
	lock_take(&q->lock);
	if (q->head - q->tail < map->max_entries)
		map_copy(queue_at(map, q->head++), value, map->value_size);
	else if (flags != BPF_EXIST) {
		err = -E2BIG;
	} else { /* the oldest makes room */
		q->tail++;
		map_copy(queue_at(map, q->head++), value, map->value_size);
	}
	lock_give(&q->lock);
	return err;
}

static int take(struct vm_map *map, void *value, bool newest, bool keep)
{
	struct queue *q = map->data;
	bool empty;

	lock_take(&q->lock);
	empty = q->head == q->tail;
	if (!empty) {
		map_copy(value, queue_at(map, newest ? q->head - 1 : q->tail), map->value_size);
		q->head -= newest && !keep;
		q->tail += !newest && !keep;
	}
	lock_give(&q->lock);
	if (empty)
		memset(value, 0, map->value_size);
	return empty ? -ENOENT : 0;
}

static int queue_pop(struct vm_map *map, void *value)
{
	return take(map, value, false, false);
}

static int queue_peek(struct vm_map *map, void *value)
{
	return take(map, value, false, true);
}

static int stack_pop(struct vm_map *map, void *value)
{
	return take(map, value, true, false);
}

static int stack_peek(struct vm_map *map, void *value)
{
	return take(map, value, true, true);
}

static int no_remove(struct vm_map *map, const void *key)
{
	(void)key;
	return map->kind == MAP_BLOOM_FILTER ? -EOPNOTSUPP : -EINVAL;
}

static int no_next(struct vm_map *map, const void *key, void *next)
{
	(void)key;
	(void)next;
	return map->kind == MAP_BLOOM_FILTER ? -EOPNOTSUPP : -EINVAL;
}

/* ---- the filter */

static u32 bloom_hashes(const struct vm_map *map)
{
	return map->extra ? map->extra & 15 : BLOOM_HASHES;
}

static int bloom_open(struct vm_map *map)
{
	int err = queue_check(map, BLOOM_FLAGS);
	u64 bits, bytes;
	struct bloom *b;

	if (err || map->extra > 15)
		return err ? err : -EINVAL;
	/* n * hashes / ln 2 bits make it err least */
	bits = MIN(map_pow2((u64)map->max_entries * bloom_hashes(map) * 7 / 5), BLOOM_BITS);
	bits = MAX(bits, 64ull);
	bytes = sizeof(*b) + bits / 8;
	map->data = b = vm_memory(bytes, false);
	if (!b)
		return -ENOMEM;
	*b = (struct bloom){.mask = bits - 1, .bytes = bytes};
	if (!(map->flags & BPF_F_ZERO_SEED) &&
	    getrandom(&b->seed, sizeof(b->seed), GRND_NONBLOCK) < 0)
		b->seed = (u64)(uintptr_t)b;
	return 0;
}

static void bloom_close(struct vm_map *map)
{
	vm_memory_free(map->data, ((struct bloom *)map->data)->bytes);
}

/* FNV-1a, then mixed; one for each of the hashes. */
static u64 bloom_bit(const struct bloom *b, const u8 *value, u32 n, u32 which)
{
	u64 h = 0xcbf29ce484222325ull ^ b->seed ^ (which * 0x9e3779b97f4a7c15ull);

	while (n--)
		h = (h ^ *value++) * 0x100000001b3ull;
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdull;
	return (h ^ h >> 33) & b->mask;
}

static int bloom_push(struct vm_map *map, const void *value, u64 flags)
{
	struct bloom *b = map->data;

	if (flags != BPF_ANY)
		return -EINVAL;
	for (u32 i = 0; i < bloom_hashes(map); i++) {
		u64 bit = bloom_bit(b, value, map->value_size, i);

		__atomic_fetch_or(&b->bits[bit / 64], 1ull << bit % 64, __ATOMIC_RELAXED);
	}
	return 0;
}

static int bloom_peek(struct vm_map *map, void *value)
{
	struct bloom *b = map->data;

	for (u32 i = 0; i < bloom_hashes(map); i++) {
		u64 bit = bloom_bit(b, value, map->value_size, i);

		if (!(__atomic_load_n(&b->bits[bit / 64], __ATOMIC_RELAXED) >> bit % 64 & 1))
			return -ENOENT;
	}
	return 0;
}

static int bloom_pop(struct vm_map *map, void *value)
{
	(void)map;
	(void)value;
	return -EOPNOTSUPP;
}

const struct vm_map_ops map_queue = {
	.open = queue_open,
	.close = queue_close,
	.push = queue_push,
	.pop = queue_pop,
	.peek = queue_peek,
	.remove = no_remove,
	.next = no_next,
};
const struct vm_map_ops map_stack = {
	.open = queue_open,
	.close = queue_close,
	.push = queue_push,
	.pop = stack_pop,
	.peek = stack_peek,
	.remove = no_remove,
	.next = no_next,
};
const struct vm_map_ops map_bloom = {
	.open = bloom_open,
	.close = bloom_close,
	.push = bloom_push,
	.pop = bloom_pop,
	.peek = bloom_peek,
	.remove = no_remove,
	.next = no_next,
};
