/*
 * direct.c: programs that are functions of C.
 *
 * In:  a machine whose programs somebody has verified. Out: the address of the machine code.
 *
 * What is compiled without checks, calls no helper, and has nothing on the stack, touches neither
 * its run nor the registers that jit_run() sets up: r1 is the first argument, r0 the result, and it
 * keeps what C wants kept.
 */
#include "vm/jit.h"

static bool needs_run(const struct vm_prog *prog)
{
	for (u32 i = 0; i < prog->n; i++) {
		const struct insn *in = &prog->insns[i];
		const struct isa_op *op = isa_op(in);

		if (in->dst == 10 || in->src == 10 || !op)
			return true;
		if (op->form == FORM_CALL || (in->code & 7) == BPF_LD)
			return true;
	}
	return false;
}

vm_direct_fn *vm_direct(const struct vm *vm, u32 number)
{
	const struct vm_prog *prog = &vm->progs[number];
	vm_direct_fn *fn = NULL;

#if defined(__x86_64__)
	if (vm->opts.trusted && prog->entry && prog->jit->n == 1 && !needs_run(prog))
		memcpy(&fn, &prog->entry, sizeof(fn));
#else
	(void)needs_run;
	(void)prog;
#endif
	return fn;
}
