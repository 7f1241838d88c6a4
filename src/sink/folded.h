/*
 * folded.h: stacks as one line, the root first: "comm;frame;frame". What `-f folded` writes and
 * flame graphs are made of.
 */
#ifndef SINK_FOLDED_H
#define SINK_FOLDED_H

#include "base/dict.h"
#include "sink/sink.h"

/* What a frame is: the byte in front of it in a marked line. */
enum frame_kind { FRAME_LABEL = 1, FRAME_USER = 2, FRAME_KERNEL = 3 };
enum folded_style { FOLDED_PLAIN, FOLDED_MARKED };

/* One field that is a stack. Frames never hold ';' or control characters. */
u32 folded_most(const struct field *);
char *put_folded(char *p, const struct show *, const struct field *, const u8 *data,
		 enum folded_style);

/* Has the layout a stack, itself or in a tuple? */
bool has_stack(const struct layout *);

/* Sums by line. Memory is its own. */
struct tally {
	struct arena arena;
	struct dict lines; /* -> index + 1 in counts */
	vec(u64) counts;
	struct buf line; /* for the caller to make a line in */
	bool failed;     /* no memory */
};
void tally_free(struct tally *);
void tally_add(struct tally *, const char *line, size_t n, u64 count);
/* All of another, which becomes empty. */
void tally_move(struct tally *to, struct tally *from);
/* Adds a record or the entries of a map: the fields that are no stacks are frames at the root, then
 * come the frames of the process, then those of the kernel. Of a record, strings alone are frames;
 * its count is its last number with a unit, else 1. Nothing without stacks. */
void tally_record(struct tally *, const struct show *, const struct layout *, const u8 *data);
void tally_map(struct tally *, const struct show *, const struct map_contents *);

/* Lines sorted so that those with the same root stand together. */
struct tally_row {
	const char *line;
	size_t n;
	u64 count;
};
/* In the tally's arena; NULL: no memory. */
struct tally_row *tally_sorted(struct tally *, u32 *n);

/* Frames of a row, the root first. */
struct frame {
	const char *name;
	u32 len;
	u8 kind;	 /* enum frame_kind */
	u64 from, count; /* for those who draw it: where it begins, how much went through it */
};
#define FRAMES_MOST 1024 /* that are drawn of one row */
/* The next frame of a row: [*p, end) without its mark; false: there is none. */
bool frame_next(const char **p, const char *end, struct frame *);
bool frame_same(const struct frame *, const struct frame *);

/* What a number of that name counts: "us", "lat_us", "usecs"; NULL: it does not say. *stem: bytes
 * without the ending. */
const char *unit_of_name(const char *name, size_t *stem);

/* flame_svg.c */
void flame_svg(struct buf *, struct tally *, const char *title, const char *unit);

#endif
