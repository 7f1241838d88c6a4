/*
 * maps.c: the maps of a machine: made from those of its object, and asked from outside.
 *
 * In:  the maps of an object. Out: vm->maps and their regions; lookups with the errors of bpf(2).
 *
 * Behind the object's maps come those that fill maps of maps: one for each CPU where the object
 * asks for that (rings).
 */
#include <stdlib.h>

#include "btf/btf.h"
#include "vm/map.h"
#include "vm/timer.h"

/* ---- the kinds */

struct map_kind_row {
	u32 kind;
	const struct vm_map_ops *ops;
};
static const struct map_kind_row kinds[] = {
	{MAP_HASH, &map_hash},
	{MAP_ARRAY, &map_array},
	{MAP_PROG_ARRAY, &map_slots},
	{MAP_PERF_EVENT_ARRAY, &map_slots},
	{MAP_PERCPU_HASH, &map_percpu_hash},
	{MAP_PERCPU_ARRAY, &map_percpu_array},
	{MAP_STACK_TRACE, &map_stack_trace},
	{MAP_CGROUP_ARRAY, &map_cgroups},
	{MAP_LRU_HASH, &map_lru_hash},
	{MAP_LRU_PERCPU_HASH, &map_lru_percpu_hash},
	{MAP_LPM_TRIE, &map_lpm},
	{MAP_ARRAY_OF_MAPS, &map_array_of_maps},
	{MAP_HASH_OF_MAPS, &map_hash_of_maps},
	{MAP_DEVMAP, &map_devices},
	{MAP_SOCKMAP, &map_sockets},
	{MAP_CPUMAP, &map_devices},
	{MAP_XSKMAP, &map_devices},
	{MAP_SOCKHASH, &map_socket_hash},
	{MAP_CGROUP_STORAGE, &map_cgroup_storage},
	{MAP_REUSEPORT_SOCKARRAY, &map_sockets},
	{MAP_PERCPU_CGROUP_STORAGE, &map_percpu_cgroup_storage},
	{MAP_QUEUE, &map_queue},
	{MAP_STACK, &map_stack},
	{MAP_DEVMAP_HASH, &map_hash},
	{MAP_RINGBUF, &map_ring},
	{MAP_TASK_STORAGE, &map_task_storage},
	{MAP_BLOOM_FILTER, &map_bloom},
	{MAP_USER_RINGBUF, &map_ring},
};

const struct vm_map_ops *vm_map_ops(u32 kind)
{
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].ops;
	return NULL;
}

bool map_is_per_cpu(const struct vm_map *map)
{
	return map_kind(map->kind)->per_cpu;
}

/* ---- values */

u64 map_pow2(u64 n)
{
	u64 p = 1;

	while (p < n)
		p *= 2;
	return p;
}

int map_values_open(struct vm_map *map, u64 count)
{
	u64 stride = map_pow2(MAX(MAX(map->value_size, map->stride), 8u));

	if (stride > UINT32_MAX / 2 || count > (1ull << 46) / stride)
		return -E2BIG;
	map->stride = (u32)stride;
	map->values = vm_memory(count * stride, false);
	if (!map->values)
		return -ENOMEM;
	map->region = (struct vm_region){
		.start = (u64)(uintptr_t)map->values,
		.size = count > 1 ? count * stride : map->value_size,
		.elem = count > 1 ? map->value_size : 0,
		.stride = count > 1 ? map->stride : 0,
		.kind = VM_MAPVAL,
		.writable = !(map->flags & BPF_F_RDONLY_PROG),
		.map = map,
	};
	map->values_bytes = count * stride;
	return 0;
}

void map_values_close(struct vm_map *map)
{
	vm_memory_free(map->values, map->values_bytes);
	map->values = NULL;
}

