/*
 * dwarf.h: debugging information, as far as it tells of functions, their parameters and types.
 *
 * Source: DWARF 4 and 5 (dwarfstd.org), chapters 2, 5, 7. Everything is read in place, entry by
 * entry, and nothing is trusted: what does not fit is not there.
 */
#ifndef ELF_DWARF_H
#define ELF_DWARF_H

#include "base/buf.h"
#include "elf/elf.h"

enum dwarf_tag {
	DW_ARRAY_TYPE = 0x01,
	DW_CLASS_TYPE = 0x02,
	DW_ENUMERATION_TYPE = 0x04,
	DW_FORMAL_PARAMETER = 0x05,
	DW_MEMBER = 0x0d,
	DW_POINTER_TYPE = 0x0f,
	DW_REFERENCE_TYPE = 0x10,
	DW_STRUCTURE_TYPE = 0x13,
	DW_SUBROUTINE_TYPE = 0x15,
	DW_TYPEDEF = 0x16,
	DW_UNION_TYPE = 0x17,
	DW_INHERITANCE = 0x1c,
	DW_SUBRANGE_TYPE = 0x21,
	DW_BASE_TYPE = 0x24,
	DW_CONST_TYPE = 0x26,
	DW_ENUMERATOR = 0x28,
	DW_SUBPROGRAM = 0x2e,
	DW_VOLATILE_TYPE = 0x35,
	DW_RESTRICT_TYPE = 0x37,
	DW_RVALUE_REFERENCE_TYPE = 0x42,
	DW_ATOMIC_TYPE = 0x47
};
enum {
	DW_ENC_BOOLEAN = 2,
	DW_ENC_FLOAT = 4,
	DW_ENC_SIGNED = 5,
	DW_ENC_SIGNED_CHAR = 6,
	DW_ENC_UNSIGNED_CHAR = 8
}; /* of base types */

struct dwarf_section {
	const u8 *p;
	u64 n;
};
#define DWARF_SECTIONS 7
struct dwarf {
	/* info: with .debug_types behind it, from types_at on */
	struct dwarf_section info, abbrev, str, line_str, offsets, addr, types;
	u64 types_at;
	struct buf unpacked[DWARF_SECTIONS]; /* of those that are compressed */
};
/* False: the file has none that can be read. Else dwarf_close() belongs to it. */
bool dwarf_open(struct dwarf *, const struct elf *);
void dwarf_close(struct dwarf *);

/* An entry of .debug_info. Offsets are into that section; 0 is none. */
struct dwarf_die {
	u64 at, next; /* where it is; what follows it, children or not */
	u32 tag;      /* 0: the end of a list of children */
	bool children;
	const char *name; /* "": it has none */
	u64 whole;	  /* DW_AT_signature: the entry that has all of the type; dwarf_at() goes there */
	u64 type, origin; /* DW_AT_type; DW_AT_abstract_origin or DW_AT_specification */
	u64 low_pc, size, encoding, count; /* count: of elements; DWARF_NONE */
	u64 offset, bit_offset, bits; /* of a member, in bytes; in bits, from there or the start */
	u64 from_top; /* or, as DWARF 3 has it: from the top of `size` bytes at `offset` */
	s64 value;    /* of an enumerator */
	bool declaration, has_low_pc, has_from_top, is_external;
};
#define DWARF_NONE UINT64_MAX

/* Calls fn for each function with code, until it returns non-zero, which is returned. */
int dwarf_functions(const struct dwarf *, int (*fn)(void *, const struct dwarf_die *), void *user);
/* The entry at an offset. False: there is none. */
bool dwarf_at(const struct dwarf *, u64 offset, struct dwarf_die *);
/* The first child of an entry, then what is beside that; false: no more. Grandchildren are skipped.
 */
bool dwarf_child(const struct dwarf *, const struct dwarf_die *of, struct dwarf_die *);
bool dwarf_sibling(const struct dwarf *, const struct dwarf_die *, struct dwarf_die *);
/* What it says of itself, or else what it refers to: name and type. */
void dwarf_complete(const struct dwarf *, struct dwarf_die *);

#endif
