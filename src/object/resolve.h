/*
 * resolve.h: makes a plain object fit to the machine that runs it: CO-RE, externs, types that
 * programs are checked against. An object of ours needs nothing of this.
 */
#ifndef OBJECT_RESOLVE_H
#define OBJECT_RESOLVE_H

#include "btf/btf.h"
#include "object/object.h"

/* What is asked of the machine, when it is needed and not before. */
struct object_machine {
	/* Its types. NULL: there are none, and that has been said. */
	struct btf *(*types)(void *user, struct diag *);
	struct btf *core; /* other types than those, for CO-RE alone; NULL: the same */
	/* A line of the kernel's configuration: "y", "m", "123", "\"text\""; NULL: it is not set.
	 */
	const char *(*config)(void *user, const char *name);
	u64 (*address)(void *user, const char *symbol); /* 0: there is none, or it is hidden */
	u32 version; /* LINUX_KERNEL_VERSION: a << 16 | b << 8 | c */
	void *user;
	bool cookies; /* programs may ask for the cookie of their place: LINUX_HAS_BPF_COOKIE */
};
/* Changes the object in place, once: the second call does nothing. Before kernel programs are
 * loaded and before they are run in user space. only: this program and what its maps hold; -1: all
 * that are not optional. */
int object_resolve(struct object *, s64 only, const struct object_machine *, struct diag *);

#endif
