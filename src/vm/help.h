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

/* Of no bytes the addresses may be anything. */
static inline void copy_bytes(void *to, const void *from, u64 n)
{
	if (n)
		memmove(to, from, n);
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
void help_bad_argument(struct vm_run *, u32 reg, u64 value, const char *why);
/* The task that the run is about: the host's, else our own. */
const struct vm_task *help_task(struct vm_run *, struct vm_task *own);
/* help_current.c: the thread that a pointer to a task means: one of those that get_current_task()
 * gave, else the task that the run is about. */
u32 help_task_tid(struct vm_run *, u64 task);
/* Memory of the task; of the program: 0 or -EFAULT. A text with its 0: its length, or -EFAULT. */
int help_read_user(struct vm_run *, void *to, u32 size, u64 from);
int help_read_own(struct vm_run *, void *to, u32 size, u64 from);
s64 help_read_text(struct vm_run *, char *to, u32 size, u64 from, bool user);

/* Records of rings: an address that the program may write to, or 0; and giving it back. */
u64 help_reserve(struct vm_run *, struct vm_map *, u64 size);
void help_commit(struct vm_run *, u64 sample, u64 flags, bool discard);

/* In the place of the kernel's struct bpf_dynptr. data 0: it points to nothing. */
struct dynptr {
	u64 data;
	u32 size; /* with DYNPTR_READ_ONLY */
	u32 offset;
};
#define DYNPTR_MAX       0xffffffu
#define DYNPTR_READ_ONLY (1u << 31)
void dynptr_set(u64 at, u64 data, u32 size, bool read_only);

#endif
