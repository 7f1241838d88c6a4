/*
 * elf_write.c: an object as a standard BPF ELF file.
 *
 * In:  a valid object.
 * Out: a relocatable ELF file that libbpf and bpftool load as it is: program sections named by
 *      SEC, license, .maps, .bss/.data/.rodata, .BTF, .BTF.ext, and our own `.waggle`.
 *
 * A map is named through its symbol, data through the symbol of its section, with the offset in
 * the imm of the ld_imm64. `.maps` is all zeroes: what a map is, libbpf reads from BTF.
 */
#include "base/dict.h"
#include "object/parts.h"
#include "object/plain.h"

#include <errno.h>

struct elf_out {
	struct elf_writer w;
	const struct object *o, *whole;
	struct object_btf types;
	struct prog_places places;
	struct buf *code;    /* of each section of places */
	u32 *code_sections;  /* ELF index of each */
	u32 *map_symbols;    /* of each map; data sections: of the section */
	u32 *prog_symbols;
	const struct elf_call *calls;
	u32 ncalls;
	struct buf ext, waggle;
	jmp_buf escape;
};

static void place_programs(struct elf_out *e)
{
	const struct object *o = e->o;
	struct dict known = {.arena = &e->w.arena};
	u32 *slots = arena_array(&e->w.arena, u32, o->progs.n + 1);

	e->places.sections = arena_array(&e->w.arena, const char *, o->progs.n + 1);
	e->places.progs = arena_array(&e->w.arena, struct prog_place, o->progs.n + 1);
	for (u32 i = 0; i < o->progs.n; i++) {
		void **index = dict_put(&known, o->progs.v[i].section);
		u32 section;

		if (!*index) {
			e->places.sections[e->places.nsections++] = o->progs.v[i].section;
			*index = (void *)(uintptr_t)e->places.nsections;
		}
		section = (u32)(uintptr_t)*index - 1;
		e->places.progs[i] = (struct prog_place){.section = section, .at = slots[section]};
		slots[section] += o->progs.v[i].code.insns.n;
	}
}

/* Instructions as clang leaves them: the loader fills in what relocations name. */
static void put_code(struct elf_out *e, const struct code *c, struct buf *out)
{
	size_t at = out->n;
	struct insn *insns;

	buf_add(out, c->insns.v, c->insns.n * sizeof(struct insn));
	if (out->failed)
		return;
	insns = arena_array(&e->w.arena, struct insn, 2);
	vec_each(r, &c->relocs) {
		char *place = out->p + at + r->insn * sizeof(struct insn);

		memcpy(insns, place, 2 * sizeof(*insns));
		insns[0].src = 0;
		insns[0].imm = (s32)r->off;
		insns[1].imm = 0;
		memcpy(place, insns, 2 * sizeof(*insns));
	}
}

static void add_programs(struct elf_out *e)
{
	const struct object *o = e->o;

	e->code = arena_array(&e->w.arena, struct buf, e->places.nsections + 1);
	e->code_sections = arena_array(&e->w.arena, u32, e->places.nsections + 1);
	for (u32 i = 0; i < o->progs.n; i++)
		put_code(e, &o->progs.v[i].code, &e->code[e->places.progs[i].section]);
	for (u32 i = 0; i < e->places.nsections; i++)
		e->code_sections[i] = elf_add_section(&e->w, &(struct elf_section){
			.name = e->places.sections[i], .type = ELF_PROGBITS, .align = 8,
			.flags = ELF_ALLOC | ELF_EXECINSTR, .data = (u8 *)e->code[i].p,
			.size = e->code[i].n});
	for (u32 i = 0; i < o->progs.n; i++)
		e->prog_symbols[i] = elf_add_symbol(&e->w, &(struct elf_symbol){
			.name = o->progs.v[i].name, .type = ELF_FUNC,
			.bind = strcmp(o->progs.v[i].section, ".text") ? ELF_GLOBAL : ELF_LOCAL,
			.section = e->code_sections[e->places.progs[i].section],
			.value = e->places.progs[i].at * sizeof(struct insn),
			.size = o->progs.v[i].code.insns.n * sizeof(struct insn)});
}

static void add_maps(struct elf_out *e)
{
	const struct object *o = e->o;
	u32 size = 0, section;

	for (u32 i = 0; i < o->maps.n; i++)
		size = MAX(size, e->types.maps[i].def_off + e->types.maps[i].def_size);
	if (!size)
		return;
	section = elf_add_section(&e->w, &(struct elf_section){
		.name = ".maps", .type = ELF_PROGBITS, .flags = ELF_ALLOC | ELF_WRITE, .align = 8,
		.data = arena_alloc(&e->w.arena, size), .size = size});
	for (u32 i = 0; i < o->maps.n; i++)
		if (o->maps.v[i].section == SECTION_NONE)
			e->map_symbols[i] = elf_add_symbol(&e->w, &(struct elf_symbol){
				.name = o->maps.v[i].name, .bind = ELF_GLOBAL, .type = ELF_OBJECT,
				.section = section, .value = e->types.maps[i].def_off,
				.size = e->types.maps[i].def_size});
}

