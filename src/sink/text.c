/*
 * text.c: output for people: lines, tables and maps.
 *
 * printf lines are as the script wrote them, and maps look as bpftrace prints them. Records of
 * emit() are rows of a table (table.c): its header comes once, on a terminal once a screen.
 */
#include "sink/format.h"
#include "sink/series.h"
#include "sink/sink.h"
#include "sink/table.h"
#include "sink/value.h"

#include <stdlib.h>

/* The rows of all forms of one record. */
struct text_rows {
	bool begun;  /* the header was shown */
	u32 since;   /* rows since then */
	u32 picture; /* in which it was */
};
struct text_schema {
	struct format format;
	struct table table;     /* of emit(); else no columns */
	struct text_rows *rows; /* one for the whole group */
};

/* ---- opening */

static int text_open(struct sink *s, struct diag *diag)
{
	u32 n = s->object->schemas.n;
	struct text_schema *all = arena_array(&s->arena, struct text_schema, n);
	struct text_rows *rows = arena_array(&s->arena, struct text_rows, n);
	int err = 0;

	s->state = all;
	for (u32 i = 0; i < n && !err; i++) {
		struct schema *schema = &s->object->schemas.v[i];
		struct text_schema *t = &all[i];
		struct arena *a = &s->arena;

		t->rows = &rows[schema->group];
		switch (schema->action.kind) {
		case ACTION_PRINTF:
			err = format_compile(&t->format, a, schema->action.text, &schema->layout,
					     diag);
			break;
		case ACTION_EMIT: table_open(&t->table, a, &schema->layout); break;
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

/* The header stands before the first row; on a terminal once a screen, and in each picture. */
static bool header_due(const struct sink *s, const struct text_rows *r)
{
	if (!r->begun || (s->picture.open && r->picture != s->picture.number))
		return true;
	return !s->picture.open && s->term.height > 3 && r->since >= s->term.height - 2;
}

static void text_row(struct sink *s, struct text_schema *t, const u8 *payload)
{
	struct text_rows *r = t->rows;
	char *p;

	if (t->table.width != s->term.width)
		table_place(&t->table, s->term.width);
	if (header_due(s, r)) {
		table_header(&t->table, &s->out, &s->term);
		*r = (struct text_rows){.begun = true, .picture = s->picture.number};
	}
	r->since++;
	p = buf_reserve(&s->out, t->table.most);
	if (p)
		s->out.n += (size_t)(table_row(&t->table, &s->term, &s->show, p, payload) - p);
}

/* A table of its own has its own header. */
static void text_table(struct sink *s, const struct schema *schema)
{
	((struct text_schema *)s->state)[schema->id].rows->begun = false;
}

static void text_record(struct sink *s, const struct schema *schema, u64 ns, u32 cpu,
			const void *payload, u32 size)
{
	struct text_schema *t = (struct text_schema *)s->state + schema->id;
	char *p;

	(void)cpu, (void)size;
	if (t->table.n) {
		text_row(s, t, payload);
		return;
	}
	if (action_text(&s->out, &s->show, schema, ns, payload))
		return;
	if (!t->format.n)
		return;
	p = buf_reserve(&s->out, t->format.most);
	if (p)
		s->out.n += (size_t)(format_run(&t->format, p, payload) - p);
}

/* ---- maps */

#define BAR       52 /* columns of the longest bar; on a terminal as many as there are */
#define BAR_LEAST 16
#define BAR_MOST  200
#define BAR_ROOM  27 /* what stands around it */

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

static u32 bar_width(const struct term *t)
{
	if (!t->width)
		return BAR;
	return t->width < BAR_LEAST + BAR_ROOM ? BAR_LEAST : MIN(t->width - BAR_ROOM, BAR_MOST);
}

static char *put_bar_line(char *p, const struct term *t, const struct map_contents *c,
			  const struct bucket *b, u64 most)
{
	char *start = p, digits[PUT_U64_MOST];
	u32 n = (u32)(put_u64(digits, map_divide(c, b->count)) - digits), width = bar_width(t);
	/* in floats, as bpftrace computes it, so that bars are equal to the last '@' */
	u32 bar = (u32)((float)b->count / (float)most * (float)width);

	p = put_range(p, c->map, b);
	if (p < start + 16)
		p = put_fill(p, ' ', (size_t)(start + 16 - p));
	if (n < 8)
		p = put_fill(p, ' ', 8 - n);
	p = put_copy(p, digits, n);
	p = put_copy(p, " |", 2);
	p = colour_on(p, t, COLOUR_BAR);
	p = put_fill(p, '@', bar);
	p = colour_off(p, t);
	p = put_fill(p, ' ', width - bar);
	return put_copy(p, "|\n", 2);
}

#define BAR_LINE_MOST (64 + 32 + BAR_MOST + COLOUR_MOST)

/* On a terminal: what the two columns are, if the map's name says it. */
static void text_hist_head(struct sink *s, const struct object_map *m)
{
	char *p = s->term.tty ? buf_reserve(&s->out, 64) : NULL, *start = p;
	size_t stem;
	const char *unit = unit_of_name(m->shown + 1, &stem);

	if (!p || !unit)
		return;
	p = colour_on(p, &s->term, COLOUR_DIM);
	p = put_copy(p, unit, strlen(unit));
	p = put_fill(p, ' ', 19 - strlen(unit));
	p = put_copy(p, "count", 5);
	p = colour_off(p, &s->term);
	*p++ = '\n';
	s->out.n += (size_t)(p - start);
}

static void text_hist(struct sink *s, const struct map_contents *c, const struct map_entry *e)
{
	struct buckets all = buckets_shown(c->map, e);

	buf_char(&s->out, '\n');
	text_hist_head(s, c->map);
	for (u32 i = all.first; i < all.first + all.n; i++) {
		struct bucket b = bucket_get(c->map, e, i);
		char *p = buf_reserve(&s->out, BAR_LINE_MOST);

		if (!p)
			return;
		s->out.n += (size_t)(put_bar_line(p, &s->term, c, &b, all.most) - p);
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
	if (c->beside) {
		buf_puts(&s->out, " (");
		text_number(s,
			    c->beside->agg == AGG_NONE
				    ? c->beside->value.fields->kind == FIELD_INT
				    : c->beside->value_signed,
			    c->numbers[e - c->entries]);
		buf_printf(&s->out, " %s)", c->beside->shown + 1);
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
	.table = text_table,
	.map = text_map,
	.output = text_output,
};
