/*
 * process.c: addresses of processes: what a process maps says which file is there, the file says
 * which function.
 *
 * Mappings come from /proc/PID/maps when a process is first seen, and again when an address is in
 * none of them (a library came later), at most ten times a second; or from the watch (watch.c),
 * which sees programs, mappings, forks and ends as they happen, so that a process that has ended is
 * still known. What a process ran before its last exec is looked through, too: a stack may be older
 * than that.
 */
#include "symbol/process.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define AGAIN_NS    100000000u
#define GENERATIONS 8 /* so many are asked for what one that has ended has seen */

struct mapped_file *process_file(struct processes *ps, u64 dev, u64 ino, const char *path)
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

/* ---- images */

static void image_push(struct image *im, struct mapping m)
{
	if (im->n == im->cap) {
		u32 cap = im->cap ? im->cap * 2 : 16;
		struct mapping *v = realloc(im->v, cap * sizeof(*v));

		if (!v)
			return;
		im->v = v;
		im->cap = cap;
	}
	im->v[im->n++] = m;
}

void image_add(struct image *im, struct mapping m)
{
	u32 keep = 0, at;

	for (u32 i = 0; i < im->n; i++) /* mapped over */
		if (im->v[i].end <= m.start || im->v[i].start >= m.end)
			im->v[keep++] = im->v[i];
	im->n = keep;
	image_push(im, m);
	for (at = im->n - 1; im->n && at && im->v[at - 1].start > m.start; at--) {
		im->v[at] = im->v[at - 1];
		im->v[at - 1] = m;
	}
}

const struct mapping *mapping_find(const struct image *im, u64 addr)
{
	u32 lo = 0, hi = im->n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (im->v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < im->n && im->v[lo].start <= addr ? &im->v[lo] : NULL;
}

static void image_copy(struct image *to, const struct image *from)
{
	to->n = 0;
	for (u32 i = 0; i < from->n; i++)
		image_push(to, from->v[i]);
}

/* ---- /proc/PID/maps */

/* The kernel says so behind the path, whose own length is n. */
bool path_deleted(const char *path, size_t *n)
{
	static const char mark[] = " (deleted)";
	size_t whole = strlen(path), less = sizeof(mark) - 1;
	bool deleted = *path == '/' && whole > less && !strcmp(path + whole - less, mark);

	*n = deleted ? whole - less : whole;
	return deleted;
}

static void maps_line(struct processes *ps, struct process *p, char *line)
{
	unsigned long long start, end, offset, ino;
	unsigned major, minor;
	struct mapped_file *f;
	bool deleted;
	size_t n;
	int at = 0;

	if (sscanf(line, "%llx-%llx %*s %llx %x:%x %llu %n", &start, &end, &offset, &major, &minor,
		   &ino, &at) < 6 ||
	    !at)
		return;
	deleted = path_deleted(line + at, &n);
	line[(size_t)at + n] = 0;
	if (line[at] != '/' && strcmp(line + at, "[vdso]") != 0)
		return;
	f = process_file(ps, (u64)major << 32 | minor, ino, line + at);
	f->deleted |= deleted;
	image_push(&p->images[0], (struct mapping){start, end, offset, f});
}

void process_maps_parse(struct processes *ps, struct process *p, char *text)
{
	char *line = text, *next;

	p->images[0].n = 0;
	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		maps_line(ps, p, line);
	}
}