static void add_data(struct elf_out *e, u32 i)
{
	const struct object_map *m = &e->o->maps.v[i];
	bool bss = m->section == SECTION_BSS;
	struct data_var vars[DATA_VARS];
	u32 n = object_data_vars(e->o, m, vars), section;

	section = elf_add_section(&e->w, &(struct elf_section){
		.name = m->name, .type = bss ? ELF_NOBITS : ELF_PROGBITS, .align = 64,
		.flags = ELF_ALLOC | (m->section == SECTION_RODATA ? 0 : ELF_WRITE),
		.size = object_map_bytes(e->o, m),
		.data = bss ? NULL : m->data ? m->data : arena_alloc(&e->w.arena, m->value_size)});
	e->map_symbols[i] = elf_add_symbol(&e->w, &(struct elf_symbol){
		.name = "", .bind = ELF_LOCAL, .type = ELF_SECTION, .section = section});
	for (u32 j = 0; j < n; j++)
		elf_add_symbol(&e->w, &(struct elf_symbol){
			.name = vars[j].name, .bind = ELF_GLOBAL, .type = ELF_OBJECT,
			.section = section, .value = vars[j].off, .size = vars[j].size});
}

/* A call names its function; an address is the section and an offset in the instruction, as clang
 * has it and libbpf wants it. */
static void add_call(struct elf_out *e, const struct elf_call *c)
{
	const struct prog_place *place = &e->places.progs[c->prog];
	const struct prog_place *callee = &e->places.progs[c->callee];
	u64 at = (place->at + c->insn) * sizeof(struct insn);
	u32 offset = callee->at * (u32)sizeof(struct insn);
	u32 symbol = e->prog_symbols[c->callee];

	if (c->address) {
		memcpy(e->code[place->section].p + at + offsetof(struct insn, imm), &offset,
		       sizeof(offset));
		symbol = elf_add_symbol(&e->w, &(struct elf_symbol){
			.name = "", .bind = ELF_LOCAL, .type = ELF_SECTION,
			.section = e->code_sections[callee->section]});
	}
	elf_add_reloc(&e->w, e->code_sections[place->section], at,
		      c->address ? R_BPF_64_64 : R_BPF_64_32, symbol);
}

static void add_relocs(struct elf_out *e)
{
	for (u32 i = 0; i < e->o->progs.n; i++) {
		const struct prog_place *place = &e->places.progs[i];

		vec_each(r, &e->o->progs.v[i].code.relocs)
			elf_add_reloc(&e->w, e->code_sections[place->section],
				      (place->at + r->insn) * sizeof(struct insn), R_BPF_64_64,
				      e->map_symbols[r->map]);
	}
	for (u32 i = 0; i < e->ncalls; i++)
		add_call(e, &e->calls[i]);
}

static void add_info(struct elf_out *e)
{
	elf_add_section(&e->w, &(struct elf_section){
		.name = ".BTF", .type = ELF_PROGBITS, .align = 4,
		.data = (u8 *)e->types.btf.p, .size = e->types.btf.n});
	if (e->o->progs.n) {
		object_write_ext(e->o, &e->places, &e->types, &e->ext);
		elf_add_section(&e->w, &(struct elf_section){
			.name = EXT_SECTION, .type = ELF_PROGBITS, .align = 4,
			.data = (u8 *)e->ext.p, .size = e->ext.n});
	}
	if (e->whole->plain)
		return;
	object_write_section(e->whole, &e->w.arena, &e->waggle);
	elf_add_section(&e->w, &(struct elf_section){
		.name = WAGGLE_SECTION, .type = ELF_PROGBITS, .align = 1,
		.data = (u8 *)e->waggle.p, .size = e->waggle.n});
}

static int write_parts(struct elf_out *e, struct buf *out)
{
	const struct object *o = e->o;
	bool failed;

	e->w.arena.escape = &e->escape;
	if (setjmp(e->escape))
		return -ENOMEM;
	e->map_symbols = arena_array(&e->w.arena, u32, o->maps.n + 1);
	e->prog_symbols = arena_array(&e->w.arena, u32, o->progs.n + 1);
	place_programs(e);
	add_programs(e);
	elf_add_section(&e->w, &(struct elf_section){
		.name = "license", .type = ELF_PROGBITS, .flags = ELF_ALLOC | ELF_WRITE, .align = 1,
		.data = (const u8 *)o->license, .size = strlen(o->license) + 1});
	add_maps(e);
	for (u32 i = 0; i < o->maps.n; i++)
		if (o->maps.v[i].section != SECTION_NONE)
			add_data(e, i);
	add_relocs(e);
	add_info(e);
	elf_write(&e->w, ELF_MACHINE_BPF, out);
	failed = out->failed || e->ext.failed || e->waggle.failed;
	for (u32 i = 0; i < e->places.nsections; i++)
		failed |= e->code[i].failed;
	return failed ? -ENOMEM : 0;
}

int elf_write_object(const struct object *o, const struct object *whole,
		     const struct elf_call *calls, u32 ncalls, struct buf *out, struct diag *d)
{
	struct elf_out e = {.o = o, .whole = whole, .calls = calls, .ncalls = ncalls};
	int err = object_btf_made(o, &e.types, d);

	if (err)
		return err;
	err = write_parts(&e, out);
	for (u32 i = 0; e.code && i < e.places.nsections; i++)
		buf_free(&e.code[i]);
	buf_free(&e.ext);
	buf_free(&e.waggle);
	object_btf_free(&e.types);
	elf_writer_free(&e.w);
	return err ? diag_fail(d, err, NULL, "out of memory") : 0;
}

int object_write_elf(const struct object *o, struct buf *out, struct diag *d)
{
	int err = object_validate(o, d);

	if (err)
		return err;
	return o->btf ? plain_write(o, out, d) : elf_write_split(o, out, d);
}
