/*
 * test_tp_format.c: the formats of tracepoints, and the patterns that choose them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "target/impl.h"

static u64 rng = 88172645463325252ull;

static u32 rnd(u32 n)
{
	rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
	return (u32)(rng >> 16) % n;
}

/* ---- formats */

static struct tp_format *parse(struct arena *a, const char *text)
{
	return tp_parse(a, "some", "thing", text, strlen(text));
}

#define COMMON                                                                 \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static void fields_of_all_shapes(void **state)
{
	static const char text[] =
		"name: thing\nID: 1234\nformat:\n" COMMON
		"\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
		"\tfield:const char * filename;\toffset:16;\tsize:8;\tsigned:0;\n"
		"\tfield:int flags;\toffset:24;\tsize:8;\tsigned:0;\n"
		"\tfield:char comm[16];\toffset:32;\tsize:16;\tsigned:1;\n"
		"\tfield:__data_loc char[] name;\toffset:48;\tsize:4;\tsigned:1;\n"
		"\tfield:__data_loc u64[] ips;\toffset:52;\tsize:4;\tsigned:0;\n"
		"\tfield:__rel_loc char[] where;\toffset:56;\tsize:4;\tsigned:1;\n"
		"\tfield:__u8 saddr_v6[16];\toffset:60;\tsize:16;\tsigned:0;\n"
		"\tfield:unsigned long args[6];\toffset:80;\tsize:48;\tsigned:0;\n"
		"\tfield:const char *const * argv;\toffset:128;\tsize:8;\tsigned:0;\n"
		"\tfield:struct sock *sk;\toffset:136;\tsize:8;\tsigned:0;\n"
		"\nprint fmt: \"field:int no;\\toffset:1;\\tsize:4;\", REC->flags\n";
	static const struct tp_field want[] = {
		{"__syscall_nr", "int", 8, 4, true, 0, 0, 0, 0, 0, 0},
		{"filename", "const char *", 16, 8, false, 0, 0, true, 0, 0, 0},
		{"flags", "int", 24, 8, false, 0, 0, 0, 0, 0, 0},
		{"comm", "char[16]", 32, 16, true, true, true, 0, 0, 0, 1},
		{"name", "__data_loc char[]", 48, 4, true, true, true, 0, true, 0, 1},
		{"ips", "__data_loc u64[]", 52, 4, false, true, 0, 0, true, 0, 8},
		{"where", "__rel_loc char[]", 56, 4, true, true, true, 0, true, true, 1},
		{"saddr_v6", "__u8[16]", 60, 16, false, true, 0, 0, 0, 0, 1},
		{"args", "unsigned long[6]", 80, 48, false, true, 0, 0, 0, 0, 8},
		{"argv", "const char *const *", 128, 8, false, 0, 0, true, 0, 0, 0},
		{"sk", "struct sock *", 136, 8, false, 0, 0, true, 0, 0, 0},
	};
	struct arena a = {0};
	struct tp_format *t = parse(&a, text);

	(void)state;
	assert_non_null(t);
	assert_string_equal(t->category, "some");
	assert_int_equal(t->nfields, ARRAY_SIZE(want));
	for (u32 i = 0; i < t->nfields; i++) {
		const struct tp_field *f = &t->fields[i], *w = &want[i];

		assert_string_equal(f->name, w->name);
		assert_string_equal(f->type, w->type);
		assert_int_equal(f->off, w->off);
		assert_int_equal(f->size, w->size);
		assert_int_equal(f->is_signed, w->is_signed);
		assert_int_equal(f->is_array, w->is_array);
		assert_int_equal(f->is_string, w->is_string);
		assert_int_equal(f->is_pointer, w->is_pointer);
		assert_int_equal(f->is_data_loc, w->is_data_loc);
		assert_int_equal(f->is_rel_loc, w->is_rel_loc);
		assert_int_equal(f->elem, w->elem);
	}
	assert_ptr_equal(tp_field(t, "sk"), &t->fields[10]);
	assert_null(tp_field(t, "common_pid"));
	arena_free(&a);
}

