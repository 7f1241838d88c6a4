/*
 * decode.c: instructions as steps for the interpreter.
 *
 * In:  a program whose form was checked. Out: prog->threaded, an array of struct step with one for
 *      each slot (the second slot of a ld_imm64 is never reached).
 */
#include "vm/step.h"

#include <errno.h>
#include <stdlib.h>

static s32 jump_distance(const struct isa_op *op, const struct insn *in)
{
	return op->form == FORM_GOTOL || op->form == FORM_CALL_LOCAL ? in->imm : in->off;
}

/* Accesses of the own frame by r10 and a constant can be seen to be good. */
static bool in_frame(const struct isa_op *op, const struct insn *in)
{
	static const u8 bytes[4] = {
		[BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1, [BPF_DW >> 3] = 8};
	u32 base = op->form == FORM_LDX ? in->src : in->dst;

	return base == 10 && vm_in_frame(in->off, in->off + bytes[in->code >> 3 & 3]);
}

/* A jump to itself or to what was before counts as one. */
static enum step_variant variant_of(const struct vm_prog *prog, const struct isa_op *op,
				    const struct insn *in)
{
	switch (op->form) {
	case FORM_JA:
	case FORM_GOTOL:
	case FORM_JMP_K:
	case FORM_JMP_X: return jump_distance(op, in) < 0 ? STEP_BACKWARD : STEP_PLAIN;
	case FORM_LDX:
	case FORM_ST:
	case FORM_STX:
		return prog->vm->opts.trusted || in_frame(op, in) ? STEP_UNCHECKED : STEP_PLAIN;
	case FORM_CALL:
		if (in->imm == HELPER_tail_call)
			return STEP_TAIL_CALL;
		return !prog->vm->opts.trusted && vm_args_matter((u32)in->imm) ? STEP_CHECKED
									       : STEP_PLAIN;
	default: return STEP_PLAIN;
	}
}

const void *decode_code(const struct vm_prog *prog, u32 at)
{
	const struct insn *in = &prog->insns[at];
	const struct isa_op *op = &isa_ops[prog->ops[at]];

	return interpret_code(isa_id(op), variant_of(prog, op, in));
}

static void decode(const struct vm_prog *prog, struct step *steps, u32 at)
{
	const struct insn *in = &prog->insns[at];
	const struct isa_op *op = &isa_ops[prog->ops[at]];
	struct step *s = &steps[at];

	*s = (struct step){.dst = in->dst, .src = in->src, .imm = in->imm};
	switch (op->form) {
	case FORM_JA:
	case FORM_GOTOL:
	case FORM_JMP_K:
	case FORM_JMP_X:
	case FORM_CALL_LOCAL: s->to = s + 1 + jump_distance(op, in); break;
	case FORM_CALL: s->helper = vm_helper((u32)in->imm); break;
	case FORM_LD_IMM64:
		s->wide = (u64)(u32)in[1].imm << 32 | (u32)in->imm;
		if (in->src == BPF_PSEUDO_FUNC)
			s->wide = VM_CALLBACK(at + 1 + (u32)in->imm);
		break;
	default: s->off = in->off;
	}
	s->go = prog->vm->opts.stepped ? interpret_code(ISA_NONE, STEP_PLAIN)
				       : interpret_code(isa_id(op), variant_of(prog, op, in));
}

/* Two instructions as one step: a copy and what is done to it; an addition and the jump back that
 * ends a loop. The second keeps a step of its own, for those who jump there. */
static void fuse(const struct vm_prog *prog, struct step *s, u32 at)
{
	const struct insn *a = &prog->insns[at], *b = a + 1;
	u32 class = a->code & 7, what = prog->ops[at];
	const struct isa_op *second = at + 1 < prog->n ? &isa_ops[prog->ops[at + 1]] : NULL;
	const void *go = NULL;

	if (!second || !prog->ops[at + 1])
		return;
	if ((what == ISA_mov64_x || what == ISA_mov32_x) && (b->code & 7) == class &&
	    b->dst == a->dst &&
	    (second->form == FORM_ALU_K || (second->form == FORM_ALU_X && b->src != b->dst)))
		go = interpret_code(isa_id(second), STEP_FUSED);
	if ((what == ISA_add64_k || what == ISA_add32_k) && b->off < 0 &&
	    (b->code & 7) == (class == BPF_ALU64 ? BPF_JMP : BPF_JMP32))
		go = interpret_code(isa_id(second), STEP_FUSED);
	if (go)
		s[at].go = go;
}

int interpret_prepare(struct vm_prog *prog, struct diag *diag)
{
	struct step *steps = calloc(prog->n, sizeof(*steps));

	if (!steps)
		return diag_fail(diag, -ENOMEM, NULL, "out of memory");
	for (u32 at = 0; at < prog->n; at++) {
		decode(prog, steps, at);
		at += prog->insns[at].code == (BPF_LD | BPF_IMM | BPF_DW);
	}
	for (u32 at = 0; at < prog->n && !prog->vm->opts.stepped; at++)
		fuse(prog, steps, at);
	prog->threaded = steps;
	return 0;
}

void interpret_free(struct vm_prog *prog)
{
	free(prog->threaded);
	prog->threaded = NULL;
}
