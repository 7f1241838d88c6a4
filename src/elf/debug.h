/*
 * debug.h: what a stripped ELF file says of the symbols that it has lost.
 */
#ifndef ELF_DEBUG_H
#define ELF_DEBUG_H

#include "elf/dwarf.h"

#define BUILD_ID_MOST 32
struct build_id {
	u32 n; /* 0: the file has none */
	u8 bytes[BUILD_ID_MOST];
};
/* From the note GNU 3, by sections or, where there are none, by segments. */
void elf_build_id(const struct elf *, struct build_id *);
/* .gnu_debuglink: the name of the file that has the symbols and the CRC of its contents. NULL:
 * there is no link. */
const char *elf_debug_link(const struct elf *, u32 *crc);
/* .gnu_debugdata, unpacked: another ELF file, with the symbols that .dynsym has not. False: there
 * is none, or it is broken; out is empty then. */
bool elf_debug_data(const struct elf *, struct buf *out);
/* Whether its debugging information is there, but packed in a way that elf_contents() does not know. */
bool elf_debug_is_packed(const struct elf *);
#define PACKED_TEXT "debugging information of %s is compressed by zstd, which is not read"
#define PACKED_HINT "objcopy --decompress-debug-sections FILE makes it plain"
/* The bytes of a section, unpacked into `unpacked` (to be freed) where they are compressed. False: it
 * has none, or they are packed in a way that is not known (zstd). */
bool elf_contents(const struct elf_section *, struct buf *unpacked, struct dwarf_section *out);

#endif
