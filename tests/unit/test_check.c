/*
 * test_check.c: the checker of scripts: the type of every kind of expression, and what it says
 * about scripts that make no sense.
 *
 * The machine is the saved one of tests/golden.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "script/script.h"

#define TARGET "tests/golden/target.waggle-target"
#define OPEN   "tracepoint:syscalls:sys_enter_openat"

struct heard {
	char text[512], hint[256];
	u32 line, col;
};

static void hear(void *user, const struct waggle_diag *d)
{
	struct heard *h = user;

	if (*h->text) /* the first one */
		return;
	snprintf(h->text, sizeof(h->text), "%s", d->text);
	snprintf(h->hint, sizeof(h->hint), "%s", d->hint ? d->hint : "");
	h->line = d->line, h->col = d->col;
}

struct fixture {
	struct arena arena;
	struct diag diag;
	struct heard heard;
	struct script script;
	struct point *points;
	struct target *target;
	struct buf saved;
};

static int setup(void **state)
{
	struct fixture *f = *state = calloc(1, sizeof(*f));
	FILE *in = fopen(TARGET, "r");
	struct diag quiet = {0};
	int c;

	if (!f || !in)
		return -1;
	while ((c = getc(in)) != EOF)
		buf_char(&f->saved, (char)c);
	fclose(in);
	return target_open(&f->target, f->saved.p, f->saved.n, &quiet);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	target_close(f->target);
	buf_free(&f->saved);
	free(f);
	return 0;
}

static int check(struct fixture *f, const char *source)
{
	static char number[] = "42", word[] = "word", negative[] = "-7";
	static char *params[] = {number, word, negative};
	int err;

	f->heard = (struct heard){.line = 0};
	f->diag = (struct diag){.fn = hear, .user = &f->heard, .text = source,
				.size = strlen(source)};
	f->script = (struct script){.arena = &f->arena, .diag = &f->diag, .target = f->target,
				    .argc = ARRAY_SIZE(params), .argv = params};
	f->points = NULL;
	err = script_parse(&f->script, source, strlen(source));
	if (!err)
		err = script_points(&f->script, &f->points);
	return err ? err : script_check(&f->script, f->points);
}

/* The type of $v in the first probe. */
static void expect_type(struct fixture *f, const char *source, const char *want)
{
	int err = check(f, source);

	if (err)
		print_message("%s: %s\n", source, f->heard.text);
	assert_int_equal(err, 0);
	for (struct script_var *v = f->points->vars; v; v = v->next)
		if (!strcmp(v->name, "v"))
			assert_string_equal(TYPE_NAME(v->type), want);
	arena_free(&f->arena);
}

static void types_of_values(void **state)
{
	static const char *const rows[][2] = {
		{"1", "int64"}, {"18446744073709551615", "uint64"}, {"5u", "int64"}, {"-1", "int64"},
		{"\"abc\"", "string[4]"}, {"comm", "string[16]"}, {"pid", "uint32"}, {"nsecs", "uint64"},
		{"pid()", "uint32"}, {"$1", "int64"}, {"$2", "string[5]"}, {"$3", "int64"}, {"$#", "int64"},
		{"$9", "int64"}, {"str($2)", "string[5]"}, {"str($2 + 1)", "string[4]"},
		{"str($2, 2)", "string[3]"}, {"str(0)", "string[1024]"}, {"str(0, 10)", "string[11]"},
		{"str(comm, 4)", "string[5]"},
		{"pid + 1", "int64"}, {"nsecs + 1", "uint64"}, {"nsecs - -1", "uint64"},
		{"pid - cpu", "int64"}, {"nsecs == 1", "bool"}, {"nsecs && 1", "bool"}, {"!nsecs", "bool"},
		{"~nsecs", "uint64"}, {"-pid", "int64"}, {"1 << nsecs", "int64"}, {"nsecs << 1", "uint64"},
		{"comm == \"x\"", "bool"}, {"pid ? comm : \"a string of twenty\"", "string[19]"},
		{"pid ? pid : -1", "int64"}, {"pid ? 1 : nsecs", "uint64"}, {"5 > 3 ? 1 : 2", "int64"},
	};
	struct fixture *f = *state;
	char source[256];

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(source, sizeof(source), "begin { $v = %s; }", rows[i][0]);
		expect_type(f, source, rows[i][1]);
	}
}

