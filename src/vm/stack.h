/* stack.h: stack traces by number, as get_stackid() makes them. */
#ifndef VM_STACK_H
#define VM_STACK_H

#include "vm/map.h"

enum {
	BPF_F_SKIP_FIELD_MASK = 0xff,
	BPF_F_USER_STACK = 1 << 8,
	BPF_F_FAST_STACK_CMP = 1 << 9,
	BPF_F_REUSE_STACKID = 1 << 10,
	BPF_F_USER_BUILD_ID = 1 << 11,
};

/* The number of the trace, kept in the map; -EEXIST: another one has that number. */
s64 stack_id(struct vm_map *, const u64 *frames, u32 n, u64 flags);

#endif
