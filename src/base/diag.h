/*
 * diag.h: what the library says to people: place, what is wrong, what to do.
 *
 * A struct diag is a channel: where messages go and, while a source is being compiled, which
 * source their places refer to. Every function that can fail for a reason worth a sentence takes
 * one; NULL fields are fine.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include "base/base.h"
#include "waggle.h"

/* A place in a source: line and column from 1 (0: no place), length in bytes. */
struct loc {
	u32 line;
	u16 col, len;
	u32 file; /* 0: the source itself; else its number among those that it brings in */
};

/* A source that the first one brings in. */
struct diag_file {
	const char *name, *text;
	size_t size;
	bool header; /* C: only its types and constants are of interest */
};

struct diag {
	void (*fn)(void *user, const struct waggle_diag *);
	void *user;
	const char *file, *text; /* the source being compiled, or NULL */
	size_t size;
	const struct diag_file *files; /* [file - 1] of a place */
	u32 nfiles;
	u32 errors; /* how many were reported */
};

/* Reports at a place; hint may be NULL. Always returns -EINVAL, for `return diag_error(...)`. */
int diag_error(struct diag *, struct loc, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void diag_warn(struct diag *, struct loc, const char *hint, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* The same without a place, for a failure with a known errno; returns err (negative). */
int diag_fail(struct diag *, int err, const char *hint, const char *fmt, ...) PRINTF_LIKE(4, 5);
void diag_note(struct diag *, const char *hint, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The candidate nearest to `word` (edit distance with transpositions, at most a third of its
 * length), for "did you mean". Feed candidates one by one; best is NULL while none is near. */
struct near {
	const char *word; /* NULL: nothing is near */
	const char *best;
	u32 distance;
};
void near_try(struct near *, const char *candidate);

#endif
