/*
 * emit_jump.c: targets of branches as distances.
 *
 * In:  steps with open targets, all of which lie ahead. Out: the program.
 *
 * A branch reaches 255 instructions. The program is written from its end, so where a target lies is
 * known; what is too far is reached by a `ja` behind the branch, or by a return of its own, which
 * others before it use as well while they reach it.
 */
#include "filter/emit.h"

#include <errno.h>

#define REACH 255

struct writer {
	struct emitter *e;
	vec(struct cbpf_insn) back; /* the last instruction first */
	u32 *at;                    /* by step: its place in `back` */
	u32 *near;                  /* by step: the place of the nearest jump to it, plus 1 */
	u32 *same, mask;            /* hashed: branches that others may become, step plus 1 */
};

static u32 target(const struct writer *w, u32 to)
{
	return to & EMIT_LOCAL ? w->e->local.v[to & ~EMIT_LOCAL] : w->e->edge_at[to];
}

/* How many instructions the next one to be written would pass to get there. */
static u32 distance(const struct writer *w, u32 step)
{
	u32 at = w->at[step];

	if (w->back.n - at - 1 > REACH && w->near[step])
		at = w->near[step] - 1;
	return w->back.n - at - 1;
}

/* A way to a step that is too far, here. */
static void relay(struct writer *w, u32 step)
{
	const struct step *s = &w->e->steps.v[step];
	struct cbpf_insn in = {.code = s->code, .k = s->k};

	/* the kernel takes what is not stored in front of a return for not stored behind it */
	if (s->code != (CBPF_RET | BPF_K) || w->e->stores)
		in = (struct cbpf_insn){.code = BPF_JMP | BPF_JA, .k = w->back.n - w->at[step] - 1};
	vec_push(w->e->arena, &w->back, in);
	w->near[step] = w->back.n;
}

static void put_branch(struct writer *w, const struct step *s)
{
	u32 t = target(w, s->t), f = target(w, s->f);
	struct cbpf_insn in;

	/* the second relay moves what the first one reached by one */
	while (distance(w, t) > REACH || distance(w, f) > REACH) {
		if (distance(w, f) > REACH)
			relay(w, f);
		if (distance(w, t) > REACH)
			relay(w, t);
	}
	in = (struct cbpf_insn){s->code, (u8)distance(w, t), (u8)distance(w, f), s->k};
	vec_push(w->e->arena, &w->back, in);
}

/* A branch that is only jumped to, and is the same as a later one, is that one. */
static bool is_twin(struct writer *w, u32 i)
{
	const struct step *s = &w->e->steps.v[i];
	u32 t = w->at[target(w, s->t)], f = w->at[target(w, s->f)], slot;

	slot = (s->code * 31u + s->k) * 0x9e3779b1u ^ t * 0x85ebca6bu ^ f * 0xc2b2ae35u;
	for (slot = (slot ^ slot >> 15) & w->mask; w->same[slot]; slot = (slot + 1) & w->mask) {
		const struct step *o = &w->e->steps.v[w->same[slot] - 1];

		if (o->code != s->code || o->k != s->k || w->at[target(w, o->t)] != t ||
		    w->at[target(w, o->f)] != f)
			continue;
		if (!i || !w->e->steps.v[i - 1].branch)
			return false;
		w->at[i] = w->at[o - w->e->steps.v];
		return true;
	}
	w->same[slot] = i + 1;
	return false;
}

int emit_finish(struct emitter *e, struct filter *out, struct diag *d)
{
	struct writer w = {.e = e};

	w.at = arena_array(e->arena, u32, e->steps.n);
	w.near = arena_array(e->arena, u32, e->steps.n);
	for (w.mask = 64; w.mask < e->steps.n * 2; w.mask *= 2)
		;
	w.same = arena_array(e->arena, u32, w.mask--);
	for (u32 i = e->steps.n; i-- > 0;) {
		const struct step *s = &e->steps.v[i];

		if (s->branch && is_twin(&w, i))
			continue;
		if (s->branch)
			put_branch(&w, s);
		else
			vec_push(e->arena, &w.back, (struct cbpf_insn){.code = s->code, .k = s->k});
		w.at[i] = w.back.n - 1;
	}
	if (w.back.n > CBPF_INSNS_MOST)
		return diag_fail(d, -E2BIG, NULL,
				 "the filter takes %u instructions, and the kernel takes %u",
				 w.back.n, CBPF_INSNS_MOST);
	out->insns.n = 0;
	for (u32 i = w.back.n; i-- > 0;)
		vec_push(e->arena, &out->insns, w.back.v[i]);
	return 0;
}
