/* missing.c: stands in for parts of the machine that are not there yet. */
#include "vm/inside.h"

#include <errno.h>

#define WEAK __attribute__((weak))

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
