/*
 * write.c: the writer of ELF64 relocatable files.
 *
 * In:  sections, symbols and relocations as they were added.
 * Out: header, contents of the sections, then .rel*, .symtab and .strtab, then section headers.
 *      Local symbols come first in .symtab, as the format demands, so handles of symbols become
 *      indexes only here.
 */
#include "elf/elf.h"

void elf_writer_free(struct elf_writer *w)
{
	arena_free(&w->arena);
	buf_free(&w->symtab);
	buf_free(&w->strtab);
	w->sections.v = NULL;
	w->symbols.v = NULL;
	w->relocs.v = NULL;
	w->sections.n = w->symbols.n = w->relocs.n = 0;
	w->sections.cap = w->symbols.cap = w->relocs.cap = 0;
}

u32 elf_add_section(struct elf_writer *w, const struct elf_section *s)
{
	if (!w->sections.n)
		vec_push(&w->arena, &w->sections, (struct elf_section){.name = ""});
	vec_push(&w->arena, &w->sections, *s);
	return w->sections.n - 1;
}

u32 elf_add_symbol(struct elf_writer *w, const struct elf_symbol *s)
{
	vec_push(&w->arena, &w->symbols, *s);
	return w->symbols.n - 1;
}

void elf_add_reloc(struct elf_writer *w, u32 section, u64 offset, u32 type, u32 symbol)
{
	struct elf_writer_reloc *r = vec_add(&w->arena, &w->relocs);

	r->section = section;
	r->reloc = (struct elf_reloc){.offset = offset, .type = type, .symbol = symbol};
}

static void put(struct buf *b, u64 v, u32 bytes)
{
	for (; bytes--; v >>= 8)
		buf_char(b, (char)v);
}

static u32 put_string(struct buf *strings, const char *s)
{
	size_t at = strings->n;

	if (!*s)
		return 0;
	buf_add(strings, s, strlen(s) + 1);
	return (u32)at;
}

static void put_symbol(struct buf *out, struct buf *strings, const struct elf_symbol *s)
{
	put(out, put_string(strings, s->name), 4);
	put(out, (u64)s->bind << 4 | s->type, 1);
	put(out, 0, 1);
	put(out, s->section, 2);
	put(out, s->value, 8);
	put(out, s->size, 8);
}

/* Writes the table, fills index[handle], returns how many entries are local. */
static u32 put_symbols(struct elf_writer *w, struct buf *out, struct buf *strings, u32 *index)
{
	static const struct elf_symbol none = {.name = ""};
	u32 n = 1, locals = 1;

	put_symbol(out, strings, &none);
	for (int local = 1; local >= 0; local--) {
		for (u32 i = 0; i < w->symbols.n; i++)
			if ((w->symbols.v[i].bind == ELF_LOCAL) == local) {
				put_symbol(out, strings, &w->symbols.v[i]);
				index[i] = n++;
			}
		locals = local ? n : locals;
	}
	return locals;
}

static void put_relocs(struct elf_writer *w, struct buf *out, u32 section, const u32 *index)
{
	vec_each(r, &w->relocs) {
		if (r->section != section)
			continue;
		put(out, r->reloc.offset, 8);
		put(out, (u64)index[r->reloc.symbol] << 32 | r->reloc.type, 8);
	}
}

static void put_header(struct buf *out, u16 machine)
{
	buf_add(out, "\177ELF\2\1\1\0\0\0\0\0\0\0\0", 16);
	put(out, ELF_REL, 2);
	put(out, machine, 2);
	put(out, 1, 4); /* version */
	for (u32 i = 0; i < 3; i++) /* entry, program headers, section headers: see patch_header */
		put(out, 0, 8);
	put(out, 0, 4);	 /* flags */
	put(out, 64, 2); /* size of this */
	put(out, 0, 4);	 /* no program headers */
	put(out, 64, 2);
	put(out, 0, 4);
}

