/*
 * jit_jump.c: jumps, calls, the end of a function, and the ways out to C.
 *
 * In:  an instruction. Out: machine code for it.
 *
 * Where the program was not verified, jumps backwards and calls count instructions (in a register,
 * which goes to memory wherever C may look), calls look how deep they are, and helpers are called
 * by C, which checks their arguments. Otherwise a helper is called as any function of C: its
 * arguments are where the calling convention wants them.
 */
#include "vm/jit.h"

/* ---- ways out */

u32 jit_leave_label(struct jit *j, enum jit_leave kind)
{
	if (!j->leave[kind])
		j->leave[kind] = emit_label(&j->e) + 1;
	return j->leave[kind] - 1;
}

void jit_leave(struct jit *j, enum jit_leave kind, u32 slot)
{
	x_mov_imm(&j->e, SCRATCH0, slot);
	x_call(&j->e, jit_leave_label(j, kind));
}

void jit_cold(struct jit *j, enum x_cond cond, struct jit_cold c)
{
	c.label = emit_label(&j->e);
	vec_push(j->arena, &j->cold, c);
	x_jump(&j->e, cond, c.label);
}

void jit_leave_if(struct jit *j, enum x_cond cond, enum jit_leave kind)
{
	u32 back = emit_label(&j->e);

	jit_cold(j, cond, (struct jit_cold){.slot = j->at, .back = back, .leave = (u8)kind});
	emit_place(&j->e, back);
}

static void leave_cold(struct jit *j, const struct jit_cold *c)
{
	jit_leave(j, c->leave, c->slot);
}

void jit_cold_pieces(struct jit *j)
{
	static void (*const kinds[])(struct jit *, const struct jit_cold *) = {
		[COLD_LEAVE] = leave_cold,
		[COLD_DIVIDE] = jit_divide_cold,
		[COLD_ACCESS] = jit_access_cold,
	};

	vec_each (c, &j->cold) {
		emit_room(&j->e, JIT_ROOM);
		emit_place(&j->e, c->label);
		kinds[c->kind](j, c);
		if (c->kind != COLD_ACCESS)
			x_jump(&j->e, X_ALWAYS, c->back);
	}
}

/* ---- jumps */

static const u8 conditions[16] = {
	[BPF_JEQ >> 4] = X_E,   [BPF_JNE >> 4] = X_NE,  [BPF_JGT >> 4] = X_A,
	[BPF_JGE >> 4] = X_AE,  [BPF_JLT >> 4] = X_B,   [BPF_JLE >> 4] = X_BE,
	[BPF_JSGT >> 4] = X_G,  [BPF_JSGE >> 4] = X_GE, [BPF_JSLT >> 4] = X_L,
	[BPF_JSLE >> 4] = X_LE, [BPF_JSET >> 4] = X_NE,
};

enum x_cond jit_condition(const struct insn *in)
{
	return conditions[in->code >> 4];
}

static bool is_wide(const struct insn *in)
{
	return (in->code & 7) == BPF_JMP;
}

void jit_budget_put(struct jit *j)
{
	if (j->checked)
		x_store(&j->e, 8, RUN_FIELD(budget), BUDGET);
}

void jit_budget_get(struct jit *j)
{
	if (j->checked)
		x_load(&j->e, 8, BUDGET, RUN_FIELD(budget));
}

/* A jump backwards takes from the budget what lies between. */
void jit_jump_to(struct jit *j, enum x_cond cond, s32 distance)
{
	u32 to = j->at + 1 + (u32)distance, over;

	if (!j->checked || distance >= 0) {
		x_jump(&j->e, cond, to);
		return;
	}
	over = emit_label(&j->e);
	if (cond != X_ALWAYS)
		x_jump(&j->e, cond ^ 1, over);
	x_alu_imm(&j->e, true, X_SUB, BUDGET, -distance);
	x_jump(&j->e, X_NS, to);
	jit_leave(j, LEAVE_BUDGET, j->at);
	emit_place(&j->e, over);
}

/* Goes on while run->loops has some left. */
static void may_goto(struct jit *j, const struct insn *in)
{
	u32 on = emit_label(&j->e);

	x_alu_store_imm(&j->e, 4, X_SUB, RUN_FIELD(loops), 1);
	x_jump(&j->e, X_AE, on);
	x_store_imm(&j->e, 4, RUN_FIELD(loops), 0);
	jit_jump_to(j, X_ALWAYS, in->off);
	emit_place(&j->e, on);
}

void jit_ja(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	s32 distance = op->form == FORM_GOTOL ? in->imm : in->off;

	if (isa_id(op) == ISA_may_goto)
		may_goto(j, in);
	else if (distance)
		jit_jump_to(j, X_ALWAYS, distance);
}

