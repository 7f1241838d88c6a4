/* inside.h: the table of each CPU; each is a file of its own. */
#ifndef ARCH_INSIDE_H
#define ARCH_INSIDE_H

#include "arch/arch.h"

extern const struct arch arch_x86_64;
/* x86_length.c; *modrm: where that byte is, 0: there is none */
u32 x86_insn_length(const u8 *p, u64 left);
u32 x86_insn_parts(const u8 *p, u64 left, u32 *modrm);
/* x86_step.c */
bool x86_emulate(const u8 *code, u32 left, u64 *regs, bool *pushes, u64 *pushed);
bool x86_move(const u8 *code, u32 left, u64 from, struct arch_moved *);

#endif
