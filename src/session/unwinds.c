/*
 * unwinds.c: rows for programs that unwind stacks in the kernel (dw_ustack).
 *
 * In:  the map of files, to which programs add what they miss. Out: the rows of those files in the
 *      map of rows, and where they are in the map of files.
 *
 * What a command or a process is going to need is there before the first event: its file, its
 * libraries, the vdso. All else is read as soon as a program has met it: the first stacks through
 * such a file are followed by frame pointers, as those of code without rules are.
 */
#include "session/session.h"

#include "base/clock.h"
#include "symbol/unwind.h"

#include <stdlib.h>
#include <sys/mman.h>

#define SOON_NS  1000000u   /* between two looks, while something is missed now and then... */
#define LATER_NS 50000000u  /* ...else */
#define BUSY_NS  500000000u /* that long */

static s64 map_named(const struct waggle_session *s, const char *name)
{
	for (u32 i = 0; i < s->object->maps.n; i++)
		if (!strcmp(s->object->maps.v[i].name, name))
			return i;
	return -1;
}

/* Where they are; rows that find no room are none. */
static struct unwind_file add_rows(struct unwinds *u, const struct cfi_row *rows, u32 n)
{
	struct unwind_file f = {.first = u->n, .n = n};

	if (n > u->most - u->n) {
		u->refused++;
		return (struct unwind_file){0};
	}
	if (n)
		memcpy(u->rows + u->n, rows, n * sizeof(*rows));
	u->n += n;
	return f;
}

static void add_file(void *session, const struct unwind_key *key, const struct cfi_row *rows, u32 n)
{
	struct waggle_session *s = session;
	struct unwind_file f = add_rows(&s->unwinds, rows, n);

	s->engine->ops->map_update(s->engine, s->unwinds.files, key, &f, 0);
}

void unwinds_open(struct waggle_session *s)
{
	struct unwinds *u = &s->unwinds;
	s64 rows = map_named(s, UNWIND_ROWS), files = map_named(s, UNWIND_FILES);

	if (rows < 0 || files < 0 || !s->engine->ops->map_memory)
		return;
	u->rows = s->engine->ops->map_memory(s->engine, (u32)rows, &u->bytes);
	u->unwinder = u->rows ? unwinder_new() : NULL;
	if (!u->unwinder)
		return;
	u->files = (u32)files;
	u->most = s->object->maps.v[rows].max_entries;
	unwind_program(s->command.path, add_file, s);
	if (s->opts.pid)
		unwind_process(u->unwinder, (u32)s->opts.pid, add_file, s);
}

/* A file that a program has missed. */
static void answer(struct waggle_session *s, const u8 *key, const struct unwind_file *asked)
{
	const struct cfi_row *rows = NULL;
	struct unwind_file f = {0};
	u32 n = 0;

	if (unwind_rows(s->unwinds.unwinder, (u32)asked->pid, asked->start, &rows, &n)) {
		f = add_rows(&s->unwinds, rows, n);
		s->engine->ops->map_update(s->engine, s->unwinds.files, key, &f, 0);
	} else { /* it has ended: the next one may ask */
		s->engine->ops->map_delete(s->engine, s->unwinds.files, key);
	}
}

u64 unwinds_idle(struct waggle_session *s, u64 ns)
{
	struct unwinds *u = &s->unwinds;
	struct buf keys = {0}, values = {0};
	u64 now = clock_now(CLOCK_MONOTONIC);
	u32 n = 0;

	if (!u->unwinder)
		return ns;
	if (now >= u->next) {
		if (s->engine->ops->map_read(s->engine, u->files, &keys, &values, &n))
			n = 0;
		for (u32 i = 0; i < n; i++) {
			struct unwind_file f;

			memcpy(&f, values.p + (size_t)i * sizeof(f), sizeof(f));
			if (!f.pid)
				continue;
			u->since = now;
			answer(s, (u8 *)keys.p + (size_t)i * sizeof(struct unwind_key), &f);
		}
		buf_free(&keys);
		buf_free(&values);
		now = clock_now(CLOCK_MONOTONIC);
		u->next = now + (!u->since || now - u->since < BUSY_NS ? SOON_NS : LATER_NS);
		if (!u->since)
			u->since = now;
	}
	return MIN(ns, u->next - now);
}

void unwinds_close(struct waggle_session *s)
{
	struct unwinds *u = &s->unwinds;

	if (u->refused)
		diag_note(&s->diag, NULL,
			  "%u files tell more of their frames than there is room for: their stacks "
			  "were followed by frame pointers",
			  u->refused);
	if (u->rows)
		munmap(u->rows, u->bytes);
	unwinder_free(u->unwinder);
	*u = (struct unwinds){0};
}
