/*
 * emit.h: what the files that write classic BPF share: instructions with open targets.
 */
#ifndef FILTER_EMIT_H
#define FILTER_EMIT_H

#include "filter/inside.h"

#define EMIT_LOCAL 0x80000000u /* a target inside of a node; else an edge: node << 1 | is f */

#define EMIT_KEPT 8 /* words of M for values that are needed again: the last ones */
struct state {      /* values in A, X and words of M; 0: unknown */
	u32 a, x, kept[EMIT_KEPT];
	u32 saved; /* words of M in use, the first ones */
};
struct step {
	u16 code;
	u32 k;
	u32 t, f; /* of a branch */
	struct state before;
	bool branch;
};
struct emitter {
	const struct graph *g;
	struct values *values;
	struct arena *arena;
	vec(struct step) steps;
	u32 *edge_at;           /* by edge: where it arrives */
	vec(u32) local;         /* by local target: where it is */
	struct state now, *out; /* by node */
	u8 *keeps;              /* by value: the word of M that keeps it, from the last, plus 1 */
	u32 nkeeps;             /* values that are made while emitting are not kept */
	bool stores;            /* words of M are in use */
	bool swift;             /* as struct filter_opts has it */
	bool deep;              /* more than 16 words of M are needed */
};
void emit_step(struct emitter *, u16 code, u32 k);
void emit_branch(struct emitter *, u16 op, u32 k, u32 t, u32 f);
u32 emit_local(struct emitter *);
void emit_here(struct emitter *, u32 local);
/* emit_value.c: brings a value to A; or two, to A and X (true: they have changed places). */
void emit_value(struct emitter *, u32 value);
bool emit_two(struct emitter *, u32 a, u32 b, bool commutes);
void emit_keep(struct emitter *);
/* emit_set.c: is A in the set? */
void emit_set(struct emitter *, const struct node *, u32 t, u32 f);
/* emit_jump.c: targets become distances, with jumps on the way where those are too far. */
int emit_finish(struct emitter *, struct filter *, struct diag *);

#endif
