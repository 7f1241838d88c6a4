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
};
enum cfi_bp {
	CFI_BP_SAME,
	CFI_BP_AT_CFA,
	CFI_BP_AT_BP
}; /* the caller's: saved at a word from there */

struct cfi_row {
	u32 pc;   /* an offset in the file */
	u32 rule; /* CFI_RULE() */
};
/* All offsets are words of 8 bytes: off of 18 bits, bp_off of 9, both signed; CFI_PLT's of bytes.
 */
#define CFI_RULE(kind, off, bp, bp_off) \
	((u32)(kind) | ((u32)(off)&0x3ffff) << 3 | (u32)(bp) << 21 | ((u32)(bp_off)&0x1ff) << 23)
static inline u32 cfi_kind(u32 rule)
{
	return rule & 7;
}
static inline s32 cfi_off(u32 rule)
{
	return (s32)(rule << 11) >> 14;
}
static inline u32 cfi_bp(u32 rule)
{
	return rule >> 21 & 3;
}
static inline s32 cfi_bp_off(u32 rule)
{
	return (s32)rule >> 23;
}
/* In the kernel's frame of a signal on x86-64, whose struct ucontext the stack pointer points to.
 */
enum { CFI_SIGNAL_BP = 120, CFI_SIGNAL_SP = 160, CFI_SIGNAL_IP = 168 };

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
