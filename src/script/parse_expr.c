/*
 * parse_expr.c: tokens to the syntax trees of expressions; also the tools of the parser.
 *
 * In:  the tokens, one ahead. Out: nodes in the script's arena, NULL after an error.
 */
#include "script/constant.h"
#include "script/parse_inner.h"

#include <stdio.h>

static struct node *parse_unary(struct parser *);

void parse_advance(struct parser *p)
{
	if (p->failed) {
		p->tok.kind = TOK_END;
		return;
	}
	p->tok = lex_next(&p->lex);
	if (p->tok.kind == TOK_BAD) {
		p->failed = true;
		p->tok.kind = TOK_END;
	}
}

void *parse_fail(struct parser *p, struct loc at, const char *hint, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!p->failed) {
		va_start(ap, fmt);
		vsnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		diag_error(p->script->diag, at, hint, "%s", text);
	}
	p->failed = true;
	p->tok.kind = TOK_END;
	return NULL;
}

void parse_expect(struct parser *p, enum token_kind kind, const char *hint)
{
	const char *found = token_text(p->tok.kind);

	if (accept(p, kind) || p->failed)
		return;
	if (p->tok.kind == TOK_NAME)
		parse_fail(p, p->tok.at, hint, "%s expected, not '%s'", token_text(kind),
			   p->tok.text);
	else
		parse_fail(p, p->tok.at, hint, "%s expected, not %s", token_text(kind), found);
}

struct node *parse_node(struct parser *p, enum node_kind kind, struct loc at)
{
	struct node *n = arena_new(p->script->arena, struct node);

	n->kind = kind;
	n->at = at;
	n->text = "";
	return n;
}

struct node *parse_leaf(struct parser *p, enum node_kind kind)
{
	struct node *n = parse_node(p, kind, p->tok.at);

	n->text = p->tok.text;
	n->len = p->tok.len;
	n->value = p->tok.value;
	n->type.is_signed = !p->tok.is_unsigned;
	parse_advance(p);
	return n;
}

/* list = [ item { "," item } ]; an item may be `name = expr` */
static struct node *parse_list(struct parser *p, enum token_kind end)
{
	bool predicate = p->predicate;
	struct node *first = NULL, **tail = &first;

	p->predicate = false;
	while (!is(p, end) && !p->failed) {
		struct node *n = parse_expr(p), *named;

		if (n && n->kind == NODE_NAME && is(p, TOK_SET)) {
			named = parse_node(p, NODE_NAMED, n->at);
			named->text = n->text;
			parse_advance(p);
			named->a = parse_expr(p);
			n = named;
		}
		if (!n)
			break;
		*tail = n;
		tail = &n->next;
		if (!accept(p, TOK_COMMA))
			break;
	}
	p->predicate = predicate;
	parse_expect(p, end, NULL);
	return first;
}

/* A type in parentheses, as text; the current token is its first word. */
static struct node *parse_type(struct parser *p, enum node_kind kind, struct loc at)
{
	struct node *n = parse_node(p, kind, at);
	const char *text = "";

	while (!is(p, TOK_RPAREN) && !is(p, TOK_END)) {
		text = arena_printf(p->script->arena, "%s%s%s", text, *text ? " " : "",
				    is(p, TOK_INT) ? arena_printf(p->script->arena, "%llu",
								  (unsigned long long)p->tok.value)
						   : p->tok.text);
		parse_advance(p);
	}
	n->text = text;
	parse_expect(p, TOK_RPAREN, NULL);
	return n;
}

/* "(" type ")" unary | "(" expr ")" | "(" expr "," list ")", a tuple */
static struct node *parse_parens(struct parser *p)
{
	bool predicate = p->predicate;
	struct loc at = p->tok.at;
	struct node *n;

