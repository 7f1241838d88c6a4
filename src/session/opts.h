/* opts.h: the options of a caller, who may have been built with an older or a newer waggle.h. */
#ifndef SESSION_OPTS_H
#define SESSION_OPTS_H

#include "base/base.h"
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

#endif
