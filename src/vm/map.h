/*
 * map.h: what the kinds of maps share.
 *
 * A kind is a file map_*.c with a row of struct vm_map_ops for each of its kinds, named in the
 * table of maps.c. What a kind remembers lies in vm_memory() and holds indices, no pointers, so
 * that a child that was forked changes the same map. Values lie in one piece, map->values,
 * map->stride bytes apart: a power of two, so that the region that holds an address names its
 * value.
 *
 * `cpu` of lookups and updates is the CPU whose value is meant in per-CPU maps. VM_ALL_CPUS in an
 * update means all of them: the value is one for each CPU, each rounded up to 8 bytes.
 */
#ifndef VM_MAP_H
#define VM_MAP_H

#include <errno.h>

#include "vm/inside.h"
#include "vm/lock.h"

#define VM_ALL_CPUS UINT32_MAX

/* Flags of updates, of maps (BPF_F_*) and of perf_event_output and the like. */
enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK = 4 };
enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_F_NO_COMMON_LRU = 1 << 1,
	BPF_F_NUMA_NODE = 1 << 2,
	BPF_F_RDONLY = 1 << 3,
	BPF_F_WRONLY = 1 << 4,
	BPF_F_STACK_BUILD_ID = 1 << 5,
	BPF_F_ZERO_SEED = 1 << 6,
	BPF_F_RDONLY_PROG = 1 << 7,
	BPF_F_WRONLY_PROG = 1 << 8,
	BPF_F_CLONE = 1 << 9,
	BPF_F_MMAPABLE = 1 << 10,
	BPF_F_PRESERVE_ELEMS = 1 << 11,
	BPF_F_INNER_MAP = 1 << 12,
	MAP_ACCESS_FLAGS = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG,
};
#define PERCPU_VALUE_MAX 32768     /* PCPU_MIN_UNIT_SIZE */
#define MAP_BYTES_MAX    (1 << 22) /* KMALLOC_MAX_SIZE: key and value of an element together */

static inline u32 map_cpus(const struct vm_map *map)
{
	return MAX(map->vm->opts.cpus, 1u);
}

static inline u32 round8(u32 n)
{
	return (n + 7) & ~7u;
}

/* Makes map->values: `count` of map->value_size bytes, and their region. */
int map_values_open(struct vm_map *, u64 count);
void map_values_close(struct vm_map *);
/* The smallest power of two that is not below n. */
u64 map_pow2(u64 n);
/* Copies a value for one CPU or for all of them to where those of an element begin. */
void map_copy_cpus(struct vm_map *, u8 *to, const void *value, u32 cpu);
/* Copies a value as the kernel's memcpy does of values that others change: by words. */
void map_copy(void *to, const void *from, u32 size);

/* Writes and reads a value in its place: not its lock and timer; under the lock with BPF_F_LOCK. */
int map_store(struct vm_map *, u8 *to, const void *value, u64 flags);
int map_load(struct vm_map *, void *to, u8 *value, u64 flags);
/* What a value has beside its bytes ends: its timer is forgotten, its lock is open. */
void map_wipe(struct vm_map *, u8 *value);
/* map_cgroup.c: the id of the cgroup in a slot, 0: it is empty. */
u64 map_cgroup(struct vm_map *, u32 i);
/* map_special.c: sets lock_at and timer_at by the type of the value. */
struct btf;
void map_find_special(struct btf *, struct vm_map *, u32 value);
int map_fill(struct vm_map *, const struct object_map *); /* what is in it from the start */
bool map_is_per_cpu(const struct vm_map *);

extern const struct vm_map_ops map_array, map_percpu_array, map_slots;
extern const struct vm_map_ops map_hash, map_percpu_hash, map_lru_hash, map_lru_percpu_hash;
/* Operations that several kinds have. */
int array_next(struct vm_map *, const void *key, void *next);
int slots_open(struct vm_map *);
int slot_copy(struct vm_map *, const void *key, void *value);
int slot_remove(struct vm_map *, const void *key);
int hash_remove(struct vm_map *, const void *key);
int hash_next(struct vm_map *, const void *key, void *next);
void hash_close(struct vm_map *);

extern const struct vm_map_ops map_array_of_maps, map_hash_of_maps, map_devices, map_sockets;
extern const struct vm_map_ops map_socket_hash;
extern const struct vm_map_ops map_ring, map_stack_trace, map_task_storage, map_cgroup_storage;
extern const struct vm_map_ops map_cgroups, map_percpu_cgroup_storage;
extern const struct vm_map_ops map_lpm, map_queue, map_stack, map_bloom;

#endif
