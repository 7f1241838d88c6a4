/*
 * jit.h: what the files of the compiler for x86-64 share.
 *
 *   jit_x86_64.c  compiles a program: functions, entry, the life of the code
 *   jit_flow.c    what is known before: operations, targets, functions, which registers are needed
 *   jit_alu.c     arithmetic
 *   jit_divide.c  division
 *   jit_memory.c  loads, stores, atomics, and the checks of all of them
 *   jit_jump.c    jumps, calls, exit
 *   jit_inline.c  helpers that are less than a call
 *   jit_value.c   registers that hold addresses of values
 *   jit_fuse.c    several instructions as one
 *   jit_leave.c   what compiled code leaves to C
 *   emit_*.[ch]   encodings, and from there to memory
 */
#ifndef VM_JIT_H
#define VM_JIT_H

#include "vm/emit_x86_64.h"
#include "vm/inside.h"

/* Extensions of the processor that make better code. */
struct jit_cpu {
	bool bmi2;
};

#define JIT_ROOM 256 /* bytes that an instruction may become, and more */

/* What is known of a slot. Registers of BPF are a bit each. */
struct jit_slot {
	u32 to;       /* where it may jump; NO_JUMP: nowhere */
	u32 from;     /* JIT_LOOP: the last that jumps here */
	u16 use, def; /* registers that it reads, that it writes or leaves undefined */
	u16 live;     /* that are needed after it; when checked: all */
	u16 known;    /* JIT_LOOP: what those that jump here have taken as needed */
	u8 op;        /* enum isa_id; ISA_NONE: the second of a ld_imm64 */
	u8 place;     /* JIT_TARGET, ... */
	u8 does;      /* whether it calls, jumps or ends: jit_flow.c */
	bool checked; /* its access is, by one before it */
};
#define NO_JUMP UINT32_MAX
enum {
	JIT_TARGET = 1,   /* a jump lands here */
	JIT_LOOP = 2,     /* from behind */
	JIT_FUNCTION = 4, /* here one begins */
};

/* Slots [start, end): called by a local call, called back, or where the program begins. */
struct jit_function {
	u32 start, end, label;
	u16 saves;  /* registers of the caller that it changes, r6 to r9 */
	bool frame; /* it has one of its own on the stack */
	bool calls; /* the machine's stack must be aligned */
};

/* What compiled code leaves to C: a function that gets the registers in memory. */
enum jit_leave {
	LEAVE_ACCESS, /* no region was found where the hint said; detail: a packed range */
	LEAVE_ALIGN,  /* an atomic access is not aligned */
	LEAVE_CALL,   /* a helper, with checks */
	LEAVE_TAIL,   /* tail_call() */
	LEAVE_PACKET, /* ld_abs, ld_ind */
	LEAVE_FAULT,  /* a helper has set run->fault */
	LEAVE_BUDGET,
	LEAVE_DEEP,
	LEAVES
};
/* and what it answers */
enum jit_answer {
	ANSWER_STOP, /* there was a fault: away from here, out of all functions */
	ANSWER_GO_ON,
	ANSWER_RETURN, /* from this function, with r0 */
	ANSWER_JUMP,   /* to the program that now runs */
};
typedef u32 jit_leave_fn(struct vm_run *, u64 *regs, const struct vm_prog *, u32 slot);
#define JIT_DETAIL 11 /* in regs[]: what SCRATCH1 held */
extern jit_leave_fn *const jit_leaves[LEAVES];

struct jit_division {
	bool wide, is_signed, modulo;
	bool plain; /* the divisor is neither 0 nor -1 */
};

/* Bytes that are accessed, [low, high) from a register. */
struct jit_range {
	s32 low, high;
	bool write;
};
/* In a register, for C. */
#define JIT_PACK(r)       ((u16)(r).low | (u32)((r).high - (r).low) << 16 | (u32)(r).write << 31)
#define JIT_PACK_LOW(p)   ((s64)(s16)(p))
#define JIT_PACK_BYTES(p) ((u32)(p) >> 16 & 0x7fff)
#define JIT_PACK_WRITE(p) ((u32)(p) >> 31)

/* A piece of code that stands behind all others since it seldom runs. */
enum jit_cold_kind {
	COLD_LEAVE,  /* out to C */
	COLD_DIVIDE, /* by 0 or by -1 */
	COLD_ACCESS, /* not where the hint says */
};
struct jit_cold {
	u32 label, slot;
	u32 back;     /* where it goes on */
	u32 range;    /* COLD_ACCESS: JIT_PACK() */
	u32 function; /* number of the one that it belongs to */
	u8 kind, leave;
	u8 dst, from; /* COLD_DIVIDE */
	bool minus_one;
	struct jit_division division;
};

struct jit {
	struct emit e;
	struct arena *arena;
	const struct vm_prog *prog;
	const struct insn *insns;
	u32 n;
	struct jit_cpu cpu;
	bool checked, blind;
	bool calls_back; /* it hands functions to helpers */
	bool tail_calls;
	bool many;  /* functions, not just the first */
	bool woven; /* they jump into each other */
	struct jit_slot *slots;
	vec(struct jit_function) functions;
	vec(struct jit_cold) cold;
	u32 leave[LEAVES]; /* label + 1, where it is needed */
	u32 elsewhere[2]; /* the same: where is a range, if not by the hint? By whether it writes */
	u32 leaving;      /* the same, of cold pieces: returns from the function */
	u32 keep;         /* label + 1: calls a helper that changes nothing but r0 */
	u32 stop;         /* label: out of all functions */

