/*
 * ext.c: the section `.BTF.ext`: which function each program is, and which line each instruction.
 *
 * Format: a header of 32 bytes, then func_info and line_info. Each is u32 size of a record, then
 * for each program section u32 name (in the strings of .BTF), u32 number of records, records.
 * Positions are in bytes from the start of the program section.
 * Source: Documentation/bpf/btf.rst, chapter 4.2. The third part, for CO-RE, stays empty: we
 * resolve types before we write.
 */
#include "object/parts.h"

#include <errno.h>

#define EXT_MAGIC  0xeb9f
#define EXT_HEADER 32
#define FUNC_SIZE  8
#define LINE_SIZE  16
#define SLOT	   8

static void put32(struct buf *b, u32 v)
{
	for (u32 i = 0; i < 4; i++)
		buf_char(b, (char)(v >> 8 * i));
}

static u32 get32(const u8 *p)
{
	return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static void put_line(struct buf *out, u32 at, const struct btf_line *l)
{
	put32(out, (at + l->insn) * SLOT);
	put32(out, l->file);
	put32(out, l->text);
	put32(out, l->line_col);
}

/* The records of one section, one for each program, or its lines. */
static void put_section(const struct object *o, const struct prog_places *places, u32 section,
			const struct object_btf *types, bool lines, struct buf *out)
{
	u32 n = 0, name = 0;

	for (u32 i = 0; i < o->progs.n; i++)
		if (places->progs[i].section == section) {
			n += lines ? types->progs[i].nlines : 1;
			name = types->progs[i].section;
		}
	if (!n)
		return;
	put32(out, name);
	put32(out, n);
	for (u32 i = 0; i < o->progs.n; i++) {
		const struct object_btf_prog *p = &types->progs[i];
		u32 at = places->progs[i].at;

		if (places->progs[i].section != section)
			continue;
		for (u32 j = 0; lines && j < p->nlines; j++)
			put_line(out, at, &p->lines[j]);
		if (!lines) {
			put32(out, at * SLOT);
			put32(out, p->func);
		}
	}
}

static void put_part(const struct object *o, const struct prog_places *places,
		     const struct object_btf *types, bool lines, struct buf *out)
{
	put32(out, lines ? LINE_SIZE : FUNC_SIZE);
	for (u32 i = 0; i < places->nsections; i++)
		put_section(o, places, i, types, lines, out);
	if (out->n == 4) /* no records: no part */
		out->n = 0;
}

void object_write_ext(const struct object *o, const struct prog_places *places,
		      const struct object_btf *types, struct buf *out)
{
	struct buf funcs = {0}, lines = {0};

	put_part(o, places, types, false, &funcs);
	put_part(o, places, types, true, &lines);
	put32(out, EXT_MAGIC | 1 << 16); /* version 1, no flags */
	put32(out, EXT_HEADER);
	put32(out, 0);
	put32(out, (u32)funcs.n);
	put32(out, (u32)funcs.n);
	put32(out, (u32)lines.n);
	put32(out, (u32)(funcs.n + lines.n));
	put32(out, 0);
	buf_add(out, funcs.p, funcs.n);
	buf_add(out, lines.p, lines.n);
	out->failed |= funcs.failed || lines.failed;
	buf_free(&funcs);
	buf_free(&lines);
}

/* ---- reading */

/* The strings of a .BTF section, as a string table. */
static bool btf_strings(const struct elf_section *btf, struct elf_section *strings)
{
	u64 start, size;

	if (!btf->data || btf->size < 24)
		return false;
	start = (u64)get32(btf->data + 4) + get32(btf->data + 16);
	size = get32(btf->data + 20);
	if (start > btf->size || size > btf->size - start)
		return false;
	*strings = (struct elf_section){.data = btf->data + start, .size = size};
	return true;
}

/* Adds a line to the program that holds this slot of the section. Programs of a section lie in
 * it in order, and so do its lines: *prog moves on only. */
static bool add_line(struct object *o, const struct prog_places *places, u32 section, u32 *prog,
		     u32 slot, u32 line)
{
	for (; *prog < o->progs.n; ++*prog) {
		const struct prog_place *place = &places->progs[*prog];
		struct code *code = &o->progs.v[*prog].code;

		if (place->section != section || slot >= place->at + code->insns.n)
			continue;
		if (slot < place->at)
			return false;
		if (line || slot > place->at) /* not the one that says: no line yet */
			vec_push(&o->arena, &code->lines,
				 (struct code_line){.insn = slot - place->at, .line = line});
		return true;
	}
	return false;
}

static bool read_lines(struct object *o, const struct prog_places *places,
		       const struct elf_section *strings, const u8 *p, const u8 *end)
{
	const u32 record = (size_t)(end - p) >= 4 ? get32(p) : 0;

	if (record < LINE_SIZE)
		return false;
	for (p += 4; (size_t)(end - p) >= 8;) {
		const char *name = elf_string(strings, get32(p));
		u32 n = get32(p + 4), section = 0, prog = 0;

		p += 8;
		while (name && section < places->nsections &&
		       strcmp(places->sections[section], name) != 0)
			section++;
		if (!name || section == places->nsections || n > (size_t)(end - p) / record)
			return false;
		for (; n--; p += record)
			if (get32(p) % SLOT ||
			    !add_line(o, places, section, &prog, get32(p) / SLOT, get32(p + 12)))
				return false;
	}
	return p == end;
}

int object_read_ext(struct object *o, const struct prog_places *places,
		    const struct elf_section *btf, const struct elf_section *ext,
		    const char *name, struct diag *d)
{
	struct elf_section strings;
	u64 at, size;

	if (!btf_strings(btf, &strings))
		return diag_fail(d, -EINVAL, NULL, "%s: section .BTF is broken", name);
	if (!ext->data || ext->size < 24 || (get32(ext->data) & 0xffff) != EXT_MAGIC)
		goto broken;
	at = (u64)get32(ext->data + 4) + get32(ext->data + 16);
	size = get32(ext->data + 20);
	if (at > ext->size || size > ext->size - at)
		goto broken;
	if (!size || read_lines(o, places, &strings, ext->data + at, ext->data + at + size))
		return 0;
broken:
	return diag_fail(d, -EINVAL, NULL, "%s: section .BTF.ext is broken", name);
}
