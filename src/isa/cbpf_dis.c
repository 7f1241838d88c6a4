/*
 * cbpf_dis.c: classic BPF as text, in the form of tcpdump -d.
 *
 * In:  instructions, checked or not. Out: a line each.
 */
#include "isa/cbpf.h"

#include <stdio.h>

/* The row's operand with its number; extensions by name. */
static void put_operand(char *out, size_t size, const struct cbpf_op *op,
			const struct cbpf_insn *in)
{
	const struct cbpf_ancillary *a = cbpf_ancillary(in);
	const char *number = strchr(op->operand, '%');

	if (a)
		snprintf(out, size, "[%s]", a->name);
	else if (!number)
		snprintf(out, size, "%s", op->operand);
	else
		snprintf(out, size, number[1] == 'x' ? "%.*s%x%s" : "%.*s%d%s",
			 (int)(number - op->operand), op->operand, in->k, number + 2);
}

void cbpf_dis(struct buf *out, const struct cbpf_insn *in, u32 pc)
{
	const struct cbpf_op *op = cbpf_op(in);
	char operand[40];

	if (!op) {
		buf_printf(out, "unimp    0x%x", in->code);
		return;
	}
	if (op->way == CBPF_JUMP)
		snprintf(operand, sizeof(operand), "%u", pc + 1 + in->k);
	else
		put_operand(operand, sizeof(operand), op, in);
	if (op->way == CBPF_BRANCH)
		buf_printf(out, "%-8s %-16s jt %u\tjf %u", op->name, operand, pc + 1 + in->jt,
			   pc + 1 + in->jf);
	else if (*operand)
		buf_printf(out, "%-8s %s", op->name, operand);
	else
		buf_puts(out, op->name);
}

void cbpf_listing(struct buf *out, const struct cbpf_insn *in, u32 n)
{
	for (u32 pc = 0; pc < n; pc++) {
		buf_printf(out, "(%03u) ", pc);
		cbpf_dis(out, &in[pc], pc);
		buf_char(out, '\n');
	}
}
