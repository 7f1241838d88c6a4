/*
 * bare.h: our own machine without events: an object's programs are run one by one, on input that
 * the caller gives. What the user engine traces is in engine/user/; here nothing is traced.
 */
#ifndef ENGINE_BARE_BARE_H
#define ENGINE_BARE_BARE_H

#include "engine/engine.h"
#include "vm/vm.h"

struct bare_input;
struct bare_engine {
	struct engine base; /* first */
	struct vm *vm;
	struct vm_run *run;
	struct bare_input *in; /* of the last test: its memory serves the next */
};

/* context.c: a packet and its context in memory that the program may touch. */
#define BARE_HEADROOM 256 /* XDP_PACKET_HEADROOM */
#define BARE_TAILROOM 4096
struct bare_input {
	u8 *room;                   /* below 4 GiB: headroom, packet, tailroom */
	size_t room_size, room_cap; /* room_size 0: there is no packet */
	u8 *ctx;
	u32 ctx_size, ctx_cap;
	u8 input; /* enum engine_input */
};
/* Begin as zeroes; may be opened again after bare_input_close(). */
int bare_input_open(struct bare_input *, u32 prog_kind, const struct engine_test *);
/* Lends it to the run. 0 or -ENOSPC. */
int bare_input_lend(struct bare_input *, struct vm_run *);
/* The packet and the context as they are now. */
void bare_input_read(const struct bare_input *, u32 prog_kind, struct engine_test *);
void bare_input_close(struct bare_input *, struct vm_run *);
void bare_input_free(struct bare_input *);

extern const struct engine_ops bare_engine;

#endif