	parse_advance(p);
	if (ctype_begins(p->script, &p->tok)) {
		n = parse_type(p, NODE_CAST, at);
		n->a = p->failed ? NULL : parse_unary(p);
		return n->a ? n : NULL;
	}
	p->predicate = false;
	n = parse_expr(p);
	if (n && is(p, TOK_COMMA)) {
		struct node *tuple = parse_node(p, NODE_TUPLE, at);

		parse_advance(p);
		tuple->a = n;
		n->next = parse_list(p, TOK_RPAREN);
		p->predicate = predicate;
		return tuple;
	}
	p->predicate = predicate;
	parse_expect(p, TOK_RPAREN, NULL);
	return n;
}

/* sizeof "(" ( type | expr ) ")" */
static struct node *parse_sizeof(struct parser *p, struct node *name)
{
	bool predicate = p->predicate;
	struct node *n;

	if (ctype_begins(p->script, &p->tok))
		return parse_type(p, NODE_SIZEOF, name->at);
	n = parse_node(p, NODE_SIZEOF, name->at);
	p->predicate = false;
	n->a = parse_expr(p);
	p->predicate = predicate;
	parse_expect(p, TOK_RPAREN, NULL);
	return n->a ? n : NULL;
}

/* "one" "two": one string */
static struct node *parse_string(struct parser *p)
{
	struct node *n = parse_leaf(p, NODE_STR);

	while (is(p, TOK_STR)) {
		char *text = arena_alloc(p->script->arena, n->len + p->tok.len + 1);

		memcpy(text, n->text, n->len);
		memcpy(text + n->len, p->tok.text, p->tok.len);
		n->text = text;
		n->len += p->tok.len;
		if (n->len > LITERAL_MOST)
			return parse_fail(p, n->at, NULL, "this string is longer than 64 KiB");
		parse_advance(p);
	}
	return n;
}

/* primary = INT | STRING | $1 | $var | @map [ "[" list "]" ] | name [ "(" list ")" ] | "(" expr ")"
 */
static struct node *parse_primary(struct parser *p)
{
	const struct call_row *row;
	struct node *n;

	switch (p->tok.kind) {
	case TOK_INT: return parse_leaf(p, NODE_INT);
	case TOK_STR: return parse_string(p);
	case TOK_PARAM: return parse_leaf(p, NODE_PARAM);
	case TOK_VAR: return parse_leaf(p, NODE_VAR);
	case TOK_MAP:
		n = parse_leaf(p, NODE_MAP);
		if (accept(p, TOK_LBRACKET)) {
			n->a = parse_list(p, TOK_RBRACKET);
			if (!n->a)
				parse_fail(p, n->at, "write @m[pid], or @m without a key",
					   "the key of @%s is empty", n->text);
		}
		return n;
	case TOK_NAME:
		n = parse_leaf(p, NODE_NAME);
		if (accept(p, TOK_LPAREN)) {
			row = call_find(n->text);
			if (row && row->node)
				return parse_sizeof(p, n);
			n->kind = NODE_CALL;
			n->a = parse_list(p, TOK_RPAREN);
		}
		return n;
	case TOK_LPAREN: return parse_parens(p);
	default:
		return parse_fail(p, p->tok.at, NULL, "a value expected, not %s",
				  token_text(p->tok.kind));
	}
}

static struct node *parse_field(struct parser *p)
{
	struct node *n;

	parse_advance(p);
	n = parse_node(p, NODE_FIELD, p->tok.at);
	n->text = p->tok.text;
	if (is(p, TOK_INT)) { /* of a tuple */
		n->text = arena_printf(p->script->arena, "%llu", (unsigned long long)p->tok.value);
		parse_advance(p);
	} else {
		parse_expect(p, TOK_NAME, "a field's name follows");
	}
	return n;
}

static struct node *parse_index(struct parser *p, struct loc at)
{
	struct node *n = parse_node(p, NODE_INDEX, at);
	bool predicate = p->predicate;

	parse_advance(p);
	p->predicate = false;
	n->b = parse_expr(p);
	p->predicate = predicate;
	parse_expect(p, TOK_RBRACKET, NULL);
	return n->b ? n : NULL;
}

