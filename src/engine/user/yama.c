/*
 * yama.c: may we trace? What the Yama security module says, where there is one.
 *
 * In:  kernel.yama.ptrace_scope. Out: its level, 0 to 3; what a refusal means at that level.
 */
#include "engine/user/user.h"

#include <fcntl.h>

int yama_scope_at(const char *path)
{
	char c = '0';
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (read(fd, &c, 1) != 1 || c < '0' || c > '3')
			c = '0';
		close(fd);
	}
	return c - '0';
}

int yama_scope(void)
{
	return yama_scope_at("/proc/sys/kernel/yama/ptrace_scope");
}

const char *yama_why(int scope)
{
	static const char *const why[] = {
		"it belongs to somebody else, or another tracer (strace, gdb) watches it",
		"kernel.yama.ptrace_scope is 1: only own children may be traced",
		"kernel.yama.ptrace_scope is 2: only root may trace",
		"kernel.yama.ptrace_scope is 3: nobody may trace until the next boot",
	};

	return why[MIN((u32)scope, 3u)];
}

/* Memory of grandchildren, which are not traced, may be read at level 0, and by root. */
bool yama_lets_read(int scope, bool root)
{
	return !scope || (root && scope < 3);
}