static void compare_imm(struct jit *j, const struct insn *in)
{
	u32 dst = REG(in->dst);
	bool wide = is_wide(in);

	if ((in->code & 0xf0) == BPF_JSET)
		x_test_imm(&j->e, wide, dst, in->imm);
	else if (!in->imm)
		x_test(&j->e, wide, dst, dst);
	else
		x_alu_imm(&j->e, wide, X_CMP, dst, in->imm);
}

static void compare_reg(struct jit *j, const struct insn *in, u32 src)
{
	if ((in->code & 0xf0) == BPF_JSET)
		x_test(&j->e, is_wide(in), REG(in->dst), src);
	else
		x_alu(&j->e, is_wide(in), X_CMP, REG(in->dst), src);
}

void jit_jmp_k(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	(void)op;
	if (j->blind) {
		jit_budget_put(j);
		jit_constant(j, SCRATCH2, (u64)(s64)in->imm);
		compare_reg(j, in, SCRATCH2);
		jit_budget_get(j);
	} else {
		compare_imm(j, in);
	}
	jit_jump_to(j, jit_condition(in), in->off);
}

void jit_jmp_x(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	(void)op;
	compare_reg(j, in, REG(in->src));
	jit_jump_to(j, jit_condition(in), in->off);
}

/* ---- calls */

static const struct jit_function *function_at(const struct jit *j, u32 slot)
{
	u32 low = 0, high = j->functions.n;

	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (j->functions.v[middle].start <= slot)
			low = middle;
		else
			high = middle;
	}
	return &j->functions.v[low];
}

void jit_call_local(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	(void)op;
	if (j->checked) {
		x_lea(&j->e, true, SCRATCH0, X_AT(RBP, -VM_FRAME_BYTES));
		x_alu_load(&j->e, true, X_CMP, SCRATCH0, RUN_FIELD(stack));
		jit_leave_if(j, X_BE, LEAVE_DEEP);
		jit_count_call(j);
	}
	x_call(&j->e, function_at(j, j->at + 1 + (u32)in->imm)->label);
	if (j->tail_calls) { /* another program may have run instead of the function */
		x_mov_imm(&j->e, SCRATCH0, (u64)(uintptr_t)j->prog);
		x_store(&j->e, 8, RUN_FIELD(prog), SCRATCH0);
	}
}

/* What C has answered is in SCRATCH1. */
void jit_if_answer(struct jit *j, enum jit_answer answer, void (*then)(struct jit *))
{
	u32 other = emit_label(&j->e);

	x_alu_imm(&j->e, false, X_CMP, SCRATCH1, answer);
	x_jump(&j->e, X_NE, other);
	then(j);
	emit_place(&j->e, other);
}

static void jump_to_program(struct jit *j)
{
	jit_restore(j);
	x_load(&j->e, 8, SCRATCH0, RUN_FIELD(prog));
	x_jump_mem(&j->e, X_AT(SCRATCH0, offsetof(struct vm_prog, entry)));
}

void jit_count_call(struct jit *j)
{
	if (!j->checked)
		return;
	x_alu_imm(&j->e, true, X_SUB, BUDGET, 1);
	jit_leave_if(j, X_S, LEAVE_BUDGET);
}

/* Where a fault may show them, r1 to r5 are kept. */
static void call_helper(struct jit *j, u64 helper)
{
	jit_count_call(j);
	if (j->calls_back)
		x_store(&j->e, 8, RUN_FIELD(frame), RBP);
	if (j->checked) {
		if (!j->keep)
			j->keep = emit_label(&j->e) + 1;
		x_mov_imm(&j->e, SCRATCH0, helper);
		x_call(&j->e, j->keep - 1);
	} else {
		x_mov(&j->e, true, R9, RUN);
		x_call_far(&j->e, helper);
	}
	x_alu_store_imm(&j->e, 1, X_CMP, RUN_FIELD(fault.kind), 0);
	jit_leave_if(j, X_NE, LEAVE_FAULT);
}

static void tail_call(struct jit *j)
{
	jit_leave(j, LEAVE_TAIL, j->at);
	jit_if_answer(j, ANSWER_JUMP, jump_to_program);
}

void jit_call(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	u32 helper = (u32)in->imm;

	(void)op;
	if (helper == HELPER_tail_call)
		tail_call(j);
	else if (jit_inline(j, helper))
		return;
	else if (j->checked && vm_args_matter(helper) && !jit_knows_args(j, helper))
		jit_leave(j, LEAVE_CALL, j->at);
	else
		call_helper(j, (u64)(uintptr_t)vm_helper(helper));
}

void jit_ld_packet(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	(void)op, (void)in;
	jit_leave(j, LEAVE_PACKET, j->at);
	jit_if_answer(j, ANSWER_RETURN, jit_return);
}

void jit_exit(struct jit *j, const struct isa_op *op, const struct insn *in)
{
	(void)op, (void)in;
	jit_return(j);
}
