/*
 * parse_expr.c: tokens to the syntax trees of expressions; also the tools of the parser.
 *
 * In:  the tokens, one ahead. Out: nodes in the script's arena, NULL after an error.
 */
#include "script/constant.h"
#include "script/parse_inner.h"

#include <stdio.h>

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

bool parse_deeper(struct parser *p, const char *hint)
{
	return ++p->depth <= DEPTH_MOST || parse_fail(p, p->tok.at, hint, TOO_DEEP);
}

/* Where it is too deep, or NULL. */
static const struct node *below(const struct node *n, u32 level)
{
	const struct node *deep = NULL;

	for (; n && !deep; n = n->next) {
		if (level == TREE_MOST)
			return n;
		for (u32 i = 0; i < 3 && !deep; i++)
			deep = below((&n->a)[i], level + 1);
	}
	return deep;
}

void parse_bound(struct parser *p, const struct node *n)
{
	/* a path through fewer nodes is not longer */
	const struct node *deep = p->failed || p->nodes < TREE_MOST ? NULL : below(n, 0);

	if (deep)
		parse_fail(p, deep->at, IN_PARTS, TOO_DEEP);
}

/* What is wrong with a colon where none may be: mostly that it is of an address. */
static const char *colon_hint(const struct parser *p, const char *hint)
{
	return p->tok.kind == TOK_COLON ? "addresses with colons stand in quotes: "
					  "ip6.src == \"2001:db8::1\""
					: hint;
}

void parse_expect(struct parser *p, enum token_kind kind, const char *hint)
{
	const char *found = token_text(p->tok.kind);

	if (accept(p, kind) || p->failed)
		return;
	if (kind == TOK_DIV || kind == TOK_RPAREN)
		hint = colon_hint(p, hint);
	if (p->tok.kind == TOK_NAME)
		parse_fail(p, p->tok.at, hint, "%s expected, not '%s'", token_text(kind),
			   p->tok.text);
	else
		parse_fail(p, p->tok.at, hint, "%s expected, not %s", token_text(kind), found);
}

struct node *parse_node(struct parser *p, enum node_kind kind, struct loc at)
{
	struct node *n = arena_new(p->script->arena, struct node);

	p->nodes++;
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

/* item = expr | name "=" expr */
static struct node *parse_item(struct parser *p)
{
	struct node *n = parse_expr(p), *named;

	if (!n || n->kind != NODE_NAME || !is(p, TOK_SET))
		return n;
	named = parse_node(p, NODE_NAMED, n->at);
	named->text = n->text;
	parse_advance(p);
	named->a = parse_expr(p);
	return named->a ? named : NULL;
}

/* list = [ item { "," item } ] */
static struct node *parse_list(struct parser *p, enum token_kind end)
{
	bool predicate = p->predicate;
	struct node *first = NULL, **tail = &first;

