/*
 * asm.h: one instruction from text, in the notation that isa_dis() writes.
 *
 * Names of labels and maps mean something only in a whole text: they are handed to the caller.
 * What clang's assembler writes otherwise is taken as well: "r1 = 5 ll", "goto +3", "call 1",
 * "w1 = *(u32 *)(r2 + 0)".
 */
#ifndef ISA_ASM_H
#define ISA_ASM_H

#include "isa/isa.h"

enum asm_name {
	ASM_NO_NAME,
	ASM_TARGET, /* of a jump or a call: a label */
	ASM_MAP,    /* "map[counts]", "map[.data][0]+16": insn[1].imm is the offset already */
};
struct asm_line {
	struct insn insn[2];
	u32 slots;
	u8 names;              /* enum asm_name */
	u32 name_at, name_len; /* in the text */
	bool has_distance; /* TARGET: "pc+3 <7>" says both; without a line 7 the distance counts */
	s64 distance;
};
struct asm_wrong {
	u32 at, len;               /* in the text */
	char text[256], hint[128]; /* hint: "" for none */
};
/* 0, or -EINVAL and what is wrong. All of the text must be the instruction. */
int isa_asm(const char *text, size_t size, struct asm_line *, struct asm_wrong *);
/* Does it jump, call or name a function of its program? Then how far: target - pc - 1. */
bool isa_target(const struct insn *, s64 *distance);
/* Puts the distance into its field. False: it does not fit. */
bool isa_set_target(struct insn *, s64 distance);

#endif
