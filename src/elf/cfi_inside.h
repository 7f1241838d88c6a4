/* cfi_inside.h: what cfi.c and cfi_run.c share: an entry and the state of its registers. */
#ifndef ELF_CFI_INSIDE_H
#define ELF_CFI_INSIDE_H

#include "elf/cfi.h"
#include "elf/cursor.h"

enum { REG_BX = 3, REG_BP = 6, REG_SP = 7, REG_RA = 16 };

/* What is common to several functions. */
struct cfi_cie {
	u64 code_align;
	s64 data_align;
	u64 return_reg;
	u8 encoding;        /* of addresses */
	bool signal, sized; /* sized: entries have data of their own length (augmentation z) */
	u64 begin, end;     /* instructions, in the section */
	u32 address_size;
};
struct cfi_section {
	struct dwarf_section bytes;
	u64 addr; /* where it is mapped */
	bool eh;  /* .eh_frame; else .debug_frame */
	const struct elf *elf;
	struct cfi_table *out;
};
/* A function: from pc on, in addresses of the file. */
struct cfi_fde {
	u64 pc, size;
	u64 begin, end;
};
u64 cfi_address(struct cursor *, const struct cfi_section *, u8 encoding, u32 size);
void cfi_add(struct cfi_table *, u64 pc, u32 rule);
/* cfi_run.c: adds the rows of a function; `at` is where it is in the file. */
void cfi_run(const struct cfi_section *, const struct cfi_cie *, const struct cfi_fde *, u64 at);

#endif
