/*
 * config.c: fills what an object is told of this run: struct waggle_config, and the words of
 * .rodata that only the machine knows.
 */
#include "engine/config.h"

#include "base/clock.h"
#include "base/namespace.h"
#include "symbol/names.h"
#include "symbol/symbol.h"
#include "vm/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_CGROUP_NAMESPACE 0xeffffffbu /* PROC_CGROUP_INIT_INO */

void config_fill(struct waggle_config *c, const struct engine_opts *opts, bool namespaces)
{
	*c = (struct waggle_config){
		.cpid = opts->cpid,
		.pid = opts->pid,
		.start_ns = clock_now(CLOCK_BOOTTIME), /* what nsecs counts */
	};
	if (namespaces)
		namespace_pids(&c->pidns_dev, &c->pidns_ino);
}

/* How many folders it lies below the mount of version 2. In a namespace of cgroups nobody knows
 * what is above the root that is seen: then a level that no cgroup has. */
static u64 cgroup_level(const char *path)
{
	char line[512], where[256], kind[32], *real = realpath(path, NULL);
	FILE *f = fopen("/proc/self/mounts", "re");
	struct stat ns;
	u64 level = UINT32_MAX;

	if (stat("/proc/self/ns/cgroup", &ns) || ns.st_ino != FIRST_CGROUP_NAMESPACE)
		goto out;
	while (f && real && fgets(line, sizeof(line), f)) {
		size_t n;

		if (sscanf(line, "%*s %255s %31s", where, kind) != 2 ||
		    strcmp(kind, "cgroup2") != 0)
			continue;
		n = strlen(where);
		if (strncmp(real, where, n) != 0 || (real[n] && real[n] != '/'))
			continue;
		level = 0;
		for (const char *p = real + n; *p; p++)
			level += p[0] == '/' && p[1];
	}
out:
	if (f)
		fclose(f);
	free(real);
	return level;
}

/* As the kernel has it: major << 20 | minor; 0: there is no such disk. */
static u64 disk_number(const char *name)
{
	u32 major = 0, minor = 0;
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/block/%s/dev", name);
	f = strchr(name, '/') ? NULL : fopen(path, "re");
	if (f && fscanf(f, "%u:%u", &major, &minor) != 2)
		major = minor = 0;
	if (f)
		fclose(f);
	return (u64)major << 20 | minor;
}

int fills_fill(const struct object *o, u8 *data, bool live, struct diag *d)
{
	u64 value = 0;
	int err;

	vec_each (f, &o->fills) {
		switch (f->kind) {
		case FILL_KADDR:
			value = kernel_address(f->text);
			if (!value)
				return diag_fail(d, -ENOENT,
						 "/proc/kallsyms lists them; "
						 "kernel.kptr_restrict=2 hides their addresses",
						 "the kernel has no symbol '%s', or hides it",
						 f->text);
			break;
		case FILL_CGROUP:
			err = cgroup_id(f->text, &value);
			if (err)
				return diag_fail(d, err,
						 "the cgroup's folder, as "
						 "/sys/fs/cgroup/system.slice",
						 "cgroup '%s' cannot be found: %s", f->text,
						 err == -EMEDIUMTYPE ? "it is none of version 2"
								     : strerror(-err));
			break;
		case FILL_CGROUP_LEVEL: value = cgroup_level(f->text); break;
		case FILL_USER: value = names_uid(f->text); break;
		case FILL_DISK: value = disk_number(f->text); break;
		case FILL_DEVICE:
			value = if_nametoindex(f->text);
			if (!value && live)
				return diag_fail(d, -ENODEV, "`ip link` lists what there is",
						 "there is no device %s to redirect to", f->text);
			break;
		case FILL_CPUS: value = (u64)sysconf(_SC_NPROCESSORS_CONF); break;
		case FILL_WALL_OFFSET:
			value = clock_now(CLOCK_REALTIME) - clock_now(CLOCK_BOOTTIME);
			break;
		default: value = clock_now(CLOCK_TAI) - clock_now(CLOCK_MONOTONIC);
		}
		memcpy(data + f->off, &value, sizeof(value));
	}
	return 0;
}
