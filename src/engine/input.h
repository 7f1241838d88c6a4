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
/* What becomes of the packet. */
enum input_fate { FATE_PASSED, FATE_DROPPED, FATE_REDIRECTED };
struct input_verdict {
	u32 value;
	const char *name;
	u8 fate;
};
struct input_kind {
	u8 input;
	bool kernel;                          /* the kernel runs them by themselves, too */
	u16 ctx_size;                         /* where nothing is given: zeroes */
	const struct input_verdict *verdicts; /* up to one without a name; or NULL */
	u8 other;                             /* enum input_fate of all other results */
};
const struct input_kind *input_kind(u32 prog_kind); /* never NULL */
/* "XDP_PASS"; NULL: the number has no name. */
const char *input_verdict(u32 prog_kind, u64 result);
enum input_fate input_fate(u32 prog_kind, u64 result);
const char *input_otherwise(u32 prog_kind); /* the name of all other results */
/* Does its context begin with the length of a packet? */
bool input_sized(u32 prog_kind);

#define INPUT_PACKET_BYTES 64 /* zeroes, where no packet is given */
#define ETHERNET_BYTES     14

#endif