static void patch_header(struct buf *out, u64 sections_at, u32 nsections, u32 names)
{
	if (out->failed)
		return;
	for (u32 i = 0; i < 8; i++)
		out->p[40 + i] = (char)(sections_at >> 8 * i);
	for (u32 i = 0; i < 2; i++) {
		out->p[60 + i] = (char)(nsections >> 8 * i);
		out->p[62 + i] = (char)(names >> 8 * i);
	}
}

static void put_contents(struct buf *out, struct elf_section *s)
{
	buf_pad(out, s->align ? s->align : 1);
	s->offset = out->n;
	if (s->type != ELF_NOBITS && s->data)
		buf_add(out, s->data, s->size);
}

static void put_section_header(struct buf *out, const struct elf_section *s, u32 name)
{
	put(out, name, 4);
	put(out, s->type, 4);
	put(out, s->flags, 8);
	put(out, s->addr, 8);
	put(out, s->offset, 8);
	put(out, s->size, 8);
	put(out, s->link, 4);
	put(out, s->info, 4);
	put(out, s->align, 8);
	put(out, s->entry_size, 8);
}

static void add_rel_sections(struct elf_writer *w)
{
	u32 n = w->sections.n, *count = arena_array(&w->arena, u32, n);

	vec_each(r, &w->relocs)
		count[r->section]++;
	for (u32 i = 0; i < n; i++) {
		if (!count[i])
			continue;
		elf_add_section(w, &(struct elf_section){
			.name = arena_printf(&w->arena, ".rel%s", w->sections.v[i].name),
			.type = ELF_RELS, .flags = ELF_INFO_LINK, .info = i, .align = 8,
			.size = (u64)count[i] * 16, .entry_size = 16});
	}
}

/* The sections whose contents are made here: .rel*, .symtab, .strtab. */
static void put_tables(struct elf_writer *w, u32 first_rel, struct buf *out)
{
	u32 *index = arena_array(&w->arena, u32, w->symbols.n + 1);
	u32 locals = put_symbols(w, &w->symtab, &w->strtab, index);
	u32 symtab = elf_add_section(w, &(struct elf_section){
		.name = ".symtab", .type = ELF_SYMTAB, .info = locals, .align = 8,
		.data = (u8 *)w->symtab.p, .size = w->symtab.n, .entry_size = 24});
	u32 strtab = elf_add_section(w, &(struct elf_section){
		.name = ".strtab", .type = ELF_STRTAB, .align = 1});

	for (u32 i = first_rel; i < symtab; i++) {
		put_contents(out, &w->sections.v[i]);
		put_relocs(w, out, w->sections.v[i].info, index);
		w->sections.v[i].link = symtab;
	}
	w->sections.v[symtab].link = strtab;
	put_contents(out, &w->sections.v[symtab]);
}

void elf_write(struct elf_writer *w, u16 machine, struct buf *out)
{
	struct buf *strings = &w->strtab;
	u32 *names, rels, n, strtab;
	u64 headers_at;

	if (!w->sections.n)
		elf_add_section(w, &(struct elf_section){.name = ".text", .type = ELF_PROGBITS});
	buf_char(strings, 0);
	put_header(out, machine);
	for (u32 i = 1; i < w->sections.n; i++)
		put_contents(out, &w->sections.v[i]);
	rels = w->sections.n;
	add_rel_sections(w);
	put_tables(w, rels, out);

	n = w->sections.n;
	strtab = n - 1;
	names = arena_array(&w->arena, u32, n);
	for (u32 i = 1; i < n; i++)
		names[i] = put_string(strings, w->sections.v[i].name);
	w->sections.v[strtab].data = (u8 *)strings->p;
	w->sections.v[strtab].size = strings->n;
	put_contents(out, &w->sections.v[strtab]);

	buf_pad(out, 8);
	headers_at = out->n;
	for (u32 i = 0; i < n; i++)
		put_section_header(out, &w->sections.v[i], names[i]);
	patch_header(out, headers_at, n, strtab);
	out->failed |= strings->failed || w->symtab.failed;
}