/* Values change while they are copied; a word at a time is what the kernel promises. */
__attribute__((no_sanitize("thread"))) void map_copy(void *to, const void *from, u32 size)
{
	u8 *t = to;
	const u8 *f = from;
	u64 word;

	if (!(((uintptr_t)t | (uintptr_t)f) & 7))
		for (; size >= 8; size -= 8, t += 8, f += 8) {
			word = __atomic_load_n((const u64 *)(const void *)f, __ATOMIC_RELAXED);
			__atomic_store_n((u64 *)(void *)t, word, __ATOMIC_RELAXED);
		}
	if (size >= 4 && !(((uintptr_t)t | (uintptr_t)f) & 3)) {
		u32 half = __atomic_load_n((const u32 *)(const void *)f, __ATOMIC_RELAXED);

		__atomic_store_n((u32 *)(void *)t, half, __ATOMIC_RELAXED);
		t += 4, f += 4, size -= 4;
	}
	while (size--)
		*t++ = *f++;
}

/* Where what programs may not see begins, from `at` on: the lock, the timer; and its bytes. */
static u32 hidden(const struct vm_map *map, u32 at, u32 *bytes)
{
	u32 lock = map->lock_at && map->lock_at - 1 >= at ? map->lock_at - 1 : map->value_size;
	u32 timer = map->timer_at && map->timer_at - 1 >= at ? map->timer_at - 1 : map->value_size;

	*bytes = lock < timer ? 4 : timer < map->value_size ? 16 : 0;
	return MIN(lock, timer);
}

static void copy_visible(struct vm_map *map, u8 *to, const u8 *from)
{
	u32 bytes = 0;

	for (u32 at = 0, end; at < map->value_size; at = end + bytes) {
		end = hidden(map, at, &bytes);
		map_copy(to + at, from + at, end - at);
	}
}

int map_store(struct vm_map *map, u8 *to, const void *value, u64 flags)
{
	u32 *lock = (u32 *)(void *)(to + map->lock_at - 1);

	if ((flags & BPF_F_LOCK) && !map->lock_at)
		return -EINVAL;
	if (flags & BPF_F_LOCK)
		lock_take(lock);
	copy_visible(map, to, value);
	if (flags & BPF_F_LOCK)
		lock_give(lock);
	return 0;
}

int map_load(struct vm_map *map, void *to, u8 *value, u64 flags)
{
	u32 *lock = (u32 *)(void *)(value + map->lock_at - 1);

	if ((flags & BPF_F_LOCK) && !map->lock_at)
		return -EINVAL;
	memset(to, 0, map->value_size);
	if (flags & BPF_F_LOCK)
		lock_take(lock);
	copy_visible(map, to, value);
	if (flags & BPF_F_LOCK)
		lock_give(lock);
	return 0;
}

void map_wipe(struct vm_map *map, u8 *value)
{
	if (map->lock_at)
		memset(value + map->lock_at - 1, 0, 4);
	if (map->timer_at)
		timer_forget(map, value);
}

void map_copy_cpus(struct vm_map *map, u8 *to, const void *value, u32 cpu)
{
	const u8 *from = value;

	if (cpu != VM_ALL_CPUS) {
		map_copy(to + (size_t)cpu * map->stride, value, map->value_size);
		return;
	}
	for (u32 c = 0; c < map_cpus(map); c++)
		map_copy(to + (size_t)c * map->stride, from + (size_t)c * round8(map->value_size),
			 map->value_size);
}

/* ---- one map */

int vm_map_open(struct vm_map *map, struct diag *diag)
{
	const struct map_kind *kind = map_kind(map->kind);
	int err;

	map->ops = vm_map_ops(map->kind);
	if (!map->ops)
		return diag_fail(diag, -EOPNOTSUPP, "run it in the kernel",
				 "map %s: maps of kind %s do not exist in user space", map->name,
				 kind ? kind->name : "unknown");
	err = map->ops->open(map);
	if (err)
		map->ops = NULL;
	if (err == -ENOMEM)
		return diag_fail(diag, err, NULL, "map %s: there is no memory for its %u entries",
				 map->name, map->max_entries);
	if (err)
		return diag_fail(diag, err, NULL,
				 "map %s: there is no %s with key size %u, value size %u, %u "
				 "entries and flags 0x%x",
				 map->name, kind->name, map->key_size, map->value_size,
				 map->max_entries, map->flags);
	return 0;
}

void vm_map_close(struct vm_map *map)
{
	if (map->ops && map->ops->close)
		map->ops->close(map);
	map->ops = NULL;
}

