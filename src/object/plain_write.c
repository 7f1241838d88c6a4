/*
 * plain_write.c: a plain object as a file again, for libbpf and for us.
 *
 * In:  programs with their subprograms behind them.
 * Out: an ELF file in which each function is there once: programs in their sections, subprograms in
 *      `.text`, calls as relocations. BTF is the object's own, with strings added where need be.
 *      CO-RE records come along, unless the object was made to fit to a machine already.
 */
#include "base/dict.h"
#include "object/parts.h"
#include "object/plain.h"

#include <errno.h>

struct placed { /* a function in the file */
	const struct object_prog *prog;
	u32 from, n; /* its slots in the program */
	u32 section, at, symbol;
	u32 type;
	bool global;
	const char *name;
};
struct out_section {
	const char *name;
	u32 slots, elf, symbol;
	struct buf code;
};
struct plain_out {
	struct elf_writer w;
	const struct object *o;
	struct btf *btf;
	vec(struct placed) funcs;
	vec(struct out_section) sections;
	struct dict by_name, by_section; /* index + 1 */
	u32 *map_symbols, *extern_symbols;
	u32 maps_elf;
	struct buf strings, types, ext;
	jmp_buf escape;
};

/* ---- where functions lie */

static u32 section_of(struct plain_out *e, const char *name)
{
	void **index = dict_put(&e->by_section, name);

	if (!*index) {
		vec_push(&e->w.arena, &e->sections, (struct out_section){.name = name});
		*index = (void *)(uintptr_t)e->sections.n;
	}
	return (u32)(uintptr_t)*index - 1;
}

static u32 func_end(const struct code *c, u32 i)
{
	return i + 1 < c->funcs.n ? c->funcs.v[i + 1].insn : c->insns.n;
}

static void place(struct plain_out *e, const struct object_prog *p, u32 i, const char *section)
{
	const struct code *c = &p->code;
	const struct code_func none = {.name = p->name}, *f = c->funcs.n ? &c->funcs.v[i] : &none;
	u32 at = section_of(e, section);
	struct placed placed = {.prog = p,
				.from = f->insn,
				.n = func_end(c, i) - f->insn,
				.section = at,
				.at = e->sections.v[at].slots,
				.type = f->type,
				.name = f->name};

	e->sections.v[at].slots += placed.n;
	vec_push(&e->w.arena, &e->funcs, placed);
	*dict_put(&e->by_name, f->name) = (void *)(uintptr_t)e->funcs.n;
}

/* Functions of one name are one, if they are as long: the static ones of several sources may not
 * be. */
static struct placed *find(struct plain_out *e, const struct code *c, u32 i)
{
	u32 n = func_end(c, i) - c->funcs.v[i].insn;
	u32 at = (u32)(uintptr_t)dict_get(&e->by_name, c->funcs.v[i].name);

	if (at && e->funcs.v[at - 1].n == n)
		return &e->funcs.v[at - 1];
	for (u32 j = 0; j < e->funcs.n; j++)
		if (!strcmp(e->funcs.v[j].name, c->funcs.v[i].name) && e->funcs.v[j].n == n)
			return &e->funcs.v[j];
	return NULL;
}

static void place_all(struct plain_out *e)
{
	vec_each (p, &e->o->progs)
		place(e, p, 0, p->section);
	vec_each (p, &e->o->progs)
		for (u32 i = 1; i < p->code.funcs.n; i++)
			if (!find(e, &p->code, i))
				place(e, p, i, ".text");
}

/* ---- symbols */

static void add_functions(struct plain_out *e)
{
	vec_each (s, &e->sections) {
		s->elf = elf_add_section(&e->w,
					 &(struct elf_section){.name = s->name,
							       .type = ELF_PROGBITS,
							       .align = 8,
							       .flags = ELF_ALLOC | ELF_EXECINSTR,
							       .data = (u8 *)s->code.p,
							       .size = s->code.n});
		s->symbol = elf_add_symbol(&e->w, &(struct elf_symbol){.name = "",
								       .bind = ELF_LOCAL,
								       .type = ELF_SECTION,
								       .section = s->elf});
	}
	vec_each (f, &e->funcs) {
		const struct btf_type *t = f->type && e->btf ? btf_type(e->btf, f->type) : NULL;

		f->global = !f->from || (t && t->linkage == 1);
		f->symbol = elf_add_symbol(
			&e->w, &(struct elf_symbol){.name = f->name,
						    .bind = f->global ? ELF_GLOBAL : ELF_LOCAL,
						    .type = ELF_FUNC,
						    .section = e->sections.v[f->section].elf,
						    .value = f->at * 8ull,
						    .size = f->n * 8ull});
	}
}

