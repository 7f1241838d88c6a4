/*
 * plain_data.c: data sections and externs of an object that another compiler made.
 *
 * In:  .rodata, .data, .bss with any ending; symbols that are defined nowhere, with the BTF that
 *      says in which of `.kconfig` and `.ksyms` they are.
 * Out: data maps; `.kconfig` as one more of them, laid out as libbpf does (by alignment, falling;
 *      then by size; then by name); struct object_extern for everything that the machine knows.
 */
#include "object/plain.h"

#include <errno.h>
#include <stdlib.h>

#define DATA_MOST    (1u << 28)
#define EXTERNS_MOST 65536

/* ---- data */

static u8 section_kind(const char *name)
{
	if (name[1] == 'r')
		return SECTION_RODATA;
	return name[1] == 'b' ? SECTION_BSS : SECTION_DATA;
}

static struct object_map *add_data(struct plain *p, const char *name, u32 size, const u8 *bytes)
{
	struct object_map *m = vec_add(&p->o->arena, &p->o->maps);
	const struct btf_type *types = plain_datasec(p, name);

	*m = (struct object_map){
		.name = arena_strdup(&p->o->arena, name),
		.kind = MAP_ARRAY,
		.key_size = 4,
		.value_size = size,
		.max_entries = 1,
		.section = section_kind(name),
		.btf_value = types ? types->id : 0,
	};
	if (bytes) {
		m->data = arena_alloc(&p->o->arena, size);
		memcpy(m->data, bytes, size);
	}
	return m;
}

/* Addresses in data would need relocation of its contents, which no loader does. */
static void warn_pointers(struct plain *p, u32 section)
{
	const struct elf_section *data = &p->sections[section].s;

	for (u32 i = 1; i < p->elf.nsections; i++) {
		const struct elf_section *s = &p->sections[i].s;
		struct elf_symbol sym = {.name = "?"};
		struct elf_reloc r;

		if ((s->type != ELF_RELS && s->type != ELF_RELA) || s->info != section ||
		    !elf_reloc(s, 0, &r))
			continue;
		plain_symbol(p, r.symbol, &sym);
		diag_warn(p->d, (struct loc){0}, "take the address in a function instead",
			  "%s: section %s: byte %llu is to hold the address of '%s', which stays 0",
			  p->name, data->name, (unsigned long long)r.offset, sym.name);
	}
}

int plain_data(struct plain *p)
{
	for (u32 i = 1; i < p->elf.nsections; i++) {
		struct plain_section *s = &p->sections[i];

		if (s->role != ROLE_DATA)
			continue;
		if (s->s.size > DATA_MOST || (s->s.type != ELF_NOBITS && !s->s.data))
			return plain_broken(p, "%s: section %s is larger than 256 MiB or not there",
					    p->name, s->s.name);
		warn_pointers(p, i);
		s->map = p->o->maps.n;
		add_data(p, s->s.name, (u32)s->s.size, s->s.data);
	}
	return 0;
}

/* ---- externs */

struct seen { /* an extern while they are being sorted */
	struct object_extern x;
	u32 align;
};

static int by_place(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if ((x->x.kind == EXTERN_CONFIG) != (y->x.kind == EXTERN_CONFIG))
		return x->x.kind == EXTERN_CONFIG ? -1 : 1;
	if (x->align != y->align)
		return x->align > y->align ? -1 : 1;
	if (x->x.size != y->x.size)
		return x->x.size < y->x.size ? -1 : 1;
	return strcmp(x->x.name, y->x.name);
}

/* The VAR or FUNC of that name in a DATASEC. (bpf-gcc has several of a name, and calls none
 * extern.) */
static const struct btf_type *extern_in(struct plain *p, const char *datasec, const char *name)
{
	const struct btf_type *sec = plain_datasec(p, datasec), *t;

	for (u32 i = 0; sec && i < sec->n; i++) {
		t = btf_type(p->btf, sec->secs[i].type);
		if (t && (t->kind == BTF_VAR || t->kind == BTF_FUNC) && !strcmp(t->name, name))
			return t;
	}
	return NULL;
}

