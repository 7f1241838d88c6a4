/* inflate.h: unpacks what gzip and zlib packed (RFC 1950 to 1952): /proc/config.gz, sections of ELF
 * files. */
#ifndef BASE_INFLATE_H
#define BASE_INFLATE_H

#include "base/buf.h"

/* Appends the contents of a gzip file, at most `most` bytes. 0; -EINVAL: it is broken; -E2BIG;
 * -ENOMEM. */
int gunzip(struct buf *out, const void *data, size_t size, size_t most);
/* The same of zlib's format. Its checksum is not looked at. */
int unzlib(struct buf *out, const void *data, size_t size, size_t most);

#endif
