/* debug.c: build ids, links to debug files, packed symbol tables; see debug.h. */
#include "elf/debug.h"

#include "base/inflate.h"
#include "base/unxz.h"

#define DEBUG_DATA_MOST (64u << 20)
#define NT_BUILD_ID     3
#define COMPRESS_HEADER 24 /* Elf64_Chdr: how, a gap, the size, the alignment */
#define COMPRESS_ZLIB   1
#define CONTENTS_MOST   (1u << 30)

static u32 get32(const u8 *p)
{
	return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

/* Notes: sizes of name and contents, kind, name, contents; both parts padded to 4. */
static bool find_note(const u8 *p, u64 size, struct build_id *id)
{
	while (size >= 12) {
		u64 name = ALIGN_UP((u64)get32(p), 4), n = get32(p + 4), whole;

		whole = 12 + name + ALIGN_UP(n, 4);
		if (whole > size)
			return false;
		if (get32(p + 8) == NT_BUILD_ID && name == 4 && !memcmp(p + 12, "GNU", 4) && n &&
		    n <= BUILD_ID_MOST) {
			id->n = (u32)n;
			memcpy(id->bytes, p + 16, n);
			return true;
		}
		p += whole;
		size -= whole;
	}
	return false;
}

void elf_build_id(const struct elf *e, struct build_id *id)
{
	struct elf_section s;
	u64 offset, size;

	*id = (struct build_id){0};
	for (u32 i = 1; i < e->nsections; i++)
		if (elf_section(e, i, &s) && s.type == ELF_NOTE && s.data &&
		    find_note(s.data, s.size, id))
			return;
	for (u32 i = 0; elf_note_segment(e, i, &offset, &size); i++)
		if (offset <= e->size && size <= e->size - offset &&
		    find_note(e->data + offset, size, id))
			return;
}

const char *elf_debug_link(const struct elf *e, u32 *crc)
{
	struct elf_section s;
	const char *name;
	u64 at;

	if (!elf_find(e, ".gnu_debuglink", &s))
		return NULL;
	name = elf_string(&s, 0);
	at = name ? ALIGN_UP(strlen(name) + 1, 4) : 0;
	if (!name || !*name || strchr(name, '/') || at + 4 > s.size)
		return NULL;
	*crc = get32(s.data + at);
	return name;
}

bool elf_debug_data(const struct elf *e, struct buf *out)
{
	struct elf_section s;

	if (elf_find(e, ".gnu_debugdata", &s) && s.data && s.type == ELF_PROGBITS &&
	    !unxz(out, s.data, s.size, DEBUG_DATA_MOST))
		return true;
	buf_free(out);
	return false;
}

bool elf_contents(const struct elf_section *s, struct buf *unpacked, struct dwarf_section *out)
{
	*out = (struct dwarf_section){s->data, s->size};
	if (!s->data || !(s->flags & ELF_COMPRESSED))
		return s->data;
	if (s->size < COMPRESS_HEADER || get32(s->data) != COMPRESS_ZLIB ||
	    unzlib(unpacked, s->data + COMPRESS_HEADER, s->size - COMPRESS_HEADER, CONTENTS_MOST))
		return false;
	*out = (struct dwarf_section){(const u8 *)unpacked->p, unpacked->n};
	return true;
}

bool elf_debug_is_packed(const struct elf *e)
{
	static const char *const names[] = {".debug_info", ".debug_line"};
	struct elf_section s;

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (elf_find(e, names[i], &s) && s.data && s.flags & ELF_COMPRESSED &&
		    s.size >= COMPRESS_HEADER && get32(s.data) != COMPRESS_ZLIB)
			return true;
	return false;
}
