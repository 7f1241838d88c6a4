/*
 * form.c: whether instructions are a program that the machine can run.
 *
 * In:  a program before it is decoded. Out: 0, or a message that names the instruction.
 *
 * After this every jump and call lands on an instruction, no path runs off the end, every helper
 * exists and r10 is never written: the interpreter and the compiler need not look again. What the
 * memory holds and what registers hold is not asked here; that is checked access by access.
 */
#include "vm/inside.h"

#include <errno.h>

struct form {
	const struct vm_prog *prog;
	struct diag *diag;
	const struct isa_op *op; /* of the instruction that is looked at */
	u32 at;
};

static int form_fail(const struct form *f, int err, const char *hint, const char *what)
{
	const struct object_prog *o = f->prog->object;

	return diag_fail(f->diag, err, hint, "%s%sinstruction %u: %s", o ? o->name : "",
			 o ? ": " : "", f->at, what);
}

static bool second_slot(const struct vm_prog *p, u32 at)
{
	/* The code byte of a second slot is 0, which no instruction has. */
	return at && !p->insns[at].code && p->insns[at - 1].code == (BPF_LD | BPF_IMM | BPF_DW);
}

static int form_target(const struct form *f, s64 distance)
{
	s64 to = (s64)f->at + 1 + distance;

	if (to < 0 || to >= f->prog->n)
		return form_fail(f, -EINVAL, NULL, "it jumps out of the program");
	if (second_slot(f->prog, (u32)to))
		return form_fail(f, -EINVAL, NULL, "it jumps into the middle of a ld_imm64");
	return 0;
}

static int form_helper(const struct form *f, const struct insn *in)
{
	const struct helper *h = helper_by_id((u32)in->imm);
	struct buf what = {0};
	int err = 0;

	if (vm_helper((u32)in->imm))
		return 0;
	if (h)
		buf_printf(&what, "%s has no meaning in user space", h->name);
	else
		buf_printf(&what, "there is no helper %d", in->imm);
	err = form_fail(f, h ? -EOPNOTSUPP : -EINVAL, NULL, buf_str(&what));
	buf_free(&what);
	return err;
}

static int form_ld_imm64(const struct form *f, const struct insn *in)
{
	const struct insn *next = in + 1;

	if (f->at + 1 >= f->prog->n || next->code || next->dst || next->src || next->off)
		return form_fail(f, -EINVAL, NULL, "a ld_imm64 takes two slots");
	if (in->src == BPF_PSEUDO_FUNC)
		return form_target(f, in->imm);
	if (in->src)
		return form_fail(f, -EOPNOTSUPP, NULL,
				 in->src == BPF_PSEUDO_BTF_ID
					 ? "variables of the kernel do not exist in user space"
					 : "it names a map that the program does not come with");
	return 0;
}

/* Forms that write to dst. */
static const bool writes_dst[FORMS] = {
	[FORM_ALU_K] = true, [FORM_ALU_X] = true, [FORM_MOVSX] = true,    [FORM_NEG] = true,
	[FORM_END] = true,   [FORM_LDX] = true,   [FORM_LOAD_ACQ] = true, [FORM_LD_IMM64] = true,
};

static int form_insn(const struct form *f, const struct insn *in)
{
	if (writes_dst[f->op->form] && in->dst == 10)
		return form_fail(f, -EINVAL, NULL, "r10 is the frame, it cannot be written");
	switch (f->op->form) {
	case FORM_FETCH:
		if (in->src == 10)
			return form_fail(f, -EINVAL, NULL,
					 "r10 is the frame, it cannot be written");
		return 0;
	case FORM_JA:
	case FORM_JMP_K:
	case FORM_JMP_X: return form_target(f, in->off);
	case FORM_GOTOL:
	case FORM_CALL_LOCAL: return form_target(f, in->imm);
	case FORM_LD_IMM64: return form_ld_imm64(f, in);
	case FORM_CALL: return form_helper(f, in);
	case FORM_CALL_KFUNC:
		return form_fail(f, -EOPNOTSUPP, NULL,
				 "functions of the kernel do not exist in user space");
	case FORM_ADDR_CAST:
		return form_fail(f, -EOPNOTSUPP, NULL, "there are no arenas in user space");
	}
	return 0;
}

int vm_check_form(const struct vm_prog *p, struct diag *diag)
{
	struct form f = {.prog = p, .diag = diag};
	int err = 0;

	if (!p->n)
		return diag_fail(diag, -EINVAL, NULL, "a program has at least one instruction");
	for (f.at = 0; f.at < p->n && !err; f.at++) {
		f.op = isa_op(&p->insns[f.at]);
		if (!f.op)
			return form_fail(&f, -EINVAL, NULL, "there is no such instruction");
		p->ops[f.at] = (u8)isa_id(f.op);
		err = form_insn(&f, &p->insns[f.at]);
		f.at += f.op->form == FORM_LD_IMM64;
	}
	if (err)
		return err;
	f.at--;
	if (f.op->form != FORM_EXIT && f.op->form != FORM_GOTOL && isa_id(f.op) != ISA_ja)
		return form_fail(&f, -EINVAL, "end it with exit", "the program runs off its end");
	return 0;
}