static void odd_formats(void **state)
{
	static const struct {
		const char *line, *name, *type;
		u32 size, elem;
	} rows[] = {
		/* a length that is a name: the element's type tells */
		{"field:char comm[TASK_COMM_LEN];\toffset:8;\tsize:16;\tsigned:0;", "comm",
		 "char[TASK_COMM_LEN]", 16, 1},
		{"field:u32 v[N];\toffset:8;\tsize:16;\tsigned:0;", "v", "u32[N]", 16, 4},
		{"field:struct thing v[N];\toffset:8;\tsize:16;\tsigned:0;", "v", "struct thing[N]",
		 16, 0},
		{"field:struct thing v[4];\toffset:8;\tsize:16;\tsigned:0;", "v", "struct thing[4]",
		 16, 4},
		{"field:u8 mac[2][6];\toffset:8;\tsize:12;\tsigned:0;", "mac", "u8[2][6]", 12, 1},
		{"field:unsigned long args[];\toffset:8;\tsize:0;\tsigned:0;", "args",
		 "unsigned long[]", 0, 8},
		{"field:__data_loc const char[] s;\toffset:8;\tsize:4;\tsigned:0;", "s",
		 "__data_loc const char[]", 4, 1},
		/* before 2.6.34 nothing said signed; spaces for tabs, and a carriage return */
		{"field:long x;\toffset:8;\tsize:8;", "x", "long", 8, 0},
		{"  field:  unsigned   x ; offset: 8 ; size: 4 ; signed: 0 ;\r", "x", "unsigned", 4,
		 0},
		{"field:char *name;\toffset:8;\tsize:8;\tsigned:0;", "name", "char *", 8, 0},
	};
	static const char *const none[] = {
		"field:;\toffset:8;\tsize:8;\tsigned:0;",
		"field:int;\toffset:8;\tsize:4;\tsigned:0;",
		"field:int x;\toffset:eight;\tsize:4;\tsigned:0;",
		"field:int x;\toffset:8;\tsize:99999999999;\tsigned:0;",
		"field:int x;\toffset:8",
		"field:]\toffset:8;\tsize:4;\tsigned:0;",
		"field:[];\toffset:8;\tsize:4;\tsigned:0;",
		"field:void (*fn)(int);\toffset:8;\tsize:8;\tsigned:0;",
	};
	struct arena a = {0};
	char text[512];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tp_format *t;

		snprintf(text, sizeof(text), "format:\n%s\n", rows[i].line);
		t = parse(&a, text);
		assert_non_null(t);
		assert_int_equal(t->nfields, 1);
		assert_string_equal(t->fields[0].name, rows[i].name);
		assert_string_equal(t->fields[0].type, rows[i].type);
		assert_int_equal(t->fields[0].size, rows[i].size);
		assert_int_equal(t->fields[0].elem, rows[i].elem);
	}
	for (u32 i = 0; i < ARRAY_SIZE(none); i++) {
		snprintf(text, sizeof(text), "format:\n%s\n", none[i]);
		assert_int_equal(parse(&a, text)->nfields, 0);
	}
	assert_null(parse(&a, ""));
	assert_null(parse(&a, "something else\n"));
	arena_free(&a);
}

static void any_bytes_as_format(void **state)
{
	static const char text[] =
		"ID: 7\nformat:\n" COMMON
		"\tfield:__data_loc char[] name;\toffset:48;\tsize:4;\tsigned:1;\n"
		"\tfield:u8 mac[2][6];\toffset:8;\tsize:12;\tsigned:0;\n";
	struct arena a = {0};

	(void)state;
	for (u32 i = 0; i < 20000; i++) {
		size_t n = i & 1 ? sizeof(text) - 1 : rnd(sizeof(text));
		char *bad = malloc(n + !n);

		memcpy(bad, text, n);
		for (u32 k = 1 + rnd(4); k-- && n;)
			bad[rnd((u32)n)] = "[];:\n\t _a9"[rnd(11)];
		tp_parse(&a, "c", "n", bad, n);
		free(bad);
		if (i % 1000 == 0)
			arena_free(&a);
	}
	arena_free(&a);
}

/* ---- patterns */

static void patterns_match_like_the_shell(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} rows[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "abc", true},
		{"a*c", "abbbc", true},
		{"a*c", "abbbd", false},
		{"*open*", "sys_enter_openat", true},
		{"sys_*_open", "sys_enter_openat", false},
		{"?", "", false},
		{"a?c", "abc", true},
		{"[a-c]x", "bx", true},
		{"[!a-c]x", "bx", false},
		{"[^a-c]x", "dx", true},
		{"[]a]", "]", true},
		{"[a", "[a", true},
		{"[a", "a", false},
		{"\\*", "*", true},
		{"\\*", "a", false},
		{"a\\", "a\\", true},
		{"*[0-9]", "abc7", true},
		{"**a**", "bab", true},
		{"*a*b*c", "xaxbxcx", false},
		{"a*", "b", false},
	};
	char text[5001], pattern[2001];

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (glob_match(rows[i].pattern, rows[i].text) != rows[i].match)
			fail_msg("'%s' against '%s'", rows[i].pattern, rows[i].text);
	/* many stars take no exponential time */
	memset(text, 'a', 5000);
	text[5000] = 0;
	for (u32 i = 0; i < 2000; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[1999] = 'b';
	pattern[2000] = 0;
	assert_false(glob_match(pattern, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_of_all_shapes),
		cmocka_unit_test(odd_formats),
		cmocka_unit_test(any_bytes_as_format),
		cmocka_unit_test(patterns_match_like_the_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
