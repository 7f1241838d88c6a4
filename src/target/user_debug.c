/*
 * user_debug.c: where the debugging information of a program is.
 *
 * In: a mapped file. Out: its .debug_info, or that of the separate file which belongs to it: by
 * build id, /usr/lib/debug/.build-id/ab/cdef.debug; by .gnu_debuglink, beside it, in .debug beside
 * it, or in /usr/lib/debug under its own path.
 */
#include "target/target.h"

#include <stdio.h>

#define BUILD_ID_MOST 64

static bool try_file(struct target *t, struct user_file *f, const char *path)
{
	struct user_file *other;

	return strcmp(path, f->path) != 0 && !t->ops->file(t, path, 0, &other) &&
	       dwarf_open(&f->dwarf, &other->elf);
}

static bool by_build_id(struct target *t, struct user_file *f)
{
	char path[64 + 2 * BUILD_ID_MOST] = "/usr/lib/debug/.build-id/";
	struct elf_section s;
	char *p = path + strlen(path);
	u32 size;

	/* one note: sizes of name and id, kind, "GNU", the id */
	if (!elf_find(&f->elf, ".note.gnu.build-id", &s) || !s.data || s.size < 16 + 2)
		return false;
	memcpy(&size, s.data + 4, sizeof(size));
	if (size < 2 || size > BUILD_ID_MOST || size > s.size - 16)
		return false;
	for (u32 i = 0; i < size; i++)
		p += sprintf(p, i == 1 ? "/%02x" : "%02x", s.data[16 + i]);
	strcpy(p, ".debug");
	return try_file(t, f, path);
}

static bool by_link(struct target *t, struct user_file *f)
{
	const char *slash = strrchr(f->path, '/'), *name;
	struct arena *a = &t->arena;
	struct elf_section s;
	int folder;

	if (!slash || !elf_find(&f->elf, ".gnu_debuglink", &s) || !s.data ||
	    !memchr(s.data, 0, s.size))
		return false;
	name = (const char *)s.data;
	folder = (int)(slash - f->path);
	return try_file(t, f, arena_printf(a, "%.*s/%s", folder, f->path, name)) ||
	       try_file(t, f, arena_printf(a, "%.*s/.debug/%s", folder, f->path, name)) ||
	       try_file(t, f, arena_printf(a, "/usr/lib/debug%.*s/%s", folder, f->path, name));
}

const struct dwarf *user_debug(struct target *t, struct user_file *f)
{
	if (!f->debug_asked) {
		f->debug_asked = true;
		f->has_debug = dwarf_open(&f->dwarf, &f->elf) || by_build_id(t, f) || by_link(t, f);
	}
	return f->has_debug ? &f->dwarf : NULL;
}
