/*
 * lines.c: runs the programs of .debug_line; see lines.h.
 */
#include "elf/lines.h"

#include "elf/cursor.h"
#include "elf/debug.h"

#include <stdlib.h>

#define FORMATS_MOST 16
#define CODES_MOST   64

enum { CONTENT_PATH = 1, CONTENT_FOLDER = 2 };
enum {
	FORM_BLOCK = 0x09,
	FORM_STRING = 0x08,
	FORM_UDATA = 0x0f,
	FORM_LINE_STRP = 0x1f,
	FORM_STRP = 0x0e,
	FORM_DATA1 = 0x0b,
	FORM_DATA2 = 0x05,
	FORM_DATA4 = 0x06,
	FORM_DATA8 = 0x07,
	FORM_DATA16 = 0x1e
};

struct unit {
	u64 end, program, tables; /* behind it; its instructions; lists of folders and files */
	u32 version, offset_size, address_size;
	u32 least; /* bytes of an instruction */
	s32 line_base;
	u32 line_range, first_special;
	u8 operands[CODES_MOST]; /* of the standard instructions */
};

static bool read_unit(const struct lines *l, u64 at, struct unit *u)
{
	struct cursor c = {&l->line, at, false};
	u64 size = cursor_get(&c, 4), header;

	*u = (struct unit){.offset_size = 4, .address_size = 8};
	if (size == 0xffffffff) {
		size = cursor_get(&c, 8);
		u->offset_size = 8;
	}
	if (c.bad || !size || size > l->line.n - c.at)
		return false;
	u->end = c.at + size;
	u->version = (u32)cursor_get(&c, 2);
	if (u->version >= 5) {
		u->address_size = (u32)cursor_get(&c, 1);
		cursor_get(&c, 1);
	}
	header = cursor_get(&c, u->offset_size);
	u->program = c.at + header;
	u->least = (u32)cursor_get(&c, 1);
	if (u->version >= 4)
		cursor_get(&c, 1); /* of instructions that are bundles */
	cursor_get(&c, 1);
	u->line_base = (s32)((u32)cursor_get(&c, 1) << 24) >> 24; /* a signed byte */
	u->line_range = (u32)cursor_get(&c, 1);
	u->first_special = (u32)cursor_get(&c, 1);
	for (u32 i = 1; i < u->first_special; i++)
		u->operands[MIN(i, CODES_MOST - 1u)] = (u8)cursor_get(&c, 1);
	u->tables = c.at;
	return !c.bad && u->program <= u->end && u->line_range;
}

static bool is_known(const struct unit *u)
{
	return u->version >= 2 && u->version <= 5;
}

/* ---- programs */

struct row {
	u64 addr;
	u64 file;
	u32 line;
};
/* Called for each row; end: the code ends here. False: enough. */
typedef bool row_fn(void *user, const struct row *, bool end);

struct state {
	struct row row;
	bool again; /* begin anew behind this */
};

static void extended(struct cursor *c, const struct unit *u, struct state *s)
{
	u64 size = cursor_uleb(c), end = c->at + size;
	u8 op = (u8)cursor_get(c, 1);

	if (op == 1) /* end of a piece */
		s->again = true;
	else if (op == 2) /* an address */
		s->row.addr = cursor_get(c, MIN(u->address_size, 8u));
	if (end < c->at || end > u->end)
		c->bad = true;
	c->at = end;
}

/* True: a row is complete. */
static bool standard(struct cursor *c, const struct unit *u, struct state *s, u8 op)
{
	switch (op) {
	case 1: return true;
	case 2: s->row.addr += cursor_uleb(c) * u->least; break;
	case 3: s->row.line += (u32)cursor_sleb(c); break;
	case 4: s->row.file = cursor_uleb(c); break;
	case 8: s->row.addr += (u64)((255 - u->first_special) / u->line_range) * u->least; break;
	case 9: s->row.addr += cursor_get(c, 2); break;
	default:
		for (u32 i = u->operands[MIN(op, CODES_MOST - 1)]; i; i--)
			cursor_uleb(c);
	}
	return false;
}

