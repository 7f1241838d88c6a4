/* io.c: writing all of it; see io.h. */
#include "base/io.h"

#include <errno.h>
#include <unistd.h>

int write_all(int fd, const void *bytes, size_t n)
{
	for (const char *p = bytes, *end = p + n; p < end;) {
		ssize_t done = write(fd, p, (size_t)(end - p));

		if (done < 0 && errno != EINTR)
			return -errno;
		p += done > 0 ? done : 0;
	}
	return 0;
}
