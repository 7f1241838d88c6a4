/*
 * map_hash.c: hash maps, per CPU and not, with and without forgetting (LRU).
 *
 * Nodes have numbers. A bucket is the number of its first node and a lock; a node holds the number
 * of the next one, its hash and its key. The end of a list says whose end it is: a reader who came
 * to a node that was meanwhile deleted and used again elsewhere sees a foreign end, and starts
 * again. So readers take no locks, and writers hold one only while they change a list.
 *
 * A new value of a key that is there takes a new node, put in front of the old one, which leaves
 * then: readers see one of the two whole. There are some spare nodes for that. Per-CPU values are
 * written in place, each CPU its own.
 *
 * Free nodes are a stack (its head counts, so that it cannot be mistaken for an older one), and
 * those never used yet lie behind `fresh`: pages of a large map are touched when they are needed.
 *
 * An LRU map that is full gives up the node under a hand that goes round and round (CLOCK); one
 * that was looked up since the hand came last is spared once.
 */
#include <sched.h>

#include "vm/hash.h"
#include "vm/timer.h"

/* ---- hashing */

static u64 fold(u64 a, u64 b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (u64)p ^ (u64)(p >> 64);
}

static inline u64 word_at(const u8 *p, u32 n)
{
	u64 w = 0;

	memcpy(&w, p, n);
	return w;
}

static u32 hash_key(const struct vm_map *map, const void *key)
{
	const u8 *p = key;
	u32 n = map->key_size;
	u64 h = hash_of(map)->seed;

	for (; n >= 8; n -= 8, p += 8)
		h = fold(h ^ word_at(p, 8), 0x9e3779b97f4a7c15ull);
	if (n == 4)
		h = fold(h ^ word_at(p, 4), 0xd6e8feb86659fd93ull);
	else if (n)
		h = fold(h ^ word_at(p, n), 0xd6e8feb86659fd93ull);
	return (u32)(h ^ h >> 32);
}

/* The key of a node may be rewritten while we look: then the hash or the end of the list tells. */
__attribute__((no_sanitize("thread"))) static bool same_key(const u8 *a, const u8 *b, u32 n)
{
	for (; n >= 8; n -= 8, a += 8, b += 8)
		if (word_at(a, 8) != word_at(b, 8))
			return false;
	if (n >= 4) {
		if (word_at(a, 4) != word_at(b, 4))
			return false;
		n -= 4, a += 4, b += 4;
	}
	while (n--)
		if (*a++ != *b++)
			return false;
	return true;
}

static u32 find(const struct vm_map *map, const void *key, u32 hash)
{
	struct hash *h = hash_of(map);
	const struct bucket *b = bucket_at(h, hash);
	u32 at;

	do {
		at = __atomic_load_n(&b->head, __ATOMIC_ACQUIRE);
		while (!(at & END)) {
			const struct node *n = node_at(map, at);

			if (__atomic_load_n(&n->hash, __ATOMIC_RELAXED) == hash &&
			    same_key(n->key, key, map->key_size))
				return at;
			at = __atomic_load_n(&n->next, __ATOMIC_ACQUIRE);
		}
	} while (at != (END | (hash & h->mask)));
	return NONE;
}

/* ---- free nodes */

