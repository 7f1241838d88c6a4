/*
 * listed.c: listed(n, "80,443,8000-8080"): is a number one of a list, as people write such lists?
 *
 * In:  a number, and text that is known while compiling: mostly the value of an option. Items are
 *      numbers, from one to another, and constants of headers by name: "ENOENT". Out: a comparison
 * for each item, joined; an empty list has every number, since nothing is asked for.
 */
#include "script/check.h"
#include "script/constant.h"
#include "script/lower.h"
#include "script/tables.h"

#include <ctype.h>
#include <stdlib.h>

struct item {
	u64 from, to;
};

/* A number, or the name of a constant; returns where it ends, NULL: it is neither. */
static const char *number(const char *s, u64 *v)
{
	size_t n = strcspn(s, ",-");
	char name[64], *end;
	s64 value;

	if (*s >= '0' && *s <= '9') {
		*v = strtoull(s, &end, 0);
		return end;
	}
	if (!n || n >= sizeof(name))
		return NULL;
	memcpy(name, s, n);
	name[n] = 0;
	if (!constant_named(name, &value))
		return NULL;
	*v = (u64)value;
	return s + n;
}

/* The item at *p, which goes on behind it and its comma. False: there is none, or it is wrong. */
static bool next_item(const char **p, struct item *i)
{
	const char *s;

	i->from = i->to = 0;
	s = number(*p, &i->from);
	i->to = i->from;
	if (s && *s == '-')
		s = number(s + 1, &i->to);
	if (!s || i->to < i->from || (*s && (*s != ',' || !s[1])))
		return false;
	*p = s + (*s == ',');
	return true;
}

void check_listed(struct checker *c, struct node *n)
{
	struct node *list = n->a->next;
	const char *p, *option = ""; /* "--port: " */
	struct item i;

	n->type = TYPE_BOOL;
	check_int(c, n->a, "listed()");
	if (list->kind == NODE_CALL)
		check_expr(c, list);
	if (list->kind != NODE_STR) {
		check_fail(c, list, n->call->usage, "a list of numbers must be a string constant");
		return;
	}
	if (list->b)
		option = arena_printf(c->script->arena, "--%s: ", list->b->text);
	for (p = list->text; *p && next_item(&p, &i);)
		;
	if (isalpha((unsigned char)*p))
		check_fail(c, list, "80,443 or ENOENT,EPERM",
			   "%s'%.*s' is neither a number nor a known constant", option,
			   (int)strcspn(p, ","), p);
	else if (*p)
		check_fail(c, list, "80,443,8000-8080", "%s'%s' is no list of numbers", option,
			   list->text);
}

u32 value_listed(struct lower *l, struct node *n)
{
	const char *p = n->a->next->text;
	u32 v, one, all = ir_const(l->fn, !*p);
	struct item i;

	if (!*p && n->a->kind == NODE_NAME) /* it may be one that this engine has not */
		return all;
	v = lower_int(l, n->a);
	while (*p && next_item(&p, &i)) {
		one = ir_bin(l->fn, IR_SUB, IRT_I64, v, ir_const(l->fn, i.from));
		one = i.from == i.to
			      ? ir_bin(l->fn, IR_EQ, IRT_I64, v, ir_const(l->fn, i.from))
			      : ir_bin(l->fn, IR_ULE, IRT_I64, one, ir_const(l->fn, i.to - i.from));
		all = ir_bin(l->fn, IR_OR, IRT_I64, all, one);
	}
	return all;
}
