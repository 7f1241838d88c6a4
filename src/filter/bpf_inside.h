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
struct known {
	struct reach abs, rel;
	u32 most[REGS]; /* no number above this */
};
struct building {
	struct ir_fn *f;
	const struct filter_hook *hook;
	const struct cbpf_insn *in;
	u32 n;
	u32 yes, no, result;
	u32 missing; /* block for packets that lack bytes */
	bool slow;   /* bytes are fetched */
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

/* ---- bpf_packet.c. Values, 0: cannot be had here */
enum load_kind load_kind(const struct cbpf_insn *);
void packet_begin(struct building *);
u32 packet_len(struct building *);
u32 packet_extra(struct building *, u32 number); /* of enum cbpf_ancillary_id */
u32 packet_load(struct building *, const struct cbpf_insn *, u32 pc, u32 bytes);

#endif
