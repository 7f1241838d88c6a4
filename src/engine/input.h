/* input.h: what programs of a kind are run on when they are run by themselves. */
#ifndef ENGINE_INPUT_H
#define ENGINE_INPUT_H

#include "isa/isa.h"

enum engine_input {
	INPUT_CTX,    /* memory, which is the context */
	INPUT_XDP,    /* a packet, behind struct xdp_md */
	INPUT_FRAME,  /* a packet with its Ethernet header, behind struct __sk_buff */
	INPUT_PACKET, /* the same, but the program sees it from behind the Ethernet header on */
};
struct input_kind {
	u8 input;
	bool kernel;                 /* the kernel runs them by themselves, too */
	u16 ctx_size;                /* where nothing is given: zeroes */
	const char *const *verdicts; /* names of the first results, NULL at the end; or NULL */
};
const struct input_kind *input_kind(u32 prog_kind); /* never NULL */
/* "XDP_PASS"; NULL: the number has no name. */
const char *input_verdict(u32 prog_kind, u64 result);

#define INPUT_PACKET_BYTES 64 /* zeroes, where no packet is given */
#define ETHERNET_BYTES     14

#endif
