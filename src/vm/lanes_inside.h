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
	LANE_ORDER, /* how X_VSHUFFLE makes a number of `b` bytes at byte `a` of a word */
	LANE_GROUP, /* at offset k of the group */
	LANE_FIELD, /* `b` bytes of the packet, as a number, at a + k; a: an offset from the base */
	LANE_SHL,   /* a by k bits */
	LANE_SHR,
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
	u32 guard;                  /* a mask: nobody else wants them; 0: none */
	bool loaded;
};
struct lane_slot {
	u32 window, word;
};
struct lane_place { /* of a field: its slot, and what brings its bytes to their places */
	u32 slot, order;
};

struct lane_load { /* a field is wanted by these lanes */
	u32 field, here;
};

#define LANE_HASH 256
struct lanes_code {
	struct arena *arena;
	vec(struct lane_value) values; /* from 1 on, each behind what it is made of */
	u32 hash[LANE_HASH];
	u32 result;
	vec(struct lane_load) loads;
	struct lane_place *places; /* by value */
	vec(struct lane_slot) slots;
	vec(struct lane_window) windows;
};

/* lanes_build.c: 0, or -EOPNOTSUPP. */
int lanes_build(struct lanes_code *, const struct cbpf_insn *, u32 n);
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

/* lanes_x86_64.c: a function that goes through groups until one has a packet that ends behind
 * `limit`; returns how many groups are left. 0 or -ENOMEM. */
typedef u64 lanes_fn(const u8 *base, struct lanes_group *, u64 groups, u32 limit);
int lanes_emit(struct lanes_code *, struct emit_code *);
bool lanes_cpu(void);

#endif
