/* opts.h: the options of a caller, who may have been built with an older or a newer waggle.h. */
#ifndef SESSION_OPTS_H
#define SESSION_OPTS_H

#include "base/base.h"
#include "base/buf.h"
#include "waggle.h"

#include <errno.h>

/* Copies what the caller's struct has, the rest is zero. -EINVAL: no options, or a size that is not
 * even that of what every call needs (up to `user`). */
static inline int opts_copy(struct waggle_opts *to, const struct waggle_opts *from)
{
	*to = (struct waggle_opts){0};
	if (!from || from->sz < offsetof(struct waggle_opts, dump))
		return -EINVAL;
	memcpy(to, from, MIN(from->sz, sizeof(*to)));
	return 0;
}

/* Hands a text over to `out`, unless something went wrong, and frees it; err, or -ENOMEM. */
static inline int opts_give(const struct waggle_opts *o, struct buf *text, int err)
{
	if (text->failed)
		err = err ? err : -ENOMEM;
	else if (text->n && !err && o->out)
		o->out(o->user, buf_str(text), text->n);
	buf_free(text);
	return err;
}

#endif
