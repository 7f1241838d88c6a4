/* check_map.c: types of maps: of their keys and values, learnt from all uses in the script. */
#include "script/check.h"

struct type check_key_type(struct type t)
{
	if (t.kind == TYPE_STR)
		t.size = MIN(ALIGN_UP(t.size, 8), STR_KEY);
	return t;
}

/* Can a variable or a part of a key be of that type? */
bool check_storable(struct type t)
{
	return t.kind == TYPE_INT || t.kind == TYPE_STR || t.kind == TYPE_TUPLE ||
	       t.kind == TYPE_SHOWN;
}

static struct script_map *map_of(struct checker *c, struct node *n)
{
	struct script_map **m = &c->script->maps;

	for (; *m; m = &(*m)->next)
		if (!strcmp((*m)->name, n->text))
			return *m;
	*m = arena_new(c->script->arena, struct script_map);
	(*m)->name = n->text;
	(*m)->at = n->at;
	c->changed = true;
	return *m;
}

void check_learn(struct checker *c, struct type *known, struct type t)
{
	if (!type_same(*known, t))
		c->changed = true;
	*known = t;
}

static void check_key(struct checker *c, struct node *n, struct node *key, u32 i)
{
	struct script_map *m = n->map;
	struct type joined;

	if (!check_expr(c, key))
		return;
	if (key->kind == NODE_CALL && key->type.kind == TYPE_SHOWN && key->type.show == FIELD_BUF)
		key->type.size = MIN(key->type.size, STR_KEY); /* it writes no more than that */
	joined = type_join(c->script->arena, m->keys[i], shown_key(check_key_type(key->type)));
	if (!check_storable(joined))
		check_fail(c, key, "all keys of a map have the same types",
			   "key %u of @%s is %s here and %s elsewhere", i + 1, m->name,
			   TYPE_A(key->type), TYPE_A(m->keys[i]));
	else
		check_learn(c, &m->keys[i], joined);
}

bool check_map(struct checker *c, struct node *n)
{
	u32 keys = 0, i = 0;
	struct script_map *m;

	if (n->a && !n->a->next && n->a->kind == NODE_TUPLE)
		n->a = n->a->a; /* @m[(a, b)] is @m[a, b] */
	for (struct node *k = n->a; k; k = k->next)
		keys++;
	m = n->map = map_of(c, n);
	if (!m->keys_known) {
		m->keys_known = true;
		m->nkeys = keys;
		m->keys = arena_array(c->script->arena, struct type, keys);
	}
	if (m->nkeys != keys) {
		check_fail(c, n, "all uses of a map have the same keys",
			   "@%s has %u keys here and %u elsewhere", m->name, keys, m->nkeys);
		return false;
	}
	for (struct node *k = n->a; k; k = k->next)
		check_key(c, n, k, i++);
	n->type = m->value;
	return true;
}

void check_map_value(struct checker *c, struct node *n, struct type value)
{
	struct type joined;

	if (value.kind == TYPE_UNKNOWN)
		return;
	joined = type_join(c->script->arena, n->map->value, value);
	if (joined.kind == TYPE_UNKNOWN)
		check_fail(c, n, "a map holds values of one type",
			   "@%s holds %s elsewhere, %s here", n->map->name,
			   TYPE_NAME(n->map->value), TYPE_NAME(value));
	else
		check_learn(c, &n->map->value, joined);
	n->type = n->map->value;
}

void check_map_read(struct checker *c, struct node *n)
{
	if (!check_map(c, n))
		return;
	if (n->type.kind == TYPE_UNKNOWN)
		check_fail(c, n, "assign it somewhere: @x = 1;", "@%s never gets a value", n->text);
	if (n->type.kind == TYPE_AGG) {
		check_fail(c, n, "print(@m) prints it", "@%s is %s: its value cannot be used here",
			   n->text, TYPE_A(n->type));
		n->type = (struct type){0};
	}
}

void check_for_map(struct checker *c, struct node *n, struct script_var *v)
{
	(void)v;
	check_fail(c, n->a, NULL, "for over maps is not there yet");
}
