/*
 * format.h: printf over typed fields, in two halves: a format and a layout become a list of steps
 * once, and the steps run for each record without parsing anything.
 *
 * The conversions are C's (d i u x X o c p s, %%) with C's flags, width and precision, and r, rx
 * and rh for bytes. Lengths are C's too: hh and h take the low 8 and 16 bits, l, ll, j, z and t 64.
 * Without one, a field of 8 bytes is shown whole (so %d never cuts a number short) and a smaller
 * one as a 32-bit number, as C promotes it. %s takes every kind of field: what is not a string is
 * shown as print() would show it.
 */
#ifndef SINK_FORMAT_H
#define SINK_FORMAT_H

#include "base/buf.h"
#include "object/object.h"
#include "sink/value.h"

struct step;
struct format {
	struct step *steps;
	u32 n;
	u32 most;                /* bytes that it writes at most */
	const struct show *show; /* may be set when compiled; else NULL */
};

#define FORMAT_WIDTH_MOST 4096 /* of a width or precision */

/* `l` was checked by layout_check() and outlives the format, as `text` does. */
int format_compile(struct format *, struct arena *, const char *text, const struct layout *l,
		   struct diag *);
/* Writes at p, which has room for most bytes; data has the size of the layout. Returns the end. */
char *format_run(const struct format *, char *p, const u8 *data);

/* A step list made by hand. */
void format_text(struct format *, struct arena *, const char *text, u32 len);
/* A field as print() shows it. */
void format_value(struct format *, struct arena *, const struct field *);
#endif
