/*
 * cpus.c: which CPUs there are.
 *
 * Lists of the kernel read as "0-3,8". Values of per-CPU maps come for each possible CPU, rings
 * are made for those that are online.
 */
#include "engine/kernel/kernel.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static u32 cpus_parse(struct cpus *set, const char *p, u32 *top)
{
	u32 n = 0;

	*set = (struct cpus){0};
	*top = 0;
	while (*p >= '0' && *p <= '9') {
		char *end;
		unsigned long first = strtoul(p, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long c = first; c <= last && c < CPUS_MOST; c++, n++) {
			set->bits[c / 64] |= 1ull << (c % 64);
			*top = (u32)c + 1;
		}
		p = *end == ',' ? end + 1 : end;
	}
	return n;
}

u32 cpus_read(struct cpus *set, const char *which, u32 *top)
{
	char path[64], text[1024] = "";
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", which);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n > 0)
		return cpus_parse(set, text, top);
	/* no /sys: what libc can find out */
	snprintf(text, sizeof(text), "0-%ld", MAX(sysconf(_SC_NPROCESSORS_CONF), 1L) - 1);
	return cpus_parse(set, text, top);
}
