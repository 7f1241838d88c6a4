/*
 * vmgen.h: random BPF programs, instruction by instruction, most of which the kernel accepts.
 *
 * The same seed gives the same program. What each register holds is known while it is written: a
 * number, or one of a few pointers that stay in registers of their own (the context, a value of the
 * map VG_DATA, the packet). Everything else is random: operations, widths, operands, where memory
 * is touched, who calls whom. Pointers never get into results, which must not depend on
 * addresses. Loops run at most a few times.
 */
#ifndef FUZZ_VMGEN_H
#define FUZZ_VMGEN_H

#include "isa/code.h"

#include <stdlib.h>

enum { VG_DATA, VG_HASH, VG_ARRAY, VG_PROGS, VG_MAPS };
#define VG_DATA_BYTES   256 /* [0, 128): operands; behind them what registers held at the end */
#define VG_IN_BYTES     128
#define VG_HASH_BYTES   16 /* of a value; keys are u32 */
#define VG_HASH_KEYS    16 /* keys 0 to 15 are used, of which the map holds 8 at a time */
#define VG_HASH_MOST    8
#define VG_ARRAY_BYTES  24
#define VG_ARRAY_MOST   8
#define VG_PROGRAMS     2
#define VG_PACKET_BYTES 96
#define VG_PACKET_SEEN  64 /* as much of it is touched without asking again */
#define VG_FUNCTIONS    5

#define NO_REG 0xff
enum { VG_R1 = 1, VG_R10 = 10 };

struct vg_fn {
	u32 at;        /* slot; 0: not written yet */
	u32 nargs;     /* numbers in r1.. */
	bool memory;   /* r1 points to 8 bytes instead: a slot of the caller's stack */
	bool callback; /* r1 is a number, r2 such a pointer; returns 0 or 1 */
};

struct vmgen {
	u64 rng;
	struct arena *arena;
	struct code *code;
	u32 index; /* 0: what is run, 1: where it may tail call */
	u32 left;  /* statements that may still be written */
	u32 depth; /* of blocks */
	bool in_fn, in_callback, in_loop;
	u8 ctx, map, pkt, counter,
		memory; /* registers with something else than a number, or NO_REG */
	u16 held;       /* the same, for a while */
	u16 set;        /* registers that hold numbers */
	u32 stack;      /* bytes below r10 that hold numbers */
	struct vg_fn fns[VG_FUNCTIONS];
	u32 nfns, fn; /* which one is written */
	struct {
		u32 insn, fn;
	} calls[64]; /* whose imm is the function's slot */
	u32 ncalls;
	bool ld_abs; /* instead of functions */
};