	/* while it goes through the slots */
	const struct jit_function *function;
	u32 at;
	u16 narrow; /* registers whose upper half is known to be 0 */
	/* checked: registers that hold addresses of values of arrays, or perhaps 0; before slot `seen` */
	u16 valued, maybe_null;
	u32 seen;
	struct jit_value {
		const struct vm_map *map;
		s32 at;     /* from the beginning of the value */
		u32 lookup; /* the call that gave it: its slot + 1 */
	} values[11];
	const struct vm_map *looked_up; /* by the call at j->at, in place */
	u64 random; /* state, for blinding */
};

/* The code of a program: prog->jit. */
struct jit_code {
	struct emit_code code;
	u64 (*enter)(struct vm_run *, const void *function, const u64 *args, u64 frame);
	u32 *hints; /* by slot: where in run->fast its region was last, in bytes */
	u32 n;
	struct {
		u32 slot, at;
	} functions[];
};

/* Of BPF registers, in the order of the kernel's compiler; scratch registers are the rest. */
extern const u8 jit_regs[11];
#define REG(n) ((u32)jit_regs[n])
enum {
	SCRATCH0 = R10,
	SCRATCH1 = R11,
	SCRATCH2 = R9, /* a blinded constant, until it was used; the 6th argument of calls */
	BUDGET = R9,   /* when checked: what is left of run->budget; SCRATCH2 must be taken */
	RUN = R12,
};
#define RUN_FIELD(name) X_AT(RUN, offsetof(struct vm_run, name))

/* jit_x86_64.c: for a given processor, which tests choose. */
int jit_compile_for(struct vm_prog *, struct jit_cpu, struct diag *);
void jit_return(struct jit *);  /* the end of a function: whatever it has kept, ret */
void jit_restore(struct jit *); /* the same without ret */
/* Loads a constant of the program; blinded, if that is wanted. */
void jit_constant(struct jit *, u32 reg, u64 value);

/* jit_value.c: what a slot does to them; is that range from the register in a value? */
void jit_see(struct jit *, u32 at);
bool jit_is_value(const struct jit *, u32 reg, const struct jit_range *);

/* jit_flow.c */
void jit_flow(struct jit *);
bool jit_needed(const struct jit *, u32 slot, u32 reg); /* is the BPF register, after it? */
u16 jit_narrow(const struct jit *, u32 slot); /* j->narrow after it, from that before it */

/* jit_jump.c: to a cold piece, whose label is filled in; to C, and if that goes on, then here. */
void jit_cold(struct jit *, enum x_cond, struct jit_cold);
void jit_leave_if(struct jit *, enum x_cond, enum jit_leave);
void jit_leave(struct jit *, enum jit_leave, u32 slot);
u32 jit_leave_label(struct jit *, enum jit_leave); /* called with SCRATCH0, SCRATCH1 filled in */
void jit_if_answer(struct jit *, enum jit_answer, void (*then)(struct jit *)); /* of jit_leave() */
void jit_cold_pieces(struct jit *);
void jit_count_call(struct jit *); /* in the budget */
/* The budget is in memory, or in its register again; neither changes flags. */
void jit_budget_put(struct jit *);
void jit_budget_get(struct jit *);
enum x_cond jit_condition(const struct insn *);
void jit_jump_to(struct jit *, enum x_cond, s32 distance); /* from the slot j->at */

/* Translations of one instruction, in the table of jit_x86_64.c by form. */
typedef void jit_translate_fn(struct jit *, const struct isa_op *, const struct insn *);
jit_translate_fn jit_alu_k, jit_alu_x, jit_movsx, jit_neg, jit_end, jit_ldx, jit_st, jit_stx,
	jit_atomic, jit_fetch, jit_cmpxchg, jit_ld_packet, jit_ld_imm64, jit_ja, jit_jmp_k,
	jit_jmp_x, jit_call, jit_call_local, jit_exit;

/* jit_divide.c: dst = from / by, or %; registers of the machine */
void jit_divide(struct jit *, struct jit_division, u32 dst, u32 from, u32 by);
void jit_divide_cold(struct jit *, const struct jit_cold *);
/* By a constant; false: not done, it is better done by jit_divide(). */
bool jit_divide_by(struct jit *, struct jit_division, u32 dst, s32 by);

/* jit_memory.c: the operand of an access that has been checked */
struct x_mem jit_access(struct jit *, u32 base, s32 off, u32 size, bool write);
void jit_access_cold(struct jit *, const struct jit_cold *);
void jit_elsewhere(struct jit *, bool write); /* emits what has that label */
u32 jit_size(const struct insn *);            /* bytes of an access */

/* jit_inline.c: false: it must be called. */
bool jit_inline(struct jit *, u32 helper);
bool jit_knows_args(const struct jit *, u32 helper); /* all are what the helper takes */

/* jit_fuse.c: translates some instructions from j->at on; how many slots, or 0. */
u32 jit_fuse(struct jit *);

#endif
