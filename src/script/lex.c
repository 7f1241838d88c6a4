/*
 * lex.c: the lexer of scripts; see lex.h.
 *
 * Integers are C's, and also 1e6 and 1_000_000; strings and characters know every escape of C.
 */
#include "script/lex.h"

#include "base/buf.h"
#include "script/pre.h"

#include <ctype.h>
#include <stdio.h>

static const struct punct {
	u8 kind, len;
	char text[4];
} puncts[] = {
#define PUNCT(NAME, text) {TOK_##NAME, sizeof(text) - 1, text},
#define MARK(NAME, c, text)
#include "script/puncts.def"
#undef MARK
#undef PUNCT
};
static const char punct_begins[] = {
#define PUNCT(NAME, text) text[0],
#define MARK(NAME, c, text)
#include "script/puncts.def"
#undef MARK
#undef PUNCT
};
static const struct {
	u8 kind;
	char text[2];
} marks[256] = {
#define PUNCT(NAME, text)
#define MARK(NAME, c, text) [c] = {TOK_##NAME, text},
#include "script/puncts.def"
#undef MARK
#undef PUNCT
};

void lex_init(struct lexer *l, struct arena *arena, struct diag *diag, const char *src, size_t len,
	      const struct source_map *map)
{
	*l = (struct lexer){.arena = arena, .diag = diag, .p = src, .end = src + len,
			    .line_start = src, .line = 1, .map = map, .start = src};
	if (len >= 2 && src[0] == '#' && src[1] == '!')
		while (l->p < l->end && *l->p != '\n')
			l->p++;
}

static int peek(const struct lexer *l, u32 n)
{
	return (size_t)(l->end - l->p) > n ? (u8)l->p[n] : -1;
}

/* In a preprocessed text: as the piece that it lies in says. */
static struct loc mapped(struct lexer *l, const char *from, size_t len)
{
	u32 off = (u32)(from - l->start), n = l->map->pieces.n;
	const struct source_piece *p;
	struct loc at;

	while (l->piece + 1 < n && l->map->pieces.v[l->piece + 1].out <= off)
		l->piece++;
	p = &l->map->pieces.v[l->piece];
	at = p->at;
	if (p->expanded)
		return at;
	at.col = (u16)MIN(at.col + off - p->out, 1023u);
	at.len = (u16)MIN(len, 1023u);
	return at;
}

static struct loc here(struct lexer *l, const char *from)
{
	size_t col = (size_t)(from - l->line_start) + 1, len = (size_t)(l->p - from);

	if (l->map && l->map->pieces.n)
		return mapped(l, from, len);
	return (struct loc){l->line, (u16)MIN(col, 1023u), (u16)MIN(len, 1023u),
			    l->map ? l->map->file : 0};
}

static void newline(struct lexer *l)
{
	l->line++;
	l->line_start = l->p;
}

/* A comment of C; false when it does not end. */
static bool skip_comment(struct lexer *l)
{
	const char *close = l->p + 1, *line;
	struct loc at = here(l, l->p);

	at.len = 2;
	do
		close = memchr(close + 1, '/', (size_t)(l->end - close - 1));
	while (close && (close[-1] != '*' || close - l->p < 3));
	if (!close) {
		diag_error(l->diag, at, "close it with */", "this comment does not end");
		l->p = l->end;
		return false;
	}
	while ((line = memchr(l->p, '\n', (size_t)(close - l->p)))) {
		l->p = line + 1;
		newline(l);
	}
	l->p = close + 1;
	return true;
}

/* Skips white space and comments; false when a comment does not end. */
static bool skip_space(struct lexer *l)
{
	for (; l->p < l->end; l->p++) {
		char c = *l->p;

		if (c == '\n') {
			l->line++;
			l->line_start = l->p + 1;
		} else if (c == '/' && peek(l, 1) == '/') {
			const char *line = memchr(l->p, '\n', (size_t)(l->end - l->p));

			l->p = (line ? line : l->end) - 1;
		} else if (c == '/' && peek(l, 1) == '*') {
			if (!skip_comment(l))
				return false;
			l->p--;
		} else if (c != ' ' && c != '\t' && c != '\r' && c != '\f' && c != '\v') {
			break;
		}
	}
	return true;
}

bool lex_before_brace(const struct lexer *l)
{
	struct diag quiet = {0};
	struct lexer ahead = *l;

	ahead.diag = &quiet;
	return skip_space(&ahead) && peek(&ahead, 0) == '{';
}

