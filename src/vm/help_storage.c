/*
 * help_storage.c: helpers that find the value of the task or of the cgroup.
 */
#include <stdlib.h>

#include "vm/help.h"

#define F_CREATE 1 /* BPF_LOCAL_STORAGE_GET_F_CREATE */

/* There is one task that a run is about; whatever pointer to a task is handed in means it. */
HELPER_FN(help_task_storage_get)
{
	struct vm_map *map = map_arg(a);
	struct vm_task own;
	u32 tid = help_task(run, &own)->tid;
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
	struct vm_task own;
	u32 tid = help_task(run, &own)->tid;

	UNUSED_ARGS;
	return b ? (u64)(s64)map->ops->remove(map, &tid) : (u64)-EINVAL;
}

HELPER_FN(help_get_local_storage)
{
	struct vm_map *map = map_arg(a);

	UNUSED_ARGS;
	return address_of(map->ops->lookup(map, NULL, run->cpu));
}
