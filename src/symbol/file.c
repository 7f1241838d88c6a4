/*
 * file.c: the functions of a file that a process maps.
 *
 * In:  the file, opened in the process's own mounts (/proc/PID/root), by the kernel's own handle of
 *      what is mapped (/proc/PID/map_files, for which it wants rights, or /proc/PID/exe) when it
 * was deleted or replaced, or in our own mounts when the process has ended. Out: a table of
 * functions from .symtab, which may be in a file of its own (found by build id or by
 * .gnu_debuglink), else from .dynsym and .gnu_debugdata.
 */
#include "symbol/process.h"

#include "base/unxz.h"
#include "elf/debug.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PATH_MOST 4352

struct image_file {
	void *data; /* mapped; NULL: it could not be */
	size_t size;
};

static struct image_file map_fd(int fd)
{
	struct image_file f = {0};
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0) {
		f.size = (size_t)st.st_size;
		f.data = mmap(NULL, f.size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (f.data == MAP_FAILED)
			f.data = NULL;
	}
	if (fd >= 0)
		close(fd);
	return f;
}

static int open_plain(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* ---- tables */

/* What is written in assembler often says no size, and sometimes not that it is a function: it ends
 * with its section at the latest. 0: it is no function. */
static u64 size_of(const struct elf *elf, const struct elf_symbol *s)
{
	bool function = s->type == ELF_FUNC || s->type == ELF_IFUNC;
	struct elf_section in;

	if (!*s->name || !s->value || s->section == ELF_SHN_UNDEF ||
	    (!function && s->type != ELF_NOTYPE))
		return 0;
	if (function && s->size)
		return MIN(s->size, SYMBOL_LABEL - 1);
	if (!elf_section(elf, s->section, &in) || s->value < in.addr ||
	    s->value - in.addr >= MIN(in.size, SYMBOL_LABEL))
		return function;
	if (!function && !(in.flags & ELF_EXECINSTR))
		return 0;
	return (in.addr + in.size - s->value) | SYMBOL_GUESSED | (function ? 0 : SYMBOL_LABEL);
}

static bool add_table(struct symbol_table *t, const struct elf *elf, u32 type)
{
	struct elf_section table, strings;
	struct elf_symbol s;
	u64 n, size;

	if (!elf_find_type(elf, type, &table) || !elf_section(elf, table.link, &strings))
		return false;
	n = elf_count(&table);
	if (!n)
		return false;
	for (u64 i = 0; i < 2 * n; i++) { /* of several names of a place the one that all see */
		if (!elf_symbol(&table, &strings, i % n, &s) || (s.bind == ELF_LOCAL) != (i >= n))
			continue;
		size = size_of(elf, &s);
		if (size)
			symbol_table_add(t, s.value, size, s.name, strlen(s.name), 0);
	}
	return n > 1;
}

/* .symtab of a file in memory. */
static bool add_whole(struct symbol_table *t, const void *data, size_t size)
{
	struct diag quiet = {0};
	struct elf elf;

	return data && !elf_open(&elf, data, size, "", &quiet) && add_table(t, &elf, ELF_SYMTAB);
}

static void add_packed(struct symbol_table *t, const struct elf *elf)
{
	struct buf more = {0};

	if (elf_debug_data(elf, &more))
		add_whole(t, more.p, more.n);
	buf_free(&more);
}

void elf_symbols(struct symbol_table *t, const void *file, size_t n)
{
	struct diag quiet = {0};
	struct elf elf;

	if (elf_open(&elf, file, n, "", &quiet))
		return;
	if (!add_table(t, &elf, ELF_SYMTAB)) {
		add_table(t, &elf, ELF_DYNSYM);
		add_packed(t, &elf);
	}
	symbol_table_sort(t);
}

/* ---- files of their own for symbols */

struct wanted {
	/* Takes what it wants of the file; *keep: the bytes are still needed. False: nothing. */
	bool (*take)(void *user, const void *data, size_t size, bool *keep);
	void *user;
	struct build_id id; /* n 0: the CRC decides */
	u32 crc;
};

static bool fits(const struct wanted *w, const struct image_file *f)
{
	struct diag quiet = {0};
	struct build_id id;
	struct elf elf;

	if (!w->id.n)
		return crc32_of(f->data, f->size) == w->crc;
	if (elf_open(&elf, f->data, f->size, "", &quiet))
		return false;
	elf_build_id(&elf, &id);
	return id.n == w->id.n && !memcmp(id.bytes, w->id.bytes, id.n);
}

/* root: in whose mounts, "" for our own. */
static bool try_file(const struct wanted *w, const char *root, const char *path)
{
	char whole[PATH_MOST];
	struct image_file f;
	bool found, keep = false;

	if (snprintf(whole, sizeof(whole), "%s%s", root, path) >= (int)sizeof(whole))
		return false;
	f = map_fd(open_plain(whole));
	found = f.data && fits(w, &f) && w->take(w->user, f.data, f.size, &keep);
	if (f.data && !keep)
		munmap(f.data, f.size);
	return found;
}

static bool by_build_id(const struct wanted *w, const char *root)
{
	char path[128];
	int n;

	if (w->id.n < 2)
		return false;
	n = snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%02x/", w->id.bytes[0]);
	for (u32 i = 1; i < w->id.n; i++)
		n += snprintf(path + n, sizeof(path) - (size_t)n, "%02x", w->id.bytes[i]);
	snprintf(path + n, sizeof(path) - (size_t)n, ".debug");
	return try_file(w, root, path);
}

/* Beside the file, in .debug beside it, and below /usr/lib/debug. */
static bool by_link(struct wanted *w, const char *root, const char *path, const char *link)
{
	static const char *const forms[] = {"%.*s/%s", "%.*s/.debug/%s", "/usr/lib/debug%.*s/%s"};
	const char *slash = strrchr(path, '/');
	char whole[PATH_MOST];

	w->id.n = 0;
	for (u32 i = 0; slash && i < ARRAY_SIZE(forms); i++) {
		int n = snprintf(whole, sizeof(whole), forms[i], (int)(slash - path), path, link);

		if (n < (int)sizeof(whole) && strcmp(whole, path) != 0 && try_file(w, root, whole))
			return true;
	}
	return false;
}

static bool find_separate(struct wanted *w, const struct mapped_file *f, const struct elf *elf,
			  u32 pid)
{
	const char *link;
	char root[64];

	w->id = f->build_id;
	snprintf(root, sizeof(root), "/proc/%u/root", pid);
	if (by_build_id(w, root) || by_build_id(w, ""))
		return true;
	link = elf_debug_link(elf, &w->crc);
	return link && (by_link(w, root, f->path, link) || by_link(w, "", f->path, link));
}

static bool take_symbols(void *file, const void *data, size_t size, bool *keep)
{
	*keep = false;
	return add_whole(&((struct mapped_file *)file)->table, data, size);
}

static bool take_lines(void *file, const void *data, size_t size, bool *keep)
{
	struct mapped_file *f = file;
	struct diag quiet = {0};
	struct elf elf = {0};

	*keep = !elf_open(&elf, data, size, "", &quiet) && lines_open(&f->lines, &elf);
	if (*keep) {
		f->lines_data = (void *)(uintptr_t)data;
		f->lines_size = size;
	}
	f->lines_packed |= !*keep && elf_debug_is_packed(&elf);
	return *keep;
}

/* ---- the file itself */

static bool same_device(const struct stat *st, u64 dev)
{
	return ((u64)major(st->st_dev) << 32 | minor(st->st_dev)) == dev;
}

/* What lies on top of other file systems has other numbers where it is mapped than as a file: is it
 * that file which is mapped, or another of its name? */
static bool maps_as(int fd, const struct mapped_file *f)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0);
	unsigned long long start, ino;
	unsigned major, minor;
	bool same = false;
	char line[PATH_MOST];
	FILE *maps;

	if (p == MAP_FAILED)
		return false;
	maps = fopen("/proc/self/maps", "re");
	while (maps && !same && fgets(line, sizeof(line), maps))
		same = sscanf(line, "%llx-%*x %*s %*x %x:%x %llu", &start, &major, &minor, &ino) ==
			       4 &&
		       start == (uintptr_t)p && ino == f->ino &&
		       ((u64)major << 32 | minor) == f->dev;
	if (maps)
		fclose(maps);
	munmap(p, page);
	return same;
}