static const bool in_names[256] = {
	['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['_'] = true};

static bool is_name(int c)
{
	return c >= 0 && in_names[c];
}

/* Behind the letters, digits and underscores that stand there. */
static const char *name_end(const char *p, const char *end)
{
	while (p < end && in_names[(u8)*p])
		p++;
	return p;
}

static struct token bad(struct lexer *l, const char *from, const char *hint, const char *what)
{
	struct token t = {.kind = TOK_BAD, .at = here(l, from), .text = ""};

	diag_error(l->diag, t.at, hint, "%s", what);
	return t;
}

static int digit(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Digits with _ between them; false: the number does not fit 64 bits. */
static bool lex_digits(struct lexer *l, u32 base, u64 *value, u32 *count)
{
	bool fits = true;

	for (*value = *count = 0;; l->p++) {
		int d = digit(peek(l, 0));

		if (peek(l, 0) == '_' && *count)
			continue;
		if (d >= (int)base)
			return fits;
		fits = fits && !__builtin_mul_overflow(*value, base, value) &&
		       !__builtin_add_overflow(*value, (u64)d, value);
		++*count;
	}
}

static bool scale_by_exponent(struct lexer *l, u64 *value)
{
	u64 exponent;
	u32 n;

	l->p++;
	if (!lex_digits(l, 10, &exponent, &n) || !n)
		return false;
	while (exponent--)
		if (!*value || __builtin_mul_overflow(*value, 10, value))
			return !*value;
	return true;
}

/* 5ms, 1h: nanoseconds. */
static void lex_duration(struct lexer *l, struct token *t, bool *fits)
{
	static const struct {
		const char *unit;
		u64 ns;
	} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000},
		     {"m", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000}};

	for (u32 i = 0; i < ARRAY_SIZE(units); i++) {
		u32 n = (u32)strlen(units[i].unit);

		if ((size_t)(l->end - l->p) < n || memcmp(l->p, units[i].unit, n) != 0 ||
		    is_name(peek(l, n)))
			continue;
		l->p += n;
		if (__builtin_mul_overflow(t->value, units[i].ns, &t->value))
			*fits = false;
		return;
	}
}

/* 10.0.0.1, 10.0.0.0/8: a string without its quotes, behind no '.' of a tuple's fields. */
static bool lex_quad(struct lexer *l, struct token *t)
{
	const char *from = l->p;
	u32 parts = 0, n;
	u64 value = 0;

	while (parts < 4 && lex_digits(l, 10, &value, &n) && n && value < 256 &&
	       (++parts == 4 || peek(l, 0) == '.'))
		l->p += parts < 4;
	if (parts == 4 && peek(l, 0) == '/' && digit(peek(l, 1)) < 10) {
		l->p++;
		lex_digits(l, 10, &value, &n);
	}
	if (parts < 4 || is_name(peek(l, 0)) || (peek(l, 0) == '.' && digit(peek(l, 1)) < 10) ||
	    (from > l->start && from[-1] == '.')) {
		l->p = from;
		return false;
	}
	t->kind = TOK_STR;
	t->at = here(l, from);
	t->len = (u32)(l->p - from);
	t->text = arena_strndup(l->arena, from, t->len);
	return true;
}

static struct token lex_int(struct lexer *l)
{
	const char *from = l->p, *suffix;
	u32 base = 10, n;
	struct token t = {.kind = TOK_INT, .text = ""};
	bool fits;

	if (lex_quad(l, &t))
		return t;
	if (*from == '0' && (peek(l, 1) | 32) == 'x')
		base = 16;
	else if (*from == '0' && (peek(l, 1) | 32) == 'b')
		base = 2;
	else if (*from == '0' && digit(peek(l, 1)) < 10)
		base = 8;
	if (base == 16 || base == 2)
		l->p += 2;
	fits = lex_digits(l, base, &t.value, &n);
	if (base == 10 && peek(l, 0) == 'e' && digit(peek(l, 1)) < 10)
		fits = scale_by_exponent(l, &t.value) && fits;
	if (base == 10)
		lex_duration(l, &t, &fits);
	for (suffix = l->p; is_name(peek(l, 0)); l->p++)
		;
	t.at = here(l, from);
	if (!n)
		return bad(l, from, "digits must follow 0x or 0b", "not a number");
	if (!fits)
		return bad(l, from, "the largest is 18446744073709551615 (2^64 - 1)",
			   "this number does not fit 64 bits");
	for (size_t i = 0; i < (size_t)(l->p - suffix); i++)
		if (!strchr("uUlL", suffix[i]) || i > 2)
			return bad(
				l, from,
				"suffixes are C's (u, l, ul, ll, ull), or ns, us, ms, s, m, h, d",
				"not a number");
	t.is_unsigned = t.value >> 63; /* whatever the suffix */
	return t;
}

/* One escape behind its backslash; false: unknown. */
static bool lex_escape(struct lexer *l, char *out)
{
	static const char from[] = "abefnrtv\\'\"?", to[] = "\a\b\033\f\n\r\t\v\\'\"?";
	int c = peek(l, 0), value = 0, n = 0;
	const char *simple = c > 0 ? strchr(from, c) : NULL;

	if (simple) {
		*out = to[simple - from];
		l->p++;
		return true;
	}
	if (c == 'x') {
		for (l->p++; n < 2 && digit(peek(l, 0)) < 16; n++)
			value = value * 16 + digit((u8)*l->p++);
	} else {
		for (; n < 3 && digit(peek(l, 0)) < 8; n++)
			value = value * 8 + digit((u8)*l->p++);
	}
	*out = (char)value;
	return n > 0;
}

/* Text with escapes in it, up to the quote or the end of the line; *from moves on with a line that
 * goes on. False: there is something wrong, which is t then. */
static bool lex_escaped(struct lexer *l, const char **from, char quote, struct token *t)
{
	struct buf text = {0};
	bool known = true;

	while (l->p < l->end && *l->p != quote && *l->p != '\n' && text.n <= LITERAL_MOST) {
		char c = *l->p++;

		if (c == '\\' && peek(l, 0) == '\n') {
			l->p++;
			newline(l);
			*from = l->p;
			continue;
		}
		if (c == '\\' && !lex_escape(l, &c)) {
			known = false;
			break;
		}
		buf_char(&text, c);
	}
	t->len = (u32)text.n;
	t->text = arena_strndup(l->arena, text.p ? text.p : "", text.n);
	buf_free(&text);
	if (!known)
		*t = bad(l, l->p - 1, "\\n \\t \\\\ \\\" \\x41 \\101 ... as in C", "unknown escape");
	else if (t->len > LITERAL_MOST)
		*t = bad(l, *from, NULL, "this string is longer than 64 KiB");
	return t->kind != TOK_BAD;
}

/* From the quote to the quote. */
static struct token lex_quoted(struct lexer *l)
{
	const char *from = l->p, *p = from + 1;
	char quote = *from;
	struct token t = {.kind = TOK_STR};

	while (p < l->end && *p != quote && *p != '\n' && *p != '\\' && p - from <= LITERAL_MOST)
		p++;
	l->p++;
	if (p < l->end && *p == quote) { /* as most are */
		t.len = (u32)(p - l->p);
		t.text = arena_strndup(l->arena, l->p, t.len);
		l->p = p;
	} else if (!lex_escaped(l, &from, quote, &t)) {
		return t;
	}
	if (peek(l, 0) != quote)
		return bad(l, from, quote == '"' ? "close it with \"" : "close it with '",
			   "this string does not end on its line");
	l->p++;
	t.at = here(l, from);
	if (quote == '\'') {
		if (t.len != 1)
			return bad(l, from, "strings stand in double quotes",
				   "a character constant holds one character");
		t.kind = TOK_INT;
		t.value = (u64)(s64)(s8)t.text[0];
	}
	return t;
}

static struct token lex_word(struct lexer *l, enum token_kind kind, u32 sigil)
{
	const char *from = l->p;
	struct token t = {.kind = kind};

	l->p = name_end(from + sigil, l->end);
	t.at = here(l, from);
	t.len = (u32)(l->p - from) - sigil;
	t.text = arena_strndup(l->arena, from + sigil, t.len);
	return t;
}

static struct token lex_dollar(struct lexer *l)
{
	const char *from = l->p;
	struct token t;

	if (peek(l, 1) == '#') {
		l->p += 2;
		return (struct token){.kind = TOK_PARAM, .at = here(l, from), .text = "#", .len = 1};
	}
	t = lex_word(l, TOK_VAR, 1);
	if (!t.len)
		return bad(l, from, "variables are written $name, parameters $1",
			   "a name must follow $");
	if (isdigit((u8)*t.text)) {
		t.kind = TOK_PARAM;
		for (const char *p = t.text; *p; p++)
			if (!isdigit((u8)*p) || (t.value = t.value * 10 + (u64)(*p - '0')) > 1000)
				return bad(l, from, "the parameters of a script are $1, $2, ...",
					   "not a parameter");
	}
	return t;
}

struct token lex_next(struct lexer *l)
{
	const char *from, *ends = punct_begins + sizeof(punct_begins);
	int c;

	if (!skip_space(l))
		return (struct token){.kind = TOK_BAD, .at = here(l, l->p), .text = ""};
	from = l->p;
	c = peek(l, 0);
	if (c < 0)
		return (struct token){.kind = TOK_END, .at = here(l, from), .text = ""};
	if (c >= '0' && c <= '9')
		return lex_int(l);
	if (is_name(c))
		return lex_word(l, TOK_NAME, 0);
	if (c == '@')
		return lex_word(l, TOK_MAP, 1);
	if (c == '$')
		return lex_dollar(l);
	if (c == '"' || c == '\'')
		return lex_quoted(l);
	if (marks[c].kind) {
		l->p++;
		return (struct token){.kind = marks[c].kind, .at = here(l, from),
				      .text = marks[c].text, .len = 1};
	}
	for (const char *b = punct_begins; (b = memchr(b, c, (size_t)(ends - b))); b++) {
		const struct punct *p = &puncts[b - punct_begins];
		u32 n = p->len;

		if ((size_t)(l->end - from) >= n && !memcmp(from, p->text, n)) {
			l->p += n;
			return (struct token){.kind = p->kind, .at = here(l, from),
					      .text = p->text, .len = n};
		}
	}
	l->p++;
	return bad(l, from, NULL, "no token begins with this character");
}

/* uprobe, uretprobe, usdt, cgroup_skb and other names of them: the part behind the first colon is a file. */
static bool names_file(const char *from, const char *colon)
{
	static const char *const kinds[] = {"uprobe", "u", "uretprobe", "ur", "usdt", "U",
					    "cgroup_skb", "cgroup"};

	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i]) == (size_t)(colon - from) &&
		    !memcmp(kinds[i], from, (size_t)(colon - from)))
			return true;
	return false;
}

