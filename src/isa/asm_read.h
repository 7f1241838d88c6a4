/*
 * asm_read.h: what the assembler's files share: the text of an instruction as it is being read, and
 * the mistake that came furthest.
 *
 * All that take something return false when it is not there; then they have noted what was wanted.
 */
#ifndef ISA_ASM_READ_H
#define ISA_ASM_READ_H

#include "isa/asm.h"

#define ASM_WANTS 5

struct asm_reader {
	const char *text;
	u32 size, at;
	const struct isa_op *op;
	struct asm_line line;
	bool has_dst, has_src;
	/* what came furthest */
	u32 best;
	bool wrong; /* a mistake was found there; else one of wants was missing */
	char wants[ASM_WANTS][32];
	u32 nwants;
	struct asm_wrong *out;
};

bool asm_is_digit(char);
bool asm_is_word(char);                   /* of a name */
char asm_peek(const struct asm_reader *); /* 0 at the end */
void asm_skip(struct asm_reader *);       /* blanks */
u32 asm_word_length(const struct asm_reader *);

/* Something else was expected here. Return false. */
bool asm_miss(struct asm_reader *, const char *what, u32 len, bool quoted);
bool asm_want(struct asm_reader *, const char *what);
/* What was read from `from` to here is of the right kind, but cannot be. Returns false. */
bool asm_wrong(struct asm_reader *, u32 from, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

bool asm_take(struct asm_reader *, const char *);
struct asm_number {
	u64 value; /* with its sign */
	bool negative, hex;
	u32 from;
};
/* A number with an optional sign; blanks may stand behind the sign. */
bool asm_take_number(struct asm_reader *, struct asm_number *);
/* The same, of a field that holds least to most. */
bool asm_take_in(struct asm_reader *, s64 least, s64 most, const char *hint, s64 *out);

#endif
