/*
 * pre_if.c: the expression of #if and #elif.
 *
 * In:  its text. Out: whether it holds. C's rules: defined(X) first, then macros, and every name
 * that is left is 0.
 */
#include "script/constant.h"
#include "script/pre_inner.h"

/* What is no macro is 0. */
static bool any_name(void *user, const char *name, s64 *value)
{
	(void)user;
	*value = !strcmp(name, "true");
	return true;
}

/* defined X and defined(X) become 1 or 0, before macros are expanded. */
static void resolve_defined(struct pre *pre, const char *p, struct buf *out)
{
	while (*p) {
		const char *from = p, *name;
		bool paren;

		if (!pre_is_name(*p)) {
			buf_char(out, *p++);
			continue;
		}
		while (pre_is_name(*p))
			p++;
		if (p - from != 7 || memcmp(from, "defined", 7) != 0) {
			buf_add(out, from, (size_t)(p - from));
			continue;
		}
		p += strspn(p, " \t");
		paren = *p == '(';
		p += paren;
		p += strspn(p, " \t");
		for (name = p; pre_is_name(*p);)
			p++;
		buf_char(out, pre_find(pre, name, (size_t)(p - name)) ? '1' : '0');
		p += strspn(p, " \t");
		p += paren && *p == ')';
	}
}

bool pre_condition(struct pre *pre, const char *text, struct loc at)
{
	struct buf named = {0}, plain = {0};
	struct diag quiet = {0};
	struct constant_expr c = {.name = any_name};
	s64 value;

	resolve_defined(pre, text, &named);
	pre_expand_text(pre, named.p, named.p + named.n, at, &plain);
	lex_init(&c.lex, pre->script->arena, &quiet, plain.p ? plain.p : "", plain.n, NULL);
	c.tok = lex_next(&c.lex);
	value = constant_expression(&c);
	if ((c.failed || c.tok.kind != TOK_END) && !pre->failed)
		pre_fail(pre, at, "#if defined(A) && B >= 5", "this is no expression of numbers");
	buf_free(&named);
	buf_free(&plain);
	return value;
}
