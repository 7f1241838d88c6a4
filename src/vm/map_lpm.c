/*
 * map_lpm.c: the longest prefix that matches: a binary trie with nodes only where it branches.
 *
 * A key is a number of bits and the bits, most significant first. Every node is a prefix, those
 * below it continue it by a 0 or a 1; a node without a value only holds two others together. Nodes
 * have numbers (0: none), and number i has value i.
 *
 * Readers take no lock: they look at the word of the lock before and behind, and start again when a
 * writer was there. On the way they may see anything, but prefixes get longer with each step.
 */
#include "vm/map.h"

#define LPM_BITS_MAX 2048
#define LPM_FLAGS    (BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | MAP_ACCESS_FLAGS)
#define READ_TRIES   100

struct lpm_key {
	u32 bits;
	u8 data[];
};
struct lpm_node {
	u32 child[2];
	u32 has_value;
	struct lpm_key key;
};
struct lpm {
	u64 bytes;
	u32 lock, root, free, fresh, count; /* free: a list through child[0] */
	u32 nodes, node_stride, data_bytes;
};

static struct lpm_node *node_at(const struct vm_map *map, u32 i)
{
	struct lpm *t = map->data;

	return (struct lpm_node *)(void *)((u8 *)(t + 1) + (size_t)i * t->node_stride);
}

static u8 *value_at(const struct vm_map *map, u32 i)
{
	return map->values + (size_t)i * map->stride;
}

static u32 max_bits(const struct vm_map *map)
{
	return (map->key_size - 4) * 8;
}

static u32 bit(const struct lpm_key *k, u32 at)
{
	return k->data[at / 8] >> (7 - at % 8) & 1;
}

static u32 key_bits(const void *key)
{
	u32 bits;

	memcpy(&bits, key, sizeof(bits));
	return bits;
}

/* How many bits of both prefixes are the same. */
__attribute__((no_sanitize("thread"))) static u32 common(const struct lpm_key *a,
							 const struct lpm_key *b)
{
	u32 most = MIN(a->bits, b->bits), at = 0;

	most = MIN(most, LPM_BITS_MAX);
	while (at < most) {
		u8 differ = a->data[at / 8] ^ b->data[at / 8];

		if (differ)
			return MIN(most, at + (u32)__builtin_clz(differ) - 24);
		at += 8;
	}
	return most;
}

/* ---- nodes, under the lock */

static u32 take_node(struct vm_map *map, const void *key, u32 bits)
{
	struct lpm *t = map->data;
	u32 i = t->free;
	struct lpm_node *n;

	if (i)
		t->free = node_at(map, i)->child[0];
	else if (t->fresh < t->nodes)
		i = t->fresh++;
	else
		return 0;
	n = node_at(map, i);
	memset(n, 0, sizeof(*n));
	memcpy(n->key.data, (const u8 *)key + 4, t->data_bytes);
	n->key.bits = bits;
	return i;
}

static void give_node(struct vm_map *map, u32 i)
{
	struct lpm *t = map->data;

	node_at(map, i)->child[0] = t->free;
	t->free = i;
}

/* ---- looking */

/* What matches best, 0: nothing does. While writers write it may be anything. */
__attribute__((no_sanitize("thread"))) static u32 best(const struct vm_map *map,
						       const struct lpm_key *key)
{
	const struct lpm *t = map->data;
	u32 i = __atomic_load_n(&t->root, __ATOMIC_ACQUIRE), found = 0, before = 0;
	bool first = true;

	while (i && i < t->nodes) {
		const struct lpm_node *n = node_at(map, i);
		u32 bits = n->key.bits;

		if ((!first && bits <= before) || common(&n->key, key) < bits)
			break;
		if (n->has_value)
			found = i;
		if (bits >= key->bits)
			break;
		before = bits;
		first = false;
		i = __atomic_load_n(&n->child[bit(key, bits)], __ATOMIC_ACQUIRE);
	}
	return found;
}

