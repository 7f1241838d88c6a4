/*
 * plain_maps.c: the maps of an object that another compiler made.
 *
 * In:  `.maps`, described by BTF as libbpf has it: a variable for each map, whose struct has
 * members that are numbers (a pointer to an array of as many elements) or types (a pointer to one);
 *      or `maps`, a struct bpf_map_def each, as it was before there was BTF.
 * Out: struct object_map, its slots from the relocations of `.maps`.
 */
#include "object/plain.h"

#include <errno.h>

#define MAPS_MOST  4096
#define SLOTS_MOST (1u << 20)
#define NUMA_NODE  (1u << 2) /* BPF_F_NUMA_NODE */
#define PAGE       4096

struct def { /* a map's struct while it is being read */
	struct plain *p;
	struct object_map *map;
	struct object_map_inner *inner; /* what is read is an inner map; NULL: it is not */
	u64 key_size, value_size;
	u32 values_off; /* byte of the initial values in the map's variable */
	bool has_values;
};

static int bad(const struct def *f, const char *member, const char *why)
{
	return plain_broken(f->p, "%s: section .maps: map '%s': its member '%s' %s", f->p->name,
			    f->map->name, member, why);
}

/* ---- members */

/* A number: pointer to an array of that many elements. */
static bool number_of(struct plain *p, const struct btf_member *m, u32 *out)
{
	const struct btf_type *t = btf_type(p->btf, btf_skip(p->btf, m->type));

	if (!t || t->kind != BTF_PTR)
		return false;
	t = btf_type(p->btf, btf_skip(p->btf, t->type));
	if (!t || t->kind != BTF_ARRAY)
		return false;
	*out = t->n;
	return true;
}

static int take_number(struct def *f, const struct btf_member *m, u32 value)
{
	struct object_map_inner *i = f->inner;
	struct object_map *map = f->map;

	if (!strcmp(m->name, "type"))
		*(i ? &i->kind : &map->kind) = value;
	else if (!strcmp(m->name, "max_entries"))
		*(i ? &i->max_entries : &map->max_entries) = value;
	else if (!strcmp(m->name, "map_flags"))
		*(i ? &i->flags : &map->flags) = value;
	else if (!strcmp(m->name, "map_extra"))
		*(i ? &i->extra : &map->extra) = value;
	else if (!strcmp(m->name, "numa_node"))
		map->numa_node = value;
	else if (!strcmp(m->name, "pinning") && !i && value <= 1)
		map->pinned = value;
	else
		return bad(f, m->name, "is none that libbpf knows");
	return 0;
}

/* key, value: a type; key_size, value_size: a number. Both may be there, and must agree. */
static int take_size(struct def *f, const struct btf_member *m)
{
	bool key = *m->name == 'k', typed = !strchr(m->name, '_');
	u64 *have = key ? &f->key_size : &f->value_size, size;
	const struct btf_type *t = btf_type(f->p->btf, btf_skip(f->p->btf, m->type));
	u32 n;

	if (typed) {
		if (!t || t->kind != BTF_PTR || !btf_sizeof(f->p->btf, t->type, &size))
			return bad(f, m->name, "is no pointer to a type with a size");
		if (!f->inner)
			*(key ? &f->map->btf_key : &f->map->btf_value) = t->type;
	} else {
		if (!number_of(f->p, m, &n))
			return bad(f, m->name, "is no number");
		size = n;
	}
	if ((*have && *have != size) || size > UINT32_MAX)
		return bad(f, m->name, "does not fit to the other one");
	*have = size;
	return 0;
}

static int take_members(struct def *, const struct btf_type *);

/* values: an array of pointers to inner maps, or to functions. */
static int take_values(struct def *f, const struct btf_member *m)
{
	const struct btf_type *t = btf_type(f->p->btf, btf_skip(f->p->btf, m->type));
	struct def inner = {.p = f->p, .map = f->map, .inner = &f->map->inner};
	int err;

	if (t && t->kind == BTF_ARRAY)
		t = btf_type(f->p->btf, btf_skip(f->p->btf, t->type));
	if (t && t->kind == BTF_PTR)
		t = btf_type(f->p->btf, btf_skip(f->p->btf, t->type));
	if (f->inner || m->bit_off % 64)
		return bad(f, m->name, "cannot be there");
	f->values_off = m->bit_off / 8;
	f->has_values = true;
	if (!f->value_size)
		f->value_size = 4;
	if (t && t->kind == BTF_FUNC_PROTO)
		return 0;
	if (!t || t->kind != BTF_STRUCT)
		return bad(f, m->name, "is no array of pointers to maps or functions");
	err = take_members(&inner, t);
	f->map->inner.key_size = (u32)inner.key_size;
	f->map->inner.value_size = (u32)inner.value_size;
	return err;
}

