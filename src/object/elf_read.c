/*
 * elf_read.c: an object back from the file that elf_write.c wrote. What has no `.waggle` comes from
 * another compiler: plain.c reads it.
 *
 * In:  a file that may be anything.
 * Out: an equal object, all of it copied and checked by object_validate(), or an error that names
 *      the file, the section and the symbol.
 *
 * `.waggle` says which programs and maps there are; the code, its relocations and the contents of
 * data come from the sections that libbpf would read, the lines from `.BTF.ext`.
 */
#include "base/dict.h"
#include "object/parts.h"
#include "object/plain.h"

#include <errno.h>

#define REBUILD "build the object again from its source"

struct elf_in {
	struct elf elf;
	struct object *o;
	struct diag *d;
	const char *name;
	struct elf_section symbols, strings, maps;
	bool has_maps;
	struct arena arena; /* only while reading */
	u64 code_bytes; /* of all programs so far */
	struct prog_places places;
	struct elf_parts parts;
	u32 *elf_sections; /* ELF index of each section of places */
	jmp_buf escape;
	struct dict functions, map_index; /* symbol number + 1; index + 1 */
};

#define broken(in, ...) diag_fail((in)->d, -EINVAL, REBUILD, __VA_ARGS__)

/* ---- data */

static int read_data(struct elf_in *in, struct object_map *m)
{
	struct elf_section s;

	if (m->section == SECTION_NONE)
		return 0;
	if (!m->name || !elf_find(&in->elf, m->name, &s))
		return broken(in, "%s: there is no section %s", in->name, m->name ? m->name : "");
	if (m->section == SECTION_BSS) /* sized for its CPUs: nothing to read */
		return 0;
	if (!s.data || s.size != m->value_size)
		return broken(in, "%s: section %s has %llu bytes, not %u", in->name, m->name,
			      (unsigned long long)s.size, m->value_size);
	m->data = arena_alloc(&in->o->arena, s.size);
	memcpy(m->data, s.data, s.size);
	return 0;
}

static int read_license(struct elf_in *in)
{
	struct elf_section s;
	const char *text;

	if (!elf_find(&in->elf, "license", &s))
		return broken(in, "%s: there is no section license", in->name);
	text = elf_string(&s, 0);
	if (!text)
		return broken(in, "%s: section license holds no text", in->name);
	in->o->license = arena_strdup(&in->o->arena, text);
	return 0;
}

/* ---- programs */

static u32 place_section(struct elf_in *in, u32 elf_index, const char *name)
{
	for (u32 i = in->places.nsections; i--;) /* programs of a section come together, mostly */
		if (in->elf_sections[i] == elf_index)
			return i;
	in->elf_sections[in->places.nsections] = elf_index;
	in->places.sections[in->places.nsections] = name;
	return in->places.nsections++;
}

static int read_prog(struct elf_in *in, u32 i)
{
	struct object_prog *p = &in->o->progs.v[i];
	struct elf_section section;
	struct elf_symbol sym;
	uintptr_t found;

	if (!p->name || !p->section)
		return broken(in, "%s: section %s: program %u has no name", in->name,
			      WAGGLE_SECTION, i);
	found = (uintptr_t)dict_get(&in->functions, p->name);
	if (!found || !elf_symbol(&in->symbols, &in->strings, found - 1, &sym) ||
	    !elf_section(&in->elf, sym.section, &section))
		return broken(in, "%s: there is no function '%s'", in->name, p->name);
	if (strcmp(section.name, p->section) != 0 || section.type != ELF_PROGBITS || !section.data)
		return broken(in, "%s: function '%s' is in section '%s', not in '%s'", in->name,
			      p->name, section.name, p->section);
	if (sym.value % 8 || sym.size % 8 || sym.value > section.size ||
	    sym.size > section.size - sym.value || section.size > UINT32_MAX ||
	    (in->code_bytes += sym.size) > in->elf.size) /* programs do not overlap */
		return broken(in, "%s: section %s: function '%s' lies outside of it", in->name,
			      section.name, p->name);
	in->places.progs[i] = (struct prog_place){
		.section = place_section(in, sym.section, p->section), .at = (u32)sym.value / 8};
	p->code.insns.n = p->code.insns.cap = (u32)sym.size / 8;
	p->code.insns.v = arena_array(&in->o->arena, struct insn, p->code.insns.n);
	if (sym.size)
		memcpy(p->code.insns.v, section.data + sym.value, sym.size);
	return 0;
}

