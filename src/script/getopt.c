/*
 * getopt.c: named parameters of a script: getopt("name", default, "what it does").
 *
 * In:  what stands behind the script on the command line. Out: behind a `--` what begins with two
 * dashes is a named parameter, when the script asks for any; the rest is $1, $2, ... A getopt()
 * becomes the constant that its parameter has.
 */
#include "script/check.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

void script_arguments(struct script *s, const char *src, size_t len)
{
	char **plain = arena_array(s->arena, char *, (u32)s->argc + 1);
	bool behind = false, uses = memmem(src, len, "getopt", 6);
	int n = 0;

	for (int i = 0; i < s->argc; i++) {
		char *arg = s->argv[i];

		if (!behind && !strcmp(arg, "--"))
			behind = true;
		else if (uses && behind && !strncmp(arg, "--", 2) && isalpha((u8)arg[2]))
			vec_push(s->arena, &s->named, arg + 2);
		else
			plain[n++] = arg;
	}
	s->argv = plain;
	s->argc = n;
}

static const char *value_of(const struct script *s, const char *name)
{
	const char *found = NULL;
	size_t n = strlen(name);

	vec_each (arg, &s->named)
		if (!strncmp(*arg, name, n) && ((*arg)[n] == '=' || !(*arg)[n]))
			found = *arg + n; /* the last one counts */
	return found;
}

/* A value as one would write it behind the = */
static const char *written(struct checker *c, const struct node *n)
{
	if (n->kind == NODE_STR)
		return n->text;
	if (n->type.is_bool)
		return n->value ? "true" : "false";
	return arena_printf(c->script->arena, "%lld", (long long)n->value);
}

static struct script_option **option_of(struct script *s, const char *name)
{
	struct script_option **o = &s->options;

	while (*o && strcmp((*o)->name, name) != 0)
		o = &(*o)->next;
	return o;
}

/* The first one says what it is otherwise: the first that is read, if any is. */
static void remember(struct checker *c, const struct node *n, const struct node *otherwise,
		     const struct node *doc)
{
	struct script_option **at = option_of(c->script, n->a->text), *o = *at;
	bool new = !o;

	if (new)
		o = *at = arena_new(c->script->arena, struct script_option);
	if (doc && (new || !*o->doc))
		o->doc = doc->text;
	if (new || (!o->read && !c->noting)) {
		o->name = n->a->text;
		o->at = n->at;
		o->doc = o->doc ? o->doc : "";
		o->flag = !otherwise;
		o->otherwise = otherwise ? written(c, otherwise) : "";
	}
	o->read |= !c->noting;
}

void script_option_wrong(struct script *s, const char *name, const char *hint, const char *what)
{
	struct script_option *o = *option_of(s, name);

	if (!o->wrong)
		diag_fail(s->diag, -EINVAL, hint, "--%s%s", name, what);
	o->wrong = true;
}

static void wrong(struct script *s, const char *name, const char *takes, const char *example,
		  const char *value)
{
	const char *not = *value ? arena_printf(s->arena, ", not '%s'", value) : "";

	script_option_wrong(s, name, arena_printf(s->arena, "--%s%s", name, example),
			    arena_printf(s->arena, " takes %s%s", takes, not));
}

static bool number_of(const char *text, s64 *number)
{
	bool negative = *text == '-';
	char *end;
	u64 n;

	if (!isdigit((u8)text[negative]))
		return false;
	errno = 0;
	n = strtoull(text + negative, &end, 0);
	if (*end || errno)
		return false;
	*number = (s64)(negative ? 0 - n : n);
	return true;
}

const char *script_named(struct script *s, const char *name, const char *otherwise, struct loc at)
{
	struct checker c = {.script = s};
	struct node text = {.kind = NODE_STR, .text = name}, call = {.a = &text, .at = at};
	struct node value = {.kind = NODE_STR, .text = otherwise};
	const char *given = value_of(s, name);
	s64 number;

	remember(&c, &call, &value, NULL);
	if (!given)
		return otherwise;
	given += *given == '=';
	if (number_of(otherwise, &number) && !number_of(given, &number))
		wrong(s, name, "a number", "=5", given);
	return *given ? given : otherwise;
}

static void become_number(struct node *n, s64 value, struct type type)
{
	n->kind = NODE_INT;
	n->value = (u64)value;
	n->type = type;
	n->type.is_literal = 1;
	n->a = NULL;
}

