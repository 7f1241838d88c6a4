/*
 * own.h: what the engines share that run programs in our own machine: data sections, entries of
 * maps.
 */
#ifndef ENGINE_OWN_H
#define ENGINE_OWN_H

#include "engine/engine.h"
#include "vm/vm.h"

/* Before the machine is opened: an object may come from a machine with other CPUs. Afterwards: what
 * only the loader knows is put into .rodata; e->control and e->counters are found. Objects of other
 * compilers have nothing of that. `cpus`: a power of two. */
void own_cpus_set(struct object *, u32 cpus);
int own_sections_fill(struct engine *, const struct engine_opts *, u32 cpus);

/* Rows of struct engine_ops, for engines whose base.vm is set. */
u32 own_map_bytes(struct engine *, u32 map);
int own_map_lookup(struct engine *, u32 map, const void *key, void *value);
int own_map_update(struct engine *, u32 map, const void *key, const void *value, u64 flags);
int own_map_delete(struct engine *, u32 map, const void *key);
int own_map_next(struct engine *, u32 map, const void *key, void *next);
int own_map_read(struct engine *, u32 map, struct buf *keys, struct buf *values, u32 *n);
s64 own_recursion(struct engine *);

#define OWN_MAPS                                                                                \
	.map_bytes = own_map_bytes, .map_lookup = own_map_lookup, .map_update = own_map_update, \
	.map_delete = own_map_delete, .map_next = own_map_next, .map_read = own_map_read,       \
	.recursion = own_recursion

/* Does a program run at what a process does, not only by the clock and at begin and end? */
bool own_needs_process(const struct object *);

#endif
