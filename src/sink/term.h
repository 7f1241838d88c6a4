/*
 * term.h: what a sink knows of the terminal that it writes to, and pictures that are drawn again in
 * their place.
 *
 * In a pipe or a file all of it is 0: no colour, no width at which lines end, nothing is redrawn.
 */
#ifndef SINK_TERM_H
#define SINK_TERM_H

#include "base/buf.h"

enum colour { COLOUR_NONE, COLOUR_HEAD, COLOUR_BAR, COLOUR_DIM, COLOUR_BAD };
#define COLOUR_MOST 16 /* bytes that colour_on() and colour_off() write together */

struct term {
	bool tty;
	bool colour;       /* not with NO_COLOR, nor TERM=dumb */
	bool redraw;       /* pictures replace each other */
	u32 width, height; /* 0: not a terminal */
};
void term_open(struct term *, int fd);
/* Asks for the size once more. True: it has changed. */
bool term_look(struct term *, int fd);

char *colour_on(char *p, const struct term *, enum colour);
char *colour_off(char *p, const struct term *);

/* Takes from a line what is behind `width` columns, its newline and colours excepted. Returns the
 * new end. */
char *term_cut(char *line, char *end, u32 width);

/*
 * A picture: what one tick of an interval prints. It is gathered, and written where the one before
 * it stood, if nothing else was written since; line by line, each cut to the width, at most a
 * screen of them.
 */
struct picture {
	bool open;
	bool top; /* where it does not fit, its beginning is what matters: the rows of a table */
	size_t from; /* where it begins in the pending bytes */
	u64 ns;      /* its last record */
	u32 rows;    /* of it that are on the screen */
	u32 back;    /* of the one before */
	u32 number;
};
/* A record of that time comes: of a picture, or not. */
void picture_mark(struct picture *, struct buf *out, const struct term *, bool part, u64 ns);
void picture_close(struct picture *, struct buf *out, const struct term *);
/* The size has changed: the screen becomes empty. */
void picture_restart(struct picture *, struct buf *out);

#endif
