/*
 * cbpf_translate.c: a classic filter as a BPF program.
 *
 * In:  a filter that cbpf_check() took.
 * Out: instructions for r1 = address of a struct cbpf_packet; r0 is what the filter returns.
 *
 *      r0  A        r6  the packet's struct       r8  its data
 *      r7  X        r10 -64...: M                 r9  bytes that are there
 *
 * All values are 32 bits wide, as in the kernel: division by an X of 0 and a load from outside of
 * the packet end the filter with 0, shifts by X take its lower five bits. A negative offset is one
 * from the network or the link layer's header. Each of these ends stands where it is needed (two
 * instructions), so that no jump becomes too long; only `ja` may have to be a gotol.
 */
#include "isa/cbpf.h"

#include <errno.h>

#define REG_A      0
#define REG_TMP    2
#define REG_TMP2   3
#define REG_PACKET 6
#define REG_X      7
#define REG_DATA   8
#define REG_BYTES  9
#define FAR_FROM   1500 /* instructions of a filter in which a ja may be too far for 16 bits */

struct jump {
	u32 slot, to; /* to: instruction of the filter */
};
struct out {
	struct cbpf_translation *t;
	struct arena *arena;
	u32 *starts; /* slot of each instruction of the filter */
	u32 n;       /* of the filter */
	vec(struct jump) jumps;
};

static void put(struct out *o, u8 code, u32 dst, u32 src, s32 off, s32 imm)
{
	vec_push(o->arena, &o->t->insns,
		 (struct insn){.code = code,
			       .dst = dst & 15,
			       .src = src & 15,
			       .off = (s16)off,
			       .imm = imm});
}

static void put_k(struct out *o, u32 op, u32 dst, u32 k)
{
	put(o, (u8)(BPF_ALU | op | BPF_K), dst, 0, 0, (s32)k);
}

static void put_x(struct out *o, u32 op, u32 dst, u32 src)
{
	put(o, (u8)(BPF_ALU | op | BPF_X), dst, src, 0, 0);
}

static void put_jump(struct out *o, u8 code, u32 dst, u32 src, s32 imm, u32 to)
{
	vec_push(o->arena, &o->jumps, (struct jump){o->t->insns.n, to});
	put(o, code, dst, src, 0, imm);
}

