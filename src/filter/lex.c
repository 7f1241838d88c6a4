/*
 * lex.c: the text of a filter as tokens.
 *
 * In:  the expression. Out: numbers, names, addresses, signs, words of words.def, each with its
 * place.
 *
 * An address may look like much else: what stands between blanks and signs is taken as a whole and
 * tried as an address first (00:11:22:33:44:55, 2001:db8::1, 10.1, 0011.2233.4455), unless it is
 * inside of brackets, where `:` is the size of an access.
 */
#include "filter/inside.h"

#include <ctype.h>
#include <errno.h>

const struct word_info word_table[WORDS] = {
#define WORD(id, name, kind) [WORD_##id] = {name, KIND_##kind},
#include "filter/words.def"
};

static const struct {
	const char *name;
	u32 is;
	bool number;
} other_words[] = {
#define SPELLING(name, id) {name, WORD_##id, false},
#define CONSTANT(name, n)  {name, n, true},
#include "filter/words.def"
};

struct lexer {
	struct tokens *out;
	struct arena *arena;
	struct diag *d;
	const char *text, *p, *end, *line_at;
	u32 line, brackets;
};

static struct loc loc(const struct lexer *l, const char *from, const char *to)
{
	return (struct loc){l->line, (u16)MIN(from - l->line_at + 1, 65000),
			    (u16)MIN(MAX(to - from, 1), 65000), 0};
}

static struct token *add(struct lexer *l, enum token_kind kind, const char *to)
{
	struct token *t = vec_add(l->arena, &l->out->t);

	*t = (struct token){.kind = (u8)kind, .at = loc(l, l->p, to), .from = l->p, .to = to};
	t->text = arena_strndup(l->arena, l->p, (size_t)(to - l->p));
	l->p = to;
	return t;
}

/* ---- numbers and addresses */

static int number(struct lexer *l, const char *to)
{
	u32 base = 10, digit;
	const char *p = l->p;
	u64 value = 0;

	if (to - p > 2 && p[0] == '0' && (p[1] | 32) == 'x') {
		base = 16;
		p += 2;
	} else if (to - p > 1 && *p == '0') {
		base = 8;
		p++;
	}
	for (; p < to; p++) {
		digit = (u32)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
		if (digit >= base)
			return diag_error(l->d, loc(l, l->p, to), NULL,
					  "'%c' is no digit of a number that begins with %s", *p,
					  base == 8 ? "0: those are octal" : "0x");
		value = value * base + digit;
		if (value > UINT32_MAX)
			return diag_error(l->d, loc(l, l->p, to), NULL,
					  "a number has 32 bits: this is too large");
	}
	add(l, TOK_NUMBER, to)->number = (u32)value;
	return 0;
}

static bool all_of(const char *p, const char *to, int (*is)(int))
{
	while (p < to && is((unsigned char)*p))
		p++;
	return p == to;
}

static bool is_number(const char *p, const char *to)
{
	if (to - p > 2 && p[0] == '0' && (p[1] | 32) == 'x')
		return all_of(p + 2, to, isxdigit);
	return to > p && all_of(p, to, isdigit);
}

static bool is_address_letter(const struct lexer *l, char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == '-' || c == '_' ||
	       (c == ':' && !l->brackets);
}

/* Does it fit one of the kinds of addresses? true: it is taken. */
static bool address(struct lexer *l, const char *to)
{
	char word[128];
	u8 bytes[16];
	u32 n, parts;

	if (to - l->p >= (ptrdiff_t)sizeof(word))
		return false;
	memcpy(word, l->p, (size_t)(to - l->p));
	word[to - l->p] = 0;
	if (parse_mac(word, bytes))
		add(l, TOK_MAC, to);
	else if (strchr(word, ':') && parse_ip6(word, bytes))
		add(l, TOK_IP6, to);
	else if (strchr(word, '.') && parse_ip4(word, &n, &parts))
		add(l, TOK_IP4, to);
	else
		return false;
	return true;
}

/* ---- words */

static const char *word_end(const char *p, const char *end)
{
	const char *to = p;

	while (to < end && (isalnum((unsigned char)*to) || *to == '-' || *to == '_' || *to == '.'))
		to++;
	while (to > p + 1 && (to[-1] == '-' || to[-1] == '_'))
		to--;
	return to;
}

static bool spells(const char *name, const char *p, size_t n)
{
	return *name == *p && !strncmp(name, p, n) && !name[n];
}

/* The row of word_table; behind those, of other_words; 0: it is none of either. A filter has few
 * words: a table that is hashed would cost more than to look through this one. */
