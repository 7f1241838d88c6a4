/*
 * perfmap.c: functions that a process has made while it runs, as it lists them for perf.
 *
 * In:  /tmp/perf-PID.map, in the process's own mounts and by its number in its own PID namespace;
 * lines "START SIZE NAME", hexadecimal, in any order, later ones where earlier ones were. Out: a
 * table. It is read again when an address is not in it and the file has grown, at most ten times a
 * second.
 */
#include "symbol/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define AGAIN_NS  100000000u
#define FILE_MOST (64u << 20)

static const char *hex(const char *p, const char *end, u64 *v)
{
	const char *from = p;

	if (end - p > 2 && p[0] == '0' && p[1] == 'x')
		from = p += 2;
	for (*v = 0; p < end; p++) {
		char c = (char)(*p | 32);

		if (c >= '0' && c <= '9')
			*v = *v << 4 | (u64)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*v = *v << 4 | (u64)(c - 'a' + 10);
		else
			break;
	}
	return p > from && p < end && *p == ' ' ? p + 1 : NULL;
}

void perfmap_parse(struct symbol_table *t, const char *text, size_t n)
{
	const char *p = text, *all = text + n, *end, *name;
	u64 addr, size;

	for (; p < all && (end = memchr(p, '\n', (size_t)(all - p))); p = end + 1) {
		name = hex(p, end, &addr);
		name = name ? hex(name, end, &size) : NULL;
		if (name && name < end && addr && size)
			symbol_table_add(t, addr, size, name, (size_t)(end - name), 0);
	}
	symbol_table_sort_last(t);
}

/* Its number in its own namespace, which is the last one; else the one we know. 0: it has ended. */
static u32 inner_pid(u32 pid)
{
	char path[64], line[256];
	u32 inner = pid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	f = fopen(path, "re");
	if (!f && errno == ENOENT)
		return 0;
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "NSpid:", 6)) {
			const char *last = strrchr(line, '\t');

			inner = last ? (u32)strtoul(last + 1, NULL, 10) : pid;
			break;
		}
	if (f)
		fclose(f);
	return inner ? inner : pid;
}

static int perfmap_open(const struct process *p)
{
	u32 pid = p->pid, inner = p->gone ? 0 : inner_pid(pid);
	char path[128];
	int fd;

	if (inner) {
		snprintf(path, sizeof(path), "/proc/%u/root/tmp/perf-%u.map", pid, inner);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0)
			return fd;
	}
	snprintf(path, sizeof(path), "/tmp/perf-%u.map", pid);
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

void perfmap_free(struct process *p)
{
	if (p->jit)
		symbol_table_free(p->jit);
	free(p->jit);
	p->jit = NULL;
}

static void perfmap_take(struct process *p, int fd, size_t size)
{
	struct buf text = {0};
	ssize_t n = 1;

	while (text.n < size && n > 0 && buf_reserve(&text, size - text.n)) {
		n = read(fd, text.p + text.n, size - text.n);
		text.n += n > 0 ? (size_t)n : 0;
	}
	perfmap_free(p);
	p->jit = calloc(1, sizeof(*p->jit));
	if (p->jit)
		perfmap_parse(p->jit, text.p, text.n);
	p->jit_size = size;
	buf_free(&text);
}

const struct symbol_row *perfmap_find(struct process *p, u64 addr)
{
	const struct symbol_row *row = p->jit ? symbol_table_find(p->jit, addr) : NULL;
	u64 now = clock_now(CLOCK_MONOTONIC);
	struct stat st;
	int fd;

	if (row || (p->jit_asked && now - p->jit_asked < AGAIN_NS))
		return row;
	p->jit_asked = now;
	fd = perfmap_open(p);
	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= FILE_MOST &&
	    (u64)st.st_size != p->jit_size) {
		perfmap_take(p, fd, (size_t)st.st_size);
		row = p->jit ? symbol_table_find(p->jit, addr) : NULL;
	}
	close(fd);
	return row;
}
