/*
 * assert.c: what must hold: assert(), static_assert(), fail(); and errorf(), warnf().
 *
 * In:  their calls. Out: those of the compiler are checked here and leave nothing; the others
 * become records, whose action knows their place in the source.
 */
#include "script/check.h"
#include "script/lower.h"

#include <stdio.h>

/* ---- while compiling */

/* An argument by its conversion; false: it is not known to the compiler. */
static bool put_argument(struct buf *out, const struct format_spec *f, const struct node *arg)
{
	char spec[64];
	s64 value;

	if (f->len + 3 > sizeof(spec))
		return false;
	snprintf(spec, sizeof(spec), "%.*s", (int)f->len, f->start);
	if (arg->kind == NODE_STR && f->conversion == 's') {
		buf_printf(out, "%.*s", (int)arg->len, arg->text);
		return true;
	}
	if (!comptime_value(arg, &value))
		return false;
	switch (f->conversion) {
	case 'x': buf_printf(out, "%llx", (unsigned long long)value); break;
	case 'X': buf_printf(out, "%llX", (unsigned long long)value); break;
	case 'o': buf_printf(out, "%llo", (unsigned long long)value); break;
	case 'u': buf_printf(out, "%llu", (unsigned long long)value); break;
	case 'c': buf_char(out, (char)value); break;
	default: buf_printf(out, "%lld", (long long)value);
	}
	return true;
}

void check_fail_call(struct checker *c, struct node *n)
{
	const struct node *arg = n->a->next;
	const char *p = n->a->text, *from = p;
	struct format_spec f;
	struct buf text = {0};
	bool known = true;

	check_printf(c, n);
	if (!c->final || c->dead || c->script->diag->errors || n->a->kind != NODE_STR)
		return;
	while (known && format_next(&p, &f) && f.conversion) {
		buf_add(&text, from, (size_t)(f.start - from));
		from = p;
		if (f.conversion == '%')
			buf_char(&text, '%');
		else if (arg)
			known = put_argument(&text, &f, arg), arg = arg->next;
	}
	buf_puts(&text, from);
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	if (known)
		check_fail(c, n, NULL, "%s", buf_str(&text));
	else
		check_fail(c, n, "fail(\"not %%d\", $1)",
			   "what fail() shows must be known while the script is compiled");
	buf_free(&text);
}

void check_static_assert(struct checker *c, struct node *n)
{
	const struct node *text = n->a->next;
	s64 value;

	if (!check_int(c, n->a, "static_assert()"))
		return;
	if (text && text->kind != NODE_STR)
		check_fail(c, text, "static_assert(sizeof(int) == 4, \"so it must be\")",
			   "the message is a string between quotes");
	else if (!comptime_value(n->a, &value))
		check_fail(c, n->a, "assert() asks while the script runs",
			   "this is not known while the script is compiled");
	else if (!value && !c->dead)
		check_fail(c, n, NULL, "%s", text ? text->text : "this does not hold");
}

void lower_nothing(struct lower *l, struct node *n)
{
	(void)l, (void)n;
}

/* ---- while running */

void check_assert(struct checker *c, struct node *n)
{
	struct node *text = n->a->next;

	check_int(c, n->a, "assert()");
	if (text && check_expr(c, text) && text->type.kind != TYPE_STR)
		check_fail(c, text, "assert(pid > 1, \"who is this?\")",
			   "the message is a string, not %s", TYPE_A(text->type));
}

static void message(struct lower *l, const char *name, u8 kind, const struct node *n,
		    const char *format, struct node *args)
{
	struct action a = {.kind = kind, .text = format, .top = n->at.len};
	size_t len = strlen(format);

	if (!n->at.file)
		a.map = n->at.line << 10 | MIN(n->at.col, 1023u);
	while (len && format[len - 1] == '\n')
		len--;
	a.text = arena_strndup(&l->object->arena, format, len);
	lower_record(l, name, &a, VIEW_LINES, args);
}

void lower_errorf(struct lower *l, struct node *n)
{
	message(l, "errorf", ACTION_ERRORF, n, n->a->text, n->a->next);
}

void lower_warnf(struct lower *l, struct node *n)
{
	message(l, "warnf", ACTION_WARNF, n, n->a->text, n->a->next);
}

/* The run ends, and all of it with status 1. */
void lower_assert(struct lower *l, struct node *n)
{
	struct node status = {
		.kind = NODE_INT, .value = 1, .type = TYPE_S64, .text = "", .at = n->at};
	struct node leave = {.kind = NODE_CALL, .a = &status, .text = "exit", .at = n->at};
	struct ir_fn *fn = l->fn;
	u32 good = ir_block(fn), bad = ir_block(fn);
	struct memo memo;

	lower_cond(l, n->a, good, bad);
	memo = l->memo;
	ir_seal(fn, bad);
	ir_at(fn, bad);
	if (n->a->next)
		message(l, "errorf", ACTION_ERRORF, n, "assert failed: %s", n->a->next);
	else
		message(l, "errorf", ACTION_ERRORF, n, "assert failed", NULL);
	lower_exit(l, &leave);
	l->memo = memo;
	ir_seal(fn, good);
	ir_at(fn, good);
}
