/*
 * cfi.h: how to find the caller of each instruction of a file: rows made of call frame information.
 *
 * Source: DWARF 5 chapter 6.4 for the instructions; the Linux Standard Base Core, chapter 10.6, for
 * .eh_frame; the x86-64 psABI for the registers. A row says for the code from its pc on (up to the
 * next row's) where the canonical frame address (CFA) is: the stack pointer of the caller behind
 * its call. The return address lies just below it.
 */
#ifndef ELF_CFI_H
#define ELF_CFI_H

#include "elf/elf.h"

enum cfi_kind {
	CFI_NONE,     /* nothing is known of this code, or it is too strange */
	CFI_END,      /* the outermost function: it has no caller */
	CFI_SP,       /* CFA = sp + off */
	CFI_BP,       /* CFA = bp + off */
	CFI_BP_DEREF, /* CFA = the word at bp + off: code that aligns its stack */
	CFI_PLT,      /* CFA = sp + 8, and 8 more from byte `off` of each 16 on */
	CFI_SIGNAL,   /* the kernel's frame of a signal lies at sp + off */
	CFI_SP_DEREF, /* CFA = the word at sp + off, + 8: where it was saved before aligning */
	CFI_REG,      /* CFA = another register + off */
};
enum cfi_bp {
	CFI_BP_SAME,
	CFI_BP_AT_CFA,
	CFI_BP_AT_BP
}; /* the caller's: saved at a word from there */

/* The caller's rbx, which some code keeps its CFA in: a word that many (and one more) below the
 * CFA. */
enum { CFI_BX_SAME = 0, CFI_BX_LOST = 7 };

struct cfi_row {
	u32 pc;   /* an offset in the file */
	u32 rule; /* CFI_RULE() */
};
/* All offsets are words of 8 bytes: off of 18 bits, bp_off of 5, both signed; CFI_PLT's of bytes.
 */
#define CFI_RULE(kind, off, bp, bp_off) \
	((u32)(kind) | ((u32)(off)&0x3ffff) << 4 | (u32)(bp) << 22 | ((u32)(bp_off)&0x1f) << 24)
#define CFI_RULE_BX(bx) ((u32)(bx) << 29)
/* CFI_REG's off: the register by its place in struct pt_regs, and 14 bits of words. */
#define CFI_REG_OFF(reg, off) ((s32)(off)*16 + (s32)(reg))
enum { CFI_REG_BX = 5 };
static inline u32 cfi_kind(u32 rule)
{
	return rule & 15;
}
static inline s32 cfi_off(u32 rule)
{
	return (s32)(rule << 10) >> 14;
}
static inline u32 cfi_bp(u32 rule)
{
	return rule >> 22 & 3;
}
static inline s32 cfi_bp_off(u32 rule)
{
	return (s32)(rule << 3) >> 27;
}
static inline u32 cfi_bx(u32 rule)
{
	return rule >> 29;
}
/* In the kernel's frame of a signal on x86-64, whose struct ucontext the stack pointer points to.
 */
enum { CFI_SIGNAL_BP = 120, CFI_SIGNAL_BX = 128, CFI_SIGNAL_SP = 160, CFI_SIGNAL_IP = 168 };

struct cfi_table {
	struct cfi_row *rows; /* ascending, each other than the one before */
	u32 n, cap;
	bool failed; /* no memory */
};
/* From .eh_frame, or .debug_frame where the file has no other. 0, or -ENOENT: it tells nothing. */
int cfi_read(struct cfi_table *, const struct elf *);
void cfi_free(struct cfi_table *);
/* The rule for the byte at an offset of the file; that of a call is one before its return. */
u32 cfi_find(const struct cfi_row *, u32 n, u64 offset);

#endif
