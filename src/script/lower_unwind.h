/* lower_unwind.h: what lower_unwind.c and lower_unwind_map.c share. */
#ifndef SCRIPT_LOWER_UNWIND_H
#define SCRIPT_LOWER_UNWIND_H

#include "elf/cfi.h"
#include "isa/isa.h"
#include "script/lower.h"

/* The work memory of one walk. All that changes from frame to frame lives there and not in
 * registers: the verifier does not follow it, so each turn looks to it like the one before. */
enum {
	WORK_IP = 0,
	WORK_SP = 8,
	WORK_BP = 16,
	WORK_EXACT = 24,  /* 1: ip was interrupted; 0: it is a return address */
	WORK_COUNT = 32,  /* bytes of frames */
	WORK_START = 40,  /* the mapping that was found last... */
	WORK_LENGTH = 48, /* ...0: none */
	WORK_OFFSET = 56, /* of its start, in its file */
	WORK_ROWS = 64,   /* of its file; 0: it has none */
	WORK_FIRST = 72,
	WORK_MM = 80,   /* struct mm_struct of the process */
	WORK_READ = 88, /* what was read last */
	WORK_INDEX = 96,
	WORK_KEY = 104,   /* struct unwind_key */
	WORK_VALUE = 120, /* struct unwind_file, to be added: its pid is filled in */
	WORK_TRAMPOLINE = 144, /* where functions under a uretprobe return to; 0: there are none */
	WORK_REGS = 152,  /* address of the process's struct pt_regs in the kernel */
	WORK_BX_AT = 160, /* where rbx was saved; 0: it is in those still */
	WORK_FRAMES = 168,
	WORK_BYTES = WORK_FRAMES + 8 * STACK_FRAMES
};
struct unwinding {
	struct lower *l;
	struct ir_fn *fn;
	u32 work;   /* address of that memory */
	u32 frames; /* at most */
};

static inline u32 work_get(const struct unwinding *u, u32 off)
{
	return ir_load(u->fn, 8, false, u->work, (s32)off);
}
static inline void work_set(const struct unwinding *u, u32 off, u32 value)
{
	ir_store(u->fn, 8, u->work, (s32)off, value);
}
static inline u32 plus(const struct unwinding *u, u32 a, s64 n)
{
	return n ? ir_bin(u->fn, IR_ADD, IRT_I64, a, ir_const(u->fn, n)) : a;
}
/* The end of a loop over i, from `next` back to `head`; what follows is behind it, in `done`. */
static inline void loop_end(const struct unwinding *u, u32 i, u32 next, u32 head, u32 done)
{
	ir_seal(u->fn, next);
	ir_at(u->fn, next);
	ir_set(u->fn, i, plus(u, ir_get(u->fn, i), 1));
	ir_jmp(u->fn, head);
	ir_seal(u->fn, head);
	ir_seal(u->fn, done);
	ir_at(u->fn, done);
}
/* Goes on where the condition holds, else there. */
static inline void only_if(const struct unwinding *u, u32 condition, u32 otherwise)
{
	u32 go = ir_block(u->fn);

	ir_br(u->fn, condition, go, otherwise);
	ir_seal(u->fn, go);
	ir_at(u->fn, go);
}
/* A number of the kernel's memory, 0 where it cannot be read. */
static inline u32 kernel_word(const struct unwinding *u, u32 addr, u32 size)
{
	ir_call(u->fn, HELPER_probe_read_kernel, IRT_I64, 3, ir_add_imm(u->fn, u->work, WORK_READ),
		ir_const(u->fn, size), addr);
	return ir_load(u->fn, size, false, u->work, WORK_READ);
}

/* Where a member is in a struct of the kernel, by names with dots between them; -1: it has none. */
s64 unwinding_offset(struct lower *, const char *in, const char *path);
/* Do the types of the kernel tell enough? */
bool unwinding_known(struct lower *);
/* The map of rows. */
u32 unwinding_rows(struct lower *);
/* Finds the mapping that holds the address, and its file's rows: fills WORK_START to WORK_FIRST. */
void unwinding_find(struct unwinding *, u32 at);

#endif
