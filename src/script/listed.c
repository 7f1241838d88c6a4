/*
 * listed.c: listed(n, "80,443,8000-8080"): is a number one of a list, as people write such lists?
 *
 * In:  a number, and text that is known while compiling: mostly the value of an option. Items are
 *      numbers, from one to another, and constants of headers by name: "ENOENT"; "read", where what all
 *      of them begin with, "__NR_", is a third argument. Out: a comparison for each item, joined; an
 *      empty list has every number, since nothing is asked for.
 */
#include "script/check.h"
#include "script/ctype.h"
#include "script/lower.h"
#include "script/tables.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

struct item {
	u64 from, to;
};

/* A number, or the name of a constant; returns where it ends, NULL: it is neither. */
static const char *number(const struct script *script, const char *s, const char *prefix, u64 *v)
{
	size_t n = strcspn(s, ",-");
	char name[64], *end;
	s64 value;
	int made;

	if (*s >= '0' && *s <= '9') {
		*v = strtoull(s, &end, 0);
		return end;
	}
	made = snprintf(name, sizeof(name), "%s%.*s", prefix, (int)n, s);
	if (!n || made >= (int)sizeof(name) || !ctype_of_headers(script, name, &value))
		return NULL;
	*v = (u64)value;
	return s + n;
}

/* The item at *p, which goes on behind it and its comma. False: there is none, or it is wrong. */
static bool next_item(const struct script *script, const char **p, const char *prefix, struct item *i)
{
	const char *s;

	i->from = i->to = 0;
	s = number(script, *p, prefix, &i->from);
	i->to = i->from;
	if (s && *s == '-')
		s = number(script, s + 1, prefix, &i->to);
	if (!s || i->to < i->from || (*s && (*s != ',' || !s[1])))
		return false;
	*p = s + (*s == ',');
	return true;
}

static const char *prefix_of(const struct node *list)
{
	return list->next ? list->next->text : "";
}

static void wrong(struct checker *c, const struct node *list, const char *hint, const char *what)
{
	if (list->b)
		script_option_wrong(c->script, list->b->text, hint, arena_printf(c->script->arena, ": %s", what));
	else
		check_fail(c, list, hint, "%s", what);
}

void check_listed(struct checker *c, struct node *n)
{
	struct node *list = n->a->next;
	const char *p, *bad;
	struct item i;

	n->type = TYPE_BOOL;
	check_int(c, n->a, "listed()");
	if (list->kind == NODE_CALL)
		check_expr(c, list);
	if (list->kind != NODE_STR) {
		check_fail(c, list, n->call->usage, "a list of numbers must be a string constant");
		return;
	}
	if (list->next && list->next->kind != NODE_STR) {
		check_fail(c, list->next, n->call->usage, "what names begin with must be a string constant");
		return;
	}
	for (p = list->text; *p && next_item(c->script, &p, prefix_of(list), &i);)
		;
	bad = number(c->script, p, prefix_of(list), &i.from);
	bad = bad && *bad == '-' ? bad + 1 : p; /* of a range the end */
	if (isalpha((unsigned char)*bad) && !number(c->script, bad, prefix_of(list), &i.from))
		wrong(c, list, list->next ? "80,443 or names of what there is" : "80,443, 8000-8080 or ENOENT,EPERM",
		      arena_printf(c->script->arena, "'%.*s' is neither a number nor a known constant%s%s",
				   (int)strcspn(bad, ","), bad, list->next ? " behind " : "",
				   prefix_of(list)));
	else if (*p)
		wrong(c, list, "80,443,8000-8080",
		      arena_printf(c->script->arena, "'%s' is no list of numbers", list->text));
}

u32 value_listed(struct lower *l, struct node *n)
{
	const char *p = n->a->next->text, *prefix = prefix_of(n->a->next);
	u32 v, one, all = ir_const(l->fn, !*p);
	struct item i;

	if (!*p && n->a->kind == NODE_NAME) /* it may be one that this engine has not */
		return all;
	v = lower_int(l, n->a);
	while (*p && next_item(l->script, &p, prefix, &i)) {
		one = ir_bin(l->fn, IR_SUB, IRT_I64, v, ir_const(l->fn, i.from));
		one = i.from == i.to
			      ? ir_bin(l->fn, IR_EQ, IRT_I64, v, ir_const(l->fn, i.from))
			      : ir_bin(l->fn, IR_ULE, IRT_I64, one, ir_const(l->fn, i.to - i.from));
		all = ir_bin(l->fn, IR_OR, IRT_I64, all, one);
	}
	return all;
}
