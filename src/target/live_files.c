/*
 * live_files.c: programs and libraries of the running machine.
 *
 * In:  a path, a name, a process.
 * Out: the file, mapped. A name without a slash is looked for on PATH, as the shell does, then
 *      among the libraries: "libc" and "c" are what the linker's cache knows as libc.so.*; of a
 *      name that begins with lib the cache is asked first.
 */
#include "target/live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

static const char *on_path(struct arena *a, const char *name)
{
	const char *path = getenv("PATH"), *end;

	if (!path)
		path = "/bin:/usr/bin";
	for (;; path = end + 1) {
		const char *file;

		end = strchrnul(path, ':');
		file = arena_printf(a, "%.*s/%s", end > path ? (int)(end - path) : 1,
				    end > path ? path : ".", name);
		if (is_program(file))
			return file;
		if (!*end)
			return NULL;
	}
}

static u32 behind_lib(const char *s)
{
	return s[0] == 'l' && s[1] == 'i' && s[2] == 'b' ? 3 : 0;
}

/* Is FILE ("libc.so.6") the library NAME ("libc.so.6", "libc.so", "libc", "c")? */
static bool is_library(const char *file, const char *name)
{
	size_t n = strlen(name);

	for (u32 i = 0; i < 2; i++) {
		if (!strncmp(file, name, n) && (!file[n] || !strncmp(file + n, ".so", 3) ||
						(file[n] == '.' && n > 3 && strstr(name, ".so"))))
			return true;
		if (!behind_lib(file))
			return false;
		file += 3;
	}
	return false;
}

#define CACHE_MAGIC  "glibc-ld.so.cache1.1"
#define CACHE_HEAD   48 /* then entries of 24 bytes: flags, name, path, version, hardware */
#define CACHE_ENTRY  24
#define CACHE_X86_64 0x0303 /* an ELF library of libc 6 for x86-64 */

/* The path of a library in the cache; NULL: none. Most names differ in the first letter. */
static const char *look_in(const char *cache, size_t size, const char *name)
{
	char first = name[0], behind = name[behind_lib(name)];
	u32 n = 0;

	if (size > CACHE_HEAD && !memcmp(cache, CACHE_MAGIC, strlen(CACHE_MAGIC)))
		memcpy(&n, cache + strlen(CACHE_MAGIC), sizeof(n));
	n = MIN(n, (u32)((size - MIN(size, CACHE_HEAD)) / CACHE_ENTRY));
	for (u32 i = 0; i < n; i++) {
		const char *file;
		u32 e[3]; /* flags, name, path */
		char letter;

		memcpy(e, cache + CACHE_HEAD + (size_t)i * CACHE_ENTRY, sizeof(e));
		if (e[0] != CACHE_X86_64 || e[1] >= size || e[2] >= size)
			continue;
		file = cache + e[1];
		letter = file[behind_lib(file)];
		if ((letter == first || letter == behind) && is_library(file, name))
			return cache + e[2];
	}
	return NULL;
}

