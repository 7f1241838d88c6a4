/*
 * inside.h: what the files of the code generator share.
 *
 * A function goes through three forms: IR; machine operations (struct mop) on values, in the order
 * of the layout, made by select.c; instructions with registers, a body per block (struct cg_block),
 * made by assign.c with moves.c and spill.c. layout.c joins the bodies.
 */
#ifndef CODEGEN_INSIDE_H
#define CODEGEN_INSIDE_H

#include "codegen/codegen.h"

#define REGS      10 /* r0..r9 */
#define REGS_USED 9  /* values in registers at a time: moves need one that is free */
#define FP        10
#define CALLEE    0x3c0u /* r6..r9 survive calls */
#define ALL_REGS  0x3ffu
#define FRAME     UINT32_MAX /* operand a of a mop: r10 instead of a value */
#define NEVER     UINT32_MAX

enum mop_kind {
	M_ALU,    /* dst = a op b */
	M_ALUI,   /* dst = a op imm; also neg and byte swaps */
	M_MOV,    /* dst = extension of a */
	M_LOAD,   /* dst = [a + off] */
	M_STORE,  /* [a + off] = b; also atomics */
	M_SWAP,   /* dst = [a + off], which becomes b */
	M_STOREI, /* [a + off] = imm */
	M_SET,    /* dst = a cmp b */
	M_SETI,   /* dst = a cmp imm */
	M_CALL,
	M_JMP,
	M_BR,   /* a cmp b */
	M_BRI,  /* a cmp imm */
	M_EXIT, /* a is the result */
};

struct mop {
	u8 kind;
	u8 code;   /* of the instruction */
	bool swap; /* branch: succ[0] is where it goes when the condition is false */
	s16 off;
	s32 imm;
	u32 dst, a, b; /* values, 0: none */
	u32 line, block;
	u32 ins; /* the call */
};

/* An instruction of a body. */
struct binsn {
	struct insn i;
	s32 high; /* ld_imm64: upper half */
	u32 line;
	u32 value; /* ld_imm64 of this IR value (map or data), 0: none */
};

/* Where a value is at the entry of a block. */
struct place {
	u32 value;
	s8 reg; /* -1: none */
	bool mem;
};

struct cg_block {
	u32 first, end; /* mops, or positions */
	vec(u32) live_in;
	vec(struct place) entry;
	bool entered; /* `entry` is decided */
	vec(struct binsn) body;
	/* the end of the block */
	struct insn jump; /* conditional jump, code 0: none */
	u32 line;
	bool exits, swap;
	u32 at; /* layout: its first instruction */
};

struct vinfo {             /* of a value */
	u32 use, uses_end; /* cursor into cg->uses */
	u32 last;          /* last position where it may live, in the order of the layout */
	u32 def;           /* block */
	u32 live_out;      /* block at whose end it is live, when that is the current one */
	u32 stored;        /* block where it was stored last */
	u16 slot;          /* spill slot + 1 */
	s8 reg, hint;      /* -1: none */
	u8 was;            /* register that it left last */
	bool mem;          /* its slot holds it */
	bool needed, remake;
	bool over; /* what is made of it in place lives over a call */
};

struct spill_slot {
	u32 owner_last; /* position after which it is free */
};

struct cg {
	struct ir_fn *f;
	struct arena *arena; /* of the function */
	struct arena *keep;  /* of the code */
	u32 kernel;
	struct code *code;
	struct diag *diag;
	vec(struct mop) mops;
	struct cg_block *blocks; /* by IR block */
	struct vinfo *values;
	u32 nvalues;
	u32 *uses;      /* positions, grouped by value */
	vec(u32) calls; /* their positions */
	u32 ctx;
	s32 *slot_at; /* IR slots: offset from r10 */
	u32 frame;    /* bytes of IR slots, multiple of 8 */
	vec(struct spill_slot) spills;
	u16 waiting[2]; /* slots of moves.c, plus 1 */

	/* assignment: the current place */
	u32 block, pos;
	u32 in_reg[REGS]; /* value, 0: free */
	u32 line;
	int error;
};

static inline struct ir_ins *cg_ins(struct cg *c, u32 v)
{
	return &c->f->ins.v[v];
}

/* select.c: splits edges that need moves of their own; IR to mops, marks what is needed. */
void cg_split_edges(struct ir_fn *);
void cg_select(struct cg *);
/* operation.c: the operation of one IR instruction. */
void cg_operation(struct cg *, u32 v, struct mop *);
/* The values that a mop reads, except the arguments of calls and edges. */
static inline u32 cg_reads(const struct mop *m, u32 out[2])
{
	u32 n = 0;

	if (m->a && m->a != FRAME)
		out[n++] = m->a;
	if (m->b)
		out[n++] = m->b;
	return n;
}

/* live.c: uses, live-in values, last places; and questions about them */
void cg_live(struct cg *);
u32 cg_next_use(struct cg *, u32 v, u32 pos); /* NEVER: none in the layout behind pos */
bool cg_dies(struct cg *, u32 v);             /* after the current position */
bool cg_crosses_call(struct cg *, u32 v, u32 pos);
u32 cg_next_call(struct cg *, u32 pos); /* the first behind pos, NEVER: none */

/* spill.c: who leaves the registers, and stack slots */
s16 cg_slot_of(struct cg *, u32 v);      /* offset from r10 */
u32 cg_weakest(struct cg *, u32 banned); /* register to evict, REGS: none */
void cg_evict(struct cg *, u32 reg);
void cg_make_room(struct cg *, u32 banned); /* until a register that is not banned is free */
void cg_remake(struct cg *, u32 v, u32 reg);
void cg_store(struct cg *, u32 v, u32 reg);

/* moves.c: moves that happen at once */
struct move {
	s32 to, from; /* register, or MEM(slot offset) */
	u32 remake;   /* value to make in `to`, 0: move */
};
#define MEM(off)   ((s32)(off)-1000) /* negative offsets from r10 */
#define IS_MEM(x)  ((x) < 0)
#define MEM_OFF(x) ((s16)((x) + 1000))
struct moves {
	vec(struct move) all;
	u32 busy; /* registers that must not be used in between */
};
void cg_moves(struct cg *, struct moves *);

/* assign.c */
void cg_assign(struct cg *);
void cg_emit(struct cg *, struct insn);
u32 cg_free_regs(const struct cg *);
/* The best of the allowed registers for a value that lives from pos on. */
u32 cg_pick(struct cg *, u32 v, u32 allowed, u32 pos);

/* edges.c: where values are when a block begins */
void cg_enter(struct cg *, u32 block);
void cg_leave_by_jump(struct cg *, u32 block);
void cg_leave_by_branch(struct cg *, u32 block);

/* layout.c: the bodies become the program */
void cg_layout(struct cg *);

/* Makers of instructions */
static inline struct insn op_reg(u8 code, u32 dst, u32 src)
{
	return (struct insn){.code = code, .dst = dst & 15, .src = src & 15};
}
static inline struct insn op_imm(u8 code, u32 dst, s32 imm)
{
	return (struct insn){.code = code, .dst = dst & 15, .imm = imm};
}
static inline struct insn op_mem(u8 code, u32 dst, u32 src, s16 off)
{
	return (struct insn){.code = code, .dst = dst & 15, .src = src & 15, .off = off};
}

#endif
