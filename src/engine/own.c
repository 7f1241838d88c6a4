/*
 * own.c: data sections and entries of the maps of our own machine, for the engines that run
 * programs in it.
 *
 * In:  the number of a map in the object. Out: what bpf(2) would say of such a map.
 */
#include "engine/own.h"

#include "engine/config.h"

#include <errno.h>
#include <stdlib.h>

static struct vm_map *map_of(const struct engine *e, u32 map)
{
	return vm_map_of(e->vm, map);
}

/* ---- data sections */

void own_cpus_set(struct object *o, u32 cpus)
{
	struct object_map *m = o->plain ? NULL : object_section(o, SECTION_RODATA);
	struct waggle_config *c = m && m->value_size >= sizeof(*c) ? (void *)m->data : NULL;

	if (c)
		c->cpu_mask = cpus - 1;
}

static int rodata_fill(struct engine *e, const struct engine_opts *opts, u32 map, u32 cpus)
{
	u8 *data = map_of(e, map)->values;
	struct waggle_config c;

	if (e->object->maps.v[map].value_size < sizeof(c))
		return 0;
	config_fill(&c, opts, false);
	c.cpu_mask = cpus - 1;
	c.all_family = opts->cpid != 0;
	memcpy(data, &c, sizeof(c));
	return fills_fill(e->object, data, false, e->diag);
}

static void bss_take(struct engine *e, u32 map)
{
	const struct object_map *m = &e->object->maps.v[map];
	size_t counters = sizeof(struct waggle_counters) * CONTROL_CPUS * e->object->progs.n;

	if (m->value_size < sizeof(struct waggle_control))
		return;
	e->control = (void *)map_of(e, map)->values;
	if (m->value_size >= sizeof(struct waggle_control) + counters)
		e->counters = (void *)(e->control + 1);
}

int own_sections_fill(struct engine *e, const struct engine_opts *opts, u32 cpus)
{
	int err = 0;

	for (u32 i = 0; i < e->object->maps.n && !err; i++) {
		const struct object_map *m = &e->object->maps.v[i];

		if (m->section == SECTION_RODATA && !e->object->plain)
			err = rodata_fill(e, opts, i, cpus);
		else if (m->section == SECTION_BSS && !e->object->plain)
			bss_take(e, i);
		e->map_bytes += (u64)m->max_entries * (m->key_size + m->value_size);
	}
	return err;
}

/* ---- entries of maps */

u32 own_map_bytes(struct engine *e, u32 map)
{
	const struct vm_map *m = map_of(e, map);
	const struct map_kind *kind = map_kind(m->kind);

	return kind && kind->per_cpu ? e->cpus * ALIGN_UP(m->value_size, 8) : m->value_size;
}

int own_map_lookup(struct engine *e, u32 map, const void *key, void *value)
{
	return vm_map_lookup(map_of(e, map), key, value);
}

int own_map_update(struct engine *e, u32 map, const void *key, const void *value, u64 flags)
{
	return vm_map_update(map_of(e, map), key, value, flags);
}

int own_map_delete(struct engine *e, u32 map, const void *key)
{
	return vm_map_delete(map_of(e, map), key);
}

int own_map_next(struct engine *e, u32 map, const void *key, void *next)
{
	return vm_map_next(map_of(e, map), key, next);
}

#define UNBOUNDED 65536 /* entries of a kind that has as many as there are tasks */

/* What has gone meanwhile, and slots that hold nothing, are left out. A map that programs change
 * meanwhile may begin again: no end without the bound. */
int own_map_read(struct engine *e, u32 map, struct buf *keys, struct buf *values, u32 *n)
{
	struct vm_map *m = map_of(e, map);
	u32 bytes = ALIGN_UP(own_map_bytes(e, map), 8);
	u64 most = m->max_entries ? 2 * (u64)m->max_entries : UNBOUNDED;
	u8 *last = malloc(MAX(m->key_size, 1u));
	bool any = false;
	int err = last ? 0 : -ENOMEM;

	for (u64 i = 0; !err && i < most; i++) {
		char *key = buf_reserve(keys, m->key_size), *value = buf_reserve(values, bytes);

		err = key && value ? vm_map_next(m, any ? last : NULL, key) : -ENOMEM;
		if (err)
			break;
		memset(value, 0, bytes);
		memcpy(last, key, m->key_size);
		any = true;
		if (vm_map_lookup(m, key, value))
			continue;
		keys->n += m->key_size;
		values->n += bytes;
		*n += 1;
	}
	free(last);
	return err == -ENOENT ? 0 : err;
}

s64 own_recursion(struct engine *e)
{
	(void)e;
	return 0;
}

bool own_needs_process(const struct object *o)
{
	vec_each (a, &o->attaches)
		if (attach_infos[a->kind].flags & ATTACH_GATED)
			return true;
	return false;
}
