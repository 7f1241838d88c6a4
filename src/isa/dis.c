/*
 * dis.c: one instruction as text, in the words of the kernel verifier's log.
 *
 * In: an instruction (and the slot behind it). Out: text appended to a buffer.
 *
 * Each form has a pattern in which %letters stand for fields:
 *   %d %s   destination and source: "r1", or "w1" where the operation is 32 bits wide
 *   %D %S   the same, "r1" always
 *   %t      the row's text: "+="
 *   %z      type of the memory accessed: "u32"
 *   %n      "64" in 64-bit atomics, else nothing
 *   %o      offset with its sign: "+8"
 *   %i %x   immediate: decimal, unsigned hexadecimal; %u %l its upper and lower half
 *   %h      helper with its number: "bpf_map_lookup_elem#1"
 *   %O %I   offset or immediate as the target of a jump: "pc+3 <7>"
 */
#include "isa/isa.h"

static const char *const patterns[FORMS] = {
	[FORM_ALU_K] = "%d %t %i",
	[FORM_ALU_X] = "%d %t %s",
	[FORM_MOVSX] = "%d = (%t)%s",
	[FORM_NEG] = "%d = -%d",
	[FORM_END] = "%D = %t %D",
	[FORM_ADDR_CAST] = "%D = addr_space_cast(%S, %u, %l)",
	[FORM_LDX] = "%D = *(%z *)(%S %o)",
	[FORM_ST] = "*(%z *)(%D %o) = %i",
	[FORM_STX] = "*(%z *)(%D %o) = %S",
	[FORM_ATOMIC] = "lock *(%z *)(%D %o) %t %S",
	[FORM_FETCH] = "%S = atomic%n_%t((%z *)(%D %o), %S)",
	[FORM_CMPXCHG] = "r0 = atomic%n_%t((%z *)(%D %o), r0, %S)",
	[FORM_LOAD_ACQ] = "%D = %t((%z *)(%S %o))",
	[FORM_STORE_REL] = "%t((%z *)(%D %o), %S)",
	[FORM_LD_ABS] = "r0 = *(%z *)skb[%i]",
	[FORM_LD_IND] = "r0 = *(%z *)skb[%S + %i]",
	[FORM_JA] = "%t %O",
	[FORM_GOTOL] = "%t %I",
	[FORM_JMP_K] = "if %d %t %x goto %O",
	[FORM_JMP_X] = "if %d %t %s goto %O",
	[FORM_CALL] = "call %h",
	[FORM_CALL_LOCAL] = "call %I",
	[FORM_CALL_KFUNC] = "call kernel-function#%i",
	[FORM_EXIT] = "exit",
};

static void put_reg(struct buf *out, const struct isa_op *op, u32 reg, bool whole)
{
	u32 class = op->code & 7;

	buf_char(out, !whole && (class == BPF_ALU || class == BPF_JMP32) ? 'w' : 'r');
	buf_u64(out, reg);
}

static void put_memory_type(struct buf *out, const struct isa_op *op)
{
	static const char *const bits[] = {"32", "16", "8", "64"};

	buf_char(out, (op->code & 0xe0) == BPF_MEMSX ? 's' : 'u');
	buf_puts(out, bits[op->code >> 3 & 3]);
}

static void put_target(struct buf *out, s32 distance, u32 pc)
{
	buf_printf(out, "pc%+d <%lld>", distance, (long long)pc + 1 + distance);
}

static void put_helper(struct buf *out, u32 id)
{
	const struct helper *h = helper_by_id(id);

	buf_printf(out, "%s%s#%d", h ? "bpf_" : "", h ? h->name : "unknown", (s32)id);
}

static void put_field(struct buf *out, char what, const struct isa_op *op, const struct insn *in,
		      u32 pc)
{
	switch (what) {
	case 'd': put_reg(out, op, in->dst, false); break;
	case 's': put_reg(out, op, in->src, false); break;
	case 'D': put_reg(out, op, in->dst, true); break;
	case 'S': put_reg(out, op, in->src, true); break;
	case 't': buf_puts(out, op->text); break;
	case 'z': put_memory_type(out, op); break;
	case 'n': buf_puts(out, (op->code & 0x18) == BPF_DW ? "64" : ""); break;
	case 'o': buf_printf(out, "%+d", in->off); break;
	case 'i': buf_s64(out, in->imm); break;
	case 'x': buf_printf(out, "0x%x", (u32)in->imm); break;
	case 'u': buf_s64(out, in->imm >> 16); break;
	case 'l': buf_u64(out, (u16)in->imm); break;
	case 'h': put_helper(out, (u32)in->imm); break;
	case 'O': put_target(out, in->off, pc); break;
	case 'I': put_target(out, in->imm, pc); break;
	}
}

/* A 64-bit immediate: a number, or what src makes of it. */
static void put_imm64(struct buf *out, const struct isa_op *op, const struct insn *in,
		      const struct insn *next, u32 pc)
{
	u64 value = (u64)(u32)next->imm << 32 | (u32)in->imm;

	put_reg(out, op, in->dst, true);
	buf_puts(out, " = ");
	buf_puts(out, op->text);
	switch (in->src) {
	case 0: buf_printf(out, "%llx", (unsigned long long)value); break;
	case BPF_PSEUDO_MAP_VALUE:
	case BPF_PSEUDO_MAP_IDX_VALUE: buf_printf(out, "%d][0]+%u", in->imm, (u32)next->imm); break;
	case BPF_PSEUDO_FUNC:
		buf_printf(out, "%+d] <%lld>", in->imm, (long long)pc + 1 + in->imm);
		break;
	default: buf_printf(out, "%d]", in->imm); break;
	}
}

int isa_dis(struct buf *out, const struct insn *in, const struct insn *next, u32 pc)
{
	const struct isa_op *op = isa_op(in);

	if (!op)
		return 0;
	if (op->form == FORM_LD_IMM64) {
		if (!next || next->code || next->dst || next->src || next->off)
			return 0;
		put_imm64(out, op, in, next, pc);
		return 2;
	}
	for (const char *p = patterns[op->form]; *p; p++)
		if (*p == '%')
			put_field(out, *++p, op, in, pc);
		else
			buf_char(out, *p);
	return 1;
}
