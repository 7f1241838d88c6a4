/*
 * test_lex.c: the lexer of scripts: every form of a token, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "script/lex.h"

struct heard {
	char text[256];
	u32 line, col, len;
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct heard *h = user;

	snprintf(h->text, sizeof(h->text), "%s", d->text);
	h->line = d->line, h->col = d->col, h->len = d->len;
}

struct fixture {
	struct arena arena;
	struct diag diag;
	struct heard heard;
	struct lexer lexer;
};

static void start(struct fixture *f, const char *source)
{
	*f = (struct fixture){.diag = {.fn = hear}};
	f->diag.user = &f->heard;
	f->diag.text = source;
	f->diag.size = strlen(source);
	lex_init(&f->lexer, &f->arena, &f->diag, source, strlen(source), NULL);
}

static void integers(void **state)
{
	static const struct {
		const char *text;
		u64 value;
		bool is_unsigned;
	} rows[] = {
		{"0", 0, false}, {"42", 42, false}, {"0x1F", 31, false}, {"0Xff", 255, false},
		{"017", 15, false}, {"0b101", 5, false}, {"1e3", 1000, false}, {"5e0", 5, false},
		{"1_000_000", 1000000, false}, {"0xffff_ffff", 0xffffffff, false},
		{"7u", 7, false}, {"7UL", 7, false}, {"7ull", 7, false}, {"7l", 7, false}, {"7LL", 7, false},
		{"9223372036854775807", INT64_MAX, false}, {"9223372036854775808", 1ull << 63, true},
		{"18446744073709551615", UINT64_MAX, true}, {"0xffffffffffffffff", UINT64_MAX, true},
		{"1ns", 1, false}, {"2us", 2000, false}, {"3ms", 3000000, false},
		{"4s", 4000000000, false}, {"1m", 60000000000, false}, {"1h", 3600000000000, false},
		{"1d", 86400000000000, false}, {"0e99", 0, false},
		{"'a'", 'a', false}, {"'\\n'", '\n', false}, {"'\\''", '\'', false}, {"'\\x41'", 'A', false},
	};
	struct fixture f;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token t;

		start(&f, rows[i].text);
		t = lex_next(&f.lexer);
		assert_int_equal(t.kind, TOK_INT);
		assert_int_equal(t.value, rows[i].value);
		assert_int_equal(t.is_unsigned, rows[i].is_unsigned);
		assert_int_equal(t.at.len, strlen(rows[i].text));
		assert_int_equal(lex_next(&f.lexer).kind, TOK_END);
		assert_int_equal(f.diag.errors, 0);
		arena_free(&f.arena);
	}
}

static void strings(void **state)
{
	static const struct {
		const char *text, *value;
		u32 len;
	} rows[] = {
		{"\"\"", "", 0}, {"\"ab c\"", "ab c", 4}, {"\"\\n\\t\\\\\\\"\"", "\n\t\\\"", 4},
		{"\"\\x41\\101\\0\"", "AA", 3}, {"\"\\e[1m\"", "\033[1m", 4}, {"\"\\1234\"", "S4", 2},
		{"\"a\\\nb\"", "ab", 2}, {"\"// no comment\"", "// no comment", 13},
	};
	struct fixture f;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token t;

		start(&f, rows[i].text);
		t = lex_next(&f.lexer);
		assert_int_equal(t.kind, TOK_STR);
		assert_string_equal(t.text, rows[i].value);
		assert_int_equal(t.len, rows[i].len);
		assert_int_equal(lex_next(&f.lexer).kind, TOK_END);
		arena_free(&f.arena);
	}
}

/* Each token of puncts.def, alone and beside others: the longest one is taken. */
static void punctuation(void **state)
{
	static const struct {
		u8 kind;
		const char *text;
	} rows[] = {
#define PUNCT(NAME, text)   {TOK_##NAME, text},
#define MARK(NAME, c, text) PUNCT(NAME, text)
#include "script/puncts.def"
#undef MARK
#undef PUNCT
	};
	struct fixture f;
	char text[16];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		start(&f, rows[i].text);
		assert_int_equal(lex_next(&f.lexer).kind, rows[i].kind);
		assert_int_equal(lex_next(&f.lexer).kind, TOK_END);
		arena_free(&f.arena);
		snprintf(text, sizeof(text), "a%sb", rows[i].text);
		start(&f, text);
		assert_int_equal(lex_next(&f.lexer).kind, TOK_NAME);
		assert_int_equal(lex_next(&f.lexer).kind, rows[i].kind);
		assert_int_equal(lex_next(&f.lexer).kind, TOK_NAME);
		arena_free(&f.arena);
	}
	start(&f, "a+++b");
	lex_next(&f.lexer);
	assert_int_equal(lex_next(&f.lexer).kind, TOK_INC);
	assert_int_equal(lex_next(&f.lexer).kind, TOK_ADD);
	arena_free(&f.arena);
}

