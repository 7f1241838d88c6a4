/*
 * asm_text.h: what the files of the assembler of objects share: a text that is read line by line,
 * the object that it becomes.
 *
 *   asm.c            lines, labels, instructions, programs put together
 *   asm_directive.c  `.program`, `.map` and the other directives
 *   asm_names.c      what depends on the machine: `.extern`, `.names`, `.core`; `.func`, `.slot`
 *   asm_types.c      `.type` and its rows, both ways
 *   asm_whole.c      once the text has ended: the object as a file, read again
 *   listing.c        the way back
 */
#ifndef OBJECT_ASM_TEXT_H
#define OBJECT_ASM_TEXT_H

#include "base/dict.h"
#include "btf/btf.h"
#include "isa/asm.h"
#include "object/asm.h"

#define ASM_DATA_MOST (1u << 28) /* of a section */

struct asm_text {
	struct object *o;
	struct diag *d;
	struct arena arena; /* while reading */
	jmp_buf escape, own_escape;
	const char *p, *end; /* of the line, without its comment */
	const char *line_at;
	u32 line;
	struct dict maps; /* name -> index + 1 */

	/* the program that is being read; -1: none yet */
	s64 prog;
	struct loc prog_at;
	struct dict labels; /* of it: name -> struct asm_label */
	bool own_lines; /* `.line` says where its instructions come from */
	vec(struct asm_ref {
		u32 insn;
		struct asm_line line;
		const char *name; /* NULL: a distance alone */
		struct loc at;
	}) refs;

	s64 data; /* map that `.bytes` fills; -1: none */
	u32 data_used;
	bool in_contents; /* `.bytes` fills these */
	vec(u8) contents; /* of `.waggle` */
	vec(struct asm_slot {
		u32 map;
		u32 index;
		const char *name;
		struct loc at;
	}) slots; /* of the maps, whose contents may come later */

	struct dict externs; /* index + 1 */
	u32 names; /* the extern that the next instruction names, + 1 */
	struct loc names_at, core_at;
	struct btf_builder types;
	vec(u32) type; /* words of the one that is being read */
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

/* asm_names.c */
extern const char *const asm_extern_kinds[], *const asm_core_kinds[];
int asm_extern(struct asm_text *, struct loc at);
int asm_names(struct asm_text *, struct loc at);
int asm_core(struct asm_text *, struct loc at);
int asm_func(struct asm_text *, struct loc at);
int asm_slot(struct asm_text *, struct loc at);
int asm_line(struct asm_text *, struct loc at);
/* The instruction that was named is this one. */
int asm_use_extern(struct asm_text *, const struct insn *);
/* The program has ended: nothing waits for an instruction. */
int asm_names_end(struct asm_text *);

/* asm_types.c */
int asm_type(struct asm_text *, struct loc at);
int asm_type_row(struct asm_text *, const char *directive, struct loc at);
void asm_type_end(struct asm_text *);
void asm_put_types(struct buf *, const struct object *, struct btf *);

/* asm_whole.c: the object of the text as it is when it comes from a file; t->o may become another. */
int asm_whole(struct asm_text *);

/* listing.c: as asm_word() reads it. */
void asm_put_quoted(struct buf *, const char *);

#endif
