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

/* decode.c: the code of the instruction at a slot, also where the program is stepped. */
const void *decode_code(const struct vm_prog *, u32 at);

/* What interpret.c knows: for each operation its code, and others where that depends on more than
 * the operation. Of ISA_NONE: what calls host->step(). */
enum step_variant {
	STEP_PLAIN,
	STEP_BACKWARD = 1,  /* jumps: the budget counts them */
	STEP_UNCHECKED = 1, /* loads and stores */
	STEP_CHECKED = 1,   /* helpers: their arguments are */
	STEP_TAIL_CALL = 2,
	STEP_FUSED = 2, /* done by the step before, see decode.c; NULL: it is not */
	STEP_VARIANTS
};
const void *interpret_code(u32 isa_id, enum step_variant);

#endif
