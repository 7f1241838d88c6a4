/*
 * test_pre.c: the preprocessor of scripts: what text comes out, and where it says that it comes
 * from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "script/pre.h"

struct heard {
	char text[256], file[64];
	u32 line, col, len;
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct heard *h = user;

	snprintf(h->text, sizeof(h->text), "%s", d->text);
	snprintf(h->file, sizeof(h->file), "%s", d->file ? d->file : "");
	h->line = d->line, h->col = d->col, h->len = d->len;
}

static int read_header(const char *path, struct buf *out)
{
	if (!strcmp(path, "dir/deep.h"))
		buf_puts(out, "#pragma once\n#define DEEP 7\nint deep;\n");
	else if (!strcmp(path, "inc/loop.h"))
		buf_puts(out, "#include \"loop.h\"\n");
	else if (!strcmp(path, "inc/wrong.h"))
		buf_puts(out, "\n  #if\n");
	else
		return -ENOENT;
	return 0;
}

struct fixture {
	struct arena arena;
	struct diag diag;
	struct heard heard;
	struct script script;
	struct target target;
	struct target_ops ops;
	struct source_text out;
};

static int preprocess(struct fixture *f, const char *text)
{
	static char *dirs[] = {"inc", NULL};

	*f = (struct fixture){.diag = {.fn = hear, .text = text, .size = strlen(text)}};
	f->diag.user = &f->heard;
	f->diag.file = "dir/script.bt";
	f->target.ops = &f->ops;
	f->target.kernel = 6001;
	f->target.read = read_header;
	f->script = (struct script){.arena = &f->arena,
				    .diag = &f->diag,
				    .target = &f->target,
				    .include_dirs = dirs,
				    .self = {"dir/script.bt", text, strlen(text), false}};
	return script_preprocess(&f->script, text, strlen(text), 0, &f->out);
}

/* Words of the text, one blank between them. */
static void squeeze(const char *text, char *out)
{
	char *to = out;

	for (; *text; text++)
		if (*text != ' ' && *text != '\n')
			*to++ = *text;
		else if (to > out && to[-1] != ' ')
			*to++ = ' ';
	while (to > out && to[-1] == ' ')
		to--;
	*to = 0;
}

static const struct {
	const char *in, *out;
} texts[] = {
	{"a # b", "a # b"},
	{"#define A 1\nA B A1 \"A\" 'A' $A @A", "1 B A1 \"A\" 'A' $A @A"},
	{"#define A B\n#define B A\nA B", "A B"},
	{"#define A 1\n#undef A\nA", "A"},
	{"#define F(a, b) a-b\nF(1, (2, 3)) F F(F(1, 2), 3)", "1-(2, 3) F 1-2-3"},
	{"#define F() x\nF()", "x"},
	{"#define S(a) #a\nS( b  \"c\" )", "\"b \\\"c\\\"\""},
	{"#define J(a, b) a ## b\n#define x y\nJ(x, 1) J(x,)", "x1 y"},
	{"#define V(f, ...) p(f, __VA_ARGS__)\nV(1, 2, 3)", "p(1, 2, 3)"},
	{"#define A 1 \\\n + 2 // c\nA", "1 + 2"},
	{"#ifdef A\nno\n#else\nyes\n#endif", "yes"},
	{"#ifndef A\nyes\n#elif 1\nno\n#endif", "yes"},
	{"#if 0\n#if 1\nno\n#else\nno\n#endif\n#elif 2 > 1\nyes\n#else\nno\n#endif", "yes"},
	{"#if defined(A) || defined B || C\nno\n#endif\nx", "x"},
	{"#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0) && 1 ? (2 + 3) * 2 == 10 : "
	 "0\nyes\n#endif",
	 "yes"},
	{"#if 0\nunbalanced ' quote \" and /* comment\n#endif\nx", "x"},
	{"/* #define A 1 */ A\n// #define A 2\n#define B 3\nA B",
	 "/* #define A 1 */ A // #define A 2 A 3"},
	{"#include <linux/none.h>\nx", "x"},
	{"#include \"deep.h\"\nDEEP", "int deep; 7"},
	{"#define H \"deep.h\"\n#include H\nDEEP", "int deep; 7"},
	{"#!/usr/bin/env waggle\n#define A 1\nA", "#!/usr/bin/env waggle 1"},
	{"  #  define A 1\nA", "1"},
	{"uprobe:/lib/*:f { }\n#define A 1\nA", "uprobe:/lib/*:f { } 1"},
};

