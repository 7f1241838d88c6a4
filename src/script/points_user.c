/*
 * points_user.c: probes in programs and libraries: uprobe, uretprobe, usdt.
 *
 * In: "uprobe:/bin/bash:readline+4", "uprobe:libc:mem*", "usdt:./prog:provider:name".
 * Out: points with the file and the offset of the place in it. Those of a list that follow each
 * other share a program as those of a pattern do.
 */
#include "script/tables.h"

#include "arch/arch.h"
#include "demangle/demangle.h"

#include <errno.h>
#include <stdlib.h>

struct search {
	struct script *script;
	const struct probe_row *row;
	struct probe *probe;
	struct probe_spec *spec;
	struct point ***tail;
	struct user_file *file;
	const char *name, *provider; /* patterns */
	u64 off;                     /* behind the function's start */
	struct near near;
	struct dict found; /* uprobe: by offset; usdt: leaders by operands */
	struct point *leader;
	u32 n;
	bool cpp;             /* the name is one of C++, as people write it */
	bool too_far, inside; /* the offset is outside of the function, inside of an instruction */
};

static int not_written(struct search *f)
{
	return diag_error(f->script->diag, f->spec->at,
			  arena_printf(f->script->arena, "it is written %s", f->row->usage),
			  "'%s' is not a probe of kind %s", f->spec->text, f->row->name);
}

static struct point *add_place(struct search *f, const char *name, u64 off)
{
	struct point *p = point_add(f->script, f->row, f->probe, f->spec, f->tail);
	struct arena *a = f->script->arena;

	p->file = f->file;
	p->pattern = f->file->path;
	p->func = name;
	p->off = off;
	p->text = arena_join(a, f->row->name, ":", f->file->path, ":", name);
	f->n++;
	return p;
}

/* ---- files */

/* Looks into each file that is meant: "*" or nothing: all with code that the process of -p has
 * mapped, or any process; a pattern; or one. Files in which there is nothing are no error where
 * there may be others. */
struct files {
	struct search *search;
	int (*look)(struct search *);
	struct dict seen;
};

static int take_file(void *user, const char *path)
{
	struct files *files = user;
	struct search *f = files->search;
	void **seen = dict_put(&files->seen, arena_strdup(f->script->arena, path));

	if (*seen ||
	    f->script->target->ops->file(f->script->target, path, f->script->pid, &f->file))
		return 0; /* deleted, or no ELF file */
	*seen = f;
	return files->look(f);
}

static int in_files(struct search *f, const char *path, int (*look)(struct search *))
{
	struct files files = {.search = f, .look = look, .seen.arena = f->script->arena};
	const struct target_ops *ops = f->script->target->ops;
	struct target *t = f->script->target;
	int err;

	if (!*path || !strcmp(path, "*") || has_wildcard(path)) {
		err = has_wildcard(path) && strcmp(path, "*") != 0
			      ? ops->glob(t, path, take_file, &files)
			      : ops->mapped(t, f->script->pid, take_file, &files);
		if (err == -EOPNOTSUPP)
			diag_error(f->script->diag, f->spec->at,
				   "compile on the machine that has them",
				   "a saved target does not hold files of user space");
		return err;
	}
	err = target_file(t, path, f->script->pid, f->spec->at, &f->file, f->script->diag);
	return err ? err : look(f);
}

/* ---- uprobe, uretprobe */

/* Whether an instruction begins at `to`, as seen from the function's start. What the decoder does
 * not know is left to the kernel. */
static bool is_boundary(const struct search *f, u64 from, u64 to)
{
	const struct arch *a = arch_find(f->script->target->arch);
	const struct elf *elf = &f->file->elf;
	u32 n;

	while (a && from < to && from < elf->size) {
		n = a->insn_length(elf->data + from, elf->size - from);
		if (!n)
			return true;
		from += n;
	}
	return !a || from == to;
}

/* A name without parameters means the function whatever they are. On success *name is the one that
 * people read. */
static bool cpp_matches(struct search *f, const char **name)
{
	struct buf whole = {0}, plain = {0};
	struct arena *a = f->script->arena;
	const char *symbol = *name, *at;
	bool found;

	if (!demangle(&whole, symbol, strlen(symbol), DEMANGLE_WHOLE))
		return false;
	demangle(&plain, symbol, strlen(symbol), DEMANGLE_NAME);
	at = strstr(buf_str(&whole), buf_str(&plain)); /* behind what it returns */
	if (!has_wildcard(f->name))
		found = demangle_matches(symbol, f->name);
	else if (strchr(f->name, '('))
		found = glob_match(f->name, buf_str(&whole)) || (at && glob_match(f->name, at));
	else
		found = glob_match(f->name, buf_str(&plain));
	*name = arena_strdup(a, buf_str(&whole));
	if (!found) {
		const char *near = arena_strdup(a, buf_str(&plain));

		near_try(&f->near, near);
	}
	buf_free(&whole);
	buf_free(&plain);
	return found;
}

