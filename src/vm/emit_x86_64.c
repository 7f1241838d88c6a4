/*
 * emit_x86_64.c: the encodings of x86-64 (see emit_x86_64.h).
 *
 * In:  registers, memory operands, constants. Out: bytes in the buffer.
 *
 * Everything goes through x_reg() and x_mem(): prefixes, REX, opcode, modrm, displacement. The
 * shortest form is taken wherever there is a choice.
 */
#include "vm/emit_x86_64.h"

#define FITS8(v) ((v) == (s8)(v))

static void put(struct emit *e, u32 byte)
{
	*e->p++ = (u8)byte;
}

static u8 *write_imm(u8 *p, u32 size, u64 value)
{
	memcpy(p, &value, 8); /* little end first; what is too much is written over */
	return p + size;
}

void x_imm(struct emit *e, u32 size, u64 value)
{
	e->p = write_imm(e->p, size, value);
}

/* What stands before modrm. `index` is 0 where there is none, `low8`: modrm names an 8-bit one. */
static inline u8 *write_opcode(u8 *p, u32 op, u32 reg, u32 index, u32 base)
{
	u32 rex =
		(op >> 24 & 1) << 3 | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (base >> 3 & 1);

	if (op & (X_LOCK | X_16 | X_8REG | X_8RM)) {
		if (op & X_LOCK)
			*p++ = 0xf0;
		if (op & X_16)
			*p++ = 0x66;
		if ((op & X_8REG && reg >= RSP) || (op & X_8RM && base >= RSP))
			rex |= 0x40; /* needed, whatever is in it */
	}
	if (rex)
		*p++ = (u8)(0x40 | rex);
	if (op & 0xffff00) {
		if (op & 0xff0000)
			*p++ = (u8)(op >> 16);
		*p++ = (u8)(op >> 8);
	}
	*p++ = (u8)op;
	return p;
}

static void put_opcode(struct emit *e, u32 op, u32 reg, u32 index, u32 base)
{
	e->p = write_opcode(e->p, op, reg, index, base);
}

static u8 *write_modrm(u8 *p, u32 mod, u32 reg, u32 rm)
{
	*p = (u8)(mod << 6 | (reg & 7) << 3 | (rm & 7));
	return p + 1;
}

static void put_modrm(struct emit *e, u32 mod, u32 reg, u32 rm)
{
	e->p = write_modrm(e->p, mod, reg, rm);
}

void x_reg(struct emit *e, u32 op, u32 reg, u32 rm)
{
	e->p = write_modrm(write_opcode(e->p, op, reg, 0, rm), 3, reg, rm);
}

/* modrm, SIB, displacement. Data behind the code: relative to the end of the displacement, which
 * emit_link() knows. */
static void put_address(struct emit *e, u32 reg, struct x_mem m)
{
	bool sib = m.index != X_NONE || (m.base & 7) == RSP;
	u32 index = m.index == X_NONE ? (u32)RSP : m.index; /* RSP: no index */
	u32 mod = !m.disp && (m.base & 7) != RBP ? 0 : FITS8(m.disp) ? 1 : 2;
	u8 *p;

	if (m.base == X_NONE) {
		put_modrm(e, 0, reg, 5);
		vec_push(
			e->arena, &e->patches,
			(struct emit_patch){(u32)(e->p - e->code), e->fixups.n, (u32)m.disp, true});
		x_imm(e, 4, 0);
		return;
	}
	p = write_modrm(e->p, mod, reg, sib ? (u32)RSP : m.base);
	if (sib)
		p = write_modrm(p, (u32)__builtin_ctz(m.scale), index, m.base);
	if (mod)
		p = write_imm(p, mod == 1 ? 1 : 4, (u64)m.disp);
	e->p = p;
}

/* Registers that an address has not: 0. */
static u32 base_of(struct x_mem m)
{
	return m.base == X_NONE ? 0 : m.base;
}

static u32 index_of(struct x_mem m)
{
	return m.index == X_NONE ? 0 : m.index;
}

void x_mem(struct emit *e, u32 op, u32 reg, struct x_mem m)
{
	put_opcode(e, op & ~(u32)X_8RM, reg, index_of(m), base_of(m));
	put_address(e, reg, m);
}

/* ---- what comes behind a VEX prefix */

/* prefix: 0 none, 1: 66, 2: F3, 3: F2. map: 1: 0F, 2: 0F38, 3: 0F3A. */
static void put_vex(struct emit *e, u32 op, bool wide, u32 reg, u32 second, u32 index, u32 base)
{
	u32 prefix = op >> 8 & 3, map = op >> 12 & 3, size = (u32)wide << 7 | (op & X_V256) >> 14;

	if (map == 1 && !wide && index < R8 && base < R8) {
		put(e, 0xc5);
		put(e, (~reg & 8) << 4 | (~second & 15) << 3 | (size & 4) | prefix);
	} else {
		put(e, 0xc4);
		put(e, (~reg & 8) << 4 | (~index & 8) << 3 | (~base & 8) << 2 | map);
		put(e, size | (~second & 15) << 3 | prefix);
	}
	put(e, op & 0xff);
}