/* ---- all of them */

static u32 filled(const struct vm *vm, const struct object_map *m)
{
	u32 cpus = MAX(vm->opts.cpus, 1u);

	return m->fill_per_cpu ? cpus : 0;
}

static void describe(struct vm *vm, struct vm_map *map, const struct object_map *m)
{
	map->vm = vm;
	map->name = m->shown ? m->shown : m->name;
	map->kind = m->kind;
	map->key_size = m->key_size;
	map->value_size = m->value_size;
	map->max_entries = m->max_entries;
	map->flags = m->flags;
	map->extra = (u32)m->extra;
	if (m->kind == MAP_PERF_EVENT_ARRAY && !m->max_entries)
		map->max_entries = MAX(vm->opts.cpus, 1u); /* as the loaders of the kernel do */
	if (m->kind == MAP_ARRAY_OF_MAPS || m->kind == MAP_HASH_OF_MAPS)
		map->like = &m->inner;
	if (m->fill_per_cpu) /* as many as whoever loads it has CPUs */
		map->max_entries = MAX(m->max_entries, MAX(vm->opts.cpus, 1u));
	if (m->section)
		map->value_size = (u32)object_map_bytes(vm->object, m);
}

static void describe_inner(struct vm *vm, struct vm_map *map, const struct object_map *outer)
{
	const struct object_map_inner *in = &outer->inner;

	map->vm = vm;
	map->name = outer->name;
	map->kind = in->kind;
	map->key_size = in->key_size;
	map->value_size = in->value_size;
	map->max_entries = in->max_entries;
	map->flags = in->flags;
	map->extra = (u32)in->extra;
	if (map->kind == MAP_RINGBUF && outer->fill_per_cpu && vm->opts.ring_bytes)
		map->max_entries = vm->opts.ring_bytes;
	else if (map->kind == MAP_RINGBUF && outer->fill_per_cpu && !map->max_entries)
		map->max_entries = RING_BYTES;
}

static int by_address(const void *a, const void *b)
{
	u64 x = ((const struct vm_region *)a)->start, y = ((const struct vm_region *)b)->start;

	return x < y ? -1 : x > y;
}

static void collect_regions(struct vm *vm)
{
	vm->regions = arena_array(&vm->arena, struct vm_region, vm->nmaps + 1);
	for (u32 i = 0; i < vm->nmaps; i++)
		if (vm->maps[i]->region.size)
			vm->regions[vm->nregions++] = vm->maps[i]->region;
	qsort(vm->regions, vm->nregions, sizeof(*vm->regions), by_address);
}

/* Makes map number i, then what it is filled with, from number *next on. */
static int open_one(struct vm *vm, u32 i, u32 *next, struct diag *diag)
{
	const struct object_map *m = &vm->object->maps.v[i];
	struct vm_map *map = vm->maps[i];
	int err;

	describe(vm, map, m);
	err = vm_map_open(map, diag);
	if (!err && m->data && map->values)
		memcpy(map->values, m->data, m->value_size);
	if (m->section == SECTION_RODATA)
		map->region.writable = false;
	for (u32 c = 0; c < filled(vm, m) && !err; c++) {
		struct vm_map *inner = vm->maps[*next];

		describe_inner(vm, inner, m);
		err = vm_map_open(inner, diag);
		if (!err && map->ops)
			err = map->ops->update(map, &c, next, BPF_ANY, c);
		++*next;
	}
	return err;
}

/* Locks and timers by types, and what is in maps that name others: when all are there. */
static int complete(struct vm *vm, u32 own, struct diag *diag)
{
	struct btf *btf = NULL;
	struct diag quiet = {0};

	if (own && vm->object->btf)
		btf_open_raw(&btf, vm->object->btf, vm->object->btf_size, &quiet);
	for (u32 i = 0; i < own; i++) {
		const struct object_map *m = &vm->object->maps.v[i];
		int err = map_fill(vm->maps[i], m);

		if (btf && m->btf_value && !m->section)
			map_find_special(btf, vm->maps[i], m->btf_value);
		if (err) {
			btf_close(btf);
			return diag_fail(diag, err, NULL,
					 "map %s: what is in it from the start "
					 "does not fit",
					 vm->maps[i]->name);
		}
	}
	btf_close(btf);
	return 0;
}