static void give_node(struct vm_map *map, u32 i)
{
	struct hash *h = hash_of(map);
	u32 *next = (u32 *)(void *)((u8 *)h + h->free_at) + i;
	u64 head = __atomic_load_n(&h->free, __ATOMIC_RELAXED), want;

	if (map->timer_at)
		map_wipe(map, node_value(map, i));
	do {
		__atomic_store_n(next, (u32)head, __ATOMIC_RELAXED);
		want = ((head >> 32) + 1) << 32 | (i + 1);
	} while (!__atomic_compare_exchange_n(&h->free, &head, want, false, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
}

static u32 take_node(struct hash *h)
{
	u64 head = __atomic_load_n(&h->free, __ATOMIC_ACQUIRE), want;
	u32 fresh;

	while ((u32)head) {
		u32 i = (u32)head - 1, *next = (u32 *)(void *)((u8 *)h + h->free_at) + i;

		want = ((head >> 32) + 1) << 32 | __atomic_load_n(next, __ATOMIC_RELAXED);
		if (__atomic_compare_exchange_n(&h->free, &head, want, false, __ATOMIC_ACQUIRE,
						__ATOMIC_ACQUIRE))
			return i;
	}
	fresh = __atomic_load_n(&h->fresh, __ATOMIC_RELAXED);
	while (fresh < h->nodes)
		if (__atomic_compare_exchange_n(&h->fresh, &fresh, fresh + 1, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return fresh;
	return NONE;
}

/* One more entry; false: the map is full. */
static bool count_up(struct hash *h)
{
	u32 n = __atomic_load_n(&h->count, __ATOMIC_RELAXED);

	while (n < h->most)
		if (__atomic_compare_exchange_n(&h->count, &n, n + 1, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static void count_down(struct hash *h)
{
	__atomic_fetch_sub(&h->count, 1, __ATOMIC_RELAXED);
}

/* ---- lists, under the lock of their bucket */

/* The link to the node of the key, or to the end. */
static u32 *find_link(const struct vm_map *map, struct bucket *b, const void *key, u32 hash)
{
	u32 *link = &b->head;

	while (!(*link & END)) {
		struct node *n = node_at(map, *link);

		if (n->hash == hash && same_key(n->key, key, map->key_size))
			break;
		link = &n->next;
	}
	return link;
}

static void unlink_at(const struct vm_map *map, u32 *link)
{
	__atomic_store_n(link, node_at(map, *link)->next, __ATOMIC_RELEASE);
}

static bool unlink_node(const struct vm_map *map, struct bucket *b, u32 i)
{
	u32 *link = &b->head, at;

	while (!((at = __atomic_load_n(link, __ATOMIC_RELAXED)) & END)) {
		struct node *n = node_at(map, at);

		if (at == i) {
			unlink_at(map, link);
			return true;
		}
		link = &n->next;
	}
	return false;
}

static void link_node(const struct vm_map *map, struct bucket *b, u32 i)
{
	struct node *n = node_at(map, i);

	__atomic_store_n(&n->next, b->head, __ATOMIC_RELAXED);
	__atomic_store_n(&b->head, i, __ATOMIC_RELEASE);
}

/* ---- forgetting */

static bool evict(struct vm_map *map, u32 i)
{
	struct hash *h = hash_of(map);
	struct bucket *b = bucket_at(h, __atomic_load_n(&node_at(map, i)->hash, __ATOMIC_RELAXED));
	bool found;

	lock_take(&b->lock);
	found = unlink_node(map, b, i);
	lock_give(&b->lock);
	if (found) {
		count_down(h);
		give_node(map, i);
	}
	return found;
}

/* Two rounds: after one nobody is spared any more, unless others look up all the time. */
static bool forget_one(struct vm_map *map)
{
	struct hash *h = hash_of(map);
	u32 n = MIN(__atomic_load_n(&h->fresh, __ATOMIC_RELAXED), h->nodes);

	for (u64 tries = 2ull * n + 1; tries && n; tries--) {
		u32 i = __atomic_fetch_add(&h->hand, 1, __ATOMIC_RELAXED) % n;

		if (__atomic_load_n(node_recent(h, i), __ATOMIC_RELAXED))
			__atomic_store_n(node_recent(h, i), 0, __ATOMIC_RELAXED);
		else if (evict(map, i))
			return true;
	}
	return false;
}

/* ---- operations */

void *hash_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	u32 i = find(map, key, hash_key(map, key));

	return i == NONE             ? NULL
	       : map_is_per_cpu(map) ? node_value(map, i) + (size_t)cpu * map->stride
				     : node_value(map, i);
}

void *lru_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	u32 i = find(map, key, hash_key(map, key));
	u8 *recent;

	if (i == NONE)
		return NULL;
	recent = node_recent(hash_of(map), i);
	if (!__atomic_load_n(recent, __ATOMIC_RELAXED))
		__atomic_store_n(recent, 1, __ATOMIC_RELAXED);
	return node_value(map, i) + (map_is_per_cpu(map) ? (size_t)cpu * map->stride : 0);
}

static int check_flags(u64 flags, bool exists)
{
	flags &= ~(u64)BPF_F_LOCK;
	if (exists && flags == BPF_NOEXIST)
		return -EEXIST;
	return !exists && flags == BPF_EXIST ? -ENOENT : 0;
}

static void fill_node(struct vm_map *map, u32 i, const void *key, const void *value, u32 hash,
		      u32 cpu)
{
	struct node *n = node_at(map, i);
	u8 *to = node_value(map, i);

	map_copy(n->key, key, map->key_size);
	__atomic_store_n(&n->hash, hash, __ATOMIC_RELAXED);
	if (is_lru(map))
		__atomic_store_n(node_recent(hash_of(map), i), 0, __ATOMIC_RELAXED);
	if (map_is_per_cpu(map)) {
		if (cpu != VM_ALL_CPUS)
			for (u32 c = 0; c < map_cpus(map); c++)
				memset(to + (size_t)c * map->stride, 0, map->value_size);
		map_copy_cpus(map, to, value, cpu);
		return;
	}
	map_wipe(map, to);
	map_store(map, to, value, 0);
}

/* A node to be linked in; the spare ones come back soon when all are taken. */
static u32 new_node(struct hash *h)
{
	u32 i;

	for (u32 tries = 0; (i = take_node(h)) == NONE && tries < 1000; tries++)
		sched_yield();
	return i;
}

/* Puts node i in the place of what has its key. Counted under the lock: of two that add the same
 * key to a map with room for one, none must hear that it is full. */
static int put_node(struct vm_map *map, u32 i, u64 flags)
{
	struct node *n = node_at(map, i);
	struct bucket *b = bucket_at(hash_of(map), n->hash);
	u32 *link, old;
	int err;

	lock_take(&b->lock);
	link = find_link(map, b, n->key, n->hash);
	old = *link & END ? NONE : *link;
	err = check_flags(flags, old != NONE);
	if (!err && old == NONE && !count_up(hash_of(map)))
		err = -E2BIG;
	if (!err)
		link_node(map, b, i);
	if (!err && old != NONE)
		unlink_at(map, link == &b->head ? &n->next : link);
	lock_give(&b->lock);
	if (!err && old != NONE)
		give_node(map, old);
	return err;
}

/* There is no room for that key, and it is not there. */
static bool is_full(const struct vm_map *map, const void *key, u32 hash)
{
	struct hash *h = hash_of(map);
	struct bucket *b = bucket_at(h, hash);
	bool there;

	if (__atomic_load_n(&h->count, __ATOMIC_RELAXED) < h->most)
		return false;
	lock_take(&b->lock);
	there = !(*find_link(map, b, key, hash) & END);
	lock_give(&b->lock);
	return !there;
}

/* Adds the key, or replaces its element. */
static int hash_put(struct vm_map *map, const void *key, const void *value, u64 flags, u32 cpu,
		    u32 hash, bool exists)
{
	u32 i;
	int err;

	if (!exists && !is_lru(map) && is_full(map, key, hash))
		return -E2BIG;
	i = new_node(hash_of(map));
	if (i == NONE)
		return -ENOMEM;
	fill_node(map, i, key, value, hash, cpu);
	do {
		err = put_node(map, i, flags);
	} while (err == -E2BIG && is_lru(map) && forget_one(map));
	if (err)
		give_node(map, i);
	return err;
}

/* In its place: values of CPUs, and those that one store writes whole. */
static int update_in_place(struct vm_map *map, const void *key, const void *value, u64 flags,
			   u32 cpu, u32 hash)
{
	struct bucket *b = bucket_at(hash_of(map), hash);
	u32 old;
	int err;

	do {
		lock_take(&b->lock);
		old = *find_link(map, b, key, hash);
		err = check_flags(flags, !(old & END));
		if (!err && !(old & END) && map_is_per_cpu(map))
			map_copy_cpus(map, node_value(map, old), value, cpu);
		else if (!err && !(old & END))
			map_copy(node_value(map, old), value, map->value_size);
		lock_give(&b->lock);
		if (err || !(old & END))
			return err;
		/* Somebody else may add the key in between: then it is there. */
		err = hash_put(map, key, value, BPF_NOEXIST, cpu, hash, false);
	} while (err == -EEXIST && flags != BPF_NOEXIST);
	return err;
}

int hash_update(struct vm_map *map, const void *key, const void *value, u64 flags, u32 cpu)
{
	u32 hash = hash_key(map, key), old;
	int err;

	if ((flags & ~(u64)BPF_F_LOCK) > BPF_EXIST || ((flags & BPF_F_LOCK) && !map->lock_at))
		return -EINVAL;
	if ((map->value_size == 8 || map->value_size == 4) && !((uintptr_t)value & 3) &&
	    !map->lock_at)
		return update_in_place(map, key, value, flags, cpu, hash);
	old = find(map, key, hash);
	err = check_flags(flags, old != NONE);
	if (err)
		return err;
	if (old != NONE && (flags & BPF_F_LOCK))
		return map_store(map, node_value(map, old), value, flags);
	return hash_put(map, key, value, flags, cpu, hash, old != NONE);
}

int percpu_hash_update(struct vm_map *map, const void *key, const void *value, u64 flags, u32 cpu)
{
	if (flags > BPF_EXIST)
		return -EINVAL;
	return update_in_place(map, key, value, flags, cpu, hash_key(map, key));
}

int hash_remove(struct vm_map *map, const void *key)
{
	struct hash *h = hash_of(map);
	u32 hash = hash_key(map, key), *link, i;
	struct bucket *b = bucket_at(h, hash);

	lock_take(&b->lock);
	link = find_link(map, b, key, hash);
	i = *link & END ? NONE : *link;
	if (i != NONE)
		unlink_at(map, link);
	lock_give(&b->lock);
	if (i == NONE)
		return -ENOENT;
	count_down(h);
	give_node(map, i);
	return 0;
}

/* ---- one after the other, by buckets */

static u32 first_from(struct hash *h, u32 bucket)
{
	for (; bucket <= h->mask; bucket++) {
		u32 at = __atomic_load_n(&bucket_at(h, bucket)->head, __ATOMIC_ACQUIRE);

		if (!(at & END))
			return at;
	}
	return NONE;
}

static u32 following(const struct vm_map *map, u32 i, u32 bucket)
{
	u32 at = __atomic_load_n(&node_at(map, i)->next, __ATOMIC_ACQUIRE);

	return at & END ? first_from(hash_of(map), bucket + 1) : at;
}

int hash_next(struct vm_map *map, const void *key, void *next)
{
	struct hash *h = hash_of(map);
	u32 hash = key ? hash_key(map, key) : 0, i = key ? find(map, key, hash) : NONE;

	i = i == NONE ? first_from(h, 0) : following(map, i, hash & h->mask);
	if (i == NONE)
		return -ENOENT;
	map_copy(next, node_at(map, i)->key, map->key_size);
	return 0;
}

u32 hash_each(struct vm_map *map, u32 cpu, map_each_fn *fn, void *user)
{
	struct hash *h = hash_of(map);
	size_t off = map_is_per_cpu(map) ? (size_t)cpu * map->stride : 0;
	u32 done = 0;

	for (u32 b = 0; b <= h->mask; b++) {
		u32 at = __atomic_load_n(&bucket_at(h, b)->head, __ATOMIC_ACQUIRE);

		while (!(at & END)) {
			struct node *n = node_at(map, at);

			done++;
			if (fn(user, map, n->key, node_value(map, at) + off))
				return done;
			at = __atomic_load_n(&n->next, __ATOMIC_ACQUIRE);
		}
	}
	return done;
}

const void *hash_key_of(const struct vm_map *map, u32 i)
{
	return node_at(map, i)->key;
}