static struct node *parse_step(struct parser *p, struct loc at)
{
	struct node *n = parse_node(p, NODE_INC, at);

	n->op = p->tok.kind;
	parse_advance(p);
	return n;
}

/* postfix = primary { "." name | "->" name | "[" expr "]" | "++" | "--" } */
static struct node *parse_postfix(struct parser *p)
{
	struct node *n = parse_primary(p), *outer;

	if (!n)
		return NULL;
	while (!p->failed) {
		if (is(p, TOK_DOT) || is(p, TOK_ARROW))
			outer = parse_field(p);
		else if (is(p, TOK_LBRACKET))
			outer = parse_index(p, n->at);
		else if (is(p, TOK_INC) || is(p, TOK_DEC))
			outer = parse_step(p, n->at);
		else
			break;
		if (!outer)
			return NULL;
		outer->a = n;
		n = outer;
	}
	return n;
}

/* operators.def: for each token how it may stand. */
static const struct {
	u8 binds;  /* between two values: how tightly; 0: not there */
	u8 prefix; /* in front of one */
	u8 assigns;
} operators[TOK_COUNT] = {
#define BINARY(TOKEN, tightly, usage, doc) [TOK_##TOKEN].binds = tightly,
#define PREFIX(TOKEN, usage, doc)          [TOK_##TOKEN].prefix = 1,
#define ASSIGN(TOKEN, usage, doc)          [TOK_##TOKEN].assigns = 1,
#define OPERATOR(usage, doc)
#include "script/operators.def"
#undef BINARY
#undef PREFIX
#undef ASSIGN
#undef OPERATOR
};

bool parse_assigns(enum token_kind op)
{
	return operators[op].assigns;
}

/* unary = ( "!" | "~" | "-" | "+" | "*" ) unary | ( "++" | "--" ) unary | postfix */
static struct node *parse_unary(struct parser *p)
{
	struct token t = p->tok;
	struct node *n;

	if (!operators[t.kind].prefix)
		return parse_postfix(p);
	if (++p->depth > DEPTH_MOST)
		return parse_fail(p, t.at, "use variables for its parts",
				  "this is nested too deeply");
	parse_advance(p);
	n = parse_node(p, t.kind == TOK_INC || t.kind == TOK_DEC ? NODE_INC : NODE_UNARY, t.at);
	n->op = t.kind;
	n->prefix = true;
	n->a = parse_unary(p);
	p->depth--;
	return n->a ? n : NULL;
}

/* binary = unary { op binary of higher precedence } */
static struct node *parse_binary(struct parser *p, u32 least)
{
	struct node *n = parse_unary(p), *outer;
	u32 level;

	while (n && (level = operators[p->tok.kind].binds) >= least && level) {
		if (is(p, TOK_DIV) && p->predicate && lex_before_brace(&p->lex))
			break;
		outer = parse_node(p, NODE_BINARY, p->tok.at);
		outer->op = p->tok.kind;
		outer->a = n;
		parse_advance(p);
		outer->b = parse_binary(p, level + 1);
		if (!outer->b)
			return NULL;
		n = outer;
	}
	return n;
}

/* expr = binary [ "?" expr ":" expr ] */
struct node *parse_expr(struct parser *p)
{
	struct node *n, *outer;

	if (++p->depth > DEPTH_MOST)
		return parse_fail(p, p->tok.at, "use variables for its parts",
				  "this is nested too deeply");
	n = parse_binary(p, 1);
	if (n && is(p, TOK_QUESTION)) {
		outer = parse_node(p, NODE_COND, p->tok.at);
		parse_advance(p);
		outer->a = n;
		outer->b = parse_expr(p);
		parse_expect(p, TOK_COLON, "a condition is written a ? b : c");
		outer->c = p->failed ? NULL : parse_expr(p);
		n = outer->b && outer->c ? outer : NULL;
	}
	p->depth--;
	return n;
}
