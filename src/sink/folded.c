/*
 * folded.c: `-f folded`: stacks, one a line, with how often they were seen.
 *
 * In:  records and maps that have stacks. Out: "comm;main;read;vfs_read_[k] 12": names of other
 *      fields, frames of the process, frames of the kernel (marked _[k]), the root first. Lines
 * that are the same are one, sorted. Maps come when they are printed, records at the end.
 */
#include "sink/folded.h"

#include <stdlib.h>

#define NAME_MOST 320

/* ---- one stack */

u32 folded_most(const struct field *f)
{
	return f->size / 8 * (NAME_MOST + 2);
}

/* A name becomes a frame: what separates frames and lines does not occur in it. */
static char *put_name(char *p, const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*p++ = name[i] == ';' ? ':' : (u8)name[i] < 0x20 || name[i] == 0x7f ? '?' : name[i];
	return p;
}

static char *put_frame(char *p, const struct show *show, const struct field *f, u32 pid, u64 addr,
		       bool caller)
{
	bool user = f->kind == FIELD_USTACK;
	struct symbol s = {0};
	const char *name, *file;

	if (show && show->symbols && caller)
		symbol_of_caller(show->symbols, user, pid, addr, &s);
	else if (show && show->symbols && user)
		symbol_of_process(show->symbols, pid, addr, &s);
	else if (show && show->symbols)
		symbol_of_kernel(show->symbols, addr, &s);
	name = s.name && f->mode & SYMBOLS_AS_LINKED ? s.name : s.name ? s.readable : s.module;
	if (s.name || !s.module)
		return put_name(p, name ? name : "[unknown]",
				strnlen(name ? name : "[unknown]", NAME_MOST));
	file = strrchr(name, '/');
	name = file ? file + 1 : name;
	*p++ = '[';
	p = put_name(p, name, strnlen(name, NAME_MOST - 2));
	*p++ = ']';
	return p;
}

char *put_folded(char *p, const struct show *show, const struct field *f, const u8 *data,
		 enum folded_style style)
{
	bool user = f->kind == FIELD_USTACK;
	const u8 *words = data + f->off;
	u32 first = user ? 1 : 0, n = first;
	u64 addr, pid = 0;

	if (user)
		memcpy(&pid, words, sizeof(pid));
	for (; (n + 1) * 8 <= f->size; n++) {
		memcpy(&addr, words + n * 8, sizeof(addr));
		if (!addr)
			break;
	}
	for (u32 i = n; i-- > first;) {
		memcpy(&addr, words + i * 8, sizeof(addr));
		if (i + 1 < n)
			*p++ = ';';
		if (style == FOLDED_MARKED)
			*p++ = user ? FRAME_USER : FRAME_KERNEL;
		p = put_frame(p, show, f, (u32)pid, addr, i != first);
	}
	return p;
}

static bool is_stack(const struct field *f)
{
	return f->kind == FIELD_KSTACK || f->kind == FIELD_USTACK;
}

bool has_stack(const struct layout *l)
{
	for (u32 i = 0; i < l->n; i++)
		if (is_stack(&l->fields[i]) ||
		    (l->fields[i].kind == FIELD_TUPLE && has_stack(l->fields[i].sub)))
			return true;
	return false;
}

/* ---- lines */

enum part { PART_LABELS, PART_STRINGS, PART_USER, PART_KERNEL };

static void add_field(struct buf *b, const struct show *show, const struct field *f, const u8 *data)
{
	bool stack = is_stack(f);
	u32 most = stack ? folded_most(f) : field_text_most(f);
	size_t begin = b->n + (b->n > 0);
	char *p = buf_reserve(b, most + 2), *start = p, *end;

	if (!p)
		return;
	p = put_fill(p, ';', b->n > 0);
	if (stack) {
		end = put_folded(p, show, f, data, FOLDED_MARKED);
	} else {
		*p++ = FRAME_LABEL;
		end = field_text(p, show, f, data);
		put_name(p, p, (size_t)(end - p));
	}
	b->n += (size_t)(end - start);
	if (b->n == begin && b->n) /* an empty stack */
		b->n--;
}