static u64 vg_rnd(struct vmgen *g)
{
	u64 z = g->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static u32 vg_pick(struct vmgen *g, u32 n)
{
	return (u32)(vg_rnd(g) % n);
}

static bool vg_chance(struct vmgen *g, u32 percent)
{
	return vg_pick(g, 100) < percent;
}

static u64 vg_number(struct vmgen *g)
{
	static const u64 edges[] = {0,
				    1,
				    2,
				    7,
				    8,
				    31,
				    32,
				    63,
				    64,
				    127,
				    128,
				    255,
				    256,
				    0x7fff,
				    0x8000,
				    0xffff,
				    0x10000,
				    0x7fffffff,
				    0x80000000,
				    0xffffffff,
				    0x100000000,
				    INT64_MAX,
				    0x8000000000000000,
				    UINT64_MAX};
	u64 v = edges[vg_pick(g, ARRAY_SIZE(edges))];

	switch (vg_pick(g, 4)) {
	case 0: return vg_rnd(g);
	case 1: return vg_rnd(g) >> vg_pick(g, 64);
	case 2: return -v;
	default: return v;
	}
}

static u32 vg_op(struct vmgen *g, u32 code, u32 dst, u32 src, s32 off, s32 imm)
{
	vec_push(g->arena, &g->code->insns,
		 (struct insn){(u8)code, dst & 15, src & 15, (s16)off, imm});
	return g->code->insns.n - 1;
}

static void vg_map_op(struct vmgen *g, u32 dst, u32 map, bool data, u32 off)
{
	struct code_reloc r = {.map = map, .off = off, .data = data};

	r.insn = vg_op(g, BPF_LD | BPF_IMM | BPF_DW, dst,
		       data ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD, 0, 0);
	vg_op(g, 0, 0, 0, 0, 0);
	vec_push(g->arena, &g->code->relocs, r);
}

static void vg_movk(struct vmgen *g, u32 dst, s32 imm)
{
	vg_op(g, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static void vg_movx(struct vmgen *g, u32 dst, u32 src)
{
	vg_op(g, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void vg_add(struct vmgen *g, u32 dst, s32 imm)
{
	vg_op(g, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm);
}

static void vg_land(struct vmgen *g, u32 jump)
{
	g->code->insns.v[jump].off = (s16)(g->code->insns.n - jump - 1);
}

/* ---- registers */

static bool vg_role(const struct vmgen *g, u32 reg)
{
	return reg == g->ctx || reg == g->map || reg == g->pkt || reg == g->counter ||
	       reg == g->memory || g->held >> reg & 1;
}

/* Any register that may be written. */
static u32 vg_any(struct vmgen *g)
{
	u32 reg;

	do
		reg = vg_pick(g, 10);
	while (vg_role(g, reg));
	return reg;
}

/* One that holds a number: made, if need be. */
static u32 vg_value(struct vmgen *g)
{
	u32 reg = vg_any(g);

	if (!(g->set >> reg & 1)) {
		u64 v = vg_number(g);

		if (vg_chance(g, 50)) {
			vg_movk(g, reg, (s32)v);
		} else {
			vg_op(g, BPF_LD | BPF_IMM | BPF_DW, reg, 0, 0, (s32)v);
			vg_op(g, 0, 0, 0, 0, (s32)(v >> 32));
		}
		g->set |= (u16)(1 << reg);
	}
	return reg;
}

static void vg_clobber(struct vmgen *g)
{
	g->set &= (u16)~0x3f;
}

static void vg_hold(struct vmgen *g, u32 reg)
{
	g->set &= (u16) ~(1 << reg);
	g->held |= (u16)(1 << reg);
}

/* A register for a pointer; vg_drop() makes it a number again. */
static u32 vg_scratch(struct vmgen *g)
{
	u32 reg = vg_any(g);

	vg_hold(g, reg);
	return reg;
}

static void vg_drop(struct vmgen *g, u32 reg)
{
	g->held &= (u16) ~(1 << reg);
	vg_movk(g, reg, (s32)vg_number(g));
	g->set |= (u16)(1 << reg);
}

static bool vg_has_value(const struct vmgen *g)
{
	for (u32 reg = 0; reg < 10; reg++)
		if (!vg_role(g, reg) && (g->set >> reg & 1))
			return true;
	return false;
}

/* ---- arithmetic */

static void vg_alu(struct vmgen *g)
{
	static const u8 ops[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,  BPF_AND,
				 BPF_LSH, BPF_RSH, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH};
	u32 op = ops[vg_pick(g, ARRAY_SIZE(ops))], wide = vg_chance(g, 50) ? BPF_ALU64 : BPF_ALU;
	bool divides = op == BPF_DIV || op == BPF_MOD;
	u32 off = divides && vg_chance(g, 50), dst = op == BPF_MOV ? vg_any(g) : vg_value(g);
	s32 imm = (s32)vg_number(g);

	if (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH)
		imm &= wide == BPF_ALU64 ? 63 : 31;
	if (divides && !imm)
		imm = 1;
	if (vg_chance(g, 50))
		vg_op(g, wide | op | BPF_X, dst, vg_value(g), (s32)off, 0);
	else
		vg_op(g, wide | op | BPF_K, dst, 0, (s32)off, imm);
	g->set |= (u16)(1 << dst);
}

static void vg_unary(struct vmgen *g)
{
	static const u8 bits[] = {8, 16, 32}, ends[] = {16, 32, 64};
	u32 dst = vg_value(g), src, wide = vg_chance(g, 50);

	switch (vg_pick(g, 4)) {
	case 0: vg_op(g, (wide ? BPF_ALU64 : BPF_ALU) | BPF_NEG, dst, 0, 0, 0); break;
	case 1:
		src = vg_value(g);
		vg_op(g, (wide ? BPF_ALU64 : BPF_ALU) | BPF_MOV | BPF_X, dst, src,
		      bits[vg_pick(g, wide ? 3 : 2)], 0);
		break;
	case 2: vg_op(g, BPF_ALU64 | BPF_END | BPF_K, dst, 0, 0, ends[vg_pick(g, 3)]); break;
	default:
		vg_op(g, BPF_ALU | BPF_END | (wide ? BPF_X : BPF_K), dst, 0, 0,
		      ends[vg_pick(g, 3)]);
	}
}

/* ---- memory: `base` points to `room` bytes from base + off on */

static const u8 vg_sizes[] = {BPF_B, BPF_H, BPF_W, BPF_DW};

static u32 vg_bytes(u32 size)
{
	return size == BPF_B ? 1 : size == BPF_H ? 2 : size == BPF_W ? 4 : 8;
}

static s32 vg_offset(struct vmgen *g, s32 off, u32 room, u32 bytes, bool aligned)
{
	u32 at = vg_pick(g, room - bytes + 1);

	return off + (s32)(aligned ? at / bytes * bytes : at);
}

static void vg_load(struct vmgen *g, u32 base, s32 off, u32 room, bool aligned)
{
	u32 size = vg_sizes[vg_pick(g, 4)], bytes = vg_bytes(size), dst = vg_any(g);
	bool sign = size != BPF_DW && vg_chance(g, 30);

	vg_op(g, BPF_LDX | (sign ? BPF_MEMSX : BPF_MEM) | size, dst, base,
	      vg_offset(g, off, room, bytes, aligned), 0);
	g->set |= (u16)(1 << dst);
}

static void vg_store(struct vmgen *g, u32 base, s32 off, u32 room, bool aligned)
{
	u32 size = vg_sizes[vg_pick(g, 4)];
	bool imm = vg_chance(g, 30) || !vg_has_value(g);
	u32 src = imm ? 0 : vg_value(g);

	vg_op(g, (imm ? BPF_ST : BPF_STX) | BPF_MEM | size, base, src,
	      vg_offset(g, off, room, vg_bytes(size), aligned), imm ? (s32)vg_number(g) : 0);
}

/*
 * stack: it may be in a frame. The kernel's verifier (6.18) does not follow what an atomic operation
 * fetches from there back to the slot: states that differ in the slot's bounds count as equal, and a
 * branch on the register is taken away as if it went one way only. A byte that is written first
 * leaves nothing known of the slot.
 */
static void vg_atomic(struct vmgen *g, u32 base, s32 off, u32 room, bool stack)
{
	static const s32 ops[] = {BPF_ADD,
				  BPF_OR,
				  BPF_AND,
				  BPF_XOR,
				  BPF_ADD | BPF_FETCH,
				  BPF_OR | BPF_FETCH,
				  BPF_AND | BPF_FETCH,
				  BPF_XOR | BPF_FETCH,
				  BPF_XCHG,
				  BPF_CMPXCHG,
				  BPF_LOAD_ACQ,
				  BPF_STORE_REL};
	s32 op = ops[vg_pick(g, ARRAY_SIZE(ops))];
	u32 size = op >= BPF_LOAD_ACQ ? vg_sizes[vg_pick(g, 4)] : vg_sizes[2 + vg_pick(g, 2)];
	u32 src = vg_value(g);
	s32 at;

	if (op == BPF_CMPXCHG && !(g->set & 1))
		op = BPF_XCHG;
	at = vg_offset(g, off, room, vg_bytes(size), true);
	if (stack && vg_bytes(size) > 1 && op != BPF_STORE_REL)
		vg_op(g, BPF_ST | BPF_MEM | BPF_B, base, 0, at, (s32)vg_number(g));
	if (op == BPF_LOAD_ACQ)
		vg_op(g, BPF_STX | BPF_ATOMIC | size, src, base, at, op);
	else
		vg_op(g, BPF_STX | BPF_ATOMIC | size, base, src, at, op);
}

static void vg_touch(struct vmgen *g, u32 base, s32 off, u32 room, bool aligned, bool atomics)
{
	u32 what = vg_pick(g, atomics ? 5 : 4);

	if (what < 2)
		vg_load(g, base, off, room, aligned);
	else if (what < 4)
		vg_store(g, base, off, room, aligned);
	else
		vg_atomic(g, base, off, room, aligned);
}

static void vg_stack(struct vmgen *g)
{
	u32 base;

	if (vg_chance(g, 60)) {
		vg_touch(g, VG_R10, -(s32)g->stack, g->stack, true, true);
		return;
	}
	base = vg_scratch(g);
	vg_movx(g, base, VG_R10);
	vg_add(g, base, -(s32)g->stack);
	if (vg_chance(g, 50)) { /* at a place that is only known in bounds */
		u32 index = vg_value(g);

		vg_op(g, BPF_ALU64 | BPF_AND | BPF_K, index, 0, 0, (s32)g->stack / 2 - 1);
		vg_op(g, BPF_ALU64 | BPF_ADD | BPF_X, base, index, 0, 0);
		vg_op(g, BPF_LDX | BPF_MEM | BPF_B, index, base, (s32)vg_pick(g, g->stack / 2), 0);
	} else {
		vg_touch(g, base, 0, g->stack, true, true);
	}
	vg_drop(g, base);
}

static void vg_data(struct vmgen *g)
{
	u32 base, index;

	if (g->map == NO_REG || vg_chance(g, 30)) {
		base = vg_scratch(g);
		vg_map_op(g, base, VG_DATA, true, 0);
	} else if (vg_chance(g, 50)) {
		vg_touch(g, g->map, 0, VG_IN_BYTES, false, true);
		return;
	} else {
		base = vg_scratch(g);
		vg_movx(g, base, g->map);
	}
	if (vg_chance(g, 60)) {
		index = vg_value(g);
		vg_op(g, BPF_ALU64 | BPF_AND | BPF_K, index, 0, 0, 63);
		vg_op(g, BPF_ALU64 | BPF_ADD | BPF_X, base, index, 0, 0);
		vg_touch(g, base, 0, VG_IN_BYTES - 63, false, false);
	} else {
		vg_touch(g, base, 0, VG_IN_BYTES, false, true);
	}
	vg_drop(g, base);
}

static void vg_packet(struct vmgen *g)
{
	u32 base, end, jump;

	if (g->pkt == NO_REG || g->ctx == NO_REG)
		return vg_alu(g);
	if (vg_chance(g, 70))
		return vg_touch(g, g->pkt, 0, VG_PACKET_SEEN, false, false);
	base = vg_scratch(g);
	end = vg_scratch(g);
	vg_op(g, BPF_LDX | BPF_MEM | BPF_W, base, g->ctx, 76, 0);
	vg_op(g, BPF_LDX | BPF_MEM | BPF_W, end, g->ctx, 80, 0);
	if (vg_chance(g, 50)) { /* its length */
		vg_op(g, BPF_ALU64 | BPF_SUB | BPF_X, end, base, 0, 0);
		g->held &= (u16) ~(1 << end);
		g->set |= (u16)(1 << end);
		vg_drop(g, base);
		return;
	}
	vg_add(g, base, (s32)vg_pick(g, VG_PACKET_BYTES));
	vg_movx(g, base, base);
	vg_add(g, base, 8);
	jump = vg_op(g, BPF_JMP | BPF_JGT | BPF_X, base, end, 0, 0);
	vg_op(g, BPF_LDX | BPF_MEM | vg_sizes[vg_pick(g, 4)], end, base, -8, 0);
	vg_land(g, jump);
	vg_drop(g, end);
	vg_drop(g, base);
}

static void vg_context(struct vmgen *g)
{
	static const u8 readable[] = {0, 8, 32, 48, 52, 56, 60, 64}; /* len mark priority cb[] */
	u32 i, reg;

	if (g->ctx == NO_REG)
		return vg_alu(g);
	i = vg_pick(g, ARRAY_SIZE(readable));
	if (i && vg_chance(g, 40)) {
		reg = vg_value(g);
		vg_op(g, BPF_STX | BPF_MEM | BPF_W, g->ctx, reg, readable[i], 0);
		return;
	}
	reg = vg_any(g);
	vg_op(g, BPF_LDX | BPF_MEM | BPF_W, reg, g->ctx, readable[i], 0);
	g->set |= (u16)(1 << reg);
}

static void vg_ld_abs(struct vmgen *g)
{
	u32 size = vg_sizes[vg_pick(g, 3)], index;

	if (!g->ld_abs || g->in_fn)
		return vg_alu(g);
	if (vg_chance(g, 50)) {
		vg_op(g, BPF_LD | BPF_ABS | size, 0, 0, 0,
		      (s32)vg_pick(g, vg_chance(g, 90) ? VG_PACKET_BYTES - 4 : 200));
	} else {
		index = vg_value(g);
		vg_op(g, BPF_ALU64 | BPF_AND | BPF_K, index, 0, 0, 63);
		vg_op(g, BPF_LD | BPF_IND | size, 0, index, 0, (s32)vg_pick(g, 24));
	}
	vg_clobber(g);
	g->set |= 1;
}

/* ---- helpers */

/* A key on the stack; its offset from r10. */
static s32 vg_key(struct vmgen *g, u32 most)
{
	s32 at = -(s32)(4 * (1 + vg_pick(g, g->stack / 4)));
	u32 reg;

	if (vg_chance(g, 50) || !vg_has_value(g)) {
		vg_op(g, BPF_ST | BPF_MEM | BPF_W, VG_R10, 0, at, (s32)vg_pick(g, most));
		return at;
	}
	reg = vg_value(g);
	vg_op(g, BPF_ALU64 | BPF_AND | BPF_K, reg, 0, 0, (s32)most - 1);
	vg_op(g, BPF_STX | BPF_MEM | BPF_W, VG_R10, reg, at, 0);
	return at;
}

static void vg_stack_arg(struct vmgen *g, u32 reg, s32 at)
{
	vg_movx(g, reg, VG_R10);
	vg_add(g, reg, at);
}

static void vg_lookup(struct vmgen *g)
{
	bool hash = vg_chance(g, 50);
	s32 key = vg_key(g, VG_HASH_KEYS);
	u32 jump;
	u16 set;

	vg_clobber(g);
	vg_map_op(g, VG_R1, hash ? VG_HASH : VG_ARRAY, false, 0);
	vg_stack_arg(g, 2, key);
	vg_op(g, BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_map_lookup_elem);
	jump = vg_op(g, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0, 0);
	vg_hold(g, 0);
	set = g->set;
	for (u32 i = 1 + vg_pick(g, 2); i; i--)
		vg_touch(g, 0, 0, hash ? VG_HASH_BYTES : VG_ARRAY_BYTES, false, true);
	g->set &= set; /* the other way sets no more */
	vg_land(g, jump);
	vg_drop(g, 0);
}

static void vg_update(struct vmgen *g)
{
	bool hash = vg_chance(g, 70);
	u32 bytes = hash ? VG_HASH_BYTES : VG_ARRAY_BYTES;
	s32 key = vg_key(g, VG_HASH_KEYS);

	vg_clobber(g);
	vg_map_op(g, VG_R1, hash ? VG_HASH : VG_ARRAY, false, 0);
	vg_stack_arg(g, 2, key);
	if (g->stack >= bytes && vg_chance(g, 50)) {
		vg_stack_arg(g, 3, -(s32)g->stack);
	} else {
		vg_map_op(g, 3, VG_DATA, true, vg_pick(g, VG_IN_BYTES - bytes));
	}
	vg_movk(g, 4, (s32)vg_pick(g, 3));
	vg_op(g, BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_map_update_elem);
	g->set |= 1;
}

static void vg_delete(struct vmgen *g)
{
	s32 key = vg_key(g, VG_HASH_KEYS);

	vg_clobber(g);
	vg_map_op(g, VG_R1, vg_chance(g, 80) ? VG_HASH : VG_ARRAY, false, 0);
	vg_stack_arg(g, 2, key);
	vg_op(g, BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_map_delete_elem);
	g->set |= 1;
}

/* Bytes of the packet to the stack, or a checksum of the stack. */
static void vg_copy(struct vmgen *g)
{
	u32 words = 1 + vg_pick(g, g->stack / 8);
	s32 at = -(s32)g->stack;

	vg_clobber(g);
	if (g->ctx != NO_REG && !g->in_fn && vg_chance(g, 60)) {
		vg_movx(g, VG_R1, g->ctx);
		vg_movk(g, 2, (s32)vg_pick(g, VG_PACKET_BYTES + 8));
		vg_stack_arg(g, 3, at);
		vg_movk(g, 4, (s32)words * 4);
		vg_op(g, BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_skb_load_bytes);
	} else {
		vg_stack_arg(g, VG_R1, at);
		vg_movk(g, 2, (s32)words * 4);
		vg_stack_arg(g, 3, at + (s32)words * 4);
		vg_movk(g, 4, vg_chance(g, 50) ? 4 : 0);
		vg_movk(g, 5, (s32)vg_number(g));
		vg_op(g, BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_csum_diff);
	}
	g->set |= 1;
}

static void vg_tail_call(struct vmgen *g)
{
	if (g->ctx == NO_REG || g->in_callback)
		return vg_delete(g);
	vg_clobber(g);
	vg_movx(g, VG_R1, g->ctx);
	vg_map_op(g, 2, VG_PROGS, false, 0);
	vg_movk(g, 3, (s32)vg_pick(g, 5));
	vg_op(g, BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_tail_call);
}

#endif
