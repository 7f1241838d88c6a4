/*
 * format.c: a script, written as it should be.
 *
 * In:  the text of a script. Out: the same tokens and comments, with other white space.
 *
 * Each statement stands on a line of its own, indented by tabs; operators stand between blanks.
 * What the author chose stays where it helps to read: single empty lines, line breaks inside a
 * statement, and short blocks on one line. Formatting twice gives what formatting once gives, as
 * nothing that decides is changed: the order of tokens, where lines break, whether a comment has
 * its own line.
 */
#include "script/format.h"
#include "script/ctype.h"

#include <ctype.h>
#include <errno.h>

#define INLINE_MOST 50 /* bytes in the tokens of a block that may stay on its line */
#define DEEP        200

struct out {
	struct script *script;
	struct lexer lex;
	struct buf *text;
	u32 depth;   /* of braces that are not on one line */
	u32 inlined; /* braces around us that are */
	u32 parens;
	bool fresh;               /* at the start of a line */
	bool began;               /* something of this statement was put */
	u32 newlines;             /* in front of the next token, as the author had them */
	struct token last, first; /* first: of the statement */
	bool last_unary, last_cast, in_let;
	bool declares;    /* the statement begins with a type: it is a member */
	bool casts[DEEP]; /* which parentheses around us hold a type */
	bool failed;
};

static void line_end(struct out *o)
{
	while (o->text->n && o->text->p[o->text->n - 1] == ' ')
		o->text->n--;
	if (!o->fresh)
		buf_char(o->text, '\n');
	o->fresh = true;
}

static void empty_line(struct out *o)
{
	size_t n;

	line_end(o);
	n = o->text->n;
	if (n > 1 && o->text->p[n - 2] != '\n' && (n < 3 || o->text->p[n - 2] != '{'))
		buf_char(o->text, '\n');
}

static void indent(struct out *o, u32 more)
{
	if (!o->fresh)
		return;
	for (u32 i = 0; i < o->depth + more; i++)
		buf_char(o->text, '\t');
	o->fresh = false;
}

/* ---- comments and lines of the preprocessor */

static void put_comment(struct out *o, const char *from, const char *to)
{
	bool own = o->newlines || o->fresh;

	while (to > from && isspace((u8)to[-1]))
		to--;
	if (own) {
		line_end(o);
		if (o->newlines > 1)
			empty_line(o);
		indent(o, o->began ? 1 : 0);
	} else {
		buf_char(o->text, ' ');
	}
	buf_add(o->text, from, (size_t)(to - from));
	if (from[1] == '/' || own)
		line_end(o);
}

static void put_directive(struct out *o)
{
	const char *from = o->lex.p;

	line_end(o);
	if (o->newlines > 1)
		empty_line(o);
	while (o->lex.p < o->lex.end && *o->lex.p != '\n')
		o->lex.p += *o->lex.p == '\\' && o->lex.p + 1 < o->lex.end ? 2 : 1;
	while (o->lex.p > from && isspace((u8)o->lex.p[-1]))
		o->lex.p--;
	buf_add(o->text, from, (size_t)(o->lex.p - from));
	buf_char(o->text, '\n');
	o->newlines = 0;
}

static bool at_line_start(const struct out *o)
{
	const char *p = o->lex.p;

	while (p > o->lex.start && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p == o->lex.start || p[-1] == '\n';
}

static void take_comment(struct out *o)
{
	struct lexer *l = &o->lex;
	const char *from = l->p;
	bool line = l->p[1] == '/';

	for (l->p += 2; l->p < l->end; l->p++)
		if (line ? *l->p == '\n' : l->p[-1] == '*' && *l->p == '/' && l->p - from > 2)
			break;
	if (l->p < l->end && !line)
		l->p++;
	put_comment(o, from, l->p);
	o->newlines = 0;
}

/* Puts out comments, and counts the lines in front of the next token. */
static void skip(struct out *o)
{
	struct lexer *l = &o->lex;

	o->newlines = 0;
	while (l->p < l->end) {
		if (isspace((u8)*l->p)) {
			o->newlines += *l->p++ == '\n';
		} else if (*l->p == '#' && at_line_start(o)) {
			put_directive(o);
		} else if (*l->p == '/' && l->end - l->p > 1 &&
			   (l->p[1] == '/' || l->p[1] == '*')) {
			take_comment(o);
		} else {
			return;
		}
	}
}

/* ---- tokens */

static bool is_word(const struct token *t)
{
	return t->kind == TOK_NAME || t->kind == TOK_INT || t->kind == TOK_STR ||
	       t->kind == TOK_VAR || t->kind == TOK_MAP || t->kind == TOK_PARAM;
}

static bool is_one_of(const struct token *t, const char *words)
{
	size_t n = t->kind == TOK_NAME ? strlen(t->text) : 0;
	const char *p = n ? strstr(words, t->text) : NULL;

	return p && (p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n]);
}

