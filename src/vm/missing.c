/* missing.c: stands in for parts of the machine that are not there yet. */
#include "vm/inside.h"

#include <errno.h>

#define WEAK __attribute__((weak))

WEAK const struct vm_map_ops *vm_map_ops(u32 kind)
{
	(void)kind;
	return NULL;
}

WEAK vm_helper_fn *vm_helper(u32 id)
{
	(void)id;
	return NULL;
}

WEAK bool vm_check_args(struct vm_run *run, u32 helper, const u64 args[5])
{
	(void)run, (void)helper, (void)args;
	return true;
}

WEAK int jit_compile(struct vm_prog *p, struct diag *diag)
{
	(void)p, (void)diag;
	return -EOPNOTSUPP;
}

WEAK void jit_free(struct vm_prog *p)
{
	(void)p;
}

WEAK u64 jit_run(struct vm_run *run, const struct vm_prog *p, u32 at, const u64 args[5], u32 frames)
{
	return interpret(run, p, at, args, frames);
}
