/*
 * help.h: what the files of helpers (help_*.c) share.
 *
 * A helper takes its five arguments as numbers; addresses among them have been checked where the
 * program is not trusted. HELPER_FN(name) declares one whose arguments are a to e.
 */
#ifndef VM_HELP_H
#define VM_HELP_H

#include "vm/map.h"

#define HELPER_FN(name) u64 name(u64 a, u64 b, u64 c, u64 d, u64 e, struct vm_run *run)
/* For those that leave some of them alone. */
#define UNUSED_ARGS ((void)a, (void)b, (void)c, (void)d, (void)e, (void)run)

#define HELP(name, fn, maps) vm_helper_fn fn;
#include "vm/helpers.def"
#undef HELP

static inline void *pointer(u64 address)
{
	return (void *)(uintptr_t)address;
}

static inline struct vm_map *map_arg(u64 address)
{
	return (struct vm_map *)pointer(address);
}

static inline u64 address_of(const void *p)
{
	return (u64)(uintptr_t)p;
}

/* Stops the run: the argument is none that the helper can take. Returns 0, for `return`. */
u64 help_fault(struct vm_run *, u8 kind, const char *why);
/* The task that the run is about: the host's, else our own. */
const struct vm_task *help_task(struct vm_run *, struct vm_task *own);

#endif