/* --name, --name=true, --name=false */
static void take_flag(struct checker *c, struct node *n, const char *value, bool otherwise)
{
	if (value && *value && strcmp(value, "=true") && strcmp(value, "=false") &&
	    strcmp(value, "=1") && strcmp(value, "=0")) {
		wrong(c->script, n->a->text, "true or false", "=true", value + 1);
		value = NULL;
	}
	become_number(n, value ? strcmp(value, "=false") && strcmp(value, "=0") : otherwise,
		      TYPE_BOOL);
}

static void take_number(struct checker *c, struct node *n, const char *value, s64 otherwise)
{
	s64 number = otherwise;

	if (value && !number_of(value + (*value == '='), &number))
		wrong(c->script, n->a->text, "a number", "=5", value + (*value == '='));
	become_number(n, number, TYPE_S64);
}

static void take_text(struct checker *c, struct node *n, const char *value,
		      const struct node *otherwise)
{
	if (value && !*value) {
		wrong(c->script, n->a->text, "a text", "=text", "");
		value = NULL;
	}
	n->kind = NODE_STR;
	n->text = value ? value + 1 : otherwise->text;
	n->len = value ? (u32)strlen(n->text) : otherwise->len;
	n->len = MIN(n->len, c->script->limits.str_most - 1);
	n->type = type_str(n->len + 1);
	n->b = n->a; /* its name, for messages about it */
	n->a = NULL;
}

void check_getopt_name(struct checker *c, const struct node *n)
{
	const struct node *doc = n->a->next ? n->a->next->next : NULL;

	remember(c, n, NULL, doc && doc->kind == NODE_STR ? doc : NULL);
}

void check_getopt(struct checker *c, struct node *n)
{
	struct node *otherwise = n->a->next, *doc = otherwise ? otherwise->next : NULL;
	const char *value;
	s64 number = 0;

	n->type = (struct type){0};
	if (otherwise && !check_expr(c, otherwise))
		return;
	if (n->a->kind != NODE_STR || (doc && doc->kind != NODE_STR)) {
		check_fail(c, n, "getopt(\"name\", 5, \"what it does\")",
			   "name and description are strings between quotes");
		return;
	}
	if (otherwise && otherwise->kind != NODE_STR && !comptime_value(otherwise, &number)) {
		check_fail(c, otherwise, "a number, a string, true or false",
			   "what --%s is otherwise must be a constant", n->a->text);
		return;
	}
	if (otherwise && otherwise->kind != NODE_STR) {
		otherwise->value = (u64)number;
		otherwise->kind = NODE_INT;
	}
	remember(c, n, otherwise, doc);
	value = value_of(c->script, n->a->text);
	if (!otherwise || (otherwise->kind == NODE_INT && otherwise->type.is_bool))
		take_flag(c, n, value, number != 0);
	else if (otherwise->kind == NODE_STR)
		take_text(c, n, value, otherwise);
	else
		take_number(c, n, value, number);
}

int script_options(struct script *s)
{
	vec_each (arg, &s->named) {
		struct near near = {0};
		const char *name = arena_strndup(s->arena, *arg, strcspn(*arg, "="));
		const struct script_option *option = *option_of(s, name);

		s->help |= !strcmp(name, "help");
		if (!strcmp(name, "help") || (option && option->read))
			continue;
		near.word = name;
		for (const struct script_option *o = s->options; o; o = o->next)
			near_try(&near, o->name);
		if (option)
			return diag_fail(s->diag, -EINVAL,
					 "it needs another one, or another one excludes it",
					 "--%s has no effect with these options", name);
		return diag_fail(s->diag, -EINVAL,
				 near.best ? arena_printf(s->arena, "did you mean '--%s'?", near.best)
					   : "--help behind the -- lists them",
				 "the script has no parameter --%s", name);
	}
	return 0;
}

void script_usage(struct buf *out, const struct script *s)
{
	buf_puts(out, s->options ? "Parameters of the script, behind --:\n"
				 : "The script has no named parameters.\n");
	for (const struct script_option *o = s->options; o; o = o->next) {
		size_t at = out->n;

		buf_printf(out, "  --%s%s%s", o->name, o->flag ? "" : "=",
			   o->flag ? "" : o->otherwise);
		while (out->n < at + 24)
			buf_char(out, ' ');
		buf_printf(out, " %s\n", o->doc);
		while (out->n > 1 && out->p[out->n - 2] == ' ') { /* no blanks at the end */
			out->p[out->n - 2] = '\n';
			out->n--;
		}
	}
}