/* Values of .kconfig are numbers, enum libbpf_tristate, bool, char, and arrays of char. */
static bool config_place(struct plain *p, struct seen *s)
{
	const struct btf_type *var = btf_type(p->btf, s->x.type);
	const struct btf_type *t = btf_type(p->btf, btf_skip(p->btf, var->type));
	u64 size;

	if (!t || !btf_sizeof(p->btf, t->id, &size) || !size || size > 4096)
		return false;
	s->x.size = (u32)size;
	s->align = (u32)size;
	if (t->kind == BTF_ARRAY) {
		t = btf_type(p->btf, btf_skip(p->btf, t->type));
		s->align = 1;
		return t && t->kind == BTF_INT && t->size == 1;
	}
	return (t->kind == BTF_INT || t->kind == BTF_ENUM) && size <= 8 && !(size & (size - 1));
}

static int take_extern(struct plain *p, const struct elf_symbol *sym, struct seen *s)
{
	const struct btf_type *config = extern_in(p, ".kconfig", sym->name), *of;
	const struct btf_type *t = config ? config : extern_in(p, ".ksyms", sym->name);

	*s = (struct seen){.x = {.name = arena_strdup(&p->o->arena, sym->name),
				 .weak = sym->bind == ELF_WEAK}};
	if (!t)
		return diag_fail(p->d, -EINVAL,
				 "declare it extern with __ksym or __kconfig, and "
				 "compile with -g",
				 "%s: '%s' is defined nowhere, and is in no section "
				 ".ksyms or .kconfig of the BTF",
				 p->name, sym->name);
	s->x.type = t->id;
	if (t->kind == BTF_FUNC) {
		s->x.kind = EXTERN_FUNCTION;
	} else if (config) {
		s->x.kind = EXTERN_CONFIG;
		if (!config_place(p, s))
			return plain_broken(p,
					    "%s: section .kconfig: '%s' has a type that no value "
					    "of a configuration has",
					    p->name, sym->name);
	} else {
		of = btf_type(p->btf, btf_skip(p->btf, t->type));
		s->x.kind = !of || !of->kind ? EXTERN_ADDRESS : EXTERN_VARIABLE;
	}
	return 0;
}

static void place_configs(struct plain *p, struct seen *all, u32 n)
{
	u32 size = 0;

	qsort(all, n, sizeof(*all), by_place);
	for (u32 i = 0; i < n; i++) {
		if (all[i].x.kind == EXTERN_CONFIG) {
			all[i].x.off = size = ALIGN_UP(size, MAX(all[i].align, 1u));
			size += all[i].x.size;
		}
		vec_push(&p->o->arena, &p->o->externs, all[i].x);
	}
	if (size) {
		p->config_map = p->o->maps.n + 1;
		add_data(p, ".kconfig", size, NULL)->section = SECTION_RODATA;
	}
}

int plain_externs(struct plain *p)
{
	struct elf_symbol sym;
	struct seen *all;
	u32 n = 0;
	int err = 0;

	for (u64 i = 1; plain_symbol(p, i, &sym); i++)
		n += sym.section == ELF_SHN_UNDEF && *sym.name;
	if (n > EXTERNS_MOST)
		return plain_broken(p, "%s has %u externs", p->name, n);
	all = arena_array(&p->arena, struct seen, n);
	n = 0;
	for (u64 i = 1; plain_symbol(p, i, &sym) && !err; i++)
		if (sym.section == ELF_SHN_UNDEF && *sym.name)
			err = take_extern(p, &sym, &all[n++]);
	if (!err && n)
		place_configs(p, all, n);
	for (u32 i = 0; i < p->o->externs.n; i++)
		*dict_put(&p->externs, p->o->externs.v[i].name) = (void *)(uintptr_t)(i + 1);
	return err;
}

s64 plain_extern(const struct plain *p, const char *name)
{
	return (s64)(uintptr_t)dict_get(&p->externs, name) - 1;
}