static bool ends_value(const struct token *t)
{
	if (is_one_of(t, "return comptime else in"))
		return false;
	return is_word(t) || t->kind == TOK_RPAREN || t->kind == TOK_RBRACKET ||
	       t->kind == TOK_RBRACE;
}

/* Is the token an operator in front of its value? */
static bool is_unary(const struct out *o, const struct token *t)
{
	switch (t->kind) {
	case TOK_NOT:
	case TOK_TILDE: return true;
	case TOK_SUB:
	case TOK_ADD:
	case TOK_MUL:
		if (o->declares)
			return true;
		/* fall through */
	case TOK_AND:
	case TOK_INC:
	case TOK_DEC: return !o->began || !ends_value(&o->last) || o->last_cast;
	default: return false;
	}
}

static bool wants_blank(const struct out *o, const struct token *t)
{
	u8 a = o->last.kind, b = t->kind;

	if (o->last_unary && *t->text && *t->text == *o->last.text && a != TOK_MUL && a != TOK_NOT)
		return true; /* - -x is not --x */
	if (a == TOK_LPAREN || a == TOK_LBRACKET || a == TOK_DOT || a == TOK_ARROW ||
	    a == TOK_RANGE || o->last_unary)
		return false;
	if (b == TOK_RPAREN || b == TOK_RBRACKET || b == TOK_COMMA || b == TOK_SEMI ||
	    b == TOK_DOT || b == TOK_ARROW || b == TOK_RANGE)
		return false;
	if (b == TOK_LPAREN && o->declares && is_word(&o->last))
		return true; /* int (*fn)(void) */
	if (b == TOK_LPAREN)
		return !is_word(&o->last)
			       ? a != TOK_RPAREN && a != TOK_RBRACKET
			       : is_one_of(&o->last, "if while for unroll return else comptime");
	if (b == TOK_LBRACKET)
		return !ends_value(&o->last);
	if ((b == TOK_INC || b == TOK_DEC) && !is_unary(o, t))
		return false;
	if (a == TOK_QUESTION && b == TOK_COLON)
		return false;
	if (b == TOK_COLON && o->in_let)
		return false;
	if (a == TOK_MUL && b == TOK_MUL)
		return false;
	if (o->last_cast)
		return false;
	return true;
}

static void put_token(struct out *o, const struct token *t, const char *from, const char *to)
{
	bool unary = is_unary(o, t), cast = false;

	if (o->began && o->newlines && !o->fresh && t->kind != TOK_SEMI && !o->inlined)
		line_end(o);
	if (o->fresh)
		indent(o, o->began ? 1 : 0);
	else if (o->began && wants_blank(o, t))
		buf_char(o->text, ' ');
	if (!o->began) {
		o->in_let = is_one_of(t, "let");
		o->first = *t;
		o->declares = ctype_begins(o->script, t);
	}
	if (o->last.kind == TOK_LPAREN && o->began && o->parens < DEEP && o->parens)
		o->casts[o->parens] = ctype_begins(o->script, t) && o->casts[o->parens];
	if (t->kind == TOK_LPAREN && ++o->parens < DEEP) /* f(x) is a call, whatever x is */
		o->casts[o->parens] =
			!o->began || !is_word(&o->last) || is_one_of(&o->last, "return");
	if (t->kind == TOK_RPAREN && o->parens) {
		cast = o->parens < DEEP && o->casts[o->parens];
		o->parens--;
	}
	buf_add(o->text, from, (size_t)(to - from));
	if (t->kind == TOK_COLON)
		o->in_let = false;
	o->last = *t;
	o->last_unary = unary;
	o->last_cast = cast;
	o->began = true;
}

/* Does the block that begins here end on this line, and is it short? */
static bool stays_inline(const struct out *o)
{
	struct diag quiet = {0};
	struct lexer l = o->lex;
	const char *p;
	u32 depth = 1, bytes = 0;
	struct token t;

	l.diag = &quiet;
	while (depth) {
		t = lex_next(&l);
		depth += (t.kind == TOK_LBRACE) - (t.kind == TOK_RBRACE);
		bytes += t.at.len; /* not the blanks: they may become others */
		if (t.kind == TOK_END || t.kind == TOK_BAD || bytes > INLINE_MOST)
			return false;
	}
	for (p = o->lex.p; p < l.p; p++)
		if (*p == '\n' || *p == '#' || (*p == '/' && (p[1] == '/' || p[1] == '*')))
			return false;
	return true;
}

