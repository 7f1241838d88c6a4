/*
 * parse.c: tokens to a syntax tree.
 *
 * A recursive descent that reads like the grammar above each function. The first error ends it:
 * what follows a syntax error is guesswork.
 */
#include "script/parse_inner.h"

#include <errno.h>
#include <stdlib.h>

static struct node *parse_statement(struct parser *, bool *valued);

bool parse_is_word(const struct parser *p, const char *word)
{
	return is(p, TOK_NAME) && str_same(p->tok.text, word);
}

/* block = "{" { statement } "}" */
struct node *parse_block(struct parser *p)
{
	struct node *block = parse_node(p, NODE_BLOCK, p->tok.at), **tail = &block->a;

	if (!parse_deeper(p, NULL))
		return NULL;
	parse_expect(p, TOK_LBRACE, "the statements stand in { }");
	while (!is(p, TOK_RBRACE) && !is(p, TOK_END)) {
		if (accept(p, TOK_SEMI)) {
			block->valued = false;
			continue;
		}
		*tail = parse_statement(p, &block->valued);
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

struct node *parse_inner_block(struct parser *p)
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

	if (!parse_deeper(p, NULL))
		return NULL;
	parse_advance(p);
	n->a = parse_expr(p);
	n->b = p->failed ? NULL : parse_inner_block(p);
	if (!p->failed && parse_is_word(p, "else")) {
		parse_advance(p);
		n->c = parse_is_word(p, "if") ? parse_if(p, kind) : parse_inner_block(p);
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

/* "let" $var [ ":" type ] [ "=" expr ] */
static struct node *parse_let(struct parser *p, enum node_kind kind)
{
	struct node *n = parse_node(p, kind, p->tok.at);

	parse_advance(p);
	if (!is(p, TOK_VAR))
		return parse_fail(p, p->tok.at, "let $x = 1; maps are declared in front of the probes",
				  "a variable expected, not %s", token_text(p->tok.kind));
	n->a = parse_leaf(p, NODE_VAR);
	if (accept(p, TOK_COLON))
		n->c = parse_type(p);
	if (accept(p, TOK_SET))
		n->b = parse_expr(p);
	return p->failed ? NULL : n;
}

/* unary [ ".." unary ] */
static struct node *parse_iterated(struct parser *p)
{
	struct node *from = parse_expr(p), *n;

	if (!from || !is(p, TOK_RANGE)) {
		if (from && from->kind != NODE_MAP)
			parse_fail(p, from->at, "for ($kv : @map) { } or for ($i : 0..10) { }",
				   "for goes through a map or a range");
		return from;
	}
	n = parse_node(p, NODE_RANGE, p->tok.at);
	parse_advance(p);
	n->a = from;
	n->b = parse_expr(p);
	return n->b ? n : NULL;
}

/* for = "for" [ "(" ] $var ":" iterated [ ")" ] block */
static struct node *parse_for(struct parser *p, enum node_kind kind)
{
	struct node *n = parse_node(p, kind, p->tok.at);
	bool parens;

	parse_advance(p);
	parens = accept(p, TOK_LPAREN);
	if (!is(p, TOK_VAR))
		return parse_fail(p, p->tok.at, "for ($i : 0..10) { }", "a variable expected, not %s",
				  token_text(p->tok.kind));
	n->c = parse_leaf(p, NODE_VAR);
	parse_expect(p, TOK_COLON, "for ($i : 0..10) { }");
	n->a = p->failed ? NULL : parse_iterated(p);
	if (parens && !p->failed)
		parse_expect(p, TOK_RPAREN, "for ($i : 0..10) { }");
	n->b = p->failed ? NULL : parse_inner_block(p);
	return p->failed ? NULL : n;
}

/* `_ = expr` throws the value away */
static bool discards(struct parser *p)
{
	struct lexer ahead = p->lex;

	if (!parse_is_word(p, "_") || lex_next(&ahead).kind != TOK_SET)
		return false;
	parse_advance(p);
	parse_advance(p);
	return true;
}

/* simple = expr [ assign-op expr ] */
static struct node *parse_simple(struct parser *p)
{
	bool thrown = discards(p);
	struct node *n = parse_expr(p), *outer;

	if (!n)
		return NULL;
	n->thrown = thrown;
	if (parse_assigns(p->tok.kind) && !thrown) {
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

/* word ";" */
static struct node *parse_word(struct parser *p, enum node_kind kind)
{
	return parse_leaf(p, kind);
}

/* "return" [ expr ] */
static struct node *parse_return(struct parser *p, enum node_kind kind)
{
	struct node *n = parse_leaf(p, kind);

	if (!is(p, TOK_SEMI) && !is(p, TOK_RBRACE) && !p->failed)
		n->a = parse_expr(p);
	return n;
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

/* statement = if | while | for | unroll | let | "break" | "continue" | return | block | simple;
 * then, if it has no block, ";" or "}". valued: it is an expression without ";" */
static struct node *parse_statement(struct parser *p, bool *valued)
{
	struct node *n = NULL;
	bool block = false;

	*valued = false;
	if (is(p, TOK_LBRACE)) {
		n = parse_inner_block(p);
		*valued = n && n->valued && is(p, TOK_RBRACE);
		return n;
	}
	for (u32 i = 0; i < ARRAY_SIZE(statements) && !n && !p->failed; i++)
		if (parse_is_word(p, statements[i].word)) {
			n = statements[i].parse(p, statements[i].kind);
			block = n && n->b && n->kind != NODE_LET;
		}
	if (block)
		return p->failed ? NULL : n;
	if (!n && !p->failed) {
		n = parse_simple(p);
		*valued = n && n->kind != NODE_ASSIGN && is(p, TOK_RBRACE);
	}
	if (!p->failed && !is(p, TOK_RBRACE) && !accept(p, TOK_SEMI))
		parse_fail(p, p->tok.at, "statements end with ;", "';' expected, not %s",
			   token_text(p->tok.kind));
	return p->failed ? NULL : n;
}

/* "name =" in front of a probe: no more than a name. */
static void skip_name(struct parser *p)
{
	struct diag quiet = {0};
	struct lexer ahead = p->lex;
	u32 name, set;

	ahead.diag = &quiet;
	name = lex_next(&ahead).kind;
	set = lex_next(&ahead).kind;
	if (name != TOK_NAME || set != TOK_SET)
		return;
	p->lex = ahead;
	p->lex.diag = p->script->diag;
}

/* How long the name is in $hertz=99; 0: it is none. */
static size_t param_name(const char *dollar)
{
	size_t n = strspn(dollar + 1, "abcdefghijklmnopqrstuvwxyz-_");

	return dollar[1 + n] == '=' ? n : 0;
}

/* $hertz=99: the parameter --hertz, or 99. */
static const char *with_named(struct script *s, const char *text, const char *dollar, struct loc at)
{
	size_t n = param_name(dollar);
	const char *name = arena_strndup(s->arena, dollar + 1, n), *end = dollar + 2 + n;

	if (!n)
		return text;
	n = strcspn(end, ":,");
	return arena_join(s->arena, arena_strndup(s->arena, text, (size_t)(dollar - text)),
			  script_named(s, name, arena_strndup(s->arena, end, n), at),
			  script_with_params(s, end + n, at));
}

const char *script_with_params(struct script *s, const char *text, struct loc at)
{
	const char *dollar = strchr(text, '$'), *value;
	char *end;
	long n;

	if (!dollar)
		return text;
	if (dollar[1] < '1' || dollar[1] > '9')
		return with_named(s, text, dollar, at);
	n = strtol(dollar + 1, &end, 10);
	value = n <= s->argc ? s->argv[n - 1] : "";
	return arena_join(s->arena, arena_strndup(s->arena, text, (size_t)(dollar - text)), value,
			  script_with_params(s, end, at));
}

/* Does a probe begin there: "uprobe:..."? A comma may also stand in a path, or in a name of C++. */
static bool probe_begins(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz_");

	return n && text[n] == ':' && text[n + 1] != ':';
}

/* One probe, or those of a parameter that is a list: "uprobe:c:read,uprobe:c:write". */
static struct probe_spec **add_specs(struct parser *p, const struct token *t, struct probe_spec **tail)
{
	const char *text = script_with_params(p->script, t->text, t->at), *end, *dollar = strchr(t->text, '$');
	size_t n = dollar ? param_name(dollar) : 0;
	bool list = t->text[0] == '$' && !t->text[1 + strspn(t->text + 1, "0123456789")];

	do {
		end = text + strcspn(text, list ? "," : "");
		while (*end && !probe_begins(end + 1))
			end += 1 + strcspn(end + 1, ",");
		*tail = arena_new(p->script->arena, struct probe_spec);
		(*tail)->text =
			*end ? arena_strndup(p->script->arena, text, (size_t)(end - text)) : text;
		(*tail)->param = n ? arena_strndup(p->script->arena, dollar + 1, n) : NULL;
		(*tail)->at = t->at;
		tail = &(*tail)->next;
		text = end + 1;
	} while (*end);
	return tail;
}

/* specs = spec { "," spec } */
static struct probe_spec *parse_specs(struct parser *p)
{
	struct probe_spec *first = NULL, **tail = &first;

	do {
		struct token t;

		skip_name(p);
		t = lex_probe(&p->lex);

		if (t.kind != TOK_NAME) {
			p->failed = t.kind == TOK_BAD && p->script->diag->errors;
			return parse_fail(
				p, t.at,
				"begin, interval:s:1, tracepoint:syscalls:sys_enter_openat",
				"a probe expected");
		}
		tail = add_specs(p, &t, tail);
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
	parse_bound(p, probe->predicate);
	parse_bound(p, probe->body);
	return p->failed ? NULL : probe;
}

/* What may stand between probes; 1: something did, 0: nothing, or -EINVAL. */
static int parse_declaration(struct parser *p, struct lexer *ahead)
{
	static const struct {
		const char *word;
		int (*parse)(struct parser *);
	} words[] = {{"macro", parse_macro}, {"import", parse_import}, {"let", parse_map}};
	struct token t;
	int err;

	t = lex_next(ahead);
	if (script_file(p->script, t.at.file)->header) {
		ctype_header(p->script, &p->lex);
		return 1;
	}
	if (t.kind == TOK_NAME && str_same(t.text, "config") && lex_next(ahead).kind == TOK_SET) {
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
	for (u32 i = 0; i < ARRAY_SIZE(words) && t.kind == TOK_NAME; i++)
		if (str_same(t.text, words[i].word)) {
			parse_advance(p);
			return words[i].parse(p) ? -EINVAL : 1;
		}
	if (t.kind == TOK_NAME &&
	    (str_same(t.text, "struct") || str_same(t.text, "union") || str_same(t.text, "enum") ||
	     str_same(t.text, "typedef"))) {
		err = ctype_declare(p->script, &p->lex);
		return err ? err : 1;
	}
	return 0;
}

int parse_source(struct script *s, const char *src, size_t len, u32 file, struct probe ***tail)
{
	struct parser p = {.script = s, .file = file, .tail = tail};
	struct diag quiet = {0};
	struct source_text text;
	struct lexer ahead;
	int declared;

	if (script_preprocess(s, src, len, file, &text))
		return -EINVAL;
	lex_init(&p.lex, s->arena, s->diag, text.text, text.size, &text.map);
	for (;;) {
		ahead = p.lex;
		ahead.diag = &quiet; /* a probe is no token: only the end is looked for */
		if (lex_next(&ahead).kind == TOK_END)
			return 0;
		ahead = p.lex;
		ahead.diag = &quiet;
		declared = parse_declaration(&p, &ahead);
		if (declared < 0)
			return declared;
		if (declared)
			continue;
		**tail = parse_probe(&p);
		if (!**tail)
			return -EINVAL;
		*tail = &(**tail)->next;
	}
}

int script_parse(struct script *s, const char *src, size_t len)
{
	struct probe **tail = &s->probes;
	int err;

	if (!s->limits.str_most)
		s->limits.str_most = STR_MOST_DEFAULT;
	if (!s->limits.map_entries)
		s->limits.map_entries = MAP_ENTRIES_DEFAULT;
	if (!s->limits.points_most)
		s->limits.points_most = POINTS_DEFAULT;
	if (!(s->limits.said & 1u << MAX_CAT_BYTES))
		s->limits.cat_most = CAT_MOST_DEFAULT;
	if (!s->limits.trailer)
		s->limits.trailer = "..";
	if (!s->limits.progs_most)
		s->limits.progs_most = PROGS_MOST_DEFAULT;
	s->self = (struct diag_file){s->diag->file, src, len, false};
	script_arguments(s, src, len);
	err = parse_source(s, src, len, 0, &tail);
	if (!err && !s->probes)
		err = diag_error(s->diag, (struct loc){1, 1, 0, 0},
				 "try: begin { printf(\"hello\\n\"); }",
				 "the script has no probe");
	if (!err && s->family && !s->no_command)
		err = family_parse(s, &tail);
	if (!err)
		err = script_expand_predicates(s);
	if (!err)
		err = script_leave_out(s);
	for (struct probe *p = s->probes; p && !err; p = p->next)
		err = script_expand(s, p);
	if (!err) {
		script_note_parameters(s);
		script_scopes(s);
	}
	return err || s->diag->errors ? -EINVAL : 0;
}
