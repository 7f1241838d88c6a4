/*
 * elf.h: ELF64 little-endian files, read and written.
 *
 * The reader takes a file in memory (or mapped), allocates nothing and trusts nothing: every
 * table is decoded entry by entry, and what lies outside of the file is not there. The writer
 * collects sections and symbols and lays them out at the end.
 *
 * Source: System V ABI, generic ELF chapters 4 (object files), and Documentation/bpf/llvm_reloc.rst
 * of Linux for the numbers that BPF objects use.
 */
#ifndef ELF_ELF_H
#define ELF_ELF_H

#include "base/buf.h"
#include "base/diag.h"

enum { ELF_REL = 1, ELF_EXEC = 2, ELF_DYN = 3, ELF_CORE = 4 };	    /* struct elf.type */
enum { ELF_MACHINE_X86_64 = 62, ELF_MACHINE_AARCH64 = 183, ELF_MACHINE_BPF = 247 };
enum { ELF_NULL = 0, ELF_PROGBITS = 1, ELF_SYMTAB = 2, ELF_STRTAB = 3, ELF_RELA = 4, ELF_NOTE = 7,
       ELF_NOBITS = 8, ELF_RELS = 9, ELF_DYNSYM = 11 };		    /* elf_section.type */
enum { ELF_WRITE = 1, ELF_ALLOC = 2, ELF_EXECINSTR = 4, ELF_INFO_LINK = 0x40,
       ELF_COMPRESSED = 0x800 };				    /* elf_section.flags */
enum { ELF_LOCAL = 0, ELF_GLOBAL = 1, ELF_WEAK = 2 };		    /* elf_symbol.bind */
enum { ELF_NOTYPE = 0, ELF_OBJECT = 1, ELF_FUNC = 2, ELF_SECTION = 3, ELF_FILE = 4,
       ELF_IFUNC = 10 };					    /* elf_symbol.type */
enum { ELF_SHN_UNDEF = 0, ELF_SHN_RESERVED = 0xff00, ELF_SHN_ABS = 0xfff1 };
/* relocations of BPF objects: ld_imm64, an address in data, call */
enum { R_BPF_64_64 = 1, R_BPF_64_ABS64 = 2, R_BPF_64_32 = 10 };

struct elf_section {
	u32 index;
	const char *name; /* "" when the file gives none */
	u32 type, link, info;
	u64 flags, addr, size, align, entry_size;
	u64 offset;	/* in the file; set by the writer itself */
	const u8 *data; /* size bytes; NULL: ELF_NOBITS, or empty */
};
struct elf_symbol {
	const char *name;
	u8 bind, type;
	bool hidden; /* outside of its file nobody may name it */
	u32 section; /* index, or ELF_SHN_* */
	u64 value, size;
};
struct elf_reloc {
	u64 offset;
	u32 type, symbol;
	s64 addend; /* 0 in ELF_RELS sections: there it is in the place itself */
};

/* ---- reading */
struct elf {
	const u8 *data; /* borrowed */
	u64 size;
	u16 type, machine;
	u64 entry;
	u32 nsections;
	u64 sections_at; /* offset of the section headers */
	u32 names_index; /* section that holds the names of sections, 0: none */
};

/* 0; -ENOEXEC: not an ELF64 little-endian file; -EINVAL: its headers lie outside of it. The
 * message names the file as `name`. */
int elf_open(struct elf *, const void *data, size_t size, const char *name, struct diag *);
/* False: there is no such section, or it lies outside of the file. */
bool elf_section(const struct elf *, u32 index, struct elf_section *);
bool elf_find(const struct elf *, const char *name, struct elf_section *); /* the first one */
bool elf_find_type(const struct elf *, u32 type, struct elf_section *);	    /* the first one */
/* A string of a string table; NULL: outside of it, or without its NUL. */
const char *elf_string(const struct elf_section *strings, u64 off);
/* How many whole entries a table has: symbols (24 bytes), relocations (16 or 24). */
u64 elf_count(const struct elf_section *);
/* One entry. False: outside of the table. A symbol whose name is broken has the name "". Pass the
 * string table (section number table->link), so that it is looked up once. */
bool elf_symbol(const struct elf_section *table, const struct elf_section *strings, u64 i,
		struct elf_symbol *);
bool elf_reloc(const struct elf_section *table, u64 i, struct elf_reloc *);
/* A part of the file that is mapped (PT_LOAD), the i-th of them. False: there is none. */
struct elf_segment {
	u64 addr, offset, size; /* size: bytes of the file */
	bool executable;
};
bool elf_load_segment(const struct elf *, u32 i, struct elf_segment *);
/* Where the i-th part with notes (PT_NOTE) is in the file. False: there is none. */
bool elf_note_segment(const struct elf *, u32 i, u64 *offset, u64 *size);
/* Where the byte at an address is in the file. False: no segment holds it. */
bool elf_offset_of(const struct elf *, u64 addr, u64 *offset);
/* The address of the byte at an offset. False: no segment holds it. */
bool elf_address_of(const struct elf *, u64 offset, u64 *addr);

/* ---- writing: sections and symbols in the order of the calls, symbols sorted into local first. */
struct elf_writer {
	struct arena arena;
	vec(struct elf_section) sections; /* [0] is the empty one */
	vec(struct elf_symbol) symbols;
	vec(struct elf_writer_reloc {
		u32 section; /* that it patches */
		struct elf_reloc reloc; /* symbol: what elf_add_symbol() returned */
	}) relocs;
	struct buf symtab, strtab;
};
void elf_writer_free(struct elf_writer *);
/* Returns the section's index. Its data is borrowed until elf_write(). */
u32 elf_add_section(struct elf_writer *, const struct elf_section *);
/* Returns a handle for elf_add_reloc(); names are borrowed. */
u32 elf_add_symbol(struct elf_writer *, const struct elf_symbol *);
void elf_add_reloc(struct elf_writer *, u32 section, u64 offset, u32 type, u32 symbol);
/* Appends a whole ET_REL file to out, which must be empty (offsets count from its start). Adds
 * .symtab, .strtab and a .relNAME section (of 16-byte entries) for each section with relocations. */
void elf_write(struct elf_writer *, u16 machine, struct buf *out);

#endif
