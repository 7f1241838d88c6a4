/*
 * data.c: fills the data sections: .rodata with what a program may know of this run, .bss with
 * the block that programs and reader share, made larger for the scratch memory of each CPU.
 */
#include "engine/config.h"
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

u32 data_size(const struct kernel_engine *k, const struct object_map *m)
{
	return m->section == SECTION_BSS ? m->value_size + k->slots * m->per_cpu : m->value_size;
}

static int rodata_fill(struct kernel_engine *k, u32 map, u8 *data)
{
	const struct object_map *m = &k->base.object->maps.v[map];
	struct waggle_config c;
	u32 key = 0;
	int err;

	if (!k->base.object->plain) {
		config_fill(&c, &k->opts, true);
		c.cpu_mask = k->slots - 1;
		memcpy(data, &c, MIN(sizeof(c), m->value_size));
		err = fills_fill(k->base.object, data, true, k->base.diag);
		if (err)
			return err;
	}
	err = sys_map_update(k->maps[map], &key, data, 0);
	if (!err)
		err = sys_map_freeze(k->maps[map]);
	if (!err && !k->rodata && !k->base.object->plain) { /* programs are loaded for just these constants */
		k->rodata = data;
		k->rodata_map = map;
		k->rodata_size = m->value_size;
	}
	return err;
}

static int bss_map(struct kernel_engine *k, u32 map)
{
	const struct object_map *m = &k->base.object->maps.v[map];
	size_t size = ALIGN_UP((size_t)data_size(k, m), 4096);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, k->maps[map], 0);

	if (p == MAP_FAILED)
		return -errno;
	k->bss = p;
	k->bss_size = size;
	k->bss_map = map;
	if (m->data)
		memcpy(p, m->data, m->value_size);
	if (m->value_size >= sizeof(struct waggle_control)) {
		size_t counters =
			sizeof(struct waggle_counters) * CONTROL_CPUS * k->base.object->progs.n;

		k->base.control = p;
		if (m->value_size >= sizeof(struct waggle_control) + counters)
			k->base.counters = (void *)(k->base.control + 1);
	}
	return 0;
}

int data_fill(struct kernel_engine *k, u32 map)
{
	const struct object_map *m = &k->base.object->maps.v[map];
	u32 key = 0;
	u8 *data;
	int err;

	if (m->section == SECTION_BSS && k->base.object->plain)
		return 0; /* zeroes, all of the programs' own */
	if (m->section == SECTION_BSS) {
		err = bss_map(k, map);
	} else {
		data = calloc(1, MAX(m->value_size, 1u));
		if (!data)
			return -ENOMEM;
		if (m->data)
			memcpy(data, m->data, m->value_size);
		err = m->section == SECTION_RODATA ? rodata_fill(k, map, data)
						   : sys_map_update(k->maps[map], &key, data, 0);
		if (data != k->rodata)
			free(data);
	}
	if (err && k->base.diag->errors)
		return err; /* it has been said */
	return err ? why_failed(k, err, "cannot fill %s", m->name) : 0;
}
