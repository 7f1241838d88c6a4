/*
 * test_constants.c: the table of constants against the headers that it was made of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/if_ether.h>
#include <linux/limits.h>
#include <linux/prctl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "script/constant.h"

static void constants_are_those_of_the_headers(void **state)
{
	const struct constant_row rows[] = {
#define CONSTANT(name, value)        {#name, (s64)(name)},
#define KERNEL_CONSTANT(name, value) {#name, value},
#include "script/constants.def"
#undef CONSTANT
#undef KERNEL_CONSTANT
	};
	s64 value;

	(void)state;
	assert_true(ARRAY_SIZE(rows) > 500);
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(constant_named(rows[i].name, &value));
		if (value != rows[i].value)
			fail_msg("%s is %lld, not %lld", rows[i].name, (long long)rows[i].value,
				 (long long)value);
	}
	assert_true(constant_named("TASK_RUNNING", &value) && !value);
	assert_false(constant_named("TASK_RUNNIN", &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants_are_those_of_the_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
