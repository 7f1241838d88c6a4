/*
 * table.c: table(): maps with the same keys become rows.
 *
 * In:  what ACTION_TABLE says of each column, and the maps. Out: the rows, the largest first: by the
 * first map's value, then by the next one's, then by the key; or, before these, by one that is named,
 * or by the sum of all. A key that one of the maps lacks has 0 there.
 */
#include "session/session.h"

#include "sink/order.h"

#include <errno.h>
#include <stdlib.h>

#define COLUMNS_MOST 32
#define SUM	     COLUMNS_MOST /* stands for a column: that of a line's values */

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
	bool sums; /* by their sum first */
	const struct object_map *first; /* of its maps */
};
struct cell {
	const u8 *key;
	u32 column;
	u64 value;
};
struct line {
	const u8 *key;
	u64 values[COLUMNS_MOST + 1]; /* SUM, too */
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
		m->sums = text[1] == '+';
		text += m->sums;
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

/* So many columns of values as there are, in the order in which lines are sorted by them. */
static u32 sort_columns(const struct making *m, u32 *columns)
{
	u32 n = 0, nth = 0;

	if (m->sums)
		columns[n++] = SUM;
	for (u32 i = 0; i < m->n && m->sort; i++)
		if (!m->sources[i].is_key && ++nth == m->sort)
			columns[n++] = i;
	for (u32 i = 0; i < m->n; i++)
		if (!m->sources[i].is_key && (!n || columns[0] != i))
			columns[n++] = i;
	return n;
}

/* Larger values come first. */
static u64 line_order(const struct making *m, const struct line *l, u32 column)
{
	u64 v = l->values[column];

	return ~(column == SUM || is_signed(m, column) ? order_signed(v) : v);
}

struct lines {
	const struct making *making;
	struct cell *cells;
	struct line *v;
	u32 n;
	u32 columns[COLUMNS_MOST + 1], ncolumns; /* by which they are sorted */
};

static int by_key(void *lines, u32 a, u32 b)
{
	const struct lines *l = lines;

	return memcmp(l->cells[a].key, l->cells[b].key, l->making->first->key_size);
}

static int by_values(void *lines, u32 a, u32 b)
{
	const struct lines *l = lines;
	u64 x, y;

	for (u32 i = 0; i < l->ncolumns; i++) {
		x = line_order(l->making, &l->v[a], l->columns[i]);
		y = line_order(l->making, &l->v[b], l->columns[i]);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return layout_compare(&l->making->first->key, l->v[a].key, l->v[b].key);
}

/* Values of the same key become one line. */
static void make_lines(struct lines *l, struct order *v, u32 n)
{
	const struct order_ties ties = {by_key, NULL, l};
	u32 size = l->making->first->key_size;

	for (u32 i = 0; i < n; i++) {
		v[i] = (struct order){.at = i};
		memcpy(&v[i].by, l->cells[i].key, MIN(size, 8u));
		memcpy(&v[i].then, l->cells[i].key + size - MIN(size, 8u), MIN(size, 8u));
	}
	v = order_sort(v, v + n, n, &ties);
	for (u32 i = 0; i < n; i++) {
		const struct cell *c = &l->cells[v[i].at];

		if (!l->n || memcmp(l->v[l->n - 1].key, c->key, size) != 0)
			l->v[l->n++] = (struct line){.key = c->key};
		l->v[l->n - 1].values[c->column] = c->value;
		l->v[l->n - 1].values[SUM] += c->value;
	}
}

static struct order *sort_lines(struct lines *l, struct order *v)
{
	const struct order_ties ties = {by_values, NULL, l};
	const struct making *m = l->making;

	l->ncolumns = sort_columns(m, l->columns);
	for (u32 i = 0; i < l->n; i++)
		v[i] = (struct order){
			line_order(m, &l->v[i], l->columns[0]),
			l->ncolumns > 1 ? line_order(m, &l->v[i], l->columns[1])
					: order_layout(&m->first->key, l->v[i].key),
			i};
	return order_sort(v, v + l->n, l->n, &ties);
}

/* The parts of the key and the values, as the rows' schema has them. */
static void show_line(struct waggle_session *s, const struct making *m, const struct line *line,
		      u8 *payload)
{
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
	struct lines l = {.making = m, .cells = cells, .v = calloc(n, sizeof(*l.v))};
	struct order *room = calloc((size_t)n * 2, sizeof(*room)), *v;
	u8 *payload = malloc(MAX(m->rows->layout.size, 1u));

	sink_table(&s->sink, m->rows);
	if (l.v && room && payload) {
		make_lines(&l, room, n);
		v = sort_lines(&l, room);
		for (u32 i = 0; i < l.n && (!top || i < top); i++)
			show_line(s, m, &l.v[v[i].at], payload);
	}
	free(l.v);
	free(room);
	free(payload);
}

/* Puts what a map holds behind the others'. */
static int add_cells(u32 column, const struct map_contents *c,
		     struct cell **cells, u32 *n)
{
	struct cell *more = realloc(*cells, (*n + c->n + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	*cells = more;
	for (u32 i = 0; i < c->n; i++)
		more[(*n)++] =
			(struct cell){c->entries[i].key, column, value_of(c, &c->entries[i])};
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
		err = reading_make(s, &readings[i], m.sources[i].index, 0, 0, NULL, true);
		if (!err)
			err = add_cells(i, &readings[i].contents, &cells, &n);
	}
	if (err)
		diag_fail(&s->diag, err, NULL, "a table cannot be made: %s", strerror(-err));
	else if (n)
		show_lines(s, &m, cells, n, a->top);
	for (u32 i = 0; i < COLUMNS_MOST; i++)
		reading_free(&readings[i]);
	free(cells);
}