static u32 word_row(const char *p, size_t n)
{
	for (u32 i = 1; i < WORDS; i++)
		if (spells(word_table[i].name, p, n))
			return i;
	for (u32 i = 0; i < ARRAY_SIZE(other_words); i++)
		if (spells(other_words[i].name, p, n))
			return WORDS + i;
	return 0;
}

static void word(struct lexer *l, const char *to)
{
	u32 row = word_row(l->p, (size_t)(to - l->p));
	struct token *t;

	if (row && row < WORDS) {
		t = add(l, TOK_WORD, to);
		t->op = (u16)row;
	} else if (row) {
		row -= WORDS;
		t = add(l, other_words[row].number ? TOK_NUMBER : TOK_WORD, to);
		t->number = other_words[row].is;
		t->op = (u16)other_words[row].is;
	} else {
		add(l, TOK_ID, to);
		return;
	}
	if (t->kind != TOK_WORD)
		return;
	if (t->op == WORD_AND || t->op == WORD_OR || t->op == WORD_NOT) {
		t->kind = TOK_PUNCT;
		t->op = t->op == WORD_AND ? PUNCT_AND : t->op == WORD_OR ? PUNCT_OR : '!';
	}
}

/* `\host`: a name, whatever it is otherwise */
static int escaped(struct lexer *l)
{
	const char *to = ++l->p;

	while (to < l->end && !strchr(" !()\n\t\r", *to))
		to++;
	if (to == l->p)
		return diag_error(l->d, loc(l, l->p - 1, to), NULL, "here belongs a name");
	add(l, TOK_ID, to);
	return 0;
}

/* ---- signs */

static const struct {
	const char *text;
	u16 op;
} signs[] = {
	{">=", PUNCT_GE},  {"<=", PUNCT_LE},  {"!=", PUNCT_NE},  {"==", '='},
	{"<<", PUNCT_LSH}, {">>", PUNCT_RSH}, {"&&", PUNCT_AND}, {"||", PUNCT_OR},
};

static bool sign(struct lexer *l)
{
	u8 letter;

	for (u32 i = 0; i < ARRAY_SIZE(signs); i++)
		if (l->end - l->p >= 2 && !memcmp(l->p, signs[i].text, 2)) {
			add(l, TOK_PUNCT, l->p + 2)->op = signs[i].op;
			return true;
		}
	if (!*l->p || !strchr("+-*/%:[]!<>()&|^=", *l->p))
		return false;
	l->brackets += *l->p == '[';
	l->brackets -= *l->p == ']' && l->brackets;
	letter = (u8)*l->p;
	add(l, TOK_PUNCT, l->p + 1)->op = letter;
	return true;
}

static bool arcnet(struct lexer *l)
{
	const char *to = l->p + 1;

	while (to < l->end && to < l->p + 3 && isxdigit((unsigned char)*to))
		to++;
	if (*l->p != '$' || to == l->p + 1)
		return false;
	add(l, TOK_ARCNET, to);
	return true;
}

static int next(struct lexer *l)
{
	const char *to = l->p, *digits = l->p;

	while (to < l->end && is_address_letter(l, *to))
		to++;
	/* `a-b` of numbers inside brackets, `1-2` outside: numbers */
	while (digits < l->end && isalnum((unsigned char)*digits))
		digits++;
	if (to > l->p && address(l, to))
		return 0;
	if (to > l->p && is_number(l->p, digits) && (digits == l->end || !strchr("._", *digits)) &&
	    !(digits < l->end && *digits == '-' && digits + 1 < to && !l->brackets))
		return number(l, digits);
	if (isalnum((unsigned char)*l->p)) {
		word(l, word_end(l->p, l->end));
		return 0;
	}
	if (to > l->p && strchr(l->p, ':') && *l->p == ':' && to > l->p + 1)
		return diag_error(l->d, loc(l, l->p, to), NULL, "this is no address");
	if (*l->p == '\\')
		return escaped(l);
	if (sign(l) || arcnet(l))
		return 0;
	return diag_error(l->d, loc(l, l->p, l->p + 1), NULL, "'%c' means nothing here", *l->p);
}

int filter_lex(struct tokens *out, struct arena *arena, const char *text, size_t size,
	       struct diag *d)
{
	struct lexer l = {.out = out, .arena = arena, .d = d, .line = 1};
	int err = 0;

	l.text = l.p = l.line_at = arena_strndup(arena, text, size);
	l.end = l.p + strlen(l.p);
	if ((size_t)(l.end - l.p) != size)
		return diag_fail(d, -EINVAL, NULL, "a filter is text: there is a zero byte in it");
	while (l.p < l.end && !err) {
		if (*l.p == '\n') {
			l.line++;
			l.line_at = l.p + 1;
		}
		if (strchr(" \t\r\n", *l.p))
			l.p++;
		else
			err = next(&l);
	}
	add(&l, TOK_END, l.p);
	return err;
}
