/*
 * debug.h: what a program's debugging information tells of the functions where user probes are.
 */
#ifndef SCRIPT_DEBUG_H
#define SCRIPT_DEBUG_H

#include "script/script.h"

/* Whether it is known what the function of a uprobe takes: only at its first instruction. */
bool debug_exists(struct script *, struct point *);
/* Parameter n, 0: the first. index: of the argument, as in argN; kind UNKNOWN: it is no number or
 * pointer. False: it has no parameter n. */
bool debug_param(struct script *, struct point *, u32 n, const char **name, u32 *index,
		 struct type *);
bool debug_text(struct script *, struct point *, u32 n, struct buf *out); /* "const char * name" */
/* Fills the members of a struct that comes from there. */
void debug_members(struct script *, struct aggregate *);

#endif
