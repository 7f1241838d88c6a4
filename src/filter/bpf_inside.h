/* bpf_inside.h: what bpf.c and bpf_packet.c share: a filter that is being built as IR. */
#ifndef FILTER_BPF_INSIDE_H
#define FILTER_BPF_INSIDE_H

#include "codegen/codegen.h"
#include "filter/bpf.h"

#define NEED_ALL   UINT32_MAX /* no way from here takes the packet */
#define REACH_MOST 0x7f00     /* offsets that the kernel lets a program read directly */

enum load_kind { LOAD_NONE, LOAD_ABS, LOAD_REL, LOAD_HEADER };
enum reg { REG_A, REG_X, REG_M, REGS = REG_M + CBPF_WORDS };

struct need { /* bytes: from the lowest that is asked for on any way, to what all need */
	u32 lo, hi;
};
struct needs {
	struct need abs, rel; /* from the packet's start; from X */
};
struct reach { /* bytes that are there; slow: that were fetched */
	u32 lo, hi;
};
struct raw { /* bytes of the packet as they lie there, 0: none */
	u32 value, bytes;
};
struct known {
	struct reach abs, rel;
	u32 most[REGS]; /* no number above this */
	/* straight.c: */
	u32 here;                  /* bit 63: control is here; 0: it always is */
	struct raw raw;            /* that A is */
	u32 values[REGS], pointer; /* of the registers; of X in the packet */
};
struct building {
	struct ir_fn *f;
	const struct filter_hook *hook;
	const struct cbpf_insn *in;
	u32 n;
	u32 yes, no, result;
	u32 missing;   /* block for packets that lack bytes */
	bool slow;     /* bytes are fetched */
	bool straight; /* without branches: straight.c */
	struct needs *needs;
	u32 *blocks;
	struct known **at, now;
	u32 vars[REGS], rel;      /* rel: address of X in the packet */
	u32 ctx, data, end, size; /* values */
	u32 abs_bytes, rel_bytes; /* slots of fetched bytes */
};

static inline u32 get(struct building *b, enum reg reg)
{
	return ir_get(b->f, b->vars[reg]);
}

/* Goes on in a new block if the condition holds. */
static inline void go_on_if(struct building *b, u32 cond, u32 otherwise)
{
	u32 next = ir_block(b->f);

	ir_br(b->f, cond, next, otherwise);
	ir_seal(b->f, next);
	ir_at(b->f, next);
}

/* ---- bpf.c */
void know_both(struct building *, struct known *into, const struct known *other);
int put_insn(struct building *, u32 pc);

/* ---- straight.c */
#define STRAIGHT_BYTES 192 /* of a packet that are read, whatever it is */
/* From where the function is open, which ends there: returns what the filter does, or goes on in
 * another block that asks again. */
void straight_build(struct building *, u32 otherwise);
/* The packet has so many bytes from a place, a number or 0. */
void straight_want(struct building *, u32 at, u32 bytes);
/* A, which was `raw`, is masked. */
void straight_and(struct building *, struct raw, u32 k);

/* ---- bpf_packet.c. Values, 0: cannot be had here */
enum load_kind load_kind(const struct cbpf_insn *);
void packet_begin(struct building *);
u32 packet_len(struct building *);
u32 packet_extra(struct building *, u32 number); /* of enum cbpf_ancillary_id */
u32 packet_load(struct building *, const struct cbpf_insn *, u32 pc, u32 bytes);

#endif
