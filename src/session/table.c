/*
 * table.c: table(): maps with the same keys become rows.
 *
 * In:  what ACTION_TABLE says of each column, and the maps. Out: the rows, the largest first: by
 * the first map's value, then by the next one's, then by the key. A key that one of the maps lacks
 * has 0 there.
 */
#include "session/session.h"

#include <errno.h>
#include <stdlib.h>

#define COLUMNS_MOST 32

struct source { /* of a column */
	bool is_key;
	u32 index; /* part of the key; or map */
	u32 div;
};
struct making {
	const struct schema *rows;
	u64 ns; /* of the record that asks for it */
	u32 cpu;
	struct source sources[COLUMNS_MOST];
	u32 n;
	u32 sort; /* by that of its maps first, from 1 on; 0: in their order */
	const struct object_map *first; /* of its maps */
};
struct cell {
	const struct making *making;
	const u8 *key;
	u32 column;
	u64 value;
};
struct line {
	const struct making *making;
	const u8 *key;
	u64 values[COLUMNS_MOST];
};

/* One column, "k0" or "m3/1024". False: it does not fit what there is. */
static bool read_source(struct making *m, const struct object *o, const char **text)
{
	struct source *s = &m->sources[m->n];
	const struct object_map *map;
	char *end;

	*s = (struct source){.is_key = **text == 'k', .div = 1};
	s->index = (u32)strtoul(*text + 1, &end, 10);
	if (*end == '/')
		s->div = (u32)strtoul(end + 1, &end, 10);
	if (!s->div)
		s->div = 1;
	*text = end + (*end == ' ');
	m->n++;
	if (s->is_key)
		return true;
	map = s->index < o->maps.n ? &o->maps.v[s->index] : NULL;
	if (!map || map->scalar || !map->shown)
		return false;
	m->first = m->first ? m->first : map;
	return map->key_size == m->first->key_size;
}

static bool read_sources(struct making *m, const struct object *o, const char *text)
{
	char *end;

	if (*text == 's') {
		m->sort = (u32)strtoul(text + 1, &end, 10);
		text = end + (*end == ' ');
	}
	while (*text)
		if (m->n == MIN(m->rows->layout.n, COLUMNS_MOST) || !read_source(m, o, &text))
			return false;
	for (u32 i = 0; i < m->n && m->first; i++)
		if (m->sources[i].is_key ? m->sources[i].index >= m->first->key.n ||
						   m->first->key.fields[m->sources[i].index].size >
							   m->rows->layout.fields[i].size
					 : m->rows->layout.fields[i].size != 8)
			return false;
	return m->first && m->n == m->rows->layout.n;
}

static u64 value_of(const struct map_contents *c, const struct map_entry *e)
{
	if (c->map->agg == AGG_AVG)
		return map_average(c->map, e);
	if (c->map->agg == AGG_NONE)
		return c->map->value.n ? field_load(c->map->value.fields, e->value) : 0;
	return map_entry_u64(e, 0);
}

static bool is_signed(const struct making *m, u32 column)
{
	return m->rows->layout.fields[column].kind != FIELD_UINT;
}

static u64 divided(const struct making *m, u32 column, u64 v)
{
	u32 div = m->sources[column].div;

	return is_signed(m, column) ? (u64)((s64)v / (s64)div) : v / div;
}

static int by_key(const void *a, const void *b)
{
	const struct cell *x = a, *y = b;

	return memcmp(x->key, y->key, x->making->first->key_size);
}

/* Larger values come first. */
static int by_column(const struct line *x, const struct line *y, u32 i)
{
	bool sign = is_signed(x->making, i);

	if (x->values[i] == y->values[i])
		return 0;
	return (sign ? (s64)x->values[i] < (s64)y->values[i] : x->values[i] < y->values[i]) ? 1
											    : -1;
}

static int by_values(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	const struct making *m = x->making;
	u32 nth = 0;
	int c = 0;

	for (u32 i = 0; i < m->n && !c && m->sort; i++)
		if (!m->sources[i].is_key && ++nth == m->sort)
			c = by_column(x, y, i);
	for (u32 i = 0; i < m->n && !c; i++)
		if (!m->sources[i].is_key)
			c = by_column(x, y, i);
	if (c)
		return c;
	return layout_compare(&m->first->key, x->key, y->key);
}

/* The parts of the key and the values, as the rows' schema has them. */
static void show_line(struct waggle_session *s, const struct line *line, u8 *payload)
{
	const struct making *m = line->making;

	memset(payload, 0, m->rows->layout.size);
	for (u32 i = 0; i < m->n; i++) {
		const struct field *to = &m->rows->layout.fields[i];
		const struct field *from =
			&m->first->key.fields[m->sources[i].is_key ? m->sources[i].index : 0];

		u64 v = m->sources[i].is_key ? 0 : divided(m, i, line->values[i]);

		if (m->sources[i].is_key)
			memcpy(payload + to->off, line->key + from->off, from->size);
		else
			memcpy(payload + to->off, &v, sizeof(v));
	}
	s->stats.shown++;
	sink_record(&s->sink, m->rows, m->ns, m->cpu, payload, m->rows->layout.size);
}

static void show_lines(struct waggle_session *s, struct making *m, struct cell *cells, u32 n,
		       u32 top)
{
	struct line *lines = calloc(MAX(n, 1u), sizeof(*lines));
	u8 *payload = malloc(MAX(m->rows->layout.size, 1u));
	u32 count = 0;

	qsort(cells, n, sizeof(*cells), by_key);
	for (u32 i = 0; i < n && lines && payload; i++) {
		if (!count || memcmp(lines[count - 1].key, cells[i].key, m->first->key_size))
			lines[count++] = (struct line){.making = m, .key = cells[i].key};
		lines[count - 1].values[cells[i].column] = cells[i].value;
	}
	if (count)
		qsort(lines, count, sizeof(*lines), by_values);
	sink_table(&s->sink, m->rows);
	for (u32 i = 0; i < count && (!top || i < top); i++)
		show_line(s, &lines[i], payload);
	free(lines);
	free(payload);
}

/* Puts what a map holds behind the others'. */
static int add_cells(struct making *m, u32 column, const struct map_contents *c,
		     struct cell **cells, u32 *n)
{
	struct cell *more = realloc(*cells, (*n + c->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	*cells = more;
	for (u32 i = 0; i < c->n; i++)
		more[(*n)++] =
			(struct cell){m, c->entries[i].key, column, value_of(c, &c->entries[i])};
	return 0;
}

void session_table(struct waggle_session *s, const struct action *a, u64 ns, u32 cpu)
{
	struct making m = {.rows = &s->object->schemas.v[a->map], .ns = ns, .cpu = cpu};
	struct reading readings[COLUMNS_MOST] = {0};
	struct cell *cells = NULL;
	u32 n = 0;
	int err = read_sources(&m, s->object, a->text) ? 0 : -EINVAL;

	for (u32 i = 0; i < m.n && !err; i++) {
		if (m.sources[i].is_key)
			continue;
		err = reading_make(s, &readings[i], m.sources[i].index, 0, 0, NULL);
		if (!err)
			err = add_cells(&m, i, &readings[i].contents, &cells, &n);
	}
	if (err)
		diag_fail(&s->diag, err, NULL, "a table cannot be made: %s", strerror(-err));
	else if (n)
		show_lines(s, &m, cells, n, a->top);
	for (u32 i = 0; i < COLUMNS_MOST; i++)
		reading_free(&readings[i]);
	free(cells);
}
