/*
 * codegen.h: IR to BPF instructions.
 *
 * Passes, each in a file of its own: select (immediates, offsets, fused compare and branch),
 * live (sparse liveness), spill (Belady; constants and addresses are made again, never stored),
 * assign (values live over calls in r6-r9, arguments hinted to r1-r5), emit (parallel moves,
 * block layout, jump threading).
 */
#ifndef CODEGEN_CODEGEN_H
#define CODEGEN_CODEGEN_H

#include "base/diag.h"
#include "ir/ir.h"
#include "isa/isa.h"

/* A ld_imm64 that names a map (PSEUDO_MAP_FD) or an address in its data (PSEUDO_MAP_VALUE). */
struct code_reloc {
	u32 insn;
	u32 map;   /* index in the object's maps */
	u32 off;   /* data: offset */
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

/* Everything in `code` is in the arena of fn. Errors: stack over 512 bytes, reported at the line
 * that asked for the largest object. kernel: KERNEL(a, b), decides which instructions exist. */
int codegen(struct ir_fn *fn, u32 kernel, struct code *, struct diag *);
/* Appends a listing with relocations, and source lines where `lines` are known. */
void code_print(struct buf *, const struct code *);

#endif
