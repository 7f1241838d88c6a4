/* check_map.c: types of maps: of their keys and values, learnt from all uses in the script. */
#include "script/check.h"

/* Keys of 5.10 have room for 512 bytes in all: strings are short there, unless the script says how
 * long strings are. */
static u32 string_most(const struct checker *c)
{
	return c->script->limits.str_most == STR_MOST_DEFAULT ? STR_KEY
							      : c->script->limits.str_most;
}

struct type check_key_type(struct checker *c, struct type t)
{
	struct aggregate *parts;
	struct type key;

	if (t.kind == TYPE_STR)
		t.size = MIN(check_str_room(c, t.size), string_most(c));
	if (t.kind == TYPE_SHOWN)
		return shown_key(t);
	if (t.kind != TYPE_TUPLE)
		return t;
	key = type_tuple(c->script->arena, t.fields->n, &parts);
	parts->is_record = t.fields->is_record;
	for (u32 i = 0; i < t.fields->n; i++) {
		parts->members[i].name = t.fields->members[i].name;
		type_tuple_part(&key, parts, i, check_key_type(c, t.fields->members[i].type));
	}
	key.size = MAX(key.size, 8u);
	return key;
}

struct type check_keys_type(struct script *s, const struct script_map *m)
{
	struct aggregate *parts;
	struct type t = type_tuple(s->arena, m->nkeys, &parts);

	for (u32 i = 0; i < m->nkeys; i++)
		type_tuple_part(&t, parts, i, m->keys[i]);
	return t;
}

/* Can a variable or a part of a key be of that type? */
bool check_storable(struct type t)
{
	return t.kind == TYPE_INT || (type_in_memory(t) && t.size);
}

static struct script_map *map_of(struct checker *c, struct node *n)
{
	struct script_map **m = &c->script->maps;

	for (; *m; m = &(*m)->next)
		if (str_same((*m)->name, n->text)) {
			(*m)->live |= !c->dead;
			return *m;
		}
	*m = arena_new(c->script->arena, struct script_map);
	(*m)->name = n->text;
	(*m)->at = n->at;
	(*m)->live = !c->dead;
	c->changed = true;
	return *m;
}

void check_learn(struct checker *c, struct type *known, struct type t)
{
	if (!type_same(*known, t))
		c->changed = true;
	*known = t;
}

static void learn_key(struct checker *c, struct node *n, struct node *key, struct type t, u32 i)
{
	struct script_map *m = n->map;
	struct type joined = type_join(c->script->arena, m->keys[i], check_key_type(c, t));

	if (!check_storable(joined))
		check_fail(c, key, "all keys of a map have the same types",
			   "key %u of @%s is %s here and %s elsewhere", i + 1, m->name, TYPE_A(t),
			   TYPE_A(m->keys[i]));
	else
		check_learn(c, &m->keys[i], joined);
	if (t.kind == TYPE_STR)
		m->key_texts[i] = MAX(m->key_texts[i], t.size);
}

static void check_key(struct checker *c, struct node *n, struct node *key, u32 i)
{
	if (!check_expr(c, key))
		return;
	if (key->kind == NODE_CALL && key->type.kind == TYPE_SHOWN && key->type.show == FIELD_BUF)
		key->type.size = MIN(key->type.size, STR_KEY); /* it writes no more than that */
	learn_key(c, n, key, key->type, i);
}

/* A single key that is a tuple, not one that stands there part by part: its parts are the keys. */
static const struct aggregate *key_parts(struct checker *c, struct node *n, bool *known)
{
	struct node *key = n->a;

	*known = true;
	if (!key || key->next)
		return NULL;
	if (key->kind == NODE_TUPLE && key->a && key->a->kind != NODE_NAMED) {
		n->a = key->a; /* @m[(a, b)] is @m[a, b] */
		return NULL;
	}
	*known = check_expr(c, key);
	return *known && key->type.kind == TYPE_TUPLE && !key->type.fields->is_record
		       ? key->type.fields
		       : NULL;
}

