/*
 * constant_expr.c: expressions of constants: behind #if, and in declarations of C.
 *
 * In:  tokens, the current one and a lexer behind it. Out: the number; what follows is the current
 * token. Names are asked for.
 */
#include "script/constant.h"

#define DEEP 64

static void next(struct constant_expr *c)
{
	c->tok = lex_next(&c->lex);
}

static s64 wrong(struct constant_expr *c)
{
	c->failed = true;
	c->tok.kind = TOK_END;
	return 0;
}

static s64 unary(struct constant_expr *c)
{
	struct token t = c->tok;
	s64 v;

	switch (t.kind) {
	case TOK_INT: next(c); return (s64)t.value;
	case TOK_NAME:
		if (!c->name(c->user, t.text, &v))
			return wrong(c);
		next(c);
		return v;
	case TOK_NOT:
	case TOK_SUB:
	case TOK_ADD:
	case TOK_TILDE:
	case TOK_LPAREN: break;
	default: return wrong(c);
	}
	if (++c->depth > DEEP)
		return wrong(c);
	next(c);
	v = t.kind == TOK_LPAREN ? constant_expression(c) : unary(c);
	c->depth--;
	switch (t.kind) {
	case TOK_NOT: return !v;
	case TOK_SUB: return (s64)(0 - (u64)v);
	case TOK_TILDE: return ~v;
	case TOK_LPAREN:
		if (c->tok.kind != TOK_RPAREN)
			return wrong(c);
		next(c);
	}
	return v;
}

static s64 binary(struct constant_expr *c, u32 least)
{
	s64 a = unary(c), b;
	u32 level;

	while ((level = token_precedence(c->tok.kind)) >= least && level) {
		enum token_kind op = c->tok.kind;

		next(c);
		b = binary(c, level + 1);
		if ((op == TOK_DIV || op == TOK_MOD) && !b)
			return wrong(c);
		if (!token_compute(op, a, b, true, &a))
			return wrong(c);
	}
	return a;
}

s64 constant_expression(struct constant_expr *c)
{
	s64 v, yes, no;

	if (++c->depth > DEEP)
		return wrong(c);
	v = binary(c, 1);
	if (c->tok.kind == TOK_QUESTION) {
		next(c);
		yes = constant_expression(c);
		if (c->tok.kind != TOK_COLON)
			return wrong(c);
		next(c);
		no = constant_expression(c);
		v = v ? yes : no;
	}
	c->depth--;
	return v;
}
