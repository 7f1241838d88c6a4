/*
 * cfi.c: reads .eh_frame and .debug_frame: the entries, in order of addresses; see cfi.h.
 *
 * Each function brings its rows and one behind its end that says that nothing is known there; they
 * are sorted, and what says the same as its neighbour goes. Entries of linkers for code without
 * any (PLTs of lld) are made up: every entry of a PLT jumps with nothing pushed.
 */
#include "elf/cfi_inside.h"

#include "elf/debug.h"

#include <errno.h>
#include <stdlib.h>

enum { ENC_OMIT = 0xff, ENC_INDIRECT = 0x80, ENC_PCREL = 0x10 };

void cfi_add(struct cfi_table *t, u64 pc, u32 rule)
{
	if (pc > UINT32_MAX)
		return;
	if (t->n == t->cap) {
		u32 cap = t->cap ? t->cap * 2 : 4096;
		struct cfi_row *rows = realloc(t->rows, cap * sizeof(*rows));

		t->failed |= !rows;
		if (!rows)
			return;
		t->rows = rows;
		t->cap = cap;
	}
	t->rows[t->n++] = (struct cfi_row){(u32)pc, rule};
}

void cfi_free(struct cfi_table *t)
{
	free(t->rows);
	*t = (struct cfi_table){0};
}