static void text_comes_out_as_in_c(void **state)
{
	struct fixture f;
	char out[256];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(texts); i++) {
		if (preprocess(&f, texts[i].in))
			fail_msg("%s: %s", texts[i].in, f.heard.text);
		squeeze(f.out.text, out);
		if (strcmp(out, texts[i].out) != 0)
			fail_msg("%s: %s", texts[i].in, out);
		arena_free(&f.arena);
	}
}

static const struct {
	const char *in, *text, *file;
	u32 line, col;
} wrong[] = {
	{"\n#if 1\n", "this #if does not end", "dir/script.bt", 2, 1},
	{"#endif", "#endif without #if", "dir/script.bt", 1, 1},
	{"#else", "#else without #if", "dir/script.bt", 1, 1},
	{"#if 1\n#else\n#else\n#endif", "a second #else", "dir/script.bt", 3, 1},
	{"#if 1\n#else\n#elif 1\n#endif", "#elif behind #else", "dir/script.bt", 3, 1},
	{"#if 1 +\n#endif", "this is no expression of numbers", "dir/script.bt", 1, 1},
	{"#if 1 / 0\n#endif", "this is no expression of numbers", "dir/script.bt", 1, 1},
	{"#define F(a) a\n  F(1, 2)", "F() takes 1 arguments, not 2", "dir/script.bt", 2, 3},
	{"#define F(a) a\nF(1", "the arguments of F( do not end", "dir/script.bt", 2, 1},
	{"#define F(1) a", "the parameters of F are no list of names", "dir/script.bt", 1, 1},
	{"#define 1 a", "a name must follow #define", "dir/script.bt", 1, 1},
	{"#include \"none.h\"", "there is no file 'none.h'", "dir/script.bt", 1, 1},
	{"#include", "#include what?", "dir/script.bt", 1, 1},
	{"#include <loop.h>", "files include each other here", "inc/loop.h", 1, 1},
	{"#include <wrong.h>", "this is no expression of numbers", "inc/wrong.h", 2, 3},
	{"#error so it is", "so it is", "dir/script.bt", 1, 1},
	{"#nonsense", "this line of the preprocessor is not understood", "dir/script.bt", 1, 1},
	{"#define A B B B B B B B B\n#define B C C C C C C C C\n#define C D D D D D D D D\n"
	 "#define D E E E E E E E E\n#define E F F F F F F F F\n#define F G G G G G G G G\n"
	 "#define G H H H H H H H H\n#define H I I I I I I I I\nA",
	 "macros make more than 4 MiB of text of this", "dir/script.bt", 9, 1},
};

static void errors_say_where(void **state)
{
	struct fixture f;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (preprocess(&f, wrong[i].in) != -EINVAL)
			fail_msg("%s: no error", wrong[i].in);
		if (strcmp(f.heard.text, wrong[i].text) || strcmp(f.heard.file, wrong[i].file) ||
		    f.heard.line != wrong[i].line || f.heard.col != wrong[i].col)
			fail_msg("%s: %s:%u:%u: %s", wrong[i].in, f.heard.file, f.heard.line,
				 f.heard.col, f.heard.text);
		assert_int_equal(f.diag.errors, 1);
		arena_free(&f.arena);
	}
}

/* Tokens know their place: behind an expansion, in a macro, in a header. */
static void places_are_those_of_the_source(void **state)
{
	static const struct {
		const char *text;
		u32 file, line, col, len;
	} tokens[] = {
		{"int", 1, 3, 1, 3}, {"deep", 1, 3, 5, 4}, {";", 1, 3, 9, 1}, {"x", 0, 3, 3, 1},
		{"a", 0, 3, 5, 3},   {"b", 0, 3, 5, 3},    {"y", 0, 3, 9, 1}, {"z", 0, 6, 2, 1},
	};
	struct fixture f;
	struct lexer lex;

	(void)state;
	assert_int_equal(
		preprocess(&f,
			   "#include \"deep.h\"\n#define ABC a b\n  x ABC y\n#if 0\n#endif\n z"),
		0);
	lex_init(&lex, &f.arena, &f.diag, f.out.text, f.out.size, &f.out.map);
	for (u32 i = 0; i < ARRAY_SIZE(tokens); i++) {
		struct token t = lex_next(&lex);

		assert_string_equal(t.text, tokens[i].text);
		assert_int_equal(t.at.file, tokens[i].file);
		assert_int_equal(t.at.line, tokens[i].line);
		assert_int_equal(t.at.col, tokens[i].col);
		assert_int_equal(t.at.len, tokens[i].len);
	}
	assert_int_equal(lex_next(&lex).kind, TOK_END);
	arena_free(&f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_comes_out_as_in_c),
		cmocka_unit_test(errors_say_where),
		cmocka_unit_test(places_are_those_of_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
