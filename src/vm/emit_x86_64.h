/*
 * emit_x86_64.h: x86-64 instructions, by name, into a buffer; then machine code in memory.
 *
 * In:  calls of x_...(), labels. Out: code that may run, in pages that are not writable.
 *
 * Jumps leave no bytes in the buffer: they are kept in a list, with calls and padding. When all is
 * there, emit_link() finds out which of them need the long form, by going over that list alone, and
 * writes the pieces between them to where they belong.
 *
 * An opcode is written as in the manuals (0x0fb6 is 0F B6), with what comes before it as flags.
 */
#ifndef VM_EMIT_X86_64_H
#define VM_EMIT_X86_64_H

#include "base/base.h"

enum x_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, X_NONE };
/* Arithmetic with two operands, in the order of its opcodes */
enum x_alu { X_ADD, X_OR, X_ADC, X_SBB, X_AND, X_SUB, X_XOR, X_CMP };
enum x_shift { X_ROL, X_ROR, X_SHL = 4, X_SHR, X_SAR = 7 };
/* With one operand; multiplication and division take the other in rdx:rax */
enum x_unary { X_NOT = 2, X_NEG, X_MUL, X_IMUL, X_DIV, X_IDIV };
enum x_cond { X_B = 2, X_AE, X_E, X_NE, X_BE, X_A, X_S, X_NS, X_L = 12, X_GE, X_LE, X_G, X_ALWAYS };

/* base + index * scale + disp; index X_NONE: none; base X_NONE: at disp of the data, which come
 * behind the code (emit_link) */
struct x_mem {
	u8 base, index, scale;
	s32 disp;
};
#define X_AT(reg, d) ((struct x_mem){.base = (reg), .index = X_NONE, .scale = 1, .disp = (d)})
#define X_DATA(d)    ((struct x_mem){.base = X_NONE, .index = X_NONE, .scale = 1, .disp = (d)})

enum {
	X_W = 1 << 24,    /* 64 bits wide */
	X_16 = 1 << 25,   /* 16 bits wide */
	X_8REG = 1 << 26, /* its register is one of 8 bits: r4 to r7 need a REX byte */
	X_8RM = 1 << 27,  /* so is what modrm names */
	X_LOCK = 1 << 28,
};

/* What is decided when all is there: at this place of the buffer, behind it. */
enum emit_kind { EMIT_JUMP, EMIT_CALL, EMIT_ALIGN };
struct emit_fixup {
	u32 at, label; /* EMIT_ALIGN: bytes at most */
	u8 kind, cond;
	bool is_long;
};
struct emit_label {
	u32 at, fixups; /* fixups before it; at UINT32_MAX: not yet placed */
};
/* Four bytes of the buffer that hold the distance to a function or to data. */
struct emit_patch {
	u32 at, fixups;
	u32 to; /* a function, by its place in `far`; data: an offset */
	bool data;
};
struct emit {
	struct arena *arena;
	u8 *code, *p, *end; /* p: where the next byte goes */
	vec(struct emit_fixup) fixups;
	vec(struct emit_label) labels;
	vec(struct emit_patch) patches;
	vec(u64) far; /* functions that are called */
	u32 *moved;   /* by how much, what stands behind so many fixups; emit_link() */
	u32 data;     /* bytes of data, zeroed, writable */
};

/* So many labels are there at once, to be placed; guesses how much there will be of other things.
 */
void emit_begin(struct emit *, struct arena *, u32 labels, u32 bytes, u32 jumps);
/* Makes room for `bytes` more, to be called before each piece. */
void emit_grow(struct emit *, u32 bytes);
static inline void emit_room(struct emit *e, u32 bytes)
{
	if ((size_t)(e->end - e->p) < bytes)
		emit_grow(e, bytes);
}
u32 emit_label(struct emit *);             /* a new one, to be placed */
void emit_place(struct emit *, u32 label); /* here */
void emit_align(struct emit *, u32 most);  /* to 16 bytes, if it takes at most so many */
u32 emit_data(struct emit *, u32 bytes);   /* offset of new data */

/* Machine code: pages of code, then pages of data. */
struct emit_code {
	u8 *start;
	size_t bytes, size; /* of code; of all that is mapped */
	size_t data;        /* where data begin */
};
/* 0 or -ENOMEM. Addresses of labels: emit_address(). */
int emit_link(struct emit *, struct emit_code *);
u32 emit_address(const struct emit *, u32 label); /* in the code; after emit_link() */
void emit_unmap(struct emit_code *);

/* ---- encodings: any opcode with a register and a register or memory */
void x_reg(struct emit *, u32 op, u32 reg, u32 rm);
void x_mem(struct emit *, u32 op, u32 reg, struct x_mem);
void x_imm(struct emit *, u32 size, u64 value);

