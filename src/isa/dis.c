/*
 * dis.c: one instruction as text, in the words of the kernel verifier's log.
 *
 * In: an instruction (and the slot behind it). Out: text appended to a buffer.
 *
 * Each form has a pattern, which the assembler reads too. Its %letters are told in form.h.
 */
#include "isa/form.h"

const char *const isa_forms[FORMS] = {
	[FORM_ALU_K] = "%d %t %i",
	[FORM_ALU_X] = "%d %t %s",
	[FORM_MOVSX] = "%d = (%t)%s",
	[FORM_NEG] = "%d = -%d",
	[FORM_END] = "%D = %t %D",
	[FORM_ADDR_CAST] = "%D = addr_space_cast(%S, %u, %l)",
	[FORM_LDX] = "%D = *(%z *)(%b %o)",
	[FORM_ST] = "*(%z *)(%a %o) = %i",
	[FORM_STX] = "*(%z *)(%a %o) = %S",
	[FORM_ATOMIC] = "lock *(%z *)(%a %o) %t %S",
	[FORM_FETCH] = "%S = atomic%n_%t((%z *)(%a %o), %S)",
	[FORM_CMPXCHG] = "r0 = atomic%n_%t((%z *)(%a %o), r0, %S)",
	[FORM_LOAD_ACQ] = "%D = %t((%z *)(%b %o))",
	[FORM_STORE_REL] = "%t((%z *)(%a %o), %S)",
	[FORM_LD_ABS] = "r0 = *(%z *)skb[%i]",
	[FORM_LD_IND] = "r0 = *(%z *)skb[%S + %i]",
	[FORM_LD_IMM64] = "%D = %v",
	[FORM_JA] = "%t %O",
	[FORM_GOTOL] = "%t %I",
	[FORM_JMP_K] = "if %d %t %x goto %O",
	[FORM_JMP_X] = "if %d %t %s goto %O",
	[FORM_CALL] = "call %h",
	[FORM_CALL_LOCAL] = "call %I",
	[FORM_CALL_KFUNC] = "call kernel-function#%k",
	[FORM_EXIT] = "exit",
};

bool isa_is_narrow(const struct isa_op *op)
{
	u32 class = op->code & 7;

	return class == BPF_ALU || class == BPF_JMP32;
}

const char *isa_memory_type(const struct isa_op *op)
{
	static const char *const types[2][4] = {{"u32", "u16", "u8", "u64"},
						{"s32", "s16", "s8", "s64"}};

	return types[(op->code & 0xe0) == BPF_MEMSX][op->code >> 3 & 3];
}

bool isa_has_offset(const struct isa_op *op)
{
	return op->src == BPF_PSEUDO_MAP_VALUE || op->src == BPF_PSEUDO_MAP_IDX_VALUE;
}

static void put_reg(struct buf *out, bool narrow, u32 reg)
{
	buf_char(out, narrow ? 'w' : 'r');
	buf_u64(out, reg);
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
	case 'd': put_reg(out, isa_is_narrow(op), in->dst); break;
	case 's': put_reg(out, isa_is_narrow(op), in->src); break;
	case 'D':
	case 'a': put_reg(out, false, in->dst); break;
	case 'S':
	case 'b': put_reg(out, false, in->src); break;
	case 't': buf_puts(out, op->text); break;
	case 'z': buf_puts(out, isa_memory_type(op)); break;
	case 'n': buf_puts(out, (op->code & 0x18) == BPF_DW ? "64" : ""); break;
	case 'o': buf_printf(out, "%+d", in->off); break;
	case 'i': buf_s64(out, in->imm); break;
	case 'x': buf_printf(out, "0x%x", (u32)in->imm); break;
	case 'u': buf_s64(out, in->imm >> 16); break;
	case 'l': buf_u64(out, (u16)in->imm); break;
	case 'h': put_helper(out, (u32)in->imm); break;
	case 'k': buf_printf(out, in->off ? "%d@%d" : "%d", in->imm, in->off); break;
	case 'O': put_target(out, in->off, pc); break;
	case 'I': put_target(out, in->imm, pc); break;
	}
}

/* A 64-bit immediate: a number, or what src makes of it. The second half of what has none is
 * written where it is not 0. */
static void put_imm64(struct buf *out, const struct isa_op *op, const struct insn *in,
		      const struct insn *next, u32 pc)
{
	u64 value = (u64)(u32)next->imm << 32 | (u32)in->imm;

	buf_puts(out, op->text);
	if (!in->src) {
		buf_printf(out, "%llx", (unsigned long long)value);
		return;
	}
	buf_printf(out, in->src == BPF_PSEUDO_FUNC ? "%+d]" : "%d]", in->imm);
	if (in->src == BPF_PSEUDO_FUNC)
		buf_printf(out, " <%lld>", (long long)pc + 1 + in->imm);
	if (isa_has_offset(op))
		buf_printf(out, "[0]+%u", (u32)next->imm);
	else if (next->imm)
		buf_printf(out, "+%u", (u32)next->imm);
}

static void put_form(struct buf *out, const struct isa_op *op, const struct insn *in,
		     const struct insn *next, u32 pc)
{
	for (const char *p = isa_forms[op->form]; *p; p++)
		if (*p != '%')
			buf_char(out, *p);
		else if (*++p == 'v')
			put_imm64(out, op, in, next, pc);
		else
			put_field(out, *p, op, in, pc);
}

int isa_dis(struct buf *out, const struct insn *in, const struct insn *next, u32 pc)
{
	const struct isa_op *op = isa_op(in);
	bool two = op && op->form == FORM_LD_IMM64;

	if (!op || (two && (!next || next->code || next->dst || next->src || next->off)))
		return 0;
	put_form(out, op, in, next, pc);
	return two ? 2 : 1;
}
