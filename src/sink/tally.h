/*
 * tally.h: sums of stacks as a tree: what all formats of stacks are made of.
 *
 * A node is a frame below what called it; nothing is kept of stacks but their paths. Each name is kept
 * once, and asked for once in a map: what a stack costs is a look-up for each of its frames.
 */
#ifndef SINK_TALLY_H
#define SINK_TALLY_H

#include "base/dict.h"
#include "sink/sink.h"

enum frame_kind { FRAME_ALL, FRAME_LABEL, FRAME_USER, FRAME_KERNEL };

/* Never holds ';' or control characters. */
struct frame {
	const char *name; /* NUL-terminated; its kind is the byte before it */
	u32 len;
	u8 kind;     /* enum frame_kind */
	u32 drawing; /* for those who draw: where they keep its text */
};

struct tally_node {
	u32 frame, parent;
	u32 child, next;  /* 0: none; as tally_sort() left them */
	u64 self, count; /* stacks that end here; and with those that go on: tally_sort() */
};

/* Frames by address and process. */
struct addresses {
	struct address {
		u64 addr;
		u32 how, frame; /* frame: 0: free */
	} *v;
	u32 n, mask;
};

#define TALLY_DEPTH 1024 /* frames of a stack; what is deeper counts for the last one */

/* Sums by stack. Memory is its own. */
struct tally {
	struct arena arena;
	struct dict names;	    /* kind and name -> index in frames */
	vec(struct frame) frames;   /* [0]: all */
	vec(struct tally_node) nodes; /* [0]: all; one stands behind what called it */
	u32 *slots, mask;	    /* nodes by parent and frame; 0: free */
	struct addresses known;	    /* of the map that is being added */
	struct buf text;	    /* in which names are made */
	u32 at, depth;		    /* the stack that is being added */
	bool failed;		    /* no memory */
};
void tally_free(struct tally *);
/* Has the layout a stack, itself or in a tuple? */
bool has_stack(const struct layout *);
/* Adds a record or the entries of a map: the fields that are no stacks are frames at the root, then
 * come the frames of the process, then those of the kernel. Of a record, strings alone are frames;
 * its count is its last number with a unit, else 1. Nothing without stacks. */
void tally_record(struct tally *, const struct show *, const struct layout *, const u8 *data);
void tally_map(struct tally *, const struct show *, const struct map_contents *);
/* One stack by hand: a step for each frame, the root first; then it ends. */
void tally_step(struct tally *, enum frame_kind, const char *name, size_t len);
void tally_count(struct tally *, u64 count);
/* All of another, which becomes empty. */
void tally_move(struct tally *to, struct tally *from);

/* Sums up, and brings the children of each node in the order of their names. False: no memory. */
bool tally_sort(struct tally *);
/* The node behind this one, each before its children; below = false leaves the children out. 0: that was
 * all. *depth (0: all) goes with it. */
u32 tally_next(const struct tally *, u32 node, u32 *depth, bool below);

static inline const struct frame *tally_frame(const struct tally *t, u32 node)
{
	return &t->frames.v[t->nodes.v[node].frame];
}

#endif
