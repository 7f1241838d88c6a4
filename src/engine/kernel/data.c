/*
 * data.c: fills the data sections: .rodata with what a program may know of this run, .bss with
 * the block that programs and reader share, made larger for the scratch memory of each CPU.
 */
#include "engine/kernel/kernel.h"

#include "symbol/symbol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#define FIRST_PID_NAMESPACE 0xeffffffcu /* PROC_PID_INIT_INO */

u32 data_size(const struct kernel_engine *k, const struct object_map *m)
{
	return m->section == SECTION_BSS ? m->value_size + k->slots * m->per_cpu : m->value_size;
}

static void config_fill(const struct kernel_engine *k, struct waggle_config *c)
{
	struct timespec t;
	struct stat ns;

	*c = (struct waggle_config){
		.cpid = k->opts.cpid,
		.pid = k->opts.pid,
		.cpu_mask = k->slots - 1,
	};
	clock_gettime(CLOCK_BOOTTIME, &t); /* what nsecs counts */
	c->start_ns = (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
	if (!stat("/proc/self/ns/pid", &ns) && ns.st_ino != FIRST_PID_NAMESPACE) {
		/* the kernel's own dev_t: 12 bits of major above 20 of minor */
		c->pidns_dev = (u64)major(ns.st_dev) << 20 | minor(ns.st_dev);
		c->pidns_ino = ns.st_ino;
	}
}

/* The id of a cgroup is the number of its folder: what its file handle holds. */
static int cgroup_id(const char *path, u64 *id)
{
	struct {
		struct file_handle head;
		u64 id;
	} handle = {.head.handle_bytes = sizeof(u64)};
	int mount;

	if (name_to_handle_at(AT_FDCWD, path, &handle.head, &mount, 0))
		return -errno;
	memcpy(id, handle.head.f_handle, sizeof(*id));
	return 0;
}

static u64 tai_offset(void)
{
	struct timespec tai, mono;

	clock_gettime(CLOCK_TAI, &tai);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return (u64)(tai.tv_sec - mono.tv_sec) * 1000000000u +
	       (u64)(tai.tv_nsec - mono.tv_nsec);
}

/* The words of .rodata that only this machine knows. */
static int fills_fill(struct kernel_engine *k, u8 *data)
{
	struct diag *d = k->base.diag;
	u64 value = 0;
	int err;

	vec_each(f, &k->base.object->fills) {
		switch (f->kind) {
		case FILL_KADDR:
			value = kernel_address(f->text);
			if (!value)
				return diag_fail(d, -ENOENT, "/proc/kallsyms lists them; "
						 "kernel.kptr_restrict=2 hides their addresses",
						 "the kernel has no symbol '%s', or hides it",
						 f->text);
			break;
		case FILL_CGROUP:
			err = cgroup_id(f->text, &value);
			if (err)
				return diag_fail(d, err, "the cgroup's folder, as "
						 "/sys/fs/cgroup/system.slice",
						 "cgroup '%s' cannot be found: %s", f->text,
						 strerror(-err));
			break;
		default: value = tai_offset();
		}
		memcpy(data + f->off, &value, sizeof(value));
	}
	return 0;
}

static int rodata_fill(struct kernel_engine *k, u32 map, u8 *data)
{
	const struct object_map *m = &k->base.object->maps.v[map];
	struct waggle_config c;
	u32 key = 0;
	int err;

	if (!k->base.object->plain) {
		config_fill(k, &c);
		memcpy(data, &c, MIN(sizeof(c), m->value_size));
		err = fills_fill(k, data);
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
