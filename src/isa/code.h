/* code.h: the instructions of one program, with what the loader must fill in. */
#ifndef ISA_CODE_H
#define ISA_CODE_H

#include "isa/isa.h"

/* A ld_imm64 that names a map (PSEUDO_MAP_FD) or an address in its data (PSEUDO_MAP_VALUE). The
 * loader sets src and both imm of the instruction; what they hold before means nothing. */
struct code_reloc {
	u32 insn;
	u32 map;   /* index in the object's maps */
	u32 off;   /* data: offset, else 0 */
	bool data;
};
struct code_line { /* from this instruction on */
	u32 insn;
	u32 line; /* line << 10 | column */
};
struct code {
	vec(struct insn) insns;
	vec(struct code_reloc) relocs;
	vec(struct code_line) lines;
	u32 stack; /* bytes */
};

/* Appends a listing with relocations, and source lines where `lines` are known. */
void code_print(struct buf *, const struct code *);

#endif
