/*
 * parse.c: tokens to a syntax tree.
 *
 * A recursive descent that reads like the grammar above each function. The first error ends it:
 * what follows a syntax error is guesswork.
 */
#include "script/ctype.h"
#include "script/script.h"

#include <errno.h>
#include <stdio.h>

#define DEPTH_MOST 200 /* nesting, so that no script overflows our stack */

struct parser {
	struct script *script;
	struct lexer lex;
	struct token tok; /* the current one; the lexer stands right behind it */
	bool predicate;	  /* a `/` before a `{` ends the expression */
	bool failed;
	u32 depth;
};

static struct node *parse_expr(struct parser *);
static struct node *parse_unary(struct parser *);
static struct node *parse_list(struct parser *, enum token_kind end);
static struct node *parse_statement(struct parser *);

static void advance(struct parser *p)
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

static void *fail(struct parser *p, struct loc at, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
static void *fail(struct parser *p, struct loc at, const char *hint, const char *fmt, ...)
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

static bool is(const struct parser *p, enum token_kind kind)
{
	return p->tok.kind == kind;
}

static bool is_word(const struct parser *p, const char *word)
{
	return is(p, TOK_NAME) && !strcmp(p->tok.text, word);
}

static bool accept(struct parser *p, enum token_kind kind)
{
	if (!is(p, kind))
		return false;
	advance(p);
	return true;
}

static void expect(struct parser *p, enum token_kind kind, const char *hint)
{
	const char *found = token_text(p->tok.kind);

	if (accept(p, kind) || p->failed)
		return;
	if (p->tok.kind == TOK_NAME)
		fail(p, p->tok.at, hint, "%s expected, not '%s'", token_text(kind), p->tok.text);
	else
		fail(p, p->tok.at, hint, "%s expected, not %s", token_text(kind), found);
}

static struct node *node_new(struct parser *p, enum node_kind kind, struct loc at)
{
	struct node *n = arena_new(p->script->arena, struct node);

	n->kind = kind;
	n->at = at;
	n->text = "";
	return n;
}

/* A node of the current token, which is consumed. */
static struct node *leaf(struct parser *p, enum node_kind kind)
{
	struct node *n = node_new(p, kind, p->tok.at);

	n->text = p->tok.text;
	n->len = p->tok.len;
	n->value = p->tok.value;
	n->type.is_signed = !p->tok.is_unsigned;
	advance(p);
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
			named = node_new(p, NODE_NAMED, n->at);
			named->text = n->text;
			advance(p);
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
	expect(p, end, NULL);
	return first;
}

/* A type in parentheses, as text; the current token is its first word. */
static struct node *parse_type(struct parser *p, enum node_kind kind, struct loc at)
{
	struct node *n = node_new(p, kind, at);
	const char *text = "";

	while (!is(p, TOK_RPAREN) && !is(p, TOK_END)) {
		text = arena_printf(p->script->arena, "%s%s%s", text, *text ? " " : "",
				    is(p, TOK_INT) ? arena_printf(p->script->arena, "%llu",
								  (unsigned long long)p->tok.value) :
						     p->tok.text);
		advance(p);
	}
	n->text = text;
	expect(p, TOK_RPAREN, NULL);
	return n;
}

/* "(" type ")" unary | "(" expr ")" | "(" expr "," list ")", a tuple */
static struct node *parse_parens(struct parser *p)
{
	bool predicate = p->predicate;
	struct loc at = p->tok.at;
	struct node *n;

	advance(p);
	if (ctype_begins(p->script, &p->tok)) {
		n = parse_type(p, NODE_CAST, at);
		n->a = p->failed ? NULL : parse_unary(p);
		return n->a ? n : NULL;
	}
	p->predicate = false;
	n = parse_expr(p);
	if (n && is(p, TOK_COMMA)) {
		struct node *tuple = node_new(p, NODE_TUPLE, at);

		advance(p);
		tuple->a = n;
		n->next = parse_list(p, TOK_RPAREN);
		p->predicate = predicate;
		return tuple;
	}
	p->predicate = predicate;
	expect(p, TOK_RPAREN, NULL);
	return n;
}

/* sizeof "(" ( type | expr ) ")" */
static struct node *parse_sizeof(struct parser *p, struct node *name)
{
	bool predicate = p->predicate;
	struct node *n;

	if (ctype_begins(p->script, &p->tok))
		return parse_type(p, NODE_SIZEOF, name->at);
	n = node_new(p, NODE_SIZEOF, name->at);
	p->predicate = false;
	n->a = parse_expr(p);
	p->predicate = predicate;
	expect(p, TOK_RPAREN, NULL);
	return n->a ? n : NULL;
}

/* primary = INT | STRING | $1 | $var | @map [ "[" list "]" ] | name [ "(" list ")" ] | "(" expr ")" */
static struct node *parse_primary(struct parser *p)
{
	struct node *n;

	switch (p->tok.kind) {
	case TOK_INT: return leaf(p, NODE_INT);
	case TOK_STR: return leaf(p, NODE_STR);
	case TOK_PARAM: return leaf(p, NODE_PARAM);
	case TOK_VAR: return leaf(p, NODE_VAR);
	case TOK_MAP:
		n = leaf(p, NODE_MAP);
		if (accept(p, TOK_LBRACKET)) {
			n->a = parse_list(p, TOK_RBRACKET);
			if (!n->a)
				fail(p, n->at, "write @m[pid], or @m without a key",
				     "the key of @%s is empty", n->text);
		}
		return n;
	case TOK_NAME:
		n = leaf(p, NODE_NAME);
		if (accept(p, TOK_LPAREN)) {
			if (!strcmp(n->text, "sizeof"))
				return parse_sizeof(p, n);
			n->kind = NODE_CALL;
			n->a = parse_list(p, TOK_RPAREN);
		}
		return n;
	case TOK_LPAREN: return parse_parens(p);
	default:
		return fail(p, p->tok.at, NULL, "a value expected, not %s", token_text(p->tok.kind));
	}
}

/* postfix = primary { "." name | "->" name | "[" expr "]" | "++" | "--" } */
static struct node *parse_postfix(struct parser *p)
{
	struct node *n = parse_primary(p), *outer;

	while (n && !p->failed) {
		struct token t = p->tok;

		if (is(p, TOK_DOT) || is(p, TOK_ARROW)) {
			advance(p);
			outer = node_new(p, NODE_FIELD, p->tok.at);
			outer->text = p->tok.text;
			if (is(p, TOK_INT)) { /* of a tuple */
				outer->text = arena_printf(p->script->arena, "%llu",
							   (unsigned long long)p->tok.value);
				advance(p);
			} else {
				expect(p, TOK_NAME, "a field's name follows");
			}
		} else if (is(p, TOK_LBRACKET)) {
			bool predicate = p->predicate;

			advance(p);
			outer = node_new(p, NODE_INDEX, n->at);
			p->predicate = false;
			outer->b = parse_expr(p);
			p->predicate = predicate;
			expect(p, TOK_RBRACKET, NULL);
			if (!outer->b)
				return NULL;
		} else if (is(p, TOK_INC) || is(p, TOK_DEC)) {
			advance(p);
			outer = node_new(p, NODE_INC, n->at);
			outer->op = t.kind;
		} else {
			break;
		}
		outer->a = n;
		n = outer;
	}
	return n;
}

/* unary = ( "!" | "~" | "-" | "+" | "*" ) unary | ( "++" | "--" ) unary | postfix */
static struct node *parse_unary(struct parser *p)
{
	struct token t = p->tok;
	struct node *n;

	if (!is(p, TOK_NOT) && !is(p, TOK_TILDE) && !is(p, TOK_SUB) && !is(p, TOK_ADD) &&
	    !is(p, TOK_INC) && !is(p, TOK_DEC) && !is(p, TOK_MUL))
		return parse_postfix(p);
	if (++p->depth > DEPTH_MOST)
		return fail(p, t.at, "use variables for its parts", "this is nested too deeply");
	advance(p);
	n = node_new(p, t.kind == TOK_INC || t.kind == TOK_DEC ? NODE_INC : NODE_UNARY, t.at);
	n->op = t.kind;
	n->prefix = true;
	n->a = parse_unary(p);
	p->depth--;
	return n->a ? n : NULL;
}

/* How tightly binary operators bind, as in C; 0: not a binary operator. */
static u32 precedence(enum token_kind op)
{
	switch (op) {
	case TOK_OROR: return 1;
	case TOK_ANDAND: return 2;
	case TOK_OR: return 3;
	case TOK_XOR: return 4;
	case TOK_AND: return 5;
	case TOK_EQ:
	case TOK_NE: return 6;
	case TOK_LT:
	case TOK_GT:
	case TOK_LE:
	case TOK_GE: return 7;
	case TOK_SHL:
	case TOK_SHR: return 8;
	case TOK_ADD:
	case TOK_SUB: return 9;
	case TOK_MUL:
	case TOK_DIV:
	case TOK_MOD: return 10;
	default: return 0;
	}
}

/* binary = unary { op binary of higher precedence } */
static struct node *parse_binary(struct parser *p, u32 least)
{
	struct node *n = parse_unary(p), *outer;
	u32 level;

	while (n && (level = precedence(p->tok.kind)) >= least && level) {
		if (is(p, TOK_DIV) && p->predicate && lex_before_brace(&p->lex))
			break;
		outer = node_new(p, NODE_BINARY, p->tok.at);
		outer->op = p->tok.kind;
		outer->a = n;
		advance(p);
		outer->b = parse_binary(p, level + 1);
		if (!outer->b)
			return NULL;
		n = outer;
	}
	return n;
}

/* expr = binary [ "?" expr ":" expr ] */
static struct node *parse_expr(struct parser *p)
{
	struct node *n, *outer;

	if (++p->depth > DEPTH_MOST)
		return fail(p, p->tok.at, "use variables for its parts", "this is nested too deeply");
	n = parse_binary(p, 1);
	if (n && is(p, TOK_QUESTION)) {
		outer = node_new(p, NODE_COND, p->tok.at);
		advance(p);
		outer->a = n;
		outer->b = parse_expr(p);
		expect(p, TOK_COLON, "a condition is written a ? b : c");
		outer->c = p->failed ? NULL : parse_expr(p);
		n = outer->b && outer->c ? outer : NULL;
	}
	p->depth--;
	return n;
}

/* block = "{" { statement } "}" */
static struct node *parse_block(struct parser *p)
{
	struct node *block = node_new(p, NODE_BLOCK, p->tok.at), **tail = &block->a;

	if (++p->depth > DEPTH_MOST)
		return fail(p, p->tok.at, NULL, "this is nested too deeply");
	expect(p, TOK_LBRACE, "the statements stand in { }");
	while (!is(p, TOK_RBRACE) && !is(p, TOK_END)) {
		if (accept(p, TOK_SEMI))
			continue;
		*tail = parse_statement(p);
		if (!*tail)
			break;
		tail = &(*tail)->next;
	}
	p->depth--;
	if (!is(p, TOK_RBRACE))
		fail(p, p->tok.at, "close the block with }", "'}' expected, not %s",
		     token_text(p->tok.kind));
	return block; /* on the brace: who called knows what may follow */
}

static struct node *parse_inner_block(struct parser *p)
{
	struct node *block = parse_block(p);

	if (!p->failed)
		advance(p);
	return block;
}

/* if = "if" expr block [ "else" ( if | block ) ] */
static struct node *parse_if(struct parser *p)
{
	struct node *n = node_new(p, NODE_IF, p->tok.at);

	if (++p->depth > DEPTH_MOST)
		return fail(p, p->tok.at, NULL, "this is nested too deeply");
	advance(p);
	n->a = parse_expr(p);
	n->b = p->failed ? NULL : parse_inner_block(p);
	if (!p->failed && is_word(p, "else")) {
		advance(p);
		n->c = is_word(p, "if") ? parse_if(p) : parse_inner_block(p);
	}
	p->depth--;
	return n;
}

/* while = "while" expr block; unroll = "unroll" "(" expr ")" block */
static struct node *parse_loop(struct parser *p, enum node_kind kind)
{
	struct node *n = node_new(p, kind, p->tok.at);

	advance(p);
	n->a = parse_expr(p);
	n->b = p->failed ? NULL : parse_inner_block(p);
	return n;
}

/* simple = expr [ assign-op expr ] */
static struct node *parse_simple(struct parser *p)
{
	struct node *n = parse_expr(p), *outer;

	if (!n)
		return NULL;
	if (is(p, TOK_SET) || (p->tok.kind >= TOK_ADD_SET && p->tok.kind <= TOK_XOR_SET) ||
	    is(p, TOK_SHL_SET) || is(p, TOK_SHR_SET)) {
		if (n->kind != NODE_VAR && n->kind != NODE_MAP)
			return fail(p, p->tok.at, "only $variables and @maps can be assigned",
				    "the left side of %s is not a variable or map", p->tok.text);
		outer = node_new(p, NODE_ASSIGN, p->tok.at);
		outer->op = p->tok.kind;
		advance(p);
		outer->a = n;
		outer->b = parse_expr(p);
		n = outer;
	}
	return n;
}

/* A choice that stands alone chooses between statements: c ? print(a) : print(b); */
static struct node *as_statement(struct node *n)
{
	if (n && n->kind == NODE_COND) {
		n->kind = NODE_IF;
		n->b = as_statement(n->b);
		n->c = as_statement(n->c);
	}
	return n;
}

/* statement = if | while | unroll | "break" | "continue" | "return" | block | simple; then ";" or "}" */
static struct node *parse_statement(struct parser *p)
{
	static const struct {
		const char *word;
		u8 kind;
	} words[] = {{"break", NODE_BREAK}, {"continue", NODE_CONTINUE}, {"return", NODE_RETURN}};
	struct node *n = NULL;

	if (is_word(p, "if"))
		return parse_if(p);
	if (is_word(p, "while"))
		return parse_loop(p, NODE_WHILE);
	if (is_word(p, "unroll"))
		return parse_loop(p, NODE_UNROLL);
	if (is(p, TOK_LBRACE))
		return parse_inner_block(p);
	for (u32 i = 0; i < ARRAY_SIZE(words) && !n; i++)
		if (is_word(p, words[i].word))
			n = leaf(p, words[i].kind);
	if (is_word(p, "let") || is_word(p, "for"))
		return fail(p, p->tok.at, "$x = 1; makes a variable, while (...) { } a loop",
			    "'%s' is not there yet", p->tok.text);
	if (!n)
		n = as_statement(parse_simple(p));
	if (!p->failed && !is(p, TOK_RBRACE) && !accept(p, TOK_SEMI))
		fail(p, p->tok.at, "statements end with ;", "';' expected, not %s",
		     token_text(p->tok.kind));
	return p->failed ? NULL : n;
}

/* specs = spec { "," spec } */
static struct probe_spec *parse_specs(struct parser *p)
{
	struct probe_spec *first = NULL, **tail = &first;

	do {
		struct token t = lex_probe(&p->lex);

		if (t.kind != TOK_NAME) {
			p->failed = t.kind == TOK_BAD && p->script->diag->errors;
			return fail(p, t.at, "begin, interval:s:1, tracepoint:syscalls:sys_enter_openat",
				    "a probe expected");
		}
		*tail = arena_new(p->script->arena, struct probe_spec);
		(*tail)->text = t.text;
		(*tail)->at = t.at;
		tail = &(*tail)->next;
		advance(p);
	} while (is(p, TOK_COMMA));
	return first;
}

/* probe = specs [ "/" expr "/" ] block */
static struct probe *parse_probe(struct parser *p)
{
	struct probe *probe = arena_new(p->script->arena, struct probe);

	probe->specs = parse_specs(p);
	if (p->failed)
		return NULL;
	probe->at = probe->specs->at;
	if (accept(p, TOK_DIV)) {
		p->predicate = true;
		probe->predicate = parse_expr(p);
		p->predicate = false;
		expect(p, TOK_DIV, "a predicate stands between slashes: /pid == 1/");
	}
	if (!p->failed)
		probe->body = parse_block(p);
	return p->failed ? NULL : probe;
}

/* #include: types come from BTF, so no file is read. #define NAME number: a constant. */
static int directive(struct script *s, const struct token *t)
{
	char name[64], word[16];
	long long value;

	if (sscanf(t->text, "# %15s", word) != 1 && sscanf(t->text, "#%15s", word) != 1)
		return 0;
	if (!strcmp(word, "include") || !strcmp(word, "pragma"))
		return 0;
	if (!strcmp(word, "define") &&
	    sscanf(t->text + strcspn(t->text, "d") + 6, " %63[A-Za-z0-9_] %lli", name, &value) == 2) {
		ctype_define(s, arena_strdup(s->arena, name), value);
		return 0;
	}
	return diag_error(s->diag, t->at, "#include and #define NAME number are known",
			  "this line of the preprocessor is not understood");
}

/* What may stand between probes; 1: something did, 0: nothing, or -EINVAL. */
static int parse_declaration(struct parser *p, struct lexer *ahead)
{
	struct token t;
	int err;

	if (lex_directive(&p->lex, &t)) {
		err = directive(p->script, &t);
		return err ? err : 1;
	}
	t = lex_next(ahead);
	if (t.kind == TOK_NAME && (!strcmp(t.text, "config") || !strcmp(t.text, "macro") ||
				   !strcmp(t.text, "import") || !strcmp(t.text, "let")))
		return diag_error(p->script->diag, t.at, NULL, "'%s' is not there yet", t.text);
	if (t.kind == TOK_NAME && (!strcmp(t.text, "struct") || !strcmp(t.text, "union") ||
				   !strcmp(t.text, "enum"))) {
		err = ctype_declare(p->script, &p->lex);
		return err ? err : 1;
	}
	return 0;
}

int script_parse(struct script *s, const char *src, size_t len)
{
	struct parser p = {.script = s};
	struct probe **tail = &s->probes;
	struct diag quiet = {0};
	struct lexer ahead;
	int declared;

	if (!s->limits.str_most)
		s->limits.str_most = STR_MOST_DEFAULT;
	if (!s->limits.map_entries)
		s->limits.map_entries = MAP_ENTRIES_DEFAULT;
	lex_init(&p.lex, s->arena, s->diag, src, len);
	for (;;) {
		ahead = p.lex;
		ahead.diag = &quiet; /* a probe is no token: only the end is looked for */
		if (lex_next(&ahead).kind == TOK_END)
			break;
		ahead = p.lex;
		ahead.diag = &quiet;
		declared = parse_declaration(&p, &ahead);
		if (declared < 0)
			return declared;
		if (declared)
			continue;
		*tail = parse_probe(&p);
		if (!*tail)
			return -EINVAL;
		tail = &(*tail)->next;
	}
	if (!s->probes)
		return diag_error(s->diag, (struct loc){1, 1, 0},
				  "try: begin { printf(\"hello\\n\"); }", "the script has no probe");
	return 0;
}
