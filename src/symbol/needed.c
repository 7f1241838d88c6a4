/*
 * needed.c: the files that a program will map: itself, its interpreter, its libraries.
 *
 * In:  the path of a program. Out: their rules of unwinding (elf/cfi.h).
 *
 * Libraries are looked for by name where the system has them; what a program finds by other ways
 * (RUNPATH, dlopen) is met when it is mapped. Of a script it is the interpreter that is mapped.
 */
#include "symbol/unwind.h"

#include "base/buf.h"
#include "elf/elf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILES_MOST 256
#define PATH_MOST  4096

enum { DYNAMIC_NEEDED = 1, DYNAMIC_ENTRY = 16 };

struct needed {
	unwind_file_fn *fn;
	void *user;
	struct known {
		dev_t dev;
		ino_t ino;
	} known[FILES_MOST];
	u32 n;
};

static void need_file(struct needed *, const char *path);

static bool is_new(struct needed *d, const struct stat *st)
{
	for (u32 i = 0; i < d->n; i++)
		if (d->known[i].dev == st->st_dev && d->known[i].ino == st->st_ino)
			return false;
	if (d->n == FILES_MOST)
		return false;
	d->known[d->n++] = (struct known){st->st_dev, st->st_ino};
	return true;
}

static void need_library(struct needed *d, const char *name)
{
	static const char *const folders[] = {"/lib/x86_64-linux-gnu",
					      "/usr/lib/x86_64-linux-gnu",
					      "/lib64",
					      "/usr/lib64",
					      "/lib",
					      "/usr/lib"};
	char path[PATH_MOST];

	for (u32 i = 0; i < ARRAY_SIZE(folders); i++) {
		if (snprintf(path, sizeof(path), *name == '/' ? "%.0s%s" : "%s/%s", folders[i],
			     name) >= (int)sizeof(path))
			return;
		if (!access(path, R_OK)) {
			need_file(d, path);
			return;
		}
	}
}

static void take_rows(struct needed *d, const struct unwind_key *key, const struct elf *elf)
{
	struct cfi_table t = {0};

	if (!cfi_read(&t, elf))
		d->fn(d->user, key, t.rows, t.n);
	cfi_free(&t);
}

static struct unwind_key key_of(const struct stat *st)
{
	return (struct unwind_key){st->st_ino, (u64)major(st->st_dev) << 20 | minor(st->st_dev)};
}

static void read_script(struct needed *d, const char *data, size_t size)
{
	char line[256] = "", interpreter[256] = "";

	memcpy(line, data, MIN(size, sizeof(line) - 1));
	if (sscanf(line, "#! %255[^ \t\n]", interpreter) == 1)
		need_file(d, interpreter);
}

static void read_file(struct needed *d, const struct stat *st, const void *data, size_t size)
{
	struct elf_section s, strings;
	struct unwind_key key;
	struct diag quiet = {0};
	struct elf elf;

	if (elf_open(&elf, data, size, "", &quiet)) {
		read_script(d, data, size);
		return;
	}
	key = key_of(st);
	take_rows(d, &key, &elf);
	if (elf_find(&elf, ".interp", &s) && s.data && elf_string(&s, 0))
		need_file(d, elf_string(&s, 0));
	if (!elf_find(&elf, ".dynamic", &s) || !s.data || !elf_section(&elf, s.link, &strings))
		return;
	for (u64 at = 0; at + DYNAMIC_ENTRY <= s.size; at += DYNAMIC_ENTRY) {
		u64 entry[2];
		const char *name;

		memcpy(entry, s.data + at, sizeof(entry));
		name = entry[0] == DYNAMIC_NEEDED ? elf_string(&strings, entry[1]) : NULL;
		if (name)
			need_library(d, name);
	}
}

static void need_file(struct needed *d, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	void *data = MAP_FAILED;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size && is_new(d, &st))
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (data == MAP_FAILED)
		return;
	read_file(d, &st, data, (size_t)st.st_size);
	munmap(data, (size_t)st.st_size);
}

/* The kernel maps the same pages into each process. Its headers of sections stand at its end. */
static const void *own_vdso(size_t *size)
{
	const u8 *p = (const u8 *)getauxval(AT_SYSINFO_EHDR); // NOLINT(performance-no-int-to-ptr)
	u64 at;
	u16 each, n;

	if (!p)
		return NULL;
	memcpy(&at, p + 40, sizeof(at)); /* e_shoff, e_shentsize, e_shnum */
	memcpy(&each, p + 58, sizeof(each));
	memcpy(&n, p + 60, sizeof(n));
	*size = (size_t)(at + (u64)each * n);
	return p;
}

void unwind_program(const char *path, unwind_file_fn *fn, void *user)
{
	struct needed *d = calloc(1, sizeof(*d));
	size_t size;
	const void *vdso = own_vdso(&size);
	struct diag quiet = {0};
	struct elf elf;

	if (!d)
		return;
	d->fn = fn;
	d->user = user;
	if (vdso && !elf_open(&elf, vdso, size, "", &quiet))
		take_rows(d, &(struct unwind_key){0, UNWIND_VDSO}, &elf);
	if (path)
		need_file(d, path);
	free(d);
}