static int take_members(struct def *f, const struct btf_type *t)
{
	int err = 0;

	for (u32 i = 0; i < t->n && !err; i++) {
		const struct btf_member *m = &t->members[i];
		u32 value;

		if (!strcmp(m->name, "values"))
			err = take_values(f, m);
		else if (!strcmp(m->name, "key") || !strcmp(m->name, "value") ||
			 !strcmp(m->name, "key_size") || !strcmp(m->name, "value_size"))
			err = take_size(f, m);
		else if (number_of(f->p, m, &value))
			err = take_number(f, m, value);
		else
			err = bad(f, m->name, "is no number");
	}
	return err;
}

/* ---- after all members are known */

/* Rings are whole pages, a power of two of them. */
static u32 ring_size(u32 n)
{
	u32 size = PAGE;

	while (size < n && size < 1u << 31)
		size *= 2;
	return size;
}

static int finish(struct plain *p, struct object_map *m)
{
	const struct map_kind *kind = map_kind(m->kind);

	if (!kind)
		return diag_fail(p->d, -EINVAL,
				 "is the map's type left out, or newer than this "
				 "waggle?",
				 "%s: map '%s' is of an unknown kind, %u", p->name, m->name,
				 m->kind);
	if ((m->kind == MAP_ARRAY_OF_MAPS || m->kind == MAP_HASH_OF_MAPS) && !m->inner.kind)
		return diag_fail(p->d, -EINVAL, "say it by __array(values, struct ...)",
				 "%s: map '%s' does not say which maps it holds", p->name, m->name);
	if (m->kind == MAP_RINGBUF || m->kind == MAP_USER_RINGBUF)
		m->max_entries = ring_size(m->max_entries);
	if (m->inner.kind == MAP_RINGBUF || m->inner.kind == MAP_USER_RINGBUF)
		m->inner.max_entries = ring_size(m->inner.max_entries);
	if (m->numa_node)
		m->flags |= NUMA_NODE;
	return 0;
}

static struct object_map *add_map(struct plain *p, const char *name, u32 section, u32 at)
{
	struct object_map *m = vec_add(&p->o->arena, &p->o->maps);
	u32 n = p->o->maps.n;

	*m = (struct object_map){.name = arena_strdup(&p->o->arena, name)};
	p->maps = arena_grow(&p->arena, p->maps, (n - 1) * sizeof(*p->maps), n * sizeof(*p->maps));
	p->maps[n - 1] = (struct plain_map){.section = section, .at = at};
	return m;
}

/* ---- .maps */

static int read_map(struct plain *p, const struct btf_secinfo *info)
{
	const struct btf_type *var = btf_type(p->btf, info->type), *t;
	struct def f = {.p = p};
	int err;

	if (!var || var->kind != BTF_VAR || p->o->maps.n == MAPS_MOST)
		return plain_broken(p, "%s: section .maps: its types are broken", p->name);
	t = btf_type(p->btf, btf_skip(p->btf, var->type));
	if (!t || t->kind != BTF_STRUCT)
		return plain_broken(p, "%s: section .maps: map '%s' is no struct", p->name,
				    var->name);
	f.map = add_map(p, var->name, p->map_section, info->off);
	err = take_members(&f, t);
	f.map->key_size = (u32)f.key_size;
	f.map->value_size = (u32)f.value_size;
	p->maps[p->o->maps.n - 1].values_off = f.has_values ? f.values_off : 0;
	return err ? err : finish(p, f.map);
}

/* ---- maps, as they were before BTF */

enum { DEF_KIND, DEF_KEY, DEF_VALUE, DEF_ENTRIES, DEF_FLAGS, DEF_WORDS };

/* BPF_ANNOTATE_KV_PAIR: a struct with a key and a value. */
static void legacy_types(struct plain *p, struct object_map *m)
{
	const char *name = arena_printf(&p->arena, "____btf_map_%s", m->name);
	u32 id = p->btf ? btf_find(p->btf, name, BTF_STRUCT) : 0;
	const struct btf_type *t = id ? btf_type(p->btf, id) : NULL;
	u64 key, value;

	if (!t || t->n < 2 || !btf_sizeof(p->btf, t->members[0].type, &key) ||
	    !btf_sizeof(p->btf, t->members[1].type, &value) || key != m->key_size ||
	    value != m->value_size)
		return;
	m->btf_key = t->members[0].type;
	m->btf_value = t->members[1].type;
}