static void add_externs(struct plain_out *e)
{
	for (u32 i = 0; i < e->o->externs.n; i++)
		e->extern_symbols[i] = elf_add_symbol(
			&e->w, &(struct elf_symbol){.name = e->o->externs.v[i].name,
						    .bind = e->o->externs.v[i].weak ? ELF_WEAK
										    : ELF_GLOBAL,
						    .type = ELF_NOTYPE});
}

static const struct btf_type *datasec(struct plain_out *e, const char *name)
{
	u32 id = e->btf ? btf_find(e->btf, name, BTF_DATASEC) : 0;

	return id ? btf_type(e->btf, id) : NULL;
}

/* Variables of a section of data or maps. */
static void add_vars(struct plain_out *e, const struct btf_type *sec, u32 elf)
{
	for (u32 i = 0; sec && i < sec->n; i++) {
		const struct btf_type *var = btf_type(e->btf, sec->secs[i].type);
		u32 symbol;

		if (!var)
			continue;
		symbol = elf_add_symbol(
			&e->w, &(struct elf_symbol){.name = var->name,
						    .bind = var->linkage ? ELF_GLOBAL : ELF_LOCAL,
						    .type = ELF_OBJECT,
						    .section = elf,
						    .value = sec->secs[i].off,
						    .size = sec->secs[i].size});
		for (u32 m = 0; elf == e->maps_elf && m < e->o->maps.n; m++)
			if (!strcmp(e->o->maps.v[m].name, var->name))
				e->map_symbols[m] = symbol;
	}
}

/* As long as its variable. */
static void add_license(struct plain_out *e)
{
	const struct btf_type *sec = datasec(e, "license");
	size_t n = strlen(e->o->license) + 1, size = sec ? MAX(n, (size_t)sec->size) : n;
	u8 *text = arena_alloc(&e->w.arena, size);

	memcpy(text, e->o->license, n);
	add_vars(e, sec,
		 elf_add_section(&e->w, &(struct elf_section){.name = "license",
							      .type = ELF_PROGBITS,
							      .align = 1,
							      .flags = ELF_ALLOC | ELF_WRITE,
							      .data = text,
							      .size = size}));
}

static bool in_maps(struct plain_out *e, const struct btf_type *sec, const char *name)
{
	for (u32 i = 0; sec && i < sec->n; i++) {
		const struct btf_type *var = btf_type(e->btf, sec->secs[i].type);

		if (var && !strcmp(var->name, name))
			return true;
	}
	return false;
}

/* Where the types say that a map of `maps` lies; others come behind them, and what there is so far. */
static struct btf_secinfo legacy_place(struct plain_out *e, const char *name, u32 size, u32 so_far)
{
	const struct btf_type *sec = datasec(e, "maps");

	for (u32 i = 0; sec && i < sec->n; i++) {
		const struct btf_type *var = btf_type(e->btf, sec->secs[i].type);

		if (var && !strcmp(var->name, name) && sec->secs[i].size >= size)
			return sec->secs[i];
	}
	return (struct btf_secinfo){.off = MAX(sec ? sec->size : 0, so_far), .size = size};
}

/* A map as it was before there was BTF. The section's size is known only at the end. */
static void add_legacy(struct plain_out *e, u32 i, u32 *elf, struct buf *out)
{
	const struct object_map *m = &e->o->maps.v[i];
	const u32 words[] = {m->kind, m->key_size, m->value_size, m->max_entries, m->flags};
	struct btf_secinfo at = legacy_place(e, m->name, sizeof(words), (u32)out->n);

	if (!*elf)
		*elf = elf_add_section(&e->w,
				       &(struct elf_section){.name = "maps",
							     .type = ELF_PROGBITS,
							     .flags = ELF_ALLOC | ELF_WRITE,
							     .align = 4});
	while (out->n < (size_t)at.off + at.size && !out->failed)
		buf_char(out, 0);
	if (out->p && !out->failed)
		memcpy(out->p + at.off, words, sizeof(words));
	e->map_symbols[i] = elf_add_symbol(&e->w, &(struct elf_symbol){.name = m->name,
								       .bind = ELF_GLOBAL,
								       .type = ELF_OBJECT,
								       .section = *elf,
								       .value = at.off,
								       .size = at.size});
}

