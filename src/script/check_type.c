/*
 * check_type.c: types that a script names, and what it asks of types: sizeof, offsetof, typeof.
 *
 * In:  nodes of parse_type.c. Out: struct type; constants for what is known when compiling.
 */
#include "script/check.h"
#include "script/ctype.h"

static bool type_of_parts(struct checker *c, struct node *n, struct type *t)
{
	struct aggregate *parts;
	u32 count = 0, i = 0;

	for (struct node *part = n->a; part; part = part->next)
		count++;
	*t = type_tuple(c->script->arena, count, &parts);
	for (struct node *part = n->a; part; part = part->next) {
		struct type of;

		if (!check_type(c, part, &of))
			return false;
		type_tuple_part(t, parts, i++, of);
	}
	return true;
}

bool check_type(struct checker *c, struct node *n, struct type *t)
{
	const char *unknown = n->text;

	if (!n->a && !n->b) {
		if (ctype_of_text(c->script, n->text, t, &unknown))
			return true;
		check_fail(c, n, "the kernel's types come from BTF; others must be declared",
			   "there is no type '%s'", unknown);
		return false;
	}
	if (n->a && !type_of_parts(c, n, t))
		return false;
	if (n->b && !check_expr(c, n->b))
		return false;
	if (n->b)
		*t = n->b->type;
	t->is_literal = 0;
	if (ctype_of_suffix(c->script, n->text, t))
		return true;
	check_fail(c, n, NULL, "there is no such type");
	return false;
}

static void become_constant(struct node *n, u64 value)
{
	n->kind = NODE_INT;
	n->value = value;
	n->type = TYPE_U64;
	n->type.is_literal = 1;
}

/* Of a literal: the smallest that holds it. */
static u32 literal_size(const struct node *n)
{
	s64 v = (s64)n->value;

	if (n->type.is_bool)
		return 1;
	if (!n->type.is_signed || v >= 0)
		return n->value <= UINT8_MAX    ? 1
		       : n->value <= UINT16_MAX ? 2
		       : n->value <= UINT32_MAX ? 4
						: 8;
	return v >= INT8_MIN ? 1 : v >= INT16_MIN ? 2 : v >= INT32_MIN ? 4 : 8;
}

void check_sizeof(struct checker *c, struct node *n)
{
	struct type t;

	if (n->b ? !check_type(c, n->b, &t) : !check_expr(c, n->a))
		return;
	if (n->b)
		become_constant(n, t.size);
	else if (n->a->kind == NODE_INT)
		become_constant(n, literal_size(n->a));
	else
		become_constant(n, n->a->kind != NODE_STR ? node_bytes(n->a) : n->a->type.size);
}

/* offsetof(struct foo, a.b), offsetof(*$p, a) */
void check_offsetof(struct checker *c, struct node *n)
{
	struct type t;
	u32 bits = 0;
	char *path = arena_strdup(c->script->arena, n->text), *part;

	if (n->b ? !check_type(c, n->b, &t) : !check_expr(c, n->a))
		return;
	t = n->b ? t : n->a->type;
	if (t.is_pointer && t.of)
		t = *t.of;
	while ((part = strsep(&path, "."))) {
		const struct member *m;
		struct near near = {.word = part};
		u32 off = 0;

		if (t.kind != TYPE_STRUCT) {
			check_fail(c, n, "offsetof(struct foo, bar)", "%s has no field '%s'",
				   TYPE_A(t), part);
			return;
		}
		m = ctype_member(c->script, t.fields, part, &off);
		if (!m) {
			ctype_near(c->script, t.fields, &near);
			check_fail(c, n, check_near(c, &near, NULL), "%s has no field '%s'",
				   TYPE_NAME(t), part);
			return;
		}
		bits += off;
		t = m->type;
	}
	become_constant(n, bits / 8);
}

/* ---- questions about types */

/* is_ptr(x) and the like: named by the function. */
void check_is(struct checker *c, struct node *n)
{
	const char *what = n->call->name + strlen("is_");
	struct type t;
	bool yes;

	if (!check_expr(c, n->a))
		return;
	t = n->a->type;
	if (!strcmp(what, "ptr"))
		yes = t.is_pointer;
	else if (!strcmp(what, "str"))
		yes = t.kind == TYPE_STR;
	else if (!strcmp(what, "array"))
		yes = t.kind == TYPE_ARRAY;
	else if (!strcmp(what, "literal"))
		yes = n->a->kind == NODE_INT || n->a->kind == NODE_STR;
	else
		yes = t.kind == TYPE_INT && !t.is_pointer && !t.is_bool &&
		      (!strcmp(what, "integer") ||
		       (t.is_literal ? (s64)n->a->value >= 0 && n->a->kind == NODE_INT : !t.is_signed));
	become_constant(n, yes);
	n->type = TYPE_BOOL;
	n->type.is_literal = 1;
}

void check_is_err(struct checker *c, struct node *n)
{
	check_int(c, n->a, "is_err()");
	n->type = TYPE_BOOL;
}