int vm_maps_open(struct vm *vm, struct diag *diag)
{
	u32 own = vm->object ? vm->object->maps.n : 0, next = own, n = own;
	struct vm_map *all;

	for (u32 i = 0; i < own; i++)
		n += filled(vm, &vm->object->maps.v[i]);
	all = arena_array(&vm->arena, struct vm_map, n + 1);
	vm->maps = arena_array(&vm->arena, struct vm_map *, n + 1);
	for (vm->nmaps = 0; vm->nmaps < n; vm->nmaps++) {
		vm->maps[vm->nmaps] = &all[vm->nmaps];
		all[vm->nmaps].index = vm->nmaps;
	}
	for (u32 i = 0; i < own; i++) {
		int err = open_one(vm, i, &next, diag);

		if (err)
			return err;
	}
	collect_regions(vm);
	return complete(vm, own, diag);
}

void vm_maps_close(struct vm *vm)
{
	for (u32 i = 0; i < vm->nmaps; i++)
		vm_map_close(vm->maps[i]);
	vm->nmaps = 0;
	vm_timers_close(vm);
}

bool vm_is_map(const struct vm *vm, const void *p)
{
	uintptr_t at = (uintptr_t)p, first = vm->nmaps ? (uintptr_t)vm->maps[0] : 0;

	/* they are one array */
	return vm->nmaps && at >= first && (at - first) % sizeof(struct vm_map) == 0 &&
	       (at - first) / sizeof(struct vm_map) < vm->nmaps;
}

/* ---- from outside */

int vm_map_lookup(struct vm_map *map, const void *key, void *value)
{
	u32 cpus = map_is_per_cpu(map) ? map_cpus(map) : 1;
	u32 step = map_is_per_cpu(map) ? round8(map->value_size) : map->value_size;

	if (map->flags & BPF_F_WRONLY)
		return -EPERM;
	if (map->ops->copy)
		return map->ops->copy(map, key, value);
	if (!map->ops->lookup)
		return map->ops->peek ? map->ops->peek(map, value) : -EOPNOTSUPP;
	for (u32 c = 0; c < cpus; c++) {
		void *found = map->ops->lookup(map, key, c);

		if (!found)
			return -ENOENT;
		memset((u8 *)value + (size_t)c * step, 0, step);
		map_load(map, (u8 *)value + (size_t)c * step, found, 0);
	}
	return 0;
}

int vm_map_update(struct vm_map *map, const void *key, const void *value, u64 flags)
{
	if (map->flags & BPF_F_RDONLY)
		return -EPERM;
	if ((flags & BPF_F_LOCK) && !map->lock_at)
		return -EINVAL;
	if (map->ops->push)
		return map->ops->push(map, value, flags);
	if (!map->ops->update)
		return -EOPNOTSUPP;
	return map->ops->update(map, key, value, flags, map_is_per_cpu(map) ? VM_ALL_CPUS : 0);
}

int vm_map_delete(struct vm_map *map, const void *key)
{
	if (map->flags & BPF_F_RDONLY)
		return -EPERM;
	return map->ops->remove ? map->ops->remove(map, key) : -EOPNOTSUPP;
}

/* For queues and stacks, and hash maps; both at once where nobody else writes. */
int vm_map_pop(struct vm_map *map, const void *key, void *value)
{
	int err;

	if (map->flags & (BPF_F_RDONLY | BPF_F_WRONLY))
		return -EPERM;
	if (map->ops->pop)
		return map->ops->pop(map, value);
	if (!map->ops->lookup || !map->ops->remove)
		return -EOPNOTSUPP;
	err = vm_map_lookup(map, key, value);
	return err ? err : map->ops->remove(map, key);
}

int vm_map_next(struct vm_map *map, const void *key, void *next)
{
	if (map->flags & BPF_F_WRONLY)
		return -EPERM;
	return map->ops->next ? map->ops->next(map, key, next) : -EOPNOTSUPP;
}