static void *lpm_lookup(struct vm_map *map, const void *key, u32 cpu)
{
	struct lpm *t = map->data;
	u32 i, before;

	(void)cpu;
	if (key_bits(key) > max_bits(map))
		return NULL;
	for (u32 tries = 0; tries < READ_TRIES; tries++) {
		before = __atomic_load_n(&t->lock, __ATOMIC_ACQUIRE);
		i = best(map, key);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(before & 1) && __atomic_load_n(&t->lock, __ATOMIC_RELAXED) == before)
			return i ? value_at(map, i) : NULL;
	}
	lock_take(&t->lock);
	i = best(map, key);
	lock_give(&t->lock);
	return i ? value_at(map, i) : NULL;
}

/* The link to the node where the key is or would go; *parent: the link to the one above, or NULL.
 */
static u32 *descend(struct vm_map *map, const struct lpm_key *key, u32 **parent, u32 *match)
{
	struct lpm *t = map->data;
	u32 *link = &t->root;

	*parent = NULL;
	*match = 0;
	while (*link) {
		struct lpm_node *n = node_at(map, *link);

		*match = common(&n->key, key);
		if (*match != n->key.bits || n->key.bits == key->bits)
			break;
		*parent = link;
		link = &n->child[bit(key, n->key.bits)];
	}
	return link;
}

/* ---- changing */

static void put_link(u32 *link, u32 i)
{
	__atomic_store_n(link, i, __ATOMIC_RELEASE);
}

/* Links node i in where `old` is, which shares `match` bits with it. */
static int splice(struct vm_map *map, u32 *link, u32 i, u32 match)
{
	struct lpm_node *n = node_at(map, i), *old = node_at(map, *link);
	u32 joint;

	if (match == n->key.bits) { /* above the old one */
		n->child[bit(&old->key, match)] = *link;
		put_link(link, i);
		return 0;
	}
	joint = take_node(map, &n->key, match);
	if (!joint)
		return -ENOSPC;
	node_at(map, joint)->child[bit(&n->key, match)] = i;
	node_at(map, joint)->child[bit(&old->key, match)] = *link;
	put_link(link, joint);
	return 0;
}

static int insert(struct vm_map *map, const void *key, const void *value, u64 flags)
{
	struct lpm *t = map->data;
	u32 *parent, match, *link = descend(map, key, &parent, &match), i, old = *link;
	bool same = old && match == key_bits(key) && node_at(map, old)->key.bits == match;
	bool there = same && node_at(map, old)->has_value;
	int err = 0;

	if (there && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!there && flags == BPF_EXIST)
		return -ENOENT;
	if (!there && t->count == map->max_entries)
		return -ENOSPC;
	i = take_node(map, key, key_bits(key));
	if (!i)
		return -ENOSPC;
	map_copy(value_at(map, i), value, map->value_size);
	node_at(map, i)->has_value = 1;
	if (same) {
		memcpy(node_at(map, i)->child, node_at(map, old)->child, sizeof(u32[2]));
		put_link(link, i);
		give_node(map, old);
	} else if (old) {
		err = splice(map, link, i, match);
	} else {
		put_link(link, i);
	}
	if (err)
		give_node(map, i);
	else
		t->count += !there;
	return err;
}

static int lpm_update(struct vm_map *map, const void *key, const void *value, u64 flags, u32 cpu)
{
	struct lpm *t = map->data;
	int err;

	(void)cpu;
	if (flags > BPF_EXIST || key_bits(key) > max_bits(map))
		return -EINVAL;
	lock_take(&t->lock);
	err = insert(map, key, value, flags);
	lock_give(&t->lock);
	return err;
}

/* A joint above that holds a single one now goes, too. */
static void unlink_leaf(struct vm_map *map, u32 *link, u32 *parent)
{
	u32 above = parent ? *parent : 0;
	struct lpm_node *n;

	put_link(link, 0);
	if (!above || node_at(map, above)->has_value)
		return;
	n = node_at(map, above);
	put_link(parent, n->child[0] ? n->child[0] : n->child[1]);
	give_node(map, above);
}

static int erase(struct vm_map *map, const void *key)
{
	struct lpm *t = map->data;
	u32 *parent, match, *link = descend(map, key, &parent, &match), i = *link;
	struct lpm_node *n = node_at(map, i);

	if (!i || n->key.bits != key_bits(key) || match != n->key.bits || !n->has_value)
		return -ENOENT;
	t->count--;
	if (n->child[0] && n->child[1]) {
		n->has_value = 0;
		return 0;
	}
	if (n->child[0] || n->child[1])
		put_link(link, n->child[0] ? n->child[0] : n->child[1]);
	else
		unlink_leaf(map, link, parent);
	give_node(map, i);
	return 0;
}

