/*
 * help_map.c: helpers about maps, and those that call functions of the program.
 */
#include "vm/help.h"

/* As the kernel's BPF_MAX_LOOPS. */
#define LOOPS_MAX (8u * 1024 * 1024)

HELPER_FN(help_map_lookup)
{
	struct vm_map *map = map_arg(a);

	UNUSED_ARGS;
	return map->ops->lookup ? address_of(map->ops->lookup(map, pointer(b), run->cpu)) : 0;
}

HELPER_FN(help_map_update)
{
	struct vm_map *map = map_arg(a);

	UNUSED_ARGS;
	if (!map->ops->update)
		return (u64)-EOPNOTSUPP;
	return (u64)(s64)map->ops->update(map, pointer(b), pointer(c), d, run->cpu);
}

HELPER_FN(help_map_delete)
{
	struct vm_map *map = map_arg(a);

	UNUSED_ARGS;
	return map->ops->remove ? (u64)(s64)map->ops->remove(map, pointer(b)) : (u64)-EOPNOTSUPP;
}

HELPER_FN(help_map_push)
{
	struct vm_map *map = map_arg(a);

	UNUSED_ARGS;
	return map->ops->push ? (u64)(s64)map->ops->push(map, pointer(b), c) : (u64)-EOPNOTSUPP;
}

HELPER_FN(help_map_pop)
{
	struct vm_map *map = map_arg(a);

	UNUSED_ARGS;
	return map->ops->pop ? (u64)(s64)map->ops->pop(map, pointer(b)) : (u64)-EOPNOTSUPP;
}

HELPER_FN(help_map_peek)
{
	struct vm_map *map = map_arg(a);

	UNUSED_ARGS;
	return map->ops->peek ? (u64)(s64)map->ops->peek(map, pointer(b)) : (u64)-EOPNOTSUPP;
}

HELPER_FN(help_map_lookup_percpu)
{
	struct vm_map *map = map_arg(a);

	UNUSED_ARGS;
	if ((u32)c >= map_cpus(map) || !map->ops->lookup)
		return 0;
	return address_of(map->ops->lookup(map, pointer(b), (u32)c));
}

/* ---- back into the program */

struct each {
	struct vm_run *run;
	u64 callback, context;
};

/* The key lies where programs may not look, in a node: lent for the call. */
static int each_element(void *user, struct vm_map *map, const void *key, void *value)
{
	const struct each *e = user;
	struct vm_run *run = e->run;
	u64 args[5] = {address_of(map), address_of(key), address_of(value), e->context}, result;
	bool lent = !run->vm->opts.trusted && vm_lend(run, (struct vm_region){
								   .start = address_of(key),
								   .size = map->key_size,
								   .kind = VM_MEMORY,
							   });

	result = vm_call_back(run, e->callback, args);
	if (lent)
		vm_take_back(run, address_of(key));
	return result || run->fault.kind != VM_OK;
}

HELPER_FN(help_for_each)
{
	struct vm_map *map = map_arg(a);
	struct each user = {.run = run, .callback = b, .context = c};

	UNUSED_ARGS;
	if (d)
		return (u64)-EINVAL;
	if (!map->ops->each)
		return (u64)-EOPNOTSUPP;
	return map->ops->each(map, run->cpu, each_element, &user);
}

HELPER_FN(help_loop)
{
	UNUSED_ARGS;
	if (d)
		return (u64)-EINVAL;
	if ((u32)a > LOOPS_MAX)
		return (u64)-E2BIG;
	for (u32 i = 0; i < (u32)a; i++) {
		u64 args[5] = {i, c};

		if (vm_call_back(run, b, args) || run->fault.kind != VM_OK)
			return i + 1;
	}
	return (u32)a;
}

/* Whoever runs programs looks at run->prog behind a call. Where it stays, the call goes on. */
HELPER_FN(help_tail_call)
{
	s64 to = map_slot(map_arg(b), (u32)c);

	UNUSED_ARGS;
	/* those that nobody wanted were not opened */
	if (to < 0 || to >= run->vm->nprogs || !run->vm->progs[to].n ||
	    run->tail_calls >= VM_TAIL_CALLS)
		return (u64)-EINVAL;
	run->tail_calls++;
	run->prog = &run->vm->progs[to];
	return 0;
}

/* A program holds one lock at a time; what it waits is counted as what it runs. */
HELPER_FN(help_spin_lock)
{
	u32 *word = pointer(a);

	UNUSED_ARGS;
	if (run->lock)
		return help_fault(run, VM_BAD_CALL, "the program holds a lock already");
	run->lock = a;
	if (!(__atomic_load_n(word, __ATOMIC_RELAXED) & 1)) {
		lock_take(word);
		return 0;
	}
	run->budget -= (s64)lock_take_timed(word);
	if (run->budget < 0)
		help_fault(run, VM_OUT_OF_BUDGET, "the program has waited for a lock for too long");
	return 0;
}

HELPER_FN(help_spin_unlock)
{
	UNUSED_ARGS;
	if (run->lock != a)
		return help_fault(run, VM_BAD_CALL, "the program does not hold this lock");
	run->lock = 0;
	lock_give(pointer(a));
	return 0;
}