static void put_return(struct out *o, u32 k)
{
	put_k(o, BPF_MOV, REG_A, k);
	put(o, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void put_field(struct out *o, u32 dst, u32 size, size_t off)
{
	put(o, (u8)(BPF_LDX | BPF_MEM | size), dst, REG_PACKET, (s32)off, 0);
}

/* ---- the packet */

static u32 bytes_of(u32 size)
{
	return size == BPF_W ? 4 : size == BPF_H ? 2 : 1;
}

/* The bytes at REG_TMP + off, in the order of the net. */
static void put_bytes(struct out *o, u32 dst, u32 size, u32 base, s32 off)
{
	put(o, (u8)(BPF_LDX | BPF_MEM | size), dst, base, off, 0);
	if (size != BPF_B)
		put(o, BPF_ALU | BPF_END | BPF_X, dst, 0, 0, size == BPF_W ? 32 : 16);
}

/* An offset in REG_TMP: is it in the packet? Then load. */
static void put_checked(struct out *o, u32 dst, u32 size)
{
	put(o, BPF_ALU64 | BPF_MOV | BPF_X, REG_TMP2, REG_TMP, 0, 0);
	put(o, BPF_ALU64 | BPF_ADD | BPF_K, REG_TMP2, 0, 0, (s32)bytes_of(size));
	put(o, BPF_JMP | BPF_JLE | BPF_X, REG_TMP2, REG_BYTES, 2, 0);
	put_return(o, 0);
	put(o, BPF_ALU64 | BPF_ADD | BPF_X, REG_TMP, REG_DATA, 0, 0);
	put_bytes(o, dst, size, REG_TMP, 0);
}

/* A load from an offset that is known. */
static void put_load(struct out *o, u32 dst, u32 size, u32 k)
{
	s32 off = (s32)k;

	if (off >= 0 && off <= INT16_MAX) { /* the usual case */
		put(o, BPF_JMP | BPF_JGE | BPF_K, REG_BYTES, 0, 2, off + (s32)bytes_of(size));
		put_return(o, 0);
		put_bytes(o, dst, size, REG_DATA, off);
		return;
	}
	if (off < CBPF_LL_OFF) {
		put_return(o, 0);
		return;
	}
	if (off >= 0) {
		put_k(o, BPF_MOV, REG_TMP, k);
	} else if (off >= CBPF_NET_OFF) {
		put_field(o, REG_TMP, BPF_W, offsetof(struct cbpf_packet, net));
		put(o, BPF_ALU64 | BPF_ADD | BPF_K, REG_TMP, 0, 0, off - CBPF_NET_OFF);
	} else {
		put_k(o, BPF_MOV, REG_TMP, (u32)(off - CBPF_LL_OFF));
	}
	put_checked(o, dst, size);
}

/* A load from X + k, which may be an offset of another kind. */
static void put_indirect(struct out *o, u32 size, u32 k)
{
	put_x(o, BPF_MOV, REG_TMP, REG_X);
	put_k(o, BPF_ADD, REG_TMP, k);
	put(o, BPF_JMP32 | BPF_JSGE | BPF_K, REG_TMP, 0, 8, 0);
	put(o, BPF_JMP32 | BPF_JSGE | BPF_K, REG_TMP, 0, 2, CBPF_LL_OFF);
	put_return(o, 0);
	put_k(o, BPF_SUB, REG_TMP, (u32)CBPF_LL_OFF);
	put(o, BPF_JMP32 | BPF_JLT | BPF_K, REG_TMP, 0, 3, CBPF_NET_OFF - CBPF_LL_OFF);
	put_k(o, BPF_SUB, REG_TMP, (u32)(CBPF_NET_OFF - CBPF_LL_OFF));
	put_field(o, REG_TMP2, BPF_W, offsetof(struct cbpf_packet, net));
	put(o, BPF_ALU64 | BPF_ADD | BPF_X, REG_TMP, REG_TMP2, 0, 0);
	put_checked(o, REG_A, size);
}

static int put_ancillary(struct out *o, u32 number, struct diag *d)
{
	if (number == CBPF_AD_NLATTR || number == CBPF_AD_NLATTR_NEST)
		return diag_fail(d, -EOPNOTSUPP, NULL,
				 "the extensions nla and nlan are of the kernel alone");
	if (number == CBPF_AD_XOR_X)
		put_x(o, BPF_XOR, REG_A, REG_X);
	else
		put_field(o, REG_A, BPF_W, offsetof(struct cbpf_packet, ancillary) + number);
	return 0;
}

/* ---- instructions */

static s32 word_at(u32 k)
{
	return -4 * (CBPF_WORDS - (s32)k);
}

static void put_branch(struct out *o, const struct cbpf_insn *in, u32 pc)
{
	static const u8 opposite[16] = {
		[BPF_JEQ >> 4] = BPF_JNE, [BPF_JGT >> 4] = BPF_JLE, [BPF_JGE >> 4] = BPF_JLT};
	u32 op = in->code & 0xf0, source = in->code & BPF_X;
	u32 yes = pc + 1 + in->jt, no = pc + 1 + in->jf;
	s32 imm = source == BPF_X ? 0 : (s32)in->k;
	u32 src = source == BPF_X ? REG_X : 0;

	if (!in->jt && in->jf && opposite[op >> 4]) {
		put_jump(o, (u8)(BPF_JMP32 | opposite[op >> 4] | source), REG_A, src, imm, no);
		return;
	}
	if (in->jt != in->jf)
		put_jump(o, (u8)(BPF_JMP32 | op | source), REG_A, src, imm, yes);
	if (in->jf)
		put_jump(o, BPF_JMP | BPF_JA, 0, 0, 0, no);
}

static void put_alu(struct out *o, const struct cbpf_insn *in)
{
	u32 op = in->code & 0xf0;

	if (op == BPF_NEG) {
		put(o, BPF_ALU | BPF_NEG, REG_A, 0, 0, 0);
	} else if (!(in->code & BPF_X)) {
		put_k(o, op, REG_A, in->k);
	} else {
		if (op == BPF_DIV || op == BPF_MOD) {
			put(o, BPF_JMP32 | BPF_JNE | BPF_K, REG_X, 0, 2, 0);
			put_return(o, 0);
		}
		put_x(o, op, REG_A, REG_X);
	}
}

static void put_msh(struct out *o, u32 k)
{
	put_load(o, REG_X, BPF_B, k);
	put_k(o, BPF_AND, REG_X, 15);
	put_k(o, BPF_LSH, REG_X, 2);
}

static int put_other(struct out *o, const struct cbpf_insn *in, enum cbpf_id id, u32 pc)
{
	u32 reg = (in->code & 7) == BPF_LDX || id == CBPF_stx ? REG_X : REG_A;

	switch (id) {
	case CBPF_ld_imm:
	case CBPF_ldx_imm: put_k(o, BPF_MOV, reg, in->k); break;
	case CBPF_ld_len:
	case CBPF_ldx_len: put_field(o, reg, BPF_W, offsetof(struct cbpf_packet, len)); break;
	case CBPF_ld_mem:
	case CBPF_ldx_mem: put(o, BPF_LDX | BPF_MEM | BPF_W, reg, 10, word_at(in->k), 0); break;
	case CBPF_st:
	case CBPF_stx: put(o, BPF_STX | BPF_MEM | BPF_W, 10, reg, word_at(in->k), 0); break;
	case CBPF_ldx_msh: put_msh(o, in->k); break;
	case CBPF_tax: put_x(o, BPF_MOV, REG_X, REG_A); break;
	case CBPF_txa: put_x(o, BPF_MOV, REG_A, REG_X); break;
	case CBPF_ret_k: put_return(o, in->k); break;
	case CBPF_ret_a: put(o, BPF_JMP | BPF_EXIT, 0, 0, 0, 0); break;
	case CBPF_ja:
		put_jump(o, o->n > FAR_FROM ? BPF_JMP32 | BPF_JA : BPF_JMP | BPF_JA, 0, 0, 0,
			 pc + 1 + in->k);
		break;
	default: return -EOPNOTSUPP;
	}
	return 0;
}

static int put_insn(struct out *o, const struct cbpf_insn *in, u32 pc, struct diag *d)
{
	const struct cbpf_op *op = cbpf_op(in);
	const struct cbpf_ancillary *a = cbpf_ancillary(in);
	u32 class = in->code & 7, mode = in->code & 0xe0;

	if (a)
		return put_ancillary(o, a->number, d);
	if (op->way == CBPF_BRANCH)
		put_branch(o, in, pc);
	else if (class == BPF_ALU)
		put_alu(o, in);
	else if (class == BPF_LD && mode == BPF_ABS)
		put_load(o, REG_A, in->code & BPF_DW, in->k);
	else if (class == BPF_LD && mode == BPF_IND)
		put_indirect(o, in->code & BPF_DW, in->k);
	else
		return put_other(o, in, cbpf_id(op), pc);
	return 0;
}

static void put_start(struct out *o)
{
	put(o, BPF_ALU64 | BPF_MOV | BPF_X, REG_PACKET, 1, 0, 0);
	put_field(o, REG_DATA, BPF_DW, offsetof(struct cbpf_packet, data));
	put_field(o, REG_BYTES, BPF_DW, offsetof(struct cbpf_packet, captured));
	put_k(o, BPF_MOV, REG_A, 0);
	put_k(o, BPF_MOV, REG_X, 0);
}

int cbpf_translate(struct cbpf_translation *t, struct arena *arena, const struct cbpf_insn *in,
		   u32 n, struct diag *d)
{
	struct out o = {.t = t, .arena = arena, .n = n, .starts = arena_array(arena, u32, n + 1)};
	int err = 0;

	put_start(&o);
	for (u32 pc = 0; pc < n && !err; pc++) {
		o.starts[pc] = t->insns.n;
		err = put_insn(&o, &in[pc], pc, d);
	}
	if (err)
		return err;
	vec_each (j, &o.jumps) {
		struct insn *jump = &t->insns.v[j->slot];
		s32 distance = (s32)o.starts[j->to] - (s32)j->slot - 1;

		if (jump->code == (BPF_JMP32 | BPF_JA))
			jump->imm = distance;
		else
			jump->off = (s16)distance;
	}
	return 0;
}
