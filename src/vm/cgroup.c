/*
 * cgroup.c: numbers of cgroups, by their folders.
 *
 * The id of a cgroup is the number of its folder: what its file handle holds.
 */
#include "vm/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CGROUP2_MAGIC 0x63677270u /* CGROUP2_SUPER_MAGIC */

static int read_handle(int fd, const char *path, u64 *id)
{
	struct {
		struct file_handle head;
		u64 id;
	} handle = {.head.handle_bytes = sizeof(u64)};
	int mount;

	if (name_to_handle_at(fd, path, &handle.head, &mount, *path ? 0 : AT_EMPTY_PATH))
		return -errno;
	memcpy(id, handle.head.f_handle, sizeof(*id));
	return 0;
}

int cgroup_id(const char *path, u64 *id)
{
	struct statfs fs;

	if (statfs(path, &fs))
		return -errno;
	return (unsigned)fs.f_type == CGROUP2_MAGIC ? read_handle(AT_FDCWD, path, id)
						    : -EMEDIUMTYPE;
}

int cgroup_id_of(int fd, u64 *id)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) || (unsigned)fs.f_type != CGROUP2_MAGIC)
		return -EBADF;
	return read_handle(fd, "", id);
}

/* "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0" */
bool cgroup_mount(char *where, size_t size)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	char line[4096], kind[32], path[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*s %255s %31s", path, kind) == 2 && !strcmp(kind, "cgroup2");
	if (f)
		fclose(f);
	if (found)
		snprintf(where, size, "%s", path);
	return found;
}

/* Of version 2: "0::/user.slice". */
static bool read_path(u32 tid, char *path, size_t size)
{
	char name[64], line[4096];
	bool found = false;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%u/cgroup", tid);
	f = fopen(name, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, "0::", 3);
	if (f)
		fclose(f);
	if (!found)
		return false;
	line[strcspn(line, "\n")] = 0;
	snprintf(path, size, "%s", line + 3);
	return true;
}

u32 cgroup_chain(u32 tid, u64 ids[CGROUPS_MOST])
{
	char path[256 + 4096], *below;
	u32 n = 0;

	if (!cgroup_mount(path, 256))
		return 0;
	below = path + strlen(path);
	if (!read_path(tid, below, 4096) || *below != '/')
		return 0;
	if (!below[1])
		*below = 0;
	while (n < CGROUPS_MOST) {
		if (cgroup_id(path, &ids[n++]))
			return 0;
		if (!*below)
			break; /* that was the root */
		*strrchr(below, '/') = 0;
	}
	return n;
}