static void types_of_arguments(void **state)
{
	static const char *const rows[][3] = {
		{OPEN, "args.filename", "int8 *"}, {OPEN, "str(args.filename)", "string[1024]"},
		{OPEN, "args.dfd", "int32"}, {OPEN, "args.mode", "uint16"}, {OPEN, "args->flags", "int32"},
		{"tracepoint:sched:sched_switch", "args.prev_comm", "string[16]"},
		{"tracepoint:sched:sched_switch", "args.prev_state", "int64"},
		{"tracepoint:sched:sched_process_exec", "args.filename", "string[1024]"},
		{"tracepoint:syscalls:sys_exit_read", "args.ret", "int64"},
	};
	struct fixture *f = *state;
	char source[256];

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(source, sizeof(source), "%s { $v = %s; }", rows[i][0], rows[i][1]);
		expect_type(f, source, rows[i][2]);
	}
}

/* A variable, a map, a key must hold all that is put into it, wherever that is. */
static void types_are_joined(void **state)
{
	struct fixture *f = *state;
	struct script_map *m;

	expect_type(f, "begin { $v = \"ab\"; $v = \"abcdef\"; }", "string[7]");
	expect_type(f, "begin { $v = @m; } end { @m = \"abcdef\"; }", "string[8]");
	expect_type(f, "begin { $v = @a; @a = @b; } end { @b = @c; @c = nsecs; }", "uint64");
	expect_type(f, "begin { $v = 1; $v = nsecs; }", "uint64");
	assert_int_equal(check(f, "begin { @m[\"a\", 1] = 1; } end { @m[comm, pid] = -1; }"), 0);
	m = f->script.maps;
	assert_int_equal(m->nkeys, 2);
	assert_string_equal(TYPE_NAME(m->keys[0]), "string[16]");
	assert_int_equal(m->keys[1].kind, TYPE_INT);
	assert_string_equal(TYPE_NAME(m->value), "int64");
	arena_free(&f->arena);
	assert_int_equal(check(f, "begin { @h[pid] = hist(nsecs); @s = stats(-1); }"), 0);
	assert_string_equal(TYPE_NAME(f->script.maps->value), "hist");
	assert_int_equal(f->script.maps->value.is_signed, 0);
	assert_string_equal(TYPE_NAME(f->script.maps->next->value), "stats");
	assert_int_equal(f->script.maps->next->value.is_signed, 1);
	arena_free(&f->arena);
}

