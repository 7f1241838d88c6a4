/*
 * live.c: does a probe draw a picture again and again? An interval that prints a map and empties it
 * does: on a terminal each of its outputs takes the place of the one before.
 */
#include "script/tables.h"

/* The map that a statement `print(@m)`, `clear(@m)` or `zero(@m)` is about, or NULL. */
static const struct script_map *map_of(const struct node *n, const char *name)
{
	bool is_map = n->kind == NODE_CALL && n->a && n->a->kind == NODE_MAP && !n->a->a;

	return is_map && !strcmp(n->text, name) ? n->a->map : NULL;
}

/* Is there such a statement about the map, or with map NULL one that `other` belongs to? */
static bool has(const struct node *n, const char *name, const struct script_map *map,
		const struct node *body)
{
	for (; n; n = n->next) {
		const struct script_map *m = map_of(n, name);

		if (m &&
		    (map ? m == map : has(body, "clear", m, body) || has(body, "zero", m, body)))
			return true;
		if (has(n->a, name, map, body) || has(n->b, name, map, body) ||
		    has(n->c, name, map, body))
			return true;
	}
	return false;
}

/* Is there a map in these columns, alone or in an expression, that is emptied? */
static bool has_emptied(const struct node *n, const struct node *body)
{
	for (; n; n = n->next) {
		if (n->kind == NODE_MAP && n->map &&
		    (has(body, "clear", n->map, body) || has(body, "zero", n->map, body)))
			return true;
		if (has_emptied(n->a, body) || has_emptied(n->b, body))
			return true;
	}
	return false;
}

/* Does it show a table of maps one of which it empties? */
static bool has_table(const struct node *n, const struct node *body)
{
	for (; n; n = n->next) {
		if (n->kind == NODE_CALL && !strcmp(n->text, "table") && has_emptied(n->a, body))
			return true;
		if (has_table(n->a, body) || has_table(n->b, body) || has_table(n->c, body))
			return true;
	}
	return false;
}

bool point_is_live(const struct point *p)
{
	const struct node *body = p->probe->body;

	return p->row->attach == ATTACH_INTERVAL &&
	       (has(body, "print", NULL, body) || has_table(body, body));
}
