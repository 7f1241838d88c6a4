/*
 * ops.c: the table of operations, and which row an instruction is.
 *
 * In: one instruction slot. Out: its row in isa_ops[], or NULL.
 *
 * The code byte picks the first row through first[]; rows that share a code stand one behind the
 * other and are told apart by off, imm and src. As in the kernel, fields that an operation does
 * not use must be zero.
 */
#include "isa/isa.h"

#define REGS 11 /* r0 to r10 */

/* The row ISA_NONE has code 0 (which is no instruction) and form FORM_NONE. */
const struct isa_op isa_ops[ISA_OPS] = {
#define OP(id, name, code, off, imm, src, form, text, since) \
	[ISA_##id] = {name, text, code, form, src, off, imm, since},
#include "isa/ops.def"
};

_Static_assert(ISA_OPS <= 256, "first[] holds bytes");
static const u8 first[256] = {
#define OP(id, name, code, off, imm, src, form, text, since) [code] = ISA_##id,
#define ALSO(id, name, code, off, imm, src, form, text, since)
#include "isa/ops.def"
};

/* Does dst name a register in this form? Else it must be zero. */
static const bool uses_dst[FORMS] = {
	[FORM_ALU_K] = true,    [FORM_ALU_X] = true,     [FORM_MOVSX] = true,
	[FORM_NEG] = true,      [FORM_END] = true,       [FORM_ADDR_CAST] = true,
	[FORM_LDX] = true,      [FORM_ST] = true,        [FORM_STX] = true,
	[FORM_ATOMIC] = true,   [FORM_FETCH] = true,     [FORM_CMPXCHG] = true,
	[FORM_LOAD_ACQ] = true, [FORM_STORE_REL] = true, [FORM_LD_IMM64] = true,
	[FORM_JMP_K] = true,    [FORM_JMP_X] = true,
};

/* Without jumps between the questions: which of them fails first is hard to foretell. */
static bool matches(const struct isa_op *op, const struct insn *in)
{
	bool off = (op->off == ISA_ANY) | (op->off == in->off);
	bool imm = (op->imm == ISA_ANY) | (op->imm == in->imm);
	bool src = op->src == ISA_ANY ? in->src < REGS : (u32)op->src == in->src;
	bool dst = uses_dst[op->form] ? in->dst < REGS : !in->dst;

	return off & imm & src & dst;
}

const struct isa_op *isa_op(const struct insn *in)
{
	u32 id = first[in->code];

	if (!id)
		return NULL;
	for (; id < ISA_OPS && isa_ops[id].code == in->code; id++)
		if (matches(&isa_ops[id], in))
			return &isa_ops[id];
	return NULL;
}
