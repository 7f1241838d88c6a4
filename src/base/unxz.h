/* unxz.h: unpacks what xz packed (LZMA2): the small symbol tables that distributions leave in
 * stripped programs. */
#ifndef BASE_UNXZ_H
#define BASE_UNXZ_H

#include "base/buf.h"

/* Appends the contents of an xz file, at most `most` bytes. 0; -EINVAL: it is broken, or packed in
 * a way that is used for other things (filters for code); -E2BIG; -ENOMEM. */
int unxz(struct buf *out, const void *data, size_t size, size_t most);

u32 crc32_of(const void *data, size_t size); /* as xz, gzip and .gnu_debuglink have it */

#endif
