/* code.c: listings of programs: instructions, relocations, source places; see code.h. */
#include "isa/code.h"

#include <stdio.h>

static const char *reloc_text(const struct code_reloc *r, char *out, size_t size)
{
	if (r->data)
		snprintf(out, size, "  ; map %u data +%u", r->map, r->off);
	else
		snprintf(out, size, "  ; map %u", r->map);
	return out;
}

void code_print(struct buf *out, const struct code *code)
{
	u32 reloc = 0, line = 0;
	char text[64];

	for (u32 pc = 0; pc < code->insns.n;) {
		const struct insn *next = pc + 1 < code->insns.n ? &code->insns.v[pc + 1] : NULL;
		int slots;

		for (; line < code->lines.n && code->lines.v[line].insn <= pc; line++)
			buf_printf(out, "; %u:%u\n", code->lines.v[line].line >> 10,
				   code->lines.v[line].line & 1023);
		buf_printf(out, "%4u: ", pc);
		slots = isa_dis(out, &code->insns.v[pc], next, pc);
		if (!slots) {
			buf_puts(out, "(not an instruction)");
			slots = 1;
		}
		while (reloc < code->relocs.n && code->relocs.v[reloc].insn < pc)
			reloc++;
		if (reloc < code->relocs.n && code->relocs.v[reloc].insn == pc)
			buf_puts(out, reloc_text(&code->relocs.v[reloc], text, sizeof(text)));
		buf_char(out, '\n');
		pc += (u32)slots;
	}
}
