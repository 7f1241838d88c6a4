/*
 * table.c: rows of a table: where columns stand, the header, the cells.
 *
 * Numbers stand right, text stands left. Each column has a width that it wants and one that it
 * needs at least: where they do not all fit into the screen (or 80 columns), those that have most
 * to spare become narrower. The last column takes what is left, and is as long as it is in files
 * and pipes; on a terminal a row ends at the screen's edge.
 */
#include "sink/table.h"

#include "sink/folded.h"

#include <ctype.h>

#define WIDTH_MOST 4096
#define LAST_WANT  16 /* columns kept for a last column of text */

enum cell { CELL_NUMBER, CELL_TEXT, CELL_STACK, CELL_VALUE };

/* "lat_us" is headed LAT(us), "tx_kb" TX_KB: so people know them from other tools. */
static const char *header_name(struct arena *a, const struct field *f)
{
	static const char *const units[] = {
		[UNIT_NS] = "ns", [UNIT_US] = "us", [UNIT_MS] = "ms", [UNIT_BYTES] = "bytes"};
	size_t n = strlen(f->name), stem;
	const char *unit = unit_of_name(f->name, &stem);
	char *name;

	if (f->unit < ARRAY_SIZE(units) && units[f->unit])
		unit = units[f->unit];
	else if (stem == n || (unit && !strcmp(unit, "KB")))
		unit = NULL, stem = n; /* it is the whole name, or stays in it */
	name = arena_strndup(a, f->name, stem);
	for (char *c = name; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return unit ? arena_printf(a, "%s(%s)", name, unit) : name;
}

static bool is_number(const struct field *f)
{
	return field_is_int(f) && f->unit != UNIT_BOOL && f->unit != UNIT_ENUM;
}

static u8 cell_form(const struct field *f)
{
	if (is_number(f) && f->unit != UNIT_HEX)
		return CELL_NUMBER;
	if (f->kind == FIELD_KSTACK || f->kind == FIELD_USTACK)
		return CELL_STACK;
	return f->kind == FIELD_STR && !f->text ? CELL_TEXT : CELL_VALUE;
}

/* The width of a column that did not say one. */
static u32 natural_width(const struct field *f)
{
	char time[TIME_TEXT_MOST];

	switch (f->kind) {
	case FIELD_STR: return MIN(f->size, 16);
	case FIELD_UINT:
	case FIELD_INT: return f->size == 8 ? 12 : f->size == 4 ? 7 : 5;
	case FIELD_TIME: return (u32)(put_time(time, f->text, 0) - time);
	case FIELD_DECIMAL: return 9;
	default: return 16;
	}
}

/* How narrow a column that wants so much may become where the row is too long. */
static u32 least_width(const struct field *f, u32 want)
{
	switch (f->kind) {
	case FIELD_UINT:
	case FIELD_INT: return want > 7 ? 6 : 5;
	case FIELD_TIME: return natural_width(f);
	default: return 8;
	}
}

void table_open(struct table *t, struct arena *a, const struct layout *l)
{
	*t = (struct table){.columns = arena_array(a, struct column, l->n), .n = l->n, .most = 1};
	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];
		struct column *c = &t->columns[i];
		u32 name;

		*c = (struct column){.field = f, .name = header_name(a, f), .form = cell_form(f)};
		name = (u32)strlen(c->name);
		c->right = is_number(f) || f->kind == FIELD_DECIMAL || f->kind == FIELD_FILE;
		c->want = MIN(
			MAX(f->width && f->kind != FIELD_TIME && f->kind != FIELD_DECIMAL
				    ? f->width
				    : natural_width(f),
			    name),
			WIDTH_MOST);
		c->least = MIN(MAX(least_width(f, c->want), name), c->want);
		t->most +=
			MAX(c->form == CELL_STACK ? folded_most(f) : field_text_most(f), c->want) +
			1 + COLOUR_MOST;
	}
	table_place(t, 0);
}

/* The column that has most to spare; NULL: none has anything. */
static struct column *widest(const struct table *t)
{
	struct column *best = NULL;

	for (u32 i = 0; i < t->n; i++) {
		struct column *c = &t->columns[i];

		if (c->width > c->least &&
		    (!best || c->width - c->least > best->width - best->least))
			best = c;
	}
	return best;
}