/* ---- instructions; `wide`: 64 bits, else 32, which clears the upper half */
void x_mov_imm(struct emit *, u32 reg, u64 value); /* the shortest form */
void x_mov(struct emit *, bool wide, u32 to, u32 from);
void x_alu(struct emit *, bool wide, enum x_alu, u32 to, u32 from);
void x_alu_imm(struct emit *, bool wide, enum x_alu, u32 to, s32 imm);
void x_alu_load(struct emit *, bool wide, enum x_alu, u32 to, struct x_mem);
void x_alu_store(struct emit *, u32 size, enum x_alu, struct x_mem, u32 from);
void x_alu_store_imm(struct emit *, u32 size, enum x_alu, struct x_mem, s32 imm);
void x_test(struct emit *, bool wide, u32 a, u32 b);
void x_test_imm(struct emit *, bool wide, u32 reg, s32 imm);
void x_unary(struct emit *, bool wide, enum x_unary, u32 reg);
void x_imul(struct emit *, bool wide, u32 to, u32 from);
void x_imul_imm(struct emit *, bool wide, u32 to, u32 from, s32 imm);
void x_mulx(struct emit *, bool wide, u32 high, u32 low, u32 from); /* by rdx */
void x_shift(struct emit *, bool wide, enum x_shift, u32 reg, u32 n);
void x_shift_cl(struct emit *, bool wide, enum x_shift, u32 reg);
void x_shiftx(struct emit *, bool wide, enum x_shift, u32 to, u32 from, u32 count);
void x_lea(struct emit *, bool wide, u32 to, struct x_mem);
void x_zero_extend(struct emit *, u32 size, u32 to, u32 from); /* from 1, 2, 4 bytes */
void x_sign_extend(struct emit *, u32 size, bool wide, u32 to, u32 from);
void x_load(struct emit *, u32 size, u32 to, struct x_mem); /* zero-extended */
void x_load_signed(struct emit *, u32 size, u32 to, struct x_mem);
void x_store(struct emit *, u32 size, struct x_mem, u32 from);
void x_store_imm(struct emit *, u32 size, struct x_mem, s32 imm);
void x_bswap(struct emit *, bool wide, u32 reg);
void x_rol16(struct emit *, u32 reg); /* swaps the two lowest bytes */
void x_push(struct emit *, u32 reg);
void x_push_imm(struct emit *, s32 imm);
void x_pop(struct emit *, u32 reg);
void x_push_mem(struct emit *, struct x_mem);
void x_pop_mem(struct emit *, struct x_mem);
void x_ret(struct emit *);
void x_ret_take(struct emit *, u32 bytes); /* off the stack, behind the address */
void x_atomic(struct emit *, u32 op, u32 size, struct x_mem, u32 reg); /* op for 32 bits, locked */
void x_jump(struct emit *, enum x_cond, u32 label);
void x_call(struct emit *, u32 label);
void x_call_far(struct emit *, u64 function);
void x_call_reg(struct emit *, u32 reg);
void x_jump_mem(struct emit *, struct x_mem); /* to the address that is there */

/* Vectors: of 32 bytes, or 16. An opcode with its prefix and map, by their numbers in VEX. `second`:
 * the register that VEX names, 0 where there is none. An immediate byte comes by x_imm(), and then
 * memory is no data of X_DATA. */
#define X_V256			   (1u << 16)
#define X_V128(prefix, map, op) ((u32)(prefix) << 8 | (u32)(map) << 12 | (op))
#define X_V(prefix, map, op)	   (X_V256 | X_V128(prefix, map, op))
enum {
	X_VLOAD = X_V(2, 1, 0x6f),
	X_VSTORE = X_V(2, 1, 0x7f),
	X_VLOAD128 = X_V128(2, 1, 0x6f),
	X_VINSERT128 = X_V(1, 3, 0x38),
	X_VSHUFFLE = X_V(1, 2, 0x00),      /* bytes, in each half */
	X_VWORDS = X_V(0, 1, 0xc6),	   /* in each half two words of each, by the immediate */
	X_VSHIFT = X_V(1, 1, 0x72),	   /* reg: 2: right, 6: left; rm to second */
	X_VBLEND = X_V(1, 3, 0x4c),	   /* second, or where the mask is set rm; the mask is the
					    * immediate's upper half */
	X_VTEST = X_V(1, 2, 0x17),
	X_VMOVD = X_V128(1, 1, 0x6e),
	X_VBROADCAST = X_V(1, 2, 0x58),
	X_VINSERT32 = X_V128(1, 3, 0x22), /* a word */
	X_VSTORE128 = X_V128(2, 1, 0x7f),
	X_VXOR = X_V(1, 1, 0xef),
	X_VADD16 = X_V(1, 1, 0xfd),
	X_VWIDEN128 = X_V128(1, 2, 0x30), /* eight bytes to 16 bits each */
	X_VSIGNS = X_V(0, 1, 0x50),	  /* of words, as bits, to a register that is no vector */
};
void x_vec(struct emit *, u32 op, u32 reg, u32 second, u32 rm);
void x_vec_mem(struct emit *, u32 op, u32 reg, u32 second, struct x_mem);
void x_vzeroupper(struct emit *);

/* Opcodes for x_reg(), x_mem() and x_atomic() that have no call of their own */
enum {
	X_OP_XADD = 0x0fc1,
	X_OP_CMPXCHG = 0x0fb1,
	X_OP_XCHG = 0x87,
};

#endif
