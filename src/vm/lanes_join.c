/*
 * lanes_join.c: ways that do the same, each at its place.
 *
 * In:  a classic filter. Out: one where such ways are one, which finds its place by X.
 *
 * Behind IPv6 ports are at fixed places, behind IPv4 where X says. A filter asks the same of both:
 * so the way with the fixed places sets X, and goes on as the other. As each packet goes but one
 * way, eight of them need one load, one test, one check of what was captured.
 */
#include "vm/lanes_inside.h"

#define BY_MOST 60 /* as a header's length from `ldxb 4*([k]&0xf)` */

struct join {
	struct cbpf_insn *in;
	u32 n;
	const u32 *live;
	u32 *as; /* by instruction: 1 + the one that does the same; 0: not asked yet */
	u32 by;  /* what X is to be */
};

static u32 skip_jumps(const struct join *j, u32 pc)
{
	while (j->in[pc].code == (BPF_JMP | BPF_JA))
		pc += 1 + j->in[pc].k;
	return pc;
}

/* Does q load from X what p loads from a fixed place? */
static bool moved(const struct cbpf_insn *p, const struct cbpf_insn *q, u32 by)
{
	return lane_is_abs(p) && lane_is_rel(q) && p->code == (q->code & ~0xe0) + BPF_ABS &&
	       p->k == q->k + by;
}

static bool equal(const struct cbpf_insn *p, const struct cbpf_insn *q)
{
	u32 reads, writes;

	lane_registers(p, &reads, &writes);
	return p->code == q->code && p->k == q->k && !((reads | writes) & 1u << LANE_X);
}

/* Do ways from p all that those from q do, if X is `by` there? Where they meet, X is no more. */
static bool same(struct join *j, u32 p, u32 q)
{
	const struct cbpf_insn *a, *b;

	p = skip_jumps(j, p);
	q = skip_jumps(j, q);
	if (p == q)
		return !(j->live[p] & 1u << LANE_X);
	if (j->as[p])
		return j->as[p] == 1 + q;
	j->as[p] = 1 + q;
	a = &j->in[p];
	b = &j->in[q];
	if (!moved(a, b, j->by) && !equal(a, b))
		return false;
	switch (cbpf_op(a)->way) {
	case CBPF_NEXT: return same(j, p + 1, q + 1);
	case CBPF_BRANCH:
		return same(j, p + 1 + a->jt, q + 1 + b->jt) &&
		       same(j, p + 1 + a->jf, q + 1 + b->jf);
	default: return true;
	}
}

static bool is_target(const struct join *j, u32 pc)
{
	for (u32 i = 0; i < pc; i++) {
		const struct cbpf_insn *in = &j->in[i];
		const u8 way = cbpf_op(in)->way;

		if ((way == CBPF_JUMP && i + 1 + in->k == pc) ||
		    (way == CBPF_BRANCH && (i + 1 + in->jt == pc || i + 1 + in->jf == pc)))
			return true;
	}
	return false;
}

static bool join(struct join *j, u32 p, u32 q)
{
	j->by = j->in[p].k - j->in[q].k;
	if (j->by > BY_MOST || !moved(&j->in[p], &j->in[q], j->by))
		return false;
	memset(j->as, 0, j->n * sizeof(*j->as));
	if (!same(j, p, q) || is_target(j, p + 1))
		return false;
	j->in[p] = (struct cbpf_insn){BPF_LDX | BPF_IMM, 0, 0, j->by};
	j->in[p + 1] = (struct cbpf_insn){BPF_JMP | BPF_JA, 0, 0, q - p - 2};
	return true;
}

void lanes_join(struct arena *arena, struct cbpf_insn *in, u32 n, const u32 *live)
{
	struct join j = {.in = in, .n = n, .live = live, .as = arena_array(arena, u32, n)};

	for (u32 p = 0; p < n; p++)
		for (u32 q = p + 2; q < n; q++)
			if (lane_is_abs(&in[p]) && lane_is_rel(&in[q]) && join(&j, p, q))
				break;
}
