/* cgroup.h: the tree of cgroups (version 2), as its file system shows it. */
#ifndef VM_CGROUP_H
#define VM_CGROUP_H

#include "base/base.h"

#define CGROUPS_MOST 64 /* below each other */

int cgroup_id(const char *path, u64 *id); /* of a folder; 0 or -errno */
int cgroup_id_of(int fd, u64 *id);        /* of an open one; -EBADF: it is none */
bool cgroup_mount(char *where, size_t size);
/* The cgroup of a task and those above it, the innermost first: at most CGROUPS_MOST; how many, 0:
 * nobody knows. */
u32 cgroup_chain(u32 tid, u64 ids[CGROUPS_MOST]);

#endif