void table_place(struct table *t, u32 width)
{
	u32 total = 0, at = 0;
	struct column *c;

	t->width = width;
	for (u32 i = 0; i < t->n; i++) {
		c = &t->columns[i];
		c->width = c->want;
		if (i == t->n - 1 && !c->right)
			c->width = MIN(c->width, MAX((u32)strlen(c->name), LAST_WANT));
		total += c->width + (i > 0);
	}
	for (; total > (width ? width : TABLE_WIDTH) && (c = widest(t)); total--)
		c->width--;
	for (u32 i = 0; i < t->n; i++) {
		c = &t->columns[i];
		c->from = at;
		c->to = at + c->width;
		at = c->to + 1;
	}
}

void table_header(const struct table *t, struct buf *b, const struct term *term)
{
	size_t names = 2 + COLOUR_MOST;
	char *p, *start, *line;

	for (u32 i = 0; i < t->n; i++)
		names += MAX(t->columns[i].width, (u32)strlen(t->columns[i].name)) + 1;
	p = start = buf_reserve(b, names);
	if (!p)
		return;
	line = p = colour_on(p, term, COLOUR_HEAD);
	for (u32 i = 0; i < t->n; i++) {
		const struct column *c = &t->columns[i];
		size_t n = strlen(c->name), pad = c->width > n ? c->width - n : 0;

		p = put_fill(p, ' ', i > 0);
		p = put_fill(p, ' ', c->right ? pad : 0);
		p = put_copy(p, c->name, n);
		p = put_fill(p, ' ', c->right || i == t->n - 1 ? 0 : pad);
	}
	if (term->width)
		p = term_cut(line, p, term->width);
	p = colour_off(p, term);
	*p++ = '\n';
	b->n += (size_t)(p - start);
}

/* Control characters, which could break lines or talk to the terminal, become '?'; returns how many
 * columns the text takes. */
static u32 clean(char *p, const char *end)
{
	u32 columns = 0;

	for (; p < end; p++) {
		if ((u8)*p < 0x20 || *p == 0x7f)
			*p = '?';
		columns += ((u8)*p & 0xc0) != 0x80;
	}
	return columns;
}

static char *put_number(char *p, const struct column *c, const struct term *t, const u8 *data,
			u32 *at)
{
	u64 v = field_load(c->field, data);
	bool minus = c->field->kind == FIELD_INT && (s64)v < 0;
	u32 n = minus ? put_digits(-v) + 1 : put_digits(v);

	if (c->to > *at + n)
		p = put_fill(p, ' ', c->to - *at - n);
	*at = MAX(c->to, *at + n);
	if (!minus)
		return put_u64(p, v);
	p = colour_on(p, t, COLOUR_BAD);
	p = put_s64(p, (s64)v);
	return colour_off(p, t);
}

/* Text, or a value of another kind: numbers that are not decimal stand right as well. */
static char *put_text_cell(char *p, const struct column *c, const struct show *show, const u8 *data,
			   u32 *at, bool last)
{
	const struct field *f = c->field;
	u32 columns, room;
	char *end;

	if (c->form == CELL_TEXT) {
		end = put_cell(p, data + f->off, f->size, &columns);
	} else {
		end = c->form == CELL_STACK ? put_folded(p, show, f, data)
					    : field_text(p, show, f, data);
		columns = clean(p, end);
	}
	room = c->to > *at + columns ? c->to - *at - columns : 0;
	*at += columns + room;
	if (c->right) {
		memmove(p + room, p, (size_t)(end - p));
		memset(p, ' ', room);
		return end + room;
	}
	return last ? end : put_fill(end, ' ', room);
}

char *table_row(const struct table *t, const struct term *term, const struct show *show, char *p,
		const u8 *data)
{
	char *start = p;
	u32 at = 0;

	for (u32 i = 0; i < t->n; i++) {
		const struct column *c = &t->columns[i];

		if (i) {
			*p++ = ' ';
			at++;
		}
		p = c->form == CELL_NUMBER ? put_number(p, c, term, data, &at)
					   : put_text_cell(p, c, show, data, &at, i == t->n - 1);
	}
	if (term->width && (size_t)(p - start) > term->width)
		p = term_cut(start, p, term->width);
	*p++ = '\n';
	return p;
}
