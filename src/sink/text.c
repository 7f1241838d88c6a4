/*
 * text.c: output for people: lines, tables and maps.
 *
 * printf lines are as the script wrote them, and maps look as bpftrace prints them. Records of
 * emit() are rows of a table: its header comes once, columns have fixed least widths and one space
 * between them, numbers stand right and text left. A value that is wider shifts the rest of its
 * row; nothing is cut, but on a terminal a row of more than its width loses the end of its last
 * column, so that rows stay rows.
 */
#include "sink/format.h"
#include "sink/series.h"
#include "sink/sink.h"
#include "sink/value.h"

#include <ctype.h>
#include <stdlib.h>

struct text_schema {
	struct format format;
	char *header;       /* tables: with its newline */
	bool *header_shown; /* one for the whole group */
};

/* ---- tables */

static const char *unit_suffix(u8 unit)
{
	switch (unit) {
	case UNIT_NS: return "(ns)";
	case UNIT_US: return "(us)";
	case UNIT_MS: return "(ms)";
	default: return "";
	}
}

/* The least width of a column that did not say one. */
static u32 natural_width(const struct field *f)
{
	switch (f->kind) {
	case FIELD_STR: return MIN(f->size, 16);
	case FIELD_UINT:
	case FIELD_INT: return f->size == 8 ? 12 : f->size == 4 ? 7 : 5;
	default: return 16;
	}
}

static void add_header(struct buf *b, const char *name, u32 width, bool right, bool last)
{
	u32 n = (u32)strlen(name), pad = width > n ? width - n : 0;

	for (u32 i = 0; right && i < pad; i++)
		buf_char(b, ' ');
	buf_puts(b, name);
	for (u32 i = 0; !right && !last && i < pad; i++)
		buf_char(b, ' ');
}

static void table_open(struct sink *s, struct text_schema *t, const struct layout *l)
{
	struct arena *a = &s->arena;
	struct buf header = {0};

	for (u32 i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];
		const char *unit = unit_suffix(f->unit);
		char *name = arena_printf(a, "%s%s", f->name, unit);
		u32 width = MAX(f->width ? f->width : natural_width(f), (u32)strlen(name));

		width = MIN(width, FORMAT_WIDTH_MOST);
		for (char *c = name; c < name + strlen(f->name); c++)
			*c = (char)toupper((unsigned char)*c);
		if (i) {
			buf_char(&header, ' ');
			format_text(&t->format, a, " ", 1);
		}
		add_header(&header, name, width, field_is_int(f), i == l->n - 1);
		format_cell(&t->format, a, f, width, i == l->n - 1);
	}
	format_text(&t->format, a, "\n", 1);
	buf_char(&header, '\n');
	t->header = arena_strdup(a, buf_str(&header));
	buf_free(&header);
}

/* Cuts a row, at [start, end) with its newline, to the columns of the terminal. */
static char *table_cut(const struct sink *s, char *start, char *end)
{
	u32 columns = 0;

	for (char *c = start; c < end - 1; c++) {
		columns += (*c & 0xc0) != 0x80;
		if (columns > s->width) {
			*c = '\n';
			return c + 1;
		}
	}
	return end;
}

/* ---- opening */

static int text_open(struct sink *s, struct diag *diag)
{
	u32 n = s->object->schemas.n;
	struct text_schema *all = arena_array(&s->arena, struct text_schema, n);
	bool *shown = arena_array(&s->arena, bool, n);
	int err = 0;

	s->state = all;
	for (u32 i = 0; i < n && !err; i++) {
		struct schema *schema = &s->object->schemas.v[i];
		struct text_schema *t = &all[i];
		struct arena *a = &s->arena;

		t->header_shown = &shown[schema->group];
		switch (schema->action.kind) {
		case ACTION_PRINTF:
			err = format_compile(&t->format, a, schema->action.text, &schema->layout,
					     diag);
			break;
		case ACTION_EMIT: table_open(s, t, &schema->layout); break;
		case ACTION_PRINT_VALUE:
			for (u32 j = 0; j < schema->layout.n; j++) {
				format_text(&t->format, a, ", ", j ? 2 : 0);
				format_value(&t->format, a, &schema->layout.fields[j]);
			}
			format_text(&t->format, a, "\n", 1);
			break;
		default: break;
		}
		t->format.show = &s->show;
	}
	return err;
}

