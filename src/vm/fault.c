/*
 * fault.c: why a program stopped, as a sentence.
 */
#include "vm/inside.h"

static void put_insn(struct buf *out, const struct vm_prog *p, u32 at)
{
	const struct insn *in = &p->insns[at];

	buf_printf(out, "instruction %u: ", at);
	isa_dis(out, in, at + 1 < p->n ? in + 1 : NULL, at);
}

static void put_line(struct buf *out, const struct vm_prog *p, u32 at)
{
	u32 line = 0;

	if (!p->object)
		return;
	vec_each (l, &p->object->code.lines)
		if (l->insn <= at)
			line = l->line;
	if (line)
		buf_printf(out, " (line %u, column %u)", line >> 10, line & 1023);
}

void vm_fault_print(struct buf *out, const struct vm_run *run)
{
	static const char *const texts[] = {
		[VM_OK] = "nothing",
		[VM_BAD_ACCESS] = "memory that is not the program's",
		[VM_BAD_ARGUMENT] = "a helper cannot take this",
		[VM_BAD_CALL] = "there is nothing to call",
		[VM_TOO_DEEP] = "more than 8 functions have called each other",
		[VM_OUT_OF_BUDGET] = "the program has run for too long",
		[VM_NOT_AN_INSN] = "there is no such instruction",
	};
	const struct vm_fault *f = &run->fault;

	if (run->prog && f->insn < run->prog->n) {
		put_insn(out, run->prog, f->insn);
		put_line(out, run->prog, f->insn);
		buf_puts(out, ": ");
	}
	buf_puts(out, f->why ? f->why : texts[f->kind]);
	if (f->kind == VM_BAD_ACCESS)
		buf_printf(out, ": %u bytes at 0x%llx", f->size, (unsigned long long)f->addr);
}
