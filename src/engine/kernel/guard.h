/*
 * guard.h: what the network keeps of us goes when we go, however we end.
 *
 *   guard.c   a process that puts it there, waits for our end and takes it away
 *   clsact.c  filters and actions of tc
 */
#ifndef ENGINE_KERNEL_GUARD_H
#define ENGINE_KERNEL_GUARD_H

#include "base/base.h"

struct guard;
struct guarded {                                   /* first member of whoever says what */
	int (*put)(struct guarded *, int netlink); /* 0 or -errno */
	void (*take)(struct guarded *, int netlink, bool was_put);
	int keep[2]; /* descriptors that it needs for that, or 0 */
};
int guard_open(struct guard **, struct guarded *);
void guard_leave(struct guard *); /* ends the guard, and leaves there what is there */
void guard_close(struct guard *);

/* A program at the clsact of a device: a filter, or the action behind one that takes all packets.
 */
struct clsact {
	u32 ifindex;
	bool egress, action;
	int prog;
	const char *name;
};
int clsact_guard(struct guard **, const struct clsact *);
/* Puts a program in the place of one of that id: no packet meets neither. -ENOENT: it is not there.
 */
int clsact_replace(u32 ifindex, bool egress, u32 old, int prog, const char *name);

#endif