static void put_block(struct out *o);

/* Does the statement go on behind the block that comes next? */
static bool is_value(const struct out *o)
{
	if (!o->began || is_one_of(&o->last, "else") || is_one_of(&o->first, "config"))
		return false;
	return o->parens || !ends_value(&o->last) || is_one_of(&o->first, "typedef");
}

#define C_WORDS "struct union enum"

/* A statement, up to its ; or the end of its block; or in front of the } of the block around it. */
static void put_statement(struct out *o)
{
	o->began = false;
	o->parens = 0;
	o->in_let = o->last_unary = o->last_cast = false;
	for (;;) {
		struct token t;
		struct lexer ahead;
		const char *from;

		skip(o);
		from = o->lex.p;
		ahead = o->lex;
		t = lex_next(&ahead);
		if (t.kind == TOK_BAD)
			o->failed = true;
		if (t.kind == TOK_BAD || t.kind == TOK_END || t.kind == TOK_RBRACE)
			return;
		if (o->newlines > 1 && !o->began && !o->inlined)
			empty_line(o);
		if (t.kind == TOK_LBRACE) {
			bool value = is_value(o), type = o->began && is_one_of(&o->first, C_WORDS);
			struct token first = o->first;

			put_block(o);
			o->first = first;
			if (o->failed)
				return;
			ahead = o->lex; /* comments that follow may belong to what is next */
			t = lex_next(&ahead);
			if (type)
				value |= o->depth || is_one_of(&t, "__attribute__ __packed");
			if ((!value && !is_one_of(&t, "else") && t.kind != TOK_SEMI) ||
			    t.kind == TOK_RBRACE)
				return;
			o->newlines = 0;
			continue;
		}
		o->lex = ahead;
		if (is_one_of(&t, "else"))
			o->newlines = 0;
		put_token(o, &t, from, o->lex.p);
		if (t.kind == TOK_SEMI && !o->parens)
			return;
	}
}

/* From { to }. */
static void put_block(struct out *o)
{
	struct token brace;
	const char *from = o->lex.p;
	u32 parens = o->parens;
	bool casts[DEEP], empty;

	if (o->depth + o->inlined >= DEEP) {
		o->failed = true;
		return;
	}
	memcpy(casts, o->casts, sizeof(casts));
	brace = lex_next(&o->lex);
	o->newlines = 0;
	put_token(o, &brace, from, o->lex.p);
	if (o->inlined || stays_inline(o)) {
		o->inlined++;
		while (!o->failed) {
			skip(o);
			if (o->lex.p >= o->lex.end || *o->lex.p == '}')
				break;
			buf_char(o->text, ' ');
			put_statement(o);
		}
		o->inlined--;
		buf_char(o->text, ' ');
	} else {
		o->depth++;
		o->began = false;
		for (empty = true; !o->failed; empty = false) {
			o->began = false;
			skip(o);
			if (o->lex.p >= o->lex.end || *o->lex.p == '}')
				break;
			if (o->newlines > 1 && !empty)
				empty_line(o);
			line_end(o);
			put_statement(o);
		}
		o->depth--;
		line_end(o);
		o->began = false;
		indent(o, 0);
	}
	if (o->failed)
		return;
	from = o->lex.p;
	brace = lex_next(&o->lex);
	if (brace.kind != TOK_RBRACE) {
		if (!o->failed && brace.kind != TOK_BAD)
			diag_error(o->script->diag, brace.at, "close the block with }",
				   "'}' expected, not %s", token_text(brace.kind));
		o->failed = true;
		return;
	}
	buf_add(o->text, from, (size_t)(o->lex.p - from));
	memcpy(o->casts, casts, sizeof(casts));
	o->parens = parens;
	o->last = brace;
	o->last_unary = o->last_cast = false;
	o->began = true;
	o->newlines = 0;
}

/* ---- what stands between probes, and probes */

/* From / to the / in front of a block. */
static void put_predicate(struct out *o)
{
	const char *from;
	struct token t;

	buf_char(o->text, '/');
	lex_next(&o->lex);
	o->began = false;
	while (!o->failed) {
		skip(o);
		o->newlines = 0;
		from = o->lex.p;
		t = lex_next(&o->lex);
		if (t.kind == TOK_DIV && lex_before_brace(&o->lex))
			break;
		if (t.kind == TOK_END || t.kind == TOK_BAD) {
			if (t.kind == TOK_END)
				diag_error(o->script->diag, t.at, "/pid == 1/ { }",
					   "the predicate does not end");
			o->failed = true;
			return;
		}
		if (o->began && wants_blank(o, &t)) {
			buf_char(o->text, ' ');
			o->last_unary = o->last.kind == TOK_LPAREN; /* the blank is there */
		}
		{
			bool unary = is_unary(o, &t);

			buf_add(o->text, from, (size_t)(o->lex.p - from));
			o->last = t;
			o->last_unary = unary;
			o->last_cast = false;
			o->began = true;
		}
	}
	buf_char(o->text, '/');
}