static void run(const struct lines *l, const struct unit *u, row_fn *fn, void *user)
{
	struct cursor c = {&l->line, u->program, false};
	struct state s = {.row = {.file = 1, .line = 1}};

	while (c.at < u->end && !c.bad) {
		u8 op = (u8)cursor_get(&c, 1);
		bool complete;

		if (op >= u->first_special) {
			u32 n = op - u->first_special;

			s.row.addr += (u64)(n / u->line_range) * u->least;
			s.row.line += (u32)(u->line_base + (s32)(n % u->line_range));
			complete = true;
		} else if (op) {
			complete = standard(&c, u, &s, op);
		} else {
			extended(&c, u, &s);
			complete = s.again;
		}
		if (complete && !c.bad && !fn(user, &s.row, s.again))
			return;
		if (s.again)
			s = (struct state){.row = {.file = 1, .line = 1}};
	}
}

/* ---- the index */

struct indexing {
	struct lines *lines;
	struct lines_piece piece;
	bool inside;
};

static bool note_row(void *user, const struct row *r, bool end)
{
	struct indexing *x = user;
	struct lines *l = x->lines;

	if (!x->inside)
		x->piece.start = r->addr;
	x->inside = !end;
	if (!end || !x->piece.start || r->addr <= x->piece.start)
		return true; /* what the linker has left out begins at 0 */
	if (l->n == l->cap) {
		u32 cap = l->cap ? l->cap * 2 : 64;
		struct lines_piece *p = realloc(l->pieces, cap * sizeof(*p));

		if (!p)
			return false;
		l->pieces = p;
		l->cap = cap;
	}
	x->piece.end = r->addr;
	l->pieces[l->n++] = x->piece;
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct lines_piece *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

bool lines_open(struct lines *l, const struct elf *elf)
{
	struct {
		const char *name;
		struct dwarf_section *to;
	} sections[] = {{".debug_line", &l->line},
			{".debug_str", &l->str},
			{".debug_line_str", &l->line_str}};
	struct elf_section s;
	struct unit u;

	*l = (struct lines){0};
	for (u32 i = 0; i < ARRAY_SIZE(sections); i++)
		if (elf_find(elf, sections[i].name, &s) &&
		    !elf_contents(&s, &l->unpacked[i], sections[i].to))
			*sections[i].to = (struct dwarf_section){0};
	for (u64 at = 0; l->line.p && at < l->line.n && read_unit(l, at, &u); at = u.end) {
		struct indexing x = {.lines = l, .piece = {.unit = at}};

		if (is_known(&u))
			run(l, &u, note_row, &x);
	}
	if (l->n)
		qsort(l->pieces, l->n, sizeof(*l->pieces), by_start);
	else
		lines_close(l);
	return l->n;
}

void lines_close(struct lines *l)
{
	for (u32 i = 0; i < ARRAY_SIZE(l->unpacked); i++)
		buf_free(&l->unpacked[i]);
	free(l->pieces);
	*l = (struct lines){0};
}

/* ---- names of files */

static const char *text_at(const struct dwarf_section *s, u64 at)
{
	return at < s->n && memchr(s->p + at, 0, s->n - at) ? (const char *)s->p + at : "";
}

static const char *text_here(struct cursor *c)
{
	const char *text = text_at(c->s, c->at);

	cursor_skip(c, strlen(text) + 1);
	return c->bad ? "" : text;
}

/* A value in a list of version 5: a text or a number. */
static void read_form(const struct lines *l, const struct unit *u, struct cursor *c, u64 form,
		      const char **text, u64 *number)
{
	switch (form) {
	case FORM_STRING: *text = text_here(c); break;
	case FORM_LINE_STRP: *text = text_at(&l->line_str, cursor_get(c, u->offset_size)); break;
	case FORM_STRP: *text = text_at(&l->str, cursor_get(c, u->offset_size)); break;
	case FORM_UDATA: *number = cursor_uleb(c); break;
	case FORM_DATA1: *number = cursor_get(c, 1); break;
	case FORM_DATA2: *number = cursor_get(c, 2); break;
	case FORM_DATA4: *number = cursor_get(c, 4); break;
	case FORM_DATA8: *number = cursor_get(c, 8); break;
	case FORM_DATA16: cursor_skip(c, 16); break;
	case FORM_BLOCK: cursor_skip(c, cursor_uleb(c)); break;
	default: c->bad = true;
	}
}

/* A list of version 5: the wanted entry's name and folder, when it is in it. */
static void read_list(const struct lines *l, const struct unit *u, struct cursor *c, u64 wanted,
		      const char **name, u64 *folder)
{
	u64 kinds[FORMATS_MOST] = {0}, forms[FORMATS_MOST] = {0}, count;
	u32 n = (u32)cursor_get(c, 1);

	for (u32 i = 0; i < n; i++) {
		kinds[MIN(i, FORMATS_MOST - 1u)] = cursor_uleb(c);
		forms[MIN(i, FORMATS_MOST - 1u)] = cursor_uleb(c);
	}
	count = cursor_uleb(c);
	if (n > FORMATS_MOST || (!n && count))
		c->bad = true;
	for (u64 at = 0; at < count && !c->bad; at++)
		for (u32 i = 0; i < n && !c->bad; i++) {
			const char *text = "";
			u64 number = 0;

			read_form(l, u, c, forms[i], &text, &number);
			if (at == wanted && kinds[i] == CONTENT_PATH)
				*name = text;
			if (at == wanted && kinds[i] == CONTENT_FOLDER)
				*folder = number;
		}
}

/* Lists up to version 4: counted from 1; folder 0 is where the compiler ran, which is not told
 * here. */
static void read_old(const struct unit *u, struct cursor *c, u64 file, struct line_place *p)
{
	u64 folder = 0, folders = c->at;
	const char *text;

	while (*text_here(c) && c->at < u->program)
		;
	for (u64 i = 1; c->at < u->program && *(text = text_here(c)); i++) {
		u64 in = cursor_uleb(c);

		cursor_uleb(c);
		cursor_uleb(c);
		if (i == file) {
			p->file = text;
			folder = in;
		}
	}
	c->at = folders;
	for (u64 i = 1; i <= folder && !c->bad; i++) {
		text = text_here(c);
		if (!*text)
			return;
		p->folder = text;
	}
}

static void name_file(const struct lines *l, const struct unit *u, u64 file, struct line_place *p)
{
	struct cursor c = {&l->line, u->tables, false};
	const char *unused = "";
	u64 folder = 0, at;

	p->folder = p->file = "";
	if (u->version < 5) {
		read_old(u, &c, file, p);
	} else {
		at = c.at;
		read_list(l, u, &c, UINT64_MAX, &unused, &folder);
		read_list(l, u, &c, file, &p->file, &folder);
		c.at = at;
		read_list(l, u, &c, folder, &p->folder, &at);
	}
	if (*p->file == '/')
		p->folder = "";
}

/* ---- searches */

struct search {
	u64 addr;
	struct row before;
	bool has, found;
};

static bool look(void *user, const struct row *r, bool end)
{
	struct search *s = user;

	s->found = s->has && s->before.addr <= s->addr && s->addr < r->addr;
	if (s->found)
		return false;
	s->before = *r;
	s->has = !end;
	return true;
}

bool lines_find(const struct lines *l, u64 addr, struct line_place *p)
{
	struct search s = {.addr = addr};
	u32 lo = 0, hi = l->n;
	struct unit u;

	while (lo < hi) { /* the first one above */
		u32 mid = lo + (hi - lo) / 2;

		if (l->pieces[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || addr >= l->pieces[lo - 1].end || !read_unit(l, l->pieces[lo - 1].unit, &u))
		return false;
	run(l, &u, look, &s);
	if (!s.found || !s.before.line)
		return false;
	p->line = s.before.line;
	name_file(l, &u, s.before.file, p);
	return *p->file;
}