static int index_symbols(struct elf_in *in)
{
	struct elf_symbol sym;
	u32 n = in->o->progs.n;

	if (!elf_find_type(&in->elf, ELF_SYMTAB, &in->symbols) ||
	    !elf_section(&in->elf, in->symbols.link, &in->strings))
		return broken(in, "%s: there is no symbol table", in->name);
	in->has_maps = elf_find(&in->elf, ".maps", &in->maps);
	in->functions.arena = in->map_index.arena = &in->arena;
	for (u64 i = 0; elf_symbol(&in->symbols, &in->strings, i, &sym); i++)
		if (sym.type == ELF_FUNC)
			*dict_put(&in->functions, sym.name) = (void *)(uintptr_t)(i + 1);
	for (u32 i = 0; i < in->o->maps.n; i++)
		if (in->o->maps.v[i].name)
			*dict_put(&in->map_index, in->o->maps.v[i].name) =
				(void *)(uintptr_t)(i + 1);
	in->places.sections = arena_array(&in->arena, const char *, n + 1);
	in->places.progs = arena_array(&in->arena, struct prog_place, n + 1);
	in->elf_sections = arena_array(&in->arena, u32, n + 1);
	return 0;
}

/* ---- relocations */

/* What a symbol names: a map by its name in .maps, data by its section. False: neither. */
static bool reloc_target(struct elf_in *in, const struct elf_symbol *sym, struct insn *insn,
			 struct code_reloc *out)
{
	struct elf_section s;
	const char *name = sym->name;
	uintptr_t found;

	if (!in->has_maps || sym->section != in->maps.index) {
		if (!elf_section(&in->elf, sym->section, &s))
			return false;
		name = s.name;
	}
	found = (uintptr_t)dict_get(&in->map_index, name);
	if (!found)
		return false;
	out->map = (u32)found - 1;
	out->data = in->o->maps.v[out->map].section != SECTION_NONE;
	out->off = out->data ? (u32)sym->value + (u32)insn->imm : 0;
	return true;
}

/* Does a ld_imm64 take the address of a function of `.text`? */
static bool is_function(struct elf_in *in, const struct elf_symbol *sym, const struct insn *insn)
{
	struct elf_section s;

	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) && sym->type == ELF_SECTION &&
	       elf_section(&in->elf, sym->section, &s) && !strcmp(s.name, ".text");
}

/* The relocation, if it patches this program. */
static int read_reloc(struct elf_in *in, u32 prog, const struct elf_reloc *r)
{
	struct object_prog *p = &in->o->progs.v[prog];
	u64 slot = r->offset / 8 - in->places.progs[prog].at;
	struct code_reloc out = {0};
	struct elf_symbol sym;
	struct insn *insn;

	if (r->offset / 8 < in->places.progs[prog].at || slot >= p->code.insns.n)
		return 0;
	insn = &p->code.insns.v[slot];
	out.insn = (u32)slot;
	if (r->offset % 8 || r->type != R_BPF_64_64 || p->code.insns.n - slot < 2 ||
	    !elf_symbol(&in->symbols, &in->strings, r->symbol, &sym))
		return broken(in, "%s: section %s: relocation of type %u at byte %llu of '%s' is "
			      "none that we write", in->name, p->section, r->type,
			      (unsigned long long)r->offset, p->name);
	if (is_function(in, &sym, insn)) {
		vec_push(&in->arena, &in->parts.calls,
			 (struct elf_call){.prog = prog, .insn = out.insn, .address = true,
					   .callee = ((u32)sym.value + (u32)insn->imm) / 8});
		return 0;
	}
	if (!reloc_target(in, &sym, insn, &out))
		return broken(in, "%s: section %s: '%s' refers to '%s', which is no map or data",
			      in->name, p->section, p->name, sym.name);
	insn[0].src = out.data ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
	insn[0].imm = 0;
	insn[1].imm = (s32)out.off;
	vec_push(&in->o->arena, &p->code.relocs, out);
	return 0;
}

