/* io.h: what every writer of a file does. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>

/* Writes all n bytes, whatever interrupts it. -errno, when some of them may have been written. */
int write_all(int fd, const void *bytes, size_t n);

#endif