/* A `/` belongs to the probe when it stands in the name of a file, directly behind a colon or
 * inside a path; else a predicate begins. A part in double quotes may hold anything. */
struct token lex_probe(struct lexer *l)
{
	const char *from, *quote;
	bool path = false, file = false;
	struct buf text = {0};
	struct token t = {.kind = TOK_NAME};

	if (!skip_space(l))
		return (struct token){.kind = TOK_BAD, .at = here(l, l->p), .text = ""};
	for (from = l->p; l->p < l->end; l->p++) {
		char c = *l->p;

		if (isspace((u8)c) || c == ',' || c == '{' || c == '}' || c == ';')
			break;
		if (c == ':')
			file = !memchr(from, ':', (size_t)(l->p - from)) && names_file(from, l->p);
		if (c == '/') {
			path = path || (l->p > from && l->p[-1] == ':');
			if (!path && !file)
				break;
		}
		quote = c == '"' ? memchr(l->p + 1, '"', (size_t)(l->end - l->p - 1)) : NULL;
		if (quote) {
			buf_add(&text, l->p + 1, (size_t)(quote - l->p - 1));
			l->p = quote;
		} else {
			buf_char(&text, c);
		}
	}
	t.at = here(l, from);
	t.len = (u32)(l->p - from);
	t.text = arena_strdup(l->arena, buf_str(&text));
	buf_free(&text);
	if (!t.len)
		t.kind = l->p >= l->end ? TOK_END : TOK_BAD;
	return t;
}

const char *token_text(enum token_kind kind)
{
	static const char *const names[] = {
		[TOK_END] = "the end of the script", [TOK_NAME] = "a name", [TOK_INT] = "a number",
		[TOK_STR] = "a string", [TOK_VAR] = "a variable", [TOK_PARAM] = "a parameter",
		[TOK_MAP] = "a map", [TOK_BAD] = "this",
#define PUNCT(NAME, text)   [TOK_##NAME] = "'" text "'",
#define MARK(NAME, c, text) PUNCT(NAME, text)
#include "script/puncts.def"
#undef MARK
#undef PUNCT
	};
	return names[kind];
}