static void put_vex_reg(struct emit *e, u32 op, bool wide, u32 reg, u32 second, u32 rm)
{
	put_vex(e, op, wide, reg, second, 0, rm);
	put_modrm(e, 3, reg, rm);
}

void x_vec(struct emit *e, u32 op, u32 reg, u32 second, u32 rm)
{
	put_vex_reg(e, op, false, reg, second, rm);
}

void x_vec_mem(struct emit *e, u32 op, u32 reg, u32 second, struct x_mem m)
{
	put_vex(e, op, false, reg, second, index_of(m), base_of(m));
	put_address(e, reg, m);
}

void x_vzeroupper(struct emit *e)
{
	put_vex(e, X_V128(0, 1, 0x77), false, 0, 0, 0, 0);
}

/* ---- moves and arithmetic */

static u32 width(bool wide)
{
	return wide ? X_W : 0;
}

void x_mov_imm(struct emit *e, u32 reg, u64 value)
{
	if (!value) {
		x_alu(e, false, X_XOR, reg, reg);
	} else if (value <= UINT32_MAX) {
		put_opcode(e, 0xb8 | (reg & 7), 0, 0, reg);
		x_imm(e, 4, value);
	} else if ((s64)value == (s32)value) {
		x_reg(e, X_W | 0xc7, 0, reg);
		x_imm(e, 4, value);
	} else {
		put_opcode(e, X_W | 0xb8 | (reg & 7), 0, 0, reg);
		x_imm(e, 8, value);
	}
}

void x_mov(struct emit *e, bool wide, u32 to, u32 from)
{
	x_reg(e, width(wide) | 0x89, from, to);
}

void x_alu(struct emit *e, bool wide, enum x_alu op, u32 to, u32 from)
{
	x_reg(e, width(wide) | op << 3 | 0x01, from, to);
}

void x_alu_imm(struct emit *e, bool wide, enum x_alu op, u32 to, s32 imm)
{
	if (!FITS8(imm) && to == RAX) { /* a form of its own, without modrm */
		put_opcode(e, width(wide) | op << 3 | 0x05, 0, 0, 0);
		x_imm(e, 4, (u64)imm);
		return;
	}
	x_reg(e, width(wide) | (FITS8(imm) ? 0x83 : 0x81), op, to);
	x_imm(e, FITS8(imm) ? 1 : 4, (u64)imm);
}

void x_alu_load(struct emit *e, bool wide, enum x_alu op, u32 to, struct x_mem m)
{
	x_mem(e, width(wide) | op << 3 | 0x03, to, m);
}

/* The opcode for an operand of this many bytes: one of bytes is one less than the others. */
static u32 sized(u32 size, u32 op)
{
	return size == 8 ? X_W | op : size == 4 ? op : size == 2 ? X_16 | op : X_8REG | (op - 1);
}

void x_alu_store(struct emit *e, u32 size, enum x_alu op, struct x_mem m, u32 from)
{
	x_mem(e, sized(size, op << 3 | 0x01), from, m);
}

void x_alu_store_imm(struct emit *e, u32 size, enum x_alu op, struct x_mem m, s32 imm)
{
	bool byte = size == 1 || FITS8(imm);

	x_mem(e, size == 1 ? 0x80 : sized(size, byte ? 0x83 : 0x81), op, m);
	x_imm(e, byte ? 1 : MIN(size, 4), (u64)imm);
}

void x_test(struct emit *e, bool wide, u32 a, u32 b)
{
	x_reg(e, width(wide) | 0x85, b, a);
}

void x_test_imm(struct emit *e, bool wide, u32 reg, s32 imm)
{
	if (imm >= 0 && imm < 0x80) { /* the lowest byte is enough */
		if (reg == RAX)
			put_opcode(e, 0xa8, 0, 0, 0);
		else
			x_reg(e, X_8RM | 0xf6, 0, reg);
		x_imm(e, 1, (u64)imm);
		return;
	}
	x_reg(e, width(wide && imm < 0) | 0xf7, 0, reg);
	x_imm(e, 4, (u64)imm);
}

void x_unary(struct emit *e, bool wide, enum x_unary op, u32 reg)
{
	x_reg(e, width(wide) | 0xf7, op, reg);
}

void x_imul(struct emit *e, bool wide, u32 to, u32 from)
{
	x_reg(e, width(wide) | 0x0faf, to, from);
}

void x_imul_imm(struct emit *e, bool wide, u32 to, u32 from, s32 imm)
{
	x_reg(e, width(wide) | (FITS8(imm) ? 0x6b : 0x69), to, from);
	x_imm(e, FITS8(imm) ? 1 : 4, (u64)imm);
}

void x_mulx(struct emit *e, bool wide, u32 high, u32 low, u32 from)
{
	put_vex_reg(e, X_V128(3, 2, 0xf6), wide, high, low, from);
}

/* ---- shifts */

void x_shift(struct emit *e, bool wide, enum x_shift op, u32 reg, u32 n)
{
	if (n == 1) {
		x_reg(e, width(wide) | 0xd1, op, reg);
		return;
	}
	x_reg(e, width(wide) | 0xc1, op, reg);
	x_imm(e, 1, n);
}

