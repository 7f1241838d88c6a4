/*
 * parse.c: tokens to a syntax tree.
 *
 * A recursive descent that reads like the grammar above each function. The first error ends it:
 * what follows a syntax error is guesswork.
 */
#include "script/parse_inner.h"

#include <errno.h>

static struct node *parse_statement(struct parser *);

static bool is_word(const struct parser *p, const char *word)
{
	return is(p, TOK_NAME) && !strcmp(p->tok.text, word);
}

/* block = "{" { statement } "}" */
static struct node *parse_block(struct parser *p)
{
	struct node *block = parse_node(p, NODE_BLOCK, p->tok.at), **tail = &block->a;

	if (++p->depth > DEPTH_MOST)
		return parse_fail(p, p->tok.at, NULL, "this is nested too deeply");
	parse_expect(p, TOK_LBRACE, "the statements stand in { }");
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
		parse_fail(p, p->tok.at, "close the block with }", "'}' expected, not %s",
			   token_text(p->tok.kind));
	return block; /* on the brace: who called knows what may follow */
}

static struct node *parse_inner_block(struct parser *p)
{
	struct node *block = parse_block(p);

	if (!p->failed)
		parse_advance(p);
	return block;
}

/* if = "if" expr block [ "else" ( if | block ) ] */
static struct node *parse_if(struct parser *p, enum node_kind kind)
{
	struct node *n = parse_node(p, kind, p->tok.at);

	if (++p->depth > DEPTH_MOST)
		return parse_fail(p, p->tok.at, NULL, "this is nested too deeply");
	parse_advance(p);
	n->a = parse_expr(p);
	n->b = p->failed ? NULL : parse_inner_block(p);
	if (!p->failed && is_word(p, "else")) {
		parse_advance(p);
		n->c = is_word(p, "if") ? parse_if(p, kind) : parse_inner_block(p);
	}
	p->depth--;
	return n;
}

/* while = "while" expr block; unroll = "unroll" "(" expr ")" block */
static struct node *parse_loop(struct parser *p, enum node_kind kind)
{
	struct node *n = parse_node(p, kind, p->tok.at);

	parse_advance(p);
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
	if (parse_assigns(p->tok.kind)) {
		if (n->kind != NODE_VAR && n->kind != NODE_MAP)
			return parse_fail(p, p->tok.at, "only $variables and @maps can be assigned",
					  "the left side of %s is not a variable or map",
					  p->tok.text);
		outer = parse_node(p, NODE_ASSIGN, p->tok.at);
		outer->op = p->tok.kind;
		parse_advance(p);
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

/* word ";" */
static struct node *parse_word(struct parser *p, enum node_kind kind)
{
	return parse_leaf(p, kind);
}

static const struct statement {
	const char *word;
	struct node *(*parse)(struct parser *, enum node_kind);
	enum node_kind kind;
} statements[] = {
#define STATEMENT(word, parse, KIND, usage, doc) {#word, parse, NODE_##KIND},
#define FORM(name, usage, doc)
#include "script/statements.def"
#undef STATEMENT
#undef FORM
};

/* statement = if | while | unroll | "break" | "continue" | "return" | block | simple; then, if it
 * has no block, ";" or "}" */
static struct node *parse_statement(struct parser *p)
{
	struct node *n = NULL;

	if (is(p, TOK_LBRACE))
		return parse_inner_block(p);
	for (u32 i = 0; i < ARRAY_SIZE(statements) && !n && !p->failed; i++)
		if (is_word(p, statements[i].word))
			n = statements[i].parse(p, statements[i].kind);
	if (n && n->b)
		return n;
	if (is_word(p, "let") || is_word(p, "for"))
		return parse_fail(p, p->tok.at, "$x = 1; makes a variable, while (...) { } a loop",
				  "'%s' is not there yet", p->tok.text);
	if (!n)
		n = as_statement(parse_simple(p));
	if (!p->failed && !is(p, TOK_RBRACE) && !accept(p, TOK_SEMI))
		parse_fail(p, p->tok.at, "statements end with ;", "';' expected, not %s",
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
			return parse_fail(
				p, t.at,
				"begin, interval:s:1, tracepoint:syscalls:sys_enter_openat",
				"a probe expected");
		}
		*tail = arena_new(p->script->arena, struct probe_spec);
		(*tail)->text = t.text;
		(*tail)->at = t.at;
		tail = &(*tail)->next;
		parse_advance(p);
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
		parse_expect(p, TOK_DIV, "a predicate stands between slashes: /pid == 1/");
	}
	if (!p->failed)
		probe->body = parse_block(p);
	return p->failed ? NULL : probe;
}

/* What may stand between probes; 1: something did, 0: nothing, or -EINVAL. */
static int parse_declaration(struct parser *p, struct lexer *ahead)
{
	struct token t;
	int err;

	t = lex_next(ahead);
	if (script_file(p->script, t.at.file)->header) {
		ctype_header(p->script, &p->lex);
		return 1;
	}
	if (t.kind == TOK_NAME && !strcmp(t.text, "config") && lex_next(ahead).kind == TOK_SET) {
		if (p->script->probes)
			return diag_error(p->script->diag, t.at, NULL,
					  "config = { } stands in front of all probes");
		return parse_config(p) ? -EINVAL : 1;
	}
	if (t.kind == TOK_SEMI) { /* behind config = { } */
		p->lex = *ahead;
		p->lex.diag = p->script->diag;
		return 1;
	}
	if (t.kind == TOK_NAME &&
	    (!strcmp(t.text, "macro") || !strcmp(t.text, "import") || !strcmp(t.text, "let")))
		return diag_error(p->script->diag, t.at, NULL, "'%s' is not there yet", t.text);
	if (t.kind == TOK_NAME &&
	    (!strcmp(t.text, "struct") || !strcmp(t.text, "union") || !strcmp(t.text, "enum") ||
	     !strcmp(t.text, "typedef"))) {
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
	struct source_text text;
	struct lexer ahead;
	int declared;

	if (!s->limits.str_most)
		s->limits.str_most = STR_MOST_DEFAULT;
	if (!s->limits.map_entries)
		s->limits.map_entries = MAP_ENTRIES_DEFAULT;
	if (!(s->limits.said & 1u << MAX_CAT_BYTES))
		s->limits.cat_most = CAT_MOST_DEFAULT;
	if (!s->limits.progs_most)
		s->limits.progs_most = PROGS_MOST_DEFAULT;
	s->self = (struct diag_file){s->diag->file, src, len, false};
	if (script_preprocess(s, src, len, 0, &text))
		return -EINVAL;
	lex_init(&p.lex, s->arena, s->diag, text.text, text.size, &text.map);
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
		return diag_error(s->diag, (struct loc){1, 1, 0, 0},
				  "try: begin { printf(\"hello\\n\"); }",
				  "the script has no probe");
	if (s->silent)
		*tail = config_last_probe(&p);
	return 0;
}
