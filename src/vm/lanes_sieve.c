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

bool lanes_sieve(struct cbpf_insn *in, u32 n)
{
	bool shorter = false;

	for (u32 i = 0; i < n; i++) {
		const bool far = lane_is_rel(&in[i]) ||
				 (lane_is_abs(&in[i]) && (u64)in[i].k + lane_bytes(&in[i]) > FRONT);

		shorter |= far;
		if (far)
			in[i] = (struct cbpf_insn)LANE_UNKNOWN;
	}
	return shorter;
}
