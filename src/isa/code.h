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
	/* Objects with BTF of their own: where the name of the file and the text of the line are in
	 * its strings (object_string()). Else 0: the line is one of the object's source. */
	u32 file, text;
};
/* A function of the program: its instructions end where the next begins. The first is the program
 * itself, at 0; those behind it are called by src 1 calls, or handed to helpers by ld_imm64 with
 * src 4 (both with the distance in slots in imm). No list: it is all one function. */
struct code_func {
	u32 insn;
	u32 type; /* of the object's own BTF: a FUNC, 0: unknown */
	const char *name;
};
/* What the instruction holds depends on the types of the machine that runs it (CO-RE). */
struct code_core {
	u32 insn;
	u32 type, kind;	    /* type id in the object's own BTF; enum core_kind (object/core.h) */
	const char *access; /* "0:1:2" */
	/* Once it is resolved: what the machine does not have ("struct task_struct.nope"), so that
	 * the instruction cannot be run; NULL: it has it. */
	const char *missing;
};
/* A ld_imm64 or a call that names something of the kernel: object's externs. */
struct code_extern {
	u32 insn, index;
};
struct code {
	vec(struct insn) insns;
	vec(struct code_reloc) relocs;
	vec(struct code_line) lines;
	vec(struct code_func) funcs;
	vec(struct code_core) cores;	 /* ascending */
	vec(struct code_extern) externs; /* ascending */
	u32 stack; /* bytes */
};

/* Puts a callback behind a program that hands it to helpers. What the kernel calls it with, a map, a key, a
 * value and memory of the program, becomes one argument, that memory, whose first words are then
 * where key and value are. If it turns, it is called with a number and that memory, whose first word
 * is then the number. */
void code_add_callback(struct arena *, struct code *, const struct code *callback, bool turns,
		       const char *name);
/* Before it is added: is it named by what is there? Those that are not are left out, as no code leads to
 * them. In the order of their numbers, from 1; a callback names only later ones. */
bool code_wants_callback(struct code *, u32 number);
/* When all are there. */
void code_link_callbacks(struct code *);

/* Appends a listing with relocations, and source lines where `lines` are known. */
void code_print(struct buf *, const struct code *);

#endif