/* The fields that belong to a part of the line. */
static void add_part(struct buf *b, const struct show *show, const struct layout *l, const u8 *data,
		     enum part part)
{
	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];
		bool fits = part == PART_USER      ? f->kind == FIELD_USTACK
			    : part == PART_KERNEL  ? f->kind == FIELD_KSTACK
			    : part == PART_STRINGS ? f->kind == FIELD_STR
						   : !is_stack(f);

		if (f->kind == FIELD_TUPLE)
			add_part(b, show, f->sub, data + f->off, part);
		else if (fits)
			add_field(b, show, f, data);
	}
}

static void make_line(struct tally *t, const struct show *show, const struct layout *l,
		      const u8 *data, enum part labels)
{
	t->line.n = 0;
	add_part(&t->line, show, l, data, labels);
	add_part(&t->line, show, l, data, PART_USER);
	add_part(&t->line, show, l, data, PART_KERNEL);
	t->failed |= t->line.failed;
}

void tally_record(struct tally *t, const struct show *show, const struct layout *l, const u8 *data)
{
	u64 count = 1;
	size_t stem;

	if (!has_stack(l))
		return;
	for (u32 i = 0; i < l->n; i++)
		if (field_is_int(&l->fields[i]) && unit_of_name(l->fields[i].name, &stem))
			count = field_load(&l->fields[i], data);
	make_line(t, show, l, data, PART_STRINGS);
	tally_add(t, t->line.p, t->line.n, count);
}

/* What an entry weighs; 0: nothing that could be drawn. */
static u64 entry_count(const struct map_contents *c, const struct map_entry *e)
{
	const struct object_map *m = c->map;
	const struct layout *l = &m->value;
	bool sign = m->value_signed;
	u64 v = 0;

	switch (m->agg) {
	case AGG_NONE:
		if (l->n == 1 && field_is_int(l->fields)) {
			v = field_load(l->fields, e->value);
			sign = l->fields->kind == FIELD_INT;
		}
		break;
	case AGG_HIST:
	case AGG_LHIST: return map_total(m, e);
	case AGG_COUNT: sign = false; /* fall through */
	default: v = map_entry_u64(e, 0);
	}
	return sign && (s64)v < 0 ? 0 : map_divide(c, v);
}

void tally_map(struct tally *t, const struct show *show, const struct map_contents *c)
{
	if (c->map->scalar || !has_stack(&c->map->key))
		return;
	for (u32 i = 0; i < c->n; i++) {
		u64 count = entry_count(c, &c->entries[i]);

		if (!count)
			continue;
		make_line(t, show, &c->map->key, c->entries[i].key, PART_LABELS);
		tally_add(t, t->line.p, t->line.n, count);
	}
}

/* ---- sums */

void tally_free(struct tally *t)
{
	buf_free(&t->line);
	arena_free(&t->arena);
	*t = (struct tally){0};
}

void tally_add(struct tally *t, const char *line, size_t n, u64 count)
{
	jmp_buf full;
	void **at;

	if (t->failed || !n)
		return;
	t->arena.escape = &full;
	if (setjmp(full)) {
		t->failed = true;
		t->arena.escape = NULL;
		return;
	}
	t->lines.arena = &t->arena;
	at = dict_getn(&t->lines, line, n) ? NULL
					   : dict_put(&t->lines, arena_strndup(&t->arena, line, n));
	if (at) {
		vec_push(&t->arena, &t->counts, count);
		*at = (void *)(uintptr_t)t->counts.n;
	} else {
		t->counts.v[(uintptr_t)dict_getn(&t->lines, line, n) - 1] += count;
	}
	t->arena.escape = NULL;
}

void tally_move(struct tally *to, struct tally *from)
{
	dict_each (e, &from->lines)
		tally_add(to, e->key, e->len, from->counts.v[(uintptr_t)e->value - 1]);
	to->failed |= from->failed;
	tally_free(from);
}

