/*
 * help_storage.c: helpers that find the value of the task or of the cgroup.
 */
#include <stdlib.h>

#include "vm/help.h"

#define F_CREATE 1 /* BPF_LOCAL_STORAGE_GET_F_CREATE */

HELPER_FN(help_task_storage_get)
{
	struct vm_map *map = map_arg(a);
	u32 tid = help_task_tid(run, b);
	void *value = b ? map->ops->lookup(map, &tid, run->cpu) : NULL, *zeroes;

	UNUSED_ARGS;
	if (value || !b || d != F_CREATE)
		return address_of(value);
	zeroes = calloc(1, map->value_size);
	if (!zeroes)
		return 0;
	map->ops->update(map, &tid, c ? pointer(c) : zeroes, BPF_NOEXIST, run->cpu);
	free(zeroes);
	return address_of(map->ops->lookup(map, &tid, run->cpu));
}

HELPER_FN(help_task_storage_delete)
{
	struct vm_map *map = map_arg(a);
	u32 tid = help_task_tid(run, b);

	UNUSED_ARGS;
	return b ? (u64)(s64)map->ops->remove(map, &tid) : (u64)-EINVAL;
}

HELPER_FN(help_get_local_storage)
{
	struct vm_map *map = map_arg(a);

	UNUSED_ARGS;
	return address_of(map->ops->lookup(map, NULL, run->cpu));
}

/* ---- what becomes of tasks */

static struct vm_map *storage(struct vm *vm, u32 i)
{
	struct vm_map *map = vm_map_of(vm, i);

	return map->kind == MAP_TASK_STORAGE ? map : NULL;
}

void vm_task_ended(struct vm *vm, u32 tid)
{
	for (u32 i = 0; i < vm->object->maps.n; i++)
		if (storage(vm, i))
			hash_remove(storage(vm, i), &tid);
}

void vm_task_renamed(struct vm *vm, u32 from, u32 to, u32 cpu)
{
	for (u32 i = 0; i < vm->object->maps.n; i++) {
		struct vm_map *map = storage(vm, i);
		void *value = map ? map->ops->lookup(map, &from, cpu) : NULL;

		if (map)
			hash_remove(map, &to);
		if (value) {
			map->ops->update(map, &to, value, BPF_ANY, cpu);
			hash_remove(map, &from);
		}
	}
}
