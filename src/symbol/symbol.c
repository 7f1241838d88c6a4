/* symbol.c: the kernel's and the processes' symbols together; see symbol.h. */
#include "symbol/symbol.h"

#include "base/clock.h"
#include "elf/debug.h"

#include "symbol/names.h"
#include "symbol/process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_AT_ONCE  65536
#define AGAIN_NS      100000000u
#define FUNCTION_MOST 0x100000 /* bytes: what is further away from a name is not of it */

#define PLACES 1024	  /* 2^10 */
#define KERNEL UINT32_MAX /* instead of a pid */

/* What the last address that wanted this place is. */
struct place {
	u64 addr;
	u32 pid, hold; /* hold: in which it was found */
	bool caller, found;
	struct symbol symbol;
};

struct symbols {
	struct diag *diag;
	bool read, told, packed_told;
	struct symbol_table kernel,
		before;     /* before: modules came; names that it gave are still in use */
	u64 modules, asked; /* when kernel was read; when that was last looked at */
	int fd;             /* of kallsyms while it is read, and what is left of the last piece */
	char *piece;
	size_t have;
	struct processes processes;
	struct names names;
	struct place *places; /* or NULL */
	u32 hold;	      /* counts them; odd: one lasts */
};

struct symbols *symbols_new(struct diag *diag)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (s)
		s->diag = diag;
	return s;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	if (s->piece && s->fd >= 0)
		close(s->fd);
	free(s->piece);
	symbol_table_free(&s->kernel);
	symbol_table_free(&s->before);
	processes_free(&s->processes);
	names_free(&s->names);
	free(s->places);
	free(s);
}

/* ---- what was found */

void symbols_hold(struct symbols *s)
{
	if (!s->places)
		s->places = calloc(PLACES, sizeof(*s->places));
	s->hold += s->places && !(s->hold & 1);
}

void symbols_release(struct symbols *s)
{
	s->hold += s->hold & 1;
}

static struct place *place_of(struct symbols *s, u32 pid, u64 addr, bool caller)
{
	u64 h = (addr ^ (u64)pid << 40 ^ (u64)caller << 63) * 0x9e3779b97f4a7c15ull;

	return &s->places[h >> 54];
}

static bool place_is(const struct symbols *s, const struct place *p, u32 pid, u64 addr, bool caller)
{
	return p->hold == s->hold && p->addr == addr && p->pid == pid && p->caller == caller;
}

/* One piece of kallsyms; false: that was all. */
static bool kernel_piece(struct symbols *s)
{
	ssize_t n;
	size_t used;

	if (s->read)
		return false;
	if (!s->piece) {
		s->modules = kernel_modules();
		s->asked = clock_now(CLOCK_MONOTONIC);
		s->fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
		s->piece = malloc(READ_AT_ONCE);
	}
	n = s->fd >= 0 && s->piece ? read(s->fd, s->piece + s->have, READ_AT_ONCE - s->have) : 0;
	if (n > 0) {
		s->have += (size_t)n;
		used = kallsyms_parse(&s->kernel, s->piece, s->have);
		s->have -= used;
		memmove(s->piece, s->piece + used, s->have);
		return true;
	}
	if (s->fd >= 0)
		close(s->fd);
	free(s->piece);
	s->piece = NULL;
	s->read = true;
	symbol_table_sort(&s->kernel);
	return false;
}

static void say_hidden(struct symbols *s)
{
	s->told = true;
	if (s->diag && (!s->kernel.n || s->kernel.hidden))
		diag_note(s->diag,
			  "sysctl kernel.kptr_restrict=0 or 1 and the capability CAP_SYSLOG show "
			  "them",
			  "the kernel hides its symbols: addresses are shown as numbers");
}

static const struct symbol_row *find_near(const struct symbol_table *t, u64 addr)
{
	const struct symbol_row *row = symbol_table_find(t, addr);

	return row && addr - row->addr < FUNCTION_MOST ? row : NULL;
}

static const struct symbol_row *find_in_kernel(struct symbols *s, u64 addr)
{
	while (kernel_piece(s))
		;
	return find_near(&s->kernel, addr);
}

/* Have modules come or gone since the symbols were read? Looked at ten times a second at most. */
static bool modules_changed(struct symbols *s)
{
	u64 now = clock_now(CLOCK_MONOTONIC);

	if (now - s->asked < AGAIN_NS)
		return false;
	s->asked = now;
	return kernel_modules() != s->modules;
}

/* Modules may have come and gone since the symbols were read. What had a name then keeps it: the
 * stack may be of that time. */
