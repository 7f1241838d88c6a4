/* io.h: what every writer of a file does. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* Writes all n bytes, whatever interrupts it. -errno, when some of them may have been written. */
int write_all(int fd, const void *bytes, size_t n);

/* Wakes who reads the eventfd, if there is one (-1: none). That it is full means that the reader
 * was told often enough. */
static inline void eventfd_wake(int fd)
{
	const uint64_t one = 1;

	while (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

#endif
