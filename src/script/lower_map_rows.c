/*
 * lower_map_rows.c: the maps of a script as rows of the object: kind, sizes, layouts, names.
 *
 * In:  what the checker learnt of them. Out: object maps in the order of their names, and their
 * numbers.
 */
#include "script/lower.h"

#include "isa/isa.h"

#include <stdlib.h>

#define BPF_F_NO_PREALLOC 1
#define SPARE_ENTRIES     64
#define SPARE_LEAST       8
#define SPARE_BYTES       (128 << 10) /* of a CPU's values, where they are large */

static void map_layouts(struct lower *l, struct script_map *m, struct object_map *o)
{
	for (u32 i = 0; i < m->nkeys; i++) {
		struct field *f = layout_add(l, &o->key, arena_printf(&l->object->arena, "k%u", i),
					     m->keys[i]);

		if (m->keys[i].kind == TYPE_STR && m->keys[i].size == STR_KEY)
			layout_may_cut(l, f);
	}
	if (m->value.kind == TYPE_AGG) {
		o->agg = m->value.agg;
		o->value_signed = m->value.is_signed;
		o->value_size = m->value.size;
		memcpy(o->agg_arg, m->agg_arg, sizeof(o->agg_arg));
	} else {
		layout_add(l, &o->value, "value", m->value);
		o->value_size = o->value.size;
	}
	o->key_size = o->key.size;
}

bool lower_agg_shared(const struct lower *l, const struct script_map *m)
{
	return !map_kind(l->object->maps.v[m->index].kind)->per_cpu;
}

/* Whether its programs may run while interrupts are off. Those of system calls do not. */
static bool is_hard(const struct point *p)
{
	return attach_infos[p->row->attach].flags & ATTACH_HARD &&
	       (p->row->attach != ATTACH_TRACEPOINT ||
		(strncmp(p->pattern, "syscalls:", 9) != 0 &&
		 strncmp(p->pattern, "raw_syscalls:", 13) != 0));
}

static u32 entries_of(const struct lower *l, const struct script_map *m)
{
	const struct limits *limits = &l->script->limits;

	return m->declared && !limits->map_entries_asked ? m->entries : limits->map_entries;
}

static void map_kind_of(struct lower *l, struct script_map *m, struct object_map *o)
{
	bool agg = m->value.kind == TYPE_AGG;
	/* one that a script reads is shared where programs cannot look up the values of other CPUs
	 */
	bool per_cpu = agg && (!m->read || l->object->kernel >= KERNEL(5, 19));

	if (m->nkeys) {
		o->kind = m->declared ? m->declared->kind : per_cpu ? MAP_PERCPU_HASH : MAP_HASH;
		o->max_entries = entries_of(l, m);
		/* below 6.1 the kernel warns of allocation inside of tracing programs */
		o->flags = l->object->kernel >= KERNEL(6, 1) &&
					   (o->kind == MAP_HASH || o->kind == MAP_PERCPU_HASH)
				   ? BPF_F_NO_PREALLOC
				   : 0;
		return;
	}
	o->scalar = true;
	o->value_size += 8;
	o->key_size = 4;
	o->max_entries = 1;
	o->kind = per_cpu ? MAP_PERCPU_ARRAY : MAP_ARRAY;
	if (!agg) {
		o->section = SECTION_DATA;
		o->name = arena_printf(&l->object->arena, ".data.%s", o->name);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct script_map *const *)a)->name,
		      (*(struct script_map *const *)b)->name);
}

/* An identifier for the kernel: @at and @ must not meet, nor a name of ours. */
static const char *map_name(struct lower *l, const char *name)
{
	const char *unique = !*name ? "at"
			     : strchr("0123456789", *name)
				     ? arena_printf(&l->object->arena, "at%s", name)
				     : name;
	bool taken = !strcmp(unique, WAGGLE_RINGS);

	vec_each (o, &l->object->maps)
		taken |= !strcmp(o->name, unique) ||
			 (!strncmp(o->name, ".data.", 6) && !strcmp(o->name + 6, unique));
	return taken ? map_name(l, arena_printf(&l->object->arena, "%s_", unique)) : unique;
}

/* The kernel allocates entries of a map as they come, from a store of a few on each CPU that it
 * fills up with interrupts on: of values for each CPU there are one to three. Where programs run
 * with interrupts off, keys that come then get into a spare map, which is allocated at once; a
 * whole one takes milliseconds (and is the way out where programs look at entries). */
static void make_room(struct lower *l, const struct script_map *m)
{
	struct object_map spare, *o = &l->object->maps.v[m->index];

	if (o->kind != MAP_PERCPU_HASH || !(o->flags & BPF_F_NO_PREALLOC))
		return;
	if (m->asked || o->max_entries <= SPARE_ENTRIES) {
		o->flags = 0;
		return;
	}
	o->spare = l->object->maps.n;
	spare = *o;
	spare.name = map_name(l, arena_printf(&l->object->arena, "%s_spare", o->name));
	spare.shown = NULL;
	spare.spare = spare.flags = 0;
	spare.max_entries = MIN(SPARE_ENTRIES, MAX(SPARE_LEAST, SPARE_BYTES / o->value_size));
	vec_push(&l->object->arena, &l->object->maps, spare);
}

/* Maps are printed by name, so they stand in that order. */
void lower_maps(struct lower *l, const struct point *points)
{
	struct arena *arena = &l->object->arena;
	vec(struct script_map *) sorted = {0};
	bool hard = false;

	for (const struct point *p = points; p; p = p->next)
		hard |= is_hard(p);
	for (struct script_map *m = l->script->maps; m; m = m->next)
		if (m->value.kind != TYPE_UNKNOWN) /* declared, and never used */
			vec_push(arena, &sorted, m);
	if (sorted.n)
		qsort(sorted.v, sorted.n, sizeof(*sorted.v), by_name);
	vec_each (each, &sorted) {
		struct script_map *m = *each;
		const char *name = map_name(l, m->name);
		struct object_map *o = vec_add(&l->object->arena, &l->object->maps);

		m->index = l->object->maps.n - 1;
		o->name = name;
		o->shown = arena_printf(arena, "@%s", m->name);
		o->at = m->at;
		map_layouts(l, m, o);
		map_kind_of(l, m, o);
		if (!strcmp(name, WAGGLE_FAMILY))
			family_map(o);
		if (hard)
			make_room(l, m);
	}
}
