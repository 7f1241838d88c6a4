/* inside.h: the table of each CPU; each is a file of its own. */
#ifndef ARCH_INSIDE_H
#define ARCH_INSIDE_H

#include "arch/arch.h"

extern const struct arch arch_x86_64;
u32 x86_insn_length(const u8 *p, u64 left); /* x86_length.c */

#endif
