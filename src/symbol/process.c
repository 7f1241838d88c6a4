/*
 * process.c: addresses of processes: /proc/PID/maps says which file is there, the file says which
 * function.
 *
 * A process that has gone, or whose address is in no file, gives nothing. Mappings are read again
 * when an address is in none of them (a library came later), at most ten times a second.
 */
#include "symbol/process.h"

#include "elf/elf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_NS 100000000u

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

/* ---- files */

static struct mapped_file *file_of(struct processes *ps, u64 dev, u64 ino, const char *path)
{
	struct mapped_file **f = &ps->files;

	for (; *f; f = &(*f)->next)
		if ((*f)->dev == dev && (*f)->ino == ino && !strcmp((*f)->path, path))
			return *f;
	*f = arena_new(&ps->arena, struct mapped_file);
	(*f)->dev = dev;
	(*f)->ino = ino;
	(*f)->path = arena_strdup(&ps->arena, path);
	return *f;
}

/* The file as the process sees it, which may live in a container; or, when it was replaced, what
 * the kernel still has of it. */
static int file_open(const struct mapped_file *f, u32 pid, const struct mapping *m)
{
	char path[4160];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/root%s", pid, f->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && !fstat(fd, &st) && st.st_ino == f->ino)
		return fd;
	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", pid,
		 (unsigned long long)m->start, (unsigned long long)m->end);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static void file_segments(struct processes *ps, struct mapped_file *f, const void *data, size_t n)
{
	struct diag quiet = {0};
	struct elf_segment s;
	struct elf elf;

	if (elf_open(&elf, data, n, "", &quiet))
		return;
	for (u32 i = 0; elf_load_segment(&elf, i, &s); i++)
		vec_push(&ps->arena, &f->segments, (struct file_segment){s.addr, s.offset, s.size});
}

static void file_read(struct processes *ps, struct mapped_file *f, u32 pid, const struct mapping *m)
{
	int fd = file_open(f, pid, m);
	struct stat st;
	void *data;

	if (fd < 0)
		return; /* another process may see it */
	f->read = true;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			file_segments(ps, f, data, (size_t)st.st_size);
			elf_symbols(&f->table, data, (size_t)st.st_size);
			munmap(data, (size_t)st.st_size);
		}
	}
	close(fd);
}

/* ---- processes */

void process_maps_parse(struct processes *ps, struct process *p, char *text)
{
	char *line = text, *next;

	p->maps.n = 0;
	for (; line && *line; line = next) {
		unsigned long long start, end, offset, ino;
		unsigned major, minor;
		int at = 0;

		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (sscanf(line, "%llx-%llx %*s %llx %x:%x %llu %n", &start, &end, &offset, &major,
			   &minor, &ino, &at) < 6 ||
		    !at)
			continue;
		if (line[at] == '/' &&
		    !strcmp(line + strlen(line) - MIN(strlen(line), 10), " (deleted)"))
			line[strlen(line) - 10] = 0;
		if (line[at] != '/')
			continue;
		vec_push(&ps->arena, &p->maps,
			 (struct mapping){start, end, offset,
					  file_of(ps, (u64)major << 32 | minor, ino, line + at)});
	}
}

static void maps_read(struct processes *ps, struct process *p)
{
	struct buf text = {0};
	char path[64];
	ssize_t n = 1;
	int fd;

	p->asked = now();
	snprintf(path, sizeof(path), "/proc/%u/maps", p->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && n > 0) {
		char *to = buf_reserve(&text, 16384);

		n = to ? read(fd, to, 16384) : 0;
		text.n += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
	if (text.n && !text.failed) { /* else it has ended: what was known stays */
		buf_char(&text, 0);
		if (!text.failed)
			process_maps_parse(ps, p, text.p);
	}
	buf_free(&text);
}

static const struct mapping *mapping_find(const struct process *p, u64 addr)
{
	u32 lo = 0, hi = p->maps.n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (p->maps.v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->maps.n && p->maps.v[lo].start <= addr ? &p->maps.v[lo] : NULL;
}

static struct process *process_of(struct processes *ps, u32 pid)
{
	struct process **p = &ps->all;

	for (; *p; p = &(*p)->next)
		if ((*p)->pid == pid)
			return *p;
	*p = arena_new(&ps->arena, struct process);
	(*p)->pid = pid;
	maps_read(ps, *p);
	return *p;
}

bool process_symbol(struct processes *ps, u32 pid, u64 addr, struct symbol *out)
{
	struct process *p = process_of(ps, pid);
	const struct mapping *m = mapping_find(p, addr);
	const struct symbol_row *row;
	u64 at;

	if (!m && now() - p->asked > AGAIN_NS) {
		maps_read(ps, p);
		m = mapping_find(p, addr);
	}
	if (!m)
		return false;
	out->module = m->file->path;
	if (!m->file->read)
		file_read(ps, m->file, pid, m);
	at = addr - m->start + m->offset;
	vec_each (s, &m->file->segments) {
		if (at < s->offset || at - s->offset >= s->size)
			continue;
		at = at - s->offset + s->addr;
		row = symbol_table_find(&m->file->table, at);
		if (!row)
			return false;
		out->name = m->file->table.text.p + row->name;
		out->off = at - row->addr;
		return true;
	}
	return false;
}

void processes_free(struct processes *ps)
{
	for (struct mapped_file *f = ps->files; f; f = f->next)
		symbol_table_free(&f->table);
	arena_free(&ps->arena);
	*ps = (struct processes){0};
}