void x_shift_cl(struct emit *e, bool wide, enum x_shift op, u32 reg)
{
	x_reg(e, width(wide) | 0xd3, op, reg);
}

void x_shiftx(struct emit *e, bool wide, enum x_shift op, u32 to, u32 from, u32 count)
{
	u32 prefix = op == X_SHL ? 1 : op == X_SHR ? 3 : 2;

	put_vex_reg(e, X_V128(prefix, 2, 0xf7), wide, to, count, from);
}

/* ---- addresses, extension, memory */

void x_lea(struct emit *e, bool wide, u32 to, struct x_mem m)
{
	x_mem(e, width(wide) | 0x8d, to, m);
}

void x_zero_extend(struct emit *e, u32 size, u32 to, u32 from)
{
	if (size == 4)
		x_mov(e, false, to, from);
	else
		x_reg(e, size == 1 ? X_8RM | 0x0fb6 : 0x0fb7, to, from);
}

void x_sign_extend(struct emit *e, u32 size, bool wide, u32 to, u32 from)
{
	u32 op = size == 1 ? X_8RM | 0x0fbe : size == 2 ? 0x0fbf : 0x63;

	x_reg(e, width(wide) | op, to, from);
}

void x_load(struct emit *e, u32 size, u32 to, struct x_mem m)
{
	x_mem(e, size == 8 ? X_W | 0x8b : size == 4 ? 0x8b : size == 2 ? 0x0fb7 : 0x0fb6, to, m);
}

void x_load_signed(struct emit *e, u32 size, u32 to, struct x_mem m)
{
	x_mem(e, X_W | (size == 4 ? 0x63 : size == 2 ? 0x0fbf : 0x0fbe), to, m);
}

void x_store(struct emit *e, u32 size, struct x_mem m, u32 from)
{
	x_mem(e, sized(size, 0x89), from, m);
}

void x_store_imm(struct emit *e, u32 size, struct x_mem m, s32 imm)
{
	x_mem(e, sized(size, 0xc7), 0, m);
	x_imm(e, MIN(size, 4), (u64)imm);
}

void x_bswap(struct emit *e, bool wide, u32 reg)
{
	put_opcode(e, width(wide) | 0x0fc8 | (reg & 7), 0, 0, reg);
}

void x_rol16(struct emit *e, u32 reg)
{
	x_reg(e, X_16 | 0xc1, X_ROL, reg);
	x_imm(e, 1, 8);
}

void x_atomic(struct emit *e, u32 op, u32 size, struct x_mem m, u32 reg)
{
	x_mem(e, X_LOCK | (size == 8 ? X_W : 0) | op, reg, m);
}

/* ---- the stack, calls, jumps */

void x_push(struct emit *e, u32 reg)
{
	put_opcode(e, 0x50 | (reg & 7), 0, 0, reg);
}

void x_push_imm(struct emit *e, s32 imm)
{
	put(e, FITS8(imm) ? 0x6a : 0x68);
	x_imm(e, FITS8(imm) ? 1 : 4, (u64)imm);
}

void x_pop(struct emit *e, u32 reg)
{
	put_opcode(e, 0x58 | (reg & 7), 0, 0, reg);
}

void x_push_mem(struct emit *e, struct x_mem m)
{
	x_mem(e, 0xff, 6, m);
}

void x_pop_mem(struct emit *e, struct x_mem m)
{
	x_mem(e, 0x8f, 0, m);
}

void x_ret(struct emit *e)
{
	put(e, 0xc3);
}

void x_ret_take(struct emit *e, u32 bytes)
{
	put(e, 0xc2);
	x_imm(e, 2, bytes);
}

static void fixup(struct emit *e, u32 kind, u32 cond, u32 label)
{
	vec_push(e->arena, &e->fixups,
		 (struct emit_fixup){.at = (u32)(e->p - e->code),
				     .label = label,
				     .kind = (u8)kind,
				     .cond = (u8)cond});
}

void x_jump(struct emit *e, enum x_cond cond, u32 label)
{
	fixup(e, EMIT_JUMP, cond, label);
}

void x_call(struct emit *e, u32 label)
{
	fixup(e, EMIT_CALL, X_ALWAYS, label);
}

void emit_align(struct emit *e, u32 most)
{
	fixup(e, EMIT_ALIGN, X_ALWAYS, most);
}

/* Six bytes: emit_link() makes them a direct call where the function is in reach. */
void x_call_far(struct emit *e, u64 function)
{
	u32 i = 0;

	while (i < e->far.n && e->far.v[i] != function)
		i++;
	if (i == e->far.n)
		vec_push(e->arena, &e->far, function);
	put(e, 0xff);
	put(e, 0x15);
	vec_push(e->arena, &e->patches,
		 (struct emit_patch){(u32)(e->p - e->code), e->fixups.n, i, false});
	x_imm(e, 4, 0);
}

void x_call_reg(struct emit *e, u32 reg)
{
	x_reg(e, 0xff, 2, reg);
}

void x_jump_mem(struct emit *e, struct x_mem m)
{
	x_mem(e, 0xff, 4, m);
}