static void names_and_places(void **state)
{
	static const struct {
		u8 kind;
		const char *text;
		u32 line, col, len;
	} rows[] = {
		{TOK_NAME, "begin", 2, 1, 5},  {TOK_MAP, "m", 2, 7, 2},	   {TOK_MAP, "", 4, 2, 1},
		{TOK_VAR, "x_1", 4, 4, 4},     {TOK_PARAM, "1", 4, 9, 2},  {TOK_PARAM, "#", 4, 12, 2},
		{TOK_NAME, "_a9", 6, 1, 3},    {TOK_END, "", 6, 4, 0},
	};
	struct fixture f;

	(void)state;
	start(&f, "#!/usr/bin/env waggle\nbegin @m // to the end\n/* a\t*/\n\t@ $x_1 $1 $# /* two\nlines */\n_a9");
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token t = lex_next(&f.lexer);

		assert_int_equal(t.kind, rows[i].kind);
		assert_string_equal(t.text, rows[i].text);
		assert_int_equal(t.at.line, rows[i].line);
		assert_int_equal(t.at.col, rows[i].col);
		assert_int_equal(t.at.len, rows[i].len);
	}
	arena_free(&f.arena);
}

static void what_is_no_token(void **state)
{
	static const struct {
		const char *source, *says;
		u32 line, col;
	} rows[] = {
		{"0x", "not a number", 1, 1}, {" 12ab", "not a number", 1, 2}, {"0b2", "not a number", 1, 1},
		{"1e", "not a number", 1, 1}, {"5uuuu", "not a number", 1, 1},
		{"18446744073709551616", "does not fit", 1, 1}, {"1e20", "does not fit", 1, 1},
		{"300000000d", "does not fit", 1, 1},
		{"\n \"abc", "does not end on its line", 2, 2}, {"\"abc\n\"", "does not end on its line", 1, 1},
		{"\"\\q\"", "unknown escape", 1, 2}, {"'ab'", "holds one character", 1, 1},
		{"''", "holds one character", 1, 1}, {"/* x", "does not end", 1, 1}, {"$", "a name must follow", 1, 1},
		{"$1x", "not a parameter", 1, 1}, {"`", "no token begins", 1, 1}, {"\x80", "no token begins", 1, 1},
	};
	struct fixture f;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		start(&f, rows[i].source);
		assert_int_equal(lex_next(&f.lexer).kind, TOK_BAD);
		assert_int_equal(f.diag.errors, 1);
		assert_non_null(strstr(f.heard.text, rows[i].says));
		assert_int_equal(f.heard.line, rows[i].line);
		assert_int_equal(f.heard.col, rows[i].col);
		arena_free(&f.arena);
	}
}

static void probes(void **state)
{
	static const struct {
		const char *source, *text, next;
	} rows[] = {
		{"begin{", "begin", '{'}, {" begin /1/ {", "begin", '/'}, {"begin/1/{", "begin", '/'},
		{"t:a:b*,t:c:d", "t:a:b*", ','}, {"interval:s:1 {", "interval:s:1", '{'},
		{"uprobe:/bin/cat:main /x/", "uprobe:/bin/cat:main", '/'},
		{"// no\nend{", "end", '{'}, {"x:[a-c]?:y{", "x:[a-c]?:y", '{'},
	};
	struct fixture f;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token t;

		start(&f, rows[i].source);
		t = lex_probe(&f.lexer);
		assert_int_equal(t.kind, TOK_NAME);
		assert_string_equal(t.text, rows[i].text);
		assert_int_equal(*lex_next(&f.lexer).text, rows[i].next);
		arena_free(&f.arena);
	}
	start(&f, "  ");
	assert_int_equal(lex_probe(&f.lexer).kind, TOK_END);
	arena_free(&f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(strings),
		cmocka_unit_test(punctuation),
		cmocka_unit_test(names_and_places),
		cmocka_unit_test(what_is_no_token),
		cmocka_unit_test(probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