/* specs [ predicate ] block */
static void put_probe(struct out *o)
{
	struct lexer ahead = o->lex;
	struct diag quiet = {0};
	const char *from;
	struct token t;
	bool several = false;

	ahead.diag = &quiet;
	t = lex_next(&ahead);
	if (t.kind == TOK_NAME && lex_next(&ahead).kind == TOK_SET) {
		buf_printf(o->text, "%s = ", t.text);
		o->lex = ahead;
		o->lex.diag = o->script->diag;
		skip(o);
	}
	for (;;) {
		from = o->lex.p;
		t = lex_probe(&o->lex);
		if (t.kind != TOK_NAME) {
			if (t.kind != TOK_BAD || !o->script->diag->errors)
				diag_error(o->script->diag, t.at, "begin { }", "a probe expected");
			o->failed = true;
			return;
		}
		buf_add(o->text, from, (size_t)(o->lex.p - from));
		o->fresh = false;
		skip(o);
		if (o->lex.p >= o->lex.end || *o->lex.p != ',')
			break;
		o->lex.p++;
		buf_puts(o->text, ",");
		skip(o);
		line_end(o);
		o->fresh = false;
		several = true;
	}
	if (o->lex.p < o->lex.end && *o->lex.p == '/') {
		buf_puts(o->text, o->fresh ? "" : several ? "\n" : " ");
		o->fresh = false;
		put_predicate(o);
		skip(o);
	}
	o->last = (struct token){.kind = TOK_NAME, .text = "probe"};
	o->last_unary = o->last_cast = false;
	o->began = true;
	o->parens = 0;
	if (!o->failed && o->lex.p < o->lex.end && *o->lex.p == '{') {
		put_block(o);
	} else if (!o->failed) {
		t = lex_next(&o->lex);
		diag_error(o->script->diag, t.at, "begin { }", "'{' expected, not %s",
			   token_text(t.kind));
		o->failed = true;
	}
}

/* A comment behind a block stays on its line. */
static void trailing_comment(struct out *o)
{
	const char *p = o->lex.p;

	while (p < o->lex.end && (*p == ' ' || *p == '\t'))
		p++;
	if (o->lex.end - p < 2 || p[0] != '/' || (p[1] != '/' && p[1] != '*'))
		return;
	o->lex.p = p;
	o->newlines = 0;
	take_comment(o);
}

static void put_top(struct out *o)
{
	struct diag quiet = {0};
	struct lexer ahead = o->lex;
	struct token t;
	size_t before = o->text->n;

	ahead.diag = &quiet;
	t = lex_next(&ahead);
	o->fresh = true;
	o->began = false;
	if (t.kind == TOK_SEMI) { /* behind a block it says nothing */
		o->lex = ahead;
		o->lex.diag = o->script->diag;
		return;
	}
	if (is_one_of(&t, "struct union enum typedef macro import let") ||
	    (is_one_of(&t, "config") && lex_next(&ahead).kind == TOK_SET))
		put_statement(o);
	else
		put_probe(o);
	trailing_comment(o);
	line_end(o);
	/* what takes several lines has an empty line behind it */
	if (o->text->n > before && memchr(o->text->p + before, '\n', o->text->n - before - 1))
		buf_char(o->text, '\n');
}

int script_format(struct script *s, const char *src, size_t len, struct buf *out)
{
	struct out o = {.script = s, .text = out, .fresh = true};

	lex_init(&o.lex, s->arena, s->diag, src, len, NULL);
	if (o.lex.p > src) { /* #!/usr/bin/env waggle */
		buf_add(out, src, (size_t)(o.lex.p - src));
		buf_char(out, '\n');
	}
	for (;;) {
		skip(&o);
		if (o.lex.p >= o.lex.end || o.failed)
			break;
		if (o.newlines > 1)
			empty_line(&o);
		put_top(&o);
	}
	while (out->n > 1 && out->p[out->n - 1] == '\n' && out->p[out->n - 2] == '\n')
		out->n--;
	return o.failed || s->diag->errors ? -EINVAL : 0;
}
