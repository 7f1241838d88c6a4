/*
 * lines.h: which line of a source an address comes from.
 *
 * Source: DWARF 2 to 5 (dwarfstd.org), chapter 6.2. The tables are programs; a first pass notes
 * which unit has which addresses, a search runs one unit again. Nothing is trusted.
 */
#ifndef ELF_LINES_H
#define ELF_LINES_H

#include "elf/dwarf.h"

struct lines {
	struct dwarf_section line, str, line_str;
	struct buf unpacked[3];
	struct lines_piece { /* code in one piece */
		u64 start, end;
		u64 unit; /* where its program is, in .debug_line */
	} * pieces;       /* in order of addresses */
	u32 n, cap;
};
/* The file stays where it is as long as the lines. False: it has none; nothing is to be closed. */
bool lines_open(struct lines *, const struct elf *);
void lines_close(struct lines *);

struct line_place {
	const char *folder, *file; /* folder "": it is part of the file's name, or unknown */
	u32 line;
};
bool lines_find(const struct lines *, u64 addr, struct line_place *);

#endif