/* Programs of one section are walked in step with its relocations: both ascend, first those that name
 * maps and data, then those that name functions. */
static int read_relocs(struct elf_in *in, u32 section)
{
	struct elf_section table;
	struct elf_reloc r;
	u64 before = 0;
	int err = 0;

	for (u32 i = 1; i < in->elf.nsections; i++) {
		u32 prog = 0;

		if (!elf_section(&in->elf, i, &table) || table.type != ELF_RELS ||
		    table.info != in->elf_sections[section])
			continue;
		for (u64 j = 0; !err && elf_reloc(&table, j, &r); j++) {
			prog = r.offset < before ? 0 : prog;
			before = r.offset;
			while (prog < in->o->progs.n &&
			       (in->places.progs[prog].section != section ||
				r.offset / 8 >= (u64)in->places.progs[prog].at +
						       in->o->progs.v[prog].code.insns.n))
				prog++;
			if (prog == in->o->progs.n)
				return broken(in, "%s: section %s: a relocation outside of its "
					      "programs", in->name, table.name);
			err = read_reloc(in, prog, &r);
		}
		return err;
	}
	return 0;
}

/* ---- the whole */

static int read_all(struct elf_in *in)
{
	struct elf_section btf, ext;
	int err = read_license(in);

	for (u32 i = 0; i < in->o->maps.n && !err; i++)
		err = read_data(in, &in->o->maps.v[i]);
	elf_part(in->o, &in->parts);
	if (!err)
		err = index_symbols(in);
	for (u32 i = 0; i < in->o->progs.n && !err; i++)
		err = read_prog(in, i);
	for (u32 i = 0; i < in->places.nsections && !err; i++)
		err = read_relocs(in, i);
	if (!err && elf_find(&in->elf, EXT_SECTION, &ext)) {
		if (!elf_find(&in->elf, ".BTF", &btf))
			return broken(in, "%s: there is no section .BTF", in->name);
		err = object_read_ext(in->o, &in->places, &btf, &ext, in->name, in->d);
	}
	if (!err && !elf_join(in->o, &in->parts, &in->places))
		return broken(in, "%s: section .text: a program has the address of no function of its "
			      "own", in->name);
	return err ? err : object_validate(in->o, in->d);
}

static int read_safely(struct elf_in *in, const struct elf_section *waggle)
{
	int err;

	in->o->arena.escape = in->arena.escape = &in->escape;
	if (setjmp(in->escape))
		return diag_fail(in->d, -ENOMEM, NULL, "out of memory");
	if (!waggle)
		return plain_read(in->o, &in->elf, in->name, in->d);
	err = object_read_section(in->o, waggle->data, waggle->size, in->name, in->d);
	return err ? err : read_all(in);
}

int object_read_elf(struct object **out, const void *data, size_t size, const char *name,
		    struct diag *d)
{
	struct elf_in in = {.name = name, .d = d};
	struct elf_section waggle;
	bool ours;
	int err = elf_open(&in.elf, data, size, name, d);

	*out = NULL;
	if (err)
		return err;
	if (in.elf.type != ELF_REL || in.elf.machine != ELF_MACHINE_BPF)
		return diag_fail(d, -EINVAL, NULL, "%s is not a BPF object: it is for machine %u",
				 name, in.elf.machine);
	ours = elf_find(&in.elf, WAGGLE_SECTION, &waggle);
	in.o = object_new();
	if (!in.o)
		return diag_fail(d, -ENOMEM, NULL, "out of memory");
	err = read_safely(&in, ours ? &waggle : NULL);
	arena_free(&in.arena);
	in.o->arena.escape = NULL;
	if (err)
		object_free(in.o);
	else
		*out = in.o;
	return err;
}
