/*
 * test_yama.c: the levels of kernel.yama.ptrace_scope, from files that say them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "engine/user/user.h"

static int scope_of(const char *text)
{
	char path[] = "/tmp/test_yama.XXXXXX";
	int fd = mkstemp(path), scope;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	scope = yama_scope_at(path);
	unlink(path);
	return scope;
}

static void test_levels(void **state)
{
	(void)state;
	assert_int_equal(scope_of("0\n"), 0);
	assert_int_equal(scope_of("1\n"), 1);
	assert_int_equal(scope_of("2\n"), 2);
	assert_int_equal(scope_of("3\n"), 3);
	assert_int_equal(scope_of(""), 0);
	assert_int_equal(scope_of("no number\n"), 0);
	assert_int_equal(yama_scope_at("/nonexistent/ptrace_scope"), 0);
}

static void test_reasons(void **state)
{
	(void)state;
	assert_non_null(strstr(yama_why(0), "another tracer"));
	assert_non_null(strstr(yama_why(1), "ptrace_scope is 1"));
	assert_non_null(strstr(yama_why(2), "ptrace_scope is 2"));
	assert_non_null(strstr(yama_why(3), "ptrace_scope is 3"));
	assert_non_null(strstr(yama_why(4), "ptrace_scope is 3"));
}

/* Notifications need memory of tasks that are not traced: else ptrace serves. */
static void test_reading(void **state)
{
	static const bool want[4][2] = {{true, true}, {false, true}, {false, true}, {false, false}};

	(void)state;
	for (int scope = 0; scope < 4; scope++)
		for (int root = 0; root < 2; root++)
			assert_int_equal(yama_lets_read(scope, root), want[scope][root]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