/* A file with 0 behind it: what is left of its last page, or the page after it. NULL: there is none. */
static char *map_text(const char *path, size_t *size, size_t *mapped)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = MAP_FAILED;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && st.st_size > 0) {
		*size = (size_t)st.st_size;
		*mapped = *size + (size_t)sysconf(_SC_PAGESIZE);
		text = mmap(NULL, *mapped, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	if (text != MAP_FAILED &&
	    mmap(text, *size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED) {
		munmap(text, *mapped);
		text = MAP_FAILED;
	}
	if (fd >= 0)
		close(fd);
	return text == MAP_FAILED ? NULL : text;
}

/* /etc/ld.so.cache, the new format of glibc (elf/dl-cache.h): offsets count from its start. */
static const char *in_cache(struct arena *a, const char *name)
{
	size_t size, mapped;
	char *cache = map_text("/etc/ld.so.cache", &size, &mapped);
	const char *found = cache ? look_in(cache, size, name) : NULL;

	found = found ? arena_strdup(a, found) : NULL;
	if (cache)
		munmap(cache, mapped);
	return found;
}

/* Without a cache, as in small containers: the first by name of those in FOLDER that are ELF files;
 * what is called libc.so may be a text for the linker. */
static const char *in_folder(struct arena *a, const char *folder, const char *name)
{
	const char *found = NULL;
	DIR *dir = opendir(folder);

	for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
		const char *path;
		char magic[4] = "";
		int fd;

		if (!is_library(e->d_name, name) || !strstr(e->d_name, ".so"))
			continue;
		path = arena_printf(a, "%s/%s", folder, e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
		    !memcmp(magic, "\177ELF", sizeof(magic)) && (!found || strcmp(path, found) < 0))
			found = path;
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
	return found;
}

static const char *find_library(struct arena *a, const char *name)
{
	static const char *const folders[] = {"/lib/x86_64-linux-gnu",
					      "/usr/lib/x86_64-linux-gnu",
					      "/lib64",
					      "/usr/lib64",
					      "/lib",
					      "/usr/lib",
					      "/usr/local/lib"};
	const char *found = in_cache(a, name);

	for (u32 i = 0; i < ARRAY_SIZE(folders) && !found; i++)
		found = in_folder(a, folders[i], name);
	return found;
}

/* The path as the process sees it: through its root folder, unless that is the same file. */
static const char *seen_by(struct arena *a, const char *path, u32 pid)
{
	const char *theirs = arena_printf(a, "/proc/%u/root%s", pid, path);
	struct stat ours, st;

	if (!stat(theirs, &st) &&
	    (stat(path, &ours) || ours.st_dev != st.st_dev || ours.st_ino != st.st_ino))
		return theirs;
	return path;
}

static int map_file(struct target *t, const char *path, struct user_file *f)
{
	struct diag silent = {0};
	struct stat st;
	void *data;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;

	(void)t;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = S_ISDIR(st.st_mode) ? -EISDIR : -ENOEXEC;
	else if (!st.st_size)
		err = -ENOEXEC;
	data = err ? MAP_FAILED : mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (!err && data == MAP_FAILED)
		err = -errno;
	close(fd);
	if (err)
		return err;
	err = elf_open(&f->elf, data, (size_t)st.st_size, path, &silent);
	if (err)
		munmap(data, (size_t)st.st_size);
	return err ? -ENOEXEC : 0;
}

int live_file(struct target *t, const char *name, u32 pid, struct user_file **out)
{
	struct live *l = t->data;
	const char *path = name;
	struct user_file *f;
	char real[PATH_MAX];
	int err;

	if (!strchr(name, '/')) {
		*out = pid ? NULL : dict_get(&l->named, name);
		if (*out)
			return 0;
		path = behind_lib(name) ? in_cache(&t->arena, name) : NULL;
		if (!path)
			path = on_path(&t->arena, name);
		if (!path)
			path = find_library(&t->arena, name);
		if (!path)
			return -ENOENT;
	}
	if (pid && *path == '/')
		path = seen_by(&t->arena, path, pid);
	/* a path through /proc/PID/root is not to be resolved in our own tree */
	if (strncmp(path, "/proc/", 6) != 0) {
		if (!realpath(path, real))
			return errno == ENOTDIR ? -ENOENT : -errno;
		path = real;
	}
	for (f = l->files; f && strcmp(f->path, path) != 0; f = f->next)
		;
	if (!f) {
		f = arena_new(&t->arena, struct user_file);
		err = map_file(t, path, f);
		if (err)
			return err;
		f->path = arena_strdup(&t->arena, path);
		f->next = l->files;
		l->files = f;
	}
	if (!pid && !strchr(name, '/'))
		*dict_put(&l->named, arena_strdup(&t->arena, name)) = f;
	*out = f;
	return 0;
}

int live_glob(struct target *t, const char *pattern, int (*fn)(void *, const char *), void *user)
{
	glob_t found = {0};
	int stop = 0;

	(void)t;
	if (!glob(pattern, 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc && !stop; i++)
			stop = fn(user, found.gl_pathv[i]);
	globfree(&found);
	return stop;
}

static int mapped_of(struct target *t, u32 pid, int (*fn)(void *, const char *), void *user)
{
	struct buf text = {0};
	struct dict seen = {.arena = &t->arena};
	char maps[64], *line, *next;
	int stop = 0;

	snprintf(maps, sizeof(maps), "/proc/%u/maps", pid);
	if (live_read(maps, &text)) {
		buf_free(&text);
		return -ESRCH;
	}
	buf_char(&text, 0);
	for (line = text.failed ? NULL : text.p; line && *line && !stop; line = next) {
		char rights[8], *path = strchr(line, '/');
		void **known;

		next = strchrnul(line, '\n');
		if (*next)
			*next++ = 0;
		if (!path || path > next || sscanf(line, "%*s %7s", rights) != 1 ||
		    rights[2] != 'x')
			continue;
		known = dict_put(&seen, arena_strdup(&t->arena, path));
		if (!*known)
			stop = fn(user, path);
		*known = t;
	}
	buf_free(&text);
	return stop;
}

int live_mapped(struct target *t, u32 pid, int (*fn)(void *, const char *), void *user)
{
	struct dirent *e;
	int stop = 0;
	DIR *d;

	if (pid)
		return mapped_of(t, pid, fn, user);
	d = opendir("/proc");
	while (d && stop <= 0 && (e = readdir(d)))
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
			stop = mapped_of(t, (u32)strtoul(e->d_name, NULL, 10), fn, user);
	if (d)
		closedir(d);
	return MAX(stop, 0); /* -ESRCH: one that has just ended */
}

void live_files_close(struct target *t)
{
	struct live *l = t->data;

	for (struct user_file *f = l->files; f; f = f->next) {
		dwarf_close(&f->dwarf);
		munmap((void *)(uintptr_t)f->elf.data, f->elf.size);
	}
	l->files = NULL;
}