/* The program that the process runs, if it is that file. */
static int open_program(const struct mapped_file *f, u32 pid)
{
	struct stat st;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	fd = open_plain(path);
	if (fd >= 0 && (fstat(fd, &st) || st.st_ino != f->ino || !same_device(&st, f->dev))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The file as the process sees it, which may live in a container; or, when it was replaced, what
 * the kernel still has of it. */
static int file_open(const struct mapped_file *f, u32 pid, const struct mapping *m)
{
	char path[PATH_MOST];
	struct stat st = {0};
	int fd, mapped;

	snprintf(path, sizeof(path), "/proc/%u/root%s", pid, f->path);
	fd = open_plain(path);
	snprintf(path, sizeof(path), "/proc/%u/root", pid);
	if (fd < 0 && access(path, F_OK) &&
	    errno == ENOENT) /* it has ended: a zombie has no root */
		fd = open_plain(f->path);
	if (fd >= 0 && !f->deleted && !fstat(fd, &st) && st.st_ino == f->ino)
		return fd;
	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", pid,
		 (unsigned long long)m->start, (unsigned long long)m->end);
	mapped = open_plain(path);
	if (mapped < 0) /* without rights there is the program itself, still */
		mapped = open_program(f, pid);
	if (mapped < 0 && fd >= 0 && !f->deleted && !same_device(&st, f->dev) && maps_as(fd, f))
		return fd;
	if (fd >= 0)
		close(fd);
	return mapped;
}

static void read_elf(struct processes *ps, struct mapped_file *f, u32 pid, const void *data,
		     size_t n)
{
	struct diag quiet = {0};
	struct elf_segment s;
	struct elf elf;

	if (elf_open(&elf, data, n, "", &quiet))
		return;
	for (u32 i = 0; elf_load_segment(&elf, i, &s); i++)
		vec_push(&ps->arena, &f->segments, (struct file_segment){s.addr, s.offset, s.size});
	elf_build_id(&elf, &f->build_id);
	if (!add_table(&f->table, &elf, ELF_SYMTAB)) { /* exported names come first, too */
		add_table(&f->table, &elf, ELF_DYNSYM);
		if (!find_separate(&(struct wanted){.take = take_symbols, .user = f}, f, &elf, pid))
			add_packed(&f->table, &elf);
	}
	symbol_table_sort(&f->table);
}

/* The kernel maps the same pages into each process: ours are as good as any. */
static const void *own_vdso(const struct mapping *m)
{
	const void *own =
		(const void *)getauxval(AT_SYSINFO_EHDR); // NOLINT(performance-no-int-to-ptr)

	return m->end - m->start <= 65536 ? own : NULL;
}

bool file_read(struct processes *ps, struct mapped_file *f, u32 pid, const struct mapping *m)
{
	struct image_file image;
	int fd;

	if (*f->path == '[') {
		f->read = true;
		if (own_vdso(m))
			read_elf(ps, f, 0, own_vdso(m), (size_t)(m->end - m->start));
		return true;
	}
	fd = file_open(f, pid, m);
	if (fd < 0)
		return false; /* another process may see it */
	f->read = true;
	image = map_fd(fd);
	if (image.data) {
		read_elf(ps, f, pid, image.data, image.size);
		munmap(image.data, image.size);
	}
	return true;
}

static void read_unwind(struct mapped_file *f, const void *data, size_t n)
{
	struct diag quiet = {0};
	struct elf elf;

	if (data && !elf_open(&elf, data, n, "", &quiet))
		cfi_read(&f->unwind, &elf);
}

void file_unwind_read(struct mapped_file *f, u32 pid, const struct mapping *m)
{
	struct image_file image;

	if (f->unwind_read)
		return;
	f->unwind_read = true;
	if (*f->path == '[') {
		read_unwind(f, own_vdso(m), (size_t)(m->end - m->start));
		return;
	}
	image = map_fd(file_open(f, pid, m));
	read_unwind(f, image.data, image.size);
	if (image.data)
		munmap(image.data, image.size);
}

void file_lines_read(struct mapped_file *f, u32 pid, const struct mapping *m)
{
	struct wanted separate = {.take = take_lines, .user = f};
	struct image_file image;
	struct diag quiet = {0};
	bool keep = false;
	struct elf elf;

	if (f->lines_read || *f->path == '[')
		return;
	f->lines_read = true;
	image = map_fd(file_open(f, pid, m));
	if (!image.data)
		return;
	if (!take_lines(f, image.data, image.size, &keep) &&
	    !elf_open(&elf, image.data, image.size, "", &quiet))
		find_separate(&separate, f, &elf, pid);
	if (!keep)
		munmap(image.data, image.size);
}

void file_lines_close(struct mapped_file *f)
{
	lines_close(&f->lines);
	if (f->lines_data)
		munmap(f->lines_data, f->lines_size);
	f->lines_data = NULL;
}