static int lpm_remove(struct vm_map *map, const void *key)
{
	struct lpm *t = map->data;
	int err;

	if (key_bits(key) > max_bits(map))
		return -EINVAL;
	lock_take(&t->lock);
	err = erase(map, key);
	lock_give(&t->lock);
	return err;
}

/* ---- one after the other: what is below before what is above, 0 before 1 */

static u32 lowest(struct vm_map *map, u32 i)
{
	while (i) {
		const struct lpm_node *n = node_at(map, i);

		if (!n->child[0] && !n->child[1])
			break;
		i = n->child[0] ? n->child[0] : n->child[1];
	}
	return i;
}

/* The node behind node `at` in this order: among those on the way to it and beside it. */
static u32 node_behind(struct vm_map *map, u32 at)
{
	struct lpm *t = map->data;
	const struct lpm_key *key = &node_at(map, at)->key;
	u32 i = t->root, next = 0;

	while (i != at) { /* the last on the way that has something behind us */
		u32 side = bit(key, node_at(map, i)->key.bits), other = node_at(map, i)->child[1];

		next = side == 0 && other ? lowest(map, other) : i;
		i = node_at(map, i)->child[side];
	}
	return next;
}

/* The node that holds just this prefix, 0: there is none. */
static u32 exactly(struct vm_map *map, const struct lpm_key *key)
{
	u32 *parent, match, i = *descend(map, key, &parent, &match);
	const struct lpm_node *n = node_at(map, i);

	return i && match == key->bits && n->key.bits == match && n->has_value ? i : 0;
}

static int next_key(struct vm_map *map, const void *key, void *next)
{
	struct lpm *t = map->data;
	u32 i = key && key_bits(key) <= max_bits(map) ? exactly(map, key) : 0;

	i = i ? node_behind(map, i) : lowest(map, t->root);
	while (i && !node_at(map, i)->has_value)
		i = node_behind(map, i);
	if (!i)
		return -ENOENT;
	memcpy(next, &node_at(map, i)->key, map->key_size);
	return 0;
}

static int lpm_next(struct vm_map *map, const void *key, void *next)
{
	struct lpm *t = map->data;
	int err;

	lock_take(&t->lock);
	err = next_key(map, key, next);
	lock_give(&t->lock);
	return err;
}

/* ---- making one */

static int lpm_open(struct vm_map *map)
{
	u32 both = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
	u64 nodes = 2ull * map->max_entries + 2, bytes; /* joints, and one that replaces */
	u32 stride = (u32)ALIGN_UP(sizeof(struct lpm_node) + map->key_size - 4, 4);
	struct lpm *t;
	int err;

	if (!map->max_entries || !(map->flags & BPF_F_NO_PREALLOC) || (map->flags & ~LPM_FLAGS) ||
	    (map->flags & both) == both || map->key_size < 5 || map->key_size > 4 + 256 ||
	    !map->value_size || map->value_size > MAP_BYTES_MAX)
		return -EINVAL;
	if (nodes > UINT32_MAX / 2)
		return -ENOMEM;
	err = map_values_open(map, nodes);
	if (err)
		return err;
	bytes = sizeof(*t) + nodes * stride;
	t = vm_memory(bytes, false);
	if (!t) {
		map_values_close(map);
		return -ENOMEM;
	}
	*t = (struct lpm){.bytes = bytes,
			  .fresh = 1,
			  .nodes = (u32)nodes,
			  .node_stride = stride,
			  .data_bytes = map->key_size - 4};
	map->data = t;
	return 0;
}

static void lpm_close(struct vm_map *map)
{
	vm_memory_free(map->data, ((struct lpm *)map->data)->bytes);
	map_values_close(map);
}

const struct vm_map_ops map_lpm = {
	.open = lpm_open,
	.close = lpm_close,
	.lookup = lpm_lookup,
	.update = lpm_update,
	.remove = lpm_remove,
	.next = lpm_next,
};