static void add_maps(struct plain_out *e)
{
	const struct btf_type *sec = datasec(e, ".maps");
	struct buf legacy = {0};
	u32 elf = 0;

	if (sec)
		e->maps_elf = elf_add_section(
			&e->w, &(struct elf_section){.name = ".maps",
						     .type = ELF_PROGBITS,
						     .flags = ELF_ALLOC | ELF_WRITE,
						     .align = 8,
						     .data = arena_alloc(&e->w.arena, sec->size),
						     .size = sec->size});
	add_vars(e, sec, e->maps_elf);
	for (u32 i = 0; i < e->o->maps.n; i++)
		if (e->o->maps.v[i].section == SECTION_NONE && !in_maps(e, sec, e->o->maps.v[i].name))
			add_legacy(e, i, &elf, &legacy);
	if (elf) {
		e->w.sections.v[elf].size = legacy.n;
		e->w.sections.v[elf].data = (u8 *)arena_strndup(&e->w.arena, legacy.p, legacy.n);
	}
	buf_free(&legacy);
}

static void add_data(struct plain_out *e)
{
	for (u32 i = 0; i < e->o->maps.n; i++) {
		const struct object_map *m = &e->o->maps.v[i];
		bool bss = m->section == SECTION_BSS;
		u32 elf;

		if (m->section == SECTION_NONE || !strcmp(m->name, ".kconfig"))
			continue;
		elf = elf_add_section(
			&e->w,
			&(struct elf_section){
				.name = m->name,
				.type = bss ? ELF_NOBITS : ELF_PROGBITS,
				.align = 64,
				.flags = ELF_ALLOC | (m->section == SECTION_RODATA ? 0 : ELF_WRITE),
				.size = m->value_size,
				.data = bss       ? NULL
					: m->data ? m->data
						  : arena_alloc(&e->w.arena, m->value_size)});
		e->map_symbols[i] = elf_add_symbol(&e->w, &(struct elf_symbol){.name = "",
									       .bind = ELF_LOCAL,
									       .type = ELF_SECTION,
									       .section = elf});
		add_vars(e, datasec(e, m->name), elf);
	}
}

/* ---- instructions and what they refer to */

static void put_insn(struct out_section *s, u32 slot, u8 src, s32 imm, s32 next)
{
	struct insn *i = (struct insn *)(void *)s->code.p + slot;

	if (s->code.failed)
		return;
	i->src = src & 15;
	i->imm = imm;
	if (i->code == (BPF_LD | BPF_IMM | BPF_DW))
		i[1].imm = next;
}

static u32 config_symbol(const struct plain_out *e, u32 off)
{
	for (u32 i = 0; i < e->o->externs.n; i++)
		if (e->o->externs.v[i].kind == EXTERN_CONFIG && e->o->externs.v[i].off == off)
			return e->extern_symbols[i];
	return 0;
}

static void reloc_func(struct plain_out *e, const struct placed *f, u32 slot, s64 to, bool call)
{
	const struct code *c = &f->prog->code;
	const struct placed *callee = NULL;
	s32 imm;

	for (u32 i = 0; i < c->funcs.n && !callee; i++)
		if (c->funcs.v[i].insn == to)
			callee = find(e, c, i);
	if (!callee)
		return;
	/* as clang does it, and libbpf wants it: local functions by their section */
	imm = callee->global ? -(s32)call : (s32)callee->at * (call ? 1 : 8) - call;
	put_insn(&e->sections.v[f->section], f->at + slot, call ? BPF_PSEUDO_CALL : 0, imm, 0);
	elf_add_reloc(&e->w, e->sections.v[f->section].elf, (f->at + slot) * 8ull,
		      call ? R_BPF_64_32 : R_BPF_64_64,
		      callee->global ? callee->symbol : e->sections.v[callee->section].symbol);
}

/* Calls and addresses of functions are not in lists: their distance is in the instruction. */
static void reloc_funcs(struct plain_out *e, const struct placed *f)
{
	const struct insn *v = f->prog->code.insns.v;

	for (u32 at = f->from; at < f->from + f->n; at++) {
		bool wide = v[at].code == (BPF_LD | BPF_IMM | BPF_DW);
		bool call = v[at].code == (BPF_JMP | BPF_CALL) && v[at].src == BPF_PSEUDO_CALL;

		if (call || (wide && v[at].src == BPF_PSEUDO_FUNC))
			reloc_func(e, f, at - f->from, (s64)at + 1 + v[at].imm, call);
		at += wide;
	}
}

