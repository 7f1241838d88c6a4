/*
 * buf.h: a growing string of bytes, for text and files that are being written.
 *
 * Memory is malloc'ed. When it ends, `failed` is set, further appends do nothing, and the user of
 * the buffer sees it once at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
	char *p; /* not NUL-terminated: see buf_str() */
	size_t n, cap;
	bool failed;
};

void buf_free(struct buf *);
char *buf_reserve(struct buf *, size_t more); /* room for `more` bytes after n, or NULL */
void buf_add(struct buf *, const void *, size_t);
void buf_puts(struct buf *, const char *);
void buf_char(struct buf *, char);
void buf_printf(struct buf *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_u64(struct buf *, u64);	 /* decimal */
void buf_s64(struct buf *, s64);	 /* decimal */
void buf_hex(struct buf *, u64);	 /* without 0x */
void buf_pad(struct buf *, size_t to);	 /* zero bytes until n is a multiple of `to` */
const char *buf_str(struct buf *);	 /* NUL-terminated view, good until the next append */

#endif