static int take_symbol(void *user, const struct user_symbol *sym)
{
	struct search *f = user;
	struct arena *a = f->script->arena;
	const char *before = f->near.best;
	struct point *p;
	void **found;

	const char *name = sym->name;

	if (f->cpp && !cpp_matches(f, &name))
		return 0;
	if (!has_wildcard(f->name))
		near_try(&f->near, sym->name);
	if (f->near.best != before)
		f->near.best = arena_strdup(a, sym->name);
	if (!f->cpp && !glob_match(f->name, name))
		return 0;
	if (f->off && f->off >= sym->size) {
		f->too_far = true;
		return 0;
	}
	if (f->off && !is_boundary(f, sym->offset, sym->offset + f->off)) {
		f->inside = true;
		return 0;
	}
	found = dict_put(&f->found, arena_printf(a, "%s:%llx", f->file->path,
						 (unsigned long long)sym->offset));
	if (*found)
		return 0; /* in both tables, or another name of the same code */
	*found = f;
	p = add_place(f, arena_strdup(a, name), sym->offset + f->off);
	if (f->off)
		p->text = arena_printf(a, "%s+%llu", p->text, (unsigned long long)f->off);
	if (f->cpp)
		p->text = arena_printf(a, "%s:%s:cpp:%s", f->row->name, f->file->path, name);
	f->leader = f->leader ? f->leader : p;
	point_follow(p, f->leader);
	return f->n > f->script->limits.points_most;
}

struct inside {
	u64 offset, start;
	const char *name;
};

static int find_inside(void *user, const struct user_symbol *sym)
{
	struct inside *in = user;

	if (in->offset < sym->offset || in->offset - sym->offset >= sym->size)
		return 0;
	in->name = sym->name;
	in->start = sym->offset;
	return 1;
}

static int inside_instruction(struct search *f)
{
	return diag_error(f->script->diag, f->spec->at,
			  "objdump -d shows where they begin; elsewhere the program would crash",
			  "'%s' is in the middle of an instruction", f->spec->text);
}

/* "0x1234": an address as the file's symbols have it. */
static int at_address(struct search *f)
{
	struct inside in = {0};
	struct point *p;
	char *end;
	u64 addr = strtoull(f->name, &end, 0);

	if (*end || !elf_offset_of(&f->file->elf, addr, &in.offset))
		return diag_error(f->script->diag, f->spec->at, "nm and objdump -d show addresses",
				  "%s has no code at '%s'", f->file->path, f->name);
	user_symbols(f->file, find_inside, &in);
	if (in.name && !is_boundary(f, in.start, in.offset))
		return inside_instruction(f);
	p = add_place(f, f->name, in.offset);
	p->func = in.name ? in.name : f->name;
	return 0;
}

/* What to do where a file lacks a name; lists: what lists its names. */
static const char *way_out(const struct search *f, const char *lists)
{
	struct arena *arena = f->script->arena;

	if (f->spec->param)
		return arena_printf(arena, "--%s names the file that has it", f->spec->param);
	if (f->near.best)
		return arena_printf(arena, "did you mean '%s'?", f->near.best);
	return f->near.word ? lists : NULL;
}

static int unknown_symbol(struct search *f, const char *file)
{
	struct script *s = f->script;

	if (f->too_far)
		return diag_error(s->diag, f->spec->at, NULL,
				  "the offset %llu is behind the end of function '%s'",
				  (unsigned long long)f->off, f->name);
	if (f->inside)
		return inside_instruction(f);
	return diag_error(s->diag, f->spec->at,
			  way_out(f, "nm and nm -D list its symbols; a stripped file has few"),
			  "%s has no function '%s'",
			  has_wildcard(file) || !f->file ? file : f->file->path, f->name);
}

static int parse_offset(struct search *f, char *name)
{
	char *plus = strrchr(name, '+'), *end;

	/* operator+ and the like of C++ */
	if (!plus || plus == name || plus[1] < '0' || plus[1] > '9')
		return 0;
	*plus = 0;
	f->off = strtoull(plus + 1, &end, 0);
	if (*end)
		return diag_error(f->script->diag, f->spec->at,
				  "it is a number of bytes: +4, +0x1f", "'%s' is no offset",
				  plus + 1);
	if (f->row->attach == ATTACH_URETPROBE)
		return diag_error(f->script->diag, f->spec->at, "leave the offset out",
				  "a function returns as a whole: uretprobe takes no offset");
	return 0;
}