static void read_again(struct symbols *s)
{
	symbol_table_free(&s->before);
	s->before = s->kernel;
	s->kernel = (struct symbol_table){0};
	s->read = false;
	s->hold += (s->hold & 1) * 2; /* those of before go, and with them what was found */
}

/* As the symbols are now: no name that was given before goes. */
static bool known_in_kernel(struct symbols *s, u64 addr, struct symbol *out)
{
	const struct symbol_row *row = find_near(&s->kernel, addr);
	struct symbol_table *t = &s->kernel;

	*out = (struct symbol){0};
	if (!row) {
		t = &s->before;
		row = find_near(t, addr);
	}
	if (!row)
		return false;
	out->name = t->text.p + row->name;
	out->readable = symbol_readable(t, &s->processes.arena, row);
	out->module = row->module ? t->text.p + row->module : NULL;
	out->off = addr - row->addr;
	return true;
}

static bool in_kernel(struct symbols *s, u64 addr, struct symbol *out)
{
	const struct symbol_row *row = find_in_kernel(s, addr);

	if (!s->told)
		say_hidden(s);
	if ((!row || row->module) && s->kernel.n && modules_changed(s)) {
		read_again(s);
		find_in_kernel(s, addr);
	}
	return known_in_kernel(s, addr, out);
}

static bool in_process(struct symbols *s, u32 pid, u64 addr, struct symbol *out)
{
	*out = (struct symbol){0};
	return process_symbol(&s->processes, pid, addr, out);
}

/* A function of the kernel has no size, so what is behind it is named as it, up to the next one:
 * only there the one before is meant. Trampolines that returns go through are not called from
 * before. */
static bool caller_in_kernel(struct symbols *s, u64 addr, struct symbol *out)
{
	struct symbol before;

	if (!in_kernel(s, addr, out))
		return false;
	if (!out->off && !strstr(out->name, "trampoline") &&
	    known_in_kernel(s, addr - 1, &before)) {
		*out = before;
		out->off++;
	}
	return true;
}

static bool caller_in_process(struct symbols *s, u32 pid, u64 addr, struct symbol *out)
{
	if (!in_process(s, pid, addr - 1, out))
		return in_process(s, pid, addr, out);
	out->off++;
	out->file_off++;
	return true;
}

/* Names that a JIT gave are read again when its file has grown: they are not kept. */
static bool look_up(struct symbols *s, u32 pid, u64 addr, bool caller, struct symbol *out)
{
	struct place *p = s->hold & 1 ? place_of(s, pid, addr, caller) : NULL;
	bool found;

	if (p && place_is(s, p, pid, addr, caller)) {
		*out = p->symbol;
		return p->found;
	}
	if (caller)
		found = pid == KERNEL ? caller_in_kernel(s, addr, out)
				      : caller_in_process(s, pid, addr, out);
	else
		found = pid == KERNEL ? in_kernel(s, addr, out) : in_process(s, pid, addr, out);
	if (p && !out->of_jit)
		*p = (struct place){addr, pid, s->hold, caller, found, *out};
	return found;
}

bool symbol_of_kernel(struct symbols *s, u64 addr, struct symbol *out)
{
	return look_up(s, KERNEL, addr, false, out);
}

bool symbol_of_process(struct symbols *s, u32 pid, u64 addr, struct symbol *out)
{
	return look_up(s, pid, addr, false, out);
}

bool symbol_of_caller(struct symbols *s, bool user, u32 pid, u64 addr, struct symbol *out)
{
	return look_up(s, user ? pid : KERNEL, addr, true, out);
}

bool symbol_line(struct symbols *s, u32 pid, u64 addr, struct line_place *out)
{
	bool found = process_line(&s->processes, pid, addr, out);

	if (s->processes.packed && !s->packed_told && s->diag) {
		s->packed_told = true;
		diag_note(s->diag, PACKED_HINT, PACKED_TEXT, s->processes.packed);
	}
	return found;
}

/* ---- ahead of time */

void symbols_watch(struct symbols *s, u32 pid)
{
	if (!s->processes.watch)
		s->processes.watch = watch_open(pid);
	s->processes.all = !pid;
}

bool symbols_prepare_kernel(struct symbols *s)
{
	return kernel_piece(s);
}

void symbols_prepare_process(struct symbols *s, u32 pid)
{
	process_prepare(&s->processes, pid);
}

bool symbols_prepare_watched(struct symbols *s)
{
	return s->processes.watch && process_prepare_next(&s->processes);
}

/* ---- names of other things */

const char *symbol_user(struct symbols *s, u32 uid)
{
	return names_user(&s->names, uid);
}

const char *symbol_cgroup(struct symbols *s, u64 id, const char *pattern)
{
	return names_cgroup(&s->names, id, pattern);
}
