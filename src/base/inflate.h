/* inflate.h: unpacks what gzip packed (RFC 1951 and 1952): /proc/config.gz. */
#ifndef BASE_INFLATE_H
#define BASE_INFLATE_H

#include "base/buf.h"

/* Appends the contents of a gzip file, at most `most` bytes. 0; -EINVAL: it is broken; -E2BIG;
 * -ENOMEM. */
int gunzip(struct buf *out, const void *data, size_t size, size_t most);

#endif