static void sentences(void **state)
{
	static const struct {
		const char *source, *says, *hint;
		u32 line, col;
	} rows[] = {
		{"begin { print(pidd); }", "'pidd' is not known", "did you mean 'pid'?", 1, 15},
		{"begin { prinf(1); }", "there is no function 'prinf'", "did you mean 'print", 1, 9},
		{"begin { debugf(1); }", "debugf() is not there yet", "help functions", 1, 9},
		{"begin { @ = debugf(1); }", "debugf() is not there yet", "help functions", 1, 13},
		{"begin { print(hist); }", "'hist' is a function", "@m = hist(n, bits)", 1, 15},
		{"begin { print(args); }", "begin has no arguments with names", "", 1, 15},
		{"begin { print(args.x); }", "begin has no arguments", "tracepoints", 1, 15},
		{OPEN " { print(args.filenam); }", "has no argument 'filenam'", "'filename'", 1, 51},
		{OPEN " { print(args.dfd.x); }", "an int32 has no fields", "", 1, 55},
		{"begin { $a = 1;\n $b = $aa; }", "$aa has no value", "did you mean '$a'?", 2, 7},
		{"begin { print($x); $x = 1; }", "$x has no value here yet", "$x = 0;", 1, 15},
		{"begin { $x++; }", "$x has no value", "$x = 0;", 1, 9},
		{"begin { $x = 1; $x = \"s\"; }", "$x is an int64 elsewhere, a string[2] here", "one type", 1, 17},
		{"begin { @x = 1; @x = \"s\"; }", "@x holds int64 elsewhere, string[8] here", "one type", 1, 17},
		{"begin { @x = count(); @x = 1; }", "@x holds count elsewhere", "", 1, 23},
		{"begin { @x[1] = 1; @x = 2; }", "@x has 0 keys here and 1 elsewhere", "same keys", 1, 20},
		{"begin { @x[1] = 1; @x[comm] = 2; }", "key 1 of @x is a string[16] here and an int64", "", 1, 23},
		{"begin { @c = hist(1); print(@c + 1); }", "it is no number", "print(@m)", 1, 29},
		{"begin { print(@nowhere); }", "there is no map @nowhere", "@x = 1;", 1, 15},
		{"begin { @a = @b; }", "@b never gets a value", "@x = 1;", 1, 14},
		{"begin { printf(\"%d\\n\"); }", "1 conversion, but there are 0 arguments", "", 1, 9},
		{"begin { printf(\"%d\\n\", comm); }", "argument 1 of printf() is a string[16]", "%s", 1, 24},
		{"begin { printf(\"%s\\n\", pid); }", "argument 1 of printf() is a uint32", "%d", 1, 24},
		{"begin { printf(\"%y\\n\", pid); }", "'%y' is not a conversion", "%d", 1, 16},
		{"begin { printf(comm); }", "must be a string constant", "printf(", 1, 16},
		{"begin { emit(1 + 2); }", "this field has no name", "emit(size", 1, 16},
		{"begin { emit(pid, pid); }", "the name 'pid' is taken", "other = pid", 1, 19},
		{"begin { clear(1); }", "clear() takes a map", "clear(@m)", 1, 15},
		{"begin { exit(1, 2); }", "exit() cannot take 2 arguments", "exit(status)", 1, 9},
		{"begin { print(1, 2); }", "only maps have a top", "", 1, 18},
		{"begin { count(); }", "the result of count() is lost", "@m = count()", 1, 9},
		{"begin { $x = print(1); }", "print() has no value", "", 1, 14},
		{"begin { pid++; }", "not a variable or map", "", 1, 9},
		{"begin { break; }", "break stands outside of a loop", "", 1, 9},
		{"begin { while (1) { @n++; } }", "this loop never ends", "break", 1, 9},
		{"begin { if (comm) { } }", "if takes a number, not a string[16]", "", 1, 13},
		{"begin { $x = comm + 1; }", "'+' cannot take a string[16]", "numbers", 1, 14},
		{"begin { $x = comm == 1; }", "'==' cannot take a string[16]", "strings with strings", 1, 14},
		{"begin { $x = pid ? comm : 2; }", "a string[16] or an int64?", "", 1, 18},
		{"begin { $x = str(0, 5000); }", "cannot be that long", "1023", 1, 21},
		{"beginn { }", "'beginn' is no kind of probe", "did you mean 'begin'?", 1, 1},
		{"interval:x:1 { }", "'x' is no unit of time", "s, ms, us", 1, 1},
		{"interval:5w { }", "'w' is no unit of time", "ns, us, ms", 1, 1},
		{"interval:s:0 { }", "'0' is no number of intervals", "", 1, 1},
		{"interval { }", "not a probe of kind interval", "interval:s:1", 1, 1},
		{"tracepoint:syscalls:sys_enter_opena { }", "there is no tracepoint", "sys_enter_open", 1, 1},
		{"tracepoint:syscall:sys_enter_openat { }", "no category 'syscall'", "syscalls", 1, 1},
	};
	struct fixture *f = *state;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		int err = check(f, rows[i].source);

		if (!err || !strstr(f->heard.text, rows[i].says) ||
		    !strstr(f->heard.hint, rows[i].hint) || f->heard.line != rows[i].line ||
		    f->heard.col != rows[i].col)
			fail_msg("%s\n%u:%u: %s (%s)", rows[i].source, f->heard.line, f->heard.col,
				 f->heard.text, f->heard.hint);
		assert_true(f->diag.errors > 0);
		arena_free(&f->arena);
	}
}

static void intervals(void **state)
{
	static const struct {
		const char *spec;
		u64 ns;
	} rows[] = {{"interval:s:2", 2000000000}, {"i:ms:5", 5000000}, {"interval:us:7", 7000},
		    {"interval:hz:100", 10000000}, {"interval:1s", 1000000000}, {"i:2m", 120000000000},
		    {"interval:250ms", 250000000}, {"interval:1000", 1000}};
	struct fixture *f = *state;
	char source[64];

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(source, sizeof(source), "%s { }", rows[i].spec);
		assert_int_equal(check(f, source), 0);
		assert_int_equal(f->points->ns, rows[i].ns);
		arena_free(&f->arena);
	}
}

static void wildcards_give_many_points(void **state)
{
	struct fixture *f = *state;
	u32 n = 0;

	assert_int_equal(check(f, "tracepoint:syscalls:sys_enter_open* { $v = args.__syscall_nr; }"), 0);
	for (struct point *p = f->points; p; p = p->next, n++)
		assert_non_null(strstr(p->text, "sys_enter_open"));
	assert_true(n >= 4);
	arena_free(&f->arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(types_of_values, setup, teardown),
		cmocka_unit_test_setup_teardown(types_of_arguments, setup, teardown),
		cmocka_unit_test_setup_teardown(types_are_joined, setup, teardown),
		cmocka_unit_test_setup_teardown(sentences, setup, teardown),
		cmocka_unit_test_setup_teardown(intervals, setup, teardown),
		cmocka_unit_test_setup_teardown(wildcards_give_many_points, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
