/*
 * maps.c: makes an object's maps in the kernel.
 */
#include "engine/kernel/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int map_create(struct kernel_engine *k, struct sys_map *m)
{
	int fd = sys_map_create(m);

	/* 5.10 counts map memory as locked memory */
	if (fd == -EPERM && k->kernel < KERNEL(5, 11) && memlock_raise())
		fd = sys_map_create(m);
	if (fd < 0 && m->btf_fd && fd != -EPERM && fd != -ENOMEM) {
		m->btf_fd = 0; /* types are for people; old kernels refuse some */
		fd = sys_map_create(m);
	}
	return fd;
}

/* Kinds for which the kernel takes no types. */
static bool untyped(u32 kind)
{
	static const u8 kinds[] = {MAP_PROG_ARRAY,    MAP_PERF_EVENT_ARRAY,
				   MAP_CGROUP_ARRAY,  MAP_STACK_TRACE,
				   MAP_ARRAY_OF_MAPS, MAP_HASH_OF_MAPS,
				   MAP_DEVMAP,        MAP_DEVMAP_HASH,
				   MAP_CPUMAP,        MAP_XSKMAP,
				   MAP_SOCKMAP,       MAP_SOCKHASH,
				   MAP_QUEUE,         MAP_STACK,
				   MAP_RINGBUF,       MAP_USER_RINGBUF,
				   MAP_ARENA};

	return memchr(kinds, (int)kind, sizeof(kinds));
}

/* Types of values that the kernel can check: sizes as in the BTF, and no map of maps. */
static bool map_typed(const struct kernel_engine *k, const struct object_map *m)
{
	if (k->base.object->plain)
		return k->btf_fd && !untyped(m->kind) &&
		       (m->section || (m->btf_key && m->btf_value));
	return k->btf_fd && m->kind != MAP_ARRAY_OF_MAPS && m->kind != MAP_RINGBUF &&
	       object_map_bytes(k->base.object, m) == data_size(k, m);
}

static int map_open(struct kernel_engine *k, u32 index)
{
	const struct object_map *m = &k->base.object->maps.v[index];
	struct sys_map s = {
		.name = m->name,
		.kind = m->kind,
		.key_size = m->key_size,
		.value_size = data_size(k, m),
		.max_entries = m->max_entries,
		.flags = m->flags,
		.numa_node = m->numa_node,
		.extra = m->extra,
	};
	int fd;

	/* before 6.1 programs may not allocate safely; the object may come from elsewhere */
	if (k->kernel < KERNEL(6, 1) && !k->base.object->plain)
		s.flags &= ~(u32)MAP_NO_PREALLOC;
	if (m->fill_per_cpu)
		return rings_open(k, index);
	if (m->section == SECTION_BSS || m->section == SECTION_DATA)
		s.flags |= MAP_MMAPABLE;
	if (m->section == SECTION_RODATA)
		s.flags |= MAP_RDONLY_PROG;
	if (map_typed(k, m)) {
		s.btf_fd = k->btf_fd;
		s.btf_key = m->section ? 0 : k->btf.maps[index].key;
		s.btf_value = k->btf.maps[index].value;
		if (!s.btf_value || (!m->section && !s.btf_key))
			s.btf_fd = 0;
	}
	if (k->base.object->plain) {
		fd = plain_map_open(k, m, &s);
		if (fd < 0)
			return fd;
	} else {
		fd = map_create(k, &s);
		if (fd < 0)
			return why_failed(k, fd, "cannot create map %s",
					  m->shown ? m->shown : m->name);
	}
	k->maps[index] = fd;
	k->base.map_bytes +=
		(u64)m->max_entries * (m->key_size + map_value_bytes(&k->base, m));
	if (m->section)
		return data_fill(k, index);
	return k->base.object->plain && k->opts.records ? plain_rings_open(k, index) : 0;
}

int maps_open(struct kernel_engine *k)
{
	int err = 0;

	for (u32 i = 0; i < k->base.object->maps.n && !err; i++)
		err = map_open(k, i);
	return err ? err : plain_slots_fill(k, true);
}