void process_look(struct processes *ps, struct process *p)
{
	struct buf text = {0};
	char path[64];
	ssize_t n = 1;
	int fd;

	p->asked = clock_now(CLOCK_MONOTONIC);
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

/* ---- processes */

static void process_free(struct process *p)
{
	for (u32 i = 0; i < IMAGES_KEPT; i++)
		free(p->images[i].v);
	perfmap_free(p);
	free(p);
}

/* Room for another one: one that has ended goes, bucket after bucket. */
static void evict(struct processes *ps)
{
	for (u32 i = 0; i < PROCESS_BUCKETS; i++) {
		struct process **p = &ps->buckets[ps->evict++ % PROCESS_BUCKETS], *old;

		while (*p && !(*p)->gone)
			p = &(*p)->next;
		if (!*p)
			continue;
		old = *p;
		*p = old->next;
		process_free(old);
		ps->n--;
		return;
	}
}

struct process *process_of(struct processes *ps, u32 pid, bool look)
{
	struct process **p = &ps->buckets[pid % PROCESS_BUCKETS];

	for (; *p; p = &(*p)->next)
		if ((*p)->pid == pid)
			return *p;
	if (ps->n >= PROCESSES_KEPT) {
		evict(ps);
		p = &ps->buckets[pid % PROCESS_BUCKETS];
		while (*p)
			p = &(*p)->next;
	}
	*p = calloc(1, sizeof(**p));
	if (!*p)
		return NULL;
	(*p)->pid = pid;
	ps->n++;
	if (look)
		process_look(ps, *p);
	return *p;
}

static bool process_known(const struct processes *ps, u32 pid)
{
	const struct process *p = ps->buckets[pid % PROCESS_BUCKETS];

	while (p && p->pid != pid)
		p = p->next;
	return p;
}

void process_forked(struct processes *ps, u32 parent, u32 child)
{
	/* of all processes of the machine, what a parent maps is not read for each child */
	bool look = !ps->all && !process_known(ps, parent);
	struct process *from = process_of(ps, parent, look), *to = process_of(ps, child, false);

	if (!from || !to)
		return;
	to->gone = to->prepared = false; /* the number may have been another's */
	to->whole = from->whole;
	to->parent = to->family = parent;
	image_copy(&to->images[0], &from->images[0]);
}

void process_executed(struct processes *ps, u32 pid)
{
	struct process *p = process_of(ps, pid, false);

	if (!p)
		return;
	if (p->images[0].n) {
		free(p->images[IMAGES_KEPT - 1].v);
		memmove(p->images + 1, p->images, (IMAGES_KEPT - 1) * sizeof(*p->images));
		p->images[0] = (struct image){0};
	}
	perfmap_free(p);
	p->jit_size = p->jit_asked = 0;
	p->whole = true;
	p->gone = p->prepared = false;
	p->parent = 0;
}

void process_ended(struct processes *ps, u32 pid)
{
	struct process *p = process_of(ps, pid, false);

	if (p)
		p->gone = true;
}

/* The address as the file counts; false: it is in no part of it. */
static bool address_in(const struct mapped_file *f, u64 off, u64 *at)
{
	vec_each (s, &f->segments)
		if (off >= s->offset && off - s->offset < s->size) {
			*at = off - s->offset + s->addr;
			return true;
		}
	return false;
}

/* The symbols of a file that a process maps or has mapped. When it has ended, its parents may still
 * see the file: they mostly live in the same container. */
static bool read_file(struct processes *ps, const struct process *p, const struct mapping *m)
{
	for (u32 i = 0; i < GENERATIONS && p; i++) {
		if (m->file->read || file_read(ps, m->file, p->pid, m))
			return true;
		p = p->gone && p->family ? process_of(ps, p->family, false) : NULL;
	}
	return false;
}

static bool in_file(struct processes *ps, const struct process *p, const struct mapping *m,
		    u64 addr, struct symbol *out)
{
	const struct symbol_row *row;
	u64 off = addr - m->start + m->offset, at;

	out->module = m->file->path;
	if (!read_file(ps, p, m))
		return false;
	out->build_id = m->file->build_id.n ? &m->file->build_id : NULL;
	out->file_off = off;
	if (!address_in(m->file, off, &at))
		return false;
	row = symbol_table_find(&m->file->table, at);
	if (!row)
		return false;
	out->name = m->file->table.text.p + row->name;
	out->readable = symbol_readable(&m->file->table, &ps->arena, row);
	out->off = at - row->addr;
	return true;
}

/* One that has no list has inherited its code, until it runs another program. */
static bool in_jit(struct processes *ps, struct process *p, u64 addr, struct symbol *out)
{
	const struct symbol_row *row = perfmap_find(p, addr);

	for (u32 i = 0; i < GENERATIONS && !p->jit && p->parent; i++) {
		p = process_of(ps, p->parent, false);
		if (!p)
			return false;
		row = perfmap_find(p, addr);
	}
	if (!row || !p->jit)
		return false;
	out->name = out->readable = p->jit->text.p + row->name;
	out->off = addr - row->addr;
	out->module = "[jit]";
	out->of_jit = true;
	return true;
}

/* Has ended, and was never looked at: it maps what its parent maps, unless it ran another program.
 */
static struct process *parent_of(struct processes *ps, struct process *p)
{
	for (u32 i = 0; i < GENERATIONS && p && p->gone && !p->whole && p->parent; i++)
		p = process_of(ps, p->parent, true);
	if (p && !p->asked && !p->gone && !p->whole)
		process_look(ps, p);
	return p;
}

/* The mapping that holds an address; of a process that ran other programs before, of those, too, if
 * no JIT has made it. */
static const struct mapping *find_mapping(struct processes *ps, struct process **process, u64 addr,
					  struct symbol *jit)
{
	struct process *p = *process;
	const struct mapping *m;

	if (p->gone && !mapping_find(&p->images[0], addr))
		p = *process = parent_of(ps, p);
	if (!p)
		return NULL;
	m = mapping_find(&p->images[0], addr);
	if (!m && !p->gone && !p->whole && clock_now(CLOCK_MONOTONIC) - p->asked > AGAIN_NS) {
		process_look(ps, p);
		m = mapping_find(&p->images[0], addr);
	}
	if (!m && in_jit(ps, p, addr, jit))
		return NULL;
	for (u32 i = 1; i < IMAGES_KEPT && !m; i++)
		m = mapping_find(&p->images[i], addr);
	return m;
}

bool process_symbol(struct processes *ps, u32 pid, u64 addr, struct symbol *out)
{
	const struct mapping *m;
	struct process *p;

	if (ps->watch)
		watch_read(ps);
	p = process_of(ps, pid, true);
	if (!p)
		return false;
	m = find_mapping(ps, &p, addr, out);
	return m ? in_file(ps, p, m, addr, out) : out->name != NULL;
}

bool process_line(struct processes *ps, u32 pid, u64 addr, struct line_place *out)
{
	struct process *p = process_of(ps, pid, true);
	const struct mapping *m;
	struct symbol jit = {0};
	u64 at;

	m = p ? find_mapping(ps, &p, addr, &jit) : NULL;
	if (!m || !m->file || !read_file(ps, p, m) ||
	    !address_in(m->file, addr - m->start + m->offset, &at))
		return false;
	file_lines_read(m->file, p->pid, m);
	if (m->file->lines_packed)
		ps->packed = m->file->path;
	return m->file->lines.n && lines_find(&m->file->lines, at, out);
}

void process_prepare(struct processes *ps, u32 pid)
{
	struct process *p = process_of(ps, pid, true);

	if (!p || p->prepared)
		return;
	if (!p->asked && !p->gone && !p->whole)
		process_look(ps, p);
	p->prepared = true;
	for (u32 i = 0; i < p->images[0].n; i++) {
		const struct mapping *m = &p->images[0].v[i];

		if (!m->file->read)
			file_read(ps, m->file, pid, m);
	}
}

bool process_prepare_next(struct processes *ps)
{
	watch_read(ps);
	for (u32 i = 0; i < PROCESS_BUCKETS && !ps->all; i++)
		for (struct process *p = ps->buckets[i]; p; p = p->next)
			for (u32 k = 0; k < p->images[0].n; k++) {
				const struct mapping *m = &p->images[0].v[k];

				if (m->file->read || m->file->tried)
					continue;
				m->file->tried = true;
				read_file(ps, p, m);
				return true;
			}
	return false;
}

void processes_free(struct processes *ps)
{
	struct process *next;

	for (u32 i = 0; i < PROCESS_BUCKETS; i++)
		for (struct process *p = ps->buckets[i]; p; p = next) {
			next = p->next;
			process_free(p);
		}
	for (struct mapped_file *f = ps->files; f; f = f->next) {
		symbol_table_free(&f->table);
		cfi_free(&f->unwind);
		file_lines_close(f);
	}
	watch_close(ps->watch);
	arena_free(&ps->arena);
	*ps = (struct processes){0};
}
