/*
 * asm_text.h: what the two files of the assembler of objects share: a text that is read line by
 * line, the object that it becomes.
 *
 *   asm.c            lines, labels, instructions, programs put together
 *   asm_directive.c  `.program`, `.map` and the other directives
 */
#ifndef OBJECT_ASM_TEXT_H
#define OBJECT_ASM_TEXT_H

#include "base/dict.h"
#include "isa/asm.h"
#include "object/asm.h"

struct asm_text {
	struct object *o;
	struct diag *d;
	struct arena arena; /* while reading */
	jmp_buf escape;
	const char *p, *end; /* of the line, without its comment */
	const char *line_at;
	u32 line;
	struct dict maps; /* name -> index + 1 */

	/* the program that is being read; -1: none yet */
	s64 prog;
	struct loc prog_at;
	struct dict labels; /* of it: name -> struct asm_label */
	vec(struct asm_ref {
		u32 insn;
		struct asm_line line;
		const char *name; /* NULL: a distance alone */
		struct loc at;
	}) refs;

	s64 data; /* map that `.bytes` fills; -1: none */
	u32 data_used;
};
struct asm_label {
	u32 insn;
	struct loc at;
};

struct loc asm_loc(const struct asm_text *, const char *from, const char *to);
void asm_blanks(struct asm_text *);
/* The next word or "quoted text", copied; NULL: the line has ended. `at` may be NULL. */
const char *asm_word(struct asm_text *, struct loc *at);
/* A name for the kernel and ELF. 0 or -EINVAL with a message that says what is missing. */
int asm_name(struct asm_text *, const char *what, const char **out);
int asm_number(struct asm_text *, const char *what, u64 most, u64 *out);
int asm_end(struct asm_text *); /* nothing may follow */

/* asm.c: the program that is being read is complete, the next begins. */
int asm_prog_end(struct asm_text *);
int asm_prog_begin(struct asm_text *, const char *name, const char *section, u32 kind,
		   struct loc at);
/* The text is behind the dot. */
int asm_directive(struct asm_text *, struct loc at);

#endif
