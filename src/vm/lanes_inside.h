/* lanes_inside.h: a filter for eight packets, on its way from classic BPF to machine code. */
#ifndef VM_LANES_INSIDE_H
#define VM_LANES_INSIDE_H

#include "vm/emit_x86_64.h"
#include "vm/lanes.h"

/* What a value is made by: numbers of 32 bits, one a lane. Masks are values, too: all bits or none.
 * LANE_OP(id, opcode): of a and b, by one instruction. */
enum lane_op {
	LANE_NONE,
	LANE_CONST, /* k */
	LANE_ORDER, /* how X_VSHUFFLE makes a number of `b` bytes at byte `a` of a word, as far as
		     * they are in it */
	LANE_GROUP, /* at offset k of the group */
	LANE_FIELD, /* `b` bytes of the packet, as a number, at a + k; a: an offset from the base */
	LANE_SHL,   /* a by k bits */
	LANE_SHR,
	LANE_TEST,   /* a mask: is slot k & a = b? a: 0: all bits. As bytes lie in memory */
	LANE_SELECT, /* b where the mask c is set, else a */
#define LANE_OP(id, opcode, either_way) LANE_##id,
#include "vm/lanes.def"
};

struct lane_value {
	u8 op;
	u32 a, b, c; /* values, 0: none */
	u32 k;
	u32 most; /* no number above this */
	u32 next; /* of its hash */
	bool used;
};

/* Sixteen bytes of each packet are loaded at once: a window. Those of its four words that have a
 * field are slots: a value each, as the bytes lie in memory. */
#define WINDOW_BYTES 16
#define WINDOW_SLOTS 4
struct lane_window {
	u32 index, from;            /* at index + from, as fields have it */
	u32 slots[WINDOW_SLOTS], n; /* numbers of slots, in the order in which they were wanted */
	bool loaded;
};
struct lane_slot {
	u32 window, word;
};
#define NO_SLOT UINT32_MAX
struct lane_place { /* of a field: its slots, and what brings their bytes to their places */
	struct {
		u32 slot, order; /* NO_SLOT: there is no second one */
	} part[2];
};

#define LANE_HASH 256
struct lanes_code {
	struct arena *arena;
	vec(struct lane_value) values; /* from 1 on, each behind what it is made of */
	u32 hash[LANE_HASH];
	u32 result;
	u32 unknown; /* of a sieve: a mask of those of which the result says nothing; 0: it is none
		      */
	struct lane_place *places; /* by value */
	vec(struct lane_slot) slots;
	vec(struct lane_window) windows;
};

/* lanes_build.c: 0, or -EOPNOTSUPP. */
int lanes_build(struct lanes_code *, const struct cbpf_insn *, u32 n);
/* Of classic BPF: a bit for each register. */
enum { LANE_A, LANE_X, LANE_M, LANE_REGS = LANE_M + CBPF_WORDS };
void lane_registers(const struct cbpf_insn *, u32 *reads, u32 *writes);
bool lane_is_abs(const struct cbpf_insn *); /* does it load from a fixed place of the packet? */
bool lane_is_rel(const struct cbpf_insn *); /* from one behind X? */
u32 lane_bytes(const struct cbpf_insn *);   /* that it loads */
/* lanes_sieve.c: makes of a filter one that says less, in less time; how many instructions that
 * has, 0: it is as it was. It returns LANE_UNKNOWN, too. */
#define LANE_UNKNOWN                               \
	{                                          \
		CBPF_RET | BPF_K, 1, 0, UINT32_MAX \
	}
u32 lanes_sieve(struct arena *, struct cbpf_insn *, u32 n);
/* lanes_join.c: changes the filter. live: registers that are read later, by instruction. */
void lanes_join(struct arena *, struct cbpf_insn *, u32 n, const u32 *live);
/* lanes_value.c: a value that is there already is found again; what is known is computed. */
u32 lane_value(struct lanes_code *, enum lane_op, u32 a, u32 b, u32 c, u32 k);
u32 lane_const(struct lanes_code *, u32 k);
u32 lane_bin(struct lanes_code *, enum lane_op, u32 a, u32 b);
u32 lane_group(struct lanes_code *, size_t field); /* of struct lanes_group: its offset there */
static inline u32 lane_most(const struct lanes_code *l, u32 v)
{
	return l->values.v[v].most;
}
static inline bool lane_is_const(const struct lanes_code *l, u32 v, u32 *k)
{
	*k = l->values.v[v].k;
	return l->values.v[v].op == LANE_CONST;
}
/* lanes_field.c: marks what the result needs, and lays out slots and windows. */
void lanes_fields(struct lanes_code *);

/* lanes_raw.c: for lanes_fields(): makes what is LANE_TEST. */
void lanes_raw(struct lanes_code *);

/* lanes_x86_64.c: a function that goes through groups until one has a packet that ends behind
 * `limit`. A sieve adds to a list the packets that it does not know: where their
 * lanes are, in bytes from the first group. (It writes up to eight numbers behind the list's end.)
 * 0 or -ENOMEM. */
struct lanes_ran {
	u64 left; /* groups */
	u16 *end; /* of the list */
};
typedef struct lanes_ran lanes_fn(const u8 *base, struct lanes_group *, u64 groups, u32 limit,
				  u16 *list);
int lanes_emit(struct lanes_code *, struct emit_code *);
bool lanes_cpu(void);

#endif