static void text_output(struct sink *s, const char *type, const char *text, size_t n)
{
	(void)type;
	buf_add(&s->out, text, n);
}

static void text_record(struct sink *s, const struct schema *schema, u64 ns, u32 cpu,
			const void *payload, u32 size)
{
	struct text_schema *t = (struct text_schema *)s->state + schema->id;
	char *p, *end;

	(void)cpu, (void)size;
	if (action_text(&s->out, &s->show, schema, ns, payload))
		return;
	if (!t->format.n)
		return;
	if (t->header && !*t->header_shown) {
		*t->header_shown = true;
		buf_puts(&s->out, t->header);
	}
	p = buf_reserve(&s->out, t->format.most);
	if (!p)
		return;
	end = format_run(&t->format, p, payload);
	if (t->header && s->width && (size_t)(end - p) > s->width)
		end = table_cut(s, p, end);
	s->out.n += (size_t)(end - p);
}

/* ---- maps */

#define BAR 52

/* A bound as bpftrace shortens it: by the largest suffix that loses nothing. `above`: one more
 * than v, which may be 2^64. */
static char *put_bound(char *p, u64 v, bool above, bool sign, u32 most_suffix)
{
	static const char suffixes[] = " KMGTPE";
	bool minus;
	u32 suffix = 0;

	if (above && v == UINT64_MAX && !sign)
		return put_copy(p, "16E", 3);
	v += above;
	minus = sign && (s64)v < 0;
	v = minus ? -v : v;
	for (; v && v % 1024 == 0 && suffix < most_suffix; suffix++)
		v /= 1024;
	if (minus)
		*p++ = '-';
	p = put_u64(p, v);
	if (suffix)
		*p++ = suffixes[suffix];
	return p;
}

static char *put_range(char *p, const struct object_map *m, const struct bucket *b)
{
	bool linear = m->agg == AGG_LHIST;
	u32 most = linear ? 2 : 6; /* lhist stops at M */

	if (b->no_lo) {
		p = put_copy(p, "(..., ", 6);
		p = put_bound(p, (u64)b->hi, true, true, most);
	} else {
		*p++ = '[';
		p = put_bound(p, (u64)b->lo, false, linear, most);
		if (b->no_hi)
			return put_copy(p, ", ...)", 6);
		if (b->lo == b->hi && !linear) {
			*p++ = ']';
			return p;
		}
		p = put_copy(p, ", ", 2);
		p = put_bound(p, (u64)b->hi, true, linear, most);
	}
	*p++ = ')';
	return p;
}

static char *put_bar_line(char *p, const struct map_contents *c, const struct bucket *b, u64 most)
{
	char *start = p, digits[PUT_U64_MOST];
	u32 n = (u32)(put_u64(digits, map_divide(c, b->count)) - digits);
	/* in floats, as bpftrace computes it, so that bars are equal to the last '@' */
	u32 bar = (u32)((float)b->count / (float)most * BAR);

	p = put_range(p, c->map, b);
	if (p < start + 16)
		p = put_fill(p, ' ', (size_t)(start + 16 - p));
	if (n < 8)
		p = put_fill(p, ' ', 8 - n);
	p = put_copy(p, digits, n);
	p = put_copy(p, " |", 2);
	p = put_fill(p, '@', bar);
	p = put_fill(p, ' ', BAR - bar);
	return put_copy(p, "|\n", 2);
}

#define BAR_LINE_MOST (64 + 32 + BAR)

static void text_hist(struct sink *s, const struct map_contents *c, const struct map_entry *e)
{
	struct buckets all = buckets_shown(c->map, e);

	buf_char(&s->out, '\n');
	for (u32 i = all.first; i < all.first + all.n; i++) {
		struct bucket b = bucket_get(c->map, e, i);
		char *p = buf_reserve(&s->out, BAR_LINE_MOST);

		if (!p)
			return;
		s->out.n += (size_t)(put_bar_line(p, c, &b, all.most) - p);
	}
	buf_char(&s->out, '\n');
}

