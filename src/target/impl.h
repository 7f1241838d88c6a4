/*
 * impl.h: what the files of this room share.
 */
#ifndef TARGET_IMPL_H
#define TARGET_IMPL_H

#include "target/target.h"

#define TP_NAME_MOST 128 /* bytes of a category or a name, more than any kernel has */

#define TP_ENOUGH "print fmt:" /* what stands in a tracefs format behind its fields */
/* Reads a tracefs format; strings go to the arena. NULL: it is none. */
struct tp_format *tp_parse(struct arena *, const char *category, const char *name, const char *text,
			   size_t size);
/* Appends a field the way tracefs writes it. */
void tp_write_field(struct buf *, const struct tp_field *);
/* A word that can be a category or a name of a tracepoint (and no path). */
bool tp_is_name(const char *);

/* Runs what follows with the arena's escape set: TARGET_GUARD(t) { ... } else out of memory. */
#define TARGET_GUARD(arena_, jump_) ((arena_)->escape = &(jump_), !setjmp(jump_))

#endif
