/*
 * step.h: a program in the form that the interpreter runs: one step a slot, decoded.
 */
#ifndef VM_STEP_H
#define VM_STEP_H

#include "vm/inside.h"

struct step {
	const void *go; /* the code that does it, in interpret_steps() */
	u8 dst, src;
	u16 hint; /* memory: where in run->fast its region was found last; changes as it runs */
	s32 imm;
	union {
		const struct step *to; /* jumps, local calls */
		vm_helper_fn *helper;
		u64 wide; /* ld_imm64 */
		s64 off;  /* memory */
	};
};

/* What interpret.c knows: for each operation its code, and once more where it differs: memory
 * that is not checked, jumps backwards. */
enum step_variant { STEP_PLAIN, STEP_BACKWARD, STEP_VARIANTS };
const void *interpret_code(u32 isa_id, enum step_variant);

#endif
