/*
 * check_each.c: for ($kv : @map): which maps can be gone through, and what $kv is.
 *
 * In:  the node of the loop. Out: the type of its variable, (key, value).
 */
#include "script/check.h"

#include "isa/isa.h"
#include "object/object.h"

static bool readable(u8 agg)
{
	return agg == AGG_COUNT || agg == AGG_SUM || agg == AGG_MIN || agg == AGG_MAX ||
	       agg == AGG_AVG || agg == AGG_STATS;
}

/* What of a map, and of the kernel, does not let it be gone through; NULL: nothing. */
static const char *no_entries(struct checker *c, const struct script_map *m, const char **hint)
{
	u32 kernel = c->script->target->kernel;

	*hint = NULL;
	if (!m->nkeys)
		return "has no keys to go through";
	if (kernel < KERNEL(5, 13))
		return "cannot be gone through: that needs Linux 5.13";
	if (m->value.kind == TYPE_AGG && !readable(m->value.agg))
		return "cannot be gone through: its values are more than numbers";
	for (u32 i = 0; i < m->nkeys; i++)
		if (m->keys[i].kind == TYPE_SHOWN && !type_has_ids(m->keys[i]))
			return "cannot be gone through: a key is readable to user space alone";
	return NULL;
}

/* for ($kv : @map): $kv is (key, value), where a key of several parts is a tuple */
void check_for_map(struct checker *c, struct node *n, struct script_var *v)
{
	struct arena *arena = c->script->arena;
	struct type key, value, pair;
	struct aggregate *parts;
	const char *wrong, *hint;
	struct script_map *m;

	if (n->a->a) {
		check_fail(c, n->a, "for ($kv : @m) { }", "a map without a key is gone through");
		return;
	}
	for (m = c->script->maps; m && strcmp(m->name, n->a->text) != 0;)
		m = m->next;
	if (!m || !m->keys_known || m->value.kind == TYPE_UNKNOWN) {
		check_fail(c, n->a, "assign it somewhere: @x[1] = 1;", "@%s never gets a value",
			   n->a->text);
		return;
	}
	n->a->map = m;
	wrong = no_entries(c, m, &hint);
	if (wrong) {
		check_fail(c, n->a, hint, "@%s %s", m->name, wrong);
		return;
	}
	key = m->keys[0];
	if (m->nkeys > 1) {
		key = type_tuple(arena, m->nkeys, &parts);
		for (u32 i = 0; i < m->nkeys; i++)
			type_tuple_part(&key, parts, i, m->keys[i]);
	}
	m->read = m->read || m->value.kind == TYPE_AGG;
	m->asked = true;
	value = m->value.kind != TYPE_AGG ? m->value : m->value.is_signed ? TYPE_S64 : TYPE_U64;
	pair = type_tuple(arena, 2, &parts);
	type_tuple_part(&pair, parts, 0, key);
	type_tuple_part(&pair, parts, 1, value);
	check_learn(c, &v->type, type_join(arena, v->type, pair));
}