/* Since glibc 2.34 the functions of some libraries are in libc, and what is left is empty. */
static bool look_in_libc(struct search *f)
{
	static const char *const moved[] = {"libpthread.so", "libdl.so", "librt.so", "libutil.so",
					    "libanl.so"};
	const char *path = f->file->path, *base = strrchr(path, '/');
	struct target *t = f->script->target;
	bool found = false;

	base = base ? base + 1 : path;
	for (u32 i = 0; i < ARRAY_SIZE(moved); i++)
		found |= !strncmp(base, moved[i], strlen(moved[i]));
	path = arena_printf(f->script->arena, "%.*slibc.so.6", (int)(base - path), path);
	return found && !t->ops->file(t, path, f->script->pid, &f->file);
}

static int look_at_symbols(struct search *f)
{
	const char *exact = f->cpp || has_wildcard(f->name) ? NULL : f->name;
	int stop = user_symbols_named(f->file, exact, take_symbol, f);

	if (!f->n && look_in_libc(f))
		stop = user_symbols_named(f->file, exact, take_symbol, f);
	return stop;
}

int points_uprobe(struct script *s, const struct probe_row *row, struct probe *probe,
		  struct probe_spec *spec, char **parts, struct point ***tail)
{
	struct search f = {.script = s,
			   .row = row,
			   .probe = probe,
			   .spec = spec,
			   .tail = tail,
			   .found.arena = s->arena};
	char *name = strchr(parts[0], ':');
	int err;

	if (!name || name == parts[0] || !name[1])
		return not_written(&f);
	*name++ = 0;
	f.cpp = !strncmp(name, "cpp:", 4);
	name += f.cpp ? 4 : 0;
	f.name = name;
	f.near.word = f.cpp ? name : NULL;
	if (*name >= '0' && *name <= '9')
		return in_files(&f, parts[0], at_address);
	err = parse_offset(&f, name);
	if (probe->leader && probe->leader->row == row) /* they all do the same */
		f.leader = probe->leader;
	if (!err)
		err = in_files(&f, parts[0], look_at_symbols);
	probe->leader = f.leader;
	if (err < 0 || f.n)
		return err < 0 ? err : 0;
	if (!s->trying && !f.too_far && !f.inside && f.file) { /* once more, for the message */
		f.near.word = name;
		user_symbols(f.file, take_symbol, &f);
	}
	return unknown_symbol(&f, parts[0]);
}

/* ---- usdt */

static int take_note(void *user, const struct usdt_note *note)
{
	struct search *f = user;
	struct arena *a = f->script->arena;
	const char *before = f->near.best;
	struct point *p;
	void **leader;

	near_try(&f->near, note->name);
	if (f->near.best != before)
		f->near.best = arena_strdup(a, note->name);
	if (!glob_match(f->name, note->name) ||
	    (f->provider && !glob_match(f->provider, note->provider)))
		return 0;
	p = add_place(f, arena_printf(a, "%s:%s", note->provider, note->name), note->offset);
	p->func = NULL;
	p->semaphore = note->semaphore;
	p->operands = usdt_operands(f->file, note, a);
	/* places whose operands are the same can share a program */
	leader = dict_put(&f->found, p->operands);
	if (!*leader)
		*leader = p;
	point_follow(p, *leader);
	return f->n > f->script->limits.points_most;
}

static int look_at_notes(struct search *f)
{
	return usdt_notes(f->file, take_note, f);
}

static int unknown_usdt(struct search *f, const char *file)
{
	struct script *s = f->script;

	return diag_error(s->diag, f->spec->at,
			  way_out(f, "readelf -n lists the probes of a file"),
			  "%s has %s USDT probe '%s%s%s'", file,
			  strncmp(file, "no ", 3) ? "no" : "a", f->provider ? f->provider : "",
			  f->provider ? ":" : "", f->name);
}

/* usdt:FILE:PROVIDER:NAME, usdt:FILE:NAME */
int points_usdt(struct script *s, const struct probe_row *row, struct probe *probe,
		struct probe_spec *spec, char **parts, struct point ***tail)
{
	struct search f = {.script = s,
			   .row = row,
			   .probe = probe,
			   .spec = spec,
			   .tail = tail,
			   .found.arena = s->arena};
	char *file = parts[0], *second = strchr(file, ':'), *third;
	int err;

	if (!second || !second[1])
		return not_written(&f);
	*second++ = 0;
	third = strchr(second, ':');
	if (third)
		*third++ = 0;
	f.provider = third && *second ? second : NULL;
	f.name = f.near.word = third ? third : second;
	if (!*f.name || strchr(f.name, ':'))
		return not_written(&f);
	err = in_files(&f, file, look_at_notes);
	if (err < 0)
		return err;
	if (!*file || !strcmp(file, "*"))
		file = s->pid ? arena_printf(s->arena, "process %u", s->pid) : "no running program";
	return f.n ? 0 : unknown_usdt(&f, file);
}
