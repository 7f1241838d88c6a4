/*
 * read.c: the ELF64 reader.
 *
 * In:  a file in memory that may be anything.
 * Out: its sections, symbols, relocations and strings, one at a time, each checked when it is
 *      asked for. Sums are made so that they cannot overflow: an offset is compared with the size
 *      first, then the length with what is left.
 */
#include "elf/elf.h"

#include <errno.h>

#define HEADER_SIZE  64
#define SECTION_SIZE 64
#define SYMBOL_SIZE  24
#define REL_SIZE     16
#define RELA_SIZE    24

/* Files need not be aligned in memory, nor must the machine be little-endian: each is one load where
 * the compiler may read so. */
static u16 get16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static u32 get32(const u8 *p)
{
	return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static u64 get64(const u8 *p)
{
	return get32(p) | (u64)get32(p + 4) << 32;
}

static bool inside(u64 size, u64 off, u64 len)
{
	return off <= size && len <= size - off;
}

int elf_open(struct elf *e, const void *data, size_t size, const char *name, struct diag *d)
{
	const u8 *p = data;

	*e = (struct elf){.data = p, .size = size};
	if (size < HEADER_SIZE || memcmp(p, "\177ELF\2\1\1", 7) != 0)
		return diag_fail(d, -ENOEXEC, NULL, "%s is not a 64-bit little-endian ELF file",
				 name);
	e->type = get16(p + 16);
	e->machine = get16(p + 18);
	e->entry = get64(p + 24);
	e->sections_at = get64(p + 40);
	e->nsections = get16(p + 60);
	e->names_index = get16(p + 62);
	if (!e->sections_at) /* stripped of all sections */
		e->nsections = 0;
	/* more than 65,279 sections: the counts are in the first section header */
	if (e->sections_at && (!e->nsections || e->names_index == 0xffff)) {
		if (!inside(size, e->sections_at, SECTION_SIZE))
			goto broken;
		p += e->sections_at;
		e->nsections = e->nsections ? e->nsections : (u32)get64(p + 32);
		e->names_index = e->names_index == 0xffff ? get32(p + 40) : e->names_index;
	}
	if (e->nsections && get16(e->data + 58) != SECTION_SIZE)
		goto broken;
	if (!inside(size, e->sections_at, (u64)e->nsections * SECTION_SIZE))
		goto broken;
	return 0;
broken:
	return diag_fail(d, -EINVAL, "the file may have been cut off",
			 "%s: its table of sections lies outside of the file", name);
}

static bool section_header(const struct elf *e, u32 index, struct elf_section *s, u32 *name)
{
	const u8 *p = e->data + e->sections_at + (u64)index * SECTION_SIZE;

	if (index >= e->nsections)
		return false;
	*name = get32(p);
	*s = (struct elf_section){
		.index = index,
		.name = "",
		.type = get32(p + 4),
		.flags = get64(p + 8),
		.addr = get64(p + 16),
		.offset = get64(p + 24),
		.size = get64(p + 32),
		.link = get32(p + 40),
		.info = get32(p + 44),
		.align = get64(p + 48),
		.entry_size = get64(p + 56),
	};
	if (s->type == ELF_NOBITS || s->type == ELF_NULL)
		return true;
	if (!inside(e->size, s->offset, s->size))
		return false;
	s->data = s->size ? e->data + s->offset : NULL;
	return true;
}

const char *elf_string(const struct elf_section *strings, u64 off)
{
	if (!strings->data || off >= strings->size ||
	    !memchr(strings->data + off, 0, strings->size - off))
		return NULL;
	return (const char *)strings->data + off;
}

bool elf_section(const struct elf *e, u32 index, struct elf_section *s)
{
	struct elf_section names;
	const char *text;
	u32 name, unused;

	if (!section_header(e, index, s, &name))
		return false;
	if (e->names_index && section_header(e, e->names_index, &names, &unused)) {
		text = elf_string(&names, name);
		s->name = text ? text : "";
	}
	return true;
}

bool elf_find(const struct elf *e, const char *name, struct elf_section *s)
{
	struct elf_section names;
	u32 unused;

	if (!e->names_index || !section_header(e, e->names_index, &names, &unused))
		return false;
	for (u32 i = 1; i < e->nsections; i++) {
		const u8 *p = e->data + e->sections_at + (u64)i * SECTION_SIZE;
		const char *text = elf_string(&names, get32(p));

		if (text && !strcmp(text, name) && elf_section(e, i, s))
			return true;
	}
	return false;
}

bool elf_find_type(const struct elf *e, u32 type, struct elf_section *s)
{
	for (u32 i = 1; i < e->nsections; i++)
		if (get32(e->data + e->sections_at + (u64)i * SECTION_SIZE + 4) == type &&
		    elf_section(e, i, s))
			return true;
	return false;
}

static u32 entry_size(const struct elf_section *s)
{
	switch (s->type) {
	case ELF_SYMTAB:
	case ELF_DYNSYM: return SYMBOL_SIZE;
	case ELF_RELS: return REL_SIZE;
	case ELF_RELA: return RELA_SIZE;
	default: return 0;
	}
}

u64 elf_count(const struct elf_section *s)
{
	u32 size = entry_size(s);

	return size && s->data ? s->size / size : 0;
}

bool elf_symbol(const struct elf_section *table, const struct elf_section *strings, u64 i,
		struct elf_symbol *sym)
{
	const u8 *p;
	const char *name;

	if ((table->type != ELF_SYMTAB && table->type != ELF_DYNSYM) || i >= elf_count(table))
		return false;
	p = table->data + i * SYMBOL_SIZE;
	name = elf_string(strings, get32(p));
	*sym = (struct elf_symbol){
		.name = name ? name : "",
		.bind = p[4] >> 4,
		.type = p[4] & 15,
		.hidden = (p[5] & 3) - 1u < 2, /* STV_INTERNAL, STV_HIDDEN */
		.section = get16(p + 6),
		.value = get64(p + 8),
		.size = get64(p + 16),
	};
	return true;
}

bool elf_reloc(const struct elf_section *table, u64 i, struct elf_reloc *r)
{
	const u8 *p;
	u64 info;

	if ((table->type != ELF_RELS && table->type != ELF_RELA) || i >= elf_count(table))
		return false;
	p = table->data + i * entry_size(table);
	info = get64(p + 8);
	*r = (struct elf_reloc){
		.offset = get64(p),
		.type = (u32)info,
		.symbol = (u32)(info >> 32),
		.addend = table->type == ELF_RELA ? (s64)get64(p + 16) : 0,
	};
	return true;
}

#define SEGMENT_SIZE 56
#define PT_LOAD      1
#define PT_NOTE      4
#define PF_X         1

/* The i-th segment of a kind; NULL: there is none. */
static const u8 *segment(const struct elf *e, u32 kind, u32 i)
{
	u64 at = get64(e->data + 32);
	u32 n = get16(e->data + 56);

	if (get16(e->data + 54) != SEGMENT_SIZE)
		return NULL;
	for (u32 k = 0; k < n && inside(e->size, at, SEGMENT_SIZE); k++, at += SEGMENT_SIZE)
		if (get32(e->data + at) == kind && !i--)
			return e->data + at;
	return NULL;
}

bool elf_load_segment(const struct elf *e, u32 i, struct elf_segment *s)
{
	const u8 *p = segment(e, PT_LOAD, i);

	if (p)
		*s = (struct elf_segment){.addr = get64(p + 16),
					  .offset = get64(p + 8),
					  .size = get64(p + 32),
					  .executable = get32(p + 4) & PF_X};
	return p;
}

bool elf_note_segment(const struct elf *e, u32 i, u64 *offset, u64 *size)
{
	const u8 *p = segment(e, PT_NOTE, i);

	if (p) {
		*offset = get64(p + 8);
		*size = get64(p + 32);
	}
	return p;
}

bool elf_offset_of(const struct elf *e, u64 addr, u64 *offset)
{
	struct elf_segment s;

	for (u32 i = 0; elf_load_segment(e, i, &s); i++)
		if (addr >= s.addr && addr - s.addr < s.size) {
			*offset = addr - s.addr + s.offset;
			return true;
		}
	return false;
}

bool elf_address_of(const struct elf *e, u64 offset, u64 *addr)
{
	struct elf_segment s;

	for (u32 i = 0; elf_load_segment(e, i, &s); i++)
		if (offset >= s.offset && offset - s.offset < s.size) {
			*addr = offset - s.offset + s.addr;
			return true;
		}
	return false;
}
