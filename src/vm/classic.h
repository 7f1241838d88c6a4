/*
 * classic.h: classic BPF in user space: the reference that all other ways to run a filter must
 * agree with.
 */
#ifndef VM_CLASSIC_H
#define VM_CLASSIC_H

#include "isa/cbpf.h"

/* What the filter returns for a packet: how many of its bytes it wants, 0 for none. The filter
 * passed cbpf_check(). The extensions nla and nlan read as 0: they belong to sockets of netlink. */
u32 classic_run(const struct cbpf_insn *, const struct cbpf_packet *);

#endif
