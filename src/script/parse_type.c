/*
 * parse_type.c: names of types: in casts, in sizeof, offsetof and typeof, and behind `let $x:`.
 *
 * In:  the tokens. Out: a NODE_TYPE. Its text is what stands there ("const char *", "uint8 [4]");
 * typeof(x) has its expression in b and a tuple "(int32, string)" its parts in a, both with stars
 *and brackets in text. check_type() of check.h makes a struct type of it, where names are known:
 *
 *	struct node *t = parse_type(p);             the parser; NULL after an error
 *	if (check_type(c, t, &type)) ...            the checker; reports what does not exist
 */
#include "script/parse_inner.h"

static bool is_word(const struct parser *p, const char *word)
{
	return is(p, TOK_NAME) && !strcmp(p->tok.text, word);
}

static void add_word(struct parser *p, struct node *n)
{
	const char *word = p->tok.text;

	if (is(p, TOK_INT))
		word = arena_printf(p->script->arena, "%llu", (unsigned long long)p->tok.value);
	else if (!is(p, TOK_NAME))
		word = is(p, TOK_MUL) ? "*" : is(p, TOK_LBRACKET) ? "[" : "]";
	n->text = arena_join(p->script->arena, n->text, *n->text ? " " : "", word);
	parse_advance(p);
}

/* { "*" | "const" } { "[" [ number | name ] "]" } */
static void parse_suffix(struct parser *p, struct node *n)
{
	while (is(p, TOK_MUL) || is_word(p, "const") || is_word(p, "volatile"))
		add_word(p, n);
	while (is(p, TOK_LBRACKET) && !p->failed) {
		add_word(p, n);
		if (is(p, TOK_INT) || is(p, TOK_NAME))
			add_word(p, n);
		if (is(p, TOK_RBRACKET))
			add_word(p, n);
		else
			parse_fail(p, p->tok.at, "uint8[16]", "']' expected, not %s",
				   token_text(p->tok.kind));
	}
}

/* "typeof" "(" ( type | expr ) ")" */
static struct node *parse_typeof(struct parser *p, struct node *n)
{
	bool predicate = p->predicate;

	parse_advance(p);
	parse_expect(p, TOK_LPAREN, "typeof($x)");
	p->predicate = false;
	if (ctype_begins(p->script, &p->tok))
		n = parse_type(p);
	else
		n->b = parse_expr(p);
	p->predicate = predicate;
	parse_expect(p, TOK_RPAREN, NULL);
	return p->failed ? NULL : n;
}

/* type { "," type } ")" */
static void parse_parts(struct parser *p, struct node *n)
{
	struct node **tail = &n->a;

	do {
		*tail = parse_type(p);
		if (!*tail)
			return;
		tail = &(*tail)->next;
	} while (accept(p, TOK_COMMA) && !is(p, TOK_RPAREN));
	parse_expect(p, TOK_RPAREN, "(int32, string)");
}

/* type = ( "typeof" "(" ... ")" | "(" type { "," type } ")" | word { word } ) suffix */
struct node *parse_type(struct parser *p)
{
	struct node *n = parse_node(p, NODE_TYPE, p->tok.at);

	if (!parse_deeper(p, NULL))
		return NULL;
	if (is_word(p, "typeof"))
		n = parse_typeof(p, n);
	else if (accept(p, TOK_LPAREN))
		parse_parts(p, n);
	else if (!is(p, TOK_NAME))
		parse_fail(p, p->tok.at, "uint64, string, struct task_struct *",
			   "a type expected, not %s", token_text(p->tok.kind));
	while (n && !n->a && !n->b && is(p, TOK_NAME))
		add_word(p, n);
	if (n)
		parse_suffix(p, n);
	p->depth--;
	return p->failed ? NULL : n;
}

struct node *parse_cast(struct parser *p, struct loc at)
{
	struct node *n = parse_node(p, NODE_CAST, at);

	if (!parse_deeper(p, IN_PARTS))
		return NULL;
	n->b = parse_type(p);
	parse_expect(p, TOK_RPAREN, NULL);
	n->a = p->failed ? NULL : parse_unary(p);
	p->depth--;
	return n->a ? n : NULL;
}

/* A type or an expression. */
static bool parse_subject(struct parser *p, struct node *n)
{
	bool predicate = p->predicate;

	p->predicate = false;
	if (ctype_begins(p->script, &p->tok))
		n->b = parse_type(p);
	else
		n->a = parse_expr(p);
	p->predicate = predicate;
	return n->a || n->b;
}

static struct node *parse_sizeof(struct parser *p, struct node *name)
{
	struct node *n = parse_node(p, NODE_SIZEOF, name->at);

	if (!parse_subject(p, n))
		return NULL;
	parse_expect(p, TOK_RPAREN, NULL);
	return n;
}

/* "," name { "." name } ")" */
static bool parse_path(struct parser *p, struct node *n)
{
	parse_expect(p, TOK_COMMA, "offsetof(struct foo, bar)");
	do {
		if (!is(p, TOK_NAME))
			return parse_fail(p, p->tok.at, "offsetof(struct foo, bar)",
					  "the name of a member expected, not %s",
					  token_text(p->tok.kind));
		n->text = arena_printf(p->script->arena, "%s%s%s", n->text, *n->text ? "." : "",
				       p->tok.text);
		parse_advance(p);
	} while (accept(p, TOK_DOT));
	parse_expect(p, TOK_RPAREN, NULL);
	return !p->failed;
}

static struct node *parse_offsetof(struct parser *p, struct node *name)
{
	struct node *n = parse_node(p, NODE_OFFSETOF, name->at);

	return parse_subject(p, n) && parse_path(p, n) ? n : NULL;
}

static struct node *cast_to(struct parser *p, struct node *type, struct node *value)
{
	struct node *n = parse_node(p, NODE_CAST, value->at);

	n->b = type;
	n->a = value;
	return n;
}

/* container_of(p, type, a.b) is (type *)((uint64)p - offsetof(type, a.b)) */
static struct node *parse_container(struct parser *p, struct node *name)
{
	struct node *off = parse_node(p, NODE_OFFSETOF, name->at), *to, *number, *minus;
	struct node *pointer = parse_expr(p);

	parse_expect(p, TOK_COMMA, "container_of($p, struct foo, bar)");
	off->b = p->failed ? NULL : parse_type(p);
	if (!off->b || !parse_path(p, off))
		return NULL;
	to = parse_node(p, NODE_TYPE, name->at);
	*to = *off->b;
	to->text = arena_printf(p->script->arena, "%s *", off->b->text);
	number = parse_node(p, NODE_TYPE, name->at);
	number->text = "uint64";
	minus = parse_node(p, NODE_BINARY, name->at);
	minus->op = TOK_SUB;
	minus->a = cast_to(p, number, pointer);
	minus->b = off;
	return cast_to(p, to, minus);
}

struct node *parse_type_word(struct parser *p, struct node *name, u8 kind)
{
	switch (kind) {
	case NODE_SIZEOF: return parse_sizeof(p, name);
	case NODE_OFFSETOF: return parse_offsetof(p, name);
	default: return parse_container(p, name);
	}
}
