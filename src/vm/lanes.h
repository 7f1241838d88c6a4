/*
 * lanes.h: a classic filter over many packets: machine code for eight of them at once.
 *
 * The packets lie in one piece of memory: a mapped file, a ring, an array of frames. Whoever knows
 * where they are fills groups, and finds in each what the filter returns for its packets.
 */
#ifndef VM_LANES_H
#define VM_LANES_H

#include "isa/cbpf.h"
#include "vm/vm.h"

#define LANES 8
struct lanes_group {
	u32 offset[LANES];   /* of a packet's first byte, from the base */
	u32 captured[LANES]; /* bytes that are there; offset + captured: below 2 GiB */
	u32 len[LANES];      /* bytes that it had on the wire */
	u32 result[LANES];   /* out: how many bytes the filter wants, 0 for none */
} __attribute__((aligned(32)));

/* Of a filter that cbpf_check() took; it is copied. one: the same for one packet, which lives
 * longer; NULL: it is interpreted. 0 or -ENOMEM. What is neither at hand nor in the packet (tags,
 * marks, the network header's place) reads as 0. */
struct lanes;
int lanes_open(struct lanes **, const struct cbpf_insn *, u32 n, vm_direct_fn *one);
void lanes_close(struct lanes *); /* NULL is fine */

/* Fills in the results of `n` packets, which lie in (n + 7) / 8 groups; what the last group has
 * behind them is written over. readable: bytes from the base on that may be read. They are read up
 * to LANES_ROOM behind a packet; where there are not so many, at the end, packets go one by one.
 * No other byte is read. */
#define LANES_ROOM 192
void lanes_run(struct lanes *, const u8 *base, u64 readable, struct lanes_group *, u32 n);
/* How many of the `n` it takes; the same holds for what is behind them. */
u32 lanes_taken(struct lanes_group *, u32 n);
/* Does the filter run eight packets at once, at least its sieve? Else it is long, divides, or the
 * CPU has no AVX2. */
bool lanes_are_wide(const struct lanes *);
/* Does it look at the front of packets first, and closer at the few of which that is not enough? */
bool lanes_have_sieve(const struct lanes *);

#endif
