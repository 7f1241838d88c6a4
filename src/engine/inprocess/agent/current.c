/*
 * current.c: in the place of vm/help_current.c and vm/cgroup.c, which read files: there is no
 * curtask here, and child.c refuses programs that ask for it.
 */
#include "btf/impl.h"
#include "vm/cgroup.h"
#include "vm/help.h"

#include <errno.h>

void vm_current_open(struct vm *vm, const struct vm_prog *p)
{
	(void)vm, (void)p;
}

HELPER_FN(help_current_task)
{
	UNUSED_ARGS;
	return 0;
}

/* Nor are cgroups looked up: they are those of Waggle (run.c). */
u32 cgroup_chain(u32 tid, u64 ids[CGROUPS_MOST])
{
	(void)tid, (void)ids;
	return 0;
}

int cgroup_id_of(int fd, u64 *id)
{
	(void)fd, (void)id;
	return -EBADF;
}

/* Nor are there files of types. */
void btf_rebuild(struct btf *b)
{
	(void)b;
}

u32 help_task_tid(struct vm_run *run, u64 task)
{
	struct vm_task own;

	(void)task;
	return help_task(run, &own)->tid;
}