/* Byte by byte, but ';' is before all: what is below a frame follows it at once. */
static int row_compare(const void *a, const void *b)
{
	const struct tally_row *x = a, *y = b;
	size_t n = MIN(x->n, y->n), i = 0;

	while (i < n && x->line[i] == y->line[i])
		i++;
	if (i == n)
		return (x->n > y->n) - (x->n < y->n);
	if (x->line[i] == ';' || y->line[i] == ';')
		return x->line[i] == ';' ? -1 : 1;
	return (u8)x->line[i] < (u8)y->line[i] ? -1 : 1;
}

struct tally_row *tally_sorted(struct tally *t, u32 *n)
{
	struct tally_row *rows;
	jmp_buf full;

	*n = 0;
	t->arena.escape = &full;
	if (setjmp(full)) {
		t->arena.escape = NULL;
		return NULL;
	}
	rows = arena_array(&t->arena, struct tally_row, t->counts.n + 1);
	t->arena.escape = NULL;
	dict_each (e, &t->lines)
		rows[(*n)++] =
			(struct tally_row){e->key, e->len, t->counts.v[(uintptr_t)e->value - 1]};
	qsort(rows, *n, sizeof(*rows), row_compare);
	return rows;
}

/* ---- frames of a line */

bool frame_next(const char **p, const char *end, struct frame *f)
{
	const char *semi;

	if (*p >= end)
		return false;
	semi = memchr(*p, ';', (size_t)(end - *p));
	semi = semi ? semi : end;
	*f = (struct frame){.kind = FRAME_USER, .name = *p, .len = (u32)(semi - *p)};
	if (f->len && (u8)f->name[0] <= FRAME_KERNEL) {
		f->kind = (u8)f->name[0];
		f->name++;
		f->len--;
	}
	*p = semi + 1;
	return true;
}

bool frame_same(const struct frame *a, const struct frame *b)
{
	return a->kind == b->kind && a->len == b->len && !memcmp(a->name, b->name, a->len);
}

/* ---- the format */

/* The marks go; frames of the kernel say so behind their names. */
static void write_line(struct buf *out, const struct tally_row *row)
{
	bool kernel = false;

	for (size_t i = 0; i < row->n; i++) {
		char c = row->line[i];

		if (c == ';' && kernel)
			buf_puts(out, "_[k]");
		if (c == FRAME_LABEL || c == FRAME_USER || c == FRAME_KERNEL)
			kernel = c == FRAME_KERNEL;
		else
			buf_char(out, c);
	}
	buf_puts(out, kernel ? "_[k] " : " ");
	buf_u64(out, row->count);
	buf_char(out, '\n');
}

static void write_tally(struct sink *s, struct tally *t)
{
	struct tally_row *rows;
	u32 n;

	rows = tally_sorted(t, &n);
	for (u32 i = 0; rows && i < n; i++)
		write_line(&s->out, &rows[i]);
	s->out.failed |= t->failed || !rows;
}

static int folded_open(struct sink *s, struct diag *diag)
{
	(void)diag;
	s->state = arena_new(&s->arena, struct tally);
	return 0;
}

static void folded_record(struct sink *s, const struct schema *schema, u64 ns, u32 cpu,
			  const void *payload, u32 size)
{
	(void)ns, (void)cpu, (void)size;
	tally_record(s->state, &s->show, &schema->layout, payload);
}

static void folded_map(struct sink *s, const struct map_contents *c)
{
	struct tally t = {0};

	tally_map(&t, &s->show, c);
	write_tally(s, &t);
	tally_free(&t);
}

static void folded_output(struct sink *s, const char *type, const char *text, size_t n)
{
	(void)s, (void)type, (void)text, (void)n;
}

static void folded_summary(struct sink *s, const struct waggle_stats *stats)
{
	(void)stats;
	write_tally(s, s->state);
}

static void folded_close(struct sink *s)
{
	tally_free(s->state);
}

const struct sink_ops sink_folded = {
	.name = "folded",
	.open = folded_open,
	.record = folded_record,
	.map = folded_map,
	.output = folded_output,
	.summary = folded_summary,
	.close = folded_close,
};
