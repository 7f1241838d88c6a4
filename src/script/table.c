/*
 * table.c: table(20, pid, @reads, kb = @bytes / 1024): maps as one table.
 *
 * In:  maps with keys of the same kind; names of parts of their key; how many rows at most.
 * Out: a record without fields that asks for the table, and the schema of its rows. User space
 * reads the maps and puts them together, so it costs the programs nothing.
 *
 * A column is a part of the key, by its name; a map; a map by a number; or decimal() of one of
 * these. Where no part of the key is named, all of them stand in front.
 */
#include "script/check.h"
#include "script/lower.h"

#include <strings.h>

struct column {
	const char *name; /* NULL: it has none */
	struct node *map; /* NULL: a part of the key */
	u32 part, div;
	u8 digits; /* of decimal(); 0: a plain number */
};

static bool is_number_above(const struct node *n, u64 least)
{
	return n && n->kind == NODE_INT && n->value >= least && n->value <= UINT32_MAX;
}

/* Takes an argument apart. False: it is no column. */
static bool column_of(struct node *arg, struct column *col)
{
	struct node *n = node_value(arg);

	*col = (struct column){.name = node_field_name(arg)};
	if (n->kind == NODE_CALL && !strcmp(n->text, "decimal") && n->a &&
	    is_number_above(n->a->next, 1)) {
		col->digits = (u8)MIN(n->a->next->value, 9);
		n = n->a;
	}
	if (n->kind == NODE_BINARY && n->op == TOK_DIV && is_number_above(n->b, 1)) {
		col->div = (u32)n->b->value;
		n = n->a;
	}
	if (n->kind == NODE_NAME)
		return arg == n;
	if (n->kind != NODE_MAP || n->a)
		return false;
	col->map = n;
	return true;
}

/* In front of the columns stand how many rows there are, and the column that they are sorted by;
 * both may be left out. */
static struct node *sort_of(struct node *n)
{
	struct node *a = n->a && n->a->kind == NODE_INT ? n->a->next : n->a;

	return a && a->kind == NODE_STR ? a : NULL;
}

static struct node *first_column(struct node *n)
{
	struct node *sort = sort_of(n);

	return sort ? sort->next : n->a && n->a->kind == NODE_INT ? n->a->next : n->a;
}

/* What is known: getopt(), choices. */
static void settle(struct checker *c, struct node *n)
{
	struct node *next = n->next, *taken;

	while (n->kind == NODE_COND) {
		check_condition(c, n, "a condition");
		taken = n->known == 1 ? n->c : n->b;
		if (!n->known)
			return;
		*n = *taken;
		n->next = next;
	}
	if (n->kind == NODE_CALL && !strcmp(n->text, "getopt"))
		check_expr(c, n);
}

static struct script_map *map_of(struct node *first)
{
	struct column col;

	for (struct node *a = first; a; a = a->next)
		if (column_of(a, &col) && col.map && col.map->map)
			return col.map->map;
	return NULL;
}

/* The name of a part of the key, as the first map has it that has one; NULL: none has. */
static const char *part_name(struct node *first, u32 part)
{
	struct column col;

	for (struct node *a = first; a; a = a->next) {
		const struct script_map *m = column_of(a, &col) && col.map ? col.map->map : NULL;

		if (m && part < m->nkeys && m->key_names[part])
			return m->key_names[part];
	}
	return NULL;
}

/* The part of the key that any of the maps calls so. */
static bool part_of(struct node *first, const char *name, u32 *part)
{
	struct column col;

	for (struct node *a = first; a; a = a->next) {
		const struct script_map *m = column_of(a, &col) && col.map ? col.map->map : NULL;

		for (*part = 0; m && *part < m->nkeys; ++*part)
			if (m->key_names[*part] && !strcmp(m->key_names[*part], name))
				return true;
	}
	return false;
}

/* A value that is one number. */
bool check_countable(struct type t)
{
	return t.kind == TYPE_INT || (t.kind == TYPE_AGG && t.agg != AGG_STATS && t.agg < AGG_HIST);
}

static bool has_stack(const struct script_map *m)
{
	for (u32 i = 0; i < m->nkeys; i++)
		if (m->keys[i].kind == TYPE_SHOWN &&
		    (m->keys[i].show == FIELD_KSTACK || m->keys[i].show == FIELD_USTACK))
			return true;
	return false;
}

bool check_same_keys(const struct script_map *a, const struct script_map *b)
{
	bool same = a->nkeys == b->nkeys;

	for (u32 i = 0; same && i < a->nkeys; i++)
		same = a->keys[i].kind == b->keys[i].kind && a->keys[i].size == b->keys[i].size &&
		       a->keys[i].is_signed == b->keys[i].is_signed;
	return same;
}

static void check_column(struct checker *c, struct node *arg, const struct column *col)
{
	const struct script_map *m = col->map->map;

	if (!m || !m->keys_known || m->value.kind == TYPE_UNKNOWN)
		return;
	if (!m->nkeys)
		check_fail(c, arg, "print(@m)", "@%s has no keys, so it makes no rows", m->name);
	else if (!check_countable(m->value))
		check_fail(c, arg, "print(@m)", "@%s holds %s, which is no number", m->name,
			   TYPE_A(m->value));
	else if (has_stack(m))
		check_fail(c, arg, "print(@m)", "stacks do not fit into a table");
	else if (!col->name)
		check_fail(c, arg, "table(size = @)", "this column has no name");
}

/* table("all", ...): by the sum of all maps, unless one is called so. */
static bool sorted_by_sum(const struct node *n)
{
	return !strcmp(n->text, "all");
}

