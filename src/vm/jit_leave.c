/*
 * jit_leave.c: what compiled code leaves to C.
 *
 * In:  a run, its registers in memory, the slot. Out: registers changed, and how it goes on.
 *
 * The compiled code has spilled r0 to r10 to `regs`, and takes r0 to r5 from there when it goes on.
 */
#include "vm/jit.h"

static u32 stop(struct vm_run *run, const u64 *regs, const struct vm_prog *prog, u32 slot, u32 kind)
{
	run->fault.kind = (u8)kind;
	run->fault.insn = slot;
	run->prog = prog;
	memcpy(run->regs, regs, sizeof(run->regs));
	return ANSWER_STOP;
}

/* ---- accesses */

/* Of a helper that was put in place, what r2 points to. */
static u32 base_of(const struct insn *in)
{
	u32 form = isa_op(in)->form;

	return form == FORM_CALL                           ? 2
	       : form == FORM_LDX || form == FORM_LOAD_ACQ ? in->src
							   : in->dst;
}

/* All of the range, which the cold piece has packed. It may be more than is really accessed, up to
 * a fault: then the interpreter goes through the accesses one by one. */
static u32 leave_access(struct vm_run *run, u64 *regs, const struct vm_prog *prog, u32 slot)
{
	u64 range = regs[JIT_DETAIL];
	u64 addr = regs[base_of(&prog->insns[slot])] + (u64)JIT_PACK_LOW(range);
	const struct vm_region *r =
		vm_region_find(run, addr, JIT_PACK_BYTES(range), JIT_PACK_WRITE(range));
	u32 *hint = &prog->jit->hints[slot];

	if (!r) {
		regs[0] = interpret_rest(run, prog, slot, regs);
		return run->fault.kind ? ANSWER_STOP : ANSWER_RETURN;
	}
	__atomic_store_n(hint, vm_region_index(run, r) * sizeof(run->fast[0]), __ATOMIC_RELAXED);
	return ANSWER_GO_ON;
}

static u32 leave_align(struct vm_run *run, u64 *regs, const struct vm_prog *prog, u32 slot)
{
	const struct insn *in = &prog->insns[slot];
	u32 base = base_of(in);

	run->fault = (struct vm_fault){.reg = (u8)base,
				       .size = (u8)jit_size(in),
				       .addr = regs[base] + (u64)(s64)in->off,
				       .why = "an atomic access must be aligned"};
	return stop(run, regs, prog, slot, VM_BAD_ACCESS);
}

/* Where those bytes are not there, the program ends. */
static u32 leave_packet(struct vm_run *run, u64 *regs, const struct vm_prog *prog, u32 slot)
{
	const struct insn *in = &prog->insns[slot];
	bool indirect = (in->code & 0xe0) == BPF_IND;
	s32 at = (s32)((indirect ? (u32)regs[in->src] : 0) + (u32)in->imm);

	regs[0] = 0;
	return vm_packet_load(run, at, jit_size(in), &regs[0]) ? ANSWER_GO_ON : ANSWER_RETURN;
}

/* ---- calls */

static u32 leave_fault(struct vm_run *run, u64 *regs, const struct vm_prog *prog, u32 slot)
{
	if (run->fault.called_back) /* the function that was called back has told */
		return ANSWER_STOP;
	return stop(run, regs, prog, slot, run->fault.kind);
}

/* The arguments have been checked. */
static u32 call(struct vm_run *run, u64 *regs, const struct vm_prog *prog, u32 slot)
{
	u64 result;

	run->frame = regs[10];
	result = vm_helper((u32)prog->insns[slot].imm)(regs[1], regs[2], regs[3], regs[4], regs[5],
						       run);
	if (run->fault.kind)
		return leave_fault(run, regs, prog, slot);
	regs[0] = result;
	return ANSWER_GO_ON;
}

static u32 leave_call(struct vm_run *run, u64 *regs, const struct vm_prog *prog, u32 slot)
{
	if (!vm_check_args(run, (u32)prog->insns[slot].imm, &regs[1]))
		return stop(run, regs, prog, slot, run->fault.kind);
	if (--run->budget < 0)
		return stop(run, regs, prog, slot, VM_OUT_OF_BUDGET);
	return call(run, regs, prog, slot);
}

/* The helper answers 0 if another program runs from now on. */
static u32 leave_tail(struct vm_run *run, u64 *regs, const struct vm_prog *prog, u32 slot)
{
	u32 answer;

	if (!run->vm->opts.trusted && !vm_check_args(run, HELPER_tail_call, &regs[1]))
		return stop(run, regs, prog, slot, run->fault.kind);
	answer = call(run, regs, prog, slot);
	return answer == ANSWER_STOP || regs[0] ? answer : ANSWER_JUMP;
}

static u32 leave_budget(struct vm_run *run, u64 *regs, const struct vm_prog *prog, u32 slot)
{
	return stop(run, regs, prog, slot, VM_OUT_OF_BUDGET);
}

static u32 leave_deep(struct vm_run *run, u64 *regs, const struct vm_prog *prog, u32 slot)
{
	return stop(run, regs, prog, slot, VM_TOO_DEEP);
}

jit_leave_fn *const jit_leaves[LEAVES] = {
	[LEAVE_ACCESS] = leave_access, [LEAVE_ALIGN] = leave_align,   [LEAVE_CALL] = leave_call,
	[LEAVE_TAIL] = leave_tail,     [LEAVE_PACKET] = leave_packet, [LEAVE_FAULT] = leave_fault,
	[LEAVE_BUDGET] = leave_budget, [LEAVE_DEEP] = leave_deep,
};