static void text_number(struct sink *s, bool sign, u64 v)
{
	if (sign)
		buf_s64(&s->out, (s64)v);
	else
		buf_u64(&s->out, v);
}

static void text_layout(struct sink *s, const struct show *show, const struct layout *l,
			const u8 *data)
{
	char *p = buf_reserve(&s->out, layout_text_most(l));

	if (p)
		s->out.n += (size_t)(layout_text(p, show, l, data, ", ") - p);
}

static void text_key(struct sink *s, const struct object_map *m, const u8 *key)
{
	const struct layout *l = &m->key;
	struct show show = s->show;

	show.indent = 4; /* as bpftrace does */
	buf_puts(&s->out, m->shown);
	if (!m->scalar) {
		buf_char(&s->out, '[');
		if (l->n == 1 && l->fields[0].kind == FIELD_TUPLE) {
			key += l->fields[0].off;
			l = l->fields[0].sub;
		}
		text_layout(s, &show, l, key);
		buf_char(&s->out, ']');
	}
	buf_puts(&s->out, ": ");
}

static void text_plain(struct sink *s, const struct map_contents *c, const u8 *value)
{
	const struct layout *l = &c->map->value;

	if (l->n == 1 && field_is_int(l->fields) && l->fields[0].unit < UNIT_BOOL && c->div > 1) {
		text_number(s, l->fields[0].kind == FIELD_INT,
			    map_divide(c, field_load(l->fields, value)));
		return;
	}
	if (l->n != 1)
		buf_char(&s->out, '(');
	text_layout(s, &s->show, l, value);
	if (l->n != 1)
		buf_char(&s->out, ')');
}

static void text_quantile(struct sink *s, const struct map_contents *c, const struct map_entry *e)
{
	bool sign = c->map->value_signed;

	buf_puts(&s->out, "count ");
	buf_u64(&s->out, quantile_count(e));
	for (u32 i = 0; i < QUANTILES; i++) {
		buf_printf(&s->out, ", %s ", quantiles[i].name);
		text_number(s, sign, map_divide(c, quantile_at(c->map, e, quantiles[i].per_mille)));
	}
	buf_puts(&s->out, ", max ");
	text_number(s, sign, map_divide(c, quantile_max(e)));
}

static void text_series(struct sink *s, const struct map_contents *c, const struct map_entry *e)
{
	struct series *all = series_make(c, e);

	buf_char(&s->out, '\n');
	if (all)
		series_text(&s->out, c, all);
	buf_char(&s->out, '\n');
	free(all);
}

static void text_value(struct sink *s, const struct map_contents *c, const struct map_entry *e)
{
	const struct object_map *m = c->map;
	bool sign = m->value_signed;

	switch (m->agg) {
	case AGG_NONE: text_plain(s, c, e->value); break;
	case AGG_AVG: text_number(s, sign, map_divide(c, map_average(m, e))); break;
	case AGG_STATS:
		buf_puts(&s->out, "count ");
		buf_u64(&s->out, map_entry_u64(e, 1));
		buf_puts(&s->out, ", average ");
		text_number(s, sign, map_average(m, e));
		buf_puts(&s->out, ", total ");
		text_number(s, sign, map_entry_u64(e, 0));
		break;
	case AGG_HIST:
	case AGG_LHIST: text_hist(s, c, e); return;
	case AGG_QUANTILE: text_quantile(s, c, e); break;
	case AGG_TSERIES: text_series(s, c, e); return;
	default: text_number(s, sign, map_divide(c, map_entry_u64(e, 0)));
	}
	buf_char(&s->out, '\n');
}

static void text_map(struct sink *s, const struct map_contents *c)
{
	if (s->final)
		buf_puts(&s->out, "\n\n");
	for (u32 i = 0; i < c->n; i++) {
		text_key(s, c->map, c->entries[i].key);
		text_value(s, c, &c->entries[i]);
	}
	if (c->map->agg == AGG_AVG || c->map->agg == AGG_STATS)
		buf_char(&s->out, '\n');
}

const struct sink_ops sink_text = {
	.name = "text",
	.open = text_open,
	.record = text_record,
	.map = text_map,
	.output = text_output,
};