static void reloc_maps(struct plain_out *e, const struct placed *f)
{
	struct out_section *s = &e->sections.v[f->section];

	vec_each (r, &f->prog->code.relocs) {
		u32 slot = f->at + r->insn - f->from;
		bool config = r->data && !strcmp(e->o->maps.v[r->map].name, ".kconfig");

		if (r->insn < f->from || r->insn >= f->from + f->n)
			continue;
		put_insn(s, slot, 0, config ? 0 : (s32)r->off, 0);
		elf_add_reloc(&e->w, s->elf, slot * 8ull, R_BPF_64_64,
			      config ? config_symbol(e, r->off) : e->map_symbols[r->map]);
	}
	vec_each (x, &f->prog->code.externs) {
		u32 slot = f->at + x->insn - f->from;
		bool call = e->o->externs.v[x->index].kind == EXTERN_FUNCTION;

		if (x->insn < f->from || x->insn >= f->from + f->n)
			continue;
		put_insn(s, slot, call ? BPF_PSEUDO_CALL : 0, call ? -1 : 0, 0);
		elf_add_reloc(&e->w, s->elf, slot * 8ull, call ? R_BPF_64_32 : R_BPF_64_64,
			      e->extern_symbols[x->index]);
	}
}

static u32 values_at(struct plain_out *e, const struct btf_type *var)
{
	const struct btf_type *t = var ? btf_type(e->btf, btf_skip(e->btf, var->type)) : NULL;

	for (u32 i = 0; t && t->kind == BTF_STRUCT && i < t->n; i++)
		if (!strcmp(t->members[i].name, "values"))
			return t->members[i].bit_off / 8;
	return 0;
}

static void reloc_slots(struct plain_out *e)
{
	const struct btf_type *sec = datasec(e, ".maps");

	for (u32 i = 0; sec && i < sec->n; i++) {
		const struct btf_type *var = btf_type(e->btf, sec->secs[i].type);

		vec_each (m, &e->o->maps) {
			if (!var || strcmp(m->name, var->name) != 0)
				continue;
			vec_each (s, &m->slots)
				elf_add_reloc(&e->w, e->maps_elf,
					      sec->secs[i].off + values_at(e, var) +
						      8ull * s->index,
					      R_BPF_64_ABS64,
					      m->inner.kind ? e->map_symbols[s->what]
							    : e->funcs.v[s->what].symbol);
		}
	}
}

/* ---- .BTF, .BTF.ext */

static void put32(struct buf *b, u32 v)
{
	buf_add(b, &v, sizeof(v));
}

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Where a string is in the strings, which may be the end of another; it is added if it is not. */
static u32 string(struct plain_out *e, const char *s)
{
	size_t n = strlen(s) + 1;
	const char *at = e->strings.failed ? NULL : memmem(e->strings.p, e->strings.n, s, n);

	if (at)
		return (u32)(at - e->strings.p);
	buf_add(&e->strings, s, n);
	return (u32)(e->strings.n - n);
}

enum part { PART_FUNCS, PART_LINES, PART_CORES };

static u32 put_records(struct plain_out *e, const struct placed *f, enum part part, struct buf *out)
{
	const struct code *c = &f->prog->code;
	u32 n = 0, first = f->from, end = f->from + f->n;

	if (part == PART_FUNCS && f->type) {
		put32(out, f->at * 8);
		put32(out, f->type);
		return 1;
	}
	for (u32 i = 0; part == PART_LINES && i < c->lines.n; i++) {
		const struct code_line *l = &c->lines.v[i];

		if (l->insn < first || l->insn >= end)
			continue;
		put32(out, (f->at + l->insn - first) * 8);
		put32(out, l->file);
		put32(out, l->text);
		put32(out, l->line);
		n++;
	}
	for (u32 i = 0; part == PART_CORES && !e->o->resolved && i < c->cores.n; i++) {
		const struct code_core *r = &c->cores.v[i];

		if (r->insn < first || r->insn >= end)
			continue;
		put32(out, (f->at + r->insn - first) * 8);
		put32(out, r->type);
		put32(out, string(e, r->access));
		put32(out, r->kind);
		n++;
	}
	return n;
}