u32 cfi_find(const struct cfi_row *rows, u32 n, u64 offset)
{
	u32 lo = 0, hi = n;

	while (lo < hi) { /* the first one above */
		u32 mid = lo + (hi - lo) / 2;

		if (rows[mid].pc <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? rows[lo - 1].rule : CFI_NONE;
}

/* ---- entries */

/* An address, or (by the format's lower half alone) a size. */
u64 cfi_address(struct cursor *c, const struct cfi_section *s, u8 encoding, u32 size)
{
	u64 at = c->at, v;

	switch (encoding & 0xf) {
	case 0x0: v = cursor_get(c, size); break;
	case 0x1: v = cursor_uleb(c); break;
	case 0x2: v = cursor_get(c, 2); break;
	case 0x3: v = cursor_get(c, 4); break;
	case 0x9: v = (u64)cursor_sleb(c); break;
	case 0xa: v = (u64)(s64)(s16)cursor_get(c, 2); break;
	case 0xb: v = (u64)(s64)(s32)cursor_get(c, 4); break;
	case 0x4:
	case 0xc: v = cursor_get(c, 8); break;
	default: c->bad = true; return 0;
	}
	if ((encoding & 0x70) == ENC_PCREL)
		return v + s->addr + at;
	if (encoding & 0x70) /* relative to something that nobody uses here */
		c->bad = true;
	return v;
}

/* What the letters of an augmentation say. */
static void augmented(struct cursor *c, const struct cfi_section *s, struct cfi_cie *cie,
		      const char *letters)
{
	u64 size = cursor_uleb(c), end = c->at + size;

	cie->sized = true;
	for (const char *p = letters + 1; *p && !c->bad; p++) {
		if (*p == 'R')
			cie->encoding = (u8)cursor_get(c, 1);
		else if (*p == 'S')
			cie->signal = true;
		else if (*p == 'L')
			cursor_get(c, 1);
		else if (*p == 'P') {
			u8 encoding = (u8)cursor_get(c, 1);

			cfi_address(c, s, encoding & 0xf, cie->address_size);
		} else {
			break; /* its length is known all the same */
		}
	}
	if (end > s->bytes.n)
		c->bad = true;
	c->at = end;
}

static bool read_cie(const struct cfi_section *s, struct cursor c, u64 end, struct cfi_cie *cie)
{
	u32 version = (u32)cursor_get(&c, 1);
	const char *letters = (const char *)s->bytes.p + c.at;

	*cie = (struct cfi_cie){.address_size = 8, .end = end};
	if (c.bad || !memchr(letters, 0, end - c.at))
		return false;
	cursor_skip(&c, strlen(letters) + 1);
	if (version >= 4) {
		cie->address_size = (u32)cursor_get(&c, 1);
		cursor_get(&c, 1);
	}
	cie->code_align = cursor_uleb(&c);
	cie->data_align = cursor_sleb(&c);
	cie->return_reg = version == 1 ? cursor_get(&c, 1) : cursor_uleb(&c);
	if (*letters == 'z')
		augmented(&c, s, cie, letters);
	else if (*letters)
		return false;
	cie->begin = c.at;
	return !c.bad && c.at <= end && cie->return_reg == REG_RA;
}

static void read_fde(const struct cfi_section *s, struct cursor c, u64 end,
		     const struct cfi_cie *cie)
{
	struct cfi_fde f = {.end = end};
	u64 at;

	f.pc = cfi_address(&c, s, cie->encoding & 0x7f, cie->address_size);
	f.size = cfi_address(&c, s, cie->encoding & 0xf, cie->address_size);
	if (cie->sized)
		cursor_skip(&c, cursor_uleb(&c));
	f.begin = c.at;
	if (c.bad || c.at > end || !f.size || !elf_offset_of(s->elf, f.pc, &at))
		return;
	cfi_run(s, cie, &f, at);
	cfi_add(s->out, at + f.size, CFI_NONE);
}

/* The entry at *at; false: the end. */
static bool read_entry(const struct cfi_section *s, u64 *at, u64 *known, struct cfi_cie *cie)
{
	struct cursor c = {&s->bytes, *at, false};
	u64 size = cursor_get(&c, 4), bytes = size == 0xffffffff ? 8 : 4, place, id, cie_at, end;

	if (bytes == 8)
		size = cursor_get(&c, 8);
	if (c.bad || !size || size > s->bytes.n - c.at)
		return false;
	end = *at = c.at + size;
	place = c.at;
	id = cursor_get(&c, s->eh ? 4 : (u32)bytes);
	if (s->eh ? !id : id == (bytes == 8 ? UINT64_MAX : 0xffffffff))
		return true; /* a CIE: read when it is asked for */
	cie_at = s->eh ? place - id : id;
	if (cie_at != *known) {
		struct cursor of = {&s->bytes, cie_at, false};
		u64 n = cursor_get(&of, 4), wide = n == 0xffffffff;

		n = wide ? cursor_get(&of, 8) : n;
		if (of.bad || n > s->bytes.n - of.at)
			return true;
		*known = UINT64_MAX;
		n += of.at;
		cursor_skip(&of, s->eh || !wide ? 4 : 8);
		if (of.bad || !read_cie(s, of, n, cie))
			return true;
		*known = cie_at;
	}
	read_fde(s, c, end, cie);
	return true;
}

/* ---- the table */

static int by_pc(const void *a, const void *b)
{
	const struct cfi_row *x = a, *y = b;

	if (x->pc != y->pc)
		return x->pc < y->pc ? -1 : 1;
	return (x->rule != CFI_NONE) - (y->rule != CFI_NONE);
}

/* Of rows at one place the end of a function goes before the begin of the next. */
static void tidy(struct cfi_table *t)
{
	u32 n = 0;

	if (t->n)
		qsort(t->rows, t->n, sizeof(*t->rows), by_pc);
	for (u32 i = 0; i < t->n; i++) {
		if (i + 1 < t->n && t->rows[i + 1].pc == t->rows[i].pc)
			continue;
		if (!n || t->rows[i].rule != t->rows[n - 1].rule)
			t->rows[n++] = t->rows[i];
	}
	t->n = n;
}

static void add_plts(struct cfi_table *t, const struct elf *elf)
{
	struct elf_section s;
	u32 n = t->n;

	for (u32 i = 1; i < elf->nsections; i++) {
		if (!elf_section(elf, i, &s) || strncmp(s.name, ".plt", 4) != 0 || !s.data ||
		    !(s.flags & ELF_EXECINSTR) || cfi_find(t->rows, n, s.offset) != CFI_NONE)
			continue;
		cfi_add(t, s.offset, CFI_RULE(CFI_SP, 1, 0, 0));
		cfi_add(t, s.offset + s.size, CFI_NONE);
	}
	if (t->n != n)
		tidy(t);
}

static bool read_section(struct cfi_table *t, const struct elf *elf, const char *name)
{
	struct cfi_section s = {.eh = !strcmp(name, ".eh_frame"), .elf = elf, .out = t};
	struct elf_section section;
	struct buf unpacked = {0};
	u64 at = 0, known = UINT64_MAX;
	struct cfi_cie cie = {0};

	if (!elf_find(elf, name, &section) || !elf_contents(&section, &unpacked, &s.bytes))
		return false;
	s.addr = section.addr;
	while (at < s.bytes.n && read_entry(&s, &at, &known, &cie))
		;
	buf_free(&unpacked);
	return t->n;
}

int cfi_read(struct cfi_table *t, const struct elf *elf)
{
	if (elf->machine != ELF_MACHINE_X86_64)
		return -ENOENT;
	if (!read_section(t, elf, ".eh_frame"))
		read_section(t, elf, ".debug_frame");
	tidy(t);
	add_plts(t, elf);
	return t->n && !t->failed ? 0 : -ENOENT;
}