static int read_legacy(struct plain *p, const struct plain_section *s, const struct elf_symbol *sym,
		       u64 size)
{
	u32 words[DEF_WORDS];
	struct object_map *m;
	const u8 *at = s->s.data + sym->value;

	if (size < sizeof(words) || size > s->s.size - sym->value || p->o->maps.n == MAPS_MOST)
		return plain_broken(p, "%s: section maps: map '%s' has %llu bytes", p->name,
				    sym->name, (unsigned long long)size);
	for (u64 i = sizeof(words); i < size; i++)
		if (at[i])
			return diag_fail(p->d, -EINVAL, "define the map in .maps, with BTF",
					 "%s: section maps: map '%s' uses members that were "
					 "iproute2's own",
					 p->name, sym->name);
	memcpy(words, at, sizeof(words));
	m = add_map(p, sym->name, s->s.index, (u32)sym->value);
	m->kind = words[DEF_KIND];
	m->key_size = words[DEF_KEY];
	m->value_size = words[DEF_VALUE];
	m->max_entries = words[DEF_ENTRIES];
	m->flags = words[DEF_FLAGS];
	legacy_types(p, m);
	return finish(p, m);
}

static int read_legacies(struct plain *p, u32 section)
{
	const struct plain_section *s = &p->sections[section];
	struct elf_symbol sym;
	u32 n = 0;
	int err = 0;

	for (u64 i = 0; plain_symbol(p, i, &sym); i++)
		n += sym.section == section && sym.type != ELF_SECTION && *sym.name;
	for (u64 i = 0; plain_symbol(p, i, &sym) && !err; i++) {
		if (sym.section != section || sym.type == ELF_SECTION || !*sym.name)
			continue;
		if (!s->s.data || sym.value >= s->s.size)
			return plain_broken(p, "%s: section maps: '%s' lies outside of it", p->name,
					    sym.name);
		err = read_legacy(p, s, &sym, sym.size ? sym.size : s->s.size / MAX(n, 1u));
	}
	return err;
}

int plain_maps(struct plain *p)
{
	const struct btf_type *sec = plain_datasec(p, ".maps");
	int err = 0;

	if (p->map_section && !sec)
		return diag_fail(
			p->d, -EINVAL, "compile with -g",
			"%s: section .maps: the object has no BTF that says what its maps are",
			p->name);
	for (u32 i = 0; sec && p->map_section && i < sec->n && !err; i++)
		err = read_map(p, &sec->secs[i]);
	for (u32 i = 1; i < p->elf.nsections && !err; i++)
		if (p->sections[i].role == ROLE_LEGACY)
			err = read_legacies(p, i);
	return err;
}

s64 plain_map_at(const struct plain *p, u32 section, u64 byte)
{
	const struct object *o = p->o;

	for (u32 i = 0; i < o->maps.n; i++)
		if (o->maps.v[i].section == SECTION_NONE && p->maps[i].at == byte &&
		    p->maps[i].section == section)
			return i;
	return -1;
}

/* ---- what is in the maps from the start */

/* The map whose variable holds this byte of `.maps`, and which of its values that is. */
static struct object_map *slot_of(struct plain *p, u64 byte, u32 *index)
{
	struct object_map *best = NULL;
	u32 at = 0;

	for (u32 i = 0; i < p->o->maps.n; i++) {
		struct object_map *m = &p->o->maps.v[i];

		if (m->section == SECTION_NONE && p->maps[i].section == p->map_section &&
		    p->maps[i].at <= byte && (!best || p->maps[i].at > at)) {
			best = m;
			at = p->maps[i].at;
		}
	}
	if (!best || !p->maps[best - p->o->maps.v].values_off)
		return NULL;
	at += p->maps[best - p->o->maps.v].values_off;
	*index = (u32)((byte - at) / 8);
	return byte >= at && (byte - at) % 8 == 0 ? best : NULL;
}

static int add_slot(struct plain *p, const struct elf_reloc *r)
{
	struct elf_symbol sym = {.name = "?"};
	u32 index = 0;
	struct object_map *m = slot_of(p, r->offset, &index);
	s64 what = -1;

	if (m && plain_symbol(p, r->symbol, &sym)) {
		if (m->inner.kind)
			what = plain_map_at(p, sym.section, sym.value);
		for (u32 i = 0; !m->inner.kind && i < p->o->progs.n; i++)
			if (!strcmp(p->o->progs.v[i].name, sym.name))
				what = i;
	}
	if (what < 0 || m->slots.n == SLOTS_MOST || index >= m->max_entries)
		return plain_broken(p,
				    "%s: section .maps: byte %llu is to hold '%s', which is no map "
				    "or program that could be there",
				    p->name, (unsigned long long)r->offset, sym.name);
	vec_push(&p->o->arena, &m->slots, (struct object_slot){.index = index, .what = (u32)what});
	return 0;
}

int plain_slots(struct plain *p)
{
	struct elf_reloc r;
	int err = 0;

	for (u32 i = 1; i < p->elf.nsections; i++) {
		const struct elf_section *s = &p->sections[i].s;

		if ((s->type != ELF_RELS && s->type != ELF_RELA) || !p->map_section ||
		    s->info != p->map_section)
			continue;
		for (u64 j = 0; !err && elf_reloc(s, j, &r); j++)
			err = add_slot(p, &r);
	}
	return err;
}
