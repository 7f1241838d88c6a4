/*
 * lanes_sieve.c: a filter that looks at the front of packets alone.
 *
 * In:  a classic filter. Out: one that does not know what to say of packets for which it would look
 *      farther behind, or at a place that it has to compute.
 *
 * Most packets are done with then: they are of another protocol. The others are few, so all eight
 * lanes are theirs when the whole filter looks at them.
 */
#include "vm/lanes_inside.h"

#define FRONT 42 /* bytes: Ethernet with IPv4 or ARP */

static bool cut(struct cbpf_insn *in, u32 n)
{
	bool some = false;

	for (u32 i = 0; i < n; i++) {
		if (!lane_is_rel(&in[i]) &&
		    !(lane_is_abs(&in[i]) && (u64)in[i].k + lane_bytes(&in[i]) > FRONT))
			continue;
		in[i] = (struct cbpf_insn)LANE_UNKNOWN;
		some = true;
	}
	return some;
}

/* How many instructions can be reached; to: where each goes, UINT32_MAX: nowhere. */
static u32 number(const struct cbpf_insn *in, u32 n, u32 *to)
{
	u32 left = 0;

	for (u32 i = 1; i < n; i++)
		to[i] = UINT32_MAX;
	to[0] = 0;
	for (u32 i = 0; i < n; i++) {
		if (to[i] == UINT32_MAX)
			continue;
		to[i] = left++;
		switch (cbpf_op(&in[i])->way) {
		case CBPF_NEXT: to[i + 1] = 0; break;
		case CBPF_JUMP: to[i + 1 + in[i].k] = 0; break;
		case CBPF_BRANCH: to[i + 1 + in[i].jt] = to[i + 1 + in[i].jf] = 0; break;
		default: break;
		}
	}
	return left;
}

/* Leaves out what cannot be reached any more. */
static u32 close_gaps(struct cbpf_insn *in, u32 n, u32 *to)
{
	const u32 left = number(in, n, to);

	for (u32 i = 0; i < n; i++) {
		struct cbpf_insn is = in[i];

		if (to[i] == UINT32_MAX)
			continue;
		if (cbpf_op(&is)->way == CBPF_JUMP)
			is.k = to[i + 1 + is.k] - to[i] - 1;
		if (cbpf_op(&is)->way == CBPF_BRANCH) {
			is.jt = (u8)(to[i + 1 + is.jt] - to[i] - 1);
			is.jf = (u8)(to[i + 1 + is.jf] - to[i] - 1);
		}
		in[to[i]] = is;
	}
	return left;
}

u32 lanes_sieve(struct arena *arena, struct cbpf_insn *in, u32 n)
{
	return cut(in, n) ? close_gaps(in, n, arena_array(arena, u32, n)) : 0;
}