/* @a[1] of a map without keys that holds an array: an element of it. */
static bool becomes_index(struct checker *c, struct node *n, const struct script_map *m, u32 keys)
{
	struct node *map;

	if (!m->keys_known || m->nkeys || keys != 1 || m->value.kind != TYPE_ARRAY)
		return false;
	map = arena_new(c->script->arena, struct node);
	*map = *n;
	map->a = map->next = NULL;
	n->kind = NODE_INDEX;
	n->b = n->a;
	n->a = map;
	n->text = "";
	check_index(c, n);
	return true;
}

bool check_map(struct checker *c, struct node *n)
{
	const struct aggregate *parts;
	const char *only = NULL; /* the name of the only key */
	u32 keys = 0, i = 0;
	struct script_map *m;
	bool known;

	if (n->a && n->a->kind == NODE_NAMED && !n->a->next) {
		only = n->a->text;
		n->a = n->a->a;
	}
	parts = key_parts(c, n, &known);
	m = n->map = map_of(c, n);
	for (struct node *k = n->a; k; k = k->next)
		keys++;
	if (!known && !c->final)
		return false;
	keys = parts ? parts->n : keys;
	if (keys > LAYOUT_FIELDS_MOST) {
		check_fail(c, n, NULL, "a key has at most %u parts, this one %u",
			   LAYOUT_FIELDS_MOST, keys);
		return false;
	}
	if (becomes_index(c, n, m, keys))
		return true;
	if (!m->keys_known) {
		m->keys_known = true;
		m->nkeys = keys;
		m->keys = arena_array(c->script->arena, struct type, keys);
		m->key_names = arena_array(c->script->arena, const char *, keys);
		m->key_texts = arena_array(c->script->arena, u32, keys);
	}
	if (m->nkeys != keys) {
		check_fail(c, n, "all uses of a map have the same keys",
			   "@%s has %u keys here and %u elsewhere", m->name, keys, m->nkeys);
		return false;
	}
	for (i = 0; parts && i < keys; i++)
		learn_key(c, n, n->a, parts->members[i].type, i);
	i = 0;
	if (only && keys == 1 && !m->key_names[0])
		m->key_names[0] = only;
	for (struct node **at = &n->a; *at && !parts; at = &(*at)->next) {
		struct node *k = *at;

		if (!m->key_names[i])
			m->key_names[i] = node_field_name(k);
		if (k->kind == NODE_NAMED) { /* @m[name = value] */
			k->a->next = k->next;
			*at = k = k->a;
		}
		check_key(c, n, k, i++);
	}
	n->type = m->value;
	return true;
}

bool check_asked(struct checker *c, struct node *n)
{
	bool known = check_map(c, n);

	if (n->kind == NODE_MAP && n->map)
		n->map->asked = true;
	return known;
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

void check_map_guess(struct checker *c, const struct node *n, struct type beside)
{
	struct script_map *m = n->kind == NODE_MAP ? n->map : NULL;

	if (!c->guess || !m || !m->assigned || m->value.kind != TYPE_UNKNOWN)
		return;
	if (beside.kind == TYPE_INT)
		check_learn(c, &m->value, type_arith(beside, beside));
	else if (beside.kind == TYPE_UNKNOWN)
		check_learn(c, &m->value, TYPE_S64);
}

/* The number that an aggregation is. */
static void read_agg(struct checker *c, struct node *n)
{
	struct type value = n->type;

	n->type = value.is_signed || value.agg == AGG_COUNT ? TYPE_S64 : TYPE_U64;
	n->map->read = n->map->asked = true;
	if (value.agg < AGG_HIST)
		return;
	check_fail(c, n, "print(@m), print(@m[1]) print it", "@%s is %s: it is no number", n->text,
		   TYPE_A(value));
}

void check_map_read(struct checker *c, struct node *n)
{
	if (!check_map(c, n) || n->kind != NODE_MAP)
		return;
	if (n->type.kind == TYPE_UNKNOWN)
		check_fail(c, n, "assign it somewhere: @x = 1;", "@%s never gets a value", n->text);
	if (n->type.kind == TYPE_AGG)
		read_agg(c, n);
}