/* The column that the rows are sorted by, from 1 on; 0: there is none of that name. */
static u32 sorted_by(struct node *n)
{
	const struct node *sort = sort_of(n);
	struct column col;
	u32 i = 1;

	for (struct node *a = first_column(n); a; a = a->next)
		if (column_of(a, &col) && col.map && i++ && col.name &&
		    !strcasecmp(col.name, sort->text))
			return i - 1;
	return 0;
}

void check_table(struct checker *c, struct node *n)
{
	struct node *first;
	struct script_map *m;
	struct column col;
	u32 part;

	check_chosen(c, n);
	for (struct node *a = n->a; a; a = a->next)
		settle(c, a);
	first = first_column(n);
	for (struct node *a = first; a; a = a->next) {
		if (!column_of(a, &col)) {
			check_fail(c, a, n->call->usage,
				   "a column is a map, one by a number, or a part of the key by "
				   "its name");
			return;
		}
		if (col.map && check_whole_map(c, col.map))
			check_column(c, a, &col);
	}
	m = map_of(first);
	if (m && sort_of(n) && !sorted_by(n) && !sorted_by_sum(sort_of(n)))
		check_fail(c, sort_of(n),
			   "it is sorted by a column that is a map, or by \"all\": their sum",
			   "no column of the table is called '%s'", sort_of(n)->text);
	if (!m) {
		check_fail(c, n, n->call->usage, "table() takes a map");
		return;
	}
	for (struct node *a = first; a && m->keys_known; a = a->next) {
		column_of(a, &col);
		if (!col.map && !part_of(first, col.name, &part))
			check_fail(c, a, NULL, "no part of the key of @%s is called '%s'", m->name,
				   col.name);
		else if (col.map && col.map->map && col.map->map->keys_known &&
			 !check_same_keys(m, col.map->map))
			check_fail(c, a, NULL, "@%s has other keys than @%s", col.map->map->name,
				   m->name);
	}
}

/* ---- lowering */

static void add_part(struct lower *l, struct schema *rows, struct buf *from,
		     const struct script_map *m, u32 part, const char *name)
{
	struct field *f;

	f = layout_add(l, &rows->layout,
		       name ? arena_strdup(&l->object->arena, name)
			    : arena_printf(&l->object->arena, "key%u", part + 1),
		       m->keys[part]);
	if (f->kind == FIELD_STR)
		f->width = (u16)(m->key_texts[part] <= 24 || m->key_texts[part] == NODENAME_SIZE ? lower_width(TYPE_STR_OF(m->key_texts[part])) : 36);
	else if (f->kind == FIELD_INT || f->kind == FIELD_UINT)
		f->width = f->unit == UNIT_ENUM ? 24 : 7; /* names of constants are long */
	buf_printf(from, "k%u ", part);
}

static void add_map(struct lower *l, struct schema *rows, struct buf *from,
		    const struct column *col)
{
	struct type t = col->map->map->value;
	struct field *f;

	t = (struct type){.kind = TYPE_INT, .size = 8, .is_signed = t.is_signed};
	if (col->digits) {
		t = TYPE_SHOWN_OF(FIELD_DECIMAL, 8);
		t.mode = col->digits;
	}
	f = layout_add(l, &rows->layout, arena_strdup(&l->object->arena, col->name), t);
	f->width = 7;
	buf_printf(from, "m%u/%u ", col->map->map->index, MAX(col->div, 1));
}

void lower_table(struct lower *l, struct node *n)
{
	struct node *first = first_column(n);
	struct action ask = {.kind = ACTION_TABLE, .top = n->a != first ? (u32)n->a->value : 0};
	const struct script_map *m = map_of(first);
	struct schema *rows = vec_add(&l->object->arena, &l->object->schemas);
	struct buf from = {0};
	bool named = false;
	struct column col;

	rows->id = rows->group = ask.map = l->object->schemas.n - 1;
	rows->name = "table";
	rows->view = VIEW_TABLE;
	rows->action.kind = ACTION_EMIT;
	if (sort_of(n))
		buf_printf(&from, "s%s%u ", sorted_by(n) ? "" : "+", sorted_by(n));
	for (struct node *a = first; a; a = a->next)
		named |= column_of(a, &col) && !col.map;
	for (u32 i = 0; i < m->nkeys && !named; i++)
		add_part(l, rows, &from, m, i, part_name(first, i));
	for (struct node *a = first; a; a = a->next) {
		column_of(a, &col);
		if (col.map)
			add_map(l, rows, &from, &col);
		else if (part_of(first, col.name, &col.part))
			add_part(l, rows, &from, m, col.part, col.name);
	}
	ask.text = arena_strdup(&l->object->arena, buf_str(&from));
	buf_free(&from);
	lower_record(l, "ask", &ask, VIEW_TABLE, NULL);
}

/* One statement is in several programs where its probe is at several places: their records are rows of
 * one table. */
u32 lower_table_group(struct lower *l, const struct node *args, u32 id)
{
	const struct schema *s = &l->object->schemas.v[id];

	vec_each (t, &l->tables) {
		const struct schema *other = &l->object->schemas.v[t->schema];
		bool same = t->args == args && other->layout.n == s->layout.n;

		for (u32 i = 0; same && i < s->layout.n; i++)
			same = !strcmp(other->layout.fields[i].name, s->layout.fields[i].name);
		if (same)
			return t->schema;
	}
	vec_push(l->script->arena, &l->tables, (struct lowered_table){args, id});
	return id;
}
