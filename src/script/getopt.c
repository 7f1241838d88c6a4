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

static void remember(struct checker *c, const struct node *n, const struct node *otherwise,
		     const struct node *doc)
{
	struct script_option **o = &c->script->options;

	for (; *o; o = &(*o)->next)
		if (!strcmp((*o)->name, n->a->text)) {
			if (doc && !*(*o)->doc)
				(*o)->doc = doc->text;
			return;
		}
	*o = arena_new(c->script->arena, struct script_option);
	(*o)->name = n->a->text;
	(*o)->at = n->at;
	(*o)->doc = doc ? doc->text : "";
	(*o)->flag = !otherwise;
	(*o)->otherwise = otherwise ? written(c, otherwise) : "";
}

const char *script_named(struct script *s, const char *name, const char *otherwise, struct loc at)
{
	struct checker c = {.script = s};
	struct node text = {.kind = NODE_STR, .text = name}, call = {.a = &text, .at = at};
	struct node value = {.kind = NODE_STR, .text = otherwise};
	const char *given = value_of(s, name);

	remember(&c, &call, &value, NULL);
	return given && *given ? given + 1 : otherwise;
}

static void become_number(struct node *n, s64 value, struct type type)
{
	n->kind = NODE_INT;
	n->value = (u64)value;
	n->type = type;
	n->type.is_literal = 1;
	n->a = NULL;
}

static void wrong(struct checker *c, struct node *n, const char *hint, const char *value)
{
	if (c->final)
		check_fail(c, n, hint, "--%s cannot be '%s'", n->a->text, value);
}

/* --name, --name=true, --name=false */
static void take_flag(struct checker *c, struct node *n, const char *value, bool otherwise)
{
	if (value && *value && strcmp(value, "=true") && strcmp(value, "=false") &&
	    strcmp(value, "=1") && strcmp(value, "=0"))
		wrong(c, n, "true or false", value + 1);
	else
		become_number(n, value ? strcmp(value, "=false") && strcmp(value, "=0") : otherwise,
			      TYPE_BOOL);
}

static void take_number(struct checker *c, struct node *n, const char *value, s64 otherwise)
{
	bool negative = value && value[0] && value[1] == '-';
	char *end = NULL;
	u64 number;

	if (!value) {
		become_number(n, otherwise, TYPE_S64);
		return;
	}
	errno = 0;
	number = *value ? strtoull(value + 1 + negative, &end, 0) : 0;
	if (!*value || !isdigit((u8)value[1 + negative]) || *end || errno)
		wrong(c, n, arena_printf(c->script->arena, "a number: --%s=5", n->a->text),
		      *value ? value + 1 : "");
	else
		become_number(n, (s64)(negative ? 0 - number : number), TYPE_S64);
}

static void take_text(struct checker *c, struct node *n, const char *value,
		      const struct node *otherwise)
{
	if (value && !*value) {
		wrong(c, n, arena_printf(c->script->arena, "--%s=text", n->a->text), "");
		return;
	}
	n->kind = NODE_STR;
	n->text = value ? value + 1 : otherwise->text;
	n->len = value ? (u32)strlen(n->text) : otherwise->len;
	n->len = MIN(n->len, c->script->limits.str_most - 1);
	n->type = type_str(n->len + 1);
	n->a = NULL;
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

/* The script asks for it in a branch that the others leave out. */
static bool is_written(const struct script *s, const char *name)
{
	const char *call =
		s->self.text ? strstr(s->self.text, arena_printf(s->arena, "getopt(\"%s\"", name)) : NULL;

	return call;
}

int script_options(struct script *s)
{
	vec_each (arg, &s->named) {
		struct near near = {0};
		const char *name = arena_strndup(s->arena, *arg, strcspn(*arg, "="));
		bool known = !strcmp(name, "help");

		near.word = name;
		for (const struct script_option *o = s->options; o; o = o->next) {
			known |= !strcmp(o->name, name);
			near_try(&near, o->name);
		}
		if (!known && is_written(s, name))
			return diag_fail(s->diag, -EINVAL, "another one excludes it",
					 "--%s means nothing beside the other options", name);
		if (!known)
			return diag_fail(s->diag, -EINVAL,
					 near.best ? arena_printf(s->arena, "did you mean '--%s'?",
								  near.best)
						   : "--help behind the -- lists them",
					 "the script has no parameter --%s", name);
		s->help |= !strcmp(name, "help");
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