static void put_part(struct plain_out *e, enum part part, struct buf *out)
{
	put32(out, part == PART_FUNCS ? 8 : 16);
	for (u32 s = 0; s < e->sections.n; s++) {
		size_t head = out->n;
		u32 n = 0;

		put32(out, string(e, e->sections.v[s].name));
		put32(out, 0);
		vec_each (f, &e->funcs)
			if (f->section == s)
				n += put_records(e, f, part, out);
		if (!n)
			out->n = head;
		else if (!out->failed)
			memcpy(out->p + head + 4, &n, sizeof(n));
	}
	if (out->n == 4)
		out->n = 0;
}

static void put_ext(struct plain_out *e)
{
	struct buf parts[3] = {0};
	u32 off = 0;

	put32(&e->ext, 0xeb9f | 1 << 16);
	put32(&e->ext, 32);
	for (u32 i = 0; i < ARRAY_SIZE(parts); i++) {
		put_part(e, (enum part)i, &parts[i]);
		put32(&e->ext, off);
		put32(&e->ext, (u32)parts[i].n);
		off += (u32)parts[i].n;
	}
	for (u32 i = 0; i < ARRAY_SIZE(parts); i++) {
		buf_add(&e->ext, parts[i].p, parts[i].n);
		e->ext.failed |= parts[i].failed;
		buf_free(&parts[i]);
	}
}

static void add_types(struct plain_out *e)
{
	const u8 *b = e->o->btf;
	u32 types, size;

	if (!e->btf)
		return;
	types = get32(b + 4) + get32(b + 8);
	size = get32(b + 12);
	buf_add(&e->strings, b + get32(b + 4) + get32(b + 16), get32(b + 20));
	put_ext(e);
	put32(&e->types, 0xeb9f | 1 << 16);
	put32(&e->types, 24);
	put32(&e->types, 0);
	put32(&e->types, size);
	put32(&e->types, size);
	put32(&e->types, (u32)e->strings.n);
	buf_add(&e->types, b + types, size);
	buf_add(&e->types, e->strings.p, e->strings.n);
	elf_add_section(&e->w, &(struct elf_section){.name = ".BTF",
						     .type = ELF_PROGBITS,
						     .align = 4,
						     .data = (u8 *)e->types.p,
						     .size = e->types.n});
	elf_add_section(&e->w, &(struct elf_section){.name = EXT_SECTION,
						     .type = ELF_PROGBITS,
						     .align = 4,
						     .data = (u8 *)e->ext.p,
						     .size = e->ext.n});
}

/* ---- the whole */

static int write_parts(struct plain_out *e, struct buf *out)
{
	const struct object *o = e->o;
	bool failed;

	e->w.arena.escape = &e->escape;
	if (setjmp(e->escape))
		return -ENOMEM;
	e->by_name.arena = e->by_section.arena = &e->w.arena;
	e->map_symbols = arena_array(&e->w.arena, u32, o->maps.n + 1);
	e->extern_symbols = arena_array(&e->w.arena, u32, o->externs.n + 1);
	place_all(e);
	vec_each (f, &e->funcs)
		buf_add(&e->sections.v[f->section].code, f->prog->code.insns.v + f->from,
			f->n * 8ull);
	add_functions(e);
	add_license(e);
	add_maps(e);
	add_data(e);
	add_externs(e);
	vec_each (f, &e->funcs) {
		reloc_maps(e, f);
		reloc_funcs(e, f);
	}
	reloc_slots(e);
	add_types(e);
	elf_write(&e->w, ELF_MACHINE_BPF, out);
	failed = out->failed || e->ext.failed || e->types.failed || e->strings.failed;
	vec_each (s, &e->sections)
		failed |= s->code.failed;
	return failed ? -ENOMEM : 0;
}

int plain_write(const struct object *o, struct buf *out, struct diag *d)
{
	struct plain_out e = {.o = o};
	int err = o->btf ? btf_open_raw(&e.btf, o->btf, o->btf_size, d) : 0;

	if (err)
		return err;
	err = write_parts(&e, out);
	vec_each (s, &e.sections)
		buf_free(&s->code);
	buf_free(&e.strings);
	buf_free(&e.types);
	buf_free(&e.ext);
	btf_close(e.btf);
	elf_writer_free(&e.w);
	return err ? diag_fail(d, err, NULL, "out of memory") : 0;
}
