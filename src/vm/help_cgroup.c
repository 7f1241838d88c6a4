/*
 * help_cgroup.c: helpers about cgroups: that of the task, those above it, and those in an array.
 *
 * A packet that is handed to a program has a socket of the one that runs it, as in the kernel's
 * test runs: its cgroup is that of the task.
 */
#include "vm/cgroup.h"
#include "vm/help.h"

static u32 chain_of(struct vm_run *run, u64 ids[CGROUPS_MOST])
{
	struct vm_task own;

	if (run->host->cgroups)
		return run->host->cgroups(run, ids);
	return cgroup_chain(help_task(run, &own)->tid, ids);
}

/* Of an array: is the task in it, or in one below it? */
static u64 is_under(struct vm_run *run, struct vm_map *map, u32 index)
{
	u64 ids[CGROUPS_MOST], id;
	u32 n;

	if (index >= map->max_entries)
		return (u64)-E2BIG;
	id = map_cgroup(map, index);
	if (!id)
		return (u64)-EAGAIN;
	n = chain_of(run, ids);
	for (u32 i = 0; i < n; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

HELPER_FN(help_task_under_cgroup)
{
	UNUSED_ARGS;
	return is_under(run, map_arg(a), (u32)b);
}

HELPER_FN(help_skb_under_cgroup)
{
	UNUSED_ARGS;
	return is_under(run, map_arg(b), (u32)c);
}

/* Level 0 is the root; 0: it does not lie that deep. */
static u64 ancestor(struct vm_run *run, s32 level)
{
	u64 ids[CGROUPS_MOST];
	u32 n = chain_of(run, ids);

	return level < 0 || (u32)level >= n ? 0 : ids[n - 1 - (u32)level];
}

HELPER_FN(help_ancestor_cgroup)
{
	UNUSED_ARGS;
	return ancestor(run, (s32)a);
}

HELPER_FN(help_skb_ancestor_cgroup)
{
	UNUSED_ARGS;
	return ancestor(run, (s32)b);
}

HELPER_FN(help_skb_cgroup)
{
	u64 ids[CGROUPS_MOST];

	UNUSED_ARGS;
	return chain_of(run, ids) ? ids[0] : 0;
}
