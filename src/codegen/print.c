/* print.c: a listing of generated code, for -d insns. */
#include "codegen/codegen.h"

void code_print(struct buf *out, const struct code *code)
{
	const struct code_reloc *reloc = code->relocs.v;
	const struct code_line *line = code->lines.v;

	for (u32 n = 0, slots; n < code->insns.n; n += slots ? slots : 1) {
		const struct insn *i = &code->insns.v[n];

		if (line < code->lines.v + code->lines.n && line->insn == n) {
			buf_printf(out, "; %u:%u\n", line->line >> 10, line->line & 1023);
			line++;
		}
		buf_printf(out, "%4u: ", n);
		slots = isa_dis(out, i, n + 1 < code->insns.n ? i + 1 : NULL, n);
		if (!slots)
			buf_printf(out, "(%02x) dst %u src %u off %d imm %d", i->code, i->dst,
				   i->src, i->off, i->imm);
		if (reloc < code->relocs.v + code->relocs.n && reloc->insn == n) {
			buf_printf(out, " ; %s %u", reloc->data ? "data of map" : "map", reloc->map);
			if (reloc->data)
				buf_printf(out, " +%u", reloc->off);
			reloc++;
		}
		buf_puts(out, "\n");
	}
}