	p->predicate = false;
	while (!is(p, end) && !p->failed) {
		struct node *n = parse_item(p);

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

/* "(" type ")" unary | "(" expr ")" | "(" list ")": a tuple, where there is a comma, a name or
 * nothing */
static struct node *parse_parens(struct parser *p)
{
	bool predicate = p->predicate;
	struct loc at = p->tok.at;
	struct node *n, *tuple;
	bool several = false;

	parse_advance(p);
	if (ctype_begins(p->script, &p->tok))
		return parse_cast(p, at);
	p->predicate = false;
	n = is(p, TOK_RPAREN) ? NULL : parse_item(p);
	if (!p->failed && (!n || n->kind == NODE_NAMED || is(p, TOK_COMMA))) {
		tuple = parse_node(p, NODE_TUPLE, at);
		tuple->a = n;
		if (accept(p, TOK_COMMA)) {
			n->next = parse_list(p, TOK_RPAREN);
			several = n->next != NULL;
			tuple->a = parse_containers(p, n, CONTAINER_VALUES);
		} else {
			parse_expect(p, TOK_RPAREN, NULL);
		}
		/* (a, container) is a where nobody asks for it */
		n = several && tuple->a && !tuple->a->next ? tuple->a : tuple;
	} else {
		parse_expect(p, TOK_RPAREN, NULL);
	}
	p->predicate = predicate;
	return n;
}

/* { statements; value } */
static struct node *parse_valued_block(struct parser *p)
{
	bool predicate = p->predicate;
	struct node *n;

	p->predicate = false;
	n = parse_inner_block(p);
	p->predicate = predicate;
	if (!p->failed && !n->valued)
		return parse_fail(p, n->at, "its last statement is an expression without ;",
				  "this block has no value");
	return p->failed ? NULL : n;
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
			n->a = parse_containers(p, n->a, CONTAINER_NAMED);
		}
		return n;
	case TOK_NAME:
		n = parse_leaf(p, NODE_NAME);
		if (!is(p, TOK_SET)) /* emit(family = ...) names a field */
			p->script->family |= str_same(n->text, "family");
		p->script->container_named |= str_same(n->text, "container");
		if (accept(p, TOK_LPAREN)) {
			row = call_find(n->text);
			if (row && row->node)
				return parse_type_word(p, n, row->node);
			if (row && row->agg == AGG_TSERIES)
				parse_unstable(p, UNSTABLE_TSERIES, n->at);
			if (str_same(n->text, "dw_ustack"))
				parse_unstable(p, UNSTABLE_DW_USTACK, n->at);
			n->kind = NODE_CALL;
			n->call = row; /* copies of a macro need not look for it */
			n->a = parse_list(p, TOK_RPAREN);
			if (!strcmp(n->text, "emit"))
				n->a = parse_containers(p, n->a, CONTAINER_NAMED);
			else if (!strcmp(n->text, "table"))
				n->a = parse_containers(p, n->a, CONTAINER_COLUMNS);
		}
		return n;
	case TOK_LPAREN: return parse_parens(p);
	case TOK_LBRACE: return parse_valued_block(p);
	default:
		return parse_fail(p, p->tok.at, colon_hint(p, NULL), "a value expected, not %s",
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

/* "comptime" unary */
static struct node *parse_comptime(struct parser *p)
{
	struct node *n = parse_node(p, NODE_COMPTIME, p->tok.at);

	if (!parse_deeper(p, IN_PARTS))
		return NULL;
	parse_advance(p);
	n->a = parse_unary(p);
	p->depth--;
	return n->a ? n : NULL;
}

/* unary = ( "!" | "~" | "-" | "+" | "*" ) unary | ( "++" | "--" ) unary | postfix */
struct node *parse_unary(struct parser *p)
{
	struct token t = p->tok;
	struct node *n;

	if (parse_is_word(p, "comptime"))
		return parse_comptime(p);
	if (!operators[t.kind].prefix)
		return parse_postfix(p);
	if (!parse_deeper(p, IN_PARTS))
		return NULL;
	parse_advance(p);
	n = parse_node(p, t.kind == TOK_INC || t.kind == TOK_DEC ? NODE_INC : NODE_UNARY, t.at);
	n->op = t.kind;
	n->prefix = true;
	if (t.kind == TOK_AND)
		parse_unstable(p, UNSTABLE_ADDR, t.at);
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

/* a ?: b is { let $t = a; $t ? $t : b }, and no other $t can be that one. */
static struct node *or_else(struct parser *p, struct node *a, struct node *cond)
{
	struct node *block = parse_node(p, NODE_BLOCK, a->at),
		    *let = parse_node(p, NODE_LET, a->at);
	u32 mark = ++p->script->marks;

	let->b = a;
	for (u32 i = 0; i < 3; i++) {
		struct node *var = parse_node(p, NODE_VAR, a->at);

		var->text = "";
		var->id = mark;
		*(i == 0 ? &let->a : i == 1 ? &cond->a : &cond->b) = var;
	}
	block->a = let;
	let->next = cond;
	block->valued = true;
	return block;
}

/* expr = binary [ "?" [ expr ] ":" expr ] */
struct node *parse_expr(struct parser *p)
{
	struct node *n, *outer;
	bool shortened;

	if (!parse_deeper(p, IN_PARTS))
		return NULL;
	n = parse_binary(p, 1);
	if (n && is(p, TOK_QUESTION)) {
		outer = parse_node(p, NODE_COND, p->tok.at);
		parse_advance(p);
		shortened = is(p, TOK_COLON);
		outer->a = n;
		outer->b = shortened ? n : parse_expr(p);
		parse_expect(p, TOK_COLON, "a condition is written a ? b : c");
		outer->c = p->failed ? NULL : parse_expr(p);
		n = !outer->b || !outer->c ? NULL : shortened ? or_else(p, n, outer) : outer;
	}
	p->depth--;
	return n;
}
