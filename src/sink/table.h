/*
 * table.h: the records of one emit() as rows of a table.
 *
 * Columns have places that follow from the layout and the width that there is. A cell that is
 * longer than its column moves those behind it, until blanks make up for it.
 */
#ifndef SINK_TABLE_H
#define SINK_TABLE_H

#include "sink/term.h"
#include "sink/value.h"

#define TABLE_WIDTH 80 /* where there is no terminal */

struct column {
	const struct field *field;
	const char *name; /* of the header */
	u8 form;          /* how its cells are written */
	bool right;
	u32 want, least, width;
	u32 from, to; /* columns of the screen */
};
struct table {
	struct column *columns;
	u32 n;
	u32 most;  /* bytes of a row with its newline */
	u32 width; /* for which it was laid out */
};

/* l passed layout_check() and outlives the table. */
void table_open(struct table *, struct arena *, const struct layout *);
/* Gives columns their places in so many columns of the screen; 0: TABLE_WIDTH. */
void table_place(struct table *, u32 width);
/* Appends the header with its newline. */
void table_header(const struct table *, struct buf *, const struct term *);
/* Writes a row with its newline at p, which has room for `most` bytes. Returns the end. */
char *table_row(const struct table *, const struct term *, const struct show *, char *p,
		const u8 *data);

#endif
